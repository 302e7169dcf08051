//! `ledger export`: entries for other tools.

use super::Answer;
use crate::chain::VerifiedEntry;
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::entries::Entries;
use crate::cli::failure::Failure;
use crate::cli::target;
use crate::id::EntryNumber;
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
    /// The keys of every roster that was in force, for `git -c gpg.ssh.allowedSignersFile=FILE verify-commit`
    #[command(
        before_help = "Examples:\n  ledger export allowed-signers > allowed_signers\n  TZ=UTC git -c gpg.ssh.allowedSignersFile=$PWD/allowed_signers verify-commit refs/heads/evidence"
    )]
    AllowedSigners,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match &args.command {
        ExportCommand::Dsse { entries } => envelopes(entries, context)?,
        ExportCommand::AllowedSigners => {
            let (loaded, ()) = context.ask(|_| Ok(()))?;
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

fn envelopes(wanted: &[String], context: &mut Context<'_>) -> Result<(), Failure> {
    let (loaded, chosen) = context.ask(|loaded| {
        let numbers = match wanted {
            [] => (0..loaded.ledger.size()).map(EntryNumber).collect(),
            _ => wanted.iter().map(|text| target::find(&loaded.ledger, text)).collect::<Result<Vec<_>, _>>()?,
        };
        let mut entries = Entries::new(loaded);
        numbers.into_iter().map(|number| entries.place(number)).collect::<Result<Vec<_>, _>>()
    })?;
    let mut entries = Entries::for_many(&loaded, chosen.len());
    let told = context.printer.stream(|out| {
        for place in &chosen {
            out.write_all(&envelope(&entries.read(place)?)?)?;
        }
        Ok(())
    });
    told.map_err(|failure| context.settled(&loaded, failure))
}

/// One entry's envelope on a line.
fn envelope(entry: &VerifiedEntry) -> Result<Vec<u8>, Failure> {
    let unsigned = || Failure::no(format!("entry {} has no signature outside Git", entry.number()));
    let envelope = Envelope::new(entry.statement().bytes(), entry.key(), entry.dsse().ok_or_else(unsigned)?);
    let mut line = serde_json::to_vec(&envelope).map_err(|error| Failure::unknown(error.to_string()))?;
    line.push(b'\n');
    Ok(line)
}
