//! `ledger run`: a command is executed, and its output is the evidence.

use std::path::PathBuf;

use super::record::Recording;
use super::{Answer, open};
use crate::cli::args::{path, text};
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::files::{self, Brought, Taking};
use crate::cli::objects::StoreArgs;
use crate::cli::secrets::{self, Secrets};
use crate::cli::select::Question;
use crate::cli::storing::{Storing, Upload};
use crate::cli::world::{Keep, Ran, Stamp};
use crate::entry::kinds::{Command, EvidenceFile, Stored};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::{self, COMMAND};
use crate::id::{Digest, FileName, Name};
use crate::policy::Evaluator;
use crate::report::escape::visible;

/// Run a command and record its output, exit code and times
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger run smoke-test -- ./smoke.sh --target staging\n  ledger run test-log --out report.xml -- pytest --junitxml report.xml\n\nThe command's own exit code is passed on; the entry is written whatever it was."
)]
pub struct Args {
    /// What the evidence is for
    #[arg(value_parser = text())]
    slot: String,
    /// Gate, where several have the slot
    #[arg(long, value_parser = text())]
    gate: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// A file the command makes: recorded too, and read for facts
    #[arg(long, value_name = "FILE", value_parser = path())]
    out: Vec<PathBuf>,
    /// A variable that must be set: recorded is that it is, never its value
    #[arg(long, value_name = "NAME", value_parser = text())]
    env: Vec<String>,
    #[command(flatten)]
    secrets: Secrets,
    #[command(flatten)]
    store: StoreArgs,
    /// The command and its arguments
    #[arg(last = true, required = true, value_parser = text())]
    command: Vec<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let slot = Name::parse(&args.slot)?;
    let (gate_text, release_text) = (args.gate.as_deref(), args.release.as_deref());
    let question = Question::of_slot(policy, &evaluator, &loaded, &slot, gate_text, release_text)?;
    let gate = question.gate;
    let rule = gate.rule_for(&slot).ok_or_else(|| Failure::usage(format!("no gate has a slot {slot}")))?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    loaded.store.check_writable()?;
    let storing = Storing::of(context, policy, &args.store, false, false)?;
    let taking = Taking {
        rule,
        format: None,
        external: false,
        location: None,
        storing: &storing,
        secrets: &args.secrets,
        stdin_name: "",
    };
    let said = args.command.join(" ");
    let mut secrets = secrets::keep_out(context, &taking, &[("the command", &said)], &mut [])?;
    if context.global.dry_run {
        let line = format!("would run {} and record it as {slot} for {}", args.command.join(" "), gate.id);
        context.printer.outcome(&line, true);
        return Ok(Answer::Yes);
    }
    let before: Vec<_> = args.out.iter().map(|path| context.world().stamp(path)).collect();
    // What the command works on: the source of the attempt, where none is open yet.
    let source = loaded.store.source("HEAD").ok();
    let started_at = context.world().now();
    let keep = Keep { quiet: context.printer.json, digest: !args.secrets.redact };
    let ran = context.printer.world.run_and_keep(&args.command, keep);
    let ran = ran.map_err(|error| Failure::unknown(format!("cannot run {}: {error}", args.command[0])))?;
    let finished_at = context.world().now();
    let made = made(context, &args.out, &before);
    let mut products = files::bring(context, &loaded.store, &taking, &made)?;
    let count = products.len();
    products.extend(outputs(&ran)?);
    secrets.extend(secrets::keep_out(context, &taking, &[], &mut products)?);
    let mut streams = products.split_off(count);
    streams.iter_mut().for_each(|stream| storing.send(stream));
    if !products.is_empty() {
        products.extend(files::template(&loaded, &question, rule)?);
    }
    let (format, mut facts) = match products.first() {
        Some(first) => {
            let reader =
                files::reader_for(&taking, first.file.name.as_str(), first.bytes.as_deref().unwrap_or_default())?;
            (reader.format, files::facts(reader, gate, &slot, &products)?)
        }
        None => output_facts(rule.formats.as_slice(), gate.wanted(&slot), &streams)?,
    };
    facts.extend(secrets);
    facts.insert("exit".to_owned(), Fact::Int(i64::from(ran.exit_code)));
    facts.extend(variables(context, &args.env));
    let (exit_code, signal) = (ran.exit_code, ran.signal);
    let command = Command { argv: args.command.clone(), exit_code, signal, started_at, finished_at };
    let mut brought = products;
    brought.extend(streams);
    storing.upload(context, &brought)?;
    let Some(attempt) = open::ensure(context, &mut loaded, &identity, policy, &question, source)? else {
        return Err(Failure::unknown("the attempt could not be opened"));
    };
    let recording =
        Recording { slot, format: Name::parse(format)?, facts, command: Some(command), timed: true, attempt };
    let number = recording.append(context, &mut loaded, &identity, brought)?;
    recording.tell(context, &loaded, number, &question);
    Ok(Answer::Code(u8::try_from(ran.exit_code).unwrap_or(1)))
}

/// The files the command made. One that lies there as it did before is no product of it: whoever ran a
/// command that wrote nothing must not bring yesterday's report.
fn made(context: &mut Context<'_>, out: &[PathBuf], before: &[Option<Stamp>]) -> Vec<PathBuf> {
    let mut made = Vec::new();
    for (path, before) in out.iter().zip(before) {
        let now = context.world().stamp(path);
        if now.is_some() && now != *before {
            made.push(path.clone());
            continue;
        }
        let why = if now.is_none() { "made no" } else { "did not write" };
        let path = visible(&path.display().to_string());
        context.printer.talk(format!("note: the command {why} {path}: it is not part of the evidence"));
    }
    made
}

/// Which of the variables asked for are set.
fn variables(context: &Context<'_>, names: &[String]) -> Option<(String, Fact)> {
    let is_set = |name: &String| (name.clone(), Fact::Bool(context.world().env.contains_key(name)));
    (!names.is_empty()).then(|| ("env".to_owned(), Fact::Group(names.iter().map(is_set).collect())))
}

/// Facts of the output itself, where the rule wants a format it reads as; else only the run's.
fn output_facts(
    formats: &[&'static str],
    wanted: readers::Wanted<'_>,
    streams: &[Brought],
) -> Result<(&'static str, Facts), Failure> {
    if formats.contains(&COMMAND) {
        return Ok((COMMAND, Facts::new()));
    }
    let bytes = streams.first().and_then(|stdout| stdout.bytes.as_deref()).unwrap_or_default();
    let input = readers::Input { wanted, ..readers::Input::plain("stdout.txt", bytes) };
    let reader = formats.iter().filter_map(|format| readers::find(format)).next();
    match reader.map(|reader| (reader.format, (reader.read)(&input))) {
        Some((format, Ok(facts))) => Ok((format, facts)),
        // What the command printed is kept as it is: the rule will say what is missing.
        Some((_, Err(_))) | None => Ok((COMMAND, Facts::new())),
    }
}

/// The two streams as files of the entry; an empty one is left out, but one of them always is there.
fn outputs(ran: &Ran) -> Result<Vec<Brought>, Failure> {
    let mut files = Vec::new();
    for (name, bytes) in [("stdout.txt", &ran.stdout), ("stderr.txt", &ran.stderr)] {
        if bytes.is_empty() && name != "stdout.txt" {
            continue;
        }
        let file = EvidenceFile {
            name: FileName::parse(name)?,
            path: name.to_owned(),
            size: bytes.len() as u64,
            sha256: Digest::of(bytes),
            stored: Stored::Inline,
            location: None,
            role: None,
        };
        files.push(Brought { file, bytes: Some(bytes.clone()), upload: Upload::None });
    }
    Ok(files)
}
