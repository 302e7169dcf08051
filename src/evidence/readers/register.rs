//! Issue registers: how many issues are open, in a CSV file, a Markdown table or a JSON export.
//!
//! Sources: RFC 4180 (see `delimited`), GitHub Flavored Markdown tables (see `markdown_tables`), the JSON
//! of GitHub and Jira (see `register_json`). Whoever closes an issue says so in a word this file knows;
//! any other word leaves it open.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

use super::delimited::{Record, records};
use super::markdown_tables::{self, Document};
use super::values::{group_name, listed, short};
use super::{Input, ReadError, Reader, bounds, register_json};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "register",
    about: "an issue register (CSV, Markdown table or JSON): key, status, and labels and severity where it has them",
    facts: &["total", "open", "closed", "unknown", "by_label", "by_severity"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let name = input.name.to_ascii_lowercase();
    (name.ends_with(".csv") || name.ends_with(".tsv"))
        && bounds::decode_local(input.bytes, bounds::MAX_BYTES, "an issue register")
            .is_ok_and(|text| header(&text).is_ok())
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let name = input.name.to_ascii_lowercase();
    let named = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let text = bounds::decode_local(input.bytes, bounds::MAX_BYTES, "an issue register")?;
    let mut tally = Tally::default();
    match text.trim_start().bytes().next() {
        _ if named(&[".md", ".markdown"]) => markdown(input.bytes, &mut tally)?,
        _ if named(&[".csv", ".tsv"]) => delimited(&text, &mut tally)?,
        Some(b'{' | b'[') => register_json::read(&text, &mut tally)?,
        Some(b'|' | b'#') => markdown(input.bytes, &mut tally)?,
        _ => delimited(&text, &mut tally)?,
    }
    Ok(tally.into_facts())
}

fn delimited(text: &str, tally: &mut Tally) -> Result<(), ReadError> {
    let (columns, width, delimiter) = header(text)?;
    for record in records(text, delimiter).skip(1) {
        let Record { line, fields } = record?;
        if fields.len() != width {
            return Err(ReadError::at(line, format!("has {} fields under {width} columns", fields.len())));
        }
        // Spreadsheets save the empty rows below the last one.
        if fields.iter().any(|field| !field.trim().is_empty()) {
            columns
                .take(tally, |column| fields.get(column).map_or("", |field| field))
                .map_err(|m| ReadError::at(line, m))?;
        }
    }
    Ok(())
}

/// What the first record says, with the delimiter under which it says most.
fn header(text: &str) -> Result<(Columns, usize, char), ReadError> {
    let mut best: Option<(Result<Columns, String>, Record<'_>, char)> = None;
    for delimiter in [',', ';', '\t'] {
        let Some(record) = records(text, delimiter).next().transpose()? else { break };
        let columns = Columns::of(record.fields.iter().map(AsRef::as_ref));
        let is_better = |(so_far, fields, _): &(Result<Columns, String>, Record<'_>, char)| {
            (columns.is_ok(), record.fields.len()) > (so_far.is_ok(), fields.fields.len())
        };
        if best.as_ref().is_none_or(is_better) {
            best = Some((columns, record, delimiter));
        }
    }
    let (columns, record, delimiter) = best.ok_or_else(|| ReadError::whole("has no line with its columns' names"))?;
    let columns = columns.map_err(|message| ReadError::at(record.line, message))?;
    Ok((columns, record.fields.len(), delimiter))
}

fn markdown(bytes: &[u8], tally: &mut Tally) -> Result<(), ReadError> {
    let Document { tables, .. } = markdown_tables::read(bytes, "an issue register")?;
    let mut found = false;
    for table in &tables {
        let columns = Columns::of(table.columns.iter().map(String::as_str));
        let says_anything = |name: &String| matches!(Part::of(name), Some((Part::Key | Part::Status, _)));
        // A legend beside the register has neither; a table with only one of them may hold issues.
        if columns.is_err() && tables.len() > 1 && !table.columns.iter().any(says_anything) {
            continue;
        }
        let columns = columns.map_err(|message| ReadError::at(table.line, message))?;
        found = true;
        for row in &table.rows {
            columns.take(tally, |column| row.text(column)).map_err(|message| ReadError::at(row.line, message))?;
        }
    }
    if found { Ok(()) } else { Err(ReadError::whole("has no table with an issue's key and its status")) }
}

/// What a column, or a member of a JSON object, tells of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Status,
    Labels,
    Severity,
}

impl Part {
    /// The part a name stands for, and how well: the lowest rank is the one that is meant.
    pub fn of(name: &str) -> Option<(Self, usize)> {
        let name = if name.trim() == "#" { "#".to_owned() } else { folded(name) };
        PARTS.iter().find_map(|(part, names)| names.split('|').position(|n| n == name).map(|rank| (*part, rank)))
    }
}

/// Where the parts of an issue stand in a table.
struct Columns {
    key: usize,
    states: Vec<usize>,
    labels: Vec<usize>,
    severity: Option<usize>,
}

impl Columns {
    fn of<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Result<Self, String> {
        let parts: Vec<Option<(Part, usize)>> = names.clone().map(Part::of).collect();
        let of = |part: Part| {
            let ranked = parts.iter().enumerate().filter_map(move |(column, found)| Some((column, (*found)?)));
            ranked.filter(move |(_, (found, _))| *found == part).map(|(column, (_, rank))| (rank, column))
        };
        let best = |part: Part| {
            let (rank, column) = of(part).min()?;
            Some((column, of(part).filter(|(other, _)| *other == rank).count() > 1))
        };
        let states: Vec<usize> = of(Part::Status).map(|(_, column)| column).collect();
        let Some((key, twice)) = best(Part::Key).filter(|_| !states.is_empty()) else {
            return Err(format!(
                "needs a column for the issue's key (id, key, no, 번호) and one for its status (status, state, 상태); it has {}",
                listed(names)
            ));
        };
        let severity = best(Part::Severity);
        if twice || severity.is_some_and(|(_, twice)| twice) {
            return Err(format!("two columns could be the issue's key, or its severity: it has {}", listed(names)));
        }
        let labels = of(Part::Labels).map(|(_, column)| column).collect();
        Ok(Self { key, states, labels, severity: severity.map(|(column, _)| column) })
    }

    fn take<'r>(&self, tally: &mut Tally, cell: impl Fn(usize) -> &'r str) -> Result<(), String> {
        let states: Vec<&str> = self.states.iter().map(|column| cell(*column)).collect();
        let labels = self.labels.iter().map(|column| cell(*column));
        tally.add(cell(self.key), &states, labels, self.severity.map_or("", &cell))
    }
}

#[derive(Default)]
pub(super) struct Tally {
    keys: BTreeSet<String>,
    sum: Counts,
    unknown: usize,
    by_label: BTreeMap<String, Counts>,
    by_severity: BTreeMap<String, Counts>,
}

#[derive(Default, Clone, Copy)]
struct Counts {
    open: usize,
    closed: usize,
}

impl Counts {
    fn add(&mut self, closed: bool) {
        *(if closed { &mut self.closed } else { &mut self.open }) += 1;
    }

    fn facts(self) -> Facts {
        Facts::from([("open".to_owned(), Fact::from(self.open)), ("closed".to_owned(), Fact::from(self.closed))])
    }
}

impl Tally {
    pub fn total(&self) -> usize {
        self.keys.len()
    }

    /// One issue, with lists of labels. Where several words tell its status, each must say it is closed.
    pub fn add<'l>(
        &mut self,
        key: &str,
        states: &[&str],
        labels: impl Iterator<Item = &'l str>,
        severity: &str,
    ) -> Result<(), String> {
        let key = key.trim();
        if key.is_empty() {
            return Err("has no key: every issue needs one of its own".to_owned());
        }
        if self.keys.len() == MAX_ISSUES {
            return Err(format!("a register has no more than {MAX_ISSUES} issues: split the file"));
        }
        if !self.keys.insert(key.nfc().collect::<String>().to_lowercase()) {
            return Err(format!("the issue {:?} is there a second time", short(key)));
        }
        let states: Vec<String> = states.iter().map(|state| folded(state)).collect();
        let is = |words: &str, state: &String| words.split('|').any(|word| word == state);
        let closed = !states.is_empty() && states.iter().all(|state| is(CLOSED, state));
        self.unknown +=
            usize::from(states.is_empty() || states.iter().any(|state| !is(CLOSED, state) && !is(OPEN, state)));
        self.sum.add(closed);
        let labels = labels.flat_map(|list| list.split([',', ';', '\n']));
        let labels: BTreeSet<String> = labels.filter_map(|label| group_name(&label.to_lowercase())).collect();
        let labels = if labels.is_empty() { BTreeSet::from([NONE.to_owned()]) } else { labels };
        for label in labels {
            count(&mut self.by_label, label, closed, MAX_LABELS, "labels")?;
        }
        let severity = group_name(&severity.to_lowercase()).unwrap_or_else(|| NONE.to_owned());
        count(&mut self.by_severity, severity, closed, MAX_SEVERITIES, "severities")
    }

    fn into_facts(self) -> Facts {
        let mut facts = Facts::from([
            ("total".to_owned(), Fact::from(self.keys.len())),
            ("open".to_owned(), Fact::from(self.sum.open)),
            ("closed".to_owned(), Fact::from(self.sum.closed)),
            ("unknown".to_owned(), Fact::from(self.unknown)),
        ]);
        for (name, groups) in [("by_label", self.by_label), ("by_severity", self.by_severity)] {
            // A register that tells nothing of it has no such fact.
            if groups.keys().any(|group| group != NONE) {
                let groups = groups.into_iter().map(|(group, counts)| (group, Fact::Group(counts.facts())));
                facts.insert(name.to_owned(), Fact::Group(groups.collect()));
            }
        }
        facts
    }
}

fn count(
    groups: &mut BTreeMap<String, Counts>,
    group: String,
    closed: bool,
    most: usize,
    what: &str,
) -> Result<(), String> {
    if groups.len() == most && !groups.contains_key(&group) {
        return Err(format!("the issues have more than {most} {what}: split the register"));
    }
    groups.entry(group).or_default().add(closed);
    Ok(())
}

/// Words in lower case with single blanks: `✅ In-Progress` is `in progress`.
fn folded(text: &str) -> String {
    let lower = text.nfc().collect::<String>().to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Names of columns, the best first.
const PARTS: &[(Part, &str)] = &[
    (
        Part::Key,
        "key|issue key|issue id|id|iid|number|no|issue no|issue number|issue|ticket|ticket id|#|번호|이슈 번호|이슈번호|\
        이슈 id|관리번호|관리 번호|키",
    ),
    (Part::Status, "status|state|issue status|상태|이슈 상태|진행상태|진행 상태|처리상태|처리 상태|진행상황|진행 상황"),
    (Part::Labels, "labels|label|tags|tag|라벨|레이블|태그"),
    (Part::Severity, "severity|priority|심각도|우선순위|우선 순위|중요도"),
];
/// What is closed without being fixed (won't fix, deferred) is not here: somebody must waive it.
const CLOSED: &str = "closed|done|resolved|fixed|complete|completed|verified|merged|duplicate|invalid|cancelled|canceled|\
    완료|완료됨|닫힘|종결|종결됨|종료|종료됨|해결|해결됨|해결 완료|해결완료|조치 완료|조치완료|처리 완료|처리완료|수정 완료|\
    수정완료|검증 완료|검증완료|취소|취소됨|중복";
const OPEN: &str = "open|opened|new|todo|to do|in progress|doing|started|reopened|re opened|active|assigned|accepted|\
    confirmed|triage|backlog|pending|blocked|on hold|waiting|in review|review|testing|in testing|not started|진행|진행중|\
    진행 중|열림|오픈|신규|등록|접수|할 일|할일|대기|대기중|대기 중|보류|미완료|미해결|미조치|미처리|미착수|검토|검토중|\
    검토 중|확인중|확인 중|재오픈|재발|조치중|조치 중|처리중|처리 중|수정중|수정 중";
/// The group of issues without a label or severity.
const NONE: &str = "(none)";
/// The keys of all issues are kept, so that none counts twice.
const MAX_ISSUES: usize = 100_000;
/// All facts of an entry must fit into one statement; groups cut short would hide open issues.
const MAX_LABELS: usize = 200;
const MAX_SEVERITIES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn register(name: &str, text: &str) -> String {
        let facts = read(&Input::plain(name, text.as_bytes()));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    fn csv(text: &str) -> String {
        register("issues.csv", text)
    }

    #[test]
    fn a_csv_export_is_counted_by_label_and_severity() {
        // Jira repeats the column of labels.
        let text = "\u{feff}Summary,Issue key,Issue id,Status,Status Category,Priority,Labels,Labels\r\n\
            \"Crash, on start\",APP-1,10001,Done,Done,High,Beta,ui\r\n\
            \"A \"\"slow\"\"\npage\",APP-2,10002,In Progress,In Progress,Low,beta,\r\n\
            Odd,APP-3,10003,Parked,To Do,,Needs triage,beta\r\n,,,,,,,\r\n";
        let found = "{by_label={beta={closed=1 open=2} needs_triage={closed=0 open=1} ui={closed=1 open=0}} \
            by_severity={(none)={closed=0 open=1} high={closed=1 open=0} low={closed=0 open=1}} \
            closed=1 open=2 total=3 unknown=1}";
        assert_eq!(csv(text), found);
        assert_eq!(csv(&text.replace(',', "\t").replace("Crash\t", "Crash,")), found);
        assert_eq!(
            csv("번호;상태;라벨\n1;완료;베타, ui\n2;진행 중;\n"),
            "{by_label={(none)={closed=0 open=1} ui={closed=1 open=0} 베타={closed=1 open=0}} closed=1 open=1 total=2 unknown=0}"
        );
        assert_eq!(csv("id,state\n"), "{closed=0 open=0 total=0 unknown=0}");
    }

    #[test]
    fn a_word_nobody_knows_leaves_an_issue_open() {
        let counts = |status: &str| {
            let facts = csv(&format!("id,status\n1,{status}\n"));
            facts.trim_start_matches("{closed=").replace(" open=", "").replace(" total=1 unknown=", "").replace('}', "")
        };
        for closed in ["Closed", " DONE ", "✅ Done", "resolved.", "Fixed", "종결", "완료", "해결 완료", "닫힘"]
        {
            assert_eq!(counts(closed), "100", "{closed}");
        }
        for open in ["open", "In-Progress", "in_progress", "Todo", "Re-opened", "진행", "열림", "미완료", "Not started"]
        {
            assert_eq!(counts(open), "010", "{open}");
        }
        for unknown in
            ["", "won't fix", "deferred", "not done", "Closed?no", "❌", "[x]", "미 완료", "~~open~~ x", "100%"]
        {
            assert_eq!(counts(unknown), "011", "{unknown}");
        }
        assert_eq!(
            csv("id,status,state\n1,closed,open\n2,closed,closed\n3,done,\n"),
            "{closed=1 open=2 total=3 unknown=1}"
        );
    }

    #[test]
    fn markdown_tables_are_counted_and_legends_are_not() {
        let table = "# 이슈\n\n| No. | 제목 | 상태 | 심각도 |\n|---|---|---|---|\n| 1 | a | **완료** | 상 |\n| 2 | b | `진행` | 하 |\n";
        let found = "{by_severity={상={closed=1 open=0} 하={closed=0 open=1}} closed=1 open=1 total=2 unknown=0}";
        assert_eq!((register("a.md", table), register("a.txt", table)), (found.to_owned(), found.to_owned()));
        let legend = "\n| 심각도 | 뜻 |\n|---|---|\n| 상 | x |\n";
        assert_eq!(register("a.md", &format!("{legend}\n{table}")), found);
        let more = "\n| ID | Status |\n|---|---|\n| 2 | open |\n";
        assert_eq!(register("a.md", &format!("{table}{more}")), "line 10: the issue \"2\" is there a second time");
        assert!(
            register("a.md", &format!("{table}{}", more.replace("Status", "Owner"))).contains("line 8: needs a column")
        );
        assert!(
            register("a.md", &format!("{table}{}", more.replace("ID", "Meaning"))).contains("it has Meaning, Status")
        );
        assert!(register("a.md", legend).contains("needs a column"));
        assert!(register("a.md", &legend.repeat(2)).contains("has no table"));
        assert!(register("a.md", "# none\n").contains("has no table"));
        assert!(register("a.md", &table.replace("| 2 |", "\n| 2 |")).contains("begins like a row"));
    }

    #[test]
    fn what_is_no_whole_register_is_refused_by_line() {
        for (text, why) in [
            ("", "has no line with its columns' names"),
            ("\n\n", "has no line with its columns' names"),
            (
                "title,owner\na,b\n",
                "line 1: needs a column for the issue's key (id, key, no, 번호) and one for its status (status, state, 상태); it has title, owner",
            ),
            ("id,title\n1,a\n", "needs a column"),
            ("status\nopen\n", "needs a column"),
            ("id,ID,status\n1,1,open\n", "two columns could be"),
            ("id,status,priority,Priority\n1,open,1,2\n", "two columns could be"),
            ("id,status\n1,open,x\n", "line 2: has 3 fields under 2 columns"),
            ("id,status\n1,closed\n2\n", "line 3: has 1 fields"),
            ("id,status\n1,closed\n,open\n", "line 3: has no key"),
            ("id,status\nA-1,open\na-1,closed\n", "line 3: the issue \"a-1\" is there a second time"),
            ("id,status,title\n1,closed,\"cut\n2,open,b\n", "line 2: opens a quote"),
        ] {
            assert!(csv(text).contains(why), "{text}: {}", csv(text));
        }
        assert!(read(&Input::plain("a.csv", b"id,status\n1,\xC0")).is_err());
    }

    #[test]
    fn groups_and_issues_are_bounded_and_never_cut() {
        let rows = |count: usize, row: &dyn Fn(usize) -> String| (0..count).map(row).collect::<String>();
        let label = |count| csv(&format!("id,status,label\n{}", rows(count, &|n| format!("{n},open,l{n}\n"))));
        assert!(
            label(200).starts_with("{by_label=")
                && label(201).contains("line 202: the issues have more than 200 labels")
        );
        let severity = |count| csv(&format!("id,status,severity\n{}", rows(count, &|n| format!("{n},open,s{n}\n"))));
        assert!(severity(50).starts_with("{by_sev") && severity(51).contains("more than 50 severities"));
        assert!(
            csv(&format!("id,status,label\n1,open,{}\n", "가".repeat(41))).contains(&format!("{}…=", "가".repeat(40)))
        );
        let many = |count| csv(&format!("id,status\n{}", rows(count, &|n| format!("{n},done\n"))));
        assert!(many(100_000).contains("total=100000") && many(100_001).contains("more than 100000 issues"));
    }

    #[test]
    fn looks_like_needs_the_name_and_the_columns() {
        let looks = |name, text: &str| looks_like(&Input::plain(name, text.as_bytes()));
        assert!(looks("ISSUES.CSV", "id,status\n") && looks("a.tsv", "번호\t상태\n"));
        assert!(!looks("a.csv", "id,name\n") && !looks("a.txt", "id,status\n") && !looks("a.csv", ""));
    }
}
