//! Things that wait for one another, so that none of them can ever be the first (Kahn, 1962).

use std::collections::{BTreeMap, BTreeSet};

/// What a thing waits for: so many of these.
#[derive(Debug, Clone)]
pub struct Waits<K> {
    pub least: usize,
    pub of: BTreeSet<K>,
}

impl<K: Ord> Waits<K> {
    pub fn all(of: BTreeSet<K>) -> Self {
        Self { least: of.len(), of }
    }
}

/// Those that can never come: they wait for one another, or for one that does.
pub fn stuck<K: Copy + Ord>(waiting: &BTreeMap<K, Waits<K>>) -> BTreeSet<K> {
    let mut wanted_by: BTreeMap<K, Vec<K>> = BTreeMap::new();
    for (id, waits) in waiting {
        waits.of.iter().for_each(|wanted| wanted_by.entry(*wanted).or_default().push(*id));
    }
    let mut left: BTreeMap<K, usize> = waiting.iter().map(|(id, waits)| (*id, waits.least)).collect();
    // What is not there is found elsewhere, and keeps nobody waiting.
    let missing = wanted_by.keys().copied().filter(|id| !waiting.contains_key(id));
    let mut free: Vec<K> = missing.chain(left.iter().filter(|(_, least)| **least == 0).map(|(id, _)| *id)).collect();
    let mut come: BTreeSet<K> = free.iter().copied().collect();
    while let Some(id) = free.pop() {
        for other in wanted_by.remove(&id).unwrap_or_default() {
            let Some(least) = left.get_mut(&other) else { continue };
            *least = least.saturating_sub(1);
            if *least == 0 && come.insert(other) {
                free.push(other);
            }
        }
    }
    waiting.keys().copied().filter(|id| !come.contains(id)).collect()
}

/// Whether one of those that are stuck waits, over however many others, for another.
pub fn waits_for<K: Copy + Ord>(waiting: &BTreeMap<K, Waits<K>>, stuck: &BTreeSet<K>, one: K, other: K) -> bool {
    let (mut open, mut known) = (vec![one], BTreeSet::new());
    while let Some(id) = open.pop() {
        if id == other {
            return true;
        }
        if stuck.contains(&id) && known.insert(id) {
            open.extend(waiting.get(&id).into_iter().flat_map(|waits| &waits.of));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(all: &[(char, usize, &str)]) -> BTreeMap<char, Waits<char>> {
        all.iter().map(|(id, least, of)| (*id, Waits { least: *least, of: of.chars().collect() })).collect()
    }

    #[test]
    fn what_waits_for_itself_never_comes_and_neither_does_what_waits_for_it() {
        let all = waiting(&[('a', 1, "b"), ('b', 2, "ca"), ('c', 0, ""), ('d', 1, "a"), ('e', 1, "c"), ('f', 1, "?")]);
        let never = stuck(&all);
        assert_eq!(never, ['a', 'b', 'd'].into());
        assert!(waits_for(&all, &never, 'b', 'a') && waits_for(&all, &never, 'a', 'b'));
        assert!(waits_for(&all, &never, 'd', 'b') && !waits_for(&all, &never, 'b', 'd'));
    }

    #[test]
    fn one_way_out_of_two_is_enough_where_one_is_asked_for() {
        assert_eq!(stuck(&waiting(&[('a', 1, "bc"), ('b', 1, "a"), ('c', 0, "")])), [].into());
        assert_eq!(stuck(&waiting(&[('a', 2, "bc"), ('b', 1, "a"), ('c', 0, "")])), ['a', 'b'].into());
    }
}
