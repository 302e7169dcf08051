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
    let ran = repo.ledger("kim", &[&run[..], &printed].concat());
    says_all(&ran.err, &["stdout.txt:6: JWT_SECRET_KEY=… (secret by its name)", "note: not kept: stdout.txt"]);
    let _ = ran.exits(0);
    let ran = repo.ledger("kim", &[&run[..], &make].concat());
    says_all(&ran.err, &["made.txt:5: ", "made.txt:6: ", "note: not kept: made.txt"]);
    assert!(!ran.said().contains(VALUE), "{}", ran.said());
    let _ = ran.exits(0);
    assert!(!repo.git(&["log", "-p", "--format=%B", "evidence"]).contains(VALUE));
    let option = format!("--password={VALUE}");
    refused(&repo, &[&run[..], &["--", "no-such-command", &option]].concat(), &["the command:1: --password=…"]);
    refused(&repo, &[&run[..], &["--dry-run", "--", "no-such-command", &option]].concat(), &["the command:1: "]);
    let _ = repo.ledger("kim", &[&run[..], &["--allow-secret", "rotated since"], &printed].concat()).exits(0);
    assert_eq!(newest(&repo)["facts"]["secrets_allowed"], "rotated since");
    types(&repo, "", "verify", 0);
}

#[test]
fn what_is_redacted_is_kept_with_marks_and_read_with_them() {
    let repo = opened();
    let utf16: Vec<u8> = format!("\u{feff}{}", leaky()).encode_utf16().flat_map(u16::to_le_bytes).collect();
    repo.write("one.txt", utf16);
    repo.write(
        "two.log",
        format!("a\n-----BEGIN {0} KEY-----\n{1}\n-----END {0} KEY-----\n", "PRIVATE", "q7Zr2Lx9Vb4Tn8Wd".repeat(4)),
    );
    let args = ["record", "announcement", "one.txt", "two.log", "--gate", "ga", "--redact"];
    let before = repo.fingerprint();
    let _ = repo.ledger("kim", &[&args[..], &["--dry-run"]].concat()).exits(0);
    assert_eq!(repo.fingerprint(), before);
    let ran = repo.ledger("kim", &args);
    says_all(
        &ran.err,
        &[
            "one.txt:5: password in a URL",
            "one.txt:6: secret by its name",
            "two.log:2-4: private key",
            "note: 3 masked in what is kept, and on record",
        ],
    );
    assert!(!ran.said().contains(VALUE), "{}", ran.said());
    let _ = ran.exits(0);
    let predicate = newest(&repo);
    let expected = serde_json::json!({
        "count": 3,
        "lines": ["one.txt:5", "one.txt:6", "two.log:2-4"],
        "rules": ["password-in-a-url", "private-key", "secret-by-its-name"],
    });
    assert_eq!(predicate["facts"]["secrets_redacted"], expected);
    let kept = |name: &str| {
        let listing = repo.git(&["ls-tree", "-r", "--name-only", "evidence"]);
        let path = listing.lines().find(|path| path.ends_with(name)).unwrap().to_owned();
        std::process::Command::new("git")
            .args(["cat-file", "blob", &format!("evidence:{path}")])
            .current_dir(&repo.path)
            .output()
            .unwrap()
            .stdout
    };
    let masked =
        leaky().replacen(VALUE, "[REDACTED:password-in-a-url]", 1).replacen(VALUE, "[REDACTED:secret-by-its-name]", 1);
    let masked: Vec<u8> = format!("\u{feff}{masked}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(kept("one.txt"), masked);
    let mark = "[REDACTED:private-key]";
    assert_eq!(String::from_utf8(kept("two.log")).unwrap(), format!("a\n{mark}\n{mark}\n{mark}\n"));
    assert_eq!(predicate["files"][0]["size"], masked.len());
    says_all(&types(&repo, "", "verify", 0), &["holds"]);
}

#[test]
fn colours_hide_no_secret_from_the_search_and_none_from_the_mask() {
    let repo = opened();
    let coloured = format!("ok\nDB_PASS\u{1b}[0mWORD=\u{1b}[31m{}\u{1b}[0m{}\n", &VALUE[..4], &VALUE[4..]);
    repo.write("build.log", &coloured);
    let args = ["record", "announcement", "build.log", "--gate", "ga"];
    refused(&repo, &args, &["build.log:2: DB_PASSWORD=… (secret by its name)"]);
    let _ = repo.ledger("kim", &[&args[..], &["--redact"]].concat()).exits(0);
    let everything = repo.git(&["log", "-p", "--text", "--format=%B", "evidence"]);
    assert!(everything.contains("=\u{1b}[31m[REDACTED:secret-by-its-name]"), "{everything:?}");
    assert!(!everything.contains(&VALUE[..4]) && !everything.contains(&VALUE[4..]));
    types(&repo, "", "verify", 0);
}

#[test]
fn a_command_s_output_is_redacted_in_what_is_kept_alone() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("out.txt", leaky());
    repo.git(&["add", "-f", "out.txt"]);
    let run = ["run", "announcement", "--gate", "ga", "--release", "1.0", "--redact"];
    let make = ["--out", "made.txt", "--", "sh", "-c", "git show :out.txt | tee made.txt"];
    let ran = repo.ledger("kim", &[&run[..], &make].concat());
    // Whoever runs it sees what it prints.
    assert!(ran.out.contains(VALUE));
    says_all(&ran.err, &["made.txt:5: password in a URL", "stdout.txt:6: secret by its name"]);
    let _ = ran.exits(0);
    assert_eq!(newest(&repo)["facts"]["secrets_redacted"]["count"], 4);
    let everything = repo.git(&["log", "-p", "--format=%B", "evidence"]);
    assert!(everything.contains("JWT_SECRET_KEY=[REDACTED:secret-by-its-name]") && !everything.contains(VALUE));
    says_all(&types(&repo, "", "verify", 0), &["holds"]);
}

#[test]
fn what_cannot_be_redacted_whole_is_refused() {
    let repo = opened();
    let begun = format!("-----BEGIN {} KEY-----\n{}\n", "PRIVATE", "q7Zr2Lx9Vb4Tn8Wd".repeat(4));
    repo.write("key.txt", format!("a\n{begun}"));
    repo.write("a.bin", [b"\x7fELF\0\nX_TOKEN=", VALUE.as_bytes(), b"\xff\0"].concat());
    repo.write("docs/qa.md", leaky());
    let option = format!("--password={VALUE}");
    for (args, why) in [
        (
            &["record", "announcement", "key.txt", "--gate", "ga"][..],
            "the private key that begins at line 2 has no end",
        ),
        (&["record", "announcement", "a.bin", "--gate", "ga"], "a.bin cannot be masked: it is no text"),
        // Gates hold it against the document in the work tree.
        (&["record", "qa-checklist"], "a masked copy would differ for ever"),
        (&["run", "announcement", "--gate", "ga", "--", "no-such-command", &option], "the command:1: --password=…"),
        (&["record", "announcement", "key.txt", "--gate", "ga", "--allow-secret", "x"], "cannot be used with"),
    ] {
        let before = repo.fingerprint();
        let args = [&args[..1], &["--redact"], &args[1..]].concat();
        let ran = repo.ledger("kim", &args);
        assert_eq!((ran.code, repo.fingerprint()), (2, before), "{args:?}: {}", ran.said());
        says_all(&ran.err, &[why]);
        assert!(!ran.said().contains(VALUE), "{}", ran.said());
    }
}

#[test]
fn what_people_type_is_looked_at_before_it_is_signed() {
    let repo = opened();
    repo.write("docs/qa.md", QA);
    let name = format!("JWT_SECRET={VALUE}.txt");
    repo.write(&name, "a\n");
    let reason = format!("we use DB_PASSWORD={VALUE} there");
    let release = format!("1.0-TOKEN={VALUE}");
    types(&repo, "kim", "record qa-checklist", 0);
    let revision = format!("db_password={VALUE}");
    for (who, args, what) in [
        ("min", &["open", "alpha", "--release", &release][..], "--release:1: "),
        ("min", &["open", "alpha", "--release", "1.1", "--revision", &revision], "--revision:1: db_password=…"),
        ("kim", &["sign", "alpha", "--reject", "-m", &reason, "--yes"], "-m:1: DB_PASSWORD=…"),
        ("kim", &["revoke", "2", "-m", &reason, "--yes"], "-m:1: DB_PASSWORD=…"),
        ("kim", &["record", "announcement", &name, "--gate", "ga"], "the name of a file:1: JWT_SECRET=…"),
    ] {
        for dry in [&["--dry-run"][..], &[]] {
            let before = repo.fingerprint();
            let ran = repo.ledger(who, &[args, dry].concat());
            assert_eq!((ran.code, repo.fingerprint()), (2, before), "{args:?}: {}", ran.said());
            says_all(&ran.err, &[what, "(secret by its name)"]);
            assert!(!ran.said().contains(VALUE), "{}", ran.said());
        }
    }
    let allowed = ["record", "announcement", &name, "--gate", "ga", "--allow-secret", "a word"];
    let _ = repo.ledger("kim", &allowed).exits(0);
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
    // The search itself is tested there.
    let ours = |path: &std::path::PathBuf| path.to_string_lossy().replace('\\', "/").contains("src/evidence/secrets");
    let mut found = Vec::new();
    for path in paths.filter(|path| !ours(path)) {
        let findings = ledger::evidence::secrets::find(&std::fs::read(&path).unwrap());
        found.extend(findings.into_iter().map(|finding| format!("{}: {finding:?}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
