//! The question before a signature: a word is typed, or a script has said that nobody is asked.

use std::io::{BufRead as _, Write as _};

use super::context::Context;
use super::failure::Failure;
use crate::entry::kinds::Mode;

/// Has `word` typed; the mode says whether it was. `script` is the command that does not ask.
pub fn confirm(context: &mut Context<'_>, word: &str, yes: bool, script: &str) -> Result<Mode, Failure> {
    if yes || context.global.dry_run {
        return Ok(Mode::Ci);
    }
    if !context.world().is_interactive {
        return Err(Failure::usage("nobody is here to confirm").hint(format!("in a script: {script}")));
    }
    let world = &mut context.printer.world;
    let asked = write!(world.err, "type {word} to sign: ").and_then(|()| world.err.flush());
    let mut typed = String::new();
    // Whoever could not be asked has not agreed.
    let read = asked.and_then(|()| world.input.read_line(&mut typed));
    match read {
        Ok(_) if crate::id::fold(typed.trim()) == crate::id::fold(word) => Ok(Mode::Interactive),
        _ => Err(Failure::no(format!("not signed: {word} was not typed"))),
    }
}
