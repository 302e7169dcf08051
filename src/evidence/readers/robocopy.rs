//! Logs of Robocopy: where it copied from and to, and what its summary counts.
//!
//! Source: `robocopy.doc` of the Windows resource kits ("The Run Summary", "The Output Log") and the output of
//! Windows 10 and Server 2019, in English and Korean. Windows in Korean writes logs in code page 949.

use super::bounds::{self, short};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts, INTEGER_LIMIT};

pub(super) const READER: Reader = Reader {
    format: "robocopy",
    about: "the log of robocopy with its job header and its summary",
    facts: &[
        "source",
        "dest",
        "options",
        "started",
        "ended",
        "dirs_total",
        "dirs_copied",
        "dirs_failed",
        "files_total",
        "files_copied",
        "files_skipped",
        "files_failed",
        "mismatch",
        "extras",
        "errors",
    ],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    bounds::head(input.bytes).lines().take(10).any(is_banner)
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_local(input.bytes, bounds::MAX_BYTES, "a log of robocopy")?;
    let mut log = Log::default();
    for (number, line) in (1..).zip(text.lines()) {
        log.take(line).map_err(|message| ReadError::at(number, message))?;
    }
    log.into_facts().map_err(ReadError::whole)
}

#[derive(Default)]
struct Log<'t> {
    part: Part,
    labels: [Option<&'t str>; LABELS.len()],
    /// The row of titles was seen, so counts may follow.
    table: bool,
    dirs: Option<[i64; COLUMNS]>,
    files: Option<[i64; COLUMNS]>,
    errors: usize,
}

/// Rows of dashes part the log: the banner stands between two, the job's header follows, then the files,
/// then the summary. Without files to list there is one row less.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Before,
    Banner,
    Header,
    Files,
    Summary,
}

impl<'t> Log<'t> {
    fn take(&mut self, line: &'t str) -> Result<(), String> {
        if is_banner(line) && self.part != Part::Banner {
            return Err("begins a second run: bring the log of each run as a file of its own".to_owned());
        }
        if line.len() >= MIN_DASHES && line.trim_end().bytes().all(|byte| byte == b'-') {
            self.part = match self.part {
                Part::Before => Part::Banner,
                Part::Banner => Part::Header,
                Part::Header => Part::Files,
                Part::Files => Part::Summary,
                Part::Summary => {
                    return Err("goes on after its summary: bring each run's log as a file of its own".to_owned());
                }
            };
            return Ok(());
        }
        match self.part {
            Part::Header => self.label(line, 0..ENDED),
            Part::Files | Part::Summary => {
                self.errors += usize::from(is_error(line));
                self.summary(line)
            }
            Part::Before | Part::Banner => Ok(()),
        }
    }

    /// `  Source : C:\dist\`; in some languages no blank stands before the colon.
    fn label(&mut self, line: &'t str, among: std::ops::Range<usize>) -> Result<(), String> {
        let Some((label, value)) = line.split_once(':').map(|(label, value)| (label.trim(), value.trim())) else {
            return Ok(());
        };
        for index in among {
            let (known, slot) = match (LABELS.get(index), self.labels.get_mut(index)) {
                (Some((_, names)), Some(slot)) => (names.contains(&label), slot),
                _ => continue,
            };
            if known && slot.replace(value).is_some() {
                return Err(format!("says {label:?} a second time"));
            }
        }
        Ok(())
    }

    fn summary(&mut self, line: &'t str) -> Result<(), String> {
        if is_titles(line) {
            self.table = true;
            return Ok(());
        }
        if !self.table {
            return Ok(());
        }
        let label = line.split_once(':').map(|(label, _)| label.trim()).unwrap_or_default();
        let slot = match label {
            "Dirs" | "디렉터리" => &mut self.dirs,
            "Files" | "파일" => &mut self.files,
            _ => return self.label(line, ENDED..LABELS.len()),
        };
        let counts = counts(line).ok_or_else(|| format!("holds no six counts: {:?}", short(line.trim())))?;
        let [total, parts @ ..] = counts;
        // The columns from the second to the last but one part the total between them; what is extra does not.
        if parts.iter().take(COLUMNS - 2).any(|part| *part > total) {
            return Err(format!("counts more than its total: {:?}", short(line.trim())));
        }
        match slot.replace(counts) {
            Some(_) => Err("sums up a second time".to_owned()),
            None => Ok(()),
        }
    }

    fn into_facts(self) -> Result<Facts, String> {
        let (Some(dirs), Some(files)) = (self.dirs, self.files) else {
            return Err("has no summary in English or Korean: the run broke off, or ran with /NJS".to_owned());
        };
        let mut facts = Facts::new();
        for ((name, names), value) in LABELS.iter().zip(self.labels) {
            let label = names.first().copied().unwrap_or_default();
            let missing = || format!("has no {label:?}: bring the whole log, without /NJH");
            facts.insert((*name).to_owned(), bounds::fact(label, value.ok_or_else(missing)?)?);
        }
        let is_list = |options: &str| options.split_whitespace().any(|option| option.eq_ignore_ascii_case("/L"));
        if self.labels.iter().zip(LABELS).any(|(value, (name, _))| name == "options" && value.is_some_and(is_list)) {
            return Err("only lists what it would copy (/L): nothing was copied".to_owned());
        }
        let [dirs_total, dirs_copied, _, dirs_mismatch, dirs_failed, dirs_extra] = dirs;
        let [files_total, files_copied, files_skipped, files_mismatch, files_failed, files_extra] = files;
        if files_total == 0 {
            return Err("found no file to copy: a copy of nothing proves nothing".to_owned());
        }
        let counts = [
            ("dirs_total", dirs_total),
            ("dirs_copied", dirs_copied),
            ("dirs_failed", dirs_failed),
            ("files_total", files_total),
            ("files_copied", files_copied),
            ("files_skipped", files_skipped),
            ("files_failed", files_failed),
            ("mismatch", dirs_mismatch.saturating_add(files_mismatch)),
            ("extras", dirs_extra.saturating_add(files_extra)),
        ];
        facts.extend(counts.map(|(name, count)| (name.to_owned(), Fact::Int(count.min(INTEGER_LIMIT)))));
        facts.insert("errors".to_owned(), Fact::from(self.errors));
        Ok(facts)
    }
}

/// `   ROBOCOPY     ::     Robust File Copy for Windows`.
fn is_banner(line: &str) -> bool {
    line.trim_start().strip_prefix("ROBOCOPY").is_some_and(|rest| rest.trim_start().starts_with("::"))
}

/// Every language has the columns in one order; a language this reader does not know is no table to it.
fn is_titles(line: &str) -> bool {
    let mut words = line.split_whitespace();
    TITLES.iter().all(|names| words.next().is_some_and(|word| names.contains(&word))) && words.next().is_none()
}

/// The counts behind the label: `    Dirs :        75         0        75         0         0         0`.
fn counts(line: &str) -> Option<[i64; COLUMNS]> {
    let (_, row) = line.split_once(':')?;
    let mut counts = [0; COLUMNS];
    let mut words = row.split_whitespace();
    for count in &mut counts {
        let word = words.next().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?;
        *count = word.parse().ok().filter(|count| *count <= INTEGER_LIMIT)?;
    }
    words.next().is_none().then_some(counts)
}

/// `2025/10/04 09:12:35 ERROR 5 (0x00000005) Copying File C:\dist\a`, whatever the language calls an error, or
/// `ERROR : Invalid Parameter #3`. Every failed attempt has a line; the retries that follow have none.
fn is_error(line: &str) -> bool {
    let mut words = line.split(' ');
    let (date, time, _, code, hex) = (words.next(), words.next(), words.next(), words.next(), words.next());
    let made_of = |word: Option<&str>, mark: u8| {
        word.is_some_and(|word| {
            word.contains(char::from(mark)) && word.bytes().all(|b| b.is_ascii_digit() || b == mark)
        })
    };
    let is_code = code.is_some_and(|code| code.parse::<u32>().is_ok()) && hex.is_some_and(|hex| hex.starts_with("(0x"));
    (made_of(date, b'/') && made_of(time, b':') && is_code)
        || ["ERROR : ", "오류 : "].iter().any(|mark| line.starts_with(mark))
}

/// Our names, and the labels in English and Korean. The last stands below the summary.
const LABELS: [(&str, &[&str]); 5] = [
    ("source", &["Source", "원본"]),
    ("dest", &["Dest", "대상"]),
    ("options", &["Options", "옵션"]),
    ("started", &["Started", "시작"]),
    ("ended", &["Ended", "종료"]),
];
const ENDED: usize = 4;
const COLUMNS: usize = 6;
const TITLES: [&[&str]; COLUMNS] = [
    &["Total", "전체", "총"],
    &["Copied", "복사됨"],
    &["Skipped", "건너뜀"],
    &["Mismatch", "불일치"],
    &["FAILED", "실패"],
    &["Extras", "추가", "기타"],
];
const MIN_DASHES: usize = 70;

#[cfg(test)]
mod tests {
    use encoding_rs::EUC_KR;

    use super::*;

    const DASHES: &str = "------------------------------------------------------------------------------";
    const FILES: &str = "\t                   2\tC:\\dist\\\n\t    New File  \t\t    1024\tindex.html\n  0%\r100%\n\
        2025/10/04 09:12:34 ERROR 32 (0x00000020) Copying File C:\\dist\\app.js\n\
        The process cannot access the file because it is being used by another process.\n\nWaiting 5 seconds... Retrying...\n\
        \t    New File  \t\t  2.1 m\tapp.js\n\t  *EXTRA File \t\t     10\told.js\n\n";
    const SUMMARY: &str = "\n               Total    Copied   Skipped  Mismatch    FAILED    Extras\n\
        \x20   Dirs :         3         1         2         0         0         0\n\
        \x20  Files :        12        10         2         0         0         1\n\
        \x20  Bytes :   2.1 m     2.1 m        40         0         0        10\n\
        \x20  Times :   0:00:05   0:00:00                       0:00:00   0:00:05\n\n\n\
        \x20  Speed :            22345678 Bytes/sec.\n\
        \x20  Ended : Saturday, October 4, 2025 9:12:40 AM\n\n";

    fn english() -> String {
        format!(
            "\n{DASHES}-\n   ROBOCOPY     ::     Robust File Copy for Windows                              \n{DASHES}-\n\n\
             \x20 Started : Saturday, October 4, 2025 9:12:33 AM\n   Source : C:\\dist\\\n     Dest : \\\\NODE1\\wwwroot\\app\\\n\n\
             \x20   Files : *.*\n\t    \n  Options : *.* /S /E /DCOPY:DA /COPY:DAT /PURGE /MIR /R:3 /W:5 \n\n{DASHES}\n\n{FILES}{DASHES}\n{SUMMARY}"
        )
    }

    fn korean() -> String {
        format!(
            "\r\n{DASHES}-\r\n   ROBOCOPY     ::     Windows용 견고한 파일 복사                              \r\n{DASHES}-\r\n\r\n\
             \x20 시작: 2025년 10월 4일 토요일 오전 9:12:33\r\n   원본 : C:\\배포\\\r\n     대상 : D:\\앱\\\r\n\r\n    파일: *.*\r\n\r\n\
             \x20 옵션: *.* /S /E /MIR /R:3 /W:5 \r\n\r\n{DASHES}\r\n\r\n\t                   1\tC:\\배포\\\r\n\
             2025/10/04 09:12:35 오류 5 (0x00000005) 파일을 복사하는 중 C:\\배포\\가.txt\r\n액세스가 거부되었습니다.\r\n\r\n{DASHES}\r\n\r\n\
             \x20                 전체       복사됨      건너뜀     불일치       실패        추가\r\n\
             \x20 디렉터리 :         1         0         1         0         0         0\r\n\
             \x20     파일 :         5         4         0         0         1         0\r\n\
             \x20   바이트 :        50        40         0         0        10         0\r\n\r\n   종료: 2025년 10월 4일 토요일 오전 9:12:40\r\n"
        )
    }

    fn read_bytes(bytes: &[u8]) -> String {
        let facts = read(&Input::plain("node1.log", bytes));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    fn shown(text: &str) -> String {
        read_bytes(text.as_bytes())
    }

    fn refused(text: &str, why: &str) {
        assert!(shown(text).contains(why), "{}", shown(text));
    }

    #[test]
    fn a_log_in_english() {
        let expected = "{dest=\\\\NODE1\\wwwroot\\app\\ dirs_copied=1 dirs_failed=0 dirs_total=3 ended=Saturday, October 4, 2025 9:12:40 AM \
            errors=1 extras=1 files_copied=10 files_failed=0 files_skipped=2 files_total=12 mismatch=0 \
            options=*.* /S /E /DCOPY:DA /COPY:DAT /PURGE /MIR /R:3 /W:5 source=C:\\dist\\ started=Saturday, October 4, 2025 9:12:33 AM}";
        assert_eq!(shown(&english()), expected);
        assert_eq!(shown(&english().replace('\n', "\r\n")), expected);
        let wide: Vec<u8> =
            std::iter::once(0xFEFF).chain(english().encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read_bytes(&wide), expected);
        // /NFL and /NDL list nothing.
        let quiet = english().replace(&format!("{FILES}{DASHES}\n"), "");
        assert_eq!(shown(&quiet), expected.replace("errors=1", "errors=0"));
    }

    #[test]
    fn a_log_in_korean() {
        let expected = "{dest=D:\\앱\\ dirs_copied=0 dirs_failed=0 dirs_total=1 ended=2025년 10월 4일 토요일 오전 9:12:40 \
            errors=1 extras=0 files_copied=4 files_failed=1 files_skipped=0 files_total=5 mismatch=0 \
            options=*.* /S /E /MIR /R:3 /W:5 source=C:\\배포\\ started=2025년 10월 4일 토요일 오전 9:12:33}";
        assert_eq!(shown(&korean()), expected);
        let (page, _, failed) = EUC_KR.encode(expected);
        assert!(!failed && !page.is_ascii());
        let log = korean();
        let (page, _, _) = EUC_KR.encode(&log);
        assert!(bounds::decode(&page, "a log").is_err());
        assert_eq!(read_bytes(&page), expected);
        assert_eq!(shown(&log.replace("전체", "총").replace("추가", "기타")), expected);
        assert!(looks_like(&Input::plain("a", &page)));
        assert!(read_bytes(&[&page[..], &[0xFF]].concat()).contains("nor CP949 text"));
        assert!(read_bytes(b"\xFF\xFE\0").contains("nor CP949 text"));
    }

    #[test]
    fn a_run_that_broke_off_is_refused() {
        let log = english();
        for (end, _) in log.match_indices('\n').filter(|(end, _)| *end + 4 < log.len()) {
            assert!(shown(&log[..end]).contains("has no "), "{}", &log[..end]);
        }
        let german = log.replace("Total    Copied", "Insgesamt Kopiert");
        refused(&german, "no summary in English or Korean");
        refused(&log.replace("   Source : C:\\dist\\\n", ""), "has no \"Source\"");
        refused(&log.replace("/MIR", "/MIR /l"), "only lists what it would copy");
        let nothing = log.replace("  12        10         2         0         0         1", "0 0 0 0 0 0");
        refused(&nothing, "found no file to copy");
    }

    #[test]
    fn what_contradicts_is_refused() {
        let log = english();
        refused(&log.replace("12        10", " 9        10"), "line 30: counts more than its total");
        refused(&log.replace("12        10", "12       1.0"), "line 30: holds no six counts");
        refused(&log.replace("12        10", "12        -1"), "line 30: holds no six counts");
        refused(&log.replace("12        10", "9007199254740993 1"), "line 30: holds no six counts");
        refused(&log.replace("0         1\n   Bytes", "0\n   Bytes"), "line 30: holds no six counts");
        refused(&format!("{log}{log}"), "line 39: goes on after its summary");
        refused(&format!("{FILES}{SUMMARY}"), "has no summary");
        refused(&log.replace(&format!("{FILES}{DASHES}"), &format!("{SUMMARY}{DASHES}")), "a second time");
        refused(&log.replace("\n   Source", "\n   Source : D:\\\n   Source"), "line 8: says \"Source\" a second time");
        refused(&log.replace("C:\\dist\\\n     Dest", "\n     Dest"), "has a Source of 0 bytes");
        refused(
            &log.replace("C:\\dist\\\n     Dest", &format!("{}\n     Dest", "x".repeat(2001))),
            "has a Source of 2001 bytes",
        );
        let second = log.replace(&format!("{FILES}{DASHES}\n{SUMMARY}"), "   ROBOCOPY     ::     x\n");
        refused(&second, "begins a second run");
        refused("", "has no summary");
    }

    #[test]
    fn error_lines_are_counted_in_any_language() {
        for yes in [
            "2025/10/04 09:12:35 ERROR 5 (0x00000005) Copying",
            "2025/10/04 09:12:35 FEHLER 5 (0x00000005) x",
            "ERROR : Invalid Parameter #3",
        ] {
            assert!(is_error(yes), "{yes}");
        }
        for no in [
            "ERROR: RETRY LIMIT EXCEEDED.",
            "\t ERROR 5 (0x00000005)",
            "2025/10/04 09:12:35 a b",
            "9 9 ERROR 5 (0x5)",
            "",
        ] {
            assert!(!is_error(no), "{no}");
        }
    }

    #[test]
    fn looks_like_needs_the_banner() {
        let looks = |text: &str| looks_like(&Input::plain("a.log", text.as_bytes()));
        assert!(looks(&english()) && looks(&korean()));
        assert!(!looks("see ROBOCOPY :: x") && !looks("ROBOCOPY x"));
    }
}
