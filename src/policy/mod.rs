//! Whether it suffices: pipelines, gates and rules, and the decision about one gate.
//!
//! Everything here is pure. Rules are positive: what is unknown, empty, missing or unreadable is
//! not satisfied. No code knows a gate's name.

pub mod audit;
pub mod decision;
pub mod evaluate;
pub mod lint;
pub mod parse;
pub mod reread;
mod rules;
pub mod template;

pub use decision::{Decision, RuleOutcome, RuleState, Verdict};
pub use evaluate::{Ask, Evaluator, Observed};
pub use rules::{Standing, evidence_links_to};

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono_tz::Tz;

use crate::entry::kinds::DeclaredArtifact;
use crate::evidence::facts::Expect;
use crate::evidence::readers::Wanted;
use crate::id::{Name, Version};
use crate::sign::Roster;
use template::Template;

/// One policy file, read whole.
#[derive(Debug, Clone)]
pub struct Policy {
    pub roster: Roster,
    /// Zone in which a folder's date is taken.
    pub zone: Tz,
    /// Where a folder of the evidence branch can be seen: `https://…/tree/{commit}/{folder}`.
    pub link: Option<Template>,
    pub pipelines: Vec<Pipeline>,
}

/// An order of gates for the releases of one product.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub id: Name,
    pub folder: Template,
    pub bind: Bind,
    pub artifacts: Vec<ArtifactTemplate>,
    /// Documents the notes point to, by what they are (`install`, `rollback`).
    pub documents: BTreeMap<Name, String>,
    pub gates: Vec<Gate>,
}

/// What an attempt is bound to: the very commit, or its tree (which survives a squash or rebase).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    Commit,
    Tree,
}

/// An artifact every release of a pipeline has.
#[derive(Debug, Clone)]
pub struct ArtifactTemplate {
    pub name: Name,
    pub path: Template,
}

/// A point no release passes without its rules and approvals.
#[derive(Debug, Clone)]
pub struct Gate {
    pub id: Name,
    /// Display name, which also stands in the folder.
    pub name: Name,
    /// Names by language.
    pub labels: BTreeMap<String, String>,
    pub requires: Vec<Name>,
    pub rules: Vec<Rule>,
    pub approvals: Vec<ApprovalRule>,
    /// Whether a change of policy lapses approvals given under the old one.
    pub recheck_policy: bool,
    /// Where the gate stands in the policy file.
    pub span: Range<usize>,
}

/// Evidence a gate wants in a slot, and what its facts must say.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: Name,
    pub slot: Name,
    /// Readers whose facts count; the first is used when evidence is brought.
    pub formats: Vec<&'static str>,
    /// The document that is meant, when it is a fixed one of the source tree.
    pub file: Option<Template>,
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
    pub span: Range<usize>,
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
}

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
    pub span: Range<usize>,
}

/// What a person may already have done for the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hat {
    /// Put the release forward: first opened it, or is named as author of its source commit.
    Author,
    /// Recorded the artifacts.
    Builder,
    /// Recorded evidence this gate rests on.
    Recorder,
    /// Approved an earlier gate of the release.
    Approver,
}

impl Hat {
    pub const ALL: &[(&str, Self)] = &[
        ("author", Self::Author),
        ("builder", Self::Builder),
        ("recorder", Self::Recorder),
        ("approver", Self::Approver),
    ];

    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, hat)| *hat == self).map_or("", |(word, _)| word)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Deny,
    Warn,
}

impl Policy {
    pub fn pipeline(&self, id: &Name) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.id == *id)
    }

    /// Every gate with its pipeline, in the order of the file.
    pub fn gates(&self) -> impl Iterator<Item = (&Pipeline, &Gate)> {
        self.pipelines.iter().flat_map(|pipeline| pipeline.gates.iter().map(move |gate| (pipeline, gate)))
    }
}

impl Pipeline {
    pub fn gate(&self, id: &Name) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.id == *id)
    }

    /// The artifacts a release promises, each at its path.
    pub fn promised(&self, release: &Version) -> Vec<DeclaredArtifact> {
        let values = [("version", release.as_str())];
        let declare = |a: &ArtifactTemplate| DeclaredArtifact { name: a.name.clone(), path: a.path.fill(&values) };
        self.artifacts.iter().map(declare).collect()
    }

    /// The gates a gate requires, and those they require, nearest first.
    pub fn before<'p>(&'p self, gate: &'p Gate) -> Vec<&'p Gate> {
        let (mut found, mut known): (Vec<&Gate>, BTreeSet<&Name>) = Default::default();
        let mut open: Vec<&Name> = gate.requires.iter().collect();
        while let Some(id) = open.pop() {
            if let Some(gate) = self.gate(id).filter(|gate| known.insert(&gate.id)) {
                found.push(gate);
                open.extend(&gate.requires);
            }
        }
        found
    }
}

impl Gate {
    /// The name in a language, or the display name.
    pub fn label(&self, language: &str) -> &str {
        self.labels.get(language).map_or(self.name.as_str(), String::as_str)
    }

    /// Rules that take evidence from a slot.
    pub fn rule_for(&self, slot: &Name) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.slot == *slot)
    }

    /// What a reader is asked for when evidence for a slot is read.
    pub fn wanted(&self, slot: &Name) -> Wanted<'_> {
        let values = self.rule_for(slot).map_or(&[][..], |rule| rule.values.as_slice());
        Wanted { phrase: self.phrase(), values, template: None }
    }

    /// The phrase this gate wants to see in its log.
    pub fn phrase(&self) -> Option<&str> {
        self.approvals.iter().find_map(|approval| approval.phrase.as_deref())
    }
}
