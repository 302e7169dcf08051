//! Reads and examines entries on all cores, and has them judged in their order.
//!
//! Each worker has the repository open for itself and takes every n-th stretch of the branch; a short
//! queue keeps it from running far ahead, so memory stays bounded however long the ledger is.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::progress::Progress;
use crate::chain::{Examined, Examiner, Limits, Verifier};
use crate::entry::Predicate;
use crate::evidence::readers::Wanted;
use crate::id::ObjectId;
use crate::policy::reread;
use crate::store::git::{Door, GitStore, StoreError};

/// Entries a worker examines in one go: the first of them costs a look at the whole tree.
const STRETCH: usize = 128;
/// Fewer entries than this are not worth a thread.
const FEW: usize = 128;
/// Stretches a worker may be ahead.
const AHEAD: usize = 2;

/// How far to look into each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The numbered steps.
    Steps,
    /// Also whether recorded facts are what the recorded files say.
    Facts,
}

/// One entry after a worker has seen it.
struct Seen {
    entry: Examined,
    /// Its facts do not follow from its files alone; whoever knows its gate looks again.
    doubtful: bool,
}

/// Admits commits, oldest first; returns the positions in `commits` of those with doubtful facts.
pub fn survey(
    store: &GitStore,
    commits: &[ObjectId],
    verifier: &mut Verifier,
    depth: Depth,
    cores: usize,
    progress: &mut Progress<'_>,
) -> Result<Vec<usize>, StoreError> {
    let mut doubtful = Vec::new();
    let mut admit = |verifier: &mut Verifier, at: usize, seen: Seen| {
        if seen.doubtful {
            doubtful.push(at);
        }
        verifier.admit(seen.entry);
    };
    if commits.len() < FEW || cores < 2 {
        let mut examiner = examiner(store);
        for (at, commit) in commits.iter().enumerate() {
            admit(verifier, at, see(store, &mut examiner, commit, depth)?);
        }
        return Ok(doubtful);
    }
    let door = store.door();
    std::thread::scope(|scope| {
        let workers: Vec<Receiver<_>> = (0..cores)
            .map(|worker| {
                let (sender, receiver) = sync_channel(AHEAD);
                let stretches = commits.chunks(STRETCH).skip(worker).step_by(cores);
                let door = door.clone();
                scope.spawn(move || work(&door, stretches, depth, &sender));
                receiver
            })
            .collect();
        for (turn, stretch) in commits.chunks(STRETCH).enumerate() {
            let done =
                workers[turn % cores].recv().unwrap_or_else(|_| Err(StoreError::Git("a worker ended".to_owned())));
            for (at, seen) in done?.into_iter().enumerate() {
                admit(verifier, turn * STRETCH + at, seen);
            }
            progress.advance(stretch.len());
        }
        Ok::<(), StoreError>(())
    })?;
    Ok(doubtful)
}

/// Examines stretches until there are no more or nobody wants them.
fn work<'c>(
    door: &Door,
    stretches: impl Iterator<Item = &'c [ObjectId]>,
    depth: Depth,
    to: &SyncSender<Result<Vec<Seen>, StoreError>>,
) {
    let store = match door.open() {
        Ok(store) => store,
        Err(error) => return drop(to.send(Err(error))),
    };
    let mut examiner = examiner(&store);
    for stretch in stretches {
        let seen: Result<Vec<Seen>, StoreError> =
            stretch.iter().map(|commit| see(&store, &mut examiner, commit, depth)).collect();
        let failed = seen.is_err();
        if to.send(seen).is_err() || failed {
            return;
        }
    }
}

/// One commit of the branch, read and examined.
pub fn examined(store: &GitStore, commit: &ObjectId) -> Result<Examined, StoreError> {
    Ok(examiner(store).examine(store.entry(commit)?))
}

fn examiner(store: &GitStore) -> Examiner {
    Examiner::new(store.format(), Limits::default())
}

fn see(store: &GitStore, examiner: &mut Examiner, commit: &ObjectId, depth: Depth) -> Result<Seen, StoreError> {
    let mut entry = examiner.examine(store.entry(commit)?);
    let doubtful = depth == Depth::Facts && is_doubtful(&entry);
    entry.forget_contents();
    Ok(Seen { entry, doubtful })
}

fn is_doubtful(entry: &Examined) -> bool {
    let Some(Predicate::Evidence(evidence)) = entry.predicate() else { return false };
    let sources = reread::sources(evidence);
    let files: Option<Vec<(&str, &[u8])>> =
        sources.iter().map(|file| Some((file.name.as_str(), entry.content(file.name.as_str())?))).collect();
    match files {
        Some(files) => !files.is_empty() && reread::difference(evidence, &files, Wanted::default()).is_some(),
        // Missing, which is a fault by itself, or too large to be held.
        None => true,
    }
}
