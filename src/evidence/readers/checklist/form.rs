//! What a form leaves to be filled in: choices between ballot boxes, and blanks.

use pulldown_cmark::{Event, Tag, TagEnd};

#[derive(Default)]
pub(super) struct Form {
    in_code: bool,
    line: Line,
    /// Lines with ballot boxes, or circles such as `( ) Yes (x) No`, of which not exactly one is ticked.
    pub undecided: usize,
    /// Where the first of them end, as bytes of the text.
    pub places: Vec<usize>,
    /// How far the text is read.
    at: usize,
    /// Lines with a run of underscores.
    pub blanks: usize,
}

/// What matters of one line of text: its ballot glyphs and its runs of underscores.
#[derive(Default)]
struct Line {
    unticked: usize,
    ticked: usize,
    /// Circles that are filled; alone they are words such as `(x)` or a bullet.
    circled: usize,
    run: usize,
    blank: bool,
    /// Where the last of its choices stands, or the text it stands in.
    at: usize,
}

impl Form {
    pub fn take(&mut self, event: &Event<'_>, source: &str, at: usize) {
        // A line ends before what stands behind it.
        if matches!(event, Event::Text(_) | Event::Html(_)) {
            self.at = at;
        }
        match event {
            Event::Text(_) if self.in_code => {}
            // HTML blocks are scanned as text, comments too: what is unsure counts as unfilled.
            Event::Text(text) | Event::Html(text) => self.text(text),
            Event::Code(_) => self.line.run = 0,
            Event::SoftBreak | Event::HardBreak => self.end_line(),
            // A line of underscores alone is a rule to CommonMark and a blank to whoever fills the form.
            Event::Rule => {
                self.end_line();
                self.text(source);
                self.end_line();
            }
            Event::Start(Tag::Emphasis) | Event::End(TagEnd::Emphasis) => self.delimiter(source, 1),
            Event::Start(Tag::Strong) | Event::End(TagEnd::Strong) => self.delimiter(source, 2),
            // The cells of a row stand on one line.
            Event::Start(Tag::TableCell) | Event::End(TagEnd::TableCell) => self.line.run = 0,
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => {}
            Event::Start(tag) => {
                self.end_line();
                self.in_code = matches!(tag, Tag::CodeBlock(_));
            }
            Event::End(_) => {
                self.end_line();
                self.in_code = false;
            }
            _ => {}
        }
    }

    pub fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let ballots = line.unticked + line.ticked;
        if ballots > 0 && line.ticked + line.circled != 1 {
            self.undecided += 1;
            self.places.extend((self.places.len() < MAX_PLACES).then_some(line.at));
        }
        self.blanks += usize::from(line.blank);
    }

    fn text(&mut self, text: &str) {
        self.circles(text);
        let begin = self.at;
        for (from, c) in text.char_indices() {
            self.line.at = begin + from;
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

    /// `( )` and `(x)`, set off from the words before them.
    fn circles(&mut self, text: &str) {
        for (at, _) in text.match_indices('(') {
            let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            let inside = after.chars().take(MAX_CIRCLE).position(|c| c == ')').map(|length| after.chars().take(length));
            let set_off = before.chars().next_back().is_none_or(|c| c.is_whitespace() || ":：/|,".contains(c));
            let Some(inside) = inside.map(|inside| inside.filter(|c| !c.is_whitespace()).collect::<String>()) else {
                continue;
            };
            if set_off && inside.is_empty() && !after.starts_with(')') {
                self.line.unticked += 1;
            } else if set_off && CIRCLED.contains(&inside.as_str()) {
                self.line.circled += 1;
            }
        }
    }

    /// Blanks between punctuation (`Name:_____, Date:_____.`) are emphasis to CommonMark, so its
    /// underscores count as written.
    fn delimiter(&mut self, source: &str, width: usize) {
        self.line.run = if source.starts_with('_') { self.line.run + width } else { 0 };
        self.line.blank |= self.line.run >= BLANK;
    }
}

/// What fills a circle.
const CIRCLED: &[&str] = &["x", "X", "o", "O", "v", "V", "*", "•", "●", "○", "✓", "✔", "√"];
/// `(   )` is one, too.
const MAX_CIRCLE: usize = 8;
/// Nobody reads a longer list.
const MAX_PLACES: usize = 1_000;
/// So many underscores in a row are a form's blank.
const BLANK: usize = 5;

#[cfg(test)]
mod tests {
    use pulldown_cmark::Parser;

    use super::*;
    use crate::evidence::readers::markdown::OPTIONS;

    fn form(text: &str) -> Form {
        let mut form = Form::default();
        for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
            form.take(&event, text.get(range.clone()).unwrap_or_default(), range.start);
        }
        form.end_line();
        form
    }

    #[test]
    fn choices_need_exactly_one_tick() {
        let undecided = |text| form(text).undecided;
        assert_eq!(undecided("Go: ☑ Yes ☐ No\nGo: ☐ Yes ☒ No\n`☐`\n\n    ☐ code\n"), 0);
        assert_eq!(undecided("Go: ☐ Yes ☐ No\nGo: ☑ Yes ☒ No\n"), 2);
        assert_eq!(undecided("| Go |  |\n|---|---|\n| ☐ Yes | ☑ No |\n| ☐ Yes | ☐ No |\n"), 1);
        assert_eq!(undecided("- ☑ Yes\n- ☐ No\n"), 1);
        assert_eq!(
            undecided("Go: ( ) Yes (x) No\nGo: (●) 예 (   ) 아니오\ncall f( ) and f() or () or (x)\n`( )`\n"),
            0
        );
        assert_eq!(
            undecided("Go: ( ) Yes ( ) No\nGo: (x) Yes ( ) No (X) Later\n( ) Yes\n| ( ) | ( ) |\n|---|---|\n"),
            4
        );
    }

    #[test]
    fn unfilled_blanks_are_counted_by_line() {
        let blanks = |text| form(text).blanks;
        assert_eq!(blanks("**By**: _____ on _____\nAt: \\_\\_\\_\\_\\_\n\n_____\n\nName:_____, Date:_____.\n"), 4);
        assert_eq!(blanks("By: ____\n`_____`\n__init__ and __ ___\n\n    _____\n\n___\n"), 0);
    }
}
