//! What a person meant: pipeline, gate and release from the few words they typed.

use std::path::Path;

use super::context::Context;
use super::failure::Failure;
use super::hashing::digest_of_directory;
use super::load::Loaded;
use crate::chain::view::Attempt;
use crate::chain::{VerifiedEntry, VerifiedLedger, View};
use crate::entry::kinds::AttemptKey;
use crate::evidence::readers::TASK_LOG;
use crate::findings::nearest;
use crate::id::{Digest, Name, ObjectId, Timestamp, Version};
use crate::policy::decision::Decision;
use crate::policy::evaluate::shell;
use crate::policy::{Ask, Evaluator, Gate, Observed, Pipeline, Policy, Rule};
use crate::store::git::GitStore;

/// A gate of one release: what most commands ask about.
#[derive(Clone)]
pub struct Question<'p> {
    pub pipeline: &'p Pipeline,
    pub gate: &'p Gate,
    pub release: Version,
}

impl<'p> Question<'p> {
    /// The gate named, for the release named or the newest of its pipeline.
    pub fn new(
        policy: &'p Policy,
        loaded: &Loaded,
        gate_text: &str,
        release_text: Option<&str>,
    ) -> Result<Self, Failure> {
        Self::in_view(policy, loaded.ledger.view(), gate_text, release_text)
    }

    /// The same in the ledger as it was.
    pub fn in_view(
        policy: &'p Policy,
        view: View<'_>,
        gate_text: &str,
        release_text: Option<&str>,
    ) -> Result<Self, Failure> {
        let (pipeline, gate) = gate(policy, gate_text)?;
        let release = release_in(view, pipeline, release_text)?;
        Ok(Self { pipeline, gate, release })
    }

    /// The release was opened at some gate.
    pub fn require_opened(&self, view: View<'_>) -> Result<(), Failure> {
        let open = format!("to open it: ledger open {} --release {}", self.gate.id, shell(self.release.as_str()));
        require_opened(view, &self.release).map_err(|failure| failure.hint(open))
    }

    /// The gate a slot's evidence is meant for: the one named, or the first with that slot that is not promoted.
    pub fn of_slot(
        policy: &'p Policy,
        evaluator: &Evaluator<'_>,
        loaded: &Loaded,
        slot: &Name,
        gate_text: Option<&str>,
        release_text: Option<&str>,
    ) -> Result<Self, Failure> {
        if let Some(text) = gate_text {
            let question = Self::new(policy, loaded, text, release_text)?;
            if question.gate.rule_for(slot).is_some() {
                return Ok(question);
            }
            let slots: Vec<&str> = question.gate.rules.iter().map(|rule| rule.slot.as_str()).collect();
            return Err(Failure::usage(format!("gate {} has no slot {slot}", question.gate.id))
                .hint(format!("its slots are {}", slots.join(", "))));
        }
        let mut wanting = Vec::new();
        for (pipeline, gate) in policy.gates().filter(|(_, gate)| gate.rule_for(slot).is_some()) {
            wanting.push(Self { pipeline, gate, release: release(loaded, pipeline, release_text)? });
        }
        let Some(first) = wanting.first() else { return Err(unknown_slot(policy, slot)) };
        if wanting.iter().any(|other| other.pipeline.id != first.pipeline.id) {
            return Err(Failure::usage(format!("several pipelines have a slot {slot}"))
                .hint("say which gate: --gate PIPELINE/GATE"));
        }
        let view = loaded.ledger.view();
        let waits =
            |question: &&Self| evaluator.promotion(view, question.pipeline, question.gate, &question.release).is_none();
        wanting.iter().find(waits).cloned().ok_or_else(|| {
            Failure::usage(format!("every gate with a slot {slot} is promoted already"))
                .hint("name the gate to add to: --gate GATE")
        })
    }

    /// The commit the newest attempt was opened for, or the one it would be.
    pub fn source(&self, ledger: &VerifiedLedger, store: &GitStore) -> Result<ObjectId, Failure> {
        let opened = ledger.view().latest(&self.pipeline.id, &self.gate.id, &self.release);
        opened.map_or_else(|| Ok(store.source("HEAD")?.commit), |attempt| Ok(attempt.open.source.commit.clone()))
    }

    /// Whether it matters when evidence in the slot comes, so that the same again is not the same: an age, a time
    /// or an order is asked for, or a way back has to show that it worked.
    pub fn asks_when(&self, slot: &Name) -> bool {
        let own = |rule: &&Rule| rule.slot == *slot;
        let is_timed = |rule: &Rule| rule.within.is_some() || rule.window.is_some() || !rule.after.is_empty();
        let in_log = |gate: &Gate| {
            gate.phrase().is_some() && gate.rules.iter().filter(own).any(|rule| rule.formats.contains(&TASK_LOG))
        };
        let gates = &self.pipeline.gates;
        gates.iter().any(|gate| in_log(gate) || gate.rules.iter().filter(own).any(is_timed))
            || self.pipeline.rollbacks.iter().any(|option| option.validation.contains(slot))
    }

    /// The newest attempt, or the first.
    pub fn next_attempt(&self, ledger: &VerifiedLedger) -> AttemptKey {
        let Self { pipeline, gate, release } = self;
        let opened = ledger.view().latest(&pipeline.id, &gate.id, release).map(|attempt| attempt.key.clone());
        let first = || AttemptKey {
            pipeline: pipeline.id.clone(),
            gate: gate.id.clone(),
            attempt: 1,
            release: release.clone(),
        };
        opened.unwrap_or_else(first)
    }

    pub fn ask<'q>(&'q self, size: u64, now: Timestamp, observed: &'q Observed) -> Ask<'q> {
        let Self { pipeline, gate, release } = self;
        Ask { pipeline: &pipeline.id, gate: &gate.id, release, size, now, observed, source: None }
    }

    /// The answer now, on the whole ledger and with a look at the work tree.
    pub fn decide(
        &self,
        context: &Context<'_>,
        loaded: &Loaded,
        evaluator: &Evaluator<'_>,
    ) -> Result<Decision, Failure> {
        let observed = self.observe(context, &loaded.store)?;
        Ok(evaluator.decide(&self.ask(evaluator.ledger().size(), context.world().now(), &observed)))
    }

    /// What the work tree holds of the documents and artifacts the gate names, each under the digests it
    /// may have been recorded with: a checkout on Windows has other line endings than one on Linux.
    pub fn observe(&self, context: &Context<'_>, store: &GitStore) -> Result<Observed, Failure> {
        let Some(root) = store.work_tree() else { return Ok(Observed::new()) };
        let mut observed = Observed::new();
        let values = [("version", self.release.as_str())];
        let unreadable = |path: &str, error: std::io::Error| {
            Failure::unknown(format!(
                "{path} is there and cannot be read, so nobody can tell whether it changed: {error}"
            ))
        };
        for file in self.gate.rules.iter().filter_map(|rule| rule.file.as_ref()) {
            let path = file.fill(&values);
            let found = context.world().read_if_there(&root.join(Path::new(&path)));
            if let Some(bytes) = found.map_err(|error| unreadable(&path, error))? {
                observed.insert(path, document_digests(&bytes));
            }
        }
        for artifact in &self.pipeline.artifacts {
            let path = artifact.path.fill(&values);
            let place = root.join(Path::new(&path));
            let found = match context.world().is_directory(&place) {
                true => digest_of_directory(context.world(), &place).map(Some),
                false => context.world().hash_if_there(&place).map(|found| found.map(|(_, digest)| digest)),
            };
            if let Some(digest) = found.map_err(|error| unreadable(&path, error))? {
                observed.insert(path, vec![digest]);
            }
        }
        Ok(observed)
    }
}

/// A gate that let a release through: what triggers and rollbacks are about.
pub struct Released<'p, 'l> {
    pub pipeline: &'p Pipeline,
    pub gate: &'p Gate,
    pub release: Version,
    pub attempt: Attempt<'l>,
    pub promotion: &'l VerifiedEntry,
}

/// What there is to go back from where a trigger fired.
pub fn reversible<'p, 'l>(
    policy: &'p Policy,
    evaluator: &Evaluator<'l>,
    trigger: &VerifiedEntry,
    now: Timestamp,
) -> Result<Released<'p, 'l>, Failure> {
    let number = trigger.number();
    let nothing = || {
        Failure::no(format!("entry {number} fired where nothing is promoted: there is nothing to go back from"))
            .hint(format!("whoever fired it takes it back: ledger revoke {number} -m REASON"))
    };
    let key = trigger.attempt().ok_or_else(nothing)?;
    let pipeline = policy.pipeline(&key.pipeline).ok_or_else(nothing)?;
    let gate = pipeline.gate(&key.gate).ok_or_else(nothing)?;
    let question = Question { pipeline, gate, release: key.release.clone() };
    let observed = Observed::new();
    let found = evaluator.reversible(&question.ask(evaluator.ledger().size(), now, &observed), key);
    let (attempt, promotion) = found.ok_or_else(nothing)?;
    Ok(Released { pipeline, gate, release: question.release, attempt, promotion })
}

/// The gate named, or the last one that is promoted of the pipeline that has a word for the trouble.
pub fn released<'p, 'l>(
    policy: &'p Policy,
    evaluator: &Evaluator<'l>,
    loaded: &Loaded,
    gate_text: Option<&str>,
    release_text: Option<&str>,
    has_word: impl Fn(&Pipeline) -> bool,
) -> Result<Released<'p, 'l>, Failure> {
    let is_known = policy.pipelines.iter().any(&has_word);
    let candidates = match gate_text {
        Some(text) => vec![gate(policy, text)?],
        None => policy.gates().filter(|(pipeline, _)| !is_known || has_word(pipeline)).collect(),
    };
    let view = evaluator.ledger().view();
    let mut found: Vec<Released<'p, 'l>> = Vec::new();
    for (pipeline, gate) in candidates {
        let Ok(release) = release(loaded, pipeline, release_text) else { continue };
        let Some(promotion) = evaluator.promotion(view, pipeline, gate, &release) else { continue };
        let Some(attempt) = view.latest(&pipeline.id, &gate.id, &release) else { continue };
        found.push(Released { pipeline, gate, release, attempt, promotion });
    }
    let last = found.pop().ok_or_else(|| {
        Failure::no("no gate is promoted for this release: there is nothing to roll back").hint("ledger status")
    })?;
    if found.iter().any(|other| other.pipeline.id != last.pipeline.id) {
        return Err(Failure::usage("several pipelines have a promoted gate").hint("say which: --gate PIPELINE/GATE"));
    }
    Ok(last)
}

/// Every gate of each pipeline's release: the one named, or its newest. Never none.
pub fn every<'p>(policy: &'p Policy, view: View<'_>, text: Option<&str>) -> Result<Vec<Question<'p>>, Failure> {
    let mut questions = Vec::new();
    for pipeline in &policy.pipelines {
        let Ok(release) = release_in(view, pipeline, text) else { continue };
        if view.releases(&pipeline.id).contains(&release) {
            questions.extend(pipeline.gates.iter().map(|gate| Question { pipeline, gate, release: release.clone() }));
        }
    }
    match (questions.is_empty(), text) {
        (false, _) => Ok(questions),
        (true, Some(release)) => Err(unopened(release)),
        (true, None) => {
            let gate = policy.gates().next().map_or("GATE".to_owned(), |(_, gate)| gate.id.to_string());
            Err(Failure::no("no release was opened yet").hint(format!("ledger open {gate} --release VERSION")))
        }
    }
}

/// `alpha`, `Alpha` or `stage9/alpha`.
pub fn gate<'p>(policy: &'p Policy, text: &str) -> Result<(&'p Pipeline, &'p Gate), Failure> {
    let (pipeline, gate) = match text.rsplit_once('/') {
        Some((pipeline, gate)) => (Some(crate::id::fold(pipeline)), crate::id::fold(gate)),
        None => (None, crate::id::fold(text)),
    };
    let found: Vec<_> = policy
        .gates()
        .filter(|(p, g)| g.id.folded() == gate && pipeline.as_ref().is_none_or(|wanted| p.id.folded() == *wanted))
        .collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let known: Vec<&str> = policy.gates().map(|(_, gate)| gate.id.as_str()).collect();
            let failure = Failure::usage(format!("no gate is called {text:?}"));
            Err(match nearest(&gate, known.iter().copied()) {
                Some(near) => failure.hint(format!("did you mean {near}?")),
                None => failure.hint(format!("the gates are {}", known.join(", "))),
            })
        }
        several => {
            let names: Vec<String> = several.iter().map(|(p, g)| format!("{}/{}", p.id, g.id)).collect();
            Err(Failure::usage(format!("several pipelines have a gate {text:?}"))
                .hint(format!("say which: {}", names.join(" or "))))
        }
    }
}

/// The pipeline in which the release was opened.
pub fn pipeline_of<'p>(
    loaded: &Loaded,
    policy: &'p Policy,
    wanted: Option<&str>,
    release: &Version,
) -> Result<&'p Pipeline, Failure> {
    let named = |pipeline: &&Pipeline| wanted.is_none_or(|wanted| crate::id::fold(wanted) == pipeline.id.folded());
    let view = loaded.ledger.view();
    let found: Vec<&Pipeline> = policy
        .pipelines
        .iter()
        .filter(named)
        .filter(|pipeline| view.releases(&pipeline.id).contains(release))
        .collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(unopened(release.as_str())),
        several => {
            let names: Vec<&str> = several.iter().map(|pipeline| pipeline.id.as_str()).collect();
            Err(Failure::usage(format!("several pipelines have a release {release}"))
                .hint(format!("say which: --pipeline {}", names.join(" or "))))
        }
    }
}

/// A release somebody asks about was opened, by whichever pipeline: about any other there is nothing to say.
pub fn require_opened(view: View<'_>, release: &Version) -> Result<(), Failure> {
    if view.has_release(release) { Ok(()) } else { Err(unopened(release.as_str())) }
}

fn unopened(release: &str) -> Failure {
    Failure::usage(format!("no release {release:?} was opened here")).hint("ledger log --kind open")
}

/// The release named, or the one opened last in the pipeline.
pub fn release(loaded: &Loaded, pipeline: &Pipeline, text: Option<&str>) -> Result<Version, Failure> {
    release_in(loaded.ledger.view(), pipeline, text)
}

/// The same in the ledger as it was.
pub fn release_in(view: View<'_>, pipeline: &Pipeline, text: Option<&str>) -> Result<Version, Failure> {
    if let Some(text) = text {
        return Ok(Version::parse(text)?);
    }
    view.releases(&pipeline.id).pop().ok_or_else(|| {
        Failure::usage(format!("no release of {} is known yet", pipeline.id)).hint("say which: --release VERSION")
    })
}

fn unknown_slot(policy: &Policy, slot: &Name) -> Failure {
    let mut slots: Vec<&str> =
        policy.gates().flat_map(|(_, gate)| gate.rules.iter().map(|rule| rule.slot.as_str())).collect();
    slots.sort_unstable();
    slots.dedup();
    let failure = Failure::usage(format!("no gate has a slot {slot}"));
    match nearest(slot.as_str(), slots.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure.hint(format!("the slots are {}", slots.join(", "))),
    }
}

/// The digests a document may have been recorded with, whatever its line endings are here.
pub fn document_digests(bytes: &[u8]) -> Vec<Digest> {
    let mut digests = vec![Digest::of(bytes)];
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')) {
        let unix = text.replace("\r\n", "\n");
        digests.push(Digest::of(unix.as_bytes()));
        digests.push(Digest::of(unix.replace('\n', "\r\n").as_bytes()));
    }
    digests
}
