//! An attacker's workbench: a ledger taken apart into drafts, every part of which can be bent, and
//! laid again with the keys the attacker has.
//!
//! A draft nobody touched is laid as the very commit it was: whatever a bent ledger is refused for, it
//! is not the workbench's own doing.

use std::collections::BTreeMap;
use std::rc::Rc;

use git2::{ObjectType, Oid, Repository};
use ledger::chain::merkle::Merkle;
use ledger::chain::{Examiner, Faults, Limits, TrustAnchor, VerifiedLedger, Verifier};
use ledger::id::{Digest, EntryNumber, ObjectId, Timestamp};
use ledger::sign::sshsig::{SshSignature, to_be_signed};
use ledger::sign::{Signer, dsse};
use ledger::store::commit::{Commit, DsseTrailer, ObjectFormat, SignedCommit, Trailers};
use ledger::store::{StoredEntry, StoredFile};

use super::TestRepo;
use super::policy::CAST;

pub const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_000;

type Hook<T> = Option<Rc<dyn Fn(&mut T)>>;
type Maker = Rc<dyn Fn(&Signer, &[u8]) -> String>;
/// A path, and the mode and bytes it gets; gone without.
type Put = (String, Option<(u32, Vec<u8>)>);
type Shape = (String, Rc<dyn Fn(&mut Vec<Item>)>);

/// How a commit comes by its signature.
#[derive(Clone)]
pub enum Seal {
    /// The draft's key signs whatever the payload has become.
    Signed,
    /// The signature of the commit that was there before.
    Kept,
    /// No signature header at all.
    Absent,
    /// An armor made by hand, from the payload.
    Made(Maker),
}

/// One entry, as it will be laid.
#[derive(Clone)]
pub struct Draft {
    pub statement: Vec<u8>,
    /// Where the statement lies.
    pub path: String,
    /// What lies beside it, by path.
    pub files: Vec<(String, Vec<u8>)>,
    /// Tree, parent and trailers (but for the origin) are filled in when it is laid.
    pub commit: Commit,
    /// Who of the cast signs the commit, and who the statement.
    pub key: &'static str,
    pub dsse_key: Option<&'static str>,
    pub seal: Seal,
    /// What is done to the trailers, to the payload before it is signed, and to the object after.
    pub trailers: Hook<Trailers>,
    pub payload: Hook<String>,
    pub object: Hook<String>,
    /// Paths written otherwise than an entry does it.
    pub paths: Vec<Put>,
    /// What is done to the entries of one folder's tree object.
    pub shape: Option<Shape>,
    /// The commit object and the statement that were there before.
    pub before: Vec<u8>,
    pub born: Vec<u8>,
}

/// An entry of a tree object, as its bytes say.
#[derive(Clone)]
pub struct Item {
    pub mode: String,
    pub name: Vec<u8>,
    pub id: Oid,
}

type Flat = BTreeMap<String, (u32, Oid)>;

pub struct Forge<'r> {
    pub repo: &'r TestRepo,
    git: Rc<Repository>,
    signers: Rc<BTreeMap<&'static str, Signer>>,
    pub drafts: Vec<Draft>,
    /// All entries there were, and the commit of each.
    pool: Rc<Vec<Draft>>,
    tips: Rc<Vec<String>>,
}

impl<'r> Forge<'r> {
    /// Takes the ledger of a repository with SHA-1 objects apart.
    pub fn of(repo: &'r TestRepo) -> Self {
        let signer = |who: &&'static str| {
            let key = ssh_key::PrivateKey::read_openssh_file(repo.key(who)).unwrap();
            (*who, Signer::from_seed(&key.key_data().ed25519().unwrap().private.to_bytes()))
        };
        let git = Rc::new(Repository::open(&repo.path).unwrap());
        let signers = Rc::new(CAST.iter().map(signer).collect());
        let tips: Vec<String> = repo.commits().into_iter().rev().collect();
        let (tips, pool) = (Rc::new(tips), Rc::default());
        let mut forge = Self { repo, git, signers, drafts: Vec::new(), pool, tips: Rc::clone(&tips) };
        let mut before = Flat::new();
        for id in tips.iter() {
            let after = forge.flat(id);
            let added = after.iter().filter(|(path, _)| !before.contains_key(*path));
            let added = added.map(|(path, (_, blob))| (path.clone(), forge.read(*blob))).collect();
            let draft = forge.draft(id, added);
            forge.drafts.push(draft);
            before = after;
        }
        forge.pool = Rc::new(forge.drafts.clone());
        forge
    }

    fn draft(&self, id: &str, added: Vec<(String, Vec<u8>)>) -> Draft {
        let before = self.read(oid(id));
        let SignedCommit { commit, armor, .. } = SignedCommit::parse(&before, ObjectFormat::Sha1).unwrap();
        let public = SshSignature::from_armor(&armor).unwrap().key;
        let key = self.signers.iter().find(|(_, signer)| signer.public() == public).unwrap().0;
        let (statement, files): (Vec<_>, Vec<_>) =
            added.into_iter().partition(|(path, _)| path.ends_with(".json") && !path.contains("/files/"));
        let [(path, statement)] = <[_; 1]>::try_from(statement).unwrap();
        let born = statement.clone();
        Draft {
            statement,
            path,
            files,
            commit,
            key,
            dsse_key: Some(key),
            seal: Seal::Signed,
            trailers: None,
            payload: None,
            object: None,
            paths: Vec::new(),
            shape: None,
            before,
            born,
        }
    }

    /// The same ledger with its first entries only.
    pub fn cut(&self, entries: usize) -> Self {
        Self {
            repo: self.repo,
            git: Rc::clone(&self.git),
            signers: Rc::clone(&self.signers),
            drafts: self.drafts[..entries].to_vec(),
            pool: Rc::clone(&self.pool),
            tips: Rc::clone(&self.tips),
        }
    }

    /// Where the branch stood when its last draft was the newest entry.
    pub fn tip(&self) -> &str {
        &self.tips[self.drafts.len() - 1]
    }

    pub fn signer(&self, who: &str) -> &Signer {
        &self.signers[who]
    }

    pub fn last(&mut self) -> &mut Draft {
        self.drafts.last_mut().unwrap()
    }

    /// SHA-256 of a draft's statement: what other entries call it.
    pub fn id(&self, at: usize) -> String {
        Digest::of(&self.drafts[at].statement).to_string()
    }

    /// One more entry like one there is or was, a second later, at the end.
    pub fn again(&mut self, at: usize) -> &mut Draft {
        let mut copy = self.drafts.get(at).unwrap_or(&self.pool[at]).clone();
        copy.renumber(at, self.drafts.len());
        copy.commit.seconds = self.last().commit.seconds;
        copy.later(1);
        // What others call the original is not its name.
        copy.born.clear();
        self.drafts.push(copy);
        self.last()
    }

    /// Lays all drafts one upon the other and makes the branch stand at the last.
    pub fn lay(&self) -> String {
        let (mut merkle, mut flat) = (Merkle::default(), Flat::new());
        let mut parent: Option<String> = None;
        let mut shapes = Vec::new();
        for (number, draft) in self.drafts.iter().enumerate() {
            let statement = (&draft.path, &draft.statement);
            for (path, bytes) in draft.files.iter().map(|(path, bytes)| (path, bytes)).chain([statement]) {
                flat.insert(path.clone(), (FILE, self.write(ObjectType::Blob, bytes)));
            }
            for (path, put) in &draft.paths {
                flat.remove(path);
                flat.extend(
                    put.iter().map(|(mode, bytes)| (path.clone(), (*mode, self.write(ObjectType::Blob, bytes)))),
                );
            }
            shapes.extend(draft.shape.clone());
            let tree = self.tree(&flat, "", &shapes);
            let object = self.seal(draft, number as u64, &merkle, tree, parent.as_deref());
            parent = Some(self.write(ObjectType::Commit, object.as_bytes()).to_string());
            merkle.push(&draft.statement);
        }
        let tip = parent.unwrap();
        self.git.reference("refs/heads/evidence", oid(&tip), true, "laid").unwrap();
        tip
    }

    fn seal(&self, draft: &Draft, number: u64, merkle: &Merkle, tree: Oid, parent: Option<&str>) -> String {
        let dsse = draft.dsse_key.map(|who| DsseTrailer {
            fingerprint: self.signers[who].public().fingerprint(),
            signature: self.signers[who].sign(&dsse::pae(&draft.statement)).unwrap(),
        });
        let mut commit = draft.commit.clone();
        commit.tree = ObjectId::parse(&tree.to_string()).unwrap();
        commit.parent = parent.map(|id| ObjectId::parse(id).unwrap());
        commit.trailers = Trailers {
            origin: commit.trailers.origin,
            number: EntryNumber(number),
            statement: Digest::of(&draft.statement),
            before_size: number,
            before_root: merkle.root(),
            dsse,
        };
        apply(&draft.trailers, &mut commit.trailers);
        let mut payload = String::from_utf8(commit.payload()).unwrap();
        apply(&draft.payload, &mut payload);
        let signer = &self.signers[draft.key];
        let armor = match &draft.seal {
            Seal::Signed => Some(armor(signer, payload.as_bytes())),
            Seal::Kept => Some(SignedCommit::parse(&draft.before, ObjectFormat::Sha1).unwrap().armor),
            Seal::Absent => None,
            Seal::Made(make) => Some(make(signer, payload.as_bytes())),
        };
        let (headers, message) = payload.split_once("\n\n").unwrap();
        let header = armor.map(|armor| format!("gpgsig {}\n", armor.replace('\n', "\n "))).unwrap_or_default();
        let mut object = format!("{headers}\n{header}\n{message}");
        apply(&draft.object, &mut object);
        object
    }

    /// Writes a folder's tree object, shaped where somebody asked for it.
    fn tree(&self, flat: &Flat, folder: &str, shapes: &[Shape]) -> Oid {
        let mut below: BTreeMap<&str, Flat> = BTreeMap::new();
        let mut items = Vec::new();
        for (path, (mode, id)) in flat {
            match path.split_once('/') {
                Some((name, rest)) => drop(below.entry(name).or_default().insert(rest.to_owned(), (*mode, *id))),
                None => items.push(Item { mode: format!("{mode:o}"), name: path.clone().into_bytes(), id: *id }),
            }
        }
        for (name, flat) in below {
            let id = self.tree(&flat, &format!("{folder}{name}/"), shapes);
            items.push(Item { mode: format!("{FOLDER:o}"), name: name.as_bytes().to_vec(), id });
        }
        items.sort_by_key(Item::place);
        for (_, shape) in shapes.iter().filter(|(of, _)| folder.trim_end_matches('/') == *of) {
            shape(&mut items);
        }
        let bytes = items
            .iter()
            .flat_map(|Item { mode, name, id }| [mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat());
        self.write(ObjectType::Tree, &bytes.collect::<Vec<u8>>())
    }

    pub fn write(&self, kind: ObjectType, bytes: &[u8]) -> Oid {
        self.git.odb().unwrap().write(kind, bytes).unwrap()
    }

    fn read(&self, id: Oid) -> Vec<u8> {
        self.git.odb().unwrap().read(id).unwrap().data().to_vec()
    }

    /// Every file below a commit, by path.
    fn flat(&self, commit: &str) -> Flat {
        let tree = self.git.find_commit(oid(commit)).unwrap().tree().unwrap();
        let mut flat = Flat::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(ObjectType::Blob) {
                let mode = u32::try_from(entry.filemode()).unwrap();
                flat.insert(format!("{folder}{}", entry.name().unwrap()), (mode, entry.id()));
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        flat
    }
}

impl Draft {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.statement).unwrap()
    }

    /// The entry as it was before anything was bent, the way the store hands it to verification.
    pub fn stored(&self) -> StoredEntry {
        let id = Oid::hash_object(ObjectType::Commit, &self.before).unwrap();
        let statement = (self.path.clone(), self.statement.clone());
        let added = self.files.iter().cloned().chain([statement]).map(|(path, bytes)| stored_file(path, bytes));
        StoredEntry {
            id: ObjectId::parse(&id.to_string()).unwrap(),
            commit: self.before.clone(),
            added: added.collect(),
            altered: Vec::new(),
        }
    }

    /// Changes the statement's text at the first place it says `from`.
    #[track_caller]
    pub fn says(&mut self, from: &str, to: &str) -> &mut Self {
        let text = self.text().to_owned();
        assert!(text.contains(from) && from != to, "{from:?} is not in:\n{text}");
        self.statement = text.replacen(from, to, 1).into_bytes();
        self
    }

    /// The value of a key where it first stands in the statement, quotes aside.
    pub fn value(&self, key: &str) -> String {
        let (_, rest) = self.text().split_once(&format!("\"{key}\": ")).unwrap();
        rest.lines().next().unwrap().trim_end_matches(',').trim_matches('"').to_owned()
    }

    /// Moves the entry, and the instant it says it was recorded at.
    pub fn later(&mut self, seconds: i64) -> &mut Self {
        self.commit.seconds += seconds;
        self.recorded_at(self.commit.seconds)
    }

    pub fn recorded_at(&mut self, seconds: i64) -> &mut Self {
        let old = format!("\"recordedAt\": \"{}\"", self.value("recordedAt"));
        let new = format!("\"recordedAt\": \"{}\"", Timestamp::from_seconds(seconds).unwrap());
        if old == new { self } else { self.says(&old, &new) }
    }

    /// Gives the entry another place in the ledger, files and all.
    pub fn renumber(&mut self, from: usize, to: usize) {
        let [from, to] = [from, to].map(|number| EntryNumber(number as u64).padded());
        self.path = self.path.replacen(&from, &to, 1);
        self.files.iter_mut().for_each(|(path, _)| *path = path.replacen(&from, &to, 1));
    }

    /// Signs with another key, and says nothing of it.
    pub fn signed_with(&mut self, who: &'static str) -> &mut Self {
        (self.key, self.dsse_key) = (who, Some(who));
        self
    }

    pub fn on_trailers(&mut self, change: impl Fn(&mut Trailers) + 'static) {
        self.trailers = Some(Rc::new(change));
    }

    /// Changes a text of the payload before it is signed.
    pub fn on_payload(&mut self, from: &'static str, to: impl Into<String>) {
        self.payload = Some(replacing(from, to.into()));
    }

    /// Changes a text of the object after it was signed.
    pub fn on_object(&mut self, from: &'static str, to: impl Into<String>) {
        self.object = Some(replacing(from, to.into()));
    }

    pub fn sealed(&mut self, make: impl Fn(&Signer, &[u8]) -> String + 'static) {
        self.seal = Seal::Made(Rc::new(make));
    }

    pub fn put(&mut self, path: &str, mode: u32, bytes: &[u8]) -> &mut Self {
        self.paths.push((path.to_owned(), Some((mode, bytes.to_vec()))));
        self
    }

    pub fn gone(&mut self, path: &str) -> &mut Self {
        self.paths.push((path.to_owned(), None));
        self
    }

    pub fn shaped(&mut self, folder: &str, shape: impl Fn(&mut Vec<Item>) + 'static) {
        self.shape = Some((folder.to_owned(), Rc::new(shape)));
    }
}

impl Item {
    /// Git sorts a folder as if its name ended in a slash.
    pub fn place(&self) -> Vec<u8> {
        let slash = if self.mode == format!("{FOLDER:o}") { "/" } else { "" };
        [&self.name, slash.as_bytes()].concat()
    }
}

pub fn stored_file(path: String, bytes: Vec<u8>) -> StoredFile {
    StoredFile { path, mode: FILE, size: bytes.len() as u64, sha256: Digest::of(&bytes), bytes: Some(bytes) }
}

/// Verifies drafts nobody bent, in process, as somebody with these limits and this clock does.
pub fn verify(drafts: &[Draft], limits: Limits, now: Timestamp) -> Result<VerifiedLedger, Faults> {
    let mut verifier = Verifier::new(ObjectFormat::Sha1, TrustAnchor::default(), limits, now);
    let mut examiner = Examiner::new(ObjectFormat::Sha1, limits);
    drafts.iter().for_each(|draft| verifier.admit(examiner.examine(draft.stored())));
    verifier.finish()
}

/// The armor an honest writer makes.
pub fn armor(signer: &Signer, payload: &[u8]) -> String {
    SshSignature { key: signer.public(), signature: signer.sign(&to_be_signed(payload)).unwrap() }.to_armor()
}

fn apply<T>(hook: &Hook<T>, to: &mut T) {
    if let Some(hook) = hook {
        hook(to);
    }
}

fn replacing(from: &'static str, to: String) -> Rc<dyn Fn(&mut String)> {
    Rc::new(move |text| {
        assert!(text.contains(from), "{from:?} is not in:\n{text}");
        *text = text.replacen(from, &to, 1);
    })
}

fn oid(id: &str) -> Oid {
    Oid::from_str_ext(id, git2::ObjectFormat::Sha1).unwrap()
}
