//! What the readers of Markdown share: one bound and one dialect.

use std::borrow::Cow;

use pulldown_cmark::Options;

use super::{ReadError, bounds};

/// Text of a Markdown file that is safe to hand to the parser; `what` names the file in errors.
pub(super) fn decode<'b>(bytes: &'b [u8], what: &str) -> Result<Cow<'b, str>, ReadError> {
    let text = bounds::decode_local(bytes, MAX_BYTES, what)?;
    refuse_deep_nesting(&text)?;
    Ok(text)
}

/// Containers open on a line are walked again for every line after it, so their number is bounded
/// before the parser starts: each level takes at least one column up to its own marker.
fn refuse_deep_nesting(text: &str) -> Result<(), ReadError> {
    for (index, line) in text.split('\n').enumerate() {
        // A carriage return alone ends a line in CommonMark too.
        if line.split('\r').any(|line| nesting_columns(line) > MAX_NESTING) {
            return Err(ReadError::at(index + 1, format!("lists or quotes nest beyond column {MAX_NESTING}")));
        }
    }
    Ok(())
}

/// The column of the last list or quote marker among the markers a line begins with.
fn nesting_columns(line: &str) -> usize {
    let (mut column, mut last) = (0, 0);
    let mut bytes = line.bytes().peekable();
    while let Some(byte) = bytes.next() {
        column += if byte == b'\t' { 4 } else { 1 };
        match byte {
            b' ' | b'\t' | b'0'..=b'9' => {}
            b'>' => last = column,
            b'-' | b'+' | b'*' | b'.' | b')' if matches!(bytes.peek(), None | Some(b' ' | b'\t')) => last = column,
            _ => break,
        }
    }
    last
}

/// Task boxes and tables, as GitHub reads them.
pub(super) const OPTIONS: Options = Options::ENABLE_TASKLISTS.union(Options::ENABLE_TABLES);
pub(super) const MAX_BYTES: usize = 8 << 20;
const MAX_NESTING: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_encoding_and_nesting_are_bounded() {
        let refused = |bytes: &[u8]| decode(bytes, "a plan").unwrap_err().to_string();
        assert_eq!(refused(&vec![b' '; MAX_BYTES + 1]), "is larger than 8 MiB, too large for a plan");
        assert_eq!(refused(b"\xC0"), "is neither UTF-8, UTF-16 nor CP949 text: convert it to UTF-8");
        assert_eq!(
            refused(format!("a\n{}", "> ".repeat(201)).as_bytes()),
            "line 2: lists or quotes nest beyond column 400"
        );
        assert_eq!(decode("> ".repeat(200).as_bytes(), "a plan").unwrap().len(), 400);
    }
}
