//! Where it lies: commits and bytes as they were read. Knows Git, believes nothing.

pub mod bundle;
pub mod commit;
pub mod git;
pub mod layout;

use crate::id::{Digest, EntryNumber, ObjectId};

/// One commit of the evidence branch with what its tree changed, unverified.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    pub id: ObjectId,
    /// The commit object's bytes.
    pub commit: Vec<u8>,
    pub added: Vec<StoredFile>,
    /// Paths of the parent's tree that this commit changed, removed or made unreadable.
    pub altered: Vec<String>,
}

/// A file a commit added.
#[derive(Debug, Clone)]
pub struct StoredFile {
    pub path: String,
    /// Git's file mode, such as `0o100644`.
    pub mode: u32,
    pub size: u64,
    pub sha256: Digest,
    /// Its bytes, but for what is no file (a submodule) or more than one entry's files may hold at once.
    pub bytes: Option<Vec<u8>>,
}

/// One statement with the commit that brought it, read again after it was verified once.
#[derive(Debug, Clone)]
pub struct StoredStatement {
    pub number: EntryNumber,
    /// The commit object's bytes.
    pub commit: Vec<u8>,
    pub path: String,
    pub statement: Vec<u8>,
}

/// Where the branch holds one statement, and the commit that brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub number: EntryNumber,
    pub commit: ObjectId,
    pub directory: String,
}

/// Statements to be read again: those of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub folder: String,
    /// Entries the folder holds altogether. A listing with more or fewer is not the one verified.
    pub total: u64,
    /// Those to read, with their commits.
    pub entries: Vec<(EntryNumber, ObjectId)>,
}
