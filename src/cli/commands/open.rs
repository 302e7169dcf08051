//! `ledger open`: an attempt at a gate begins.

use std::collections::BTreeMap;

use super::Answer;
use crate::chain::{VerifiedEntry, VerifiedLedger};
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::comparison;
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::load::Loaded;
use crate::cli::select::Question;
use crate::entry::kinds::{AttemptKey, Compared, Mode, Open, Predicate, Source};
use crate::entry::{DigestSet, Draft, Subject};
use crate::id::{EntryNumber, ObjectId};
use crate::policy::audit::base_folder;
use crate::policy::{Evaluator, Policy};
use crate::store::git::SourceCommit;
use crate::store::layout::folder_name;

/// Open a gate for a release: fixes its folder and its source commit
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger open alpha --release 2025-09-29\n  ledger open alpha --release v1.4.0 --commit main~2 --revision schema=20250925_stage5\n  ledger open alpha --release v1.4.0 --retry        after a rejection, or for another commit"
)]
pub struct Args {
    /// Gate, or PIPELINE/GATE
    #[arg(value_parser = text())]
    gate: String,
    /// Version, as free as your tags are; default: the newest release of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// Source of the release
    #[arg(long, value_name = "REV", default_value = "HEAD", value_parser = text())]
    commit: String,
    /// Compare with this commit: rules about paths that did not change since are not wanted
    #[arg(long, value_name = "REV", value_parser = text())]
    since: Option<String>,
    /// A further revision the release rests on
    #[arg(long, value_name = "NAME=VALUE", value_parser = text())]
    revision: Vec<String>,
    /// Open a new attempt although there is one
    #[arg(long)]
    retry: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    context.warn_of_broken_draft(&loaded.store);
    let question = Question::new(policy, &loaded, &args.gate, args.release.as_deref())?;
    let Question { pipeline, gate, release } = &question;
    let source = loaded.store.source(&args.commit)?;
    if let Some(attempt) = ledger.view().latest(&pipeline.id, &gate.id, release).filter(|_| !args.retry) {
        if attempt.open.source.commit == source.commit {
            let (folder, number) = (&attempt.open.folder, attempt.entry.number());
            context
                .printer
                .talk(format!("an attempt at {} is under way for {release}: {folder}, entry {number}", gate.id));
            if context.printer.json {
                context.printer.json(&as_json(Some(attempt.entry), &question, &source.commit));
            }
            return Ok(Answer::Yes);
        }
        return Err(Failure::no(format!(
            "an attempt at {} is under way for {release}, at commit {}, not {}",
            gate.id, attempt.open.source.commit, source.commit
        ))
        .hint(format!(
            "a new attempt for this commit: ledger open {} --release {} --commit {} --retry",
            gate.id,
            crate::policy::evaluate::shell(release.as_str()),
            source.commit
        )));
    }
    let since = args.since.as_deref();
    let compared = since.map(|since| comparison::compare(&loaded.store, gate, since, &source.commit)).transpose()?;
    if compared.as_ref().is_some_and(|compared| compared.since == source.commit) {
        context.printer.talk("note: --since names the release's own commit, so nothing can have changed since: is that the release before?");
    }
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let opening = Opening { policy, question: &question, source, revisions: revisions(&args.revision)?, compared };
    let number = opening.append(context, &mut loaded, &identity)?;
    if context.printer.json {
        let entry = number.and_then(|number| loaded.ledger.entry(number));
        context.printer.json(&as_json(entry, &question, &opening.source.commit));
    }
    Ok(Answer::Yes)
}

/// The answer for programs; without an entry under `--dry-run`.
fn as_json(entry: Option<&VerifiedEntry>, question: &Question<'_>, commit: &ObjectId) -> serde_json::Value {
    serde_json::json!({
        "schema": format!("{}opened/v0.1", crate::cli::output::SCHEMAS),
        "entry": entry.map(VerifiedEntry::number), "id": entry.map(VerifiedEntry::id),
        "gate": question.gate.id, "release": question.release, "commit": commit,
    })
}

/// Everything an `open` entry says.
pub struct Opening<'p> {
    pub policy: &'p Policy,
    pub question: &'p Question<'p>,
    pub source: SourceCommit,
    pub revisions: BTreeMap<String, String>,
    /// What the release leaves untouched, where somebody asked.
    pub compared: Option<Compared>,
}

impl Opening<'_> {
    /// Appends it; `None` under `--dry-run`.
    pub fn append(
        &self,
        context: &mut Context<'_>,
        loaded: &mut Loaded,
        identity: &Identity,
    ) -> Result<Option<EntryNumber>, Failure> {
        let Question { pipeline, gate, release } = self.question;
        let seen = loaded.ledger.view().attempts(&pipeline.id, &gate.id, release).len();
        let now = context.world().now();
        let appended = append(context, loaded, identity, |_, ledger| {
            let attempts = ledger.view().attempts(&pipeline.id, &gate.id, release).len();
            if attempts != seen {
                return Err(Failure::conflict(format!("somebody else opened {} for {} just now", gate.id, release))
                    .hint(format!("ledger status {}", gate.id)));
            }
            self.compose(ledger, identity, now, attempts)
        })?;
        let Some(entry) = appended.as_ref().and_then(|appended| loaded.ledger.entry(appended.number)) else {
            return Ok(None);
        };
        let line = format!(
            "{} entry {}  {} opened for {}  {}",
            context.printer.good(),
            entry.number(),
            gate.id,
            release,
            entry.path()
        );
        context.printer.say(line);
        Ok(Some(entry.number()))
    }

    fn compose(
        &self,
        ledger: &VerifiedLedger,
        identity: &Identity,
        now: crate::id::Timestamp,
        attempts: usize,
    ) -> Result<Draft, Failure> {
        let Question { pipeline, gate, release } = self.question;
        let base = base_folder(self.policy, pipeline, &gate.id, release, now).unwrap_or_default();
        let mut repeat = 1;
        let mut folder = folder_name(&base, repeat)?;
        while ledger.has_folder(folder.as_str()) {
            repeat += 1;
            folder = folder_name(&base, repeat)?;
        }
        let attempt = u32::try_from(attempts + 1).map_err(|_| Failure::usage("too many attempts"))?;
        let key =
            AttemptKey { pipeline: pipeline.id.clone(), gate: gate.id.clone(), attempt, release: release.clone() };
        let SourceCommit { commit, tree, authors } = self.source.clone();
        let predicate = Predicate::Open(Open {
            ledger: scope(ledger, &key),
            actor: actor(&identity.person, Mode::Ci),
            recorded_at: now,
            source: Source { commit: commit.clone(), tree: tree.clone(), authors },
            artifacts: pipeline.promised(release),
            revisions: self.revisions.clone(),
            folder: folder.clone(),
            time_zone: self.policy.zone.name().to_owned(),
            compared: self.compared.clone(),
        });
        let tree = Subject { name: "tree".to_owned(), digest: DigestSet::GitTree(tree) };
        let subject = vec![commit_subject(release.as_str(), &commit), tree];
        let summary = format!("open: {} for {}", gate.id, release);
        let body = [
            format!("Folder {folder}, attempt {attempt}, source commit {commit}."),
            format!("Opened by {}.", identity.person.handle()),
        ];
        Ok(draft(subject, predicate, Vec::new(), &summary, &body)?)
    }
}

/// The attempt a gate's entries belong to, opened now where there is none yet: for a source seen before, or HEAD.
pub fn ensure(
    context: &mut Context<'_>,
    loaded: &mut Loaded,
    identity: &Identity,
    policy: &Policy,
    question: &Question<'_>,
    source: Option<SourceCommit>,
) -> Result<Option<AttemptKey>, Failure> {
    let latest = |loaded: &Loaded| {
        let view = loaded.ledger.view();
        view.latest(&question.pipeline.id, &question.gate.id, &question.release).map(|attempt| attempt.key.clone())
    };
    if let Some(key) = latest(loaded) {
        return Ok(Some(key));
    }
    let source = source.map_or_else(|| loaded.store.source("HEAD"), Ok)?;
    let opening = Opening { policy, question, source, revisions: BTreeMap::new(), compared: None };
    match opening.append(context, loaded, identity) {
        // Somebody else opened it while we were about to: that attempt serves as well.
        Err(failure) if failure.kind == FailureKind::Conflict && latest(loaded).is_some() => Ok(latest(loaded)),
        Err(failure) => Err(failure),
        Ok(_) => Ok(latest(loaded)),
    }
}

fn revisions(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("{text:?} is no revision: write NAME=VALUE"))),
    };
    given.iter().map(pair).collect()
}
