//! `promotion`: the gate was open, and by which entries.

use serde::{Deserialize, Serialize};

use super::predicate;
use crate::id::{Digest, EntryId, Name};

predicate! {
    /// Records a gate's decision. It is a claim: whoever relies on it evaluates the gate again.
    Promotion {
        /// The gates this one requires.
        from: Vec<Name>,
        to: Name,
        decision: PromotionDecision,
        rules: Vec<RuleRecord>,
        /// SHA-256 of the policy the rules come from.
        policy: Digest,
        /// Entries in the ledger when the decision was taken.
        size: u64,
        /// RFC 6962 root over them.
        root: Digest,
        /// Name and version of the program that evaluated.
        verifier: String,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PromotionDecision {
    Promoted,
}

/// How one rule came out, and the entries it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRecord {
    pub id: Name,
    pub result: RuleResult,
    pub by: Vec<EntryId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RuleResult {
    Satisfied,
    Waived,
    /// The policy did not ask for it here.
    #[serde(rename = "NOT_APPLICABLE")]
    NotApplicable,
}
