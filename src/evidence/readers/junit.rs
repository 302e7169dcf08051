//! JUnit XML reports, counted from their test cases and never from what a report says of itself.
//!
//! Source: there is no specification; the de-facto reference is <https://github.com/testmoapp/junitxml>.

use quick_xml::events::{BytesStart, Event};

use super::bounds::{self, short};
use super::{Input, ReadError, Reader, xml};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "junit",
    about: "a test report in JUnit XML, as most test runners write it",
    facts: &["total", "passed", "failed", "errors", "skipped"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let text = bounds::head(input.bytes);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    (start.starts_with("<?xml") || start.starts_with("<testsuite")) && start.contains("<testsuite")
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_xml(input.bytes, "a test report")?;
    let mut reader = quick_xml::Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut report = Report { line: 1, ..Report::default() };
    let mut at = 0;
    loop {
        let start = offset(reader.buffer_position());
        report.line += lines_in(&text, at, start);
        at = start;
        let event = reader.read_event().map_err(|error| {
            let line = report.line + lines_in(&text, at, offset(reader.error_position()));
            ReadError::at(line, malformed(&error))
        })?;
        if matches!(event, Event::Eof) {
            return report.into_facts();
        }
        report.take(&event).map_err(|message| ReadError::at(report.line, message))?;
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn lines_in(text: &str, from: usize, to: usize) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes().get(from..to).unwrap_or_default()).count()
}

#[derive(Default)]
struct Report {
    /// Where the event being read begins.
    line: usize,
    /// The elements open at this point, from the root.
    open: Vec<Element>,
    seen_root: bool,
    passed: usize,
    failed: usize,
    errors: usize,
    skipped: usize,
}

enum Element {
    /// `testsuites` or `testsuite`.
    Suite(Suite),
    Case(Case),
    Other,
}

#[derive(Clone, Copy)]
struct Case {
    outcome: Outcome,
    /// It was run more than once.
    rerun: bool,
}

#[derive(Default)]
struct Suite {
    line: usize,
    /// Its `tests` attribute.
    declared: Option<usize>,
    /// Its `failures` and `errors` attributes together.
    claims_bad: usize,
    suites: usize,
    cases: usize,
    /// Test cases in it and in the suites inside it, and those of them with an error.
    total: usize,
    errors: usize,
    /// Those that failed or had an error.
    bad: usize,
    /// Those that were run more than once.
    reruns: usize,
    /// Those of packages that were not built, which their own sum leaves out.
    unbuilt: usize,
}

/// In rising order of weight: the heaviest child of a test case decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Passed,
    Skipped,
    Failed,
    Error,
}

impl Outcome {
    fn of(child: &str) -> Self {
        match child {
            "failure" => Self::Failed,
            "error" => Self::Error,
            "skipped" => Self::Skipped,
            // Surefire's flakyFailure and flakyError stand in cases that passed in the end.
            _ => Self::Passed,
        }
    }
}

impl Report {
    fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        xml::check(event, !self.open.is_empty()).map_err(|error| error.message)?;
        match event {
            Event::Start(start) => self.start(start),
            Event::End(_) => self.end(),
            Event::DocType(_) => Err("holds a document type definition, which a test report never needs".to_owned()),
            _ => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == xml::MAX_DEPTH {
            return Err(xml::too_deep().message);
        }
        let (declared, claims_bad) = declared(start).map_err(|error| error.message)?;
        let suite = Suite { line: self.line, declared, claims_bad, ..Suite::default() };
        let name = start.name();
        let element = match (name.as_ref(), self.open.last_mut()) {
            (_, None) if self.seen_root => return Err(malformed(&"more than one root")),
            ("testsuites" | "testsuite", None) => Element::Suite(suite),
            (other, None) => return Err(format!("begins with <{}>: {ROOTS}", short(other))),
            ("testsuite", Some(Element::Suite(above))) => {
                above.suites += 1;
                Element::Suite(suite)
            }
            // node's runner puts tests that stand in no suite into <testsuites> itself.
            ("testcase", Some(Element::Suite(above))) => {
                above.cases += 1;
                above.total += 1;
                Element::Case(Case { outcome: Outcome::Passed, rerun: false })
            }
            (other @ ("testsuites" | "testsuite" | "testcase"), Some(_)) => {
                return Err(format!("holds a <{other}> outside a <testsuite>"));
            }
            (child, Some(Element::Case(case))) => {
                case.outcome = Outcome::of(child).max(case.outcome);
                case.rerun |= RERUNS.contains(&child);
                Element::Other
            }
            // A set-up that crashed stands in the suite itself: nothing after it ran.
            ("failure" | "error", Some(Element::Suite(above))) => {
                above.bad += 1;
                self.errors += 1;
                Element::Other
            }
            ("failure" | "error", Some(Element::Other)) => {
                return Err("holds a failure where no test case can have one".to_owned());
            }
            (_, Some(_)) => Element::Other,
        };
        self.seen_root = true;
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let ended = self.open.pop();
        let above = match self.open.last_mut() {
            Some(Element::Suite(suite)) => Some(suite),
            _ => None,
        };
        match ended {
            Some(Element::Suite(suite)) => {
                if let Err(message) = suite.check() {
                    // The claim is what is wrong, and stands at its beginning.
                    self.line = suite.line;
                    return Err(message);
                }
                if let Some(above) = above {
                    above.total += suite.total;
                    above.errors += suite.errors;
                    above.bad += suite.bad;
                    above.reruns += suite.reruns;
                    above.unbuilt += if suite.is_unbuilt() { suite.total } else { suite.unbuilt };
                }
            }
            Some(Element::Case(case)) => {
                *match case.outcome {
                    Outcome::Passed => &mut self.passed,
                    Outcome::Skipped => &mut self.skipped,
                    Outcome::Failed => &mut self.failed,
                    Outcome::Error => &mut self.errors,
                } += 1;
                if let Some(above) = above {
                    above.errors += usize::from(case.outcome == Outcome::Error);
                    above.bad += usize::from(matches!(case.outcome, Outcome::Failed | Outcome::Error));
                    above.reruns += usize::from(case.rerun);
                }
            }
            Some(Element::Other) | None => {}
        }
        Ok(())
    }

    fn into_facts(self) -> Result<Facts, ReadError> {
        if !self.open.is_empty() {
            return Err(ReadError::at(self.line, malformed(&"it ends before its last element does")));
        }
        if !self.seen_root {
            return Err(ReadError::whole(malformed(&"it holds no element")));
        }
        let total = self.passed + self.failed + self.errors + self.skipped;
        if total == 0 {
            return Err(ReadError::whole("holds no test case: a run of nothing proves nothing"));
        }
        let counts = [
            ("total", total),
            ("passed", self.passed),
            ("failed", self.failed),
            ("errors", self.errors),
            ("skipped", self.skipped),
        ];
        Ok(counts.map(|(name, count)| (name.to_owned(), Fact::from(count))).into())
    }
}

impl Suite {
    /// A report cut by hand still carries its old sum. Runners sum differently: most count every case
    /// inside, some only a suite's own cases, node's runner its own cases and suites. Some write more cases
    /// than they count: pytest a test that fails and then errors in its teardown, gotestsum one for a
    /// package it could not build, Surefire all cases where the sum is of its last run again.
    fn check(&self) -> Result<(), String> {
        if self.claims_bad > 0 && self.bad == 0 {
            return Err(format!("says that {} failed and shows none of them: bring the report uncut", self.claims_bad));
        }
        let Some(declared) = self.declared else { return Ok(()) };
        let sums = [self.total, self.cases, self.cases + self.suites, self.total.saturating_sub(self.unbuilt)];
        let twice = self.total.saturating_sub(self.errors)..self.total;
        let again = self.reruns > 0 && (1..self.total).contains(&declared);
        if sums.contains(&declared) || twice.contains(&declared) || again || self.is_unbuilt() {
            return Ok(());
        }
        Err(format!("says tests=\"{declared}\" of a suite that holds {}: bring the report uncut", self.total))
    }

    /// A package that was not built has no tests, and one failure that says so.
    fn is_unbuilt(&self) -> bool {
        self.declared == Some(0) && self.bad == self.total
    }
}

/// What a suite says of itself: its `tests`, and its `failures` and `errors` together.
fn declared(start: &BytesStart<'_>) -> Result<(Option<usize>, usize), ReadError> {
    let (mut tests, mut bad) = (None, 0_usize);
    let is_suite = start.name().as_ref().starts_with("testsuite");
    xml::attributes(start, |key, value| {
        if !is_suite || !matches!(key, "tests" | "failures" | "errors") {
            return Ok(());
        }
        let count = value.trim().parse();
        let no_count = || ReadError::whole(format!("says {key}={:?}, which is no count", short(&value)));
        let count = count.map_err(|_| no_count())?;
        match key {
            "tests" => tests = Some(count),
            _ => bad = bad.saturating_add(count),
        }
        Ok(())
    })?;
    Ok((tests, bad))
}

fn malformed(error: &dyn std::fmt::Display) -> String {
    xml::malformed(error).message
}

/// What Surefire and nextest write about runs of a test before its last.
const RERUNS: &[&str] = &["flakyFailure", "flakyError", "rerunFailure", "rerunError"];
const ROOTS: &str = "a JUnit report begins with <testsuites> or <testsuite>";

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Result<[i64; 5], ReadError> {
        let facts = read(&Input::plain("junit.xml", text.as_bytes()))?;
        Ok(["total", "passed", "failed", "errors", "skipped"].map(|name| match facts[name] {
            Fact::Int(count) => count,
            _ => panic!("{name} is no count"),
        }))
    }

    fn refused(text: &str, why: &str) {
        let error = report(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }

    fn cases(inside: &str) -> [i64; 5] {
        report(&format!("<testsuite>{inside}</testsuite>")).unwrap()
    }

    #[test]
    fn cases_count_and_attributes_do_not() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c --><testsuites tests=\"4\" failures=\"9\"><testsuite tests=\"4\">\
            <properties><property name=\"a&lt;b\"/></properties><testcase name=\"a\" failure=\"x\"/>\
            <testsuite tests=\"3\"><testcase><failure>&#x1B; &amp; <![CDATA[<x>]]></failure></testcase>\
            <testcase><error/></testcase><testcase><skipped/></testcase></testsuite></testsuite></testsuites>\n";
        assert_eq!(report(text), Ok([4, 1, 1, 1, 1]));
    }

    #[test]
    fn the_heaviest_child_decides() {
        assert_eq!(cases("<testcase><skipped/><failure/></testcase>"), [1, 0, 1, 0, 0]);
        assert_eq!(cases("<testcase><error/><skipped/></testcase>"), [1, 0, 0, 1, 0]);
        assert_eq!(cases("<testcase><flakyFailure/><flakyError/></testcase>"), [1, 1, 0, 0, 0]);
        assert_eq!(cases("<testcase><failure/><rerunFailure/></testcase>"), [1, 0, 1, 0, 0]);
        refused(
            "<testsuite><testcase><system-out><failure/></system-out></testcase></testsuite>",
            "no test case can have",
        );
    }

    #[test]
    fn what_is_no_whole_report_is_refused() {
        refused("<testsuite/>", "no test case");
        refused("", "no element");
        refused("<testsuite><testcase/>", "ends before");
        refused("<testsuite><testcase></testsuite>", "well-formed");
        refused("<testsuite><testcase/></testsuite><testsuite/>", "more than one root");
        refused("<testsuite><testcase/></testsuite>x", "outside the root");
        refused("<testsuite><testcase a=\"1\" a=\"2\"/></testsuite>", "well-formed");
        refused("<testsuite><testcase a=\"<failure/>\"/></testsuite>", "'<'");
        refused("<testsuite><testcase/><!-- </testsuite>", "well-formed");
        refused("<html><testsuite><testcase/></testsuite></html>", "begins with <html>");
        refused("<testsuite><testcase><testcase/></testcase></testsuite>", "outside a <testsuite>");
        refused("<testsuite><properties><testsuite/></properties></testsuite>", "outside a <testsuite>");
    }

    #[test]
    fn definitions_and_entities_are_refused() {
        refused("<!DOCTYPE testsuite><testsuite><testcase/></testsuite>", "document type");
        refused("<testsuite><testcase>&xxe;</testcase></testsuite>", "&xxe;");
        refused("<testsuite><testcase name=\"&xxe;\"/></testsuite>", "well-formed");
    }

    #[test]
    fn a_sum_must_fit_the_cases() {
        assert_eq!(cases("<testsuite tests=\"1\"><testcase/></testsuite>"), [1, 1, 0, 0, 0]);
        let node =
            "<testsuite tests=\"2\"><testcase/><testsuite tests=\"2\"><testcase/><testcase/></testsuite></testsuite>";
        assert_eq!(report(node), Ok([3, 3, 0, 0, 0]));
        assert_eq!(report("<testsuites><testcase/></testsuites>"), Ok([1, 1, 0, 0, 0]));
        let go = "<testsuites tests=\"1\"><testsuite tests=\"1\"><testcase/></testsuite><testsuite tests=\"0\"><testcase><failure/></testcase></testsuite></testsuites>";
        assert_eq!(report(go), Ok([2, 1, 1, 0, 0]));
        refused(&go.replace("<failure/>", ""), "line 1: says tests=\"0\" of a suite that holds 1");
        let again = "<testsuite tests=\"1\"><testcase/><testcase><flakyFailure/></testcase></testsuite>";
        assert_eq!(report(again), Ok([2, 2, 0, 0, 0]));
        refused(&again.replace("<flakyFailure/>", ""), "holds 2");
        refused(&again.replace("tests=\"1\"", "tests=\"3\""), "holds 2");
        let pytest = "<testsuite tests=\"1\"><testcase><failure/></testcase><testcase><error/></testcase></testsuite>";
        assert_eq!(report(pytest), Ok([2, 0, 1, 1, 0]));
        refused(&pytest.replace("error", "skipped"), "uncut");
        refused("<testsuite tests=\"2\"><testcase/></testsuite>", "bring the report uncut");
        refused("<testsuites tests=\"2\"><testsuite><testcase/></testsuite></testsuites>", "uncut");
        refused("<testsuite tests=\"all\"><testcase/></testsuite>", "no count");
    }

    #[test]
    fn depth_and_width_are_bounded() {
        let nested =
            |depth: usize| format!("{}<testcase/>{}", "<testsuite>".repeat(depth), "</testsuite>".repeat(depth));
        assert!(report(&nested(63)).is_ok());
        refused(&nested(64), "deeper");
        refused(&"<testsuite>".repeat(100_000), "deeper");
        let wide: String = (0..100_000).map(|n| format!(" a{n}=\"\"")).collect();
        refused(&format!("<testsuite{wide}/>"), "attributes");
    }

    #[test]
    fn looks_like_needs_a_suite_near_the_top() {
        let looks = |text: &str| looks_like(&Input::plain("a", text.as_bytes()));
        assert!(looks("\u{feff}\n<testsuites>"));
        assert!(looks("<?xml version=\"1.0\"?>\n<testsuite name=\"x\">"));
        assert!(!looks("<?xml version=\"1.0\"?>\n<html>"));
        assert!(!looks("see <testsuite>"));
        assert!(!looks(&format!("<?xml?>{}<testsuite>", " ".repeat(5_000))));
    }

    #[test]
    fn a_failure_outside_the_test_cases_is_seen() {
        let crashed = r#"<testsuite tests="1" errors="1"><error message="setup"/><testcase name="a"/></testsuite>"#;
        let facts = (READER.read)(&Input::plain("r.xml", crashed.as_bytes())).unwrap();
        assert_eq!(facts["errors"], Fact::Int(1));
        for hidden in [
            r#"<testsuite failures="1"><testcase name="a"/></testsuite>"#,
            r#"<testsuites errors="2"><testsuite><testcase name="a"/></testsuite></testsuites>"#,
            r#"<testsuite><testcase name="a"><properties><failure/></properties></testcase></testsuite>"#,
        ] {
            assert!((READER.read)(&Input::plain("r.xml", hidden.as_bytes())).is_err(), "{hidden}");
        }
    }
}
