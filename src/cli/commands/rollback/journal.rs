//! How far a rollback has come: kept beside the repository after every step, and signed by nobody until
//! the end. Losing it loses times, never the fact that the gates are closed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::state;
use crate::cli::typed;
use crate::entry::kinds::{AttemptKey, RollbackStep};
use crate::id::{EntryId, Name, Timestamp};
use crate::store::git::GitStore;

const FILE: &str = "rollback.json";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    pub key: AttemptKey,
    pub option: Name,
    pub reason: Option<String>,
    pub trigger: EntryId,
    /// The promotion it reverses.
    pub reverses: EntryId,
    pub started_at: Timestamp,
    /// Entries the ledger had when it began: the way is gone as the policy had it then.
    pub size: u64,
    pub steps: Vec<RollbackStep>,
}

impl Journal {
    pub fn read(context: &Context<'_>, store: &GitStore) -> Result<Option<Self>, Failure> {
        let path = path(context, store)?;
        let bytes = context.world().read_if_there(&path);
        let bytes = bytes.map_err(|error| Failure::unknown(format!("cannot read {}: {error}", path.display())))?;
        bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(|error| {
            Failure::unknown(format!("{} does not read: {error}", path.display()))
                .hint("keep it aside and begin again: ledger rollback start OPTION")
        })
    }

    /// The rollback that is under way.
    pub fn current(context: &Context<'_>, store: &GitStore) -> Result<Self, Failure> {
        Self::read(context, store)?
            .ok_or_else(|| Failure::no("no rollback is under way here").hint("ledger rollback start OPTION"))
    }

    pub fn write(&self, context: &Context<'_>, store: &GitStore) -> Result<(), Failure> {
        // At the end it could not be said in other words.
        let notes = self.steps.iter().filter_map(|step| step.note.as_deref());
        typed::refuse(&self.reason.as_deref().into_iter().chain(notes).map(|text| ("-m", text)).collect::<Vec<_>>())?;
        let path = path(context, store)?;
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| Failure::unknown(error.to_string()))?;
        let written = context.world().update(&path, |_| Some(bytes));
        written.map_err(|error| Failure::unknown(format!("cannot write {}: {error}", path.display())))
    }

    pub fn remove(context: &Context<'_>, store: &GitStore) -> Result<(), Failure> {
        context.world().remove(&path(context, store)?);
        Ok(())
    }

    /// When the step before ended, or the rollback began.
    pub fn last(&self) -> Timestamp {
        self.steps.last().map_or(self.started_at, |step| step.finished_at)
    }
}

fn path(context: &Context<'_>, store: &GitStore) -> Result<PathBuf, Failure> {
    let folder = state::folder(context.world(), store);
    let folder =
        folder.ok_or_else(|| Failure::unknown("there is no place to keep a rollback's steps").hint("set HOME"))?;
    Ok(folder.join(FILE))
}
