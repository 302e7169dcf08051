//! Many entries quickly: the same bytes the program would write, without a process or a flush each.

use git2::{ObjectType, Oid, Repository};
use ledger::chain::merkle::Merkle;
use ledger::entry::kinds::{AttemptKey, Evidence, Open, Predicate};
use ledger::entry::{DigestSet, Statement, Subject};
use ledger::evidence::facts::Fact;
use ledger::id::{Digest, EntryNumber, FileName, Folder, Name, ObjectId, Timestamp, Version};
use ledger::sign::sshsig::{SshSignature, to_be_signed};
use ledger::sign::{Signer, dsse};
use ledger::store::commit::{Commit, DsseTrailer, ObjectFormat, Trailers, message_text};
use ledger::store::layout::{Position, slug};

use super::TestRepo;

/// Writes entries after those the program wrote, in a repository of the SHA-1 format. The newest
/// entry, evidence of one inline file, is what all evidence will be like; everything is signed by
/// the one person, who must have opened its attempt too if more releases are wanted.
pub struct Bulk<'r> {
    repo: &'r TestRepo,
    git: Repository,
    signer: Signer,
    merkle: Merkle,
    tip: ObjectId,
    seconds: i64,
    evidence: Statement,
    open: Statement,
    folder: String,
    in_folder: u64,
}

impl<'r> Bulk<'r> {
    pub fn after(repo: &'r TestRepo, who: &str) -> Self {
        let log = repo.ledger("", &["log", "--json"]).json();
        let entries = log["entries"].as_array().unwrap();
        let path = |entry: &serde_json::Value| entry["path"].as_str().unwrap().to_owned();
        let statement = |entry| repo.git(&["show", &format!("evidence:{}", path(entry))]).into_bytes();
        let mut merkle = Merkle::default();
        entries.iter().for_each(|entry| merkle.push(&statement(entry)));
        let newest = entries.last().unwrap();
        let folder = path(newest).split('/').next().unwrap().to_owned();
        let inside: Vec<_> = entries.iter().filter(|entry| path(entry).starts_with(&format!("{folder}/"))).collect();
        let tip = repo.git(&["rev-parse", "evidence"]);
        let key = ssh_key::PrivateKey::read_openssh_file(repo.key(who)).unwrap();
        Self {
            repo,
            git: Repository::open(&repo.path).unwrap(),
            signer: Signer::from_seed(&key.key_data().ed25519().unwrap().private.to_bytes()),
            merkle,
            seconds: repo.git(&["show", "-s", "--format=%ct", tip.trim()]).trim().parse().unwrap(),
            tip: ObjectId::parse(tip.trim()).unwrap(),
            evidence: Statement::decode(statement(newest)).unwrap(),
            open: Statement::decode(statement(inside[0])).unwrap(),
            in_folder: inside.len() as u64,
            folder,
        }
    }

    /// More evidence for the attempt written to last.
    pub fn evidence(&mut self, count: u64) {
        for _ in 0..count {
            let Predicate::Evidence(evidence) = self.evidence.predicate.clone() else { panic!("it is no evidence") };
            self.one_evidence(evidence);
        }
    }

    /// A first attempt for another release, in a folder of its own; evidence goes there from now on.
    pub fn release(&mut self, version: &str) {
        self.release_as(version, |_| {});
    }

    /// The same, but the attempt promises nothing.
    pub fn release_without_artifacts(&mut self, version: &str) {
        self.release_as(version, |open| open.artifacts.clear());
    }

    fn release_as(&mut self, version: &str, edit: impl FnOnce(&mut Open)) {
        let release = Version::parse(version).unwrap();
        self.begin(|key| *key = AttemptKey { attempt: 1, release, ..key.clone() }, edit);
    }

    /// Another attempt at the release written to last.
    pub fn retry(&mut self) {
        self.begin(|key| key.attempt += 1, |_| {});
    }

    /// Opens an attempt that follows the one written to last; evidence goes there from now on.
    fn begin(&mut self, next: impl FnOnce(&mut AttemptKey), edit: impl FnOnce(&mut Open)) {
        let (Predicate::Open(mut open), Predicate::Evidence(mut evidence)) =
            (self.open.predicate.clone(), self.evidence.predicate.clone())
        else {
            panic!("the attempt does not begin with its opening")
        };
        let base = open.folder.as_str().split('.').next().unwrap().to_owned();
        open.folder = Folder::parse(&format!("{base}.{}", self.merkle.size())).unwrap();
        let key = evidence.ledger.attempt.as_mut().unwrap();
        next(key);
        for artifact in &mut open.artifacts {
            let old = open.ledger.attempt.as_ref().unwrap().release.as_str();
            artifact.path = artifact.path.replace(old, key.release.as_str());
        }
        open.ledger.attempt = Some(key.clone());
        (self.folder, self.in_folder) = (open.folder.to_string(), 0);
        self.open.subject[0].name = key.release.to_string();
        self.evidence.subject[0].name = key.release.to_string();
        self.evidence = Statement::compose(self.evidence.subject.clone(), Predicate::Evidence(evidence)).unwrap();
        edit(&mut open);
        self.one_open(open);
    }

    /// The same evidence once more, with other facts than its file gives.
    pub fn lie(&mut self, name: &str, fact: Fact) {
        let Predicate::Evidence(mut evidence) = self.evidence.predicate.clone() else { panic!("it is no evidence") };
        evidence.facts.insert(name.to_owned(), fact);
        evidence.recorded_at = Timestamp::from_seconds(self.seconds).unwrap();
        let path = self.repo.git(&["ls-tree", "-r", "--name-only", self.tip.as_str()]);
        let name = evidence.files[0].name.to_string();
        let path = path.lines().rfind(|path| path.ends_with(&format!("/{name}"))).unwrap();
        let bytes = self.repo.git(&["show", &format!("{}:{path}", self.tip.as_str())]).into_bytes();
        let position = self.position();
        let slug = slug(evidence.slot.as_str());
        let (path, file) = (position.statement("evidence", Some(&slug)), position.file(&name));
        let statement = Statement::compose(self.evidence.subject.clone(), Predicate::Evidence(evidence)).unwrap();
        self.commit(&statement, &[(path, statement.bytes()), (file, &bytes)]);
    }

    /// How many entries there are, also those that nobody sees yet.
    pub const fn size(&self) -> u64 {
        self.merkle.size()
    }

    /// Makes all of it visible.
    pub fn finish(self) {
        self.publish();
    }

    /// The same, and more may follow.
    pub fn publish(&self) {
        self.repo.git(&["update-ref", "refs/heads/evidence", self.tip.as_str()]);
    }

    fn one_open(&mut self, open: Open) {
        let statement = Statement::compose(self.open.subject.clone(), Predicate::Open(open)).unwrap();
        let path = self.position().statement("open", None);
        self.commit(&statement, &[(path, statement.bytes())]);
    }

    fn one_evidence(&mut self, mut evidence: Evidence) {
        let bytes = format!("entry {}\n", self.merkle.size()).into_bytes();
        let digest = Digest::of(&bytes);
        let file = &mut evidence.files[0];
        file.name = FileName::parse("note.txt").unwrap();
        file.path = format!("notes/{}.txt", self.merkle.size());
        file.size = bytes.len() as u64;
        file.sha256 = digest;
        evidence.format = Name::parse("file").unwrap();
        evidence.facts =
            [("bytes", bytes.len()), ("files", 1)].map(|(n, count)| (n.to_owned(), Fact::from(count))).into();
        let about_file = Subject { name: "note.txt".to_owned(), digest: DigestSet::Sha256(digest) };
        let subject = vec![self.evidence.subject[0].clone(), about_file];
        let position = self.position();
        let slug = slug(evidence.slot.as_str());
        let (path, file_path) = (position.statement("evidence", Some(&slug)), position.file("note.txt"));
        let statement = Statement::compose(subject, Predicate::Evidence(evidence)).unwrap();
        self.commit(&statement, &[(path, statement.bytes()), (file_path, &bytes)]);
    }

    fn position(&self) -> Position<'_> {
        Position { folder: &self.folder, index: self.in_folder, number: EntryNumber(self.merkle.size()) }
    }

    fn commit(&mut self, statement: &Statement, files: &[(String, &[u8])]) {
        let odb = self.git.odb().unwrap();
        let parent = Oid::from_str_ext(self.tip.as_str(), git2::ObjectFormat::Sha1).unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, bytes) in files {
            update.upsert(path.as_str(), odb.write(ObjectType::Blob, bytes).unwrap(), git2::FileMode::Blob);
        }
        let tree = update.create_updated(&self.git, &self.git.find_commit(parent).unwrap().tree().unwrap()).unwrap();
        let number = EntryNumber(self.merkle.size());
        let predicate = &statement.predicate;
        let dsse = self.signer.sign(&dsse::pae(statement.bytes())).unwrap();
        let commit = Commit {
            tree: ObjectId::parse(&tree.to_string()).unwrap(),
            parent: Some(self.tip.clone()),
            name: predicate.actor().name.clone(),
            email: predicate.actor().id.to_string(),
            seconds: self.seconds,
            text: message_text(&format!("{}: number {number}", predicate.kind().word()), &["In bulk.".to_owned()]),
            trailers: Trailers {
                origin: predicate.scope().origin.clone(),
                number,
                statement: statement.id().0,
                before_size: self.merkle.size(),
                before_root: self.merkle.root(),
                dsse: Some(DsseTrailer { fingerprint: self.signer.public().fingerprint(), signature: dsse }),
            },
        };
        let signature = self.signer.sign(&to_be_signed(&commit.payload())).unwrap();
        let armor = SshSignature { key: self.signer.public(), signature }.to_armor();
        let id = odb.write(ObjectType::Commit, &commit.with_signature(&armor, ObjectFormat::Sha1)).unwrap();
        self.tip = ObjectId::parse(&id.to_string()).unwrap();
        self.merkle.push(statement.bytes());
        self.in_folder += 1;
    }
}
