//! What a policy says about signatures: who approves, who sets a rule aside, and for how long.

use std::ops::Range;

use crate::id::Name;

/// Whose signatures open a gate.
#[derive(Debug, Clone)]
pub struct ApprovalRule {
    pub id: Name,
    /// Any of these roles.
    pub roles: Vec<Name>,
    /// Distinct people.
    pub count: u32,
    pub forbid: Vec<(Hat, Severity)>,
    pub interactive: bool,
    /// What the log must say, by one of these roles, after all other evidence.
    pub phrase: Option<String>,
    /// Longest age of an approval in seconds.
    pub within: Option<i64>,
    pub span: Range<usize>,
}

/// What a person may already have done for the release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hat {
    /// Put the release forward: first opened it, or is named as author of its source commit.
    Author,
    /// Recorded the artifacts.
    Builder,
    /// Ran a command whose outcome is evidence of the release.
    Executor,
    /// Recorded evidence this gate rests on.
    Recorder,
    /// Approved an earlier gate of the release.
    Approver,
    /// Recorded evidence in this slot, such as the log of an upload.
    Slot(Name),
}

/// How a slot is named among hats: `slot:upload-log`.
const SLOT: &str = "slot:";

impl Hat {
    /// The words of all hats but those that name a slot.
    pub const WORDS: &[(&str, Self)] = &[
        ("author", Self::Author),
        ("builder", Self::Builder),
        ("executor", Self::Executor),
        ("recorder", Self::Recorder),
        ("approver", Self::Approver),
    ];

    pub fn parse(word: &str) -> Option<Self> {
        let known = Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, hat)| hat.clone());
        known.or_else(|| Name::parse(word.strip_prefix(SLOT)?).ok().map(Self::Slot))
    }
}

impl std::fmt::Display for Hat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Slot(slot) => write!(f, "{SLOT}{slot}"),
            hat => f.write_str(Self::WORDS.iter().find(|(_, known)| known == hat).map_or("", |(word, _)| *word)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Deny,
    Warn,
}

/// Who may set a rule of a gate aside, and for how long.
#[derive(Debug, Clone)]
pub struct WaiverRule {
    pub roles: Vec<Name>,
    /// Longest time in seconds.
    pub longest: i64,
    /// Empty means every rule that can be waived at all.
    pub rules: Vec<Name>,
    pub span: Range<usize>,
}

impl WaiverRule {
    pub fn covers(&self, rule: &Name) -> bool {
        self.rules.is_empty() || self.rules.contains(rule)
    }
}

/// The emergency kind of waiver, and the review it owes.
#[derive(Debug, Clone)]
pub struct BreakGlass {
    pub waiver: WaiverRule,
    /// Who reviews it: somebody else than who broke the glass.
    pub reviewers: Vec<Name>,
    /// In how many seconds the review is due.
    pub review_within: i64,
}
