//! What came out for every rule, and why.

use crate::id::{Digest, EntryId, EntryNumber, Folder, Name, Version};

/// The answer about one gate for one release, at one point of the ledger. A "no" is a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub pipeline: Name,
    pub gate: Name,
    pub release: Version,
    /// The attempt it speaks of; absent when none is open.
    pub attempt: Option<AttemptSummary>,
    /// SHA-256 of the policy the rules come from.
    pub policy: Digest,
    /// Entries of the ledger it was taken on, and the root over them.
    pub size: u64,
    pub root: Digest,
    pub rules: Vec<RuleOutcome>,
    /// Said, but closing nothing (`forbid = { … = "warn" }`).
    pub warnings: Vec<String>,
    /// The promotion that already opened this gate, if it still stands.
    pub promoted: Option<EntryNumber>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptSummary {
    pub number: u32,
    pub folder: Folder,
    pub opened: EntryNumber,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Open,
    Closed,
}

impl Verdict {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// One rule: what is needed, what is there, who can supply it, and the command that would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOutcome {
    pub id: Name,
    pub kind: RuleKind,
    pub state: RuleState,
    /// Entries that satisfy it.
    pub by: Vec<(EntryNumber, EntryId)>,
    pub need: String,
    pub have: String,
    /// People or roles, as they are called.
    pub who: Vec<String>,
    pub hint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    Attempt,
    Gate,
    Evidence,
    Phrase,
    Approval,
    Rejection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleState {
    Satisfied,
    Missing,
    Failed,
}

impl RuleState {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Satisfied => "satisfied",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

impl Decision {
    /// Open only when there are rules and every one is satisfied.
    pub fn verdict(&self) -> Verdict {
        let open = !self.rules.is_empty() && self.rules.iter().all(|rule| rule.state == RuleState::Satisfied);
        if open { Verdict::Open } else { Verdict::Closed }
    }

    /// Whether everything but the signatures is there, so that somebody may sign. Who rejected
    /// before may approve now: their new word replaces the old one, which `own` recognises.
    pub fn is_ready(&self, own: impl Fn(EntryNumber) -> bool) -> bool {
        let settled = |rule: &RuleOutcome| match rule.kind {
            RuleKind::Approval => true,
            RuleKind::Rejection => rule.by.iter().all(|(entry, _)| own(*entry)),
            RuleKind::Attempt | RuleKind::Gate | RuleKind::Evidence | RuleKind::Phrase => false,
        };
        !self.rules.is_empty() && self.unmet().all(settled)
    }

    pub fn unmet(&self) -> impl Iterator<Item = &RuleOutcome> {
        self.rules.iter().filter(|rule| rule.state != RuleState::Satisfied)
    }
}
