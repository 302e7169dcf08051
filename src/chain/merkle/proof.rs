//! Proofs about the tree: that a statement is in it, and that one tree is another's beginning.
//!
//! Made as RFC 6962, sections 2.1.1 and 2.1.2 say; checked by the iterative algorithms of RFC 9162,
//! sections 2.1.3.2 and 2.1.4.2, which need neither the tree nor recursion.

use super::{leaf, parent};
use crate::id::Digest;

/// Hashes of leaves, from which proofs are made.
pub fn leaves<'s>(statements: impl IntoIterator<Item = &'s [u8]>) -> Vec<Digest> {
    statements.into_iter().map(leaf).collect()
}

/// The root over leaves; of none, SHA-256 of nothing.
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [one] => *one,
        several => {
            let (left, right) = several.split_at(split(several.len()));
            parent(&root(left), &root(right))
        }
    }
}

/// The hashes that lead from leaf `index` to the root, the leaf's sibling first; `None` beyond the end.
pub fn inclusion(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    match leaves.len() {
        0 => None,
        1 => (index == 0).then(Vec::new),
        size => {
            let (left, right) = leaves.split_at(split(size));
            let (mut path, sibling) = match index.checked_sub(left.len()) {
                None => (inclusion(left, index)?, right),
                Some(index) => (inclusion(right, index)?, left),
            };
            path.push(root(sibling));
            Some(path)
        }
    }
}

/// The root of a tree of `size` leaves in which this leaf is number `index`, if the path proves it.
pub fn root_from_inclusion(statement: &[u8], index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    let (mut position, mut last) = (index, size.checked_sub(1)?);
    if index > last {
        return None;
    }
    let mut node = leaf(statement);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if position % 2 == 1 || position == last {
            node = parent(sibling, &node);
            while position % 2 == 0 && position != 0 {
                (position, last) = (position / 2, last / 2);
            }
        } else {
            node = parent(&node, sibling);
        }
        (position, last) = (position / 2, last / 2);
    }
    (last == 0).then_some(node)
}

/// The hashes that prove the first `old` leaves to be the beginning of all; `None` unless 0 < `old` <= all.
pub fn consistency(leaves: &[Digest], old: usize) -> Option<Vec<Digest>> {
    (old > 0 && old <= leaves.len()).then(|| subproof(leaves, old, true))
}

fn subproof(leaves: &[Digest], old: usize, is_known: bool) -> Vec<Digest> {
    if old == leaves.len() {
        return if is_known { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = match old.checked_sub(left.len()).filter(|rest| *rest > 0) {
        None => (subproof(left, old, is_known), right),
        Some(rest) => (subproof(right, rest, false), left),
    };
    path.push(root(sibling));
    path
}

/// Whether a tree of `old` leaves is the beginning of one of `new`, by their roots and a path.
pub fn is_consistent(old: u64, old_root: &Digest, new: u64, new_root: &Digest, path: &[Digest]) -> bool {
    if old == 0 || old >= new {
        return old != 0 && old == new && old_root == new_root && path.is_empty();
    }
    let (mut position, mut last) = (old - 1, new - 1);
    while position % 2 == 1 {
        (position, last) = (position / 2, last / 2);
    }
    // A complete subtree is its own first hash; any other begins with the path.
    let mut path = path.iter();
    let Some(mut from_old) = (if old.is_power_of_two() { Some(*old_root) } else { path.next().copied() }) else {
        return false;
    };
    let mut from_new = from_old;
    for node in path {
        if last == 0 {
            return false;
        }
        if position % 2 == 1 || position == last {
            (from_old, from_new) = (parent(node, &from_old), parent(node, &from_new));
            while position % 2 == 0 && position != 0 {
                (position, last) = (position / 2, last / 2);
            }
        } else {
            from_new = parent(&from_new, node);
        }
        (position, last) = (position / 2, last / 2);
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}

/// The largest power of two below `size`, which is at least 2.
const fn split(size: usize) -> usize {
    size.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::super::tests::{LEAVES, ROOTS};
    use super::*;
    use crate::id::from_hex;

    fn classic(size: usize) -> Vec<Vec<u8>> {
        LEAVES[..size].iter().map(|leaf| from_hex(leaf).unwrap()).collect()
    }

    fn digests(path: &[&str]) -> Vec<Digest> {
        path.iter().map(|hash| Digest::parse(hash).unwrap()).collect()
    }

    const LEAF_1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    const NODE_2_3: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    const NODE_4_7: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    const LEAF_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    const NODE_6_7: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    const NODE_4_5: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

    /// The audit paths of Certificate Transparency's own tests: leaf, size, path.
    #[test]
    fn the_classic_paths_of_inclusion() {
        let known: [(usize, usize, &[&str]); 5] = [
            (0, 1, &[]),
            (0, 8, &[LEAF_1, NODE_2_3, NODE_4_7]),
            (5, 8, &[LEAF_4, NODE_6_7, ROOTS[3]]),
            (2, 3, &[ROOTS[1]]),
            (1, 5, &[ROOTS[0], NODE_2_3, LEAF_4]),
        ];
        for (index, size, path) in known {
            let statements = classic(size);
            let all = leaves(statements.iter().map(Vec::as_slice));
            assert_eq!(inclusion(&all, index), Some(digests(path)), "{index} of {size}");
            let found = root_from_inclusion(&statements[index], index as u64, size as u64, &digests(path));
            assert_eq!(found.map(|root| root.to_string()).as_deref(), Some(ROOTS[size - 1]), "{index} of {size}");
        }
    }

    /// The same for consistency: old size, new size, path.
    #[test]
    fn the_classic_paths_of_consistency() {
        let known: [(usize, usize, &[&str]); 4] = [
            (1, 1, &[]),
            (1, 8, &[LEAF_1, NODE_2_3, NODE_4_7]),
            (6, 8, &[NODE_4_5, NODE_6_7, ROOTS[3]]),
            (2, 5, &[NODE_2_3, LEAF_4]),
        ];
        for (old, new, path) in known {
            let statements = classic(new);
            let all = leaves(statements.iter().map(Vec::as_slice));
            assert_eq!(consistency(&all, old), Some(digests(path)), "{old} to {new}");
            let roots = digests(&[ROOTS[old - 1], ROOTS[new - 1]]);
            assert!(is_consistent(old as u64, &roots[0], new as u64, &roots[1], &digests(path)), "{old} to {new}");
        }
    }

    proptest! {
        #[test]
        fn roots_and_proofs_are_those_of_another_implementation(
            statements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..70),
            pick in any::<prop::sample::Index>(),
        ) {
            let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
            let mut running = super::super::Merkle::default();
            for statement in &statements {
                theirs.push(statement.clone());
                running.push(statement);
            }
            let all = leaves(statements.iter().map(Vec::as_slice));
            let (size, index) = (all.len(), pick.index(all.len()));
            prop_assert_eq!(running.root(), root(&all));
            prop_assert_eq!(theirs.root().as_bytes().to_vec(), root(&all).as_bytes().to_vec());
            let bytes = |path: &[Digest]| path.iter().flat_map(|hash| *hash.as_bytes()).collect::<Vec<u8>>();
            let path = inclusion(&all, index).unwrap();
            prop_assert_eq!(theirs.prove_inclusion(index).as_bytes().to_vec(), bytes(&path));
            prop_assert_eq!(root_from_inclusion(&statements[index], index as u64, size as u64, &path), Some(root(&all)));
            let old = index + 1;
            let path = consistency(&all, old).unwrap();
            prop_assert_eq!(theirs.prove_consistency(size - old).as_bytes().to_vec(), bytes(&path));
            prop_assert!(is_consistent(old as u64, &root(&all[..old]), size as u64, &root(&all), &path));
        }

        #[test]
        fn a_proof_bent_anywhere_proves_nothing(
            size in 2_usize..40, pick in any::<prop::sample::Index>(), bend in any::<prop::sample::Index>(), bit in 0_usize..256,
        ) {
            let statements: Vec<Vec<u8>> = (0..size).map(|number| number.to_be_bytes().to_vec()).collect();
            let all = leaves(statements.iter().map(Vec::as_slice));
            let index = pick.index(size);
            let good = inclusion(&all, index).unwrap();
            let holds = |index: usize, size: usize, path: &[Digest]| {
                root_from_inclusion(&statements[index], index as u64, size as u64, path) == Some(root(&all))
            };
            prop_assert!(holds(index, size, &good));
            let mut bent = good.clone();
            let at = bend.index(bent.len());
            let mut hash = *bent[at].as_bytes();
            hash[bit / 8] ^= 1 << (bit % 8);
            bent[at] = Digest::from_bytes(hash);
            prop_assert!(!holds(index, size, &bent));
            prop_assert!(!holds(index, size, &good[1..]) && !holds(index, size, &[good.clone(), vec![good[0]]].concat()));
            prop_assert!(!holds((index + 1) % size, size, &good));
            let old = index + 1;
            let path = consistency(&all, old).unwrap();
            let (before, after) = (root(&all[..old]), root(&all));
            prop_assert!(!is_consistent(old as u64, &after, size as u64, &before, &path) || old == size);
            prop_assert!(path.is_empty() || !is_consistent(old as u64, &before, size as u64, &after, &path[1..]));
            let other = Digest::of(b"another tree");
            prop_assert!(!is_consistent(old as u64, &other, size as u64, &after, &path));
            prop_assert!(!is_consistent(old as u64, &before, size as u64, &other, &path));
            prop_assert!(!is_consistent(old as u64, &before, 4 * size as u64, &after, &path));
            prop_assert_eq!((consistency(&all, 0), consistency(&all, size + 1), inclusion(&all, size)), (None, None, None));
            prop_assert!(!is_consistent(0, &before, size as u64, &after, &path) && !is_consistent(size as u64 + 1, &before, size as u64, &after, &path));
        }
    }

    #[test]
    fn sizes_at_the_end_of_the_range_are_answered() {
        let digest = Digest::of(b"x");
        for (index, size) in [(0, 0), (u64::MAX, u64::MAX), (u64::MAX - 1, u64::MAX), (0, u64::MAX)] {
            assert_eq!(root_from_inclusion(b"x", index, size, &[]), None);
        }
        assert!(!is_consistent(u64::MAX - 1, &digest, u64::MAX, &digest, &[digest; 64]));
    }
}
