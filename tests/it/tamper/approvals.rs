//! A36-A40, A45: whose decision it is, on what, and whether it is new.
//!
//! Elsewhere: A36 and A38 against the source at hand in `refusals` and `crate::gates`; A39
//! in `succession`.

use super::means::{reviews, roll_back, voids, withdraw};
use super::*;
use crate::support::forge::Seal;

/// Kim takes the approval back.
const WITHDRAWN: Base = Base(5, withdraw);
/// Lee reverses the promotion of alpha.
const ROLLED_BACK: Base = Base(6, roll_back);

#[test]
fn a_decision_that_is_not_one_s_own_or_not_new_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row("A36", "an approval appended once more", APPROVAL, |f| replay(f, 4), &["5 replayed"]),
            Row(
                "A36",
                "an approval copied to another gate",
                GA_OPENED,
                |f| {
                    let (alpha, ga) = (f.drafts[1].value("folder"), f.drafts[6].value("folder"));
                    replay(f, 4);
                    f.last().path = f.last().path.replace(&alpha, &ga);
                },
                &["7 path", "7 replayed"],
            ),
            Row(
                "A36",
                "an approval of another ledger, message and all",
                HAN_TOO,
                |f| {
                    f.last().set("origin", "\"example.org/acme/gadget\"");
                    f.last().commit.trailers.origin = ledger::id::Origin::parse("example.org/acme/gadget").unwrap();
                },
                &["5 origin"],
            ),
            Row(
                "A36",
                "a statement of another ledger in a commit of this one",
                HAN_TOO,
                |f| {
                    f.last().set("origin", "\"example.org/acme/gadget\"");
                },
                &["5 origin"],
            ),
            Row(
                "A36",
                "an approval of a fork of this ledger",
                HAN_TOO,
                |f| {
                    let other = f.id(2);
                    f.last().set("root", &format!("\"{other}\""));
                },
                &["5 root-before"],
            ),
            Row(
                "A36",
                "an approval of more than there is",
                HAN_TOO,
                |f| f.last().set("size", "6").done(),
                &["5 root-before"],
            ),
            Row(
                "A36",
                "an approval of evidence that is not there",
                HAN_TOO,
                |f| {
                    let (seen, other) = (f.id(3), f.drafts[3].commit.trailers.before_root.to_string());
                    f.last().says(&seen, &other);
                },
                &["5 reference"],
            ),
            Row(
                "A36",
                "an approval for a release nobody opened",
                HAN_TOO,
                |f| {
                    f.last().set("release", "\"3.0\"");
                },
                &["5 attempt"],
            ),
            Row(
                "A36",
                "an approval for an attempt nobody opened",
                HAN_TOO,
                |f| f.last().set("attempt", "2").done(),
                &["5 attempt"],
            ),
            Row(
                "A36",
                "a first attempt opened a second time",
                OPENED,
                |f| {
                    let folder = f.last().value("folder");
                    let again = f.again(1).set("folder", &format!("\"{folder}.2\""));
                    again.path = again.path.replace(&folder, &format!("{folder}.2"));
                },
                &["2 attempt"],
            ),
            Row(
                "A36",
                "an attempt with a number left out",
                SECOND_OPENED,
                |f| f.last().set("attempt", "2").done(),
                &["12 attempt"],
            ),
            Row(
                "A37",
                "an old entry appended under its old signature",
                CHECKLIST,
                |f| {
                    replay(f, 3);
                    f.last().seal = Seal::Kept;
                },
                &["4 commit-signature", "4 replayed"],
            ),
            Row("A39", "an approval that was withdrawn, appended again", WITHDRAWN, |f| replay(f, 4), &["6 replayed"]),
            Row(
                "A40",
                "somebody else's approval withdrawn",
                WITHDRAWN,
                |f| {
                    let withdrawal = f.last().by("han");
                    withdrawal.path = withdrawal.path.replace("KIM", "HAN");
                },
                &["5 reference"],
            ),
            Row(
                "A40",
                "something that is no approval withdrawn",
                WITHDRAWN,
                |f| voids(f, "withdraws", 3),
                &["5 reference"],
            ),
            Row(
                "A40",
                "a withdrawal of nothing",
                WITHDRAWN,
                |f| {
                    let nothing = f.drafts[3].commit.trailers.before_root;
                    f.last().set("withdraws", &format!("\"{nothing}\""));
                },
                &["5 reference"],
            ),
            Row(
                "A40",
                "a withdrawal that says it approves",
                WITHDRAWN,
                |f| {
                    f.last().set("decision", "\"APPROVED\"");
                },
                &["5 statement-malformed"],
            ),
            Row(
                "A40",
                "a withdrawal without a reason",
                WITHDRAWN,
                |f| f.last().set("reason", "\" \"").done(),
                &["5 statement-malformed"],
            ),
            Row("A40", "something that is no waiver or trigger reviewed", WITHDRAWN, reviews, &["5 reference"]),
            Row(
                "A40",
                "a review of nothing",
                WITHDRAWN,
                |f| {
                    reviews(f);
                    let nothing = f.drafts[3].commit.trailers.before_root;
                    f.last().set("about", &format!("\"{nothing}\""));
                },
                &["5 reference"],
            ),
            Row(
                "A40",
                "a review without a reason",
                WITHDRAWN,
                |f| {
                    reviews(f);
                    f.last().set("decision", "\"APPROVED\"").set("reason", "\" \"").done();
                },
                &["5 statement-malformed"],
            ),
            Row(
                "A40",
                "something that is no promotion rolled back",
                ROLLED_BACK,
                |f| voids(f, "reverses", 4),
                &["6 reference"],
            ),
            Row(
                "A40",
                "a promotion of another attempt rolled back",
                Base(10, ROLLED_BACK.1),
                |f| {
                    voids(f, "reverses", 9);
                },
                &["10 reference"],
            ),
            Row(
                "A45",
                "a rollback voided",
                ROLLED_BACK,
                |f| {
                    let rollback = f.id(6);
                    f.again(11).by("lee").set("voids", &format!("\"{rollback}\""));
                },
                &["7 reference"],
            ),
            Row(
                "A45",
                "a revocation nobody signed",
                REVOKED,
                |f| f.last().seal = Seal::Absent,
                &["11 commit-malformed"],
            ),
            Row(
                "A45",
                "a revocation by a stranger",
                REVOKED,
                |f| f.last().signed_with("mallory").done(),
                &["11 signer-unknown"],
            ),
            Row("A45", "somebody else's entry voided", REVOKED, |f| voids(f, "voids", 2), &["11 reference"]),
            Row(
                "A45",
                "an entry of another attempt voided",
                REVOKED,
                |f| {
                    f.last().by("min");
                    voids(f, "voids", 7);
                },
                &["11 reference"],
            ),
            Row(
                "A45",
                "a policy voided",
                REVOKED,
                |f| {
                    f.last().by("lee");
                    voids(f, "voids", 0);
                },
                &["11 reference"],
            ),
            Row(
                "A45",
                "an opening voided",
                REVOKED,
                |f| {
                    f.last().by("min");
                    voids(f, "voids", 1);
                },
                &["11 reference"],
            ),
            Row(
                "A45",
                "a revocation voided",
                REVOKED,
                |f| {
                    let first = f.id(11);
                    f.again(11).set("voids", &format!("\"{first}\""));
                },
                &["12 reference"],
            ),
            Row("A45", "an entry that is still to come voided", REVOKED, |f| voids(f, "voids", 11), &["11 reference"]),
            Row(
                "A45",
                "a revocation that belongs to no attempt",
                REVOKED,
                |f| {
                    let (head, rest) = f.last().text().split_once(",\n      \"pipeline\"").unwrap();
                    let (_, tail) = rest.split_once("\"release\": \"1.0\"").unwrap();
                    f.last().statement = format!("{head}{tail}").into_bytes();
                },
                &["11 statement-malformed"],
            ),
            Row(
                "A45",
                "a revocation without a reason",
                REVOKED,
                |f| f.last().set("reason", "\"\"").done(),
                &["11 statement-malformed"],
            ),
        ],
    );
}

/// The same statement with the same files, as the newest entry.
fn replay(forge: &mut Forge<'_>, at: usize) {
    let statement = forge.drafts[at].statement.clone();
    forge.again(at).statement = statement;
}
