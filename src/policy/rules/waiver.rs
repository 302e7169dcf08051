//! Rules set aside in the open: by somebody who may, for a while, with a reason.

use super::{Case, EvidenceOutcome, list};
use crate::chain::{VerifiedEntry, Void};
use crate::entry::kinds::{Predicate, Waiver};
use crate::id::Name;
use crate::policy::WaiverRule;
use crate::policy::decision::{RuleOutcome, RuleState};
use crate::sign::roster::Person;

/// Sets aside what a waiver covers; what is met needs none. Says why a waiver does not count.
pub fn apply(case: &Case<'_, '_>, outcome: &mut RuleOutcome, warnings: &mut Vec<String>) {
    if outcome.state.is_met() || !outcome.kind.is_waivable() {
        return;
    }
    // The newest counts or none does: one that is void brings no older one back.
    let newest = waivers(case).filter(|(_, waiver, _)| waiver.rule == outcome.id).last();
    let Some((entry, waiver, void)) = newest else { return };
    match void.map(|void| void.to_string()).or_else(|| objection(case, entry, waiver)) {
        Some(why) => {
            warnings.push(format!("the waiver of entry {} for {} does not count: {why}", entry.number(), waiver.rule))
        }
        None => {
            let by = entry.roster().person(entry.person()).map_or("?", |person| person.handle());
            let kind = if waiver.break_glass { "broken glass" } else { "waived" };
            outcome.state = RuleState::Waived { broken_glass: waiver.break_glass };
            outcome.by = vec![(entry.number(), entry.id())];
            outcome.have = format!("{kind} by {by} until {}: {}", waiver.expires_at, waiver.reason);
            outcome.hint.clear();
            outcome.due = Some(waiver.expires_at);
        }
    }
}

/// The same for evidence rules, before groups and approvals look at them.
pub fn apply_to_evidence(case: &Case<'_, '_>, evidence: &mut [EvidenceOutcome<'_, '_>], warnings: &mut Vec<String>) {
    for item in evidence {
        apply(case, &mut item.outcome, warnings);
        if item.outcome.state.is_waived() {
            item.forget();
        }
    }
}

fn waivers<'l>(case: &Case<'_, 'l>) -> impl Iterator<Item = (&'l VerifiedEntry, &'l Waiver, Option<Void>)> + use<'l> {
    case.view.all_of_attempt(case.attempt.key).filter_map(|(entry, void)| match entry.predicate() {
        Predicate::Waiver(waiver) => Some((entry, waiver, void)),
        _ => None,
    })
}

/// Why a waiver sets nothing aside.
fn objection(case: &Case<'_, '_>, entry: &VerifiedEntry, waiver: &Waiver) -> Option<String> {
    let rule = match waiver.break_glass {
        true => case.gate.break_glass.as_ref().map(|glass| &glass.waiver),
        false => case.gate.waiver.as_ref(),
    };
    let Some(rule) = rule else { return Some(format!("nobody may waive rules of {}", case.gate.id)) };
    if case.ask.now >= waiver.expires_at {
        return Some(format!("it expired at {}", waiver.expires_at));
    }
    match entry.roster().person(entry.person()) {
        Some(person) => refusal(rule, person, &waiver.rule, waiver.expires_at.seconds() - entry.seconds()),
        None => Some(format!("{} is not in the roster", entry.person())),
    }
}

/// Why a person may not set a rule aside for so many seconds.
pub fn refusal(rule: &WaiverRule, person: &Person, waived: &Name, seconds: i64) -> Option<String> {
    if !person.speaks_as(&rule.roles) {
        return Some(format!("{} is not {}", person.handle(), list(&rule.roles, " or ")));
    }
    if !rule.covers(waived) {
        return Some(format!("only {} may be waived", list(&rule.rules, ", ")));
    }
    (seconds > rule.longest).then(|| format!("it lasts longer than {}", super::timing::span(rule.longest)))
}
