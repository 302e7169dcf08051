//! What release notes lack of the release they are about.

use std::fmt;

use super::Report;
use crate::evidence::readers::{self, Input};
use crate::policy::evidence_links_to;

/// Something the notes must have and have not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A link to a promoted gate's folder.
    Link { gate: String, folder: String },
    /// An artifact's digest.
    Digest { file: String, sha256: String },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { gate, folder } => write!(f, "no link to {folder} (gate {gate} is promoted)"),
            Self::Digest { file, sha256 } => write!(f, "no digest of {file}: sha256:{sha256}"),
        }
    }
}

/// Every promoted gate's folder is linked, every artifact's digest is printed.
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
    missing
}
