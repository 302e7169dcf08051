//! Whether recorded facts are what the recorded files say: the reader is run again.
//!
//! A format's name stands for what each fact of its reader means. A reader may learn new facts; one
//! that is to say something else gets a new name, so that old evidence reads the same for ever.

use crate::chain::{Fault, FaultKind, VerifiedEntry};
use crate::entry::kinds::{Evidence, EvidenceFile, FileRole};
use crate::evidence::readers::{self, FROM_ELSEWHERE, Input, Wanted};

/// The names `ledger run` gives to the two streams.
const STREAMS: &[&str] = &["stdout.txt", "stderr.txt"];

/// The files a reader took the facts from, in order; none where nothing can be read again.
pub fn sources(evidence: &Evidence) -> Vec<&EvidenceFile> {
    let of_run = |file: &&EvidenceFile| evidence.command.is_some() && STREAMS.contains(&file.path.as_str());
    let inline: Vec<&EvidenceFile> = evidence.inline().collect();
    if readers::find(evidence.format.as_str()).is_none() || inline.len() != evidence.files.len() {
        return Vec::new();
    }
    let (brought, beside): (Vec<&EvidenceFile>, Vec<_>) = inline.into_iter().partition(|file| file.role.is_none());
    // A template alone is evidence of nothing; whatever facts it was given are held against it.
    let brought = if brought.is_empty() { beside } else { brought };
    let products: Vec<&EvidenceFile> = brought.iter().copied().filter(|file| !of_run(file)).collect();
    if products.is_empty() { brought.into_iter().take(1).collect() } else { products }
}

/// The file that shows how the document was before anybody filled it in.
pub fn template(evidence: &Evidence) -> Option<&EvidenceFile> {
    evidence.inline().find(|file| file.role == Some(FileRole::Template))
}

/// What the facts say that the files do not give, in words; none when they agree. `wanted` is what the
/// entry's gate asked for. Fewer facts than a reader takes today are no lie: readers learn, and a fact
/// that is absent satisfies nothing.
pub fn difference(evidence: &Evidence, files: &[(&str, &[u8])], wanted: Wanted<'_>) -> Option<String> {
    let reader = readers::find(evidence.format.as_str())?;
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes, wanted }).collect();
    let found = readers::read_all(reader, &inputs);
    let mut recorded = evidence.facts.iter().filter(|(name, _)| !FROM_ELSEWHERE.contains(&name.as_str()));
    match found {
        Ok(found) => {
            recorded.find(|(name, fact)| found.get(*name) != Some(fact)).map(|(name, _)| match found.get(name) {
                Some(fact) => format!("{name} = {fact}"),
                None => format!("no {name}"),
            })
        }
        Err((_, error)) => Some(error.to_string()),
    }
}

/// The same as a fault of the entry.
pub fn compare(entry: &VerifiedEntry, files: &[(&str, &[u8])], wanted: Wanted<'_>) -> Option<Fault> {
    let evidence = entry.evidence()?;
    difference(evidence, files, wanted).map(|found| Fault {
        entry: Some(entry.number()),
        commit: Some(entry.commit().clone()),
        fault: FaultKind::Facts,
        expected: format!("the facts that {} takes from its files", evidence.format),
        found: found.chars().take(200).collect(),
    })
}
