//! What a push may do to the evidence branch and to protected branches, decided before any ref moves.
//!
//! The evidence branch only grows, by entries that verify on what is there. A protected branch only moves
//! on, to a commit whose gate is promoted and still open in the evidence as this very push leaves it.
//! Whatever is unknown, missing or broken refuses. Other refs cost nothing.

mod evidence;
mod protect;

use std::path::PathBuf;

use super::context::Context;
use super::failure::Failure;
use super::load::Loaded;
use super::output::Printer;
use crate::id::{Digest, ObjectId, fold};
use crate::store::git::{BRANCH, GitStore};

use evidence::Trust;
pub use protect::{Protected, SETTING};

/// The setting that pins the ledger where there is no work tree to have `.ledger.toml`.
pub const ROOT_SETTING: &str = "ledger.root";

/// Longer than any list of refs a push has.
const MOST_INPUT: u64 = 64 << 20;

/// One ref a push is to move; no commit is no ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub old: Option<ObjectId>,
    pub new: Option<ObjectId>,
    pub name: String,
}

/// Decides about everything git says on stdin of `pre-receive`: all of it is taken, or nothing.
pub fn pre_receive(context: &mut Context<'_>) -> Result<(), Failure> {
    let updates = lines(context)?.iter().map(|line| pushed(line)).collect::<Result<Vec<_>, _>>()?;
    let store = open(context)?;
    let mut evidence = None;
    let mut others = Vec::new();
    for update in updates {
        let name = store.meant(&update.name)?;
        match name.as_str() {
            BRANCH => evidence = Some(update),
            near if is_near_evidence(near) => {
                return Err(Failure::no(format!("{near} would stand in the place of {BRANCH} on some file systems"))
                    .hint("push it under another name"));
            }
            shadow if shadows_evidence(shadow) && update.new.is_some() => {
                return Err(Failure::no(format!("git would take {shadow} where somebody means {BRANCH}"))
                    .hint("push it under another name"));
            }
            _ => others.push(Update { name, ..update }),
        }
    }
    let protected = protect::asked(&store, &others)?;
    if evidence.is_none() && protected.is_empty() {
        return Ok(());
    }
    let pin = match &context.global.root {
        Some(root) => Some(Digest::parse(root)?),
        None => store.settings(ROOT_SETTING)?.last().map(|root| Digest::parse(root)).transpose()?,
    };
    let trust = Trust { pin, keeps: true };
    let mut loaded = match &evidence {
        Some(update) => evidence::take(context, store, update, trust)?,
        None => evidence::as_it_is(context, store, trust)?,
    };
    protected.iter().try_for_each(|(update, protected)| protect::judge(context, &mut loaded, update, protected))
}

/// Decides about the evidence branch in what git says on stdin of `pre-push`.
pub fn pre_push(context: &mut Context<'_>) -> Result<(), Failure> {
    for line in lines(context)? {
        // What is pushed stands first and as it was typed: `HEAD@{1 day ago}` has blanks.
        let words: Vec<&str> = line.rsplitn(4, ' ').collect();
        let [old, name, new, _] = words.as_slice() else { return Err(not_from_git(&line)) };
        if *name != BRANCH {
            continue;
        }
        let update = Update { old: commit(old)?, new: commit(new)?, name: BRANCH.to_owned() };
        let store = context.open_store()?;
        let pin = context.pin(&store)?;
        evidence::take(context, store, &update, Trust { pin, keeps: false })?;
    }
    Ok(())
}

/// A ledger up to one commit, as `pre-push` verifies it.
pub fn verified(
    context: &mut Context<'_>,
    store: GitStore,
    commit: ObjectId,
    pin: Option<Digest>,
) -> Result<Loaded, Failure> {
    evidence::read_from_state(context, store, commit, pin)
}

/// The repository of `GIT_DIR` with the objects of the push.
fn open(context: &Context<'_>) -> Result<GitStore, Failure> {
    let world = context.world();
    let directory = world.env.get("GIT_DIR").map_or_else(|| world.directory.clone(), |at| world.path(at.as_ref()));
    let own = ["GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"];
    let mut objects: Vec<PathBuf> = own.iter().filter_map(|name| world.env.get(*name)).map(PathBuf::from).collect();
    let others = world.env.get("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    objects.extend(others.into_iter().flat_map(std::env::split_paths));
    let mut objects: Vec<PathBuf> = objects.iter().map(|path| world.path(path)).collect();
    objects.dedup();
    Ok(GitStore::open(&directory, false)?.with_objects(objects)?)
}

fn lines(context: &mut Context<'_>) -> Result<Vec<String>, Failure> {
    let bytes = context.printer.world.read_input(MOST_INPUT);
    let bytes = bytes.map_err(|error| Failure::unknown(format!("what is pushed cannot be read: {error}")))?;
    if bytes.len() as u64 == MOST_INPUT {
        return Err(Failure::unknown("more is pushed than anybody can look through"));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::unknown("a ref is pushed whose name is no UTF-8"))?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// `old SP new SP name` (githooks, "pre-receive").
fn pushed(line: &str) -> Result<Update, Failure> {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next()) {
        (Some(old), Some(new), Some(name)) if name.starts_with("refs/") => {
            Ok(Update { old: commit(old)?, new: commit(new)?, name: name.to_owned() })
        }
        _ => Err(not_from_git(line)),
    }
}

fn not_from_git(line: &str) -> Failure {
    Failure::usage(format!("{line:?} is no line that git gives to a hook"))
        .hint("this command is run by git: ledger hooks install")
}

/// The zero id stands for no commit.
fn commit(text: &str) -> Result<Option<ObjectId>, Failure> {
    let id = ObjectId::parse(text)?;
    Ok(text.bytes().any(|digit| digit != b'0').then_some(id))
}

/// The same name where letter case does not count, or a folder in its place.
fn is_near_evidence(name: &str) -> bool {
    let folded = fold(name);
    folded == BRANCH || folded.strip_prefix(BRANCH).is_some_and(|rest| rest.starts_with('/'))
}

/// A name that git finds before the branch where somebody writes `evidence`, or `origin/evidence` (gitrevisions).
fn shadows_evidence(name: &str) -> bool {
    let folded = fold(name);
    let short = folded.strip_prefix("refs/tags/").or_else(|| folded.strip_prefix("refs/"));
    matches!(short, Some("evidence" | "origin/evidence"))
}

/// What becomes of the branch, for the first line of a refusal.
fn refused(printer: &mut Printer<'_>, update: &Update) {
    let name = update.name.strip_prefix("refs/heads/").unwrap_or(&update.name);
    let line = format!("{} {} stays as it is", printer.bad(), crate::report::escape::visible(name));
    printer.talk(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_git_is_read_and_nothing_else() {
        let (one, zero) = ("1".repeat(40), "0".repeat(40));
        let update = pushed(&format!("{zero} {one} refs/heads/a b")).unwrap();
        assert_eq!((update.old, update.new.is_some(), update.name.as_str()), (None, true, "refs/heads/a b"));
        for bad in ["", "x", &one, &format!("{one} {one}"), &format!("{one} {one} main"), &format!("x {one} refs/a")] {
            assert!(pushed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_may_be_the_same_file_are_near() {
        for near in ["refs/heads/Evidence", "REFS/HEADS/EVIDENCE", "refs/heads/evidence/x", "refs/heads/evidence"] {
            assert!(is_near_evidence(near), "{near}");
        }
        for other in ["refs/heads/evidence2", "refs/heads/main", "refs/tags/evidence", "refs/heads/my/evidence"] {
            assert!(!is_near_evidence(other), "{other}");
        }
    }

    #[test]
    fn names_that_git_finds_before_the_branch_shadow_it() {
        for shadow in ["refs/tags/evidence", "refs/evidence", "refs/tags/Evidence", "refs/tags/origin/evidence"] {
            assert!(shadows_evidence(shadow), "{shadow}");
        }
        for other in [BRANCH, "refs/tags/evidence-1", "refs/tags/v1/evidence", "refs/heads/x", "refs/notes/evidence"] {
            assert!(!shadows_evidence(other), "{other}");
        }
    }
}
