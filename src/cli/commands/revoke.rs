//! `ledger revoke`: an entry counts no more, from here on and in the open.

use super::Answer;
use crate::chain::REVOCABLE;
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::confirm;
use crate::cli::context::Context;
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::Failure;
use crate::cli::target;
use crate::entry::kinds::{Decision, Predicate, Revoke};
use crate::report::escape::visible;

/// Void an entry, from here on
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger revoke 37 -m \"log of the wrong build\"\n  ledger revoke 37 -m \"log of the wrong build\" --yes    in scripts: nobody is asked\n\nWhat is void stays on the ledger and counts no more, for good. Whoever holds the role of `revoke` in [policy] may void what others brought too, but never lift their rejection. Nobody voids a policy, an opening, a rollback or a revocation."
)]
pub struct Args {
    /// Entry number, or the beginning of its id
    #[arg(value_parser = text())]
    entry: String,
    /// Why
    #[arg(short = 'm', long, value_parser = text())]
    message: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (mut loaded, target) = target::read(context, &args.entry)?;
    let policy = loaded.ledger.policies().last().cloned().ok_or_else(|| Failure::unknown("no policy is in force"))?;
    let (number, id, kind, owner) = (target.number(), target.id(), target.kind(), target.person().clone());
    let Some(key) = target.attempt().filter(|_| REVOCABLE.contains(&kind)).cloned() else {
        let words: Vec<&str> = REVOCABLE.iter().map(|kind| kind.word()).collect();
        return Err(match target.predicate() {
            Predicate::Policy(_) | Predicate::Approval(_) => {
                Failure::no(format!("entry {number} is about a policy, and those nobody voids"))
                    .hint("propose the right one: what is only proposed lapses when another comes in force")
            }
            _ => Failure::no(format!("entry {number} is of kind {}, which nobody voids", kind.word()))
                .hint(format!("what can be voided: {}", words.join(", "))),
        });
    };
    if let Some(by) = loaded.ledger.voided_by(number) {
        return Err(Failure::no(format!("entry {number} is void already, by entry {by}")));
    }
    let identity = context.identity(&loaded.store, policy.roster())?;
    if identity.person.id != owner && !policy.roster().may_revoke(&identity.person) {
        let who = policy.roster().person(&owner).map_or(owner.as_str(), |person| person.handle()).to_owned();
        return Err(Failure::no(format!(
            "entry {number} is by {who}, and {} may void only their own",
            identity.person.handle()
        ))
        .hint(format!("ask {who}, or whoever holds the role of `revoke` in [policy]")));
    }
    if let Predicate::Approval(approval) = target.predicate() {
        let own = identity.person.id == owner;
        let refusal = match approval.decision {
            Decision::Withdrawn => Some("what was withdrawn stays so: whoever approves again signs again"),
            Decision::Rejected if !own => Some("a rejection is lifted only by whoever made it"),
            Decision::Rejected | Decision::Approved => None,
        };
        if let Some(why) = refusal {
            let hint = format!("ledger sign {} --release {}", key.gate, key.release);
            return Err(Failure::no(format!("entry {number} is {}: {why}", approval.decision.word())).hint(hint));
        }
    }
    context.printer.talk(format!(
        "entry {number}: {} by {owner} for {} of {}, {}\n  it counts no more, for good; what rested on it is open again",
        kind.word(),
        key.gate,
        visible(key.release.as_str()),
        visible(target.summary())
    ));
    let word = number.to_string();
    let mode = confirm::confirm(context, &word, args.yes, &format!("ledger revoke {number} -m REASON --yes"))?;
    let source = target::source(&mut loaded, &key, number)?;
    let now = context.world().now();
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        // Somebody else may have been quicker.
        if let Some(by) = ledger.voided_by(number) {
            return Err(Failure::no(format!("entry {number} is void already, by entry {by}")));
        }
        let predicate = Predicate::Revoke(Revoke {
            ledger: scope(ledger, &key),
            actor: actor(&identity.person, mode),
            recorded_at: now,
            voids: id,
            reason: args.message.clone(),
        });
        let subject = commit_subject(key.release.as_str(), &source);
        let summary = format!("revoke: entry {number} ({}) by {}", kind.word(), identity.person.handle());
        Ok(draft(vec![subject], predicate, Vec::new(), &summary, std::slice::from_ref(&args.message))?)
    })?;
    match appended {
        Some(appended) => {
            context.printer.outcome(&format!("entry {number} is void from entry {}", appended.number), false)
        }
        None => context.printer.outcome(&format!("entry {number} would be void from the next entry on"), true),
    }
    Ok(Answer::Yes)
}
