//! `artifacts`: every declared artifact is recorded by digest, or published with that digest.

use std::collections::BTreeMap;

use super::{Case, evidence};
use crate::chain::{VerifiedEntry, View};
use crate::entry::kinds::{Evidence, EvidenceFile};
use crate::evidence::facts::Fact;
use crate::findings::counted;
use crate::id::{Name, Version};
use crate::policy::evaluate::shell;
use crate::policy::{ArtifactCheck, Pipeline, Reach, Rule, reread};

/// The files that a release's evidence of artifacts brought, each as it was recorded last, by path. Where that is
/// void there is none: what was recorded before does not come back.
pub fn files<'l>(
    view: View<'l>,
    pipeline: &Pipeline,
    release: &Version,
) -> BTreeMap<&'l str, (&'l VerifiedEntry, &'l EvidenceFile)> {
    let (recording, mut files) = (Recording::of(pipeline), BTreeMap::new());
    for (entry, void) in view.all_of_release(&pipeline.id, release) {
        let Some(evidence) = entry.evidence().filter(|evidence| recording.wants(entry, evidence)) else { continue };
        for file in evidence.brought() {
            match void {
                None => files.insert(file.path.as_str(), (entry, file)),
                Some(_) => files.remove(file.path.as_str()),
            };
        }
    }
    files
}

/// The rules of a pipeline that want artifacts recorded, by slot, each with its gate. A pipeline may have a
/// thousand rules, and each entry of a release is held against these.
pub struct Recording<'p>(BTreeMap<&'p Name, Vec<(&'p Name, &'p Rule)>>);

impl<'p> Recording<'p> {
    pub fn of(pipeline: &'p Pipeline) -> Self {
        let mut by_slot: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for gate in &pipeline.gates {
            for rule in gate.rules.iter().filter(|rule| rule.artifacts == Some(ArtifactCheck::Recorded)) {
                by_slot.entry(&rule.slot).or_default().push((&gate.id, rule));
            }
        }
        Self(by_slot)
    }

    /// Whether a rule wants artifacts recorded in the entry's gate and slot, and by this person: anybody can bring
    /// anything in a slot nobody asks for.
    pub fn wants(&self, entry: &VerifiedEntry, evidence: &Evidence) -> bool {
        self.0.get(&evidence.slot).into_iter().flatten().any(|(gate, rule)| {
            let here = entry.attempt().is_some_and(|key| key.gate == **gate);
            (here || rule.reach == Reach::Release) && evidence::admissible(rule, entry, evidence).is_ok()
        })
    }
}

pub fn check(case: &Case<'_, '_>, rule: &Rule, entry: &VerifiedEntry, evidence: &Evidence) -> Result<String, String> {
    let Some(check) = rule.artifacts else { return Ok(String::new()) };
    let declared = &case.attempt.open.artifacts;
    if declared.is_empty() {
        let (gate, release) = (&case.gate.id, shell(case.ask.release.as_str()));
        return Err(match case.pipeline.artifacts.is_empty() {
            true => "the release declares no artifacts".to_owned(),
            false => format!(
                "the attempt was opened before the policy declared artifacts (a new one declares them: ledger open {gate} --release {release} --retry)"
            ),
        });
    }
    match check {
        ArtifactCheck::Recorded => {
            for artifact in declared {
                if !evidence.brought().any(|file| file.path == artifact.path) {
                    return Err(format!("artifact {} ({}) is not among its files", artifact.name, artifact.path));
                }
            }
            Ok(format!("{} of {}", declared.len(), counted(declared.len(), "artifact", "artifacts")))
        }
        ArtifactCheck::Published => published(case, entry, evidence),
        ArtifactCheck::Quoted => quoted(case, evidence),
    }
}

/// The checksum file names each artifact's file with the digest last recorded for it.
fn published(case: &Case<'_, '_>, entry: &VerifiedEntry, evidence: &Evidence) -> Result<String, String> {
    let recorded = files(case.view, case.pipeline, case.ask.release);
    let facts = reread::relied_on(case.policy, evidence);
    let Some(Fact::Group(sums)) = facts.get("sums") else {
        return Err("it holds no checksums".to_owned());
    };
    for artifact in &case.attempt.open.artifacts {
        let file = artifact.path.rsplit('/').next().unwrap_or_default();
        let Some((_, recorded)) = recorded.get(artifact.path.as_str()) else {
            return Err(format!("artifact {} has not been recorded", artifact.name));
        };
        // Of a directory the sum is that of the list of its files.
        match sums.get(file).or_else(|| sums.get(&format!("{file}.sha256"))) {
            Some(Fact::Text(sum)) if *sum == recorded.sha256.to_string() => {}
            Some(sum) => return Err(format!("{file}: published sha256:{sum}, recorded sha256:{}", recorded.sha256)),
            None => return Err(format!("entry {} publishes no checksum of {file}", entry.number())),
        }
    }
    Ok("published digests equal the recorded ones".to_owned())
}

/// The document quotes the digest last recorded for each artifact.
fn quoted(case: &Case<'_, '_>, evidence: &Evidence) -> Result<String, String> {
    let recorded = files(case.view, case.pipeline, case.ask.release);
    let facts = reread::relied_on(case.policy, evidence);
    let Some(Fact::List(digests)) = facts.get("digests") else {
        return Err("it quotes no digests".to_owned());
    };
    for artifact in &case.attempt.open.artifacts {
        let Some((entry, recorded)) = recorded.get(artifact.path.as_str()) else {
            return Err(format!("artifact {} has not been recorded", artifact.name));
        };
        let digest = recorded.sha256;
        if !digests.contains(&digest.to_string()) {
            let (name, entry) = (&artifact.name, entry.number());
            return Err(format!("it does not quote sha256:{digest} of {name} (entry {entry})"));
        }
    }
    Ok("it quotes the recorded digests".to_owned())
}
