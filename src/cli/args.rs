//! What was typed: the command line, and `LEDGER_…` variables standing in for its flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Args, Parser, ValueEnum};

use super::commands::Command;
use super::failure::FailureKind;
use super::world::World;

/// Signed, append-only release evidence in Git, on a branch of its own.
#[derive(Debug, Parser)]
#[command(
    name = "ledger",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    before_help = "Examples:\n  ledger demo                                   the whole story in a fresh directory\n  ledger init                                   start a ledger in this repository\n  ledger open qa --release v1.0                 open a gate for a release\n  ledger record checklist docs/checklist.md     bring evidence\n  ledger sign qa                                approve what you see\n  ledger promote qa && ledger verify            pass the gate, check everything",
    after_help = after_help()
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// The exit codes, from the one list of them, and how variables stand in for flags.
fn after_help() -> String {
    let codes = FailureKind::ALL.iter().map(|kind| format!("  {}    {}\n", kind.exit_code(), kind.meaning()));
    format!(
        "Exit codes:\n  0    yes, done\n{}  130  interrupted\n\nEvery flag can also be set as a variable: --release is LEDGER_RELEASE. An empty variable counts as unset.",
        codes.collect::<String>()
    )
}

/// Flags every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Run as if started in DIR
    #[arg(short = 'C', global = true, value_name = "DIR", value_parser = path())]
    pub directory: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Sign as this person (id or handle), when your keys belong to several
    #[arg(long = "as", global = true, value_name = "PERSON", value_parser = NonEmptyStringValueParser::new())]
    pub signer: Option<String>,
    /// Sign with this key file (private, or public with the private half in the agent)
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub key: Option<PathBuf>,
    /// Decide and say everything, write nothing: same verdict, same exit code
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// SHA-256 of entry 0, instead of the pin in .ledger.toml
    #[arg(long, global = true, value_name = "DIGEST", value_parser = NonEmptyStringValueParser::new())]
    pub root: Option<String>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// Language of notes and gate names
    #[arg(long, global = true, value_name = "LANG", value_parser = ["en", "ko"], default_value = "en")]
    pub lang: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    Auto,
    Always,
    Never,
}

impl Global {
    /// Whether to paint: the flag, then NO_COLOR (no-color.org), then the terminal.
    pub fn colour(&self, world: &World) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => world.colour && !world.env.contains_key("NO_COLOR") && !self.json,
        }
    }
}

/// Whether `--color never` stands on a command line that does not parse.
pub fn asks_for_no_colour(arguments: &[std::ffi::OsString]) -> bool {
    let words: Vec<_> = arguments.iter().filter_map(|word| word.to_str()).collect();
    words.contains(&"--color=never") || words.windows(2).any(|pair| pair == ["--color", "never"])
}

/// A value parser for paths that refuses the empty one.
pub fn path() -> impl clap::builder::TypedValueParser<Value = PathBuf> {
    use clap::builder::TypedValueParser as _;
    NonEmptyStringValueParser::new().map(PathBuf::from)
}

/// A value parser for texts that refuses the empty one.
pub fn text() -> NonEmptyStringValueParser {
    NonEmptyStringValueParser::new()
}

/// Gives every long flag its variable's value as default. The environment a command sees is an
/// argument here, so tests and the demo have their own.
pub fn with_environment(command: clap::Command, env: &BTreeMap<String, String>) -> clap::Command {
    let command = command.mut_args(|arg| default_from(arg, env));
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, |sub| with_environment(sub, env)))
}

fn default_from(arg: Arg, env: &BTreeMap<String, String>) -> Arg {
    let Some(long) = arg.get_long().filter(|long| !matches!(*long, "help" | "version")) else { return arg };
    let variable = format!("LEDGER_{}", long.replace('-', "_").to_uppercase());
    let Some(value) = env.get(&variable) else { return arg };
    // clap keeps defaults for the life of the process; there is one command line in it.
    let value: &'static str = Box::leak(value.clone().into_boxed_str());
    match arg.get_action() {
        ArgAction::SetTrue if value == "1" => arg.default_value("true"),
        ArgAction::SetTrue if value == "0" => arg,
        _ => arg.default_value(value),
    }
}
