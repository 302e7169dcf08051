//! A command the ledger runs: its output is shown as it comes and kept within bounds, and its end is waited for.
//!
//! An interrupt (Ctrl-C) goes to the command as well, so the ledger lets it end and tells how. A second one
//! kills the command.

use std::io::{self, Read, Write as _};
use std::process::{Child, Stdio};
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
#[cfg(unix)]
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::capture::{Capture, Output};
use super::world::{World, exit_code, signal};

/// How the output of a command is shown and kept.
#[derive(Clone, Copy)]
pub struct Keep {
    /// All of it is shown on stderr: stdout is kept for an answer.
    pub quiet: bool,
    /// Where a part is left out, the digest of the whole is told.
    pub digest: bool,
}

/// How a command that was run ended, and what is kept of its output.
pub struct Run {
    /// 128 + signal where a signal ended it.
    pub exit_code: i32,
    /// The signal, where one ended it.
    pub signal: Option<i32>,
    pub stdout: Output,
    pub stderr: Output,
}

/// How long the ledger goes without looking whether it was interrupted.
const TICK: Duration = Duration::from_millis(50);
/// Others may hold the output of a command that was killed, and never close it.
const AFTER_KILL: Duration = Duration::from_millis(500);

/// Runs a program with its output shown as it comes, and kept within bounds.
pub fn run_and_keep(world: &mut World, argv: &[String], keep: Keep) -> io::Result<Run> {
    let (program, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let interrupts = Interrupts::caught();
    let mut command = world.command(program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdout, stderr) = follow(world, &mut child, keep.quiet, &interrupts);
    let status = child.wait()?;
    let (stdout, stderr) = (stdout.finish(keep.digest), stderr.finish(keep.digest));
    Ok(Run { exit_code: exit_code(status), signal: signal(status), stdout, stderr })
}

/// Takes both streams until they are closed.
fn follow(world: &mut World, child: &mut Child, quiet: bool, interrupts: &Interrupts) -> (Capture, Capture) {
    let (sender, chunks) = mpsc::channel();
    let out = child.stdout.take().map(|pipe| forward(pipe, sender.clone(), false));
    let err = child.stderr.take().map(|pipe| forward(pipe, sender, true));
    let (mut stdout, mut stderr) = (Capture::default(), Capture::default());
    let (mut interrupted, mut killed) = (false, None);
    loop {
        match chunks.recv_timeout(TICK) {
            Ok((is_error, chunk)) => {
                // A closed terminal must not lose the evidence: it is kept whether or not it is seen.
                let shown = if is_error || quiet {
                    world.err.write_all(&chunk)
                } else {
                    world.out.write_all(&chunk).and_then(|()| world.out.flush())
                };
                drop(shown);
                (if is_error { &mut stderr } else { &mut stdout }).push(&chunk);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                out.into_iter().chain(err).for_each(|thread| drop(thread.join()));
                return (stdout, stderr);
            }
        }
        if interrupts.came() {
            let said = if interrupted {
                drop(child.kill());
                killed.get_or_insert_with(Instant::now);
                "the command is killed"
            } else {
                "interrupted: the command may end by itself, and is recorded then (once more kills it)"
            };
            interrupted = true;
            drop(writeln!(world.err, "ledger: {said}"));
        }
        if killed.is_some_and(|at: Instant| at.elapsed() > AFTER_KILL) {
            return (stdout, stderr);
        }
    }
}

fn forward(
    mut pipe: impl Read + Send + 'static,
    to: mpsc::Sender<(bool, Vec<u8>)>,
    is_error: bool,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count) = pipe.read(&mut buffer) {
            if count == 0 || to.send((is_error, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    })
}

/// Interrupts of this process while a command runs; before and after it they end the process as ever.
#[cfg(unix)]
struct Interrupts {
    came: Arc<AtomicBool>,
    /// No command runs.
    over: Arc<AtomicBool>,
}

#[cfg(unix)]
impl Interrupts {
    fn caught() -> Self {
        use signal_hook::{consts::SIGINT, flag};
        // A handler once there stays for good, so there is one for all commands of this process.
        static HANDLER: OnceLock<(Arc<AtomicBool>, Arc<AtomicBool>)> = OnceLock::new();
        let (came, over) = HANDLER.get_or_init(|| {
            let (came, over) = (Arc::default(), Arc::default());
            // Where that cannot be done an interrupt ends the ledger, as it always did.
            drop(flag::register_conditional_default(SIGINT, Arc::clone(&over)));
            drop(flag::register(SIGINT, Arc::clone(&came)));
            (came, over)
        });
        came.store(false, Ordering::Relaxed);
        over.store(false, Ordering::Relaxed);
        Self { came: Arc::clone(came), over: Arc::clone(over) }
    }

    /// Whether one came since the last time.
    fn came(&self) -> bool {
        self.came.swap(false, Ordering::Relaxed)
    }
}

#[cfg(unix)]
impl Drop for Interrupts {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    const fn caught() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "on Unix there is something to ask")]
    const fn came(&self) -> bool {
        false
    }
}
