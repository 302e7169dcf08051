//! What a policy says that can never come true, found before it is in force.

use super::{ApprovalRule, Gate, Policy, Rule, Severity};
use crate::evidence::readers::{self, OTHERS};
use crate::findings::{Findings, nearest};

/// Findings about gates the roster cannot satisfy, and rules that test nothing.
pub fn lint(policy: &Policy) -> Findings {
    let mut findings = Findings::default();
    for (_, gate) in policy.gates() {
        for approval in &gate.approvals {
            check_roster(policy, gate, approval, &mut findings);
        }
        for rule in &gate.rules {
            check_facts(rule, &mut findings);
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
    findings
}

/// An `expect` over a fact that no reader of the rule gives would never hold.
fn check_facts(rule: &Rule, findings: &mut Findings) {
    let known: Vec<&str> = rule.formats.iter().flat_map(|format| readers::facts_of(format)).collect();
    for expect in &rule.expect {
        let name = expect.name();
        let first = name.split('.').next().unwrap_or_default();
        if known.contains(&first) || known.contains(&OTHERS) {
            continue;
        }
        let message = format!("rule `{}`: {} has no fact `{first}`", rule.id, rule.formats.join(" or "));
        let help = match nearest(first, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", known.join(", ")),
        };
        findings.add_help(rule.span.clone(), message, help);
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
