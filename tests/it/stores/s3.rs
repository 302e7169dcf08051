//! A store that speaks S3 and checks signatures, on this machine: LEDGER_S3_SERVER names the program
//! `s3s-fs`. It is not ours, so what we send is what S3 means and not what we take it for.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{STRICT, TRUSTING, bytes, last, newest, opened, report};
use crate::steps::{rule, says_all};
use crate::support::{Ran, TestRepo, files};

/// No secrets of anybody: the server of one test knows them.
const KEY: &str = "test-access-key";
const SECRET: &str = concat!("test", "-secret-", "key");

struct Server {
    child: Child,
    root: PathBuf,
    endpoint: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The server over a folder beside the repository, with a bucket; nothing where there is none to run.
fn serve(repo: &TestRepo) -> Option<Server> {
    let program = std::env::var("LEDGER_S3_SERVER").ok().filter(|path| !path.is_empty());
    let Some(program) = program.filter(|_| cfg!(feature = "cloud")) else {
        eprintln!("skipped: LEDGER_S3_SERVER names no s3s-fs");
        return None;
    };
    let root = repo.home().join("s3");
    std::fs::create_dir_all(root.join("bucket")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = repo.command(&program, repo.home());
    command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--access-key", KEY, "--secret-key", SECRET]);
    let child = command.arg(&root).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Server { child, root, endpoint: format!("http://127.0.0.1:{port}") };
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(server)
}

impl Server {
    fn env(&self) -> Vec<(&str, &str)> {
        vec![
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_ALLOW_HTTP", "true"),
        ]
    }

    /// A command line with these credentials.
    fn types(&self, repo: &TestRepo, who: &str, line: &str) -> Ran {
        let args: Vec<&str> = line.split_whitespace().collect();
        let ran = repo.ledger_in(&repo.path, who, &args, &self.env());
        assert!(!ran.said().contains(SECRET), "{}", ran.said());
        ran
    }

    /// The files the server keeps that are objects.
    fn objects(&self) -> Vec<PathBuf> {
        let all = files(&self.root.join("bucket"));
        all.into_iter().filter(|path| path.to_str().unwrap().contains("/sha256/")).collect()
    }
}

#[test]
fn a_report_travels_to_s3_and_back() {
    let repo = opened(&TRUSTING);
    let Some(server) = serve(&repo) else { return };
    repo.write("report.xml", report(2000));
    let line = "record report report.xml --store s3://bucket/루팅";
    says_all(&server.types(&repo, "min", line).exits(0), &["recorded as entry 2"]);
    let told = newest(&repo);
    assert_eq!(told["facts"]["passed"], 2000);
    says_all(told["files"][0]["location"].as_str().unwrap(), &["s3://bucket/%EB%A3%A8%ED%8C%85/sha256/"]);
    let text = repo.git(&["log", "-p", "evidence"]);
    assert!(!text.contains(SECRET) && !text.contains(KEY), "credentials are stored");
    assert_eq!(rule(&repo, "alpha", "report")["state"], "satisfied");
    assert_eq!(server.objects().len(), 1);
    let again = server.types(&repo, "min", line);
    assert!(again.err.contains("1 there already"), "{again:?}");
    let checked = server.types(&repo, "", "evidence check --json");
    assert_eq!((checked.code, checked.json()["verdict"].clone()), (0, Value::from("same")));
    let _ = server.types(&repo, "", "evidence fetch 2 -o out").exits(0);
    assert_eq!(repo.read("out/report.xml"), report(2000));
}

#[test]
fn a_file_of_many_parts_arrives_whole() {
    let repo = opened(&STRICT);
    let Some(server) = serve(&repo) else { return };
    // Larger than a reader takes, so that it is never held.
    let content = bytes((64 << 20) + 1, 5);
    repo.write("shot.bin", &content);
    let _ = server.types(&repo, "min", "record shots shot.bin --store s3://bucket").exits(0);
    assert_eq!(newest(&repo)["facts"]["bytes"], content.len());
    assert!(std::fs::read(&server.objects()[0]).unwrap() == content);
    let _ = server.types(&repo, "", "evidence check").exits(0);
    let _ = server.types(&repo, "", &format!("evidence fetch {} -o out", last(&repo))).exits(0);
    assert!(std::fs::read(repo.path.join("out/shot.bin")).unwrap() == content);
}

#[test]
fn an_object_of_s3_that_was_tampered_with_or_taken_away_is_found() {
    let repo = opened(&STRICT);
    let Some(server) = serve(&repo) else { return };
    let content = bytes(100_000, 1);
    repo.write("shot.bin", &content);
    let _ = server.types(&repo, "min", "record shots shot.bin --store s3://bucket").exits(0);
    let object = server.objects().remove(0);
    let mut changed = content.clone();
    changed[5] ^= 1;
    for (bytes, why) in [(&changed[..], "it is sha256:"), (&content[..99], "there are 99 bytes, not 100000")] {
        std::fs::write(&object, bytes).unwrap();
        says_all(&server.types(&repo, "", "evidence check").exits(1), &["another file is there", why]);
        let _ = server.types(&repo, "", "evidence fetch 2 -o out").exits(1);
        assert!(files(&repo.path.join("out")).is_empty());
    }
    std::fs::remove_file(&object).unwrap();
    says_all(&server.types(&repo, "", "evidence check").exits(1), &["it is not there"]);
    let _ = server.types(&repo, "min", "record shots shot.bin --store s3://bucket").exits(0);
    let _ = server.types(&repo, "", "evidence check").exits(0);
}

#[test]
fn a_refusal_is_told_with_its_code_and_without_what_was_signed() {
    let repo = opened(&STRICT);
    let Some(mut server) = serve(&repo) else { return };
    repo.write("shot.bin", bytes(100_000, 1));
    let before = repo.fingerprint();
    let line = ["record", "shots", "shot.bin", "--store", "s3://bucket", "--timeout", "5"];
    let mut wrong = server.env();
    wrong[1].1 = "another-key-altogether";
    let ran = repo.ledger_in(&repo.path, "min", &line, &wrong);
    assert_eq!(ran.code, 3, "{}", ran.said());
    says_all(&ran.err, &["it answers 403 Forbidden", "nothing was recorded"]);
    assert!(!ran.said().contains("another-key-altogether") && !ran.said().contains("AWS4-HMAC"), "{}", ran.said());
    assert_eq!(repo.fingerprint(), before);
    assert!(server.objects().is_empty());
    // A store that is gone is not one that has lost a file.
    let _ = server.types(&repo, "min", "record shots shot.bin --store s3://bucket").exits(0);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let gone = server.types(&repo, "", "evidence check --timeout 5");
    assert_eq!(gone.code, 3, "{}", gone.said());
}
