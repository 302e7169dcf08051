//! `ledger notes`: release notes from the ledger, in the user's language and template.

use std::path::PathBuf;

use super::Answer;
use crate::cli::args::{path, text};
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::select::pipeline_of;
use crate::findings::counted;
use crate::id::Version;
use crate::policy::Evaluator;
use crate::policy::evaluate::shell;
use crate::policy::sync::NOTES_REGION;
use crate::report::escape::visible;
use crate::report::{Report, collect, complete, regions, render};

/// Write release notes
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger notes 2025-09-29 --lang ko\n  ledger notes 2025-09-29 --lang ko --update deliverables/release_notes_2025-09-29.md\n  ledger notes 2025-09-29 --update notes.md --check       exit 1 when a promoted gate has no link\n  ledger notes 2025-09-29 --template my-notes.md"
)]
pub struct Args {
    /// Version
    #[arg(value_parser = text())]
    release: String,
    /// Pipeline, where several have the release
    #[arg(long, value_parser = text())]
    pipeline: Option<String>,
    /// Fill the marked region of this document (made if it is not there); every other byte stays
    #[arg(long, value_name = "FILE", value_parser = path())]
    update: Option<PathBuf>,
    /// Write nothing; exit 1 when a promoted gate's folder, an artifact's digest or the word of a rollback is missing
    #[arg(long)]
    check: bool,
    /// Your own template instead of the shipped one
    #[arg(long, value_name = "FILE", value_parser = path())]
    template: Option<PathBuf>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(Some(&args.release))?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = current_policy(&evaluator)?;
    let release = Version::parse(&args.release)?;
    let pipeline = pipeline_of(&loaded, policy, args.pipeline.as_deref(), &release)?;
    let command =
        format!("ledger notes {}{}", shell(release.as_str()), policy.which(loaded.ledger.view(), pipeline, &release));
    let language = context.global.lang.clone();
    let report = collect::collect(&evaluator, policy, pipeline, &release, &language, context.world().now())
        .ok_or_else(|| {
            Failure::usage(format!("no release {release} was opened in {}", pipeline.id)).hint("ledger log --kind open")
        })?;
    context.refuse_lies(&loaded, &evaluator)?;
    if context.printer.json && !args.check && args.update.is_none() {
        context.printer.json(&report);
        return Ok(Answer::Yes);
    }
    if args.check && args.update.is_none() {
        return Err(Failure::usage("which document is to be checked?").hint(format!("{command} --update FILE --check")));
    }
    let (name, template) = template(args, context, &language)?;
    let text = render::markdown(&name, &template, &report)?;
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("the template {name} gives an empty text")));
    }
    let document = match &args.update {
        Some(file) => read_document(context, file)?,
        None => None,
    };
    if args.check {
        let checked = match (&args.update, document) {
            (Some(file), None) => {
                return Err(Failure::no(format!("{} is not there", file.display()))
                    .hint(format!("{command} --update {}", shell(&file.display().to_string()))));
            }
            (_, Some(document)) => document,
            (None, None) => text,
        };
        return Ok(check(context, &report, &checked, (args, &command)));
    }
    let Some(file) = &args.update else {
        context.printer.raw(text.as_bytes());
        return Ok(Answer::Yes);
    };
    let updated = match &document {
        Some(document) => regions::update(document, NOTES_REGION, &text)
            .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?,
        None => regions::document(NOTES_REGION, &text),
    };
    let same = document.as_ref() == Some(&updated);
    if !same && !context.global.dry_run {
        context
            .world()
            .write(file, updated.as_bytes())
            .map_err(|error| Failure::unknown(format!("cannot write {}: {error}", file.display())))?;
    }
    let what = match (same, context.global.dry_run) {
        (true, _) => "says so already",
        (false, true) => "would be updated",
        (false, false) => "updated",
    };
    context.printer.outcome(&format!("{} {what}", file.display()), context.global.dry_run);
    Ok(Answer::Yes)
}

fn template(args: &Args, context: &Context<'_>, language: &str) -> Result<(String, String), Failure> {
    let Some(file) = &args.template else {
        let shipped = render::NOTES.iter().find(|(known, _)| *known == language);
        let (language, text) = shipped.ok_or_else(|| Failure::usage(format!("no template for language {language}")))?;
        return Ok((format!("release-notes.{language}.md"), (*text).to_owned()));
    };
    let bytes = context
        .world()
        .read(file)
        .map_err(|error| Failure::unknown(format!("cannot read {}: {error}", file.display())))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{} is not UTF-8", file.display())))?;
    Ok((file.display().to_string(), text))
}

fn read_document(context: &Context<'_>, file: &std::path::Path) -> Result<Option<String>, Failure> {
    if !context.world().exists(file) {
        return Ok(None);
    }
    let bytes = context
        .world()
        .read(file)
        .map_err(|error| Failure::unknown(format!("cannot read {}: {error}", file.display())))?;
    String::from_utf8(bytes).map(Some).map_err(|_| Failure::usage(format!("{} is not UTF-8", file.display())))
}

/// Every promoted gate's folder is linked, every artifact's digest is printed.
fn check(context: &mut Context<'_>, report: &Report, document: &str, (args, command): (&Args, &str)) -> Answer {
    let mut missing: Vec<String> = complete::missing(report, document).iter().map(ToString::to_string).collect();
    let promoted = report.gates.iter().filter(|gate| gate.promoted.is_some()).count();
    if promoted == 0 {
        missing.push(format!("no gate of {} is promoted, so there is nothing these notes could show", report.release));
    }
    if context.printer.json {
        context.printer.json(&serde_json::json!({
            "schema": format!("{}notes-check/v0.1", crate::cli::output::SCHEMAS), "complete": missing.is_empty(), "missing": missing,
        }));
    }
    if missing.is_empty() {
        let line = format!(
            "{} the notes link {} and name {}",
            context.printer.good(),
            counted(promoted, "promoted gate", "promoted gates"),
            counted(report.artifacts.len(), "artifact", "artifacts")
        );
        context.printer.say(line);
        return Answer::Yes;
    }
    for text in &missing {
        let line = format!("{} {}", context.printer.bad(), visible(text));
        context.printer.say(line);
    }
    if let Some(file) = &args.update {
        context.printer.talk(format!("  → {command} --update {}", shell(&file.display().to_string())));
    }
    Answer::No
}
