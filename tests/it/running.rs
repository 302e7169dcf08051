//! Commands the ledger runs: what is refused before, what is on record whatever they leave, and how they end.

use serde_json::Value;

use crate::steps::{rule, says_all, types};
use crate::support::{POLICY, Policy, Ran, TestRepo};

/// One gate that wants a command to succeed, a report, and a document whose links lead somewhere.
const OPEN: Policy = Policy {
    people: POLICY.people,
    pipeline: r#"
[pipeline.p]

[[pipeline.p.gate]]
id = "alpha"

[[pipeline.p.gate.rule]]
id = "smoke"
format = "command"

[[pipeline.p.gate.rule]]
id = "report"
format = "junit"
expect = ["failed == 0", "passed > 0"]

[[pipeline.p.gate.rule]]
id = "figures"
format = "facts"

[[pipeline.p.gate.rule]]
id = "guide"
format = "document"
expect = ["links_missing == 0"]

[[pipeline.p.gate.rule]]
id = "done"
slot = "steps"
format = "plan-status"
expect = ["open == 0", "rows > 0"]

[pipeline.p.gate.approval]
role = "qa-lead"
"#,
};

const REPORT: &str = "<testsuite tests=\"1\"><testcase name=\"a\" classname=\"b\"/></testsuite>";

/// A value that looks like a real one; in pieces, so that this file holds none.
const VALUE: &str = concat!("Zx81k", "Qp47w", "Lm20t");

fn opened() -> TestRepo {
    let repo = TestRepo::with_ledger(&OPEN);
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo
}

fn run(repo: &TestRepo, words: &[&str], script: &str) -> Ran {
    repo.ledger("min", &[&["run"], words, &["--", "sh", "-c", script]].concat())
}

fn newest(repo: &TestRepo) -> Value {
    let entries = repo.ledger("", &["log", "-n", "1", "--json"]).json()["entries"][0]["entry"].to_string();
    repo.ledger("", &["show", &entries, "--json"]).json()["statement"]["predicate"].clone()
}

fn everything(repo: &TestRepo) -> String {
    repo.git(&["log", "-p", "--format=%B", "evidence"])
}

#[test]
fn a_rule_about_a_command_takes_what_the_command_made_besides() {
    let repo = opened();
    let ran = run(&repo, &["smoke", "--out", "made.txt"], "echo it works > made.txt");
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = newest(&repo);
    assert_eq!((&told["format"], &told["files"][0]["path"]), (&"command".into(), &"made.txt".into()));
    assert_eq!(rule(&repo, "alpha", "smoke")["state"], "satisfied");
    types(&repo, "", "verify", 0);
}

#[test]
fn what_can_be_refused_is_refused_before_the_command_runs() {
    let repo = opened();
    let (long, before) = ("x".repeat(9000), repo.fingerprint());
    for (words, why) in [
        (&["nothing"][..], "no gate has a slot nothing"),
        (&["smoke", "--gate", "beta"], "no gate is called"),
        (&["steps"], "is counted from the rows of the plan"),
        (&["report", "--out", "a.xml", "--out", "./a.xml"], "is said twice"),
        (&["report", "--out", "logs/STDOUT.txt"], "has the name under which the command's output is kept"),
        (&["report", "--out", "src"], "src is a directory"),
        (&["figures", "--out", "a.json", "--out", "b.json"], "facts is read from one file"),
        (&["smoke", "--allow-secret", " "], "--allow-secret needs a reason"),
    ] {
        let ran = run(&repo, words, "touch it-ran");
        assert_eq!((ran.code, repo.path.join("it-ran").exists()), (2, false), "{words:?}: {}", ran.said());
        says_all(&ran.err, &[why]);
    }
    let ran = run(&repo, &["smoke"], &format!("touch it-ran; : {long}"));
    assert_eq!((ran.code, repo.path.join("it-ran").exists()), (2, false), "{}", ran.said());
    says_all(&ran.err, &["put it into a script"]);
    assert_eq!(repo.fingerprint(), before);
}

#[test]
fn a_secret_in_the_output_costs_the_output_and_not_the_run() {
    let repo = opened();
    let printed = format!("line one\nDB_PASSWORD={VALUE}\n");
    repo.write("leaky.txt", &printed);
    let ran = run(&repo, &["smoke"], "cat leaky.txt; exit 7");
    assert_eq!(ran.code, 7, "{}", ran.said());
    says_all(
        &ran.err,
        &[
            "stdout.txt:2: DB_PASSWORD=… (secret by its name)",
            "note: not kept: stdout.txt: it holds what looks like a secret",
            "--redact",
            "the run is recorded with its exit code",
        ],
    );
    let told = newest(&repo);
    assert_eq!(told["command"]["exitCode"], 7);
    let file = &told["files"][0];
    assert_eq!((&file["stored"], &file["size"]), (&"external".into(), &printed.len().into()));
    assert_eq!(file["sha256"], ledger::id::Digest::of(printed.as_bytes()).to_string());
    let expected = serde_json::json!({
        "count": 1, "files": ["stdout.txt: it holds what looks like a secret"],
        "lines": ["stdout.txt:2"], "rules": ["secret-by-its-name"],
    });
    assert_eq!(told["facts"], serde_json::json!({ "exit": 7, "withheld": expected }));
    assert!(!everything(&repo).contains(VALUE));
    assert_eq!(rule(&repo, "alpha", "smoke")["state"], "failed");
    // That a command succeeded is what its exit code says.
    assert_eq!(run(&repo, &["smoke"], "cat leaky.txt >&2").code, 0);
    assert_eq!(rule(&repo, "alpha", "smoke")["state"], "satisfied");
    types(&repo, "", "verify", 0);
}

#[test]
fn no_reader_speaks_of_a_report_that_is_not_kept() {
    let repo = opened();
    repo.write(
        "with.xml",
        REPORT.replace("/></", &format!("><system-out>DB_PASSWORD={VALUE}\n</system-out></testcase></")),
    );
    repo.write("good.xml", REPORT);
    assert_eq!(run(&repo, &["report", "--out", "a.xml"], "cp good.xml a.xml").code, 0);
    assert_eq!(rule(&repo, "alpha", "report")["state"], "satisfied");
    for words in [
        &["report", "--out", "b.xml"][..],
        // A good report beside it says nothing about the one that is missing.
        &["report", "--out", "c.xml", "--out", "b.xml"],
    ] {
        assert_eq!(run(&repo, words, "cp with.xml b.xml; cp good.xml c.xml; touch c.xml; exit 0").code, 0, "{words:?}");
        let told = newest(&repo);
        assert_eq!((&told["format"], &told["facts"]["failed"]), (&"command".into(), &Value::Null), "{told}");
        assert_eq!(rule(&repo, "alpha", "report")["state"], "failed");
        std::fs::remove_file(repo.path.join("b.xml")).unwrap();
        std::fs::remove_file(repo.path.join("c.xml")).unwrap();
    }
    // Printed instead of written it is no other.
    assert_eq!(run(&repo, &["report"], "cat with.xml").code, 0);
    assert_eq!(rule(&repo, "alpha", "report")["state"], "failed");
    assert_eq!(run(&repo, &["report"], "cat good.xml").code, 0);
    assert_eq!(rule(&repo, "alpha", "report")["state"], "satisfied");
    assert!(!everything(&repo).contains(VALUE));
    types(&repo, "", "verify", 0);
}

#[test]
fn what_cannot_be_masked_leaves_a_mark_and_not_even_its_digest() {
    let repo = opened();
    let begun = format!("-----BEGIN {} KEY-----\n{}\n", "PRIVATE", "q7Zr2Lx9Vb4Tn8Wd".repeat(4));
    repo.write("key.txt", &begun);
    let ran = run(
        &repo,
        &["smoke", "--redact", "--out", "made.txt"],
        &format!("cp key.txt made.txt; cat key.txt; echo {VALUE}; exit 3"),
    );
    assert_eq!(ran.code, 3, "{}", ran.said());
    let told = newest(&repo);
    assert_eq!(told["facts"]["withheld"]["count"], 2);
    assert_eq!(told["facts"]["withheld"]["rules"], serde_json::json!(["private-key"]));
    for name in ["made.txt", "stdout.txt"] {
        let entry = repo.ledger("", &["log", "-n", "1", "--json"]).json()["entries"][0]["entry"].to_string();
        let kept = repo.ledger("", &["show", &entry, "--file", name]).exits(0);
        assert!(kept.starts_with("[WITHHELD: ") && kept.contains("has no end"), "{kept}");
    }
    assert!(!told.to_string().contains(&ledger::id::Digest::of(begun.as_bytes()).to_string()));
    types(&repo, "", "verify", 0);
}

#[cfg(unix)]
#[test]
fn whatever_a_command_leaves_the_run_is_on_record() {
    let repo = opened();
    for (script, why) in [
        ("head -c 20000000 /dev/zero > a.xml", "a.xml is larger than 16 MiB"),
        (": > a.xml", "is empty"),
        ("ln -s /etc/hostname a.xml", "it is a link"),
        ("mkdir a.xml", "cannot read"),
        ("mkfifo a.xml", "cannot read"),
        ("echo '<testsuite><testcase' > a.xml", "kept as it is, and without facts"),
    ] {
        let ran = run(&repo, &["report", "--out", "a.xml"], &format!("rm -rf a.xml; {script}; exit 4"));
        assert_eq!(ran.code, 4, "{script}: {}", ran.said());
        says_all(&ran.err, &[why]);
        drop(std::fs::remove_dir(repo.path.join("a.xml")));
        let told = newest(&repo);
        assert_eq!((&told["command"]["exitCode"], &told["format"]), (&4.into(), &"command".into()), "{script}");
        assert_eq!(told["files"][0]["name"], "a.xml", "{script}: {told}");
    }
    let size = |told: &Value| told["files"][0]["size"].as_u64();
    assert_eq!(run(&repo, &["report", "--out", "b.xml"], "head -c 20000000 /dev/zero > b.xml").code, 0);
    assert_eq!(size(&newest(&repo)), Some(20_000_000));
    // A store that is not there is found out too late to run the command again.
    let lost = ["report", "--out", "b.xml", "--store", "../gone"];
    let ran = run(&repo, &lost, "head -c 20000001 /dev/zero > b.xml; exit 6");
    assert_eq!((ran.code, size(&newest(&repo))), (6, Some(20_000_001)), "{}", ran.said());
    says_all(&ran.err, &["was not put into"]);
    assert_eq!(rule(&repo, "alpha", "report")["state"], "failed");
    types(&repo, "", "verify", 0);
}

#[test]
fn links_of_a_document_a_command_made_are_looked_for_too() {
    let repo = opened();
    repo.write("docs/qa.md", "# QA\n");
    repo.git(&["add", "docs"]);
    repo.git(&["commit", "-q", "-m", "docs"]);
    types(&repo, "min", "open alpha --release 1.0 --retry", 0);
    for (link, missing) in [("qa.md#qa", 0), ("gone.md", 1)] {
        let script = format!("echo '# Guide [a]({link})' > docs/guide.md");
        assert_eq!(run(&repo, &["guide", "--out", "docs/guide.md"], &script).code, 0);
        assert_eq!(newest(&repo)["facts"]["links_missing"], missing);
        let state = rule(&repo, "alpha", "guide")["state"].clone();
        assert_eq!(state == "satisfied", missing == 0, "{state}");
    }
    types(&repo, "", "verify", 0);
}

#[test]
fn a_variable_that_is_not_set_is_told() {
    let repo = opened();
    let ran = run(&repo, &["smoke", "--env", "HOME", "--env", "NOT_SET"], "true");
    assert_eq!((ran.code, ran.err.contains("HOME is not set")), (0, false), "{ran:?}");
    says_all(&ran.err, &["note: NOT_SET is not set"]);
}

#[cfg(unix)]
mod interrupts {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Stdio};

    use super::*;

    /// A command that has begun, in a group of its own as a terminal makes one.
    fn begun(repo: &TestRepo, script: &str) -> (Child, BufReader<std::process::ChildStdout>) {
        let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
        command.env("LEDGER_KEY", repo.key("min")).args(["run", "smoke", "--", "sh", "-c", script]);
        let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "begun\n");
        (child, out)
    }

    fn interrupt(whom: &str) {
        let sent = std::process::Command::new("kill").args(["-INT", "--", whom]).status().unwrap();
        assert!(sent.success());
    }

    #[test]
    fn an_interrupted_command_is_on_record_with_how_it_ended() {
        let repo = opened();
        for (script, code, signal) in [
            ("echo begun; exec sleep 60", 130, Some(2)),
            ("trap 'exit 5' INT; echo begun; while :; do sleep 0.1; done", 5, None),
        ] {
            let (mut child, _out) = begun(&repo, script);
            interrupt(&format!("-{}", child.id()));
            assert_eq!(child.wait().unwrap().code(), Some(code), "{script}");
            let command = newest(&repo)["command"].clone();
            assert_eq!((&command["exitCode"], command["signal"].as_i64()), (&code.into(), signal), "{script}");
        }
        assert_eq!(rule(&repo, "alpha", "smoke")["state"], "failed");
        types(&repo, "", "verify", 0);
    }

    #[test]
    fn a_second_interrupt_kills_a_command_that_does_not_listen() {
        let repo = opened();
        let (mut child, _out) = begun(&repo, "trap '' INT; echo begun; while :; do sleep 0.2; done");
        let group = format!("-{}", child.id());
        interrupt(&group);
        std::thread::sleep(std::time::Duration::from_millis(600));
        assert!(child.try_wait().unwrap().is_none(), "the first is the command's own affair");
        interrupt(&group);
        assert_eq!(child.wait().unwrap().code(), Some(137));
        assert_eq!(newest(&repo)["command"]["signal"], 9);
    }
}
