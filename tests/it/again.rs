//! The same again: what is recorded twice is there already, and what says something new is not.

use crate::bringing::{OPEN, opened, run};
use crate::steps::types;
use crate::support::{Policy, TestRepo};

pub fn size(repo: &TestRepo) -> u64 {
    repo.ledger("", &["verify", "--json"]).json()["entries"].as_u64().unwrap()
}

/// Records, and tells which entry it is and whether it was there already.
fn record(repo: &TestRepo, who: &str, args: &[&str]) -> (u64, bool) {
    let ran = repo.ledger(who, &[&["record", "--json"], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    (ran.json()["entry"].as_u64().unwrap(), ran.json()["existing"].as_bool().unwrap())
}

/// Until the clock shows another second.
fn a_second_later() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

#[test]
fn the_same_again_is_already_there_whatever_the_clock() {
    let repo = opened();
    repo.write("a.png", "a");
    repo.write("b.png", "b");
    assert_eq!(record(&repo, "min", &["shots", "a.png"]), (2, false));
    a_second_later();
    assert_eq!(record(&repo, "min", &["shots", "a.png"]), (2, true));
    assert_eq!(record(&repo, "min", &["shots", "a.png", "--dry-run"]), (2, true));
    // Another person says it, the place is another one, something came in between: each has something to say.
    assert_eq!(record(&repo, "kim", &["shots", "a.png"]), (3, false));
    assert_eq!(record(&repo, "kim", &["shots", "a.png", "--external", "--location", "N: drive"]), (4, false));
    assert_eq!(record(&repo, "kim", &["shots", "b.png"]), (5, false));
    assert_eq!(record(&repo, "kim", &["shots", "a.png"]), (6, false));
    a_second_later();
    assert_eq!(record(&repo, "kim", &["shots", "a.png"]), (6, true));
    types(&repo, "kim", "revoke 6 -m wrong --yes", 0);
    assert_eq!(record(&repo, "kim", &["shots", "a.png"]), (8, false));
    // A new attempt begins with nothing.
    types(&repo, "min", "open alpha --release 1.0 --retry", 0);
    assert_eq!(record(&repo, "kim", &["shots", "a.png"]), (10, false));
    types(&repo, "", "verify", 0);
}

#[test]
fn a_checklist_recorded_again_is_still_compared_with_the_one_before() {
    let repo = opened();
    for (text, entry) in [("# QA\n\n- [x] installs\n", 2), ("# QA\n\n- [x] installs\n- [ ] more\n", 3)] {
        repo.write("docs/qa.md", text);
        assert_eq!(record(&repo, "kim", &["qa"]), (entry, false));
        assert_eq!(record(&repo, "kim", &["qa"]), (entry, true));
    }
    types(&repo, "", "verify", 0);
}

#[test]
fn every_run_is_an_entry_of_its_own_though_the_clock_stands_still() {
    let repo = opened();
    for entry in 2..6 {
        assert_eq!(run(&repo, &["smoke"], "true").code, 0);
        assert_eq!(size(&repo), entry + 1);
    }
    types(&repo, "", "verify", 0);
}

#[test]
fn where_it_matters_when_evidence_comes_the_same_again_is_another() {
    let pipeline = OPEN.pipeline.replace("id = \"shots\"\n", "id = \"shots\"\nwithin = \"7d\"\n");
    let repo = TestRepo::with_ledger(&Policy { people: OPEN.people, pipeline: pipeline.leak() });
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo.write("a.png", "a");
    assert_eq!(record(&repo, "min", &["shots", "a.png"]), (2, false));
    assert_eq!(record(&repo, "min", &["shots", "a.png"]), (3, false));
    types(&repo, "", "verify", 0);
}
