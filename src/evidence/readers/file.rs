//! Any file at all: how many were brought, and how large they are.

use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::manifest;

pub(super) const READER: Reader = Reader {
    format: "file",
    about: "any file, kept as it is; only its size is read",
    facts: &["files", "bytes"],
    looks_like: |_| true,
    read,
};

/// Recorded by digest and never stored, so a file becomes one only when somebody says so.
pub(super) const ARTIFACT: Reader = Reader {
    format: super::ARTIFACT,
    about: "build products, recorded by digest and never stored; a directory by the list of its files' digests",
    facts: &["files", "bytes"],
    looks_like: |_| false,
    read: read_artifact,
};

/// What is kept of a build product is never the product itself, but may be the list of a directory.
fn read_artifact(input: &Input<'_>) -> Result<Facts, ReadError> {
    let listed = std::str::from_utf8(input.bytes).ok().and_then(manifest::parse);
    match listed {
        Some(listed) => Ok(Facts::from([("files".to_owned(), Fact::from(listed.len()))])),
        None => read(input),
    }
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    if input.bytes.is_empty() {
        return Err(ReadError::whole("is empty: an empty file is no evidence"));
    }
    Ok(Facts::from([("files".to_owned(), Fact::Int(1)), ("bytes".to_owned(), Fact::from(input.bytes.len()))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_files_and_bytes() {
        let facts = read(&Input::plain("shot.png", b"\x89PNG")).unwrap();
        assert_eq!(facts, Facts::from([("bytes".to_owned(), Fact::Int(4)), ("files".to_owned(), Fact::Int(1))]));
    }

    #[test]
    fn an_empty_file_is_refused() {
        let error = read(&Input::plain("shot.png", b"")).unwrap_err();
        assert_eq!(error.to_string(), "is empty: an empty file is no evidence");
    }

    #[test]
    fn nothing_is_taken_for_an_artifact_unasked() {
        let input = Input::plain("setup.exe", b"MZ");
        assert!((READER.looks_like)(&input));
        assert!(!(ARTIFACT.looks_like)(&input));
    }
}
