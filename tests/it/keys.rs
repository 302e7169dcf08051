//! Keys: every place a signing key can lie, and every key that is refused by name.

use std::path::Path;
use std::process::{Child, Stdio};

use crate::steps::{QA, says_all, types};
use crate::support::{POLICY, Ran, TestRepo, finish};

/// An agent of this test's own, ended with it.
struct Agent {
    process: Child,
    socket: String,
}

impl Agent {
    fn start(repo: &TestRepo) -> Self {
        let socket = repo.home().join("agent.sock").display().to_string();
        let mut command = repo.command("ssh-agent", repo.home());
        let process = command.args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !Path::new(&socket).exists() && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Self { process, socket }
    }

    fn holds(&self, repo: &TestRepo, who: &str) {
        let path = repo.key(who);
        let _ = finish(repo.command("chmod", repo.home()).arg("600").arg(&path)).exits(0);
        let mut add = repo.command("ssh-add", repo.home());
        let _ = finish(add.env("SSH_AUTH_SOCK", &self.socket).arg("-q").arg(&path)).exits(0);
    }

    fn types(&self, repo: &TestRepo, line: &[&str]) -> Ran {
        repo.ledger_in(&repo.path, "", line, &[("SSH_AUTH_SOCK", &self.socket)])
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn opened() -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", QA);
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo
}

const RECORD: &[&str] = &["record", "qa-checklist"];

#[test]
fn the_agent_signs_without_any_key_file() {
    let repo = opened();
    let agent = Agent::start(&repo);
    agent.holds(&repo, "mallory");
    agent.holds(&repo, "kim");
    let _ = agent.types(&repo, RECORD).exits(0);
    types(&repo, "", "verify", 0);
    assert!(types(&repo, "", "log -n 1", 0).contains("KIM"), "the key of the roster's person was taken");
}

#[test]
fn user_signing_key_is_read_in_every_form_git_takes() {
    let repo = opened();
    let agent = Agent::start(&repo);
    agent.holds(&repo, "kim");
    let private = repo.key("min").display().to_string();
    let public = repo.key("kim").with_extension("pub").display().to_string();
    std::fs::create_dir_all(repo.home().join(".ssh")).unwrap();
    std::fs::copy(repo.key("lee"), repo.home().join(".ssh/chosen")).unwrap();
    for (value, who, with_agent) in [
        (private.clone(), "MIN", false),
        (format!("{private}.pub"), "MIN", false),
        ("~/.ssh/chosen".to_owned(), "LEE", false),
        (public, "KIM", true),
        (format!("key::{}", repo.public_key("kim")), "KIM", true),
        (repo.public_key("kim"), "KIM", true),
    ] {
        repo.git(&["config", "user.signingKey", &value]);
        repo.write("docs/qa.md", format!("{QA}- [x] {who} {value}\n"));
        let ran = if with_agent { agent.types(&repo, RECORD) } else { repo.ledger("", RECORD) };
        let _ = ran.exits(0);
        assert!(types(&repo, "", "log -n 1", 0).contains(who), "{value}");
    }
}

#[test]
fn a_locked_key_opens_with_its_passphrase_and_with_nothing_else() {
    let repo = opened();
    let key = repo.key("kim").display().to_string();
    let mut lock = repo.command("ssh-keygen", repo.home());
    let _ = finish(repo.command("chmod", repo.home()).args(["600", &key])).exits(0);
    let _ = finish(lock.args(["-q", "-p", "-P", "", "-N", "한 글자", "-f", &key])).exits(0);
    let before = repo.fingerprint();
    let nobody = repo.ledger("kim", RECORD);
    says_all(&nobody.said(), &["is locked", "ssh-add", "LEDGER_KEY_PASSPHRASE"]);
    let _ = nobody.exits(3);
    let wrong = repo.ledger_in(&repo.path, "kim", RECORD, &[("LEDGER_KEY_PASSPHRASE", "other")]);
    says_all(&wrong.said(), &["the passphrase does not open"]);
    let _ = wrong.exits(3);
    assert_eq!(repo.fingerprint(), before);
    let _ = repo.ledger_in(&repo.path, "kim", RECORD, &[("LEDGER_KEY_PASSPHRASE", "한 글자")]).exits(0);
    // Reading never asks for a key, locked or not.
    types(&repo, "kim", "verify", 0);
}

#[test]
fn other_keys_are_refused_by_name() {
    let repo = opened();
    for (kind, arguments) in [("ssh-rsa", ["-t", "rsa"]), ("ecdsa-sha2-nistp256", ["-t", "ecdsa"])] {
        let path = repo.home().join(kind);
        let mut make = repo.command("ssh-keygen", repo.home());
        let _ = finish(make.args(arguments).args(["-q", "-N", "", "-f"]).arg(&path)).exits(0);
        for file in [path.clone(), path.with_extension("pub")] {
            let ran = repo.ledger("", &["--key", file.to_str().unwrap(), "record", "qa-checklist"]);
            says_all(&ran.said(), &[kind, "ssh-ed25519 keys only", "ssh-keygen -t ed25519"]);
            let _ = ran.exits(3);
        }
    }
    let missing = repo.ledger("", &["--key", "nowhere", "record", "qa-checklist"]);
    says_all(&missing.said(), &["cannot read the key file"]);
    let _ = missing.exits(3);
}

#[test]
fn keys_of_several_people_need_a_name() {
    let repo = opened();
    let agent = Agent::start(&repo);
    agent.holds(&repo, "kim");
    agent.holds(&repo, "min");
    let ran = agent.types(&repo, RECORD);
    says_all(&ran.said(), &["your keys belong to several people: KIM, MIN", "--as PERSON"]);
    let _ = ran.exits(2);
    let _ = agent.types(&repo, &["--as", "min@acme.example", "record", "qa-checklist"]).exits(0);
    assert!(types(&repo, "", "log -n 1", 0).contains("MIN"));
    let nobody = agent.types(&repo, &["--as", "park", "record", "qa-checklist"]);
    says_all(&nobody.said(), &["nobody in the roster is called \"park\"", "KIM, MIN, LEE"]);
    let _ = nobody.exits(2);
}
