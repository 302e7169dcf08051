//! Evidence as a team has it: commands and what they leave, directories, folders of old evidence, documents
//! that cite others.

use serde_json::Value;

use crate::again::size;
use crate::steps::{says_all, supplied, types, types_in_vain};
use crate::support::{POLICY, Policy, TestRepo};

/// One gate that takes files, a command's output, a report and a directory.
pub const OPEN: Policy = Policy {
    people: POLICY.people,
    pipeline: r#"
[pipeline.p]
folder = "Stage9_{gate}_{date}"
artifacts = [{ name = "models", path = "models" }]

[[pipeline.p.gate]]
id = "alpha"
name = "Alpha"

[[pipeline.p.gate.rule]]
id = "report"
format = "junit"
expect = ["failed == 0", "passed > 0"]

[[pipeline.p.gate.rule]]
id = "smoke"
format = "command"

[[pipeline.p.gate.rule]]
id = "models"
format = "artifact"
artifacts = "recorded"

[[pipeline.p.gate.rule]]
id = "qa"
format = "checklist"
file = "docs/qa.md"
template = "docs/qa.md"
expect = ["open == 0"]

[[pipeline.p.gate.rule]]
id = "shots"

[pipeline.p.gate.approval]
role = "qa-lead"
"#,
};

pub const REPORT: &str = "<testsuite tests=\"1\"><testcase name=\"a\" classname=\"b\"/></testsuite>";

pub fn opened() -> TestRepo {
    let repo = TestRepo::with_ledger(&OPEN);
    repo.write("docs/qa.md", "# QA\n\n- [ ] installs\n");
    repo.git(&["add", "docs"]);
    repo.git(&["commit", "-q", "-m", "checklist"]);
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo
}

pub fn evidence(repo: &TestRepo, entry: u64) -> Value {
    repo.ledger("", &["show", &entry.to_string(), "--json"]).json()["statement"]["predicate"].clone()
}

pub fn run(repo: &TestRepo, words: &[&str], script: &str) -> crate::support::Ran {
    repo.ledger("min", &[&["run"], words, &["--", "sh", "-c", script]].concat())
}

#[test]
fn a_report_the_command_did_not_write_is_no_product_of_it() {
    let repo = opened();
    repo.write("report.xml", REPORT);
    for script in ["true", "rm report.xml"] {
        let ran = run(&repo, &["report", "--out", "report.xml"], script);
        assert!(ran.err.contains("it is not part of the evidence"), "{ran:?}");
        says_all(&types(&repo, "", "check alpha", 1), &["report"]);
        assert_eq!(repo.ledger("", &["log", "-n", "1", "--json"]).json()["entries"][0]["kind"], "evidence");
        types(&repo, "", "verify", 0);
    }
    let written = run(&repo, &["report", "--out", "report.xml"], &format!("echo '{REPORT}' > report.xml"));
    assert_eq!((written.code, written.err.contains("not part")), (0, false), "{written:?}");
    assert_eq!(evidence(&repo, 4)["facts"]["passed"], 1);
}

#[test]
fn a_signal_is_told_from_a_code_and_a_variable_from_its_value() {
    let repo = opened();
    assert_eq!(run(&repo, &["smoke"], "kill -9 $$").code, 137);
    let by_signal = evidence(&repo, 2);
    assert_eq!((&by_signal["command"]["exitCode"], &by_signal["command"]["signal"]), (&137.into(), &9.into()));
    assert_eq!(run(&repo, &["smoke", "--env", "HOME", "--env", "NOT_SET"], "exit 137").code, 137);
    let by_code = evidence(&repo, 3);
    assert_eq!(by_code["command"]["signal"], Value::Null);
    assert_eq!(by_code["facts"]["env"], serde_json::json!({ "HOME": true, "NOT_SET": false }));
    assert!(!by_code.to_string().contains(repo.home().to_str().unwrap()), "no value is stored");
    types(&repo, "", "verify", 0);
}

#[test]
fn a_long_output_keeps_both_ends_and_the_digest_of_all() {
    let repo = opened();
    let ran = run(&repo, &["smoke"], "echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo last");
    assert_eq!(ran.code, 0);
    let stored = repo.ledger("", &["show", "2", "--file", "stdout.txt"]).exits(0);
    assert!(stored.len() < 9_000_000 && stored.starts_with("first\n") && stored.ends_with("last\n"));
    says_all(&stored, &["bytes left out; sha256 of the whole output"]);
}

#[test]
fn a_directory_is_known_by_the_list_of_its_files() {
    let repo = opened();
    for (name, text) in [("encoder.joblib", "one"), ("sub/가중치.json", "two"), ("sub/scaler.joblib", "three")] {
        repo.write(&format!("models/{name}"), text);
    }
    says_all(&types(&repo, "min", "record models", 0), &["files 3"]);
    let file = evidence(&repo, 2)["files"][0].clone();
    assert_eq!((&file["path"], &file["stored"]), (&"models".into(), &"inline".into()));
    // Stock tools check it as it is.
    let list = repo.ledger("", &["show", "2", "--file", file["name"].as_str().unwrap()]).exits(0);
    repo.write("list.sha256", list);
    let checked =
        crate::support::finish(repo.command("sha256sum", &repo.path.join("models")).args(["-c", "../list.sha256"]));
    assert_eq!(checked.code, 0, "{checked:?}");
    says_all(&types(&repo, "", "artifact check", 0), &["every artifact is as recorded"]);
    assert_eq!(repo.ledger("", &["artifact", "check", "--json"]).json()["verdict"], "same");
    says_all(&types(&repo, "", "facts models --format artifact", 0), &["artifact", "files  3"]);
    says_all(&types(&repo, "", "facts models", 2), &["models is a directory", "--format artifact"]);
    says_all(&types(&repo, "", "artifact check /no/such/folder", 3), &["there is no folder /no/such/folder"]);
    // A portal publishes the list, with whatever line ends, or the sum of it under either name.
    let list = repo.read("list.sha256");
    let sum = ledger::id::Digest::of(list.as_bytes());
    for published in
        [list.clone(), list.replace('\n', "\r\n"), format!("{sum}  models.sha256\n"), format!("{sum} *models\r\n")]
    {
        repo.write("portal.sha256", &published);
        types(&repo, "", "artifact check --sums portal.sha256", 0);
        repo.write("portal.sha256", published.replacen(char::is_numeric, "a", 1).replacen('b', "c", 1));
        types(&repo, "", "artifact check --sums portal.sha256", 1);
    }
    repo.write("models/sub/scaler.joblib", "other");
    repo.write("models/new.bin", "x");
    let told = types_in_vain(&repo, "", "artifact check", 1);
    says_all(&told, &["new.bin is new", "sub/scaler.joblib was sha256:"]);
    std::fs::remove_dir_all(repo.path.join("models")).unwrap();
    says_all(&types_in_vain(&repo, "", "artifact check", 1), &["it is not there"]);
    types(&repo, "", "verify", 0);
}

#[cfg(unix)]
#[test]
fn a_link_in_a_directory_is_refused_and_an_empty_one_too() {
    let repo = opened();
    std::fs::create_dir(repo.path.join("models")).unwrap();
    says_all(&types_in_vain(&repo, "min", "record models", 2), &["there is no file in it"]);
    repo.write("models/a", "a");
    std::os::unix::fs::symlink("/etc/passwd", repo.path.join("models/link")).unwrap();
    says_all(&types_in_vain(&repo, "min", "record models", 2), &["link is a link"]);
    // What was recorded is recorded, though how the gate stands cannot be told: no reason to do it again.
    let ran = run(&repo, &["smoke"], "exit 7");
    assert_eq!((ran.code, evidence(&repo, 2)["command"]["exitCode"].as_i64()), (7, Some(7)), "{ran:?}");
    says_all(&ran.err, &["note: how alpha stands cannot be told now", "link is a link"]);
    types_in_vain(&repo, "", "check alpha", 3);
}

#[test]
fn the_sums_a_portal_publishes_are_compared_with_what_was_recorded() {
    let repo = supplied(&POLICY, "min");
    let digest = ledger::id::Digest::of(b"binary").to_string().to_uppercase();
    repo.write("portal.sha256", format!("{digest} *app_1.0.bin\r\n"));
    types(&repo, "", "artifact check --sums portal.sha256", 0);
    repo.write("portal.sha256", format!("{} *app_1.0.bin\r\n", digest.replace(&digest[..2], "00")));
    says_all(&types_in_vain(&repo, "", "artifact check --sums portal.sha256", 1), &["was recorded as sha256:"]);
    repo.write("portal.sha256", format!("{digest} *other.bin\r\n"));
    says_all(&types_in_vain(&repo, "", "artifact check --sums portal.sha256", 1), &["no sum of app_1.0.bin"]);
    repo.write("portal.sha256", "nonsense");
    types_in_vain(&repo, "", "artifact check --sums portal.sha256", 2);
}

#[test]
fn folders_of_old_evidence_are_taken_over_once() {
    let repo = opened();
    let base = "deliverables/onboarding_evidence/Stage9_Alpha_20251004";
    repo.write(&format!("{base}/junit.xml"), REPORT);
    repo.write(&format!("{base}/화면.png"), "\u{89}PNG");
    repo.write(&format!("{base}/.DS_Store"), "x");
    repo.write("deliverables/onboarding_evidence/broken.xml", "<testsuite><testcase");
    let would = types_in_vain(&repo, "min", "import deliverables/onboarding_evidence --dry-run", 1);
    says_all(&would, &["would be recorded", "1 left"]);
    let told = types(&repo, "min", "import deliverables/onboarding_evidence", 1);
    says_all(&told, &["junit.xml", "화면.png", "report", "shots", "2 files taken, 1 left"]);
    let paths: Vec<String> =
        [2, 3].map(|entry| evidence(&repo, entry)["files"][0]["path"].as_str().unwrap().to_owned()).into();
    assert!(paths.contains(&format!("{base}/화면.png")), "{paths:?}");
    std::fs::remove_file(repo.path.join("deliverables/onboarding_evidence/broken.xml")).unwrap();
    let again = types_in_vain(&repo, "min", "import deliverables/onboarding_evidence", 0);
    says_all(&again, &["nothing new, 2 on the ledger already"]);
    types(&repo, "", "verify", 0);
}

#[test]
fn what_a_document_cites_is_resolved_at_the_release_s_commit() {
    let repo = opened();
    let text = "통과【F:docs/qa.md†L1-L3】 옛날【F:docs/qa.md†L1-L33】 없음【F:gone.md†L1】 불명【66517b†L1-L33】\n";
    repo.write("shot.md", text);
    types(&repo, "min", "record shots shot.md", 0);
    let cited = evidence(&repo, 2)["facts"]["citations"].clone();
    let count = |name: &str| cited[name].as_u64().unwrap();
    assert_eq!(["total", "resolved", "stale", "missing", "opaque"].map(count), [4, 1, 1, 1, 1]);
    let digest = ledger::id::Digest::of("# QA\n\n- [ ] installs\n".as_bytes());
    assert_eq!(cited["excerpts"][0], format!("docs/qa.md L1-L3 sha256:{digest}"));
    types(&repo, "", "verify", 0);
}

#[test]
fn links_of_a_document_are_looked_for_at_the_release_s_commit() {
    let repo = opened();
    // What lies in the work tree alone is not part of the release.
    repo.write("docs/new.md", "# New\n");
    let text = "# QA\n\n- [x] installs, see [a](qa.md#qa) and [b](new.md)\n- [x] [c](../docs/#x) <https://a.example> [d](qa.md#갂)\n";
    repo.write("docs/qa.md", text);
    types(&repo, "kim", "record qa", 0);
    let facts = evidence(&repo, 2)["facts"].clone();
    let expected = serde_json::json!({
        "total": 5, "found": 1, "external": 1, "missing_files": 1, "missing_anchors": 2,
        "broken": [
            "qa.md:3: new.md (no such file)",
            "qa.md:4: ../docs/#x (no such heading or line)",
            "qa.md:4: qa.md#갂 (no such heading or line)",
        ],
    });
    assert_eq!((&facts["links_missing"], &facts["link_check"]), (&3.into(), &expected));
    types(&repo, "", "verify", 0);
    let here = types(&repo, "", "facts docs/qa.md --links", 1);
    says_all(
        &here,
        &["qa.md:3: new.md (found)", "qa.md:4: https://a.example (external)", "qa.md#갂 (no such heading or line)"],
    );
}

#[test]
fn a_checklist_comes_with_the_template_it_is_compared_with() {
    let repo = opened();
    repo.write("docs/qa.md", "# QA\n\n- [x] installs\n");
    types(&repo, "kim", "record qa", 0);
    let files = evidence(&repo, 2)["files"].clone();
    assert_eq!((&files[0]["role"], &files[1]["role"]), (&Value::Null, &"template".into()));
    assert_eq!(repo.ledger("", &["show", "2", "--file", "template-qa.md"]).exits(0), "# QA\n\n- [ ] installs\n");
    let rule = crate::steps::rule(&repo, "alpha", "qa");
    assert_eq!(rule["state"], "satisfied", "{rule}");
    types(&repo, "", "verify", 0);
    // What became of it since it was last recorded is a fact of its own.
    repo.write("docs/qa.md", "# QA\n\n- [ ] installs\n- [x] starts\n");
    types(&repo, "kim", "record qa", 0);
    let since = evidence(&repo, 3)["facts"]["since"].clone();
    let expected = serde_json::json!({
        "entry": 2, "added": 1, "removed": 0, "renamed": 0, "ticked": 0, "unticked": 1,
        "items": ["added: starts", "unticked: installs"],
    });
    assert_eq!(since, expected);
    types(&repo, "", "verify", 0);
    repo.write("docs/qa.md", "# QA\n\n- [x] installs\n");
    types(&repo, "kim", "record qa", 0);
    repo.write("docs/qa.md", "# QA\n\n- [x] installs\n- [x] more\n");
    assert_eq!(crate::steps::rule(&repo, "alpha", "qa")["state"], "failed", "the work tree has moved on");
}

#[test]
fn a_file_no_reader_could_take_is_not_even_read() {
    let repo = TestRepo::bare_of_ledger();
    std::fs::File::create(repo.path.join("huge.json")).unwrap().set_len(300 << 20).unwrap();
    says_all(&types(&repo, "", "facts huge.json --format json", 2), &["huge.json is larger than 256 MiB"]);
}

/// A gate that takes plans, checklists without a name of their own, and shots.
const FOLDER: Policy = Policy {
    people: POLICY.people,
    pipeline: r#"
[pipeline.p]

[[pipeline.p.gate]]
id = "alpha"

[[pipeline.p.gate.rule]]
id = "qa"
format = "checklist"
template = "docs/qa_template.md"
expect = ["open == 0"]

[[pipeline.p.gate.rule]]
id = "shots"

[pipeline.p.gate.approval]
role = "qa-lead"

[[pipeline.p.gate]]
id = "ga"
requires = ["alpha"]

[[pipeline.p.gate.rule]]
id = "rollout"
format = "plan"

[pipeline.p.gate.approval]
role = "qa-lead"
"#,
};

const TEMPLATE: &str = "# QA\n\n- [ ] installs\n- [ ] starts\n";

/// The entries of the ledger so far.
/// What became of a file, its slot and why.
fn told(repo: &TestRepo, code: i32) -> std::collections::BTreeMap<String, (String, String, String)> {
    let ran = repo.ledger("min", &["import", "old", "--json"]);
    assert_eq!(ran.code, code, "{ran:?}");
    let text = |file: &Value, key: &str| file[key].as_str().unwrap_or_default().to_owned();
    let files = ran.json()["files"].as_array().unwrap().clone();
    files.iter().map(|f| (text(f, "path"), (text(f, "state"), text(f, "slot"), text(f, "why")))).collect()
}

#[cfg(unix)]
#[test]
fn a_folder_gives_what_fits_and_says_of_the_rest_why_not() {
    use std::os::unix::fs::symlink;
    let repo = TestRepo::with_ledger(&FOLDER);
    repo.write("docs/qa_template.md", TEMPLATE);
    repo.git(&["add", "docs"]);
    repo.git(&["commit", "-q", "-m", "template"]);
    types(&repo, "min", "open alpha --release 1.0", 0);
    let plan = "# Rollout (UTC)\n\n| Time | Owner | Task |\n|---|---|---|\n| 2030-10-05 23:30 | QA | x |\n\n- [ ] go\n";
    for (name, text) in [
        ("rollout.md", plan),
        ("qa_blank.md", TEMPLATE),
        ("qa_windows.md", &TEMPLATE.replace('\n', "\r\n")),
        ("qa_other.md", "# QA\n\n- [ ] other\n"),
        ("qa.md", "# QA\n\n- [x] installs\n- [x] starts\n"),
        ("sub/shot.png", "png"),
    ] {
        repo.write(&format!("old/{name}"), text);
    }
    for (to, link) in [("sub", "folder"), ("sub/shot.png", "shot"), ("/etc", "away"), ("gone", "nowhere"), ("..", "up")]
    {
        symlink(to, repo.path.join("old").join(link)).unwrap();
    }
    let first = told(&repo, 1);
    let state = |name: &str| first[&format!("old/{name}")].clone();
    for (name, is, slot, why) in [
        ("rollout.md", "recorded", "rollout", ""),
        ("qa.md", "recorded", "qa", ""),
        ("sub/shot.png", "recorded", "shots", ""),
        ("qa_blank.md", "aside", "", "it is docs/qa_template.md as it was committed"),
        ("qa_windows.md", "aside", "", "it is docs/qa_template.md as it was committed"),
        ("qa_other.md", "refused", "qa", "no box in it is ticked"),
        ("folder", "aside", "", "it is a link to sub, which is taken by itself"),
        ("shot", "aside", "", "it is a link to shot.png, which is taken by itself"),
        ("away", "refused", "", "it is a link: bring what it stands for"),
        ("nowhere", "refused", "", "it is a link: bring what it stands for"),
        ("up", "refused", "", "it is a link: bring what it stands for"),
    ] {
        let (found, in_slot, because) = state(name);
        assert_eq!((found.as_str(), in_slot.as_str()), (is, slot), "{name}: {because}");
        assert!(because.starts_with(why), "{name}: {because}");
    }
    // By hand it goes where somebody says, and then it is there.
    types(&repo, "min", "record shots old/qa_other.md", 0);
    for link in ["away", "nowhere", "up"] {
        std::fs::remove_file(repo.path.join("old").join(link)).unwrap();
    }
    let before = size(&repo);
    let second = told(&repo, 0);
    for name in ["qa.md", "rollout.md", "sub/shot.png", "qa_other.md"] {
        assert_eq!(second[&format!("old/{name}")].0, "known", "{second:?}");
    }
    assert_eq!(size(&repo), before);
    // A newer version is new, and so is the older one after it.
    for text in ["png, retouched", "png"] {
        repo.write("old/sub/shot.png", text);
        assert_eq!(told(&repo, 0)["old/sub/shot.png"].0, "recorded");
        assert_eq!(told(&repo, 0)["old/sub/shot.png"].0, "known");
    }
    types(&repo, "", "verify", 0);
}

#[test]
fn artifacts_declared_after_the_opening_are_promised_by_a_new_attempt() {
    let declared = "artifacts = [{ name = \"models\", path = \"models\" }]\n";
    let without = OPEN.pipeline.replace(declared, "").replace("artifacts = \"recorded\"\n", "");
    let repo = TestRepo::with_ledger(&Policy { people: OPEN.people, pipeline: without.leak() });
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo.write("models/a", "a");
    repo.write("ledger.toml", OPEN.text(&repo));
    types(&repo, "lee", "policy apply -m artifacts --yes", 0);
    let retry = "ledger open alpha --release 1.0 --retry";
    says_all(&types(&repo, "min", "record models", 0), &["opened before the policy declared artifacts", retry]);
    says_all(&types(&repo, "", "artifact check", 0), &["alpha was opened when other artifacts were declared", retry]);
    repo.write("docs/qa.md", "# QA\n");
    repo.git(&["add", "docs"]);
    repo.git(&["commit", "-q", "-m", "checklist"]);
    types(&repo, "min", "open alpha --release 1.0 --retry", 0);
    types(&repo, "min", "record models", 0);
    assert_eq!(crate::steps::rule(&repo, "alpha", "models")["state"], "satisfied");
    assert!(!types(&repo, "", "artifact check", 0).contains("--retry"));
    types(&repo, "", "verify", 0);
}

#[test]
fn the_sum_of_a_directory_s_list_is_published_as_that_of_any_artifact() {
    let rule = "[[pipeline.p.gate.rule]]\nid = \"sums\"\nformat = \"checksums\"\nartifacts = \"published\"\n\n[pipeline.p.gate.approval]";
    let pipeline = OPEN.pipeline.replacen("[pipeline.p.gate.approval]", rule, 1);
    let repo = TestRepo::with_ledger(&Policy { people: OPEN.people, pipeline: pipeline.leak() });
    types(&repo, "min", "open alpha --release 1.0", 0);
    repo.write("models/a", "a");
    types(&repo, "min", "record models", 0);
    let sum = evidence(&repo, 2)["files"][0]["sha256"].as_str().unwrap().to_owned();
    let other = ledger::id::Digest::of(b"other").to_string();
    for (line, state) in [
        (format!("{sum}  models.sha256\n"), "satisfied"),
        (format!("{sum}  models\n"), "satisfied"),
        (format!("{other}  models.sha256\n"), "failed"),
        (format!("{sum}  others.sha256\n"), "failed"),
    ] {
        repo.write("portal.sha256", &line);
        types(&repo, "min", "record sums portal.sha256", 0);
        assert_eq!(crate::steps::rule(&repo, "alpha", "sums")["state"], state, "{line}");
    }
}

#[test]
fn measures_and_own_facts_are_told_when_they_are_recorded() {
    let own = "[[pipeline.p.gate.rule]]\nid = \"model\"\nformat = \"facts\"\n\n[pipeline.p.gate.approval]";
    let pipeline = OPEN.pipeline.replacen("[pipeline.p.gate.approval]", own, 1);
    let repo = TestRepo::with_ledger(&Policy { people: OPEN.people, pipeline: pipeline.leak() });
    types(&repo, "min", "open alpha --release 1.0", 0);
    let schema = "https://github.com/evidence-ledger/ledger/schemas/own-facts/v0.1";
    let facts = serde_json::json!({
        "schema": schema, "tool": { "name": "eval", "version": "1" },
        "facts": { "p": "0.93", "stage": "canary", "long": "x".repeat(60), "latency": { "p95": "183.4 ms" }, "runs": 3 },
    });
    repo.write("facts.json", facts.to_string());
    let told = types(&repo, "min", "record model facts.json", 0);
    says_all(&told, &["latency.p95 183.4 ms, p 0.93, runs 3, stage canary"]);
    assert!(!told.contains("xxx") && !told.contains("eval"), "{told}");
    says_all(&repo.git(&["log", "-1", "--format=%b", "evidence"]), &["Facts: latency.p95 183.4 ms, p 0.93"]);
    types(&repo, "", "verify", 0);
}
