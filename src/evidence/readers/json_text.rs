//! JSON as it is written: the members of an object with their values still text, so that a decimal keeps
//! its digits and a name that stands twice is seen.
//!
//! Source: RFC 8259. `serde_json` checks the grammar and decodes texts; no number becomes floating point.

use serde::de::IgnoredAny;

use super::ReadError;
use super::bounds::short;
use crate::evidence::facts::{Fact, Facts, INTEGER_LIMIT};
use crate::evidence::quantity::Quantity;

/// Whether the text is one well-formed JSON value.
pub(super) fn check(text: &str) -> Result<(), ReadError> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| refused(&error))
}

/// What `serde_json` refuses, with its line and without a long quote of the file.
pub(super) fn refused(error: &serde_json::Error) -> ReadError {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let message = format!("is not the JSON it should be: {}", short(message));
    if error.line() == 0 { ReadError::whole(message) } else { ReadError::at(error.line(), message) }
}

/// The members of an object that [`check`] has passed, in their order; of any other value none.
pub(super) fn members(value: &str) -> Result<Vec<(String, &str)>, String> {
    let mut members = Vec::new();
    if !value.trim_start().starts_with('{') {
        return Ok(members);
    }
    let mut scan = Scan::default();
    let (mut start, mut colon) = (0, None);
    for (at, byte) in value.bytes().enumerate() {
        match (scan.take(byte), byte) {
            (1, b'{') => start = at + 1,
            (1, b':') => colon = colon.or(Some(at)),
            (1, b',') | (0, b'}') => {
                if let Some(colon) = colon.take() {
                    let name = value.get(start..colon).and_then(text).ok_or("has a name that is no text")?;
                    members.push((name, value.get(colon + 1..at).unwrap_or_default().trim()));
                    if members.len() > MAX_WIDTH {
                        return Err(format!("has an object of more than {MAX_WIDTH} members"));
                    }
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
        Some(twice) => Err(format!("gives {:?} twice", short(twice.first().copied().unwrap_or_default()))),
        None => Ok(members),
    }
}

/// The value of one member; a `null` counts as absent.
pub(super) fn member<'v>(members: &[(String, &'v str)], name: &str) -> Option<&'v str> {
    members.iter().find(|(known, value)| known == name && *value != "null").map(|(_, value)| *value)
}

/// A JSON text without its quotes and escapes.
pub(super) fn text(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// How deep in the value a byte stands, what stands in texts apart.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl Scan {
    /// The depth after the byte; none that counts inside a text.
    fn take(&mut self, byte: u8) -> usize {
        if self.in_text {
            self.in_text = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return usize::MAX;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.depth
    }
}

/// The scalar members of an object and of the objects in it, as facts in groups of the same names, so that
/// `a.b == 1` finds them. What is over a bound is left out, and a fact that is absent satisfies nothing:
/// the first [`MAX_MEMBERS`], outer ones before inner ones, to the depth of [`MAX_DEPTH`].
pub(super) fn scalars(object: &str) -> Result<Facts, String> {
    Scalars { left: MAX_MEMBERS, room: MAX_SPACE }.of(object, MAX_DEPTH)
}

struct Scalars {
    left: usize,
    room: usize,
}

impl Scalars {
    fn of(&mut self, object: &str, depth: usize) -> Result<Facts, String> {
        let mut facts = Facts::new();
        let members = members(object)?;
        for (name, value) in members.iter().filter(|(name, _)| is_name(name)) {
            let Some(fact) = scalar(value) else { continue };
            let space = SPACE_BESIDE + name.len() + fact.to_string().len();
            if self.left > 0 && space <= self.room {
                (self.left, self.room) = (self.left - 1, self.room - space);
                facts.insert(name.clone(), fact);
            }
        }
        for (name, value) in members.iter().filter(|(name, value)| is_name(name) && value.starts_with('{')) {
            let space = SPACE_BESIDE + name.len();
            if depth == 1 || self.left == 0 || space > self.room {
                continue;
            }
            self.room -= space;
            let inner = self.of(value, depth - 1)?;
            if inner.is_empty() {
                self.room += space;
            } else {
                facts.insert(name.clone(), Fact::Group(inner));
            }
        }
        Ok(facts)
    }
}

/// A name a policy can write in an `expect`.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.contains(|c: char| c == '.' || c.is_whitespace() || c.is_control())
}

fn scalar(value: &str) -> Option<Fact> {
    match value {
        "true" => Some(Fact::Bool(true)),
        "false" => Some(Fact::Bool(false)),
        _ if value.starts_with('"') => text(value)
            .filter(|text| text.chars().count() <= MAX_TEXT && !text.contains(char::is_control))
            .map(Fact::Text),
        _ => match value.parse::<i64>() {
            Ok(count) => Some(Fact::Int(count)).filter(|_| (-INTEGER_LIMIT..=INTEGER_LIMIT).contains(&count)),
            Err(_) => Quantity::of(value, "").as_ref().map(Fact::from),
        },
    }
}

/// Members are held in memory, and no object anybody looks a name up in has so many.
const MAX_WIDTH: usize = 200_000;
const MAX_MEMBERS: usize = 64;
const MAX_DEPTH: usize = 4;
const MAX_NAME: usize = 64;
const MAX_TEXT: usize = 200;
/// All facts of an entry must fit into one statement of 32 KiB. Beside its name and value, which grow to twice
/// their length where all of them must be escaped, a member takes quotes, a colon and a comma.
const MAX_SPACE: usize = 8 << 10;
const SPACE_BESIDE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars_of(object: &str) -> String {
        check(object).unwrap();
        Fact::Group(scalars(object).unwrap()).to_string()
    }

    #[test]
    fn members_keep_their_text() {
        let object = " { \"a\\u0062\" : 1.50 , \"c\":{\"d\":[1,\"}\\\\\\\"\"]},\"e\" : \"x,y:{\" , \"\":null }";
        check(object).unwrap();
        let found = members(object).unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(found, [("ab", "1.50"), ("c", "{\"d\":[1,\"}\\\\\\\"\"]}"), ("e", "\"x,y:{\""), ("", "null")]);
        for none in ["{}", "{ }", "[{\"a\":1}]", "1", "\"{\""] {
            assert_eq!(members(none).unwrap(), [], "{none}");
        }
        assert_eq!(members("{\"a\":1,\"b\":2,\"\\u0061\":3}").unwrap_err(), "gives \"a\" twice");
        assert_eq!(members("{\"\\ud800\":1}").unwrap_err(), "has a name that is no text");
        let wide: String = (0..=MAX_WIDTH).map(|n| format!(",\"{n}\":1")).collect();
        assert!(members(&format!("{{{}}}", &wide[1..])).unwrap_err().contains("more than 200000 members"));
        assert_eq!(member(&members("{\"a\":null,\"b\":1}").unwrap(), "a"), None);
    }

    #[test]
    fn scalars_are_exact_and_in_groups() {
        let object = "{\"status\":\"ok\",\"up\":true,\"n\":-3,\"rate\":0.10,\"db\":{\"state\":\"ok\",\"lag\":12.50,\"none\":{}},\
            \"big\":9007199254740993,\"exp\":1e5,\"null\":null,\"list\":[1],\"a.b\":1,\"a b\":1,\"\":1,\"bell\":\"\\u0007\"}";
        assert_eq!(scalars_of(object), "{db={lag=12.5 state=ok} n=-3 rate=0.1 status=ok up=true}");
        assert_eq!(scalars(object).unwrap()["rate"], Fact::from("0.1"));
        assert_eq!(scalars_of("{\"a\":{\"b\":{\"c\":{\"d\":1,\"e\":{\"f\":1}}}}}"), "{a={b={c={d=1}}}}");
        assert!(scalars("{\"a\":{\"b\":1,\"b\":2}}").is_err());
    }

    #[test]
    fn what_is_over_a_bound_is_left_out() {
        let wide: String = (10..90).map(|n| format!("\"k{n}\":{{\"x\":1}},\"n{n}\":1,")).collect();
        let facts = scalars(&format!("{{{wide}\"z\":1}}")).unwrap();
        assert_eq!(facts.len(), 64);
        assert!(facts.contains_key("n73") && !facts.contains_key("n74") && !facts.contains_key("k10"));
        assert_eq!(
            scalars_of(&format!("{{\"a\":\"{}\",\"b\":\"{}\"}}", "가".repeat(200), "가".repeat(201))).len(),
            604
        );
        let large: String =
            (10..74).map(|n| format!("\"{}{n}\":\"{}\",", "\\\"".repeat(31), "\\\"".repeat(200))).collect();
        let facts = scalars(&format!("{{{large}\"z\":1}}")).unwrap();
        assert!(facts.contains_key("z") && facts.len() > 10);
        assert!(serde_json::to_string(&facts).unwrap().len() < 17 << 10);
        let groups: String = (10..74).map(|n| format!("\"{}{n}\":{{\"a\":{{\"b\":1}}}},", "\\\"".repeat(60))).collect();
        let facts = scalars(&format!("{{{groups}\"z\":1}}")).unwrap();
        assert!(facts.len() > 60 && serde_json::to_string(&facts).unwrap().len() < 17 << 10);
    }

    #[test]
    fn what_is_no_json_is_refused_by_line() {
        assert_eq!(
            check("{\n\"a\": 01}").unwrap_err().to_string(),
            "line 2: is not the JSON it should be: invalid number"
        );
        for bad in ["", "{", "{\"a\":1,}", "[1 2]", "nul", "{} {}", "\u{feff}{}", "{\"a\":NaN}"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"[".repeat(1_000_000)).is_err());
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        check(&deep).unwrap();
        assert_eq!(scalars(&deep).unwrap(), Facts::new());
        let long = serde_json::from_str::<u8>(&format!("\"{}\"", "x".repeat(9999))).unwrap_err();
        assert!(refused(&long).message.len() < 200);
    }
}
