//! The demo keeps what it promises, in the eyes of tools that know nothing of this program.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::support::{Ran, TestRepo, finish};

/// SubjectPublicKeyInfo of ed25519 without its 32 key bytes (RFC 8410, section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A demo that has been played to its end.
struct Demo {
    home: TestRepo,
    repository: PathBuf,
}

impl Demo {
    fn played() -> Self {
        let home = TestRepo::bare_of_ledger();
        let story = home.home().join("story");
        let _ = home.ledger("", &["demo", story.to_str().unwrap()]).exits(0);
        let repository = std::fs::canonicalize(story.join("routing-ml")).unwrap();
        Self { home, repository }
    }

    fn ledger(&self, args: &[&str]) -> Ran {
        self.home.ledger_in(&self.repository, "", args, &[])
    }

    fn git(&self, args: &[&str]) -> Ran {
        finish(self.home.command("git", &self.repository).args(args))
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.home.home().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn envelopes(&self) -> Vec<Envelope> {
        let signers = self.ledger(&["export", "allowed-signers"]).exits(0);
        let keys = keys(&signers);
        let lines = self.ledger(&["export", "dsse"]).exits(0);
        lines.lines().map(|line| Envelope::read(line, &keys)).collect()
    }

    /// What stock OpenSSL says to a signature over a message.
    fn openssl_accepts(&self, key: &str, message: &[u8], signature: &[u8]) -> bool {
        let (message, signature) = (self.keep("pae.bin", message), self.keep("sig.bin", signature));
        let words = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", &message, "-sigfile", &signature];
        finish(self.home.command("openssl", &self.repository).args(words)).code == 0
    }
}

/// One exported envelope, taken apart without this program's help.
struct Envelope {
    key: [u8; 32],
    payload: Vec<u8>,
    payload_type: String,
    signature: Vec<u8>,
}

impl Envelope {
    fn read(line: &str, keys: &[(String, [u8; 32])]) -> Self {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let signatures = json["signatures"].as_array().unwrap();
        assert_eq!(signatures.len(), 1);
        let (_, key) = keys.iter().find(|(id, _)| *id == text(&signatures[0]["keyid"])).expect("an exported key");
        Self {
            key: *key,
            payload: STANDARD.decode(text(&json["payload"])).unwrap(),
            payload_type: text(&json["payloadType"]),
            signature: STANDARD.decode(text(&signatures[0]["sig"])).unwrap(),
        }
    }

    /// What DSSE signs (secure-systems-lab/dsse, protocol.md).
    fn pae(&self) -> Vec<u8> {
        let head = format!("DSSEv1 {} {} {} ", self.payload_type.len(), self.payload_type, self.payload.len());
        [head.as_bytes(), &self.payload].concat()
    }

    fn pem(&self) -> String {
        let body = STANDARD.encode([SPKI.as_slice(), &self.key].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }
}

/// Fingerprint and raw key of every line of an allowed_signers file.
fn keys(allowed_signers: &str) -> Vec<(String, [u8; 32])> {
    let blob = |line: &str| {
        let after = line.split_once("ssh-ed25519 ").expect("an ed25519 key").1;
        STANDARD.decode(after.split_whitespace().next().unwrap()).unwrap()
    };
    let key = |blob: Vec<u8>| {
        let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob)));
        (fingerprint, blob[blob.len() - 32..].try_into().unwrap())
    };
    allowed_signers.lines().map(blob).map(key).collect()
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[test]
fn the_demo_ends_well_and_stock_git_accepts_all_of_it() {
    let demo = Demo::played();
    let signers = demo.ledger(&["export", "allowed-signers"]).exits(0);
    let setting = format!("gpg.ssh.allowedSignersFile={}", demo.keep("allowed_signers", signers.as_bytes()));
    let commits = demo.git(&["rev-list", "evidence"]).exits(0);
    assert!(commits.lines().count() > 30, "{commits}");
    for commit in commits.lines() {
        let checked = demo.git(&["-c", &setting, "verify-commit", commit]);
        assert!(checked.err.contains("Good \"git\" signature for"), "{commit}: {}", checked.err);
        let _ = checked.exits(0);
    }
    let fsck = demo.git(&["fsck", "--strict", "--no-dangling"]);
    assert_eq!((fsck.code, fsck.out.as_str(), fsck.err.as_str()), (0, "", ""));
}

#[test]
fn stock_git_refuses_a_stranger_among_the_signers() {
    let demo = Demo::played();
    let mallory = format!("kim@acme.example {}\n", demo.home.public_key("mallory"));
    let setting = format!("gpg.ssh.allowedSignersFile={}", demo.keep("allowed_signers", mallory.as_bytes()));
    assert_ne!(demo.git(&["-c", &setting, "verify-commit", "evidence"]).code, 0);
}

#[test]
fn every_envelope_verifies_with_openssl_and_fails_with_one_byte_flipped() {
    let demo = Demo::played();
    let envelopes = demo.envelopes();
    let entries = demo.ledger(&["verify", "--json"]).json()["entries"].as_u64().unwrap();
    assert_eq!(envelopes.len() as u64, entries);
    for (number, envelope) in envelopes.iter().enumerate() {
        assert_eq!(envelope.payload_type, "application/vnd.in-toto+json");
        let key = demo.keep("key.pem", envelope.pem().as_bytes());
        let pae = envelope.pae();
        assert!(demo.openssl_accepts(&key, &pae, &envelope.signature), "entry {number}");
        // Another byte in each envelope, so that together they cover beginning, middle and end.
        let in_payload = pae.len() - 1 - (number * 97) % envelope.payload.len();
        assert!(!demo.openssl_accepts(&key, &flipped(&pae, in_payload), &envelope.signature), "entry {number}");
        let signature = flipped(&envelope.signature, number % envelope.signature.len());
        assert!(!demo.openssl_accepts(&key, &pae, &signature), "entry {number}");
    }
}

#[test]
fn an_envelope_says_what_the_entry_says() {
    let demo = Demo::played();
    let log = demo.ledger(&["log", "--json"]).json();
    let entries = log["entries"].as_array().unwrap();
    for (entry, envelope) in entries.iter().zip(demo.envelopes()) {
        let id: String = Sha256::digest(&envelope.payload).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(entry["id"].as_str().unwrap().ends_with(&id), "{entry}");
        let statement: serde_json::Value = serde_json::from_slice(&envelope.payload).unwrap();
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert!(!statement["subject"].as_array().unwrap().is_empty(), "{entry}");
    }
}

#[test]
fn another_implementation_of_dsse_agrees() {
    let Some(python) = std::env::var_os("LEDGER_INTEROP_PYTHON").filter(|value| !value.is_empty()) else {
        eprintln!("skipped: LEDGER_INTEROP_PYTHON names no Python with securesystemslib and cryptography");
        return;
    };
    let demo = Demo::played();
    let bundle = demo.keep("demo.intoto.jsonl", demo.ledger(&["export", "dsse"]).exits(0).as_bytes());
    let signers = demo.keep("allowed_signers", demo.ledger(&["export", "allowed-signers"]).exits(0).as_bytes());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/check_dsse.py");
    let mut check = demo.home.command(python.to_str().unwrap(), &demo.repository);
    let said = finish(check.arg(script).args([&bundle, &signers])).exits(0);
    let count = demo.envelopes().len();
    assert!(said.contains(&format!("{count} envelopes verified, {count} flipped ones refused")), "{said}");
}

#[test]
fn the_demo_refuses_a_directory_with_something_in_it() {
    let home = TestRepo::bare_of_ledger();
    let occupied = home.home().join("occupied");
    std::fs::create_dir(&occupied).unwrap();
    std::fs::write(occupied.join("mine.txt"), "keep me").unwrap();
    let refused = home.ledger("", &["demo", occupied.to_str().unwrap()]);
    assert!(refused.said().contains("not empty"), "{refused:?}");
    let _ = refused.exits(2);
    let left: Vec<_> = std::fs::read_dir(&occupied).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["mine.txt"]);
}

#[test]
fn the_demo_plays_in_the_very_directory_it_was_given() {
    let home = TestRepo::bare_of_ledger();
    let _ = home.ledger_in(home.home(), "", &["demo", "./story"], &[]).exits(0);
    assert!(home.home().join("story/routing-ml/.git").is_dir(), "a relative directory is taken from here");
    std::fs::create_dir(home.home().join("elsewhere")).unwrap();
    let _ = home.ledger_in(home.home(), "", &["-C", "elsewhere", "demo", "story"], &[]).exits(0);
    assert!(home.home().join("elsewhere/story/routing-ml/.git").is_dir(), "or from where -C leads");
}

#[test]
fn the_demo_leaves_notes_in_both_languages() {
    let demo = Demo::played();
    let read = |language: &str| {
        std::fs::read_to_string(demo.repository.join(format!("release_notes_2025-09-29.{language}.md"))).unwrap()
    };
    let (korean, english) = (read("ko"), read("en"));
    assert_ne!(korean, english);
    assert!(korean.contains("내부 QA"), "{korean}");
    assert!(english.contains("internal QA"), "{english}");
    let folders = demo.git(&["ls-tree", "--name-only", "evidence"]).exits(0);
    for folder in folders.lines().filter(|name| name.starts_with("Stage9_")) {
        assert!(korean.contains(folder) && english.contains(folder), "{folder} in\n{korean}\n{english}");
    }
}

#[test]
fn a_changed_tasklist_closes_the_gate_again() {
    let demo = Demo::played();
    let _ = demo.ledger(&["check", "ga"]).exits(0);
    let tasklist = demo.repository.join("docs/Tasklist.md");
    let before = std::fs::read(&tasklist).unwrap();
    std::fs::write(&tasklist, [before.as_slice(), b"- [ ] one more thing\n"].concat()).unwrap();
    assert!(demo.ledger(&["check", "ga"]).exits(1).contains("docs/Tasklist.md"));
    std::fs::write(&tasklist, before).unwrap();
    let _ = demo.ledger(&["check", "ga"]).exits(0);
}

#[test]
fn the_demo_does_not_depend_on_whoever_watches_it() {
    let home = TestRepo::bare_of_ledger();
    let story = home.home().join("story");
    let key = home.key("mallory");
    let before = home.fingerprint();
    let git_dir = home.path.join(".git");
    let env = [
        ("LEDGER_KEY", key.to_str().unwrap()),
        ("LEDGER_RELEASE", "9.9"),
        ("LEDGER_JSON", "1"),
        ("GIT_DIR", git_dir.to_str().unwrap()),
        ("GIT_AUTHOR_EMAIL", "mallory@evil.example"),
        ("TZ", "Asia/Seoul"),
        ("NO_COLOR", "1"),
    ];
    let played = home.ledger_in(home.home(), "", &["demo", story.to_str().unwrap()], &env);
    assert_eq!(home.fingerprint(), before, "a hook's GIT_DIR names a repository that is none of the demo's business");
    let _ = played.exits(0);
    assert!(story.join("routing-ml/release_notes_2025-09-29.en.md").is_file());
}
