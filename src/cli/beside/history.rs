//! What became of a checklist since it was last recorded for the release.

use super::{Brought, Place};
use crate::chain::VerifiedEntry;
use crate::entry::kinds::{EvidenceFile, Stored};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::checklist::diff::{Changes, Diff, diff};
use crate::evidence::readers::checklist::{self, Checklist};
use crate::evidence::readers::{CHECKLIST, Input, SINCE};
use crate::id::Digest;

/// The fact of its name: which entry it was, how many items were added, removed, renamed, ticked and
/// unticked, and the first of them in words. `None` where it was never recorded with other bytes.
pub fn since(place: &Place<'_>, brought: &[Brought]) -> Option<(String, Fact)> {
    let now = brought.iter().find(|one| one.file.role.is_none())?;
    let (entry, file) = before(place, &now.file)?;
    let bytes = place.store.file(entry.commit(), &entry.file_path(file.name.as_str())).ok()?;
    let is_recorded = Digest::of(&bytes) == file.sha256;
    let (old, new) = is_recorded.then(|| Some((read(&bytes)?, read(now.bytes.as_deref()?)?)))??;
    let number = usize::try_from(entry.number().0).ok()?;
    let mut facts = Facts::from([("entry".to_owned(), Fact::from(number))]);
    let Diff { added, removed, renamed, ticked, unticked } = diff(&old, &new);
    let all =
        [("added", added), ("removed", removed), ("renamed", renamed), ("ticked", ticked), ("unticked", unticked)];
    let said = |(word, changes): &(&str, Changes)| {
        changes.texts.iter().map(|text| format!("{word}: {text}")).collect::<Vec<_>>()
    };
    facts.insert("items".to_owned(), Fact::List(all.iter().flat_map(said).collect()));
    facts.extend(all.map(|(word, changes)| (word.to_owned(), Fact::from(changes.count))));
    Some((SINCE.to_owned(), Fact::Group(facts)))
}

fn read(bytes: &[u8]) -> Option<Checklist> {
    checklist::details(&Input::plain("checklist.md", bytes)).ok()
}

/// The newest evidence of the release in the slot that is of the same document, and not the same bytes.
fn before<'p>(place: &Place<'p>, now: &EvidenceFile) -> Option<(&'p VerifiedEntry, EvidenceFile)> {
    let entries = place.view.release(place.pipeline, place.release);
    entries.into_iter().rev().find_map(|entry| {
        let evidence = entry.evidence().filter(|e| e.slot == *place.slot && e.format.as_str() == CHECKLIST)?;
        let file = evidence.brought().find(|file| file.path == now.path && file.stored == Stored::Inline)?;
        (file.sha256 != now.sha256).then(|| (entry, file.clone()))
    })
}
