//! Ways back: what shows that one worked, and whether one that was recorded answers its trigger.

use super::{Case, command};
use crate::chain::VerifiedEntry;
use crate::entry::kinds::{AttemptKey, Kind, Predicate, Rollback, RollbackStep, StepResult};
use crate::id::{EntryId, EntryNumber, Name, Timestamp};
use crate::policy::decision::RuleState;
use crate::policy::response::{RollbackOption, Step};
use crate::policy::{Ask, Evaluator, Observed, Pipeline};

/// A way back that is being gone, or was.
#[derive(Debug, Clone, Copy)]
pub struct Going<'g> {
    pub pipeline: &'g Pipeline,
    pub option: &'g RollbackOption,
    /// The attempt it takes back.
    pub key: &'g AttemptKey,
    /// The trigger it answers: what shows that it worked is brought after that.
    pub fired: EntryNumber,
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
    let newest = outcome.by.last().filter(|(number, _)| *number > going.fired);
    newest.copied().ok_or_else(|| unshown(format!("{slot} is from before the rollback")))
}

/// Whether a rollback answers a trigger: gone by somebody who may, a way the policy has, to the end, shown to
/// work, and back from where the release really was. It closes its gate all the same when it does not.
pub fn answers(case: &Case<'_, '_>, trigger: &VerifiedEntry, entry: &VerifiedEntry, rollback: &Rollback) -> bool {
    let policy = case.evaluator.policy(entry.number().0);
    let Some(pipeline) = policy.and_then(|policy| policy.pipeline(&case.pipeline.id)) else { return false };
    let Some(option) = pipeline.rollbacks.iter().find(|option| option.id == rollback.option) else { return false };
    let Some(key) = entry.attempt() else { return false };
    let person = entry.roster().person(entry.person());
    let may_go = person.is_some_and(|person| option.roles.is_empty() || person.has_any(&option.roles));
    let (fired, size, now) = (trigger.number(), entry.number().0, entry.committed_at());
    let going = Going { pipeline, option, key, fired, size, now };
    let names = |shown: Vec<(EntryNumber, EntryId)>| shown.iter().all(|(_, id)| rollback.validation.contains(id));
    rollback.trigger == Some(trigger.id())
        && may_go
        && is_walked(&option.steps, &rollback.steps)
        && reverses_what_stood(case, entry, rollback)
        && validation(case.evaluator, &going).is_ok_and(names)
}

/// Every step is told, and why where it was not done.
fn is_walked(steps: &[Step], told: &[RollbackStep]) -> bool {
    let is_told = |(step, told): (&Step, &RollbackStep)| {
        step.text == told.text && (told.result == StepResult::Done || told.note.is_some())
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

/// The rollbacks of an entry's attempt that answer a trigger.
pub fn is_answer(case: &Case<'_, '_>, entry: &VerifiedEntry) -> bool {
    let Predicate::Rollback(rollback) = entry.predicate() else { return false };
    let trigger = rollback.trigger.and_then(|id| case.view.ledger().find(id));
    trigger.is_some_and(|trigger| answers(case, trigger, entry, rollback))
}
