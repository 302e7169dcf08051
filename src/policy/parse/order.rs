//! What a pipeline's parts say of one another: every name is there, once, and no gate waits for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::findings::Findings;
use crate::id::{Name, fold};
use crate::policy::circles::{Waits, stuck};
use crate::policy::response::RollbackOption;
use crate::policy::{Earlier, Gate, Pipeline, Rule};

/// Gates that other pipelines require are there, and no circle runs through several pipelines.
pub fn check_pipelines(pipelines: &[Pipeline], findings: &mut Findings) {
    for (pipeline, gate) in pipelines.iter().flat_map(|p| p.gates.iter().map(move |gate| (p, gate))) {
        for required in &gate.requires_elsewhere {
            let other = pipelines.iter().find(|other| other.id == required.pipeline);
            if other.and_then(|other| other.gate(&required.gate)).is_none() {
                let message = format!("gate `{}` requires `{}`, which is no gate", gate.id, required.full_name());
                findings.add(required.span.clone(), message);
            } else if required.pipeline == pipeline.id {
                let message =
                    format!("`{}` is a gate of this pipeline: write \"{}\"", required.full_name(), required.gate);
                findings.add(required.span.clone(), message);
            }
        }
    }
    let all = || pipelines.iter().flat_map(|p| p.gates.iter().map(move |gate| (p, gate)));
    let requires = all().map(|(pipeline, gate)| {
        let here = gate.requires.iter().map(|required| (&pipeline.id, required));
        let elsewhere = gate.requires_elsewhere.iter().map(|required| (&required.pipeline, &required.gate));
        ((&pipeline.id, &gate.id), Waits::all(here.chain(elsewhere).collect()))
    });
    let circles = stuck(&requires.collect());
    for (_, gate) in all().filter(|(pipeline, gate)| circles.contains(&(&pipeline.id, &gate.id))) {
        findings.add(gate.span.clone(), format!("gate `{}` requires itself", gate.id));
    }
}

/// The same inside one pipeline, down to rules, triggers and ways back.
pub fn check(pipeline: &Pipeline, findings: &mut Findings) {
    let gates = &pipeline.gates;
    check_distinct("gate", gates.iter().map(|gate| (&gate.id, &gate.span)), findings);
    let shown = gates.iter().filter(|gate| fold(gate.name.as_str()) != fold(gate.id.as_str()));
    check_distinct("gate", shown.map(|gate| (&gate.name, &gate.span)), findings);
    gates.iter().for_each(|gate| check_gate(pipeline, gate, findings));
    for freeze in &pipeline.freezes {
        for gate in freeze.gates.iter().filter(|gate| pipeline.gate(gate).is_none()) {
            findings.add(freeze.span.clone(), format!("the freeze names `{gate}`, which is no gate of this pipeline"));
        }
    }
    check_distinct("trigger", pipeline.triggers.iter().map(|trigger| (&trigger.id, &trigger.span)), findings);
    check_distinct("rollback", pipeline.rollbacks.iter().map(|option| (&option.id, &option.span)), findings);
    for option in &pipeline.rollbacks {
        for slot in option.validation.iter().filter(|slot| !gates.iter().any(|gate| gate.rule_for(slot).is_some())) {
            let message = format!("rollback `{}` is validated by `{slot}`, which is the slot of no rule", option.id);
            findings.add(option.span.clone(), message);
        }
    }
    for trigger in &pipeline.triggers {
        let unknown = |option: &&Name| !pipeline.rollbacks.iter().any(|known: &RollbackOption| known.id == **option);
        if let Some(option) = trigger.option.as_ref().filter(unknown) {
            let message = format!("trigger `{}` asks for `{option}`, which is no [[…rollback]]", trigger.id);
            findings.add(trigger.span.clone(), message);
        }
    }
}

fn check_gate(pipeline: &Pipeline, gate: &Gate, findings: &mut Findings) {
    let rules = gate.rules.iter().map(|rule| (&rule.id, &rule.span));
    let groups = gate.groups.iter().map(|group| (&group.id, &group.span));
    let soaks = gate.soaks.iter().map(|soak| (&soak.id, &soak.span));
    let approvals = gate.approvals.iter().map(|approval| (&approval.id, &approval.span));
    check_distinct("rule", rules.chain(groups).chain(soaks).chain(approvals), findings);
    let mut gate_is_there = |name: &Name, span: &Range<usize>| {
        if pipeline.gate(name).is_none() {
            findings.add(span.clone(), format!("gate `{}` names `{name}`, which is no gate of this pipeline", gate.id));
        }
    };
    gate.requires.iter().for_each(|required| gate_is_there(required, &gate.span));
    gate.soaks.iter().for_each(|soak| gate_is_there(&soak.since, &soak.span));
    for rule in &gate.rules {
        rule.changed_since.iter().for_each(|name| gate_is_there(name, &rule.span));
        rule.window.iter().for_each(|window| gate_is_there(&window.since, &rule.span));
        let gates = rule.after.iter().filter(|earlier| matches!(earlier, Earlier::Gate(_)));
        gates.for_each(|earlier| gate_is_there(earlier.name(), &rule.span));
    }
    gate.rules.iter().for_each(|rule| check_rule(pipeline, gate, rule, findings));
    check_groups(gate, findings);
    let named = gate.waiver.iter().chain(gate.break_glass.iter().map(|glass| &glass.waiver));
    for (waiver, rule) in named.flat_map(|waiver| waiver.rules.iter().map(move |rule| (waiver, rule))) {
        if !gate.has_waivable(rule) {
            findings.add(waiver.span.clone(), format!("gate `{}` has no rule `{rule}` that can be waived", gate.id));
        }
    }
}

fn check_rule(pipeline: &Pipeline, gate: &Gate, rule: &Rule, findings: &mut Findings) {
    for earlier in &rule.after {
        if let Earlier::Rule(name) = earlier {
            if *name == rule.id {
                findings.add(rule.span.clone(), format!("rule `{name}` comes after itself"));
            } else if pipeline.gate(name).is_some() {
                findings.add(rule.span.clone(), format!("`{name}` is a rule and a gate: rename one of them"));
            }
        }
    }
    if let Some(unless) = &rule.unless {
        let other = unless.gate.as_ref().map_or(Some(gate), |name| pipeline.gate(name));
        let there = other.is_some_and(|other| other.rules.iter().any(|known| known.id == unless.rule));
        let itself = other.is_some_and(|other| other.id == gate.id) && unless.rule == rule.id;
        if !there || itself {
            findings.add(rule.span.clone(), format!("`unless` names `{unless}`, which is no other rule"));
        }
    }
    for agreement in &rule.agrees {
        if agreement.rule == rule.id || !gate.rules.iter().any(|known| known.id == agreement.rule) {
            let message = format!("`agrees` names `{}`, which is no other rule of this gate", agreement.rule);
            findings.add(rule.span.clone(), message);
        }
    }
}

fn check_groups(gate: &Gate, findings: &mut Findings) {
    let mut grouped = BTreeSet::new();
    for (group, member) in gate.groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member)))
    {
        if !gate.rules.iter().any(|rule| rule.id == *member) {
            findings.add(group.span.clone(), format!("group `{}` names `{member}`, which is no rule", group.id));
        } else if !grouped.insert(member) {
            findings.add(group.span.clone(), format!("rule `{member}` stands in two groups, or twice in one"));
        }
    }
}

fn check_distinct<'n>(what: &str, names: impl Iterator<Item = (&'n Name, &'n Range<usize>)>, findings: &mut Findings) {
    let mut seen = BTreeMap::new();
    for (name, span) in names {
        if let Some(other) = seen.insert(name.folded(), name) {
            findings.add(span.clone(), format!("{what} `{name}` collides with `{other}`"));
        }
    }
}
