//! What was seen before: a ledger that goes back, or elsewhere, is named as what it is.

use std::path::{Path, PathBuf};

use crate::steps::{says_all, types};
use crate::support::{POLICY, Ran, TestRepo, files, finish};

/// A ledger of eight entries in a shared repository, and a clone in which all of it was seen.
struct Shared {
    repo: TestRepo,
    clone: PathBuf,
}

impl Shared {
    fn new() -> Self {
        let repo = TestRepo::with_ledger(&POLICY);
        types(&repo, "lee", "open ga --release 1.0", 0);
        grow(&repo, "a", 6);
        repo.git(&["clone", "-q", ".", "../clone"]);
        let clone = repo.home().join("clone");
        let shared = Self { repo, clone };
        let _ = shared.verify(&[]).exits(0);
        shared
    }

    /// Somebody verifies the clone, with a memory of their own.
    fn verify(&self, args: &[&str]) -> Ran {
        self.in_clone("auditor", &[&["verify", "--json"], args].concat())
    }

    fn in_clone(&self, memory: &str, args: &[&str]) -> Ran {
        let state = self.memory(memory);
        self.repo.ledger_in(&self.clone, "", args, &[("XDG_STATE_HOME", state.to_str().unwrap())])
    }

    /// Git, in the clone.
    fn git(&self, args: &[&str]) {
        assert_eq!(finish(self.repo.command("git", &self.clone).args(args)).code, 0, "{args:?}");
    }

    fn memory(&self, name: &str) -> PathBuf {
        self.repo.home().join(name)
    }

    /// The host serves another branch, and the clone takes it.
    fn serve(&self, commit: &str) {
        self.repo.git(&["update-ref", "refs/heads/evidence", commit]);
        let ran = finish(self.repo.command("git", &self.clone).args([
            "fetch",
            "-qf",
            "origin",
            "+evidence:refs/remotes/origin/evidence",
        ]));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

impl Shared {
    /// The host serves a branch that lost its newest entries and has `more` others.
    fn serve_another(&self, lost: usize, more: usize) {
        self.repo.git(&["update-ref", "refs/heads/evidence", &format!("evidence~{lost}")]);
        // The program that writes the others has seen nothing.
        let _ = std::fs::remove_dir_all(self.repo.home().join("state"));
        grow(&self.repo, "b", more);
        self.serve("evidence");
    }
}

fn grow(repo: &TestRepo, text: &str, count: usize) {
    for turn in 0..count {
        repo.write("note.txt", format!("{text} {turn}\n"));
        types(repo, "lee", "record announcement note.txt --gate ga", 0);
    }
}

/// A repository about to begin a ledger of the same name.
fn begun_again() -> TestRepo {
    let repo = TestRepo::bare_of_ledger();
    repo.write("ledger.toml", format!("# another\n{}", POLICY.text(&repo)));
    repo
}

#[track_caller]
fn fault(ran: &Ran) -> (String, String) {
    assert_eq!(ran.code, 4, "{ran:?}");
    let faults = ran.json()["faults"].as_array().unwrap().clone();
    assert_eq!(faults.len(), 1, "{faults:?}");
    (faults[0]["fault"].as_str().unwrap().to_owned(), faults[0].to_string())
}

/// The one memory of a state; contradictions that were kept have longer names.
fn the_memory(state: &Path) -> PathBuf {
    let is_memory =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == "0".repeat(32).len() + ".json".len());
    files(&state.join("ledger/seen")).into_iter().find(is_memory).unwrap()
}

#[test]
fn a_branch_that_was_cut_back_is_a_rollback() {
    let shared = Shared::new();
    let (whole, cut) = (shared.repo.git(&["rev-parse", "evidence"]), shared.repo.git(&["rev-parse", "evidence~3"]));
    shared.serve(cut.trim());
    let (word, text) = fault(&shared.verify(&[]));
    assert_eq!(word, "rollback");
    says_all(&text, &["8 entries", "5 entries", whole.trim(), cut.trim()]);
    // Whoever has never seen more cannot know: that is what the memory is for.
    let _ = shared.in_clone("newcomer", &["verify"]).exits(0);
    // Every command refuses, not only the one that verifies.
    let _ = shared.in_clone("auditor", &["status"]).exits(4);
    let _ = shared.in_clone("auditor", &["check", "ga"]).exits(4);
    shared.serve(whole.trim());
    let _ = shared.verify(&[]).exits(0);
}

#[test]
fn a_branch_that_goes_on_differently_is_a_fork() {
    let shared = Shared::new();
    let whole = shared.repo.git(&["rev-parse", "evidence"]);
    shared.serve_another(3, 5);
    let ran = shared.verify(&[]);
    let (word, text) = fault(&ran);
    assert_eq!(word, "fork");
    says_all(&text, &[whole.trim(), shared.repo.git(&["rev-parse", "evidence"]).trim()]);
    let kept: Vec<PathBuf> = files(&shared.memory("auditor/ledger/seen"))
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("against-"))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    says_all(&std::fs::read_to_string(&kept[0]).unwrap(), &["\"fork\"", whole.trim()]);
    // Looking again changes nothing, and the true ledger is still known.
    assert_eq!(fault(&shared.verify(&[])).0, "fork");
    shared.serve(whole.trim());
    let _ = shared.verify(&[]).exits(0);
}

#[test]
fn another_ledger_under_the_same_name_is_a_replacement() {
    let shared = Shared::new();
    let other = begun_again();
    types(&other, "lee", "init", 0);
    let state = shared.memory("auditor");
    let ran = other.ledger_in(&other.path, "", &["verify", "--json"], &[("XDG_STATE_HOME", state.to_str().unwrap())]);
    assert_eq!(fault(&ran).0, "replaced");
    let _ = shared.verify(&[]).exits(0);
}

#[test]
fn own_entries_that_were_never_pushed_may_be_made_again() {
    let shared = Shared::new();
    shared.git(&["branch", "-q", "evidence", "origin/evidence"]);
    let state = shared.memory("auditor");
    let env = [("XDG_STATE_HOME", state.to_str().unwrap())];
    std::fs::write(shared.clone.join("own.txt"), "own\n").unwrap();
    let words = ["record", "announcement", "own.txt", "--gate", "ga"];
    let _ = shared.repo.ledger_in(&shared.clone, "lee", &words, &env).exits(0);
    shared.git(&["branch", "-qf", "evidence", "origin/evidence"]);
    let _ = shared.verify(&[]).exits(0);
    let _ = shared.repo.ledger_in(&shared.clone, "lee", &words, &env).exits(0);
    shared.git(&["push", "-q", "origin", "evidence"]);
    let _ = shared.verify(&[]).exits(0);
    // Behind what this clone itself has fetched it says so; when the server's branch is back as well, it is a rollback.
    shared.git(&["branch", "-qf", "evidence", "evidence~1"]);
    says_all(&shared.verify(&[]).said(), &["origin has entries that are not here yet"]);
    shared.git(&["update-ref", "refs/remotes/origin/evidence", "evidence"]);
    assert_eq!(fault(&shared.verify(&[])).0, "rollback", "pushed is seen");
}

/// Two clones of one person: what one pushed accuses nobody in the other.
#[test]
fn a_clone_that_has_not_fetched_is_behind_and_no_rollback() {
    let shared = Shared::new();
    shared.git(&["branch", "-q", "evidence", "origin/evidence"]);
    let _ = shared.verify(&[]).exits(0);
    let state = shared.memory("auditor");
    let env = [("XDG_STATE_HOME", state.to_str().unwrap())];
    shared.repo.write("own.txt", "own\n");
    let words = ["record", "announcement", "own.txt", "--gate", "ga"];
    let _ = shared.repo.ledger_in(&shared.repo.path, "lee", &words, &env).exits(0);
    let _ = shared.repo.ledger_in(&shared.repo.path, "", &["verify"], &env).exits(0);
    for line in [vec!["verify"], vec!["status"]] {
        let told = shared.repo.ledger_in(&shared.clone, "", &line, &env);
        says_all(&told.said(), &["this clone is behind", "ledger pull --remote origin"]);
        let _ = told.exits(3);
    }
    // An own entry on the old branch parts from what was seen, and is told so once that is fetched.
    shared.git(&["fetch", "-q", "origin"]);
    let commit = shared.repo.git(&["rev-parse", "evidence"]);
    says_all(&shared.verify(&[]).said(), &["origin has entries that are not here yet"]);
    shared.git(&["fetch", "-q", "origin", "refs/heads/evidence:refs/heads/evidence"]);
    assert_eq!(shared.verify(&[]).json()["tip"], commit.trim());
}

/// What a clone has not fetched whole says nothing about the server.
#[test]
fn a_shallow_fetch_accuses_no_server() {
    let shared = Shared::new();
    shared.git(&["branch", "-q", "evidence", "origin/evidence"]);
    let _ = shared.verify(&[]).exits(0);
    for text in ["1", "2", "3"] {
        shared.repo.write("own.txt", text);
        types(&shared.repo, "lee", "record announcement own.txt --gate ga", 0);
    }
    let url = format!("file://{}", shared.repo.path.display());
    shared.git(&["fetch", "-q", "--depth=1", &url, "+refs/heads/evidence:refs/remotes/origin/evidence"]);
    assert_ne!(shared.verify(&[]).code, 4);
}

#[test]
fn two_people_compare_what_they_saw() {
    let shared = Shared::new();
    let seen = shared.verify(&[]).json();
    let root = seen["root"].as_str().unwrap();
    let _ = shared.verify(&["--against", &format!("8:sha256:{root}")]).exits(0);
    let _ = shared.verify(&["--against", &format!("8:{root}")]).exits(0);
    assert_eq!(fault(&shared.verify(&["--against", &format!("7:{root}")])).0, "fork");
    let _ = shared.verify(&["--against", &format!("9:{root}")]).exits(3);
    for wrong in
        ["", "0:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "8", "8:", ":x", "eight:00", "8:00"]
    {
        let _ = shared.verify(&["--against", wrong]).exits(2);
    }
}

#[test]
fn a_memory_that_cannot_be_read_is_no_memory_of_nothing() {
    let shared = Shared::new();
    let memory = the_memory(&shared.memory("auditor"));
    let good = std::fs::read(&memory).unwrap();
    // A digit of a root: it would look like a fork.
    let at = good.windows(4).position(|four| four == b"root").unwrap() + 10;
    let mut flipped = good.clone();
    flipped[at] = if flipped[at] == b'0' { b'1' } else { b'0' };
    for bad in [&b""[..], b"{}", &good[..good.len() / 2], &flipped] {
        std::fs::write(&memory, bad).unwrap();
        let ran = shared.verify(&[]);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert_eq!(std::fs::read(&memory).unwrap(), bad, "nothing is thrown away");
    }
    std::fs::write(&memory, good).unwrap();
    let _ = shared.verify(&[]).exits(0);
}

#[test]
fn a_second_ledger_of_the_same_name_begun_here_stands_beside_the_first() {
    let first = TestRepo::with_ledger(&POLICY);
    let state = first.home().join("state");
    let _ = first.ledger("", &["verify"]).exits(0);
    let env = [("XDG_STATE_HOME", state.to_str().unwrap())];
    let second = begun_again();
    let ran = second.ledger_in(&second.path, "lee", &["init"], &env);
    says_all(&ran.said(), &["another ledger called example.org/acme/widget was seen", "both are known"]);
    let _ = ran.exits(0);
    let _ = second.ledger_in(&second.path, "", &["verify"], &env).exits(0);
    let _ = first.ledger("", &["log"]).exits(0);
    let _ = first.ledger("", &["verify"]).exits(0);
    // One that was neither begun nor accepted here is still a replacement.
    let third = begun_again();
    third.write("ledger.toml", format!("# a third\n{}", POLICY.text(&third)));
    types(&third, "lee", "init", 0);
    assert_eq!(fault(&third.ledger_in(&third.path, "", &["verify", "--json"], &env)).0, "replaced");
}

/// The branch that was served for a while is given up, by figures from somebody who saw the right one.
#[test]
fn what_the_team_agreed_on_is_accepted_by_its_figures() {
    let shared = Shared::new();
    let (whole, cut) = (shared.repo.git(&["rev-parse", "evidence"]), shared.repo.git(&["rev-parse", "evidence~3"]));
    let mut figures = Vec::new();
    for (branch, word) in [(cut.trim(), "rollback"), ("other", "fork"), ("third", "replaced")] {
        match branch {
            "other" => {
                shared.serve_another(2, 5);
            }
            "third" => {
                let third = begun_again();
                types(&third, "lee", "init", 0);
                let theirs = third.path.to_str().unwrap();
                shared.repo.git(&["fetch", "-q", theirs, "+evidence:refs/heads/third"]);
                shared.serve("third");
                std::fs::copy(third.path.join(".ledger.toml"), shared.clone.join(".ledger.toml")).unwrap();
            }
            commit => shared.serve(commit),
        }
        let ran = shared.verify(&[]);
        assert_eq!(fault(&ran).0, word);
        let answer = ran.json();
        says_all(&answer["hints"].to_string(), &["ledger verify --accept SIZE:ROOT"]);
        let right = format!("{}:{}", answer["entries"], answer["root"].as_str().unwrap());
        let wrong = format!("{}:{}", answer["entries"], "0".repeat(64));
        let before = std::fs::read(the_memory(&shared.memory("auditor"))).unwrap();
        assert_eq!(fault(&shared.verify(&["--accept", &wrong])).0, "fork");
        let _ = shared.verify(&["--accept", &format!("999:{}", "0".repeat(64))]).exits(3);
        let _ = shared.in_clone("auditor", &["verify", "--accept", &right, "--dry-run"]);
        assert_eq!(std::fs::read(the_memory(&shared.memory("auditor"))).unwrap(), before, "nothing accepted yet");
        let ran = shared.in_clone("auditor", &["verify", "--accept", &right]);
        says_all(&ran.said(), &["what was seen before is kept in", "what your colleague saw is the beginning of it"]);
        let _ = ran.exits(0);
        let _ = shared.verify(&[]).exits(0);
        let _ = shared.in_clone("auditor", &["log"]).exits(0);
        figures.push(before);
        std::thread::sleep(std::time::Duration::from_millis(1_100));
    }
    let kept = files(&shared.memory("auditor/ledger/seen"));
    for before in figures {
        assert!(kept.iter().any(|path| std::fs::read(path).unwrap() == before), "the old memory is evidence");
    }
    // What was given up is now what contradicts.
    shared.serve(whole.trim());
    let _ = finish(shared.repo.command("git", &shared.clone).args(["checkout", "-q", ".ledger.toml"])).exits(0);
    assert_eq!(fault(&shared.verify(&[])).0, "fork");
}

/// The local branch has everything; only the server went back, or elsewhere.
#[test]
fn a_server_that_serves_less_than_it_did_is_not_to_be_followed() {
    let shared = Shared::new();
    let (whole, cut) = (shared.repo.git(&["rev-parse", "evidence"]), shared.repo.git(&["rev-parse", "evidence~3"]));
    shared.git(&["branch", "-q", "evidence", "origin/evidence"]);
    let _ = shared.verify(&[]).exits(0);

    shared.serve(cut.trim());
    let (word, text) = fault(&shared.verify(&[]));
    assert_eq!(word, "withheld");
    says_all(&text, &["8 entries on origin", "5 entries", cut.trim()]);
    let ran = shared.in_clone("auditor", &["status"]);
    says_all(&ran.err, &["warning: withheld", "do not take theirs"]);
    assert!(!ran.err.contains("take theirs, and bring"), "{}", ran.err);
    let _ = ran.exits(0);

    shared.serve_another(1, 9);
    let (word, text) = fault(&shared.verify(&[]));
    says_all(&text, &["another past after entry 3"]);
    assert_eq!(word, "withheld");

    // Somebody puts it back, and more comes: all is well, and a colleague who was only faster is no thief.
    shared.repo.git(&["update-ref", "refs/heads/evidence", whole.trim()]);
    let _ = std::fs::remove_dir_all(shared.repo.home().join("state"));
    grow(&shared.repo, "c", 1);
    shared.serve("evidence");
    let _ = shared.verify(&[]).exits(0);
    says_all(
        &shared.in_clone("auditor", &["status"]).err,
        &["origin has entries that are not here yet", "ledger pull"],
    );
}

/// A tip that names the victim's as its second parent contains it, and is no continuation of it.
#[test]
fn a_merge_of_the_true_branch_into_another_is_no_continuation() {
    let shared = Shared::new();
    shared.git(&["branch", "-q", "evidence", "origin/evidence"]);
    let _ = shared.verify(&[]).exits(0);
    let merged =
        shared.repo.git(&["commit-tree", "evidence~3^{tree}", "-p", "evidence~3", "-p", "evidence", "-m", "merged"]);
    shared.serve(merged.trim());
    assert_eq!(fault(&shared.verify(&[])).0, "withheld");
    let said = shared.in_clone("auditor", &["status"]).said();
    assert!(!said.contains("has entries that are not here yet"), "{said}");
}

#[test]
fn a_shorter_branch_that_is_another_is_a_fork_and_no_rollback() {
    let shared = Shared::new();
    shared.serve_another(3, 1);
    let ran = shared.verify(&[]);
    let (word, text) = fault(&ran);
    says_all(&text, &["another past after entry 4"]);
    assert_eq!(word, "fork");
    // Figures from before they parted fit both, so they say nothing.
    let old = shared.repo.ledger("", &["verify", "--json"]).json();
    let root = shared.repo.git(&["log", "-1", "--format=%B", "evidence"]);
    let before = root.lines().find_map(|line| line.strip_prefix("Ledger-Before: ")).unwrap().replace(' ', ":");
    assert_eq!(old["entries"], 6);
    let _ = shared.verify(&["--against", &before]).exits(4);
    let refused = shared.in_clone("auditor", &["verify", "--accept", &before]);
    says_all(&refused.err, &["older figures fit several branches"]);
    let _ = refused.exits(3);
    assert_eq!(fault(&shared.verify(&[])).0, "fork", "nothing was accepted");
}

/// Whoever writes a policy chooses the name in it; only a pin says that the name is rightly borne.
#[test]
fn a_ledger_nobody_pinned_does_not_speak_against_one_that_is() {
    let shared = Shared::new();
    let other = begun_again();
    types(&other, "lee", "init", 0);
    std::fs::remove_file(other.path.join(".ledger.toml")).unwrap();
    let state = shared.memory("newcomer");
    let env = [("XDG_STATE_HOME", state.to_str().unwrap())];
    let _ = other.ledger_in(&other.path, "", &["verify"], &env).exits(0);
    let _ = shared.in_clone("newcomer", &["verify"]).exits(0);
    // The other way round it is told.
    assert_eq!(fault(&other.ledger_in(&other.path, "", &["verify", "--json"], &env)).0, "replaced");
}

/// What a clone knows of a remote is what it last heard. Only a branch that went back accuses anybody.
#[test]
fn a_server_is_not_accused_for_what_another_served_or_nobody_fetched() {
    let shared = Shared::new();
    let git =
        |args: &[&str]| assert_eq!(finish(shared.repo.command("git", &shared.clone).args(args)).code, 0, "{args:?}");
    git(&["branch", "-q", "evidence", "origin/evidence"]);
    let _ = shared.verify(&[]).exits(0);
    shared.repo.git(&["clone", "-q", "--bare", ".", "../behind.git"]);
    shared.repo.git(&["-C", "../behind.git", "update-ref", "refs/heads/evidence", "evidence~2"]);
    // The project moved to a server that is still behind.
    git(&["remote", "set-url", "origin", "../behind.git"]);
    let _ = shared.verify(&[]).exits(0);
    git(&["fetch", "-qf", "origin", "+evidence:refs/remotes/origin/evidence"]);
    let _ = shared.verify(&[]).exits(0);
    // A backup that is fetched rarely, and a remote no ref can be called by.
    git(&["remote", "add", "backup", "../behind.git"]);
    git(&["fetch", "-q", "backup"]);
    git(&["config", "remote.my backup.url", "../behind.git"]);
    for _ in 0..2 {
        let _ = shared.verify(&[]).exits(0);
        let _ = shared.in_clone("auditor", &["status"]).exits(0);
    }
}

#[test]
fn the_place_where_two_branches_part_is_named_while_both_are_there() {
    let shared = Shared::new();
    let whole = shared.repo.git(&["rev-parse", "evidence"]);
    shared.serve_another(3, 5);
    let answer = shared.verify(&[]).json();
    assert_eq!(answer["faults"][0]["entry"], 5, "{answer}");
    says_all(&answer["faults"][0]["found"].to_string(), &["another past after entry 4", "10 entries"]);
    assert_eq!((&answer["entries"], &answer["anchor"]), (&10.into(), &"pinned".into()));
    // A fresh clone of the server has the other branch alone: only the memory's sizes are left to tell.
    shared.repo.git(&["clone", "-q", "--no-local", ".", "../fresh"]);
    let (fresh, state) = (shared.repo.home().join("fresh"), shared.memory("auditor"));
    let ran = shared.repo.ledger_in(&fresh, "", &["verify", "--json"], &[("XDG_STATE_HOME", state.to_str().unwrap())]);
    let text = fault(&ran).1;
    assert!(!text.contains(&format!("commit {whole}")) && ran.json()["faults"][0]["entry"].is_null());
    says_all(&text, &["another past somewhere from entry 0 to 7"]);
}

#[test]
fn a_gate_opens_in_ci_only_on_the_branch_somebody_saw() {
    let shared = Shared::new();
    let seen = shared.verify(&[]).json();
    let root = seen["root"].as_str().unwrap();
    let check = |figures: &str| shared.in_clone("ci", &["check", "ga", "--ci", "--against", figures]).code;
    let without = shared.in_clone("ci", &["check", "ga", "--ci"]).code;
    assert_eq!((without, check(&format!("8:{root}"))), (1, 1), "closed, but it is the right ledger");
    assert_eq!(check(&format!("7:{root}")), 4);
    assert_eq!(check(&format!("9:{root}")), 3, "cut back");
    assert_eq!(check("0:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), 2, "says nothing");
}

#[test]
fn looking_with_dry_run_remembers_nothing() {
    let shared = Shared::new();
    let _ = shared.in_clone("nobody", &["status", "--dry-run"]).exits(0);
    assert!(files(&shared.memory("nobody/ledger")).is_empty());
}

/// Root writes where it likes, so the folder is a file here.
#[test]
fn a_state_that_cannot_be_written_costs_time_and_is_said() {
    let shared = Shared::new();
    std::fs::write(shared.memory("full"), "no folder").unwrap();
    for _ in 0..2 {
        let ran = shared.in_clone("full", &["verify"]);
        says_all(&ran.err, &["what was seen cannot be kept in"]);
        let _ = ran.exits(0);
        let _ = shared.in_clone("full", &["status"]).exits(0);
    }
    assert_eq!(std::fs::read_to_string(shared.memory("full")).unwrap(), "no folder");
}

#[test]
fn processes_that_share_a_memory_only_add_to_it() {
    let shared = Shared::new();
    let tips: Vec<String> = shared.repo.commits();
    let state = shared.memory("together");
    let env = [("XDG_STATE_HOME", state.to_str().unwrap().to_owned())];
    std::thread::scope(|scope| {
        for turn in 0..8 {
            let (shared, env, tip) = (&shared, &env, &tips[7 - turn]);
            scope.spawn(move || {
                let folder = shared.repo.home().join(format!("at-{turn}"));
                shared.repo.git(&["clone", "-q", ".", folder.to_str().unwrap()]);
                let git = |args: &[&str]| finish(shared.repo.command("git", &folder).args(args));
                assert_eq!(git(&["update-ref", "refs/remotes/origin/evidence", tip]).code, 0);
                let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let ran = shared.repo.ledger_in(&folder, "", &["verify", "--json"], &env);
                // One that is behind what another process has just seen says so; nobody sees a fork.
                assert!(ran.code == 0 || fault(&ran).0 == "rollback", "{ran:?}");
            });
        }
    });
    let memory = the_memory(&state);
    let seen: serde_json::Value = serde_json::from_slice(&std::fs::read(memory).unwrap()).unwrap();
    let sizes: Vec<u64> = seen["seen"]["ledgers"][0]["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["size"].as_u64().unwrap())
        .collect();
    assert!(sizes.is_sorted() && sizes.last() == Some(&8), "{sizes:?}");
}
