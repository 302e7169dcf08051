//! What was verified before, kept outside every repository so that the past is read once.
//!
//! One folder a repository under `$XDG_STATE_HOME/ledger`: `head.json`, replaced atomically, names
//! `records-…`, which only grows, and `ledger-…`, written anew each time. Losing or refusing any of it
//! costs time, never a verdict.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::world::World;
use crate::chain::{Saved, VerifiedLedger};
use crate::id::Digest;
use crate::store::git::GitStore;
use serde::{Deserialize, Serialize};

const HEAD: &str = "head.json";

/// How much of what is kept is known to be good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Grown,
    Whole,
}

/// The small file that names the others and guards them.
#[derive(Serialize, Deserialize)]
struct Head {
    /// File of the records, beside this one.
    records: String,
    /// File of everything else.
    ledger: String,
    /// Entries in the ledger kept, and the RFC 6962 root over them.
    size: u64,
    root: Digest,
    /// SHA-256 over both files: a damaged disk must not become a verdict.
    sha256: Digest,
}

fn checksum(ledger: &[u8], records: &[u8]) -> Digest {
    Digest::of(&[Digest::of(records).as_bytes().as_slice(), Digest::of(ledger).as_bytes()].concat())
}

/// The ledger as it was last verified here, if it still fits this program and pin.
pub fn restore(context: &Context<'_>, store: &GitStore, pin: Option<Digest>) -> Option<VerifiedLedger> {
    let folder = folder(context.world(), store)?;
    let head = read_head(context.world(), &folder)?;
    let mut records = context.world().read(&folder.join(&head.records)).ok()?;
    // A crash between the files leaves records that the head does not know yet.
    records.truncate(usize::try_from(Saved::records_bytes(head.size)).ok()?);
    let ledger = context.world().read(&folder.join(&head.ledger)).ok()?;
    if checksum(&ledger, &records) != head.sha256 {
        return None;
    }
    serde_json::from_slice::<Saved>(&ledger).ok()?.restore(records, pin, store.format())
}

/// Keeps a ledger for next time, adding to what is there (`Grown`) or writing it all again (`Whole`).
/// Failing to is no failure: the next command reads more.
pub fn save(context: &Context<'_>, store: &GitStore, ledger: &VerifiedLedger, extent: Extent) {
    let Some(folder) = folder(context.world(), store).filter(|_| !context.global.dry_run) else { return };
    let world = context.world();
    let old = read_head(world, &folder);
    let (saved, records) = Saved::of(ledger);
    let Ok(text) = serde_json::to_vec(&saved) else { return };
    let root = ledger.root();
    // The records of one history only grow, so writers of the same history write the same bytes.
    let grown = |head: &&Head| extent == Extent::Grown && ledger.root_at(head.size) == Some(head.root);
    let (name, from) = match old.as_ref().filter(grown) {
        Some(head) => (head.records.clone(), Saved::records_bytes(head.size)),
        None => (format!("records-{}", root.short()), 0),
    };
    let from = usize::try_from(from).unwrap_or_default().min(records.len());
    let head = Head {
        records: name,
        ledger: format!("ledger-{}", root.short()),
        size: ledger.size(),
        root,
        sha256: checksum(&text, records),
    };
    let Ok(small) = serde_json::to_vec(&head) else { return };
    let kept = world.write_at(&folder.join(&head.records), from as u64, &records[from..]);
    let kept = kept.and_then(|()| world.write_quickly(&folder.join(&head.ledger), &text));
    if kept.and_then(|()| world.write_quickly(&folder.join(HEAD), &small)).is_ok() {
        let unused = old.into_iter().flat_map(|old| [old.records, old.ledger]);
        unused
            .filter(|name| *name != head.records && *name != head.ledger)
            .for_each(|name| world.remove(&folder.join(name)));
    }
}

/// The head, if it names files of this folder and nothing else.
fn read_head(world: &World, folder: &Path) -> Option<Head> {
    let head: Head = serde_json::from_slice(&world.read(&folder.join(HEAD)).ok()?).ok()?;
    let is_own = |name: &String| !name.contains(['/', '\\']);
    (is_own(&head.records) && is_own(&head.ledger)).then_some(head)
}

/// Forgets what was kept: it led to a fault, so everything is read again.
pub fn forget(context: &Context<'_>, store: &GitStore) {
    if let Some(folder) = folder(context.world(), store) {
        context.world().remove(&folder.join(HEAD));
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
