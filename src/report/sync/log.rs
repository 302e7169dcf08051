//! The task log: one line for every decision, so that who reads only the log sees it.
//!
//! A line is a function of the ledger alone: the policy, the time zone and the name are those of its entry.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Desk, Disagreement, Edit, Mend};
use crate::chain::{VerifiedEntry, Void};
use crate::entry::kinds::{Approval, Decision, Predicate};
use crate::id::{EntryNumber, Timestamp};
use crate::policy::template::Template;
use crate::policy::{Evaluator, Policy};
use crate::report::escape::visible;

/// Where a pipeline's logs lie: in one folder, told apart by the day.
pub(super) struct Pattern {
    folder: String,
    before: String,
    /// What follows the day; nothing where there is one log for all days.
    after: Option<String>,
}

impl Pattern {
    pub fn of(case: &Case<'_, '_>, path: &Template) -> Self {
        // No version has this character.
        let path = path.fill(&[("version", case.release.as_str()), ("date", "\0")]);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let (before, after) = match name.split_once('\0') {
            Some((before, after)) => (before, Some(after.to_owned())),
            None => (name, None),
        };
        Self { folder: folder.to_owned(), before: before.to_owned(), after }
    }

    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The logs among the files of the folder.
    pub fn found(&self, names: &[String]) -> Vec<String> {
        names.iter().filter(|name| self.is_log(name)).map(|name| self.path(name)).collect()
    }

    fn fits(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        folder == self.folder && self.is_log(name)
    }

    fn is_log(&self, name: &str) -> bool {
        let Some(after) = &self.after else { return name == self.before };
        let day = name.strip_prefix(&self.before).and_then(|rest| rest.strip_suffix(after.as_str()));
        day.is_some_and(|day| !day.is_empty() && day.chars().all(|c| c.is_ascii_digit() || c == '-'))
    }

    fn on(&self, day: &str) -> String {
        let name = self.after.as_ref().map(|after| format!("{}{day}{after}", self.before));
        self.path(name.as_ref().unwrap_or(&self.before))
    }

    fn path(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }
}

/// What the log must say of an entry.
pub(super) struct Line {
    number: EntryNumber,
    text: String,
    /// The log of its day.
    pub path: String,
}

/// The lines of a release, in the order of the ledger.
pub(super) fn lines(case: &Case<'_, '_>, pattern: &Pattern) -> Vec<Line> {
    let entries = case.view().all_of_release(&case.pipeline.id, case.release).into_iter();
    let believed = entries.filter(|(_, void)| !matches!(void, Some(Void::KeyGivenUp(_))));
    let line = |(entry, _): (&VerifiedEntry, _)| {
        let text = line_of(case.evaluator, entry).ok()?;
        let day = local(policy_at(case.evaluator, entry), entry.recorded_at(), "%Y%m%d");
        Some(Line { number: entry.number(), text, path: pattern.on(&day) })
    };
    believed.filter_map(line).collect()
}

/// An entry's line; the error says why the entry has none.
pub fn line_of(evaluator: &Evaluator<'_>, entry: &VerifiedEntry) -> Result<String, String> {
    let key = entry.attempt().ok_or("is about no gate")?;
    let policy = policy_at(evaluator, entry);
    let word = match entry.predicate() {
        Predicate::Approval(approval) if approval.about.is_some() => word_about(evaluator, policy, entry, approval)?,
        Predicate::Approval(approval) => match (approval.decision, approver(policy, entry)) {
            (Decision::Approved, Some(Some(phrase))) => format!("{} {phrase}", approval.decision.word()),
            (Decision::Withdrawn, _) | (_, Some(_)) => approval.decision.word().to_owned(),
            (_, None) => return Err("is by somebody who may not approve".to_owned()),
        },
        Predicate::Promotion(_) if evaluator.is_justified(entry, evaluator.ledger().size()) => "PROMOTED".to_owned(),
        Predicate::Promotion(_) => return Err("promotes a gate that was closed".to_owned()),
        Predicate::Rollback(_) => "ROLLED-BACK".to_owned(),
        Predicate::Revoke(revoke) => match evaluator.ledger().find(revoke.voids) {
            Some(voided) if is_decision(voided.predicate()) => format!("REVOKED entry {}", voided.number()),
            _ => return Err("revokes no decision".to_owned()),
        },
        _ => return Err(format!("is no decision, its kind is {}", entry.kind().word())),
    };
    let at = local(policy, entry.recorded_at(), "%Y-%m-%dT%H:%M:%S%:z");
    let who = entry.roster().person(entry.person()).map_or(entry.person().as_str(), |person| person.handle());
    let id: String = entry.id().to_string().chars().take(SHOWN).collect();
    Ok(visible(&format!("{at} {who} {} {word} ledger:{id}", key.gate)))
}

/// A review or a decision about a trigger approves no gate: it has a word of its own, and no phrase.
fn word_about(
    evaluator: &Evaluator<'_>,
    policy: Option<&Policy>,
    entry: &VerifiedEntry,
    approval: &Approval,
) -> Result<String, String> {
    let about = approval.about.and_then(|id| evaluator.ledger().find(id)).ok_or("is about no entry")?;
    let pipeline = entry.attempt().and_then(|key| Some((policy?.pipeline(&key.pipeline)?, key)));
    let (pipeline, key) = pipeline.ok_or("is about no gate")?;
    let (word, roles) = match about.predicate() {
        Predicate::Waiver(_) => {
            let glass = pipeline.gate(&key.gate).and_then(|gate| gate.break_glass.as_ref());
            ("REVIEWED", glass.map(|glass| &glass.reviewers))
        }
        Predicate::Trigger(trigger) => {
            let rule = pipeline.triggers.iter().find(|rule| rule.id == trigger.trigger);
            ("DECIDED", rule.map(|rule| &rule.decide))
        }
        _ => return Err("is about no waiver and no trigger".to_owned()),
    };
    if !roles.is_some_and(|roles| roles.iter().any(|role| approval.actor.roles.contains(role))) {
        return Err("is by somebody who may not say so".to_owned());
    }
    let found = match (word, approval.decision) {
        ("REVIEWED", Decision::Approved) => "in-order",
        ("REVIEWED", _) => "not-in-order",
        (_, Decision::Approved) => "continue",
        _ => "roll-back",
    };
    Ok(format!("{word} entry {} {found}", about.number()))
}

/// Whether the signer held a role that approves the gate, and the phrase the log wants of it. Said by anybody
/// else, the phrase would only get into the way of who is meant.
fn approver<'p>(policy: Option<&'p Policy>, entry: &VerifiedEntry) -> Option<Option<&'p str>> {
    let key = entry.attempt()?;
    let gate = policy?.pipeline(&key.pipeline)?.gate(&key.gate)?;
    let roles = &entry.predicate().actor().roles;
    let mut own = gate.approvals.iter().filter(|rule| rule.roles.iter().any(|role| roles.contains(role))).peekable();
    own.peek()?;
    Some(own.find_map(|rule| rule.phrase.as_deref()))
}

/// The policy an entry was written under.
fn policy_at<'e>(evaluator: &'e Evaluator<'_>, entry: &VerifiedEntry) -> Option<&'e Policy> {
    evaluator.policy(entry.number().0)
}

fn local(policy: Option<&Policy>, at: Timestamp, format: &str) -> String {
    let zone = policy.map_or(chrono_tz::Tz::UTC, |policy| policy.zone);
    at.to_utc().with_timezone(&zone).format(format).to_string()
}

const fn is_decision(predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::Approval(_) | Predicate::Promotion(_) | Predicate::Rollback(_))
}

pub(super) fn compare(case: &Case<'_, '_>, pattern: &Pattern, desk: &mut Desk<'_>) {
    let paths: Vec<&String> = desk.files.keys().filter(|path| pattern.fits(path)).collect();
    let mut said = BTreeSet::new();
    let unreadable = desk.told.unreadable.len();
    for path in paths {
        let Some(sheet) = desk.sheet_if_there(path) else { continue };
        for (number, line) in (1..).zip(sheet.unwrap_or_default().text.lines()) {
            for claim in claims(line) {
                match judge(case, claim, line) {
                    Ok(entry) => said.extend(entry),
                    Err(ledger) => desk.tell(Disagreement {
                        file: path.clone(),
                        line: Some(number),
                        ledger,
                        document: line.trim().chars().take(MAX_LINE).collect(),
                        mend: Mend::By("correct the line by hand, or strike it out".to_owned()),
                    }),
                }
            }
        }
    }
    // A log that cannot be read may have the lines.
    if desk.told.unreadable.len() > unreadable {
        return;
    }
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines(case, pattern).into_iter().filter(|line| !said.contains(&line.number)) {
        missing.entry(line.path).or_default().push(line.text);
    }
    for (path, lines) in missing {
        append(&path, lines, desk);
    }
}

fn append(path: &str, lines: Vec<String>, desk: &mut Desk<'_>) {
    let Some(sheet) = desk.sheet_if_there(path) else { return };
    let document = if sheet.is_some() { "no line says so" } else { "the log is not there" };
    let sheet = sheet.unwrap_or_default();
    let newline = sheet.newline();
    let end = sheet.text.len();
    let first = if sheet.text.is_empty() || sheet.text.ends_with('\n') { "" } else { newline };
    let text = lines.iter().fold(first.to_owned(), |text, line| text + line + newline);
    desk.edit(path, Edit { range: end..end, text });
    for ledger in lines {
        let (file, document) = (path.to_owned(), document.to_owned());
        desk.tell(Disagreement { file, line: None, ledger, document, mend: Mend::Written });
    }
}

/// What a line says it stands for: `ledger:` and the digits of an entry's id.
fn claims(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split_whitespace().map(|word| word.trim_matches(WRAPPING));
    words.filter_map(|word| word.strip_prefix("ledger:")).filter(|claim| !claim.is_empty())
}

/// The entry a line stands for, where it is one of this release; the error is what the ledger says instead.
fn judge(case: &Case<'_, '_>, claim: &str, line: &str) -> Result<Option<EntryNumber>, String> {
    let digits = claim.to_ascii_lowercase();
    if digits.len() < FEWEST || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("no entry is called {claim:?}: an id has {FEWEST} hexadecimal digits or more"));
    }
    let number = match case.evaluator.ledger().beginning_with(&digits).as_slice() {
        [] => return Err(format!("no entry begins with {digits}")),
        [one] => *one,
        _ => return Err(format!("several entries begin with {digits}")),
    };
    // Those of other releases are compared when these are asked about.
    let Some(entry) = case.is_of_release(number) else { return Ok(None) };
    if let Some(void @ Void::KeyGivenUp(_)) = case.view().void(number) {
        return Err(format!("entry {number} counts no more: {void}"));
    }
    match line_of(case.evaluator, entry) {
        Ok(text) if text == line.trim() => Ok(Some(number)),
        Ok(text) => Err(text),
        Err(why) => Err(format!("entry {number} {why}")),
    }
}

/// Hexadecimal digits of an id in a line, and the fewest that are taken for one.
const SHOWN: usize = 16;
const FEWEST: usize = 8;
/// Of a line that says something else.
const MAX_LINE: usize = 200;
const WRAPPING: &[char] = &['(', ')', '[', ']', '<', '>', ',', ';', '.', '`', '"', '\''];

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(folder: &str, before: &str, after: Option<&str>) -> Pattern {
        Pattern { folder: folder.to_owned(), before: before.to_owned(), after: after.map(str::to_owned) }
    }

    #[test]
    fn logs_of_all_days_are_found_and_nothing_else() {
        let daily = pattern("logs", "task_execution_", Some(".log"));
        let names = [
            "task_execution_20251004.log",
            "task_execution_2025-10-05.log",
            "task_execution_.log",
            "task_execution_x.log",
            "task_execution_20251004.log.bak",
        ];
        let names: Vec<String> = names.map(str::to_owned).to_vec();
        assert_eq!(daily.found(&names), ["logs/task_execution_20251004.log", "logs/task_execution_2025-10-05.log"]);
        assert!(daily.fits("logs/task_execution_1.log") && !daily.fits("docs/task_execution_1.log"));
        assert_eq!(daily.on("20251004"), "logs/task_execution_20251004.log");
        let one = pattern("", "로그.txt", None);
        assert_eq!(
            (one.on("20251004").as_str(), one.fits("로그.txt"), one.fits("a/로그.txt")),
            ("로그.txt", true, false)
        );
    }

    #[test]
    fn a_claim_is_a_word_of_its_own() {
        let found = |line| claims(line).collect::<Vec<_>>();
        assert_eq!(found("x ledger:12ab (ledger:34cd), `ledger:zz`."), ["12ab", "34cd", "zz"]);
        assert_eq!(found("see ledger: 12ab, myledger:12ab and ledger"), [""; 0]);
    }
}
