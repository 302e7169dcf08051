//! Secrets masked in bytes that are to be kept: each becomes `[REDACTED:rule]`, and lines stay lines.
//!
//! A rule looks no further than it must to tell a secret; what is masked goes to the secret's end. What is
//! left is looked through again, so nothing is kept of which a part may have stayed.

use std::ops::Range;

use memchr::memmem;

use super::keys;
use super::rules::candidates;
use super::seen::Seen;
use super::{End, Match, find};
use crate::evidence::text;

/// Bytes without their secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    pub bytes: Vec<u8>,
    /// What was masked, in the order of the text.
    pub marks: Vec<Mark>,
}

/// One secret that is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// First and last line, from 1.
    pub lines: (usize, usize),
    /// What it looked like, in words.
    pub kind: &'static str,
}

impl Mark {
    /// The kind as the mark names it: `github-token`.
    pub fn rule(&self) -> String {
        rule(self.kind)
    }
}

/// Why bytes cannot be kept without their secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmasked {
    #[error("it is no text, and would not be the same file with a mark in it")]
    NoText,
    #[error("the private key that begins at line {0} has no end")]
    NoEnd(usize),
    #[error("with its secrets masked, line {0} still looks like one")]
    Left(usize),
}

/// The same bytes with every secret masked, in their own encoding.
pub fn redact(bytes: &[u8]) -> Result<Redacted, Unmasked> {
    let mut told = Ok(Vec::new());
    let masked = text::rewrite(bytes, |text| match spans(text) {
        Ok(spans) => {
            told = Ok(marks(text, &spans));
            mask(text, &spans)
        }
        Err(why) => {
            told = Err(why);
            Vec::new()
        }
    });
    let marks = told?;
    // Half a letter of CP949 must not be left over.
    let bytes = masked.filter(|bytes| text::decode_local(bytes).is_some()).ok_or(Unmasked::NoText)?;
    match find(&bytes).first() {
        Some(left) => Err(Unmasked::Left(left.line)),
        None => Ok(Redacted { bytes, marks }),
    }
}

/// Bytes nobody may read, and what they look like.
struct Span {
    place: Range<usize>,
    kind: &'static str,
}

/// Every secret of a text as it is and as it is seen; those that overlap are one.
fn spans(text: &[u8]) -> Result<Vec<Span>, Unmasked> {
    let mut spans = spans_once(text)?;
    let Some(seen) = Seen::of(text) else { return Ok(spans) };
    spans.extend(spans_once(&seen.text)?.into_iter().map(|span| Span { place: seen.place(&span.place), ..span }));
    spans.sort_by_key(|span| span.place.start);
    spans.dedup_by(|next, last| {
        let overlap = next.place.start < last.place.end;
        last.place.end = if overlap { last.place.end.max(next.place.end) } else { last.place.end };
        overlap
    });
    Ok(spans)
}

/// Every secret to its end.
fn spans_once(text: &[u8]) -> Result<Vec<Span>, Unmasked> {
    let mut found: Vec<Match> = candidates(text).filter_map(|candidate| candidate.look(text)).collect();
    found.sort_by_key(|found| found.secret.start);
    let mut spans: Vec<Span> = Vec::new();
    for Match { secret, kind, named, end, .. } in found {
        let last = spans.last_mut().filter(|last| secret.start < last.place.end);
        // Never back to what was walked through already, so the time stays linear.
        let from = last.as_ref().map_or(secret.end, |last| last.place.end.max(secret.end));
        let is_inside = last.is_some() && matches!(end, End::Key | End::Putty) && from > secret.end;
        let stop = if is_inside { Some(from) } else { end_of(text, from, end) };
        let stop = stop.ok_or_else(|| Unmasked::NoEnd(line_of(text, secret.start)))?;
        match last {
            Some(last) => {
                last.place.end = stop;
                if !named {
                    last.kind = kind;
                }
            }
            None => spans.push(Span { place: secret.start..stop, kind }),
        }
    }
    Ok(spans)
}

/// Where a secret ends that is known up to `from`.
fn end_of(text: &[u8], from: usize, end: End) -> Option<usize> {
    let rest = text.get(from..).unwrap_or_default();
    let until = |stops: fn(&u8) -> bool| Some(from + rest.iter().position(stops).unwrap_or(rest.len()));
    match end {
        End::Here => Some(from),
        End::Token => until(|byte| !byte.is_ascii_alphanumeric() && !b"_-.+/=~%".contains(byte)),
        End::Blank => until(u8::is_ascii_whitespace),
        End::Value => until(|byte| byte.is_ascii_whitespace() || b"\"'`\\<|;&".contains(byte)),
        End::Quote(quote) => Some(from + quoted(rest, quote)),
        End::Key => Some(from + keys::length(rest)?),
        End::Body => Some(from + keys::body(rest)),
        End::Block => Some(from + block(rest)),
        End::Putty => {
            let mac = memmem::find(rest, b"Private-MAC:").or_else(|| memmem::find(rest, b"Private-Hash:"))?;
            let line = rest.get(mac..)?.iter().position(|byte| b"\r\n".contains(byte));
            Some(line.map_or(text.len(), |length| from + mac + length))
        }
    }
}

/// The length of what stands before a closing quote, on one line.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    let closes = |byte: &u8| {
        let closes = !escaped && *byte == quote;
        escaped = !escaped && *byte == b'\\';
        closes || b"\r\n".contains(byte)
    };
    rest.iter().position(closes).unwrap_or(rest.len())
}

/// The length of what stands on this line and on those indented below it.
fn block(rest: &[u8]) -> usize {
    let lines = rest.split_inclusive(|byte| *byte == b'\n').enumerate();
    let inside = lines.take_while(|(index, line)| *index == 0 || line.first().is_some_and(u8::is_ascii_whitespace));
    inside.map(|(_, line)| line.len()).sum()
}

fn mask(text: &[u8], spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for Span { place, kind } in spans {
        out.extend_from_slice(text.get(at..place.start).unwrap_or_default());
        let mark = format!("[REDACTED:{}]", rule(kind));
        let secret = text.get(place.clone()).unwrap_or_default();
        for piece in secret.split_inclusive(|byte| b"\r\n".contains(byte)) {
            let line = piece.trim_ascii_end();
            out.extend_from_slice(if line.is_empty() { b"" } else { mark.as_bytes() });
            out.extend(piece.last().filter(|byte| b"\r\n".contains(byte)));
        }
        at = place.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

fn marks(text: &[u8], spans: &[Span]) -> Vec<Mark> {
    let (mut line, mut at) = (1, 0);
    let mut line_at = |place: usize| {
        line += memchr::memchr_iter(b'\n', text.get(at..place).unwrap_or_default()).count();
        at = place;
        line
    };
    spans
        .iter()
        .map(|span| Mark { lines: (line_at(span.place.start), line_at(span.place.end)), kind: span.kind })
        .collect()
}

fn line_of(text: &[u8], at: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', text.get(..at).unwrap_or_default()).count()
}

fn rule(kind: &str) -> String {
    kind.to_ascii_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = concat!("Zx81k", "Qp47w", "Lm20t");
    const BODY: &str = "q7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wd";

    fn redacted(text: &str) -> String {
        String::from_utf8(redact(text.as_bytes()).unwrap().bytes).unwrap()
    }

    #[test]
    fn every_secret_is_masked_to_its_end_and_nothing_beside_it() {
        let named = "[REDACTED:secret-by-its-name]";
        for (text, expected) in [
            ("DB_PASSWORD=§\r\nb\n", "DB_PASSWORD=◆\r\nb\n"),
            ("DB_PASSWORD=§,more;&x(y b\n", "DB_PASSWORD=◆ b\n"),
            ("{\"password\": \"§\\\"(tail\", \"b\": 1}", "{\"password\": \"◆\", \"b\": 1}"),
            ("{\\\"token\\\": \\\"§\\\", \\\"b\\\": 1}", "{\\\"token\\\": \\\"◆\\\", \\\"b\\\": 1}"),
            ("Server=a;Password=§,x;Encrypt=true", "Server=a;Password=◆;Encrypt=true"),
            ("<password>§</password>", "<password>◆</password>"),
            ("| DB_PASSWORD | § | b |", "| DB_PASSWORD | ◆ | b |"),
            ("tool --password § --fast", "tool --password ◆ --fast"),
            ("비밀번호: § 끝", "비밀번호: ◆ 끝"),
            ("postgresql://app:§@db:5432/x", "postgresql://app:[REDACTED:password-in-a-url]@db:5432/x"),
            ("{\"auth\": \"a2ltOlMzY3JldFEh\", \"b\": 1}", "{\"auth\": \"[REDACTED:password-in-a-header]\", \"b\": 1}"),
            ("TOKEN=ghp_q7Zr2Lx9Vb4Tn8Wd3Kf6Hs1Jm5Pc0YgAeUoi", "TOKEN=[REDACTED:github-token]"),
            ("H: Bearer q7Zr2Lx9Vb4Tn8Wd3Kf6.Hs1Jm5Pc-0YgAeUoi==, b", "H: [REDACTED:bearer-token], b"),
        ] {
            let (text, expected) = (text.replace('§', VALUE), expected.replace('◆', named));
            assert_eq!(redacted(&text), expected, "{text}");
        }
        assert_eq!(redacted("nothing\n"), "nothing\n");
    }

    #[test]
    fn a_private_key_goes_line_by_line_to_its_end() {
        let key = |kind: &str, word: &str| format!("-----{word} {kind}PRIVATE KEY-----");
        let text =
            format!("a\r\n  {}\r\nProc-Type: 4\r\n\r\n{BODY}\r\n{} b\r\nc", key("RSA ", "BEGIN"), key("RSA ", "END"));
        let mark = "[REDACTED:private-key]";
        let found = redact(text.as_bytes()).unwrap();
        assert_eq!(found.bytes, format!("a\r\n  {mark}\r\n{mark}\r\n\r\n{mark}\r\n{mark} b\r\nc").as_bytes());
        assert_eq!(found.marks, [Mark { lines: (2, 6), kind: "private key" }]);
        let json = format!("{{\"key\": \"{}\\n{BODY}\\n{}\\n\"}}", key("", "BEGIN"), key("", "END"));
        assert_eq!(redacted(&json), format!("{{\"key\": \"{mark}\\n\"}}"));
        let putty = format!("PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{BODY}\nPrivate-MAC: 00\nb\n");
        assert_eq!(redacted(&putty), format!("{mark}\n{mark}\n{mark}\n{mark}\nb\n"));
        for endless in [
            format!("a\n{}\n{BODY}\n", key("", "BEGIN")),
            format!("a\n{0}\n{BODY}\n{0}\n{BODY}\n{1}\n", key("", "BEGIN"), key("", "END")),
            format!("a\nPuTTY-User-Key-File-3: ssh-ed25519\n{BODY}\n"),
        ] {
            assert_eq!(redact(endless.as_bytes()), Err(Unmasked::NoEnd(2)), "{endless}");
        }
    }

    #[test]
    fn the_encoding_stays_and_what_is_no_text_is_refused() {
        let (text, masked) = (format!("빌드\nX_TOKEN={VALUE}\n끝"), "빌드\nX_TOKEN=[REDACTED:secret-by-its-name]\n끝");
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            for mark in ["", "\u{feff}"] {
                let utf16 = |text: &str| -> Vec<u8> { format!("{mark}{text}").encode_utf16().flat_map(unit).collect() };
                assert_eq!(redact(&utf16(&text)).unwrap().bytes, utf16(masked));
            }
        }
        let cp949 = |value: &str| [b"\xBA\xF4\xB5\xE5\nX_TOKEN=", value.as_bytes(), b"\n\xBA\xF4"].concat();
        assert_eq!(redact(&cp949(VALUE)).unwrap().bytes, cp949("[REDACTED:secret-by-its-name]"));
        // Nobody could read it back as UTF-16 with a mark among its bytes.
        let odd =
            format!("{}\nX\0_\0T\0O\0K\0E\0N\0=\0{}\0", "a".repeat(999), VALUE.replace("", "\0").trim_matches('\0'));
        assert_eq!(redact(odd.as_bytes()), Err(Unmasked::Left(2)));
        assert_eq!(redact(&[b"\x7fELF\xff\xfe\0X_TOKEN=", VALUE.as_bytes()].concat()), Err(Unmasked::NoText));
    }

    #[test]
    fn every_mark_is_counted_at_its_lines_and_none_is_found_again() {
        let many = format!("X_TOKEN={VALUE} Y_TOKEN={VALUE}\n").repeat(1_000);
        let found = redact(many.as_bytes()).unwrap();
        assert_eq!((found.marks.len(), found.marks[1_999].lines), (2_000, (1_000, 1_000)));
        assert_eq!(found.marks[0].rule(), "secret-by-its-name");
        assert_eq!(redact(&found.bytes).unwrap(), Redacted { marks: Vec::new(), ..found });
    }

    #[test]
    fn time_is_linear_whatever_the_text() {
        for unit in [
            format!("X_TOKEN={VALUE},"),
            format!("X_TOKEN=\"{VALUE}\\"),
            "ghp_q7Zr2Lx9Vb4Tn8Wd3Kf6Hs1Jm5Pc0YgAeUoi".to_owned(),
            format!("-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n"),
            format!("-----BEGIN PRIVATE KEY-----\n{BODY}\n"),
            "://a:bcdefgh1@c".to_owned(),
        ] {
            let text = unit.repeat(200_000 / unit.len());
            if let Ok(found) = redact(text.as_bytes()) {
                assert_eq!(find(&found.bytes), [], "{unit}");
            }
        }
    }
}
