//! Settings that were changed: what each was, what it became, and who did it.
//!
//! Either JSON objects `{"system": …, "key": …, "old": …, "new": …, "by": …}`, alone, in an array or one
//! after another, or lines `key: old -> new`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::bounds::{self, MAX_LIST};
use super::values::{group_name, short, typed};
use super::{Input, ReadError, Reader, json};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "config-change",
    about: "changed settings, as JSON {system, key, old, new, by} or as lines key: old -> new",
    facts: &["changes", "systems", "by", "values"],
    looks_like: |input| read(input).is_ok(),
    read,
};

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_local(input.bytes, MAX_LIST, "changes of settings")?;
    let mut tally = Tally::default();
    match text.trim_start().bytes().next() {
        Some(b'[') => {
            let objects: Vec<Object<'_>> = serde_json::from_str(&text).map_err(|error| json::syntax(&error))?;
            objects.into_iter().enumerate().try_for_each(|(index, object)| tally.object(index + 1, &object))?;
        }
        Some(b'{') => {
            let objects = serde_json::Deserializer::from_str(&text).into_iter::<Object<'_>>().enumerate();
            for (index, object) in objects {
                tally.object(index + 1, &object.map_err(|error| json::syntax(&error))?)?;
            }
        }
        _ => {
            for (number, line) in (1..).zip(text.lines()) {
                tally.line(line.trim()).map_err(|message| ReadError::at(number, message))?;
            }
        }
    }
    tally.into_facts()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object<'t> {
    system: String,
    key: String,
    #[serde(borrow)]
    old: &'t RawValue,
    #[serde(borrow)]
    new: &'t RawValue,
    by: String,
}

#[derive(Default)]
struct Tally {
    changes: usize,
    systems: BTreeSet<String>,
    by: BTreeSet<String>,
    /// Every setting as a rule names it: its key as written, its system, and its value where it has one.
    settings: BTreeMap<String, (String, String, Option<Fact>)>,
}

impl Tally {
    fn object(&mut self, number: usize, object: &Object<'_>) -> Result<(), ReadError> {
        let named = |what: &str, text: &str| match text.chars().count() {
            1..=MAX_NAME if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            _ => Err(format!("`{what}` must have 1 to {MAX_NAME} characters")),
        };
        let mut take = || {
            let (system, by) = (named("system", &object.system)?, named("by", &object.by)?);
            let value = |raw: &RawValue| if raw.get() == "null" { Ok(None) } else { json::scalar(raw.get()).map(Some) };
            self.change(&named("key", &object.key)?, &system, value(object.old)?, value(object.new)?)?;
            self.systems.insert(system);
            self.by.insert(by);
            Ok(())
        };
        take().map_err(|message: String| ReadError::whole(format!("change {number}: {message}")))
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let arrow = ["->", "→", "=>"].into_iter().find(|arrow| line.contains(arrow)).unwrap_or("->");
        let parts = || {
            let (before, new) = line.split_once(arrow)?;
            let ends = || Some((before.trim_end().strip_suffix(':')?, ""));
            let (key, old) = before.rsplit_once(": ").or_else(ends).or_else(|| before.split_once('='))?;
            Some((key.trim(), old.trim(), new.trim()))
        };
        let Some((key, old, new)) = parts().filter(|(key, _, new)| !key.is_empty() && !new.contains(arrow)) else {
            return Err("is no change: write key: old -> new, or key=old → new".to_owned());
        };
        self.change(key, "", value(old)?, value(new)?)
    }

    /// The value before must be the one the change before left.
    fn change(&mut self, key: &str, system: &str, old: Option<Fact>, new: Option<Fact>) -> Result<(), String> {
        self.changes += 1;
        let name = group_name(key).filter(|name| !name.ends_with('…'));
        let name = name.ok_or_else(|| format!("{:?} is no setting's name", short(key)))?;
        if self.settings.len() == MAX_SETTINGS && !self.settings.contains_key(&name) {
            return Err(format!("one record carries no more than {MAX_SETTINGS} settings: split the file"));
        }
        let Some((other, of, left)) = self.settings.insert(name, (key.to_owned(), system.to_owned(), new)) else {
            return Ok(());
        };
        if other != key || of != system {
            return Err(format!("{} and {} of {of:?} cannot be told apart: split the file", short(key), short(&other)));
        }
        if left != old {
            let shown =
                |value: Option<Fact>| value.map_or_else(|| "nothing".to_owned(), |value| short(&value.to_string()));
            return Err(format!("{} was {}, and the change before left {}", short(key), shown(old), shown(left)));
        }
        Ok(())
    }

    fn into_facts(self) -> Result<Facts, ReadError> {
        if self.changes == 0 {
            return Err(ReadError::whole("holds no change"));
        }
        if self.systems.len().max(self.by.len()) > MAX_SETTINGS {
            return Err(ReadError::whole(format!("names more than {MAX_SETTINGS} systems or people: split the file")));
        }
        let values = self.settings.into_iter().filter_map(|(name, (_, _, value))| Some((name, value?)));
        let mut facts = Facts::from([
            ("changes".to_owned(), Fact::from(self.changes)),
            ("values".to_owned(), Fact::Group(values.collect())),
        ]);
        // Lines name neither.
        if !self.systems.is_empty() {
            facts.insert("systems".to_owned(), Fact::List(self.systems.into_iter().collect()));
            facts.insert("by".to_owned(), Fact::List(self.by.into_iter().collect()));
        }
        Ok(facts)
    }
}

/// The value of a line; nothing where the setting was not there.
fn value(text: &str) -> Result<Option<Fact>, String> {
    match text {
        "" => Ok(None),
        "true" => Ok(Some(Fact::Bool(true))),
        "false" => Ok(Some(Fact::Bool(false))),
        _ => typed(text).map(Some).map_err(|why| format!("a value {why}")),
    }
}

const MAX_NAME: usize = 96;
/// All facts of an entry must fit into one statement.
const MAX_SETTINGS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str) -> String {
        let facts = read(&Input::plain("change.json", text.as_bytes()));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    fn object(key: &str, old: &str, new: &str) -> String {
        format!("{{\"system\": \"admin\", \"key\": \"{key}\", \"old\": {old}, \"new\": {new}, \"by\": \"QA (Kim)\"}}\n")
    }

    #[test]
    fn the_latest_value_of_every_setting_is_a_fact() {
        let one = object("erp_required_enabled", "false", "true");
        assert_eq!(changed(&one), "{by=QA (Kim) changes=1 systems=admin values={erp_required_enabled=true}}");
        let more = object("safe.mode", "null", "\"on\"") + &object("rate", "0.10", "3") + &object("gone", "1", "null");
        let found = "{by=QA (Kim) changes=5 systems=admin values={erp_required_enabled=true rate=9007199254740992 safe_mode=on}}";
        assert_eq!(changed(&(one.clone() + &more + &object("rate", "3", "9007199254740992"))), found);
        let array = format!("[{}]", [&one, &object("n", "1", "0.50")].map(|object| object.trim()).join(","));
        assert_eq!(changed(&array), "{by=QA (Kim) changes=2 systems=admin values={erp_required_enabled=true n=0.50}}");
        let facts = read(&Input::plain("a", one.as_bytes())).unwrap();
        let rule = |text: &str| crate::evidence::facts::Expect::parse(text).unwrap().holds(&facts);
        assert!(rule("values.erp_required_enabled == true") && !rule("values.erp_required_enabled == false"));
    }

    #[test]
    fn lines_say_the_same() {
        let text = "\u{feff}# before the release\r\nsafe_mode: false -> true\r\n\r\nserver.port: 80 -> 8080\nurl: -> http://a: b\n\
            limit: 10% → 12.50 %\nold: x ->\nsafe_mode: true -> false\n";
        assert_eq!(
            changed("a=false → true\nb = 1 -> 2\nc: 1 => 2\nd= → x\n"),
            "{changes=4 values={a=true b=2 c=2 d=x}}"
        );
        let found = "{changes=6 values={limit=12.5 % safe_mode=false server_port=8080 url=http://a: b}}";
        assert_eq!(changed(text), found);
    }

    #[test]
    fn a_chain_must_hold_and_a_name_must_be_one() {
        for (text, why) in [
            ("a: 1 -> 2\na: 1 -> 3\n".to_owned(), "line 2: a was 1, and the change before left 2"),
            ("a: 1 ->\na: 1 -> 3\n".to_owned(), "line 2: a was 1, and the change before left nothing"),
            ("a.b: 1 -> 2\na_b: 2 -> 3\n".to_owned(), "cannot be told apart"),
            (
                object("a", "1", "2") + &object("a", "2", "3").replace("admin", "other"),
                "change 2: a and a of \"admin\"",
            ),
            (object("a", "1", "2") + &object("a", "\"2\"", "3"), "change 2: a was 2"),
            (format!("{}: 1 -> 2", "k".repeat(41)), "no setting's name"),
            (". : 1 -> 2".to_owned(), "no setting's name"),
        ] {
            assert!(changed(&text).contains(why), "{text}: {}", changed(&text));
        }
    }

    #[test]
    fn what_is_no_change_is_refused() {
        let one = object("a", "1", "2");
        for (text, why) in [
            (String::new(), "holds no change"),
            ("[]".to_owned(), "holds no change"),
            ("# nothing\n".to_owned(), "holds no change"),
            ("a = 1".to_owned(), "line 1: is no change"),
            ("a: 1 -> 2 -> 3".to_owned(), "line 1: is no change"),
            (": 1 -> 2".to_owned(), "line 1: is no change"),
            ("1 -> 2".to_owned(), "line 1: is no change"),
            (one.replace("\"by\"", "\"who\""), "line 1: unknown field `who`"),
            (one.replace(", \"by\": \"QA (Kim)\"", ""), "missing field `by`"),
            (one.replace("\"old\": 1, ", ""), "missing field `old`"),
            (one.replace("\"old\": 1", "\"old\": 1, \"old\": 3"), "duplicate field `old`"),
            (one.replace("QA (Kim)", " "), "`by` must have"),
            (one.replace("admin", &"x".repeat(97)), "`system` must have"),
            (one.replace(": 2", ": [2]"), "change 1: an array or object is no single value"),
            (one.replace("\"by\"", &format!("\"{}\"", "x".repeat(9999))), "unknown field `x"),
            (one.replace(": 2", ": 1e99"), "more digits"),
            (one.clone() + "x", "line 2: is no JSON"),
            (one.replace('}', ""), "is no JSON"),
            (format!("[{one}"), "is no JSON"),
            ("[".repeat(500_000), "invalid"),
        ] {
            assert!(changed(&text).contains(why) && changed(&text).len() < 300, "{text}: {}", changed(&text));
        }
        let many = |count: usize| (0..count).map(|n| format!("k{n}: 1 -> 2\n")).collect::<String>();
        assert!(changed(&many(200)).starts_with("{changes=200"));
        assert!(changed(&many(201)).starts_with("line 201: one record"));
        assert!(read(&Input::plain("a", &vec![b'#'; MAX_LIST + 1])).is_err());
        assert!(!(READER.looks_like)(&Input::plain("a", b"a: 1\nb: 1 -> 2")));
    }
}
