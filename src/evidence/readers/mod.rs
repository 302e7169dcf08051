//! The table of readers: one file a format, one line here.
//!
//! A reader is pure (`bytes -> facts`), strict about what it does not understand, and takes exactly
//! what the file holds. To add one: write the file, declare it, add its line to [`READERS`].

mod apache_bench;
mod bounds;
mod build_log;
pub mod checklist;
mod checksums;
mod config_change;
mod coverage;
mod delimited;
mod document;
mod file;
mod http;
mod json;
mod json_text;
mod junit;
mod lighthouse;
pub mod links;
mod markdown;
mod markdown_tables;
mod measurements;
mod own_facts;
pub mod plan;
mod pytest;
mod register;
mod register_json;
mod robocopy;
mod sarif;
mod table;
mod task_log;
mod tasks;
mod text;
mod values;
mod xml;

use super::facts::{self, Fact, Facts};
use super::secrets::{ALLOWED, REDACTED};

/// What a reader sees of one file.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The file's own name, without folders.
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub wanted: Wanted<'a>,
}

/// What the gate's rule asks of a reader beyond its usual facts.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// A phrase it wants to see in its log (`Next Stage Ready`).
    pub phrase: Option<&'a str>,
    /// Facts it names itself, each with where they are found: a JSON pointer, a pattern.
    pub values: &'a [(String, String)],
    /// The document as it was before anybody filled it in.
    pub template: Option<&'a [u8]>,
}

impl<'a> Input<'a> {
    /// A file of which nothing particular is wanted.
    pub fn plain(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes, wanted: Wanted::default() }
    }
}

/// Why a file could not be read as the format it was brought as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", line.map(|n| format!("line {n}: ")).unwrap_or_default())]
pub struct ReadError {
    /// 1-based line in the file, where one is to blame.
    pub line: Option<usize>,
    pub message: String,
}

impl ReadError {
    pub fn whole(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into() }
    }

    pub fn at(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into() }
    }
}

/// One format a policy can ask for.
pub struct Reader {
    pub format: &'static str,
    /// One line for `ledger facts --help` and error messages.
    pub about: &'static str,
    /// Names of the facts it gives, which a policy's `expect` may speak of. [`OTHERS`] among them: there
    /// can be more, named by the file or by the rule.
    pub facts: &'static [&'static str],
    /// Whether a file looks like this format; used only when neither slot nor flag says so.
    pub looks_like: fn(&Input<'_>) -> bool,
    pub read: fn(&Input<'_>) -> Result<Facts, ReadError>,
}

/// Tried from the top when the format is not given; `file` takes whatever is left.
pub const READERS: &[Reader] = &[
    junit::READER,
    coverage::READER,
    sarif::READER,
    lighthouse::READER,
    http::READER,
    apache_bench::READER,
    robocopy::READER,
    own_facts::READER,
    checksums::READER,
    pytest::READER,
    build_log::READER,
    task_log::READER,
    checklist::READER,
    plan::READER,
    plan::step::READER,
    register::READER,
    config_change::READER,
    measurements::READER,
    document::READER,
    tasks::READER,
    table::READER,
    json::READER,
    text::READER,
    file::ARTIFACT,
    file::READER,
];

/// Stands in a reader's list for names that the file or the rule brings.
pub const OTHERS: &str = "*";

/// Facts the ledger itself adds to a reader's. They are not compared with the files again, so neither a
/// file nor a rule may name one of its own so.
pub const FROM_ELSEWHERE: &[&str] =
    &["exit", "env", CHANGED_SINCE, CITATIONS, SINCE, LINKS_MISSING, LINK_CHECK, ALLOWED, REDACTED, WITHHELD];

/// Those that are taken from the files and from something beside them: the source, an entry before.
pub const BESIDE: &[&str] = &[CHANGED_SINCE, CITATIONS, SINCE, LINKS_MISSING, LINK_CHECK];

/// Whether a document is another than at a gate's source commit, by gate.
pub const CHANGED_SINCE: &str = "changed_since";
/// What a document cites, resolved at the source commit.
pub const CITATIONS: &str = "citations";
/// What became of a checklist since it was recorded before.
pub const SINCE: &str = "since";

/// The fact that the ledger ran a command and could not keep all it left: which files, and why.
pub const WITHHELD: &str = "withheld";

/// The facts of where the links of a document lead, and the formats whose files are documents.
pub const LINKS_MISSING: &str = "links_missing";
pub const LINK_CHECK: &str = "link_check";
pub const LINKED: &[&str] = &[CHECKLIST, document::READER.format];

type PlaceCheck = fn(&str) -> Result<(), String>;

/// The formats in which a rule can name values of its own, each with the check of how a place is spelt.
const PLACES: &[(&str, PlaceCheck)] =
    &[("json", json::check_place), ("table", table::check_place), ("text", text::check_place)];

/// Formats whose numbers are measured, not counted: those of two files would add up to nothing.
const ALONE: &[&str] =
    &["apache-bench", "config-change", "facts", "http", "json", "measurements", "plan", "plan-step", "table", "text"];

/// The format of evidence made by `ledger run`: it has no reader, its facts come from the run.
pub const COMMAND: &str = "command";

/// The format of what the ledger itself knows of a plan: it has no file, a rule's facts are counted from the entries.
pub const PLAN_STATUS: &str = "plan-status";

/// Those facts.
pub const PLAN_STATUS_FACTS: &[&str] =
    &["rows", "done", "open", "skipped", "late", "early", "missed", "out_of_order", "ignored"];

/// The format of a Markdown checklist.
pub const CHECKLIST: &str = checklist::READER.format;

/// The format of a plan: who does what, and when.
pub const PLAN: &str = plan::READER.format;

/// The format of a log people write their phrase into.
pub const TASK_LOG: &str = task_log::READER.format;

/// The format of what no reader recognises.
pub const FILE: &str = "file";

/// The format whose files are recorded by digest and never stored.
pub const ARTIFACT: &str = "artifact";

/// The reader of a format, by its name.
pub fn find(format: &str) -> Option<&'static Reader> {
    READERS.iter().find(|reader| reader.format == format)
}

/// Every format a policy may name.
pub fn formats() -> impl Iterator<Item = &'static str> {
    READERS.iter().map(|reader| reader.format).chain([COMMAND, PLAN_STATUS])
}

/// Whether readers of these formats can be asked for a value: its name, and how its place is spelt.
pub fn check_value(formats: &[&str], name: &str, place: &str) -> Result<(), String> {
    values::check_name(name)?;
    let mut able = PLACES.iter().filter(|(format, _)| formats.contains(format)).peekable();
    if able.peek().is_none() {
        let all: Vec<&str> = PLACES.iter().map(|(format, _)| *format).collect();
        return Err(format!("{} takes no values by name: {} can", formats.join(" or "), all.join(", ")));
    }
    for (format, check_place) in able {
        let own = find(format).is_some_and(|reader| reader.facts.contains(&name));
        if own {
            return Err(format!("{format} has a fact {name:?} of its own"));
        }
        check_place(place)?;
    }
    Ok(())
}

/// Names of the facts evidence of a format can have. What the ledger ran has an exit code besides, and variables;
/// a document what it cites, and where its links lead.
pub fn facts_of(format: &str) -> impl Iterator<Item = &'static str> {
    let (own, more): (&[&str], &[&str]) = match format {
        PLAN_STATUS => (PLAN_STATUS_FACTS, &[]),
        _ => (find(format).map_or(&[], |reader| reader.facts), &["exit", "env", "citations", "since"]),
    };
    let links: &[&str] = if LINKED.contains(&format) { &[LINKS_MISSING, LINK_CHECK] } else { &[] };
    own.iter().chain(links).chain(more).copied()
}

/// Whether evidence of this format is one file.
pub fn is_of_one_file(format: &str) -> bool {
    ALONE.contains(&format)
}

/// The reader for a file whose format nobody named.
pub fn guess(input: &Input<'_>) -> &'static Reader {
    READERS.iter().find(|reader| (reader.looks_like)(input)).unwrap_or(&file::READER)
}

/// The addresses a document links to; none where it is no document.
pub fn addresses(input: &Input<'_>) -> Vec<String> {
    match (document::READER.read)(input).ok().and_then(|mut facts| facts.remove("links")) {
        Some(Fact::List(links)) => links,
        _ => Vec::new(),
    }
}

/// Facts of all files of one entry, read as one format.
pub fn read_all(reader: &Reader, inputs: &[Input<'_>]) -> Result<Facts, (usize, ReadError)> {
    if inputs.len() > 1 && is_of_one_file(reader.format) {
        let message = format!("{} is read from one file: record each as an entry of its own", reader.format);
        return Err((1, ReadError::whole(message)));
    }
    let mut all = Facts::new();
    for (index, input) in inputs.iter().enumerate() {
        let facts = (reader.read)(input).map_err(|error| (index, error))?;
        facts::merge(&mut all, facts).map_err(|name| {
            (
                index,
                ReadError::whole(format!(
                    "its {name:?} differs from the other files': record it as an entry of its own"
                )),
            )
        })?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_for_the_first_format_it_looks_like() {
        let sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let own = "{\"schema\": \"https://github.com/evidence-ledger/ledger/schemas/own-facts/v0.1\"}";
        let plan = "# Plan (UTC)\n\n| Time | Owner | Task |\n|---|---|---|\n| 2025-10-05 23:30 | QA | x |\n";
        for (name, text, format) in [
            ("a.xml", "<testsuite/>", "junit"),
            ("a.json", own, "facts"),
            ("a.txt", &format!("{sum}  a.zip\n"), "checksums"),
            ("hashes.csv", &format!("Algorithm,Hash,Path\nSHA256,{sum},a\n"), "checksums"),
            ("a.log", "=== 1 passed in 1s ===\n", "pytest"),
            ("build.log", "a = 1\n", "build-log"),
            ("a.txt", "2025-10-04T09:00:00Z a: 1 -> 2\n", "task-log"),
            ("a.md", &format!("{plan}\n- [ ] a\n"), "checklist"),
            ("a.md", plan, "plan"),
            ("issues.csv", "id,status\n1,open\n", "register"),
            (
                "change.json",
                "[{\"system\": \"s\", \"key\": \"k\", \"old\": 1, \"new\": 2, \"by\": \"b\"}]",
                "config-change",
            ),
            ("change.txt", "safe_mode: false -> true\n", "config-change"),
            ("a.txt", "ram: 32 GB\n", "measurements"),
            ("notes.md", "# Notes\n\n| a |\n|---|\n| b |\n", "file"),
            ("a.json", "[{\"id\": 1, \"status\": \"open\"}]", "file"),
            ("a.csv", "a,b\n1,2\n", "file"),
            ("a.txt", "safe_mode: true\n", "file"),
        ] {
            assert_eq!(guess(&Input::plain(name, text.as_bytes())).format, format, "{name} {text}");
        }
    }

    macro_rules! beginnings {
        ($($format:literal, $corpus:literal, $name:literal;)*) => {
            [$(($format, $name, include_bytes!(concat!("../../../fuzz/corpus/readers/", $corpus)).as_slice())),*]
        };
    }

    /// What fuzzing begins with: a format, how such a file may be called, and the file.
    const BEGINNINGS: &[(&str, &str, &[u8])] = &beginnings![
        "apache-bench", "apache-bench", "ab.txt";
        "build-log", "build-log", "frontend_build.log";
        "checklist", "checklist", "qa.md";
        "checksums", "checksums", "sums.txt";
        "config-change", "config-change", "change.txt";
        "coverage", "coverage-cobertura", "coverage.xml";
        "coverage", "coverage-jacoco", "jacoco.xml";
        "facts", "facts", "facts.json";
        "file", "file", "shot.png";
        "http", "http", "health.txt";
        "http", "http-verbose", "build.log";
        "junit", "junit", "report.xml";
        "lighthouse", "lighthouse", "report.json";
        "measurements", "measurements", "figures.txt";
        "plan", "plan", "rollout.md";
        "plan-step", "plan-step", "plan-step-2.json";
        "pytest", "pytest", "test.log";
        "register", "register", "issues.csv";
        "robocopy", "robocopy", "build.log";
        "robocopy", "robocopy-korean", "task_execution_node1.log";
        "sarif", "sarif", "report.json";
        "task-log", "task-log", "task.log";
    ];

    /// Read only where somebody says so: everything could be one of them.
    const UNGUESSED: &[&str] = &["artifact", "document", "json", "table", "tasks", "text"];

    #[test]
    fn every_reader_takes_its_own_files_and_no_other_s() {
        for reader in READERS.iter().filter(|reader| !UNGUESSED.contains(&reader.format)) {
            assert!(BEGINNINGS.iter().any(|(format, ..)| *format == reader.format), "{}", reader.format);
        }
        for (format, name, bytes) in BEGINNINGS {
            let reader = guess(&Input::plain(name, bytes));
            assert_eq!(reader.format, *format, "{name}");
            let facts = (reader.read)(&Input::plain(name, bytes)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let known = |fact: &String| reader.facts.contains(&fact.as_str()) || reader.facts.contains(&OTHERS);
            assert!(facts.keys().all(known), "{format}: {facts:?}");
        }
    }

    #[test]
    fn what_korean_windows_writes_reads_like_the_same_in_utf_8() {
        let values = [("said".to_owned(), "^결과 (\\w+)$".to_owned())];
        for (format, name, text) in [
            ("text", "a.txt", "빌드\n결과 성공\n"),
            ("register", "a.csv", "번호,상태\n1,완료\n2,열림\n"),
            ("register", "a.md", "| 번호 | 상태 |\n|---|---|\n| 1 | 완료 |\n"),
            ("config-change", "a.txt", "이름: 가 -> 나\n"),
            ("measurements", "a.txt", "# 측정\nram_gb = 32\n"),
            (
                "junit",
                "a.xml",
                "<?xml version=\"1.0\" encoding=\"euc-kr\"?><testsuite><testcase name=\"시험\"/></testsuite>",
            ),
        ] {
            let reader = find(format).unwrap();
            let wanted = Wanted { values: if format == "text" { &values } else { &[] }, ..Wanted::default() };
            let (cp949, _, lossy) = encoding_rs::EUC_KR.encode(text);
            assert!(!lossy && std::str::from_utf8(&cp949).is_err(), "{format}");
            let read = |bytes: &[u8]| (reader.read)(&Input { name, bytes, wanted });
            assert_eq!(read(&cp949), read(text.as_bytes()), "{format}");
            assert!(read(&cp949).is_ok(), "{format}: {:?}", read(&cp949));
        }
    }

    #[test]
    fn numbers_that_are_no_counts_never_add_up() {
        let of = |format, text: &'static str| read_all(find(format).unwrap(), &[Input::plain("a", text.as_bytes()); 2]);
        let alone = of("measurements", "ram_gb = 16").unwrap_err();
        assert_eq!((alone.0, alone.1.message.contains("is read from one file")), (1, true));
        assert_eq!(of("file", "ram_gb = 16").unwrap()["files"], Fact::Int(2));
        assert!(ALONE.iter().all(|format| find(format).is_some()) && PLACES.iter().all(|(f, _)| find(f).is_some()));
    }

    #[test]
    fn a_value_is_checked_for_every_format_that_can_be_asked() {
        assert_eq!(check_value(&["junit", "json"], "a", "/b"), Ok(()));
        for (formats, name, place) in [
            (&["json", "text"][..], "a", "b"),
            (&["json"], "A", "/b"),
            (&["table"], "rows", "row[a=b].c"),
            (&["file"], "a", "/b"),
        ] {
            assert!(check_value(formats, name, place).is_err(), "{formats:?} {name} {place}");
        }
    }
}
