//! A verified ledger put aside and taken up again, so that the past is read once.
//!
//! What is saved is trusted like the program itself: it belongs to the same person, outside every
//! repository, and is bound to one version of the program. It can only save work. A statement taken
//! up again is read from Git and compared with its recorded SHA-256, and whoever finds a fault after
//! resuming verifies everything from the beginning before saying so.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::examine::Placed;
use super::merkle::Merkle;
use super::records::{RECORD, Records};
use super::running::{AttemptState, Running};
use super::view::{PolicyInForce, VerifiedEntry, VerifiedLedger};
use crate::entry::Statement;
use crate::entry::kinds::AttemptKey;
use crate::id::{Digest, EntryNumber, Name, ObjectId, Origin, PersonId, Version};
use crate::sign::Roster;
use crate::sign::sshsig::SshSignature;
use crate::store::StoredStatement;
use crate::store::commit::{ObjectFormat, SignedCommit};

/// What wrote it: another version, or other rules (count them here), verifies again.
const WRITER: &str = concat!("ledger ", env!("CARGO_PKG_VERSION"), ", rules 1");

/// Everything but the records, as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    writer: String,
    origin: Origin,
    size: u64,
    hex: usize,
    subtrees: Vec<Digest>,
    seconds: i64,
    people: Vec<PersonId>,
    attempts: Vec<SavedAttempt>,
    policies: Vec<(u64, String)>,
    policy_entries: u64,
    revoked: Vec<(u64, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedAttempt {
    key: AttemptKey,
    folder: String,
    opened: u64,
    entries: u64,
}

impl Saved {
    /// The two parts to keep: this, and the records' bytes.
    pub fn of(ledger: &VerifiedLedger) -> (Self, &[u8]) {
        let chain = &ledger.chain;
        let attempts = chain.attempts.iter().map(|attempt| SavedAttempt {
            key: attempt.key.clone(),
            folder: attempt.folder.clone(),
            opened: attempt.opened.0,
            entries: attempt.entries,
        });
        let saved = Self {
            writer: WRITER.to_owned(),
            origin: ledger.origin.clone(),
            size: ledger.size(),
            hex: chain.hex,
            subtrees: chain.merkle.subtrees().to_vec(),
            seconds: chain.seconds,
            people: chain.people.clone(),
            attempts: attempts.collect(),
            policies: chain.policies.iter().map(|policy| (policy.entry().0, policy.text().to_owned())).collect(),
            policy_entries: chain.policy_entries,
            revoked: chain.revoked.iter().map(|(voided, by)| (voided.0, by.0)).collect(),
        };
        (saved, chain.records.as_bytes())
    }

    /// Bytes of the records of so many entries.
    pub const fn records_bytes(size: u64) -> u64 {
        size.saturating_mul(RECORD as u64)
    }

    /// Takes a ledger up again; `None` when the parts do not fit together or with this program.
    pub fn restore(self, records: Vec<u8>, anchored: Option<Digest>, format: ObjectFormat) -> Option<VerifiedLedger> {
        let records = Records::from_bytes(records)?;
        let fits = self.writer == WRITER && self.hex == format.hex_digits() && records.len() as u64 == self.size;
        let merkle = Merkle::restore(self.size, self.subtrees)?;
        let mut chain = Running::new(self.hex);
        (chain.records, chain.merkle, chain.seconds, chain.people) = (records, merkle, self.seconds, self.people);
        chain.policy_entries = self.policy_entries;
        chain.revoked = self.revoked.into_iter().map(|(voided, by)| (EntryNumber(voided), EntryNumber(by))).collect();
        for attempt in self.attempts {
            let SavedAttempt { key, folder, opened, entries } = attempt;
            chain.add_attempt(AttemptState { key, folder, opened: EntryNumber(opened), entries });
        }
        for (entry, text) in self.policies {
            let roster = Roster::parse(&text).ok()?;
            chain.policies.push(PolicyInForce::new(EntryNumber(entry), text, roster));
        }
        chain.forget_ids();
        let ledger = VerifiedLedger { origin: self.origin, chain, anchored: anchored.is_some() };
        let pinned = anchored.is_none_or(|first| first == ledger.first());
        (fits && self.size > 0 && pinned).then_some(ledger)
    }
}

impl VerifiedLedger {
    /// The folders and entries of a release's attempts, for whoever fetches their statements.
    pub fn wanted(&self, release: &Version) -> Vec<(String, Vec<(EntryNumber, ObjectId)>)> {
        let mut wanted = Vec::new();
        for (at, attempt) in
            self.chain.attempts.iter().enumerate().filter(|(_, attempt)| attempt.key.release == *release)
        {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let missing = self
                .chain
                .records
                .of_attempt(at, attempt.opened)
                .filter(|number| !self.chain.loaded.contains_key(number));
            let entries: Vec<_> =
                missing.filter_map(|number| Some((number, self.chain.record(number)?.commit))).collect();
            if !entries.is_empty() {
                wanted.push((attempt.folder.clone(), entries));
            }
        }
        wanted
    }

    /// The newest release of every pipeline: the one meant when nobody names one.
    pub fn newest_releases(&self) -> Vec<Version> {
        let pipelines: BTreeSet<&Name> = self.chain.attempts.iter().map(|attempt| &attempt.key.pipeline).collect();
        let newest = pipelines.into_iter().filter_map(|pipeline| self.view().releases(pipeline).pop());
        newest.cloned().collect::<BTreeSet<_>>().into_iter().collect()
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
        let record = self.chain.record(found.number)?;
        let statement = Statement::recall(found.statement, record.kind, record.id)?;
        let signed = SignedCommit::parse(&found.commit, format).ok()?;
        let trailers = &signed.commit.trailers;
        if trailers.statement != record.id.0
            || trailers.number != found.number
            || trailers.before_root != record.root_before
        {
            return None;
        }
        let key = SshSignature::from_armor(&signed.armor)?.key;
        let before = self.chain.policies.iter().rev().find(|policy| policy.entry() < found.number)?;
        let placed = Placed { path: found.path, statement };
        Some(VerifiedEntry::new(found.number, record.commit, &signed.commit, placed, key, before.shared_roster()))
    }
}
