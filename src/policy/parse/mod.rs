//! TOML to [`Policy`], with every finding at its place.

mod approval;
mod gate;
mod order;
mod response;
mod rule;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;

use chrono_tz::Tz;

use super::keeping;
use super::template::Template;
use super::{ArtifactTemplate, Bind, Gate, Pipeline, Policy};
use crate::findings::{Findings, Table};
use crate::id::Name;
use crate::sign::Roster;
use crate::sign::roster::{checked, parse_document};
use values::{choice, path_template, template};
pub use values::{seconds as duration, until};

const DEFAULT_FOLDER: &str = "Stage9_{gate}_{date}";

/// Reads a whole policy. On any finding there is no policy.
pub fn parse(text: &str) -> Result<Policy, Findings> {
    let mut findings = Findings::default();
    let policy = parse_document(text, &mut findings).and_then(|document| {
        let mut root = Table::new(&document, 0..text.len().min(1), "the policy");
        let roster = Roster::read(&mut root, &mut findings);
        let (zone, link) = read_ledger(&mut root, &mut findings);
        let keeping = keeping::read(&mut root, &mut findings);
        let pipelines = read_pipelines(&mut root, &mut findings);
        root.finish(&mut findings);
        Some(Policy { roster: roster?, zone, link, keeping, pipelines })
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
    let read = |(id, span, table): (&str, Range<usize>, _)| {
        read_pipeline(checked(Name::parse(id), span, findings), table, findings)
    };
    let pipelines: Vec<Pipeline> = named.into_iter().filter_map(read).collect();
    order::check_pipelines(&pipelines, findings);
    pipelines
}

fn read_pipeline(id: Option<Name>, mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Pipeline> {
    let folder = template(&mut table, "folder", &["gate", "date", "version", "pipeline"], findings)
        .or_else(|| Template::parse(DEFAULT_FOLDER, &["gate", "date"]).ok());
    let bind = choice(&mut table, "bind", &[("commit", Bind::Commit), ("tree", Bind::Tree)], findings);
    let artifacts = read_artifacts(&mut table, findings);
    let mut documents = BTreeMap::new();
    if let Some(table) = table.table("documents", findings) {
        for (name, path, span) in table.pairs(findings) {
            documents.extend(checked(Name::parse(name), span, findings).map(|name| (name, path.to_owned())));
        }
    }
    let span = table.span();
    let tables = table.tables("gate", findings).into_iter();
    let gates: Vec<Gate> = tables.filter_map(|table| gate::read(table, &artifacts, findings)).collect();
    if gates.is_empty() {
        findings.add(span, "a pipeline needs at least one [[pipeline.NAME.gate]]");
    }
    let freezes = table.tables("freeze", findings).into_iter();
    let freezes = freezes.filter_map(|table| response::read_freeze(table, findings)).collect();
    let triggers = table.tables("trigger", findings).into_iter();
    let triggers = triggers.filter_map(|table| response::read_trigger(table, findings)).collect();
    let rollbacks = table.tables("rollback", findings).into_iter();
    let rollbacks = rollbacks.filter_map(|table| response::read_rollback(table, findings)).collect();
    let sync = super::sync::read(&mut table, &gates, findings);
    table.finish(findings);
    let (id, folder, bind) = (id?, folder?, bind.unwrap_or(Bind::Commit));
    let pipeline = Pipeline { id, folder, bind, artifacts, documents, gates, freezes, triggers, rollbacks, sync };
    order::check(&pipeline, findings);
    Some(pipeline)
}

fn read_artifacts(table: &mut Table<'_, '_>, findings: &mut Findings) -> Vec<ArtifactTemplate> {
    let mut artifacts = Vec::new();
    for mut item in table.tables("artifacts", findings) {
        let name = item.required("name", findings);
        let name = name.and_then(|name| checked(Name::parse(name), item.span_of("name"), findings));
        item.required("path", findings);
        let path = path_template(&mut item, "path", findings);
        artifacts.extend(name.zip(path).map(|(name, path)| ArtifactTemplate { name, path }));
        item.finish(findings);
    }
    artifacts
}
