//! What a range of source commits changed: names of files, by comparing the trees at its ends.

use std::collections::BTreeMap;

use git2::{Oid, Repository};

use super::{GitStore, StoreError, object_id};
use crate::id::ObjectId;

/// The files that differ between the ends of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The range as it was asked for.
    pub range: String,
    /// Each by its path, with the blob it is at the range's head; `None` where it is gone there.
    pub paths: BTreeMap<String, Option<ObjectId>>,
}

impl GitStore {
    /// Files that `A..B` changed, or `A...B`: since B left A. Merges and empty commits in between are of
    /// no account, for only the ends are compared. Where history is cut off nobody can tell where B left A.
    pub fn changes(&self, range: &str) -> Result<Changes, StoreError> {
        let (from, to, since_parting) = ends(range).ok_or_else(|| StoreError::NoRange(range.to_owned()))?;
        let unknown = |why: String| StoreError::RangeUnknown { range: range.to_owned(), why };
        let commit = |revision: &str| {
            let found = self.source(revision).map_err(|error| unknown(error.to_string()))?;
            self.oid(&found.commit)
        };
        let (from, to) = (commit(from)?, commit(to)?);
        let bases = match since_parting {
            true if self.repo.is_shallow() => return Err(unknown("this is a shallow clone".to_owned())),
            true => {
                let none = |_| unknown("its ends have no commit in common".to_owned());
                self.repo.merge_bases(from, to).map_err(none)?.iter().copied().collect()
            }
            false => vec![from],
        };
        let mut paths = BTreeMap::new();
        for base in bases {
            compare(&self.repo, base, to, &mut paths).map_err(|error| unknown(error.to_string()))?;
        }
        Ok(Changes { range: range.to_owned(), paths })
    }

    /// Every file of a commit's tree.
    pub fn paths(&self, revision: &str) -> Result<Vec<String>, StoreError> {
        let tree = self.repo.find_commit(self.oid(&self.source(revision)?.commit)?)?.tree()?;
        let mut paths = Vec::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() != Some(git2::ObjectType::Tree) {
                paths.push(format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes())));
            }
            git2::TreeWalkResult::Ok
        })?;
        Ok(paths)
    }

    /// A changed file's bytes at the range's head.
    pub fn changed_file(&self, blob: &ObjectId) -> Result<Vec<u8>, StoreError> {
        self.read(self.oid(blob)?, git2::ObjectType::Blob)
    }
}

/// Both ends must be named: one that is empty (a variable that was not set) would mean HEAD and say
/// that nothing changed.
fn ends(range: &str) -> Option<(&str, &str, bool)> {
    let (from, to, since_parting) = match range.split_once("...") {
        Some((from, to)) => (from, to, true),
        None => range.split_once("..").map(|(from, to)| (from, to, false))?,
    };
    let is_end = |end: &str| !end.trim().is_empty() && !end.starts_with('.') && !end.contains("..");
    (is_end(from) && is_end(to)).then_some((from, to, since_parting))
}

fn compare(
    repo: &Repository,
    from: Oid,
    to: Oid,
    paths: &mut BTreeMap<String, Option<ObjectId>>,
) -> Result<(), StoreError> {
    let tree = |commit: Oid| repo.find_commit(commit)?.tree();
    let diff = repo.diff_tree_to_tree(Some(&tree(from)?), Some(&tree(to)?), None)?;
    for delta in diff.deltas() {
        let (old, new) = (delta.old_file(), delta.new_file());
        let now = if new.exists() { Some(object_id(new.id())?) } else { None };
        if let Some(path) = new.path_bytes().or_else(|| old.path_bytes()) {
            paths.insert(String::from_utf8_lossy(path).into_owned(), now);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ends;

    #[test]
    fn a_range_has_two_ends() {
        assert_eq!(ends("origin/main...HEAD"), Some(("origin/main", "HEAD", true)));
        assert_eq!(ends("v1.0..v1.1"), Some(("v1.0", "v1.1", false)));
        for no in ["", "HEAD", "..", "...", "..HEAD", "main..", "...HEAD", "a..b..c", "a....b", " ..b"] {
            assert_eq!(ends(no), None, "{no}");
        }
    }
}
