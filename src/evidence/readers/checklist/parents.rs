//! Items that hold others: how many of their boxes are done, and the effort that is told of them.

use std::collections::BTreeMap;

use super::effort::{self, Effort};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::bounds::cut;

/// The boxes below an item, at any depth, as they were seen until it ends.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Below {
    pub open: usize,
    pub done: usize,
}

/// An item with all that is nested in it.
pub(super) struct Ended<'e> {
    pub name: &'e str,
    /// Its own box is open.
    pub is_open: bool,
    pub below: Below,
    /// What it is thought to take, unless an item above it has told so for all.
    pub effort: Option<Effort>,
}

/// What all parents and efforts of a document come to.
#[derive(Default)]
pub(super) struct Parents {
    count: usize,
    done: usize,
    by_parent: BTreeMap<String, Facts>,
    /// The least and the most minutes of what is open, and of what is done.
    effort: Option<[Effort; 2]>,
}

impl Parents {
    pub fn take(&mut self, ended: &Ended<'_>) {
        let is_done = !ended.is_open && ended.below.open == 0;
        if let Some(effort) = ended.effort {
            let [open, done] = self.effort.get_or_insert_default();
            let sum = if is_done { done } else { open };
            sum.least = sum.least.saturating_add(effort.least);
            sum.most = sum.most.saturating_add(effort.most);
        }
        if ended.below == Below::default() {
            return;
        }
        self.count += 1;
        self.done += usize::from(is_done);
        if self.count <= MAX_PARENTS {
            self.list(ended);
        }
    }

    fn list(&mut self, ended: &Ended<'_>) {
        let mut facts =
            Facts::from([("open".to_owned(), ended.below.open.into()), ("done".to_owned(), ended.below.done.into())]);
        if let Some(Effort { least, most }) = ended.effort {
            facts.extend([("least".to_owned(), minutes(least)), ("most".to_owned(), minutes(most))]);
        }
        let name = if ended.name.is_empty() { "(untitled)" } else { ended.name };
        let names = std::iter::once(name.to_owned()).chain((2..).map(|nth| format!("{name}~{nth}")));
        let free = names.take(MAX_PARENTS).find(|name| !self.by_parent.contains_key(name));
        self.by_parent.extend(free.map(|name| (name, facts)));
    }

    /// A list cut short would hide a parent, so one that is too long is left out.
    pub fn into_facts(self) -> Facts {
        let mut facts =
            Facts::from([("parents".to_owned(), self.count.into()), ("parents_done".to_owned(), self.done.into())]);
        if (1..=MAX_PARENTS).contains(&self.count) {
            let parents = self.by_parent.into_iter().map(|(name, facts)| (name, Fact::Group(facts)));
            facts.insert("by_parent".to_owned(), Fact::Group(parents.collect()));
        }
        if let Some([open, done]) = self.effort {
            let sums = [
                ("open_least", open.least),
                ("open_most", open.most),
                ("done_least", done.least),
                ("done_most", done.most),
            ];
            let sums = sums.map(|(name, sum)| (name.to_owned(), minutes(sum)));
            facts.insert("effort_minutes".to_owned(), Fact::Group(sums.into()));
        }
        facts
    }
}

/// What a parent is called: its text without its effort, cut short.
pub(super) fn name(text: &str) -> String {
    let text = text.trim_end().trim_end_matches(':').trim_end();
    let words = effort::of(text).and_then(|_| text.rsplit_once(['(', '（'])).map_or(text, |(words, _)| words);
    cut(words.trim(), MAX_NAME).into_owned()
}

fn minutes(count: u64) -> Fact {
    Fact::from(usize::try_from(count).unwrap_or(usize::MAX))
}

/// All facts of an entry must fit into one statement.
const MAX_PARENTS: usize = 60;
const MAX_NAME: usize = 60;
