//! `ledger plan done` and `ledger plan skip`: the owner of a row says what became of it.

use super::super::Answer;
use super::super::record::Recording;
use super::{Where, no_plan, question, slot_for, status};
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::files::Brought;
use crate::cli::secrets;
use crate::cli::select::Question;
use crate::cli::storing::Upload;
use crate::entry::kinds::{EvidenceFile, Stored};
use crate::evidence::facts::Facts;
use crate::evidence::readers::plan::step::{FORMAT, Mark, Marked};
use crate::evidence::readers::{self, Input};
use crate::id::{Digest, FileName, Name, PersonId, Timestamp};
use crate::policy::plan::{PlanStatus, Row, TOLERANCE, owning};
use crate::policy::{Evaluator, Observed, Policy};
use crate::report::escape::visible;

/// What the owner says of a row.
pub struct Said<'s> {
    pub row: u32,
    pub mark: Mark,
    pub note: Option<&'s str>,
    pub at: Option<Timestamp>,
}

pub fn run(said: Said<'_>, place: &Where, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(place.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let question = question(policy, place, ledger.view())?;
    let now = context.world().now();
    let observed = Observed::new();
    let status = evaluator.plan(&question.ask(ledger.size(), now, &observed), TOLERANCE);
    let status = status.map_err(|why| no_plan(&why))?;
    context.refuse_lies(&loaded, &evaluator)?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let row = status
        .row(said.row)
        .ok_or_else(|| Failure::usage(format!("the plan has no row {}: it has {}", said.row, status.rows.len())))?;
    entitled(policy, row, &identity.person.id)?;
    free(row, said.mark)?;
    let at = time(&status, said.at, now)?;
    let note = said.note.map(str::to_owned);
    let marked = Marked::new(status.digest, said.row, said.mark, at, note).map_err(Failure::usage)?;
    let brought = file(&marked)?;
    // A remark can be said in other words: there is no reason to let a secret in.
    secrets::refuse(context, None, &[], std::slice::from_ref(&brought)).map_err(|mut failure| {
        failure.hints.truncate(1);
        failure
    })?;
    let facts = facts(&brought)?;
    let slot = slot_for(question.gate, FORMAT)?;
    let (format, attempt) = (Name::parse(FORMAT)?, status.attempt.clone());
    let recording = Recording { slot, format, facts, command: None, timed: true, attempt };
    let number = recording.append(context, &mut loaded, &identity, vec![brought])?;
    recording.tell(context, &loaded, number, &question);
    tell(context, &loaded.ledger, &question, said.row)
}

/// Only the owner of a row may say what became of it.
fn entitled(policy: &Policy, row: &Row, person: &PersonId) -> Result<(), Failure> {
    let owning = owning(&policy.roster, &row.step.owner);
    if owning.may(person) {
        return Ok(());
    }
    let owner = visible(&row.step.owner.text);
    let failure = Failure::no(format!("row {} is for {owner}, not for {person}", row.number));
    Err(match owning.is_known() {
        true => failure.hint(format!("it can be marked by {}", visible(&owning.called().join(", ")))),
        false => failure.hint(format!("nobody in the roster is {owner}: give somebody that handle in ledger.toml")),
    })
}

/// What is done already is not done again, and a gate is signed, not marked.
fn free(row: &Row, mark: Mark) -> Result<(), Failure> {
    if let Some(doing) = &row.doing {
        let what = format!("row {} was {} by entry {} already", row.number, doing.mark.word(), doing.entry);
        return Err(Failure::no(what).hint(format!("where that is wrong: ledger revoke {} -m REASON", doing.entry)));
    }
    match &row.gate {
        Some(gate) if mark == Mark::Done => {
            let what = format!("row {} is the sign-off of gate {gate}: its approval does it", row.number);
            Err(Failure::no(what).hint(format!("ledger sign {gate}")))
        }
        _ => Ok(()),
    }
}

fn time(status: &PlanStatus, at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Failure> {
    match at {
        Some(at) if at > now => Err(Failure::usage(format!("{at} is still to come: it is {now}"))),
        Some(at) if at < status.opened => {
            Err(Failure::usage(format!("{at} is before the attempt was opened, at {}", status.opened)))
        }
        at => Ok(at.unwrap_or(now)),
    }
}

fn file(marked: &Marked) -> Result<Brought, Failure> {
    let bytes = marked.to_bytes();
    let name = format!("plan-step-{}.json", marked.row);
    let file = EvidenceFile {
        name: FileName::parse(&name)?,
        path: name,
        size: bytes.len() as u64,
        sha256: Digest::of(&bytes),
        stored: Stored::Inline,
        location: None,
        role: None,
    };
    Ok(Brought { file, bytes: Some(bytes), upload: Upload::None })
}

/// As whoever verifies will take them again.
fn facts(brought: &Brought) -> Result<Facts, Failure> {
    let reader = readers::find(FORMAT).ok_or_else(|| Failure::unknown(format!("there is no reader of {FORMAT}")))?;
    let input = Input::plain(brought.file.name.as_str(), brought.bytes.as_deref().unwrap_or_default());
    (reader.read)(&input).map_err(|error| Failure::usage(error.to_string()))
}

/// How the row stands now.
fn tell(
    context: &mut Context<'_>,
    ledger: &crate::chain::VerifiedLedger,
    question: &Question<'_>,
    number: u32,
) -> Result<Answer, Failure> {
    let evaluator = Evaluator::new(ledger);
    let observed = Observed::new();
    let status = evaluator.plan(&question.ask(ledger.size(), context.world().now(), &observed), TOLERANCE);
    let status = status.map_err(|why| no_plan(&why))?;
    let Some(row) = status.row(number) else { return Ok(Answer::Yes) };
    let line = format!("row {number}: {}  {}", status::told_state(row), visible(&row.step.task));
    context.printer.say(line);
    for before in &row.before {
        let task = status.row(*before).map_or("", |row| row.step.task.as_str());
        context.printer.talk(format!("note: row {before} should come before it: {}", visible(task)));
    }
    Ok(Answer::Yes)
}
