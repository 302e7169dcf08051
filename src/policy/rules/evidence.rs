//! Evidence in a slot: the newest counts, and must pass every test of its rule.

use std::borrow::Cow;

use super::timing::span;
use super::{Case, EvidenceOutcome, artifacts, bringers, failed, list, outcome, plan, satisfied, window};
use crate::chain::{VerifiedEntry, Void};
use crate::entry::kinds::{Evidence, FileRole, Stored};
use crate::evidence::facts::{Expect, Fact, Facts};
use crate::evidence::readers::checklist::is_below;
use crate::evidence::readers::{ARTIFACT, CHANGED_SINCE, CHECKLIST, COMMAND, PLAN_STATUS};
use crate::id::{Digest, Timestamp};
use crate::policy::decision::{RuleKind, RuleOutcome};
use crate::policy::evaluate::shell;
use crate::policy::{ArtifactCheck, Gate, Policy, Reach, Rule, globs, reread};

pub fn evaluate<'c, 'l>(case: &Case<'c, 'l>, rule: &'c Rule) -> EvidenceOutcome<'c, 'l> {
    if rule.formats.contains(&PLAN_STATUS) {
        return plan::evaluate(case, rule);
    }
    let mut base = missing(case.policy, case.gate, rule);
    base.hint = base.hint.replace("{version}", case.ask.release.as_str());
    if let Some(window) = &rule.window {
        return window::evaluate(case, rule, window, base);
    }
    let Some((entry, evidence, void)) = newest(case, rule) else {
        return EvidenceOutcome::new(rule, base, None);
    };
    // What was there before does not come back by itself: somebody has to bring it again.
    if let Some(void) = void {
        let outcome = failed(base, format!("entry {} is void: {void}", entry.number()));
        return EvidenceOutcome { rule, outcome, entry: Some(entry), is_void: true };
    }
    let outcome = match test(case, rule, entry, evidence) {
        Ok(have) => {
            let until = rule.within.map(|within| entry.recorded_at().seconds().saturating_add(within));
            base.due = until.and_then(|until| Timestamp::from_seconds(until).ok());
            satisfied(base, entry, have)
        }
        Err(have) => failed(base, format!("entry {}: {have}", entry.number())),
    };
    EvidenceOutcome::new(rule, outcome, Some(entry))
}

/// The outcome while nothing is there.
pub fn missing(policy: &Policy, gate: &Gate, rule: &Rule) -> RuleOutcome {
    let mut outcome = outcome(rule.id.clone(), RuleKind::Evidence, need(rule));
    outcome.who = bringers(policy, &rule.by);
    outcome.hint = command(gate, rule);
    outcome
}

/// What a person types to bring it.
pub fn command(gate: &Gate, rule: &Rule) -> String {
    let (slot, gate) = (&rule.slot, &gate.id);
    match rule.formats.first() {
        Some(&COMMAND) => format!("ledger run {slot} --gate {gate} -- COMMAND"),
        Some(&PLAN_STATUS) => format!("ledger plan status --gate {gate}"),
        Some(&ARTIFACT) => format!("ledger record {slot} --gate {gate}"),
        _ if rule.file.is_some() || rule.files.is_some() => format!("ledger record {slot} --gate {gate}"),
        _ => format!("ledger record {slot} FILE --gate {gate}"),
    }
}

fn need(rule: &Rule) -> String {
    let mut need = format!("{} ({})", rule.slot, rule.formats.join(" or "));
    let mut add = |text: String| need.push_str(&format!(", {text}"));
    if let Some(file) = &rule.file {
        add(format!("from {file}"));
    }
    if let Some(files) = &rule.files {
        add(format!("{} {}", if files.all { "all of" } else { "the last of" }, files.glob));
    }
    if let Some(section) = &rule.section {
        add(format!("section {section:?}"));
    }
    rule.expect.iter().for_each(|expect| add(expect.to_string()));
    match rule.artifacts {
        Some(ArtifactCheck::Recorded) => add("every declared artifact by digest".to_owned()),
        Some(ArtifactCheck::Published | ArtifactCheck::Quoted) => {
            add("the recorded digest of every declared artifact".to_owned());
        }
        None => {}
    }
    if let Some(gate) = &rule.changed_since {
        add(format!("changed since {gate}"));
    }
    if rule.links_gates {
        add("a link to every earlier gate's folder".to_owned());
    }
    if let Some(seconds) = rule.within {
        add(format!("not older than {}", span(seconds)));
    }
    if let Some(window) = &rule.window {
        let from = if window.from == 0 { String::new() } else { format!("{} to ", span(window.from)) };
        let every = window.every.map(|every| format!(", each {}", span(every))).unwrap_or_default();
        add(format!("in the {from}{} after {}{every}", span(window.to), window.since));
    }
    if !rule.after.is_empty() {
        let names: Vec<&str> = rule.after.iter().map(|earlier| earlier.name().as_str()).collect();
        add(format!("after {}", names.join(" and ")));
    }
    for agreement in &rule.agrees {
        add(format!("{} as in {}.{}", agreement.fact, agreement.rule, agreement.other));
    }
    if !rule.when_changed.is_empty() {
        add(format!("as {} changed (or open with --since)", rule.when_changed.join(" or ")));
    }
    if let Some(other) = &rule.unless {
        add(format!("unless {other} is satisfied"));
    }
    if !rule.by.is_empty() {
        add(format!("brought by {}", list(&rule.by, " or ")));
    }
    need
}

/// The newest evidence in the slot, and why it is void where it is.
fn newest<'l>(case: &Case<'_, 'l>, rule: &Rule) -> Option<(&'l VerifiedEntry, &'l Evidence, Option<Void>)> {
    let (entry, void) = all(case, rule).pop()?;
    Some((entry, entry.evidence()?, void))
}

/// Everything in the slot in order, and why it is void where it is.
pub fn all<'l>(case: &Case<'_, 'l>, rule: &Rule) -> Vec<(&'l VerifiedEntry, Option<Void>)> {
    let mut entries: Vec<_> = match rule.reach {
        Reach::Attempt => case.view.all_of_attempt(case.attempt.key).collect(),
        Reach::Release => case.view.all_of_release(&case.pipeline.id, case.ask.release),
    };
    entries.retain(|(entry, _)| entry.evidence().is_some_and(|evidence| evidence.slot == rule.slot));
    entries
}

/// The same for one sample among several.
pub fn test_entry(
    case: &Case<'_, '_>,
    rule: &Rule,
    (entry, void): &(&VerifiedEntry, Option<Void>),
) -> Result<String, String> {
    match (entry.evidence(), void) {
        (_, Some(void)) => Err(format!("it is void: {void}")),
        (Some(evidence), None) => test(case, rule, entry, evidence),
        (None, None) => Err("it is no evidence".to_owned()),
    }
}

/// Whether a rule takes evidence of this format, from this person, and of a command that ended well.
pub fn admissible(rule: &Rule, entry: &VerifiedEntry, evidence: &Evidence) -> Result<(), String> {
    if !rule.formats.contains(&evidence.format.as_str()) {
        return Err(format!("its format is {}, the rule wants {}", evidence.format, rule.formats.join(" or ")));
    }
    let person = entry.roster().person(entry.person());
    if !rule.by.is_empty() && !person.is_some_and(|person| person.has_any(&rule.by)) {
        return Err(format!("it was brought by {}, who is not {}", entry.person(), list(&rule.by, " or ")));
    }
    // A command that failed is no good news, unless the rule itself speaks of its exit code.
    let exit = evidence.command.as_ref().map_or(0, |command| command.exit_code);
    if exit != 0 && !rule.expect.iter().any(|expect| expect.name() == "exit") {
        return Err(format!("the command ended with exit {exit}"));
    }
    Ok(())
}

/// What the evidence shows, or the first thing that keeps it from counting.
fn test(case: &Case<'_, '_>, rule: &Rule, entry: &VerifiedEntry, evidence: &Evidence) -> Result<String, String> {
    admissible(rule, entry, evidence)?;
    let age = case.ask.now.seconds().saturating_sub(entry.recorded_at().seconds());
    if rule.within.is_some_and(|limit| age > limit) {
        return Err(format!("it was recorded at {}, too long ago", entry.recorded_at()));
    }
    check_file(case, rule, evidence)?;
    check_template(case, rule, entry, evidence)?;
    let facts = reread::relied_on(case.policy, evidence);
    let why_not = |why: String| why + unknown_facts(case.policy, evidence) + &which_items(rule, evidence);
    let shown = check_facts(rule, &facts).map_err(why_not)?;
    let artifacts = artifacts::check(case, rule, entry, evidence)?;
    if let Some(gate) = &rule.changed_since {
        let changed = match facts.get(CHANGED_SINCE) {
            Some(Fact::Group(gates)) => gates.get(gate.as_str()) == Some(&Fact::Bool(true)),
            _ => false,
        };
        if !changed {
            return Err(format!("the document is the same as at {gate}'s source commit"));
        }
    }
    if rule.links_gates {
        check_links(case, &facts)?;
    }
    let changed = rule.changed_since.iter().map(|gate| format!("{CHANGED_SINCE}.{gate}"));
    case.evaluator.believe(entry.number(), rule.expect.iter().map(Expect::name).chain(changed));
    let shown_files = evidence.brought().take(3);
    let files: Vec<String> = shown_files.map(|file| format!("{} ({})", file.path, file.sha256.short())).collect();
    let claimed = !rule.expect.is_empty() && reread::is_external(evidence);
    let claimed = if claimed { "not in the ledger: ledger evidence check" } else { "" };
    let parts = [files.join(", "), shown, artifacts, claimed.to_owned()];
    Ok(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "))
}

/// The facts were taken with the template the rule names at hand.
fn check_template(case: &Case<'_, '_>, rule: &Rule, entry: &VerifiedEntry, evidence: &Evidence) -> Result<(), String> {
    let Some(template) = &rule.template else { return Ok(()) };
    let wanted = template.fill(&[("version", case.ask.release.as_str())]);
    let templates: Vec<_> = evidence.files.iter().filter(|file| file.role == Some(FileRole::Template)).collect();
    match templates.as_slice() {
        [only] if same_path(&only.path, &wanted) && only.stored == Stored::Inline => {
            case.evaluator.believe_template(entry.number(), wanted);
            Ok(())
        }
        _ => Err(format!("it was not compared with {wanted}, and with that alone")),
    }
}

/// The recorded file is the document the rule means, and the work tree (if any) still has those bytes.
fn check_file(case: &Case<'_, '_>, rule: &Rule, evidence: &Evidence) -> Result<(), String> {
    if let Some(template) = &rule.file {
        let wanted = template.fill(&[("version", case.ask.release.as_str())]);
        if !evidence.brought().any(|file| same_path(&file.path, &wanted)) {
            return Err(format!("the rule wants {wanted}, it is of {}", evidence.files[0].path));
        }
    } else if let Some(files) = &rule.files {
        let glob = files.of(case.ask.release);
        if let Some(other) = evidence.brought().find(|file| !globs::matches(&glob, &file.path)) {
            return Err(format!("the rule wants {glob}, it is of {}", other.path));
        }
        return Ok(());
    } else if evidence.format.as_str() != ARTIFACT {
        return Ok(());
    }
    match stale(case, evidence) {
        Some((path, recorded, found)) => Err(format!(
            "{path} has changed: recorded sha256:{recorded}, this work tree has sha256:{found} (a colleague's newer version: git pull; yours: record it)"
        )),
        None => Ok(()),
    }
}

/// The first recorded file whose work-tree bytes are now others.
pub fn stale<'e>(case: &Case<'_, '_>, evidence: &'e Evidence) -> Option<(&'e str, Digest, Digest)> {
    evidence.brought().find_map(|file| {
        let (_, digests) = case.ask.observed.iter().find(|(path, _)| same_path(path, &file.path))?;
        let first = digests.first().filter(|_| !digests.contains(&file.sha256))?;
        Some((file.path.as_str(), file.sha256, *first))
    })
}

/// Paths compared as people read them: Unicode form aside (macOS writes NFD).
pub fn same_path(one: &str, other: &str) -> bool {
    use unicode_normalization::UnicodeNormalization as _;
    one == other || one.nfc().eq(other.nfc())
}

/// How to see which items of a checklist are meant.
fn which_items(rule: &Rule, evidence: &Evidence) -> String {
    let Some(file) = evidence.brought().next().filter(|_| evidence.format.as_str() == CHECKLIST) else {
        return String::new();
    };
    let template = evidence.files.iter().find(|file| rule.template.is_some() && file.role == Some(FileRole::Template));
    let template = template.map(|file| format!(" --template {}", shell(&file.path))).unwrap_or_default();
    format!(" (which: ledger facts {} --items{template})", shell(&file.path))
}

/// Why a fact somebody recorded is not there.
fn unknown_facts(policy: &Policy, evidence: &Evidence) -> &'static str {
    match reread::is_external(evidence) && !policy.keeping.external_facts {
        true => " (its file is not in the ledger, so facts taken from it do not count)",
        false => "",
    }
}

fn check_facts(rule: &Rule, facts: &Facts) -> Result<String, String> {
    let facts = match &rule.section {
        None => Cow::Borrowed(facts),
        Some(section) => Cow::Owned(of_section(facts, section).ok_or_else(|| format!("no section {section:?}"))?),
    };
    if let Some(expect) = rule.expect.iter().find(|expect| !expect.holds(&facts)) {
        return Err(format!("{} is {}, expected {expect}", expect.name(), show(expect, &facts)));
    }
    let shown = rule.expect.iter().map(|expect| format!("{} = {}", expect.name(), show(expect, &facts)));
    Ok(shown.collect::<Vec<_>>().join(", "))
}

fn show(expect: &Expect, facts: &Facts) -> String {
    expect.fact(facts).map_or("absent".to_owned(), |fact| fact.to_string().chars().take(80).collect())
}

/// The boxes of a checklist under a heading, its own and those of everything below it.
fn of_section(facts: &Facts, wanted: &str) -> Option<Facts> {
    let Some(Fact::Group(all)) = facts.get("sections") else { return None };
    let below: Vec<&Fact> = all.iter().filter(|(path, _)| is_below(path, wanted)).map(|(_, fact)| fact).collect();
    let sum = |name: &str| {
        below.iter().try_fold(0_i64, |sum, section| match section {
            Fact::Group(boxes) => match boxes.get(name) {
                Some(Fact::Int(count)) => sum.checked_add(*count),
                _ => None,
            },
            _ => None,
        })
    };
    let (open, done) = (sum("open")?, sum("done")?);
    let counts = [("open", open), ("done", done), ("total", open.checked_add(done)?)];
    (!below.is_empty()).then(|| counts.map(|(name, count)| (name.to_owned(), Fact::Int(count))).into())
}

/// Every gate before this one has a link to its folder.
fn check_links(case: &Case<'_, '_>, facts: &Facts) -> Result<(), String> {
    let links = match facts.get("links") {
        Some(Fact::List(links)) => links.as_slice(),
        _ => &[],
    };
    for gate in case.pipeline.before(case.gate) {
        let Some(attempt) = case.view.latest(&case.pipeline.id, &gate.id, case.ask.release) else { continue };
        let folder = attempt.open.folder.as_str();
        if !links.iter().any(|link| links_to(link, folder)) {
            return Err(format!("it has no link to {folder}"));
        }
    }
    Ok(())
}

/// Whether a link's path has this folder as one of its parts.
pub fn links_to(link: &str, folder: &str) -> bool {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    path.split('/').any(|part| part == folder || percent_decoded(part) == folder)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(crate::id::from_hex) {
            Some(decoded) => {
                bytes.extend(decoded);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
