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
    let code = ledger::cli::run(std::env::args_os().collect(), &mut world);
    drop(world);
    std::process::exit(i32::from(code))
}
