//! A verified ledger and its decisions to a [`Report`].

use super::trouble::{self, Trouble};
use super::{
    ApprovalReport, ArtifactReport, DocumentReport, EvidenceReport, FileReport, GateReport, PromotionReport, Report,
    SourceReport,
};
use crate::chain::view::Attempt;
use crate::chain::{VerifiedEntry, View};
use crate::entry::kinds::{Evidence, Predicate, Stored};
use crate::id::{EntryNumber, Name, Timestamp, Version};
use crate::policy::template::Template;
use crate::policy::{Ask, Evaluator, Gate, Observed, Pipeline, Policy, Verdict, artifact_files};

/// Schema of the report as JSON and as a template's context.
pub const SCHEMA: &str = "https://github.com/evidence-ledger/ledger/schemas/report/v0.1";

/// The report of a release that was opened in this pipeline; `None` when it was not.
pub fn collect(
    evaluator: &Evaluator<'_>,
    policy: &Policy,
    pipeline: &Pipeline,
    release: &Version,
    language: &str,
    now: Timestamp,
) -> Option<Report> {
    let ledger = evaluator.ledger();
    let view = ledger.view();
    let newest = pipeline.gates.iter().rev().find_map(|gate| view.latest(&pipeline.id, &gate.id, release))?;
    let source = &newest.open.source;
    let teller = Teller { evaluator, policy, pipeline, release, view, language, now };
    let open = teller.open_triggers(&newest.key.gate);
    let Trouble { waivers, triggers, rollbacks } = trouble::collect(view, (pipeline, language), release, &open);
    Some(Report {
        schema: SCHEMA,
        origin: ledger.origin().to_string(),
        pipeline: pipeline.id.to_string(),
        release: release.to_string(),
        time_zone: policy.zone.name(),
        source: SourceReport { commit: source.commit.to_string(), tree: source.tree.to_string() },
        entries: view.size(),
        root: view.root().to_string(),
        documents: pipeline
            .documents
            .iter()
            .map(|(name, path)| DocumentReport { name: name.to_string(), path: path.clone() })
            .collect(),
        artifacts: artifacts(view, pipeline, newest, release),
        gates: pipeline.gates.iter().map(|gate| teller.gate(gate)).collect(),
        waivers,
        triggers,
        rollbacks,
    })
}

struct Teller<'t, 'l> {
    evaluator: &'t Evaluator<'l>,
    policy: &'t Policy,
    pipeline: &'t Pipeline,
    release: &'t Version,
    view: View<'l>,
    language: &'t str,
    now: Timestamp,
}

impl Teller<'_, '_> {
    fn gate(&self, gate: &Gate) -> GateReport {
        let attempt = self.view.latest(&self.pipeline.id, &gate.id, self.release);
        let promotion = self.evaluator.promotion(self.view, self.pipeline, gate, self.release);
        let decision = self.evaluator.decide(&self.ask(&gate.id, &Observed::new()));
        let state = match (promotion, decision.verdict()) {
            (Some(_), _) => "promoted",
            (None, Verdict::Open) => "open",
            (None, Verdict::Closed) if attempt.is_some_and(|attempt| self.is_over(attempt)) => "rolled-back",
            (None, Verdict::Closed) => "closed",
        };
        // Without a promotion the link goes to the last entry of the attempt.
        let shown = promotion.or_else(|| attempt.and_then(|attempt| self.view.attempt(attempt.key).last()));
        let link = attempt.zip(shown).map(|(attempt, entry)| self.link(attempt.open.folder.as_str(), entry));
        let entries: Vec<&VerifiedEntry> = attempt.map(|a| self.view.attempt(a.key).collect()).unwrap_or_default();
        GateReport {
            id: gate.id.to_string(),
            name: gate.name.to_string(),
            label: gate.label(self.language).to_owned(),
            state,
            attempt: attempt.map(|attempt| attempt.key.attempt),
            folder: attempt.map(|attempt| attempt.open.folder.to_string()),
            link,
            promoted: promotion.map(promotion_report),
            approvals: entries.iter().filter_map(|entry| approval_report(entry)).collect(),
            evidence: entries.iter().filter_map(|entry| Some(evidence_report(entry, entry.evidence()?))).collect(),
            unmet: match promotion {
                Some(_) => Vec::new(),
                None => decision.unmet().map(|rule| rule.id.to_string()).collect(),
            },
        }
    }

    fn ask<'a>(&'a self, gate: &'a Name, observed: &'a Observed) -> Ask<'a> {
        let (pipeline, release, size, now) = (&self.pipeline.id, self.release, self.view.size(), self.now);
        Ask { pipeline, gate, release, size, now, observed, source: None }
    }

    /// Triggers that nothing answers; a rollback may name one and be no answer.
    fn open_triggers(&self, gate: &Name) -> Vec<EntryNumber> {
        let open = self.evaluator.open_triggers(&self.ask(gate, &Observed::new()));
        open.into_iter().map(|(entry, _)| entry.number()).collect()
    }

    fn is_over(&self, attempt: Attempt<'_>) -> bool {
        self.view.attempt(attempt.key).any(|entry| matches!(entry.predicate(), Predicate::Rollback(_)))
    }

    fn link(&self, folder: &str, entry: &VerifiedEntry) -> String {
        let folder = percent_encoded(folder);
        let values = [("commit", entry.commit().as_str()), ("folder", folder.as_str())];
        match &self.policy.link {
            Some(template) => template.fill(&values),
            None => {
                let origin = self.evaluator.ledger().origin();
                let default = format!("https://{origin}/tree/{{commit}}/{{folder}}");
                Template::parse(&default, &["commit", "folder"]).map(|t| t.fill(&values)).unwrap_or_default()
            }
        }
    }
}

fn promotion_report(entry: &VerifiedEntry) -> PromotionReport {
    PromotionReport {
        entry: entry.number().0,
        id: entry.id().to_string(),
        at: entry.recorded_at().to_string(),
        by: entry.predicate().actor().name.clone(),
    }
}

fn approval_report(entry: &VerifiedEntry) -> Option<ApprovalReport> {
    let Predicate::Approval(approval) = entry.predicate() else { return None };
    // A review or an answer to a trigger is told with what it is about.
    if approval.about.is_some() {
        return None;
    }
    Some(ApprovalReport {
        decision: approval.decision.word(),
        meaning: approval.meaning.word(),
        name: approval.actor.name.clone(),
        handle: entry.roster().person(entry.person()).map_or_else(String::new, |person| person.handle().to_owned()),
        roles: approval.actor.roles.iter().map(ToString::to_string).collect(),
        at: approval.recorded_at.to_string(),
        reason: approval.reason.clone(),
        entry: entry.number().0,
        id: entry.id().to_string(),
        key: entry.key().fingerprint(),
    })
}

fn evidence_report(entry: &VerifiedEntry, evidence: &Evidence) -> EvidenceReport {
    let file = |file: &crate::entry::kinds::EvidenceFile| FileReport {
        name: file.name.to_string(),
        path: file.path.clone(),
        size: file.size,
        sha256: file.sha256.to_string(),
        external: file.stored == Stored::External,
    };
    EvidenceReport {
        slot: evidence.slot.to_string(),
        entry: entry.number().0,
        at: entry.recorded_at().to_string(),
        by: evidence.actor.name.clone(),
        files: evidence.files.iter().map(file).collect(),
    }
}

/// The declared artifacts of the newest attempt, as last recorded for this release.
fn artifacts(view: View<'_>, pipeline: &Pipeline, newest: Attempt<'_>, release: &Version) -> Vec<ArtifactReport> {
    let files = artifact_files(view, pipeline, release);
    let report = |declared: &crate::entry::kinds::DeclaredArtifact| {
        let (entry, file) = files.get(declared.path.as_str())?;
        Some(ArtifactReport {
            name: declared.name.to_string(),
            path: declared.path.clone(),
            file: declared.path.rsplit('/').next().unwrap_or_default().to_owned(),
            size: file.size,
            sha256: file.sha256.to_string(),
            entry: entry.number().0,
        })
    };
    newest.open.artifacts.iter().filter_map(report).collect()
}

/// One path segment of a URL (RFC 3986, unreserved characters stay).
fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{}", crate::id::to_hex(&[b]).to_uppercase())),
        }
    }
    out
}
