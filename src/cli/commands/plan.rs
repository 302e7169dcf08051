//! `ledger plan`: a rollout plan is recorded, its rows are done one by one, and held against the clock.

mod import;
mod mark;
mod status;

use std::path::PathBuf;

use chrono::DateTime;

use super::Answer;
use crate::chain::View;
use crate::cli::args::{path, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::moment::AsOf;
use crate::cli::secrets::Secrets;
use crate::cli::select::{self, Question};
use crate::entry::kinds::AttemptKey;
use crate::evidence::readers::plan::step::Mark;
use crate::id::{EntryNumber, Name, Timestamp};
use crate::policy::plan::NoPlan;
use crate::policy::{Gate, Policy};

/// Record a rollout plan, do its rows, and see where it stands
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: PlanCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PlanCommand {
    /// Record a plan: a Markdown table Time | Owner | Task under a heading like Timeline (UTC)
    #[command(
        before_help = "Examples:\n  ledger plan import docs/rollout.md --dry-run       what is planned, and who does it\n  ledger plan import docs/rollout.md --gate ga\n\nA newer plan replaces it; rows with the same owner and text keep what was done."
    )]
    Import {
        /// The plan
        #[arg(value_parser = path())]
        file: PathBuf,
        #[command(flatten)]
        place: Where,
        #[command(flatten)]
        secrets: Secrets,
    },
    /// Say that a row is done; its owner says so
    #[command(
        before_help = "Examples:\n  ledger plan done 3\n  ledger plan done 3 --at 2025-10-06T00:50:00Z -m \"on the second try\""
    )]
    Done {
        /// The row, counted from 1
        row: u32,
        /// A remark
        #[arg(short = 'm', long, value_parser = text())]
        message: Option<String>,
        /// When it was done; default: now
        #[arg(long, value_name = "INSTANT", value_parser = instant)]
        at: Option<Timestamp>,
        #[command(flatten)]
        place: Where,
    },
    /// Say that a row is left out, and why; its owner says so
    #[command(before_help = "Examples:\n  ledger plan skip 5 -m \"no migration is pending\"")]
    Skip {
        /// The row, counted from 1
        row: u32,
        /// Why
        #[arg(short = 'm', long, value_parser = text())]
        message: String,
        #[command(flatten)]
        place: Where,
    },
    /// Planned and actual, row by row; exit 0 when every row is done or skipped, in order
    #[command(
        before_help = "Examples:\n  ledger plan status\n  ledger plan status --gate ga --tolerance 10m --json\n  ledger plan status --as-of 41                      as it was with that entry"
    )]
    Status {
        #[command(flatten)]
        place: Where,
        #[command(flatten)]
        as_of: AsOf,
        /// As it would be at this time
        #[arg(long, value_name = "INSTANT", value_parser = instant)]
        now: Option<Timestamp>,
        /// How far from its time a row may be done and still be in time
        #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = tolerance)]
        tolerance: i64,
    },
}

/// Which plan is meant.
#[derive(Debug, Clone, clap::Args)]
struct Where {
    /// Gate, or PIPELINE/GATE; default: the one with the newest plan, or that wants one
    #[arg(long, value_parser = text())]
    gate: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match &args.command {
        PlanCommand::Import { file, place, secrets } => import::run(file, place, secrets, context),
        PlanCommand::Done { row, message, at, place } => {
            mark::run(mark::Said { row: *row, mark: Mark::Done, note: message.as_deref(), at: *at }, place, context)
        }
        PlanCommand::Skip { row, message, place } => {
            mark::run(mark::Said { row: *row, mark: Mark::Skipped, note: Some(message), at: None }, place, context)
        }
        PlanCommand::Status { place, as_of, now, tolerance } => {
            status::run(place, &status::When { as_of, now: *now, tolerance: *tolerance }, context)
        }
    }
}

/// An instant with its zone, `2025-10-06T00:50:00Z` or `2025-10-06T09:50:00+09:00`.
fn instant(text: &str) -> Result<Timestamp, String> {
    let parsed = DateTime::parse_from_rfc3339(text);
    let parsed = parsed.map_err(|_| "write 2025-10-06T00:50:00Z or 2025-10-06T09:50:00+09:00".to_owned())?;
    Timestamp::from_seconds(parsed.timestamp()).map_err(|error| error.to_string())
}

fn tolerance(text: &str) -> Result<i64, String> {
    if text == "0" { Ok(0) } else { crate::policy::parse::duration(text) }
}

/// The slot of a gate for evidence of a format: that of its rule, or one called like the format.
fn slot_for(gate: &Gate, format: &str) -> Result<Name, Failure> {
    let rule = gate.rules.iter().find(|rule| rule.formats.contains(&format));
    rule.map_or_else(|| Ok(Name::parse(format)?), |rule| Ok(rule.slot.clone()))
}

/// The gate named, or that of the newest plan of its pipeline's release.
fn question<'p>(policy: &'p Policy, place: &Where, view: View<'_>) -> Result<Question<'p>, Failure> {
    if let Some(gate) = &place.gate {
        return Question::in_view(policy, view, gate, place.release.as_deref());
    }
    let mut newest: Option<(EntryNumber, Question<'p>)> = None;
    for (pipeline, gate) in policy.gates() {
        let Ok(release) = select::release_in(view, pipeline, place.release.as_deref()) else { continue };
        let Some(attempt) = view.latest(&pipeline.id, &gate.id, &release) else { continue };
        let Some(entry) = newest_plan(view, attempt.key) else { continue };
        if newest.as_ref().is_none_or(|(known, _)| *known < entry) {
            newest = Some((entry, Question { pipeline, gate, release }));
        }
    }
    newest.map(|(_, question)| question).ok_or_else(|| no_plan(&NoPlan::Missing))
}

fn newest_plan(view: View<'_>, key: &AttemptKey) -> Option<EntryNumber> {
    let plans = view.all_of_attempt(key).map(|(entry, _)| entry);
    plans.filter(|entry| entry.evidence().is_some_and(|e| e.format.as_str() == "plan")).last().map(|e| e.number())
}

fn no_plan(why: &NoPlan) -> Failure {
    Failure::unknown(why.to_string()).hint("ledger plan import FILE.md --gate GATE")
}
