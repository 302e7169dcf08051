//! A46, A47, A49, A55: who changes the rules, and what else could speak for a ledger.
//!
//! Elsewhere: A49, a state that is damaged or of another branch, in `resumed` and `attacks`; A54, writers at
//! once and killed ones, in `concurrency`; A55, text in reports and on terminals, in `notes` and next to
//! `report::escape`.

use super::*;
use crate::steps::says_all;

/// The policy gives Min another role, and Min opens the second release with it.
const NEW_ROLE: Base = Base(13, |forge| {
    forge.drafts[10].repolicy(more_for_min);
    forge.last().says("\"deployment-engineer\"\n", "\"deployment-engineer\",\n        \"qa-lead\"\n");
    forge.settle();
});
/// One more policy after the newest.
const POLICY_AFTER: Base = Base(11, |forge| {
    let in_force = policy_of(forge, 10);
    let policy = forge.again(10);
    policy.repolicy(|text| text.to_owned() + "\n# once more\n").set("replaces", &format!("\"{in_force}\""));
});

#[test]
fn a_policy_nobody_entitled_approved_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A46",
                "a policy by somebody without the role",
                NEW_POLICY,
                |f| f.last().by("min").done(),
                &["10 policy-unapproved"],
            ),
            Row(
                "A46",
                "a first policy by somebody without the role",
                BEGUN,
                |f| f.last().by("kim").done(),
                &["0 policy-unapproved", "anchor"],
            ),
            Row("A46", "a policy by a bot", NEW_POLICY, |f| f.last().by("ci").done(), &["10 policy-unapproved"]),
            Row(
                "A46",
                "a policy that entitles its own signer",
                NEW_POLICY,
                |f| {
                    f.last().repolicy(entitle_min).by("min");
                },
                &["10 policy-unapproved"],
            ),
            Row(
                "A46",
                "a weaker policy and its use in one go",
                POLICY_AFTER,
                |f| {
                    f.drafts[10].repolicy(entitle_min).by("min");
                    let in_force = policy_of(f, 10);
                    f.last().by("min").set("replaces", &format!("\"{in_force}\""));
                },
                &["10 policy-unapproved"],
            ),
            Row(
                "A46",
                "a policy in the file's name only",
                NEW_POLICY,
                |f| {
                    f.last().path = f.last().path.replace("policy.json", "promotion.json");
                },
                &["10 path"],
            ),
            Row(
                "A47",
                "an old policy's entry appended again",
                POLICY_AFTER,
                |f| {
                    f.last().statement = f.drafts[10].statement.clone();
                    f.last().files = f.drafts[10].files.clone();
                    f.last().renumber(10, 11);
                },
                &["11 policy-unapproved", "11 replayed"],
            ),
            Row(
                "A47",
                "a policy that replaces one that is no longer in force",
                POLICY_AFTER,
                |f| {
                    let first = policy_of(f, 0);
                    f.last().set("replaces", &format!("\"{first}\""));
                },
                &["11 policy-unapproved"],
            ),
            Row(
                "A47",
                "a policy that replaces nothing",
                POLICY_AFTER,
                |f| {
                    let replaces = format!("    \"replaces\": \"{}\",\n", f.last().value("replaces"));
                    f.last().says(&replaces, "");
                },
                &["11 statement-malformed"],
            ),
            Row(
                "A47",
                "roles from before the policy changed",
                NEW_ROLE,
                |f| {
                    f.last().says("\"deployment-engineer\",\n        \"qa-lead\"\n", "\"deployment-engineer\"\n");
                },
                &["12 signer-mismatch"],
            ),
            Row(
                "A47",
                "roles that only the next policy gives",
                NEW_ROLE,
                |f| {
                    f.drafts[6].says("\"deployment-engineer\"\n", "\"deployment-engineer\",\n        \"qa-lead\"\n");
                    f.settle();
                },
                &["6 signer-mismatch"],
            ),
            Row(
                "A47",
                "keys beside the policy that are not the policy's",
                NEW_POLICY,
                |f| {
                    let line = format!("lee@acme.example namespaces=\"git\" {}\n", f.repo.public_key("mallory"));
                    let at = f.last().files.iter().position(|(path, _)| path.ends_with("/allowed_signers")).unwrap();
                    let signers = [&f.last().files[at].1, line.as_bytes()].concat();
                    f.last().refile(at, &signers);
                },
                &["10 policy-malformed"],
            ),
            Row(
                "A47",
                "a policy of another ledger",
                NEW_POLICY,
                |f| {
                    f.last().repolicy(|text| text.replace("acme/widget", "acme/gadget"));
                },
                &["10 origin"],
            ),
        ],
    );
}

#[test]
fn a_policy_whose_roster_is_not_in_order_does_not_hold() {
    let repo = story();
    let mut bench = Bench::of(&repo);
    let approve = "approve = { role = \"release-owner\" }";
    let key = repo.public_key("lee");
    let spare = repo.public_key("mallory");
    let person = |id: &str, handle: &str, key: &str| {
        format!(
            "\n[[person]]\nid = {id:?}\nname = \"Kim\"\nhandles = [{handle:?}]\nroles = [\"qa-lead\"]\nkeys = [{key:?}]\n"
        )
    };
    let more = |what, text: String| (what, "\n[pipeline.stage9]\n", format!("{text}\n[pipeline.stage9]\n"));
    let twins = [
        (
            "A44 no approval needed for a policy",
            approve,
            "approve = { role = \"release-owner\", count = 0 }".to_owned(),
        ),
        ("A44 more approvals than people", approve, "approve = { role = \"release-owner\", count = 3 }".to_owned()),
        ("A44 fewer than none", approve, "approve = { role = \"release-owner\", count = -1 }".to_owned()),
        ("A44 a role nobody holds", approve, "approve = { role = \"nobody\" }".to_owned()),
        ("A44 a role a bot alone holds", approve, "approve = { role = \"ci\" }".to_owned()),
        ("A44 nobody entitled", approve, String::new()),
        ("A47 a key nobody knows", approve, format!("{approve}\nanybody = true")),
        ("A47 no TOML", approve, "approve =".to_owned()),
        (
            "A11 nested without an end",
            "[ledger]\n",
            format!("[ledger]\nlink = {}{}\n", "[".repeat(9_999), "]".repeat(9_999)),
        ),
        more("A33 one address in two letter cases", person("KIM@acme.example", "K2", &spare)),
        more("A33 one name in two widths", person("kim2@acme.example", "\u{ff2b}IM", &spare)),
        more("A33 one name for two people", person("kim2@acme.example", "HAN", &spare)),
        more("A33 an address as somebody else's name", person("kim2@acme.example", "han@acme.example", &spare)),
        more("A33 one key for two people", person("kim2@acme.example", "K2", &key)),
        more("A33 a name nobody sees", person("kim2@acme.example", "K\u{200b}IM", &spare)),
    ];
    for (what, from, to) in twins {
        let bend = |forge: &mut Forge<'_>| forge.last().repolicy(|text| text.replacen(from, &to, 1)).done();
        bench.gives(what, NEW_POLICY, bend, &["10 policy-malformed"]);
    }
    // Somebody with another name, address and key is another person.
    let mut forge = bench.start(NEW_POLICY);
    let other = person("park@acme.example", "PARK", &spare);
    forge.last().repolicy(|text| text.to_owned() + &other);
    forge.lay();
    assert_eq!(verdict(&repo), (0, BTreeSet::new()));
    bench.done();
}

/// docs/format.md, "Limits".
#[test]
fn a_policy_of_more_than_a_mebibyte_does_not_hold() {
    let rows = [Row(
        "A11",
        "a policy.toml larger than one may be",
        NEW_POLICY,
        |f| {
            f.last().repolicy(|text| format!("{text}\n# {}\n", "x".repeat(1 << 20)));
        },
        &["10 policy-malformed"],
    )];
    each_row_gives_its_faults(&story(), &rows);
}

/// Lee and Han must both approve; Lee proposes and Han approves.
#[test]
fn an_approval_of_a_policy_that_does_not_count_does_not_hold() {
    let repo = TestRepo::with_ledger(&POLICY);
    let edit = |from: &str, to: &str| repo.write("ledger.toml", repo.read("ledger.toml").replace(from, to));
    edit("approve = { role = \"release-owner\" }", "approve = { role = \"release-owner\", count = 2 }");
    types(&repo, "lee", "policy apply -m both --yes", 0);
    edit("name = \"Min\"", "name = \"Minji\"");
    types(&repo, "lee", "policy apply -m rename --yes", 0);
    types(&repo, "han", "policy sign --yes", 0);
    const PROPOSED: Base = Base(4, NOTHING);
    each_row_gives_its_faults(
        &repo,
        &[
            Row(
                "A46",
                "approved by somebody without the role",
                PROPOSED,
                |f| approved_by(f, "kim"),
                &["3 policy-unapproved"],
            ),
            Row("A46", "approved by a bot", PROPOSED, |f| approved_by(f, "ci"), &["3 policy-unapproved"]),
            Row(
                "A33",
                "approved twice by whoever proposed it",
                PROPOSED,
                |f| approved_by(f, "lee"),
                &["3 policy-unapproved"],
            ),
            Row(
                "A43",
                "an approval that rejects",
                PROPOSED,
                |f| {
                    let draft = f.last().set("decision", "\"REJECTED\"");
                    draft.says("\"meaning\": \"approval\",", "\"meaning\": \"approval\",\n    \"reason\": \"no\",");
                },
                &["3 policy-unapproved"],
            ),
            Row(
                "A47",
                "an approval that saw another policy in force",
                PROPOSED,
                |f| {
                    let old = policy_of(f, 0);
                    let saw = format!("\"policy\": \"{}\"", policy_of(f, 1));
                    f.last().says(&saw, &format!("\"policy\": \"{old}\""));
                },
                &["3 policy-unapproved"],
            ),
            Row(
                "A36",
                "an approval of a policy that is in force already",
                PROPOSED,
                |f| {
                    let (proposed, old) = (f.id(2), f.id(1));
                    f.last().says(&proposed, &old);
                },
                &["3 reference"],
            ),
            Row(
                "A36",
                "an approval of no proposal",
                PROPOSED,
                |f| {
                    let proposed = format!("[\n        \"{}\"\n      ]", f.id(2));
                    f.last().says(&proposed, "[]");
                },
                &["3 reference"],
            ),
            Row(
                "A37",
                "an approval of a policy appended once more",
                PROPOSED,
                |f| {
                    let statement = f.drafts[3].statement.clone();
                    f.again(3).statement = statement;
                },
                &["4 policy-unapproved", "4 reference", "4 replayed"],
            ),
            Row(
                "A46",
                "what one of two proposed, used at once",
                PROPOSED,
                |f| {
                    // Min is not called Minji before Han has approved it.
                    f.drafts.pop();
                    let in_force = policy_of(f, 2);
                    let next = f.again(2).repolicy(|text| text.to_owned() + "# more\n");
                    next.set("replaces", &format!("\"{in_force}\""));
                },
                &["3 policy-unapproved"],
            ),
        ],
    );
}

/// A49: what was verified here before says nothing about what lies here now.
#[test]
fn what_was_remembered_of_an_honest_ledger_speaks_for_no_other() {
    let repo = story();
    let bench = Bench::of(&repo);
    for at in [0, 3, 4, 8, 13] {
        bench.whole.lay();
        types(&repo, "", "verify", 0);
        types(&repo, "", "check alpha --release 1.0", 1);
        let mut forge = bench.whole.cut(14);
        forge.drafts[at].signed_with("mallory");
        forge.lay();
        let said = types(&repo, "", "check alpha --release 1.0", 4);
        says_all(&said, &[&format!("entry {at}: signer-unknown")]);
    }
}

#[test]
fn text_that_is_not_what_it_looks_like_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A55",
                "a message that runs backwards",
                CHECKLIST,
                |f| say(f, "\u{202e}dekcehc"),
                &["3 commit-malformed"],
            ),
            Row(
                "A55",
                "a message that moves the cursor",
                CHECKLIST,
                |f| say(f, "\u{1b}[2Kdone"),
                &["3 commit-malformed"],
            ),
            Row(
                "A55",
                "a message with something nobody sees",
                CHECKLIST,
                |f| say(f, "a\u{200b}b"),
                &["3 commit-malformed"],
            ),
            Row(
                "A55",
                "a message with a trailer of its own",
                CHECKLIST,
                |f| say(f, "x\nLedger-Origin: y"),
                &["3 commit-malformed"],
            ),
            Row(
                "A55",
                "a message without a summary",
                CHECKLIST,
                |f| f.last().commit.text = " \n\nmore".to_owned(),
                &["3 commit-malformed"],
            ),
        ],
    );
}

fn say(forge: &mut Forge<'_>, text: &str) {
    forge.last().commit.text.push_str(&format!("\n{text}"));
}

fn more_for_min(text: &str) -> String {
    text.replace("roles = [\"deployment-engineer\"]", "roles = [\"deployment-engineer\", \"qa-lead\"]")
}

/// Min may approve policies, but does not say so in the statement.
fn entitle_min(text: &str) -> String {
    text.replace("approve = { role = \"release-owner\" }", "approve = { role = \"deployment-engineer\" }")
}

fn approved_by(forge: &mut Forge<'_>, who: &'static str) {
    let approval = forge.last().by(who);
    approval.path = approval.path.replace("HAN", &who.to_uppercase());
}
