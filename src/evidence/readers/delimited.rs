//! Records of delimited text (CSV and its kin), without forgiveness.
//!
//! Source: RFC 4180. The usual libraries read on past a quote that is never closed, and what follows
//! becomes one field: rows would vanish without a word. Here it is an error.

use std::borrow::Cow;

use super::ReadError;

/// The records of a text, blank lines left out.
pub(super) struct Records<'t> {
    rest: &'t str,
    line: usize,
    delimiter: char,
}

pub(super) struct Record<'t> {
    /// Where it begins.
    pub line: usize,
    pub fields: Vec<Cow<'t, str>>,
}

pub(super) fn records(text: &str, delimiter: char) -> Records<'_> {
    Records { rest: text, line: 1, delimiter }
}

impl<'t> Iterator for Records<'t> {
    type Item = Result<Record<'t>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            if self.rest.is_empty() {
                return None;
            }
            if !line.trim().is_empty() {
                break;
            }
            self.rest = rest;
            self.line += 1;
        }
        let record = self.record();
        if record.is_err() {
            self.rest = "";
        }
        Some(record)
    }
}

impl<'t> Records<'t> {
    fn record(&mut self) -> Result<Record<'t>, ReadError> {
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            if fields.len() == MAX_FIELDS {
                return Err(ReadError::at(self.line, format!("has more than {MAX_FIELDS} fields")));
            }
            fields.push(if self.rest.starts_with('"') { self.quoted()? } else { self.bare()? });
            if let Some(rest) = self.rest.strip_prefix(self.delimiter) {
                self.rest = rest;
                continue;
            }
            let end = self.rest.strip_prefix('\r').unwrap_or(self.rest);
            self.rest = end.strip_prefix('\n').unwrap_or(end);
            self.line += 1;
            return Ok(Record { line, fields });
        }
    }

    fn bare(&mut self) -> Result<Cow<'t, str>, ReadError> {
        let end = self.rest.find([self.delimiter, '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if field.contains('"') {
            return Err(ReadError::at(self.line, "has a quote inside a field that is not quoted"));
        }
        self.rest = rest;
        Ok(Cow::Borrowed(field.strip_suffix('\r').unwrap_or(field)))
    }

    fn quoted(&mut self) -> Result<Cow<'t, str>, ReadError> {
        let opened = self.line;
        let mut field = Cow::Borrowed("");
        loop {
            // The rest begins with a quote: the first, or the second of a pair.
            let inside = self.rest.get(1..).unwrap_or_default();
            let Some((part, rest)) = inside.split_once('"') else {
                return Err(ReadError::at(opened, "opens a quote that is never closed"));
            };
            self.line += part.bytes().filter(|byte| *byte == b'\n').count();
            field += part;
            self.rest = rest;
            if !rest.starts_with('"') {
                break;
            }
            field += "\"";
        }
        if self.rest.is_empty() || self.rest.starts_with([self.delimiter, '\n']) || self.rest.starts_with("\r\n") {
            return Ok(field);
        }
        Err(ReadError::at(self.line, "goes on behind a closed quote"))
    }
}

/// A record of delimiters alone would cost twenty times its size.
const MAX_FIELDS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let shown = |record: Record<'_>| format!("{}:{}", record.line, record.fields.join("|"));
        let all: Result<Vec<String>, ReadError> = records(text, ',').map(|record| record.map(shown)).collect();
        all.map_or_else(|error| error.to_string(), |all| all.join("/"))
    }

    #[test]
    fn every_form_of_a_record_is_read() {
        assert_eq!(read("a,b\r\n1,\"x, \"\"y\"\"\nz\"\n\n,\r\n\" \",\"\""), "1:a|b/2:1|x, \"y\"\nz/5:|/6: |");
        assert_eq!((read(""), read("\n \r\n")), (String::new(), String::new()));
        assert_eq!((read("a"), read("a,"), read("가,\"나\"")), ("1:a".into(), "1:a|".into(), "1:가|나".into()));
        assert_eq!(records("a;b,c", ';').next().unwrap().unwrap().fields, ["a", "b,c"]);
    }

    #[test]
    fn what_could_swallow_rows_is_refused() {
        assert_eq!(read("a\n\"b\nc,d\n"), "line 2: opens a quote that is never closed");
        assert_eq!(read("a\nb,c\"d\"\n"), "line 2: has a quote inside a field that is not quoted");
        assert_eq!(read("\"a\n\"b,c\n"), "line 2: goes on behind a closed quote");
        assert_eq!(read("\"a\" ,c\n"), "line 1: goes on behind a closed quote");
        assert_eq!(read(&",".repeat(1_000_000)), "line 1: has more than 1000 fields");
        assert_eq!(read(&"\"".repeat(1_000_001)), "line 1: opens a quote that is never closed");
        assert_eq!(read(&"\"\",\n".repeat(100_000)).split('/').count(), 100_000);
    }
}
