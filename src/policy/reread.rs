//! Whether recorded facts are what the recorded files say: the reader is run again.
//!
//! A format's name stands for what its reader takes. A reader that is to take something else gets a
//! new name, so that old evidence reads the same for ever.

use crate::chain::{Fault, FaultKind, VerifiedEntry};
use crate::entry::kinds::{Evidence, EvidenceFile};
use crate::evidence::facts::Facts;
use crate::evidence::readers::{self, Input};

/// Facts that come from elsewhere than the files: a command's exit code, a comparison with the source.
const FROM_ELSEWHERE: &[&str] = &["exit", "changed_since"];

/// The names `ledger run` gives to the two streams.
const STREAMS: &[&str] = &["stdout.txt", "stderr.txt"];

/// The files a reader took the facts from, in order; none where nothing can be read again.
pub fn sources(evidence: &Evidence) -> Vec<&EvidenceFile> {
    let of_run = |file: &&EvidenceFile| evidence.command.is_some() && STREAMS.contains(&file.path.as_str());
    let inline: Vec<&EvidenceFile> = evidence.inline().collect();
    if readers::find(evidence.format.as_str()).is_none() || inline.len() != evidence.files.len() {
        return Vec::new();
    }
    let products: Vec<&EvidenceFile> = inline.iter().copied().filter(|file| !of_run(file)).collect();
    if products.is_empty() { inline.into_iter().take(1).collect() } else { products }
}

/// What the files give that the facts do not say, in words; none when they agree. `phrase` is the one
/// the entry's gate looked for.
pub fn difference(evidence: &Evidence, files: &[(&str, &[u8])], phrase: Option<&str>) -> Option<String> {
    let reader = readers::find(evidence.format.as_str())?;
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes, phrase }).collect();
    let found = readers::read_all(reader, &inputs);
    let recorded: Facts = evidence
        .facts
        .iter()
        .filter(|(name, _)| !FROM_ELSEWHERE.contains(&name.as_str()))
        .map(|(n, f)| (n.clone(), f.clone()))
        .collect();
    match found {
        Ok(found) if found == recorded => None,
        Ok(found) => {
            let other = found.iter().find(|(name, fact)| recorded.get(*name) != Some(fact));
            Some(other.map_or_else(|| "fewer facts".to_owned(), |(name, fact)| format!("{name} = {fact}")))
        }
        Err((_, error)) => Some(error.to_string()),
    }
}

/// The same as a fault of the entry.
pub fn compare(entry: &VerifiedEntry, files: &[(&str, &[u8])], phrase: Option<&str>) -> Option<Fault> {
    let evidence = entry.evidence()?;
    difference(evidence, files, phrase).map(|found| Fault {
        entry: Some(entry.number()),
        commit: Some(entry.commit().clone()),
        fault: FaultKind::Facts,
        expected: format!("the facts that {} takes from its files", evidence.format),
        found: found.chars().take(200).collect(),
    })
}
