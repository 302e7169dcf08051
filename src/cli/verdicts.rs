//! Where the verdicts of a check go: the terminal, files, the page of a pipeline's step, its log.
//!
//! The environment decides only where they are told, never what they are.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::Answer;
use super::args::path;
use super::board::{self, DecisionJson};
use super::context::{Context, POLICY_FILE};
use super::failure::{Failure, FailureKind};
use super::output::{FAULTS, failure_json, to_json};
use crate::policy::Verdict;
use crate::report::verdict::{GateVerdict, Reason, Verdicts, github, junit, markdown, sarif};

/// GitHub drops a step's page whole when it is larger than this.
const MOST_OF_SUMMARY: u64 = 1 << 20;

/// How a verdict is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
    Markdown,
    Junit,
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// How a check was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    format: Format,
    ci: bool,
}

/// What there is to tell.
struct Said<'f> {
    verdicts: Verdicts,
    /// Where nobody could tell, why.
    failure: Option<&'f Failure>,
}

#[derive(Debug, Clone, clap::Args)]
pub struct Telling {
    /// How to print the verdict
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Also write it to FILE, as any of these formats but human; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    reports: Vec<(Format, PathBuf)>,
    /// Append Markdown to FILE, which stays under 1 MiB; with --ci also to what GITHUB_STEP_SUMMARY names
    #[arg(long, value_name = "FILE", value_parser = path())]
    summary: Option<PathBuf>,
    /// Leave GITHUB_STEP_SUMMARY alone
    #[arg(long)]
    no_summary: bool,
}

impl Telling {
    /// What `--json` and `--format json` have in common; a format named says more.
    pub fn begin(&self, context: &mut Context<'_>, ci: bool) -> Asked {
        let format = match self.format {
            Format::Human if context.printer.json => Format::Json,
            format => format,
        };
        context.printer.json = format == Format::Json;
        context.printer.colour &= format == Format::Human;
        Asked { format, ci }
    }

    /// Prints and writes verdicts everywhere they are to go.
    pub fn tell(&self, context: &mut Context<'_>, asked: Asked, gates: Vec<GateVerdict>) -> Result<Answer, Failure> {
        let said = Said { verdicts: Verdicts::Told(gates), failure: None };
        match asked.format {
            Format::Human => board::verdicts(&mut context.printer, said.verdicts.gates()),
            other => context.printer.raw(said.text(other).as_bytes()),
        }
        self.tell_elsewhere(context, asked, &said)?;
        Ok(if said.verdicts.verdict() == Verdict::Open { Answer::Yes } else { Answer::No })
    }

    /// The same for a question nobody could answer. The failure itself is the command's to tell.
    pub fn tell_failure(&self, context: &mut Context<'_>, asked: Asked, failure: &Failure) {
        // Who asked wrongly sits at the keyboard.
        if failure.kind == FailureKind::Usage {
            return;
        }
        let faults = failure.faults.iter().take(FAULTS).map(|fault| format!("; {fault}"));
        let message = failure.message.clone() + &faults.collect::<String>();
        let verdicts = Verdicts::Untold(Reason { message, hints: failure.hints.clone() });
        let said = Said { verdicts, failure: Some(failure) };
        match asked.format {
            Format::Human | Format::Json => {}
            other => context.printer.raw(said.text(other).as_bytes()),
        }
        if let Err(failure) = self.tell_elsewhere(context, asked, &said) {
            context.printer.talk(format!("note: {}", failure.message));
        }
    }

    /// A "yes" that could not be written where it was asked for is none; a "no" stays one.
    fn tell_elsewhere(&self, context: &mut Context<'_>, asked: Asked, said: &Said<'_>) -> Result<(), Failure> {
        let mut unwritten = None;
        for (format, file) in &self.reports {
            let text = said.text(*format);
            let written = context.global.dry_run || {
                let written = context.world().write(file, text.as_bytes());
                note(context, file, written)
            };
            unwritten = unwritten.or((!written).then_some(file));
        }
        if let Some(file) = &self.summary {
            let written = self.summarise(context, file, &said.verdicts);
            unwritten = unwritten.or((!written).then_some(file));
        }
        let env = |name: &str| context.world().env.get(name).filter(|_| asked.ci).cloned();
        let annotated = asked.format != Format::Github && env("GITHUB_ACTIONS").is_some_and(|on| on == "true");
        // Not asked for by name, so a page that cannot be written is only told.
        let page = env("GITHUB_STEP_SUMMARY").map(PathBuf::from).filter(|_| !self.no_summary);
        if let Some(file) = page.filter(|file| self.summary.as_ref() != Some(file)) {
            self.summarise(context, &file, &said.verdicts);
        }
        if annotated {
            let annotations = github::annotations(&said.verdicts, POLICY_FILE);
            match asked.format {
                Format::Human => context.printer.raw(annotations.as_bytes()),
                // What is on stdout is a document; the runner reads both.
                _ => annotations.lines().for_each(|line| context.printer.talk(line)),
            }
        }
        match unwritten.filter(|_| said.verdicts.verdict() == Verdict::Open) {
            Some(file) => Err(Failure::unknown(format!("the verdict could not be written to {}", file.display()))),
            None => Ok(()),
        }
    }

    /// Appends to a page what has room in it; whether it could be done.
    fn summarise(&self, context: &mut Context<'_>, file: &Path, verdicts: &Verdicts) -> bool {
        let there = context.world().size(&context.world().path(file)).unwrap_or_default();
        let room = usize::try_from(MOST_OF_SUMMARY.saturating_sub(there + 1)).unwrap_or_default();
        let reports: Vec<String> = self.reports.iter().map(|(_, file)| file.display().to_string()).collect();
        let whole = match reports.as_slice() {
            [] => "All of them: ledger check … --json".to_owned(),
            files => format!("All of them are in {}", files.join(", ")),
        };
        let Some(page) = markdown::render(verdicts, room, &whole) else {
            context.printer.talk(format!("note: {} is full: no summary is added to it", file.display()));
            return false;
        };
        context.global.dry_run || {
            let written = context.world().append(file, page.as_bytes());
            note(context, file, written)
        }
    }
}

fn note(context: &mut Context<'_>, file: &Path, written: std::io::Result<()>) -> bool {
    if let Err(error) = &written {
        context.printer.talk(format!("note: {} cannot be written: {error}", file.display()));
    }
    written.is_ok()
}

impl Said<'_> {
    /// A document in a format that is not for the terminal.
    fn text(&self, format: Format) -> String {
        let verdicts = &self.verdicts;
        match (format, self.failure, verdicts.gates()) {
            (Format::Junit, ..) => junit::render(verdicts, POLICY_FILE),
            (Format::Sarif, ..) => sarif::render(verdicts, POLICY_FILE),
            (Format::Github, ..) => github::render(verdicts, POLICY_FILE),
            (Format::Json, Some(failure), _) => to_json(&failure_json(failure)),
            (Format::Json, None, [one]) => to_json(&DecisionJson::from(&one.decision)),
            (Format::Json, None, several) => to_json(&board::status_json(several.iter().map(|gate| &gate.decision))),
            (Format::Human | Format::Markdown, ..) => {
                let room = usize::try_from(MOST_OF_SUMMARY - 1).unwrap_or_default();
                markdown::render(verdicts, room, "All of them: ledger check … --json").unwrap_or_default()
            }
        }
    }
}

fn report(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text.split_once('=').unwrap_or((text, ""));
    match Format::from_str(format, false) {
        Ok(Format::Human) | Err(_) => Err("say FORMAT=FILE: json, markdown, junit, sarif or github".to_owned()),
        Ok(_) if file.is_empty() => Err("the file is missing: FORMAT=FILE".to_owned()),
        Ok(format) => Ok((format, PathBuf::from(file))),
    }
}
