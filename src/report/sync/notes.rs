//! Release notes: they link the folder of every promoted gate, and say what was rolled back.

use super::{Case, Desk, Disagreement, Mend};
use crate::policy::evaluate::shell;
use crate::report::collect;
use crate::report::complete::{self, Missing};

pub(super) fn compare(case: &Case<'_, '_>, path: &str, desk: &mut Desk<'_>) {
    let Case { evaluator, policy, pipeline, release, now } = case;
    let Some(report) = collect::collect(evaluator, policy, pipeline, release, "en", *now) else { return };
    let which = policy.which(case.view(), pipeline, release);
    let update = format!("ledger notes {}{which} --update {}", shell(release.as_str()), shell(path));
    // There is nothing to be told before a promotion, so the notes may not have been begun. Those that were
    // may tell of one that was rolled back.
    let sheet = match report.gates.iter().all(|gate| gate.promoted.is_none()) {
        true if report.rollbacks.is_empty() => None,
        true => desk.sheet_if_there(path).flatten(),
        false => desk.sheet(path, Some(&update)),
    };
    let Some(sheet) = sheet else { return };
    for missing in complete::missing(&report, &sheet.text) {
        if matches!(&missing, Missing::Link { gate, .. } if approves(case, gate, path)) {
            continue;
        }
        let ledger = match &missing {
            Missing::Link { gate, .. } => format!("{gate} is promoted for {release}"),
            Missing::Rollback { gate, entry, .. } => format!("{gate} was rolled back for {release}: entry {entry}"),
            Missing::Digest { file, .. } => format!("{file} is an artifact of {release}"),
        };
        let (file, document) = (path.to_owned(), missing.to_string());
        desk.tell(Disagreement { file, line: None, ledger, document, mend: Mend::By(update.clone()) });
    }
}

/// Whether a gate's approvers approve these very notes: they cannot link what is promoted only after that.
fn approves(case: &Case<'_, '_>, gate: &str, path: &str) -> bool {
    let gate = case.pipeline.gates.iter().find(|known| known.id.as_str() == gate);
    let mut files = gate.into_iter().flat_map(|gate| &gate.rules).filter_map(|rule| rule.file.as_ref());
    files.any(|file| file.fill(&[("version", case.release.as_str())]) == path)
}
