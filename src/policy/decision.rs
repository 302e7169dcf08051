//! What came out for every rule, and why.

use crate::id::{Digest, EntryId, EntryNumber, Folder, Name, Timestamp, Version};

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
    /// Whether the pipeline has a newer release, so that a command has to name this one.
    pub is_older: bool,
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
    /// When it changes by itself, or is owed.
    pub due: Option<Timestamp>,
    /// What it is made of, where it is a group of rules.
    pub parts: Vec<RuleOutcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    Attempt,
    Gate,
    Evidence,
    Group,
    Soak,
    Freeze,
    Phrase,
    Approval,
    Rejection,
    /// An emergency waiver nobody has reviewed.
    Review,
    /// A trigger nobody has answered.
    Trigger,
}

impl RuleKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Gate => "gate",
            Self::Evidence => "evidence",
            Self::Group => "group",
            Self::Soak => "soak",
            Self::Freeze => "freeze",
            Self::Phrase => "phrase",
            Self::Approval => "approval",
            Self::Rejection => "rejection",
            Self::Review => "review",
            Self::Trigger => "trigger",
        }
    }

    /// Whether a waiver can set it aside. Never what binds an attempt to its source and to the gates
    /// before it, and never who answers for it.
    pub const fn is_waivable(self) -> bool {
        match self {
            Self::Evidence | Self::Group | Self::Soak | Self::Freeze | Self::Phrase => true,
            Self::Attempt | Self::Gate | Self::Approval | Self::Rejection | Self::Review | Self::Trigger => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleState {
    Satisfied,
    Missing,
    Failed,
    /// Set aside by somebody who may, until a day; in an emergency by breaking the glass.
    Waived {
        broken_glass: bool,
    },
    /// The policy itself does not ask for it here.
    NotApplicable,
}

impl RuleState {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Satisfied => "satisfied",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Waived { .. } => "waived",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// Whether a rule in this state lets a gate open.
    pub const fn is_met(self) -> bool {
        match self {
            Self::Satisfied | Self::Waived { .. } | Self::NotApplicable => true,
            Self::Missing | Self::Failed => false,
        }
    }

    pub const fn is_waived(self) -> bool {
        matches!(self, Self::Waived { .. })
    }
}

impl RuleOutcome {
    /// What was set aside of it: itself, or the members of a group.
    pub fn waived(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.parts).filter(|outcome| outcome.state.is_waived())
    }
}

impl Decision {
    /// Open only when there are rules and every one is met.
    pub fn verdict(&self) -> Verdict {
        let open = !self.rules.is_empty() && self.rules.iter().all(|rule| rule.state.is_met());
        if open { Verdict::Open } else { Verdict::Closed }
    }

    /// Whether everything but the signatures is there, so that somebody may sign. Who rejected
    /// before may approve now: their new word replaces the old one, which `own` recognises.
    pub fn is_ready(&self, own: impl Fn(EntryNumber) -> bool) -> bool {
        let settled = |rule: &RuleOutcome| match rule.kind {
            RuleKind::Approval => true,
            RuleKind::Rejection => rule.by.iter().all(|(entry, _)| own(*entry)),
            // A freeze keeps a release from going out, not people from saying what they saw.
            RuleKind::Freeze => true,
            RuleKind::Attempt | RuleKind::Gate | RuleKind::Evidence | RuleKind::Group | RuleKind::Soak => false,
            RuleKind::Phrase | RuleKind::Review | RuleKind::Trigger => false,
        };
        !self.rules.is_empty() && self.unmet().all(settled)
    }

    /// The entries it rests on, approvals aside: what a signer looks at.
    pub fn evidence(&self) -> Vec<EntryId> {
        let mut ids: Vec<EntryId> = Vec::new();
        let rules = self.rules.iter().filter(|rule| !matches!(rule.kind, RuleKind::Approval | RuleKind::Rejection));
        for (_, id) in rules.flat_map(|rule| &rule.by) {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        ids
    }

    /// Whether the attempt is over because a release went back.
    pub fn is_rolled_back(&self) -> bool {
        self.unmet().any(|rule| rule.kind == RuleKind::Attempt && rule.id.as_str() == "rollback")
    }

    pub fn unmet(&self) -> impl Iterator<Item = &RuleOutcome> {
        self.rules.iter().filter(|rule| !rule.state.is_met())
    }
}
