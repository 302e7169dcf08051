//! JUnit XML, as GitLab and Jenkins show it beside a change: a suite a gate, a case a rule.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{GateVerdict, Reason, Verdicts, lines};
use crate::policy::decision::RuleOutcome;
use crate::report::escape::visible;

type Xml = Writer<Vec<u8>>;

pub fn render(verdicts: &Verdicts, file: &str) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing into memory fails never.
    let _ = document(&mut xml, verdicts, file);
    let mut text = String::from_utf8(xml.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

fn document(xml: &mut Xml, verdicts: &Verdicts, file: &str) -> std::io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let gates = verdicts.gates();
    let failures: usize = gates.iter().map(failures).sum();
    let tests: usize = gates.iter().map(cases).sum();
    let (tests, errors) = match verdicts {
        Verdicts::Told(_) => (tests, 0),
        Verdicts::Untold(_) => (1, 1),
    };
    open(xml, "testsuites", &[("name", "ledger")], (tests, failures, errors))?;
    match verdicts {
        Verdicts::Told(gates) => gates.iter().try_for_each(|gate| suite(xml, gate, file))?,
        Verdicts::Untold(reason) => untold(xml, reason)?,
    }
    close(xml, "testsuites")
}

fn suite(xml: &mut Xml, gate: &GateVerdict, file: &str) -> std::io::Result<()> {
    let name = format!("{} {}", gate.name(), gate.decision.release);
    open(xml, "testsuite", &[("name", &name)], (cases(gate), failures(gate), 0))?;
    gate.decision.rules.iter().try_for_each(|rule| case(xml, gate, rule, file))?;
    if gate.decision.rules.is_empty() {
        begin(xml, "testcase", &[("classname", &gate.name()), ("name", "rules")])?;
        said(xml, "failure", &[("message", "the gate has no rules"), ("type", "failed")], "nothing opens it")?;
        close(xml, "testcase")?;
    }
    if !gate.decision.warnings.is_empty() {
        said(
            xml,
            "system-out",
            &[],
            &gate.decision.warnings.iter().map(|w| visible(w)).collect::<Vec<_>>().join("\n"),
        )?;
    }
    close(xml, "testsuite")
}

fn case(xml: &mut Xml, gate: &GateVerdict, rule: &RuleOutcome, file: &str) -> std::io::Result<()> {
    let (name, line) = (gate.name(), gate.line(rule).map(|line| line.to_string()));
    let mut attributes = vec![("classname", name.as_str()), ("name", rule.id.as_str())];
    if let Some(line) = &line {
        attributes.extend([("file", file), ("line", line)]);
    }
    begin(xml, "testcase", &attributes)?;
    match rule.state.is_met() {
        true => said(xml, "system-out", &[], &visible(&rule.have))?,
        false => {
            let message = format!("{}: {}", rule.need, rule.have);
            said(xml, "failure", &[("message", &message), ("type", rule.state.word())], &lines(rule).join("\n"))?;
        }
    }
    close(xml, "testcase")
}

fn untold(xml: &mut Xml, reason: &Reason) -> std::io::Result<()> {
    open(xml, "testsuite", &[("name", "ledger")], (1, 0, 1))?;
    begin(xml, "testcase", &[("classname", "ledger"), ("name", "verdict")])?;
    let hints: Vec<String> = reason.hints.iter().map(|hint| visible(hint)).collect();
    said(xml, "error", &[("message", &reason.message), ("type", "unknown")], &hints.join("\n"))?;
    close(xml, "testcase")?;
    close(xml, "testsuite")
}

fn cases(gate: &GateVerdict) -> usize {
    gate.decision.rules.len().max(1)
}

/// A gate without rules is closed, and that is one failure.
fn failures(gate: &GateVerdict) -> usize {
    if gate.decision.rules.is_empty() { 1 } else { gate.unmet() }
}

fn open(
    xml: &mut Xml,
    name: &str,
    attributes: &[(&str, &str)],
    (tests, failures, errors): (usize, usize, usize),
) -> std::io::Result<()> {
    let counts = [("tests", tests), ("failures", failures), ("errors", errors), ("skipped", 0)];
    let counts = counts.map(|(name, count)| (name, count.to_string()));
    let counts = counts.iter().map(|(name, count)| (*name, count.as_str()));
    let attributes: Vec<(&str, &str)> = attributes.iter().copied().chain(counts).collect();
    begin(xml, name, &attributes)
}

fn begin(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> std::io::Result<()> {
    xml.write_event(Event::Start(start(name, attributes)))
}

fn close(xml: &mut Xml, name: &str) -> std::io::Result<()> {
    xml.write_event(Event::End(BytesEnd::new(name)))
}

fn said(xml: &mut Xml, name: &str, attributes: &[(&str, &str)], text: &str) -> std::io::Result<()> {
    begin(xml, name, attributes)?;
    xml.write_event(Event::Text(BytesText::new(&allowed(text))))?;
    close(xml, name)
}

fn start<'n>(name: &'n str, attributes: &[(&str, &str)]) -> BytesStart<'n> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        start.push_attribute((*name, allowed(&visible(value)).as_str()));
    }
    start
}

/// Two characters are neither control nor allowed in XML 1.0 ("Char", 2.2).
fn allowed(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{gate, hostile, rule, untold};
    use super::*;
    use crate::evidence::readers::{self, Input};
    use crate::policy::RuleState;

    /// What our own reader of test reports takes from it.
    fn counts(text: &str) -> Vec<(String, String)> {
        let reader = readers::find("junit").unwrap();
        let facts = (reader.read)(&Input::plain("ledger.xml", text.as_bytes())).unwrap();
        let wanted = ["errors", "failed", "passed", "total"];
        let own = facts.iter().filter(|(name, _)| wanted.contains(&name.as_str()));
        own.map(|(name, fact)| (name.clone(), fact.to_string())).collect()
    }

    fn expected(errors: u8, failed: u8, passed: u8) -> Vec<(String, String)> {
        let facts = [("errors", errors), ("failed", failed), ("passed", passed), ("total", errors + failed + passed)];
        facts.map(|(name, count)| (name.to_owned(), count.to_string())).to_vec()
    }

    #[test]
    fn a_reader_of_test_reports_counts_the_rules() {
        let text = render(&hostile(), "ledger.toml");
        assert_eq!(counts(&text), expected(0, 1, 1), "{text}");
        assert!(text.contains("<testcase classname=\"stage9/alpha\" name=\"log\" file=\"ledger.toml\" line=\"40\">"));
        assert!(text.contains("type=\"missing\"") && text.contains("&lt;b&gt;]]&gt;&amp;"), "{text}");
        for never in ["\u{1b}", "\u{ffff}", "<b>", "##["] {
            assert!(!text.contains(never), "{never:?} in {text}");
        }
        assert_eq!(counts(&render(&untold(), "ledger.toml")), expected(1, 0, 0));
        let none =
            Verdicts::Told(vec![gate("ga", Vec::new()), gate("beta", vec![rule("a", RuleState::Satisfied, "x")])]);
        assert_eq!(counts(&render(&none, "ledger.toml")), expected(0, 1, 1));
    }
}
