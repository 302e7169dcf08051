//! What is done in trouble, and which documents tell of it.

use super::Summary;
use crate::entry::kinds::TriggerClass;
use crate::id::Name;
use crate::policy::Freeze;
use crate::policy::response::{RollbackOption, Step, TriggerRule};
use crate::policy::rules::{list, span};
use crate::policy::sync::{Mirror, MirrorKind};

pub fn of_freeze(pipeline: &Name, freeze: &Freeze, all: &mut Summary) {
    let Freeze { from, to, reason, gates, span: _ } = freeze;
    let gates = if gates.is_empty() { "every gate".to_owned() } else { list(gates, ", ") };
    all.say(format!("{pipeline} freeze from {from}"), format!("{gates} until {to}: {reason}"));
}

pub fn of_trigger(pipeline: &Name, rule: &TriggerRule, all: &mut Summary) {
    let TriggerRule { id, class, metric, band, option, decide, within, text, span: _ } = rule;
    let mut when: Vec<String> = metric.iter().map(ToString::to_string).collect();
    when.extend(band.as_ref().map(ToString::to_string));
    let when = if when.is_empty() { "whoever sees it says so".to_owned() } else { when.join(" ") };
    let class = match class {
        TriggerClass::Immediate => "immediate",
        TriggerClass::Evaluate => "to be evaluated",
    };
    let mut said = format!("{when}: {class}");
    let mut add = |more: String| said.push_str(&format!(", {more}"));
    option.iter().for_each(|option| add(format!("asks for {option}")));
    if !decide.is_empty() {
        add(format!("{} decides", list(decide, " or ")));
    }
    within.iter().for_each(|within| add(format!("within {}", span(*within))));
    text.iter().for_each(|text| add(format!("{text:?}")));
    all.say(format!("{pipeline} trigger {id}"), said);
}

pub fn of_rollback(pipeline: &Name, at: usize, option: &RollbackOption, all: &mut Summary) {
    let RollbackOption { id, text, expected, steps, validation, roles, span: _ } = option;
    let step = |Step { text, optional }: &Step| format!("{text}{}", if *optional { " (optional)" } else { "" });
    let steps: Vec<String> = steps.iter().map(step).collect();
    let by = if roles.is_empty() { "anybody".to_owned() } else { list(roles, " or ") };
    let mut said = format!("{}. to try, by {by}", at + 1);
    let mut add = |more: String| said.push_str(&more);
    expected.iter().for_each(|expected| add(format!(", in {}", span(*expected))));
    text.iter().for_each(|text| add(format!(", {text:?}")));
    add(format!(": {}; shown by {}", steps.join("; "), list(validation, ", ")));
    all.say(format!("{pipeline} rollback {id}"), said);
}

pub fn of_mirror(pipeline: &Name, mirror: &Mirror, all: &mut Summary) {
    let Mirror { path, kind, span: _ } = mirror;
    let said = match kind {
        MirrorKind::Log => "a log with a line for every decision".to_owned(),
        MirrorKind::Checklist { section, items } => {
            let items: Vec<String> = items.iter().map(|(gate, words)| format!("{gate} as {words:?}")).collect();
            let section = section.as_ref().map(|section| format!(" in section {section:?}")).unwrap_or_default();
            format!("boxes{section} for {}", items.join(", "))
        }
        MirrorKind::Region { region, template, language } => {
            let template = template.as_ref().map_or_else(|| "the usual table".to_owned(), ToString::to_string);
            format!("region {region} from {template}, language {language}")
        }
        MirrorKind::Notes => "notes that link every promoted gate".to_owned(),
    };
    all.say(format!("{pipeline} mirror {path}"), said);
}
