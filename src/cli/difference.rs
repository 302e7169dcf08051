//! Two versions of a text, line by line, as people read them.

use similar::{ChangeTag, TextDiff};

/// Changed lines with `+` and `-`, some around them, and `…` where lines are left out.
pub fn difference(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            lines.push("…".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("{sign} {}", change.value().trim_end_matches('\n')));
        }
    }
    lines
}

/// Unchanged lines around a change.
const AROUND: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_changed_and_a_little_around_it() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let after = "a\nb\nc\nD\ne\nf\ng\nh\ni\nj\nk\n";
        let lines = ["  b", "  c", "- d", "+ D", "  e", "  f", "…", "  i", "  j", "+ k"];
        assert_eq!(difference(before, after), lines);
        assert!(difference(before, before).is_empty());
    }
}
