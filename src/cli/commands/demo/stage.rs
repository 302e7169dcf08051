//! The demo's stage: a directory, four people, and a way to type commands as each of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::world::World;
use crate::id::{Digest, Timestamp};

/// Person, printed name, handles and role of the cast, as the policy names them.
const CAST: &[(&str, &str)] = &[("kim", "Kim"), ("min", "Min"), ("lee", "Lee"), ("ci", "Build bot")];

pub struct Stage<'c, 'w> {
    context: &'c mut Context<'w>,
    root: PathBuf,
    /// The source repository the story happens in.
    repository: PathBuf,
    scenes: usize,
}

impl<'c, 'w> Stage<'c, 'w> {
    pub fn new(context: &'c mut Context<'w>, root: PathBuf) -> Result<Self, Failure> {
        let repository = root.join("routing-ml");
        // The story must not depend on the keys and variables of whoever watches it, nor touch their state.
        let env = &mut context.printer.world.env;
        env.retain(|name, _| !name.starts_with("LEDGER_") && !name.starts_with("GIT_") && name != "SSH_AUTH_SOCK");
        env.insert("XDG_STATE_HOME".to_owned(), root.join("state").display().to_string());
        context.global.directory = None;
        let stage = Self { context, root, repository, scenes: 0 };
        stage.world().make_directory(&stage.repository).map_err(|error| cannot("make", &stage.repository, &error))?;
        Ok(stage)
    }

    pub fn world(&self) -> &World {
        self.context.world()
    }

    pub fn now(&self) -> Timestamp {
        self.world().now()
    }

    pub fn scene(&mut self, title: &str) -> Result<(), Failure> {
        self.scenes += 1;
        let title = self.context.printer.bold(&format!("\n{}. {title}", self.scenes));
        self.context.printer.say(title);
        Ok(())
    }

    /// A file of the story, by its path in the repository.
    pub fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        self.write_bytes(path, text.as_bytes())
    }

    pub fn write_bytes(&self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.repository.join(path);
        self.world().write(&path, bytes).map_err(|error| cannot("write", &path, &error))
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let path = self.repository.join(path);
        self.world().read(&path).map_err(|error| cannot("read", &path, &error))
    }

    /// The stock policy, with the cast's fresh keys in place of the example's.
    pub fn policy(&self) -> Result<String, Failure> {
        let mut document: toml_edit::DocumentMut = include_str!("../../../../examples/stage9/ledger.toml")
            .parse()
            .map_err(|error| Failure::unknown(format!("the example does not parse: {error}")))?;
        let people = document.get_mut("person").and_then(toml_edit::Item::as_array_of_tables_mut);
        for person in people.into_iter().flat_map(toml_edit::ArrayOfTables::iter_mut) {
            let id = person.get("id").and_then(toml_edit::Item::as_str).unwrap_or_default().to_owned();
            let Some((who, _)) = CAST.iter().find(|(who, _)| id.starts_with(&format!("{who}@"))) else { continue };
            let path = self.key(who).with_extension("pub");
            let line = self.world().read(&path).map_err(|error| cannot("read", &path, &error))?;
            let line = String::from_utf8_lossy(&line);
            let key: Vec<&str> = line.split_whitespace().take(2).collect();
            let mut keys = toml_edit::Array::new();
            keys.push(key.join(" "));
            person["keys"] = toml_edit::value(keys);
        }
        // Every demo is a ledger of its own: what is remembered of one must not accuse the next.
        let lee = self.world().read(&self.key("lee").with_extension("pub"));
        let own = Digest::of(&lee.map_err(|error| cannot("read", &self.key("lee"), &error))?);
        document["ledger"]["origin"] = toml_edit::value(format!("example.org/acme/routing-ml-{}", own.short()));
        Ok(document.to_string())
    }

    pub fn make_repository(&mut self) -> Result<(), Failure> {
        for (who, _) in CAST {
            let key = self.key(who);
            let folder = key.parent().unwrap_or(&self.root).to_owned();
            self.world().make_directory(&folder).map_err(|error| cannot("make", &folder, &error))?;
            let key = key.display().to_string();
            self.external("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", who, "-f", &key])?;
        }
        self.git(&["init", "--quiet", "--initial-branch=main"])?;
        for (name, value) in [
            ("user.name", "Min"),
            ("user.email", "min@acme.example"),
            ("core.autocrlf", "false"),
            ("commit.gpgsign", "false"),
        ] {
            self.git(&["config", name, value])?;
        }
        super::evidence::source(self)?;
        self.git(&["add", "."])?;
        self.git(&["commit", "--quiet", "-m", "Routing groups for the internal release"])?;
        let line = format!("  {}", self.repository.display());
        self.context.printer.say(line);
        Ok(())
    }

    /// Types a command as one of the cast (or as nobody) and insists on its exit code.
    pub fn ledger(&mut self, who: &str, words: &[&str], expected: u8) -> Result<(), Failure> {
        let mut arguments: Vec<OsString> = vec!["ledger".into()];
        arguments.extend(words.iter().map(Into::into));
        if !who.is_empty() {
            arguments.splice(1..1, ["--key".into(), self.key(who).into_os_string()]);
        }
        let name = CAST.iter().find(|(id, _)| *id == who).map_or("auditor", |(_, name)| name);
        let typed: Vec<String> = words.iter().map(|word| crate::policy::evaluate::shell(word)).collect();
        let line = self.context.printer.dim(&format!("\n{name}$ ledger {}", typed.join(" ")));
        self.context.printer.say(line);
        let directory = self.repository.clone();
        let world = &mut self.context.printer.world;
        let before = std::mem::replace(&mut world.directory, directory);
        let code = crate::cli::run(arguments, world);
        world.directory = before;
        if code == expected {
            return Ok(());
        }
        Err(Failure::unknown(format!(
            "the demo expected exit {expected} from `ledger {}`, got {code}",
            typed.join(" ")
        )))
    }

    pub fn git(&mut self, words: &[&str]) -> Result<Vec<u8>, Failure> {
        self.external("git", words)
    }

    /// Checks every commit's signature with stock git alone, and the objects with `git fsck`.
    pub fn verify_with_stock_git(&mut self) -> Result<(), Failure> {
        let line = self
            .context
            .printer
            .dim("\nauditor$ git -c gpg.ssh.allowedSignersFile=allowed_signers verify-commit $(git rev-list refs/heads/evidence)");
        self.context.printer.say(line);
        let signers = self.git(&["show", "refs/heads/evidence:policy/files/000000/allowed_signers"])?;
        let path = self.root.join("allowed_signers");
        self.world().write(&path, &signers).map_err(|error| cannot("write", &path, &error))?;
        let commits = self.git(&["rev-list", "evidence"])?;
        let commits = String::from_utf8_lossy(&commits).into_owned();
        let commits: Vec<&str> = commits.lines().collect();
        let setting = format!("gpg.ssh.allowedSignersFile={}", path.display());
        let mut words = vec!["-c", setting.as_str(), "verify-commit"];
        words.extend(&commits);
        self.git(&words)?;
        self.git(&["fsck", "--strict", "--no-dangling"])?;
        let line = format!(
            "{} git verify-commit accepts all {} entries, git fsck --strict is clean",
            self.context.printer.good(),
            commits.len()
        );
        self.context.printer.say(line);
        Ok(())
    }

    pub fn farewell(&mut self, release: &str) {
        let directory = crate::policy::evaluate::shell(&self.repository.display().to_string());
        let lines = [
            format!("\nThe story is yours to explore: cd {directory}"),
            "  → ledger status                     the board of the three gates".to_owned(),
            "  → ledger log                        every entry in order".to_owned(),
            "  → ledger show 8                     one entry whole".to_owned(),
            "  → git log refs/heads/evidence       the same story in stock git".to_owned(),
            "  → git ls-tree -r --name-only refs/heads/evidence    the folders as a forge shows them".to_owned(),
            format!("  → cat release_notes_{release}.ko.md"),
            "  → echo x >> docs/Tasklist.md && ledger check ga    a changed document closes the gate".to_owned(),
        ];
        lines.iter().for_each(|line| self.context.printer.say(line));
    }

    fn key(&self, who: &str) -> PathBuf {
        self.root.join("keys").join(who)
    }

    fn external(&self, program: &str, words: &[&str]) -> Result<Vec<u8>, Failure> {
        let mut world_words: Vec<&str> = Vec::new();
        let repository = self.repository.display().to_string();
        if program == "git" {
            world_words.extend(["-C", repository.as_str()]);
        }
        world_words.extend(words);
        // ssh-keygen takes times as local ones, and git hands them over so: both in UTC agree.
        let quiet = [("TZ", "UTC"), ("LC_ALL", "C"), ("GIT_CONFIG_NOSYSTEM", "1")];
        let ran = self.world().output(program, &world_words, &quiet).map_err(|error| {
            Failure::unknown(format!("the demo needs {program}: {error}")).hint("install git and the OpenSSH client")
        })?;
        match ran.exit_code {
            0 => Ok(ran.stdout),
            code => Err(Failure::unknown(format!(
                "{program} {} ended with {code}: {}",
                words.join(" "),
                String::from_utf8_lossy(&ran.stderr)
            ))),
        }
    }
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::unknown(format!("cannot {what} {}: {error}", path.display()))
}
