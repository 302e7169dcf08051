//! Whether it suffices: pipelines, gates and rules, and the decision about one gate.
//!
//! Everything here is pure. Rules are positive: what is unknown, empty, missing or unreadable is
//! not satisfied. No code knows a gate's name.

mod approval;
pub mod audit;
mod circles;
pub mod globs;
mod hint;
pub mod decision;
pub mod evaluate;
pub mod keeping;
pub mod lint;
pub mod parse;
pub mod plan;
pub mod range;
pub mod reread;
pub mod response;
mod rule;
mod rules;
pub mod summary;
pub mod sync;
pub mod template;

pub use approval::{ApprovalRule, BreakGlass, Hat, Severity, WaiverRule};
pub use decision::{Decision, RuleOutcome, RuleState, Verdict};
pub use evaluate::{Ask, Evaluator, Observed};
pub use parse::until;
pub use rule::{
    Agreement, ArtifactCheck, Earlier, Elsewhere, Files, Freeze, Group, Reach, Rule, RuleName, Soak, Window,
};
pub use rules::{
    CANDIDATES, Going, Standing, Unshown, artifact_files, command, evidence_links_to, same_path, span, waiver_refusal,
};

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono_tz::Tz;

use crate::chain::View;
use crate::entry::kinds::DeclaredArtifact;
use crate::evidence::readers::Wanted;
use crate::id::{Name, Version};
use crate::sign::Roster;
use keeping::Keeping;
use response::{RollbackOption, TriggerRule};
use template::Template;

/// One policy file, read whole.
#[derive(Debug, Clone)]
pub struct Policy {
    pub roster: Roster,
    /// Zone in which a folder's date is taken.
    pub zone: Tz,
    /// Where a folder of the evidence branch can be seen: `https://…/tree/{commit}/{folder}`.
    pub link: Option<Template>,
    pub keeping: Keeping,
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
    pub freezes: Vec<Freeze>,
    pub triggers: Vec<TriggerRule>,
    /// Ways back, the one to try first in front.
    pub rollbacks: Vec<RollbackOption>,
    /// Documents that mirror what the ledger says of a release.
    pub sync: Vec<sync::Mirror>,
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
    /// Gates of this pipeline.
    pub requires: Vec<Name>,
    /// Gates of others.
    pub requires_elsewhere: Vec<Elsewhere>,
    pub rules: Vec<Rule>,
    /// Rules of a group count through it alone.
    pub groups: Vec<Group>,
    pub soaks: Vec<Soak>,
    pub approvals: Vec<ApprovalRule>,
    /// Whether each approval needs people of its own.
    pub distinct: bool,
    pub waiver: Option<WaiverRule>,
    pub break_glass: Option<BreakGlass>,
    /// Whether a change of policy lapses approvals given under the old one.
    pub recheck_policy: bool,
    /// Where the gate stands in the policy file.
    pub span: Range<usize>,
}

impl Policy {
    pub fn pipeline(&self, id: &Name) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.id == *id)
    }

    /// ` --pipeline NAME` for a command about a release, where another pipeline has one of that name.
    pub fn which(&self, view: View<'_>, pipeline: &Pipeline, release: &Version) -> String {
        let others = self.pipelines.iter().filter(|other| other.id != pipeline.id);
        match others.filter(|other| view.releases(&other.id).contains(release)).count() {
            0 => String::new(),
            _ => format!(" --pipeline {}", evaluate::shell(pipeline.id.as_str())),
        }
    }

    /// Every gate with its pipeline, in the order of the file.
    pub fn gates(&self) -> impl Iterator<Item = (&Pipeline, &Gate)> {
        self.pipelines.iter().flat_map(|pipeline| pipeline.gates.iter().map(move |gate| (pipeline, gate)))
    }
}

impl Pipeline {
    pub fn trigger(&self, id: &Name) -> Option<&TriggerRule> {
        self.triggers.iter().find(|rule| rule.id == *id)
    }

    /// The way back to try first: what the trigger's rule names, or else the pipeline's first.
    pub fn way_back<'p>(&'p self, rule: Option<&'p TriggerRule>) -> Option<&'p Name> {
        let first = self.rollbacks.first().map(|first| &first.id);
        rule.and_then(|rule| rule.option.as_ref()).or(first)
    }

    pub fn gate(&self, id: &Name) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.id == *id)
    }

    /// The gate whose evidence in a slot shows that a way back worked: the one that goes back, or else the first.
    pub fn gate_that_shows(&self, reversed: &Name, slot: &Name) -> Option<&Gate> {
        let own = self.gates.iter().filter(|gate| gate.id == *reversed);
        own.chain(&self.gates).find(|gate| gate.rule_for(slot).is_some())
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

    /// Whether a waiver could name this rule.
    pub fn has_waivable(&self, rule: &Name) -> bool {
        let phrase = rule.as_str() == "phrase" && self.phrase().is_some();
        let evidence = self.rules.iter().map(|rule| &rule.id);
        let others = self.groups.iter().map(|group| &group.id).chain(self.soaks.iter().map(|soak| &soak.id));
        phrase || rule.as_str() == "freeze" || evidence.chain(others).any(|known| known == rule)
    }

    /// The group a rule counts through, if it is in one.
    pub fn group_of(&self, rule: &Name) -> Option<&Group> {
        self.groups.iter().find(|group| group.members.contains(rule))
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
