//! `ledger plan import`: the plan becomes evidence, and is shown with its owners, commands and sign-offs.

use std::fmt;
use std::path::Path;

use chrono::{FixedOffset, TimeZone};
use chrono_tz::Tz;

use super::super::{Answer, open, record};
use super::{Where, slot_for};
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::files::Taking;
use crate::cli::load::Loaded;
use crate::cli::output::table;
use crate::cli::secrets::Secrets;
use crate::cli::select::Question;
use crate::cli::storing::Storing;
use crate::evidence::facts::Fact;
use crate::evidence::readers;
use crate::evidence::readers::plan::{Step, timeline};
use crate::id::{Name, Timestamp};
use crate::policy::plan::{commands, owning, sign_off_gate};
use crate::policy::{Evaluator, Policy, Rule};
use crate::report::escape::visible;

const FORMAT: &str = readers::PLAN;

pub fn run(file: &Path, place: &Where, secrets: &Secrets, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(place.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let question = question(policy, &evaluator, &loaded, place)?;
    let rule = question.gate.rules.iter().find(|rule| rule.formats.contains(&FORMAT)).cloned();
    let rule = rule.map_or_else(
        || slot_for(question.gate, FORMAT).map(|slot| Rule::plain(vec![FORMAT], slot.clone(), slot)),
        Ok,
    )?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let taking = Taking {
        rule: &rule,
        format: Some(FORMAT),
        external: false,
        location: None,
        storing: &Storing::nowhere(policy),
        secrets,
        stdin_name: "plan.md",
    };
    let (read, brought) = record::read(context, &loaded, &question, &taking, &[file.to_owned()])?;
    let rows = timeline(&read.facts).ok_or_else(|| {
        let message = format!("{} has more rows, or longer ones, than one entry can tell", file.display());
        Failure::usage(message).hint("make it two plans, each for a gate of its own")
    })?;
    let written = match read.facts.get("zone") {
        Some(Fact::Text(zone)) => zone.as_str(),
        _ => "UTC",
    };
    show(context, &loaded, policy, &question, (written, &rows));
    let Some(attempt) = open::ensure(context, &mut loaded, &identity, policy, &question, None)? else {
        context.printer.outcome(&format!("would open {} and record {}", question.gate.id, rule.slot), true);
        return Ok(Answer::Yes);
    };
    let recording = record::Recording { attempt, ..read };
    let number = recording.append(context, &mut loaded, &identity, brought)?;
    recording.tell(context, &loaded, number, &question);
    Ok(Answer::Yes)
}

/// The gate named; or the one that wants a plan; or the only one there is.
fn question<'p>(
    policy: &'p Policy,
    evaluator: &Evaluator<'_>,
    loaded: &Loaded,
    place: &Where,
) -> Result<Question<'p>, Failure> {
    let release = place.release.as_deref();
    if let Some(gate) = &place.gate {
        return Question::new(policy, loaded, gate, release);
    }
    let mut rules = policy.gates().flat_map(|(_, gate)| &gate.rules);
    if let Some(rule) = rules.find(|rule| rule.formats.contains(&FORMAT)) {
        return Question::of_slot(policy, evaluator, loaded, &rule.slot, None, release);
    }
    let gates: Vec<&Name> = policy.gates().map(|(_, gate)| &gate.id).collect();
    match gates.as_slice() {
        [only] => Question::new(policy, loaded, only.as_str(), release),
        _ => {
            let names: Vec<&str> = gates.iter().map(|gate| gate.as_str()).collect();
            Err(Failure::usage("no gate wants a plan, so it must be said for which it is")
                .hint(format!("--gate GATE, one of {}", names.join(", "))))
        }
    }
}

fn show(
    context: &mut Context<'_>,
    loaded: &Loaded,
    policy: &Policy,
    question: &Question<'_>,
    (written, rows): (&str, &[Step]),
) {
    let Question { pipeline, gate, release } = question;
    let opened = loaded.ledger.view().latest(&pipeline.id, &gate.id, release);
    let zone = opened.and_then(|attempt| attempt.open.time_zone.parse().ok()).unwrap_or(policy.zone);
    let zones = columns(written, zone, rows);
    let mut head: Vec<String> = vec![String::new()];
    head.extend(zones.iter().map(|(name, _)| name.clone()));
    head.extend(["owner", "who", "task"].map(str::to_owned));
    let mut cells = vec![head];
    let mut unknown: Vec<&str> = Vec::new();
    for (step, number) in rows.iter().zip(1_u32..) {
        let owning = owning(&policy.roster, &step.owner);
        if !owning.is_known() && !unknown.contains(&step.owner.text.as_str()) {
            unknown.push(&step.owner.text);
        }
        let who = if owning.is_known() { owning.called().join(", ") } else { "nobody".to_owned() };
        let mut row = vec![number.to_string()];
        row.extend(zones.iter().filter_map(|(_, times)| times.get(number as usize - 1).cloned()));
        row.extend([visible(&step.owner.text), visible(&who), visible(&step.task)]);
        cells.push(row);
    }
    let mut lines = table(&cells).into_iter();
    lines.next().into_iter().for_each(|head| context.printer.say(head));
    for (line, step) in lines.zip(rows) {
        context.printer.say(line);
        for command in commands(&step.code) {
            context.printer.say(context.printer.dim(&format!("      runs  {}", visible(command))));
        }
        if let Some(signed) = sign_off_gate(pipeline, gate, release, step) {
            context.printer.say(context.printer.dim(&format!("      signs off  {}", signed.id)));
        }
    }
    for owner in unknown {
        let owner = visible(owner);
        context.printer.talk(format!(
            "note: {owner} is nobody in the roster, so nobody can do those rows\n  → give the person the handle {owner:?} in ledger.toml, then: ledger policy apply"
        ));
    }
}

/// The times as the plan has them, in UTC, and in the attempt's zone, each once.
fn columns(written: &str, attempt: Tz, rows: &[Step]) -> Vec<(String, Vec<String>)> {
    let named = |zone: Tz| (zone.name().to_owned(), rows.iter().map(|step| in_zone(step.at, &zone)).collect());
    let mut columns: Vec<(String, Vec<String>)> = match (written.parse::<Tz>(), written.parse::<FixedOffset>()) {
        (Ok(zone), _) => vec![named(zone)],
        (_, Ok(offset)) => vec![(written.to_owned(), rows.iter().map(|step| in_zone(step.at, &offset)).collect())],
        _ => Vec::new(),
    };
    for zone in [Tz::UTC, attempt] {
        let column = named(zone);
        // Seoul and +09:00 are one column; UTC is there under its own name.
        let is_there = |other: &(String, Vec<String>)| other.0 == column.0 || (zone != Tz::UTC && other.1 == column.1);
        if !columns.iter().any(is_there) {
            columns.push(column);
        }
    }
    columns
}

/// To the minute, as plans are written.
pub fn in_zone<Z: TimeZone>(at: Timestamp, zone: &Z) -> String
where
    Z::Offset: fmt::Display,
{
    at.to_utc().with_timezone(zone).format("%Y-%m-%d %H:%M").to_string()
}
