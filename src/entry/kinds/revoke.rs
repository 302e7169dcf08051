//! `revoke`: an entry is void from here on.

use super::predicate;
use crate::id::EntryId;

predicate! {
    /// Voids an earlier entry of the same person; never a policy, never another revocation.
    Revoke {
        voids: EntryId,
        reason: String,
    }
}
