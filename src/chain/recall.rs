//! Verified entries read again, one at a time: a ledger of any length can be told without being held.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::past::AttemptState;
use super::records::Record;
use super::view::{VerifiedEntry, VerifiedLedger};
use crate::id::{EntryNumber, PersonId};
use crate::sign::PublicKey;
use crate::sign::public_key::ReadyKey;
use crate::sign::sshsig::{SshSignature, to_be_signed};
use crate::store::commit::{ObjectFormat, SignedCommit};
use crate::store::layout::{POLICY_FOLDER, Position};
use crate::store::{Place, StoredStatement};

/// What is known of the ledger's folders and keys, gathered as entries are asked for.
pub struct Recall<'l> {
    ledger: &'l VerifiedLedger,
    format: ObjectFormat,
    folders: HashMap<Option<u32>, Folder>,
    keys: HashMap<PublicKey, Option<ReadyKey>>,
}

/// A folder, and the entries in it over all parts, in order.
struct Folder {
    name: String,
    entries: Vec<EntryNumber>,
}

impl<'l> Recall<'l> {
    pub fn new(ledger: &'l VerifiedLedger, format: ObjectFormat) -> Self {
        Self { ledger, format, folders: HashMap::new(), keys: HashMap::new() }
    }

    /// Where an entry's statement lies; `None` beyond the end, and where the past cannot be read.
    pub fn place(&mut self, number: EntryNumber) -> Option<Place> {
        let record = self.ledger.record(number)?;
        let folder = match self.folders.entry(record.attempt) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(new) => {
                let name = match record.attempt {
                    Some(at) => self.ledger.attempt_at(at)?.folder,
                    None => POLICY_FOLDER.to_owned(),
                };
                new.insert(Folder { name, entries: self.ledger.chain.entries_of(record.attempt) })
            }
        };
        let index = folder.entries.binary_search(&number).ok()? as u64;
        let directory = Position { folder: &folder.name, index, number }.directory();
        Some(Place { number, commit: record.commit, directory })
    }

    /// The entry, if what was found is what was verified: the statement with the recorded SHA-256, in a
    /// commit for that number and past that is signed by the recorded key. A commit's id proves nothing.
    pub fn recognise(&mut self, found: StoredStatement) -> Option<VerifiedEntry> {
        let signed = SignedCommit::parse(&found.commit, self.format).ok()?;
        let SshSignature { key, signature } = SshSignature::from_armor(&signed.armor)?;
        let ready = self.keys.entry(key).or_insert_with(|| key.ready()).as_ref()?;
        if !ready.verifies(&to_be_signed(&signed.payload), &signature) {
            return None;
        }
        self.ledger.recognised(found, &signed, key)
    }
}

impl VerifiedLedger {
    /// What is remembered of an entry; `None` beyond the end, and where the past cannot be read.
    pub fn record(&self, number: EntryNumber) -> Option<Record> {
        self.chain.record(number)
    }

    /// The person a record names.
    pub fn signer(&self, record: &Record) -> Option<&PersonId> {
        self.signers().get(usize::try_from(record.person).ok()?)
    }

    /// The attempt a record names.
    pub fn attempt_at(&self, at: u32) -> Option<AttemptState> {
        self.chain.attempt_at(at)
    }

    /// Entries whose id begins with these hexadecimal digits.
    pub fn beginning_with(&self, digits: &str) -> Vec<EntryNumber> {
        self.chain.beginning_with(digits)
    }

    /// Whether a part of it was verified by an earlier process.
    pub const fn is_resumed(&self) -> bool {
        self.chain.past.is_some()
    }
}
