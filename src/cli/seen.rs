//! The memory of what was seen: one small file a ledger, outside every clone, that only grows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::failure::Failure;
use super::state;
use crate::chain::{Fault, Seen, VerifiedLedger};
use crate::id::{Digest, Origin};
use crate::store::git::GitStore;

/// Compares a verified ledger with what was seen of it, and remembers what others can see of it now.
/// False when the branch has grown since it was read, so that it must be read again to be compared.
pub fn remember(context: &mut Context<'_>, store: &GitStore, ledger: &VerifiedLedger) -> Result<bool, Failure> {
    let Some(path) = file(context, ledger.origin()) else { return Ok(true) };
    let known = read(context, &path)?;
    let contradictions = known.as_ref().map(|known| known.contradictions(ledger)).unwrap_or_default();
    if !contradictions.is_empty() && Some(store.tip()?.commit) != ledger.tip() {
        return Ok(false);
    }
    if !contradictions.is_empty() {
        return Err(contradicted(context, &path, ledger, contradictions));
    }
    let size = published(store, ledger)?;
    if context.global.dry_run || known.as_ref().is_some_and(|known| known.size() >= size) {
        return Ok(true);
    }
    let now = context.world().now();
    let noted = context.world().update(&path, |old| {
        // Somebody else may have noted more meanwhile.
        let mut seen = old.and_then(parse).unwrap_or_else(|| Seen::of(ledger));
        let grown = seen.contradictions(ledger).is_empty() && seen.note(ledger, size, now);
        grown.then(|| print(seen))
    });
    if let Err(error) = noted {
        context.printer.talk(format!(
            "note: what was seen cannot be kept in {}: {error}\n  a ledger that is cut back would not be noticed on this machine",
            path.display()
        ));
    }
    Ok(true)
}

/// A ledger begins: what was seen of one by the same name is put aside.
pub fn begin(context: &mut Context<'_>, store: &GitStore, ledger: &VerifiedLedger) -> Result<(), Failure> {
    let Some(path) = file(context, ledger.origin()) else { return Ok(()) };
    let other = read(context, &path).ok().flatten().filter(|known| known.first != ledger.first());
    if other.is_some() {
        let aside = path.with_extension(format!("{}.json", context.world().now().seconds()));
        let moved = context.world().rename(&path, &aside);
        moved.map_err(|error| Failure::unknown(format!("cannot move {} away: {error}", path.display())))?;
        context.printer.talk(format!(
            "note: another ledger called {} was seen on this machine; what was known of it is kept in {}",
            ledger.origin(),
            aside.display()
        ));
    }
    remember(context, store, ledger).map(drop)
}

/// Entries that are not this clone's own business any more. Own entries that were never pushed may
/// still be taken back and made again; without a remote that has the branch, there is nobody to ask.
fn published(store: &GitStore, ledger: &VerifiedLedger) -> Result<u64, Failure> {
    let tips = store.remote_tips()?;
    if tips.is_empty() {
        return Ok(ledger.size());
    }
    let mut size = 0;
    for (_, tip) in tips {
        size = size.max(
            store.entry_number(&tip)?.filter(|at| ledger.commit_at(at.0 + 1) == Some(tip)).map_or(0, |at| at.0 + 1),
        );
    }
    Ok(size)
}

/// What is there; a memory that cannot be read is no memory of nothing.
fn read(context: &Context<'_>, path: &std::path::Path) -> Result<Option<Seen>, Failure> {
    let unreadable = |why: String| {
        Failure::unknown(format!("what was seen of this ledger cannot be read: {}: {why}", path.display()))
            .hint(format!("look at it; to forget what was seen, remove it: {}", path.display()))
    };
    let bytes = context.world().read_if_there(path).map_err(|error| unreadable(error.to_string()))?;
    bytes.map(|bytes| parse(bytes).ok_or_else(|| unreadable("it is damaged".to_owned()))).transpose()
}

/// The memory with a checksum: a damaged disk must not accuse anybody of a fork.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    seen: Seen,
    sha256: Digest,
}

fn checksum(seen: &Seen) -> Digest {
    Digest::of(&serde_json::to_vec(seen).unwrap_or_default())
}

fn parse(bytes: Vec<u8>) -> Option<Seen> {
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    (kept.sha256 == checksum(&kept.seen)).then_some(kept.seen)
}

fn print(seen: Seen) -> Vec<u8> {
    let sha256 = checksum(&seen);
    serde_json::to_vec_pretty(&Kept { seen, sha256 }).unwrap_or_default()
}

/// The verdict, with what contradicts what kept beside the memory.
fn contradicted(context: &Context<'_>, path: &std::path::Path, ledger: &VerifiedLedger, faults: Vec<Fault>) -> Failure {
    let kept = path.with_extension(format!("against-{}.json", ledger.root().short()));
    let evidence = serde_json::json!({ "origin": ledger.origin(), "seenAt": context.world().now(), "faults": faults });
    let text = serde_json::to_vec_pretty(&evidence).unwrap_or_default();
    let written = context.world().update(&kept, |old| old.is_none().then_some(text));
    let failure = Failure::broken(faults).hint(format!("what was seen before is in {}", path.display()));
    match written {
        Ok(()) => failure.hint(format!("the contradiction is kept in {}", kept.display())),
        Err(_) => failure,
    }
}

fn file(context: &Context<'_>, origin: &Origin) -> Option<PathBuf> {
    let name = Digest::of(origin.as_str().as_bytes()).to_string();
    Some(state::base(context.world())?.join("seen").join(&name[..32]).with_extension("json"))
}
