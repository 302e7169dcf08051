//! One fixed-size record an entry: what later entries are judged by, without reading the past again.

use crate::entry::Kind;
use crate::id::{Digest, EntryId, EntryNumber, ObjectId, from_hex, to_hex};

/// Bytes of one record: id, root before, commit id (zero-padded), kind, attempt, person.
pub const RECORD: usize = 32 + 32 + 32 + 1 + 4 + 4;

/// Stands for "no attempt" (a policy entry).
const NONE: u32 = u32::MAX;

/// What is remembered of one verified entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: EntryId,
    /// RFC 6962 root over the entries before it.
    pub root_before: Digest,
    pub commit: ObjectId,
    pub kind: Kind,
    /// Index into the chain's attempts.
    pub attempt: Option<u32>,
    /// Index into the chain's people.
    pub person: u32,
}

/// All records, as the bytes they are saved as: nothing is parsed until it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records(std::sync::Arc<Vec<u8>>);

impl Records {
    /// Takes saved bytes; `None` when they are not whole records.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        bytes.len().is_multiple_of(RECORD).then(|| Self(std::sync::Arc::new(bytes)))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len() / RECORD
    }

    pub fn push(&mut self, record: &Record) {
        let bytes = std::sync::Arc::make_mut(&mut self.0);
        bytes.extend_from_slice(record.id.0.as_bytes());
        bytes.extend_from_slice(record.root_before.as_bytes());
        let mut commit = from_hex(record.commit.as_str()).unwrap_or_default();
        commit.resize(32, 0);
        bytes.extend_from_slice(&commit);
        let kind = Kind::ALL.iter().position(|kind| *kind == record.kind).unwrap_or_default();
        bytes.push(u8::try_from(kind).unwrap_or(u8::MAX));
        bytes.extend_from_slice(&record.attempt.unwrap_or(NONE).to_be_bytes());
        bytes.extend_from_slice(&record.person.to_be_bytes());
    }

    /// The record of an entry; `hex` is the length of this repository's object ids.
    pub fn get(&self, number: EntryNumber, hex: usize) -> Option<Record> {
        let at = usize::try_from(number.0).ok()?.checked_mul(RECORD)?;
        let bytes = self.0.get(at..at.checked_add(RECORD)?)?;
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let attempt = word(97)?;
        Some(Record {
            id: EntryId(digest(bytes, 0)?),
            root_before: digest(bytes, 32)?,
            commit: ObjectId::parse(to_hex(bytes.get(64..96)?).get(..hex)?).ok()?,
            kind: *Kind::ALL.get(usize::from(*bytes.get(96)?))?,
            attempt: (attempt != NONE).then_some(attempt),
            person: word(101)?,
        })
    }

    /// Root over the first `size` entries, for a size below the ledger's.
    pub fn root_at(&self, size: u64) -> Option<Digest> {
        let at = usize::try_from(size).ok()?.checked_mul(RECORD)?;
        digest(self.0.get(at..)?, 32)
    }

    /// Where a statement already stands among the first `limit` entries.
    pub fn position(&self, id: EntryId, limit: usize) -> Option<EntryNumber> {
        let mut ids = self.0.chunks_exact(RECORD).take(limit);
        ids.position(|record| record.starts_with(id.0.as_bytes())).map(|at| EntryNumber(at as u64))
    }

    /// Numbers of an attempt's entries, which begin with its opening.
    pub fn of_attempt(&self, attempt: u32, opened: EntryNumber) -> impl Iterator<Item = EntryNumber> {
        let wanted = attempt.to_be_bytes();
        let from = usize::try_from(opened.0).unwrap_or(usize::MAX);
        let records = self.0.chunks_exact(RECORD).enumerate().skip(from);
        records.filter(move |(_, record)| record.get(97..101) == Some(&wanted)).map(|(at, _)| EntryNumber(at as u64))
    }
}

fn digest(bytes: &[u8], at: usize) -> Option<Digest> {
    bytes.get(at..at + 32)?.try_into().ok().map(Digest::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back() {
        let record = |n: u8, attempt| Record {
            id: EntryId(Digest::of(&[n])),
            root_before: Digest::of(&[n, 1]),
            commit: ObjectId::parse(&"ab".repeat(20)).unwrap(),
            kind: Kind::Approval,
            attempt,
            person: 3,
        };
        let mut records = Records::default();
        let (first, second) = (record(1, None), record(2, Some(9)));
        records.push(&first);
        records.push(&second);
        assert_eq!(records.get(EntryNumber(0), 40), Some(first.clone()));
        assert_eq!(records.get(EntryNumber(1), 40), Some(second.clone()));
        assert_eq!(records.get(EntryNumber(2), 40), None);
        assert_eq!(records.position(second.id, 2), Some(EntryNumber(1)));
        assert_eq!(records.position(second.id, 1), None);
        assert_eq!(records.of_attempt(9, EntryNumber(0)).collect::<Vec<_>>(), [EntryNumber(1)]);
        assert_eq!(Records::from_bytes(records.as_bytes().to_vec()), Some(records));
        assert_eq!(Records::from_bytes(vec![0; RECORD + 1]), None);
    }
}
