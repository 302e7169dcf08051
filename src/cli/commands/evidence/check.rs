//! `ledger evidence check`: every file outside the ledger is read through, and its facts are taken again.

use std::collections::BTreeMap;

use super::{External, State, Verdict, answer, as_json, place, reach, shown_place};
use crate::chain::VerifiedEntry;
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::entries::{Entries, unreadable};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::objects::{Content, Reach, StoreArgs};
use crate::cli::output::{SCHEMAS, table};
use crate::cli::progress::Progress;
use crate::cli::progress::mebibytes;
use crate::cli::storing::READ_MOST;
use crate::entry::Kind;
use crate::entry::kinds::{Evidence, EvidenceFile, Stored};
use crate::evidence::location::Location;
use crate::evidence::readers::{ARTIFACT, Wanted};
use crate::findings::counted;
use crate::id::{Digest, EntryNumber, Version};
use crate::policy::{Evaluator, reread};
use crate::report::escape::visible;

pub fn run(context: &mut Context<'_>, release: Option<&str>, args: &StoreArgs) -> Result<Answer, Failure> {
    let store = args.location(&context.world().directory)?;
    let release = release.map(Version::parse).transpose()?;
    let (loaded, chosen) = context.ask(|loaded| choose(loaded, release.as_ref()))?;
    let env = context.world().env.clone();
    let files = || chosen.entries.iter().filter_map(VerifiedEntry::evidence).flat_map(external);
    let placed = |file: &EvidenceFile| Some((file.sha256, Location::parse(file.location.as_deref()?).ok()?));
    let known = files().filter_map(placed).collect();
    let checking = Checking { loaded: &loaded, store: store.as_ref(), known, reach: reach(&env, args) };
    let total: u64 = files().map(|file| file.size).sum();
    let mut progress = context.printer.world.progress("checking", "MiB", mebibytes(total));
    let mut checked = Vec::new();
    let evaluator = Evaluator::new(&loaded.ledger);
    for entry in &chosen.entries {
        checked.extend(checking.entry(&evaluator, entry, &mut progress)?);
    }
    drop(progress);
    let verdict = if checked.is_empty() { Verdict::Unknown } else { answer(checked.iter().map(|one| &one.state)) };
    tell(context, &checked, chosen.by_digest, verdict, store.as_ref());
    Ok(verdict.answer())
}

/// What is to be checked, and how many artifacts are compared by another command.
struct Chosen {
    entries: Vec<VerifiedEntry>,
    by_digest: usize,
}

/// Entries that count and have files outside the ledger. Nobody promised to keep an artifact that was recorded
/// by its digest alone, so there is nothing to ask for.
fn choose(loaded: &Loaded, release: Option<&Version>) -> Result<Chosen, Failure> {
    let ledger = &loaded.ledger;
    let mut entries = Entries::new(loaded);
    let (mut chosen, mut is_known) = (Chosen { entries: Vec::new(), by_digest: 0 }, release.is_none());
    for number in (0..ledger.size()).map(EntryNumber) {
        let record = ledger.record(number).ok_or_else(|| unreadable(number))?;
        let attempt = record.attempt.and_then(|at| ledger.attempt_at(at));
        let is_meant = release.is_none_or(|release| attempt.is_some_and(|attempt| attempt.key.release == *release));
        is_known |= is_meant;
        if record.kind != Kind::Evidence || !is_meant || ledger.void(number).is_some() {
            continue;
        }
        let entry = entries.entry(number)?;
        let Some(evidence) = entry.evidence() else { continue };
        chosen.by_digest += evidence.files.iter().filter(|file| is_artifact(evidence, file)).count();
        if external(evidence).next().is_some() {
            chosen.entries.push(entry);
        }
    }
    match release {
        Some(release) if !is_known => {
            let release = visible(release.as_str());
            Err(Failure::usage(format!("there is no release {release}")).hint("ledger log --kind open"))
        }
        _ => Ok(chosen),
    }
}

fn external(evidence: &Evidence) -> impl Iterator<Item = &EvidenceFile> {
    evidence.files.iter().filter(|file| file.stored == Stored::External && !is_artifact(evidence, file))
}

fn is_artifact(evidence: &Evidence, file: &EvidenceFile) -> bool {
    evidence.format.as_str() == ARTIFACT && file.stored == Stored::External && file.location.is_none()
}

/// What holds for every entry of one command.
struct Checking<'c> {
    loaded: &'c Loaded,
    store: Option<&'c Location>,
    /// Where an entry says that bytes lie: that serves for another one of the same bytes.
    known: BTreeMap<Digest, Location>,
    reach: Reach<'c>,
}

impl Checking<'_> {
    /// Every external file of an entry; the facts where all they were taken from is at hand.
    fn entry(
        &self,
        evaluator: &Evaluator<'_>,
        entry: &VerifiedEntry,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<External>, Failure> {
        let Some(evidence) = entry.evidence() else { return Ok(Vec::new()) };
        let sources = reread::taken_from(evidence);
        let mut held: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        let mut checked = Vec::new();
        for file in external(evidence) {
            let wanted = sources.contains(&file) && file.size <= READ_MOST;
            let mut bytes = Vec::new();
            let place = place(file, self.store).or_else(|state| self.known.get(&file.sha256).cloned().ok_or(state));
            let (asked, state) = match place {
                Ok(place) => {
                    let state = self.file(file, &place, wanted.then_some(&mut bytes), progress);
                    (Some(place), state)
                }
                Err(state) => (None, state),
            };
            if wanted && state == State::Same {
                held.insert(file.name.as_str(), bytes);
            }
            checked.push(External {
                entry: entry.number(),
                slot: evidence.slot.to_string(),
                file: file.clone(),
                asked,
                state,
            });
        }
        if let Some(found) = self.difference(evaluator, entry, evidence, &sources, &held)? {
            let lying = checked.iter_mut().filter(|one| held.contains_key(one.file.name.as_str()));
            lying.for_each(|one| one.state = State::Lying(found.chars().take(200).collect()));
        }
        Ok(checked)
    }

    fn file(
        &self,
        file: &EvidenceFile,
        place: &Location,
        keep: Option<&mut Vec<u8>>,
        progress: &mut Progress<'_>,
    ) -> State {
        let content = Content { size: file.size, sha256: file.sha256 };
        let (mut read, mut shown) = (0_u64, 0);
        let mut tell = |bytes| {
            read += bytes;
            progress.advance(mebibytes(read) - shown);
            shown = mebibytes(read);
        };
        let got = match keep {
            Some(bytes) => self.reach.get(place, content, bytes, &mut tell),
            None => self.reach.get(place, content, &mut std::io::sink(), &mut tell),
        };
        got.map_or_else(State::from, |()| State::Same)
    }

    /// What a reader takes from the files today, where it is not what was recorded.
    fn difference(
        &self,
        evaluator: &Evaluator<'_>,
        entry: &VerifiedEntry,
        evidence: &Evidence,
        sources: &[&EvidenceFile],
        held: &BTreeMap<&str, Vec<u8>>,
    ) -> Result<Option<String>, Failure> {
        let inline = |file: &EvidenceFile| {
            let path = entry.file_path(file.name.as_str());
            self.loaded.store.file(entry.commit(), &path)
        };
        let mut files = Vec::new();
        for file in sources {
            let name = file.name.as_str();
            match (held.get(name), file.stored) {
                (Some(bytes), _) => files.push((name, bytes.clone())),
                (None, Stored::Inline) => files.push((name, inline(file)?)),
                // Not there, which is told already, or too large for a reader.
                (None, Stored::External) => return Ok(None),
            }
        }
        if held.is_empty() {
            return Ok(None);
        }
        let template = reread::template(evidence).map(inline).transpose()?;
        let gate = entry
            .attempt()
            .and_then(|key| evaluator.policy(entry.number().0)?.pipeline(&key.pipeline)?.gate(&key.gate));
        let asked = gate.map(|gate| gate.wanted(&evidence.slot)).unwrap_or_default();
        let wanted = Wanted { template: template.as_deref(), ..asked };
        let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        Ok(reread::difference_of_external(evidence, &files, wanted))
    }
}

fn tell(context: &mut Context<'_>, checked: &[External], by_digest: usize, verdict: Verdict, store: Option<&Location>) {
    if context.printer.json {
        let files: Vec<_> = checked.iter().map(as_json).collect();
        return context.printer.json(&serde_json::json!({
            "schema": format!("{SCHEMAS}evidence-check/v0.1"), "verdict": verdict.word(),
            "byDigestOnly": by_digest, "files": files,
        }));
    }
    let rows: Vec<Vec<String>> = checked
        .iter()
        .map(|one| {
            let mark = if one.state == State::Same { context.printer.good() } else { context.printer.bad() };
            let what = one.state.why().unwrap_or_else(|| "as recorded".to_owned());
            let (entry, name) = (format!("#{}", one.entry), visible(one.file.name.as_str()));
            vec![format!("  {mark}"), entry, visible(&one.slot), name, visible(&what)]
        })
        .collect();
    for (line, one) in table(&rows).into_iter().zip(checked) {
        context.printer.say(line);
        let place = shown_place(&one.file, store);
        if one.state != State::Same && !place.is_empty() {
            context.printer.say(format!("      {}", visible(&place)));
        }
    }
    if by_digest > 0 {
        let artifacts = counted(by_digest, "artifact", "artifacts");
        context
            .printer
            .talk(format!("{artifacts} recorded by digest alone, not looked for\n  → ledger artifact check"));
    }
    let alone: Vec<&External> = checked.iter().filter(|one| matches!(one.state, State::DigestOnly(_))).collect();
    if let Some(first) = alone.first() {
        let (files, slot) = (counted(alone.len(), "file", "files"), visible(&first.slot));
        context.printer.talk(format!(
            "{files} known by digest alone: only who has the bytes can show them\n  → put them into a store, and check again: ledger record {slot} FILE --external --store URL_OR_DIR"
        ));
    }
    let good = checked.iter().filter(|one| one.state == State::Same).count();
    match checked.len() {
        0 => context.printer.say("there is no external file to check, so nothing can be said of any"),
        all => {
            context.printer.say(format!("{good} of {} as recorded", counted(all, "external file", "external files")))
        }
    }
}
