//! What the readers of text share: bounds on size, the encodings tools write, and short quotes.

use std::borrow::Cow;

use super::ReadError;
use crate::evidence::facts::Fact;
use crate::evidence::text;

/// Text of a large file; `what` names the kind of file in errors.
pub(super) fn decode<'b>(bytes: &'b [u8], what: &str) -> Result<Cow<'b, str>, ReadError> {
    decode_within(bytes, MAX_BYTES, what)
}

/// Text of a file of at most so many bytes, in an encoding that shows.
pub(super) fn decode_within<'b>(bytes: &'b [u8], most: usize, what: &str) -> Result<Cow<'b, str>, ReadError> {
    check_size(bytes, most, what)?;
    text::decode(bytes).ok_or_else(|| ReadError::whole("is neither UTF-8 nor UTF-16 text: convert it to UTF-8"))
}

/// Text of XML, in an encoding that shows or that its declaration names (XML 1.0, 4.3.3).
pub(super) fn decode_xml<'b>(bytes: &'b [u8], what: &str) -> Result<Cow<'b, str>, ReadError> {
    let head = bytes.get(..MAX_DECLARATION).unwrap_or(bytes).to_ascii_lowercase();
    let end = head.iter().position(|byte| *byte == b'>').unwrap_or_default();
    let declaration = head.get(..end).filter(|head| head.starts_with(b"<?xml"));
    let declaration = String::from_utf8_lossy(declaration.unwrap_or_default()).replace('\'', "\"");
    match KOREAN.iter().any(|name| declaration.contains(&format!("encoding=\"{name}\""))) {
        true => decode_local(bytes, MAX_BYTES, what),
        false => decode(bytes, what),
    }
}

/// The same of what a console or a person wrote, which on Korean Windows is CP949.
pub(super) fn decode_local<'b>(bytes: &'b [u8], most: usize, what: &str) -> Result<Cow<'b, str>, ReadError> {
    check_size(bytes, most, what)?;
    text::decode_local(bytes)
        .ok_or_else(|| ReadError::whole("is neither UTF-8, UTF-16 nor CP949 text: convert it to UTF-8"))
}

pub(super) fn check_size(bytes: &[u8], most: usize, what: &str) -> Result<(), ReadError> {
    match bytes.len() > most {
        true => Err(ReadError::whole(format!("is larger than {} MiB, too large for {what}", most >> 20))),
        false => Ok(()),
    }
}

/// The beginning of the file as text, wherever the cut falls; enough to tell what a file is.
pub(super) fn head(bytes: &[u8]) -> Cow<'_, str> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    // The cut may fall inside a character.
    text::decode(head).unwrap_or_else(|| String::from_utf8_lossy(head))
}

/// A text of the file as a fact. All facts of an entry must fit into one statement of 32 KiB, where a control
/// character takes six bytes.
pub(super) fn fact(name: &str, text: &str) -> Result<Fact, String> {
    if text.is_empty() || text.len() > MAX_FACT {
        return Err(format!("has a {name} of {} bytes; 1 to {MAX_FACT} are read", text.len()));
    }
    if text.contains(char::is_control) {
        return Err(format!("has a {name} with control characters: {:?}", short(text)));
    }
    Ok(Fact::from(text))
}

/// What a file says, short enough for an error.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    cut(text, MAX_QUOTE)
}

/// The first characters of a text, with a sign where there are more.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned() + "…"),
        None => Cow::Borrowed(text),
    }
}

pub(super) const MAX_BYTES: usize = 64 << 20;
/// A list that a person or a tool wrote for us, every line of which becomes a fact.
pub(super) const MAX_LIST: usize = 1 << 20;
/// What XML calls CP949 and the part of it that is EUC-KR.
const KOREAN: [&str; 6] = ["euc-kr", "ks_c_5601-1987", "cp949", "ms949", "windows-949", "x-windows-949"];
const MAX_DECLARATION: usize = 200;
const HEAD: usize = 4096;
const MAX_QUOTE: usize = 80;
const MAX_FACT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_encoding_and_quotes_are_bounded() {
        let refused = |bytes: &[u8]| decode(bytes, "a log").unwrap_err().to_string();
        assert_eq!(refused(&vec![b' '; MAX_BYTES + 1]), "is larger than 64 MiB, too large for a log");
        assert_eq!(refused(b"\xC0"), "is neither UTF-8 nor UTF-16 text: convert it to UTF-8");
        assert_eq!(decode(b"\xFF\xFEa\0", "a log").unwrap(), "a");
        let xml = b"<?xml version='1.0' encoding='EUC-KR'?><a>\xBA\xF4\xB5\xE5</a>";
        assert!(decode_xml(xml, "a report").unwrap().ends_with("<a>빌드</a>"));
        assert!(decode_xml(&xml[37..], "a report").is_err());
        assert_eq!(decode_local(b"\xBA\xF4\xB5\xE5", MAX_LIST, "a list").unwrap(), "빌드");
        let local = |bytes: &[u8]| decode_local(bytes, MAX_LIST, "a list").unwrap_err().to_string();
        assert_eq!(local(b"\xC0"), "is neither UTF-8, UTF-16 nor CP949 text: convert it to UTF-8");
        assert_eq!(local(&vec![b' '; MAX_LIST + 1]), "is larger than 1 MiB, too large for a list");
        assert_eq!(short(&"가".repeat(80)), "가".repeat(80));
        assert_eq!(short(&"가".repeat(81)), "가".repeat(80) + "…");
        assert_eq!(fact("url", &"/".repeat(1000)), Ok(Fact::Text("/".repeat(1000))));
        assert_eq!(fact("url", &"/".repeat(1001)).unwrap_err(), "has a url of 1001 bytes; 1 to 1000 are read");
        assert_eq!(fact("url", "").unwrap_err(), "has a url of 0 bytes; 1 to 1000 are read");
        assert_eq!(fact("url", "a\tb").unwrap_err(), "has a url with control characters: \"a\\tb\"");
        assert!(head("a".repeat(HEAD - 1).as_bytes()).len() < HEAD);
        assert!(head(("a".repeat(HEAD - 1) + "가").as_bytes()).starts_with("aaa"));
    }
}
