//! A policy in sentences, one for each thing it says, and what another policy says differently.

use std::collections::BTreeMap;

use super::response::{RollbackOption, TriggerRule};
use super::rules::{list, span, without_attempt};
use super::{Elsewhere, Gate, Pipeline, Policy, WaiverRule};
use crate::entry::kinds::TriggerClass;
use crate::id::Name;

/// What becomes of each thing: `+` is new, `-` is gone, `~` says something else now.
pub fn differences(before: &Policy, after: &Policy) -> Vec<String> {
    let (old, new) = (sentences(before), sentences(after));
    let mut lines = Vec::new();
    for (what, said) in &new {
        match old.get(what) {
            None => lines.push(format!("+ {what}: {said}")),
            Some(earlier) if earlier != said => {
                lines.push(format!("~ {what}: {said}"));
                lines.push(format!("    before: {earlier}"));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        old.iter().filter(|(what, _)| !new.contains_key(*what)).map(|(what, said)| format!("- {what}: {said}")),
    );
    lines
}

/// Everything but people, by its name: gates, rules, approvals, waivers, freezes, triggers, ways back.
fn sentences(policy: &Policy) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    all.insert("time zone".to_owned(), policy.zone.name().to_owned());
    for pipeline in &policy.pipelines {
        let name = &pipeline.id;
        all.insert(format!("{name} folder"), pipeline.folder.to_string());
        all.insert(format!("{name} is bound to"), format!("{:?}", pipeline.bind).to_lowercase());
        let artifacts = pipeline.artifacts.iter();
        all.extend(artifacts.map(|a| (format!("{name} artifact {}", a.name), a.path.to_string())));
        for gate in &pipeline.gates {
            of_gate(policy, pipeline, gate, &mut all);
        }
        for freeze in &pipeline.freezes {
            let gates = if freeze.gates.is_empty() { "every gate".to_owned() } else { list(&freeze.gates, ", ") };
            let said = format!("{gates} until {}: {}", freeze.to, freeze.reason);
            all.insert(format!("{name} freeze from {}", freeze.from), said);
        }
        all.extend(pipeline.triggers.iter().map(|rule| (format!("{name} trigger {}", rule.id), of_trigger(rule))));
        let rollbacks = pipeline.rollbacks.iter().enumerate();
        all.extend(rollbacks.map(|(at, option)| (format!("{name} rollback {}", option.id), of_rollback(at, option))));
    }
    all
}

fn of_gate(policy: &Policy, pipeline: &Pipeline, gate: &Gate, all: &mut BTreeMap<String, String>) {
    let name = format!("{}/{}", pipeline.id, gate.id);
    let here = gate.requires.iter().map(ToString::to_string);
    let elsewhere = gate.requires_elsewhere.iter().map(of_elsewhere);
    let required: Vec<String> = here.chain(elsewhere).collect();
    let required = if required.is_empty() { "no gate before it".to_owned() } else { required.join(", ") };
    all.insert(format!("{name} requires"), required);
    for outcome in without_attempt(policy, gate) {
        let parts = outcome.parts.iter().map(|part| (format!("{name} {}", part.id), part.need.clone()));
        all.extend(parts);
        all.insert(format!("{name} {}", outcome.id), outcome.need);
    }
    for soak in &gate.soaks {
        all.insert(format!("{name} {}", soak.id), format!("{} since {}", span(soak.least), soak.since));
    }
    for approval in &gate.approvals {
        let forbid: Vec<String> =
            approval.forbid.iter().map(|(hat, severity)| format!("{hat:?} {severity:?}")).collect();
        if !forbid.is_empty() {
            all.insert(format!("{name} {} forbids", approval.id), forbid.join(", ").to_lowercase());
        }
    }
    if gate.distinct {
        all.insert(format!("{name} approvals"), "each wants people of its own".to_owned());
    }
    all.extend(gate.waiver.iter().map(|waiver| (format!("{name} waivers"), of_waiver(waiver))));
    all.extend(gate.break_glass.iter().map(|glass| {
        let review = format!("reviewed by {} within {}", list(&glass.reviewers, " or "), span(glass.review_within));
        (format!("{name} broken glass"), format!("{}, {review}", of_waiver(&glass.waiver)))
    }));
}

fn of_elsewhere(required: &Elsewhere) -> String {
    let which = if required.any_release { " of some release" } else { "" };
    let age = required.within.map(|within| format!(" within {}", span(within))).unwrap_or_default();
    format!("{}{which}{age}", required.full_name())
}

fn of_waiver(waiver: &WaiverRule) -> String {
    let rules = if waiver.rules.is_empty() { "any rule".to_owned() } else { list(&waiver.rules, ", ") };
    format!("{rules} by {} for at most {}", list(&waiver.roles, " or "), span(waiver.longest))
}

fn of_trigger(rule: &TriggerRule) -> String {
    let when = match (&rule.metric, &rule.band) {
        (Some(metric), Some(band)) => format!("{metric} {band}"),
        (None, Some(band)) => band.to_string(),
        _ => rule.text.clone().unwrap_or_else(|| "whoever sees it says so".to_owned()),
    };
    match rule.class {
        TriggerClass::Immediate => format!("{when}: {}", rule.option.as_ref().map_or("", Name::as_str)),
        TriggerClass::Evaluate => {
            let due = rule.within.map(span).unwrap_or_default();
            format!("{when}: {} decides within {due}", list(&rule.decide, " or "))
        }
    }
}

fn of_rollback(at: usize, option: &RollbackOption) -> String {
    let steps: Vec<&str> = option.steps.iter().map(|step| step.text.as_str()).collect();
    format!("{}. to try: {}; shown by {}", at + 1, steps.join("; "), list(&option.validation, ", "))
}
