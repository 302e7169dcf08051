//! The table of the customer's requirements: every one has a row, and every test it names exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn every_requirement_has_a_row_and_every_test_it_names_exists() {
    let page = std::fs::read_to_string(root().join("docs/seeds.md")).unwrap();
    let mut rows = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| R")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [numbers, what, place] = cells.as_slice() else { panic!("three columns: {line}") };
        assert!(!what.is_empty() && !place.is_empty(), "{line}");
        for number in numbers.split(", ").map(|number| number.trim_matches(['R', '*'])) {
            assert!(rows.insert(number.parse::<u32>().unwrap()), "{number} stands twice");
        }
        wrong.extend(
            place.split('`').skip(1).step_by(2).filter(|name| is_test(name) && !exists(name)).map(str::to_owned),
        );
    }
    assert_eq!(rows, (1..=168).collect(), "a row for each requirement");
    assert!(wrong.is_empty(), "no such test: {wrong:#?}");
    assert!(exists("covered::every_requirement_has_a_row_and_every_test_it_names_exists") && !exists("covered::none"));
}

/// `file::test`, and not a path of the program itself.
fn is_test(name: &str) -> bool {
    let own = ["policy::", "evidence::"].iter().any(|module| name.starts_with(module));
    name.contains("::") && !own && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
}

/// A module of the tests, or a function in one.
fn exists(name: &str) -> bool {
    let file =
        |path: &str| [format!("{path}.rs"), format!("{path}/mod.rs")].map(|file| root().join("tests/it").join(file));
    let there = |path: &str| file(path).into_iter().find(|file| file.exists());
    let path = name.replace("::", "/");
    let holds = |file: PathBuf, test: &str| std::fs::read_to_string(file).unwrap().contains(&format!("fn {test}()"));
    there(&path).is_some()
        || path.rsplit_once('/').is_some_and(|(module, test)| there(module).is_some_and(|file| holds(file, test)))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
