//! `ledger review`: somebody else looks into a rule that was set aside in an emergency.

use super::Answer;
use crate::cli::args::text;
use crate::cli::confirm;
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::target::{self, Word};
use crate::entry::kinds::{Decision, Meaning, Predicate};
use crate::policy::Evaluator;
use crate::report::escape::visible;

/// Review a broken glass
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger review 44 -m \"the outage was real, the smoke test was run the day after: entry 49\"\n  ledger review 44 -m \"no reason was given to the operator\" --reject\n\nUntil somebody whom the policy names has approved it, its gate opens in no other attempt."
)]
pub struct Args {
    /// The waiver's entry number, or the beginning of its id
    #[arg(value_parser = text())]
    entry: String,
    /// What was found
    #[arg(short = 'm', long, value_name = "FINDING", value_parser = text())]
    message: String,
    /// It was not in order: the review stays owed
    #[arg(long)]
    reject: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (mut loaded, target) = target::read(context, &args.entry)?;
    let number = target.number();
    let (Predicate::Waiver(waiver), Some(key)) = (target.predicate(), target.attempt().cloned()) else {
        return Err(Failure::usage(format!("entry {number} is of kind {}, not a waiver", target.kind().word())));
    };
    if !waiver.break_glass {
        return Err(Failure::no(format!("the waiver of entry {number} is no broken glass: it owes no review")));
    }
    let source = target::source(&mut loaded, &key, number)?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let gate = policy.pipeline(&key.pipeline).and_then(|pipeline| pipeline.gate(&key.gate));
    let reviewers = gate.and_then(|gate| gate.break_glass.as_ref()).map(|glass| glass.reviewers.as_slice());
    let person = &identity.person;
    if !person.speaks_as(reviewers.unwrap_or_default()) {
        let roles: Vec<&str> = reviewers.unwrap_or_default().iter().map(crate::id::Name::as_str).collect();
        return Err(Failure::no(format!("{} may not review it: {} may", person.handle(), roles.join(" or "))));
    }
    if evaluator.are_one(&person.id, target.person()) {
        return Err(Failure::no(format!("{} broke the glass: somebody else has to review it", person.handle())));
    }
    context.printer.talk(format!(
        "entry {number}: {} broke the glass for {} of {}, {}: {}",
        target.person(),
        waiver.rule,
        key.gate,
        visible(key.release.as_str()),
        visible(&waiver.reason)
    ));
    let script = format!("ledger review {number} -m FINDING --yes");
    let mode = confirm::confirm(context, &number.to_string(), args.yes, &script)?;
    let decision = if args.reject { Decision::Rejected } else { Decision::Approved };
    let (about, reason) = (&target, args.message.as_str());
    let word =
        Word { about, key: &key, source: &source, decision, meaning: Meaning::Review, reason, mode, verb: "review" };
    let appended = word.append(context, &mut loaded, &identity)?;
    let end = if args.reject { "is found not in order: a review stays owed" } else { "is reviewed" };
    let entry = appended.map_or_else(String::new, |entry| format!("  entry {entry}"));
    context.printer.outcome(&format!("entry {number} {end}{entry}"), appended.is_none());
    Ok(Answer::Yes)
}
