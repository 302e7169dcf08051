//! Any byte changed, taken out or put in, anywhere in what an entry is made of, is caught: every byte of a
//! small ledger has one of seven things done to it, in turn.
//!
//! In process, under the ids the objects had: whether git would notice is not asked. So this is A22 too, a
//! collision in git's own hash.

use std::thread;

use ledger::chain::{Examiner, Keep, Limits, TrustAnchor, VerifiedLedger, Verifier};
use ledger::id::Timestamp;
use ledger::store::StoredEntry;
use ledger::store::commit::ObjectFormat;

use super::*;
use crate::support::forge::{Draft, stored_file};

const FORMAT: ObjectFormat = ObjectFormat::Sha1;

/// One of the things that can be done to a byte.
#[derive(Debug, Clone, Copy)]
enum Slip {
    Changed(u8),
    Removed,
    Added(u8),
    Doubled,
}

const SLIPS: [Slip; 7] = [
    Slip::Changed(0x01),
    Slip::Removed,
    Slip::Doubled,
    Slip::Changed(0x20),
    Slip::Added(b' '),
    Slip::Changed(0x80),
    Slip::Added(b'0'),
];

fn slipped(bytes: &[u8], at: usize, slip: Slip) -> Vec<u8> {
    let (head, tail) = (&bytes[..at], &bytes[at + 1..]);
    let byte = bytes[at];
    match slip {
        Slip::Changed(bits) => [head, &[byte ^ bits], tail].concat(),
        Slip::Removed => [head, tail].concat(),
        Slip::Added(more) => [head, &[more, byte], tail].concat(),
        Slip::Doubled => [head, &[byte, byte], tail].concat(),
    }
}

/// Whether a ledger that held so far still does with one more entry. A fault of an entry is one of the
/// ledger, whatever comes after it.
fn holds(before: Option<&VerifiedLedger>, entry: StoredEntry) -> Option<VerifiedLedger> {
    let (limits, now) = (Limits::default(), Timestamp::parse("9999-12-31T23:59:59Z").unwrap());
    let fresh = || Verifier::new(FORMAT, TrustAnchor::default(), limits, now).keeping(Keep::Openings);
    let mut verifier = before.map_or_else(fresh, |ledger| Verifier::resume(ledger.clone(), limits, now));
    verifier.admit(Examiner::new(FORMAT, limits).examine(entry));
    verifier.finish().ok()
}

/// The parts of an entry: its commit, then everything its tree gained.
fn parts(entry: &StoredEntry) -> Vec<Vec<u8>> {
    let files = entry.added.iter().map(|file| file.bytes.clone().unwrap());
    [entry.commit.clone()].into_iter().chain(files).collect()
}

fn with_part(entry: &StoredEntry, part: usize, bytes: Vec<u8>) -> StoredEntry {
    let mut entry = entry.clone();
    match part.checked_sub(1) {
        None => entry.commit = bytes,
        Some(file) => entry.added[file] = stored_file(entry.added[file].path.clone(), bytes),
    }
    entry
}

/// Does something to each byte of an entry; tells how often, and what went through.
fn uncaught(before: Option<&VerifiedLedger>, entry: &StoredEntry) -> (usize, Vec<String>) {
    let (mut tried, mut through) = (0, Vec::new());
    for (part, bytes) in parts(entry).iter().enumerate() {
        for at in 0..bytes.len() {
            let slip = SLIPS[at % SLIPS.len()];
            tried += 1;
            if holds(before, with_part(entry, part, slipped(bytes, at, slip))).is_some() {
                through.push(format!("entry {}, part {part}, byte {at}: {slip:?}", entry.id));
            }
        }
    }
    (tried, through)
}

#[test]
fn no_byte_of_a_ledger_can_be_changed_removed_or_added() {
    let repo = crate::steps::approved();
    let forge = Forge::of(&repo);
    let entries: Vec<StoredEntry> = forge.drafts.iter().map(Draft::stored).collect();
    let mut ledger = None;
    let mut cases = Vec::new();
    for entry in entries {
        let after = holds(ledger.as_ref(), entry.clone()).expect("the ledger holds before anything is changed");
        cases.push((ledger.replace(after), entry));
    }
    assert_eq!(ledger.unwrap().size(), 5);
    let results: Vec<(usize, Vec<String>)> = thread::scope(|scope| {
        let workers: Vec<_> =
            cases.iter().map(|(before, entry)| scope.spawn(|| uncaught(before.as_ref(), entry))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let tried: usize = results.iter().map(|(tried, _)| tried).sum();
    let through: Vec<&String> = results.iter().flat_map(|(_, through)| through).collect();
    assert!(tried > 10_000, "{tried}");
    assert!(through.is_empty(), "{} of {tried} went through: {through:#?}", through.len());
}
