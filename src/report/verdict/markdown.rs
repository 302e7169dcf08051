//! Markdown for the page of a pipeline's step: counts that are exact, rules as far as there is room.

use super::{GateVerdict, Verdicts, is_emergency, waived_word};
use crate::policy::decision::{RuleOutcome, Verdict};
use crate::report::escape::{code_span, cut, markdown, visible};

/// Letters of one cell: what is said, not all that is known.
const LETTERS: usize = 400;
/// Kept free for the lines that end the page.
const ENDING: usize = 1_024;

/// A page of at most `room` bytes; `None` where there is no room even for what matters most. `whole`
/// says where everything is.
pub fn render(verdicts: &Verdicts, room: usize, whole: &str) -> Option<String> {
    let mut page = Page { text: String::new(), room: room.checked_sub(ENDING)?, is_full: false };
    let gates = match verdicts {
        Verdicts::Told(gates) => gates,
        Verdicts::Untold(reason) => {
            page.add(&format!("### ⚠ ledger could not tell\n\n{}\n\n", cell(&reason.message)));
            for hint in &reason.hints {
                page.add(&format!("- {}\n", cell(hint)));
            }
            return (!page.text.is_empty()).then_some(page.text + "\n");
        }
    };
    page.add(&heading(verdicts));
    if page.is_full {
        return None;
    }
    let waived_left = show_waived(&mut page, gates);
    let (mut rules_left, mut gates_left) = (0, 0);
    for gate in gates {
        let shown = show_gate(&mut page, gate);
        rules_left += gate.unmet() - shown.unwrap_or_default();
        gates_left += usize::from(shown.is_none());
    }
    let met_left = show_met(&mut page, gates);
    if waived_left + rules_left + gates_left + met_left > 0 {
        let waived = if waived_left > 0 { format!("{waived_left} set aside, ") } else { String::new() };
        page.text.push_str(&format!(
            "\n**Not shown for want of room: {waived}{rules_left} unmet and {met_left} met rules, and {gates_left} gates.** {}\n",
            cell(whole)
        ));
    }
    Some(page.text + "\n")
}

/// A text that takes lines while there is room, whole ones only.
struct Page {
    text: String,
    room: usize,
    /// Once a line had no place, none has: a page with holes misleads.
    is_full: bool,
}

impl Page {
    fn add(&mut self, line: &str) -> bool {
        self.is_full = self.is_full || self.text.len() + line.len() > self.room;
        if !self.is_full {
            self.text.push_str(line);
        }
        !self.is_full
    }
}

fn heading(verdicts: &Verdicts) -> String {
    let gates = verdicts.gates();
    let open = gates.iter().filter(|gate| gate.is_open()).count();
    let rules: usize = gates.iter().map(|gate| gate.decision.rules.len()).sum();
    let unmet: usize = gates.iter().map(GateVerdict::unmet).sum();
    let waived: usize = gates.iter().map(|gate| gate.waived().count()).sum();
    let waived = if waived > 0 { format!(", {waived} set aside") } else { String::new() };
    let word = match verdicts.verdict() {
        Verdict::Open => "✅ ledger: open",
        Verdict::Closed => "❌ ledger: closed",
    };
    format!("### {word}\n\n{open} of {} gates open, {} of {rules} rules met{waived}\n\n", gates.len(), rules - unmet)
}

/// The gate and its unmet rules; how many of them had room, or `None` when not even the gate had.
fn show_gate(page: &mut Page, gate: &GateVerdict) -> Option<usize> {
    let decision = &gate.decision;
    let folder = decision.attempt.as_ref().map(|attempt| format!(" · {}", markdown(attempt.folder.as_str())));
    let mut text = format!(
        "#### {} {} is {} for {}\n\n{} of {} rules met · policy {} · {} entries, root {}{}\n\n",
        if gate.is_open() { "✅" } else { "❌" },
        markdown(&gate.name()),
        decision.verdict().word(),
        cell(decision.release.as_str()),
        decision.rules.len() - gate.unmet(),
        decision.rules.len(),
        decision.policy.short(),
        decision.size,
        decision.root.short(),
        folder.unwrap_or_default()
    );
    for warning in &decision.warnings {
        text.push_str(&format!("> {}\n\n", cell(warning)));
    }
    if gate.unmet() > 0 {
        text.push_str("| rule | state | need | have | who | next |\n|---|---|---|---|---|---|\n");
    }
    if !page.add(&text) {
        return None;
    }
    let shown = decision.unmet().take_while(|rule| page.add(&unmet_row(rule))).count();
    page.add("\n");
    Some(shown)
}

/// Rules of all gates that were set aside, above everything else and unfolded; how many had no room.
fn show_waived(page: &mut Page, gates: &[GateVerdict]) -> usize {
    let mut waived: Vec<(String, &RuleOutcome)> =
        gates.iter().flat_map(|gate| gate.waived().map(|(_, rule)| (gate.name(), rule))).collect();
    waived.sort_by_key(|(_, rule)| !is_emergency(rule));
    let emergencies = waived.iter().filter(|(_, rule)| is_emergency(rule)).count();
    let title = match emergencies {
        0 => format!("⚠ {} rules set aside", waived.len()),
        broken => format!("🟥 {} rules set aside, {broken} by broken glass", waived.len()),
    };
    let begin = format!("#### {title}\n\n| | gate | rule | entries | have |\n|---|---|---|---|---|\n");
    if waived.is_empty() || !page.add(&begin) {
        return waived.len();
    }
    let row = |(gate, rule): &(String, &RuleOutcome)| {
        let word =
            if is_emergency(rule) { format!("🟥 **{}**", waived_word(rule)) } else { waived_word(rule).to_owned() };
        format!("| {word} {}", met_row(gate, rule))
    };
    let shown = waived.iter().take_while(|one| page.add(&row(one))).count();
    page.add("\n");
    waived.len() - shown
}

/// Met rules of all gates, folded away; how many had no room.
fn show_met(page: &mut Page, gates: &[GateVerdict]) -> usize {
    // What was set aside itself stands above, unfolded.
    let is_plain = |rule: &&RuleOutcome| rule.state.is_met() && !rule.state.is_waived();
    let met: Vec<(String, &RuleOutcome)> = gates
        .iter()
        .flat_map(|gate| gate.decision.rules.iter().filter(is_plain).map(|rule| (gate.name(), rule)))
        .collect();
    let begin = format!(
        "<details><summary>{} rules met</summary>\n\n| gate | rule | entries | have |\n|---|---|---|---|\n",
        met.len()
    );
    if met.is_empty() || !page.add(&begin) {
        return met.len();
    }
    let shown = met.iter().take_while(|(gate, rule)| page.add(&met_row(gate, rule))).count();
    page.text.push_str("\n</details>\n");
    met.len() - shown
}

fn met_row(gate: &str, rule: &RuleOutcome) -> String {
    let entries: Vec<String> = rule.by.iter().map(|(number, _)| format!("{number}")).collect();
    let entries = cut(&entries.join(" "), LETTERS);
    format!("| {} | {} | {entries} | {} |\n", markdown(gate), markdown(rule.id.as_str()), cell(&rule.have))
}

fn unmet_row(rule: &RuleOutcome) -> String {
    let next = if rule.hint.is_empty() { String::new() } else { code_span(&cut(&visible(&rule.hint), LETTERS)) };
    format!(
        "| {} | {} | {} | {} | {} | {next} |\n",
        markdown(rule.id.as_str()),
        rule.state.word(),
        cell(&rule.need),
        cell(&rule.have),
        cell(&rule.who.join(", "))
    )
}

fn cell(text: &str) -> String {
    markdown(&cut(text, LETTERS))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOSTILE, gate, hostile, rule, untold, waived};
    use super::*;
    use crate::policy::RuleState;

    const MIB: usize = 1 << 20;

    #[test]
    fn hostile_text_stays_in_its_cell() {
        for verdicts in [hostile(), untold()] {
            let text = render(&verdicts, MIB, "").unwrap();
            for never in ["\u{1b}", "##[", "\n::", " <b>", " `x`"] {
                // What stands in a longer fence is code.
                assert!(!text.replace("\\| `x`", "").contains(never), "{never:?} in {text}");
            }
        }
        let row = unmet_row(&rule("log", RuleState::Missing, HOSTILE));
        let plain = row.replace("\\|", "").matches('|').count();
        assert_eq!((row.lines().count(), plain), (1, 7), "{row}");
    }

    #[test]
    fn what_was_set_aside_stands_unfolded_above_the_gates_broken_glass_first() {
        let text = render(&waived(), MIB, "").unwrap();
        let (shown, folded) = text.split_once("<details>").unwrap();
        assert!(shown.contains("1 of 1 gates open, 3 of 3 rules met, 2 set aside\n"), "{text}");
        assert!(shown.contains("#### 🟥 2 rules set aside, 1 by broken glass"), "{text}");
        let place = |part: &str| shown.find(part).unwrap_or_else(|| panic!("{part:?} in {text}"));
        let glass = place("| 🟥 **BROKEN GLASS** | stage9/alpha | smoke |");
        assert!(glass < place("| waived | stage9/alpha | log |"), "{text}");
        assert!(glass < place("#### ✅ stage9/alpha is open"), "{text}");
        assert!(folded.starts_with("<summary>2 rules met</summary>"), "a group with a member set aside is met: {text}");
        let narrow = render(&waived(), 1_200, "").unwrap();
        assert!(narrow.contains("2 set aside,"), "{narrow}");
    }

    #[test]
    fn fifty_thousand_findings_are_counted_exactly_in_under_a_mebibyte() {
        let text = "가".repeat(500);
        let rules = |n: usize, state| (0..n).map(move |n| (n, state));
        let all = rules(50_000, RuleState::Failed).chain(rules(70, RuleState::Satisfied));
        let all = all.map(|(n, state)| rule(&format!("r{n}"), state, &text)).collect();
        let verdicts = Verdicts::Told(vec![gate("alpha", all), gate("beta", vec![rule("x", RuleState::Failed, "y")])]);
        for room in [MIB, MIB / 2, 4_096] {
            let page = render(&verdicts, room, "ledger check --json has all of them").unwrap();
            assert!(page.len() < room, "{}", page.len());
            assert!(page.contains("0 of 2 gates open, 70 of 50071 rules met\n"), "{}", &page[..200]);
            let shown = page.matches("| failed |").count();
            let left = format!("{} unmet and 70 met rules, and 1 gates", 50_001 - shown);
            assert!(page.contains(&left) && page.contains("has all of them"), "{shown}: {}", &page[page.len() - 400..]);
        }
        assert_eq!(render(&verdicts, 1_000, ""), None);
        assert_eq!(render(&verdicts, 0, ""), None);
    }
}
