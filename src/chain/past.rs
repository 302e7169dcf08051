//! What was verified in an earlier process, asked piece by piece: the seam for a state kept elsewhere.

use std::fmt::Debug;

use super::records::Record;
use crate::entry::kinds::AttemptKey;
use crate::id::{EntryId, EntryNumber, Name, Version};

/// One attempt, as far as later entries depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptState {
    /// Place among all attempts, in the order they were opened.
    pub at: u32,
    pub key: AttemptKey,
    pub folder: String,
    pub opened: EntryNumber,
    /// Entries in it, over all parts.
    pub entries: u64,
}

/// Answers about the entries below some size. Whoever answers says only what this program put aside;
/// what can no longer be read is "not there", and from then on `is_sound` is false.
pub trait Past: Debug + Send + Sync {
    fn record(&self, number: EntryNumber) -> Option<Record>;
    /// The entry a statement already is.
    fn position(&self, id: EntryId) -> Option<EntryNumber>;
    fn attempt(&self, key: &AttemptKey) -> Option<AttemptState>;
    /// Attempts of a release in every pipeline, in the order they were opened.
    fn attempts_for(&self, release: &Version) -> Vec<AttemptState>;
    /// Entries of an attempt, or those that belong to none, in order.
    fn entries_of(&self, attempt: Option<u32>) -> Vec<EntryNumber>;
    /// The attempt at this place among all.
    fn attempt_at(&self, at: u32) -> Option<AttemptState>;
    /// Entries whose id begins with these hexadecimal digits.
    fn beginning_with(&self, digits: &str) -> Vec<EntryNumber>;
    /// Whether a folder of this name was made; letter case and Unicode form removed.
    fn has_folder(&self, folded: &str) -> bool;
    /// Every pipeline's releases with the entry that first opened each, in that order.
    fn releases(&self) -> Vec<(EntryNumber, Name, Version)>;
    /// Whether every question so far could be answered.
    fn is_sound(&self) -> bool;
}
