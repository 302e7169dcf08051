//! How a comparison is told: to people line by line, to programs as one document.

use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::difference::difference;
use crate::cli::failure::FailureKind;
use crate::cli::output::SCHEMAS;
use crate::findings::counted;
use crate::report::escape::visible;
use crate::report::sync::{Case, Comparison, Disagreement, Mend};

pub struct Telling<'t, 'c, 'l> {
    pub case: &'t Case<'c, 'l>,
    pub comparison: &'t Comparison,
    /// What could be mended was, or would have been.
    pub written: bool,
    /// The command that writes what is missing.
    pub again: String,
}

impl Telling<'_, '_, '_> {
    pub fn tell(&self, context: &mut Context<'_>) -> Answer {
        let left = self.comparison.disagreements.iter().filter(|disagreement| !self.is_mended(disagreement)).count();
        let (verdict, answer) = match (self.comparison.unreadable.is_empty(), left) {
            (false, _) => ("unknown", Answer::Code(FailureKind::Unknown.exit_code())),
            (true, 0) => ("in-sync", Answer::Yes),
            (true, _) => ("out-of-sync", Answer::No),
        };
        if context.printer.json {
            context.printer.json(&self.json(verdict, context.global.dry_run));
            return answer;
        }
        for disagreement in &self.comparison.disagreements {
            self.show(disagreement, context);
        }
        if self.written && context.global.dry_run {
            self.show_changes(context);
        }
        for unreadable in &self.comparison.unreadable {
            let line = format!(
                "{} {} cannot be compared: {}",
                context.printer.bad(),
                visible(&unreadable.file),
                visible(&unreadable.why)
            );
            context.printer.talk(line);
            if let Some(hint) = &unreadable.hint {
                context.printer.talk(format!("  → {}", visible(hint)));
            }
        }
        self.sum_up(left, context);
        answer
    }

    fn is_mended(&self, disagreement: &Disagreement) -> bool {
        self.written && disagreement.mend == Mend::Written
    }

    fn show(&self, disagreement: &Disagreement, context: &mut Context<'_>) {
        let Disagreement { file, line, ledger, document, mend } = disagreement;
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = format!("{}{line}", visible(file));
        if self.is_mended(disagreement) {
            let line = format!("{} {place}  {}", context.printer.good(), visible(ledger));
            return context.printer.say(line);
        }
        let line = format!("{} {place}  {}", context.printer.bad(), visible(document));
        context.printer.say(line);
        context.printer.say(format!("    ledger  {}", visible(ledger)));
        if let Mend::By(what) = mend {
            context.printer.say(format!("    → {}", visible(what)));
        }
    }

    fn show_changes(&self, context: &mut Context<'_>) {
        for (path, change) in &self.comparison.changes {
            context.printer.say(visible(path));
            for line in difference(&change.before, &change.after) {
                context.printer.say(format!("  {}", visible(&line)));
            }
        }
    }

    fn sum_up(&self, left: usize, context: &mut Context<'_>) {
        let changed = self.comparison.changes.len();
        if left > 0 {
            let what = counted(left, "disagreement", "disagreements");
            let left = if self.written { " left, for people to settle" } else { "" };
            let line = format!("{} {what}{left}", context.printer.bad());
            context.printer.say(line);
            if !self.written && changed > 0 {
                context.printer.talk(format!("  → {}", visible(&self.again)));
            }
        } else if self.comparison.unreadable.is_empty() {
            let documents = counted(self.case.pipeline.sync.len(), "mirror says", "mirrors say");
            let changed = match (changed, context.global.dry_run) {
                (0, _) => String::new(),
                (count, true) => format!(" ({} would be written)", counted(count, "document", "documents")),
                (count, false) => format!(" ({} written)", counted(count, "document", "documents")),
            };
            let release = visible(self.case.release.as_str());
            let line = format!("{} {documents} what the ledger says of {release}{changed}", context.printer.good());
            context.printer.say(line);
        }
    }

    fn json(&self, verdict: &str, dry_run: bool) -> serde_json::Value {
        let disagreements = self.comparison.disagreements.iter().map(|disagreement| {
            let Disagreement { file, line, ledger, document, mend } = disagreement;
            let (state, mend) = match mend {
                Mend::Written if self.written && !dry_run => ("mended", self.again.as_str()),
                Mend::Written => ("mendable", self.again.as_str()),
                Mend::By(what) => ("by-hand", what.as_str()),
            };
            serde_json::json!({
                "file": file, "line": line, "ledger": ledger, "document": document, "state": state, "mend": mend,
            })
        });
        let unreadable = self.comparison.unreadable.iter();
        let unreadable = unreadable.map(|one| serde_json::json!({ "file": one.file, "why": one.why }));
        let written = self.comparison.changes.keys().filter(|_| self.written);
        serde_json::json!({
            "schema": format!("{SCHEMAS}docs/v0.1"),
            "verdict": verdict,
            "pipeline": self.case.pipeline.id,
            "release": self.case.release,
            "dryRun": dry_run,
            "disagreements": disagreements.collect::<Vec<_>>(),
            "unreadable": unreadable.collect::<Vec<_>>(),
            "written": written.collect::<Vec<_>>(),
        })
    }
}
