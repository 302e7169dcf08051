//! What was seen of a ledger before, and whether it goes on from there.
//!
//! A ledger that was cut back, or goes on differently after some entry, holds in itself: every
//! signature is good. Only memory tells. It is a list of sizes with their roots; a root at a size
//! names every entry before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};
use super::view::VerifiedLedger;
use crate::id::{Digest, EntryNumber, ObjectId, Origin, Timestamp};

/// Points kept. When there are more, every second of the older ones goes.
const MOST: usize = 64;

/// All that was seen under one name: one ledger, or several that were begun or accepted on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    pub origin: Origin,
    ledgers: Vec<Seen>,
}

/// The memory of one ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// SHA-256 of entry 0's statement.
    first: Digest,
    /// By size, smallest first.
    points: Vec<Point>,
    /// The most entries each server was seen to have, by the SHA-256 of its URL: URLs may hold passwords.
    served: BTreeMap<Digest, u64>,
}

/// A ledger as it was at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    size: u64,
    /// RFC 6962 root over so many statements.
    root: Digest,
    /// The newest commit: a place to look.
    commit: Option<ObjectId>,
    /// When it was seen, by this machine's clock.
    at: Timestamp,
}

/// What a remote has of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub remote: String,
    /// SHA-256 of its URL.
    pub server: Digest,
    pub tip: ObjectId,
    /// Entries of the ledger it has.
    pub entries: u64,
    /// It goes on differently after them.
    pub parted: bool,
}

/// Where another history parts from the ledger: the number of entries both have. `None`: cannot be told.
pub type Parting<'p> = &'p dyn Fn(&ObjectId) -> Option<u64>;

impl Memory {
    /// Nothing seen yet.
    pub const fn of(origin: Origin) -> Self {
        Self { origin, ledgers: Vec::new() }
    }

    /// Whether other ledgers were seen under the name, and this one never.
    pub fn knows_only_others(&self, ledger: &VerifiedLedger) -> bool {
        !self.ledgers.is_empty() && self.known(ledger).is_none()
    }

    /// What contradicts the memory: another beginning, another past, or fewer entries.
    pub fn contradictions(&self, ledger: &VerifiedLedger, parting: Parting<'_>) -> Option<Fault> {
        if self.knows_only_others(ledger) {
            let known: Vec<String> = self.ledgers.iter().map(|seen| format!("sha256:{}", seen.first)).collect();
            let expected = format!("entry 0 {}", known.join(" or "));
            return Some(whole(FaultKind::Replaced, expected, format!("sha256:{}", ledger.first())));
        }
        self.known(ledger)?.contradictions(ledger, parting)
    }

    /// Remotes that have fewer of the ledger's entries than they once had.
    pub fn withheld(&self, ledger: &VerifiedLedger, served: &[Served]) -> Vec<Fault> {
        let once = |server: &Digest| self.known(ledger)?.served.get(server).copied();
        let less = served.iter().filter_map(|now| Some((now, once(&now.server).filter(|once| *once > now.entries)?)));
        less.map(|(now, once)| {
            let Served { remote, tip, entries, .. } = now;
            let found = match (now.parted, entries.checked_sub(1)) {
                (false, _) => format!("{entries} entries, commit {tip}"),
                (true, Some(last)) => format!("another past after entry {last}, commit {tip}"),
                (true, None) => format!("another branch altogether, commit {tip}"),
            };
            whole(FaultKind::Withheld, format!("{once} entries on {remote}, as it served before"), found)
        })
        .collect()
    }

    /// Notes the ledger's first `size` entries and what servers have; false when nothing is new.
    pub fn note(&mut self, ledger: &VerifiedLedger, size: u64, served: &[Served], at: Timestamp) -> bool {
        let Some(seen) = self.ledgers.iter_mut().find(|seen| seen.first == ledger.first()) else {
            self.ledgers.push(Seen { first: ledger.first(), points: Vec::new(), served: BTreeMap::new() });
            return self.note(ledger, size, served, at);
        };
        let mut news = seen.note(ledger, size, at);
        for Served { server, entries, .. } in served {
            let most = seen.served.entry(*server).or_default();
            news |= entries > most;
            *most = (*most).max(*entries);
        }
        news
    }

    /// Takes this ledger for the right one: what contradicts it is forgotten.
    pub fn accept(&mut self, ledger: &VerifiedLedger) {
        if let Some(seen) = self.ledgers.iter_mut().find(|seen| seen.first == ledger.first()) {
            seen.points.retain(|point| ledger.root_at(point.size) == Some(point.root));
            seen.served.clear();
        } else {
            self.ledgers.push(Seen { first: ledger.first(), points: Vec::new(), served: BTreeMap::new() });
        }
    }

    fn known(&self, ledger: &VerifiedLedger) -> Option<&Seen> {
        self.ledgers.iter().find(|seen| seen.first == ledger.first())
    }
}

impl Seen {
    fn note(&mut self, ledger: &VerifiedLedger, size: u64, at: Timestamp) -> bool {
        let most = self.points.last().map_or(0, |point| point.size);
        let Some(root) = ledger.root_at(size).filter(|_| size > most) else { return false };
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

    fn contradictions(&self, ledger: &VerifiedLedger, parting: Parting<'_>) -> Option<Fault> {
        let differs = |point: &&Point| ledger.root_at(point.size).is_some_and(|root| root != point.root);
        let Some(point) = self.points.iter().find(differs) else {
            let point = self.points.last().filter(|point| point.size > ledger.size())?;
            return Some(whole(FaultKind::Rollback, point.to_string(), described(ledger)));
        };
        let known = self.points.iter().take_while(|other| other.size < point.size).last().map_or(0, |seen| seen.size);
        // The commits tell where exactly, while both are still there.
        let common = point.commit.as_ref().and_then(parting).filter(|common| (known..point.size).contains(common));
        let place = match common {
            Some(0) => "from entry 0 on".to_owned(),
            Some(common) => format!("after entry {}", common - 1),
            None if known + 1 == point.size => format!("after entry {}", known.saturating_sub(1)),
            None => format!("somewhere from entry {known} to {}", point.size - 1),
        };
        let (entry, commit) = match common {
            Some(common) => (Some(EntryNumber(common)), ledger.commit_at(common + 1)),
            None => (None, None),
        };
        let found = format!("another past {place}, {}", described(ledger));
        Some(Fault { entry, commit, fault: FaultKind::Fork, expected: point.to_string(), found })
    }
}

/// What somebody else says a ledger was: so many entries with this root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub size: u64,
    pub root: Digest,
}

impl Figures {
    /// Reads `37:sha256:<hex>` or `37:<hex>`. No entries at all say nothing, so that is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let (size, root) = text.split_once(':')?;
        let size = size.parse().ok().filter(|size| *size > 0)?;
        Some(Self { size, root: Digest::parse(root).ok()? })
    }

    /// Whether the ledger was that; `None` when it has fewer entries.
    pub fn agree(&self, ledger: &VerifiedLedger) -> Option<Result<(), Fault>> {
        let own = ledger.root_at(self.size)?;
        let at = |root: &Digest| format!("root sha256:{root} at {}", self.size);
        Some(if own == self.root { Ok(()) } else { Err(whole(FaultKind::Fork, at(&self.root), at(&own))) })
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
