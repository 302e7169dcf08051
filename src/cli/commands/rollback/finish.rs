//! The end of a rollback: evidence that it worked, and one signed entry that closes the attempt for good.

use super::journal::Journal;
use super::walk;
use crate::chain::VerifiedLedger;
use crate::cli::Answer;
use crate::cli::append::append;
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::Failure;
use crate::entry::Draft;
use crate::entry::kinds::{Mode, Predicate, Rollback, StepResult};
use crate::id::{EntryId, ObjectId, Timestamp};
use crate::policy::evaluate::shell;
use crate::policy::response::RollbackOption;
use crate::policy::{Evaluator, Going, Pipeline, Unshown, span};
use crate::report::escape::visible;

pub fn run(context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (mut loaded, journal, pipeline, option) = walk::current(context)?;
    if let Some(step) = option.steps.get(journal.steps.len()) {
        let left = option.steps.len() - journal.steps.len();
        return Err(Failure::no(format!("{left} of {} steps are left: {}", option.steps.len(), step.text))
            .hint("ledger rollback"));
    }
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let validation = validation(&evaluator, &pipeline, &journal, &option, context.world().now())?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    super::require_role(&option, &identity)?;
    let source = ledger.opening(&journal.key).map(|open| open.source.commit.clone());
    let source = source.ok_or_else(|| Failure::unknown("the attempt cannot be read"))?;
    let now = context.world().now();
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        compose(ledger, &journal, &source, &validation, &identity, now)
    })?;
    if appended.is_some() {
        Journal::remove(context, &loaded.store)?;
    }
    let expected = option.expected.map(|s| format!(" (expected {})", span(s))).unwrap_or_default();
    let entry = appended.as_ref().map_or_else(String::new, |appended| format!("  entry {}", appended.number));
    let (gate, release) = (&journal.key.gate, shell(journal.key.release.as_str()));
    let line = format!("rolled back in {}{expected}: {gate} is closed{entry}", walk::elapsed(&journal));
    context.printer.outcome(&line, appended.is_none());
    for step in journal.steps.iter().filter(|step| step.result == StepResult::Failed) {
        let why = step.note.as_deref().unwrap_or_default();
        context.printer.talk(format!("warning: a step failed: {} ({})", visible(&step.text), visible(why)));
    }
    context.printer.talk(format!(
        "next:\n  → ledger push\n  → ledger notes {release} --update FILE      the notes say it now\n  → ledger open {gate} --release {release} --retry      when it is to go out again"
    ));
    Ok(Answer::Yes)
}

/// What shows that it worked.
fn validation(
    evaluator: &Evaluator<'_>,
    pipeline: &Pipeline,
    journal: &Journal,
    option: &RollbackOption,
    now: Timestamp,
) -> Result<Vec<EntryId>, Failure> {
    let ledger = evaluator.ledger();
    let fired = ledger.position(journal.trigger).ok_or_else(|| Failure::unknown("its trigger is not on the ledger"))?;
    let ended = journal.steps.last().map(|step| step.finished_at);
    let going = Going { pipeline, option, key: &journal.key, fired, ended, size: ledger.size(), now };
    match evaluator.validation(&going) {
        Ok(shown) => Ok(shown.into_iter().map(|(_, id)| id).collect()),
        Err(Unshown { why, hint }) if hint.is_empty() => Err(Failure::no(why).hint("ledger policy check")),
        Err(Unshown { why, hint }) => Err(Failure::no(why).hint(hint)),
    }
}

fn compose(
    ledger: &VerifiedLedger,
    journal: &Journal,
    source: &ObjectId,
    validation: &[EntryId],
    identity: &Identity,
    now: Timestamp,
) -> Result<Draft, Failure> {
    let key = &journal.key;
    let predicate = Predicate::Rollback(Rollback {
        ledger: scope(ledger, key),
        actor: actor(&identity.person, Mode::Ci),
        recorded_at: now,
        option: journal.option.clone(),
        reason: journal.reason.clone(),
        steps: journal.steps.clone(),
        trigger: Some(journal.trigger),
        reverses: journal.reverses,
        validation: validation.to_vec(),
    });
    let summary = format!("rollback: {} of {} by {}", key.gate, key.release, journal.option);
    let mut body: Vec<String> = journal.steps.iter().map(|step| format!("{:?}: {}", step.result, step.text)).collect();
    body.extend(journal.reason.clone());
    body.push(format!("Recorded by {}.", identity.person.handle()));
    Ok(draft(vec![commit_subject(key.release.as_str(), source)], predicate, Vec::new(), &summary, &body)?)
}
