//! `ledger export`: entries for other tools.

use super::{Answer, show};
use crate::chain::VerifiedEntry;
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::sign::dsse::Envelope;

/// Hand entries to other tools
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ExportCommand {
    /// DSSE envelopes, one a line (in-toto bundle); one entry proves nothing about a later withdrawal
    #[command(before_help = "Examples:\n  ledger export dsse > release.intoto.jsonl\n  ledger export dsse 12")]
    Dsse {
        /// Entries; none: all of them
        #[arg(value_parser = text())]
        entries: Vec<String>,
    },
    /// Every key that ever signed here, for `git -c gpg.ssh.allowedSignersFile=FILE verify-commit`
    #[command(
        before_help = "Examples:\n  ledger export allowed-signers > allowed_signers\n  TZ=UTC git -c gpg.ssh.allowedSignersFile=$PWD/allowed_signers verify-commit evidence"
    )]
    AllowedSigners,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load_whole()?;
    match &args.command {
        ExportCommand::Dsse { entries } => {
            let chosen: Vec<&VerifiedEntry> = match entries.is_empty() {
                true => loaded.ledger.entries().collect(),
                false => entries.iter().map(|text| show::find(&loaded.ledger, text)).collect::<Result<_, _>>()?,
            };
            for entry in chosen {
                let signature = entry
                    .dsse()
                    .ok_or_else(|| Failure::no(format!("entry {} has no signature outside Git", entry.number())))?;
                let envelope = Envelope::new(entry.statement().bytes(), entry.key(), signature);
                let mut line = serde_json::to_vec(&envelope).map_err(|error| Failure::unknown(error.to_string()))?;
                line.push(b'\n');
                context.printer.raw(&line);
            }
        }
        ExportCommand::AllowedSigners => {
            let mut lines: Vec<String> = Vec::new();
            for line in loaded
                .ledger
                .policies()
                .iter()
                .flat_map(|policy| policy.roster().allowed_signers().lines().map(str::to_owned).collect::<Vec<_>>())
            {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
            context.printer.raw((lines.join("\n") + "\n").as_bytes());
        }
    }
    Ok(Answer::Yes)
}
