//! A ledger that was put aside and is taken up again is the ledger that was read whole, in process.

use std::sync::Arc;

use ledger::chain::past::AttemptState;
use ledger::chain::records::Record;
use ledger::chain::{Examiner, Keep, Limits, Past, Saved, VerifiedLedger, Verifier};
use ledger::entry::{AttemptKey, Kind};
use ledger::id::{Digest, EntryId, EntryNumber, Name, Version, fold};
use ledger::policy::Evaluator;
use ledger::store::StoredStatement;
use ledger::store::commit::ObjectFormat;
use serde_json::Value;

use crate::as_of::{RELEASES, decisions, long_story, now, pipeline, told, verified};
use crate::support::forge::{Draft, Forge};

const FORMAT: ObjectFormat = ObjectFormat::Sha1;

/// What an earlier process verified, still there to be asked; and whether every question could be answered.
#[derive(Debug)]
struct Kept(VerifiedLedger, bool);

impl Past for Kept {
    fn record(&self, number: EntryNumber) -> Option<Record> {
        self.0.new_records().find(|(at, _)| *at == number).map(|(_, record)| record)
    }

    fn position(&self, id: EntryId) -> Option<EntryNumber> {
        self.0.new_records().find(|(_, record)| record.id == id).map(|(number, _)| number)
    }

    fn attempt(&self, key: &AttemptKey) -> Option<AttemptState> {
        self.0.touched_attempts().find(|state| state.key == *key).cloned()
    }

    fn attempts_for(&self, release: &Version) -> Vec<AttemptState> {
        self.0.touched_attempts().filter(|state| state.key.release == *release).cloned().collect()
    }

    fn entries_of(&self, attempt: Option<u32>) -> Vec<EntryNumber> {
        self.0.new_records().filter(|(_, record)| record.attempt == attempt).map(|(number, _)| number).collect()
    }

    fn attempt_at(&self, at: u32) -> Option<AttemptState> {
        self.0.touched_attempts().find(|state| state.at == at).cloned()
    }

    fn beginning_with(&self, digits: &str) -> Vec<EntryNumber> {
        let begins = |record: &Record| record.id.to_string().starts_with(digits);
        self.0.new_records().filter(|(_, record)| begins(record)).map(|(number, _)| number).collect()
    }

    fn has_folder(&self, folded: &str) -> bool {
        self.0.touched_attempts().any(|state| fold(&state.folder) == folded)
    }

    fn releases(&self) -> Vec<(EntryNumber, Name, Version)> {
        let mut releases: Vec<(EntryNumber, Name, Version)> = Vec::new();
        for AttemptState { key, opened, .. } in self.0.touched_attempts() {
            if !releases.iter().any(|(_, pipeline, release)| (pipeline, release) == (&key.pipeline, &key.release)) {
                releases.push((*opened, key.pipeline.clone(), key.release.clone()));
            }
        }
        releases
    }

    fn is_sound(&self) -> bool {
        self.1
    }
}

/// Put aside as text, and read back.
fn aside(ledger: &VerifiedLedger) -> Saved {
    serde_json::from_str(&serde_json::to_string(&Saved::of(ledger)).unwrap()).unwrap()
}

fn taken_up(ledger: VerifiedLedger) -> VerifiedLedger {
    let (saved, first) = (aside(&ledger), ledger.first());
    saved.restore(Arc::new(Kept(ledger, true)), Some(first), FORMAT).unwrap()
}

/// A ledger that was verified as far as its first `cut` entries, and goes on with the rest.
fn gone_on(drafts: &[Draft], cut: usize) -> VerifiedLedger {
    let limits = Limits::default();
    let mut verifier = Verifier::resume(taken_up(verified(&drafts[..cut])), limits, now());
    drafts[cut..].iter().for_each(|draft| verifier.admit(Examiner::new(FORMAT, limits).examine(draft.stored())));
    verifier.finish().unwrap()
}

fn stored(drafts: &[Draft], number: EntryNumber) -> StoredStatement {
    let Draft { before, path, statement, .. } = &drafts[usize::try_from(number.0).unwrap()];
    StoredStatement { number, commit: before.clone(), path: path.clone(), statement: statement.clone() }
}

fn releases() -> [Version; 2] {
    RELEASES.map(|release| Version::parse(release).unwrap())
}

/// Puts the statements of every release at hand; tells which were not.
fn fetch(ledger: &mut VerifiedLedger, drafts: &[Draft]) -> Vec<EntryNumber> {
    let mut fetched = Vec::new();
    for release in releases() {
        for wanted in ledger.wanted(&release) {
            assert!(wanted.entries.len() as u64 <= wanted.total && !wanted.entries.is_empty());
            for (number, commit) in wanted.entries {
                let draft = &drafts[usize::try_from(number.0).unwrap()];
                assert!(draft.path.starts_with(&format!("{}/", wanted.folder)) && draft.stored().id == commit);
                assert!(ledger.reload(vec![stored(drafts, number)], FORMAT), "entry {number}");
                fetched.push(number);
            }
        }
        assert_eq!(ledger.wanted(&release), []);
    }
    fetched.sort();
    fetched
}

/// Everything a ledger can be asked but for statements.
#[track_caller]
fn same(one: &VerifiedLedger, other: &VerifiedLedger) {
    assert_eq!(
        (one.size(), one.root(), one.first(), one.tip()),
        (other.size(), other.root(), other.first(), other.tip())
    );
    assert_eq!((one.origin(), one.seconds(), one.signers()), (other.origin(), other.seconds(), other.signers()));
    assert_eq!((one.policy_entries(), one.newest_releases()), (other.policy_entries(), other.newest_releases()));
    let in_force = |ledger: &VerifiedLedger| -> Vec<_> {
        ledger.policies().iter().map(|policy| (policy.entry(), policy.digest(), policy.roster().clone())).collect()
    };
    assert_eq!(in_force(one), in_force(other));
    let proposed = |ledger: &VerifiedLedger| -> Vec<_> {
        let proposals = ledger.proposals().iter();
        proposals.map(|p| (p.entry, p.id, p.text.clone(), p.roster.clone(), p.approved_by.clone())).collect()
    };
    assert_eq!(proposed(one), proposed(other));
    for number in (0..=other.size()).map(EntryNumber) {
        assert_eq!(
            (one.root_at(number.0), one.commit_at(number.0)),
            (other.root_at(number.0), other.commit_at(number.0))
        );
        assert_eq!(one.voided_by(number), other.voided_by(number), "entry {number}");
    }
    for entry in other.entries() {
        assert_eq!(one.position(entry.id()), Some(entry.number()));
        assert_eq!(one.given_up(entry.key()), other.given_up(entry.key()));
    }
    for state in other.touched_attempts() {
        assert_eq!(one.attempt(&state.key).as_ref(), Some(state));
        assert!(one.has_folder(&state.folder) && one.has_folder(&state.folder.to_lowercase()));
    }
    assert_eq!(one.position(EntryId(Digest::of(b"no entry"))), None);
    assert!(!one.has_folder("nowhere") && one.has_folder("policy") && one.has_folder("ReadMe.md"));
    assert!(one.is_sound());
}

#[test]
fn a_ledger_taken_up_anywhere_goes_on_as_if_it_had_been_read_whole() {
    let repo = long_story();
    let drafts = Forge::of(&repo).drafts;
    let whole = verified(&drafts);
    assert_eq!((whole.proposals().len(), whole.voided_by(EntryNumber(4))), (1, Some(EntryNumber(14))));
    let decided = decisions(&Evaluator::new(&whole), whole.size());
    for cut in 1..=drafts.len() {
        let mut ledger = gone_on(&drafts, cut);
        same(&ledger, &whole);
        assert!(ledger.is_anchored() && ledger.entries().all(|entry| entry.number().0 >= cut as u64));
        let new = |(number, _): &(EntryNumber, Record)| number.0 >= cut as u64;
        let records: Vec<_> = whole.new_records().filter(new).collect();
        assert_eq!(ledger.new_records().collect::<Vec<_>>(), records, "cut at {cut}");
        let touched = |state: &&AttemptState| {
            let at = Some(state.at);
            records.iter().any(|(_, record)| record.attempt == at)
        };
        let grown: Vec<_> = whole.touched_attempts().filter(touched).collect();
        assert_eq!(ledger.touched_attempts().collect::<Vec<_>>(), grown, "cut at {cut}");
        let kinds: u64 = ledger.kinds().values().sum();
        assert_eq!(kinds, (drafts.len() - cut) as u64);
        fetch(&mut ledger, &drafts);
        assert_eq!(told(ledger.view()), told(whole.view()), "cut at {cut}");
        assert_eq!(decisions(&Evaluator::new(&ledger), whole.size()), decided, "cut at {cut}");
    }
}

#[test]
fn what_was_verified_is_counted_and_numbered_as_it_came() {
    let repo = long_story();
    let drafts = Forge::of(&repo).drafts;
    let whole = verified(&drafts);
    let attempts: Vec<_> = whole.touched_attempts().map(|state| (state.at, state.opened.0, state.entries)).collect();
    assert_eq!(attempts, [(0, 1, 6), (1, 6, 4), (2, 12, 2), (3, 16, 2)]);
    for (number, record) in whole.new_records() {
        let draft = &drafts[usize::try_from(number.0).unwrap()];
        assert_eq!((record.id, record.commit), (EntryId(Digest::of(&draft.statement)), draft.stored().id));
        assert_eq!(Some(record.root_before), whole.root_at(number.0));
        assert!(draft.path.contains(&format!("-{}", record.kind.word())), "{}", draft.path);
        let folder = attempts.iter().find(|(at, ..)| Some(*at) == record.attempt).map(|(_, opened, _)| {
            let opening = &drafts[usize::try_from(*opened).unwrap()];
            opening.value("folder")
        });
        assert!(draft.path.starts_with(&format!("{}/", folder.unwrap_or("policy".to_owned()))), "{}", draft.path);
    }
    assert_eq!((whole.policy_entries(), whole.seconds()), (4, drafts.last().unwrap().commit.seconds));
    // Entry 3 was revoked; of what was signed since 4, the key that was given up had signed entry 4 alone.
    let void = (0..whole.size()).filter_map(|number| Some((number, whole.voided_by(EntryNumber(number))?.0)));
    assert_eq!(void.collect::<Vec<_>>(), [(3, 11), (4, 14)]);
    let signers: Vec<&str> = whole.signers().iter().map(|person| person.as_str()).collect();
    assert_eq!(signers, ["lee@acme.example", "min@acme.example", "kim@acme.example", "han@acme.example"]);
    let kinds = whole.kinds();
    let count = |kind: Kind| kinds.get(&kind).copied();
    assert_eq!((count(Kind::Policy), count(Kind::Open), count(Kind::Waiver)), (Some(4), Some(4), None));
}

#[test]
fn statements_that_were_let_go_are_read_again() {
    let repo = long_story();
    let drafts = Forge::of(&repo).drafts;
    let whole = verified(&drafts);
    let mut ledger = whole.clone();
    ledger.unload();
    assert!(ledger.entries().all(|entry| entry.kind() == Kind::Open) && ledger.entries().count() == 4);
    same(&ledger, &whole);
    let of_attempts = whole.entries().filter(|entry| entry.attempt().is_some() && entry.kind() != Kind::Open);
    let expected: Vec<EntryNumber> = of_attempts.map(|entry| entry.number()).collect();
    assert_eq!(fetch(&mut ledger, &drafts), expected);
    assert_eq!(told(ledger.view()), told(whole.view()));
    for number in expected {
        let (again, before) = (ledger.entry(number).unwrap(), whole.entry(number).unwrap());
        assert_eq!((again.statement().bytes(), again.path()), (before.statement().bytes(), before.path()));
        assert_eq!((again.key(), again.dsse(), again.summary()), (before.key(), before.dsse(), before.summary()));
        assert_eq!((again.commit(), again.committed_at()), (before.commit(), before.committed_at()));
        assert_eq!((again.roster(), again.person()), (before.roster(), before.person()));
    }
    let opened = |ledger: &VerifiedLedger, kind: Kind| ledger.releases_of(|_, of| of == kind);
    assert_eq!(opened(&whole, Kind::Promotion), [Version::parse("1.0").unwrap()]);
    assert_eq!(opened(&whole, Kind::Evidence), releases());
    assert_eq!(whole.releases_of(|number, _| number.0 == 0), [], "a policy is of no release");
    assert_eq!(whole.view().releases(&pipeline()), releases());
}

#[test]
fn only_the_statement_that_was_verified_is_taken_up_again() {
    let repo = long_story();
    let drafts = Forge::of(&repo).drafts;
    let mut ledger = verified(&drafts);
    ledger.unload();
    let number = EntryNumber(4);
    let (good, other) = (stored(&drafts, number), stored(&drafts, EntryNumber(3)));
    let bent = |from: String, to: String| {
        let text = String::from_utf8(good.commit.clone()).unwrap();
        assert!(text.contains(&from), "{from:?} is not in:\n{text}");
        StoredStatement { commit: text.replace(&from, &to).into_bytes(), ..good.clone() }
    };
    let (id, root, another) = (Digest::of(&good.statement), ledger.root_at(4).unwrap(), Digest::of(b"another"));
    for bad in [
        bent(format!("Ledger-Entry: 4 sha256:{id}"), format!("Ledger-Entry: 5 sha256:{id}")),
        bent(format!("Ledger-Entry: 4 sha256:{id}"), format!("Ledger-Entry: 4 sha256:{another}")),
        bent(format!("Ledger-Before: 4 sha256:{root}"), format!("Ledger-Before: 4 sha256:{another}")),
        StoredStatement { statement: [&good.statement[..], b"\n"].concat(), ..good.clone() },
        StoredStatement { statement: other.statement.clone(), ..good.clone() },
        StoredStatement { commit: other.commit, ..good.clone() },
        StoredStatement { commit: b"no commit".to_vec(), ..good.clone() },
        StoredStatement { number: EntryNumber(3), ..good.clone() },
        StoredStatement { number: EntryNumber(99), ..good.clone() },
    ] {
        assert!(!ledger.reload(vec![bad], FORMAT));
        assert!(ledger.entry(number).is_none());
    }
    assert!(ledger.reload(vec![good.clone()], FORMAT) && ledger.entry(number).is_some());
    assert!(ledger.reload(vec![good], FORMAT), "twice is once");
    // A policy is signed by somebody of the roster before it.
    let policy = EntryNumber(10);
    assert!(ledger.reload(vec![stored(&drafts, policy)], FORMAT));
    let before = verified(&drafts[..10]);
    assert_eq!(ledger.entry(policy).unwrap().roster(), before.policies()[0].roster());
}

#[test]
fn what_does_not_fit_is_read_again_from_the_beginning() {
    let repo = long_story();
    let drafts = Forge::of(&repo).drafts;
    let (whole, short) = (verified(&drafts), verified(&drafts[..6]));
    assert!(aside(&short).is_beginning_of(&whole) && aside(&short).is_beginning_of(&short));
    assert!(!aside(&whole).is_beginning_of(&short));
    assert_eq!((aside(&short).size(), aside(&whole).size()), (6, drafts.len() as u64));
    let restore =
        |saved: Saved, pin: Option<Digest>, format| saved.restore(Arc::new(Kept(short.clone(), false)), pin, format);
    for (pin, anchored) in [(None, false), (Some(short.first()), true)] {
        let ledger = restore(aside(&short), pin, FORMAT).unwrap();
        assert_eq!((ledger.is_anchored(), ledger.is_sound()), (anchored, false), "the past could not answer");
    }
    assert!(restore(aside(&short), Some(Digest::of(b"another")), FORMAT).is_none(), "another pin");
    assert!(restore(aside(&short), None, ObjectFormat::Sha256).is_none(), "another repository");
    let json = serde_json::to_value(aside(&short)).unwrap();
    let mut nothing = json.clone();
    (nothing["size"], nothing["subtrees"]) = (0.into(), Vec::<Value>::new().into());
    let nothing: Saved = serde_json::from_value(nothing).unwrap();
    assert!(restore(nothing, None, FORMAT).is_none(), "no ledger is empty");
    for (key, value) in [
        ("writer", "ledger 0.0.9, rules 3".into()),
        ("size", 0.into()),
        ("size", 7.into()),
        ("hex", 64.into()),
        ("subtrees", Vec::<Value>::new().into()),
    ] {
        let mut odd = json.clone();
        assert_ne!(odd[key], value);
        odd[key] = value;
        let saved = || serde_json::from_value::<Saved>(odd.clone()).unwrap();
        assert!(restore(saved(), None, FORMAT).is_none(), "{key}: {}", odd[key]);
        assert!(key == "hex" || !saved().is_beginning_of(&whole), "{key}: {}", odd[key]);
    }
}

#[test]
fn a_ledger_that_goes_on_must_fit_what_was_put_aside() {
    let repo = long_story();
    let drafts = Forge::of(&repo).drafts;
    let limits = Limits::default();
    let faults = |draft: &Draft, cut: usize| -> Vec<&str> {
        let mut verifier = Verifier::resume(taken_up(verified(&drafts[..cut])), limits, now()).keeping(Keep::Openings);
        verifier.admit(Examiner::new(FORMAT, limits).examine(draft.stored()));
        match verifier.finish() {
            Ok(ledger) => {
                assert_eq!(ledger.entries().count(), 0, "no opening, so nothing is kept");
                Vec::new()
            }
            Err(faults) => faults.iter().map(|fault| fault.fault.word()).collect(),
        }
    };
    assert_eq!(faults(&drafts[9], 9), [""; 0]);
    let skipped = faults(&drafts[10], 9);
    assert!(["number", "parent", "root-before"].iter().all(|fault| skipped.contains(fault)), "{skipped:?}");
    let again = faults(&drafts[4], 9);
    assert!(["number", "parent", "replayed", "root-before"].iter().all(|fault| again.contains(fault)), "{again:?}");
}
