//! What a range of commits did to documents that rules name: a changed one has to be recorded again.
//!
//! It can only close a gate. What was changed and recorded since is as good as what was never changed.

use super::decision::{Decision, RuleKind, RuleOutcome, RuleState};
use super::evaluate::Observed;
use super::globs::untouched;
use super::rules::{same_path, with_parts};
use super::{Gate, Rule};
use crate::chain::VerifiedLedger;
use crate::findings::counted;
use crate::id::{Digest, Version};

/// Documents that a range of commits changed, each with the digests it may be recorded with as it is at
/// the range's head; none where it is gone there.
#[derive(Debug, Clone)]
pub struct Changed<'r> {
    pub range: &'r str,
    /// Every path that changed.
    pub paths: Vec<String>,
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
        let Some(outcome) = satisfied(decision, rule) else { continue };
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
    for rule in &gate.rules {
        let kept = untouched(rule.when_changed.iter().map(String::as_str), &changed.paths);
        let touched = rule.when_changed.iter().find(|glob| !kept.contains(glob));
        if let (Some(glob), Some(outcome)) = (touched, set_aside(decision, rule)) {
            outcome.state = RuleState::Missing;
            outcome.have = format!("{} changed something under {glob}", changed.range);
            outcome.hint = format!("ledger record {} FILE --gate {}", rule.slot, gate.id);
        }
    }
    regroup(decision, gate);
    decision.name_release();
    if !about.is_empty() {
        let documents = counted(about.len(), "rule", "rules");
        let rules = about.join(", ");
        decision.warnings.push(format!("{} changed the documents of {documents}: {rules}", changed.range));
    }
}

/// The outcome of an evidence rule that is met, alone or in its group.
fn satisfied<'d>(decision: &'d mut Decision, rule: &Rule) -> Option<&'d mut RuleOutcome> {
    evidence_of(decision, rule).filter(|outcome| outcome.state == RuleState::Satisfied)
}

fn set_aside<'d>(decision: &'d mut Decision, rule: &Rule) -> Option<&'d mut RuleOutcome> {
    evidence_of(decision, rule).filter(|outcome| outcome.state == RuleState::NotApplicable)
}

fn evidence_of<'d>(decision: &'d mut Decision, rule: &Rule) -> Option<&'d mut RuleOutcome> {
    let all = decision.rules.iter_mut().flat_map(|outcome| match outcome.parts.is_empty() {
        true => std::slice::from_mut(outcome).iter_mut(),
        false => outcome.parts.iter_mut(),
    });
    all.filter(|outcome| outcome.kind == RuleKind::Evidence).find(|outcome| outcome.id == rule.id)
}

/// A group whose members fell is judged again by them.
fn regroup(decision: &mut Decision, gate: &Gate) {
    for group in &gate.groups {
        let own = |outcome: &&mut RuleOutcome| outcome.kind == RuleKind::Group && outcome.id == group.id;
        if let Some(outcome) = decision.rules.iter_mut().find(own).filter(|o| o.state == RuleState::Satisfied) {
            *outcome = with_parts(group, std::mem::take(&mut outcome.parts));
        }
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
