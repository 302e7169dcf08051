//! What the steps build up entry by entry, and what the next entry is judged by.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::glass::BrokenGlass;
use super::merkle::Merkle;
use super::past::{AttemptState, Past};
use super::records::{Record, Records};
use super::succession::{GivenUp, Proposal, Settled};
use super::view::{PolicyInForce, VerifiedEntry};
use crate::entry::kinds::{AttemptKey, Kind, Predicate};
use crate::id::{Digest, EntryId, EntryNumber, Name, PersonId, Version, fold};
use crate::sign::{PublicKey, Roster};
use crate::store::layout::POLICY_FOLDER;

/// The running state of a verification. What an earlier process verified is asked of the `past`; of
/// newer entries a record each is kept, and the statements of those that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Running {
    pub past: Option<Arc<dyn Past>>,
    pub records: Records,
    /// Hex digits of an object id in this repository.
    pub hex: usize,
    pub merkle: Merkle,
    /// Time of the newest commit.
    pub seconds: i64,
    pub people: Vec<PersonId>,
    pub keys: Vec<PublicKey>,
    /// Attempts opened so far.
    pub attempts: u32,
    pub policies: Vec<PolicyInForce>,
    /// Policies proposed to replace the last of them.
    pub proposals: Vec<Proposal>,
    /// What became of the proposals that no longer wait.
    pub settled: BTreeMap<EntryNumber, Settled>,
    pub given_up: GivenUp,
    /// Entries in the policy folder.
    pub policy_entries: u64,
    /// Those of them among the new entries.
    pub of_no_attempt: Vec<EntryNumber>,
    /// Entries voided, and by which entry.
    pub revoked: BTreeMap<EntryNumber, EntryNumber>,
    /// Rules set aside in emergencies.
    pub glass: Vec<BrokenGlass>,
    /// Attempts that were opened or grew here.
    pub touched: BTreeMap<u32, Touched>,
    /// Entries whose statements are at hand.
    pub loaded: BTreeMap<EntryNumber, Arc<VerifiedEntry>>,
    /// The same by attempt, in the order of the ledger however they came to be at hand.
    pub by_attempt: BTreeMap<AttemptKey, BTreeSet<EntryNumber>>,
    ids: HashMap<EntryId, EntryNumber>,
    index: HashMap<AttemptKey, u32>,
    folded: HashSet<String>,
}

/// An attempt as it is now, and its entries among the new ones.
#[derive(Debug, Clone)]
pub struct Touched {
    pub state: AttemptState,
    pub entries: Vec<EntryNumber>,
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

    /// Nothing of its own yet, on top of `size` entries that `past` answers for.
    pub fn on(past: Arc<dyn Past>, size: u64, hex: usize) -> Self {
        Self { past: Some(past), records: Records::after(size), hex, ..Self::default() }
    }

    /// The number of the next entry.
    pub const fn next(&self) -> EntryNumber {
        self.records.next()
    }

    pub fn record(&self, number: EntryNumber) -> Option<Record> {
        match &self.past {
            Some(past) if number.0 < self.records.from() => past.record(number),
            _ => self.records.get(number, self.hex),
        }
    }

    /// The entry a statement already is, if it is in the ledger.
    pub fn position(&self, id: EntryId) -> Option<EntryNumber> {
        self.ids.get(&id).copied().or_else(|| self.past.as_ref()?.position(id))
    }

    pub fn attempt(&self, key: &AttemptKey) -> Option<AttemptState> {
        let own = self.index.get(key).and_then(|at| self.touched.get(at));
        own.map(|touched| touched.state.clone()).or_else(|| self.past.as_ref()?.attempt(key))
    }

    /// The attempts of a release in every pipeline, in the order they were opened.
    pub fn attempts_for(&self, release: &Version) -> Vec<AttemptState> {
        let past = self.past.iter().flat_map(|past| past.attempts_for(release));
        let own = self.touched.values().map(|touched| touched.state.clone());
        let own = own.filter(|state| state.key.release == *release);
        past.chain(own).map(|state| (state.at, state)).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// Entries of an attempt, or those that belong to none, in order.
    pub fn entries_of(&self, attempt: Option<u32>) -> Vec<EntryNumber> {
        let mut entries = self.past.as_ref().map(|past| past.entries_of(attempt)).unwrap_or_default();
        match attempt {
            Some(at) => entries.extend(self.touched.get(&at).into_iter().flat_map(|touched| &touched.entries)),
            None => entries.extend(&self.of_no_attempt),
        }
        entries
    }

    /// The attempt at this place among all.
    pub fn attempt_at(&self, at: u32) -> Option<AttemptState> {
        let own = self.touched.get(&at).map(|touched| touched.state.clone());
        own.or_else(|| self.past.as_ref()?.attempt_at(at))
    }

    /// Entries whose id begins with these hexadecimal digits.
    pub fn beginning_with(&self, digits: &str) -> Vec<EntryNumber> {
        let mut found = self.past.as_ref().map(|past| past.beginning_with(digits)).unwrap_or_default();
        let own = self.ids.iter().filter(|(id, _)| id.to_string().starts_with(digits));
        found.extend(own.map(|(_, number)| *number));
        found
    }

    /// Every pipeline's releases with the entry that first opened each, in that order.
    pub fn releases(&self) -> Vec<(EntryNumber, Name, Version)> {
        let mut releases = self.past.as_ref().map(|past| past.releases()).unwrap_or_default();
        let mut seen: HashSet<_> = releases.iter().map(|(_, pipeline, release)| (pipeline, release)).collect();
        let new: Vec<_> = self
            .touched
            .values()
            .map(|touched| &touched.state)
            .filter(|state| seen.insert((&state.key.pipeline, &state.key.release)))
            .map(|state| (state.opened, state.key.pipeline.clone(), state.key.release.clone()))
            .collect();
        releases.extend(new);
        releases
    }

    /// Whether a folder would collide with one that is there, letter case and Unicode form aside.
    pub fn has_folder(&self, folder: &str) -> bool {
        let folded = fold(folder);
        let reserved = [fold(POLICY_FOLDER), fold("README.md")];
        reserved.contains(&folded)
            || self.folded.contains(&folded)
            || self.past.as_ref().is_some_and(|past| past.has_folder(&folded))
    }

    /// Root over the first `size` entries.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        match size.cmp(&self.merkle.size()) {
            std::cmp::Ordering::Less => self.record(EntryNumber(size)).map(|record| record.root_before),
            std::cmp::Ordering::Equal => Some(self.merkle.root()),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// Adds an entry; its statement stays at hand when `keep` says so.
    pub fn add(&mut self, addition: Addition, keep: bool) {
        let Addition { entry, policy } = addition;
        let number = self.next();
        let attempt = self.touch(&entry);
        if attempt.is_none() {
            self.policy_entries += 1;
            self.of_no_attempt.push(number);
        }
        if let Predicate::Revoke(revoke) = entry.predicate()
            && let Some(voided) = self.position(revoke.voids)
        {
            // Void it became with the first; what was decided since then must stay as it was.
            self.revoked.entry(voided).or_insert(number);
        }
        self.note_glass(number, &entry);
        self.succeed(number, &entry, policy);
        let record = Record {
            id: entry.id(),
            root_before: self.merkle.root(),
            commit: entry.commit().clone(),
            kind: entry.kind(),
            attempt,
            person: index_of(&mut self.people, entry.person()),
            key: index_of(&mut self.keys, &entry.key()),
        };
        self.records.push(&record);
        self.merkle.push(entry.statement().bytes());
        self.seconds = self.seconds.max(entry.seconds());
        self.ids.insert(entry.id(), number);
        if keep {
            self.load(entry);
        }
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

    /// Lets go of all statements but those that open attempts.
    pub fn unload(&mut self) {
        self.loaded.retain(|_, entry| entry.kind() == Kind::Open);
        let loaded = &self.loaded;
        self.by_attempt.values_mut().for_each(|numbers| numbers.retain(|number| loaded.contains_key(number)));
    }

    /// Counts an entry in its attempt, which it may open. None for entries of the policy folder.
    fn touch(&mut self, entry: &VerifiedEntry) -> Option<u32> {
        let key = entry.attempt()?;
        let mut state = match (self.attempt(key), entry.predicate()) {
            (Some(state), _) => state,
            (None, Predicate::Open(open)) => {
                self.attempts += 1;
                self.folded.insert(fold(open.folder.as_str()));
                let (at, folder) = (self.attempts - 1, open.folder.to_string());
                AttemptState { at, key: key.clone(), folder, opened: entry.number(), entries: 0 }
            }
            (None, _) => return None,
        };
        state.entries += 1;
        let at = state.at;
        self.index.insert(key.clone(), at);
        let touched = self.touched.entry(at).or_insert_with(|| Touched { state: state.clone(), entries: Vec::new() });
        touched.state = state;
        touched.entries.push(entry.number());
        Some(at)
    }
}

/// Where a value stands in a list that each value enters once.
fn index_of<T: Clone + PartialEq>(list: &mut Vec<T>, value: &T) -> u32 {
    let known = list.iter().position(|known| known == value);
    let at = known.unwrap_or_else(|| {
        list.push(value.clone());
        list.len() - 1
    });
    u32::try_from(at).unwrap_or(u32::MAX)
}
