//! Logs people and scripts append to: one instant a line, and who spoke.
//!
//! Source: ISO 8601-1:2019, calendar dates with a time of day and an offset, extended or basic.

use chrono::NaiveDate;

use super::bounds::{self, MAX_BYTES};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::id::Timestamp;

pub(super) const READER: Reader = Reader {
    format: "task-log",
    about: "a log whose every line carries an ISO 8601 instant, like 2025-10-04T09:12:33+09:00",
    facts: &["entries", "first", "last", "phrase"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let name = input.name.to_ascii_lowercase();
    if name.starts_with("task_execution") && name.ends_with(".log") {
        return true;
    }
    let text = bounds::decode_local(input.bytes, MAX_BYTES, "a task log").ok();
    text.as_deref().and_then(|text| text.lines().find(|line| !line.trim().is_empty())).is_some_and(|line| {
        let start = line.trim_start_matches(['[', '-', '*', ' ']);
        instant_at(start.as_bytes()).is_some_and(|found| found.offset.is_some())
    })
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_local(input.bytes, MAX_BYTES, "a task log")?;
    let mut entries = 0;
    let mut span: Option<(Timestamp, Timestamp)> = None;
    let mut spoken = None;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| is_entry(line)) {
        let (at, rest) = instant_in(line).map_err(|message| ReadError::at(number, message))?;
        entries += 1;
        span = Some(span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        if let Some(phrase) = input.wanted.phrase.filter(|phrase| contains_words(line, phrase)) {
            spoken = Some(spoken_facts(phrase, number, at, rest));
        }
    }
    let Some((first, last)) = span else { return Err(ReadError::whole("holds no entry")) };
    let mut facts = Facts::from([
        ("entries".to_owned(), Fact::from(entries)),
        ("first".to_owned(), Fact::Text(first.to_string())),
        ("last".to_owned(), Fact::Text(last.to_string())),
    ]);
    facts.extend(spoken.map(|spoken| ("phrase".to_owned(), Fact::Group(spoken))));
    Ok(facts)
}

/// Blank lines, continuations, comments and Markdown fences are no entries.
fn is_entry(line: &str) -> bool {
    !line.trim().is_empty()
        && !line.starts_with([' ', '\t', '|', '#'])
        && !["```", "~~~"].iter().any(|f| line.starts_with(f))
}

fn spoken_facts(phrase: &str, line: usize, at: Timestamp, rest: &str) -> Facts {
    let mut facts = Facts::from([
        ("text".to_owned(), Fact::from(phrase)),
        ("line".to_owned(), Fact::from(line)),
        ("at".to_owned(), Fact::Text(at.to_string())),
    ]);
    facts.extend(actor(rest, phrase).map(|actor| ("actor".to_owned(), Fact::Text(actor))));
    facts
}

/// The first instant of a line and what follows it.
fn instant_in(line: &str) -> Result<(Timestamp, &str), String> {
    let bytes = line.as_bytes();
    let mut previous = b' ';
    for (at, byte) in bytes.iter().enumerate() {
        // A date glued to a word is part of a name (`backup_20251004T001500Z.sql`), not a time stamp.
        let glued = previous.is_ascii_alphanumeric() || b"_-+./\\".contains(&previous);
        previous = *byte;
        let Some(found) = bytes.get(at..).filter(|_| !glued && byte.is_ascii_digit()).and_then(instant_at) else {
            continue;
        };
        let end = at + found.length;
        let text = line.get(at..end).unwrap_or_default();
        let Some(offset) = found.offset else {
            return Err(format!("{text} has no offset: write it, like {EXAMPLE}"));
        };
        let instant = found.timestamp(offset).ok_or_else(|| format!("{text} is no possible date and time"))?;
        return Ok((instant, line.get(end..).unwrap_or_default()));
    }
    Err(format!("holds no ISO 8601 instant: begin every line with one, like {EXAMPLE}"))
}

/// Something of an instant's shape, not yet known to be possible.
struct Found {
    length: usize,
    /// Year, month, day, hour, minute, second.
    fields: [u32; 6],
    /// Minutes east of UTC.
    offset: Option<i64>,
}

impl Found {
    fn timestamp(&self, offset: i64) -> Option<Timestamp> {
        let [year, month, day, hour, minute, second] = self.fields;
        // A leap second exists only as 23:59:60 of UTC; it is counted as the second after :59.
        let leap = second == 60;
        let second = if leap { 59 } else { second };
        let time = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?.and_hms_opt(hour, minute, second)?;
        let seconds = time.and_utc().timestamp() - offset * 60;
        if leap && seconds.rem_euclid(86_400) != 86_399 {
            return None;
        }
        Timestamp::from_seconds(seconds + i64::from(leap)).ok()
    }
}

/// Reads an instant from the very start of the bytes.
fn instant_at(bytes: &[u8]) -> Option<Found> {
    let mut cursor = Cursor { bytes, at: 0 };
    let year = cursor.digits(4)?;
    let dashes = cursor.take(b"-").is_some();
    let month = cursor.digits(2)?;
    if dashes {
        cursor.take(b"-")?;
    }
    let day = cursor.digits(2)?;
    cursor.take(if dashes { b"T " } else { b"T" })?;
    let hour = cursor.digits(2)?;
    let colons = cursor.take(b":").is_some();
    if colons != dashes {
        return None;
    }
    let minute = cursor.digits(2)?;
    let mut second = 0;
    if cursor.take(b":").is_some() || (!colons && cursor.peek().is_some_and(|b| b.is_ascii_digit())) {
        second = cursor.digits(2)?;
        cursor.fraction();
    }
    let offset = cursor.offset();
    cursor.ends_word().then_some(Found { length: cursor.at, fields: [year, month, day, hour, minute, second], offset })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, allowed: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| allowed.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + u32::from(self.take(b"0123456789")? - b'0')))
    }

    fn fraction(&mut self) {
        if self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit) && self.take(b".,").is_some() {
            while self.digits(1).is_some() {}
        }
    }

    /// `Z`, `+09:00`, `+0900` or `+09`; takes nothing where none of them stands.
    fn offset(&mut self) -> Option<i64> {
        let start = self.at;
        let sign = match self.take(b"Z+-")? {
            b'Z' => return Some(0),
            b'-' => -1,
            _ => 1,
        };
        let mut read = || {
            let hours = self.digits(2)?;
            let colon = self.take(b":").is_some();
            let minutes = if colon || self.peek().is_some_and(|b| b.is_ascii_digit()) { self.digits(2)? } else { 0 };
            // No place on Earth is further from UTC than 14 hours.
            (minutes < 60 && hours * 60 + minutes <= 14 * 60).then_some(sign * i64::from(hours * 60 + minutes))
        };
        let offset = read();
        if offset.is_none() {
            self.at = start;
        }
        offset
    }

    /// Whether the instant is a word of its own, not the beginning of a longer number or file name.
    fn ends_word(&self) -> bool {
        match self.bytes.get(self.at..).unwrap_or_default() {
            [b'.' | b'-', next, ..] => !next.is_ascii_alphanumeric(),
            [b',' | b'+' | b':' | b'/', next, ..] => !next.is_ascii_digit(),
            [next, ..] => !next.is_ascii_alphanumeric() && *next != b'_',
            [] => true,
        }
    }
}

/// Who spoke: the first word after the instant, or `Role (Name)`.
fn actor(rest: &str, phrase: &str) -> Option<String> {
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "[]():,;|-".contains(c));
    if rest.starts_with(phrase) {
        return None;
    }
    let mut words = rest.split_whitespace();
    let first = words.next()?;
    let name = first.trim_matches(WRAPPING);
    if !is_handle(name) {
        return None;
    }
    let person =
        words.next().and_then(|word| word.strip_prefix('(')?.trim_end_matches([':', ',', ';']).strip_suffix(')'));
    match person {
        Some(person) if first == name && is_handle(person) => Some(format!("{name} ({person})")),
        _ => Some(name.to_owned()),
    }
}

fn is_handle(word: &str) -> bool {
    word.len() <= MAX_HANDLE
        && word.starts_with(char::is_alphabetic)
        && word.chars().all(|c| c.is_alphanumeric() || "._-@+".contains(c))
        && !LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level))
}

/// Whether the phrase stands in the line as whole words.
fn contains_words(line: &str, phrase: &str) -> bool {
    let open = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    !phrase.is_empty()
        && line.match_indices(phrase).any(|(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            let after = line.get(at + phrase.len()..).and_then(|text| text.chars().next());
            open(before) && open(after)
        })
}

const EXAMPLE: &str = "2025-10-04T09:12:33+09:00";
const MAX_HANDLE: usize = 96;
const WRAPPING: &[char] = &['[', ']', '(', ')', ':', ',', ';'];
/// Words a logging library writes before the message; nobody is called so.
const LEVELS: &[&str] = &["trace", "debug", "info", "notice", "warn", "warning", "error", "fatal", "critical"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::Wanted;

    const PHRASE: &str = "Next Stage Ready";

    fn log(text: &str) -> Result<Facts, ReadError> {
        read(&Input {
            wanted: Wanted { phrase: Some(PHRASE), ..Wanted::default() },
            ..Input::plain("task.log", text.as_bytes())
        })
    }

    fn first(line: &str) -> String {
        log(line).unwrap()["first"].to_string()
    }

    fn spoken(line: &str) -> String {
        log(line).unwrap().get("phrase").map(Fact::to_string).unwrap_or_default()
    }

    #[test]
    fn every_spelling_of_an_instant_is_read() {
        let extended =
            "2025-10-04T00:12:33Z;2025-10-04T09:12:33+09:00 x;2025-10-04T09:12:33+0900;2025-10-04 09:12:33+09 x";
        let basic = "20251004T091233+0900: x;20251003T191233-05;20251004T001233.25Z";
        let wrapped = "[2025-10-04T09:12:33.999+09:00] x;- 2025-10-04T09:12:33,5+09:00 x;kim at 2025-10-04T00:12:33Z.;\
            at:2025-10-04T00:12:33Z,kim;2025-10-04T09:12:33+09:00에 승인;bk_20250101T000000Z.sql 2025-10-04T00:12:33Z";
        for line in [extended, basic, wrapped].iter().flat_map(|lines| lines.split(';')) {
            assert_eq!(first(line), "2025-10-04T00:12:33Z", "{line}");
        }
        assert_eq!(first("2025-10-04T09:12+09:00"), "2025-10-04T00:12:00Z");
        assert_eq!(first("20251004T0012Z"), "2025-10-04T00:12:00Z");
        assert_eq!(first("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00Z");
        assert_eq!(first("2017-01-01T08:59:60.5+09:00"), "2017-01-01T00:00:00Z");
        assert_eq!(first("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn impossible_or_unclear_instants_are_refused_by_line() {
        let impossible = "2025-02-29T00:00:00Z;2025-13-01T00:00:00Z;2025-10-04T24:00:00Z;2025-10-04T09:12:60Z;\
            2025-10-04T09:12:61Z;1969-12-31T23:59:59Z";
        let local = "2025-10-04T09:12:33 x;20251004T091233;2025-10-04 09:12;2025-10-04T09:12:33 2025-10-04T09:12:33Z";
        let unclear = "2025-10-04T09:12:33+15:00;2025-10-04T09:12:33+09:60;2025-1004T09:12:33Z;2025-10-04T0912Z;\
            2025-10-04T09:12:33Zulu;backup_20251004T001500Z.sql;20251004T001500Z.sql;2025-10-04 QA-KIM done;done;\
            2025-10-04T09:12:33Z/2025-10-05T09:12:33Z";
        let cases = [(impossible, "no possible"), (local, "no offset"), (unclear, "no ISO")];
        for (line, why) in cases.iter().flat_map(|(lines, why)| lines.split(';').map(move |line| (line, why))) {
            let error = log(&format!("2025-10-04T00:12:33Z ok\n{line}\n")).unwrap_err();
            assert_eq!(error.line, Some(2), "{line}");
            assert!(error.message.contains(why), "{line}: {error}");
        }
    }

    #[test]
    fn lines_that_are_no_entries_are_passed_over() {
        let text = "\u{feff}# Log\r\n\r\n```\r\n2025-10-04T09:00:00Z b\r\n  more\r\n\tmore\r\n| more\r\n2025-10-04T10:00:00+09:00 a\r\n~~~\r\n";
        let found = Fact::Group(log(text).unwrap()).to_string();
        assert_eq!(found, "{entries=2 first=2025-10-04T01:00:00Z last=2025-10-04T09:00:00Z}");
        for empty in ["", "# Log\n\n  2025-10-04T09:00:00Z\n"] {
            assert_eq!(log(empty).unwrap_err(), ReadError::whole("holds no entry"));
        }
    }

    #[test]
    fn the_last_line_with_the_phrase_speaks() {
        let text = "2025-10-04T09:00:00Z A Next Stage Ready\n2025-10-04T08:00:00Z B alpha, Next Stage Ready.\n2025-10-04T09:00:00Z C x\n";
        assert_eq!(spoken(text), "{actor=B at=2025-10-04T08:00:00Z line=2 text=Next Stage Ready}");
        for not in ["next stage ready", "Next  Stage Ready", "Next Stage Readyish", "unNext Stage Ready"] {
            assert_eq!(spoken(&format!("2025-10-04T09:00:00Z A {not}")), "", "{not}");
        }
        let wanted = Wanted { phrase: Some(""), ..Wanted::default() };
        let input = Input { wanted, ..Input::plain("a", b"2025-10-04T09:00:00Z A") };
        assert!(!read(&input).unwrap().contains_key("phrase"));
    }

    #[test]
    fn actors_are_handles_or_a_role_with_a_name() {
        for (rests, expected) in [
            (" QA-KIM alpha;] QA-KIM: alpha; [QA-KIM] alpha; | QA-KIM | alpha; - QA-KIM", Some("QA-KIM")),
            (" kim@acme.example, x", Some("kim@acme.example")),
            (" QA (김) ok; QA (김): ok;] QA (김)", Some("QA (김)")),
            (" QA: (Kim) ok; QA (Kim; QA (a/b)", Some("QA")),
            ("; INFO QA-KIM; 42 x; a/b x; Next Stage Ready", None),
        ] {
            for rest in rests.split(';') {
                assert_eq!(actor(rest, PHRASE).as_deref(), expected, "{rest}");
            }
        }
    }

    #[test]
    fn looks_like_needs_the_name_or_an_instant_in_front() {
        let looks = |name, text: &str| looks_like(&Input::plain(name, text.as_bytes()));
        assert!(looks("task_execution_20251004.log", "x"));
        assert!(looks("a.txt", "\n[2025-10-04T09:00:00Z] x"));
        assert!(!looks("a.txt", "x 2025-10-04T09:00:00Z"));
        assert!(!looks("a.txt", "2025-10-04T09:00:00 x"));
    }
}
