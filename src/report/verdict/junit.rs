//! JUnit XML, as GitLab and Jenkins show it beside a change: a suite a gate, a case a rule.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{GateVerdict, Reason, Verdicts, lines, waived_word};
use crate::policy::decision::{RuleOutcome, RuleState};
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
    let counts = match verdicts {
        Verdicts::Told(gates) => gates.iter().map(Counts::of).fold(Counts::default(), Counts::plus),
        Verdicts::Untold(_) => UNTOLD,
    };
    open(xml, "testsuites", &[("name", "ledger")], counts)?;
    match verdicts {
        Verdicts::Told(gates) => gates.iter().try_for_each(|gate| suite(xml, gate, file))?,
        Verdicts::Untold(reason) => untold(xml, reason)?,
    }
    close(xml, "testsuites")
}

fn suite(xml: &mut Xml, gate: &GateVerdict, file: &str) -> std::io::Result<()> {
    let name = format!("{} {}", gate.name(), gate.decision.release);
    open(xml, "testsuite", &[("name", &name)], Counts::of(gate))?;
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
    // A group whose member was set aside is met, and no plain pass.
    let waived: Vec<&RuleOutcome> = rule.waived().collect();
    match rule.state.is_met() {
        true if !waived.is_empty() => set_aside(xml, &waived)?,
        // The policy asked for nothing here, so nothing passed.
        true if rule.state == RuleState::NotApplicable => {
            empty(xml, "skipped", &[("message", &format!("not applicable: {}", rule.have))])?;
        }
        true => said(xml, "system-out", &[], &visible(&rule.have))?,
        false => {
            let message = format!("{}: {}", rule.need, rule.have);
            said(xml, "failure", &[("message", &message), ("type", rule.state.word())], &lines(rule).join("\n"))?;
        }
    }
    close(xml, "testcase")
}

/// Not run and not failed: a failure would close by another door what an emergency opened.
fn set_aside(xml: &mut Xml, rules: &[&RuleOutcome]) -> std::io::Result<()> {
    begin(xml, "properties", &[])?;
    for rule in rules {
        let property = [("name", waived_word(rule)), ("value", &format!("{}: {}", rule.id, rule.have))];
        empty(xml, "property", &property)?;
    }
    close(xml, "properties")?;
    let told: Vec<String> =
        rules.iter().map(|rule| format!("{} {}: {}", waived_word(rule), rule.id, rule.have)).collect();
    empty(xml, "skipped", &[("message", &told.join("; "))])
}

fn untold(xml: &mut Xml, reason: &Reason) -> std::io::Result<()> {
    open(xml, "testsuite", &[("name", "ledger")], UNTOLD)?;
    begin(xml, "testcase", &[("classname", "ledger"), ("name", "verdict")])?;
    let hints: Vec<String> = reason.hints.iter().map(|hint| visible(hint)).collect();
    said(xml, "error", &[("message", &reason.message), ("type", "unknown")], &hints.join("\n"))?;
    close(xml, "testcase")?;
    close(xml, "testsuite")
}

/// What a suite adds up to.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// One case, of which nobody could tell anything.
const UNTOLD: Counts = Counts { tests: 1, failures: 0, errors: 1, skipped: 0 };

impl Counts {
    fn of(gate: &GateVerdict) -> Self {
        let rules = &gate.decision.rules;
        // A gate without rules is closed, and that is one failure.
        let failures = if rules.is_empty() { 1 } else { gate.unmet() };
        let is_skipped = |rule: &&RuleOutcome| {
            rule.state == RuleState::NotApplicable || rule.state.is_met() && rule.waived().next().is_some()
        };
        let skipped = rules.iter().filter(is_skipped).count();
        Self { tests: rules.len().max(1), failures, errors: 0, skipped }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
        }
    }
}

fn open(xml: &mut Xml, name: &str, attributes: &[(&str, &str)], counts: Counts) -> std::io::Result<()> {
    let Counts { tests, failures, errors, skipped } = counts;
    let counts = [("tests", tests), ("failures", failures), ("errors", errors), ("skipped", skipped)];
    let counts = counts.map(|(name, count)| (name, count.to_string()));
    let counts = counts.iter().map(|(name, count)| (*name, count.as_str()));
    let attributes: Vec<(&str, &str)> = attributes.iter().copied().chain(counts).collect();
    begin(xml, name, &attributes)
}

fn begin(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> std::io::Result<()> {
    xml.write_event(Event::Start(start(name, attributes)))
}

fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> std::io::Result<()> {
    xml.write_event(Event::Empty(start(name, attributes)))
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
    use super::super::tests::{gate, hostile, rule, untold, waived};
    use super::*;
    use crate::evidence::readers::{self, Input};

    /// What our own reader of test reports takes from it.
    fn counts(text: &str) -> Vec<(String, String)> {
        let reader = readers::find("junit").unwrap();
        let facts = (reader.read)(&Input::plain("ledger.xml", text.as_bytes())).unwrap();
        let wanted = ["errors", "failed", "passed", "skipped", "total"];
        let own = facts.iter().filter(|(name, _)| wanted.contains(&name.as_str()));
        own.map(|(name, fact)| (name.clone(), fact.to_string())).collect()
    }

    fn expected(errors: u8, failed: u8, passed: u8, skipped: u8) -> Vec<(String, String)> {
        let total = errors + failed + passed + skipped;
        let facts =
            [("errors", errors), ("failed", failed), ("passed", passed), ("skipped", skipped), ("total", total)];
        facts.map(|(name, count)| (name.to_owned(), count.to_string())).to_vec()
    }

    #[test]
    fn a_reader_of_test_reports_counts_the_rules() {
        let text = render(&hostile(), "ledger.toml");
        assert_eq!(counts(&text), expected(0, 1, 1, 0), "{text}");
        assert!(text.contains("<testcase classname=\"stage9/alpha\" name=\"log\" file=\"ledger.toml\" line=\"40\">"));
        assert!(text.contains("type=\"missing\"") && text.contains("&lt;b&gt;]]&gt;&amp;"), "{text}");
        for never in ["\u{1b}", "\u{ffff}", "<b>", "##["] {
            assert!(!text.contains(never), "{never:?} in {text}");
        }
        assert_eq!(counts(&render(&untold(), "ledger.toml")), expected(1, 0, 0, 0));
        let none =
            Verdicts::Told(vec![gate("ga", Vec::new()), gate("beta", vec![rule("a", RuleState::Satisfied, "x")])]);
        assert_eq!(counts(&render(&none, "ledger.toml")), expected(0, 1, 1, 0));
    }

    #[test]
    fn what_the_policy_does_not_ask_for_here_is_skipped() {
        let rules = vec![rule("prompts", RuleState::NotApplicable, "x"), rule("a", RuleState::Satisfied, "x")];
        let text = render(&Verdicts::Told(vec![gate("ga", rules)]), "ledger.toml");
        assert_eq!(counts(&text), expected(0, 0, 1, 1), "{text}");
        assert!(text.contains("<skipped message=\"not applicable: x\"/>") && !text.contains("<properties>"), "{text}");
    }

    #[test]
    fn what_was_set_aside_is_skipped_and_says_how() {
        let text = render(&waived(), "ledger.toml");
        assert_eq!(counts(&text), expected(0, 0, 1, 2), "{text}");
        for said in ["<skipped message=\"BROKEN GLASS smoke: &lt;b&gt;", "<property name=\"waived\" value=\"log: "] {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(text.matches(" skipped=\"2\"").count() == 2 && !text.contains("<failure"), "{text}");
    }
}
