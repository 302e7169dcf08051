//! A33-A35, A40-A45: what opens a gate, and what only says that it was open.
//!
//! Elsewhere: A18, another binary or none, A35, an author by name, and A38 in `crate::gates`; A33, two names
//! of one person, in `policy`.

use super::means::{reason, roll_back, withdraw};
use super::*;
use crate::steps::says_all;

/// Han approves as well, before Min promotes.
const PROMOTION_AFTER_HAN: Base = Base(6, |forge| before_promotion(forge, HAN_TOO.1));
/// Min promotes GA once more under the newest policy.
const PROMOTION_AGAIN: Base = Base(11, promote_again);
/// Lee reverses the promotion of alpha.
const ROLLED_BACK: Base = Base(6, roll_back);
/// Min voids Min's own promotion of alpha.
const PROMOTION_VOIDED: Base = Base(6, |forge| {
    let promotion = forge.id(5);
    forge.again(11).by("min").set("voids", &format!("\"{promotion}\""));
});

#[test]
fn a_promotion_through_a_closed_gate_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A23",
                "promoted on the approval of another role",
                PROMOTION,
                |f| approves(f, "min", "MIN"),
                &["5 promotion-unjustified"],
            ),
            Row(
                "A34",
                "promoted on the approval of a bot",
                PROMOTION,
                |f| approves(f, "ci", "CI"),
                &["5 promotion-unjustified"],
            ),
            Row(
                "A40",
                "promoted after the withdrawal",
                PROMOTION_AFTER_HAN,
                |f| {
                    f.drafts.remove(5);
                    f.last().renumber(6, 5);
                    before_promotion(f, withdraw);
                },
                &["6 promotion-unjustified"],
            ),
            Row(
                "A40",
                "promoted once more after the rollback",
                ROLLED_BACK,
                |f| {
                    f.again(5);
                },
                &["7 promotion-unjustified"],
            ),
            Row(
                "A45",
                "an approval voided before the promotion, and once more after it",
                PROMOTION_AFTER_HAN,
                |f| {
                    f.drafts.remove(5);
                    f.last().renumber(6, 5);
                    before_promotion(f, |f| {
                        let approval = f.id(4);
                        f.again(11).by("kim").set("voids", &format!("\"{approval}\""));
                    });
                    let approval = f.id(4);
                    f.again(11).by("kim").set("voids", &format!("\"{approval}\""));
                },
                &["6 promotion-unjustified"],
            ),
            Row(
                "A41",
                "promoted on another past",
                PROMOTION,
                |f| {
                    let other = f.id(2);
                    f.last().set("root", &format!("\"{other}\""));
                },
                &["5 root-before"],
            ),
            Row(
                "A41",
                "promoted on more than there is",
                PROMOTION,
                |f| f.last().set("size", "6").done(),
                &["5 root-before"],
            ),
            Row(
                "A41",
                "promoted before anybody approved",
                PROMOTION,
                |f| {
                    let approval = format!("\n          \"{}\"\n        ]", f.id(4));
                    f.last().says(&approval, "]").set("size", "4");
                    f.drafts.swap(4, 5);
                    f.drafts[4].renumber(5, 4);
                    f.drafts[5].renumber(4, 5);
                    f.settle();
                },
                &["4 promotion-unjustified"],
            ),
            Row(
                "A41",
                "promoted on a gate that was promoted through a closed one",
                GA_PROMOTION,
                |f| {
                    approves(f, "min", "MIN");
                },
                &["5 promotion-unjustified", "9 promotion-unjustified"],
            ),
            Row(
                "A41",
                "promoted to another gate than the attempt's",
                PROMOTION,
                |f| f.last().set("to", "\"ga\"").done(),
                &["5 promotion-unjustified"],
            ),
            Row(
                "A41",
                "promoted by another policy than the one in force",
                PROMOTION_AGAIN,
                |f| {
                    let old = policy_of(f, 0);
                    f.last().set("policy", &format!("\"{old}\""));
                },
                &["11 promotion-unjustified"],
            ),
            Row(
                "A41",
                "a promotion and the policy it needs in one entry",
                PROMOTION_AGAIN,
                |f| {
                    let policy = f.drafts.remove(10);
                    f.last().put(&policy.path, crate::support::forge::FILE, &policy.statement);
                },
                &["10 file-unlisted"],
            ),
            Row("A42", "promoted with a box unticked", PROMOTION, untick, &["5 promotion-unjustified"]),
            Row(
                "A42",
                "promoted on a checklist that was read as any file",
                PROMOTION,
                read_as_file,
                &["5 promotion-unjustified"],
            ),
            Row(
                "A43",
                "promoted over an open rejection",
                PROMOTION_AFTER_HAN,
                |f| reject(f, 5),
                &["6 promotion-unjustified"],
            ),
            Row(
                "A44",
                "promoted where nobody need approve",
                PROMOTION_AGAIN,
                |f| {
                    policy_then_promotion(f, "forbid = {", "count = 0\nforbid = {");
                },
                &["11 promotion-unjustified"],
            ),
            Row(
                "A44",
                "promoted where fewer than none need approve",
                PROMOTION_AGAIN,
                |f| {
                    policy_then_promotion(f, "forbid = {", "count = -1\nforbid = {");
                },
                &["11 promotion-unjustified"],
            ),
            Row(
                "A44",
                "promoted where more must approve than there are",
                PROMOTION_AGAIN,
                |f| {
                    policy_then_promotion(f, "forbid = {", "count = 9\nforbid = {");
                },
                &["11 promotion-unjustified"],
            ),
            Row(
                "A44",
                "promoted where no role may approve",
                PROMOTION_AGAIN,
                |f| {
                    policy_then_promotion(f, "role = \"release-owner\"\nforbid", "role = []\nforbid");
                },
                &["11 promotion-unjustified"],
            ),
            Row(
                "A44",
                "promoted through a gate that asks for nothing",
                PROMOTION_AGAIN,
                |f| {
                    policy_then_promotion(
                        f,
                        "\n[pipeline.stage9.gate.approval]\nrole = \"release-owner\"\nforbid = { author = \"deny\" }\n",
                        "",
                    );
                },
                &["11 promotion-unjustified"],
            ),
            Row(
                "A45",
                "a revocation of a promotion by somebody else",
                PROMOTION_VOIDED,
                |f| f.last().by("kim").done(),
                &["6 reference"],
            ),
        ],
    );
}

#[test]
fn what_holds_and_does_not_count_opens_no_gate() {
    let repo = story();
    each_row_stays_closed(
        &repo,
        &[
            Closed(
                "A23",
                "an approval by another role",
                APPROVAL,
                |f| approves(f, "min", "MIN"),
                "alpha",
                "approval",
                "failed",
            ),
            Closed("A34", "an approval by a bot", APPROVAL, |f| approves(f, "ci", "CI"), "alpha", "approval", "failed"),
            Closed(
                "A33",
                "two keys of one person where two must approve",
                NEW_POLICY,
                |f| {
                    f.last().repolicy(|text| text.replace("role = \"qa-lead\"\n", "role = \"qa-lead\"\ncount = 2\n"));
                    f.again(4).signed_with("kim2");
                },
                "alpha",
                "approval",
                "missing",
            ),
            Closed(
                "A35",
                "an approval by whoever opened the release",
                GA_APPROVAL,
                |f| {
                    f.drafts[1].by("lee");
                    let approval = f.last().by("lee");
                    approval.path = approval.path.replace("HAN", "LEE");
                    f.settle();
                },
                "ga",
                "approval",
                "failed",
            ),
            Closed(
                "A36",
                "an approval of another gate",
                GA_APPROVAL,
                |f| {
                    let (alpha, ga) = (f.drafts[1].value("folder"), f.drafts[6].value("folder"));
                    f.last().set("gate", "\"alpha\"");
                    f.last().path = f.last().path.replace(&ga, &alpha);
                },
                "ga",
                "approval",
                "missing",
            ),
            Closed(
                "A36",
                "an approval that saw other evidence",
                APPROVAL,
                |f| {
                    let (seen, other) = (f.id(3), f.id(1));
                    f.last().says(&seen, &other);
                },
                "alpha",
                "approval",
                "failed",
            ),
            Closed("A40", "a withdrawn approval", APPROVAL, withdraw, "alpha", "approval", "missing"),
            Closed(
                "A40",
                "a withdrawal that was voided",
                APPROVAL,
                |f| {
                    withdraw(f);
                    void_the_last(f);
                },
                "alpha",
                "approval",
                "missing",
            ),
            Closed(
                "A40",
                "an approval before one that was voided",
                APPROVAL,
                |f| {
                    f.again(4);
                    void_the_last(f);
                },
                "alpha",
                "approval",
                "failed",
            ),
            Closed(
                "A45",
                "evidence before one that was voided",
                APPROVAL,
                |f| {
                    f.again(3);
                    void_the_last(f);
                },
                "alpha",
                "qa-checklist",
                "failed",
            ),
            Closed("A40", "a promotion rolled back", PROMOTION, roll_back, "alpha", "rollback", "failed"),
            Closed("A40", "the gate before was rolled back", GA_APPROVAL, roll_back, "ga", "alpha", "missing"),
            Closed("A42", "a box unticked", APPROVAL, untick, "alpha", "qa-checklist", "failed"),
            Closed("A42", "a checklist read as any file", APPROVAL, read_as_file, "alpha", "qa-checklist", "failed"),
            Closed("A43", "an open rejection", HAN_TOO, |f| reject(f, 5), "alpha", "rejection", "failed"),
            Closed(
                "A44",
                "a gate more must approve than there are",
                NEW_POLICY,
                |f| {
                    f.last().repolicy(|text| text.replace("role = \"qa-lead\"\n", "role = \"qa-lead\"\ncount = 9\n"));
                },
                "alpha",
                "approval",
                "missing",
            ),
            Closed(
                "A44",
                "a rule that looks for a fact no reader gives",
                NEW_POLICY,
                |f| {
                    f.last().repolicy(|text| text.replace("open == 0", "opened == 0"));
                },
                "alpha",
                "qa-checklist",
                "failed",
            ),
            Closed(
                "A45",
                "a promotion that was voided",
                GA_APPROVAL,
                |f| {
                    let promotion = f.id(5);
                    f.again(11).by("min").set("voids", &format!("\"{promotion}\""));
                },
                "ga",
                "alpha",
                "missing",
            ),
        ],
    );
}

/// A44: the ledger holds, and nobody is told that the gate is open.
#[test]
fn a_gate_that_asks_for_nothing_leaves_the_question_open() {
    let repo = story();
    let mut bench = Bench::of(&repo);
    let approval = "[pipeline.stage9.gate.approval]\nrole = \"qa-lead\"\n";
    for gate in ["count = 0\n", "count = -1\n", "count = \"all\"\n", "role = []\n", ""] {
        let mut forge = bench.start(NEW_POLICY);
        let asks = if gate.starts_with("count") {
            format!("{approval}{gate}")
        } else {
            approval.replace("role = \"qa-lead\"\n", gate)
        };
        forge.last().repolicy(|text| text.replacen(approval, &asks, 1));
        forge.lay();
        assert_eq!(verdict(&repo), (0, BTreeSet::new()), "{asks}");
        says_all(&types(&repo, "", "check alpha", 3), &["the policy in force cannot be read"]);
    }
}

/// Kim voids the newest entry, which is Kim's own.
fn void_the_last(forge: &mut Forge<'_>) {
    let id = forge.id(forge.drafts.len() - 1);
    forge.again(11).by("kim").set("voids", &format!("\"{id}\""));
}

/// Entry 4 is somebody else's approval, as if it had always been.
fn approves(forge: &mut Forge<'_>, who: &'static str, called: &str) {
    let approval = forge.drafts[4].by(who);
    approval.path = approval.path.replace("KIM", called);
    forge.settle();
}

/// An approval becomes a rejection, whatever comes after it.
fn reject(forge: &mut Forge<'_>, at: usize) {
    let rest = forge.drafts.split_off(at + 1);
    reason(forge, "REJECTED");
    forge.drafts.extend(rest);
    forge.settle();
}

/// Something happens before the newest entry, a promotion, which knows of it.
fn before_promotion(forge: &mut Forge<'_>, happens: Bend) {
    let mut promotion = forge.drafts.pop().unwrap();
    let at = forge.drafts.len();
    happens(forge);
    promotion.renumber(at, forge.drafts.len());
    promotion.commit.seconds = forge.last().commit.seconds;
    promotion.set("size", &forge.drafts.len().to_string());
    forge.drafts.push(promotion);
    forge.settle();
}

fn promote_again(forge: &mut Forge<'_>) {
    let policy = policy_of(forge, 10);
    forge.again(9).set("policy", &format!("\"{policy}\"")).set("size", "11");
    forge.settle();
}

/// The newest policy is another one, and the promotion after it knows.
fn policy_then_promotion(forge: &mut Forge<'_>, from: &str, to: &str) {
    forge.drafts[10].repolicy(|text| text.replace(from, to));
    let policy = policy_of(forge, 10);
    forge.last().set("policy", &format!("\"{policy}\""));
    forge.settle();
}

/// The checklist has an open box, and says so.
fn untick(forge: &mut Forge<'_>) {
    let checklist = forge.drafts[3].refile(0, b"# QA\n\n- [ ] installs\n");
    let facts = checklist.text().replace("\"done\": 1", "\"done\": 0").replace("\"open\": 0", "\"open\": 1");
    checklist.statement = facts.into_bytes();
    forge.settle();
}

/// The checklist was taken for a file like any other.
pub fn read_as_file(forge: &mut Forge<'_>) {
    let checklist = forge.drafts[3].set("format", "\"file\"");
    let (head, _) = checklist.text().split_once("    \"facts\": {").unwrap();
    let facts = "    \"facts\": {\n      \"bytes\": 21,\n      \"files\": 1\n    }\n  }\n}\n";
    checklist.statement = format!("{head}{facts}").into_bytes();
    forge.settle();
}
