//! What verification cannot see without a policy: folders as the pipeline names them, and
//! promotions that were really open.

use super::evaluate::Evaluator;
use super::{Pipeline, Policy};
use crate::chain::{Fault, FaultKind, VerifiedEntry};
use crate::entry::kinds::{Kind, Open, Predicate};
use crate::id::{Timestamp, Version};

/// Every promotion whose release is at hand, evaluated again.
pub fn promotions(evaluator: &Evaluator<'_>) -> Vec<Fault> {
    let promotions = evaluator.ledger().entries().filter(|entry| entry.kind() == Kind::Promotion);
    // A void promotion is no claim any more.
    let is_void = |entry: &VerifiedEntry| evaluator.ledger().voided_by(entry.number()).is_some();
    let unjustified = promotions.filter(|entry| !is_void(entry) && !evaluator.is_justified(entry, entry.number().0));
    unjustified
        .map(|entry| fault(entry, FaultKind::Promotion, "a gate that was open", "a gate that was closed".to_owned()))
        .collect()
}

/// Every opening compared with what its pipeline promised: artifacts and the folder's name.
pub fn openings(evaluator: &Evaluator<'_>) -> Vec<Fault> {
    evaluator.ledger().entries().filter_map(|entry| judge_opening(evaluator, entry)).collect()
}

fn judge_opening(evaluator: &Evaluator<'_>, entry: &VerifiedEntry) -> Option<Fault> {
    let (Predicate::Open(open), Some(key)) = (entry.predicate(), entry.attempt()) else { return None };
    let policy = evaluator.policy(entry.number().0);
    let pipeline = policy.and_then(|policy| policy.pipeline(&key.pipeline));
    let base = policy
        .zip(pipeline)
        .and_then(|(policy, pipeline)| base_folder(policy, pipeline, &key.gate, &key.release, entry.recorded_at()));
    let Some(base) = base else {
        let found = format!("{}/{}", key.pipeline, key.gate);
        return Some(fault(entry, FaultKind::Path, "a gate of the policy in force", found));
    };
    if evaluator.promised(entry).as_ref() != Some(&open.artifacts) {
        let found = format!("{} declared", open.artifacts.len());
        return Some(fault(entry, FaultKind::Attempt, "the artifacts its pipeline promises", found));
    }
    let expected = format!("a folder {base}, or {base}.2 …");
    (!is_repeat_of(open, &base)).then(|| fault(entry, FaultKind::Path, &expected, open.folder.to_string()))
}

fn fault(entry: &VerifiedEntry, fault: FaultKind, expected: &str, found: String) -> Fault {
    let (number, commit) = (Some(entry.number()), Some(entry.commit().clone()));
    Fault { entry: number, commit, fault, expected: expected.to_owned(), found }
}

/// The folder a pipeline's template gives for a gate opened at an instant.
pub fn base_folder(
    policy: &Policy,
    pipeline: &Pipeline,
    gate: &crate::id::Name,
    release: &Version,
    at: Timestamp,
) -> Option<String> {
    let gate = pipeline.gate(gate)?;
    let date = at.to_utc().with_timezone(&policy.zone).format("%Y%m%d").to_string();
    let values = [
        ("gate", gate.name.as_str()),
        ("date", date.as_str()),
        ("version", release.as_str()),
        ("pipeline", pipeline.id.as_str()),
    ];
    Some(pipeline.folder.fill(&values))
}

fn is_repeat_of(open: &Open, base: &str) -> bool {
    let folder = open.folder.as_str();
    let repeat = folder.strip_prefix(base).and_then(|rest| rest.strip_prefix('.'));
    folder == base || repeat.is_some_and(|n| n.parse::<u32>().is_ok_and(|number| number > 1 && number.to_string() == n))
}
