//! Step 12: what an entry of each kind must agree with in the ledger before it.

use super::fault::FaultKind;
use super::running::Running;
use super::verify::{Candidate, Problems};
use crate::entry::kinds::{AttemptKey, Kind, Predicate};
use crate::id::{Digest, Origin};
use crate::sign::Roster;
use crate::sign::roster::Person;
use crate::store::layout::{POLICY_FOLDER, Position, slug};

/// Never a policy, never another revocation; an attempt's opening holds everything after it, and a
/// rollback taken back would make its promotion stand again.
const REVOCABLE: &[Kind] = &[Kind::Evidence, Kind::Approval, Kind::Waiver, Kind::Promotion, Kind::Trigger];

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
        self.references(entry, problems);
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
        let entitled = |roster: &Roster| actor.is_some_and(|actor| !actor.bot && actor.has_role(&roster.policy_role));
        if let Some(roster) = self.roster.filter(|roster| !entitled(roster)) {
            let expected = format!("a person with the role {}", roster.policy_role);
            problems.push((FaultKind::PolicyUnapproved, expected, policy.actor.id.to_string()));
        }
        if let (Some(new), Some(origin)) = (&entry.policy, self.origin)
            && new.roster.origin != *origin
        {
            problems.push((FaultKind::Origin, origin.to_string(), new.roster.origin.to_string()));
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
    fn references(&self, entry: &Candidate, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        for id in predicate.references() {
            if self.chain.position(id).is_none() {
                problems.push((FaultKind::Reference, "an earlier entry".to_owned(), format!("sha256:{id}")));
            }
        }
        let (target, kinds) = match predicate {
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
        let own = predicate.kind() == Kind::Rollback || person == Some(&predicate.actor().id);
        let attempt = predicate.scope().attempt.as_ref().and_then(|key| self.chain.attempt(key)).map(|state| state.at);
        if !kinds.contains(&target.kind) || !own || target.attempt != attempt {
            let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            let expected = format!("an own {} of this attempt", words.join(" or "));
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
