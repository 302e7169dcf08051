//! Cells of Markdown tables, each found by another cell of its row.

use std::collections::BTreeSet;

use super::markdown_tables::{self, Document, Row, Table};
use super::values::{self, listed, same, short, typed};
use super::{Input, OTHERS, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "table",
    about: "the tables of a Markdown document, and cells of them: values = { beta = \"row[Phase=Beta].Status\" }",
    facts: &["tables", "rows", "columns", "headers", OTHERS],
    // Every document may have a table, so a file becomes one only when somebody says so.
    looks_like: |_| false,
    read,
};

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let values = values::wanted(input, &READER, check_place)?;
    let Document { tables, .. } = markdown_tables::read(input.bytes, "a document with tables")?;
    if tables.is_empty() {
        return Err(ReadError::whole("holds no table"));
    }
    let columns = || tables.iter().flat_map(|table| &table.columns);
    let mut seen = BTreeSet::new();
    let headers: Vec<String> = columns().filter(|name| seen.insert(*name)).map(|name| short(name)).collect();
    if headers.len() > MAX_HEADERS {
        return Err(ReadError::whole(format!("its tables have more than {MAX_HEADERS} columns: split the document")));
    }
    let mut facts = Facts::from([
        ("tables".to_owned(), Fact::from(tables.len())),
        ("rows".to_owned(), Fact::from(tables.iter().map(|table| table.rows.len()).sum::<usize>())),
        ("columns".to_owned(), Fact::from(columns().count())),
        ("headers".to_owned(), Fact::List(headers)),
    ]);
    for (name, place) in values {
        let cell = Place::parse(place).map_err(ReadError::whole)?.find(&tables);
        let (row, column) =
            cell.map_err(|error| ReadError { message: format!("{name}: {}", error.message), ..error })?;
        let fact = typed(row.text(column)).map_err(|why| ReadError::at(row.line, format!("{name}: the cell {why}")))?;
        facts.insert(name.clone(), fact);
    }
    Ok(facts)
}

/// Whether a place is spelt `row[Header=Value].Column`.
pub(super) fn check_place(place: &str) -> Result<(), String> {
    Place::parse(place).map(drop)
}

/// `row[Header=Value].Column`: the cell in a column of the row whose cells are these.
struct Place<'p> {
    conditions: Vec<(&'p str, &'p str)>,
    column: &'p str,
}

impl<'p> Place<'p> {
    fn parse(place: &'p str) -> Result<Self, String> {
        let parse = || {
            let mut rest = place.trim().strip_prefix("row")?;
            let mut conditions = Vec::new();
            while let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let (header, value) = inside.split_once('=')?;
                conditions.push((header.trim(), value.trim()));
                rest = after;
            }
            let column = rest.strip_prefix('.')?.trim();
            let is_whole = !column.is_empty() && conditions.iter().all(|(h, v)| !h.is_empty() && !v.is_empty());
            (is_whole && (1..=MAX_CONDITIONS).contains(&conditions.len())).then_some(Self { conditions, column })
        };
        parse().ok_or_else(|| format!("{:?} is no cell: write row[Header=Value].Column", short(place)))
    }

    /// The one cell there is in all tables that have these columns.
    fn find<'t>(&self, tables: &'t [Table]) -> Result<(&'t Row, usize), ReadError> {
        let mut found: Option<(&Row, usize)> = None;
        let mut has_columns = false;
        for table in tables {
            let Some((column, conditions)) = self.columns(table)? else { continue };
            has_columns = true;
            let fits = |row: &&Row| {
                let cells = conditions.iter().zip(&self.conditions);
                cells.into_iter().all(|(column, (_, value))| same(row.text(*column), value))
            };
            for row in table.rows.iter().filter(fits) {
                if let Some((first, _)) = found.replace((row, column)) {
                    return Err(ReadError::at(row.line, format!("fits as well as line {}", first.line)));
                }
            }
        }
        let names = || listed(tables.iter().flat_map(|table| &table.columns).map(String::as_str));
        found.ok_or_else(|| match has_columns {
            true => ReadError::whole("no row fits"),
            false => ReadError::whole(format!("no table has these columns; there are {}", names())),
        })
    }

    /// Where the columns stand in a table that has them all: the one asked for, and those of the conditions.
    fn columns(&self, table: &Table) -> Result<Option<(usize, Vec<usize>)>, ReadError> {
        let mut found = Vec::new();
        for name in std::iter::once(self.column).chain(self.conditions.iter().map(|(header, _)| *header)) {
            let mut named = table.columns_named(name);
            let Some(column) = named.next() else { return Ok(None) };
            if named.next().is_some() {
                return Err(ReadError::at(table.line, format!("two columns are named {:?}", short(name))));
            }
            found.push(column);
        }
        Ok(found.split_first().map(|(column, conditions)| (*column, conditions.to_vec())))
    }
}

/// All facts of an entry must fit into one statement; a list cut short would hide a column.
const MAX_HEADERS: usize = 100;
const MAX_CONDITIONS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::Wanted;

    const STATUS: &str = "# Roadmap\n\n| Phase | Status | Done | Effort |\n|---|:-:|--:|---|\n| **Beta** | ✅ Complete | 97.50% | 12 |\n\
        | GA | 진행 | 3% | 2–4 d |\n| GA | open | | v1.10 |\n\n| Metric | Value |\n|---|---|\n| p95 | 183.4ms |\n| `gpu` | 0 |\n";

    fn look(text: &str, place: &str) -> Result<Facts, ReadError> {
        let values = [("x".to_owned(), place.to_owned())];
        let wanted = Wanted { values: &values, ..Wanted::default() };
        read(&Input { wanted, ..Input::plain("a.md", text.as_bytes()) })
    }

    #[track_caller]
    fn refused(text: &str, place: &str, why: &str) {
        let error = look(text, place).unwrap_err().to_string();
        assert!(error.contains(why), "{place}: {error}");
    }

    #[test]
    fn rows_and_columns_are_counted() {
        let facts = read(&Input::plain("a.md", STATUS.as_bytes())).unwrap();
        let text = Fact::Group(facts).to_string();
        assert_eq!(text, "{columns=6 headers=Phase, Status, Done, Effort, Metric, Value rows=5 tables=2}");
        let empty = read(&Input::plain("a.md", b"| a |\n|---|\n")).unwrap();
        assert_eq!(empty["rows"], Fact::Int(0));
        for none in ["", "a | b\n", "```\n| a |\n|---|\n```\n"] {
            assert_eq!(read(&Input::plain("a.md", none.as_bytes())).unwrap_err(), ReadError::whole("holds no table"));
        }
        let wide: String = (0..101).map(|n| format!("| {n} |\n|---|\n\n")).collect();
        assert!(read(&Input::plain("a.md", wide.as_bytes())).unwrap_err().message.contains("more than 100 columns"));
    }

    #[test]
    fn a_cell_is_found_by_its_row() {
        for (place, fact) in [
            ("row[Phase=Beta].Status", Fact::from("✅ Complete")),
            ("row[Phase=Beta].Done", Fact::from("97.5 %")),
            ("row[Phase=Beta].Effort", Fact::Int(12)),
            ("row[Phase=GA][Status=진행].Effort", Fact::from("2–4 d")),
            ("row[Phase = GA][Status=open]. Effort", Fact::from("v1.10")),
            ("row[Metric=p95].Value", Fact::from("183.4 ms")),
            ("row[Metric=gpu].Value", Fact::Int(0)),
        ] {
            assert_eq!(look(STATUS, place).unwrap()["x"], fact, "{place}");
        }
    }

    #[test]
    fn what_is_not_there_once_is_refused() {
        refused(STATUS, "row[Phase=GA].Done", "line 7: x: fits as well as line 6");
        refused(STATUS, "row[Phase=Alpha].Done", "x: no row fits");
        refused(STATUS, "row[phase=Beta].Done", "no table has these columns; there are Phase, Status");
        refused(STATUS, "row[Phase=Beta].Value", "no table has these columns");
        refused(STATUS, "row[Phase=GA][Status=open].Done", "line 7: x: the cell holds nothing");
        refused(
            "| a | b | b |\n|---|---|---|\n| 1 | 2 | 3 |\n",
            "row[a=1].b",
            "line 1: x: two columns are named \"b\"",
        );
        let twice = STATUS.to_owned() + "\n" + STATUS;
        refused(&twice, "row[Phase=Beta].Done", "fits as well as line 5");
        refused(&format!("| a | b |\n|---|---|\n| 1 | {} |\n", "가".repeat(401)), "row[a=1].b", "401 characters");
        refused("| a |\n|---|\n| 1 | 2 |\n", "row[a=1].a", "line 3: has 2 cells");
    }

    #[test]
    fn a_place_has_one_spelling() {
        for bad in [
            "Phase",
            "row.Status",
            "row[Phase].Status",
            "row[=Beta].Status",
            "row[Phase=].Status",
            "row[Phase=Beta]",
            "row[Phase=Beta].",
            "row[Phase=Beta]Status",
            "row[Phase=Beta.Status",
            "row[a=1][a=1][a=1][a=1][a=1].b",
        ] {
            assert!(check_place(bad).is_err(), "{bad}");
            refused(STATUS, bad, "write row[Header=Value].Column");
        }
    }
}
