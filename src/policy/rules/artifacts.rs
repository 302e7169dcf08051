//! `artifacts`: every declared artifact is recorded by digest, or published with that digest.

use super::Case;
use crate::chain::VerifiedEntry;
use crate::entry::kinds::Evidence;
use crate::evidence::facts::Fact;
use crate::findings::counted;
use crate::policy::evaluate::artifact_digests;
use crate::policy::{ArtifactCheck, Rule, reread};

pub fn check(case: &Case<'_, '_>, rule: &Rule, entry: &VerifiedEntry, evidence: &Evidence) -> Result<String, String> {
    let Some(check) = rule.artifacts else { return Ok(String::new()) };
    let declared = &case.attempt.open.artifacts;
    if declared.is_empty() {
        return Err("the release declares no artifacts".to_owned());
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
    let recorded = artifact_digests(case.view, case.pipeline, case.attempt, case.ask.release);
    let facts = reread::relied_on(case.policy, evidence);
    let Some(Fact::Group(sums)) = facts.get("sums") else {
        return Err("it holds no checksums".to_owned());
    };
    for artifact in &case.attempt.open.artifacts {
        let file = artifact.path.rsplit('/').next().unwrap_or_default();
        let Some((digest, _)) = recorded.get(&artifact.name) else {
            return Err(format!("artifact {} has not been recorded", artifact.name));
        };
        match sums.get(file) {
            Some(Fact::Text(sum)) if *sum == digest.to_string() => {}
            Some(sum) => return Err(format!("{file}: published sha256:{sum}, recorded sha256:{digest}")),
            None => return Err(format!("entry {} publishes no checksum of {file}", entry.number())),
        }
    }
    Ok("published digests equal the recorded ones".to_owned())
}

/// The document quotes the digest last recorded for each artifact.
fn quoted(case: &Case<'_, '_>, evidence: &Evidence) -> Result<String, String> {
    let recorded = artifact_digests(case.view, case.pipeline, case.attempt, case.ask.release);
    let facts = reread::relied_on(case.policy, evidence);
    let Some(Fact::List(digests)) = facts.get("digests") else {
        return Err("it quotes no digests".to_owned());
    };
    for artifact in &case.attempt.open.artifacts {
        let Some((digest, entry)) = recorded.get(&artifact.name) else {
            return Err(format!("artifact {} has not been recorded", artifact.name));
        };
        if !digests.contains(&digest.to_string()) {
            return Err(format!("it does not quote sha256:{digest} of {} (entry {entry})", artifact.name));
        }
    }
    Ok("it quotes the recorded digests".to_owned())
}
