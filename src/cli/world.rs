//! The remaining doors: files, environment, clock, terminal and processes.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the door itself")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::progress::Progress;
use crate::id::{Digest, Timestamp};

/// What a command can reach outside itself. A test or the demo makes its own.
pub struct World {
    pub directory: PathBuf,
    pub env: BTreeMap<String, String>,
    pub out: Box<dyn Write>,
    pub err: Box<dyn Write>,
    pub input: Box<dyn BufRead>,
    /// Somebody sits there and can answer.
    pub is_interactive: bool,
    pub colour: bool,
    pub clock: Clock,
}

/// Where the time comes from.
pub enum Clock {
    System,
    /// Stands still but for pauses: seconds since 1970.
    Stepped(Cell<i64>),
}

/// Larger than pins, memories and templates ever are.
const MOST_OF_OURS: u64 = 64 << 20;

/// How a command that was run ended.
pub struct Ran {
    /// 128 + signal where a signal ended it.
    pub exit_code: i32,
    /// The signal, where one ended it.
    pub signal: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// What a file was at some moment: enough to see that it was not written since, never to know its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
}

impl World {
    /// The world of this process.
    pub fn of_process() -> Self {
        Self {
            directory: std::env::current_dir().unwrap_or_default(),
            env: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input: Box::new(io::BufReader::new(io::stdin())),
            is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            colour: io::stdout().is_terminal(),
            clock: Clock::System,
        }
    }

    pub fn now(&self) -> Timestamp {
        let since = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = match &self.clock {
            Clock::System => i64::try_from(since().as_secs()).unwrap_or_default(),
            Clock::Stepped(seconds) => seconds.get(),
        };
        Timestamp::from_seconds(seconds).unwrap_or(Timestamp::MAX)
    }

    /// Cores this process may use.
    pub fn cores(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Shows how far long work has come, where somebody sits who can see it.
    pub fn progress(&mut self, what: &'static str, unit: &'static str, total: usize) -> Progress<'_> {
        Progress::begin(self.is_interactive.then_some(&mut self.err), what, unit, total)
    }

    pub fn pause(&self, time: Duration) {
        match &self.clock {
            Clock::System => std::thread::sleep(time),
            // Whoever waits for another second gets it.
            Clock::Stepped(seconds) => seconds.set(seconds.get() + 1),
        }
    }

    /// A number that differs between processes, to spread retries; nothing secret.
    pub fn jitter(&self) -> u64 {
        u64::from(std::process::id())
    }

    pub fn home(&self) -> Option<PathBuf> {
        self.env.get("HOME").or_else(|| self.env.get("USERPROFILE")).map(PathBuf::from)
    }

    /// An absolute path, as the person in this directory means it.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.directory.join(path)
    }

    /// A path with every link followed; `None` when nothing is there.
    pub fn real_path(&self, path: &Path) -> Option<PathBuf> {
        path.canonicalize().ok()
    }

    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        require_regular(&self.path(path))?;
        std::fs::read(self.path(path))
    }

    /// A regular file, to be read in pieces.
    pub fn open(&self, path: &Path) -> io::Result<std::fs::File> {
        require_regular(&self.path(path))?;
        std::fs::File::open(self.path(path))
    }

    /// The beginning of a regular file, at most so many bytes.
    pub fn read_head(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.take(most).read_to_end(&mut bytes).map(|_| bytes)
    }

    /// A regular file's bytes, or `None` where there is nothing at all. Whatever else stands there (a
    /// folder, a pipe, a link to nowhere, a file that may not be read) is an error, never an absence.
    pub fn read_if_there(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(path);
        match std::fs::symlink_metadata(&path) {
            Err(error) if is_absence(&error) => return Ok(None),
            found => found?,
        };
        if require_regular(&path)? > MOST_OF_OURS {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any file of ours"));
        }
        std::fs::read(&path).map(Some)
    }

    /// The same for a file of any length, of which only size and SHA-256 are wanted.
    pub fn hash_if_there(&self, path: &Path) -> io::Result<Option<(u64, Digest)>> {
        match std::fs::symlink_metadata(self.path(path)) {
            Err(error) if is_absence(&error) => Ok(None),
            found => found.and_then(|_| self.hash(path)).map(Some),
        }
    }

    pub fn exists(&self, path: &Path) -> bool {
        self.path(path).exists()
    }

    /// Whether the path itself is a link, whatever it leads to.
    pub fn is_link(&self, path: &Path) -> bool {
        std::fs::symlink_metadata(self.path(path)).is_ok_and(|data| data.is_symlink())
    }

    pub fn is_directory(&self, path: &Path) -> bool {
        self.path(path).is_dir()
    }

    /// Writes a whole file or nothing: anew, or in the place of a regular file and of nothing else.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write_as(path, bytes, 0o644)
    }

    /// The same for a file that is run.
    pub fn write_program(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write_as(path, bytes, 0o755)
    }

    #[cfg_attr(not(unix), expect(unused_variables, reason = "modes are Unix's"))]
    fn write_as(&self, path: &Path, bytes: &[u8], fresh: u32) -> io::Result<()> {
        let path = self.path(path);
        self.refuse_special(&path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".ledger-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        // A fresh temporary file is private; a document for colleagues takes the mode of the one it replaces.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).map_or(fresh, |old| old.permissions().mode());
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode))?;
        }
        file.persist(&path).map(drop).map_err(|error| error.error)
    }

    /// Refuses a pipe, a device, a folder or a link: a file put in its place would take it away.
    pub fn refuse_special(&self, path: &Path) -> io::Result<()> {
        match std::fs::symlink_metadata(self.path(path)) {
            Err(error) if is_absence(&error) => Ok(()),
            Err(error) => Err(error),
            Ok(data) if data.is_file() => Ok(()),
            Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
        }
    }

    /// Adds to the end of a file, which need not be there yet.
    pub fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(path);
        match require_regular(&path) {
            Err(error) if !is_absence(&error) => return Err(error),
            _ => {}
        }
        std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)
    }

    /// A file without a name yet, in the folder it is for, which is made where it is missing.
    pub fn fresh_file(&self, folder: &Path) -> io::Result<tempfile::NamedTempFile> {
        std::fs::create_dir_all(folder)?;
        tempfile::Builder::new().prefix(".ledger-").tempfile_in(folder)
    }

    /// Puts a file in another's place once it is whole: `make` fills it, for this person alone.
    pub fn replace(&self, path: &Path, make: impl FnOnce(&Path) -> bool) -> io::Result<()> {
        let folder = private_folder_of(path)?;
        let file = tempfile::Builder::new().prefix(".ledger-").tempfile_in(folder)?.into_temp_path();
        if make(&file) { file.persist(path).map_err(|error| error.error) } else { Err(io::ErrorKind::Other.into()) }
    }

    /// Replaces a file by what `change` makes of it, one process at a time, and waits for the disk.
    /// `None` leaves it as it is.
    pub fn update(&self, path: &Path, change: impl FnOnce(Option<Vec<u8>>) -> Option<Vec<u8>>) -> io::Result<()> {
        let folder = private_folder_of(path)?;
        let lock = folder.join(".lock");
        match require_regular(&lock) {
            Err(error) if !is_absence(&error) => return Err(error),
            _ => {}
        }
        let lock = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(lock)?;
        self.wait_for(&lock)?;
        let Some(bytes) = change(self.read_if_there(path)?) else { return Ok(()) };
        let mut file = tempfile::Builder::new().prefix(".ledger-").tempfile_in(folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    }

    /// A process that stopped while it held the lock must not stop everybody.
    fn wait_for(&self, lock: &std::fs::File) -> io::Result<()> {
        const TRIES: u32 = 200;
        for _ in 0..TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(()),
                Err(std::fs::TryLockError::WouldBlock) => self.pause(Duration::from_millis(10)),
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "another process holds the lock"))
    }

    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    /// Removes a file of our own, if it is there.
    pub fn remove(&self, path: &Path) {
        drop(std::fs::remove_file(path));
    }

    pub fn read_input(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.input.by_ref().take(limit).read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Size and SHA-256 of a file of any length, in constant memory.
    pub fn hash(&self, path: &Path) -> io::Result<(u64, Digest)> {
        hash_file(&self.path(path), |_| {})
    }

    /// A file as it is now; `None` where there is none.
    pub fn stamp(&self, path: &Path) -> Option<Stamp> {
        let data = std::fs::metadata(self.path(path)).ok()?;
        Some(Stamp {
            size: data.len(),
            modified: data.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&data),
        })
    }

    /// A file's size in bytes.
    pub fn size(&self, path: &Path) -> io::Result<u64> {
        std::fs::metadata(self.path(path)).map(|data| data.len())
    }

    pub fn make_directory(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(self.path(path))
    }

    /// Names of what lies in a folder; none where it is not there.
    pub fn names_in(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.path(folder)) {
            Err(error) if is_absence(&error) => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    pub fn is_empty_directory(&self, path: &Path) -> bool {
        std::fs::read_dir(self.path(path)).is_ok_and(|mut entries| entries.next().is_none())
    }

    /// A fresh directory for the user to keep.
    pub fn temporary_directory(&self) -> io::Result<PathBuf> {
        tempfile::Builder::new().prefix("ledger-demo-").tempdir().map(tempfile::TempDir::keep)
    }

    /// Runs a program to its end, quietly.
    pub fn output(&self, program: &str, args: &[&str], env: &[(&str, &str)]) -> io::Result<Ran> {
        let mut command = self.command(program);
        command.args(args).envs(env.iter().copied()).stdin(Stdio::null());
        let output = command.output()?;
        Ok(Ran {
            exit_code: exit_code(output.status),
            signal: signal(output.status),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.directory).env_clear().envs(&self.env);
        command
    }
}

/// Gives a fresh file its name, which must be nobody's, once all of it is on the disk.
pub fn keep_fresh(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

/// Most bytes of a file read in one go.
const PIECE: u64 = 256 << 10;

/// Size and SHA-256 of a file, read in pieces; `read` hears how long each was.
pub fn hash_file(path: &Path, mut read: impl FnMut(u64)) -> io::Result<(u64, Digest)> {
    let expected = require_regular(path)?;
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    // As large as a small file, and one byte more to see its end: many small files are the rule. One that
    // has grown since takes more pieces.
    let length = expected.saturating_add(1).min(PIECE);
    let mut buffer = vec![0; usize::try_from(length).unwrap_or_default()];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, Digest::from_bytes(hasher.finalize().into()))),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
                read(count as u64);
            }
        }
    }
}

/// The folder a file goes into, made for this person alone where it is missing.
fn private_folder_of(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map(|()| folder)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The size of a regular file. Reading a pipe would wait for ever, and a folder has no bytes.
fn require_regular(path: &Path) -> io::Result<u64> {
    let data = std::fs::metadata(path)?;
    match (data.is_file(), data.is_dir()) {
        (true, _) => Ok(data.len()),
        (_, true) => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

#[cfg(unix)]
pub(super) fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

#[cfg(unix)]
pub(super) fn signal(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
pub(super) const fn signal(_: std::process::ExitStatus) -> Option<i32> {
    None
}

#[cfg(not(unix))]
pub(super) fn exit_code(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or(128)
}

/// Asks for a key's passphrase on the terminal, without showing it.
pub fn ask_passphrase(path: &Path) -> Option<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        return None;
    }
    rpassword::prompt_password(format!("passphrase of {}: ", path.display())).ok().map(Zeroizing::new)
}
