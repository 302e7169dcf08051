//! A directory as a store, and what may have happened in it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use ledger::evidence::location::key;
use ledger::id::Digest;
use serde_json::Value;

use super::{STRICT, TRUSTING, bytes, last, newest, opened, report};
use crate::steps::{rule, says_all, types, types_in_vain};
use crate::support::forge::Forge;
use crate::support::{TestRepo, files};

/// A repository with a store beside it, and a file of 100 KB in it, recorded.
fn stored() -> (TestRepo, PathBuf) {
    let repo = opened(&STRICT);
    repo.write("shot.bin", bytes(100_000, 1));
    std::fs::create_dir(repo.home().join("store")).unwrap();
    let told = types(&repo, "min", "record shots shot.bin --store ../store", 0);
    says_all(&told, &["1 file in file://"]);
    let object = repo.home().join("store").join(key(Digest::of(&bytes(100_000, 1))));
    (repo, object)
}

fn check(repo: &TestRepo, args: &[&str], code: i32) -> Value {
    let ran = repo.ledger("", &[&["evidence", "check", "--json"], args].concat());
    assert_eq!(ran.code, code, "{}", ran.said());
    ran.json()
}

fn replace(object: &Path, bytes: &[u8]) {
    std::fs::remove_file(object).unwrap();
    std::fs::write(object, bytes).unwrap();
}

#[test]
fn a_large_file_goes_to_the_store_once_and_a_small_one_stays() {
    let (repo, object) = stored();
    assert_eq!(std::fs::read(&object).unwrap(), bytes(100_000, 1));
    let file = newest(&repo)["files"][0].clone();
    assert_eq!(file["stored"], "external");
    assert_eq!(file["location"], format!("file://{}", object.display()));
    let before = std::fs::metadata(&object).unwrap().modified().unwrap();
    repo.write("copy.bin", bytes(100_000, 1));
    let told = types(&repo, "min", "record shots copy.bin --store ../store", 0);
    says_all(&told, &["1 there already"]);
    assert_eq!(std::fs::metadata(&object).unwrap().modified().unwrap(), before);
    repo.write("small.bin", bytes(60_000, 2));
    types(&repo, "min", "record shots small.bin --store ../store", 0);
    assert_eq!(newest(&repo)["files"][0]["stored"], "inline");
    types(&repo, "min", "record shots small.bin --store ../store --external", 0);
    assert_eq!(newest(&repo)["files"][0]["stored"], "external");
    assert_eq!(files(&repo.home().join("store")).len(), 2);
    assert_eq!(check(&repo, &[], 0)["verdict"], "same");
    types(&repo, "", "verify", 0);
    assert_eq!(check(&repo, &["--release", "1.0"], 0)["files"].as_array().unwrap().len(), 3);
    types(&repo, "", "evidence check --release 9.9", 2);
}

#[test]
fn without_a_store_a_large_file_is_refused_and_a_dry_run_uploads_nothing() {
    let repo = opened(&STRICT);
    repo.write("shot.bin", bytes(100_000, 1));
    let told = types_in_vain(&repo, "min", "record shots shot.bin", 2);
    says_all(&told, &["larger than 64 KiB", "--store URL_OR_DIR", "--external"]);
    says_all(&types_in_vain(&repo, "min", "record shots shot.bin --store ../store", 3), &["there is no directory"]);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    says_all(&types_in_vain(&repo, "min", "record shots shot.bin --store ../store --dry-run", 0), &["would go to"]);
    assert!(files(&repo.home().join("store")).is_empty());
    let by_variable = [("LEDGER_STORE", "../store")];
    let _ = repo.ledger_in(&repo.path, "min", &["record", "shots", "shot.bin"], &by_variable).exits(0);
    assert_eq!(newest(&repo)["files"][0]["stored"], "external");
    for (store, why) in [
        ("s3://kim:pass@bucket", "credentials come from the environment"),
        ("https://host/x?sig=abc", "where tokens stand"),
        ("ftp://host/x", "no address a program can ask"),
    ] {
        let told = types_in_vain(&repo, "min", &format!("record shots shot.bin --store {store}"), 2);
        says_all(&told, &[why]);
        assert!(!told.contains(store), "{told}");
    }
    types_in_vain(&repo, "min", "record shots shot.bin --external --location x --store ../store", 2);
}

#[test]
fn an_object_that_is_another_one_is_found_and_told() {
    let whole = bytes(100_000, 1);
    let mut changed = whole.clone();
    changed[77_777] ^= 1;
    for (tampered, why) in [
        (&changed[..], "it is sha256:"),
        (&whole[..99_999], "there are 99999 bytes, not 100000"),
        (&[&whole[..], b"x"].concat()[..], "there are more than 100000 bytes"),
        (b"", "there are 0 bytes"),
    ] {
        let (repo, object) = stored();
        replace(&object, tampered);
        let checked = check(&repo, &[], 1);
        assert_eq!((&checked["verdict"], &checked["files"][0]["state"]), (&"different".into(), &"different".into()));
        says_all(checked["files"][0]["why"].as_str().unwrap(), &[why]);
        says_all(&types(&repo, "", &format!("evidence fetch {} -o out", last(&repo)), 1), &[why]);
        assert!(files(&repo.path.join("out")).is_empty(), "nothing is kept of it");
        repo.write("copy.bin", &whole);
        let told = types_in_vain(&repo, "min", "record shots copy.bin --store ../store", 3);
        says_all(&told, &[why, "nothing was recorded"]);
        // The ledger itself is as good as before.
        types(&repo, "", "verify", 0);
    }
}

#[test]
fn a_missing_object_is_told_from_a_missing_store() {
    let (repo, object) = stored();
    std::fs::remove_dir_all(object.parent().unwrap()).unwrap();
    assert_eq!(check(&repo, &[], 1)["files"][0]["state"], "missing");
    std::fs::remove_dir_all(repo.home().join("store")).unwrap();
    assert_eq!(check(&repo, &[], 3)["verdict"], "unknown");
    says_all(&types(&repo, "", &format!("evidence fetch {} -o out", last(&repo)), 3), &["there is no directory"]);
}

#[cfg(unix)]
#[test]
fn a_link_or_a_pipe_in_an_objects_place_is_no_object() {
    let (repo, object) = stored();
    std::fs::rename(&object, repo.home().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(repo.home().join("elsewhere"), &object).unwrap();
    let says = |repo: &TestRepo| says_all(&types(repo, "", "evidence check", 1), &["it is no regular file"]);
    says(&repo);
    std::fs::remove_file(&object).unwrap();
    let made = crate::support::finish(repo.command("mkfifo", &repo.path).arg(&object));
    assert_eq!(made.code, 0, "{made:?}");
    says(&repo);
    repo.write("copy.bin", bytes(100_000, 1));
    types_in_vain(&repo, "min", "record shots copy.bin --store ../store", 3);
}

#[test]
fn fetching_gives_the_recorded_bytes_under_their_name_and_overwrites_nothing() {
    let (repo, _) = stored();
    let entry = last(&repo);
    types(&repo, "", &format!("evidence fetch {entry} -o out --dry-run"), 0);
    assert!(!repo.path.join("out").exists());
    types(&repo, "", &format!("evidence fetch {entry} shot.bin -o out"), 0);
    assert_eq!(std::fs::read(repo.path.join("out/shot.bin")).unwrap(), bytes(100_000, 1));
    assert_eq!(files(&repo.path.join("out")).len(), 1);
    types(&repo, "", &format!("evidence fetch {entry} -o out"), 0);
    repo.write("out/shot.bin", "mine");
    says_all(&types(&repo, "", &format!("evidence fetch {entry} -o out"), 2), &["is there already"]);
    assert_eq!(repo.read("out/shot.bin"), "mine");
    // Another store that has the same content, wherever the entry says it is.
    std::fs::rename(repo.home().join("store"), repo.home().join("moved")).unwrap();
    types(&repo, "", &format!("evidence fetch {entry} -o again"), 3);
    types(&repo, "", &format!("evidence fetch {entry} -o again --store ../moved"), 0);
    types(&repo, "", "evidence check --store ../moved", 0);
    says_all(&types(&repo, "", &format!("evidence fetch {entry} other.bin"), 2), &["shot.bin"]);
    says_all(&types(&repo, "", "evidence fetch 1", 2), &["brings no evidence"]);
    repo.write("small.txt", "x");
    types(&repo, "min", "record shots small.txt", 0);
    says_all(&types(&repo, "", &format!("evidence fetch {}", last(&repo)), 3), &["no external file"]);
    says_all(&types(&repo, "", &format!("evidence fetch {} small.txt", last(&repo)), 2), &["ledger show"]);
}

#[test]
fn what_no_program_can_ask_is_shown_as_it_is_and_never_a_pass() {
    let repo = opened(&STRICT);
    repo.write("shot.bin", bytes(100, 1));
    for location in [r"\\nas01\release\shot.bin", "in the safe", "../store/shot.bin", "file://nas01/x"] {
        let args = ["record", "shots", "shot.bin", "--external", "--location", location];
        let _ = repo.ledger("min", &args).exits(0);
        let entry = last(&repo);
        says_all(&types(&repo, "", &format!("evidence fetch {entry} -o out"), 3), &[location, "it cannot be fetched"]);
        types(&repo, "min", &format!("revoke {entry} -m again --yes"), 0);
        says_all(&types(&repo, "", "evidence check", 3), &["there is no external file"]);
    }
    let ran = repo.ledger("min", &["record", "shots", "shot.bin", "--external"]);
    says_all(&ran.err, &["note: of 1 file the digest alone is recorded", "--store URL_OR_DIR"]);
    let _ = ran.exits(0);
    let alone = check(&repo, &[], 3);
    assert_eq!((&alone["files"][0]["location"], &alone["files"][0]["state"]), (&Value::Null, &"digest-only".into()));
    says_all(
        &types(&repo, "", "evidence check", 3),
        &["1 file known by digest alone", "--external --store URL_OR_DIR"],
    );
    // A file known to be wrong says no, whatever else is not known.
    repo.write("big.bin", bytes(100_000, 1));
    std::fs::create_dir(repo.home().join("store")).unwrap();
    types(&repo, "min", "record shots big.bin --store ../store", 0);
    assert_eq!(check(&repo, &[], 3)["verdict"], "unknown");
    // Whoever has it puts it into a store, and every entry of the same bytes is answered for.
    let stored = ["record", "shots", "shot.bin", "--external", "--store", "../store"];
    let ran = repo.ledger("min", &stored);
    assert_eq!((ran.code, ran.err.contains("digest alone")), (0, false), "{ran:?}");
    let all = check(&repo, &[], 0);
    let first = &all["files"][0];
    assert_eq!((&first["location"], first["asked"].is_string()), (&Value::Null, true), "{all}");
    std::fs::remove_file(repo.home().join("store").join(key(Digest::of(&bytes(100_000, 1))))).unwrap();
    assert_eq!(check(&repo, &[], 1)["verdict"], "different");
}

#[test]
fn artifacts_known_by_digest_are_nobodys_promise() {
    let repo = opened(&STRICT);
    repo.write("app.bin", bytes(100_000, 3));
    types(&repo, "min", "record app", 0);
    assert_eq!(check(&repo, &[], 3)["byDigestOnly"], 1);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    types(&repo, "min", "record app --external --store ../store", 0);
    assert_eq!(check(&repo, &[], 0)["byDigestOnly"], 1);
}

#[test]
fn facts_of_a_report_elsewhere_are_taken_and_count_where_the_policy_says_so() {
    for (policy, state) in [(&STRICT, "failed"), (&TRUSTING, "satisfied")] {
        let repo = opened(policy);
        std::fs::create_dir(repo.home().join("store")).unwrap();
        repo.write("report.xml", report(2000));
        types(&repo, "min", "record report report.xml --store ../store", 0);
        assert_eq!(newest(&repo)["facts"]["passed"], 2000);
        let told = rule(&repo, "alpha", "report");
        assert_eq!(told["state"], state);
        says_all(
            &told["have"].as_str().unwrap().replace("so facts taken from it do not count", "ledger evidence check"),
            &["not in the ledger", "ledger evidence check"],
        );
        types(&repo, "", "verify", 0);
        assert_eq!(check(&repo, &[], 0)["verdict"], "same");
        repo.write("report.xml", report(3));
        types(&repo, "min", "record report report.xml --store ../store", 0);
        assert_eq!(rule(&repo, "alpha", "report")["state"], "satisfied", "in the ledger it always counts");
    }
}

#[test]
fn a_report_the_ledger_holds_counts_though_the_output_beside_it_is_elsewhere() {
    let repo = opened(&STRICT);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    repo.write("report.txt", report(3));
    let script = "cp report.txt report.xml; head -c 100000 /dev/zero | tr '\\0' x";
    let run = ["run", "report", "--out", "report.xml", "--store", "../store", "--", "sh", "-c", script];
    let _ = repo.ledger("min", &run).exits(0);
    let told = newest(&repo);
    assert_eq!((&told["files"][0]["stored"], &told["files"][1]["stored"]), (&"inline".into(), &"external".into()));
    assert_eq!(rule(&repo, "alpha", "report")["state"], "satisfied");
    assert_eq!(check(&repo, &[], 0)["verdict"], "same");
    types(&repo, "", "verify", 0);
}

#[test]
fn a_folder_is_taken_over_with_its_large_files_in_the_store() {
    let repo = opened(&STRICT);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    repo.write("old/보고서.xml", report(2000));
    repo.write("old/small.xml", report(2));
    let told = types(&repo, "min", "import old --slot report --store ../store", 0);
    says_all(&told, &["2 files taken"]);
    says_all(&types(&repo, "min", "import old --slot report --store ../store", 0), &["already"]);
    assert_eq!(check(&repo, &[], 0)["files"][0]["name"], "보고서.xml");
}

#[test]
fn secrets_stay_out_of_the_store_as_well() {
    let repo = opened(&STRICT);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    let secret = format!("\nDB_PASSWORD={}\n", concat!("Zx81k", "Qp47w", "Lm20t"));
    repo.write("log.txt", "x".repeat(100_000) + &secret);
    let told = types_in_vain(&repo, "min", "record shots log.txt --store ../store", 2);
    says_all(&told, &["log.txt:2: DB_PASSWORD=… (secret by its name)"]);
    assert!(files(&repo.home().join("store")).is_empty());
    let allowed = ["record", "shots", "log.txt", "--store", "../store", "--allow-secret", "rotated"];
    let _ = repo.ledger("min", &allowed).exits(0);
    assert_eq!(newest(&repo)["facts"]["bytes"], 100_000 + secret.len());
    types(&repo, "", "evidence check", 0);
}

/// The only object of the store.
fn only_object(repo: &TestRepo) -> (PathBuf, Vec<u8>) {
    let objects = files(&repo.home().join("store"));
    let [object] = &objects[..] else { panic!("{objects:?}") };
    (object.clone(), std::fs::read(object).unwrap())
}

#[test]
fn what_is_redacted_is_masked_before_it_gets_a_digest_and_a_place() {
    let value = concat!("Zx81k", "Qp47w", "Lm20t");
    let text = |value: &str| format!("{}\nDB_PASSWORD={value}\n", "x".repeat(100_000));
    let masked = text("[REDACTED:secret-by-its-name]").into_bytes();
    for args in [
        &["record", "shots", "log.txt", "--store", "../store", "--redact"][..],
        &["record", "shots", "log.txt", "--store", "../store", "--redact", "--external"],
        &["run", "smoke", "--store", "../store", "--redact", "--", "cat", "log.txt"],
        &["run", "shots", "--store", "../store", "--redact", "--out", "made.txt", "--", "cp", "log.txt", "made.txt"],
    ] {
        let repo = opened(&STRICT);
        std::fs::create_dir(repo.home().join("store")).unwrap();
        repo.write("log.txt", text(value));
        let _ = repo.ledger("min", args).exits(0);
        let (object, bytes) = only_object(&repo);
        assert!(bytes == masked, "{args:?}");
        assert_eq!(object, repo.home().join("store").join(key(Digest::of(&masked))));
        let told = newest(&repo);
        let file = &told["files"][0];
        assert_eq!((&file["stored"], &file["size"]), (&"external".into(), &masked.len().into()), "{args:?}");
        assert_eq!(file["sha256"], Digest::of(&masked).to_string());
        assert_eq!(file["location"], format!("file://{}", object.display()));
        assert_eq!(told["facts"]["secrets_redacted"]["count"], 1, "{args:?}");
        assert!(!repo.git(&["log", "-p", "--format=%B", "evidence"]).contains(value));
        assert_eq!(check(&repo, &[], 0)["verdict"], "same");
        types(&repo, "", "verify", 0);
    }
}

#[test]
fn a_file_that_its_marks_make_too_large_for_the_ledger_goes_to_the_store() {
    let repo = opened(&STRICT);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    let secret = format!("\nDB_PASSWORD={}", concat!("Zx81k", "Qp47w", "Lm20t"));
    repo.write("log.txt", "x".repeat((64 << 10) - secret.len()) + &secret);
    types(&repo, "min", "record shots log.txt --store ../store --redact", 0);
    let file = newest(&repo)["files"][0].clone();
    assert_eq!((&file["stored"], file["size"].as_u64() > Some(64 << 10)), (&"external".into(), true));
    assert!(only_object(&repo).1.ends_with(b"DB_PASSWORD=[REDACTED:secret-by-its-name]"));
    assert_eq!(check(&repo, &[], 0)["verdict"], "same");
}

#[test]
fn what_is_too_large_to_be_masked_is_never_uploaded_under_redact() {
    let repo = opened(&STRICT);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    let large = std::fs::File::create(repo.home().join("large.log")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    let told = types_in_vain(&repo, "min", "record shots ../large.log --store ../store --redact", 2);
    says_all(&told, &["large.log cannot be masked: it is too large", "without --redact"]);
    assert!(files(&repo.home().join("store")).is_empty());
    // By digest alone nothing is kept, so there is nothing to mask.
    types(&repo, "min", "record shots ../large.log --external --redact", 0);
}

#[test]
fn many_who_put_the_same_file_leave_one() {
    let repo = TestRepo::with_ledger(&STRICT);
    std::fs::create_dir(repo.home().join("store")).unwrap();
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo.write("shot.bin", bytes(3_000_000, 1));
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
            command.env("LEDGER_KEY", repo.key("min")).stdout(Stdio::null()).stderr(Stdio::null());
            command.args(["record", "shots", "shot.bin", "--store", "../store"]).spawn().unwrap()
        })
        .collect();
    // Some may lose the race for the branch (5); nobody may break anything.
    let codes: Vec<i32> = children.into_iter().map(|mut child| child.wait().unwrap().code().unwrap()).collect();
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
    assert_eq!(files(&repo.home().join("store")).len(), 1);
    types(&repo, "", "evidence check", 0);
}

#[cfg(unix)]
#[test]
fn a_killed_upload_leaves_nothing_under_a_final_name() {
    let repo = opened(&STRICT);
    let store = repo.home().join("store");
    std::fs::create_dir(&store).unwrap();
    let content = bytes(40_000_000, 1);
    repo.write("shot.bin", &content);
    let object = store.join(key(Digest::of(&content)));
    let mut interrupted = 0;
    for _ in 0..5 {
        let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
        command.env("LEDGER_KEY", repo.key("min")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.args(["record", "shots", "shot.bin", "--store", "../store"]).spawn().unwrap();
        // Killed as soon as something is being written.
        while child.try_wait().unwrap().is_none() && files(&store).is_empty() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += usize::from(!object.exists());
        let half = files(&store).into_iter().filter(|file| *file != object).collect::<Vec<_>>();
        let hidden = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with(".ledger-");
        assert!(half.iter().all(hidden), "{half:?}");
        assert!(!object.exists() || std::fs::read(&object).unwrap() == content);
        drop(std::fs::remove_file(&object));
        half.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    }
    assert!(interrupted > 0, "no upload was met while it ran");
    types(&repo, "min", "record shots shot.bin --store ../store", 0);
    types(&repo, "", "evidence check", 0);
}

/// A recorder who types what a reader would never have said, signed and in order.
#[test]
fn facts_that_the_file_elsewhere_does_not_give_are_found_by_looking() {
    for (policy, state) in [(&STRICT, "failed"), (&TRUSTING, "satisfied")] {
        let repo = opened(policy);
        std::fs::create_dir(repo.home().join("store")).unwrap();
        let failing =
            report(2000).replace("number 7\" classname=\"some.module\"/>", "number 7\"><failure/></testcase>");
        repo.write("report.xml", failing);
        types(&repo, "min", "record report report.xml --store ../store", 0);
        assert_eq!(newest(&repo)["facts"]["failed"], 1);
        assert_eq!(rule(&repo, "alpha", "report")["state"], "failed");
        let mut forge = Forge::of(&repo);
        forge.last().says("\"failed\": 1", "\"failed\": 0");
        forge.settle();
        repo.git(&["update-ref", "refs/heads/evidence", &forge.lay()]);
        crate::tamper::forget(&repo);
        // Nobody can tell offline, so it is no fault of the ledger; where such facts do not count, it is no use.
        types(&repo, "", "verify", 0);
        assert_eq!(rule(&repo, "alpha", "report")["state"], state);
        let checked = check(&repo, &[], 1);
        assert_eq!((&checked["verdict"], &checked["files"][0]["state"]), (&"different".into(), &"other-facts".into()));
        says_all(checked["files"][0]["why"].as_str().unwrap(), &["failed = 1"]);
    }
}
