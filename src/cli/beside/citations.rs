//! What documents cite, resolved at the release's source commit.

use std::collections::BTreeMap;

use super::Brought;
use crate::evidence::citations::{excerpt, find};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::CITATIONS;
use crate::evidence::text;
use crate::id::{Digest, ObjectId};
use crate::store::git::GitStore;

/// Excerpts listed with their digests; a statement has little room.
const LISTED: usize = 100;

/// Counts of the pointers in the documents brought, and the digest of what each resolved one shows.
/// `None` where there is no pointer at all.
pub fn facts(store: &GitStore, commit: &ObjectId, brought: &[Brought]) -> Option<(String, Fact)> {
    let texts =
        brought.iter().filter(|one| one.file.role.is_none()).filter_map(|one| text::decode(one.bytes.as_deref()?));
    let found: Vec<_> = texts.flat_map(|text| find(&text)).collect();
    if found.is_empty() {
        return None;
    }
    // Documents cite one file many times.
    let mut files: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let (mut opaque, mut missing, mut stale, mut excerpts) = (0_usize, 0_usize, 0_usize, Vec::new());
    for citation in &found {
        let Some(path) = &citation.path else {
            opaque += 1;
            continue;
        };
        let file = files.entry(path.as_str()).or_insert_with(|| {
            store.file(commit, path).ok().and_then(|bytes| Some(text::decode(&bytes)?.into_owned()))
        });
        let shown = file.as_deref().map(|text| excerpt(text, citation.lines));
        match shown {
            None => missing += 1,
            // The file has fewer lines by now than the document speaks of.
            Some(None) => stale += 1,
            Some(Some(lines)) => {
                let (from, to) = citation.lines;
                excerpts.push(format!("{path} L{from}-L{to} sha256:{}", Digest::of(lines.as_bytes())));
            }
        }
    }
    let counts = [
        ("total", found.len()),
        ("resolved", excerpts.len()),
        ("opaque", opaque),
        ("missing", missing),
        ("stale", stale),
    ];
    let mut facts: Facts = counts.into_iter().map(|(name, count)| (name.to_owned(), Fact::from(count))).collect();
    excerpts.dedup();
    excerpts.truncate(LISTED);
    facts.insert("excerpts".to_owned(), Fact::List(excerpts));
    Some((CITATIONS.to_owned(), Fact::Group(facts)))
}
