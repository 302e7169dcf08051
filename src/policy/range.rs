//! What a range of commits did to documents that rules name: a changed one has to be recorded again.
//!
//! It can only close a gate. What was changed and recorded since is as good as what was never changed.

use super::decision::{Decision, RuleKind, RuleOutcome, RuleState};
use super::evaluate::Observed;
use super::rules::same_path;
use super::{Gate, Rule};
use crate::chain::VerifiedLedger;
use crate::findings::counted;
use crate::id::{Digest, Version};

/// Documents that a range of commits changed, each with the digests it may be recorded with as it is at
/// the range's head; none where it is gone there.
#[derive(Debug, Clone)]
pub struct Changed<'r> {
    pub range: &'r str,
    pub documents: Observed,
}

/// The documents a gate's rules name, as they are called in a release.
pub fn documents(gate: &Gate, release: &Version) -> impl Iterator<Item = String> {
    gate.rules.iter().filter_map(|rule| document(rule, release))
}

/// Fails every rule whose evidence is of a changed document and is not what that is now; says which rules
/// the range is about.
pub fn close(decision: &mut Decision, gate: &Gate, ledger: &VerifiedLedger, changed: &Changed<'_>) {
    let mut about = Vec::new();
    for rule in &gate.rules {
        let Some(path) = document(rule, &decision.release) else { continue };
        let Some((_, now)) = changed.documents.iter().find(|(of, _)| same_path(of, &path)) else { continue };
        about.push(rule.id.as_str());
        let outcome = decision.rules.iter_mut().find(|one| one.kind == RuleKind::Evidence && one.id == rule.id);
        let Some(outcome) = outcome.filter(|outcome| outcome.state == RuleState::Satisfied) else { continue };
        let recorded = recorded(outcome, ledger, &path);
        if recorded.is_some_and(|recorded| now.contains(&recorded)) {
            continue;
        }
        let word = |digest: Option<&Digest>| digest.map_or("nothing".to_owned(), |d| format!("sha256:{d}"));
        outcome.state = RuleState::Failed;
        outcome.have = format!(
            "{path} was changed by {}: recorded is {}, its head has {}",
            changed.range,
            word(recorded.as_ref()),
            word(now.first())
        );
        outcome.hint = format!("ledger record {} --gate {}", rule.slot, gate.id);
        outcome.by.clear();
    }
    if !about.is_empty() {
        let documents = counted(about.len(), "rule", "rules");
        let rules = about.join(", ");
        decision.warnings.push(format!("{} changed the documents of {documents}: {rules}", changed.range));
    }
}

fn document(rule: &Rule, release: &Version) -> Option<String> {
    rule.file.as_ref().map(|file| file.fill(&[("version", release.as_str())]))
}

/// The digest the document has in the evidence that satisfied a rule.
fn recorded(outcome: &RuleOutcome, ledger: &VerifiedLedger, path: &str) -> Option<Digest> {
    outcome.by.iter().rev().find_map(|(number, _)| {
        let evidence = ledger.entry(*number)?.evidence()?;
        evidence.brought().find(|file| same_path(&file.path, path)).map(|file| file.sha256)
    })
}
