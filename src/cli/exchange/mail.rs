//! Entries in a file: an ordinary git bundle with the one branch, looked at before git reads or writes it.

use std::path::{Path, PathBuf};

use super::remote::{FETCH, git};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::id::ObjectId;
use crate::store::bundle::{self, Header};
use crate::store::git::{BRANCH, GitStore, share};

/// Larger than any file of entries that somebody sends.
const MOST: u64 = 4 << 30;

/// Takes the branch out of a file that [`write()`] wrote, and puts it beside everything.
pub fn read(context: &Context<'_>, store: &GitStore, file: &Path) -> Result<ObjectId, Failure> {
    let shown = file.display();
    let path = context.world().real_path(&context.world().path(file));
    let path = path.filter(|path| !context.world().is_directory(path));
    let path = path.ok_or_else(|| Failure::usage(format!("there is no file {shown}")))?;
    let unusable = |why: &str| {
        Failure::unknown(format!("{shown} holds no evidence branch: {why}"))
            .hint("whoever signed writes it: ledger push --to FILE")
    };
    // Git would read a file that is none of its own to the end before it says so.
    let header = header(context, &path).map_err(|error| unusable(&error.to_string()))?;
    let said = header.as_ref().and_then(|header| header.only(BRANCH));
    let said = said.ok_or_else(|| unusable("it is no bundle with that one branch"))?;
    if context.world().size(&path).is_ok_and(|size| size > MOST) {
        return Err(unusable(&format!("it is larger than {} GiB", MOST >> 30)));
    }
    let refspec = format!("+{BRANCH}:{}", share::RECEIVED);
    let ran = git(context, store, &[&["fetch"], FETCH, &["--", &path.to_string_lossy(), &refspec]].concat())?;
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    if ran.exit_code != 0 && told.contains("prerequisite") {
        return Err(Failure::unknown(format!("{shown} goes on from entries that are not here")).hint("ledger pull"));
    }
    let there = store.resolve(share::RECEIVED)?.filter(|there| ran.exit_code == 0 && there == said);
    there.ok_or_else(|| {
        let why = told.lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
        unusable(why.unwrap_or("git said nothing"))
    })
}

/// Where a file may be written: anew, or in the place of one with entries of this ledger, and never among
/// git's own.
pub fn place(context: &Context<'_>, store: &GitStore, file: &Path, tip: &ObjectId) -> Result<PathBuf, Failure> {
    let shown = file.display();
    let refused = |why: &str| Failure::usage(format!("{shown} {why}")).hint("name a new file: ledger push --to FILE");
    let path = context.world().path(file);
    let name = path.file_name().ok_or_else(|| refused("is no name of a file"))?;
    let folder = path.parent().and_then(|folder| context.world().real_path(folder));
    let folder = folder.ok_or_else(|| Failure::unknown(format!("the folder of {shown} is not there")))?;
    let of_git = |part: std::path::Component<'_>| part.as_os_str().eq_ignore_ascii_case(".git");
    let own = [store.directory(), store.common_directory()].map(|own| context.world().real_path(own));
    let place = folder.join(name);
    if place.components().any(of_git) || own.iter().flatten().any(|own| folder.starts_with(own)) {
        return Err(refused("would lie among git's own files"));
    }
    context.world().refuse_special(&place).map_err(|error| refused(&format!("cannot be written: {error}")))?;
    if context.world().exists(&place) {
        let there = header(context, &place).ok().flatten();
        let ours = there.as_ref().and_then(|header| header.only(BRANCH));
        let is_ours = |commit: &ObjectId| matches!(store.common(commit, tip), Ok(Some(_)));
        if !ours.is_some_and(is_ours) {
            return Err(refused("is there already, and holds no entries of this ledger: it is left alone"));
        }
    }
    Ok(place)
}

/// Writes the branch to a file, without what the others have: up to `known`, where that is given.
pub fn write(
    context: &Context<'_>,
    store: &GitStore,
    place: &Path,
    tip: &ObjectId,
    known: Option<&ObjectId>,
) -> Result<(), Failure> {
    let without = known.map(|known| format!("^{known}"));
    let mut said = "git wrote another file than it was asked for".to_owned();
    let written = context.world().replace(place, |fresh| {
        let path = fresh.to_string_lossy();
        let refs = [BRANCH].into_iter().chain(without.as_deref());
        let args: Vec<&str> = ["bundle", "create", "--quiet", &path].into_iter().chain(refs).collect();
        match git(context, store, &args) {
            Ok(ran) if ran.exit_code == 0 => {}
            Ok(ran) => {
                let words = String::from_utf8_lossy(&ran.stderr).into_owned();
                said = words.lines().last().unwrap_or("git said nothing").to_owned();
                return false;
            }
            Err(failure) => {
                said = failure.message;
                return false;
            }
        }
        let there = header(context, fresh).ok().flatten();
        there.is_some_and(|there| there.only(BRANCH) == Some(tip))
    });
    written.map_err(|error| {
        let why = if error.kind() == std::io::ErrorKind::Other { said } else { error.to_string() };
        Failure::unknown(format!("cannot write {}: {why}", place.display()))
    })
}

fn header(context: &Context<'_>, path: &Path) -> std::io::Result<Option<Header>> {
    context.world().read_head(path, bundle::MOST).map(|bytes| Header::parse(&bytes))
}
