//! Annotations of GitHub Actions: workflow commands, one a line, in the log of the step.

use super::{GateVerdict, Verdicts, is_emergency, lines, waived_word};
use crate::policy::decision::RuleOutcome;
use crate::report::escape::{cut, visible};

/// A step shows no more than ten of a kind; the rest would be dropped without a word.
const MOST: usize = 10;
/// Letters of one annotation: what is said, not all that is known.
const LETTERS: usize = 2_000;

/// An error for every rule that is not met, a notice for an open gate, a warning for what was set aside and
/// for what closes nothing.
pub fn render(verdicts: &Verdicts, file: &str) -> String {
    let mut out = annotations(verdicts, file);
    for gate in verdicts.gates().iter().filter(|gate| gate.is_open()) {
        let (release, rules) = (&gate.decision.release, gate.decision.rules.len());
        let said = match gate.waived().count() {
            0 => format!("open for {release}: every one of {rules} rules is met"),
            waived => format!("open for {release}: {rules} rules, {waived} set aside"),
        };
        out.push_str(&command("notice", &[("title", &format!("ledger {}", gate.name()))], &visible(&said)));
    }
    out
}

/// The same without the notices: what stands beside verdicts told in another way.
pub fn annotations(verdicts: &Verdicts, file: &str) -> String {
    let gates = match verdicts {
        Verdicts::Told(gates) => gates,
        Verdicts::Untold(reason) => {
            let lines: Vec<String> = [&reason.message].into_iter().chain(&reason.hints).map(|l| visible(l)).collect();
            return command("error", &[("title", "ledger could not tell")], &lines.join("\n"));
        }
    };
    let errors: Vec<String> = gates
        .iter()
        .flat_map(|gate| gate.decision.unmet().map(move |rule| error(gate, rule, file)))
        .chain(gates.iter().filter(|gate| gate.decision.rules.is_empty()).map(no_rules))
        .collect();
    let warned = |gate: &GateVerdict| {
        let title = format!("ledger {}", gate.name());
        let warnings = gate.decision.warnings.iter();
        warnings.map(|text| command("warning", &[("title", &title)], &visible(text))).collect::<Vec<_>>()
    };
    // Broken glass first: it must not be among those that had no room.
    let mut waived: Vec<_> = gates.iter().flat_map(|gate| gate.waived().map(move |(_, rule)| (gate, rule))).collect();
    waived.sort_by_key(|(_, rule)| !is_emergency(rule));
    let waived = waived.into_iter().map(|(gate, rule)| set_aside(gate, rule, file));
    let warnings: Vec<String> = waived.chain(gates.iter().flat_map(warned)).collect();
    bounded("error", &errors) + &bounded("warning", &warnings)
}

fn error(gate: &GateVerdict, rule: &RuleOutcome, file: &str) -> String {
    let title = format!("ledger {}: {} {}", gate.name(), rule.id, rule.state.word());
    at_rule("error", gate, rule, (file, &title))
}

fn set_aside(gate: &GateVerdict, rule: &RuleOutcome, file: &str) -> String {
    let title = format!("ledger {}: {} {}", gate.name(), waived_word(rule), rule.id);
    at_rule("warning", gate, rule, (file, &title))
}

fn at_rule(kind: &str, gate: &GateVerdict, rule: &RuleOutcome, (file, title): (&str, &str)) -> String {
    let line = gate.line(rule).map(|line| line.to_string());
    let mut properties = Vec::new();
    if let Some(line) = &line {
        properties.extend([("file", file), ("line", line)]);
    }
    properties.push(("title", title));
    command(kind, &properties, &lines(rule).join("\n"))
}

fn no_rules(gate: &GateVerdict) -> String {
    command("error", &[("title", &format!("ledger {}", gate.name()))], "the gate has no rules, so nothing opens it")
}

fn bounded(kind: &str, commands: &[String]) -> String {
    if commands.len() <= MOST {
        return commands.concat();
    }
    let more = format!("and {} more: see the summary or the log", commands.len() - (MOST - 1));
    commands[..MOST - 1].concat() + &command(kind, &[("title", "ledger")], &more)
}

/// `::error file=…,line=…::message`, with what would end a value or the line escaped.
fn command(kind: &str, properties: &[(&str, &str)], message: &str) -> String {
    let value = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let properties: Vec<String> = properties.iter().map(|(name, text)| format!("{name}={}", value(text))).collect();
    format!("::{kind} {}::{}\n", properties.join(","), data(&cut(message, LETTERS)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, gate, hostile, rule, untold, waived};
    use super::*;
    use crate::policy::RuleState;

    #[test]
    fn a_rule_is_one_line_at_its_place_and_nothing_of_it_is_a_command() {
        let text = render(&hostile(), "ledger.toml");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let begins = "::error file=ledger.toml,line=40,title=ledger stage9/alpha%3A log missing::need: <b>]]>&";
        assert!(lines[0].starts_with(begins), "{text}");
        assert!(lines[0].contains("%250A") && lines[0].contains("%0Ahave: "), "{text}");
        assert!(lines[1].starts_with("::warning title=ledger stage9/alpha::<b>"), "{text}");
        assert!(!text.contains("##[") && !text.contains('\u{1b}'), "{text}");
        let text = render(&untold(), "ledger.toml");
        assert!(text.starts_with("::error title=ledger could not tell::<b>") && text.lines().count() == 1, "{text}");
        assert_eq!(command("error", &[("title", "a:b,c%\n")], HOSTILE).lines().count(), 1);
    }

    #[test]
    fn what_was_set_aside_is_a_warning_at_its_place_broken_glass_first() {
        let text = render(&waived(), "ledger.toml");
        let lines: Vec<&str> = text.lines().collect();
        let glass = "::warning file=ledger.toml,line=31,title=ledger stage9/alpha%3A BROKEN GLASS smoke::need: ";
        let waived = "::warning file=ledger.toml,line=40,title=ledger stage9/alpha%3A waived log::need: ";
        assert!(lines[0].starts_with(glass) && lines[1].starts_with(waived), "{text}");
        assert!(text.contains("3 rules, 2 set aside") && !text.contains("every one of"), "{text}");
        assert!(lines.iter().all(|line| line.starts_with("::")) && lines.len() == 4, "{text}");
    }

    #[test]
    fn no_more_than_a_step_shows_and_the_rest_counted() {
        let rules = (0..30).map(|n| rule(&format!("r{n}"), RuleState::Failed, "x")).collect();
        let text = render(&Verdicts::Told(vec![gate("alpha", rules)]), "ledger.toml");
        assert_eq!(text.matches("::error ").count(), MOST);
        assert!(text.contains("and 21 more"), "{text}");
        let open = gate("ga", vec![rule("met", RuleState::Satisfied, "x")]);
        assert!(render(&Verdicts::Told(vec![open]), "f").starts_with("::warning"), "its warning, then the notice");
        let empty = render(&Verdicts::Told(vec![gate("ga", Vec::new())]), "f");
        assert!(empty.contains("::error") && !empty.contains("::notice"), "{empty}");
    }
}
