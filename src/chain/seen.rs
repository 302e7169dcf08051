//! What was seen of a ledger before, and whether it goes on from there.
//!
//! A ledger that was cut back, or goes on differently after some entry, holds in itself: every
//! signature is good. Only memory tells. It is a list of sizes with their roots; a root at a size
//! names every entry before it.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};
use super::view::VerifiedLedger;
use crate::id::{Digest, ObjectId, Origin, Timestamp};

/// Points kept. When there are more, every second of the older ones goes.
const MOST: usize = 64;

/// The memory of one ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    pub origin: Origin,
    /// SHA-256 of entry 0's statement.
    pub first: Digest,
    /// By size, smallest first.
    pub points: Vec<Point>,
}

/// A ledger as it was at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    pub size: u64,
    /// RFC 6962 root over so many statements.
    pub root: Digest,
    /// The newest commit: a place to look.
    pub commit: Option<ObjectId>,
    /// When it was seen, by this machine's clock.
    pub at: Timestamp,
}

impl Seen {
    /// Nothing seen yet but which ledger it is.
    pub fn of(ledger: &VerifiedLedger) -> Self {
        Self { origin: ledger.origin().clone(), first: ledger.first(), points: Vec::new() }
    }

    /// Notes the ledger's first `size` entries; false when as many have been seen before.
    pub fn note(&mut self, ledger: &VerifiedLedger, size: u64, at: Timestamp) -> bool {
        let Some(root) = ledger.root_at(size).filter(|_| size > self.size()) else { return false };
        self.points.push(Point { size, root, commit: ledger.commit_at(size), at });
        if self.points.len() > MOST {
            let newest = self.points.len() - MOST / 2;
            let mut at = 0;
            self.points.retain(|_| {
                at += 1;
                at > newest || at % 2 == 0
            });
        }
        true
    }

    /// Entries seen.
    pub fn size(&self) -> u64 {
        self.points.last().map_or(0, |point| point.size)
    }

    /// What contradicts the memory: another beginning, another past, or fewer entries.
    pub fn contradictions(&self, ledger: &VerifiedLedger) -> Vec<Fault> {
        if self.first != ledger.first() {
            let (seen, found) = (format!("entry 0 sha256:{}", self.first), format!("sha256:{}", ledger.first()));
            return vec![whole(FaultKind::Replaced, seen, found)];
        }
        let differs = |point: &&Point| ledger.root_at(point.size).is_some_and(|root| root != point.root);
        if let Some(point) = self.points.iter().find(differs) {
            let agreed = self.points.iter().take_while(|other| other.size < point.size).last().map_or(0, |p| p.size);
            let found = format!("another past after entry {}, {}", agreed.saturating_sub(1), described(ledger));
            return vec![whole(FaultKind::Fork, point.to_string(), found)];
        }
        match self.points.last().filter(|point| point.size > ledger.size()) {
            Some(point) => vec![whole(FaultKind::Rollback, point.to_string(), described(ledger))],
            None => Vec::new(),
        }
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} entries with root sha256:{}, seen {}", self.size, self.root, self.at)?;
        self.commit.as_ref().map_or(Ok(()), |commit| write!(f, " as commit {commit}"))
    }
}

fn described(ledger: &VerifiedLedger) -> String {
    let tip = ledger.tip().map_or_else(String::new, |tip| format!(", commit {tip}"));
    format!("{} entries with root sha256:{}{tip}", ledger.size(), ledger.root())
}

fn whole(fault: FaultKind, expected: String, found: String) -> Fault {
    Fault { entry: None, commit: None, fault, expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::records::Record;
    use crate::chain::running::Running;
    use crate::entry::Kind;
    use crate::id::{EntryId, EntryNumber};

    /// A ledger of so many entries, which are others from some entry on.
    fn ledger(size: u64, others_from: u64) -> VerifiedLedger {
        let mut chain = Running::new(40);
        for number in 0..size {
            let statement = format!("{number} {}", number >= others_from);
            chain.records.push(&Record {
                id: EntryId(Digest::of(statement.as_bytes())),
                root_before: chain.merkle.root(),
                commit: ObjectId::parse(&"ab".repeat(20)).unwrap(),
                kind: Kind::Open,
                attempt: None,
                person: 0,
                key: 0,
            });
            chain.merkle.push(statement.as_bytes());
        }
        let first = chain.record(EntryNumber(0)).unwrap().id.0;
        VerifiedLedger { origin: Origin::parse("x.example/y").unwrap(), first, chain, anchored: false }
    }

    fn seen(sizes: impl IntoIterator<Item = u64>) -> Seen {
        let whole = ledger(200, u64::MAX);
        let mut seen = Seen::of(&whole);
        for size in sizes {
            assert!(seen.note(&whole, size, at()), "{size}");
        }
        seen
    }

    fn at() -> Timestamp {
        Timestamp::parse("2025-10-04T00:00:00Z").unwrap()
    }

    fn sizes(seen: &Seen) -> Vec<u64> {
        seen.points.iter().map(|point| point.size).collect()
    }

    #[test]
    fn only_what_is_longer_than_all_before_is_noted() {
        let mut seen = seen([3, 7]);
        let whole = ledger(9, u64::MAX);
        for size in [0, 3, 6, 7, 10] {
            assert!(!seen.note(&whole, size, at()), "{size}");
        }
        assert!(seen.note(&whole, 8, at()));
        assert_eq!(sizes(&seen), [3, 7, 8]);
        assert_eq!(seen.points[2].root, whole.root_at(8).unwrap());
    }

    #[test]
    fn when_there_are_too_many_points_every_second_of_the_older_half_goes() {
        assert_eq!(sizes(&seen(1..=64)), (1..=64).collect::<Vec<_>>(), "64 are kept");
        let thinned: Vec<u64> = (1..=16).map(|half| 2 * half).chain(34..=65).collect();
        assert_eq!(sizes(&seen(1..=65)), thinned);
        let many = seen(1..=200);
        assert!(many.points.len() <= 64 && sizes(&many).is_sorted());
        assert_eq!(sizes(&many)[many.points.len() - 32..], (169..=200).collect::<Vec<_>>(), "the newest stay");
    }

    #[test]
    fn a_contradiction_is_told_from_a_ledger_that_goes_on() {
        let seen = seen([3, 5, 8]);
        for size in [8, 9, 200] {
            assert_eq!(seen.contradictions(&ledger(size, u64::MAX)), [], "{size} entries");
            assert_eq!(seen.contradictions(&ledger(size, 8)), [], "nobody saw more than 8 of {size} entries");
        }
        let told = |size, others_from| {
            let faults = seen.contradictions(&ledger(size, others_from));
            let [fault] = faults.try_into().unwrap();
            (fault.fault, fault.expected.split(' ').next().unwrap().to_owned(), fault.found)
        };
        for size in [1, 7] {
            let (fault, expected, found) = told(size, u64::MAX);
            assert_eq!((fault, expected.as_str()), (FaultKind::Rollback, "8"));
            assert!(found.starts_with(&format!("{size} entries")), "{found}");
        }
        // The past is another from the entry after the last size that agrees.
        for (size, others_from, wrong, agreed) in [(8, 7, "8", 4), (9, 5, "8", 4), (9, 4, "5", 2), (6, 1, "3", 0)] {
            let (fault, expected, found) = told(size, others_from);
            assert_eq!((fault, expected.as_str()), (FaultKind::Fork, wrong));
            assert!(found.starts_with(&format!("another past after entry {agreed},")), "{found}");
        }
        assert_eq!(told(8, 0).0, FaultKind::Replaced);
    }
}
