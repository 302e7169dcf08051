//! What was verified before saves time and changes no answer: every question is asked twice, once
//! going on from a state that is behind, once with nothing known.

use std::path::{Path, PathBuf};

use crate::steps::{QA, types};
use crate::support::{POLICY, TestRepo, files, finish};

/// Questions whose answers rest on the ledger.
const QUESTIONS: &[&str] = &[
    "check alpha --json",
    "check ga --json",
    "check alpha --release 1.0 --json",
    "status --json",
    "status",
    "sign alpha --yes --dry-run",
    "sign ga --yes --dry-run",
    "promote alpha --dry-run --json",
    "open alpha --dry-run",
    "record qa-checklist --dry-run",
    "notes 1.0 --json",
    "log --json",
    "log -n 2",
    "log --kind policy",
    "log --gate alpha --person KIM --since 2020-01-01 --json",
    "show 2 --json",
    "export dsse 0 1",
    "export allowed-signers",
    "revoke 2 -m wrong --dry-run",
    "verify --json",
];

/// A repository, and a colleague's clone that pushes into it.
struct Team {
    repo: TestRepo,
    colleague: PathBuf,
}

impl Team {
    /// Alpha of 1.0 is open and has everything but signatures; the state knows all of it.
    fn at_alpha() -> Self {
        let repo = TestRepo::with_ledger(&POLICY);
        repo.write("docs/qa.md", QA);
        repo.write("build/app_1.0.bin", "binary");
        types(&repo, "min", "open alpha --release 1.0", 0);
        types(&repo, "min", "record artifacts", 0);
        types(&repo, "kim", "record qa-checklist", 0);
        repo.git(&["clone", "-q", ".", "../colleague"]);
        let colleague = repo.home().join("colleague");
        std::fs::create_dir_all(colleague.join("docs")).unwrap();
        std::fs::write(colleague.join("docs/qa.md"), QA).unwrap();
        let team = Self { repo, colleague };
        team.git(&["branch", "-q", "evidence", "origin/evidence"]);
        team
    }

    fn git(&self, args: &[&str]) {
        let ran = finish(self.repo.command("git", &self.colleague).args(args));
        assert_eq!(ran.code, 0, "git {args:?}: {ran:?}");
    }

    /// The colleague does something and shares it; then every question is asked twice.
    #[track_caller]
    fn colleague(&self, who: &str, line: &str) {
        self.git(&["fetch", "-q", "origin", "refs/heads/evidence:refs/heads/evidence"]);
        let words: Vec<&str> = line.split_whitespace().collect();
        let _ = self.repo.ledger_in(&self.colleague, who, &words, &[]).exits(0);
        self.git(&["push", "-q", "origin", "evidence"]);
        self.answers_agree(line);
    }

    /// The state is put back before each question, so that each has to catch up by itself.
    #[track_caller]
    fn answers_agree(&self, after: &str) {
        let state = self.repo.home().join("state");
        let kept = self.repo.home().join("kept");
        let _ = std::fs::remove_dir_all(&kept);
        copy(&state, &kept);
        for question in QUESTIONS {
            let words: Vec<&str> = question.split_whitespace().collect();
            let ask = |name: &str| {
                let folder = self.repo.home().join(name);
                let env = [("XDG_STATE_HOME", folder.to_str().unwrap())];
                let ran = self.repo.ledger_in(&self.repo.path, "han", &words, &env);
                (ran.code, ran.out.lines().map(str::to_owned).collect::<Vec<_>>())
            };
            let _ = std::fs::remove_dir_all(&state);
            copy(&kept, &state);
            forget_what_was_seen(&state);
            let resumed = ask("state");
            let _ = std::fs::remove_dir_all(self.repo.home().join("nothing"));
            let fresh = ask("nothing");
            let differs = resumed.1.iter().zip(&fresh.1).find(|(resumed, fresh)| resumed != fresh);
            assert!(resumed == fresh, "`ledger {question}` after {after}: {} and {}, {differs:?}", resumed.0, fresh.0);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// What is asked here is whether going on from a state gives the answers of a fresh look; the memory of
/// what was seen is to give another one, see anchor.rs.
fn forget_what_was_seen(state: &Path) {
    let _ = std::fs::remove_dir_all(state.join("ledger/seen"));
}

#[test]
fn what_a_colleague_added_counts_at_once() {
    let team = Team::at_alpha();
    team.colleague("kim", "sign alpha --yes");
    team.colleague("han", "sign alpha --reject --yes -m wait");
    team.colleague("han", "sign alpha --withdraw --yes -m fine");
    std::fs::write(team.colleague.join("docs/qa.md"), "- [x] installs\n- [ ] stops\n").unwrap();
    team.colleague("kim", "record qa-checklist");
    std::fs::write(team.colleague.join("docs/qa.md"), QA).unwrap();
    team.colleague("kim", "record qa-checklist");
    team.colleague("kim", "sign alpha --yes");
    team.colleague("min", "promote alpha");
    team.colleague("min", "open alpha --release 1.0 --retry");
}

#[test]
fn a_rejection_that_was_fetched_closes_the_gate() {
    let team = Team::at_alpha();
    types(&team.repo, "kim", "sign alpha --yes", 0);
    types(&team.repo, "", "check alpha", 0);
    team.git(&["fetch", "-q", "origin", "refs/heads/evidence:refs/heads/evidence"]);
    let words = ["sign", "alpha", "--reject", "--yes", "-m", "wrong build"];
    let _ = team.repo.ledger_in(&team.colleague, "han", &words, &[]).exits(0);
    team.git(&["push", "-q", "origin", "evidence"]);
    types(&team.repo, "", "check alpha", 1);
}

#[test]
fn no_promotion_is_recorded_on_what_evidence_used_to_say() {
    let team = Team::at_alpha();
    types(&team.repo, "kim", "sign alpha --yes", 0);
    types(&team.repo, "", "check alpha", 0);
    team.git(&["fetch", "-q", "origin", "refs/heads/evidence:refs/heads/evidence"]);
    std::fs::write(team.colleague.join("docs/qa.md"), "- [x] installs\n- [ ] stops\n").unwrap();
    let _ = team.repo.ledger_in(&team.colleague, "kim", &["record", "qa-checklist"], &[]).exits(0);
    team.git(&["push", "-q", "origin", "evidence"]);
    // The work tree here still has the file as it was; only the ledger says that it changed.
    let before = team.repo.git(&["rev-parse", "evidence"]);
    let tried = team.repo.ledger("min", &["promote", "alpha"]);
    assert_eq!(team.repo.git(&["rev-parse", "evidence"]), before, "{tried:?}");
    let _ = tried.exits(1);
    types(&team.repo, "", "verify", 0);
}

#[test]
fn the_newest_release_is_the_same_one_whoever_opened_an_older_one_again() {
    let team = Team::at_alpha();
    team.colleague("min", "open alpha --release 1.1");
    team.colleague("min", "open ga --release 1.0");
    team.colleague("min", "open alpha --release 1.0 --retry");
    team.colleague("min", "open ga --release 1.1");
}

#[test]
fn a_policy_that_was_fetched_is_in_force() {
    let team = Team::at_alpha();
    let text = POLICY.text(&team.repo).replace("\"qa-lead\", \"release-owner\"", "\"release-owner\"");
    std::fs::write(team.colleague.join("ledger.toml"), text).unwrap();
    team.colleague("lee", "policy apply -m rules --yes");
    team.colleague("kim", "sign alpha --yes");
}

#[test]
fn a_damaged_state_costs_time_and_nothing_else() {
    let team = Team::at_alpha();
    types(&team.repo, "kim", "sign alpha --yes", 0);
    let state = team.repo.home().join("state");
    forget_what_was_seen(&state);
    let whole: Vec<(PathBuf, Vec<u8>)> =
        files(&state).into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect();
    assert!(!whole.is_empty());
    for (file, bytes) in &whole {
        let half = bytes.len() / 2;
        let shorter = |length: usize| bytes[..length.min(bytes.len())].to_vec();
        let zeroed = |from: usize| shorter(from).into_iter().chain(std::iter::repeat(0)).take(bytes.len()).collect();
        let almost = bytes.len().saturating_sub(1);
        let damages = [Vec::new(), b"{}".to_vec(), shorter(half), shorter(almost), zeroed(half), zeroed(4096)];
        for damaged in damages {
            whole.iter().for_each(|(file, bytes)| std::fs::write(file, bytes).unwrap());
            std::fs::write(file, &damaged).unwrap();
            team.answers_agree(&format!("{} of {} bytes of {}", damaged.len(), bytes.len(), file.display()));
        }
        whole.iter().for_each(|(file, bytes)| std::fs::write(file, bytes).unwrap());
        std::fs::remove_file(file).unwrap();
        team.answers_agree(&format!("{} removed", file.display()));
    }
}

#[test]
fn a_branch_that_went_back_or_elsewhere_is_judged_as_it_is() {
    let team = Team::at_alpha();
    types(&team.repo, "kim", "sign alpha --yes", 0);
    let lost = team.repo.commits().remove(0);
    team.repo.git(&["update-ref", "refs/heads/evidence", "evidence~1"]);
    let witness = team.repo.home().join("witness");
    copy(&team.repo.home().join("state"), &witness);
    let env = [("XDG_STATE_HOME", witness.to_str().unwrap())];
    let noticed = team.repo.ledger_in(&team.repo.path, "", &["check", "alpha"], &env);
    assert!(noticed.err.contains(&lost), "what is gone is named: {noticed:?}");
    team.answers_agree("the branch went back");
    forget_what_was_seen(&team.repo.home().join("state"));
    types(&team.repo, "han", "sign alpha --yes", 0);
    team.answers_agree("another entry stands there");
    let empty = team.repo.git(&["commit-tree", "-m", "x", "evidence^{tree}"]);
    team.repo.git(&["update-ref", "refs/heads/evidence", empty.trim()]);
    team.answers_agree("something else altogether");
}
