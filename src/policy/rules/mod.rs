//! One file a kind of rule. Each turns a case into outcomes; none can fail.

mod approval;
mod artifacts;
mod evidence;
mod gate;
mod phrase;

pub use approval::{Standing, standing};
pub use evidence::links_to as evidence_links_to;

use super::decision::{Decision, RuleKind, RuleOutcome, RuleState};
use super::{Ask, Evaluator, Gate, Pipeline, Policy, Rule};
use crate::chain::view::Attempt;
use crate::chain::{VerifiedEntry, View};
use crate::id::Name;

/// Everything a rule may look at.
#[derive(Clone, Copy)]
pub struct Case<'c, 'l> {
    pub evaluator: &'c Evaluator<'l>,
    pub policy: &'c Policy,
    pub pipeline: &'c Pipeline,
    pub gate: &'c Gate,
    pub attempt: Attempt<'l>,
    pub view: View<'l>,
    pub ask: &'c Ask<'c>,
}

/// What came out for an evidence rule, with the entry it rests on.
pub struct EvidenceOutcome<'c, 'l> {
    pub rule: &'c Rule,
    pub outcome: RuleOutcome,
    /// The newest evidence in the slot, satisfying or not.
    pub entry: Option<&'l VerifiedEntry>,
}

/// Evaluates every rule of the gate, in the order a person meets them.
pub fn evaluate(case: &Case<'_, '_>, decision: &mut Decision) {
    decision.rules.extend(case.gate.requires.iter().map(|required| gate::evaluate(case, required)));
    let evidence: Vec<EvidenceOutcome<'_, '_>> =
        case.gate.rules.iter().map(|rule| evidence::evaluate(case, rule)).collect();
    let phrase = phrase::evaluate(case, &evidence);
    let (approvals, warnings) = approval::evaluate(case, &evidence);
    decision.rules.extend(evidence.into_iter().map(|evidence| evidence.outcome));
    decision.rules.extend(phrase);
    decision.rules.extend(approvals);
    decision.warnings.extend(warnings);
}

/// What a gate will want, before any attempt is open.
pub fn without_attempt(policy: &Policy, gate: &Gate) -> Vec<RuleOutcome> {
    let mut outcomes: Vec<RuleOutcome> = gate.rules.iter().map(|rule| evidence::missing(policy, gate, rule)).collect();
    outcomes.extend(gate.approvals.iter().map(|approval| approval::missing(policy, gate, approval)));
    outcomes
}

/// Who holds any of these roles, as they are called; the roles themselves when nobody does.
fn called(policy: &Policy, roles: &[Name]) -> Vec<String> {
    if roles.is_empty() {
        return vec!["anybody in the roster".to_owned()];
    }
    let people: Vec<String> =
        policy.roster.holders(roles).map(|person| format!("{} ({})", person.handle(), person.name)).collect();
    match people.is_empty() {
        true => roles.iter().map(|role| format!("nobody holds {role}")).collect(),
        false => people,
    }
}

fn list(names: &[Name], joint: &str) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(joint)
}

fn outcome(id: Name, kind: RuleKind, need: String) -> RuleOutcome {
    let have = "nothing yet".to_owned();
    RuleOutcome {
        id,
        kind,
        state: RuleState::Missing,
        by: Vec::new(),
        need,
        have,
        who: Vec::new(),
        hint: String::new(),
    }
}

fn satisfied(mut outcome: RuleOutcome, by: &VerifiedEntry, have: String) -> RuleOutcome {
    outcome.state = RuleState::Satisfied;
    outcome.by = vec![(by.number(), by.id())];
    outcome.have = have;
    outcome.hint = String::new();
    outcome
}

fn failed(mut outcome: RuleOutcome, have: String) -> RuleOutcome {
    outcome.state = RuleState::Failed;
    outcome.have = have;
    outcome
}
