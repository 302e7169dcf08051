//! How the verdicts of a check are told to machines and to whoever reviews a change: one file a format,
//! each a pure function from verdicts to text. All of them tell a "no" and a "could not tell" as such.

pub mod github;
pub mod junit;
pub mod markdown;
pub mod sarif;

use std::collections::BTreeMap;

use crate::id::Name;
use crate::policy::decision::{Decision, RuleOutcome, RuleState, Verdict};

/// What one check came to.
pub enum Verdicts {
    /// A verdict a gate, in the order they were asked about; never none.
    Told(Vec<GateVerdict>),
    /// Nobody could tell.
    Untold(Reason),
}

/// The verdict about one gate, and where its rules stand.
pub struct GateVerdict {
    pub decision: Decision,
    pub places: Places,
}

/// Why nobody could tell, and what mends it.
pub struct Reason {
    pub message: String,
    pub hints: Vec<String>,
}

/// Lines of the policy file; none where the work tree's is not the policy in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    pub gate: Option<usize>,
    pub rules: BTreeMap<Name, usize>,
}

impl Verdicts {
    pub fn gates(&self) -> &[GateVerdict] {
        match self {
            Self::Told(gates) => gates,
            Self::Untold(_) => &[],
        }
    }

    /// Open when every gate asked about is, and there are some.
    pub fn verdict(&self) -> Verdict {
        let gates = self.gates();
        let open = !gates.is_empty() && gates.iter().all(GateVerdict::is_open);
        if open { Verdict::Open } else { Verdict::Closed }
    }
}

impl GateVerdict {
    pub fn is_open(&self) -> bool {
        self.decision.verdict() == Verdict::Open
    }

    /// `stage9/alpha`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.decision.pipeline, self.decision.gate)
    }

    /// Where a rule stands, or else its gate.
    pub fn line(&self, rule: &RuleOutcome) -> Option<usize> {
        self.places.rules.get(&rule.id).copied().or(self.places.gate)
    }

    fn unmet(&self) -> usize {
        self.decision.unmet().count()
    }

    /// Rules that were set aside, members of groups too: each beside the rule it stands in.
    fn waived(&self) -> impl Iterator<Item = (&RuleOutcome, &RuleOutcome)> {
        self.decision.rules.iter().flat_map(|rule| rule.waived().map(move |waived| (rule, waived)))
    }
}

/// How a rule was set aside, in words nobody overlooks.
const fn waived_word(rule: &RuleOutcome) -> &'static str {
    if is_emergency(rule) { "BROKEN GLASS" } else { "waived" }
}

const fn is_emergency(rule: &RuleOutcome) -> bool {
    matches!(rule.state, RuleState::Waived { broken_glass: true })
}

/// What is needed, what is there, who can supply it, and the command that would: a line each.
fn lines(rule: &RuleOutcome) -> Vec<String> {
    let mut lines = vec![format!("need: {}", rule.need), format!("have: {}", rule.have)];
    if !rule.who.is_empty() {
        lines.push(format!("who: {}", rule.who.join(", ")));
    }
    if !rule.hint.is_empty() {
        lines.push(format!("next: {}", rule.hint));
    }
    lines.iter().map(|line| super::escape::visible(line)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::{Digest, EntryNumber, Folder, Version};
    use crate::policy::decision::{AttemptSummary, RuleKind};

    /// Text that means something to every format that may carry it.
    pub const HOSTILE: &str = "<b>]]>&\"' | `x` \u{1b}[31m\r\n::error::a %0A,: ##[set-output name=v]open \u{ffff} 가";

    pub fn rule(id: &str, state: RuleState, text: &str) -> RuleOutcome {
        RuleOutcome {
            id: Name::parse(id).unwrap(),
            kind: RuleKind::Evidence,
            state,
            by: Vec::new(),
            need: text.to_owned(),
            have: text.to_owned(),
            who: vec![text.to_owned()],
            hint: text.to_owned(),
            due: None,
            parts: Vec::new(),
        }
    }

    pub fn gate(id: &str, rules: Vec<RuleOutcome>) -> GateVerdict {
        let decision = Decision {
            pipeline: Name::parse("stage9").unwrap(),
            gate: Name::parse(id).unwrap(),
            release: Version::parse("1.0").unwrap(),
            attempt: Some(AttemptSummary {
                number: 1,
                folder: Folder::parse("Stage9_Alpha_20251004").unwrap(),
                opened: EntryNumber(1),
            }),
            policy: Digest::of(b"policy"),
            size: 7,
            root: Digest::of(b"root"),
            rules,
            warnings: vec![HOSTILE.to_owned()],
            promoted: None,
            is_older: false,
        };
        let places = Places { gate: Some(31), rules: BTreeMap::from([(Name::parse("log").unwrap(), 40)]) };
        GateVerdict { decision, places }
    }

    pub fn hostile() -> Verdicts {
        let rules = vec![rule("log", RuleState::Missing, HOSTILE), rule("met", RuleState::Satisfied, HOSTILE)];
        Verdicts::Told(vec![gate("alpha", rules)])
    }

    /// An open gate for which one rule was waived, and another's glass was broken inside a group.
    pub fn waived() -> Verdicts {
        let waived = |id, broken_glass| rule(id, RuleState::Waived { broken_glass }, HOSTILE);
        let mut group = rule("proof", RuleState::Satisfied, HOSTILE);
        group.parts = vec![rule("picture", RuleState::Satisfied, HOSTILE), waived("smoke", true)];
        let rules = vec![group, waived("log", false), rule("met", RuleState::Satisfied, HOSTILE)];
        Verdicts::Told(vec![gate("alpha", rules)])
    }

    pub fn untold() -> Verdicts {
        Verdicts::Untold(Reason { message: HOSTILE.to_owned(), hints: vec![HOSTILE.to_owned()] })
    }

    #[test]
    fn nothing_asked_or_told_is_closed() {
        let met = || gate("alpha", vec![rule("met", RuleState::Satisfied, "")]);
        assert_eq!(Verdicts::Told(vec![met()]).verdict(), Verdict::Open);
        let closed = [Vec::new(), vec![gate("alpha", Vec::new())], vec![met(), gate("beta", Vec::new())]];
        for gates in closed {
            assert_eq!(Verdicts::Told(gates).verdict(), Verdict::Closed);
        }
        assert_eq!(untold().verdict(), Verdict::Closed);
    }
}
