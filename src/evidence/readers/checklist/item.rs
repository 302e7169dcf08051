//! One item of a checklist, and the name by which it is found again in another version.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use unicode_normalization::UnicodeNormalization as _;

use super::effort::Effort;
use super::marks;
use super::outline::SEPARATOR;
use crate::id::Digest;

/// A list item with a box, one without that holds such items, or a line with one ballot glyph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: ItemId,
    /// 1-based line of the document.
    pub line: usize,
    /// The headings above it, outermost first, as the fact `sections` names them.
    pub section: Rc<str>,
    /// The line of bold text and a colon it stands under, where there is one.
    pub label: Option<Rc<str>>,
    /// The place of the item it is nested in, among the items of the document.
    pub parent: Option<usize>,
    /// Its own words without markup, and without a reason why it does not apply.
    pub text: String,
    /// What it is thought to take, where it says so.
    pub effort: Option<Effort>,
    /// Whether its box is ticked, whatever that counts for.
    pub ticked: bool,
    /// Where the mark in its box stands: a byte of the text, as [`crate::evidence::text`] decodes it.
    pub mark: Option<usize>,
    /// Its box is a ballot glyph that stands alone on its line, and a [`Ballot`] besides.
    pub is_ballot: bool,
    /// Beside a template: one it does not have.
    pub is_added: bool,
    pub state: State,
}

/// A ballot glyph and what stands beside it. One alone on its line is an item, too; several are a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// 1-based line of the document.
    pub line: usize,
    /// As an item's.
    pub section: Rc<str>,
    /// The words up to the next glyph, or to the end of the line or cell.
    pub text: String,
    pub ticked: bool,
    /// Where the glyph stands, as an item's mark.
    pub mark: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Open,
    Done,
    /// Ticked, with the reason why there was nothing to do.
    NotApplicable(String),
    /// Ticked before anybody began, so nobody has done it.
    PreTicked,
    /// No box of its own.
    Group,
}

impl State {
    /// Whether something is still to be done here.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open | Self::PreTicked)
    }
}

/// What an item is called: the digest of its headings and its text, and which one of several such it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId {
    digest: Digest,
    nth: usize,
}

/// Twelve hex digits for people; a second item of the same name ends in `~2`.
impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.12}", self.digest.to_string())?;
        if self.nth > 1 { write!(f, "~{}", self.nth) } else { Ok(()) }
    }
}

/// Names the items of one document, in its order.
#[derive(Default)]
pub(super) struct Names {
    seen: HashMap<Digest, usize>,
}

impl Names {
    /// SHA-256 of the headings' and the label's folded names and the folded text, a line each. A group's
    /// text is indented, since it must not take the name of an item.
    pub fn name(&mut self, section: &str, label: Option<&str>, text: &str, is_group: bool) -> ItemId {
        let mut lines: Vec<String> = section.split(SEPARATOR).chain(label).map(folded_heading).collect();
        let text = folded(&text.replace("~~", ""));
        lines.push(if is_group { format!("\t{text}") } else { text });
        let digest = Digest::of(lines.join("\n").as_bytes());
        let nth = self.seen.entry(digest).or_default();
        *nth += 1;
        ItemId { digest, nth: *nth }
    }
}

/// Whether two texts say the same, however they are spelt.
pub fn same_words(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

/// Whether a section lies below a heading that is called so, or begins so: `Phase 5` means `Phase 5: Rollout`
/// and `Phase 5 — Rollout`, never `Phase 50`.
pub fn is_below(section: &str, heading: &str) -> bool {
    let heading: String = heading.nfc().collect();
    let begins = |name: &str| {
        let rest = name.strip_prefix(heading.as_str());
        rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    section.split(SEPARATOR).any(begins)
}

/// NFC, one case, one blank between words.
pub(super) fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

/// Headings get marks as work goes on (✅, ⚠, 📋): what is neither ASCII nor a letter says nothing here.
fn folded_heading(text: &str) -> String {
    let meant: String = marks::unscramble(text).nfc().filter(|c| c.is_ascii() || c.is_alphanumeric()).collect();
    folded(&meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(section: &str, label: Option<&str>, text: &str) -> String {
        Names::default().name(section, label, text, false).to_string()
    }

    #[test]
    fn ids_are_the_digest_of_headings_and_text() {
        let expected = Digest::of(b"plan\nweek 1\ntasks\nset up ci").to_string();
        assert_eq!(id("Plan › Week 1", Some("Tasks"), "Set up CI"), expected[..12]);
    }

    #[test]
    fn spelling_that_says_nothing_changes_no_id() {
        let plain = id("1. Code", Some("Quality"), "Café é");
        for (section, label, text) in [
            ("1.  CODE ✅", "Quality", "Café é"),
            ("1. Code ‚úÖ", "Quality ‚ö†Ô∏è", "cafe\u{301}  E\u{301}"),
            ("1. Code ⚠️", "quality 📋", "~~Café\té~~"),
        ] {
            assert_eq!(id(section, Some(label), text), plain, "{section}");
        }
        for (section, label, text) in [
            ("2. Code", Some("Quality"), "Café é"),
            ("1. Code", None, "Café é"),
            ("1. Code", Some("Quality"), "Café e"),
            ("1. Code › Quality", None, "Café é!"),
        ] {
            assert_ne!(id(section, label, text), plain, "{section}");
        }
    }

    #[test]
    fn a_heading_selects_what_is_below_it() {
        for section in ["Phase 5", "Plan › Phase 5: Rollout", "Phase 5 — Rollout › Day 1"] {
            assert!(is_below(section, "Phase 5"), "{section}");
        }
        for section in ["Phase 50", "phase 5", "Plan", "Before Phase 5", "(top)"] {
            assert!(!is_below(section, "Phase 5"), "{section}");
        }
        assert!(same_words("Alpha  승인", "alpha 승인") && !same_words("Alpha", "Alpha!"));
    }

    #[test]
    fn the_second_of_one_name_is_told_apart() {
        let mut names = Names::default();
        let mut next = |text, is_group| names.name("A", None, text, is_group).to_string();
        let first = next("a", false);
        assert_eq!(first.len(), 12);
        assert_eq!(next("A", false), format!("{first}~2"));
        assert_eq!(next("a ", false), format!("{first}~3"));
        assert!(!next("a", true).starts_with(&first));
    }
}
