//! What is allowed at most is allowed, and one more is not: the bounds of one entry and of the clock.

use ledger::chain::Limits;
use ledger::id::Timestamp;

use crate::steps::{approved, types};
use crate::support::forge::{Draft, Forge, verify};
use crate::tamper::{forget, story};

/// The faults of a ledger, as `entry fault`.
fn faults(drafts: &[Draft], limits: Limits, now: i64) -> Vec<String> {
    let told = verify(drafts, limits, Timestamp::from_seconds(now).unwrap()).err().unwrap_or_default();
    told.iter().map(|fault| format!("{} {}", fault.entry.unwrap(), fault.fault.word())).collect()
}

/// The entries of which something is as large as it is anywhere, and that size.
fn largest(drafts: &[Draft], size: impl Fn(&Draft) -> usize) -> (usize, Vec<usize>) {
    let most = drafts.iter().map(&size).max().unwrap();
    (most, (0..drafts.len()).filter(|at| size(&drafts[*at]) == most).collect())
}

fn policy_size(draft: &Draft) -> usize {
    let sizes = draft.files.iter().filter(|(path, _)| path.starts_with("policy/")).map(|(_, bytes)| bytes.len());
    sizes.max().unwrap_or_default()
}

#[test]
fn an_entry_may_be_as_large_as_the_limit_says_and_no_larger() {
    let repo = story();
    let drafts = Forge::of(&repo).drafts;
    let now = drafts.last().unwrap().commit.seconds;
    let (files, with_files) = largest(&drafts, |draft| draft.files.len());
    let longest = |draft: &Draft| draft.files.iter().map(|(path, _)| path.len()).chain([draft.path.len()]).max();
    let (path, with_path) = largest(&drafts, |draft| longest(draft).unwrap());
    let heaviest =
        |draft: &Draft| draft.files.iter().map(|(_, bytes)| bytes.len()).chain([draft.statement.len()]).max();
    let (file, with_file) = largest(&drafts, |draft| heaviest(draft).unwrap());
    let (policy, with_policy) = largest(&drafts, policy_size);
    assert!(files > 1 && [file, path, policy].iter().all(|most| *most > 40));

    let just = Limits { files, file_size: file as u64, policy, path, ..Limits::default() };
    assert_eq!(faults(&drafts, just, now), [""; 0]);
    for (what, limits, entries, fault) in [
        ("files", Limits { files: files - 1, ..just }, with_files, "limit"),
        ("a path", Limits { path: path - 1, ..just }, with_path, "limit"),
        ("a file", Limits { file_size: file as u64 - 1, ..just }, with_file, "limit"),
        ("a policy", Limits { policy: policy - 1, ..just }, with_policy, "policy-malformed"),
    ] {
        let told = faults(&drafts, limits, now);
        let expected: Vec<String> = entries.iter().map(|entry| format!("{entry} {fault}")).collect();
        assert!(!expected.is_empty() && expected.iter().all(|fault| told.contains(fault)), "{what}: {told:?}");
        assert_eq!(
            told.iter().filter(|told| told.ends_with(" limit")).count(),
            if fault == "limit" { expected.len() } else { 0 }
        );
    }
}

#[test]
fn an_entry_may_be_a_day_ahead_of_the_clock_and_not_a_second_more() {
    let repo = story();
    let drafts = Forge::of(&repo).drafts;
    let newest = drafts.last().unwrap().commit.seconds;
    let latest: Vec<usize> = (0..drafts.len()).filter(|at| drafts[*at].commit.seconds == newest).collect();
    assert_eq!(faults(&drafts, Limits::default(), newest - 86_400), [""; 0]);
    let ahead: Vec<String> = latest.iter().map(|entry| format!("{entry} time")).collect();
    assert_eq!(faults(&drafts, Limits::default(), newest - 86_401), ahead);
}

/// Clocks of laptops differ; the ledger's time never runs backwards.
#[test]
fn whoever_writes_after_a_clock_that_was_ahead_takes_its_time() {
    let repo = approved();
    let mut forge = Forge::of(&repo);
    forge.last().later(3_600);
    let ahead = forge.last().commit.seconds;
    forge.lay();
    forget(&repo);
    types(&repo, "", "verify", 0);
    types(&repo, "min", "promote alpha", 0);
    types(&repo, "min", "open ga", 0);
    types(&repo, "", "verify", 0);
    let times: Vec<i64> =
        repo.git(&["log", "-2", "--format=%ct", "evidence"]).lines().map(|time| time.parse().unwrap()).collect();
    assert_eq!(times, [ahead, ahead]);
}
