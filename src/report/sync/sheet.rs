//! A document as text that can be changed in places and written again: every other byte stays.

use std::borrow::Cow;
use std::ops::Range;

use crate::evidence::text::{Spelling, decode_local};

/// A document's text and its spelling.
pub(super) struct Sheet<'f> {
    pub text: Cow<'f, str>,
    spelling: Spelling,
}

/// Bytes of the text, and what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub range: Range<usize>,
    pub text: String,
}

/// A document before and after, and the bytes to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub before: String,
    pub after: String,
    pub bytes: Vec<u8>,
}

impl Default for Sheet<'_> {
    /// A file that is not there yet.
    fn default() -> Self {
        Self { text: Cow::Borrowed(""), spelling: Spelling::PLAIN }
    }
}

impl<'f> Sheet<'f> {
    pub fn read(bytes: &'f [u8]) -> Result<Self, &'static str> {
        if bytes.len() > MAX_BYTES {
            return Err("it is larger than 16 MiB");
        }
        match Spelling::of(bytes) {
            Some((text, spelling)) => Ok(Self { text, spelling }),
            None if decode_local(bytes).is_some() => {
                Err("it looks like CP949, and text added to it could damage it: save it as UTF-8")
            }
            None => Err("it is neither UTF-8 nor UTF-16 text"),
        }
    }

    /// How its lines end: as the last one that does.
    pub fn newline(&self) -> &'static str {
        match self.text.rfind('\n') {
            Some(at) if self.text.get(..at).is_some_and(|before| before.ends_with('\r')) => "\r\n",
            _ => "\n",
        }
    }

    /// `None` where two edits meet: nobody could say which is meant.
    pub fn change(self, mut edits: Vec<Edit>) -> Option<Change> {
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let apart = |pair: &[Edit]| match pair {
            [one, next] => one.range.end <= next.range.start && one.range.start < next.range.start,
            _ => true,
        };
        if !edits.windows(2).all(apart) {
            return None;
        }
        let mut after = String::with_capacity(self.text.len());
        let mut at = 0;
        for edit in &edits {
            after.push_str(self.text.get(at..edit.range.start)?);
            after.push_str(&edit.text);
            at = edit.range.end;
        }
        after.push_str(self.text.get(at..)?);
        let bytes = self.spelling.spell(&after);
        Some(Change { before: self.text.into_owned(), after, bytes })
    }
}

/// Largest document that is written whole again.
const MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(bytes: &[u8], edits: &[(Range<usize>, &str)]) -> Option<Vec<u8>> {
        let edits = edits.iter().map(|(range, text)| Edit { range: range.clone(), text: (*text).to_owned() });
        Sheet::read(bytes).unwrap().change(edits.collect()).map(|change| change.bytes)
    }

    #[test]
    fn edits_change_their_place_and_nothing_else() {
        assert_eq!(changed(b"a\r\n[ ] b  \n", &[(10..10, "c"), (4..5, "x")]).unwrap(), b"a\r\n[x] b  c\n");
        assert_eq!(changed(b"\xFF\xFE[\0 \0]\0", &[(1..2, "x")]).unwrap(), b"\xFF\xFE[\0x\0]\0");
        assert_eq!(changed(b"\xEF\xBB\xBF[ ]", &[(1..2, "x")]).unwrap(), b"\xEF\xBB\xBF[x]");
        assert_eq!(changed(b"ab", &[]).unwrap(), b"ab");
    }

    #[test]
    fn edits_that_meet_or_lead_out_are_none() {
        for edits in [&[(1..3, "x"), (2..2, "y")][..], &[(1..1, "x"), (1..1, "y")], &[(9..9, "x")], &[(0..9, "x")]] {
            assert_eq!(changed(b"abcd", edits), None, "{edits:?}");
        }
        assert_eq!(changed("가".as_bytes(), &[(1..1, "x")]), None);
    }

    #[test]
    fn what_could_be_damaged_is_refused_by_name() {
        let why = |bytes: &[u8]| Sheet::read(bytes).err().unwrap_or_default();
        assert!(why(b"\xBA\xF4\xB5\xE5 \xBC\xBA\xB0\xF8").contains("CP949"));
        assert!(why(b"\xC0").contains("neither"));
        assert!(why(&vec![b' '; MAX_BYTES + 1]).contains("larger"));
    }

    #[test]
    fn lines_end_as_the_last_one_does() {
        for (bytes, newline) in [("", "\n"), ("a", "\n"), ("a\nb\r\nc", "\r\n"), ("a\r\nb\nc", "\n"), ("\r\n", "\r\n")]
        {
            assert_eq!(Sheet::read(bytes.as_bytes()).unwrap().newline(), newline, "{bytes:?}");
        }
    }
}
