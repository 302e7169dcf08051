//! Slots that two rules take for their own, and digests that nobody records.

use crate::findings::Findings;
use crate::policy::{ArtifactCheck, Gate, Pipeline, Rule};

pub fn check(pipeline: &Pipeline, findings: &mut Findings) {
    pipeline.gates.iter().for_each(|gate| check_targets(gate, findings));
    let rules = || pipeline.gates.iter().flat_map(|gate| &gate.rules);
    if rules().any(|rule| rule.artifacts == Some(ArtifactCheck::Recorded)) {
        return;
    }
    if let Some(rule) = rules().find(|rule| rule.artifacts.is_some()) {
        let message = format!("rule `{}` compares digests of artifacts, and no rule has them recorded", rule.id);
        findings.add_help(
            rule.span.clone(),
            message,
            "add a rule with `format = \"artifact\", artifacts = \"recorded\"`",
        );
    }
}

/// A target's slot is made of two names, so two rules can come to the same one: evidence for one target would
/// count for another.
fn check_targets(gate: &Gate, findings: &mut Findings) {
    let is_target = |rule: &Rule| gate.groups.iter().any(|group| group.span == rule.span);
    for (at, rule) in gate.rules.iter().enumerate().filter(|(_, rule)| is_target(rule)) {
        let mut others = gate.rules.iter().enumerate().filter(|(other, _)| *other != at);
        if let Some((_, other)) = others.find(|(_, other)| other.slot == rule.slot && other.span != rule.span) {
            let message = format!("`{}` and `{}` share the slot {}", rule.id, other.id, rule.slot);
            findings.add_help(rule.span.clone(), message, "name the slot or the target differently");
        }
    }
}
