//! `waiver`: one rule is set aside until a day, in the open.

use super::{predicate, some_text};
use crate::id::{Name, PersonId, Timestamp};

predicate! {
    /// Sets one rule of an attempt aside until it expires.
    Waiver {
        rule: Name,
        reason: String,
        compensating_controls: Vec<String>,
        requested_by: PersonId,
        expires_at: Timestamp,
        /// The emergency kind, which owes a review.
        break_glass: bool,
    }
}

impl Waiver {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.expires_at <= self.recorded_at {
            return Err("a waiver must expire after it was given");
        }
        some_text(&self.reason, "a waiver needs a reason")
    }
}
