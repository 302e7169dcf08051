//! `ledger policy`: check the draft, and put it in force.

use std::path::PathBuf;

use super::Answer;
use super::init::POLICY_FILE;
use crate::cli::append::append;
use crate::cli::args::{path, text};
use crate::cli::context::Context;
use crate::cli::draft::PolicyDraft;
use crate::cli::failure::Failure;
use crate::cli::output::SCHEMAS;
use crate::entry::kinds::Mode;
use crate::findings::{Findings, line_and_column};
use crate::id::Digest;
use crate::policy::{Policy, lint, parse};

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
    /// Put ledger.toml in force, judged by the policy it replaces
    #[command(before_help = "Examples:\n  ledger policy apply -m \"Lee joins as release owner\"")]
    Apply {
        /// Why
        #[arg(short = 'm', long, value_parser = text())]
        message: String,
    },
    /// Print the policy in force
    #[command(before_help = "Examples:\n  ledger policy show > ledger.toml")]
    Show,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match &args.command {
        PolicyCommand::Check { file } => check(file.as_ref(), context),
        PolicyCommand::Apply { message } => apply(message, context),
        PolicyCommand::Show => {
            let loaded = context.load(None)?;
            let text = loaded.ledger.policies().last().map(|policy| policy.text().to_owned()).unwrap_or_default();
            context.printer.raw(text.as_bytes());
            Ok(Answer::Yes)
        }
    }
}

fn check(file: Option<&PathBuf>, context: &mut Context<'_>) -> Result<Answer, Failure> {
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
            let findings = lint::lint(&policy);
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

fn as_json(findings: &Findings, file: &str, text: &str) -> serde_json::Value {
    let list: Vec<serde_json::Value> = findings
        .iter()
        .map(|finding| {
            let (line, column) = line_and_column(text, finding.span.start);
            serde_json::json!({ "file": file, "line": line, "column": column, "message": finding.message, "help": finding.help })
        })
        .collect();
    serde_json::json!({ "schema": format!("{SCHEMAS}policy-check/v0.1"), "findings": list })
}

fn apply(reason: &str, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(None)?;
    let root = loaded.store.work_tree().ok_or_else(|| Failure::usage("a bare repository has no ledger.toml"))?;
    let text = read(context, &root.join(POLICY_FILE))?;
    let policy = parse_or_fail(&text)?;
    let current = loaded.ledger.policies().last().cloned().ok_or_else(|| Failure::unknown("no policy is in force"))?;
    if Digest::of(text.as_bytes()) == current.digest() {
        context
            .printer
            .outcome(&format!("{POLICY_FILE} is in force already: entry {}", current.entry()), context.global.dry_run);
        return Ok(Answer::Yes);
    }
    if policy.roster.origin != *loaded.ledger.origin() {
        return Err(Failure::usage(format!("the origin of a ledger never changes: it is {}", loaded.ledger.origin())));
    }
    let identity = context.identity(&loaded.store, current.roster())?;
    let role = &current.roster().policy_role;
    if identity.person.bot || !identity.person.has_role(role) {
        let who: Vec<&str> =
            current.roster().holders(std::slice::from_ref(role)).map(|person| person.handle()).collect();
        return Err(Failure::no(format!("{} does not hold {role}, which approves policies", identity.person.handle()))
            .hint(format!("ask {}", who.join(" or "))));
    }
    let now = context.world().now();
    let replaced = current.digest();
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        if ledger.policies().last().map(|policy| policy.digest()) != Some(replaced) {
            return Err(
                Failure::conflict("somebody else changed the policy just now").hint("compare: ledger policy show")
            );
        }
        let draft = PolicyDraft {
            origin: ledger.origin(),
            text: &text,
            roster: &policy.roster,
            replaces: Some(replaced),
            reason,
            person: &identity.person,
            mode: Mode::Ci,
            now,
        };
        Ok(draft.compose()?)
    })?;
    match appended {
        Some(appended) => context.printer.outcome(&format!("policy in force from entry {}", appended.number), false),
        None => context.printer.outcome("the policy would be in force from the next entry on", true),
    }
    let findings = lint::lint(&policy);
    if !findings.is_empty() {
        context.printer.talk(findings.render(POLICY_FILE, &text));
    }
    Ok(Answer::Yes)
}

fn parse_or_fail(text: &str) -> Result<Policy, Failure> {
    parse::parse(text).map_err(|findings| {
        Failure::usage(format!("the policy does not parse\n{}", findings.render(POLICY_FILE, text)))
    })
}

fn read(context: &Context<'_>, file: &std::path::Path) -> Result<String, Failure> {
    let bytes = context
        .world()
        .read(file)
        .map_err(|error| Failure::unknown(format!("cannot read {}: {error}", file.display())))?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{} is not UTF-8", file.display())))
}
