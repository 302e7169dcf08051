//! A text as a person sees it on a terminal: without what colours it, and with the letters JSON spells as
//! numbers. Either may stand inside a secret, where no rule would find it.

use std::ops::Range;

use memchr::memchr3;

/// What is seen, and where it stands in the text it was made of. Lines are the same in both.
pub(super) struct Seen {
    pub text: Vec<u8>,
    /// Where each piece begins: here, and in the text it was taken from.
    pieces: Vec<(usize, usize)>,
}

impl Seen {
    /// `None` where a text is seen as it is.
    pub(super) fn of(raw: &[u8]) -> Option<Self> {
        let mut seen = Self { text: Vec::new(), pieces: Vec::new() };
        let (mut from, mut at) = (0, 0);
        while let Some(found) = next(raw, at) {
            let Some((length, letter)) = told_otherwise(raw, found) else {
                at = found + 1;
                continue;
            };
            seen.take(raw, from..found);
            if let Some(letter) = letter {
                seen.pieces.push((seen.text.len(), found));
                seen.text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            from = found + length;
            at = from;
        }
        if from == 0 {
            return None;
        }
        seen.take(raw, from..raw.len());
        seen.pieces.push((seen.text.len(), raw.len()));
        Some(seen)
    }

    fn take(&mut self, raw: &[u8], place: Range<usize>) {
        self.pieces.push((self.text.len(), place.start));
        self.text.extend_from_slice(raw.get(place).unwrap_or_default());
    }

    /// Where something seen stands in the text itself, with all that is not seen of it.
    pub(super) fn place(&self, of: &Range<usize>) -> Range<usize> {
        self.raw(of.start)..self.raw(of.end)
    }

    fn raw(&self, at: usize) -> usize {
        // Of pieces that begin at one place all but the last are empty.
        let after = self.pieces.partition_point(|(here, _)| *here <= at);
        let (here, there) = after.checked_sub(1).and_then(|index| self.pieces.get(index)).copied().unwrap_or_default();
        there + (at - here)
    }
}

/// The next byte with which a sequence or a letter spelt as a number may begin.
fn next(raw: &[u8], mut at: usize) -> Option<usize> {
    // UTF-8 of the control sequences that need no escape (U+0090 to U+009F) is rare: two bytes are looked for.
    loop {
        let rest = raw.get(at..)?;
        let found = at + memchr3(ESCAPE, b'\\', 0xC2, rest)?;
        let follows = raw.get(found + 1);
        match raw.get(found) {
            Some(b'\\') if follows != Some(&b'u') => at = found + 1,
            Some(0xC2) if !follows.is_some_and(|byte| (0x90..0xA0).contains(byte)) => at = found + 1,
            _ => return Some(found),
        }
    }
}

/// How many bytes are not seen as they are, and what is seen for them.
fn told_otherwise(raw: &[u8], at: usize) -> Option<(usize, Option<char>)> {
    let rest = raw.get(at..)?;
    match rest {
        [b'\\', b'u', ..] => match letter(rest)? {
            (length, '\u{1b}') => Some((length + sequence(rest.get(length..)?), None)),
            // What ends a text or a line does so where it stands.
            (_, '"' | '\\') => None,
            (length, letter) if !letter.is_control() => Some((length, Some(letter))),
            _ => None,
        },
        [0xC2, control, ..] => Some((2 + opened(control - 0x40, rest.get(2..)?), None)),
        [_, ..] => Some((1 + sequence(rest.get(1..)?), None)),
        [] => None,
    }
}

/// `\u0068`, or two of them for a letter beyond the first plane (RFC 8259, 7).
fn letter(text: &[u8]) -> Option<(usize, char)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let first = unit(0)?;
    if let Some(letter) = char::from_u32(first.into()) {
        return Some((6, letter));
    }
    let both = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((12, both))
}

/// The length of a sequence behind its escape (ECMA-48, 5.4 and 8.3; ECMA-35, 13.2).
fn sequence(rest: &[u8]) -> usize {
    match rest.first() {
        Some(begin @ (b'[' | b']' | b'P' | b'X' | b'^' | b'_')) => {
            1 + opened(*begin, rest.get(1..).unwrap_or_default())
        }
        _ => {
            let between = run(rest, 0x20..=0x2F);
            between + usize::from(rest.get(between).is_some_and(|byte| (0x30..=0x7E).contains(byte)))
        }
    }
}

/// The length of what follows the beginning of a control sequence or a string, on its line.
fn opened(begin: u8, rest: &[u8]) -> usize {
    if begin == b'[' {
        let parameters = run(rest, 0x30..=0x3F);
        let between = parameters + run(rest.get(parameters..).unwrap_or_default(), 0x20..=0x2F);
        return between + usize::from(rest.get(between).is_some_and(|byte| (0x40..=0x7E).contains(byte)));
    }
    if !b"]PX^_".contains(&begin) {
        return 0;
    }
    match memchr3(BELL, ESCAPE, b'\n', rest) {
        Some(end) if rest.get(end) == Some(&BELL) => end + 1,
        Some(end) if rest.get(end..end + 2) == Some(&[ESCAPE, b'\\']) => end + 2,
        // Without its end it is none: what follows is seen, or begins one of its own.
        _ => 0,
    }
}

fn run(text: &[u8], of: std::ops::RangeInclusive<u8>) -> usize {
    text.iter().position(|byte| !of.contains(byte)).unwrap_or(text.len())
}

const ESCAPE: u8 = 0x1B;
const BELL: u8 = 0x07;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_gone_and_spelt_letters_stand_there() {
        for (raw, text) in [
            ("a\u{1b}[1;31mb\u{1b}[0m", "ab"),
            ("a\u{1b}]8;;https://x\u{7}b\u{1b}]8;;\u{1b}\\c", "abc"),
            ("a\u{1b}(Bb\u{1b}7c\u{9b}1mé", "abcé"),
            ("a\u{1b}[31\nb", "a\nb"),
            ("a\u{1b}]0;title\nb", "a0;title\nb"),
            ("\\u0068\\ud83d\\ude00\\u001b[1mi", "h😀i"),
            ("\\u0022\\u000a\\ud83d\\u00zz\\u0068", "\\u0022\\u000a\\ud83d\\u00zzh"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(Seen::of(raw.as_bytes()).map(|seen| seen.text), Some(text.as_bytes().to_vec()), "{raw:?}");
        }
        for same in ["", "a\\n\\u12", "aé\u{a0}", "\\u0022"] {
            assert!(Seen::of(same.as_bytes()).is_none(), "{same:?}");
        }
    }

    #[test]
    fn what_is_seen_has_its_place() {
        let raw = "a\u{1b}[1mb\u{1b}[0m\\u0063d";
        let seen = Seen::of(raw.as_bytes()).unwrap();
        let placed = |range: Range<usize>| raw.get(seen.place(&range)).unwrap();
        assert_eq!(seen.text, b"abcd");
        assert_eq!(
            (placed(0..2), placed(1..3), placed(2..3)),
            ("a\u{1b}[1mb\u{1b}[0m", "b\u{1b}[0m\\u0063", "\\u0063")
        );
        assert_eq!((placed(3..4), placed(0..4)), ("d", raw));
    }
}
