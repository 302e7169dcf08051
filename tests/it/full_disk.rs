//! Disks that are full, read-only or pulled away while something is written: nothing is lost, and no
//! verdict is made up.

use std::time::Duration;

use crate::steps::types;
use crate::support::{POLICY, Ran, TestRepo, files, finish};

fn ledger_with_an_open_gate() -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    types(&repo, "min", "open ga --release 1.0", 0);
    repo
}

fn entries(repo: &TestRepo) -> u64 {
    repo.git(&["rev-list", "--count", "evidence"]).trim().parse().unwrap()
}

/// Runs the program where no file can grow beyond so many blocks of 512 bytes: what a full disk is to it.
fn within(repo: &TestRepo, blocks: u32, words: &[&str]) -> Ran {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = repo.command("sh", &repo.path);
    command.env("LEDGER_KEY", repo.key("lee"));
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_ledger")).args(words);
    finish(&mut command)
}

fn remove_state(repo: &TestRepo) {
    let _ = std::fs::remove_dir_all(repo.home().join("state"));
}

#[test]
fn a_full_disk_leaves_the_old_ledger_or_the_whole_new_entry() {
    let repo = ledger_with_an_open_gate();
    let (mut refused, mut written) = (0, 0);
    for blocks in [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 200] {
        if blocks % 8 == 0 {
            remove_state(&repo);
        }
        repo.write("note.txt", format!("{:0>3000}\n", blocks));
        let before = entries(&repo);
        let ran = within(&repo, blocks, &["record", "announcement", "note.txt", "--gate", "ga"]);
        let grown = entries(&repo) - before;
        match ran.code {
            0 => assert_eq!(grown, 1, "{blocks}: {ran:?}"),
            3 => assert_eq!(grown, 0, "{blocks}: {ran:?}"),
            _ => panic!("{blocks}: {ran:?}"),
        }
        refused += u32::from(ran.code == 3);
        written += u32::from(ran.code == 0);
        types(&repo, "", "status", 0);
        types(&repo, "", "verify", 0);
    }
    assert!(refused > 0 && written > 0, "{refused} refused, {written} written");
}

#[test]
fn a_state_that_does_not_fit_on_the_disk_costs_time_alone() {
    let repo = ledger_with_an_open_gate();
    let check = |ran: Ran| {
        assert_eq!(ran.code, 1, "{ran:?}");
        ran.out
    };
    let answer = check(repo.ledger("", &["check", "ga"]));
    for blocks in [0, 1, 2, 8, 40] {
        remove_state(&repo);
        assert_eq!(check(within(&repo, blocks, &["check", "ga"])), answer, "{blocks}");
        assert_eq!(check(repo.ledger("", &["check", "ga"])), answer, "{blocks}");
    }
}

/// `verify` writes the whole state anew each time; it is shot while it does.
#[test]
fn a_reader_killed_while_it_writes_its_state_is_not_missed() {
    let repo = ledger_with_an_open_gate();
    for round in 0..30_u64 {
        if round % 3 == 0 {
            remove_state(&repo);
        }
        let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
        command.arg("status").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_micros(700 * round));
        let _ = child.kill();
        let _ = child.wait();
        types(&repo, "", "status", 0);
    }
    types(&repo, "", "verify", 0);
    let left: Vec<_> = files(&repo.home().join("state/ledger"))
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(".db-"))
        .collect();
    assert!(left.len() <= 1, "journals do not pile up: {left:?}");
}
