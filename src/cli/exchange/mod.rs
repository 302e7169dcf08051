//! Sharing the evidence: taking what others have, and bringing own entries on top of it.
//!
//! A remote's branch is fetched beside everything, verified, and only then believed. The branch here moves in
//! one step from the old one to the new one; what could not be brought again is kept under a ref before that,
//! so that nothing is lost whenever the process ends.

mod rejoin;
pub mod remote;

use std::path::Path;
use std::time::Duration;

use super::context::Context;
use super::failure::{Failure, FailureKind};
use super::load::Loaded;
use super::receive;
use super::seen;
use super::state;
use crate::chain::{Fault, FaultKind};
use crate::findings::counted;
use crate::id::{EntryId, EntryNumber, ObjectId};
use crate::report::escape::visible;
use crate::store::git::{BRANCH, GitStore, StoreError, share};

pub use rejoin::Left;

/// Tries before local writers that keep coming first have won.
const TRIES: u32 = 20;

/// What a pull did.
#[derive(Default)]
pub struct Pulled {
    /// The branch begins here with what was taken.
    pub begun: bool,
    /// Entries that were not here.
    pub taken: u64,
    /// Own entries that were brought again on top of them.
    pub again: Vec<EntryNumber>,
    /// Those that were not, and the ref that keeps them.
    pub queued: Option<Queued>,
    /// Entries here that the remote has not.
    pub unsent: u64,
}

pub struct Queued {
    pub name: String,
    pub left: Vec<Left>,
}

impl Pulled {
    /// What came of it, in one line.
    pub fn told(&self, remote: &str) -> String {
        let mut parts = vec![match self.taken {
            0 => format!("{remote} has nothing new"),
            taken => format!("{} taken from {remote}", counted(taken as usize, "entry", "entries")),
        }];
        if !self.again.is_empty() {
            let numbers: Vec<String> = self.again.iter().map(|number| format!("#{number}")).collect();
            parts.push(format!("yours brought again as {}", numbers.join(", ")));
        }
        if self.unsent > 0 {
            parts.push(format!("{} not sent yet", self.unsent));
        }
        parts.join(" · ")
    }
}

impl Queued {
    /// What is left is named, with what to do about it.
    pub fn failure(&self, context: &mut Context<'_>) -> Failure {
        for Left { number, summary, why } in &self.left {
            let line = format!("{} {}: {}", context.printer.bad(), visible(summary), visible(why));
            context.printer.talk(format!("{line}  (was entry {number})"));
        }
        let count = counted(self.left.len(), "entry was", "entries were");
        Failure::conflict(format!(
            "{count} not brought again: others came first, and what it said does not fit any more"
        ))
        .hint(format!("look at what waits: git log evidence..{0}; do again what still holds", self.name))
        .hint(format!("then forget it: git update-ref -d {}", self.name))
    }
}

/// Takes a remote's entries. `None`: the remote has no evidence yet.
pub fn pull(context: &mut Context<'_>, remote: &str) -> Result<Option<Pulled>, Failure> {
    let store = context.open_store()?;
    store.check_writable()?;
    let Some(theirs) = remote::fetch(context, &store, remote)? else { return Ok(None) };
    refuse_rewritten(&store, remote, &theirs)?;
    let pin = context.pin(&store)?;
    let mut verified = receive::verified(context, store, theirs.clone(), pin)?;
    seen::refuse_contradictions(context, &verified.store, &verified.ledger)?;
    verified.store.set_aside(&share::tracking(remote), &theirs, "ledger pull")?;
    let withheld = seen::withheld(context, &verified.store, &verified.ledger)?;
    if !withheld.is_empty() {
        return Err(Failure::broken(withheld));
    }
    let mut lost = Failure::conflict("other writers in this repository kept coming first");
    for attempt in 0..TRIES {
        match join(context, verified, &theirs) {
            Ok((pulled, loaded)) => {
                state::save(context, &loaded.store, &loaded.ledger);
                drop(seen::remember(context, &loaded.store, &loaded.ledger)?);
                tidy(context, &loaded, pulled.queued.as_ref().map(|queued| queued.name.as_str()))?;
                return Ok(Some(pulled));
            }
            Err(failure) if failure.kind == FailureKind::Conflict => {
                // A lock that stays is named in the end, with what mends it.
                lost = failure;
                context.world().pause(Duration::from_millis(5 * u64::from(attempt)));
                verified = receive::verified(context, context.open_store()?, theirs.clone(), pin)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(lost)
}

/// Takes entries out of a file somebody sent, which must go on from what is here: only its signer could
/// bring them on top of anything else.
pub fn receive_file(context: &mut Context<'_>, file: &Path) -> Result<u64, Failure> {
    let store = context.open_store()?;
    store.check_writable()?;
    let theirs = remote::unbundle(context, &store, file)?;
    let here = store.resolve(BRANCH)?;
    if here.as_ref().is_some_and(|here| *here == theirs || store.contains(here, &theirs)) {
        return Ok(0);
    }
    if here.as_ref().is_some_and(|here| !store.contains(&theirs, here)) {
        return Err(Failure::conflict(format!(
            "{} does not go on from the newest entry here: others came first, and only who signed it can sign it again",
            file.display()
        ))
        .hint("ask them to take what is new, to look, and to send again: ledger pull, ledger sign …, ledger push --to FILE")
        .hint(format!("see what they signed: git log evidence..{}", share::RECEIVED)));
    }
    let pin = context.pin(&store)?;
    let verified = receive::verified(context, store, theirs.clone(), pin)?;
    seen::refuse_contradictions(context, &verified.store, &verified.ledger)?;
    let before = here.as_ref().map(|here| verified.store.entry_number(here)).transpose()?.flatten();
    if !context.global.dry_run {
        verified.store.advance(here.as_ref(), &theirs, "ledger pull --from")?;
        state::save(context, &verified.store, &verified.ledger);
    }
    Ok(verified.ledger.size() - before.map_or(0, |last| last.0 + 1))
}

/// A remote that serves another past than it did is not followed, not even to remember it.
fn refuse_rewritten(store: &GitStore, remote: &str, theirs: &ObjectId) -> Result<(), Failure> {
    let Some(known) = store.resolve(&share::tracking(remote))? else { return Ok(()) };
    if known == *theirs || store.contains(theirs, &known) {
        return Ok(());
    }
    let count = |commit: &ObjectId| store.entry_number(commit).ok().flatten().map_or(0, |number| number.0 + 1);
    let common = store.common(&known, theirs)?;
    let place = match &common {
        Some(common) if common == theirs => format!("only the first {}", count(theirs)),
        Some(common) => format!("another past after entry {}", count(common).saturating_sub(1)),
        None => "another branch altogether".to_owned(),
    };
    let expected = format!("{} entries on {remote}, as it served before, commit {known}", count(&known));
    let fault = Fault::of_ledger(FaultKind::Withheld, expected, format!("{place}, commit {theirs}"));
    let from = common.map_or_else(String::new, |common| format!("{common}.."));
    Err(Failure::broken(vec![fault]).hint(format!(
        "nothing here has changed. See what they have instead: git log {from}{}",
        share::fetched(remote)
    )))
}

/// Moves the branch here on to what was verified, with own entries on top.
fn join(context: &mut Context<'_>, mut verified: Loaded, theirs: &ObjectId) -> Result<(Pulled, Loaded), Failure> {
    let mut pulled = Pulled::default();
    let sizes = verified.ledger.size();
    let Some(here) = verified.store.resolve(BRANCH)? else {
        verified.store.advance(None, theirs, "ledger pull")?;
        return Ok((Pulled { begun: true, taken: sizes, ..pulled }, verified));
    };
    if here == *theirs {
        return Ok((pulled, verified));
    }
    let pin = context.pin(&verified.store)?;
    let ours = receive::verified(context, context.open_store()?, here.clone(), pin)?;
    let common = verified.store.common(&here, theirs)?;
    let common = common.and_then(|common| verified.store.entry_number(&common).ok().flatten());
    let Some(common) = common else {
        return Err(Failure::unknown("the branch here and theirs have no entry in common")
            .hint("ask whoever keeps the ledger which of them is right: ledger verify"));
    };
    let from = EntryNumber(common.0 + 1);
    pulled.taken = sizes.saturating_sub(from.0);
    if pulled.taken == 0 {
        pulled.unsent = ours.ledger.size() - sizes;
        return Ok((pulled, ours));
    }
    if from.0 == ours.ledger.size() {
        verified.store.advance(Some(&here), theirs, "ledger pull")?;
        return Ok((pulled, verified));
    }
    let roster = verified.ledger.policies().last().map(|policy| policy.roster().clone());
    let roster = roster.ok_or_else(|| Failure::unknown("no policy is in force"))?;
    let identity = context.identity(&verified.store, &roster)?;
    let done = rejoin::rejoin(context, &mut verified, &ours, from, &identity)?;
    let name = format!("{}{}", share::QUEUED, here.as_str().chars().take(12).collect::<String>());
    // Kept before the branch moves: whenever this ends, everything is under a ref.
    verified.store.set_aside(&name, &here, "ledger pull: entries that wait")?;
    if let Err(error) = verified.store.advance(Some(&here), &verified.tip.commit, "ledger pull") {
        drop(verified.store.drop_aside(&name, &here));
        return Err(error.into());
    }
    pulled.unsent = done.again.len() as u64;
    pulled.again = done.again;
    match done.left.is_empty() {
        // One that cannot be removed now is a ref too many, and the next pull finds nothing in it.
        true => drop(verified.store.drop_aside(&name, &here)),
        false => pulled.queued = Some(Queued { name, left: done.left }),
    }
    Ok((pulled, verified))
}

/// Forgets branches whose entries are all in the ledger by now, and says which still wait.
fn tidy(context: &mut Context<'_>, loaded: &Loaded, new: Option<&str>) -> Result<(), Failure> {
    for (name, at) in loaded.store.refs_below(share::QUEUED)? {
        if Some(name.as_str()) == new {
            continue;
        }
        match waiting(loaded, &at)? {
            0 => loaded.store.drop_aside(&name, &at)?,
            count => context.printer.talk(format!(
                "note: {} from an earlier pull\n  → git log evidence..{name}; when nothing of it is wanted: git update-ref -d {name}",
                counted(count, "entry waits", "entries wait")
            )),
        }
    }
    Ok(())
}

/// Entries of a branch that the ledger has not.
fn waiting(loaded: &Loaded, at: &ObjectId) -> Result<usize, StoreError> {
    let mut count = 0;
    for commit in loaded.store.history(at) {
        let commit = commit?;
        if loaded.store.contains(&loaded.tip.commit, &commit) || commit == loaded.tip.commit {
            break;
        }
        let statement = loaded.store.words(&commit)?.map(|(_, statement)| EntryId(statement));
        if statement.is_none_or(|id| loaded.ledger.position(id).is_none()) {
            count += 1;
        }
    }
    Ok(count)
}
