//! When a gate opens and when it stays closed: missing rules, lapsed approvals, and who may approve.

use ledger::id::Digest;
use serde_json::Value;

use crate::steps::{QA, approved, ga_supplied, rule, says_all, supplied, supply, types, types_in_vain};
use crate::support::{POLICY, Policy, TestRepo};

const OTHER_QA: &str = "# QA\n\n- [x] installs\n- [x] starts\n";

/// The board names both digests, promoting is refused and writes nothing.
#[track_caller]
fn has_lapsed(repo: &TestRepo, old: &str, new: &str) {
    let (old, new) = (Digest::of(old.as_bytes()).to_string(), Digest::of(new.as_bytes()).to_string());
    let approval = rule(repo, "alpha", "approval");
    assert_eq!(approval["state"], "failed", "{approval}");
    says_all(approval["have"].as_str().unwrap(), &["KIM", "has lapsed", &old, &new]);
    says_all(&types(repo, "", "status alpha", 0), &["has lapsed", &old, &new]);
    types(repo, "", "check alpha", 1);
    says_all(&types_in_vain(repo, "min", "promote alpha", 1), &["approval", &old, &new]);
}

#[track_caller]
fn signing_again_mends_it(repo: &TestRepo) {
    types(repo, "kim", "sign alpha --yes", 0);
    types(repo, "min", "promote alpha", 0);
}

#[test]
fn a_missing_rule_refuses_and_names_who_can_supply_it_with_which_command() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("build/app_1.0.bin", "binary");
    types(&repo, "min", "open alpha --release 1.0", 0);
    types(&repo, "min", "record artifacts", 0);
    for (who, line) in [("kim", "sign alpha --yes"), ("min", "promote alpha"), ("", "check alpha")] {
        let said = types_in_vain(&repo, who, line, 1);
        says_all(&said, &["qa-checklist", "docs/qa.md", "open == 0", "anybody in the roster"]);
        says_all(&said, &["ledger record qa-checklist --gate alpha", "KIM (Kim), HAN (Han)", "ledger sign alpha"]);
        assert!(!said.contains("CI (Ci)"), "a bot is named as somebody who can sign:\n{said}");

        let decision = repo.ledger(who, &format!("{line} --json").split(' ').collect::<Vec<_>>());
        assert_eq!(decision.code, 1);
        let decision = decision.json();
        assert_eq!((&decision["verdict"], &decision["gate"]), (&"closed".into(), &"alpha".into()));
        let rules = decision["rules"].as_array().unwrap();
        let missing = rules.iter().find(|rule| rule["id"] == "qa-checklist").unwrap();
        assert_eq!(missing["state"], "missing");
        assert_eq!(missing["hint"], "ledger record qa-checklist --gate alpha");
        assert_eq!(missing["who"][0], "anybody in the roster");
        assert!(
            missing["need"].as_str().unwrap().contains("open == 0") && missing["by"].as_array().unwrap().is_empty()
        );
    }
    repo.write("docs/qa.md", "# QA\n\n- [ ] installs\n");
    types(&repo, "kim", "record qa-checklist", 0);
    assert_eq!(rule(&repo, "alpha", "qa-checklist")["state"], "failed");
    says_all(&types_in_vain(&repo, "kim", "sign alpha --yes", 1), &["open is 1, expected open == 0"]);
}

#[test]
fn a_rule_only_some_may_supply_names_them_and_counts_nobody_else() {
    let pipeline = POLICY.pipeline.replace("id = \"announcement\"", "id = \"announcement\"\nby = \"release-owner\"");
    let repo = supplied(&Policy { people: POLICY.people, pipeline: pipeline.leak() }, "min");
    ga_supplied(&repo);
    says_all(
        &types_in_vain(&repo, "han", "sign ga --yes", 1),
        &["brought by min@acme.example, who is not release-owner", "LEE (Lee), HAN (Han)"],
    );
    types(&repo, "lee", "record announcement docs/announcement.md", 0);
    types(&repo, "han", "sign ga --yes", 0);
}

#[test]
fn an_unopened_gate_says_how_to_open_it() {
    let repo = TestRepo::with_ledger(&POLICY);
    for line in ["sign alpha --release 1.0 --yes", "promote alpha --release 1.0", "check alpha --release 1.0"] {
        says_all(&types_in_vain(&repo, "kim", line, 1), &["ledger open alpha --release 1.0"]);
    }
}

#[test]
fn a_dry_run_answers_as_the_real_run_does_and_writes_nothing() {
    let repo = supplied(&POLICY, "min");
    repo.write("ledger.toml", repo.read("ledger.toml") + "\n# reviewed\n");
    repo.write("docs/announcement.md", "1.0 is here\n");
    for (who, line, code) in [
        ("min", "promote alpha", 1),
        ("min", "sign alpha --yes", 1),
        ("kim", "sign alpha --yes --reject", 2),
        ("kim", "sign alpha --yes --withdraw -m mistake", 1),
        ("mallory", "sign alpha --yes", 3),
        ("min", "record artifcts", 2),
        ("min", "record announcement docs/absent.md", 3),
        ("min", "record artifacts", 0),
        ("min", "run qa-checklist --gate beta -- git --version", 2),
        ("min", "run announcement -- git --version", 0),
        ("min", "record announcement docs/announcement.md", 0),
        ("kim", "sign alpha --yes", 0),
        ("min", "promote alpha", 0),
        ("min", "open alpha --release 1.0", 0),
        ("min", "open alpha --release 1.0 --commit HEAD~1", 1),
        ("min", "open alpha --release 1.0 --commit nowhere", 2),
        ("min", "open alpha --release 2.0", 0),
        ("min", "policy apply -m because", 1),
        ("lee", "policy apply -m because --yes", 0),
    ] {
        types_in_vain(&repo, who, &format!("--dry-run {line}"), code);
        types(&repo, who, line, code);
    }
    types(&repo, "", "verify", 0);
}

#[test]
fn a_dry_run_opens_no_gate_on_the_way() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", QA);
    types_in_vain(&repo, "kim", "--dry-run record qa-checklist --release 1.0", 0);
    types_in_vain(&repo, "kim", "--dry-run run announcement --release 1.0 -- git --version", 0);
    types(&repo, "kim", "record qa-checklist --release 1.0", 0);
}

#[test]
fn an_approval_lapses_when_a_changed_artifact_is_recorded() {
    let repo = approved();
    repo.write("build/app_1.0.bin", "other binary");
    types(&repo, "min", "record artifacts", 0);
    assert_eq!(rule(&repo, "alpha", "artifacts")["state"], "satisfied");
    has_lapsed(&repo, "binary", "other binary");
    signing_again_mends_it(&repo);
}

#[test]
fn an_approval_lapses_when_the_artifact_changes_on_disk() {
    let repo = approved();
    repo.write("build/app_1.0.bin", "other binary");
    has_lapsed(&repo, "binary", "other binary");
    types_in_vain(&repo, "kim", "sign alpha --yes", 1);
    types(&repo, "min", "record artifacts", 0);
    has_lapsed(&repo, "binary", "other binary");
    signing_again_mends_it(&repo);
}

#[test]
fn an_approval_lapses_when_the_checklist_changes_on_disk() {
    let repo = approved();
    repo.write("docs/qa.md", OTHER_QA);
    has_lapsed(&repo, QA, OTHER_QA);
    types_in_vain(&repo, "kim", "sign alpha --yes", 1);
    repo.write("docs/qa.md", QA);
    types(&repo, "", "check alpha", 0);
    repo.write("docs/qa.md", OTHER_QA);
    types(&repo, "kim", "record qa-checklist", 0);
    signing_again_mends_it(&repo);
}

#[test]
fn an_approval_lapses_when_a_changed_checklist_is_recorded() {
    let repo = approved();
    repo.write("docs/qa.md", OTHER_QA);
    types(&repo, "kim", "record qa-checklist", 0);
    assert_eq!(rule(&repo, "alpha", "qa-checklist")["state"], "satisfied");
    has_lapsed(&repo, QA, OTHER_QA);
    signing_again_mends_it(&repo);
}

#[test]
fn other_line_endings_and_the_same_bytes_again_are_no_change() {
    let repo = approved();
    repo.write("docs/qa.md", QA.replace('\n', "\r\n"));
    types(&repo, "", "check alpha", 0);
    repo.write("docs/qa.md", QA);
    types(&repo, "han", "record qa-checklist", 0);
    types(&repo, "han", "record artifacts", 0);
    types(&repo, "", "check alpha", 0);
    repo.write("docs/qa.md", QA.replace('\n', "\r\n"));
    types(&repo, "min", "promote alpha", 0);
}

#[test]
fn what_is_recorded_last_counts_also_when_it_was_recorded_before() {
    let repo = approved();
    for bytes in ["other binary", "binary"] {
        repo.write("build/app_1.0.bin", bytes);
        types(&repo, "min", "record artifacts", 0);
    }
    types(&repo, "", "check alpha", 0);
}

#[test]
fn a_person_with_two_keys_is_one_person() {
    let pipeline = POLICY.pipeline.replace("role = \"qa-lead\"", "role = \"qa-lead\"\ncount = 2");
    let repo = supplied(&Policy { people: POLICY.people, pipeline: pipeline.leak() }, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "kim2", "sign alpha --yes", 0);
    let approval = rule(&repo, "alpha", "approval");
    assert_eq!((approval["state"].as_str(), approval["by"].as_array().unwrap().len()), (Some("missing"), 1));
    says_all(&types_in_vain(&repo, "min", "promote alpha", 1), &["2 approvals by qa-lead"]);
    types(&repo, "han", "sign alpha --yes", 0);
    types(&repo, "min", "promote alpha", 0);
}

#[test]
fn whoever_opened_the_release_cannot_approve_it_and_another_owner_can() {
    let repo = supplied(&POLICY, "lee");
    ga_supplied(&repo);
    says_all(&types_in_vain(&repo, "lee", "sign ga --yes", 1), &["LEE may not sign ga", "LEE put the release forward"]);
    types_in_vain(&repo, "min", "promote ga", 1);
    types(&repo, "han", "sign ga --yes", 0);
    types(&repo, "min", "promote ga", 0);
}

#[test]
fn whoever_wrote_the_commit_cannot_approve_it_whoever_opened_the_release() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "work", "--author", "L <Lee@ACME.example>"]);
    supply(&repo, "min", "1.0");
    ga_supplied(&repo);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    says_all(
        &types_in_vain(&repo, "lee", "sign ga --yes", 1),
        &["LEE may not sign ga", "LEE is an author of commit", commit.trim()],
    );
    types(&repo, "han", "sign ga --yes", 0);
}

#[test]
fn an_owner_who_neither_opened_nor_wrote_the_release_approves_it() {
    let repo = supplied(&POLICY, "min");
    ga_supplied(&repo);
    types(&repo, "lee", "sign ga --yes", 0);
    types(&repo, "min", "promote ga", 0);
}

#[test]
fn a_bot_a_wrong_role_and_a_stranger_cannot_approve_or_reject() {
    let repo = supplied(&POLICY, "min");
    for line in ["sign alpha --yes", "sign alpha --yes --reject -m no"] {
        says_all(&types_in_vain(&repo, "ci", line, 1), &["CI may not sign alpha", "bot"]);
        says_all(&types_in_vain(&repo, "min", line, 1), &["MIN may not sign alpha", "MIN is not qa-lead"]);
        says_all(&types_in_vain(&repo, "mallory", line, 3), &["no key found belongs to anybody in the roster"]);
        says_all(&types_in_vain(&repo, "", line, 3), &["no ssh-ed25519 key was found"]);
    }
    for line in ["promote alpha", "record artifacts", "open alpha --release 2.0", "policy apply -m mine"] {
        repo.write("ledger.toml", repo.read("ledger.toml") + "\n# changed\n");
        let code = if line == "promote alpha" { 1 } else { 3 };
        types_in_vain(&repo, "mallory", line, code);
    }
    types(&repo, "kim", "sign alpha --yes", 0);
    types_in_vain(&repo, "mallory", "promote alpha", 3);
}

#[test]
fn a_withdrawn_approval_does_not_count() {
    let repo = approved();
    types(&repo, "", "check alpha", 0);
    types_in_vain(&repo, "kim", "sign alpha --withdraw --yes", 2);
    says_all(&types_in_vain(&repo, "han", "sign alpha --withdraw -m mine --yes", 1), &["HAN has nothing to withdraw"]);
    types(&repo, "kim2", "sign alpha --withdraw -m mistake --yes", 0);
    assert_eq!(rule(&repo, "alpha", "approval")["state"], "missing");
    types_in_vain(&repo, "min", "promote alpha", 1);
    types_in_vain(&repo, "kim", "sign alpha --withdraw -m again --yes", 1);
    signing_again_mends_it(&repo);
}

#[test]
fn withdrawing_the_last_of_two_approvals_does_not_bring_back_the_first() {
    let repo = approved();
    types(&repo, "kim", "sign alpha --yes -m again", 0);
    types(&repo, "kim", "sign alpha --withdraw -m mistake --yes", 0);
    types_in_vain(&repo, "min", "promote alpha", 1);
}

#[test]
fn an_open_rejection_closes_the_gate_until_it_is_withdrawn() {
    let repo = approved();
    types_in_vain(&repo, "han", "sign alpha --reject --yes", 2);
    types(&repo, "han", "sign alpha --reject -m crashes --yes", 0);
    assert_eq!(rule(&repo, "alpha", "approval")["state"], "satisfied");
    let said = types_in_vain(&repo, "min", "promote alpha", 1);
    says_all(&said, &["rejection", "rejected by Han: crashes", "ledger sign alpha --withdraw -m REASON"]);
    types_in_vain(&repo, "kim", "sign alpha --yes", 1);
    types(&repo, "han", "sign alpha --withdraw -m fixed --yes", 0);
    assert_eq!(rule(&repo, "alpha", "rejection"), Value::Null);
    types(&repo, "min", "promote alpha", 0);
}

#[test]
fn whoever_rejected_may_approve_instead() {
    let repo = supplied(&POLICY, "min");
    types(&repo, "han", "sign alpha --reject -m crashes --yes", 0);
    types(&repo, "han", "sign alpha --yes", 0);
    types(&repo, "min", "promote alpha", 0);
}

#[test]
fn ga_stays_closed_while_alpha_is_not_promoted() {
    let repo = approved();
    types(&repo, "min", "open ga", 0);
    repo.write("docs/announcement.md", "1.0 is here\n");
    types(&repo, "min", "record announcement docs/announcement.md", 0);
    for (who, line) in [("han", "sign ga --yes"), ("min", "promote ga"), ("", "check ga")] {
        says_all(&types_in_vain(&repo, who, line, 1), &["alpha promoted for 1.0", "alpha is not promoted"]);
    }
    types(&repo, "min", "promote alpha", 0);
    types(&repo, "han", "sign ga --yes", 0);
    types(&repo, "min", "promote ga", 0);
}

#[test]
fn ga_closes_again_when_alpha_was_promoted_for_another_artifact() {
    let repo = supplied(&POLICY, "min");
    ga_supplied(&repo);
    types(&repo, "han", "sign ga --yes", 0);
    types(&repo, "", "check ga", 0);
    repo.write("build/app_1.0.bin", "other binary");
    types(&repo, "min", "record artifacts --gate alpha", 0);
    let alpha = rule(&repo, "ga", "alpha");
    assert_eq!(alpha["state"], "failed", "{alpha}");
    let digests = ["binary", "other binary"].map(|bytes| Digest::of(bytes.as_bytes()).to_string());
    says_all(alpha["have"].as_str().unwrap(), &[&digests[0], &digests[1]]);
    types_in_vain(&repo, "min", "promote ga", 1);
    types_in_vain(&repo, "han", "sign ga --yes", 1);
    says_all(alpha["hint"].as_str().unwrap(), &["ledger open alpha --release 1.0 --retry"]);
    supply_again_and_promote(&repo);
    types(&repo, "min", "promote ga", 0);
}

/// The hint of a gate that must be passed once more, followed.
fn supply_again_and_promote(repo: &TestRepo) {
    types(repo, "min", "open alpha --release 1.0 --retry", 0);
    types(repo, "min", "record artifacts", 0);
    types(repo, "kim", "record qa-checklist", 0);
    signing_again_mends_it(repo);
}

#[test]
fn a_second_attempt_has_a_folder_of_its_own_and_begins_with_nothing() {
    let repo = approved();
    let first = repo.ledger("", &["status", "alpha", "--json"]).json();
    says_all(&types_in_vain(&repo, "min", "open alpha --release 1.0", 0), &["is under way for 1.0"]);
    types(&repo, "min", "open alpha --release 1.0 --retry", 0);
    let second = repo.ledger("", &["status", "alpha", "--json"]).json();
    let [one, two] = [&first, &second].map(|decision| decision["folder"].as_str().unwrap());
    assert!(one != two && (two.ends_with(".2") || !two.starts_with(one)), "{one} {two}");
    assert_eq!((&second["attempt"], &second["verdict"]), (&2.into(), &"closed".into()));
    assert!(second["rules"].as_array().unwrap().iter().all(|rule| rule["state"] == "missing"), "{second}");
    types_in_vain(&repo, "min", "promote alpha", 1);
    types(&repo, "min", "record artifacts", 0);
    types(&repo, "kim", "record qa-checklist", 0);
    signing_again_mends_it(&repo);
    types(&repo, "", "verify", 0);
}

#[test]
fn bound_to_its_tree_a_release_is_for_every_commit_of_the_same_files() {
    let pipeline = POLICY.pipeline.replacen("[pipeline.stage9]", "[pipeline.stage9]\nbind = \"tree\"", 1);
    let repo = supplied(&Policy { people: POLICY.people, pipeline: pipeline.leak() }, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "the same files"]);
    types(&repo, "", "check alpha --ci", 0);
    repo.write("src/main.py", "print('other')\n");
    repo.git(&["commit", "-q", "-a", "-m", "other files"]);
    says_all(&types(&repo, "", "check alpha --ci", 1), &["source", "--retry"]);
    types(&repo, "", "check alpha --ci --commit HEAD~1", 0);
}

#[test]
fn a_second_release_stands_beside_the_first() {
    let repo = approved();
    supply(&repo, "min", "1.1");
    assert_eq!(repo.ledger("", &["status", "alpha", "--json"]).json()["release"], "1.1");
    assert_eq!(rule(&repo, "alpha", "approval")["state"], "missing");
    types_in_vain(&repo, "min", "promote alpha", 1);
    types(&repo, "min", "promote alpha --release 1.0", 0);
    types_in_vain(&repo, "min", "promote alpha --release 1.1", 1);
    signing_again_mends_it(&repo);
    types(&repo, "", "verify", 0);
}

#[test]
fn an_unknown_slot_or_gate_is_asked_wrongly_and_a_near_one_is_named() {
    let repo = supplied(&POLICY, "min");
    for (line, help) in [
        ("record qa-checklst", "did you mean qa-checklist?"),
        ("record zzz", "the slots are"),
        ("record qa-checklist --gate alpah", "did you mean alpha?"),
        ("record announcement docs/qa.md --gate alpha", "its slots are qa-checklist, artifacts"),
        ("run artifactz -- git --version", "did you mean artifacts?"),
        ("sign alhpa --yes", "did you mean alpha?"),
        ("promote nightly", "the gates are alpha, ga"),
    ] {
        says_all(&types_in_vain(&repo, "min", line, 2), &[help]);
    }
}

#[test]
fn a_rule_judges_values_it_named_itself_and_verification_finds_them_again() {
    let own = "format = \"json\"\nfile = \"docs/perf.json\"\nvalues = { p95 = \"/latency/p95\", errors = \"/errors\" }\nexpect = [\"p95 < 0.2 s\", \"errors_count == 0\"]";
    let (before, _) = POLICY.pipeline.split_once("format = \"checklist\"").unwrap();
    let (_, after) = POLICY.pipeline.split_once("expect = [\"open == 0\", \"total > 0\"]").unwrap();
    let pipeline = format!("{before}{own}{after}");
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: pipeline.leak() });
    types(&repo, "min", "open alpha --release 1.0", 0);
    let state = |json: &str| {
        repo.write("docs/perf.json", json);
        types(&repo, "kim", "record qa-checklist", 0);
        rule(&repo, "alpha", "qa-checklist")["state"].clone()
    };
    assert_eq!(state("{\"latency\": {\"p95\": \"183.4 ms\"}, \"errors\": []}"), "satisfied");
    assert_eq!(state("{\"latency\": {\"p95\": \"200 ms\"}, \"errors\": []}"), "failed");
    assert_eq!(state("{\"latency\": {\"p95\": \"10 ms\"}, \"errors\": [\"x\"]}"), "failed");
    assert_eq!(state("{\"latency\": {\"p95\": 0.1834}, \"errors\": []}"), "failed", "a number without its unit");
    repo.write("docs/perf.json", "{\"latency\": {}, \"errors\": []}");
    says_all(&types_in_vain(&repo, "kim", "record qa-checklist", 2), &["/latency/p95 leads to nothing"]);
    types(&repo, "", "verify", 0);
}
