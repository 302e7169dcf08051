//! What the benches share: a ledger as large as wanted, one append to it, git's own figures, a clock.

#[path = "../../tests/it/support/mod.rs"]
pub mod support;

use std::time::{Duration, Instant};

use support::bulk::Bulk;
use support::{POLICY, TestRepo, finish};

/// A ledger of so many entries in releases of `release`, packed as a clone would be, which nobody has
/// verified on this machine. The smallest has a policy and an open gate.
pub fn packed_ledger(entries: u64, release: u64) -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    drop(repo.ledger("lee", &["open", "ga", "--release", "0"]).exits(0));
    if entries > 2 {
        append(&repo, "template");
        let mut bulk = Bulk::after(&repo, "lee");
        for number in 3..entries {
            if number % release == 0 { bulk.release(&number.to_string()) } else { bulk.evidence(1) }
        }
        bulk.finish();
        repo.git(&["repack", "-adq"]);
        let _ = std::fs::remove_dir_all(repo.home().join("state"));
    }
    repo
}

/// One entry as a process: what a user waits for.
pub fn append(repo: &TestRepo, text: &str) -> Duration {
    repo.write("note.txt", format!("{text}\n"));
    timed(|| drop(repo.ledger("lee", &["record", "announcement", "note.txt", "--gate", "ga"]).exits(0)))
}

/// How many of these commits `git verify-commit` verifies in a second; it starts two processes for each.
pub fn commits_a_second(repo: &TestRepo, commits: &[impl AsRef<str>]) -> f64 {
    let setting = signers(repo);
    let args: Vec<&str> =
        ["-c", &setting, "verify-commit"].into_iter().chain(commits.iter().map(AsRef::as_ref)).collect();
    commits.len() as f64 / timed(|| drop(git(repo, &args))).as_secs_f64()
}

/// The setting that tells git whose signatures count.
pub fn signers(repo: &TestRepo) -> String {
    let path = repo.home().join("allowed_signers");
    std::fs::write(&path, repo.ledger("", &["export", "allowed-signers"]).exits(0)).unwrap();
    format!("gpg.ssh.allowedSignersFile={}", path.display())
}

pub fn git(repo: &TestRepo, args: &[&str]) -> String {
    finish(repo.command("git", &repo.path).args(args)).exits(0)
}

pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

pub fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}
