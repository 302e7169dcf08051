//! `evidence`: files brought for a slot, and the facts a reader took from them.

use serde::{Deserialize, Serialize};

use super::predicate;
use crate::evidence::facts::{Fact, Facts};
use crate::id::{Digest, FileName, Name, Timestamp};

predicate! {
    /// Evidence for one slot of one attempt.
    Evidence {
        slot: Name,
        /// The reader that took the facts.
        format: Name,
        files: Vec<EvidenceFile>,
        facts: Facts,
        /// How the files came to be, when the ledger itself ran the command.
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<Command>,
    }
}

/// One file of evidence. `name` is where it lies in the entry, `path` where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    pub name: FileName,
    pub path: String,
    /// In bytes.
    pub size: u64,
    pub sha256: Digest,
    pub stored: Stored,
    /// Where an external file can be had, verbatim (a UNC path, a URL).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What it is beside the evidence itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<FileRole>,
}

/// What a file is for, when it is not the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    /// The document as the release's source commit had it, before anybody filled it in.
    Template,
}

/// Whether the bytes are in the entry, or only their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stored {
    Inline,
    External,
}

/// A command the ledger ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    pub argv: Vec<String>,
    /// As a shell would show it: 128 + signal where a signal ended it.
    pub exit_code: i32,
    /// The signal, where one ended it: 137 could also be a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}

/// The largest size every JSON reader keeps exactly.
const MAX_SIZE: u64 = 1 << 53;

impl Evidence {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let mut names: Vec<String> = self.files.iter().map(|file| crate::id::fold(file.name.as_str())).collect();
        names.sort_unstable();
        match self.files.len() {
            0 => Err("evidence needs at least one file"),
            _ if names.windows(2).any(|pair| pair[0] == pair[1]) => Err("two files of one entry share a name"),
            _ if self.files.iter().any(|file| file.size > MAX_SIZE) => Err("a file's size lies beyond 2^53"),
            _ if self.command.as_ref().is_some_and(|c| c.argv.is_empty()) => Err("a command needs a program"),
            _ if !self.tells_the_exit_code() => Err("the fact `exit` is not the exit code of the command"),
            _ => Ok(()),
        }
    }

    /// Rules ask the fact, people read the command: neither says what the other does not.
    fn tells_the_exit_code(&self) -> bool {
        let ran = self.command.as_ref().map(|command| Fact::Int(command.exit_code.into()));
        self.facts.get("exit").is_none_or(|told| Some(told) == ran.as_ref())
    }

    /// The files that are the evidence, and not beside it.
    pub fn brought(&self) -> impl Iterator<Item = &EvidenceFile> {
        self.files.iter().filter(|file| file.role.is_none())
    }

    /// The files whose bytes the entry carries.
    pub fn inline(&self) -> impl Iterator<Item = &EvidenceFile> {
        self.files.iter().filter(|file| file.stored == Stored::Inline)
    }
}
