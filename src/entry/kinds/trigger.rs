//! `trigger`: a go/no-go condition fired.

use serde::{Deserialize, Serialize};

use super::predicate;
use crate::id::{EntryId, Name};

predicate! {
    /// A condition of the rollback plan was observed.
    Trigger {
        trigger: Name,
        class: TriggerClass,
        observed: String,
        /// The entry that decided about it, once there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        decision: Option<EntryId>,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerClass {
    Immediate,
    Evaluate,
}
