//! What the readers share whose facts are named by the file or by the rule: how such a fact may be
//! called, and what a text found for it becomes.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use super::bounds::cut;
use super::{FROM_ELSEWHERE, Input, PlaceCheck, ReadError, Reader};
use crate::evidence::facts::{Fact, INTEGER_LIMIT};
use crate::evidence::quantity::Quantity;

/// Whether a fact may have a name: a word in lower case that no one else gives to a fact.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let is_word = starts && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !is_word || name.len() > MAX_NAME {
        return Err(format!(
            "{:?} is no fact's name: use small letters, digits and _, at most {MAX_NAME}",
            short(name)
        ));
    }
    if FROM_ELSEWHERE.contains(&name) {
        return Err(format!("only the ledger itself gives the fact {name:?}"));
    }
    Ok(())
}

/// What the rule names itself, checked by name and by place: at most [`MAX_VALUES`], each name once.
pub(super) fn wanted<'w>(
    input: &Input<'w>,
    reader: &Reader,
    check_place: PlaceCheck,
) -> Result<&'w [(String, String)], ReadError> {
    let values = input.wanted.values;
    if values.len() > MAX_VALUES {
        return Err(ReadError::whole(format!("no more than {MAX_VALUES} values can be asked of one file")));
    }
    let mut names: BTreeSet<&str> = reader.facts.iter().copied().collect();
    for (name, place) in values {
        let whole = |message: String| ReadError::whole(format!("the value {}: {message}", short(name)));
        check_name(name).and_then(|()| check_place(place)).map_err(whole)?;
        if !names.insert(name) {
            return Err(whole("there is another fact of this name".to_owned()));
        }
    }
    Ok(values)
}

/// A text as a fact: an integer, a quantity in its one spelling, or the text as it stands.
pub(super) fn typed(text: &str) -> Result<Fact, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("holds nothing".to_owned());
    }
    let length = text.chars().count();
    if length > MAX_TEXT {
        return Err(format!("holds {length} characters, more than the {MAX_TEXT} of a fact"));
    }
    if let Some(number) = integer(text) {
        return Ok(Fact::Int(number));
    }
    // Without a unit it may be a version (1.10), with a letter behind it a commit (1234567d).
    let is_commit = length >= SHORT_COMMIT && text.bytes().all(|b| b.is_ascii_hexdigit());
    let quantity = Quantity::parse(text).filter(|quantity| quantity.has_known_unit() && !is_commit);
    Ok(quantity.map_or_else(|| Fact::from(text), |quantity| Fact::from(&quantity)))
}

/// An integer in its only spelling: `007` and `+7` are texts.
pub(super) fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text && (-INTEGER_LIMIT..=INTEGER_LIMIT).contains(&number)).then_some(number)
}

/// A name from a file as a rule can speak of it (`by_label.needs_triage`): without blanks and points,
/// which end a fact's name. `None` when nothing is left of it.
pub(super) fn group_name(text: &str) -> Option<String> {
    let composed: String = text.nfc().collect();
    let words: Vec<&str> = composed.split(|c: char| c.is_whitespace() || c == '.').filter(|w| !w.is_empty()).collect();
    let name = words.join("_");
    (!name.is_empty()).then(|| cut(&name, MAX_GROUP_NAME).into_owned())
}

/// A text of the file, short enough for an error.
pub(super) fn short(text: &str) -> String {
    cut(text, MAX_SHOWN).into_owned()
}

/// Names found in a file, as an error shows them.
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<String> = names.take(MAX_LISTED + 1).map(short).collect();
    if names.len() > MAX_LISTED {
        names.truncate(MAX_LISTED);
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// Texts are compared whichever way their accents are written; what is stored keeps its bytes.
pub(super) fn same(one: &str, other: &str) -> bool {
    one == other || (!(one.is_ascii() && other.is_ascii()) && one.nfc().eq(other.nfc()))
}

const MAX_NAME: usize = 64;
/// All facts of an entry must fit into one statement.
const MAX_VALUES: usize = 100;
/// Characters of a fact that is a text.
pub(super) const MAX_TEXT: usize = 400;
const MAX_GROUP_NAME: usize = 40;
/// Hex digits of the shortest name Git gives a commit.
const SHORT_COMMIT: usize = 7;
const MAX_SHOWN: usize = 40;
const MAX_LISTED: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::{Wanted, file};

    #[test]
    fn a_name_is_a_word_that_is_free() {
        for good in ["p95", "ram_gb", &"a".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "P95", "5p", "_a", "a-b", "a.b", "a b", "é", "exit", "changed_since", &"a".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_are_named_once_and_never_like_a_fact_of_the_reader() {
        let check = |values: &[(&str, &str)]| {
            let values: Vec<(String, String)> = values.iter().map(|(n, p)| ((*n).into(), (*p).into())).collect();
            let input = Input { wanted: Wanted { values: &values, ..Wanted::default() }, ..Input::plain("a", b"a") };
            let place = |place: &str| if place == "bad" { Err("no place".to_owned()) } else { Ok(()) };
            wanted(&input, &file::READER, place).map(<[_]>::len).map_err(|error| error.to_string())
        };
        assert_eq!(check(&[("a", "x"), ("b", "x")]), Ok(2));
        let twice = "there is another fact of this name";
        assert_eq!(check(&[("a", "x"), ("a", "y")]), Err(format!("the value a: {twice}")));
        assert_eq!(check(&[("bytes", "x")]), Err(format!("the value bytes: {twice}")));
        assert_eq!(check(&[("a", "bad")]), Err("the value a: no place".to_owned()));
        assert!(check(&[("exit", "x")]).is_err());
        let many: Vec<(String, String)> = (0..101).map(|n| (format!("a{n}"), "x".to_owned())).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, place)| (name.as_str(), place.as_str())).collect();
        assert_eq!((check(&many[..100]), check(&many).is_err()), (Ok(100), true));
    }

    #[test]
    fn a_text_becomes_what_it_wholly_is() {
        for (text, fact) in [
            (" 12 ", Fact::Int(12)),
            ("-3", Fact::Int(-3)),
            ("99.90%", Fact::from("99.9 %")),
            ("200ms", Fact::from("200 ms")),
            ("12 d", Fact::from("12 d")),
            ("1.10", Fact::from("1.10")),
            ("007", Fact::from("007")),
            ("+7", Fact::from("+7")),
            ("9007199254740993", Fact::from("9007199254740993")),
            ("1234567d", Fact::from("1234567d")),
            ("12 req", Fact::from("12 req")),
            ("90-100%", Fact::from("90-100%")),
        ] {
            assert_eq!(typed(text), Ok(fact), "{text}");
        }
        assert!(typed(" ").is_err() && typed(&"가".repeat(400)).is_ok() && typed(&"가".repeat(401)).is_err());
    }

    #[test]
    fn what_errors_and_groups_show_is_bounded() {
        assert_eq!(group_name(" Needs  triage. now ").as_deref(), Some("Needs_triage_now"));
        assert_eq!((group_name(" . "), group_name("e\u{301}").as_deref()), (None, Some("é")));
        assert_eq!(group_name(&"가".repeat(41)).unwrap().chars().count(), 41);
        assert_eq!(short(&"가".repeat(41)), "가".repeat(40) + "…");
        assert_eq!(listed(["a", "b"].into_iter()), "a, b");
        assert!(listed(["a"; 13].into_iter()).ends_with("a, …"));
        assert!(same("é", "e\u{301}") && !same("e", "é") && !same("a", "A"));
    }
}
