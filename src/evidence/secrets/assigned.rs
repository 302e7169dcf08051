//! What is assigned to a name, in the manner of shells, settings, programs, tables and documents.

use super::End;

/// What is assigned, and how it is written.
pub(super) struct Value<'t> {
    pub bytes: &'t [u8],
    pub quoted: bool,
    /// An equals sign without blanks, as in an environment file.
    pub tight: bool,
    /// Behind `--password`, after a blank or an equals sign.
    pub is_option: bool,
    /// A text whose name is a text, as in JSON.
    pub is_member: bool,
    /// A block of YAML, on the lines below its name.
    pub is_block: bool,
    /// Nothing stands behind it on its line.
    pub ends_line: bool,
    /// Where it ends, from the end of its name.
    pub end: usize,
    /// How far a part behind it may belong to it.
    pub stop: End,
}

/// The value behind a name: after `=`, `:`, `:=`, `=>`, a column's `|`, the `>` of an element, or the blank
/// behind `--password`.
pub(super) fn assigned<'t>(name: &str, after: &'t [u8]) -> Option<Value<'t>> {
    let mut reader = Reader { text: after, at: 0 };
    // The name's own closing quote or mark; of JSON inside JSON too.
    reader.skip(b"\\", 3);
    let closed = reader.skip(b"\"'`]*", 3);
    let before = reader.skip(BLANKS, MAX_BLANKS / 4);
    let sign = reader.skip(b":=>|", 3);
    let behind = reader.skip(BLANKS, MAX_BLANKS / 4);
    let is_option =
        name.starts_with('-') && closed.is_empty() && (sign.is_empty() && !before.is_empty() || sign == b"=");
    if !is_option && !matches!(sign, b"=" | b":" | b":=" | b"=>" | b"|" | b">") {
        return None;
    }
    let tight = sign == b"=" && before.is_empty() && behind.is_empty();
    let start = reader.at;
    if let Some(value) = (sign == b":").then(|| block(after, start)).flatten() {
        return Some(value);
    }
    let escapes = reader.skip(b"\\", 3);
    let quote = reader.skip(b"\"'`", 1).first().copied();
    let (bytes, next) = match quote {
        None if tight && is_shouted(name) => reader.setting()?,
        quote => reader.value(quote)?,
    };
    let plausible = match quote {
        Some(quote) => next.first().is_some_and(|byte| *byte == quote || *byte == b'\\'),
        None if sign == b">" => next.starts_with(b"</"),
        None if tight && is_shouted(name) => !next.starts_with(b"("),
        None => !is_code(bytes, next),
    };
    let stop = match quote {
        // Of JSON inside JSON: a backslash stands before the closing quote.
        Some(_) if !escapes.is_empty() => End::Here,
        Some(quote) => End::Quote(quote),
        None if sign == b">" => End::Here,
        None => End::Value,
    };
    let rest = next.get(usize::from(quote.is_some())..).unwrap_or_default();
    plausible.then_some(Value {
        bytes,
        quoted: quote.is_some(),
        tight,
        is_option,
        is_member: sign == b":" && quote.is_some() && closed.iter().any(|byte| b"\"'".contains(byte)),
        is_block: false,
        ends_line: rest.iter().find(|byte| !BLANKS.contains(byte)).is_none_or(|byte| b"\r\n".contains(byte)),
        end: reader.at + bytes.len(),
        stop,
    })
}

/// Whether a name is written as environments write them.
pub(super) fn is_shouted(name: &str) -> bool {
    !name.contains(|c: char| c.is_ascii_lowercase())
}

/// `password: |` (or `>-` and the like), and the value on the line below (YAML 1.2, 8.1).
fn block(after: &[u8], at: usize) -> Option<Value<'_>> {
    let rest = after.get(at..)?.strip_prefix(b"|").or_else(|| after.get(at..)?.strip_prefix(b">"))?;
    let head = rest.iter().position(|byte| *byte == b'\n')?;
    let is_head = rest.get(..head)?.trim_ascii().iter().all(|byte| byte.is_ascii_digit() || b"+-".contains(byte));
    let below = rest.get(head + 1..).filter(|_| is_head)?;
    let indent = below.iter().position(|byte| !BLANKS.contains(byte)).filter(|indent| *indent > 0)?;
    let line = below.get(indent..)?.split(|byte| b"\r\n".contains(byte)).next()?.trim_ascii_end();
    Some(Value {
        bytes: line,
        quoted: false,
        tight: false,
        is_option: false,
        is_member: false,
        is_block: true,
        ends_line: true,
        end: at + 1 + head + 1 + indent + line.len(),
        stop: End::Block,
    })
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, wanted: &[u8], most: usize) -> &'t [u8] {
        let count = self.rest().iter().take(most).take_while(|byte| wanted.contains(byte)).count();
        let skipped = self.rest().get(..count).unwrap_or_default();
        self.at += count;
        skipped
    }

    /// The value that stands here, and what follows it.
    fn value(&self, quote: Option<u8>) -> Option<(&'t [u8], &'t [u8])> {
        self.until(|byte| match quote {
            _ if byte.is_ascii_alphanumeric() => false,
            Some(quote) => *byte == quote || b"\\\n\r".contains(byte),
            None => byte.is_ascii_whitespace() || b"\"'`,;&|<>()[]{}\\".contains(byte),
        })
    }

    /// The same in an environment file or before a command: nothing but blanks and what a shell parts by ends
    /// it. A name and what it is called with are a program's.
    fn setting(&self) -> Option<(&'t [u8], &'t [u8])> {
        let (value, next) = self.value(None)?;
        let is_call =
            next.starts_with(b"(") && value.first().is_some_and(u8::is_ascii_alphabetic) && value.iter().all(is_name);
        if is_call {
            Some((value, next))
        } else {
            self.until(|byte| byte.is_ascii_whitespace() || b"\"'`;&|\\".contains(byte))
        }
    }

    /// The longest are no values, and would be looked at again from every name inside them.
    fn until(&self, ends: impl Fn(&u8) -> bool) -> Option<(&'t [u8], &'t [u8])> {
        let rest = self.rest();
        let length = rest.iter().take(MAX_VALUE + 1).position(ends).unwrap_or(rest.len());
        rest.split_at_checked(length).filter(|_| length <= MAX_VALUE)
    }
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

fn is_identifier(word: &[u8]) -> bool {
    let begins = word.first().is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_');
    begins && word.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Whether a name may hold it.
pub(super) fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(byte)
}

const BLANKS: &[u8] = b" \t";
/// Longer is a document.
const MAX_VALUE: usize = 256;
/// Between a name and its value, columns and all.
const MAX_BLANKS: usize = 100;
/// As far behind a name as there is anything to read.
pub(super) const MOST: usize = MAX_VALUE + MAX_BLANKS;
