//! SARIF logs of static analysers: what was found, how grave it is, and whether the analysis was whole.
//!
//! Source: SARIF 2.1.0 (OASIS), 3.14 `run`, 3.20 `invocation`, 3.27 `result`, 3.35 `suppression`, 3.58
//! `notification`. How the level of a result is found is in `sarif/level.rs`.

mod level;
mod log;

use self::level::{Level, Levels};
use self::log::{Kind, Log, Run, Status};
use super::bounds::{self, short};
use super::{Input, ReadError, Reader, json_text};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "sarif",
    about: "a log of static analysis in SARIF 2.1.0",
    facts: &["results", "errors", "warnings", "notes", "undecided", "suppressed", "complete", "tools"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let head = bounds::head(input.bytes);
    let is_object = head.trim_start().starts_with('{');
    let named = input.name.to_ascii_lowercase().ends_with(".sarif");
    is_object && (named || head.contains("sarif-schema-2.1.0") || head.contains("sarif-2.1.0"))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode(input.bytes, "a SARIF log")?;
    if text.bytes().filter(|byte| *byte == b'{').count() > MAX_OBJECTS {
        return Err(ReadError::whole(format!("holds more than {MAX_OBJECTS} objects: split the log")));
    }
    let log: Log = serde_json::from_str(&text).map_err(|error| json_text::refused(&error))?;
    if log.version != "2.1.0" {
        return Err(ReadError::whole(format!("is SARIF {:?}; this reader knows 2.1.0", short(&log.version))));
    }
    let runs = log.runs.unwrap_or_default();
    if runs.is_empty() {
        return Err(ReadError::whole("holds no run: an analysis that did not run proves nothing"));
    }
    let mut tally = Tally::default();
    // External properties hold results and notifications this reader does not see (3.15, 4.3).
    tally.broken |= log.inline_external_properties.is_some();
    for run in &runs {
        tally.run(run).map_err(ReadError::whole)?;
    }
    Ok(tally.into_facts())
}

#[derive(Default)]
struct Tally {
    results: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    undecided: usize,
    suppressed: usize,
    /// Some run is not whole.
    broken: bool,
    tools: Vec<String>,
}

impl Tally {
    fn run(&mut self, run: &Run) -> Result<(), String> {
        let name = &run.tool.driver.name;
        bounds::fact("name", name)?;
        if name.len() > MAX_NAME {
            return Err(format!("has a tool whose name has {} bytes; {MAX_NAME} are the most", name.len()));
        }
        if !self.tools.contains(name) {
            self.tools.push(name.clone());
        }
        if self.tools.len() > MAX_TOOLS {
            return Err(format!("is the work of more than {MAX_TOOLS} tools: split the log"));
        }
        let levels = Levels::of(run)?;
        self.broken |= !is_whole(run, &levels)?;
        let results = run.results.as_deref().unwrap_or_default();
        for result in results {
            self.results += 1;
            let level = levels.of_result(result)?;
            let suppressions = result.suppressions.as_deref().unwrap_or_default();
            let accepted = |status: Option<Status>| matches!(status, None | Some(Status::Accepted));
            if !suppressions.is_empty() && suppressions.iter().all(|one| accepted(one.status)) {
                self.suppressed += 1;
                continue;
            }
            self.undecided += usize::from(matches!(result.kind, Some(Kind::Open | Kind::Review)));
            match level {
                Level::Error => self.errors += 1,
                Level::Warning => self.warnings += 1,
                Level::Note => self.notes += 1,
                Level::None => {}
            }
        }
        Ok(())
    }

    fn into_facts(self) -> Facts {
        let counts = [
            ("results", self.results),
            ("errors", self.errors),
            ("warnings", self.warnings),
            ("notes", self.notes),
            ("undecided", self.undecided),
            ("suppressed", self.suppressed),
        ];
        let mut facts: Facts = counts.map(|(name, count)| (name.to_owned(), Fact::from(count))).into();
        facts.insert("complete".to_owned(), Fact::Bool(!self.broken));
        facts.insert("tools".to_owned(), Fact::List(self.tools));
        facts
    }
}

/// Whether the run shows all that its analysis would have found. Results that are absent or null were not
/// computed; an empty list was (3.14.23). An invocation that does not say it succeeded has not.
fn is_whole(run: &Run, levels: &Levels<'_>) -> Result<bool, String> {
    let conversion = run.conversion.iter().filter_map(|conversion| conversion.invocation.as_ref());
    let mut whole = run.results.is_some() && run.external_property_file_references.is_none();
    for invocation in run.invocations.iter().flatten().chain(conversion) {
        whole &= invocation.execution_successful == Some(true);
        let lists = [&invocation.tool_execution_notifications, &invocation.tool_configuration_notifications];
        for notification in lists.into_iter().flatten().flatten() {
            whole &= levels.of_notification(notification)? != Level::Error;
        }
    }
    Ok(whole)
}

/// Results are held in memory until the rules are known. A log has some ten objects a result.
const MAX_OBJECTS: usize = 2_000_000;
/// All facts of an entry must fit into one statement.
const MAX_TOOLS: usize = 32;
const MAX_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn log(runs: &str) -> String {
        format!(
            "{{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\", \"version\": \"2.1.0\", \"runs\": [{runs}]}}"
        )
    }

    fn run(more: &str) -> String {
        log(&format!("{{\"tool\": {{\"driver\": {{\"name\": \"ESLint\", \"version\": \"9.1.0\"}}}}{more}}}"))
    }

    fn counts(text: &str) -> Result<String, ReadError> {
        let facts = read(&Input::plain("a.sarif", text.as_bytes()))?;
        assert_eq!(facts.len(), READER.facts.len());
        let names = ["results", "errors", "warnings", "notes", "undecided", "suppressed", "complete"];
        Ok(names.map(|name| facts[name].to_string()).join(" "))
    }

    fn results(list: &str) -> String {
        counts(&run(&format!(", \"results\": [{list}]"))).unwrap_or_else(|error| error.to_string())
    }

    fn refused(text: &str, why: &str) {
        let error = counts(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn results_count_by_level() {
        assert_eq!(results(""), "0 0 0 0 0 0 true");
        let four = "{\"message\": {\"text\": \"x\"}, \"level\": \"error\"}, {\"level\": \"note\"}, {\"ruleId\": \"a\"}, {\"level\": \"none\"}";
        assert_eq!(results(four), "4 1 1 1 0 0 true");
        let kinds = ["pass", "open", "informational", "notApplicable", "review", "fail"];
        let kinds = kinds.map(|kind| format!("{{\"kind\": \"{kind}\"}}"));
        assert_eq!(results(&kinds.join(",")), "6 0 1 0 2 0 true");
        assert!(results("{\"kind\": \"pass\", \"level\": \"error\"}").contains("whose kind is not"));
        assert_eq!(results("{\"kind\": \"pass\", \"level\": \"none\"}"), "1 0 0 0 0 0 true");
        for bad in ["{\"level\": \"fatal\"}", "{\"kind\": \"Fail\"}", "{\"level\": 1}", "null", "1"] {
            assert!(results(bad).contains("line 1: is not the JSON it should be"), "{bad}");
        }
    }

    #[test]
    fn only_what_everybody_accepted_is_suppressed() {
        let suppressed = |list: &str| results(&format!("{{\"level\": \"error\", \"suppressions\": {list}}}"));
        for yes in ["[{\"kind\": \"inSource\"}]", "[{\"status\": \"accepted\"}, {}]"] {
            assert_eq!(suppressed(yes), "1 0 0 0 0 1 true", "{yes}");
        }
        for no in ["[]", "null", "[{\"status\": \"underReview\"}]", "[{}, {\"status\": \"rejected\"}]"] {
            assert_eq!(suppressed(no), "1 1 0 0 0 0 true", "{no}");
        }
        assert!(suppressed("[{\"status\": \"maybe\"}]").contains("unknown variant"));
    }

    #[test]
    fn a_run_that_is_not_whole_says_so() {
        let whole = |more: &str| counts(&run(more)).unwrap().ends_with("true");
        let with = |more: &str| whole(&format!(", \"results\": [], {more}"));
        assert!(with("\"invocations\": []") && with("\"invocations\": [{\"executionSuccessful\": true}]"));
        assert!(!whole("") && !whole(", \"results\": null"));
        for invocation in ["{\"executionSuccessful\": false}", "{}", "{\"executionSuccessful\": null}"] {
            assert!(
                !with(&format!("\"invocations\": [{{\"executionSuccessful\": true}}, {invocation}]")),
                "{invocation}"
            );
            assert!(!with(&format!("\"conversion\": {{\"invocation\": {invocation}}}")), "{invocation}");
        }
        for list in ["toolExecutionNotifications", "toolConfigurationNotifications"] {
            let told = |level: &str| {
                with(&format!("\"invocations\": [{{\"executionSuccessful\": true, \"{list}\": [{{{level}}}]}}]"))
            };
            assert!(told("\"level\": \"warning\"") && told("\"message\": {\"text\": \"error\"}"));
            assert!(!told("\"level\": \"error\""));
        }
        assert!(!with("\"externalPropertyFileReferences\": {\"results\": [{\"location\": {\"uri\": \"r.json\"}}]}"));
        let inline = run(", \"results\": []")
            .replace("\"version\": \"2.1.0\"", "\"version\": \"2.1.0\", \"inlineExternalProperties\": [{}]");
        assert!(counts(&inline).unwrap().ends_with("false"));
    }

    #[test]
    fn runs_add_up_and_one_that_is_broken_breaks_all() {
        let one = |name: &str, more: &str| format!("{{\"tool\": {{\"driver\": {{\"name\": \"{name}\"}}}}{more}}}");
        let found = ", \"results\": [{\"level\": \"error\"}]";
        let two = log(&[one("a", found), one("b", found), one("a", found)].join(","));
        let facts = read(&Input::plain("a.json", two.as_bytes())).unwrap();
        assert_eq!(
            Fact::Group(facts).to_string(),
            "{complete=true errors=3 notes=0 results=3 suppressed=0 tools=a, b undecided=0 warnings=0}"
        );
        assert_eq!(counts(&log(&[one("a", found), one("b", "")].join(","))).unwrap(), "1 1 0 0 0 0 false");
    }

    #[test]
    fn what_is_no_whole_log_is_refused() {
        refused(&log(""), "holds no run");
        refused("{\"version\": \"2.1.0\", \"runs\": null}", "holds no run");
        refused("{\"version\": \"2.1.0\"}", "holds no run");
        refused("{\"version\": \"2.0.0\", \"runs\": []}", "is SARIF \"2.0.0\"");
        refused("{\"runs\": []}", "missing field `version`");
        refused("", "EOF");
        let text = run(", \"results\": []");
        for end in 0..text.len() {
            assert!(counts(&text[..end]).is_err(), "{}", &text[..end]);
        }
        refused(&run(", \"results\": [], \"results\": []"), "duplicate field `results`");
        refused(&run(", \"results\": {}"), "line 1: is not the JSON");
        refused(&log("{\"results\": []}"), "missing field `tool`");
        refused(&text.replace("ESLint", ""), "has a name of 0 bytes");
        refused(&text.replace("ESLint", "a\\u0000b"), "control characters");
        refused(&text.replace("ESLint", &"x".repeat(201)), "200 are the most");
        let many: Vec<String> =
            (0..33).map(|n| format!("{{\"tool\": {{\"driver\": {{\"name\": \"{n}\"}}}}}}")).collect();
        refused(&log(&many.join(",")), "more than 32 tools");
        assert!(counts(&"[".repeat(1_000_000)).is_err());
        refused(&run(&format!(", \"results\": [{}{{}}]", "{},".repeat(MAX_OBJECTS))), "more than 2000000 objects");
    }

    #[test]
    fn looks_like_needs_the_name_or_the_schema() {
        let looks = |name, text: &str| looks_like(&Input::plain(name, text.as_bytes()));
        assert!(looks("a.SARIF", " {}") && looks("a.json", &log("")));
        assert!(!looks("a.sarif", "x") && !looks("a.json", "{\"version\": \"2.1.0\"}"));
    }
}
