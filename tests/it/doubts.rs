//! What `policy check` finds that parses and can still go wrong, and what a draft changes, in words.

use crate::steps::{QA, says_all, supplied, types, types_in_vain};
use crate::support::{POLICY, Policy, TestRepo};

/// A policy that says this beyond the usual one; it parses, and `check` finds the words.
#[track_caller]
fn finds(more: &str, words: &[&str]) {
    let repo = TestRepo::bare_of_ledger();
    repo.write("docs/qa.md", QA);
    repo.write("ledger.toml", POLICY.text(&repo) + more);
    let said = types(&repo, "", "policy check", if words.is_empty() { 0 } else { 1 });
    says_all(&said, words);
    assert!(words.is_empty() || said.contains("ledger.toml:"), "no place is named:\n{said}");
}

fn bands(one: &str, other: &str) -> String {
    format!(
        "[[pipeline.stage9.trigger]]\nid = \"high\"\nclass = \"immediate\"\nmetric = \"errors\"\nband = \"{one}\"\noption = \"switch\"\n[[pipeline.stage9.trigger]]\nid = \"raised\"\nclass = \"evaluate\"\nmetric = \"errors\"\nband = \"{other}\"\ndecide = \"release-owner\"\nwithin = \"1h\"\n[[pipeline.stage9.rollback]]\nid = \"switch\"\nsteps = [\"off\"]\nvalidation = [\"announcement\"]\n"
    )
}

#[test]
fn bands_of_one_metric_leave_nothing_out_and_nothing_twice() {
    finds(&bands("> 10 %", ">= 1 %, <= 10 %"), &[]);
    finds(&bands("> 10 %", ">= 1 %, < 10 %"), &["errors of exactly 10 % fires neither of `raised` and `high`"]);
    finds(&bands("> 10 %", ">= 1 %, <= 5 %"), &["between 5 % and 10 % fire neither"]);
    finds(&bands(">= 10 %", ">= 1 %, <= 10 %"), &["both fire on some values"]);
    finds(&bands("> 10 %, <= 50 %", ">= 1 %, <= 10 %"), &["values of errors above 50 % fire no trigger"]);
    finds(&bands("> 10 min", ">= 1 %, <= 10 %"), &["units that do not compare"]);
}

#[test]
fn words_people_read_in_two_ways_are_found() {
    let vague = |text: &str| {
        format!(
            "[[pipeline.stage9.trigger]]\nid = \"spike\"\nclass = \"evaluate\"\ntext = \"{text}\"\ndecide = \"release-owner\"\nwithin = \"1h\"\n"
        )
    };
    finds(
        &vague("match rate is not acceptable"),
        &["\"acceptable\"", "two people read in two ways", "metric and a band"],
    );
    finds(&vague("불만이 급증함"), &["급증"]);
    finds(&vague("a private address was shown"), &[]);
    let measured =
        "[[pipeline.stage9.gate.rule]]\nid = \"speed\"\nformat = \"measurements\"\nexpect = \"latency < 200 ms\"\n";
    finds(measured, &["does not say of which statistic", "latency_p95"]);
    finds(&measured.replace("latency <", "latency_p95 <"), &[]);
    let dated = "[[pipeline.stage9.gate.rule]]\nid = \"notes\"\nformat = \"document\"\nfile = \"deliverables/notes_2025-09-29.md\"\n";
    finds(dated, &["names the day 2025-09-29", "{version}"]);
}

#[test]
fn a_glob_that_matches_nothing_and_one_file_in_two_places_are_found() {
    let when =
        |glob: &str| format!("[[pipeline.stage9.gate.rule]]\nid = \"evals\"\nwhen = {{ changed = [\"{glob}\"] }}\n");
    finds(&when("prompts/**"), &["no path of the source tree matches \"prompts/**\""]);
    finds(&when("src/**"), &[]);
    let twice = "[[pipeline.stage9.gate.rule]]\nid = \"bundle\"\nfile = \"dist/app_{version}.bin\"\n";
    finds(twice, &["app_{version}.bin lies in build and in dist"]);
}

#[test]
fn a_document_that_is_not_there_is_found() {
    let repo = TestRepo::bare_of_ledger();
    repo.write("ledger.toml", POLICY.text(&repo));
    let said = types(&repo, "", "policy check", 1);
    says_all(&said, &["rule `qa-checklist`: docs/qa.md is not in the source tree", "1 finding"]);
    repo.write("docs/qb.md", QA);
    repo.git(&["add", "."]);
    repo.git(&["commit", "-q", "-m", "documents"]);
    says_all(&types(&repo, "", "policy check", 1), &["did you mean docs/qb.md?"]);
    // One that was written and not committed is there; what a release brings cannot be there yet.
    repo.write("docs/qa.md", QA);
    repo.write(
        "ledger.toml",
        POLICY.text(&repo) + "[[pipeline.stage9.gate.rule]]\nid = \"n\"\nfile = \"docs/n_{version}.md\"\n",
    );
    types(&repo, "", "policy check", 0);
}

/// Something more in gate `alpha`, which `ga` requires.
#[track_caller]
fn finds_in_alpha(more: &str, words: &[&str]) {
    let repo = TestRepo::bare_of_ledger();
    repo.write("docs/qa.md", QA);
    let (policy, end) = (POLICY.text(&repo), "role = \"qa-lead\"\n");
    assert_eq!(policy.matches(end).count(), 1);
    repo.write("ledger.toml", policy.replace(end, &format!("{end}{more}")));
    let said = types(&repo, "", "policy check", if words.is_empty() { 0 } else { 1 });
    says_all(&said, words);
}

fn rules(all: &[(&str, &str)]) -> String {
    let rule = |(id, more): &(&str, &str)| format!("[[pipeline.stage9.gate.rule]]\nid = \"{id}\"\n{more}\n");
    all.iter().map(rule).collect()
}

#[test]
fn what_waits_for_what_waits_for_it_is_found() {
    let late = "gate `alpha`: `late` waits for gate `ga`, which waits for it";
    for ties in [
        "window = { since = \"ga\", to = \"2h\" }",
        "after = \"ga\"",
        "changed_since = \"ga\"",
        "targets = [\"one\", \"two\"]\nafter = \"ga\"",
    ] {
        let target = if ties.contains("targets") { late.replace("late", "late-one") } else { late.to_owned() };
        finds_in_alpha(&rules(&[("late", ties)]), &[&target, "name a gate that comes before `alpha`", "1 finding\n"]);
    }
    finds_in_alpha(
        "[pipeline.stage9.gate.soak]\nsince = \"ga\"\nleast = \"1h\"\n",
        &["`soak` waits for gate `ga`, which waits for it"],
    );
    let own = "`late` waits until `alpha` is promoted, and that waits for `late`";
    finds_in_alpha(&rules(&[("late", "window = { since = \"alpha\", to = \"2h\" }")]), &[own]);
    let each = rules(&[("one", "after = \"two\""), ("two", "after = \"one\"")]);
    finds_in_alpha(&each, &["`one` comes after `two`, and `two` after `one`", "leave one of the two", "2 findings"]);
    // Where one of a group is enough, the other may be for later.
    let group = |least: u32| {
        format!(
            "{}[[pipeline.stage9.gate.group]]\nid = \"some\"\nrules = [\"now\", \"late\"]\nat_least = {least}\n",
            rules(&[("now", ""), ("late", "after = \"ga\"")])
        )
    };
    finds_in_alpha(&group(1), &[]);
    finds_in_alpha(&group(2), &[late]);
    finds_in_alpha(&rules(&[("one", ""), ("two", "after = \"one\"")]), &[]);
}

#[test]
fn comparisons_that_leave_no_value_and_rules_never_wanted_are_found() {
    let measured = |expect: &str| rules(&[("load", &format!("format = \"measurements\"\nexpect = {expect}"))]);
    finds_in_alpha(&measured("[\"x_mean < 5\", \"x_mean > 6\"]"), &["no value meets both x_mean < 5 and x_mean > 6"]);
    finds_in_alpha(&measured("[\"x_mean > 5\", \"x_mean < 6\"]"), &[]);
    let other = rules(&[("spare", "unless = \"qa-checklist\"")]);
    finds_in_alpha(
        &other,
        &["`spare` is wanted unless `qa-checklist` is met, which the gate wants anyway", "[[…group]] rules = "],
    );
    finds_in_alpha(&rules(&[("one", "when = { changed = [\"src/**\"] }"), ("two", "unless = \"one\"")]), &[]);
}

#[test]
fn a_slot_that_two_rules_make_and_a_digest_nobody_records_are_found() {
    let rule = |id: &str, slot: &str, targets: &str| {
        format!("[[pipeline.stage9.gate.rule]]\nid = \"{id}\"\nslot = \"{slot}\"\ntargets = {targets}\n")
    };
    let shared = rule("p", "s", "[\"b-c\", \"d\"]") + &rule("q", "s-b", "[\"c\", \"e\"]");
    finds(&shared, &["`p-b-c` and `q-c` share the slot s-b-c"]);
    finds(&rule("p", "s", "[\"b\", \"d\"]"), &[]);
    let pipeline = "[pipeline.other]\n[[pipeline.other.gate]]\nid = \"pub\"\n[[pipeline.other.gate.rule]]\nid = \"sums\"\nformat = \"checksums\"\nartifacts = \"published\"\n[pipeline.other.gate.approval]\nrole = \"qa-lead\"\n";
    let declared = pipeline.replacen("]\n", "]\nartifacts = [{ name = \"app\", path = \"a.bin\" }]\n", 1);
    finds(&declared, &["`sums` compares digests of artifacts, and no rule has them recorded"]);
}

#[test]
fn roles_nobody_holds_are_found_wherever_they_stand() {
    finds(
        "[pipeline.stage9.gate.waiver]\nrole = \"cto\"\nlongest = \"1d\"\n",
        &["holds cto", "waive rules of gate `ga`"],
    );
    let glass = |reviewer: &str| {
        format!(
            "[pipeline.stage9.gate.break_glass]\nrole = \"deployment-engineer\"\nlongest = \"1d\"\nreview = {{ role = \"{reviewer}\", within = \"1d\" }}\n"
        )
    };
    finds(&glass("deployment-engineer"), &["nobody but who breaks the glass could review it"]);
    finds(&glass("qa-lead"), &[]);
    let two = "[[pipeline.stage9.gate]]\nid = \"done\"\ndistinct = true\n[[pipeline.stage9.gate.approval]]\nrole = \"release-owner\"\ncount = 2\n[[pipeline.stage9.gate.approval]]\nrole = \"release-owner\"\n";
    finds(two, &["other people for each approval, and the roster has too few"]);
}

#[test]
fn one_control_with_two_rhythms_is_found() {
    let required =
        |within: &str| format!("requires = {{ gate = \"jwt/rotate\", release = \"any\", within = \"{within}\" }}\n");
    let gate = |id: &str, within: &str| {
        format!(
            "[[pipeline.ops.gate]]\nid = \"{id}\"\n{}[pipeline.ops.gate.approval]\nrole = \"release-owner\"\n",
            required(within)
        )
    };
    let control = "[[pipeline.jwt.gate]]\nid = \"rotate\"\n[pipeline.jwt.gate.approval]\nrole = \"release-owner\"\n";
    finds(&format!("{control}{}{}", gate("a", "30d"), gate("b", "90d")), &["required within 30 d and within 90 d"]);
    finds(&format!("{control}{}{}", gate("a", "90d"), gate("b", "90d")), &[]);
}

#[test]
fn names_that_are_not_there_are_found_when_the_policy_is_read() {
    for (more, word) in [
        ("[[pipeline.stage9.gate.rule]]\nid = \"x\"\nafter = \"y\"\n", "names `y`, which is no gate"),
        ("[[pipeline.stage9.gate.rule]]\nid = \"x\"\nafter = \"x\"\n", "comes after itself"),
        ("[[pipeline.stage9.gate.rule]]\nid = \"x\"\nunless = \"alpha/y\"\n", "is no other rule"),
        ("[[pipeline.stage9.gate.rule]]\nid = \"x\"\nagrees = { a = \"y.b\" }\n", "no other rule of this gate"),
        (
            "[[pipeline.stage9.gate.rule]]\nid = \"x\"\nwindow = { since = \"alpha\", from = \"2h\", to = \"1h\" }\n",
            "ends before it begins",
        ),
        ("[[pipeline.stage9.gate.rule]]\nid = \"x\"\nwhen = { changed = \"a[\" }\n", "is no glob"),
        ("[[pipeline.stage9.gate.rule]]\nid = \"x\"\nfiles = \"*.log\"\n", "must name a folder first"),
        ("[[pipeline.stage9.gate.rule]]\nid = \"x\"\nfiles = \"../*.log\"\n", "inside the repository"),
        (
            "[[pipeline.stage9.gate.group]]\nid = \"g\"\nrules = [\"announcement\", \"y\"]\n",
            "names `y`, which is no rule",
        ),
        ("[[pipeline.stage9.gate.group]]\nid = \"g\"\nrules = [\"announcement\", \"announcement\"]\n", "twice in one"),
        (
            "[[pipeline.stage9.freeze]]\nfrom = \"2025-12-20\"\nto = \"2026-01-01T00:00:00Z\"\nreason = \"x\"\n",
            "no instant with its offset",
        ),
        ("[[pipeline.stage9.trigger]]\nid = \"t\"\nclass = \"immediate\"\noption = \"nowhere\"\n", "no [[…rollback]]"),
        ("[[pipeline.stage9.trigger]]\nid = \"t\"\nclass = \"evaluate\"\n", "needs `decide` (roles) and `within`"),
        ("[[pipeline.stage9.rollback]]\nid = \"r\"\nsteps = [\"a\"]\nvalidation = [\"y\"]\n", "the slot of no rule"),
        (
            "[[pipeline.p2.gate]]\nid = \"x\"\nrequires = \"stage9/omega\"\n[pipeline.p2.gate.approval]\nrole = \"qa-lead\"\n",
            "requires `stage9/omega`, which is no gate",
        ),
        (
            "[pipeline.stage9.gate.waiver]\nrole = \"qa-lead\"\nlongest = \"1d\"\nrules = [\"approval\"]\n",
            "no rule `approval` that can be waived",
        ),
    ] {
        let repo = TestRepo::bare_of_ledger();
        repo.write("ledger.toml", POLICY.text(&repo) + more);
        says_all(&types(&repo, "", "policy check", 2), &[word]);
    }
}

#[test]
fn a_draft_is_told_in_sentences_and_tried_on_what_is_under_way() {
    let repo = supplied(&POLICY, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "", "policy diff", 0);
    let draft = POLICY.text(&repo).replace("expect = [\"open == 0\", \"total > 0\"]", "expect = [\"total > 5\"]");
    let draft = draft.replace("id = \"announcement\"", "id = \"notice\"");
    repo.write("draft.toml", draft);
    let said = types(&repo, "", "policy diff draft.toml", 1);
    says_all(&said, &["~ stage9/alpha qa-checklist: ", "total > 5", "before: ", "open == 0"]);
    says_all(&said, &["+ stage9/ga notice: notice (file)", "- stage9/ga announcement: announcement (file)"]);
    let before = repo.fingerprint();
    let said = types(&repo, "", "policy simulate draft.toml", 0);
    says_all(
        &said,
        &["stage9/alpha", "open → closed", "qa-checklist: satisfied → failed", "notice: not asked → missing"],
    );
    assert_eq!(repo.fingerprint(), before);
    types(&repo, "", "check alpha", 0);
}

#[test]
fn a_draft_is_tried_as_it_would_be_in_force() {
    let rechecked = POLICY.pipeline.replace("id = \"alpha\"\n", "id = \"alpha\"\nrecheck = \"policy\"\n");
    let repo = supplied(&Policy { people: POLICY.people, pipeline: rechecked.leak() }, "min");
    types(&repo, "kim", "sign alpha --yes", 0);
    says_all(
        &types(&repo, "", "policy simulate", 0),
        &["stage9/alpha", "open → open", "0 gates would stand otherwise"],
    );
    repo.write("ledger.toml", repo.read("ledger.toml") + "\n# reviewed\n");
    let said = types(&repo, "", "policy simulate", 0);
    says_all(&said, &["open → closed", "approval: satisfied → failed", "1 gate would stand otherwise"]);
    types(&repo, "lee", "policy apply -m reviewed --yes", 0);
    types(&repo, "", "check alpha", 1);
}

#[test]
fn releases_a_draft_loses_sight_of_are_told() {
    let repo = supplied(&POLICY, "min");
    let text = repo.read("ledger.toml");
    repo.write("ledger.toml", text.replace("pipeline.stage9", "pipeline.stage10"));
    let lost = "warning: pipeline stage9 is gone: release 1.0 and those before it";
    let said = types(&repo, "", "policy simulate", 0);
    says_all(&said, &["stage9/alpha", "closed → no gate", lost, "status, check, due, notes and docs see it no more"]);
    says_all(&types(&repo, "", "policy diff", 1), &[lost, "finish it first, or keep the old name"]);
    says_all(&types_in_vain(&repo, "lee", "--dry-run policy apply -m renamed", 0), &[lost]);
    let json = repo.ledger("", &["policy", "simulate", "--json"]).json();
    assert_eq!((&json["gates"][0]["then"], json["lost"].as_array().unwrap().len()), (&serde_json::Value::Null, 1));
    repo.write(
        "ledger.toml",
        text.replace("id = \"alpha\"", "id = \"first\"").replace("requires = [\"alpha\"]", "requires = [\"first\"]"),
    );
    says_all(&types(&repo, "", "policy diff", 1), &["gate stage9/alpha is gone: its attempt for release 1.0"]);
    repo.write("ledger.toml", text);
    let said = types(&repo, "", "policy simulate", 0);
    assert!(!said.contains("warning"), "{said}");
}
