//! The git door: reads the evidence branch and appends to it, through libgit2.
//!
//! Objects are read raw, so replace refs, grafts and filters never apply. The branch moves by
//! compare-and-swap only; worktree, index and HEAD are never touched.

mod changes;
mod entries;
mod loose;
mod pack;
mod read;
mod server;
pub mod share;
mod tree;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Oid, Repository};

use pack::{PackReader, Packs};

use super::commit::{self, ObjectFormat};
use crate::id::{EntryNumber, ObjectId};
pub use changes::Changes;
/// Bytes of the files of one entry together.
pub use entries::MAX_READ;
use tree::Tree;

/// The evidence branch.
pub const BRANCH: &str = "refs/heads/evidence";
const SHORT_BRANCH: &str = "evidence";

/// Largest blob read into memory; anything larger on the branch is reported, not read.
const MAX_BLOB: usize = 256 << 20;
/// As long as the lines `tree` and `parent` of a commit get, and the beginning of a third.
const LINKS: usize = 160;

/// Why the repository could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no Git repository at {0} or above it")]
    NoRepository(PathBuf),
    #[error("the repository at {0} belongs to another user")]
    Owner(PathBuf),
    #[error("this repository keeps its refs in the reftable format, which is not supported yet")]
    Reftable,
    #[error("this repository cannot be opened: {0}")]
    Unsupported(String),
    #[error("there is no evidence branch here")]
    NoBranch { remote: Option<String> },
    #[error("the evidence branch is empty: it holds no ledger")]
    Empty,
    #[error("the evidence branch is cut off: this is a shallow clone")]
    Shallow,
    #[error("object {id} of the evidence branch is missing")]
    Missing { id: String },
    #[error("object {id} of the evidence branch cannot be read: {why}")]
    Unreadable { id: String, why: String },
    #[error("the evidence branch is checked out; committing to it would disturb that work tree")]
    CheckedOut,
    #[error("the evidence branch is a symbolic ref to {0}: entries are written to a branch itself")]
    Symbolic(String),
    #[error("the evidence branch moved while this entry was written")]
    Moved,
    #[error("another process holds the lock {0}")]
    Locked(PathBuf),
    #[error("{0:?} names no commit of this repository")]
    NoCommit(String),
    #[error("{0:?} is no range of commits")]
    NoRange(String),
    #[error("nobody can tell what {range} changed: {why}")]
    RangeUnknown { range: String, why: String },
    #[error("git: {0}")]
    Git(String),
}

impl From<git2::Error> for StoreError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error.message().to_owned())
    }
}

/// Where the branch stands, and under which ref it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    pub commit: ObjectId,
    /// False when only a remote-tracking branch holds it (a fresh clone).
    pub local: bool,
    /// A remote-tracking branch with entries the one read has not.
    pub elsewhere: Option<Elsewhere>,
}

/// Where other entries are, and whether ours are all among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    pub remote: String,
    pub diverged: bool,
}

/// A source commit, as far as a release needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCommit {
    pub commit: ObjectId,
    pub tree: ObjectId,
    pub authors: Vec<String>,
}

/// Commits from one on, each the first parent of the one before.
pub struct History<'s> {
    store: &'s GitStore,
    next: Option<ObjectId>,
    /// One that was passed: who meets it again walks in a circle (Brent, 1980).
    mark: Option<ObjectId>,
    steps: u64,
}

impl Iterator for History<'_> {
    type Item = Result<ObjectId, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let id = self.next.take()?;
        if self.mark.as_ref() == Some(&id) {
            let why = "the branch leads back to it".to_owned();
            return Some(Err(StoreError::Unreadable { id: id.to_string(), why }));
        }
        self.steps += 1;
        if self.steps.is_power_of_two() {
            self.mark = Some(id.clone());
        }
        match self.store.oid(&id).and_then(|oid| self.store.first_parent(oid)) {
            Ok(parent) => self.next = parent,
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(id))
    }
}

pub struct GitStore {
    repo: Repository,
    format: ObjectFormat,
    trees: RefCell<HashMap<Oid, Rc<Tree>>>,
    /// The commit read last, with its tree.
    newest: RefCell<Option<(ObjectId, Rc<Tree>)>>,
    /// Loose objects by the first byte of their id, listed when first asked for.
    loose: RefCell<HashMap<u8, HashSet<Oid>>>,
    /// Packs with their indexes in memory, for whoever reads most of them.
    packs: RefCell<Option<PackReader>>,
    /// Whether objects are held to their ids.
    strict: Cell<bool>,
    /// Where else objects lie.
    objects: Vec<PathBuf>,
}

/// A repository to be opened once more, by another thread.
#[derive(Clone)]
pub struct Door {
    directory: PathBuf,
    packs: Option<Arc<Packs>>,
    objects: Vec<PathBuf>,
}

impl Door {
    pub fn open(&self) -> Result<GitStore, StoreError> {
        let store = GitStore::open(&self.directory, false)?.with_objects(self.objects.clone())?;
        store.packs.replace(self.packs.clone().map(PackReader::new));
        Ok(store)
    }
}

impl GitStore {
    /// Opens the repository a directory lies in, or the one `GIT_DIR` names.
    pub fn open(directory: &Path, from_env: bool) -> Result<Self, StoreError> {
        let opened = if from_env { Repository::open_from_env() } else { Repository::discover(directory) };
        let repo = opened.map_err(|error| match (error.code(), error.message()) {
            (ErrorCode::NotFound, _) => StoreError::NoRepository(directory.to_owned()),
            (ErrorCode::Owner, _) => StoreError::Owner(directory.to_owned()),
            (_, message) if message.contains("refstorage") => StoreError::Reftable,
            (_, message) => StoreError::Unsupported(message.to_owned()),
        })?;
        sync_writes();
        // Nothing rests on an object's id: statements and files are known by their SHA-256, commits by
        // their signatures, and packs have checksums of their own against damage.
        git2::opts::strict_hash_verification(false);
        // Each object is wanted once; the trees that come again are kept parsed.
        git2::opts::enable_caching(false);
        let format = match repo.object_format() {
            git2::ObjectFormat::Sha256 => ObjectFormat::Sha256,
            _ => ObjectFormat::Sha1,
        };
        Ok(Self {
            repo,
            format,
            trees: RefCell::default(),
            newest: RefCell::default(),
            loose: RefCell::default(),
            packs: RefCell::default(),
            strict: Cell::default(),
            objects: Vec::new(),
        })
    }

    /// Prepares for reading most objects: what that costs at first, a few reads would not bring in.
    pub fn expect_many_reads(&self) {
        let directory = self.repo.commondir().join("objects").join("pack");
        let packs = Packs::in_directory(&directory, self.format.hex_digits() / 2);
        self.packs.replace(Some(PackReader::new(Arc::new(packs))));
    }

    pub const fn format(&self) -> ObjectFormat {
        self.format
    }

    /// The work tree's root; `None` in a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.repo.workdir()
    }

    /// A value of the user's git configuration.
    pub fn config(&self, name: &str) -> Option<String> {
        self.repo.config().ok()?.snapshot().ok()?.get_string(name).ok().filter(|value| !value.is_empty())
    }

    /// URL of a remote, if there is one.
    pub fn url_of(&self, remote: &str) -> Option<String> {
        let remote = self.repo.find_remote(remote).ok()?;
        remote.url().ok().map(str::to_owned)
    }

    /// The branch's tip: the local branch, or in a fresh clone the remote-tracking one.
    pub fn tip(&self) -> Result<Tip, StoreError> {
        let local = self.resolve(BRANCH)?;
        let tip = self.choose(local, &self.remote_tips()?)?;
        if self.is_empty(&tip.commit) { Err(StoreError::Empty) } else { Ok(tip) }
    }

    /// Remotes with the branch, and where it stood there when they were last heard of.
    pub fn remote_tips(&self) -> Result<Vec<(String, ObjectId)>, StoreError> {
        let mut tips = Vec::new();
        for name in self.repo.remotes()?.iter().filter_map(|name| name.ok().flatten()) {
            // A remote can have a name that no ref can.
            let branch = format!("refs/remotes/{name}/{SHORT_BRANCH}");
            if let Some(commit) =
                git2::Reference::is_valid_name(&branch).then(|| self.resolve(&branch)).transpose()?.flatten()
            {
                tips.push((name.to_owned(), commit));
            }
        }
        Ok(tips)
    }

    /// The entry a commit says it is; `None` when it is no entry. Unverified.
    pub fn entry_number(&self, commit: &ObjectId) -> Result<Option<EntryNumber>, StoreError> {
        let object = self.read(self.oid(commit)?, ObjectType::Commit)?;
        let signed = commit::SignedCommit::parse(&object, self.format).ok();
        Ok(signed.map(|signed| signed.commit.trailers.number))
    }

    /// A first commit with nothing in it: a branch somebody made, but no ledger. Whatever else is
    /// wrong with a branch, reading its entries will say.
    fn is_empty(&self, tip: &ObjectId) -> bool {
        let object = self.oid(tip).and_then(|oid| self.read(oid, ObjectType::Commit));
        let links = object.ok().and_then(|object| commit::links(&object));
        links.is_some_and(|(_, parents)| parents.is_empty()) && self.folder(tip, "").is_ok_and(|tree| tree.is_empty())
    }

    fn choose(&self, local: Option<ObjectId>, remotes: &[(String, ObjectId)]) -> Result<Tip, StoreError> {
        match (local, remotes) {
            (Some(commit), _) => {
                let ahead = remotes.iter().find(|(_, other)| *other != commit && !self.contains(&commit, other));
                let elsewhere = ahead
                    .map(|(name, other)| Elsewhere { remote: name.clone(), diverged: !self.goes_on(&commit, other) });
                Ok(Tip { elsewhere, commit, local: true })
            }
            (None, [(_, commit)]) => Ok(Tip { commit: commit.clone(), local: false, elsewhere: None }),
            (None, [(_, first), rest @ ..]) if rest.iter().all(|(_, commit)| commit == first) => {
                Ok(Tip { commit: first.clone(), local: false, elsewhere: None })
            }
            (None, []) => Err(StoreError::NoBranch { remote: self.first_remote() }),
            (None, [..]) => Err(StoreError::Git(
                "several remotes hold different evidence branches: check one out as refs/heads/evidence".to_owned(),
            )),
        }
    }

    /// Every commit up to `tip`, oldest first.
    pub fn commits(&self, tip: &ObjectId) -> Result<Vec<ObjectId>, StoreError> {
        self.commits_after(tip, None).map(Option::unwrap_or_default)
    }

    /// Commits after `known` up to `tip`, oldest first; `None` when `known` is not in its history.
    pub fn commits_after(&self, tip: &ObjectId, known: Option<&ObjectId>) -> Result<Option<Vec<ObjectId>>, StoreError> {
        let mut commits = Vec::new();
        for id in self.history(tip) {
            let id = id?;
            if known == Some(&id) {
                commits.reverse();
                return Ok(Some(commits));
            }
            commits.push(id);
        }
        commits.reverse();
        Ok(known.is_none().then_some(commits))
    }

    /// A commit and those before it, newest first: first parents only.
    pub fn history(&self, tip: &ObjectId) -> History<'_> {
        History { store: self, next: Some(tip.clone()), mark: None, steps: 0 }
    }

    /// The commit before one. Its first lines tell, so no more of it is inflated where that can be had.
    fn first_parent(&self, oid: Oid) -> Result<Option<ObjectId>, StoreError> {
        let beginning = self.packs.borrow_mut().as_mut().and_then(|packs| packs.read_beginning(oid, LINKS));
        let object = match beginning {
            Some((ObjectType::Commit, bytes)) => bytes,
            _ => self.read(oid, ObjectType::Commit)?,
        };
        Ok(commit::links(&object).and_then(|(_, parents)| parents.into_iter().next()))
    }

    /// How another thread comes to the same repository.
    pub fn door(&self) -> Door {
        let packs = self.packs.borrow().as_ref().map(|reader| Arc::clone(reader.packs()));
        Door { directory: self.repo.path().to_owned(), packs, objects: self.objects.clone() }
    }

    /// Where git keeps what all work trees of this repository share.
    pub fn common_directory(&self) -> &Path {
        self.repo.commondir()
    }

    /// Writes blobs and trees for files added to a commit's tree; returns the new tree. Nothing is
    /// visible until the branch is moved.
    pub fn write_tree(&self, parent: Option<&ObjectId>, files: &[(String, &[u8])]) -> Result<ObjectId, StoreError> {
        let base = match parent {
            Some(parent) => self.repo.find_commit(self.oid(parent)?)?.tree()?,
            None => {
                let empty = self.repo.treebuilder(None)?.write()?;
                self.repo.find_tree(empty)?
            }
        };
        let odb = self.repo.odb()?;
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, bytes) in files {
            update.upsert(path.as_str(), odb.write(ObjectType::Blob, bytes)?, git2::FileMode::Blob);
        }
        object_id(update.create_updated(&self.repo, &base)?)
    }

    pub fn write_commit(&self, bytes: &[u8]) -> Result<ObjectId, StoreError> {
        object_id(self.repo.odb()?.write(ObjectType::Commit, bytes)?)
    }

    /// Moves the branch to a new commit, only if it still stands where the caller saw it.
    pub fn advance(&self, from: Option<&ObjectId>, to: &ObjectId, summary: &str) -> Result<(), StoreError> {
        let zero = match self.format {
            ObjectFormat::Sha1 => Oid::ZERO_SHA1,
            ObjectFormat::Sha256 => Oid::ZERO_SHA256,
        };
        let current = from.map_or(Ok(zero), |id| self.oid(id))?;
        // The zero id means "must not exist yet", compared while the lock is held: creating the
        // reference without `force` checks before it locks and has been seen to lose an entry.
        let moved = self.repo.reference_matching(BRANCH, self.oid(to)?, true, current, summary);
        moved.map(drop).map_err(|error| match error.code() {
            ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound => StoreError::Moved,
            ErrorCode::Locked => StoreError::Locked(self.repo.commondir().join(format!("{BRANCH}.lock"))),
            _ => error.into(),
        })
    }

    /// Refuses to write where the branch is no branch of its own, or some work tree has it checked out.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        let branch = self.repo.find_reference(BRANCH).ok();
        if let Some(target) = branch.as_ref().and_then(|branch| branch.symbolic_target().ok().flatten()) {
            return Err(StoreError::Symbolic(target.to_owned()));
        }
        let mut homes = vec![Repository::open(self.repo.commondir())];
        for name in self.repo.worktrees()?.iter().filter_map(|name| name.ok().flatten()) {
            homes.push(self.repo.find_worktree(name).and_then(|tree| Repository::open_from_worktree(&tree)));
        }
        // A linked work tree whose folder is gone cannot be disturbed.
        let has_it = |repo: Repository| {
            let on_branch = |head: git2::Reference<'_>| head.symbolic_target().ok().flatten() == Some(BRANCH);
            !repo.is_bare() && repo.find_reference("HEAD").is_ok_and(on_branch)
        };
        if homes.into_iter().flatten().any(has_it) { Err(StoreError::CheckedOut) } else { Ok(()) }
    }

    /// The commit a revision names, in full.
    pub fn source(&self, revision: &str) -> Result<SourceCommit, StoreError> {
        let unknown = || StoreError::NoCommit(revision.to_owned());
        let object = self.repo.revparse_single(revision).map_err(|error| match error.code() {
            ErrorCode::Ambiguous => StoreError::NoCommit(format!("{revision} (ambiguous)")),
            _ => unknown(),
        })?;
        let commit = object.peel_to_commit().map_err(|_| unknown())?;
        let people = [commit.author(), commit.committer()];
        let mut authors: Vec<String> =
            people.iter().map(|person| String::from_utf8_lossy(person.email_bytes()).to_lowercase()).collect();
        authors.dedup();
        Ok(SourceCommit { commit: object_id(commit.id())?, tree: object_id(commit.tree_id())?, authors })
    }

    /// A file of the source tree at HEAD: for bare repositories, which have no work tree.
    pub fn head_file(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found =
            self.repo.head().and_then(|head| head.peel_to_tree()).and_then(|tree| tree.get_path(Path::new(path)));
        match found {
            Ok(entry) => Ok(Some(self.repo.find_blob(entry.id())?.content().to_vec())),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::UnbornBranch) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The remote people mean when they name none.
    pub fn first_remote(&self) -> Option<String> {
        let remotes = self.repo.remotes().ok()?;
        let names: Vec<String> = remotes.iter().filter_map(|name| name.ok().flatten().map(str::to_owned)).collect();
        names.iter().find(|name| *name == "origin").or_else(|| names.first()).cloned()
    }

    /// The commit a ref stands at, if it is there.
    pub fn resolve(&self, name: &str) -> Result<Option<ObjectId>, StoreError> {
        match self.repo.find_reference(name) {
            Ok(reference) => object_id(reference.resolve()?.target().ok_or(StoreError::Moved)?).map(Some),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether entries lead from one commit to another: each the first and only parent of the next. What a
    /// merge brings in is no continuation, whoever is among its parents.
    pub fn goes_on(&self, from: &ObjectId, to: &ObjectId) -> bool {
        let Ok(Some(least)) = self.entry_number(from) else { return false };
        let mut next = Some(to.clone());
        while let Some(id) = next {
            if id == *from {
                return true;
            }
            let signed = self.oid(&id).and_then(|oid| self.read(oid, ObjectType::Commit));
            let signed = signed.ok().and_then(|object| commit::SignedCommit::parse(&object, self.format).ok());
            next =
                signed.filter(|signed| signed.commit.trailers.number > least).and_then(|signed| signed.commit.parent);
        }
        false
    }

    /// Whether one commit's history contains another.
    pub fn contains(&self, tip: &ObjectId, other: &ObjectId) -> bool {
        let (Ok(tip), Ok(other)) = (self.oid(tip), self.oid(other)) else { return false };
        self.repo.graph_descendant_of(tip, other).unwrap_or(false)
    }

    fn oid(&self, id: &ObjectId) -> Result<Oid, StoreError> {
        Oid::from_str_ext(id.as_str(), self.repo.object_format()).map_err(|_| StoreError::Unreadable {
            id: id.to_string(),
            why: "its id has another length than this repository's".to_owned(),
        })
    }
}

fn object_id(oid: Oid) -> Result<ObjectId, StoreError> {
    ObjectId::parse(&oid.to_string()).map_err(|error| StoreError::Git(error.to_string()))
}

/// Tells libgit2 to flush objects and refs to disk before it reports success; it does not by default.
#[expect(unsafe_code, reason = "git2 has no safe wrapper for this one option")]
fn sync_writes() {
    // SAFETY: git2 has initialised libgit2 by now; the option takes exactly one int.
    unsafe {
        libgit2_sys::git_libgit2_opts(
            libgit2_sys::GIT_OPT_ENABLE_FSYNC_GITDIR as std::ffi::c_int,
            1 as std::ffi::c_int,
        );
    }
}
