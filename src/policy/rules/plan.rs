//! A plan that was followed: what a rule over `plan-status` expects is counted from the entries.

use super::{Case, EvidenceOutcome, evidence, failed, list};
use crate::policy::Rule;
use crate::policy::decision::{RuleOutcome, RuleState};
use crate::policy::plan::{self, PlanStatus, TOLERANCE};

pub fn evaluate<'c, 'l>(case: &Case<'c, 'l>, rule: &'c Rule) -> EvidenceOutcome<'c, 'l> {
    let base = evidence::missing(case.policy, case.gate, rule);
    // Gates before this one are decided already; a gate that asked for itself would ask for ever.
    let before = case.pipeline.before(case.gate);
    let signed = |gate: &crate::policy::Gate| {
        before.iter().find(|one| one.id == gate.id).and_then(|gate| plan::approved(case.evaluator, case.ask, gate))
    };
    let status = match plan::follow(case, TOLERANCE, signed) {
        Ok(status) => status,
        Err(plan::NoPlan::Missing | plan::NoPlan::NotOpened) => {
            return EvidenceOutcome::new(rule, base, None);
        }
        Err(why) => return EvidenceOutcome::new(rule, failed(base, why.to_string()), None),
    };
    let entry = case.view.ledger().entry(status.entry);
    let outcome = match test(case, rule, &status) {
        Ok(have) => satisfied(case, base, &status, have),
        Err(have) => RuleOutcome { who: owners(case, &status), ..failed(base, have) },
    };
    EvidenceOutcome::new(rule, outcome, entry)
}

/// Who has rows that are open.
fn owners(case: &Case<'_, '_>, status: &PlanStatus) -> Vec<String> {
    let mut owners: Vec<String> = Vec::new();
    for row in status.rows.iter().filter(|row| row.state.is_open()) {
        let owning = plan::owning(&case.policy.roster, &row.step.owner);
        let called = if owning.is_known() { owning.called().join(" or ") } else { row.step.owner.text.clone() };
        if !owners.contains(&called) {
            owners.push(called);
        }
    }
    owners
}

/// The plan and every entry by which a row counts: whoever relies on the rule looks at all of them.
fn satisfied(case: &Case<'_, '_>, mut outcome: RuleOutcome, status: &PlanStatus, have: String) -> RuleOutcome {
    let mut entries: Vec<_> = status.entries().collect();
    entries.sort_unstable();
    entries.dedup();
    let ledger = case.view.ledger();
    outcome.by = entries.into_iter().filter_map(|number| Some((number, ledger.entry(number)?.id()))).collect();
    outcome.state = RuleState::Satisfied;
    outcome.have = have;
    outcome.hint = String::new();
    outcome
}

fn test(case: &Case<'_, '_>, rule: &Rule, status: &PlanStatus) -> Result<String, String> {
    let asks_more = rule.file.is_some()
        || rule.template.is_some()
        || rule.section.is_some()
        || rule.within.is_some()
        || rule.artifacts.is_some()
        || rule.changed_since.is_some()
        || rule.links_gates
        || rule.formats.len() > 1;
    if asks_more || rule.expect.is_empty() {
        return Err("a rule over plan-status has `expect`, may have `by`, and no other condition".to_owned());
    }
    let plan = case.view.ledger().entry(status.entry).ok_or("the plan is not at hand")?;
    let person = plan.roster().person(plan.person());
    if !rule.by.is_empty() && !person.is_some_and(|person| person.has_any(&rule.by)) {
        return Err(format!("the plan was brought by {}, who is not {}", plan.person(), list(&rule.by, " or ")));
    }
    let facts = status.facts(&case.gate.id);
    let show = |name: &str| facts.get(name).map_or("absent".to_owned(), ToString::to_string);
    if let Some(expect) = rule.expect.iter().find(|expect| !expect.holds(&facts)) {
        return Err(format!("{} is {}, expected {expect}", expect.name(), show(&expect.name())));
    }
    let shown: Vec<String> = rule.expect.iter().map(|e| format!("{} = {}", e.name(), show(&e.name()))).collect();
    Ok(format!("{} ({}) · {}", status.path, status.digest.short(), shown.join(", ")))
}
