//! `ledger policy simulate`: what the releases under way would be told under a policy that is not in force.

use std::path::PathBuf;

use super::{parse_or_fail, read};
use crate::cli::Answer;
use crate::cli::context::{Context, POLICY_FILE, current_policy};
use crate::cli::failure::Failure;
use crate::cli::output::SCHEMAS;
use crate::cli::select::{self, Question};
use crate::findings::counted;
use crate::policy::decision::Decision;
use crate::policy::{Evaluator, RuleState, Verdict, summary};
use crate::report::escape::visible;

/// One gate, as it stands and as it would.
struct Pair {
    name: String,
    now: Option<Decision>,
    then: Decision,
}

pub fn run(file: Option<&PathBuf>, release: Option<&str>, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(release)?;
    let draft = draft(file, context)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let trial = Evaluator::under(&loaded.ledger, draft.clone());
    let policy = current_policy(&evaluator)?;
    let mut pairs = Vec::new();
    for question in select::every(&draft, loaded.ledger.view(), release)? {
        let name = format!("{}/{}", question.pipeline.id, question.gate.id);
        let known = policy.pipeline(&question.pipeline.id).and_then(|pipeline| {
            let gate = pipeline.gate(&question.gate.id)?;
            Some(Question { pipeline, gate, release: question.release.clone() })
        });
        let now = known.map(|known| known.decide(context, &loaded, &evaluator)).transpose()?;
        pairs.push(Pair { name, now, then: question.decide(context, &loaded, &trial)? });
    }
    if context.printer.json {
        let gates: Vec<serde_json::Value> = pairs.iter().map(as_json).collect();
        let schema = format!("{SCHEMAS}policy-simulate/v0.1");
        context.printer.json(&serde_json::json!({ "schema": schema, "gates": gates }));
        return Ok(Answer::Yes);
    }
    for pair in &pairs {
        tell(context, pair);
    }
    let changed = pairs.iter().filter(|pair| !changes(pair).is_empty()).count();
    context.printer.talk(format!("{} would stand otherwise; nothing was written", counted(changed, "gate", "gates")));
    Ok(Answer::Yes)
}

/// What the draft says differently, in sentences.
pub fn diff(file: Option<&PathBuf>, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let loaded = context.load(None)?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let before = current_policy(&evaluator)?.clone();
    let draft = draft(file, context)?;
    let lines = summary::differences(&before, &draft);
    let people = summary::of_people(&before.roster, &draft.roster);
    if context.printer.json {
        let schema = format!("{SCHEMAS}policy-diff/v0.1");
        context.printer.json(&serde_json::json!({ "schema": schema, "rules": lines, "people": people }));
    } else {
        lines.iter().chain(&people).for_each(|line| context.printer.say(visible(line)));
    }
    if lines.is_empty() && people.is_empty() {
        context.printer.talk("the two say the same");
        return Ok(Answer::Yes);
    }
    Ok(Answer::No)
}

fn draft(file: Option<&PathBuf>, context: &Context<'_>) -> Result<crate::policy::Policy, Failure> {
    let name = file.map_or_else(|| POLICY_FILE.to_owned(), |file| file.display().to_string());
    let file = match file {
        Some(file) => file.clone(),
        None => {
            let root = context.open_store()?.work_tree().map(|root| root.join(POLICY_FILE));
            root.ok_or_else(|| Failure::usage("name the policy file"))?
        }
    };
    let text = read(context, &file)?;
    parse_or_fail(&name, &text)
}

fn tell(context: &mut Context<'_>, pair: &Pair) {
    let word = |decision: &Decision| decision.verdict().word();
    let now = pair.now.as_ref().map_or("no gate", word);
    let mark = if pair.then.verdict() == Verdict::Open { context.printer.good() } else { context.printer.bad() };
    let name = context.printer.bold(&pair.name);
    let line = format!("{mark} {name}  {}  {now} → {}", visible(pair.then.release.as_str()), word(&pair.then));
    context.printer.say(line);
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
    let after = states(&pair.then);
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
    serde_json::json!({
        "gate": pair.name, "release": pair.then.release, "now": pair.now.as_ref().map(|now| now.verdict().word()),
        "then": pair.then.verdict().word(), "rules": rules,
    })
}
