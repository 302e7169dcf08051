//! Facts taken from files together with something beside them: the release's source, or an entry before.
//!
//! What lies beside the ledger is not in it, so anybody can type what it says. Where a rule asks for such a
//! fact it is taken again before somebody acts on it.

mod citations;
mod history;
pub mod links;

use super::failure::Failure;
use super::files::Brought;
use super::load::Loaded;
use crate::chain::{VerifiedEntry, View};
use crate::entry::kinds::{Evidence, FileRole, Stored};
use crate::evidence::facts::{Fact, Facts, at};
use crate::evidence::readers::{CHANGED_SINCE, CHECKLIST};
use crate::id::{Digest, Name, ObjectId, Version};
use crate::policy::evaluate::{Believed, shell};
use crate::store::git::GitStore;

/// What evidence is of, and what lies beside it.
pub struct Place<'p> {
    pub store: &'p GitStore,
    /// The entries before it.
    pub view: View<'p>,
    pub pipeline: &'p Name,
    pub release: &'p Version,
    pub slot: &'p Name,
    /// The commit its attempt was opened for.
    pub source: &'p ObjectId,
}

/// What there is to say of files brought in a format, also compared with what they were at gates before.
pub fn facts<'r>(place: &Place<'_>, gates: impl Iterator<Item = &'r Name>, format: &str, brought: &[Brought]) -> Facts {
    let mut facts: Facts = changed_since(place, gates, brought).into_iter().collect();
    facts.extend(citations::facts(place.store, place.source, brought));
    facts.extend(links::facts(place.store, place.source, format, brought).unwrap_or_default());
    if format == CHECKLIST {
        facts.extend(history::since(place, brought));
    }
    facts
}

/// Whether every document brought differs from the one at the source commits of gates.
fn changed_since<'r>(
    place: &Place<'_>,
    gates: impl Iterator<Item = &'r Name>,
    brought: &[Brought],
) -> Option<(String, Fact)> {
    let documents = || brought.iter().filter(|one| one.file.role.is_none()).map(|one| &one.file);
    let changed = |gate: &Name| {
        let attempt = place.view.latest(place.pipeline, gate, place.release)?;
        let before = |path: &str| at_source(place.store, &attempt.open.source.commit, path);
        let mut all = documents().map(|file| before(&file.path).is_none_or(|old| Digest::of(&old) != file.sha256));
        Some((gate.to_string(), Fact::Bool(all.all(|is_another| is_another))))
    };
    let gates: Facts = gates.filter_map(changed).collect();
    (!gates.is_empty()).then(|| (CHANGED_SINCE.to_owned(), Fact::Group(gates)))
}

/// A document of a commit, in whichever Unicode form its path is written there (macOS writes NFD).
fn at_source(store: &GitStore, commit: &ObjectId, path: &str) -> Option<Vec<u8>> {
    use unicode_normalization::UnicodeNormalization as _;
    let forms = [path.to_owned(), path.nfc().collect(), path.nfd().collect()];
    forms.iter().find_map(|path| store.file(commit, path).ok())
}

/// Refuses to go on where what an entry was believed is not what lies beside it. That is no fault of the ledger: it
/// may have been so when it was brought. Where the source is not at hand nobody can tell.
pub fn require(loaded: &Loaded, entry: &VerifiedEntry, words: &Believed) -> Result<(), Failure> {
    let (Some(evidence), Some(key)) = (entry.evidence(), entry.attempt()) else { return Ok(()) };
    if words.facts.is_empty() && words.templates.is_empty() {
        return Ok(());
    }
    let opening = loaded.ledger.opening(key).ok_or_else(|| Failure::unknown("an attempt cannot be read"))?;
    let source = loaded.store.source(opening.source.commit.as_str())?.commit;
    let refuse = |what: String| {
        let (number, slot, gate) = (entry.number(), &evidence.slot, &key.gate);
        let again = format!("ledger record {slot} --gate {gate} --release {}", shell(key.release.as_str()));
        Err(Failure::no(format!("entry {number} was believed what is not so: {what}"))
            .hint(format!("look at it: ledger show {number}"))
            .hint(format!("{again}, or where {gate} is promoted: ledger open {gate} --retry")))
    };
    for path in &words.templates {
        let there = at_source(&loaded.store, &source, path).map(|bytes| Digest::of(&bytes));
        let mut taken = evidence.files.iter().filter(|file| file.role == Some(FileRole::Template));
        if !taken.all(|file| Some(file.sha256) == there) {
            return refuse(format!("commit {source} has another template {path}"));
        }
    }
    let place = Place {
        store: &loaded.store,
        view: loaded.ledger.as_of(entry.number().0),
        pipeline: &key.pipeline,
        release: &key.release,
        slot: &evidence.slot,
        source: &source,
    };
    let gates = words.facts.iter().filter_map(|path| path.strip_prefix(CHANGED_SINCE)?.strip_prefix('.'));
    let gates: Vec<Name> = gates.filter_map(|gate| Name::parse(gate).ok()).collect();
    let again = facts(&place, gates.iter(), evidence.format.as_str(), &kept(loaded, entry, evidence)?);
    match words.facts.iter().find(|path| at(&evidence.facts, path) != at(&again, path)) {
        Some(path) => refuse(at(&again, path).map_or_else(|| format!("no {path}"), |fact| format!("{path} = {fact}"))),
        None => Ok(()),
    }
}

/// The files of an entry, as they were when they were brought.
fn kept(loaded: &Loaded, entry: &VerifiedEntry, evidence: &Evidence) -> Result<Vec<Brought>, Failure> {
    let mut kept = Vec::new();
    for file in &evidence.files {
        let bytes = match file.stored {
            Stored::Inline => Some(loaded.store.file(entry.commit(), &entry.file_path(file.name.as_str()))?),
            Stored::External => None,
        };
        kept.push(Brought { file: file.clone(), bytes, upload: super::storing::Upload::None });
    }
    Ok(kept)
}
