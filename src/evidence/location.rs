//! Where bytes lie that the ledger does not hold: what an address means, and a file's key in a store.
//!
//! An address is asked by a program only when its form leaves no doubt. Whatever else stands in a
//! statement (a UNC path, a sentence) is for people: it is shown as it is and never joined to a path.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::id::Digest;

/// The kinds of place that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Directory,
    S3,
    Google,
    Azure,
    Http,
}

const SCHEMES: &[(&str, Scheme)] = &[
    ("file", Scheme::Directory),
    ("s3", Scheme::S3),
    ("gs", Scheme::Google),
    ("az", Scheme::Azure),
    ("abfs", Scheme::Azure),
    ("abfss", Scheme::Azure),
    ("http", Scheme::Http),
    ("https", Scheme::Http),
];

/// The address of a store, or of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    scheme: Scheme,
    url: Url,
}

impl Location {
    /// An address without credentials. Errors never repeat it: it may hold some. Only the form counts, so that a
    /// policy reads the same on every system and for ever.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| unknown())?;
        let scheme = SCHEMES.iter().find(|(word, _)| *word == url.scheme()).map(|(_, scheme)| *scheme);
        let scheme = scheme.ok_or_else(unknown)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it names a user or a password: credentials come from the environment".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it has a part after ? or #, where tokens stand: use an address without one".to_owned());
        }
        let host = url.host_str().unwrap_or_default();
        match scheme {
            Scheme::Directory if !host.is_empty() => {
                Err("it is a file on another computer: mount it, and name the path it has here".to_owned())
            }
            Scheme::Directory => Ok(Self { scheme, url }),
            _ if host.is_empty() => Err("it names no host or bucket".to_owned()),
            _ => Ok(Self { scheme, url }),
        }
    }

    /// The directory at an absolute path.
    pub fn of_directory(path: &Path) -> Result<Self, String> {
        let url = Url::from_file_path(path).map_err(|()| "it is no absolute path".to_owned())?;
        Self::parse(url.as_str())
    }

    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The path of a directory, or of a file in one; `None` where this system has no such path.
    pub fn file_path(&self) -> Option<PathBuf> {
        (self.scheme == Scheme::Directory).then(|| self.url.to_file_path().ok()).flatten()
    }

    /// Where a store keeps the bytes with this digest.
    #[must_use]
    pub fn of(&self, sha256: Digest) -> Self {
        let mut url = self.url.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(key(sha256).split('/'));
        }
        Self { scheme: self.scheme, url }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// `sha256/ab/abcdef…`: 256 folders, none of them long.
pub fn key(sha256: Digest) -> String {
    let digits = sha256.to_string();
    format!("sha256/{}/{digits}", digits.get(..2).unwrap_or_default())
}

fn unknown() -> String {
    let words: Vec<String> = SCHEMES.iter().map(|(word, _)| format!("{word}://")).collect();
    format!("it is no address a program can ask: those begin with {}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_leave_no_doubt() {
        for (text, scheme) in [
            ("file:///srv/evidence", Scheme::Directory),
            ("file:///srv/%EC%A6%9D%EA%B1%B0", Scheme::Directory),
            ("s3://bucket", Scheme::S3),
            ("s3://bucket/a/b/", Scheme::S3),
            ("gs://bucket/a", Scheme::Google),
            ("az://container/a", Scheme::Azure),
            ("abfss://container/a", Scheme::Azure),
            ("http://127.0.0.1:9000/x", Scheme::Http),
            ("https://files.acme.example/evidence", Scheme::Http),
        ] {
            assert_eq!(Location::parse(text).map(|found| found.scheme()), Ok(scheme), "{text}");
        }
        for text in [
            "",
            "/srv/evidence",
            r"\\nas01\release\app.zip",
            r"C:\evidence",
            "see the ticket",
            "ftp://host/x",
            "file://nas01/share/x",
            "s3:///key",
            "s3://user@bucket/x",
            "abfss://container@account.dfs.core.windows.net/x",
            "https://kim:pass@host/x",
            "https://host/x?sig=abc",
            "https://host/x#token",
        ] {
            assert!(Location::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_lies_at_the_address_of_its_content() {
        let digest = Digest::of(b"x");
        let key = key(digest);
        assert_eq!(key, format!("sha256/2d/{digest}"));
        for (store, expected) in [
            ("s3://bucket", format!("s3://bucket/{key}")),
            ("s3://bucket/a/", format!("s3://bucket/a/{key}")),
            ("https://host/a", format!("https://host/a/{key}")),
            ("file:///srv/a%20b", format!("file:///srv/a%20b/{key}")),
        ] {
            assert_eq!(Location::parse(store).unwrap().of(digest).to_string(), expected);
        }
        let path = Location::parse("file:///srv/a%20b").unwrap().of(digest).file_path();
        assert_eq!(path, Some(PathBuf::from(format!("/srv/a b/{key}"))));
        assert_eq!(Location::of_directory(Path::new("/srv/증거")).unwrap().file_path(), Some("/srv/증거".into()));
        assert!(Location::of_directory(Path::new("relative")).is_err());
    }
}
