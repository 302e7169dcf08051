//! A tree object as it lies in the store, with where its entries begin: nothing is copied out, and two
//! trees that are mostly alike are compared mostly as bytes.

use std::cmp::Ordering;

use git2::Oid;

pub(super) const MODE_TREE: u32 = 0o040_000;
/// More digits than any mode has, to see a zero before it.
const MODE_DIGITS: usize = 8;

/// A tree object's bytes, its entries found and looked at.
#[derive(Default)]
pub(super) struct Tree {
    bytes: Vec<u8>,
    /// Where each entry begins.
    starts: Vec<usize>,
    id_length: usize,
    /// Entries that no well-made tree has: badly named, twice there or in the wrong place.
    odd: Vec<usize>,
}

/// `<mode> SP <name> NUL <id>` (gitformat, "tree objects").
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'t> {
    pub(super) mode: u32,
    pub(super) name: &'t [u8],
    id: &'t [u8],
}

impl Item<'_> {
    pub(super) fn oid(&self) -> Option<Oid> {
        Oid::from_bytes(self.id).ok()
    }

    /// Git sorts a folder as if its name ended in a slash.
    fn place(&self, other: &Self) -> Ordering {
        let common = self.name.len().min(other.name.len());
        let next = |item: &Self| match item.name.get(common) {
            None if item.mode == MODE_TREE => Some(b'/'),
            next => next.copied(),
        };
        let names = self.name[..common].cmp(&other.name[..common]);
        names.then_with(|| next(self).cmp(&next(other))).then(self.name.len().cmp(&other.name.len()))
    }
}

impl Tree {
    /// Finds the entries; `None` when the bytes are no sequence of them. Beside a tree that is much like
    /// this one, only what differs is looked at.
    pub(super) fn parse(bytes: Vec<u8>, id_length: usize, like: &Self) -> Option<Self> {
        let (head, tail) = if like.odd.is_empty() { like.shared(&bytes) } else { (0, like.starts.len()) };
        Self::parse_between(bytes, id_length, like, head, tail)
    }

    /// Takes over the entries before `head` and from `tail` on.
    fn parse_between(bytes: Vec<u8>, id_length: usize, like: &Self, head: usize, tail: usize) -> Option<Self> {
        let from = like.starts.get(head).copied().unwrap_or(like.bytes.len());
        let kept = like.starts.get(tail..).unwrap_or_default();
        let until = bytes.len() - (like.bytes.len() - kept.first().copied().unwrap_or(like.bytes.len()));
        let mut tree = Self { bytes, starts: like.starts.get(..head)?.to_vec(), id_length, odd: Vec::new() };
        let mut at = from;
        while at < until {
            tree.starts.push(at);
            at = tree.item_at(at)?.1;
        }
        if at > until {
            // The same bytes at the end, but other entries: all of them are looked at.
            return Self::parse_between(tree.bytes, id_length, like, 0, like.starts.len());
        }
        let middle = head..tree.starts.len();
        tree.starts.extend(kept.iter().map(|start| start + until - kept[0]));
        let odd = (middle.start..middle.end + usize::from(!kept.is_empty())).filter(|at| !tree.is_sound(*at)).collect();
        tree.odd = odd;
        Some(tree)
    }

    /// How many entries at the beginning, and from which one to the end, are the same in other bytes.
    fn shared(&self, other: &[u8]) -> (usize, usize) {
        let alike = same_at_start(&self.bytes, other);
        // The last entry begun may differ in its id; the one before it is whole.
        let head = self.starts.partition_point(|start| *start <= alike);
        let head = if alike == self.bytes.len() { self.starts.len() } else { head.saturating_sub(1) };
        let rest = alike.min(self.starts.get(head).copied().unwrap_or(alike));
        let room = self.bytes.len().min(other.len()) - rest;
        let ends = same_at_end(&self.bytes, other).min(room);
        let tail = self.starts.partition_point(|start| *start < self.bytes.len() - ends);
        (head, tail.max(head))
    }

    /// What stands for the odd entries in a report.
    pub(super) fn odd_names(&self) -> impl Iterator<Item = String> {
        let items = self.odd.iter().filter_map(|at| self.item(*at));
        items.map(|item| format!("{} (an odd tree entry)", String::from_utf8_lossy(item.name)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        (0..self.starts.len()).filter_map(|at| self.item(at))
    }

    /// The entry of this name, as git would find it in a well-made tree.
    pub(super) fn get(&self, name: &[u8]) -> Option<Item<'_>> {
        let file = Item { mode: 0, name, id: &[] };
        let folder = Item { mode: MODE_TREE, name, id: &[] };
        [file, folder].iter().find_map(|wanted| self.item(self.find(wanted).ok()?))
    }

    /// What this tree has more than or otherwise than `before`, and the names it has lost. Odd entries aside.
    pub(super) fn changes<'t>(&'t self, before: &'t Self) -> Changes<'t> {
        let (head, tail) = before.shared(&self.bytes);
        let grown = self.starts.len() as isize - before.starts.len() as isize;
        let own_tail = usize::try_from(tail as isize + grown).unwrap_or_default();
        let from_end =
            |tree: &Self, at: usize| tree.bytes.len() - tree.starts.get(at).copied().unwrap_or(tree.bytes.len());
        let aligned = own_tail >= head && from_end(self, own_tail) == from_end(before, tail);
        let (tail, own_tail) = if aligned { (tail, own_tail) } else { (before.starts.len(), self.starts.len()) };
        let mut changes = Changes::default();
        let sound = (head..own_tail).filter(|at| self.odd.binary_search(at).is_err());
        for item in sound.filter_map(|at| self.item(at)) {
            match before.get(item.name) {
                Some(old) if old == item => {}
                old => changes.new.push((old, item)),
            }
        }
        let old = (head..tail).filter_map(|at| before.item(at));
        changes.lost.extend(old.filter(|old| self.get(old.name).is_none()).map(|old| old.name));
        changes
    }

    fn find(&self, wanted: &Item<'_>) -> Result<usize, usize> {
        let order = |at: &usize| self.item_at(*at).map_or(Ordering::Less, |(item, _)| item.place(wanted));
        self.starts.binary_search_by(order)
    }

    fn item(&self, at: usize) -> Option<Item<'_>> {
        self.item_at(*self.starts.get(at)?).map(|(item, _)| item)
    }

    fn item_at(&self, start: usize) -> Option<(Item<'_>, usize)> {
        let bytes = self.bytes.get(start..)?;
        let digits = bytes.iter().take(MODE_DIGITS).take_while(|byte| matches!(byte, b'0'..=b'7'));
        let (space, mode) = digits.fold((0, 0), |(count, mode), digit| (count + 1, mode * 8 + u32::from(digit - b'0')));
        if space == 0 || bytes.get(space) != Some(&b' ') {
            return None;
        }
        let nul = space + memchr::memchr(0, &bytes[space..])?;
        let end = nul + 1 + self.id_length;
        Some((Item { mode, name: &bytes[space + 1..nul], id: bytes.get(nul + 1..end)? }, start + end))
    }

    /// Spelled as git spells it, after the entry before it, and no file beside a folder of its name.
    fn is_sound(&self, at: usize) -> bool {
        let Some(item) = self.item(at) else { return false };
        let spelled = !self.bytes[self.starts[at]..].starts_with(b"0");
        let before = at.checked_sub(1).and_then(|at| self.item(at));
        let in_order = before.is_none_or(|before| before.place(&item).is_lt());
        let twin = Item { mode: if item.mode == MODE_TREE { 0 } else { MODE_TREE }, ..item };
        is_sound_name(item.name) && spelled && in_order && self.find(&twin).is_err()
    }
}

/// Entries of one tree against those of another.
#[derive(Default)]
pub(super) struct Changes<'t> {
    /// New or other entries, each with the one of its name that was there.
    pub(super) new: Vec<(Option<Item<'t>>, Item<'t>)>,
    pub(super) lost: Vec<&'t [u8]>,
}

/// Bytes compared at once: as fast as memory, then one by one in the block that differs.
const BLOCK: usize = 512;

fn same_at_start(a: &[u8], b: &[u8]) -> usize {
    let same = BLOCK * a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count();
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

fn same_at_end(a: &[u8], b: &[u8]) -> usize {
    let same = BLOCK * a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - same], &b[..b.len() - same]);
    same + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// A name one path component can have: what `git fsck --strict` accepts, in UTF-8.
fn is_sound_name(name: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(name) else { return false };
    !text.is_empty() && !text.contains('/') && !matches!(text, "." | "..") && !text.eq_ignore_ascii_case(".git")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn bytes(items: &[(&str, &[u8], u8)]) -> Vec<u8> {
        let item = |(mode, name, id): &(&str, &[u8], u8)| [mode.as_bytes(), b" ", name, b"\0", &[*id; 20]].concat();
        items.iter().flat_map(item).collect()
    }

    fn tree(items: &[(&str, &[u8])]) -> Tree {
        let items: Vec<_> = items.iter().map(|(mode, name)| (*mode, *name, 7)).collect();
        Tree::parse(bytes(&items), 20, &Tree::default()).unwrap()
    }

    #[test]
    fn a_well_made_tree_has_nothing_odd() {
        let good = tree(&[("100644", b"a-b"), ("40000", b"a"), ("100644", "가".as_bytes())]);
        assert_eq!((good.items().count(), good.odd_names().count()), (3, 0));
        assert!(good.get(b"a").is_some_and(|item| item.mode == MODE_TREE) && good.get(b"b").is_none());
    }

    #[test]
    fn names_and_modes_that_hide_something_are_noticed() {
        let odd: [&[(&str, &[u8])]; 9] = [
            &[("100644", b"a/b")],
            &[("100644", b"..")],
            &[("100644", b"\xff")],
            &[("40000", b".GIT")],
            &[("0100644", b"a")],
            &[("100644", b"b"), ("100644", b"a")],
            &[("100644", b"a"), ("100644", b"a")],
            &[("40000", b"a"), ("100644", b"a-b")],
            &[("100644", b"a"), ("100644", b"a-b"), ("40000", b"a")],
        ];
        for items in odd {
            assert!(!tree(items).odd.is_empty(), "{items:?}");
        }
        assert!(Tree::parse(b"100644 a\0short".to_vec(), 20, &Tree::default()).is_none());
    }

    /// Names and ids from small sets, so that trees are alike in every way they can be.
    fn some_tree() -> impl Strategy<Value = Vec<u8>> {
        let name = prop::sample::select(vec!["a", "a-b", "a.b", "aa", "b", "ba", "c", "가"]);
        prop::collection::btree_map(name, (prop::bool::ANY, 0_u8..3), 0..7).prop_map(|items| {
            let mut items: Vec<_> = items
                .iter()
                .map(|(name, (folder, id))| (if *folder { "40000" } else { "100644" }, name.as_bytes(), *id))
                .collect();
            items.sort_by_key(|(mode, name, _)| [*name, if *mode == "40000" { b"/" } else { b"" }].concat());
            bytes(&items)
        })
    }

    proptest! {
        #[test]
        fn parsing_beside_another_tree_changes_nothing(old in some_tree(), new in some_tree(), damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>()))) {
            let mut new = new;
            if let Some((at, byte)) = damage && !new.is_empty() {
                let at = at.index(new.len());
                new[at] = byte;
            }
            let old = Tree::parse(old, 20, &Tree::default()).unwrap();
            let alone = Tree::parse(new.clone(), 20, &Tree::default());
            let beside = Tree::parse(new, 20, &old);
            prop_assert_eq!(alone.is_some(), beside.is_some());
            if let (Some(alone), Some(beside)) = (alone, beside) {
                prop_assert_eq!(&alone.starts, &beside.starts);
                prop_assert_eq!(alone.odd.is_empty(), beside.odd.is_empty());
            }
        }

        #[test]
        fn changes_are_those_of_the_names(old in some_tree(), new in some_tree()) {
            let (old, new) = (Tree::parse(old, 20, &Tree::default()).unwrap(), Tree::parse(new, 20, &Tree::default()).unwrap());
            let map = |tree: &Tree| -> BTreeMap<Vec<u8>, (u32, Vec<u8>)> {
                tree.items().map(|item| (item.name.to_vec(), (item.mode, item.id.to_vec()))).collect()
            };
            let (before, after) = (map(&old), map(&new));
            let changes = new.changes(&old);
            let lost: Vec<Vec<u8>> = changes.lost.iter().map(|name| name.to_vec()).collect();
            let mut expected: Vec<Vec<u8>> = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
            let mut lost = lost;
            lost.sort();
            expected.sort();
            prop_assert_eq!(lost, expected);
            let mut found: Vec<Vec<u8>> = changes.new.iter().map(|(_, item)| item.name.to_vec()).collect();
            found.sort();
            let differing: Vec<Vec<u8>> = after.iter().filter(|(name, item)| before.get(*name) != Some(item)).map(|(name, _)| name.clone()).collect();
            prop_assert_eq!(found, differing);
        }
    }
}
