//! `ledger completions` and `ledger man`: made from the one definition of the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Answer;
use crate::cli::args::{Cli, path};
use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Print a shell's completions
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger completions bash > ~/.local/share/bash-completion/completions/ledger\n  ledger completions powershell >> $PROFILE"
)]
pub struct CompletionsArgs {
    shell: Shell,
}

/// Write manual pages
#[derive(Debug, clap::Args)]
#[command(before_help = "Examples:\n  ledger man ~/.local/share/man/man1\n  man ledger-sign")]
pub struct ManArgs {
    /// Folder for the pages; without it the main page goes to stdout
    #[arg(value_parser = path())]
    folder: Option<std::path::PathBuf>,
}

pub fn completions(args: &CompletionsArgs, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ledger", &mut text);
    context.printer.raw(&text);
    Ok(Answer::Yes)
}

pub fn man(args: &ManArgs, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut main = Cli::command();
    main.build();
    let Some(folder) = &args.folder else {
        let page = page(main)?;
        context.printer.raw(&page);
        return Ok(Answer::Yes);
    };
    let subcommands: Vec<clap::Command> =
        main.get_subcommands().filter(|sub| sub.get_name() != "help").cloned().collect();
    let named = subcommands.into_iter().map(|sub| (format!("ledger-{}", sub.get_name()), sub));
    for (name, command) in std::iter::once(("ledger".to_owned(), main)).chain(named) {
        let title: &'static str = Box::leak(name.clone().into_boxed_str());
        let path = folder.join(format!("{name}.1"));
        let text = page(command.name(title))?;
        context
            .world()
            .write(&path, &text)
            .map_err(|e| Failure::unknown(format!("cannot write {}: {e}", path.display())))?;
    }
    Ok(Answer::Yes)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(|error| Failure::unknown(error.to_string()))?;
    Ok(text)
}
