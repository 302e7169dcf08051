//! The program on a terminal of its own, and somebody who reads and types there.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty, open};

use super::{TestRepo, finish};

/// Nobody waits longer for a word: a program that hangs has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run of the program whose input, output and controlling terminal are one pseudo-terminal.
pub struct Terminal<'r> {
    repo: &'r TestRepo,
    pty: Arc<Pty>,
    process: Child,
    pieces: mpsc::Receiver<Vec<u8>>,
    shown: Vec<u8>,
    /// Up to where somebody has read.
    read: usize,
}

impl<'r> Terminal<'r> {
    /// One of the cast begins a command.
    pub fn begin(repo: &'r TestRepo, who: &str, args: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        let mut command = repo.command(env!("CARGO_BIN_EXE_ledger"), &repo.path);
        command.env("LEDGER_KEY", repo.key(who)).args(args);
        let process = Command::from(command).spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let (sender, pieces) = mpsc::channel();
        let reader = Arc::clone(&pty);
        std::thread::spawn(move || forward(&reader, &sender));
        Self { repo, pty, process, pieces, shown: Vec::new(), read: 0 }
    }

    /// Waits until a text is shown, after what was waited for before.
    #[track_caller]
    pub fn sees(&mut self, text: &str) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let new = &self.shown[self.read..];
            if let Some(at) = new.windows(text.len()).position(|part| part == text.as_bytes()) {
                self.read += at + text.len();
                return self;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.shown.extend(piece),
                Err(why) => panic!("{text:?} is not shown ({why}):\n{}", self.text()),
            }
        }
    }

    /// Types a line and the enter key.
    pub fn types(&mut self, line: &str) -> &mut Self {
        (&*self.pty).write_all(format!("{line}\r").as_bytes()).unwrap();
        self
    }

    /// Waits until the terminal no longer shows what is typed.
    #[track_caller]
    pub fn hides(&mut self) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let pty = self.pty.as_fd().try_clone_to_owned().unwrap();
            let settings = finish(self.repo.command("stty", &self.repo.path).arg("-a").stdin(pty)).exits(0);
            if settings.split_whitespace().any(|setting| setting == "-echo") {
                return self;
            }
            assert!(Instant::now() < deadline, "what is typed is shown: {settings}");
        }
    }

    /// Waits for the end; insists on the exit code and returns all that was shown.
    #[track_caller]
    pub fn ends(mut self, code: i32) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(piece) => self.shown.extend(piece),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.text()),
            }
        }
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{}", self.text());
        self.text()
    }

    /// Ends the process at once, wherever it is (SIGKILL).
    #[track_caller]
    pub fn crashes(mut self) {
        assert!(self.process.try_wait().unwrap().is_none(), "it has ended before:\n{}", self.text());
        self.process.kill().unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9));
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).replace("\r\n", "\n")
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Hands on what is shown until nobody has the terminal open any more, which Linux tells as an error.
fn forward(mut pty: &Pty, to: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    loop {
        match pty.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(count) if to.send(buffer[..count].to_vec()).is_err() => return,
            Ok(_) => {}
        }
    }
}
