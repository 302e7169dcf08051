//! The night as it is planned, and everything in it that is refused.

use super::{DONE, FORM, GOVERNANCE, RELEASE, begun, config, eve, goes_live, image, rows_one_to_nine, signed_off};
use crate::steps::says_all;
use crate::stories::{brings, ends_well, is_met, is_refused, passes, sha256};

#[test]
fn the_night_goes_by_the_plan_and_is_closed_after_the_watch() {
    let mut story = begun();
    eve(&mut story);
    // Rows are for their owners, in their order, and the sign-off waits for all of them.
    says_all(&story.types("min", "plan done 1", 1), &["row 1 is for DBA (Han)"]);
    says_all(&story.types("lee", "plan done 10", 1), &["sign-off of gate signoff"]);
    let missing = story.types("lee", "sign signoff --yes", 1);
    says_all(
        &missing,
        &[
            "compare",
            "images",
            "smoke",
            "check-in",
            "read-only",
            "backup",
            "migration",
            "erp-toggle",
            "deployed",
            "post-deploy",
            "governance",
        ],
    );
    rows_one_to_nine(&mut story);
    says_all(&story.types("lee", "sign signoff --yes", 1), &["governance", "docs/release_governance.md"]);
    story.repo.write("docs/release_governance.md", GOVERNANCE.replacen("[x]", "[ ]", 1));
    story.types("kim", "record governance", 0);
    is_refused(&mut story, ("signoff", "governance"), &["open is 1"]);
    story.repo.write("docs/release_governance.md", GOVERNANCE);
    story.types("kim", "record governance", 0);
    says_all(&story.types("kim", "sign signoff --yes", 1), &["QA-KIM is not product"]);
    // Read-only must not end before the sign-off; what was brought before it does not count after it.
    brings(&mut story, "min", ("live", "writable"), &config("read_only", "false"));
    is_refused(&mut story, ("live", "writable"), &["signoff must be promoted first"]);
    says_all(&story.types("min", "promote live", 1), &["signoff is not promoted"]);
    signed_off(&mut story);
    is_refused(&mut story, ("live", "writable"), &["before signoff was promoted"]);
    goes_live(&mut story);
    says_all(&story.types("kim", "sign live --yes", 1), &["QA-KIM is not devops"]);
    // The sign-off did not see the watch, so the night is not over with it.
    says_all(
        &story.types("lee", "sign closed --yes", 1),
        &["30 min since live", "plan-followed", "watch", "announcement", "check-in-watched", "incidents"],
    );
    brings(&mut story, "min", ("closed", "check-in-watched"), "all is well, says who has not watched\n");
    is_refused(&mut story, ("closed", "check-in-watched"), &["it begins at"]);
    brings(&mut story, "min", ("closed", "announcement"), "to channel and list: it is live\n");
    is_met(&mut story, ("closed", "announcement"));
    brings(&mut story, "min", ("closed", "watch"), "error_rate = 0.1 %\n");
    story.at("2025-10-06T03:45:00Z");
    brings(&mut story, "min", ("closed", "watch"), "error_rate = 2 %\n");
    is_refused(&mut story, ("closed", "watch"), &["error_rate is 2 %"]);
    brings(&mut story, "min", ("closed", "watch"), "error_rate = 0.2 %\n");
    story.at("2025-10-06T03:55:00Z");
    brings(&mut story, "min", ("closed", "watch"), "error_rate = 0.1 %\n");
    is_refused(&mut story, ("closed", "watch"), &["3 of 3"]);
    is_refused(&mut story, ("closed", "plan-followed"), &["open is 1"]);
    story.at("2025-10-06T04:00:30Z");
    story.types("min", "plan done 11", 0);
    is_met(&mut story, ("closed", "watch"));
    is_met(&mut story, ("closed", "plan-followed"));
    brings(&mut story, "min", ("closed", "check-in-watched"), "watched for half an hour\n");
    brings(&mut story, "min", ("closed", "incidents"), "key,status,severity\nINC-7,open,sev-2\n");
    is_refused(&mut story, ("closed", "incidents"), &["open is 1"]);
    says_all(&story.types("lee", "sign closed --yes", 1), &["incidents", "open is 1"]);
    brings(&mut story, "min", ("closed", "incidents"), "key,status,severity\nINC-7,resolved,sev-2\n");
    passes(&mut story, "closed", &["lee"]);
    // The folder keeps the day its gate was opened, though most of it came after midnight.
    says_all(&story.types("", "plan status", 0), &["11"]);
    let folder = story.repo.git(&["ls-tree", "--name-only", "evidence"]);
    says_all(&folder, &["Rollout_Signoff_20251005", "Rollout_Closed_20251005"]);
    ends_well(&mut story, RELEASE, &["배포 승인", "Rollout_Closed_20251005"], &["Sign-off", "Rollout_Closed_20251005"]);
}

#[test]
fn a_row_out_of_order_or_by_the_wrong_hand_keeps_the_night_open() {
    let mut story = begun();
    eve(&mut story);
    let sums = ["frontend", "backend"].map(|name| format!("{}  {name}_2025-10-06.tar\n", sha256(&image(name))));
    // The command of row 1 by another, and one that fails, do not do it.
    story.types("min", "run compare --gate signoff -- sh scripts/compare.sh --snapshot night", 0);
    is_refused(&mut story, ("signoff", "compare"), &["min@acme.example, who is not dba"]);
    story.repo.write("broken", "");
    story.types("han", "run compare --gate signoff -- sh scripts/compare.sh --snapshot night", 1);
    is_refused(&mut story, ("signoff", "compare"), &["exit 1"]);
    std::fs::remove_file(story.repo.path.join("broken")).unwrap();
    story.types("han", "run compare --gate signoff -- sh scripts/compare.sh --snapshot day", 0);
    let status = story.types("", "plan status", 1);
    says_all(&status, &["run by min@acme.example", "exit 1"]);
    says_all(&status, &["waiting"]);
    // The registry has other bytes; the smoke test came before the images; a box of the form was ticked already.
    brings(
        &mut story,
        "min",
        ("signoff", "images"),
        &sums.concat().replace(&sha256(&image("backend")), &sha256("other")),
    );
    is_refused(&mut story, ("signoff", "images"), &["backend"]);
    brings(&mut story, "kim", ("signoff", "smoke"), DONE);
    is_refused(&mut story, ("signoff", "smoke"), &["images must be met first"]);
    brings(&mut story, "min", ("signoff", "images"), &sums.concat());
    is_refused(&mut story, ("signoff", "smoke"), &["before images was met"]);
    brings(&mut story, "kim", ("signoff", "smoke"), FORM);
    is_refused(&mut story, ("signoff", "smoke"), &["open is 2"]);
    brings(&mut story, "kim", ("signoff", "smoke"), &DONE.replace("- [x] Legacy group\n", ""));
    is_refused(&mut story, ("signoff", "smoke"), &["open is 1"]);
    brings(
        &mut story,
        "kim",
        ("signoff", "smoke"),
        &DONE.replace("Legacy group", "Legacy group (n/a: none left in the lab)"),
    );
    is_met(&mut story, ("signoff", "smoke"));
    // Nobody was told, so production is not touched.
    brings(&mut story, "min", ("signoff", "read-only"), &config("read_only", "true"));
    is_refused(&mut story, ("signoff", "read-only"), &["check-in must be met first"]);
    brings(&mut story, "min", ("signoff", "check-in"), "it begins\n");
    brings(&mut story, "min", ("signoff", "read-only"), &config("read_only", "false"));
    is_refused(&mut story, ("signoff", "read-only"), &["read_only is false"]);
    brings(&mut story, "min", ("signoff", "read-only"), &config("read_only", "true"));
    brings(&mut story, "min", ("signoff", "backup"), &format!("{}  candidates.sql\n", sha256("dump")));
    is_refused(&mut story, ("signoff", "backup"), &["count is 1"]);
    let dump = sha256("dump");
    brings(
        &mut story,
        "min",
        ("signoff", "backup"),
        &format!("{dump}  candidates.sql\n{dump}  candidate_operations.sql\n"),
    );
    // The database says another sum than the script; then nothing is pending at all.
    brings(
        &mut story,
        "han",
        ("signoff", "migration-script"),
        &format!("{}  20251001_tables.py\n", sha256("migration")),
    );
    brings(
        &mut story,
        "han",
        ("signoff", "migration-applied"),
        &format!("applied 20251001_tables {}\n", sha256("edited")),
    );
    is_refused(&mut story, ("signoff", "migration"), &["migration-applied: ", "sum is", "migration-script.sum is"]);
    brings(&mut story, "kim", ("signoff", "erp-toggle"), &config("erp_required_enabled", "true"));
    is_refused(&mut story, ("signoff", "erp-toggle"), &["migration must be met first"]);
    brings(&mut story, "han", ("signoff", "none-pending"), "pending migrations: 0\n");
    is_met(&mut story, ("signoff", "migration"));
    is_refused(&mut story, ("signoff", "erp-toggle"), &["before migration was met"]);
    brings(&mut story, "kim", ("signoff", "erp-toggle"), &config("erp_required_enabled", "false"));
    is_refused(&mut story, ("signoff", "erp-toggle"), &["erp_required_enabled is false"]);
    brings(&mut story, "kim", ("signoff", "erp-toggle"), &config("erp_required_enabled", "true"));
    brings(&mut story, "min", ("signoff", "deployed"), "HTTP/1.1 502 Bad Gateway\n\n");
    is_refused(&mut story, ("signoff", "deployed"), &["status is 502"]);
    story.types("kim", "run post-deploy --gate signoff -- sh scripts/post_deploy.sh --suite routing", 0);
    is_refused(&mut story, ("signoff", "post-deploy"), &["deployed must be met first"]);
    // Who checks the deployment does not sign it off.
    story.types("lee", "run post-deploy --gate signoff -- sh scripts/post_deploy.sh --suite routing", 0);
    is_refused(&mut story, ("signoff", "post-deploy"), &["lee@acme.example, who is not qa"]);
    says_all(&story.types("lee", "sign signoff --yes", 1), &["PRODUCT-LEE ran a command for the release"]);
    // A row before its time, out of order, and left out without a reason.
    says_all(&story.types("kim", "plan done 7", 0), &["should come before it"]);
    says_all(&story.types("han", "plan skip 6", 2), &["-m"]);
    story.types("han", "plan skip 6 -m \"no migration is pending\"", 0);
    let followed = story.rule("closed", "plan-followed");
    assert_eq!(followed["state"], "failed");
    says_all(&story.types("", "plan status", 1), &["early", "skipped", "no migration is pending", "out of order"]);
    story.types("", "verify", 0);
}
