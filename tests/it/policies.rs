//! The policy file: findings all at once at their place, and changes judged by the policy before.

use crate::steps::{QA, approved, says_all, supplied, types, types_in_vain};
use crate::support::{POLICY, Policy, TestRepo};

#[test]
fn every_mistake_is_shown_at_its_line_with_a_caret() {
    let repo = TestRepo::bare_of_ledger();
    let text = POLICY
        .text(&repo)
        .replace("expect = [\"open == 0\", \"total > 0\"]", "expct = [\"open == 0\"]")
        .replace("format = \"artifact\"", "format = \"artefact\"")
        .replace("requires = [\"alpha\"]", "requires = [\"alfa\"]")
        .replace("role = \"qa-lead\"\n", "role = \"qa-lead\"\ncount = 0\n")
        .replace("name = \"Min\"", "name = \"\"");
    repo.write("ledger.toml", &text);
    let said = types(&repo, "", "policy check", 2);
    says_all(
        &said,
        &["unknown key `expct`", "did you mean `expect`?", "unknown format \"artefact\"", "did you mean `artifact`?"],
    );
    says_all(&said, &["names `alfa`", "`count` must be a whole number of at least 1", "`name` is empty", "^^^^^"]);
    let line = text.lines().position(|line| line.starts_with("expct")).unwrap() + 1;
    says_all(&said, &[&format!("ledger.toml:{line}:1: unknown key `expct`"), "5 findings"]);
    let json = repo.ledger("", &["policy", "check", "--json"]).json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 5);
}

#[test]
fn what_can_never_come_true_is_found_before_it_is_in_force() {
    let repo = TestRepo::bare_of_ledger();
    let only_lee = Policy { people: &[("lee", &["lee"], &["release-owner"], false)], pipeline: POLICY.pipeline };
    repo.write("ledger.toml", only_lee.text(&repo));
    let said = types(&repo, "", "policy check", 1);
    says_all(
        &said,
        &["gate `alpha` needs 1 of qa-lead, the roster has 0 with a key", "gate `ga` wants somebody else to approve"],
    );
}

#[test]
fn an_expectation_nobody_could_meet_is_found() {
    let repo = TestRepo::bare_of_ledger();
    repo.write("ledger.toml", POLICY.text(&repo).replace("total > 0", "totl > 0"));
    says_all(
        &types(&repo, "", "policy check", 1),
        &["rule `qa-checklist`: checklist has no fact `totl`", "did you mean `total`?"],
    );
    for outside in ["../qa.md", "/etc/passwd", "docs//qa.md", "C:/qa.md"] {
        repo.write("ledger.toml", POLICY.text(&repo).replace("docs/qa.md", outside));
        says_all(&types(&repo, "", "policy check", 2), &["must be a path inside the repository"]);
    }
}

#[test]
fn a_place_where_no_reader_could_look_is_found() {
    let repo = TestRepo::bare_of_ledger();
    repo.write("docs/qa.md", QA);
    let check = |format: &str, values: &str, code: i32| {
        let (before, after) = ("format = \"checklist\"", format!("format = \"{format}\"\nvalues = {{ {values} }}"));
        let policy = POLICY.text(&repo).replace("\"open == 0\", \"total > 0\"", "\"total > 0\"");
        assert!(policy.contains(before), "{policy}");
        repo.write("ledger.toml", policy.replace(before, &after));
        types(&repo, "", "policy check", code)
    };
    for (format, good, bad, why) in [
        ("json", "/a/b", "a/b", "\"a/b\" is no JSON pointer"),
        ("table", "row[a=b].c", "row[a].c", "write row[Header=Value].Column"),
        ("text", "^total ([0-9]+)", "(", "unclosed group"),
    ] {
        check(format, &format!("total = \"{good}\""), 0);
        says_all(&check(format, &format!("total = \"{bad}\""), 2), &[why, "^^^^^"]);
        says_all(&check(format, &format!("Total = \"{good}\""), 2), &["is no fact's name"]);
    }
    says_all(&check("text", "lines = \"a\"", 2), &["text has a fact \"lines\" of its own"]);
    says_all(&check("checklist", "total = \"a\"", 2), &["checklist takes no values by name: json, table, text can"]);
}

#[test]
fn a_change_needs_the_role_the_old_policy_names() {
    let repo = supplied(&POLICY, "min");
    let weaker = repo
        .read("ledger.toml")
        .replace("approve = { role = \"release-owner\" }", "approve = { role = \"deployment-engineer\" }");
    repo.write("ledger.toml", &weaker);
    says_all(
        &types_in_vain(&repo, "min", "policy apply -m mine", 1),
        &["MIN does not hold release-owner", "ask LEE or HAN"],
    );
    types(&repo, "lee", "policy apply -m handed-over --yes", 0);
    says_all(&types_in_vain(&repo, "lee", "policy apply -m again --yes", 0), &["in force already"]);
    repo.write("ledger.toml", weaker + "\n# one more line\n");
    types_in_vain(&repo, "lee", "policy apply -m back", 1);
    types(&repo, "min", "policy apply -m now-mine --yes", 0);
    types(&repo, "", "verify", 0);
}

#[test]
fn people_who_left_keep_what_they_signed_and_sign_no_more() {
    let repo = approved();
    let text = repo.read("ledger.toml");
    let start = text.find("\n[[person]]\nid = \"kim@").unwrap();
    let end = text[start + 2..].find("\n[[person]]").unwrap() + start + 2;
    repo.write("ledger.toml", format!("{}{}", &text[..start], &text[end..]));
    types(&repo, "lee", "policy apply -m kim-leaves --yes", 0);
    let said = types_in_vain(&repo, "kim", "record qa-checklist", 3);
    says_all(&said, &["no key found belongs to anybody in the roster"]);
    types(&repo, "", "verify", 0);
    types(&repo, "min", "promote alpha", 0);
}

#[test]
fn a_policy_that_rechecks_lapses_what_was_approved_under_the_old_one() {
    let pipeline = POLICY.pipeline.replace("id = \"alpha\"", "id = \"alpha\"\nrecheck = \"policy\"");
    let repo = supplied(&Policy { people: POLICY.people, pipeline: pipeline.leak() }, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    repo.write("ledger.toml", repo.read("ledger.toml") + "\n# reviewed\n");
    types(&repo, "lee", "policy apply -m reviewed --yes", 0);
    says_all(&types_in_vain(&repo, "min", "promote alpha", 1), &["has lapsed: it saw policy sha256:"]);
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "min", "promote alpha", 0);
}

#[test]
fn the_shipped_examples_have_nothing_to_find() {
    let repo = TestRepo::bare_of_ledger();
    for example in ["starter", "stage9", "rollout", "production", "staged", "roadmap"] {
        let path = format!("{}/examples/{example}/ledger.toml", env!("CARGO_MANIFEST_DIR"));
        types(&repo, "", &format!("policy check {path}"), 0);
    }
}

#[test]
fn an_example_is_filled_in_with_the_person_who_begins() {
    let repo = TestRepo::bare_of_ledger();
    types(&repo, "lee", "init --example stage9 --origin github.com/acme/widget --id lee@acme.example --name Lee", 0);
    let text = repo.read("ledger.toml");
    says_all(
        &text,
        &["origin = \"github.com/acme/widget\"   # the", "lee@acme.example", &repo.public_key("lee"), "# ----"][1..],
    );
    assert_eq!(text.matches("[[person]]").count(), 1);
    says_all(&text, &["github.com/acme/widget", "\"qa-lead\"", "\"deployment-engineer\"", "\"release-owner\""]);
    types(&repo, "", "verify", 0);
    types_in_vain(&repo, "lee", "init", 1);
}

#[test]
fn a_ledger_begins_with_any_example() {
    for (example, gate) in [("starter", "qa"), ("stage9", "alpha"), ("rollout", "ready"), ("production", "readiness")] {
        let repo = TestRepo::bare_of_ledger();
        types(&repo, "lee", &format!("init --example {example} --id lee@acme.example --name Lee"), 0);
        types(&repo, "lee", &format!("open {gate} --release 1.0"), 0);
        types(&repo, "", "verify", 0);
    }
    let repo = TestRepo::bare_of_ledger();
    says_all(&types_in_vain(&repo, "lee", "init --example rollou", 2), &["rollout", "production"]);
}

#[test]
fn where_evidence_is_kept_is_said_without_doubt_and_without_credentials() {
    let repo = TestRepo::bare_of_ledger();
    repo.write("docs/qa.md", QA);
    let check = |table: &str, code: i32| {
        repo.write("ledger.toml", format!("{}\n[evidence]\n{table}\n", POLICY.text(&repo)));
        types(&repo, "", "policy check", code)
    };
    check("inline = \"512 KiB\"\nstore = \"s3://acme-evidence/widget\"\nexternal_facts = true", 0);
    check("", 0);
    for (wrong, why) in [
        ("inline = \"1MB\"", "is no size"),
        ("inline = \"65 MiB\"", "at most 64 MiB"),
        ("inline = 1", "inline"),
        ("store = \"/srv/evidence\"", "no address a program can ask"),
        ("store = \"s3://kim:pass@bucket\"", "credentials come from the environment"),
        ("store = \"https://host/x?sig=abc\"", "where tokens stand"),
        ("external_facts = \"yes\"", "must be true or false"),
        ("inlin = \"1 MiB\"", "did you mean `inline`?"),
    ] {
        let said = check(wrong, 2);
        says_all(&said, &[why, "ledger.toml:", "^"]);
    }
}

#[test]
fn a_draft_that_does_not_parse_counts_nothing_and_is_named() {
    let repo = TestRepo::with_ledger(&POLICY);
    let named = "note: ledger.toml here does not parse (ledger.toml:1:";
    assert!(!types(&repo, "min", "open alpha --release 1.0", 0).contains("ledger.toml"));
    repo.write("ledger.toml", "[ledger\n");
    says_all(&types(&repo, "min", "open alpha --release 1.1", 0), &[named, "→ ledger policy check"]);
    says_all(&types(&repo, "", "status", 0), &[named]);
    std::fs::remove_file(repo.path.join("ledger.toml")).unwrap();
    assert!(!types(&repo, "", "status", 0).contains("ledger.toml"));
}

/// A file that is no policy, or one with more tables than people could read, costs nobody minutes.
#[test]
fn a_policy_that_is_too_large_is_none() {
    let repo = TestRepo::with_ledger(&POLICY);
    let keys: String = (0..20_000).map(|at| format!("k{at} = 1\n")).collect();
    let text = repo.read("ledger.toml");
    repo.write("keys.toml", format!("{keys}\n{text}"));
    let said = repo.ledger("", &["policy", "check", "keys.toml"]);
    assert!(said.out.contains("unknown key `k0`") && said.out.contains("and 19800 more"), "{}", said.err);
    let _ = said.exits(2);
    let gate = "[[pipeline.large.gate]]\nid = \"g\"\n";
    repo.write("gates.toml", format!("{text}\n{}", gate.repeat(20_000)));
    for command in ["check", "simulate", "diff"] {
        let ran = repo.ledger("", &["policy", command, "gates.toml"]);
        assert!(ran.err.contains("is larger than 512 KiB"), "{ran:?}");
        let _ = ran.exits(2);
    }
}
