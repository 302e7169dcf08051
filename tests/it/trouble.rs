//! Trouble after a promotion: triggers with their bands, and ways back walked to the end.

use crate::rules::{brings, gate, passes, rule, story};
use crate::steps::says_all;
use crate::support::clock::Story;

const TROUBLE: &str = r#"
[[pipeline.p.trigger]]
id = "error-rate-high"
class = "immediate"
metric = "error-rate"
band = "> 10 %"
option = "kill-switch"

[[pipeline.p.trigger]]
id = "error-rate-raised"
class = "evaluate"
metric = "error-rate"
band = ">= 1 %, <= 10 %"
decide = ["release-owner"]
within = "2h"

[[pipeline.p.rollback]]
id = "kill-switch"
text = "Option A"
expected = "1m"
steps = ["set automation_enabled=false", { text = "alembic downgrade -1", optional = true }]
validation = ["smoke"]

[[pipeline.p.rollback]]
id = "previous"
text = "Option C"
steps = ["deploy the previous version"]
validation = ["smoke"]
role = "release-owner"
"#;

fn promoted() -> Story {
    let mut story = story(&format!("{}{TROUBLE}", gate("ga", &rule("smoke", "format = [\"command\", \"file\"]"))));
    story.types("min", "open ga --release 1.0", 0);
    brings(&mut story, "smoke", "fine");
    passes(&mut story, "ga");
    story
}

#[test]
fn a_value_fires_the_trigger_whose_band_it_lies_in() {
    let mut story = promoted();
    says_all(&story.types("min", "trigger fire error-rate --value \"0.5 %\"", 1), &["fires no trigger", "> 10 %"]);
    says_all(&story.types("min", "trigger fire error-rate --value \"5 min\"", 2), &["cannot be compared"]);
    // 5 could be a share or a percentage: 500 % would be immediate.
    for bare in ["5", "0.14"] {
        let said = story.types("min", &format!("trigger fire error-rate --value {bare}"), 2);
        says_all(
            &said,
            &[
                &format!("{bare} has no unit, and the band > 10 % of error-rate-high has one"),
                &format!("--value \"{bare} %\""),
            ],
        );
    }
    story.types("min", "trigger fire error-rate", 2);
    says_all(&story.types("min", "trigger fire error-rat --value 1", 2), &["error-rate-high"]);
    says_all(&story.types("min", "trigger fire error-rate --value \"10 %\"", 0), &["error-rate-raised", "within 2 h"]);
    story.types("", "check ga", 0);
    let due = story.types("", "due", 0);
    says_all(&due, &["trigger", "ledger trigger decide 5 --continue -m REASON"]);
    assert_eq!(due.lines().count(), 1, "{due}");
    story.after("119m");
    says_all(&story.types("min", "trigger decide 5 --continue -m fine --yes", 1), &["release-owner may"]);
    story.after("2m");
    says_all(&story.types("", "check ga", 1), &["a decision was due", "ledger trigger decide 5"]);
    story.types("lee", "trigger decide 5 --continue -m \"the storm is over\" --yes", 0);
    story.types("", "check ga", 0);
    story.types("", "verify", 0);
}

#[test]
fn a_rollback_is_walked_with_one_key_a_step_and_survives_a_stop() {
    let mut story = promoted();
    says_all(
        &story.types("min", "trigger fire error-rate --value \"14 %\"", 0),
        &["IMMEDIATE", "kill-switch", "rollback start"],
    );
    says_all(&story.types("", "check ga", 1), &["14 %", "ledger rollback start kill-switch"]);
    // Somebody stops after the first step; the next command goes on with the second.
    let said = story.answers("min", "rollback start kill-switch", "\nq\n", 0);
    says_all(&said, &["1/2 set automation_enabled=false", "2/2 alembic downgrade -1 (if needed)", "kept"]);
    story.types("min", "rollback finish", 1);
    says_all(&story.types("", "rollback status", 0), &["✓ set automation", "○ alembic"]);
    says_all(&story.types("min", "rollback start previous -m x", 1), &["under way"]);
    story.after("1m");
    let said = story.answers("min", "rollback", "s\nno schema change\n", 0);
    says_all(&said, &["why?", "every step of kill-switch is told", "ledger run smoke"]);
    says_all(&story.types("min", "rollback finish", 1), &["smoke is from before the rollback"]);
    story.types("min", "run smoke --gate ga -- false", 1);
    says_all(&story.types("min", "rollback finish", 1), &["exit 1"]);
    story.types("min", "run smoke --gate ga -- true", 0);
    says_all(&story.types("min", "rollback finish", 0), &["rolled back in 01:0", "expected 1 min", "--retry"]);
    says_all(&story.types("", "check ga", 1), &["rolled it back"]);
    let entry = story.types("", "show 8", 0);
    says_all(&entry, &["\"skipped\"", "no schema change", "\"option\": \"kill-switch\""]);
    story.types("", "verify", 0);
    let notes = story.types("", "notes 1.0", 0);
    says_all(
        &notes,
        &[
            "rolled back",
            "## Rollbacks",
            "went back by kill-switch in 6",
            "2. alembic downgrade -1: skipped (no schema",
        ],
    );
    says_all(&story.types("", "notes 1.0 --lang ko", 0), &["롤백됨", "## 롤백 이력", "생략 (no schema change)"]);
    // Promoting again needs a new attempt, which the old trigger does not close.
    story.types("kim", "promote ga", 1);
    story.types("min", "open ga --release 1.0 --retry", 0);
    brings(&mut story, "smoke", "fine again");
    passes(&mut story, "ga");
    story.types("", "verify", 0);
}

#[test]
fn a_rollback_without_a_trigger_closes_the_gate_and_a_later_way_wants_a_reason() {
    let mut story = promoted();
    says_all(&story.types("lee", "rollback start previous", 2), &["kill-switch is to be tried first"]);
    says_all(&story.types("min", "rollback start previous -m broken", 1), &["release-owner may"]);
    says_all(&story.types("min", "rollback start kill-switch", 2), &["why does the release go back"]);
    story.types("lee", "rollback start previous -m \"the switch did nothing\"", 0);
    says_all(&story.types("", "check ga", 1), &["the switch did nothing"]);
    story.types("lee", "rollback done -m \"0.9 is up\"", 0);
    story.types("lee", "rollback done", 1);
    story.types("lee", "run smoke --gate ga -- true", 0);
    story.types("lee", "rollback finish", 0);
    story.types("lee", "rollback", 1);
    says_all(&story.types("", "show 7", 0), &["the switch did nothing", "0.9 is up"]);
}

#[test]
fn the_last_word_about_a_trigger_counts() {
    let mut story = promoted();
    story.types("han", "trigger fire error-rate --value \"5 %\"", 0);
    let fired = story.repo.commits().len() - 1;
    let decides =
        |story: &mut Story, word: &str| story.types("lee", &format!("trigger decide {fired} {word} -m x --yes"), 0);
    decides(&mut story, "--continue");
    assert_eq!(story.state("ga", "trigger"), "null");
    says_all(&decides(&mut story, "--rollback"), &[&format!("--trigger {fired}")]);
    // The same once more is there already.
    let size = story.repo.commits().len();
    decides(&mut story, "--rollback");
    assert_eq!(story.repo.commits().len(), size);
    assert_eq!(story.state("ga", "trigger"), "failed");
    decides(&mut story, "--continue");
    assert_eq!(story.state("ga", "trigger"), "null");
}

#[test]
fn what_must_be_answered_at_once_is_overdue_and_no_needed_step_is_skipped() {
    let mut story = promoted();
    story.types("han", "trigger fire error-rate --value \"14 %\"", 0);
    says_all(&story.types("", "due", 1), &["p/ga  trigger", "1 overdue"]);
    story.types("min", "rollback start kill-switch", 0);
    says_all(&story.types("min", "rollback skip -m no", 1), &["is always needed", "ledger rollback fail -m REASON"]);
    let said = story.types("min", "rollback done", 0);
    says_all(&said, &["(if needed)", "skip -m REASON"]);
    story.types("min", "rollback skip -m \"the schema is the same\"", 0);
}
