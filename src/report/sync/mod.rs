//! Whether the documents people read say what the ledger says of a release, and what would make them.
//!
//! Pure: bytes of documents and a verified ledger to disagreements and new bytes. A box is ticked, a line
//! added, a region filled; nothing is ever unticked, struck out or put in another's place.

mod checklist;
mod log;
mod notes;
mod region;
mod sheet;

pub use log::line_of;
pub use sheet::Change;

use std::collections::BTreeMap;

use self::sheet::{Edit, Sheet};
use super::render::TemplateError;
use crate::chain::{VerifiedEntry, View};
use crate::entry::kinds::Predicate;
use crate::id::{EntryNumber, Timestamp, Version};
use crate::policy::evaluate::shell;
use crate::policy::sync::MirrorKind;
use crate::policy::{Evaluator, Gate, Pipeline, Policy};

/// A release, and what is known of it.
pub struct Case<'c, 'l> {
    pub evaluator: &'c Evaluator<'l>,
    pub policy: &'c Policy,
    pub pipeline: &'c Pipeline,
    pub release: &'c Version,
    pub now: Timestamp,
}

/// Documents by path: their bytes, nothing where there is no file, or why it cannot be read.
pub type Files = BTreeMap<String, Result<Option<Vec<u8>>, String>>;

/// One place where a document says something else than the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    pub file: String,
    /// 1-based, where there is one.
    pub line: Option<usize>,
    /// What the ledger says.
    pub ledger: String,
    pub document: String,
    pub mend: Mend,
}

/// What brings the two together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// The change that was made of it: `ledger docs --write`.
    Written,
    /// A command, or what only a person can decide.
    By(String),
}

/// A document that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub file: String,
    pub why: String,
    pub hint: Option<String>,
}

/// All of it, in the order of the policy.
#[derive(Debug, Default)]
pub struct Comparison {
    pub disagreements: Vec<Disagreement>,
    pub unreadable: Vec<Unreadable>,
    /// Documents that would say more than they do, by path.
    pub changes: BTreeMap<String, Change>,
}

/// Paths of everything a comparison needs; `names` lists a folder's files, and none where it is not there.
pub fn paths<E>(case: &Case<'_, '_>, mut names: impl FnMut(&str) -> Result<Vec<String>, E>) -> Result<Vec<String>, E> {
    let values = [("version", case.release.as_str())];
    let mut paths = Vec::new();
    for mirror in &case.pipeline.sync {
        match &mirror.kind {
            MirrorKind::Log => {
                let pattern = log::Pattern::of(case, &mirror.path);
                paths.extend(pattern.found(&names(pattern.folder())?));
                paths.extend(log::lines(case, &pattern).into_iter().map(|line| line.path));
            }
            MirrorKind::Region { template, .. } => {
                paths.push(mirror.path.fill(&values));
                paths.extend(template.as_ref().map(|template| template.fill(&values)));
            }
            MirrorKind::Checklist { .. } | MirrorKind::Notes => paths.push(mirror.path.fill(&values)),
        }
    }
    Ok(paths)
}

/// Every mirror of the pipeline beside the ledger. A template that gives no text is asked wrongly.
pub fn compare(case: &Case<'_, '_>, files: &Files) -> Result<Comparison, TemplateError> {
    let mut desk = Desk { files, told: Comparison::default(), edits: BTreeMap::new() };
    for mirror in &case.pipeline.sync {
        let path = mirror.path.fill(&[("version", case.release.as_str())]);
        match &mirror.kind {
            MirrorKind::Log => log::compare(case, &log::Pattern::of(case, &mirror.path), &mut desk),
            MirrorKind::Checklist { section, items } => {
                checklist::compare(case, &path, section.as_deref(), items, &mut desk);
            }
            MirrorKind::Region { region, template, language } => {
                let template = template.as_ref().map(|t| t.fill(&[("version", case.release.as_str())]));
                region::compare(case, &path, (region, template.as_deref(), language), &mut desk)?;
            }
            MirrorKind::Notes => notes::compare(case, &path, &mut desk),
        }
    }
    Ok(desk.finish())
}

/// What lies on the table while documents are compared.
struct Desk<'f> {
    files: &'f Files,
    told: Comparison,
    edits: BTreeMap<String, Vec<Edit>>,
}

impl<'f> Desk<'f> {
    /// A document that is there; where it is not, or cannot be written again as it is, that is told.
    fn sheet(&mut self, path: &str, hint: Option<&str>) -> Option<Sheet<'f>> {
        match self.sheet_if_there(path)? {
            Some(sheet) => Some(sheet),
            None => {
                self.cannot_read(path, "it is not there", hint);
                None
            }
        }
    }

    /// The same where a document need not be there.
    fn sheet_if_there(&mut self, path: &str) -> Option<Option<Sheet<'f>>> {
        let sheet = match self.files.get(path) {
            None | Some(Ok(None)) => return Some(None),
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(Some(bytes))) => Sheet::read(bytes).map_err(str::to_owned),
        };
        sheet.map(Some).map_err(|why| self.cannot_read(path, &why, None)).ok()
    }

    fn cannot_read(&mut self, path: &str, why: &str, hint: Option<&str>) {
        let unreadable = Unreadable { file: path.to_owned(), why: why.to_owned(), hint: hint.map(str::to_owned) };
        if !self.told.unreadable.contains(&unreadable) {
            self.told.unreadable.push(unreadable);
        }
    }

    fn tell(&mut self, disagreement: Disagreement) {
        self.told.disagreements.push(disagreement);
    }

    fn edit(&mut self, path: &str, edit: Edit) {
        self.edits.entry(path.to_owned()).or_default().push(edit);
    }

    fn finish(mut self) -> Comparison {
        for (path, edits) in std::mem::take(&mut self.edits) {
            let sheet = match self.sheet_if_there(&path) {
                Some(sheet) => sheet.unwrap_or_default(),
                None => continue,
            };
            match sheet.change(edits) {
                Some(change) => drop(self.told.changes.insert(path, change)),
                None => self.cannot_read(&path, "two mirrors of the policy would write in one place", None),
            }
        }
        self.told
    }
}

impl<'c, 'l> Case<'c, 'l> {
    fn view(&self) -> View<'l> {
        self.evaluator.ledger().view()
    }

    /// The promotion of a gate that stands.
    fn promotion(&self, gate: &Gate) -> Option<&'l VerifiedEntry> {
        self.evaluator.promotion(self.view(), self.pipeline, gate, self.release)
    }

    /// Why a gate is not promoted, as far as there is more to say.
    fn why_not(&self, gate: &Gate) -> String {
        let view = self.view();
        let Some(attempt) = view.latest(&self.pipeline.id, &gate.id, self.release) else {
            return ": it was not opened".to_owned();
        };
        let mut why = String::new();
        for (entry, void) in view.all_of_attempt(attempt.key) {
            match (entry.predicate(), void) {
                (Predicate::Rollback(_), None) => return format!(": entry {} rolled it back", entry.number()),
                (Predicate::Promotion(_), Some(void)) => why = format!(": entry {} is void, {void}", entry.number()),
                _ => {}
            }
        }
        match attempt.key.attempt {
            1 => why,
            number if why.is_empty() => format!(": attempt {number} is not"),
            _ => why,
        }
    }

    /// A command about this release, for a person to paste.
    fn command(&self, words: &str) -> String {
        format!("ledger {words} --release {}", shell(self.release.as_str()))
    }

    fn is_of_release(&self, number: EntryNumber) -> Option<&'l VerifiedEntry> {
        let entry = self.evaluator.ledger().entry(number)?;
        let key = entry.attempt()?;
        (key.pipeline == self.pipeline.id && key.release == *self.release).then_some(entry)
    }
}
