//! Rollout plans: recorded, done row by row, and held against the clock, by people and by a gate.

use chrono::{DateTime, Duration, DurationRound as _, Utc};
use serde_json::{Value, json};

use crate::steps::{says_all, types, types_in_vain};
use crate::support::{Policy, Ran, TestRepo};

const POLICY: Policy = Policy { people: PEOPLE, pipeline: PIPELINE };

const PEOPLE: &[(&str, &[&str], &[&str], bool)] = &[
    ("han", &["han"], &["dba"], false),
    ("min", &["min"], &["ops"], false),
    ("kim", &["kim"], &["qa"], false),
    ("lee", &["lee"], &["product", "release-owner"], false),
    ("ci", &["ci"], &["qa"], true),
];

/// `ready` has the document that row 9 signs off; `rollout` waits for the plan to be followed.
const PIPELINE: &str = r#"
[pipeline.app]

[[pipeline.app.gate]]
id = "ready"

[[pipeline.app.gate.rule]]
id = "governance"
format = "checklist"
file = "docs/governance.md"
expect = ["open == 0", "total > 0"]

[pipeline.app.gate.approval]
role = "product"

[[pipeline.app.gate]]
id = "rollout"
requires = ["ready"]

[[pipeline.app.gate.rule]]
id = "timeline"
format = "plan"

[[pipeline.app.gate.rule]]
id = "checks"
format = "command"

[[pipeline.app.gate.rule]]
id = "followed"
format = "plan-status"
expect = ["open == 0", "out_of_order == 0"]

[pipeline.app.gate.approval]
role = "qa"
"#;

/// Minutes from now, owner and task of each row; the first is of the day before.
const ROWS: [(i64, &str, &str); 10] = [
    (-1440, "DBA (Han)", "Take a copy of staging and count its rows (`tools/count.py --copy nightly`)."),
    (0, "Ops (Min)", "Upload both images `registry.acme.example/app:{web,api}-7` to the registry."),
    (1, "QA (Kim)", "Smoke-test staging by the manual list (toggle, reset)."),
    (2, "Ops (Min)", "Make production read-only, save `candidates` and `operations`."),
    (3, "DBA (Han)", "Apply the migration `20250101_tables` if it is pending; compare its sum."),
    (4, "QA (Kim)", "읽기 전용 상태 확인 후 `/api/config` 기능 플래그 켜기 (`toggle=true`)"),
    (5, "Ops (Min)", "Roll the web build out, restart the workers."),
    (60, "QA (Kim)", "Run the checks after the rollout: `git config --get acme.ready`."),
    (90, "Product (Lee)", "Sign off by the governance list (`docs/governance.md`)."),
    (120, "Ops (Min)", "End read-only, watch the metrics for 30 minutes."),
];

const SIGN_OFF: &str =
    "\n## Sign-off\n- [ ] Copy of staging taken\n- [ ] Both images uploaded\n- [ ] Flag is on (row 6)\n- [ ] Lunch\n";

fn clock() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// As plans are written: in whole minutes.
fn now() -> DateTime<Utc> {
    clock().duration_trunc(Duration::minutes(1)).unwrap()
}

fn plan(rows: &[(i64, &str, &str)]) -> String {
    let row = |(minutes, owner, task): &(i64, &str, &str)| {
        let at = now() + Duration::minutes(*minutes);
        format!("| {} | {owner} | {task} |\n", at.format("%Y-%m-%d %H:%M"))
    };
    let rows: String = rows.iter().map(row).collect();
    format!("# Rollout — lab\n\n## Timeline (UTC)\n| Time | Owner | Task |\n| --- | --- | --- |\n{rows}{SIGN_OFF}")
}

/// A ledger with both gates open for 1.0 and the plan recorded in entry 3.
fn planned() -> TestRepo {
    let repo = opened();
    repo.write("docs/rollout.md", plan(&ROWS));
    types(&repo, "min", "plan import docs/rollout.md", 0);
    repo
}

fn opened() -> TestRepo {
    let repo = TestRepo::with_ledger(&POLICY);
    types(&repo, "min", "open ready --release 1.0", 0);
    types(&repo, "min", "open rollout --release 1.0", 0);
    repo
}

#[track_caller]
fn status(repo: &TestRepo, line: &str, code: i32) -> Value {
    let args: Vec<&str> = ["plan", "status", "--json"].into_iter().chain(line.split_whitespace()).collect();
    let ran: Ran = repo.ledger("", &args);
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    ran.json()
}

fn states(status: &Value) -> Vec<&str> {
    status["rows"].as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect()
}

#[track_caller]
fn says(repo: &TestRepo, who: &str, args: &[&str], code: i32) -> String {
    let ran = repo.ledger(who, args);
    let said = ran.said();
    let _ = ran.exits(code);
    said
}

#[test]
fn a_plan_is_shown_before_it_is_recorded() {
    let repo = opened();
    let foreign = ROWS.map(|(at, owner, task)| (at, if owner == "DBA (Han)" { "Legal (Ada)" } else { owner }, task));
    repo.write("docs/rollout.md", plan(&foreign));
    let said = types_in_vain(&repo, "min", "plan import docs/rollout.md --dry-run", 0);
    let first = (now() - Duration::minutes(1440)).format("%Y-%m-%d %H:").to_string();
    let parts = [
        first.as_str(),
        "1   ",
        "runs  tools/count.py --copy nightly",
        "runs  git config --get acme.ready",
        "signs off  ready",
        "app:{web,api}-7",
        "읽기 전용 상태",
        "KIM, CI",
        "Legal (Ada) is nobody in the roster",
        "dry run",
    ];
    says_all(&said, &parts);
    assert_eq!(said.matches("is nobody in the roster").count(), 1);
    types_in_vain(&repo, "", "plan status", 3);
    types_in_vain(&repo, "min", "plan done 1", 3);
    repo.write("docs/none.md", "# Nothing\n");
    types_in_vain(&repo, "min", "plan import docs/none.md", 2);
    let recorded = repo.ledger("min", &["plan", "import", "docs/rollout.md", "--json"]).json();
    assert_eq!((&recorded["slot"], &recorded["format"]), (&json!("timeline"), &json!("plan")));
    assert_eq!(recorded["facts"]["timeline"]["10"]["owner"], "Ops (Min)");
    let refused = types_in_vain(&repo, "han", "plan done 1", 1);
    says_all(&refused, &["row 1 is for Legal (Ada)", "nobody in the roster is Legal (Ada)"]);
}

#[test]
fn secrets_in_a_plan_are_refused_or_masked_and_in_a_remark_refused() {
    let repo = opened();
    let value = concat!("Zx81k", "Qp47w", "Lm20t");
    let option = format!("DB_PASSWORD={value}");
    repo.write("docs/rollout.md", plan(&[(0, "Ops (Min)", &format!("Restart the workers ({option}).")), ROWS[2]]));
    let refused = types_in_vain(&repo, "min", "plan import docs/rollout.md", 2);
    says_all(&refused, &["docs/rollout.md:6: DB_PASSWORD=… (secret by its name)", "--redact"]);
    types(&repo, "min", "plan import docs/rollout.md --redact", 0);
    let recorded = repo.ledger("", &["show", "3", "--json"]).json()["statement"]["predicate"].clone();
    assert_eq!(recorded["facts"]["secrets_redacted"]["lines"], json!(["rollout.md:6"]));
    let task = recorded["facts"]["timeline"]["1"]["task"].as_str().unwrap();
    says_all(task, &["DB_PASSWORD=[REDACTED:secret-by-its-name]"]);
    assert!(says(&repo, "min", &["plan", "done", "1", "-m", &option], 2).contains("secret by its name"));
    types(&repo, "min", "plan done 1", 0);
    assert!(!repo.git(&["log", "-p", "--format=%B", "evidence"]).contains(value));
    types(&repo, "", "verify", 0);
}

#[test]
fn the_zone_of_the_attempt_is_shown_beside_utc() {
    let repo = TestRepo::bare_of_ledger();
    repo.write("ledger.toml", POLICY.text(&repo).replace("timezone = \"UTC\"", "timezone = \"Asia/Seoul\""));
    types(&repo, "lee", "init", 0);
    repo.write("plan.md", "# 2025-10-05 (UTC)\n\n| Time | Owner | Task |\n|---|---|---|\n| 23:30 | 운영 | 자정 전 |\n| 00:15 | QA (Kim) | 자정 후 |\n");
    let said = types_in_vain(&repo, "min", "plan import plan.md --gate ready --release 1.0 --dry-run", 0);
    says_all(
        &said,
        &["Asia/Seoul", "2025-10-05 23:30  2025-10-06 08:30", "2025-10-06 00:15  2025-10-06 09:15", "would open ready"],
    );
    let column = |word: &str| {
        let line = said.lines().find(|line| line.contains(word)).unwrap();
        unicode_width::UnicodeWidthStr::width(&line[..line.find(word).unwrap()])
    };
    assert_eq!(column("자정 전"), column("자정 후"));
}

#[test]
fn a_plan_is_shown_in_the_zone_it_is_written_in_and_in_utc_each_once() {
    let repo = opened();
    for (zone, head) in [("KST", "Asia/Seoul"), ("+09:00", "+09:00")] {
        repo.write(
            "plan.md",
            format!("# 2030-10-06 ({zone})\n\n| Time | Owner | Task |\n|---|---|---|\n| 08:30 | QA (Kim) | x |\n"),
        );
        let said = types_in_vain(&repo, "min", "plan import plan.md --dry-run", 0);
        says_all(&said, &[head, "2030-10-06 08:30  2030-10-05 23:30  QA"]);
        let heading = said.lines().find(|line| line.contains("owner")).unwrap();
        assert_eq!((heading.matches("UTC").count(), heading.matches(head).count()), (1, 1), "{heading}");
    }
    repo.write("plan.md", "# 2030-10-06 (UTC)\n\n| Time | Owner | Task |\n|---|---|---|\n| 08:30 | QA (Kim) | x |\n");
    let said = types_in_vain(&repo, "min", "plan import plan.md --dry-run", 0);
    assert_eq!(said.matches("2030-10-06 08:30").count(), 1, "{said}");
}

#[test]
fn a_row_is_done_by_its_owner_alone_and_once() {
    let repo = planned();
    let refused = types_in_vain(&repo, "min", "plan done 3", 1);
    says_all(&refused, &["row 3 is for QA (Kim), not for min@acme.example", "KIM, CI"]);
    types_in_vain(&repo, "kim", "plan done 11", 2);
    types_in_vain(&repo, "kim", "plan done 0", 2);
    types_in_vain(&repo, "kim", "plan done 3 --at 2999-01-01T00:00:00Z", 2);
    types_in_vain(&repo, "kim", "plan done 3 --at 2001-01-01T09:00:00+09:00", 2);
    types_in_vain(&repo, "kim", "plan done 3 --at yesterday", 2);
    types_in_vain(&repo, "kim", "plan skip 3", 2);
    assert!(says(&repo, "kim", &["plan", "skip", "3", "-m", " "], 2).contains("needs a reason"));
    let gate = types_in_vain(&repo, "lee", "plan done 9", 1);
    says_all(&gate, &["sign-off of gate ready", "ledger sign ready"]);
    // A bot may, when it holds the role.
    says_all(&types(&repo, "ci", "plan done 3", 0), &["recorded as entry 4", "row 3: ", "row 1 should come before it"]);
    let twice = types_in_vain(&repo, "kim", "plan done 3", 1);
    says_all(&twice, &["was done by entry 4 already", "ledger revoke 4"]);
    types(&repo, "ci", "revoke 4 -m wrong --yes", 0);
    types(&repo, "kim", "plan done 3 --dry-run", 0);
    types(&repo, "kim", "plan skip 3 -m later", 0);
    let row = &status(&repo, "", 1)["rows"][2];
    assert_eq!(
        (&row["state"], &row["doing"]["entry"], &row["doing"]["note"]),
        (&json!("skipped"), &json!(6), &json!("later"))
    );
    types(&repo, "", "verify", 0);
}

#[test]
fn planned_and_actual_stand_side_by_side() {
    let repo = planned();
    assert_eq!(states(&status(&repo, "", 1))[..2], ["missed", "due"]);
    says(&repo, "han", &["plan", "done", "1", "-m", "둘째 시도"], 0);
    types(&repo, "min", "plan done 2", 0);
    types(&repo, "kim", "plan done 3", 0);
    types(&repo, "min", "plan done 4", 0);
    types(&repo, "min", "plan done 7", 0);
    says(&repo, "han", &["plan", "skip", "5", "-m", "none is pending"], 0);
    // The command of row 8: another one, in vain, by somebody else, and at last.
    types(&repo, "kim", "run checks --gate rollout -- git --version", 0);
    types(&repo, "kim", "run checks --gate rollout -- git config --get acme.ready", 1);
    repo.git(&["config", "acme.ready", "yes"]);
    types(&repo, "min", "run checks --gate rollout -- git config --get acme.ready", 0);
    types(&repo, "kim", "run checks --gate rollout -- git config --get acme.ready", 0);
    let told = status(&repo, "", 1);
    let expected = ["late", "done", "done", "done", "skipped", "due", "done", "early", "waiting", "waiting"];
    assert_eq!(states(&told), expected);
    let rows = &told["rows"];
    assert!(rows[0]["doing"]["delta"].as_i64().unwrap() >= 86_400);
    assert_eq!((&rows[0]["doing"]["note"], &rows[7]["doing"]["how"]), (&json!("둘째 시도"), &json!("ran")));
    assert_eq!((&rows[6]["before"], &rows[7]["before"]), (&json!([6]), &json!([6])));
    let why: Vec<&str> = told["ignored"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    let by_another = "the command of row 8 was run by min@acme.example, it is for QA (Kim)";
    assert_eq!(why, ["the command of row 8 ended with exit 1", by_another]);
    let totals = json!({
        "rows": 10, "done": 4, "late": 1, "early": 1, "skipped": 1, "waiting": 2, "due": 1, "missed": 0, "outOfOrder": 2,
    });
    assert_eq!(told["totals"], totals);
    let text = types(&repo, "", "plan status", 1);
    says_all(
        &text,
        &[
            "late (둘째 시도)",
            "done, before 6",
            "skipped (none is pending)",
            "#4 HAN ",
            "2 out of order",
            "it is for QA (Kim)",
        ],
    );
    // With an hour's grace nothing is early or late but what is a day behind; long after, all is missed.
    assert_eq!(states(&status(&repo, "--tolerance 2h", 1))[7..], ["done", "due", "due"]);
    assert_eq!(states(&status(&repo, "--now 2999-01-01T00:00:00Z", 1))[8..], ["missed", "missed"]);
    let past = status(&repo, "--as-of 4", 1);
    assert_eq!((states(&past)[..3].to_vec(), &past["size"]), (vec!["late", "due", "due"], &json!(5)));
    types(&repo, "", "plan status --as-of 99", 2);
    types(&repo, "", "plan status --as-of 2", 3);
}

#[test]
fn items_of_the_sign_off_list_follow_their_rows() {
    let repo = planned();
    types(&repo, "han", "plan done 1", 0);
    let told = status(&repo, "", 1);
    let items: Vec<_> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["row"].clone(), item["mapping"].clone(), item["done"].clone()))
        .collect();
    let item = |row: Value, mapping: &str, done: bool| (row, json!(mapping), json!(done));
    let expected = [
        item(json!(1), "words", true),
        item(json!(2), "words", false),
        item(json!(6), "named", false),
        item(json!(null), "unclear", false),
    ];
    assert_eq!(items, expected);
    says_all(&types(&repo, "", "plan status", 1), &["✓  Copy of staging taken", "?  Lunch", "no row is clear"]);
}

/// Every row but those numbered, each by its owner.
fn do_all_but(repo: &TestRepo, left: &[u32]) {
    let owners = ROWS.map(|(_, owner, _)| owner);
    for (number, owner) in (1..).zip(owners).filter(|(number, _)| !left.contains(number)) {
        let who = owner.split_once('(').unwrap().1.trim_end_matches(')').to_lowercase();
        types(repo, &who, &format!("plan done {number}"), 0);
    }
}

#[test]
fn a_gate_waits_for_its_plan_and_for_the_gate_a_row_signs_off() {
    let repo = planned();
    do_all_but(&repo, &[8, 9, 10]);
    repo.git(&["config", "acme.ready", "yes"]);
    types(&repo, "kim", "run checks --gate rollout -- git config --get acme.ready", 0);
    let followed = |repo: &TestRepo| crate::steps::rule(repo, "rollout", "followed");
    assert_eq!(
        (&followed(&repo)["state"], &followed(&repo)["have"]),
        (&json!("failed"), &json!("open is 2, expected open == 0"))
    );
    repo.write("docs/governance.md", "- [x] told everybody\n");
    types(&repo, "lee", "record governance", 0);
    types(&repo, "lee", "sign ready --yes", 0);
    let told = status(&repo, "", 1);
    assert_eq!((&told["rows"][8]["doing"]["how"], &told["rows"][8]["state"]), (&json!("signed-off"), &json!("early")));
    types(&repo, "min", "plan done 10", 0);
    assert_eq!(status(&repo, "", 0)["verdict"], "complete");
    let rule = followed(&repo);
    assert_eq!(rule["state"], "satisfied");
    // It rests on the plan and on every row.
    assert_eq!(rule["entries"].as_array().unwrap().len(), 11);
    types(&repo, "min", "promote ready", 0);
    types(&repo, "kim", "sign rollout --yes", 0);
    types(&repo, "min", "promote rollout", 0);
    // The document that was signed off is another now: its row is open again.
    repo.write("docs/governance.md", "- [x] told nobody\n");
    let told = status(&repo, "", 1);
    assert_eq!((&told["rows"][8]["doing"], &told["rows"][8]["gate"]), (&json!(null), &json!("ready")));
    types(&repo, "", "verify", 0);
}

#[test]
fn a_gate_does_not_wait_for_the_row_that_signs_it_off() {
    let repo = TestRepo::bare_of_ledger();
    let own =
        "id = \"own\"\nformat = \"checklist\"\nfile = \"docs/own.md\"\n\n[[pipeline.app.gate.rule]]\nid = \"checks\"";
    repo.write("ledger.toml", POLICY.text(&repo).replace("id = \"checks\"", own));
    types(&repo, "lee", "init", 0);
    let rows =
        [(0, "Ops (Min)", "Copy."), (1, "QA (Kim)", "Sign off docs/own.md."), (2, "Ops (Min)", "End read-only.")];
    repo.write("docs/rollout.md", plan(&rows));
    types(&repo, "min", "plan import docs/rollout.md --release 1.0", 0);
    types(&repo, "min", "plan done 1", 0);
    let rule = crate::steps::rule(&repo, "rollout", "followed");
    assert_eq!((&rule["have"], &rule["who"]), (&json!("open is 1, expected open == 0"), &json!(["KIM or CI", "MIN"])));
    says_all(&types(&repo, "min", "record followed docs/rollout.md", 2), &["nothing is brought for it"]);
    types(&repo, "min", "plan done 3", 0);
    assert_eq!(crate::steps::rule(&repo, "rollout", "followed")["state"], "satisfied");
    assert_eq!(status(&repo, "", 1)["rows"][2]["before"], json!([2]), "to people it is out of order");
}

#[test]
fn a_newer_plan_keeps_what_was_done_of_the_same_rows() {
    let repo = planned();
    do_all_but(&repo, &[8, 9, 10]);
    // Row 1 moves, row 2 has another text, row 3 another owner, row 4 is gone, row 5 stands twice.
    let mut rows = ROWS.to_vec();
    rows[0].0 = 0;
    rows[1].2 = "Upload one image.";
    rows[2].1 = "Ops (Min)";
    rows[3] = rows[4];
    repo.write("docs/rollout.md", plan(&rows));
    types(&repo, "min", "plan import docs/rollout.md", 0);
    let told = status(&repo, "", 1);
    let done: Vec<bool> = told["rows"].as_array().unwrap().iter().map(|row| !row["doing"].is_null()).collect();
    assert_eq!(done, [true, false, false, false, false, true, true, false, false, false]);
    assert_eq!(states(&told)[0], "done", "held against its new time");
    let ignored = told["ignored"].as_array().unwrap();
    assert_eq!(ignored.len(), 4, "{ignored:#?}");
    assert!(ignored[0]["why"].as_str().unwrap().contains("not in the newest plan as it was"));
    types(&repo, "min", "plan done 3", 0);
    // A plan that is taken back leaves none: the one before it does not come back by itself.
    let newest = told["plan"]["entry"].to_string();
    types(&repo, "min", &format!("revoke {newest} -m wrong --yes"), 0);
    assert!(types(&repo, "", "plan status", 3).contains("is void"));
    assert_eq!(crate::steps::rule(&repo, "rollout", "followed")["state"], "failed");
}

#[test]
fn what_others_say_of_a_row_never_counts() {
    let repo = planned();
    let plan = status(&repo, "", 1)["plan"]["sha256"].as_str().unwrap().to_owned();
    let schema = "https://github.com/evidence-ledger/ledger/schemas/plan-step/v0.1";
    let mark = |plan: &str, row: u32, at: &str| {
        format!(
            "{{\n  \"schema\": \"{schema}\",\n  \"plan\": \"{plan}\",\n  \"row\": {row},\n  \"state\": \"done\",\n  \"at\": \"{at}\"\n}}\n"
        )
    };
    let later = (clock() + Duration::days(2)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let other = "0".repeat(64);
    let at = clock().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    for (who, text, why) in [
        ("min", mark(&plan, 3, &at), "row 3 is not for min@acme.example, but for QA (Kim)"),
        ("kim", mark(&plan, 3, &later), "after it was signed"),
        ("kim", mark(&plan, 3, "2001-01-01T00:00:00Z"), "before the attempt was opened"),
        ("kim", mark(&other, 3, &at), "not on record before it"),
        ("kim", mark(&plan, 77, &at), "has no row 77"),
        ("lee", mark(&plan, 9, &at), "by its gate's approval alone"),
    ] {
        repo.write("mark.json", text);
        types(&repo, who, "record timeline mark.json --format plan-step --gate rollout", 0);
        let told = status(&repo, "", 1);
        let last = told["ignored"].as_array().unwrap().last().unwrap()["why"].as_str().unwrap().to_owned();
        assert!(last.contains(why), "{why}: {last}");
        assert!(told["rows"].as_array().unwrap().iter().all(|row| row["doing"].is_null()));
    }
    repo.write("mark.json", mark(&plan, 3, &at).replace("  ", " "));
    types_in_vain(&repo, "kim", "record timeline mark.json --format plan-step --gate rollout", 2);
}

#[test]
fn a_rule_over_a_plan_s_status_asks_for_something_and_nothing_else() {
    let repo = TestRepo::bare_of_ledger();
    let text = POLICY.text(&repo);
    repo.write("ledger.toml", text.replace("open == 0\", \"out_of_order", "opne == 0\", \"out_of_order"));
    assert!(types(&repo, "", "policy check", 1).contains("did you mean `open`"));
    for (old, new) in [
        ("expect = [\"open == 0\", \"out_of_order == 0\"]", ""),
        ("format = \"plan-status\"", "format = \"plan-status\"\nwithin = \"7d\""),
    ] {
        let repo = TestRepo::bare_of_ledger();
        repo.write("ledger.toml", text.replace(old, new));
        types(&repo, "lee", "init", 0);
        repo.write("docs/rollout.md", plan(&ROWS[..1]));
        types(&repo, "min", "plan import docs/rollout.md --release 1.0", 0);
        types(&repo, "han", "plan done 1", 0);
        let rule = crate::steps::rule(&repo, "rollout", "followed");
        assert_eq!(rule["state"], "failed", "{new}: {rule:#}");
    }
}

#[test]
fn the_customers_plan_is_followed_from_end_to_end() {
    let Some(document) = crate::seeds::customers("000_") else { return };
    let repo = TestRepo::bare_of_ledger();
    let own = PIPELINE.replace("docs/governance.md", "docs/release_governance_execution_20250927.md");
    let text = POLICY.text(&repo).replace(PIPELINE, &own).replace("\"ops\"", "\"devops\"");
    repo.write("ledger.toml", text);
    types(&repo, "lee", "init", 0);
    repo.write("docs/plan.md", std::fs::read(document).unwrap());
    let said = types(&repo, "min", "plan import docs/plan.md --gate rollout --release 1.0", 0);
    let parts = [
        "2025-10-05 23:30",
        "runs  scripts/db_compare.py --snapshot qa-routing-20251003",
        "runs  scripts/post_deploy_checks.sh --suite routing-ml",
        "signs off  ready",
    ];
    says_all(&said, &parts);
    assert!(!said.contains("nobody"), "{said}");
    assert_eq!(said.matches("      runs  ").count(), 2);
    types(&repo, "han", "plan done 1", 0);
    let told = status(&repo, "", 1);
    let items: Vec<_> = told["items"].as_array().unwrap().iter().map(|item| item["row"].as_u64()).collect();
    assert_eq!(items, [Some(1), Some(2), Some(6), Some(8), Some(9)]);
    assert_eq!(states(&told), [&["late"][..], &["missed"; 9]].concat());
}
