//! `ledger hook`: what git's hooks call, with what git gives them.

use super::Answer;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::receive;

/// Decide about a push (run by git)
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    before_help = "Examples:\n  ledger hooks install                 writes the hooks that run this\n\nSettings of a server: git config ledger.protect main=stage9/ga, git config ledger.root sha256:…"
)]
pub struct Args {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HookCommand {
    /// On a server: evidence only grows, protected branches take only what has passed their gate
    PreReceive,
    /// In a clone: no evidence leaves it that does not verify, and none is overwritten
    PrePush {
        /// What git names the remote, and where it is
        #[arg(value_name = "REMOTE", num_args = 0..)]
        remote: Vec<String>,
    },
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match args.command {
        HookCommand::PreReceive => receive::pre_receive(context)?,
        HookCommand::PrePush { .. } => receive::pre_push(context)?,
    }
    Ok(Answer::Yes)
}
