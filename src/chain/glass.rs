//! Rules that were set aside in an emergency, and who has looked into it since.
//!
//! Such a debt outlives its release: it is kept for the whole ledger, so that a gate of a later release
//! can ask for it without the statements of all earlier ones.

use serde::{Deserialize, Serialize};

use super::running::Running;
use super::view::{VerifiedEntry, View};
use crate::entry::kinds::{AttemptKey, Decision, Predicate};
use crate::id::{EntryNumber, PersonId};

/// One waiver of the emergency kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokenGlass {
    entry: u64,
    attempt: AttemptKey,
    by: PersonId,
    seconds: i64,
    reviews: Vec<Review>,
}

/// One person's word about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    entry: u64,
    by: PersonId,
    approves: bool,
}

impl BrokenGlass {
    pub const fn entry(&self) -> EntryNumber {
        EntryNumber(self.entry)
    }

    pub const fn attempt(&self) -> &AttemptKey {
        &self.attempt
    }

    pub const fn by(&self) -> &PersonId {
        &self.by
    }

    /// The commit's time, in seconds since 1970.
    pub const fn seconds(&self) -> i64 {
        self.seconds
    }

    pub fn reviews(&self) -> &[Review] {
        &self.reviews
    }
}

impl Review {
    pub const fn entry(&self) -> EntryNumber {
        EntryNumber(self.entry)
    }

    pub const fn by(&self) -> &PersonId {
        &self.by
    }

    /// Whether the reviewer found it in order.
    pub const fn approves(&self) -> bool {
        self.approves
    }
}

impl Running {
    /// Notes a glass that is broken, or the review of one.
    pub fn note_glass(&mut self, number: EntryNumber, entry: &VerifiedEntry) {
        match (entry.predicate(), entry.attempt()) {
            (Predicate::Waiver(waiver), Some(attempt)) if waiver.break_glass => self.glass.push(BrokenGlass {
                entry: number.0,
                attempt: attempt.clone(),
                by: entry.person().clone(),
                seconds: entry.seconds(),
                reviews: Vec::new(),
            }),
            (Predicate::Approval(approval), Some(_)) => {
                let waiver = approval.about.and_then(|id| self.position(id));
                let broken = self.glass.iter_mut().find(|broken| Some(broken.entry()) == waiver);
                let approves = approval.decision == Decision::Approved;
                if let Some(broken) = broken {
                    broken.reviews.push(Review { entry: number.0, by: entry.person().clone(), approves });
                }
            }
            _ => {}
        }
    }
}

impl<'l> View<'l> {
    /// Every glass broken up to here; reviews that came later are still in it.
    pub fn broken_glass(&self) -> impl Iterator<Item = &'l BrokenGlass> + use<'l> {
        let size = self.size();
        self.ledger().broken_glass().iter().filter(move |broken| broken.entry < size)
    }
}
