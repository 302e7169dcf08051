//! `ledger policy`: check the draft, propose it, approve it, and put it in force.

mod changes;
mod simulate;
mod succession;

use std::path::PathBuf;

use super::Answer;
use crate::cli::args::{path, text};
use crate::cli::context::{Context, POLICY_FILE};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::output::SCHEMAS;
use crate::findings::{Findings, Lines};
use crate::id::EntryNumber;
use crate::policy::{Policy, lint, parse};
use crate::store::git::StoreError;

/// Check or change the policy
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PolicyCommand {
    /// Find what does not parse (exit 2) and what can never come true (exit 1)
    #[command(before_help = "Examples:\n  ledger policy check\n  ledger policy check examples/stage9/ledger.toml")]
    Check {
        /// Policy file; default: ledger.toml at the work tree's root
        #[arg(value_parser = path())]
        file: Option<PathBuf>,
    },
    /// Propose ledger.toml, judged by the policy it replaces; where that asks for one approval, it is in force at once
    #[command(before_help = "Examples:\n  ledger policy apply -m \"Lee joins as release owner\"")]
    Apply {
        /// Why
        #[arg(short = 'm', long, value_parser = text())]
        message: String,
        /// Do not ask, and go back to an older policy where that is what ledger.toml is
        #[arg(long)]
        yes: bool,
    },
    /// Approve a proposed policy
    #[command(
        before_help = "Examples:\n  ledger policy sign\n  ledger policy sign 41                         shows what changes; type 41 to sign\n  ledger policy sign 41 --yes                   in scripts: nobody is asked, recorded as mode ci\n\nThe policy in force says how many must: [policy] approve = { role = \"…\", count = 2 }"
    )]
    Sign {
        /// Entry that proposes it; default: the only one there is
        entry: Option<u64>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Say what a draft changes, in sentences (exit 1 when it changes something)
    #[command(before_help = "Examples:\n  ledger policy diff\n  ledger policy diff drafts/stricter.toml")]
    Diff {
        /// Policy file; default: ledger.toml at the work tree's root
        #[arg(value_parser = path())]
        file: Option<PathBuf>,
    },
    /// Say how the releases under way would stand under a draft; writes nothing
    #[command(
        before_help = "Examples:\n  ledger policy simulate\n  ledger policy simulate drafts/stricter.toml --release v1.4.0"
    )]
    Simulate {
        /// Policy file; default: ledger.toml at the work tree's root
        #[arg(value_parser = path())]
        file: Option<PathBuf>,
        /// Release; default: the newest of each pipeline
        #[arg(long, value_parser = text())]
        release: Option<String>,
    },
    /// Print the policy in force
    #[command(before_help = "Examples:\n  ledger policy show > ledger.toml")]
    Show,
}

/// Larger than any policy people could read: thousands of gates.
const MOST: u64 = 512 << 10;

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match &args.command {
        PolicyCommand::Check { file } => check(file.as_ref(), context),
        PolicyCommand::Apply { message, yes } => succession::apply(message, *yes, context),
        PolicyCommand::Sign { entry, yes } => succession::sign(entry.map(EntryNumber), *yes, context),
        PolicyCommand::Diff { file } => simulate::diff(file.as_ref(), context),
        PolicyCommand::Simulate { file, release } => simulate::run(file.as_ref(), release.as_deref(), context),
        PolicyCommand::Show => show(context),
    }
}

fn show(context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (loaded, ()) = context.ask(|_| Ok(()))?;
    let policy = loaded.ledger.policies().last().ok_or_else(|| Failure::unknown("no policy is in force"))?;
    match context.printer.json {
        true => context.printer.json(&serde_json::json!({
            "schema": format!("{SCHEMAS}policy-show/v0.1"),
            "entry": policy.entry(), "sha256": policy.digest(), "text": policy.text(),
        })),
        false => context.printer.raw(policy.text().as_bytes()),
    }
    Ok(Answer::Yes)
}

fn check(file: Option<&PathBuf>, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let own = file.is_none();
    let file = match file {
        Some(file) => file.clone(),
        None => context
            .open_store()?
            .work_tree()
            .map(|root| root.join(POLICY_FILE))
            .ok_or_else(|| Failure::usage("name the policy file"))?,
    };
    let text = read(context, &file)?;
    let name = file.display().to_string();
    let (findings, answer) = match parse::parse(&text) {
        Ok(policy) => {
            if own {
                against_the_ledger(context, &policy, &text)?;
            }
            if !context.printer.json {
                changes::cautions(&policy).into_iter().for_each(|line| context.printer.talk(line));
            }
            // A file that was named may be the policy of another repository, with other paths.
            let tree = if own { source_tree(context, &policy) } else { None };
            let mut findings = lint::lint(&policy);
            findings.extend(lint::doubts(&policy, tree.as_deref()));
            let answer = if findings.is_empty() { Answer::Yes } else { Answer::No };
            (findings, answer)
        }
        Err(findings) => (findings, Answer::Code(crate::cli::failure::FailureKind::Usage.exit_code())),
    };
    if context.printer.json {
        context.printer.json(&as_json(&findings, &name, &text));
    } else if findings.is_empty() {
        let line = format!("{} {name}: nothing to find", context.printer.good());
        context.printer.say(line);
    } else {
        context.printer.say(findings.render(&name, &text).trim_end());
        context.printer.say(format!("{} finding{}", findings.len(), if findings.len() == 1 { "" } else { "s" }));
    }
    Ok(answer)
}

/// The paths at HEAD, and documents that rules name where the work tree has them; none before the first commit.
fn source_tree(context: &Context<'_>, policy: &Policy) -> Option<Vec<String>> {
    let store = context.open_store().ok()?;
    let mut paths = store.paths("HEAD").ok()?;
    let files = policy.gates().flat_map(|(_, gate)| &gate.rules).filter_map(|rule| rule.file.as_ref());
    let named = files.map(ToString::to_string);
    paths.extend(named.filter(|file| store.work_tree().is_some_and(|root| context.world().exists(&root.join(file)))));
    Some(paths)
}

/// What `apply` would refuse is found here already, where there is a ledger.
fn against_the_ledger(context: &mut Context<'_>, policy: &Policy, text: &str) -> Result<(), Failure> {
    if matches!(context.open_store()?.tip(), Err(StoreError::NoBranch { .. })) {
        return Ok(());
    }
    let (Loaded { ledger, .. }, ()) = context.ask(|_| Ok(()))?;
    succession::require_fitting(&ledger, &policy.roster)?;
    succession::require_newest(&ledger, text)?;
    if !context.printer.json {
        changes::of_given_up(&ledger, &policy.roster).into_iter().for_each(|line| context.printer.talk(line));
    }
    Ok(())
}

fn as_json(findings: &Findings, file: &str, text: &str) -> serde_json::Value {
    let lines = Lines::of(text);
    let list: Vec<serde_json::Value> = findings
        .iter()
        .map(|finding| {
            let (line, column) = lines.line_and_column(finding.span.start);
            serde_json::json!({ "file": file, "line": line, "column": column, "message": finding.message, "help": finding.help })
        })
        .collect();
    serde_json::json!({ "schema": format!("{SCHEMAS}policy-check/v0.1"), "findings": list })
}

fn parse_or_fail(name: &str, text: &str) -> Result<Policy, Failure> {
    parse::parse(text)
        .map_err(|findings| Failure::usage(format!("the policy does not parse\n{}", findings.render(name, text))))
}

fn read(context: &Context<'_>, file: &std::path::Path) -> Result<String, Failure> {
    let bytes = context
        .world()
        .read_head(file, MOST + 1)
        .map_err(|error| Failure::unknown(format!("cannot read {}: {error}", file.display())))?;
    if bytes.len() as u64 > MOST {
        return Err(Failure::usage(format!("{} is larger than {} KiB, as no policy is", file.display(), MOST >> 10))
            .hint("is it the policy? see one: ledger policy show"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{} is not UTF-8", file.display())))
}
