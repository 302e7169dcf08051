//! Gates at scale: a ledger of many attempts, and a policy of many gates and rules.
//!
//! `cargo bench --bench gates` makes its ledgers first (some minutes) and needs 3 GB of disk; `-- small` measures a
//! small part of it. All sizes are measured in one run, the ratios are taken within it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "benches are outside the doors")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that panics has failed")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures, and what takes its time")]
#![allow(dead_code, reason = "the tests' support has more than a bench needs")]

mod measure;

use std::path::PathBuf;
use std::time::Duration;

use measure::support::bulk::Bulk;
use measure::support::{POLICY, Policy, TestRepo};
use measure::{median, timed};

/// Runs of each on a ledger that is known; the median counts.
const RUNS: usize = 11;
/// Runs of what reads everything anew.
const RUNS_ANEW: usize = 3;
/// Attempts of one release.
const RETRIES: u64 = 3;
/// Entries of the attempt that the commands are about, the same in every ledger.
const NEWEST: u64 = 40;
/// Entries of the other releases beside the one with all gates.
const RELEASE: u64 = 200;

struct Scale {
    /// Entries of the ledgers.
    sizes: [u64; 3],
    attempts: u64,
    gates: usize,
    /// Of each gate.
    rules: usize,
}

const FULL: Scale = Scale { sizes: [1_000, 10_000, 100_000], attempts: 300, gates: 50, rules: 20 };
const SMALL: Scale = Scale { sizes: [200, 400, 800], attempts: 30, gates: 6, rules: 4 };

fn main() {
    let scale = if std::env::args().any(|word| word == "small") { SMALL } else { FULL };
    many_attempts(&scale);
    many_gates(&scale);
}

fn many_attempts(scale: &Scale) {
    let make = |size: &u64| {
        eprintln!("making a ledger of {size} entries in {} attempts", scale.attempts);
        spread(*size, scale.attempts)
    };
    let repos: Vec<TestRepo> = scale.sizes.iter().map(make).collect();
    let ledgers: Vec<Ledger<'_>> = repos.iter().zip(scale.sizes).map(|(repo, size)| Ledger::of(repo, size)).collect();
    let share = (scale.attempts / 2 / RETRIES).to_string();
    heading(&ledgers);
    row("`ledger status`", &ledgers, &warm(&ledgers, &["status"]));
    row("`ledger check`", &ledgers, &warm(&ledgers, &["check", "g01"]));
    row("`ledger status` of a release with its share", &ledgers, &warm(&ledgers, &["status", "--release", &share]));
    let anew = in_turn(&ledgers, &["check", "g01", "--ci"], RUNS_ANEW);
    row("`ledger check --ci`", &ledgers, &anew);
    let one = |(time, ledger): (&Duration, &Ledger<'_>)| *time / u32::try_from(ledger.size).unwrap();
    row("… an entry", &ledgers, &anew.iter().zip(&ledgers).map(one).collect::<Vec<_>>());
}

fn many_gates(scale: &Scale) {
    eprintln!("promoting {} gates with {} rules", scale.gates, scale.gates * scale.rules);
    let repo = promoted(scale.gates, scale.rules);
    let mut bulk = Bulk::after(&repo, "lee");
    let own = bulk.size();
    let sizes = [own].into_iter().chain(scale.sizes.into_iter().filter(|size| *size > own));
    let ledgers: Vec<Ledger<'_>> = sizes.map(|size| grown(&repo, &mut bulk, size)).collect();
    heading(&ledgers);
    let last = gate(scale.gates);
    row("`ledger check` of the last gate", &ledgers, &warm(&ledgers, &["check", &last, "--release", "1.0"]));
    row("`ledger check --all`", &ledgers, &warm(&ledgers, &["check", "--all", "--release", "1.0"]));
    row("`ledger status`", &ledgers, &warm(&ledgers, &["status", "--release", "1.0"]));
    row("`ledger policy check`", &ledgers, &warm(&ledgers, &["policy", "check"]));
}

/// A repository, on a machine that knows no other ledger, and how many entries it has.
struct Ledger<'r> {
    repo: &'r TestRepo,
    path: PathBuf,
    size: u64,
}

impl<'r> Ledger<'r> {
    fn of(repo: &'r TestRepo, size: u64) -> Self {
        Self { repo, path: repo.path.clone(), size }
    }

    /// What a command takes whose answer is yes.
    fn time(&self, args: &[&str]) -> Duration {
        let state = self.path.with_extension("state").display().to_string();
        timed(|| drop(self.repo.ledger_in(&self.path, "", args, &[("XDG_STATE_HOME", &state)]).exits(0)))
    }
}

/// What a command takes on ledgers that were verified here before.
fn warm(ledgers: &[Ledger<'_>], args: &[&str]) -> Vec<Duration> {
    in_turn(ledgers, args, 1);
    in_turn(ledgers, args, RUNS)
}

/// A command goes round the ledgers, so that a busy machine is busy for all.
fn in_turn(ledgers: &[Ledger<'_>], args: &[&str], runs: usize) -> Vec<Duration> {
    let round = |_| ledgers.iter().map(|ledger| ledger.time(args)).collect();
    let rounds: Vec<Vec<Duration>> = (0..runs).map(round).collect();
    (0..ledgers.len()).map(|at| median(&rounds.iter().map(|round| round[at]).collect::<Vec<_>>())).collect()
}

fn heading(ledgers: &[Ledger<'_>]) {
    let sizes: Vec<String> = ledgers.iter().map(|ledger| format!("{} entries", ledger.size)).collect();
    println!("\n| | {} |\n|---|{}", sizes.join(" | "), "---:|".repeat(sizes.len()));
}

/// Times by ledger, and to the smallest of them.
fn row(name: &str, ledgers: &[Ledger<'_>], times: &[Duration]) {
    assert_eq!(times.len(), ledgers.len());
    let cell = |time: &Duration| {
        let ratio = time.as_secs_f64() / times[0].as_secs_f64();
        match time.as_micros() {
            small @ 0..1_000 => format!("{small} µs ({ratio:.2})"),
            _ => format!("{:.1} ms ({ratio:.2})", time.as_secs_f64() * 1_000.0),
        }
    };
    println!("| {name} | {} |", times.iter().map(cell).collect::<Vec<_>>().join(" | "));
}

/// Every attempt has as many entries as the others, but for the newest, whose gate is promoted.
fn spread(size: u64, attempts: u64) -> TestRepo {
    let repo = TestRepo::with_ledger(&policy(1, 2));
    brings(&repo, &["open", "g01", "--release", "0"]);
    brings(&repo, &["record", "r02", "note.txt"]);
    let mut bulk = Bulk::after(&repo, "lee");
    for at in 0..attempts - 1 {
        match at {
            0 => {}
            at if at % RETRIES == 0 => bulk.release(&(at / RETRIES).to_string()),
            _ => bulk.retry(),
        }
        let until = (size - NEWEST) * (at + 1) / (attempts - 1);
        bulk.evidence(until.saturating_sub(bulk.size()));
    }
    bulk.finish();
    packed(&repo);
    supply(&repo, "newest", "g01", 2);
    for _ in 0..NEWEST - 5 {
        brings(&repo, &["record", "r02", "note.txt"]);
    }
    pass(&repo, "g01");
    repo
}

/// Release 1.0 has passed all gates.
fn promoted(gates: usize, rules: usize) -> TestRepo {
    let repo = TestRepo::with_ledger(&policy(gates, rules));
    for number in 1..=gates {
        supply(&repo, "1.0", &gate(number), rules);
        pass(&repo, &gate(number));
    }
    // What the entries of other releases are made like.
    brings(&repo, &["open", "g01", "--release", "0"]);
    brings(&repo, &["record", "r02", "note.txt", "--gate", "g01"]);
    repo
}

/// An attempt is opened and every rule gets its evidence.
fn supply(repo: &TestRepo, release: &str, gate: &str, rules: usize) {
    repo.write(&format!("build/app_{release}.bin"), "binary");
    brings(repo, &["open", gate, "--release", release]);
    brings(repo, &["record", "r01", "--gate", gate]);
    for number in 2..=rules {
        brings(repo, &["record", &rule(number), "note.txt", "--gate", gate]);
    }
}

fn pass(repo: &TestRepo, gate: &str) {
    brings(repo, &["sign", gate, "--yes"]);
    brings(repo, &["promote", gate]);
}

fn brings(repo: &TestRepo, args: &[&str]) {
    repo.write("note.txt", "- [x] all of it\n");
    drop(repo.ledger("lee", args).exits(0));
}

/// A copy with more releases, so that there are so many entries.
fn grown<'r>(repo: &'r TestRepo, bulk: &mut Bulk<'r>, size: u64) -> Ledger<'r> {
    eprintln!("growing it to {size} entries");
    while bulk.size() < size {
        bulk.release(&format!("0.{}", bulk.size()));
        bulk.evidence((RELEASE - 1).min(size - bulk.size()));
    }
    bulk.publish();
    packed(repo);
    let path = repo.home().join(size.to_string());
    assert!(std::process::Command::new("cp").arg("-r").args([&repo.path, &path]).status().unwrap().success());
    Ledger { repo, path, size }
}

/// As a clone is, and nobody has verified it on this machine.
fn packed(repo: &TestRepo) {
    repo.git(&["repack", "-adq"]);
    let _ = std::fs::remove_dir_all(repo.home().join("state"));
    drop(std::process::Command::new("sync").status());
}

/// One pipeline. Every gate wants the one before and one half as far, artifacts by digest, checklists, plain
/// files, some of them after others, and an approval.
fn policy(gates: usize, rules: usize) -> Policy {
    let mut text = "[pipeline.p]\nfolder = \"{gate}_{version}_{date}\"\n".to_owned();
    text += "artifacts = [{ name = \"app\", path = \"build/app_{version}.bin\" }]\n";
    for number in 1..=gates {
        text += &format!("[[pipeline.p.gate]]\nid = \"{}\"\n", gate(number));
        match number {
            1 => {}
            2 => text += "requires = [\"g01\"]\n",
            _ => text += &format!("requires = [\"{}\", \"{}\"]\n", gate(number - 1), gate(number / 2)),
        }
        for at in 1..=rules {
            text += &format!("[[pipeline.p.gate.rule]]\nid = \"{}\"\n", rule(at));
            text += &match at {
                1 => "format = \"artifact\"\nartifacts = \"recorded\"\n".to_owned(),
                at if at % 4 == 0 => "format = \"checklist\"\nexpect = [\"open == 0\", \"total > 0\"]\n".to_owned(),
                at if at % 4 == 3 => format!("after = \"{}\"\n", rule(at - 1)),
                _ => "expect = \"bytes > 0\"\n".to_owned(),
            };
        }
        text += "[[pipeline.p.gate.approval]]\nrole = \"release-owner\"\n";
    }
    Policy { people: POLICY.people, pipeline: text.leak() }
}

fn gate(number: usize) -> String {
    format!("g{number:02}")
}

fn rule(number: usize) -> String {
    format!("r{number:02}")
}
