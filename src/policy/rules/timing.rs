//! Time itself as a rule: a soak that must have passed, a freeze that must not hold.

use super::{Case, failed, outcome, satisfied};
use crate::id::Timestamp;
use crate::policy::Soak;
use crate::policy::decision::{RuleKind, RuleOutcome};
use crate::policy::evaluate::name;

/// Long enough since a gate was promoted, by the ledger's own time.
pub fn soak(case: &Case<'_, '_>, soak: &Soak) -> RuleOutcome {
    let need = format!("{} since {} was promoted", span(soak.least), soak.since);
    let mut base = outcome(soak.id.clone(), RuleKind::Soak, need);
    base.who = vec!["time".to_owned()];
    base.hint = format!("ledger status {}", soak.since);
    let gate = case.pipeline.gate(&soak.since);
    let promotion = gate.and_then(|gate| case.evaluator.promotion(case.view, case.pipeline, gate, case.ask.release));
    let Some(promotion) = promotion else {
        base.have = format!("{} is not promoted", soak.since);
        return base;
    };
    let over = promotion.seconds().saturating_add(soak.least);
    let end = Timestamp::from_seconds(over).unwrap_or(Timestamp::MAX);
    if case.ask.now.seconds() >= over {
        return satisfied(base, promotion, format!("promoted at {}", promotion.committed_at()));
    }
    base.due = Some(end);
    base.hint = format!("wait until {end}");
    base.have = format!("promoted at {}, over at {end}", promotion.committed_at());
    base
}

/// A freeze that holds now; nothing where none does.
pub fn freeze(case: &Case<'_, '_>) -> Option<RuleOutcome> {
    let freeze = case.pipeline.freezes.iter().find(|freeze| freeze.holds(&case.gate.id, case.ask.now))?;
    let mut base = outcome(name("freeze"), RuleKind::Freeze, "no freeze".to_owned());
    base.due = Some(freeze.to);
    base.hint = format!("wait until {}", freeze.to);
    base.who = vec!["time".to_owned()];
    Some(failed(base, format!("{}, from {} to {}", freeze.reason, freeze.from, freeze.to)))
}

/// Seconds as people say them: `2 h`, `90 min`, `7 d`.
pub fn span(seconds: i64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
