//! One file a kind of rule. Each turns a case into outcomes; none can fail.

mod approval;
mod artifacts;
mod evidence;
mod gate;
mod groups;
pub mod matching;
mod phrase;
mod plan;
mod relations;
mod rollback;
mod timing;
mod trouble;
mod waiver;
mod window;

pub use approval::{Standing, standing};
pub use artifacts::files as artifact_files;
pub use evidence::{command, links_to as evidence_links_to, same_path};
pub use gate::{CANDIDATES, required};
pub use groups::with_parts;
pub use rollback::{Going, Unshown, is_taken_back, validation};
pub use timing::span;
pub use trouble::{class_of, open_triggers, owed};
pub use waiver::refusal as waiver_refusal;

use super::decision::{Decision, RuleKind, RuleOutcome, RuleState};
use super::{Ask, Evaluator, Gate, Pipeline, Policy, Rule};
use crate::chain::view::Attempt;
use crate::chain::{VerifiedEntry, View, Void};
use crate::id::{EntryId, Name, Timestamp};
use crate::sign::roster::Person;

/// Everything a rule may look at.
#[derive(Clone, Copy)]
pub struct Case<'c, 'l> {
    pub evaluator: &'c Evaluator<'l>,
    pub policy: &'c Policy,
    pub pipeline: &'c Pipeline,
    pub gate: &'c Gate,
    pub attempt: Attempt<'l>,
    pub view: View<'l>,
    pub ask: &'c Ask<'c>,
}

/// What came out for an evidence rule, with the entry it rests on.
pub struct EvidenceOutcome<'c, 'l> {
    pub rule: &'c Rule,
    pub outcome: RuleOutcome,
    /// The newest evidence in the slot, satisfying or not, void or not.
    pub entry: Option<&'l VerifiedEntry>,
    pub is_void: bool,
}

impl<'c, 'l> EvidenceOutcome<'c, 'l> {
    fn new(rule: &'c Rule, outcome: RuleOutcome, entry: Option<&'l VerifiedEntry>) -> Self {
        Self { rule, outcome, entry, is_void: false }
    }

    /// What is set aside is no evidence: nothing of it can change or lapse. That it is void stays known.
    const fn forget(&mut self) {
        if !self.is_void {
            self.entry = None;
        }
    }
}

/// Evaluates every rule of the gate, in the order a person meets them.
pub fn evaluate(case: &Case<'_, '_>, decision: &mut Decision) {
    let (gate, warnings) = (case.gate, &mut decision.warnings);
    let rules = &mut decision.rules;
    rules.extend(gate.requires.iter().map(|required| gate::evaluate(case, required)));
    rules.extend(gate.requires_elsewhere.iter().map(|required| gate::evaluate_elsewhere(case, required)));
    rules.extend(trouble::reviews(case, warnings));
    rules.extend(trouble::triggers(case, warnings));
    let mut evidence: Vec<EvidenceOutcome<'_, '_>> =
        gate.rules.iter().map(|rule| evidence::evaluate(case, rule)).collect();
    relations::apply(case, &mut evidence);
    waiver::apply_to_evidence(case, &mut evidence, warnings);
    let groups = gate.groups.iter().map(|group| groups::evaluate(group, &evidence));
    let phrase = phrase::evaluate(case, &evidence);
    let times = gate.soaks.iter().map(|soak| timing::soak(case, soak)).chain(timing::freeze(case));
    let mut others: Vec<RuleOutcome> = groups.chain(phrase).chain(times).collect();
    others.iter_mut().for_each(|outcome| waiver::apply(case, outcome, warnings));
    let waivers: Vec<EntryId> = rested_on_waivers(evidence.iter().map(|item| &item.outcome).chain(&others)).collect();
    let (approvals, said) = approval::evaluate(case, &evidence, &waivers);
    let alone = evidence.into_iter().filter(|item| gate.group_of(&item.rule.id).is_none());
    rules.extend(alone.map(|item| item.outcome));
    rules.extend(others);
    rules.extend(approvals.into_iter().map(|outcome| ending(case, without_barred(case, outcome))));
    warnings.extend(said);
}

/// The waivers that rules rest on.
fn rested_on_waivers<'o>(outcomes: impl Iterator<Item = &'o RuleOutcome>) -> impl Iterator<Item = EntryId> {
    outcomes.filter(|outcome| outcome.state.is_waived()).flat_map(|o| o.by.iter().map(|(_, id)| *id))
}

/// What a gate will want, before any attempt is open.
pub fn without_attempt(policy: &Policy, gate: &Gate) -> Vec<RuleOutcome> {
    let evidence: Vec<RuleOutcome> = gate.rules.iter().map(|rule| evidence::missing(policy, gate, rule)).collect();
    let groups = gate.groups.iter().map(|group| {
        let parts = evidence.iter().filter(|part| group.members.contains(&part.id)).cloned().collect();
        groups::with_parts(group, parts)
    });
    let groups: Vec<RuleOutcome> = groups.collect();
    let alone = evidence.into_iter().filter(|outcome| gate.group_of(&outcome.id).is_none());
    let approvals = gate.approvals.iter().map(|approval| approval::missing(policy, gate, approval));
    alone.chain(groups).chain(approvals).collect()
}

/// What came out for the evidence in one slot, by the rule of this gate that takes it.
pub fn of_slot(case: &Case<'_, '_>, slot: &Name) -> Option<RuleOutcome> {
    let rule = case.gate.rule_for(slot)?;
    let mut evidence: Vec<_> = case.gate.rules.iter().map(|rule| evidence::evaluate(case, rule)).collect();
    relations::apply(case, &mut evidence);
    evidence.into_iter().find(|item| item.rule.id == rule.id).map(|item| item.outcome)
}

/// Whether its author took an entry back, with a key that was theirs: that an entry is void opens no gate, but what
/// somebody said against a release they may say to be a mistake.
fn is_withdrawn(case: &Case<'_, '_>, entry: &VerifiedEntry, void: Option<Void>) -> bool {
    let Some(Void::Revoked(by)) = void else { return false };
    let own = case.view.ledger().entry(by).filter(|by| by.person() == entry.person());
    own.is_some_and(|by| !case.view.is_of_thief(by))
}

/// Who holds any of these roles, as they are called; the roles themselves when nobody does.
fn called(policy: &Policy, roles: &[Name]) -> Vec<String> {
    all_called(policy.roster.holders(roles), roles)
}

/// The same, with the bots: they bring evidence too.
fn bringers(policy: &Policy, roles: &[Name]) -> Vec<String> {
    all_called(policy.roster.people().filter(|person| person.has_any(roles)), roles)
}

fn all_called<'p>(people: impl Iterator<Item = &'p Person>, roles: &[Name]) -> Vec<String> {
    if roles.is_empty() {
        return vec!["anybody in the roster".to_owned()];
    }
    let people: Vec<String> = people.map(person_called).collect();
    match people.is_empty() {
        true => roles.iter().map(|role| format!("nobody holds {role}")).collect(),
        false => people,
    }
}

/// Leaves out of an approval's people who may not approve this release for what they did for it.
fn without_barred(case: &Case<'_, '_>, mut outcome: RuleOutcome) -> RuleOutcome {
    let rule = case.gate.approvals.iter().find(|rule| outcome.kind == RuleKind::Approval && rule.id == outcome.id);
    let Some(rule) = rule.filter(|_| !outcome.state.is_met()) else { return outcome };
    let barred = |person: &&Person| matches!(standing(case, rule, person), Standing::MayNot(_));
    let barred: Vec<String> = case.policy.roster.holders(&rule.roles).filter(barred).map(person_called).collect();
    outcome.who.retain(|who| !barred.contains(who));
    if outcome.who.is_empty() {
        outcome.who = vec![format!("nobody in the roster can (ledger explain {} {})", case.gate.id, rule.id)];
        outcome.hint = "give somebody else the role: ledger policy apply -m REASON".to_owned();
    }
    outcome
}

fn person_called(person: &Person) -> String {
    format!("{} ({})", person.handle(), person.name)
}

/// Says when an approval rule that is met will have too few approvals that are young enough.
fn ending(case: &Case<'_, '_>, mut outcome: RuleOutcome) -> RuleOutcome {
    let rule = case.gate.approvals.iter().find(|rule| outcome.kind == RuleKind::Approval && rule.id == outcome.id);
    let Some((rule, within)) = rule.and_then(|rule| Some((rule, rule.within?))) else { return outcome };
    if outcome.state == RuleState::Satisfied {
        let given = outcome.by.iter().filter_map(|(number, _)| case.view.ledger().entry(*number));
        let mut given: Vec<i64> = given.map(|entry| entry.recorded_at().seconds()).collect();
        given.sort_unstable_by(|one, other| other.cmp(one));
        let last = usize::try_from(rule.count).ok().and_then(|count| given.get(count.saturating_sub(1)).copied());
        outcome.due = last.and_then(|last| Timestamp::from_seconds(last.saturating_add(within)).ok());
    }
    outcome
}

pub fn list(names: &[Name], joint: &str) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(joint)
}

fn outcome(id: Name, kind: RuleKind, need: String) -> RuleOutcome {
    let have = "nothing yet".to_owned();
    RuleOutcome {
        id,
        kind,
        state: RuleState::Missing,
        by: Vec::new(),
        need,
        have,
        who: Vec::new(),
        hint: String::new(),
        due: None,
        parts: Vec::new(),
    }
}

fn satisfied(mut outcome: RuleOutcome, by: &VerifiedEntry, have: String) -> RuleOutcome {
    outcome.state = RuleState::Satisfied;
    outcome.by = vec![(by.number(), by.id())];
    outcome.have = have;
    outcome.hint = String::new();
    outcome
}

fn failed(mut outcome: RuleOutcome, have: String) -> RuleOutcome {
    outcome.state = RuleState::Failed;
    outcome.have = have;
    outcome
}
