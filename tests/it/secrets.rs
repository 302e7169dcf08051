//! What looks like a secret does not enter the ledger, unless somebody says why it may.

use crate::steps::{QA, says_all, types};
use crate::support::{POLICY, TestRepo, files};

/// A value that looks like a real one; in pieces, so that this file holds none.
const VALUE: &str = concat!("Zx81k", "Qp47w", "Lm20t");

/// Alpha of 1.0 is open; nothing else is there.
fn opened() -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo
}

fn leaky() -> String {
    format!("{QA}\nDATABASE_URL=postgresql://app:{VALUE}@db:5432/x\nJWT_SECRET_KEY={VALUE}\n")
}

/// Runs it in vain, and insists that the secret is told of and not told.
#[track_caller]
fn refused(repo: &TestRepo, args: &[&str], parts: &[&str]) {
    let before = repo.fingerprint();
    let ran = repo.ledger("kim", args);
    assert_eq!((ran.code, repo.fingerprint()), (2, before), "{args:?}: {}", ran.said());
    says_all(&ran.err, parts);
    says_all(&ran.err, &["→ take it out", "--allow-secret REASON"]);
    assert!(!ran.said().contains(VALUE) && !ran.said().contains("app:"), "{}", ran.said());
}

#[track_caller]
fn newest(repo: &TestRepo) -> serde_json::Value {
    let newest = (repo.commits().len() - 1).to_string();
    repo.ledger("", &["show", &newest, "--json"]).json()["statement"]["predicate"].clone()
}

#[test]
fn a_secret_in_a_file_is_refused_by_line_before_anything_is_written() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", leaky());
    let lines =
        ["docs/qa.md:5: postgresql://…:…@ (password in a URL)", "docs/qa.md:6: JWT_SECRET_KEY=… (secret by its name)"];
    refused(&repo, &["record", "qa-checklist", "--release", "1.0"], &lines);
    refused(&repo, &["record", "qa-checklist", "--release", "1.0", "--dry-run"], &lines);
    let told = repo.ledger("kim", &["record", "qa-checklist", "--release", "1.0", "--json"]);
    assert_eq!(told.code, 2);
    says_all(told.json()["message"].as_str().unwrap(), &lines);
    repo.write("docs/qa.md", leaky().replace(VALUE, "***"));
    types(&repo, "kim", "record qa-checklist --release 1.0", 0);
    types(&repo, "", "verify", 0);
}

#[test]
fn every_encoding_and_every_file_of_an_entry_is_looked_at() {
    let repo = opened();
    let utf16: Vec<u8> = leaky().encode_utf16().flat_map(u16::to_le_bytes).collect();
    repo.write("one.txt", "nothing to see\n");
    repo.write("two.bin", [&b"\x7fELF\0\xff"[..], &utf16].concat());
    refused(&repo, &["record", "announcement", "one.txt", "two.bin", "--gate", "ga"], &["two.bin:5: ", "two.bin:6: "]);
    let key = format!("-----BEGIN {} KEY-----\n{}\n", "PRIVATE", "q7Zr2Lx9Vb4Tn8Wd".repeat(4));
    repo.write("one.txt", format!("our key\n{key}"));
    refused(
        &repo,
        &["record", "announcement", "one.txt", "--gate", "ga"],
        &["one.txt:2: BEGIN … PRIVATE KEY (private key)"],
    );
    let location = format!("https://kim:{VALUE}@files.acme.example/x");
    let external = ["record", "announcement", "one.txt", "--gate", "ga", "--external", "--location"];
    refused(&repo, &[&external[..], &[&location]].concat(), &["--location:1: https://…:…@"]);
    // Only its digest enters.
    let _ = repo.ledger("kim", &[&external[..], &["https://files.acme.example/x"]].concat()).exits(0);
}

#[test]
fn a_secret_may_pass_with_a_reason_that_is_on_record() {
    let repo = opened();
    repo.write("docs/qa.md", leaky());
    let reason = "test data of a database that is gone";
    let args = ["record", "qa-checklist", "--allow-secret"];
    for bad in [" ", &format!("it is {VALUE}: PASSWORD={VALUE}"), &"long ".repeat(100)] {
        let ran = repo.ledger("kim", &[&args[..], &[bad]].concat());
        assert_eq!(ran.code, 2, "{}", ran.said());
        says_all(&ran.err, &["--allow-secret needs a reason"]);
        assert!(!ran.said().contains(VALUE));
    }
    let ran = repo.ledger("kim", &[&args[..], &[reason]].concat());
    says_all(&ran.err, &["docs/qa.md:6: JWT_SECRET_KEY=…", &format!("note: allowed, and on record: {reason}")]);
    let _ = ran.exits(0);
    assert_eq!(newest(&repo)["facts"]["secrets_allowed"], reason);
    says_all(&types(&repo, "", "verify", 0), &["holds"]);
    // Where there is nothing to allow, nothing was allowed.
    repo.write("docs/qa.md", QA);
    let _ = repo.ledger("kim", &[&args[..], &[reason]].concat()).exits(0);
    assert!(newest(&repo)["facts"].get("secrets_allowed").is_none());
    types(&repo, "", "verify", 0);
}

#[test]
fn what_a_command_prints_makes_or_is_given_is_looked_at_too() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("out.txt", leaky());
    let run = ["run", "announcement", "--gate", "ga", "--release", "1.0"];
    let make = ["--out", "made.txt", "--", "sh", "-c", "git show :out.txt > made.txt"];
    let printed = ["--", "git", "show", ":out.txt"];
    repo.git(&["add", "-f", "out.txt"]);
    let before = repo.fingerprint();
    let ran = repo.ledger("kim", &[&run[..], &printed].concat());
    assert_eq!((ran.code, repo.fingerprint()), (2, before), "{}", ran.said());
    says_all(&ran.err, &["stdout.txt:6: JWT_SECRET_KEY=… (secret by its name)"]);
    refused(&repo, &[&run[..], &make].concat(), &["made.txt:5: ", "made.txt:6: "]);
    let option = format!("--password={VALUE}");
    refused(&repo, &[&run[..], &["--", "no-such-command", &option]].concat(), &["the command:1: --password=…"]);
    refused(&repo, &[&run[..], &["--dry-run", "--", "no-such-command", &option]].concat(), &["the command:1: "]);
    let _ = repo.ledger("kim", &[&run[..], &["--allow-secret", "rotated since"], &printed].concat()).exits(0);
    assert_eq!(newest(&repo)["facts"]["secrets_allowed"], "rotated since");
    types(&repo, "", "verify", 0);
}

/// Measured where it would hurt: this repository speaks of keys and passwords all the time.
#[test]
fn nothing_in_this_repository_looks_like_a_secret() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["src", "tests", "docs", "examples", "benches", "schemas", "templates", "fuzz/fuzz_targets", "README.md"];
    let paths = folders.iter().flat_map(|name| match root.join(name) {
        file if file.is_file() => vec![file],
        folder => files(&folder),
    });
    let mut found = Vec::new();
    for path in paths.filter(|path| !path.ends_with("src/evidence/secrets.rs")) {
        let findings = ledger::evidence::secrets::find(&std::fs::read(&path).unwrap());
        found.extend(findings.into_iter().map(|finding| format!("{}: {finding:?}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
