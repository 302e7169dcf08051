//! What the boxes of one document come to, beside those of its template where there is one.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::claims::Claims;
use super::effort::Effort;
use super::form::Form;
use super::item::{Ballot, Item, ItemId, Names, State};
use super::not_applicable;
use super::parents::{Ended, Parents};
use super::{Checklist, claims};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::ReadError;

/// An item as the outline sees it.
pub(super) struct Seen<'s> {
    pub line: usize,
    pub section: &'s Rc<str>,
    pub label: Option<&'s Rc<str>>,
    pub parent: Option<usize>,
    pub text: String,
    pub effort: Option<Effort>,
    /// None without a box.
    pub ticked: Option<bool>,
    /// Where the mark stands in its box.
    pub mark: Option<usize>,
    /// Its box is a ballot glyph.
    pub is_ballot: bool,
}

/// Something a person should look at, or should know not to rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// 1-based line of the document.
    pub line: usize,
    pub kind: RemarkKind,
    /// What stands there, cut short.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemarkKind {
    /// An expected outcome that was printed with its tick: no result.
    Verification,
    /// A heading marked as done over items that are open.
    HeadingTick,
    /// A ratio that arithmetic, or the box it stands beside, contradicts.
    FalseClaim,
    /// What a reader takes for a box and Markdown does not.
    Malformed,
    /// Ticked as not applicable, and no word why.
    NoReason,
    /// A choice of which not exactly one is ticked.
    Undecided,
}

/// The items of the document as it was before anybody filled it in.
pub(super) struct Template {
    items: HashMap<ItemId, Item>,
}

impl Template {
    pub fn of(checklist: Checklist) -> Self {
        let boxes = checklist.items.into_iter().filter(|item| item.state != State::Group);
        Self { items: boxes.map(|item| (item.id, item)).collect() }
    }
}

#[derive(Default)]
pub(super) struct Reading<'t> {
    /// Items of the template that the document has not shown yet.
    missing: Option<HashMap<ItemId, &'t Item>>,
    /// The items and the remarks, where somebody wants to see them.
    kept: Option<Checklist>,
    names: Names,
    sections: BTreeMap<Rc<str>, Boxes>,
    parents: Parents,
    items: usize,
    remarks: BTreeMap<RemarkKind, usize>,
    claims: usize,
    not_applicable: usize,
    pre_ticked: usize,
    added: usize,
}

#[derive(Default, Clone, Copy)]
struct Boxes {
    open: usize,
    done: usize,
}

impl<'t> Reading<'t> {
    pub fn new(template: Option<&'t Template>, keep: bool) -> Self {
        Self {
            missing: template.map(|template| template.items.iter().map(|(id, item)| (*id, item)).collect()),
            kept: keep.then(Checklist::default),
            ..Self::default()
        }
    }

    /// Takes an item; its place among all of them, and whether something is to be done there.
    pub fn item(&mut self, seen: Seen<'_>) -> Result<(usize, bool), ReadError> {
        let place = self.items;
        self.items += 1;
        let clause = not_applicable::clause(&seen.text).filter(|_| seen.ticked.is_some());
        let text = clause.as_ref().map(|clause| format!("{}{}", clause.text.0, clause.text.1));
        let text = text.as_deref().unwrap_or(&seen.text);
        let mut state = match (seen.ticked, &clause) {
            (None, _) => State::Group,
            (Some(false), _) => State::Open,
            (Some(true), None) => State::Done,
            (Some(true), Some(clause)) => match clause.reason {
                Some(reason) => State::NotApplicable(reason.to_owned()),
                None => {
                    self.remark(RemarkKind::NoReason, seen.line, &seen.text);
                    State::Open
                }
            },
        };
        // Names are the costly part, so they are given only where somebody asks for them.
        if self.missing.is_some() || self.kept.is_some() {
            let label = seen.label.map(AsRef::as_ref);
            let id = self.names.name(seen.section, label, text, state == State::Group);
            let ticked = seen.ticked == Some(true);
            let before = self.added;
            state = self.beside_template(id, ticked, state);
            let is_added = self.added > before;
            if let Some(kept) = &mut self.kept {
                if place == MAX_ITEMS {
                    return Err(ReadError::at(seen.line, format!("is item {}: split the document", place + 1)));
                }
                let (line, section, label) = (seen.line, seen.section.clone(), seen.label.cloned());
                let (parent, effort, mark, is_ballot) = (seen.parent, seen.effort, seen.mark, seen.is_ballot);
                let text = text.replace("~~", "").trim().to_owned();
                let state = state.clone();
                kept.items.push(Item {
                    id,
                    line,
                    section,
                    label,
                    parent,
                    text,
                    effort,
                    ticked,
                    mark,
                    is_ballot,
                    is_added,
                    state,
                });
            }
        }
        if state != State::Group {
            self.claims(claims::of(&seen.text, state == State::Done), seen.line, &seen.text);
            self.count(seen.section, state.is_open())?;
        }
        self.not_applicable += usize::from(matches!(state, State::NotApplicable(_)));
        self.pre_ticked += usize::from(state == State::PreTicked);
        Ok((place, state.is_open()))
    }

    /// An item ends, with all that is nested in it.
    pub fn end_item(&mut self, ended: &Ended<'_>) {
        self.parents.take(ended);
    }

    fn beside_template(&mut self, id: ItemId, ticked: bool, state: State) -> State {
        let Some(missing) = self.missing.as_mut().filter(|_| state != State::Group) else { return state };
        match missing.remove(&id) {
            Some(before) if before.ticked && ticked => State::PreTicked,
            Some(_) => state,
            None => {
                self.added += 1;
                state
            }
        }
    }

    fn count(&mut self, section: &Rc<str>, is_open: bool) -> Result<(), ReadError> {
        if !self.sections.contains_key(section) && self.sections.len() == MAX_SECTIONS {
            let message = format!("has boxes under more than {MAX_SECTIONS} headings: split the document");
            return Err(ReadError::whole(message));
        }
        let boxes = self.sections.entry(section.clone()).or_default();
        *(if is_open { &mut boxes.open } else { &mut boxes.done }) += 1;
        Ok(())
    }

    /// Takes a ballot glyph, where somebody wants to see them.
    pub fn ballot(&mut self, ballot: Ballot) {
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.ballots.len() <= MAX_ITEMS) {
            kept.ballots.push(ballot);
        }
    }

    pub fn claims(&mut self, claims: Claims, line: usize, text: &str) {
        self.claims += claims.all;
        (0..claims.wrong).for_each(|_| self.remark(RemarkKind::FalseClaim, line, text));
    }

    pub fn remark(&mut self, kind: RemarkKind, line: usize, text: &str) {
        *self.remarks.entry(kind).or_default() += 1;
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.remarks.len() < MAX_REMARKS) {
            kept.remarks.push(Remark { line, kind, text: text.trim().chars().take(MAX_TEXT).collect() });
        }
    }

    /// Items of the template the document has lost are still to be done: deleting a line is no way through.
    fn lose(&mut self) -> Result<usize, ReadError> {
        let Some(missing) = self.missing.take() else { return Ok(0) };
        let mut lost: Vec<&Item> = missing.into_values().collect();
        lost.sort_unstable_by_key(|item| item.line);
        for item in &lost {
            self.count(&item.section, true)?;
        }
        let count = lost.len();
        if let Some(kept) = &mut self.kept {
            kept.removed = lost.into_iter().cloned().collect();
        }
        Ok(count)
    }

    pub fn into_facts(mut self, form: &Form) -> Result<Facts, ReadError> {
        let has_template = self.missing.is_some();
        let removed = self.lose()?;
        let (open, done) = self.sections.values().fold((0, 0), |(o, d), boxes| (o + boxes.open, d + boxes.done));
        let remarked = |kind| self.remarks.get(&kind).copied().unwrap_or_default();
        let mut counts = vec![
            ("open", open),
            ("done", done),
            ("total", open + done),
            ("undecided", form.undecided),
            ("blanks", form.blanks),
            ("not_applicable", self.not_applicable),
            ("verifications", remarked(RemarkKind::Verification)),
            ("heading_ticks", remarked(RemarkKind::HeadingTick)),
            ("claims", self.claims),
            ("false_claims", remarked(RemarkKind::FalseClaim)),
            ("malformed", remarked(RemarkKind::Malformed)),
        ];
        if has_template {
            counts.extend([("pre_ticked", self.pre_ticked), ("removed", removed), ("added", self.added)]);
        }
        let mut facts: Facts = counts.into_iter().map(|(name, count)| (name.to_owned(), Fact::from(count))).collect();
        let sections = self.sections.iter().map(|(path, boxes)| (path.to_string(), Fact::Group(boxes.facts())));
        facts.insert("sections".to_owned(), Fact::Group(sections.collect()));
        facts.extend(self.parents.into_facts());
        Ok(facts)
    }

    /// Everything that was kept, remarks in the order of the document.
    pub fn into_checklist(mut self) -> Result<Checklist, ReadError> {
        self.lose()?;
        let mut checklist = self.kept.unwrap_or_default();
        if checklist.ballots.len() > MAX_ITEMS {
            return Err(ReadError::whole(format!("holds more than {MAX_ITEMS} ballot boxes: split the document")));
        }
        checklist.remarks.sort_by_key(|remark| remark.line);
        Ok(checklist)
    }
}

impl Boxes {
    fn facts(self) -> Facts {
        Facts::from([("open".to_owned(), Fact::from(self.open)), ("done".to_owned(), Fact::from(self.done))])
    }
}

/// All facts of an entry must fit into one statement.
const MAX_SECTIONS: usize = 300;
/// Counting takes no memory, so only a template and a list of items are bounded: a person reads them.
const MAX_ITEMS: usize = 50_000;
const MAX_REMARKS: usize = 1_000;
const MAX_TEXT: usize = 120;
