//! Text output of pytest, taken from the line it ends with.
//!
//! Source: `build_summary_stats_line` and `summary_stats` in pytest's `_pytest/terminal.py`.

use super::bounds::{self, MAX_BYTES};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::text;

pub(super) const READER: Reader = Reader {
    format: "pytest",
    about: "the text output of pytest, with its last line",
    facts: &["passed", "failed", "errors", "skipped", "xfailed", "xpassed", "warnings", "total"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let text = bounds::decode_local(input.bytes, MAX_BYTES, "the output of pytest").ok();
    text.is_some_and(|text| {
        text.lines()
            .any(|line| bar(&text::plain(line), '=').is_some_and(|title| title == START || counts(title).is_some()))
    })
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_local(input.bytes, MAX_BYTES, "the output of pytest")?;
    let mut last = None;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
        for part in text::plain(line).split('\r') {
            if is_broken_off(part) {
                return Err(ReadError::at(number, "the run broke off here: bring the output of a whole one"));
            }
            match bar(part, '=') {
                // A run that began and never ended must not borrow the summary of one before it.
                Some(START) => last = None,
                title => last = counts(title.unwrap_or(part.trim_end())).or(last),
            }
        }
    }
    facts(last.ok_or_else(|| ReadError::whole(NO_SUMMARY))?)
}

fn facts(counts: [u32; WORDS.len()]) -> Result<Facts, ReadError> {
    let counts: Vec<(&str, i64)> = WORDS.into_iter().zip(counts.map(i64::from)).collect();
    let total = counts.iter().filter(|(word, _)| !NO_TESTS.contains(word)).map(|(_, count)| count).sum();
    if total == 0 {
        return Err(ReadError::whole("ran no tests: a run of nothing proves nothing"));
    }
    let named = counts.into_iter().filter(|(word, _)| !UNNAMED.contains(word)).chain([("total", total)]);
    Ok(named.map(|(word, count)| (word.to_owned(), Fact::Int(count))).collect())
}

/// Every end before the last test is announced between `!`; only the one after failures leaves
/// counts that cannot be taken for a pass.
fn is_broken_off(line: &str) -> bool {
    line.starts_with("INTERNALERROR") || bar(line, '!').is_some_and(|why| !why.starts_with("stopping after"))
}

/// The title of a bar such as `==== title ====`.
fn bar(line: &str, mark: char) -> Option<&str> {
    let title = line.trim_end().strip_prefix(mark)?.strip_suffix(mark)?.trim_matches(mark);
    title.strip_prefix(' ')?.strip_suffix(' ').map(str::trim)
}

/// Reads `12 passed, 1 skipped in 0.45s`; the counts stand in the order of [`WORDS`].
fn counts(line: &str) -> Option<[u32; WORDS.len()]> {
    let (list, _) = line.rsplit_once(" in ").filter(|(_, time)| is_duration(time))?;
    let mut counts = [None; WORDS.len()];
    let mut failed_within = 0_u32;
    for part in list.split(", ").filter(|_| list != "no tests ran") {
        let (number, word) = part.split_once(' ')?;
        let number = number.parse().ok().filter(|_| !number.starts_with('+'))?;
        // A test counts once, however many subtests it has; one that failed is never lost.
        match word.strip_prefix("subtests ").or_else(|| word.strip_prefix("subtest ")) {
            Some("failed") => failed_within = failed_within.checked_add(number)?,
            Some(outcome) if WORDS.contains(&outcome) => {}
            Some(_) => return None,
            None => {}
        }
        if word.starts_with("subtest") {
            continue;
        }
        let word = match word {
            "error" => "errors",
            "warning" => "warnings",
            other => other,
        };
        let count = counts.get_mut(WORDS.iter().position(|known| *known == word)?)?;
        if count.replace(number).is_some() {
            return None;
        }
    }
    let mut counts = counts.map(Option::unwrap_or_default);
    let failed = counts.get_mut(WORDS.iter().position(|word| *word == "failed")?)?;
    *failed = failed.checked_add(failed_within)?;
    Some(counts)
}

/// `0.45s`, `61.20s (0:01:01)`, or `0.45 seconds` as before pytest 5.
fn is_duration(time: &str) -> bool {
    let unit = time.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let clock = unit.strip_prefix(" seconds").or_else(|| unit.strip_prefix('s'));
    time.starts_with(|c: char| c.is_ascii_digit())
        && clock.is_some_and(|clock| clock.is_empty() || (clock.starts_with(" (") && clock.ends_with(')')))
}

/// The only words of a summary. A plugin's own may stand for tests, so its lines are not read.
const WORDS: [&str; 9] =
    ["passed", "failed", "errors", "skipped", "xfailed", "xpassed", "warnings", "deselected", "rerun"];
/// Words that count no test, or one that another word counts.
const NO_TESTS: &[&str] = &["warnings", "deselected", "rerun"];
const UNNAMED: &[&str] = &["deselected", "rerun"];
const START: &str = "test session starts";
const NO_SUMMARY: &str = "holds no pytest summary line, such as \"12 passed in 0.45s\", at the end of its run";

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Result<String, ReadError> {
        let facts = read(&Input::plain("pytest.log", text.as_bytes()))?;
        assert_eq!(facts.len(), 8);
        let names = ["passed", "failed", "errors", "skipped", "xfailed", "xpassed", "warnings", "total"];
        Ok(names.map(|name| facts[name].to_string()).join(" "))
    }

    fn refused(text: &str, why: &str) {
        let error = log(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }

    #[test]
    fn every_form_of_the_summary_is_read() {
        for one in "12 passed in 0.45s|= 12 passed in 0.45s =|\u{1b}[32m=== \u{1b}[1m12 passed\u{1b}[0m in 61.20s (0:01:01)\u{1b}[0m ====|\
            12 passed in 90000.00s (1 day, 1:00:00)|12 passed, 3 deselected, 2 rerun in 0.45 seconds\r|collecting\r12 passed in 1s  ".split('|') {
            assert_eq!(log(&format!("x\n{one}\nDone\n")).unwrap(), "12 0 0 0 0 0 0 12", "{one}");
        }
        let all = "== 1 failed, 2 passed, 3 skipped, 4 xfailed, 5 xpassed, 6 warnings, 7 errors in 1.00s ==";
        assert_eq!(log(all).unwrap(), "2 1 7 3 4 5 6 22");
        assert_eq!(log("2 passed, 5 subtests passed in 1s").unwrap(), "2 0 0 0 0 0 0 2");
        assert_eq!(log("1 failed, 1 passed, 3 subtests failed, 1 subtest passed in 1s").unwrap(), "1 4 0 0 0 0 0 5");
        refused("2 passed, 5 subtests flaky in 1s", "no pytest summary line");
        refused("5 subtests passed in 1s", "ran no tests");
        assert_eq!(log("1 warning, 1 error in 1s").unwrap(), "0 0 1 0 0 0 1 1");
    }

    #[test]
    fn other_lines_are_no_summary() {
        for no in "|12 passed|12 passed in time|12 passed in s|12 passed in 1s (x|twelve passed in 1s|12 passed, in 1s|+1 passed in 1s|\
            -1 passed in 1s|1 passed, 1 passed in 1s|1 error, 1 errors in 1s|1 passed, 2 flaky in 1s|3 tests collected in 1s|\
            99999999999 passed in 1s| 1 passed in 1s|== 1 passed in 1s|==1 passed in 1s==|-- 1 passed in 1s --|==|= =".split('|') {
            refused(no, "no pytest summary line");
        }
    }

    #[test]
    fn the_last_run_counts_and_must_have_ended() {
        assert_eq!(log("= 1 passed in 1s =\n= 2 failed in 1s =\n= x =").unwrap(), "0 2 0 0 0 0 0 2");
        refused("= 1 passed in 1s =\n=== test session starts ===\ncollected 2 items", "no pytest summary line");
        assert!(log("=== test session starts ===\n= 1 passed in 1s =").is_ok());
    }

    #[test]
    fn runs_of_nothing_or_broken_off_are_refused() {
        for none in [
            "no tests ran in 0.01s",
            "== no tests ran in 0.01s ==",
            "3 deselected in 1s",
            "1 passed in 1s\n0 passed in 1s",
        ] {
            refused(none, "ran no tests");
        }
        let broken = "!!! Interrupted: 1 error during collection !!!|! KeyboardInterrupt !|\u{1b}[31m!! _pytest.outcomes.Exit: x !!\u{1b}[0m|\
            !! xdist.dsession.Interrupted: stopping after 1 failures !!|INTERNALERROR> x";
        for stop in broken.split('|') {
            refused(&format!("a\n{stop}\n== 1 passed in 1s =="), "line 2: the run broke off");
        }
        assert!(log("!!! stopping after 1 failures !!!\n= 1 failed in 1s =\n! x\n!\n!!").is_ok());
        assert!(read(&Input::plain("a", b"1 passed in 1s\n\xC0")).is_err());
        assert!(read(&Input::plain("a", &vec![b'='; MAX_BYTES + 1])).is_err());
        refused(&"= ".repeat(1_000_000), "no pytest summary line");
    }

    #[test]
    fn looks_like_needs_a_bar() {
        let looks = |text: &str| looks_like(&Input::plain("a.log", text.as_bytes()));
        assert!(looks("x\n\u{1b}[1m=== test session starts ===\u{1b}[0m\n") && looks("= 1 passed in 1s ="));
        assert!(!looks("1 passed in 1s") && !looks("test session starts") && !looks("== results =="));
    }
}
