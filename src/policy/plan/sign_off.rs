//! Rows that are gates: they cite the document a gate's rule wants, and the gate's approvals do them.

use unicode_normalization::UnicodeNormalization as _;

use crate::chain::VerifiedEntry;
use crate::evidence::readers::plan::Step;
use crate::id::Version;
use crate::policy::decision::{RuleKind, RuleState};
use crate::policy::{Ask, Evaluator, Gate, Pipeline};

/// The gate a row signs off: one of the pipeline that has a rule with the file the row cites. Among several
/// it is the plan's own gate, or none.
pub fn sign_off_gate<'p>(pipeline: &'p Pipeline, own: &Gate, release: &Version, step: &Step) -> Option<&'p Gate> {
    let values = [("version", release.as_str())];
    let wants = |gate: &&Gate| {
        let mut files = gate.rules.iter().filter_map(|rule| rule.file.as_ref());
        files.any(|file| cites(step, &file.fill(&values)))
    };
    let found: Vec<&Gate> = pipeline.gates.iter().filter(wants).collect();
    match found.as_slice() {
        [only] => Some(only),
        _ => found.into_iter().find(|gate| gate.id == own.id),
    }
}

/// Whether a row has a path in backticks, or as a word of its text.
fn cites(step: &Step, path: &str) -> bool {
    let same = |text: &str| text.nfc().eq(path.nfc());
    let word = |word: &str| same(word.trim_matches(['(', ')', '[', ']', '"', '\'', ',', ';', ':', '.', '。', '、']));
    step.code.iter().any(|code| same(code)) || step.task.split_whitespace().any(word)
}

/// The last of the approvals a gate wants, once it has them all and nobody rejects it.
pub(in crate::policy) fn approved<'l>(
    evaluator: &Evaluator<'l>,
    ask: &Ask<'_>,
    gate: &Gate,
) -> Option<&'l VerifiedEntry> {
    let decision = evaluator.decide(&Ask { gate: &gate.id, source: None, ..ask.clone() });
    let of = |kind: RuleKind| decision.rules.iter().filter(move |rule| rule.kind == kind);
    if of(RuleKind::Rejection).count() > 0 || of(RuleKind::Approval).any(|rule| rule.state != RuleState::Satisfied) {
        return None;
    }
    let last = of(RuleKind::Approval).flat_map(|rule| &rule.by).map(|(number, _)| *number).max()?;
    evaluator.ledger().entry(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::plan::Owner;
    use crate::id::Timestamp;

    #[test]
    fn a_row_cites_a_path_in_backticks_or_as_a_word() {
        let cites = |task: &str, code: &[&str]| {
            let code = code.iter().map(|&code| code.to_owned()).collect();
            let step = Step { line: 1, at: Timestamp::MAX, owner: Owner::of("QA"), task: task.to_owned(), code };
            super::cites(&step, "docs/점검.md")
        };
        assert!(cites("Sign off", &["x", "docs/점검.md"]) && cites("sign (docs/점검.md).", &[]));
        assert!(cites("docs/점검.md", &[]), "as macOS writes it");
        assert!(!cites("old/docs/점검.md or docs/점검.md.bak", &["docs/점검", "a docs/점검.md"]));
    }
}
