//! One gate: what it requires, its rules, and who opens it.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::values::{duration, name, names, required_duration, required_name};
use super::{approval, rule};
use crate::findings::{Findings, Table};
use crate::id::Name;
use crate::policy::{ArtifactTemplate, Earlier, Elsewhere, Gate, Group, Rule, Soak};
use crate::sign::roster::checked;

pub fn read(mut table: Table<'_, '_>, artifacts: &[ArtifactTemplate], findings: &mut Findings) -> Option<Gate> {
    let span = table.span();
    let id = required_name(&mut table, "id", findings);
    let shown = name(&mut table, "name", findings).or_else(|| id.clone());
    let labels = read_labels(&mut table, findings);
    let (requires, requires_elsewhere) = read_requires(&mut table, findings);
    let (mut rules, mut groups) = rule::read_all(&mut table, artifacts, findings);
    groups.extend(table.tables("group", findings).into_iter().filter_map(|group| read_group(group, findings)));
    resolve_earlier(&mut rules, &groups);
    let soaks = one_or_many(&mut table, "soak", findings).into_iter();
    let soaks: Vec<Soak> = soaks.filter_map(|soak| read_soak(soak, findings)).collect();
    let approvals = approval::read_all(&mut table, &rules, findings);
    let distinct = table.flag("distinct", findings);
    let waiver = table.table("waiver", findings).and_then(|waiver| approval::read_waiver(waiver, findings));
    let break_glass =
        table.table("break_glass", findings).and_then(|glass| approval::read_break_glass(glass, findings));
    let recheck = table.texts("recheck", findings);
    for (word, span) in recheck.iter().filter(|(word, _)| *word != "policy") {
        findings.add(span.clone(), format!("unknown recheck {word:?}: use \"policy\" (evidence is always rechecked)"));
    }
    if approvals.is_empty() {
        findings.add(span.clone(), "a gate needs an approval: without one nobody answers for it");
    }
    table.finish(findings);
    Some(Gate {
        id: id?,
        name: shown?,
        labels,
        requires,
        requires_elsewhere,
        rules,
        groups,
        soaks,
        approvals,
        distinct,
        waiver,
        break_glass,
        recheck_policy: !recheck.is_empty(),
        span,
    })
}

/// What comes first is another rule or group of the gate, or else a gate of the pipeline.
fn resolve_earlier(rules: &mut [Rule], groups: &[Group]) {
    let own: Vec<Name> =
        rules.iter().map(|rule| &rule.id).chain(groups.iter().map(|group| &group.id)).cloned().collect();
    for earlier in rules.iter_mut().flat_map(|rule| &mut rule.after) {
        if own.contains(earlier.name()) {
            *earlier = Earlier::Rule(earlier.name().clone());
        }
    }
}

fn read_labels(table: &mut Table<'_, '_>, findings: &mut Findings) -> BTreeMap<String, String> {
    let labels = table.table("label", findings).map(|labels| labels.pairs(findings)).unwrap_or_default();
    labels.into_iter().map(|(language, text, _)| (language.to_owned(), text.to_owned())).collect()
}

/// A table, or an array of tables where there are several.
pub fn one_or_many<'t, 'i>(
    table: &mut Table<'t, 'i>,
    key: &'static str,
    findings: &mut Findings,
) -> Vec<Table<'t, 'i>> {
    match table.value(key) {
        None => Vec::new(),
        Some(value) if value.get_ref().is_array() => table.tables(key, findings),
        Some(_) => table.table(key, findings).into_iter().collect(),
    }
}

/// `"alpha"`, `"routing/stage1"`, or `{ gate = "controls/drill", release = "any", within = "90d" }`.
fn read_requires(table: &mut Table<'_, '_>, findings: &mut Findings) -> (Vec<Name>, Vec<Elsewhere>) {
    let (mut here, mut elsewhere) = (Vec::new(), Vec::new());
    let Some(value) = table.value("requires") else { return (here, elsewhere) };
    let one = std::slice::from_ref(value);
    let items = value.get_ref().as_array().map_or(one, |items| items.as_ref());
    for item in items {
        let span = item.span();
        match item.get_ref() {
            DeValue::String(text) if text.contains('/') => {
                elsewhere.extend(full_name(text, &span, findings).map(|(pipeline, gate)| Elsewhere {
                    pipeline,
                    gate,
                    any_release: false,
                    within: None,
                    span,
                }));
            }
            DeValue::String(text) => here.extend(checked(Name::parse(text), span, findings)),
            DeValue::Table(entries) => {
                let inner = Table::new(entries, span, "an item of `requires`");
                elsewhere.extend(read_elsewhere(inner, findings));
            }
            _ => findings.add(span, "`requires` takes \"gate\", \"pipeline/gate\" or { gate = …, within = … }"),
        }
    }
    (here, elsewhere)
}

fn read_elsewhere(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Elsewhere> {
    let span = table.span();
    let gate = table.required("gate", findings).map(str::to_owned);
    let gate = gate.and_then(|gate| full_name(&gate, &table.span_of("gate"), findings));
    let releases = [("same", false), ("any", true)];
    let any_release = super::choice(&mut table, "release", &releases, findings).unwrap_or(false);
    let within = duration(&mut table, "within", findings);
    table.finish(findings);
    let (pipeline, gate) = gate?;
    Some(Elsewhere { pipeline, gate, any_release, within, span })
}

fn full_name(text: &str, span: &std::ops::Range<usize>, findings: &mut Findings) -> Option<(Name, Name)> {
    let Some((pipeline, gate)) = text.split_once('/') else {
        findings.add(span.clone(), format!("{text:?} names no pipeline: write \"pipeline/gate\""));
        return None;
    };
    let mut part = |text: &str| checked(Name::parse(text), span.clone(), findings);
    part(pipeline).zip(part(gate))
}

fn read_group(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Group> {
    let span = table.span();
    let id = required_name(&mut table, "id", findings);
    table.required("rules", &mut Findings::default());
    let members = names(&mut table, "rules", findings);
    let at_least = table.count("at_least", 1, findings);
    if members.len() < 2 {
        findings.add(table.span_of("rules"), "a group needs at least two rules");
    }
    if usize::try_from(at_least).is_ok_and(|least| least > members.len()) {
        findings.add(table.span_of("at_least"), format!("{at_least} of {} rules can never be", members.len()));
    }
    table.finish(findings);
    Some(Group { id: id?, at_least, members, span })
}

fn read_soak(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Soak> {
    let span = table.span();
    let since = required_name(&mut table, "since", findings);
    let least = required_duration(&mut table, "least", findings);
    let id = name(&mut table, "id", findings).or_else(|| Name::parse("soak").ok());
    table.finish(findings);
    Some(Soak { id: id?, since: since?, least: least?, span })
}
