//! A29, A32: what a signature may look like.

use ledger::sign::sshsig::SshSignature;
use ledger::sign::{PublicKey, dsse};

use super::means::malleated;
use super::*;
use crate::steps::approved;
use crate::support::forge::{Seal, armor};

#[test]
fn a_signature_of_another_make_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A32",
                "S plus the group's order",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, payload| {
                        let honest = SshSignature::from_armor(&armor(signer, payload)).unwrap();
                        SshSignature { signature: malleated(honest.signature), ..honest }.to_armor()
                    });
                },
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "S plus the group's order, in the statement's signature",
                CHECKLIST,
                |f| {
                    let statement = dsse::pae(&f.last().statement);
                    let honest = f.signer("kim").sign(&statement).unwrap();
                    f.last().on_trailers(move |trailers| trailers.dsse.as_mut().unwrap().signature = malleated(honest));
                },
                &["3 dsse-signature"],
            ),
            Row(
                "A32",
                "a key of small order, for which one signature fits everything",
                CHECKLIST,
                |f| {
                    f.last().sealed(|_, _| {
                        let mut identity = [0; 32];
                        identity[0] = 1;
                        let mut signature = [0; 64];
                        signature[0] = 1;
                        SshSignature { key: PublicKey::from_bytes(identity), signature }.to_armor()
                    });
                },
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "the namespace of files",
                CHECKLIST,
                |f| f.last().odd_sshsig(|sig| sig.namespace = "file"),
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "no namespace",
                CHECKLIST,
                |f| f.last().odd_sshsig(|sig| sig.namespace = ""),
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "another hash",
                CHECKLIST,
                |f| f.last().odd_sshsig(|sig| sig.hash = "sha256"),
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "another version",
                CHECKLIST,
                |f| f.last().odd_sshsig(|sig| sig.version = 2),
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "something in the reserved field",
                CHECKLIST,
                |f| f.last().odd_sshsig(|sig| sig.reserved = "x"),
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "bytes after the end",
                CHECKLIST,
                |f| f.last().odd_sshsig(|sig| sig.more = b"x"),
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "an RSA key",
                CHECKLIST,
                |f| f.last().odd_sshsig(|sig| sig.key_type = "ssh-rsa"),
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "a security key, untouched",
                CHECKLIST,
                |f| {
                    f.last().odd_sshsig(|sig| {
                        (sig.key_type, sig.signature_type) =
                            ("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com");
                    });
                },
                &["3 commit-signature"],
            ),
            Row(
                "A29",
                "a certificate",
                CHECKLIST,
                |f| {
                    f.last().odd_sshsig(|sig| sig.key_type = "ssh-ed25519-cert-v01@openssh.com");
                },
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "a signature that says it is of another type",
                CHECKLIST,
                |f| {
                    f.last().odd_sshsig(|sig| sig.signature_type = "ssh-rsa");
                },
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "a signature by PGP",
                CHECKLIST,
                |f| {
                    f.last()
                        .sealed(|_, _| "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----".to_owned());
                },
                &["3 commit-signature"],
            ),
            Row(
                "A32",
                "a key of small order in the roster",
                NEW_POLICY,
                |f| {
                    let (old, mut identity) = (f.repo.public_key("min"), [0; 32]);
                    identity[0] = 1;
                    let weak = PublicKey::from_bytes(identity).to_string();
                    f.last().repolicy(|text| text.replace(&old, &weak));
                },
                &["10 policy-malformed"],
            ),
        ],
    );
}

/// What rows do to signatures is all that is wrong with them.
#[test]
fn a_signature_made_by_hand_or_kept_is_the_one_the_program_makes() {
    let repo = approved();
    let mut forge = Forge::of(&repo);
    forge.last().odd_sshsig(|_| {});
    assert_eq!(forge.lay(), forge.tip());
    forge.last().seal = Seal::Kept;
    assert_eq!(forge.lay(), forge.tip());
}
