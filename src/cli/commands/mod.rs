//! The commands, one file each.

mod artifact;
mod check;
mod completions;
mod demo;
mod docs;
mod due;
mod evidence;
mod explain;
mod export;
mod facts;
mod hook;
mod hooks;
mod import;
mod init;
mod log;
mod notes;
mod open;
mod plan;
mod policy;
mod promote;
mod pull;
mod push;
mod record;
mod review;
mod revoke;
mod rollback;
mod run;
mod show;
mod sign;
mod status;
mod trigger;
mod verify;
mod waive;

use clap::Subcommand;

use super::Answer;
use super::context::Context;
use super::failure::Failure;

#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Args),
    Open(open::Args),
    Record(record::Args),
    Run(run::Args),
    Import(import::Args),
    Artifact(artifact::Args),
    Plan(plan::Args),
    Evidence(evidence::Args),
    Status(status::Args),
    Explain(explain::Args),
    Due(due::Args),
    Sign(sign::Args),
    Check(check::Args),
    Promote(promote::Args),
    Waive(waive::Args),
    Review(review::Args),
    Trigger(trigger::Args),
    Rollback(rollback::Args),
    Pull(pull::Args),
    Push(push::Args),
    Verify(verify::Args),
    Log(log::Args),
    Show(show::Args),
    Notes(notes::Args),
    Docs(docs::Args),
    Facts(facts::Args),
    Revoke(revoke::Args),
    Policy(policy::Args),
    Export(export::Args),
    Hooks(hooks::Args),
    Hook(hook::Args),
    Demo(demo::Args),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

pub fn dispatch(command: Command, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match command {
        Command::Init(args) => init::run(&args, context),
        Command::Open(args) => open::run(&args, context),
        Command::Record(args) => record::run(&args, context),
        Command::Run(args) => run::run(&args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Artifact(args) => artifact::run(&args, context),
        Command::Plan(args) => plan::run(&args, context),
        Command::Evidence(args) => evidence::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Explain(args) => explain::run(&args, context),
        Command::Due(args) => due::run(&args, context),
        Command::Sign(args) => sign::run(&args, context),
        Command::Check(args) => check::run(&args, context),
        Command::Promote(args) => promote::run(&args, context),
        Command::Waive(args) => waive::run(&args, context),
        Command::Review(args) => review::run(&args, context),
        Command::Trigger(args) => trigger::run(&args, context),
        Command::Rollback(args) => rollback::run(&args, context),
        Command::Pull(args) => pull::run(&args, context),
        Command::Push(args) => push::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Log(args) => log::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Notes(args) => notes::run(&args, context),
        Command::Docs(args) => docs::run(&args, context),
        Command::Facts(args) => facts::run(&args, context),
        Command::Revoke(args) => revoke::run(&args, context),
        Command::Policy(args) => policy::run(&args, context),
        Command::Export(args) => export::run(&args, context),
        Command::Hooks(args) => hooks::run(&args, context),
        Command::Hook(args) => hook::run(&args, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Completions(args) => completions::completions(&args, context),
        Command::Man(args) => completions::man(&args, context),
    }
}
