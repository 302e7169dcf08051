//! What people and programs read. The rules of the terminal:
//!
//! data goes to stdout, talk to stderr; sentences begin in lower case and end without a full stop;
//! ✓ is met, ✗ is not, ○ is not there yet; the exact next command stands after →; text that came
//! with evidence is made visible, never interpreted; columns align by display width (Korean is two).

use std::io::{self, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::failure::Failure;
use super::stream::Cut;
use super::world::World;
use crate::policy::RuleState;
use crate::report::escape::visible;

/// Faults a person is shown; the first says what is wrong, the rest often follow from it.
pub const FAULTS: usize = 20;

/// Where schemas of JSON outputs live.
pub const SCHEMAS: &str = "https://github.com/evidence-ledger/ledger/schemas/";

/// Prints for one command.
pub struct Printer<'w> {
    pub world: &'w mut World,
    pub json: bool,
    pub colour: bool,
    /// A reader that went away (`| head`) is no failure; an answer that could not be written is.
    pub broken: Option<io::ErrorKind>,
}

impl Printer<'_> {
    /// A line of data for people; silent in JSON mode.
    pub fn say(&mut self, line: impl AsRef<str>) {
        if !self.json {
            self.write(&format!("{}\n", line.as_ref()));
        }
    }

    /// Bytes of data exactly as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        let written = self.world.out.write_all(bytes).and_then(|()| self.world.out.flush());
        self.note_error(written);
    }

    /// One JSON document on stdout.
    pub fn json(&mut self, value: &impl Serialize) {
        self.write(&to_json(value));
    }

    /// Data in many pieces, as they come about, written in large ones. A piece that could not be had is
    /// the failure; one that could not be written ends it early.
    pub fn stream(&mut self, write: impl FnOnce(&mut dyn Write) -> Result<(), Cut>) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(&mut self.world.out);
        let told = write(&mut out);
        let flushed = out.flush();
        drop(out.into_parts());
        match told {
            Err(Cut::Failed(failure)) => return Err(failure),
            Err(Cut::Unwritten(error)) => self.note_error(Err(error)),
            Ok(()) => self.note_error(flushed),
        }
        Ok(())
    }

    /// What a command without a richer answer did, in one line for people and one document for programs.
    pub fn outcome(&mut self, line: &str, dry_run: bool) {
        if self.json {
            let schema = format!("{SCHEMAS}outcome/v0.1");
            self.json(&serde_json::json!({ "schema": schema, "dryRun": dry_run, "message": visible(line) }));
            return;
        }
        let mark = if dry_run { "dry run:".to_owned() } else { self.good() };
        self.say(format!("{mark} {line}"));
    }

    /// Talk: progress and advice, on stderr.
    pub fn talk(&mut self, line: impl AsRef<str>) {
        let written = writeln!(self.world.err, "{}", line.as_ref());
        drop(written);
    }

    pub fn bold(&self, text: &str) -> String {
        self.paint(text, "1")
    }

    pub fn dim(&self, text: &str) -> String {
        self.paint(text, "2")
    }

    pub fn mark(&self, state: RuleState) -> String {
        match state {
            RuleState::Satisfied => self.paint("✓", "32"),
            RuleState::Failed => self.paint("✗", "31"),
            RuleState::Missing => self.paint("○", "33"),
            RuleState::Waived { .. } => self.paint("!", "31"),
            RuleState::NotApplicable => self.paint("–", "2"),
        }
    }

    pub fn good(&self) -> String {
        self.paint("✓", "32")
    }

    pub fn bad(&self) -> String {
        self.paint("✗", "31")
    }

    /// A failure, on stderr for people and as JSON on stdout for programs.
    pub fn failure(&mut self, failure: &Failure) {
        if self.json {
            self.json(&failure_json(failure));
            return;
        }
        for fault in failure.faults.iter().take(FAULTS) {
            let line = format!("{} {}", self.bad(), visible(&fault.to_string()));
            self.talk(line);
        }
        let more = failure.faults.len().saturating_sub(FAULTS);
        if more > 0 {
            self.talk(format!("  and {more} more, which may follow from the first: --json lists them"));
        }
        for (index, line) in failure.message.lines().enumerate() {
            let line = if index == 0 { format!("error: {}", visible(line)) } else { visible(line) };
            self.talk(line);
        }
        if let Some(ledger) = &failure.ledger {
            self.talk(format!("  here are {} entries, root sha256:{}", ledger.entries, ledger.root));
        }
        for hint in &failure.hints {
            self.talk(format!("  → {}", visible(hint)));
        }
    }

    fn write(&mut self, text: &str) {
        let written = self.world.out.write_all(text.as_bytes()).and_then(|()| self.world.out.flush());
        self.note_error(written);
    }

    fn note_error(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.broken.get_or_insert(error.kind());
        }
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// One JSON document. Text of evidence may hold what GitHub's runner takes for a command in its log; as an
/// escape it is the same text.
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).map_or_else(|_| String::new(), |text| text.replace("##[", "##\\u005b") + "\n")
}

/// A failure as JSON (`schemas/failure.schema.json`).
pub fn failure_json(failure: &Failure) -> serde_json::Value {
    let schema = format!("{SCHEMAS}failure/v0.1");
    let Failure { kind, message, hints, faults, .. } = failure;
    serde_json::json!({
        "schema": schema, "error": kind, "exitCode": kind.exit_code(), "message": message, "hints": hints, "faults": faults,
    })
}

/// Rows aligned by display width; the last column is left ragged.
pub fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| display_width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    rows.iter().map(|row| aligned(row, &widths)).collect()
}

/// One row of a table whose widths are known; the last column is left ragged.
pub fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(display_width(cell)))));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Columns a text takes on a terminal, colour codes not counted.
pub fn display_width(text: &str) -> usize {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = tail.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.width()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn korean_columns_align() {
        let rows = [["가나", "1"], ["abcde", "2"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), ["가나   1", "abcde  2"]);
    }
}
