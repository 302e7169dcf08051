//! `ledger docs`: do the documents people read say what the ledger says, and what would make them?

mod telling;

use std::path::{Path, PathBuf};

use super::Answer;
use crate::chain::VerifiedEntry;
use crate::cli::args::text;
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::select::{pipeline_of, release};
use crate::id::Version;
use crate::policy::evaluate::shell;
use crate::policy::sync::MirrorKind;
use crate::policy::template::stays_inside;
use crate::policy::{Evaluator, Pipeline, Policy};
use crate::report::sync::{self, Case, Comparison, Files};
use telling::Telling;

/// Compare task log, checklists and documents with the ledger, and bring them up to it
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger docs --check                           exit 1 when a document says something else\n  ledger docs --write                           ticks boxes, adds log lines, fills regions\n  ledger docs --write --dry-run                 what would be written\n  ledger docs --check --release 2025-09-29 --json\n\nThe documents are those of [[pipeline.NAME.sync]] in the policy. Nothing is ever unticked or taken out.",
    group = clap::ArgGroup::new("mode").required(true).args(["check", "write"])
)]
pub struct Args {
    /// Write nothing; exit 1 when a document says something else than the ledger
    #[arg(long)]
    check: bool,
    /// Tick boxes, add lines to the log, fill marked regions; exit 1 when something is left for people
    #[arg(long)]
    write: bool,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// Pipeline, where several mirror the ledger
    #[arg(long, value_parser = text())]
    pipeline: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(args.release.as_deref())?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = current_policy(&evaluator)?;
    let (pipeline, release) = subject(args, &loaded, policy)?;
    if pipeline.sync.is_empty() {
        return Err(Failure::usage(format!("no document mirrors {}: it has no [[sync]]", pipeline.id)).hint(format!(
            "name them in ledger.toml as [[pipeline.{}.sync]], then: ledger policy apply",
            pipeline.id
        )));
    }
    let case = Case { evaluator: &evaluator, policy, pipeline, release: &release, now: context.world().now() };
    let root = loaded.store.work_tree().and_then(|root| context.world().real_path(root));
    let root = root.ok_or_else(|| Failure::unknown("a bare repository has no documents to look at"))?;
    let files = read(context, &case, &root)?;
    let comparison = sync::compare(&case, &files)?;
    // Nobody's documents are made to say what is not so.
    context.refuse_lies(&loaded, &evaluator)?;
    if args.write && !context.global.dry_run {
        write(context, &root, &files, &comparison)?;
    }
    let telling = Telling { case: &case, comparison: &comparison, written: args.write, again: again(&case) };
    Ok(telling.tell(context))
}

/// After a decision is recorded: the line it has in the log, and how it gets there. The log itself is left
/// alone, since what a signer saw must not change because of the signature.
pub fn remind(context: &mut Context<'_>, evaluator: &Evaluator<'_>, pipeline: &Pipeline, entry: &VerifiedEntry) {
    let Some(key) = entry.attempt().filter(|_| !pipeline.sync.is_empty()) else { return };
    let has_log = pipeline.sync.iter().any(|mirror| matches!(mirror.kind, MirrorKind::Log));
    if let Some(line) = sync::line_of(evaluator, entry).ok().filter(|_| has_log) {
        context.printer.talk(format!("log line: {line}"));
    }
    let policy = current_policy(evaluator).ok();
    let which = policy.map(|policy| policy.which(evaluator.ledger().view(), pipeline, &key.release));
    let which = which.unwrap_or_default();
    context.printer.talk(format!("  → ledger docs --write --release {}{which}", shell(key.release.as_str())));
}

/// The pipeline and release that are meant.
fn subject<'p>(args: &Args, loaded: &Loaded, policy: &'p Policy) -> Result<(&'p Pipeline, Version), Failure> {
    if let Some(text) = &args.release {
        let release = Version::parse(text)?;
        return Ok((pipeline_of(loaded, policy, args.pipeline.as_deref(), &release)?, release));
    }
    let meant = |pipeline: &&Pipeline| match &args.pipeline {
        Some(wanted) => crate::id::fold(wanted) == pipeline.id.folded(),
        None => policy.pipelines.len() == 1 || !pipeline.sync.is_empty(),
    };
    let found: Vec<&Pipeline> = policy.pipelines.iter().filter(meant).collect();
    match found.as_slice() {
        [one] => Ok((one, release(loaded, one, None)?)),
        [] if args.pipeline.is_some() => Err(Failure::usage("no pipeline is called so")),
        [] => Err(Failure::usage("no document mirrors the ledger: no pipeline has a [[sync]]")
            .hint("name them in ledger.toml as [[pipeline.NAME.sync]], then: ledger policy apply")),
        several => {
            let names: Vec<&str> = several.iter().map(|pipeline| pipeline.id.as_str()).collect();
            Err(Failure::usage("several pipelines mirror the ledger")
                .hint(format!("say which: --pipeline {}", names.join(" or "))))
        }
    }
}

/// The command that writes what is missing.
fn again(case: &Case<'_, '_>) -> String {
    let Case { evaluator, policy, pipeline, release, .. } = case;
    let which = policy.which(evaluator.ledger().view(), pipeline, release);
    format!("ledger docs --write --release {}{which}", shell(release.as_str()))
}

fn read(context: &Context<'_>, case: &Case<'_, '_>, root: &Path) -> Result<Files, Failure> {
    let paths = sync::paths(case, |folder| {
        let names = place(context, root, folder)
            .and_then(|folder| context.world().names_in(&folder).map_err(|error| error.to_string()));
        names.map_err(|why| Failure::unknown(format!("the folder {folder} cannot be read: {why}")))
    })?;
    let bytes = |path: &str| {
        let place = place(context, root, path)?;
        context.world().read_if_there(&place).map_err(|error| error.to_string())
    };
    Ok(paths.into_iter().map(|path| (bytes(&path), path)).map(|(bytes, path)| (path, bytes)).collect())
}

/// Where a document really lies, with links followed; never outside the work tree, nor among git's own files.
fn place(context: &Context<'_>, root: &Path, path: &str) -> Result<PathBuf, String> {
    // The folder of logs may be the root itself.
    if !path.is_empty() && !stays_inside(path) {
        return Err("it leads out of the repository".to_owned());
    }
    let full = root.join(path);
    // What is not there yet lies where its folder does.
    let there = full.ancestors().find_map(|above| Some((above, context.world().real_path(above)?)));
    let (above, real) = there.ok_or("no folder above it is there")?;
    if !real.starts_with(root) || real.starts_with(root.join(".git")) {
        return Err(format!("it leads out of the repository, to {}", real.display()));
    }
    Ok(match full.strip_prefix(above) {
        Ok(rest) if rest.as_os_str().is_empty() => real,
        Ok(rest) => real.join(rest),
        Err(_) => full,
    })
}

/// Every changed document, whole; one that somebody changed meanwhile is left alone, and those after it.
fn write(context: &Context<'_>, root: &Path, files: &Files, comparison: &Comparison) -> Result<(), Failure> {
    for (path, change) in &comparison.changes {
        let cannot = |why: String| Failure::unknown(format!("cannot write {path}: {why}"));
        let place = place(context, root, path).map_err(cannot)?;
        let now = context.world().read_if_there(&place).map_err(|error| cannot(error.to_string()))?;
        if files.get(path).and_then(|read| read.as_ref().ok()) != Some(&now) {
            return Err(Failure::conflict(format!("{path} changed while it was compared: it was left alone"))
                .hint("run the command again"));
        }
        context.world().write(&place, &change.bytes).map_err(|error| cannot(error.to_string()))?;
    }
    Ok(())
}
