//! What somebody with bad intentions, or a bad disk, does: each must be said, never passed over.

use ledger::evidence::facts::Fact;

use crate::steps::{QA, approved, says_all, supplied, types, types_in_vain};
use crate::support::bulk::Bulk;
use crate::support::{POLICY, TestRepo};

#[test]
fn facts_that_the_file_does_not_bear_out_open_nothing() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", QA.replace("[x]", "[ ]"));
    repo.write("build/app_1.0.bin", "binary");
    types(&repo, "min", "open alpha --release 1.0", 0);
    types(&repo, "min", "record artifacts", 0);
    types(&repo, "ci", "record qa-checklist", 0);
    types_in_vain(&repo, "kim", "sign alpha --yes", 1);
    let mut bulk = Bulk::after(&repo, "ci");
    bulk.lie("open", Fact::Int(0));
    bulk.finish();
    for (who, line) in [("kim", "sign alpha --yes"), ("", "verify")] {
        says_all(&types_in_vain(&repo, who, line, 4), &["facts", "open = 1"]);
    }
}

#[test]
fn an_attempt_that_declares_other_artifacts_opens_nothing() {
    let repo = TestRepo::with_ledger(&POLICY);
    types(&repo, "lee", "open ga --release 1.0", 0);
    repo.write("note.txt", "note");
    types(&repo, "lee", "record announcement note.txt", 0);
    let mut bulk = Bulk::after(&repo, "lee");
    bulk.release_without_artifacts("2.0");
    bulk.finish();
    says_all(&types(&repo, "", "check ga --release 2.0", 1), &["artifacts-declared"]);
    says_all(&types(&repo, "", "verify", 4), &["the artifacts its pipeline promises"]);
}

#[cfg(unix)]
#[test]
fn a_pin_that_cannot_be_read_is_no_absent_pin() {
    let repo = approved();
    let pin = repo.path.join(".ledger.toml");
    let text = repo.read(".ledger.toml");
    std::fs::remove_file(&pin).unwrap();
    std::fs::create_dir(&pin).unwrap();
    says_all(&types(&repo, "", "verify", 3), &["the pin .ledger.toml cannot be read"]);
    std::fs::remove_dir(&pin).unwrap();
    for target in ["nowhere", ".ledger.toml", "/dev/zero"] {
        std::os::unix::fs::symlink(target, &pin).unwrap();
        types(&repo, "", "check alpha", 3);
        types(&repo, "", "verify", 3);
        std::fs::remove_file(&pin).unwrap();
    }
    repo.write(".ledger.toml", text.replace("sha256:", "sha256:zz"));
    types(&repo, "", "verify", 2);
    repo.write(".ledger.toml", text);
    types(&repo, "", "verify", 0);
}

#[cfg(unix)]
#[test]
fn a_document_that_cannot_be_read_is_no_unchanged_document() {
    let repo = approved();
    let file = repo.path.join("docs/qa.md");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    says_all(&types_in_vain(&repo, "min", "promote alpha", 3), &["docs/qa.md is there and cannot be read"]);
    std::fs::remove_dir(&file).unwrap();
    std::os::unix::fs::symlink(repo.key("kim"), &file).unwrap();
    let said = types_in_vain(&repo, "kim", "record qa-checklist", 2);
    says_all(&said, &["docs/qa.md leads out of the repository"]);
}

#[test]
fn a_damaged_state_is_no_verdict() {
    let repo = supplied(&POLICY, "min");
    types(&repo, "han", "sign alpha --reject --yes -m no", 0);
    types(&repo, "kim", "sign alpha --yes", 1);
    types(&repo, "", "check alpha", 1);
    let folders = std::fs::read_dir(repo.home().join("state/ledger")).unwrap().map(|folder| folder.unwrap().path());
    let folder = folders.into_iter().find(|folder| folder.join("ledger.db").exists()).unwrap();
    for file in std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
        let good = std::fs::read(&file).unwrap();
        for at in (0..good.len()).step_by(good.len() / 40 + 1) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&file, &bad).unwrap();
            types(&repo, "", "check alpha", 1);
        }
    }
    types(&repo, "", "verify", 0);
    types(&repo, "", "check alpha", 1);
}

#[test]
fn an_object_cut_short_ends_in_an_answer() {
    let repo = approved();
    let objects = repo.git(&["rev-list", "--objects", "evidence"]);
    for id in objects.lines().filter_map(|line| line.get(..40)) {
        let path = repo.path.join(".git/objects").join(&id[..2]).join(&id[2..]);
        let good = std::fs::read(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &good[..good.len() / 2]).unwrap();
        let ran = repo.ledger("", &["verify"]);
        assert!([3, 4].contains(&ran.code), "{id}: {}", ran.said());
        std::fs::write(&path, good).unwrap();
        std::fs::set_permissions(&path, mode).unwrap();
    }
    types(&repo, "", "verify", 0);
}

#[test]
fn a_second_ledger_is_not_begun_where_one_is_pinned() {
    let repo = approved();
    let pin = repo.read(".ledger.toml");
    repo.git(&["branch", "-m", "evidence", "elsewhere"]);
    says_all(&types_in_vain(&repo, "lee", "init", 1), &["pins a ledger already", "ledger pull"]);
    assert_eq!(repo.read(".ledger.toml"), pin);
}

#[test]
fn a_command_that_failed_is_no_evidence_of_success() {
    let pipeline =
        POLICY.pipeline.replace("id = \"announcement\"", "id = \"announcement\"\nformat = [\"command\", \"file\"]");
    let repo = TestRepo::with_ledger(&crate::support::Policy { people: POLICY.people, pipeline: pipeline.leak() });
    types(&repo, "min", "open ga --release 1.0", 0);
    let ran = repo.ledger("min", &["run", "announcement", "--", "git", "no-such-command"]);
    says_all(&ran.said(), &["the command ended with exit 1"]);
    let _ = ran.exits(1);
}
