//! Logs of npm, tsc, vite and webpack builds: what they say of errors, and whether they end well.
//!
//! Source: none of these tools specifies its output; the phrases are those of their releases up to 2025.

use super::bounds::{self, MAX_BYTES};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::text;

pub(super) const READER: Reader = Reader {
    format: "build-log",
    about: "the text log of a build by npm, tsc, vite or webpack",
    facts: &["lines", "ts_errors", "errors", "success"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let name = input.name.to_ascii_lowercase();
    name.contains("build") && (name.ends_with(".log") || name.ends_with(".txt"))
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_local(input.bytes, MAX_BYTES, "a build log")?;
    if text.trim().is_empty() {
        return Err(ReadError::whole("is empty: a build that says nothing proves nothing"));
    }
    let (mut lines, mut ts_errors, mut errors, mut summed, mut marked) = (0, 0, 0, 0, false);
    for line in text.lines() {
        let line = text::plain(line);
        let found = ts_errors_in(&line);
        lines += 1;
        ts_errors += found;
        errors += usize::from(found > 0 || line.split('\r').any(|part| is_error(start(part))));
        summed = line.split('\r').map(|part| sum_of_errors(start(part))).max().unwrap_or_default().max(summed);
        marked |= line.split('\r').any(|part| is_success(start(part)));
    }
    let errors = errors.max(summed);
    Ok(Facts::from([
        ("lines".to_owned(), Fact::from(lines)),
        ("ts_errors".to_owned(), Fact::from(ts_errors)),
        ("errors".to_owned(), Fact::from(errors)),
        ("success".to_owned(), Fact::Bool(marked && errors == 0)),
    ]))
}

/// A line without its indent and the instant a CI service puts in front of it.
fn start(line: &str) -> &str {
    let line = line.trim_start();
    let is_instant = |word: &str| word.contains('T') && word.bytes().all(|b| INSTANT.contains(&b));
    line.split_once(' ').filter(|(word, _)| is_instant(word)).map_or(line, |(_, rest)| rest.trim_start())
}

fn ts_errors_in(line: &str) -> usize {
    line.split("error TS").skip(1).filter(|code| code.starts_with(|c: char| c.is_ascii_digit())).count()
}

fn is_error(line: &str) -> bool {
    let parted =
        |mark: &str, rest: &str| !(mark.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric));
    let line = FRAMES.iter().fold(line, |line, frame| line.strip_prefix(frame).unwrap_or(line).trim_start());
    ERRORS.iter().any(|mark| {
        let begins = line.get(..mark.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(mark));
        begins && parted(mark, &line[mark.len()..])
    })
}

/// The sum at the end, of errors that have their own lines: `webpack 5.88.2 compiled with 2 errors`, `Found 3 errors.`
fn sum_of_errors(line: &str) -> usize {
    let sums = ["compiled with ", "Found "].into_iter().filter_map(|marker| {
        let (before, rest) = line.split_once(marker)?;
        let known = is_webpack(before.trim()) || is_clock(before.trim());
        rest.split_once(" error").filter(|_| known)?.0.parse().ok()
    });
    sums.max().unwrap_or_default()
}

/// A marker counts only where its tool puts it, so that prose about a build is no build.
fn is_success(line: &str) -> bool {
    let vite = line.strip_prefix('✓').unwrap_or(line).trim_start().strip_prefix("built in ");
    let is = |marker: &str, known: fn(&str) -> bool| {
        let cut = line.split_once(marker);
        cut.is_some_and(|(before, after)| !after.starts_with(char::is_alphanumeric) && known(before.trim()))
    };
    vite.is_some_and(|time| !time.trim().is_empty() && time.split_whitespace().all(is_duration))
        || is("Found 0 errors", is_clock)
        || is("compiled successfully", is_webpack)
        || is("Compiled successfully", |label| {
            label.split(|c: char| !c.is_alphanumeric()).all(|word| ["", "info", "DONE"].contains(&word))
        })
}

/// `850ms`, `12.3s`, or one part of `1m 5s`.
fn is_duration(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    word.starts_with(|c: char| c.is_ascii_digit()) && ["ms", "s", "m"].contains(&unit)
}

/// What tsc writes before a message while watching, in the words of the machine's language:
/// `[10:12:33 AM]` or `오전 10:12:33 -`.
fn is_clock(before: &str) -> bool {
    before.is_empty() || (before.len() <= MAX_CLOCK && before.contains(':') && before.ends_with([']', '-']))
}

/// `webpack`, `webpack 5.88.2`, or one of several compilers: `client (webpack 5.88.2)`.
fn is_webpack(before: &str) -> bool {
    let own = before.rsplit_once('(').map_or(before, |(_, own)| own.trim_end_matches(')'));
    own.strip_prefix("webpack").is_some_and(|rest| rest.trim().chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// How a line says that something failed. A build that says both "done" and one of these has not succeeded: a
/// success nobody can trust is worse than a failure somebody looks at.
const ERRORS: &[&str] = &[
    "npm ERR!",
    "npm error",
    "ERROR in",
    "[vite]: Rollup failed",
    "error during build:",
    "build failed",
    "failed to compile",
    "failed to build",
    "command failed",
    "error command failed",
    "module not found:",
    "ELIFECYCLE",
    "ERR_PNPM_",
    "fatal error:",
    "fatal:",
    "error:",
    "uncaught ",
    "빌드 실패",
    "오류:",
    "오류 :",
    "에러:",
];
/// What tools put before such words.
const FRAMES: &[&str] = &["✗", "✖", "×", "❌", "[webpack-cli]"];
const INSTANT: &[u8] = b"0123456789-:.+TZ";
const MAX_CLOCK: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Result<String, ReadError> {
        let facts = read(&Input::plain("build.log", text.as_bytes()))?;
        Ok(["lines", "ts_errors", "errors", "success"].map(|name| facts[name].to_string()).join(" "))
    }

    #[test]
    fn a_marker_without_errors_is_success() {
        for yes in "✓ built in 12.3s|built in 3s|  \u{1b}[32m✓ built in 850ms\u{1b}[39m|✓ built in 1m 5s|Found 0 errors.|\
            [10:12:33\u{202f}AM] Found 0 errors. Watching for file changes.|오전 10:12:33 - Found 0 errors.|\
            webpack compiled successfully|webpack 5.88.2 compiled successfully in 9 ms|client (webpack 5.88.2) compiled successfully|\
            Compiled successfully.|info  - Compiled successfully|✓ Compiled successfully in 5.0s|\
            2025-10-04T00:12:33.1234567Z ✓ built in 3s|building\r\u{1b}[2K\u{1b}[1G✓ built in 3s".split('|') {
            assert_eq!(log(yes).unwrap(), "1 0 0 true", "{yes}");
        }
        let prose = "rebuilt in 3s|built in|built in 3 steps|built in time|it Found 0 errors|\
            webpack not compiled successfully|docs: Compiled successfully|Compiled successfullyish|x";
        for no in prose.split('|') {
            assert_eq!(log(no).unwrap(), "1 0 0 false", "{no}");
        }
    }

    #[test]
    fn errors_count_by_line_and_undo_success() {
        let text = "built in 3s\r\na.ts(1,2): error TS2322: no. error TS7\r\n  npm ERR! code 1\nnpm error x\nERROR in ./a.ts\n";
        assert_eq!(log(text).unwrap(), "5 2 4 false");
        let text = "error during build:\n[vite]: Rollup failed to resolve\n2025-10-04T00:12:33Z npm ERR! x\n⠙\u{1b}[1G\u{1b}[0Knpm error x";
        assert_eq!(log(text).unwrap(), "4 0 4 false");
        assert_eq!(log("\u{1b}[91merror\u{1b}[0m\u{1b}[90m TS2322: \u{1b}[0mERROR in x").unwrap(), "1 1 1 false");
        let text = "error TSX\nnpm errors\nno npm ERR!\nan ERROR in x\nERROR inside\n✓ built in 3s";
        assert_eq!(log(text).unwrap(), "6 0 0 true");
    }

    #[test]
    fn whatever_says_that_it_failed_undoes_success() {
        for no in "build failed: no disk|Build failed in 3.2s|Command failed with exit code 1.|✗ Build failed in 2s|\
            error Command failed with exit code 1.|Module not found: Can't resolve 'x'| ELIFECYCLE  Command failed|\
            FATAL ERROR: heap out of memory|빌드 실패|오류: 디스크 없음|error: script \"build\" exited with code 1"
            .split('|')
        {
            assert_eq!(log(&format!("✓ built in 4.21s\n{no}\n")).unwrap(), "2 0 1 false", "{no}");
        }
        assert_eq!(log("webpack compiled with 2 errors").unwrap(), "1 0 2 false");
        assert_eq!(log("a.ts(1,2): error TS2322: no\nFound 1 error.\n").unwrap(), "2 1 1 false");
        assert_eq!(log("0 failed\nno error: x\nFound 0 errors.").unwrap(), "3 0 0 true");
    }

    #[test]
    fn what_is_no_log_is_refused() {
        assert!(log("\u{feff} \n").unwrap_err().message.starts_with("is empty"));
        assert!(read(&Input::plain("a", b"\xC0")).is_err());
        assert!(read(&Input::plain("a", &vec![b'a'; MAX_BYTES + 1])).is_err());
        let looks = |name| looks_like(&Input::plain(name, b""));
        assert!(looks("Frontend_BUILD_1.log") && looks("build.txt"));
        assert!(!looks("build.json") && !looks("test.log"));
    }
}
