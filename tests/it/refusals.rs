//! What the program answers when it cannot tell, when the ledger does not hold, and when it is asked wrongly.

use std::path::{Path, PathBuf};

use ledger::id::Digest;
use tempfile::TempDir;

use crate::steps::{approved, ga_supplied, says_all, supply, types, types_in_vain};
use crate::support::{POLICY, Ran, TestRepo, finish};

fn promoted() -> TestRepo {
    let repo = approved();
    types(&repo, "min", "promote alpha", 0);
    repo
}

/// One command line by somebody who has never seen this ledger before, in any directory.
fn stranger_types(repo: &TestRepo, directory: &Path, line: &str) -> Ran {
    let state = TempDir::new().unwrap();
    let args: Vec<&str> = line.split_whitespace().collect();
    repo.ledger_in(directory, "", &args, &[("XDG_STATE_HOME", state.path().to_str().unwrap())])
}

#[track_caller]
fn stranger_is_told(repo: &TestRepo, directory: &Path, line: &str, code: i32, parts: &[&str]) {
    let ran = stranger_types(repo, directory, line);
    let said = ran.said();
    let _ = ran.exits(code);
    says_all(&said, parts);
}

#[track_caller]
fn git_in(repo: &TestRepo, directory: &Path, line: &str) {
    let _ = finish(repo.command("git", directory).args(line.split_whitespace())).exits(0);
}

fn clone(repo: &TestRepo, options: &str) -> PathBuf {
    let line = format!("clone -q {options} file://{} clone", repo.path.display());
    git_in(repo, repo.home(), &line);
    repo.home().join("clone")
}

/// Every object of the evidence branch with its type, and the loose file it lies in.
fn objects(repo: &TestRepo) -> Vec<(String, PathBuf)> {
    let listed = repo.git(&["rev-list", "--objects", "--no-object-names", "evidence"]);
    let kind = |id: &str| repo.git(&["cat-file", "-t", id]).trim().to_owned();
    listed.lines().map(|id| (kind(id), repo.path.join(".git/objects").join(&id[..2]).join(&id[2..]))).collect()
}

/// Loose objects are read-only: replaced, never written into.
fn put(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap_or_default();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn without_a_repository_or_a_ledger_nothing_can_be_told() {
    let repo = TestRepo::bare_of_ledger();
    for line in ["verify", "check alpha", "check alpha --ci", "status", "log", "promote alpha"] {
        stranger_is_told(&repo, repo.home(), line, 3, &["no Git repository", "ledger -C DIR"]);
        stranger_is_told(&repo, &repo.path, line, 3, &["there is no evidence branch here", "ledger init"]);
    }
    let verdict = stranger_types(&repo, &repo.path, "verify --json");
    assert_eq!((verdict.code, &verdict.json()["verdict"]), (3, &"unknown".into()));
}

#[test]
fn a_clone_without_the_branch_is_told_how_to_fetch_it() {
    let repo = promoted();
    let clone = clone(&repo, "--single-branch");
    for line in ["verify", "check alpha", "check alpha --ci"] {
        stranger_is_told(&repo, &clone, line, 3, &["git fetch origin refs/heads/evidence:refs/heads/evidence"]);
    }
    git_in(&repo, &clone, "fetch -q origin refs/heads/evidence:refs/heads/evidence");
    stranger_is_told(&repo, &clone, "verify", 0, &["as pinned"]);
    stranger_is_told(&repo, &clone, "check alpha --ci", 0, &[]);
}

#[test]
fn a_shallow_clone_is_told_how_to_deepen_it() {
    let repo = promoted();
    let clone = clone(&repo, "--depth 1 --no-single-branch");
    for line in ["verify", "check alpha", "check alpha --ci"] {
        stranger_is_told(&repo, &clone, line, 3, &["shallow", "git fetch --unshallow origin refs/heads/evidence"]);
    }
    git_in(&repo, &clone, "fetch -q --unshallow origin evidence");
    stranger_is_told(&repo, &clone, "verify", 0, &["as pinned"]);
}

#[test]
fn a_plain_clone_verifies_and_checks_before_it_has_a_branch_of_its_own() {
    let repo = promoted();
    let clone = clone(&repo, "");
    let verified = stranger_types(&repo, &clone, "verify --json");
    assert_eq!((verified.code, &verified.json()["anchor"]), (0, &"pinned".into()));
    stranger_is_told(&repo, &clone, "check alpha --ci", 0, &["alpha is open"]);
    stranger_is_told(&repo, &clone, "check ga --ci", 1, &["ga is closed"]);
    git_in(&repo, &clone, "commit -q --allow-empty -m more");
    stranger_is_told(&repo, &clone, "check alpha", 0, &[]);
    stranger_is_told(&repo, &clone, "check alpha --ci", 1, &["source", "--retry"]);
    stranger_is_told(&repo, &clone, "check alpha --ci --commit HEAD~1", 0, &[]);
}

#[test]
fn a_missing_object_leaves_the_question_open() {
    let repo = promoted();
    for (kind, path) in objects(&repo) {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for line in ["verify", "check alpha"] {
            let ran = stranger_types(&repo, &repo.path, line);
            assert_eq!(ran.code, 3, "{line} without the {kind} {}: {}", path.display(), ran.said());
            says_all(&ran.err, &["missing", "→ git fetch"]);
        }
        put(&path, &bytes);
    }
}

#[test]
fn what_is_advised_for_a_missing_object_brings_it_back() {
    let repo = promoted();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let partial = clone(&repo, "--filter=blob:none");
    let ran = stranger_types(&repo, &partial, "verify");
    assert_eq!(ran.code, 3, "{}", ran.said());
    let advice = ran.err.lines().find_map(|line| line.trim().strip_prefix("→ git ")).unwrap();
    git_in(&repo, &partial, advice.split(" (").next().unwrap());
    stranger_is_told(&repo, &partial, "verify", 0, &[]);
}

#[test]
fn no_flipped_byte_of_any_object_passes() {
    let repo = promoted();
    let all = objects(&repo);
    assert!(["blob", "tree", "commit"].iter().all(|kind| all.iter().any(|(found, _)| found == kind)));
    for (kind, path) in &all {
        let bytes = std::fs::read(path).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 0x01;
        put(path, &flipped);
        let ran = stranger_types(&repo, &repo.path, "verify");
        assert!(matches!(ran.code, 3 | 4), "{} for the {kind} {}: {}", ran.code, path.display(), ran.said());
        put(path, &bytes);
    }
    stranger_is_told(&repo, &repo.path, "verify", 0, &[]);
}

#[test]
fn without_a_pin_ci_gets_no_verdict() {
    let repo = promoted();
    let first = stranger_types(&repo, &repo.path, "verify --json").json()["first"].as_str().unwrap().to_owned();
    std::fs::remove_file(repo.path.join(".ledger.toml")).unwrap();
    stranger_is_told(&repo, &repo.path, "check alpha", 0, &[]);
    stranger_is_told(&repo, &repo.path, "verify", 0, &["not pinned", &format!("--root sha256:{first}")]);
    stranger_is_told(&repo, &repo.path, "check alpha --ci", 3, &["nothing pins", &format!("--root sha256:{first}")]);
    stranger_is_told(&repo, &repo.path, &format!("check alpha --ci --root sha256:{first}"), 0, &[]);
    let root = [("LEDGER_ROOT", first.as_str())];
    let _ = repo.ledger_in(&repo.path, "", &["check", "alpha", "--ci"], &root).exits(0);
}

#[test]
fn another_ledger_than_the_pinned_one_does_not_hold() {
    let repo = promoted();
    let other = Digest::of(b"another ledger").to_string();
    for line in ["verify", "check alpha", "status", "promote alpha", "log"] {
        stranger_is_told(&repo, &repo.path, &format!("{line} --root sha256:{other}"), 4, &["anchor", &other]);
    }
    let ran = stranger_types(&repo, &repo.path, &format!("verify --json --root {other}"));
    assert_eq!((ran.code, &ran.json()["verdict"], &ran.json()["anchor"]), (4, &"broken".into(), &"mismatch".into()));
    stranger_is_told(&repo, &repo.path, "verify --root sha256:123", 2, &[]);
    let pin = repo.read(".ledger.toml");
    repo.write(".ledger.toml", format!("{}sha256:{other}\"\n", pin.split("sha256:").next().unwrap()));
    stranger_is_told(&repo, &repo.path, "verify", 4, &[&other]);
    types_in_vain(&repo, "kim", "sign alpha --yes", 4);
    repo.write(".ledger.toml", "[ledger]\nfirst = 1\n");
    stranger_is_told(&repo, &repo.path, "check alpha --ci", 2, &["the pin does not parse", ".ledger.toml:2"]);
}

/// A commit with git's own hands, unsigned; the branch is made to stand there.
fn stands_at(repo: &TestRepo, tree: &str, parent: &[&str]) {
    let commit = repo.git(&[&["commit-tree", "-m", "evidence", tree], parent].concat());
    repo.git(&["update-ref", "refs/heads/evidence", commit.trim()]);
}

#[test]
fn an_evidence_branch_without_entries_never_holds() {
    let repo = TestRepo::bare_of_ledger();
    let nothing = repo.git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
    stands_at(&repo, nothing.trim(), &[]);
    for line in ["verify", "status", "check alpha", "check alpha --ci"] {
        stranger_is_told(&repo, &repo.path, line, 3, &["the evidence branch is empty"]);
    }
    types_in_vain(&repo, "kim", "sign alpha --yes", 3);
    stands_at(&repo, "main^{tree}", &[]);
    for line in ["verify", "status", "check alpha", "check alpha --ci"] {
        stranger_is_told(&repo, &repo.path, line, 4, &["does not hold", "entry 0"]);
    }
    types_in_vain(&repo, "kim", "sign alpha --yes", 4);
}

#[test]
fn emptying_the_branch_with_one_more_commit_is_a_fault() {
    let repo = promoted();
    let nothing = repo.git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
    stands_at(&repo, nothing.trim(), &["-p", "evidence"]);
    for line in ["verify", "check alpha --ci", "status"] {
        stranger_is_told(&repo, &repo.path, line, 4, &["tree-altered", "README.md"]);
    }
}

#[test]
fn replacements_change_no_verdict() {
    let repo = promoted();
    let before = stranger_types(&repo, &repo.path, "verify --json").exits(0);
    let tip = repo.commits()[0].clone();
    let forged = repo.git(&["commit-tree", "-p", "evidence~1", "-m", "forged", "evidence^{tree}"]).trim().to_owned();
    repo.git(&["replace", &tip, &forged]);
    let statement = repo.git(&["rev-parse", "evidence:policy/000000-policy.json"]).trim().to_owned();
    let other = repo.git(&["rev-parse", "evidence:README.md"]).trim().to_owned();
    repo.git(&["replace", &statement, &other]);
    assert_eq!(stranger_types(&repo, &repo.path, "verify --json").exits(0), before);
    repo.git(&["replace", "-d", &tip, &statement]);

    repo.git(&["update-ref", "refs/heads/evidence", &forged]);
    stranger_is_told(&repo, &repo.path, "verify", 4, &[]);
    repo.git(&["replace", &forged, &tip]);
    assert!(repo.git(&["log", "-1", "evidence"]).contains("promotion: alpha passed"), "git itself is deceived");
    stranger_is_told(&repo, &repo.path, "verify", 4, &["commit-malformed"]);
}

#[test]
fn to_a_stranger_a_shorter_ledger_is_a_ledger() {
    let repo = promoted();
    let whole = stranger_types(&repo, &repo.path, "verify --json").json();
    repo.git(&["update-ref", "refs/heads/evidence", "evidence~1"]);
    let rewound = stranger_types(&repo, &repo.path, "verify --json");
    assert_eq!((rewound.code, rewound.json()["entries"].as_u64()), (0, Some(whole["entries"].as_u64().unwrap() - 1)));
    let status = stranger_types(&repo, &repo.path, "status alpha --json").json();
    assert!(status["promoted"].is_null(), "{status}");
}

#[test]
fn nothing_is_written_under_a_work_tree_that_has_the_branch() {
    let repo = approved();
    git_in(&repo, &repo.path, "worktree add -q ../evidence-tree evidence");
    for line in ["promote alpha", "record artifacts", "sign alpha --reject --yes -m no", "open alpha --release 2.0"] {
        let said = types_in_vain(&repo, "kim", line, 3);
        says_all(&said, &["the evidence branch is checked out", "git switch -"]);
    }
    types(&repo, "", "verify", 0);
    git_in(&repo, &repo.path, "worktree remove ../evidence-tree");
    repo.git(&["checkout", "-q", "evidence"]);
    says_all(&types_in_vain(&repo, "min", "promote alpha", 3), &["the evidence branch is checked out"]);
    repo.git(&["checkout", "-q", "main"]);
    types(&repo, "min", "promote alpha", 0);
}

#[test]
fn a_dry_run_under_a_checked_out_branch_answers_as_the_real_run_does() {
    let repo = approved();
    git_in(&repo, &repo.path, "worktree add -q ../evidence-tree evidence");
    types_in_vain(&repo, "min", "promote alpha", 3);
    types_in_vain(&repo, "min", "promote alpha --dry-run", 3);
}

#[test]
fn what_is_asked_wrongly_is_said_to_be() {
    let repo = approved();
    for (line, help) in [
        ("status --release=", "a value is required"),
        ("open alpha --release=", "a value is required"),
        ("status --root=", "a value is required"),
        ("-C= status", "a value is required"),
        ("", "Usage"),
        ("statsu", "a similar subcommand exists: 'status'"),
        ("status --relaese 1.0", "--release"),
        ("check alhpa", "did you mean alpha?"),
        ("status beta9", "the gates are alpha, ga"),
        ("log --gate alhpa", "did you mean alpha?"),
        ("log --person NOBODY", "nobody in the roster is called"),
        ("log --as-of 99", "there is no entry 99"),
        ("show 99", "there is no entry \"99\""),
        ("show 12ab34cd", "there is no entry"),
        ("show 0 --file absent.txt", "its files are"),
        ("status --release 9.9", "9.9"),
        ("--as NOBODY record artifacts", "the roster has KIM"),
    ] {
        says_all(&types_in_vain(&repo, "kim", line, 2), &[help]);
    }
}

#[test]
fn a_variable_stands_in_for_its_flag_and_an_empty_one_for_nothing() {
    let repo = approved();
    supply(&repo, "min", "1.1");
    let release = |variable| {
        let ran =
            repo.ledger_in(&repo.path, "", &["status", "alpha"], &[("LEDGER_RELEASE", variable), ("LEDGER_JSON", "1")]);
        assert_eq!(ran.code, 0, "{}", ran.said());
        ran.json()["release"].as_str().unwrap().to_owned()
    };
    assert_eq!((release(""), release("1.0")), ("1.1".to_owned(), "1.0".to_owned()));
    let before = repo.fingerprint();
    let _ = repo.ledger_in(&repo.path, "han", &["record", "artifacts"], &[("LEDGER_DRY_RUN", "1")]).exits(0);
    assert_eq!(repo.fingerprint(), before);
    let _ = repo.ledger_in(&repo.path, "han", &["record", "artifacts"], &[("LEDGER_DRY_RUN", "")]).exits(0);
    assert_ne!(repo.fingerprint(), before);
}

#[test]
fn a_bare_repository_is_verified_with_the_pin_of_its_head() {
    let repo = promoted();
    let bare = clone(&repo, "--bare");
    let verified = stranger_types(&repo, &bare, "verify --json");
    assert_eq!((verified.code, &verified.json()["anchor"]), (0, &"pinned".into()));
    stranger_is_told(&repo, &bare, "check alpha --ci", 0, &[]);
}

#[test]
fn a_linked_work_tree_and_a_repository_named_by_git_dir_are_written_to() {
    let repo = approved();
    let before = repo.commits().len();
    git_in(&repo, &repo.path, "worktree add -q --detach ../linked");
    let linked = repo.home().join("linked");
    std::fs::create_dir_all(linked.join("docs")).unwrap();
    std::fs::copy(repo.path.join("docs/qa.md"), linked.join("docs/qa.md")).unwrap();
    let _ = repo.ledger_in(&linked, "han", &["record", "qa-checklist"], &[]).exits(0);
    let _ = repo.ledger_in(&linked.join("docs"), "", &["verify"], &[]).exits(0);

    let (git_dir, tree) = (repo.path.join(".git"), repo.path.to_str().unwrap());
    let env = [("GIT_DIR", git_dir.to_str().unwrap()), ("GIT_WORK_TREE", tree)];
    let _ = repo.ledger_in(repo.home(), "ci", &["record", "artifacts"], &env).exits(0);
    let verified = repo.ledger_in(repo.home(), "", &["verify", "--json"], &env);
    assert_eq!((verified.code, &verified.json()["anchor"]), (0, &"pinned".into()));
    let _ = repo.ledger_in(&repo.path, "min", &["promote", "alpha"], &[("GIT_DIR", ".git")]).exits(0);
    assert_eq!(repo.commits().len(), before + 3);
}

#[test]
fn a_sha256_repository_has_the_whole_story_and_stock_git_accepts_it() {
    let repo = TestRepo::with_format("sha256");
    repo.begin(&POLICY);
    supply(&repo, "min", "1.0");
    ga_supplied(&repo);
    types(&repo, "han", "sign ga --yes", 0);
    types(&repo, "min", "promote ga", 0);
    assert_eq!(stranger_types(&repo, &repo.path, "verify --json").json()["verdict"], "holds");
    let signers = repo.home().join("allowed_signers");
    std::fs::write(&signers, repo.ledger("", &["export", "allowed-signers"]).exits(0)).unwrap();
    let config = format!("gpg.ssh.allowedSignersFile={}", signers.display());
    for commit in repo.commits() {
        assert_eq!(commit.len(), 64);
        repo.git(&["-c", &config, "verify-commit", &commit]);
    }
    let clone = clone(&repo, "");
    stranger_is_told(&repo, &clone, "check ga --ci", 0, &[]);
}

#[test]
fn a_reftable_repository_is_refused_in_one_sentence() {
    let repo = approved();
    let config = repo.path.join(".git/config");
    let text = std::fs::read_to_string(&config).unwrap();
    let reftable = "[core]\n repositoryformatversion = 1\n[extensions]\n refstorage = reftable\n";
    std::fs::write(&config, text + reftable).unwrap();
    for line in ["verify", "check alpha", "record artifacts"] {
        let ran = stranger_types(&repo, &repo.path, line);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
        let (sentence, hint) = ran.err.split_once('\n').unwrap();
        says_all(sentence, &["error: ", "reftable"]);
        assert_eq!(hint.trim(), "→ git refs migrate --ref-format=files");
    }
}

#[test]
fn a_release_nobody_opened_is_no_answer() {
    let repo = approved();
    let lines = ["status", "status alpha", "explain alpha", "log", "due"];
    for line in lines {
        let said = types(&repo, "", &format!("{line} --release 9.9"), 2);
        says_all(&said, &["no release \"9.9\" was opened here", "ledger log --kind open"]);
    }
    says_all(&types(&repo, "", "explain alpha --release 9.9", 2), &["to open it: ledger open alpha --release 9.9"]);
    // A verdict about a gate nobody opened is no.
    says_all(&types(&repo, "", "check alpha --release 9.9", 1), &["none was opened"]);
    // One that was opened is known at the gates it has not come to, too.
    for line in ["status ga", "explain ga", "log"] {
        types(&repo, "", &format!("{line} --release 1.0"), 0);
    }
}

#[test]
fn a_policy_comes_in_force_only_when_somebody_said_so() {
    let repo = approved();
    repo.write("ledger.toml", repo.read("ledger.toml") + "\n# one more line\n");
    let said = types_in_vain(&repo, "lee", "policy apply -m more", 2);
    says_all(&said, &["nobody is here to confirm", "in a script: ledger policy apply -m REASON --yes"]);
    types_in_vain(&repo, "lee", "--dry-run policy apply -m more", 0);
    types(&repo, "lee", "policy apply -m more --yes", 0);
}

#[test]
fn a_check_of_several_gates_ends_with_the_verdict_about_all() {
    let repo = promoted();
    let said = types(&repo, "", "check alpha ga", 1);
    assert_eq!(said.trim_end().lines().last(), Some("✗ 1 of 2 gates open"), "{said}");
    let said = types(&repo, "", "check ga alpha", 1);
    assert_eq!(said.trim_end().lines().last(), Some("✗ 1 of 2 gates open"), "{said}");
    let said = types(&repo, "", "check alpha alpha", 0);
    assert_eq!(said.trim_end().lines().last(), Some("✓ 2 of 2 gates open"), "{said}");
    assert!(!types(&repo, "", "check alpha", 0).contains("gates open"));
    let page = types(&repo, "", "check alpha ga --format markdown", 1);
    says_all(&page, &["❌ ledger: closed", "1 of 2 gates open, ", " rules met"]);
    assert!(!page.contains("unmet"), "{page}");
}
