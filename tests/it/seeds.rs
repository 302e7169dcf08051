//! Checklists as people really write them: counted by `ledger facts`, and by a gate.
//!
//! The customer's own documents are counted where LEDGER_SEED_DOCS names their folder; documents
//! of the same shapes, in other words, are counted always.

use std::path::{Path, PathBuf};

use crate::support::{POLICY, TestRepo};

/// File name's beginning, open boxes, done boxes.
const CUSTOMER: [(&str, i64, i64); 5] =
    [("000_", 5, 0), ("001_", 0, 0), ("002_", 0, 0), ("003_", 55, 10), ("004_", 165, 6)];

/// Words of a heading, open boxes, done boxes.
type Section = (&'static str, i64, i64);

const BY_SECTION: [(&str, &[Section]); 3] = [
    ("000_", &[("Sign-off", 5, 0)]),
    (
        "003_",
        &[
            ("Code & Testing", 3, 7),
            ("Infrastructure", 7, 0),
            ("Environment", 5, 0),
            ("Security", 8, 0),
            ("Documentation", 3, 2),
            ("Immediate", 6, 0),
            ("Short-term", 6, 0),
            ("Medium-term", 6, 0),
            ("Successful If", 11, 1),
        ],
    ),
    (
        "004_",
        &[
            ("Days 1-2", 23, 0),
            ("Days 3-4", 28, 0),
            ("Day 5", 5, 0),
            ("Days 6-7", 6, 0),
            ("Day 8", 17, 0),
            ("Day 9", 23, 0),
            ("Day 10", 16, 0),
            ("Regular Operations", 15, 0),
            ("CI/CD Track", 6, 0),
            ("Monitoring Track", 6, 0),
            ("Deployment Track", 6, 0),
            ("Frontend Track", 5, 0),
            ("Final Checklist", 9, 6),
        ],
    ),
];

/// Facts beyond the boxes, of every document: a list of what is counted, and what the counts are.
const BEYOND: [&str; 8] =
    ["verifications", "heading_ticks", "claims", "false_claims", "undecided", "blanks", "not_applicable", "malformed"];
const COUNTED_BEYOND: [(&str, [i64; 8]); 5] = [
    ("000_", [0; 8]),
    ("001_", [0; 8]),
    ("002_", [0; 8]),
    // One ticked heading stands over open items; 6/6, 5/5 and 56/56 (100%) are true; one Yes/No is undecided.
    ("003_", [14, 1, 3, 0, 1, 5, 0, 0]),
    // Two stand so, one of them in bold type only; 25/26 is 96%, but not "all".
    ("004_", [0, 2, 3, 1, 0, 0, 0, 0]),
];

#[test]
fn the_customers_documents_are_counted_exactly() {
    let repo = TestRepo::bare_of_ledger();
    let mut sum = [0, 0];
    for (beginning, open, done) in CUSTOMER {
        let Some(document) = customers(beginning) else { return };
        let counted = Counted::of(&repo, &document);
        assert_eq!((counted.open, counted.done), (open, done), "{beginning}");
        sum[0] += counted.open + counted.done;
        sum[1] += counted.done;
    }
    assert_eq!(sum, [241, 16]);
}

#[test]
fn the_customers_documents_are_counted_by_section() {
    let repo = TestRepo::bare_of_ledger();
    for (beginning, sections) in BY_SECTION {
        let Some(document) = customers(beginning) else { return };
        let counted = Counted::of(&repo, &document).sections;
        assert_eq!(counted.len(), sections.len(), "{beginning}");
        for (name, open, done) in sections {
            let is_it = |path: &str| path.rsplit(" › ").next().unwrap().contains(name);
            let found: Vec<_> = counted.iter().filter(|(path, ..)| is_it(path)).collect();
            let [(_, found_open, found_done)] = found[..] else { panic!("{beginning} {name}: {counted:?}") };
            assert_eq!((found_open, found_done), (open, done), "{beginning} {name}");
        }
    }
}

#[test]
fn what_the_customers_documents_claim_is_no_result() {
    let repo = TestRepo::bare_of_ledger();
    for (beginning, expected) in COUNTED_BEYOND {
        let Some(document) = customers(beginning) else { return };
        let facts = facts(&repo, &[document.to_str().unwrap()]);
        assert_eq!(BEYOND.map(|name| facts[name].as_i64().unwrap()), expected, "{beginning}");
        assert!(facts.get("pre_ticked").is_none());
    }
}

/// Each parent of 004: words of its name, open boxes below it, hours.
const PARENTS: [(&str, i64, i64); 21] = [
    ("GitHub Actions", 4, 4),
    ("Docker Builds", 5, 3),
    ("Staging Environment", 5, 5),
    ("Pipeline Testing", 5, 2),
    ("Prometheus", 5, 3),
    ("Grafana", 5, 2),
    ("Alerting", 5, 2),
    ("Log Aggregation", 5, 2),
    ("Runbook", 4, 1),
    ("Production Server", 4, 2),
    ("Database", 5, 2),
    ("Environment Configuration", 3, 1),
    ("Hardening", 5, 2),
    ("Initial Deployment", 4, 2),
    ("Smoke", 6, 2),
    ("Monitoring Verification", 4, 1),
    ("Load Testing", 4, 2),
    // It says "Continuous", which is no effort.
    ("24-Hour", 4, 0),
    ("Tuning", 4, 2),
    ("Documentation Updates", 4, 1),
    ("Retrospective", 4, 1),
];

#[test]
fn the_customers_roadmap_rolls_up_by_parent() {
    let Some(document) = customers("004_") else { return };
    let repo = TestRepo::bare_of_ledger();
    let facts = facts(&repo, &[document.to_str().unwrap()]);
    let parents = facts["by_parent"].as_object().unwrap();
    assert_eq!((parents.len(), &facts["parents"], &facts["parents_done"]), (21, &21.into(), &0.into()));
    for (words, open, hours) in PARENTS {
        let found: Vec<_> = parents.iter().filter(|(name, _)| name.contains(words)).collect();
        let [(_, parent)] = found[..] else { panic!("{words}: {parents:?}") };
        assert_eq!((parent["open"].as_i64(), parent["done"].as_i64()), (Some(open), Some(0)), "{words}");
        let effort = (hours > 0).then_some(hours * 60);
        assert_eq!((parent["least"].as_i64(), parent["most"].as_i64()), (effort, effort), "{words}");
    }
    // The parents', and five minutes that a box tells of itself.
    let minutes = PARENTS.iter().map(|(_, _, hours)| hours * 60).sum::<i64>() + 5;
    assert_eq!(minutes, 2525);
    let expected = serde_json::json!({
        "open_least": minutes, "open_most": minutes, "done_least": 0, "done_most": 0,
    });
    assert_eq!(facts["effort_minutes"], expected);
}

#[test]
fn the_customers_next_steps_are_tasks_on_request() {
    let Some(document) = customers("003_") else { return };
    let repo = TestRepo::bare_of_ledger();
    let facts = repo.ledger("", &["facts", "--format", "tasks", "--json", document.to_str().unwrap()]).json();
    let facts = &facts["facts"];
    assert_eq!(facts["sections"]["Next Steps"], 6);
    assert_eq!(facts["done"], 0);
    let tasks = facts["tasks"].as_array().unwrap();
    assert!(tasks.iter().any(|task| task.as_str().unwrap().starts_with("Monitor for 24 hours: Watch metrics")));
}

#[test]
fn boxes_the_customers_templates_tick_do_not_count() {
    let repo = TestRepo::bare_of_ledger();
    for (beginning, open, done) in [CUSTOMER[0], CUSTOMER[3], CUSTOMER[4]] {
        let Some(document) = customers(beginning) else { return };
        let path = document.to_str().unwrap();
        let facts = facts(&repo, &[path, "--template", path]);
        let counts = ["open", "done", "pre_ticked", "removed", "added"].map(|name| facts[name].as_i64().unwrap());
        assert_eq!(counts, [open + done, 0, done, 0, 0], "{beginning}");
    }
    let Some(document) = customers("003_") else { return };
    // Done in earnest are then those that were open in the template; a line that is gone is not.
    let template = document.to_str().unwrap();
    let filled = std::fs::read_to_string(&document).unwrap();
    repo.write("filled.md", filled.replace("- [ ] ", "- [x] ").replace("- [x] Security audit completed\n", ""));
    let facts = facts(&repo, &[repo.path.join("filled.md").to_str().unwrap(), "--template", template]);
    let counts = ["open", "done", "pre_ticked", "removed", "added"].map(|name| facts[name].as_i64().unwrap());
    assert_eq!(counts, [11, 54, 10, 1, 0]);
}

/// One of the customer's documents, where they are.
pub fn customers(beginning: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("LEDGER_SEED_DOCS").filter(|value| !value.is_empty()) else {
        eprintln!("skipped: LEDGER_SEED_DOCS names no folder with the customer's five documents");
        return None;
    };
    let found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(beginning))
        .collect();
    let [document] = found.as_slice() else { panic!("{beginning}*: {found:?}") };
    Some(document.clone())
}

#[test]
fn the_customers_documents_hold_no_secret_until_somebody_fills_them_in() {
    let filled = [&[][..], &[], &[], &[37, 113, 116, 118, 226, 261, 264, 388], &[217]];
    for ((beginning, ..), lines) in CUSTOMER.iter().zip(filled) {
        let Some(document) = customers(beginning) else { return };
        let text = std::fs::read_to_string(&document).unwrap();
        assert_eq!(secret_lines(&text), [0; 0], "{}", document.display());
        assert_eq!(secret_lines(&filled_in(&text)), lines, "{}", document.display());
    }
}

#[test]
fn a_settings_file_in_a_document_holds_no_secret_until_somebody_fills_it_in() {
    let text = "\
- [ ] Settings:
  ```bash
  SESSION_SECRET_KEY=<at-least-40-characters>
  DATABASE_URL=<where-it-is>
  LOG_LEVEL=INFO
  ```

```bash
cat > .env << 'EOF'
DATABASE_URL=mysql://user:password@localhost/app
# DATABASE_URL=mssql+pyodbc://user:password@server/app?driver=x
AUTH_SERVER=ldap://ad.example.com
EOF
curl -H \"Authorization: Bearer $TOKEN\" -d '{\"user\": \"admin\", \"password\": \"<the-password>\"}'
export TOKEN=\"<token>\"
```
";
    assert_eq!(secret_lines(text), [0; 0]);
    assert_eq!(secret_lines(&filled_in(text)), [3, 10, 11, 14, 15]);
}

fn secret_lines(text: &str) -> Vec<usize> {
    ledger::evidence::secrets::find(text.as_bytes()).into_iter().map(|finding| finding.line).collect()
}

/// Every `<placeholder>` and example password becomes what would stand there in earnest.
fn filled_in(text: &str) -> String {
    let value = ["Zx81k", "Qp47w", "Lm20t", "vN85r"].concat();
    let placeholder = regex::Regex::new("<[A-Za-z0-9-]+>").unwrap();
    let text = placeholder.replace_all(text, value.as_str());
    text.replace("user:password@", &format!("user:{value}@"))
}

#[test]
fn a_plan_with_a_table_and_a_short_list_counts_only_the_list() {
    let text = "\
# Rollout — autumn

- **Scope**: two images from `main@0000000`
- **Before**:
  1. evidence is archived (`out/session.md`)
  2. the snapshot is validated

| Time | Who | What |
| --- | --- | --- |
| 09:10 | DBA | count rows `[ ]` |
| 09:40 | Ops | upload - [x] both |

## Sign-off
- [ ] DBA
- [ ] Ops
- [ ] QA
";
    let counted = counted(text);
    assert_eq!((counted.open, counted.done), (3, 0));
    assert_eq!(counted.sections, [("Rollout — autumn › Sign-off".to_owned(), 3, 0)]);
}

#[test]
fn a_procedure_of_numbered_steps_has_no_box_at_all() {
    let text = "# 배포 절차\n\n## 1. 역할\n- *승인자*: 게시한다.\n\n## 2. 점검\n1. 빌드 로그 확보 【근거†L1】\n2. 시험 통과\n\n---\n\nA [x] in prose, [a link](b.md), [ ] and - [ ] too.\n";
    let counted = counted(text);
    assert_eq!((counted.open, counted.done), (0, 0));
    assert!(counted.sections.is_empty());
}

#[test]
fn a_fence_inside_an_item_neither_hides_nor_adds_boxes() {
    let text = "\
## Environment ✅

- [ ] Variables are set:
  ```bash
  TOKEN=<yours>
  - [x] this is a comment in a script
  ```

- [x] The database answers
- [ ] Rights are right

```bash
# [ ] a comment
- [ ] an argument
cp a b
```

- [x] Saved
    ```text
    - [ ] still code
    ```
";
    let counted = counted(text);
    assert_eq!((counted.open, counted.done), (2, 2));
    assert_eq!(counted.sections, [("Environment ✅".to_owned(), 2, 2)]);
}

#[test]
fn boxes_below_bold_numbered_parents_belong_to_the_heading_above() {
    let text = "\
# Roadmap

## Days 1-2
**Owner**: somebody

**Tasks**:
1. **Begin with keys** (half a day)
   - [ ] write them down
     ```
     KEY
     - [ ] HOST
     ```
   - [x] push them

2. **Recipes**
   - [ ] `recipe.txt`, unless it is there
   - [X] a second one

**Done when**:
- [ ] a run takes a quarter of an hour

---

#### Days 3-4
3) **Alerts**
   * [ ] mail
   + [ ] chat
     - [x] nested below it
";
    let counted = counted(text);
    assert_eq!((counted.open, counted.done), (5, 3));
    assert_eq!(
        counted.sections,
        [("Roadmap › Days 1-2".to_owned(), 3, 2), ("Roadmap › Days 1-2 › Days 3-4".to_owned(), 2, 1)]
    );
}

#[test]
fn line_breaks_byte_order_marks_and_broken_accents_change_no_count() {
    let text = "# \u{f8ff}üéØ Plan â€” 1\n\n- [ ] eins\n- [x] zwei\n\n## Ü\n\n1. [ ] drei\n";
    let plain = counted(text);
    assert_eq!((plain.open, plain.done), (2, 1));
    for variant in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), text.trim_end().to_owned()] {
        let counted = counted(&variant);
        assert_eq!((counted.open, counted.done), (plain.open, plain.done), "{variant:?}");
        assert_eq!(counted.sections, plain.sections, "{variant:?}");
    }
}

#[test]
fn a_gate_says_what_a_half_done_checklist_lacks() {
    let repo = TestRepo::with_ledger(&POLICY);
    let _ = repo.ledger("min", &["open", "alpha", "--release", "1.0"]).exits(0);
    repo.write("docs/qa.md", "# QA\n\n1. **Install**\n   - [x] starts\n   - [ ] stops\n");
    let half = repo.ledger("kim", &["record", "qa-checklist"]);
    assert!(half.said().contains("qa-checklist is not met"), "{half:?}");
    let _ = half.exits(0);
    repo.write("docs/qa.md", "# QA\n\n1. **Install**\n   - [x] starts\n   - [x] stops\n");
    let whole = repo.ledger("kim", &["record", "qa-checklist"]);
    assert!(!whole.said().contains("qa-checklist is not met"), "{whole:?}");
    let _ = whole.exits(0);
}

/// What `ledger facts` says about a checklist.
struct Counted {
    open: i64,
    done: i64,
    sections: Vec<(String, i64, i64)>,
}

impl Counted {
    #[track_caller]
    fn of(repo: &TestRepo, document: &Path) -> Self {
        let facts = facts(repo, &[document.to_str().unwrap()]);
        let number = |value: &serde_json::Value| value.as_i64().unwrap_or_else(|| panic!("{facts}"));
        let sections: Vec<_> = facts["sections"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, boxes)| (path.clone(), number(&boxes["open"]), number(&boxes["done"])))
            .collect();
        let counted = Self { open: number(&facts["open"]), done: number(&facts["done"]), sections };
        assert_eq!(number(&facts["total"]), counted.open + counted.done);
        let (open, done) = counted.sections.iter().fold((0, 0), |sum, (_, open, done)| (sum.0 + open, sum.1 + done));
        assert_eq!((open, done), (counted.open, counted.done), "the sections add up");
        counted
    }
}

#[track_caller]
fn facts(repo: &TestRepo, args: &[&str]) -> serde_json::Value {
    let args = [&["facts", "--format", "checklist", "--json"], args].concat();
    repo.ledger("", &args).json()["facts"].clone()
}

#[track_caller]
fn counted(text: &str) -> Counted {
    let repo = TestRepo::bare_of_ledger();
    repo.write("list.md", text);
    Counted::of(&repo, &repo.path.join("list.md"))
}

#[test]
fn the_customers_rollout_plan_is_ten_instants_from_the_day_before_on() {
    let Some(plan) = customers("000_") else { return };
    let repo = TestRepo::bare_of_ledger();
    let mut facts = repo.ledger("", &["facts", "--format", "plan", "--json", plan.to_str().unwrap()]).json();
    let owners = ["DBA (Han)", "DevOps (Min)", "QA (Kim)", "Product (Lee)"];
    let expected = serde_json::json!({
        "rows": 10, "first": "2025-10-05T23:30:00Z", "last": "2025-10-06T03:30:00Z", "zone": "UTC", "owners": owners,
    });
    let timeline = facts["facts"].as_object_mut().unwrap().remove("timeline").unwrap();
    assert_eq!(facts["facts"], expected);
    assert_eq!((timeline.as_object().unwrap().len(), &timeline["10"]["at"]), (10, &"2025-10-06T03:30:00Z".into()));
    let rows = ledger::evidence::readers::plan::Plan::read(&std::fs::read(&plan).unwrap()).unwrap().rows;
    assert_eq!((rows[0].line, rows[0].owner.role.as_str(), rows[0].owner.name.as_deref()), (12, "DBA", Some("Han")));
    assert_eq!(rows[0].code, ["scripts/db_compare.py --snapshot qa-routing-20251003"]);
    assert_eq!(rows[7].code, ["scripts/post_deploy_checks.sh --suite routing-ml"]);
}
