//! `ledger pull`: takes what others have added, and brings own entries on top of it.

use std::path::{Path, PathBuf};

use super::Answer;
use crate::cli::args::{path, text};
use crate::cli::context::Context;
use crate::cli::exchange::{self, remote};
use crate::cli::failure::Failure;
use crate::findings::counted;

/// Take the entries others have sent
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger pull                       from origin\n  ledger pull --remote upstream\n  ledger pull --from approval.bundle       what somebody without a way to the remote has signed\n\nWhat is fetched is verified before it is believed. Entries of yours that were not sent yet are signed again on top,\nwhere they still fit; the others are kept under refs/ledger/queued/, and the exit code is 5. Somebody else's are\nnever signed again. Plain git does as well where you have none: git fetch origin refs/heads/evidence:refs/heads/evidence"
)]
pub struct Args {
    /// Remote; default: origin, or the only one
    #[arg(long, value_name = "NAME", value_parser = text())]
    remote: Option<String>,
    /// Take the entries of a file that `ledger push --to` wrote; they must go on from what is here
    #[arg(long, value_name = "FILE", value_parser = path())]
    from: Option<PathBuf>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    if let Some(file) = &args.from {
        return from_file(context, file);
    }
    let store = context.open_store()?;
    let name = remote::named(&store, args.remote.as_deref())?;
    if context.global.dry_run {
        return dry_run(context, &store, &name);
    }
    let Some(pulled) = exchange::pull(context, &name)? else { return Err(no_evidence(&name)) };
    if let Some(queued) = &pulled.queued {
        context.printer.talk(pulled.told(&name));
        return Err(queued.failure(context));
    }
    context.printer.outcome(&pulled.told(&name), false);
    if pulled.begun {
        context.printer.talk(format!(
            "note: the branch evidence is here now: {}",
            counted(pulled.taken as usize, "entry", "entries")
        ));
    }
    if pulled.unsent > 0 {
        context.printer.talk("next: ledger push");
    }
    Ok(Answer::Yes)
}

fn from_file(context: &mut Context<'_>, file: &Path) -> Result<Answer, Failure> {
    let taken = exchange::receive_file(context, file)?;
    let dry_run = context.global.dry_run;
    let line = match taken {
        0 => format!("{} has nothing new", file.display()),
        taken => format!("{} taken from {}", counted(taken as usize, "entry", "entries"), file.display()),
    };
    context.printer.outcome(&line, dry_run);
    if taken > 0 && !dry_run {
        context.printer.talk("next: ledger push");
    }
    Ok(Answer::Yes)
}

/// Nothing is fetched, so only whether there is anything to fetch can be said.
fn dry_run(context: &mut Context<'_>, store: &crate::store::git::GitStore, name: &str) -> Result<Answer, Failure> {
    let Some(theirs) = remote::look(context, store, name)? else { return Err(no_evidence(name)) };
    let here = store.resolve(crate::store::git::BRANCH)?;
    let known = here.is_some_and(|here| here == theirs || store.contains(&here, &theirs));
    let line =
        if known { format!("{name} has nothing new") } else { format!("would take what {name} has: commit {theirs}") };
    context.printer.outcome(&line, true);
    Ok(Answer::Yes)
}

fn no_evidence(name: &str) -> Failure {
    Failure::unknown(format!("{name} has no evidence branch")).hint("where the ledger is here: ledger push")
}
