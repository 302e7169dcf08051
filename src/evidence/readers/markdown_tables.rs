//! Tables of Markdown documents, with the headings they stand under.
//!
//! Source: GitHub Flavored Markdown, "Tables (extension)". It pads short rows, cuts long ones and ends
//! a table at the first blank line; each of these loses something silently, so here it is an error.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use super::ReadError;
use super::markdown;
use super::values::same;

/// What a document holds besides its prose.
#[derive(Default)]
pub(super) struct Document {
    /// The first heading of the first level.
    pub title: Option<String>,
    pub tables: Vec<Table>,
}

#[derive(Default)]
pub(super) struct Table {
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    pub line: usize,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// Has as many cells as its table has columns.
pub(super) struct Row {
    pub line: usize,
    pub cells: Vec<Cell>,
}

#[derive(Default)]
pub(super) struct Cell {
    /// What is read, without marks and with single blanks.
    pub text: String,
    /// What stands in backticks.
    pub code: Vec<String>,
}

impl Table {
    /// The columns of a name.
    pub fn columns_named<'t>(&'t self, name: &'t str) -> impl Iterator<Item = usize> + 't {
        self.columns.iter().enumerate().filter(move |(_, column)| same(column, name)).map(|(index, _)| index)
    }
}

impl Row {
    /// The text of a cell.
    pub fn text(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.text.as_str())
    }
}

/// All tables of a document.
pub(super) fn read(bytes: &[u8], what: &str) -> Result<Document, ReadError> {
    let text = markdown::decode(bytes, what)?;
    let mut reading = Reading { text: &text, ..Reading::default() };
    for (event, range) in Parser::new_ext(&text, markdown::OPTIONS).into_offset_iter() {
        let source = text.get(range.clone()).unwrap_or_default();
        reading.take(event, source, range.start)?;
    }
    Ok(reading.document)
}

#[derive(Default)]
struct Reading<'t> {
    text: &'t str,
    document: Document,
    headings: Vec<(HeadingLevel, String)>,
    /// The heading being read.
    heading: Option<String>,
    table: Option<Table>,
    row: Option<Row>,
    cell: Option<Cell>,
    cells: usize,
    /// An offset already passed, and its line.
    at: (usize, usize),
}

impl Reading<'_> {
    fn take(&mut self, event: Event<'_>, source: &str, start: usize) -> Result<(), ReadError> {
        match event {
            Event::Start(Tag::Heading { .. }) => self.heading = Some(String::new()),
            Event::End(TagEnd::Heading(level)) => self.end_heading(level),
            Event::Start(Tag::Paragraph) if source.starts_with('|') => {
                let message = "begins like a row and belongs to no table: is there a blank line or no heading above?";
                return Err(ReadError::at(self.line(start), message));
            }
            Event::Start(Tag::Table(_)) => {
                let headings = self.headings.iter().map(|(_, heading)| heading.clone()).collect();
                self.table = Some(Table { headings, line: self.line(start), ..Table::default() });
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => return self.start_row(source, start),
            Event::Start(Tag::TableCell) => return self.start_cell(start),
            Event::Text(text) => self.text(&text),
            Event::Code(code) => {
                self.text(&code);
                if let Some(cell) = &mut self.cell {
                    cell.code.push(code.trim().to_owned());
                }
            }
            // `<br>` is how a cell breaks its line.
            Event::SoftBreak | Event::HardBreak | Event::InlineHtml(_) => self.text(" "),
            Event::End(TagEnd::TableCell) => self.end_cell(),
            Event::End(TagEnd::TableHead) => self.end_head()?,
            Event::End(TagEnd::TableRow) => {
                let row = self.row.take();
                if let Some(table) = &mut self.table {
                    table.rows.extend(row);
                }
            }
            Event::End(TagEnd::Table) => self.document.tables.extend(self.table.take()),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell {
            cell.text.push_str(text);
        } else if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        }
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let heading = self.heading.take().as_deref().map(words).unwrap_or_default();
        if level == HeadingLevel::H1 && self.document.title.is_none() {
            self.document.title = Some(heading.clone());
        }
        while self.headings.last().is_some_and(|(above, _)| *above >= level) {
            self.headings.pop();
        }
        self.headings.push((level, heading));
    }

    /// The parser has made the row as wide as the table already; its source tells how wide it was.
    fn start_row(&mut self, source: &str, start: usize) -> Result<(), ReadError> {
        let line = self.line(start);
        let columns = self.table.as_ref().map_or(0, |table| table.columns.len());
        let cells = width(source);
        if columns > 0 && cells != columns {
            let message = format!("has {cells} cells under {columns} columns: a row needs a cell for each");
            return Err(ReadError::at(line, message));
        }
        self.row = Some(Row { line, cells: Vec::new() });
        Ok(())
    }

    fn start_cell(&mut self, start: usize) -> Result<(), ReadError> {
        self.cells += 1;
        if self.cells > MAX_CELLS {
            let line = self.line(start);
            return Err(ReadError::at(
                line,
                format!("the tables have more than {MAX_CELLS} cells: split the document"),
            ));
        }
        self.cell = Some(Cell::default());
        Ok(())
    }

    fn end_cell(&mut self) {
        let Some(mut cell) = self.cell.take() else { return };
        cell.text = words(&cell.text);
        if let Some(row) = &mut self.row {
            row.cells.push(cell);
        }
    }

    fn end_head(&mut self) -> Result<(), ReadError> {
        let (Some(table), Some(head)) = (&mut self.table, self.row.take()) else { return Ok(()) };
        if head.cells.len() > MAX_COLUMNS {
            return Err(ReadError::at(head.line, format!("has more than {MAX_COLUMNS} columns")));
        }
        table.columns = head.cells.into_iter().map(|cell| cell.text).collect();
        Ok(())
    }

    /// The line of an offset; offsets rise, so every line is counted once.
    fn line(&mut self, offset: usize) -> usize {
        let (passed, line) = self.at;
        let between = self.text.get(passed..offset).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count();
        self.at = (offset.max(passed), line + between);
        1 + self.at.1
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cells of a row as written: a pipe behind a backslash belongs to its cell.
fn width(source: &str) -> usize {
    let row = source.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let pipes = row.bytes().zip([0].into_iter().chain(row.bytes())).filter(|pair| pair.0 == b'|' && pair.1 != b'\\');
    let ends = row.ends_with('|') && !row.ends_with("\\|");
    pipes.count() + usize::from(!ends)
}

/// Memory is a few hundred bytes a cell.
const MAX_CELLS: usize = 200_000;
const MAX_COLUMNS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Result<Document, ReadError> {
        read(text.as_bytes(), "a table")
    }

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = document(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }

    const TEXT: &str = "# Plan *A*\r\n\r\n## Steps (UTC)\r\n| When | What |\r\n|---|:-:|\r\n| 1 | run `a \\| b`<br>twice |\r\n|  | **x**  y |\r\n\r\n# B\n\n  c | d\n  --|--\n  e | f\n";

    #[test]
    fn tables_come_with_lines_headings_and_code() {
        let Document { title, tables } = document(TEXT).unwrap();
        let [first, second] = tables.as_slice() else { panic!("{}", tables.len()) };
        assert_eq!(title.as_deref(), Some("Plan A"));
        assert_eq!(first.headings, ["Plan A", "Steps (UTC)"]);
        assert_eq!((first.line, first.rows[0].line, first.rows[1].line), (4, 6, 7));
        assert_eq!(first.columns, ["When", "What"]);
        assert_eq!((first.rows[0].text(1), first.rows[1].text(1)), ("run a | b twice", "x y"));
        assert_eq!((first.rows[0].cells[1].code.as_slice(), first.rows[1].text(0)), (&["a | b".to_owned()][..], ""));
        assert_eq!((second.headings.as_slice(), second.line), (&["B".to_owned()][..], 11));
        assert_eq!((second.rows[0].line, second.rows[0].text(1), second.rows[0].text(2)), (13, "f", ""));
        assert!(document("a\n\n    | a |\n    |---|\n\n```\n| a |\n|---|\n```\n").unwrap().tables.is_empty());
    }

    #[test]
    fn what_markdown_would_lose_is_refused() {
        let table = "| a | b |\n|---|---|\n";
        refused(&format!("{table}| 1 | 2 | 3 |\n"), "line 3: has 3 cells under 2 columns");
        refused(&format!("{table}| 1 | 2 |\n| 1 |\n"), "line 4: has 1 cells");
        refused(&format!("{table}| 1 | 2 |\ntext\n"), "line 4: has 1 cells");
        refused(&format!("{table}| 1 | 2 |\n\n| 3 | 4 |\n"), "line 5: begins like a row");
        refused(&format!("{table}| 1 | 2 |\n|\n| 3 | 4 |\n"), "line 4: begins like a row");
        refused("| a | b |\n|---|\n| 1 | 2 |\n", "line 1: begins like a row");
        for fine in ["| 1 | 2 \\| 3 |\n", "1 | 2\n", "| 1 | 2\n", "1 | 2 |\n", "||\\||\n", "| | |\n"] {
            assert_eq!(document(&format!("{table}{fine}")).unwrap().tables[0].rows.len(), 1, "{fine}");
        }
    }

    #[test]
    fn size_is_bounded() {
        let wide = |count: usize| format!("{}|\n{}|\n", "|a".repeat(count), "|-".repeat(count));
        assert!(document(&wide(100)).is_ok());
        refused(&wide(101), "more than 100 columns");
        refused(&wide(1_000_000), "more than");
        refused(&(wide(2) + &"|a|b|\n".repeat(100_000)), "line 100002: the tables have more than 200000 cells");
        for unit in ["|", "|\n", "a|\n", "|-", "\\|", "| `", "|a|\n|-|\n\n"] {
            let _ = document(&unit.repeat(1_000_000 / unit.len()));
        }
    }
}
