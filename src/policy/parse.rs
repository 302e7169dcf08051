//! TOML to [`Policy`], with every finding at its place.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono_tz::Tz;

use super::template::Template;
use super::{ApprovalRule, ArtifactCheck, ArtifactTemplate, Bind, Gate, Hat, Pipeline, Policy, Reach, Rule, Severity};
use crate::evidence::facts::Expect;
use crate::evidence::readers;
use crate::findings::{Findings, Table, nearest};
use crate::id::{Name, fold};
use crate::sign::Roster;
use crate::sign::roster::{checked, parse_document};

const DEFAULT_FOLDER: &str = "Stage9_{gate}_{date}";

/// Reads a whole policy. On any finding there is no policy.
pub fn parse(text: &str) -> Result<Policy, Findings> {
    let mut findings = Findings::default();
    let policy = parse_document(text, &mut findings).and_then(|document| {
        let mut root = Table::new(&document, 0..text.len().min(1), "the policy");
        let roster = Roster::read(&mut root, &mut findings);
        let (zone, link) = read_ledger(&mut root, &mut findings);
        let pipelines = read_pipelines(&mut root, &mut findings);
        root.finish(&mut findings);
        Some(Policy { roster: roster?, zone, link, pipelines })
    });
    policy.filter(|_| findings.is_empty()).ok_or(findings)
}

fn read_ledger(root: &mut Table<'_, '_>, findings: &mut Findings) -> (Tz, Option<Template>) {
    // A missing [ledger] has been reported by the roster.
    let Some(mut ledger) = root.table("ledger", &mut Findings::default()) else { return (Tz::UTC, None) };
    ledger.value("origin");
    let zone = ledger.text("timezone", findings).and_then(|name| {
        let help = "use an IANA name such as \"Asia/Seoul\" or \"UTC\"";
        name.parse()
            .map_err(|_| findings.add_help(ledger.span_of("timezone"), format!("unknown time zone {name:?}"), help))
            .ok()
    });
    let link = template(&mut ledger, "link", &["commit", "folder"], findings);
    ledger.finish(findings);
    (zone.unwrap_or(Tz::UTC), link)
}

fn read_pipelines(root: &mut Table<'_, '_>, findings: &mut Findings) -> Vec<Pipeline> {
    let span = root.span();
    let named = root.named("pipeline", findings);
    if named.is_empty() {
        findings.add(span, "the policy needs at least one [pipeline.NAME]");
    }
    let read = |(id, span, table)| read_pipeline(checked(Name::parse(id), span, findings), table, findings);
    named.into_iter().filter_map(read).collect()
}

fn read_pipeline(id: Option<Name>, mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Pipeline> {
    let folder = template(&mut table, "folder", &["gate", "date", "version", "pipeline"], findings)
        .or_else(|| Template::parse(DEFAULT_FOLDER, &["gate", "date"]).ok());
    let bind = choice(&mut table, "bind", &[("commit", Bind::Commit), ("tree", Bind::Tree)], findings);
    let mut artifacts = Vec::new();
    for mut item in table.tables("artifacts", findings) {
        let name = item.required("name", findings);
        let name = name.and_then(|name| checked(Name::parse(name), item.span_of("name"), findings));
        item.required("path", findings);
        let path = path_template(&mut item, "path", findings);
        artifacts.extend(name.zip(path).map(|(name, path)| ArtifactTemplate { name, path }));
        item.finish(findings);
    }
    let mut documents = BTreeMap::new();
    if let Some(table) = table.table("documents", findings) {
        for (name, path, span) in table.pairs(findings) {
            documents.extend(checked(Name::parse(name), span, findings).map(|name| (name, path.to_owned())));
        }
    }
    let span = table.span();
    let gates: Vec<Gate> =
        table.tables("gate", findings).into_iter().filter_map(|gate| read_gate(gate, &artifacts, findings)).collect();
    if gates.is_empty() {
        findings.add(span, "a pipeline needs at least one [[pipeline.NAME.gate]]");
    }
    check_order(&gates, findings);
    table.finish(findings);
    Some(Pipeline { id: id?, folder: folder?, bind: bind.unwrap_or(Bind::Commit), artifacts, documents, gates })
}

fn read_gate(mut table: Table<'_, '_>, artifacts: &[ArtifactTemplate], findings: &mut Findings) -> Option<Gate> {
    let span = table.span();
    let id = table.required("id", findings);
    let id = id.and_then(|id| checked(Name::parse(id), table.span_of("id"), findings));
    let name = table.text("name", findings);
    let name = name.and_then(|name| checked(Name::parse(name), table.span_of("name"), findings)).or_else(|| id.clone());
    let labels = table.table("label", findings).map(|labels| labels.pairs(findings)).unwrap_or_default();
    let labels = labels.into_iter().map(|(language, text, _)| (language.to_owned(), text.to_owned())).collect();
    let requires = names(&mut table, "requires", findings);
    let rules: Vec<Rule> =
        table.tables("rule", findings).into_iter().filter_map(|rule| read_rule(rule, artifacts, findings)).collect();
    let approvals = read_approvals(&mut table, &rules, findings);
    let recheck = table.texts("recheck", findings);
    for (word, span) in recheck.iter().filter(|(word, _)| *word != "policy") {
        findings.add(span.clone(), format!("unknown recheck {word:?}: use \"policy\" (evidence is always rechecked)"));
    }
    if approvals.is_empty() {
        findings.add(span.clone(), "a gate needs an approval: without one nobody answers for it");
    }
    let spans = rules.iter().map(|r| (&r.id, &r.span)).chain(approvals.iter().map(|a| (&a.id, &a.span)));
    check_distinct("rule", spans, findings);
    table.finish(findings);
    Some(Gate { id: id?, name: name?, labels, requires, rules, approvals, recheck_policy: !recheck.is_empty(), span })
}

fn read_rule(mut table: Table<'_, '_>, artifacts: &[ArtifactTemplate], findings: &mut Findings) -> Option<Rule> {
    let span = table.span();
    let id = table.required("id", findings);
    let id = id.and_then(|id| checked(Name::parse(id), table.span_of("id"), findings));
    let slot = table.text("slot", findings);
    let slot = slot.and_then(|slot| checked(Name::parse(slot), table.span_of("slot"), findings)).or_else(|| id.clone());
    let formats = read_formats(&mut table, findings);
    let file = path_template(&mut table, "file", findings);
    let template = path_template(&mut table, "template", findings);
    let values = table.table("values", findings).map(|values| values.pairs(findings)).unwrap_or_default();
    let check = |(name, place, span): (&str, &str, Range<usize>)| {
        checked(readers::check_value(&formats, name, place), span, findings)
            .map(|()| (name.to_owned(), place.to_owned()))
    };
    let values = values.into_iter().filter_map(check).collect();
    let section = table.text("section", findings).map(str::to_owned);
    let expect = table.texts("expect", findings);
    let expect = expect.into_iter().filter_map(|(text, span)| checked(Expect::parse(text), span, findings)).collect();
    let by = names(&mut table, "by", findings);
    let within =
        table.text("within", findings).and_then(|text| checked(duration(text), table.span_of("within"), findings));
    let reach = choice(&mut table, "reach", &[("attempt", Reach::Attempt), ("release", Reach::Release)], findings);
    let checks = [("recorded", ArtifactCheck::Recorded), ("published", ArtifactCheck::Published)];
    let check = choice(&mut table, "artifacts", &checks, findings);
    if check.is_some() && artifacts.is_empty() {
        findings.add(table.span_of("artifacts"), "the pipeline declares no artifacts to check");
    }
    let changed_since = table.text("changed_since", findings);
    let changed_since =
        changed_since.and_then(|gate| checked(Name::parse(gate), table.span_of("changed_since"), findings));
    let links_gates = table.flag("links_gates", findings);
    table.finish(findings);
    let (reach, artifacts) = (reach.unwrap_or(Reach::Attempt), check);
    Some(Rule {
        id: id?,
        slot: slot?,
        formats,
        file,
        values,
        template,
        section,
        expect,
        by,
        within,
        reach,
        artifacts,
        changed_since,
        links_gates,
        span,
    })
}

fn read_formats(table: &mut Table<'_, '_>, findings: &mut Findings) -> Vec<&'static str> {
    let mut formats = Vec::new();
    for (text, span) in table.texts("format", findings) {
        match readers::formats().find(|format| *format == text) {
            Some(format) => formats.push(format),
            None => {
                let help = nearest(text, readers::formats()).map_or_else(
                    || format!("use {}", readers::formats().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                findings.add_help(span, format!("unknown format {text:?}"), help);
            }
        }
    }
    if formats.is_empty() {
        formats.push("file");
    }
    formats
}

/// `[gate.approval]`, or `[[gate.approval]]` where several roles must sign.
fn read_approvals(table: &mut Table<'_, '_>, rules: &[Rule], findings: &mut Findings) -> Vec<ApprovalRule> {
    let Some(value) = table.value("approval") else { return Vec::new() };
    let tables = match value.get_ref().is_array() {
        true => table.tables("approval", findings),
        false => table.table("approval", findings).into_iter().collect(),
    };
    let several = tables.len() > 1;
    let approvals = tables.into_iter().enumerate();
    approvals.filter_map(|(at, approval)| read_approval(approval, at, several, rules, findings)).collect()
}

fn read_approval(
    mut table: Table<'_, '_>,
    at: usize,
    several: bool,
    rules: &[Rule],
    findings: &mut Findings,
) -> Option<ApprovalRule> {
    let span = table.span();
    let default = if several { format!("approval-{}", at + 1) } else { "approval".to_owned() };
    let id = table.text("id", findings).unwrap_or(&default).to_owned();
    let id = checked(Name::parse(&id), table.span_of("id"), findings);
    let mut roles = names(&mut table, "role", findings);
    roles.extend(names(&mut table, "roles", findings));
    if roles.is_empty() {
        findings.add(span.clone(), "an approval needs `role` or `roles`");
    }
    let count = table.count("count", 1, findings);
    let forbid = table.table("forbid", findings).map(|forbid| read_forbid(forbid, findings)).unwrap_or_default();
    let interactive = table.flag("interactive", findings);
    let phrase = table.text("phrase", findings).map(str::to_owned);
    if phrase.is_some() && !rules.iter().any(|rule| rule.formats.contains(&"task-log")) {
        findings.add(
            table.span_of("phrase"),
            "a phrase is looked for in a log: the gate needs a rule with format = \"task-log\"",
        );
    }
    table.finish(findings);
    Some(ApprovalRule { id: id?, roles, count, forbid, interactive, phrase, span })
}

fn read_forbid(table: Table<'_, '_>, findings: &mut Findings) -> Vec<(Hat, Severity)> {
    let mut forbid = Vec::new();
    for (hat, severity, span) in table.pairs(findings) {
        let known = Hat::ALL.iter().find(|(word, _)| *word == hat).map(|(_, hat)| *hat);
        let severity = match severity {
            "deny" => Some(Severity::Deny),
            "warn" => Some(Severity::Warn),
            _ => None,
        };
        if known.is_none() {
            let words: Vec<&str> = Hat::ALL.iter().map(|(word, _)| *word).collect();
            findings.add(span.clone(), format!("`{hat}` cannot be forbidden: use {}", words.join(", ")));
        }
        if severity.is_none() {
            findings.add(span, format!("`{hat}` must be \"deny\" or \"warn\""));
        }
        forbid.extend(known.zip(severity));
    }
    forbid
}

/// Required gates exist and never lead back to the gate itself; names do not collide.
fn check_order(gates: &[Gate], findings: &mut Findings) {
    check_distinct("gate", gates.iter().map(|gate| (&gate.id, &gate.span)), findings);
    check_distinct(
        "gate",
        gates.iter().filter(|g| fold(g.name.as_str()) != fold(g.id.as_str())).map(|g| (&g.name, &g.span)),
        findings,
    );
    for gate in gates {
        let since = gate.rules.iter().filter_map(|rule| Some((rule.changed_since.as_ref()?, &rule.span)));
        for (required, span) in gate.requires.iter().map(|name| (name, &gate.span)).chain(since) {
            if !gates.iter().any(|other| other.id == *required) {
                findings.add(
                    span.clone(),
                    format!("gate `{}` names `{required}`, which is no gate of this pipeline", gate.id),
                );
            }
        }
    }
    for gate in in_circles(gates) {
        findings.add(gate.span.clone(), format!("gate `{}` requires itself", gate.id));
    }
}

/// Gates that can never be the first of those left (Kahn, 1962): they require one another.
fn in_circles(gates: &[Gate]) -> Vec<&Gate> {
    let mut waiting: BTreeMap<&Name, BTreeSet<&Name>> =
        gates.iter().map(|gate| (&gate.id, gate.requires.iter().collect())).collect();
    let mut wanted_by: BTreeMap<&Name, Vec<&Name>> = BTreeMap::new();
    for gate in gates {
        gate.requires.iter().for_each(|required| wanted_by.entry(required).or_default().push(&gate.id));
    }
    // A gate that is not there is found elsewhere, and keeps nobody waiting.
    let missing = wanted_by.keys().copied().filter(|id| !waiting.contains_key(id));
    let mut free: Vec<&Name> = missing.chain(gates.iter().filter(|g| g.requires.is_empty()).map(|g| &g.id)).collect();
    while let Some(id) = free.pop() {
        waiting.remove(id);
        for other in wanted_by.remove(id).unwrap_or_default() {
            if let Some(left) = waiting.get_mut(other) {
                left.remove(id);
                if left.is_empty() {
                    free.push(other);
                }
            }
        }
    }
    gates.iter().filter(|gate| waiting.contains_key(&gate.id)).collect()
}

fn check_distinct<'n>(what: &str, names: impl Iterator<Item = (&'n Name, &'n Range<usize>)>, findings: &mut Findings) {
    let mut seen = BTreeMap::new();
    for (name, span) in names {
        if let Some(other) = seen.insert(name.folded(), name) {
            findings.add(span.clone(), format!("{what} `{name}` collides with `{other}`"));
        }
    }
}

fn names(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Vec<Name> {
    let texts = table.texts(key, findings);
    texts.into_iter().filter_map(|(text, span)| checked(Name::parse(text), span, findings)).collect()
}

fn template(
    table: &mut Table<'_, '_>,
    key: &'static str,
    allowed: &[&str],
    findings: &mut Findings,
) -> Option<Template> {
    let text = table.text(key, findings)?;
    checked(Template::parse(text, allowed), table.span_of(key), findings)
}

/// A path inside the source tree, with forward slashes.
fn path_template(table: &mut Table<'_, '_>, key: &'static str, findings: &mut Findings) -> Option<Template> {
    let path = template(table, key, &["version"], findings)?;
    let text = path.to_string();
    if text.contains(['\\', ':']) || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        findings.add(table.span_of(key), format!("`{key}` must be a path inside the repository, with forward slashes"));
    }
    Some(path)
}

fn choice<T: Copy>(
    table: &mut Table<'_, '_>,
    key: &'static str,
    choices: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let text = table.text(key, findings)?;
    let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if chosen.is_none() {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
        findings.add(table.span_of(key), format!("`{key}` must be {}", words.join(" or ")));
    }
    chosen
}

/// `90m`, `24h`, `7d`: a whole number of minutes, hours or days, in seconds.
fn duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no duration: write 90m, 24h or 7d");
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    if count == 0 { Err(wrong()) } else { Ok(i64::from(count) * unit) }
}
