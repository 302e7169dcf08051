//! One row of a plan as done or skipped: what `ledger plan done` and `ledger plan skip` record.
//!
//! Its schema is `schemas/plan-step.schema.json`. It is written by the ledger alone and has one spelling.

use serde::{Deserialize, Serialize};

use super::super::bounds::cut;
use super::super::json;
use super::super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::id::{Digest, Timestamp};

pub(in super::super) const READER: Reader = Reader {
    format: FORMAT,
    about: "one row of a plan as done or skipped, written by ledger plan done and ledger plan skip",
    facts: &["plan", "row", "state", "at", "note"],
    looks_like,
    read,
};

/// The format of a row that was done or skipped.
pub const FORMAT: &str = "plan-step";

/// What became of one row of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    schema: String,
    /// SHA-256 of the plan's file.
    pub plan: Digest,
    /// Counted from 1.
    pub row: u32,
    pub state: Mark,
    /// When it was done, or when it was decided to skip it.
    pub at: Timestamp,
    /// A remark; why, where it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    Done,
    Skipped,
}

impl Mark {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
        }
    }
}

impl Marked {
    /// The error says what is wrong with the note or the row.
    pub fn new(plan: Digest, row: u32, state: Mark, at: Timestamp, note: Option<String>) -> Result<Self, String> {
        let marked = Self { schema: SCHEMA.to_owned(), plan, row, state, at, note };
        marked.check().map(|()| marked)
    }

    /// The one spelling of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text.into_bytes()
    }

    /// What the facts of an entry say; `None` where they say something else than a row's mark.
    pub fn of_facts(facts: &Facts) -> Option<Self> {
        let text = |name: &str| match facts.get(name) {
            Some(Fact::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let Some(Fact::Int(row)) = facts.get("row") else { return None };
        let state = match text("state")?.as_str() {
            "done" => Mark::Done,
            "skipped" => Mark::Skipped,
            _ => return None,
        };
        let (plan, at) = (Digest::parse(&text("plan")?).ok()?, Timestamp::parse(&text("at")?).ok()?);
        Self::new(plan, u32::try_from(*row).ok()?, state, at, text("note")).ok()
    }

    fn check(&self) -> Result<(), String> {
        let note = self.note.as_deref();
        let says_something = note.is_some_and(|note| !note.trim().is_empty());
        match self.state {
            _ if self.schema != SCHEMA => Err(format!("its schema is {:?}, not {SCHEMA}", cut(&self.schema, 100))),
            _ if self.row == 0 => Err("rows are counted from 1".to_owned()),
            _ if note.is_some_and(|note| note.chars().count() > MAX_NOTE) => {
                Err(format!("its note has more than {MAX_NOTE} characters"))
            }
            Mark::Skipped if !says_something => Err("a skipped row needs a reason".to_owned()),
            _ if note.is_some() && !says_something => Err("its note is empty".to_owned()),
            _ => Ok(()),
        }
    }
}

fn looks_like(input: &Input<'_>) -> bool {
    input.bytes.len() <= MAX_BYTES && std::str::from_utf8(input.bytes).is_ok_and(|text| text.contains(SCHEMA))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    if input.bytes.len() > MAX_BYTES {
        return Err(ReadError::whole("is larger than 16 KiB, too large for one row's mark"));
    }
    let marked: Marked = serde_json::from_slice(input.bytes).map_err(|error| json::syntax(&error))?;
    marked.check().map_err(ReadError::whole)?;
    if marked.to_bytes() != input.bytes {
        return Err(ReadError::whole("is not spelt as ledger plan done writes it"));
    }
    let mut facts = Facts::from([
        ("plan".to_owned(), Fact::Text(marked.plan.to_string())),
        ("row".to_owned(), Fact::Int(i64::from(marked.row))),
        ("state".to_owned(), Fact::from(marked.state.word())),
        ("at".to_owned(), Fact::Text(marked.at.to_string())),
    ]);
    facts.extend(marked.note.map(|note| ("note".to_owned(), Fact::Text(note))));
    Ok(facts)
}

const SCHEMA: &str = "https://github.com/evidence-ledger/ledger/schemas/plan-step/v0.1";
/// Characters of a note.
const MAX_NOTE: usize = 400;
const MAX_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(state: Mark, note: Option<&str>) -> Result<Marked, String> {
        let at = Timestamp::parse("2025-10-06T01:20:00Z").unwrap();
        Marked::new(Digest::of(b"plan"), 7, state, at, note.map(str::to_owned))
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for (state, note) in [(Mark::Done, None), (Mark::Done, Some("구 서버")), (Mark::Skipped, Some("no migration"))]
        {
            let marked = marked(state, note).unwrap();
            let bytes = marked.to_bytes();
            let input = Input::plain("plan-step-7.json", &bytes);
            assert!(looks_like(&input));
            assert_eq!(Marked::of_facts(&read(&input).unwrap()), Some(marked));
        }
    }

    #[test]
    fn what_says_too_little_or_too_much_is_no_mark() {
        assert_eq!(marked(Mark::Skipped, None), Err("a skipped row needs a reason".to_owned()));
        assert!(marked(Mark::Skipped, Some(" ")).is_err() && marked(Mark::Done, Some("")).is_err());
        assert!(marked(Mark::Done, Some(&"가".repeat(401))).is_err());
        let good = String::from_utf8(marked(Mark::Done, None).unwrap().to_bytes()).unwrap();
        for (bad, why) in [
            (good.replace("\"row\": 7", "\"row\": 0"), "counted from 1"),
            (good.replace("\"row\": 7", "\"row\": -7"), "invalid value"),
            (good.replace("\"row\"", "\"rows\""), "unknown field"),
            (good.replace("\"done\"", "\"skipped\""), "needs a reason"),
            (good.replace("\"done\"", "\"late\""), "unknown variant"),
            (good.replace("v0.1", "v0.2"), "its schema is"),
            (good.replace("01:20:00Z", "01:20:00+00:00"), "expected UTC"),
            (good.replace("\n", "\r\n"), "not spelt as"),
            (good.replace("\"row\": 7", "\"row\": 7, \"row\": 8"), "duplicate field"),
            (good.clone() + "{}", "is no JSON"),
            (" ".repeat(MAX_BYTES + 1), "larger than 16 KiB"),
        ] {
            let error = read(&Input::plain("a", bad.as_bytes())).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn facts_that_are_no_mark_are_none() {
        let bytes = marked(Mark::Done, Some("x")).unwrap().to_bytes();
        let good = read(&Input::plain("a", &bytes)).unwrap();
        for name in ["plan", "row", "state", "at"] {
            let mut facts = good.clone();
            facts.insert(name.to_owned(), Fact::Bool(true));
            assert_eq!(Marked::of_facts(&facts), None, "{name}");
        }
    }
}
