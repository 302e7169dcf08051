//! The evidence branch: it only grows, by entries that verify on what is there.

use super::{Update, refused};
use crate::chain::{Keep, Limits, TrustAnchor, VerifiedLedger, Verifier};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::load::{Loaded, Read};
use crate::cli::state;
use crate::cli::survey::Depth;
use crate::id::{Digest, ObjectId};
use crate::store::git::{BRANCH, GitStore, StoreError, Tip};

/// What a ledger is held to, and whether what was verified is kept for next time.
#[derive(Debug, Clone, Copy)]
pub struct Trust {
    pub pin: Option<Digest>,
    /// Only what the repository has already: a push may still fail.
    pub keeps: bool,
}

/// The ledger as a push leaves it, where it may.
pub fn take(context: &mut Context<'_>, store: GitStore, update: &Update, trust: Trust) -> Result<Loaded, Failure> {
    let taken = grown(context, store, update, trust);
    if taken.is_err() {
        refused(&mut context.printer, update);
    }
    taken
}

/// The ledger as it stands here.
pub fn as_it_is(context: &mut Context<'_>, store: GitStore, trust: Trust) -> Result<Loaded, Failure> {
    let Some(tip) = store.resolve(BRANCH)? else {
        return Err(Failure::unknown("the server has no evidence, so nobody can tell whether the gate is passed")
            .hint(
                "push it first: ledger push (or in the same push: git push --atomic origin refs/heads/evidence BRANCH)",
            ));
    };
    let known = state::restore(context, &store, trust.pin);
    let loaded = read(context, store, tip, known, trust.pin)?;
    if trust.keeps {
        state::save(context, &loaded.store, &loaded.ledger);
    }
    Ok(loaded)
}

fn grown(context: &mut Context<'_>, store: GitStore, update: &Update, trust: Trust) -> Result<Loaded, Failure> {
    let Some(new) = &update.new else {
        return Err(Failure::no("the evidence branch is never deleted").hint("what is there stays: ledger pull"));
    };
    if let Some(old) = &update.old {
        // Not here at all: others have pushed what this clone has never fetched.
        let goes_on = match store.commits_after(new, Some(old)) {
            Ok(found) => found.is_some(),
            Err(StoreError::Missing { .. } | StoreError::Unreadable { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        if !goes_on {
            return Err(Failure::no("the evidence branch only grows: this push would take entries from it")
                .hint("take theirs, and bring yours again on top: ledger pull, then ledger push"));
        }
    }
    if update.old.is_some() && trust.keeps {
        let Loaded { store, ledger, .. } = as_it_is(context, store, trust)?;
        return read(context, store, new.clone(), Some(ledger), trust.pin);
    }
    read_from_state(context, store, new.clone(), trust.pin)
}

/// The ledger up to a commit, going on from what was verified here before.
pub fn read_from_state(
    context: &mut Context<'_>,
    store: GitStore,
    commit: ObjectId,
    pin: Option<Digest>,
) -> Result<Loaded, Failure> {
    let known = state::restore(context, &store, pin);
    read(context, store, commit, known, pin)
}

/// Verified up to a tip and audited like `ledger verify` does, from what is known where that fits.
fn read(
    context: &mut Context<'_>,
    store: GitStore,
    commit: ObjectId,
    known: Option<VerifiedLedger>,
    pin: Option<Digest>,
) -> Result<Loaded, Failure> {
    let resumed = known.map(|known| resumed(context, &store, &commit, known)).transpose()?.flatten();
    let (ledger, doubtful) = match resumed {
        Some(resumed) => resumed,
        None => {
            let anchor = TrustAnchor { first: pin };
            context.read_whole(&store, &commit, anchor, Keep::Openings, Depth::Facts)?
        }
    };
    let tip = Tip { commit, local: true, elsewhere: None };
    let mut loaded = Loaded { store, tip, ledger, withheld: Vec::new() };
    let faults = context.audit(&mut loaded, &doubtful)?;
    if faults.is_empty() { Ok(loaded) } else { Err(Failure::broken(faults)) }
}

/// Goes on from there; `None` where that does not fit, which only reading everything settles.
fn resumed(
    context: &mut Context<'_>,
    store: &GitStore,
    commit: &ObjectId,
    known: VerifiedLedger,
) -> Result<Option<Read>, Failure> {
    let Ok(Some(new)) = store.commits_after(commit, known.tip().as_ref()) else { return Ok(None) };
    let now = context.world().now();
    let verifier = Verifier::resume(known, Limits::default(), now).keeping(Keep::Openings);
    let read = context.admit_all(store, &new, verifier, Depth::Facts)?.ok();
    Ok(read.filter(|(ledger, _)| ledger.is_sound()))
}
