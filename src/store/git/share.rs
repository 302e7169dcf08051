//! What sharing needs of the repository: refs beside the branch, where two histories part, and the words of
//! a commit that is made again.

use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid};

use super::{BRANCH, GitStore, StoreError, object_id};
use crate::id::{Digest, ObjectId};
use crate::store::commit::SignedCommit;

/// Where branches are kept whose entries wait for somebody.
pub const QUEUED: &str = "refs/ledger/queued/";

/// Where the branch of a file somebody sent is put before anybody has verified it.
pub const RECEIVED: &str = "refs/ledger/received";

/// Where a remote's branch is put before anybody has verified it.
pub fn fetched(remote: &str) -> String {
    format!("refs/ledger/fetched/{remote}")
}

/// Where git keeps what a remote was last heard to have.
pub fn tracking(remote: &str) -> String {
    format!("refs/remotes/{remote}/{}", super::SHORT_BRANCH)
}

impl GitStore {
    /// The repository's own directory, as `git --git-dir` takes it.
    pub fn directory(&self) -> &Path {
        self.repo.path()
    }

    pub fn has_remote(&self, name: &str) -> bool {
        self.repo.find_remote(name).is_ok() && git2::Reference::is_valid_name(&fetched(name))
    }

    /// Puts a ref of this clone's own at a commit, wherever it stood. Never the branch: that one only grows.
    pub fn set_aside(&self, name: &str, at: &ObjectId, why: &str) -> Result<(), StoreError> {
        let set = self.repo.reference(name, self.oid(at)?, true, why).map(drop);
        set.map_err(|error| self.of_ref(name, error))
    }

    /// Remembers that a remote has a commit, unless it was heard to have more by now.
    pub fn hear(&self, remote: &str, at: &ObjectId, why: &str) -> Result<(), StoreError> {
        let name = tracking(remote);
        match self.resolve(&name)? {
            Some(known) if known == *at || self.contains(&known, at) => Ok(()),
            _ => self.set_aside(&name, at, why),
        }
    }

    /// Moves the branch to a commit that does not go on from where it stands, with what it had kept under a ref of
    /// that name. Whoever comes second finds it moved before anything is kept or forgotten.
    pub fn replace(&self, from: &ObjectId, to: &ObjectId, kept: Option<&str>, why: &str) -> Result<(), StoreError> {
        let mut transaction = self.lock_at(from)?;
        // Kept before the branch moves: whenever this ends, everything is under a ref.
        kept.map(|name| self.set_aside(name, from, why)).transpose()?;
        transaction.set_target(BRANCH, self.oid(to)?, None, why)?;
        Ok(transaction.commit()?)
    }

    /// Removes refs that stand where they were seen, while the branch stands at a commit: nobody moves it away
    /// from what they hold meanwhile.
    pub fn drop_aside(&self, at: &ObjectId, refs: &[(String, ObjectId)]) -> Result<(), StoreError> {
        let transaction = self.lock_at(at)?;
        for (name, seen) in refs {
            match self.repo.find_reference(name) {
                Ok(mut reference) if reference.target() == Some(self.oid(seen)?) => {
                    reference.delete().map_err(|error| self.of_ref(name, error))?;
                }
                Ok(_) => {}
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        drop(transaction);
        Ok(())
    }

    /// Holds the branch where it is, if it is there.
    fn lock_at(&self, at: &ObjectId) -> Result<git2::Transaction<'_>, StoreError> {
        let mut transaction = self.repo.transaction()?;
        transaction.lock_ref(BRANCH).map_err(|error| self.of_ref(BRANCH, error))?;
        if self.resolve(BRANCH)?.as_ref() == Some(at) { Ok(transaction) } else { Err(StoreError::Moved) }
    }

    fn of_ref(&self, name: &str, error: git2::Error) -> StoreError {
        match error.code() {
            ErrorCode::Locked => StoreError::Locked(self.repo.commondir().join(format!("{name}.lock"))),
            _ => error.into(),
        }
    }

    /// Every ref whose name begins so, with its commit.
    pub fn refs_below(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>, StoreError> {
        let mut found = Vec::new();
        for reference in self.repo.references_glob(&format!("{prefix}*"))? {
            let reference = reference?;
            if let (Ok(name), Some(target)) = (reference.name(), reference.target()) {
                found.push((name.to_owned(), object_id(target)?));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The newest commit two histories have in common.
    pub fn common(&self, one: &ObjectId, other: &ObjectId) -> Result<Option<ObjectId>, StoreError> {
        match self.repo.merge_base(self.oid(one)?, self.oid(other)?) {
            Ok(base) => object_id(base).map(Some),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A commit's summary and body without its trailers, and the digest of its statement; `None` when it is no entry.
    pub fn words(&self, commit: &ObjectId) -> Result<Option<(String, Digest)>, StoreError> {
        let oid: Oid = self.oid(commit)?;
        let object = self.read(oid, ObjectType::Commit)?;
        let signed = SignedCommit::parse(&object, self.format).ok();
        Ok(signed.map(|signed| (signed.commit.text, signed.commit.trailers.statement)))
    }
}
