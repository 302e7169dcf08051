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
    /// What each remote of each clone was seen to have, by the SHA-256 of the clone's path and its name.
    served: BTreeMap<Digest, Heard>,
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

/// What a clone last heard of a remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    /// SHA-256 of its URL: URLs may hold passwords.
    url: Digest,
    tip: ObjectId,
    /// The most entries it had; 0 while nothing was heard under this URL.
    entries: u64,
}

/// What a remote has of a ledger, as far as this clone has heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub remote: String,
    /// SHA-256 of the clone's path and the remote's name.
    pub place: Digest,
    /// SHA-256 of its URL.
    pub url: Digest,
    pub tip: ObjectId,
    /// Entries of the ledger it has.
    pub entries: u64,
    /// It goes on differently after them.
    pub parted: bool,
}

/// What the clone a ledger was read in knows of other places.
pub struct Outside<'o> {
    /// Entries of the ledger that others can know. What is here beyond them may be taken back and made
    /// again, and accuses nobody.
    pub shared: u64,
    pub served: &'o [Served],
    /// Where another history parts from the ledger: the number of entries both have. `None`: cannot be told.
    pub parting: &'o dyn Fn(&ObjectId) -> Option<u64>,
    /// Whether a remote's branch, as last fetched, has a commit.
    pub fetched: &'o dyn Fn(&ObjectId) -> bool,
}

/// How a ledger differs from what was seen of it.
#[derive(Debug)]
pub enum Contradiction {
    /// Another beginning, another past, or fewer entries.
    Fault(Fault),
    /// This clone has not fetched for a while: so many entries were seen elsewhere.
    Behind(u64),
}

impl Memory {
    /// Nothing seen yet.
    pub const fn of(origin: Origin) -> Self {
        Self { origin, ledgers: Vec::new() }
    }

    /// Whether other ledgers were seen under the name, and this one never.
    pub fn knows_only_others(&self, ledger: &VerifiedLedger) -> bool {
        !self.ledgers.is_empty() && self.known(ledger).is_none()
    }

    /// What contradicts the memory.
    pub fn contradictions(&self, ledger: &VerifiedLedger, outside: &Outside<'_>) -> Option<Contradiction> {
        if self.knows_only_others(ledger) {
            let known: Vec<String> = self.ledgers.iter().map(ToString::to_string).collect();
            let found = format!("entry 0 sha256:{}, {}", ledger.first(), described(ledger));
            return Some(Contradiction::Fault(Fault::of_ledger(FaultKind::Replaced, known.join("; or "), found)));
        }
        self.known(ledger)?.contradictions(ledger, outside)
    }

    /// Remotes that have fewer of the ledger's entries than they once had.
    pub fn withheld(&self, ledger: &VerifiedLedger, served: &[Served]) -> Vec<Fault> {
        // Only a branch that went back accuses: one that stands where it stood was not fetched lately.
        let went_back = |now: &Served| {
            let heard = self.known(ledger)?.served.get(&now.place).filter(|heard| heard.url == now.url)?;
            (heard.tip != now.tip && heard.entries > now.entries).then_some(heard.entries)
        };
        let less = served.iter().filter_map(|now| Some((now, went_back(now)?)));
        less.map(|(now, once)| {
            let Served { remote, tip, entries, .. } = now;
            let found = match (now.parted, entries.checked_sub(1)) {
                (false, _) => format!("{entries} entries, commit {tip}"),
                (true, Some(last)) => format!("another past after entry {last}, commit {tip}"),
                (true, None) => format!("another branch altogether, commit {tip}"),
            };
            Fault::of_ledger(FaultKind::Withheld, format!("{once} entries on {remote}, as it served before"), found)
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
        for now in served {
            news |= seen.hear(now);
        }
        news
    }

    /// Takes this ledger for the right one: what contradicts it is forgotten.
    pub fn accept(&mut self, ledger: &VerifiedLedger) {
        if let Some(seen) = self.ledgers.iter_mut().find(|seen| seen.first == ledger.first()) {
            seen.points.retain(|point| ledger.root_at(point.size) == Some(point.root));
            seen.served.retain(|_, heard| ledger.commit_at(heard.entries).as_ref() == Some(&heard.tip));
        } else {
            self.ledgers.push(Seen { first: ledger.first(), points: Vec::new(), served: BTreeMap::new() });
        }
    }

    fn known(&self, ledger: &VerifiedLedger) -> Option<&Seen> {
        self.ledgers.iter().find(|seen| seen.first == ledger.first())
    }
}

impl Seen {
    /// Notes what a remote has; what it has less than before is left to be told, and not believed.
    fn hear(&mut self, now: &Served) -> bool {
        let Served { place, url, tip, entries, .. } = now;
        let heard = |entries| Heard { url: *url, tip: tip.clone(), entries };
        let known = match self.served.get(place) {
            None => heard(*entries),
            // The branch was heard of under another URL, so nothing is known of what this one has.
            Some(known) if known.url != *url => heard(0),
            Some(known) if known.tip == *tip || known.entries > *entries => return false,
            Some(_) => heard(*entries),
        };
        self.served.insert(*place, known);
        true
    }

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

    fn contradictions(&self, ledger: &VerifiedLedger, outside: &Outside<'_>) -> Option<Contradiction> {
        let Outside { shared, served, parting, fetched } = *outside;
        let differs =
            |point: &&Point| point.size <= shared && ledger.root_at(point.size).is_some_and(|root| root != point.root);
        if let Some(point) = self.points.iter().find(differs) {
            return Some(Contradiction::Fault(self.fork_at(point, ledger, parting)));
        }
        let newest = self.points.last().filter(|point| ledger.root_at(point.size) != Some(point.root))?;
        // The branch here is the odd one: whoever fetched is told so, and nobody is accused.
        if newest.commit.as_ref().is_some_and(fetched) {
            return None;
        }
        // Shorter and different: only the commit seen then can tell, while it is there.
        if let Some(common) = newest.commit.as_ref().and_then(parting).filter(|common| *common < shared) {
            return Some(Contradiction::Fault(fork_after(common, newest, ledger)));
        }
        let stands = |now: &Served| {
            let heard = self.served.get(&now.place).filter(|heard| heard.url == now.url && heard.tip == now.tip);
            heard.is_some_and(|heard| heard.entries == now.entries && now.entries == shared)
        };
        Some(match served.iter().any(stands) {
            true => Contradiction::Behind(newest.size),
            false => Contradiction::Fault(Fault::of_ledger(FaultKind::Rollback, newest.to_string(), described(ledger))),
        })
    }

    fn fork_at(&self, point: &Point, ledger: &VerifiedLedger, parting: &dyn Fn(&ObjectId) -> Option<u64>) -> Fault {
        let known = self.points.iter().take_while(|other| other.size < point.size).last().map_or(0, |seen| seen.size);
        // The commits tell where exactly, while both are still there.
        let common = point.commit.as_ref().and_then(parting).filter(|common| (known..point.size).contains(common));
        if let Some(common) = common.or_else(|| (known + 1 == point.size).then_some(known)) {
            return fork_after(common, point, ledger);
        }
        let place = format!("another past somewhere from entry {known} to {}", point.size - 1);
        Fault::of_ledger(FaultKind::Fork, point.to_string(), format!("{place}, {}", described(ledger)))
    }
}

/// Both have so many entries in common, and then others.
fn fork_after(common: u64, point: &Point, ledger: &VerifiedLedger) -> Fault {
    let place = common.checked_sub(1).map_or("from entry 0 on".to_owned(), |last| format!("after entry {last}"));
    let (entry, commit) = (Some(EntryNumber(common)), ledger.commit_at(common + 1));
    let found = format!("another past {place}, {}", described(ledger));
    Fault { entry, commit, fault: FaultKind::Fork, expected: point.to_string(), found }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "entry 0 sha256:{}", self.first)?;
        self.points.last().map_or(Ok(()), |newest| write!(f, ", {newest}"))
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
        let mut seen = Seen { first: whole.first(), points: Vec::new(), served: BTreeMap::new() };
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

    fn memory(sizes: impl IntoIterator<Item = u64>) -> Memory {
        Memory { origin: Origin::parse("x.example/y").unwrap(), ledgers: vec![seen(sizes)] }
    }

    /// What the remote of one clone has.
    fn served(entries: u64, parted: bool) -> Served {
        Served {
            remote: "origin".to_owned(),
            place: Digest::of(b"/clone origin"),
            url: Digest::of(b"https://x.example/y"),
            tip: ObjectId::parse(&format!("{:040x}", entries * 2 + u64::from(parted))).unwrap(),
            entries,
            parted,
        }
    }

    fn contradiction(memory: &Memory, ledger: &VerifiedLedger) -> Option<Contradiction> {
        let shared = ledger.size();
        memory.contradictions(ledger, &Outside { shared, served: &[], parting: &|_| None, fetched: &|_| false })
    }

    /// What is here and nowhere else accuses nobody, and who has not fetched is told to.
    #[test]
    fn own_entries_and_a_clone_that_is_behind_are_no_contradiction() {
        let mut memory = memory([3, 5, 8]);
        let parted = ledger(8, 5);
        let told = |memory: &Memory, ledger: &VerifiedLedger, shared, served: &[Served], fetched| {
            let outside = Outside { shared, served, parting: &|_| Some(5), fetched: &|_| fetched };
            memory.contradictions(ledger, &outside).map(|found| match found {
                Contradiction::Fault(fault) => fault.fault.word().to_owned(),
                Contradiction::Behind(seen) => format!("behind {seen}"),
            })
        };
        let origin = served(5, false);
        assert_eq!(told(&memory, &parted, 8, &[], false).as_deref(), Some("fork"), "others can know all of it");
        assert_eq!(
            told(&memory, &parted, 5, &[], false).as_deref(),
            Some("rollback"),
            "a clone nobody has seen before"
        );
        assert_eq!(told(&memory, &parted, 5, &[], true), None, "the remote has what was seen");
        assert!(memory.note(&ledger(8, u64::MAX), 8, std::slice::from_ref(&origin), at()));
        assert_eq!(told(&memory, &parted, 5, std::slice::from_ref(&origin), false).as_deref(), Some("behind 8"));
        let went_back = Served { tip: served(4, false).tip, ..origin };
        assert_eq!(told(&memory, &parted, 5, &[went_back], false).as_deref(), Some("rollback"));
    }

    #[test]
    fn a_contradiction_is_told_from_a_ledger_that_goes_on() {
        let memory = memory([3, 5, 8]);
        let told = |size, others_from, parting: Option<u64>| {
            let outside = Outside { shared: size, served: &[], parting: &|_| parting, fetched: &|_| false };
            let Contradiction::Fault(fault) = memory.contradictions(&ledger(size, others_from), &outside)? else {
                panic!("it is no more than behind")
            };
            Some((fault.fault, fault.expected.split(' ').next().unwrap().to_owned(), fault.found, fault.entry))
        };
        for size in [8, 9, 200] {
            assert_eq!(told(size, u64::MAX, None), None, "{size} entries");
            assert_eq!(told(size, 8, None), None, "nobody saw more than 8 of {size} entries");
        }
        for size in [1, 7] {
            let (fault, expected, found, _) = told(size, u64::MAX, None).unwrap();
            assert_eq!((fault, expected.as_str()), (FaultKind::Rollback, "8"));
            assert!(found.starts_with(&format!("{size} entries")), "{found}");
        }
        // Sizes alone say between which entries it parts; with both commits at hand the entry is known.
        for (size, others_from, wrong, place) in
            [(8, 7, "8", "5 to 7"), (9, 5, "8", "5 to 7"), (9, 4, "5", "3 to 4"), (6, 1, "3", "0 to 2")]
        {
            let (fault, expected, found, entry) = told(size, others_from, None).unwrap();
            assert_eq!((fault, expected.as_str(), entry), (FaultKind::Fork, wrong, None));
            assert!(found.starts_with(&format!("another past somewhere from entry {place},")), "{found}");
            let (_, _, found, entry) = told(size, others_from, Some(others_from)).unwrap();
            assert!(found.starts_with(&format!("another past after entry {},", others_from - 1)), "{found}");
            assert_eq!(entry, Some(EntryNumber(others_from)));
            // What commits say of themselves cannot move it beyond what was seen.
            assert_eq!(told(size, others_from, Some(9)).unwrap().3, None);
        }
        assert_eq!(told(8, 0, None).unwrap().0, FaultKind::Replaced);
    }

    #[test]
    fn a_server_is_held_to_the_most_it_served() {
        let (whole, mut memory) = (ledger(9, u64::MAX), memory([3]));
        let withheld = |memory: &Memory, now| memory.withheld(&whole, &[now]).pop().map(|fault| fault.found);
        assert_eq!(withheld(&memory, served(2, false)), None, "never heard of before");
        assert!(
            memory.note(&whole, 9, &[served(7, false)], at()) && !memory.note(&whole, 9, &[served(6, false)], at())
        );
        assert_eq!(withheld(&memory, served(7, true)), None, "it has all it had, and others have gone on elsewhere");
        assert!(withheld(&memory, served(6, false)).unwrap().starts_with("6 entries"));
        assert!(withheld(&memory, served(6, true)).unwrap().starts_with("another past after entry 5"));
        assert!(withheld(&memory, served(0, true)).unwrap().starts_with("another branch altogether"));
        let elsewhere = Served { place: Digest::of(b"/clone backup"), ..served(1, false) };
        assert_eq!(withheld(&memory, elsewhere), None, "each remote of each clone for itself");
        // Under a new URL nothing is known of a server until its branch moves; then it counts like any.
        let moved = |entries| Served { url: Digest::of(b"https://new.example"), ..served(entries, false) };
        let mut later = memory.clone();
        assert!(withheld(&later, moved(6)).is_none() && later.note(&whole, 9, &[moved(7)], at()));
        assert!(withheld(&later, moved(2)).is_none() && later.note(&whole, 9, &[moved(2)], at()));
        assert!(later.note(&whole, 9, &[moved(8)], at()) && withheld(&later, moved(3)).is_some());
        memory.accept(&whole);
        assert_eq!(withheld(&memory, served(6, false)), None, "what was accepted is where it begins again");
    }

    #[test]
    fn a_ledger_that_was_accepted_is_known_beside_the_others() {
        let mut memory = memory([3, 5, 8]);
        let (other, shorter) = (ledger(8, 0), ledger(4, u64::MAX));
        assert!(memory.knows_only_others(&other));
        memory.accept(&other);
        assert!(!memory.knows_only_others(&other) && contradiction(&memory, &other).is_none());
        assert!(contradiction(&memory, &shorter).is_some());
        memory.accept(&shorter);
        assert!(contradiction(&memory, &shorter).is_none());
        assert!(contradiction(&memory, &ledger(9, 3)).is_none() && contradiction(&memory, &ledger(9, 2)).is_some());
    }
}
