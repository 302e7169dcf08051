//! One rule about evidence, or one a target where it names several.

use std::ops::Range;

use super::values::{choice, duration, name, names, path_template, required_duration, required_name};
use crate::evidence::facts::Expect;
use crate::evidence::readers;
use crate::findings::{Findings, Table, nearest};
use crate::id::Name;
use crate::policy::globs;
use crate::policy::{Agreement, ArtifactCheck, ArtifactTemplate, Earlier, Files, Group, Reach, Rule, RuleName, Window};
use crate::sign::roster::checked;

const REACHES: &[(&str, Reach)] = &[("attempt", Reach::Attempt), ("release", Reach::Release)];
const CHECKS: &[(&str, ArtifactCheck)] = &[
    ("recorded", ArtifactCheck::Recorded),
    ("published", ArtifactCheck::Published),
    ("quoted", ArtifactCheck::Quoted),
];

/// The rules of a gate, and the groups that bind one rule a target together.
pub fn read_all(
    table: &mut Table<'_, '_>,
    artifacts: &[ArtifactTemplate],
    findings: &mut Findings,
) -> (Vec<Rule>, Vec<Group>) {
    let (mut rules, mut groups) = (Vec::new(), Vec::new());
    for mut rule in table.tables("rule", findings) {
        let targets = names(&mut rule, "targets", findings);
        let Some(rule) = read(rule, artifacts, findings) else { continue };
        match targets.as_slice() {
            [] => rules.push(rule),
            [_] => findings.add(rule.span.clone(), "`targets` needs at least two: one target is a rule of its own"),
            targets => {
                let of_targets: Vec<Rule> = targets.iter().filter_map(|at| for_target(&rule, at, findings)).collect();
                let members: Vec<Name> = of_targets.iter().map(|rule| rule.id.clone()).collect();
                let at_least = u32::try_from(members.len()).unwrap_or(u32::MAX);
                groups.push(Group { id: rule.id, at_least, members, span: rule.span });
                rules.extend(of_targets);
            }
        }
    }
    (rules, groups)
}

/// The same rule for one target, whose evidence has a slot of its own.
fn for_target(rule: &Rule, target: &Name, findings: &mut Findings) -> Option<Rule> {
    let named = |name: &Name| Name::parse(&format!("{name}-{target}"));
    let id = checked(named(&rule.id), rule.span.clone(), findings)?;
    let slot = checked(named(&rule.slot), rule.span.clone(), findings)?;
    Some(Rule { id, slot, ..rule.clone() })
}

fn read(mut table: Table<'_, '_>, artifacts: &[ArtifactTemplate], findings: &mut Findings) -> Option<Rule> {
    let span = table.span();
    let id = required_name(&mut table, "id", findings);
    let slot = name(&mut table, "slot", findings).or_else(|| id.clone());
    let formats = read_formats(&mut table, findings);
    let file = path_template(&mut table, "file", findings);
    let files = read_files(&mut table, findings);
    if let (Some(_), true) = (&files, file.is_some()) {
        findings.add(table.span_of("files"), "`file` and `files`: say one of them");
    }
    let template = path_template(&mut table, "template", findings);
    let values = read_values(&mut table, &formats, findings);
    let section = table.text("section", findings).map(str::to_owned);
    let expect = table.texts("expect", findings);
    let expect = expect.into_iter().filter_map(|(text, span)| checked(Expect::parse(text), span, findings)).collect();
    let by = names(&mut table, "by", findings);
    let within = duration(&mut table, "within", findings);
    let reach = choice(&mut table, "reach", REACHES, findings).unwrap_or(Reach::Attempt);
    let check = choice(&mut table, "artifacts", CHECKS, findings);
    if check.is_some() && artifacts.is_empty() {
        findings.add(table.span_of("artifacts"), "the pipeline declares no artifacts to check");
    }
    let changed_since = name(&mut table, "changed_since", findings);
    let links_gates = table.flag("links_gates", findings);
    let after = names(&mut table, "after", findings).into_iter().map(Earlier::Gate).collect();
    let window = table.table("window", findings).and_then(|window| read_window(window, findings));
    let when = table.table("when", findings);
    let when_changed = when.map(|when| read_when(when, findings)).unwrap_or_default();
    let unless = table.text("unless", findings).map(str::to_owned);
    let unless = unless.and_then(|text| rule_name(&text, table.span_of("unless"), findings));
    let agrees = table.table("agrees", findings).map(|agrees| read_agrees(agrees, findings)).unwrap_or_default();
    table.finish(findings);
    Some(Rule {
        id: id?,
        slot: slot?,
        formats,
        file,
        files,
        values,
        template,
        section,
        expect,
        by,
        within,
        reach,
        artifacts: check,
        changed_since,
        links_gates,
        after,
        window,
        when_changed,
        unless,
        agrees,
        span,
    })
}

fn read_formats(table: &mut Table<'_, '_>, findings: &mut Findings) -> Vec<&'static str> {
    let mut formats = Vec::new();
    for (text, span) in table.texts("format", findings) {
        match readers::formats().find(|format| *format == text) {
            Some(format) => formats.push(format),
            None => {
                let help = nearest(text, readers::formats()).map_or_else(
                    || format!("use {}", readers::formats().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                findings.add_help(span, format!("unknown format {text:?}"), help);
            }
        }
    }
    if formats.is_empty() {
        formats.push("file");
    }
    formats
}

/// `files`, a glob below a folder, and which of its matches are `pick`ed.
fn read_files(table: &mut Table<'_, '_>, findings: &mut Findings) -> Option<Files> {
    let picks = [("latest", false), ("all", true)];
    let all = choice(table, "pick", &picks, findings);
    // Braces stand for alternatives in a glob; of placeholders there is one.
    let text = table.text("files", findings)?.replace("{version}", "\u{0}").replace("<버전>", "\u{0}");
    let span = table.span_of("files");
    checked(globs::check(&text.replace('\0', "0")), span.clone(), findings)?;
    if text.contains(['\\', ':']) || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        findings.add(span, "`files` must be a glob inside the repository, with forward slashes");
    } else if globs::folder(&text).is_none() {
        findings.add_help(span, "`files` must name a folder first", "such as \"logs/qa/build_*.log\"");
    }
    Some(Files { glob: text.replace('\0', "{version}"), all: all.unwrap_or(false) })
}

fn read_values(table: &mut Table<'_, '_>, formats: &[&str], findings: &mut Findings) -> Vec<(String, String)> {
    let values = table.table("values", findings).map(|values| values.pairs(findings)).unwrap_or_default();
    let check = |(name, place, span): (&str, &str, Range<usize>)| {
        checked(readers::check_value(formats, name, place), span, findings)
            .map(|()| (name.to_owned(), place.to_owned()))
    };
    values.into_iter().filter_map(check).collect()
}

fn read_window(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Window> {
    let since = required_name(&mut table, "since", findings);
    let from = duration(&mut table, "from", findings).unwrap_or_default();
    let to = required_duration(&mut table, "to", findings);
    let every = duration(&mut table, "every", findings);
    let samples = table.count("samples", 1, findings);
    let (since, to) = (since?, to?);
    if from >= to {
        findings.add(table.span(), "the window ends before it begins");
    }
    if every.is_some_and(|every| every > to - from || (to - from) / every > MOST_SAMPLES) {
        findings.add(
            table.span_of("every"),
            format!("`every` must part the window into at least one and at most {MOST_SAMPLES} stretches"),
        );
    }
    table.finish(findings);
    Some(Window { since, from, to, every, samples })
}

/// A window of a month, sampled every ten minutes, has 4,464.
const MOST_SAMPLES: i64 = 10_000;

fn read_when(mut table: Table<'_, '_>, findings: &mut Findings) -> Vec<String> {
    let texts = table.texts("changed", findings);
    if texts.is_empty() {
        findings.add(table.span(), "`when` needs `changed`: globs such as \"prompts/**\"");
    }
    let check =
        |(text, span): (&str, Range<usize>)| checked(globs::check(text), span, findings).map(|()| text.to_owned());
    let globs = texts.into_iter().filter_map(check).collect();
    table.finish(findings);
    globs
}

/// `rule` or `gate/rule`.
fn rule_name(text: &str, span: Range<usize>, findings: &mut Findings) -> Option<RuleName> {
    let (gate, rule) = text.split_once('/').map_or((None, text), |(gate, rule)| (Some(gate), rule));
    let gate = match gate {
        Some(gate) => Some(checked(Name::parse(gate), span.clone(), findings)?),
        None => None,
    };
    Some(RuleName { gate, rule: checked(Name::parse(rule), span, findings)? })
}

/// `{ version = "update-bat.version" }`: a fact of this rule, and one of another.
fn read_agrees(table: Table<'_, '_>, findings: &mut Findings) -> Vec<Agreement> {
    let mut agrees = Vec::new();
    for (fact, of, span) in table.pairs(findings) {
        let Some((rule, other)) = of.split_once('.') else {
            findings.add(span, format!("{of:?} names no fact: write \"rule.fact\""));
            continue;
        };
        let rule = checked(Name::parse(rule), span, findings);
        agrees.extend(rule.map(|rule| Agreement { fact: fact.to_owned(), rule, other: other.to_owned() }));
    }
    agrees
}
