//! A23-A31: who signed, and with what.
//!
//! A27, a key that was taken out later, is in every ledger from [`NEW_POLICY`] on: entries 3 and 4 are signed
//! with it and hold. What a compromised key signed becomes void: `succession`. A29: keys do not expire and
//! certificates are not taken; the roster alone says from when to when a key signs.

use ledger::sign::dsse;
use ledger::sign::sshsig::{SshSignature, to_be_signed};
use ledger::store::commit::{ObjectFormat, SignedCommit};

use super::*;
use crate::support::forge::{Seal, armor};

/// The newest entry brings evidence and is a bot's.
const BY_A_BOT: Base = Base(4, |forge| forge.again(3).by("ci").done());
/// Without the signature an entry may do without.
const WITHOUT_DSSE: Base = Base(4, |forge| forge.last().dsse_key = None);
/// The policy that takes Kim's key away calls it compromised since entry 3 besides.
const GIVEN_UP: Base = Base(11, |forge| give_up(forge, 3));
/// The same policy gives Min a second key, which was not Min's before.
const MIN_S_SECOND_KEY: Base = Base(11, second_key);

#[test]
fn a_signature_by_somebody_else_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row("A23", "no signature", CHECKLIST, |f| f.last().seal = Seal::Absent, &["3 commit-malformed"]),
            Row(
                "A23",
                "a signature over something else",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, _| armor(signer, b"something else"));
                },
                &["3 commit-signature"],
            ),
            Row(
                "A23",
                "a key nobody in the roster has",
                CHECKLIST,
                |f| f.last().signed_with("mallory").done(),
                &["3 signer-unknown"],
            ),
            Row(
                "A23",
                "the first policy by a key that is not in it",
                BEGUN,
                |f| f.last().signed_with("mallory").done(),
                &["0 signer-unknown"],
            ),
            Row(
                "A24",
                "the signature of another entry of the same person",
                APPROVAL,
                |f| {
                    let lifted = SignedCommit::parse(&f.drafts[3].before, ObjectFormat::Sha1).unwrap().armor;
                    f.last().sealed(move |_, _| lifted.clone());
                },
                &["4 commit-signature"],
            ),
            Row(
                "A24",
                "the signature of a commit of the source",
                APPROVAL,
                |f| {
                    let source = f.repo.git(&["cat-file", "commit", "HEAD"]);
                    f.last().sealed(move |signer, _| armor(signer, source.as_bytes()));
                },
                &["4 commit-signature"],
            ),
            Row(
                "A24",
                "the statement's own signature as the commit's",
                APPROVAL,
                |f| {
                    let pae = dsse::pae(&f.last().statement);
                    f.last().sealed(move |signer, _| {
                        SshSignature { key: signer.public(), signature: signer.sign(&pae).unwrap() }.to_armor()
                    });
                },
                &["4 commit-signature"],
            ),
            Row(
                "A24",
                "the signature of another statement",
                APPROVAL,
                |f| {
                    let lifted = f.drafts[3].commit.trailers.dsse.clone();
                    f.last().on_trailers(move |trailers| trailers.dsse = lifted.clone());
                },
                &["4 dsse-signature"],
            ),
            Row(
                "A24",
                "a commit signature as the statement's",
                APPROVAL,
                |f| {
                    let statement = to_be_signed(&f.last().statement);
                    let signature = f.signer("kim").sign(&statement).unwrap();
                    f.last().on_trailers(move |trailers| trailers.dsse.as_mut().unwrap().signature = signature);
                },
                &["4 dsse-signature"],
            ),
            Row(
                "A24",
                "a statement signed by somebody else",
                APPROVAL,
                |f| f.last().dsse_key = Some("han"),
                &["4 dsse-signature"],
            ),
            Row(
                "A24",
                "a statement signed with the other key of the same person",
                APPROVAL,
                |f| {
                    f.last().dsse_key = Some("kim2");
                },
                &["4 dsse-signature"],
            ),
            Row(
                "A24",
                "somebody else's fingerprint before the right signature",
                APPROVAL,
                |f| {
                    let other = f.signer("han").public().fingerprint();
                    f.last().on_trailers(move |trailers| trailers.dsse.as_mut().unwrap().fingerprint = other.clone());
                },
                &["4 dsse-signature"],
            ),
            Row(
                "A24",
                "a statement without a signature of its own, replaced",
                WITHOUT_DSSE,
                |f| {
                    let old = f.last().commit.trailers.statement;
                    f.last().set("path", "\"docs/other.md\"").on_trailers(move |trailers| trailers.statement = old);
                },
                &["3 statement-digest"],
            ),
            Row(
                "A25",
                "Han's name before Kim's key",
                CHECKLIST,
                |f| f.last().claims("han").done(),
                &["3 signer-mismatch"],
            ),
            Row(
                "A25",
                "Han in the commit, Kim in the statement",
                CHECKLIST,
                |f| {
                    let statement = f.last().statement.clone();
                    f.last().claims("han").statement = statement;
                },
                &["3 signer-mismatch"],
            ),
            Row(
                "A25",
                "Kim in the commit, Han in the statement",
                CHECKLIST,
                |f| {
                    f.last().claims("han").commit.name = "Kim".to_owned();
                    f.last().commit.email = "kim@acme.example".to_owned();
                },
                &["3 signer-mismatch"],
            ),
            Row(
                "A25",
                "another address",
                CHECKLIST,
                |f| f.last().commit.email = "kim@evil.example".to_owned(),
                &["3 signer-mismatch"],
            ),
            Row("A25", "another name", CHECKLIST, |f| f.last().commit.name = "Kim ".to_owned(), &["3 signer-mismatch"]),
            Row(
                "A25",
                "a role more",
                CHECKLIST,
                |f| {
                    f.last().says("\"qa-lead\"\n", "\"qa-lead\",\n        \"release-owner\"\n");
                },
                &["3 signer-mismatch"],
            ),
            Row(
                "A34",
                "a bot that says it typed",
                BY_A_BOT,
                |f| f.last().set("mode", "\"interactive\"").done(),
                &["4 signer-mismatch"],
            ),
        ],
    );
}

#[test]
fn a_key_that_is_not_in_force_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A26",
                "a key that was taken away",
                SECOND_CHECKLIST,
                |f| f.last().signed_with("kim").done(),
                &["13 signer-unknown"],
            ),
            Row(
                "A26",
                "the same, dated before it was taken away",
                SECOND_CHECKLIST,
                |f| {
                    f.last().signed_with("kim").later(-1_000);
                },
                &["13 signer-unknown", "13 time"],
            ),
            Row(
                "A26",
                "the same, from before and merged in",
                SECOND_CHECKLIST,
                |f| {
                    let side = f.tip().to_owned();
                    f.last().signed_with("kim").on_payload("author ", format!("parent {side}\nauthor "));
                },
                &["13 commit-malformed"],
            ),
            Row(
                "A28",
                "a compromised key signs on",
                Base(12, GIVEN_UP.1),
                |f| {
                    f.settle();
                    f.last().signed_with("kim");
                },
                &["11 signer-unknown"],
            ),
            Row(
                "A28",
                "a compromised key that stays in the roster",
                NEW_POLICY,
                |f| {
                    let key = f.repo.public_key("kim2");
                    f.last().repolicy(|text| text.to_owned() + &compromised(&key, 3));
                },
                &["10 policy-malformed"],
            ),
            Row(
                "A28",
                "a compromised key that comes back",
                GIVEN_UP,
                |f| {
                    let (back, in_force) = (f.drafts[0].files.clone(), policy_of(f, 10));
                    let next = f.again(10);
                    next.repolicy(|_| policy_text(&back)).set("replaces", &format!("\"{in_force}\""));
                },
                &["11 policy-malformed"],
            ),
            Row(
                "A28",
                "a key compromised from an entry that is not there yet",
                GIVEN_UP,
                |f| {
                    f.last().repolicy(|text| text.replace("since = 3", "since = 11"));
                },
                &["10 policy-malformed"],
            ),
            Row(
                "A29",
                "a key that is not in the roster yet",
                MIN_S_SECOND_KEY,
                |f| {
                    f.drafts[9].signed_with("mallory");
                },
                &["9 signer-unknown"],
            ),
            Row(
                "A30",
                "a new key that signs its own enrolment",
                NEW_POLICY,
                |f| {
                    let (old, new) = (f.repo.public_key("lee"), f.repo.public_key("mallory"));
                    f.last().repolicy(|text| text.replace(&old, &new)).signed_with("mallory");
                },
                &["10 signer-unknown"],
            ),
            Row(
                "A31",
                "the entry that takes a key away left out, all numbers as they were",
                REVOKED,
                |f| {
                    let kept = f.drafts[11].commit.trailers.clone();
                    f.drafts.remove(10);
                    f.last().on_trailers(move |trailers| *trailers = kept.clone());
                    f.last().signed_with("kim").dsse_key = Some("kim2");
                },
                &["10 dsse-signature", "10 number", "10 root-before"],
            ),
        ],
    );
}

fn compromised(key: &str, since: u64) -> String {
    format!("\n[[compromised]]\nkey = {key:?}\nsince = {since}\nreason = \"stolen\"\n")
}

fn give_up(forge: &mut Forge<'_>, since: u64) {
    let key = forge.repo.public_key("kim");
    forge.drafts[10].repolicy(|text| text.to_owned() + &compromised(&key, since));
}

fn second_key(forge: &mut Forge<'_>) {
    let (first, second) = (forge.repo.public_key("min"), forge.repo.public_key("mallory"));
    forge.drafts[10].repolicy(|text| text.replace(&format!("{first:?}"), &format!("{first:?}, {second:?}")));
}
