//! Ledgers frozen as they were written once: whatever this program becomes, they verify.
//!
//! `tests/vectors/*/` holds one Git bundle of the evidence branch for each object format, and
//! `expected.json` with what is true of every entry. Frozen files are never made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::interop::disagreement;
use crate::support::{POLICY, Policy, TestRepo};

/// Where the ledgers of format v0.1 lie.
const V0_1: &str = "ledger-v0.1";
const FORMATS: [&str; 2] = ["sha1", "sha256"];

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Expected {
    origin: String,
    /// SHA-256 of entry 0, which a pin names.
    first: String,
    /// Merkle root over all entries.
    root: String,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    entry: u64,
    kind: String,
    id: String,
    commit: String,
    path: String,
}

impl Expected {
    /// What the program says about a repository's ledger.
    fn said(repo: &TestRepo, pin: Option<&str>) -> Self {
        let root: Vec<&str> = pin.map(|pin| ["--root", pin]).into_iter().flatten().collect();
        let verified = repo.ledger("", &[&["verify", "--json"], root.as_slice()].concat());
        assert_eq!(verified.code, 0, "{verified:?}");
        let verified = verified.json();
        assert_eq!(verified["verdict"], "holds");
        assert_eq!(verified["anchor"], if pin.is_some() { "pinned" } else { "none" });
        let log = repo.ledger("", &[&["log", "--json"], root.as_slice()].concat()).json();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let entries: Vec<Entry> =
            log["entries"].as_array().unwrap().iter().map(|entry| Entry::deserialize(entry).unwrap()).collect();
        assert_eq!(verified["entries"], entries.len());
        let (origin, first, root) = (&verified["origin"], &verified["first"], &verified["root"]);
        Self { origin: text(origin), first: text(first), root: text(root), entries }
    }
}

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(version)
}

fn expected(version: &str) -> BTreeMap<String, Expected> {
    serde_json::from_slice(&std::fs::read(folder(version).join("expected.json")).unwrap()).unwrap()
}

/// A fresh repository that got the frozen branch from plain git.
fn thawed(version: &str, format: &str) -> TestRepo {
    let repo = TestRepo::with_format(format);
    let bundle = folder(version).join(format!("evidence-{format}.bundle"));
    repo.git(&["fetch", "-q", bundle.to_str().unwrap(), "refs/heads/evidence:refs/heads/evidence"]);
    repo
}

#[test]
fn a_frozen_ledger_verifies_to_the_very_same_entries() {
    for format in FORMATS {
        let expected = &expected(V0_1)[format];
        let repo = thawed(V0_1, format);
        assert_eq!(&Expected::said(&repo, Some(&digest(&expected.first))), expected, "{format}");
        assert_eq!(&Expected::said(&repo, None), expected, "{format}, without a pin");
        assert_eq!(disagreement(&repo, format, 0, &BTreeSet::new()), None, "{format}");
    }
}

#[test]
fn every_frozen_entry_is_what_plain_git_and_sha256_say() {
    for format in FORMATS {
        let expected = &expected(V0_1)[format];
        let repo = thawed(V0_1, format);
        let commits: Vec<&str> = expected.entries.iter().map(|entry| entry.commit.as_str()).collect();
        let mut walked = repo.commits();
        walked.reverse();
        assert_eq!(walked, commits, "{format}");
        for entry in &expected.entries {
            let statement = repo.git(&["show", &format!("{}:{}", entry.commit, entry.path)]);
            assert_eq!(plain(&entry.id), hex(&Sha256::digest(statement)), "{format}, entry {}", entry.entry);
        }
        assert_eq!(plain(&expected.first), plain(&expected.entries[0].id));
        let leaves: Vec<Vec<u8>> = expected
            .entries
            .iter()
            .map(|entry| repo.git(&["show", &format!("evidence:{}", entry.path)]).into_bytes())
            .collect();
        assert_eq!(plain(&expected.root), hex(&root(&leaves)), "{format}");
    }
}

#[test]
fn stock_git_accepts_every_frozen_signature() {
    for format in FORMATS {
        let repo = thawed(V0_1, format);
        let signers = repo.ledger("", &["export", "allowed-signers"]).exits(0);
        let path = repo.home().join("allowed_signers");
        std::fs::write(&path, signers).unwrap();
        let setting = format!("gpg.ssh.allowedSignersFile={}", path.display());
        let commits = repo.commits();
        let mut words = vec!["-c", setting.as_str(), "verify-commit"];
        words.extend(commits.iter().map(String::as_str));
        repo.git(&words);
        repo.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_frozen_ledger_answers_questions_and_takes_new_entries() {
    let repo = thawed(V0_1, "sha1");
    let frozen = &expected(V0_1)["sha1"];
    for gate in ["alpha", "ga"] {
        let notes = repo.ledger("", &["log", "--gate", gate, "--kind", "promotion", "--json"]).json();
        assert_eq!(notes["entries"].as_array().unwrap().len(), 1, "{gate}");
    }
    assert!(repo.ledger("", &["log"]).exits(0).contains("김철수"), "Korean handles are shown");
    repo.write("notice.md", "# Later\n");
    let _ = repo.ledger("lee", &["record", "announcement", "notice.md", "--gate", "ga", "--release", "1.0"]).exits(0);
    let now = Expected::said(&repo, None);
    assert_eq!(now.entries.len(), frozen.entries.len() + 1);
    assert_eq!(now.entries[..frozen.entries.len()], frozen.entries);
}

#[test]
fn the_frozen_ledgers_have_every_kind_written_so_far() {
    for (format, expected) in expected(V0_1) {
        let count = |kind: &str| expected.entries.iter().filter(|entry| entry.kind == kind).count();
        for (kind, least) in [("policy", 2), ("open", 3), ("evidence", 5), ("approval", 5), ("promotion", 2)] {
            assert!(count(kind) >= least, "{format}: {} of kind {kind}", count(kind));
        }
        assert!(expected.entries.iter().any(|entry| entry.path.contains("김철수")), "{format}: a Korean path");
    }
}

/// Writes the frozen ledgers once, with the keys every test has: `cargo test freeze -- --ignored`.
#[test]
#[ignore = "writes new frozen ledgers; the old ones must never change"]
fn freeze() {
    let folder = folder(V0_1);
    std::fs::create_dir_all(&folder).unwrap();
    let mut expected = BTreeMap::new();
    for format in FORMATS {
        let bundle = folder.join(format!("evidence-{format}.bundle"));
        assert!(!bundle.exists(), "{} is frozen already", bundle.display());
        let repo = TestRepo::with_format(format);
        play(&repo);
        repo.git(&["bundle", "create", "-q", bundle.to_str().unwrap(), "evidence"]);
        expected.insert(format.to_owned(), Expected::said(&thawed(V0_1, format), None));
    }
    std::fs::write(folder.join("expected.json"), serde_json::to_string_pretty(&expected).unwrap() + "\n").unwrap();
}

/// The story of the frozen ledgers.
fn play(repo: &TestRepo) {
    let rules = POLICY.pipeline.replace(
        "[[pipeline.stage9.gate.rule]]\nid = \"announcement\"",
        "[[pipeline.stage9.gate.rule]]\nid = \"smoke-test\"\nformat = [\"command\", \"file\"]\nexpect = [\"exit == 0\"]\n\n[[pipeline.stage9.gate.rule]]\nid = \"announcement\"",
    );
    let begun = Policy { people: &POLICY.people[..3], pipeline: POLICY.pipeline };
    let korean = |policy: &Policy| {
        let text = policy.text(repo).replace("name = \"Kim\"", "name = \"김철수\"");
        text.replace("handles = [\"KIM\"]", "handles = [\"김철수\", \"QA-KIM\"]")
    };
    let run = |who: &str, line: &[&str]| drop(repo.ledger(who, line).exits(0));
    repo.write("ledger.toml", korean(&begun));
    run("lee", &["init"]);
    repo.write("docs/qa.md", "# 점검표\n\n- [x] 설치된다\n- [x] 되돌려진다\n");
    repo.write("build/app_1.0.bin", "binary");
    run("min", &["open", "alpha", "--release", "1.0", "--revision", "schema=20250925_stage5"]);
    run("min", &["record", "artifacts"]);
    run("kim", &["record", "qa-checklist"]);
    run("kim", &["sign", "alpha", "--yes", "-m", "세 대에 설치해 보았다"]);
    run("kim", &["sign", "alpha", "--withdraw", "--yes", "-m", "잘못된 빌드였다"]);
    run("kim2", &["sign", "alpha", "--reject", "--yes", "-m", "the log is missing"]);
    run("kim", &["sign", "alpha", "--withdraw", "--yes", "-m", "it has come"]);
    run("kim", &["sign", "alpha", "--yes", "--meaning", "review"]);
    run("min", &["promote", "alpha"]);
    repo.write("ledger.toml", korean(&Policy { people: POLICY.people, pipeline: "" }) + &rules);
    run("lee", &["policy", "apply", "-m", "Han joins, GA wants a smoke test", "--yes"]);
    run("min", &["open", "ga", "--release", "1.0"]);
    run("ci", &["run", "smoke-test", "--", "git", "--version"]);
    repo.write("docs/공지_모든 사용자.md", "# 공지\n\n모든 사용자에게 배포합니다.\n");
    run("lee", &["record", "announcement", "docs/공지_모든 사용자.md", "--gate", "ga"]);
    repo.write("build/screens.zip", "not kept here");
    let place = "\\\\nas\\release\\screens.zip";
    run("min", &["record", "announcement", "build/screens.zip", "--external", "--location", place, "--gate", "ga"]);
    run("han", &["sign", "ga", "--yes", "--meaning", "responsibility"]);
    run("han", &["promote", "ga"]);
    run("min", &["open", "alpha", "--release", "1.0", "--retry"]);
    run("min", &["open", "alpha", "--release", "1.1-rc.1"]);
}

/// A digest as `--root` takes it.
fn digest(text: &str) -> String {
    format!("sha256:{}", plain(text))
}

fn plain(text: &str) -> String {
    text.trim_start_matches("sha256:").to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The tree head of RFC 6962, section 2.1, as the RFC writes it down.
fn root(leaves: &[Vec<u8>]) -> Vec<u8> {
    match leaves {
        [] => Sha256::digest(b"").to_vec(),
        [leaf] => Sha256::digest([&[0], leaf.as_slice()].concat()).to_vec(),
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = (root(&leaves[..split]), root(&leaves[split..]));
            Sha256::digest([&[1], left.as_slice(), right.as_slice()].concat()).to_vec()
        }
    }
}
