//! One release from opening to promotion, through the commands a person types.

use crate::support::{POLICY, TestRepo};

#[test]
fn a_release_from_opening_to_promotion() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", "# QA\n\n- [x] installs\n");
    repo.write("build/app_1.0.bin", "binary");
    let _ = repo.ledger("min", &["open", "alpha", "--release", "1.0"]).exits(0);
    let _ = repo.ledger("min", &["record", "artifacts"]).exits(0);
    let _ = repo.ledger("kim", &["record", "qa-checklist"]).exits(0);
    let _ = repo.ledger("kim", &["sign", "alpha", "--yes"]).exits(0);
    let _ = repo.ledger("min", &["promote", "alpha"]).exits(0);
    let verified = repo.ledger("", &["verify", "--json"]);
    assert_eq!(verified.json()["verdict"], "holds");
    assert_eq!(verified.json()["entries"], 6);
    assert_eq!(verified.json()["anchor"], "pinned");
    let board = repo.ledger("", &["status", "--lang", "ko"]).exits(0);
    assert!(board.contains("Alpha(내부 QA)") && board.contains("promoted #5"), "{board}");
}
