//! Facts from anybody's own tool: the JSON document `docs/readers.md` describes.
//!
//! Its schema is `schemas/own-facts.schema.json`. What the schema cannot say is checked here: one value
//! a name, and no more than one statement can carry.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::bounds::{self, MAX_LIST};
use super::values::{MAX_TEXT, check_name, short};
use super::{Input, OTHERS, ReadError, Reader, json};
use crate::evidence::facts::{Fact, Facts, INTEGER_LIMIT};

pub(super) const READER: Reader = Reader {
    format: "facts",
    about: "facts in the ledger's own JSON, from a reader of your own",
    facts: &["tool", OTHERS],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let head = String::from_utf8_lossy(input.bytes.get(..HEAD).unwrap_or(input.bytes));
    head.trim_start_matches('\u{feff}').trim_start().starts_with('{') && head.contains(SCHEMA)
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_within(input.bytes, MAX_LIST, "facts")?;
    let Document { schema, tool, facts: Own(Group(own)) } =
        serde_json::from_str(&text).map_err(|error| json::syntax(&error))?;
    if schema != SCHEMA {
        return Err(ReadError::whole(format!("its schema is {:?}, not {SCHEMA}", short(&schema))));
    }
    if own.is_empty() {
        return Err(ReadError::whole("holds no fact"));
    }
    let tool =
        Facts::from([("name".to_owned(), Fact::Text(tool.name.0)), ("version".to_owned(), Fact::Text(tool.version.0))]);
    let mut facts = own;
    facts.insert("tool".to_owned(), Fact::Group(tool));
    Ok(facts)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    tool: Tool,
    facts: Own,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: Word,
    version: Word,
}

/// What a tool is called by.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        let word = String::deserialize(parser)?;
        match word.chars().count() {
            1..=MAX_WORD => Ok(Self(word)),
            _ => Err(D::Error::custom(format!("a tool's name and version have 1 to {MAX_WORD} characters"))),
        }
    }
}

/// The facts themselves, whose names a rule must be able to speak of.
struct Own(Group);

impl<'de> Deserialize<'de> for Own {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        let group = Group::deserialize(parser)?;
        for name in group.0.keys() {
            check_name(name).map_err(D::Error::custom)?;
            if name == "tool" {
                return Err(D::Error::custom("the fact \"tool\" is the document's own"));
            }
        }
        Ok(Self(group))
    }
}

struct Group(Facts);

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Facts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a group of facts")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Facts, A::Error> {
                group(members)
            }
        }
        parser.deserialize_map(Members).map(Self)
    }
}

/// The facts of a group, each name once.
fn group<'de, A: MapAccess<'de>>(mut members: A) -> Result<Facts, A::Error> {
    let mut facts = Facts::new();
    while let Some(name) = members.next_key::<String>()? {
        if facts.len() == MAX_FACTS {
            return Err(A::Error::custom(format!("a group has no more than {MAX_FACTS} facts")));
        }
        if name.is_empty() || name.chars().count() > MAX_GROUP_NAME {
            return Err(A::Error::custom(format!("a name in a group has 1 to {MAX_GROUP_NAME} characters")));
        }
        let Value(fact) = members.next_value()?;
        if facts.contains_key(&name) {
            return Err(A::Error::custom(format!("there are two facts {:?}", short(&name))));
        }
        facts.insert(name, fact);
    }
    Ok(facts)
}

struct Value(Fact);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        parser.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Fact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "true, false, an integer, a text, a list of texts or a group (a measured number is a text with its unit)",
        )
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Fact, E> {
        Ok(Fact::Bool(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Fact, E> {
        if (-INTEGER_LIMIT..=INTEGER_LIMIT).contains(&number) {
            return Ok(Fact::Int(number));
        }
        Err(E::custom(format!("{number} lies beyond 2^53, where JSON readers lose digits")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Fact, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Fact, E> {
        bounded(text).map(Fact::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Fact, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element::<String>()? {
            if texts.len() == MAX_FACTS {
                return Err(A::Error::custom(format!("a list has no more than {MAX_FACTS} texts")));
            }
            texts.push(bounded(&text)?.to_owned());
        }
        Ok(Fact::List(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Fact, A::Error> {
        group(members).map(Fact::Group)
    }
}

fn bounded<E: Error>(text: &str) -> Result<&str, E> {
    if text.chars().count() > MAX_TEXT {
        return Err(E::custom(format!("a text has more than {MAX_TEXT} characters")));
    }
    Ok(text)
}

const SCHEMA: &str = "https://github.com/evidence-ledger/ledger/schemas/own-facts/v0.1";
const HEAD: usize = 4096;
/// All facts of an entry must fit into one statement, which is smaller than this by far.
const MAX_FACTS: usize = 500;
const MAX_WORD: usize = 96;
const MAX_GROUP_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn document(facts: &str) -> String {
        format!(
            "{{\n\"schema\": \"{SCHEMA}\",\n\"tool\": {{\"name\": \"scan\", \"version\": \"2.1\"}},\n\"facts\": {facts}\n}}\n"
        )
    }

    fn taken(text: &str) -> String {
        let facts = read(&Input::plain("facts.json", text.as_bytes()));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = taken(text);
        assert!(error.contains(why) && error.len() < 300, "{text}: {error}");
    }

    #[test]
    fn every_kind_of_fact_is_taken_as_it_is() {
        let text = document(
            "{\"ok\": true, \"high\": 0, \"p95\": \"183.4 ms\", \"hosts\": [\"a\", \"b\"], \"by\": {\"팀 A\": {\"n\": -1}}, \"none\": []}",
        );
        let found = "{by={팀 A={n=-1}} high=0 hosts=a, b none= ok=true p95=183.4 ms tool={name=scan version=2.1}}";
        assert_eq!(taken(&text), found);
        let input = |text: &str| read(&Input::plain("a", text.as_bytes())).unwrap();
        assert_eq!(input(&format!("\u{feff}{}", text.replace('\n', "\r\n"))), input(&text));
        assert_eq!(input(&document("{\"n\": 9007199254740992}"))["n"], Fact::Int(9_007_199_254_740_992));
    }

    #[test]
    fn every_other_value_is_refused() {
        for (facts, why) in [
            ("{}", "holds no fact"),
            ("{\"a\": 1.5}", "line 4: invalid type: floating point"),
            ("{\"a\": 1e2}", "floating point"),
            ("{\"a\": null}", "expected true, false"),
            ("{\"a\": [1]}", "invalid type"),
            ("{\"a\": [[\"b\"]]}", "invalid type"),
            ("{\"a\": 9007199254740993}", "beyond 2^53"),
            ("{\"a\": 18446744073709551615}", "beyond 2^53"),
            ("{\"a\": 1, \"a\": 2}", "two facts \"a\""),
            ("{\"a\": {\"b\": 1, \"b\": 1}}", "two facts \"b\""),
            ("{\"A\": 1}", "no fact's name"),
            ("{\"exit\": 0}", "only the ledger itself"),
            ("{\"changed_since\": {\"alpha\": true}}", "only the ledger itself"),
            ("{\"tool\": 1}", "document's own"),
            ("{\"a\": {\"\": 1}}", "1 to 200"),
            ("[]", "a group of facts"),
        ] {
            refused(&document(facts), why);
        }
    }

    #[test]
    fn the_document_is_read_strictly() {
        let good = document("{\"a\": 1}");
        for (bad, why) in [
            (good.replace("v0.1", "v0.2"), "its schema is"),
            (good.replace("\"facts\"", "\"more\": 1, \"facts\""), "unknown field `more`"),
            (good.replace("\"facts\"", "\"fact\""), "unknown field `fact`"),
            (good.replace(", \"version\": \"2.1\"", ""), "missing field `version`"),
            (good.replace("\"2.1\"", "\"\""), "1 to 96 characters"),
            (good.replace("\"2.1\"", "2"), "invalid type"),
            (good.replace("\"tool\"", "\"schema\""), "duplicate field `schema`"),
            (good.trim_end().trim_end_matches('}').to_owned(), "is no JSON"),
            (good.clone() + "{}", "is no JSON"),
            (String::new(), "is no JSON"),
        ] {
            refused(&bad, why);
        }
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let many = |count: usize| (0..count).map(|n| format!("\"a{n}\": 1")).collect::<Vec<_>>().join(",");
        assert!(taken(&document(&format!("{{{}}}", many(500)))).starts_with('{'));
        refused(&document(&format!("{{{}}}", many(501))), "no more than 500 facts");
        refused(&document(&format!("{{\"a\": [{}\"\"]}}", "\"\",".repeat(500))), "no more than 500 texts");
        refused(&document(&format!("{{\"a\": \"{}\"}}", "가".repeat(401))), "more than 400");
        refused(&document(&"{\"a\":".repeat(50_000)), "recursion");
        assert!(read(&Input::plain("a", &vec![b' '; MAX_LIST + 1])).is_err());
        assert!(read(&Input::plain("a", b"{\"schema\": \"\xC0\"}")).is_err());
    }

    #[test]
    fn looks_like_needs_the_schema() {
        let looks = |text: &str| looks_like(&Input::plain("a.json", text.as_bytes()));
        assert!(looks(&document("{}")) && looks(&format!("\u{feff} {}", document("{}"))));
        assert!(!looks("{\"schema\": \"x\"}") && !looks(SCHEMA));
    }
}
