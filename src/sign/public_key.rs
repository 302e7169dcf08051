//! An ed25519 public key as OpenSSH writes it, and the wire format it is wrapped in.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The one key type accepted so far; others are refused by name.
pub const ED25519: &str = "ssh-ed25519";

/// Why a text or blob is no key this ledger accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is not an OpenSSH public key line (`ssh-ed25519 AAAA… comment`)")]
    Malformed,
    #[error("{0} keys are not accepted: this ledger takes {ED25519} keys only")]
    Type(String),
    #[error("the key is not a canonical point of the curve's prime-order group")]
    Weak,
}

/// 32 bytes, checked at enrolment; compared and counted by these bytes alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads `ssh-ed25519 AAAA… [comment]`.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        let mut words = line.split_whitespace();
        let (Some(kind), Some(blob)) = (words.next(), words.next()) else { return Err(KeyError::Malformed) };
        if kind != ED25519 {
            let known = ["ssh-", "sk-", "ecdsa-"].iter().any(|prefix| kind.starts_with(prefix));
            return Err(if known { KeyError::Type(kind.to_owned()) } else { KeyError::Malformed });
        }
        let wire = STANDARD.decode(blob).map_err(|_| KeyError::Malformed)?;
        Self::from_wire(&wire)
    }

    /// Reads the blob `string "ssh-ed25519", string key` (RFC 8709, section 4).
    pub fn from_wire(wire: &[u8]) -> Result<Self, KeyError> {
        let mut reader = WireReader::new(wire);
        let kind = reader.string().ok_or(KeyError::Malformed)?;
        if kind != ED25519.as_bytes() {
            return Err(KeyError::Type(String::from_utf8_lossy(kind).into_owned()));
        }
        let key = reader.string().and_then(|key| key.try_into().ok()).ok_or(KeyError::Malformed)?;
        if !reader.is_done() {
            return Err(KeyError::Malformed);
        }
        Ok(Self(key))
    }

    pub fn to_wire(self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(51);
        put_string(&mut wire, ED25519.as_bytes());
        put_string(&mut wire, &self.0);
        wire
    }

    /// Whether the key may enter a roster: canonical encoding, not of small order, torsion free.
    /// Without this, one signature could stand for several messages or keys
    /// (Chalkias et al., "Taming the many EdDSAs", 2020).
    pub fn check_enrolment(self) -> Result<(), KeyError> {
        let point = CompressedEdwardsY(self.0).decompress().ok_or(KeyError::Weak)?;
        let sound = point.compress().0 == self.0 && !point.is_small_order() && point.is_torsion_free();
        if sound { Ok(()) } else { Err(KeyError::Weak) }
    }

    /// The key as verifying needs it; `None` when the bytes are no point of the curve.
    pub fn ready(self) -> Option<ReadyKey> {
        VerifyingKey::from_bytes(&self.0).ok().map(ReadyKey)
    }

    /// As [`ReadyKey::verifies`], for a single signature.
    #[must_use]
    pub fn verifies(self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.ready().is_some_and(|key| key.verifies(message, signature))
    }

    /// The OpenSSH fingerprint, `SHA256:<base64 without padding>`.
    pub fn fingerprint(self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.to_wire())))
    }
}

/// A key with its point computed, which takes a tenth of the time of a verification.
#[derive(Debug, Clone)]
pub struct ReadyKey(VerifyingKey);

impl ReadyKey {
    /// RFC 8032 verification, strict: canonical S and R, no small-order key or R.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// The public key line without a comment.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ED25519} {}", STANDARD.encode(self.to_wire()))
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

/// Appends an SSH `string`: length as u32 big-endian, then the bytes (RFC 4251, section 5).
pub fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Reads SSH wire fields from the front of a buffer; every read may say no.
pub struct WireReader<'b>(&'b [u8]);

impl<'b> WireReader<'b> {
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub fn string(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }

    pub const fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::from_hex;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    #[test]
    fn a_key_line_round_trips() {
        let key = PublicKey::parse(&format!("{LINE} a comment")).unwrap();
        assert_eq!(key.to_string(), LINE);
        assert_eq!(key.check_enrolment(), Ok(()));
    }

    /// The key of docs/format.md's worked example, as `ssh-keygen -l` names it; nothing else is shown of a key.
    #[test]
    fn a_key_goes_by_its_fingerprint() {
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
        let key = PublicKey::parse(line).unwrap();
        assert_eq!(key.fingerprint(), "SHA256:fe85JkIjo8VPe+XqXJGH5Mau1EMFdK1OdKvJUFicyA8");
        assert_eq!(format!("{key:?}"), key.fingerprint());
    }

    #[test]
    fn other_keys_are_refused_by_name() {
        assert_eq!(PublicKey::parse("ssh-rsa AAAA"), Err(KeyError::Type("ssh-rsa".to_owned())));
        let fido = "sk-ssh-ed25519@openssh.com AAAA";
        assert_eq!(PublicKey::parse(fido), Err(KeyError::Type("sk-ssh-ed25519@openssh.com".to_owned())));
        for bad in ["", "ssh-ed25519", "hello world", "ssh-ed25519 AAAA", &LINE[..60], &format!("{LINE}AAAA")] {
            assert_eq!(PublicKey::parse(bad), Err(KeyError::Malformed), "{bad}");
        }
    }

    #[test]
    fn small_order_and_non_canonical_keys_cannot_be_enrolled() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut non_canonical = [0xff; 32];
        non_canonical[0] = 0xee;
        non_canonical[31] = 0x7f;
        for bytes in [identity, [0; 32], non_canonical] {
            assert_eq!(PublicKey::from_bytes(bytes).check_enrolment(), Err(KeyError::Weak));
        }
    }

    /// Project Wycheproof's vectors: malleated S, odd R, truncated and padded signatures.
    #[test]
    fn the_verifier_agrees_with_wycheproof() {
        use wycheproof::TestResult;
        use wycheproof::eddsa::{TestName, TestSet};

        let (mut valid, mut count) = (0, 0);
        for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
            let key = PublicKey::from_bytes(group.key.pk.as_slice().try_into().unwrap());
            for test in group.tests {
                let signature: Option<&[u8; 64]> = test.sig.as_slice().try_into().ok();
                let verifies = signature.is_some_and(|signature| key.verifies(&test.msg, signature));
                assert_eq!(verifies, test.result == TestResult::Valid, "tcId {}: {}", test.tc_id, test.comment);
                valid += usize::from(verifies);
                count += 1;
            }
        }
        assert!(count >= 145 && valid >= 80, "{valid} of {count}");
    }

    /// Of each case: whether strict verification accepts it, and whether its key could be enrolled too.
    fn accepted(cases: &str) -> Vec<(bool, bool)> {
        let parse = |line: &str| {
            let parts: Vec<Vec<u8>> = line.split(' ').map(|part| from_hex(part).unwrap()).collect();
            let key = PublicKey::from_bytes(parts[0].as_slice().try_into().unwrap());
            let strict = key.verifies(&parts[2], parts[1].as_slice().try_into().unwrap());
            (strict, strict && key.check_enrolment().is_ok())
        };
        cases.lines().map(parse).collect()
    }

    /// The counts other strict verifiers give; looser ones accept hundreds.
    #[test]
    fn edge_cases_of_the_curve_are_refused() {
        let speccheck = accepted(include_str!("../../tests/vectors/ed25519/speccheck.txt"));
        let strict: Vec<usize> = (0..speccheck.len()).filter(|at| speccheck[*at].0).collect();
        assert_eq!((speccheck.len(), strict), (12, vec![3]));
        assert!(speccheck.iter().all(|(_, enrolled)| !enrolled));
        let cctv = accepted(include_str!("../../tests/vectors/ed25519/cctv.txt"));
        assert_eq!((cctv.len(), cctv.iter().filter(|(strict, _)| *strict).count()), (914, 43));
        let enrolled: Vec<usize> = (0..cctv.len()).filter(|at| cctv[*at].1).collect();
        assert_eq!(enrolled, [305]);
    }
}
