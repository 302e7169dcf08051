//! `open`: an attempt at a gate begins, for one release at one source commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{predicate, some_text};
use crate::id::{Folder, Name, ObjectId};

predicate! {
    /// Opens an attempt and fixes its folder for good.
    Open {
        source: Source,
        artifacts: Vec<DeclaredArtifact>,
        /// Further named revisions the release rests on, such as a database schema.
        revisions: BTreeMap<String, String>,
        folder: Folder,
        /// IANA name of the zone the folder's date was taken in.
        time_zone: String,
        /// What the release leaves as it was, where somebody compared.
        #[serde(skip_serializing_if = "Option::is_none")]
        compared: Option<Compared>,
    }
}

/// The source a release is built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub commit: ObjectId,
    pub tree: ObjectId,
    /// E-mail addresses of the commit's author and committer: a claim, used only to forbid.
    pub authors: Vec<String>,
}

/// The source compared with an earlier commit: globs of the policy that no changed path matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    pub since: ObjectId,
    pub untouched: Vec<String>,
}

/// An artifact the release promises, by the path its pipeline's template gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredArtifact {
    pub name: Name,
    pub path: String,
}

impl Open {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        some_text(&self.time_zone, "an attempt needs its time zone")
    }
}
