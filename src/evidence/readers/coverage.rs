//! Test coverage in the XML of JaCoCo or Cobertura, counted from lines and never from rates.
//!
//! Sources: `report.dtd` of JaCoCo 0.8 and `coverage-04.dtd` of Cobertura, which coverage.py, gcovr, coverlet
//! and Istanbul write as well. `coverage/jacoco.rs` and `coverage/cobertura.rs` know one each.

mod cobertura;
mod jacoco;

use std::ops::AddAssign;

use quick_xml::events::{BytesStart, Event};

use self::cobertura::Cobertura;
use self::jacoco::Jacoco;
use super::bounds::{self, short};
use super::{Input, ReadError, Reader, xml};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::quantity::Quantity;

pub(super) const READER: Reader = Reader {
    format: "coverage",
    about: "a report of test coverage in the XML of JaCoCo or Cobertura",
    facts: &["line", "line_covered", "line_total", "branch", "branch_covered", "branch_total"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let head = bounds::head(input.bytes);
    let start = head.trim_start_matches('\u{feff}').trim_start();
    let jacoco =
        || start.contains("<report ") && ["<sessioninfo ", "<package ", "<counter "].iter().any(|e| start.contains(e));
    start.starts_with('<') && (start.contains("<coverage ") && start.contains("line-rate=") || jacoco())
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_xml(input.bytes, "a coverage report")?;
    let mut reader = quick_xml::Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut report = Report::default();
    loop {
        let event = reader.read_event().map_err(|error| xml::malformed(&error));
        let taken = event.and_then(|event| report.take(&event).map(|()| matches!(event, Event::Eof)));
        match taken {
            Ok(true) => return report.into_facts(),
            Ok(false) => {}
            Err(error) => {
                let read = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len());
                let line = 1 + text.bytes().take(read).filter(|byte| *byte == b'\n').count();
                return Err(ReadError { line: Some(line), ..error });
            }
        }
    }
}

#[derive(Default)]
struct Report {
    depth: usize,
    tool: Option<Tool>,
}

enum Tool {
    Jacoco(Jacoco),
    Cobertura(Cobertura),
}

impl Report {
    fn take(&mut self, event: &Event<'_>) -> Result<(), ReadError> {
        xml::check(event, self.depth > 0)?;
        match event {
            Event::Start(start) => self.start(start),
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                match &mut self.tool {
                    Some(Tool::Jacoco(report)) => report.end().map_err(ReadError::whole),
                    Some(Tool::Cobertura(report)) => {
                        report.end();
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
            // Both tools name their DTD; only one inside the file could change what stands there.
            Event::DocType(kind) if kind.contains('[') => {
                Err(ReadError::whole("holds a document type definition of its own, which no coverage report needs"))
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), ReadError> {
        if self.depth == xml::MAX_DEPTH {
            return Err(xml::too_deep());
        }
        let mut attributes = Attributes::default();
        xml::attributes(start, |name, value| {
            attributes.0.push((name.to_owned(), value.into_owned()));
            Ok(())
        })?;
        let name = start.name();
        let name = name.as_ref();
        let tool = match (&mut self.tool, name) {
            (Some(_), _) if self.depth == 0 => return Err(xml::malformed(&"more than one root")),
            (Some(tool), _) => tool,
            (none, "report") => none.insert(Tool::Jacoco(Jacoco::default())),
            (none, "coverage") => none.insert(Tool::Cobertura(Cobertura::default())),
            (_, other) => return Err(ReadError::whole(format!("begins with <{}>: {ROOTS}", short(other)))),
        };
        self.depth += 1;
        let taken = match tool {
            Tool::Jacoco(report) => report.start(name, &attributes),
            Tool::Cobertura(report) => report.start(name, &attributes),
        };
        taken.map_err(ReadError::whole)
    }

    fn into_facts(self) -> Result<Facts, ReadError> {
        if self.depth > 0 {
            return Err(xml::malformed(&"it ends before its last element does"));
        }
        let (line, branch) = match self.tool {
            Some(Tool::Jacoco(report)) => report.totals(),
            Some(Tool::Cobertura(report)) => report.totals().map_err(ReadError::whole)?,
            None => return Err(xml::malformed(&"it holds no element")),
        };
        if line.total == 0 {
            return Err(ReadError::whole("holds no line: a report of nothing proves nothing"));
        }
        // Code without branches has no share of them.
        let kinds = [("line", line), ("branch", branch)].into_iter().filter(|(_, counts)| counts.total > 0);
        let facts = kinds.flat_map(|(name, counts)| {
            [
                (name.to_owned(), counts.percent()),
                (format!("{name}_covered"), Fact::from(counts.covered)),
                (format!("{name}_total"), Fact::from(counts.total)),
            ]
        });
        Ok(facts.collect())
    }
}

/// Lines or branches.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    covered: usize,
    total: usize,
}

impl Counts {
    /// Rounded down: 99.999 % is not all.
    fn percent(self) -> Fact {
        let hundredths = self.covered as u128 * 10_000 / (self.total.max(1) as u128);
        let decimal = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        Quantity::of(&decimal, "%").map_or_else(|| Fact::Text(decimal), |percent| Fact::from(&percent))
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.covered = self.covered.saturating_add(other.covered);
        self.total = self.total.saturating_add(other.total);
    }
}

/// The attributes of one element.
#[derive(Default)]
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn count(&self, name: &str) -> Result<Option<usize>, String> {
        self.get(name).map(|value| count(value, name)).transpose()
    }
}

/// Digits alone, and no more than sums can bear.
fn count(value: &str, name: &str) -> Result<usize, String> {
    let number = value.parse::<u32>().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("says {name}={:?}, which is no count", short(value)))
}

const ROOTS: &str = "JaCoCo begins with <report>, Cobertura with <coverage>";
