//! A decision as people and programs read it.

use serde::Serialize;

use super::output::{Printer, SCHEMAS, table};
use crate::findings::counted;
use crate::policy::decision::{Decision, RuleOutcome, RuleState, Verdict};
use crate::report::escape::visible;
use crate::report::verdict::GateVerdict;

/// A decision as JSON (`schemas/decision.schema.json`).
#[derive(Debug, Serialize)]
pub struct DecisionJson {
    schema: String,
    verdict: &'static str,
    pipeline: String,
    gate: String,
    release: String,
    attempt: Option<u32>,
    folder: Option<String>,
    policy: String,
    size: u64,
    root: String,
    promoted: Option<u64>,
    rules: Vec<RuleJson>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RuleJson {
    id: String,
    kind: &'static str,
    state: &'static str,
    /// Waived in an emergency.
    broken_glass: bool,
    /// Entry ids.
    by: Vec<String>,
    /// The same entries by number.
    entries: Vec<u64>,
    need: String,
    have: String,
    who: Vec<String>,
    hint: String,
    due: Option<String>,
    parts: Vec<RuleJson>,
}

impl From<&Decision> for DecisionJson {
    fn from(decision: &Decision) -> Self {
        let attempt = decision.attempt.as_ref();
        Self {
            schema: format!("{SCHEMAS}decision/v0.1"),
            verdict: decision.verdict().word(),
            pipeline: decision.pipeline.to_string(),
            gate: decision.gate.to_string(),
            release: decision.release.to_string(),
            attempt: attempt.map(|attempt| attempt.number),
            folder: attempt.map(|attempt| attempt.folder.to_string()),
            policy: decision.policy.to_string(),
            size: decision.size,
            root: decision.root.to_string(),
            promoted: decision.promoted.map(|entry| entry.0),
            rules: decision.rules.iter().map(RuleJson::from).collect(),
            warnings: decision.warnings.clone(),
        }
    }
}

impl From<&RuleOutcome> for RuleJson {
    fn from(rule: &RuleOutcome) -> Self {
        Self {
            id: rule.id.to_string(),
            kind: rule.kind.word(),
            state: rule.state.word(),
            broken_glass: rule.state == RuleState::Waived { broken_glass: true },
            by: rule.by.iter().map(|(_, id)| id.to_string()).collect(),
            entries: rule.by.iter().map(|(number, _)| number.0).collect(),
            need: rule.need.clone(),
            have: rule.have.clone(),
            who: rule.who.clone(),
            hint: rule.hint.clone(),
            due: rule.due.map(|due| due.to_string()),
            parts: rule.parts.iter().map(Self::from).collect(),
        }
    }
}

/// Decisions about several gates as JSON (`schemas/status.schema.json`).
pub fn status_json<'d>(decisions: impl Iterator<Item = &'d Decision>) -> serde_json::Value {
    let gates: Vec<DecisionJson> = decisions.map(DecisionJson::from).collect();
    serde_json::json!({ "schema": format!("{SCHEMAS}status/v0.1"), "gates": gates })
}

/// Each gate's rules, its verdict, and what brings it forward; last the verdict about all of them.
pub fn verdicts(printer: &mut Printer<'_>, gates: &[GateVerdict]) {
    for (at, GateVerdict { decision, .. }) in gates.iter().enumerate() {
        if at > 0 {
            printer.say("");
        }
        let heading = heading(printer, decision, None);
        printer.say(heading);
        rules(printer, decision).into_iter().for_each(|line| printer.say(line));
        let verdict = decision.verdict();
        let word = printer.bold(verdict.word());
        let next = match verdict {
            Verdict::Open => String::new(),
            Verdict::Closed => format!(" · next: {}", next_command(decision)),
        };
        let release = visible(decision.release.as_str());
        printer.say(format!("{} is {word} for {release}: {}{next}", decision.gate, tally(decision)));
    }
    if gates.len() > 1 {
        let open = gates.iter().filter(|gate| gate.is_open()).count();
        let mark = if open == gates.len() { printer.good() } else { printer.bad() };
        printer.say(format!("\n{mark} {open} of {} gates open", gates.len()));
    }
}

/// Release, gate, attempt and policy: what the rules below speak of.
pub fn heading(printer: &Printer<'_>, decision: &Decision, commit: Option<&str>) -> String {
    let commit = commit.map(|commit| format!("  commit {}", &commit[..commit.len().min(10)])).unwrap_or_default();
    let folder = decision.attempt.as_ref().map(|attempt| format!("  {}", attempt.folder)).unwrap_or_default();
    let gate = printer.bold(decision.gate.as_str());
    format!("{gate}  {}{commit}{folder}  policy {}", visible(decision.release.as_str()), decision.policy.short())
}

/// One line a rule; under an unmet one its parts, what is needed, who can supply it and the command that would.
pub fn rules(printer: &Printer<'_>, decision: &Decision) -> Vec<String> {
    let rows: Vec<Vec<String>> = decision.rules.iter().map(|rule| row(printer, rule)).collect();
    let mut lines = Vec::new();
    for (line, rule) in table(&rows).into_iter().zip(&decision.rules) {
        lines.push(line);
        if rule.state.is_met() {
            continue;
        }
        let parts: Vec<Vec<String>> = rule.parts.iter().map(|part| row(printer, part)).collect();
        lines.extend(table(&parts).into_iter().map(|part| format!("    {part}")));
        lines.push(printer.dim(&format!("      have  {}", visible(&rule.have))));
        if !rule.who.is_empty() {
            lines.push(printer.dim(&format!("      who   {}", visible(&rule.who.join(", ")))));
        }
        if !rule.hint.is_empty() {
            lines.push(format!("      → {}", visible(&rule.hint)));
        }
    }
    lines.extend(decision.warnings.iter().map(|warning| format!("  ! {}", visible(warning))));
    lines
}

fn row(printer: &Printer<'_>, rule: &RuleOutcome) -> Vec<String> {
    let shown = if rule.state.is_met() { &rule.have } else { &rule.need };
    let entries: Vec<String> = rule.by.iter().take(MOST_ENTRIES).map(|(number, _)| format!("#{number}")).collect();
    let more = if rule.by.len() > MOST_ENTRIES { " …" } else { "" };
    let entries = format!("{}{more}", entries.join(" "));
    vec![format!("  {}", printer.mark(rule.state)), rule.id.to_string(), entries, visible(shown)]
}

/// More entries than this, and the table would be all numbers.
const MOST_ENTRIES: usize = 6;

/// The one command that brings the gate forward.
pub fn next_command(decision: &Decision) -> String {
    match decision.unmet().next() {
        None if decision.promoted.is_some() => "done".to_owned(),
        None => visible(&decision.command(format!("ledger promote {}", decision.gate))),
        Some(rule) => visible(&rule.hint),
    }
}

/// How many rules are met, for the line under a board.
pub fn tally(decision: &Decision) -> String {
    let unmet = decision.unmet().count();
    let waived = decision.rules.iter().flat_map(RuleOutcome::waived).count();
    match unmet {
        0 if waived > 0 => format!("{} met, {waived} set aside", counted(decision.rules.len(), "rule", "rules")),
        0 => format!("all {} met", counted(decision.rules.len(), "rule", "rules")),
        _ => format!("{unmet} of {} unmet", counted(decision.rules.len(), "rule", "rules")),
    }
}
