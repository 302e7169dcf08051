//! What is trusted before the first byte is read.

use crate::id::Digest;

/// The pinned beginning of a ledger. Without a pin, verification only says that the ledger is
/// consistent in itself, not that it is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrustAnchor {
    /// SHA-256 of entry 0's statement.
    pub first: Option<Digest>,
}

/// Bounds on what one entry may hold; beyond them an entry is a fault, not a burden.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files one entry may list.
    pub files: usize,
    /// Bytes of one inline file.
    pub file_size: u64,
    /// Bytes of a policy, and of the allowed_signers beside it.
    pub policy: usize,
    /// Bytes of a path from the branch's root.
    pub path: usize,
    /// Seconds a commit's time may lie ahead of the reader's clock.
    pub skew: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 4_096, file_size: 64 << 20, policy: 1 << 20, path: 1_024, skew: 86_400 }
    }
}
