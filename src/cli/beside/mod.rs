//! Facts taken from files together with something beside them: the release's source, or an entry before.
//!
//! What lies beside the ledger is not in it, so anybody can type what it says. Where a rule asks for such a
//! fact it is taken again before somebody acts on it.

mod citations;
mod history;
pub mod links;

use super::failure::Failure;
use super::files::Brought;
use super::load::Loaded;
use crate::chain::{Fault, FaultKind, VerifiedEntry, View};
use crate::entry::kinds::{Evidence, FileRole, Stored};
use crate::evidence::facts::{Fact, Facts, at};
use crate::evidence::readers::{BESIDE, CHANGED_SINCE, CHECKLIST};
use crate::id::{Digest, Name, ObjectId, Version};
use crate::policy::{Evaluator, Rule};
use crate::store::git::GitStore;

/// What evidence is of, and what lies beside it.
pub struct Place<'p> {
    pub store: &'p GitStore,
    /// The entries before it.
    pub view: View<'p>,
    pub pipeline: &'p Name,
    pub release: &'p Version,
    pub slot: &'p Name,
    /// The commit its attempt was opened for.
    pub source: &'p ObjectId,
}

/// What there is to say of files brought in a format, for rules that compare them with gates before.
pub fn facts<'r>(place: &Place<'_>, rules: impl Iterator<Item = &'r Rule>, format: &str, brought: &[Brought]) -> Facts {
    let mut facts: Facts = changed_since(place, rules, brought).into_iter().collect();
    facts.extend(citations::facts(place.store, place.source, brought));
    facts.extend(links::facts(place.store, place.source, format, brought).unwrap_or_default());
    if format == CHECKLIST {
        facts.extend(history::since(place, brought));
    }
    facts
}

/// Whether the document differs from the one at the source commits of gates.
fn changed_since<'r>(
    place: &Place<'_>,
    rules: impl Iterator<Item = &'r Rule>,
    brought: &[Brought],
) -> Option<(String, Fact)> {
    let file = &brought.first()?.file;
    let changed = |gate: &Name| {
        let attempt = place.view.latest(place.pipeline, gate, place.release)?;
        let before = place.store.file(&attempt.open.source.commit, &file.path).ok();
        Some((gate.to_string(), Fact::Bool(before.is_none_or(|old| Digest::of(&old) != file.sha256))))
    };
    let gates: Facts = rules.filter_map(|rule| changed(rule.changed_since.as_ref()?)).collect();
    (!gates.is_empty()).then(|| (CHANGED_SINCE.to_owned(), Fact::Group(gates)))
}

/// A fact of an entry that some policy's rule asked for, and that what lies beside the entry does not bear out. An
/// error where the source is not at hand.
pub fn fault(loaded: &Loaded, evaluator: &Evaluator<'_>, entry: &VerifiedEntry) -> Result<Option<Fault>, Failure> {
    let (Some(evidence), Some(key)) = (entry.evidence(), entry.attempt()) else { return Ok(None) };
    let rules = evaluator.rules_ever(key, &evidence.slot);
    let asked: Vec<String> = rules.iter().flat_map(|rule| asked(rule)).collect();
    let template = evidence.files.iter().find(|file| file.role == Some(FileRole::Template));
    let template = template.filter(|_| rules.iter().any(|rule| rule.template.is_some()));
    if asked.is_empty() && template.is_none() {
        return Ok(None);
    }
    let opening = evaluator.ledger().opening(key).ok_or_else(|| Failure::unknown("an attempt cannot be read"))?;
    let source = loaded.store.source(opening.source.commit.as_str())?.commit;
    let fault = |expected: String, found: String| Fault {
        entry: Some(entry.number()),
        commit: Some(entry.commit().clone()),
        fault: FaultKind::Facts,
        expected,
        found: found.chars().take(200).collect(),
    };
    if let Some(template) = template {
        let there = loaded.store.file(&source, &template.path).map(|bytes| Digest::of(&bytes));
        if !there.as_ref().is_ok_and(|digest| *digest == template.sha256) {
            let there = there.map_or("none there".to_owned(), |digest| format!("sha256:{digest}"));
            return Ok(Some(fault(format!("the template {} of commit {source}", template.path), there)));
        }
    }
    let place = Place {
        store: &loaded.store,
        view: evaluator.ledger().as_of(entry.number().0),
        pipeline: &key.pipeline,
        release: &key.release,
        slot: &evidence.slot,
        source: &source,
    };
    let again = facts(&place, rules.into_iter(), evidence.format.as_str(), &kept(loaded, entry, evidence)?);
    let differs = asked.iter().find(|path| {
        let recorded = at(&evidence.facts, path);
        // A fact that is absent satisfies nothing.
        recorded.is_some() && recorded != at(&again, path)
    });
    Ok(differs.map(|path| {
        let found = at(&again, path).map_or_else(|| format!("no {path}"), |fact| format!("{path} = {fact}"));
        fault("the facts that the source and the entries before bear out".to_owned(), found)
    }))
}

/// The facts of this kind that a rule asks for, as paths.
fn asked(rule: &Rule) -> Vec<String> {
    let changed = rule.changed_since.iter().map(|gate| format!("{CHANGED_SINCE}.{gate}"));
    let named = rule.expect.iter().map(crate::evidence::facts::Expect::name);
    let agreed = rule.agrees.iter().map(|agreement| agreement.fact.clone());
    let beside = |path: &String| path.split('.').next().is_some_and(|root| BESIDE.contains(&root));
    changed.chain(named.chain(agreed).filter(beside)).collect()
}

/// The files of an entry, as they were when they were brought.
fn kept(loaded: &Loaded, entry: &VerifiedEntry, evidence: &Evidence) -> Result<Vec<Brought>, Failure> {
    let mut kept = Vec::new();
    for file in &evidence.files {
        let bytes = match file.stored {
            Stored::Inline => Some(loaded.store.file(entry.commit(), &entry.file_path(file.name.as_str()))?),
            Stored::External => None,
        };
        kept.push(Brought { file: file.clone(), bytes, upload: super::storing::Upload::None });
    }
    Ok(kept)
}
