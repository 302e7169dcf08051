//! Before the night: prerequisites, owners, the plan itself.

use super::{PLAN, begun, image, prepares};
use crate::steps::says_all;
use crate::stories::{brings, is_met, is_refused, passes};

#[test]
fn nothing_begins_before_every_prerequisite_is_there() {
    let mut story = begun();
    story.types("han", "open ready --release 2025-10-06 --revision schema=20251001_tables", 0);
    let commit = story.repo.git(&["rev-parse", "HEAD"]);
    says_all(&story.types("", "show 1", 0), &[commit.trim(), "20251001_tables", "Rollout_Ready_20251001"]);
    let all = ["qa-session", "db-snapshot", "flag-default", "artifacts", "way-back", "previous-images"];
    says_all(&story.types("kim", "sign ready --yes", 1), &all);
    says_all(&story.types("", "check ready", 1), &all);
    // A snapshot by somebody else, with something left to migrate, and one that is too old.
    let good = "snapshot qa-night\npending migrations: 0\n";
    brings(&mut story, "min", ("ready", "db-snapshot"), good);
    is_refused(&mut story, ("ready", "db-snapshot"), &["min@acme.example, who is not dba"]);
    brings(&mut story, "han", ("ready", "db-snapshot"), &good.replace('0', "2"));
    is_refused(&mut story, ("ready", "db-snapshot"), &["pending is 2"]);
    brings(&mut story, "han", ("ready", "db-snapshot"), good);
    is_met(&mut story, ("ready", "db-snapshot"));
    story.at("2025-10-05T20:00:00Z");
    is_refused(&mut story, ("ready", "db-snapshot"), &["too long ago"]);
    // The old groups' flag is on, one image is missing, what to go back to is a tag.
    story.repo.write("config/erp_flags.json", "{\"legacy\": {\"erp_required\": true}}\n");
    story.types("min", "record flag-default", 0);
    is_refused(&mut story, ("ready", "flag-default"), &["required is true"]);
    story.repo.write("config/erp_flags.json", "{\"legacy\": {\"erp_required\": false}}\n");
    is_refused(&mut story, ("ready", "flag-default"), &["has changed"]);
    story.repo.write("build/frontend_2025-10-06.tar", image("frontend"));
    says_all(&story.types("min", "record artifacts --gate ready", 3), &["backend_2025-10-06.tar"]);
    story.types("min", "record artifacts build/frontend_2025-10-06.tar --gate ready", 0);
    is_refused(&mut story, ("ready", "artifacts"), &["backend"]);
    brings(
        &mut story,
        "min",
        ("ready", "previous-images"),
        "{\"frontend\": {\"digest\": \"routing-ml-frontend:night\"}, \"backend\": {\"digest\": \"latest\"}}",
    );
    is_refused(&mut story, ("ready", "previous-images"), &["routing-ml-frontend:night"]);
    is_refused(&mut story, ("ready", "qa-session"), &["nothing"]);
    prepares(&mut story);
    says_all(&story.types("min", "sign ready --yes", 1), &["DEVOPS-MIN is not qa"]);
    says_all(&story.types("min", "promote ready", 1), &["approval"]);
    passes(&mut story, "ready", &["kim"]);
    story.types("", "verify", 0);
}

#[test]
fn an_owner_whom_the_roster_does_not_know_is_told_before_the_night() {
    let mut story = begun();
    story.types("min", "open closed --release 2025-10-06", 0);
    story.repo.write("docs/rollout.md", PLAN.replace("Product (Lee)", "Board (Yoon)"));
    let said = story.types("min", "plan import docs/rollout.md --gate closed --dry-run", 0);
    says_all(&said, &["Board (Yoon) is nobody in the roster"]);
    // Nor can a gate be satisfied whose approver nobody is: said of the policy, not at 02:45.
    let policy = story.repo.read("ledger.toml").replace("roles = [\"product\", ", "roles = [");
    story.repo.write("other.toml", policy);
    says_all(&story.types("", "policy check other.toml", 1), &["gate `signoff`", "product", "the roster has 0"]);
}

#[test]
fn a_plan_is_ten_rows_and_a_check_in_with_their_owners_and_sign_off_items() {
    let mut story = begun();
    story.types("min", "open closed --release 2025-10-06", 0);
    let said = story.types("min", "plan import docs/rollout.md --gate closed --dry-run", 0);
    let parts = [
        "2025-10-05 23:30",
        "DBA-HAN",
        "2025-10-06 03:30",
        "signs off  signoff",
        "runs  sh scripts/compare.sh --snapshot night",
    ];
    says_all(&said, &parts);
    story.types("min", "plan import docs/rollout.md --gate closed", 0);
    let plan = story.json("plan status");
    assert_eq!(plan["totals"]["rows"], 11);
    let items = plan["items"].as_array().unwrap().iter().map(|item| item["row"].as_u64().unwrap());
    assert_eq!(items.collect::<Vec<_>>(), [1, 2, 7, 9, 10], "each item of the sign-off list is a row");
}
