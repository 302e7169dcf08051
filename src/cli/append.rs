//! The one way an entry comes into being: compose, place, sign, compare-and-swap, read back.

use std::time::Duration;

use super::context::{Context, Identity};
use super::failure::{Failure, FailureKind};
use super::load::{Loaded, expected};
use super::seen::{self, Compared};
use super::state;
use super::survey::{Depth, examined};
use super::typed;
use crate::chain::{Keep, Limits, VerifiedEntry, VerifiedLedger, Verifier, slug_of};
use crate::entry::kinds::{PolicyFile, Predicate};
use crate::entry::{Draft, Kind};
use crate::id::{EntryNumber, ObjectId};
use crate::sign::public_key::PublicKey;
use crate::sign::sshsig::{SshSignature, to_be_signed};
use crate::sign::{Signer, dsse};
use crate::store::commit::{Commit, DsseTrailer, Trailers};
use crate::store::git::{GitStore, MAX_READ, StoreError};
use crate::store::layout::{POLICY_FOLDER, Position};

/// Tries before a writer that keeps losing gives up with exit code 5.
const TRIES: u32 = 400;

/// What an append did.
pub struct Appended {
    pub number: EntryNumber,
    /// The very statement was there already; nothing was written.
    pub existing: bool,
}

/// Appends what `compose` makes of the ledger as it is. A lost race composes again on the new
/// ledger, so a decision is never recorded on a past it was not taken on. Under `--dry-run`
/// everything is composed and nothing is written: the answer is `None`.
pub fn append(
    context: &mut Context<'_>,
    loaded: &mut Loaded,
    identity: &Identity,
    mut compose: impl FnMut(&Context<'_>, &VerifiedLedger) -> Result<Draft, Failure>,
) -> Result<Option<Appended>, Failure> {
    loaded.store.check_writable()?;
    if context.global.dry_run {
        let draft = compose(context, &loaded.ledger)?;
        typed::refuse_secrets(&draft)?;
        if let Some(entry) = loaded.ledger.find(draft.statement.id()) {
            return Ok(Some(Appended { number: entry.number(), existing: true }));
        }
        drop(identity.unlock()?);
        context.printer.talk(format!("dry run: would append {}", draft.message.lines().next().unwrap_or_default()));
        return Ok(None);
    }
    let mut signer = None;
    for attempt in 0..TRIES {
        let draft = compose(context, &loaded.ledger)?;
        typed::refuse_secrets(&draft)?;
        let brought: u64 = draft.attachments.iter().map(|file| file.bytes.len() as u64).sum();
        if brought > MAX_READ {
            return Err(Failure::usage(format!("the files of one entry hold at most {} MiB together", MAX_READ >> 20))
                .hint("bring fewer at once"));
        }
        if let Some(entry) = loaded.ledger.find(draft.statement.id()) {
            return Ok(Some(Appended { number: entry.number(), existing: true }));
        }
        let signer: &Signer = match &mut signer {
            Some(signer) => signer,
            none => none.insert(identity.unlock()?),
        };
        let plan = Plan::on(&loaded.ledger, &draft, identity);
        let number = plan.number;
        let written = plan.write(&loaded.store, &draft, signer, expected(&loaded.tip));
        drop(plan);
        match written {
            Ok(commit) => {
                catch_up(context, loaded)?;
                return match loaded.ledger.entry(number).map(VerifiedEntry::commit) {
                    Some(found) if *found == commit => Ok(Some(Appended { number, existing: false })),
                    _ => Err(Failure::conflict("the branch was replaced while this entry was written")),
                };
            }
            Err(failure) if failure.kind == FailureKind::Conflict && attempt + 1 < TRIES => {
                let spread = context.world().jitter().wrapping_mul(u64::from(attempt) + 7) % 23;
                context.world().pause(Duration::from_millis(1 + spread + u64::from(attempt.min(40))));
                catch_up(context, loaded)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::conflict("other writers kept coming first").hint("run the command again"))
}

/// Reads and verifies what has been appended since: our own entries are read back like anybody's.
fn catch_up(context: &mut Context<'_>, loaded: &mut Loaded) -> Result<(), Failure> {
    loop {
        let mut tip = loaded.store.tip()?;
        let known = loaded.ledger.tip();
        let Some(new) = loaded.store.commits_after(&tip.commit, known.as_ref())? else {
            let known = known.map_or_else(String::new, |id| id.to_string());
            return Err(Failure::conflict(format!("the evidence branch no longer contains {known}: it was replaced")));
        };
        let mut verifier = Verifier::resume(loaded.ledger.clone(), Limits::default(), context.world().now());
        for id in &new {
            verifier.admit(examined(&loaded.store, id)?);
        }
        // A fault is only reported by who has read everything.
        loaded.ledger = match verifier.finish() {
            Ok(ledger) => ledger,
            Err(_) => context.verify_whole(&loaded.store, &mut tip, Keep::All, Depth::Steps, None)?.ledger,
        };
        loaded.tip = tip;
        if let Compared::Agrees(_) = seen::remember(context, &loaded.store, &loaded.ledger)? {
            break;
        }
    }
    state::save(context, &loaded.store, &loaded.ledger);
    Ok(())
}

/// Entry 0 of a new ledger: there is nothing to read back onto, so it is verified from nothing.
pub fn begin(store: &GitStore, draft: &Draft, person: (&str, &str), signer: &Signer) -> Result<ObjectId, Failure> {
    let predicate = &draft.statement.predicate;
    let plan = Plan {
        number: EntryNumber(0),
        parent: None,
        files: files_of(draft, Position { folder: POLICY_FOLDER, index: 0, number: EntryNumber(0) }, None),
        commit: |tree| Commit {
            tree,
            parent: None,
            name: person.1.to_owned(),
            email: person.0.to_owned(),
            seconds: predicate.recorded_at().seconds(),
            text: draft.message.clone(),
            trailers: Trailers {
                origin: predicate.scope().origin.clone(),
                number: EntryNumber(0),
                statement: draft.statement.id().0,
                before_size: 0,
                before_root: crate::id::Digest::of(b""),
                dsse: None,
            },
        },
    };
    plan.write(store, draft, signer, None)
}

/// One entry with its place: everything but its tree and signatures.
pub struct Plan<F> {
    number: EntryNumber,
    parent: Option<ObjectId>,
    files: Vec<(String, Vec<u8>)>,
    commit: F,
}

impl Plan<()> {
    pub fn on<'p>(
        ledger: &'p VerifiedLedger,
        draft: &'p Draft,
        identity: &'p Identity,
    ) -> Plan<impl Fn(ObjectId) -> Commit + 'p> {
        let number = EntryNumber(ledger.size());
        let predicate = &draft.statement.predicate;
        let (folder, index) = place_of(ledger, predicate);
        let position = Position { folder: &folder, index, number };
        let slug = slug_of(predicate, Some(&identity.person));
        let files = files_of(draft, position, slug.as_deref());
        let parent = ledger.tip();
        let earlier = ledger.seconds();
        let before = parent.clone();
        let commit = move |tree| Commit {
            tree,
            parent: before.clone(),
            name: identity.person.name.clone(),
            email: identity.person.id.to_string(),
            // Clocks of laptops differ; the ledger's time never runs backwards.
            seconds: predicate.recorded_at().seconds().max(earlier),
            text: draft.message.clone(),
            trailers: Trailers {
                origin: ledger.origin().clone(),
                number,
                statement: draft.statement.id().0,
                before_size: ledger.size(),
                before_root: ledger.root(),
                dsse: None,
            },
        };
        Plan { number, parent, files, commit }
    }
}

impl<F: Fn(ObjectId) -> Commit> Plan<F> {
    /// Writes objects, then moves the branch. Until the last step nothing is visible.
    fn write(
        &self,
        store: &GitStore,
        draft: &Draft,
        signer: &Signer,
        expected: Option<&ObjectId>,
    ) -> Result<ObjectId, Failure> {
        let id = self.commit(store, draft, signer)?;
        let summary = draft.message.lines().next().unwrap_or_default();
        store.advance(expected, &id, summary).map_err(|error: StoreError| Failure::from(error))?;
        Ok(id)
    }

    /// Writes objects alone, which nobody sees before a ref names them.
    pub fn commit(&self, store: &GitStore, draft: &Draft, signer: &Signer) -> Result<ObjectId, Failure> {
        let files: Vec<(String, &[u8])> =
            self.files.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())).collect();
        let tree = store.write_tree(self.parent.as_ref(), &files)?;
        let mut commit = (self.commit)(tree);
        let key: PublicKey = signer.public();
        let signature = signer.sign(&dsse::pae(draft.statement.bytes()))?;
        commit.trailers.dsse = Some(DsseTrailer { fingerprint: key.fingerprint(), signature });
        let signature = signer.sign(&to_be_signed(&commit.payload()))?;
        let armor = SshSignature { key, signature }.to_armor();
        Ok(store.write_commit(&commit.with_signature(&armor, store.format()))?)
    }
}

/// The folder an entry belongs to, and how many are in it.
fn place_of(ledger: &VerifiedLedger, predicate: &Predicate) -> (String, u64) {
    match (predicate, &predicate.scope().attempt) {
        (Predicate::Open(open), _) => (open.folder.to_string(), 0),
        (_, None) => (POLICY_FOLDER.to_owned(), ledger.policy_entries()),
        (_, Some(key)) => ledger.attempt(key).map(|attempt| (attempt.folder, attempt.entries)).unwrap_or_default(),
    }
}

/// The statement and its files, each at its path.
fn files_of(draft: &Draft, position: Position<'_>, slug: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let predicate = &draft.statement.predicate;
    let statement = position.statement(predicate.kind().word(), slug);
    let mut files = vec![(statement, draft.statement.bytes().to_vec())];
    for file in &draft.attachments {
        let at_root = predicate.kind() == Kind::Policy && file.name.as_str() == crate::entry::kinds::Policy::README;
        let path = if at_root { file.name.to_string() } else { position.file(file.name.as_str()) };
        files.push((path, file.bytes.clone()));
    }
    files
}

/// A policy statement's line about one of its files.
pub fn policy_file(attachment: &crate::entry::Attachment) -> PolicyFile {
    PolicyFile {
        name: attachment.name.clone(),
        size: attachment.bytes.len() as u64,
        sha256: crate::id::Digest::of(&attachment.bytes),
    }
}
