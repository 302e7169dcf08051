//! `ledger waive`: one rule of an attempt is set aside for a while, in the open.

use super::Answer;
use crate::chain::VerifiedLedger;
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::confirm;
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::Failure;
use crate::cli::select::Question;
use crate::entry::Draft;
use crate::entry::kinds::{Mode, Predicate, Waiver};
use crate::findings::nearest;
use crate::id::{Name, PersonId, Timestamp};
use crate::policy::evaluate::shell;
use crate::policy::{Evaluator, Gate, Policy, WaiverRule, waiver_refusal};
use crate::report::escape::visible;

/// Set one rule of a gate aside until a day
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger waive beta-issues --gate ga --until 7d -m \"#118 is cosmetic\" --control \"watched daily\"\n  ledger waive freeze --gate ga --until 4h -m \"outage\" --break-glass\n\nOnly who the policy names under `waiver` (or `break_glass`) may, and only for so long. Every report lists it. A broken glass owes a review: ledger review ENTRY."
)]
pub struct Args {
    /// The rule, as `status` names it
    #[arg(value_parser = text())]
    rule: String,
    /// Gate, or PIPELINE/GATE
    #[arg(long, value_parser = text())]
    gate: String,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
    /// When it ends: 7d, 2025-10-14 or an instant with its offset
    #[arg(long, value_name = "END", value_parser = text())]
    until: String,
    /// Why
    #[arg(short = 'm', long, value_name = "REASON", value_parser = text())]
    message: String,
    /// What is done instead; may be given several times
    #[arg(long, value_name = "TEXT", value_parser = text())]
    control: Vec<String>,
    /// Who asked for it; default: who signs
    #[arg(long, value_name = "PERSON", value_parser = text())]
    requested_by: Option<String>,
    /// The emergency kind, which owes a review
    #[arg(long)]
    break_glass: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let question = Question::new(policy, &loaded, &args.gate, args.release.as_deref())?;
    let gate = question.gate;
    let rule = waivable(gate, &args.rule)?;
    let now = context.world().now();
    let expires_at = crate::policy::until(&args.until, now, policy.zone).map_err(Failure::usage)?;
    if expires_at <= now {
        return Err(Failure::usage(format!("{expires_at} has passed: a waiver ends in the future")));
    }
    let allowed = allowed(gate, args.break_glass)?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    if let Some(why) = waiver_refusal(allowed, &identity.person, &rule, expires_at.seconds() - now.seconds()) {
        return Err(Failure::no(format!("{rule} cannot be waived so: {why}")));
    }
    let requested_by = requested_by(args, policy, &identity)?;
    let Some(attempt) = ledger.view().latest(&question.pipeline.id, &gate.id, &question.release) else {
        return Err(Failure::no(format!("{} has not been opened for {}", gate.id, question.release)).hint(format!(
            "ledger open {} --release {}",
            gate.id,
            shell(question.release.as_str())
        )));
    };
    context.printer.talk(format!(
        "you set {rule} of {} aside for {} until {expires_at}, as {}: {}\n  every report will say so{}",
        gate.id,
        visible(question.release.as_str()),
        identity.person.handle(),
        visible(&args.message),
        if args.break_glass { "; the glass is broken: somebody else has to review it" } else { "" }
    ));
    let script = format!("ledger waive {rule} --gate {} --until {} -m REASON --yes", gate.id, args.until);
    let mode = confirm::confirm(context, rule.as_str(), args.yes, &script)?;
    let (key, commit) = (attempt.key.clone(), attempt.open.source.commit.clone());
    let waiving = Waiving { args, rule, expires_at, requested_by, mode, now };
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        let subject = vec![commit_subject(key.release.as_str(), &commit)];
        waiving.compose(ledger, &identity, subject, &key)
    })?;
    let end = format!("{} is set aside until {expires_at}", waiving.rule);
    match appended {
        Some(appended) => context.printer.outcome(&format!("{end}  entry {}", appended.number), false),
        None => context.printer.outcome(&end, true),
    }
    Ok(Answer::Yes)
}

fn waivable(gate: &Gate, typed: &str) -> Result<Name, Failure> {
    let rule = Name::parse(typed)?;
    if gate.has_waivable(&rule) {
        return Ok(rule);
    }
    let known: Vec<&str> = gate.rules.iter().map(|rule| rule.id.as_str()).collect();
    let failure = Failure::usage(format!("gate {} has no rule {rule} that can be waived", gate.id));
    Err(match nearest(typed, known.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure
            .hint(format!("its rules are {}", known.join(", ")))
            .hint("earlier gates, approvals and rejections are never waived"),
    })
}

fn allowed(gate: &Gate, break_glass: bool) -> Result<&WaiverRule, Failure> {
    let (rule, table) = match break_glass {
        true => (gate.break_glass.as_ref().map(|glass| &glass.waiver), "break_glass"),
        false => (gate.waiver.as_ref(), "waiver"),
    };
    rule.ok_or_else(|| {
        let failure = Failure::no(format!("the policy lets nobody set rules of {} aside this way", gate.id));
        match &gate.break_glass {
            Some(_) => failure.hint("only in an emergency, and with a review after it: --break-glass"),
            None => failure.hint(format!("a policy could, with [pipeline.NAME.gate.{table}]")),
        }
    })
}

fn requested_by(args: &Args, policy: &Policy, identity: &Identity) -> Result<PersonId, Failure> {
    let Some(typed) = &args.requested_by else { return Ok(identity.person.id.clone()) };
    let known = policy.roster.person_called(typed).map(|person| person.id.clone());
    known.ok_or_else(|| Failure::usage(format!("nobody in the roster is called {typed:?}")))
}

struct Waiving<'w> {
    args: &'w Args,
    rule: Name,
    expires_at: Timestamp,
    requested_by: PersonId,
    mode: Mode,
    now: Timestamp,
}

impl Waiving<'_> {
    fn compose(
        &self,
        ledger: &VerifiedLedger,
        identity: &Identity,
        subject: Vec<crate::entry::Subject>,
        key: &crate::entry::kinds::AttemptKey,
    ) -> Result<Draft, Failure> {
        let Self { args, rule, expires_at, requested_by, mode, now } = self;
        let predicate = Predicate::Waiver(Waiver {
            ledger: scope(ledger, key),
            actor: actor(&identity.person, *mode),
            recorded_at: *now,
            rule: rule.clone(),
            reason: args.message.clone(),
            compensating_controls: args.control.clone(),
            requested_by: requested_by.clone(),
            expires_at: *expires_at,
            break_glass: args.break_glass,
        });
        let kind = if args.break_glass { "glass broken for" } else { "sets aside" };
        let summary = format!("waiver: {} {kind} {rule} of {} for {}", identity.person.handle(), key.gate, key.release);
        let mut body = vec![args.message.clone(), format!("Until {expires_at}.")];
        body.extend(args.control.iter().map(|control| format!("Instead: {control}")));
        Ok(draft(subject, predicate, Vec::new(), &summary, &body)?)
    }
}
