//! Claims a document makes about itself: ratios such as `25/26`, `56/56 (100%)`, `96% Complete (25/26 tasks)`.
//!
//! They are held against arithmetic and never taken for a result. `10/12` could as well be a date, so a
//! ratio counts as a claim only in parentheses, beside its percentage, or beside a word such as "tests".

/// What the claims of one text come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claims {
    pub all: usize,
    /// Impossible, or of another percentage than its ratio has; of a ticked box also: less than all.
    pub wrong: usize,
}

/// The claims of a text; `done` when it is a ticked box's.
pub(super) fn of(text: &str, done: bool) -> Claims {
    let mut claims = Claims::default();
    for (slash, _) in text.match_indices('/') {
        let Some(ratio) = Ratio::around(text, slash) else { continue };
        let percent = ratio.percent_after().or_else(|| ratio.percent_before());
        if percent.is_none() && !ratio.in_parentheses() && !ratio.counts_something() {
            continue;
        }
        claims.all += 1;
        let wrong = ratio.part > ratio.whole || percent.is_some_and(|percent| !percent.is_of(&ratio));
        claims.wrong += usize::from(wrong || done && ratio.part < ratio.whole);
    }
    claims
}

struct Ratio<'t> {
    before: &'t str,
    part: u64,
    whole: u64,
    after: &'t str,
}

impl<'t> Ratio<'t> {
    /// Two whole numbers around a slash that are no part of a date, a path, an address or a version.
    fn around(text: &'t str, slash: usize) -> Option<Self> {
        let (left, right) = (text.get(..slash)?, text.get(slash + 1..)?);
        // Blanks around the slash, as in `25 / 26`, mean the same.
        let (left, right) = (left.trim_end_matches(' '), right.trim_start_matches(' '));
        let start = left.len() - left.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (before, part) = left.split_at_checked(start)?;
        let end = right.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = right.split_at_checked(end)?;
        let glued = |c: char| c.is_ascii_alphanumeric() || "/\\.-_#@".contains(c);
        if before.ends_with(glued) || continues(after) {
            return None;
        }
        let ratio = Self { before, part: number(part)?, whole: number(whole)?, after };
        // Around the clock is no share of anything.
        (ratio.whole > 0 && (ratio.part, ratio.whole) != (24, 7)).then_some(ratio)
    }

    /// `(6/6)`; with other words behind it, as in `(95/5 read/write)`, it could be anything.
    fn in_parentheses(&self) -> bool {
        self.before.ends_with(['(', '（']) && self.after.trim_start().starts_with([')', '）', '=', ',', ';', '≈'])
    }

    /// Whether a word beside it says what is counted: `56/56 backend tests passing`, `passed: 5/6`.
    fn counts_something(&self) -> bool {
        let near_after: String = self.after.chars().take(NEAR).collect();
        let near_before: String = self.before.chars().rev().take(NEAR).collect::<Vec<_>>().into_iter().rev().collect();
        let mut words = words(&near_after).take(3).chain(words(&near_before).last());
        words.any(|word| COUNTED.iter().any(|counted| word.eq_ignore_ascii_case(counted)))
    }

    /// `56/56 (100%)`, `25/26 = 96%`, `25/26 tasks (96%)`.
    fn percent_after(&self) -> Option<Percent> {
        let after = self.after.trim_start();
        let word = after.trim_start_matches(char::is_alphabetic);
        let rest = word.trim_start();
        let marked = rest.trim_start_matches(['(', '=', ':', ',', '≈', '~', '–', '—']);
        // A word in between needs a sign: `5/5 below 80%` is no share of five.
        if word.len() < after.len() && marked.len() == rest.len() {
            return None;
        }
        Percent::at_start(marked.trim_start())
    }

    /// `96% Complete (25/26 tasks)`, `96% (25/26)`.
    fn percent_before(&self) -> Option<Percent> {
        let before = self.before.strip_suffix('(')?.trim_end();
        let phrase = before.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ');
        let words = before.get(phrase.len()..)?.split_whitespace().count();
        if words > 2 { None } else { Percent::at_end(phrase) }
    }
}

/// A percentage as a whole number of units in its last place.
struct Percent {
    digits: u64,
    /// Digits after the point.
    scale: u32,
}

impl Percent {
    fn at_start(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = text.split_at_checked(end)?;
        rest.trim_start().starts_with(['%', '％']).then(|| Self::parse(number))?
    }

    fn at_end(text: &str) -> Option<Self> {
        let text = text.strip_suffix(['%', '％'])?.trim_end();
        let start = text
            .rfind(|c: char| !c.is_ascii_digit() && c != '.')
            .map_or(0, |at| at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        Self::parse(text.get(start..)?)
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let scale = u32::try_from(part.len()).ok().filter(|scale| *scale <= 3)?;
        if whole.len() > MAX_DIGITS {
            return None;
        }
        Some(Self { digits: format!("{whole}{part}").parse().ok()?, scale })
    }

    /// Whether it is the ratio, rounded up, down or to the nearest. Nothing but all rounds to 100 %.
    fn is_of(&self, ratio: &Ratio<'_>) -> bool {
        let unit = 10_u128.pow(self.scale);
        let (part, whole, digits) = (u128::from(ratio.part), u128::from(ratio.whole), u128::from(self.digits));
        let all = digits == 100 * unit;
        (all == (part == whole)) && (part * 100 * unit).abs_diff(digits * whole) < whole
    }
}

/// Whether what follows a number makes it part of something longer.
fn continues(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some('/' | '\\' | '_') => true,
        Some(c) if c.is_ascii_alphanumeric() => true,
        Some('.' | '-' | ':') => chars.next().is_some_and(|c| c.is_ascii_alphanumeric()),
        _ => false,
    }
}

/// No leading zeros: `04/10` is a date.
fn number(digits: &str) -> Option<u64> {
    let zeros = digits.len() > 1 && digits.starts_with('0');
    if zeros || digits.len() > MAX_DIGITS { None } else { digits.parse().ok() }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

const MAX_DIGITS: usize = 9;
/// How many letters away a word may stand.
const NEAR: usize = 40;
const COUNTED: &[&str] = &[
    "task",
    "tasks",
    "test",
    "tests",
    "item",
    "items",
    "case",
    "cases",
    "check",
    "checks",
    "step",
    "steps",
    "suite",
    "suites",
    "pass",
    "passed",
    "passes",
    "passing",
    "fail",
    "failed",
    "complete",
    "completed",
    "done",
    "resolved",
    "fixed",
    "closed",
    "verified",
    "통과",
    "완료",
    "성공",
    "테스트",
    "작업",
    "항목",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str, done: bool) -> (usize, usize) {
        let claims = of(text, done);
        (claims.all, claims.wrong)
    }

    #[test]
    fn true_claims_beside_false_ones() {
        for (yes, no) in [
            ("Tests: 56/56 (100%)", "Tests: 55/56 (100%)"),
            ("96% Complete (25/26 tasks)", "97.5% Complete (25/26 tasks)"),
            ("25/26 = 96%", "25/26 = 95%"),
            ("25/26 tasks (96.2%)", "25/26 tasks (96.4%)"),
            ("25 / 26 tests, 97 %", "26/25 tests"),
            ("(2/3 ≈ 66.67%)", "(2/3 ≈ 66.60%)"),
            ("96% (25/26)", "100% (25/26)"),
            ("(0/6)", "(7/6)"),
            ("테스트 5/6", "(5/6, 90%)"),
            ("999/1000 checks (99%)", "999/1000 checks (100%)"),
        ] {
            assert_eq!(counted(yes, false), (1, 0), "{yes}");
            assert_eq!(counted(no, false), (1, 1), "{no}");
        }
    }

    #[test]
    fn a_ticked_box_claims_all_of_it() {
        assert_eq!(counted("All tasks complete (25/26 = 96%)", true), (1, 1));
        assert_eq!(counted("All tasks complete (25/26 = 96%)", false), (1, 0));
        assert_eq!(counted("defects resolved (6/6) and tests 5/6", true), (2, 1));
        assert_eq!(counted("56/56 backend tests passing", true), (1, 0));
    }

    #[test]
    fn dates_paths_and_versions_are_no_claims() {
        for text in [
            "QA on 10/12",
            "04/10 (ok)",
            "2025/10/04 tests",
            "(24/7 checks)",
            "P1/P2 tasks",
            "HTTP/1.1",
            "10.0.0.0/8 passed",
            "CI/CD (5 tasks)",
            "a/1/2 tests",
            "tests 1/2/3",
            "1/2.5 tests",
            "(0/0)",
            "/",
            "5/",
            "/5 tests",
            "80/443 open",
            "(12345678901/12345678902)",
            "(95/5 read/write)",
            "5/5 below 80%",
            "tests 1-2/3",
            "가5나/6 tests",
        ] {
            assert_eq!(counted(text, true), (0, 0), "{text}");
        }
    }

    #[test]
    fn hostile_text_is_scanned_once() {
        for unit in ["/", "1/", "1/1 ", "(1/1", "1%(1/", "tests 1/2 "] {
            let _ = of(&unit.repeat(300_000 / unit.len()), true);
        }
    }
}
