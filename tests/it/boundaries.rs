//! Who may know whom in `src/`, read from its `use` lines and `crate::` paths.

use std::path::{Path, PathBuf};

/// A module, and the paths outside itself it may name. Data travels from the top of this list to
/// its end, so a module knows only what stands above it.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("id", &[]),
    ("findings", &["id"]),
    ("evidence", &["id"]),
    ("entry", &["id", "evidence"]),
    ("sign", &["id", "findings"]),
    ("store", &["id"]),
    // The types of what was read, never the door it was read through.
    (
        "chain",
        &[
            "id",
            "entry",
            "evidence",
            "sign",
            "store::StoredEntry",
            "store::StoredFile",
            "store::StoredStatement",
            "store::Place",
            "store::Wanted",
            "store::commit",
            "store::layout",
        ],
    ),
    // People and roles; neither keys nor signatures, which have been checked before.
    ("policy", &["id", "findings", "evidence", "entry", "chain", "sign::roster", "sign::Roster", "sign::People"]),
    ("report", &["id", "entry", "evidence::readers", "evidence::text", "chain", "policy"]),
    ("cli", &["id", "findings", "evidence", "entry", "sign", "store", "chain", "policy", "report"]),
];

/// Longer than this, a file is two.
const MAX_LINES: usize = 500;

#[test]
fn no_module_knows_one_it_should_not() {
    let mut wrong = Vec::new();
    for file in rust_files(&root().join("src")) {
        let module = module_of(&file);
        let Some(name) = module.first() else { continue };
        let (_, may) = MAY_KNOW.iter().find(|(of, _)| of == name).unwrap_or_else(|| panic!("{name} has no rule"));
        let text = without_tests_and_comments(&std::fs::read_to_string(&file).unwrap());
        for path in named_paths(&text, &module) {
            let own = path.first() == Some(name) || path.is_empty();
            if !own && !may.iter().any(|known| is_below(&path, known)) {
                wrong.push(format!("{}: crate::{}", file.strip_prefix(root()).unwrap().display(), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn the_rules_name_every_module_once_in_the_order_data_travels() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let declared: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let ruled: Vec<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    assert_eq!(sorted(declared.clone()), sorted(ruled.clone()), "src/lib.rs against the rules");
    let above = |name: &str, known: &str| {
        let place = |of: &str| ruled.iter().position(|module| *module == of);
        place(known.split("::").next().unwrap()) < place(name)
    };
    for (name, may) in MAY_KNOW {
        assert!(may.iter().all(|known| above(name, known)), "{name} knows a module that comes after it");
    }
}

#[test]
fn main_knows_the_command_line_only() {
    let main = without_tests_and_comments(&std::fs::read_to_string(root().join("src/main.rs")).unwrap());
    let names: Vec<&str> = main.split("ledger::").skip(1).map(|rest| rest.split("::").next().unwrap()).collect();
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("cli")), "{names:?}");
}

#[test]
fn no_source_file_is_too_long() {
    let length = |file: &PathBuf| std::fs::read_to_string(file).unwrap().lines().count();
    let long: Vec<String> = rust_files(&root().join("src"))
        .iter()
        .filter(|file| length(file) > MAX_LINES)
        .map(|file| format!("{}: {} lines", file.display(), length(file)))
        .collect();
    assert!(long.is_empty(), "more than {MAX_LINES} lines:\n{}", long.join("\n"));
}

#[test]
fn every_test_file_is_part_of_the_test_binary() {
    let folder = root().join("tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    let mods: Vec<&str> = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ext| ext == "rs"))
        .filter(|path| !path.ends_with("fixtures"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "main")
        .collect();
    files.sort();
    assert_eq!(files, sorted(mods), "a file without its mod line is never run");
}

#[test]
fn the_reader_of_paths_sees_what_a_person_sees() {
    let text = "use crate::a::{B, c::{D, e}};\nfn f(x: crate::g::H) { super::super::i::j(); super::k() }\nmycrate::no;";
    let found = named_paths(text, &["m".to_owned(), "n".to_owned()]);
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::B", "a::c::D", "a::c::e", "g::H", "i::j", "m::k"]);
    let code = "use a;\n// crate::doc\nlet x = 1; // crate::said\n#[cfg(test)]\nmod tests {\n use crate::t;\n}\n";
    assert_eq!(without_tests_and_comments(code), "use a;\nlet x = 1; \n");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_below(path: &[String], known: &str) -> bool {
    let known: Vec<&str> = known.split("::").collect();
    path.len() >= known.len() && known.iter().zip(path).all(|(known, part)| known == part)
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

/// Every source file but test modules in files of their own.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match path.extension() {
            _ if path.file_stem().is_some_and(|stem| stem == "tests") => {}
            None => files.extend(rust_files(&path)),
            Some(extension) if extension == "rs" => files.push(path),
            Some(_) => {}
        }
    }
    files.sort();
    files
}

/// `src/chain/view.rs` is `chain::view`; `lib.rs` and `main.rs` are the crate itself.
fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let parts = inside.iter().map(|part| part.to_str().unwrap().to_owned());
    parts.filter(|part| !["mod", "lib", "main"].contains(&part.as_str())).collect()
}

/// The test module stands at the end of a file, by the project's custom.
fn without_tests_and_comments(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let code = |line: &str| match line.trim_start().starts_with("//") {
        true => None,
        false => Some(line.split(" // ").next().unwrap_or_default().to_owned()),
    };
    let kept = text[..end].lines().filter_map(|line| {
        let code = code(line)?;
        Some(if code.len() < line.len() { code + " \n" } else { code + "\n" })
    });
    kept.collect()
}

/// Every path from the crate's root a text names, groups taken apart and `super` resolved.
fn named_paths(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let starts = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let ups = rest.split("::").take_while(|part| *part == "super").count();
        let (base, length) = match rest {
            _ if !starts => (None, 0),
            _ if rest.starts_with("crate::") => (Some(Vec::new()), "crate::".len()),
            _ if ups > 0 => (Some(module[..module.len().saturating_sub(ups)].to_vec()), "super::".len() * ups),
            _ => (None, 0),
        };
        if let Some(base) = base {
            expand(&base, &rest[length..], &mut paths);
        }
        at += length.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    paths
}

/// Follows one path; at `{` every branch of it. Returns how many bytes were read.
fn expand(base: &[String], text: &str, paths: &mut Vec<Vec<String>>) -> usize {
    if text.starts_with('{') {
        let mut at = 1;
        while at < text.len() && !text[at..].starts_with('}') {
            let separator = text[at..].starts_with([',', ' ', '\n']);
            at += if separator { 1 } else { expand(base, &text[at..], paths).max(1) };
        }
        return at + 1;
    }
    let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let path = [base, &[text[..length].to_owned()]].concat();
    match text[length..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '{' || c == '_') => {
            length + 2 + expand(&path, rest, paths)
        }
        _ => {
            paths.push(path);
            length
        }
    }
}
