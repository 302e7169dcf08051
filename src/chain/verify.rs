//! Verification, steps 1 to 13, in the order of docs/format.md.
//!
//! `examine` does what needs one entry alone (1, 4, 5, 6, 8, 10, 11); here entries are
//! admitted one after the other, each judged by what stood before it (2, 3, 6, 7, 9, 12), and at
//! the end the whole is compared with the anchor (13). All faults are reported, not the first.

use std::sync::Arc;

use super::anchor::{Limits, TrustAnchor};
use super::examine::{Examined, Placed, PolicyText};
use super::fault::{Fault, FaultKind, Faults};
use super::kind_rules::KindCase;
use super::running::{Addition, Running};
use super::view::{PolicyInForce, VerifiedEntry, VerifiedLedger};
use crate::entry::kinds::{Kind, Mode};
use crate::id::{Digest, EntryNumber, ObjectId, Origin, Timestamp};
use crate::sign::{PublicKey, Roster};
use crate::store::commit::{Commit, ObjectFormat};

/// More faults than a person reads; the rest are counted by the verdict, not listed.
const MAX_FAULTS: usize = 200;

/// And of one kind in one entry: a thousand files too many are one mistake.
const MAX_ALIKE: usize = 20;

/// Admits entries in order and ends in a ledger that holds, or in every fault found.
pub struct Verifier {
    anchor: TrustAnchor,
    limits: Limits,
    now: Timestamp,
    origin: Option<Origin>,
    /// SHA-256 of entry 0's statement, where it was verified before.
    first: Option<Digest>,
    chain: Running,
    /// Where the walk stands; equals the next entry's number in a ledger without a gap.
    position: u64,
    parent: Option<ObjectId>,
    /// The past differs from what was signed: said once, it is true of every later entry too.
    past_differs: bool,
    keep: Keep,
    faults: Faults,
}

/// Which statements stay at hand after they were verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    /// Those that open attempts: a ledger of any length fits in memory.
    Openings,
    /// None: they are read again one at a time.
    Nothing,
}

/// One entry whose parts are all there, while it is being judged.
pub struct Candidate {
    pub number: EntryNumber,
    pub commit: Commit,
    pub placed: Placed,
    pub policy: Option<PolicyText>,
}

impl Verifier {
    pub fn new(format: ObjectFormat, anchor: TrustAnchor, limits: Limits, now: Timestamp) -> Self {
        Self::on(Running::new(format.hex_digits()), anchor, limits, now)
    }

    const fn on(chain: Running, anchor: TrustAnchor, limits: Limits, now: Timestamp) -> Self {
        Self {
            anchor,
            limits,
            now,
            origin: None,
            first: None,
            chain,
            position: 0,
            parent: None,
            past_differs: false,
            keep: Keep::All,
            faults: Faults::new(),
        }
    }

    /// Decides which statements stay at hand; all of them when nothing is said.
    pub fn keeping(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }

    /// Goes on where a verified ledger ended.
    pub fn resume(ledger: VerifiedLedger, limits: Limits, now: Timestamp) -> Self {
        let anchor = TrustAnchor { first: ledger.is_anchored().then(|| ledger.first()) };
        let (position, parent) = (ledger.size(), ledger.tip());
        let (origin, first) = (Some(ledger.origin), Some(ledger.first));
        Self { position, parent, origin, first, ..Self::on(ledger.chain, anchor, limits, now) }
    }

    /// Takes the next commit of the branch, examined.
    pub fn admit(&mut self, entry: Examined) {
        let id = entry.id.clone();
        let number = EntryNumber(self.position);
        self.position = self.position.saturating_add(1);
        let mut problems: Problems = Vec::new();
        for finding in &entry.faults {
            problems.push((finding.kind, finding.expected.clone(), finding.found.clone()));
        }
        self.judge(number, entry, &mut problems);
        // In the order of the steps: which entry it is comes before what is wrong with its files.
        problems.sort_by_key(|(kind, ..)| *kind);
        for alike in problems.chunk_by(|(one, ..), (other, ..)| one == other) {
            for (kind, expected, found) in alike.iter().take(MAX_ALIKE) {
                self.fault(number, &id, *kind, expected.clone(), found.clone());
            }
        }
        self.parent = Some(id);
    }

    /// Step 13: not empty, and the ledger the anchor names.
    pub fn finish(mut self) -> Result<VerifiedLedger, Faults> {
        let first = self.first.or_else(|| self.chain.record(EntryNumber(0)).map(|record| record.id.0));
        if self.faults.is_empty() && first.is_none() {
            self.whole(FaultKind::Number, "at least one entry", "none");
        }
        if let (Some(pinned), Some(first)) = (self.anchor.first, first)
            && pinned != first
        {
            self.whole(FaultKind::Anchor, &format!("entry 0 sha256:{pinned}"), &format!("sha256:{first}"));
        }
        match (self.origin, first) {
            (Some(origin), Some(first)) if self.faults.is_empty() => {
                Ok(VerifiedLedger { origin, first, chain: self.chain, anchored: self.anchor.first.is_some() })
            }
            _ => Err(self.faults),
        }
    }

    fn fault(
        &mut self,
        entry: EntryNumber,
        commit: &ObjectId,
        kind: FaultKind,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        if self.faults.len() < MAX_FAULTS {
            let (expected, found) = (expected.into(), found.into());
            self.faults.push(Fault { entry: Some(entry), commit: Some(commit.clone()), fault: kind, expected, found });
        }
    }

    fn whole(&mut self, fault: FaultKind, expected: &str, found: &str) {
        self.faults.push(Fault {
            entry: None,
            commit: None,
            fault,
            expected: expected.to_owned(),
            found: found.to_owned(),
        });
    }

    fn judge(&mut self, number: EntryNumber, entry: Examined, problems: &mut Problems) {
        let Examined { id, commit, key, statement, policy, .. } = entry;
        if let Some(commit) = &commit {
            self.check_position(number, commit, problems);
        }
        let (Some(commit), Some(placed)) = (commit, statement) else {
            // What it says is unknown: later entries are compared with their own claims again.
            self.past_differs = true;
            return;
        };
        let candidate = Candidate { number, commit, placed, policy };
        self.check_statement(&candidate, problems);
        let roster = self.roster_before(&candidate);
        self.check_signer(&candidate, key, roster.as_deref(), problems);
        let case = KindCase {
            chain: &self.chain,
            origin: self.origin.as_ref(),
            roster: roster.as_deref(),
            past_differs: self.past_differs,
        };
        case.check(&candidate, problems);
        if let Some(roster) = roster {
            self.take(candidate, id, key, roster);
        }
    }

    /// Steps 2, 3 and 7, as far as the commit tells: the next number on the one parent, time forward, over
    /// the same past of the same ledger.
    fn check_position(&mut self, number: EntryNumber, commit: &Commit, problems: &mut Problems) {
        let trailers = &commit.trailers;
        if trailers.number != number {
            problems.push((FaultKind::Number, number.to_string(), trailers.number.to_string()));
            self.position = trailers.number.0.saturating_add(1);
        }
        if commit.parent != self.parent {
            let name = |id: &Option<ObjectId>| id.as_ref().map_or("no parent".to_owned(), ToString::to_string);
            problems.push((FaultKind::Parent, name(&self.parent), name(&commit.parent)));
        }
        let earliest = self.chain.seconds;
        if commit.seconds < earliest {
            problems.push((FaultKind::Time, format!("at least {}", instant(earliest)), instant(commit.seconds)));
        }
        // Left alone, one entry dated far ahead would pull every later one along.
        let latest = self.now.seconds().saturating_add(self.limits.skew);
        if commit.seconds > latest {
            let expected = format!("at most {} (this machine's clock says {})", instant(latest), self.now);
            problems.push((FaultKind::Time, expected, instant(commit.seconds)));
        }
        let (size, root) = (self.chain.merkle.size(), self.chain.merkle.root());
        if (trailers.before_size, trailers.before_root) != (size, root) && !self.past_differs {
            let found = format!("{} sha256:{}", trailers.before_size, trailers.before_root);
            problems.push((FaultKind::RootBefore, format!("{size} sha256:{root}"), found));
            self.past_differs = true;
        }
        let origin = self.origin.get_or_insert_with(|| trailers.origin.clone());
        if trailers.origin != *origin {
            problems.push((FaultKind::Origin, origin.to_string(), trailers.origin.to_string()));
        }
    }

    /// Step 6, second half: the statement the commit signed, seen nowhere before; and steps 3 and 7 again,
    /// for what it says itself.
    fn check_statement(&self, entry: &Candidate, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        let recorded = predicate.recorded_at();
        if recorded.seconds() > entry.commit.seconds {
            let expected = format!("recorded by {}", instant(entry.commit.seconds));
            problems.push((FaultKind::Time, expected, recorded.to_string()));
        }
        let claimed = &predicate.scope().origin;
        if let Some(origin) = self.origin.as_ref().filter(|origin| *origin != claimed) {
            problems.push((FaultKind::Origin, origin.to_string(), claimed.to_string()));
        }
        let id = entry.placed.statement.id();
        if entry.commit.trailers.statement != id.0 {
            problems.push((
                FaultKind::StatementDigest,
                format!("sha256:{}", entry.commit.trailers.statement),
                format!("sha256:{id}"),
            ));
        }
        if let Some(earlier) = self.chain.position(id) {
            problems.push((
                FaultKind::Replayed,
                "a new statement".to_owned(),
                format!("the statement of entry {earlier}"),
            ));
        }
    }

    /// The roster as of the entry before; entry 0 is judged by its own, which is what a pin is for.
    fn roster_before(&self, entry: &Candidate) -> Option<Arc<Roster>> {
        let own = || entry.policy.as_ref().map(|policy| Arc::new(policy.roster.clone()));
        self.chain.policies.last().map(PolicyInForce::shared_roster).or_else(own)
    }

    /// Step 9: the key's owner, the committer line and the actor are one person, described as the roster does.
    fn check_signer(
        &self,
        entry: &Candidate,
        key: Option<PublicKey>,
        roster: Option<&Roster>,
        problems: &mut Problems,
    ) {
        let (Some(key), Some(roster)) = (key, roster) else { return };
        let Some(person) = roster.person_of_key(key) else {
            problems.push((FaultKind::SignerUnknown, "a key of the roster".to_owned(), key.fingerprint()));
            return;
        };
        let actor = entry.placed.statement.predicate.actor();
        let mut same = |what: &str, expected: &str, found: &str| {
            if expected != found {
                problems.push((FaultKind::SignerMismatch, format!("{what} {expected}"), found.to_owned()));
            }
        };
        same("committer", person.id.as_str(), &entry.commit.email);
        same("committer", &person.name, &entry.commit.name);
        same("actor", person.id.as_str(), actor.id.as_str());
        same("actor", &person.name, &actor.name);
        same("roles", &format!("{:?}", person.roles), &format!("{:?}", actor.roles));
        if person.bot && actor.mode != Mode::Ci {
            problems.push((FaultKind::SignerMismatch, "mode ci (a bot)".to_owned(), format!("{:?}", actor.mode)));
        }
    }

    /// Adds the entry to the running state. A faulty one is added too, so that later entries are
    /// judged by what they could have known; [`Self::finish`] hands nothing out once there is a fault.
    fn take(&mut self, candidate: Candidate, id: ObjectId, key: Option<PublicKey>, roster: Arc<Roster>) {
        let Candidate { commit, placed, policy, .. } = candidate;
        // Without a good signature there is a fault, and with a fault this is never handed out.
        let key = key.unwrap_or(PublicKey::from_bytes([0; 32]));
        let entry = VerifiedEntry::new(self.chain.next(), id, &commit, placed, key, roster);
        let keep = match self.keep {
            Keep::All => true,
            Keep::Openings => entry.kind() == Kind::Open,
            Keep::Nothing => false,
        };
        self.chain.add(Addition { entry, policy: policy.map(|policy| (policy.text, policy.roster)) }, keep);
    }
}

/// A commit's time as people read it.
fn instant(seconds: i64) -> String {
    Timestamp::from_seconds(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Faults of one entry: kind, expected, found.
pub type Problems = Vec<(FaultKind, String, String)>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Examiner;
    use crate::store::StoredEntry;

    #[test]
    fn faults_are_listed_up_to_a_number_a_person_can_read() {
        let (limits, now) = (Limits::default(), Timestamp::parse("2025-10-04T00:00:00Z").unwrap());
        let listed = |entries: u64| {
            let mut verifier = Verifier::new(ObjectFormat::Sha1, TrustAnchor::default(), limits, now);
            for number in 0..entries {
                let id = ObjectId::parse(&format!("{number:040x}")).unwrap();
                let stored = StoredEntry { id, commit: b"none".to_vec(), added: Vec::new(), altered: Vec::new() };
                verifier.admit(Examiner::new(ObjectFormat::Sha1, limits).examine(stored));
            }
            verifier.finish().unwrap_err().len()
        };
        let each = listed(1);
        assert_eq!(listed(3), 3 * each);
        assert_eq!(listed(1000), MAX_FAULTS);
    }
}
