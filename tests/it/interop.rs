//! The second verifier, `tests/interop/verify_ledger.py`: written from docs/format.md alone, it must say
//! what the program says. It needs Python with `cryptography`, which LEDGER_INTEROP_PYTHON names.
//! Likewise `tests/interop/count_boxes.py`, which has two other Markdown parsers count task boxes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

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

/// Files called `NAME.OPEN-DONE.md`, in the shapes real checklists have.
fn boxes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/boxes");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 7);
    files
}

#[test]
fn boxes_are_counted_as_the_files_names_say() {
    let repo = TestRepo::bare_of_ledger();
    for file in boxes() {
        let facts = repo.ledger("", &["facts", "--format", "checklist", "--json", file.to_str().unwrap()]).json();
        let counted = format!("{}-{}", facts["facts"]["open"], facts["facts"]["done"]);
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_eq!(name.split('.').nth(1), Some(counted.as_str()), "{name}");
    }
}

#[test]
fn boxes_are_counted_as_other_parsers_count_them() {
    let repo = TestRepo::bare_of_ledger();
    let run = |args: &[&str]| {
        let mut command = repo.command(python()?.to_str().unwrap(), &repo.path);
        command.env("PYTHONDONTWRITEBYTECODE", "1").args(args);
        Some(finish(&mut command))
    };
    if run(&["-c", "import cmarkgfm, markdown_it"]).is_none_or(|ran| ran.code != 0) {
        eprintln!("skipped: LEDGER_INTEROP_PYTHON names no Python with cmarkgfm and markdown-it-py");
        return;
    }
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/count_boxes.py");
    let files: Vec<String> = boxes().iter().map(|file| file.to_str().unwrap().to_owned()).collect();
    let compared = |ledger: &str| {
        let args = [tool.to_str().unwrap(), ledger].into_iter().chain(files.iter().map(String::as_str));
        run(&args.collect::<Vec<_>>()).unwrap()
    };
    let agreed = compared(env!("CARGO_BIN_EXE_ledger"));
    assert!(agreed.said().contains("7 files, 35 boxes: 0 files differ"), "{agreed:?}");
    let _ = agreed.exits(0);
    // A program that refuses every file agrees with nobody.
    let _ = compared("false").exits(1);
}
