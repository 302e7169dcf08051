//! Which slot a file is evidence for, and whether it is there already.

use std::path::Path;

use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::select::{self, Question, document_digests};
use crate::cli::storing::READ_MOST;
use crate::entry::kinds::{AttemptKey, Evidence, EvidenceFile};
use crate::evidence::readers::{self, Input, PLAN, PLAN_STATUS};
use crate::id::{Digest, EntryNumber, Name, Version, fold};
use crate::policy::{Gate, Pipeline, Policy, Rule, globs};

/// Where files may go, as far as somebody said it.
pub struct Wanted<'w> {
    pub policy: &'w Policy,
    pub slot: Option<&'w Name>,
    pub gate: Option<&'w str>,
    pub release: Option<&'w str>,
}

impl<'w> Wanted<'w> {
    /// The gate and the rule a file is evidence for.
    pub fn fits(
        &self,
        context: &Context<'_>,
        loaded: &Loaded,
        file: &Path,
        recorded: &str,
    ) -> Result<(Question<'w>, &'w Rule), Failure> {
        let gates: Vec<(&Pipeline, &Gate)> = match self.gate {
            Some(text) => vec![select::gate(self.policy, text)?],
            None => {
                let all = self.policy.gates();
                let named: Vec<_> = all.filter(|(pipeline, gate)| is_named(pipeline, gate, recorded)).collect();
                if named.is_empty() { self.policy.gates().collect() } else { named }
            }
        };
        let bytes = match self.slot {
            Some(_) => Vec::new(),
            None => context.world().read_head(file, READ_MOST).unwrap_or_default(),
        };
        let input = Input::plain(recorded.rsplit('/').next().unwrap_or_default(), &bytes);
        let format = self.format(&input);
        for (pipeline, gate) in gates {
            let release = select::release(loaded, pipeline, self.release)?;
            let rule = match self.slot {
                Some(slot) => gate.rule_for(slot),
                None => fitting(gate, &release, recorded, format),
            };
            if let Some(rule) = rule {
                return Ok((Question { pipeline, gate, release }, rule));
            }
        }
        let what = if format == PLAN { "a plan fits no slot" } else { "it fits no slot" };
        Err(Failure::usage(format!("{what} here: bring it with ledger record SLOT FILE")))
    }

    /// What a file is. Boxes in a plan make it no checklist where plans are wanted.
    fn format(&self, input: &Input<'_>) -> &'static str {
        let mut rules = self.policy.gates().flat_map(|(_, gate)| &gate.rules);
        let wants_plans = rules.any(|rule| rule.formats.iter().any(|format| [PLAN, PLAN_STATUS].contains(format)));
        match readers::find(PLAN) {
            Some(plan) if wants_plans && (plan.looks_like)(input) => PLAN,
            _ => readers::guess(input).format,
        }
    }

    /// The template of a rule that has these bytes where a release was put forward, or would be.
    pub fn template_like(&self, loaded: &Loaded, digest: Option<Digest>) -> Option<String> {
        let digest = digest?;
        self.policy.gates().find_map(|(pipeline, gate)| {
            let release = select::release(loaded, pipeline, self.release).ok()?;
            let question = Question { pipeline, gate, release };
            let source = question.source(&loaded.ledger, &loaded.store).ok()?;
            let paths = gate.rules.iter().filter_map(|rule| rule.template.as_ref());
            let mut paths = paths.map(|template| template.fill(&[("version", question.release.as_str())]));
            paths.find(|path| {
                let committed = loaded.store.file(&source, path);
                committed.is_ok_and(|bytes| document_digests(&bytes).contains(&digest))
            })
        })
    }

    /// The entry that brought a file to whatever slot of its release, where nobody says which is meant.
    pub fn elsewhere(&self, loaded: &Loaded, path: &str, digest: Digest) -> Option<(Name, EntryNumber)> {
        if self.slot.is_some() || self.gate.is_some() {
            return None;
        }
        self.policy.pipelines.iter().find_map(|pipeline| {
            let release = select::release(loaded, pipeline, self.release).ok()?;
            let entries = loaded.ledger.view().release(&pipeline.id, &release);
            let number = on_record(entries.into_iter().rev(), path, digest)?;
            let slot = loaded.ledger.entry(number)?.evidence()?.slot.clone();
            Some((slot, number))
        })
    }
}

/// A folder of the path has the name that this gate's folders have, but for their date.
fn is_named(pipeline: &Pipeline, gate: &Gate, path: &str) -> bool {
    const HERE: &str = "\u{0}";
    let name = pipeline.folder.fill(&[
        ("gate", gate.name.as_str()),
        ("date", HERE),
        ("version", HERE),
        ("pipeline", pipeline.id.as_str()),
    ]);
    let begins = fold(name.split(HERE).next().unwrap_or_default());
    !begins.is_empty() && path.split('/').any(|part| fold(part).starts_with(&begins))
}

/// The rule that names the file, or the only one that reads what it looks like.
fn fitting<'p>(gate: &'p Gate, release: &Version, path: &str, format: &str) -> Option<&'p Rule> {
    let named = |rule: &&Rule| {
        let file = rule.file.as_ref().is_some_and(|file| file.fill(&[("version", release.as_str())]) == path);
        file || rule.files.as_ref().is_some_and(|files| globs::matches(&files.of(release), path))
    };
    if let Some(rule) = gate.rules.iter().find(named) {
        return Some(rule);
    }
    let unnamed = |rule: &&Rule| rule.file.is_none() && rule.files.is_none() && rule.formats.contains(&format);
    let mut reading = gate.rules.iter().filter(unnamed);
    reading.next().filter(|_| reading.next().is_none())
}

/// The entry that has these bytes in this slot already. Of one path the newest file counts: what came back after
/// another version is no repeat.
pub fn known(ledger: &VerifiedLedger, attempt: &AttemptKey, slot: &Name, file: &EvidenceFile) -> Option<EntryNumber> {
    let entries: Vec<&VerifiedEntry> = ledger.view().attempt(attempt).collect();
    let in_slot = entries.into_iter().rev().filter(|entry| entry.evidence().is_some_and(|e| e.slot == *slot));
    on_record(in_slot, &file.path, file.sha256)
}

fn on_record<'l>(
    newest_first: impl Iterator<Item = &'l VerifiedEntry>,
    path: &str,
    sha256: Digest,
) -> Option<EntryNumber> {
    let mut same_bytes = None;
    for entry in newest_first {
        for other in entry.evidence().into_iter().flat_map(Evidence::brought) {
            if other.path == path {
                return (other.sha256 == sha256).then(|| entry.number());
            }
            if other.sha256 == sha256 {
                same_bytes = same_bytes.or(Some(entry.number()));
            }
        }
    }
    same_bytes
}
