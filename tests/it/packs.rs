//! Packs read by ourselves give what libgit2 gives, however they were packed and whatever happened to them.

use std::path::PathBuf;

use ledger::id::ObjectId;
use ledger::store::git::GitStore;

use crate::support::bulk::Bulk;
use crate::support::{POLICY, TestRepo, finish};

const ENTRIES: u64 = 120;
/// Places damaged in each file.
const TURNS: usize = 24;

fn ledger_of_many() -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    let _ = repo.ledger("lee", &["open", "ga", "--release", "0"]).exits(0);
    repo.write("note.txt", "template\n");
    let _ = repo.ledger("lee", &["record", "announcement", "note.txt", "--gate", "ga"]).exits(0);
    let mut bulk = Bulk::after(&repo, "lee");
    bulk.evidence(ENTRIES / 2);
    bulk.release("1");
    bulk.evidence(ENTRIES / 2);
    bulk.finish();
    repo
}

/// Every entry as it is read, by libgit2 alone and with packs of our own.
fn both(repo: &TestRepo) -> (Vec<String>, Vec<String>) {
    let read = |many: bool| {
        let store = GitStore::open(&repo.path, false).unwrap();
        if many {
            store.expect_many_reads();
        }
        let tip = store.tip().unwrap().commit;
        let commits: Vec<ObjectId> = store.commits(&tip).unwrap();
        commits.iter().map(|commit| format!("{:?}", store.entry(commit))).collect()
    };
    (read(false), read(true))
}

fn packs(repo: &TestRepo, end: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(repo.path.join(".git/objects/pack")).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|found| found == end)).collect()
}

fn same_in_every_way_read(repo: &TestRepo, how: &str) {
    let (theirs, ours) = both(repo);
    assert!(theirs.len() as u64 > ENTRIES && theirs.iter().all(|entry| entry.starts_with("Ok")), "{how}");
    assert!(theirs == ours, "{how}");
    let _ = repo.ledger("", &["verify"]).exits(0);
}

#[test]
fn whatever_packed_it_every_entry_reads_the_same() {
    let repo = ledger_of_many();
    // Too large for our reader, so that there is something to hand over.
    let large: Vec<u8> = (0..5_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    repo.write("note.txt", large);
    let _ = repo.ledger("lee", &["record", "announcement", "note.txt", "--gate", "ga", "--release", "0"]).exits(0);
    same_in_every_way_read(&repo, "loose");
    let _ = repo.git(&["repack", "-adfq", "--depth=50"]);
    same_in_every_way_read(&repo, "deltas by offset");
    assert_eq!(packs(&repo, "idx").len(), 1);

    let _ = repo.git(&["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=250", "--window=50"]);
    same_in_every_way_read(&repo, "long chains of deltas by name");

    for how in ["packs and loose objects", "several packs"] {
        repo.write("note.txt", how);
        let _ = repo.ledger("lee", &["record", "announcement", "note.txt", "--gate", "ga", "--release", "0"]).exits(0);
        same_in_every_way_read(&repo, how);
        let _ = repo.git(&["repack", "-dq"]);
    }
    assert!(packs(&repo, "idx").len() > 1);
    same_in_every_way_read(&repo, "several packs");
}

#[test]
fn a_repository_of_the_sha256_format_reads_the_same() {
    let repo = TestRepo::with_format("sha256");
    repo.begin(&POLICY);
    let _ = repo.ledger("lee", &["open", "ga", "--release", "0"]).exits(0);
    for turn in 0..12 {
        repo.write("note.txt", format!("note {turn}\n").repeat(50));
        let _ = repo.ledger("lee", &["record", "announcement", "note.txt", "--gate", "ga"]).exits(0);
    }
    for offsets in ["true", "false"] {
        let _ = repo.git(&["-c", &format!("repack.useDeltaBaseOffset={offsets}"), "repack", "-adfq"]);
        let (theirs, ours) = both(&repo);
        assert!(theirs.len() > 12 && theirs == ours && ours.iter().all(|entry| entry.starts_with("Ok")));
    }
}

/// Wherever a pack is damaged, nothing panics or hangs, and nothing that was written is read otherwise
/// without a fault: an entry reads as it was, or the ledger does not hold or cannot be read.
#[test]
fn a_damaged_pack_is_never_read_as_another_ledger() {
    let repo = ledger_of_many();
    let _ = repo.git(&["repack", "-adfq"]);
    let (honest, _) = both(&repo);
    let honest_root = repo.ledger("", &["verify", "--json"]).json()["root"].clone();
    for end in ["pack", "idx"] {
        let file = packs(&repo, end).remove(0);
        finish(repo.command("chmod", &repo.path).args(["u+w", file.to_str().unwrap()])).exits(0);
        let whole = std::fs::read(&file).unwrap();
        let mut verdicts = std::collections::BTreeMap::new();
        for turn in 0..TURNS {
            // Spread over the file, header and checksums included.
            let at = turn * (whole.len() - 1) / (TURNS - 1);
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (turn % 8);
            std::fs::write(&file, &bytes).unwrap();
            let store = GitStore::open(&repo.path, false).unwrap();
            store.expect_many_reads();
            let Ok(commits) = store.tip().and_then(|tip| store.commits(&tip.commit)) else {
                *verdicts.entry("no walk".to_owned()).or_insert(0) += 1;
                continue;
            };
            let alike =
                commits.iter().zip(&honest).all(|(commit, honest)| format!("{:?}", store.entry(commit)) == *honest);
            let ran = repo.ledger("", &["verify", "--json"]);
            *verdicts.entry(format!("{} alike: {alike}", ran.code)).or_insert(0) += 1;
            match ran.code {
                0 => assert_eq!(ran.json()["root"], honest_root, "{end} at {at}"),
                3 | 4 => {}
                other => panic!("{end} at {at}: exit {other}: {}", ran.said()),
            }
        }
        assert!(verdicts.len() > 1, "{end}: {verdicts:?}");
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        assert!([3, 4].contains(&repo.ledger("", &["verify"]).code), "cut off");
        std::fs::write(&file, &whole).unwrap();
        let _ = repo.ledger("", &["verify"]).exits(0);
    }
}

/// The offsets of an index, after the ids and checksums of its objects.
fn offsets(index: &[u8]) -> (usize, usize) {
    let objects = u32::from_be_bytes(index[8 + 255 * 4..8 + 256 * 4].try_into().unwrap()) as usize;
    (8 + 256 * 4 + objects * 24, objects)
}

#[test]
fn damage_is_not_taken_for_tampering() {
    let repo = ledger_of_many();
    let _ = repo.git(&["repack", "-adfq"]);
    let file = packs(&repo, "idx").remove(0);
    finish(repo.command("chmod", &repo.path).args(["u+w", file.to_str().unwrap()])).exits(0);
    let whole = std::fs::read(&file).unwrap();
    let (start, objects) = offsets(&whole);
    let place = |id: &str| {
        let id: Vec<u8> = (0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect();
        (0..objects).position(|at| whole[8 + 256 * 4 + at * 20..][..20] == id[..]).unwrap()
    };
    let named = |revision: &str| place(repo.git(&["rev-parse", revision]).trim());
    let one = named("evidence~3^{tree}");
    let swapped = |one: usize, other: usize| {
        let mut bytes = whole.clone();
        for at in 0..4 {
            bytes.swap(start + one * 4 + at, start + other * 4 + at);
        }
        bytes
    };
    let trees = swapped(one, named("evidence~90^{tree}"));
    let circle = swapped(named("evidence~40"), named("evidence~7"));
    let beyond = {
        let mut bytes = whole.clone();
        bytes[start + one * 4] = 0x7f;
        bytes
    };
    for (bytes, how) in
        [(trees, "two trees exchanged"), (circle, "the branch in a circle"), (beyond, "beyond the pack")]
    {
        std::fs::write(&file, bytes).unwrap();
        let ran = repo.ledger("", &["verify"]);
        assert_eq!(ran.code, 3, "{how}: {ran:?}");
        assert!(ran.err.contains("git fsck"), "{how}: {ran:?}");
    }
    std::fs::write(&file, whole).unwrap();
    let _ = repo.ledger("", &["verify"]).exits(0);
}

/// A handful of small objects that name each other, and more paths than anybody can count.
#[test]
fn trees_that_name_each_other_do_not_keep_anybody_busy() {
    let repo = TestRepo::with_ledger(&POLICY);
    let blob = repo.git(&["hash-object", "-w", "ledger.toml"]);
    let mut below = format!("100644 blob {}", blob.trim());
    for _ in 0..5 {
        let tree: String = (0..200).map(|name| format!("{below}\tn{name}\n")).collect();
        repo.write("tree.txt", tree);
        let made = repo.command("sh", &repo.path).args(["-c", "git mktree <tree.txt"]).output().unwrap();
        below = format!("040000 tree {}", String::from_utf8(made.stdout).unwrap().trim());
    }
    let tree = below.rsplit(' ').next().unwrap();
    let commit = repo.git(&["commit-tree", tree, "-p", "evidence", "-m", "bomb"]);
    repo.git(&["update-ref", "refs/heads/evidence", commit.trim()]);
    let answer = repo.ledger("", &["verify", "--json"]);
    assert_eq!(answer.code, 4);
    assert!(answer.out.contains("too much in them"), "{}", answer.out);
    let _ = repo.ledger("", &["status"]).exits(4);
}
