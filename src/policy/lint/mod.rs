//! What a policy says that can never come true, found before it is in force.

mod bands;
mod circles;
mod slots;
mod wording;

use std::ops::Range;

use super::rules::matching;
use super::{ApprovalRule, Gate, Pipeline, Policy, Rule, Severity};
use crate::evidence::facts::Expect;
use crate::evidence::readers::{self, OTHERS};
use crate::findings::{Findings, nearest};
use crate::id::Name;

/// Doubts: what people will read in two ways, forget or outgrow. No gate is closed by them.
pub fn doubts(policy: &Policy, tree: Option<&[String]>) -> Findings {
    let mut findings = Findings::default();
    policy.pipelines.iter().for_each(|pipeline| bands::check(pipeline, &mut findings));
    wording::check(policy, tree, &mut findings);
    findings
}

/// Findings about gates the roster cannot satisfy, and rules that test nothing.
pub fn lint(policy: &Policy) -> Findings {
    let mut findings = Findings::default();
    policy.pipelines.iter().for_each(|pipeline| check_responders(policy, pipeline, &mut findings));
    policy.pipelines.iter().for_each(|pipeline| slots::check(pipeline, &mut findings));
    circles::check(policy, &mut findings);
    for (_, gate) in policy.gates() {
        for approval in &gate.approvals {
            check_roster(policy, gate, approval, &mut findings);
        }
        check_distinct(policy, gate, &mut findings);
        check_waivers(policy, gate, &mut findings);
        for rule in &gate.rules {
            check_facts(rule, &mut findings);
            check_values(rule, &mut findings);
            check_unless(gate, rule, &mut findings);
            for role in
                rule.by.iter().filter(|role| !policy.roster.people().any(|p| !p.keys.is_empty() && p.has_role(role)))
            {
                let message = format!(
                    "gate `{}`: nobody with a key holds `{role}`, so nobody can bring `{}`",
                    gate.id, rule.slot
                );
                findings.add(rule.span.clone(), message);
            }
        }
    }
    super::sync::lint(policy, &mut findings);
    findings
}

/// What is counted in a section of a checklist.
const SECTION_FACTS: [&str; 3] = ["open", "done", "total"];

/// An `expect` over a fact that no reader of the rule gives would never hold.
fn check_facts(rule: &Rule, findings: &mut Findings) {
    let all: Vec<&str> = rule.formats.iter().flat_map(|format| readers::facts_of(format)).collect();
    let known = if rule.section.is_some() { SECTION_FACTS.to_vec() } else { all };
    for expect in &rule.expect {
        let name = expect.name();
        let first = name.split('.').next().unwrap_or_default();
        if known.contains(&first) || known.contains(&OTHERS) {
            continue;
        }
        let of = rule.section.as_ref().map_or_else(|| rule.formats.join(" or "), |_| "a section".to_owned());
        let message = format!("rule `{}`: {of} has no fact `{first}`", rule.id);
        let help = match nearest(first, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", known.join(", ")),
        };
        findings.add_help(rule.span.clone(), message, help);
    }
}

/// Comparisons of one fact that leave no value.
fn check_values(rule: &Rule, findings: &mut Findings) {
    let excluded = |(at, one): (usize, &Expect)| {
        let other = rule.expect.iter().skip(at + 1).find(|other| one.excludes(other))?;
        Some(format!("rule `{}`: no value meets both {one} and {other}", rule.id))
    };
    if let Some(message) = rule.expect.iter().enumerate().find_map(excluded) {
        findings.add(rule.span.clone(), message);
    }
}

/// A rule that the gate wants anyway leaves the one it replaces no time to be wanted.
fn check_unless(gate: &Gate, rule: &Rule, findings: &mut Findings) {
    let Some(unless) = &rule.unless else { return };
    let here = unless.gate.as_ref().is_none_or(|other| *other == gate.id);
    let anyway = |other: &&Rule| {
        other.id == unless.rule
            && other.unless.is_none()
            && other.when_changed.is_empty()
            && gate.group_of(&other.id).is_none()
    };
    if let Some(other) = gate.rules.iter().find(anyway).filter(|_| here) {
        let message = format!("rule `{}` is wanted unless `{}` is met, which the gate wants anyway", rule.id, other.id);
        let help = format!("for one of the two: [[…group]] rules = [\"{}\", \"{}\"]", other.id, rule.id);
        findings.add_help(rule.span.clone(), message, help);
    }
}

/// Where each approval wants people of its own, the roster has enough for all of them.
fn check_distinct(policy: &Policy, gate: &Gate, findings: &mut Findings) {
    if !gate.distinct {
        return;
    }
    let people: Vec<_> = policy.roster.people().collect();
    let able = |approval: &ApprovalRule| {
        let able = |person: &crate::sign::roster::Person| !person.keys.is_empty() && person.speaks_as(&approval.roles);
        people.iter().enumerate().filter(|(_, person)| able(person)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let able: Vec<Vec<usize>> = gate.approvals.iter().map(able).collect();
    let wanted: Vec<usize> = gate.approvals.iter().map(|a| usize::try_from(a.count).unwrap_or(usize::MAX)).collect();
    let given = matching::assign(&able, &wanted);
    if let Some((approval, _)) =
        gate.approvals.iter().zip(given.iter().zip(&wanted)).find(|(_, (has, wants))| has < wants)
    {
        let message = format!("gate `{}` wants other people for each approval, and the roster has too few", gate.id);
        findings.add_help(approval.span.clone(), message, "add a [[person]], or leave out `distinct`");
    }
}

fn check_waivers(policy: &Policy, gate: &Gate, findings: &mut Findings) {
    if let Some(waiver) = &gate.waiver {
        held(policy, &waiver.roles, &waiver.span, &format!("waive rules of gate `{}`", gate.id), findings);
    }
    let Some(glass) = &gate.break_glass else { return };
    held(policy, &glass.waiver.roles, &glass.waiver.span, &format!("break the glass of gate `{}`", gate.id), findings);
    let people: Vec<_> = policy.roster.holders(&glass.reviewers).filter(|person| !person.keys.is_empty()).collect();
    let alone = matches!(people.as_slice(), [only] if glass.waiver.roles.iter().all(|role| {
        policy.roster.holders(std::slice::from_ref(role)).all(|person| person.id == only.id)
    }));
    if people.is_empty() || alone {
        let message = format!("gate `{}`: nobody but who breaks the glass could review it", gate.id);
        findings.add(glass.waiver.span.clone(), message);
    }
}

fn check_responders(policy: &Policy, pipeline: &Pipeline, findings: &mut Findings) {
    for trigger in pipeline.triggers.iter().filter(|trigger| !trigger.decide.is_empty()) {
        held(policy, &trigger.decide, &trigger.span, &format!("decide about trigger `{}`", trigger.id), findings);
    }
    for option in pipeline.rollbacks.iter().filter(|option| !option.roles.is_empty()) {
        held(policy, &option.roles, &option.span, &format!("go the way back `{}`", option.id), findings);
    }
}

/// Somebody with a key holds one of the roles.
fn held(policy: &Policy, roles: &[Name], span: &Range<usize>, what: &str, findings: &mut Findings) {
    if !policy.roster.holders(roles).any(|person| !person.keys.is_empty()) {
        let roles: Vec<&str> = roles.iter().map(Name::as_str).collect();
        findings.add(span.clone(), format!("nobody with a key holds {}, so nobody can {what}", roles.join(" or ")));
    }
}

fn check_roster(policy: &Policy, gate: &Gate, approval: &ApprovalRule, findings: &mut Findings) {
    let able = policy.roster.holders(&approval.roles).filter(|person| !person.keys.is_empty()).count();
    let wanted = usize::try_from(approval.count).unwrap_or(usize::MAX);
    let roles: Vec<&str> = approval.roles.iter().map(crate::id::Name::as_str).collect();
    let roles = roles.join(" or ");
    if able < wanted {
        let message = format!("gate `{}` needs {wanted} of {roles}, the roster has {able} with a key", gate.id);
        findings.add_help(approval.span.clone(), message, "add a [[person]] with that role and a key");
        return;
    }
    let people = policy.roster.people().filter(|person| !person.bot && !person.keys.is_empty()).count();
    let denies = approval.forbid.iter().any(|(_, severity)| *severity == Severity::Deny);
    if denies && people <= wanted {
        let message =
            format!("gate `{}` wants somebody else to approve, and the roster has {people} with a key", gate.id);
        findings.add_help(approval.span.clone(), message, "add a second [[person]]");
    }
}
