//! `ledger facts`: what a reader would take from files. Writes nothing, needs no ledger.

use std::path::{Path, PathBuf};

use super::Answer;
use crate::cli::args::{path, text};
use crate::cli::beside::links;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::files::unknown_format;
use crate::cli::hashing::hash_directory;
use crate::cli::output::SCHEMAS;
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::manifest;
use crate::evidence::readers::checklist::{self, Checklist, Item, Remark, RemarkKind, State};
use crate::evidence::readers::links::{Link, State as LinkState};
use crate::evidence::readers::{self, ARTIFACT, COMMAND, Input, PLAN_STATUS, PLAN_STATUS_FACTS, Wanted};
use crate::report::escape::visible;

/// Show what the ledger would take from files
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger facts docs/checklist.md\n  ledger facts dist/*.sha256 --format checksums --json\n  ledger facts docs/checklist.md --items        every item with its line, state and id\n  ledger facts docs/checklist.md --links        where its links lead; 1 if one leads nowhere\n  ledger facts --list                           the formats there are"
)]
pub struct Args {
    #[arg(value_parser = path(), required_unless_present = "list")]
    files: Vec<PathBuf>,
    /// How to read them; default: by name and content
    #[arg(long, value_parser = text())]
    format: Option<String>,
    /// A phrase to look for in a log
    #[arg(long, value_parser = text(), default_value = "Next Stage Ready")]
    phrase: String,
    /// A fact to take besides: a name, and the JSON pointer, the table's cell or the pattern that finds it
    #[arg(long, value_name = "NAME=PLACE", value_parser = pair)]
    value: Vec<(String, String)>,
    /// The document before anybody filled it in: what is ticked there does not count
    #[arg(long, value_name = "FILE", value_parser = path())]
    template: Option<PathBuf>,
    /// Every item of a checklist with its line, state and id, and what to look at
    #[arg(long)]
    items: bool,
    /// Where the links of a Markdown document lead, among the files here; exit code 1 if one leads nowhere
    #[arg(long)]
    links: bool,
    /// List the formats
    #[arg(long)]
    list: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    if args.list && context.printer.json {
        let list = readers::READERS
            .iter()
            .map(|reader| serde_json::json!({ "format": reader.format, "about": reader.about, "facts": reader.facts }));
        let formats: Vec<_> = list.collect();
        context.printer.json(&serde_json::json!({ "schema": format!("{SCHEMAS}formats/v0.1"), "formats": formats }));
        return Ok(Answer::Yes);
    }
    if args.list {
        let row = |format: &str, about: &str| vec![format.to_owned(), about.to_owned()];
        let mut rows = Vec::new();
        for reader in readers::READERS {
            rows.push(row(reader.format, reader.about));
            rows.push(row("", &format!("facts: {}", reader.facts.join(", "))));
        }
        rows.push(row(COMMAND, "a command run by `ledger run`, with its output"));
        rows.push(row("", "facts: exit"));
        rows.push(row(PLAN_STATUS, "a plan as it is followed, counted from the entries"));
        rows.push(row("", &format!("facts: {}", PLAN_STATUS_FACTS.join(", "))));
        crate::cli::output::table(&rows).into_iter().for_each(|line| context.printer.say(line));
        return Ok(Answer::Yes);
    }
    let mut read = Vec::new();
    let template = args.template.as_deref().map(|file| bytes_of(context, file)).transpose()?;
    for file in &args.files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_listed = context.world().is_directory(file) && args.format.as_deref() == Some(ARTIFACT);
        read.push(if is_listed {
            (format!("{name}.sha256"), list_of(context, file)?)
        } else {
            (name, bytes_of(context, file)?)
        });
    }
    let wanted = Wanted { phrase: Some(&args.phrase), values: &args.value, template: template.as_deref() };
    let inputs: Vec<Input<'_>> = read.iter().map(|(name, bytes)| Input { name, bytes, wanted }).collect();
    let first = inputs.first().ok_or_else(|| Failure::usage("no file given"))?;
    let reader = match &args.format {
        Some(format) => readers::find(format).ok_or_else(|| unknown_format(format))?,
        None => readers::guess(first),
    };
    if args.format.is_none() && reader.format == readers::FILE {
        context.printer.talk(unrecognised(first));
    }
    let facts = readers::read_all(reader, &inputs).map_err(|(index, error)| {
        let name = args.files.get(index).map(|file| file.display().to_string()).unwrap_or_default();
        Failure::usage(format!("{name} does not read as {}: {error}", reader.format))
    })?;
    let listed = args.items.then(|| items(reader.format, first)).transpose()?;
    let linked = if args.links { links_of(context, &args.files, &read)? } else { Vec::new() };
    let answer = if linked.iter().any(|(_, link)| link.state.is_missing()) { Answer::No } else { Answer::Yes };
    if context.printer.json {
        let mut told = serde_json::json!({ "schema": format!("{SCHEMAS}file-facts/v0.1"), "format": reader.format, "facts": facts });
        if let Some(checklist) = &listed {
            told["items"] = checklist.items.iter().map(|item| item_json(item, checklist)).collect();
            let removed = checklist.removed.iter();
            told["removed"] = removed.map(|item| serde_json::json!({ "line": item.line, "id": item.id.to_string(), "section": &*item.section, "text": item.text })).collect();
            let undecided = checklist.remarks.iter().filter(|remark| remark.kind == RemarkKind::Undecided);
            told["undecided"] =
                undecided.map(|remark| serde_json::json!({ "line": remark.line, "text": remark.text })).collect();
        }
        if args.links {
            told["links"] = linked.iter().map(|(file, link)| link_json(file, link)).collect();
        }
        context.printer.json(&told);
        return Ok(answer);
    }
    let heading = context.printer.bold(reader.format);
    context.printer.say(heading);
    show(context, &facts, 1);
    if let Some(checklist) = listed {
        let rows: Vec<Vec<String>> = checklist.items.iter().map(item_row).collect();
        crate::cli::output::table(&rows).into_iter().for_each(|line| context.printer.say(line));
        for item in &checklist.removed {
            let place = visible(&format!("{} › {}", item.section, item.text)).to_string();
            context.printer.say(format!("  ! line {} of the template: gone, so open: {place}", item.line));
        }
        for Remark { line, kind, text } in &checklist.remarks {
            context.printer.say(format!("  ! line {line}: {}: {}", remark_word(*kind), visible(text)));
        }
    }
    for (file, link) in linked {
        let line = format!("  {}:{}: {}", visible(&file), link.line, visible(&links::told(&link)));
        context.printer.say(line);
    }
    Ok(answer)
}

/// What could be meant by a file no format was recognised in: what reads it, else all there is.
fn unrecognised(input: &Input<'_>) -> String {
    let asked = readers::READERS.iter().filter(|reader| ![readers::FILE, readers::ARTIFACT].contains(&reader.format));
    let names = |reader: &readers::Reader| reader.format;
    let fitting: Vec<&str> = asked.clone().filter(|reader| (reader.read)(input).is_ok()).map(names).collect();
    let (what, formats) = match fitting.is_empty() {
        true => ("one of", asked.map(names).collect()),
        false => ("it reads as", fitting),
    };
    format!("note: nothing recognised, so only its size is read; try --format FORMAT, {what} {}", formats.join(", "))
}

fn links_of(
    context: &Context<'_>,
    files: &[PathBuf],
    read: &[(String, Vec<u8>)],
) -> Result<Vec<(String, Link)>, Failure> {
    let mut all = Vec::new();
    for (file, (name, bytes)) in files.iter().zip(read) {
        all.extend(links::here(context, file, bytes)?.into_iter().map(|link| (name.clone(), link)));
    }
    Ok(all)
}

fn link_json(file: &str, link: &Link) -> serde_json::Value {
    let state = match link.state {
        LinkState::Found => "found",
        LinkState::External => "external",
        LinkState::MissingFile => "missing-file",
        LinkState::MissingAnchor => "missing-anchor",
    };
    serde_json::json!({ "file": file, "line": link.line, "target": link.target, "state": state })
}

fn items(format: &str, input: &Input<'_>) -> Result<Checklist, Failure> {
    if format != readers::CHECKLIST {
        return Err(Failure::usage(format!("only a checklist has items, this is {format}"))
            .hint("ledger facts FILE --format checklist --items"));
    }
    checklist::details(input)
        .map_err(|error| Failure::usage(format!("{} does not read as {format}: {error}", input.name)))
}

const fn state_word(state: &State) -> &'static str {
    match state {
        State::Open => "open",
        State::Done => "done",
        State::NotApplicable(_) => "not-applicable",
        State::PreTicked => "pre-ticked",
        State::Group => "group",
    }
}

const fn remark_word(kind: RemarkKind) -> &'static str {
    match kind {
        RemarkKind::Verification => "printed outcome, no result",
        RemarkKind::HeadingTick => "ticked heading over open items",
        RemarkKind::FalseClaim => "claim that cannot be true",
        RemarkKind::Malformed => "no box to Markdown",
        RemarkKind::NoReason => "not applicable, and no reason why",
        RemarkKind::Undecided => "a choice, and not exactly one is ticked",
    }
}

fn item_row(item: &Item) -> Vec<String> {
    let place = format!("{} › {}", item.section, item.text);
    let added = if item.is_added { " (added)" } else { "" };
    vec![format!("  {}", item.line), item.id.to_string(), state_word(&item.state).to_owned() + added, visible(&place)]
}

fn item_json(item: &Item, checklist: &Checklist) -> serde_json::Value {
    let mut told = serde_json::json!({
        "line": item.line, "id": item.id.to_string(), "state": state_word(&item.state), "section": &*item.section,
        "text": item.text,
    });
    if let Some(parent) = item.parent.and_then(|place| checklist.items.get(place)) {
        told["parent"] = parent.line.into();
    }
    if item.is_added {
        told["added"] = true.into();
    }
    if let Some(effort) = item.effort {
        told["effort"] = serde_json::json!({ "least": effort.least, "most": effort.most });
    }
    told
}

/// More than any reader takes.
const MOST: u64 = 256 << 20;

/// A directory as it would be recorded: the list of its files.
fn list_of(context: &mut Context<'_>, folder: &Path) -> Result<Vec<u8>, Failure> {
    let listed = hash_directory(context.printer.world, folder);
    let listed = listed.map_err(|error| Failure::usage(format!("{}: {error}", folder.display())))?;
    Ok(manifest::print(&listed).into_bytes())
}

fn bytes_of(context: &Context<'_>, file: &Path) -> Result<Vec<u8>, Failure> {
    if context.world().is_directory(file) {
        return Err(Failure::usage(format!("{} is a directory", file.display()))
            .hint("name its files one by one, or take it as a build product: --format artifact"));
    }
    let unreadable = |error: std::io::Error| Failure::unknown(format!("cannot read {}: {error}", file.display()));
    if context.world().size(file).map_err(unreadable)? > MOST {
        return Err(Failure::usage(format!(
            "{} is larger than {} MiB: no reader takes so much",
            file.display(),
            MOST >> 20
        )));
    }
    context.world().read(file).map_err(unreadable)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, place) = text
        .split_once('=')
        .filter(|(name, place)| !name.is_empty() && !place.is_empty())
        .ok_or("write NAME=PLACE, like p95=/latency/p95")?;
    Ok((name.to_owned(), place.to_owned()))
}

fn show(context: &mut Context<'_>, facts: &Facts, depth: usize) {
    let indent = "  ".repeat(depth);
    for (name, fact) in facts {
        match fact {
            Fact::Group(group) => {
                context.printer.say(format!("{indent}{}", visible(name)));
                show(context, group, depth + 1);
            }
            _ => context.printer.say(format!("{indent}{}  {}", visible(name), visible(&fact.to_string()))),
        }
    }
}
