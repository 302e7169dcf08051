//! What lies in the folders that are taken over.

use std::path::{Path, PathBuf};

use super::Outcome;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::hashing::{Below, below};
use crate::store::git::GitStore;

/// Something that was found, and what is to become of it where that is known already.
pub struct Found {
    pub path: PathBuf,
    pub left: Option<Outcome>,
}

impl Found {
    /// A link is told by its own path, not by what it leads to.
    pub fn recorded_path(&self, context: &Context<'_>, store: &GitStore) -> String {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return context.recorded_path(store, &self.path);
        };
        match self.left {
            None => context.recorded_path(store, &self.path),
            Some(_) => format!("{}/{}", context.recorded_path(store, folder), name.to_string_lossy()),
        }
    }
}

/// Everything named or below a folder named, in the order of the paths. What is hidden (`.DS_Store`) is nobody's
/// evidence.
pub fn all_files(context: &Context<'_>, paths: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let (mut files, mut others): (Vec<PathBuf>, Vec<(PathBuf, &str)>) = Default::default();
    for path in paths {
        if !context.world().is_directory(path) {
            files.push(path.clone());
            continue;
        }
        let found = below(&context.world().path(path));
        let found = found.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        let is_shown = |name: &str| !name.split('/').any(|part| part.starts_with('.'));
        let Below { files: below, others: beside } = found;
        files.extend(below.iter().filter(|(name, _)| is_shown(name)).map(|(name, _)| path.join(name)));
        others.extend(beside.iter().filter(|(name, _)| is_shown(name)).map(|(name, what)| (path.join(name), *what)));
    }
    let real: Vec<PathBuf> =
        files.iter().filter_map(|file| context.world().real_path(&context.world().path(file))).collect();
    let roots: Vec<PathBuf> =
        paths.iter().filter_map(|path| context.world().real_path(&context.world().path(path))).collect();
    let others = others.into_iter().map(|(path, what)| {
        let left = left(context, &path, what, &roots, &real);
        Found { path, left: Some(left) }
    });
    let mut found: Vec<Found> = others.collect();
    found.extend(files.into_iter().map(|path| Found { path, left: None }));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    if found.is_empty() {
        return Err(Failure::usage("there is no file to import"));
    }
    Ok(found)
}

/// What lies there without bytes of its own. A link brings nothing where the file it leads to is taken by itself.
fn left(context: &Context<'_>, path: &Path, what: &str, roots: &[PathBuf], files: &[PathBuf]) -> Outcome {
    let leads_to = context.world().real_path(&context.world().path(path));
    let is_inside = |real: &Path| roots.iter().any(|root| real.starts_with(root));
    match leads_to {
        Some(real) if is_inside(&real) && files.iter().any(|file| file.starts_with(&real)) => {
            let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Outcome::Aside(format!("it is {what} to {name}, which is taken by itself"))
        }
        _ => Outcome::Refused(format!("it is {what}: bring what it stands for")),
    }
}
