//! What happened to a checklist between two versions of it.

use std::collections::{HashMap, HashSet};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Checklist;
use super::item::{Item, ItemId, State, folded};
use crate::evidence::readers::bounds::cut;

/// The items that differ, by what became of them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Diff {
    pub added: Changes,
    pub removed: Changes,
    /// As `before → after`.
    pub renamed: Changes,
    /// Done, or decided not to apply.
    pub ticked: Changes,
    pub unticked: Changes,
}

/// How many items, and the first of them in short.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    pub count: usize,
    pub texts: Vec<String>,
}

impl Changes {
    fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.texts.len() < MAX_LISTED {
            self.texts.push(text());
        }
    }
}

/// Compares two versions. Items are the same by id; one that is gone and one that is new, in the same section
/// and of similar words, are one that was renamed.
pub fn diff(before: &Checklist, after: &Checklist) -> Diff {
    let old: HashMap<ItemId, &Item> = boxes(before).map(|item| (item.id, item)).collect();
    let kept: HashSet<ItemId> = boxes(after).map(|item| item.id).filter(|id| old.contains_key(id)).collect();
    let gone: Vec<&Item> = boxes(before).filter(|item| !kept.contains(&item.id)).collect();
    let mut new: Vec<&Item> = boxes(after).filter(|item| !kept.contains(&item.id)).collect();
    let mut pairs: Vec<(&Item, &Item)> = boxes(after)
        .filter_map(|item| Some((*old.get(&item.id)?, item)))
        .filter(|(_, item)| kept.contains(&item.id))
        .collect();
    let mut diff = Diff::default();
    let mut comparisons = MAX_COMPARISONS;
    for item in gone {
        match take_similar(item, &mut new, &mut comparisons) {
            Some(renamed) => {
                diff.renamed.add(|| format!("{} → {}", short(&item.text), short(&renamed.text)));
                pairs.push((item, renamed));
            }
            None => diff.removed.add(|| short(&item.text)),
        }
    }
    new.into_iter().for_each(|item| diff.added.add(|| short(&item.text)));
    pairs.sort_by_key(|(_, item)| item.line);
    for (was, is) in pairs {
        match (was.state.is_open(), is.state.is_open()) {
            (true, false) => diff.ticked.add(|| short(&is.text)),
            (false, true) => diff.unticked.add(|| short(&is.text)),
            _ => {}
        }
    }
    diff
}

fn boxes(checklist: &Checklist) -> impl Iterator<Item = &Item> {
    checklist.items.iter().filter(|item| item.state != State::Group)
}

/// Takes the new item that is most like the one that is gone, if any is like it at all.
fn take_similar<'a>(gone: &Item, new: &mut Vec<&'a Item>, comparisons: &mut usize) -> Option<&'a Item> {
    let near = new.iter().enumerate().filter(|(_, item)| item.section == gone.section && item.label == gone.label);
    let near = near.take(*comparisons);
    let likeness = near.map(|(at, item)| {
        *comparisons -= 1;
        (likeness(&gone.text, &item.text), at)
    });
    // Of two that are as like, the first.
    let (likeness, at) = likeness.max_by_key(|(likeness, at)| (*likeness, usize::MAX - at))?;
    (likeness >= SIMILAR).then(|| new.remove(at))
}

/// How much of two texts is the same, in percent of their letters.
fn likeness(one: &str, other: &str) -> usize {
    let letters = |text: &str| folded(text).chars().take(MAX_COMPARED).collect::<Vec<char>>();
    let (one, other) = (letters(one), letters(other));
    let same: usize = capture_diff_slices(Algorithm::Myers, &one, &other)
        .iter()
        .map(|op| if let DiffOp::Equal { len, .. } = op { *len } else { 0 })
        .sum();
    (200 * same).checked_div(one.len() + other.len()).unwrap_or(100)
}

fn short(text: &str) -> String {
    cut(text, MAX_TEXT).into_owned()
}

/// Two texts are one renamed from here on, in percent.
const SIMILAR: usize = 70;
const MAX_LISTED: usize = 50;
const MAX_TEXT: usize = 80;
/// Beyond these a rename shows as one item removed and one added, which hides nothing.
const MAX_COMPARED: usize = 200;
const MAX_COMPARISONS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::Input;
    use crate::evidence::readers::checklist::details;

    fn changes(before: &str, after: &str) -> Diff {
        let model = |text: &str| details(&Input::plain("a.md", text.as_bytes())).unwrap();
        diff(&model(before), &model(after))
    }

    fn texts(changes: &Changes) -> Vec<&str> {
        assert_eq!(changes.count, changes.texts.len());
        changes.texts.iter().map(String::as_str).collect()
    }

    #[test]
    fn every_change_is_told_as_what_it_is() {
        let before =
            "# A\n- [ ] Load testing performed\n- [x] Docs written\n- [ ] Security audit\n- [x] Old one\n- [ ] Same\n";
        let after = "# A\n\n- [x] Load testing performed\n- [ ] Docs written\n- [x] Security audits done\n- [ ] Brand new\n- [ ] Same\n";
        let found = changes(before, after);
        assert_eq!(texts(&found.ticked), ["Load testing performed", "Security audits done"]);
        assert_eq!(texts(&found.unticked), ["Docs written"]);
        assert_eq!(texts(&found.renamed), ["Security audit → Security audits done"]);
        assert_eq!(texts(&found.removed), ["Old one"]);
        assert_eq!(texts(&found.added), ["Brand new"]);
        assert_eq!(changes(after, after), Diff::default());
    }

    #[test]
    fn names_are_compared_within_their_section_only() {
        let moved = changes("# A\n- [ ] Load test\n", "# B\n- [ ] Load test\n");
        assert_eq!((texts(&moved.added), texts(&moved.removed)), (vec!["Load test"], vec!["Load test"]));
        let other = changes("**A**:\n- [ ] Load test\n", "**B**:\n- [ ] Load tests\n");
        assert_eq!((other.added.count, other.removed.count, other.renamed.count), (1, 1, 0));
        let best = changes("- [ ] Load test\n", "- [ ] Load tests all\n- [ ] Load tests\n");
        assert_eq!(texts(&best.renamed), ["Load test → Load tests"]);
        let decided = changes("- [ ] Load test\n", "- [x] ~~Load test~~ (n/a: no backend)\n");
        assert_eq!(texts(&decided.ticked), ["Load test"]);
        let doubled = changes("- [ ] a\n- [ ] a\n", "- [x] a\n");
        assert_eq!((texts(&doubled.ticked), texts(&doubled.removed)), (vec!["a"], vec!["a"]));
    }

    #[test]
    fn lists_are_short_and_counts_are_whole() {
        let list = |word: &str| (0..60).map(|n| format!("- [ ] {}{n}\n", word.repeat(90))).collect::<String>();
        let found = changes(&list("a"), &list("b"));
        assert_eq!((found.added.count, found.added.texts.len()), (60, 50));
        assert_eq!(found.removed.texts[0], "a".repeat(80) + "…");
        let many = |word: &str| (0..1_000).map(|n| format!("- [ ] {word} {n}\n")).collect::<String>();
        let found = changes(&many("first"), &many("first again"));
        assert_eq!(found.removed.count + found.renamed.count, 1_000);
    }
}
