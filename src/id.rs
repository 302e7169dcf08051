//! Names, numbers and digests: past this file nothing is a plain string any more.
//!
//! Every type here is checked when it is made, so the rest of the program never asks twice
//! whether a name may stand in a path, a commit header or an allowed-signers line.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use sha2::{Digest as _, Sha256};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Why a text is not the name, number or digest it was given as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {why}")]
pub struct Invalid {
    pub what: &'static str,
    pub text: String,
    pub why: &'static str,
}

/// A SHA-256 digest; shown and read as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hex digits: enough for a person to compare, never enough to decide on.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }

    /// Reads `sha256:<hex>` or the bare hex, lower case only (the one spelling used in records).
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        let invalid = |why| Invalid { what: "a SHA-256 digest", text: text.to_owned(), why };
        if hex.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(invalid("hex digits are lower case"));
        }
        let bytes = from_hex(hex).ok_or_else(|| invalid("it must be 64 hex digits"))?;
        bytes.try_into().map(Self).map_err(|_| invalid("it must be 64 hex digits"))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

/// Lower-case hex of any bytes.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Bytes of a hex text of either case; `None` on any other character or an odd length.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// An instant in whole seconds of UTC; written `2025-10-04T09:12:33Z` and only so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 9999-12-31T23:59:59Z, the last instant RFC 3339 can write with four year digits.
    const LAST: i64 = 253_402_300_799;
    /// The same, where a clock stands beyond it.
    pub const MAX: Self = Self(Self::LAST);

    pub fn from_seconds(seconds: i64) -> Result<Self, Invalid> {
        if (0..=Self::LAST).contains(&seconds) {
            return Ok(Self(seconds));
        }
        Err(Invalid { what: "an instant", text: seconds.to_string(), why: "it must lie in the years 1970 to 9999" })
    }

    pub const fn seconds(self) -> i64 {
        self.0
    }

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |why| Invalid { what: "an instant", text: text.to_owned(), why };
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| invalid("expected 2025-10-04T09:12:33Z"))?;
        let instant = Self::from_seconds(parsed.timestamp())?;
        if instant.to_string() != text {
            return Err(invalid("expected UTC in whole seconds, like 2025-10-04T09:12:33Z"));
        }
        Ok(instant)
    }

    pub fn to_utc(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp(self.0, 0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Position of an entry in the ledger, counted from 0 without a gap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize)]
#[serde(transparent)]
pub struct EntryNumber(pub u64);

impl EntryNumber {
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// At least six digits, so that a forge sorts a folder in the order of the ledger.
    pub fn padded(self) -> String {
        format!("{:06}", self.0)
    }
}

impl fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Identity of an entry: the SHA-256 of its statement's bytes (never of its commit).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub Digest);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A checked text newtype: `parse` is its one constructor, serde goes through it.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(why) => Err(Invalid { what: $what, text: text.to_owned(), why }),
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        serde_as_text!($name);
    };
}

/// Serialises through `Display`, reads back through `parse`: one spelling in, the same out.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

serde_as_text!(Digest);
serde_as_text!(EntryId);
serde_as_text!(Timestamp);

impl EntryId {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Digest::parse(text).map(Self)
    }
}

name!(
    /// The ledger's name, a schema-less URL such as `github.com/acme/routing-ml`.
    Origin, "an origin", check_origin
);
name!(
    /// A person's id, an e-mail address; stands in commit headers and allowed-signers lines.
    PersonId, "a person id", check_person
);
name!(
    /// Id of a pipeline, gate, rule, slot or role: the word people type.
    Name, "a name", check_name
);
name!(
    /// A release's version string, as free as real tags are (`v1.0-p2`, `2025-09-29`).
    Version, "a version", check_version
);
name!(
    /// One folder of the evidence branch, such as `Stage9_Alpha_20251004` or `….2`.
    Folder, "a folder name", check_file_name
);
name!(
    /// A file's name inside an entry, safe to check out on Linux, macOS and Windows.
    FileName, "a file name", check_file_name
);
name!(
    /// A full Git object id, 40 or 64 hex digits. It says where to look, never what is true.
    ObjectId, "a full Git object id", check_object_id
);

impl Name {
    /// The name in the one form used to compare what people type.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// Letter case and Unicode form removed: two names equal under this cannot share a folder.
pub fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

fn check_origin(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("it is empty"),
        _ if text.len() > 255 => Err("it is longer than 255 bytes"),
        _ if text.contains("://") => Err("leave the scheme out, like github.com/acme/widget"),
        _ if text.contains('+') => Err("it must not contain '+'"),
        _ if text.chars().any(|c| c.is_whitespace() || c.is_control()) => Err("it must not contain blanks"),
        _ if !text.is_ascii() => Err("it must be ASCII (use the punycode or percent-encoded form)"),
        _ => Ok(()),
    }
}

fn check_person(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".@_-+%".contains(c);
    match text.split_once('@') {
        _ if text.len() > 254 => Err("it is longer than 254 bytes"),
        _ if !text.chars().all(allowed) => Err("only ASCII letters, digits and . @ _ - + % may stand in it"),
        Some((user, host)) if !user.is_empty() && !host.is_empty() && !host.contains('@') => Ok(()),
        _ => Err("it must look like an e-mail address"),
    }
}

fn check_name(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_alphanumeric() || "._-".contains(c);
    match text.chars().next() {
        None => Err("it is empty"),
        _ if text.len() > 96 => Err("it is longer than 96 bytes"),
        _ if !text.chars().all(allowed) => Err("only letters, digits and . _ - may stand in it"),
        Some(first) if !first.is_alphanumeric() => Err("it must begin with a letter or digit"),
        _ => check_file_name(text),
    }
}

fn check_version(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("it is empty"),
        _ if text.len() > 128 => Err("it is longer than 128 bytes"),
        _ if text.trim() != text => Err("it must not begin or end with a blank"),
        _ if text.chars().any(is_invisible) => Err("it must not contain control or invisible characters"),
        // It stands in the paths of artifacts.
        _ if text.split(['/', '\\']).any(|part| matches!(part, "" | "." | "..")) => {
            Err("it must not lead elsewhere as a path")
        }
        _ => Ok(()),
    }
}

fn check_file_name(text: &str) -> Result<(), &'static str> {
    let stem = text.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    match text {
        "" => Err("it is empty"),
        _ if text.len() > 200 => Err("it is longer than 200 bytes"),
        _ if text.starts_with('.') => Err("it must not begin with a dot"),
        _ if text.ends_with(['.', ' ']) => Err("Windows drops a dot or blank at the end"),
        _ if device || is_short_git(text) => Err("Windows or git reserves this name"),
        _ if text.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) => {
            Err("/ \\ : * ? \" < > | cannot stand in a file name everywhere")
        }
        _ if text.chars().any(is_invisible) => Err("it must not contain control or invisible characters"),
        _ if !is_nfc(text) => Err("it must be in Unicode form NFC"),
        _ => Ok(()),
    }
}

/// `git~1` and its kind: what Windows may call `.git`.
fn is_short_git(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.strip_prefix("git~").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn check_object_id(text: &str) -> Result<(), &'static str> {
    let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match text.len() {
        40 | 64 if hex => Ok(()),
        _ => Err("it must be 40 or 64 lower-case hex digits"),
    }
}

/// Characters that a terminal or page would act on rather than show: controls, bidi overrides
/// and isolates, zero-width characters, line separators, tags and the byte order mark.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{0600}'..='\u{0605}' | '\u{061C}' | '\u{06DD}' | '\u{070F}' | '\u{0890}' | '\u{0891}' | '\u{08E2}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Digest::parse(&format!("sha256:{digest}")), Ok(digest));
        assert!(Digest::parse(&digest.to_string().to_uppercase()).is_err());
        assert!(Digest::parse("sha256:é0").is_err());
    }

    #[test]
    fn an_instant_has_one_spelling() {
        assert_eq!(Timestamp::parse("2025-10-04T09:12:33Z").unwrap().to_string(), "2025-10-04T09:12:33Z");
        for other in
            ["2025-10-04T09:12:33+00:00", "2025-10-04T09:12:33.0Z", "2025-10-04 09:12:33Z", "2025-13-04T09:12:33Z"]
        {
            assert!(Timestamp::parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn names_that_would_escape_or_collide_are_refused() {
        for bad in [
            "..",
            ".git",
            "a/b",
            "a\\b",
            "CON",
            "nul.txt",
            "COM1.log",
            "a.",
            "a ",
            "a\u{202e}b",
            "e\u{301}",
            "GIT~1",
            "",
        ] {
            assert!(FileName::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["frontend_build_20251004.log", "설치_결과.png", "a b.txt", "COMMON.txt"] {
            assert!(FileName::parse(good).is_ok(), "{good}");
        }
        assert_eq!(fold("Stage9_ALPHA"), fold("stage9_alpha"));
    }

    #[test]
    fn a_version_stays_where_it_is_put() {
        for bad in ["", " 1", "../../x", "v1/..", "/v1", "v1/", "a//b", "..\\x", "1\u{202e}0"] {
            assert!(Version::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["v1.0.0-alpha", "release/2025.10", "1.0+build.5", "2025년 10월"] {
            assert!(Version::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_person_id_cannot_break_out_of_a_header() {
        for bad in ["kim", "kim@", "@x", "a@b@c", "k im@x", "kim@x\n", "<kim@x>", "*@x", "a,b@x", "!a@x"] {
            assert!(PersonId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(PersonId::parse("qa.kim+ci@acme.example").is_ok());
    }
}
