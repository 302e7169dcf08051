//! What a board tells people to do next can be done: by the people it names, for the release that was asked about.

use crate::steps::{QA, rule, says_all, supplied, types};
use crate::support::{POLICY, Policy, TestRepo};

#[test]
fn hints_about_an_older_release_name_it() {
    let repo = supplied(&POLICY, "min");
    types(&repo, "min", "open alpha --release 1.1", 0);
    let newest = types(&repo, "", "status alpha", 0);
    says_all(&newest, &["→ ledger record qa-checklist --gate alpha\n", "→ ledger record artifacts --gate alpha\n"]);
    repo.write("docs/qa.md", "# QA\n\n- [ ] installs\n");
    types(&repo, "min", "record qa-checklist --release 1.0", 0);
    let hint = "ledger record qa-checklist --gate alpha --release 1.0";
    for line in ["status alpha --release 1.0", "status --release 1.0", "explain alpha --release 1.0"] {
        says_all(&types(&repo, "", line, 0), &[hint]);
    }
    for format in ["human", "json", "markdown", "junit", "sarif"] {
        says_all(&types(&repo, "", &format!("check alpha --release 1.0 --format {format}"), 1), &[hint]);
    }
    says_all(&types(&repo, "", "status ga --release 1.0", 0), &["ledger sign ga --release 1.0"]);
    repo.write("docs/qa.md", QA);
    // As it is printed, it brings what is missing; and so to the end.
    types(&repo, "min", hint.strip_prefix("ledger ").unwrap(), 0);
    says_all(&types(&repo, "", "status alpha --release 1.0", 0), &["ledger sign alpha --release 1.0"]);
    types(&repo, "kim", "sign alpha --release 1.0 --yes", 0);
    says_all(&types(&repo, "", "status alpha --release 1.0", 0), &["ledger promote alpha --release 1.0"]);
    types(&repo, "min", "promote alpha --release 1.0", 0);
}

#[test]
fn who_is_barred_by_what_they_did_is_not_named() {
    let pipeline = POLICY
        .pipeline
        .replace("role = \"qa-lead\"", "role = \"qa-lead\"\nforbid = { recorder = \"deny\", author = \"warn\" }");
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: pipeline.leak() });
    repo.write("docs/qa.md", QA);
    repo.write("build/app_1.0.bin", "binary");
    types(&repo, "han", "open alpha --release 1.0", 0);
    assert_eq!(rule(&repo, "alpha", "approval")["who"], serde_json::json!(["KIM (Kim)", "HAN (Han)"]));
    types(&repo, "kim", "record qa-checklist", 0);
    assert_eq!(rule(&repo, "alpha", "approval")["who"], serde_json::json!(["HAN (Han)"]));
    let said = types(&repo, "", "explain alpha approval", 0);
    says_all(
        &said,
        &["not   KIM recorded evidence of this gate (entry 2)", "!     HAN put the release forward (entry 1)"],
    );
    types(&repo, "han", "record artifacts", 0);
    let approval = rule(&repo, "alpha", "approval");
    assert_eq!(approval["who"], serde_json::json!(["nobody in the roster can (ledger explain alpha approval)"]));
    says_all(approval["hint"].as_str().unwrap(), &["give somebody else the role", "ledger policy apply"]);
    for who in ["kim", "han"] {
        types(&repo, who, "sign alpha --yes", 1);
    }
}

#[test]
fn a_bot_is_named_where_it_may_bring_evidence() {
    let pipeline = POLICY.pipeline.replace("format = \"checklist\"", "format = \"checklist\"\nby = \"ci\"");
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: pipeline.leak() });
    repo.write("docs/qa.md", QA);
    types(&repo, "min", "open alpha --release 1.0", 0);
    assert_eq!(rule(&repo, "alpha", "qa-checklist")["who"], serde_json::json!(["CI (Ci)"]));
    types(&repo, "ci", "record qa-checklist", 0);
    assert_eq!(rule(&repo, "alpha", "qa-checklist")["state"], "satisfied");
    // Of those who may sign it is none.
    assert_eq!(rule(&repo, "alpha", "approval")["who"], serde_json::json!(["KIM (Kim)", "HAN (Han)"]));
}
