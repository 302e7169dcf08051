//! `ledger revoke`: an entry counts no more, from here on and in the open.

use super::{Answer, show};
use crate::chain::REVOCABLE;
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::entries::Entries;
use crate::cli::failure::Failure;
use crate::cli::load::fetch;
use crate::entry::kinds::{Mode, Predicate, Revoke};

/// Void an entry of yours, from here on
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger revoke 37 -m \"log of the wrong build\"\n\nWhat is void stays on the ledger and counts no more. Nobody voids a policy, an opening, a rollback or a revocation."
)]
pub struct Args {
    /// Entry number, or the beginning of its id
    #[arg(value_parser = text())]
    entry: String,
    /// Why
    #[arg(short = 'm', long, value_parser = text())]
    message: String,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (mut loaded, target) =
        context.ask(|loaded| Entries::new(loaded).entry(show::find(&loaded.ledger, &args.entry)?))?;
    let policy = loaded.ledger.policies().last().cloned().ok_or_else(|| Failure::unknown("no policy is in force"))?;
    let (number, id, kind, owner) = (target.number(), target.id(), target.kind(), target.person().clone());
    let Some(key) = target.attempt().filter(|_| REVOCABLE.contains(&kind)).cloned() else {
        let words: Vec<&str> = REVOCABLE.iter().map(|kind| kind.word()).collect();
        return Err(Failure::no(format!("entry {number} is of kind {}, which nobody voids", kind.word()))
            .hint(format!("what can be voided: {}", words.join(", "))));
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
    fetch(&loaded.store, &loaded.tip, &mut loaded.ledger, std::slice::from_ref(&key.release))?;
    let source = loaded.ledger.opening(&key).map(|open| open.source.commit.clone());
    let source = source.ok_or_else(|| Failure::unknown(format!("the attempt of entry {number} cannot be read")))?;
    let now = context.world().now();
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        let predicate = Predicate::Revoke(Revoke {
            ledger: scope(ledger, &key),
            actor: actor(&identity.person, Mode::Ci),
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
