//! How it is asked: one file a command, its arguments and one function that asks, decides nothing and prints.

mod about;
mod append;
mod args;
mod beside;
mod board;
pub mod capture;
mod changed;
mod child;
mod commands;
mod comparison;
mod confirm;
mod context;
mod difference;
mod draft;
mod entries;
mod exchange;
mod failure;
mod files;
mod hashing;
mod load;
mod moment;
mod objects;
mod output;
mod progress;
mod receive;
mod secrets;
mod seen;
mod select;
mod state;
mod storing;
mod stream;
mod survey;
mod target;
mod typed;
mod verdicts;
mod withheld;
pub mod world;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

use args::Cli;
use context::Context;
use failure::{Failure, FailureKind};
use output::Printer;
use world::World;

/// What a command answers when it could answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    /// The answer is no, and has been printed.
    No,
    /// The exit code of a command that was run on the user's behalf.
    Code(u8),
}

/// Runs one command line; returns the exit code.
pub fn run(arguments: Vec<OsString>, world: &mut World) -> u8 {
    let plain = world.env.contains_key("NO_COLOR") || args::asks_for_no_colour(&arguments);
    let json =
        arguments.iter().any(|word| word == "--json") || world.env.get("LEDGER_JSON").is_some_and(|on| on == "1");
    let command = args::with_environment(Cli::command(), &world.env);
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) if json && error.use_stderr() => {
            let printer = &mut Printer { world, json, colour: false, broken: None };
            let text = error.render().to_string();
            printer.failure(&Failure::usage(text.trim().trim_start_matches("error: ")));
            return FailureKind::Usage.exit_code();
        }
        Err(error) => return refuse_or_help(&error, plain, world),
    };
    let colour = cli.global.colour(world);
    let json = cli.global.json;
    if let Some(directory) = &cli.global.directory {
        world.directory = world.path(directory);
    }
    let printer = Printer { world, json, colour, broken: None };
    let mut context = Context { printer, global: cli.global };
    let answer = commands::dispatch(cli.command, &mut context);
    let code = match answer {
        Ok(Answer::Yes) => 0,
        Ok(Answer::No) => FailureKind::No.exit_code(),
        Ok(Answer::Code(code)) => code,
        Err(failure) => {
            context.printer.failure(&failure);
            failure.kind.exit_code()
        }
    };
    // A verdict keeps its code when the reader went away; a "yes" nobody could be given is none.
    match context.printer.broken {
        Some(kind) if kind != std::io::ErrorKind::BrokenPipe && code == 0 => {
            context.printer.failure(&Failure::unknown(format!("the answer could not be written: {kind}")));
            FailureKind::Unknown.exit_code()
        }
        _ => code,
    }
}

/// Help goes to stdout with exit 0; what was asked wrongly to stderr with exit 2.
fn refuse_or_help(error: &clap::Error, plain: bool, world: &mut World) -> u8 {
    let text = error.render();
    let text = if plain || !world.colour { text.to_string() } else { text.ansi().to_string() };
    if error.use_stderr() {
        drop(world.err.write_all(text.as_bytes()));
        return FailureKind::Usage.exit_code();
    }
    match world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => FailureKind::Unknown.exit_code(),
        _ => 0,
    }
}
