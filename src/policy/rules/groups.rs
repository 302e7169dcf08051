//! Groups: any of some rules, so many of them, or one for each target.

use super::{EvidenceOutcome, outcome};
use crate::policy::Group;
use crate::policy::decision::{RuleKind, RuleOutcome, RuleState};

pub fn evaluate(group: &Group, evidence: &[EvidenceOutcome<'_, '_>]) -> RuleOutcome {
    let members = group.members.iter().filter_map(|id| evidence.iter().find(|item| item.rule.id == *id));
    with_parts(group, members.map(|item| item.outcome.clone()).collect())
}

/// The same from outcomes of its members.
pub fn with_parts(group: &Group, parts: Vec<RuleOutcome>) -> RuleOutcome {
    let names = |met: bool| {
        let names: Vec<&str> = parts.iter().filter(|part| part.state.is_met() == met).map(|p| p.id.as_str()).collect();
        names.join(", ")
    };
    let all = usize::try_from(group.at_least).is_ok_and(|least| least == group.members.len());
    let listed: Vec<&str> = group.members.iter().map(crate::id::Name::as_str).collect();
    let count = if all { "each".to_owned() } else { group.at_least.to_string() };
    let mut outcome = outcome(group.id.clone(), RuleKind::Group, format!("{count} of {}", listed.join(", ")));
    let met = parts.iter().filter(|part| part.state.is_met()).count();
    let open = parts.iter().find(|part| !part.state.is_met());
    outcome.state = match usize::try_from(group.at_least) {
        Ok(least) if met >= least => RuleState::Satisfied,
        _ if parts.iter().any(|part| part.state == RuleState::Failed) => RuleState::Failed,
        _ => RuleState::Missing,
    };
    if outcome.state == RuleState::Satisfied {
        outcome.by = parts.iter().filter(|part| part.state.is_met()).flat_map(|part| part.by.clone()).collect();
        outcome.have = names(true);
    } else if let Some(open) = open {
        outcome.hint.clone_from(&open.hint);
        outcome.who.clone_from(&open.who);
        outcome.have = match parts.iter().find(|part| part.state == RuleState::Failed) {
            // "Nothing yet" would hide that something was brought, and why it does not count.
            Some(failed) if met == 0 => format!("{}: {}", failed.id, failed.have),
            None if met == 0 => outcome.have,
            _ => format!("{}; not {}", names(true), names(false)),
        };
    }
    outcome.parts = parts;
    outcome
}
