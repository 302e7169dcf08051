//! What a proposed policy changes, shown to whoever proposes or approves it.

use similar::{ChangeTag, TextDiff};

use crate::chain::VerifiedLedger;
use crate::cli::context::Context;
use crate::id::EntryNumber;
use crate::policy::Policy;
use crate::report::escape::visible;
use crate::sign::Roster;

/// Lines shown; a longer difference is read with its own tools.
const LINES: usize = 80;
/// Unchanged lines around a change.
const AROUND: usize = 2;

/// The difference to the policy in force, and the entries that become void.
pub fn show(context: &mut Context<'_>, ledger: &VerifiedLedger, text: &str, roster: &Roster) {
    let before = ledger.policies().last().map(|policy| policy.text()).unwrap_or_default();
    let lines = difference(before, text);
    lines.iter().take(LINES).for_each(|line| context.printer.talk(format!("  {}", visible(line))));
    if lines.len() > LINES {
        context.printer.talk(format!("  … {} more lines", lines.len() - LINES));
    }
    let void: Vec<String> = ledger.would_void(roster).iter().map(EntryNumber::to_string).collect();
    if !void.is_empty() {
        context.printer.talk(format!("with it become void: entries {}", void.join(", ")));
    }
}

/// Changed lines with `+` and `-`, some around them, and `…` where lines are left out.
fn difference(before: &str, after: &str) -> Vec<String> {
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
            lines.push(format!("{sign} {}", change.value().trim_end_matches(['\n', '\r'])));
        }
    }
    lines
}

/// What is allowed and may still be regretted.
pub fn cautions(policy: &Policy) -> Option<String> {
    let approve = &policy.roster.approve;
    let able = policy.roster.holders(std::slice::from_ref(&approve.role)).filter(|person| !person.keys.is_empty());
    let able = able.count();
    (approve.count > 1 && usize::try_from(approve.count) == Ok(able)).then(|| {
        format!(
            "note: all {able} people with the role {} must approve a policy: when one of their keys is lost, the policy never changes again\n  → give the role to one more person, or to one of them a second key that is kept elsewhere",
            approve.role
        )
    })
}

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
