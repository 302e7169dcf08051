//! Reports of Google Lighthouse: the scores of a page's audits.
//!
//! Source: `docs/understanding-results.md` of Lighthouse ("Lighthouse Result Object"). A score lies between 0
//! and 1 and is shown as percent; where an audit failed to run it is null.

use chrono::DateTime;

use super::bounds::{self, short};
use super::json_text::{self, member, members};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::quantity::Quantity;
use crate::id::Timestamp;

pub(super) const READER: Reader = Reader {
    format: "lighthouse",
    about: "a Lighthouse report in JSON (--output=json)",
    facts: &[
        "lighthouse_version",
        "url",
        "requested_url",
        "fetched_at",
        "performance",
        "accessibility",
        "best_practices",
        "seo",
        "warnings",
    ],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let head = bounds::head(input.bytes);
    head.trim_start().starts_with('{') && head.contains("\"lighthouseVersion\"")
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let report = bounds::decode(input.bytes, "a Lighthouse report")?;
    json_text::check(&report)?;
    // Members know no lines; what is wrong is named instead.
    facts(&report).map_err(ReadError::whole)
}

fn facts(report: &str) -> Result<Facts, String> {
    let report = members(report)?;
    let version = text(&report, "lighthouseVersion")?.ok_or("has no lighthouseVersion: it is no Lighthouse report")?;
    if let Some(error) = member(&report, "runtimeError").map(members).transpose()? {
        let code = text(&error, "code")?.unwrap_or_default();
        // Before version 5 a report without an error says so.
        if code != "NO_ERROR" {
            let why = text(&error, "message")?.unwrap_or_default();
            return Err(format!("tells of a run that failed: {} {}", short(&code), short(&why)));
        }
    }
    let requested = text(&report, "requestedUrl")?;
    // What was shown in the end, after redirects; its name changed with version 10.
    let shown = text(&report, "finalDisplayedUrl")?.or(text(&report, "finalUrl")?).or_else(|| requested.clone());
    let fetched = text(&report, "fetchTime")?.ok_or("has no fetchTime")?;
    let mut facts = Facts::from([
        ("lighthouse_version".to_owned(), bounds::fact("lighthouseVersion", &version)?),
        ("url".to_owned(), bounds::fact("finalUrl", &shown.ok_or("has no finalUrl")?)?),
        ("fetched_at".to_owned(), Fact::Text(instant(&fetched)?)),
        ("warnings".to_owned(), Fact::from(warnings(&report)?)),
    ]);
    if let Some(requested) = requested {
        facts.insert("requested_url".to_owned(), bounds::fact("requestedUrl", &requested)?);
    }
    let categories = members(member(&report, "categories").ok_or("has no categories")?)?;
    let before = facts.len();
    for (name, id) in CATEGORIES {
        let category = member(&categories, id).map(members).transpose()?.unwrap_or_default();
        if let Some(score) = member(&category, "score") {
            let percent = percent(score).ok_or_else(|| format!("has a score of {} for {id}", short(score)))?;
            facts.insert(name.to_owned(), Fact::from(&percent));
        }
    }
    if facts.len() == before {
        return Err("holds no score: a report of nothing proves nothing".to_owned());
    }
    Ok(facts)
}

fn text(members: &[(String, &str)], name: &str) -> Result<Option<String>, String> {
    let Some(value) = member(members, name) else { return Ok(None) };
    json_text::text(value).map(Some).ok_or_else(|| format!("has a {name} that is no text"))
}

/// `2025-10-04T00:12:33.123Z`, as the ledger writes instants.
fn instant(fetched: &str) -> Result<String, String> {
    let wrong = || format!("has a fetchTime {:?} that is no instant", short(fetched));
    let instant = DateTime::parse_from_rfc3339(fetched).map_err(|_| wrong())?;
    Timestamp::from_seconds(instant.timestamp()).map(|instant| instant.to_string()).map_err(|_| wrong())
}

fn warnings(report: &[(String, &str)]) -> Result<usize, String> {
    let Some(list) = member(report, "runWarnings") else { return Ok(0) };
    let list: Vec<serde::de::IgnoredAny> =
        serde_json::from_str(list).map_err(|_| "has runWarnings that are no list".to_owned())?;
    Ok(list.len())
}

/// A score from 0 to 1, its point two places to the right.
fn percent(score: &str) -> Option<Quantity> {
    let (whole, part) = score.split_once('.').unwrap_or((score, ""));
    let is_one = whole == "1" && part.bytes().all(|digit| digit == b'0');
    let places = format!("{part:0<2}");
    let (front, rest) = places.split_at_checked(2)?;
    let point = if rest.is_empty() { "" } else { "." };
    Quantity::of(&format!("{whole}{front}{point}{rest}"), "%").filter(|_| whole == "0" || is_one)
}

/// Our names and theirs.
const CATEGORIES: [(&str, &str); 4] = [
    ("performance", "performance"),
    ("accessibility", "accessibility"),
    ("best_practices", "best-practices"),
    ("seo", "seo"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{
  "lighthouseVersion": "12.2.1",
  "requestedUrl": "https://stage.acme.example/",
  "mainDocumentUrl": "https://stage.acme.example/home",
  "finalDisplayedUrl": "https://stage.acme.example/home",
  "fetchTime": "2025-10-04T00:12:33.123Z",
  "gatherMode": "navigation",
  "runWarnings": ["The page may not be loading as expected"],
  "userAgent": "Mozilla/5.0",
  "audits": {"first-contentful-paint": {"score": 0.99, "numericValue": 912.3000000000001}},
  "categories": {
    "performance": {"title": "Performance", "auditRefs": [{"id": "x", "weight": 10}], "id": "performance", "score": 0.87},
    "accessibility": {"title": "Accessibility", "score": 1},
    "best-practices": {"score": 0.9},
    "seo": {"score": 0}
  }
}"#;

    fn report(text: &str) -> Result<String, ReadError> {
        read(&Input::plain("report.json", text.as_bytes())).map(|facts| Fact::Group(facts).to_string())
    }

    fn refused(text: &str, why: &str) {
        let error = report(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn scores_are_exact_percents() {
        let expected = "{accessibility=100 % best_practices=90 % fetched_at=2025-10-04T00:12:33Z lighthouse_version=12.2.1 \
            performance=87 % requested_url=https://stage.acme.example/ seo=0 % url=https://stage.acme.example/home warnings=1}";
        assert_eq!(report(REPORT).unwrap(), expected);
        for (score, shown) in
            [("0.875", "87.5 %"), ("0.070", "7 %"), ("1.00", "100 %"), ("0.5", "50 %"), ("0.001", "0.1 %")]
        {
            assert_eq!(percent(score).unwrap().to_string(), shown, "{score}");
        }
        for bad in ["1.01", "87", "-0.5", "8.7e-1", "\"0.87\"", "true", "", "2", "0.1234567890123456789"] {
            assert_eq!(percent(bad), None, "{bad}");
        }
        refused(&REPORT.replace("0.87", "87"), "a score of 87 for performance");
    }

    #[test]
    fn a_score_that_is_null_is_no_fact() {
        let without = report(&REPORT.replace("0.87}", "null}")).unwrap();
        assert!(!without.contains("performance=") && without.contains("seo=0 %"));
        let none = REPORT.replace("0.87}", "null}").replace(": 1}", ": null}").replace(": 0.9}", ": null}");
        refused(&none.replace(": 0}", ": null}"), "holds no score");
        refused(&REPORT.replace("\"categories\"", "\"category\""), "has no categories");
    }

    #[test]
    fn a_run_that_failed_is_refused() {
        let with =
            |error: &str| REPORT.replace("\"gatherMode\"", &format!("\"runtimeError\": {error}, \"gatherMode\""));
        let failed = with(r#"{"code": "ERRORED_DOCUMENT_REQUEST", "message": "(Status code: 500)"}"#);
        refused(&failed, "failed: ERRORED_DOCUMENT_REQUEST (Status code: 500)");
        for other in ["{}", "1", "[]", "\"no\"", r#"{"message": "x"}"#] {
            refused(&with(other), "tells of a run that failed");
        }
        assert_eq!(report(&with("null")), report(REPORT));
        assert_eq!(report(&with(r#"{"code": "NO_ERROR", "message": ""}"#)), report(REPORT));
    }

    #[test]
    fn what_is_no_whole_report_is_refused() {
        refused(&REPORT[..REPORT.len() - 2], "line 16: is not the JSON it should be");
        refused("{}", "no lighthouseVersion");
        refused("", "not the JSON");
        refused("[]", "no lighthouseVersion");
        refused(&REPORT.replace("\"seo\"", "\"performance\""), "gives \"performance\" twice");
        refused(&REPORT.replace("\"12.2.1\"", "12"), "lighthouseVersion that is no text");
        refused(&REPORT.replace("00:12:33.123Z", "00:12"), "no instant");
        refused(&REPORT.replace("[\"The page may not be loading as expected\"]", "3"), "no list");
        refused(
            &REPORT.replace("/home\",\n  \"fetch", &format!("{}\",\n  \"fetch", "/a".repeat(1000))),
            "1 to 1000 are read",
        );
        let old = REPORT.replace("finalDisplayedUrl", "finalUrl");
        assert_eq!(report(&old), report(REPORT));
    }

    #[test]
    fn looks_like_needs_the_version() {
        let looks = |text: &str| looks_like(&Input::plain("a.json", text.as_bytes()));
        assert!(looks(REPORT) && !looks("{\"version\": 1}") && !looks("see \"lighthouseVersion\""));
    }
}
