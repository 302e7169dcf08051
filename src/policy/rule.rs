//! What a gate's rules say: evidence in slots, groups of it, and what ties it to time and to each other.

use std::ops::Range;

use super::template::Template;
use crate::evidence::facts::Expect;
use crate::id::{Name, Timestamp, Version};

/// Evidence a gate wants in a slot, and what its facts must say.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: Name,
    pub slot: Name,
    /// Readers whose facts count; the first is used when evidence is brought.
    pub formats: Vec<&'static str>,
    /// The document that is meant, when it is a fixed one of the source tree.
    pub file: Option<Template>,
    /// The files that are meant, where their names follow a pattern.
    pub files: Option<Files>,
    /// Facts the rule names itself, each with where a reader finds it.
    pub values: Vec<(String, String)>,
    /// The document as it was before anybody filled it in: what is ticked there does not count.
    pub template: Option<Template>,
    /// Only these sections of a checklist count.
    pub section: Option<String>,
    pub expect: Vec<Expect>,
    /// Roles that may bring it; empty means anybody in the roster.
    pub by: Vec<Name>,
    /// Longest age in seconds.
    pub within: Option<i64>,
    pub reach: Reach,
    pub artifacts: Option<ArtifactCheck>,
    /// The document must differ from the one at this gate's source commit.
    pub changed_since: Option<Name>,
    /// The document must link the folder of every gate before this one.
    pub links_gates: bool,
    /// It must have been brought after all of these.
    pub after: Vec<Earlier>,
    /// It counts only in this time.
    pub window: Option<Window>,
    /// It is wanted only where the release changes one of these paths; empty means always.
    pub when_changed: Vec<String>,
    /// It is not wanted where this other rule is satisfied.
    pub unless: Option<RuleName>,
    /// Facts of it that must be those of other rules of the gate.
    pub agrees: Vec<Agreement>,
    pub span: Range<usize>,
}

impl Rule {
    /// How evidence is taken that no rule asks for: as it is, in a slot of its own.
    pub const fn plain(formats: Vec<&'static str>, id: Name, slot: Name) -> Self {
        Self {
            id,
            slot,
            formats,
            file: None,
            files: None,
            values: Vec::new(),
            template: None,
            section: None,
            expect: Vec::new(),
            by: Vec::new(),
            within: None,
            reach: Reach::Attempt,
            artifacts: None,
            changed_since: None,
            links_gates: false,
            after: Vec::new(),
            window: None,
            when_changed: Vec::new(),
            unless: None,
            agrees: Vec::new(),
            span: 0..0,
        }
    }
}

/// Files of the source tree whose names follow a pattern.
#[derive(Debug, Clone)]
pub struct Files {
    /// A glob, in which `{version}` is to be filled first.
    pub glob: String,
    /// Whether every file that matches is brought, or the last by name.
    pub all: bool,
}

impl Files {
    /// The glob of a release, whose name is taken as it stands.
    pub fn of(&self, release: &Version) -> String {
        let escape = |c: char| if "*?[]{}\\!".contains(c) { format!("\\{c}") } else { c.to_string() };
        self.glob.replace("{version}", &release.as_str().chars().map(escape).collect::<String>())
    }
}

/// Where evidence for a rule may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In the attempt itself.
    Attempt,
    /// In any attempt of the same release.
    Release,
}

/// What a rule says about the release's declared artifacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtifactCheck {
    /// Every declared artifact is recorded here, by digest.
    Recorded,
    /// A checksum file names every declared artifact with the recorded digest.
    Published,
    /// A document, such as the notes, quotes the recorded digest of every declared artifact.
    Quoted,
}

/// What has to come before evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// What satisfies another rule of the gate.
    Rule(Name),
    /// The promotion of a gate of the pipeline.
    Gate(Name),
}

impl Earlier {
    pub const fn name(&self) -> &Name {
        match self {
            Self::Rule(name) | Self::Gate(name) => name,
        }
    }
}

/// A rule of this gate, or of another gate of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    pub gate: Option<Name>,
    pub rule: Name,
}

impl std::fmt::Display for RuleName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.gate {
            Some(gate) => write!(f, "{gate}/{}", self.rule),
            None => write!(f, "{}", self.rule),
        }
    }
}

/// One fact, by its path, equals one of another rule of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub fact: String,
    pub rule: Name,
    pub other: String,
}

/// Time counted from a gate's promotion, after `from` and up to `to`, in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub since: Name,
    pub from: i64,
    pub to: i64,
    /// One sample is wanted in each stretch of this many seconds.
    pub every: Option<i64>,
    /// So many samples are wanted over all.
    pub samples: u32,
}

/// So many of some rules of the gate.
#[derive(Debug, Clone)]
pub struct Group {
    pub id: Name,
    pub at_least: u32,
    pub members: Vec<Name>,
    pub span: Range<usize>,
}

/// A time that must have passed since a gate of the pipeline was promoted.
#[derive(Debug, Clone)]
pub struct Soak {
    pub id: Name,
    pub since: Name,
    /// In seconds.
    pub least: i64,
    pub span: Range<usize>,
}

/// A gate of another pipeline that must be promoted first.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    pub pipeline: Name,
    pub gate: Name,
    /// For whichever release was put forward last, not the one of this name.
    pub any_release: bool,
    /// Longest age of that promotion in seconds.
    pub within: Option<i64>,
    pub span: Range<usize>,
}

impl Elsewhere {
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.pipeline, self.gate)
    }
}

/// A time in which gates stay closed.
#[derive(Debug, Clone)]
pub struct Freeze {
    pub from: Timestamp,
    pub to: Timestamp,
    pub reason: String,
    /// Empty means every gate of the pipeline.
    pub gates: Vec<Name>,
    pub span: Range<usize>,
}

impl Freeze {
    /// Whether a gate is closed at an instant: from the first one on, up to and without the last.
    pub fn holds(&self, gate: &Name, at: Timestamp) -> bool {
        let gates = self.gates.is_empty() || self.gates.contains(gate);
        gates && self.from <= at && at < self.to
    }
}
