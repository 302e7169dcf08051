//! The rows of a plan as a fact, so that a ledger without its files knows what was planned.

use super::{Owner, Step};
use crate::evidence::facts::{Fact, Facts};
use crate::id::Timestamp;

/// The fact's name.
pub const TIMELINE: &str = "timeline";

/// The rows by number; `None` where they would not fit into one statement.
pub(super) fn fact(rows: &[Step]) -> Option<Fact> {
    let row = |step: &Step| {
        let mut row = Facts::from([
            ("line".to_owned(), Fact::from(step.line)),
            ("at".to_owned(), Fact::Text(step.at.to_string())),
            ("owner".to_owned(), Fact::from(step.owner.text.as_str())),
            ("task".to_owned(), Fact::from(step.task.as_str())),
        ]);
        if !step.code.is_empty() {
            row.insert("code".to_owned(), Fact::List(step.code.clone()));
        }
        Fact::Group(row)
    };
    let rows = rows.iter().zip(1_u32..).map(|(step, number)| (number.to_string(), row(step)));
    let fact = Fact::Group(rows.collect());
    let text = serde_json::to_string_pretty(&fact).ok()?;
    // In a statement every line stands further in.
    let size = text.len() + INDENT * text.lines().count();
    (size <= MAX_BYTES).then_some(fact)
}

/// The rows a plan's facts tell, in order; `None` where they do not tell them all.
pub fn timeline(facts: &Facts) -> Option<Vec<Step>> {
    let Fact::Group(rows) = facts.get(TIMELINE)? else { return None };
    let steps: Vec<Step> =
        (1..=rows.len()).map(|number| step(rows.get(&number.to_string())?)).collect::<Option<_>>()?;
    (facts.get("rows") == Some(&Fact::from(steps.len()))).then_some(steps)
}

fn step(row: &Fact) -> Option<Step> {
    let Fact::Group(row) = row else { return None };
    let text = |name: &str| match row.get(name) {
        Some(Fact::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let code = match row.get("code") {
        None => Vec::new(),
        Some(Fact::List(code)) => code.clone(),
        Some(_) => return None,
    };
    let line = match row.get("line") {
        Some(Fact::Int(line)) => usize::try_from(*line).ok()?,
        _ => return None,
    };
    let at = Timestamp::parse(text("at")?).ok()?;
    Some(Step { line, at, owner: Owner::of(text("owner")?), task: text("task")?.to_owned(), code })
}

/// Of the 32 KiB of a statement, what its other facts may leave.
const MAX_BYTES: usize = 18 << 10;
const INDENT: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<Step> {
        let at = |n: usize| Timestamp::from_seconds(60 * i64::try_from(n).unwrap()).unwrap();
        let step =
            |n| Step { line: n + 5, at: at(n), owner: Owner::of("QA (Kim)"), task: "x".repeat(80), code: vec![] };
        (0..count).map(step).collect()
    }

    #[test]
    fn rows_are_told_in_order_or_not_at_all() {
        let facts = |count: usize| {
            let fact = fact(&rows(count)).map(|fact| (TIMELINE.to_owned(), fact));
            fact.into_iter().chain([("rows".to_owned(), Fact::from(count))]).collect::<Facts>()
        };
        assert_eq!(timeline(&facts(12)), Some(rows(12)));
        assert_eq!((fact(&rows(500)), timeline(&facts(500))), (None, None));
        let mut other = facts(3);
        other.insert("rows".to_owned(), Fact::Int(4));
        assert_eq!(timeline(&other), None);
        assert_eq!(timeline(&Facts::new()), None);
    }
}
