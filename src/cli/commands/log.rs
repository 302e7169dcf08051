//! `ledger log`: the entries, newest last, with filters.

use std::collections::{BTreeSet, HashMap};

use super::Answer;
use crate::chain::records::Record;
use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::cli::about;
use crate::cli::args::text;
use crate::cli::context::Context;
use crate::cli::entries::{Entries, unreadable};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::output::{SCHEMAS, aligned, display_width};
use crate::cli::select;
use crate::cli::stream::json_entries;
use crate::entry::Kind;
use crate::entry::kinds::AttemptKey;
use crate::id::{EntryNumber, Name, PersonId, Timestamp, Version};
use crate::policy::Evaluator;
use crate::report::escape::visible;
use crate::store::Place;

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
    let (loaded, chosen) = context.ask(|loaded| choose(args, loaded))?;
    let mut entries = Entries::for_many(&loaded, chosen.len());
    let (json, widths) = (context.printer.json, widths(&loaded.ledger, &chosen));
    let told = context.printer.stream(|out| {
        if json {
            let told = chosen.iter().map(|(place, _)| Ok(about::json(&loaded.ledger, &entries.read(place)?)));
            return json_entries(out, format!("{SCHEMAS}log/v0.1"), told);
        }
        for (place, _) in &chosen {
            let row = row(&loaded.ledger, &entries.read(place)?);
            writeln!(out, "{}", aligned(&row, &widths))?;
        }
        Ok(())
    });
    told.map_err(|failure| context.settled(&loaded, failure))?;
    if chosen.is_empty() && !context.printer.json {
        context.printer.talk("no entry fits");
    }
    Ok(Answer::Yes)
}

/// An entry to be listed, and its signer's place among the signers.
type Chosen = (Place, u32);

/// The entries that fit, in order. All but their times is known from records.
fn choose(args: &Args, loaded: &Loaded) -> Result<Vec<Chosen>, Failure> {
    let ledger = &loaded.ledger;
    let mut filter = Filter::of(args, ledger)?;
    let since = args.since.as_deref().map(instant).transpose()?;
    if let Some(beyond) = args.as_of.filter(|number| *number >= ledger.size()) {
        return Err(Failure::usage(format!("there is no entry {beyond}: the newest is {}", ledger.size() - 1)));
    }
    let mut entries = Entries::new(loaded);
    let begin = since.map_or(Ok(0), |since| entries.first_since(since))?;
    let end = args.as_of.map_or(ledger.size(), |last| last.saturating_add(1));
    let mut chosen = Vec::new();
    for number in (begin..end).rev().map(EntryNumber) {
        if args.limit.is_some_and(|limit| chosen.len() >= limit) {
            break;
        }
        let record = ledger.record(number).ok_or_else(|| unreadable(number))?;
        let is_late = |since| entries.entry(number).map(|entry| entry.recorded_at() >= since);
        if filter.fits(&record) && since.map_or(Ok(true), is_late)? {
            chosen.push((entries.place(number)?, record.person));
        }
    }
    chosen.reverse();
    Ok(chosen)
}

/// What a record must have to be listed.
struct Filter<'a> {
    ledger: &'a VerifiedLedger,
    gate: Option<Name>,
    release: Option<Version>,
    person: Option<PersonId>,
    kind: Option<&'a str>,
    /// Whether an attempt is of the gate and release meant.
    attempts: HashMap<u32, bool>,
}

impl<'a> Filter<'a> {
    fn of(args: &'a Args, ledger: &'a VerifiedLedger) -> Result<Self, Failure> {
        let gate = match (&args.gate, Evaluator::new(ledger).policy(ledger.size())) {
            (None, _) => None,
            (Some(text), Some(policy)) => Some(select::gate(policy, text)?.1.id.clone()),
            (Some(text), None) => Some(Name::parse(text)?),
        };
        // Whoever is not in the roster any more was in an earlier one.
        let called = |text: &String| {
            let newest_first = ledger.policies().last().into_iter().chain(ledger.policies());
            let person = newest_first.into_iter().find_map(|policy| policy.roster().person_called(text));
            person
                .map(|person| person.id.clone())
                .ok_or_else(|| Failure::usage(format!("nobody in the roster is called {text:?}")))
        };
        let person = args.person.as_ref().map(called).transpose()?;
        let release = args.release.as_deref().map(Version::parse).transpose()?;
        release.as_ref().map_or(Ok(()), |release| select::require_opened(ledger.view(), release))?;
        Ok(Self { ledger, gate, release, person, kind: args.kind.as_deref(), attempts: HashMap::new() })
    }

    fn fits(&mut self, record: &Record) -> bool {
        self.kind.is_none_or(|kind| is_of(kind, record.kind, record.attempt.is_some()))
            && self.person.as_ref().is_none_or(|person| self.ledger.signer(record) == Some(person))
            && self.fits_attempt(record.attempt)
    }

    fn fits_attempt(&mut self, attempt: Option<u32>) -> bool {
        let Self { ledger, gate, release, attempts, .. } = self;
        if gate.is_none() && release.is_none() {
            return true;
        }
        let fits = |key: AttemptKey| {
            gate.as_ref().is_none_or(|gate| key.gate == *gate)
                && release.as_ref().is_none_or(|release| key.release == *release)
        };
        attempt.is_some_and(|at| {
            *attempts.entry(at).or_insert_with(|| ledger.attempt_at(at).is_some_and(|attempt| fits(attempt.key)))
        })
    }
}

fn row(ledger: &VerifiedLedger, entry: &VerifiedEntry) -> Vec<String> {
    let handle = entry.roster().person(entry.person()).map_or_else(String::new, |person| person.handle().to_owned());
    let (number, at) = (format!("#{}", entry.number()), entry.recorded_at().to_string());
    vec![number, at, visible(&handle), about::line(ledger, entry)]
}

/// How wide the columns are, before a row is there: numbers grow, instants are all alike, and who
/// signs stands in the rosters.
fn widths(ledger: &VerifiedLedger, chosen: &[Chosen]) -> [usize; 4] {
    const INSTANT: usize = "2025-10-04T00:00:00Z".len();
    let signers: BTreeSet<u32> = chosen.iter().map(|(_, signer)| *signer).collect();
    let people = signers.iter().filter_map(|at| ledger.signers().get(usize::try_from(*at).ok()?));
    let names = people.flat_map(|id| ledger.policies().iter().filter_map(|policy| policy.roster().person(id)));
    let handle = names.map(|person| display_width(&visible(person.handle()))).max().unwrap_or_default();
    let number = chosen.last().map(|(place, _)| format!("#{}", place.number).len()).unwrap_or_default();
    [number, INSTANT, handle, 0]
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
