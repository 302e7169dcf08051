//! `log`, `show` and `export` tell entries that were verified earlier as they would after reading
//! everything, and nothing that was put in their place since.

use ledger::chain::{Examiner, Keep, Limits, Recall, TrustAnchor, VerifiedLedger, Verifier};
use ledger::id::{Digest, EntryId, EntryNumber, Timestamp};
use ledger::store::StoredStatement;
use ledger::store::git::GitStore;
use serde_json::Value;

use crate::steps::{approved, says_all, supply, types};
use crate::support::bulk::Bulk;
use crate::support::forge::Forge;
use crate::support::{POLICY, TestRepo};

/// What is said with the state there is, and with none.
#[track_caller]
fn both(repo: &TestRepo, line: &str) -> String {
    let nothing = repo.home().join("nothing");
    let _ = std::fs::remove_dir_all(&nothing);
    let words: Vec<&str> = line.split_whitespace().collect();
    let resumed = repo.ledger("", &words);
    let fresh = repo.ledger_in(&repo.path, "", &words, &[("XDG_STATE_HOME", nothing.to_str().unwrap())]);
    assert_eq!((resumed.code, &resumed.out, &resumed.err), (fresh.code, &fresh.out, &fresh.err), "{line}");
    resumed.said()
}

#[track_caller]
fn numbers(repo: &TestRepo, line: &str) -> Vec<u64> {
    let said: Value = serde_json::from_str(&both(repo, &format!("log --json {line}"))).unwrap();
    said["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].as_u64().unwrap()).collect()
}

/// Two releases, entries of three people, and a changed policy.
fn two_releases() -> TestRepo {
    let repo = approved();
    repo.write("ledger.toml", POLICY.text(&repo) + "# with a remark\n");
    types(&repo, "lee", "policy apply -m remarked --yes", 0);
    supply(&repo, "min", "2.0");
    types(&repo, "kim", "sign alpha --yes", 0);
    repo
}

#[test]
fn each_filter_lists_the_entries_that_fit_and_no_other() {
    let repo = two_releases();
    let whole: Value = serde_json::from_str(&both(&repo, "log --json")).unwrap();
    let whole = whole["entries"].as_array().unwrap();
    assert_eq!(whole.len(), 10);
    let fitting = |fits: &dyn Fn(&Value) -> bool| -> Vec<u64> {
        whole.iter().filter(|entry| fits(entry)).map(|entry| entry["entry"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&repo, "--gate alpha"), fitting(&|entry| entry["gate"] == "alpha"));
    assert_eq!(numbers(&repo, "--gate ga"), Vec::<u64>::new());
    assert_eq!(numbers(&repo, "--release 2.0"), fitting(&|entry| entry["release"] == "2.0"));
    assert_eq!(numbers(&repo, "--person KIM"), fitting(&|entry| entry["person"] == "kim@acme.example"));
    assert_eq!(numbers(&repo, "--person HAN"), Vec::<u64>::new(), "in the roster, and signed nothing");
    for kind in ["policy", "open", "evidence", "approval"] {
        assert_eq!(numbers(&repo, &format!("--kind {kind}")), fitting(&|entry| entry["kind"] == kind));
    }
    assert_eq!(numbers(&repo, "--kind evidence --release 1.0 --person KIM"), [3]);
    assert_eq!(numbers(&repo, "--as-of 5 --gate alpha -n 2"), [3, 4]);
    assert_eq!(numbers(&repo, "-n 3"), [7, 8, 9]);
    assert_eq!(numbers(&repo, "-n 0"), Vec::<u64>::new());
    assert_eq!(numbers(&repo, "--since 1971-01-01 -n 2"), [8, 9]);
    assert_eq!(numbers(&repo, "--since 9999-01-01"), Vec::<u64>::new());
    says_all(&both(&repo, "log --since 9999-01-01"), &["no entry fits"]);
    says_all(&both(&repo, "log -n 2"), &["#8  ", "#9  "]);
}

#[test]
fn since_goes_by_what_entries_say_though_they_may_say_less_than_their_commits() {
    let repo = approved();
    let mut forge = Forge::of(&repo);
    let begin = forge.last().commit.seconds;
    // Times of commits: 1000, 1010, 1020, 1030 later; of the statements: 1000, 500, 1020, 700 later.
    for (commit, statement) in [(1000, 1000), (1010, 500), (1020, 1020), (1030, 700)] {
        let draft = forge.again(3);
        draft.commit.seconds = begin + commit;
        draft.recorded_at(begin + statement);
    }
    forge.lay();
    let since = |seconds: i64| {
        let instant = Timestamp::from_seconds(begin + seconds).unwrap();
        numbers(&repo, &format!("--since {instant}"))
    };
    assert_eq!(since(1000), [5, 7]);
    assert_eq!(since(700), [5, 7, 8]);
    assert_eq!(since(500), [5, 6, 7, 8]);
    assert_eq!(since(1020), [7]);
    assert_eq!(since(1021), Vec::<u64>::new());
    let instant = Timestamp::from_seconds(begin + 700).unwrap();
    assert_eq!(numbers(&repo, &format!("--since {instant} -n 2")), [7, 8]);
}

#[test]
fn an_entry_is_found_by_the_beginning_of_its_id() {
    let repo = two_releases();
    let log: Value = serde_json::from_str(&both(&repo, "log --json")).unwrap();
    for entry in [0, 3, 9] {
        let id = log["entries"][entry]["id"].as_str().unwrap();
        for digits in [8, 9, 16, 17, 64] {
            says_all(&both(&repo, &format!("show {}", &id[..digits])), &[&format!("entry {entry}  "), id]);
        }
        says_all(&both(&repo, &format!("show sha256:{id}")), &[id]);
        let other = if id.ends_with('0') { "1" } else { "0" };
        says_all(&both(&repo, &format!("show {}{other}", &id[..63])), &["there is no entry"]);
        says_all(&both(&repo, &format!("show {}", &id[..7])), &["there is no entry"]);
    }
    says_all(&both(&repo, "show zzzzzzzzzz"), &["there is no entry"]);
}

#[test]
fn entries_of_all_parts_and_folders_are_told_and_exported() {
    let repo = TestRepo::with_ledger(&POLICY);
    types(&repo, "lee", "open ga --release 1.0", 0);
    repo.write("first.txt", "first\n");
    types(&repo, "lee", "record announcement first.txt --gate ga", 0);
    let mut bulk = Bulk::after(&repo, "lee");
    bulk.evidence(300);
    bulk.release("2.0");
    bulk.evidence(3);
    bulk.finish();
    // The state is behind; then it knows everything.
    let log: Value = serde_json::from_str(&both(&repo, "log --json")).unwrap();
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 307);
    for (at, entry) in entries.iter().enumerate() {
        let statement = repo.git(&["show", &format!("evidence:{}", entry["path"].as_str().unwrap())]);
        if [0, 2, 257, 258, 303, 306].contains(&at) {
            assert_eq!(entry["id"], Digest::of(statement.as_bytes()).to_string(), "{at}");
            let shown: Value = serde_json::from_str(&both(&repo, &format!("show {at} --json"))).unwrap();
            assert_eq!(shown["statement"], serde_json::from_str::<Value>(&statement).unwrap());
        }
    }
    assert_eq!(both(&repo, "export dsse").lines().count(), 307);
    assert_eq!(both(&repo, "export dsse 3 280").lines().count(), 2);
}

/// The ledger of a repository, every entry verified and none at hand.
fn verified(store: &GitStore) -> VerifiedLedger {
    let (format, now) = (store.format(), Timestamp::parse("9999-01-01T00:00:00Z").unwrap());
    let mut verifier =
        Verifier::new(format, TrustAnchor { first: None }, Limits::default(), now).keeping(Keep::Nothing);
    let mut examiner = Examiner::new(format, Limits::default());
    for commit in store.commits(&store.tip().unwrap().commit).unwrap() {
        verifier.admit(examiner.examine(store.entry(&commit).unwrap()));
    }
    verifier.finish().unwrap()
}

#[test]
fn only_what_was_verified_is_recognised_again() {
    let repo = two_releases();
    let store = GitStore::open(&repo.path, false).unwrap();
    let (ledger, tip) = (verified(&store), store.tip().unwrap().commit);
    let mut recall = Recall::new(&ledger, store.format());
    let found: Vec<StoredStatement> = (0..ledger.size())
        .map(|number| store.statement(&tip, &recall.place(EntryNumber(number)).unwrap()).unwrap())
        .collect();
    for (at, one) in found.iter().enumerate() {
        let entry = recall.recognise(one.clone()).unwrap();
        assert_eq!((entry.number().0, entry.id()), (at as u64, EntryId(Digest::of(&one.statement))));
        let mut refuses = |what: &str, change: &dyn Fn(&mut StoredStatement)| {
            let mut changed = one.clone();
            change(&mut changed);
            assert!(recall.recognise(changed).is_none(), "entry {at}: {what}");
        };
        let other = &found[(at + 1) % found.len()];
        let text = String::from_utf8(one.commit.clone()).unwrap();
        let (summary, _) = text.split_once("\n\n").unwrap().1.split_once('\n').unwrap();
        refuses("another statement", &|one| one.statement.clone_from(&other.statement));
        refuses("one byte more", &|one| one.statement.push(b'\n'));
        refuses("another commit", &|one| one.commit.clone_from(&other.commit));
        refuses("another number", &|one| one.number = other.number);
        refuses("a number beyond the end", &|one| one.number = EntryNumber(99));
        refuses("another summary", &|one| one.commit = text.replacen(summary, "all is well", 1).into_bytes());
        refuses("no commit", &|one| one.commit.clear());
    }
    assert!(recall.place(EntryNumber(ledger.size())).is_none());
}

#[test]
fn an_entry_whose_commit_was_lost_since_is_not_told() {
    let repo = approved();
    types(&repo, "", "log", 0);
    let commit = repo.commits().into_iter().nth_back(3).unwrap();
    std::fs::remove_file(repo.path.join(".git/objects").join(&commit[..2]).join(&commit[2..])).unwrap();
    for line in ["log", "log --json", "show 3", "export dsse", "export dsse 3", "log -n 2"] {
        let ran = repo.ledger("", &line.split_whitespace().collect::<Vec<_>>());
        says_all(&ran.said(), &[&commit]);
        let _ = ran.exits(3);
    }
}
