//! A ledger made in memory: signed and verified entry by entry, without a process, a repository or a clock.

use std::collections::BTreeMap;
use std::rc::Rc;

use git2::{ObjectType, Oid};
use ledger::chain::merkle::Merkle;
use ledger::chain::{Examiner, Limits, TrustAnchor, VerifiedLedger, Verifier, slug_of};
use ledger::entry::kinds::{Actor, AttemptKey, Mode, Predicate, Scope};
use ledger::entry::{DigestSet, Statement, Subject};
use ledger::id::{Digest, EntryNumber, Name, ObjectId, Origin, Timestamp};
use ledger::sign::Signer;
use ledger::sign::sshsig::{SshSignature, to_be_signed};
use ledger::store::StoredEntry;
use ledger::store::commit::{Commit, ObjectFormat, Trailers, message_text};
use ledger::store::layout::Position;

use super::forge::{Forge, stored_file};
use super::policy::CAST;
use super::{Policy, TestRepo};

/// What every history begins with: the policy in force, and everybody's keys.
pub struct Begun {
    first: StoredEntry,
    signers: BTreeMap<&'static str, Signer>,
    roles: BTreeMap<&'static str, Vec<Name>>,
}

impl Begun {
    pub fn with(policy: &Policy) -> Rc<Self> {
        let repo = TestRepo::with_ledger(policy);
        let signer = |who: &&'static str| {
            let key = ssh_key::PrivateKey::read_openssh_file(repo.key(who)).unwrap();
            (*who, Signer::from_seed(&key.key_data().ed25519().unwrap().private.to_bytes()))
        };
        let name = |role: &&str| Name::parse(role).unwrap();
        let roles = policy.people.iter().map(|(who, _, roles, _)| (*who, roles.iter().map(name).collect()));
        let signers = CAST.iter().map(signer).collect();
        Rc::new(Self { first: Forge::of(&repo).drafts[0].stored(), signers, roles: roles.collect() })
    }
}

/// A history that grows.
#[derive(Clone)]
pub struct Made {
    begun: Rc<Begun>,
    pub ledger: VerifiedLedger,
    merkle: Merkle,
    tip: ObjectId,
    /// Entries in each folder.
    folders: BTreeMap<String, u64>,
    /// Now, in seconds since 1970.
    pub seconds: i64,
}

impl Made {
    pub fn begin(begun: &Rc<Begun>) -> Self {
        let first = begun.first.clone();
        let mut merkle = Merkle::default();
        let statement = first.added.iter().find(|file| file.path.ends_with(".json")).unwrap();
        merkle.push(statement.bytes.as_ref().unwrap());
        let tip = first.id.clone();
        let mut verifier = Verifier::new(ObjectFormat::Sha1, TrustAnchor::default(), Limits::default(), Timestamp::MAX);
        verifier.admit(Examiner::new(ObjectFormat::Sha1, Limits::default()).examine(first));
        let ledger = verifier.finish().unwrap();
        let seconds = ledger.seconds();
        Self { begun: Rc::clone(begun), ledger, merkle, tip, folders: BTreeMap::new(), seconds }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds).unwrap()
    }

    pub fn scope(&self, key: &AttemptKey) -> Scope {
        Scope { origin: Origin::parse("example.org/acme/widget").unwrap(), attempt: Some(key.clone()) }
    }

    pub fn actor(&self, who: &str) -> Actor {
        let id = ledger::id::PersonId::parse(&format!("{who}@acme.example")).unwrap();
        let roles = self.begun.roles.get(who).cloned().unwrap_or_default();
        Actor { id, name: who[..1].to_uppercase() + &who[1..], roles, mode: Mode::Ci }
    }

    /// Adds an entry of this attempt's folder, with its files by name. An entry that does not verify was never
    /// written: false, and nothing changed.
    pub fn adds(&mut self, who: &str, folder: &str, predicate: Predicate, files: &[(&str, &[u8])]) -> bool {
        let about = Subject { name: "1.0".to_owned(), digest: DigestSet::Sha256(Digest::of(b"source")) };
        let about_files = files
            .iter()
            .map(|(name, bytes)| Subject { name: (*name).to_owned(), digest: DigestSet::Sha256(Digest::of(bytes)) });
        let Ok(statement) = Statement::compose([about].into_iter().chain(about_files).collect(), predicate) else {
            return false;
        };
        let entry = self.stored(who, folder, &statement, files);
        let id = entry.id.clone();
        let mut verifier = Verifier::resume(self.ledger.clone(), Limits::default(), Timestamp::MAX);
        verifier.admit(Examiner::new(ObjectFormat::Sha1, Limits::default()).examine(entry));
        let Ok(ledger) = verifier.finish() else { return false };
        self.ledger = ledger;
        self.merkle.push(statement.bytes());
        *self.folders.entry(folder.to_owned()).or_default() += 1;
        self.tip = id;
        true
    }

    fn stored(&self, who: &str, folder: &str, statement: &Statement, files: &[(&str, &[u8])]) -> StoredEntry {
        let predicate = &statement.predicate;
        let number = EntryNumber(self.merkle.size());
        let index = self.folders.get(folder).copied().unwrap_or_default();
        let position = Position { folder, index, number };
        let roster = self.ledger.policies().last().unwrap().roster();
        let slug = slug_of(predicate, roster.person(&predicate.actor().id));
        let path = position.statement(predicate.kind().word(), slug.as_deref());
        let commit = Commit {
            tree: ObjectId::parse(&"1".repeat(40)).unwrap(),
            parent: Some(self.tip.clone()),
            name: predicate.actor().name.clone(),
            email: predicate.actor().id.to_string(),
            seconds: self.seconds,
            text: message_text(&format!("{}: made", predicate.kind().word()), &[]),
            trailers: Trailers {
                origin: predicate.scope().origin.clone(),
                number,
                statement: statement.id().0,
                before_size: self.merkle.size(),
                before_root: self.merkle.root(),
                dsse: None,
            },
        };
        let signer = &self.begun.signers[who];
        let signature = signer.sign(&to_be_signed(&commit.payload())).unwrap();
        let armor = SshSignature { key: signer.public(), signature }.to_armor();
        let bytes = commit.with_signature(&armor, ObjectFormat::Sha1);
        let id = Oid::hash_object(ObjectType::Commit, &bytes).unwrap();
        let added = files.iter().map(|(name, bytes)| stored_file(position.file(name), bytes.to_vec()));
        let added = added.chain([stored_file(path, statement.bytes().to_vec())]).collect();
        StoredEntry { id: ObjectId::parse(&id.to_string()).unwrap(), commit: bytes, added, altered: Vec::new() }
    }
}
