//! `requires`: an earlier gate is promoted, for the same release, source and artifact bytes; or a gate of
//! another pipeline.

use super::timing::span;
use super::{Case, artifacts, failed, outcome, satisfied};
use crate::chain::VerifiedEntry;
use crate::chain::view::Attempt;
use crate::entry::kinds::DeclaredArtifact;
use crate::id::{Name, Timestamp, Version};
use crate::policy::decision::{RuleKind, RuleOutcome};
use crate::policy::evaluate::shell;
use crate::policy::{Bind, Elsewhere, Gate};

/// What becomes of a gate that is required, before an attempt is open whose source could be compared.
pub fn required(release: &Version, gate: &Gate, promotion: Option<&VerifiedEntry>) -> RuleOutcome {
    let base = wanted(release, &gate.id);
    match promotion {
        Some(promotion) => satisfied(base, promotion, promoted_by(promotion)),
        None => base,
    }
}

fn wanted(release: &Version, required: &Name) -> RuleOutcome {
    let mut outcome = outcome(required.clone(), RuleKind::Gate, format!("{required} promoted for {release}"));
    outcome.hint = format!("ledger status {required} --release {}", shell(release.as_str()));
    outcome.have = format!("{required} is not promoted");
    outcome
}

fn promoted_by(promotion: &VerifiedEntry) -> String {
    format!("promoted by {} at {}", promotion.person(), promotion.recorded_at())
}

pub fn evaluate(case: &Case<'_, '_>, required: &Name) -> RuleOutcome {
    let release = case.ask.release;
    let mut outcome = wanted(release, required);
    let Some(gate) = case.pipeline.gate(required) else { return outcome };
    let Some(promotion) = case.evaluator.promotion(case.view, case.pipeline, gate, release) else { return outcome };
    let Some(attempt) = case.view.latest(&case.pipeline.id, required, release) else { return outcome };
    let (then, now) = (&attempt.open.source, &case.attempt.open.source);
    if !same_source(case, attempt) {
        outcome.hint = format!("ledger open {required} --release {} --retry", shell(release.as_str()));
        return failed(
            outcome,
            format!("{required} was promoted for commit {}, this attempt is for {}", then.commit, now.commit),
        );
    }
    let before = artifacts::files(case.view.before(promotion.number()), case.pipeline, release);
    let after = artifacts::files(case.view, case.pipeline, release);
    for DeclaredArtifact { name, path } in &attempt.open.artifacts {
        let Some((_, old)) = before.get(path.as_str()) else { continue };
        let found = match after.get(path.as_str()) {
            Some((_, new)) if new.sha256 == old.sha256 => continue,
            Some((entry, new)) => format!("entry {} recorded sha256:{}", entry.number(), new.sha256),
            None => "what was recorded last is void".to_owned(),
        };
        outcome.hint = format!("ledger open {required} --release {} --retry", shell(release.as_str()));
        return failed(outcome, format!("{required} was promoted for {name} sha256:{}, {found}", old.sha256));
    }
    satisfied(outcome, promotion, promoted_by(promotion))
}

/// Whether another attempt was opened for the source of this one.
pub fn same_source(case: &Case<'_, '_>, other: Attempt<'_>) -> bool {
    let (then, now) = (&other.open.source, &case.attempt.open.source);
    match case.pipeline.bind {
        Bind::Commit => then.commit == now.commit,
        Bind::Tree => {
            let both = [other.entry.number(), case.attempt.entry.number()];
            both.into_iter().for_each(|opening| case.evaluator.believe_opening(opening, false));
            then.tree == now.tree
        }
    }
}

/// A gate of another pipeline, for the same release or for whichever was promoted last.
pub fn evaluate_elsewhere(case: &Case<'_, '_>, required: &Elsewhere) -> RuleOutcome {
    let full = required.full_name();
    let id = Name::parse(&format!("{}.{}", required.pipeline, required.gate)).unwrap_or_else(|_| required.gate.clone());
    let which = if required.any_release { "some release".to_owned() } else { case.ask.release.to_string() };
    let age = required.within.map(|within| format!(", within {}", span(within))).unwrap_or_default();
    let mut outcome = outcome(id, RuleKind::Gate, format!("{full} promoted for {which}{age}"));
    let known = case.view.releases(&required.pipeline);
    let release = shell(case.ask.release.as_str());
    outcome.hint = match required.any_release {
        true if known.is_empty() => format!("ledger open {full} --release VERSION"),
        true => format!("ledger status {full}"),
        false if known.contains(case.ask.release) => format!("ledger status {full} --release {release}"),
        // The board of another release would say nothing about this one.
        false => format!("ledger open {full} --release {release}"),
    };
    outcome.have = format!("{full} is not promoted");
    let Some(promotion) = promotion_elsewhere(case, required) else { return outcome };
    let age = case.ask.now.seconds().saturating_sub(promotion.seconds());
    let until = required.within.map(|within| promotion.seconds().saturating_add(within));
    outcome.due = until.and_then(|until| Timestamp::from_seconds(until).ok());
    if required.within.is_some_and(|within| age > within) {
        outcome.hint = format!("ledger open {full} --release NEXT");
        return failed(outcome, format!("promoted at {}, too long ago", promotion.committed_at()));
    }
    satisfied(outcome, promotion, format!("promoted by {} at {}", promotion.person(), promotion.committed_at()))
}

/// The newest release, or while that is under way the one before.
pub const CANDIDATES: usize = 2;

fn promotion_elsewhere<'l>(case: &Case<'_, 'l>, required: &Elsewhere) -> Option<&'l VerifiedEntry> {
    let pipeline = case.policy.pipeline(&required.pipeline)?;
    let gate = pipeline.gate(&required.gate)?;
    let releases: Vec<Version> = match required.any_release {
        true => case.view.releases(&pipeline.id).into_iter().rev().take(CANDIDATES).collect(),
        false => vec![case.ask.release.clone()],
    };
    releases.iter().find_map(|release| case.evaluator.promotion(case.view, pipeline, gate, release))
}
