//! The night that fails.

use super::{RELEASE, begun, config, eve, goes_live, rows_one_to_nine, signed_off};
use crate::steps::says_all;
use crate::stories::{brings, ends_well, is_refused, passes};

#[test]
fn a_night_that_fails_goes_back_and_goes_out_again_only_as_a_new_attempt() {
    let mut story = begun();
    eve(&mut story);
    rows_one_to_nine(&mut story);
    signed_off(&mut story);
    goes_live(&mut story);
    // Too late to be "as soon as it is live", too late for the end of the watch.
    story.at("2025-10-06T03:36:00Z");
    brings(&mut story, "min", ("closed", "announcement"), "live since a while\n");
    is_refused(&mut story, ("closed", "announcement"), &["the time is over", "1 too late"]);
    // A Sev-2 pages the on-call; nobody decides in time, and every gate closes.
    says_all(&story.types("", "trigger list", 0), &["sev-1-or-2", "page the on-call schedule"]);
    says_all(
        &story.types("kim", "trigger fire severity --value 2 -m \"orders are lost\"", 0),
        &["sev-1-or-2", "page the on-call schedule", "within 15 min"],
    );
    story.types("", "check live", 0);
    story.after("16m");
    says_all(&story.types("", "check live", 1), &["a decision was due"]);
    let number = story.json("log")["entries"].as_array().unwrap().len() - 1;
    says_all(&story.types("min", &format!("trigger decide {number} --continue -m fine --yes"), 1), &["product may"]);
    story.types("lee", &format!("trigger decide {number} --rollback -m \"no way around it\" --yes"), 0);
    says_all(&story.types("kim", &format!("rollback start restore --trigger {number}"), 1), &["devops may"]);
    story.types("min", &format!("rollback start restore --trigger {number}"), 0);
    story.types("min", "rollback done", 0);
    story.types("min", "rollback finish", 1);
    says_all(&story.types("min", "rollback skip", 2), &["-m"]);
    story.types("min", "rollback done -m \"images of September\"", 0);
    story.types("min", "rollback skip -m \"the schema did not change\"", 0);
    story.types("min", "rollback done", 0);
    says_all(&story.types("min", "rollback finish", 1), &["smoke-api is from before the rollback"]);
    story.types("min", "run smoke-api --gate live -- false", 1);
    says_all(&story.types("min", "rollback finish", 1), &["exit"]);
    story.types("min", "run smoke-api --gate live -- true", 0);
    says_all(&story.types("min", "rollback finish", 0), &["expected 30 min", "--retry"]);
    // What was live is not any more, and neither is what waited for it.
    says_all(&story.types("", "check live", 1), &["rolled it back"]);
    says_all(&story.types("min", "promote live", 1), &["rolled it back"]);
    says_all(&story.types("lee", "sign closed --yes", 1), &["live is not promoted"]);
    story.types("min", "open live --release 2025-10-06 --retry", 0);
    says_all(&story.types("", "check live", 1), &["writable", "smoke-api", "approval"]);
    brings(&mut story, "min", ("live", "writable"), &config("read_only", "false"));
    story.types("min", "run smoke-api --gate live -- true", 0);
    says_all(&story.types("min", "promote live", 1), &["approval"]);
    passes(&mut story, "live", &["min"]);
    story.types("min", "open live --release 2025-10-06 --retry", 0);
    let folders = story.repo.git(&["ls-tree", "--name-only", "evidence"]);
    says_all(&folders, &["Rollout_Live_20251005", "Rollout_Live_20251006", "Rollout_Live_20251006.2"]);
    ends_well(&mut story, RELEASE, &["롤백", "orders are lost"], &["ollback", "orders are lost"]);
}
