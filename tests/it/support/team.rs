//! A team: one bare repository, and clones with memories of their own.

use std::path::{Path, PathBuf};

use super::{Policy, Ran, TestRepo, finish};

/// A ledger on a server that allows force pushes, and whoever cloned it.
pub struct Team {
    pub repo: TestRepo,
    pub server: PathBuf,
}

impl Team {
    /// Lee begins the ledger and sends it.
    pub fn new(policy: &Policy) -> Self {
        let repo = TestRepo::with_ledger(policy);
        let server = repo.home().join("server.git");
        repo.git(&["init", "-q", "--bare", server.to_str().unwrap()]);
        repo.git(&["remote", "add", "origin", server.to_str().unwrap()]);
        repo.git(&["push", "-q", "origin", "main"]);
        let _ = repo.ledger("lee", &["push"]).exits(0);
        Self { repo, server }
    }

    /// Somebody clones it, and has the branch of their own.
    pub fn clone(&self, name: &str) -> Clone<'_> {
        let path = self.repo.home().join(name);
        let ran = finish(self.repo.command("git", self.repo.home()).args(["clone", "-q", "server.git", name]));
        assert_eq!(ran.code, 0, "{ran:?}");
        let clone = Clone { team: self, path };
        clone.types("", "pull", 0);
        clone
    }

    pub fn on_server(&self, args: &[&str]) -> String {
        self.repo.git(&[&["-C", self.server.to_str().unwrap()], args].concat()).trim().to_owned()
    }
}

/// One clone, on a machine of its own.
pub struct Clone<'t> {
    team: &'t Team,
    pub path: PathBuf,
}

impl Clone<'_> {
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn ledger(&self, who: &str, args: &[&str]) -> Ran {
        let state = self.state();
        self.team.repo.ledger_in(&self.path, who, args, &[("XDG_STATE_HOME", state.to_str().unwrap())])
    }

    fn state(&self) -> PathBuf {
        self.path.with_extension("state")
    }

    /// The program about to be started by somebody.
    pub fn command(&self, who: &str, args: &[&str]) -> std::process::Command {
        let mut command = self.team.repo.command(env!("CARGO_BIN_EXE_ledger"), &self.path);
        command.env("XDG_STATE_HOME", self.state()).env("LEDGER_KEY", self.team.repo.key(who)).args(args);
        command
    }

    /// Somebody types one command line; insists on the exit code and returns everything that was said.
    #[track_caller]
    pub fn types(&self, who: &str, line: &str, code: i32) -> String {
        let ran = self.ledger(who, &line.split_whitespace().collect::<Vec<_>>());
        let said = ran.said();
        let _ = ran.exits(code);
        said
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let ran = finish(self.team.repo.command("git", &self.path).args(args));
        assert_eq!(ran.code, 0, "git {args:?}: {}", ran.err);
        ran.out.trim().to_owned()
    }

    /// Where a revision stands.
    pub fn at(&self, revision: &str) -> String {
        self.git(&["rev-parse", revision])
    }

    /// The summaries on the branch, oldest first.
    pub fn summaries(&self, revision: &str) -> Vec<String> {
        self.git(&["log", "--reverse", "--format=%s", revision]).lines().map(str::to_owned).collect()
    }

    /// Branches that wait.
    pub fn queued(&self) -> Vec<String> {
        self.git(&["for-each-ref", "--format=%(refname)", "refs/ledger/queued"]).lines().map(str::to_owned).collect()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
