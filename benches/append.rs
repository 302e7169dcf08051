//! How long one append takes as a process, and how fast a ledger verifies, at several sizes.
//!
//! `cargo bench --bench append` measures 0, 1,000 and 10,000 entries in releases of 40, and as many
//! in one attempt, which is as bad as it gets; `-- 0 1000` measures other sizes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "benches are outside the doors")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that panics has failed")]
#![allow(clippy::print_stdout, reason = "the figures")]
#![allow(dead_code, reason = "the tests' support has more than a bench needs")]

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use support::bulk::Bulk;
use support::{POLICY, TestRepo, finish};

const SIZES: [u64; 3] = [0, 1_000, 10_000];
/// Entries of one release: its opening and what is brought for it.
const RELEASE: u64 = 40;
/// Appends measured at each size.
const APPENDS: usize = 15;
/// Commits `git verify-commit` is measured on: it starts two processes for each.
const SAMPLE: usize = 200;

fn main() {
    let given: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if given.is_empty() { SIZES.to_vec() } else { given };
    println!(
        "{:>8}  {:>9}  {:>9}  {:>9}  {:>7}  {:>11}  {:>11}  {:>14}  {:>6}",
        "entries", "first", "append", "slowest", "ratio", "verify", "entries/s", "verify-commit", "ratio"
    );
    // The first process of all pays for what others find in memory.
    let _ = Figures::of(0, RELEASE);
    let mut base = None;
    let largest = sizes.iter().copied().max().unwrap();
    for (size, release) in sizes.into_iter().map(|size| (size, RELEASE)).chain([(largest, u64::MAX)]) {
        if release == u64::MAX {
            println!("in one attempt:");
        }
        let figures = Figures::of(size, release);
        let append = figures.append.as_secs_f64();
        let base = *base.get_or_insert(append);
        let (ours, gits) = (figures.verified_a_second(), figures.commits_a_second);
        println!(
            "{:>8}  {:>9}  {:>9}  {:>9}  {:>6.2}×  {:>11}  {:>9.0}/s  {:>12.0}/s  {:>5.0}×",
            figures.entries,
            shown(figures.first),
            shown(figures.append),
            shown(figures.slowest),
            append / base,
            shown(figures.verify),
            ours,
            gits,
            ours / gits,
        );
    }
    println!(
        "\nfirst: the first append after the ledger appeared, with nothing verified before; append: the median of the"
    );
    println!(
        "{APPENDS} after it, each a process of its own; verify: `ledger verify`, the best of three; ratio: to the first row,"
    );
    println!("and to `git verify-commit` of up to {SAMPLE} commits of the same ledger. Everything is flushed to disk.");
}

struct Figures {
    /// Before the measured appends.
    entries: u64,
    first: Duration,
    append: Duration,
    slowest: Duration,
    verify: Duration,
    /// At the time of verifying.
    verified: u64,
    commits_a_second: f64,
}

impl Figures {
    fn of(size: u64, release: u64) -> Self {
        let repo = ledger_of(size, release);
        let entries = count(&repo);
        // What building the ledger left to write must not be paid for by the first appends.
        drop(std::process::Command::new("sync").status());
        let first = append(&repo, "first");
        let mut appends: Vec<Duration> = (0..APPENDS).map(|turn| append(&repo, &format!("turn {turn}"))).collect();
        appends.sort();
        let verify = (0..3).map(|_| timed(|| drop(repo.ledger("", &["verify"]).exits(0)))).min().unwrap();
        Self {
            entries,
            first,
            append: appends[APPENDS / 2],
            slowest: appends[APPENDS - 1],
            verify,
            verified: count(&repo),
            commits_a_second: commits_a_second(&repo),
        }
    }

    fn verified_a_second(&self) -> f64 {
        self.verified as f64 / self.verify.as_secs_f64()
    }
}

/// A ledger of so many entries, packed as a clone would be; the smallest has a policy and an open gate.
fn ledger_of(size: u64, release: u64) -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    drop(repo.ledger("lee", &["open", "ga", "--release", "0"]).exits(0));
    if size > 2 {
        append(&repo, "template");
        let mut bulk = Bulk::after(&repo, "lee");
        for number in 3..size {
            if number % release == 0 {
                bulk.release(&number.to_string());
            } else {
                bulk.evidence(1);
            }
        }
        bulk.finish();
        repo.git(&["repack", "-adq"]);
        // What was verified on the way is forgotten: the first append meets an unknown ledger.
        let _ = std::fs::remove_dir_all(repo.home().join("state"));
    }
    repo
}

fn append(repo: &TestRepo, text: &str) -> Duration {
    repo.write("note.txt", format!("{text}\n"));
    timed(|| drop(repo.ledger("lee", &["record", "announcement", "note.txt", "--gate", "ga"]).exits(0)))
}

fn commits_a_second(repo: &TestRepo) -> f64 {
    let signers = repo.ledger("", &["export", "allowed-signers"]).exits(0);
    let path = repo.home().join("allowed_signers");
    std::fs::write(&path, signers).unwrap();
    let setting = format!("gpg.ssh.allowedSignersFile={}", path.display());
    let commits = repo.commits();
    let step = commits.len().div_ceil(SAMPLE);
    let sample: Vec<&str> = commits.iter().step_by(step).map(String::as_str).collect();
    let mut command = repo.command("git", &repo.path);
    command.args(["-c", &setting, "verify-commit"]).args(&sample);
    let time = timed(|| drop(finish(&mut command).exits(0)));
    sample.len() as f64 / time.as_secs_f64()
}

fn count(repo: &TestRepo) -> u64 {
    repo.git(&["rev-list", "--count", "evidence"]).trim().parse().unwrap()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
