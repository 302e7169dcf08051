//! Step 12: what an entry of each kind must agree with in the ledger before it.

use super::fault::FaultKind;
use super::running::Running;
use super::succession::REVOCABLE;
use super::verify::{Candidate, Problems};
use crate::entry::kinds::{Approval, AttemptKey, Decision, Kind, Predicate};
use crate::id::{Digest, Origin, PersonId};
use crate::sign::Roster;
use crate::sign::roster::Person;
use crate::store::layout::{POLICY_FOLDER, Position, slug};

/// What an entry is judged by.
pub struct KindCase<'c> {
    pub chain: &'c Running,
    pub origin: Option<&'c Origin>,
    /// The roster as of the entry before.
    pub roster: Option<&'c Roster>,
    pub past_differs: bool,
}

impl KindCase<'_> {
    pub fn check(&self, entry: &Candidate, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        let actor = self.roster.and_then(|roster| roster.person(&predicate.actor().id));
        match predicate {
            Predicate::Policy(_) => self.policy(entry, actor, problems),
            Predicate::Approval(approval) if approval.ledger.attempt.is_none() => {
                self.policy_approval(approval, actor, problems);
            }
            _ if self.chain.policies.is_empty() => {
                problems.push((
                    FaultKind::Attempt,
                    "entry 0 to be a policy".to_owned(),
                    predicate.kind().word().to_owned(),
                ));
            }
            _ => {}
        }
        self.path(entry, actor, problems);
        self.references(entry, actor, problems);
        self.saw(entry, problems);
    }

    fn policy(&self, entry: &Candidate, actor: Option<&Person>, problems: &mut Problems) {
        let Predicate::Policy(policy) = &entry.placed.statement.predicate else { return };
        let replaced = self.chain.policies.last().map(|old| old.digest());
        if policy.replaces != replaced {
            let show = |digest: Option<Digest>| digest.map_or("none".to_owned(), |digest| format!("sha256:{digest}"));
            let expected = format!("it replaces {}", show(replaced));
            problems.push((FaultKind::PolicyUnapproved, expected, show(policy.replaces)));
        }
        self.entitled(&policy.actor.id, actor, problems);
        let Some(new) = &entry.policy else { return };
        if let Some(origin) = self.origin.filter(|origin| new.roster.origin != **origin) {
            problems.push((FaultKind::Origin, origin.to_string(), new.roster.origin.to_string()));
        }
        for key in new.roster.people().flat_map(|person| &person.keys) {
            if let Some(since) = self.chain.given_up.keys.get(key) {
                let expected = format!("no key that is compromised since entry {since}");
                problems.push((FaultKind::PolicyMalformed, expected, key.fingerprint()));
            }
        }
        for given_up in new.roster.compromised.iter().filter(|key| key.since > entry.number) {
            let expected = format!("a key compromised since an entry up to {}", entry.number);
            problems.push((FaultKind::PolicyMalformed, expected, given_up.since.to_string()));
        }
    }

    /// An approval of a proposed policy: by somebody entitled under the policy in force, once.
    fn policy_approval(&self, approval: &Approval, actor: Option<&Person>, problems: &mut Problems) {
        self.entitled(&approval.actor.id, actor, problems);
        let in_force = self.chain.policies.last().map(|policy| policy.digest());
        if in_force != Some(approval.saw.policy) {
            let expected = in_force.map_or("none".to_owned(), |digest| format!("sha256:{digest} in force"));
            problems.push((FaultKind::PolicyUnapproved, expected, format!("sha256:{}", approval.saw.policy)));
        }
        let proposal = match approval.saw.evidence.as_slice() {
            [id] => self.chain.proposals.iter().find(|proposal| proposal.id == *id),
            _ => None,
        };
        let Some(proposal) = proposal else {
            problems.push((FaultKind::Reference, "one policy that is proposed now".to_owned(), "no such".to_owned()));
            return;
        };
        if approval.decision != Decision::Approved {
            let found = approval.decision.word().to_owned();
            problems.push((FaultKind::PolicyUnapproved, Decision::Approved.word().to_owned(), found));
        }
        if proposal.approved_by.contains(&approval.actor.id) {
            let expected = format!("somebody who has not approved entry {} yet", proposal.entry);
            problems.push((FaultKind::PolicyUnapproved, expected, approval.actor.id.to_string()));
        }
    }

    /// The signer has a say in policies, by the roster in force; entry 0 is judged by nobody's.
    fn entitled(&self, id: &PersonId, actor: Option<&Person>, problems: &mut Problems) {
        if let Some(roster) = self.roster.filter(|roster| !actor.is_some_and(|actor| roster.may_approve(actor))) {
            let expected = format!("a person with the role {}", roster.approve.role);
            problems.push((FaultKind::PolicyUnapproved, expected, id.to_string()));
        }
    }

    /// The statement lies where its kind, attempt and number put it.
    fn path(&self, entry: &Candidate, actor: Option<&Person>, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        let (folder, index) = match (predicate, &predicate.scope().attempt) {
            (_, None) => (POLICY_FOLDER.to_owned(), self.chain.policy_entries),
            (Predicate::Open(open), Some(key)) => {
                self.open(key, open.folder.as_str(), problems);
                (open.folder.to_string(), 0)
            }
            (_, Some(key)) => match self.chain.attempt(key) {
                Some(attempt) => (attempt.folder, attempt.entries),
                None => {
                    let what = format!("attempt {} at {} for {} to be open", key.attempt, key.gate, key.release);
                    problems.push((FaultKind::Attempt, what, "no such attempt".to_owned()));
                    return;
                }
            },
        };
        let number = entry.commit.trailers.number;
        let position = Position { folder: &folder, index, number };
        let expected = position.statement(predicate.kind().word(), slug_of(predicate, actor).as_deref());
        if expected != entry.placed.path {
            problems.push((FaultKind::Path, expected, entry.placed.path.clone()));
        }
    }

    /// Attempts are numbered without a gap, and each has a folder of its own.
    fn open(&self, key: &AttemptKey, folder: &str, problems: &mut Problems) {
        let previous = key.attempt.checked_sub(1).filter(|attempt| *attempt > 0);
        let known = |attempt| self.chain.attempt(&AttemptKey { attempt, ..key.clone() }).is_some();
        if !previous.is_none_or(known) || known(key.attempt) {
            problems.push((FaultKind::Attempt, "the next attempt at this gate".to_owned(), key.attempt.to_string()));
        }
        if self.chain.has_folder(folder) {
            problems.push((FaultKind::Attempt, "a folder of its own".to_owned(), folder.to_owned()));
        }
    }

    /// Entries it names exist, are earlier, and may be named by this person.
    fn references(&self, entry: &Candidate, actor: Option<&Person>, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        for id in predicate.references() {
            if self.chain.position(id).is_none() {
                problems.push((FaultKind::Reference, "an earlier entry".to_owned(), format!("sha256:{id}")));
            }
        }
        let (target, kinds) = match predicate {
            Predicate::Approval(approval) if approval.about.is_some() => {
                (approval.about, &[Kind::Waiver, Kind::Trigger][..])
            }
            Predicate::Approval(approval) => (approval.withdraws, &[Kind::Approval][..]),
            Predicate::Revoke(revoke) => (Some(revoke.voids), REVOCABLE),
            Predicate::Rollback(rollback) => (Some(rollback.reverses), &[Kind::Promotion][..]),
            _ => return,
        };
        let number = target.and_then(|id| self.chain.position(id));
        let Some((number, target)) = number.and_then(|number| Some((number, self.chain.record(number)?))) else {
            return;
        };
        let person = usize::try_from(target.person).ok().and_then(|at| self.chain.people.get(at));
        let any = match predicate {
            Predicate::Rollback(_) => true,
            // Who may review or decide is the policy's question.
            Predicate::Approval(approval) => approval.about.is_some(),
            Predicate::Revoke(_) => self.roster.zip(actor).is_some_and(|(roster, actor)| roster.may_revoke(actor)),
            _ => false,
        };
        let own = any || person == Some(&predicate.actor().id);
        let attempt = predicate.scope().attempt.as_ref().and_then(|key| self.chain.attempt(key)).map(|state| state.at);
        if !kinds.contains(&target.kind) || !own || target.attempt != attempt {
            let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            let whose = if any { "a" } else { "an own" };
            let expected = format!("{whose} {} of this attempt", words.join(" or "));
            let found = format!("entry {number} by {}", person.map_or("nobody", |person| person.as_str()));
            problems.push((FaultKind::Reference, expected, found));
        }
    }

    /// A decision names a past that was really there.
    fn saw(&self, entry: &Candidate, problems: &mut Problems) {
        let (size, root) = match &entry.placed.statement.predicate {
            Predicate::Approval(approval) => (approval.saw.size, approval.saw.root),
            Predicate::Promotion(promotion) => (promotion.size, promotion.root),
            _ => return,
        };
        let known = self.chain.root_at(size);
        if known != Some(root) && !self.past_differs {
            let most = self.chain.merkle.size();
            let expected = known.map_or(format!("at most {most} entries"), |root| format!("sha256:{root} at {size}"));
            problems.push((FaultKind::RootBefore, expected, format!("sha256:{root} at {size}")));
        }
    }
}

/// The readable last part of a statement's file name.
pub fn slug_of(predicate: &Predicate, actor: Option<&Person>) -> Option<String> {
    match predicate {
        Predicate::Evidence(evidence) => Some(slug(evidence.slot.as_str())),
        Predicate::Approval(_) => actor.map(|person| slug(person.handle())),
        Predicate::Waiver(waiver) => Some(slug(waiver.rule.as_str())),
        _ => None,
    }
    .filter(|slug| !slug.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::kinds::{Revoke, Waiver};
    use crate::entry::{Actor, Mode, Scope};
    use crate::id::{EntryId, Name, Timestamp, Version};

    /// Who speaks, of which attempt, and when.
    fn said() -> (Scope, Actor, Timestamp) {
        let name = |word: &str| Name::parse(word).unwrap();
        let release = Version::parse("1.0").unwrap();
        let key = AttemptKey { pipeline: name("p"), gate: name("alpha"), attempt: 1, release };
        let scope = Scope { origin: Origin::parse("x.example/y").unwrap(), attempt: Some(key) };
        let id = PersonId::parse("kim@x.example").unwrap();
        let actor = Actor { id, name: "Kim".to_owned(), roles: Vec::new(), mode: Mode::Ci };
        (scope, actor, Timestamp::parse("2025-10-04T00:00:00Z").unwrap())
    }

    #[test]
    fn a_waiver_is_called_by_its_rule_and_a_revocation_by_nothing() {
        let (ledger, actor, recorded_at) = said();
        let waiver = Waiver {
            ledger: ledger.clone(),
            actor: actor.clone(),
            recorded_at,
            rule: Name::parse("build-log").unwrap(),
            reason: "r".to_owned(),
            compensating_controls: Vec::new(),
            requested_by: actor.id.clone(),
            expires_at: Timestamp::parse("2025-10-05T00:00:00Z").unwrap(),
            break_glass: false,
        };
        assert_eq!(slug_of(&Predicate::Waiver(waiver), None).as_deref(), Some("build-log"));
        let voids = EntryId(Digest::of(b"x"));
        let revoke = Revoke { ledger, actor, recorded_at, voids, reason: "r".to_owned() };
        assert_eq!(slug_of(&Predicate::Revoke(revoke), None), None);
    }
}
