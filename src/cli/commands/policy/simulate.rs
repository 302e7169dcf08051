//! `ledger policy simulate`: what the releases under way would be told under a policy that is not in force.

use std::path::PathBuf;

use super::{changes, parse_or_fail, read};
use crate::cli::Answer;
use crate::cli::context::{Context, POLICY_FILE, current_policy};
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::cli::output::SCHEMAS;
use crate::cli::select::{self, Question};
use crate::findings::counted;
use crate::id::{Digest, Version};
use crate::policy::decision::Decision;
use crate::policy::{Evaluator, Policy, RuleState, Verdict, summary};
use crate::report::escape::visible;

/// One gate, as it stands and as it would.
struct Pair {
    name: String,
    release: Version,
    now: Option<Decision>,
    then: Option<Decision>,
}

pub fn run(file: Option<&PathBuf>, release: Option<&str>, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(release)?;
    let (draft, digest) = draft(file, context)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = current_policy(&evaluator)?;
    let pairs = pairs(context, &loaded, (policy, &evaluator), (&draft, digest), release)?;
    let lost = changes::of_lost(&loaded.ledger, policy, &draft);
    if context.printer.json {
        let gates: Vec<serde_json::Value> = pairs.iter().map(as_json).collect();
        let schema = format!("{SCHEMAS}policy-simulate/v0.1");
        context.printer.json(&serde_json::json!({ "schema": schema, "gates": gates, "lost": lost }));
        return Ok(Answer::Yes);
    }
    for pair in &pairs {
        tell(context, pair);
    }
    changes::tell_lost(context, &lost);
    let changed = pairs.iter().filter(|pair| !changes(pair).is_empty()).count();
    context.printer.talk(format!("{} would stand otherwise; nothing was written", counted(changed, "gate", "gates")));
    Ok(Answer::Yes)
}

/// Every gate of the draft, and those in force that it does not have.
fn pairs(
    context: &Context<'_>,
    loaded: &Loaded,
    (policy, evaluator): (&Policy, &Evaluator<'_>),
    (draft, digest): (&Policy, Digest),
    release: Option<&str>,
) -> Result<Vec<Pair>, Failure> {
    let trial = Evaluator::under(&loaded.ledger, draft.clone(), digest);
    let view = loaded.ledger.view();
    let known = select::every(policy, view, release).unwrap_or_default();
    let same = |one: &Question<'_>, other: &Question<'_>| {
        one.pipeline.id == other.pipeline.id && one.gate.id == other.gate.id && one.release == other.release
    };
    let drafted = match select::every(draft, view, release) {
        Err(failure) if known.is_empty() => return Err(failure),
        drafted => drafted.unwrap_or_default(),
    };
    let gone = known.iter().filter(|known| !drafted.iter().any(|drafted| same(known, drafted)));
    let mut pairs = Vec::new();
    for question in drafted.iter().chain(gone) {
        let now = known.iter().find(|known| same(known, question));
        let then = drafted.iter().find(|drafted| same(drafted, question));
        pairs.push(Pair {
            name: format!("{}/{}", question.pipeline.id, question.gate.id),
            release: question.release.clone(),
            now: now.map(|now| now.decide(context, loaded, evaluator)).transpose()?,
            then: then.map(|then| then.decide(context, loaded, &trial)).transpose()?,
        });
    }
    Ok(pairs)
}

/// What the draft says differently, in sentences.
pub fn diff(file: Option<&PathBuf>, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(None)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let before = current_policy(&evaluator)?.clone();
    let (draft, _) = draft(file, context)?;
    let lost = changes::of_lost(&loaded.ledger, &before, &draft);
    let lines = summary::differences(&before, &draft);
    let people = summary::of_people(&before.roster, &draft.roster);
    if context.printer.json {
        let schema = format!("{SCHEMAS}policy-diff/v0.1");
        context.printer.json(&serde_json::json!({ "schema": schema, "rules": lines, "people": people, "lost": lost }));
    } else {
        lines.iter().chain(&people).for_each(|line| context.printer.say(visible(line)));
        changes::tell_lost(context, &lost);
    }
    if lines.is_empty() && people.is_empty() {
        context.printer.talk("the two say the same");
        return Ok(Answer::Yes);
    }
    Ok(Answer::No)
}

fn draft(file: Option<&PathBuf>, context: &Context<'_>) -> Result<(Policy, Digest), Failure> {
    let name = file.map_or_else(|| POLICY_FILE.to_owned(), |file| file.display().to_string());
    let file = match file {
        Some(file) => file.clone(),
        None => {
            let root = context.open_store()?.work_tree().map(|root| root.join(POLICY_FILE));
            root.ok_or_else(|| Failure::usage("name the policy file"))?
        }
    };
    let text = read(context, &file)?;
    Ok((parse_or_fail(&name, &text)?, Digest::of(text.as_bytes())))
}

fn tell(context: &mut Context<'_>, pair: &Pair) {
    let word = |decision: &Option<Decision>| decision.as_ref().map_or("no gate", |decision| decision.verdict().word());
    let is_open = pair.then.as_ref().is_some_and(|then| then.verdict() == Verdict::Open);
    let mark = if is_open { context.printer.good() } else { context.printer.bad() };
    let name = context.printer.bold(&pair.name);
    let release = visible(pair.release.as_str());
    context.printer.say(format!("{mark} {name}  {release}  {} → {}", word(&pair.now), word(&pair.then)));
    for (rule, before, after) in changes(pair) {
        context.printer.say(format!(
            "    {rule}: {} → {}",
            before.map_or("not asked", RuleState::word),
            after.map_or("not asked", RuleState::word)
        ));
    }
}

/// Rules that would stand otherwise.
fn changes(pair: &Pair) -> Vec<(String, Option<RuleState>, Option<RuleState>)> {
    let states = |decision: &Decision| -> Vec<(String, RuleState)> {
        decision.rules.iter().map(|rule| (rule.id.to_string(), rule.state)).collect()
    };
    let before = pair.now.as_ref().map(states).unwrap_or_default();
    let after = pair.then.as_ref().map(states).unwrap_or_default();
    let find =
        |list: &[(String, RuleState)], id: &str| list.iter().find(|(known, _)| known == id).map(|(_, state)| *state);
    let mut found: Vec<_> = after.iter().map(|(id, state)| (id.clone(), find(&before, id), Some(*state))).collect();
    let gone = before.iter().filter(|(id, _)| find(&after, id).is_none());
    found.extend(gone.map(|(id, state)| (id.clone(), Some(*state), None)));
    found.retain(|(_, before, after)| before != after);
    found
}

fn as_json(pair: &Pair) -> serde_json::Value {
    let rules: Vec<serde_json::Value> = changes(pair)
        .into_iter()
        .map(|(rule, before, after)| {
            serde_json::json!({ "rule": rule, "now": before.map(RuleState::word), "then": after.map(RuleState::word) })
        })
        .collect();
    let word = |decision: &Option<Decision>| decision.as_ref().map(|decision| decision.verdict().word());
    serde_json::json!({
        "gate": pair.name, "release": pair.release, "now": word(&pair.now), "then": word(&pair.then), "rules": rules,
    })
}
