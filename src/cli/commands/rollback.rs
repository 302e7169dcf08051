//! `ledger rollback`: a way back is walked step by step, also without a network, and then recorded.
//!
//! What was done is kept beside the repository after every step, so that a crash loses nothing. The gates
//! of the release are closed from the trigger on; the walk ends with one signed entry.

mod finish;
mod journal;
mod walk;

use super::Answer;
use crate::chain::VerifiedEntry;
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::context::{Context, Identity, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::select::{self, Question, Released};
use crate::entry::kinds::{AttemptKey, Mode, Predicate, Trigger, TriggerClass};
use crate::id::{EntryId, Name, ObjectId};
use crate::policy::decision::{Decision, RuleKind};
use crate::policy::response::RollbackOption;
use crate::policy::{Evaluator, Observed, Pipeline};
use crate::report::escape::visible;
use journal::Journal;

/// Go back, step by step
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger rollback start kill-switch --trigger 61      one key a step\n  ledger rollback                                     goes on where it was left\n  ledger rollback done                                the same for scripts: one step\n  ledger rollback skip -m \"no schema change\"\n  ledger run smoke -- python smoke.py && ledger rollback finish"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Begin; closes the gates of the release
    Start(StartArgs),
    /// The next step is done
    Done(NoteArgs),
    /// The next step is not needed
    Skip(ReasonArgs),
    /// The next step failed
    Fail(ReasonArgs),
    /// How far it has come
    Status,
    /// Record it, once every step is told and the evidence shows that it worked
    Finish,
}

#[derive(Debug, clap::Args)]
struct StartArgs {
    /// The way back, as the policy names it
    #[arg(value_parser = text())]
    option: String,
    /// The trigger's entry number; default: the open one
    #[arg(long, value_name = "ENTRY", value_parser = text())]
    trigger: Option<String>,
    /// Why, where no trigger fired; or why this way and not an earlier one
    #[arg(short = 'm', long, value_name = "REASON", value_parser = text())]
    message: Option<String>,
    /// Gate to reverse, or PIPELINE/GATE; default: the last one that is promoted
    #[arg(long, value_parser = text())]
    gate: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
}

#[derive(Debug, clap::Args)]
struct NoteArgs {
    /// What there is to say
    #[arg(short = 'm', long, value_parser = text())]
    message: Option<String>,
}

#[derive(Debug, clap::Args)]
struct ReasonArgs {
    /// Why
    #[arg(short = 'm', long, value_name = "REASON", value_parser = text())]
    message: String,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match &args.command {
        Some(Command::Start(args)) => start(args, context),
        None => walk::go_on(context),
        Some(Command::Done(args)) => walk::tell(context, walk::Key::Done, args.message.clone()),
        Some(Command::Skip(args)) => walk::tell(context, walk::Key::Skip, Some(args.message.clone())),
        Some(Command::Fail(args)) => walk::tell(context, walk::Key::Fail, Some(args.message.clone())),
        Some(Command::Status) => walk::status(context),
        Some(Command::Finish) => finish::run(context),
    }
}

/// While a way back is walked here, what answers a trigger is to go on with it: beginning again is refused.
pub fn heed(context: &Context<'_>, loaded: &Loaded, decision: &mut Decision) {
    let Ok(Some(journal)) = Journal::read(context, &loaded.store) else { return };
    if journal.key.pipeline != decision.pipeline || journal.key.release != decision.release {
        return;
    }
    for rule in decision.rules.iter_mut().filter(|rule| rule.kind == RuleKind::Trigger) {
        if rule.hint.starts_with("ledger rollback start ") {
            rule.hint = "ledger rollback".to_owned();
        }
    }
}

fn start(args: &StartArgs, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    if let Some(known) = Journal::read(context, &loaded.store)? {
        return Err(Failure::no(format!("a rollback is under way: {} of {}", known.option, known.key.release))
            .hint("go on with it: ledger rollback"));
    }
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let typed = Name::parse(&args.option)?;
    let has_word = |pipeline: &Pipeline| pipeline.rollbacks.iter().any(|option| option.id.folded() == typed.folded());
    let fired = open_trigger(args, context, &evaluator, &loaded, has_word)?;
    let (gate, release) = (args.gate.as_deref(), args.release.as_deref());
    let released = match fired {
        Some(fired) => select::reversible(policy, &evaluator, fired, context.world().now())?,
        None => select::released(policy, &evaluator, &loaded, gate, release, has_word)?,
    };
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let option = option(released.pipeline, &typed, &identity)?;
    let first = released.pipeline.way_back(None);
    if first != Some(&option.id) && args.message.is_none() {
        let first = first.map_or("another", Name::as_str);
        return Err(Failure::usage(format!("{first} is to be tried first: why is it not enough?")).hint("-m REASON"));
    }
    let trigger = match fired {
        Some(fired) => fired.id(),
        None => by_hand(args, context, &mut loaded, &identity, &released)?,
    };
    let journal = Journal {
        key: released.attempt.key.clone(),
        option: option.id.clone(),
        reason: args.message.clone(),
        trigger,
        reverses: released.promotion.id(),
        started_at: context.world().now(),
        size: loaded.ledger.size(),
        steps: Vec::new(),
    };
    let (gate, release) = (&released.gate.id, visible(released.release.as_str()));
    context.printer.talk(format!("{gate} of {release} is closed; the way back is {}", option.id));
    if context.global.dry_run {
        return Ok(Answer::Yes);
    }
    journal.write(context, &loaded.store)?;
    walk::walk(context, &loaded.store, (released.pipeline, option), journal)
}

/// The way back somebody named, if they may go it.
fn option<'p>(pipeline: &'p Pipeline, id: &Name, identity: &Identity) -> Result<&'p RollbackOption, Failure> {
    let known: Vec<&str> = pipeline.rollbacks.iter().map(|option| option.id.as_str()).collect();
    let Some(option) = pipeline.rollbacks.iter().find(|option| option.id.folded() == id.folded()) else {
        let failure = Failure::usage(format!("{} has no way back called {id}", pipeline.id));
        return Err(match known.is_empty() {
            true => failure.hint("the policy names none: [[pipeline.NAME.rollback]]"),
            false => failure.hint(format!("it has {}", known.join(", "))),
        });
    };
    require_role(option, identity)?;
    Ok(option)
}

fn require_role(option: &RollbackOption, identity: &Identity) -> Result<(), Failure> {
    let person = &identity.person;
    if option.roles.is_empty() || person.has_any(&option.roles) {
        return Ok(());
    }
    let roles: Vec<&str> = option.roles.iter().map(Name::as_str).collect();
    Err(Failure::no(format!("{} may not go this way: {} may", person.handle(), roles.join(" or "))))
}

/// The trigger that was named, or the newest that nobody has answered, at the gate named.
fn open_trigger<'l>(
    args: &StartArgs,
    context: &Context<'_>,
    evaluator: &Evaluator<'l>,
    loaded: &Loaded,
    has_word: impl Fn(&Pipeline) -> bool,
) -> Result<Option<&'l VerifiedEntry>, Failure> {
    let policy = current_policy(evaluator)?;
    let (size, now, observed) = (evaluator.ledger().size(), context.world().now(), Observed::new());
    let mut open: Vec<&VerifiedEntry> = Vec::new();
    for (pipeline, gate) in policy.gates().filter(|(pipeline, _)| has_word(pipeline)) {
        let Ok(release) = select::release(loaded, pipeline, args.release.as_deref()) else { continue };
        let question = Question { pipeline, gate, release };
        let found = evaluator.open_triggers(&question.ask(size, now, &observed));
        open.extend(found.into_iter().map(|(entry, _)| entry));
    }
    let at = args.gate.as_deref().map(|text| select::gate(policy, text)).transpose()?;
    let is_there = |entry: &&VerifiedEntry| {
        let key = entry.attempt();
        at.is_none_or(|(pipeline, gate)| key.is_some_and(|key| key.pipeline == pipeline.id && key.gate == gate.id))
    };
    open.retain(is_there);
    let Some(typed) = &args.trigger else { return Ok(open.into_iter().max_by_key(|entry| entry.number())) };
    let number = crate::cli::target::find(evaluator.ledger(), typed)?;
    let found = open.into_iter().find(|entry| entry.number() == number);
    let wrong = || Failure::no(format!("entry {number} is no open trigger of this release and gate"));
    found.map(Some).ok_or_else(|| wrong().hint("ledger status"))
}

/// Nobody had a trigger for it: a person says why, and the gates close with that.
fn by_hand(
    args: &StartArgs,
    context: &mut Context<'_>,
    loaded: &mut Loaded,
    identity: &Identity,
    released: &Released<'_, '_>,
) -> Result<EntryId, Failure> {
    let Some(reason) = &args.message else {
        return Err(Failure::usage("no trigger is open: why does the release go back?")
            .hint("-m REASON, or first: ledger trigger fire TRIGGER"));
    };
    let (key, commit): (AttemptKey, ObjectId) =
        (released.attempt.key.clone(), released.attempt.open.source.commit.clone());
    let now = context.world().now();
    let mut id = None;
    append(context, loaded, identity, |_, ledger| {
        let predicate = Predicate::Trigger(Trigger {
            ledger: scope(ledger, &key),
            actor: actor(&identity.person, Mode::Ci),
            recorded_at: now,
            trigger: Name::parse("manual")?,
            class: TriggerClass::Immediate,
            observed: reason.clone(),
            decision: None,
        });
        let summary = format!("trigger: manual for {} of {}", key.gate, key.release);
        let body = [reason.clone(), format!("Fired by {}.", identity.person.handle())];
        let draft = draft(vec![commit_subject(key.release.as_str(), &commit)], predicate, Vec::new(), &summary, &body)?;
        id = Some(draft.statement.id());
        Ok(draft)
    })?;
    id.ok_or_else(|| Failure::unknown("nothing was recorded"))
}
