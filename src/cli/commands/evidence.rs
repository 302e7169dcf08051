//! `ledger evidence`: the files the ledger does not hold, got and held against what was recorded.

mod check;
mod fetch;

use std::path::PathBuf;

use super::Answer;
use crate::cli::args::{path, text};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::objects::{Reach, StoreArgs, Trouble};
use crate::entry::kinds::EvidenceFile;
use crate::evidence::location::Location;
use crate::id::EntryNumber;

/// Get files that lie outside the ledger, and check them
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: EvidenceCommand,
}

#[derive(Debug, clap::Subcommand)]
enum EvidenceCommand {
    /// Get an entry's files from where they lie, and keep them if they are what was recorded
    #[command(
        before_help = "Examples:\n  ledger evidence fetch 12                          every external file of entry 12\n  ledger evidence fetch 12 full.log -o /tmp/logs    one of them, to a folder\n  ledger evidence fetch 12 --store /mnt/evidence    from a store of yours, whatever the entry says\n\nExit 1: a file is missing or is another one. Exit 3: it could not be asked for."
    )]
    Fetch {
        /// Number, or at least eight digits of the id
        #[arg(value_parser = text())]
        entry: String,
        /// Only this file
        #[arg(value_parser = text())]
        name: Option<String>,
        /// Folder the files go to; default: here
        #[arg(short = 'o', long, value_name = "DIR", value_parser = path())]
        output: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Whether every file outside the ledger is there, is the recorded one, and says what was recorded of it
    #[command(
        before_help = "Examples:\n  ledger evidence check                             every external file there ever was\n  ledger evidence check --release 1.4.0             those of one release\n  ledger evidence check --store s3://acme-evidence  in this store, whatever the entries say\n\nExit 0: all of them. Exit 1: one is missing, is another one, or says something else. Exit 3: one could not be\nasked for, one is known by its digest alone, or there is none to check."
    )]
    Check {
        /// Only the files of this release
        #[arg(long, value_parser = text())]
        release: Option<String>,
        #[command(flatten)]
        store: StoreArgs,
    },
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match &args.command {
        EvidenceCommand::Fetch { entry, name, output, store } => {
            fetch::run(context, entry, name.as_deref(), output.as_deref(), store)
        }
        EvidenceCommand::Check { release, store } => check::run(context, release.as_deref(), store),
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// It is the recorded one, byte for byte.
    Same,
    Missing,
    Different(String),
    /// It is the recorded one, but a reader takes something else from it than was recorded.
    Lying(String),
    /// Its digest is on record, and nowhere to ask for it: only who has the file can show it.
    DigestOnly(String),
    /// It could not be asked for.
    Unknown(String),
}

/// A file the ledger does not hold, and what became of it.
struct External {
    entry: EntryNumber,
    slot: String,
    file: EvidenceFile,
    /// Where it was asked for.
    asked: Option<Location>,
    state: State,
}

impl State {
    const fn word(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Missing => "missing",
            Self::Different(_) => "different",
            Self::Lying(_) => "other-facts",
            Self::DigestOnly(_) => "digest-only",
            Self::Unknown(_) => "unknown",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Same => None,
            Self::Missing => Some("it is not there".to_owned()),
            Self::Different(why) => Some(format!("another file is there: {why}")),
            Self::Lying(found) => Some(format!("the facts are not what it says, which is: {found}")),
            Self::DigestOnly(why) | Self::Unknown(why) => Some(format!("it cannot be fetched: {why}")),
        }
    }
}

impl From<Trouble> for State {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Missing => Self::Missing,
            Trouble::Differs(why) => Self::Different(why),
            Trouble::Unreached(why) => Self::Unknown(why),
        }
    }
}

/// What the states of several files answer: a file known to be wrong says no, whatever else is not known.
fn answer<'s>(states: impl Iterator<Item = &'s State>) -> Verdict {
    states.fold(Verdict::Same, |verdict, state| match (verdict, state) {
        (Verdict::Different, _) | (_, State::Missing | State::Different(_) | State::Lying(_)) => Verdict::Different,
        (_, State::Unknown(_) | State::DigestOnly(_)) | (Verdict::Unknown, _) => Verdict::Unknown,
        (Verdict::Same, State::Same) => Verdict::Same,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Different,
    Unknown,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::Unknown => "unknown",
        }
    }

    const fn answer(self) -> Answer {
        match self {
            Self::Same => Answer::Yes,
            Self::Different => Answer::No,
            Self::Unknown => Answer::Code(crate::cli::failure::FailureKind::Unknown.exit_code()),
        }
    }
}

/// Where a file is asked for: in the store that was named, or where its entry says.
fn place(file: &EvidenceFile, store: Option<&Location>) -> Result<Location, State> {
    match (store, &file.location) {
        (Some(store), _) => Ok(store.of(file.sha256)),
        (None, Some(text)) => Location::parse(text).map_err(State::DigestOnly),
        (None, None) => Err(State::DigestOnly("only its digest is on record".to_owned())),
    }
}

/// How a row names the place, verbatim.
fn shown_place(file: &EvidenceFile, store: Option<&Location>) -> String {
    match store {
        Some(store) => store.of(file.sha256).to_string(),
        None => file.location.clone().unwrap_or_default(),
    }
}

fn reach<'e>(env: &'e std::collections::BTreeMap<String, String>, args: &StoreArgs) -> Reach<'e> {
    Reach { env, timeout: args.timeout() }
}

fn as_json(one: &External) -> serde_json::Value {
    serde_json::json!({
        "entry": one.entry, "slot": one.slot, "name": one.file.name, "path": one.file.path, "size": one.file.size,
        "sha256": one.file.sha256, "location": one.file.location,
        "asked": one.asked.as_ref().map(Location::to_string),
        "state": one.state.word(), "why": one.state.why(),
    })
}
