//! Checklists: a gate's box is ticked while the gate is promoted. Boxes are ticked, never unticked.

use super::{Case, Desk, Disagreement, Edit, Mend};
use crate::evidence::readers::Input;
use crate::evidence::readers::checklist::{self, Checklist, State, is_below, same_words};
use crate::id::Name;
use crate::policy::Gate;

/// A box of either kind, Markdown's or a ballot glyph.
struct Tick {
    line: usize,
    text: String,
    ticked: bool,
    /// The bytes of the mark, and what stands there once it is ticked.
    mark: Option<(usize, usize, &'static str)>,
    /// Ticked to say that there was nothing to do.
    not_applicable: bool,
    /// The place of the item it is nested in.
    parent: Option<usize>,
    /// It has a box, in the section that is meant.
    is_meant: bool,
}

/// A checklist on the desk, with the words that name it in what is told.
struct List<'d> {
    path: &'d str,
    section: Option<&'d str>,
    ticks: Vec<Tick>,
}

pub(super) fn compare(
    case: &Case<'_, '_>,
    path: &str,
    section: Option<&str>,
    items: &[(Name, String)],
    desk: &mut Desk<'_>,
) {
    let Some(sheet) = desk.sheet(path, Some("bring it back, or take its [[sync]] out of the policy")) else { return };
    let ticks = match checklist::details(&Input::plain(path, sheet.text.as_bytes())) {
        Ok(checklist) => ticks(checklist, section),
        Err(error) => return desk.cannot_read(path, &error.to_string(), None),
    };
    let list = List { path, section, ticks };
    // Places of boxes a gate answers for, and whether what is nested in them is answered for, too.
    let mut answered: Vec<(usize, bool)> = Vec::new();
    for (gate, words) in items.iter().filter_map(|(id, words)| Some((case.pipeline.gate(id)?, words))) {
        let own = list.called(words);
        let promotion = case.promotion(gate);
        let ledger = match promotion {
            Some(entry) => format!("{} is promoted for {}: entry {}", gate.id, case.release, entry.number()),
            None => format!("{} is not promoted for {}{}", gate.id, case.release, case.why_not(gate)),
        };
        list.judge(case, gate, words, (&own, promotion.is_some(), ledger), desk);
        answered.extend(own.into_iter().map(|at| (at, promotion.is_some())));
    }
    if let Some(section) = section {
        list.unanswered(section, &answered, desk);
    }
}

fn ticks(checklist: Checklist, section: Option<&str>) -> Vec<Tick> {
    let is_meant = |of: &str| section.is_none_or(|section| is_below(of, section));
    let items = checklist.items.into_iter().map(|item| Tick {
        line: item.line,
        ticked: item.ticked,
        mark: item.mark.map(|mark| (mark, 1, "x")),
        not_applicable: matches!(item.state, State::NotApplicable(_)),
        parent: item.parent,
        // Those are among the ballots, with the place of their glyph.
        is_meant: item.state != State::Group && !item.is_ballot && is_meant(&item.section),
        text: item.text,
    });
    let ballots = checklist.ballots.into_iter().map(|ballot| Tick {
        line: ballot.line,
        ticked: ballot.ticked,
        mark: Some((ballot.mark, '☐'.len_utf8(), "☑")),
        not_applicable: false,
        parent: None,
        is_meant: is_meant(&ballot.section),
        text: ballot.text,
    });
    items.chain(ballots).collect()
}

impl List<'_> {
    /// Places of the boxes beside these words.
    fn called(&self, words: &str) -> Vec<usize> {
        let ticks = self.ticks.iter().enumerate();
        ticks.filter(|(_, tick)| tick.is_meant && same_words(&tick.text, words)).map(|(at, _)| at).collect()
    }

    fn judge(
        &self,
        case: &Case<'_, '_>,
        gate: &Gate,
        words: &str,
        (own, promoted, ledger): (&[usize], bool, String),
        desk: &mut Desk<'_>,
    ) {
        let own: Vec<&Tick> = own.iter().filter_map(|at| self.ticks.get(*at)).collect();
        let by = |what: &str| Mend::By(what.to_owned());
        let (line, document, mend) = match own.as_slice() {
            [] => {
                let place = self.section.map(|section| format!(" below {section:?}")).unwrap_or_default();
                let mend = Mend::By(format!("add the line `- [ ] {words}`, or correct the words in the policy"));
                (None, format!("no box{place} says {words:?}"), mend)
            }
            [tick] => match (promoted, tick.ticked, tick.mark) {
                (true, true, _) if tick.not_applicable => {
                    (Some(tick.line), format!("{words:?} does not apply"), by("take the reason out by hand"))
                }
                (true, true, _) | (false, false, _) => return,
                (true, false, Some((at, length, text))) => {
                    desk.edit(self.path, Edit { range: at..at + length, text: text.to_owned() });
                    (Some(tick.line), format!("{words:?} is not ticked"), Mend::Written)
                }
                (true, false, None) => (Some(tick.line), format!("{words:?} is not ticked"), by("tick it by hand")),
                (false, true, _) => {
                    let promote = case.command(&format!("promote {}", gate.id));
                    let mend = Mend::By(format!("{promote}, or untick it by hand"));
                    (Some(tick.line), format!("{words:?} is ticked"), mend)
                }
            },
            [first, ..] => {
                let lines: Vec<String> = own.iter().map(|tick| tick.line.to_string()).collect();
                let document = format!("{words:?} stands in lines {}: which is meant?", lines.join(", "));
                (Some(first.line), document, by("give every box words of its own, or name a section in the policy"))
            }
        };
        desk.tell(Disagreement { file: self.path.to_owned(), line, ledger, document, mend });
    }

    /// Ticks below the heading that no gate answers for.
    fn unanswered(&self, section: &str, answered: &[(usize, bool)], desk: &mut Desk<'_>) {
        for (at, tick) in self.ticks.iter().enumerate().filter(|(_, tick)| tick.is_meant && tick.ticked) {
            let is_own = answered.iter().any(|(own, _)| *own == at);
            if is_own || self.is_inside_promoted(tick, answered) {
                continue;
            }
            desk.tell(Disagreement {
                file: self.path.to_owned(),
                line: Some(tick.line),
                ledger: format!("no gate answers for the boxes below {section:?} but those in the policy"),
                document: format!("{:?} is ticked", tick.text.chars().take(MAX_TEXT).collect::<String>()),
                mend: Mend::By(
                    "name its gate in the policy, move it to another section, or untick it by hand".to_owned(),
                ),
            });
        }
    }

    fn is_inside_promoted(&self, tick: &Tick, answered: &[(usize, bool)]) -> bool {
        // An item stands before those nested in it, so this comes to an end.
        let mut inside = tick.parent;
        while let Some(at) = inside {
            if answered.contains(&(at, true)) {
                return true;
            }
            inside = self.ticks.get(at).and_then(|parent| parent.parent).filter(|above| *above < at);
        }
        false
    }
}

const MAX_TEXT: usize = 80;

#[cfg(test)]
mod tests {
    use super::super::{Comparison, Files};
    use super::*;

    fn list(text: &str) -> List<'static> {
        let checklist = checklist::details(&Input::plain("a.md", text.as_bytes())).unwrap();
        List { path: "a.md", section: Some("Gates"), ticks: ticks(checklist, Some("Gates")) }
    }

    /// Lines of ticks nobody answers for, where a gate answers for the boxes beside these words.
    fn unanswered(text: &str, words: &str, promoted: bool) -> Vec<usize> {
        let list = list(text);
        let answered: Vec<(usize, bool)> = list.called(words).into_iter().map(|at| (at, promoted)).collect();
        let files = Files::new();
        let mut desk = Desk { files: &files, told: Comparison::default(), edits: Default::default() };
        list.unanswered("Gates", &answered, &mut desk);
        desk.told.disagreements.iter().filter_map(|disagreement| disagreement.line).collect()
    }

    const TEXT: &str = "# Plan\n- [x] Alpha\n## Gates\n- [x] ALPHA\n  - [x] log\n    - [x] line\n- group\n  - [x] Beta\n- ☑ told\n\n```\n- [x] Alpha\n```\n# More\n- [x] Alpha\n";

    #[test]
    fn boxes_are_looked_for_below_the_heading_alone() {
        let list = list(TEXT);
        let lines = |words| list.called(words).iter().map(|at| list.ticks[*at].line).collect::<Vec<_>>();
        assert_eq!((lines("alpha"), lines("Beta"), lines("told"), lines("group")), (vec![4], vec![8], vec![9], vec![]));
        let whole = checklist::details(&Input::plain("a.md", TEXT.as_bytes())).unwrap();
        assert_eq!(ticks(whole, None).iter().filter(|tick| tick.is_meant && tick.text == "Alpha").count(), 2);
    }

    #[test]
    fn what_is_nested_in_a_promoted_gate_is_answered_for() {
        assert_eq!(unanswered(TEXT, "Alpha", true), [8, 9]);
        assert_eq!(unanswered(TEXT, "Alpha", false), [5, 6, 8, 9]);
        assert_eq!(unanswered(TEXT, "nothing", true), [4, 5, 6, 8, 9]);
        assert_eq!(unanswered("# Gates\n- [ ] a\n  - ☐ b\n", "a", true), [0; 0]);
    }

    #[test]
    fn every_mark_is_where_it_is_ticked() {
        for tick in list(TEXT).ticks.iter().filter(|tick| tick.mark.is_some()) {
            let (at, length, ticked) = tick.mark.unwrap();
            assert_eq!(&TEXT[at..at + length], if tick.ticked { ticked } else { " " }, "line {}", tick.line);
        }
    }
}
