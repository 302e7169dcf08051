//! Who may change the policy, what becomes of keys that fell into other hands, and what can be taken back.

use serde_json::Value;

use crate::steps::{QA, approved, ga_supplied, rule, says_all, supplied, supply, types, types_in_vain};
use crate::support::forge::Forge;
use crate::support::{POLICY, TestRepo};
use crate::tamper::forget;

const ONE: &str = "approve = { role = \"release-owner\" }";
const TWO: &str = "approve = { role = \"release-owner\", count = 2 }";

/// A ledger in which Lee and Han, the release owners, must both approve a policy.
fn two_must_approve() -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    edit(&repo, |text| text.replace(ONE, TWO));
    types(&repo, "lee", "policy apply -m both --yes", 0);
    repo
}

/// Changes ledger.toml, starting from the policy in force.
fn edit(repo: &TestRepo, change: impl Fn(String) -> String) {
    let text = repo.ledger("", &["policy", "show"]).exits(0);
    let changed = change(text.clone());
    assert_ne!(text, changed, "the edit changed nothing");
    repo.write("ledger.toml", changed);
}

/// Min becomes a QA lead.
fn promote_min(text: String) -> String {
    text.replace("roles = [\"deployment-engineer\"]", "roles = [\"deployment-engineer\", \"qa-lead\"]")
}

fn compromised(repo: &TestRepo, who: &str, since: u64, more: &str) -> String {
    format!("\n[[compromised]]\nkey = {:?}\nsince = {since}\nreason = \"laptop stolen\"\n{more}", repo.public_key(who))
}

/// Takes a key from its person and gives it up.
fn give_up(repo: &TestRepo, who: &str, since: u64, more: &str) {
    let line = format!("{:?}", repo.public_key(who));
    let given_up = compromised(repo, who, since, more);
    edit(repo, |text| text.replace(&format!("{line}, "), "").replace(&format!("[{line}]"), "[]") + &given_up);
}

fn entries(repo: &TestRepo) -> u64 {
    repo.ledger("", &["verify", "--json"]).json()["entries"].as_u64().unwrap()
}

#[test]
fn a_policy_two_must_approve_is_in_force_with_the_second() {
    let repo = two_must_approve();
    supply(&repo, "min", "1.0");
    edit(&repo, promote_min);
    let said = types(&repo, "lee", "policy apply -m more --yes", 0);
    says_all(&said, &["proposed in entry 5", "1 of 2", "HAN signs it: ledger policy sign 5"]);
    says_all(&types(&repo, "", "status", 0), &["a policy is proposed in entry 5: 1 of 2", "ledger policy sign 5"]);
    // Until then the old one holds.
    types_in_vain(&repo, "min", "sign alpha --yes", 1);
    assert!(!repo.ledger("", &["policy", "show"]).exits(0).contains("\"deployment-engineer\", \"qa-lead\""));
    says_all(&types_in_vain(&repo, "lee", "policy sign", 1), &["LEE has approved entry 5 already", "ask HAN"]);
    says_all(&types_in_vain(&repo, "kim", "policy sign", 1), &["KIM does not hold release-owner"]);
    says_all(&types_in_vain(&repo, "lee", "policy apply -m again", 2), &["proposed already: entry 5"]);
    says_all(&types_in_vain(&repo, "han", "policy sign 4", 2), &["entry 4 proposes no policy", "entries 5"]);
    let asked = types_in_vain(&repo, "han", "policy sign", 2);
    says_all(&asked, &["nobody is here to confirm", "ledger policy sign 5 --yes"]);
    says_all(&asked, &["- roles = [\"deployment-engineer\"]", "+ roles = [\"deployment-engineer\", \"qa-lead\"]"]);
    says_all(
        &asked,
        &["2 changed lines", "- min@acme.example (Min, called MIN), a person: roles deployment-engineer; keys SHA256:"],
    );
    says_all(&types(&repo, "han", "policy sign --yes", 0), &["policy in force from entry 6"]);
    assert!(repo.ledger("", &["policy", "show"]).exits(0).contains("\"deployment-engineer\", \"qa-lead\""));
    types(&repo, "min", "sign alpha --yes", 0);
    says_all(&types_in_vain(&repo, "han", "policy sign", 2), &["no policy is proposed"]);
    types(&repo, "", "verify", 0);
}

/// Whoever signs a gate may name any entry as seen; a policy is approved by an approval of a policy alone.
#[test]
fn an_approval_of_a_gate_approves_no_policy() {
    let repo = two_must_approve();
    supply(&repo, "min", "1.0");
    edit(&repo, promote_min);
    types(&repo, "lee", "policy apply -m more --yes", 0);
    types(&repo, "han", "sign alpha --yes", 0);
    let mut forge = Forge::of(&repo);
    let proposal = forge.id(5);
    let (_, saw) = forge.last().text().split_once("\"evidence\": [").unwrap();
    let first = saw.split('"').nth(1).unwrap().to_owned();
    forge.last().says(&first, &proposal);
    forge.lay();
    forget(&repo);
    types(&repo, "", "verify", 0);
    says_all(&types(&repo, "", "status", 0), &["a policy is proposed in entry 5: 1 of 2"]);
    types(&repo, "han", "policy sign --yes", 0);
    assert!(repo.ledger("", &["policy", "show"]).exits(0).contains("\"deployment-engineer\", \"qa-lead\""));
}

/// Ninety lines that say nothing, and below them everything.
#[test]
fn a_change_cannot_hide_behind_lines_that_say_nothing() {
    let repo = two_must_approve();
    let padding: String = (0..90).map(|line| format!("# tidy: section {line}\n")).collect();
    edit(&repo, |text| padding.clone() + &promote_min(text.replace(TWO, ONE)));
    types(&repo, "lee", "policy apply -m tidy --yes", 0);
    let asked = types_in_vain(&repo, "han", "policy sign", 2);
    let (lines, people) = asked.split_once("all shown above").unwrap();
    says_all(lines, &["+ # tidy: section 89", "94 changed lines"]);
    says_all(
        people,
        &[
            "- 2 with the role release-owner approve a policy",
            "+ 1 with the role release-owner",
            "roles deployment-engineer, qa-lead",
        ],
    );
}

#[test]
fn a_proposal_lapses_when_another_comes_in_force() {
    let repo = two_must_approve();
    edit(&repo, promote_min);
    types(&repo, "lee", "policy apply -m min --yes", 0);
    edit(&repo, |text| text.replace("name = \"Min\"", "name = \"Minji\""));
    types(&repo, "han", "policy apply -m rename --yes", 0);
    says_all(&types_in_vain(&repo, "lee", "policy sign", 2), &["several policies are proposed: entries 2, 3"]);
    types(&repo, "lee", "policy sign 3 --yes", 0);
    let text = repo.ledger("", &["policy", "show"]).exits(0);
    assert!(text.contains("Minji") && !text.contains("\"deployment-engineer\", \"qa-lead\""), "{text}");
    says_all(&types_in_vain(&repo, "han", "policy sign 2", 1), &["waits for nobody: lapsed by entry 4"]);
    types(&repo, "", "verify", 0);
}

/// Whoever proposes anew takes the first one back, and what others approved of it with it.
#[test]
fn a_proposal_of_the_same_person_takes_the_place_of_the_first() {
    let repo = two_must_approve();
    edit(&repo, promote_min);
    types(&repo, "lee", "policy apply -m min --yes", 0);
    edit(&repo, |text| text.replace("name = \"Min\"", "name = \"Minji\""));
    types(&repo, "lee", "policy apply -m rename --yes", 0);
    says_all(&types_in_vain(&repo, "han", "policy sign 2 --yes", 1), &["lapsed by entry 3"]);
    says_all(&types(&repo, "han", "policy sign --yes", 0), &["policy in force from entry 4"]);
    types(&repo, "", "verify", 0);
}

#[test]
fn a_policy_that_could_never_be_changed_again_is_refused_and_a_likely_one_warned_of() {
    let repo = TestRepo::with_ledger(&POLICY);
    repo.write("docs/qa.md", QA);
    edit(&repo, |text| text.replace(ONE, TWO));
    for line in ["policy check", "policy apply -m two --yes"] {
        says_all(&types(&repo, "lee", line, 0), &["all 2 people with the role release-owner must approve"]);
    }
    let repo = TestRepo::with_ledger(&POLICY);
    edit(&repo, |text| text.replace(ONE, "approve = { role = \"release-owner\", count = 3 }"));
    says_all(&types_in_vain(&repo, "lee", "policy apply -m three", 2), &["2 people with a key", "3 must approve"]);
    edit(&repo, |text| text.replace(ONE, "approve = { role = \"nobody\" }"));
    types_in_vain(&repo, "lee", "policy apply -m lock-out", 2);
}

#[test]
fn what_a_stolen_key_signed_is_void_and_the_rest_stands() {
    let repo = approved();
    types(&repo, "", "check alpha", 0);
    // Entry 4 is Kim's approval, entry 3 Kim's checklist.
    give_up(&repo, "kim", 4, "");
    says_all(&types(&repo, "lee", "policy apply -m stolen --yes", 0), &["with it become void: entries 4\n"]);
    types(&repo, "", "check alpha", 1);
    assert_eq!(rule(&repo, "alpha", "approval")["have"], "the approval of entry 4 is void: key given up in entry 5");
    assert_eq!(rule(&repo, "alpha", "qa-checklist")["state"], "satisfied", "signed before");
    says_all(&types_in_vain(&repo, "kim", "sign alpha --yes", 3), &["was given up as compromised since entry 4"]);
    types(&repo, "", "verify", 0);
    let shown = repo.ledger("", &["show", "4", "--json"]).json();
    assert_eq!((&shown["voidedBy"], &shown["keyCompromisedSince"]), (&Value::from(5), &Value::from(4)));
    let shown = repo.ledger("", &["show", "3", "--json"]).json();
    assert_eq!((&shown["voidedBy"], &shown["keyCompromisedSince"]), (&Value::Null, &Value::from(4)));
    // The other key of the same person still counts.
    types(&repo, "kim2", "sign alpha --yes", 0);
    types(&repo, "", "check alpha", 0);
}

#[test]
fn an_opening_outlives_the_key_that_signed_it() {
    let repo = approved();
    // Min opened in entry 1, and brought the artifacts in entry 2.
    give_up(&repo, "min", 1, "");
    types(&repo, "lee", "policy apply -m stolen --yes", 0);
    let voided_by = |entry: &str| repo.ledger("", &["show", entry, "--json"]).json()["voidedBy"].clone();
    assert_eq!((voided_by("1"), voided_by("2"), voided_by("3")), (Value::Null, 5.into(), Value::Null));
    types(&repo, "kim", "record artifacts", 0);
    types(&repo, "", "verify", 0);
}

#[test]
fn what_somebody_vouches_for_stays() {
    let repo = approved();
    give_up(&repo, "kim", 2, "except = [3, 4]\n");
    types(&repo, "lee", "policy apply -m stolen --yes", 0);
    types(&repo, "", "check alpha", 0);
    assert_eq!(entries(&repo), 6);
}

#[test]
fn a_promotion_that_rested_on_a_stolen_key_stands_no_more() {
    let repo = supplied(&POLICY, "min");
    ga_supplied(&repo);
    assert_eq!(rule(&repo, "ga", "alpha")["state"], "satisfied", "{}", repo.ledger("", &["status"]).out);
    give_up(&repo, "kim", 4, "");
    types(&repo, "lee", "policy apply -m stolen --yes", 0);
    assert_ne!(rule(&repo, "ga", "alpha")["state"], "satisfied");
    // It was right when it was made: the ledger holds.
    types(&repo, "", "verify", 0);
}

#[test]
fn a_stolen_key_never_comes_back() {
    let repo = TestRepo::with_ledger(&POLICY);
    let key = repo.public_key("kim");
    says_all(
        &{
            let given_up = compromised(&repo, "kim", 0, "");
            edit(&repo, |text| text + &given_up);
            types_in_vain(&repo, "lee", "policy apply -m both", 2)
        },
        &["a compromised key cannot stay a key of kim@acme.example"],
    );
    give_up(&repo, "kim", 9, "");
    says_all(&types_in_vain(&repo, "lee", "policy apply -m early", 2), &["there is no entry 9 yet"]);
    give_up(&repo, "kim", 1, "");
    types(&repo, "lee", "policy apply -m stolen --yes", 0);
    let (start, other) = (repo.public_key("kim2"), repo.public_key("kim2"));
    edit(&repo, |text| {
        let text = text.split("\n[[compromised]]").next().unwrap().to_owned();
        text.replace(&format!("{start:?}"), &format!("{other:?}, {key:?}"))
    });
    // What cannot be applied is found by looking at it already.
    for line in ["policy check", "policy apply -m back"] {
        says_all(&types_in_vain(&repo, "lee", line, 2), &["is compromised since entry 1"]);
    }
}

#[test]
fn a_key_taken_out_keeps_its_past() {
    let repo = approved();
    let (old, new) = (repo.public_key("kim"), repo.public_key("kim2"));
    edit(&repo, |text| text.replace(&format!("{old:?}, {new:?}"), &format!("{new:?}")));
    types(&repo, "lee", "policy apply -m rotated --yes", 0);
    types(&repo, "", "check alpha", 0);
    types_in_vain(&repo, "kim", "sign alpha --yes", 3);
    types(&repo, "", "verify", 0);
}

#[test]
fn an_own_entry_can_be_revoked_and_nobody_elses() {
    let repo = approved();
    says_all(&types_in_vain(&repo, "min", "revoke 4 -m no --yes", 1), &["entry 4 is by KIM", "ask KIM"]);
    says_all(&types_in_vain(&repo, "lee", "revoke 0 -m no --yes", 1), &["is about a policy"]);
    says_all(&types_in_vain(&repo, "min", "revoke 1 -m no --yes", 1), &["of kind open"]);
    types_in_vain(&repo, "kim", "revoke 99 -m no --yes", 2);
    types_in_vain(&repo, "kim", "revoke 4 -m no --dry-run --yes", 0);
    says_all(&types(&repo, "kim", "revoke 4 -m mistaken --yes", 0), &["entry 4 is void from entry 5"]);
    types(&repo, "", "check alpha", 1);
    says_all(&types_in_vain(&repo, "kim", "revoke 4 -m again --yes", 1), &["void already, by entry 5"]);
    says_all(&types_in_vain(&repo, "kim", "revoke 5 -m undo --yes", 1), &["of kind revoke"]);
    types(&repo, "", "verify", 0);
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "", "check alpha", 0);
}

/// A33: a person keeps what they have said, under whatever id.
#[test]
fn a_person_who_is_renamed_does_not_count_twice() {
    let repo = TestRepo::with_ledger(&POLICY);
    edit(&repo, |text| text.replace("role = \"qa-lead\"\n", "role = \"qa-lead\"\ncount = 2\n"));
    types(&repo, "lee", "policy apply -m two --yes", 0);
    supply(&repo, "min", "1.0");
    types(&repo, "kim", "sign alpha --yes", 0);
    edit(&repo, |text| text.replace("kim@acme.example", "kim.new@acme.example"));
    types(&repo, "lee", "policy apply -m renamed --yes", 0);
    types(&repo, "kim2", "sign alpha --yes", 0);
    types(&repo, "", "check alpha", 1);
    assert_eq!(rule(&repo, "alpha", "approval")["entries"].as_array().unwrap().len(), 2, "both are told");
}

/// A35: whoever joins after the release was opened is its author all the same.
#[test]
fn an_author_who_joins_later_does_not_approve_the_own_work() {
    let repo = TestRepo::with_ledger(&POLICY);
    let lee = repo.ledger("", &["policy", "show"]).exits(0);
    let (without, _) = lee.split_at(lee.find("[[person]]\nid = \"han@acme.example\"").unwrap());
    let rest = lee[without.len()..].split_once("\n\n").map_or("", |(_, rest)| rest);
    repo.write("ledger.toml", format!("{without}{rest}"));
    types(&repo, "lee", "policy apply -m leaves --yes", 0);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "work", "--author=Han <han@acme.example>"]);
    supply(&repo, "min", "1.0");
    ga_supplied(&repo);
    repo.write("ledger.toml", lee);
    types(&repo, "lee", "policy apply -m joins --yes", 0);
    says_all(&types_in_vain(&repo, "han", "sign ga --yes", 1), &["is an author of commit"]);
}

/// Declaring a theft takes away and gives nothing back.
#[test]
fn giving_up_a_key_opens_no_gate() {
    for (line, code) in [("sign alpha --withdraw -m bug --yes", 1), ("sign alpha --reject -m bug --yes", 1)] {
        let repo = approved();
        types(&repo, "kim", line, 0);
        give_up(&repo, "kim", 5, "");
        says_all(&types(&repo, "lee", "policy apply -m stolen --yes", 0), &["void: entries 5"]);
        types(&repo, "", "check alpha", code);
        types(&repo, "", "verify", 0);
        types(&repo, "kim2", "sign alpha --yes", 0);
        types(&repo, "", "check alpha", 0);
    }
}

#[test]
fn nobody_is_asked_to_void_what_stays() {
    let repo = approved();
    edit(&repo, |text| text.replace(ONE, &format!("{ONE}\nrevoke = {{ role = \"release-owner\" }}")));
    types(&repo, "lee", "policy apply -m revoke --yes", 0);
    types(&repo, "kim", "sign alpha --reject -m bug --yes", 0);
    let refused = types_in_vain(&repo, "lee", "revoke 6 -m on --yes", 1);
    says_all(&refused, &["entry 6 is REJECTED: a rejection is lifted only by whoever made it"]);
    types(&repo, "kim", "sign alpha --withdraw -m on --yes", 0);
    says_all(
        &types_in_vain(&repo, "kim", "revoke 7 -m on --yes", 1),
        &["entry 7 is WITHDRAWN: what was withdrawn stays so"],
    );
    says_all(
        &types_in_vain(&repo, "kim", "revoke 4 -m on", 2),
        &["nobody is here to confirm", "ledger revoke 4 -m REASON --yes"],
    );
}

#[test]
fn a_policy_file_somebody_has_replaced_since_is_not_put_back_unseen() {
    let repo = TestRepo::with_ledger(&POLICY);
    let old = repo.ledger("", &["policy", "show"]).exits(0);
    edit(&repo, promote_min);
    types(&repo, "lee", "policy apply -m more --yes", 0);
    repo.write("ledger.toml", old);
    for line in ["policy check", "policy apply -m unaware"] {
        let refused = types_in_vain(&repo, "lee", line, 1);
        says_all(
            &refused,
            &["is the policy of entry 0, and the one of entry 1 replaced it", "ledger policy show > ledger.toml"],
        );
    }
    types(&repo, "lee", "policy apply -m back --yes", 0);
}

#[test]
fn what_giving_up_a_key_does_not_do_is_said() {
    let repo = approved();
    give_up(&repo, "kim", 4, "");
    types(&repo, "lee", "policy apply -m stolen --yes", 0);
    edit(&repo, |text| text.replace("since = 4", "since = 4\nexcept = [4]"));
    says_all(&types(&repo, "lee", "policy check", 0), &["is given up since entry 4 already, for good"]);
    types(&repo, "lee", "policy apply -m regret --yes", 0);
    says_all(&types(&repo, "", "check alpha", 1), &["the approval of entry 4 is void: key given up in entry 5"]);
    says_all(&types(&repo, "", "verify", 0), &["1 entry void by now"]);
}

#[test]
fn whoever_the_policy_names_may_revoke_what_others_brought() {
    let repo = TestRepo::with_ledger(&POLICY);
    edit(&repo, |text| text.replace(ONE, &format!("{ONE}\nrevoke = {{ role = \"release-owner\" }}")));
    types(&repo, "lee", "policy apply -m revoke --yes", 0);
    supply(&repo, "min", "1.0");
    types(&repo, "kim", "sign alpha --yes", 0);
    types_in_vain(&repo, "min", "revoke 5 -m no --yes", 1);
    types(&repo, "lee", "revoke 5 -m \"wrong\" --yes", 0);
    types(&repo, "", "check alpha", 1);
    types(&repo, "", "verify", 0);
}

#[test]
fn what_is_withdrawn_stays_withdrawn() {
    let repo = approved();
    types(&repo, "kim", "sign alpha --withdraw --yes -m doubt", 0);
    types(&repo, "", "check alpha", 1);
    types_in_vain(&repo, "han", "sign alpha --withdraw --yes -m doubt", 1);
    repo.write("docs/qa.md", format!("{QA}- [x] stops\n"));
    types(&repo, "kim", "record qa-checklist", 0);
    types(&repo, "", "check alpha", 1);
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "", "check alpha", 0);
}

/// The line `ledger log` has for an entry.
fn row(repo: &TestRepo, entry: u64, more: &str) -> String {
    let said = types(repo, "", &format!("log {more}"), 0);
    let begins = format!("#{entry} ");
    said.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("no {entry} in\n{said}")).to_owned()
}

/// Entries that `ledger log` lists, with more words.
fn listed(repo: &TestRepo, more: &str) -> Vec<u64> {
    let words = format!("log --json {more}");
    let log = repo.ledger("", &words.split_whitespace().collect::<Vec<_>>()).json();
    log["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].as_u64().unwrap()).collect()
}

fn policy_of(repo: &TestRepo, entry: u64) -> Value {
    let shown = repo.ledger("", &["show", &entry.to_string(), "--json"]).json();
    let log = repo.ledger("", &["log", "--json"]).json();
    let of = |entry: &&Value| entry["entry"] == shown["entry"];
    assert_eq!(log["entries"].as_array().unwrap().iter().find(of).unwrap()["policy"], shown["policy"]);
    shown["policy"].clone()
}

#[test]
fn the_log_says_what_became_of_each_policy_and_who_approved_it() {
    let repo = two_must_approve();
    edit(&repo, promote_min);
    let _ = repo
        .ledger("lee", &["policy", "apply", "-m", "Min helps (in force from entry 1)\nfor a week", "--yes"])
        .exits(0);
    says_all(
        &row(&repo, 2, ""),
        &["proposes a policy (pending, 1 of 2 have approved it): Min helps (in force from entry 1) …"],
    );
    says_all(&types(&repo, "", "show 2", 0), &["policy     pending, 1 of 2 have approved it"]);
    edit(&repo, |text| text.replace("name = \"Min\"", "name = \"Minji\""));
    types(&repo, "han", "policy apply -m rename --yes", 0);
    types(&repo, "lee", "policy sign 3 --yes", 0);
    says_all(&row(&repo, 0, ""), &["proposes a policy (in force from entry 0 until entry 1): "]);
    says_all(&row(&repo, 1, "--kind policy"), &["(in force from entry 1 until entry 4): both"]);
    says_all(&row(&repo, 2, "--kind policy"), &["(lapsed by entry 4): Min helps"]);
    says_all(&row(&repo, 3, "--kind policy"), &["proposes a policy (in force from entry 4): rename"]);
    let approves = "approves the policy of entry 3 (in force from entry 4)";
    says_all(&row(&repo, 4, "--kind policy"), &["LEE", approves]);
    says_all(&row(&repo, 4, "--kind approval"), &[approves]);
    says_all(&types(&repo, "", "show 2", 0), &["policy     lapsed by entry 4"]);
    says_all(&types(&repo, "", "show 3", 0), &["policy     in force from entry 4"]);
    says_all(&types(&repo, "", "show 4", 0), &["policy     of entry 3, in force from entry 4"]);
    assert_eq!((&policy_of(&repo, 1)["state"], &policy_of(&repo, 1)["by"]), (&"replaced".into(), &4.into()));
    assert_eq!((&policy_of(&repo, 2)["state"], &policy_of(&repo, 2)["by"]), (&"lapsed".into(), &4.into()));
    assert_eq!((&policy_of(&repo, 4)["state"], &policy_of(&repo, 4)["entry"]), (&"in-force".into(), &3.into()));
}

#[test]
fn the_policies_of_a_log_are_those_and_their_approvals_only() {
    let repo = two_must_approve();
    supply(&repo, "min", "1.0");
    types(&repo, "kim", "sign alpha --yes", 0);
    edit(&repo, promote_min);
    types(&repo, "lee", "policy apply -m more --yes", 0);
    types(&repo, "han", "policy sign --yes", 0);
    assert_eq!(listed(&repo, "--kind policy"), [0, 1, 6, 7]);
    assert_eq!(listed(&repo, "--kind approval"), [5, 7]);
}

#[test]
fn what_is_void_is_marked_in_the_log_and_in_show() {
    let repo = approved();
    assert_eq!(repo.ledger("", &["log", "--json"]).json()["entries"][4]["voidedBy"], Value::Null);
    types(&repo, "kim", "revoke 3 -m wrong --yes", 0);
    give_up(&repo, "kim", 4, "");
    types(&repo, "lee", "policy apply -m stolen --yes", 0);
    says_all(&row(&repo, 3, ""), &["KIM  void: entry 5 revokes it · evidence: "]);
    says_all(&row(&repo, 4, ""), &["KIM  void: key given up in entry 6 · approval: "]);
    says_all(&types(&repo, "", "show 3", 0), &["void       entry 5 revokes it"]);
    says_all(&types(&repo, "", "show 4", 0), &["void       key given up in entry 6"]);
    assert!(!row(&repo, 2, "").contains("void"));
    let log = repo.ledger("", &["log", "--json"]).json();
    let by: Vec<&Value> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["voidedBy"]).collect();
    assert_eq!(by[..5], [&Value::Null, &Value::Null, &Value::Null, &5.into(), &6.into()]);
}
