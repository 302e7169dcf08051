//! What a report says of a release that did not go straight: rules set aside, triggers, ways back.

use serde::Serialize;

use crate::chain::{VerifiedEntry, View};
use crate::entry::kinds::{Decision, Predicate, StepResult, TriggerClass};
use crate::id::{EntryNumber, Name, Version};
use crate::policy::Pipeline;

/// A rule that was set aside, and whether an emergency has been looked into since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaiverReport {
    pub gate: String,
    /// The gate's name in the reader's language.
    pub label: String,
    pub rule: String,
    pub by: String,
    pub requested_by: String,
    pub reason: String,
    pub controls: Vec<String>,
    pub at: String,
    pub until: String,
    pub break_glass: bool,
    /// Entry that reviewed it and found it in order.
    pub reviewed: Option<u64>,
    /// Everybody's word about it: one that found it not in order is not forgotten because a later one did.
    pub reviews: Vec<ReviewReport>,
    pub entry: u64,
}

/// One review of broken glass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewReport {
    /// `in-order` or `not-in-order`.
    pub finding: &'static str,
    pub by: String,
    pub reason: Option<String>,
    pub at: String,
    pub entry: u64,
}

/// A trigger that fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriggerReport {
    pub trigger: String,
    pub class: &'static str,
    pub observed: String,
    pub at: String,
    pub by: String,
    pub entry: u64,
    /// `rolled-back`, `continued` or `open`.
    pub answer: &'static str,
}

/// A way back that was gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollbackReport {
    pub gate: String,
    pub label: String,
    /// The folder of the attempt that is over with it.
    pub folder: String,
    pub option: String,
    pub reason: Option<String>,
    pub by: String,
    pub started_at: String,
    pub finished_at: String,
    /// From the first step to the last.
    pub seconds: i64,
    pub steps: Vec<StepReport>,
    /// Entries that show that it worked.
    pub validation: Vec<u64>,
    pub entry: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    pub text: String,
    pub result: StepResult,
    pub note: Option<String>,
}

/// Everything of a release's attempts that is about trouble, in the order of the ledger.
pub struct Trouble {
    pub waivers: Vec<WaiverReport>,
    pub triggers: Vec<TriggerReport>,
    pub rollbacks: Vec<RollbackReport>,
}

pub fn collect(
    view: View<'_>,
    (pipeline, language): (&Pipeline, &str),
    release: &Version,
    open: &[EntryNumber],
) -> Trouble {
    // What is void is told too: that somebody took it back makes no trouble undone.
    let all: Vec<&VerifiedEntry> =
        view.all_of_release(&pipeline.id, release).into_iter().map(|(entry, _)| entry).collect();
    let label = |gate: &Name| pipeline.gate(gate).map_or(gate.as_str(), |gate| gate.label(language)).to_owned();
    Trouble {
        waivers: all.iter().filter_map(|entry| waiver(view, entry, label, &all)).collect(),
        triggers: all.iter().filter_map(|entry| trigger(entry, &all, open)).collect(),
        rollbacks: all.iter().filter_map(|entry| rollback(view, entry, label)).collect(),
    }
}

fn waiver(
    view: View<'_>,
    entry: &VerifiedEntry,
    label: impl Fn(&Name) -> String,
    all: &[&VerifiedEntry],
) -> Option<WaiverReport> {
    let (Predicate::Waiver(waiver), Some(key)) = (entry.predicate(), entry.attempt()) else { return None };
    let broken = view.broken_glass().find(|broken| broken.entry() == entry.number());
    let reviewed = broken.and_then(|broken| {
        let good = |number| view.void(number).is_none();
        let own = broken.by();
        broken.reviews().iter().find(|review| review.approves() && review.by() != own && good(review.entry()))
    });
    Some(WaiverReport {
        gate: key.gate.to_string(),
        label: label(&key.gate),
        rule: waiver.rule.to_string(),
        by: waiver.actor.name.clone(),
        requested_by: waiver.requested_by.to_string(),
        reason: waiver.reason.clone(),
        controls: waiver.compensating_controls.clone(),
        at: waiver.recorded_at.to_string(),
        until: waiver.expires_at.to_string(),
        break_glass: waiver.break_glass,
        reviewed: reviewed.map(|review| review.entry().0),
        reviews: all.iter().filter_map(|other| review(view, entry, other)).collect(),
        entry: entry.number().0,
    })
}

fn review(view: View<'_>, waiver: &VerifiedEntry, entry: &VerifiedEntry) -> Option<ReviewReport> {
    let Predicate::Approval(approval) = entry.predicate() else { return None };
    if approval.about != Some(waiver.id()) || view.void(entry.number()).is_some() {
        return None;
    }
    Some(ReviewReport {
        finding: if approval.decision == Decision::Approved { "in-order" } else { "not-in-order" },
        by: approval.actor.name.clone(),
        reason: approval.reason.clone(),
        at: approval.recorded_at.to_string(),
        entry: entry.number().0,
    })
}

fn trigger(entry: &VerifiedEntry, all: &[&VerifiedEntry], open: &[EntryNumber]) -> Option<TriggerReport> {
    let Predicate::Trigger(trigger) = entry.predicate() else { return None };
    let answer = all.iter().find_map(|other| match other.predicate() {
        Predicate::Rollback(rollback) if rollback.trigger == Some(entry.id()) => Some("rolled-back"),
        Predicate::Approval(a) if a.about == Some(entry.id()) && a.decision == Decision::Approved => Some("continued"),
        _ => None,
    });
    Some(TriggerReport {
        trigger: trigger.trigger.to_string(),
        class: match trigger.class {
            TriggerClass::Immediate => "immediate",
            TriggerClass::Evaluate => "evaluate",
        },
        observed: trigger.observed.clone(),
        at: trigger.recorded_at.to_string(),
        by: trigger.actor.name.clone(),
        entry: entry.number().0,
        answer: answer.filter(|_| !open.contains(&entry.number())).unwrap_or("open"),
    })
}

fn rollback(view: View<'_>, entry: &VerifiedEntry, label: impl Fn(&Name) -> String) -> Option<RollbackReport> {
    let (Predicate::Rollback(rollback), Some(key)) = (entry.predicate(), entry.attempt()) else { return None };
    let started = rollback.steps.first().map_or(rollback.recorded_at, |step| step.started_at);
    let finished = rollback.steps.last().map_or(rollback.recorded_at, |step| step.finished_at);
    let step = |step: &crate::entry::kinds::RollbackStep| StepReport {
        text: step.text.clone(),
        result: step.result,
        note: step.note.clone(),
    };
    let position = |id: &crate::id::EntryId| view.ledger().position(*id).map(|number| number.0);
    Some(RollbackReport {
        gate: key.gate.to_string(),
        label: label(&key.gate),
        folder: view.ledger().opening(key).map(|open| open.folder.to_string()).unwrap_or_default(),
        option: rollback.option.to_string(),
        reason: rollback.reason.clone(),
        by: rollback.actor.name.clone(),
        started_at: started.to_string(),
        finished_at: finished.to_string(),
        seconds: finished.seconds() - started.seconds(),
        steps: rollback.steps.iter().map(step).collect(),
        validation: rollback.validation.iter().filter_map(position).collect(),
        entry: entry.number().0,
    })
}
