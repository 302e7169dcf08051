//! SARIF 2.1.0 (OASIS), as code scanning shows it: a rule of the policy a reporting descriptor, an unmet
//! one a result at its line of the policy file, and one that was set aside a warning.

use serde_json::{Value, json};

use super::{GateVerdict, Verdicts, lines, waived_word};
use crate::policy::decision::RuleOutcome;
use crate::report::escape::visible;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const HOME: &str = "https://github.com/evidence-ledger/ledger";

pub fn render(verdicts: &Verdicts, file: &str) -> String {
    let gates = verdicts.gates();
    let rules: Vec<Value> =
        gates.iter().flat_map(|gate| gate.decision.rules.iter().map(|r| descriptor(gate, r))).collect();
    let mut results = Vec::new();
    let mut index = 0;
    for gate in gates {
        for rule in &gate.decision.rules {
            if !rule.state.is_met() {
                results.push(unmet(gate, rule, index, file));
            }
            results.extend(rule.waived().map(|waived| set_aside(gate, waived, index, file)));
            index += 1;
        }
        if gate.decision.rules.is_empty() {
            results.push(no_rules(gate, file));
        }
    }
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "ledger", "version": env!("CARGO_PKG_VERSION"), "informationUri": HOME, "rules": rules,
            }},
            "invocations": [invocation(verdicts)],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    // In a log of GitHub's runner the two signs would begin a command; as an escape it is the same text.
    serde_json::to_string_pretty(&log).unwrap_or_default().replace("##[", "##\\u005b") + "\n"
}

/// Whether the check came to an end; where it did not, no result is no good news.
fn invocation(verdicts: &Verdicts) -> Value {
    let told = |text: &String, level: &str| json!({"level": level, "message": {"text": visible(text)}});
    match verdicts {
        Verdicts::Told(gates) => {
            let warnings = gates.iter().flat_map(|gate| &gate.decision.warnings);
            let warnings: Vec<Value> = warnings.map(|text| told(text, "warning")).collect();
            json!({"executionSuccessful": true, "toolExecutionNotifications": warnings})
        }
        Verdicts::Untold(reason) => {
            let hints = reason.hints.iter().map(|hint| told(hint, "note"));
            let notes: Vec<Value> = [told(&reason.message, "error")].into_iter().chain(hints).collect();
            json!({"executionSuccessful": false, "toolExecutionNotifications": notes})
        }
    }
}

fn id(gate: &GateVerdict, rule: &RuleOutcome) -> String {
    format!("{}/{}", gate.name(), rule.id)
}

fn descriptor(gate: &GateVerdict, rule: &RuleOutcome) -> Value {
    json!({
        "id": id(gate, rule),
        "shortDescription": {"text": visible(&rule.need)},
        "defaultConfiguration": {"level": "error"},
    })
}

fn unmet(gate: &GateVerdict, rule: &RuleOutcome, index: usize, file: &str) -> Value {
    let text = format!("{} is closed for {}: {} {}", gate.name(), gate.decision.release, rule.id, rule.state.word());
    result(gate, rule, (index, "error"), &text, file)
}

/// A warning, whether or not the gate is open. An error would close by another door what an emergency opened.
fn set_aside(gate: &GateVerdict, rule: &RuleOutcome, index: usize, file: &str) -> Value {
    let text = format!("{} for {}: {} {}", waived_word(rule), gate.decision.release, gate.name(), rule.id);
    result(gate, rule, (index, "warning"), &text, file)
}

/// A finding about a rule, or about a member of a group: the index is that of the rule it stands in.
fn result(gate: &GateVerdict, rule: &RuleOutcome, (index, level): (usize, &str), text: &str, file: &str) -> Value {
    let release = &gate.decision.release;
    let whole = gate.decision.rules.get(index).unwrap_or(rule);
    json!({
        "ruleId": id(gate, whole),
        "ruleIndex": index,
        "level": level,
        "message": {"text": format!("{}\n{}", visible(text), lines(rule).join("\n"))},
        "locations": [location(file, gate.line(rule))],
        "partialFingerprints": {"ledgerRule/v1": visible(&format!("{} {release}", id(gate, rule)))},
    })
}

fn no_rules(gate: &GateVerdict, file: &str) -> Value {
    json!({
        "ruleId": gate.name(),
        "level": "error",
        "message": {"text": "the gate has no rules, so nothing opens it"},
        "locations": [location(file, gate.places.gate)],
    })
}

fn location(file: &str, line: Option<usize>) -> Value {
    let mut place = json!({"artifactLocation": {"uri": file, "uriBaseId": "%SRCROOT%"}});
    if let (Some(place), Some(line)) = (place.as_object_mut(), line) {
        place.insert("region".to_owned(), json!({"startLine": line}));
    }
    json!({"physicalLocation": place})
}

#[cfg(test)]
mod tests {
    use super::super::tests::{gate, hostile, untold, waived};
    use super::*;
    use crate::evidence::readers::{self, Input};

    fn facts(text: &str) -> String {
        let reader = readers::find("sarif").unwrap();
        let facts = (reader.read)(&Input::plain("ledger.sarif", text.as_bytes())).unwrap();
        ["complete", "errors", "results"].map(|name| format!("{name} {}", facts[name])).join(", ")
    }

    #[test]
    fn a_reader_of_logs_finds_every_unmet_rule_at_its_line() {
        let text = render(&hostile(), "ledger.toml");
        assert_eq!(facts(&text), "complete true, errors 1, results 1");
        let log: Value = serde_json::from_str(&text).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 40);
        assert_eq!(run["results"][0]["ruleId"], run["tool"]["driver"]["rules"][0]["id"]);
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 2);
        assert!(!text.contains("##[") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn what_was_set_aside_is_a_warning_even_inside_a_group() {
        let text = render(&waived(), "ledger.toml");
        assert_eq!(facts(&text), "complete true, errors 0, results 2");
        let log: Value = serde_json::from_str(&text).unwrap();
        let results = &log["runs"][0]["results"];
        let told = [0, 1].map(|n| (&results[n]["level"], &results[n]["ruleId"], &results[n]["ruleIndex"]));
        assert_eq!(told[0], (&"warning".into(), &"stage9/alpha/proof".into(), &0.into()));
        assert_eq!(told[1], (&"warning".into(), &"stage9/alpha/log".into(), &1.into()));
        let said = |n: usize| results[n]["message"]["text"].as_str().unwrap();
        assert!(said(0).starts_with("BROKEN GLASS for 1.0: stage9/alpha smoke\n"), "{}", said(0));
        assert!(said(1).starts_with("waived for 1.0: stage9/alpha log\n"), "{}", said(1));
        assert_ne!(results[0]["partialFingerprints"], results[1]["partialFingerprints"]);
    }

    #[test]
    fn what_nobody_could_tell_is_no_clean_log() {
        assert_eq!(facts(&render(&untold(), "ledger.toml")), "complete false, errors 0, results 0");
        let none = Verdicts::Told(vec![gate("ga", Vec::new())]);
        assert_eq!(facts(&render(&none, "ledger.toml")), "complete true, errors 1, results 1");
    }
}
