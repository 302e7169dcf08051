//! What is to be done next: a command that does it as it stands, told to somebody who may.

use crate::steps::{QA, says_all, types};
use crate::support::{POLICY, Policy, TestRepo};

/// Two pipelines whose releases are called the same; one mirrors the ledger and rests on the other.
const TWO: &str = r#"
[pipeline.app]
folder = "App_{gate}_{version}"

[[pipeline.app.sync]]
notes = "notes.md"

[[pipeline.app.gate]]
id = "alpha"
requires = ["infra/ready"]

[[pipeline.app.gate.rule]]
id = "checklist"
format = "checklist"

[pipeline.app.gate.approval]
role = "qa-lead"
count = 2

[pipeline.infra]
folder = "Infra_{gate}_{version}"

[[pipeline.infra.gate]]
id = "ready"

[pipeline.infra.gate.approval]
role = "release-owner"
"#;

/// Alpha of 1.0 has everything but signatures.
fn two() -> TestRepo {
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: TWO });
    repo.write("qa.md", QA);
    types(&repo, "min", "open ready --release 1.0", 0);
    types(&repo, "lee", "sign ready --yes", 0);
    types(&repo, "lee", "promote ready", 0);
    types(&repo, "min", "open alpha --release 1.0", 0);
    types(&repo, "min", "record checklist qa.md", 0);
    repo
}

#[test]
fn the_pipeline_is_named_where_two_have_a_release_of_that_name() {
    let repo = two();
    says_all(&types(&repo, "kim", "sign alpha --yes", 0), &["ledger docs --write --release 1.0 --pipeline app\n"]);
    types(&repo, "han", "sign alpha --yes", 0);
    let said = types(&repo, "kim", "promote alpha", 0);
    says_all(&said, &["ledger docs --write --release 1.0 --pipeline app\n", "ledger notes 1.0 --pipeline app\n"]);
    let said = types(&repo, "", "docs --check", 3);
    says_all(&said, &["ledger notes 1.0 --pipeline app --update notes.md"]);
    says_all(&types(&repo, "", "notes 1.0 --pipeline app --check", 2), &["notes 1.0 --pipeline app --update FILE"]);
    // What was printed does it.
    types(&repo, "", "notes 1.0 --pipeline app --update notes.md", 0);
    types(&repo, "", "docs --write --release 1.0 --pipeline app", 0);
    // A release only one has needs no more words.
    types(&repo, "min", "open ready --release 2.0", 0);
    let said = types(&repo, "lee", "sign ready --yes", 0);
    types(&repo, "lee", "promote ready", 0);
    assert!(!said.contains("--pipeline"), "{said}");
}

#[test]
fn a_gate_elsewhere_that_this_release_has_not_is_to_be_opened() {
    let repo = two();
    types(&repo, "min", "open alpha --release 1.3", 0);
    says_all(&types(&repo, "", "check alpha --release 1.3", 1), &["→ ledger open infra/ready --release 1.3"]);
    types(&repo, "min", "open infra/ready --release 1.3", 0);
    types(&repo, "min", "open infra/ready --release 1.4", 0);
    says_all(&types(&repo, "", "check alpha --release 1.3", 1), &["→ ledger status infra/ready --release 1.3"]);
}

#[test]
fn an_attempt_that_is_under_way_is_not_called_an_open_gate() {
    let repo = two();
    says_all(&types(&repo, "min", "open alpha --release 1.0", 0), &["an attempt at alpha is under way for 1.0: App_"]);
    repo.write("more.txt", "more");
    repo.git(&["add", "."]);
    repo.git(&["commit", "-q", "-m", "more"]);
    let said = types(&repo, "min", "open alpha --release 1.0", 1);
    says_all(&said, &["an attempt at alpha is under way for 1.0, at commit ", "--retry"]);
}

#[test]
fn who_signed_is_told_who_else_has_to() {
    let repo = two();
    let said = types(&repo, "kim", "sign alpha --yes", 0);
    let next = said.lines().find(|line| line.starts_with("next: ")).unwrap();
    assert!(next.ends_with("  by HAN (Han)"), "{next}");
    says_all(next, &["next: ledger sign alpha"]);
    // Who took a word back may say another.
    let said = types(&repo, "kim", "sign alpha --withdraw -m wrong --yes", 0);
    assert!(!said.contains("  by HAN"), "{said}");
}

#[test]
fn every_pipeline_has_a_board_of_its_own_release() {
    let repo = two();
    types(&repo, "min", "open ready --release 7.7", 0);
    let said = types(&repo, "", "status", 0);
    let heads: Vec<&str> = said.lines().filter(|line| line.contains("example.org/acme/widget")).collect();
    assert!(heads.len() == 2 && heads[0].starts_with("1.0  app  ") && heads[1].starts_with("7.7  infra  "), "{said}");
    let said = types(&repo, "", "status --release 7.7", 0);
    says_all(&said, &["no release 7.7  app", "→ ledger open app/alpha --release 7.7", "7.7  infra  "]);
    let fresh = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: TWO });
    types(&fresh, "min", "open ready --release 1.0", 0);
    let said = types(&fresh, "", "status", 0);
    says_all(&said, &["no release yet  app", "→ ledger open app/alpha --release VERSION", "1.0  infra  "]);
}

#[test]
fn what_does_not_parse_is_shown_in_the_file_that_was_named() {
    let repo = two();
    repo.write("draft.toml", "[ledger]\nodd = 1\n");
    for line in ["policy diff draft.toml", "policy simulate draft.toml"] {
        let said = types(&repo, "", line, 2);
        assert!(said.contains("draft.toml:") && !said.contains("ledger.toml:"), "{line}: {said}");
    }
}

#[test]
fn the_policy_in_force_is_told_to_programs_as_a_document() {
    let repo = two();
    let shown = repo.ledger("", &["policy", "show", "--json"]).json();
    assert_eq!(shown["text"], repo.read("ledger.toml"));
}

const BACK: &str = r#"
[[pipeline.p.gate]]
id = "ga"

[[pipeline.p.gate.rule]]
id = "smoke"
format = "command"

[pipeline.p.gate.approval]
role = "qa-lead"

[[pipeline.p.trigger]]
id = "outage"
class = "immediate"
option = "switch"

[[pipeline.p.rollback]]
id = "switch"
steps = ["set enabled=false", "tell everybody"]
validation = ["smoke"]
"#;

#[test]
fn while_a_way_back_is_walked_it_is_to_be_gone_on_with() {
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: BACK });
    types(&repo, "min", "open ga --release 1.0", 0);
    types(&repo, "min", "run smoke -- true", 0);
    types(&repo, "kim", "sign ga --yes", 0);
    types(&repo, "kim", "promote ga", 0);
    types(&repo, "min", "trigger fire outage -m down", 0);
    says_all(&types(&repo, "", "check ga", 1), &["→ ledger rollback start switch --trigger "]);
    types(&repo, "min", "rollback start switch", 0);
    for (line, code) in [("status", 0), ("status ga", 0), ("check ga", 1)] {
        let said = types(&repo, "", line, code);
        let goes_on = said.lines().any(|line| line.trim_end().ends_with("ledger rollback"));
        assert!(goes_on && !said.contains("rollback start"), "{line}: {said}");
    }
}
