//! Which policy is in force: proposals, who approved them, and the keys a policy gives up.
//!
//! A policy entry proposes; its signer approves it thereby. In force it comes at the entry with which
//! as many different people approved it as the policy before it asks for. Every other proposal lapses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::running::Running;
use super::view::{PolicyInForce, VerifiedEntry, VerifiedLedger};
use crate::entry::Kind;
use crate::entry::kinds::Predicate;
use crate::id::{EntryId, EntryNumber, PersonId};
use crate::sign::roster::{Compromised, count_people};
use crate::sign::{PublicKey, Roster};

/// What can be voided. Never a policy or an approval of one, never another revocation; an attempt's
/// opening holds everything after it, and a rollback taken back would make its promotion stand again.
pub const REVOCABLE: &[Kind] = &[Kind::Evidence, Kind::Approval, Kind::Waiver, Kind::Promotion, Kind::Trigger];

/// A policy that is not in force yet.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub entry: EntryNumber,
    pub id: EntryId,
    pub text: String,
    pub roster: Roster,
    pub by: PersonId,
    pub approved_by: BTreeSet<PersonId>,
}

/// How the wait of a proposed policy ended: with this entry it, or else another, came in force or took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    pub by: EntryNumber,
    pub in_force: bool,
}

/// What has become of a policy that an entry proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyState {
    Pending {
        approved: usize,
        wanted: u32,
    },
    /// Came in force with an entry; `until` is the one with which the next policy did.
    InForce {
        from: EntryNumber,
        until: Option<EntryNumber>,
    },
    /// With this entry another came in force, or its author proposed another.
    Lapsed {
        by: EntryNumber,
    },
}

/// Why an entry counts no more, and from which entry on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Void {
    Revoked(EntryNumber),
    KeyGivenUp(EntryNumber),
}

impl fmt::Display for Void {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked(by) => write!(f, "entry {by} revokes it"),
            Self::KeyGivenUp(by) => write!(f, "key given up in entry {by}"),
        }
    }
}

impl Void {
    pub const fn by(self) -> EntryNumber {
        match self {
            Self::Revoked(by) | Self::KeyGivenUp(by) => by,
        }
    }
}

/// Keys that policies gave up, and what became void by it.
#[derive(Debug, Clone, Default)]
pub struct GivenUp {
    /// From which entry on a key is not believed. For ever: no later policy brings it back.
    pub keys: BTreeMap<PublicKey, EntryNumber>,
    /// Entries voided, and by which entry.
    pub voided: BTreeMap<EntryNumber, EntryNumber>,
}

impl VerifiedLedger {
    /// Exceptions that except nothing: entries the key would not void anyway.
    pub fn idle_exceptions(&self, given_up: &Compromised) -> Vec<EntryNumber> {
        let all = Compromised { except: Vec::new(), ..given_up.clone() };
        let voided = self.chain.resting_on(&all, EntryNumber(self.size()));
        given_up.except.iter().copied().filter(|number| !voided.contains(number)).collect()
    }

    /// Entries from `since` on by which a key brought or approved policies.
    pub fn policies_by(&self, given_up: &Compromised) -> Vec<EntryNumber> {
        let numbers = given_up.since.0..self.size();
        let key = self.chain.keys.iter().position(|known| *known == given_up.key);
        let own = |number: &EntryNumber| {
            self.chain.record(*number).is_some_and(|record| {
                let of_policy = record.attempt.is_none() && matches!(record.kind, Kind::Policy | Kind::Approval);
                of_policy && usize::try_from(record.key).ok() == key
            })
        };
        numbers.map(EntryNumber).filter(own).collect()
    }

    /// Entries that a roster would make void, were it in force now.
    pub fn would_void(&self, roster: &Roster) -> BTreeSet<EntryNumber> {
        let next = EntryNumber(self.size());
        let resting = roster.compromised.iter().flat_map(|given_up| self.chain.resting_on(given_up, next));
        resting.filter(|number| self.voided_by(*number).is_none()).collect()
    }
}

impl Running {
    /// Notes a policy or the approval of one; the policy in force may change with it.
    pub fn succeed(&mut self, number: EntryNumber, entry: &VerifiedEntry, policy: Option<(String, Roster)>) {
        let person = entry.person().clone();
        match (entry.predicate(), policy) {
            (Predicate::Policy(_), Some((text, roster))) => {
                // One at a time: whoever proposes anew has thought again, and nobody fills memories.
                let earlier = self.proposals.extract_if(.., |proposal| proposal.by == person);
                let replaced = earlier.map(|earlier| (earlier.entry, Settled { by: number, in_force: false }));
                self.settled.extend(replaced);
                let approved_by = BTreeSet::from([person.clone()]);
                self.proposals.push(Proposal { entry: number, id: entry.id(), text, roster, by: person, approved_by });
            }
            (Predicate::Approval(approval), _) if entry.attempt().is_none() => {
                let meant = |proposal: &&mut Proposal| approval.saw.evidence.first() == Some(&proposal.id);
                self.proposals.iter_mut().find(meant).map(|proposal| proposal.approved_by.insert(person));
            }
            _ => return,
        }
        let wanted = self.policies.last().map_or(1, |policy| policy.roster().approve.count);
        let enough = |proposal: &Proposal| count_people(&proposal.approved_by) >= wanted as usize;
        let Some(at) = self.proposals.iter().position(enough) else { return };
        let Proposal { entry: proposed, text, roster, .. } = self.proposals.swap_remove(at);
        self.settled.insert(proposed, Settled { by: number, in_force: true });
        let lapsed = self.proposals.drain(..).map(|lapsed| (lapsed.entry, Settled { by: number, in_force: false }));
        self.settled.extend(lapsed);
        for key in &roster.compromised {
            self.give_up(key, number);
        }
        self.policies.push(PolicyInForce::new(number, text, roster));
    }

    /// Voids what a key signed from some entry on, but for what the policy vouches for.
    fn give_up(&mut self, given_up: &Compromised, by: EntryNumber) {
        let earliest = self.given_up.keys.entry(given_up.key).or_insert(given_up.since);
        *earliest = (*earliest).min(given_up.since);
        for number in self.resting_on(given_up, by) {
            self.given_up.voided.entry(number).or_insert(by);
        }
    }

    /// Entries before `before` that become void when a key is given up.
    pub fn resting_on(&self, given_up: &Compromised, before: EntryNumber) -> Vec<EntryNumber> {
        let Compromised { key, since, except, .. } = given_up;
        let Some(key) = self.keys.iter().position(|known| known == key) else { return Vec::new() };
        let numbers = (since.0..before.0).map(EntryNumber).filter(|number| !except.contains(number));
        let rests = |number: &EntryNumber| {
            self.record(*number).is_some_and(|record| {
                let of_attempt = record.attempt.is_some() && REVOCABLE.contains(&record.kind);
                of_attempt && usize::try_from(record.key) == Ok(key)
            })
        };
        numbers.filter(rests).collect()
    }
}

impl VerifiedLedger {
    /// What has become of the policy an entry proposed; `None` where it proposed none.
    pub fn policy_state(&self, number: EntryNumber) -> Option<PolicyState> {
        let chain = &self.chain;
        match chain.settled.get(&number) {
            Some(&Settled { by, in_force: false }) => Some(PolicyState::Lapsed { by }),
            Some(&Settled { by: from, in_force: true }) => {
                let until = chain.policies.iter().map(PolicyInForce::entry).find(|entry| *entry > from);
                Some(PolicyState::InForce { from, until })
            }
            None => {
                let proposal = chain.proposals.iter().find(|proposal| proposal.entry == number)?;
                let wanted = chain.policies.last().map_or(1, |policy| policy.roster().approve.count);
                Some(PolicyState::Pending { approved: count_people(&proposal.approved_by), wanted })
            }
        }
    }

    /// Why an entry is void, where it is: a revocation, or a policy that gave up the key; the earlier of both.
    pub fn void(&self, number: EntryNumber) -> Option<Void> {
        let revoked = self.chain.revoked.get(&number).copied().map(Void::Revoked);
        let given_up = self.chain.given_up.voided.get(&number).copied().map(Void::KeyGivenUp);
        [revoked, given_up].into_iter().flatten().min_by_key(|void| void.by())
    }

    /// Entries that are void by now.
    pub fn void_entries(&self) -> usize {
        let revoked: BTreeSet<_> = self.chain.revoked.keys().chain(self.chain.given_up.voided.keys()).collect();
        revoked.len()
    }

    /// The entry that voided another.
    pub fn voided_by(&self, number: EntryNumber) -> Option<EntryNumber> {
        self.void(number).map(Void::by)
    }
}
