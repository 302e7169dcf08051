//! `ledger import`: folders of evidence a team already has, taken over with the paths they have there.

use std::path::{Path, PathBuf};

use super::record::{Recording, read};
use super::{Answer, open};
use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::cli::args::{path, text};
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::files::Taking;
use crate::cli::hashing::files_below;
use crate::cli::load::Loaded;
use crate::cli::objects::StoreArgs;
use crate::cli::output::{SCHEMAS, table};
use crate::cli::secrets::Secrets;
use crate::cli::select::{self, Question};
use crate::cli::storing::{READ_MOST, Storing};
use crate::entry::kinds::{AttemptKey, Evidence, EvidenceFile};
use crate::evidence::readers::{self, Input};
use crate::findings::counted;
use crate::id::{EntryNumber, Name, fold};
use crate::policy::{Evaluator, Gate, Pipeline, Policy, Rule};
use crate::report::escape::visible;

/// Take over evidence that already lies in folders
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger import deliverables/onboarding_evidence/            each file to the slot it fits\n  ledger import deliverables/onboarding_evidence/ --dry-run  what would be taken\n  ledger import shots/ --slot screenshots --gate beta        all of them to one slot\n\nThe gate is the one given, the one a folder is named after (Stage9_Alpha_20251004), or the first that has the slot.\nThe slot is the one given, the one whose rule names the file, or the only one that reads its format. Exit 1: some files fit nowhere."
)]
pub struct Args {
    /// Folders and files
    #[arg(required = true, value_parser = path())]
    paths: Vec<PathBuf>,
    /// Slot for all of them
    #[arg(long, value_parser = text())]
    slot: Option<String>,
    /// Gate for all of them
    #[arg(long, value_parser = text())]
    gate: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
}

/// What became of one file.
struct Taken {
    path: String,
    slot: Option<Name>,
    outcome: Outcome,
}

enum Outcome {
    Recorded(Option<EntryNumber>),
    Known(EntryNumber),
    Refused(String),
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let slot = args.slot.as_deref().map(Name::parse).transpose()?;
    let storing = Storing::of(context, policy, &args.store, false, false)?;
    let importing = Importing { policy, identity: &identity, args, storing: &storing, slot: slot.as_ref() };
    let mut taken = Vec::new();
    for file in all_files(context, &args.paths)? {
        let path = context.recorded_path(&loaded.store, &file);
        let outcome = importing.take(context, &mut loaded, &file, &path);
        let (slot, outcome) = match outcome {
            Ok((slot, outcome)) => (Some(slot), outcome),
            // One file that fits nowhere, or does not read, keeps no other out.
            Err(failure) if failure.kind == FailureKind::Usage => (None, Outcome::Refused(failure.message)),
            Err(failure) => return Err(failure),
        };
        taken.push(Taken { path, slot, outcome });
    }
    let refused = taken.iter().filter(|one| matches!(one.outcome, Outcome::Refused(_))).count();
    tell(context, &taken, refused);
    Ok(if refused == 0 { Answer::Yes } else { Answer::No })
}

/// What holds for every file of one command.
struct Importing<'i> {
    policy: &'i Policy,
    identity: &'i Identity,
    args: &'i Args,
    storing: &'i Storing,
    slot: Option<&'i Name>,
}

impl Importing<'_> {
    /// Brings one file to the slot it fits, unless it is there already.
    fn take(
        &self,
        context: &mut Context<'_>,
        loaded: &mut Loaded,
        file: &Path,
        path: &str,
    ) -> Result<(Name, Outcome), Failure> {
        let (question, rule) = fits(context, loaded, self.policy, file, path, self.args, self.slot)?;
        let taking = Taking {
            rule,
            format: None,
            external: false,
            location: None,
            storing: self.storing,
            secrets: &Secrets::default(),
            stdin_name: "",
        };
        let (recording, brought) = read(context, loaded, &question, &taking, &[file.to_owned()])?;
        let file = brought.first().map(|one| &one.file);
        if let Some(entry) = file.and_then(|file| known(&loaded.ledger, &recording.attempt, &rule.slot, file)) {
            return Ok((rule.slot.clone(), Outcome::Known(entry)));
        }
        self.storing.upload(context, &brought)?;
        let attempt = open::ensure(context, loaded, self.identity, self.policy, &question, None)?;
        let Some(attempt) = attempt else { return Ok((rule.slot.clone(), Outcome::Recorded(None))) };
        let appended = Recording { attempt, ..recording }.append(context, loaded, self.identity, brought)?;
        Ok((rule.slot.clone(), Outcome::Recorded(appended.map(|(number, _)| number))))
    }
}

/// Every file named or below a folder named, in the order of their paths. Hidden ones (`.DS_Store`) are
/// nobody's evidence.
fn all_files(context: &Context<'_>, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !context.world().is_directory(path) {
            files.push(path.clone());
            continue;
        }
        let found = files_below(&context.world().path(path));
        let mut found = found.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        found.retain(|(name, _)| !name.split('/').any(|part| part.starts_with('.')));
        found.sort();
        files.extend(found.into_iter().map(|(name, _)| path.join(name)));
    }
    if files.is_empty() {
        return Err(Failure::usage("there is no file to import"));
    }
    Ok(files)
}

/// The gate and the rule a file is evidence for.
fn fits<'p>(
    context: &Context<'_>,
    loaded: &Loaded,
    policy: &'p Policy,
    file: &Path,
    recorded: &str,
    args: &Args,
    slot: Option<&Name>,
) -> Result<(Question<'p>, &'p Rule), Failure> {
    let gates: Vec<(&Pipeline, &Gate)> = match &args.gate {
        Some(text) => vec![select::gate(policy, text)?],
        None => {
            let named: Vec<_> = policy.gates().filter(|(pipeline, gate)| is_named(pipeline, gate, recorded)).collect();
            if named.is_empty() { policy.gates().collect() } else { named }
        }
    };
    let bytes = || context.world().read_head(file, READ_MOST).unwrap_or_default();
    let rule = |gate: &'p Gate, release: &str| match slot {
        Some(slot) => gate.rule_for(slot),
        None => fitting(gate, release, recorded, &bytes()),
    };
    for (pipeline, gate) in gates {
        let release = select::release(loaded, pipeline, args.release.as_deref())?;
        if let Some(rule) = rule(gate, release.as_str()) {
            return Ok((Question { pipeline, gate, release }, rule));
        }
    }
    Err(Failure::usage("it fits no slot: bring it with ledger record SLOT FILE"))
}

/// A folder of the path has the name that this gate's folders have, but for their date.
fn is_named(pipeline: &Pipeline, gate: &Gate, path: &str) -> bool {
    const HERE: &str = "\u{0}";
    let name = pipeline.folder.fill(&[
        ("gate", gate.name.as_str()),
        ("date", HERE),
        ("version", HERE),
        ("pipeline", pipeline.id.as_str()),
    ]);
    let begins = fold(name.split(HERE).next().unwrap_or_default());
    !begins.is_empty() && path.split('/').any(|part| fold(part).starts_with(&begins))
}

/// The rule that names the file, or the only one that reads what it looks like.
fn fitting<'p>(gate: &'p Gate, release: &str, path: &str, bytes: &[u8]) -> Option<&'p Rule> {
    let named = |rule: &&Rule| rule.file.as_ref().is_some_and(|file| file.fill(&[("version", release)]) == path);
    if let Some(rule) = gate.rules.iter().find(named) {
        return Some(rule);
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let format = readers::guess(&Input::plain(name, bytes)).format;
    let mut reading = gate.rules.iter().filter(|rule| rule.file.is_none() && rule.formats.contains(&format));
    reading.next().filter(|_| reading.next().is_none())
}

/// The entry that has these bytes in this slot already. Of one path the newest file counts: what came back after
/// another version is no repeat.
fn known(ledger: &VerifiedLedger, attempt: &AttemptKey, slot: &Name, file: &EvidenceFile) -> Option<EntryNumber> {
    let entries: Vec<&VerifiedEntry> = ledger.view().attempt(attempt).collect();
    let in_slot = entries.into_iter().rev().filter(|entry| entry.evidence().is_some_and(|e| e.slot == *slot));
    on_record(in_slot, file)
}

fn on_record<'l>(newest_first: impl Iterator<Item = &'l VerifiedEntry>, file: &EvidenceFile) -> Option<EntryNumber> {
    let mut same_bytes = None;
    for entry in newest_first {
        for other in entry.evidence().into_iter().flat_map(Evidence::brought) {
            if other.path == file.path {
                return (other.sha256 == file.sha256).then(|| entry.number());
            }
            if other.sha256 == file.sha256 {
                same_bytes = same_bytes.or(Some(entry.number()));
            }
        }
    }
    same_bytes
}

fn tell(context: &mut Context<'_>, taken: &[Taken], refused: usize) {
    if context.printer.json {
        let files: Vec<serde_json::Value> = taken.iter().map(as_json).collect();
        return context.printer.json(&serde_json::json!({ "schema": format!("{SCHEMAS}import/v0.1"), "files": files }));
    }
    let rows: Vec<Vec<String>> = taken
        .iter()
        .map(|one| {
            let (mark, what) = match &one.outcome {
                Outcome::Recorded(Some(entry)) => (context.printer.good(), format!("entry {entry}")),
                Outcome::Recorded(None) => (context.printer.good(), "would be recorded".to_owned()),
                Outcome::Known(entry) => (context.printer.good(), format!("entry {entry} already")),
                Outcome::Refused(why) => (context.printer.bad(), visible(why.lines().next().unwrap_or_default())),
            };
            vec![
                format!("  {mark}"),
                visible(&one.path),
                one.slot.as_ref().map(Name::to_string).unwrap_or_default(),
                what,
            ]
        })
        .collect();
    table(&rows).into_iter().for_each(|line| context.printer.say(line));
    let left = if refused == 0 { String::new() } else { format!(", {refused} left") };
    context.printer.say(format!("{} taken{left}", counted(taken.len() - refused, "file", "files")));
}

fn as_json(one: &Taken) -> serde_json::Value {
    let (state, entry, why) = match &one.outcome {
        Outcome::Recorded(Some(entry)) => ("recorded", Some(entry), None),
        Outcome::Recorded(None) => ("would-record", None, None),
        Outcome::Known(entry) => ("known", Some(entry), None),
        Outcome::Refused(why) => ("refused", None, Some(why)),
    };
    serde_json::json!({ "path": one.path, "slot": one.slot, "state": state, "entry": entry, "why": why })
}
