//! Numbered tasks of a document, as "Next steps" at its end: steps that nobody can tick.
//!
//! Source: CommonMark 0.31.2, ordered lists. A task is open but for a box of its own that is ticked, so that
//! a list of numbers alone opens no gate.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::bounds::cut;
use super::{Input, ReadError, Reader, markdown};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "tasks",
    about: "the numbered items of a Markdown document, such as next steps: open but for a ticked box",
    facts: &["open", "done", "total", "sections", "tasks"],
    // A number says little, so a file becomes a list of tasks only when somebody says so.
    looks_like: |_| false,
    read,
};

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = markdown::decode(input.bytes, "a list of tasks")?;
    let mut reading = Reading::default();
    for (event, _) in Parser::new_ext(&text, markdown::OPTIONS).into_offset_iter() {
        reading.take(&event).map_err(ReadError::whole)?;
    }
    let total = reading.tasks.len();
    if total == 0 {
        return Err(ReadError::whole("holds no numbered item: an empty list is no evidence"));
    }
    let sections = reading.sections.into_iter().map(|(name, count)| (name, Fact::from(count)));
    Ok(Facts::from([
        ("open".to_owned(), reading.open.into()),
        ("done".to_owned(), (total - reading.open).into()),
        ("total".to_owned(), total.into()),
        ("sections".to_owned(), Fact::Group(sections.collect())),
        ("tasks".to_owned(), Fact::List(reading.tasks)),
    ]))
}

#[derive(Default)]
struct Reading {
    /// The nearest heading, and whether it is being read.
    heading: String,
    in_heading: bool,
    /// The lists this point is in: whether they are numbered.
    lists: Vec<bool>,
    task: Option<Task>,
    tasks: Vec<String>,
    open: usize,
    sections: BTreeMap<String, usize>,
}

/// A numbered item while its own words are read.
#[derive(Default)]
struct Task {
    text: String,
    ticked: bool,
    in_code: bool,
}

impl Reading {
    fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                self.heading.clear();
                self.in_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => self.in_heading = false,
            Event::Start(Tag::List(first)) => {
                self.end_task()?;
                self.lists.push(first.is_some());
            }
            Event::End(TagEnd::List(_)) => drop(self.lists.pop()),
            // Numbers below an item are its own steps.
            Event::Start(Tag::Item) if self.lists == [true] => self.task = Some(Task::default()),
            Event::End(TagEnd::Item) => self.end_task()?,
            Event::TaskListMarker(ticked) => self.task.iter_mut().for_each(|task| task.ticked = *ticked),
            Event::Start(Tag::CodeBlock(_)) => self.task.iter_mut().for_each(|task| task.in_code = true),
            Event::End(TagEnd::CodeBlock) => self.task.iter_mut().for_each(|task| task.in_code = false),
            Event::Text(text) | Event::Code(text) => self.write(text),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph) => self.write(" "),
            _ => {}
        }
        Ok(())
    }

    fn write(&mut self, text: &str) {
        if self.in_heading {
            self.heading.push_str(text);
        }
        // Nobody is shown more of it.
        if let Some(task) = self.task.as_mut().filter(|task| !task.in_code && task.text.len() < MAX_TEXT * 8) {
            task.text.push_str(text);
        }
    }

    fn end_task(&mut self) -> Result<(), String> {
        let Some(task) = self.task.take() else { return Ok(()) };
        if self.tasks.len() == MAX_TASKS {
            return Err(format!("holds more than {MAX_TASKS} numbered items: split the document"));
        }
        self.tasks.push(shown(&task.text, MAX_TEXT));
        self.open += usize::from(!task.ticked);
        let section = shown(&self.heading, MAX_TEXT);
        *self.sections.entry(if section.is_empty() { "(top)".to_owned() } else { section }).or_default() += 1;
        Ok(())
    }
}

/// On one line, cut short.
fn shown(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    cut(&words.join(" "), most).into_owned()
}

/// All facts of an entry must fit into one statement; a list cut short would hide a task.
const MAX_TASKS: usize = 100;
const MAX_TEXT: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(text: &str) -> Result<Facts, ReadError> {
        read(&Input::plain("next.md", text.as_bytes()))
    }

    fn shown(text: &str) -> String {
        tasks(text).map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    #[test]
    fn numbered_items_are_tasks_and_open_but_for_a_ticked_box() {
        let text = "1. first\n\n# A\n## Next *steps*\n\nAfter it:\n\n1. **Watch it**: for\n   a day\n   1. a step of it\n   - [x] another\n2) ~~Train~~\n3) [x] Tell `all`\n4) [ ] Plan\n\n   ```\n   code\n   ```\n\n- a dash\n  1. below a dash\n";
        let expected = "{done=1 open=4 sections={(top)=1 Next steps=4} tasks=first, Watch it: for a day, ~~Train~~, Tell all, Plan total=5}";
        assert_eq!(shown(text), expected);
        assert_eq!(shown("# 다음 단계\r\n1. 교육\r\n"), "{done=0 open=1 sections={다음 단계=1} tasks=교육 total=1}");
        for none in ["", "- a\n", "1.a\n", "```\n1. a\n```\n", "> - 1. a\n"] {
            assert_eq!(shown(none), "holds no numbered item: an empty list is no evidence", "{none}");
        }
    }

    #[test]
    fn the_list_is_whole_or_refused_and_hostile_text_is_quick() {
        assert_eq!(tasks(&"1. a\n".repeat(100)).unwrap()["total"], Fact::Int(100));
        assert_eq!(shown(&"1. a\n".repeat(101)), "holds more than 100 numbered items: split the document");
        let long = tasks(&format!("1. {}\n", "가".repeat(81))).unwrap();
        assert_eq!(long["tasks"].to_string(), "가".repeat(80) + "…");
        for unit in ["[", "*_", "`", "a\n> ", "1. ", "1. a\n   ", "# \n"] {
            let _ = tasks(&unit.repeat(1_000_000 / unit.len()));
        }
        assert!(tasks(&"1. ".repeat(500_000)).is_err());
    }
}
