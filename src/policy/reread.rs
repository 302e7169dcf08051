//! Whether recorded facts are what the recorded files say: the reader is run again.
//!
//! A format's name stands for what each fact of its reader means. A reader may learn new facts; one
//! that is to say something else gets a new name, so that old evidence reads the same for ever.

use std::borrow::Cow;

use super::Policy;
use crate::chain::{Fault, FaultKind, VerifiedEntry};
use crate::entry::kinds::{Evidence, EvidenceFile, FileRole, Stored};
use crate::evidence::facts::Facts;
use crate::evidence::readers::{self, BESIDE, CHANGED_SINCE, FROM_ELSEWHERE, Input, Wanted};

/// The names `ledger run` gives to the two streams.
pub const STREAMS: &[&str] = &["stdout.txt", "stderr.txt"];

/// The files a reader took the facts from, in order; none where nothing can be read again from the ledger.
pub fn sources(evidence: &Evidence) -> Vec<&EvidenceFile> {
    let taken_from = taken_from(evidence);
    let is_inline = |file: &EvidenceFile| file.stored == Stored::Inline;
    let is_whole = taken_from.iter().copied().all(is_inline) && template(evidence).is_none_or(is_inline);
    if is_whole { taken_from } else { Vec::new() }
}

/// The same, wherever they lie.
pub fn taken_from(evidence: &Evidence) -> Vec<&EvidenceFile> {
    let of_run = |file: &&EvidenceFile| evidence.command.is_some() && STREAMS.contains(&file.path.as_str());
    if readers::find(evidence.format.as_str()).is_none() {
        return Vec::new();
    }
    let (brought, beside): (Vec<&EvidenceFile>, Vec<_>) = evidence.files.iter().partition(|file| file.role.is_none());
    // A template alone is evidence of nothing; whatever facts it was given are held against it.
    let brought = if brought.is_empty() { beside } else { brought };
    let products: Vec<&EvidenceFile> = brought.iter().copied().filter(|file| !of_run(file)).collect();
    if products.is_empty() { brought.into_iter().take(1).collect() } else { products }
}

/// What a rule may rely on. Of a file that is not in the ledger nobody here can say what a reader takes from
/// it: unless the policy takes its recorder's word, only what the statement itself shows counts, and what
/// never came from the file.
pub fn relied_on<'e>(policy: &Policy, evidence: &'e Evidence) -> Cow<'e, Facts> {
    if policy.keeping.external_facts || !is_external(evidence) {
        return Cow::Borrowed(&evidence.facts);
    }
    // The digest alone shows whether a document changed; all else beside a file is taken from its bytes.
    let of_bytes = |name: &str| BESIDE.contains(&name) && name != CHANGED_SINCE;
    let elsewhere = evidence.facts.iter().filter(|(name, _)| {
        let name = name.as_str();
        FROM_ELSEWHERE.contains(&name) && !of_bytes(name)
    });
    let elsewhere = elsewhere.map(|(name, fact)| (name.clone(), fact.clone()));
    Cow::Owned(elsewhere.chain(counts(evidence)).collect())
}

/// Whether the facts were taken from a file that is not in the ledger.
pub fn is_external(evidence: &Evidence) -> bool {
    taken_from(evidence).iter().any(|file| file.stored == Stored::External)
}

/// What the statement shows of its files without any of them: how many there are, and how large they are.
pub fn counts(evidence: &Evidence) -> Facts {
    let sizes: Vec<u64> = evidence.brought().map(|file| file.size).collect();
    let bytes = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    Facts::from([("files".to_owned(), sizes.len().into()), ("bytes".to_owned(), bytes.into())])
}

/// The file that shows how the document was before anybody filled it in.
pub fn template(evidence: &Evidence) -> Option<&EvidenceFile> {
    evidence.inline().find(|file| file.role == Some(FileRole::Template))
}

/// The same as `difference` for files that were fetched: of one too large for a reader, or kept by digest, only
/// the counts were recorded.
pub fn difference_of_external(evidence: &Evidence, files: &[(&str, &[u8])], wanted: Wanted<'_>) -> Option<String> {
    let counts = counts(evidence);
    let mut taken = evidence.clone();
    taken.facts.retain(|name, fact| counts.get(name) != Some(fact) && !FROM_ELSEWHERE.contains(&name.as_str()));
    if taken.facts.is_empty() { None } else { difference(&taken, files, wanted) }
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
