//! Bytes to text, for readers only: what is stored is always the bytes as they came.
//!
//! The same bytes read the same for ever, so the order is fixed, and the first that fits is taken: a byte
//! order mark; UTF-16 without one, known by its zero bytes; UTF-8; and, for [`decode_local`] alone, CP949.

mod spelling;

use std::borrow::Cow;

use encoding_rs::EUC_KR;

pub use spelling::Spelling;

/// Text of a file as Windows and Unix tools write it: UTF-8 or UTF-16, with a byte order mark or without.
/// `None` when it is neither. For formats that say themselves which encoding they are in (XML, JSON).
pub fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match zeros(bytes) {
            Zeros::Few => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Zeros::Behind => utf16(bytes, u16::from_le_bytes),
            Zeros::Before => utf16(bytes, u16::from_be_bytes),
        },
    }
}

/// The same, and what Korean Windows writes into logs and lists: CP949, of which EUC-KR is a part.
///
/// Nothing in such bytes says what they are, so text in another old encoding may read as Korean words
/// nobody wrote. What readers count stays the same: no ASCII digit, blank or punctuation is ever the
/// second byte of a letter, and most second bytes here are beyond ASCII altogether.
pub fn decode_local(bytes: &[u8]) -> Option<Cow<'_, str>> {
    decode(bytes).or_else(|| korean(bytes))
}

/// A line without colours; whatever moves the cursor becomes a carriage return, as it begins a line anew.
pub fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains(CSI) {
        return Cow::Borrowed(line);
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(CSI) {
        plain.push_str(before);
        // ECMA-48, 5.4: parameters, then intermediates, then one final byte.
        let end = after.trim_start_matches(|c| ('0'..='?').contains(&c));
        let mut end = end.trim_start_matches(|c| (' '..='/').contains(&c)).chars();
        let (shown, next) = match end.next() {
            Some('m' | 'K') => ("", end.as_str()),
            Some('@'..='~') => ("\r", end.as_str()),
            _ => (CSI, after),
        };
        plain.push_str(shown);
        rest = next;
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Bytes whose text is changed, in the encoding they came in; `None` where they are no text. `change` gets
/// UTF-8, or CP949 as it is.
pub fn rewrite(bytes: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    match Spelling::of(bytes) {
        Some((text, spelling)) => String::from_utf8(change(text.as_bytes())).ok().map(|text| spelling.spell(&text)),
        None => decode_local(bytes).map(|_| change(bytes)),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Cow<'static, str>> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Cow::Owned)
}

/// Where the zero bytes of a file stand.
enum Zeros {
    Few,
    /// Before the ASCII letters: UTF-16, big end first.
    Before,
    /// Behind the ASCII letters: UTF-16, little end first.
    Behind,
}

/// Zeros in one of eight pairs at least, on one side: blanks and line ends alone give UTF-16 as many, and a
/// list whose names end in zeros (`sha256sum -z`) has far fewer. The other side has a few where a letter's
/// lower half is zero, as that of 가 is.
fn zeros(bytes: &[u8]) -> Zeros {
    if memchr::memchr(0, bytes).is_none() {
        return Zeros::Few;
    }
    let on = |side: usize| bytes.iter().skip(side).step_by(2).filter(|byte| **byte == 0).count();
    match [on(0), on(1)] {
        [before, behind] if behind * 16 >= bytes.len() && before * 4 <= behind => Zeros::Behind,
        [before, behind] if before * 16 >= bytes.len() && behind * 4 <= before => Zeros::Before,
        _ => Zeros::Few,
    }
}

/// CP949 as the decoder "EUC-KR" of the Encoding Standard (WHATWG) reads it. Letters whose second byte is ASCII were added
/// to KS X 1001 because they are rare; where they are not, the text is none, but Latin-1 or the like.
fn korean(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = EUC_KR.decode_without_bom_handling_and_without_replacement(bytes)?;
    let (mut usual, mut rare) = (0_usize, 0_usize);
    let mut rest = bytes.iter();
    while let Some(first) = rest.next() {
        if !first.is_ascii() {
            *(if rest.next().is_some_and(|second| *second > 0xA0) { &mut usual } else { &mut rare }) += 1;
        }
    }
    (rare * 4 <= usual).then_some(text)
}

/// Begins a control sequence.
const CSI: &str = "\u{1b}[";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_windows_spelling_reads_the_same() {
        for bytes in [&b"ab"[..], b"\xEF\xBB\xBFab", b"\xFF\xFEa\0b\0", b"\xFE\xFF\0a\0b", b"a\0b\0", b"\0a\0b"] {
            assert_eq!(decode(bytes).unwrap(), "ab", "{bytes:?}");
        }
        for bytes in [&b"\xFF\xFEa"[..], b"\xFF\xFE\0\xD8", b"\xC0", b"a\0b\0\n", b"a\0b\0\0\xD8a\0"] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn utf_16_shows_by_zeros_on_one_side() {
        let text = "빌드가성공했다\n빌드 성공 x y z";
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        let list = format!("{}  a.zip\0{}  b\0", "e3".repeat(32), "e4".repeat(32));
        for text in [list.as_str(), "a\0\0b", "12345678901234567890\0", ""] {
            assert_eq!(decode(text.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn korean_windows_is_read_where_nothing_else_fits() {
        let cp949 = b"\xBA\xF4\xB5\xE5 \xBC\xBA\xB0\xF8: 3 \x81A"; // the last letter is none of KS X 1001
        assert_eq!(decode_local(cp949).unwrap(), "빌드 성공: 3 갂");
        assert_eq!(decode(cp949), None);
        assert_eq!(decode_local("빌드".as_bytes()).unwrap(), "빌드");
        for latin in
            [&b"caf\xE9 ferm\xE9"[..], b"\xC4rger, \xABerror\xBB", b"\x93quoted\x94", b"\xBA\xF4\xB5", b"\xFF\xFE\xBA"]
        {
            assert_eq!(decode_local(latin), None, "{latin:?}");
        }
    }

    #[test]
    fn a_text_changes_in_its_own_encoding() {
        let change = |bytes: &[u8]| rewrite(bytes, |text| [text, "é\n".as_bytes()].concat());
        for bytes in [&b"ab"[..], b"\xEF\xBB\xBFab", b"\xFF\xFEa\0b\0", b"\xFE\xFF\0a\0b", b"a\0b\0", b"\0a\0b"] {
            let changed = change(bytes).unwrap();
            assert!(changed.starts_with(bytes), "{bytes:?}");
            assert_eq!(decode(&changed).unwrap(), "abé\n", "{bytes:?}");
        }
        assert_eq!(rewrite(b"\xBA\xF4", <[u8]>::to_vec).unwrap(), b"\xBA\xF4");
        for none in [&b"\xC0"[..], b"\xFF\xFEa", b"a\0b\0\0\xD8a\0"] {
            assert_eq!(change(none), None, "{none:?}");
        }
    }

    #[test]
    fn only_whole_sequences_are_taken_out() {
        let cases = "\u{1b}[1;31ma\u{1b}[Kb>ab|a\u{1b}[2 qb>a\rb|\u{1b}[31>\u{1b}[31|\u{1b}[\u{1b}[mé>\u{1b}[é|\u{1b}[1가>\u{1b}[1가";
        for (line, expected) in cases.split('|').filter_map(|case| case.split_once('>')) {
            assert_eq!(plain(line), expected);
        }
    }
}
