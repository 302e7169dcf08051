//! `ledger promote`: the gate is evaluated once more, and the decision is recorded.

use super::{Answer, docs};
use crate::chain::VerifiedLedger;
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::board::{self, DecisionJson};
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::Failure;
use crate::cli::select::Question;
use crate::entry::Draft;
use crate::entry::kinds::{Mode, Predicate, Promotion, PromotionDecision, RuleRecord, RuleResult};
use crate::id::Timestamp;
use crate::policy::decision::{Decision, RuleState};
use crate::policy::{Evaluator, Gate, Verdict};

/// Pass a gate, if it is open, and record the decision
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger promote alpha\n  ledger promote ga --release v1.4.0 --dry-run      the verdict and the exit code, nothing written"
)]
pub struct Args {
    /// Gate, or PIPELINE/GATE
    #[arg(value_parser = text())]
    gate: String,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let question = Question::new(policy, &loaded, &args.gate, args.release.as_deref())?;
    let Question { gate, release, .. } = &question;
    let decision = question.decide(context, &loaded, &evaluator)?;
    if let Some(entry) = decision.promoted.filter(|_| decision.verdict() == Verdict::Open) {
        if context.printer.json {
            context.printer.json(&DecisionJson::from(&decision));
        } else {
            context.printer.say(format!("{} is promoted already for {release}: entry {entry}", gate.id));
        }
        return Ok(Answer::Yes);
    }
    if decision.verdict() == Verdict::Closed {
        return Ok(refuse(context, &decision, gate));
    }
    context.refuse_lies(&loaded, &evaluator)?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let observed = question.observe(context, &loaded.store)?;
    let clock = context.world().now();
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        let evaluator = Evaluator::new(ledger);
        // Judged at the time the commit will have, so that evaluating it again gives the same answer.
        let now = Timestamp::from_seconds(ledger.seconds().max(clock.seconds()))?;
        let decision = evaluator.decide(&question.ask(ledger.size(), now, &observed));
        if decision.promoted.is_some() {
            return Err(Failure::conflict(format!("somebody else promoted {} just now", gate.id))
                .hint(format!("ledger status {}", gate.id)));
        }
        if decision.verdict() == Verdict::Closed {
            return Err(Failure::no(format!(
                "{} closed while it was being promoted: {}",
                gate.id,
                board::tally(&decision)
            ))
            .hint(format!("ledger status {}", gate.id)));
        }
        compose(ledger, &decision, &question, &identity, now)
    })?;
    if context.printer.json {
        let evaluator = Evaluator::new(&loaded.ledger);
        let after = question.decide(context, &loaded, &evaluator)?;
        context.printer.json(&DecisionJson::from(&after));
        return Ok(Answer::Yes);
    }
    if let Some(entry) = appended.as_ref().and_then(|appended| loaded.ledger.entry(appended.number)) {
        let line = format!(
            "{} {} promoted for {release}  entry {}  {}",
            context.printer.good(),
            gate.id,
            entry.number(),
            entry.path()
        );
        context.printer.say(line);
        docs::remind(context, &Evaluator::new(&loaded.ledger), question.pipeline, entry);
        let which = policy.which(loaded.ledger.view(), question.pipeline, release);
        let release = crate::policy::evaluate::shell(release.as_str());
        context.printer.talk(format!("next:\n  → ledger push\n  → ledger notes {release}{which}"));
    }
    Ok(Answer::Yes)
}

fn refuse(context: &mut Context<'_>, decision: &Decision, gate: &Gate) -> Answer {
    if context.printer.json {
        context.printer.json(&DecisionJson::from(decision));
        return Answer::No;
    }
    let heading = board::heading(&context.printer, decision, None);
    context.printer.say(heading);
    board::rules(&context.printer, decision).into_iter().for_each(|line| context.printer.say(line));
    let line = match decision.promoted {
        None => format!("{} {} cannot be promoted: {}", context.printer.bad(), gate.id, board::tally(decision)),
        Some(entry) => format!(
            "{} {} was promoted by entry {entry} and would not pass now: {}",
            context.printer.bad(),
            gate.id,
            board::tally(decision)
        ),
    };
    context.printer.talk(line);
    Answer::No
}

fn compose(
    ledger: &VerifiedLedger,
    decision: &Decision,
    question: &Question<'_>,
    identity: &Identity,
    now: Timestamp,
) -> Result<Draft, Failure> {
    let Question { pipeline, gate, release } = question;
    let attempt = ledger
        .view()
        .latest(&pipeline.id, &gate.id, release)
        .ok_or_else(|| Failure::conflict("the attempt is gone"))?;
    let rules = decision.rules.iter();
    let predicate = Predicate::Promotion(Promotion {
        ledger: scope(ledger, attempt.key),
        actor: actor(&identity.person, Mode::Ci),
        recorded_at: now,
        from: gate.requires.clone(),
        to: gate.id.clone(),
        decision: PromotionDecision::Promoted,
        rules: rules
            .map(|rule| RuleRecord {
                id: rule.id.clone(),
                result: match rule.state {
                    RuleState::Waived { .. } => RuleResult::Waived,
                    RuleState::NotApplicable => RuleResult::NotApplicable,
                    // A gate that is closed is not promoted: what is left is met.
                    RuleState::Satisfied | RuleState::Missing | RuleState::Failed => RuleResult::Satisfied,
                },
                by: rule.by.iter().map(|(_, id)| *id).collect(),
            })
            .collect(),
        policy: decision.policy,
        size: decision.size,
        root: decision.root,
        verifier: concat!("ledger ", env!("CARGO_PKG_VERSION")).to_owned(),
    });
    let summary = format!("promotion: {} passed for {release}", gate.id);
    let mut body: Vec<String> = decision
        .rules
        .iter()
        .map(|rule| {
            format!(
                "{}: {}",
                rule.id,
                rule.by.iter().map(|(number, _)| format!("entry {number}")).collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    body.push(format!("Recorded by {}.", identity.person.handle()));
    Ok(draft(
        vec![commit_subject(release.as_str(), &attempt.open.source.commit)],
        predicate,
        Vec::new(),
        &summary,
        &body,
    )?)
}
