//! Typed values taken from evidence, and the `expect` comparisons a policy makes over them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use regex::RegexBuilder;
use serde::{Deserialize, Serialize};

use super::quantity::Quantity;

/// The largest integer every JSON reader keeps exactly (2^53).
pub const INTEGER_LIMIT: i64 = 1 << 53;

/// What one reader took from one piece of evidence, by name.
pub type Facts = BTreeMap<String, Fact>;

/// One value. There is no floating point: a statement must have one spelling, so what is measured is
/// text that holds a [`Quantity`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<String>),
    Group(Facts),
}

impl From<usize> for Fact {
    fn from(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(INTEGER_LIMIT).min(INTEGER_LIMIT))
    }
}

impl From<&Quantity> for Fact {
    fn from(quantity: &Quantity) -> Self {
        Self::Text(quantity.to_string())
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::List(values) => f.write_str(&values.join(", ")),
            Self::Group(facts) => {
                let pairs: Vec<String> = facts.iter().map(|(name, fact)| format!("{name}={fact}")).collect();
                write!(f, "{{{}}}", pairs.join(" "))
            }
        }
    }
}

/// Joins the facts of several files of one format: counts add up, lists and groups join,
/// and what cannot be added must be the same. The error names the fact that differs.
pub fn merge(into: &mut Facts, from: Facts) -> Result<(), String> {
    for (name, fact) in from {
        let Some(old) = into.get_mut(&name) else {
            into.insert(name, fact);
            continue;
        };
        match (old, fact) {
            (Fact::Int(old), Fact::Int(new)) => *old = old.saturating_add(new).min(INTEGER_LIMIT),
            (Fact::List(old), Fact::List(new)) => old.extend(new),
            (Fact::Group(old), Fact::Group(new)) => merge(old, new)?,
            (old, new) if *old == new => {}
            _ => return Err(name),
        }
    }
    Ok(())
}

/// One comparison of a policy, such as `open == 0` or `phrase.actor == "QA-KIM"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    source: String,
    path: Vec<String>,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Equal(Fact),
    NotEqual(Fact),
    Order(Order, Quantity),
    Contains(String),
    Matches(String),
    Exists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Order {
    const fn is_inclusive(self) -> bool {
        matches!(self, Self::LessEqual | Self::GreaterEqual)
    }

    /// Whether it is the lower end of what is accepted.
    const fn is_lower(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterEqual)
    }

    fn accepts(self, found: Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::LessEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterEqual => found.is_ge(),
        }
    }
}

impl Test {
    fn holds(&self, fact: &Fact) -> bool {
        match (self, fact) {
            (Self::Exists, _) => true,
            (Self::Equal(value), fact) => fact == value,
            // A value of another type is "not comparable", which must not read as "different".
            (Self::NotEqual(value), fact) => {
                std::mem::discriminant(value) == std::mem::discriminant(fact) && fact != value
            }
            (Self::Order(order, limit), fact) => {
                measured(fact).and_then(|value| value.compare(limit)).is_some_and(|found| order.accepts(found))
            }
            (Self::Contains(part), Fact::Text(text)) => text.contains(part.as_str()),
            (Self::Contains(part), Fact::List(list)) => list.iter().any(|item| item == part),
            (Self::Contains(part), Fact::Group(group)) => group.contains_key(part),
            (Self::Matches(pattern), Fact::Text(text)) => pattern_of(pattern).is_ok_and(|p| p.is_match(text)),
            _ => false,
        }
    }

    /// Whether no value meets both.
    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Equal(value), test) | (test, Self::Equal(value)) => !test.holds(value),
            (Self::Order(one, limit), Self::Order(two, end)) => match limit.compare(end) {
                // Of two kinds: no value compares with both.
                None => true,
                Some(Ordering::Equal) => {
                    one.is_lower() != two.is_lower() && !(one.is_inclusive() && two.is_inclusive())
                }
                Some(Ordering::Less) => !one.is_lower() && two.is_lower(),
                Some(Ordering::Greater) => one.is_lower() && !two.is_lower(),
            },
            _ => false,
        }
    }
}

impl Expect {
    /// Reads `NAME OP VALUE`, with OP one of `== != < <= > >= contains matches`, or `NAME exists`.
    pub fn parse(source: &str) -> Result<Self, String> {
        let text = source.trim();
        let (name, rest) = text
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("{source:?} is no comparison: write NAME OPERATOR VALUE, like \"failed == 0\""))?;
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(format!("{name:?} is no fact's name"));
        }
        let rest = rest.trim();
        let (operator, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let value = value.trim();
        if value.is_empty() != (operator == "exists") {
            return Err(match operator {
                "exists" => format!("{source:?}: nothing may follow `exists`"),
                _ => format!("{source:?}: a value must follow `{operator}`"),
            });
        }
        let order = |order| limit(value).map(|limit| Test::Order(order, limit));
        let test = match operator {
            "==" => Test::Equal(literal(value)?),
            "!=" => Test::NotEqual(literal(value)?),
            "<" => order(Order::Less)?,
            "<=" => order(Order::LessEqual)?,
            ">" => order(Order::Greater)?,
            ">=" => order(Order::GreaterEqual)?,
            "contains" => Test::Contains(quoted(value)?),
            "matches" => {
                let pattern = quoted(value)?;
                pattern_of(&pattern).map_err(|e| format!("{source:?}: {e}"))?;
                Test::Matches(pattern)
            }
            "exists" => Test::Exists,
            _ => return Err(format!("{operator:?} is no operator: use == != < <= > >= contains matches exists")),
        };
        Ok(Self { source: text.to_owned(), path, test })
    }

    /// Whether the facts meet the comparison. An absent fact, or one of another type, never does.
    pub fn holds(&self, facts: &Facts) -> bool {
        self.fact(facts).is_some_and(|fact| self.test.holds(fact))
    }

    /// Whether no value at all could meet both: `x < 5` beside `x > 6`.
    pub fn excludes(&self, other: &Self) -> bool {
        self.path == other.path && self.test.excludes(&other.test)
    }

    /// The fact the comparison speaks of, if it is there.
    pub fn fact<'f>(&self, facts: &'f Facts) -> Option<&'f Fact> {
        find(facts, self.path.iter().map(String::as_str))
    }

    /// The fact's name as the policy spells it.
    pub fn name(&self) -> String {
        self.path.join(".")
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// The fact at `name` or, inside groups, at `name.name`.
pub fn at<'f>(facts: &'f Facts, path: &str) -> Option<&'f Fact> {
    find(facts, path.split('.'))
}

fn find<'f, 'p>(facts: &'f Facts, mut path: impl Iterator<Item = &'p str>) -> Option<&'f Fact> {
    let first = facts.get(path.next()?)?;
    path.try_fold(first, |fact, name| match fact {
        Fact::Group(group) => group.get(name),
        _ => None,
    })
}

fn literal(value: &str) -> Result<Fact, String> {
    match value {
        "true" => Ok(Fact::Bool(true)),
        "false" => Ok(Fact::Bool(false)),
        _ if value.starts_with('"') => quoted(value).map(Fact::Text),
        _ => integer(value).map(Fact::Int),
    }
}

fn integer(value: &str) -> Result<i64, String> {
    match value.parse::<i64>() {
        Ok(number) if (-INTEGER_LIMIT..=INTEGER_LIMIT).contains(&number) => Ok(number),
        _ => Err(format!("{value:?} is neither an integer, true, false nor a \"quoted text\"")),
    }
}

/// What a fact measures: a count, or a text that is a quantity.
fn measured(fact: &Fact) -> Option<Quantity> {
    match fact {
        Fact::Int(count) => Some(Quantity::integer(*count)),
        Fact::Text(text) => Quantity::parse(text),
        _ => None,
    }
}

fn limit(value: &str) -> Result<Quantity, String> {
    Quantity::parse(value).ok_or_else(|| format!("{value:?} is no number with a unit: write 0, 200 ms or 99.9 %"))
}

fn quoted(value: &str) -> Result<String, String> {
    serde_json::from_str(value).map_err(|_| format!("{value:?} is no \"quoted text\""))
}

/// Bounded, so that a policy cannot make evaluation slow.
fn pattern_of(pattern: &str) -> Result<regex::Regex, String> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let phrase = Facts::from([("actor".to_owned(), Fact::from("QA-KIM"))]);
        Facts::from([
            ("open".to_owned(), Fact::Int(0)),
            ("ok".to_owned(), Fact::Bool(true)),
            ("names".to_owned(), Fact::List(vec!["a".to_owned()])),
            ("latency_p95".to_owned(), Fact::from("183.4 ms")),
            ("phrase".to_owned(), Fact::Group(phrase)),
        ])
    }

    #[test]
    fn every_operator_beside_its_refused_neighbour() {
        for (yes, no) in [
            ("open == 0", "open == 1"),
            ("open != 1", "open != 0"),
            ("open < 1", "open < 0"),
            ("open <= 0", "open <= -1"),
            ("open > -1", "open > 0"),
            ("open >= 0", "open >= 1"),
            ("ok == true", "ok == false"),
            ("names contains \"a\"", "names contains \"b\""),
            ("phrase.actor matches \"^QA-\"", "phrase.actor matches \"^CI-\""),
            ("open exists", "closed exists"),
            ("latency_p95 < 0.2 s", "latency_p95 < 183.4 ms"),
            ("latency_p95 >= 183.4ms", "latency_p95 >= 183"),
            ("open < 1 %", "open > 0.5"),
        ] {
            assert!(Expect::parse(yes).unwrap().holds(&facts()), "{yes}");
            assert!(!Expect::parse(no).unwrap().holds(&facts()), "{no}");
        }
    }

    #[test]
    fn two_comparisons_that_leave_no_value_exclude_each_other() {
        let excludes = |one: &str, other: &str| Expect::parse(one).unwrap().excludes(&Expect::parse(other).unwrap());
        for (one, other) in [
            ("x < 5", "x > 6"),
            ("x < 5", "x >= 5"),
            ("x > 5", "x < 5"),
            ("x < 1 s", "x > 2000 ms"),
            ("x < 5 ms", "x > 2"),
            ("x == 3", "x == 4"),
            ("x == 3", "x != 3"),
            ("x == 3", "x > 3"),
            ("x == \"a\"", "x matches \"^b\""),
        ] {
            assert!(excludes(one, other) && excludes(other, one), "{one}, {other}");
        }
        for (one, other) in [
            ("x < 5", "x > 4"),
            ("x <= 5", "x >= 5"),
            ("x < 5", "x < 6"),
            ("x > 5", "x >= 5"),
            ("x < 5", "y > 6"),
            ("x == 3", "x >= 3"),
            ("x != 3", "x != 4"),
            ("x contains \"a\"", "x contains \"b\""),
            ("x exists", "x == 3"),
        ] {
            assert!(!excludes(one, other) && !excludes(other, one), "{one}, {other}");
        }
    }

    #[test]
    fn what_is_absent_or_of_another_type_never_satisfies() {
        for never in ["gone != 1", "gone == 0", "ok != 1", "ok > 0", "open matches \"0\"", "open.x exists"] {
            assert!(!Expect::parse(never).unwrap().holds(&facts()), "{never}");
        }
    }

    #[test]
    fn malformed_comparisons_are_refused() {
        for bad in [
            "open",
            "open =",
            "open == ",
            "open == zero",
            "open ~ 1",
            ".x == 1",
            "open exists 1",
            "a matches \"(\"",
            "a < \"b\"",
        ] {
            assert!(Expect::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn facts_of_several_files_add_up_or_must_agree() {
        let mut sum = facts();
        merge(&mut sum, facts()).unwrap();
        assert_eq!(sum["names"], Fact::List(vec!["a".to_owned(), "a".to_owned()]));
        let other = Facts::from([("ok".to_owned(), Fact::Bool(false))]);
        assert_eq!(merge(&mut sum, other), Err("ok".to_owned()));
    }
}
