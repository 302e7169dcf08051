//! Measured values, one a line: `ram_gb = 32`, `latency_p95: 183.4 ms`.

use std::borrow::Cow;

use super::bounds::{self, MAX_LIST};
use super::values::{check_name, short};
use super::{Input, OTHERS, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts, INTEGER_LIMIT};
use crate::evidence::quantity::Quantity;

pub(super) const READER: Reader = Reader {
    format: "measurements",
    about: "measured values, one a line: latency_p95 = 183.4 ms",
    facts: &[OTHERS],
    looks_like: |input| read(input).is_ok(),
    read,
};

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = bounds::decode_local(input.bytes, MAX_LIST, "measurements")?;
    let mut facts = Facts::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split_once(" #").map_or(line, |(line, _)| line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = |message: String| ReadError::at(number, message);
        let (name, fact) = measurement(line).map_err(at)?;
        if facts.len() == MAX_FACTS {
            return Err(at(format!("one record carries no more than {MAX_FACTS} measurements: split the file")));
        }
        if facts.insert(name.to_owned(), fact).is_some() {
            return Err(at(format!("measures {name} a second time")));
        }
    }
    if facts.is_empty() {
        return Err(ReadError::whole("holds no measurement"));
    }
    Ok(facts)
}

fn measurement(line: &str) -> Result<(&str, Fact), String> {
    let (name, value) =
        line.split_once(['=', ':']).ok_or("is no measurement: write name = value unit, like ram = 32 GB")?;
    let (name, value) = (name.trim(), value.trim());
    check_name(name)?;
    let (value, in_two_ways) = (without_separators(value), has_separators(value));
    let value = value.as_ref();
    if in_two_ways && value.contains(',') {
        let value = short(value);
        return Err(format!(
            "{value:?} can be read in two ways: write {} or {}",
            value.replace(',', ""),
            value.replace(',', ".")
        ));
    }
    let wrong = || format!("{:?} is no number with a unit, such as 32, 183.4 ms or 99.9 %", short(value));
    let quantity = Quantity::parse(value).filter(is_measured).ok_or_else(wrong)?;
    if !quantity.unit().is_empty() || value.contains('.') {
        return Ok((name, Fact::from(&quantity)));
    }
    let number = value.parse().ok().filter(|number| (-INTEGER_LIMIT..=INTEGER_LIMIT).contains(number));
    number.map(|number| (name, Fact::Int(number))).ok_or_else(wrong)
}

/// `1,200,000` and `1,200.5` are read; `1,200` is another number in other countries.
fn without_separators(value: &str) -> Cow<'_, str> {
    let number = number_of(value);
    let is_plain = number.matches(',').count() > 1 || (number.contains(',') && number.contains('.'));
    match has_separators(value) && is_plain {
        true => Cow::Owned(value.replacen(',', "", number.matches(',').count())),
        false => Cow::Borrowed(value),
    }
}

/// Whether the digits stand in groups of three, parted by commas.
fn has_separators(value: &str) -> bool {
    let number = number_of(value).trim_start_matches('-');
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    whole.contains(',') && !part.contains(',') && (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
}

fn number_of(value: &str) -> &str {
    let end = value.find(|c: char| !c.is_ascii_digit() && !"-.,".contains(c)).unwrap_or(value.len());
    value.get(..end).unwrap_or_default()
}

/// A digit within a unit nobody knows makes it a name: 6d1f3fa is a commit, 1.10rc1 a version.
fn is_measured(quantity: &Quantity) -> bool {
    quantity.has_known_unit() || quantity.unit().chars().all(|c| c.is_alphabetic() || "%‰°²³/·*_".contains(c))
}

/// All facts of an entry must fit into one statement.
const MAX_FACTS: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> String {
        let facts = read(&Input::plain("perf.txt", text.as_bytes()));
        facts.map_or_else(|error| error.to_string(), |facts| Fact::Group(facts).to_string())
    }

    #[test]
    fn every_line_is_a_fact_of_its_name() {
        let text = "\u{feff}# host lab3\r\n\r\nram_gb=32\r\nlatency_p95: 183.40 ms # of 1000\r\nerror_rate = 0.5%\n\
            cpu : 4 cores\nratio=0.020\nload=60 1/s\nzero=-0\nspeed=3 m/s²\n";
        let found =
            "{cpu=4 cores error_rate=0.5 % latency_p95=183.4 ms load=60 1/s ram_gb=32 ratio=0.02 speed=3 m/s² zero=0}";
        assert_eq!(measured(text), found);
        let facts = read(&Input::plain("a", b"a=32\nb=32 GB\nc=32.0\nd=007")).unwrap();
        let typed = [Fact::Int(32), Fact::from("32 GB"), Fact::from("32"), Fact::Int(7)];
        assert_eq!(facts.into_values().collect::<Vec<_>>(), typed);
    }

    #[test]
    fn what_is_no_number_is_refused_by_line() {
        for (line, why) in [
            ("host=lab3", "line 2: \"lab3\" is no number"),
            ("version=1.10rc1", "is no number"),
            ("commit=6d1f3fa", "is no number"),
            ("a=", "is no number"),
            ("a=1 2", "is no number"),
            ("a=1e5", "is no number"),
            ("a=90-100 ms", "is no number"),
            ("a=<200 ms", "is no number"),
            ("a=9007199254740993", "is no number"),
            ("RAM=32", "no fact's name"),
            ("p95 latency=3 ms", "no fact's name"),
            ("exit=0", "only the ledger itself"),
            ("ok=1", "line 2: measures ok a second time"),
            ("32 GB", "is no measurement"),
        ] {
            assert!(
                measured(&format!("ok=1\n{line}\n")).contains(why),
                "{line}: {}",
                measured(&format!("ok=1\n{line}\n"))
            );
        }
        for empty in ["", "\n# only a remark\n"] {
            assert_eq!(measured(empty), "holds no measurement");
        }
    }

    #[test]
    fn size_is_bounded() {
        let many = |count: usize| (0..count).map(|n| format!("a{n}=1\n")).collect::<String>();
        assert!(measured(&many(500)).starts_with('{'));
        assert!(measured(&many(501)).starts_with("line 501: one record"));
        assert!(read(&Input::plain("a", &vec![b'#'; MAX_LIST + 1])).is_err());
        assert!(measured(&format!("a={}", "x".repeat(1_000_000))).len() < 200);
        assert!(read(&Input::plain("a", b"a=1 \xC0")).is_err());
    }

    #[test]
    fn separators_are_read_where_they_can_be_nothing_else() {
        assert_eq!(
            measured("rate = 1,200,000 req/s\nmean = 1,200.5 ms\nn = 12,345,678"),
            measured("rate = 1200000 req/s\nmean = 1200.5 ms\nn = 12345678")
        );
        assert!(measured("rate = 1,200 req/s").contains("write 1200 req/s or 1.200 req/s"));
        for wrong in ["1,20,000", "1,2", ",200,000", "1,200,", "1,200.5,000"] {
            assert!(
                measured(&format!("rate = {wrong}")).contains("is no number"),
                "{wrong}: {}",
                measured(&format!("rate = {wrong}"))
            );
        }
    }

    #[test]
    fn looks_like_needs_nothing_but_measurements() {
        let looks = |text: &str| (READER.looks_like)(&Input::plain("a.txt", text.as_bytes()));
        assert!(looks("# x\nram_gb = 32\n") && !looks("ram_gb = 32\nhost = a\n") && !looks("PORT=8000") && !looks(""));
    }
}
