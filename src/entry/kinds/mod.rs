//! The nine kinds of entry, one file a schema. Field order here is the order in the bytes.

mod approval;
mod evidence;
mod open;
mod policy;
mod promotion;
mod revoke;
mod rollback;
mod trigger;
mod waiver;

pub use approval::{Approval, Decision, Meaning, Saw};
pub use evidence::{Command, Evidence, EvidenceFile, FileRole, Stored};
pub use open::{Compared, DeclaredArtifact, Open, Source};
pub use policy::{Policy, PolicyFile};
pub use promotion::{Promotion, PromotionDecision, RuleRecord, RuleResult};
pub use revoke::Revoke;
pub use rollback::{Rollback, RollbackStep, StepResult};
pub use trigger::{Trigger, TriggerClass};
pub use waiver::Waiver;

use serde::{Deserialize, Serialize};

use crate::id::{EntryId, Name, Origin, PersonId, Timestamp, Version};

/// Where the predicate types live; a page each under `docs/predicates/`.
const PREDICATES: &str = "https://github.com/evidence-ledger/ledger/attestation/";

/// Which ledger an entry belongs to and, but for policy entries, which attempt.
///
/// serde cannot refuse unknown fields beside a flattened one; re-printing does (see `Statement::decode`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub origin: Origin,
    #[serde(flatten)]
    pub attempt: Option<AttemptKey>,
}

/// One opening of a gate for a release; numbered from 1 for each pipeline, gate and release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptKey {
    pub pipeline: Name,
    pub gate: Name,
    pub attempt: u32,
    pub release: Version,
}

/// Who speaks. Id and roles are checked against the roster as of the entry before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    pub id: PersonId,
    pub name: String,
    pub roles: Vec<Name>,
    pub mode: Mode,
}

/// How the signature came about. `interactive` means: the gate's name was typed on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Interactive,
    Ci,
    Delegated,
}

/// Declares a predicate: the three fields every kind carries, then its own.
macro_rules! predicate {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            pub ledger: crate::entry::Scope,
            pub actor: crate::entry::Actor,
            pub recorded_at: crate::id::Timestamp,
            $($(#[$field_doc])* pub $field: $kind,)*
        }
    };
}
use predicate;

/// Lists the kinds once; every question that needs all of them is answered from this list.
macro_rules! kinds {
    ($($kind:ident => $word:literal),* $(,)?) => {
        /// The kinds of entry there are.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($kind),* }

        impl Kind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The word used in file names, commit messages and predicate types.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word),* }
            }
        }

        /// What one entry says.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Predicate { $($kind($kind)),* }

        impl Predicate {
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind),* }
            }

            pub const fn scope(&self) -> &Scope {
                match self { $(Self::$kind(p) => &p.ledger),* }
            }

            pub const fn actor(&self) -> &Actor {
                match self { $(Self::$kind(p) => &p.actor),* }
            }

            pub const fn recorded_at(&self) -> Timestamp {
                match self { $(Self::$kind(p) => p.recorded_at),* }
            }
        }
    };
}

kinds! {
    Policy => "policy",
    Open => "open",
    Evidence => "evidence",
    Approval => "approval",
    Waiver => "waiver",
    Promotion => "promotion",
    Trigger => "trigger",
    Rollback => "rollback",
    Revoke => "revoke",
}

impl Kind {
    pub fn predicate_type(self) -> String {
        format!("{PREDICATES}{}/v0.1", self.word())
    }

    pub fn from_predicate_type(uri: &str) -> Option<Self> {
        let word = uri.strip_prefix(PREDICATES)?.strip_suffix("/v0.1")?;
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

impl Predicate {
    /// What must hold inside one statement, whatever stands around it.
    pub fn check(&self) -> Result<(), &'static str> {
        match (self.kind(), self.scope().attempt.is_some()) {
            // An approval without an attempt approves a proposed policy.
            (Kind::Policy, false) | (Kind::Approval, _) => {}
            (Kind::Policy, true) => return Err("a policy belongs to no attempt"),
            (_, true) => {}
            (_, false) => return Err("it names its pipeline, gate, attempt and release"),
        }
        if self.scope().attempt.as_ref().is_some_and(|key| key.attempt == 0) {
            return Err("attempts are numbered from 1");
        }
        match self {
            Self::Approval(approval) => approval.check(),
            Self::Evidence(evidence) => evidence.check(),
            Self::Open(open) => open.check(),
            Self::Policy(policy) => policy.check(),
            Self::Waiver(waiver) => waiver.check(),
            Self::Revoke(revoke) => some_text(&revoke.reason, "a revocation needs a reason"),
            Self::Rollback(_) | Self::Promotion(_) | Self::Trigger(_) => Ok(()),
        }
    }

    /// Earlier entries this one names; each must be in the ledger before it.
    pub fn references(&self) -> Vec<EntryId> {
        match self {
            Self::Approval(p) => p.saw.evidence.iter().copied().chain(p.withdraws).chain(p.about).collect(),
            Self::Promotion(p) => p.rules.iter().flat_map(|rule| rule.by.iter().copied()).collect(),
            Self::Trigger(p) => p.decision.into_iter().collect(),
            Self::Rollback(p) => {
                [p.reverses].into_iter().chain(p.trigger).chain(p.validation.iter().copied()).collect()
            }
            Self::Revoke(p) => vec![p.voids],
            Self::Policy(_) | Self::Open(_) | Self::Evidence(_) | Self::Waiver(_) => Vec::new(),
        }
    }
}

fn some_text(text: &str, missing: &'static str) -> Result<(), &'static str> {
    if text.trim().is_empty() { Err(missing) } else { Ok(()) }
}
