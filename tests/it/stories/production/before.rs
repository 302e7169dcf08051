//! Up to going live: the form, readiness, each step of the deployment, three signatures.

use super::{
    ACCESS, LIVE, READY, SERVICES, ab, begun, builds, deployed, drilled, form, health, lighthouse, printed, ready,
    records_checklist, signed, ticked,
};
use crate::steps::says_all;
use crate::stories::{brings, commits, is_met, is_refused, passes, sha256};

#[test]
fn what_was_ticked_or_verified_in_the_printed_form_is_no_result() {
    let mut story = begun(&printed());
    drilled(&mut story);
    story.types("min", "open readiness --release v1.0-p2", 0);
    records_checklist(&mut story, "readiness", &ticked(&printed(), READY));
    let facts = story.types("", "facts docs/go_live.md --format checklist", 0);
    says_all(&facts, &["verifications", "14"]);
    is_refused(&mut story, ("readiness", "code"), &["open is 1"]);
    is_refused(&mut story, ("readiness", "documentation"), &["open is 1"]);
    is_refused(&mut story, ("readiness", "form"), &["heading_ticks is 1"]);
    is_met(&mut story, ("readiness", "security"));
    // Another document says the scan has passed; the ledger does not.
    let said = story.types("", "docs --check", 1);
    says_all(&said, &["docs/roadmap.md", "Security scan passed"]);
    // The form is printed anew, and the gate is tried again with it.
    commits(&story, &[("docs/go_live.template.md", &form())]);
    story.types("min", "open readiness --release v1.0-p2 --retry", 0);
    records_checklist(&mut story, "readiness", &ticked(&form(), READY));
    ["code", "documentation", "form"].iter().for_each(|rule| is_met(&mut story, ("readiness", rule)));
    // The 14 outcomes in print have brought nothing for the deployment.
    story.types("min", "open deployed", 0);
    let all = [
        "backup",
        "artifacts",
        "migration",
        "services",
        "health",
        "groups",
        "smoke",
        "alert",
        "backup-job",
        "https",
        "load",
        "pages",
    ];
    says_all(&story.types("kim", "sign deployed --yes", 1), &all);
}

#[test]
fn readiness_wants_every_section_a_measured_server_and_a_drill() {
    let mut story = begun(&form());
    story.types("min", "open readiness --release v1.0-p2 --commit v1.0-p2", 0);
    let commit = story.repo.git(&["rev-parse", "v1.0-p2^{commit}"]);
    says_all(&story.types("", "show 1", 0), &[commit.trim(), "Production_Readiness_20251001"]);
    let sections = ["form", "code", "infrastructure", "environment", "security", "documentation"];
    let others =
        ["drills/rollback promoted for some release, within 90 d", "server", "backend-tests", "rollback-procedure"];
    says_all(&story.types("kim", "sign readiness --yes", 1), &[&sections[..], &others[..]].concat());
    // A drill that took too long, and one that is signed by who brought it.
    story.types("han", "open drills/rollback --release 2025-Q4", 0);
    brings(&mut story, "han", ("drills/rollback", "restored"), "restore_total = 20 min\n");
    is_refused(&mut story, ("drills/rollback", "restored"), &["restore_total is 20 min"]);
    brings(&mut story, "han", ("drills/rollback", "restored"), "restore_total = 12 min\n");
    says_all(&story.types("han", "sign drills/rollback --yes", 1), &["recorded evidence of this gate"]);
    passes(&mut story, "drills/rollback", &["kim"]);
    let whole = ticked(&form(), READY);
    for (was, is, rule, why) in [
        ("- [x] Load tested", "- [ ] Load tested", "code", "open is 1"),
        ("# Go-live\n", "# Go-live\n\n- [v] Load tested twice\n", "form", "malformed is 1"),
        ("- [x] Load tested\n", "", "form", "removed is 1"),
        ("- [x] Load tested", "- [v] Load tested", "code", "open is 1"),
        ("# Go-live\n", "# Go-live\n\nBackend tests: 57/56 (100%)\n", "form", "false_claims is 1"),
        ("- [x] Directory login", "- [x] N/A: Directory login", "form", "removed is 1"),
        ("configured (if applicable)", "configured (if applicable) (n/a)", "security", "open is 1"),
        ("- [x] Way back", "- [ ] Way back", "documentation", "open is 1"),
    ] {
        assert!(whole.contains(was), "{was}");
        records_checklist(&mut story, "readiness", &whole.replace(was, is));
        is_refused(&mut story, ("readiness", rule), &[why]);
    }
    let reason = "configured (if applicable) (n/a: there is no directory here)";
    records_checklist(&mut story, "readiness", &whole.replace("configured (if applicable)", reason));
    is_met(&mut story, ("readiness", "security"));
    brings(&mut story, "han", ("readiness", "server"), "cores = 4\nram = 15.9 GB\ndisk = 100 GB\n");
    is_refused(&mut story, ("readiness", "server"), &["ram is 15.9 GB"]);
    brings(&mut story, "ci", ("readiness", "backend-tests"), "======= 1 failed, 55 passed in 3.21s =======\n");
    is_refused(&mut story, ("readiness", "backend-tests"), &["failed is 1"]);
    brings(&mut story, "ci", ("readiness", "backend-tests"), "======= 55 passed in 3.21s =======\n");
    is_refused(&mut story, ("readiness", "backend-tests"), &["passed is 55"]);
    says_all(&story.types("min", "sign readiness --yes", 1), &["DEVOPS-MIN is not qa-lead"]);
    ready(&mut story);
    // The next release a quarter later finds the drill too old.
    story.after("91d");
    story.types("min", "open readiness --release v1.1", 0);
    is_refused(&mut story, ("readiness", "drills.rollback"), &["too long ago"]);
}

#[test]
fn each_step_of_the_deployment_has_a_result_of_its_own() {
    let mut story = begun(&form());
    drilled(&mut story);
    story.types("min", "open deployed --release v1.0-p2 --commit v1.0-p2", 0);
    says_all(&story.types("min", "promote deployed", 1), &["readiness is not promoted"]);
    ready(&mut story);
    story.types("min", "open deployed --commit v1.0-p2", 0);
    builds(&story);
    story.types("min", "run migration --gate deployed -- true", 0);
    is_refused(&mut story, ("deployed", "migration"), &["backup must be met first"]);
    let sum = sha256("x");
    brings(&mut story, "min", ("deployed", "backup"), &format!("{sum}  db.sql\n{sum}  models.tar\n"));
    is_refused(&mut story, ("deployed", "backup"), &["count is 2"]);
    story.types("min", "record artifacts build/backend_v1.0-p2.tar --gate deployed", 0);
    is_refused(&mut story, ("deployed", "artifacts"), &["training-ui"]);
    for (slot, text, why) in [
        ("services", SERVICES.replacen(" Up ", " Exited ", 1), "up is 5"),
        ("health", health("degraded"), "json.status is degraded"),
        ("health", "HTTP/1.1 502 Bad Gateway\n\n".to_owned(), "status is 502"),
        ("groups", ACCESS.replace("POST", "GET"), "writes is 0"),
        ("groups", ACCESS.replace(" from=10.0.0.7 at=2025-10-09T01:00:09Z", ""), "writes is 0"),
        ("https", "HTTP/1.1 301 Moved Permanently\n\n".to_owned(), "status is 301"),
        // Exactly 50 a second and exactly 200 ms are not more and not less.
        ("load", ab("20.000", "50.00", "200.000"), "requests_per_second_mean is 50"),
        ("load", ab("19.999", "50.00", "199.990"), "requests_per_second_mean is 50"),
        ("pages", lighthouse("0.8"), "performance is 80 %"),
    ] {
        brings(&mut story, "min", ("deployed", slot), &text);
        is_refused(&mut story, ("deployed", slot), &[why]);
    }
    deployed(&mut story);
    // The directory of models is one artifact; another file in it makes it another one.
    story.repo.write("models/default/manifest.json", "changed");
    says_all(&story.types("", "artifact check --pipeline production", 1), &["models/default"]);
    story.types("", "verify", 0);
}

#[test]
fn going_live_takes_a_filled_form_and_three_people() {
    let mut story = begun(&form());
    drilled(&mut story);
    ready(&mut story);
    deployed(&mut story);
    story.types("min", "open go-live --commit v1.0-p2", 0);
    let whole = ticked(&form(), LIVE);
    for (text, rule, why) in [
        (form(), "criteria", "open is 2"),
        (whole.clone(), "sign-off", "undecided is 1"),
        (whole.replace("☐ Yes ☐ No", "☑ Yes ☑ No"), "sign-off", "undecided is 1"),
        (whole.replace("☐ Yes ☐ No", "☑ Yes ☐ No"), "sign-off", "blanks is 2"),
        (signed(&whole).replace("☑ Yes ☐ No", "☐ Yes ☑ No"), "decision", "yes is 0"),
    ] {
        records_checklist(&mut story, "go-live", &text);
        story.types("kim", "record form --gate go-live", 0);
        is_refused(&mut story, ("go-live", rule), &[why]);
    }
    records_checklist(&mut story, "go-live", &signed(&whole));
    story.types("kim", "record form --gate go-live", 0);
    story.types("min", "sign go-live --yes", 0);
    says_all(&story.types("min", "promote go-live", 1), &["verified", "approved"]);
    story.types("kim", "sign go-live --yes", 0);
    says_all(&story.types("min", "promote go-live", 1), &["approved", "PRODUCT-LEE"]);
    says_all(&story.types("ci", "sign go-live --yes", 1), &["bot"]);
    story.types("lee", "sign go-live --yes", 0);
    // Whoever holds two roles signs for one of them.
    let policy = story.repo.read("ledger.toml");
    let both = policy.replace("roles = [\"qa-lead\"] ", "roles = [\"qa-lead\", \"deployment-engineer\"] ");
    assert_ne!(policy, both);
    story.repo.write("ledger.toml", both);
    story.types("lee", "policy apply -m \"Kim stands in for Min\" --yes", 0);
    story.types("min", "sign go-live --withdraw -m \"on leave\" --yes", 0);
    story.types("kim", "sign go-live --yes", 0);
    let states = ["completed", "verified"].map(|id| story.state("go-live", id));
    assert_eq!(states.iter().filter(|state| *state == "satisfied").count(), 1, "{states:?}");
    says_all(&story.types("min", "promote go-live", 1), &["1 of"]);
    story.types("han", "sign go-live --yes", 0);
    // An approval of last week is none of today.
    story.after("8d");
    says_all(&story.types("min", "promote go-live", 1), &["approved", "older than 7 d"]);
    passes(&mut story, "go-live", &["lee"]);
    story.types("", "verify", 0);
}
