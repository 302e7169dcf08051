//! The steps of a way back, one after another: one key each on a terminal, one command each in scripts.

use std::io::{BufRead as _, Write as _};

use super::journal::Journal;
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::output::SCHEMAS;
use crate::entry::kinds::{RollbackStep, StepResult};
use crate::id::Timestamp;
use crate::policy::response::RollbackOption;
use crate::policy::{Evaluator, Pipeline, command, span};
use crate::report::escape::visible;
use crate::store::git::GitStore;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Done,
    Skip,
    Fail,
}

impl Key {
    const fn result(self) -> StepResult {
        match self {
            Self::Done => StepResult::Done,
            Self::Skip => StepResult::Skipped,
            Self::Fail => StepResult::Failed,
        }
    }
}

/// The rollback under way, with its option as the policy had it when it began: nobody changes a way that is being
/// gone.
pub fn current(context: &mut Context<'_>) -> Result<(Loaded, Journal, Pipeline, RollbackOption), Failure> {
    let store = context.open_store()?;
    let journal = Journal::current(context, &store)?;
    let loaded = context.load(Some(journal.key.release.as_str()))?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let pipeline = evaluator.policy(journal.size).and_then(|policy| policy.pipeline(&journal.key.pipeline)).cloned();
    let found = pipeline.and_then(|pipeline| {
        let option = pipeline.rollbacks.iter().find(|option| option.id == journal.option).cloned()?;
        Some((pipeline, option))
    });
    let (pipeline, option) = found
        .ok_or_else(|| Failure::unknown(format!("the policy of then has no way back called {}", journal.option)))?;
    Ok((loaded, journal, pipeline, option))
}

pub fn go_on(context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (loaded, journal, pipeline, option) = current(context)?;
    walk(context, &loaded.store, (&pipeline, &option), journal)
}

/// One step, told by a command.
pub fn tell(context: &mut Context<'_>, key: Key, note: Option<String>) -> Result<Answer, Failure> {
    let (loaded, mut journal, pipeline, option) = current(context)?;
    let Some(step) = option.steps.get(journal.steps.len()) else {
        return Err(Failure::no("every step is told already").hint("ledger rollback finish"));
    };
    if key == Key::Skip && !step.optional {
        return Err(Failure::no(format!("{} is always needed, and is not skipped", step.text))
            .hint("ledger rollback done")
            .hint("or, where it does not work: ledger rollback fail -m REASON"));
    }
    let now = context.world().now();
    record(&mut journal, &step.text, key, note, now);
    if !context.global.dry_run {
        journal.write(context, &loaded.store)?;
    }
    walk(context, &loaded.store, (&pipeline, &option), journal)
}

/// Asks for every step that is left; without a terminal it says which is next.
pub fn walk(
    context: &mut Context<'_>,
    store: &GitStore,
    (pipeline, option): (&Pipeline, &RollbackOption),
    mut journal: Journal,
) -> Result<Answer, Failure> {
    while let Some(step) = option.steps.get(journal.steps.len()) {
        let (number, all) = (journal.steps.len() + 1, option.steps.len());
        let needed = if step.optional { " (if needed)" } else { "" };
        let line = format!("{number}/{all} {}{needed}", visible(&step.text));
        if !context.world().is_interactive || context.printer.json || context.global.dry_run {
            if context.printer.json {
                print_json(context, option, &journal);
            } else {
                context.printer.say(line);
                let skip = if step.optional { "skip -m REASON, " } else { "" };
                context.printer.talk(format!("next:\n  → ledger rollback done     (or: {skip}fail -m REASON)"));
            }
            return Ok(Answer::Yes);
        }
        let Some((key, note)) = ask(context, &line, step.optional)? else {
            context.printer.talk("kept: go on with  ledger rollback");
            return Ok(Answer::Yes);
        };
        let now = context.world().now();
        record(&mut journal, &step.text, key, note, now);
        journal.write(context, store)?;
        let took = now.seconds() - journal.steps.last().map_or(now, |step| step.started_at).seconds();
        context.printer.talk(format!("    {}", clock(took)));
    }
    if context.printer.json {
        print_json(context, option, &journal);
        return Ok(Answer::Yes);
    }
    let shows = |slot| {
        let gate = pipeline.gate_that_shows(&journal.key.gate, slot)?;
        Some(command(gate, gate.rule_for(slot)?))
    };
    let commands: Vec<String> = option.validation.iter().filter_map(shows).collect();
    context.printer.say(format!("every step of {} is told, after {}", option.id, elapsed(&journal)));
    context
        .printer
        .talk(format!("next, show that it worked:\n  → {}\n  → ledger rollback finish", commands.join("\n  → ")));
    Ok(Answer::Yes)
}

fn record(journal: &mut Journal, text: &str, key: Key, note: Option<String>, now: Timestamp) {
    let started_at = journal.last().min(now);
    let (text, result) = (text.to_owned(), key.result());
    journal.steps.push(RollbackStep { text, result, note, started_at, finished_at: now });
}

/// Enter is done, s skips what is only sometimes needed, f failed, q leaves it for later; skipping and failing want a
/// reason.
fn ask(context: &mut Context<'_>, line: &str, optional: bool) -> Result<Option<(Key, Option<String>)>, Failure> {
    let skip = if optional { "s skip, " } else { "" };
    loop {
        let typed = prompt(context, &format!("{line}   [enter done, {skip}f failed, q later] "))?;
        let key = match typed.as_deref() {
            Some("") => return Ok(Some((Key::Done, None))),
            Some("s") if optional => Key::Skip,
            Some("f") => Key::Fail,
            None | Some("q") => return Ok(None),
            Some(_) => continue,
        };
        if let Some(reason) = prompt(context, "    why? ")?.filter(|reason| !reason.is_empty()) {
            return Ok(Some((key, Some(reason))));
        }
    }
}

/// One line; `None` where nobody answers any more.
fn prompt(context: &mut Context<'_>, question: &str) -> Result<Option<String>, Failure> {
    let world = &mut context.printer.world;
    let mut typed = String::new();
    let asked = write!(world.err, "{question}").and_then(|()| world.err.flush());
    let read = asked.and_then(|()| world.input.read_line(&mut typed));
    let count = read.map_err(|error| Failure::unknown(format!("nobody could be asked: {error}")))?;
    Ok((count > 0).then(|| typed.trim().to_owned()))
}

pub fn status(context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (_, journal, _, option) = current(context)?;
    if context.printer.json {
        print_json(context, &option, &journal);
        return Ok(Answer::Yes);
    }
    let expected = option.expected.map(|s| format!(", expected {}", span(s))).unwrap_or_default();
    let (gate, release) = (&journal.key.gate, visible(journal.key.release.as_str()));
    context.printer.say(format!("{} back from {gate} of {release}: {}{expected}", option.id, elapsed(&journal)));
    for (at, step) in option.steps.iter().enumerate() {
        let told = journal.steps.get(at);
        let mark = match told.map(|told| told.result) {
            Some(StepResult::Done) => context.printer.good(),
            Some(StepResult::Failed) => context.printer.bad(),
            Some(StepResult::Skipped) => "–".to_owned(),
            None => "○".to_owned(),
        };
        let note = told.and_then(|told| told.note.as_deref()).map(|note| format!("  ({})", visible(note)));
        let time = told.map(|told| format!("  {}", clock(told.finished_at.seconds() - told.started_at.seconds())));
        let line = format!("  {mark} {}{}{}", visible(&step.text), time.unwrap_or_default(), note.unwrap_or_default());
        context.printer.say(line);
    }
    Ok(Answer::Yes)
}

fn print_json(context: &mut Context<'_>, option: &RollbackOption, journal: &Journal) {
    let steps: Vec<serde_json::Value> = option
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let told = journal.steps.get(at);
            serde_json::json!({
                "text": step.text, "optional": step.optional, "result": told.map(|told| told.result),
                "startedAt": told.map(|told| told.started_at), "finishedAt": told.map(|told| told.finished_at),
                "note": told.and_then(|told| told.note.clone()),
            })
        })
        .collect();
    context.printer.json(&serde_json::json!({
        "schema": format!("{SCHEMAS}rollback-walk/v0.1"),
        "pipeline": journal.key.pipeline, "gate": journal.key.gate, "release": journal.key.release,
        "option": journal.option, "trigger": journal.trigger, "startedAt": journal.started_at,
        "expectedSeconds": option.expected, "steps": steps, "validation": option.validation,
    }));
}

/// From the beginning to the last step.
pub fn elapsed(journal: &Journal) -> String {
    clock(journal.last().seconds() - journal.started_at.seconds())
}

/// Seconds as a stopwatch shows them.
fn clock(seconds: i64) -> String {
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}
