//! The memory of what was seen: one small file a ledger's name, outside every clone, that only grows.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::failure::{Failure, Figured};
use super::state;
use crate::chain::figures::Figures;
use crate::chain::seen::{Contradiction, Memory, Outside, Served};
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
    let served = served(context, store, ledger)?;
    let shared = shared(store, ledger, &served);
    let outside = Outside {
        shared: shared.unwrap_or(ledger.size()),
        served: &served,
        parting: &|commit| parting(store, ledger, commit),
        fetched: &|commit| served.iter().any(|now| now.tip == *commit || store.contains(&now.tip, commit)),
    };
    if let Some(contradiction) = known.as_ref().and_then(|known| known.contradictions(ledger, &outside)) {
        if Some(store.tip()?.commit) != ledger.tip() {
            return Ok(Compared::Again);
        }
        return Err(told(context, &path, ledger, contradiction, &served));
    }
    let withheld = known.as_ref().map(|known| known.withheld(ledger, &served)).unwrap_or_default();
    // Nobody has said that a ledger without a pin is the one it is called: it must not speak against another.
    if let Some(shared) = shared.filter(|_| ledger.is_anchored()) {
        note(context, &path, ledger, known, (shared, &outside));
    }
    Ok(Compared::Agrees(withheld))
}

/// Refuses a branch that is not believed yet, where it is not the one that was seen. Nothing is remembered.
pub fn refuse_contradictions(context: &Context<'_>, store: &GitStore, ledger: &VerifiedLedger) -> Result<(), Failure> {
    let Some(path) = file(context, ledger.origin()) else { return Ok(()) };
    let Some(known) = read(context, &path)? else { return Ok(()) };
    let served = served(context, store, ledger)?;
    let tip = ledger.tip();
    let outside = Outside {
        // All of it comes from a remote.
        shared: ledger.size(),
        served: &served,
        parting: &|commit| parting(store, ledger, commit),
        fetched: &|commit| tip.as_ref().is_some_and(|tip| tip == commit || store.contains(tip, commit)),
    };
    match known.contradictions(ledger, &outside) {
        Some(contradiction) => Err(told(context, &path, ledger, contradiction, &served)),
        None => Ok(()),
    }
}

/// What remotes have of a ledger less than they once had.
pub fn withheld(context: &Context<'_>, store: &GitStore, ledger: &VerifiedLedger) -> Result<Vec<Fault>, Failure> {
    let known = file(context, ledger.origin()).map(|path| read(context, &path)).transpose()?.flatten();
    let served = served(context, store, ledger)?;
    Ok(known.map(|known| known.withheld(ledger, &served)).unwrap_or_default())
}

fn told(
    context: &Context<'_>,
    path: &Path,
    ledger: &VerifiedLedger,
    contradiction: Contradiction,
    served: &[Served],
) -> Failure {
    match contradiction {
        Contradiction::Fault(fault) => contradicted(context, path, ledger, fault),
        Contradiction::Behind(seen) => behind(ledger, seen, served),
    }
}

/// Entries that others can know: those a remote has, or all where there is no remote. `None` where there
/// is one and nobody knows what it has, because this clone does not follow its branch.
fn shared(store: &GitStore, ledger: &VerifiedLedger, served: &[Served]) -> Option<u64> {
    let most = served.iter().map(|served| served.entries).max();
    most.or_else(|| store.first_remote().is_none().then(|| ledger.size()))
}

/// Why nothing that is seen here is remembered, where that is so.
pub fn unremembered(
    context: &Context<'_>,
    store: &GitStore,
    ledger: &VerifiedLedger,
) -> Result<Option<String>, StoreError> {
    if state::base(context.world()).is_none() {
        return Ok(Some("neither HOME nor an absolute XDG_STATE_HOME says where to keep it".to_owned()));
    }
    if shared(store, ledger, &served(context, store, ledger)?).is_some() {
        return Ok(None);
    }
    let remote = store.first_remote().unwrap_or_default();
    if !store.remote_tips()?.is_empty() {
        return Ok(Some(format!("{remote}'s branch is here in part only\n  → git fetch --unshallow {remote}")));
    }
    Ok(Some(format!(
        "this clone does not follow {remote}'s branch\n  → git config --add remote.{remote}.fetch +refs/heads/evidence:refs/remotes/{remote}/evidence && git fetch {remote}"
    )))
}

fn note(
    context: &mut Context<'_>,
    path: &Path,
    ledger: &VerifiedLedger,
    known: Option<Memory>,
    (shared, outside): (u64, &Outside<'_>),
) {
    let (now, served) = (context.world().now(), outside.served);
    let fresh = || Memory::of(ledger.origin().clone());
    if context.global.dry_run || !known.unwrap_or_else(fresh).note(ledger, shared, served, now) {
        return;
    }
    let noted = context.world().update(path, |old| {
        // Somebody else may have noted more meanwhile.
        let mut memory = old.and_then(parse).unwrap_or_else(fresh);
        let agrees = memory.contradictions(ledger, outside).is_none();
        (agrees && memory.note(ledger, shared, served, now)).then(|| print(memory))
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
            "find the place: compare the root before each entry: git log --format=%B refs/heads/evidence | grep Ledger-Before",
        )),
        None => Err(Failure::unknown(format!(
            "they have seen {}, and here are {}",
            counted(figures.size, "entry", "entries"),
            ledger.size()
        ))
        .of(Figured::of(ledger))
        .hint("ledger pull")),
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
            // A history that is not all here (a shallow fetch, say) says nothing of what the remote has.
            None => (parting(store, ledger, &tip)?, true),
        };
        let place = Digest::of(format!("{clone}\0{remote}").as_bytes());
        let url = Digest::of(store.url_of(&remote).unwrap_or_default().as_bytes());
        Some(Served { remote, place, url, tip, entries, parted })
    };
    Ok(store.remote_tips()?.into_iter().filter_map(of_remote).collect())
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

/// More was seen on this machine than this clone has fetched: no verdict until it has.
fn behind(ledger: &VerifiedLedger, seen: u64, served: &[Served]) -> Failure {
    let remote = served.first().map_or("origin", |served| served.remote.as_str());
    Failure::unknown(format!(
        "this clone is behind: {seen} entries were seen on this machine, {} are here",
        ledger.size()
    ))
    .of(Figured::of(ledger))
    .hint(format!("ledger pull --remote {remote}"))
    .hint("when that brings nothing, the server withholds them: ask who changed its branch")
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
