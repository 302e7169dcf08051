//! Merge blocking with a real bare remote, real pushes, and the program as its hook.
#![cfg(unix)]

use std::path::PathBuf;

use crate::steps::{ga_supplied, says_all, supply, types};
use crate::support::bulk::Bulk;
use crate::support::forge::Forge;
use crate::support::{POLICY, Policy, Ran, TestRepo, finish};

/// A repository whose remote protects `main` by the gate `ga`, with a change on `main` that is not pushed.
struct Story {
    repo: TestRepo,
    server: PathBuf,
}

impl Story {
    fn new() -> Self {
        Self::with(&POLICY)
    }

    fn with(policy: &Policy) -> Self {
        let story = Self::unprotected(TestRepo::with_ledger(policy));
        let _ = story.push(&["main", "evidence"]).exits(0);
        let _ = story.installs(&["--protect", "main=stage9/ga"]).exits(0);
        story.change("print('new')\n");
        story
    }

    /// The remote is there, empty and without a hook.
    fn unprotected(repo: TestRepo) -> Self {
        let server = repo.home().join("server.git");
        let format = repo.git(&["rev-parse", "--show-object-format"]);
        let format = format!("--object-format={}", format.trim());
        repo.git(&["init", "-q", "--bare", &format, server.to_str().unwrap()]);
        repo.git(&["remote", "add", "origin", server.to_str().unwrap()]);
        Self { repo, server }
    }

    fn installs(&self, more: &[&str]) -> Ran {
        let args = [&["hooks", "install", "--server"], more].concat();
        self.repo.ledger_in(&self.server, "", &args, &[])
    }

    fn change(&self, text: &str) {
        self.repo.write("src/main.py", text);
        self.repo.git(&["add", "src"]);
        self.repo.git(&["commit", "-q", "-m", "change"]);
    }

    /// Pushes with the program on the PATH, as a server has it.
    fn push(&self, refs: &[&str]) -> Ran {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_ledger"));
        let path = std::env::var_os("PATH").unwrap();
        let folders = [program.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path));
        let mut command = self.repo.command("git", &self.repo.path);
        command.env("PATH", std::env::join_paths(folders).unwrap());
        finish(command.args(["push", "-q", "origin"]).args(refs))
    }

    fn refs(&self) -> String {
        self.repo.git(&["-C", self.server.to_str().unwrap(), "for-each-ref"])
    }

    fn on_server(&self, args: &[&str]) -> String {
        self.repo.git(&[&["-C", self.server.to_str().unwrap()], args].concat())
    }

    /// The push is refused, says this, and moves nothing.
    #[track_caller]
    fn refuses(&self, refs: &[&str], parts: &[&str]) {
        let before = self.refs();
        let ran = self.push(refs);
        assert_ne!(ran.code, 0, "{refs:?} was taken:\n{}", ran.err);
        says_all(&ran.err, parts);
        assert_eq!(self.refs(), before, "{refs:?} moved a ref");
    }

    #[track_caller]
    fn takes(&self, refs: &[&str]) {
        let _ = self.push(refs).exits(0);
    }

    /// GA of a release is open for what is checked out, and not promoted yet.
    fn ga_signed(&self, release: &str) {
        supply(&self.repo, "min", release);
        ga_supplied(&self.repo);
        types(&self.repo, "lee", "sign ga --yes", 0);
    }

    fn ga_promoted(&self, release: &str) {
        self.ga_signed(release);
        types(&self.repo, "min", "promote ga", 0);
    }

    /// A commit on top of the evidence branch, by its tree.
    fn commit_of(&self, tree: &str, parents: &[&str]) -> String {
        let parents = parents.iter().flat_map(|parent| ["-p", parent]);
        let args: Vec<&str> = ["commit-tree", tree, "-m", "forged"].into_iter().chain(parents).collect();
        self.repo.git(&args).trim().to_owned()
    }
}

#[test]
fn main_takes_a_commit_only_when_its_gate_is_promoted() {
    let story = Story::new();
    let head = story.repo.git(&["rev-parse", "HEAD"]);
    let unknown = ["main stays as it is", "no release was opened there for commit", head.trim()];
    story.refuses(&["main"], &unknown);
    story.refuses(&["main"], &["ledger open ga --release VERSION --commit"]);
    story.ga_signed("1.0");
    // What the server has not seen does not count; nor does a gate that is open and not promoted.
    story.refuses(&["main"], &unknown);
    story.refuses(&["main", "evidence"], &["is open and not promoted yet for 1.0", "ledger promote ga --release 1.0"]);
    // Whatever the branch is called here, what is to be pushed is the commit that was judged.
    let push = format!("git push --atomic origin refs/heads/evidence {}:main", head.trim());
    story.refuses(&["main", "evidence"], &[&push]);
    story.refuses(&["main:feature", "main:main", "evidence"], &[&push]);
    story.takes(&["evidence"]);
    types(&story.repo, "min", "promote ga", 0);
    story.refuses(&["main"], &["is open and not promoted yet"]);
    story.takes(&["evidence"]);
    story.takes(&["main"]);
    assert!(story.refs().contains(head.trim()));
    // The next commit has not passed, whatever its release is called, on whichever protected name.
    story.change("print('later')\n");
    story.refuses(&["main"], &["no release was opened there"]);
    story.refuses(&["main:MAIN"], &["no release was opened there"]);
    story.takes(&["main:feature", "main:refs/tags/main"]);
}

#[test]
fn evidence_and_main_come_in_one_push() {
    let story = Story::new();
    story.ga_promoted("1.0");
    story.takes(&["main", "evidence"]);
    types(&story.repo, "", "verify", 0);
}

#[test]
fn a_promoted_gate_that_has_closed_takes_nothing() {
    let story = Story::new();
    story.ga_promoted("1.0");
    types(&story.repo, "lee", "sign ga --yes --reject -m broken", 0);
    story.refuses(&["main", "evidence"], &["ga", "is closed", "main stays as it is"]);
    types(&story.repo, "min", "open ga --retry", 0);
    story.refuses(&["main", "evidence"], &["○", "announcement", "is closed"]);
}

#[test]
fn what_is_not_so_below_a_protected_gate_lets_nothing_through() {
    let story = Story::new();
    story.ga_promoted("1.0");
    let mut forge = Forge::of(&story.repo);
    let checklist = forge.drafts.iter_mut().find(|draft| draft.path.contains("qa-checklist")).unwrap();
    checklist.refile(0, b"- [ ] installs\n").done();
    forge.settle();
    forge.lay();
    story.refuses(&["evidence", "main"], &["facts", "done = 0"]);
}

#[test]
fn an_opening_that_hides_a_change_lets_nothing_through() {
    let evals = "\n[[pipeline.stage9.gate.rule]]\nid = \"evals\"\nwhen = { changed = [\"src/**\"] }\n";
    let story = Story::with(&Policy { people: POLICY.people, pipeline: format!("{}{evals}", POLICY.pipeline).leak() });
    story.repo.git(&["tag", "before"]);
    story.repo.write("README.md", "# Words\n");
    story.repo.git(&["add", "README.md"]);
    story.repo.git(&["commit", "-q", "-m", "words"]);
    supply(&story.repo, "min", "1.0");
    types(&story.repo, "kim", "sign alpha --yes", 0);
    types(&story.repo, "kim", "promote alpha", 0);
    types(&story.repo, "min", "open ga --release 1.0 --since before", 0);
    story.repo.write("note.txt", "announced");
    types(&story.repo, "min", "record announcement note.txt", 0);
    types(&story.repo, "lee", "sign ga --yes", 0);
    types(&story.repo, "min", "promote ga", 0);
    let honest = story.repo.git(&["rev-parse", "evidence"]);
    let (before, root) =
        (story.repo.git(&["rev-parse", "before"]), story.repo.git(&["rev-list", "--max-parents=0", "main"]));
    let mut forge = Forge::of(&story.repo);
    let opening = forge.drafts.iter_mut().find(|draft| draft.text().contains("\"since\"")).unwrap();
    opening.says(before.trim(), root.trim()).done();
    forge.settle();
    forge.lay();
    story.refuses(&["evidence", "main"], &["nothing changed under src/**"]);
    story.repo.git(&["update-ref", "refs/heads/evidence", honest.trim()]);
    story.takes(&["evidence", "main"]);
}

#[test]
fn a_protected_branch_only_moves_on() {
    let story = Story::new();
    story.ga_promoted("1.0");
    story.takes(&["evidence", "main"]);
    story.refuses(&[":main"], &["a protected branch is not deleted"]);
    story.refuses(&["+main~1:main"], &["a protected branch only moves on"]);
    let other = story.commit_of(story.repo.git(&["rev-parse", "HEAD^{tree}"]).trim(), &[]);
    story.refuses(&[&format!("+{other}:main")], &["a protected branch only moves on"]);
    // A symbolic ref is the branch it stands for.
    story.on_server(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    story.change("print('later')\n");
    story.refuses(&["main:alias"], &["no release was opened there"]);
}

#[test]
fn a_squashed_merge_with_the_same_content_passes_where_the_pipeline_binds_the_tree() {
    let pipeline = POLICY.pipeline.replacen("folder =", "bind = \"tree\"\nfolder =", 1);
    let story = Story::with(&Policy { people: POLICY.people, pipeline: pipeline.leak() });
    story.ga_promoted("1.0");
    let tree = story.repo.git(&["rev-parse", "HEAD^{tree}"]);
    let squashed = story.commit_of(tree.trim(), &["origin/main"]);
    story.takes(&["evidence", &format!("{squashed}:main")]);
}

#[test]
fn evidence_only_grows() {
    let story = Story::new();
    supply(&story.repo, "min", "1.0");
    story.takes(&["evidence"]);
    let tree = |revision: &str| story.repo.git(&["rev-parse", &format!("{revision}^{{tree}}")]).trim().to_owned();
    story.refuses(&[":evidence"], &["evidence stays as it is", "never deleted"]);
    story.refuses(&["+evidence~2:evidence"], &["only grows", "ledger pull"]);
    story.refuses(&["+main:evidence"], &["only grows"]);
    let foreign = story.commit_of(&tree("evidence"), &["evidence"]);
    story.refuses(&[&format!("{foreign}:evidence")], &["commit-malformed", "does not hold"]);
    let merge = story.commit_of(&tree("evidence"), &["main", "evidence"]);
    story.refuses(&[&format!("+{merge}:evidence")], &["only grows"]);
    story.refuses(&["evidence:Evidence"], &["would stand in the place of refs/heads/evidence"]);
    for shadow in ["refs/tags/evidence", "refs/evidence", "refs/tags/origin/evidence"] {
        story.refuses(&[&format!("evidence~1:{shadow}")], &["git would take", "push it under another name"]);
    }
    // In one push with others, nothing of it is taken.
    story.refuses(&["main:feature", &format!("{foreign}:evidence")], &["commit-malformed"]);
    types(&story.repo, "kim", "sign alpha --yes", 0);
    story.takes(&["evidence", "main:feature"]);
}

#[test]
fn a_tampered_entry_is_refused_whether_or_not_the_past_was_verified_before() {
    let story = Story::new();
    supply(&story.repo, "min", "1.0");
    let tip = story.repo.git(&["rev-parse", "evidence"]).trim().to_owned();
    let object = story.repo.git(&["cat-file", "commit", "evidence"]);
    let file = story.repo.home().join("commit");
    for (from, to) in [("Ledger-Entry: ", "Ledger-Entry: 1"), ("kim@acme.example", "min@acme.example")] {
        std::fs::write(&file, object.replacen(from, to, 1)).unwrap();
        let args = ["hash-object", "-t", "commit", "-w", "--literally", file.to_str().unwrap()];
        let tampered = story.repo.git(&args);
        story.refuses(&[&format!("{}:evidence", tampered.trim())], &["error: the ledger does not hold"]);
        // A protected branch without evidence in the push leaves what was verified for next time.
        story.refuses(&["main"], &["no release was opened there"]);
    }
    story.takes(&[&format!("{tip}:evidence")]);
}

#[test]
fn the_first_evidence_of_a_server_must_verify_and_be_the_one_it_is_pinned_to() {
    let story = Story::unprotected(TestRepo::with_ledger(&POLICY));
    let said = story.installs(&[]);
    says_all(&said.said(), &["pre-receive is in", "nothing pins the ledger here"]);
    story.takes(&["main"]);
    let tree = story.repo.git(&["rev-parse", "evidence^{tree}"]);
    let forged = story.commit_of(tree.trim(), &[]);
    story.refuses(&[&format!("{forged}:refs/heads/evidence")], &["commit-malformed"]);
    let other = "ab".repeat(32);
    says_all(&story.installs(&["--root", &other]).exits(0), &["pinned to abababab"]);
    story.refuses(&["evidence"], &["anchor", "pins"]);
    let verified = story.repo.ledger("", &["verify", "--json"]).json();
    let first = format!("sha256:{}", verified["first"].as_str().unwrap());
    let _ = story.installs(&["--root", &first]).exits(0);
    assert_eq!(story.on_server(&["config", "--get-all", "ledger.root"]).trim(), first);
    story.takes(&["evidence"]);
}

#[test]
fn what_the_server_cannot_tell_it_refuses_and_other_branches_are_not_its_business() {
    let story = Story::new();
    story.ga_promoted("1.0");
    story.takes(&["evidence"]);
    let evidence = story.on_server(&["rev-parse", "evidence"]);
    let restore = || story.on_server(&["update-ref", "refs/heads/evidence", evidence.trim()]);
    story.on_server(&["update-ref", "-d", "refs/heads/evidence"]);
    story.refuses(&["main"], &["the server has no evidence", "ledger push"]);
    let head = story.on_server(&["rev-parse", "main"]);
    story.on_server(&["update-ref", "refs/heads/evidence", head.trim()]);
    story.refuses(&["main"], &["the ledger does not hold"]);
    story.takes(&["main:feature"]);
    restore();
    story.on_server(&["config", "ledger.protect", "main"]);
    story.refuses(&["main:other"], &["names no branch and gate"]);
    story.on_server(&["config", "ledger.protect", "main=stage9/nowhere"]);
    story.refuses(&["main"], &["main is protected by the gate stage9/nowhere", "no gate is called"]);
    story.on_server(&["config", "ledger.protect", "main=ga"]);
    story.on_server(&["config", "ledger.root", "sha256:1234"]);
    story.refuses(&["main"], &["digest"]);
    story.on_server(&["config", "--unset", "ledger.root"]);
    // Without the program nothing can be told.
    let before = story.refs();
    let ran = story.repo.try_git(&["push", "-q", "origin", "main:feature2"]);
    assert!(ran.code != 0 && ran.err.contains("ledger"), "{}", ran.err);
    assert_eq!(story.refs(), before);
    // An object of the evidence that is gone.
    let blob = story.on_server(&["rev-parse", "evidence:policy/000000-policy.json"]);
    let loose = story.server.join("objects").join(&blob[..2]).join(blob[2..].trim());
    std::fs::remove_file(loose).unwrap();
    // What was verified before would do without it.
    std::fs::remove_dir_all(story.repo.home().join("state")).unwrap();
    story.refuses(&["main"], &["missing"]);
}

#[test]
fn a_long_push_is_verified_from_the_quarantine() {
    let story = Story::unprotected(TestRepo::with_ledger(&POLICY));
    let _ = story.installs(&[]).exits(0);
    supply(&story.repo, "kim", "1.0");
    let mut bulk = Bulk::after(&story.repo, "kim");
    bulk.evidence(300);
    bulk.finish();
    story.takes(&["evidence"]);
    types(&story.repo, "min", "record artifacts --location https://files.acme.example/app", 0);
    story.takes(&["evidence"]);
    types(&story.repo, "", "verify", 0);
}

#[test]
fn a_repository_of_sha_256_objects_is_protected_as_well() {
    let repo = TestRepo::with_format("sha256");
    repo.begin(&POLICY);
    let story = Story::unprotected(repo);
    let _ = story.installs(&["--protect", "main=ga"]).exits(0);
    story.refuses(&["main", "evidence"], &["no release was opened there"]);
    story.takes(&["evidence"]);
    story.ga_promoted("1.0");
    story.takes(&["main", "evidence"]);
}

#[test]
fn a_clone_lets_no_evidence_out_that_does_not_verify_or_would_overwrite() {
    let story = Story::unprotected(TestRepo::with_ledger(&POLICY));
    types(&story.repo, "", "hooks install --dry-run", 0);
    assert!(!story.repo.path.join(".git/hooks/pre-push").exists());
    says_all(&types(&story.repo, "", "hooks install", 0), &["pre-push is in"]);
    story.takes(&["main", "evidence"]);
    let tree = story.repo.git(&["rev-parse", "evidence^{tree}"]);
    let foreign = story.commit_of(tree.trim(), &["evidence"]);
    story.refuses(&[&format!("{foreign}:evidence")], &["commit-malformed"]);
    supply(&story.repo, "min", "1.0");
    story.takes(&["evidence", "main:feature"]);
    story.refuses(&["+evidence~1:evidence"], &["only grows"]);
    story.refuses(&[":evidence"], &["never deleted"]);
    // Somebody else's entry is on the server and was never fetched.
    let theirs = story.on_server(&["commit-tree", "evidence^{tree}", "-p", "evidence", "-m", "theirs"]);
    story.on_server(&["update-ref", "refs/heads/evidence", theirs.trim()]);
    story.refuses(&["+evidence:evidence"], &["only grows", "ledger pull"]);
}

#[test]
fn a_hook_of_somebody_else_is_left_alone_and_hooks_go_where_git_looks_for_them() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write(".git/hooks/pre-push", "#!/bin/sh\n# no ledger hook pre-push here\nexit 0\n");
    says_all(&types(&repo, "", "hooks install", 1), &["not ours: it is left alone", "ledger hook pre-push"]);
    says_all(&repo.read(".git/hooks/pre-push"), &["exit 0"]);
    repo.write(".git/hooks/pre-push", "#!/bin/sh\nledger hook pre-push || exit 1\n");
    types(&repo, "", "hooks install", 0);
    repo.git(&["config", "core.hooksPath", "shared/hooks"]);
    repo.git(&["worktree", "add", "-q", "../linked"]);
    types(&repo, "", "hooks install", 0);
    let hook = repo.path.join("shared/hooks/pre-push");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&hook).unwrap().permissions());
    assert_eq!(mode & 0o111, 0o111);
    repo.git(&["config", "--unset", "core.hooksPath"]);
    std::fs::remove_file(repo.path.join(".git/hooks/pre-push")).unwrap();
    let linked = repo.home().join("linked");
    let _ = repo.ledger_in(&linked, "", &["hooks", "install"], &[]).exits(0);
    assert!(repo.path.join(".git/hooks/pre-push").exists(), "the folder all work trees share");
    for bad in
        ["hooks install --protect main=ga", "hooks install --server --protect main", "hook pre-receive x", "hook"]
    {
        types(&repo, "", bad, 2);
    }
    let bare = Story::unprotected(repo);
    let ran = bare.repo.ledger_in(&bare.server, "", &["hooks", "install"], &[]);
    says_all(&ran.said(), &["hooks install --server"]);
    let _ = ran.exits(2);
    let protect = ["--protect", "main=ga", "--protect", "release/1.x=alpha"];
    let _ = bare.installs(&protect).exits(0);
    let _ = bare.installs(&["--protect", "main=stage9/ga"]).exits(0);
    assert_eq!(bare.on_server(&["config", "--get-all", "ledger.protect"]), "main=stage9/ga\nrelease/1.x=alpha\n");
}

#[test]
fn a_branch_is_protected_by_a_gate_that_is_there() {
    let story = Story::unprotected(TestRepo::with_ledger(&POLICY));
    let unknown = story.installs(&["--protect", "main=nix"]);
    says_all(
        &unknown.said(),
        &["no ledger is here yet", "until it has, main takes nothing", "the first one that is pushed stays"],
    );
    let _ = unknown.exits(0);
    let _ = story.push(&["evidence"]).exits(0);
    story.on_server(&["config", "--unset", "ledger.protect"]);
    for gate in ["nix", "stage9/nix"] {
        let wrong = story.installs(&["--protect", &format!("main={gate}")]);
        says_all(&wrong.said(), &[&format!("no gate is called {gate:?}"), "the gates are alpha, ga"]);
        let _ = wrong.exits(2);
        assert_eq!(story.on_server(&["config", "--default", "none", "--get", "ledger.protect"]).trim(), "none");
    }
    let there = story.installs(&["--protect", "main=ga"]);
    says_all(&there.said(), &["main takes what has passed ga", "the one that is here stays", "--root sha256:"]);
    let _ = there.exits(0);
}
