//! How it is told: the facts of one release as plain data, and templates over them.

pub mod collect;
pub mod complete;
pub mod escape;
pub mod regions;
pub mod render;
pub mod sync;
pub mod trouble;
pub mod verdict;

use serde::Serialize;

use trouble::{RollbackReport, TriggerReport, WaiverReport};

/// Everything a template may say about one release. Deterministic: no clock, no file, only the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub schema: &'static str,
    pub origin: String,
    pub pipeline: String,
    pub release: String,
    /// The policy's zone, for the filter `local`; instants themselves are in UTC.
    pub time_zone: &'static str,
    pub source: SourceReport,
    /// Entries in the ledger, and the RFC 6962 root over them.
    pub entries: u64,
    pub root: String,
    /// Documents the policy names, such as `install` and `rollback`.
    pub documents: Vec<DocumentReport>,
    pub artifacts: Vec<ArtifactReport>,
    pub gates: Vec<GateReport>,
    /// Rules that were set aside.
    pub waivers: Vec<WaiverReport>,
    pub triggers: Vec<TriggerReport>,
    pub rollbacks: Vec<RollbackReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceReport {
    pub commit: String,
    pub tree: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentReport {
    pub name: String,
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArtifactReport {
    pub name: String,
    pub path: String,
    /// The file's own name.
    pub file: String,
    pub size: u64,
    pub sha256: String,
    pub entry: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateReport {
    pub id: String,
    pub name: String,
    /// The gate's name in the reader's language.
    pub label: String,
    /// `promoted`, `open` (every rule met, not promoted yet), `rolled-back` or `closed`.
    pub state: &'static str,
    pub attempt: Option<u32>,
    pub folder: Option<String>,
    /// Where the folder can be seen, at the commit that closes the attempt.
    pub link: Option<String>,
    pub promoted: Option<PromotionReport>,
    pub approvals: Vec<ApprovalReport>,
    pub evidence: Vec<EvidenceReport>,
    /// Ids of the rules that are not met.
    pub unmet: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromotionReport {
    pub entry: u64,
    pub id: String,
    pub at: String,
    pub by: String,
}

/// Printed name, time and meaning of a signature (21 CFR 11.50), and what checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalReport {
    pub decision: &'static str,
    pub meaning: &'static str,
    pub name: String,
    pub handle: String,
    pub roles: Vec<String>,
    pub at: String,
    pub reason: Option<String>,
    pub entry: u64,
    pub id: String,
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceReport {
    pub slot: String,
    pub entry: u64,
    pub at: String,
    pub by: String,
    pub files: Vec<FileReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    pub name: String,
    pub path: String,
    pub size: u64,
    pub sha256: String,
    pub external: bool,
}
