//! Private keys as text: between their two lines, or the body alone where one of them is gone.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;
use regex::bytes::Regex;

use super::placeholder::distinct;
use super::{End, Match};

/// RFC 7468, and the like of OpenSSH, PGP (RFC 9580) and ssh.com: the words of either line. One alone is how
/// people speak of keys, so a body must stand there.
pub(super) fn look(text: &[u8], words: &Range<usize>) -> Option<Match> {
    let before = text.get(words.start.saturating_sub(MAX_LABEL)..words.start)?;
    let before = before.rsplit(|byte| *byte == b'\n').next()?;
    let label = |word: &[u8]| before.windows(word.len()).rposition(|part| part == word);
    match (label(b"BEGIN"), label(b"END")) {
        (Some(begin), _) => begun(text, words, before, begin),
        (None, Some(end)) => ended(text, words, words.start - before.len() + end),
        (None, None) => None,
    }
}

fn begun(text: &[u8], words: &Range<usize>, before: &[u8], begin: usize) -> Option<Match> {
    let after = text.get(words.end..)?;
    let after = after.get(..MOST).unwrap_or(after);
    let header = header(after)?;
    let body = after.get(header.len()..)?;
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let body = body.get(..body.iter().position(|byte| !is_text(byte)).unwrap_or(body.len()))?;
    body.split(|byte| !is_base64(byte)).find(|line| is_line(line))?;
    let dashes = before.get(..begin)?.iter().rev().take_while(|byte| **byte == b'-').count();
    let start = words.start - before.len() + begin - dashes;
    let place = words.start..words.end + header.len();
    Some(key(place.clone(), start..place.end, "BEGIN … PRIVATE KEY", End::Key))
}

/// The end of a key whose beginning is not there: the lines before it are the body.
fn ended(text: &[u8], words: &Range<usize>, label: usize) -> Option<Match> {
    let header = header(text.get(words.end..)?)?;
    let before = text.get(label.saturating_sub(MAX_BODY)..label)?;
    let before = before.get(..before.len() - before.iter().rev().take_while(|byte| **byte == b'-').count())?;
    let is_body = |byte: &u8| is_base64(byte) || byte.is_ascii_whitespace() || *byte == b'\\';
    let from = before.iter().rposition(|byte| !is_body(byte)).map_or(0, |last| last + 1);
    let (above, body) = before.split_at_checked(from)?;
    let mut at = 0;
    let mut lines = body.split(|byte| !is_base64(byte)).map(|line| {
        at += line.len() + 1;
        (at - line.len() - 1, line)
    });
    let (first, _) = lines.find(|(_, line)| is_line(line)).filter(|_| !has_begun(above))?;
    let start = label.saturating_sub(MAX_BODY) + from + first;
    let place = label..words.end + header.len();
    Some(key(place.clone(), start..place.end, "END … PRIVATE KEY", End::Body))
}

/// Whether the line above that speaks of a key begins one.
fn has_begun(above: &[u8]) -> bool {
    let above = above.get(above.len().saturating_sub(MOST)..).unwrap_or_default();
    memmem::rfind(above, b"PRIVATE KEY").is_some_and(|at| {
        let label = above.get(at.saturating_sub(MAX_LABEL)..at).unwrap_or_default();
        memmem::rfind(label, b"BEGIN") > memmem::rfind(label, b"END")
    })
}

/// How the body of a key begins, in base64: what DER and OpenSSH write in front of every key of a kind.
pub(super) const BODIES: &[&str] = &["b3BlbnNzaC1rZXktdjE", "MII", "MIG", "MHcCAQEE", "MC4CAQAwBQYDK2V"];

/// RFC 8017 (A.1.2), 5915, 5958 (also encrypted, with PBES2) and 7292, and OpenSSH's PROTOCOL.key.
static BODY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let parts = [
        "b3BlbnNzaC1rZXktdjE",
        "MII[A-P][A-Za-z0-9+/][AQgw]IB(?:AAKC|ADANBgkq|AzCC)",
        "MII[A-P][A-Za-z0-9+/]{4}BgkqhkiG9w0BBQ",
        "MIG[A-Za-z0-9+/]AgE(?:AMB[AM]GByqGSM49|BBD)",
        "MHcCAQEE",
        "MC4CAQAwBQYDK2V[uw]BCIE",
    ];
    Regex::new(&format!(r"\A(?-u:(?:{})[A-Za-z0-9+/=]{{20}})", parts.join("|"))).ok()
});

/// A body that stands alone.
pub(super) fn body_alone(text: &[u8], literal: &Range<usize>) -> Option<Match> {
    let rest = text.get(literal.start..)?;
    let found = BODY.as_ref()?.find(rest.get(..MOST).unwrap_or(rest))?;
    let place = literal.start..literal.start + found.end();
    let random = distinct(found.as_bytes()) >= MIN_DISTINCT && !has_begun(text.get(..literal.start)?);
    random.then(|| key(place.clone(), place, "the body of a private key", End::Body))
}

pub(super) fn putty(text: &[u8], literal: &Range<usize>) -> Option<Match> {
    let Some([version, b':', b' ', name]) = text.get(literal.end..literal.end + 4) else { return None };
    let place = literal.start..literal.end + 4;
    let is_header = version.is_ascii_digit() && name.is_ascii_alphabetic();
    is_header.then(|| key(place.clone(), place, "PuTTY-User-Key-File", End::Putty))
}

fn key(place: Range<usize>, secret: Range<usize>, preview: &str, end: End) -> Match {
    Match { place, kind: "private key", preview: preview.to_owned(), named: false, secret, end }
}

/// The length of a private key behind its header: the next line that speaks of one has to be its end. Where
/// lines of a body follow even so, it was none, and they belong to the key.
pub(super) fn length(rest: &[u8]) -> Option<usize> {
    let words = memmem::find(rest, b"PRIVATE KEY")?;
    let before = rest.get(words.saturating_sub(MAX_LABEL)..words)?;
    let label = before.windows(3).rposition(|part| part == b"END")?;
    let after = rest.get(words + b"PRIVATE KEY".len()..)?;
    let is_line = !before.get(label..)?.contains(&b'\n');
    let header = header(after)?.len();
    is_line.then_some(words + b"PRIVATE KEY".len() + header + body(after.get(header..)?))
}

/// The length of the lines of base64 that follow; the last may be a short one.
pub(super) fn body(rest: &[u8]) -> usize {
    // What is left of the line this begins in.
    let mut end = base64_run(rest);
    let mut at = end;
    loop {
        let blank = separator(rest.get(at..).unwrap_or_default());
        let length = base64_run(rest.get(at + blank..).unwrap_or_default());
        let line = rest.get(at + blank..at + blank + length).unwrap_or_default();
        let after = rest.get(at + blank + length..).unwrap_or_default();
        let is_whole = after.is_empty() || separator(after) > 0 || after.starts_with(b"\"") || after.starts_with(b"-");
        let is_last = !is_line(line) && end > 0 && length > 0 && is_whole;
        if blank == 0 || !(is_line(line) || is_last) {
            return end;
        }
        at += blank + length;
        end = at;
        if is_last {
            return end;
        }
    }
}

/// Line ends and blanks, also as JSON and shells write them.
fn separator(rest: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += match rest.get(at..).unwrap_or_default() {
            [b'\\', b'n' | b'r', ..] => 2,
            [byte, ..] if byte.is_ascii_whitespace() => 1,
            _ => return at,
        };
    }
}

fn base64_run(text: &[u8]) -> usize {
    text.iter().position(|byte| !is_base64(byte)).unwrap_or(text.len())
}

fn is_line(line: &[u8]) -> bool {
    line.len() >= MIN_LINE && distinct(line) >= MIN_DISTINCT
}

/// What follows the words of a key's line, to its end.
fn header(after: &[u8]) -> Option<&'static [u8]> {
    [&b"-----"[..], b" BLOCK-----", b" ----"].into_iter().find(|end| after.starts_with(end))
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(byte)
}

/// The headers of a key with one line of its body.
const MOST: usize = 512;
/// `END OPENSSH `, `END SSH2 ENCRYPTED ` and the like.
const MAX_LABEL: usize = 40;
/// The body of the longest key anybody uses.
const MAX_BODY: usize = 64 << 10;
/// A shorter run of base64 is no line of a private key.
const MIN_LINE: usize = 40;
/// Different characters in what is random.
const MIN_DISTINCT: usize = 7;

#[cfg(test)]
mod tests {
    use crate::evidence::secrets::{find, redact};

    const LINE: &str = "q7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wd";

    fn line(word: &str) -> String {
        format!("-----{word} PRIVATE KEY-----")
    }

    fn redacted(text: &str) -> String {
        String::from_utf8(redact(text.as_bytes()).unwrap().bytes).unwrap()
    }

    #[test]
    fn a_body_without_its_first_line_is_a_key() {
        let mark = "[REDACTED:private-key]";
        for begin in [
            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB",
            "MIIEpAIBAAKCAQEA7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Zr2Lx9Vb4Tn8",
            "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI7Zr2Lx9Vb4Tn8Wdq",
            "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7Zr2Lx9Vb4Tn8Wdq",
            "MHcCAQEEIIZr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9",
            "MC4CAQAwBQYDK2VwBCIEIIZr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4Tn8Wdq7Zr2Lx9Vb4T",
        ] {
            let text = format!("a\n{begin}\n{LINE}\nshort==\nmore text\n");
            assert_eq!(find(text.as_bytes()).len(), 1, "{begin}");
            assert_eq!(redacted(&text), format!("a\n{mark}\n{mark}\n{mark}\nmore text\n"));
            let whole = format!("{}\n{begin}\n{LINE}\n{}\n", line("BEGIN"), line("END"));
            assert_eq!((find(whole.as_bytes()).len(), redact(whole.as_bytes()).unwrap().marks.len()), (1, 1));
        }
        // A certificate and a public key begin otherwise.
        for no in
            ["MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA7Zr2Lx9V"]
        {
            assert_eq!(find(format!("{no}\n{LINE}\n").as_bytes()), [], "{no}");
        }
    }

    #[test]
    fn an_end_without_its_beginning_and_a_false_end_hide_nothing() {
        let (begin, end, mark) = (line("BEGIN"), line("END"), "[REDACTED:private-key]");
        let text = format!("see\n{LINE}\n{LINE}\n{end}\nb\n");
        assert_eq!(find(text.as_bytes())[0].line, 4);
        assert_eq!(redacted(&text), format!("see\n{mark}\n{mark}\n{mark}\nb\n"));
        let text = format!("{begin}\n{LINE}\n{end}\n{LINE}\n{LINE}\nabcd==\nb c\n");
        assert_eq!(redacted(&text), format!("{}b c\n", format!("{mark}\n").repeat(6)));
        let text = format!("{begin}\n{LINE}\n{end}\n{LINE}\n{end}\nb\n");
        assert_eq!(redacted(&text), format!("{}b\n", format!("{mark}\n").repeat(5)));
        assert_eq!(find(format!("{begin}\n{LINE}\n{end}\n").as_bytes()).len(), 1);
        assert_eq!(find(format!("grep {end}\nwords of a text\n{end}\n").as_bytes()), []);
    }
}
