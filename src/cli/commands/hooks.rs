//! `ledger hooks install`: writes the hooks where git looks for them, and a server's settings.

use super::Answer;
use crate::cli::args::text;
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::receive::{Protected, ROOT_SETTING, SETTING};
use crate::cli::select;
use crate::id::Digest;
use crate::policy::Evaluator;
use crate::policy::evaluate::shell;
use crate::report::escape::visible;
use crate::store::git::{GitStore, StoreError};

/// The hooks exactly as they stand in `hooks/`.
const PRE_PUSH: (&str, &str) = ("pre-push", include_str!("../../../hooks/pre-push"));
const PRE_RECEIVE: (&str, &str) = ("pre-receive", include_str!("../../../hooks/pre-receive"));

/// Install git hooks
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: HooksCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HooksCommand {
    /// Write the hook of this clone, or with --server that of a repository people push to
    #[command(
        before_help = "Examples:\n  ledger hooks install\n  ledger -C /srv/git/widget.git hooks install --server --protect main=ga\n  ledger -C /srv/git/widget.git hooks install --server --root sha256:1f0c… --protect main=stage9/ga --protect stable=stage9/ga\n\nA hook that is there already is never overwritten. `ledger` must be on the PATH of whoever git runs as."
    )]
    Install {
        /// The repository people push to: pre-receive instead of pre-push; --root pins its ledger
        #[arg(long)]
        server: bool,
        /// A branch that takes only what has passed a gate, as BRANCH=GATE; may be given several times
        #[arg(long, value_name = "BRANCH=GATE", value_parser = text(), requires = "server")]
        protect: Vec<String>,
    },
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let HooksCommand::Install { server, protect } = &args.command;
    let store = context.open_store()?;
    if store.is_bare() && !server {
        return Err(Failure::usage("this is a repository people push to: it has no work tree")
            .hint("ledger hooks install --server --protect main=GATE"));
    }
    let protected = protect.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
    let root = context.global.root.as_deref().filter(|_| *server).map(Digest::parse).transpose()?;
    let first = if *server { known(&store, &protected, context)? } else { None };
    let (name, hook) = if *server { PRE_RECEIVE } else { PRE_PUSH };
    let path = store.hooks_directory().join(name);
    let there = context.world().read_if_there(&path);
    let there = there.map_err(|error| Failure::unknown(format!("{} cannot be read: {error}", path.display())))?;
    match there.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
        Some(text) if text.lines().any(|line| calls(line, name)) => {}
        Some(_) => return Err(foreign(&path.display().to_string(), name)),
        None if context.global.dry_run => {}
        None => context
            .world()
            .write_program(&path, hook.as_bytes())
            .map_err(|error| Failure::unknown(format!("{} cannot be written: {error}", path.display())))?,
    }
    if !context.global.dry_run {
        settle(&store, root, &protected)?;
    }
    let protects: Vec<String> =
        protected.iter().map(|one| format!(" · {} takes what has passed {}", one.branch, one.gate)).collect();
    let pinned = root.map(|root| format!(" · pinned to {}", root.short())).unwrap_or_default();
    context
        .printer
        .outcome(&format!("{name} is in {}{pinned}{}", path.display(), protects.concat()), context.global.dry_run);
    if *server && root.is_none() && store.settings(ROOT_SETTING)?.is_empty() {
        let place = context.global.directory.as_ref();
        let place = place.map(|place| format!("-C {} ", shell(&place.display().to_string()))).unwrap_or_default();
        let again = format!("ledger {place}hooks install --server --root");
        let line = match first {
            Some(first) => format!(
                "note: nothing pins the ledger here: the one that is here stays\n  → {again} sha256:{first} (compare it with .ledger.toml)"
            ),
            None => format!(
                "note: nothing pins the ledger here: the first one that is pushed stays\n  → {again} DIGEST (from .ledger.toml)"
            ),
        };
        context.printer.talk(line);
    }
    Ok(Answer::Yes)
}

/// The ledger that is here, by its first entry; every gate that is to protect a branch is one of its policy. Where
/// none is here yet, nobody can tell.
fn known(store: &GitStore, protected: &[Protected], context: &mut Context<'_>) -> Result<Option<Digest>, Failure> {
    match store.tip() {
        Err(StoreError::NoBranch { .. }) => {
            for Protected { branch, gate } in protected {
                let gate = visible(gate);
                context.printer.talk(format!(
                    "note: no ledger is here yet, so nobody can tell whether it has a gate {gate}: until it has, {branch} takes nothing"
                ));
            }
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let loaded = context.load(None)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = current_policy(&evaluator)?;
    protected.iter().try_for_each(|one| select::gate(policy, &one.gate).map(drop))?;
    Ok(Some(loaded.ledger.first()))
}

fn settle(store: &GitStore, root: Option<Digest>, protected: &[Protected]) -> Result<(), Failure> {
    if let Some(root) = root {
        store.set(ROOT_SETTING, "", &format!("sha256:{root}"))?;
    }
    for Protected { branch, gate } in protected {
        store.set(SETTING, &format!("{branch}="), &format!("{branch}={gate}"))?;
    }
    Ok(())
}

fn parse(text: &str) -> Result<Protected, Failure> {
    Protected::parse(text).ok_or_else(|| {
        Failure::usage(format!("{text:?} names no branch and gate")).hint("as in --protect main=stage9/ga")
    })
}

/// Whether a line of a hook runs ours, be it among others.
fn calls(line: &str, name: &str) -> bool {
    !line.trim_start().starts_with('#') && line.contains(&format!("ledger hook {name}"))
}

fn foreign(path: &str, name: &str) -> Failure {
    let call = match name {
        "pre-push" => "ledger hook pre-push \"$@\"".to_owned(),
        _ => format!("ledger hook {name}"),
    };
    Failure::no(format!("{path} is there and not ours: it is left alone"))
        .hint("let it run ours too; both read what git says on stdin, so near its beginning:")
        .hint(format!("pushed=$(cat); printf '%s\\n' \"$pushed\" | {call} || exit 1; exec <<<\"$pushed\" (bash)"))
}
