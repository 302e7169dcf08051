//! A directory as a store: on this machine, or a share that is mounted here.

#![expect(clippy::disallowed_methods, reason = "this is a door to files")]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::{Checked, PIECE, Put, Trouble, unreached};
use crate::evidence::location::Location;

/// What stands at a file's place is held against its digest. A new file gets its name when all of it is on
/// the disk, and takes nobody else's.
pub fn put(store: &Location, place: &Location, from: &mut dyn Read, source: &mut Checked<'_>) -> Result<Put, Trouble> {
    let (root, path) = store.file_path().zip(place.file_path()).ok_or_else(no_path)?;
    // A share that is not mounted must not be taken for an empty store.
    if !fs::metadata(&root).is_ok_and(|data| data.is_dir()) {
        return Err(Trouble::Unreached(format!("there is no directory {} (mkdir -p makes one)", root.display())));
    }
    match same(&path, source) {
        Err(Trouble::Missing) => {}
        found => return found.map(|()| Put::Known),
    }
    let folder = path.parent().ok_or_else(no_path)?;
    fs::create_dir_all(folder).map_err(|error| unreached(&error))?;
    let file = tempfile::Builder::new().prefix(".ledger-").tempfile_in(folder);
    let mut file = file.map_err(|error| unreached(&error))?;
    loop {
        let piece = source.next(from, PIECE)?;
        if piece.is_empty() {
            break;
        }
        file.write_all(&piece).map_err(|error| unreached(&error))?;
    }
    settle(&file).map_err(|error| unreached(&error))?;
    match file.persist_noclobber(&path) {
        Ok(_) => {}
        // Somebody else was faster; that it is the same is seen below.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unreached(&error.error)),
    }
    sync(folder).map_err(|error| unreached(&error))?;
    same(&path, source).map(|()| Put::New)
}

pub fn get(place: &Location, to: &mut dyn Write, sink: &mut Checked<'_>) -> Result<(), Trouble> {
    let path = place.file_path().ok_or_else(no_path)?;
    let mut file = open(&path)?;
    let mut buffer = vec![0; PIECE];
    loop {
        let count = file.read(&mut buffer).map_err(|error| unreached(&error))?;
        let piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return sink.finish();
        }
        sink.take(piece)?;
        to.write_all(piece).map_err(|error| unreached(&error))?;
    }
}

/// Whether a file has the bytes that are meant.
fn same(path: &Path, source: &Checked<'_>) -> Result<(), Trouble> {
    let mut file = open(path)?;
    let mut silent = |_| {};
    let mut sink = Checked { content: source.content, read: 0, hasher: Default::default(), tell: &mut silent };
    let mut buffer = vec![0; PIECE];
    loop {
        let count = file.read(&mut buffer).map_err(|error| unreached(&error))?;
        match buffer.get(..count).unwrap_or_default() {
            [] => return sink.finish(),
            piece => sink.take(piece)?,
        }
    }
}

/// A regular file, and no link to one: a link may lead elsewhere tomorrow, and a pipe waits for ever.
fn open(path: &Path) -> Result<File, Trouble> {
    let data = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(absent(path)),
        data => data.map_err(|error| unreached(&error))?,
    };
    if !data.is_file() {
        return Err(Trouble::Differs("it is no regular file".to_owned()));
    }
    File::open(path).map_err(|error| unreached(&error))
}

/// A file is missing where the store around it can be seen; otherwise the whole store may be elsewhere today.
fn absent(path: &Path) -> Trouble {
    // Above `sha256/ab/` lies the store itself. Other files must lie in a folder that is there.
    let is_key = path.parent().and_then(Path::parent).is_some_and(|folder| folder.ends_with("sha256"));
    let around = path.ancestors().nth(if is_key { 3 } else { 1 });
    match around.is_some_and(|folder| fs::metadata(folder).is_ok_and(|data| data.is_dir())) {
        true => Trouble::Missing,
        false => Trouble::Unreached(format!("there is no directory {}", around.unwrap_or(path).display())),
    }
}

/// Waits for the disk, and lets everybody read but nobody write.
fn settle(file: &tempfile::NamedTempFile) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o444))?;
    }
    file.as_file().sync_all()
}

/// Waits until a new name is on the disk, where a system can say so.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn no_path() -> Trouble {
    Trouble::Unreached("it is no path of this system".to_owned())
}
