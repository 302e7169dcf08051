//! `NAME=value` and `NAME: value`, where the name says that the value is a secret.
//!
//! Names lie more often than prefixes do: in a program most of them hold a variable. So the value must
//! stand there itself, written out, and look like no word.

use std::ops::Range;

use super::assigned::{MOST, Value, assigned, is_name, is_shouted};
use super::placeholder::{distinct, is_placeholder, is_stand_in};
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
    let value = assigned(name, after.get(..MOST).unwrap_or(after))?;
    let says = says(name, before, &value);
    let is_variable = std::str::from_utf8(value.bytes).is_ok_and(is_secret_name)
        && (value.bytes.contains(&b'.') || !(is_shouted(name) && value.tight));
    let stands_in = if says == Says::Certainly { is_stand_in } else { is_placeholder };
    if is_variable || !is_secret(name, &value, says) || stands_in(value.bytes) {
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
        end: match value.stop {
            End::Value if is_shouted(name) && value.tight && is_line_start(before) => End::Blank,
            stop => stop,
        },
    })
}

/// Whether a name ends in what secrets are called: `JWT_SECRET_KEY`, `dbPassword`, `api-key`.
fn is_secret_name(name: &str) -> bool {
    let plain = folded(name);
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    let plain = ["base", "b", "value"].iter().find_map(|end| plain.strip_suffix(end)).unwrap_or(plain);
    KOREAN.iter().any(|end| name.ends_with(end))
        || (SECRET.split(' ').any(|end| plain.ends_with(end)) && !HARMLESS.split(' ').any(|end| plain.ends_with(end)))
}

/// Without capitals and what parts the words of a name.
fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// How strongly what stands around a value says that it is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Nothing else can stand there: `DB_PASSWORD=`, `--password`, a line of settings.
    Certainly,
    /// A member of JSON.
    Member,
    /// In quotes, or at the beginning of a line.
    Likely,
    Perhaps,
}

fn says(name: &str, before: &[u8], value: &Value<'_>) -> Says {
    let (shouted, starts) = (is_shouted(name), is_line_start(before));
    let setting = value.quoted || before.ends_with(b";") || starts;
    let has = |kind: fn(&u8) -> bool| value.bytes.iter().any(kind);
    let is_word = !has(|byte| !byte.is_ascii_lowercase());
    let is_written_out = value.quoted || has(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation());
    let certainly = match () {
        // Prose about an option goes on with a word, and help with what stands for one.
        () if value.is_option && !value.tight && !value.quoted => {
            let stands_for_one = !has(|byte| !byte.is_ascii_uppercase() && *byte != b'_');
            !stands_for_one && (!is_word || (value.ends_line && value.bytes.len() >= 6))
        }
        () if value.is_option => true,
        () if shouted && value.tight => true,
        () if shouted && setting && is_written_out => true,
        () if shouted && starts && name.contains('_') => value.ends_line,
        () => starts && (value.is_block || (value.tight && value.ends_line)),
    };
    match () {
        () if certainly => Says::Certainly,
        () if value.is_member => Says::Member,
        () if setting => Says::Likely,
        () => Says::Perhaps,
    }
}

/// Whether a value looks like a secret, by how strongly its surroundings say so.
fn is_secret(name: &str, value: &Value<'_>, says: Says) -> bool {
    let bytes = value.bytes;
    let has = |kind: fn(&u8) -> bool| bytes.iter().any(kind);
    let (digit, letter) = (has(u8::is_ascii_digit), has(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()));
    let symbol = has(|byte| byte.is_ascii_punctuation() && !b"_-.:/".contains(byte));
    let kinds = [has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), digit, symbol];
    let kinds = kinds.iter().filter(|kind| **kind).count();
    let blank = has(|byte| *byte == b' ');
    if is_path(bytes) || has(u8::is_ascii_control) {
        return false;
    }
    let at_least = |length: usize, different: usize| bytes.len() >= length && distinct(bytes) >= different;
    match says {
        Says::Certainly => {
            let number = !letter && bytes.len() >= 4 && PASSWORD.split(' ').any(|word| folded(name).contains(word));
            at_least(3, 3) && (letter || number) && (!blank || value.quoted)
        }
        _ if blank || !has(u8::is_ascii_alphabetic) => false,
        Says::Member => at_least(6, 4) && (digit || symbol),
        Says::Likely => at_least(6, 5) && kinds >= 2 && (digit || symbol),
        Says::Perhaps => at_least(8, 6) && kinds >= 3 && digit,
    }
}

/// Where a secret lies, not the secret. Random base64 begins with a slash at times, too.
fn is_path(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let is_random =
        value.len() >= 32 && has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    [&b"./"[..], b"../", b"~/"].iter().any(|begin| value.starts_with(begin))
        || (value.starts_with(b"/") && !is_random)
        || value.get(1..3) == Some(b":\\")
        || value.windows(3).any(|part| part == b"://")
}

/// Whether nothing stands before on the line but what may stand before a setting.
fn is_line_start(before: &[u8]) -> bool {
    let from = before.len().saturating_sub(40);
    let line = before.get(from..).unwrap_or_default().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let line = line.trim_start_matches([' ', '\t', '-', '#', '>', '*', '"', '\'', '`', '$']);
    ["", "export ", "set ", "env:", "ENV ", "ARG "].contains(&line)
}

fn back(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(MAX_NAME);
    let before = text.get(from..at).unwrap_or_default();
    before.iter().rposition(|byte| !is_name(byte)).map_or(from, |last| from + last + 1)
}

fn forth(text: &[u8], at: usize) -> usize {
    let after = text.get(at..).unwrap_or_default().iter().take(MAX_NAME);
    at + after.take_while(|byte| is_name(byte)).count()
}

/// What the names of secrets end in, written together and small.
const SECRET: &str = "password passwd passphrase pwd pass secret secrets token credential credentials apikey secretkey accesskey \
    privatekey signingkey encryptionkey authkey masterkey accountkey sharedkey storagekey sessionkey hmackey \
    jwtkey subscriptionkey";
/// Whose values may be numbers.
const PASSWORD: &str = "passw passphrase pwd";
/// The same in Korean, where one word stands alone.
const KOREAN: &[&str] = &["비밀번호", "패스워드"];

/// What ends like a secret's name and is none: against forgery of requests, or places in a list.
const HARMLESS: &str = "csrftoken xsrftoken nexttoken pagetoken continuationtoken cancellationtoken canceltoken publickeytoken \
    synctoken starttoken resumetoken idempotencytoken locktoken clienttoken requesttoken changetoken updatetoken \
    forwardtoken backwardtoken actiontoken oldpwd bypass compass multipass renderpass";
const MAX_NAME: usize = 64;
const MAX_SHOWN: usize = 40;
