//! SSHSIG (OpenSSH `PROTOCOL.sshsig`), the signature stock `git verify-commit` checks.
//!
//! Only what this ledger writes is accepted: version 1, namespace `git`, no reserved bytes,
//! hash sha512, key and signature `ssh-ed25519`, armor wrapped at 70 columns. Any other spelling
//! of the same signature would give one entry two commits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};

use super::public_key::{ED25519, PublicKey, WireReader, put_string};

const MAGIC: &[u8] = b"SSHSIG";
const NAMESPACE: &[u8] = b"git";
const HASH: &[u8] = b"sha512";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const WRAP: usize = 70;

/// A parsed signature: the key it claims, and the 64 bytes to check against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SshSignature {
    pub key: PublicKey,
    pub signature: [u8; 64],
}

/// The bytes an ed25519 key signs for a message in namespace `git`.
pub fn to_be_signed(message: &[u8]) -> Vec<u8> {
    let mut blob = MAGIC.to_vec();
    for field in [NAMESPACE, b"", HASH, &Sha512::digest(message)] {
        put_string(&mut blob, field);
    }
    blob
}

impl SshSignature {
    /// Whether the claimed key made this signature over the message. Says nothing about whose key it is.
    #[must_use]
    pub fn verifies(&self, message: &[u8]) -> bool {
        self.key.verifies(&to_be_signed(message), &self.signature)
    }

    /// The armored text without a newline at its end.
    pub fn to_armor(self) -> String {
        let mut inner = Vec::new();
        put_string(&mut inner, ED25519.as_bytes());
        put_string(&mut inner, &self.signature);
        let mut blob = MAGIC.to_vec();
        blob.extend_from_slice(&1u32.to_be_bytes());
        for field in [self.key.to_wire().as_slice(), NAMESPACE, b"", HASH, &inner] {
            put_string(&mut blob, field);
        }
        let base64 = STANDARD.encode(blob);
        let lines = base64.as_bytes().chunks(WRAP).map(|line| std::str::from_utf8(line).unwrap_or_default());
        [BEGIN].into_iter().chain(lines).chain([END]).collect::<Vec<_>>().join("\n")
    }

    /// Reads an armored signature; `None` unless it is spelled exactly as [`Self::to_armor`] would.
    pub fn from_armor(armor: &str) -> Option<Self> {
        let body = armor.strip_prefix(BEGIN)?.strip_suffix(END)?;
        let blob = STANDARD.decode(body.replace('\n', "")).ok()?;
        let mut reader = WireReader::new(&blob);
        if reader.take(MAGIC.len())? != MAGIC || reader.u32()? != 1 {
            return None;
        }
        let key = PublicKey::from_wire(reader.string()?).ok()?;
        let (_namespace, _reserved, _hash) = (reader.string()?, reader.string()?, reader.string()?);
        let mut inner = WireReader::new(reader.string()?);
        let _kind = inner.string()?;
        let signature = inner.string()?.try_into().ok()?;
        let parsed = Self { key, signature };
        // Whatever else stands there is what `to_armor` writes, or it is another armor.
        (parsed.to_armor() == armor).then_some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SshSignature {
        let key = PublicKey::parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
        SshSignature { key: key.unwrap(), signature: [7; 64] }
    }

    /// What `ssh-keygen -Y sign -n git` makes of these bytes with the key whose seed is 32 bytes 0x01.
    const MADE_BY_OPENSSH: &str = "-----BEGIN SSH SIGNATURE-----\n\
        U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgiojj3XQJ8ZX9UtstPLpdcspnCb\n\
        8dlBIb83SIAbQPb1wAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n\
        AAAAQI3AY4rnko3i6MZ7kEs2uRYD+OthcGTqHwkBKyz5nifRAi6QPvuCxCOwtznUw2EbzF\n\
        0DBh1VqfgeQJH3CKuGDAw=\n\
        -----END SSH SIGNATURE-----";

    #[test]
    fn openssh_makes_the_same_signature() {
        let message = b"approve alpha\n";
        let signature = SshSignature::from_armor(MADE_BY_OPENSSH).unwrap();
        assert!(signature.verifies(message) && !signature.verifies(b"approve beta\n") && !sample().verifies(message));
        let signer = crate::sign::Signer::from_seed(&[1; 32]);
        let own = SshSignature { key: signer.public(), signature: signer.sign(&to_be_signed(message)).unwrap() };
        assert_eq!(own.to_armor(), MADE_BY_OPENSSH);
    }

    #[test]
    fn armor_round_trips() {
        assert_eq!(SshSignature::from_armor(&sample().to_armor()), Some(sample()));
    }

    #[test]
    fn a_second_spelling_is_refused() {
        let armor = sample().to_armor();
        let rewrapped = armor.replacen('\n', "", 2).replacen(BEGIN, &format!("{BEGIN}\n"), 1);
        for other in [format!("{armor}\n"), format!(" {armor}"), rewrapped, armor.replace("U1NIU0lH", "U1NIU0lI")] {
            assert_eq!(SshSignature::from_armor(&other), None, "{other}");
        }
    }
}
