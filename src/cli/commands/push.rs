//! `ledger push`: sends own entries, fast-forward only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Answer;
use crate::cli::args::{path, text};
use crate::cli::context::Context;
use crate::cli::exchange::remote::{self, Sent};
use crate::cli::exchange::{self, Queued, mail};
use crate::cli::failure::Failure;
use crate::cli::receive;
use crate::cli::seen;
use crate::findings::counted;
use crate::id::ObjectId;
use crate::store::git::{BRANCH, GitStore, share};

/// Send your entries to the others
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger push                       to origin\n  ledger push --remote upstream\n  ledger push --to approval.bundle     to a file for somebody who has a way to the remote\n\nOnly the evidence branch is sent, after it was verified as the pre-push hook would. When others came first, this does\nwhat ledger pull does and tries again. Plain git does as well: git push origin refs/heads/evidence"
)]
pub struct Args {
    /// Remote; default: origin, or the only one
    #[arg(long, value_name = "NAME", value_parser = text())]
    remote: Option<String>,
    /// Write what the remote has not to FILE, a new one or one it wrote before, for `ledger pull --from`
    #[arg(long, value_name = "FILE", value_parser = path())]
    to: Option<PathBuf>,
}

/// Tries before others that keep coming first have won.
const TRIES: u32 = 40;

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let store = context.open_store()?;
    if let Some(file) = &args.to {
        return to_file(args, context, store, file);
    }
    let name = remote::named(&store, args.remote.as_deref())?;
    if context.global.dry_run {
        return dry_run(context, &store, &name);
    }
    let mut queued: Option<Queued> = None;
    for attempt in 0..TRIES {
        if send(context, &name)? == Sent::Taken {
            return queued.map_or(Ok(Answer::Yes), |queued| Err(queued.failure(context)));
        }
        let pulled = exchange::pull(context, &name)?;
        if let Some(pulled) = pulled {
            context.printer.talk(pulled.told(&name));
            queued = pulled.queued.or(queued);
        }
        // Those who lost together should not come back together.
        let spread = context.world().jitter().wrapping_mul(u64::from(attempt) + 7) % 89;
        context.world().pause(Duration::from_millis(spread + u64::from(attempt) * 5));
    }
    Err(Failure::conflict(format!("others kept reaching {name} first: your entries wait here")).hint("ledger push"))
}

/// Verifies what is here and offers it once.
fn send(context: &mut Context<'_>, name: &str) -> Result<Sent, Failure> {
    let store = context.open_store()?;
    let tip = local(&store)?;
    let pin = context.pin(&store)?;
    let loaded = receive::verified(context, store, tip.clone(), pin)?;
    let sent = remote::push(context, &loaded.store, name, &tip)?;
    if sent == Sent::Taken {
        loaded.store.hear(name, &tip, "ledger push")?;
        drop(seen::remember(context, &loaded.store, &loaded.ledger)?);
        let count = usize::try_from(loaded.ledger.size()).unwrap_or(usize::MAX);
        context.printer.outcome(&format!("{name} has {}", counted(count, "entry", "entries")), false);
    }
    Ok(sent)
}

/// Writes the entries that the remote, as last heard of, has not; without any remote all of them.
fn to_file(args: &Args, context: &mut Context<'_>, store: GitStore, file: &Path) -> Result<Answer, Failure> {
    let tip = local(&store)?;
    let name = args.remote.clone().or_else(|| store.first_remote());
    let place = mail::place(context, &store, file, &tip)?;
    let known = name.map(|name| store.resolve(&share::tracking(&name))).transpose()?.flatten();
    let pin = context.pin(&store)?;
    let loaded = receive::verified(context, store, tip.clone(), pin)?;
    let known = known.filter(|known| *known == tip || loaded.store.contains(&tip, known));
    let from = known.as_ref().map(|known| loaded.store.entry_number(known)).transpose()?.flatten();
    let count = loaded.ledger.size() - from.map_or(0, |last| last.0 + 1);
    if count == 0 {
        return Err(Failure::no("everything here was sent already: there is nothing to put in a file"));
    }
    let dry_run = context.global.dry_run;
    if !dry_run {
        mail::write(context, &loaded.store, &place, &tip, known.as_ref())?;
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    context.printer.outcome(&format!("{} in {}", counted(count, "entry", "entries"), file.display()), dry_run);
    if !dry_run {
        context.printer.talk(format!("next: send the file; who receives it: ledger pull --from {}", file.display()));
    }
    Ok(Answer::Yes)
}

/// Nothing is sent: whether it would be taken is told from where the remote's branch stands.
fn dry_run(context: &mut Context<'_>, store: &GitStore, name: &str) -> Result<Answer, Failure> {
    let tip = local(store)?;
    let goes_on = |theirs: &ObjectId| *theirs == tip || store.contains(&tip, theirs);
    if remote::look(context, store, name)?.is_none_or(|theirs| goes_on(&theirs)) {
        context.printer.outcome(&format!("{name} would have the branch up to commit {tip}"), true);
        return Ok(Answer::Yes);
    }
    Err(Failure::conflict(format!("{name} has entries that are not here: they would be taken first"))
        .hint("ledger pull"))
}

/// The branch of this clone; what only a remote has is sent by nobody.
fn local(store: &GitStore) -> Result<ObjectId, Failure> {
    let there = store.tip()?;
    store.resolve(BRANCH)?.ok_or_else(|| {
        Failure::no(format!("nothing was written here: the evidence was only fetched, up to commit {}", there.commit))
            .hint("ledger pull")
    })
}
