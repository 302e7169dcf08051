//! `ledger verify`: every step over every entry, and every recorded promotion evaluated again.

use super::Answer;
use crate::chain::figures::{Claim, Figures};
use crate::chain::{Fault, FaultKind, Keep, VerifiedLedger};
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind, Figured};
use crate::cli::load::{Loaded, Whole};
use crate::cli::output::SCHEMAS;
use crate::cli::survey::Depth;
use crate::cli::{seen, state};
use crate::entry::Kind;
use crate::findings::counted;
use crate::id::Timestamp;

/// Verify the whole ledger
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger verify                                 against the pin in .ledger.toml\n  ledger verify --root sha256:1f0c…             against a digest a colleague gave you\n  ledger -C /path/to/clone verify --json\n  ledger verify --against 37:sha256:9bd2…       the same ledger a colleague saw?\n  ledger verify --accept 37:sha256:9bd2…        yes, and what was seen here before is put aside\n\nReads only; never asks for a key. Exit 0 holds, 3 could not tell, 4 does not hold."
)]
pub struct Args {
    /// Size and root somebody else saw: this ledger must have had that root at that size
    #[arg(long, value_name = "SIZE:ROOT", value_parser = text())]
    against: Option<String>,
    /// The same for the branch the team has agreed on, after a rollback, fork or replacement was reported here
    #[arg(long, value_name = "SIZE:ROOT", value_parser = text(), conflicts_with = "against")]
    accept: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let agreed = args.accept.as_deref().map(figures).transpose()?.map(Claim::Agreed);
    let claim = args.against.as_deref().map(figures).transpose()?.map(Claim::Seen).or(agreed);
    let (ledger, unremembered) = match whole(context, claim) {
        Ok(answer) => answer,
        Err(failure) => return fail(context, failure),
    };
    let anchor = if ledger.is_anchored() { "pinned" } else { "none" };
    if context.printer.json {
        context.printer.json(&serde_json::json!({
            "schema": schema(), "verdict": "holds", "origin": ledger.origin(), "entries": ledger.size(), "root": ledger.root(),
            "first": ledger.first(), "tip": ledger.tip(), "anchor": anchor, "void": ledger.void_entries(),
            "faults": Vec::<Fault>::new(),
        }));
        return Ok(Answer::Yes);
    }
    let kinds = ledger.kinds();
    let count = |kind: Kind| kinds.get(&kind).copied().unwrap_or_default();
    let good = context.printer.good();
    context.printer.say(format!("{good} the ledger holds: {}", ledger.origin()));
    let void = match ledger.void_entries() {
        0 => String::new(),
        count => format!(" · {} void by now (ledger log)", counted(count, "entry", "entries")),
    };
    context.printer.say(format!(
        "  {} by {}, every signature checked · {} · {}, each gate evaluated again{void}",
        counted(ledger.size(), "entry", "entries"),
        counted(ledger.signers().len(), "signer", "signers"),
        counted(count(Kind::Approval), "approval", "approvals"),
        counted(count(Kind::Promotion), "promotion", "promotions")
    ));
    if let Some(Claim::Seen(Figures { size, .. }) | Claim::Agreed(Figures { size, .. })) = claim {
        let seen = counted(size, "entry", "entries");
        context.printer.say(format!("  what your colleague saw is the beginning of it: {seen}"));
    }
    context.printer.say(format!("  root   sha256:{}", ledger.root()));
    context.printer.say(format!(
        "         a colleague compares: ledger verify --against {}:sha256:{}",
        ledger.size(),
        ledger.root()
    ));
    context.printer.say(format!(
        "  first  sha256:{} ({})",
        ledger.first(),
        if ledger.is_anchored() { "as pinned" } else { "not pinned" }
    ));
    if let (Some(tip), Ok(time)) = (ledger.tip(), Timestamp::from_seconds(ledger.seconds())) {
        context.printer.say(format!("  tip    {tip} at {time}"));
    }
    if let Some(why) = unremembered {
        context.printer.talk(format!("note: what is seen here is not remembered: {why}"));
    }
    if !ledger.is_anchored() {
        context.printer.talk(format!(
            "note: nothing pins this ledger: it is consistent, but whether it is the right one only a colleague can tell\n  → ledger verify --root sha256:{}",
            ledger.first()
        ));
    }
    Ok(Answer::Yes)
}

/// Every step over every entry; then what needs a policy.
fn whole(context: &mut Context<'_>, claim: Option<Claim>) -> Result<(VerifiedLedger, Option<String>), Failure> {
    let store = context.open_store()?;
    let mut tip = store.tip()?;
    let whole = context.verify_whole(&store, &mut tip, Keep::Openings, Depth::Facts, claim)?;
    let Whole { ledger, doubtful, mut withheld } = whole;
    state::save(context, &store, &ledger);
    if let Some(other) = tip.elsewhere.take_if(|other| other.diverged && matches!(claim, Some(Claim::Agreed(_)))) {
        context.printer.talk(format!(
            "note: {0} serves another branch than the one agreed on; when whoever keeps it agrees, put this one there\n  → git push --force-with-lease {0} refs/heads/evidence",
            other.remote
        ));
    }
    // Told as faults below, and once.
    tip.elsewhere.take_if(|_| !withheld.is_empty());
    let mut loaded = context.told(Loaded { store, tip, ledger, withheld: Vec::new() })?;
    let mut faults = context.audit(&mut loaded, &doubtful)?;
    let holds = faults.is_empty();
    faults.append(&mut withheld);
    if faults.is_empty() {
        let unremembered = seen::unremembered(context, &loaded.store, &loaded.ledger)?;
        return Ok((loaded.ledger, unremembered));
    }
    let failure = Failure::broken(faults).of(Figured::of(&loaded.ledger));
    Err(match (holds, claim) {
        (true, Some(Claim::Seen(_))) => failure.hint("what is here has what your colleague saw"),
        _ => failure,
    })
}

/// What `--against` and `--accept` take.
pub fn figures(text: &str) -> Result<Figures, Failure> {
    Figures::parse(text).ok_or_else(|| {
        Failure::usage(format!("{text:?} is no size and root"))
            .hint("as `ledger verify` prints it: --against 37:sha256:1f0c…")
    })
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
    let mismatch = failure.faults.iter().any(|fault| fault.fault == FaultKind::Anchor);
    let anchor = match (&failure.ledger, mismatch) {
        (_, true) => "mismatch",
        (Some(ledger), _) if ledger.anchored => "pinned",
        _ => "none",
    };
    let mut answer = serde_json::json!({
        "schema": schema(), "verdict": verdict, "origin": null, "entries": 0, "root": null, "first": null, "tip": null,
        "anchor": anchor, "faults": failure.faults, "message": failure.message, "hints": failure.hints,
    });
    if let (Some(answer), Ok(serde_json::Value::Object(known))) =
        (answer.as_object_mut(), serde_json::to_value(&failure.ledger))
    {
        answer.extend(known);
    }
    context.printer.json(&answer);
    Ok(Answer::Code(failure.kind.exit_code()))
}
