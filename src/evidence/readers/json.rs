//! Values of any JSON document, each found by its pointer.
//!
//! Sources: RFC 8259 (JSON) and RFC 6901 (JSON Pointer). No number passes through floating point.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::bounds;
use super::values::{self, MAX_TEXT, integer, short};
use super::{Input, OTHERS, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::quantity::Quantity;

pub(super) const READER: Reader = Reader {
    format: "json",
    about: "values of a JSON document, each by its pointer: values = { p95 = \"/latency/p95\" }",
    facts: &[OTHERS],
    // Much is JSON; what is looked for, only a rule can say.
    looks_like: |_| false,
    read,
};

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    bounds::check_size(input.bytes, bounds::MAX_BYTES, "a JSON document")?;
    let values = values::wanted(input, &READER, check_place)?;
    if values.is_empty() {
        return Err(ReadError::whole("gives the facts it is asked for, and nothing was asked: name a value"));
    }
    let text = bounds::decode(input.bytes, "a JSON document")?;
    let mut root = Node::default();
    for (index, (_, pointer)) in values.iter().enumerate() {
        root.add(pointer, index)?;
    }
    let mut found: Vec<Option<Found>> = values.iter().map(|_| None).collect();
    let mut parser = serde_json::Deserializer::from_str(&text);
    let parsed = Look { node: &root, found: &mut found }.deserialize(&mut parser).and_then(|()| parser.end());
    parsed.map_err(|error| syntax(&error))?;
    let mut facts = Facts::new();
    for ((name, pointer), found) in values.iter().zip(found) {
        let (name, fact) = match found {
            Some(Found::Scalar(fact)) => (name.clone(), fact),
            Some(Found::Count(count)) => (format!("{name}_count"), Fact::from(count)),
            None => return Err(ReadError::whole(format!("{} leads to nothing", short(pointer)))),
        };
        if facts.insert(name, fact).is_some() {
            return Err(ReadError::whole(format!("{}: two values give one fact", short(pointer))));
        }
    }
    Ok(facts)
}

/// Whether a place is a JSON pointer that could lead anywhere (RFC 6901, section 3).
pub(super) fn check_place(pointer: &str) -> Result<(), String> {
    tokens(pointer).map(drop)
}

fn tokens(pointer: &str) -> Result<Vec<String>, String> {
    let wrong = |why: &str| format!("{:?} is no JSON pointer: {why}", short(pointer));
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(path) = pointer.strip_prefix('/') else { return Err(wrong("it begins with /, like /latency/p95")) };
    let tokens: Vec<&str> = path.split('/').collect();
    if tokens.len() > MAX_DEPTH {
        return Err(wrong(&format!("it has more than {MAX_DEPTH} parts")));
    }
    let unescape = |token: &str| {
        let plain = token.replace("~0", "").replace("~1", "");
        (!plain.contains('~')).then(|| token.replace("~1", "/").replace("~0", "~"))
    };
    tokens
        .into_iter()
        .map(|token| unescape(token).ok_or_else(|| wrong("~ is written ~0, and / is written ~1")))
        .collect()
}

/// What is looked for below one place of the document.
#[derive(Default)]
struct Node {
    below: BTreeMap<String, Node>,
    /// The values that are found right here.
    here: Vec<usize>,
}

impl Node {
    fn add(&mut self, pointer: &str, index: usize) -> Result<(), ReadError> {
        let tokens = tokens(pointer).map_err(ReadError::whole)?;
        let end = tokens.into_iter().fold(self, |node, token| node.below.entry(token).or_default());
        end.here.push(index);
        Ok(())
    }
}

#[derive(Clone)]
enum Found {
    Scalar(Fact),
    /// Items of an array, members of an object.
    Count(usize),
}

/// Goes down the document along the pointers, past everything else, in one pass.
struct Look<'n> {
    node: &'n Node,
    found: &'n mut Vec<Option<Found>>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        if self.node.here.is_empty() {
            return parser.deserialize_any(self);
        }
        let raw = <&RawValue>::deserialize(parser)?;
        let here = found(raw.get()).map_err(D::Error::custom)?;
        for index in &self.node.here {
            if let Some(place) = self.found.get_mut(*index) {
                *place = Some(here.clone());
            }
        }
        if !self.node.below.is_empty() {
            serde_json::Deserializer::from_str(raw.get()).deserialize_any(self).map_err(D::Error::custom)?;
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while let Some(key) = members.next_key::<String>()? {
            let Some((key, node)) = self.node.below.get_key_value(&key) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            // Readers differ in which of two they believe (RFC 8259, section 4).
            if !seen.insert(key) {
                return Err(A::Error::custom(format!("there are two members {:?}", short(key))));
            }
            members.next_value_seed(Look { node, found: &mut *self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let index = |token: &String| token.parse::<usize>().ok().filter(|index| index.to_string() == *token);
        let below: BTreeMap<usize, &Node> =
            self.node.below.iter().filter_map(|(token, node)| Some((index(token)?, node))).collect();
        for index in 0.. {
            let more = match below.get(&index) {
                Some(node) => items.next_element_seed(Look { node, found: &mut *self.found })?.is_some(),
                None => items.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    // Nothing lies below a scalar.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

fn found(raw: &str) -> Result<Found, String> {
    if !raw.starts_with(['[', '{']) {
        return scalar(raw).map(Found::Scalar);
    }
    let counted = serde_json::Deserializer::from_str(raw).deserialize_any(CountVisitor);
    counted.map(Found::Count).map_err(|error| plain(&error))
}

/// A boolean, number or string as it stands in a document.
pub(super) fn scalar(raw: &str) -> Result<Fact, String> {
    match raw.bytes().next() {
        Some(b't') => Ok(Fact::Bool(true)),
        Some(b'f') => Ok(Fact::Bool(false)),
        Some(b'n') => Err("null is no value".to_owned()),
        Some(b'[' | b'{') => Err("an array or object is no single value".to_owned()),
        Some(b'"') => {
            let text: Cow<'_, str> = serde_json::from_str(raw).map_err(|error| plain(&error))?;
            let length = text.chars().count();
            if length > MAX_TEXT {
                return Err(format!("a text has {length} characters, more than the {MAX_TEXT} of a fact"));
            }
            Ok(Fact::from(&*text))
        }
        _ => number(raw),
    }
}

/// A number digit for digit: an integer, or a decimal as text.
fn number(raw: &str) -> Result<Fact, String> {
    if let Some(number) = integer(raw) {
        return Ok(Fact::Int(number));
    }
    let too_long = || format!("the number {} has more digits than a fact can", short(raw));
    let Some((mantissa, exponent)) = raw.split_once(['e', 'E']) else {
        return Quantity::parse(raw).map(|_| Fact::from(raw)).ok_or_else(too_long);
    };
    shifted(mantissa, exponent).as_ref().map(Fact::from).ok_or_else(too_long)
}

/// A decimal whose point has moved: 1.5e-3 is 0.0015.
fn shifted(mantissa: &str, exponent: &str) -> Option<Quantity> {
    let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.abs() <= MAX_EXPONENT)?;
    let (sign, number) = mantissa.strip_prefix('-').map_or(("", mantissa), |number| ("-", number));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let by = usize::try_from(exponent.unsigned_abs()).ok()?;
    let zeros = "0".repeat(by);
    let (whole, part) = match exponent {
        0.. => {
            let part = format!("{part}{zeros}");
            let (moved, rest) = part.split_at_checked(by)?;
            (format!("{whole}{moved}"), rest.to_owned())
        }
        _ => {
            let whole = format!("{zeros}{whole}");
            let (rest, moved) = whole.split_at_checked(whole.len().checked_sub(by)?)?;
            (rest.to_owned(), format!("{moved}{part}"))
        }
    };
    let whole = whole.trim_start_matches('0');
    Quantity::parse(&format!("{sign}0{whole}.{part}0"))
}

/// Counts items or members; two members of one name are one too many.
struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<usize, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some((key, _)) = members.next_entry::<String, IgnoredAny>()? {
            if seen.len() == MAX_MEMBERS {
                return Err(A::Error::custom(format!("an object has more than {MAX_MEMBERS} members")));
            }
            if let Some(key) = seen.replace(key) {
                return Err(A::Error::custom(format!("there are two members {:?}", short(&key))));
            }
        }
        Ok(seen.len())
    }
}

/// What is wrong with a document, and where.
pub(super) fn syntax(error: &serde_json::Error) -> ReadError {
    let message = plain(error);
    match error.classify() {
        serde_json::error::Category::Data => ReadError::at(error.line().max(1), message),
        _ => ReadError::at(error.line().max(1), format!("is no JSON: {message}")),
    }
}

/// The message without the place, which serde_json appends, and without the end of a long name in it.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).chars().take(MAX_MESSAGE).collect()
}

/// Parts of a pointer; each is one call deeper.
const MAX_DEPTH: usize = 32;
/// Further, no decimal of a fact reaches.
const MAX_EXPONENT: i32 = 40;
const MAX_MESSAGE: usize = 200;
/// The names of all members are kept while they are counted.
const MAX_MEMBERS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::Wanted;

    fn look(text: &str, places: &[&str]) -> Result<Facts, ReadError> {
        let names = ["a", "b", "c", "d"].into_iter();
        let values: Vec<(String, String)> = names.zip(places).map(|(n, p)| (n.to_owned(), (*p).to_owned())).collect();
        read(&Input {
            wanted: Wanted { values: &values, ..Wanted::default() },
            ..Input::plain("a.json", text.as_bytes())
        })
    }

    #[track_caller]
    fn fact(text: &str, place: &str) -> Fact {
        look(text, &[place]).unwrap().remove("a").unwrap()
    }

    #[track_caller]
    fn refused(text: &str, place: &str, why: &str) {
        let error = look(text, &[place]).unwrap_err().to_string();
        assert!(error.contains(why) && error.len() < 300, "{text} {place}: {error}");
    }

    const HEALTH: &str = "{\"status\": \"ok\", \"checks\": [{\"name\": \"db\", \"up\": true, \"ms\": 3.50}, {}],\n \
        \"a/b\": {\"~\": 7, \"\": -1}, \"none\": null, \"n\": 12}";

    #[test]
    fn a_pointer_leads_to_one_value() {
        let found = look(HEALTH, &["/status", "/checks/0/up", "/checks/0/ms", "/checks"]).unwrap();
        let text = Fact::Group(found).to_string();
        assert_eq!(text, "{a=ok b=true c=3.50 d_count=2}");
        assert_eq!((fact(HEALTH, "/a~1b/~0"), fact(HEALTH, "/a~1b/")), (Fact::Int(7), Fact::Int(-1)));
        assert_eq!(look(HEALTH, &[""]).unwrap()["a_count"], Fact::Int(5));
        assert_eq!(fact(" 12 ", ""), Fact::Int(12));
        let both = look(HEALTH, &["/checks", "/checks/0", "/checks/0/name", "/n"]).unwrap();
        assert_eq!(Fact::Group(both).to_string(), "{a_count=2 b_count=3 c=db d=12}");
        let wide: Vec<u8> = "\u{feff}[3]".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let values = [("a".to_owned(), "/0".to_owned())];
        let wanted = Wanted { values: &values, ..Wanted::default() };
        assert_eq!(read(&Input { wanted, ..Input::plain("a", &wide) }).unwrap()["a"], Fact::Int(3));
    }

    #[test]
    fn a_pointer_that_leads_nowhere_is_refused() {
        for place in ["/Status", "/checks/2", "/checks/00", "/checks/-", "/n/x", "/status/0", "/none/x", "/a"] {
            refused(HEALTH, place, "leads to nothing");
        }
        refused(HEALTH, "/none", "null");
        for (place, why) in [("status", "begins with /"), ("/a~b", "~0"), ("/~", "~0"), (&"/a".repeat(33), "32 parts")]
        {
            refused(HEALTH, place, why);
            assert!(check_place(place).is_err(), "{place}");
        }
        assert!(look(HEALTH, &[]).unwrap_err().message.contains("name a value"));
    }

    #[test]
    fn numbers_keep_every_digit() {
        for (raw, fact) in [
            ("9007199254740992", Fact::Int(9_007_199_254_740_992)),
            ("9007199254740993", Fact::from("9007199254740993")),
            ("0.1", Fact::from("0.1")),
            ("1.50", Fact::from("1.50")),
            ("0.30000000000000004", Fact::from("0.30000000000000004")),
            ("1.5e-3", Fact::from("0.0015")),
            ("-12E+2", Fact::from("-1200")),
            ("1.25e1", Fact::from("12.5")),
            ("1e-7", Fact::from("0.0000001")),
        ] {
            assert_eq!(fact_of(raw), Ok(fact), "{raw}");
        }
        for long in ["1e99", "1e-30", "1e999999999999", "1234567890123456789", "3.14159265358979323846"] {
            refused(&format!("{{\"a\": {long}}}"), "/a", "more digits");
        }
    }

    fn fact_of(raw: &str) -> Result<Fact, String> {
        look(&format!("[{raw}]"), &["/0"]).map(|facts| facts["a"].clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn two_members_of_one_name_are_refused_where_they_matter() {
        refused("{\"a\": 1,\n\"a\": 2}", "/a", "line 2: there are two members \"a\"");
        refused("{\"a\": {\"b\": 1}, \"\\u0061\": {\"b\": 2}}", "/a/b", "two members");
        refused("{\"x\": {\"a\": 1, \"a\": 2}}", "/x", "two members");
        assert_eq!(fact("{\"a\": 1, \"x\": 1, \"x\": 2}", "/a"), Fact::Int(1));
    }

    #[test]
    fn what_is_no_whole_document_is_refused() {
        for text in ["", "{", "{\"a\": 1", "{\"a\": 1} x", "{\"a\": 1}{}", "{'a': 1}", "{\"a\": 01}", "{\"a\": NaN}"] {
            refused(text, "/a", "line 1: is no JSON");
        }
        refused("{\"a\": 1,\n \"b\": [}", "/a", "line 2: is no JSON");
        refused("{\"a\": \"\\ud800\"}", "/a", "");
        refused(&format!("{{\"a\": \"{}\"}}", "가".repeat(401)), "/a", "401 characters");
        assert!(look(&format!("{{\"a\": \"{}\"}}", "가".repeat(400)), &["/a"]).is_ok());
        assert!(read(&Input::plain("a", b"\xC0")).is_err());
    }

    #[test]
    fn hostile_documents_end_quickly() {
        for unit in ["[", "{\"a\":", "[[],", "\"", "1", "{\"a\":{}},"] {
            assert!(look(&unit.repeat(5_000_000 / unit.len()), &["/a/a/a", "/0/0", ""]).is_err(), "{unit}");
        }
        let deep = format!("{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(look(&deep, &["/0"]).unwrap()["a_count"], Fact::Int(1));
        let wide = format!("[{}0]", "0,".repeat(2_000_000));
        assert_eq!(look(&wide, &[""]).unwrap()["a_count"], Fact::Int(2_000_001));
        let members: String = (0..=100_000).map(|n| format!("\"{n}\":0,")).collect();
        refused(&format!("{{{members}\"x\":0}}"), "", "more than 100000 members");
    }
}
