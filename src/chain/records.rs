//! One fixed-size record an entry: what later entries are judged by, without reading the past again.

use crate::entry::Kind;
use crate::id::{Digest, EntryId, EntryNumber, ObjectId, from_hex, to_hex};

/// Bytes of one record: id, root before, commit id (zero-padded), kind, attempt, person, key.
pub const RECORD: usize = 32 + 32 + 32 + 1 + 4 + 4 + 4;

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
    /// Index into the chain's keys.
    pub key: u32,
}

impl Record {
    pub fn to_bytes(&self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        let commit = from_hex(self.commit.as_str()).unwrap_or_default();
        let kind = Kind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or_default();
        bytes[..32].copy_from_slice(self.id.0.as_bytes());
        bytes[32..64].copy_from_slice(self.root_before.as_bytes());
        bytes[64..96].iter_mut().zip(commit).for_each(|(to, from)| *to = from);
        bytes[96] = u8::try_from(kind).unwrap_or(u8::MAX);
        bytes[97..101].copy_from_slice(&self.attempt.unwrap_or(NONE).to_be_bytes());
        bytes[101..105].copy_from_slice(&self.person.to_be_bytes());
        bytes[105..].copy_from_slice(&self.key.to_be_bytes());
        bytes
    }

    /// `hex` is the length of this repository's object ids.
    pub fn from_bytes(bytes: &[u8; RECORD], hex: usize) -> Option<Self> {
        let digest = |at: usize| bytes.get(at..at + 32)?.try_into().ok().map(Digest::from_bytes);
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let attempt = word(97)?;
        Some(Self {
            id: EntryId(digest(0)?),
            root_before: digest(32)?,
            commit: ObjectId::parse(to_hex(&bytes[64..96]).get(..hex)?).ok()?,
            kind: *Kind::ALL.get(usize::from(bytes[96]))?,
            attempt: (attempt != NONE).then_some(attempt),
            person: word(101)?,
            key: word(105)?,
        })
    }
}

/// Records from some entry on, as bytes: a hundred thousand fit in 11 MB.
#[derive(Debug, Clone, Default)]
pub struct Records {
    from: u64,
    bytes: Vec<[u8; RECORD]>,
}

impl Records {
    /// Records of the entries from this number on.
    pub const fn after(from: u64) -> Self {
        Self { from, bytes: Vec::new() }
    }

    /// The number of the first entry that is recorded here.
    pub const fn from(&self) -> u64 {
        self.from
    }

    /// The number of the next entry.
    pub const fn next(&self) -> EntryNumber {
        EntryNumber(self.from + self.bytes.len() as u64)
    }

    pub fn push(&mut self, record: &Record) {
        self.bytes.push(record.to_bytes());
    }

    pub fn get(&self, number: EntryNumber, hex: usize) -> Option<Record> {
        let at = usize::try_from(number.0.checked_sub(self.from)?).ok()?;
        Record::from_bytes(self.bytes.get(at)?, hex)
    }
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
            key: 4,
        };
        let mut records = Records::after(7);
        let (first, second) = (record(1, None), record(2, Some(9)));
        records.push(&first);
        records.push(&second);
        assert_eq!(records.get(EntryNumber(7), 40), Some(first));
        assert_eq!(records.get(EntryNumber(8), 40), Some(second));
        assert_eq!((records.get(EntryNumber(6), 40), records.get(EntryNumber(9), 40)), (None, None));
        assert_eq!(records.next(), EntryNumber(9));
    }
}
