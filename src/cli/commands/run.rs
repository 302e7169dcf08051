//! `ledger run`: a command is executed, and its output is the evidence.

use std::path::PathBuf;

use super::record::{Recording, taken};
use super::{Answer, open};
use crate::cli::args::{path, text};
use crate::cli::child::{Keep, Run, run_and_keep};
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::failure::Failure;
use crate::cli::files::{self, Brought, Taking};
use crate::cli::load::Loaded;
use crate::cli::objects::StoreArgs;
use crate::cli::secrets::{self, Secrets};
use crate::cli::select::Question;
use crate::cli::storing::{Storing, Upload};
use crate::cli::withheld::Withheld;
use crate::cli::world::Stamp;
use crate::entry::kinds::{Command, EvidenceFile, Stored};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::{self, COMMAND, PLAN_STATUS};
use crate::id::{Digest, FileName, Name, ObjectId, fold};
use crate::policy::reread::STREAMS;
use crate::policy::{Evaluator, Rule};
use crate::report::escape::visible;
use crate::store::git::SourceCommit;

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
    let rule = question.gate.rule_for(&slot).ok_or_else(|| Failure::usage(format!("no gate has a slot {slot}")))?;
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
    let ready = ready(args, context, &loaded, &question, &taking, &identity)?;
    if context.global.dry_run {
        let line = format!("would run {} and record it as {slot} for {}", args.command.join(" "), question.gate.id);
        context.printer.outcome(&line, true);
        return Ok(Answer::Yes);
    }
    let before: Vec<_> = args.out.iter().map(|path| context.world().stamp(path)).collect();
    let started_at = context.world().now();
    let keep = Keep { quiet: context.printer.json, digest: !args.secrets.redact };
    let ran = run_and_keep(context.printer.world, &args.command, keep);
    let ran = ran.map_err(|error| Failure::unknown(format!("cannot run {}: {error}", args.command[0])))?;
    let finished_at = context.world().now();
    // From here on nothing that the command left keeps the run off the record.
    let made = made(context, &args.out, &before);
    let mut withheld = Withheld::default();
    let mut brought = withheld.bring(context, &loaded.store, &taking, &made);
    let count = brought.len();
    brought.extend(outputs(&ran)?);
    let secrets = withheld.keep_out(context, &taking, &mut brought, [&ran.stdout, &ran.stderr]);
    brought.iter_mut().skip(count).filter(|stream| !withheld.has(stream)).for_each(|stream| storing.send(stream));
    withheld.fit(&taking, &mut brought);
    withheld.upload(context, &taking, &mut brought);
    let streams = brought.split_off(count);
    let (format, mut facts) = ready.facts(context, &loaded, &question, &taking, &withheld, (&mut brought, &streams));
    facts.extend(ready.facts.clone());
    facts.extend(secrets);
    facts.insert("exit".to_owned(), Fact::Int(i64::from(ran.exit_code)));
    facts.extend(variables(context, &args.env));
    facts.extend(withheld.fact());
    brought.extend(streams);
    withheld.tell(context);
    let Some(attempt) = open::ensure(context, &mut loaded, &identity, policy, &question, ready.source)? else {
        return Err(Failure::unknown("the attempt could not be opened"));
    };
    let (exit_code, signal) = (ran.exit_code, ran.signal);
    let command = Command { argv: args.command.clone(), exit_code, signal, started_at, finished_at };
    let format = Name::parse(format)?;
    let recording = Recording { slot, format, facts, command: Some(command), timed: true, attempt };
    let number = recording.append(context, &mut loaded, &identity, brought)?;
    recording.tell(context, &loaded, number, &question);
    Ok(Answer::Code(u8::try_from(ran.exit_code).unwrap_or(1)))
}

/// What is known before the command runs.
struct Ready {
    /// What the command works on, where no attempt is open yet: the source as it was then.
    source: Option<SourceCommit>,
    template: Option<Brought>,
    /// The commit whose files documents speak of.
    commit: ObjectId,
    /// What is let in of the command line itself.
    facts: Facts,
}

/// Refuses whatever can be known to be wrong: a command is not run in vain.
fn ready(
    args: &Args,
    context: &mut Context<'_>,
    loaded: &Loaded,
    question: &Question<'_>,
    taking: &Taking<'_>,
    identity: &Identity,
) -> Result<Ready, Failure> {
    let rule = taking.rule;
    if rule.formats == [PLAN_STATUS] {
        files::reader_for(taking, "", b"")?;
    }
    let said = args.command.join(" ");
    if said.len() > MAX_COMMAND {
        return Err(Failure::usage(format!(
            "the command has {} bytes, an entry tells at most {MAX_COMMAND}",
            said.len()
        ))
        .hint("put it into a script, and run that"));
    }
    args.secrets.allowed()?;
    let facts = secrets::keep_out(context, taking, &[("the command", &said)], &mut [])?;
    check_products(args, context, rule, taking.by_digest())?;
    for name in &args.env {
        if !context.world().env.contains_key(name) {
            context.printer.talk(format!("note: {} is not set, and so it will stand on record", visible(name)));
        }
    }
    let Question { pipeline, gate, release } = question;
    let is_open = loaded.ledger.view().latest(&pipeline.id, &gate.id, release).is_some();
    let source = if is_open { None } else { Some(loaded.store.source("HEAD")?) };
    let template = if args.out.is_empty() { None } else { files::template(loaded, question, rule)? };
    // Where nobody can be asked for a passphrase, a key that does not open is known now.
    if !context.world().is_interactive {
        drop(identity.unlock()?);
    }
    let commit = question.source(&loaded.ledger, &loaded.store)?;
    Ok(Ready { source, template, commit, facts })
}

/// What the command is to make can be told apart, and be read by one reader.
fn check_products(args: &Args, context: &Context<'_>, rule: &Rule, by_digest: bool) -> Result<(), Failure> {
    for (path, others) in args.out.iter().zip(1..).map(|(path, next)| (path, args.out.iter().skip(next))) {
        let shown = visible(&path.display().to_string());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if others.clone().any(|other| context.world().path(other) == context.world().path(path)) {
            return Err(Failure::usage(format!("--out {shown} is said twice")));
        }
        if STREAMS.iter().any(|stream| fold(stream) == fold(&name)) {
            return Err(Failure::usage(format!("--out {shown} has the name under which the command's output is kept"))
                .hint("have the command write a file of another name"));
        }
        if !by_digest && context.world().is_directory(path) {
            return Err(Failure::usage(format!("--out {shown} is a directory")).hint("name its files one by one"));
        }
    }
    let reader = rule.formats.iter().find(|format| **format != COMMAND);
    match reader.filter(|format| args.out.len() > 1 && rule.formats.len() == 1 && readers::is_of_one_file(format)) {
        Some(format) => Err(Failure::usage(format!("{format} is read from one file, and there are several --out"))
            .hint("run it with one, and record the others as entries of their own")),
        None => Ok(()),
    }
}

impl Ready {
    /// The format and the facts of the evidence. No reader speaks of what is not kept.
    fn facts(
        &self,
        context: &mut Context<'_>,
        loaded: &Loaded,
        question: &Question<'_>,
        taking: &Taking<'_>,
        withheld: &Withheld,
        (products, streams): (&mut Vec<Brought>, &[Brought]),
    ) -> (&'static str, Facts) {
        let rule = taking.rule;
        let of_run = (COMMAND, Facts::new());
        if products.iter().chain(streams.first().filter(|_| products.is_empty())).any(|one| withheld.has(one)) {
            return of_run;
        }
        let Some(first) = products.first() else {
            return output_facts(&rule.formats, question.gate.wanted(&rule.slot), streams);
        };
        let bytes = first.bytes.as_deref().unwrap_or_default();
        // A rule about the command alone takes whatever it made besides.
        let Ok(reader) = files::reader_for(taking, first.file.name.as_str(), bytes) else { return of_run };
        products.extend(self.template.clone());
        let told = match taken(loaded, question, rule, reader, products, &self.commit) {
            Ok(facts) if is_short(&facts) => return (reader.format, facts),
            Ok(_) => format!("what {} takes from it is more than an entry can tell", reader.format),
            Err(failure) => failure.message,
        };
        context.printer.talk(format!("note: kept as it is, and without facts: {}", visible(&told)));
        of_run
    }
}

/// Whether facts fit into a statement, beside the rest of it.
fn is_short(facts: &Facts) -> bool {
    let told = serde_json::to_string_pretty(facts).unwrap_or_default();
    told.len() + told.lines().count() * INDENT <= MAX_FACTS
}

/// A statement has 32 KiB: for the command, for facts, and for all else.
const MAX_COMMAND: usize = 8 << 10;
const MAX_FACTS: usize = 16 << 10;
/// Blanks before each line of facts.
const INDENT: usize = 4;

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
fn output_facts(formats: &[&'static str], wanted: readers::Wanted<'_>, streams: &[Brought]) -> (&'static str, Facts) {
    if formats.contains(&COMMAND) {
        return (COMMAND, Facts::new());
    }
    let bytes = streams.first().and_then(|stdout| stdout.bytes.as_deref()).unwrap_or_default();
    let input = readers::Input { wanted, ..readers::Input::plain("stdout.txt", bytes) };
    let reader = formats.iter().filter_map(|format| readers::find(format)).next();
    match reader.map(|reader| (reader.format, (reader.read)(&input))) {
        Some((format, Ok(facts))) if is_short(&facts) => (format, facts),
        // What the command printed is kept as it is: the rule will say what is missing.
        _ => (COMMAND, Facts::new()),
    }
}

/// The two streams as files of the entry; an empty one is left out, but one of them always is there.
fn outputs(ran: &Run) -> Result<Vec<Brought>, Failure> {
    let mut files = Vec::new();
    for (name, output) in STREAMS.iter().zip([&ran.stdout, &ran.stderr]) {
        let bytes = &output.bytes;
        if bytes.is_empty() && !files.is_empty() {
            continue;
        }
        let file = EvidenceFile {
            name: FileName::parse(name)?,
            path: (*name).to_owned(),
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
