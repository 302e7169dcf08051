//! `phrase`: the log says it, by an approver, after all other evidence.

use super::{Case, EvidenceOutcome, called, failed, outcome, satisfied};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::TASK_LOG;
use crate::id::Timestamp;
use crate::policy::ApprovalRule;
use crate::policy::decision::{RuleKind, RuleOutcome, RuleState};
use crate::policy::evaluate::name;
use crate::policy::reread;

/// A log line often has whole minutes only: it may say 09:12 for what was recorded at 09:12:40.
const MINUTE: i64 = 60;

pub fn evaluate(case: &Case<'_, '_>, evidence: &[EvidenceOutcome<'_, '_>]) -> Vec<RuleOutcome> {
    case.gate
        .approvals
        .iter()
        .filter_map(|approval| Some(judge(case, approval, approval.phrase.as_deref()?, evidence)))
        .collect()
}

fn judge(
    case: &Case<'_, '_>,
    approval: &ApprovalRule,
    phrase: &str,
    evidence: &[EvidenceOutcome<'_, '_>],
) -> RuleOutcome {
    let mut base =
        outcome(name("phrase"), RuleKind::Phrase, format!("{phrase:?} in the log, after all other evidence"));
    base.who = called(case.policy, &approval.roles);
    let who = case.policy.roster.holders(&approval.roles).next().map_or("HANDLE", |person| person.handle()).to_owned();
    let line = format!("{} {who} {} {phrase}", case.ask.now, case.gate.id);
    let log = evidence.iter().find(|item| item.rule.formats.contains(&TASK_LOG));
    base.hint = match log {
        Some(log) => format!(
            "add the line `{line}` to the log, then: ledger record {} FILE --gate {}",
            log.rule.slot, case.gate.id
        ),
        None => return base,
    };
    let Some(entry) = log.filter(|log| !log.is_void).and_then(|log| log.entry) else { return base };
    // Whoever may not bring the log cannot say the phrase in it either.
    if let Some(log) = log.filter(|log| log.outcome.state != RuleState::Satisfied) {
        return failed(base, format!("the log does not count: {}", log.outcome.have));
    }
    let facts = entry.evidence().map(|evidence| reread::relied_on(case.policy, evidence)).unwrap_or_default();
    let Some(Fact::Group(found)) = facts.get("phrase") else {
        return base;
    };
    let text = |key: &str| match found.get(key) {
        Some(Fact::Text(text)) => text.as_str(),
        _ => "",
    };
    if text("text") != phrase {
        return base;
    }
    let actor = entry.roster().person_called(text("actor"));
    if !actor.is_some_and(|person| person.speaks_as(&approval.roles)) {
        return failed(
            base,
            format!(
                "line {} says it as {:?}, who is not {}",
                line_of(found),
                text("actor"),
                super::list(&approval.roles, " or ")
            ),
        );
    }
    let Ok(at) = Timestamp::parse(text("at")) else { return failed(base, "its time does not read".to_owned()) };
    if at.seconds() > entry.recorded_at().seconds() + MINUTE {
        return failed(
            base,
            format!("line {} ({at}) lies ahead of entry {} ({})", line_of(found), entry.number(), entry.recorded_at()),
        );
    }
    let others = evidence
        .iter()
        .filter(|other| other.rule.slot != log.map(|log| &log.rule.slot).cloned().unwrap_or_else(|| name("log")));
    for other in others.filter_map(|other| other.entry) {
        let after = other.number() < entry.number() && other.recorded_at().seconds() < at.seconds() + MINUTE;
        if !after {
            return failed(
                base,
                format!(
                    "line {} ({at}) is not after entry {} ({})",
                    line_of(found),
                    other.number(),
                    other.recorded_at()
                ),
            );
        }
    }
    satisfied(base, entry, format!("line {}, {at}, {}", line_of(found), text("actor")))
}

fn line_of(phrase: &Facts) -> String {
    phrase.get("line").map_or("?".to_owned(), ToString::to_string)
}
