//! `approval`: a person approves, rejects or withdraws, and says what they saw.

use serde::{Deserialize, Serialize};

use super::{predicate, some_text};
use crate::id::{Digest, EntryId};

predicate! {
    /// A decision about an attempt by one person.
    Approval {
        decision: Decision,
        meaning: Meaning,
        /// Required unless APPROVED.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        saw: Saw,
        /// The approval this one takes back; in WITHDRAWN only.
        #[serde(skip_serializing_if = "Option::is_none")]
        withdraws: Option<EntryId>,
        /// The waiver that is reviewed, or the trigger that is decided about; such a one approves no gate.
        #[serde(skip_serializing_if = "Option::is_none")]
        about: Option<EntryId>,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Decision {
    Approved,
    Rejected,
    Withdrawn,
}

impl Decision {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }
}

/// What a signature means (21 CFR 11.50(a)(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    Review,
    Approval,
    Responsibility,
    Authorship,
}

impl Meaning {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Approval => "approval",
            Self::Responsibility => "responsibility",
            Self::Authorship => "authorship",
        }
    }
}

/// What was on the signer's screen: anything of it that changes later lapses the approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saw {
    /// SHA-256 of the policy in force.
    pub policy: Digest,
    /// The entries that satisfied the gate's rules.
    pub evidence: Vec<EntryId>,
    /// Entries in the ledger at that moment.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
}

impl Approval {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if (self.decision == Decision::Withdrawn) != self.withdraws.is_some() {
            return Err("`withdraws` belongs to WITHDRAWN, and only there");
        }
        if self.about.is_some() && self.decision == Decision::Withdrawn {
            return Err("a withdrawal is about an own decision, not about a waiver or trigger");
        }
        match (self.decision, &self.reason) {
            (_, None) if self.about.is_some() => Err("a review or decision needs a reason"),
            (Decision::Approved, None) => Ok(()),
            (_, Some(reason)) => some_text(reason, "the reason is empty"),
            (_, None) => Err("a rejection or withdrawal needs a reason"),
        }
    }
}
