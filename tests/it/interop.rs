//! The second verifier, `tests/interop/verify_ledger.py`: written from docs/format.md alone, it must say
//! what the program says. It needs Python with `cryptography`, which LEDGER_INTEROP_PYTHON names.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use crate::steps::{ga_supplied, supplied, types};
use crate::support::{POLICY, TestRepo, finish};

/// What only the whole policy tells: evaluation is not part of the format.
const BEYOND_THE_LOG: &[&str] = &["promotion-unjustified", "facts"];

const VERIFIER: &str = "tests/interop/verify_ledger.py";

fn python() -> Option<OsString> {
    std::env::var_os("LEDGER_INTEROP_PYTHON").filter(|value| !value.is_empty())
}

/// Its exit code and the fault words it found; nothing where there is no Python to ask.
pub fn second_verdict(repo: &TestRepo, directory: &Path, root: Option<&str>) -> Option<(i32, BTreeSet<String>)> {
    let mut command = repo.command(python()?.to_str().unwrap(), directory);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(VERIFIER)).arg(directory);
    command.args(root.iter().flat_map(|root| ["--root", root]));
    let ran = finish(&mut command);
    assert!([0, 3, 4].contains(&ran.code), "the second verifier failed: {ran:?}");
    let faults = ran.json()["faults"].as_array().unwrap().clone();
    Some((ran.code, faults.iter().map(|fault| fault["fault"].as_str().unwrap().to_owned()).collect()))
}

/// Rows of the catalogue about folders as a pipeline's template names them: the policy's business, too.
const OF_THE_TEMPLATE: &[&str] =
    &["A16 a folder with another day", "A16 a folder with another gate", "A16 a folder that looks alike"];

/// Why the second verifier disagrees with a verdict of ours, `entry fault` each; none when it agrees, or
/// is not there to ask. Where it reads less of TOML, it may say that it could not tell: no pass either.
pub fn disagreement(repo: &TestRepo, row: &str, code: i32, faults: &BTreeSet<String>) -> Option<String> {
    let (their_code, their_faults) = second_verdict(repo, &repo.path, None)?;
    let words: BTreeSet<&str> = faults.iter().filter_map(|fault| fault.rsplit(' ').next()).collect();
    let about_the_log = words.iter().any(|word| !BEYOND_THE_LOG.contains(word)) && !OF_THE_TEMPLATE.contains(&row);
    let agrees = match code {
        4 if their_code == 3 => words.iter().all(|word| *word == "policy-malformed"),
        4 if about_the_log => their_code == 4 && their_faults.iter().any(|word| words.contains(word.as_str())),
        4 => their_code == 0,
        code => their_code == code,
    };
    (!agrees).then(|| format!("the second verifier ended with {their_code} and {their_faults:?}"))
}

/// Whoever reads it instead of trusting the program reads all of it: this file and no other.
#[test]
fn the_second_verifier_is_under_400_lines() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(VERIFIER)).unwrap();
    assert!(text.lines().count() < 400, "{} lines", text.lines().count());
    assert!(text.lines().all(|line| line.chars().count() <= 120), "a line is too long");
}

#[test]
fn the_second_verifier_agrees_on_honest_ledgers_and_on_their_roots() {
    if python().is_none() {
        eprintln!("skipped: LEDGER_INTEROP_PYTHON names no Python with cryptography");
        return;
    }
    let repo = supplied(&POLICY, "min");
    ga_supplied(&repo);
    types(&repo, "kim", "revoke 3 -m mistaken --yes", 0);
    let ours = repo.ledger("", &["verify", "--json"]).json();
    let first = format!("sha256:{}", ours["first"].as_str().unwrap());
    assert_eq!(second_verdict(&repo, &repo.path, Some(&first)), Some((0, BTreeSet::new())));
    let other = format!("sha256:{}", "0".repeat(64));
    let anchor = BTreeSet::from(["anchor".to_owned()]);
    assert_eq!(second_verdict(&repo, &repo.path, Some(&other)), Some((4, anchor)));
    assert_eq!(second_verdict(&repo, &TestRepo::bare_of_ledger().path, None).map(|(code, _)| code), Some(3));
}
