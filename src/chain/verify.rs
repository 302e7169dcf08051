//! Verification, steps 1 to 13, in the order of docs/format.md.
//!
//! [`super::examine`] does what needs one entry alone (1, 4, 5, 6, 8, 10, 11); here entries are
//! admitted one after the other, each judged by what stood before it (2, 3, 6, 7, 9, 12), and at
//! the end the whole is compared with the anchor (13). All faults are reported, not the first.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::anchor::{Limits, TrustAnchor};
use super::examine::{Examined, Placed, PolicyText, examine};
use super::fault::{Fault, FaultKind, Faults};
use super::view::{Chain, PolicyInForce, VerifiedEntry, VerifiedLedger};
use crate::entry::kinds::{AttemptKey, Kind, Mode, Predicate};
use crate::id::{Digest, EntryNumber, ObjectId, Origin, fold};
use crate::sign::roster::Person;
use crate::sign::{PublicKey, Roster};
use crate::store::StoredEntry;
use crate::store::commit::{Commit, ObjectFormat};
use crate::store::layout::{POLICY_FOLDER, Position, slug};

/// More faults than a person reads; the rest are counted by the verdict, not listed.
const MAX_FAULTS: usize = 200;

/// Admits entries in order and ends in a ledger that holds, or in every fault found.
pub struct Verifier {
    format: ObjectFormat,
    anchor: TrustAnchor,
    limits: Limits,
    origin: Option<Origin>,
    chain: Chain,
    /// Where the walk stands; equals the next entry's number in a ledger without a gap.
    position: u64,
    parent: Option<ObjectId>,
    seconds: i64,
    /// Folder names with letter case and Unicode form removed.
    folded: BTreeSet<String>,
    /// The past differs from what was signed: said once, it is true of every later entry too.
    past_differs: bool,
    faults: Faults,
}

/// One entry whose parts are all there, while it is being judged.
struct Candidate {
    number: EntryNumber,
    commit: Commit,
    placed: Placed,
    policy: Option<PolicyText>,
}

impl Verifier {
    pub fn new(format: ObjectFormat, anchor: TrustAnchor, limits: Limits) -> Self {
        Self {
            format,
            anchor,
            limits,
            origin: None,
            chain: Chain::default(),
            position: 0,
            parent: None,
            seconds: 0,
            folded: BTreeSet::from([fold(POLICY_FOLDER), fold("README.md")]),
            past_differs: false,
            faults: Faults::new(),
        }
    }

    /// Goes on where a verified ledger ended.
    pub fn resume(ledger: VerifiedLedger, format: ObjectFormat, limits: Limits) -> Self {
        let anchor = TrustAnchor { first: ledger.is_anchored().then(|| ledger.first()) };
        let mut verifier = Self::new(format, anchor, limits);
        let tip = ledger.tip();
        verifier.position = ledger.size();
        verifier.parent = tip.map(|entry| entry.commit.clone());
        verifier.seconds = tip.map_or(0, |entry| entry.seconds);
        verifier.folded.extend(ledger.folders().map(fold));
        verifier.origin = Some(ledger.origin);
        verifier.chain = ledger.chain;
        verifier
    }

    /// Takes the next commit of the branch.
    pub fn admit(&mut self, stored: StoredEntry) {
        let entry = examine(stored, self.format, &self.limits);
        let id = entry.id.clone();
        let number = EntryNumber(self.position);
        self.position += 1;
        for finding in &entry.faults {
            self.fault(number, &id, finding.kind, finding.expected.clone(), finding.found.clone());
        }
        self.judge(number, entry);
        self.parent = Some(id);
    }

    /// Step 13: not empty, and the ledger the anchor names.
    pub fn finish(mut self) -> Result<VerifiedLedger, Faults> {
        let first = self.chain.entries.first().map(|entry| entry.id().0);
        if self.faults.is_empty() && first.is_none() {
            self.whole(FaultKind::Number, "at least one entry", "none");
        }
        if let (Some(pinned), Some(first)) = (self.anchor.first, first)
            && pinned != first
        {
            self.whole(FaultKind::Anchor, &format!("entry 0 sha256:{pinned}"), &format!("sha256:{first}"));
        }
        match self.origin {
            Some(origin) if self.faults.is_empty() => {
                Ok(VerifiedLedger { origin, chain: self.chain, anchored: self.anchor.first.is_some() })
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

    fn judge(&mut self, number: EntryNumber, entry: Examined) {
        let Examined { id, commit, key, statement, policy, .. } = entry;
        let (Some(signed), Some(placed)) = (commit, statement) else {
            // Its number is unknown: later entries are compared with their own claims again.
            self.past_differs = true;
            return;
        };
        let candidate = Candidate { number, commit: signed.commit, placed, policy };
        let mut problems = Vec::new();
        self.check_position(&candidate, &mut problems);
        self.check_statement(&candidate, &mut problems);
        let roster = self.roster_before(&candidate);
        self.check_signer(&candidate, key, roster.as_deref(), &mut problems);
        self.check_kind(&candidate, roster.as_deref(), &mut problems);
        for (kind, expected, found) in problems {
            self.fault(number, &id, kind, expected, found);
        }
        self.seconds = self.seconds.max(candidate.commit.seconds);
        if let Some(roster) = roster {
            self.take(candidate, id, key, roster);
        }
    }

    /// Steps 2, 3 and 7: the next number on the one parent, time forward, over the same past.
    fn check_position(&mut self, entry: &Candidate, problems: &mut Problems) {
        let trailers = &entry.commit.trailers;
        if trailers.number != entry.number {
            problems.push((FaultKind::Number, entry.number.to_string(), trailers.number.to_string()));
            self.position = trailers.number.0.saturating_add(1);
        }
        if entry.commit.parent != self.parent {
            let name = |id: &Option<ObjectId>| id.as_ref().map_or("no parent".to_owned(), ToString::to_string);
            problems.push((FaultKind::Parent, name(&self.parent), name(&entry.commit.parent)));
        }
        if entry.commit.seconds < self.seconds {
            problems.push((FaultKind::Time, format!("at least {}", self.seconds), entry.commit.seconds.to_string()));
        }
        let recorded = entry.placed.statement.predicate.recorded_at();
        if recorded.seconds() > entry.commit.seconds {
            problems.push((FaultKind::Time, format!("recorded by {}", entry.commit.seconds), recorded.to_string()));
        }
        let (size, root) = (self.chain.merkle.size(), self.chain.merkle.root());
        if (trailers.before_size, trailers.before_root) != (size, root) && !self.past_differs {
            let found = format!("{} sha256:{}", trailers.before_size, trailers.before_root);
            problems.push((FaultKind::RootBefore, format!("{size} sha256:{root}"), found));
            self.past_differs = true;
        }
        let origin = self.origin.get_or_insert_with(|| trailers.origin.clone());
        let claimed = &entry.placed.statement.predicate.scope().origin;
        for found in [&trailers.origin, claimed].into_iter().filter(|found| *found != origin) {
            problems.push((FaultKind::Origin, origin.to_string(), found.to_string()));
        }
    }

    /// Step 6, second half: the statement the commit signed, seen nowhere before.
    fn check_statement(&self, entry: &Candidate, problems: &mut Problems) {
        let id = entry.placed.statement.id();
        if entry.commit.trailers.statement != id.0 {
            problems.push((
                FaultKind::StatementDigest,
                format!("sha256:{}", entry.commit.trailers.statement),
                format!("sha256:{id}"),
            ));
        }
        if let Some(earlier) = self.chain.by_id.get(&id) {
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
        self.chain.policies.last().map(|policy| Arc::clone(&policy.roster)).or_else(own)
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

    /// Step 12: what each kind must agree with.
    fn check_kind(&mut self, entry: &Candidate, roster: Option<&Roster>, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        let actor = roster.and_then(|roster| roster.person(&predicate.actor().id));
        match &predicate {
            Predicate::Policy(_) => self.check_policy(entry, roster, actor, problems),
            _ if self.chain.policies.is_empty() => {
                problems.push((
                    FaultKind::Attempt,
                    "entry 0 to be a policy".to_owned(),
                    predicate.kind().word().to_owned(),
                ));
            }
            _ => {}
        }
        self.check_path(entry, actor, problems);
        self.check_references(entry, problems);
        self.check_saw(entry, problems);
    }

    fn check_policy(
        &self,
        entry: &Candidate,
        roster: Option<&Roster>,
        actor: Option<&Person>,
        problems: &mut Problems,
    ) {
        let Predicate::Policy(policy) = &entry.placed.statement.predicate else { return };
        let replaced = self.chain.policies.last().map(|old| old.digest);
        if policy.replaces != replaced {
            let show = |digest: Option<Digest>| digest.map_or("none".to_owned(), |digest| format!("sha256:{digest}"));
            problems.push((
                FaultKind::PolicyUnapproved,
                format!("it replaces {}", show(replaced)),
                show(policy.replaces),
            ));
        }
        let entitled =
            roster.zip(actor).is_some_and(|(roster, actor)| !actor.bot && actor.has_role(&roster.policy_role));
        if let (Some(roster), false) = (roster, entitled) {
            let found = entry.placed.statement.predicate.actor().id.to_string();
            problems.push((
                FaultKind::PolicyUnapproved,
                format!("a person with the role {}", roster.policy_role),
                found,
            ));
        }
        if let (Some(new), Some(origin)) = (&entry.policy, &self.origin)
            && new.roster.origin != *origin
        {
            problems.push((FaultKind::Origin, origin.to_string(), new.roster.origin.to_string()));
        }
    }

    /// The statement lies where its kind, attempt and number put it.
    fn check_path(&mut self, entry: &Candidate, actor: Option<&Person>, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        let folder = match (predicate, &predicate.scope().attempt) {
            (_, None) => POLICY_FOLDER.to_owned(),
            (Predicate::Open(open), Some(key)) => {
                self.check_open(key, open.folder.as_str(), problems);
                open.folder.to_string()
            }
            (_, Some(key)) => match self.folder_of(key) {
                Some(folder) => folder,
                None => {
                    let what = format!("attempt {} at {} for {} to be open", key.attempt, key.gate, key.release);
                    problems.push((FaultKind::Attempt, what, "no such attempt".to_owned()));
                    return;
                }
            },
        };
        let index = self.chain.folders.get(&folder).copied().unwrap_or_default();
        let position = Position { folder: &folder, index, number: entry.commit.trailers.number };
        let expected = position.statement(predicate.kind().word(), slug_of(predicate, actor).as_deref());
        if expected != entry.placed.path {
            problems.push((FaultKind::Path, expected, entry.placed.path.clone()));
        }
    }

    fn check_open(&mut self, key: &AttemptKey, folder: &str, problems: &mut Problems) {
        let previous = key.attempt.checked_sub(1).filter(|attempt| *attempt > 0);
        let in_order =
            previous.is_none_or(|attempt| self.chain.attempts.contains_key(&AttemptKey { attempt, ..key.clone() }));
        if !in_order || self.chain.attempts.contains_key(key) {
            problems.push((FaultKind::Attempt, "the next attempt at this gate".to_owned(), key.attempt.to_string()));
        }
        if !self.folded.insert(fold(folder)) {
            problems.push((FaultKind::Attempt, "a folder of its own".to_owned(), folder.to_owned()));
        }
    }

    fn folder_of(&self, key: &AttemptKey) -> Option<String> {
        let first = self.chain.attempts.get(key)?.first()?;
        match self.chain.entries.get(usize::try_from(first.0).ok()?)?.predicate() {
            Predicate::Open(open) => Some(open.folder.to_string()),
            _ => None,
        }
    }

    /// Entries it names exist, are earlier, and may be named by this person.
    fn check_references(&self, entry: &Candidate, problems: &mut Problems) {
        let predicate = &entry.placed.statement.predicate;
        for id in predicate.references() {
            if !self.chain.by_id.contains_key(&id) {
                problems.push((FaultKind::Reference, "an earlier entry".to_owned(), format!("sha256:{id}")));
            }
        }
        let (target, kinds) = match predicate {
            Predicate::Approval(approval) => (approval.withdraws, &[Kind::Approval][..]),
            Predicate::Revoke(revoke) => (Some(revoke.voids), REVOCABLE),
            Predicate::Rollback(rollback) => (Some(rollback.reverses), &[Kind::Promotion][..]),
            _ => return,
        };
        let number = target.and_then(|id| self.chain.by_id.get(&id)).and_then(|n| usize::try_from(n.0).ok());
        let Some(target) = number.and_then(|number| self.chain.entries.get(number)) else { return };
        let own = predicate.kind() == Kind::Rollback || target.person() == &predicate.actor().id;
        if !kinds.contains(&target.kind()) || !own || target.attempt() != predicate.scope().attempt.as_ref() {
            let expected = format!(
                "an own {} of this attempt",
                kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" or ")
            );
            problems.push((FaultKind::Reference, expected, format!("entry {} by {}", target.number, target.person())));
        }
    }

    /// A decision names a past that was really there.
    fn check_saw(&self, entry: &Candidate, problems: &mut Problems) {
        let (size, root) = match &entry.placed.statement.predicate {
            Predicate::Approval(approval) => (approval.saw.size, approval.saw.root),
            Predicate::Promotion(promotion) => (promotion.size, promotion.root),
            _ => return,
        };
        let now = self.chain.merkle.size();
        let known = match usize::try_from(size) {
            Ok(at) if size < now => self.chain.roots.get(at).copied(),
            _ => (size == now).then(|| self.chain.merkle.root()),
        };
        if known != Some(root) && !self.past_differs {
            let expected = known.map_or(format!("at most {now} entries"), |root| format!("sha256:{root} at {size}"));
            problems.push((FaultKind::RootBefore, expected, format!("sha256:{root} at {size}")));
        }
    }

    /// Adds the entry to the running state. A faulty one is added too, so that later entries are
    /// judged by what they could have known; [`Self::finish`] hands nothing out once there is a fault.
    fn take(&mut self, candidate: Candidate, id: ObjectId, key: Option<PublicKey>, roster: Arc<Roster>) {
        let Candidate { commit, placed, policy, .. } = candidate;
        let number = EntryNumber(self.chain.entries.len() as u64);
        let statement = placed.statement;
        self.chain.roots.push(self.chain.merkle.root());
        self.chain.merkle.push(statement.bytes());
        self.chain.by_id.insert(statement.id(), number);
        let predicate = &statement.predicate;
        let folder = match (predicate, &predicate.scope().attempt) {
            (Predicate::Open(open), _) => Some(open.folder.to_string()),
            (_, Some(key)) => self.folder_of(key),
            (_, None) => Some(POLICY_FOLDER.to_owned()),
        };
        *self.chain.folders.entry(folder.unwrap_or_default()).or_default() += 1;
        if let Some(key) = &predicate.scope().attempt {
            self.chain.attempts.entry(key.clone()).or_default().push(number);
        }
        if let Predicate::Revoke(revoke) = predicate
            && let Some(voided) = self.chain.by_id.get(&revoke.voids)
        {
            self.chain.revoked.insert(*voided, number);
        }
        if let (Some(PolicyText { text, roster }), Predicate::Policy(_)) = (policy, predicate) {
            let digest = Digest::of(text.as_bytes());
            self.chain.policies.push(PolicyInForce { entry: number, digest, text, roster: Arc::new(roster) });
        }
        self.chain.entries.push(Arc::new(VerifiedEntry {
            number,
            commit: id,
            path: placed.path,
            statement,
            // Without a good signature there is a fault, and with a fault this is never handed out.
            key: key.unwrap_or(PublicKey::from_bytes([0; 32])),
            dsse: commit.trailers.dsse.map(|dsse| dsse.signature),
            summary: commit.text.lines().next().unwrap_or_default().to_owned(),
            seconds: commit.seconds,
            roster,
        }));
    }
}

type Problems = Vec<(FaultKind, String, String)>;

/// Never a policy, never another revocation; an attempt's opening holds everything after it.
const REVOCABLE: &[Kind] =
    &[Kind::Evidence, Kind::Approval, Kind::Waiver, Kind::Promotion, Kind::Trigger, Kind::Rollback];

/// The readable last part of a statement's file name.
pub fn slug_of(predicate: &Predicate, actor: Option<&Person>) -> Option<String> {
    match predicate {
        Predicate::Evidence(evidence) => Some(slug(evidence.slot.as_str())),
        Predicate::Approval(_) => actor.map(|person| slug(person.handle())),
        Predicate::Waiver(waiver) => Some(slug(waiver.rule.as_str())),
        _ => None,
    }
    .filter(|slug| !slug.is_empty())
}
