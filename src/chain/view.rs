//! What a verified ledger can be asked. Read-only: nothing here can change what was checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::examine::Placed;
use super::glass::BrokenGlass;
use super::past::AttemptState;
use super::running::Running;
use super::succession::{Proposal, Void};
use crate::entry::Statement;
use crate::entry::kinds::{AttemptKey, Evidence, Kind, Open, Predicate};
use crate::id::{Digest, EntryId, EntryNumber, Name, ObjectId, Origin, PersonId, Timestamp, Version};
use crate::sign::{PublicKey, Roster};
use crate::store::commit::Commit;
use crate::store::layout::file_beside;

/// One entry that passed every step.
#[derive(Debug, Clone)]
pub struct VerifiedEntry {
    pub(super) number: EntryNumber,
    pub(super) commit: ObjectId,
    pub(super) path: String,
    pub(super) statement: Statement,
    pub(super) key: PublicKey,
    pub(super) dsse: Option<[u8; 64]>,
    pub(super) summary: String,
    /// The commit's time; never runs backwards.
    pub(super) seconds: i64,
    pub(super) roster: Arc<Roster>,
}

impl VerifiedEntry {
    pub(super) fn new(
        number: EntryNumber,
        id: ObjectId,
        commit: &Commit,
        placed: Placed,
        key: PublicKey,
        roster: Arc<Roster>,
    ) -> Self {
        Self {
            number,
            commit: id,
            path: placed.path,
            statement: placed.statement,
            key,
            dsse: commit.trailers.dsse.as_ref().map(|dsse| dsse.signature),
            summary: commit.text.lines().next().unwrap_or_default().to_owned(),
            seconds: commit.seconds,
            roster,
        }
    }

    pub const fn number(&self) -> EntryNumber {
        self.number
    }

    pub const fn id(&self) -> EntryId {
        self.statement.id()
    }

    /// The commit it was read from: a place to look, not an identity.
    pub const fn commit(&self) -> &ObjectId {
        &self.commit
    }

    /// The statement's path on the branch.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path of one of its files on the branch (not of entry 0's README, which lies at the root).
    pub fn file_path(&self, name: &str) -> String {
        file_beside(&self.path, name)
    }

    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    pub const fn predicate(&self) -> &Predicate {
        &self.statement.predicate
    }

    pub const fn kind(&self) -> Kind {
        self.statement.predicate.kind()
    }

    /// The person whose key signed it.
    pub const fn person(&self) -> &PersonId {
        &self.statement.predicate.actor().id
    }

    pub const fn recorded_at(&self) -> Timestamp {
        self.statement.predicate.recorded_at()
    }

    pub const fn key(&self) -> PublicKey {
        self.key
    }

    pub const fn dsse(&self) -> Option<&[u8; 64]> {
        self.dsse.as_ref()
    }

    /// First line of the commit message.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The commit's time as an instant; never before the entry's own, nor the commit's before it.
    pub fn committed_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds).unwrap_or_else(|_| self.recorded_at())
    }

    /// The commit's time in seconds since 1970.
    pub const fn seconds(&self) -> i64 {
        self.seconds
    }

    /// The people in force when it was signed.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    pub const fn attempt(&self) -> Option<&AttemptKey> {
        self.statement.predicate.scope().attempt.as_ref()
    }
}

/// A policy and the entry that brought it.
#[derive(Debug, Clone)]
pub struct PolicyInForce {
    entry: EntryNumber,
    digest: Digest,
    text: String,
    roster: Arc<Roster>,
}

impl PolicyInForce {
    pub(super) fn new(entry: EntryNumber, text: String, roster: Roster) -> Self {
        Self { entry, digest: Digest::of(text.as_bytes()), text, roster: Arc::new(roster) }
    }

    pub const fn entry(&self) -> EntryNumber {
        self.entry
    }

    pub const fn digest(&self) -> Digest {
        self.digest
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(super) fn shared_roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster)
    }
}

/// A ledger that holds: every entry passed every step. Never empty.
#[derive(Debug, Clone)]
pub struct VerifiedLedger {
    pub(super) origin: Origin,
    /// SHA-256 of entry 0's statement.
    pub(super) first: Digest,
    pub(super) chain: Running,
    pub(super) anchored: bool,
}

impl VerifiedLedger {
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Entries whose statements are at hand: all of them after a full verification, those of the
    /// releases asked for after a resumed one.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &VerifiedEntry> {
        self.chain.loaded.values().map(Arc::as_ref)
    }

    pub fn size(&self) -> u64 {
        self.chain.next().0
    }

    /// RFC 6962 root over all statements.
    pub fn root(&self) -> Digest {
        self.chain.merkle.root()
    }

    /// RFC 6962 root over the first `size` statements; `None` beyond the end.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        self.chain.root_at(size)
    }

    /// Whether the first entry was compared with a pin.
    pub const fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// SHA-256 of entry 0's statement: what a pin names.
    pub const fn first(&self) -> Digest {
        self.first
    }

    /// The commit of the newest entry.
    pub fn tip(&self) -> Option<ObjectId> {
        self.commit_at(self.size())
    }

    /// The commit of the last of the first `size` entries.
    pub fn commit_at(&self, size: u64) -> Option<ObjectId> {
        self.chain.record(EntryNumber(size.checked_sub(1)?)).map(|record| record.commit)
    }

    /// Everybody who signed an entry, in the order of their first.
    pub fn signers(&self) -> &[PersonId] {
        &self.chain.people
    }

    /// Time of the newest commit, in seconds since 1970.
    pub const fn seconds(&self) -> i64 {
        self.chain.seconds
    }

    /// The entry a statement already is, whether or not it is at hand.
    pub fn position(&self, id: EntryId) -> Option<EntryNumber> {
        self.chain.position(id)
    }

    pub fn find(&self, id: EntryId) -> Option<&VerifiedEntry> {
        self.position(id).and_then(|number| self.entry(number))
    }

    pub fn entry(&self, number: EntryNumber) -> Option<&VerifiedEntry> {
        self.chain.loaded.get(&number).map(Arc::as_ref)
    }

    /// Every policy there was, first to last.
    pub fn policies(&self) -> &[PolicyInForce] {
        &self.chain.policies
    }

    /// Policies that are proposed and not in force.
    pub fn proposals(&self) -> &[Proposal] {
        &self.chain.proposals
    }

    /// From which entry on a key is not believed, where a policy gave it up.
    pub fn given_up(&self, key: PublicKey) -> Option<EntryNumber> {
        self.chain.given_up.keys.get(&key).copied()
    }

    /// What is known of keys after `known` entries, as the least number of entries after which it is the same.
    pub fn knowledge(&self, known: u64) -> u64 {
        let telling = self.chain.policies.iter().filter(|policy| !policy.roster.compromised.is_empty());
        telling.map(|policy| policy.entry.0 + 1).filter(|size| *size <= known).max().unwrap_or_default()
    }

    /// Every rule that was set aside in an emergency, in order.
    pub fn broken_glass(&self) -> &[BrokenGlass] {
        &self.chain.glass
    }

    /// Entries that policies brought or proposed.
    pub const fn policy_entries(&self) -> u64 {
        self.chain.policy_entries
    }

    /// Whether a folder would collide with one that is there.
    pub fn has_folder(&self, folder: &str) -> bool {
        self.chain.has_folder(folder)
    }

    /// What an attempt was opened for; `None` when its opening is not at hand.
    pub fn opening(&self, key: &AttemptKey) -> Option<&Open> {
        self.view().opened(key).map(|attempt| attempt.open)
    }

    /// Where an attempt's entries go, and how many there are.
    pub fn attempt(&self, key: &AttemptKey) -> Option<AttemptState> {
        self.chain.attempt(key)
    }

    /// The whole ledger.
    pub fn view(&self) -> View<'_> {
        self.as_of(self.size())
    }

    /// The ledger as it was with its first `size` entries.
    pub fn as_of(&self, size: u64) -> View<'_> {
        let size = size.min(self.size());
        View { ledger: self, size, known: size }
    }
}

/// A verified ledger up to some entry: what a decision is taken on.
#[derive(Debug, Clone, Copy)]
pub struct View<'l> {
    ledger: &'l VerifiedLedger,
    size: u64,
    /// Keys given up by entries below this are not believed.
    known: u64,
}

impl<'l> View<'l> {
    pub const fn ledger(&self) -> &'l VerifiedLedger {
        self.ledger
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// RFC 6962 root over the entries of this view.
    pub fn root(&self) -> Digest {
        self.ledger.chain.root_at(self.size).unwrap_or_else(|| self.ledger.root())
    }

    /// The same ledger, up to and without this entry.
    pub fn before(&self, entry: EntryNumber) -> Self {
        Self { size: self.size.min(entry.0), ..*self }
    }

    /// The same entries, with what is known of keys after `known` entries.
    pub fn knowing(self, known: u64) -> Self {
        Self { known, ..self }
    }

    pub const fn known(&self) -> u64 {
        self.known
    }

    /// Why an entry counts no more, as far as this view knows.
    pub fn void(&self, number: EntryNumber) -> Option<Void> {
        let chain = &self.ledger.chain;
        let by = |voided: &BTreeMap<EntryNumber, EntryNumber>, below: u64| {
            voided.get(&number).copied().filter(|by| by.0 < below)
        };
        let revoked = by(&chain.revoked, self.size).map(Void::Revoked);
        revoked.or_else(|| by(&chain.given_up.voided, self.known).map(Void::KeyGivenUp))
    }

    /// Whether an entry was signed with a key that was in other hands by then, as far as this view knows. Entries
    /// that only close are not void for it, and lift nothing either.
    pub fn is_of_thief(&self, entry: &VerifiedEntry) -> bool {
        let number = entry.number();
        let told = self.ledger.chain.policies.iter().filter(|policy| policy.entry.0 < self.known);
        let mut keys = told.flat_map(|policy| &policy.roster.compromised);
        keys.any(|given_up| given_up.key == entry.key && given_up.since <= number && !given_up.except.contains(&number))
    }

    /// The policy in force after the last entry of this view.
    pub fn policy(&self) -> Option<&'l PolicyInForce> {
        self.ledger.chain.policies.iter().rev().find(|policy| policy.entry.0 < self.size)
    }

    /// Entries of all attempts of a release, whatever became of their gates; voided ones left out, in order.
    pub fn release(&self, pipeline: &Name, release: &Version) -> Vec<&'l VerifiedEntry> {
        let all = self.all_of_release(pipeline, release).into_iter();
        all.filter(|(_, void)| void.is_none()).map(|(entry, _)| entry).collect()
    }

    /// The same, those that are void with the reason.
    pub fn all_of_release(&self, pipeline: &Name, release: &Version) -> Vec<(&'l VerifiedEntry, Option<Void>)> {
        let keys = self.ledger.chain.by_attempt.keys();
        let own = keys.filter(|key| key.pipeline == *pipeline && key.release == *release);
        let mut entries: Vec<_> = own.flat_map(|key| self.all_of_attempt(key)).collect();
        entries.sort_by_key(|(entry, _)| entry.number());
        entries
    }

    /// Entries of one attempt that have not been voided, in order.
    pub fn attempt(&self, key: &AttemptKey) -> impl Iterator<Item = &'l VerifiedEntry> + use<'l> {
        self.all_of_attempt(key).filter(|(_, void)| void.is_none()).map(|(entry, _)| entry)
    }

    /// Entries of one attempt in order, those that are void with the reason.
    pub fn all_of_attempt(
        &self,
        key: &AttemptKey,
    ) -> impl Iterator<Item = (&'l VerifiedEntry, Option<Void>)> + use<'l> {
        let view = *self;
        let numbers = view.ledger.chain.by_attempt.get(key).into_iter().flatten();
        numbers
            .take_while(move |number| number.0 < view.size)
            .filter_map(move |number| Some((view.ledger.entry(*number)?, view.void(*number))))
    }

    /// Attempts at a gate for a release, first to last.
    pub fn attempts(&self, pipeline: &Name, gate: &Name, release: &Version) -> Vec<Attempt<'l>> {
        let key =
            |attempt| AttemptKey { pipeline: pipeline.clone(), gate: gate.clone(), attempt, release: release.clone() };
        (1..).map_while(|number| self.opened(&key(number))).collect()
    }

    /// The newest attempt at a gate for a release.
    pub fn latest(&self, pipeline: &Name, gate: &Name, release: &Version) -> Option<Attempt<'l>> {
        self.attempts(pipeline, gate, release).pop()
    }

    /// Releases of a pipeline, in the order they were first opened.
    pub fn releases(&self, pipeline: &Name) -> Vec<Version> {
        let releases = self.ledger.chain.releases().into_iter();
        releases
            .filter(|(opened, of, _)| of == pipeline && opened.0 < self.size)
            .map(|(_, _, release)| release)
            .collect()
    }

    /// Whether some pipeline has opened a release of this name.
    pub fn has_release(&self, release: &Version) -> bool {
        let mut releases = self.ledger.chain.releases().into_iter();
        releases.any(|(opened, _, known)| known == *release && opened.0 < self.size)
    }

    fn opened(&self, key: &AttemptKey) -> Option<Attempt<'l>> {
        let number = self.ledger.chain.by_attempt.get(key)?.first().filter(|number| number.0 < self.size)?;
        let entry = self.ledger.entry(*number)?;
        match (entry.predicate(), entry.attempt()) {
            (Predicate::Open(open), Some(key)) => Some(Attempt { key, entry, open }),
            _ => None,
        }
    }
}

/// An attempt and the entry that opened it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'l> {
    pub key: &'l AttemptKey,
    pub entry: &'l VerifiedEntry,
    pub open: &'l Open,
}

impl VerifiedEntry {
    /// The evidence it brings, if it is of that kind.
    pub const fn evidence(&self) -> Option<&Evidence> {
        match &self.statement.predicate {
            Predicate::Evidence(evidence) => Some(evidence),
            _ => None,
        }
    }
}
