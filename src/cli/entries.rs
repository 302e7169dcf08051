//! Entries read again one at a time, each compared with what was verified: for commands that tell many
//! and hold none.

use super::failure::Failure;
use super::load::Loaded;
use crate::chain::{Recall, VerifiedEntry};
use crate::id::{EntryNumber, Timestamp};
use crate::store::Place;

/// More than this are worth preparing for.
const MANY: usize = 2000;

pub struct Entries<'l> {
    loaded: &'l Loaded,
    recall: Recall<'l>,
}

impl<'l> Entries<'l> {
    pub fn new(loaded: &'l Loaded) -> Self {
        Self { loaded, recall: Recall::new(&loaded.ledger, loaded.store.format()) }
    }

    /// The same, for whoever will ask for this many.
    pub fn for_many(loaded: &'l Loaded, count: usize) -> Self {
        if count > MANY {
            loaded.store.expect_many_reads();
        }
        Self::new(loaded)
    }

    /// Where an entry lies. Whoever asks before telling anything finds out in time that what was kept is
    /// damaged.
    pub fn place(&mut self, number: EntryNumber) -> Result<Place, Failure> {
        self.recall.place(number).ok_or_else(|| unreadable(number))
    }

    /// The entry at a place, if it is the one verified.
    pub fn read(&mut self, place: &Place) -> Result<VerifiedEntry, Failure> {
        let found = self.loaded.store.statement(&self.loaded.tip.commit, place)?;
        self.recall.recognise(found).ok_or_else(|| {
            Failure::unknown(format!("entry {} is not what was verified", place.number)).hint("ledger verify")
        })
    }

    pub fn entry(&mut self, number: EntryNumber) -> Result<VerifiedEntry, Failure> {
        let place = self.place(number)?;
        self.read(&place)
    }

    /// The first entry that can have been recorded at a time or after it: an entry is recorded no later
    /// than its commit, and commits never run backwards. The ledger's size where there is none.
    pub fn first_since(&mut self, time: Timestamp) -> Result<u64, Failure> {
        let (mut earlier, mut end) = (0, self.loaded.ledger.size());
        while earlier < end {
            let middle = earlier + (end - earlier) / 2;
            match self.entry(EntryNumber(middle))?.seconds() < time.seconds() {
                true => earlier = middle + 1,
                false => end = middle,
            }
        }
        Ok(end)
    }
}

/// A record that is not there, though its entry was verified.
pub fn unreadable(number: EntryNumber) -> Failure {
    Failure::unknown(format!("what was kept of entry {number} cannot be read"))
}
