//! What the branch holds: a commit's changes, a folder's statements, one file. Reads raw objects.

use std::collections::BTreeMap;
use std::rc::Rc;

use git2::{ObjectType, Oid};

use super::{GitStore, StoreError};
use crate::id::{Digest, ObjectId};
use crate::store::commit;
use crate::store::{StoredEntry, StoredFile, StoredStatement, Wanted};

/// Files one commit may add; beyond it reading stops and the commit is reported as altered.
const MAX_FILES: usize = 5_000;
/// Folders below one another; ours has at most four.
const MAX_DEPTH: usize = 8;
/// Statements and policies are kept as bytes up to this size, so that a reader can say what is wrong.
const KEEP_BYTES: usize = 1 << 20;

/// A parsed tree object: name to mode and id. What is wrong with it is kept beside.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) items: BTreeMap<Vec<u8>, (u32, Oid)>,
    /// Names that no well-made tree has, stand twice or in the wrong place.
    odd: Vec<String>,
}

const MODE_TREE: u32 = 0o040_000;

impl GitStore {
    /// One commit with what it changed against its first parent.
    pub fn entry(&self, id: &ObjectId) -> Result<StoredEntry, StoreError> {
        let object = self.read(self.oid(id)?, ObjectType::Commit)?;
        let unreadable = || StoreError::Unreadable { id: id.to_string(), why: "it is no commit".to_owned() };
        let (tree, parents) = commit::links(&object).ok_or_else(unreadable)?;
        let before = match parents.first() {
            None => Rc::default(),
            Some(parent) => {
                let parent = self.read(self.oid(parent)?, ObjectType::Commit)?;
                let (tree, _) = commit::links(&parent).ok_or_else(unreadable)?;
                self.tree(self.oid(&tree)?)?
            }
        };
        let after = self.tree(self.oid(&tree)?)?;
        let mut entry = StoredEntry { id: id.clone(), commit: object, added: Vec::new(), altered: Vec::new() };
        self.compare(&before, &after, "", 0, &mut entry)?;
        Ok(entry)
    }

    /// Bytes of one file at a commit of the branch. Unverified: compare them with a statement's digest.
    pub fn file(&self, at: &ObjectId, path: &str) -> Result<Vec<u8>, StoreError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.folder(at, folder)?;
        let missing = || StoreError::Missing { id: format!("{at}:{path}") };
        let (_, id) = folder.items.get(name.as_bytes()).ok_or_else(missing)?;
        self.read(*id, ObjectType::Blob)
    }

    /// Statements of a folder's entries with their commits, as the branch holds them now.
    pub fn statements(&self, tip: &ObjectId, wanted: &Wanted) -> Result<Vec<StoredStatement>, StoreError> {
        let Wanted { folder, total, entries } = wanted;
        let mut files = BTreeMap::new();
        let tree = self.folder(tip, folder)?;
        self.list_statements(&tree, folder, &mut files)?;
        if files.len() as u64 != *total {
            let why = format!("it holds {} statements where {total} were verified", files.len());
            return Err(StoreError::Unreadable { id: format!("{tip}:{folder}"), why });
        }
        let mut found = Vec::new();
        for (number, commit) in entries {
            let Some((path, oid)) = files.get(number.padded().as_str()) else {
                return Err(StoreError::Missing { id: format!("{tip}:{folder}/{}-…", number.padded()) });
            };
            found.push(StoredStatement {
                number: *number,
                commit: self.read(self.oid(commit)?, ObjectType::Commit)?,
                path: path.clone(),
                statement: self.read(*oid, ObjectType::Blob)?,
            });
        }
        Ok(found)
    }

    /// Statement files of a folder and its parts, by the number their name begins with.
    fn list_statements(
        &self,
        tree: &Tree,
        folder: &str,
        files: &mut BTreeMap<String, (String, Oid)>,
    ) -> Result<(), StoreError> {
        for (name, (mode, oid)) in &tree.items {
            let name = String::from_utf8_lossy(name);
            let path = format!("{folder}/{name}");
            if *mode == MODE_TREE && name.starts_with("part-") {
                let part = self.tree(*oid)?;
                self.list_statements(&part, &path, files)?;
            } else if let Some((number, _)) = name.split_once('-') {
                files.insert(number.to_owned(), (path, *oid));
            }
        }
        Ok(())
    }

    pub(super) fn folder(&self, at: &ObjectId, path: &str) -> Result<Rc<Tree>, StoreError> {
        let object = self.read(self.oid(at)?, ObjectType::Commit)?;
        let missing = || StoreError::Missing { id: format!("{at}:{path}") };
        let (tree, _) = commit::links(&object).ok_or_else(missing)?;
        let mut tree = self.tree(self.oid(&tree)?)?;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            tree = self.tree(tree.items.get(part.as_bytes()).ok_or_else(missing)?.1)?;
        }
        Ok(tree)
    }

    fn tree(&self, oid: Oid) -> Result<Rc<Tree>, StoreError> {
        if let Some(tree) = self.trees.borrow().get(&oid) {
            return Ok(Rc::clone(tree));
        }
        let object = self.read(oid, ObjectType::Tree)?;
        let unreadable = || StoreError::Unreadable { id: oid.to_string(), why: "it is no well-formed tree".to_owned() };
        let tree = Rc::new(Tree::parse(&object, oid.as_bytes().len()).ok_or_else(unreadable)?);
        let mut trees = self.trees.borrow_mut();
        if trees.len() > 512 {
            trees.clear();
        }
        trees.insert(oid, Rc::clone(&tree));
        Ok(tree)
    }

    /// Notes what `after` has more than or otherwise than `before`, descending only where ids differ.
    fn compare(
        &self,
        before: &Tree,
        after: &Tree,
        folder: &str,
        depth: usize,
        entry: &mut StoredEntry,
    ) -> Result<(), StoreError> {
        if depth > MAX_DEPTH || entry.added.len() > MAX_FILES {
            entry.altered.push(format!("{folder} (too deep or too many files)"));
            return Ok(());
        }
        let path = |name: &[u8]| format!("{folder}{}", String::from_utf8_lossy(name));
        entry.altered.extend(after.odd.iter().map(|name| format!("{folder}{name}")));
        entry
            .altered
            .extend(before.items.keys().filter(|name| !after.items.contains_key(*name)).map(|name| path(name)));
        for (name, (mode, oid)) in &after.items {
            match before.items.get(name) {
                Some((old_mode, old)) if old_mode == mode && old == oid => {}
                Some((MODE_TREE, old)) if *mode == MODE_TREE => {
                    let (old, new) = (self.tree(*old)?, self.tree(*oid)?);
                    self.compare(&old, &new, &(path(name) + "/"), depth + 1, entry)?;
                }
                Some(_) => entry.altered.push(path(name)),
                None if *mode == MODE_TREE => {
                    let new = self.tree(*oid)?;
                    if new.items.is_empty() {
                        entry.altered.push(path(name));
                    }
                    self.compare(&Tree::default(), &new, &(path(name) + "/"), depth + 1, entry)?;
                }
                None => {
                    let file = self.added_file(path(name), *mode, *oid)?;
                    entry.added.push(file);
                }
            }
        }
        Ok(())
    }

    fn added_file(&self, path: String, mode: u32, oid: Oid) -> Result<StoredFile, StoreError> {
        const MODE_GITLINK: u32 = 0o160_000;
        if mode == MODE_GITLINK {
            return Ok(StoredFile { path, mode, size: 0, sha256: Digest::of(b""), bytes: None });
        }
        let bytes = self.read(oid, ObjectType::Blob)?;
        let evidence = path.contains("/files/") && !path.starts_with("policy/");
        let keep = !evidence && bytes.len() <= KEEP_BYTES;
        let (size, sha256) = (bytes.len() as u64, Digest::of(&bytes));
        Ok(StoredFile { path, mode, size, sha256, bytes: keep.then_some(bytes) })
    }
}

impl Tree {
    /// `<mode> SP <name> NUL <id>`, repeated (gitformat, "tree objects").
    fn parse(mut bytes: &[u8], id_length: usize) -> Option<Self> {
        let mut tree = Self::default();
        let mut last: Vec<u8> = Vec::new();
        while !bytes.is_empty() {
            let space = bytes.iter().position(|byte| *byte == b' ')?;
            let (digits, rest) = (&bytes[..space], &bytes[space + 1..]);
            let mode = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
            let nul = rest.iter().position(|byte| *byte == 0)?;
            let (name, rest) = (&rest[..nul], &rest[nul + 1..]);
            let (id, rest) = rest.split_at_checked(id_length)?;
            // Git sorts a folder as if its name ended in a slash.
            let place = if mode == MODE_TREE { [name, b"/"].concat() } else { name.to_vec() };
            let sound = is_sound(name) && format!("{mode:o}").as_bytes() == digits && (last.is_empty() || last < place);
            last = place;
            if !sound || tree.items.insert(name.to_vec(), (mode, Oid::from_bytes(id).ok()?)).is_some() {
                tree.odd.push(format!("{} (an odd tree entry)", String::from_utf8_lossy(name)));
            }
            bytes = rest;
        }
        Some(tree)
    }
}

/// A name one path component can have: what `git fsck --strict` accepts, in UTF-8.
fn is_sound(name: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(name) else { return false };
    !text.is_empty() && !text.contains('/') && !matches!(text, "." | "..") && !text.eq_ignore_ascii_case(".git")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(items: &[(&str, &[u8])]) -> Tree {
        let item = |(mode, name): &(&str, &[u8])| [mode.as_bytes(), b" ", name, b"\0", &[7; 20]].concat();
        Tree::parse(&items.iter().flat_map(item).collect::<Vec<u8>>(), 20).unwrap()
    }

    #[test]
    fn a_well_made_tree_has_nothing_odd() {
        let good = tree(&[("100644", b"a-b"), ("40000", b"a"), ("100644", "가".as_bytes())]);
        assert_eq!((good.items.len(), good.odd), (3, Vec::new()));
    }

    #[test]
    fn names_and_modes_that_hide_something_are_noticed() {
        let odd: [&[(&str, &[u8])]; 8] = [
            &[("100644", b"a/b")],
            &[("100644", b"..")],
            &[("100644", b"\xff")],
            &[("40000", b".GIT")],
            &[("0100644", b"a")],
            &[("100644", b"b"), ("100644", b"a")],
            &[("100644", b"a"), ("100644", b"a")],
            &[("40000", b"a"), ("100644", b"a-b")],
        ];
        for items in odd {
            assert_eq!(tree(items).odd.len(), 1, "{items:?}");
        }
        assert!(Tree::parse(b"100644 a\0short", 20).is_none());
    }
}
