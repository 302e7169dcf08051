//! The program: takes what the operating system gives, runs, leaves with the answer's code.

#[expect(clippy::disallowed_methods, reason = "the one place where the process ends")]
fn main() {
    let mut world = ledger::cli::world::World::of_process();
    let code = ledger::cli::run(std::env::args_os().collect(), &mut world);
    drop(world);
    std::process::exit(i32::from(code))
}
