//! The steps that need one entry alone: 1, 4, 5, 6, 8, 10 and 11. Nothing here depends on another
//! entry, so entries can be examined in any order and on any core.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};

use super::anchor::Limits;
use super::fault::FaultKind;
use crate::entry::kinds::PolicyFile;
use crate::entry::{Predicate, Statement};
use crate::id::{Digest, ObjectId};
use crate::sign::sshsig::{SshSignature, to_be_signed};
use crate::sign::{PublicKey, ReadyKey, Roster, dsse};
use crate::store::commit::{Commit, ObjectFormat, SignedCommit};
use crate::store::layout::{POLICY_FOLDER, file_beside};
use crate::store::{StoredEntry, StoredFile};

const REGULAR_FILE: u32 = 0o100_644;

/// One entry after the steps that look at it alone.
pub struct Examined {
    pub id: ObjectId,
    pub commit: Option<Commit>,
    pub key: Option<PublicKey>,
    pub statement: Option<Placed>,
    /// Files beside the statement, by path.
    pub files: BTreeMap<String, (u64, Digest)>,
    /// The policy a policy entry brings.
    pub policy: Option<PolicyText>,
    pub faults: Vec<Finding>,
    /// What the files beside the statement hold, by path.
    contents: BTreeMap<String, Vec<u8>>,
}

/// A statement and where it lies.
pub struct Placed {
    pub path: String,
    pub statement: Statement,
}

/// A policy's text and the roster read from it.
pub struct PolicyText {
    pub text: String,
    pub roster: Roster,
}

/// A fault before the entry's number is known.
pub struct Finding {
    pub kind: FaultKind,
    pub expected: String,
    pub found: String,
}

impl Examined {
    /// What the entry claims, when its statement could be read.
    pub fn predicate(&self) -> Option<&Predicate> {
        self.statement.as_ref().map(|placed| &placed.statement.predicate)
    }

    /// The bytes of one of its files.
    pub fn content(&self, name: &str) -> Option<&[u8]> {
        self.contents.get(&file_beside(&self.statement.as_ref()?.path, name)).map(Vec::as_slice)
    }

    /// Lets go of the files' bytes: judging needs their digests alone.
    pub fn forget_contents(&mut self) {
        self.contents = BTreeMap::new();
    }

    fn fault(&mut self, kind: FaultKind, expected: impl Into<String>, found: impl Into<String>) {
        self.faults.push(Finding { kind, expected: expected.into(), found: found.into() });
    }
}

/// Keys remembered; few ledgers have as many, and whoever invents more gains nothing.
const MAX_KEYS: usize = 256;

/// Examines entries one after the other.
pub struct Examiner {
    format: ObjectFormat,
    limits: Limits,
    /// Keys that signed entries examined before.
    keys: HashMap<PublicKey, ReadyKey>,
}

impl Examiner {
    pub fn new(format: ObjectFormat, limits: Limits) -> Self {
        Self { format, limits, keys: HashMap::new() }
    }

    pub fn examine(&mut self, stored: StoredEntry) -> Examined {
        let mut entry = Examined {
            id: stored.id,
            commit: None,
            key: None,
            statement: None,
            files: BTreeMap::new(),
            policy: None,
            faults: Vec::new(),
            contents: BTreeMap::new(),
        };
        let signed = read_commit(&mut entry, &stored.commit, self.format);
        for path in stored.altered {
            entry.fault(FaultKind::TreeAltered, "paths written once never change", path);
        }
        let added = check_limits(&mut entry, stored.added, &self.limits);
        read_statement(&mut entry, added);
        check_files(&mut entry);
        read_policy(&mut entry, &self.limits);
        if let Some(signed) = signed {
            self.check_signatures(&mut entry, &signed);
            entry.commit = Some(signed.commit);
        }
        entry
    }

    /// Steps 10 and 11: both signatures verify, strictly, by the key the commit signature names.
    fn check_signatures(&mut self, entry: &mut Examined, signed: &SignedCommit) {
        let Some(signature) = SshSignature::from_armor(&signed.armor) else {
            let expected = "an ssh-ed25519 SSHSIG in namespace git";
            return entry.fault(FaultKind::CommitSignature, expected, "another signature");
        };
        let key = signature.key;
        let who = format!("a signature by {}", key.fingerprint());
        let ready =
            self.ready(key).filter(|ready| ready.verifies(&to_be_signed(&signed.payload), &signature.signature));
        let Some(ready) = ready else {
            return entry.fault(FaultKind::CommitSignature, who, "a signature that does not verify");
        };
        entry.key = Some(key);
        let (Some(dsse), Some(placed)) = (&signed.commit.trailers.dsse, &entry.statement) else { return };
        let verifies = ready.verifies(&dsse::pae(placed.statement.bytes()), &dsse.signature);
        if dsse.fingerprint != key.fingerprint() || !verifies {
            entry.fault(FaultKind::DsseSignature, who, dsse.fingerprint.clone());
        }
    }

    fn ready(&mut self, key: PublicKey) -> Option<&ReadyKey> {
        if self.keys.len() >= MAX_KEYS {
            self.keys.clear();
        }
        match self.keys.entry(key) {
            Slot::Occupied(known) => Some(known.into_mut()),
            Slot::Vacant(new) => key.ready().map(|ready| &*new.insert(ready)),
        }
    }
}

/// Step 1: the object re-encodes to itself, five headers, once each.
fn read_commit(entry: &mut Examined, bytes: &[u8], format: ObjectFormat) -> Option<SignedCommit> {
    match SignedCommit::parse(bytes, format) {
        Ok(commit) => Some(commit),
        Err(error) => {
            entry.fault(FaultKind::CommitMalformed, "the canonical commit object", error.to_string());
            None
        }
    }
}

/// Step 5: sizes, modes and names within limits.
fn check_limits(entry: &mut Examined, added: Vec<StoredFile>, limits: &Limits) -> Vec<StoredFile> {
    if added.len() > limits.files + 1 {
        entry.fault(FaultKind::Limit, format!("at most {} files", limits.files), added.len().to_string());
    }
    for file in &added {
        if file.mode != REGULAR_FILE {
            entry.fault(FaultKind::Limit, "mode 100644", format!("{:o} {}", file.mode, file.path));
        }
        if file.size > limits.file_size || file.path.len() > limits.path {
            let most = format!("at most {} bytes, path of at most {}", limits.file_size, limits.path);
            entry.fault(FaultKind::Limit, most, format!("{} bytes, {}", file.size, file.path));
        }
    }
    added
}

/// Step 6, first half: exactly one statement, strict and canonical.
fn read_statement(entry: &mut Examined, added: Vec<StoredFile>) {
    let mut statements = Vec::new();
    for file in added {
        if file.path.ends_with(".json") && !file.path.contains("/files/") {
            statements.push(file);
            continue;
        }
        if entry.files.insert(file.path.clone(), (file.size, file.sha256)).is_some() {
            entry.fault(FaultKind::FileUnlisted, "each path once", file.path.clone());
        }
        entry.contents.extend(file.bytes.map(|bytes| (file.path, bytes)));
    }
    let count = statements.len();
    let (1, Some(file)) = (count, statements.pop()) else {
        return entry.fault(FaultKind::FileUnlisted, "exactly one statement", count.to_string());
    };
    match Statement::decode(file.bytes.unwrap_or_default()) {
        Ok(statement) => entry.statement = Some(Placed { path: file.path, statement }),
        Err(error) => {
            entry.fault(FaultKind::StatementMalformed, "a canonical statement", format!("{}: {error}", file.path))
        }
    }
}

/// Steps 4 and 8: exactly the files the statement lists lie beside it, with the bytes it lists.
fn check_files(entry: &mut Examined) {
    let Some(placed) = &entry.statement else { return };
    let listed = listed_files(placed);
    let mut found = Vec::new();
    for (path, (size, digest)) in &listed {
        match entry.files.get(path) {
            None => found.push((FaultKind::FileMissing, path.clone(), "no such file".to_owned())),
            Some(actual) if *actual == (*size, *digest) => {}
            Some((size, actual)) => {
                let expected = format!("{path} sha256:{digest}");
                found.push((FaultKind::FileDigest, expected, format!("sha256:{actual} ({size} bytes)")));
            }
        }
    }
    let unlisted = entry.files.keys().filter(|path| !listed.contains_key(*path));
    found.extend(
        unlisted.map(|path| (FaultKind::FileUnlisted, "only files the statement lists".to_owned(), path.clone())),
    );
    found.into_iter().for_each(|(kind, expected, actual)| entry.fault(kind, expected, actual));
}

/// The files a statement carries, by the path each must have.
fn listed_files(placed: &Placed) -> BTreeMap<String, (u64, Digest)> {
    let path = |name: &str| file_beside(&placed.path, name);
    match &placed.statement.predicate {
        Predicate::Evidence(evidence) => {
            evidence.inline().map(|file| (path(file.name.as_str()), (file.size, file.sha256))).collect()
        }
        Predicate::Policy(policy) => {
            let at = |file: &PolicyFile| match file.name.as_str() {
                crate::entry::kinds::Policy::README => file.name.to_string(),
                name => path(name),
            };
            policy.files.iter().map(|file| (at(file), (file.size, file.sha256))).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// Step 12, the part that needs no other entry: a policy has a roster, and allowed_signers made from it.
fn read_policy(entry: &mut Examined, limits: &Limits) {
    let Some(placed) = &entry.statement else { return };
    if !matches!(placed.statement.predicate, Predicate::Policy(_)) {
        return;
    }
    let file = |name: &str| {
        let suffix = format!("/{name}");
        let found = entry.contents.iter().find(|(path, _)| path.starts_with(POLICY_FOLDER) && path.ends_with(&suffix));
        found.and_then(|(_, bytes)| std::str::from_utf8(bytes).ok()).unwrap_or_default().to_owned()
    };
    let text = file(crate::entry::kinds::Policy::POLICY_TOML);
    let signers = file(crate::entry::kinds::Policy::ALLOWED_SIGNERS);
    let longest = text.len().max(signers.len());
    if longest > limits.policy {
        return entry.fault(
            FaultKind::PolicyMalformed,
            format!("at most {} bytes", limits.policy),
            longest.to_string(),
        );
    }
    match Roster::parse(&text) {
        Ok(roster) if roster.allowed_signers() == signers => entry.policy = Some(PolicyText { text, roster }),
        Ok(_) => entry.fault(FaultKind::PolicyMalformed, "the allowed_signers made from policy.toml", "another text"),
        Err(findings) => {
            let first = findings.iter().next().map(|finding| finding.message.clone()).unwrap_or_default();
            entry.fault(FaultKind::PolicyMalformed, "a policy with a roster", first);
        }
    }
}
