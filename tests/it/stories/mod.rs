//! Documents as customers have them, each played under its example's policy from the first precondition to the end.

mod production;
mod roadmap;
mod rollout;
mod staged;

use sha2::{Digest as _, Sha256};
use toml_edit::{Array, DocumentMut, value};

use crate::schemas::validators;
use crate::steps::says_all;
use crate::support::TestRepo;
use crate::support::clock::Story;

/// A ledger that begins with the very policy of `examples/`, its people holding the keys of the cast.
fn begin(example: &str, at: &str) -> Story {
    Story::begin_with(|repo| policy(repo, example), at)
}

fn policy(repo: &TestRepo, example: &str) -> String {
    let path = format!("{}/examples/{example}/ledger.toml", env!("CARGO_MANIFEST_DIR"));
    let mut document: DocumentMut = std::fs::read_to_string(path).unwrap().parse().unwrap();
    for person in document["person"].as_array_of_tables_mut().unwrap().iter_mut() {
        let id = person["id"].as_str().unwrap();
        let key = repo.public_key(id.split('@').next().unwrap());
        person["keys"] = value(Array::from_iter([key]));
    }
    document.to_string()
}

/// Files of the source tree, in one commit.
fn commits(story: &Story, files: &[(&str, &str)]) {
    files.iter().for_each(|(path, text)| story.repo.write(path, text));
    story.repo.git(&["add", "."]);
    story.repo.git(&["commit", "-q", "-m", "documents"]);
}

/// Somebody brings a text as evidence for a slot of a gate.
#[track_caller]
fn brings(story: &mut Story, who: &str, (gate, slot): (&str, &str), text: &str) {
    story.repo.write(&format!("out/{slot}.txt"), text);
    story.types(who, &format!("record {slot} out/{slot}.txt --gate {gate}"), 0);
}

/// A rule is not met, and says why.
#[track_caller]
fn is_refused(story: &mut Story, (gate, rule): (&str, &str), parts: &[&str]) {
    let outcome = story.rule(gate, rule);
    assert!(outcome["state"] == "failed" || outcome["state"] == "missing", "{outcome:#}");
    says_all(outcome["have"].as_str().unwrap(), parts);
}

#[track_caller]
fn is_met(story: &mut Story, (gate, rule): (&str, &str)) {
    let outcome = story.rule(gate, rule);
    assert_eq!(outcome["state"], "satisfied", "{outcome:#}");
}

#[track_caller]
fn passes(story: &mut Story, gate: &str, signers: &[&str]) {
    signers.iter().for_each(|who| drop(story.types(who, &format!("sign {gate} --yes"), 0)));
    story.types("min", &format!("promote {gate}"), 0);
}

/// The ledger holds, and its notes can be read in both languages.
#[track_caller]
fn ends_well(story: &mut Story, release: &str, korean: &[&str], english: &[&str]) {
    assert_eq!(story.json("verify")["verdict"], "holds");
    let report = story.json(&format!("notes {release}"));
    let errors: Vec<String> = validators()["report"].iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{report:#}");
    says_all(&story.types("", &format!("notes {release} --lang ko"), 0), korean);
    says_all(&story.types("", &format!("notes {release} --lang en"), 0), english);
}

/// The same for several pipelines of one release; gives the notes of all of them, in Korean and in English.
#[track_caller]
fn all_end_well(story: &mut Story, pipelines: &[&str], release: &str) -> [String; 2] {
    assert_eq!(story.json("verify")["verdict"], "holds");
    ["ko", "en"].map(|language| {
        let notes = |pipeline| story.types("", &format!("notes {release} --pipeline {pipeline} --lang {language}"), 0);
        pipelines.iter().map(notes).collect()
    })
}

fn sha256(bytes: &str) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
