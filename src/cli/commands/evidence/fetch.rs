//! `ledger evidence fetch`: a file gets its name once it is known to be the recorded one.

use std::path::Path;

use super::{External, State, answer, as_json, place, reach, shown_place};
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::entries::Entries;
use crate::cli::failure::Failure;
use crate::cli::objects::{Content, Reach, StoreArgs};
use crate::cli::output::SCHEMAS;
use crate::cli::progress::mebibytes;
use crate::cli::target;
use crate::entry::kinds::{EvidenceFile, Stored};
use crate::evidence::location::Location;
use crate::id::EntryNumber;
use crate::report::escape::visible;

pub fn run(
    context: &mut Context<'_>,
    entry: &str,
    name: Option<&str>,
    output: Option<&Path>,
    args: &StoreArgs,
) -> Result<Answer, Failure> {
    let store = args.location(&context.world().directory)?;
    let store = store.as_ref();
    let (_, entry) = context.ask(|loaded| Entries::new(loaded).entry(target::find(&loaded.ledger, entry)?))?;
    let evidence = entry.evidence().ok_or_else(|| {
        let (number, kind) = (entry.number(), entry.kind().word());
        Failure::usage(format!("entry {number} brings no evidence: it is of kind {kind}"))
    })?;
    let files = wanted(entry.number(), &evidence.files, name)?;
    let folder = context.world().path(output.unwrap_or(Path::new("")));
    let env = context.world().env.clone();
    let mut fetched = Vec::new();
    for file in files {
        let (asked, state) = match place(file, store) {
            Ok(place) => {
                let state = one(context, &reach(&env, args), &place, file, &folder)?;
                (Some(place), state)
            }
            Err(state) => (None, state),
        };
        let (slot, file) = (evidence.slot.to_string(), file.clone());
        fetched.push(External { entry: entry.number(), slot, file, asked, state });
    }
    let verdict = answer(fetched.iter().map(|one| &one.state));
    if context.printer.json {
        let files: Vec<_> = fetched.iter().map(as_json).collect();
        context.printer.json(&serde_json::json!({
            "schema": format!("{SCHEMAS}evidence-fetch/v0.1"), "verdict": verdict.word(), "entry": entry.number(),
            "folder": folder.display().to_string(), "dryRun": context.global.dry_run, "files": files,
        }));
        return Ok(verdict.answer());
    }
    for one in &fetched {
        tell(context, one, &folder, store);
    }
    Ok(verdict.answer())
}

/// The external files of an entry, or the one that was named.
fn wanted<'e>(
    number: EntryNumber,
    files: &'e [EvidenceFile],
    name: Option<&str>,
) -> Result<Vec<&'e EvidenceFile>, Failure> {
    let external: Vec<&EvidenceFile> = files.iter().filter(|file| file.stored == Stored::External).collect();
    let Some(name) = name else {
        return match external.is_empty() {
            true => Err(Failure::unknown(format!("entry {number} has no external file"))
                .hint(format!("its files are in the ledger: ledger show {number} --file NAME"))),
            false => Ok(external),
        };
    };
    let found = files.iter().find(|file| file.name.as_str() == name);
    match found {
        Some(file) if file.stored == Stored::External => Ok(vec![file]),
        Some(_) => {
            Err(Failure::usage(format!("{name} is in the ledger")).hint(format!("ledger show {number} --file {name}")))
        }
        None => {
            let names: Vec<&str> = external.iter().map(|file| file.name.as_str()).collect();
            Err(Failure::usage(format!("entry {number} has no file {name:?}"))
                .hint(format!("its external files are {}", names.join(", "))))
        }
    }
}

/// Gets one file. What stands under its name already is left alone, and is the answer where it is the same.
fn one(
    context: &mut Context<'_>,
    reach: &Reach<'_>,
    place: &Location,
    file: &EvidenceFile,
    folder: &Path,
) -> Result<State, Failure> {
    let path = folder.join(file.name.as_str());
    let unwritable = |error: std::io::Error| Failure::unknown(format!("cannot write {}: {error}", path.display()));
    match context.world().hash_if_there(&path) {
        Ok(None) => {}
        Ok(Some((size, sha256))) if (size, sha256) == (file.size, file.sha256) => return Ok(State::Same),
        Ok(Some(_)) | Err(_) => {
            return Err(Failure::usage(format!("{} is there already, and is another one", path.display()))
                .hint("choose another folder: -o DIR"));
        }
    }
    let content = Content { size: file.size, sha256: file.sha256 };
    let dry_run = context.global.dry_run;
    let fresh = if dry_run { None } else { Some(context.world().fresh_file(folder).map_err(unwritable)?) };
    let mut progress = context.printer.world.progress("fetching", "MiB", mebibytes(file.size));
    let (mut read, mut shown) = (0_u64, 0);
    let mut tell = |bytes| {
        read += bytes;
        progress.advance(mebibytes(read) - shown);
        shown = mebibytes(read);
    };
    let Some(mut fresh) = fresh else {
        return Ok(reach
            .get(place, content, &mut std::io::sink(), &mut tell)
            .map_or_else(State::from, |()| State::Same));
    };
    match reach.get(place, content, &mut fresh, &mut tell) {
        Ok(()) => crate::cli::world::keep_fresh(fresh, &path).map(|()| State::Same).map_err(unwritable),
        Err(trouble) => Ok(trouble.into()),
    }
}

fn tell(context: &mut Context<'_>, one: &External, folder: &Path, store: Option<&Location>) {
    let (mark, what) = match one.state.why() {
        None if context.global.dry_run => (context.printer.good(), "is the recorded one".to_owned()),
        None => (context.printer.good(), folder.join(one.file.name.as_str()).display().to_string()),
        Some(why) => (context.printer.bad(), why),
    };
    context.printer.say(format!("{mark} {}  {}", visible(one.file.name.as_str()), visible(&what)));
    let place = shown_place(&one.file, store);
    if one.state != State::Same && !place.is_empty() {
        context.printer.say(format!("    {}", visible(&place)));
    }
}
