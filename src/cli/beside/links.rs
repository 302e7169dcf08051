//! Where the links of documents lead: at the release's source commit, or among the files here.

use std::path::Path;

use super::Brought;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::links::{Link, State, Target, check};
use crate::evidence::readers::{LINK_CHECK, LINKED, LINKS_MISSING};
use crate::id::ObjectId;
use crate::store::git::GitStore;

/// How many links of the documents brought lead nowhere, and where they stand. `None` for formats whose
/// files are no documents.
pub fn facts(store: &GitStore, commit: &ObjectId, format: &str, brought: &[Brought]) -> Option<Facts> {
    if !LINKED.contains(&format) {
        return None;
    }
    let mut look = |path: &str| match store.file(commit, path) {
        Ok(bytes) => Some(Target::File(bytes)),
        Err(_) => store.is_folder(commit, path).then_some(Target::Folder),
    };
    let mut links = Vec::new();
    for one in brought.iter().filter(|one| one.file.role.is_none()) {
        let found = check(&one.file.path, one.bytes.as_deref()?, &mut look).ok()?;
        links.extend(found.into_iter().map(|link| (one.file.name.as_str(), link)));
    }
    let of = |state| links.iter().filter(|(_, link)| link.state == state).count();
    let broken = links.iter().filter(|(_, link)| link.state.is_missing());
    let listed = broken.clone().take(LISTED).map(|(name, link)| format!("{name}:{}: {}", link.line, told(link)));
    let group = Facts::from([
        ("total".to_owned(), links.len().into()),
        ("found".to_owned(), of(State::Found).into()),
        ("external".to_owned(), of(State::External).into()),
        ("missing_files".to_owned(), of(State::MissingFile).into()),
        ("missing_anchors".to_owned(), of(State::MissingAnchor).into()),
        ("broken".to_owned(), Fact::List(listed.collect())),
    ]);
    Some(Facts::from([(LINKS_MISSING.to_owned(), broken.count().into()), (LINK_CHECK.to_owned(), Fact::Group(group))]))
}

/// The links of a document on this machine, among the files around it.
pub fn here(context: &Context<'_>, file: &Path, bytes: &[u8]) -> Result<Vec<Link>, Failure> {
    let world = context.world();
    let store = context.open_store().ok();
    let root = store.as_ref().and_then(GitStore::work_tree).unwrap_or(&world.directory).to_owned();
    let path = store.as_ref().map_or_else(|| file.to_string_lossy().into_owned(), |s| context.recorded_path(s, file));
    let mut look = |path: &str| {
        let path = root.join(path);
        match world.is_directory(&path) {
            true => Some(Target::Folder),
            false => world.read(&path).ok().map(Target::File),
        }
    };
    check(&path, bytes, &mut look)
        .map_err(|error| Failure::usage(format!("{} does not read as a document: {error}", file.display())))
}

/// A link and what is wrong with it.
pub fn told(link: &Link) -> String {
    let target: String = link.target.chars().take(MAX_TARGET).collect();
    format!("{target} ({})", word(link.state))
}

pub const fn word(state: State) -> &'static str {
    match state {
        State::Found => "found",
        State::External => "external",
        State::MissingFile => "no such file",
        State::MissingAnchor => "no such heading or line",
    }
}

/// A statement has little room.
const LISTED: usize = 40;
const MAX_TARGET: usize = 120;
