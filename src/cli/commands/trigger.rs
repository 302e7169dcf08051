//! `ledger trigger`: something happened that the policy has a word for, and what is decided about it.

use super::Answer;
use crate::cli::append::append;
use crate::cli::args::text;
use crate::cli::confirm;
use crate::cli::context::{Context, current_policy};
use crate::cli::draft::{actor, commit_subject, draft, scope};
use crate::cli::failure::Failure;
use crate::cli::output::table;
use crate::cli::select::{self, Released};
use crate::cli::target::{self, Word};
use crate::entry::kinds::{Decision, Meaning, Mode, Predicate, Trigger, TriggerClass};
use crate::evidence::quantity::Quantity;
use crate::id::Name;
use crate::policy::response::TriggerRule;
use crate::policy::{Evaluator, Pipeline};
use crate::report::escape::visible;

/// Say that a trigger fired, or decide about one
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Examples:\n  ledger trigger fire error-rate --value \"14 %\"      the band it lies in says which trigger that is\n  ledger trigger fire pii-disclosure -m \"ticket 8812 shows an address\"\n  ledger trigger decide 61 --continue -m \"vendor storm is over, backlog falls\"\n  ledger trigger list\n\nAn immediate trigger closes every gate of the release until a rollback answers it. One to be evaluated wants a decision in time."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Record that it fired
    Fire(FireArgs),
    /// Decide about one that is to be evaluated
    Decide(DecideArgs),
    /// What the policy has a word for
    List,
}

#[derive(Debug, clap::Args)]
struct FireArgs {
    /// The trigger, or the metric its band is about
    #[arg(value_parser = text())]
    trigger: String,
    /// What was measured, with its unit
    #[arg(long, allow_hyphen_values = true, value_parser = text())]
    value: Option<String>,
    /// What was seen
    #[arg(short = 'm', long, value_parser = text())]
    message: Option<String>,
    /// Gate it is about, or PIPELINE/GATE; default: the last one that is promoted
    #[arg(long, value_parser = text())]
    gate: Option<String>,
    /// Release; default: the newest of the pipeline
    #[arg(long, value_parser = text())]
    release: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["go_on", "roll_back"]))]
struct DecideArgs {
    /// The trigger's entry number, or the beginning of its id
    #[arg(value_parser = text())]
    entry: String,
    /// The release goes on
    #[arg(long = "continue")]
    go_on: bool,
    /// The release goes back: ledger rollback start OPTION --trigger ENTRY
    #[arg(long = "rollback")]
    roll_back: bool,
    /// Why
    #[arg(short = 'm', long, value_name = "REASON", value_parser = text())]
    message: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    match &args.command {
        Command::Fire(args) => fire(args, context),
        Command::Decide(args) => decide(args, context),
        Command::List => list(context),
    }
}

fn fire(args: &FireArgs, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(args.release.as_deref())?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let typed = Name::parse(&args.trigger)?;
    let has_word = |pipeline: &Pipeline| {
        pipeline.triggers.iter().any(|rule| rule.id == typed || rule.metric.as_ref() == Some(&typed))
    };
    let (gate, release) = (args.gate.as_deref(), args.release.as_deref());
    let released = select::released(policy, &evaluator, &loaded, gate, release, has_word)?;
    let rule = fired(released.pipeline, &typed, args)?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let observed = observed(args)?;
    let now = context.world().now();
    let Released { attempt, .. } = &released;
    let (key, commit) = (attempt.key.clone(), attempt.open.source.commit.clone());
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        let predicate = Predicate::Trigger(Trigger {
            ledger: scope(ledger, &key),
            actor: actor(&identity.person, Mode::Ci),
            recorded_at: now,
            trigger: rule.id.clone(),
            class: rule.class,
            observed: observed.clone(),
            decision: None,
        });
        let summary = format!("trigger: {} for {} of {}", rule.id, key.gate, key.release);
        let body = [observed.clone(), format!("Fired by {}.", identity.person.handle())];
        Ok(draft(vec![commit_subject(key.release.as_str(), &commit)], predicate, Vec::new(), &summary, &body)?)
    })?;
    let entry = appended.as_ref().map_or_else(|| "ENTRY".to_owned(), |appended| appended.number.to_string());
    let class = if rule.class == TriggerClass::Immediate { "IMMEDIATE" } else { "to be decided" };
    context.printer.outcome(&format!("{} fired: {class}  entry {entry}", rule.id), appended.is_none());
    tell_next(context, released.pipeline, rule, &entry);
    Ok(Answer::Yes)
}

/// The trigger meant: by its name, or by the band of its metric that the value lies in.
fn fired<'p>(pipeline: &'p Pipeline, typed: &Name, args: &FireArgs) -> Result<&'p TriggerRule, Failure> {
    let of_metric: Vec<&TriggerRule> =
        pipeline.triggers.iter().filter(|rule| rule.metric.as_ref() == Some(typed)).collect();
    let named = pipeline.trigger(typed);
    let candidates = if of_metric.is_empty() { named.into_iter().collect() } else { of_metric };
    if candidates.is_empty() {
        let known: Vec<&str> = pipeline.triggers.iter().map(|rule| rule.id.as_str()).collect();
        return Err(Failure::usage(format!("{} has no trigger {typed}", pipeline.id))
            .hint(format!("its triggers are {}", known.join(", "))));
    }
    let bands: Vec<&&TriggerRule> = candidates.iter().filter(|rule| rule.band.is_some()).collect();
    let Some(value) = &args.value else {
        return match (candidates.as_slice(), bands.is_empty()) {
            ([one], true) => Ok(one),
            _ => Err(Failure::usage(format!("{typed} has a band: what was measured?")).hint("--value \"14 %\"")),
        };
    };
    let measured =
        Quantity::parse(value).ok_or_else(|| Failure::usage(format!("{value:?} is no number with a unit")))?;
    let mut within = Vec::new();
    for rule in &bands {
        let Some(band) = &rule.band else { continue };
        if let Some(unit) = band.unit().filter(|_| measured.unit().is_empty()) {
            return Err(Failure::usage(format!("{measured} has no unit, and the band {band} of {} has one", rule.id))
                .hint(format!("--value \"{measured} {unit}\"")));
        }
        match band.holds(&measured) {
            Some(true) => within.push(**rule),
            Some(false) => {}
            None => {
                return Err(Failure::usage(format!(
                    "{measured} cannot be compared with the band {band} of {}",
                    rule.id
                )));
            }
        }
    }
    let shown: Vec<String> =
        bands.iter().filter_map(|rule| Some(format!("{}: {}", rule.id, rule.band.as_ref()?))).collect();
    match within.as_slice() {
        // What asks for more comes first.
        [first, ..] => Ok(within.iter().copied().find(|rule| rule.class == TriggerClass::Immediate).unwrap_or(first)),
        [] => Err(Failure::no(format!("{measured} of {typed} fires no trigger ({})", shown.join("; ")))),
    }
}

fn observed(args: &FireArgs) -> Result<String, Failure> {
    let parts: Vec<&str> = args.value.iter().chain(&args.message).map(String::as_str).collect();
    if parts.is_empty() {
        return Err(Failure::usage("what was seen?").hint("-m TEXT, or --value QUANTITY"));
    }
    Ok(parts.join(": "))
}

fn tell_next(context: &mut Context<'_>, pipeline: &Pipeline, rule: &TriggerRule, entry: &str) {
    if let Some(text) = &rule.text {
        context.printer.talk(format!("  {}", visible(text)));
    }
    if rule.class == TriggerClass::Evaluate {
        let due = rule.within.map(crate::policy::span).unwrap_or_default();
        context.printer.talk(format!(
            "a decision is due within {due}:\n  → ledger trigger decide {entry} --continue -m REASON\n  → ledger trigger decide {entry} --rollback -m REASON"
        ));
        return;
    }
    for option in &pipeline.rollbacks {
        let mark = if rule.option.as_ref() == Some(&option.id) { "→" } else { " " };
        let expected = option.expected.map(|s| format!("  about {}", crate::policy::span(s))).unwrap_or_default();
        let text = option.text.as_deref().map(|text| format!("  {}", visible(text))).unwrap_or_default();
        context.printer.talk(format!("  {mark} {}{text}{expected}", option.id));
    }
    if let Some(option) = &rule.option {
        context.printer.talk(format!("next:\n  → ledger rollback start {option} --trigger {entry}"));
    }
}

fn decide(args: &DecideArgs, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let (mut loaded, target) = target::read(context, &args.entry)?;
    let number = target.number();
    let (Predicate::Trigger(trigger), Some(key)) = (target.predicate(), target.attempt().cloned()) else {
        return Err(Failure::usage(format!("entry {number} is of kind {}, not a trigger", target.kind().word())));
    };
    let source = target::source(&mut loaded, &key, number)?;
    let ledger = loaded.ledger.clone();
    let evaluator = Evaluator::new(&ledger);
    let policy = current_policy(&evaluator)?;
    let identity = context.identity(&loaded.store, &policy.roster)?;
    let pipeline = policy.pipeline(&key.pipeline);
    let rule = pipeline.and_then(|pipeline| pipeline.trigger(&trigger.trigger));
    let roles = rule.map(|rule| rule.decide.as_slice()).unwrap_or_default();
    let person = &identity.person;
    if !person.speaks_as(roles) {
        let who: Vec<&str> = roles.iter().map(Name::as_str).collect();
        let who =
            if who.is_empty() { "only a rollback answers it".to_owned() } else { format!("{} may", who.join(" or ")) };
        return Err(Failure::no(format!("{} may not decide about {}: {who}", person.handle(), trigger.trigger)));
    }
    context.printer.talk(format!("entry {number}: {} fired, {}", trigger.trigger, visible(&trigger.observed)));
    let script = format!("ledger trigger decide {number} --continue -m REASON --yes");
    let mode = confirm::confirm(context, &number.to_string(), args.yes, &script)?;
    let decision = if args.go_on { Decision::Approved } else { Decision::Rejected };
    let (about, reason, meaning) = (&target, args.message.as_str(), Meaning::Responsibility);
    let word = Word { about, key: &key, source: &source, decision, meaning, reason, mode, verb: "decision" };
    let appended = word.append(context, &mut loaded, &identity)?;
    let end = if args.go_on { "the release goes on" } else { "the release goes back" };
    let entry = appended.map_or_else(String::new, |entry| format!("  entry {entry}"));
    context.printer.outcome(&format!("{end}{entry}"), appended.is_none());
    if args.roll_back {
        let option = pipeline.and_then(|pipeline| pipeline.way_back(rule)).map_or("OPTION", Name::as_str);
        context.printer.talk(format!("next:\n  → ledger rollback start {option} --trigger {number}"));
    }
    Ok(Answer::Yes)
}

fn list(context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(None)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = current_policy(&evaluator)?;
    let mut rows = vec![["pipeline", "trigger", "class", "band", "then", ""].map(str::to_owned).to_vec()];
    for (pipeline, rule) in policy.pipelines.iter().flat_map(|p| p.triggers.iter().map(move |rule| (p, rule))) {
        let class = if rule.class == TriggerClass::Immediate { "immediate" } else { "evaluate" };
        let roles: Vec<&str> = rule.decide.iter().map(Name::as_str).collect();
        let then = rule.option.as_ref().map_or_else(|| roles.join(" or "), ToString::to_string);
        let band = rule.band.as_ref().map_or_else(String::new, ToString::to_string);
        let text = visible(rule.text.as_deref().unwrap_or_default());
        rows.push(vec![pipeline.id.to_string(), rule.id.to_string(), class.to_owned(), band, then, text]);
    }
    if rows.len() == 1 {
        return Err(Failure::no("the policy has no [[pipeline.NAME.trigger]]"));
    }
    if context.printer.json {
        let rows: Vec<_> = rows[1..].iter().map(|row| serde_json::json!({
            "pipeline": row[0], "trigger": row[1], "class": row[2], "band": row[3], "then": row[4], "text": row[5],
        })).collect();
        let schema = format!("{}triggers/v0.1", crate::cli::output::SCHEMAS);
        context.printer.json(&serde_json::json!({ "schema": schema, "triggers": rows }));
        return Ok(Answer::Yes);
    }
    table(&rows).into_iter().for_each(|line| context.printer.say(line));
    Ok(Answer::Yes)
}
