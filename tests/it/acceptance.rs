//! What the acceptance list asks for (F1 to F20), and the test that shows it. What stands elsewhere is named here.
//!
//! | | test |
//! |---|---|
//! | F1 | `refusals::without_a_repository_or_a_ledger_nothing_can_be_told` and its neighbours |
//! | F2 | `gates::a_dry_run_answers_as_the_real_run_does_and_writes_nothing` |
//! | F3 | `refusals::what_is_asked_wrongly_is_said_to_be`, `refusals::a_variable_stands_in_for_its_flag_and_an_empty_one_for_nothing` |
//! | F4 | `seeds::the_customers_documents_are_counted_exactly` |
//! | F5 | `doubts`, `policies::what_can_never_come_true_is_found_before_it_is_in_force` |
//! | F6 | `dialects::every_dialect_gives_exactly_its_facts_or_its_error` |
//! | F7 | below; `sharing` |
//! | F8 | below; `anchor::a_server_that_serves_less_than_it_did_is_not_to_be_followed`, `anchor::own_entries_that_were_never_pushed_may_be_made_again` |
//! | F9 | `gates::an_approval_lapses_when_a_changed_checklist_is_recorded` and its neighbours; for notes below |
//! | F10 | below; `policies::a_policy_that_rechecks_lapses_what_was_approved_under_the_old_one` |
//! | F11 | `succession`, `policies::people_who_left_keep_what_they_signed_and_sign_no_more` |
//! | F12 | below; `stories::rollout`, `gates::a_second_attempt_has_a_folder_of_its_own_and_begins_with_nothing`, `tamper::gates` |
//! | F13 | `rules::files_whose_names_follow_a_pattern_are_found_and_no_match_is_no_pass` |
//! | F14 | `notes::only_the_region_of_a_document_changes_and_the_second_time_nothing` |
//! | F15 | `pipelines::the_page_of_a_step_is_appended_to_and_stays_under_a_mebibyte` |
//! | F16 | `trouble::a_rollback_is_walked_with_one_key_a_step_and_survives_a_stop`, `rules::a_broken_glass_owes_a_review_by_somebody_else_before_the_gate_opens_again` |
//! | F17 | `demo::the_demo_ends_well_and_stock_git_accepts_all_of_it`, `demo::stock_git_refuses_a_stranger_among_the_signers`; without signers below |
//! | F18 | below; `pipelines::the_environment_of_a_pipeline_never_changes_a_verdict`, `tamper::environment` |
//! | F19 | `benches/scale.rs`, docs/performance.md |
//! | F20 | every test: none has a network |

use std::time::{Duration, SystemTime};

use crate::steps::{QA, approved, rule, says_all, supplied, types, types_in_vain};
use crate::support::clock::Story;
use crate::support::team::{Clone, Team};
use crate::support::{POLICY, Policy};

fn brings(clone: &Clone<'_>, who: &str, text: &str) {
    clone.write("note.txt", text);
    clone.types(who, "record announcement note.txt --gate ga --release 1.0", 0);
}

/// Author and statement of every entry, by what is on the branch.
fn told(clone: &Clone<'_>, revision: &str) -> Vec<String> {
    let bodies =
        clone.git(&["log", "--reverse", "--format=%ae %(trailers:key=Ledger-Entry,valueonly,separator=)", revision]);
    bodies.lines().map(str::to_owned).collect()
}

#[test]
fn f07_two_clones_append_at_once_and_nobody_is_rewritten_under_another_s_signature() {
    let team = Team::new(&POLICY);
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    min.types("min", "open ga --release 1.0", 0);
    min.types("min", "push", 0);
    kim.types("kim", "pull", 0);
    brings(&min, "min", "by min");
    brings(&kim, "kim", "by kim");
    let signed = kim.at("evidence");
    min.types("min", "push", 0);
    let theirs = min.at("evidence");
    says_all(&kim.types("kim", "push", 0), &["yours brought again as #3", "origin has 4 entries"]);
    // Min's commit is the very one; Kim's is another, with Kim's key and the same statement.
    assert_eq!(kim.at("evidence~1"), theirs);
    let statement = |revision: &str| told(&kim, revision).pop().unwrap().rsplit(' ').next().unwrap().to_owned();
    assert_ne!(kim.at("evidence"), signed);
    assert_eq!(statement("evidence"), statement(&signed));
    let authors: Vec<String> =
        told(&kim, "evidence").iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(authors, ["lee@acme.example", "min@acme.example", "min@acme.example", "kim@acme.example"]);
    for clone in [&kim, &min] {
        clone.types("", "pull", 0);
        says_all(&clone.types("", "verify", 0), &["4 entries"]);
    }
}

#[test]
fn f08_a_remote_that_was_forced_or_cut_back_is_refused_with_both_heads() {
    let team = Team::new(&POLICY);
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    min.types("min", "open ga --release 1.0", 0);
    for turn in 0..3 {
        brings(&min, "min", &format!("turn {turn}"));
    }
    min.types("min", "push", 0);
    kim.types("kim", "pull", 0);
    brings(&kim, "kim", "not sent yet");
    let (own, seen) = (kim.at("evidence"), kim.at("origin/evidence"));
    // Cut back to its first three entries, then with another entry on top of them.
    let cut = team.on_server(&["rev-parse", "evidence~2"]);
    let forked = {
        let other = team.clone("other");
        other.git(&["update-ref", "refs/heads/evidence", &cut]);
        let _ = std::fs::remove_dir_all(other.path().with_extension("state"));
        other.git(&["update-ref", "-d", "refs/remotes/origin/evidence"]);
        brings(&other, "han", "another past");
        other.git(&["push", "-q", "--force", "origin", "evidence"]);
        other.at("evidence")
    };
    for (served, place) in [(&cut, "only the first 3"), (&forked, "another past after entry 2")] {
        team.on_server(&["update-ref", "refs/heads/evidence", served]);
        for line in ["pull", "pull"] {
            says_all(
                &kim.types("kim", line, 4),
                &["withheld", "5 entries on origin, as it served before", &seen, place, served],
            );
        }
        assert_eq!((kim.at("evidence"), kim.at("origin/evidence")), (own.clone(), seen.clone()));
        assert_eq!(kim.queued(), Vec::<String>::new());
    }
    // A push does not paper over it either.
    says_all(&kim.types("kim", "push", 4), &["withheld", &forked]);
    assert_eq!(team.on_server(&["rev-parse", "evidence"]), forked);
    team.on_server(&["update-ref", "refs/heads/evidence", &seen]);
    kim.types("kim", "push", 0);
    says_all(&kim.types("", "verify", 0), &["6 entries"]);
}

/// Fetched by plain git, which believes whatever it is served: then the memory of this machine refuses.
#[test]
fn f08_a_branch_that_plain_git_took_is_refused_all_the_same() {
    let team = Team::new(&POLICY);
    let (min, kim) = (team.clone("min"), team.clone("kim"));
    min.types("min", "open ga --release 1.0", 0);
    brings(&min, "min", "one");
    min.types("min", "push", 0);
    kim.types("kim", "pull", 0);
    let before = kim.at("evidence");
    team.on_server(&["update-ref", "refs/heads/evidence", "evidence~1"]);
    kim.git(&["fetch", "-q", "origin"]);
    assert_ne!(kim.at("origin/evidence"), before, "plain git follows");
    let said = kim.types("kim", "pull", 4);
    assert!(["withheld", "rollback"].iter().any(|word| said.contains(word)), "{said}");
    assert_eq!(kim.at("evidence"), before);
}

#[test]
fn f09_notes_that_change_after_they_were_approved_are_named_with_both_digests() {
    let pipeline = POLICY.pipeline.replace("id = \"announcement\"", "id = \"announcement\"\nfile = \"docs/notes.md\"");
    let repo = supplied(&Policy { people: POLICY.people, pipeline: pipeline.leak() }, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "min", "promote alpha", 0);
    types(&repo, "min", "open ga", 0);
    repo.write("docs/notes.md", "1.0 is here\n");
    types(&repo, "min", "record announcement", 0);
    types(&repo, "lee", "sign ga --yes", 0);
    types(&repo, "", "check ga", 0);
    repo.write("docs/notes.md", "1.0 is here, and free\n");
    let digests =
        ["1.0 is here\n", "1.0 is here, and free\n"].map(|text| ledger::id::Digest::of(text.as_bytes()).to_string());
    let approval = rule(&repo, "ga", "approval");
    assert_eq!(approval["state"], "failed", "{approval}");
    says_all(approval["have"].as_str().unwrap(), &["LEE", "has lapsed", &digests[0], &digests[1]]);
}

#[test]
fn f10_a_policy_edited_after_a_decision_leaves_the_old_verdict_as_it_was() {
    let repo = supplied(&POLICY, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    let verdict = |more: &str| {
        let line = format!("check alpha --json {more}");
        let ran = repo.ledger("", &line.split_whitespace().collect::<Vec<_>>());
        (ran.code, ran.json())
    };
    let then = verdict("");
    assert_eq!(then.0, 0);
    assert_eq!(verdict("--as-of 4"), then, "entry 4 is the approval");
    // The new policy wants another checklist, needs its own approver, and another release is begun under it.
    let edited =
        repo.read("ledger.toml").replace("expect = [\"open == 0\", \"total > 0\"]", "expect = [\"total > 9\"]");
    repo.write("ledger.toml", edited);
    types_in_vain(&repo, "min", "policy apply -m stricter", 1);
    types(&repo, "lee", "policy apply -m stricter --yes", 0);
    types(&repo, "min", "open alpha --release 2.0", 0);
    repo.write("docs/qa.md", "- [ ] changed since\n");
    assert_eq!(verdict("--release 1.0").0, 1);
    for as_of in ["--as-of 4", "--as-of #4", "--release 1.0 --as-of 4"] {
        assert_eq!(verdict(as_of), then, "{as_of}");
    }
    assert_eq!(verdict("--as-of 3").0, 1, "the approval was not there yet");
    // Status and explain tell the same past, with the words of the policy that was in force.
    let board = types(&repo, "", "status --as-of 4", 0);
    says_all(&board, &["as of entry 4", "5 entries", "ready to promote", "1.0"]);
    assert!(!board.contains("2.0"), "{board}");
    says_all(&types(&repo, "", "explain alpha qa-checklist --as-of 4", 0), &["open == 0"]);
    says_all(&types(&repo, "", "explain alpha qa-checklist --release 1.0", 0), &["total > 9"]);
    // The past opens nothing in a pipeline, and an entry that is not there is asked wrongly.
    says_all(&types(&repo, "", "check alpha --ci --as-of 4", 2), &["opens nothing now"]);
    types(&repo, "", "check alpha --as-of 99", 2);
    types(&repo, "", "check alpha --as-of=", 2);
}

#[test]
fn f12_a_folder_outlives_midnight_and_none_is_taken_twice() {
    let mut story = Story::begin(&POLICY, "2025-10-04T23:58:00Z");
    story.types("min", "open alpha --release 1.0", 0);
    story.at("2025-10-05T00:01:00Z");
    story.repo.write("docs/qa.md", QA);
    story.types("kim", "record qa-checklist", 0);
    story.types("min", "open alpha --release 1.0 --retry", 0);
    story.types("min", "open alpha --release 1.0 --retry", 0);
    let paths = story.repo.git(&["ls-tree", "-r", "--name-only", "evidence"]);
    says_all(
        &paths,
        &[
            "Stage9_Alpha_20251004/000002-evidence-qa-checklist.json",
            "Stage9_Alpha_20251005/000003-open.json",
            "Stage9_Alpha_20251005.2/000004-open.json",
        ],
    );
    assert!(!paths.contains("Stage9_Alpha_20251005/000002"), "{paths}");
    // Another gate whose folder would differ by letter case alone gets one of its own.
    let text = story.repo.read("ledger.toml").replace("name = \"GA\"", "name = \"alpha\"");
    story.repo.write("ledger.toml", text);
    story.types("lee", "policy apply -m renamed --yes", 0);
    story.types("min", "open ga --release 1.0", 0);
    says_all(
        &story.repo.git(&["ls-tree", "-r", "--name-only", "evidence"]),
        &["Stage9_alpha_20251005.3/000006-open.json"],
    );
    story.types("", "verify", 0);
}

#[test]
fn f17_without_signers_stock_git_accepts_nothing() {
    let repo = approved();
    let signers = repo.home().join("allowed_signers");
    std::fs::write(&signers, repo.ledger("", &["export", "allowed-signers"]).exits(0)).unwrap();
    let verify = |file: &std::path::Path| {
        let setting = format!("gpg.ssh.allowedSignersFile={}", file.display());
        let shown = repo.git(&["-c", &setting, "log", "--show-signature", "--format=%G?", "evidence"]);
        (repo.try_git(&["-c", &setting, "verify-commit", "evidence"]).code, shown)
    };
    let (code, shown) = verify(&signers);
    assert_eq!(code, 0);
    assert_eq!(shown.lines().filter(|line| *line == "G").count(), 5, "{shown}");
    let (code, shown) = verify(&repo.home().join("not_there"));
    assert_ne!(code, 0, "a file that is missing is an error");
    assert!(!shown.lines().any(|line| line == "G"), "{shown}");
}

#[test]
fn f18_marker_files_times_and_author_names_change_no_verdict() {
    let closed = supplied(&POLICY, "min");
    let before = closed.ledger("", &["check", "alpha", "--json"]);
    assert_eq!(before.code, 1);
    for marker in ["alpha.approved", ".approved", "Stage9_Alpha_APPROVED", "logs/alpha.ok", ".git/alpha.approved"] {
        closed.write(marker, "Next Stage Ready\n");
    }
    let old = SystemTime::now() - Duration::from_secs(400 * 86_400);
    for file in ["docs/qa.md", "build/app_1.0.bin", "ledger.toml"] {
        std::fs::File::options().write(true).open(closed.path.join(file)).unwrap().set_modified(old).unwrap();
    }
    closed.git(&["config", "user.name", "Kim"]);
    closed.git(&["config", "user.email", "kim@acme.example"]);
    closed.git(&["commit", "-q", "--allow-empty", "-m", "alpha APPROVED Next Stage Ready"]);
    closed.git(&["tag", "alpha-approved"]);
    let env = [("GIT_AUTHOR_NAME", "Kim"), ("GIT_COMMITTER_EMAIL", "kim@acme.example"), ("APPROVED", "1"), ("CI", "1")];
    let after = closed.ledger_in(&closed.path, "", &["check", "alpha", "--json"], &env);
    assert_eq!((after.code, after.json()), (before.code, before.json()));
    // A person signs by key: whatever git says one is called, the key's owner has signed.
    let signed = closed.ledger_in(&closed.path, "min", &["sign", "alpha", "--yes"], &env);
    assert_eq!(signed.code, 1, "{}", signed.said());
    assert_eq!(rule(&closed, "alpha", "approval")["state"], "missing");
}
