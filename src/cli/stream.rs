//! Output that is written while it is made, so that its length costs no memory.

use std::cell::RefCell;
use std::io::{self, Write};

use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use super::failure::Failure;

/// Why it ended early.
pub enum Cut {
    Unwritten(io::Error),
    Failed(Failure),
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        Self::Unwritten(error)
    }
}

impl From<Failure> for Cut {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Writes a JSON document with a list of entries. One that cannot be had ends the document where it is.
pub fn json_entries(
    out: &mut dyn Write,
    schema: String,
    entries: impl Iterator<Item = Result<serde_json::Value, Failure>>,
) -> Result<(), Cut> {
    let document = Document { entries: Members { members: RefCell::new(entries), failed: RefCell::default() }, schema };
    if let Err(error) = serde_json::to_writer_pretty(&mut *out, &document) {
        let failed = document.entries.failed.into_inner();
        return Err(failed.map_or_else(|| Cut::Unwritten(error.into()), Cut::Failed));
    }
    Ok(out.write_all(b"\n")?)
}

#[derive(Serialize)]
struct Document<L> {
    entries: L,
    schema: String,
}

/// Members made while they are written, and the failure that ended them.
struct Members<I> {
    members: RefCell<I>,
    failed: RefCell<Option<Failure>>,
}

impl<I: Iterator<Item = Result<serde_json::Value, Failure>>> Serialize for Members<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for member in &mut *self.members.borrow_mut() {
            let member = member.map_err(|failure| {
                self.failed.replace(Some(failure));
                S::Error::custom("it ends here")
            })?;
            list.serialize_element(&member)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(entries: Vec<Result<serde_json::Value, Failure>>) -> (String, Result<(), Cut>) {
        let mut out = Vec::new();
        let told = json_entries(&mut out, "s".to_owned(), entries.into_iter());
        (String::from_utf8(out).unwrap(), told)
    }

    #[test]
    fn it_is_what_a_document_made_at_once_would_be() {
        for entries in [Vec::new(), vec![json!({ "b": 1, "a": [] }), json!(2)]] {
            let at_once = serde_json::to_string_pretty(&json!({ "entries": entries, "schema": "s" })).unwrap();
            let (text, told) = written(entries.into_iter().map(Ok).collect());
            assert!(told.is_ok());
            assert_eq!(text, at_once + "\n");
        }
    }

    #[test]
    fn a_member_that_cannot_be_had_leaves_no_whole_document() {
        let (text, told) = written(vec![Ok(json!(1)), Err(Failure::unknown("gone")), Ok(json!(3))]);
        assert!(matches!(told, Err(Cut::Failed(failure)) if failure.message == "gone"));
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_err(), "{text}");
    }
}
