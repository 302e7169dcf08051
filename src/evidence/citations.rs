//! Pointers that documents of some assistants hold: `【F:docs/qa.md†L1-L33】`, lines of a file of the source.
//!
//! One that names no path (`【66517b†L1-L33】`), or no lines (`【turn0†source】`), points into something nobody else has: it is counted, and is
//! never taken for a commit.

use std::sync::LazyLock;

use regex::Regex;

/// A pointer as it stands in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The file, from the root of the source; `None` where the pointer cannot be resolved.
    pub path: Option<String>,
    /// First and last line, from 1.
    pub lines: (usize, usize),
}

/// Pointers looked at in one document; whoever has more has others to bring.
const MOST: usize = 1_000;

static POINTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"【(?:F:)?([^【】†\n]{1,400})†(?:L(\d{1,7})(?:-L?(\d{1,7}))?|[^【】\n]{0,400})】").ok()
});

/// Every pointer of a text, in order.
pub fn find(text: &str) -> Vec<Citation> {
    let Some(pointer) = POINTER.as_ref() else { return Vec::new() };
    let read = |found: regex::Captures<'_>| {
        let whole = found.get(0)?.as_str();
        let Some(from) = found.get(2) else { return Some(Citation { path: None, lines: (0, 0) }) };
        let from: usize = from.as_str().parse().ok()?;
        let to = found.get(3).map_or(Some(from), |to| to.as_str().parse().ok())?;
        let path = found.get(1)?.as_str().trim().to_owned();
        let path = (whole.starts_with("【F:") && is_inside(&path)).then_some(path);
        Some(Citation { path, lines: (from, to) })
    };
    pointer.captures_iter(text).filter_map(read).take(MOST).collect()
}

/// A path that stays in the source tree.
fn is_inside(path: &str) -> bool {
    !path.starts_with('/')
        && !path.contains(['\\', ':'])
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The lines a pointer means, with their line ends; `None` where the file does not have them.
pub fn excerpt(text: &str, (from, to): (usize, usize)) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    (from > 0 && from <= to).then(|| lines.get(from - 1..to)).flatten().map(|lines| lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_found_and_opaque_ones_resolve_to_nothing() {
        let text =
            "QA 통과【F:docs/qa.md†L1-L33】, 로그【66517b†L1-L33】 and 【F:a b.txt†L7】 x【F:../up†L1】【†L1】[F:a†L1]";
        let path = |path: &str| Some(path.to_owned());
        let expected = [(path("docs/qa.md"), (1, 33)), (None, (1, 33)), (path("a b.txt"), (7, 7)), (None, (1, 1))];
        let found: Vec<_> = find(text).into_iter().map(|citation| (citation.path, citation.lines)).collect();
        assert_eq!(found, expected);
        let opaque = find("【turn0†source】 【7†x】 【turn1search2†L1-L2】 【F:a.md†】 【각주】 【a】 †");
        assert!(opaque.len() == 4 && opaque.iter().all(|citation| citation.path.is_none()), "{opaque:?}");
        assert_eq!(find(&"【F:a†L1】".repeat(1_500)).len(), 1_000);
    }

    #[test]
    fn an_excerpt_is_those_lines_or_none() {
        let text = "one\r\ntwo\nthree";
        assert_eq!(excerpt(text, (1, 2)).unwrap(), "one\r\ntwo\n");
        assert_eq!(excerpt(text, (3, 3)).unwrap(), "three");
        for out in [(0, 1), (2, 1), (3, 4), (4, 4)] {
            assert_eq!(excerpt(text, out), None, "{out:?}");
        }
    }
}
