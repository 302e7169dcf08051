//! The key door: finds the private key a person signs with, in the agent or in a file.
//!
//! Order: `--key`, the agent, `user.signingKey` in every form git accepts, `~/.ssh/id_ed25519`.
//! A candidate's public half is known before its passphrase is asked for, so the caller can choose
//! by roster first. Reading commands never come here.

#![expect(clippy::disallowed_methods, reason = "this is the key door: it reads key files")]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::PrivateKey;
use zeroize::Zeroizing;

use super::agent;
use super::public_key::{ED25519, KeyError, PublicKey, WireReader};

/// Where keys may lie; filled in by the caller, so that nothing here asks the environment.
pub struct KeySources {
    pub explicit: Option<PathBuf>,
    pub agent: Option<PathBuf>,
    /// git's `user.signingKey`.
    pub signing_key: Option<String>,
    pub home: Option<PathBuf>,
    pub passphrase: Option<Zeroizing<String>>,
    /// Asks on the terminal; `None` when nobody is there to answer.
    pub ask_passphrase: fn(&Path) -> Option<Zeroizing<String>>,
}

/// Why no signature could be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyDoorError {
    #[error("cannot read the key file {path}: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("{path} holds a {kind} key: this ledger takes ssh-ed25519 keys only")]
    Type { path: PathBuf, kind: String },
    #[error("the key {path} is locked and no passphrase was given")]
    Locked { path: PathBuf },
    #[error("the passphrase does not open {path}")]
    WrongPassphrase { path: PathBuf },
    #[error("the ssh-agent did not sign with {key}: {why}")]
    Agent { key: String, why: String },
    #[error("user.signingKey names a key that is neither in the ssh-agent nor a readable file: {0}")]
    SigningKey(String),
}

/// A key that could sign, before anything was unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub public: PublicKey,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Agent(PathBuf),
    File(PathBuf),
}

/// Something that signs with one key.
pub struct Signer {
    public: PublicKey,
    kind: SignerKind,
}

enum SignerKind {
    Agent(PathBuf),
    Key(SigningKey),
}

impl Signer {
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { public: PublicKey::from_bytes(key.verifying_key().to_bytes()), kind: SignerKind::Key(key) }
    }

    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The raw 64-byte ed25519 signature over the message (RFC 8032, deterministic).
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyDoorError> {
        match &self.kind {
            SignerKind::Key(key) => Ok(key.sign(message).to_bytes()),
            SignerKind::Agent(socket) => agent::sign(socket, self.public, message)
                .map_err(|e| KeyDoorError::Agent { key: self.public.fingerprint(), why: e.to_string() }),
        }
    }
}

impl KeySources {
    /// Every key found, in the order they are preferred, and why others were passed over.
    pub fn candidates(&self) -> (Vec<Candidate>, Vec<KeyDoorError>) {
        let mut found = Vec::new();
        let mut problems = Vec::new();
        let mut take = |result: Result<Candidate, KeyDoorError>| match result {
            Ok(candidate) if found.iter().any(|known: &Candidate| known.public == candidate.public) => {}
            Ok(candidate) => found.push(candidate),
            Err(problem) => problems.push(problem),
        };
        let in_agent = self.agent_keys();
        if let Some(path) = &self.explicit {
            take(self.at_path(path, &in_agent));
            return (found, problems);
        }
        in_agent.iter().cloned().for_each(|candidate| take(Ok(candidate)));
        if let Some(value) = &self.signing_key {
            take(self.at_signing_key(value, &in_agent));
        }
        if let Some(path) = self.home.as_ref().map(|home| home.join(".ssh/id_ed25519")).filter(|path| path.exists()) {
            take(self.at_path(&path, &in_agent));
        }
        (found, problems)
    }

    /// The key `user.signingKey` names, which a person chose for signing before this tool came.
    pub fn configured(&self) -> Option<Candidate> {
        let value = self.signing_key.as_deref()?;
        self.at_signing_key(value, &self.agent_keys()).ok()
    }

    pub fn unlock(&self, candidate: &Candidate) -> Result<Signer, KeyDoorError> {
        match &candidate.place {
            Place::Agent(socket) => Ok(Signer { public: candidate.public, kind: SignerKind::Agent(socket.clone()) }),
            Place::File(path) => self.unlock_file(path),
        }
    }

    fn agent_keys(&self) -> Vec<Candidate> {
        let Some(socket) = &self.agent else { return Vec::new() };
        let keys = agent::list(socket).unwrap_or_default();
        keys.into_iter().map(|public| Candidate { public, place: Place::Agent(socket.clone()) }).collect()
    }

    fn at_signing_key(&self, value: &str, in_agent: &[Candidate]) -> Result<Candidate, KeyDoorError> {
        let literal = value
            .strip_prefix("key::")
            .or_else(|| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| value.starts_with(kind)).then_some(value));
        let Some(literal) = literal else {
            return self.at_path(&self.expand(value), in_agent);
        };
        let path = || PathBuf::from("user.signingKey");
        let public = PublicKey::parse(literal).map_err(|error| match error {
            KeyError::Type(kind) => KeyDoorError::Type { path: path(), kind },
            KeyError::Malformed | KeyError::Weak => KeyDoorError::SigningKey(error.to_string()),
        })?;
        let held = in_agent.iter().find(|candidate| candidate.public == public).cloned();
        held.ok_or_else(|| KeyDoorError::SigningKey(public.fingerprint()))
    }

    /// A private key file, or a public one whose private half is in the agent or beside it.
    fn at_path(&self, path: &Path, in_agent: &[Candidate]) -> Result<Candidate, KeyDoorError> {
        let text = read(path)?;
        let Ok(public) = PublicKey::parse(&text) else {
            let public = private_key(path, &text)?.public_key().to_openssh().map_err(|e| unreadable(path, e))?;
            let public = PublicKey::parse(&public).map_err(|e| unreadable(path, e))?;
            return Ok(Candidate { public, place: Place::File(path.to_owned()) });
        };
        if let Some(held) = in_agent.iter().find(|candidate| candidate.public == public) {
            return Ok(held.clone());
        }
        let private = path.with_extension("");
        if path.extension().is_some_and(|ext| ext == "pub") && private.exists() {
            return self.at_path(&private, in_agent);
        }
        Err(KeyDoorError::SigningKey(format!("{} ({})", path.display(), public.fingerprint())))
    }

    fn unlock_file(&self, path: &Path) -> Result<Signer, KeyDoorError> {
        let text = Zeroizing::new(read(path)?);
        let mut key = private_key(path, &text)?;
        if key.is_encrypted() {
            let passphrase = self.passphrase.clone().or_else(|| (self.ask_passphrase)(path));
            let passphrase = passphrase.ok_or_else(|| KeyDoorError::Locked { path: path.to_owned() })?;
            key = key
                .decrypt(passphrase.as_bytes())
                .map_err(|_| KeyDoorError::WrongPassphrase { path: path.to_owned() })?;
        }
        let pair = key.key_data().ed25519().ok_or_else(|| wrong_type(path, &key))?;
        Ok(Signer::from_seed(&Zeroizing::new(pair.private.to_bytes())))
    }

    fn expand(&self, value: &str) -> PathBuf {
        match (value.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(value),
        }
    }
}

/// Far more than any private key takes.
const MAX_KEY_FILE: u64 = 1 << 20;

fn read(path: &Path) -> Result<String, KeyDoorError> {
    // A pipe would keep us waiting, and a device never ends.
    let found = std::fs::metadata(path).map_err(|e| unreadable(path, e))?;
    if !found.is_file() || found.len() > MAX_KEY_FILE {
        return Err(unreadable(path, "it is no regular file of a key's size"));
    }
    std::fs::read_to_string(path).map_err(|e| unreadable(path, e))
}

fn private_key(path: &Path, text: &str) -> Result<PrivateKey, KeyDoorError> {
    if let Some(kind) = other_public_kind(text).or_else(|| other_private_kind(text)) {
        return Err(KeyDoorError::Type { path: path.to_owned(), kind });
    }
    let key = PrivateKey::from_openssh(text).map_err(|e| {
        let pem = text.contains("-----BEGIN") && !text.contains("OPENSSH PRIVATE KEY");
        let advice = if pem { "; rewrite it in OpenSSH's format: ssh-keygen -p -f FILE" } else { "" };
        unreadable(path, format!("{e}{advice}"))
    })?;
    if key.public_key().key_data().ed25519().is_none() {
        return Err(wrong_type(path, &key));
    }
    Ok(key)
}

/// The type of a public key line that is no ed25519 key.
fn other_public_kind(text: &str) -> Option<String> {
    match PublicKey::parse(text) {
        Err(KeyError::Type(kind)) => Some(kind),
        _ => None,
    }
}

/// The type of an OpenSSH private key that is no ed25519 key, by its public half: magic, cipher, kdf,
/// kdf options, count, then the public key blob (OpenSSH, PROTOCOL.key).
fn other_private_kind(text: &str) -> Option<String> {
    let body = text.split("-----BEGIN OPENSSH PRIVATE KEY-----").nth(1)?.split("-----END").next()?;
    let bytes = STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
    let mut reader = WireReader::new(bytes.strip_prefix(b"openssh-key-v1\0")?);
    let (_cipher, _kdf, _options, _count) = (reader.string()?, reader.string()?, reader.string()?, reader.u32()?);
    let kind = String::from_utf8_lossy(WireReader::new(reader.string()?).string()?).into_owned();
    (kind != ED25519).then_some(kind)
}

fn wrong_type(path: &Path, key: &PrivateKey) -> KeyDoorError {
    KeyDoorError::Type { path: path.to_owned(), kind: key.algorithm().as_str().to_owned() }
}

fn unreadable(path: &Path, why: impl ToString) -> KeyDoorError {
    KeyDoorError::Unreadable { path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(seed: u8) -> PublicKey {
        Signer::from_seed(&[seed; 32]).public()
    }

    /// A home with these files below `.ssh`, and what git says is the signing key.
    fn sources(files: &[(&str, String)], signing_key: &str) -> (tempfile::TempDir, KeySources) {
        let home = tempfile::tempdir().unwrap();
        let ssh = home.path().join(".ssh");
        std::fs::create_dir(&ssh).unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(ssh.join(name), text).unwrap());
        let sources = KeySources {
            explicit: None,
            agent: None,
            signing_key: Some(signing_key.to_owned()),
            home: Some(home.path().to_owned()),
            passphrase: None,
            ask_passphrase: |_| None,
        };
        (home, sources)
    }

    fn private(seed: u8) -> String {
        let pair = ssh_key::private::Ed25519Keypair::from_seed(&[seed; 32]);
        PrivateKey::new(pair.into(), "kim").unwrap().to_openssh(ssh_key::LineEnding::LF).unwrap().to_string()
    }

    #[test]
    fn a_key_that_lies_in_two_places_is_one_candidate() {
        let files = [("id_ed25519", private(1)), ("copy", private(1)), ("other", private(2))];
        for (signing_key, keys) in [("~/.ssh/copy", &[public(1)][..]), ("~/.ssh/other", &[public(2), public(1)])] {
            let (_home, sources) = sources(&files, signing_key);
            let (found, problems) = sources.candidates();
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!(found.iter().map(|candidate| candidate.public).collect::<Vec<_>>(), keys);
            assert_eq!(sources.configured().map(|candidate| candidate.public), Some(keys[0]));
            assert_eq!(sources.unlock(&found[0]).unwrap().public(), keys[0]);
        }
    }

    #[test]
    fn the_private_half_of_a_public_key_is_in_the_agent_or_beside_it() {
        let line = |seed: u8| public(seed).to_string();
        let files = [
            ("held.pub", line(2)),
            ("gone.pub", line(3)),
            ("own.pub", line(4)),
            ("own.txt", line(4)),
            ("own", private(4)),
        ];
        let in_agent = [1, 2].map(|seed| Candidate { public: public(seed), place: Place::Agent("socket".into()) });
        let named = |signing_key: &str| {
            let (home, sources) = sources(&files, signing_key);
            let found = sources.at_signing_key(signing_key, &in_agent);
            found.map(|found| match found.place {
                Place::Agent(_) => (found.public, "agent".to_owned()),
                Place::File(path) => (found.public, path.strip_prefix(home.path()).unwrap().display().to_string()),
            })
        };
        for (signing_key, seed, place) in [
            (format!("key::{}", line(2)), 2, "agent"),
            (line(1), 1, "agent"),
            ("~/.ssh/held.pub".to_owned(), 2, "agent"),
            ("~/.ssh/own.pub".to_owned(), 4, ".ssh/own"),
            ("~/.ssh/own".to_owned(), 4, ".ssh/own"),
        ] {
            assert_eq!(named(&signing_key).unwrap(), (public(seed), place.to_owned()), "{signing_key}");
        }
        for nowhere in [format!("key::{}", line(4)), "~/.ssh/gone.pub".to_owned(), "~/.ssh/own.txt".to_owned()] {
            assert!(matches!(named(&nowhere), Err(KeyDoorError::SigningKey(_))), "{nowhere}");
        }
    }

    #[test]
    fn only_a_key_in_another_format_is_to_be_rewritten() {
        let why = |text: &str| private_key(Path::new("key"), text).map(|_| ()).unwrap_err().to_string();
        let pkcs8 = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAEB\n-----END PRIVATE KEY-----\n";
        assert!(why(pkcs8).contains("ssh-keygen -p"), "{}", why(pkcs8));
        let broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
        for text in [broken, "a shopping list"] {
            assert!(!why(text).contains("ssh-keygen -p"), "{}", why(text));
        }
    }
}
