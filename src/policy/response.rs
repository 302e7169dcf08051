//! What a policy says about trouble after a promotion: triggers that fire, and ways back.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use crate::entry::kinds::TriggerClass;
use crate::evidence::quantity::Quantity;
use crate::id::Name;

/// A condition that, once observed, asks for a rollback or for a decision about one.
#[derive(Debug, Clone)]
pub struct TriggerRule {
    pub id: Name,
    pub class: TriggerClass,
    /// What is measured; triggers that share it divide its values among them.
    pub metric: Option<Name>,
    /// The values that fire it; none means that whoever sees it says so.
    pub band: Option<Band>,
    /// The way back an immediate one asks for.
    pub option: Option<Name>,
    /// Who decides about one that is to be evaluated.
    pub decide: Vec<Name>,
    /// In how many seconds.
    pub within: Option<i64>,
    /// What it means, in the words people use.
    pub text: Option<String>,
    pub span: Range<usize>,
}

/// One end of a band, and whether it belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub value: Quantity,
    pub inclusive: bool,
}

/// Values between two ends, either of which may be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    pub low: Option<Bound>,
    pub high: Option<Bound>,
}

impl Band {
    /// Reads `> 10 %`, `>= 1 %`, `< 5 min`, or two of them: `>= 1 %, <= 10 %`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut band = Self { low: None, high: None };
        for part in text.split(',').map(str::trim) {
            let end = part.find(|c: char| !"<>=".contains(c)).unwrap_or(part.len());
            let (operator, value) = part.split_at(end);
            let value = Quantity::parse(value).ok_or_else(|| format!("{value:?} is no number with a unit"))?;
            let (side, inclusive) = match operator {
                ">" => (&mut band.low, false),
                ">=" => (&mut band.low, true),
                "<" => (&mut band.high, false),
                "<=" => (&mut band.high, true),
                _ => return Err(format!("{part:?} is no band: write \"> 10 %\" or \">= 1 %, <= 10 %\"")),
            };
            if side.replace(Bound { value, inclusive }).is_some() {
                return Err(format!("{text:?} has two ends on one side"));
            }
        }
        match (&band.low, &band.high) {
            (Some(low), Some(high)) => match low.value.compare(&high.value) {
                None => Err(format!("{text:?} has ends of two kinds")),
                Some(Ordering::Less) => Ok(band),
                Some(Ordering::Equal) if low.inclusive && high.inclusive => Ok(band),
                Some(_) => Err(format!("{text:?} holds no value")),
            },
            _ => Ok(band),
        }
    }

    /// The unit its ends are given in, where they have one.
    pub fn unit(&self) -> Option<&str> {
        let mut ends = self.low.iter().chain(&self.high).map(|end| end.value.unit());
        ends.find(|unit| !unit.is_empty())
    }

    /// Whether a value lies in it; `None` where it is of another kind.
    pub fn holds(&self, value: &Quantity) -> Option<bool> {
        let mut inside = true;
        for (bound, wanted) in [(&self.low, Ordering::Greater), (&self.high, Ordering::Less)] {
            let Some(bound) = bound else { continue };
            let found = value.compare(&bound.value)?;
            inside &= found == wanted || (bound.inclusive && found == Ordering::Equal);
        }
        Some(inside)
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |bound: &Option<Bound>, sign: char| {
            bound.as_ref().map(|end| format!("{sign}{} {}", if end.inclusive { "=" } else { "" }, end.value))
        };
        let ends: Vec<String> = end(&self.low, '>').into_iter().chain(end(&self.high, '<')).collect();
        f.write_str(&ends.join(", "))
    }
}

/// A way back, with its steps in order.
#[derive(Debug, Clone)]
pub struct RollbackOption {
    pub id: Name,
    pub text: Option<String>,
    /// How many seconds it should take.
    pub expected: Option<i64>,
    pub steps: Vec<Step>,
    /// Slots whose evidence shows that it worked; without it the rollback is not over.
    pub validation: Vec<Name>,
    /// Roles that may go this way; empty means anybody in the roster.
    pub roles: Vec<Name>,
    pub span: Range<usize>,
}

/// One step of a way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub text: String,
    /// It is only sometimes needed, and may be skipped; a reason is wanted either way.
    pub optional: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(band: &str, value: &str) -> Option<bool> {
        Band::parse(band).unwrap().holds(&Quantity::parse(value).unwrap())
    }

    #[test]
    fn ends_belong_to_a_band_or_not() {
        for (band, inside, outside) in [
            ("> 10 %", "10.1 %", "10 %"),
            (">= 1 %, <= 10 %", "10 %", "10.01 %"),
            (">= 1 %, <= 10 %", "0.01", "0.99 %"),
            ("< 5 min", "299 s", "300 s"),
            (">= 3, <= 3", "3", "4"),
        ] {
            assert_eq!(holds(band, inside), Some(true), "{inside} in {band}");
            assert_eq!(holds(band, outside), Some(false), "{outside} in {band}");
        }
        assert_eq!(holds("> 10 %", "5 min"), None);
        assert_eq!(Band::parse(">=1%,<10%").unwrap().to_string(), ">= 1 %, < 10 %");
    }

    #[test]
    fn a_band_that_holds_nothing_is_refused() {
        for bad in
            ["", "10 %", "= 10 %", "> high", "> 10 %, > 5 %", "> 10 %, < 10 %", "> 10 %, < 5 min", ">= 1 % <= 2 %"]
        {
            assert!(Band::parse(bad).is_err(), "{bad}");
        }
    }
}
