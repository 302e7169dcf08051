//! `[[pipeline.NAME.sync]]`: the documents that mirror what the ledger says of a release.
//!
//! Nothing here decides about a gate. A mirror that disagrees closes nothing; `ledger docs` tells it.

use std::ops::Range;

use super::template::Template;
use super::{Gate, Pipeline, Policy, Rule};
use crate::findings::{Findings, Table, nearest};
use crate::id::{Name, fold};
use crate::sign::roster::checked;

/// One document, and in which way it mirrors the ledger.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// From the root of the work tree.
    pub path: Template,
    pub kind: MirrorKind,
    pub span: Range<usize>,
}

#[derive(Debug, Clone)]
pub enum MirrorKind {
    /// A log with one line for every decision; its path may have the day of the decision in it.
    Log,
    /// A Markdown document with a box for a gate, ticked while the gate is promoted.
    Checklist {
        /// The heading below which no box is ticked without a gate.
        section: Option<String>,
        /// Gates, and the words beside their boxes.
        items: Vec<(Name, String)>,
    },
    /// A document with a marked region that is filled from a template.
    Region { region: Name, template: Option<Template>, language: &'static str },
    /// Release notes, which link the folder of every promoted gate.
    Notes,
}

/// The key that says what a document is.
const KINDS: &[&str] = &["log", "checklist", "document", "notes"];
/// The languages of the templates that come with the program.
const LANGUAGES: &[&str] = &["en", "ko"];
/// What `ledger notes` fills, and nothing else may.
pub const NOTES_REGION: &str = "notes";

/// Reads a pipeline's mirrors.
pub(super) fn read(pipeline: &mut Table<'_, '_>, gates: &[Gate], findings: &mut Findings) -> Vec<Mirror> {
    let tables = pipeline.tables("sync", findings);
    let mirrors: Vec<Mirror> = tables.into_iter().filter_map(|table| read_mirror(table, gates, findings)).collect();
    for (at, mirror) in mirrors.iter().enumerate() {
        let same = |other: &&Mirror| other.path == mirror.path && other.is_same_kind(mirror);
        if mirrors.iter().take(at).any(|other| same(&other)) {
            findings.add(mirror.span.clone(), format!("{} is mirrored twice in the same way", mirror.path));
        }
    }
    mirrors
}

fn read_mirror(mut table: Table<'_, '_>, gates: &[Gate], findings: &mut Findings) -> Option<Mirror> {
    let span = table.span();
    let found: Vec<_> = KINDS.iter().filter_map(|kind| Some((*kind, table.value(kind)?.span()))).collect();
    let (kind, place) = match found.as_slice() {
        [(kind, place)] => (*kind, place.clone()),
        [] => {
            findings.add(span, format!("[[sync]] needs one of {}", KINDS.join(", ")));
            return None;
        }
        [_, (second, place), ..] => {
            findings
                .add(place.clone(), format!("[[sync]] is about one document: put `{second}` in a table of its own"));
            return None;
        }
    };
    let allowed: &[&str] = if kind == "log" { &["version", "date"] } else { &["version"] };
    let path = table.text(kind, findings);
    let path = path.and_then(|path| checked(Template::of_path(path, allowed), place.clone(), findings));
    let kind = match kind {
        "log" => {
            check_date(path.as_ref(), place, findings);
            Some(MirrorKind::Log)
        }
        "checklist" => read_checklist(&mut table, gates, findings),
        "document" => read_region(&mut table, findings),
        _ => Some(MirrorKind::Notes),
    };
    table.finish(findings);
    Some(Mirror { path: path?, kind: kind?, span })
}

/// The logs of all days lie in one folder, where they can be found.
fn check_date(path: Option<&Template>, place: Range<usize>, findings: &mut Findings) {
    let text = path.map(Template::to_string).unwrap_or_default();
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", &text));
    if folder.contains("{date}") || name.matches("{date}").count() > 1 {
        findings.add(place, "{date} stands once, in the file's own name");
    }
}

fn read_checklist(table: &mut Table<'_, '_>, gates: &[Gate], findings: &mut Findings) -> Option<MirrorKind> {
    let section = table.text("section", findings).map(str::to_owned);
    let items = table.required_table("items", findings)?;
    let span = items.span();
    let mut read: Vec<(Name, String)> = Vec::new();
    for (gate, words, place) in items.pairs(findings) {
        match gates.iter().find(|known| known.id.as_str() == gate) {
            None => {
                let message = format!("`{gate}` is no gate of this pipeline");
                match nearest(gate, gates.iter().map(|gate| gate.id.as_str())) {
                    Some(near) => findings.add_help(place, message, format!("did you mean `{near}`?")),
                    None => findings.add(place, message),
                }
            }
            Some(_) if read.iter().any(|(_, known)| fold(known) == fold(words)) => {
                findings.add(place, "one box cannot stand for two gates");
            }
            Some(known) => read.push((known.id.clone(), words.to_owned())),
        }
    }
    if read.is_empty() {
        findings.add(span, "`items` names no gate: write { GATE = \"words beside its box\" }");
    }
    Some(MirrorKind::Checklist { section, items: read })
}

fn read_region(table: &mut Table<'_, '_>, findings: &mut Findings) -> Option<MirrorKind> {
    let region = table.required("region", findings);
    let region = region.and_then(|region| checked(Name::parse(region), table.span_of("region"), findings));
    if region.as_ref().is_some_and(|region| region.as_str() == NOTES_REGION) {
        let help = "write notes = FILE for it";
        findings.add_help(table.span_of("region"), "the region `notes` is filled by ledger notes", help);
    }
    let template = table.text("template", findings);
    let template =
        template.and_then(|path| checked(Template::of_path(path, &["version"]), table.span_of("template"), findings));
    let language = table.text("language", findings).unwrap_or("en");
    let known = LANGUAGES.iter().find(|known| **known == language);
    if known.is_none() {
        findings.add(table.span_of("language"), format!("`language` must be {}", LANGUAGES.join(" or ")));
    }
    Some(MirrorKind::Region { region: region?, template, language: known? })
}

/// Mirrors that stand in their own way.
pub(super) fn lint(policy: &Policy, findings: &mut Findings) {
    for pipeline in &policy.pipelines {
        for mirror in &pipeline.sync {
            pipeline.gates.iter().for_each(|gate| lint_gate(pipeline, mirror, gate, findings));
        }
    }
}

/// What `ledger docs` writes into a document that a gate's approvers see would undo their approval.
fn lint_gate(pipeline: &Pipeline, mirror: &Mirror, gate: &Gate, findings: &mut Findings) {
    let mut rules = gate.rules.iter().filter(|rule| rule.file.as_ref() == Some(&mirror.path));
    match &mirror.kind {
        MirrorKind::Log | MirrorKind::Region { .. } => {
            if let Some(rule) = rules.next() {
                let message = format!(
                    "{} is evidence of gate `{}` (rule `{}`): what ledger docs writes there after an approval lapses it",
                    mirror.path, gate.id, rule.id
                );
                findings.add_help(mirror.span.clone(), message, "mirror into a document that is no evidence");
            }
        }
        MirrorKind::Checklist { section, items } => {
            let too_late =
                |promoted: &Gate| promoted.id == gate.id || pipeline.before(promoted).iter().any(|g| g.id == gate.id);
            let seen = |rule: &Rule| sees(rule, section.as_deref());
            let Some(rule) = rules.find(|rule| seen(rule)) else { return };
            for (id, _) in items {
                if pipeline.gate(id).is_some_and(too_late) {
                    let message = format!(
                        "the box of `{id}` is evidence of gate `{}` (rule `{}`), and is ticked only after it",
                        gate.id, rule.id
                    );
                    findings.add_help(mirror.span.clone(), message, "put it into another section or document");
                }
            }
        }
        MirrorKind::Notes => {}
    }
}

/// Whether a rule looks at the boxes of a section; where either names none, it may.
fn sees(rule: &Rule, section: Option<&str>) -> bool {
    rule.section.as_deref().zip(section).is_none_or(|(one, other)| one == other)
}

impl Mirror {
    fn is_same_kind(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (MirrorKind::Region { region, .. }, MirrorKind::Region { region: second, .. }) => region == second,
            (MirrorKind::Checklist { section, .. }, MirrorKind::Checklist { section: second, .. }) => section == second,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::lint;
    use crate::policy::parse::parse;

    /// The stock example without mirrors of its own, and some more lines.
    fn policy(more: &str) -> String {
        let example = include_str!("../../examples/stage9/ledger.toml");
        let paragraphs = example.split("\n\n").filter(|text| !text.starts_with("[[pipeline.stage9.sync]]"));
        format!("{}\n{more}", paragraphs.collect::<Vec<_>>().join("\n\n"))
    }

    #[track_caller]
    fn refused(more: &str, why: &str) {
        let findings = parse(&policy(&format!("[[pipeline.stage9.sync]]\n{more}"))).unwrap_err();
        let messages: Vec<String> = findings.iter().map(|finding| finding.message.clone()).collect();
        assert!(messages.iter().any(|message| message.contains(why)), "{more}: {messages:?}");
    }

    fn doubts(more: &str) -> Vec<String> {
        let policy = parse(&policy(&format!("[[pipeline.stage9.sync]]\n{more}"))).unwrap();
        lint::lint(&policy).iter().map(|finding| finding.message.clone()).collect()
    }

    #[test]
    fn every_kind_of_mirror_is_read() {
        let text = "[[pipeline.stage9.sync]]\nlog = \"logs/task_execution_{date}.log\"\n\
            [[pipeline.stage9.sync]]\nchecklist = \"docs/작업.md\"\nsection = \"Phase 5\"\nitems = { alpha = \"Alpha 승인\", ga = \"GA 승인\" }\n\
            [[pipeline.stage9.sync]]\ndocument = \"docs/g_{version}.md\"\nregion = \"gates\"\ntemplate = \"docs/g.tpl\"\nlanguage = \"ko\"\n\
            [[pipeline.stage9.sync]]\nnotes = \"deliverables/release_notes_{version}.md\"\n";
        let policy = parse(&policy(text)).unwrap();
        let sync = &policy.pipelines[0].sync;
        let paths: Vec<String> = sync.iter().map(|mirror| mirror.path.to_string()).collect();
        assert_eq!(paths[..2], ["logs/task_execution_{date}.log", "docs/작업.md"]);
        let MirrorKind::Checklist { section: Some(section), items } = &sync[1].kind else { panic!("{sync:?}") };
        assert_eq!((section.as_str(), items[1].0.as_str(), items[1].1.as_str()), ("Phase 5", "ga", "GA 승인"));
        let MirrorKind::Region { region, template: Some(_), language } = &sync[2].kind else { panic!("{sync:?}") };
        assert_eq!((region.as_str(), *language), ("gates", "ko"));
        assert!(matches!(sync[0].kind, MirrorKind::Log) && matches!(sync[3].kind, MirrorKind::Notes));
        assert!(lint::lint(&policy).is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (more, why) in [
            ("section = \"a\"", "needs one of log, checklist, document, notes"),
            ("log = \"a\"\nnotes = \"b\"", "`notes` in a table of its own"),
            ("log = \"a\"\nsection = \"b\"", "unknown key `section`"),
            ("log = \"../a\"", "inside the repository"),
            ("log = \".git/a\"", "inside the repository"),
            ("log = \"{date}/a\"", "{date} stands once"),
            ("log = \"{date}{date}\"", "{date} stands once"),
            ("checklist = \"{date}.md\"\nitems = { alpha = \"a\" }", "unknown placeholder {date}"),
            ("checklist = \"a.md\"", "needs `items`"),
            ("checklist = \"a.md\"\nitems = {}", "names no gate"),
            ("checklist = \"a.md\"\nitems = { alhpa = \"a\" }", "`alhpa` is no gate"),
            ("checklist = \"a.md\"\nitems = { alpha = \"a\", ga = \"A\" }", "one box cannot stand for two"),
            ("document = \"a.md\"", "needs `region`"),
            ("document = \"a.md\"\nregion = \"notes\"", "filled by ledger notes"),
            ("document = \"a.md\"\nregion = \"a\"\nlanguage = \"fr\"", "must be en or ko"),
            ("log = \"a\"\n[[pipeline.stage9.sync]]\nlog = \"a\"", "mirrored twice"),
        ] {
            refused(more, why);
        }
    }

    #[test]
    fn a_mirror_that_would_undo_an_approval_is_found() {
        let items =
            |section, items| format!("checklist = \"docs/Tasklist.md\"\nsection = \"{section}\"\nitems = {items}");
        assert_eq!(doubts(&items("Phase 5", "{ alpha = \"a\", beta = \"b\" }")), [""; 0]);
        assert_eq!(doubts(&items("Phase 6", "{ ga = \"c\" }")), [""; 0]);
        let own = doubts(&items("Phase 5", "{ alpha = \"a\", ga = \"c\" }"));
        assert_eq!(own, ["the box of `ga` is evidence of gate `ga` (rule `tasklist`), and is ticked only after it"]);
        let qa = "checklist = \"docs/sprint/routing_enhancement_qa.md\"\nitems = { beta = \"b\" }";
        assert!(doubts(qa)[0].contains("the box of `beta` is evidence of gate `alpha`"));
        let guide = "document = \"docs/install_guide_ko.md\"\nregion = \"gates\"";
        assert!(doubts(guide)[0].contains("is evidence of gate `beta` (rule `install-guide`)"));
        assert!(doubts("log = \"docs/install_guide_ko.md\"")[0].contains("lapses it"));
    }
}
