//! The source as openings tell of it: whose commit it is, and what it leaves as it was at an earlier one.

use super::failure::Failure;
use super::load::Loaded;
use crate::chain::{Fault, FaultKind, VerifiedEntry};
use crate::entry::kinds::{Compared, Predicate};
use crate::id::ObjectId;
use crate::policy::Gate;
use crate::policy::globs::untouched;
use crate::store::git::{GitStore, StoreError};

/// What `commit` leaves as it was at `since`, as far as the gate's rules ask.
pub fn compare(store: &GitStore, gate: &Gate, since: &str, commit: &ObjectId) -> Result<Compared, Failure> {
    let since = store.source(since)?.commit;
    let changes = store.changes(&format!("{since}..{commit}"))?;
    let paths: Vec<String> = changes.paths.into_keys().collect();
    let globs = gate.rules.iter().flat_map(|rule| &rule.when_changed).map(String::as_str);
    let mut untouched = untouched(globs, &paths);
    untouched.sort();
    untouched.dedup();
    Ok(Compared { since, untouched })
}

/// Openings that say of the source what it does not bear out, as far as the source is at hand.
pub fn faults(loaded: &Loaded) -> Vec<Fault> {
    // A clone of the evidence alone has no source to compare.
    loaded.ledger.entries().filter_map(|entry| fault(&loaded.store, entry).ok()?).collect()
}

/// The same of one entry: anybody can type whose commit it is, or that nothing changed. An error where nobody here
/// can tell.
pub fn fault(store: &GitStore, entry: &VerifiedEntry) -> Result<Option<Fault>, StoreError> {
    let Predicate::Open(open) = entry.predicate() else { return Ok(None) };
    let fault = |expected: String, found: String| Fault {
        entry: Some(entry.number()),
        commit: Some(entry.commit().clone()),
        fault: FaultKind::Facts,
        expected,
        found,
    };
    let commit = &open.source.commit;
    let there = store.source(commit.as_str())?;
    if there.tree != open.source.tree {
        return Ok(Some(fault(format!("the tree {} of commit {commit}", there.tree), open.source.tree.to_string())));
    }
    if there.authors != open.source.authors {
        let list = |authors: &[String]| if authors.is_empty() { "nobody".to_owned() } else { authors.join(", ") };
        let expected = format!("the authors of commit {commit}: {}", list(&there.authors));
        return Ok(Some(fault(expected, list(&open.source.authors))));
    }
    let Some(claim) = open.compared.as_ref().filter(|claim| !claim.untouched.is_empty()) else { return Ok(None) };
    let changes = store.changes(&format!("{}..{commit}", claim.since))?;
    let paths: Vec<String> = changes.paths.into_keys().collect();
    let again = untouched(claim.untouched.iter().map(String::as_str), &paths);
    let glob = claim.untouched.iter().find(|glob| !again.contains(glob));
    Ok(glob
        .map(|glob| fault(format!("nothing changed under {glob} since {}", claim.since), "something did".to_owned())))
}
