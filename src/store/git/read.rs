//! Objects by their ids: from packs where many are wanted, loose ones by ourselves, the rest through libgit2.

use std::panic::AssertUnwindSafe;

use git2::{ErrorClass, ErrorCode, ObjectType, Oid};

use super::pack::Damaged;
use super::{GitStore, MAX_BLOB, StoreError};
use crate::id::ObjectId;

impl GitStore {
    /// An object's bytes, of the kind expected and bounded.
    pub(super) fn read(&self, oid: Oid, kind: ObjectType) -> Result<Vec<u8>, StoreError> {
        let packed = self.packs.borrow_mut().as_mut().map_or(Ok(None), |packs| packs.read(oid));
        let damaged = |Damaged(why)| StoreError::Unreadable { id: oid.to_string(), why: why.to_owned() };
        if let Some((_, bytes)) = packed.map_err(damaged)?.filter(|(found, _)| *found == kind) {
            return self.hashed(oid, kind, bytes);
        }
        if let Some(bytes) = self.read_loose(oid, kind)? {
            return Ok(bytes);
        }
        let odb = self.repo.odb()?;
        let failed = |error: git2::Error| match error.code() {
            ErrorCode::NotFound if kind == ObjectType::Commit && self.repo.is_shallow() => StoreError::Shallow,
            ErrorCode::NotFound if error.class() == ErrorClass::Odb => StoreError::Missing { id: oid.to_string() },
            _ => StoreError::Unreadable { id: oid.to_string(), why: error.message().to_owned() },
        };
        // git2 panics where an object is of a kind that Git has not: a damaged pack can say so.
        let header = std::panic::catch_unwind(AssertUnwindSafe(|| odb.read_header(oid)));
        let unknown = |_| StoreError::Unreadable { id: oid.to_string(), why: "its kind is unknown".to_owned() };
        let (size, found) = header.map_err(unknown)?.map_err(failed)?;
        if found != kind || size > MAX_BLOB {
            let why = format!("it is a {found} of {size} bytes, expected a {kind} of at most {MAX_BLOB}");
            return Err(StoreError::Unreadable { id: oid.to_string(), why });
        }
        self.hashed(oid, kind, odb.read(oid).map_err(failed)?.data().to_vec())
    }

    /// The bytes, when they are the object's or nobody asked.
    fn hashed(&self, oid: Oid, kind: ObjectType, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let is = || Oid::hash_object_ext(kind, &bytes, self.repo.object_format()).is_ok_and(|hash| hash == oid);
        if !self.strict.get() || is() {
            return Ok(bytes);
        }
        Err(StoreError::Unreadable { id: oid.to_string(), why: "its bytes do not match its id".to_owned() })
    }

    /// Reads entries again, every object held to its id: whoever is about to be accused of tampering
    /// may only be the owner of a damaged disk.
    pub fn check_undamaged(&self, entries: &[ObjectId]) -> Result<(), StoreError> {
        self.strict.set(true);
        self.trees.borrow_mut().clear();
        self.newest.replace(None);
        let read = entries.iter().try_for_each(|id| self.entry(id).map(drop));
        self.strict.set(false);
        read
    }
}
