//! `--changed`: the documents of a gate that the commits under review change, read at their head.

use super::failure::Failure;
use super::load::Loaded;
use super::select::{Question, document_digests};
use crate::policy::decision::Decision;
use crate::policy::range::{self, Changed};
use crate::policy::{Observed, same_path};
use crate::store::git::Changes;

/// Closes what rests on a document as it was before it was changed.
pub fn close(
    decision: &mut Decision,
    question: &Question<'_>,
    loaded: &Loaded,
    changes: &Changes,
) -> Result<(), Failure> {
    let mut documents = Observed::new();
    for path in range::documents(question.gate, &question.release) {
        let Some((_, now)) = changes.paths.iter().find(|(changed, _)| same_path(changed, &path)) else { continue };
        let bytes = now.as_ref().map(|blob| loaded.store.changed_file(blob)).transpose()?;
        documents.insert(path, bytes.map(|bytes| document_digests(&bytes)).unwrap_or_default());
    }
    range::close(
        decision,
        question.gate,
        &loaded.ledger,
        &Changed { range: &changes.range, paths: changes.paths.keys().cloned().collect(), documents },
    );
    Ok(())
}
