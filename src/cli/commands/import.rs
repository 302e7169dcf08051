//! `ledger import`: folders of evidence a team already has, taken over with the paths they have there.

mod files;
mod fit;

use std::path::{Path, PathBuf};

use self::files::all_files;
use self::fit::{Wanted, known};
use super::record::{Recording, read};
use super::{Answer, open};
use crate::cli::args::{path, text};
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::files::Taking;
use crate::cli::load::Loaded;
use crate::cli::objects::StoreArgs;
use crate::cli::output::{SCHEMAS, table};
use crate::cli::secrets::Secrets;
use crate::cli::storing::Storing;
use crate::evidence::facts::Fact;
use crate::evidence::readers;
use crate::findings::counted;
use crate::id::{EntryNumber, Name};
use crate::policy::Evaluator;
use crate::report::escape::visible;

/// Take over evidence that already lies in folders
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger import deliverables/onboarding_evidence/            each file to the slot it fits\n  ledger import deliverables/onboarding_evidence/ --dry-run  what would be taken\n  ledger import shots/ --slot screenshots --gate beta        all of them to one slot\n\nThe gate is the one given, the one a folder is named after (Stage9_Alpha_20251004), or the first that has the slot.\nThe slot is the one given, the one whose rule names the file, or the only one that reads its format (a plan only where a\nrule wants plans). A template as it was committed, and a link to a file that is taken by itself, are set aside. Exit 1:\nsome files fit nowhere. What is on the ledger already is not brought again."
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
    /// There is nothing in it to take.
    Aside(String),
    /// Somebody has to look at it.
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
    let wanted = Wanted { policy, slot: slot.as_ref(), gate: args.gate.as_deref(), release: args.release.as_deref() };
    let importing = Importing { wanted, identity: &identity, storing: &storing };
    let mut taken = Vec::new();
    for found in all_files(context, &args.paths)? {
        let path = found.recorded_path(context, &loaded.store);
        let outcome = match found.left {
            Some(left) => Ok((None, left)),
            None => importing.take(context, &mut loaded, &found.path, &path),
        };
        let (slot, outcome) = match outcome {
            Ok(outcome) => outcome,
            // One file that fits nowhere, or does not read, keeps no other out.
            Err(failure) if failure.kind == FailureKind::Usage => (None, Outcome::Refused(failure.message)),
            Err(failure) => return Err(failure),
        };
        taken.push(Taken { path, slot, outcome });
    }
    tell(context, &taken);
    let is_refused = |one: &Taken| matches!(one.outcome, Outcome::Refused(_));
    Ok(if taken.iter().any(is_refused) { Answer::No } else { Answer::Yes })
}

/// What holds for every file of one command.
struct Importing<'i> {
    wanted: Wanted<'i>,
    identity: &'i Identity,
    storing: &'i Storing,
}

impl Importing<'_> {
    /// Brings one file to the slot it fits, unless it is there already.
    fn take(
        &self,
        context: &mut Context<'_>,
        loaded: &mut Loaded,
        file: &Path,
        path: &str,
    ) -> Result<(Option<Name>, Outcome), Failure> {
        let digest = context.world().hash(file).ok().map(|(_, digest)| digest);
        if let Some(template) = self.wanted.template_like(loaded, digest) {
            let why = format!("it is {template} as it was committed: nothing is filled in");
            return Ok((None, Outcome::Aside(why)));
        }
        // Somebody may have brought it to a slot that nothing would have guessed.
        let by_hand = |loaded: &Loaded| {
            let (slot, entry) = self.wanted.elsewhere(loaded, path, digest?)?;
            Some((Some(slot), Outcome::Known(entry)))
        };
        let (question, rule) = match self.wanted.fits(context, loaded, file, path) {
            Ok(found) => found,
            Err(failure) => return by_hand(loaded).ok_or(failure),
        };
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
        let slot = Some(rule.slot.clone());
        let file = brought.first().map(|one| &one.file);
        if let Some(entry) = file.and_then(|file| known(&loaded.ledger, &recording.attempt, &rule.slot, file)) {
            return Ok((slot, Outcome::Known(entry)));
        }
        if self.wanted.slot.is_none() && is_blank(&recording) {
            let why = "no box in it is ticked, and a blank form is no evidence: where it is, ledger record SLOT FILE";
            return Ok(by_hand(loaded).unwrap_or((slot, Outcome::Refused(why.to_owned()))));
        }
        self.storing.upload(context, &brought)?;
        let attempt = open::ensure(context, loaded, self.identity, self.wanted.policy, &question, None)?;
        let Some(attempt) = attempt else { return Ok((slot, Outcome::Recorded(None))) };
        let appended = Recording { attempt, ..recording }.append(context, loaded, self.identity, brought)?;
        Ok((slot, Outcome::Recorded(appended.map(|(number, _)| number))))
    }
}

/// A checklist in which nobody has said anything yet.
fn is_blank(recording: &Recording) -> bool {
    let count = |name: &str| recording.facts.get(name).cloned();
    let is_none = |name: &str| count(name).is_none_or(|fact| fact == Fact::Int(0));
    recording.format.as_str() == readers::CHECKLIST && !is_none("open") && is_none("done") && is_none("not_applicable")
}

fn tell(context: &mut Context<'_>, taken: &[Taken]) {
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
                Outcome::Aside(why) => (context.printer.dim("–"), visible(why.lines().next().unwrap_or_default())),
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
    let count = |is: fn(&Outcome) -> bool| taken.iter().filter(|one| is(&one.outcome)).count();
    let new = match count(|outcome| matches!(outcome, Outcome::Recorded(_))) {
        0 => "nothing new".to_owned(),
        new => format!("{} taken", counted(new, "file", "files")),
    };
    let others = [
        (count(|outcome| matches!(outcome, Outcome::Known(_))), "on the ledger already"),
        (count(|outcome| matches!(outcome, Outcome::Aside(_))), "set aside"),
        (count(|outcome| matches!(outcome, Outcome::Refused(_))), "left"),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
    context.printer.say(new + &others.collect::<String>());
}

fn as_json(one: &Taken) -> serde_json::Value {
    let (state, entry, why) = match &one.outcome {
        Outcome::Recorded(Some(entry)) => ("recorded", Some(entry), None),
        Outcome::Recorded(None) => ("would-record", None, None),
        Outcome::Known(entry) => ("known", Some(entry), None),
        Outcome::Aside(why) => ("aside", None, Some(why)),
        Outcome::Refused(why) => ("refused", None, Some(why)),
    };
    serde_json::json!({ "path": one.path, "slot": one.slot, "state": state, "entry": entry, "why": why })
}
