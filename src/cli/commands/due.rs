//! `ledger due`: what falls due, and what is overdue, over all gates of the newest releases.

use std::collections::BTreeSet;

use super::Answer;
use super::status::{self, Board};
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::moment::Moment;
use crate::cli::output::{SCHEMAS, table};
use crate::id::{Name, Timestamp, Version};
use crate::policy::decision::{Decision, RuleKind, RuleOutcome};
use crate::policy::{Ask, Evaluator, Observed, Policy, span};
use crate::report::escape::visible;

/// Show what falls due: reviews, answers to triggers, windows, soaks, waivers and approvals that end, recurring controls
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
struct Due {
    at: Timestamp,
    pipeline: Name,
    gate: Name,
    release: Version,
    rule: RuleOutcome,
}

impl Due {
    fn of(decision: &Decision, rule: &RuleOutcome) -> Option<Self> {
        let Decision { pipeline, gate, release, .. } = decision;
        let (pipeline, gate, release) = (pipeline.clone(), gate.clone(), release.clone());
        Some(Self { at: rule.due?, pipeline, gate, release, rule: rule.clone() })
    }

    /// Whether its time is up and somebody owes something.
    fn is_over(&self, now: Timestamp) -> bool {
        self.at <= now && !self.rule.state.is_met()
    }

    /// What is owed once, at however many gates it is seen.
    fn debt(&self) -> Option<(Name, String)> {
        let is_debt = matches!(self.rule.kind, RuleKind::Review | RuleKind::Trigger);
        is_debt.then(|| (self.pipeline.clone(), self.rule.need.clone()))
    }
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(args.release.as_deref())?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let moment = Moment::present(context, &loaded);
    let boards = status::boards(context, &loaded, &evaluator, &moment, args.release.as_deref())?;
    let now = moment.now;
    let mut due: Vec<Due> = boards.iter().flat_map(|(_, decision)| of_rules(decision)).collect();
    due.extend(owed(&evaluator, moment.policy(&evaluator)?, &boards, &moment));
    let mut known = BTreeSet::new();
    due.retain(|due| due.debt().is_none_or(|debt| known.insert(debt)));
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

/// What ends by itself or is owed in a gate. One that is passed owes nothing more to its own rules, and still
/// closes when a waiver or an approval it rests on ends.
fn of_rules(decision: &Decision) -> Vec<Due> {
    let lasts = |rule: &RuleOutcome| rule.state.is_waived() || rule.kind == RuleKind::Approval;
    let rules = decision.rules.iter().flat_map(|rule| [rule].into_iter().chain(&rule.parts));
    let open = rules.filter(|rule| decision.promoted.is_none() || !rule.state.is_met() || lasts(rule));
    open.filter_map(|rule| Due::of(decision, rule)).collect()
}

/// What is owed outside the rules of a gate: of the releases shown, and for glass that was broken for any release.
fn owed(evaluator: &Evaluator<'_>, policy: &Policy, boards: &[Board<'_>], moment: &Moment) -> Vec<Due> {
    let shown = boards.iter().map(|(_, decision)| (&decision.pipeline, &decision.gate, &decision.release));
    let broken = evaluator.ledger().view().broken_glass().map(|broken| {
        let attempt = broken.attempt();
        (&attempt.pipeline, &attempt.gate, &attempt.release)
    });
    let places: BTreeSet<_> = shown.chain(broken).collect();
    let mut owed = Vec::new();
    for (pipeline, gate, release) in places {
        let there = policy.pipeline(pipeline).is_some_and(|pipeline| pipeline.gate(gate).is_some());
        let observed = Observed::new();
        let ask =
            Ask { pipeline, gate, release, size: moment.size, now: moment.now, observed: &observed, source: None };
        for rule in Some(evaluator.owed(&ask)).filter(|_| there).into_iter().flatten() {
            let (pipeline, gate, release) = (pipeline.clone(), gate.clone(), release.clone());
            owed.extend(rule.due.map(|at| Due { at, pipeline, gate, release, rule }));
        }
    }
    owed
}

fn print(context: &mut Context<'_>, due: &[Due], now: Timestamp) {
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
            let gate = format!("{}/{}", due.pipeline, due.gate);
            let shown = if due.rule.state.is_met() { &due.rule.have } else { &due.rule.hint };
            vec![mark, due.at.to_string(), left, gate, due.rule.id.to_string(), visible(shown)]
        })
        .collect();
    table(&rows).into_iter().for_each(|line| context.printer.say(line));
}

fn print_json(context: &mut Context<'_>, due: &[Due], now: Timestamp) {
    let items: Vec<serde_json::Value> = due
        .iter()
        .map(|due| {
            serde_json::json!({
                "due": due.at, "overdue": due.is_over(now), "pipeline": due.pipeline,
                "gate": due.gate, "release": due.release, "rule": due.rule.id,
                "kind": due.rule.kind.word(), "state": due.rule.state.word(), "have": due.rule.have, "hint": due.rule.hint,
            })
        })
        .collect();
    context.printer.json(&serde_json::json!({ "schema": format!("{SCHEMAS}due/v0.1"), "now": now, "due": items }));
}
