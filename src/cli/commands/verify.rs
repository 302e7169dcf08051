//! `ledger verify`: every step over every entry, and every recorded promotion evaluated again.

use super::Answer;
use crate::chain::Fault;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::output::SCHEMAS;
use crate::entry::Kind;
use crate::policy::{Evaluator, audit};
use crate::report::escape::visible;

/// Verify the whole ledger
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger verify                                 against the pin in .ledger.toml\n  ledger verify --root sha256:1f0c…             against a digest a colleague gave you\n  ledger -C /path/to/clone verify --json\n\nReads only; never asks for a key. Exit 0 holds, 3 could not tell, 4 does not hold."
)]
pub struct Args {}

pub fn run(_: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = match context.load_whole() {
        Ok(loaded) => loaded,
        Err(failure) => return fail(context, failure),
    };
    let ledger = &loaded.ledger;
    let evaluator = Evaluator::new(ledger);
    let mut faults = audit::audit(&evaluator);
    match context.lying_facts(&loaded, &evaluator, ledger.entries()) {
        Ok(lies) => faults.extend(lies),
        Err(failure) => return fail(context, failure),
    }
    if !faults.is_empty() {
        return fail(context, Failure::broken(faults));
    }
    let anchor = if ledger.is_anchored() { "pinned" } else { "none" };
    if context.printer.json {
        context.printer.json(&serde_json::json!({
            "schema": schema(), "verdict": "holds", "origin": ledger.origin(), "entries": ledger.size(), "root": ledger.root(),
            "first": ledger.first(), "anchor": anchor, "faults": Vec::<Fault>::new(),
        }));
        return Ok(Answer::Yes);
    }
    let count = |kind: Kind| ledger.entries().filter(|entry| entry.kind() == kind).count();
    let mut people: Vec<&str> = ledger.entries().map(|entry| entry.person().as_str()).collect();
    people.sort_unstable();
    people.dedup();
    let good = context.printer.good();
    context.printer.say(format!("{good} the ledger holds: {}", ledger.origin()));
    context.printer.say(format!(
        "  {} entries by {} signers, every signature checked · {} approvals · {} promotions, each gate evaluated again",
        ledger.size(),
        people.len(),
        count(Kind::Approval),
        count(Kind::Promotion)
    ));
    context.printer.say(format!("  root   sha256:{}", ledger.root()));
    context.printer.say(format!(
        "  first  sha256:{} ({})",
        ledger.first(),
        if ledger.is_anchored() { "as pinned" } else { "not pinned" }
    ));
    if let Some(tip) = ledger.entries().next_back() {
        context.printer.say(format!("  tip    {} at {}  {}", tip.commit(), tip.recorded_at(), visible(tip.summary())));
    }
    if !ledger.is_anchored() {
        context.printer.talk(format!(
            "note: nothing pins this ledger: it is consistent, but whether it is the right one only a colleague can tell\n  → ledger verify --root sha256:{}",
            ledger.first()
        ));
    }
    Ok(Answer::Yes)
}

fn schema() -> String {
    format!("{SCHEMAS}verify/v0.1")
}

/// A verdict is printed as such in JSON too; other failures stay failures.
fn fail(context: &mut Context<'_>, failure: Failure) -> Result<Answer, Failure> {
    let verdict = match failure.kind {
        FailureKind::Broken => "broken",
        FailureKind::Unknown => "unknown",
        FailureKind::No | FailureKind::Usage | FailureKind::Conflict => return Err(failure),
    };
    if !context.printer.json {
        return Err(failure);
    }
    let mismatch = failure.faults.iter().any(|fault| fault.fault == crate::chain::FaultKind::Anchor);
    context.printer.json(&serde_json::json!({
        "schema": schema(), "verdict": verdict, "origin": null, "entries": 0, "root": null, "first": null,
        "anchor": if mismatch { "mismatch" } else { "none" }, "faults": failure.faults,
        "message": failure.message, "hints": failure.hints,
    }));
    Ok(Answer::Code(failure.kind.exit_code()))
}
