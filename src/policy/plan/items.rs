//! Items of a plan's sign-off checklist, each with the row it speaks of.

use std::collections::BTreeSet;

use crate::evidence::readers::plan::Step;
use crate::id::fold;

/// The row an item speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// The item says so: `(row 7)`, `(7행)`.
    Named(u32),
    /// It has more words in common with this row than with any other.
    Words(u32),
    Unclear,
}

impl Mapping {
    pub const fn row(self) -> Option<u32> {
        match self {
            Self::Named(row) | Self::Words(row) => Some(row),
            Self::Unclear => None,
        }
    }
}

/// For every item its row. By words it is the one row that has at least two of the item's words, at least
/// half of them, and more of them than any other row; and no other item is of that row by its words.
pub fn map_items(items: &[&str], rows: &[Step]) -> Vec<Mapping> {
    let words_of_rows: Vec<BTreeSet<String>> =
        rows.iter().map(|step| words(&format!("{} {}", step.owner.text, step.task))).collect();
    let mapped: Vec<Mapping> = items.iter().map(|item| map(item, &words_of_rows)).collect();
    let is_alone = |mapping: &Mapping| mapped.iter().filter(|other| *other == mapping).count() == 1;
    let keep = |mapping: &Mapping| match mapping {
        Mapping::Words(_) if !is_alone(mapping) => Mapping::Unclear,
        _ => *mapping,
    };
    mapped.iter().map(keep).collect()
}

fn map(item: &str, rows: &[BTreeSet<String>]) -> Mapping {
    if let Some(number) = named(item) {
        // A row that is not there is no reason to look for another.
        let is_there = usize::try_from(number).is_ok_and(|number| (1..=rows.len()).contains(&number));
        return if is_there { Mapping::Named(number) } else { Mapping::Unclear };
    }
    let words = words(item);
    let common = rows.iter().map(|row| row.intersection(&words).count());
    let most = common.clone().max().unwrap_or_default();
    let mut best = (1..).zip(common).filter(|(_, count)| *count == most).map(|(number, _)| number);
    match (best.next(), best.next()) {
        (Some(number), None) if most >= 2 && 2 * most >= words.len() => Mapping::Words(number),
        _ => Mapping::Unclear,
    }
}

/// The row an item names in its last parentheses.
fn named(item: &str) -> Option<u32> {
    let inside = item.trim_end().strip_suffix(')')?.rsplit_once('(')?.1.trim().to_lowercase();
    let number =
        inside.strip_prefix("row ").or_else(|| inside.strip_prefix("행 ")).or_else(|| inside.strip_suffix('행'))?;
    number.trim().parse().ok()
}

/// Runs of letters and digits, letter case aside.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 1);
    words.map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::plan::Owner;
    use crate::id::Timestamp;

    fn mapped(items: &[&str]) -> Vec<Mapping> {
        let rows = [
            ("DBA (Han)", "Save the staging copy and compare it (compare.py --copy a)."),
            ("Ops (Min)", "Publish both images as app:{web,api}-7."),
            ("DBA (Han)", "Apply the migration; verify its sum."),
            ("QA (Kim)", "Switch the ERP feature flag on."),
            ("운영 (송)", "읽기 전용 해제 후 지표 확인"),
        ];
        let step = |(owner, task): &(&str, &str)| Step {
            line: 1,
            at: Timestamp::MAX,
            owner: Owner::of(owner),
            task: (*task).to_owned(),
            code: Vec::new(),
        };
        map_items(items, &rows.iter().map(step).collect::<Vec<_>>())
    }

    #[test]
    fn an_item_is_of_the_row_it_shares_most_words_with() {
        use Mapping::{Unclear, Words};
        let items = ["DBA copy verified", "Both images published", "ERP feature flag is on", "읽기 전용 해제", "Lunch"];
        assert_eq!(mapped(&items), [Words(1), Words(2), Words(4), Words(5), Unclear]);
        // One word is too few, as are less than half; two rows with as many are two.
        assert_eq!(mapped(&["migration done"]), [Unclear]);
        assert_eq!(mapped(&["the ERP people in all the other offices have been told"]), [Unclear]);
        assert_eq!(mapped(&["DBA (Han)"]), [Unclear]);
        assert_eq!(mapped(&["", "!"]), [Unclear, Unclear]);
    }

    #[test]
    fn two_items_of_one_row_are_unclear_unless_they_name_it() {
        use Mapping::{Named, Unclear};
        assert_eq!(mapped(&["Both images published", "Both images scanned"]), [Unclear, Unclear]);
        assert_eq!(mapped(&["Published (row 2)", "Scanned (Row 2)", "지표 (5행)"]), [Named(2), Named(2), Named(5)]);
        assert_eq!(mapped(&["Both images (row 9)", "Both images (row 0)"]), [Unclear, Unclear]);
    }
}
