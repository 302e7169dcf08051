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
