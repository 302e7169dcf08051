//! Markdown checklists: task list items as CommonMark sees them, by heading.
//!
//! Source: GitHub Flavored Markdown, "Task list items (extension)". A box inside code is no item.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use unicode_normalization::UnicodeNormalization as _;

use super::markdown::{self, MAX_BYTES};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::text;

pub(super) const READER: Reader = Reader {
    format: "checklist",
    about: "a Markdown document with task boxes: - [ ] open, - [x] done",
    facts: &["open", "done", "total", "undecided", "blanks", "sections"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let name = input.name.to_ascii_lowercase();
    (name.ends_with(".md") || name.ends_with(".markdown"))
        && input.bytes.len() <= MAX_BYTES
        && text::decode_local(input.bytes).is_some_and(|text| text.lines().any(is_task_line))
}

fn is_task_line(line: &str) -> bool {
    let item = line.trim_start_matches([' ', '\t', '>']);
    let number = item.trim_start_matches(|c: char| c.is_ascii_digit());
    let marker: &[char] = if number.len() < item.len() { &['.', ')'] } else { &['-', '*', '+'] };
    let Some(rest) = number.strip_prefix(marker).map(str::trim_start) else { return false };
    ["[ ]", "[x]", "[X]"].iter().any(|marker| rest.starts_with(marker))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = markdown::decode(input.bytes, "a checklist")?;
    let mut tally = Tally::default();
    for (event, range) in Parser::new_ext(&text, markdown::OPTIONS).into_offset_iter() {
        tally.take(event, text.get(range).unwrap_or_default())?;
    }
    tally.end_line();
    Ok(tally.into_facts())
}

#[derive(Default)]
struct Tally {
    /// The headings above this point, outermost first, and their joined names.
    headings: Vec<(HeadingLevel, String)>,
    path: Option<String>,
    /// The text of the heading being read.
    heading: Option<String>,
    in_code: bool,
    sections: BTreeMap<String, Boxes>,
    line: Line,
    undecided: usize,
    blanks: usize,
}

#[derive(Default, Clone, Copy)]
struct Boxes {
    open: usize,
    done: usize,
}

impl Boxes {
    fn facts(self) -> Facts {
        Facts::from([("open".to_owned(), Fact::from(self.open)), ("done".to_owned(), Fact::from(self.done))])
    }
}

/// What matters of one line of text: its ballot glyphs and its runs of underscores.
#[derive(Default)]
struct Line {
    unticked: usize,
    ticked: usize,
    run: usize,
    blank: bool,
}

impl Tally {
    fn take(&mut self, event: Event<'_>, source: &str) -> Result<(), ReadError> {
        match event {
            Event::TaskListMarker(done) => return self.count_box(done),
            Event::Text(_) if self.in_code => {}
            // HTML blocks are scanned as text, comments too: what is unsure counts as unfilled.
            Event::Text(text) | Event::Html(text) => self.text(&text),
            Event::Code(code) => {
                self.line.run = 0;
                self.heading_text(&code);
            }
            Event::SoftBreak | Event::HardBreak => {
                self.end_line();
                self.heading_text(" ");
            }
            // A line of underscores alone is a rule to CommonMark and a blank to whoever fills the form.
            Event::Rule => self.text_line(source),
            Event::Start(Tag::Emphasis) | Event::End(TagEnd::Emphasis) => self.delimiter(source, 1),
            Event::Start(Tag::Strong) | Event::End(TagEnd::Strong) => self.delimiter(source, 2),
            // The cells of a row stand on one line.
            Event::Start(Tag::TableCell) | Event::End(TagEnd::TableCell) => self.line.run = 0,
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => {}
            Event::Start(tag) => {
                self.end_line();
                self.in_code = matches!(tag, Tag::CodeBlock(_));
                self.heading = matches!(tag, Tag::Heading { .. }).then(String::new);
            }
            Event::End(TagEnd::Heading(level)) => self.end_heading(level),
            Event::End(_) => {
                self.end_line();
                self.in_code = false;
            }
            _ => {}
        }
        Ok(())
    }

    fn count_box(&mut self, done: bool) -> Result<(), ReadError> {
        let path = self.path.as_deref().unwrap_or(TOP);
        if !self.sections.contains_key(path) {
            if self.sections.len() == MAX_SECTIONS {
                let message = format!("has boxes under more than {MAX_SECTIONS} headings: split the document");
                return Err(ReadError::whole(message));
            }
            self.sections.insert(path.to_owned(), Boxes::default());
        }
        if let Some(boxes) = self.sections.get_mut(path) {
            *(if done { &mut boxes.done } else { &mut boxes.open }) += 1;
        }
        Ok(())
    }

    fn heading_text(&mut self, text: &str) {
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        }
    }

    fn text(&mut self, text: &str) {
        self.heading_text(text);
        for c in text.chars() {
            self.line.run = if c == '_' { self.line.run + 1 } else { 0 };
            self.line.blank |= self.line.run >= BLANK;
            match c {
                '☐' => self.line.unticked += 1,
                '☑' | '☒' => self.line.ticked += 1,
                '\n' => self.end_line(),
                _ => {}
            }
        }
    }

    fn text_line(&mut self, line: &str) {
        self.end_line();
        self.text(line);
        self.end_line();
    }

    /// Blanks between punctuation (`Name:_____, Date:_____.`) are emphasis to CommonMark, so its
    /// underscores count as written.
    fn delimiter(&mut self, source: &str, width: usize) {
        self.line.run = if source.starts_with('_') { self.line.run + width } else { 0 };
        self.line.blank |= self.line.run >= BLANK;
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let ballots = line.unticked + line.ticked;
        self.undecided += usize::from(ballots > 0 && line.ticked != 1);
        self.blanks += usize::from(line.blank);
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        self.end_line();
        let text = self.heading.take().unwrap_or_default();
        while self.headings.last().is_some_and(|(above, _)| *above >= level) {
            self.headings.pop();
        }
        self.headings.push((level, heading_name(&text)));
        let names: Vec<&str> = self.headings.iter().map(|(_, name)| name.as_str()).collect();
        self.path = Some(names.join(SEPARATOR));
    }

    fn into_facts(self) -> Facts {
        let (open, done) = self.sections.values().fold((0, 0), |(o, d), boxes| (o + boxes.open, d + boxes.done));
        let sections = self.sections.into_iter().map(|(path, boxes)| (path, Fact::Group(boxes.facts())));
        Facts::from([
            ("open".to_owned(), Fact::from(open)),
            ("done".to_owned(), Fact::from(done)),
            ("total".to_owned(), Fact::from(open + done)),
            ("sections".to_owned(), Fact::Group(sections.collect())),
            ("undecided".to_owned(), Fact::from(self.undecided)),
            ("blanks".to_owned(), Fact::from(self.blanks)),
        ])
    }
}

/// A heading as part of a section's path, so written that the separator stays unambiguous.
fn heading_name(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let name: String = words.join(" ").replace('›', ">").nfc().collect();
    match name.char_indices().nth(MAX_HEADING) {
        Some((end, _)) => name.get(..end).unwrap_or_default().to_owned() + "…",
        None if name.is_empty() => "(untitled)".to_owned(),
        None => name,
    }
}

const SEPARATOR: &str = " › ";
/// The section of boxes that stand before any heading.
const TOP: &str = "(top)";
/// All facts of an entry must fit into one statement.
const MAX_SECTIONS: usize = 300;
const MAX_HEADING: usize = 120;
/// So many underscores in a row are a form's blank.
const BLANK: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str) -> Input<'_> {
        Input::plain("qa.md", text.as_bytes())
    }

    fn counts(text: &str) -> [i64; 5] {
        let facts = read(&input(text)).unwrap();
        ["open", "done", "total", "undecided", "blanks"].map(|name| match facts[name] {
            Fact::Int(count) => count,
            _ => panic!("{name} is no count"),
        })
    }

    fn sections(text: &str) -> Vec<(String, String)> {
        let facts = read(&input(text)).unwrap();
        let Fact::Group(sections) = &facts["sections"] else { panic!("no sections") };
        sections.iter().map(|(path, boxes)| (path.clone(), boxes.to_string())).collect()
    }

    #[test]
    fn boxes_count_where_markdown_sees_them() {
        assert_eq!(counts("- [ ] a\n- [x] b\n  1. [X] c\n* [ ] d\n"), [2, 2, 4, 0, 0]);
        let none =
            "```\n- [ ] a\n```\n\n    - [ ] b\n\n- [y] c\n- `[ ]` d\n-[ ] e\n\n[ ] f\n\n<pre>\n- [ ] g\n</pre>\n";
        assert_eq!(counts(none), [0; 5]);
        assert_eq!(counts("- [ ] a\n\n  ```sh\n  - [ ] no\n  ```\n- [ ] b\n"), [2, 0, 2, 0, 0]);
        assert_eq!(counts(""), [0; 5]);
        assert!(read(&Input::plain("a.md", b"- [ ] \xC0")).is_err());
    }

    #[test]
    fn sections_are_heading_paths() {
        let text =
            "- [ ] t\n# Week 1\n## Days `1`-2\n- [x] a\n### x › y\n- [ ] b\n# Week 1\n## Days  1-2\n- [ ] c\n# None\n";
        let expected = [("(top)", 1, 0), ("Week 1 › Days 1-2", 1, 1), ("Week 1 › Days 1-2 › x > y", 1, 0)];
        let expected = expected.map(|(path, open, done)| (path.to_owned(), format!("{{done={done} open={open}}}")));
        assert_eq!(sections(text), expected);
        let long = sections(&format!("# {}\n- [ ] a\n", "가".repeat(121)));
        assert_eq!(long[0].0, "가".repeat(120) + "…");
        assert_eq!(sections("# e\u{301}\n- [ ] a\n")[0].0, "é");
    }

    #[test]
    fn the_number_of_sections_is_bounded() {
        let document = |count: usize| (0..count).map(|n| format!("# {n}\n- [ ] a\n")).collect::<String>();
        assert!(read(&input(&document(300))).is_ok());
        assert!(read(&input(&document(301))).is_err());
    }

    #[test]
    fn choices_need_exactly_one_tick() {
        let undecided = |text| counts(text)[3];
        assert_eq!(undecided("Go: ☑ Yes ☐ No\nGo: ☐ Yes ☒ No\n`☐`\n\n    ☐ code\n"), 0);
        assert_eq!(undecided("Go: ☐ Yes ☐ No\nGo: ☑ Yes ☒ No\n"), 2);
        assert_eq!(undecided("| Go |  |\n|---|---|\n| ☐ Yes | ☑ No |\n| ☐ Yes | ☐ No |\n"), 1);
        assert_eq!(undecided("- ☑ Yes\n- ☐ No\n"), 1);
    }

    #[test]
    fn unfilled_blanks_are_counted_by_line() {
        let blanks = |text| counts(text)[4];
        assert_eq!(blanks("**By**: _____ on _____\nAt: \\_\\_\\_\\_\\_\n\n_____\n\nName:_____, Date:_____.\n"), 4);
        assert_eq!(blanks("By: ____\n`_____`\n__init__ and __ ___\n\n    _____\n\n___\n"), 0);
    }

    #[test]
    fn hostile_nesting_is_read_or_refused_quickly() {
        for unit in ["[", "![", "*_", "`", "<", "<!--", "a\n> "] {
            assert!(read(&input(&unit.repeat(1_000_000 / unit.len()))).is_ok(), "{unit}");
        }
        for unit in ["> ", "- ", "1. ", "\t- "] {
            assert!(read(&input(&unit.repeat(50))).is_ok(), "{unit}");
            assert!(read(&input(&unit.repeat(500_000))).is_err(), "{unit}");
            assert!(read(&input(&format!("\r{}", unit.repeat(500)))).is_err(), "{unit}");
        }
        assert!(read(&input(&" ".repeat(MAX_BYTES + 1))).is_err());
    }

    #[test]
    fn looks_like_needs_the_name_and_a_box() {
        let looks = |name, text: &str| looks_like(&Input::plain(name, text.as_bytes()));
        assert!(looks("QA.MD", "# a\n  1. [x] b\n"));
        assert!(looks("qa.markdown", "- [ ] b"));
        assert!(!looks("qa.md", "[ ] b\n- b [ ]"));
        assert!(!looks("qa.txt", "- [ ] b"));
    }
}
