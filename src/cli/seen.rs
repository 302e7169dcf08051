//! The memory of what was seen: one small file a ledger's name, outside every clone, that only grows.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::failure::{Failure, Figured};
use super::state;
use crate::chain::seen::{Figures, Memory, Served};
use crate::chain::{Fault, VerifiedLedger};
use crate::findings::counted;
use crate::id::{Digest, EntryNumber, ObjectId, Origin};
use crate::store::git::{GitStore, StoreError};

/// How a verified ledger stands to what was seen of it.
pub enum Compared {
    /// The branch has grown since it was read, so it must be read again to be compared.
    Again,
    /// It goes on from there; what remotes have of it no more.
    Agrees(Vec<Fault>),
}

/// Compares a verified ledger with what was seen of it, and remembers what others can see of it now.
pub fn remember(context: &mut Context<'_>, store: &GitStore, ledger: &VerifiedLedger) -> Result<Compared, Failure> {
    let Some(path) = file(context, ledger.origin()) else { return Ok(Compared::Agrees(Vec::new())) };
    let known = read(context, &path)?;
    let parting = |commit: &ObjectId| parting(store, ledger, commit);
    if let Some(fault) = known.as_ref().and_then(|known| known.contradictions(ledger, &parting)) {
        let grown = Some(store.tip()?.commit) != ledger.tip();
        return if grown { Ok(Compared::Again) } else { Err(contradicted(context, &path, ledger, fault)) };
    }
    let served = served(context, store, ledger)?;
    let withheld = known.as_ref().map(|known| known.withheld(ledger, &served)).unwrap_or_default();
    // Nobody has said that a ledger without a pin is the one it is called: it must not speak against another.
    if ledger.is_anchored() {
        note(context, &path, ledger, known, &served);
    }
    Ok(Compared::Agrees(withheld))
}

fn note(context: &mut Context<'_>, path: &Path, ledger: &VerifiedLedger, known: Option<Memory>, served: &[Served]) {
    // Own entries that were never pushed may still be taken back and made again; without a remote
    // that has the branch, there is nobody to ask.
    let size = served.iter().map(|served| served.entries).max().unwrap_or(ledger.size());
    let now = context.world().now();
    let fresh = || Memory::of(ledger.origin().clone());
    if context.global.dry_run || !known.unwrap_or_else(fresh).note(ledger, size, served, now) {
        return;
    }
    let noted = context.world().update(path, |old| {
        // Somebody else may have noted more meanwhile.
        let mut memory = old.and_then(parse).unwrap_or_else(fresh);
        let agrees = memory.contradictions(ledger, &|_| None).is_none();
        (agrees && memory.note(ledger, size, served, now)).then(|| print(memory))
    });
    if let Err(error) = noted {
        context.printer.talk(format!(
            "note: what was seen cannot be kept in {}: {error}\n  a ledger that is cut back would not be noticed on this machine",
            path.display()
        ));
    }
}

/// A ledger begins: it is known from now on beside any other that goes by its name.
pub fn begin(context: &mut Context<'_>, store: &GitStore, ledger: &VerifiedLedger) -> Result<(), Failure> {
    let Some(path) = file(context, ledger.origin()) else { return Ok(()) };
    if read(context, &path)?.is_some_and(|known| known.knows_only_others(ledger)) {
        context.printer.talk(format!(
            "note: another ledger called {} was seen on this machine; both are known from now on",
            ledger.origin()
        ));
        change(context, &path, ledger)?;
    }
    remember(context, store, ledger).map(drop)
}

/// The team has agreed that this ledger, which has these figures, is the right one.
pub fn accept(context: &mut Context<'_>, ledger: &VerifiedLedger, figures: Figures) -> Result<(), Failure> {
    require(ledger, figures)?;
    // Two branches agree up to where they part: only the figures of all of it say which is meant.
    if figures.size != ledger.size() {
        let message = format!(
            "the figures are of {}, and here are {}: older figures fit several branches",
            counted(figures.size, "entry", "entries"),
            ledger.size()
        );
        return Err(Failure::unknown(message)
            .of(Figured::of(ledger))
            .hint("ask for the figures of now: a colleague fetches and runs ledger verify"));
    }
    let Some(path) = file(context, ledger.origin()) else { return Ok(()) };
    let bytes = context.world().read_if_there(&path).ok().flatten().unwrap_or_default();
    if context.global.dry_run || bytes.is_empty() {
        return Ok(());
    }
    // Named after what it holds, so that none is written over.
    let aside = path.with_extension(format!("before-{}.json", Digest::of(&bytes).short()));
    let kept = context.world().write(&aside, &bytes);
    kept.map_err(|error| Failure::unknown(format!("cannot write {}: {error}", aside.display())))?;
    change(context, &path, ledger)?;
    context.printer.talk(format!("note: what was seen before is kept in {}", aside.display()));
    Ok(())
}

/// The same ledger as somebody else saw, as far as both go.
pub fn require(ledger: &VerifiedLedger, figures: Figures) -> Result<(), Failure> {
    match figures.agree(ledger) {
        Some(Ok(())) => Ok(()),
        Some(Err(fault)) => Err(Failure::broken(vec![fault]).of(Figured::of(ledger)).hint(
            "find the place: compare the root before each entry: git log --format=%B evidence | grep Ledger-Before",
        )),
        None => Err(Failure::unknown(format!(
            "they have seen {}, and here are {}",
            counted(figures.size, "entry", "entries"),
            ledger.size()
        ))
        .of(Figured::of(ledger))
        .hint("git fetch origin evidence:evidence")),
    }
}

fn change(context: &Context<'_>, path: &Path, ledger: &VerifiedLedger) -> Result<(), Failure> {
    let changed = context.world().update(path, |old| {
        let mut memory = old.and_then(parse).unwrap_or_else(|| Memory::of(ledger.origin().clone()));
        memory.accept(ledger);
        Some(print(memory))
    });
    changed.map_err(|error| Failure::unknown(format!("what was seen cannot be kept in {}: {error}", path.display())))
}

/// What every remote that has the branch has of this ledger.
fn served(context: &Context<'_>, store: &GitStore, ledger: &VerifiedLedger) -> Result<Vec<Served>, StoreError> {
    let clone = context.world().real_path(store.common_directory());
    let clone = clone.unwrap_or_else(|| store.common_directory().to_owned()).to_string_lossy().into_owned();
    let of_remote = |(remote, tip): (String, ObjectId)| {
        let ahead = || ledger.tip().is_some_and(|own| store.goes_on(&own, &tip));
        let (entries, parted) = match position(store, ledger, &tip) {
            Some(number) => (number.0 + 1, false),
            None if ahead() => (ledger.size(), false),
            None => (parting(store, ledger, &tip).unwrap_or_default(), true),
        };
        let place = Digest::of(format!("{clone}\0{remote}").as_bytes());
        let url = Digest::of(store.url_of(&remote).unwrap_or_default().as_bytes());
        Served { remote, place, url, tip, entries, parted }
    };
    Ok(store.remote_tips()?.into_iter().map(of_remote).collect())
}

/// Entries the ledger has in common with the history of a commit: first parents only, for what a merge
/// brings in is no past of this ledger. `None` where that history is not all here.
fn parting(store: &GitStore, ledger: &VerifiedLedger, commit: &ObjectId) -> Option<u64> {
    for id in store.history(commit) {
        if let Some(number) = position(store, ledger, &id.ok()?) {
            return Some(number.0 + 1);
        }
    }
    Some(0)
}

/// The entry of this ledger a commit is. What the commit says of itself is only where to look.
fn position(store: &GitStore, ledger: &VerifiedLedger, commit: &ObjectId) -> Option<EntryNumber> {
    let number = store.entry_number(commit).ok()??;
    (ledger.commit_at(number.0.checked_add(1)?).as_ref() == Some(commit)).then_some(number)
}

/// What is there; a memory that cannot be read is no memory of nothing.
fn read(context: &Context<'_>, path: &Path) -> Result<Option<Memory>, Failure> {
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
    seen: Memory,
    sha256: Digest,
}

fn checksum(memory: &Memory) -> Digest {
    Digest::of(&serde_json::to_vec(memory).unwrap_or_default())
}

fn parse(bytes: Vec<u8>) -> Option<Memory> {
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    (kept.sha256 == checksum(&kept.seen)).then_some(kept.seen)
}

fn print(seen: Memory) -> Vec<u8> {
    let sha256 = checksum(&seen);
    serde_json::to_vec_pretty(&Kept { seen, sha256 }).unwrap_or_default()
}

/// The verdict, with what contradicts what kept beside the memory.
fn contradicted(context: &Context<'_>, path: &Path, ledger: &VerifiedLedger, fault: Fault) -> Failure {
    let kept = path.with_extension(format!("against-{}.json", ledger.root().short()));
    let faults = vec![fault];
    let evidence = serde_json::json!({ "origin": ledger.origin(), "seenAt": context.world().now(), "faults": faults });
    let text = serde_json::to_vec_pretty(&evidence).unwrap_or_default();
    let written = context.world().update(&kept, |old| old.is_none().then_some(text));
    let place = if written.is_ok() { &kept } else { path };
    Failure::broken(faults)
        .of(Figured::of(ledger))
        .hint("when the team has agreed that this branch is right: ledger verify --accept SIZE:ROOT, with a colleague's figures")
        .hint(format!("what contradicts what is kept in {}", place.display()))
}

fn file(context: &Context<'_>, origin: &Origin) -> Option<PathBuf> {
    let name = Digest::of(origin.as_str().as_bytes()).to_string();
    Some(state::base(context.world())?.join("seen").join(&name[..32]).with_extension("json"))
}
