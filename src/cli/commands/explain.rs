//! `ledger explain`: why a rule of a gate stands as it does, with the policy's own words and every entry
//! that was looked at.

use super::Answer;
use crate::chain::VerifiedEntry;
use crate::cli::about;
use crate::cli::args::text;
use crate::cli::board;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::moment::{AsOf, Moment};
use crate::cli::select::Question;
use crate::findings::{line_and_column, nearest};
use crate::id::Name;
use crate::policy::decision::{RuleKind, RuleOutcome};
use crate::policy::{ApprovalRule, Ask, Evaluator, Gate, Standing};
use crate::report::escape::visible;

/// Say why a gate or one of its rules stands as it does
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger explain ga                     every rule\n  ledger explain ga beta-issues         one, with the lines of the policy it comes from\n  ledger explain ga --as-of 58          why it stood so with entry 58"
)]
pub struct Args {
    /// Gate, or PIPELINE/GATE
    #[arg(value_parser = text())]
    gate: String,
    /// One rule, as `status` names it
    #[arg(value_parser = text())]
    rule: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    #[command(flatten)]
    as_of: AsOf,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let moment = args.as_of.moment(context, &mut loaded)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = moment.policy(&evaluator)?;
    let question = Question::in_view(policy, moment.view(&loaded), &args.gate, args.release.as_deref())?;
    question.require_opened(moment.view(&loaded))?;
    let decision = moment.decide(context, &loaded, &evaluator, &question)?;
    let all = || decision.rules.iter().flat_map(|rule| [rule].into_iter().chain(&rule.parts));
    let wanted: Vec<&RuleOutcome> = match &args.rule {
        None => all().collect(),
        Some(typed) => all().filter(|rule| rule.id.as_str() == typed).collect(),
    };
    if let (Some(typed), true) = (&args.rule, wanted.is_empty()) {
        let known: Vec<&str> = all().map(|rule| rule.id.as_str()).collect();
        let failure = Failure::usage(format!("gate {} has no rule {typed:?}", question.gate.id));
        return Err(match nearest(typed, known.iter().copied()) {
            Some(near) => failure.hint(format!("did you mean {near}?")),
            None => failure.hint(format!("its rules are {}", known.join(", "))),
        });
    }
    if context.printer.json {
        context.printer.json(&board::DecisionJson::from(&decision));
        return Ok(Answer::Yes);
    }
    let heading = board::heading(&context.printer, &decision, None);
    context.printer.say(heading);
    let text = moment.view(&loaded).policy().map(|policy| policy.text().to_owned()).unwrap_or_default();
    let observed = moment.observe(context, &loaded, &question)?;
    let ask = question.ask(moment.size, moment.now, &observed);
    for rule in wanted {
        tell(context, (&loaded, &moment), &question, rule, &text);
        standings(context, &evaluator, &ask, question.gate, rule);
    }
    for warning in &decision.warnings {
        context.printer.say(format!("! {}", visible(warning)));
    }
    context.printer.say(board::tally(&decision));
    Ok(Answer::Yes)
}

fn tell(
    context: &mut Context<'_>,
    (loaded, moment): (&Loaded, &Moment),
    question: &Question<'_>,
    rule: &RuleOutcome,
    policy: &str,
) {
    let title = context.printer.bold(rule.id.as_str());
    let line = format!("\n{} {title}  {}, {}", context.printer.mark(rule.state), rule.kind.word(), rule.state.word());
    context.printer.say(line);
    if let Some(span) = span_of(question.gate, &rule.id) {
        let (line, _) = line_and_column(policy, span.start);
        let shown = table_at(policy, span.start);
        context.printer.say(format!("  policy, line {line}"));
        shown.iter().for_each(|text| context.printer.say(context.printer.dim(&format!("    {}", visible(text)))));
    }
    context.printer.say(format!("  need  {}", visible(&rule.need)));
    context.printer.say(format!("  have  {}", visible(&rule.have)));
    for entry in looked_at(loaded, moment, question, rule) {
        let mark = if rule.by.iter().any(|(number, _)| *number == entry.number()) { "*" } else { " " };
        let line =
            format!("  {mark} #{}  {}  {}", entry.number(), entry.recorded_at(), about::line(&loaded.ledger, entry));
        context.printer.say(line);
    }
    if !rule.state.is_met() && !rule.who.is_empty() {
        context.printer.say(format!("  who   {}", visible(&rule.who.join(", "))));
    }
    if let Some(due) = rule.due {
        context.printer.say(format!("  due   {due}"));
    }
    if !rule.hint.is_empty() {
        context.printer.say(format!("  → {}", visible(&rule.hint)));
    }
}

/// Who of those with the role may not approve, or only with a warning, and for what they did.
fn standings(context: &mut Context<'_>, evaluator: &Evaluator<'_>, ask: &Ask<'_>, gate: &Gate, outcome: &RuleOutcome) {
    let of_outcome = |rule: &&ApprovalRule| outcome.kind == RuleKind::Approval && rule.id == outcome.id;
    let (Some(rule), Some(policy)) = (gate.approvals.iter().find(of_outcome), evaluator.policy(ask.size)) else {
        return;
    };
    for person in policy.roster.holders(&rule.roles) {
        match evaluator.standing(ask, rule, person) {
            Some(Standing::MayNot(why)) => context.printer.say(format!("  not   {}", visible(&why))),
            Some(Standing::May { warnings }) => {
                warnings.iter().for_each(|why| context.printer.say(format!("  !     {}", visible(why))));
            }
            None => {}
        }
    }
}

/// The lines of the table that begins here, up to the next one.
fn table_at(policy: &str, start: usize) -> Vec<&str> {
    let mut lines = policy.get(start..).unwrap_or_default().lines().take(MOST_LINES);
    let first = lines.next();
    let rest = lines.take_while(|line| !line.trim_start().starts_with('[') && !line.trim().is_empty());
    first.into_iter().chain(rest).collect()
}

/// A table of a policy is seldom longer.
const MOST_LINES: usize = 16;

/// Where a rule, group, soak or approval stands in the policy.
fn span_of(gate: &Gate, id: &Name) -> Option<std::ops::Range<usize>> {
    let rules = gate.rules.iter().map(|rule| (&rule.id, &rule.span));
    let groups = gate.groups.iter().map(|group| (&group.id, &group.span));
    let soaks = gate.soaks.iter().map(|soak| (&soak.id, &soak.span));
    let approvals = gate.approvals.iter().map(|approval| (&approval.id, &approval.span));
    let mut all = rules.chain(groups).chain(soaks).chain(approvals);
    all.find(|(known, _)| *known == id).map(|(_, span)| span.clone())
}

/// The entries a rule rests on, and the evidence in its slot that does not count any more.
fn looked_at<'l>(
    loaded: &'l Loaded,
    moment: &Moment,
    question: &Question<'_>,
    rule: &RuleOutcome,
) -> Vec<&'l VerifiedEntry> {
    let slot = question.gate.rules.iter().find(|known| known.id == rule.id).map(|known| &known.slot);
    let view = moment.view(loaded);
    let all = view.all_of_release(&question.pipeline.id, &question.release).into_iter().map(|(entry, _)| entry);
    let wanted = |entry: &&VerifiedEntry| {
        let of_slot = slot.is_some_and(|slot| entry.evidence().is_some_and(|evidence| evidence.slot == *slot));
        of_slot || rule.by.iter().any(|(number, _)| *number == entry.number())
    };
    all.filter(wanted).collect()
}
