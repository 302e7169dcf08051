//! The canonical commit object and its trailers, to bytes and back. Pure.
//!
//! Git accepts many spellings of one signed commit (a second `gpgsig`, other line breaks, headers
//! it does not know) and gives each its own id. Here there is one: what does not re-encode to
//! itself is refused, so an entry has exactly one commit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::id::{Digest, EntryNumber, ObjectId, Origin};

/// Longest message: a summary, a body a person reads, and the trailers.
const MAX_MESSAGE: usize = 16 * 1024;

/// How a repository names its objects, which decides the signature header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFormat {
    Sha1,
    Sha256,
}

impl ObjectFormat {
    const fn signature_header(self) -> &'static str {
        match self {
            Self::Sha1 => "gpgsig",
            Self::Sha256 => "gpgsig-sha256",
        }
    }

    pub const fn hex_digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 => 64,
        }
    }
}

/// Why commit bytes are not a commit of this ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    #[error("header line {line}: expected `{expected}`, found {found:?}")]
    Header { line: usize, expected: &'static str, found: String },
    #[error("{0} parents")]
    Parents(usize),
    #[error("the author line differs from the committer line")]
    AuthorIsNotCommitter,
    #[error("the message is not a summary, an optional body and the Ledger- trailers: {0}")]
    Message(&'static str),
    #[error("the bytes are not the canonical spelling")]
    NotCanonical,
}

/// Everything in a commit but its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub tree: ObjectId,
    pub parent: Option<ObjectId>,
    /// Author and committer alike.
    pub name: String,
    pub email: String,
    pub seconds: i64,
    /// Summary and body, without trailers and without a newline at the end.
    pub text: String,
    pub trailers: Trailers,
}

/// The four trailers: through them the commit signature covers the statement and the whole past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailers {
    pub origin: Origin,
    pub number: EntryNumber,
    pub statement: Digest,
    pub before_size: u64,
    pub before_root: Digest,
    pub dsse: Option<DsseTrailer>,
}

/// The statement's own signature, by the key with this fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DsseTrailer {
    pub fingerprint: String,
    pub signature: [u8; 64],
}

/// A commit read back: its parts, what was signed, and the signature's armor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCommit {
    pub commit: Commit,
    pub payload: Vec<u8>,
    pub armor: String,
}

impl Commit {
    /// The bytes a signature covers: the whole commit object without its signature header.
    pub fn payload(&self) -> Vec<u8> {
        with_message(self.headers(), self.message())
    }

    /// The commit object with its signature in place, as the last header.
    pub fn with_signature(&self, armor: &str, format: ObjectFormat) -> Vec<u8> {
        with_message(self.headers() + &signature_header(armor, format), self.message())
    }

    fn headers(&self) -> String {
        let parent = self.parent.as_ref().map(|id| format!("parent {id}\n")).unwrap_or_default();
        let person = format!("{} <{}> {} +0000", self.name, self.email, self.seconds);
        format!("tree {}\n{parent}author {person}\ncommitter {person}\n", self.tree)
    }

    fn message(&self) -> String {
        format!("{}\n\n{}", self.text, self.trailers.print())
    }
}

fn with_message(headers: String, message: String) -> Vec<u8> {
    (headers + "\n" + &message).into_bytes()
}

/// The header with the folded armor.
fn signature_header(armor: &str, format: ObjectFormat) -> String {
    format!("{} {}\n", format.signature_header(), armor.replace('\n', "\n "))
}

impl Trailers {
    fn print(&self) -> String {
        let Self { origin, number, statement, before_size, before_root, dsse } = self;
        let dsse = dsse
            .as_ref()
            .map(|dsse| format!("Ledger-Dsse: {} {}\n", dsse.fingerprint, STANDARD.encode(dsse.signature)));
        format!(
            "Ledger-Origin: {origin}\nLedger-Entry: {number} sha256:{statement}\nLedger-Before: {before_size} sha256:{before_root}\n{}",
            dsse.unwrap_or_default()
        )
    }

    fn parse(block: &str) -> Option<Self> {
        let mut lines = block.lines();
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let origin = Origin::parse(field("Ledger-Origin")?).ok()?;
        let (number, statement) = numbered(field("Ledger-Entry")?)?;
        let (before_size, before_root) = numbered(field("Ledger-Before")?)?;
        let dsse = match field("Ledger-Dsse") {
            None => None,
            Some(text) => {
                let (fingerprint, signature) = text.split_once(' ')?;
                let signature = STANDARD.decode(signature).ok()?.try_into().ok()?;
                Some(DsseTrailer { fingerprint: fingerprint.to_owned(), signature })
            }
        };
        Some(Self { origin, number: EntryNumber(number), statement, before_size, before_root, dsse })
    }
}

/// `37 sha256:<hex>`.
fn numbered(text: &str) -> Option<(u64, Digest)> {
    let (number, digest) = text.split_once(' ')?;
    Some((number.parse().ok()?, Digest::parse(digest).ok()?))
}

impl SignedCommit {
    /// Reads a commit object strictly: five headers in order, once each, and nothing else.
    pub fn parse(bytes: &[u8], format: ObjectFormat) -> Result<Self, CommitError> {
        let text = std::str::from_utf8(bytes).map_err(|_| CommitError::Message("it is not UTF-8"))?;
        let (headers, message) = text.split_once("\n\n").ok_or(CommitError::Message("it is missing"))?;
        let mut lines = Headers { lines: headers.split('\n').collect(), at: 0 };
        let tree = object_id(lines.field("tree")?, format)?;
        let mut parents = Vec::new();
        while lines.peek().is_some_and(|line| line.starts_with("parent ")) {
            parents.push(object_id(lines.field("parent")?, format)?);
        }
        if parents.len() > 1 {
            return Err(CommitError::Parents(parents.len()));
        }
        let author = lines.field("author")?;
        if author != lines.field("committer")? {
            return Err(CommitError::AuthorIsNotCommitter);
        }
        let (name, email, seconds) = person(author).ok_or(CommitError::NotCanonical)?;
        let armor = lines.signature(format)?;
        lines.end()?;
        let (text, trailers) = split_message(message)?;
        let commit = Commit { tree, parent: parents.pop(), name, email, seconds, text, trailers };
        let (headers, signature, message) = (commit.headers(), signature_header(&armor, format), commit.message());
        let body = bytes.strip_prefix(headers.as_bytes()).and_then(|rest| rest.strip_prefix(signature.as_bytes()));
        if body.and_then(|body| body.strip_prefix(b"\n")) != Some(message.as_bytes()) {
            return Err(CommitError::NotCanonical);
        }
        Ok(Self { commit, payload: with_message(headers, message), armor })
    }
}

/// Tree and parents of any commit object, however odd: enough to walk on, never to believe.
pub fn links(bytes: &[u8]) -> Option<(ObjectId, Vec<ObjectId>)> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map_while(|line| std::str::from_utf8(line).ok());
    let tree = ObjectId::parse(lines.next()?.strip_prefix("tree ")?).ok()?;
    let parents = lines.map_while(|line| ObjectId::parse(line.strip_prefix("parent ")?).ok());
    Some((tree, parents.collect()))
}

/// A commit message's text made safe: one summary line, no control characters, nothing that
/// could be taken for a trailer.
pub fn message_text(summary: &str, body: &[String]) -> String {
    let clean = |line: &str| {
        let line: String = line.chars().map(|c| if crate::id::is_invisible(c) { ' ' } else { c }).collect();
        let line = line.trim().to_owned();
        if line.starts_with("Ledger-") { format!("> {line}") } else { line }
    };
    let summary = clean(summary);
    let body: Vec<String> = body.iter().map(|line| clean(line)).collect();
    let text = format!("{summary}\n\n{}", body.join("\n"));
    let mut end = text.len().min(MAX_MESSAGE / 2);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end().to_owned()
}

fn split_message(message: &str) -> Result<(String, Trailers), CommitError> {
    if message.len() > MAX_MESSAGE {
        return Err(CommitError::Message("it is too long"));
    }
    let (text, block) = message.rsplit_once("\n\n").ok_or(CommitError::Message("there are no trailers"))?;
    let summary = text.lines().next().unwrap_or_default();
    if summary.trim().is_empty() {
        return Err(CommitError::Message("the summary is empty"));
    }
    if text.lines().any(|line| line.starts_with("Ledger-")) {
        return Err(CommitError::Message("a second trailer block"));
    }
    if text.chars().any(|c| c != '\n' && crate::id::is_invisible(c)) {
        return Err(CommitError::Message("it has control or invisible characters"));
    }
    let trailers = Trailers::parse(block).ok_or(CommitError::Message("the trailers do not parse"))?;
    Ok((text.to_owned(), trailers))
}

fn object_id(text: &str, format: ObjectFormat) -> Result<ObjectId, CommitError> {
    match ObjectId::parse(text) {
        Ok(id) if text.len() == format.hex_digits() => Ok(id),
        _ => Err(CommitError::NotCanonical),
    }
}

/// `name <email> seconds +0000`.
fn person(line: &str) -> Option<(String, String, i64)> {
    let (name, rest) = line.split_once(" <")?;
    let (email, rest) = rest.split_once("> ")?;
    let seconds = rest.strip_suffix(" +0000")?.parse().ok()?;
    Some((name.to_owned(), email.to_owned(), seconds))
}

struct Headers<'c> {
    lines: Vec<&'c str>,
    at: usize,
}

impl<'c> Headers<'c> {
    fn peek(&self) -> Option<&'c str> {
        self.lines.get(self.at).copied()
    }

    fn wrong(&self, expected: &'static str) -> CommitError {
        let found = self.peek().unwrap_or_default().chars().take(60).collect();
        CommitError::Header { line: self.at + 1, expected, found }
    }

    fn field(&mut self, name: &'static str) -> Result<&'c str, CommitError> {
        let value = self.peek().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.ok_or_else(|| self.wrong(name))?;
        self.at += 1;
        Ok(value)
    }

    /// The signature header with its folded lines, unfolded.
    fn signature(&mut self, format: ObjectFormat) -> Result<String, CommitError> {
        let mut armor = self.field(format.signature_header())?.to_owned();
        while let Some(line) = self.peek().and_then(|line| line.strip_prefix(' ')) {
            armor.push('\n');
            armor.push_str(line);
            self.at += 1;
        }
        Ok(armor)
    }

    fn end(&self) -> Result<(), CommitError> {
        if self.at == self.lines.len() { Ok(()) } else { Err(self.wrong("the end of the headers")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> Commit {
        let digest = Digest::of(b"x");
        Commit {
            tree: ObjectId::parse(&"a".repeat(40)).unwrap(),
            parent: Some(ObjectId::parse(&"b".repeat(40)).unwrap()),
            name: "김 철수".to_owned(),
            email: "kim@x.example".to_owned(),
            seconds: 1_759_500_000,
            text: message_text("alpha approved", &["by Kim".to_owned(), "Ledger-Origin: forged".to_owned()]),
            trailers: Trailers {
                origin: Origin::parse("x.example/y").unwrap(),
                number: EntryNumber(3),
                statement: digest,
                before_size: 3,
                before_root: digest,
                dsse: Some(DsseTrailer { fingerprint: "SHA256:x".to_owned(), signature: [1; 64] }),
            },
        }
    }

    const ARMOR: &str = "-----BEGIN\nabc\n-----END";

    #[test]
    fn a_commit_round_trips() {
        let bytes = commit().with_signature(ARMOR, ObjectFormat::Sha1);
        let read = SignedCommit::parse(&bytes, ObjectFormat::Sha1).unwrap();
        assert_eq!((read.commit, read.payload, read.armor.as_str()), (commit(), commit().payload(), ARMOR));
    }

    #[test]
    fn every_twin_of_a_signed_commit_is_refused() {
        let good = String::from_utf8(commit().with_signature(ARMOR, ObjectFormat::Sha1)).unwrap();
        let committer = good.lines().find(|line| line.starts_with("committer")).unwrap().to_owned();
        let twins = [
            good.replace("tree a", "tree a\ntree a"),
            good.replace("parent b", &format!("parent {}\nparent b", "c".repeat(40))),
            good.replace(&committer, &format!("{committer}\nencoding UTF-8")),
            good.replace("gpgsig ", "gpgsigX y\ngpgsig "),
            good.replace("gpgsig ", "gpgsig-sha256 "),
            good.replace("committer 김", "committer  김"),
            good.replace(" +0000", " -0000"),
            good.replace("Ledger-Entry: 3", "Ledger-Entry: 03"),
            good.replace("Ledger-Entry: 3", "Ledger-Entry: +3"),
            good.clone() + "\n",
            good.clone() + "Ledger-Extra: 1\n",
            good.replace("alpha approved", "alpha\u{202e} approved"),
            good.replace("alpha approved", "Ledger-Origin: x"),
        ];
        for twin in twins {
            assert!(good != twin && SignedCommit::parse(twin.as_bytes(), ObjectFormat::Sha1).is_err(), "{twin}");
        }
    }
}
