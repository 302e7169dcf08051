//! What reaches terminals and pipes: colour only where it is wanted, and no answer lost unsaid.

use ledger::chain::Limits;
use ledger::id::{Digest, Timestamp};

use crate::steps::{approved, says_all, supplied, types};
use crate::support::forge::{Forge, verify};
use crate::support::{POLICY, TestRepo, finish};
use crate::tamper::story;

#[test]
fn nobody_who_wants_no_colour_gets_any() {
    let repo = supplied(&POLICY, "min");
    let lines = ["status", "check alpha", "verify", "log", "show 0", "promote alpha", "check nowhere", "--help"];
    for line in lines.map(|line| line.split(' ').collect::<Vec<_>>()) {
        for env in [("NO_COLOR", "1"), ("LEDGER_COLOR", "never"), ("LEDGER_COLOR", "")] {
            assert!(!repo.ledger_in(&repo.path, "", &line, &[env]).said().contains('\u{1b}'), "{line:?} with {env:?}");
        }
        let never = [&["--color", "never"], line.as_slice()].concat();
        assert!(!repo.ledger_in(&repo.path, "", &never, &[("LEDGER_COLOR", "always")]).said().contains('\u{1b}'));
    }
    let always = repo.ledger_in(&repo.path, "", &["check", "alpha"], &[("LEDGER_COLOR", "always")]);
    assert!(always.said().contains('\u{1b}'));
}

/// The same where it matters: on a terminal, which util-linux's `script` makes.
#[cfg(target_os = "linux")]
#[test]
fn nobody_who_wants_no_colour_gets_any_on_a_terminal() {
    let repo = supplied(&POLICY, "min");
    if repo.command("script", &repo.path).arg("--version").output().is_err() {
        return;
    }
    let shows_colour = |line: &str, env: &[(&str, &str)]| {
        let mut script = repo.command("script", &repo.path);
        script.args(["-qec", &format!("{} {line}", env!("CARGO_BIN_EXE_ledger")), "/dev/null"]);
        script.env("TERM", "xterm").envs(env.iter().copied());
        finish(&mut script).out.contains('\u{1b}')
    };
    for line in ["status", "check alpha", "verify --help", "--help", "statsu"] {
        assert!(!shows_colour(line, &[("NO_COLOR", "1")]), "{line} with NO_COLOR");
        assert!(!shows_colour(&format!("--color never {line}"), &[]), "--color never {line}");
    }
    assert!(shows_colour("status", &[]));
}

#[test]
fn verify_and_log_say_what_the_branch_holds() {
    let repo = story();
    let drafts = Forge::of(&repo).drafts;
    let newest = Timestamp::from_seconds(drafts.last().unwrap().commit.seconds).unwrap();
    let whole = verify(&drafts, Limits::default(), newest).unwrap();
    let tip = repo.git(&["rev-parse", "evidence"]);
    says_all(
        &types(&repo, "", "verify", 0),
        &[
            "holds: example.org/acme/widget",
            "14 entries by 4 signers",
            "2 approvals",
            "2 promotions",
            &format!("root   sha256:{}", whole.root()),
            &format!("first  sha256:{} (as pinned)", Digest::of(&drafts[0].statement)),
            &format!("tip    {} at {newest}", tip.trim()),
        ],
    );
    let log = repo.ledger("", &["log", "--json"]).json();
    let branch = repo.git(&["log", "--format=%H %s", "evidence"]);
    let entries = log["entries"].as_array().unwrap();
    let mut told: Vec<(u64, String)> = entries
        .iter()
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap().to_owned();
            (entry["entry"].as_u64().unwrap(), format!("{} {}", text("commit"), text("summary")))
        })
        .collect();
    told.sort();
    let told: Vec<String> = told.into_iter().rev().map(|(_, line)| line).collect();
    assert_eq!(told, branch.lines().collect::<Vec<_>>());
}

#[test]
fn a_reader_that_goes_away_changes_no_answer() {
    let repo = supplied(&POLICY, "min");
    let other = format!("verify --json --root {}", Digest::of(b"another ledger"));
    for (line, code) in
        [("log", 0), ("verify", 0), ("status --json", 0), ("check alpha", 1), ("show 99", 2), (&other, 4)]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
        let ran = finish(command.args(line.split(' ')).stdout(writer));
        assert_eq!(ran.code, code, "{line}: {}", ran.err);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_yes_that_could_not_be_written_is_none() {
    let repo = supplied(&POLICY, "min");
    for (line, code) in [("log", 3), ("verify", 3), ("--help", 3), ("check alpha", 1)] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
        let ran = finish(command.args(line.split(' ')).stdout(full));
        assert_eq!(ran.code, code, "{line}: {}", ran.err);
    }
}

#[test]
fn one_of_a_kind_is_counted_in_the_singular() {
    let repo = TestRepo::with_ledger(&POLICY);
    says_all(&types(&repo, "", "verify", 0), &["  1 entry by 1 signer, ", " · 0 approvals · 0 promotions, "]);
    let repo = approved();
    says_all(&types(&repo, "", "verify", 0), &["  5 entries by 3 signers, ", " · 1 approval · 0 promotions, "]);
}

/// Readers keep such characters as they are: a heading is what it is, and only its showing is made safe.
#[test]
fn what_evidence_would_do_to_a_terminal_is_shown_instead() {
    let hostile = "\u{202e}dne \u{1b}[2J\u{200b}\u{9b}x";
    let shown = "⟨U+202E⟩dne ⟨U+001B⟩[2J⟨U+200B⟩⟨U+009B⟩x";
    let repo = TestRepo::with_ledger(&POLICY);
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo.write("docs/qa.md", format!("# QA {hostile}\n\n- [ ] starts\n"));
    repo.write("a.sha256", format!("{}  {hostile}\n{}  {hostile}\n", "e3".repeat(32), "e4".repeat(32)));
    types(&repo, "kim", "record qa-checklist", 0);
    let facts = repo.ledger("", &["facts", "--json", "docs/qa.md"]).json();
    assert!(facts["facts"]["sections"].as_object().unwrap().contains_key(&format!("QA {hostile}")), "{facts}");
    for (line, code, part) in [
        ("facts docs/qa.md", 0, shown),
        ("show 2", 0, "⟨U+202E⟩dne \\u001b[2J⟨U+200B⟩⟨U+009B⟩x"),
        ("facts a.sha256", 2, "a second, different sum"),
    ] {
        let said = types(&repo, "", line, code);
        assert!(!said.contains(['\u{202e}', '\u{1b}', '\u{200b}', '\u{9b}']), "{line}: {said}");
        assert!(said.contains(part), "{line}: {said}");
    }
}

/// An answer that nobody could be given is none.
#[cfg(target_os = "linux")]
#[test]
fn a_yes_that_cannot_be_written_is_no_yes() {
    let repo = crate::steps::approved();
    let run = |redirect: &str, line: &str| {
        let script = format!("exec \"$0\" {line} {redirect}");
        let args = ["-c", &script, env!("CARGO_BIN_EXE_ledger")];
        crate::support::finish(repo.command("sh", &repo.path).args(args)).code
    };
    for line in ["check alpha", "check alpha --ci", "--json check alpha", "verify", "log", "--help", "policy show"] {
        assert_eq!((run(">/dev/full", line), run(">/dev/null", line), run("2>&-", line)), (3, 0, 0), "{line}");
    }
    assert_eq!(run(">/dev/full", "check ga"), 1, "a no stays one");
}
