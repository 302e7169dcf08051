//! A roadmap to production: phases whose own boxes count, a deployment approved by hand, and controls that come again.

use super::{all_end_well, begin};
use crate::steps::says_all;
use crate::support::clock::Story;

const TESTS: &str = "<testsuite><testcase name=\"api\"/><testcase name=\"ui\"/></testsuite>";
const COVERAGE: &str = "<coverage><packages><package><classes><class filename=\"a.py\"><lines>\
    <line number=\"1\" hits=\"1\"/><line number=\"2\" hits=\"1\"/><line number=\"3\" hits=\"1\"/><line number=\"4\" hits=\"0\"/>\
    </lines></class></classes></package></packages></coverage>";
const SCAN: &str = "{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"scan\"}},\"invocations\":[{\"executionSuccessful\":true}],\"results\":[]}]}";
const UP: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"database\":\"ok\"}";
const ROADMAP: &str = "\
# Towards production

Standing: **90% (9/10 tasks)**

| Phase | State |
|---|---|
| Quality | ⚠️ 80% |

## CI/CD ✅
1. **Workflow** (4h)
   - [x] builds on every change
   - [x] Images are pushed
2. **Builds** (3h)
   - [x] Layers are cached

**Success criteria**:
- [x] All tests run on every change
- [ ] Done within a quarter of an hour

## Monitoring
1. **Metrics** (3h)
   - [x] Collected from staging
2. **Optional: logs in one place** (2h)
   - [ ] Logs can be searched

## Environment
- [x] Firewall
- [x] Settings without secrets in them

## Frontend
- [x] Both frontends use the package
- [ ] Changelog

## Afterwards
- [x] Runbook says what is really set
";
const FINAL: &str = "\
# Before it is called ready

**Quality** ✅:
- [x] All tasks of the phases are complete (25/26 = 96%)
- [x] 56/56 tests

**Documents** ✅:
- [ ] Everybody was trained
";
const READY: &str = "\
# Before it is called ready

**Quality**:
- [x] All tasks of the phases are complete (26/26 = 100%)
- [x] 56/56 tests

**Documents**:
- [x] Everybody was trained
";

/// The source tree at the kick-off, a Monday in Seoul.
fn prepared() -> Story {
    let mut story = begin("roadmap", "2025-10-13T09:00:00+09:00");
    story.repo.write("docs/roadmap.md", ROADMAP);
    story.repo.write("docs/final_checklist.md", FINAL);
    story.repo.write("docs/security_checklist.template.md", "- [ ] Secrets are long enough\n- [ ] LDAP over TLS\n");
    story.repo.write("docs/security_checklist.md", "- [x] Secrets are long enough\n");
    for every in ["daily", "weekly"] {
        story.repo.write(&format!("docs/operations/{every}.template.md"), "- [ ] dashboards\n- [ ] alarms\n");
        story.repo.write(&format!("docs/operations/{every}.md"), "- [x] dashboards\n- [x] alarms\n");
    }
    story.repo.write("docs/retrospective.md", "# Later\n");
    story.repo.write("build/images_2.0.tar", "layers of 2.0");
    story.repo.write("build/images_2.1.tar", "layers of 2.1");
    story.repo.write("build/images_2.2.tar", "layers of 2.2");
    story.commits("kick-off");
    story.types("", "policy check", 0);
    story
}

/// The roadmap with every box of every phase ticked, and the optional ones as what they are.
fn all_ticked() -> String {
    let done = ROADMAP.replace("[ ] Logs can be searched", "[x] Logs can be searched (n/a: the host keeps 30 days)");
    done.replace("[ ]", "[x]")
}

fn passes(story: &mut Story, who: &str, gate: &str) {
    story.types(who, &format!("sign {gate} --yes"), 0);
    story.types(who, &format!("promote {gate}"), 0);
}

fn cicd(story: &mut Story, release: &str) {
    story.types("min", &format!("open platform/cicd --release {release}"), 0);
    story.types("min", "record tasks --gate platform/cicd", 0);
    story.brings("ci", "tests of platform/cicd", TESTS);
    story.brings("ci", "coverage of platform/cicd", COVERAGE);
    story.brings("ci", "scan", SCAN);
    story.brings("ci", "duration", "pipeline_max = 12 min\n");
    story.types("ci", "record images", 0);
}

fn monitoring(story: &mut Story, release: &str) {
    story.types("min", &format!("open monitoring --release {release}"), 0);
    story.types("min", "record tasks --gate monitoring", 0);
    story.brings("min", "prometheus", UP);
    story.brings("min", "dashboard", UP);
    story.brings("min", "alert-test", "backend stopped at 10:02, message in the channel at 10:03\n");
    story.types("han", "sign monitoring --yes", 0);
    passes(story, "min", "monitoring");
}

fn environment(story: &mut Story, release: &str) {
    story
        .repo
        .write("docs/security_checklist.md", "- [x] Secrets are long enough\n- [x] LDAP over TLS (n/a: no LDAP)\n");
    story.types("min", &format!("open environment --release {release}"), 0);
    story.types("min", "record tasks --gate environment", 0);
    story.types("min", "record security", 0);
    story.brings("min", "https", &over_https());
}

/// What `curl -i -w '%{json}'` shows of a page that was reached over TLS.
fn over_https() -> String {
    format!("{UP}{{\"http_code\":200,\"url_effective\":\"https://api.acme.example/\"}}")
}

fn drill(story: &mut Story, quarter: &str) {
    story.types("min", &format!("open drill --release {quarter}"), 0);
    story.brings("min", "restored", "recovery_total = 41 min\nrecords_lost = 0\n");
    story.types("min", "run rolled-back -- true", 0);
    story.brings("min", "load-test", LOAD);
    passes(story, "min", "drill");
}

/// Live has everything but its approvals.
fn deployed(story: &mut Story, release: &str) {
    story.types("min", &format!("open live --release {release}"), 0);
    story.types("kim", "record final-checklist", 0);
    story.brings("ci", "deployment", "deployment_total = 3.5 min\ndowntime_total = 0 s\n");
    story.types("ci", "run smoke -- true", 0);
    story.brings("ci", "performance", "api_p95 = 310 ms\npage_load_p95 = 1.4 s\n");
}

/// Two people approve by hand, and one of them promotes.
fn goes_live(story: &mut Story) {
    story.answers("min", "sign live", "live\n", 0);
    story.answers("han", "sign live", "live\n", 0);
    story.types("min", "promote live", 0);
}

/// Release 2.0 is in production.
fn live() -> Story {
    let mut story = prepared();
    story.repo.write("docs/roadmap.md", all_ticked());
    story.repo.write("docs/final_checklist.md", READY);
    cicd(&mut story, "2.0");
    passes(&mut story, "min", "cicd");
    monitoring(&mut story, "2.0");
    environment(&mut story, "2.0");
    passes(&mut story, "min", "environment");
    drill(&mut story, "2025-Q4");
    deployed(&mut story, "2.0");
    goes_live(&mut story);
    story
}

const LOAD: &str = "\
This is ApacheBench, Version 2.3 <$Revision: 1903618 $>

Server Hostname:        api.acme.example
Document Path:          /api/health
Document Length:        17 bytes

Concurrency Level:      100
Time taken for tests:   8.000 seconds
Complete requests:      10000
Failed requests:        0
Requests per second:    1250.00 [#/sec] (mean)
Time per request:       80.000 [ms] (mean)
Time per request:       0.800 [ms] (mean, across all concurrent requests)

Percentage of the requests served within a certain time (ms)
  50%     70
  66%     80
  75%     90
  80%     95
  90%    120
  95%    180
  98%    220
  99%    260
 100%    400 (longest request)
";

#[test]
fn the_roadmap_is_counted_box_by_box_and_phase_by_phase() {
    let mut story = prepared();
    cicd(&mut story, "2.0");
    let said = story.types("min", "sign cicd --yes", 1);
    says_all(&said, &["tasks", "open is 1", "1 of"]);
    let facts = story.json("facts docs/roadmap.md");
    assert_eq!((&facts["facts"]["claims"], &facts["facts"]["heading_ticks"]), (&1.into(), &1.into()), "{facts:#}");
    let phase = &facts["facts"]["sections"]["Towards production › CI/CD ✅"];
    assert_eq!((&phase["open"], &phase["done"]), (&1.into(), &4.into()), "nested boxes and criteria are of the phase");
    story.repo.write("docs/roadmap.md", ROADMAP.replace("[ ] Done", "[x] Done"));
    story.types("min", "record tasks --gate platform/cicd", 0);
    assert_eq!(story.state("cicd", "tasks"), "satisfied", "the boxes of other phases are of other gates");
    for (slot, bad, why) in [
        ("tests", TESTS.replace("\"ui\"/>", "\"ui\"><skipped/></testcase>"), "skipped is 1"),
        ("coverage", COVERAGE.replace("\"3\" hits=\"1\"", "\"3\" hits=\"0\""), "line is 50 %"),
        ("scan", SCAN.replace("true", "false"), "complete is false"),
        ("duration", "pipeline_max = 15 min\n".to_owned(), "pipeline_max is 15 min"),
    ] {
        story.brings("ci", &format!("{slot} of platform/cicd"), &bad);
        says_all(&story.types("min", "sign cicd --yes", 1), &[slot, why]);
    }
    for (slot, good) in
        [("tests", TESTS), ("coverage", COVERAGE), ("scan", SCAN), ("duration", "pipeline_max = 9 min\n")]
    {
        story.brings("ci", &format!("{slot} of platform/cicd"), good);
    }
    says_all(&story.types("kim", "sign cicd --yes", 1), &["devops"]);
    passes(&mut story, "min", "cicd");
    // What is optional and was not done says why, or counts as open.
    story.types("min", "open monitoring --release 2.0", 0);
    story.types("min", "record tasks --gate monitoring", 0);
    says_all(&story.has("monitoring", "tasks"), &["open is 1"]);
    story.repo.write("docs/roadmap.md", all_ticked().replace(" (n/a: the host keeps 30 days)", " (n/a)"));
    story.types("min", "record tasks --gate monitoring", 0);
    says_all(&story.has("monitoring", "tasks"), &["open is 1"]);
    story.repo.write("docs/roadmap.md", all_ticked());
    story.types("min", "record tasks --gate monitoring", 0);
    assert_eq!(story.state("monitoring", "tasks"), "satisfied");
    story.types("", "verify", 0);
}

#[test]
fn production_waits_for_the_platform_and_not_for_the_frontend() {
    let mut story = prepared();
    story.repo.write("docs/roadmap.md", all_ticked());
    environment(&mut story, "2.0");
    let said = story.types("min", "sign environment --yes", 1);
    says_all(&said, &["platform/cicd is not promoted", "platform/monitoring is not promoted"]);
    cicd(&mut story, "2.0");
    passes(&mut story, "min", "cicd");
    monitoring(&mut story, "2.0");
    // A line of the security checklist that is gone is open, and so is one ticked without a reason.
    story.repo.write("docs/security_checklist.md", "- [x] Secrets are long enough\n");
    story.types("min", "record security", 0);
    says_all(&story.types("min", "sign environment --yes", 1), &["security", "open is 1"]);
    story
        .repo
        .write("docs/security_checklist.md", "- [x] Secrets are long enough\n- [x] LDAP over TLS (n/a: no LDAP)\n");
    story.types("min", "record security", 0);
    story.brings("min", "https", &over_https().replace("https://", "http://"));
    says_all(&story.types("min", "sign environment --yes", 1), &["url is http://"]);
    story.brings("min", "https", &over_https());
    passes(&mut story, "min", "environment");
    // The first track goes its own way: both developers, and no larger bundle.
    story.types("kim", "open shared --release 2.0", 0);
    story.types("kim", "record tasks --gate shared", 0);
    story.brings("ci", "tests of shared", TESTS);
    story.brings("ci", "size", "bundle_growth = 10 %\n");
    says_all(&story.types("kim", "sign shared --yes", 1), &["bundle_growth is 10 %"]);
    story.brings("ci", "size", "bundle_growth = 4 %\n");
    story.types("kim", "sign shared --yes", 0);
    let said = story.types("kim", "promote shared", 1);
    says_all(&said, &["1 of 2: Kim", "who   BACKEND-HAN (Han)"]);
    passes(&mut story, "han", "shared");
    story.types("", "verify", 0);
}

#[test]
fn a_final_checklist_that_says_more_than_is_true_opens_nothing() {
    let mut story = live();
    story.repo.write("docs/final_checklist.md", FINAL);
    story.types("kim", "record final-checklist --gate live", 0);
    let said = story.types("", "check live", 1);
    says_all(&said, &["final-checklist", "open is 1"]);
    let remarks = story.types("", "facts docs/final_checklist.md --format checklist --items", 0);
    says_all(&remarks, &["25/26", "false", "Documents"]);
    story.repo.write("docs/final_checklist.md", FINAL.replace("[ ]", "[x]"));
    story.types("kim", "record final-checklist --gate live", 0);
    says_all(&story.has("live", "final-checklist"), &["false_claims is 1"]);
    story.repo.write("docs/final_checklist.md", READY.replace("26/26 = 100%", "25/26 = 100%"));
    story.types("kim", "record final-checklist --gate live", 0);
    says_all(&story.has("live", "final-checklist"), &["false_claims is 1"]);
}

#[test]
fn a_deployment_is_approved_by_two_people_by_hand_after_a_recent_drill() {
    let mut story = prepared();
    story.repo.write("docs/roadmap.md", all_ticked());
    story.repo.write("docs/final_checklist.md", READY);
    drill(&mut story, "2025-Q4");
    cicd(&mut story, "2.0");
    passes(&mut story, "min", "cicd");
    monitoring(&mut story, "2.0");
    environment(&mut story, "2.0");
    passes(&mut story, "min", "environment");
    story.at("2026-01-12T09:00:00+09:00");
    deployed(&mut story, "2.0");
    let said = story.types("min", "sign live --yes", 1);
    says_all(&said, &["quarterly/drill", "too long ago", "ledger open quarterly/drill --release NEXT"]);
    drill(&mut story, "2026-Q1");
    says_all(&story.types("min", "sign live --yes", 1), &["terminal"]);
    says_all(&story.types("lee", "sign live --yes", 1), &["backend-lead"]);
    story.brings("ci", "deployment", "deployment_total = 5 min\ndowntime_total = 12 s\n");
    says_all(&story.has("live", "deployment"), &["deployment_total is 5 min"]);
    story.brings("ci", "deployment", "deployment_total = 3 min\ndowntime_total = 0 s\n");
    says_all(&story.has("live", "smoke"), &["before deployment was met"]);
    story.types("ci", "run smoke -- true", 0);
    story.brings("ci", "performance", "api_mean = 180 ms\npage_load_p95 = 1.4 s\n");
    says_all(&story.has("live", "performance"), &["api_p95 is absent"]);
    story.brings("ci", "performance", "api_p95 = 310 ms\npage_load_p95 = 1.4 s\n");
    story.answers("min", "sign live", "live\n", 0);
    says_all(&story.types("min", "promote live", 1), &["verified", "backend-lead"]);
    story.answers("han", "sign live", "live\n", 0);
    story.types("min", "promote live", 0);
    story.types("", "verify", 0);
}

#[test]
fn the_first_day_is_read_hour_by_hour_and_controls_come_again() {
    let mut story = live();
    story.types("han", "open closed --release 2.0", 0);
    for hour in 0..24 {
        story.after("59m");
        story.brings("han", "error-log", if hour == 3 { "errors_total = 2\n" } else { "errors_total = 0\n" });
        if hour == 3 {
            says_all(&story.has("closed", "error-log"), &["errors_total is 2"]);
            story.brings("han", "error-log", "errors_total = 0\n");
        }
    }
    story.after("40m");
    assert_eq!(story.state("closed", "error-log"), "satisfied");
    story.brings("min", "uptime", "uptime_mean = 99.95 %\n");
    story.types("kim", "record lessons", 0);
    says_all(&story.types("kim", "sign closed --yes", 1), &["lessons"]);
    story.repo.write("docs/retrospective.md", "# What we learned\n\nThe new images start faster than the old ones, and nobody knew who to call in the first hour after midnight.\n\n## What follows\n\nA list of people by the hour.\n");
    story.types("kim", "record lessons", 0);
    story.types("min", "record tasks --gate closed", 0);
    story.types("kim", "sign closed --yes", 0);
    story.types("lee", "sign closed --yes", 0);
    says_all(&story.types("lee", "promote closed", 1), &["2 of 3"]);
    passes(&mut story, "han", "closed");

    story.types("min", "open operated --release 2.0", 0);
    let said = story.types("min", "sign operated --yes", 1);
    says_all(&said, &["daily/round is not promoted", "weekly/round is not promoted", "monthly/round is not promoted"]);
    round(&mut story, "daily", "2025-10-14");
    round(&mut story, "weekly", "2025-W42");
    round(&mut story, "monthly", "2025-10");
    passes(&mut story, "min", "operated");
    story.types("", "due", 0);
    story.after("3d");
    let due = story.types("", "due", 1);
    says_all(&due, &["production/operated", "daily.round", "ledger open daily/round --release NEXT", "1 overdue"]);
    round(&mut story, "daily", "2025-10-17");
    story.types("", "due", 0);
    story.after("6d");
    says_all(&story.types("", "due", 1), &["daily.round", "weekly.round", "2 overdue"]);
    story.after("25d");
    says_all(&story.types("", "due", 1), &["daily.round", "weekly.round", "monthly.round", "3 overdue"]);
    story.after("60d");
    says_all(&story.types("", "due", 1), &["quarterly.drill"]);
    says_all(&story.types("", "check operated", 1), &["too long ago"]);
    let [korean, english] = all_end_well(&mut story, &["platform", "production"], "2.0");
    says_all(&korean, &["운영 배포", "CI/CD 구축", "안정화 완료"]);
    says_all(&english, &["Live", "Production_Closed_20251013", "docs/operations/rollback.md"]);
}

fn round(story: &mut Story, every: &str, name: &str) {
    story.types("min", &format!("open {every}/round --release {name}"), 0);
    let of = |slot: &str| format!("{slot} of {every}/round");
    match every {
        "daily" => drop(story.types("min", "record dashboards", 0)),
        "weekly" => {
            story.types("min", "record list", 0);
            story.brings("min", &of("backup"), &format!("{}  backup_20251014.sql\n", "ab".repeat(32)));
            story.brings("ci", &of("coverage"), COVERAGE);
        }
        _ => {
            let change = "{\"system\":\"auth\",\"key\":\"jwt.key_id\",\"old\":\"k7\",\"new\":\"k8\",\"by\":\"min\"}";
            story.brings("min", &of("signing-key"), change);
            story.brings("ci", &of("audit"), SCAN);
        }
    }
    passes(story, "min", &format!("{every}/round"));
}

#[test]
fn a_control_with_two_rhythms_is_found() {
    let story = prepared();
    let text = story.repo.read("ledger.toml");
    let twice = "{ gate = \"monthly/round\", release = \"any\", within = \"90d\" }";
    let text = text.replace("requires = [\"environment\",", &format!("requires = [\"environment\", {twice},"));
    story.repo.write("ledger.toml", text);
    let said = story.repo.ledger("", &["policy", "check"]).exits(1);
    says_all(&said, &["monthly/round is required within", "31 d", "90 d"]);
}

#[test]
fn a_bypass_without_a_review_keeps_the_next_release_out() {
    let mut story = live();
    story.after("5d");
    story.commits("an urgent correction");
    cicd(&mut story, "2.1");
    story.brings("ci", "duration", "pipeline_max = 44 min\n");
    says_all(&story.types("min", "sign cicd --yes", 1), &["pipeline_max is 44 min"]);
    let bypass =
        "waive duration --gate platform/cicd --until 12h -m \"runners are down, customers cannot log in\" --yes";
    says_all(&story.types("han", bypass, 1), &["break-glass"]);
    says_all(
        &story.types("min", &format!("{bypass} --break-glass"), 1),
        &["DEVOPS-MIN is not backend-lead or product"],
    );
    says_all(&story.types("han", &format!("{} --break-glass", bypass.replace("12h", "2d")), 1), &["longer than"]);
    story.types("han", &format!("{bypass} --break-glass"), 0);
    let broken = story.json("log")["entries"].as_array().unwrap().len() - 1;
    passes(&mut story, "min", "cicd");
    says_all(&story.types("", "status platform/cicd", 0), &["broken glass by BACKEND-HAN", "its review is due"]);
    monitoring(&mut story, "2.1");
    environment(&mut story, "2.1");
    passes(&mut story, "min", "environment");
    deployed(&mut story, "2.1");
    story.brings("ci", "performance", "api_p95 = 900 ms\npage_load_p95 = 1.4 s\n");
    let faster = "waive performance --gate live --until 12h -m \"slow is better than shut\" --break-glass --yes";
    says_all(&story.types("lee", &faster.replace("waive performance", "waive smoke"), 1), &["only final-checklist"]);
    story.types("lee", faster, 0);
    goes_live(&mut story);
    says_all(&story.types("", "status live", 0), &["broken glass by PRODUCT-LEE", "slow is better than shut"]);

    // The next release is kept out until somebody else has looked at it, gate by gate.
    cicd(&mut story, "2.2");
    deployed(&mut story, "2.2");
    let said = story.types("min", "sign cicd --yes", 1);
    says_all(&said, &["a review of the broken glass", &format!("ledger review {broken}"), "QA-KIM"]);
    says_all(&story.types("", "check live", 1), &["a review of the broken glass", "ledger review", "live for 2.1"]);
    story.after("4d");
    says_all(&story.types("", "due", 1), &["break-glass-review", "2 overdue"]);
    says_all(&story.types("han", &format!("review {broken} -m fine --yes"), 1), &["qa may"]);
    story.types("kim", &format!("review {broken} -m \"runners were down from 9 to 12, see the provider\" --yes"), 0);
    assert_eq!(story.state("cicd", "break-glass-review"), "null");
    assert_eq!(story.state("live", "break-glass-review"), "failed", "each of them is reviewed");
    passes(&mut story, "min", "cicd");
    story.types("", "verify", 0);
}

#[test]
fn the_images_of_the_release_before_come_back_step_by_step() {
    let mut story = live();
    says_all(&story.types("kim", "rollback start previous-images --gate live -m \"errors\"", 1), &["on-call may"]);
    says_all(&story.types("min", "rollback start previous-images --gate live", 2), &["why does the release go back"]);
    let why = "rollback start previous-images --gate live -m \"half of all logins fail\"";
    let said = story.answers("min", why, "\n\ns\nno migration in 2.0\n", 0);
    says_all(
        &said,
        &["3/3 take the database one migration back (if needed)", "ledger run smoke --gate live -- COMMAND"],
    );
    says_all(&story.types("", "check live", 1), &["half of all logins fail"]);
    story.types("min", "rollback finish", 1);
    story.types("min", "run smoke --gate live -- true", 0);
    says_all(&story.types("min", "rollback finish", 0), &["rolled back in", "expected 15 min"]);
    says_all(&story.types("", "check live", 1), &["rolled it back"]);
    story.types("min", "promote live", 1);
    all_end_well(&mut story, &["production"], "2.0");
}
