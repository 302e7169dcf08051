//! `ledger log`: the entries, newest last, with filters.

use super::Answer;
use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::cli::about;
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output::{SCHEMAS, table};
use crate::cli::select;
use crate::entry::Kind;
use crate::id::{Timestamp, Version};
use crate::policy::Evaluator;
use crate::report::escape::visible;

/// List entries
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger log\n  ledger log --gate alpha --kind approval\n  ledger log --person QA-KIM --since 2025-10-01\n  ledger log --as-of 37 --json"
)]
pub struct Args {
    /// Only this gate
    #[arg(long, value_parser = text())]
    gate: Option<String>,
    /// Only this release
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// Only this person (id or handle)
    #[arg(long, value_parser = text())]
    person: Option<String>,
    /// Only this kind of entry; `policy` has the approvals of policies with it
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Kind::ALL.iter().map(|kind| kind.word())))]
    kind: Option<String>,
    /// Only entries recorded at or after this UTC day or instant
    #[arg(long, value_name = "TIME", value_parser = text())]
    since: Option<String>,
    /// Only entries up to this number
    #[arg(long, value_name = "ENTRY")]
    as_of: Option<u64>,
    /// At most this many, the newest
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<usize>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load_whole()?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let gate = match (&args.gate, evaluator.policy(loaded.ledger.size())) {
        (None, _) => None,
        (Some(text), Some(policy)) => Some(select::gate(policy, text)?.1.id.clone()),
        (Some(text), None) => Some(crate::id::Name::parse(text)?),
    };
    let person = match (&args.person, loaded.ledger.policies().last()) {
        (Some(text), Some(policy)) => {
            let known = policy.roster().person_called(text).map(|person| person.id.clone());
            let earlier = || {
                loaded.ledger.policies().iter().find_map(|old| old.roster().person_called(text)).map(|p| p.id.clone())
            };
            Some(
                known
                    .or_else(earlier)
                    .ok_or_else(|| Failure::usage(format!("nobody in the roster is called {text:?}")))?,
            )
        }
        _ => None,
    };
    let since = args.since.as_deref().map(instant).transpose()?;
    let release = args.release.as_deref().map(Version::parse).transpose()?;
    if let Some(beyond) = args.as_of.filter(|number| *number >= loaded.ledger.size()) {
        return Err(Failure::usage(format!("there is no entry {beyond}: the newest is {}", loaded.ledger.size() - 1)));
    }
    let mut entries: Vec<&VerifiedEntry> = loaded
        .ledger
        .entries()
        .filter(|entry| args.as_of.is_none_or(|limit| entry.number().0 <= limit))
        .filter(|entry| gate.as_ref().is_none_or(|gate| entry.attempt().is_some_and(|key| key.gate == *gate)))
        .filter(|entry| {
            release.as_ref().is_none_or(|release| entry.attempt().is_some_and(|key| key.release == *release))
        })
        .filter(|entry| person.as_ref().is_none_or(|person| entry.person() == person))
        .filter(|entry| args.kind.as_deref().is_none_or(|kind| is_of(kind, entry.kind(), entry.attempt().is_some())))
        .filter(|entry| since.is_none_or(|since| entry.recorded_at() >= since))
        .collect();
    let skip = args.limit.map_or(0, |limit| entries.len().saturating_sub(limit));
    entries.drain(..skip);
    if context.printer.json {
        let list: Vec<serde_json::Value> = entries.iter().map(|entry| about::json(&loaded.ledger, entry)).collect();
        context.printer.json(&serde_json::json!({ "schema": format!("{SCHEMAS}log/v0.1"), "entries": list }));
        return Ok(Answer::Yes);
    }
    let rows: Vec<Vec<String>> = entries.iter().map(|entry| row(&loaded.ledger, entry)).collect();
    table(&rows).into_iter().for_each(|line| context.printer.say(line));
    if entries.is_empty() {
        context.printer.talk("no entry fits");
    }
    Ok(Answer::Yes)
}

fn row(ledger: &VerifiedLedger, entry: &VerifiedEntry) -> Vec<String> {
    let handle = entry.roster().person(entry.person()).map_or_else(String::new, |person| person.handle().to_owned());
    vec![format!("#{}", entry.number()), entry.recorded_at().to_string(), visible(&handle), about::line(ledger, entry)]
}

/// Whether an entry is of the kind asked for. Who reads the policies must see who approved them.
fn is_of(asked: &str, kind: Kind, has_attempt: bool) -> bool {
    let approves_policy = kind == Kind::Approval && !has_attempt;
    kind.word() == asked || (asked == Kind::Policy.word() && approves_policy)
}

/// `2025-10-01` or a full instant, both UTC.
fn instant(text: &str) -> Result<Timestamp, Failure> {
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Ok(Timestamp::parse(&full)?)
}
