//! The program: takes what the operating system gives, runs, leaves with the answer's code.

#[expect(clippy::disallowed_methods, reason = "the one place where the process ends")]
fn main() {
    let report = std::panic::take_hook();
    // git2 panics on some damaged objects; where they are read it is caught and told as an error.
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|place| place.file().contains("git2")) {
            report(panic);
        }
    }));
    // A file that may not grow further (ulimit -f) is to be an error that can be told. That a signal cannot be
    // caught is no reason not to run.
    #[cfg(unix)]
    drop(signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default()));
    let mut world = ledger::cli::world::World::of_process();
    #[cfg(unix)]
    output::refuse_where_closed(&mut world.out);
    let code = ledger::cli::run(std::env::args_os().collect(), &mut world);
    drop(world);
    std::process::exit(i32::from(code))
}

/// A standard output that is closed. The standard library opens `/dev/null` in its place before `main` begins, and
/// an answer that went there was given to nobody. What comes before it cannot be asked through it.
#[cfg(unix)]
mod output {
    use std::io::{self, Write};
    use std::sync::atomic::{AtomicBool, Ordering};

    static IS_CLOSED: AtomicBool = AtomicBool::new(false);

    #[ctor::ctor(unsafe)]
    fn look() {
        // SAFETY: F_GETFD changes nothing, and takes no pointer.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        IS_CLOSED.store(flags == -1, Ordering::Relaxed);
    }

    /// Puts a writer that says so in the place of one that would not.
    pub fn refuse_where_closed(out: &mut Box<dyn Write>) {
        if IS_CLOSED.load(Ordering::Relaxed) {
            *out = Box::new(Closed);
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::NotConnected.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
