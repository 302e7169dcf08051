//! Reading a TOML document with every finding at its place: file, line and a caret, all at once.

use std::fmt::Write as _;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use unicode_width::UnicodeWidthStr;

/// Findings a person is shown; whoever has more begins with these.
const SHOWN: usize = 200;
/// Longest part of a line that is shown with a finding.
const MOST_OF_LINE: usize = 400;

/// One thing wrong (or doubtful) in a document, at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub span: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

/// All findings of one reading, in the order of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.0.push(Finding { span, message: message.into(), help: None });
    }

    pub fn add_help(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Finding { span, message: message.into(), help: Some(help.into()) });
    }

    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Findings ordered by where they stand.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        let mut ordered: Vec<&Finding> = self.0.iter().collect();
        ordered.sort_by_key(|finding| finding.span.start);
        ordered.into_iter()
    }

    /// The findings as a person reads them, each with its line and a caret under the place.
    pub fn render(&self, file: &str, text: &str) -> String {
        let mut out = String::new();
        let lines = Lines::of(text);
        for finding in self.iter().take(SHOWN) {
            let place = Place::of(&lines, &finding.span);
            let number = place.line.to_string();
            let gutter = " ".repeat(number.len());
            let _ = write!(
                out,
                "{file}:{}:{}: {}\n{gutter} |\n{number} | {}\n{gutter} | {}{}",
                place.line, place.column, finding.message, place.text, place.indent, place.carets
            );
            match &finding.help {
                Some(help) => writeln!(out, " {help}"),
                None => writeln!(out),
            }
            .ok();
        }
        if let Some(more) = self.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(out, "and {}, which may follow from these", counted(more, "more", "more"));
        }
        out
    }
}

/// Line and 1-based column of a byte offset.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    Lines::of(text).line_and_column(offset)
}

/// A text whose lines were looked for once.
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub fn of(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Line and 1-based column of a byte offset.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let (line, start) = self.line(floor(self.text, offset));
        (line, self.text.get(start..floor(self.text, offset)).unwrap_or_default().chars().count() + 1)
    }

    /// The line a byte stands in, from 1 on, and where that begins.
    fn line(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        (line, self.starts.get(line - 1).copied().unwrap_or_default())
    }
}

struct Place {
    line: usize,
    column: usize,
    text: String,
    indent: String,
    carets: String,
}

impl Place {
    fn of(lines: &Lines<'_>, span: &Range<usize>) -> Self {
        let text = lines.text;
        let at = floor(text, span.start);
        let (line, start) = lines.line(at);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        // Of a line that is longer than any screen, what stands around the place.
        let shown = floor(text, start.max(at.saturating_sub(MOST_OF_LINE / 2)));
        let end = floor(text, end.min(shown.saturating_add(MOST_OF_LINE))).max(at);
        let (before, marked) = (&text[shown..at], &text[at..floor(text, span.end).clamp(at, end)]);
        Self {
            line,
            column: text[start..at].chars().count() + 1,
            text: text[shown..end].trim_end().replace('\t', " "),
            indent: " ".repeat(before.replace('\t', " ").width()),
            carets: "^".repeat(marked.width().max(1)),
        }
    }
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A table being read: remembers which keys are known, so that the rest can be reported.
pub struct Table<'t, 'i> {
    entries: &'t DeTable<'i>,
    span: Range<usize>,
    name: String,
    known: Vec<&'static str>,
}

impl<'t, 'i> Table<'t, 'i> {
    pub fn new(entries: &'t DeTable<'i>, span: Range<usize>, name: impl Into<String>) -> Self {
        Self { entries, span, name: name.into(), known: Vec::new() }
    }

    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where a key's value stands, or the table itself when the key is absent.
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.entries.get(key).map_or(self.span(), Spanned::span)
    }

    pub fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.entries.get(key)
    }

    pub fn text(&mut self, key: &'static str, findings: &mut Findings) -> Option<&'t str> {
        let value = self.value(key)?;
        text_of(value, key, findings)
    }

    pub fn required(&mut self, key: &'static str, findings: &mut Findings) -> Option<&'t str> {
        if !self.entries.contains_key(key) {
            self.known.push(key);
            findings.add(self.span(), format!("{} needs `{key}`", self.name));
            return None;
        }
        self.text(key, findings)
    }

    pub fn flag(&mut self, key: &'static str, findings: &mut Findings) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            findings.add(value.span(), format!("`{key}` must be true or false"));
            false
        })
    }

    /// A whole number of at least 1: a threshold of 0 would pass on nothing.
    pub fn count(&mut self, key: &'static str, default: u32, findings: &mut Findings) -> u32 {
        let Some(value) = self.value(key) else { return default };
        let number = value.get_ref().as_integer().and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        number.filter(|n| *n > 0).unwrap_or_else(|| {
            findings.add(value.span(), format!("`{key}` must be a whole number of at least 1"));
            default.max(1)
        })
    }

    /// One text or an array of texts.
    /// A whole number from 0 on that must be there.
    pub fn number(&mut self, key: &'static str, findings: &mut Findings) -> Option<u64> {
        let Some(value) = self.value(key) else {
            findings.add(self.span(), format!("{} needs `{key}`", self.name));
            return None;
        };
        number_of(value, key, findings)
    }

    /// An array of whole numbers from 0 on; empty when absent.
    pub fn numbers(&mut self, key: &'static str, findings: &mut Findings) -> Vec<u64> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref().as_array() {
            Some(items) => items.iter().filter_map(|item| number_of(item, key, findings)).collect(),
            None => {
                findings.add(value.span(), format!("`{key}` must be an array of whole numbers"));
                Vec::new()
            }
        }
    }

    pub fn texts(&mut self, key: &'static str, findings: &mut Findings) -> Vec<(&'t str, Range<usize>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|item| Some((text_of(item, key, findings)?, item.span()))).collect()
            }
            _ => text_of(value, key, findings).map(|text| (text, value.span())).into_iter().collect(),
        }
    }

    pub fn table(&mut self, key: &'static str, findings: &mut Findings) -> Option<Table<'t, 'i>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table::new(entries, value.span(), format!("[{key}]"))),
            _ => {
                findings.add(value.span(), format!("`{key}` must be a table"));
                None
            }
        }
    }

    pub fn required_table(&mut self, key: &'static str, findings: &mut Findings) -> Option<Table<'t, 'i>> {
        if !self.entries.contains_key(key) {
            self.known.push(key);
            findings.add(self.span(), format!("{} needs `{key}`", self.name));
            return None;
        }
        self.table(key, findings)
    }

    /// An array of tables, such as `[[person]]`; each is named after its key in messages.
    pub fn tables(&mut self, key: &'static str, findings: &mut Findings) -> Vec<Table<'t, 'i>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            findings.add(value.span(), format!("`{key}` must be an array of tables: write [[…{key}]]"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(Table::new(entries, item.span(), format!("[[{key}]]"))),
                _ => findings.add(item.span(), format!("every item of `{key}` must be a table")),
            }
        }
        tables
    }

    /// A table whose keys the user chose (`[pipeline.NAME]`).
    pub fn named(&mut self, key: &'static str, findings: &mut Findings) -> Vec<(&'t str, Range<usize>, Table<'t, 'i>)> {
        let Some(table) = self.table(key, findings) else { return Vec::new() };
        let mut named = Vec::new();
        for (name, value) in table.entries {
            match value.get_ref() {
                DeValue::Table(entries) => {
                    let title = format!("[{key}.{}]", name.get_ref());
                    named.push((name.get_ref().as_ref(), name.span(), Table::new(entries, value.span(), title)));
                }
                _ => findings.add(value.span(), format!("`{key}.{}` must be a table", name.get_ref())),
            }
        }
        named.sort_by_key(|(_, span, _)| span.start);
        named
    }

    /// Every key with its text value, for small maps such as `forbid` and `label`.
    pub fn pairs(self, findings: &mut Findings) -> Vec<(&'t str, &'t str, Range<usize>)> {
        let mut pairs = Vec::new();
        for (key, value) in self.entries {
            if let Some(text) = text_of(value, key.get_ref(), findings) {
                pairs.push((key.get_ref().as_ref(), text, key.span()));
            }
        }
        pairs
    }

    /// Reports every key that nobody asked for, with the nearest known one.
    pub fn finish(self, findings: &mut Findings) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let message = format!("unknown key `{name}` in {}", self.name);
            match nearest(name, self.known.iter().copied()) {
                Some(near) => findings.add_help(key.span(), message, format!("did you mean `{near}`?")),
                None => findings.add(key.span(), message),
            }
        }
    }
}

fn number_of(value: &Spanned<DeValue<'_>>, key: &str, findings: &mut Findings) -> Option<u64> {
    let number = value.get_ref().as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
    if number.is_none() {
        findings.add(value.span(), format!("`{key}` must be a whole number"));
    }
    number
}

fn text_of<'t>(value: &'t Spanned<DeValue<'_>>, key: &str, findings: &mut Findings) -> Option<&'t str> {
    let text = value.get_ref().as_str();
    match text {
        Some("") => findings.add(value.span(), format!("`{key}` is empty")),
        None => findings.add(value.span(), format!("`{key}` must be a \"text\"")),
        Some(_) => return text,
    }
    None
}

/// The known word a person most likely meant.
pub fn nearest<'w>(typed: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    known
        .map(|word| (strsim::damerau_levenshtein(typed, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.chars().count() / 4)
        .min()
        .map(|(_, word)| word)
}
/// A number with its noun: `1 entry`, `2 entries`.
pub fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_line_and_column_also_in_korean_and_at_the_end() {
        let text = "하나 = 1\n\n\tb = 2";
        let lines = Lines::of(text);
        for (offset, place) in [(0, (1, 1)), (6, (1, 3)), (10, (1, 7)), (11, (2, 1)), (13, (3, 2)), (99, (3, 7))] {
            assert_eq!(lines.line_and_column(offset), place, "{offset}");
            assert_eq!(line_and_column(text, offset), place);
        }
        let mut findings = Findings::default();
        findings.add_help(13..14, "what", "this");
        assert_eq!(findings.render("f", text), "f:3:2: what\n  |\n3 |  b = 2\n  |  ^ this\n");
    }

    #[test]
    fn many_findings_in_long_lines_are_told_shortly() {
        let text = "x".repeat(100_000);
        let mut findings = Findings::default();
        (0..40_000).for_each(|at| findings.add(at..at + 1, "unknown"));
        let told = findings.render("f", &text);
        assert!(told.len() < SHOWN * 1000 && told.ends_with("and 39800 more, which may follow from these\n"));
        assert!(told.contains("f:1:200: unknown"));
    }
}
