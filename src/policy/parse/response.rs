//! Freezes, triggers and ways back of a pipeline.

use toml::de::DeValue;

use super::values::{choice, duration, name, names, required_instant, required_name, roles};
use crate::entry::kinds::TriggerClass;
use crate::findings::{Findings, Table};
use crate::policy::Freeze;
use crate::policy::response::{Band, RollbackOption, Step, TriggerRule};
use crate::sign::roster::checked;

const CLASSES: &[(&str, TriggerClass)] =
    &[("immediate", TriggerClass::Immediate), ("evaluate", TriggerClass::Evaluate)];

pub fn read_freeze(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Freeze> {
    let span = table.span();
    let from = required_instant(&mut table, "from", findings);
    let to = required_instant(&mut table, "to", findings);
    let reason = table.required("reason", findings).map(str::to_owned);
    let gates = names(&mut table, "gates", findings);
    table.finish(findings);
    let (from, to) = (from?, to?);
    if from >= to {
        findings.add(span.clone(), "the freeze ends before it begins");
    }
    Some(Freeze { from, to, reason: reason?, gates, span })
}

pub fn read_trigger(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<TriggerRule> {
    let span = table.span();
    let id = required_name(&mut table, "id", findings);
    table.required("class", findings);
    let class = choice(&mut table, "class", CLASSES, findings);
    let metric = name(&mut table, "metric", findings);
    let band = table.text("band", findings);
    let band = band.and_then(|band| checked(Band::parse(band), table.span_of("band"), findings));
    let option = name(&mut table, "option", findings);
    let decide = names(&mut table, "decide", findings);
    let within = duration(&mut table, "within", findings);
    let text = table.text("text", findings).map(str::to_owned);
    match class {
        Some(TriggerClass::Immediate) if option.is_none() => {
            findings.add(span.clone(), "an immediate trigger needs `option`: the way back it asks for");
        }
        Some(TriggerClass::Evaluate) if decide.is_empty() || within.is_none() => {
            findings.add(span.clone(), "a trigger to be evaluated needs `decide` (roles) and `within`");
        }
        _ => {}
    }
    table.finish(findings);
    Some(TriggerRule { id: id?, class: class?, metric, band, option, decide, within, text, span })
}

pub fn read_rollback(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<RollbackOption> {
    let span = table.span();
    let id = required_name(&mut table, "id", findings);
    let text = table.text("text", findings).map(str::to_owned);
    let expected = duration(&mut table, "expected", findings);
    let steps = read_steps(&mut table, findings);
    if steps.is_empty() {
        findings.add(span.clone(), "a way back needs `steps`");
    }
    let validation = names(&mut table, "validation", findings);
    if validation.is_empty() {
        findings.add(span.clone(), "a way back needs `validation`: slots whose evidence shows that it worked");
    }
    let roles = roles(&mut table, findings);
    table.finish(findings);
    Some(RollbackOption { id: id?, text, expected, steps, validation, roles, span })
}

/// `"text"`, or `{ text = "…", optional = true }` for a step that is not always needed.
fn read_steps(table: &mut Table<'_, '_>, findings: &mut Findings) -> Vec<Step> {
    let Some(value) = table.value("steps") else { return Vec::new() };
    let Some(items) = value.get_ref().as_array() else {
        findings.add(value.span(), "`steps` must be an array");
        return Vec::new();
    };
    let mut steps = Vec::new();
    for item in items {
        match item.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => {
                steps.push(Step { text: text.to_string(), optional: false });
            }
            DeValue::Table(entries) => {
                let mut step = Table::new(entries, item.span(), "a step");
                let text = step.required("text", findings).map(str::to_owned);
                let optional = step.flag("optional", findings);
                step.finish(findings);
                steps.extend(text.map(|text| Step { text, optional }));
            }
            _ => findings.add(item.span(), "a step is \"text\" or { text = \"…\", optional = true }"),
        }
    }
    steps
}
