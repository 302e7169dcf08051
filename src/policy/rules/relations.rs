//! What ties evidence rules to the release and to each other: `when`, `after`, `agrees`, `unless`.
//!
//! A tie only ever takes satisfaction away; `when` and `unless` set a rule aside, each on something that
//! is there, never on something that is missing.

use super::gate::same_source;
use super::{Case, EvidenceOutcome, evidence, groups};
use crate::chain::VerifiedEntry;
use crate::evidence::facts;
use crate::id::{EntryNumber, Name};
use crate::policy::decision::{RuleOutcome, RuleState};
use crate::policy::{Earlier, Rule, RuleName, reread};

pub fn apply(case: &Case<'_, '_>, outcomes: &mut [EvidenceOutcome<'_, '_>]) {
    outcomes.iter_mut().for_each(|item| unless_untouched(case, item));
    tie(case, outcomes);
    let alternatives: Vec<bool> = outcomes.iter().map(|item| has_alternative(case, item.rule, outcomes)).collect();
    for (item, _) in outcomes.iter_mut().zip(alternatives).filter(|(_, has)| *has) {
        let have = item.rule.unless.as_ref().map_or_else(String::new, |other| format!("{other} is satisfied"));
        set_aside(item, have);
    }
}

/// `when`: the attempt's opening says that the release changes none of these paths.
fn unless_untouched(case: &Case<'_, '_>, item: &mut EvidenceOutcome<'_, '_>) {
    let globs = &item.rule.when_changed;
    let Some(compared) = case.attempt.open.compared.as_ref().filter(|_| !globs.is_empty()) else { return };
    if globs.iter().all(|glob| compared.untouched.contains(glob)) {
        case.evaluator.believe_opening(case.attempt.entry.number(), true);
        let since: String = compared.since.as_str().chars().take(10).collect();
        set_aside(item, format!("nothing under {} changed since {since}", globs.join(", ")));
    }
}

fn set_aside(item: &mut EvidenceOutcome<'_, '_>, have: String) {
    if item.outcome.state != RuleState::Satisfied {
        let outcome = RuleOutcome { state: RuleState::NotApplicable, have, ..item.outcome.clone() };
        item.outcome = RuleOutcome { by: Vec::new(), who: Vec::new(), hint: String::new(), ..outcome };
        item.forget();
    }
}

/// `after` and `agrees`, again and again until nothing changes: each round can only take away.
fn tie(case: &Case<'_, '_>, outcomes: &mut [EvidenceOutcome<'_, '_>]) {
    loop {
        let broken: Vec<Option<String>> = outcomes.iter().map(|item| broken_tie(case, item, outcomes)).collect();
        let mut changed = false;
        for (item, why) in outcomes.iter_mut().zip(broken) {
            let Some(why) = why else { continue };
            item.outcome.state = RuleState::Failed;
            item.outcome.by.clear();
            item.outcome.have =
                item.entry.map_or_else(|| why.clone(), |entry| format!("entry {}: {why}", entry.number()));
            item.outcome.hint = evidence::missing(case.policy, case.gate, item.rule).hint;
            changed = true;
        }
        if !changed {
            return;
        }
    }
}

fn broken_tie(case: &Case<'_, '_>, item: &EvidenceOutcome<'_, '_>, all: &[EvidenceOutcome<'_, '_>]) -> Option<String> {
    let entry = item.entry.filter(|_| item.outcome.state == RuleState::Satisfied)?;
    let early = item.rule.after.iter().find_map(|earlier| match earlier {
        Earlier::Gate(gate) => before_gate(case, gate, entry),
        Earlier::Rule(rule) => before_rule(case, rule, entry, all),
    });
    early.or_else(|| disagreement(case, item.rule, entry, all))
}

fn before_gate(case: &Case<'_, '_>, name: &Name, entry: &VerifiedEntry) -> Option<String> {
    let gate = case.pipeline.gate(name)?;
    match case.evaluator.promotion(case.view, case.pipeline, gate, case.ask.release) {
        None => Some(format!("{name} must be promoted first")),
        Some(promotion) if promotion.number() < entry.number() => None,
        Some(promotion) => Some(format!("it was brought before {name} was promoted (entry {})", promotion.number())),
    }
}

fn before_rule(
    case: &Case<'_, '_>,
    name: &Name,
    entry: &VerifiedEntry,
    all: &[EvidenceOutcome<'_, '_>],
) -> Option<String> {
    let (met, last) = standing(case, name, all)?;
    match last {
        _ if !met => Some(format!("{name} must be met first")),
        Some(last) if last >= entry.number() => Some(format!("it was brought before {name} was met (entry {last})")),
        _ => None,
    }
}

/// Whether a rule or group is met, and the last entry it rests on.
fn standing(case: &Case<'_, '_>, name: &Name, all: &[EvidenceOutcome<'_, '_>]) -> Option<(bool, Option<EntryNumber>)> {
    if let Some(item) = all.iter().find(|item| item.rule.id == *name) {
        return Some((item.outcome.state.is_met(), last_entry(&item.outcome)));
    }
    let group = case.gate.groups.iter().find(|group| group.id == *name)?;
    let outcome = groups::evaluate(group, all);
    Some((outcome.state.is_met(), last_entry(&outcome)))
}

fn last_entry(outcome: &RuleOutcome) -> Option<EntryNumber> {
    outcome.by.iter().map(|(number, _)| *number).max()
}

fn disagreement(
    case: &Case<'_, '_>,
    rule: &Rule,
    entry: &VerifiedEntry,
    all: &[EvidenceOutcome<'_, '_>],
) -> Option<String> {
    let relied_on = |entry: &VerifiedEntry| Some(reread::relied_on(case.policy, entry.evidence()?).into_owned());
    let own = relied_on(entry)?;
    rule.agrees.iter().find_map(|agreement| {
        let other = all.iter().find(|item| item.rule.id == agreement.rule)?;
        let met = other.outcome.state == RuleState::Satisfied;
        let others = other.entry.filter(|_| met);
        let words = [(Some(entry), &agreement.fact), (others, &agreement.other)];
        for (entry, fact) in words.into_iter().filter_map(|(entry, fact)| Some((entry?, fact))) {
            case.evaluator.believe(entry.number(), [fact.clone()]);
        }
        let others = others.and_then(relied_on).unwrap_or_default();
        let (one, two) = (facts::at(&own, &agreement.fact), facts::at(&others, &agreement.other));
        let show = |fact: Option<&facts::Fact>| fact.map_or("absent".to_owned(), ToString::to_string);
        (one.is_none() || one != two).then(|| {
            format!("{} is {}, {}.{} is {}", agreement.fact, show(one), agreement.rule, agreement.other, show(two))
        })
    })
}

/// `unless`: another rule is satisfied, by evidence and not by having been set aside itself.
fn has_alternative(case: &Case<'_, '_>, rule: &Rule, own: &[EvidenceOutcome<'_, '_>]) -> bool {
    let Some(RuleName { gate, rule: wanted }) = &rule.unless else { return false };
    let found = |outcomes: &[EvidenceOutcome<'_, '_>]| {
        outcomes.iter().any(|item| item.rule.id == *wanted && item.outcome.state == RuleState::Satisfied)
    };
    let Some(other) = gate.as_ref().filter(|gate| **gate != case.gate.id) else { return found(own) };
    let gate = case.pipeline.gate(other);
    let attempt = case.view.latest(&case.pipeline.id, other, case.ask.release);
    gate.zip(attempt).is_some_and(|(gate, attempt)| {
        // Of another source it says nothing about this one.
        if !same_source(case, attempt) {
            return false;
        }
        let case = Case { gate, attempt, ..*case };
        let mut outcomes: Vec<_> = gate.rules.iter().map(|rule| evidence::evaluate(&case, rule)).collect();
        tie(&case, &mut outcomes);
        found(&outcomes)
    })
}
