//! From a repository to its verified ledger: everything read anew, or taken up where it was left.

use super::beside;
use super::comparison;
use super::context::Context;
use super::failure::{Failure, FailureKind};
use super::seen::{self, Compared};
use super::state;
use super::survey::{Depth, examined, survey};
use crate::chain::figures::Claim;
use crate::chain::{Fault, Keep, Limits, TrustAnchor, VerifiedEntry, VerifiedLedger, Verifier};
use crate::entry::Kind;
use crate::evidence::readers::Wanted;
use crate::id::{EntryNumber, ObjectId, Version};
use crate::policy::{CANDIDATES, Evaluator, audit, reread};
use crate::store::git::{Elsewhere, GitStore, StoreError, Tip};

/// Releases whose statements are at hand at once.
pub const RELEASES: usize = 32;

/// A repository and its ledger, verified.
pub struct Loaded {
    pub store: GitStore,
    pub tip: Tip,
    pub ledger: VerifiedLedger,
    /// Remotes that have fewer of its entries than they once had.
    pub withheld: Vec<Fault>,
}

/// A ledger, and the entries whose facts do not follow from their files alone.
pub type Read = (VerifiedLedger, Vec<EntryNumber>);

/// What reading a whole ledger gave.
pub struct Whole {
    pub ledger: VerifiedLedger,
    /// Entries whose facts do not follow from their files alone.
    pub doubtful: Vec<EntryNumber>,
    /// As in [`Loaded`].
    pub withheld: Vec<Fault>,
}

impl Context<'_> {
    /// Every entry through every step; then compared with figures, where somebody brings some, and with
    /// what was seen before.
    pub fn verify_whole(
        &mut self,
        store: &GitStore,
        tip: &mut Tip,
        keep: Keep,
        depth: Depth,
        claim: Option<Claim>,
    ) -> Result<Whole, Failure> {
        let anchor = TrustAnchor { first: self.pin(store)? };
        loop {
            let read = self.read_whole(store, &tip.commit, anchor, keep, depth);
            let (ledger, doubtful) = read.inspect_err(|failure| {
                if failure.kind == FailureKind::Broken {
                    state::forget(self, store);
                }
            })?;
            match claim {
                Some(Claim::Agreed(figures)) => seen::accept(self, &ledger, figures)?,
                Some(Claim::Seen(figures)) => seen::require(&ledger, figures)?,
                None => {}
            }
            // The memory would still be the one the figures are to put aside.
            if self.global.dry_run && matches!(claim, Some(Claim::Agreed(_))) {
                return Ok(Whole { ledger, doubtful, withheld: Vec::new() });
            }
            if let Compared::Agrees(withheld) = seen::remember(self, store, &ledger)? {
                return Ok(Whole { ledger, doubtful, withheld });
            }
            *tip = store.tip()?;
        }
    }

    /// Every entry up to a tip through every step, compared with nothing that was seen.
    pub fn read_whole(
        &mut self,
        store: &GitStore,
        tip: &ObjectId,
        anchor: TrustAnchor,
        keep: Keep,
        depth: Depth,
    ) -> Result<Read, Failure> {
        store.expect_many_reads();
        let verifier = Verifier::new(store.format(), anchor, Limits::default(), self.world().now()).keeping(keep);
        let commits = store.commits(tip)?;
        self.admit_all(store, &commits, verifier, depth)?.map_err(|faults| {
            // Damage is no tampering: nobody is accused by bytes that are not the object's.
            let mut accused: Vec<ObjectId> = faults.iter().filter_map(|fault| fault.commit.clone()).collect();
            // An entry's faults stand together, and it is read again once for all of them.
            accused.dedup();
            store.check_undamaged(&accused).map_or_else(Failure::from, |()| Failure::broken(faults))
        })
    }

    /// Admits commits to a verifier, which may have admitted others before them.
    pub fn admit_all(
        &mut self,
        store: &GitStore,
        commits: &[ObjectId],
        mut verifier: Verifier,
        depth: Depth,
    ) -> Result<Result<Read, Vec<Fault>>, Failure> {
        let cores = self.world().cores();
        let mut progress = self.printer.world.progress("verifying", "entries", commits.len());
        let doubtful = survey(store, commits, &mut verifier, depth, cores, &mut progress)?;
        drop(progress);
        Ok(verifier.finish().map(|ledger| {
            let before = ledger.size().saturating_sub(commits.len() as u64);
            (ledger, doubtful.into_iter().map(|at| EntryNumber(before + at as u64)).collect())
        }))
    }

    /// What needs a policy, about entries that were just verified: openings, promotions, facts in doubt. The
    /// statements of a few releases at a time are read again for it, so that no ledger is too long.
    pub fn audit(&self, loaded: &mut Loaded, doubtful: &[EntryNumber]) -> Result<Vec<Fault>, Failure> {
        let mut faults = audit::openings(&Evaluator::new(&loaded.ledger));
        faults.extend(comparison::faults(loaded));
        let promoted = loaded.ledger.releases_of(|number, kind| kind == Kind::Promotion || doubtful.contains(&number));
        for releases in promoted.chunks(RELEASES) {
            fetch(&loaded.store, &loaded.tip, &mut loaded.ledger, releases)?;
            let evaluator = Evaluator::new(&loaded.ledger);
            faults.extend(audit::promotions(&evaluator));
            let doubted = doubtful.iter().filter_map(|number| loaded.ledger.entry(*number));
            faults.extend(self.lying_facts(loaded, &evaluator, doubted)?);
            loaded.ledger.unload();
        }
        Ok(faults)
    }

    /// Goes on from what was verified here before, with the statements of a release at hand (of every
    /// pipeline's newest without one). Whatever does not fit is settled by reading everything.
    pub fn load(&mut self, release: Option<&str>) -> Result<Loaded, Failure> {
        let store = self.open_store()?;
        let loaded = self.continued(store, AtHand::Release(release))?;
        self.told(loaded)
    }

    /// The same without trusting what was kept: a machine that others share answers for nobody.
    pub fn load_anew(&mut self, release: Option<&str>) -> Result<Loaded, Failure> {
        let store = self.open_store()?;
        let loaded = self.begun_anew(store, AtHand::Release(release))?;
        self.told(loaded)
    }

    /// Asks what records and single entries answer, with no statement at hand. An answer that what was
    /// kept cannot give is asked for again after reading everything.
    pub fn ask<T>(&mut self, question: impl Fn(&Loaded) -> Result<T, Failure>) -> Result<(Loaded, T), Failure> {
        let store = self.open_store()?;
        let mut loaded = self.continued(store, AtHand::Nothing)?;
        let mut answer = question(&loaded);
        let in_doubt = |failure: &Failure| failure.kind == FailureKind::Unknown;
        if loaded.ledger.is_resumed() && (!loaded.ledger.is_sound() || answer.as_ref().is_err_and(in_doubt)) {
            state::forget(self, &loaded.store);
            loaded = self.begun_anew(loaded.store, AtHand::Nothing)?;
            answer = question(&loaded);
        }
        let answer = answer?;
        Ok((self.told(loaded)?, answer))
    }

    /// What is wrong where entries could not be read again: a fault is only reported by who has read
    /// everything.
    pub fn settled(&mut self, loaded: &Loaded, failure: Failure) -> Failure {
        if failure.kind != FailureKind::Unknown {
            return failure;
        }
        state::forget(self, &loaded.store);
        let verdict = self.verify_whole(&loaded.store, &mut loaded.tip.clone(), Keep::Nothing, Depth::Steps, None);
        verdict.err().unwrap_or(failure)
    }

    fn continued(&mut self, store: GitStore, at_hand: AtHand<'_>) -> Result<Loaded, Failure> {
        match self.resume(&store, at_hand)? {
            Some((tip, ledger, withheld)) => Ok(Loaded { store, tip, ledger, withheld }),
            None => {
                state::forget(self, &store);
                self.begun_anew(store, at_hand)
            }
        }
    }

    fn begun_anew(&mut self, store: GitStore, at_hand: AtHand<'_>) -> Result<Loaded, Failure> {
        let mut tip = store.tip()?;
        let whole = self.verify_whole(&store, &mut tip, at_hand.openings(), Depth::Steps, None)?;
        let Whole { mut ledger, withheld, .. } = whole;
        state::save(self, &store, &ledger);
        let releases = at_hand.releases(&ledger);
        fetch(&store, &tip, &mut ledger, &releases)?;
        Ok(Loaded { store, tip, ledger, withheld })
    }

    fn resume(&mut self, store: &GitStore, at_hand: AtHand<'_>) -> Result<Option<Resumed>, Failure> {
        let pin = self.pin(store)?;
        // The state first: read after the tip, it could be ahead of it and look like a rewound branch.
        let known = state::restore(self, store, pin);
        let tip = store.tip()?;
        let Some(known) = known else { return Ok(None) };
        let (size, at) = (known.size(), known.tip());
        let Some(new) = store.commits_after(&tip.commit, at.as_ref())? else {
            let last = at.map_or_else(String::new, |at| at.to_string());
            self.printer.talk(format!(
                "note: the evidence branch no longer contains {last}, verified here before as entry {}: it was rewound or replaced\n  → git log {last}",
                size.saturating_sub(1)
            ));
            return Ok(None);
        };
        let mut verifier = Verifier::resume(known, Limits::default(), self.world().now());
        if matches!(at_hand, AtHand::Nothing) {
            verifier = verifier.keeping(Keep::Nothing);
        }
        for id in new {
            verifier.admit(examined(store, &id)?);
        }
        let Ok(mut ledger) = verifier.finish() else { return Ok(None) };
        let releases = at_hand.releases(&ledger);
        if fetch(store, &tip, &mut ledger, &releases).is_err() || !ledger.is_sound() {
            return Ok(None);
        }
        let Compared::Agrees(withheld) = seen::remember(self, store, &ledger)? else {
            return self.resume(store, at_hand);
        };
        if ledger.size() > size {
            state::save(self, store, &ledger);
        }
        Ok(Some((tip, ledger, withheld)))
    }

    /// Evidence whose recorded facts are not what its files say, among the entries given. Whoever
    /// decides or verifies looks: a signed statement can claim any facts.
    pub fn lying_facts<'l>(
        &self,
        loaded: &Loaded,
        evaluator: &Evaluator<'_>,
        entries: impl Iterator<Item = &'l VerifiedEntry>,
    ) -> Result<Vec<Fault>, Failure> {
        let mut faults = Vec::new();
        for entry in entries {
            let Some(evidence) = entry.evidence() else { continue };
            let mut files = Vec::new();
            for file in reread::sources(evidence) {
                let path = entry.file_path(file.name.as_str());
                files.push((file.name.as_str(), loaded.store.file(entry.commit(), &path)?));
            }
            let gate = entry
                .attempt()
                .and_then(|key| evaluator.policy(entry.number().0)?.pipeline(&key.pipeline)?.gate(&key.gate));
            let template = reread::template(evidence).map(|file| entry.file_path(file.name.as_str()));
            let template = template.map(|path| loaded.store.file(entry.commit(), &path)).transpose()?;
            if !files.is_empty() {
                let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
                let asked = gate.map(|gate| gate.wanted(&evidence.slot)).unwrap_or_default();
                let wanted = Wanted { template: template.as_deref(), ..asked };
                faults.extend(reread::compare(entry, &files, wanted));
            }
        }
        Ok(faults)
    }

    /// The same for all that decisions took at its word, in their gates and in those they rest on: what is to be
    /// signed, promoted or let through must be true. What lies beside the ledger has to be at hand for it.
    pub fn refuse_lies(&self, loaded: &Loaded, evaluator: &Evaluator<'_>) -> Result<(), Failure> {
        let believed = evaluator.take_believed();
        let entries = believed.iter().filter_map(|(number, words)| Some((evaluator.ledger().entry(*number)?, words)));
        let entries: Vec<_> = entries.collect();
        let mut faults = self.lying_facts(loaded, evaluator, entries.iter().map(|(entry, _)| *entry))?;
        for (entry, words) in &entries {
            match comparison::fault(&loaded.store, entry) {
                Err(StoreError::NoCommit(_)) if !words.of_commit => {}
                found => faults.extend(found?),
            }
        }
        if !faults.is_empty() {
            return Err(Failure::broken(faults));
        }
        entries.into_iter().try_for_each(|(entry, words)| beside::require(loaded, entry, words))
    }

    pub fn told(&mut self, loaded: Loaded) -> Result<Loaded, Failure> {
        let tip = &loaded.tip;
        for fault in &loaded.withheld {
            self.printer.talk(format!(
                "warning: {fault}\n  what is here holds and has all of it: do not take theirs; ask who changed the branch, and put it back\n  → ledger push (git push --force-with-lease origin refs/heads/evidence, if they have other entries instead)"
            ));
        }
        if let Some(Elsewhere { remote, diverged }) = tip.elsewhere.as_ref().filter(|_| loaded.withheld.is_empty()) {
            let line = match diverged {
                false => format!("note: {remote} has entries that are not here yet\n  → ledger pull"),
                true => format!(
                    "note: {remote} and this clone each have entries the other has not; take theirs, and bring yours \
                     again on top\n  → ledger pull"
                ),
            };
            self.printer.talk(line);
        }
        Ok(loaded)
    }
}

/// A ledger taken up where it was left.
type Resumed = (Tip, VerifiedLedger, Vec<Fault>);

/// Which statements a command needs at hand.
#[derive(Debug, Clone, Copy)]
enum AtHand<'r> {
    Nothing,
    /// Those of a release, or of every pipeline's newest.
    Release(Option<&'r str>),
}

impl AtHand<'_> {
    const fn openings(self) -> Keep {
        match self {
            Self::Nothing => Keep::Nothing,
            Self::Release(_) => Keep::Openings,
        }
    }

    fn releases(self, ledger: &VerifiedLedger) -> Vec<Version> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Release(Some(text)) => Version::parse(text).into_iter().collect(),
            Self::Release(None) => ledger.newest_releases(),
        }
    }
}

/// Puts the statements of releases at hand, and of those that their gates may ask for.
pub fn fetch(store: &GitStore, tip: &Tip, ledger: &mut VerifiedLedger, releases: &[Version]) -> Result<(), Failure> {
    let mut known = releases.to_vec();
    let mut new = known.clone();
    while !new.is_empty() {
        fetch_these(store, tip, ledger, &new)?;
        new = ledger.companions(&known, CANDIDATES);
        known.extend(new.iter().cloned());
    }
    Ok(())
}

/// The statements of these releases; fails when they are not what was verified.
fn fetch_these(store: &GitStore, tip: &Tip, ledger: &mut VerifiedLedger, releases: &[Version]) -> Result<(), Failure> {
    let wanted: Vec<_> = releases.iter().flat_map(|release| ledger.wanted(release)).collect();
    let as_verified = wanted.iter().all(|wanted| {
        let found = store.statements(&tip.commit, wanted);
        found.is_ok_and(|found| ledger.reload(found, store.format()))
    });
    as_verified
        .then_some(())
        .ok_or_else(|| Failure::unknown("the evidence branch changed while it was read").hint("run the command again"))
}

/// The commit a tip stands at, for compare-and-swap.
pub const fn expected(tip: &Tip) -> Option<&ObjectId> {
    if tip.local { Some(&tip.commit) } else { None }
}
