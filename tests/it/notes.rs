//! Release notes: two languages, the user's own template and document, and the check for CI.

use crate::steps::{approved, ga_supplied, says_all, supplied, types, types_in_vain};
use crate::support::clock::Story;
use crate::support::{POLICY, Policy, TestRepo};

fn released() -> TestRepo {
    let repo = supplied(&POLICY, "min");
    ga_supplied(&repo);
    types(&repo, "lee", "sign ga --yes --meaning responsibility -m <b>done</b>|", 0);
    types(&repo, "lee", "promote ga", 0);
    repo
}

#[test]
fn both_languages_tell_gates_artifacts_approvals_and_links() {
    let repo = released();
    let folder = repo.ledger("", &["status", "alpha", "--json"]).json()["folder"].as_str().unwrap().to_owned();
    let digest = "9a3a45d01531a20e89ac6ae10b0b0beb0492acd7216a368aa062d1a5fecaf9cd";
    for (language, words) in [("en", ["Artifacts", "Approvals", "responsibility"]), ("ko", ["산출물", "승인", "책임"])]
    {
        let notes = types(&repo, "", &format!("notes 1.0 --lang {language}"), 0);
        says_all(&notes, &words);
        says_all(&notes, &["Highlights", &folder, digest, "Kim", "Lee", "app_1.0.bin"]);
        assert!(notes.contains(&format!("/{folder})")), "one link a folder: {notes}");
    }
    assert!(types(&repo, "", "notes 1.0 --lang ko", 0).contains("Alpha(내부 QA)"));
}

#[test]
fn only_the_region_of_a_document_changes_and_the_second_time_nothing() {
    let repo = released();
    let document =
        "# 손으로 쓴 글\r\n<!-- ledger:begin notes -->\r\nyesterday\r\n<!-- ledger:end notes -->\r\n끝  \r\n";
    repo.write("notes.md", document);
    types(&repo, "", "notes 1.0 --update notes.md", 0);
    let once = repo.read("notes.md");
    assert!(once.starts_with("# 손으로 쓴 글\r\n") && once.ends_with("-->\r\n끝  \r\n") && !once.contains("yesterday"));
    assert_eq!(once.matches('\n').count(), once.matches("\r\n").count(), "line endings are the document's own");
    says_all(&types(&repo, "", "notes 1.0 --update notes.md", 0), &["says so already"]);
    assert_eq!(repo.read("notes.md"), once);
    repo.write("prose.md", "# no region here\n");
    says_all(&types(&repo, "", "notes 1.0 --update prose.md", 2), &["prose.md", "ledger:begin notes"]);
    assert_eq!(repo.read("prose.md"), "# no region here\n");
}

#[test]
fn the_check_names_every_missing_link_and_digest() {
    let repo = released();
    types(&repo, "", "notes 1.0 --update notes.md", 0);
    types(&repo, "", "notes 1.0 --update notes.md --check", 0);
    let text = repo.read("notes.md");
    let folder = repo.ledger("", &["status", "ga", "--json"]).json()["folder"].as_str().unwrap().to_owned();
    for (broken, said) in [
        (text.replace(&format!("/{folder})"), "/elsewhere)"), format!("no link to {folder}")),
        // A folder that is only mentioned, or linked where no reader follows it, is not linked.
        (
            text.replace(&format!("/{folder})"), &format!("/x) <!-- [a](/{folder}) --> `[a](/{folder})` {folder}")),
            format!("no link to {folder}"),
        ),
        (text.replace("9a3a45d0", "00000000"), "no digest of app_1.0.bin".to_owned()),
        ("nothing\n".to_owned(), "no link to".to_owned()),
    ] {
        repo.write("notes.md", &broken);
        let said_all = types_in_vain(&repo, "", "notes 1.0 --update notes.md --check", 1);
        says_all(&said_all, &[&said, "ledger notes 1.0 --update notes.md"]);
        assert_eq!(repo.read("notes.md"), broken, "a check writes nothing");
    }
    says_all(&types(&repo, "", "notes 1.0 --update gone.md --check", 1), &["gone.md is not there"]);
    let unreleased = approved();
    says_all(&types(&unreleased, "", "notes 1.0 --check", 2), &["which document", "--update FILE --check"]);
    types(&unreleased, "", "notes 1.0 --update notes.md", 0);
    says_all(&types(&unreleased, "", "notes 1.0 --update notes.md --check", 1), &["no gate of 1.0 is promoted"]);
}

#[test]
fn a_template_of_ones_own_says_what_it_wants_and_cannot_name_what_is_not_there() {
    let repo = released();
    repo.write("mine.md", "{{ release }}: {% for gate in gates %}{{ gate.id }}={{ gate.state }} {% endfor %}");
    assert_eq!(types(&repo, "", "notes 1.0 --template mine.md", 0).trim(), "1.0: alpha=promoted ga=promoted");
    repo.write("mine.md", "line\n{{ relaese }}");
    says_all(&types(&repo, "", "notes 1.0 --template mine.md", 2), &["mine.md:2", "undefined", "schemas/report"]);
    repo.write("mine.md", "{% for %}");
    says_all(&types(&repo, "", "notes 1.0 --template mine.md", 2), &["mine.md:1"]);
    for hostile in [
        "{% include '/etc/passwd' %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(a='x') %}{% for i in range(40) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ [1] * 100000000 }}",
        "{{ gates|tojson(indent=100000000) }}",
        "{{ release|replace('', 'xxxxxxxxxx')|replace('x', 'xxxxxxxxxxxxxxxxxxxx')|replace('x', 'xxxxxxxxxxxxxxxxxxxx')|replace('x', 'xxxxxxxxxxxxxxxxxxxx') }}",
    ] {
        repo.write("mine.md", hostile);
        let _ = repo.ledger("", &["notes", "1.0", "--template", "mine.md"]).exits(2);
    }
}

#[test]
fn text_from_evidence_stays_text() {
    let repo = released();
    repo.write("mine.md", "{% for gate in gates %}{% for a in gate.approvals %}{{ a.reason }}{% endfor %}{% endfor %}");
    assert_eq!(types(&repo, "", "notes 1.0 --template mine.md", 0).trim(), "&lt;b&gt;done&lt;/b&gt;\\|");
}

#[test]
fn korean_notes_are_korean_throughout_and_in_the_zone_of_the_policy() {
    let waiver = "\n[pipeline.stage9.gate.waiver]\nrole = \"release-owner\"\nlongest = \"7d\"\n";
    let pipeline = POLICY.pipeline.replacen(
        "\n[[pipeline.stage9.gate]]\nid = \"ga\"",
        &format!("{waiver}\n[[pipeline.stage9.gate]]\nid = \"ga\""),
        1,
    );
    let repo = TestRepo::bare_of_ledger();
    let policy = Policy { people: POLICY.people, pipeline: pipeline.leak() };
    repo.write("ledger.toml", policy.text(&repo).replace("timezone = \"UTC\"", "timezone = \"Asia/Seoul\""));
    types(&repo, "lee", "init", 0);
    types(&repo, "min", "open alpha --release 1.0", 0);
    types(&repo, "lee", "waive qa-checklist --gate alpha --until 2d -m later --yes", 0);
    types(&repo, "kim", "sign alpha --reject -m no --yes", 0);
    let notes = types(&repo, "", "notes 1.0 --lang ko", 0);
    says_all(&notes, &["## 주요 내용 (Highlights)", "| Alpha(내부 QA) | qa-checklist | 20", "| 반려 | — | 20"]);
    let rows = notes.lines().filter(|line| line.starts_with("| Alpha(내부 QA) |") && line.contains("| 20"));
    assert!(rows.clone().count() == 2 && rows.clone().all(|row| row.contains("+09:00")), "{notes}");
    says_all(&types(&repo, "", "notes 1.0", 0), &["| REJECTED | — | 20"]);
    // Programs read UTC, and are told the zone.
    let report = repo.ledger("", &["notes", "1.0", "--json"]).json();
    assert_eq!(report["time_zone"], "Asia/Seoul");
    assert!(report["waivers"][0]["until"].as_str().unwrap().ends_with('Z'), "{report:#}");
}

/// One gate, its way back, and notes that are compared.
const BACK: &str = r#"
[pipeline.p]
[[pipeline.p.sync]]
notes = "notes.md"

[[pipeline.p.gate]]
id = "ga"

[[pipeline.p.gate.rule]]
id = "smoke"
format = ["command", "file"]

[pipeline.p.gate.approval]
role = "qa-lead"

[[pipeline.p.rollback]]
id = "switch"
steps = ["set enabled=false"]
validation = ["smoke"]
"#;

#[test]
fn notes_that_tell_of_a_gate_that_went_back_say_so() {
    let policy = Policy { people: POLICY.people, pipeline: BACK };
    let mut story = Story::begin(&policy, "2025-10-04T09:00:00+09:00");
    story.types("min", "open ga --release 1.0", 0);
    story.types("min", "run smoke -- true", 0);
    story.types("kim", "sign ga --yes", 0);
    story.types("kim", "promote ga", 0);
    story.types("", "notes 1.0 --update notes.md", 0);
    story.types("", "docs --check", 0);
    story.types("min", "rollback start switch -m broken", 0);
    story.types("min", "rollback done", 0);
    story.after("1m").types("min", "run smoke --gate ga -- true", 0);
    story.types("min", "rollback finish", 0);
    says_all(&story.types("", "status", 0), &["rolled back"]);
    let said = story.types("", "docs --check", 1);
    says_all(
        &said,
        &["notes.md", "no line with it says that ga was rolled back", "ledger notes 1.0 --update notes.md"],
    );
    let check = "notes 1.0 --update notes.md --check";
    says_all(&story.types("", check, 1), &["no line with it says that ga was rolled back"]);
    story.types("", "notes 1.0 --update notes.md", 0);
    story.types("", "docs --check", 0);
    assert!(!story.types("", check, 1).contains("was rolled back"), "only that nothing is promoted");
    // In the next attempt the old folder is no more the gate's, and still nothing to boast of.
    let text = story.repo.read("notes.md").replace("rolled back", "promoted");
    story.repo.write("notes.md", text);
    story.types("min", "open ga --release 1.0 --retry", 0);
    says_all(&story.types("", "docs --check", 1), &["no line with it says that ga was rolled back"]);
    // A document nobody began says nothing.
    std::fs::remove_file(story.repo.path.join("notes.md")).unwrap();
    story.types("", "docs --check", 0);
}

#[test]
fn an_unknown_release_is_asked_wrongly() {
    let repo = released();
    says_all(&types(&repo, "", "notes 2.0", 2), &["no release \"2.0\"", "ledger log --kind open"]);
}
