//! Sharing the evidence: taking what others have, and bringing own entries on top of it.
//!
//! A remote's branch is fetched beside everything, verified, and only then believed. The branch here moves in
//! one step from the old one to the new one; what could not be brought again is kept under a ref before that,
//! so that nothing is lost whenever the process ends.

pub mod mail;
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
const TRIES: u64 = 20;
/// The same where each asks the remote anew.
const FETCHES: u64 = 6;

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
        .hint(format!("look at what waits: git log refs/heads/evidence..{0}; do again what still holds", self.name))
        .hint(format!("then forget it: git update-ref -d {}", self.name))
    }
}

/// Takes a remote's entries. `None`: the remote has no evidence yet.
pub fn pull(context: &mut Context<'_>, remote: &str) -> Result<Option<Pulled>, Failure> {
    let Some((verified, theirs)) = retried(context, FETCHES, |context| believed(context, remote))? else {
        return Ok(None);
    };
    let pin = context.pin(&verified.store)?;
    let mut first = Some(verified);
    let (pulled, loaded) = retried(context, TRIES, |context| {
        let verified = match first.take() {
            Some(verified) => verified,
            None => receive::verified(context, context.open_store()?, theirs.clone(), pin)?,
        };
        join(context, verified, &theirs)
    })?;
    state::save(context, &loaded.store, &loaded.ledger);
    drop(seen::remember(context, &loaded.store, &loaded.ledger)?);
    tidy(context, &loaded, pulled.queued.as_ref().map(|queued| queued.name.as_str()))?;
    Ok(Some(pulled))
}

/// Does again what other writers in this repository came before. A lock that stays is named in the end, with
/// what mends it.
fn retried<T>(
    context: &mut Context<'_>,
    tries: u64,
    mut work: impl FnMut(&mut Context<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut attempt = 0;
    loop {
        match work(context) {
            Err(failure) if failure.kind == FailureKind::Conflict && attempt + 1 < tries => {
                context.world().pause(Duration::from_millis(5 * attempt));
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

/// What a remote has, fetched and verified.
fn believed(context: &mut Context<'_>, remote: &str) -> Result<Option<(Loaded, ObjectId)>, Failure> {
    let store = context.open_store()?;
    store.check_writable()?;
    // Heard of before anything is fetched: another pull may hear of more while this one waits for the network.
    let known = store.resolve(&share::tracking(remote))?;
    let Some(theirs) = remote::fetch(context, &store, remote)? else { return Ok(None) };
    match held(context, store, remote, known.as_ref(), &theirs) {
        Ok(verified) => Ok(Some((verified, theirs))),
        Err(_) if context.open_store()?.resolve(&share::fetched(remote))?.as_ref() != Some(&theirs) => {
            Err(Failure::conflict(format!("another process here kept fetching from {remote}")).hint("ledger pull"))
        }
        Err(failure) => Err(failure),
    }
}

/// Holds what was fetched against what the remote had and what was seen, and remembers that it has it.
fn held(
    context: &mut Context<'_>,
    store: GitStore,
    remote: &str,
    known: Option<&ObjectId>,
    theirs: &ObjectId,
) -> Result<Loaded, Failure> {
    refuse_rewritten(&store, remote, known, theirs)?;
    let pin = context.pin(&store)?;
    let verified = receive::verified(context, store, theirs.clone(), pin)?;
    seen::refuse_contradictions(context, &verified.store, &verified.ledger)?;
    verified.store.hear(remote, theirs, "ledger pull")?;
    let withheld = seen::withheld(context, &verified.store, &verified.ledger)?;
    if withheld.is_empty() { Ok(verified) } else { Err(Failure::broken(withheld)) }
}

/// Takes entries out of a file somebody sent, which must go on from what is here: only its signer could
/// bring them on top of anything else.
pub fn receive_file(context: &mut Context<'_>, file: &Path) -> Result<u64, Failure> {
    let store = context.open_store()?;
    store.check_writable()?;
    let theirs = mail::read(context, &store, file)?;
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
        .hint(format!("see what they signed: git log refs/heads/evidence..{}", share::RECEIVED)));
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
fn refuse_rewritten(
    store: &GitStore,
    remote: &str,
    known: Option<&ObjectId>,
    theirs: &ObjectId,
) -> Result<(), Failure> {
    let Some(known) = known else { return Ok(()) };
    if known == theirs || store.contains(theirs, known) {
        return Ok(());
    }
    let count = |commit: &ObjectId| store.entry_number(commit).ok().flatten().map_or(0, |number| number.0 + 1);
    let common = store.common(known, theirs)?;
    let place = match &common {
        Some(common) if common == theirs => format!("only the first {}", count(theirs)),
        Some(common) => format!("another past after entry {}", count(common).saturating_sub(1)),
        None => "another branch altogether".to_owned(),
    };
    let expected = format!("{} entries on {remote}, as it served before, commit {known}", count(known));
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
    pulled.unsent = done.again.len() as u64;
    pulled.again = done.again;
    if !done.left.is_empty() {
        let name = format!("{}{}", share::QUEUED, here.as_str().chars().take(12).collect::<String>());
        pulled.queued = Some(Queued { name, left: done.left });
    }
    let kept = pulled.queued.as_ref().map(|queued| queued.name.as_str());
    verified.store.replace(&here, &verified.tip.commit, kept, "ledger pull")?;
    Ok((pulled, verified))
}

/// Forgets branches whose entries are all in the ledger by now, and says which still wait.
fn tidy(context: &mut Context<'_>, loaded: &Loaded, new: Option<&str>) -> Result<(), Failure> {
    let mut arrived = Vec::new();
    for (name, at) in loaded.store.refs_below(share::QUEUED)? {
        if Some(name.as_str()) == new {
            continue;
        }
        match waiting(loaded, &at)? {
            0 => arrived.push((name, at)),
            count => context.printer.talk(format!(
                "note: {} from an earlier pull\n  → git log refs/heads/evidence..{name}; when nothing of it is wanted: git update-ref -d {name}",
                counted(count, "entry waits", "entries wait")
            )),
        }
    }
    if !arrived.is_empty() {
        // Where somebody writes meanwhile, they are refs too many, and the next pull finds nothing in them.
        drop(loaded.store.drop_aside(&loaded.tip.commit, &arrived));
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
