//! Steps the stories share: command lines as a person types them, and how far a release has come.

use serde_json::Value;

use crate::support::{POLICY, Policy, TestRepo};

/// A checklist with everything done.
pub const QA: &str = "# QA\n\n- [x] installs\n";

/// Somebody types one command line; insists on the exit code and returns everything that was said.
#[track_caller]
pub fn types(repo: &TestRepo, who: &str, line: &str, code: i32) -> String {
    let ran = repo.ledger(who, &line.split_whitespace().collect::<Vec<_>>());
    let said = ran.said();
    let _ = ran.exits(code);
    said
}

/// The same, and insists that it left the repository as it was.
#[track_caller]
pub fn types_in_vain(repo: &TestRepo, who: &str, line: &str, code: i32) -> String {
    let before = repo.fingerprint();
    let said = types(repo, who, line, code);
    assert_eq!(repo.fingerprint(), before, "`{line}` wrote something");
    said
}

#[track_caller]
pub fn says_all(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
}

/// One rule of a gate as `status --json` tells it; null where the gate has no such rule.
pub fn rule(repo: &TestRepo, gate: &str, id: &str) -> Value {
    let decision = repo.ledger("", &["status", gate, "--json"]).json();
    decision["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id).cloned().unwrap_or_default()
}

/// Alpha of 1.0 is opened and has everything but signatures.
pub fn supplied(policy: &Policy, opener: &str) -> TestRepo {
    let repo = TestRepo::with_ledger(policy);
    supply(&repo, opener, "1.0");
    repo
}

/// A release is opened at alpha and gets everything but signatures.
pub fn supply(repo: &TestRepo, opener: &str, release: &str) {
    repo.write("docs/qa.md", QA);
    repo.write(&format!("build/app_{release}.bin"), "binary");
    types(repo, opener, &format!("open alpha --release {release}"), 0);
    types(repo, "min", "record artifacts", 0);
    types(repo, "kim", "record qa-checklist", 0);
}

/// The same, and Kim approves.
pub fn approved() -> TestRepo {
    let repo = supplied(&POLICY, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    repo
}

/// Alpha of 1.0 is promoted; GA is opened and has everything but signatures.
pub fn ga_supplied(repo: &TestRepo) {
    types(repo, "kim", "sign alpha --yes", 0);
    types(repo, "min", "promote alpha", 0);
    types(repo, "min", "open ga", 0);
    repo.write("docs/announcement.md", "1.0 is here\n");
    types(repo, "min", "record announcement docs/announcement.md", 0);
}
