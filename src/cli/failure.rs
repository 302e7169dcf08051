//! Every error of the library to its kind, its exit code, and the command that mends it.

use serde::Serialize;

use crate::chain::{Fault, FaultKind, VerifiedLedger};
use crate::entry::StatementError;
use crate::id::{Digest, Invalid, ObjectId, Origin};
use crate::report::regions::RegionError;
use crate::report::render::TemplateError;
use crate::sign::KeyDoorError;
use crate::store::git::StoreError;

/// How a command that could not answer "yes" ended.
#[derive(Debug)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    /// What to do next; at most two.
    pub hints: Vec<String>,
    pub faults: Vec<Fault>,
    /// The ledger in question, where it could be read and holds in itself.
    pub ledger: Option<Box<Figured>>,
}

/// Which ledger, and how far it was read.
#[derive(Debug, Serialize)]
pub struct Figured {
    pub origin: Origin,
    pub entries: u64,
    pub root: Digest,
    pub first: Digest,
    pub tip: Option<ObjectId>,
    /// Whether entry 0 was compared with a pin.
    #[serde(skip)]
    pub anchored: bool,
}

impl Figured {
    pub fn of(ledger: &VerifiedLedger) -> Self {
        Self {
            origin: ledger.origin().clone(),
            entries: ledger.size(),
            root: ledger.root(),
            first: ledger.first(),
            tip: ledger.tip(),
            anchored: ledger.is_anchored(),
        }
    }
}

/// The exit codes but 0, as the README lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The answer is no.
    No,
    /// Asked wrongly: usage, policy or template does not parse.
    Usage,
    /// Could not tell: no ledger, shallow, no anchor, git, disk, key.
    Unknown,
    /// The ledger does not hold.
    Broken,
    /// Lost a race or met a lock: try again.
    Conflict,
}

impl FailureKind {
    pub const ALL: &[Self] = &[Self::No, Self::Usage, Self::Unknown, Self::Broken, Self::Conflict];

    pub const fn exit_code(self) -> u8 {
        match self {
            Self::No => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::Broken => 4,
            Self::Conflict => 5,
        }
    }

    /// The sentence of the README's table.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::No => "the answer is no (gate closed, notes incomplete)",
            Self::Usage => "asked wrongly (usage, policy or template does not parse)",
            Self::Unknown => "could not tell (no ledger, shallow, no anchor in CI, git, disk, key)",
            Self::Broken => "the ledger does not hold",
            Self::Conflict => "conflict, try again (lost race, lock)",
        }
    }
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), faults: Vec::new(), ledger: None }
    }

    pub fn no(message: impl Into<String>) -> Self {
        Self::new(FailureKind::No, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unknown, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Conflict, message)
    }

    pub fn broken(faults: Vec<Fault>) -> Self {
        let count = faults.len();
        let mut failure = Self::new(
            FailureKind::Broken,
            format!("the ledger does not hold: {count} fault{}", if count == 1 { "" } else { "s" }),
        );
        if faults.iter().any(|fault| fault.fault == FaultKind::Anchor) {
            failure = failure.hint("this is not the ledger that .ledger.toml (or --root) pins: ask whoever sent it");
        }
        if let Some(hint) = faults.iter().find_map(next_step) {
            failure = failure.hint(hint);
        }
        failure.faults = faults;
        failure
    }

    #[must_use]
    pub fn of(self, ledger: Figured) -> Self {
        Self { ledger: Some(Box::new(ledger)), ..self }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// What to do about a fault; about those further on, when the first is mended.
fn next_step(fault: &Fault) -> Option<String> {
    match (fault.fault, &fault.commit) {
        (FaultKind::Rollback, _) => Some(
            "this clone is only behind? ledger pull. The server went back? put it back from a clone that has all of it: ledger push".to_owned(),
        ),
        (FaultKind::Fork, _) => Some(
            "compare entries and root with colleagues, not through the server: ledger verify --against SIZE:ROOT".to_owned(),
        ),
        (FaultKind::Replaced, _) => Some("ask whoever keeps the ledger whether it was begun again, and why".to_owned()),
        (FaultKind::Withheld, _) => Some(
            "do not take theirs; ask who changed the branch, and put it back: ledger push (where they have other entries instead: git push --force-with-lease origin refs/heads/evidence)".to_owned(),
        ),
        (FaultKind::Anchor, _) => None,
        (_, Some(commit)) => Some(format!("what came before it holds; see what it did: git show --stat {commit}")),
        (_, None) => None,
    }
}

impl From<Invalid> for Failure {
    fn from(error: Invalid) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        Self::usage(format!("the template does not render: {error}"))
            .hint("see every name a template may use: ledger notes RELEASE --json (schemas/report.schema.json)")
    }
}

impl From<RegionError> for Failure {
    fn from(error: RegionError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<StatementError> for Failure {
    fn from(error: StatementError) -> Self {
        let failure = Self::usage(format!("this cannot be recorded: {error}"));
        match error {
            StatementError::TooLarge(_) => failure.hint("bring fewer files in one entry, or one file that lists them"),
            StatementError::Malformed(_) | StatementError::NotCanonical(_) | StatementError::Inconsistent(_) => failure,
        }
    }
}

impl From<KeyDoorError> for Failure {
    fn from(error: KeyDoorError) -> Self {
        let failure = Self::unknown(error.to_string());
        match error {
            KeyDoorError::Type { .. } => failure.hint("make one: ssh-keygen -t ed25519"),
            KeyDoorError::Locked { .. } => failure.hint("load it first: ssh-add FILE (scripts: LEDGER_KEY_PASSPHRASE)"),
            KeyDoorError::Agent { .. } | KeyDoorError::SigningKey(_) => {
                failure.hint("see what the agent holds: ssh-add -l")
            }
            KeyDoorError::Unreadable { .. } | KeyDoorError::WrongPassphrase { .. } => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::unknown(error.to_string());
        match error {
            StoreError::NoRepository(_) => failure.hint("go to the repository, or name it: ledger -C DIR …"),
            StoreError::Owner(path) => {
                failure.hint(format!("git config --global --add safe.directory {}", path.display()))
            }
            StoreError::Reftable => failure.hint("git refs migrate --ref-format=files"),
            StoreError::NoBranch { remote: Some(remote) } => failure
                .hint(format!("ledger pull (or plain git: git fetch {remote} refs/heads/evidence:refs/heads/evidence)"))
                .hint("or, where no ledger exists yet: ledger init"),
            StoreError::NoBranch { remote: None } => failure.hint("ledger init"),
            StoreError::Empty => {
                failure.hint("ask whoever keeps the ledger; to see what is there: git log refs/heads/evidence")
            }
            StoreError::Shallow => failure.hint("git fetch --unshallow origin refs/heads/evidence"),
            StoreError::Missing { .. } => {
                failure.hint("git fetch --refetch --no-filter origin (this reads the branch again, whole)")
            }
            StoreError::Unreadable { .. } => failure.hint("git fsck, then fetch the branch from another copy"),
            StoreError::Symbolic(target) => failure.hint(format!(
                "git symbolic-ref -d refs/heads/evidence && git branch evidence {}",
                target.trim_start_matches("refs/heads/")
            )),
            StoreError::CheckedOut => failure.hint("git switch - (in that work tree)"),
            StoreError::Moved => Self { kind: FailureKind::Conflict, ..failure }.hint("run the command again"),
            StoreError::Locked(path) => Self { kind: FailureKind::Conflict, ..failure }
                .hint(format!("run the command again; if no git process is running, remove {}", path.display())),
            StoreError::NoCommit(_) => Self { kind: FailureKind::Usage, ..failure },
            StoreError::NoRange(_) => Self { kind: FailureKind::Usage, ..failure }
                .hint("name both ends: --changed origin/main...HEAD, or A..B"),
            StoreError::RangeUnknown { .. } => failure
                .hint("git fetch --unshallow origin (GitHub Actions: fetch-depth: 0; GitLab: GIT_DEPTH: 0)")
                .hint("where a branch is missing: git fetch origin main:refs/remotes/origin/main"),
            StoreError::Unsupported(_) | StoreError::Git(_) => failure,
        }
    }
}
