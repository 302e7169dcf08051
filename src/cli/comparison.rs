//! The source compared with an earlier commit, for rules that are wanted only where a path changes.

use super::failure::Failure;
use super::load::Loaded;
use crate::chain::{Fault, FaultKind, VerifiedEntry};
use crate::entry::kinds::{Compared, Predicate};
use crate::id::{Name, ObjectId};
use crate::policy::decision::Decision;
use crate::policy::globs::untouched;
use crate::policy::{Gate, RuleState};
use crate::store::git::GitStore;

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

/// Compares again where a rule was set aside by what an opening says: anybody can type that nothing
/// changed. Where the source is not at hand nobody can tell.
pub fn require_true(loaded: &Loaded, gate: &Gate, decision: &Decision) -> Result<(), Failure> {
    let set_aside = |id: &Name| {
        decision
            .rules
            .iter()
            .flat_map(|rule| [rule].into_iter().chain(&rule.parts))
            .any(|outcome| outcome.id == *id && outcome.state == RuleState::NotApplicable)
    };
    if !gate.rules.iter().any(|rule| !rule.when_changed.is_empty() && set_aside(&rule.id)) {
        return Ok(());
    }
    let view = loaded.ledger.view();
    let Some(attempt) = view.latest(&decision.pipeline, &decision.gate, &decision.release) else { return Ok(()) };
    let Some(claim) = &attempt.open.compared else { return Ok(()) };
    let again = compare(&loaded.store, gate, claim.since.as_str(), &attempt.open.source.commit)?;
    // A later policy may ask for other globs; those were never claimed.
    match claim.untouched.iter().find(|glob| asks(gate, glob) && !again.untouched.contains(glob)) {
        Some(glob) => Err(Failure::no(format!(
            "entry {} says that nothing under {glob} changed since {}, and something did",
            attempt.entry.number(),
            claim.since
        ))
        .hint(format!("ledger open {} --release {} --retry --since REV", decision.gate, decision.release))),
        None => Ok(()),
    }
}

fn asks(gate: &Gate, glob: &str) -> bool {
    gate.rules.iter().any(|rule| rule.when_changed.iter().any(|asked| asked == glob))
}

/// Openings that say of the source what it does not bear out, as far as the source is at hand.
pub fn faults(loaded: &Loaded) -> Vec<Fault> {
    loaded.ledger.entries().filter_map(|entry| fault(&loaded.store, entry)).collect()
}

fn fault(store: &GitStore, entry: &VerifiedEntry) -> Option<Fault> {
    let Predicate::Open(open) = entry.predicate() else { return None };
    let claim = open.compared.as_ref().filter(|claim| !claim.untouched.is_empty())?;
    // A clone of the evidence alone has no source to compare.
    let changes = store.changes(&format!("{}..{}", claim.since, open.source.commit)).ok()?;
    let paths: Vec<String> = changes.paths.into_keys().collect();
    let again = untouched(claim.untouched.iter().map(String::as_str), &paths);
    let glob = claim.untouched.iter().find(|glob| !again.contains(glob))?;
    Some(Fault {
        entry: Some(entry.number()),
        commit: Some(entry.commit().clone()),
        fault: FaultKind::Facts,
        expected: format!("nothing changed under {glob} since {}", claim.since),
        found: "something did".to_owned(),
    })
}
