//! An attempt with more entries than one directory holds goes on in parts.

use crate::support::bulk::Bulk;

use crate::support::{POLICY, TestRepo};

/// A ledger with `count` entries in the folder of `ga`, the opening among them.
fn attempt_with(count: u64) -> (TestRepo, String) {
    let repo = TestRepo::with_ledger(&POLICY);
    let _ = repo.ledger("min", &["open", "ga", "--release", "1.0"]).exits(0);
    record(&repo, "first.txt");
    write_evidence(&repo, "lee", count - 2);
    let folders = repo.git(&["ls-tree", "--name-only", "evidence"]);
    let folder = folders.lines().find(|name| name.starts_with("Stage9_")).unwrap().to_owned();
    (repo, folder)
}

fn write_evidence(repo: &TestRepo, who: &str, count: u64) {
    let mut bulk = Bulk::after(repo, who);
    bulk.evidence(count);
    bulk.finish();
}

fn record(repo: &TestRepo, file: &str) {
    repo.write(file, format!("the bytes of {file}\n"));
    let _ = repo.ledger("lee", &["record", "announcement", file, "--gate", "ga"]).exits(0);
}

fn listing(repo: &TestRepo, folder: &str) -> Vec<String> {
    let folder = format!("evidence:{folder}");
    repo.git(&["ls-tree", "--name-only", &folder]).lines().map(str::to_owned).collect()
}

#[test]
fn the_257th_entry_of_an_attempt_opens_a_part() {
    let (repo, folder) = attempt_with(254);
    assert!(!listing(&repo, &folder).contains(&"part-0001".to_owned()));
    for number in 255..=260 {
        record(&repo, &format!("late-{number}.txt"));
    }
    let statements = |folder: &str| listing(&repo, folder).iter().filter(|name| name.ends_with(".json")).count();
    assert_eq!(statements(&folder), 256);
    let part = format!("{folder}/part-0001");
    assert_eq!(statements(&part), 4);
    assert_eq!(listing(&repo, &part)[0], "000257-evidence-announcement.json");
    assert_eq!(listing(&repo, &format!("{part}/files")), ["000257", "000258", "000259", "000260"]);
    let verified = repo.ledger("", &["verify", "--json"]);
    assert_eq!(verified.json()["entries"], 261, "{verified:?}");
    let _ = verified.exits(0);
}

#[test]
fn the_branch_keeps_one_readme_and_one_folder_an_attempt() {
    let (repo, folder) = attempt_with(260);
    assert_eq!(listing(&repo, ""), ["README.md", folder.as_str(), "policy"]);
    assert!(repo.git(&["show", "evidence:README.md"]).contains("ledger verify"));
    let fsck = repo.try_git(&["fsck", "--strict", "--no-dangling"]);
    assert_eq!(fsck.code, 0, "{fsck:?}");
}

#[test]
fn a_gate_is_signed_and_promoted_from_a_part_as_from_anywhere() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", "- [x] installs\n");
    repo.write("build/app_1.0.bin", "binary");
    let _ = repo.ledger("min", &["open", "alpha", "--release", "1.0"]).exits(0);
    let _ = repo.ledger("min", &["record", "artifacts"]).exits(0);
    let _ = repo.ledger("kim", &["record", "qa-checklist"]).exits(0);
    for turn in 0..2 {
        repo.write("docs/qa.md", format!("- [x] installs, turn {turn}\n"));
        let _ = repo.ledger("kim", &["record", "qa-checklist"]).exits(0);
    }
    let before = repo.ledger("", &["log", "--json"]).json()["entries"].as_array().unwrap().len();
    write_evidence(&repo, "kim", 256);
    repo.write("docs/qa.md", "- [x] installs, at last\n");
    let _ = repo.ledger("kim", &["record", "qa-checklist"]).exits(0);
    let _ = repo.ledger("kim", &["sign", "alpha", "--yes"]).exits(0);
    let _ = repo.ledger("min", &["promote", "alpha"]).exits(0);
    let _ = repo.ledger("", &["check", "alpha"]).exits(0);
    let last = repo.ledger("", &["log", "--json", "-n", "1"]).json()["entries"][0].clone();
    assert_eq!(last["entry"].as_u64().unwrap(), before as u64 + 258);
    assert!(last["path"].as_str().unwrap().contains("/part-0001/"), "{last}");
    let _ = repo.ledger("", &["verify"]).exits(0);
}

#[test]
fn a_part_that_was_moved_is_found() {
    let (repo, folder) = attempt_with(258);
    let part = format!("{folder}/part-0001");
    repo.git(&["worktree", "add", "-q", "--detach", "../wt", "evidence"]);
    let worktree = repo.home().join("wt");
    std::fs::rename(worktree.join(&part), worktree.join(format!("{folder}/part-0002"))).unwrap();
    let git = |args: &[&str]| {
        let ran = crate::support::finish(repo.command("git", &worktree).args(args));
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.out
    };
    git(&["add", "-A"]);
    let tree = git(&["write-tree"]);
    let commit = git(&["commit-tree", tree.trim(), "-p", "evidence", "-m", "moved"]);
    repo.git(&["update-ref", "refs/heads/evidence", commit.trim()]);
    let _ = repo.ledger("", &["verify"]).exits(4);
}

#[test]
fn many_releases_and_attempts_stand_side_by_side() {
    let repo = TestRepo::with_ledger(&POLICY);
    let _ = repo.ledger("lee", &["open", "ga", "--release", "1.0"]).exits(0);
    record(&repo, "first.txt");
    let mut bulk = Bulk::after(&repo, "lee");
    for release in 1..=40 {
        bulk.release(&format!("1.{release}"));
        bulk.evidence(3);
    }
    bulk.retry();
    bulk.evidence(2);
    assert_eq!(bulk.size(), 3 + 40 * 4 + 3);
    bulk.finish();
    let verified = repo.ledger("", &["verify", "--json"]);
    assert_eq!(verified.json()["entries"], 3 + 40 * 4 + 3, "{verified:?}");
    record(&repo, "newest.txt");
    let log = repo.ledger("", &["log", "--release", "1.40", "--json"]).json();
    assert_eq!(log["entries"].as_array().unwrap().len(), 4 + 4, "without a release it is the newest");
    assert_eq!(repo.ledger("", &["status", "ga", "--json"]).json()["attempt"], 2);
}
