//! What was verified before, in a small SQLite file: looked up piece by piece, so that a question
//! costs the same however long the ledger is.
//!
//! Rows are added and never changed, and every answer is cut at the size the reader began with: what
//! another process saves meanwhile changes nothing. Another history goes into another file, put in this
//! one's place. Each row carries a checksum: a damaged disk must not become a verdict.

#![expect(clippy::disallowed_types, reason = "this is the door to the state file")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, Row, Transaction, TransactionBehavior, params};

use crate::chain::past::AttemptState;
use crate::chain::records::{RECORD, Record};
use crate::chain::{Past, VerifiedLedger};
use crate::entry::kinds::AttemptKey;
use crate::id::{Digest, EntryId, EntryNumber, Name, Version, fold};

const SCHEMA: &str = "
    CREATE TABLE head(one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL, sum BLOB NOT NULL);
    CREATE TABLE entries(number INTEGER PRIMARY KEY, tag INTEGER NOT NULL, attempt INTEGER, record BLOB NOT NULL, sum BLOB NOT NULL);
    CREATE TABLE attempts(at INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, gate TEXT NOT NULL, release TEXT NOT NULL,
        attempt INTEGER NOT NULL, folder TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, opened INTEGER NOT NULL, sum BLOB NOT NULL,
        UNIQUE (release, pipeline, gate, attempt));";

/// Made when the first rows are there: sorting all of them at once takes a third of the time.
const INDEXES: &str = "
    CREATE INDEX entries_by_tag ON entries(tag);
    CREATE INDEX entries_by_attempt ON entries(attempt);";

/// Another process's save takes about a millisecond; whoever waits longer goes without.
const PATIENCE: Duration = Duration::from_secs(2);

const ATTEMPT: &str = "SELECT at, pipeline, gate, release, attempt, folder, opened, sum,
    (SELECT COUNT(*) FROM entries WHERE entries.attempt = attempts.at AND entries.number < ?1) FROM attempts WHERE opened < ?1";

/// One state file, and the size below which it answers.
pub struct Database {
    connection: Mutex<Connection>,
    hex: usize,
    size: AtomicU64,
    sound: AtomicBool,
}

impl Database {
    /// Opens a state file that is there.
    pub fn open(path: &Path, hex: usize) -> rusqlite::Result<Self> {
        Self::with_flags(path, hex, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Makes a state file where there is an empty one, and fills it.
    pub fn create(path: &Path, ledger: &VerifiedLedger, head: &[u8]) -> rusqlite::Result<()> {
        let database = Self::with_flags(path, 0, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let mut connection = database.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else sees this file before it is whole.
        connection.pragma_update(None, "journal_mode", "off")?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        add(&transaction, ledger, 0, head)?;
        transaction.execute_batch(INDEXES)?;
        transaction.commit()
    }

    fn with_flags(path: &Path, hex: usize, flags: OpenFlags) -> rusqlite::Result<Self> {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "truncate")?;
        // A process that dies leaves whole transactions either way. After a power cut a row may be
        // missing, which is noticed, and everything is verified again.
        connection.pragma_update(None, "synchronous", "off")?;
        let (size, sound) = (AtomicU64::new(0), AtomicBool::new(true));
        Ok(Self { connection: Mutex::new(connection), hex, size, sound })
    }

    /// The head that was saved last; `None` when it is damaged.
    pub fn head(&self) -> Option<Vec<u8>> {
        self.with(read_head)
    }

    /// From now on, answers about entries below this number.
    pub fn answer_below(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
    }

    /// Adds what a ledger has more than the head kept here, all of it or nothing; `continues` says how
    /// far a head goes that is the ledger's beginning. False when what is kept is another history.
    pub fn save(
        &self,
        ledger: &VerifiedLedger,
        head: &[u8],
        continues: impl Fn(&[u8]) -> Option<u64>,
    ) -> rusqlite::Result<bool> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let Some(kept) = read_head(&transaction)?.and_then(|head| continues(&head)) else { return Ok(false) };
        // Somebody else may have come further already.
        if kept < ledger.size() {
            add(&transaction, ledger, kept, head)?;
            transaction.commit()?;
        }
        Ok(true)
    }

    /// An answer; an error is noted and is none.
    fn with<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<Option<T>>) -> Option<T> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&connection).unwrap_or_else(|_| {
            self.sound.store(false, Ordering::Relaxed);
            None
        })
    }

    fn size(&self) -> i64 {
        i64::try_from(self.size.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }

    fn attempts(&self, only: &str, params: impl Params) -> Vec<AttemptState> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(&format!("{ATTEMPT} AND {only} ORDER BY at"))?;
            let attempts = select.query_map(params, read_attempt)?;
            attempts.collect::<rusqlite::Result<_>>().map(Some)
        })
        .unwrap_or_default()
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("size", &self.size).field("sound", &self.sound).finish_non_exhaustive()
    }
}

impl Past for Database {
    fn record(&self, number: EntryNumber) -> Option<Record> {
        self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT record, sum FROM entries WHERE number = ?1")?;
            let found = select.query_row([number.0], |row| {
                let (record, kept) = (row.get::<_, [u8; RECORD]>(0)?, row.get::<_, [u8; 8]>(1)?);
                let record = (kept == sum(&[&number.0.to_be_bytes(), &record])).then_some(record);
                record.and_then(|record| Record::from_bytes(&record, self.hex)).ok_or_else(damaged)
            });
            // Every number below the size was saved: a missing one is damage, too.
            found.map(Some)
        })
    }

    fn position(&self, id: EntryId) -> Option<EntryNumber> {
        let numbers: Vec<u64> = self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT number FROM entries WHERE tag = ?1 AND number < ?2")?;
            let numbers = select.query_map([tag(id), self.size()], |row| row.get(0))?;
            numbers.collect::<rusqlite::Result<_>>().map(Some)
        })?;
        let mut numbers = numbers.into_iter().map(EntryNumber);
        numbers.find(|number| self.record(*number).is_some_and(|record| record.id == id))
    }

    fn attempt(&self, key: &AttemptKey) -> Option<AttemptState> {
        let only = "release = ?2 AND pipeline = ?3 AND gate = ?4 AND attempt = ?5";
        let AttemptKey { pipeline, gate, attempt, release } = key;
        let params = params![self.size(), release.as_str(), pipeline.as_str(), gate.as_str(), attempt];
        self.attempts(only, params).pop()
    }

    fn attempts_for(&self, release: &Version) -> Vec<AttemptState> {
        self.attempts("release = ?2", params![self.size(), release.as_str()])
    }

    fn entries_of(&self, attempt: Option<u32>) -> Vec<EntryNumber> {
        let only = "SELECT number FROM entries WHERE attempt IS ?1 AND number < ?2 ORDER BY number";
        self.with(|connection| {
            let mut select = connection.prepare_cached(only)?;
            let numbers = select.query_map(params![attempt, self.size()], |row| row.get(0).map(EntryNumber))?;
            numbers.collect::<rusqlite::Result<_>>().map(Some)
        })
        .unwrap_or_default()
    }

    fn attempt_at(&self, at: u32) -> Option<AttemptState> {
        self.attempts("at = ?2", params![self.size(), at]).pop()
    }

    fn beginning_with(&self, digits: &str) -> Vec<EntryNumber> {
        let Some((least, most)) = tags(digits) else { return Vec::new() };
        let numbers: Option<Vec<u64>> = self.with(|connection| {
            let only = "SELECT number FROM entries WHERE tag BETWEEN ?1 AND ?2 AND number < ?3";
            let mut select = connection.prepare_cached(only)?;
            let numbers = select.query_map([least, most, self.size()], |row| row.get(0))?;
            numbers.collect::<rusqlite::Result<_>>().map(Some)
        });
        let numbers = numbers.unwrap_or_default().into_iter().map(EntryNumber);
        let begins =
            |number: &EntryNumber| self.record(*number).is_some_and(|record| record.id.to_string().starts_with(digits));
        numbers.filter(begins).collect()
    }

    fn has_folder(&self, folded: &str) -> bool {
        let only = "SELECT 1 FROM attempts WHERE folded = ?1 AND opened < ?2";
        let found = |connection: &Connection| {
            connection.prepare_cached(only)?.query_row(params![folded, self.size()], |_| Ok(())).optional()
        };
        self.with(found).is_some()
    }

    fn releases(&self) -> Vec<(EntryNumber, Name, Version)> {
        let all = "SELECT MIN(opened) AS first, pipeline, release FROM attempts WHERE opened < ?1
            GROUP BY pipeline, release ORDER BY first";
        self.with(|connection| {
            let mut select = connection.prepare_cached(all)?;
            let releases = select
                .query_map([self.size()], |row| Ok((EntryNumber(row.get(0)?), name(row, 1)?, version(row, 2)?)))?;
            releases.collect::<rusqlite::Result<_>>().map(Some)
        })
        .unwrap_or_default()
    }

    fn is_sound(&self) -> bool {
        self.sound.load(Ordering::Relaxed)
    }
}

fn read_head(connection: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    let found = connection.query_row("SELECT data, sum FROM head", [], |row| {
        let (data, kept): (Vec<u8>, [u8; 8]) = (row.get(0)?, row.get(1)?);
        Ok((kept == sum(&[&data])).then_some(data))
    });
    found.optional().map(Option::flatten)
}

/// Adds the entries from `kept` on, their attempts and the new head.
fn add(transaction: &Transaction<'_>, ledger: &VerifiedLedger, kept: u64, head: &[u8]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut next = kept;
    for (number, record) in ledger.new_records().filter(|(number, _)| number.0 >= kept) {
        let bytes = record.to_bytes();
        let sum = sum(&[&number.0.to_be_bytes(), &bytes]);
        insert.execute(params![number.0, tag(record.id), record.attempt, bytes, sum])?;
        next += 1;
    }
    if next != ledger.size() {
        return Err(damaged());
    }
    ledger.touched_attempts().try_for_each(|attempt| add_attempt(transaction, attempt))?;
    transaction.execute("INSERT OR REPLACE INTO head VALUES (1, ?1, ?2)", params![head, sum(&[head])]).map(drop)
}

fn add_attempt(transaction: &Transaction<'_>, attempt: &AttemptState) -> rusqlite::Result<()> {
    let AttemptState { at, key, folder, opened, .. } = attempt;
    let AttemptKey { pipeline, gate, attempt: number, release } = key;
    let insert = "INSERT OR IGNORE INTO attempts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (pipeline, gate, release) = (pipeline.as_str(), gate.as_str(), release.as_str());
    let sum = attempt_sum(attempt);
    let params = params![at, pipeline, gate, release, number, folder, fold(folder), opened.0, sum];
    transaction.prepare_cached(insert)?.execute(params).map(drop)
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<AttemptState> {
    let key =
        AttemptKey { pipeline: name(row, 1)?, gate: name(row, 2)?, release: version(row, 3)?, attempt: row.get(4)? };
    let opened = EntryNumber(row.get(6)?);
    let attempt = AttemptState { at: row.get(0)?, key, folder: row.get(5)?, opened, entries: row.get(8)? };
    if row.get::<_, [u8; 8]>(7)? == attempt_sum(&attempt) { Ok(attempt) } else { Err(damaged()) }
}

/// Over everything but the count, which is taken from the entries.
fn attempt_sum(attempt: &AttemptState) -> [u8; 8] {
    let AttemptState { at, key, folder, opened, .. } = attempt;
    let numbers = [u64::from(*at), u64::from(key.attempt), opened.0].map(u64::to_be_bytes).concat();
    let texts = [key.pipeline.as_str(), key.gate.as_str(), key.release.as_str(), folder.as_str()].join("\n");
    sum(&[&numbers, texts.as_bytes()])
}

fn name(row: &Row<'_>, at: usize) -> rusqlite::Result<Name> {
    Name::parse(&row.get::<_, String>(at)?).map_err(|_| damaged())
}

fn version(row: &Row<'_>, at: usize) -> rusqlite::Result<Version> {
    Version::parse(&row.get::<_, String>(at)?).map_err(|_| damaged())
}

/// The first eight bytes of an id as SQLite's integer: enough to find it by, never to know it by.
fn tag(id: EntryId) -> i64 {
    id.0.as_bytes().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

/// The least and the most tag of ids that begin with these digits; `None` where no id does.
fn tags(digits: &str) -> Option<(i64, i64)> {
    let begins = digits.get(..digits.len().min(16)).filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let tag = |filled: String| u64::from_str_radix(&filled, 16).ok().map(|tag| i64::from_be_bytes(tag.to_be_bytes()));
    Some((tag(format!("{begins:0<16}"))?, tag(format!("{begins:f<16}"))?))
}

/// The first eight bytes of SHA-256: against damage, not against an attacker who can write here.
fn sum(parts: &[&[u8]]) -> [u8; 8] {
    let digest = Digest::of(&parts.concat());
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn damaged() -> rusqlite::Error {
    rusqlite::Error::InvalidQuery
}
