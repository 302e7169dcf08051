//! in-toto Statement v1 to bytes and back: one spelling, decoded strictly, the bytes kept.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::kinds::{Kind, Predicate};
use crate::evidence::facts::{Fact, Facts, INTEGER_LIMIT};
use crate::id::{Digest, EntryId, ObjectId};

/// `_type` of every statement (in-toto attestation, spec v1).
const TYPE: &str = "https://in-toto.io/Statement/v1";

/// A statement's most bytes: proofs carry it whole, and lines of other tools end at 64 KiB.
pub const MAX_STATEMENT: usize = 32 * 1024;

/// Most statements are not longer.
const USUAL_STATEMENT: usize = 2 * 1024;

/// Why bytes are not a statement of this ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    #[error("it has {0} bytes, more than {MAX_STATEMENT}")]
    TooLarge(usize),
    #[error("it is no statement of a known kind: {0}")]
    Malformed(String),
    #[error("its bytes are not the canonical spelling (first difference at byte {0})")]
    NotCanonical(usize),
    #[error("{0}")]
    Inconsistent(&'static str),
}

/// What a statement is about. Matched by digest alone; the name is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub name: String,
    pub digest: DigestSet,
}

/// Exactly one digest: two in one set would mean "either", and a commit is never a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DigestSet {
    GitCommit(ObjectId),
    GitTree(ObjectId),
    Sha256(Digest),
}

/// A statement and the very bytes it was read from or written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub subject: Vec<Subject>,
    pub predicate: Predicate,
    bytes: Vec<u8>,
    id: EntryId,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: P,
}

impl Statement {
    /// Writes a statement and reads it back, so that what is stored is what will verify.
    pub fn compose(subject: Vec<Subject>, predicate: Predicate) -> Result<Self, StatementError> {
        let bytes = print(&subject, &predicate)?;
        Self::decode(bytes)
    }

    /// Reads a statement again that was decoded strictly before: the digest says that these are the
    /// very bytes, so nothing but their meaning is wanted. `None` when they are others.
    pub fn recall(bytes: Vec<u8>, kind: Kind, id: EntryId) -> Option<Self> {
        if Digest::of(&bytes) != id.0 {
            return None;
        }
        let (subject, predicate) = read_kind(&bytes, kind).ok()?;
        Some(Self { subject, predicate, bytes, id })
    }

    /// Reads a statement strictly: known kind and fields, no duplicates, canonical to the byte.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, StatementError> {
        if bytes.len() > MAX_STATEMENT {
            return Err(StatementError::TooLarge(bytes.len()));
        }
        let kind = kind_of(&bytes)?;
        let (subject, predicate) = read_kind(&bytes, kind)?;
        let reprinted = print(&subject, &predicate)?;
        if reprinted != bytes {
            let same = reprinted.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
            return Err(StatementError::NotCanonical(same));
        }
        if subject.is_empty() {
            return Err(StatementError::Inconsistent("a statement needs at least one subject"));
        }
        predicate.check().map_err(StatementError::Inconsistent)?;
        if let Predicate::Evidence(evidence) = &predicate
            && !within_limits(&evidence.facts)
        {
            return Err(StatementError::Inconsistent("a fact lies outside ±2^53"));
        }
        let id = EntryId(Digest::of(&bytes));
        Ok(Self { subject, predicate, bytes, id })
    }

    pub const fn id(&self) -> EntryId {
        self.id
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What the first `predicateType` says. Only a guess at how to read the rest: what is read is printed again
/// with the type of its kind, and those must be the same bytes.
fn kind_of(bytes: &[u8]) -> Result<Kind, StatementError> {
    const KEY: &[u8] = b"\"predicateType\": \"";
    let start = memchr::memmem::find(bytes, KEY).map(|at| at + KEY.len());
    let rest = start.and_then(|start| bytes.get(start..)).unwrap_or_default();
    let uri = rest.split(|byte| *byte == b'"').next().unwrap_or_default();
    let uri = std::str::from_utf8(uri).unwrap_or_default();
    Kind::from_predicate_type(uri).ok_or_else(|| StatementError::Malformed(format!("unknown predicate type {uri:?}")))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StatementError> {
    serde_json::from_slice(bytes).map_err(|error| StatementError::Malformed(error.to_string()))
}

fn read_kind(bytes: &[u8], kind: Kind) -> Result<(Vec<Subject>, Predicate), StatementError> {
    match kind {
        Kind::Policy => read(bytes, Predicate::Policy),
        Kind::Open => read(bytes, Predicate::Open),
        Kind::Evidence => read(bytes, Predicate::Evidence),
        Kind::Approval => read(bytes, Predicate::Approval),
        Kind::Waiver => read(bytes, Predicate::Waiver),
        Kind::Promotion => read(bytes, Predicate::Promotion),
        Kind::Trigger => read(bytes, Predicate::Trigger),
        Kind::Rollback => read(bytes, Predicate::Rollback),
        Kind::Revoke => read(bytes, Predicate::Revoke),
    }
}

fn read<P: DeserializeOwned>(
    bytes: &[u8],
    wrap: fn(P) -> Predicate,
) -> Result<(Vec<Subject>, Predicate), StatementError> {
    let wire: Wire<P> = parse(bytes)?;
    if wire.kind != TYPE {
        return Err(StatementError::Malformed(format!("_type is {:?}", wire.kind)));
    }
    Ok((wire.subject, wrap(wire.predicate)))
}

/// The one spelling: two spaces, fields in the order of the specification, one newline at the end.
fn print(subject: &[Subject], predicate: &Predicate) -> Result<Vec<u8>, StatementError> {
    let wire = Wire {
        kind: TYPE.to_owned(),
        subject: subject.to_vec(),
        predicate_type: predicate.kind().predicate_type(),
        predicate,
    };
    let mut bytes = Vec::with_capacity(USUAL_STATEMENT);
    serde_json::to_writer_pretty(&mut bytes, &wire).map_err(|error| StatementError::Malformed(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn within_limits(facts: &Facts) -> bool {
    facts.values().all(|fact| match fact {
        Fact::Int(number) => (-INTEGER_LIMIT..=INTEGER_LIMIT).contains(number),
        Fact::Group(group) => within_limits(group),
        _ => true,
    })
}
