//! The shipped schemas: well made, and kept by everything the program writes and prints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jsonschema::Validator;
use ledger::id::Digest;
use serde_json::{Value, json};

use crate::steps::{QA, approved, types};
use crate::support::{POLICY, TestRepo};

const HOME: &str = "https://github.com/evidence-ledger/ledger/schemas/";
/// Those of statements whose name is the kind's; `policy-statement` is the one that is not.
const KINDS: &[&str] = &["open", "evidence", "approval", "waiver", "promotion", "trigger", "rollback", "revoke"];
/// Those of what no command prints by itself: the policy file, facts within other documents, facts from
/// anybody's own tool, and the mark of a plan's row.
const PARTS: &[&str] = &["policy", "facts", "own-facts", "plan-step"];

fn path(below: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// Every schema by the name of its file.
fn schemas() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(path("schemas")).unwrap().map(|file| file.unwrap().path());
    let read = |file: std::path::PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap().strip_suffix(".schema.json").unwrap().to_owned();
        (name, serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
    };
    files.map(read).collect()
}

pub fn validators() -> BTreeMap<String, Validator> {
    schemas().into_iter().map(|(name, schema)| (name, jsonschema::draft202012::new(&schema).unwrap())).collect()
}

/// A value and every value within, by JSON pointer.
fn walk(value: &Value, at: &str, see: &mut impl FnMut(&str, &Value)) {
    see(at, value);
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            walk(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), see);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| walk(value, &format!("{at}/{index}"), see));
        }
        _ => {}
    }
}

#[test]
fn every_schema_is_one_names_itself_and_closes_its_objects() {
    let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
    for (name, schema) in schemas() {
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert_eq!(schema["$id"], format!("{HOME}{name}/v0.1"), "{name}");
        walk(&schema, "", &mut |at, part| {
            let rest = &part["additionalProperties"];
            // The predicate within `show` has the schema of its kind.
            let closed = rest == &json!(false)
                || rest.as_object().is_some_and(|rest| !rest.is_empty())
                || at.ends_with("/statement/properties/predicate");
            assert!(part["type"] != "object" || closed, "{name}: {at} is open");
            if let Some(reference) = part["$ref"].as_str() {
                let target = reference.strip_prefix('#').and_then(|target| schema.pointer(target));
                assert!(target.is_some(), "{name}: {at} points to {reference}, which is not there");
            }
        });
        for (definition, meaning) in schema["$defs"].as_object().into_iter().flatten() {
            let first = definitions.entry(definition.clone()).or_insert_with(|| meaning.clone());
            assert_eq!(first, meaning, "{definition} means something else in {name}");
        }
    }
    let faults: Vec<&str> = ledger::chain::FaultKind::ALL.iter().map(|fault| fault.word()).collect();
    assert_eq!(definitions["faultWord"]["enum"], json!(faults));
}

/// What one run printed names a schema that is there, and keeps it.
struct Printed {
    validators: BTreeMap<String, Validator>,
    seen: BTreeSet<String>,
}

impl Printed {
    /// Somebody types a command line; its JSON must be of this schema.
    #[track_caller]
    fn types(&mut self, repo: &TestRepo, who: &str, line: &str, code: i32, schema: &str) -> Value {
        let args: Vec<&str> = line.split_whitespace().collect();
        let (before, after) = args.split_at(args.iter().position(|arg| *arg == "--").unwrap_or(args.len()));
        let ran = repo.ledger(who, &[before, &["--json"], after].concat());
        assert_eq!(ran.code, code, "{line}: {}{}", ran.out, ran.err);
        let value = ran.json();
        assert_eq!(value["schema"], format!("{HOME}{schema}/v0.1"), "{line}");
        self.keeps(schema, &value, line);
        self.seen.insert(schema.to_owned());
        value
    }

    #[track_caller]
    fn keeps(&self, schema: &str, value: &Value, what: &str) {
        let validator = self.validators.get(schema).unwrap_or_else(|| panic!("{what}: no schema {schema}"));
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{what} breaks {schema}:\n{}\n{value:#}", errors.join("\n"));
        let mut extended = value.clone();
        extended["unknown"] = json!(1);
        assert!(!validator.is_valid(&extended), "{schema} allows an unknown key");
    }

    #[track_caller]
    fn fails(&mut self, repo: &TestRepo, who: &str, line: &str, code: i32) {
        let failure = self.types(repo, who, line, code, "failure");
        assert_eq!(failure["exitCode"], code, "{line}");
    }
}

/// One release through every command that speaks JSON. Leaves a ledger of every kind the program writes.
fn whole_story() -> (TestRepo, Printed) {
    let repo = TestRepo::bare_of_ledger();
    let mut said = Printed { validators: validators(), seen: BTreeSet::new() };
    said.fails(&repo, "", "status", 3);
    said.types(&repo, "", "verify", 3, "verify");
    repo.write("docs/qa.md", QA);
    repo.write("ledger.toml", POLICY.text(&repo));
    said.types(&repo, "", "policy check", 0, "policy-check");
    repo.write("doubtful.toml", POLICY.text(&repo).replace("role = \"qa-lead\"", "role = \"qa-lead\"\ncount = 9"));
    said.types(&repo, "", "policy check doubtful.toml", 1, "policy-check");
    repo.write("wrong.toml", POLICY.text(&repo).replace("folder =", "fodler ="));
    said.types(&repo, "", "policy check wrong.toml", 2, "policy-check");
    let lock = ".git/refs/heads/evidence.lock";
    repo.write(lock, "");
    said.fails(&repo, "lee", "init", 5);
    std::fs::remove_file(repo.path.join(lock)).unwrap();
    said.types(&repo, "lee", "init", 0, "init");
    said.fails(&repo, "lee", "init", 1);
    said.fails(&repo, "", "status", 1);
    to_alpha(&repo, &mut said);
    to_ga(&repo, &mut said);
    in_trouble(&repo, &mut said);
    retold(&repo, &mut said);
    (repo, said)
}

/// What the story's policy says beyond the usual one.
const MORE: &str = r#"
[pipeline.stage9.gate.waiver]
role = "release-owner"
longest = "7d"

[[pipeline.stage9.sync]]
log = "logs/task_execution.log"

[[pipeline.stage9.trigger]]
id = "errors"
class = "immediate"
band = "> 10 %"
option = "switch"

[[pipeline.stage9.rollback]]
id = "switch"
expected = "1m"
steps = ["turn it off", { text = "clean up", optional = true }]
validation = ["qa-checklist"]
"#;

fn in_trouble(repo: &TestRepo, said: &mut Printed) {
    said.types(repo, "", "trigger list", 0, "triggers");
    said.types(repo, "lee", "waive announcement --gate ga --until 2d -m late --control phone --yes", 0, "outcome");
    let due = said.types(repo, "", "due", 0, "due");
    assert_eq!(due["overdue"], json!(null));
    said.types(repo, "min", "trigger fire errors --value 14%", 0, "outcome");
    said.types(repo, "", "explain alpha", 0, "decision");
    said.types(repo, "min", "rollback start switch", 0, "rollback-walk");
    said.types(repo, "min", "rollback done", 0, "rollback-walk");
    said.types(repo, "min", "rollback skip -m unneeded", 0, "rollback-walk");
    said.types(repo, "", "rollback status", 0, "rollback-walk");
    said.fails(repo, "min", "rollback finish", 1);
    said.types(repo, "min", "record qa-checklist --gate alpha", 0, "record");
    said.types(repo, "min", "rollback finish", 0, "outcome");
    let report = said.types(repo, "", "notes 1.0", 0, "report");
    assert_eq!(report["gates"][0]["state"], "rolled-back");
    assert_eq!(report["triggers"][0]["answer"], "rolled-back");
    assert_eq!((&report["rollbacks"][0]["option"], &report["waivers"][0]["gate"]), (&json!("switch"), &json!("ga")));
}

fn to_alpha(repo: &TestRepo, said: &mut Printed) {
    repo.write("docs/qa.md", QA);
    repo.write("build/app_1.0.bin", "binary");
    said.types(repo, "min", "check alpha --release 1.0", 1, "decision");
    said.types(repo, "min", "open alpha --release 1.0 --dry-run", 0, "opened");
    said.types(repo, "min", "open alpha --release 1.0 --revision schema=r118", 0, "opened");
    let dry = said.types(repo, "min", "record artifacts --dry-run", 0, "record");
    assert_eq!((&dry["dryRun"], &dry["entry"]), (&json!(true), &json!(null)));
    said.types(repo, "min", "record artifacts --location https://files.acme.example/app", 0, "record");
    said.types(repo, "min", "promote alpha", 1, "decision");
    said.types(repo, "min", "sign alpha --yes", 1, "decision");
    said.types(repo, "kim", "record qa-checklist", 0, "record");
    said.fails(repo, "kim", "sign alpha --withdraw --yes -m nothing", 1);
    said.types(repo, "kim", "sign alpha --yes --reject -m wrong", 0, "decision");
    said.types(repo, "kim", "sign alpha --yes --withdraw -m mistake", 0, "decision");
    said.types(repo, "kim", "sign alpha --yes -m installed", 0, "decision");
    said.types(repo, "", "check alpha", 0, "decision");
    said.types(repo, "", "check alpha ga", 1, "status");
    said.types(repo, "", "status alpha", 0, "decision");
    said.types(repo, "min", "promote alpha", 0, "decision");
    said.types(repo, "min", "promote alpha", 0, "decision");
    said.types(repo, "", "artifact check", 0, "artifact-check");
    // Recorded with a location, which is not asked where a store is named.
    assert_eq!(said.types(repo, "", "evidence check --store build", 1, "evidence-check")["verdict"], "different");
    assert_eq!(
        said.types(repo, "", "evidence check --release 1.0 --store no-such-folder", 3, "evidence-check")["verdict"],
        "unknown"
    );
    said.types(repo, "", "evidence fetch 2 --store build -o out", 1, "evidence-fetch");
    let key = repo.path.join("build").join(ledger::evidence::location::key(Digest::of(b"binary")));
    std::fs::create_dir_all(key.parent().unwrap()).unwrap();
    std::fs::write(key, "binary").unwrap();
    said.types(repo, "", "evidence check --store build", 0, "evidence-check");
    said.types(repo, "", "evidence fetch 2 --store build -o out", 0, "evidence-fetch");
    repo.write("build/app_1.0.bin", "other");
    said.types(repo, "", "artifact check", 1, "artifact-check");
    repo.write("build/app_1.0.bin", "binary");
    said.types(repo, "min", "import docs --slot qa-checklist --gate alpha", 0, "import");
    said.types(repo, "min", "import docs --gate ga --slot qa-checklist", 1, "import");
}

fn to_ga(repo: &TestRepo, said: &mut Printed) {
    repo.write("ledger.toml", POLICY.text(repo) + MORE);
    said.types(repo, "", "policy show", 0, "policy-show");
    said.types(repo, "", "policy diff", 1, "policy-diff");
    said.types(repo, "", "policy simulate", 0, "policy-simulate");
    said.types(repo, "lee", "policy apply -m remarked --yes", 0, "outcome");
    said.types(repo, "min", "run announcement -- git --version", 0, "record");
    said.types(repo, "", "status", 0, "status");
    said.fails(repo, "", "plan status", 3);
    repo.write("plan.md", "# 2025-10-06 (UTC)\n\n| Time | Owner | Task |\n|---|---|---|\n| 09:00 | KIM | Copy `a.sh` |\n| 10:00 | KIM | b |\n\n- [ ] a\n");
    said.types(repo, "min", "plan import plan.md --gate ga", 0, "record");
    said.types(repo, "kim", "plan done 2 -m checked", 0, "record");
    said.types(repo, "", "plan status", 1, "plan-status");
    said.types(repo, "kim", "plan skip 1 -m unneeded", 0, "record");
    said.types(repo, "", "plan status", 0, "plan-status");
    said.types(repo, "", "notes 1.0", 0, "report");
    said.types(repo, "", "notes 1.0 --update notes.md", 0, "outcome");
    said.types(repo, "", "notes 1.0 --update notes.md --check", 0, "notes-check");
    repo.write("notes.md", "nothing\n");
    said.types(repo, "", "notes 1.0 --update notes.md --check", 1, "notes-check");
    said.types(repo, "", "docs --check", 1, "docs");
    said.types(repo, "", "docs --write --dry-run", 0, "docs");
    said.types(repo, "", "docs --write", 0, "docs");
    said.types(repo, "", "docs --check", 0, "docs");
    repo.write("logs/task_execution.log", b"\xBD\xC2\xC0\xCE");
    said.types(repo, "", "docs --check", 3, "docs");
    said.fails(repo, "", "notes 1.0 --update nowhere.md --check", 1);
}

fn retold(repo: &TestRepo, said: &mut Printed) {
    said.types(repo, "", "facts docs/qa.md", 0, "file-facts");
    repo.write("linked.md", "# A\n[a](docs/qa.md) [b](gone.md) [c](#a) <https://a.example>\n");
    let links = said.types(repo, "", "facts linked.md --format document --links", 1, "file-facts");
    let states: Vec<_> = links["links"].as_array().unwrap().iter().map(|link| &link["state"]).collect();
    assert_eq!(states, ["found", "missing-file", "found", "external"]);
    let items = said.types(repo, "", "facts docs/qa.md --items", 0, "file-facts");
    assert_eq!((&items["items"][0]["state"], &items["items"][0]["line"]), (&json!("done"), &json!(3)));
    repo.write("form.template.md", "# A\n\n- [ ] one\n- [ ] two\n");
    repo.write("form.md", "# A\n\n- [x] one\n- [x] three\n\nGo: ☐ Yes ☐ No\n");
    let told = said.types(repo, "", "facts form.md --items --template form.template.md", 0, "file-facts");
    assert_eq!((&told["removed"][0]["line"], &told["removed"][0]["text"]), (&json!(4), &json!("two")));
    assert_eq!((&told["items"][0]["added"], &told["items"][1]["added"]), (&json!(null), &json!(true)));
    assert_eq!(told["undecided"], json!([{ "line": 6, "text": "Go: ☐ Yes ☐ No" }]));
    said.types(repo, "", "facts --list", 0, "formats");
    said.fails(repo, "", "statsu", 2);
    said.types(repo, "", "verify", 0, "verify");
    said.types(repo, "", "log", 0, "log");
    said.types(repo, "", "show 0", 0, "show");
    said.types(repo, "", "show 2", 0, "show");
    let other = Digest::of(b"another ledger");
    let broken = said.types(repo, "", &format!("verify --root sha256:{other}"), 4, "verify");
    assert_eq!((&broken["verdict"], &broken["anchor"]), (&json!("broken"), &json!("mismatch")));
    said.fails(repo, "", &format!("status --root sha256:{other}"), 4);
}

#[test]
fn what_commands_print_keeps_the_schema_it_names() {
    let (repo, mut said) = whole_story();
    let tree = repo.git(&["rev-parse", "evidence^{tree}"]);
    let forged = repo.git(&["commit-tree", tree.trim(), "-p", "evidence", "-m", "forged"]);
    repo.git(&["update-ref", "refs/heads/evidence", forged.trim()]);
    let broken = said.types(&repo, "", "verify", 4, "verify");
    assert_eq!(broken["faults"][0]["fault"], "commit-malformed");
    said.fails(&repo, "", "check alpha", 4);
    let never: Vec<String> = schemas().into_keys().filter(|name| !said.seen.contains(name)).collect();
    let statements = KINDS.iter().chain(&["policy-statement"]).chain(PARTS).map(|name| (*name).to_owned());
    assert_eq!(never, statements.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), "printed by no command");
}

#[test]
fn proposals_and_void_entries_keep_the_schema_in_log_and_show() {
    let repo = approved();
    let mut said = Printed { validators: validators(), seen: BTreeSet::new() };
    types(&repo, "kim", "revoke 3 -m wrong --yes", 0);
    let two = POLICY.text(&repo).replace("role = \"release-owner\" }", "role = \"release-owner\", count = 2 }");
    for (entry, remark) in [(6, "both"), (7, "first"), (8, "second")] {
        repo.write("ledger.toml", format!("{two}# {remark}\n"));
        types(&repo, if entry == 7 { "han" } else { "lee" }, &format!("policy apply -m {remark} --yes"), 0);
        said.types(&repo, "", &format!("show {entry}"), 0, "show");
    }
    assert_eq!(said.types(&repo, "", "log", 0, "log")["entries"][7]["policy"]["state"], "pending");
    types(&repo, "han", "policy sign 8 --yes", 0);
    let log = said.types(&repo, "", "log", 0, "log");
    let states: Vec<&Value> = [0, 6, 7, 8].iter().map(|at| &log["entries"][at]["policy"]["state"]).collect();
    assert_eq!(states, ["replaced", "replaced", "lapsed", "in-force"]);
    assert_eq!(log["entries"][3]["voidedBy"], 5);
}

/// Every statement of a ledger, by kind.
fn statements(repo: &TestRepo) -> Vec<(String, Value)> {
    let listed = repo.git(&["ls-tree", "-r", "--name-only", "evidence"]);
    let paths = listed.lines().filter(|path| path.ends_with(".json") && !path.contains("/files/"));
    let read = |path: &str| {
        let statement: Value = serde_json::from_str(&repo.git(&["show", &format!("evidence:{path}")])).unwrap();
        let kind = statement["predicateType"].as_str().unwrap().rsplit('/').nth(1).unwrap().to_owned();
        (kind, statement)
    };
    paths.map(read).collect()
}

/// Keys a statement may leave out, beside those of the maps with free keys.
fn is_optional(at: &str, statement: &Value) -> bool {
    let free = ["/predicate/facts/", "/predicate/revisions/"].iter().any(|map| at.starts_with(map));
    let approved = statement["predicate"]["decision"] == "APPROVED";
    let rollback = !statement["predicate"]["reverses"].is_null();
    free || (rollback && at == "/predicate/trigger")
        || at.ends_with("/location")
        || (at.contains("/steps/") && at.ends_with("/note"))
        || at == "/predicate/command"
        || (approved && at == "/predicate/reason")
}

#[test]
fn statements_keep_the_schema_of_their_kind_and_changed_ones_do_not() {
    let (repo, said) = whole_story();
    let statements = statements(&repo);
    let decisions: BTreeSet<&str> =
        statements.iter().filter_map(|(_, statement)| statement["predicate"]["decision"].as_str()).collect();
    assert!(decisions.iter().eq(&["APPROVED", "PROMOTED", "REJECTED", "WITHDRAWN"]), "{decisions:?}");
    let text = serde_json::to_string(&statements).unwrap();
    for part in ["\"replaces\":", "\"argv\":", "\"stored\":\"inline\"", "\"stored\":\"external\"", "\"location\":"] {
        assert!(text.contains(part), "no statement has {part}");
    }
    for (kind, statement) in &statements {
        let schema = if kind == "policy" { "policy-statement" } else { kind };
        said.keeps(schema, statement, kind);
        if kind == "evidence" {
            assert!(said.validators["facts"].is_valid(&statement["predicate"]["facts"]), "{statement:#}");
        }
        let refuses = |changed: &Value, how: &str| {
            assert!(!said.validators[schema].is_valid(changed), "{schema} allows {how}:\n{changed:#}");
        };
        walk(statement, "", &mut |at, value| {
            let mut changed = statement.clone();
            *changed.pointer_mut(at).unwrap() = json!(null);
            refuses(&changed, &format!("null at {at}"));
            if value.is_object() && !at.starts_with("/predicate/facts") && at != "/predicate/revisions" {
                *changed.pointer_mut(at).unwrap() = value.clone();
                changed.pointer_mut(at).unwrap()["unknown"] = json!("x");
                refuses(&changed, &format!("an unknown key in {at}"));
            }
            let Some((parent, key)) = at.rsplit_once('/').filter(|_| !is_optional(at, statement)) else { return };
            let mut changed = statement.clone();
            if let Some(members) = changed.pointer_mut(parent).unwrap().as_object_mut() {
                members.remove(key);
                refuses(&changed, &format!("a missing {at}"));
            }
        });
    }
}

#[test]
fn every_example_of_a_predicate_keeps_its_schema() {
    let validators = validators();
    for kind in KINDS.iter().chain(&["policy"]) {
        let page = std::fs::read_to_string(path(&format!("docs/predicates/{kind}.md"))).unwrap();
        let (_, example) = page.split_once("```json\n").unwrap();
        let example: Value = serde_json::from_str(example.split_once("\n```").unwrap().0).unwrap();
        let schema = if *kind == "policy" { "policy-statement" } else { kind };
        assert!(validators[schema].is_valid(&example), "{kind}: {example:#}");
    }
}

#[test]
fn policies_keep_their_schema() {
    let validator = &validators()["policy"];
    let repo = TestRepo::bare_of_ledger();
    let example = |name: &str| std::fs::read_to_string(path(&format!("examples/{name}/ledger.toml"))).unwrap();
    let keeping = "\n[evidence]\ninline = \"512 KiB\"\nstore = \"s3://acme-evidence/widget\"\nexternal_facts = true\n";
    let examples = ["starter", "stage9", "rollout", "production", "staged", "roadmap"].map(example);
    for text in examples.into_iter().chain([POLICY.text(&repo), POLICY.text(&repo) + keeping]) {
        let policy: Value = toml::from_str(&text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&policy).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        walk(&policy, "", &mut |at, value| {
            let free = ["/label", "/documents", "/values", "/agrees", "/items"];
            let named = at == "/pipeline" || free.iter().any(|map| at.ends_with(map));
            if value.is_object() && !named {
                let mut changed = policy.clone();
                changed.pointer_mut(at).unwrap()["unknown"] = json!("x");
                assert!(!validator.is_valid(&changed), "an unknown key in {at} is allowed");
            }
        });
    }
}

#[test]
fn the_schema_of_policies_names_every_format() {
    let schema = schemas().remove("policy").unwrap();
    let formats: BTreeSet<&str> = ledger::evidence::readers::formats().collect();
    let mut found = 0;
    walk(&schema, "", &mut |at, part| {
        let names: BTreeSet<&str> = part["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if names.contains("junit") {
            found += 1;
            assert_eq!(names, formats, "{at}");
        }
    });
    assert_eq!(found, 2, "one format, or several");
}

#[test]
fn a_mark_of_a_row_keeps_its_schema_and_only_such_is_read() {
    let validator = &validators()["plan-step"];
    let (repo, _) = whole_story();
    let listed = repo.git(&["ls-tree", "-r", "--name-only", "evidence"]);
    let marks: Vec<&str> = listed.lines().filter(|path| path.contains("/plan-step-")).collect();
    assert_eq!(marks.len(), 2, "{listed}");
    for path in marks {
        let mark: Value = serde_json::from_str(&repo.git(&["show", &format!("evidence:{path}")])).unwrap();
        assert!(validator.is_valid(&mark), "{mark:#}");
        for (key, value) in [("row", json!(0)), ("state", json!("late")), ("note", json!(" ")), ("more", json!(1))] {
            let mut changed = mark.clone();
            changed[key] = value;
            assert!(!validator.is_valid(&changed), "{key}");
            repo.write("mark.json", serde_json::to_string_pretty(&changed).unwrap() + "\n");
            let _ = repo.ledger("", &["facts", "mark.json", "--format", "plan-step"]).exits(2);
        }
    }
}

#[test]
fn own_facts_are_what_their_schema_allows_and_the_reader_takes() {
    let page = std::fs::read_to_string(path("docs/readers.md")).unwrap();
    let (_, example) = page.split_once("```json\n").unwrap();
    let example: Value = serde_json::from_str(example.split_once("\n```").unwrap().0).unwrap();
    let validator = &validators()["own-facts"];
    let repo = TestRepo::bare_of_ledger();
    let taken = |document: &Value| {
        repo.write("facts.json", document.to_string());
        repo.ledger("", &["facts", "facts.json", "--format", "facts", "--json"])
    };
    assert!(validator.is_valid(&example));
    let mut facts = example["facts"].clone();
    facts["tool"] = example["tool"].clone();
    assert_eq!(taken(&example).json()["facts"], facts);
    for (at, value) in [
        ("/more", json!(1)),
        ("/tool/name", json!("")),
        ("/tool/more", json!(1)),
        ("/facts", json!({})),
        ("/facts/forbidden", json!(0.5)),
        ("/facts/forbidden", json!(null)),
        ("/facts/forbidden", json!(9_007_199_254_740_993_i64)),
        ("/facts/licences", json!([1])),
        ("/facts/scan_duration", json!("x".repeat(401))),
        ("/facts/by_team/core", json!({"": 1})),
        ("/facts/exit", json!(0)),
        ("/facts/tool", json!(0)),
        ("/facts/Forbidden", json!(0)),
    ] {
        let mut changed = example.clone();
        let (parent, key) = at.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        assert!(!validator.is_valid(&changed), "{at} by the schema");
        assert_eq!(taken(&changed).code, 2, "{at} by the reader");
    }
    for at in ["/schema", "/tool", "/facts", "/tool/version"] {
        let mut changed = example.clone();
        let (parent, key) = at.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        assert!(!validator.is_valid(&changed), "no {at} by the schema");
        assert_eq!(taken(&changed).code, 2, "no {at} by the reader");
    }
}
