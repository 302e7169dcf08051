//! `ledger due`: what falls due, and what is overdue, over all gates of the newest releases.

use super::{Answer, status};
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::moment::Moment;
use crate::cli::output::{SCHEMAS, table};
use crate::id::Timestamp;
use crate::policy::decision::{Decision, RuleOutcome};
use crate::policy::{Evaluator, span};
use crate::report::escape::visible;

/// Show what falls due: reviews, answers to triggers, windows, soaks, recurring controls
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger due                 exit 1 when something is overdue\n  ledger due --release v1.4.0 --json\n\nA control that comes again and again is a gate of a pipeline of its own, which others require with `release = \"any\"` and `within`."
)]
pub struct Args {
    /// Release; default: the newest of each pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
}

/// One thing with an end.
struct Due<'d> {
    at: Timestamp,
    decision: &'d Decision,
    rule: &'d RuleOutcome,
}

impl Due<'_> {
    /// Whether its time is up and somebody owes something.
    fn is_over(&self, now: Timestamp) -> bool {
        self.at <= now && !self.rule.state.is_met()
    }
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(args.release.as_deref())?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let moment = Moment::present(context, &loaded);
    let boards = status::boards(context, &loaded, &evaluator, &moment, args.release.as_deref())?;
    let now = moment.now;
    let rules = boards.iter().flat_map(|(_, decision)| decision.rules.iter().map(move |rule| (decision, rule)));
    let with_parts =
        rules.flat_map(|(decision, rule)| [rule].into_iter().chain(&rule.parts).map(move |rule| (decision, rule)));
    // A gate that is passed owes nothing more to its own rules.
    let open = with_parts.filter(|(decision, rule)| decision.promoted.is_none() || !rule.state.is_met());
    let mut due: Vec<Due<'_>> =
        open.filter_map(|(decision, rule)| Some(Due { at: rule.due?, decision, rule })).collect();
    due.sort_by_key(|due| due.at);
    let overdue = due.iter().filter(|due| due.is_over(now)).count();
    if context.printer.json {
        print_json(context, &due, now);
    } else {
        print(context, &due, now);
    }
    if overdue > 0 {
        context.printer.talk(format!("{overdue} overdue"));
        return Ok(Answer::No);
    }
    Ok(Answer::Yes)
}

fn print(context: &mut Context<'_>, due: &[Due<'_>], now: Timestamp) {
    if due.is_empty() {
        context.printer.say("nothing falls due");
        return;
    }
    let rows: Vec<Vec<String>> = due
        .iter()
        .map(|due| {
            let mark = if due.is_over(now) { context.printer.bad() } else { context.printer.mark(due.rule.state) };
            let left = (due.at.seconds() - now.seconds()).abs() / 60 * 60;
            let left = match (due.at <= now, left) {
                (_, 0) => "now".to_owned(),
                (true, left) => format!("{} ago", span(left)),
                (false, left) => format!("in {}", span(left)),
            };
            let gate = format!("{}/{}", due.decision.pipeline, due.decision.gate);
            let shown = if due.rule.state.is_met() { &due.rule.have } else { &due.rule.hint };
            vec![mark, due.at.to_string(), left, gate, due.rule.id.to_string(), visible(shown)]
        })
        .collect();
    table(&rows).into_iter().for_each(|line| context.printer.say(line));
}

fn print_json(context: &mut Context<'_>, due: &[Due<'_>], now: Timestamp) {
    let items: Vec<serde_json::Value> = due
        .iter()
        .map(|due| {
            serde_json::json!({
                "due": due.at, "overdue": due.is_over(now), "pipeline": due.decision.pipeline,
                "gate": due.decision.gate, "release": due.decision.release, "rule": due.rule.id,
                "kind": due.rule.kind.word(), "state": due.rule.state.word(), "have": due.rule.have, "hint": due.rule.hint,
            })
        })
        .collect();
    context.printer.json(&serde_json::json!({ "schema": format!("{SCHEMAS}due/v0.1"), "now": now, "due": items }));
}
