//! Approvals: enough distinct people of the right roles, nothing they saw has changed since.

use std::collections::BTreeMap;

use super::artifacts::Recording;
use super::{Case, EvidenceOutcome, called, evidence, failed, is_withdrawn, list, outcome, person_called};
use crate::chain::VerifiedEntry;
use crate::entry::kinds::{Approval, Decision, Evidence, Kind, Mode, Predicate};
use crate::evidence::readers::ARTIFACT;
use crate::id::{Digest, EntryId, PersonId};
use crate::policy::decision::{RuleKind, RuleOutcome, RuleState};
use crate::policy::evaluate::{name, shell};
use crate::policy::{ApprovalRule, Gate, Hat, Policy, Severity};
use crate::sign::roster::Person;

/// Each person's last word in an attempt.
type Current<'l> = BTreeMap<&'l PersonId, (&'l VerifiedEntry, &'l Approval)>;

/// Whether a person may approve under a rule, before they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    May { warnings: Vec<String> },
    MayNot(String),
}

/// Outcomes of all approval rules, an open rejection if there is one, and warnings.
pub fn evaluate(
    case: &Case<'_, '_>,
    evidence: &[EvidenceOutcome<'_, '_>],
    waivers: &[EntryId],
) -> (Vec<RuleOutcome>, Vec<String>) {
    let current = current_decisions(case);
    let mut outcomes = rejections(case, &current);
    let mut warnings = Vec::new();
    let mut able = Vec::new();
    for rule in &case.gate.approvals {
        let rested = Rested { evidence, waivers };
        able.push(sift(case, rule, &current, &rested, &mut warnings));
    }
    let counted = counted(case, &able);
    let rules = case.gate.approvals.iter().zip(able).zip(counted);
    outcomes.extend(rules.map(|((rule, sifted), count)| told(case, rule, sifted, count)));
    (outcomes, warnings)
}

/// What the rules of the gate rest on now.
struct Rested<'r, 'c, 'l> {
    evidence: &'r [EvidenceOutcome<'c, 'l>],
    waivers: &'r [EntryId],
}

/// Approvals that count under a rule, and why others do not.
struct Sifted<'l> {
    counted: Vec<&'l VerifiedEntry>,
    passed_over: Vec<String>,
}

pub fn missing(policy: &Policy, gate: &Gate, rule: &ApprovalRule) -> RuleOutcome {
    let need =
        format!("{} approval{} by {}", rule.count, if rule.count == 1 { "" } else { "s" }, list(&rule.roles, " or "));
    let need = if rule.interactive { format!("{need}, confirmed on a terminal") } else { need };
    let need = match rule.within {
        Some(within) => format!("{need}, not older than {}", super::timing::span(within)),
        None => need,
    };
    let mut outcome = outcome(rule.id.clone(), RuleKind::Approval, need);
    outcome.who = called(policy, &rule.roles);
    outcome.hint = format!("ledger sign {}", gate.id);
    outcome
}

/// Whether a person may approve this gate now: role, no bot, none of the forbidden hats.
pub fn standing(case: &Case<'_, '_>, rule: &ApprovalRule, person: &Person) -> Standing {
    if person.bot {
        return Standing::MayNot(format!("{} is a bot: it may bring evidence, it never approves", person.id));
    }
    if !person.has_any(&rule.roles) {
        return Standing::MayNot(format!("{} is not {}", person.handle(), list(&rule.roles, " or ")));
    }
    let mut warnings = Vec::new();
    for (hat, severity) in &rule.forbid {
        let Some(why) = wears(case, hat, person) else { continue };
        let text = format!("{} {why}", person.handle());
        match severity {
            Severity::Deny => return Standing::MayNot(text),
            Severity::Warn => warnings.push(text),
        }
    }
    Standing::May { warnings }
}

/// Each person's last word in this attempt, withdrawn ones left out.
///
/// That an entry is void never opens a gate: an approval that was withdrawn or given anew does not come
/// back, and a rejection is lifted by nobody but its author.
fn current_decisions<'l>(case: &Case<'_, 'l>) -> Current<'l> {
    let mut current = Current::new();
    for (entry, void) in case.view.all_of_attempt(case.attempt.key) {
        let Predicate::Approval(approval) = entry.predicate() else { continue };
        // A review or an answer to a trigger is no word about the gate.
        if approval.about.is_some() {
            continue;
        }
        let person = entry.person();
        let approved = |known: Option<&(&VerifiedEntry, &Approval)>| {
            known.is_some_and(|(_, known)| known.decision == Decision::Approved)
        };
        match (approval.decision, void) {
            (Decision::Approved, None) => drop(current.insert(person, (entry, approval))),
            (Decision::Rejected, _) if is_withdrawn(case, entry, void) => drop(current.remove(person)),
            (Decision::Rejected, _) => drop(current.insert(person, (entry, approval))),
            (Decision::Approved, Some(_)) if approved(current.get(person)) => drop(current.remove(person)),
            (Decision::Approved, Some(_)) => {}
            (Decision::Withdrawn, _) => current.retain(|_, (old, decided)| {
                Some(old.id()) != approval.withdraws || (void.is_some() && decided.decision == Decision::Rejected)
            }),
        }
    }
    current
}

/// An approval of the gate.
fn is_approval(entry: &VerifiedEntry) -> bool {
    matches!(entry.predicate(), Predicate::Approval(a) if a.decision == Decision::Approved && a.about.is_none())
}

fn sift<'l>(
    case: &Case<'_, 'l>,
    rule: &ApprovalRule,
    current: &Current<'l>,
    rested: &Rested<'_, '_, '_>,
    warnings: &mut Vec<String>,
) -> Sifted<'l> {
    let mut sifted = Sifted { counted: Vec::new(), passed_over: Vec::new() };
    for (entry, approval) in current.values().filter(|(_, approval)| approval.decision == Decision::Approved) {
        let Some(person) = entry.roster().person(entry.person()) else { continue };
        let verdict = match standing(case, rule, person) {
            Standing::MayNot(why) => Err(why),
            Standing::May { warnings } => match approval_lapse(case, rule, entry, approval, rested) {
                Some(why) => {
                    Err(format!("the approval of {} (entry {}) has lapsed: {why}", person.handle(), entry.number()))
                }
                None => Ok(warnings),
            },
        };
        match verdict {
            Ok(said) => {
                sifted.counted.push(entry);
                warnings.extend(said);
            }
            Err(why) => sifted.passed_over.push(why),
        }
    }
    sifted.passed_over.extend(void_approvals(case, current));
    sifted
}

/// How many people count under each rule. Where each needs people of its own, one who could stand for
/// two stands for one of them, so that as many rules as possible are met.
fn counted(case: &Case<'_, '_>, able: &[Sifted<'_>]) -> Vec<usize> {
    let people = case.evaluator.people(case.view);
    let ids = |sifted: &Sifted<'_>| sifted.counted.iter().map(|entry| entry.person().clone()).collect::<Vec<_>>();
    if !case.gate.distinct {
        return able.iter().map(|sifted| people.count(ids(sifted).iter())).collect();
    }
    // Those who are one person are told by the first of them.
    let mut known: Vec<PersonId> = Vec::new();
    let mut number = |id: &PersonId| {
        known.iter().position(|other| people.are_one(other, id)).unwrap_or_else(|| {
            known.push(id.clone());
            known.len() - 1
        })
    };
    let able: Vec<Vec<usize>> = able.iter().map(|sifted| ids(sifted).iter().map(&mut number).collect()).collect();
    let wanted = case.gate.approvals.iter().map(|rule| usize::try_from(rule.count).unwrap_or(usize::MAX));
    super::matching::assign(&able, &wanted.collect::<Vec<_>>())
}

fn told(case: &Case<'_, '_>, rule: &ApprovalRule, sifted: Sifted<'_>, count: usize) -> RuleOutcome {
    let mut outcome = missing(case.policy, case.gate, rule);
    outcome.hint = format!("ledger sign {} --release {}", case.gate.id, shell(case.ask.release.as_str()));
    let Sifted { counted, passed_over } = sifted;
    outcome.by = counted.iter().map(|entry| (entry.number(), entry.id())).collect();
    let names: Vec<String> =
        counted.iter().map(|entry| format!("{} at {}", entry.predicate().actor().name, entry.recorded_at())).collect();
    let parts: Vec<String> = names.into_iter().chain(passed_over.iter().cloned()).collect();
    if count >= usize::try_from(rule.count).unwrap_or(usize::MAX) {
        outcome.state = RuleState::Satisfied;
        outcome.hint.clear();
    } else {
        // Who is counted already is of no more help.
        let signed = |person: &Person| counted.iter().any(|entry| *entry.person() == person.id);
        let left = case.policy.roster.holders(&rule.roles).filter(|person| !signed(person));
        outcome.who = if counted.is_empty() { outcome.who } else { left.map(person_called).collect() };
        if !passed_over.is_empty() {
            outcome.state = RuleState::Failed;
        }
    }
    if !parts.is_empty() {
        let of = if rule.count > 1 { format!("{count} of {}: ", rule.count) } else { String::new() };
        outcome.have = format!("{of}{}", parts.join("; "));
    }
    outcome
}

/// Approvals that are void, by people who have decided nothing since.
fn void_approvals(case: &Case<'_, '_>, current: &Current<'_>) -> Vec<String> {
    let all = case.view.all_of_attempt(case.attempt.key);
    all.filter_map(|(entry, void)| {
        let open = is_approval(entry) && !current.contains_key(entry.person());
        void.filter(|_| open).map(|void| format!("the approval of entry {} is void: {void}", entry.number()))
    })
    .collect()
}

/// Why an approval no longer counts: something it saw has changed, or it came the wrong way.
fn approval_lapse(
    case: &Case<'_, '_>,
    rule: &ApprovalRule,
    entry: &VerifiedEntry,
    approval: &Approval,
    rested: &Rested<'_, '_, '_>,
) -> Option<String> {
    let age = case.ask.now.seconds().saturating_sub(entry.recorded_at().seconds());
    if let Some(within) = rule.within.filter(|within| age > *within) {
        return Some(format!("it is older than {}", super::timing::span(within)));
    }
    if rule.interactive && entry.predicate().actor().mode != Mode::Interactive {
        return Some("it was not confirmed on a terminal".to_owned());
    }
    if case.gate.recheck_policy && approval.saw.policy != case.evaluator.policy_digest(case.view) {
        return Some(format!("it saw policy sha256:{}, another is in force", approval.saw.policy));
    }
    if let Some(waiver) = rested.waivers.iter().find(|waiver| !approval.saw.evidence.contains(waiver)) {
        let number = case.view.ledger().position(*waiver).map_or("?".to_owned(), |number| number.to_string());
        return Some(format!("it did not see the waiver of entry {number}"));
    }
    let seen = seen_evidence(case, approval);
    rested.evidence.iter().find_map(|item| evidence_lapse(case, item, entry, &seen))
}

/// The evidence in a slot now is, to the byte, what the signer saw. What satisfied nothing when they signed was
/// nothing to see; what came since was not there, also when it was taken back.
fn evidence_lapse(
    case: &Case<'_, '_>,
    item: &EvidenceOutcome<'_, '_>,
    signed: &VerifiedEntry,
    seen: &[&Evidence],
) -> Option<String> {
    let newest = item.entry?;
    let now = newest.evidence()?;
    let came_before = newest.number() < signed.number();
    if item.is_void {
        return (!came_before).then(|| format!("entry {} came after it, and is void", newest.number()));
    }
    if (item.rule.file.is_some() || item.rule.artifacts.is_some())
        && let Some((path, recorded, found)) = evidence::stale(case, now)
    {
        return Some(format!("{path} was sha256:{recorded}, is sha256:{found}"));
    }
    let mut last = None;
    for seen in seen.iter().copied().filter(|seen| seen.slot == now.slot) {
        if contents(seen) == contents(now) {
            return None;
        }
        last = Some(seen);
    }
    let list = |evidence: &Evidence| {
        let files: Vec<String> =
            contents(evidence).into_iter().map(|(path, digest)| format!("{path} sha256:{digest}")).collect();
        files.join(", ")
    };
    let Some(seen) = last else {
        if came_before && item.outcome.state != RuleState::Satisfied {
            return None;
        }
        return Some(format!("{} was not there when it was given; it is {}", now.slot, list(now)));
    };
    let (old, new) = (contents(seen), contents(now));
    let same_path = |(path, _): &&(&str, Digest)| old.iter().any(|(before, _)| before == path);
    match new.iter().filter(|file| !old.contains(file)).find(same_path) {
        Some((path, is)) => {
            let was = old.iter().find(|(before, _)| before == path).map_or(*is, |(_, digest)| *digest);
            Some(format!("{path} was sha256:{was}, is sha256:{is}"))
        }
        None => Some(format!("{} was {}, is {}", now.slot, list(seen), list(now))),
    }
}

/// What the signer named, in that order, among the evidence of this release: what was brought for another is none
/// here. The release is gone through once for all of it.
fn seen_evidence<'l>(case: &Case<'_, 'l>, approval: &Approval) -> Vec<&'l Evidence> {
    let all = case.view.all_of_release(&case.pipeline.id, case.ask.release).into_iter();
    let all: BTreeMap<EntryId, &VerifiedEntry> = all.map(|(entry, _)| (entry.id(), entry)).collect();
    approval.saw.evidence.iter().filter_map(|id| all.get(id).copied()?.evidence()).collect()
}

fn contents(evidence: &Evidence) -> Vec<(&str, Digest)> {
    let mut files: Vec<(&str, Digest)> = evidence.brought().map(|file| (file.path.as_str(), file.sha256)).collect();
    files.sort_unstable();
    files
}

/// Every open rejection by somebody whose approval would have counted closes the gate.
fn rejections(case: &Case<'_, '_>, current: &Current<'_>) -> Vec<RuleOutcome> {
    let roles: Vec<_> = case.gate.approvals.iter().flat_map(|rule| rule.roles.iter().cloned()).collect();
    let entitled = |entry: &VerifiedEntry| entry.roster().person(entry.person()).is_some_and(|p| p.speaks_as(&roles));
    let open = current.values().filter(|(entry, approval)| approval.decision == Decision::Rejected && entitled(entry));
    open.map(|(entry, approval)| {
        let mut base = outcome(name("rejection"), RuleKind::Rejection, "no open rejection".to_owned());
        base.by = vec![(entry.number(), entry.id())];
        base.who = vec![entry.predicate().actor().name.clone()];
        base.hint = format!("ledger sign {} --withdraw -m REASON", case.gate.id);
        let reason = approval.reason.clone().unwrap_or_default();
        failed(base, format!("entry {}: rejected by {}: {reason}", entry.number(), entry.predicate().actor().name))
    })
    .collect()
}

/// Whether a person has already done this for the release, and what.
fn wears(case: &Case<'_, '_>, hat: &Hat, person: &Person) -> Option<String> {
    // What somebody did they did, also when it was voided since.
    let entries = case.view.all_of_release(&case.pipeline.id, case.ask.release);
    let entries: Vec<&VerifiedEntry> = entries.into_iter().map(|(entry, _)| entry).collect();
    let people = case.evaluator.people(case.view);
    let by_person = |entry: &&&VerifiedEntry| people.are_one(entry.person(), &person.id);
    match hat {
        Hat::Author => author(case, &entries, person),
        Hat::Builder => {
            let recording = Recording::of(case.pipeline);
            let mut own = entries.iter().filter(by_person);
            let built = own.find(|entry| {
                let is_artifact = |e: &Evidence| e.format.as_str() == ARTIFACT || recording.wants(entry, e);
                entry.evidence().is_some_and(is_artifact)
            });
            built.map(|entry| format!("recorded the artifacts (entry {})", entry.number()))
        }
        Hat::Executor => entries
            .iter()
            .filter(by_person)
            .find(|entry| entry.evidence().is_some_and(|evidence| evidence.command.is_some()))
            .map(|entry| format!("ran a command for the release (entry {})", entry.number())),
        Hat::Slot(slot) => entries
            .iter()
            .filter(by_person)
            .find(|entry| entry.evidence().is_some_and(|evidence| evidence.slot == *slot))
            .map(|entry| format!("recorded {slot} (entry {})", entry.number())),
        Hat::Recorder => entries
            .iter()
            .filter(by_person)
            .find(|entry| entry.kind() == Kind::Evidence && entry.attempt() == Some(case.attempt.key))
            .map(|entry| format!("recorded evidence of this gate (entry {})", entry.number())),
        Hat::Approver => entries
            .iter()
            .filter(by_person)
            .filter(|entry| entry.attempt() != Some(case.attempt.key))
            .find(|entry| is_approval(entry))
            .map(|entry| format!("approved an earlier gate (entry {})", entry.number())),
    }
}

/// Git's author line is a claim anybody can type: good enough to forbid, never to allow.
fn author(case: &Case<'_, '_>, entries: &[&VerifiedEntry], person: &Person) -> Option<String> {
    let people = case.evaluator.people(case.view);
    let opened = entries.iter().find(|entry| entry.kind() == Kind::Open)?;
    if people.are_one(opened.person(), &person.id) {
        return Some(format!("put the release forward (entry {})", opened.number()));
    }
    entries.iter().find_map(|entry| {
        let Predicate::Open(open) = entry.predicate() else { return None };
        case.evaluator.believe_opening(entry.number(), false);
        // Whoever joined since is known by the roster of today.
        let rosters = [entry.roster(), &case.policy.roster];
        let own = |address: &String| {
            let mut authors = rosters.iter().filter_map(|roster| roster.person_called(address));
            authors.any(|author| people.are_one(&author.id, &person.id)) || address == person.id.as_str()
        };
        open.source
            .authors
            .iter()
            .find(|address| own(address))
            .map(|_| format!("is an author of commit {}", open.source.commit))
    })
}
