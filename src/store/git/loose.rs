//! Loose objects, read by ourselves: libgit2 never returns from one that was cut short on disk.
//!
//! The bytes are inflated with a bound and re-hashed against their id, so nothing is believed that
//! git's own reader would refuse. Objects in packs and alternates stay libgit2's.

#![expect(clippy::disallowed_methods, reason = "this is part of the git door")]

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use git2::{ObjectType, Oid};

use super::{GitStore, MAX_BLOB, StoreError};

/// A header is `<type> SP <size> NUL`: never longer than this.
const MAX_HEADER: usize = 32;

impl GitStore {
    /// An object's bytes when it lies loose in this repository; `None` when it does not.
    pub(super) fn read_loose(&self, oid: Oid, kind: ObjectType) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.is_loose(oid) {
            return Ok(None);
        }
        let hex = oid.to_string();
        let (folder, name) = hex.split_at(2);
        let path = self.repo.commondir().join("objects").join(folder).join(name);
        let unreadable = |why: String| StoreError::Unreadable { id: hex.clone(), why };
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let mut bytes = Vec::new();
        let limit = (MAX_BLOB + MAX_HEADER) as u64;
        let read = ZlibDecoder::new(file).take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(format!("it does not inflate: {error}")))?;
        if bytes.len() as u64 > limit {
            return Err(unreadable(format!("it is larger than {MAX_BLOB} bytes")));
        }
        let header = bytes.iter().take(MAX_HEADER).position(|byte| *byte == 0);
        let header = header.ok_or_else(|| unreadable("it has no header".to_owned()))?;
        let expected = format!("{kind} {}", bytes.len() - header - 1);
        if bytes.get(..header) != Some(expected.as_bytes()) {
            return Err(unreadable(format!("it is no {expected}-byte object")));
        }
        let body = bytes.split_off(header + 1);
        let format = self.repo.object_format();
        let hash = Oid::hash_object_ext(kind, &body, format).map_err(|error| unreadable(error.message().to_owned()))?;
        if hash != oid {
            return Err(unreadable("its bytes do not match its id".to_owned()));
        }
        Ok(Some(body))
    }

    /// Whether an object lay loose when its folder was first looked into: in a packed repository most
    /// do not, and asking the file system for each costs more than reading it. What was written since is
    /// libgit2's to find.
    fn is_loose(&self, oid: Oid) -> bool {
        let Some(first) = oid.as_bytes().first().copied() else { return false };
        let mut loose = self.loose.borrow_mut();
        let list = || {
            let folder = self.repo.commondir().join("objects").join(format!("{first:02x}"));
            let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = files.filter_map(|file| file.file_name().into_string().ok());
            names
                .filter_map(|name| Oid::from_str_ext(&format!("{first:02x}{name}"), self.repo.object_format()).ok())
                .collect()
        };
        loose.entry(first).or_insert_with(list).contains(&oid)
    }
}
