//! What verification cannot see without a policy: folders as the pipeline names them, and
//! promotions that were really open.

use super::evaluate::Evaluator;
use super::{Pipeline, Policy};
use crate::chain::{Fault, FaultKind, VerifiedEntry};
use crate::entry::kinds::{Kind, Open, Predicate};
use crate::id::{Timestamp, Version};

/// Every promotion evaluated again, and every folder compared with its pipeline's template.
pub fn audit(evaluator: &Evaluator<'_>) -> Vec<Fault> {
    evaluator.ledger().entries().filter_map(|entry| judge(evaluator, entry)).collect()
}

fn judge(evaluator: &Evaluator<'_>, entry: &VerifiedEntry) -> Option<Fault> {
    let fault = |fault, expected, found| {
        Some(Fault { entry: Some(entry.number()), commit: Some(entry.commit().clone()), fault, expected, found })
    };
    match entry.predicate() {
        Predicate::Promotion(_) if !is_void(evaluator, entry) && !evaluator.is_justified(entry) => {
            fault(FaultKind::Promotion, "a gate that was open".to_owned(), "a gate that was closed".to_owned())
        }
        Predicate::Open(open) => {
            let key = entry.attempt()?;
            let policy = evaluator.policy(entry.number().0);
            let pipeline = policy.and_then(|policy| policy.pipeline(&key.pipeline));
            let base = policy.zip(pipeline).and_then(|(policy, pipeline)| {
                base_folder(policy, pipeline, &key.gate, &key.release, entry.recorded_at())
            });
            if base.is_some() && evaluator.promised(entry).as_ref() != Some(&open.artifacts) {
                let found = format!("{} declared", open.artifacts.len());
                return fault(FaultKind::Attempt, "the artifacts its pipeline promises".to_owned(), found);
            }
            match base {
                Some(base) if is_repeat_of(open, &base) => None,
                Some(base) => {
                    fault(FaultKind::Path, format!("a folder {base}, or {base}.2 …"), open.folder.to_string())
                }
                None => fault(
                    FaultKind::Path,
                    "a gate of the policy in force".to_owned(),
                    format!("{}/{}", key.pipeline, key.gate),
                ),
            }
        }
        _ => None,
    }
}

/// A revoked promotion is no claim any more.
fn is_void(evaluator: &Evaluator<'_>, entry: &VerifiedEntry) -> bool {
    debug_assert_eq!(entry.kind(), Kind::Promotion);
    let view = evaluator.ledger().view();
    entry.attempt().is_none_or(|key| view.attempt(key).all(|other| other.number() != entry.number()))
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
