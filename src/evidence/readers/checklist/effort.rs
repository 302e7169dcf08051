//! Effort as people write it behind a task: `(4h)`, `(2-3h)`, `(Optional, 30m)`, `(1d)`, `(4시간)`.

/// Minutes of work: of a range both ends, else twice the same.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    pub least: u64,
    pub most: u64,
}

/// The effort in the parentheses a text ends in.
pub(super) fn of(text: &str) -> Option<Effort> {
    let text = text.trim_end().trim_end_matches([':', '.', '~']).trim_end();
    let (_, inside) = text.strip_suffix([')', '）'])?.rsplit_once(['(', '（'])?;
    inside.split([',', ';', '·']).find_map(span)
}

/// `4h`, `2-3h`, `1h–90m`, `약 2시간`.
fn span(part: &str) -> Option<Effort> {
    let part = part.trim().to_lowercase();
    let part = ABOUT.iter().find_map(|word| part.strip_prefix(word)).unwrap_or(&part).trim();
    let Some((from, to)) = part.split_once(['-', '–', '—', '~', '〜']) else {
        return amount(part).map(|minutes| Effort { least: minutes, most: minutes });
    };
    let (from, to) = (from.trim(), to.trim());
    let most = amount(to)?;
    // The first of two may leave its unit to the second.
    let least = match from.ends_with(|c: char| c.is_ascii_digit()) {
        true => amount(&format!("{from}{}", to.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')))?,
        false => amount(from)?,
    };
    (least <= most).then_some(Effort { least, most })
}

/// Minutes of `1.5h`, `1h 30m`, `90분`.
fn amount(text: &str) -> Option<u64> {
    let (mut minutes, mut rest) = (0, text.trim());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|length| (1..=7).contains(length))?;
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let length = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(length);
        let (_, size) = UNITS.iter().find(|(names, _)| names.split(' ').any(|name| name == unit))?;
        minutes += hundredths(number)?.checked_mul(*size).filter(|whole| whole % 100 == 0)? / 100;
        rest = next.trim_start();
    }
    Some(minutes)
}

/// A number with at most two decimals, times a hundred.
fn hundredths(number: &str) -> Option<u64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let part = if part.len() == 1 { format!("{part}0") } else { part.to_owned() };
    let is_number = part.len() == 2 && part.chars().all(|c| c.is_ascii_digit());
    Some(whole.parse::<u64>().ok()? * 100 + part.parse::<u64>().ok().filter(|_| is_number)?)
}

const ABOUT: [&str; 6] = ["about ", "approx. ", "ca. ", "est. ", "~", "약 "];

/// What units are called, and their minutes. A day of work has eight hours, a week five days.
const UNITS: [(&str, u64); 4] = [
    ("m min mins minute minutes 분", 1),
    ("h hr hrs hour hours 시간", 60),
    ("d day days 일", 8 * 60),
    ("w week weeks 주", 5 * 8 * 60),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_is_what_the_last_parentheses_say() {
        let cases = "Set up (4h)=240-240|a (2-3h)=120-180|a (30m)=30-30|a (1d)=480-480|설정 (4시간)=240-240|a (Optional, 2h)=120-120|\
            a (1.5h)=90-90|a (1h 30m)=90-90|a (30m-1h):=30-60|a (1–2 days)=480-960|a （약 90분）=90-90|a (1w)=2400-2400|a (x) (5 min)=5-5|\
            a (~2 hours).=120-120|a (2시간~3시간)=120-180|a (0h)=0-0|a (1.25h)=75-75";
        for (text, expected) in cases.split('|').filter_map(|case| case.split_once('=')) {
            let found = of(text).map(|effort| format!("{}-{}", effort.least, effort.most));
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_in_parentheses_is_none() {
        for text in "a|a (4h) b|a (Continuous)|a (6/6)|a (3h-2h)|a (Day 1 of 3-day sprint)|a (2 developers)|a (4)|a (h)|a (1.555h)|\
            a (1.01m)|a (99999999h)|a (-4h)|a (4h|a ()|(n/a: 4 hosts)|a (100% h)|a (1..5h)|a (.h)|a (4hh)"
            .split('|')
        {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
