//! What is owed: reviews of emergencies, and answers to triggers.

use super::{Case, called, failed, is_withdrawn, list, outcome, rollback};
use crate::chain::{BrokenGlass, Review, VerifiedEntry};
use crate::entry::kinds::{Decision, Predicate, Trigger, TriggerClass};
use crate::id::{Name, Timestamp};
use crate::policy::decision::{RuleKind, RuleOutcome};
use crate::policy::evaluate::{name, shell};
use crate::policy::response::TriggerRule;

/// Glass broken for this gate in another attempt, of whatever release, and not reviewed since.
pub fn reviews(case: &Case<'_, '_>, warnings: &mut Vec<String>) -> Vec<RuleOutcome> {
    let mut owed = Vec::new();
    for broken in case.view.broken_glass() {
        let attempt = broken.attempt();
        let here = attempt.pipeline == case.pipeline.id && attempt.gate == case.gate.id;
        // Every later gate of the release tells of it, reviewed or not.
        let before = attempt.pipeline == case.pipeline.id && attempt.release == *case.ask.release && !here;
        if before && was_allowed(case, broken) && broken.entry().0 < case.view.size() {
            warnings.push(format!("the glass was broken at {} (entry {})", attempt.gate, broken.entry()));
        }
        if !here || !was_allowed(case, broken) || is_reviewed(case, broken) {
            continue;
        }
        let due = review_due(case, broken);
        if attempt == case.attempt.key {
            warnings.push(format!("entry {} broke the glass: its review is due at {due}", broken.entry()));
            continue;
        }
        owed.push(review(case, broken));
    }
    owed
}

/// A review that is owed.
fn review(case: &Case<'_, '_>, broken: &BrokenGlass) -> RuleOutcome {
    let (attempt, due) = (broken.attempt(), review_due(case, broken));
    let need = format!("a review of the broken glass of entry {}", broken.entry());
    let mut base = outcome(name("break-glass-review"), RuleKind::Review, need);
    base.who = reviewers(case);
    base.hint = format!("ledger review {} -m FINDING", broken.entry());
    base.due = Some(due);
    failed(base, format!("{} for {}, due at {due}", attempt.gate, attempt.release))
}

fn review_due(case: &Case<'_, '_>, broken: &BrokenGlass) -> Timestamp {
    let due = broken.seconds() + case.gate.break_glass.as_ref().map_or(0, |glass| glass.review_within);
    Timestamp::from_seconds(due).unwrap_or(Timestamp::MAX)
}

/// What is owed, whether or not it closes the gate yet: reviews of glass that was broken for it, and answers to
/// triggers of the release while there is time.
pub fn owed(case: &Case<'_, '_>) -> Vec<RuleOutcome> {
    let own = |broken: &&BrokenGlass| {
        let attempt = broken.attempt();
        let here = attempt.pipeline == case.pipeline.id && attempt.gate == case.gate.id;
        here && was_allowed(case, broken) && !is_reviewed(case, broken)
    };
    let mut owed: Vec<RuleOutcome> = case.view.broken_glass().filter(own).map(|broken| review(case, broken)).collect();
    for (entry, trigger) in open_triggers(case) {
        let rule = case.pipeline.trigger(&trigger.trigger);
        let decided = decision(case, entry, Decision::Rejected).is_some();
        if class_of(rule, trigger) == TriggerClass::Evaluate && !decided {
            let outcome = undecided(case, entry, trigger);
            owed.extend(Some(outcome).filter(|outcome| outcome.due.is_some_and(|due| case.ask.now < due)));
        }
    }
    owed
}

/// A trigger that waits for somebody to decide.
fn undecided(case: &Case<'_, '_>, entry: &VerifiedEntry, trigger: &Trigger) -> RuleOutcome {
    let rule = case.pipeline.trigger(&trigger.trigger);
    let mut base = answer(entry, trigger);
    base.who = called(case.policy, rule.map(|rule| rule.decide.as_slice()).unwrap_or_default());
    base.hint = format!("ledger trigger decide {} --continue -m REASON", entry.number());
    let due = entry.seconds() + rule.and_then(|rule| rule.within).unwrap_or_default();
    base.due = Some(Timestamp::from_seconds(due).unwrap_or(Timestamp::MAX));
    base.have = observed(entry, trigger);
    base
}

fn answer(entry: &VerifiedEntry, trigger: &Trigger) -> RuleOutcome {
    let need = format!("an answer to trigger {} of entry {}", trigger.trigger, entry.number());
    let mut base = outcome(name("trigger"), RuleKind::Trigger, need);
    base.by = vec![(entry.number(), entry.id())];
    base
}

fn observed(entry: &VerifiedEntry, trigger: &Trigger) -> String {
    format!("{}, at {}", trigger.observed, entry.committed_at())
}

/// A glass that was not theirs to break set nothing aside, and must not close gates either.
fn was_allowed(case: &Case<'_, '_>, broken: &BrokenGlass) -> bool {
    let Some(policy) = case.evaluator.policy(broken.entry().0) else { return true };
    let attempt = broken.attempt();
    let gate = policy.pipeline(&attempt.pipeline).and_then(|pipeline| pipeline.gate(&attempt.gate));
    let roles = gate.and_then(|gate| gate.break_glass.as_ref()).map(|glass| glass.waiver.roles.as_slice());
    let person = policy.roster.person(broken.by());
    roles.zip(person).is_some_and(|(roles, person)| person.speaks_as(roles))
}

/// Found in order by the last review of somebody who may, and who is not the one to be reviewed.
pub fn is_reviewed(case: &Case<'_, '_>, broken: &BrokenGlass) -> bool {
    let people = case.evaluator.people(case.view);
    let counts = |review: &&Review| {
        let number = review.entry();
        // That a finding is void makes nothing good.
        let stands = case.view.void(number).is_none() || !review.approves();
        let policy = case.evaluator.policy(number.0).filter(|_| number.0 < case.view.size() && stands);
        let gate = policy.and_then(|p| p.pipeline(&broken.attempt().pipeline)?.gate(&broken.attempt().gate));
        let roles = gate.and_then(|gate| gate.break_glass.as_ref()).map(|glass| glass.reviewers.as_slice());
        let person = policy.and_then(|policy| policy.roster.person(review.by()));
        roles
            .zip(person)
            .is_some_and(|(roles, person)| person.speaks_as(roles) && !people.are_one(review.by(), broken.by()))
    };
    broken.reviews().iter().rfind(counts).is_some_and(Review::approves)
}

fn reviewers(case: &Case<'_, '_>) -> Vec<String> {
    case.gate.break_glass.as_ref().map(|glass| called(case.policy, &glass.reviewers)).unwrap_or_default()
}

/// Triggers of the release that nobody has answered. One to be evaluated closes gates once its time is up, or at
/// once where it was decided to go back.
pub fn triggers(case: &Case<'_, '_>, warnings: &mut Vec<String>) -> Vec<RuleOutcome> {
    let mut open = Vec::new();
    for (entry, trigger) in open_triggers(case) {
        let rule = case.pipeline.trigger(&trigger.trigger);
        let mut base = answer(entry, trigger);
        let have = observed(entry, trigger);
        let release = shell(case.ask.release.as_str());
        let way = || {
            let option = case.pipeline.way_back(rule).map_or("OPTION", Name::as_str);
            format!("ledger rollback start {option} --trigger {} --release {release}", entry.number())
        };
        match (class_of(rule, trigger), decision(case, entry, Decision::Rejected)) {
            (TriggerClass::Immediate, _) => {
                base.hint = way();
                base.due = Some(entry.committed_at());
                open.push(failed(base, have));
            }
            (TriggerClass::Evaluate, Some(decision)) => {
                base.hint = way();
                base.due = Some(decision.committed_at());
                let who = decision.person();
                open.push(failed(base, format!("{have}; {who} decided to go back (entry {})", decision.number())));
            }
            (TriggerClass::Evaluate, None) => {
                base = undecided(case, entry, trigger);
                let end = base.due.unwrap_or(Timestamp::MAX);
                if case.ask.now >= end {
                    open.push(failed(base, format!("{have}; a decision was due at {end}")));
                } else {
                    let who = list(rule.map(|rule| rule.decide.as_slice()).unwrap_or_default(), " or ");
                    warnings.push(format!(
                        "trigger {} (entry {}): {have}; {who} decides until {end}",
                        trigger.trigger,
                        entry.number()
                    ));
                }
            }
        }
    }
    open
}

/// The policy's word about a trigger counts, not the word of who fired it.
pub fn class_of(rule: Option<&TriggerRule>, trigger: &Trigger) -> TriggerClass {
    rule.map_or(trigger.class, |rule| rule.class)
}

/// Triggers of attempts that were not taken back, and without a decision to go on.
pub fn open_triggers<'l>(case: &Case<'_, 'l>) -> Vec<(&'l VerifiedEntry, &'l Trigger)> {
    let all = case.view.all_of_release(&case.pipeline.id, case.ask.release);
    let answered = |trigger: &VerifiedEntry| {
        let is_back = trigger.attempt().is_some_and(|key| rollback::is_taken_back(case, key));
        is_back || decision(case, trigger, Decision::Approved).is_some()
    };
    let fired = all.iter().filter_map(|(entry, void)| match entry.predicate() {
        Predicate::Trigger(trigger) if !is_withdrawn(case, entry, *void) => Some((*entry, trigger)),
        _ => None,
    });
    fired.filter(|(entry, _)| !answered(entry)).collect()
}

/// The last word about a trigger of somebody whose it is, where it is the one wanted.
fn decision<'l>(case: &Case<'_, 'l>, trigger: &VerifiedEntry, wanted: Decision) -> Option<&'l VerifiedEntry> {
    let all = case.view.all_of_release(&case.pipeline.id, case.ask.release);
    let mut said = all.into_iter().filter_map(|(entry, void)| match entry.predicate() {
        Predicate::Approval(approval) if approval.about == Some(trigger.id()) => {
            // A decision to go back is taken back by nobody but its author.
            let is_against = approval.decision == Decision::Rejected && !is_withdrawn(case, entry, void);
            let stands = void.is_none() || is_against;
            (stands && may_decide(case, trigger, entry)).then_some((entry, approval.decision))
        }
        _ => None,
    });
    said.next_back().filter(|(_, decision)| *decision == wanted).map(|(entry, _)| entry)
}

/// Whether a decision to go on was taken by somebody whose it is.
fn may_decide(case: &Case<'_, '_>, trigger: &VerifiedEntry, decision: &VerifiedEntry) -> bool {
    let Predicate::Trigger(fired) = trigger.predicate() else { return false };
    let policy = case.evaluator.policy(decision.number().0);
    let rule = policy.and_then(|p| p.pipeline(&case.pipeline.id)?.trigger(&fired.trigger));
    let person = decision.roster().person(decision.person());
    rule.zip(person).is_some_and(|(rule, person)| person.speaks_as(&rule.decide))
}
