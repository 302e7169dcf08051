//! The documents that mirror the ledger: told where they differ, mended byte by byte, never unticked.

use serde_json::Value;

use crate::steps::{rule, says_all, supply, types, types_in_vain};
use crate::support::{POLICY, Policy, TestRepo};

const SYNC: &str = r#"
[[pipeline.stage9.sync]]
log = "logs/task_execution_{date}.log"

[[pipeline.stage9.sync]]
checklist = "docs/Tasklist.md"
section = "Phase 5"
items = { alpha = "Alpha 승인 기록", ga = "GA 승인 기록" }

[[pipeline.stage9.sync]]
document = "docs/governance.md"
region = "gates"
language = "ko"
"#;
const NOTES: &str = "\n[[pipeline.stage9.sync]]\nnotes = \"deliverables/notes_{version}.md\"\n";

const TASKLIST: &str = "# 작업 목록\r\n\r\n## Phase 4\r\n- [x] Alpha 승인 기록\r\n\r\n## Phase 5: 배포\r\n1. 게이트\r\n   - [ ] Alpha  승인 기록  \r\n   - [ ] GA 승인 기록\r\n\r\n```\r\n- [ ] Alpha 승인 기록\r\n```\r\n\r\n끝";
const GOVERNANCE: &str = "# 거버넌스\r\n<!-- ledger:begin gates -->\r\n<!-- ledger:end gates -->\r\n손으로 쓴 글  \r\n";

/// A ledger whose policy names these mirrors; alpha of 1.0 has everything but signatures.
fn mirrored(sync: &str) -> TestRepo {
    let repo = TestRepo::bare_of_ledger();
    let text = POLICY.text(&repo).replace("timezone = \"UTC\"", "timezone = \"Asia/Seoul\"") + sync;
    repo.write("ledger.toml", text);
    repo.write("docs/Tasklist.md", TASKLIST);
    repo.write("docs/governance.md", GOVERNANCE);
    types(&repo, "lee", "init", 0);
    repo.git(&["add", "."]);
    repo.git(&["commit", "-q", "-m", "begin the ledger"]);
    supply(&repo, "min", "1.0");
    repo
}

fn promoted(sync: &str) -> TestRepo {
    let repo = mirrored(sync);
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "min", "promote alpha", 0);
    repo
}

fn bytes(repo: &TestRepo, path: &str) -> Vec<u8> {
    std::fs::read(repo.path.join(path)).unwrap()
}

/// Places at which two documents of one length differ.
#[track_caller]
fn differing(before: &[u8], after: &[u8]) -> Vec<usize> {
    assert_eq!(before.len(), after.len());
    (0..before.len()).filter(|at| before[*at] != after[*at]).collect()
}

/// The one log that was written, and its path.
fn log(repo: &TestRepo) -> (String, String) {
    let folder = repo.path.join("logs");
    let names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let path = format!("logs/{name}");
    (repo.read(&path), path)
}

fn told(repo: &TestRepo, code: i32) -> Value {
    let ran = repo.ledger("", &["docs", "--check", "--json"]);
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    ran.json()
}

#[test]
fn a_release_is_followed_from_its_first_signature_to_its_last_box() {
    let repo = mirrored(&[SYNC, NOTES].concat());
    // Nothing is decided yet, but the region is empty.
    let said = types_in_vain(&repo, "", "docs --check", 1);
    says_all(&said, &["docs/governance.md:3", "| 게이트 |", "ledger docs --write --release 1.0", "1 disagreement"]);
    types(&repo, "", "docs --write", 0);
    says_all(&types(&repo, "", "docs --check", 0), &["4 mirrors say what the ledger says of 1.0"]);
    assert!(!repo.path.join("logs").exists() && repo.read("docs/Tasklist.md") == TASKLIST);

    // Signing leaves the work tree alone: it says what the log wants.
    let said = types(&repo, "kim", "sign alpha --yes", 0);
    says_all(&said, &["log line: ", "+09:00 KIM alpha APPROVED ledger:", "ledger docs --write --release 1.0"]);
    assert!(!repo.path.join("logs").exists());
    says_all(&types(&repo, "", "docs --check", 1), &["KIM alpha APPROVED", "the log is not there", "승격 전"]);
    types(&repo, "", "check alpha", 0);
    types(&repo, "", "docs --write", 0);
    types(&repo, "", "check alpha", 0);

    says_all(&types(&repo, "min", "promote alpha", 0), &["MIN alpha PROMOTED ledger:"]);
    let said = types(&repo, "", "docs --check", 3);
    says_all(&said, &["MIN alpha PROMOTED", "no line says so", "docs/Tasklist.md:8", "is not ticked", "승격됨"]);
    says_all(
        &said,
        &["deliverables/notes_1.0.md", "it is not there", "ledger notes 1.0 --update deliverables/notes_1.0.md"],
    );
    // What cannot be compared holds up nothing else, and is never agreement.
    types(&repo, "", "docs --write", 3);
    assert_eq!(repo.read("docs/Tasklist.md"), TASKLIST.replace("[ ] Alpha  ", "[x] Alpha  "));
    types(&repo, "", "docs --check", 3);
    repo.write("deliverables/notes_1.0.md", "# Notes\n");
    says_all(&types(&repo, "", "docs --write", 1), &["no link to Stage9_Alpha_", "no digest of app_1.0.bin"]);
    types(&repo, "", "notes 1.0 --update deliverables/own.md", 0);
    repo.write("deliverables/notes_1.0.md", repo.read("deliverables/own.md"));
    types(&repo, "", "docs --check", 0);
    types(&repo, "", "verify", 0);
}

#[test]
fn writing_ticks_one_byte_and_the_second_time_nothing() {
    let repo = promoted(SYNC);
    let before = bytes(&repo, "docs/Tasklist.md");
    let dry = types_in_vain(&repo, "", "docs --write --dry-run", 0);
    says_all(
        &dry,
        &[
            "would be written",
            "-    - [ ] Alpha  승인 기록",
            "+    - [x] Alpha  승인 기록",
            "3 documents would be written",
        ],
    );
    assert_eq!(bytes(&repo, "docs/Tasklist.md"), before);
    types(&repo, "", "docs --write --release 1.0 --pipeline Stage9", 0);
    let after = bytes(&repo, "docs/Tasklist.md");
    let [at] = differing(&before, &after)[..] else { panic!("more than one byte") };
    assert_eq!((before[at], after[at]), (b' ', b'x'));
    assert_eq!(TASKLIST[..at].matches('\n').count() + 1, 8);
    let governance = repo.read("docs/governance.md");
    says_all(&governance, &["KIM 승인"]);
    let promoted_at = governance.split(" | ").find(|cell| cell.starts_with("20")).unwrap();
    assert!(promoted_at.ends_with("+09:00"), "the policy's zone: {promoted_at}");
    assert!(governance.starts_with("# 거버넌스\r\n<!-- ledger:begin gates -->\r\n| 게이트"));
    assert!(governance.ends_with("|\r\n<!-- ledger:end gates -->\r\n손으로 쓴 글  \r\n"));
    assert_eq!(governance.matches('\n').count(), governance.matches("\r\n").count());
    let (text, path) = log(&repo);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    for (line, word) in lines.iter().zip(["KIM alpha APPROVED ledger:", "MIN alpha PROMOTED ledger:"]) {
        assert_eq!(&line[10..11], "T");
        says_all(line, &["+09:00 ", word]);
        let id = line.rsplit_once("ledger:").unwrap().1;
        says_all(&types(&repo, "", &format!("show {id}"), 0), &["alpha"]);
        assert_eq!(path, format!("logs/task_execution_{}.log", line[..10].replace('-', "")));
    }
    // The lines are ones the reader of task logs takes.
    assert_eq!(repo.ledger("", &["facts", &path, "--json"]).json()["facts"]["entries"], 2);
    let all = || ["docs/Tasklist.md", "docs/governance.md", &path].map(|path| bytes(&repo, path));
    let once = all();
    says_all(&types(&repo, "", "docs --write", 0), &["3 mirrors say"]);
    assert_eq!(all(), once);
}

#[test]
fn a_gate_that_is_no_more_promoted_keeps_its_tick_and_is_reported() {
    let repo = promoted(SYNC);
    types(&repo, "", "docs --write", 0);
    let ticked = repo.read("docs/Tasklist.md");
    types(&repo, "min", "revoke 5 -m wrong --yes", 0);
    let said = types(&repo, "", "docs --write", 1);
    says_all(
        &said,
        &["docs/Tasklist.md:8", "\"Alpha 승인 기록\" is ticked", "alpha is not promoted for 1.0: entry 5 is void"],
    );
    says_all(&said, &["ledger promote alpha --release 1.0, or untick it by hand", "1 disagreement left, for people"]);
    assert_eq!(repo.read("docs/Tasklist.md"), ticked, "nothing is unticked");
    says_all(&log(&repo).0, &["MIN alpha REVOKED entry 5 ledger:"]);
    assert!(repo.read("docs/governance.md").contains("승격 전"));
    types(&repo, "min", "open alpha --release 1.0 --retry", 0);
    says_all(&types(&repo, "", "docs --check", 1), &["alpha is not promoted for 1.0: attempt 2 is not"]);
}

#[test]
fn ticks_that_no_gate_answers_for_are_reported_and_stay() {
    let repo = mirrored(SYNC);
    let text =
        TASKLIST.replace("- [ ] GA", "- [X] GA").replace("\r\n\r\n```", "\r\n- ☑ 안내 완료\r\n- [x] 방송\r\n\r\n```");
    repo.write("docs/Tasklist.md", &text);
    let said = types(&repo, "", "docs --write", 1);
    says_all(&said, &["docs/Tasklist.md:9", "ga is not promoted for 1.0: it was not opened"]);
    says_all(
        &said,
        &["docs/Tasklist.md:10", "\"안내 완료\" is ticked", "docs/Tasklist.md:11", "\"방송\"", "3 disagreements left"],
    );
    assert_eq!(repo.read("docs/Tasklist.md"), text);
    repo.write("docs/Tasklist.md", "# Phase 50\n- [ ] Alpha 승인 기록\n");
    says_all(
        &types(&repo, "", "docs --check", 1),
        &["no box below \"Phase 5\" says \"Alpha 승인 기록\"", "- [ ] GA 승인 기록"],
    );
}

#[test]
fn a_text_that_stands_twice_is_never_ticked() {
    let checklist =
        "[[pipeline.stage9.sync]]\nchecklist = \"docs/Tasklist.md\"\nitems = { alpha = \"Alpha 승인 기록\" }\n";
    let repo = promoted(checklist);
    let said = types(&repo, "", "docs --write", 1);
    says_all(&said, &["stands in lines 4, 8: which is meant?", "name a section"]);
    assert_eq!(repo.read("docs/Tasklist.md"), TASKLIST);
}

#[test]
fn utf_16_and_ballots_are_ticked_as_they_are_and_old_code_pages_refused() {
    let checklist = "[[pipeline.stage9.sync]]\nchecklist = \"docs/Tasklist.md\"\nitems = { alpha = \"Alpha 승인\" }\n";
    let repo = promoted(checklist);
    let text = "\u{feff}# 승인\r\n| 게이트 | 결과 |\r\n|---|---|\r\n| 1 | ☐ Alpha 승인 |\r\n";
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        let before: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
        repo.write("docs/Tasklist.md", &before);
        types(&repo, "", "docs --write", 0);
        let after: Vec<u8> = text.replace('☐', "☑").encode_utf16().flat_map(unit).collect();
        assert_eq!(bytes(&repo, "docs/Tasklist.md"), after);
    }
    let cp949 = b"- [ ] Alpha \xBD\xC2\xC0\xCE\r\n";
    repo.write("docs/Tasklist.md", cp949);
    says_all(&types(&repo, "", "docs --write", 3), &["docs/Tasklist.md", "CP949", "UTF-8"]);
    assert_eq!(bytes(&repo, "docs/Tasklist.md"), cp949);
    std::fs::remove_file(repo.path.join("docs/Tasklist.md")).unwrap();
    says_all(&types(&repo, "", "docs --check", 3), &["docs/Tasklist.md", "it is not there"]);
}

#[test]
fn a_log_that_cannot_be_read_may_have_the_line() {
    let repo = promoted("[[pipeline.stage9.sync]]\nlog = \"logs/{date}.log\"\n");
    repo.write("logs/20251004.log", b"\xBD\xC2\xC0\xCE\n");
    let said = types(&repo, "", "docs --write", 3);
    says_all(&said, &["logs/20251004.log", "CP949"]);
    assert_eq!(std::fs::read_dir(repo.path.join("logs")).unwrap().count(), 1, "no other log was begun");
}

#[test]
fn a_log_that_says_something_else_is_told_line_by_line() {
    let repo = promoted("[[pipeline.stage9.sync]]\nlog = \"logs/run.log\"\n");
    repo.write("logs/run.log", "2025-10-04T09:00:00+09:00 PARK began\r\nno newline here");
    types(&repo, "", "docs --write", 0);
    let text = repo.read("logs/run.log");
    assert!(text.starts_with("2025-10-04T09:00:00+09:00 PARK began\r\nno newline here\r\n20"), "{text}");
    assert!(text.matches("\r\n").count() == 4 && text.ends_with("\r\n"));
    types(&repo, "", "docs --check", 0);
    for (what, from, to, ledger) in [
        ("a person", "KIM alpha", "LEE alpha", "KIM alpha APPROVED"),
        ("a decision", "APPROVED", "REJECTED", "KIM alpha APPROVED"),
        ("a gate", "MIN alpha", "MIN ga", "MIN alpha PROMOTED"),
        ("a time", "+09:00 KIM", "+08:00 KIM", "+09:00 KIM alpha APPROVED"),
    ] {
        repo.write("logs/run.log", text.replace(from, to));
        let found = told(&repo, 1);
        let wrong = &found["disagreements"][0];
        assert_eq!((&wrong["file"], &wrong["state"]), (&"logs/run.log".into(), &"by-hand".into()), "{what}");
        assert!(wrong["ledger"].as_str().unwrap().contains(ledger), "{what}: {wrong}");
        assert!(wrong["document"].as_str().unwrap().contains(to), "{what}: {wrong}");
        assert_eq!(found["disagreements"][1]["state"], "mendable", "{what}: and the right line is missing");
    }
    let evidence = repo.ledger("", &["show", "3", "--json"]).json()["id"].as_str().unwrap().replace("sha256:", "");
    let line = |claim: &str| format!("{text}2025-10-04T09:00:00Z HAN alpha APPROVED ledger:{claim}\r\n");
    for (claim, why) in [
        ("deadbeefdeadbeef", "no entry begins with deadbeefdeadbeef"),
        ("12ab", "no entry is called \"12ab\""),
        ("nothing", "no entry is called \"nothing\""),
        (&evidence[..16], "entry 3 is no decision, its kind is evidence"),
    ] {
        repo.write("logs/run.log", line(claim));
        let found = told(&repo, 1);
        let wrong = &found["disagreements"][0];
        assert_eq!(wrong["line"], 5, "{found:#}");
        assert!(wrong["ledger"].as_str().unwrap().starts_with(why), "{found:#}");
        types(&repo, "", "docs --write", 1);
        assert_eq!(repo.read("logs/run.log"), line(claim), "nothing is struck out");
    }
}

#[cfg(unix)]
#[test]
fn only_documents_of_the_repository_are_written() {
    let checklist = "[[pipeline.stage9.sync]]\nchecklist = \"docs/Tasklist.md\"\nsection = \"Phase 5\"\nitems = { alpha = \"Alpha 승인 기록\" }\n";
    let repo = promoted(checklist);
    let (place, outside) = (repo.path.join("docs/Tasklist.md"), repo.home().join("outside.md"));
    std::fs::write(&outside, TASKLIST).unwrap();
    for target in [outside.clone(), repo.path.join(".git/config"), repo.home().join("gone.md")] {
        std::fs::remove_file(&place).unwrap();
        std::os::unix::fs::symlink(&target, &place).unwrap();
        types(&repo, "", "docs --write", 3);
        types(&repo, "", "docs --check", 3);
    }
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), TASKLIST);
    assert!(!repo.home().join("gone.md").exists());
    // A link inside the repository stays one, and what it leads to is written.
    repo.write("docs/real.md", TASKLIST);
    std::fs::remove_file(&place).unwrap();
    std::os::unix::fs::symlink("real.md", &place).unwrap();
    types(&repo, "", "docs --write", 0);
    assert!(place.is_symlink() && repo.read("docs/real.md").contains("- [x] Alpha  승인 기록"));
}

#[test]
fn a_release_called_as_a_path_leads_nowhere() {
    let repo = mirrored("[[pipeline.stage9.sync]]\nlog = \"logs/{version}.log\"\n");
    let release = "../../../out";
    let opened = repo.ledger("min", &["open", "alpha", "--release", release]);
    if opened.code == 0 {
        types(&repo, "kim", &format!("record qa-checklist --release {release}"), 0);
        types(&repo, "kim", &format!("sign alpha --yes --reject -m no --release {release}"), 0);
        for mode in ["--check", "--write"] {
            says_all(
                &types(&repo, "", &format!("docs {mode} --release {release}"), 3),
                &["leads out of the repository"],
            );
        }
    }
    assert!(!repo.home().join("out.log").exists() && !repo.path.join("logs").exists());
}

#[test]
fn a_region_is_filled_from_a_template_of_ones_own() {
    let region = "[[pipeline.stage9.sync]]\ndocument = \"docs/governance.md\"\nregion = \"gates\"\ntemplate = \"docs/gates.tpl\"\n";
    let repo = promoted(region);
    says_all(&types(&repo, "", "docs --check", 3), &["docs/gates.tpl", "it is not there"]);
    repo.write("docs/gates.tpl", "{% for gate in gates %}{{ gate.id }}={{ gate.state }}\n{% endfor %}");
    types(&repo, "", "docs --write", 0);
    says_all(&repo.read("docs/governance.md"), &["gates -->\r\nalpha=promoted\r\nga=closed\r\n<!--"]);
    repo.write("docs/governance.md", GOVERNANCE.replace("ledger:end", "ledger:over"));
    says_all(&types(&repo, "", "docs --write", 1), &["line 2: a mark without its partner"]);
    repo.write("docs/governance.md", "prose\n");
    says_all(&types(&repo, "", "docs --write", 1), &["<!-- ledger:begin gates -->", "<!-- ledger:end gates -->"]);
    repo.write("docs/gates.tpl", "{{ nothing }}");
    says_all(&types(&repo, "", "docs --write", 2), &["docs/gates.tpl:1"]);
    repo.write("docs/gates.tpl", " ");
    says_all(&types(&repo, "", "docs --check", 3), &["docs/gates.tpl", "an empty text"]);
}

#[test]
fn what_is_asked_wrongly_is_no_agreement() {
    let repo = mirrored("");
    says_all(&types(&repo, "", "docs --check", 2), &["no document mirrors stage9", "[[pipeline.stage9.sync]]"]);
    types(&repo, "", "docs", 2);
    types(&repo, "", "docs --check --write", 2);
    types(&repo, "", "docs --check --release 2.0", 2);
    types(&repo, "", "docs --check --pipeline nothing", 2);
    assert!(!types(&repo, "kim", "sign alpha --yes", 0).contains("ledger docs"));
}

/// QA approves with a phrase in the task log, reviews broken glass and decides about a trigger.
const ABOUT: &str = r#"
[pipeline.p]
[[pipeline.p.sync]]
log = "logs/run.log"

[[pipeline.p.gate]]
id = "alpha"

[[pipeline.p.gate.rule]]
id = "smoke"

[[pipeline.p.gate.rule]]
id = "log"
format = "task-log"

[pipeline.p.gate.approval]
role = "qa-lead"
phrase = "Next Stage Ready"

[pipeline.p.gate.break_glass]
role = "release-owner"
longest = "24h"
review = { role = "qa-lead", within = "72h" }

[[pipeline.p.trigger]]
id = "errors"
class = "evaluate"
decide = ["qa-lead"]
within = "2h"
"#;

#[test]
fn a_word_about_an_entry_is_never_mirrored_as_an_approval() {
    let repo = TestRepo::with_ledger(&Policy { people: POLICY.people, pipeline: ABOUT });
    repo.write("seen.txt", "seen\n");
    types(&repo, "min", "open alpha --release 1.0", 0);
    types(&repo, "lee", "waive smoke --gate alpha --until 30m -m outage --break-glass --yes", 0);
    types(&repo, "kim", "review 2 -m 확인함 --reject --yes", 0);
    types(&repo, "kim", "review 2 -m 확인함 --yes", 0);
    types(&repo, "", "docs --write", 0);
    let (text, path) = log(&repo);
    let words = ["KIM alpha REVIEWED entry 2 not-in-order ledger:", "KIM alpha REVIEWED entry 2 in-order ledger:"];
    says_all(&text, &words);
    assert!(!text.contains("APPROVED") && !text.contains("Ready"), "{text}");
    types(&repo, "", "docs --check", 0);
    types(&repo, "min", &format!("record log {path}"), 0);
    assert_eq!(rule(&repo, "alpha", "phrase")["state"], "missing");
    types(&repo, "kim", "sign alpha --yes", 1);
    // Said as an approval, as it once was written, it is no line of that entry.
    repo.write(&path, text.replace("REVIEWED entry 2 in-order", "APPROVED Next Stage Ready"));
    says_all(&types(&repo, "", "docs --check", 1), &["REVIEWED entry 2 in-order"]);
    // What Kim says of the gate is another line, and so is what Kim decides when something broke.
    let at = text.lines().last().unwrap().split(' ').next().unwrap();
    repo.write(&path, format!("{text}{at} KIM alpha Next Stage Ready\n"));
    types(&repo, "min", &format!("record log {path}"), 0);
    types(&repo, "kim", "sign alpha --yes", 0);
    types(&repo, "kim", "promote alpha", 0);
    types(&repo, "min", "trigger fire errors -m seen", 0);
    types(&repo, "kim", "trigger decide 9 --continue -m Next_Stage_Ready --yes", 0);
    types(&repo, "", "docs --write", 0);
    let (text, _) = log(&repo);
    says_all(&text, &["KIM alpha DECIDED entry 9 continue ledger:", "KIM alpha APPROVED Next Stage Ready ledger:"]);
    assert_eq!(text.matches("APPROVED").count(), 1, "{text}");
}
