//! `ledger check`: the gate's verdict, for a person or for CI. Offline, reads only.

use super::{Answer, status, verify};
use crate::cli::args::text;
use crate::cli::board::{self, DecisionJson};
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::seen;
use crate::cli::select::Question;
use crate::policy::{Ask, Evaluator, Verdict};

/// Say whether a gate is open (exit 0) or closed (exit 1)
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger check beta\n  ledger check ga --ci                          in a pipeline: wants a pin, compares HEAD with the release's commit\n  ledger check ga --commit v1.4.0 --json\n\nIn CI fetch the evidence first: git fetch origin evidence:evidence"
)]
pub struct Args {
    /// Gate, or PIPELINE/GATE
    #[arg(value_parser = text())]
    gate: String,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// The source about to ship; must be what the attempt was opened for
    #[arg(long, value_name = "REV", value_parser = text())]
    commit: Option<String>,
    /// Refuse to trust an unpinned ledger or what this machine verified before; --commit defaults to HEAD
    #[arg(long)]
    ci: bool,
    /// Size and root somebody saw: a branch that was cut back below that, or is another, opens no gate
    #[arg(long, value_name = "SIZE:ROOT", value_parser = text())]
    against: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let theirs = args.against.as_deref().map(verify::figures).transpose()?;
    let release = args.release.as_deref();
    let loaded = if args.ci { context.load_anew(release)? } else { context.load(release)? };
    if args.ci && !loaded.ledger.is_anchored() {
        return Err(Failure::unknown("nothing pins this ledger, so a verdict would mean nothing in CI")
            .hint("commit .ledger.toml with the source")
            .hint(format!(
                "or: ledger check {} --ci --root sha256:{} (compare this digest with a colleague first)",
                args.gate,
                loaded.ledger.first()
            )));
    }
    theirs.map_or(Ok(()), |figures| seen::require(&loaded.ledger, figures))?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = current_policy(&evaluator)?;
    let question = Question::new(policy, &loaded, &args.gate, args.release.as_deref())?;
    let Question { gate, release, .. } = &question;
    let revision = args.commit.as_deref().or(args.ci.then_some("HEAD"));
    let source = revision.map(|revision| loaded.store.source(revision)).transpose();
    let source = source.map_err(|error| match args.commit {
        Some(_) => Failure::from(error),
        None => {
            Failure::unknown("this repository has no commit to compare with the release").hint("name it: --commit REV")
        }
    })?;
    let observed = question.observe(context, &loaded.store)?;
    let ask = question.ask(loaded.ledger.size(), context.world().now(), &observed);
    let decision =
        evaluator.decide(&Ask { source: source.as_ref().map(|source| (&source.commit, &source.tree)), ..ask });
    context.refuse_lying_facts(&loaded, &evaluator, &decision)?;
    let verdict = decision.verdict();
    if context.printer.json {
        context.printer.json(&DecisionJson::from(&decision));
    } else {
        let heading = board::heading(&context.printer, &decision, None);
        context.printer.say(heading);
        board::rules(&context.printer, &decision).into_iter().for_each(|line| context.printer.say(line));
        let word = context.printer.bold(verdict.word());
        let next = if verdict == Verdict::Open {
            String::new()
        } else {
            format!(" · next: {}", status::next_command(&decision, gate))
        };
        context.printer.say(format!("{} is {word} for {release}: {}{next}", gate.id, board::tally(&decision)));
    }
    Ok(if verdict == Verdict::Open { Answer::Yes } else { Answer::No })
}
