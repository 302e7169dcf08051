//! What the steps build up entry by entry, and what the next entry is judged by.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::merkle::Merkle;
use super::records::{Record, Records};
use super::view::{PolicyInForce, VerifiedEntry};
use crate::entry::kinds::{AttemptKey, Predicate};
use crate::id::{Digest, EntryId, EntryNumber, PersonId, fold};
use crate::sign::Roster;
use crate::store::layout::POLICY_FOLDER;

/// The running state of a verification. It grows with the number of attempts and policies; of the
/// entries themselves it keeps a record each, and the statements of those that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Running {
    pub records: Records,
    /// Hex digits of an object id in this repository.
    pub hex: usize,
    pub merkle: Merkle,
    /// Time of the newest commit.
    pub seconds: i64,
    pub people: Vec<PersonId>,
    pub attempts: Vec<AttemptState>,
    pub policies: Vec<PolicyInForce>,
    /// Entries in the policy folder.
    pub policy_entries: u64,
    /// Entries voided, and by which entry.
    pub revoked: BTreeMap<EntryNumber, EntryNumber>,
    /// Entries whose statements are at hand.
    pub loaded: BTreeMap<EntryNumber, Arc<VerifiedEntry>>,
    /// The same by attempt, in the order of the ledger however they came to be at hand.
    pub by_attempt: BTreeMap<AttemptKey, BTreeSet<EntryNumber>>,
    /// Ids of the entries from `remembered` on; older ones are looked up in the records.
    ids: HashMap<EntryId, EntryNumber>,
    remembered: usize,
    index: BTreeMap<AttemptKey, u32>,
    /// Folder names with letter case and Unicode form removed; made when an attempt is opened.
    folded: OnceCell<BTreeSet<String>>,
}

/// One attempt, as far as later entries depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptState {
    pub key: AttemptKey,
    pub folder: String,
    pub opened: EntryNumber,
    /// Entries in it, over all parts.
    pub entries: u64,
}

/// What the steps found out about an entry that is to be added.
pub struct Addition {
    pub entry: VerifiedEntry,
    pub policy: Option<(String, Roster)>,
}

impl Running {
    pub fn new(hex: usize) -> Self {
        Self { hex, ..Self::default() }
    }

    /// Marks everything so far as remembered: its ids are found in the records alone.
    pub fn forget_ids(&mut self) {
        self.ids = HashMap::new();
        self.remembered = self.records.len();
    }

    pub fn next(&self) -> EntryNumber {
        EntryNumber(self.records.len() as u64)
    }

    pub fn record(&self, number: EntryNumber) -> Option<Record> {
        self.records.get(number, self.hex)
    }

    /// The entry a statement already is, if it is in the ledger.
    pub fn position(&self, id: EntryId) -> Option<EntryNumber> {
        self.ids.get(&id).copied().or_else(|| self.records.position(id, self.remembered))
    }

    pub fn attempt(&self, key: &AttemptKey) -> Option<&AttemptState> {
        self.index.get(key).and_then(|at| self.attempts.get(usize::try_from(*at).ok()?))
    }

    pub fn attempt_index(&self, key: &AttemptKey) -> Option<u32> {
        self.index.get(key).copied()
    }

    /// Entries a folder holds, which decides the next one's part.
    pub fn folder_size(&self, folder: &str) -> u64 {
        match folder {
            POLICY_FOLDER => self.policy_entries,
            _ => self.attempts.iter().find(|attempt| attempt.folder == folder).map_or(0, |attempt| attempt.entries),
        }
    }

    /// Whether a folder would collide with one that is there, letter case and Unicode form aside.
    pub fn has_folder(&self, folder: &str) -> bool {
        let folded = fold(folder);
        let taken = self.folded.get_or_init(|| self.attempts.iter().map(|attempt| fold(&attempt.folder)).collect());
        folded == fold(POLICY_FOLDER) || folded == fold("README.md") || taken.contains(&folded)
    }

    /// Root over the first `size` entries.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        match size.cmp(&self.merkle.size()) {
            std::cmp::Ordering::Less => self.records.root_at(size),
            std::cmp::Ordering::Equal => Some(self.merkle.root()),
            std::cmp::Ordering::Greater => None,
        }
    }

    pub fn add(&mut self, addition: Addition) {
        let Addition { entry, policy } = addition;
        let number = self.next();
        let predicate = entry.predicate();
        let attempt = predicate.scope().attempt.clone();
        if let (Predicate::Open(open), Some(key)) = (predicate, &attempt) {
            let state = AttemptState { key: key.clone(), folder: open.folder.to_string(), opened: number, entries: 0 };
            self.add_attempt(state);
        }
        let at = attempt.as_ref().and_then(|key| self.attempt_index(key));
        match at.and_then(|at| self.attempts.get_mut(usize::try_from(at).ok()?)) {
            Some(attempt) => attempt.entries += 1,
            None => self.policy_entries += 1,
        }
        if let Predicate::Revoke(revoke) = predicate
            && let Some(voided) = self.position(revoke.voids)
        {
            self.revoked.insert(voided, number);
        }
        if let Some((text, roster)) = policy {
            self.policies.push(PolicyInForce::new(number, text, roster));
        }
        let record = Record {
            id: entry.id(),
            root_before: self.merkle.root(),
            commit: entry.commit().clone(),
            kind: entry.kind(),
            attempt: at,
            person: self.person(entry.person()),
        };
        self.records.push(&record);
        self.merkle.push(entry.statement().bytes());
        self.seconds = self.seconds.max(entry.seconds());
        self.ids.insert(entry.id(), number);
        self.load(entry);
    }

    /// Puts an entry's statement at hand.
    pub fn load(&mut self, entry: VerifiedEntry) {
        let number = entry.number();
        if self.loaded.contains_key(&number) {
            return;
        }
        if let Some(key) = entry.attempt() {
            self.by_attempt.entry(key.clone()).or_default().insert(number);
        }
        self.loaded.insert(number, Arc::new(entry));
    }

    pub fn add_attempt(&mut self, attempt: AttemptState) {
        let at = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        self.index.insert(attempt.key.clone(), at);
        if let Some(taken) = self.folded.get_mut() {
            taken.insert(fold(&attempt.folder));
        }
        self.attempts.push(attempt);
    }

    fn person(&mut self, id: &PersonId) -> u32 {
        let known = self.people.iter().position(|known| known == id);
        let at = known.unwrap_or_else(|| {
            self.people.push(id.clone());
            self.people.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}
