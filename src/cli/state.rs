//! What was verified before, kept outside every repository so that the past is read once.
//!
//! One folder a repository under `$XDG_STATE_HOME/ledger`. Losing or refusing any of it costs time,
//! never a verdict: what does not fit is settled by reading the ledger from its first entry.

mod database;

use std::path::PathBuf;
use std::sync::Arc;

use super::context::Context;
use super::world::World;
use crate::chain::{Saved, VerifiedLedger};
use crate::id::Digest;
use crate::store::git::GitStore;
use database::Database;

const FILE: &str = "ledger.db";

/// The ledger as it was last verified here, if it still fits this program and pin.
pub fn restore(context: &Context<'_>, store: &GitStore, pin: Option<Digest>) -> Option<VerifiedLedger> {
    let path = file(context.world(), store).filter(|path| context.world().exists(path))?;
    let database = Database::open(&path, store.format().hex_digits()).ok()?;
    let saved: Saved = serde_json::from_slice(&database.head()?).ok()?;
    database.answer_below(saved.size());
    saved.restore(Arc::new(database), pin, store.format())
}

/// Keeps a ledger for next time. Failing to is no failure: the next command reads more.
pub fn save(context: &Context<'_>, store: &GitStore, ledger: &VerifiedLedger) {
    let Some(path) = file(context.world(), store).filter(|_| !context.global.dry_run) else { return };
    let Ok(head) = serde_json::to_vec(&Saved::of(ledger)) else { return };
    let continues = |head: &[u8]| {
        let kept: Saved = serde_json::from_slice(head).ok()?;
        kept.is_beginning_of(ledger).then_some(kept.size())
    };
    let database = context.world().exists(&path).then(|| Database::open(&path, store.format().hex_digits()).ok());
    let added = database.flatten().and_then(|database| database.save(ledger, &head, continues).ok());
    if added != Some(true) {
        drop(context.world().replace(&path, |fresh| Database::create(fresh, ledger, &head).is_ok()));
    }
}

/// Forgets what was kept: it led to a fault, so everything is read again.
pub fn forget(context: &Context<'_>, store: &GitStore) {
    if let Some(path) = file(context.world(), store) {
        context.world().remove(&path);
    }
}

fn file(world: &World, store: &GitStore) -> Option<PathBuf> {
    Some(folder(world, store)?.join(FILE))
}

/// One folder a repository, by its real path.
pub fn folder(world: &World, store: &GitStore) -> Option<PathBuf> {
    let path = world.real_path(store.common_directory())?;
    let name = Digest::of(path.to_string_lossy().as_bytes()).to_string();
    Some(base(world)?.join(&name[..32]))
}

/// Where this program keeps what belongs to a person and not to a repository.
pub fn base(world: &World) -> Option<PathBuf> {
    let home = || world.home().map(|home| home.join(".local/state"));
    let local = || world.env.get("LOCALAPPDATA").map(PathBuf::from);
    // A relative one is to be ignored (XDG Base Directory Specification, "Basics").
    let given = world.env.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(local).or_else(home).map(|base| base.join("ledger"))
}
