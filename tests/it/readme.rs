//! What is written is so: README.md's exit codes are the program's, and the commands and flags shown
//! in README.md, in docs/ and in the help's own examples exist; docs/readers.md names every format and fact.

use crate::support::TestRepo;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

#[test]
fn the_exit_codes_are_those_of_the_help() {
    let repo = TestRepo::bare_of_ledger();
    let help = repo.ledger("", &["--help"]).exits(0);
    let (_, list) = help.split_once("Exit codes:\n").expect("the help lists its exit codes");
    let code = |line: &str| {
        let (code, meaning) = line.trim().split_once("  ")?;
        Some((code.parse().ok()?, meaning.trim().to_owned()))
    };
    let said: Vec<(u8, String)> = list.lines().map_while(code).collect();
    assert_eq!(said.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 130]);
    let written = table(&readme());
    if written.is_empty() {
        eprintln!("skipped: README.md has no table of exit codes");
        return;
    }
    assert_eq!(written, said);
}

/// The rows `| code | meaning |` below the heading about exit codes.
fn table(readme: &str) -> Vec<(u8, String)> {
    let below = readme.lines().skip_while(|line| !(line.starts_with('#') && line.to_lowercase().contains("exit code")));
    let section = below.skip(1).take_while(|line| !line.starts_with('#'));
    let cell = |text: &str| text.trim().trim_matches(['`', '*']).to_owned();
    let row = |line: &str| {
        let cells: Vec<String> = line.trim().strip_prefix('|')?.split('|').map(cell).collect();
        Some((cells.first()?.parse().ok()?, cells.get(1)?.clone()))
    };
    section.filter_map(row).collect()
}

#[test]
fn every_command_shown_exists_with_its_flags() {
    let repo = TestRepo::bare_of_ledger();
    let shown = commands(&readme());
    if shown.is_empty() {
        eprintln!("skipped: README.md shows no command");
    }
    for words in shown {
        check(&repo, &words).unwrap_or_else(|why| panic!("ledger {}: {why}", words.join(" ")));
    }
}

#[test]
fn every_command_in_the_documents_exists_with_its_flags() {
    let repo = TestRepo::bare_of_ledger();
    for document in documents(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))) {
        for words in commands(&std::fs::read_to_string(&document).unwrap()) {
            let shown = || format!("{}: ledger {}", document.display(), words.join(" "));
            check(&repo, &words).unwrap_or_else(|why| panic!("{}: {why}", shown()));
        }
    }
}

#[test]
fn every_example_in_the_help_exists_with_its_flags() {
    let repo = TestRepo::bare_of_ledger();
    let main = repo.ledger("", &["--help"]).exits(0);
    let helps = subcommands(&main).into_iter().map(|command| repo.ledger("", &["help", &command]).exits(0));
    for help in helps.chain([main.clone()]) {
        let examples = help.lines().skip_while(|line| *line != "Examples:").take_while(|line| !line.is_empty());
        // What an example is for stands some way to its right.
        let lines: Vec<&str> = examples.filter_map(|line| line.trim_start().split("   ").next()).collect();
        for words in commands(&format!("```\n{}\n```", lines.join("\n"))) {
            check(&repo, &words).unwrap_or_else(|why| panic!("ledger {}: {why}", words.join(" ")));
        }
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let repo = TestRepo::bare_of_ledger();
    let text = "```sh\n$ ledger opne qa   # a comment\n  → ledger open qa --relaese 1 && git add .\nledger verify\n```\nledger outside\n\
                ```text\nledger run tests -- cargo --frob | tee log\nledger policy chekc\nledger -C dir policy check\n```\n";
    let shown = commands(text);
    let verdicts: Vec<bool> = shown.iter().map(|words| check(&repo, words).is_ok()).collect();
    assert_eq!(verdicts, [false, false, true, true, false, true], "{shown:?}");
}

#[test]
fn no_command_hides_a_flag_that_every_command_takes() {
    let repo = TestRepo::bare_of_ledger();
    let globals =
        ["-C <DIR>", "--json", "--as <PERSON>", "--key <FILE>", "--dry-run", "--root <DIGEST>", "--lang <LANG>"];
    let mut hidden = Vec::new();
    for command in subcommands(&repo.ledger("", &["--help"]).exits(0)) {
        let help = repo.ledger("", &["help", &command]).exits(0);
        hidden.extend(globals.iter().filter(|flag| !help.contains(**flag)).map(|flag| format!("{command}: {flag}")));
    }
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn the_page_of_readers_names_every_format_and_every_fact() {
    use ledger::evidence::readers::{OTHERS, READERS};
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/readers.md")).unwrap();
    let row = |format: &str, about: &str| format!("| [`{format}`](#{format}) | {} |\n", about.replace('|', "\\|"));
    let overview: String = READERS.iter().map(|reader| row(reader.format, reader.about)).collect();
    assert!(page.contains(&format!("\n|---|---|\n{overview}\n")), "the overview must be\n{overview}");
    let sections = page.split("\n### `").skip(1).map(|section| section.split("\n## ").next().unwrap());
    let sections: Vec<(&str, &str)> = sections.map(|section| section.split_once("`\n").unwrap()).collect();
    let formats: Vec<&str> = READERS.iter().map(|reader| reader.format).collect();
    assert_eq!(sections.iter().map(|(format, _)| *format).collect::<Vec<_>>(), formats, "a section each, in order");
    let types = ["integer", "boolean", "text", "quantity", "instant", "list", "group", "any", "or"];
    for (reader, (_, section)) in READERS.iter().zip(&sections) {
        let rows: Vec<Vec<&str>> = section
            .lines()
            .filter(|line| line.starts_with("| `") || line.starts_with("| *"))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let named: Vec<&str> = rows.iter().map(|row| row[1].trim_matches('`')).collect();
        let wanted: Vec<&str> = reader.facts.iter().map(|fact| if *fact == OTHERS { "*name*" } else { fact }).collect();
        let named: Vec<&str> = named.into_iter().filter(|name| !name.starts_with("*name*`")).collect();
        assert_eq!(named, wanted, "a row for every fact of {}, in order", reader.format);
        for row in &rows {
            assert!(row[2].split([' ', ',']).all(|word| word.is_empty() || types.contains(&word)), "{row:?}");
            assert!(!row[3].is_empty(), "{row:?}");
        }
    }
}

fn documents(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let (folders, files): (Vec<_>, Vec<_>) = entries.map(|entry| entry.unwrap().path()).partition(|path| path.is_dir());
    let here = files.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "md"));
    here.chain(folders.iter().flat_map(|below| documents(below))).collect()
}

/// Checks one command line against the help of its (sub)command.
fn check(repo: &TestRepo, words: &[String]) -> Result<(), String> {
    let mut path: Vec<&str> = vec!["help"];
    let mut help = repo.ledger("", &["--help"]).exits(0);
    let mut words = words.iter().map(String::as_str).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let known = subcommands(&help);
        match word {
            "-C" => drop(words.next()),
            _ if word.starts_with('-') && word != "-" => {
                let flag = word.split('=').next().unwrap_or_default();
                let takes = |line: &str| line.split([' ', ',']).any(|part| part == flag);
                if !help.lines().any(|line| line.trim_start().starts_with('-') && takes(line)) {
                    return Err(format!("{flag} is no flag of it"));
                }
            }
            _ if known.is_empty() => {}
            _ if !known.iter().any(|name| name == word) => return Err(format!("{word} is no command")),
            _ => {
                path.push(word);
                help = repo.ledger("", &path).exits(0);
            }
        }
    }
    Ok(())
}

/// The names a help lists under "Commands:".
fn subcommands(help: &str) -> Vec<String> {
    let below = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names =
        below.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The command lines of fenced blocks, without prompt, comment and what a shell adds.
fn commands(markdown: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            let line = line.split(" #").next().unwrap_or_default();
            let commands = line.split(" && ").flat_map(|part| part.split(" | ")).map(str::trim);
            let own = commands.filter_map(|part| part.trim_start_matches(['$', '→', ' ']).strip_prefix("ledger "));
            found.extend(own.map(words));
        }
    }
    found
}

/// Words as a shell takes them apart, up to a redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut quoted = None;
    let mut word = String::new();
    for character in line.chars().chain([' ']) {
        match (quoted, character) {
            (Some(quote), _) if quote == character => quoted = None,
            (None, '"' | '\'') => quoted = Some(character),
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words.into_iter().take_while(|word| !["<", ">", ">>", "\\"].contains(&word.as_str())).collect()
}
