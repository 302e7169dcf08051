//! Many entries quickly: the same bytes the program would write, without a process or a flush each.

use git2::{ObjectType, Repository};
use ledger::chain::merkle::Merkle;
use ledger::entry::kinds::Predicate;
use ledger::entry::{DigestSet, Statement, Subject};
use ledger::evidence::facts::Fact;
use ledger::id::{Digest, EntryNumber, FileName, ObjectId, Origin};
use ledger::sign::sshsig::{SshSignature, to_be_signed};
use ledger::sign::{Signer, dsse};
use ledger::store::commit::{Commit, DsseTrailer, ObjectFormat, Trailers, message_text};
use ledger::store::layout::{Position, slug};

use crate::support::TestRepo;

/// Appends entries like the newest one, which must be evidence of one inline file, each with a file
/// of its own. The evidence branch must be in the SHA-1 format.
pub fn append_like_the_newest(repo: &TestRepo, who: &str, count: u64) {
    let git = Repository::open(&repo.path).unwrap();
    let mut past = Past::read(repo);
    let signer = signer(repo, who);
    for _ in 0..count {
        past.append(&git, &signer);
    }
    git.reference(
        "refs/heads/evidence",
        git2::Oid::from_str_ext(past.tip.as_str(), git2::ObjectFormat::Sha1).unwrap(),
        true,
        "bulk",
    )
    .unwrap();
}

/// The ledger as far as the next entry needs it.
struct Past {
    origin: Origin,
    merkle: Merkle,
    template: Statement,
    name: String,
    folder: String,
    in_folder: u64,
    tip: ObjectId,
    seconds: i64,
}

impl Past {
    fn read(repo: &TestRepo) -> Self {
        let log = repo.ledger("", &["log", "--json"]).json();
        let entries = log["entries"].as_array().unwrap();
        let path = |entry: &serde_json::Value| entry["path"].as_str().unwrap().to_owned();
        let statement = |entry| repo.git(&["show", &format!("evidence:{}", path(entry))]).into_bytes();
        let mut merkle = Merkle::default();
        entries.iter().for_each(|entry| merkle.push(&statement(entry)));
        let newest = entries.last().unwrap();
        let folder = path(newest).split('/').next().unwrap().to_owned();
        let template = Statement::decode(statement(newest)).unwrap();
        let tip = repo.git(&["rev-parse", "evidence"]);
        Self {
            origin: template.predicate.scope().origin.clone(),
            in_folder: entries.iter().filter(|entry| path(entry).starts_with(&format!("{folder}/"))).count() as u64,
            name: newest["name"].as_str().unwrap().to_owned(),
            seconds: repo.git(&["show", "-s", "--format=%ct", tip.trim()]).trim().parse().unwrap(),
            tip: ObjectId::parse(tip.trim()).unwrap(),
            merkle,
            template,
            folder,
        }
    }

    fn append(&mut self, git: &Repository, signer: &Signer) {
        let number = EntryNumber(self.merkle.size());
        let bytes = format!("entry {number}\n").into_bytes();
        let statement = self.statement(number, &bytes);
        let Predicate::Evidence(evidence) = &statement.predicate else { unreachable!("it was made so") };
        let position = Position { folder: &self.folder, index: self.in_folder, number };
        let files = [
            (position.statement("evidence", Some(&slug(evidence.slot.as_str()))), statement.bytes()),
            (position.file(evidence.files[0].name.as_str()), bytes.as_slice()),
        ];
        let odb = git.odb().unwrap();
        let parent = git2::Oid::from_str_ext(self.tip.as_str(), git2::ObjectFormat::Sha1).unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, bytes) in &files {
            update.upsert(path.as_str(), odb.write(ObjectType::Blob, bytes).unwrap(), git2::FileMode::Blob);
        }
        let tree = update.create_updated(git, &git.find_commit(parent).unwrap().tree().unwrap()).unwrap();
        let mut commit = Commit {
            tree: ObjectId::parse(&tree.to_string()).unwrap(),
            parent: Some(self.tip.clone()),
            name: self.name.clone(),
            email: statement.predicate.actor().id.to_string(),
            seconds: self.seconds,
            text: message_text(
                &format!("evidence: {} number {number}", evidence.slot),
                &["Written in bulk.".to_owned()],
            ),
            trailers: Trailers {
                origin: self.origin.clone(),
                number,
                statement: statement.id().0,
                before_size: self.merkle.size(),
                before_root: self.merkle.root(),
                dsse: None,
            },
        };
        let signature = signer.sign(&dsse::pae(statement.bytes())).unwrap();
        commit.trailers.dsse = Some(DsseTrailer { fingerprint: signer.public().fingerprint(), signature });
        let signature = signer.sign(&to_be_signed(&commit.payload())).unwrap();
        let armor = SshSignature { key: signer.public(), signature }.to_armor();
        let id = odb.write(ObjectType::Commit, &commit.with_signature(&armor, ObjectFormat::Sha1)).unwrap();
        self.tip = ObjectId::parse(&id.to_string()).unwrap();
        self.merkle.push(statement.bytes());
        self.in_folder += 1;
    }

    fn statement(&self, number: EntryNumber, bytes: &[u8]) -> Statement {
        let Predicate::Evidence(mut evidence) = self.template.predicate.clone() else {
            panic!("the newest entry is no evidence")
        };
        let digest = Digest::of(bytes);
        let file = &mut evidence.files[0];
        file.name = FileName::parse("note.txt").unwrap();
        file.path = format!("notes/{number}.txt");
        file.size = bytes.len() as u64;
        file.sha256 = digest;
        evidence.facts.insert("bytes".to_owned(), Fact::from(bytes.len()));
        let about_file = Subject { name: "note.txt".to_owned(), digest: DigestSet::Sha256(digest) };
        let subject = vec![self.template.subject[0].clone(), about_file];
        Statement::compose(subject, Predicate::Evidence(evidence)).unwrap()
    }
}

fn signer(repo: &TestRepo, who: &str) -> Signer {
    let key = ssh_key::PrivateKey::read_openssh_file(repo.key(who)).unwrap();
    Signer::from_seed(&key.key_data().ed25519().unwrap().private.to_bytes())
}
