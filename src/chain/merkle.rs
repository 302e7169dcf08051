//! The RFC 6962 tree over statements, kept as a compact range: O(log n) memory, O(1) an append.

pub mod proof;

use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// The running tree: one root a complete subtree, largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merkle {
    size: u64,
    subtrees: Vec<Digest>,
    root: Digest,
}

impl Default for Merkle {
    fn default() -> Self {
        Self::over(0, Vec::new())
    }
}

impl Merkle {
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn subtrees(&self) -> &[Digest] {
        &self.subtrees
    }

    /// A tree as it was put aside; `None` when a tree of that size has another number of subtrees.
    pub fn restore(size: u64, subtrees: Vec<Digest>) -> Option<Self> {
        (u64::from(size.count_ones()) == subtrees.len() as u64).then(|| Self::over(size, subtrees))
    }

    fn over(size: u64, subtrees: Vec<Digest>) -> Self {
        Self { size, root: root_over(&subtrees), subtrees }
    }

    pub fn push(&mut self, statement: &[u8]) {
        let mut node = leaf(statement);
        // Every trailing one-bit of the size is a complete subtree as large as the new node.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                node = parent(&left, &node);
            }
        }
        self.subtrees.push(node);
        self.size += 1;
        self.root = root_over(&self.subtrees);
    }

    /// The tree head (RFC 6962, 2.1); of no statements, SHA-256 of nothing.
    pub const fn root(&self) -> Digest {
        self.root
    }
}

fn root_over(subtrees: &[Digest]) -> Digest {
    let mut subtrees = subtrees.iter().rev();
    let Some(last) = subtrees.next() else { return Digest::of(b"") };
    subtrees.fold(*last, |right, left| parent(left, &right))
}

/// `SHA-256(0x00 || statement)`.
fn leaf(statement: &[u8]) -> Digest {
    hash(&[&[0], statement])
}

/// `SHA-256(0x01 || left || right)`.
fn parent(left: &Digest, right: &Digest) -> Digest {
    hash(&[&[1], left.as_bytes(), right.as_bytes()])
}

fn hash(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Digest::from_bytes(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::from_hex;

    /// The eight inputs and roots used by every RFC 6962 implementation since Certificate Transparency's first.
    pub(super) const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    pub(super) const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn the_classic_eight_leaves() {
        let mut tree = Merkle::default();
        assert_eq!(tree.root(), Digest::of(b""));
        for (before, (leaf, root)) in LEAVES.iter().zip(ROOTS).enumerate() {
            assert_eq!(tree.size(), before as u64);
            tree.push(&from_hex(leaf).unwrap());
            assert_eq!(tree.root().to_string(), root, "size {}", tree.size());
            assert_eq!(Merkle::restore(tree.size(), tree.subtrees().to_vec()), Some(tree.clone()));
            assert_eq!(Merkle::restore(2 * tree.size() + 1, tree.subtrees().to_vec()), None);
        }
    }
}
