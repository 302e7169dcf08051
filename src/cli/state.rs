//! What was verified before, kept outside every repository so that the past is read once.
//!
//! One folder a repository under `$XDG_STATE_HOME/ledger`: `head.json`, replaced atomically, and
//! `records-<tip>`, which only grows. Losing or refusing any of it costs time, never a verdict.

use std::path::PathBuf;

use super::context::Context;
use super::world::World;
use crate::chain::{Saved, VerifiedLedger};
use crate::id::Digest;
use crate::store::git::GitStore;
use serde::{Deserialize, Serialize};

/// How much of what is kept is known to be good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Grown,
    Whole,
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// File of the records, beside this one.
    records: String,
    /// SHA-256 over the records and the ledger's JSON: a damaged disk must not become a verdict.
    sha256: Digest,
    ledger: Saved,
}

fn checksum(ledger: &Saved, records: &[u8]) -> Option<Digest> {
    let text = serde_json::to_vec(ledger).ok()?;
    Some(Digest::of(&[Digest::of(records).as_bytes().as_slice(), &text].concat()))
}

/// The ledger as it was last verified here, if it still fits this program and pin.
pub fn restore(context: &Context<'_>, store: &GitStore, pin: Option<Digest>) -> Option<VerifiedLedger> {
    let folder = folder(context.world(), store)?;
    let head: Head = serde_json::from_slice(&context.world().read(&folder.join("head.json")).ok()?).ok()?;
    if head.records.contains(['/', '\\']) {
        return None;
    }
    let mut records = context.world().read(&folder.join(&head.records)).ok()?;
    // A crash between the two files leaves records that the head does not know yet.
    records.truncate(usize::try_from(head.ledger.records_bytes()).ok()?);
    (checksum(&head.ledger, &records)? == head.sha256).then_some(())?;
    head.ledger.restore(records, pin, store.format())
}

/// Keeps a ledger for next time, adding to what is there (`Grown`) or writing it all again (`Whole`).
/// Failing to is no failure: the next command reads more.
pub fn save(context: &Context<'_>, store: &GitStore, ledger: &VerifiedLedger, extent: Extent) {
    let Some(folder) = folder(context.world(), store).filter(|_| !context.global.dry_run) else { return };
    let world = context.world();
    let path = folder.join("head.json");
    let old = world.read(&path).ok().and_then(|bytes| serde_json::from_slice::<Head>(&bytes).ok());
    let (saved, records) = Saved::of(ledger);
    // The records of one history only grow, so writers of the same history write the same bytes.
    let (name, from) = match old {
        Some(head) if saved.continues(&head.ledger, records) && extent == Extent::Grown => {
            (head.records, head.ledger.records_bytes())
        }
        _ => (format!("records-{}", ledger.root().short()), 0),
    };
    let from = usize::try_from(from).unwrap_or_default().min(records.len());
    let Some(sha256) = checksum(&saved, records) else { return };
    let head = Head { records: name, sha256, ledger: saved };
    let Ok(text) = serde_json::to_vec(&head) else { return };
    let kept = world.write_at(&folder.join(&head.records), from as u64, &records[from..]);
    if kept.is_ok() {
        drop(world.write_quickly(&path, &text));
    }
}

/// Forgets what was kept: it led to a fault, so everything is read again.
pub fn forget(context: &Context<'_>, store: &GitStore) {
    if let Some(folder) = folder(context.world(), store) {
        context.world().remove(&folder.join("head.json"));
    }
}

/// One folder a repository, by its real path.
fn folder(world: &World, store: &GitStore) -> Option<PathBuf> {
    let home = || world.home().map(|home| home.join(".local/state"));
    let local = || world.env.get("LOCALAPPDATA").map(PathBuf::from);
    let base = world.env.get("XDG_STATE_HOME").map(PathBuf::from).or_else(local).or_else(home)?;
    let path = world.real_path(store.common_directory())?;
    let name = Digest::of(path.to_string_lossy().as_bytes()).to_string();
    Some(base.join("ledger").join(&name[..32]))
}
