//! Verification at 10,000 and 100,000 entries, against the limit its signatures set and against git.
//!
//! `cargo bench --bench scale` makes the ledgers (minutes for the larger one); `-- 1000` measures other
//! sizes. Everything of one size is measured in one run, the ratios are taken within it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "benches are outside the doors")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that panics has failed")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures, and what takes its time")]
#![allow(dead_code, reason = "the tests' support has more than a bench needs")]

mod measure;

use std::hint::black_box;
use std::time::Duration;

use ledger::sign::Signer;
use measure::support::{TestRepo, finish};
use measure::{append, commits_a_second, git, median, packed_ledger, signers, timed};

const SIZES: [u64; 2] = [10_000, 100_000];
/// Entries of one release.
const RELEASE: u64 = 200;
/// Runs of each; the best counts where the work is the same, the median where the disk has a say.
const RUNS: usize = 5;
/// Commits git is measured on.
const SAMPLE: usize = 300;
/// Signatures the limit is measured with, on each core.
const SIGNATURES: usize = 20_000;

fn main() {
    let given: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if given.is_empty() { SIZES.to_vec() } else { given };
    let small = Figures::of(1_000);
    println!("| | {} entries |", sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(" entries | "));
    println!("|---|{}", "---:|".repeat(sizes.len()));
    let all: Vec<Figures> = sizes.into_iter().map(Figures::of).collect();
    let row = |name: &str, cell: &dyn Fn(&Figures) -> String| {
        println!("| {name} | {} |", all.iter().map(cell).collect::<Vec<_>>().join(" | "));
    };
    let limit = |figures: &Figures| 2.0 * figures.entries as f64 / figures.signatures_a_second;
    row("strict verifications a second, all cores", &|f| format!("{:.0}", f.signatures_a_second));
    row("limit: two strict verifications an entry, all cores", &|f| format!("{:.2} s", limit(f)));
    row("`ledger verify`", &|f| format!("{:.2} s", f.verify.as_secs_f64()));
    row("… entries a second", &|f| format!("{:.0}", f.entries as f64 / f.verify.as_secs_f64()));
    row("… share of the limit", &|f| format!("{:.0} %", 100.0 * limit(f) / f.verify.as_secs_f64()));
    row("… against `git log --format=%G?`", &|f| format!("{:.0} times", f.against(f.log_a_second)));
    row("… against `git verify-commit`", &|f| format!("{:.0} times", f.against(f.commits_a_second)));
    row("… peak memory", &|f| format!("{} MiB", f.peak_mib));
    row("fresh clone to verdict", &|f| format!("{:.2} s", f.clone_to_verdict.as_secs_f64()));
    let timed = |name: &str, pick: &dyn Fn(&Figures) -> Duration| {
        row(name, &|f| format!("{:.1} ms ({:.2})", ms(pick(f)), pick(f).as_secs_f64() / pick(&small).as_secs_f64()));
    };
    timed("`ledger status`, warm (to 1,000 entries)", &|f| f.status);
    timed("`ledger check`, warm (to 1,000 entries)", &|f| f.check);
    timed("`ledger status` after 10 new entries (to 1,000 entries)", &|f| f.catch_up);
}

struct Figures {
    entries: u64,
    signatures_a_second: f64,
    verify: Duration,
    peak_mib: u64,
    log_a_second: f64,
    commits_a_second: f64,
    clone_to_verdict: Duration,
    status: Duration,
    check: Duration,
    catch_up: Duration,
}

impl Figures {
    fn of(entries: u64) -> Self {
        eprintln!("making a ledger of {entries} entries (a minute for 20,000)");
        let repo = packed_ledger(entries, RELEASE);
        drop(std::process::Command::new("sync").status());
        let verify = best(|| drop(repo.ledger("", &["verify"]).exits(0)));
        let warm = |args: &[&str]| median_of(|| timed(|| drop(repo.ledger("", args))));
        let newest = repo.git(&["rev-list", &format!("-{SAMPLE}"), "evidence"]);
        drop(repo.ledger("", &["status"]).exits(0));
        eprintln!("measuring {entries} entries");
        Self {
            entries,
            signatures_a_second: signatures_a_second(),
            verify,
            peak_mib: peak_mib(&repo),
            log_a_second: log_a_second(&repo),
            commits_a_second: commits_a_second(&repo, &newest.lines().collect::<Vec<_>>()),
            clone_to_verdict: clone_to_verdict(&repo),
            status: warm(&["status"]),
            check: warm(&["check", "ga"]),
            catch_up: catch_up(&repo),
        }
    }

    fn against(&self, gits: f64) -> f64 {
        self.entries as f64 / self.verify.as_secs_f64() / gits
    }
}

/// What all cores together verify, of messages as long as a statement.
fn signatures_a_second() -> f64 {
    let signer = Signer::from_seed(&[7; 32]);
    let (message, key) = (vec![b'x'; 1_200], signer.public().ready().unwrap());
    let signature = signer.sign(&message).unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    let time = best(|| {
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    (0..SIGNATURES).for_each(|_| assert!(key.verifies(black_box(&message), black_box(&signature))))
                });
            }
        });
    });
    (SIGNATURES * cores) as f64 / time.as_secs_f64()
}

/// The most memory the process had, as the kernel counted it.
fn peak_mib(repo: &TestRepo) -> u64 {
    let script = "\"$0\" verify >/dev/null & pid=$!; peak=0; while kill -0 $pid 2>/dev/null; do \
        now=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status 2>/dev/null); peak=${now:-$peak}; sleep 0.02; done; echo $peak";
    let ran = finish(repo.command("sh", &repo.path).args(["-c", script, env!("CARGO_BIN_EXE_ledger")]));
    ran.exits(0).trim().parse::<u64>().unwrap() / 1024
}

fn log_a_second(repo: &TestRepo) -> f64 {
    let setting = signers(repo);
    let count = format!("-{SAMPLE}");
    let time = timed(|| drop(git(repo, &["-c", &setting, "log", "--format=%G?", &count, "evidence"])));
    SAMPLE as f64 / time.as_secs_f64()
}

/// A clone nobody has seen, and its verdict: nothing verified before, nothing in the clone's caches.
fn clone_to_verdict(repo: &TestRepo) -> Duration {
    let clone = repo.home().join("clone");
    let time = timed(|| {
        drop(git(repo, &["clone", "-q", "--no-local", ".", clone.to_str().unwrap()]));
        drop(repo.ledger_in(&clone, "", &["verify"], &[]).exits(0));
    });
    std::fs::remove_dir_all(clone).unwrap();
    time
}

/// What a command takes that finds ten entries it has not seen.
fn catch_up(repo: &TestRepo) -> Duration {
    let (state, kept) = (repo.home().join("state"), repo.home().join("kept"));
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let _ = std::fs::remove_dir_all(to);
        assert!(std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
    };
    copy(&state, &kept);
    for turn in 0..10 {
        let _ = append(repo, &format!("new {turn}"));
    }
    median_of(|| {
        copy(&kept, &state);
        timed(|| drop(repo.ledger("", &["status"])))
    })
}

fn best(work: impl Fn()) -> Duration {
    (0..RUNS).map(|_| timed(&work)).min().unwrap()
}

fn median_of(time: impl FnMut() -> Duration) -> Duration {
    median(&std::iter::repeat_with(time).take(2 * RUNS + 1).collect::<Vec<_>>())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
