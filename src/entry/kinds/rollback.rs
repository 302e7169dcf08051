//! `rollback`: a promotion is reversed, step by step, and proven.

use serde::{Deserialize, Serialize};

use super::predicate;
use crate::id::{EntryId, Name, Timestamp};

predicate! {
    /// Reverses a promotion; the gate is closed from here on, history stays.
    Rollback {
        option: Name,
        /// Why this way, where it is not the first to try.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        steps: Vec<RollbackStep>,
        #[serde(skip_serializing_if = "Option::is_none")]
        trigger: Option<EntryId>,
        /// The promotion it reverses.
        reverses: EntryId,
        validation: Vec<EntryId>,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackStep {
    pub text: String,
    pub result: StepResult,
    /// What there is to say of it; why, where it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    Done,
    Skipped,
    Failed,
}
