//! An entry somebody names, to void it, review it or decide about it; and the word about it.

use super::append::append;
use super::context::{Context, Identity};
use super::draft::{actor, commit_subject, draft, scope};
use super::entries::Entries;
use super::failure::Failure;
use super::load::{Loaded, fetch};
use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::entry::kinds::{Approval, AttemptKey, Decision, Meaning, Mode, Predicate, Saw};
use crate::findings::counted;
use crate::id::{EntryNumber, ObjectId};

/// The entry that was named, read again and compared with what was verified.
pub fn read(context: &mut Context<'_>, text: &str) -> Result<(Loaded, VerifiedEntry), Failure> {
    context.ask(|loaded| Entries::new(loaded).entry(find(&loaded.ledger, text)?))
}

/// An entry by number or by the beginning of its id.
pub fn find(ledger: &VerifiedLedger, text: &str) -> Result<EntryNumber, Failure> {
    let unknown = || Failure::usage(format!("there is no entry {text:?}")).hint("ledger log");
    let text = text.trim_start_matches('#');
    if let Some(number) = text.parse::<u64>().ok().filter(|number| *number < ledger.size()) {
        return Ok(EntryNumber(number));
    }
    let prefix = text.strip_prefix("sha256:").unwrap_or(text);
    if prefix.len() < 8 {
        return Err(unknown());
    }
    match ledger.beginning_with(prefix).as_slice() {
        [] => Err(unknown()),
        [number] => Ok(*number),
        [..] => Err(Failure::usage(format!("several entries begin with {text}")).hint("give more digits")),
    }
}

/// The source an attempt was opened for, with all statements of its release put at hand.
pub fn source(loaded: &mut Loaded, key: &AttemptKey, number: EntryNumber) -> Result<ObjectId, Failure> {
    fetch(&loaded.store, &loaded.tip, &mut loaded.ledger, std::slice::from_ref(&key.release))?;
    let source = loaded.ledger.opening(key).map(|open| open.source.commit.clone());
    source.ok_or_else(|| Failure::unknown(format!("the attempt of entry {number} cannot be read")))
}

/// One person's word about a waiver or a trigger.
pub struct Word<'w> {
    pub about: &'w VerifiedEntry,
    pub key: &'w AttemptKey,
    pub source: &'w ObjectId,
    pub decision: Decision,
    pub meaning: Meaning,
    pub reason: &'w str,
    pub mode: Mode,
    /// What is done, as `git log` tells it: `review`, `decision`.
    pub verb: &'w str,
}

/// The last of some words of an attempt, where it stands and is this very word.
pub fn said_last<'l>(
    ledger: &'l VerifiedLedger,
    key: &AttemptKey,
    wanted: impl Fn(&VerifiedEntry, &Approval) -> bool,
    (decision, reason): (Decision, Option<&str>),
) -> Option<&'l VerifiedEntry> {
    let words = ledger.view().all_of_attempt(key).filter_map(|(entry, void)| match entry.predicate() {
        Predicate::Approval(approval) if wanted(entry, approval) => Some((entry, approval, void)),
        _ => None,
    });
    let (entry, approval, void) = words.last()?;
    let is_same = approval.decision == decision && approval.reason.as_deref() == reason;
    (is_same && void.is_none()).then_some(entry)
}

impl Word<'_> {
    /// Appends it, unless it is there already; `None` under `--dry-run`.
    pub fn append(
        &self,
        context: &mut Context<'_>,
        loaded: &mut Loaded,
        identity: &Identity,
    ) -> Result<Option<EntryNumber>, Failure> {
        // Where nobody has said another word since, a retry adds nothing.
        let about = |_: &VerifiedEntry, approval: &Approval| approval.about == Some(self.about.id());
        let said = said_last(&loaded.ledger, self.key, about, (self.decision, Some(self.reason)));
        if let Some(said) = said.filter(|said| *said.person() == identity.person.id) {
            return Ok(Some(said.number()));
        }
        let now = context.world().now();
        let appended = append(context, loaded, identity, |_, ledger| {
            let Self { about, key, decision, verb, .. } = self;
            let handle = identity.person.handle();
            let summary = format!("approval: {verb} of entry {} {} by {handle}", about.number(), decision.word());
            let body = [
                self.reason.to_owned(),
                format!("Saw {}, root sha256:{}.", counted(ledger.size(), "entry", "entries"), ledger.root()),
            ];
            let subject = vec![commit_subject(key.release.as_str(), self.source)];
            Ok(draft(subject, self.compose(ledger, identity, now)?, Vec::new(), &summary, &body)?)
        })?;
        Ok(appended.map(|appended| appended.number))
    }

    fn compose(
        &self,
        ledger: &VerifiedLedger,
        identity: &Identity,
        now: crate::id::Timestamp,
    ) -> Result<Predicate, Failure> {
        let policy = ledger.policies().last().map(|policy| policy.digest());
        let policy = policy.ok_or_else(|| Failure::unknown("no policy is in force"))?;
        Ok(Predicate::Approval(Approval {
            ledger: scope(ledger, self.key),
            actor: actor(&identity.person, self.mode),
            recorded_at: now,
            decision: self.decision,
            meaning: self.meaning,
            reason: Some(self.reason.to_owned()),
            saw: Saw { policy, evidence: vec![self.about.id()], size: ledger.size(), root: ledger.root() },
            withdraws: None,
            about: Some(self.about.id()),
        }))
    }
}
