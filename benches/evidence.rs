//! Evidence at scale: many small files, a few large ones, long logs and reports, and the memory a huge file takes.
//!
//! `cargo bench --bench evidence` needs 5 GB of disk; `-- small` measures a hundredth of it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "benches are outside the doors")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that panics has failed")]
#![allow(clippy::print_stdout, reason = "the figures")]
#![allow(dead_code, reason = "the tests' support has more than a bench needs")]

mod measure;

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use ledger::evidence::readers::{self, Input};
use measure::support::{POLICY, TestRepo, finish};
use measure::timed;
use sha2::{Digest as _, Sha256};

/// Runs of each; the best counts.
const RUNS: usize = 3;

fn main() {
    let share = if std::env::args().any(|word| word == "small") { 100 } else { 1 };
    let repo = TestRepo::with_ledger(&POLICY);
    drop(repo.ledger("lee", &["open", "alpha", "--release", "1.0"]).exits(0));
    let limit = hashed_a_second();
    println!("SHA-256, all cores, in memory: {:.0} MB/s\n", limit / 1e6);
    println!(
        "| | size | `ledger record` | `sha256sum`, as many processes as cores | ratio | share of the hash limit |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    row(&repo, limit, "small files", &small_files(&repo, 20_000 / share));
    row(&repo, limit, "large files", &large_files(&repo, 4, (1 << 30) / share as u64));
    println!("\n| read for facts | size | time | MB/s |\n|---|---:|---:|---:|");
    reading("task-log", "task_execution_1.log", task_log(20_000_000 / share));
    reading("junit", "junit.xml", junit(5_000_000 / share));
    let huge = repo.path.join("huge.bin");
    std::fs::File::create(&huge).unwrap().set_len((10 << 30) / share as u64).unwrap();
    println!("\nrecording a file of {} MiB takes {} MiB of memory", (10 << 10) / share, peak_mib(&repo, "huge.bin"));
}

/// A folder of files, and how many bytes they have.
struct Folder {
    name: &'static str,
    bytes: u64,
}

fn small_files(repo: &TestRepo, count: usize) -> Folder {
    for at in 0..count {
        repo.write(&format!("many/{:02}/{at}.txt", at % 100), format!("{at:0>4096}"));
    }
    Folder { name: "many", bytes: 4096 * count as u64 }
}

fn large_files(repo: &TestRepo, count: u64, size: u64) -> Folder {
    std::fs::create_dir(repo.path.join("large")).unwrap();
    for at in 0..count {
        let mut file = std::fs::File::create(repo.path.join(format!("large/{at}.bin"))).unwrap();
        let block: Vec<u8> = (0..1 << 20).map(|byte: u64| (byte.wrapping_mul(at * 2 + 1) >> 3) as u8).collect();
        (0..size.div_ceil(1 << 20)).for_each(|_| file.write_all(&block).unwrap());
    }
    Folder { name: "large", bytes: count * size.div_ceil(1 << 20) * (1 << 20) }
}

fn row(repo: &TestRepo, limit: f64, name: &str, folder: &Folder) {
    let words = ["record", "artifacts", folder.name, "--gate", "alpha", "--dry-run"];
    let ours = best(|| drop(repo.ledger("lee", &words).exits(0)));
    let cores = std::thread::available_parallelism().unwrap();
    // Files of a million bytes and more one at a time, so that no process has them all.
    let script = format!("find {} -type f -print0 | xargs -0 -P {cores} -n \"$0\" sha256sum > /dev/null", folder.name);
    let together = if folder.name == "large" { "1" } else { "500" };
    let theirs = best(|| drop(finish(repo.command("sh", &repo.path).args(["-c", &script, together])).exits(0)));
    println!(
        "| {name} | {:.0} MB | {:.2} s | {:.2} s | {:.2} | {:.0} % |",
        folder.bytes as f64 / 1e6,
        ours.as_secs_f64(),
        theirs.as_secs_f64(),
        ours.as_secs_f64() / theirs.as_secs_f64(),
        100.0 * folder.bytes as f64 / limit / ours.as_secs_f64(),
    );
}

/// What all cores hash of memory in a second.
fn hashed_a_second() -> f64 {
    const BYTES: usize = 256 << 20;
    let cores = std::thread::available_parallelism().unwrap().get();
    let block = vec![7_u8; 1 << 20];
    let time = best(|| {
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    let mut hasher = Sha256::new();
                    (0..BYTES >> 20).for_each(|_| hasher.update(black_box(&block)));
                    black_box(hasher.finalize())
                });
            }
        });
    });
    (BYTES * cores) as f64 / time.as_secs_f64()
}

fn task_log(size: usize) -> Vec<u8> {
    let line =
        |at: usize| format!("2025-10-04T09:{:02}:{:02}+09:00 QA-KIM alpha step {at} done\n", at / 60 % 60, at % 60);
    let mut text = String::new();
    for at in 0.. {
        text.push_str(&line(at));
        if text.len() >= size {
            break;
        }
    }
    text.into_bytes()
}

fn junit(size: usize) -> Vec<u8> {
    let mut text = String::from("<testsuites><testsuite name=\"s\">");
    for at in 0.. {
        text.push_str(&format!(
            "<testcase classname=\"tests.routing.group{}\" name=\"test_{at}\" time=\"0.01\"/>",
            at % 50
        ));
        if text.len() >= size {
            break;
        }
    }
    (text + "</testsuite></testsuites>").into_bytes()
}

fn reading(format: &str, name: &str, bytes: Vec<u8>) {
    let reader = readers::find(format).unwrap();
    let time = best(|| drop(black_box((reader.read)(&Input::plain(name, &bytes)).unwrap())));
    let megabytes = bytes.len() as f64 / 1e6;
    println!(
        "| {format} | {megabytes:.1} MB | {:.0} ms | {:.0} |",
        time.as_secs_f64() * 1e3,
        megabytes / time.as_secs_f64()
    );
}

/// The most memory recording a file took, as the kernel counted it.
fn peak_mib(repo: &TestRepo, file: &str) -> u64 {
    let key = repo.key("lee");
    let script = "\"$0\" record artifacts \"$1\" --gate alpha --dry-run >/dev/null & pid=$!; peak=0; while kill -0 $pid 2>/dev/null; do \
        now=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status 2>/dev/null); peak=${now:-$peak}; sleep 0.01; done; echo $peak";
    let mut command = repo.command("sh", &repo.path);
    command.args(["-c", script, env!("CARGO_BIN_EXE_ledger"), file]).env("LEDGER_KEY", key);
    finish(&mut command).exits(0).trim().parse::<u64>().unwrap() / 1024
}

fn best(work: impl Fn()) -> Duration {
    (0..RUNS).map(|_| timed(&work)).min().unwrap()
}
