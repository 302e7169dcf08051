//! Rollout plans: a Markdown table of when, who and what, under a heading that names the time zone.
//!
//! `## Timeline (UTC)` over `| Time | Owner | Task |`. Rows carry their date, or only a time; then the
//! date is that of the nearest heading with one, and a row earlier than the one above is of the next day.

pub mod step;
mod timeline;

use std::fmt;

use chrono::{Days, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

pub use self::timeline::{TIMELINE, timeline};
use super::markdown_tables::{self, Document, Row};
use super::values::short;
use super::{Input, ReadError, Reader, bounds, markdown};
use crate::evidence::facts::{Fact, Facts};
use crate::id::Timestamp;

pub(super) const READER: Reader = Reader {
    format: "plan",
    about: "a rollout plan: a Markdown table Time | Owner | Task under a heading like Timeline (UTC)",
    facts: &["rows", "first", "last", "owners", "zone", TIMELINE],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let name = input.name.to_ascii_lowercase();
    let is_head = |line: &str| {
        let cells: Vec<String> = line.trim().trim_matches('|').split('|').map(str::to_owned).collect();
        Columns::of(&cells).is_some()
    };
    (name.ends_with(".md") || name.ends_with(".markdown"))
        && bounds::decode_local(input.bytes, markdown::MAX_BYTES, "a plan")
            .is_ok_and(|text| text.lines().any(|line| line.contains('|') && is_head(line)))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let plan = Plan::read(input.bytes)?;
    let mut owners: Vec<String> = Vec::new();
    for step in &plan.rows {
        if owners.contains(&step.owner.text) {
            continue;
        }
        if owners.len() == MAX_OWNERS {
            return Err(ReadError::at(step.line, format!("a plan has no more than {MAX_OWNERS} owners")));
        }
        owners.push(step.owner.text.clone());
    }
    let (Some(first), Some(last)) = (plan.rows.first(), plan.rows.last()) else {
        return Err(ReadError::whole("its timeline has no row"));
    };
    let mut facts = Facts::from([
        ("rows".to_owned(), Fact::from(plan.rows.len())),
        ("first".to_owned(), Fact::Text(first.at.to_string())),
        ("last".to_owned(), Fact::Text(last.at.to_string())),
        ("owners".to_owned(), Fact::List(owners)),
        ("zone".to_owned(), Fact::Text(plan.zone.to_string())),
    ]);
    facts.extend(timeline::fact(&plan.rows).map(|fact| (TIMELINE.to_owned(), fact)));
    Ok(facts)
}

/// What is to be done, in the order it is to be done in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub zone: Zone,
    pub rows: Vec<Step>,
}

/// One row of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands in the document.
    pub line: usize,
    pub at: Timestamp,
    pub owner: Owner,
    pub task: String,
    /// What the task has in backticks: commands, paths, names.
    pub code: Vec<String>,
}

/// Who does it, as `Role (Name)` or as one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// As it is written.
    pub text: String,
    pub role: String,
    pub name: Option<String>,
}

impl Owner {
    pub fn of(text: &str) -> Self {
        let parts = text.strip_suffix(')').and_then(|text| text.split_once('('));
        let parts = parts.map(|(role, name)| (role.trim(), name.trim()));
        let (role, name) = match parts {
            Some((role, name)) if !role.is_empty() && !name.is_empty() && !name.contains(['(', ')']) => {
                (role, Some(name))
            }
            _ => (text, None),
        };
        Self { text: text.to_owned(), role: role.to_owned(), name: name.map(str::to_owned) }
    }
}

/// The zone a plan's times are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Named(Tz),
    Offset(FixedOffset),
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Offset(offset) => write!(f, "{offset}"),
        }
    }
}

impl Zone {
    /// `UTC`, `KST`, `Asia/Seoul`, `+09:00` or `UTC+9`. Other abbreviations mean different zones to
    /// different people.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "UTC" | "utc" | "GMT" | "Z" => return Some(Self::Named(Tz::UTC)),
            "KST" => return Some(Self::Named(Tz::Asia__Seoul)),
            _ if text.contains('/') => return text.parse().ok().map(Self::Named),
            _ => {}
        }
        let offset = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
        let (sign, digits) = match offset.strip_prefix('+') {
            Some(digits) => (1, digits),
            None => (-1, offset.strip_prefix(['-', '−'])?),
        };
        let (hours, minutes) = match digits.split_once(':') {
            Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
            Some(_) => return None,
            None if digits.len() == 4 => digits.split_at_checked(2)?,
            None => (digits, "0"),
        };
        let number = |text: &str| -> Option<i32> {
            let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        // No place on Earth is further from UTC than 14 hours.
        let is_real = minutes < 60 && hours * 60 + minutes <= 14 * 60;
        FixedOffset::east_opt(sign * (hours * 60 + minutes) * 60).filter(|_| is_real).map(Self::Offset)
    }

    /// The zone in brackets at the end of a heading: `Timeline (UTC)`.
    fn named_in(heading: &str) -> Option<Self> {
        let inside = heading.rsplit_once(['(', '（'])?.1.split_once([')', '）'])?.0;
        inside.split(',').find_map(|part| Self::parse(part.trim()))
    }

    fn instant(self, local: NaiveDateTime) -> Result<Timestamp, String> {
        let found = match self {
            Self::Named(zone) => zone.from_local_datetime(&local).map(|at| at.timestamp()),
            Self::Offset(offset) => offset.from_local_datetime(&local).map(|at| at.timestamp()),
        };
        match found {
            LocalResult::Single(seconds) => Timestamp::from_seconds(seconds).map_err(|error| error.to_string()),
            LocalResult::Ambiguous(..) => Err(format!("{local} happens twice in {self}: write it in UTC")),
            LocalResult::None => Err(format!("{local} does not exist in {self}")),
        }
    }
}

impl Plan {
    /// Reads the one timeline of a Markdown document.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let Document { title, tables } = markdown_tables::read(bytes, "a plan")?;
        let mut timelines = tables.iter().filter_map(|table| Some((table, Columns::of(&table.columns)?)));
        let (table, columns) =
            timelines.next().ok_or_else(|| ReadError::whole("has no table with the columns Time, Owner and Task"))?;
        if let Some((other, _)) = timelines.next() {
            let message = format!("is a second timeline; the first is in line {}", table.line);
            return Err(ReadError::at(other.line, message));
        }
        let above: Vec<&String> = table.headings.iter().rev().chain(&title).collect();
        let of_column = table.columns.get(columns.time).and_then(|name| Zone::named_in(name));
        let of_heading = above.iter().find_map(|heading| Zone::named_in(heading));
        let zone = match (of_column, of_heading) {
            (Some(column), Some(heading)) if column != heading => {
                return Err(ReadError::at(table.line, format!("the column says {column}, and the heading {heading}")));
            }
            (column, heading) => column.or(heading).ok_or_else(|| {
                ReadError::at(table.line, "no zone is named: write it into the heading, like Timeline (UTC)")
            })?,
        };
        let mut steps: Vec<Step> = Vec::new();
        let mut previous: Option<NaiveDateTime> = None;
        for row in &table.rows {
            let at = |message: String| ReadError::at(row.line, message);
            let local = local_time(row.text(columns.time), previous, &above).map_err(at)?;
            let step = columns.step(row, zone.instant(local).map_err(at)?).map_err(at)?;
            if steps.last().is_some_and(|last| step.at < last.at) {
                return Err(at(format!("{} is earlier than the row above", step.at)));
            }
            previous = Some(local);
            steps.push(step);
        }
        if steps.is_empty() {
            return Err(ReadError::at(table.line, "the timeline has no row"));
        }
        Ok(Self { zone, rows: steps })
    }
}

/// Where a timeline has its parts.
struct Columns {
    time: usize,
    owner: usize,
    task: usize,
}

impl Columns {
    fn of(names: &[String]) -> Option<Self> {
        let place = |words: &str| {
            let is = |name: &String| {
                let name = name.split(['(', '（']).next().unwrap_or_default().trim().to_lowercase();
                words.split('|').any(|word| word == name)
            };
            names.iter().position(is)
        };
        Some(Self { time: place(TIME)?, owner: place(OWNER)?, task: place(TASK)? })
    }

    fn step(&self, row: &Row, at: Timestamp) -> Result<Step, String> {
        let filled = |column: usize, what: &str, most: usize| match row.text(column) {
            "" => Err(format!("has no {what}")),
            text if text.chars().count() > most => Err(format!("its {what} has more than {most} characters")),
            text => Ok(text.to_owned()),
        };
        let owner = Owner::of(&filled(self.owner, "owner", MAX_OWNER)?);
        let code = row.cells.get(self.task).map(|cell| cell.code.clone()).unwrap_or_default();
        Ok(Step { line: row.line, at, owner, task: filled(self.task, "task", MAX_TASK)?, code })
    }
}

/// A row's date and time; without a date it continues the row above, or the document's date.
fn local_time(cell: &str, previous: Option<NaiveDateTime>, headings: &[&String]) -> Result<NaiveDateTime, String> {
    let wrong = || format!("{:?} is no time: write 2025-10-05 23:30 or 23:30", short(cell));
    let (date, time) = match cell.split_once([' ', 'T']) {
        Some((date, time)) => (Some(date_of(date).ok_or_else(wrong)?), time),
        None => (None, cell),
    };
    let time = time_of(time).ok_or_else(wrong)?;
    match (date, previous) {
        (Some(date), _) => Ok(date.and_time(time)),
        (None, Some(previous)) => {
            let next = u64::from(time < previous.time());
            previous.date().checked_add_days(Days::new(next)).map(|date| date.and_time(time)).ok_or_else(wrong)
        }
        (None, None) => {
            let dates = headings.iter().map(|heading| dates_in(heading)).find(|dates| !dates.is_empty());
            match dates.unwrap_or_default().as_slice() {
                [date] => Ok(date.and_time(time)),
                [] => Err("has no date, and no heading above has one".to_owned()),
                _ => Err("has no date, and the heading above has several".to_owned()),
            }
        }
    }
}

fn date_of(text: &str) -> Option<NaiveDate> {
    let is_date = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_date)
}

/// `23:30` or `23:30:15`.
fn time_of(text: &str) -> Option<NaiveTime> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "00"));
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?;
    let is_whole = (1..=2).contains(&hour.len()) && minute.len() == 2 && second.len() == 2;
    NaiveTime::from_hms_opt(number(hour)?, number(minute)?, number(second)?).filter(|_| is_whole)
}

/// The different dates a heading names.
fn dates_in(heading: &str) -> Vec<NaiveDate> {
    let words = heading.split(|c: char| !c.is_ascii_digit() && c != '-').filter_map(date_of);
    let mut dates: Vec<NaiveDate> = words.collect();
    dates.dedup();
    dates
}

const TIME: &str = "time|when|start|시간|시각|일시";
const OWNER: &str = "owner|who|role|responsible|담당|담당자|책임자";
const TASK: &str = "task|what|step|action|activity|작업|내용|할 일|단계";
/// All facts of an entry must fit into one statement.
const MAX_OWNERS: usize = 100;
const MAX_OWNER: usize = 96;
const MAX_TASK: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| Time | Owner | Task |\n| --- | --- | --- |\n";

    fn plan(text: &str) -> Result<Plan, ReadError> {
        Plan::read(text.as_bytes())
    }

    /// The instants of rows under a heading.
    fn instants(heading: &str, rows: &[&str]) -> String {
        let rows: String = rows.iter().map(|time| format!("| {time} | QA | x |\n")).collect();
        match plan(&format!("# Rollout — 2025-10-06\n\n## {heading}\n\n{TABLE}{rows}")) {
            Ok(plan) => plan.rows.iter().map(|step| step.at.to_string()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_plan_is_its_rows() {
        let text = format!(
            "# Rollout â€” 2025-10-06\r\n\r\n## Timeline (UTC)\r\n{TABLE}\
             | 2025-10-05 23:30 | DBA (Han) | Compare with prod (`compare.py --snapshot a`). |\r\n\
             | 2025-10-06 00:15 | DevOps(Min) | Publish `app:{{a,b}}` to `r` |\r\n\
             | 2025-10-06 00:15 | DBA (Han) | **Watch** |\r\n\r\n## Rollback\r\n| Step | Who |\r\n|---|---|\r\n| a | b |\r\n"
        );
        let mut facts = read(&Input::plain("plan.md", text.as_bytes())).unwrap();
        let steps = plan(&text).unwrap().rows;
        assert_eq!(super::timeline(&facts), Some(steps.clone()));
        facts.remove(TIMELINE);
        let found =
            "{first=2025-10-05T23:30:00Z last=2025-10-06T00:15:00Z owners=DBA (Han), DevOps(Min) rows=3 zone=UTC}";
        assert_eq!(Fact::Group(facts).to_string(), found);
        assert_eq!((steps[0].line, steps[0].task.as_str()), (6, "Compare with prod (compare.py --snapshot a)."));
        assert_eq!(
            (&steps[0].code, &steps[1].code),
            (&vec!["compare.py --snapshot a".to_owned()], &vec!["app:{a,b}".to_owned(), "r".to_owned()])
        );
        assert_eq!((steps[1].owner.role.as_str(), steps[1].owner.name.as_deref()), ("DevOps", Some("Min")));
        let owner = |text| Owner::of(text).name;
        assert_eq!((owner("QA"), owner("(Kim)"), owner("QA ()"), owner("QA (a) (b)")), (None, None, None, None));
    }

    #[test]
    fn rows_without_a_date_go_on_past_midnight() {
        let found =
            "2025-10-06T23:30:00Z 2025-10-07T00:15:00Z 2025-10-07T00:15:00Z 2025-10-07T23:00:00Z 2025-10-08T01:00:30Z";
        assert_eq!(instants("Timeline (UTC)", &["23:30", "00:15", "00:15", "23:00", "01:00:30"]), found);
        let dated = instants("Timeline 2025-11-01 (UTC)", &["09:00", "2025-11-03T10:00", "09:00"]);
        assert_eq!(dated, "2025-11-01T09:00:00Z 2025-11-03T10:00:00Z 2025-11-04T09:00:00Z");
        assert!(instants("2025-11-01 to 2025-11-02 (UTC)", &["09:00"]).contains("has several"));
        let bare = plan(&format!("# Timeline (UTC)\n{TABLE}| 09:00 | QA | x |\n")).unwrap_err();
        assert_eq!(bare.to_string(), "line 4: has no date, and no heading above has one");
    }

    #[test]
    fn the_zone_is_named_and_real() {
        for (heading, at) in [
            ("Timeline (UTC)", "2025-10-06T09:00:00Z"),
            ("일정 (KST)", "2025-10-06T00:00:00Z"),
            ("일정（Asia/Seoul）", "2025-10-06T00:00:00Z"),
            ("Times (Lab 3) (draft, UTC+9)", "2025-10-06T00:00:00Z"),
            ("Times (+05:30)", "2025-10-06T03:30:00Z"),
            ("Times (GMT-0300)", "2025-10-06T12:00:00Z"),
            ("Times (America/New_York)", "2025-10-06T13:00:00Z"),
        ] {
            assert_eq!(instants(heading, &["09:00"]), at, "{heading}");
        }
        for no in [
            "Timeline",
            "Timeline UTC",
            "(EST)",
            "(Japan)",
            "(+15:00)",
            "(+9:5)",
            "(+)",
            "(Asia/Soul)",
            "(+09:60)",
            "(++9)",
        ] {
            assert_eq!(
                instants(no, &["09:00"]),
                "line 5: no zone is named: write it into the heading, like Timeline (UTC)",
                "{no}"
            );
        }
        let column = format!("# 2025-10-06\n{}| 09:00 | QA | x |\n", TABLE.replace("Time", "시각 (KST)"));
        assert_eq!(read(&Input::plain("a", column.as_bytes())).unwrap()["zone"], Fact::from("Asia/Seoul"));
        let other = plan(&column.replace("-06", "-06 (UTC)")).unwrap_err().to_string();
        assert_eq!(other, "line 2: the column says Asia/Seoul, and the heading UTC");
        assert!(instants("(Europe/Berlin)", &["2025-10-26 02:30"]).contains("happens twice in Europe/Berlin"));
        assert!(instants("(Europe/Berlin)", &["2025-03-30 02:30"]).contains("does not exist in Europe/Berlin"));
    }

    #[test]
    fn what_is_no_plan_is_refused_by_line() {
        for time in [
            "",
            "soon",
            "9:0",
            "24:00",
            "09:60",
            "09:00-10:00",
            "T+30",
            "2025-02-30 09:00",
            "2025-10-6 09:00",
            "2025-10-05",
            "2025-10-05  ",
            "09:00Z",
            "1969-12-31 09:00",
            "+025-10-05 09:00",
        ] {
            let error = instants("(UTC)", &["00:30", time]);
            assert!(error.starts_with("line 8: "), "{time}: {error}");
        }
        assert_eq!(
            instants("(UTC)", &["09:00", "2025-10-05 23:00"]),
            "line 8: 2025-10-05T23:00:00Z is earlier than the row above"
        );
        assert_eq!(instants("(UTC)", &[]), "line 5: the timeline has no row");
        let timeline = format!("# 2025-10-06 (UTC)\n{TABLE}| 09:00 | QA | x |\n");
        for (bad, why) in [
            (timeline.replace("Task", "Notes"), "no table with the columns"),
            (String::new(), "no table with the columns"),
            (timeline.replace("QA", ""), "line 4: has no owner"),
            (timeline.replace("| x |", "| |"), "line 4: has no task"),
            (timeline.replace("| x |", "|"), "line 4: has 2 cells"),
            (format!("{timeline}\n{timeline}"), "line 7: is a second timeline; the first is in line 2"),
            (timeline.replace('x', &"x".repeat(1001)), "its task has more than 1000"),
            (timeline.replace("QA", &"Q".repeat(97)), "its owner has more than 96"),
        ] {
            let error = plan(&bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn owners_are_listed_whole_or_refused() {
        let rows = |count: usize| (0..count).map(|n| format!("| 09:00 | QA {n} | x |\n")).collect::<String>();
        let owners =
            |count| read(&Input::plain("a.md", format!("# 2025-10-06 (UTC)\n{TABLE}{}", rows(count)).as_bytes()));
        assert!(matches!(&owners(100).unwrap()["owners"], Fact::List(owners) if owners.len() == 100));
        assert_eq!(owners(101).unwrap_err().to_string(), "line 104: a plan has no more than 100 owners");
    }

    #[test]
    fn looks_like_needs_the_name_and_the_columns() {
        let looks = |name, text: &str| looks_like(&Input::plain(name, text.as_bytes()));
        assert!(looks("PLAN.md", TABLE) && looks("a.md", "시각 (KST) | 담당 | 작업\n---|---|---\n"));
        assert!(!looks("plan.txt", TABLE) && !looks("a.md", "Time, owner, task") && !looks("a.md", "| Time | Owner |"));
    }
}
