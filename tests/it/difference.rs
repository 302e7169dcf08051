//! Nothing a policy can say changes without `policy diff` saying so: every key the schema knows, one by one.

use std::collections::BTreeSet;

use ledger::policy::{Policy, parse, summary};
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::support::TestRepo;

/// A policy with every key there is.
const FULL: &str = r#"
[ledger]
origin = "example.org/acme/widget"
timezone = "UTC"
link = "https://example.org/tree/{commit}/{folder}"

[evidence]
inline = "1 MiB"
store = "s3://acme-evidence/widget"
external_facts = true

[policy]
approve = { role = "lead", count = 1 }
revoke = { role = "lead" }

[[person]]
id = "lee@acme.example"
name = "Lee"
handles = ["LEE"]
roles = ["lead", "ops"]
keys = ["KEY-1"]

[[person]]
id = "ci@acme.example"
name = "Ci"
handles = "CI"
roles = "ci"
keys = "KEY-2"
bot = true

[[person]]
id = "min@acme.example"
name = "Min"
roles = ["lead"]
keys = ["KEY-5"]

[[compromised]]
key = "KEY-3"
since = 3
except = [5]
reason = "laptop stolen"

[pipeline.infra]
[[pipeline.infra.gate]]
id = "ready"
[pipeline.infra.gate.approval]
role = "lead"
[[pipeline.infra.gate]]
id = "spare"
[pipeline.infra.gate.approval]
role = "lead"

[pipeline.app]
folder = "App_{gate}_{date}"
bind = "tree"
artifacts = [{ name = "app", path = "build/app_{version}.zip" }]
documents = { install = "docs/install.md" }

[[pipeline.app.sync]]
log = "logs/tasks_{date}.log"
[[pipeline.app.sync]]
checklist = "docs/tasks.md"
section = "Phase 5"
items = { alpha = "Alpha approved" }
[[pipeline.app.sync]]
document = "docs/state.md"
region = "gates"
template = "docs/state.tpl"
language = "ko"
[[pipeline.app.sync]]
notes = "docs/notes_{version}.md"

[[pipeline.app.freeze]]
from = "2025-12-20T00:00:00Z"
to = "2026-01-05T00:00:00Z"
reason = "year end"
gates = ["ga"]

[[pipeline.app.trigger]]
id = "high"
class = "immediate"
metric = "errors"
band = "> 10 %"
option = "switch"
text = "page who is on call"
[[pipeline.app.trigger]]
id = "raised"
class = "evaluate"
option = "switch"
decide = ["lead"]
within = "2h"

[[pipeline.app.rollback]]
id = "switch"
text = "all of it"
expected = "1m"
steps = ["off", { text = "and down", optional = true }]
validation = ["smoke"]
role = "ops"
roles = ["lead"]
[[pipeline.app.rollback]]
id = "other"
steps = ["off"]
validation = ["smoke"]

[[pipeline.app.gate]]
id = "alpha"
[pipeline.app.gate.approval]
role = "lead"

[[pipeline.app.gate]]
id = "beta"
[pipeline.app.gate.approval]
role = "lead"

[[pipeline.app.gate]]
id = "ga"
name = "GA"
label = { ko = "전체 배포" }
requires = ["alpha", "infra/ready", { gate = "infra/spare", release = "any", within = "90d" }]
distinct = true
recheck = "policy"
soak = [{ id = "rest", since = "alpha", least = "2h" }]

[[pipeline.app.gate.rule]]
id = "smoke"
slot = "smoke-log"
format = ["text", "file"]
file = "docs/smoke.md"
values = { total = "^total ([0-9]+)" }
expect = ["total == 5"]
by = ["ops"]
within = "7d"
reach = "release"
changed_since = "alpha"
links_gates = true
after = ["alpha"]
[[pipeline.app.gate.rule]]
id = "smoke2"
slot = "smoke"
when = { changed = ["prompts/**"] }
unless = "smoke"
[[pipeline.app.gate.rule]]
id = "boxes"
format = "checklist"
template = "docs/boxes.template.md"
section = "Phase 6"
files = "docs/boxes_*.md"
pick = "all"
[[pipeline.app.gate.rule]]
id = "app"
format = "artifact"
artifacts = "recorded"
[[pipeline.app.gate.rule]]
id = "tasks"
format = "task-log"
agrees = { version = "app.version" }
[[pipeline.app.gate.rule]]
id = "load"
window = { since = "alpha", from = "1h", to = "24h", every = "1h", samples = 2 }
[[pipeline.app.gate.rule]]
id = "nodes"
targets = ["one", "two"]
[[pipeline.app.gate.rule]]
id = "shot"
[[pipeline.app.gate.rule]]
id = "film"
[[pipeline.app.gate.group]]
id = "proof"
rules = ["shot", "film"]
at_least = 1

[[pipeline.app.gate.approval]]
id = "final"
role = "lead"
roles = ["ops"]
count = 1
forbid = { author = "deny", builder = "deny", executor = "warn", recorder = "warn", approver = "warn", "slot:shot" = "warn" }
interactive = true
phrase = "Next Stage Ready"
within = "7d"

[pipeline.app.gate.waiver]
role = "lead"
roles = ["ops"]
longest = "14d"
rules = ["shot"]
[pipeline.app.gate.break_glass]
role = "lead"
roles = ["ops"]
longest = "24h"
rules = ["shot"]
review = { role = "ops", roles = ["lead"], within = "72h" }
"#;

/// Texts that stand for another of their kind somewhere.
const OTHERS: &[&str] = &[
    "beta",
    "spare",
    "infra/ready",
    "lead",
    "ops",
    "other",
    "film",
    "app",
    "5d",
    "immediate",
    "evaluate",
    "commit",
    "en",
    "junit",
    "x > 1",
    "> 20 %",
    "same",
    "attempt",
    "latest",
    "published",
    "warn",
    "deny",
    "2 MiB",
    "Asia/Seoul",
    "2025-12-21T00:00:00Z",
    "docs/x_*.md",
    "docs/x_{date}.log",
    "smoke-log",
    "load",
    "KEY-4",
];

#[test]
fn every_key_of_a_policy_is_told_when_it_changes() {
    let repo = TestRepo::bare_of_ledger();
    let keyed = |text: &str| {
        let keys = ["lee", "ci", "kim", "han", "min"].iter().enumerate();
        keys.fold(text.to_owned(), |text, (at, who)| text.replace(&format!("KEY-{}", at + 1), &repo.public_key(who)))
    };
    let full: Table = keyed(FULL).parse().unwrap();
    let others: Vec<String> = OTHERS.iter().map(|other| keyed(other)).collect();
    let before = read(&full)
        .unwrap_or_else(|| panic!("{}", parse::parse(&full.to_string()).unwrap_err().render("", &full.to_string())));
    let known = keys_of_schema();
    let mut told = BTreeSet::new();
    let mut silent = Vec::new();
    for place in places(&full) {
        let key = key_of(&place, &known);
        for changed in mutations(&full, &place, &others) {
            let Some(after) = read(&changed).filter(|after| bare(after) != bare(&before)) else { continue };
            // Whatever it stands in has changed with it.
            told.extend(key.match_indices('.').map(|(end, _)| key[..end].to_owned()).chain([key.clone()]));
            for (one, other) in [(&before, &after), (&after, &before)] {
                let people = summary::of_people(&one.roster, &other.roster);
                if summary::differences(one, other).is_empty() && people.is_empty() {
                    silent.push(format!("{key}: {:?}", at(&changed, &place)));
                }
            }
        }
    }
    assert!(silent.is_empty(), "nothing is said of:\n{}", silent.join("\n"));
    let untried: Vec<&String> = known.difference(&told).collect();
    assert!(untried.is_empty(), "no policy with another value was tried: {untried:?}");
}

/// One step into a document.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Item(usize),
}

/// Everything in a document, tables and arrays too.
fn places(full: &Table) -> Vec<Vec<Step>> {
    fn below(value: &Value, place: &[Step], all: &mut Vec<Vec<Step>>) {
        let steps: Vec<(Step, &Value)> = match value {
            Value::Table(table) => table.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, value)| (Step::Item(at), value)).collect(),
            _ => Vec::new(),
        };
        for (step, value) in steps {
            let place = [place, &[step]].concat();
            all.push(place.clone());
            below(value, &place, all);
        }
    }
    let mut all = Vec::new();
    below(&Value::Table(full.clone()), &[], &mut all);
    all
}

fn at<'v>(full: &'v Table, place: &[Step]) -> Option<&'v Value> {
    let (first, rest) = place.split_first()?;
    let Step::Key(first) = first else { return None };
    rest.iter().try_fold(full.get(first)?, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Item(at) => value.get(at),
    })
}

/// The document with this place gone, and with other values there: the first ones of each kind that read.
fn mutations(full: &Table, place: &[Step], others: &[String]) -> Vec<Table> {
    let with = |new: Option<Value>| {
        let mut changed = Value::Table(full.clone());
        let (last, parents) = place.split_last().unwrap();
        let parent = parents.iter().fold(&mut changed, |value, step| match step {
            Step::Key(key) => value.get_mut(key).unwrap(),
            Step::Item(at) => value.get_mut(*at).unwrap(),
        });
        match (last, new) {
            (Step::Key(key), Some(new)) => drop(parent.as_table_mut().unwrap().insert(key.clone(), new)),
            (Step::Key(key), None) => drop(parent.as_table_mut().unwrap().remove(key)),
            (Step::Item(at), Some(new)) => parent.as_array_mut().unwrap()[*at] = new,
            (Step::Item(at), None) => drop(parent.as_array_mut().unwrap().remove(*at)),
        }
        changed.as_table().unwrap().clone()
    };
    let now = at(full, place).unwrap();
    let mut changed = vec![with(None)];
    match now {
        Value::Boolean(flag) => changed.push(with(Some(Value::Boolean(!flag)))),
        Value::Integer(number) => changed.push(with(Some(Value::Integer(number + 1)))),
        Value::String(text) => {
            let appended = ["x", ".example"].map(|more| format!("{text}{more}"));
            let texts = appended.iter().chain(others).filter(|other| *other != text);
            let mut reads =
                texts.map(|other| with(Some(Value::String(other.clone())))).filter(|new| read(new).is_some());
            changed.extend(reads.by_ref().take(1));
        }
        _ => {}
    }
    changed
}

fn read(document: &Table) -> Option<Policy> {
    parse::parse(&document.to_string()).ok()
}

/// A policy without the places where it says what it says.
fn bare(policy: &Policy) -> String {
    let text = format!("{policy:#?}");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("span: "));
    lines.collect::<Vec<_>>().join("\n")
}

/// The keys of the schema, each with those above it; `*` is a name people choose.
fn keys_of_schema() -> BTreeSet<String> {
    fn below(schema: &Json, root: &Json, path: &str, all: &mut BTreeSet<String>) {
        let named = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if let Some(of) = schema["$ref"].as_str() {
            below(root.pointer(of.trim_start_matches('#')).unwrap(), root, path, all);
        }
        for (key, value) in
            schema["properties"].as_object().into_iter().flatten().filter(|(_, value)| value.is_object())
        {
            all.insert(named(key));
            below(value, root, &named(key), all);
        }
        if schema["additionalProperties"].is_object() {
            all.insert(named("*"));
            below(&schema["additionalProperties"], root, &named("*"), all);
        }
        let branches = ["oneOf", "anyOf"].iter().filter_map(|of| schema[*of].as_array()).flatten();
        branches.chain(schema.get("items")).for_each(|schema| below(schema, root, path, all));
    }
    let text = include_str!("../../schemas/policy.schema.json");
    let schema: Json = serde_json::from_str(text).unwrap();
    let mut all = BTreeSet::new();
    below(&schema, &schema, "", &mut all);
    all
}

fn key_of(place: &[Step], known: &BTreeSet<String>) -> String {
    place.iter().fold(String::new(), |path, step| match step {
        Step::Item(_) => path,
        Step::Key(key) => {
            let named = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            if known.contains(&named(key)) { named(key) } else { named("*") }
        }
    })
}
