//! A measured number with its unit, exact: `183.4 ms`, `99.95 %`, `0.02`.
//!
//! Statements hold no floating point (RFC 8785 shows why), so a quantity is text in one spelling:
//! a decimal, a space, a unit. Quantities of one kind compare whatever their units.

use std::cmp::Ordering;
use std::fmt;

/// Digits of a decimal that count, before and after the point together: all a double is printed with.
const MAX_DIGITS: usize = 18;
/// Digits after the point, those of very small numbers too.
const MAX_SCALE: usize = 24;
const MAX_UNIT: usize = 24;

/// A decimal in a unit; no unit counts things or is a ratio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// The decimal without its point.
    digits: i128,
    /// Digits after the point.
    scale: u32,
    unit: String,
}

/// What a unit measures, its name, and how many of the kind's base unit it is: a numerator over a denominator.
const UNITS: &[(&str, &str, i128, i128)] = &[
    ("ratio", "", 1, 1),
    ("ratio", "%", 1, 100),
    ("ratio", "‰", 1, 1_000),
    ("time", "ns", 1, 1_000_000_000),
    ("time", "us", 1, 1_000_000),
    ("time", "µs", 1, 1_000_000),
    ("time", "ms", 1, 1_000),
    ("time", "s", 1, 1),
    ("time", "min", 60, 1),
    ("time", "h", 3_600, 1),
    ("time", "d", 86_400, 1),
    ("size", "B", 1, 1),
    ("size", "kB", 1_000, 1),
    ("size", "KB", 1_000, 1),
    ("size", "MB", 1_000_000, 1),
    ("size", "GB", 1_000_000_000, 1),
    ("size", "TB", 1_000_000_000_000, 1),
    ("size", "KiB", 1 << 10, 1),
    ("size", "MiB", 1 << 20, 1),
    ("size", "GiB", 1 << 30, 1),
    ("size", "TiB", 1 << 40, 1),
    ("rate", "1/s", 1, 1),
    ("rate", "1/min", 1, 60),
    ("rate", "1/h", 1, 3_600),
];

impl Quantity {
    /// Reads a decimal and what follows it: `12`, `-0.5 %`, `200ms`. `None` for anything else: no
    /// exponent, no thousands separators, nothing that could be read in two ways.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, unit) = rest.split_at_checked(end)?;
        let (whole, part) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
        let part_text = part.unwrap_or_default();
        let counting = number.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
        let is_long = counting > MAX_DIGITS || whole.len() > MAX_DIGITS || part_text.len() > MAX_SCALE;
        if whole.is_empty() || part == Some("") || part_text.contains('.') || is_long {
            return None;
        }
        let unit = unit.trim();
        // A letter right behind a comma or a sign would be another number, not a unit.
        if unit.len() > MAX_UNIT
            || unit.starts_with(|c: char| ",+-_'".contains(c))
            || unit.contains(char::is_whitespace)
        {
            return None;
        }
        let digits: i128 = format!("{whole}{part_text}").parse().ok()?;
        let scale = u32::try_from(part_text.len()).ok()?;
        Some(Self { digits: if negative { -digits } else { digits }, scale, unit: unit.to_owned() }.reduced())
    }

    /// A decimal somebody else has cut out, in a unit the reader knows.
    pub fn of(decimal: &str, unit: &str) -> Option<Self> {
        let bare = Self::parse(decimal).filter(|bare| bare.unit.is_empty())?;
        Some(Self { unit: unit.to_owned(), ..bare })
    }

    pub const fn integer(count: i64) -> Self {
        Self { digits: count as i128, scale: 0, unit: String::new() }
    }

    /// Without zeros at the end of the decimal: one quantity, one spelling.
    fn reduced(mut self) -> Self {
        while self.scale > 0 && self.digits % 10 == 0 {
            (self.digits, self.scale) = (self.digits / 10, self.scale - 1);
        }
        self
    }

    /// Exact, across units of one kind; `None` where they cannot be compared.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let ((kind, num, den), (other_kind, other_num, other_den)) = (self.in_base(), other.in_base());
        if kind != other_kind {
            return None;
        }
        // digits/10^scale · num/den against the other, both sides multiplied out.
        let left =
            self.digits.checked_mul(num)?.checked_mul(other_den)?.checked_mul(10_i128.checked_pow(other.scale)?)?;
        let right =
            other.digits.checked_mul(other_num)?.checked_mul(den)?.checked_mul(10_i128.checked_pow(self.scale)?)?;
        Some(left.cmp(&right))
    }

    /// Whether it has a unit, and one whose size is known.
    pub fn has_known_unit(&self) -> bool {
        !self.unit.is_empty() && UNITS.iter().any(|(_, name, ..)| *name == self.unit)
    }

    /// Empty where it counts things or is a ratio.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// The kind of the unit, and its size. An unknown unit is a kind of its own.
    fn in_base(&self) -> (&str, i128, i128) {
        let known = UNITS.iter().find(|(_, name, ..)| *name == self.unit);
        known.map_or((self.unit.as_str(), 1, 1), |(kind, _, num, den)| (kind, *num, *den))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let (digits, scale) = (self.digits.unsigned_abs().to_string(), self.scale as usize);
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        let point = if part.is_empty() { "" } else { "." };
        let space = if self.unit.is_empty() { "" } else { " " };
        write!(f, "{sign}{whole}{point}{part}{space}{}", self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(one: &str, other: &str) -> Option<Ordering> {
        Quantity::parse(one).unwrap().compare(&Quantity::parse(other).unwrap())
    }

    #[test]
    fn one_quantity_has_one_spelling() {
        for (text, shown) in [
            ("183.40 ms", "183.4 ms"),
            ("200ms", "200 ms"),
            ("007", "7"),
            ("-0.50 %", "-0.5 %"),
            ("0.000", "0"),
            (" 12 req ", "12 req"),
            ("3.14159265358979", "3.14159265358979"),
            ("0.012345678901234568", "0.012345678901234568"),
            ("183.45000000000002 ms", "183.45000000000002 ms"),
        ] {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!(quantity.to_string(), shown);
            assert_eq!(Quantity::parse(shown).unwrap(), quantity);
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "ms",
            ".5",
            "5.",
            "1.2.3",
            "1,200",
            "1e5 x y",
            "+5",
            "--5",
            "1_000",
            "0x10 y z",
            "1234567890123456789",
            "0.1234567890123456789",
            "0.0000000000000000000000001",
        ] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
        let unit = |text: &str| Quantity::parse(text).map(|q| (q.unit().to_owned(), q.has_known_unit()));
        let units = [("%", true), ("req", false), ("", false)].map(|(unit, known)| Some((unit.to_owned(), known)));
        assert_eq!([unit("1%"), unit("1 req"), unit("1")], units);
        assert_eq!(Quantity::of("12 ms", "s"), None);
        assert_eq!(Quantity::of("12", "s").unwrap().to_string(), "12 s");
    }

    #[test]
    fn quantities_of_one_kind_compare_exactly() {
        for (one, other) in [
            ("1.5 s", "1500 ms"),
            ("0.01", "1 %"),
            ("1 MiB", "1048576 B"),
            ("60 1/min", "1 1/s"),
            ("2 widgets", "2.0 widgets"),
        ] {
            assert_eq!(compared(one, other), Some(Ordering::Equal), "{one} {other}");
        }
        assert_eq!(compared("199.999 ms", "0.2 s"), Some(Ordering::Less));
        assert_eq!(compared("-1", "0.1"), Some(Ordering::Less));
        for (one, other) in [("5", "5 ms"), ("5 B", "5 s"), ("2 widgets", "2 gadgets"), ("2 widgets", "2")] {
            assert_eq!(compared(one, other), None, "{one} {other}");
        }
    }
}
