//! Digests of many files and of directories, on all cores and with a line that says how far it is.

#![expect(clippy::disallowed_methods, reason = "this is a door to files")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::progress::mebibytes;
use super::world::{World, hash_file};
use crate::evidence::manifest::{self, Manifest};
use crate::id::Digest;

/// Folders below one another.
const MAX_DEPTH: usize = 64;
/// Files of one directory: its manifest is kept in the ledger.
const MAX_FILES: usize = 200_000;
/// Files one core takes at a time.
const MAX_STRETCH: usize = 64;

/// Size and SHA-256 of each file, in the order given.
pub fn hash_all(world: &mut World, paths: &[PathBuf]) -> Vec<io::Result<(u64, Digest)>> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| world.path(path)).collect();
    // Only somebody who sees how far it is asks how far it goes.
    let asked = if world.is_interactive { paths.as_slice() } else { &[] };
    let total: u64 = asked.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|data| data.len()).sum();
    let cores = world.cores();
    let mut progress = world.progress("hashing", "MiB", mebibytes(total));
    hash_files(&paths, cores, |more| progress.advance(more))
}

/// The same; `tell` hears how many more mebibytes were read.
fn hash_files(paths: &[PathBuf], cores: usize, mut tell: impl FnMut(usize)) -> Vec<io::Result<(u64, Digest)>> {
    let cores = cores.min(paths.len()).max(1);
    // To hand over each file by itself would cost more than to hash a small one.
    let length = (paths.len() / (cores * 8)).clamp(1, MAX_STRETCH);
    let (next, read) = (AtomicUsize::new(0), AtomicU64::new(0));
    let mut digests: Vec<io::Result<(u64, Digest)>> = paths.iter().map(|_| Err(io::ErrorKind::Other.into())).collect();
    std::thread::scope(|scope| {
        let (sender, results) = channel();
        for _ in 0..cores {
            let (sender, next, read) = (sender.clone(), &next, &read);
            scope.spawn(move || {
                while let Some((at, paths)) = stretch(paths, next.fetch_add(length, Ordering::Relaxed), length) {
                    let count = |bytes| {
                        read.fetch_add(bytes, Ordering::Relaxed);
                    };
                    let hashed: Vec<_> = paths.iter().map(|path| hash_file(path, count)).collect();
                    if sender.send((at, hashed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut shown = 0;
        loop {
            match results.recv_timeout(Duration::from_millis(100)) {
                Ok((at, hashed)) => digests.iter_mut().skip(at).zip(hashed).for_each(|(place, digest)| *place = digest),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = mebibytes(read.load(Ordering::Relaxed));
            tell(now.saturating_sub(shown));
            shown = now;
        }
    });
    digests
}

/// So many paths from a place on; fewer at the end, and none behind it.
fn stretch(paths: &[PathBuf], at: usize, length: usize) -> Option<(usize, &[PathBuf])> {
    let rest = paths.get(at..).filter(|rest| !rest.is_empty())?;
    Some((at, rest.get(..length).unwrap_or(rest)))
}

/// Every file of a directory, hashed.
pub fn hash_directory(world: &mut World, directory: &Path) -> io::Result<Manifest> {
    let files = some_files_below(&world.path(directory))?;
    let paths: Vec<PathBuf> = files.iter().map(|(_, path)| path.clone()).collect();
    let digests = hash_all(world, &paths);
    listed(files, digests)
}

/// The digest of a directory's list, without a word while it is made.
pub fn digest_of_directory(world: &World, directory: &Path) -> io::Result<Digest> {
    let files = some_files_below(&world.path(directory))?;
    let paths: Vec<PathBuf> = files.iter().map(|(_, path)| path.clone()).collect();
    let listed = listed(files, hash_files(&paths, world.cores(), |_| {}))?;
    Ok(Digest::of(manifest::print(&listed).as_bytes()))
}

fn some_files_below(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let files = files_below(folder)?;
    if files.is_empty() { Err(io::Error::other("there is no file in it")) } else { Ok(files) }
}

fn listed(files: Vec<(String, PathBuf)>, digests: Vec<io::Result<(u64, Digest)>>) -> io::Result<Manifest> {
    let named = files.into_iter().zip(digests).map(|((name, _), digest)| match digest {
        Ok((_, digest)) => Ok((name, digest)),
        Err(error) => Err(io::Error::new(error.kind(), format!("{name}: {error}"))),
    });
    named.collect()
}

/// Regular files below a folder, with their path in it. Whatever else lies there (a link, a pipe) has no
/// bytes of its own to answer for, so it is an error and not passed over.
pub fn files_below(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let Below { files, others } = below(folder)?;
    match others.first() {
        None => Ok(files),
        Some((path, what)) => Err(io::Error::other(format!("{path} is {what}: bring what it stands for"))),
    }
}

/// What lies below a folder, each with its path in it.
#[derive(Default)]
pub struct Below {
    /// Regular files.
    pub files: Vec<(String, PathBuf)>,
    /// Whatever else, with what it is.
    pub others: Vec<(String, &'static str)>,
}

pub fn below(folder: &Path) -> io::Result<Below> {
    let mut below = Below::default();
    walk(folder, "", 0, &mut below).map(|()| below)
}

fn walk(folder: &Path, prefix: &str, depth: usize, below: &mut Below) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::other(format!("{prefix}: folders nest too deep")));
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(io::Error::other(format!("{prefix}{}: its name is no Unicode", name.to_string_lossy())));
        };
        let (path, kind) = (format!("{prefix}{name}"), entry.file_type()?);
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), depth + 1, below)?;
        } else if kind.is_file() {
            below.files.push((path, entry.path()));
        } else {
            below.others.push((path, if kind.is_symlink() { "a link" } else { "no regular file" }));
        }
        if below.files.len() + below.others.len() > MAX_FILES {
            return Err(io::Error::other(format!("there are more than {MAX_FILES} files in it: bring an archive")));
        }
    }
    Ok(())
}
