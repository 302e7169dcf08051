//! Values that stand in many places of a policy: names, templates, choices, times.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;

use super::Template;
use crate::findings::{Findings, Table};
use crate::id::{Name, Timestamp};
use crate::sign::roster::checked;

pub fn names(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Vec<Name> {
    let texts = table.texts(key, findings);
    texts.into_iter().filter_map(|(text, span)| checked(Name::parse(text), span, findings)).collect()
}

/// `role` and `roles` mean the same: one or several.
pub fn roles(table: &mut Table<'_, '_>, findings: &mut Findings) -> Vec<Name> {
    let mut roles = names(table, "role", findings);
    roles.extend(names(table, "roles", findings));
    roles
}

pub fn name(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Option<Name> {
    let text = table.text(key, findings)?;
    checked(Name::parse(text), table.span_of(key), findings)
}

pub fn required_name(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Option<Name> {
    let text = table.required(key, findings)?;
    checked(Name::parse(text), table.span_of(key), findings)
}

pub fn template(
    table: &mut Table<'_, '_>,
    key: &'static str,
    allowed: &[&str],
    findings: &mut Findings,
) -> Option<Template> {
    let text = table.text(key, findings)?;
    checked(Template::parse(text, allowed), table.span_of(key), findings)
}

/// A path inside the source tree, with forward slashes.
pub fn path_template(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Option<Template> {
    let path = template(table, key, &["version"], findings)?;
    let text = path.to_string();
    if text.contains(['\\', ':']) || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        findings.add(table.span_of(key), format!("`{key}` must be a path inside the repository, with forward slashes"));
    }
    Some(path)
}

pub fn choice<T: Copy>(
    table: &mut Table<'_, '_>,
    key: &'static str,
    choices: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let text = table.text(key, findings)?;
    let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if chosen.is_none() {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
        findings.add(table.span_of(key), format!("`{key}` must be {}", words.join(" or ")));
    }
    chosen
}

/// A length of time in seconds.
pub fn duration(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Option<i64> {
    let text = table.text(key, findings)?;
    checked(seconds(text), table.span_of(key), findings)
}

pub fn required_duration(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Option<i64> {
    let text = table.required(key, findings)?;
    checked(seconds(text), table.span_of(key), findings)
}

/// An instant with its offset (RFC 3339).
pub fn required_instant(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Option<Timestamp> {
    let text = table.required(key, findings)?;
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|error| format!("{text:?} is no instant with its offset, such as 2025-12-20T18:00:00+09:00: {error}"));
    let instant = checked(instant, table.span_of(key), findings)?;
    checked(Timestamp::from_seconds(instant.timestamp()), table.span_of(key), findings)
}

/// An end somebody typed: `7d` from now, a day (its end, in a zone), or an instant with its offset.
pub fn until(text: &str, now: Timestamp, zone: Tz) -> Result<Timestamp, String> {
    let invalid = || format!("{text:?} is no end: write 7d, 2025-10-14 or 2025-10-14T18:00:00+09:00");
    if let Ok(length) = seconds(text) {
        return Timestamp::from_seconds(now.seconds().saturating_add(length)).map_err(|_| invalid());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.succ_opt());
    let instant = match day {
        Some(next) => zone.from_local_datetime(&next.and_time(NaiveTime::MIN)).earliest().map(|end| end.timestamp()),
        None => DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp()),
    };
    instant.and_then(|instant| Timestamp::from_seconds(instant).ok()).ok_or_else(invalid)
}

/// `90m`, `24h`, `7d`, `2w`: a whole number of minutes, hours, days or weeks, in seconds.
pub fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no duration: write 90m, 24h, 7d or 2w");
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    if count == 0 { Err(wrong()) } else { Ok(i64::from(count) * unit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_length_a_day_or_an_instant() {
        let now = Timestamp::parse("2025-10-04T00:00:00Z").unwrap();
        let until = |text| until(text, now, chrono_tz::Asia::Seoul).map(|end| end.to_string());
        for (text, end) in [
            ("90m", "2025-10-04T01:30:00Z"),
            ("2w", "2025-10-18T00:00:00Z"),
            ("2025-10-14", "2025-10-14T15:00:00Z"),
            ("2025-10-14T18:00:00+09:00", "2025-10-14T09:00:00Z"),
        ] {
            assert_eq!(until(text).as_deref(), Ok(end), "{text}");
        }
        for bad in ["", "0d", "7", "tomorrow", "2025-02-30", "2025-10-14 18:00", "9999999999w"] {
            assert!(until(bad).is_err(), "{bad}");
        }
    }
}
