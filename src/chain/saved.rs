//! A verified ledger put aside and taken up again, so that the past is read once.
//!
//! What is saved is trusted like the program itself: it belongs to the same person, outside every
//! repository, and is bound to one version of the program. It can only save work. A statement taken
//! up again is read from Git and compared with its recorded SHA-256, and whoever finds a fault after
//! resuming verifies everything from the beginning before saying so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::examine::Placed;
use super::glass::BrokenGlass;
use super::merkle::Merkle;
use super::past::{AttemptState, Past};
use super::records::Record;
use super::running::Running;
use super::succession::{Proposal, Settled};
use super::view::{PolicyInForce, VerifiedEntry, VerifiedLedger};
use crate::entry::{Kind, Statement};
use crate::id::{Digest, EntryId, EntryNumber, Name, Origin, PersonId, Version};
use crate::sign::sshsig::SshSignature;
use crate::sign::{PublicKey, Roster};
use crate::store::commit::{ObjectFormat, SignedCommit};
use crate::store::{StoredStatement, Wanted};

/// What wrote it: another version, or other rules (count them here), verifies again.
const WRITER: &str = concat!("ledger ", env!("CARGO_PKG_VERSION"), ", rules 6");

/// Everything but the records and attempts, which are looked up one by one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    writer: String,
    origin: Origin,
    first: Digest,
    size: u64,
    hex: usize,
    subtrees: Vec<Digest>,
    seconds: i64,
    people: Vec<PersonId>,
    attempts: u32,
    keys: Vec<PublicKey>,
    policies: Vec<(u64, String)>,
    proposals: Vec<SavedProposal>,
    settled: Vec<(u64, u64, bool)>,
    policy_entries: u64,
    revoked: Vec<(u64, u64)>,
    given_up: Vec<(PublicKey, u64)>,
    voided: Vec<(u64, u64)>,
    glass: Vec<BrokenGlass>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedProposal {
    entry: u64,
    id: EntryId,
    text: String,
    by: PersonId,
    approved_by: BTreeSet<PersonId>,
}

impl Saved {
    pub fn of(ledger: &VerifiedLedger) -> Self {
        let chain = &ledger.chain;
        Self {
            writer: WRITER.to_owned(),
            origin: ledger.origin.clone(),
            first: ledger.first(),
            size: ledger.size(),
            hex: chain.hex,
            subtrees: chain.merkle.subtrees().to_vec(),
            seconds: chain.seconds,
            people: chain.people.clone(),
            attempts: chain.attempts,
            policies: chain.policies.iter().map(|policy| (policy.entry().0, policy.text().to_owned())).collect(),
            keys: chain.keys.clone(),
            proposals: chain.proposals.iter().map(SavedProposal::of).collect(),
            settled: chain.settled.iter().map(|(entry, end)| (entry.0, end.by.0, end.in_force)).collect(),
            policy_entries: chain.policy_entries,
            revoked: numbers(&chain.revoked),
            given_up: chain.given_up.keys.iter().map(|(key, since)| (*key, since.0)).collect(),
            voided: numbers(&chain.given_up.voided),
            glass: chain.glass.clone(),
        }
    }

    /// Entries in the ledger that was put aside.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Whether a ledger goes on from this one, written by this program.
    pub fn is_beginning_of(&self, ledger: &VerifiedLedger) -> bool {
        let root = Merkle::restore(self.size, self.subtrees.clone()).map(|tree| tree.root());
        self.writer == WRITER && root.is_some() && ledger.root_at(self.size) == root
    }

    /// Takes a ledger up again; `None` when it does not fit this program, repository or pin.
    pub fn restore(
        self,
        past: Arc<dyn Past>,
        anchored: Option<Digest>,
        format: ObjectFormat,
    ) -> Option<VerifiedLedger> {
        let fits = self.writer == WRITER && self.hex == format.hex_digits() && self.size > 0;
        let pinned = anchored.is_none_or(|first| first == self.first);
        if !fits || !pinned {
            return None;
        }
        let mut chain = Running::on(past, self.size, self.hex);
        chain.merkle = Merkle::restore(self.size, self.subtrees)?;
        (chain.seconds, chain.people, chain.attempts) = (self.seconds, self.people, self.attempts);
        chain.policy_entries = self.policy_entries;
        let end = |(entry, by, in_force)| (EntryNumber(entry), Settled { by: EntryNumber(by), in_force });
        chain.settled = self.settled.into_iter().map(end).collect();
        (chain.keys, chain.revoked) = (self.keys, entries(self.revoked));
        chain.given_up.keys = self.given_up.into_iter().map(|(key, since)| (key, EntryNumber(since))).collect();
        chain.given_up.voided = entries(self.voided);
        chain.glass = self.glass;
        for (entry, text) in self.policies {
            let roster = Roster::parse(&text).ok()?;
            chain.policies.push(PolicyInForce::new(EntryNumber(entry), text, roster));
        }
        for saved in self.proposals {
            let SavedProposal { entry, id, text, by, approved_by } = saved;
            let roster = Roster::parse(&text).ok()?;
            chain.proposals.push(Proposal { entry: EntryNumber(entry), id, text, roster, by, approved_by });
        }
        Some(VerifiedLedger { origin: self.origin, first: self.first, chain, anchored: anchored.is_some() })
    }
}

impl SavedProposal {
    fn of(proposal: &Proposal) -> Self {
        let Proposal { entry, id, text, by, approved_by, .. } = proposal;
        Self { entry: entry.0, id: *id, text: text.clone(), by: by.clone(), approved_by: approved_by.clone() }
    }
}

fn numbers(pairs: &BTreeMap<EntryNumber, EntryNumber>) -> Vec<(u64, u64)> {
    pairs.iter().map(|(one, other)| (one.0, other.0)).collect()
}

fn entries(pairs: Vec<(u64, u64)>) -> BTreeMap<EntryNumber, EntryNumber> {
    pairs.into_iter().map(|(one, other)| (EntryNumber(one), EntryNumber(other))).collect()
}

impl VerifiedLedger {
    /// Records that the past it was resumed on does not have.
    pub fn new_records(&self) -> impl Iterator<Item = (EntryNumber, Record)> {
        let from = self.chain.records.from();
        (from..self.size()).map(EntryNumber).filter_map(|number| Some((number, self.chain.record(number)?)))
    }

    /// Attempts that were opened or grew since.
    pub fn touched_attempts(&self) -> impl Iterator<Item = &AttemptState> {
        self.chain.touched.values().map(|touched| &touched.state)
    }

    /// Whether everything that was asked about the past could be answered.
    pub fn is_sound(&self) -> bool {
        self.chain.past.as_ref().is_none_or(|past| past.is_sound())
    }

    /// Statements of a release's attempts that are not at hand, for whoever fetches them.
    pub fn wanted(&self, release: &Version) -> Vec<Wanted> {
        let attempts = self.chain.attempts_for(release).into_iter();
        let wanted = attempts.map(|attempt| {
            let numbers = self.chain.entries_of(Some(attempt.at)).into_iter();
            let missing = numbers.filter(|number| !self.chain.loaded.contains_key(number));
            let entries = missing.filter_map(|number| Some((number, self.chain.record(number)?.commit))).collect();
            Wanted { folder: attempt.folder, total: attempt.entries, entries }
        });
        wanted.filter(|wanted| !wanted.entries.is_empty()).collect()
    }

    /// The newest release of every pipeline: the one meant when nobody names one.
    pub fn newest_releases(&self) -> Vec<Version> {
        let releases = self.chain.releases();
        let newest: BTreeMap<&Name, &Version> =
            releases.iter().map(|(_, pipeline, release)| (pipeline, release)).collect();
        newest.into_values().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Releases that gates of these may ask for although they name none: of every other pipeline the
    /// newest `count`, as things are and as they were at each promotion that is at hand.
    pub fn companions(&self, releases: &[Version], count: usize) -> Vec<Version> {
        let all = self.chain.releases();
        let pipelines: BTreeSet<&Name> = all.iter().map(|(_, pipeline, _)| pipeline).collect();
        // A gate asks its own pipeline for its own release.
        if pipelines.len() < 2 {
            return Vec::new();
        }
        let mut found = BTreeSet::new();
        let promotions = self.entries().filter(|entry| entry.kind() == Kind::Promotion).map(|entry| entry.number().0);
        for size in promotions.chain([self.size()]) {
            for pipeline in &pipelines {
                let known = all.iter().rev().filter(|(opened, of, _)| opened.0 < size && of == *pipeline);
                found.extend(known.take(count).map(|(_, _, release)| release.clone()));
            }
        }
        found.into_iter().filter(|release| !releases.contains(release)).collect()
    }

    /// Releases with an entry that is meant, each once.
    pub fn releases_of(&self, is_meant: impl Fn(EntryNumber, Kind) -> bool) -> Vec<Version> {
        let meant = self.new_records().filter(|(number, record)| is_meant(*number, record.kind));
        let attempts = meant.filter_map(|(_, record)| self.chain.touched.get(&record.attempt?));
        let releases: BTreeSet<&Version> = attempts.map(|attempt| &attempt.state.key.release).collect();
        releases.into_iter().cloned().collect()
    }

    /// Entries of each kind, among those verified since.
    pub fn kinds(&self) -> BTreeMap<Kind, u64> {
        let mut kinds = BTreeMap::new();
        self.new_records().for_each(|(_, record)| *kinds.entry(record.kind).or_default() += 1);
        kinds
    }

    /// Lets go of all statements but those that open attempts.
    pub fn unload(&mut self) {
        self.chain.unload();
    }

    /// Puts statements at hand again. False when one is not what was verified.
    #[must_use]
    pub fn reload(&mut self, found: Vec<StoredStatement>, format: ObjectFormat) -> bool {
        found.into_iter().all(|found| {
            let entry = self.reread(found, format);
            entry.map(|entry| self.chain.load(entry)).is_some()
        })
    }

    /// The statement has the recorded SHA-256, and the commit signs that statement at that number.
    fn reread(&self, found: StoredStatement, format: ObjectFormat) -> Option<VerifiedEntry> {
        let signed = SignedCommit::parse(&found.commit, format).ok()?;
        let key = SshSignature::from_armor(&signed.armor)?.key;
        self.recognised(found, &signed, key)
    }

    /// The entry in a statement and a commit that were read again, if both are of the one verified.
    pub(super) fn recognised(
        &self,
        found: StoredStatement,
        signed: &SignedCommit,
        key: PublicKey,
    ) -> Option<VerifiedEntry> {
        let record = self.chain.record(found.number)?;
        let statement = Statement::recall(found.statement, record.kind, record.id)?;
        let trailers = &signed.commit.trailers;
        if trailers.statement != record.id.0
            || trailers.number != found.number
            || trailers.before_root != record.root_before
            || usize::try_from(record.key).ok().and_then(|at| self.chain.keys.get(at)) != Some(&key)
        {
            return None;
        }
        let policies = &self.chain.policies;
        // Entry 0 is judged by its own.
        let before = policies.iter().rev().find(|policy| policy.entry() < found.number).or_else(|| policies.first())?;
        let placed = Placed { path: found.path, statement };
        Some(VerifiedEntry::new(found.number, record.commit, &signed.commit, placed, key, before.shared_roster()))
    }
}
