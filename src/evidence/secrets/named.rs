//! `NAME=value` and `NAME: value`, where the name says that the value is a secret.
//!
//! Names lie more often than prefixes do: in a program most of them hold a variable. So the value must
//! stand there itself, written out, and look like no word.

use std::ops::Range;

use super::placeholder::{distinct, is_placeholder};
use super::{End, Match};

/// The assignment around a part of a name.
pub(super) fn look(text: &[u8], literal: &Range<usize>) -> Option<Match> {
    let (start, end) = (back(text, literal.start), forth(text, literal.end));
    if end - start > MAX_NAME {
        return None;
    }
    let name = std::str::from_utf8(text.get(start..end)?).ok()?;
    let (before, after) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    // `arn:aws:secretsmanager:…:secret:name` and `AWS::IAM::AccessKey` are names of things.
    let is_part = before.ends_with(b"::") || (before.ends_with(b":") && after.starts_with(b":"));
    if !is_secret_name(name) || is_part {
        return None;
    }
    let value = assigned(name, after.get(..MAX_VALUE + MAX_BLANKS).unwrap_or(after))?;
    let shouted = !name.contains(|c: char| c.is_ascii_lowercase()) && value.tight;
    let setting = value.quoted || before.ends_with(b";") || is_line_start(before);
    // A variable is called like what it holds.
    let variable = || std::str::from_utf8(value.bytes).is_ok_and(is_secret_name) && !shouted;
    if !is_secret(value.bytes, shouted, setting) || variable() || is_placeholder(value.bytes) {
        return None;
    }
    let shown: String = name.chars().take(MAX_SHOWN).collect();
    let stop = end + value.end;
    Some(Match {
        place: start..stop,
        kind: "secret by its name",
        preview: format!("{shown}=…"),
        named: true,
        secret: stop - value.bytes.len()..stop,
        // Nothing parts values in an environment file but line ends.
        end: if value.stop == End::Value && shouted && is_line_start(before) { End::Blank } else { value.stop },
    })
}

/// Whether a name ends in what secrets are called: `JWT_SECRET_KEY`, `dbPassword`, `api-key`.
fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    let plain = ["base", "b", "value"].iter().find_map(|end| plain.strip_suffix(end)).unwrap_or(plain);
    KOREAN.iter().any(|end| name.ends_with(end))
        || (SECRET.split(' ').any(|end| plain.ends_with(end)) && !HARMLESS.split(' ').any(|end| plain.ends_with(end)))
}

/// What is assigned, and how it is written.
struct Value<'t> {
    bytes: &'t [u8],
    quoted: bool,
    /// An equals sign without blanks, as in an environment file.
    tight: bool,
    /// Where it ends, from the end of its name.
    end: usize,
    /// How far a part behind it may belong to it.
    stop: End,
}

/// The value behind a name: after `=`, `:`, `:=`, `=>`, a column's `|`, the `>` of an element, or the blank
/// behind `--password`.
fn assigned<'t>(name: &str, after: &'t [u8]) -> Option<Value<'t>> {
    let mut at = 0;
    let mut skip = |wanted: &[u8], most: usize| {
        let rest = after.get(at..).unwrap_or_default();
        let count = rest.iter().take(most).take_while(|byte| wanted.contains(byte)).count();
        at += count;
        rest.get(..count).unwrap_or_default()
    };
    // The name's own closing quote or mark; of JSON inside JSON too.
    skip(b"\\", 3);
    skip(b"\"'`]*", 3);
    let before = skip(b" \t", MAX_BLANKS / 4);
    let sign = skip(b":=>|", 3);
    let behind = skip(b" \t", MAX_BLANKS / 4);
    let escapes = skip(b"\\", 3);
    let quote = skip(b"\"'`", 1).first().copied();
    let option = sign.is_empty() && name.starts_with("--") && !before.is_empty();
    if !option && !matches!(sign, b"=" | b":" | b":=" | b"=>" | b"|" | b">") {
        return None;
    }
    let rest = after.get(at..)?;
    let ends = |byte: &u8| match quote {
        _ if byte.is_ascii_alphanumeric() => false,
        Some(quote) => *byte == quote || b"\\\n\r".contains(byte),
        None => byte.is_ascii_whitespace() || b"\"'`,;&|<>()[]{}\\".contains(byte),
    };
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    // The longest are no values, and would be looked at again from every name inside them.
    let (bytes, next) = rest.split_at_checked(length).filter(|_| length <= MAX_VALUE)?;
    let plausible = match quote {
        Some(quote) => next.first().is_some_and(|byte| *byte == quote || *byte == b'\\'),
        None if sign == b">" => next.starts_with(b"</"),
        None => !is_code(bytes, next),
    };
    let tight = sign == b"=" && before.is_empty() && behind.is_empty();
    let stop = match quote {
        // Of JSON inside JSON: a backslash stands before the closing quote.
        Some(_) if !escapes.is_empty() => End::Here,
        Some(quote) => End::Quote(quote),
        None if sign == b">" => End::Here,
        None => End::Value,
    };
    plausible.then_some(Value { bytes, quoted: quote.is_some(), tight, end: at + length, stop })
}

/// A call, an index, a type before its value, a path of names, a number: a program's.
fn is_code(value: &[u8], next: &[u8]) -> bool {
    let is_path =
        value.windows(2).any(|pair| pair == b"::") || value.split(|byte| *byte == b'.').skip(1).any(is_identifier);
    let is_number = value.strip_prefix(b"-").unwrap_or(value).starts_with(b"0x");
    is_path
        || is_number
        || next.starts_with(b"<")
        || next.trim_ascii_start().starts_with(b"=")
        || next.first().is_some_and(|byte| b"([{>".contains(byte))
}

/// Whether a value looks like a secret, by how strongly its surroundings say so.
fn is_secret(value: &[u8], shouted: bool, setting: bool) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let digit = has(u8::is_ascii_digit);
    let symbol = has(|byte| byte.is_ascii_punctuation() && !b"_-.:/".contains(byte));
    let kinds = [has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), digit, symbol];
    let kinds = kinds.iter().filter(|kind| **kind).count();
    let is_path = [&b"/"[..], b"./", b"../", b"~/"].iter().any(|begin| value.starts_with(begin))
        || value.get(1..3) == Some(b":\\")
        || value.windows(3).any(|part| part == b"://");
    if is_path || !has(u8::is_ascii_alphabetic) || has(|byte| byte.is_ascii_control() || *byte == b' ') {
        return false;
    }
    match (shouted, setting) {
        (true, _) => value.len() >= 6 && distinct(value) >= 4,
        (false, true) => value.len() >= 8 && distinct(value) >= 6 && kinds >= 2 && (digit || symbol),
        (false, false) => value.len() >= 8 && distinct(value) >= 6 && kinds >= 3 && digit,
    }
}

/// Whether nothing stands before on the line but what may stand before a setting.
fn is_line_start(before: &[u8]) -> bool {
    let from = before.len().saturating_sub(40);
    let line = before.get(from..).unwrap_or_default().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let line = line.trim_start_matches([' ', '\t', '-', '#', '>', '*', '"', '\'', '`', '$']);
    ["", "export ", "set ", "env:", "ENV ", "ARG "].contains(&line)
}

fn is_identifier(word: &[u8]) -> bool {
    let begins = word.first().is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    begins && word.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

fn back(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(MAX_NAME);
    let before = text.get(from..at).unwrap_or_default();
    before.iter().rposition(|byte| !is_name(*byte)).map_or(from, |last| from + last + 1)
}

fn forth(text: &[u8], at: usize) -> usize {
    let after = text.get(at..).unwrap_or_default().iter().take(MAX_NAME);
    at + after.take_while(|byte| is_name(**byte)).count()
}

/// What the names of secrets end in, written together and small.
const SECRET: &str = "password passwd passphrase pwd pass secret secrets token credential credentials apikey secretkey accesskey \
    privatekey signingkey encryptionkey authkey masterkey accountkey sharedkey storagekey sessionkey hmackey \
    jwtkey subscriptionkey";
/// The same in Korean, where one word stands alone.
const KOREAN: &[&str] = &["비밀번호", "패스워드"];

/// What ends like a secret's name and is none: against forgery of requests, or places in a list.
const HARMLESS: &str = "csrftoken xsrftoken nexttoken pagetoken continuationtoken cancellationtoken canceltoken publickeytoken \
    synctoken starttoken resumetoken idempotencytoken locktoken clienttoken requesttoken changetoken updatetoken \
    forwardtoken backwardtoken actiontoken oldpwd bypass compass multipass renderpass";
const MAX_NAME: usize = 64;
/// Longer is a document.
const MAX_VALUE: usize = 256;
const MAX_SHOWN: usize = 40;
/// Between a name and its value, columns and all.
const MAX_BLANKS: usize = 100;
