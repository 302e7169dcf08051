//! `policy`: the rules in force from the next entry on.

use serde::{Deserialize, Serialize};

use super::{predicate, some_text};
use crate::id::{Digest, FileName};

predicate! {
    /// Brings a policy. Entry 0 brings the first; each later one is judged by the one it replaces.
    Policy {
        reason: String,
        /// SHA-256 of the policy.toml this one replaces; absent in entry 0 only.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaces: Option<Digest>,
        files: Vec<PolicyFile>,
    }
}

/// A file of a policy entry: `policy.toml`, `allowed_signers`, and in entry 0 the branch's `README.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    pub name: FileName,
    pub size: u64,
    pub sha256: Digest,
}

impl Policy {
    /// The policy itself, as the users wrote it.
    pub const POLICY_TOML: &str = "policy.toml";
    /// The keys of that policy in the form stock git takes.
    pub const ALLOWED_SIGNERS: &str = "allowed_signers";
    /// What the branch is, for whoever opens it on a forge; at the root, in entry 0 only.
    pub const README: &str = "README.md";

    pub(super) fn check(&self) -> Result<(), &'static str> {
        let first = self.replaces.is_none();
        let names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let expected: &[&str] = match first {
            true => &[Self::POLICY_TOML, Self::ALLOWED_SIGNERS, Self::README],
            false => &[Self::POLICY_TOML, Self::ALLOWED_SIGNERS],
        };
        if names != expected {
            return Err("a policy entry lists policy.toml and allowed_signers, and entry 0 README.md too");
        }
        some_text(&self.reason, "a policy entry needs a reason")
    }

    /// SHA-256 of the policy.toml it brings.
    pub fn digest(&self) -> Option<Digest> {
        self.files.iter().find(|file| file.name.as_str() == Self::POLICY_TOML).map(|file| file.sha256)
    }
}
