//! `ledger show`: one entry whole, or the bytes of one of its files.

use super::Answer;
use crate::chain::VerifiedEntry;
use crate::cli::about;
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::entries::Entries;
use crate::cli::failure::Failure;
use crate::cli::output::SCHEMAS;
use crate::cli::target;
use crate::entry::kinds::Stored;
use crate::id::Digest;
use crate::report::escape::visible;

/// Show an entry, or one of its files
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger show 12\n  ledger show 1f0c9a3b                          by the beginning of its id\n  ledger show 8 --file frontend_build_20251004.log > build.log"
)]
pub struct Args {
    /// Number, or at least eight digits of the id
    #[arg(value_parser = text())]
    entry: String,
    /// Print this file's bytes, checked against the statement
    #[arg(long, value_name = "NAME", value_parser = text())]
    file: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (loaded, entry) =
        context.ask(|loaded| Entries::new(loaded).entry(target::find(&loaded.ledger, &args.entry)?))?;
    let entry = &entry;
    if let Some(name) = &args.file {
        let bytes = file(&loaded, entry, name)?;
        context.printer.raw(&bytes);
        return Ok(Answer::Yes);
    }
    let statement = String::from_utf8_lossy(entry.statement().bytes()).into_owned();
    if context.printer.json {
        let parsed: serde_json::Value = serde_json::from_str(&statement).unwrap_or_default();
        let mut told = about::json(&loaded.ledger, entry);
        told["schema"] = format!("{SCHEMAS}show/v0.1").into();
        told["key"] = entry.key().fingerprint().into();
        told["keyCompromisedSince"] = serde_json::json!(loaded.ledger.given_up(entry.key()));
        told["statement"] = parsed;
        context.printer.json(&told);
        return Ok(Answer::Yes);
    }
    let actor = entry.predicate().actor();
    let heading = context.printer.bold(&format!("entry {}  {}", entry.number(), entry.kind().word()));
    context.printer.say(heading);
    context.printer.say(format!("  signed by  {} <{}>  {}", visible(&actor.name), actor.id, entry.key().fingerprint()));
    context.printer.say(format!("  at         {}", entry.recorded_at()));
    context.printer.say(format!("  id         sha256:{}", entry.id()));
    context.printer.say(format!("  commit     {}", entry.commit()));
    context.printer.say(format!("  path       {}", entry.path()));
    if let Some((proposed, state)) = about::policy(&loaded.ledger, entry) {
        let of = if proposed == entry.number() { String::new() } else { format!("of entry {proposed}, ") };
        context.printer.say(format!("  policy     {of}{}", about::state_words(state)));
    }
    if let Some(void) = loaded.ledger.void(entry.number()) {
        context.printer.say(format!("  void       {void}"));
    }
    if let Some(since) = loaded.ledger.given_up(entry.key()) {
        context.printer.say(format!("  key        compromised since entry {since}"));
    }
    context.printer.say("");
    statement.lines().for_each(|line| context.printer.say(visible(line)));
    Ok(Answer::Yes)
}

fn file(loaded: &crate::cli::load::Loaded, entry: &VerifiedEntry, name: &str) -> Result<Vec<u8>, Failure> {
    let listed: Vec<(String, Digest, bool)> = match entry.predicate() {
        crate::entry::Predicate::Evidence(evidence) => evidence
            .files
            .iter()
            .map(|file| (file.name.to_string(), file.sha256, file.stored == Stored::Inline))
            .collect(),
        crate::entry::Predicate::Policy(policy) => {
            policy.files.iter().map(|file| (file.name.to_string(), file.sha256, true)).collect()
        }
        _ => Vec::new(),
    };
    let Some((_, digest, inline)) = listed.iter().find(|(listed, ..)| listed == name) else {
        let names: Vec<&str> = listed.iter().map(|(name, ..)| name.as_str()).collect();
        let failure = Failure::usage(format!("entry {} has no file {name:?}", entry.number()));
        return Err(match names.as_slice() {
            [] => failure.hint("it has none: ledger log --kind evidence lists entries that do"),
            names => failure.hint(format!("its files are {}", names.join(", "))),
        });
    };
    if !inline {
        return Err(Failure::no(format!("{name} is not in the ledger, only its digest: sha256:{digest}")));
    }
    let at_root = name == crate::entry::kinds::Policy::README && entry.kind() == crate::entry::Kind::Policy;
    let path = if at_root { name.to_owned() } else { entry.file_path(name) };
    let bytes = loaded.store.file(entry.commit(), &path)?;
    if Digest::of(&bytes) != *digest {
        return Err(Failure::unknown(format!("{path} changed while it was read")));
    }
    Ok(bytes)
}
