//! What a policy leaves to taste: words without a measure, measures without a statistic, paths that age.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::evidence::quantity::Quantity;
use crate::findings::{Findings, nearest};
use crate::id::Name;
use crate::policy::globs::untouched;
use crate::policy::{Gate, Pipeline, Policy, same_path};

/// Words that two people read in two ways.
const VAGUE: &[&str] = &[
    "acceptable",
    "adequate",
    "appropriate",
    "good enough",
    "high",
    "low",
    "normal",
    "reasonable",
    "significant",
    "stable",
    "sudden",
    "sufficient",
    "too many",
    "unusual",
    "적절",
    "충분",
    "안정",
    "양호",
    "과도",
    "급증",
];

/// Words that say which statistic of many values is meant.
const STATISTICS: &[&str] =
    &["avg", "mean", "median", "min", "max", "total", "sum", "p50", "p75", "p90", "p95", "p99", "p999"];

/// How many bytes a path that was meant may be longer or shorter.
const SLIP: usize = 8;

/// Doubts about wording; `tree` are the paths of the source tree, where there is one to compare with.
pub fn check(policy: &Policy, tree: Option<&[String]>, findings: &mut Findings) {
    for pipeline in &policy.pipelines {
        for trigger in pipeline.triggers.iter().filter(|trigger| trigger.band.is_none()) {
            let text = trigger.text.as_deref().unwrap_or_default();
            if let Some(word) = vague(text) {
                let message = format!("trigger `{}` says {word:?}, which two people read in two ways", trigger.id);
                findings.add_help(trigger.span.clone(), message, "give it a metric and a band");
            }
        }
        check_paths(pipeline, findings);
        for gate in &pipeline.gates {
            check_gate(gate, tree, findings);
        }
    }
    check_cadence(policy, findings);
}

fn vague(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let whole = |word: &str| lower.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
    // Korean words take endings; English ones stand alone.
    VAGUE
        .iter()
        .copied()
        .find(|word| if word.is_ascii() && !word.contains(' ') { whole(word) } else { lower.contains(word) })
}

fn check_gate(gate: &Gate, tree: Option<&[String]>, findings: &mut Findings) {
    for rule in &gate.rules {
        for expect in &rule.expect {
            let name = expect.name().to_lowercase();
            let measured = expect.to_string().split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
            let is_time = Quantity::parse(&measured).is_some_and(|q| ["ms", "s", "us", "min"].contains(&q.unit()));
            let told = name.split(['_', '.', '-']).any(|part| STATISTICS.contains(&part));
            if is_time && !told && rule.formats.contains(&"measurements") {
                let message = format!("rule `{}`: {expect} does not say of which statistic", rule.id);
                findings.add_help(rule.span.clone(), message, format!("{name}_p95, {name}_avg, {name}_max"));
            }
        }
        let globs = rule.when_changed.iter().map(String::as_str);
        for glob in tree.map(|tree| untouched(globs, tree)).unwrap_or_default() {
            let message = format!("rule `{}`: no path of the source tree matches {glob:?}", rule.id);
            findings.add(rule.span.clone(), message);
        }
        if let Some((file, tree)) = rule.file.as_ref().zip(tree) {
            check_there(&rule.span, &rule.id, &file.to_string(), tree, findings);
        }
        for path in rule.file.iter().chain(&rule.template) {
            check_date(&path.to_string(), &rule.span, findings);
        }
    }
}

/// A document that nobody wrote yet, or under another name. What has {version} in it is of a release to come.
fn check_there(span: &Range<usize>, rule: &Name, file: &str, tree: &[String], findings: &mut Findings) {
    if file.contains('{') || tree.iter().any(|path| same_path(path, file)) {
        return;
    }
    let message = format!("rule `{rule}`: {file} is not in the source tree");
    // A tree can have very many paths, and only one about as long is meant.
    let alike = tree.iter().map(String::as_str).filter(|path| path.len().abs_diff(file.len()) <= SLIP);
    match nearest(file, alike) {
        Some(near) => findings.add_help(span.clone(), message, format!("did you mean {near}?")),
        None => findings.add(span.clone(), message),
    }
}

/// One artifact in two places, and days written into paths.
fn check_paths(pipeline: &Pipeline, findings: &mut Findings) {
    let span = pipeline.gates.first().map_or(0..0, |gate| gate.span.clone());
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let files = pipeline.gates.iter().flat_map(|gate| gate.rules.iter().filter_map(|rule| rule.file.as_ref()));
    for path in pipeline.artifacts.iter().map(|artifact| &artifact.path).chain(files).map(ToString::to_string) {
        let Some((folder, name)) = path.rsplit_once('/').filter(|(_, name)| name.contains('{')) else { continue };
        match known.insert(name.to_owned(), folder.to_owned()) {
            Some(other) if other != folder => {
                findings.add(
                    span.clone(),
                    format!("{name} lies in {other} and in {folder}: which is the one that counts?"),
                );
            }
            _ => {}
        }
    }
    for path in
        pipeline.artifacts.iter().map(|artifact| artifact.path.to_string()).chain(pipeline.documents.values().cloned())
    {
        check_date(&path, &span, findings);
    }
}

/// `2025-09-29` or `20250929` in a path: the next release has another.
fn check_date(path: &str, span: &Range<usize>, findings: &mut Findings) {
    let digits: Vec<&str> = path.split(|c: char| !c.is_ascii_digit() && c != '-').collect();
    let is_day = |part: &&&str| {
        let bare = part.replace('-', "");
        let day = chrono::NaiveDate::parse_from_str(&bare, "%Y%m%d");
        bare.len() == 8 && (part.len() == 8 || part.len() == 10) && day.is_ok()
    };
    if let Some(day) = digits.iter().find(is_day) {
        let message = format!("{path} names the day {day}: the next release has another");
        findings.add_help(span.clone(), message, "use {version}");
    }
}

/// One recurring control with two rhythms.
fn check_cadence(policy: &Policy, findings: &mut Findings) {
    let mut known = BTreeMap::new();
    for required in
        policy.gates().flat_map(|(_, gate)| &gate.requires_elsewhere).filter(|required| required.any_release)
    {
        match known.insert(required.full_name(), required.within) {
            Some(other) if other != required.within => {
                let said = |within: Option<i64>| within.map_or("no limit".to_owned(), crate::policy::span);
                let message = format!(
                    "{} is required within {} and within {}",
                    required.full_name(),
                    said(other),
                    said(required.within)
                );
                findings.add(required.span.clone(), message);
            }
            _ => {}
        }
    }
}
