//! What `Get-FileHash` prints: a table, a list, CSV or JSON, whole or with columns selected.
//!
//! A column is known by its name. Path and Hash must be there; a sum without an Algorithm is told by its length.

use serde::Deserialize;

use super::{Row, Rows, SHA256, lines, unknown};
use crate::evidence::readers::ReadError;
use crate::evidence::readers::delimited::records;

/// The rows of a text whose first line begins one of the forms.
pub(super) fn rows(text: &str, first: &str) -> Option<Rows> {
    if first.starts_with(['{', '[']) {
        return Some(json(text));
    }
    if let Some(order) = table_order(first) {
        // The header comes back where several outputs were appended to one file.
        let is_body = |line: &str| table_order(line).is_none() && !line.trim_matches(['-', ' ']).is_empty();
        let body = lines(text).filter(|(_, line)| is_body(line));
        return Some(body.map(|(at, line)| Ok((at, table_row(line, order).ok_or_else(|| unknown(at))?))).collect());
    }
    if first.split_once(':').is_some_and(|(label, _)| LABELS[..2].contains(&label.trim_end())) {
        return Some(list(text));
    }
    let delimiter = [',', ';', '\t'].into_iter().find(|delimiter| Columns::of(first, *delimiter).is_some())?;
    Some(csv(text, delimiter))
}

/// Which of the three stands where in a table of words; the path has blanks, so it is the first or the last.
fn table_order(line: &str) -> Option<&'static [&'static str]> {
    const ORDERS: [&[&str]; 3] = [&LABELS, &["Hash", "Path"], &["Path", "Hash"]];
    ORDERS.into_iter().find(|order| line.split_whitespace().eq(order.iter().copied()))
}

fn table_row(line: &str, order: &[&str]) -> Option<Row> {
    let line = line.trim();
    let [algorithm, hash, path] = match order {
        ["Path", "Hash"] => {
            let (path, hash) = line.rsplit_once(' ')?;
            [SHA256, hash, path.trim_end()]
        }
        ["Hash", "Path"] => {
            let (hash, path) = line.split_once(' ')?;
            [SHA256, hash, path.trim_start()]
        }
        _ => {
            let (algorithm, rest) = line.split_once(' ')?;
            let (hash, path) = rest.trim_start().split_once(' ')?;
            [algorithm, hash, path.trim_start()]
        }
    };
    Some([algorithm, hash, path].map(str::to_owned))
}

fn list(text: &str) -> Rows {
    let mut records: Vec<(usize, Vec<(String, String)>)> = Vec::new();
    for (number, line) in lines(text) {
        if line.starts_with([' ', '\t']) {
            // Format-List breaks a long value at the window's width and indents what follows.
            let field = records.last_mut().and_then(|(_, fields)| fields.last_mut()).ok_or_else(|| unknown(number))?;
            field.1.push_str(line.trim_start());
            continue;
        }
        let (label, value) = line.split_once(':').ok_or_else(|| unknown(number))?;
        let label = label.trim_end();
        // The label that began the first record begins each.
        let first = records.first().and_then(|(_, fields)| fields.first()).map(|(label, _)| label.clone());
        if first.is_none_or(|first| first == label) {
            records.push((number, Vec::new()));
        }
        let (_, fields) = records.last_mut().ok_or_else(|| unknown(number))?;
        if !LABELS.contains(&label) || fields.iter().any(|(known, _)| known == label) {
            return Err(unknown(number));
        }
        fields.push((label.to_owned(), value.trim_start().to_owned()));
    }
    let complete = |(number, fields): (usize, Vec<(String, String)>)| {
        let of = |label| fields.iter().find(|(known, _)| known == label).map(|(_, value)| value.trim_end().to_owned());
        let (hash, path) =
            of("Hash").zip(of("Path")).ok_or_else(|| ReadError::at(number, "Hash or Path is missing"))?;
        Ok((number, [of("Algorithm").unwrap_or_else(|| SHA256.to_owned()), hash, path]))
    };
    records.into_iter().map(complete).collect()
}

/// Where the columns of CSV stand.
#[derive(Clone, Copy)]
struct Columns {
    algorithm: Option<usize>,
    hash: usize,
    path: usize,
    count: usize,
}

impl Columns {
    fn of(header: &str, delimiter: char) -> Option<Self> {
        let record = records(header, delimiter).next()?.ok()?;
        let place = |label: &str| {
            let mut all = record.fields.iter().enumerate().filter(|(_, field)| *field == label).map(|(at, _)| at);
            all.next().filter(|_| all.next().is_none())
        };
        let (hash, path) = (place("Hash")?, place("Path")?);
        Some(Self { algorithm: place("Algorithm"), hash, path, count: record.fields.len() })
    }
}

fn csv(text: &str, delimiter: char) -> Rows {
    // Windows PowerShell writes the type above the header.
    let above = lines(text).next().map_or(0, |(number, _)| number - 1);
    let body: String = text.split_inclusive('\n').skip(above).collect();
    let mut columns = None;
    let mut rows = Vec::new();
    for record in records(&body, delimiter) {
        let record = record.map_err(|error| ReadError { line: error.line.map(|line| line + above), ..error })?;
        let number = record.line + above;
        let Some(known) = columns else {
            columns = Columns::of(body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default(), delimiter);
            continue;
        };
        let field = |at: usize| record.fields.get(at).map(|field| field.trim().to_owned());
        let algorithm = known.algorithm.map_or_else(|| Some(SHA256.to_owned()), field);
        let row =
            algorithm.zip(field(known.hash)).zip(field(known.path)).filter(|_| record.fields.len() == known.count);
        let ((algorithm, hash), path) = row.ok_or_else(|| unknown(number))?;
        rows.push((number, [algorithm, hash, path]));
    }
    Ok(rows)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileHash {
    #[serde(default)]
    algorithm: Option<String>,
    hash: String,
    path: String,
}

fn json(text: &str) -> Rows {
    let files: Result<Vec<FileHash>, _> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text),
        false => serde_json::from_str(text).map(|file| vec![file]),
    };
    let files = files.map_err(|error| ReadError::at(error.line(), "is no JSON of Get-FileHash"))?;
    // Parsed JSON knows no lines; an error in an object is reported at the document's start.
    let row = |file: FileHash| [file.algorithm.unwrap_or_else(|| SHA256.to_owned()), file.hash, file.path];
    Ok(files.into_iter().map(|file| (1, row(file))).collect())
}

const LABELS: [&str; 3] = ["Algorithm", "Hash", "Path"];
