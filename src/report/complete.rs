//! What release notes lack of the release they are about, and what they say that is so no more.

use std::fmt;

use super::Report;
use crate::evidence::readers::{self, Input};
use crate::id::fold;
use crate::policy::evidence_links_to;

/// Something the notes must have and have not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A link to a promoted gate's folder.
    Link { gate: String, folder: String },
    /// An artifact's digest.
    Digest { file: String, sha256: String },
    /// That a gate whose folder they name went back.
    Rollback { gate: String, folder: String, entry: u64 },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { gate, folder } => write!(f, "no link to {folder} (gate {gate} is promoted)"),
            Self::Rollback { gate, folder, entry } => {
                write!(f, "{folder} is named, and no line with it says that {gate} was rolled back (entry {entry})")
            }
            Self::Digest { file, sha256 } => write!(f, "no digest of {file}: sha256:{sha256}"),
        }
    }
}

/// Every promoted gate's folder is linked, every artifact's digest is printed, and no gate that was rolled back
/// is told as if it had not been.
pub fn missing(report: &Report, document: &str) -> Vec<Missing> {
    let links = readers::addresses(&Input::plain("notes.md", document.as_bytes()));
    let mut missing = Vec::new();
    for gate in report.gates.iter().filter(|gate| gate.promoted.is_some()) {
        let folder = gate.folder.clone().unwrap_or_default();
        if !links.iter().any(|link| evidence_links_to(link, &folder)) {
            missing.push(Missing::Link { gate: gate.id.clone(), folder });
        }
    }
    let lower = document.to_lowercase();
    for artifact in report.artifacts.iter().filter(|artifact| !lower.contains(&artifact.sha256)) {
        missing.push(Missing::Digest { file: artifact.file.clone(), sha256: artifact.sha256.clone() });
    }
    missing.extend(unsaid_rollbacks(report, document));
    missing
}

fn unsaid_rollbacks(report: &Report, document: &str) -> Vec<Missing> {
    // A rollback that counts no more left its gate promoted.
    let stands =
        |folder: &str| report.gates.iter().any(|g| g.promoted.is_some() && g.folder.as_deref() == Some(folder));
    let mut unsaid = Vec::new();
    for rollback in report.rollbacks.iter().filter(|rollback| !stands(&rollback.folder)) {
        let mut naming = document.lines().filter(|line| names(line, &rollback.folder)).peekable();
        if naming.peek().is_some() && !naming.any(says_rolled_back) {
            let (gate, folder) = (rollback.gate.clone(), rollback.folder.clone());
            unsaid.push(Missing::Rollback { gate, folder, entry: rollback.entry });
        }
    }
    unsaid
}

/// Whether a line has a folder's name as a word of its own, plain or in a link.
fn names(line: &str, folder: &str) -> bool {
    let line = line.replace('\\', "");
    let mut words = line.split(|c: char| c.is_whitespace() || "()[]<>|`\"'*,;:/".contains(c));
    words.any(|word| fold(word.trim_end_matches('.')) == fold(folder) || evidence_links_to(word, folder))
}

/// In the words of the templates, and some others.
fn says_rolled_back(line: &str) -> bool {
    let line = fold(line);
    ["rolled back", "rolled-back", "roll back", "rollback", "reverted", "롤백", "되돌"]
        .iter()
        .any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_as_a_word_of_its_own() {
        let folder = "Stage9_베타_20251004";
        for line in [
            "| Beta | promoted | Stage9\\_베타\\_20251004 | at |",
            "see `stage9_베타_20251004`.",
            "in Stage9_베타_20251004.",
            "[x](https://a/tree/1/Stage9_%EB%B2%A0%ED%83%80_20251004)",
        ] {
            assert!(names(line, folder), "{line}");
        }
        for line in ["Stage9_베타_20251004.2", "[x](/Stage9_베타_20251004.2)", "Stage9_Beta_20251004", ""] {
            assert!(!names(line, folder), "{line}");
        }
        assert!(
            says_rolled_back("**베타** — 롤백됨") && says_rolled_back("Rolled back") && !says_rolled_back("promoted")
        );
    }
}
