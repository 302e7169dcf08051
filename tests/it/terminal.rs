//! What people type on a terminal: the way back, a signature, a passphrase.
#![cfg(unix)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::steps::{says_all, supplied, types};
use crate::support::terminal::Terminal;
use crate::support::{POLICY, Policy, TestRepo, finish};

const PIPELINE: &str = r#"
[[pipeline.p.gate]]
id = "ga"

[[pipeline.p.gate.rule]]
id = "smoke"
format = ["command", "file"]

[pipeline.p.gate.approval]
role = "qa-lead"

[[pipeline.p.trigger]]
id = "error-rate-high"
class = "immediate"
metric = "error-rate"
band = "> 10 %"
option = "kill-switch"

[[pipeline.p.rollback]]
id = "kill-switch"
text = "Option A"
expected = "1m"
steps = ["set automation_enabled=false", { text = "alembic downgrade -1", optional = true }, "restart the worker"]
validation = ["smoke"]
"#;

#[test]
fn a_way_back_is_walked_by_keys_outlives_a_crash_and_needs_no_network() {
    let (repo, remote) = promoted_beside_a_remote();
    types(&repo, "", "check ga", 0);
    let _ = repo.ledger("min", &["trigger", "fire", "error-rate", "--value", "14 %"]).exits(0);

    let mut walk = Terminal::begin(&repo, "min", &["rollback", "start", "kill-switch"]);
    walk.sees("ga of 1.0 is closed").sees("1/3 set automation_enabled=false").sees("enter done").types("");
    walk.sees("2/3 alembic downgrade -1 (if needed)").sees("q later");
    walk.crashes();
    let kept = journal(&repo);
    assert_eq!(results(&kept), ["done", "null", "null"]);
    says_all(&types(&repo, "", "check ga", 1), &["14 %", "entry 5"]);
    assert_eq!(board(&repo), ("closed".to_owned(), 4.into()), "promoted, and closed");

    // Whoever goes on later must not be told that the first step took until now.
    wait_for_another_second_than(&kept["steps"][0]["finishedAt"]);
    let mut walk = Terminal::begin(&repo, "min", &["rollback"]);
    walk.sees("2/3 alembic").types("what?").sees("2/3 alembic").types("s").sees("why?").types("no schema change");
    walk.sees("3/3 restart the worker").types("").sees("every step of kill-switch is told");
    says_all(&walk.ends(0), &["ledger run smoke", "ledger rollback finish"]);
    let told = journal(&repo);
    assert_eq!(results(&told), ["done", "skipped", "done"]);
    for time in ["startedAt", "finishedAt"] {
        assert_eq!(told["steps"][0][time], kept["steps"][0][time], "{time} of the first step is kept");
    }
    assert_ne!(told["steps"][1]["finishedAt"], kept["steps"][0]["finishedAt"]);

    says_all(&Terminal::begin(&repo, "min", &["rollback", "finish"]).ends(1), &["smoke is from before the rollback"]);
    says_all(
        &Terminal::begin(&repo, "min", &["run", "smoke", "--gate", "ga", "--", "echo", "all well"]).ends(0),
        &["all well"],
    );
    assert_eq!(board(&repo), ("closed".to_owned(), 4.into()), "still on its way");
    says_all(&Terminal::begin(&repo, "min", &["rollback", "finish"]).ends(0), &["rolled back in 0", "expected 1 min"]);
    assert_eq!(board(&repo), ("closed".to_owned(), Value::Null), "the attempt is over");
    says_all(&types(&repo, "", "check ga", 1), &["entry 7 rolled it back"]);
    entry_tells(&repo, &told);
    types(&repo, "min", "rollback", 1);
    types(&repo, "", "verify", 0);
    assert_that_only_a_push_calls(&repo, &remote);
}

#[test]
fn a_signature_shows_what_is_signed_and_has_the_name_of_the_gate_typed() {
    let repo = supplied(&POLICY, "min");
    let before = repo.fingerprint();
    let mut signing = Terminal::begin(&repo, "kim", &["sign", "alpha"]);
    signing.sees("Alpha").sees("docs/qa.md (").sees("open = 0").sees("build/app_1.0.bin (");
    signing.sees("you approve, as KIM (qa-lead): alpha of 1.0, 2 entries, ledger of 4 entries, root ");
    signing.sees("type alpha to sign: ").types("ga");
    says_all(&signing.ends(1), &["not signed: alpha was not typed"]);
    let mut signing = Terminal::begin(&repo, "kim", &["sign", "alpha"]);
    signing.sees("type alpha to sign: ").types("");
    says_all(&signing.ends(1), &["not signed"]);
    assert_eq!(repo.fingerprint(), before, "nothing was written");

    let mut signing = Terminal::begin(&repo, "kim", &["sign", "alpha"]);
    signing.sees("type alpha to sign: ").types("alpha");
    says_all(&signing.ends(0), &["alpha APPROVED by KIM", "entry 4"]);
    let approval = predicate(&repo, "4");
    assert_eq!((&approval["decision"], &approval["actor"]["mode"]), (&"APPROVED".into(), &"interactive".into()));
    assert_eq!(approval["saw"]["size"], 4);
    types(&repo, "", "verify", 0);
}

#[test]
fn the_passphrase_of_a_locked_key_is_typed_unseen() {
    let repo = supplied(&POLICY, "min");
    let key = repo.key("kim").display().to_string();
    let mut lock = repo.command("ssh-keygen", repo.home());
    let _ = finish(repo.command("chmod", repo.home()).args(["600", &key])).exits(0);
    let _ = finish(lock.args(["-q", "-p", "-P", "", "-N", "한 글자", "-f", &key])).exits(0);
    let before = repo.fingerprint();
    let mut signing = Terminal::begin(&repo, "kim", &["sign", "alpha", "--yes"]);
    signing.sees(&format!("passphrase of {key}: ")).hides().types("other");
    says_all(&signing.ends(3), &["the passphrase does not open"]);
    assert_eq!(repo.fingerprint(), before);

    let mut signing = Terminal::begin(&repo, "kim", &["sign", "alpha"]);
    signing.sees("type alpha to sign: ").types("alpha");
    signing.sees(&format!("passphrase of {key}: ")).hides().types("한 글자");
    let said = signing.ends(0);
    says_all(&said, &["alpha APPROVED by KIM"]);
    assert!(!said.contains("한 글자") && said.contains("to sign: alpha"), "one of both is shown: {said}");
}

/// Release 1.0 is promoted, and the clone has a remote that listens and never answers.
fn promoted_beside_a_remote() -> (TestRepo, TcpListener) {
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: PIPELINE });
    types(&repo, "min", "open ga --release 1.0", 0);
    repo.write("note.txt", "fine\n");
    types(&repo, "min", "record smoke note.txt", 0);
    types(&repo, "kim", "sign ga --yes", 0);
    types(&repo, "kim", "promote ga", 0);
    let remote = TcpListener::bind("127.0.0.1:0").unwrap();
    remote.set_nonblocking(true).unwrap();
    let address = format!("git://{}/widget.git", remote.local_addr().unwrap());
    repo.git(&["remote", "add", "origin", &address]);
    repo.git(&["update-ref", "refs/remotes/origin/evidence", "evidence"]);
    (repo, remote)
}

/// Nobody has called the remote until now; whoever pushes does.
fn assert_that_only_a_push_calls(repo: &TestRepo, remote: &TcpListener) {
    let called = || remote.accept().is_ok();
    assert!(!called(), "the way back reached for the network");
    let mut push = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
    let mut push = push.arg("push").env("LEDGER_KEY", repo.key("min")).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut reached = false;
    while !reached && Instant::now() < deadline && push.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(10));
        reached = called();
    }
    drop(push.kill());
    drop(push.wait());
    assert!(reached, "this remote would not have noticed");
}

/// How far the way back has come.
fn journal(repo: &TestRepo) -> Value {
    repo.ledger("", &["rollback", "status", "--json"]).json()
}

fn results(journal: &Value) -> Vec<String> {
    let word = |step: &Value| step["result"].as_str().unwrap_or("null").to_owned();
    journal["steps"].as_array().unwrap().iter().map(word).collect()
}

/// Verdict of the gate, and the entry that promoted it.
fn board(repo: &TestRepo) -> (String, Value) {
    let decision = repo.ledger("", &["status", "ga", "--json"]).json();
    (decision["verdict"].as_str().unwrap().to_owned(), decision["promoted"].clone())
}

/// The newest entry records the steps in their order, each with the times of the walk.
fn entry_tells(repo: &TestRepo, journal: &Value) {
    let rollback = predicate(repo, "7");
    assert_eq!((&rollback["option"], &rollback["trigger"]), (&journal["option"], &journal["trigger"]));
    let (recorded, walked) = (rollback["steps"].as_array().unwrap(), journal["steps"].as_array().unwrap());
    assert_eq!(recorded.len(), walked.len());
    for (recorded, walked) in recorded.iter().zip(walked) {
        for field in ["text", "result", "startedAt", "finishedAt", "note"] {
            assert_eq!(recorded[field], walked[field], "{field}: {recorded:#}");
        }
    }
    assert_eq!(recorded[1]["note"], "no schema change");
    assert_eq!(rollback["validation"], serde_json::json!([show(repo, "6")["id"]]));
}

fn predicate(repo: &TestRepo, entry: &str) -> Value {
    show(repo, entry)["statement"]["predicate"].clone()
}

fn show(repo: &TestRepo, entry: &str) -> Value {
    repo.ledger("", &["show", entry, "--json"]).json()
}

/// Times are told to the second.
fn wait_for_another_second_than(instant: &Value) {
    let told = chrono::DateTime::parse_from_rfc3339(instant.as_str().unwrap()).unwrap().timestamp();
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    while now() <= u64::try_from(told).unwrap() {
        std::thread::sleep(Duration::from_millis(20));
    }
}
