//! Own entries that nobody else has yet, brought again on top of those that came first.
//!
//! The statement and its files stay as they are, byte for byte: only the commit says where they stand. Each
//! is judged anew on the ledger as it is now, and what does not fit there is left for its author to look at.

use crate::chain::{Limits, VerifiedEntry, VerifiedLedger, Verifier};
use crate::cli::append::Plan;
use crate::cli::context::{Context, Identity};
use crate::cli::entries::Entries;
use crate::cli::failure::Failure;
use crate::cli::load::{Loaded, fetch};
use crate::cli::survey::examined;
use crate::entry::kinds::{Decision as Word, Predicate};
use crate::entry::{Attachment, DigestSet, Draft, Kind};
use crate::id::{EntryNumber, FileName, ObjectId};
use crate::policy::{Ask, Evaluator, Observed, audit};
use crate::sign::Signer;
use crate::store::git::{GitStore, Tip};

/// An entry that was not brought again, and why.
pub struct Left {
    pub number: EntryNumber,
    pub summary: String,
    pub why: String,
}

/// What became of the entries.
#[derive(Default)]
pub struct Rejoined {
    /// Their numbers now.
    pub again: Vec<EntryNumber>,
    pub left: Vec<Left>,
}

/// Brings entries of `ours`, from the number `from` on, again on top of `theirs`. Only objects are written:
/// `theirs` stands at the new tip afterwards, and no ref has moved.
pub fn rejoin(
    context: &Context<'_>,
    theirs: &mut Loaded,
    ours: &Loaded,
    from: EntryNumber,
    identity: &Identity,
) -> Result<Rejoined, Failure> {
    let mut done = Rejoined::default();
    let mut signer: Option<Signer> = None;
    let mut entries = Entries::new(ours);
    for number in (from.0..ours.ledger.size()).map(EntryNumber) {
        let entry = entries.entry(number)?;
        if theirs.ledger.position(entry.id()).is_some() {
            continue;
        }
        let why = match foreign(&theirs.ledger, &entry, identity) {
            Some(why) => Some(why),
            None => {
                let signer = match &mut signer {
                    Some(signer) => signer,
                    none => none.insert(identity.unlock()?),
                };
                let draft = drafted(&ours.store, &entry)?;
                one_more(context, theirs, &draft, identity, signer)?
            }
        };
        match why {
            None => done.again.push(EntryNumber(theirs.ledger.size() - 1)),
            Some(why) => done.left.push(Left { number, summary: entry.summary().to_owned(), why }),
        }
    }
    Ok(done)
}

/// Why an entry cannot even be tried.
fn foreign(ledger: &VerifiedLedger, entry: &VerifiedEntry, identity: &Identity) -> Option<String> {
    if *entry.person() != identity.person.id {
        return Some(format!("{} signed it, and nobody else signs it again", entry.person()));
    }
    let key = entry.attempt().filter(|_| entry.kind() != Kind::Open)?;
    ledger.attempt(key).is_none().then(|| format!("attempt {} at {} was never opened there", key.attempt, key.gate))
}

/// The entry as it was before it had a place.
fn drafted(store: &GitStore, entry: &VerifiedEntry) -> Result<Draft, Failure> {
    let unreadable =
        || Failure::unknown(format!("entry {} cannot be read again", entry.number())).hint("ledger verify");
    let (message, _) = store.words(entry.commit())?.ok_or_else(unreadable)?;
    let folder = entry.file_path("");
    let mut attachments = Vec::new();
    for file in store.entry(entry.commit())?.added.into_iter().filter(|file| file.path != entry.path()) {
        let name = file.path.strip_prefix(&folder).ok_or_else(unreadable)?;
        attachments.push(Attachment { name: FileName::parse(name)?, bytes: file.bytes.ok_or_else(unreadable)? });
    }
    Ok(Draft { statement: entry.statement().clone(), attachments, message })
}

/// Puts one entry on top, if it fits there; otherwise says why not.
fn one_more(
    context: &Context<'_>,
    on: &mut Loaded,
    draft: &Draft,
    identity: &Identity,
    signer: &Signer,
) -> Result<Option<String>, Failure> {
    let commit = Plan::on(&on.ledger, draft, identity).commit(&on.store, draft, signer)?;
    let mut verifier = Verifier::resume(on.ledger.clone(), Limits::default(), context.world().now());
    verifier.admit(examined(&on.store, &commit)?);
    let mut ledger = match verifier.finish() {
        Ok(ledger) => ledger,
        Err(faults) => return Ok(Some(faults.first().map(ToString::to_string).unwrap_or_default())),
    };
    let tip = Tip { commit, local: true, elsewhere: None };
    if let Some(key) = draft.statement.predicate.scope().attempt.as_ref() {
        fetch(&on.store, &tip, &mut ledger, std::slice::from_ref(&key.release))?;
    }
    let misfit = misfit(&ledger, identity);
    if misfit.is_none() {
        on.ledger = ledger;
        on.tip = tip;
    }
    Ok(misfit)
}

/// Why the newest entry, which holds, is not what its author would write on this ledger.
fn misfit(ledger: &VerifiedLedger, identity: &Identity) -> Option<String> {
    let number = EntryNumber(ledger.size() - 1);
    let entry = ledger.entry(number)?;
    let key = entry.attempt()?;
    let source = &ledger.opening(key)?.source.commit;
    let of_release = entry.statement().subject.iter().filter(|subject| subject.name == key.release.as_str());
    let mut commits = of_release.filter_map(|subject| match &subject.digest {
        DigestSet::GitCommit(commit) => Some(commit),
        _ => None,
    });
    if let Some(other) = commits.find(|commit| *commit != source) {
        return Some(format!(
            "it is about commit {}, and the attempt there was opened for {}",
            short(other),
            short(source)
        ));
    }
    let evaluator = Evaluator::new(ledger);
    match entry.predicate() {
        Predicate::Open(_) => {
            let faults = audit::openings(&evaluator);
            faults.into_iter().find(|fault| fault.entry == Some(number)).map(|fault| fault.to_string())
        }
        Predicate::Promotion(_) => (!evaluator.is_justified(entry, number.0))
            .then(|| format!("{} is not open there: what it rested on has changed", key.gate)),
        Predicate::Approval(approval) if approval.decision == Word::Approved && approval.about.is_none() => {
            let observed = Observed::new();
            let decision = evaluator.decide(&Ask {
                pipeline: &key.pipeline,
                gate: &key.gate,
                release: &key.release,
                size: number.0,
                now: entry.committed_at(),
                observed: &observed,
                source: None,
            });
            let is_own = |entry| ledger.entry(entry).is_some_and(|entry| *entry.person() == identity.person.id);
            let same = decision.policy == approval.saw.policy && decision.evidence() == approval.saw.evidence;
            (!same || !decision.is_ready(is_own))
                .then(|| format!("{} is not what was seen when it was signed", key.gate))
        }
        _ => None,
    }
}

fn short(commit: &ObjectId) -> String {
    commit.as_str().chars().take(10).collect()
}
