//! Many writers at once, and writers that die: no entry is lost, doubled or half there.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::time::Duration;

use crate::support::{POLICY, TestRepo};

/// A ledger whose gate `ga` is open for 1.0: entries 0 and 1.
fn ledger_with_an_open_gate() -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    let _ = repo.ledger("min", &["open", "ga", "--release", "1.0"]).exits(0);
    repo
}

/// Verifies, and returns how many entries there are.
#[track_caller]
fn entries(repo: &TestRepo) -> u64 {
    let verified = repo.ledger("", &["verify", "--json"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    verified.json()["entries"].as_u64().unwrap()
}

fn log(repo: &TestRepo, args: &[&str]) -> Vec<serde_json::Value> {
    let log = repo.ledger("", &[&["log", "--json"], args].concat()).json();
    log["entries"].as_array().unwrap().clone()
}

#[test]
fn two_hundred_entries_of_twenty_writers_at_once_form_one_chain() {
    const WRITERS: usize = 20;
    const EACH: usize = 10;
    let repo = ledger_with_an_open_gate();
    let start = Barrier::new(WRITERS);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (repo, start) = (&repo, &start);
            scope.spawn(move || {
                let who = ["kim", "min", "lee", "han", "ci"][writer % 5];
                start.wait();
                for turn in 0..EACH {
                    let file = format!("notes/{writer}-{turn}.txt");
                    repo.write(&file, format!("writer {writer}, turn {turn}\n"));
                    let _ = repo.ledger(who, &["record", "announcement", &file, "--gate", "ga"]).exits(0);
                }
            });
        }
    });
    let count = (WRITERS * EACH) as u64;
    assert_eq!(entries(&repo), 2 + count);
    assert_eq!(repo.git(&["rev-list", "--count", "evidence"]).trim(), (2 + count).to_string());
    assert_eq!(repo.git(&["rev-list", "--count", "--merges", "evidence"]).trim(), "0");
    let mut recorded = lines(&repo.git(&["grep", "-h", "", "evidence", "--", ":(glob)Stage9_*/files/**"]));
    recorded.sort();
    let line = |writer: usize| (0..EACH).map(move |turn| format!("writer {writer}, turn {turn}"));
    let mut written: Vec<String> = (0..WRITERS).flat_map(line).collect();
    written.sort();
    assert_eq!(recorded, written, "every content is there exactly once");
    let bodies = lines(&repo.git(&["log", "--reverse", "--format=%b", "evidence"]));
    for writer in 0..WRITERS {
        let own: Vec<_> = bodies.iter().filter(|line| line.starts_with(&format!("notes/{writer}-"))).collect();
        let in_order = |(turn, line): (usize, &&String)| line.starts_with(&format!("notes/{writer}-{turn}.txt"));
        assert!(own.len() == EACH && own.iter().enumerate().all(in_order), "{own:?}");
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_same_statement_several_times_at_once_is_one_entry() {
    let repo = ledger_with_an_open_gate();
    repo.write("a.txt", "the same bytes");
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                let _ = repo.ledger("lee", &["record", "announcement", "a.txt", "--gate", "ga"]).exits(0);
            });
        }
    });
    let ids: Vec<String> = log(&repo, &[]).iter().map(|entry| entry["id"].to_string()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "no statement stands twice");
    assert_eq!(entries(&repo), ids.len() as u64);
    let kinds = log(&repo, &[]);
    assert_eq!(kinds.iter().filter(|entry| entry["kind"] == "evidence").count(), 1, "{kinds:?}");
}

#[test]
fn a_gate_opened_by_several_at_once_has_one_attempt() {
    let repo = TestRepo::with_ledger(&POLICY);
    for round in 0..6 {
        let release = format!("1.{round}");
        let start = Barrier::new(2);
        let codes: Vec<i32> = std::thread::scope(|scope| {
            let open = |who| {
                let (repo, release, start) = (&repo, &release, &start);
                scope.spawn(move || {
                    start.wait();
                    repo.ledger(who, &["open", "alpha", "--release", release]).code
                })
            };
            [open("min"), open("kim")].map(|thread| thread.join().unwrap()).into()
        });
        assert!(codes.contains(&0) && codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
        let opened = log(&repo, &["--kind", "open", "--release", &release]);
        assert_eq!(opened.len(), 1, "{opened:?}");
        assert_eq!(opened[0]["attempt"], 1);
    }
    assert_eq!(entries(&repo), 7);
}

#[test]
fn evidence_that_opens_its_gate_at_once_with_another_shares_the_attempt() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", "- [x] installs\n");
    repo.write("build/app_1.0.bin", "binary");
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for (who, slot) in [("kim", "qa-checklist"), ("min", "artifacts")] {
            let (repo, start) = (&repo, &start);
            scope.spawn(move || {
                start.wait();
                let _ = repo.ledger(who, &["record", slot, "--release", "1.0"]).exits(0);
            });
        }
    });
    assert_eq!(log(&repo, &["--kind", "open"]).len(), 1);
    assert_eq!(log(&repo, &["--kind", "evidence"]).len(), 2);
    assert_eq!(entries(&repo), 4);
}

fn start_recording(repo: &TestRepo, file: &str) -> Child {
    let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
    command.env("LEDGER_KEY", repo.key("lee")).args(["record", "announcement", file, "--gate", "ga"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_writer_killed_at_any_moment_leaves_the_old_ledger_or_the_new_one() {
    let repo = ledger_with_an_open_gate();
    let lock = repo.path.join(".git/refs/heads/evidence.lock");
    let mut random = Random(20_250_929);
    let mut before = entries(&repo);
    let (mut landed, mut locked) = (0, 0);
    for round in 0..50 {
        let file = format!("notes/{round}.txt");
        repo.write(&file, format!("round {round}\n"));
        let mut child = start_recording(&repo, &file);
        std::thread::sleep(Duration::from_millis(random.below(61)));
        child.kill().unwrap();
        let _ = child.wait().unwrap();
        let after = entries(&repo);
        assert!(after == before || after == before + 1, "round {round}: {before} entries became {after}");
        landed += after - before;
        before = after;
        if lock.exists() {
            locked += 1;
            blocked_until_removed(&repo, &lock);
            before += 1;
        }
    }
    eprintln!("of 50 writers killed, {landed} had written their entry and {locked} left the branch locked");
    repo.write("notes/last.txt", "after all of it\n");
    let _ = repo.ledger("lee", &["record", "announcement", "notes/last.txt", "--gate", "ga"]).exits(0);
    assert_eq!(entries(&repo), before + 1);
    let fsck = repo.try_git(&["fsck", "--strict", "--no-dangling"]);
    assert_eq!(fsck.code, 0, "{fsck:?}");
}

#[test]
fn a_stale_lock_is_named_and_work_goes_on_without_it() {
    let repo = ledger_with_an_open_gate();
    let lock = repo.path.join(".git/refs/heads/evidence.lock");
    std::fs::write(&lock, "").unwrap();
    assert_eq!(entries(&repo), 2, "reading needs no lock");
    blocked_until_removed(&repo, &lock);
    assert_eq!(entries(&repo), 3);
}

/// With the lock nothing can be written and the failure names the file; without it work goes on.
fn blocked_until_removed(repo: &TestRepo, lock: &std::path::Path) {
    repo.write("blocked.txt", format!("behind {}\n", lock.display()));
    let before = repo.git(&["rev-parse", "evidence"]);
    let record = ["record", "announcement", "blocked.txt", "--gate", "ga"];
    let blocked = repo.ledger("lee", &record);
    assert!(blocked.said().contains("refs/heads/evidence.lock"), "{blocked:?}");
    let _ = blocked.exits(5);
    assert_eq!(repo.git(&["rev-parse", "evidence"]), before);
    std::fs::remove_file(lock).unwrap();
    let _ = repo.ledger("lee", &record).exits(0);
}

/// A small deterministic generator (splitmix64): the same moments in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
