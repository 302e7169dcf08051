//! `ledger run`: a command is executed, and its output is the evidence.

use std::path::PathBuf;

use super::record::Recording;
use super::{Answer, open};
use crate::cli::args::{path, text};
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::files::{self, Brought, Taking};
use crate::cli::select::Question;
use crate::cli::world::Ran;
use crate::entry::kinds::{Command, EvidenceFile, Stored};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::{self, COMMAND};
use crate::id::{Digest, FileName, Name};
use crate::policy::Evaluator;

/// Most bytes of one output stream that are kept; the digest covers what is kept.
const KEEP: usize = 8 << 20;

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
    if context.global.dry_run {
        let line = format!("would run {} and record it as {slot} for {}", args.command.join(" "), gate.id);
        context.printer.outcome(&line, true);
        return Ok(Answer::Yes);
    }
    let Some(attempt) = open::ensure(context, &mut loaded, &identity, policy, &question)? else {
        return Err(Failure::unknown("the attempt could not be opened"));
    };
    let started_at = context.world().now();
    let quiet = context.printer.json;
    let ran = context.printer.world.run_and_keep(&args.command, quiet);
    let ran = ran.map_err(|error| Failure::unknown(format!("cannot run {}: {error}", args.command[0])))?;
    let finished_at = context.world().now();
    let taking = Taking { rule, format: None, external: false, location: None, stdin_name: "" };
    let mut products = files::bring(context, &loaded.store, &taking, &args.out)?;
    if !products.is_empty() {
        products.extend(files::template(&loaded, &question, rule)?);
    }
    let (format, mut facts) = match products.first() {
        Some(first) => {
            let reader =
                files::reader_for(&taking, first.file.name.as_str(), first.bytes.as_deref().unwrap_or_default())?;
            (reader.format, files::facts(reader, gate, &slot, &products)?)
        }
        None => output_facts(rule.formats.as_slice(), gate.wanted(&slot), &ran)?,
    };
    facts.insert("exit".to_owned(), Fact::Int(i64::from(ran.exit_code)));
    let command = Command { argv: args.command.clone(), exit_code: ran.exit_code, started_at, finished_at };
    let mut brought = products;
    brought.extend(outputs(&ran)?);
    let recording = Recording { slot, format: Name::parse(format)?, facts, command: Some(command), attempt };
    let number = recording.append(context, &mut loaded, &identity, brought)?;
    recording.tell(context, &loaded, number, &question)?;
    Ok(Answer::Code(u8::try_from(ran.exit_code).unwrap_or(1)))
}

/// Facts of the output itself, where the rule wants a format it reads as; else only the run's.
fn output_facts(
    formats: &[&'static str],
    wanted: readers::Wanted<'_>,
    ran: &Ran,
) -> Result<(&'static str, Facts), Failure> {
    if formats.contains(&COMMAND) {
        return Ok((COMMAND, Facts::new()));
    }
    let input = readers::Input { wanted, ..readers::Input::plain("stdout.txt", &ran.stdout) };
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
        let kept = bounded(bytes);
        let file = EvidenceFile {
            name: FileName::parse(name)?,
            path: name.to_owned(),
            size: kept.len() as u64,
            sha256: Digest::of(&kept),
            stored: Stored::Inline,
            location: None,
            role: None,
        };
        files.push(Brought { file, bytes: Some(kept) });
    }
    Ok(files)
}

/// Head and tail of a very long output, with a line that says what is missing between them.
fn bounded(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() <= KEEP {
        return bytes.to_vec();
    }
    let (head, tail) = (&bytes[..KEEP / 2], &bytes[bytes.len() - KEEP / 2..]);
    let gap =
        format!("\n[… {} bytes left out; sha256 of the whole output {} …]\n", bytes.len() - KEEP, Digest::of(bytes));
    [head, gap.as_bytes(), tail].concat()
}
