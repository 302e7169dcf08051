//! What is claimed: in-toto statements of nine kinds, and the files that come with them.

pub mod kinds;
pub mod statement;

pub use kinds::{Actor, AttemptKey, Kind, Mode, Predicate, Scope};
pub use statement::{DigestSet, Statement, StatementError, Subject};

use crate::id::FileName;

/// A file to be stored beside a statement, under the name the statement lists it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub name: FileName,
    pub bytes: Vec<u8>,
}

/// An entry before it has a place in the ledger: the statement, its inline files, and the
/// commit message a person reads. Its number, and so its path, is only known at the append.
#[derive(Debug, Clone)]
pub struct Draft {
    pub statement: Statement,
    pub attachments: Vec<Attachment>,
    pub message: String,
}
