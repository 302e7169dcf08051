//! `ledger status`: the board. Gates and rules, what is missing, who can bring it, and the next command.

use super::{Answer, rollback};
use crate::cli::args::text;
use crate::cli::board::{self, DecisionJson, next_command};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::moment::{AsOf, Moment};
use crate::cli::output::table;
use crate::cli::select::{self, Question};
use crate::findings::counted;
use crate::id::Name;
use crate::policy::decision::Decision;
use crate::policy::evaluate::shell;
use crate::policy::{Evaluator, Gate, Pipeline, Verdict};
use crate::report::escape::visible;

/// Show where a release stands
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger status                     every gate of the newest release\n  ledger status alpha               one gate, rule by rule\n  ledger status --release v1.4.0 --json\n  ledger status --as-of 58          as it was with entry 58"
)]
pub struct Args {
    /// Gate, or PIPELINE/GATE
    #[arg(value_parser = text())]
    gate: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    #[command(flatten)]
    as_of: AsOf,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let moment = args.as_of.moment(context, &mut loaded)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = moment.policy(&evaluator)?;
    context.warn_of_broken_draft(&loaded.store);
    if let Some(gate) = &args.gate {
        let question = Question::in_view(policy, moment.view(&loaded), gate, args.release.as_deref())?;
        question.require_opened(moment.view(&loaded))?;
        let decision = decide(context, &loaded, &evaluator, &moment, &question)?;
        if context.printer.json {
            context.printer.json(&DecisionJson::from(&decision));
            return Ok(Answer::Yes);
        }
        show_gate(context, &decision);
        return Ok(Answer::Yes);
    }
    let boards = boards(context, &loaded, &evaluator, &moment, args.release.as_deref())?;
    if context.printer.json {
        context.printer.json(&board::status_json(boards.iter().map(|(_, decision)| decision)));
        return Ok(Answer::Yes);
    }
    for (at, pipeline) in policy.pipelines.iter().enumerate() {
        if at > 0 {
            context.printer.say("");
        }
        let name = (policy.pipelines.len() > 1).then_some(&pipeline.id);
        let own: Vec<&Board<'_>> = boards.iter().filter(|(_, decision)| decision.pipeline == pipeline.id).collect();
        match own.as_slice() {
            [] => show_none(context, pipeline, args.release.as_deref()),
            own => show_board(context, &loaded, &moment, (name, own)),
        }
    }
    let current = boards.iter().find(|(_, decision)| decision.promoted.is_none() && decision.attempt.is_some());
    if let Some((_, decision)) = current {
        context.printer.say("");
        show_gate(context, decision);
    }
    let count = policy.roster.approve.count;
    for proposal in loaded.ledger.proposals().iter().filter(|_| !moment.is_past) {
        let (entry, approved) = (proposal.entry, proposal.approved_by.len());
        let line = format!("note: a policy is proposed in entry {entry}: {approved} of {count} have approved it");
        context.printer.talk(format!("{line}\n  → ledger policy sign {entry}"));
    }
    Ok(Answer::Yes)
}

pub type Board<'p> = (&'p Gate, Decision);

/// A decision for every gate of each pipeline's release.
pub fn boards<'p>(
    context: &Context<'_>,
    loaded: &Loaded,
    evaluator: &'p Evaluator<'_>,
    moment: &Moment,
    release: Option<&str>,
) -> Result<Vec<Board<'p>>, Failure> {
    let questions = select::every(moment.policy(evaluator)?, moment.view(loaded), release)?;
    let board = |question: &Question<'p>| Ok((question.gate, decide(context, loaded, evaluator, moment, question)?));
    questions.iter().map(board).collect()
}

/// The answer then, and what this clone knows of ways back that are being walked.
fn decide(
    context: &Context<'_>,
    loaded: &Loaded,
    evaluator: &Evaluator<'_>,
    moment: &Moment,
    question: &Question<'_>,
) -> Result<Decision, Failure> {
    let mut decision = moment.decide(context, loaded, evaluator, question)?;
    if !moment.is_past {
        rollback::heed(context, loaded, &mut decision);
    }
    Ok(decision)
}

fn show_gate(context: &mut Context<'_>, decision: &Decision) {
    let heading = board::heading(&context.printer, decision, None);
    context.printer.say(heading);
    board::rules(&context.printer, decision).into_iter().for_each(|line| context.printer.say(line));
    let next = next_command(decision);
    context.printer.say(format!("{} · {}", board::tally(decision), next));
}

/// A pipeline that has no such release is not left out: nobody would miss what is not shown.
fn show_none(context: &mut Context<'_>, pipeline: &Pipeline, release: Option<&str>) {
    let (what, version) = match release {
        Some(release) => (format!("no release {}", visible(release)), shell(release)),
        None => ("no release yet".to_owned(), "VERSION".to_owned()),
    };
    let line = format!("{what}  {}", context.printer.bold(pipeline.id.as_str()));
    context.printer.say(line);
    if let Some(gate) = pipeline.gates.first() {
        context.printer.say(format!("  → ledger open {}/{} --release {version}", shell(pipeline.id.as_str()), gate.id));
    }
}

/// The gates of one pipeline's release, a row each.
fn show_board(
    context: &mut Context<'_>,
    loaded: &Loaded,
    moment: &Moment,
    (pipeline, boards): (Option<&Name>, &[&Board<'_>]),
) {
    let mut rows = vec![["", "gate", "state", "rules", "folder", "next"].map(str::to_owned).to_vec()];
    for (gate, decision) in boards {
        let met = decision.rules.len() - decision.unmet().count();
        let (mark, state) = match (decision.promoted, decision.verdict()) {
            (Some(entry), Verdict::Open) => (context.printer.good(), format!("promoted #{entry}")),
            (Some(entry), Verdict::Closed) => (context.printer.bad(), format!("promoted #{entry}, changed since")),
            (None, Verdict::Open) => (context.printer.good(), "ready to promote".to_owned()),
            (None, Verdict::Closed) if decision.is_rolled_back() => (context.printer.bad(), "rolled back".to_owned()),
            (None, Verdict::Closed) if decision.attempt.is_some() => (context.printer.bad(), "in progress".to_owned()),
            (None, Verdict::Closed) => ("·".to_owned(), "not opened".to_owned()),
        };
        let label = gate.label(&context.global.lang).to_owned();
        let name = if label == gate.id.as_str() { label } else { format!("{} ({label})", gate.id) };
        let folder = decision.attempt.as_ref().map_or("—".to_owned(), |attempt| attempt.folder.to_string());
        let rules =
            if decision.promoted.is_some() { "—".to_owned() } else { format!("{met}/{}", decision.rules.len()) };
        rows.push(vec![mark, visible(&name), state, rules, folder, next_command(decision)]);
    }
    let release = boards.first().map(|(_, decision)| decision.release.to_string()).unwrap_or_default();
    let pipeline = pipeline.map(|pipeline| format!("  {}", context.printer.bold(pipeline.as_str())));
    let title = format!(
        "{}{}  {}  {}",
        context.printer.bold(&visible(&release)),
        pipeline.unwrap_or_default(),
        loaded.ledger.origin(),
        counted(moment.size, "entry", "entries")
    );
    context.printer.say(title);
    table(&rows).into_iter().for_each(|line| context.printer.say(line));
}
