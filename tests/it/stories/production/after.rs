//! After going live: three windows, and what is set aside.

use super::{RELEASE, live, watches};
use crate::steps::says_all;
use crate::stories::{brings, ends_well, is_met, is_refused, passes};

#[test]
fn three_windows_are_closed_each_in_its_own_time() {
    let mut story = live();
    says_all(&story.types("lee", "sign closed --yes", 1), &["first-hour", "response", "first-day", "first-week"]);
    says_all(&story.types("", "due", 0), &["first-hour", "2025-10-09T02:00"]);
    watches(&mut story, "first-day", &["First hour", "First day"]);
    is_refused(&mut story, ("closed", "first-day"), &["it begins at"]);
    brings(&mut story, "han", ("closed", "response"), "latency_avg = 120 ms\nerror_rate = 0.2 %\n");
    watches(&mut story, "first-hour", &[]);
    is_refused(&mut story, ("closed", "first-hour"), &["open is 2"]);
    story.after("25m");
    brings(&mut story, "han", ("closed", "response"), "latency_avg = 200 ms\nerror_rate = 0.2 %\n");
    is_refused(&mut story, ("closed", "response"), &["latency_avg is 200 ms"]);
    brings(&mut story, "han", ("closed", "response"), "latency_p95 = 190 ms\nerror_rate = 0.2 %\n");
    is_refused(&mut story, ("closed", "response"), &["latency_avg is absent"]);
    brings(&mut story, "han", ("closed", "response"), "latency_avg = 130 ms\nerror_rate = 0.2 %\n");
    watches(&mut story, "first-hour", &["First hour"]);
    is_met(&mut story, ("closed", "first-hour"));
    story.at("2025-10-09T10:50:00+09:00");
    brings(&mut story, "han", ("closed", "response"), "latency_avg = 110 ms\nerror_rate = 0.1 %\n");
    story.at("2025-10-09T18:00:00+09:00");
    is_met(&mut story, ("closed", "response"));
    watches(&mut story, "first-day", &["First hour", "First day"]);
    is_met(&mut story, ("closed", "first-day"));
    says_all(&story.types("lee", "sign closed --yes", 1), &["first-week"]);
    story.at("2025-10-12T10:00:00+09:00");
    watches(&mut story, "first-week", &["First hour", "First day", "First week"]);
    passes(&mut story, "closed", &["lee"]);
    story.types("", "docs --check", 1);
    story.types("lee", "docs --write", 0);
    says_all(&story.repo.read("docs/roadmap.md"), &["- [x] Released to production"]);
    ends_well(&mut story, RELEASE, &["운영 개시", "배포 종료"], &["Go-live", "Production_Closed_20251009"]);
}

#[test]
fn a_window_that_was_missed_is_waived_by_who_may_and_only_until_then() {
    let mut story = live();
    for minutes in ["5m", "20m", "20m"] {
        story.after(minutes);
        brings(&mut story, "han", ("closed", "response"), "latency_avg = 120 ms\nerror_rate = 0.2 %\n");
    }
    watches(&mut story, "first-hour", &["First hour"]);
    story.at("2025-10-10T10:30:00+09:00");
    watches(&mut story, "first-day", &["First hour", "First day"]);
    is_refused(&mut story, ("closed", "first-day"), &["the time is over", "1 too late"]);
    watches(&mut story, "first-week", &["First hour", "First day", "First week"]);
    let line = "waive first-day --gate closed --until 7d -m \"nobody was on duty\" --yes";
    says_all(&story.types("han", line, 1), &["SUPPORT-HAN is not release-owner"]);
    says_all(&story.types("lee", &line.replace("7d", "15d"), 1), &["longer than 14 d"]);
    says_all(
        &story.types("lee", &line.replace("waive first-day", "waive first-hour"), 1),
        &["only first-day, first-week may be waived"],
    );
    story.types("lee", line, 0);
    passes(&mut story, "closed", &["lee"]);
    story.after("8d");
    says_all(&story.types("", "check closed", 1), &["expired"]);
    ends_well(&mut story, RELEASE, &["nobody was on duty"], &["nobody was on duty"]);
}
