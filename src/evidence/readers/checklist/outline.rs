//! The document model: Markdown's events become headings, labels and items in their places.
//!
//! Source: CommonMark 0.31.2 and GitHub Flavored Markdown, "Task list items (extension)". What is
//! found is handed on at once, so that memory does not grow with the document.

use std::ops::Range;
use std::rc::Rc;

use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};
use unicode_normalization::UnicodeNormalization as _;

use super::effort::Effort;
use super::item::Ballot;
use super::parents::{Below, Ended};
use super::reading::{Reading, RemarkKind, Seen};
use super::row::{Kind, Row};
use super::{claims, effort, marks, parents};
use crate::evidence::readers::ReadError;
use crate::evidence::readers::bounds::cut;

pub(super) struct Outline<'t> {
    text: &'t str,
    /// How far lines are counted.
    counted: usize,
    line: usize,
    /// The headings above this point, outermost first.
    headings: Vec<(HeadingLevel, Heading)>,
    /// Their joined names.
    path: Rc<str>,
    label: Option<Heading>,
    /// The text of the heading being read, and its line.
    heading: Option<(String, usize)>,
    /// The list items this point is in, outermost first.
    items: Vec<OpenItem>,
    row: Row,
    /// The ballot glyphs of the line, or of the row of a table, that is being read.
    line_ballots: LineBallots,
    in_code: bool,
    in_table: bool,
}

/// One glyph on a line, at its beginning or end, is a box; several are a choice, which is a form's.
#[derive(Default)]
struct LineBallots {
    count: usize,
    /// The first: its line, the words beside it, and whether it is ticked.
    first: Option<(usize, String, bool)>,
}

/// A heading or a label while its section lasts.
struct Heading {
    name: Rc<str>,
    line: usize,
    /// It is marked as done.
    ticked: bool,
    over_open: bool,
}

#[derive(Default)]
struct OpenItem {
    line: usize,
    start: usize,
    ticked: Option<bool>,
    /// Where the mark stands in its box.
    mark: Option<usize>,
    text: String,
    /// Its first block has ended.
    closed: bool,
    /// Its place among the items handed on.
    place: Option<usize>,
    /// What is known of it since then: its box is open, what it is called, and what it is thought to take.
    is_open: bool,
    name: String,
    effort: Option<Effort>,
    below: Below,
}

impl<'t> Outline<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            counted: 0,
            line: 1,
            headings: Vec::new(),
            path: TOP.into(),
            label: None,
            heading: None,
            items: Vec::new(),
            row: Row::default(),
            line_ballots: LineBallots::default(),
            in_code: false,
            in_table: false,
        }
    }

    pub fn take(&mut self, event: &Event<'_>, at: Range<usize>, to: &mut Reading<'_>) -> Result<(), ReadError> {
        match event {
            Event::Text(_) if self.in_code => {}
            Event::Text(text) => self.write(text, at.start, true),
            Event::Code(text) => self.write(text, at.start, false),
            Event::SoftBreak | Event::HardBreak => self.end_line(to)?,
            Event::TaskListMarker(ticked) => self.tick(*ticked, at, to),
            Event::Start(Tag::Strong) => self.row.begin_bold(),
            Event::End(TagEnd::Strong) => self.row.end_bold(),
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => self.row.begin_link(),
            Event::Start(Tag::Emphasis) | Event::End(TagEnd::Emphasis | TagEnd::Link | TagEnd::Image) => {}
            Event::Start(Tag::TableCell) | Event::End(TagEnd::TableCell) => self.end_row(to),
            // Where its text stands in a paragraph, a box comes inside.
            Event::Start(Tag::Paragraph) => self.end_line(to)?,
            Event::Start(Tag::Heading { .. }) => {
                if self.items.last().is_none_or(|item| !item.text.is_empty() || !self.row.text.is_empty()) {
                    self.end_block(to)?;
                }
                self.heading = Some((String::new(), self.line_at(at.start)));
            }
            Event::End(TagEnd::Heading(level)) => {
                self.end_row(to);
                self.end_heading_of_item(to)?;
                self.end_heading(*level, to);
            }
            Event::Start(Tag::Item) => {
                self.end_block(to)?;
                let line = self.line_at(at.start);
                self.items.push(OpenItem { line, start: at.start, ..OpenItem::default() });
            }
            Event::End(TagEnd::Item) => {
                self.end_block(to)?;
                self.end_item(to);
            }
            Event::Start(Tag::Table(_)) => {
                self.tick_before_table(at.start);
                self.end_block(to)?;
                self.in_table = true;
            }
            Event::End(TagEnd::Table) => self.in_table = false,
            Event::Rule => {
                self.end_block(to)?;
                self.begin_label(None, to);
            }
            Event::Start(tag) => {
                self.end_block(to)?;
                self.in_code = matches!(tag, Tag::CodeBlock(_));
            }
            Event::End(_) => {
                self.end_block(to)?;
                self.in_code = false;
            }
            _ => {}
        }
        Ok(())
    }

    /// The end of the document.
    pub fn finish(mut self, to: &mut Reading<'_>) {
        self.end_row(to);
        self.begin_label(None, to);
        self.headings.drain(..).for_each(|(_, heading)| heading.end(to));
    }

    /// The line of a place; places are asked for in their order.
    fn line_at(&mut self, at: usize) -> usize {
        if let Some(between) = self.text.get(self.counted..at) {
            self.line += between.bytes().filter(|byte| *byte == b'\n').count();
            self.counted = at;
        }
        self.line
    }

    fn write(&mut self, text: &str, at: usize, is_plain: bool) {
        let line = if self.row.text.is_empty() { self.line_at(at) } else { self.row.line };
        if is_plain {
            let source = self.text.get(at..).unwrap_or_default();
            // What was written as an entity (`&#x2610;`) stands nowhere as itself.
            let glyphs = text.char_indices().filter(|(_, c)| BALLOTS.contains(c));
            let glyphs = glyphs.filter(|(from, c)| source.get(*from..).is_some_and(|rest| rest.starts_with(*c)));
            let before = self.row.text.len();
            self.row.ballots.extend(glyphs.map(|(from, c)| (before + from, at + from, c != UNTICKED)));
        }
        self.row.write(text, line, is_plain);
    }

    fn tick(&mut self, ticked: bool, at: Range<usize>, to: &mut Reading<'_>) {
        let Some(item) = self.items.last_mut() else { return };
        item.ticked = Some(ticked);
        let end = at.end;
        item.mark = self.text.get(at.clone()).filter(|marker| marker.starts_with('[')).map(|_| at.start + 1);
        // GitHub shows no box where no text stands beside it, and takes what follows for the item's text.
        let rest = self.text.get(end..).unwrap_or_default();
        if rest.lines().next().is_none_or(|rest| rest.trim().is_empty()) {
            to.remark(RemarkKind::Malformed, item.line, if ticked { "[x]" } else { "[ ]" });
        }
    }

    /// The parser drops a box whose text is the first row of a table (`- [ ] a | b` above `-|-`), but
    /// GitHub shows it.
    fn tick_before_table(&mut self, table: usize) {
        let Some(item) = self.items.last_mut().filter(|item| !item.closed && item.ticked.is_none()) else { return };
        let marker = self.text.get(item.start..table).unwrap_or_default().trim_end();
        let boxed = marker.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        item.ticked = match boxed.map(|(_, inside)| inside) {
            Some("x" | "X") => Some(true),
            Some(" " | "\t") => Some(false),
            _ => None,
        };
        item.mark = boxed.filter(|_| item.ticked.is_some()).map(|(before, _)| item.start + before.len() + 1);
        if item.ticked.is_some() {
            let row = self.text.get(table..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            append(&mut item.text, row.trim());
        }
    }

    fn end_row(&mut self, to: &mut Reading<'_>) {
        let row = std::mem::take(&mut self.row);
        if row.text.is_empty() {
            return;
        }
        self.ballots(&row, to);
        let mut is_item_text = false;
        let mut is_box_text = false;
        if let Some((heading, _)) = &mut self.heading {
            append(heading, &row.text);
        } else if let Some(item) = self.items.last_mut().filter(|item| !item.closed) {
            is_box_text = item.ticked.is_some();
            is_item_text = is_box_text && item.text.is_empty();
            append(&mut item.text, &row.text);
        }
        // The text beside a box may begin with brackets of its own.
        if !is_item_text && row.is_malformed_box() {
            to.remark(RemarkKind::Malformed, row.line, &row.text);
        }
        // Those of a box are looked at when it is known what it says.
        if !is_box_text {
            to.claims(claims::of(&row.text, false), row.line, &row.text);
        }
        if self.heading.is_none() && !is_box_text {
            self.prose(&row, to);
        }
    }

    /// The end of a line, or of a table's row, whose cells stand on one.
    fn end_line(&mut self, to: &mut Reading<'_>) -> Result<(), ReadError> {
        self.end_row(to);
        let LineBallots { count, first } = std::mem::take(&mut self.line_ballots);
        let Some((line, text, ticked)) = first.filter(|_| count == 1) else { return Ok(()) };
        let label = self.label.as_ref().map(|label| &label.name);
        let parent = self.items.last().and_then(|item| item.place);
        let (section, ticked) = (&self.path, Some(ticked));
        let seen = Seen { line, section, label, parent, text, effort: None, ticked, mark: None, is_ballot: true };
        let (_, is_open) = to.item(seen)?;
        self.tally(is_open, self.items.len());
        Ok(())
    }

    /// A box stands below so many of the items this point is in, and below its headings.
    fn tally(&mut self, is_open: bool, above: usize) {
        for item in self.items.iter_mut().take(above) {
            *(if is_open { &mut item.below.open } else { &mut item.below.done }) += 1;
        }
        if is_open {
            let headings = self.headings.iter_mut().map(|(_, heading)| heading);
            headings.chain(&mut self.label).for_each(|heading| heading.over_open = true);
        }
    }

    fn ballots(&mut self, row: &Row, to: &mut Reading<'_>) {
        if let [(from, _, ticked)] = row.ballots.as_slice() {
            let (before, after) = row.text.split_at_checked(*from).unwrap_or_default();
            let (before, after) = (before.trim(), after.trim_start_matches(BALLOTS).trim());
            let words = if before.is_empty() { after } else { before };
            let is_box = before.is_empty() || after.is_empty();
            self.line_ballots.first = is_box.then(|| (row.line, words.to_owned(), *ticked));
        }
        self.line_ballots.count += row.ballots.len();
        for (nth, (from, mark, ticked)) in row.ballots.iter().enumerate() {
            let end = row.ballots.get(nth + 1).map_or(row.text.len(), |(next, ..)| *next);
            let words = row.text.get(*from..end).unwrap_or_default().trim_start_matches(BALLOTS).trim();
            let (section, text) = (self.path.clone(), words.to_owned());
            to.ballot(Ballot { line: row.line, section, text, ticked: *ticked, mark: *mark });
        }
    }

    fn prose(&mut self, row: &Row, to: &mut Reading<'_>) {
        let label = match row.kind() {
            Kind::Plain => return,
            Kind::Verification => {
                to.remark(RemarkKind::Verification, row.line, &row.text);
                None
            }
            Kind::Bold => None,
            Kind::Label(name) => Some(Heading::new(name, row.line)),
        };
        // A bold item is a parent of others, not a label of what follows; a cell is neither.
        if self.items.is_empty() && !self.in_table {
            self.begin_label(label, to);
        }
    }

    fn end_block(&mut self, to: &mut Reading<'_>) -> Result<(), ReadError> {
        self.end_line(to)?;
        let Some(item) = self.items.last_mut().filter(|item| !item.closed) else { return Ok(()) };
        item.closed = true;
        if item.ticked.is_some() { self.hand_on(to) } else { Ok(()) }
    }

    /// Hands on the item this point is in, and before it whatever it is nested in.
    fn hand_on(&mut self, to: &mut Reading<'_>) -> Result<(), ReadError> {
        let mut parent = None;
        let mut own = None;
        for item in &mut self.items {
            if item.place.is_none() {
                let text = std::mem::take(&mut item.text);
                item.effort = effort::of(&text);
                item.name = parents::name(&text);
                let label = self.label.as_ref().map(|label| &label.name);
                let seen = Seen {
                    line: item.line,
                    section: &self.path,
                    label,
                    parent,
                    text,
                    effort: item.effort,
                    ticked: item.ticked,
                    mark: item.mark,
                    is_ballot: false,
                };
                let (place, is_open) = to.item(seen)?;
                item.place = Some(place);
                item.is_open = is_open;
                own = item.ticked.map(|_| is_open);
            }
            parent = item.place;
        }
        let Some(is_open) = own else { return Ok(()) };
        self.tally(is_open, self.items.len().saturating_sub(1));
        Ok(())
    }

    fn end_item(&mut self, to: &mut Reading<'_>) {
        let Some(item) = self.items.pop().filter(|item| item.place.is_some()) else { return };
        let is_part = self.items.iter().any(|above| above.effort.is_some());
        let effort = item.effort.filter(|_| !is_part);
        to.end_item(&Ended { name: &item.name, is_open: item.is_open, below: item.below, effort });
    }

    fn begin_label(&mut self, label: Option<Heading>, to: &mut Reading<'_>) {
        if let Some(ended) = std::mem::replace(&mut self.label, label) {
            ended.end(to);
        }
    }

    /// An item's text may be underlined, which makes it a heading whose box still counts above it.
    fn end_heading_of_item(&mut self, to: &mut Reading<'_>) -> Result<(), ReadError> {
        let Some(item) = self.items.last_mut().filter(|item| !item.closed) else { return Ok(()) };
        if let Some((text, _)) = &self.heading {
            append(&mut item.text, text);
        }
        self.end_block(to)
    }

    fn end_heading(&mut self, level: HeadingLevel, to: &mut Reading<'_>) {
        self.begin_label(None, to);
        let (text, line) = self.heading.take().unwrap_or_default();
        while let Some((_, ended)) = self.headings.pop_if(|(above, _)| *above >= level) {
            ended.end(to);
        }
        self.headings.push((level, Heading::new(&text, line)));
        let names: Vec<&str> = self.headings.iter().map(|(_, heading)| heading.name.as_ref()).collect();
        self.path = names.join(SEPARATOR).into();
    }
}

impl Heading {
    fn new(text: &str, line: usize) -> Self {
        Self { name: heading_name(text).into(), line, ticked: marks::has_tick(text), over_open: false }
    }

    /// A ticked heading ticks nothing below it.
    fn end(self, to: &mut Reading<'_>) {
        if self.ticked && self.over_open {
            to.remark(RemarkKind::HeadingTick, self.line, &self.name);
        }
    }
}

/// One more line of a text.
fn append(text: &mut String, row: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(row);
}

/// A heading as part of a section's path, so written that the separator stays unambiguous.
fn heading_name(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let name: String = words.join(" ").replace('›', ">").nfc().collect();
    if name.is_empty() { "(untitled)".to_owned() } else { cut(&name, MAX_HEADING).into_owned() }
}

/// A choice in a form, by an unticked or a ticked box.
const BALLOTS: &[char] = &[UNTICKED, '☑', '☒'];
const UNTICKED: char = '☐';
pub(super) const SEPARATOR: &str = " › ";
/// The section of boxes that stand before any heading.
const TOP: &str = "(top)";
const MAX_HEADING: usize = 120;
