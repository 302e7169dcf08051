//! `requires`: an earlier gate is promoted, for the same release, source and artifact bytes.

use super::{Case, failed, outcome, satisfied};
use crate::id::Name;
use crate::policy::Bind;
use crate::policy::decision::{RuleKind, RuleOutcome};
use crate::policy::evaluate::{artifact_digests, shell};

pub fn evaluate(case: &Case<'_, '_>, required: &Name) -> RuleOutcome {
    let release = case.ask.release;
    let mut outcome = outcome(required.clone(), RuleKind::Gate, format!("{required} promoted for {release}"));
    outcome.hint = format!("ledger status {required} --release {}", shell(release.as_str()));
    outcome.have = format!("{required} is not promoted");
    let Some(gate) = case.pipeline.gate(required) else { return outcome };
    let Some(promotion) = case.evaluator.promotion(case.view, case.pipeline, gate, release) else { return outcome };
    let Some(attempt) = case.view.latest(&case.pipeline.id, required, release) else { return outcome };
    let (then, now) = (&attempt.open.source, &case.attempt.open.source);
    let same_source = match case.pipeline.bind {
        Bind::Commit => then.commit == now.commit,
        Bind::Tree => then.tree == now.tree,
    };
    if !same_source {
        outcome.hint = format!("ledger open {required} --release {} --retry", shell(release.as_str()));
        return failed(
            outcome,
            format!("{required} was promoted for commit {}, this attempt is for {}", then.commit, now.commit),
        );
    }
    let before = artifact_digests(case.view.before(promotion.number()), case.pipeline, attempt, release);
    let after = artifact_digests(case.view, case.pipeline, attempt, release);
    for (artifact, (old, _)) in before {
        if let Some((new, entry)) = after.get(&artifact).filter(|(new, _)| *new != old) {
            outcome.hint = format!("ledger open {required} --release {} --retry", shell(release.as_str()));
            let have =
                format!("{required} was promoted for {artifact} sha256:{old}, entry {entry} recorded sha256:{new}");
            return failed(outcome, have);
        }
    }
    satisfied(outcome, promotion, format!("promoted by {} at {}", promotion.person(), promotion.recorded_at()))
}
