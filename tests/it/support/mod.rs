//! A hermetic repository with people and keys, and the program run as any of them.

pub mod bulk;
pub mod clock;
pub mod forge;
pub mod history;
pub mod made;
pub mod team;
pub mod policy;
#[cfg(unix)]
pub mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ssh_key::private::{Ed25519Keypair, PrivateKey};
use tempfile::TempDir;

pub use policy::{POLICY, Policy};

/// What a run of the program gave.
#[derive(Debug)]
#[must_use]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Insists on the exit code; returns stdout.
    #[track_caller]
    pub fn exits(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }

    /// Everything it said, for searching.
    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }
}

/// A repository of its own: own HOME, own keys, nothing of the machine's configuration.
pub struct TestRepo {
    home: TempDir,
    pub path: PathBuf,
}

impl TestRepo {
    /// An empty source repository with one commit.
    pub fn bare_of_ledger() -> Self {
        Self::with_format("sha1")
    }

    /// The same in another object format (`sha1`, `sha256`).
    pub fn with_format(format: &str) -> Self {
        let home = TempDir::new().unwrap();
        let path = home.path().join("repo");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(home.path().join(".gitconfig"), "[user]\n name = Dev\n email = dev@acme.example\n[init]\n defaultBranch = main\n[core]\n autocrlf = false\n").unwrap();
        let repo = Self { home, path };
        for who in policy::CAST {
            repo.make_key(who);
        }
        let format = format!("--object-format={format}");
        repo.git(&["init", "-q", &format]);
        repo.write("src/main.py", "print('hello')\n");
        repo.git(&["add", "."]);
        repo.git(&["commit", "-q", "-m", "source"]);
        repo
    }

    /// A repository whose ledger has begun with this policy, by Lee.
    pub fn with_ledger(policy: &Policy) -> Self {
        let repo = Self::bare_of_ledger();
        repo.begin(policy);
        repo
    }

    pub fn begin(&self, policy: &Policy) {
        self.write("ledger.toml", policy.text(self));
        let _ = self.ledger("lee", &["init"]).exits(0);
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", "begin the ledger"]);
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path.join(path)).unwrap()
    }

    pub fn key(&self, who: &str) -> PathBuf {
        self.home.path().join("keys").join(who)
    }

    /// `ssh-ed25519 AAAA…` of one of the cast.
    pub fn public_key(&self, who: &str) -> String {
        let line = std::fs::read_to_string(self.key(who).with_extension("pub")).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// Runs the program as one of the cast (`""`: with no key at all).
    pub fn ledger(&self, who: &str, args: &[&str]) -> Ran {
        self.ledger_in(&self.path, who, args, &[])
    }

    /// The same in another directory and with more variables.
    pub fn ledger_in(&self, directory: &Path, who: &str, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_ledger"), directory);
        if !who.is_empty() {
            command.env("LEDGER_KEY", self.key(who));
        }
        command.args(args).envs(env.iter().copied());
        finish(&mut command)
    }

    /// A command with this home and nothing else of the environment.
    pub fn command(&self, program: &str, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(directory).env_clear().stdin(Stdio::null());
        command.env("HOME", self.home.path()).env("XDG_STATE_HOME", self.home.path().join("state"));
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("TZ", "UTC").env("LC_ALL", "C");
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    /// Runs git and insists that it works; returns stdout.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let ran = self.try_git(args);
        assert_eq!(ran.code, 0, "git {args:?}: {}", ran.err);
        ran.out
    }

    pub fn try_git(&self, args: &[&str]) -> Ran {
        finish(self.command("git", &self.path).args(args))
    }

    /// Refs and object names: what a command that writes nothing leaves as it was.
    pub fn fingerprint(&self) -> String {
        let objects = self.git(&["cat-file", "--batch-all-objects", "--batch-check"]);
        format!("{}{objects}", self.git(&["for-each-ref"]))
    }

    /// Every commit of the evidence branch, newest first.
    pub fn commits(&self) -> Vec<String> {
        self.git(&["rev-list", "evidence"]).lines().map(str::to_owned).collect()
    }

    /// A key from a seed that is always the same for the same name.
    fn make_key(&self, who: &str) {
        let mut seed = [7; 32];
        seed.iter_mut().zip(who.bytes()).for_each(|(slot, byte)| *slot = byte);
        let key = PrivateKey::new(Ed25519Keypair::from_seed(&seed).into(), who).unwrap();
        let path = self.key(who);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, key.to_openssh(ssh_key::LineEnding::LF).unwrap().as_bytes()).unwrap();
        std::fs::write(path.with_extension("pub"), key.public_key().to_openssh().unwrap() + "\n").unwrap();
    }
}

/// The files below a folder, which need not be there.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

pub fn finish(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
