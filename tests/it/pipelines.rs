//! `ledger check` in a pipeline: several gates at once, every format, the step's page, annotations, and what
//! the commits under review changed.

use serde_json::Value;

use crate::steps::{approved, rule, says_all, supplied, types, types_in_vain};
use crate::support::{POLICY, Policy, Ran, TestRepo};

const HOSTILE: &str = "##[set-output name=verdict]open ::error::x <b>|`";

/// The policy's checklist rule names a section with a hostile name, which stands in what is needed.
fn hostile() -> TestRepo {
    let section = format!("section = {HOSTILE:?}\nfile = \"docs/qa.md\"");
    let pipeline = POLICY.pipeline.replacen("file = \"docs/qa.md\"", &section, 1);
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: pipeline.leak() });
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo
}

fn check(repo: &TestRepo, line: &str, env: &[(&str, &str)]) -> Ran {
    let args: Vec<&str> = ["check"].into_iter().chain(line.split_whitespace()).collect();
    repo.ledger_in(&repo.path, "", &args, env)
}

/// Alpha of 1.0 is approved for the commit that is checked out.
fn ready() -> TestRepo {
    let repo = approved();
    types(&repo, "", "check alpha --ci", 0);
    repo
}

#[test]
fn several_gates_are_open_when_every_one_is() {
    let repo = ready();
    let said = types_in_vain(&repo, "", "check alpha ga", 1);
    says_all(&said, &["alpha is open for 1.0", "ga is closed for 1.0", "ledger open ga --release 1.0"]);
    assert_eq!(said, types_in_vain(&repo, "", "check --all", 1));
    types(&repo, "", "check alpha Alpha", 0);
    let json = check(&repo, "--all --json", &[]).json();
    let verdicts: Vec<&Value> = json["gates"].as_array().unwrap().iter().map(|gate| &gate["verdict"]).collect();
    assert_eq!(verdicts, ["open", "closed"]);
    assert_eq!(check(&repo, "alpha --format json", &[]).json()["gate"], "alpha");
    says_all(&types(&repo, "", "check", 2), &["no gate is named", "ledger check --all"]);
    types(&repo, "", "check alpha --all", 2);
    let _ = check(&repo, "", &[("LEDGER_ALL", "1")]).exits(1);
    let _ = check(&repo, "alpha", &[("LEDGER_ALL", "1")]).exits(0);
    types(&repo, "", "check alpha beta", 2);
    types(&repo, "", "check --all --release 2.0", 2);
}

#[test]
fn every_format_tells_the_same_verdict_and_no_evidence_commands_the_runner() {
    let (open, closed) = (ready(), hostile());
    for format in ["human", "json", "markdown", "junit", "sarif", "github"] {
        let line = format!("check alpha --format {format}");
        types(&open, "", &line, 0);
        let said = types(&closed, "", &line, 1);
        assert!(!said.contains("##[") && said.contains("name=verdict"), "{format}: {said}");
        for line in said.lines() {
            let is_command = line.trim_start().starts_with("::");
            assert_eq!(is_command, format == "github", "{format}: {line}");
        }
    }
    for bad in ["--format xml", "--report human=a", "--report junit", "--report junit=", "--format", "--summary"] {
        types(&open, "", &format!("check alpha {bad}"), 2);
    }
    let xml = types(&closed, "", "check alpha --format junit", 1);
    says_all(
        &xml,
        &["<testsuites name=\"ledger\" tests=\"3\" failures=\"3\" errors=\"0\"", "classname=\"stage9/alpha\""],
    );
}

#[test]
fn annotations_stand_at_the_rule_while_the_work_tree_has_the_policy_in_force() {
    let repo = hostile();
    let policy = repo.read("ledger.toml");
    let line = |policy: &str, word: &str| policy.lines().position(|line| line.contains(word)).unwrap() + 1;
    let github = [("GITHUB_ACTIONS", "true")];
    let said = check(&repo, "alpha --ci", &github).exits(1);
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 3, "two rules and the approval:\n{said}");
    let at = |rule: &str| *errors.iter().find(|error| error.contains(rule)).unwrap();
    let header = line(&policy, "id = \"qa-checklist\"") - 1;
    says_all(at("qa-checklist"), &[&format!("file=ledger.toml,line={header},title=ledger stage9/alpha%3A")]);
    says_all(at("%3A approval missing"), &[&format!("line={}", line(&policy, "[pipeline.stage9.gate.approval]"))]);
    // Lines of another text would mislead.
    repo.write("ledger.toml", format!("# first\n{policy}"));
    let said = check(&repo, "alpha --ci", &github).exits(1);
    assert!(said.contains("::error title=") && !said.contains("line="), "{said}");
    repo.write("ledger.toml", policy.replace('\n', "\r\n"));
    says_all(&check(&repo, "alpha --ci", &github).exits(1), &[&format!("line={header}")]);
    // A document on stdout stays one; without --ci or outside of GitHub nothing is annotated.
    let ran = check(&repo, "alpha --ci --format json", &github);
    assert_eq!(ran.json()["verdict"], "closed");
    assert!(ran.err.contains("::error "), "{}", ran.err);
    for (line, env) in [("alpha", &github[..]), ("alpha --ci", &[]), ("alpha --ci", &[("GITHUB_ACTIONS", "false")])] {
        assert!(!check(&repo, line, env).said().contains("::error "));
    }
}

#[test]
fn the_page_of_a_step_is_appended_to_and_stays_under_a_mebibyte() {
    let repo = hostile();
    let page = repo.home().join("summary.md");
    let path = page.to_str().unwrap();
    let env = [("GITHUB_STEP_SUMMARY", path)];
    for line in ["alpha", "alpha --ci --no-summary", "alpha --ci --dry-run"] {
        let _ = check(&repo, line, &env).exits(1);
        assert!(!page.exists(), "{line}");
    }
    std::fs::write(&page, "# before\n").unwrap();
    let _ = check(&repo, "alpha --ci", &env).exits(1);
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("# before\n"), "{text}");
    says_all(&text, &["0 of 1 gates open, 1 of 4 rules met", "stage9/alpha is closed for 1.0", "&lt;b&gt;\\|"]);
    // Nearly full: the counts only. Full: nothing, and the verdict is what it was.
    for (size, is_added) in [((1 << 20) - 2_000, true), ((1 << 20) - 100, false)] {
        std::fs::write(&page, vec![b'x'; size]).unwrap();
        let said = check(&repo, "alpha --ci", &env);
        let length = std::fs::metadata(&page).unwrap().len() as usize;
        assert!(length < 1 << 20 && (length > size) == is_added, "{size}: {length}");
        assert_eq!((said.code, said.err.contains("is full")), (1, !is_added), "{}", said.err);
    }
    std::fs::write(&page, "").unwrap();
    let _ = check(&repo, &format!("alpha --summary {path}"), &[]).exits(1);
    says_all(&std::fs::read_to_string(&page).unwrap(), &["0 of 1 gates open, 0 of 3 rules met"]);
}

#[test]
fn reports_are_written_in_one_run_and_a_yes_that_cannot_be_is_none() {
    let repo = ready();
    let reports =
        "--report junit=out/ledger.xml --report sarif=out/l.sarif --report json=out/l.json --report markdown=out/l.md";
    types(&repo, "", &format!("check alpha {reports}"), 0);
    says_all(&repo.read("out/ledger.xml"), &["failures=\"0\" errors=\"0\""]);
    let log: Value = serde_json::from_str(&repo.read("out/l.sarif")).unwrap();
    assert_eq!((&log["version"], &log["runs"][0]["results"]), (&"2.1.0".into(), &serde_json::json!([])));
    let json: Value = serde_json::from_str(&repo.read("out/l.json")).unwrap();
    assert_eq!(json, check(&repo, "alpha --json", &[]).json());
    says_all(&repo.read("out/l.md"), &["✅ ledger: open", "1 of 1 gates open"]);
    // `docs` is a folder, which no report can be written over.
    for line in ["--report junit=docs", "--summary docs"] {
        says_all(&types(&repo, "", &format!("check alpha {line}"), 3), &["cannot be written", "docs"]);
        says_all(&types(&repo, "", &format!("check ga {line}"), 1), &["cannot be written", "ga is closed"]);
    }
    let ran = check(&repo, "alpha --ci", &[("GITHUB_STEP_SUMMARY", "docs")]);
    assert!(ran.err.contains("docs cannot be written"), "{}", ran.err);
    let _ = ran.exits(0);
}

/// What is no regular file is not taken away by a report in its place.
#[cfg(unix)]
#[test]
fn a_report_replaces_no_pipe_and_no_link() {
    use std::os::unix::fs::FileTypeExt as _;
    let repo = ready();
    let (pipe, link) = (repo.path.join("pipe"), repo.path.join("link"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    repo.write("elsewhere.txt", "kept");
    std::os::unix::fs::symlink("elsewhere.txt", &link).unwrap();
    for place in ["pipe", "link"] {
        let report = format!("junit={place}");
        let said = check(&repo, &format!("alpha --ci --report {report}"), &[]);
        assert!(said.err.contains("it is no regular file"), "{said:?}");
        let _ = said.exits(3);
        let _ = check(&repo, "alpha --ci", &[("LEDGER_REPORT", &report)]).exits(3);
        types(&repo, "", &format!("check ga --report {report}"), 1);
    }
    let kind = |path| std::fs::symlink_metadata(path).unwrap().file_type();
    assert!(kind(&pipe).is_fifo() && kind(&link).is_symlink());
    assert_eq!(repo.read("elsewhere.txt"), "kept");
}

#[test]
fn what_nobody_could_tell_is_told_everywhere_and_exits_with_its_own_code() {
    let repo = ready();
    std::fs::remove_file(repo.path.join(".ledger.toml")).unwrap();
    let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "summary.md")];
    let said =
        check(&repo, "alpha --ci --report junit=l.xml --report sarif=l.sarif --report json=l.json", &env).exits(3);
    says_all(&said, &["::error title=ledger could not tell::nothing pins this ledger"]);
    says_all(&repo.read("summary.md"), &["could not tell", "nothing pins this ledger"]);
    says_all(&repo.read("l.xml"), &["errors=\"1\"", "<error message=\"nothing pins this ledger"]);
    says_all(&repo.read("l.sarif"), &["\"executionSuccessful\": false"]);
    says_all(&repo.read("l.json"), &["\"exitCode\": 3"]);
    for format in ["junit", "sarif", "markdown", "github"] {
        says_all(&check(&repo, &format!("alpha --ci --format {format}"), &[]).exits(3), &["nothing pins this ledger"]);
    }
}

#[test]
fn the_environment_of_a_pipeline_never_changes_a_verdict() {
    let (open, closed) = (ready(), supplied(&POLICY, "min"));
    let env = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", "/nowhere/at/all"),
        ("GITHUB_ACTOR", "kim@acme.example"),
        ("GITHUB_BASE_REF", "main"),
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", "0000000000000000000000000000000000000000"),
        ("GITHUB_OUTPUT", "/nowhere/at/all"),
    ];
    for (repo, code) in [(&open, 0), (&closed, 1)] {
        for line in ["alpha", "alpha --ci", "alpha --ci --dry-run"] {
            assert_eq!(check(repo, line, &env).code, check(repo, line, &[]).code);
            assert_eq!(check(repo, line, &env).code, code);
        }
    }
}

/// Commits what is in the work tree.
fn commit(repo: &TestRepo) {
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
}

#[test]
fn a_document_changed_under_review_must_be_recorded_as_it_is_left() {
    let repo = ready();
    commit(&repo);
    repo.git(&["branch", "base"]);
    let changed = "check alpha --changed base...HEAD";
    says_all(&types(&repo, "", changed, 0), &["alpha is open"]);
    // Empty commits and merges change nothing.
    repo.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]);
    repo.git(&["checkout", "-q", "-b", "side", "base"]);
    repo.write("src/main.py", "print('side')\n");
    commit(&repo);
    repo.git(&["checkout", "-q", "-"]);
    repo.git(&["merge", "-q", "--no-ff", "side", "-m", "merge"]);
    assert!(!types(&repo, "", changed, 0).contains("changed the documents"));
    // The work tree is as recorded, the commit under review is not.
    repo.write("docs/qa.md", "# QA\n\n- [x] starts\n");
    commit(&repo);
    repo.git(&["checkout", "-q", "base", "--", "docs/qa.md"]);
    types(&repo, "", "check alpha", 0);
    let said = types_in_vain(&repo, "", changed, 1);
    says_all(&said, &["docs/qa.md was changed by base...HEAD", "ledger record qa-checklist --gate alpha"]);
    says_all(&said, &["base...HEAD changed the documents of 1 rule: qa-checklist"]);
    let json = check(&repo, "alpha --changed base..HEAD --json", &[]).json();
    assert_eq!(json["rules"].as_array().unwrap().iter().filter(|rule| rule["state"] == "failed").count(), 1);
    // A range in which it is what was recorded, whatever its line ends, opens nothing that was closed.
    let there_and_back = "check alpha --changed HEAD..base";
    repo.git(&["config", "core.autocrlf", "true"]);
    says_all(&types(&repo, "", there_and_back, 0), &["changed the documents of 1 rule"]);
    repo.write("docs/qa.md", "# QA\n\n- [x] other\n");
    types(&repo, "", there_and_back, 1);
    assert_eq!(rule(&repo, "alpha", "qa-checklist")["state"], "failed");
    repo.git(&["rm", "-q", "-f", "docs/qa.md"]);
    commit(&repo);
    says_all(&types(&repo, "", changed, 1), &["its head has nothing"]);
}

#[test]
fn a_range_nobody_can_follow_is_no_verdict() {
    let repo = ready();
    commit(&repo);
    commit(&repo);
    for range in
        ["nowhere...HEAD", "HEAD..nowhere", "origin/main...HEAD", "0000000000000000000000000000000000000000..HEAD"]
    {
        says_all(
            &types(&repo, "", &format!("check alpha --changed {range}"), 3),
            &["nobody can tell", "fetch-depth: 0"],
        );
    }
    for range in ["HEAD", "...HEAD", "main..", "..."] {
        says_all(&types(&repo, "", &format!("check alpha --changed {range}"), 2), &["is no range of commits"]);
    }
    repo.git(&["checkout", "-q", "--orphan", "other"]);
    commit(&repo);
    says_all(&types(&repo, "", "check alpha --changed main...other", 3), &["no commit in common"]);
    let source = format!("file://{}", repo.path.display());
    repo.git(&["clone", "-q", "--depth", "1", "--branch", "main", &source, "../shallow"]);
    repo.git(&[
        "-C",
        "../shallow",
        "fetch",
        "-q",
        "--depth",
        "100",
        "origin",
        "refs/heads/evidence:refs/heads/evidence",
    ]);
    let line = ["check", "alpha", "--changed", "HEAD...HEAD"];
    let ran = repo.ledger_in(&repo.home().join("shallow"), "", &line, &[]);
    says_all(&ran.said(), &["this is a shallow clone", "git fetch --unshallow"]);
    let _ = ran.exits(3);
}
