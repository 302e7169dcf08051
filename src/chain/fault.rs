//! What does not hold: each fault names the entry, what was expected and what was found.

use std::fmt;

use serde::Serialize;

use crate::id::{EntryNumber, ObjectId};

/// One thing wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Position in the walk from the first commit; absent when the ledger as a whole is meant.
    pub entry: Option<EntryNumber>,
    pub commit: Option<ObjectId>,
    pub fault: FaultKind,
    pub expected: String,
    pub found: String,
}

impl Fault {
    /// One of the ledger as a whole.
    pub const fn of_ledger(fault: FaultKind, expected: String, found: String) -> Self {
        Self { entry: None, commit: None, fault, expected, found }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "entry {entry}: {}", self.fault.word())?,
            None => f.write_str(self.fault.word())?,
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

/// All faults of one verification; never empty.
pub type Faults = Vec<Fault>;

macro_rules! fault_kinds {
    ($($(#[$doc:meta])* $kind:ident => $word:literal,)*) => {
        /// The names faults go by, in the order of the verification steps that find them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FaultKind { $($(#[$doc])* $kind),* }

        impl FaultKind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The stable word in JSON and on the terminal.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word),* }
            }
        }
    };
}

fault_kinds! {
    /// Step 1: the commit object is not the canonical one.
    CommitMalformed => "commit-malformed",
    /// Step 2: not the next number.
    Number => "number",
    /// Step 2: its parent is not the entry before. (Two parents are no canonical commit.)
    Parent => "parent",
    /// Step 3: the commit's time runs backwards, lies before the statement's, or ahead of the reader's clock.
    Time => "time",
    /// Step 4: something written earlier was changed or removed.
    TreeAltered => "tree-altered",
    /// Step 4: a file that the statement does not list.
    FileUnlisted => "file-unlisted",
    /// Step 4: a listed file that is not there.
    FileMissing => "file-missing",
    /// Step 5: a mode, size or count outside the limits.
    Limit => "limit",
    /// Step 6: no strict, canonical statement.
    StatementMalformed => "statement-malformed",
    /// Step 6: the statement is not the one the commit signed.
    StatementDigest => "statement-digest",
    /// Step 6: a statement that is already in the ledger.
    Replayed => "replayed",
    /// Step 7: the past it was signed over is another.
    RootBefore => "root-before",
    /// Step 7: an entry of another ledger.
    Origin => "origin",
    /// Step 8: a file's bytes are not the ones listed.
    FileDigest => "file-digest",
    /// Step 9: the key belongs to nobody in the roster as of the entry before.
    SignerUnknown => "signer-unknown",
    /// Step 9: the key's owner, the committer line and the actor are not one person.
    SignerMismatch => "signer-mismatch",
    /// Step 10: the commit's signature does not verify.
    CommitSignature => "commit-signature",
    /// Step 11: the statement's own signature does not verify.
    DsseSignature => "dsse-signature",
    /// Step 12: it does not lie where an entry of its kind and attempt belongs.
    Path => "path",
    /// Step 12: an attempt that was never opened, or opened twice.
    Attempt => "attempt",
    /// Step 12: it names an entry that is not there, not earlier, or of the wrong kind or person.
    Reference => "reference",
    /// Step 12: a policy nobody entitled under the old one approved.
    PolicyUnapproved => "policy-unapproved",
    /// Step 12: a policy, or the allowed_signers beside it, that is not in order.
    PolicyMalformed => "policy-malformed",
    /// Step 13: not the ledger that was pinned.
    Anchor => "anchor",
    /// Step 13: another ledger than was seen under this name.
    Replaced => "replaced",
    /// Step 13: another past than was seen, or than somebody else saw.
    Fork => "fork",
    /// Step 13: fewer entries than were seen.
    Rollback => "rollback",
    /// Step 13: a remote has fewer entries than it once served.
    Withheld => "withheld",
    /// A recorded promotion that evaluating its gate again does not bear out.
    Promotion => "promotion-unjustified",
    /// Recorded facts that the recorded files do not bear out.
    Facts => "facts",
}

impl Serialize for FaultKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
