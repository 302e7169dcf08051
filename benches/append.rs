//! How long one append takes, as a process and in-process, and how fast a ledger verifies, at several sizes.
//!
//! `cargo bench --bench append` measures 0, 1,000 and 10,000 entries in releases of 40, and as many
//! in one attempt, which is as bad as it gets; `-- 0 1000` measures other sizes. All ledgers are made
//! first, and the appends go round them in turn, so that a busy disk is busy for all.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "benches are outside the doors")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that panics has failed")]
#![allow(clippy::print_stdout, reason = "the figures")]
#![allow(dead_code, reason = "the tests' support has more than a bench needs")]

mod measure;

use std::time::Duration;

use ledger::cli::world::World;
use measure::support::TestRepo;
use measure::{append, commits_a_second, median, packed_ledger, timed};

const SIZES: [u64; 3] = [0, 1_000, 10_000];
/// Entries of one release: its opening and what is brought for it.
const RELEASE: u64 = 40;
/// Appends measured at each size, of each sort.
const APPENDS: usize = 25;
/// Commits `git verify-commit` is measured on: it starts two processes for each.
const SAMPLE: usize = 200;

fn main() {
    let given: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if given.is_empty() { SIZES.to_vec() } else { given };
    let largest = sizes.iter().copied().max().unwrap();
    let shapes = sizes.into_iter().map(|size| (size, RELEASE)).chain([(largest, u64::MAX)]);
    let mut ledgers: Vec<Measured> = shapes.map(|(size, release)| Measured::of(size, release)).collect();
    // What building the ledgers left to write must not be paid for by the first appends.
    drop(std::process::Command::new("sync").status());
    for ledger in &mut ledgers {
        ledger.first = append(&ledger.repo, "first");
        let _ = append_inside(&ledger.repo, "first inside");
    }
    for turn in 0..APPENDS {
        for ledger in &mut ledgers {
            ledger.process.push(append(&ledger.repo, &format!("turn {turn}")));
            ledger.inside.push(append_inside(&ledger.repo, &format!("turn {turn} inside")));
        }
    }
    print(&ledgers);
}

fn print(ledgers: &[Measured]) {
    println!(
        "| entries | first append | as a process | to the smallest | in-process | to the smallest | `ledger verify` | `git verify-commit` | ratio |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let (process, inside) = (median(&ledgers[0].process), median(&ledgers[0].inside));
    for ledger in ledgers {
        let (ours, gits) = (ledger.verified_a_second(), commits_a_second(&ledger.repo, &sample(&ledger.repo)));
        println!(
            "| {}{} | {} | {} | {:.2} | {} | {:.2} | {ours:.0} entries/s | {gits:.0} commits/s | {:.0} |",
            ledger.entries,
            if ledger.release == u64::MAX { " in one attempt" } else { "" },
            shown(ledger.first),
            shown(median(&ledger.process)),
            ratio(median(&ledger.process), process),
            shown(median(&ledger.inside)),
            ratio(median(&ledger.inside), inside),
            ours / gits,
        );
    }
    println!(
        "\nfirst append: the first after the ledger appeared, with nothing verified before. Then medians of {APPENDS}, each"
    );
    println!(
        "made durable before it reports success. Verify: the best of three. git: up to {SAMPLE} commits of the same ledger."
    );
}

struct Measured {
    repo: TestRepo,
    /// Before the measured appends.
    entries: u64,
    release: u64,
    first: Duration,
    process: Vec<Duration>,
    inside: Vec<Duration>,
}

impl Measured {
    fn of(size: u64, release: u64) -> Self {
        let repo = packed_ledger(size, release);
        let entries = count(&repo);
        Self { repo, entries, release, first: Duration::ZERO, process: Vec::new(), inside: Vec::new() }
    }

    fn verified_a_second(&self) -> f64 {
        let verify = (0..3).map(|_| timed(|| drop(self.repo.ledger("", &["verify"]).exits(0)))).min().unwrap();
        count(&self.repo) as f64 / verify.as_secs_f64()
    }
}

fn ratio(time: Duration, base: Duration) -> f64 {
    time.as_secs_f64() / base.as_secs_f64()
}

/// The same through the library, in this process: no start, nothing but the work.
fn append_inside(repo: &TestRepo, text: &str) -> Duration {
    repo.write("note.txt", format!("{text}\n"));
    let folder = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let env = [
        ("HOME", folder(repo.home())),
        ("XDG_STATE_HOME", folder(&repo.home().join("state"))),
        ("LEDGER_KEY", folder(&repo.key("lee"))),
    ];
    let mut world = World {
        directory: repo.path.clone(),
        env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        out: Box::new(std::io::sink()),
        err: Box::new(std::io::sink()),
        input: Box::new(std::io::empty()),
        is_interactive: false,
        colour: false,
        clock: ledger::cli::world::Clock::System,
    };
    let words = ["ledger", "record", "announcement", "note.txt", "--gate", "ga"].map(Into::into);
    timed(|| assert_eq!(ledger::cli::run(words.to_vec(), &mut world), 0))
}

/// Commits from all over the ledger.
fn sample(repo: &TestRepo) -> Vec<String> {
    let commits = repo.commits();
    let step = commits.len().div_ceil(SAMPLE);
    commits.into_iter().step_by(step).collect()
}

fn count(repo: &TestRepo) -> u64 {
    repo.git(&["rev-list", "--count", "evidence"]).trim().parse().unwrap()
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
