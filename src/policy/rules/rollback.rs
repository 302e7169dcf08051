//! Ways back: what shows that one worked, and whether one that was recorded took its attempt back.

use super::{Case, command};
use crate::chain::{VerifiedEntry, Void};
use crate::entry::kinds::{AttemptKey, Kind, Predicate, Rollback, RollbackStep, StepResult};
use crate::id::{EntryId, EntryNumber, Name, Timestamp};
use crate::policy::decision::RuleState;
use crate::policy::response::{RollbackOption, Step};
use crate::policy::{Ask, Evaluator, Observed, Pipeline, Policy};

/// A way back that is being gone, or was.
#[derive(Debug, Clone, Copy)]
pub struct Going<'g> {
    pub pipeline: &'g Pipeline,
    pub option: &'g RollbackOption,
    /// The attempt it takes back.
    pub key: &'g AttemptKey,
    /// The trigger it answers: what shows that it worked is brought after that.
    pub fired: EntryNumber,
    /// When its last step ended: what is to show that it worked was seen after that.
    pub ended: Option<Timestamp>,
    /// Entries to look at.
    pub size: u64,
    pub now: Timestamp,
}

/// A slot that does not show that a way back worked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unshown {
    pub why: String,
    /// What a person types to bring it; empty where nothing would do.
    pub hint: String,
}

/// The newest evidence in every slot that is to show it, brought since the trigger and satisfying its rule.
pub fn validation(evaluator: &Evaluator<'_>, going: &Going<'_>) -> Result<Vec<(EntryNumber, EntryId)>, Unshown> {
    going.option.validation.iter().map(|slot| shown(evaluator, going, slot)).collect()
}

fn shown(evaluator: &Evaluator<'_>, going: &Going<'_>, slot: &Name) -> Result<(EntryNumber, EntryId), Unshown> {
    let gate = going.pipeline.gate_that_shows(&going.key.gate, slot);
    let gate =
        gate.ok_or_else(|| Unshown { why: format!("no gate has a slot {slot} any more"), hint: String::new() })?;
    let unshown = |why| Unshown { why, hint: gate.rule_for(slot).map(|rule| command(gate, rule)).unwrap_or_default() };
    let (pipeline, release, observed) = (&going.pipeline.id, &going.key.release, &Observed::new());
    let ask = Ask { pipeline, gate: &gate.id, release, size: going.size, now: going.now, observed, source: None };
    let outcome = evaluator.slot(&ask, slot);
    let outcome = outcome.ok_or_else(|| unshown(format!("{slot} of {} shows nothing yet", gate.id)))?;
    if outcome.state != RuleState::Satisfied {
        return Err(unshown(format!("{slot} does not show that it worked: {}", outcome.have)));
    }
    let after = |number: EntryNumber| {
        let entry = evaluator.ledger().entry(number).filter(|entry| entry.number() > going.fired);
        entry.is_some_and(|entry| going.ended.is_none_or(|ended| entry.recorded_at() >= ended))
    };
    let newest = outcome.by.last().filter(|(number, _)| after(*number));
    newest.copied().ok_or_else(|| unshown(format!("{slot} is from before the rollback ended its last step")))
}

/// Whether an attempt was taken back in earnest: a rollback of it was gone by somebody who may, a way the policy had
/// since the trigger fired, to the end, shown to work, and back from a promotion that stood. Any other closes its gate
/// all the same, and answers nothing.
pub fn is_taken_back(case: &Case<'_, '_>, key: &AttemptKey) -> bool {
    case.view.attempt(key).any(|entry| match entry.predicate() {
        Predicate::Rollback(rollback) => !case.view.is_of_thief(entry) && is_sound(case, key, entry, rollback),
        _ => false,
    })
}

fn is_sound(case: &Case<'_, '_>, key: &AttemptKey, entry: &VerifiedEntry, rollback: &Rollback) -> bool {
    let trigger = rollback.trigger.and_then(|id| case.view.ledger().find(id));
    let fired = trigger.filter(|trigger| trigger.kind() == Kind::Trigger && trigger.attempt() == Some(key));
    fired.is_some_and(|fired| {
        let mut policies = case.evaluator.policies_between(fired.number(), entry.number());
        reverses_what_stood(case, entry, rollback)
            && policies.any(|policy| goes_by(case, policy, (key, fired.number()), entry, rollback))
    })
}

/// Whether a rollback is a way of a policy, gone by somebody who may, to the end, and shown to work.
fn goes_by(
    case: &Case<'_, '_>,
    policy: &Policy,
    (key, fired): (&AttemptKey, EntryNumber),
    entry: &VerifiedEntry,
    rollback: &Rollback,
) -> bool {
    let Some(pipeline) = policy.pipeline(&key.pipeline) else { return false };
    let Some(option) = pipeline.rollbacks.iter().find(|option| option.id == rollback.option) else { return false };
    let person = entry.roster().person(entry.person());
    let may_go = person.is_some_and(|person| option.roles.is_empty() || person.has_any(&option.roles));
    let (size, now) = (entry.number().0, entry.committed_at());
    let ended = rollback.steps.last().map(|step| step.finished_at);
    let going = Going { pipeline, option, key, fired, ended, size, now };
    let named = |shown: Vec<(EntryNumber, EntryId)>| {
        // What a thief showed shows nothing.
        let stands = |number| !matches!(case.view.void(number), Some(Void::KeyGivenUp(_)));
        shown.iter().all(|(number, id)| rollback.validation.contains(id) && stands(*number))
    };
    may_go && is_walked(&option.steps, &rollback.steps) && validation(case.evaluator, &going).is_ok_and(named)
}

/// Every step is told, why where it was not done, and none is skipped that is always needed.
fn is_walked(steps: &[Step], told: &[RollbackStep]) -> bool {
    let is_noted = |told: &RollbackStep| told.note.as_deref().is_some_and(|note| !note.trim().is_empty());
    let is_told = |(step, told): (&Step, &RollbackStep)| {
        let is_skipped = told.result == StepResult::Skipped;
        let is_told = told.result == StepResult::Done || is_noted(told);
        step.text == told.text && is_told && (step.optional || !is_skipped)
    };
    steps.len() == told.len() && steps.iter().zip(told).all(is_told)
}

/// The promotion it names had opened its gate, and counted when the way was gone.
fn reverses_what_stood(case: &Case<'_, '_>, entry: &VerifiedEntry, rollback: &Rollback) -> bool {
    let ledger = case.view.ledger();
    let then = ledger.as_of(entry.number().0).knowing(case.view.known());
    let reversed = ledger.find(rollback.reverses).filter(|reversed| reversed.kind() == Kind::Promotion);
    reversed.is_some_and(|reversed| {
        reversed.attempt() == entry.attempt()
            && then.void(reversed.number()).is_none()
            && case.evaluator.is_justified(reversed, then.known())
    })
}
