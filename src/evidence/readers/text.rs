//! What regular expressions find in the lines of any text.
//!
//! Source: the syntax of the crate `regex`, whose time grows with the text and never explodes.

use regex::{Regex, RegexBuilder};

use super::bounds::{self, MAX_BYTES};
use super::values::{self, short, typed};
use super::{Input, OTHERS, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::text;

pub(super) const READER: Reader = Reader {
    format: "text",
    about: "what patterns find in the lines of a text: values = { build = \"^build (\\\\d+)$\" }",
    facts: &["lines", OTHERS],
    // Everything may be text; what is looked for, only a rule can say.
    looks_like: |_| false,
    read,
};

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    bounds::check_size(input.bytes, bounds::MAX_BYTES, "a text")?;
    let values = values::wanted(input, &READER, check_place)?;
    if values.is_empty() {
        return Err(ReadError::whole("gives the facts it is asked for, and nothing was asked: name a value"));
    }
    let text = bounds::decode_local(input.bytes, MAX_BYTES, "a text")?;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    if lines == 0 {
        return Err(ReadError::whole("holds no line: that nothing was found in it would prove nothing"));
    }
    let mut facts = Facts::from([("lines".to_owned(), Fact::from(lines))]);
    for (name, pattern) in values {
        let pattern = Pattern::parse(pattern).map_err(ReadError::whole)?;
        let found = pattern.find(&text);
        let fact = found.map_err(|error| ReadError { message: format!("{name}: {}", error.message), ..error })?;
        facts.insert(name.clone(), fact);
    }
    Ok(facts)
}

/// Whether a place is a pattern that can be looked for.
pub(super) fn check_place(pattern: &str) -> Result<(), String> {
    Pattern::parse(pattern).map(drop)
}

struct Pattern {
    regex: Regex,
    /// The group whose text is the fact; without one, lines are counted.
    group: Option<usize>,
}

impl Pattern {
    fn parse(pattern: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("the pattern {:?} {why}", short(pattern));
        if pattern.len() > MAX_PATTERN {
            return Err(wrong(&format!("is longer than {MAX_PATTERN} bytes")));
        }
        let built = RegexBuilder::new(pattern).size_limit(MAX_PROGRAM).build();
        // The last line of the crate's error says what is wrong; those above draw the place.
        let regex = built.map_err(|error| wrong(error.to_string().lines().last().unwrap_or("is no pattern")))?;
        if regex.is_match("") {
            return Err(wrong("fits an empty line, so it would find something in every text"));
        }
        let mut named = regex.capture_names().enumerate().filter(|(_, name)| name.is_some()).map(|(index, _)| index);
        let group = match (named.next(), named.next()) {
            (_, Some(_)) => return Err(wrong("names several groups: name the one that is meant")),
            (Some(group), None) => Some(group),
            (None, None) => (regex.captures_len() > 1).then_some(1),
        };
        Ok(Self { regex, group })
    }

    fn find(&self, text: &str) -> Result<Fact, ReadError> {
        let Some(group) = self.group else {
            return Ok(Fact::from(text.lines().filter(|line| shown(line, |part| self.regex.is_match(part))).count()));
        };
        let mut found: Option<(usize, String)> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let mut other = None;
            let mut take = |part: &str| {
                let texts = self.regex.captures_iter(part).filter_map(|captures| captures.get(group));
                for text in texts.map(|text| text.as_str().trim()) {
                    match &found {
                        Some((_, first)) if first != text => other = other.take().or(Some(text.to_owned())),
                        Some(_) => {}
                        None => found = Some((number, text.to_owned())),
                    }
                }
                false
            };
            shown(line, &mut take);
            if let (Some((first, text)), Some(other)) = (&found, other) {
                let message = format!("finds {:?}, and {:?} in line {first}", short(&other), short(text));
                return Err(ReadError::at(number, message));
            }
        }
        let Some((line, text)) = found else { return Err(ReadError::whole("the pattern finds nothing")) };
        typed(&text).map_err(|why| ReadError::at(line, format!("what the pattern finds {why}")))
    }
}

/// Whether something holds for any part of a line as a person sees it: without colours, and anew behind
/// every return to its beginning. `^error` must not be missed because it is red.
fn shown(line: &str, holds: impl FnMut(&str) -> bool) -> bool {
    text::plain(line).split('\r').any(holds)
}

const MAX_PATTERN: usize = 1000;
/// Bytes of a compiled pattern: reading takes at worst the product of this and the file's size.
const MAX_PROGRAM: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::Wanted;

    fn look(text: &str, pattern: &str) -> Result<Facts, ReadError> {
        let values = [("x".to_owned(), pattern.to_owned())];
        let wanted = Wanted { values: &values, ..Wanted::default() };
        read(&Input { wanted, ..Input::plain("a.log", text.as_bytes()) })
    }

    #[track_caller]
    fn refused(text: &str, pattern: &str, why: &str) {
        let error = look(text, pattern).unwrap_err().to_string();
        assert!(error.contains(why) && error.len() < 300, "{pattern}: {error}");
    }

    const LOG: &str =
        "\u{feff}build 42 of v1.10\r\n\r\nwarn: slow\r\nwarn: old\r\nused 12.50 MB in 3.2s, 배포 완료\r\n";

    #[test]
    fn lines_are_counted_or_a_group_is_taken() {
        for (pattern, fact) in [
            ("^warn:", Fact::Int(2)),
            ("^error", Fact::Int(0)),
            ("^build (\\d+)", Fact::Int(42)),
            ("^build .* of (?P<version>v\\S+)$", Fact::from("v1.10")),
            ("of v(.*)$", Fact::from("1.10")),
            ("(used|took) (?<size>[0-9.]+ MB)", Fact::from("12.5 MB")),
            ("in (\\S+s),", Fact::from("3.2 s")),
            ("배포 (?:완료|실패)", Fact::Int(1)),
            ("(w)arn", Fact::from("w")),
        ] {
            let facts = look(LOG, pattern).unwrap();
            assert_eq!((&facts["x"], &facts["lines"]), (&fact, &Fact::Int(4)), "{pattern}");
        }
    }

    #[test]
    fn a_line_is_what_a_person_sees() {
        let red = "\u{1b}[31merror\u{1b}[0m TS1: x\n10 %\r100 %\rerror: y\nno error\n";
        assert_eq!(look(red, "^error").unwrap()["x"], Fact::Int(2));
        assert_eq!(look(red, "^error (TS\\d)").unwrap()["x"], Fact::from("TS1"));
        assert_eq!(look(red, "^(100) %$").unwrap()["x"], Fact::Int(100));
    }

    #[test]
    fn what_is_not_found_or_found_twice_is_refused() {
        refused(LOG, "failed=(\\d+)", "x: the pattern finds nothing");
        refused(LOG, "warn: (.+)", "line 4: x: finds \"old\", and \"slow\" in line 3");
        refused("a=1 a=2\n", "a=(\\d)", "line 1: x: finds \"2\", and \"1\" in line 1");
        refused("a=\n", "a=(.*)", "line 1: x: what the pattern finds holds nothing");
        refused("b\n", "(a)|b", "finds nothing");
        refused(&format!("a={}\n", "가".repeat(401)), "a=(.*)", "401 characters");
        for empty in ["", "\u{feff}", "\n \r\n"] {
            refused(empty, "error", "holds no line");
        }
        assert!(read(&Input::plain("a", b"x")).unwrap_err().message.contains("name a value"));
    }

    #[test]
    fn a_pattern_must_be_able_to_miss() {
        for (bad, why) in [
            ("(", "unclosed group"),
            ("", "empty line"),
            ("x*", "empty line"),
            ("(.*)", "empty line"),
            ("(?<a>x)(?<b>y)", "several groups"),
            ("(?:\\w{100}){1000}", "size"),
            ("(?=x)y", "look-around"),
            (&"x".repeat(1001), "longer than 1000"),
        ] {
            refused("x\n", bad, why);
            assert!(check_place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn long_lines_and_many_lines_end_quickly() {
        let line = "a".repeat(2_000_000);
        assert_eq!(look(&line, "(?:a+)+b").unwrap()["x"], Fact::Int(0));
        assert_eq!(look(&"a\n".repeat(1_000_000), "^a$").unwrap()["x"], Fact::Int(1_000_000));
        assert!(read(&Input::plain("a", &vec![b'a'; MAX_BYTES + 1])).is_err());
        assert!(look("a", "b").is_ok() && read(&Input::plain("a", b"\xC0")).is_err());
    }
}
