//! The filters a template may use: each takes about as long as its value, and what they do together is counted.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::{Rest, Value};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};

use crate::id::Timestamp;
use crate::report::escape;

/// Longest text a filter makes.
const MOST_TEXT: usize = 64 << 10;
/// Bytes and items that all filters of one rendering look at together.
const MOST_WORK: u64 = 32 << 20;

/// Filters of the engine that make nothing larger than they are given.
const TAKEN: &[&str] = &[
    "abs",
    "attr",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "sort",
    "split",
    "title",
    "trim",
    "unique",
    "upper",
];
/// Those that are made here.
const OWN: &[&str] = &["code", "join", "local", "replace", "url"];
/// Those of the engine that a name in a value (`map("format")`) must not reach either.
const REMOVED: &[&str] =
    &["batch", "chain", "e", "escape", "format", "indent", "pprint", "slice", "string", "sum", "tojson", "zip"];

pub fn is_known(name: &str) -> bool {
    TAKEN.contains(&name) || OWN.contains(&name)
}

/// Puts the filters into an environment.
pub fn add_to(environment: &mut Environment<'_>) {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    REMOVED.iter().for_each(|name| engine.remove_filter(name));
    engine.add_filter("join", join);
    engine.add_filter("replace", replace);
    let engine = Arc::new(engine);
    let work = Arc::new(AtomicU64::new(0));
    REMOVED.iter().for_each(|name| environment.remove_filter(name));
    for name in TAKEN.iter().chain(&["join", "replace"]).copied() {
        let (engine, work) = (Arc::clone(&engine), Arc::clone(&work));
        environment.add_filter(name, move |value: Value, more: Rest<Value>| {
            if work.fetch_add(size(&value), Ordering::Relaxed) > MOST_WORK {
                return Err(too_much("its filters have more to do than any report needs"));
            }
            let all: Vec<Value> = std::iter::once(value).chain(more.0).collect();
            engine.empty_state().apply_filter(name, &all)
        });
    }
    environment.add_filter("code", |text: String| Value::from_safe_string(escape::code_span(&text)));
    environment.add_filter("url", |text: String| Value::from_safe_string(escape::url(&text)));
    environment.add_filter("local", |state: &State<'_, '_>, text: String| {
        let zone = state.lookup("time_zone").and_then(|zone| zone.as_str()?.parse().ok());
        local(&text, zone.unwrap_or(chrono_tz::Tz::UTC))
    });
}

fn size(value: &Value) -> u64 {
    let length = value.as_str().map(str::len).or_else(|| value.len()).unwrap_or(1);
    u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1)
}

fn join(items: &Value, between: Option<String>) -> Result<String, Error> {
    let between = between.unwrap_or_default();
    let mut text = Bounded::default();
    for (at, item) in items.try_iter()?.enumerate() {
        let written = if at > 0 { text.write_str(&between) } else { Ok(()) };
        written.and_then(|()| write!(text, "{item}")).map_err(|_| too_long())?;
    }
    Ok(text.0)
}

fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let more = text.matches(&from).count().saturating_mul(to.len());
    if text.len().saturating_add(more) > MOST_TEXT { Err(too_long()) } else { Ok(text.replace(&from, &to)) }
}

/// A text that ends with an error where it would become too long.
#[derive(Default)]
pub struct Bounded(pub String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len().saturating_add(part.len()) > MOST_TEXT {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

pub fn too_long() -> Error {
    too_much(&format!("one value is longer than {} KiB", MOST_TEXT >> 10))
}

fn too_much(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.to_owned())
}

/// An instant as people in a zone write it; UTC as it stands everywhere else. Other text stays as it is.
fn local(text: &str, zone: chrono_tz::Tz) -> String {
    match Timestamp::parse(text) {
        Ok(at) if zone != chrono_tz::Tz::UTC => {
            at.to_utc().with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
        }
        _ => text.to_owned(),
    }
}
