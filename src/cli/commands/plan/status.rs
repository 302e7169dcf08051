//! `ledger plan status`: planned and actual, row by row.

use chrono_tz::Tz;
use serde::Serialize;

use super::super::Answer;
use super::import::in_zone;
use super::{Where, no_plan, question};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::moment::AsOf;
use crate::cli::output::{Printer, SCHEMAS, table};
use crate::cli::select::Question;
use crate::evidence::readers::Input;
use crate::evidence::readers::checklist::{self, Item, State as ItemState};
use crate::evidence::readers::plan::Step;
use crate::evidence::readers::plan::step::Mark;
use crate::findings::counted;
use crate::id::Timestamp;
use crate::policy::plan::{Ignored, Mapping, PlanStatus, Row, State, map_items};
use crate::policy::{Evaluator, Observed, Policy};
use crate::report::escape::visible;

/// For when the question is asked.
pub struct When<'w> {
    pub as_of: &'w AsOf,
    pub now: Option<Timestamp>,
    /// In seconds.
    pub tolerance: i64,
}

pub fn run(place: &Where, when: &When<'_>, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(place.release.as_deref())?;
    let moment = when.as_of.moment(context, &mut loaded)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = moment.policy(&evaluator)?;
    let (size, now) = (moment.size, when.now.unwrap_or(moment.now));
    let question = question(policy, place, moment.view(&loaded))?;
    let follow = |observed: &Observed| evaluator.plan(&question.ask(size, now, observed), when.tolerance);
    let mut status = follow(&Observed::new()).map_err(|why| no_plan(&why))?;
    if !moment.is_past && status.rows.iter().any(|row| row.gate.is_some()) {
        status = follow(&observed(context, &loaded, &question, &status)?).map_err(|why| no_plan(&why))?;
    }
    context.refuse_lies(&loaded, &evaluator)?;
    let items = items(&loaded, &status);
    if context.printer.json {
        context.printer.json(&PlanJson::of(&status, &items, when, size, now));
    } else {
        show(context, policy, &status, &items, now);
    }
    Ok(if status.is_complete() { Answer::Yes } else { Answer::No })
}

/// What the work tree holds of the documents that rows sign off: an approval of other bytes has lapsed.
fn observed(
    context: &Context<'_>,
    loaded: &Loaded,
    question: &Question<'_>,
    status: &PlanStatus,
) -> Result<Observed, Failure> {
    let mut observed = Observed::new();
    for gate in
        question.pipeline.gates.iter().filter(|gate| status.rows.iter().any(|row| row.gate.as_ref() == Some(&gate.id)))
    {
        observed.extend(Question { gate, ..question.clone() }.observe(context, &loaded.store)?);
    }
    Ok(observed)
}

/// The boxes of the plan's own document, each with its row.
fn items(loaded: &Loaded, status: &PlanStatus) -> Vec<(Item, Mapping)> {
    let bytes = loaded.ledger.entry(status.entry).and_then(|entry| {
        let name = entry.evidence()?.brought().next()?.name.clone();
        loaded.store.file(entry.commit(), &entry.file_path(name.as_str())).ok()
    });
    let Some(bytes) = bytes else { return Vec::new() };
    let Ok(read) = checklist::details(&Input::plain("plan.md", &bytes)) else { return Vec::new() };
    let items: Vec<Item> = read.items.into_iter().filter(|item| item.state != ItemState::Group).collect();
    let steps: Vec<Step> = status.rows.iter().map(|row| row.step.clone()).collect();
    let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
    let mapped = map_items(&texts, &steps);
    items.into_iter().zip(mapped).collect()
}

fn show(context: &mut Context<'_>, policy: &Policy, status: &PlanStatus, items: &[(Item, Mapping)], now: Timestamp) {
    let title = format!(
        "{}  {} {}  entry {}  {} UTC",
        context.printer.bold(&visible(&status.path)),
        status.attempt.gate,
        visible(status.attempt.release.as_str()),
        status.entry,
        in_zone(now, &Tz::UTC),
    );
    context.printer.say(title);
    let head = ["", "", "planned", "actual", "delta", "state", "owner", "signed", "task"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(status.rows.iter().map(|row| cells(&context.printer, policy, row)));
    table(&rows).into_iter().for_each(|line| context.printer.say(line));
    if !items.is_empty() {
        context.printer.say("sign-off");
        let rows: Vec<Vec<String>> = items.iter().map(|item| item_cells(&context.printer, status, item)).collect();
        table(&rows).into_iter().for_each(|line| context.printer.say(line));
    }
    for Ignored { entry, why } in &status.ignored {
        context.printer.say(format!("  ! entry {entry} does not count: {}", visible(why)));
    }
    context.printer.say(tally(status));
}

fn cells(printer: &Printer<'_>, policy: &Policy, row: &Row) -> Vec<String> {
    let mark = match row.state {
        _ if !row.before.is_empty() => printer.bad(),
        State::Done | State::Late | State::Early => printer.good(),
        State::Skipped => "–".to_owned(),
        State::Missed => printer.bad(),
        State::Waiting | State::Due => "○".to_owned(),
    };
    let (actual, delta, signed) = match &row.doing {
        None => (String::new(), String::new(), String::new()),
        Some(doing) => {
            let person = policy.roster.person(&doing.person).map_or(doing.person.as_str(), |person| person.handle());
            let signed = format!("#{} {} {}", doing.entry, visible(person), in_zone(doing.signed, &Tz::UTC));
            let late = (doing.mark == Mark::Done).then(|| delta(seconds(row).unwrap_or_default()));
            (in_zone(doing.at, &Tz::UTC), late.unwrap_or_default(), signed)
        }
    };
    vec![
        format!("  {mark}"),
        row.number.to_string(),
        in_zone(row.step.at, &Tz::UTC),
        actual,
        delta,
        told_state(row),
        visible(&row.step.owner.text),
        signed,
        visible(&row.step.task),
    ]
}

/// The state, and the rows it overtook.
pub fn told_state(row: &Row) -> String {
    let note = row.doing.as_ref().and_then(|doing| doing.note.as_deref());
    let note = note.map(|note| format!(" ({})", visible(note))).unwrap_or_default();
    let before: Vec<String> = row.before.iter().map(u32::to_string).collect();
    let order = if before.is_empty() { String::new() } else { format!(", before {}", before.join(" ")) };
    format!("{}{note}{order}", row.state.word())
}

fn item_cells(printer: &Printer<'_>, status: &PlanStatus, (item, mapping): &(Item, Mapping)) -> Vec<String> {
    let row = mapping.row().and_then(|number| status.row(number));
    let mark = match row {
        None => "?".to_owned(),
        Some(row) if is_done(row) => printer.good(),
        Some(_) => "○".to_owned(),
    };
    let place = row.map_or("no row is clear".to_owned(), |row| format!("row {}", row.number));
    vec![format!("  {mark}"), visible(&item.text), place]
}

/// Whether a row's item is ticked by it.
const fn is_done(row: &Row) -> bool {
    matches!(row.state, State::Done | State::Late | State::Early)
}

fn tally(status: &PlanStatus) -> String {
    let mut parts = vec![counted(status.rows.len(), "row", "rows")];
    for state in STATES {
        let count = status.count(&[*state]);
        parts.extend((count > 0).then(|| format!("{count} {}", state.word())));
    }
    let out_of_order = status.out_of_order();
    parts.extend((out_of_order > 0).then(|| format!("{out_of_order} out of order")));
    parts.join(" · ")
}

const STATES: &[State] =
    &[State::Done, State::Late, State::Early, State::Skipped, State::Waiting, State::Due, State::Missed];

/// Seconds from its time to when it was done; negative before.
fn seconds(row: &Row) -> Option<i64> {
    row.doing.as_ref().map(|doing| doing.at.seconds().saturating_sub(row.step.at.seconds()))
}

/// `+2m`, `-1h05m`, `+3d02h`: the two largest units.
fn delta(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{sign}{rest}m"),
        (0, _) => format!("{sign}{hours}h{rest:02}m"),
        _ => format!("{sign}{days}d{hours:02}h"),
    }
}

/// The same as JSON (`schemas/plan-status.schema.json`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanJson<'s> {
    schema: String,
    verdict: &'static str,
    pipeline: &'s str,
    gate: &'s str,
    release: &'s str,
    attempt: u32,
    /// Entries it was asked of.
    size: u64,
    now: Timestamp,
    tolerance: i64,
    zone: &'s str,
    plan: serde_json::Value,
    rows: Vec<serde_json::Value>,
    totals: serde_json::Value,
    items: Vec<serde_json::Value>,
    ignored: Vec<serde_json::Value>,
}

impl<'s> PlanJson<'s> {
    fn of(status: &'s PlanStatus, items: &[(Item, Mapping)], when: &When<'_>, size: u64, now: Timestamp) -> Self {
        let mut totals = serde_json::json!({ "rows": status.rows.len(), "outOfOrder": status.out_of_order() });
        for state in STATES {
            totals[state.word()] = status.count(&[*state]).into();
        }
        let key = &status.attempt;
        Self {
            schema: format!("{SCHEMAS}plan-status/v0.1"),
            verdict: if status.is_complete() { "complete" } else { "incomplete" },
            pipeline: key.pipeline.as_str(),
            gate: key.gate.as_str(),
            release: key.release.as_str(),
            attempt: key.attempt,
            size,
            now,
            tolerance: when.tolerance,
            zone: &status.zone,
            plan: serde_json::json!({ "entry": status.entry, "path": status.path, "sha256": status.digest }),
            rows: status.rows.iter().map(row_json).collect(),
            totals,
            items: items.iter().map(|item| item_json(status, item)).collect(),
            ignored: status.ignored.iter().map(|i| serde_json::json!({ "entry": i.entry, "why": i.why })).collect(),
        }
    }
}

fn row_json(row: &Row) -> serde_json::Value {
    let doing = row.doing.as_ref().map(|doing| {
        serde_json::json!({
            "at": doing.at, "delta": seconds(row), "entry": doing.entry, "signed": doing.signed,
            "person": doing.person, "note": doing.note, "how": doing.how.word(),
        })
    });
    serde_json::json!({
        "row": row.number, "line": row.step.line, "planned": row.step.at, "owner": row.step.owner.text,
        "task": row.step.task, "commands": row.commands, "gate": row.gate, "state": row.state.word(),
        "before": row.before, "doing": doing,
    })
}

fn item_json(status: &PlanStatus, (item, mapping): &(Item, Mapping)) -> serde_json::Value {
    let how = match mapping {
        Mapping::Named(_) => "named",
        Mapping::Words(_) => "words",
        Mapping::Unclear => "unclear",
    };
    let done = mapping.row().and_then(|number| status.row(number)).is_some_and(is_done);
    serde_json::json!({ "line": item.line, "text": item.text, "row": mapping.row(), "mapping": how, "done": done })
}

#[cfg(test)]
mod tests {
    use super::delta;

    #[test]
    fn a_delta_has_its_two_largest_units() {
        for (seconds, told) in
            [(0, "+0m"), (59, "+0m"), (-61, "-1m"), (3900, "+1h05m"), (-86_399, "-23h59m"), (266_400, "+3d02h")]
        {
            assert_eq!(delta(seconds), told);
        }
    }
}
