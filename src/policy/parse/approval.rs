//! Whose signatures a gate needs, and who may set its rules aside.

use super::gate::one_or_many;
use super::values::{duration, names, required_duration, roles};
use crate::findings::{Findings, Table};
use crate::id::Name;
use crate::policy::{ApprovalRule, BreakGlass, Hat, Rule, Severity, WaiverRule};
use crate::sign::roster::checked;

/// `[gate.approval]`, or `[[gate.approval]]` where several roles must sign.
pub fn read_all(table: &mut Table<'_, '_>, rules: &[Rule], findings: &mut Findings) -> Vec<ApprovalRule> {
    let tables = one_or_many(table, "approval", findings);
    let several = tables.len() > 1;
    let approvals = tables.into_iter().enumerate();
    approvals.filter_map(|(at, approval)| read(approval, at, several, rules, findings)).collect()
}

fn read(
    mut table: Table<'_, '_>,
    at: usize,
    several: bool,
    rules: &[Rule],
    findings: &mut Findings,
) -> Option<ApprovalRule> {
    let span = table.span();
    let default = if several { format!("approval-{}", at + 1) } else { "approval".to_owned() };
    let id = table.text("id", findings).unwrap_or(&default).to_owned();
    let id = checked(Name::parse(&id), table.span_of("id"), findings);
    let roles = roles(&mut table, findings);
    if roles.is_empty() {
        findings.add(span.clone(), "an approval needs `role` or `roles`");
    }
    let count = table.count("count", 1, findings);
    let forbid = table.table("forbid", findings).map(|forbid| read_forbid(forbid, findings)).unwrap_or_default();
    let interactive = table.flag("interactive", findings);
    let within = duration(&mut table, "within", findings);
    let phrase = table.text("phrase", findings).map(str::to_owned);
    if phrase.is_some() && !rules.iter().any(|rule| rule.formats.contains(&"task-log")) {
        findings.add(
            table.span_of("phrase"),
            "a phrase is looked for in a log: the gate needs a rule with format = \"task-log\"",
        );
    }
    table.finish(findings);
    Some(ApprovalRule { id: id?, roles, count, forbid, interactive, phrase, within, span })
}

fn read_forbid(table: Table<'_, '_>, findings: &mut Findings) -> Vec<(Hat, Severity)> {
    let mut forbid = Vec::new();
    for (word, severity, span) in table.pairs(findings) {
        let hat = Hat::parse(word);
        let severity = match severity {
            "deny" => Some(Severity::Deny),
            "warn" => Some(Severity::Warn),
            _ => None,
        };
        if hat.is_none() {
            let words: Vec<&str> = Hat::WORDS.iter().map(|(word, _)| *word).collect();
            findings
                .add(span.clone(), format!("`{word}` cannot be forbidden: use {} or \"slot:NAME\"", words.join(", ")));
        }
        if severity.is_none() {
            findings.add(span, format!("`{word}` must be \"deny\" or \"warn\""));
        }
        forbid.extend(hat.zip(severity));
    }
    forbid
}

/// `[gate.waiver]`: without it nobody sets a rule of the gate aside.
pub fn read_waiver(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<WaiverRule> {
    let waiver = read_waiver_of(&mut table, findings);
    table.finish(findings);
    waiver
}

/// `[gate.break_glass]`, with the review it owes.
pub fn read_break_glass(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<BreakGlass> {
    let waiver = read_waiver_of(&mut table, findings);
    let mut review = table.required_table("review", findings)?;
    let reviewers = roles(&mut review, findings);
    if reviewers.is_empty() {
        findings.add(review.span(), "a review needs `role` or `roles`");
    }
    let review_within = required_duration(&mut review, "within", findings);
    review.finish(findings);
    table.finish(findings);
    Some(BreakGlass { waiver: waiver?, reviewers, review_within: review_within? })
}

fn read_waiver_of(table: &mut Table<'_, '_>, findings: &mut Findings) -> Option<WaiverRule> {
    let span = table.span();
    let roles = roles(table, findings);
    if roles.is_empty() {
        findings.add(span.clone(), "a waiver needs `role` or `roles`: who may give it");
    }
    let longest = required_duration(table, "longest", findings);
    let rules: Vec<Name> = names(table, "rules", findings);
    Some(WaiverRule { roles, longest: longest?, rules, span })
}
