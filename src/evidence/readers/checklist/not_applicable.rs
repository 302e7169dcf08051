//! Items that do not apply: a ticked box that says so, and why.
//!
//! The forms, in either case and in English or Korean:
//!
//! - `- [x] ~~Load test~~ (n/a: nothing in the backend changed)`; in parentheses any words after the mark do
//! - `- [x] Load test: N/A – nothing in the backend changed`; elsewhere a sign must part mark and reason
//! - `- [x] 부하 시험 (해당 없음: 백엔드 변경 없음)`
//!
//! A mark counts only where it is set off from the sentence, so "handles N/A values" is none; at the very end
//! (`- [x] Load test N/A`) it counts, and has no reason.

/// Where an item's text says that it does not apply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clause<'t> {
    /// The item's text without it, in two parts.
    pub text: (&'t str, &'t str),
    /// None where none is given: whoever decides that an item does not apply must say why.
    pub reason: Option<&'t str>,
}

/// The clause of an item's text, strike-through marks (`~~`) still in it.
pub(super) fn clause(text: &str) -> Option<Clause<'_>> {
    // Same length as the text, so that places in the one are places in the other.
    let folded = text.to_ascii_lowercase();
    let mut marks: Vec<(usize, &str)> = MARKS.iter().flat_map(|mark| folded.match_indices(mark)).collect();
    marks.sort_unstable();
    marks.into_iter().take(MAX_MARKS).find_map(|(at, mark)| clause_at(text, at, mark.len()))
}

fn clause_at(text: &str, at: usize, length: usize) -> Option<Clause<'_>> {
    let (before, rest) = text.split_at_checked(at)?;
    let (_, after) = rest.split_at_checked(length)?;
    let Some(open) = set_off(before) else {
        return ends(before, after).then(|| Clause { text: (before.trim_end(), ""), reason: None });
    };
    if after.starts_with(char::is_alphanumeric) {
        return None;
    }
    let (inside, outside) = match open {
        true => after.split_once([')', ']', '）']).unwrap_or((after, "")),
        false => (after, ""),
    };
    let within = inside.trim_start();
    let beside = outside.trim_start();
    let (reason, tail) = match (open, within.is_empty()) {
        (true, false) => (within, outside),
        // `(n/a) – reason`
        (true, true) => (beside, ""),
        (false, _) => (within, ""),
    };
    let bare = reason.trim_start_matches(SEPARATORS);
    let parted = bare.len() < reason.len() || open && !within.is_empty();
    if !parted && !reason.is_empty() {
        return None;
    }
    let kept = before.trim_end_matches(|c: char| c.is_whitespace() || c == '(' || c == '[' || c == '（');
    let kept = kept.trim_end_matches(|c: char| c.is_whitespace() || SEPARATORS.contains(&c));
    Some(Clause { text: (kept, tail), reason: Some(bare.trim()).filter(|reason| is_reason(reason)) })
}

/// Whether a mark is the last word of a sentence, and none of a list of values.
fn ends(before: &str, after: &str) -> bool {
    let words = before.trim_end();
    let last = words.rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_value =
        words.ends_with([',', '/', '|', '"', '\'', '`', '“', '‘']) || ["or", "and", "as", "또는"].contains(&last);
    words.len() < before.len() && !is_value && !after.contains(char::is_alphanumeric)
}

/// Whether the text before a mark sets it off; inside, whether it does so by opening a parenthesis.
fn set_off(before: &str) -> Option<bool> {
    let text = before.trim_end();
    match text.chars().next_back() {
        None => Some(false),
        Some('(' | '[' | '（') => Some(true),
        // A hyphen right before it is part of a word.
        Some('-') if text.len() == before.len() => None,
        // Not after a comma: `yes, no, n/a` lists values.
        Some(':' | '：' | '–' | '—' | '-' | '~') => Some(false),
        Some(_) => None,
    }
}

/// Words, and not those that a form prints where the reason is to stand.
fn is_reason(text: &str) -> bool {
    let words = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    words.chars().filter(|c| c.is_alphanumeric()).count() >= 2
        && !PLACEHOLDERS.contains(&words.as_str())
        && !MARKS.contains(&words.as_str())
}

const MARKS: &[&str] = &["n/a", "n.a.", "not applicable", "해당 없음", "해당없음", "해당 사항 없음"];
const SEPARATORS: &[char] = &[':', ';', ',', '-', '–', '—', '=', '：'];
const PLACEHOLDERS: &[&str] = &["reason", "why", "tbd", "todo", "none", "사유", "이유", "없음", "미정"];
/// An item that says it more often than this says nothing.
const MAX_MARKS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Option<&str>)> {
        clause(text).map(|clause| (format!("{}{}", clause.text.0, clause.text.1), clause.reason))
    }

    #[test]
    fn every_form_beside_the_one_without_a_reason() {
        for (with, without) in [
            ("~~Load test~~ (n/a: no backend)", "~~Load test~~ (n/a)"),
            ("~~Load test~~ (N/A - no backend)", "~~Load test~~ (N/A: )"),
            ("~~Load test~~ (N/A for no backend)", "~~Load test~~ (N/A: reason)"),
            ("~~Load test~~ (n/a) – no backend", "~~Load test~~ (n/a) –"),
            ("~~Load test~~ n/a, no backend", "~~Load test~~ n/a"),
            ("~~Load test~~: N/A – no backend", "~~Load test~~: N/A – n/a"),
            ("~~Load test~~ [not applicable; no backend]", "~~Load test~~ [not applicable]"),
            ("~~Load test~~ – 해당 없음: 백엔드 변경 없음", "~~Load test~~ – 해당 없음: 사유"),
            ("~~Load test~~ (해당 없음, 0개)", "~~Load test~~ (해당없음)"),
            ("~~Load test~~ (해당없음 – 불필요)", "~~Load test~~ (해당 없음 – ____)"),
        ] {
            let (text, reason) = read(with).unwrap();
            assert_eq!((text.as_str(), reason.is_some()), ("~~Load test~~", true), "{with}");
            assert_eq!(read(without), Some(("~~Load test~~".to_owned(), None)), "{without}");
        }
        for text in ["Load test N/A", "Load test n/a.", "~~Load test~~ N/A", "부하 시험 해당 없음"] {
            assert!(read(text).is_some_and(|(_, reason)| reason.is_none()), "{text}");
        }
        assert_eq!(read("N/A — internal only"), Some((String::new(), Some("internal only"))));
        assert_eq!(read("a (n/a: b c), d"), Some(("a, d".to_owned(), Some("b c"))));
    }

    #[test]
    fn a_mark_inside_a_sentence_is_none() {
        for text in [
            "",
            "Load test",
            "handles N/A values",
            "N/A values are shown",
            "N/A → meta/main.yml",
            "see n/about: x",
            "yes, no, n/a",
            "shown as N/A",
            "yes or N/A.",
            "a (n/a) b",
            "non-n/a: x",
            "해당 없음으로: 표시",
            "prints n/a: x",
        ] {
            assert_eq!(clause(text), None, "{text}");
        }
    }

    #[test]
    fn hostile_text_is_scanned_quickly() {
        for unit in ["n/a", "(n/a", "(n/a)", ": n/a", "해당 없음"] {
            let _ = clause(&unit.repeat(1_000_000 / unit.len()));
        }
    }
}
