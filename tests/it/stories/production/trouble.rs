//! Triggers and the ways back.

use super::{LIVE, RELEASE, form, health, live, records_checklist, signed, ticked};
use crate::steps::says_all;
use crate::stories::{brings, ends_well, passes};
use crate::support::clock::Story;

#[test]
fn every_value_fires_one_trigger_and_a_hole_is_found_in_the_policy() {
    let mut story = live();
    let fire = |story: &mut Story, what: &str, code: i32| story.types("han", &format!("trigger fire {what}"), code);
    says_all(&fire(&mut story, "error-rate --value \"0.9 %\"", 1), &["fires no trigger"]);
    // An alert at 5 % is to be looked into, like both ends of the band.
    for value in ["1 %", "5.1 %", "10 %"] {
        says_all(
            &fire(&mut story, &format!("error-rate --value \"{value}\" --dry-run"), 0),
            &["errors-1-to-10", "within 30 min"],
        );
    }
    for (what, id, option) in [
        ("error-rate --value \"10.01 %\"", "errors-over-10", "→ quick"),
        ("downtime --value \"301 s\"", "down", "→ quick"),
        ("degradation --value \"50 %\"", "degraded-by-half", "→ quick"),
        ("data-corruption -m \"rows are missing\"", "data-corruption", "→ full"),
        ("vulnerability -m \"CVE\"", "vulnerability", "→ quick"),
    ] {
        says_all(&fire(&mut story, &format!("{what} --dry-run"), 0), &[id, "IMMEDIATE", option]);
    }
    says_all(&fire(&mut story, "downtime --value \"5 min\"", 1), &["fires no trigger"]);
    says_all(&fire(&mut story, "degradation --value \"49 %\" --dry-run", 0), &["degraded fired", "within 2 h"]);
    says_all(&fire(&mut story, "feature-broken -m \"no export\" --dry-run", 0), &["around it", "within 1 d"]);
    let policy = story.repo.read("ledger.toml");
    let checks = |story: &mut Story, was: &str, is: &str, why: &[&str]| {
        assert!(policy.contains(was), "{was}");
        story.repo.write("other.toml", policy.replacen(was, is, 1));
        says_all(&story.types("", "policy check other.toml", 1), why);
    };
    let hole = "[[pipeline.production.trigger]]\nid = \"degraded-by-half\"";
    let begins = policy.find(hole).unwrap();
    let ends = begins + policy[begins + 2..].find("[[pipeline").unwrap() + 2;
    checks(&mut story, &policy[begins..ends], "", &["values of degradation of or above 50 % fire no trigger"]);
    checks(&mut story, "\">= 1 %, <= 10 %\"", "\">= 1 %, < 10 %\"", &["exactly 10 % fires neither"]);
    checks(&mut story, "\"> 10 %\"", "\">= 10 %\"", &["both fire on some values"]);
    checks(&mut story, "latency_avg <", "latency <", &["does not say of which statistic"]);
}

#[test]
fn a_rollback_is_closed_by_its_validation_and_left_by_a_new_attempt() {
    let mut story = live();
    story.types("han", "trigger fire error-rate --value \"10 %\"", 0);
    story.types("", "check go-live", 0);
    story.types("han", "trigger fire error-rate --value \"14 %\"", 0);
    says_all(&story.types("", "check go-live", 1), &["14 %", "ledger rollback start quick"]);
    let last = story.json("log")["entries"].as_array().unwrap().len() - 1;
    says_all(&story.types("min", &format!("rollback start quick --trigger {last}"), 1), &["support-engineer may"]);
    says_all(&story.types("han", &format!("rollback start full --trigger {last}"), 2), &["quick is to be tried first"]);
    story.types("han", &format!("rollback start quick --trigger {last}"), 0);
    (0..3).for_each(|_| drop(story.types("han", "rollback done", 0)));
    story.after("4m").types("han", "rollback done", 0);
    says_all(&story.types("han", "rollback finish", 1), &["health is from before the rollback"]);
    brings(&mut story, "han", ("deployed", "health"), &health("starting"));
    says_all(&story.types("han", "rollback finish", 1), &["json.status is starting"]);
    brings(&mut story, "han", ("deployed", "health"), &health("ok"));
    says_all(&story.types("han", "rollback finish", 0), &["rolled back in 04:", "expected 5 min", "--retry"]);
    says_all(&story.types("", "check go-live", 1), &["rolled it back"]);
    says_all(&story.types("lee", "sign closed --yes", 1), &["go-live is not promoted"]);
    story.types("min", "promote go-live", 1);
    story.types("min", "open go-live --commit v1.0-p2 --retry", 0);
    says_all(&story.types("min", "promote go-live", 1), &["completed", "verified", "approved", "criteria"]);
    // What was to be decided about that attempt is answered: it was taken back.
    let said = story.after("31m").types("", "check go-live", 1);
    assert!(!said.contains("a decision was due"), "{said}");
    records_checklist(&mut story, "go-live", &signed(&ticked(&form(), LIVE)));
    story.types("kim", "record form --gate go-live", 0);
    passes(&mut story, "go-live", &["min", "kim", "lee"]);
    ends_well(&mut story, RELEASE, &["롤백"], &["ollback"]);
}
