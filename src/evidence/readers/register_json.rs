//! Issue registers in JSON: an array of objects, or the page of one a tracker answers with.
//!
//! Sources: `gh issue list --json number,state,labels`, GitHub's and GitLab's REST API, Jira's search.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::register::{Part, Tally};
use super::values::{listed, short};
use super::{ReadError, json};

pub(super) fn read(text: &str, tally: &mut Tally) -> Result<(), ReadError> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = match text.trim_start().starts_with('[') {
        true => Issues(tally).deserialize(&mut parser),
        false => parser.deserialize_map(Page(tally)),
    };
    read.and_then(|()| parser.end()).map_err(|error| json::syntax(&error))
}

/// An object around the array, which may say that there are more issues than it shows.
struct Page<'t>(&'t mut Tally);

impl<'de> Visitor<'de> for Page<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of issues")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut found, mut claimed, mut is_part) = (false, None, false);
        while let Some(key) = members.next_key::<String>()? {
            match key.as_str() {
                "issues" | "items" | "values" if found => {
                    return Err(A::Error::custom("there are two arrays of issues"));
                }
                "issues" | "items" | "values" => {
                    found = true;
                    members.next_value_seed(Issues(&mut *self.0))?;
                }
                "total" | "total_count" => claimed = members.next_value::<Option<u64>>()?.or(claimed),
                "isLast" => is_part |= members.next_value::<Option<bool>>()? == Some(false),
                "incomplete_results" => is_part |= members.next_value::<Option<bool>>()? == Some(true),
                "nextPageToken" => is_part |= members.next_value::<Option<IgnoredAny>>()?.is_some(),
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        let shown = self.0.total();
        if !found {
            return Err(A::Error::custom("there is no array of issues, and none in `issues`, `items` or `values`"));
        }
        if is_part || claimed.is_some_and(|claimed| usize::try_from(claimed) != Ok(shown)) {
            let of = claimed.map(|claimed| format!(" of {claimed}")).unwrap_or_default();
            return Err(A::Error::custom(format!("it shows {shown}{of} issues, a part of the register: export all")));
        }
        Ok(())
    }
}

/// An array of issues, each counted as it is read.
struct Issues<'t>(&'t mut Tally);

impl<'de> DeserializeSeed<'de> for Issues<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Issues<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of issues")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(issue) = items.next_element::<Issue>()? {
            issue.count(self.0).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// What one object tells of its issue.
#[derive(Default)]
struct Issue {
    /// The rank of the member that gave it, and the words.
    key: Option<(usize, String)>,
    states: Option<Vec<String>>,
    labels: Vec<String>,
    severity: Option<(usize, String)>,
    seen: Vec<(Part, usize)>,
    members: Vec<String>,
}

impl Issue {
    fn count(&self, tally: &mut Tally) -> Result<(), String> {
        let (Some((_, key)), Some(states)) = (&self.key, &self.states) else {
            let members = listed(self.members.iter().map(String::as_str));
            return Err(format!(
                "an issue needs its key (id, key, number) and its status (status, state); one has {members}"
            ));
        };
        let states: Vec<&str> = states.iter().map(String::as_str).collect();
        let severity = self.severity.as_ref().map_or("", |(_, severity)| severity.as_str());
        tally.add(key, &states, self.labels.iter().map(String::as_str), severity)
    }

    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        if self.members.len() <= MAX_MEMBERS {
            self.members.push(short(name));
        }
        let Some((part, rank)) = Part::of(name) else { return members.next_value::<IgnoredAny>().map(drop) };
        if self.seen.contains(&(part, rank)) {
            return Err(A::Error::custom(format!("an issue has two members {:?}", short(name))));
        }
        self.seen.push((part, rank));
        let Words(words) = members.next_value()?;
        let better = |so_far: &Option<(usize, String)>| so_far.as_ref().is_none_or(|(other, _)| rank < *other);
        match part {
            Part::Key if better(&self.key) => self.key = Some((rank, words.join(" "))),
            Part::Severity if better(&self.severity) => self.severity = Some((rank, words.join(" "))),
            Part::Status => {
                // A status of null is a word nobody knows.
                let words = if words.is_empty() { vec![String::new()] } else { words };
                self.states.get_or_insert_default().extend(words);
            }
            Part::Labels => self.labels.extend(words),
            Part::Key | Part::Severity => {}
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Issue {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        let mut issue = Self::default();
        parser.deserialize_map(Members { issue: &mut issue, within: false })?;
        Ok(issue)
    }
}

/// The members of an issue, and those of Jira's `fields` within it.
struct Members<'i> {
    issue: &'i mut Issue,
    within: bool,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an issue, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == "fields" && !self.within {
                members.next_value_seed(Members { issue: &mut *self.issue, within: true })?;
            } else {
                self.issue.member(&name, &mut members)?;
            }
        }
        Ok(())
    }
}

/// A text or number, the `name` or `value` of an object, or the words of an array of these.
struct Words(Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(parser: D) -> Result<Self, D::Error> {
        parser.deserialize_any(WordsVisitor).map(Self)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, an integer, or an object with a `name`")
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_i64<E>(self, number: i64) -> Result<Vec<String>, E> {
        Ok(vec![number.to_string()])
    }

    fn visit_u64<E>(self, number: u64) -> Result<Vec<String>, E> {
        Ok(vec![number.to_string()])
    }

    fn visit_unit<E>(self) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<String>, A::Error> {
        let mut all = Vec::new();
        while let Some(Words(words)) = items.next_element()? {
            all.extend(words);
            if all.len() > MAX_WORDS {
                return Err(A::Error::custom(format!("an issue has more than {MAX_WORDS} labels")));
            }
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<String>, A::Error> {
        let mut named: Option<Vec<String>> = None;
        while let Some(name) = members.next_key::<String>()? {
            if !matches!(name.as_str(), "name" | "value") {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let Words(words) = members.next_value()?;
            if named.replace(words).is_some() {
                return Err(A::Error::custom("an object is named twice"));
            }
        }
        named.ok_or_else(|| A::Error::custom("an object has no `name`"))
    }
}

const MAX_WORDS: usize = 1000;
/// As many as an error lists.
const MAX_MEMBERS: usize = 12;

#[cfg(test)]
mod tests {
    use crate::evidence::facts::Fact;
    use crate::evidence::readers::{Input, find};

    fn register(text: &str) -> String {
        let facts = (find("register").unwrap().read)(&Input::plain("issues.json", text.as_bytes()));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = register(text);
        assert!(error.contains(why) && error.len() < 300, "{text}: {error}");
    }

    #[test]
    fn what_gh_and_gitlab_print() {
        let gh = "[{\"labels\":[{\"id\":\"L1\",\"name\":\"beta\",\"description\":\"\",\"color\":\"d73a4a\"}],\"number\":7,\"state\":\"OPEN\",\"title\":\"a\"},\n\
            {\"labels\":[],\"number\":8,\"state\":\"CLOSED\",\"title\":\"b\"}]\n";
        let found = "{by_label={(none)={closed=1 open=0} beta={closed=0 open=1}} closed=1 open=1 total=2 unknown=0}";
        assert_eq!(register(gh), found);
        let gitlab = "[{\"id\": 90, \"iid\": 7, \"state\": \"opened\", \"labels\": \"beta, ui\", \"milestone\": null, \"severity\": \"UNKNOWN\"}]";
        let found = "{by_label={beta={closed=0 open=1} ui={closed=0 open=1}} by_severity={unknown={closed=0 open=1}} closed=0 open=1 total=1 unknown=0}";
        assert_eq!(register(gitlab), found);
        assert_eq!(register("[]"), "{closed=0 open=0 total=0 unknown=0}");
        let korean =
            "[{\"번호\": 1, \"상태\": \"종결\", \"심각도\": \"상\"}, {\"번호\": 2, \"상태\": null, \"심각도\": null}]";
        let found = "{by_severity={(none)={closed=0 open=1} 상={closed=1 open=0}} closed=1 open=1 total=2 unknown=1}";
        assert_eq!(register(korean), found);
    }

    const JIRA: &str = "{\"expand\": \"schema\", \"startAt\": 0, \"maxResults\": 50, \"total\": 1, \"issues\": [{\"id\": \"10002\",\n \
        \"key\": \"APP-1\", \"fields\": {\"status\": {\"self\": \"u\", \"name\": \"Done\", \"statusCategory\": {\"name\": \"To Do\"}},\n \
        \"labels\": [\"beta\", \"Beta\"], \"priority\": {\"id\": \"2\", \"name\": \"High\"}, \"fields\": {\"status\": \"open\"}}}]}";

    #[test]
    fn what_jira_answers() {
        let found = "{by_label={beta={closed=1 open=0}} by_severity={high={closed=1 open=0}} closed=1 open=0 total=1 unknown=0}";
        assert_eq!(register(JIRA), found);
        refused(&JIRA.replace("\"total\": 1", "\"total\": 120"), "it shows 1 of 120 issues, a part of the register");
        refused(&JIRA.replace("\"total\": 1", "\"isLast\": false"), "a part of the register");
        refused(&JIRA.replace("\"total\": 1", "\"nextPageToken\": \"x\""), "a part of the register");
        refused("{\"total_count\": 0, \"incomplete_results\": true, \"items\": []}", "a part of the register");
        refused(&JIRA.replace("\"total\": 1", "\"items\": []"), "two arrays");
        refused("{\"total\": 0}", "no array of issues");
    }

    #[test]
    fn what_is_no_whole_register_is_refused() {
        let one = "{\"id\": 1, \"status\": \"closed\"}";
        refused(&format!("[{one},\n{one}]"), "line 2: the issue \"1\" is there a second time");
        refused("[{\"id\": 1, \"title\": \"a\"}]", "one has id, title");
        refused("[{\"status\": \"open\"}]", "one has status");
        refused("[{\"id\": \"\", \"status\": \"open\"}]", "has no key");
        refused("[{\"id\": 1, \"status\": \"open\", \"status\": \"closed\"}]", "two members \"status\"");
        refused("[{\"id\": 1, \"status\": {\"name\": \"open\", \"name\": \"closed\"}}]", "named twice");
        refused("[{\"id\": 1, \"status\": {\"color\": \"red\"}}]", "has no `name`");
        refused("[{\"id\": 1, \"status\": true}]", "invalid type");
        refused("[{\"id\": 1.5, \"status\": \"open\"}]", "invalid type");
        refused("[1]", "an issue, which is an object");
        refused(&format!("[{one}"), "is no JSON");
        refused(&format!("[{one}] x"), "is no JSON");
        refused(&format!("[{{\"id\": 1, \"status\": {}}}]", "[".repeat(1_000_000)), "recursion");
        refused(&format!("[{{\"id\": 1, \"x\": {}}}]", "[".repeat(1_000_000)), "is no JSON");
        refused(&format!("[{{\"id\": 1, \"status\": [{}\"a\"]}}]", "\"a\",".repeat(1000)), "more than 1000 labels");
        assert!(register("[{\"id\": 1, \"state\": [\"closed\", \"open\"]}]").contains("open=1"));
    }
}
