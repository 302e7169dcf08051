//! Folders, names and parts: where an entry lies, from what it is (docs/format.md, "Tree"). Pure.

use crate::id::{EntryNumber, Folder, Invalid};
use unicode_normalization::UnicodeNormalization as _;

/// Entries in one directory: a flat one would make every append pay for all entries before it.
pub const ENTRIES_PER_PART: u64 = 256;

/// The folder of policy entries.
pub const POLICY_FOLDER: &str = "policy";

/// Where one entry lies: its folder, how many entries are in it already, and its number.
#[derive(Debug, Clone, Copy)]
pub struct Position<'f> {
    pub folder: &'f str,
    pub index: u64,
    pub number: EntryNumber,
}

impl Position<'_> {
    /// `Stage9_Alpha_20251004`, or `…/part-0001` from the 257th entry on.
    pub fn directory(&self) -> String {
        match self.index / ENTRIES_PER_PART {
            0 => self.folder.to_owned(),
            part => format!("{}/part-{part:04}", self.folder),
        }
    }

    /// `…/000008-evidence-build-log.json`.
    pub fn statement(&self, kind: &str, slug: Option<&str>) -> String {
        let slug = slug.map(|slug| format!("-{slug}")).unwrap_or_default();
        format!("{}/{}-{kind}{slug}.json", self.directory(), self.number.padded())
    }

    /// `…/files/000008/frontend_build_20251004.log`.
    pub fn file(&self, name: &str) -> String {
        format!("{}/files/{}/{name}", self.directory(), self.number.padded())
    }
}

/// Where a file of the entry lies whose statement lies here: by the digits the statement's name begins with.
pub fn file_beside(statement: &str, name: &str) -> String {
    let (folder, file) = statement.rsplit_once('/').unwrap_or(("", statement));
    let number = file.split('-').next().unwrap_or_default();
    format!("{folder}/files/{number}/{name}")
}

/// A word for a file name: letters, digits and `. _ -` stay, anything else becomes one `-`.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.nfc() {
        match character {
            c if c.is_alphanumeric() || "._-".contains(c) => slug.push(c),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    let cut = slug.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 60).last().unwrap_or(0);
    slug[..cut].trim_matches(['-', '.']).to_owned()
}

/// The folder's name for the n-th attempt of that name: `Stage9_Alpha_20251004`, then `….2`.
pub fn folder_name(base: &str, repeat: u32) -> Result<Folder, Invalid> {
    match repeat {
        0 | 1 => Folder::parse(base),
        n => Folder::parse(&format!("{base}.{n}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_257th_entry_opens_a_part() {
        let at = |index| Position { folder: "F", index, number: EntryNumber(index + 7) };
        assert_eq!(at(0).statement("open", None), "F/000007-open.json");
        assert_eq!(at(255).file("a.log"), "F/files/000262/a.log");
        assert_eq!(at(256).statement("evidence", Some("log")), "F/part-0001/000263-evidence-log.json");
        assert_eq!(at(512).file("a.log"), "F/part-0002/files/000519/a.log");
        assert_eq!(file_beside(&at(512).statement("evidence", Some("build-log")), "a.log"), at(512).file("a.log"));
        assert_eq!(
            Position { folder: "F", index: 0, number: EntryNumber(1_234_567) }.statement("open", None),
            "F/1234567-open.json"
        );
    }

    #[test]
    fn slugs_are_readable_and_safe() {
        assert_eq!(slug("QA-KIM"), "QA-KIM");
        assert_eq!(slug("QA (Kim)"), "QA-Kim");
        assert_eq!(slug("../김 철수"), "김-철수");
        assert_eq!(slug(&"긴".repeat(100)).len(), 60);
    }
}
