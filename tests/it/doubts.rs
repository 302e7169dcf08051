//! What `policy check` finds that parses and can still go wrong, and what a draft changes, in words.

use crate::steps::{says_all, supplied, types};
use crate::support::{POLICY, TestRepo};

/// A policy that says this beyond the usual one; it parses, and `check` finds the words.
#[track_caller]
fn finds(more: &str, words: &[&str]) {
    let repo = TestRepo::bare_of_ledger();
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
