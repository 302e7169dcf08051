//! What the branch holds: a commit's changes, a folder's statements, one file. Reads raw objects.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use git2::{ObjectType, Oid};

use super::tree::{MODE_TREE, Tree};
use super::{GitStore, StoreError};
use crate::id::{Digest, ObjectId};
use crate::store::commit;
use crate::store::{Place, StoredEntry, StoredFile, StoredStatement, Wanted};

/// Files one commit may add; beyond it reading stops and the commit is reported as altered.
const MAX_FILES: usize = 5_000;
/// Bytes of files held at once; of further ones only size and digest are.
const HELD: u64 = 64 << 20;
/// Folders below one another; ours has at most four.
const MAX_DEPTH: usize = 5;
/// Changed names looked at in one commit, files and folders: trees that name each other can make more
/// paths than anybody can count.
const MAX_CHANGES: usize = 20_000;
/// Bytes read for the files of one commit; beyond it reading stops and the commit is reported as altered.
pub const MAX_READ: u64 = 2 << 30;
/// Parsed trees kept: the folders an entry touches, and those of the entry before it.
const KEEP_TREES: usize = 64;

/// What one commit changed, while it is looked at.
struct Change {
    entry: StoredEntry,
    looked_at: usize,
    /// Bytes of files held.
    held: u64,
    /// Bytes of files read.
    read: u64,
    /// Files read: size and digest.
    known: HashMap<Oid, (u64, Digest)>,
}

impl Change {
    const fn is_too_much(&self) -> bool {
        let entry = &self.entry;
        entry.added.len() >= MAX_FILES
            || entry.altered.len() >= MAX_FILES
            || self.looked_at > MAX_CHANGES
            || self.read > MAX_READ
    }
}

impl GitStore {
    /// One commit with what it changed against its first parent.
    pub fn entry(&self, id: &ObjectId) -> Result<StoredEntry, StoreError> {
        let object = self.read(self.oid(id)?, ObjectType::Commit)?;
        let unreadable = || StoreError::Unreadable { id: id.to_string(), why: "it is no commit".to_owned() };
        let (tree, parents) = commit::links(&object).ok_or_else(unreadable)?;
        let before = match parents.first() {
            None => Rc::default(),
            Some(parent) => self.root(parent)?,
        };
        let after = self.tree_like(self.oid(&tree)?, &before)?;
        self.newest.replace(Some((id.clone(), Rc::clone(&after))));
        let entry = StoredEntry { id: id.clone(), commit: object, added: Vec::new(), altered: Vec::new() };
        let mut change = Change { entry, looked_at: 0, held: 0, read: 0, known: HashMap::new() };
        self.compare(&before, &after, "", 0, &mut change)?;
        Ok(change.entry)
    }

    /// Bytes of one file at a commit of the branch. Unverified: compare them with a statement's digest.
    pub fn file(&self, at: &ObjectId, path: &str) -> Result<Vec<u8>, StoreError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.folder(at, folder)?;
        let missing = || StoreError::Missing { id: format!("{at}:{path}") };
        let id = folder.get(name.as_bytes()).and_then(|item| item.oid()).ok_or_else(missing)?;
        self.read(id, ObjectType::Blob)
    }

    /// Whether a commit has a folder there.
    pub fn is_folder(&self, at: &ObjectId, path: &str) -> bool {
        self.folder(at, path).is_ok()
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

    /// One statement with its commit, as the branch holds it now.
    pub fn statement(&self, tip: &ObjectId, place: &Place) -> Result<StoredStatement, StoreError> {
        let Place { number, commit, directory } = place;
        let begins = format!("{}-", number.padded());
        let tree = self.folder(tip, directory)?;
        let mut items = tree.items();
        let found = items.find(|item| item.mode != MODE_TREE && item.name.starts_with(begins.as_bytes()));
        let found = found.and_then(|item| Some((String::from_utf8_lossy(item.name).into_owned(), item.oid()?)));
        let missing = || StoreError::Missing { id: format!("{tip}:{directory}/{begins}…") };
        let (name, oid) = found.ok_or_else(missing)?;
        Ok(StoredStatement {
            number: *number,
            commit: self.read(self.oid(commit)?, ObjectType::Commit)?,
            path: format!("{directory}/{name}"),
            statement: self.read(oid, ObjectType::Blob)?,
        })
    }

    /// Statement files of a folder and its parts, by the number their name begins with.
    fn list_statements(
        &self,
        tree: &Tree,
        folder: &str,
        files: &mut BTreeMap<String, (String, Oid)>,
    ) -> Result<(), StoreError> {
        for (item, oid) in tree.items().filter_map(|item| Some((item, item.oid()?))) {
            let name = String::from_utf8_lossy(item.name);
            let path = format!("{folder}/{name}");
            if item.mode == MODE_TREE && name.starts_with("part-") {
                let part = self.tree(oid)?;
                self.list_statements(&part, &path, files)?;
            } else if let Some((number, _)) = name.split_once('-') {
                files.insert(number.to_owned(), (path, oid));
            }
        }
        Ok(())
    }

    pub(super) fn folder(&self, at: &ObjectId, path: &str) -> Result<Rc<Tree>, StoreError> {
        let missing = || StoreError::Missing { id: format!("{at}:{path}") };
        let mut tree = self.root(at)?;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            tree = self.tree(tree.get(part.as_bytes()).and_then(|item| item.oid()).ok_or_else(missing)?)?;
        }
        Ok(tree)
    }

    /// A commit's tree. Who reads commits one after the other finds the parent's at hand, and who asks
    /// for many files of one commit that commit's.
    fn root(&self, commit: &ObjectId) -> Result<Rc<Tree>, StoreError> {
        if let Some((_, tree)) = self.newest.borrow().as_ref().filter(|(newest, _)| newest == commit) {
            return Ok(Rc::clone(tree));
        }
        let object = self.read(self.oid(commit)?, ObjectType::Commit)?;
        let unreadable = || StoreError::Unreadable { id: commit.to_string(), why: "it is no commit".to_owned() };
        let (tree, _) = commit::links(&object).ok_or_else(unreadable)?;
        let tree = self.tree(self.oid(&tree)?)?;
        self.newest.replace(Some((commit.clone(), Rc::clone(&tree))));
        Ok(tree)
    }

    fn tree(&self, oid: Oid) -> Result<Rc<Tree>, StoreError> {
        self.tree_like(oid, &Tree::default())
    }

    /// A tree, parsed beside one that it is probably much like.
    fn tree_like(&self, oid: Oid, like: &Tree) -> Result<Rc<Tree>, StoreError> {
        if let Some(tree) = self.trees.borrow().get(&oid) {
            return Ok(Rc::clone(tree));
        }
        let object = self.read(oid, ObjectType::Tree)?;
        let unreadable = || StoreError::Unreadable { id: oid.to_string(), why: "it is no well-formed tree".to_owned() };
        let parsed = Tree::parse(object, oid.as_bytes().len(), like).ok_or_else(unreadable)?;
        let tree = Rc::new(parsed);
        let mut trees = self.trees.borrow_mut();
        if trees.len() > KEEP_TREES {
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
        change: &mut Change,
    ) -> Result<(), StoreError> {
        if depth > MAX_DEPTH {
            change.entry.altered.push(format!("{folder} (too deep)"));
            return Ok(());
        }
        let path = |name: &[u8]| format!("{folder}{}", String::from_utf8_lossy(name));
        change.entry.altered.extend(after.odd_names().take(MAX_FILES).map(|name| format!("{folder}{name}")));
        let changes = after.changes(before);
        change.entry.altered.extend(changes.lost.iter().take(MAX_FILES).map(|name| path(name)));
        for (old, new) in changes.new {
            change.looked_at += 1;
            if change.is_too_much() {
                change.entry.altered.push(format!("{folder} (more than {MAX_FILES} files, or too much in them)"));
                return Ok(());
            }
            let entry = &mut change.entry;
            let name = path(new.name);
            let unreadable = || StoreError::Unreadable { id: name.clone(), why: "it has no id".to_owned() };
            let oid = new.oid().ok_or_else(unreadable)?;
            match old {
                Some(old) if old.mode == MODE_TREE && new.mode == MODE_TREE => {
                    let old = self.tree(old.oid().ok_or_else(unreadable)?)?;
                    let new = self.tree_like(oid, &old)?;
                    self.compare(&old, &new, &(name + "/"), depth + 1, change)?;
                }
                Some(_) => entry.altered.push(name),
                None if new.mode == MODE_TREE => {
                    let new = self.tree(oid)?;
                    if new.is_empty() {
                        entry.altered.push(name.clone());
                    }
                    self.compare(&Tree::default(), &new, &(name + "/"), depth + 1, change)?;
                }
                None => {
                    let mut file = self.added_file(name, new.mode, oid, change)?;
                    file.bytes = file.bytes.filter(|bytes| change.held + bytes.len() as u64 <= HELD);
                    change.held += file.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                    change.entry.added.push(file);
                }
            }
        }
        Ok(())
    }

    fn added_file(&self, path: String, mode: u32, oid: Oid, change: &mut Change) -> Result<StoredFile, StoreError> {
        const MODE_GITLINK: u32 = 0o160_000;
        if mode == MODE_GITLINK {
            return Ok(StoredFile { path, mode, size: 0, sha256: Digest::of(b""), bytes: None });
        }
        // One blob under many names is read once more only where its bytes are wanted and there is room.
        if let Some((size, sha256)) = change.known.get(&oid).filter(|(size, _)| change.held + size > HELD) {
            return Ok(StoredFile { path, mode, size: *size, sha256: *sha256, bytes: None });
        }
        let bytes = self.read(oid, ObjectType::Blob)?;
        let (size, sha256) = (bytes.len() as u64, Digest::of(&bytes));
        change.read += size;
        change.known.insert(oid, (size, sha256));
        Ok(StoredFile { path, mode, size, sha256, bytes: Some(bytes) })
    }
}
