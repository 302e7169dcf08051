//! What the entries of an attempt say of a plan's rows, and which of it counts.

use std::collections::BTreeSet;

use super::owners::owning;
use super::{Doing, How, Ignored, PLAN, commands};
use crate::chain::VerifiedEntry;
use crate::entry::kinds::{Command, Evidence};
use crate::evidence::readers::plan::step::{FORMAT, Mark, Marked};
use crate::evidence::readers::plan::{Step, timeline};
use crate::id::{Digest, EntryNumber, Timestamp};
use crate::policy::rules::Case;
use crate::policy::{Gate, Policy, reread};

/// A plan as it was recorded once.
pub(super) struct Version<'l> {
    pub entry: &'l VerifiedEntry,
    pub path: &'l str,
    pub digest: Digest,
    pub rows: Vec<Step>,
}

impl<'l> Version<'l> {
    pub(super) fn of(policy: &Policy, entry: &'l VerifiedEntry) -> Option<Self> {
        let evidence = entry.evidence().filter(|evidence| evidence.format.as_str() == PLAN)?;
        let file = evidence.brought().next()?;
        let rows = timeline(&reread::relied_on(policy, evidence))?;
        Some(Self { entry, path: &file.path, digest: file.sha256, rows })
    }
}

/// For every row of the newest plan the first entry that does or skips it, and what does not count.
pub(super) fn collect<'l>(
    case: &Case<'_, 'l>,
    versions: &[Version<'l>],
    plan: &Version<'l>,
    gates: &[Option<&Gate>],
) -> (Vec<Option<Doing>>, Vec<Ignored>) {
    let mut reading = Reading {
        policy: case.policy,
        plan,
        versions,
        gates,
        opened: case.attempt.entry.recorded_at(),
        ran: vec![BTreeSet::new(); plan.rows.len()],
        doings: vec![None; plan.rows.len()],
        ignored: Vec::new(),
    };
    for entry in case.view.release(&case.pipeline.id, case.ask.release) {
        let Some(evidence) = entry.evidence() else { continue };
        let own = entry.attempt() == Some(case.attempt.key);
        match &evidence.command {
            _ if evidence.format.as_str() == FORMAT && own => reading.mark(entry, evidence),
            // What was run is told once, also where it is the evidence of another gate.
            Some(command) => reading.run(entry, command),
            None => {}
        }
    }
    (reading.doings, reading.ignored)
}

struct Reading<'r, 'l> {
    policy: &'r Policy,
    plan: &'r Version<'l>,
    versions: &'r [Version<'l>],
    gates: &'r [Option<&'r Gate>],
    opened: Timestamp,
    /// Commands of each row that have been run.
    ran: Vec<BTreeSet<String>>,
    doings: Vec<Option<Doing>>,
    ignored: Vec<Ignored>,
}

impl Reading<'_, '_> {
    fn mark(&mut self, entry: &VerifiedEntry, evidence: &Evidence) {
        match self.marked(entry, evidence) {
            Ok((row, marked)) => self.add(entry, row, marked.state, marked.at, marked.note, How::Marked),
            Err(why) => self.ignored.push(Ignored { entry: entry.number(), why }),
        }
    }

    /// The row of the newest plan an entry marks, or why it marks none.
    fn marked(&self, entry: &VerifiedEntry, evidence: &Evidence) -> Result<(usize, Marked), String> {
        let facts = reread::relied_on(self.policy, evidence);
        let marked = Marked::of_facts(&facts).ok_or("it does not say what became of a row")?;
        let mut spoken_of =
            self.versions.iter().filter(|v| v.digest == marked.plan && v.entry.number() < entry.number());
        let version = spoken_of.next_back().ok_or("the plan it speaks of is not on record before it")?;
        let number = marked.row;
        let index = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
        let step = version.rows.get(index).ok_or_else(|| format!("its plan has no row {number}"))?;
        if !owning(entry.roster(), &step.owner).may(entry.person()) {
            return Err(format!("row {number} is not for {}, but for {}", entry.person(), step.owner.text));
        }
        self.check_time(entry, marked.at)?;
        let row = same_row(&version.rows, index, &self.plan.rows).ok_or_else(|| {
            format!("row {number} of entry {} is not in the newest plan as it was", version.entry.number())
        })?;
        if marked.state == Mark::Done && self.gates.get(row).copied().flatten().is_some() {
            return Err(format!("row {} is done by its gate's approval alone", row + 1));
        }
        Ok((row, marked))
    }

    /// A run of a command does the rows that have it and no other left to run.
    fn run(&mut self, entry: &VerifiedEntry, command: &Command) {
        for (row, step) in self.plan.rows.iter().enumerate() {
            let wanted: Vec<&str> = commands::commands(&step.code).collect();
            let Some(run) = wanted.iter().find(|wanted| commands::is_run_of(wanted, &command.argv)) else { continue };
            if self.since(row).is_none_or(|since| entry.number() < since) {
                continue;
            }
            let verdict = match self.gates.get(row).copied().flatten() {
                Some(gate) => Err(format!("row {} is done by the approval of {} alone", row + 1, gate.id)),
                None if command.exit_code != 0 => {
                    Err(format!("the command of row {} ended with exit {}", row + 1, command.exit_code))
                }
                None if !owning(entry.roster(), &step.owner).may(entry.person()) => Err(format!(
                    "the command of row {} was run by {}, it is for {}",
                    row + 1,
                    entry.person(),
                    step.owner.text
                )),
                None => self.check_time(entry, command.finished_at),
            };
            if let Err(why) = verdict {
                self.ignored.push(Ignored { entry: entry.number(), why });
                continue;
            }
            let Some(ran) = self.ran.get_mut(row) else { continue };
            ran.insert((*run).to_owned());
            if wanted.iter().all(|wanted| ran.contains(*wanted)) {
                self.add(entry, row, Mark::Done, command.finished_at, None, How::Ran);
            }
        }
    }

    /// The entry with which a row of the newest plan first was on record.
    fn since(&self, row: usize) -> Option<EntryNumber> {
        let has = |version: &&Version<'_>| {
            (0..version.rows.len()).any(|index| same_row(&version.rows, index, &self.plan.rows) == Some(row))
        };
        self.versions.iter().find(has).map(|version| version.entry.number())
    }

    fn check_time(&self, entry: &VerifiedEntry, at: Timestamp) -> Result<(), String> {
        match at {
            _ if at > entry.recorded_at() => Err(format!("it says {at}, after it was signed")),
            _ if at < self.opened => Err(format!("it says {at}, before the attempt was opened")),
            _ => Ok(()),
        }
    }

    /// The first that stands counts: whoever was wrong revokes it, for everybody to see.
    fn add(&mut self, entry: &VerifiedEntry, row: usize, mark: Mark, at: Timestamp, note: Option<String>, how: How) {
        let Some(doing) = self.doings.get_mut(row) else { return };
        if let Some(first) = doing {
            let why = format!("row {} was {} by entry {} already", row + 1, first.mark.word(), first.entry);
            self.ignored.extend((how == How::Marked).then(|| Ignored { entry: entry.number(), why }));
            return;
        }
        let (entry, signed, person) = (entry.number(), entry.recorded_at(), entry.person().clone());
        *doing = Some(Doing { mark, at, entry, signed, person, note, how });
    }
}

/// Where a row stands in a newer plan: the one row with the same owner and text. Whatever stands twice in
/// either is not carried over, unless the plans have the same rows throughout.
fn same_row(old: &[Step], index: usize, new: &[Step]) -> Option<usize> {
    if old == new {
        return (index < new.len()).then_some(index);
    }
    let step = old.get(index)?;
    let same = |other: &&Step| other.task == step.task && other.owner.text == step.owner.text;
    if old.iter().filter(same).count() > 1 {
        return None;
    }
    let mut places = new.iter().enumerate().filter(|(_, other)| same(other)).map(|(place, _)| place);
    places.next().filter(|_| places.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::readers::plan::Owner;

    fn rows(rows: &[(&str, &str)]) -> Vec<Step> {
        let step = |(at, (owner, task)): (i64, &(&str, &str))| Step {
            line: 1,
            at: Timestamp::from_seconds(at).unwrap(),
            owner: Owner::of(owner),
            task: (*task).to_owned(),
            code: Vec::new(),
        };
        (0..).zip(rows).map(step).collect()
    }

    #[test]
    fn a_row_is_found_again_by_owner_and_text() {
        let old = rows(&[("QA (Kim)", "a"), ("QA (Kim)", "b"), ("DBA", "b"), ("QA (Kim)", "c"), ("QA (Kim)", "c")]);
        let new =
            rows(&[("QA (Kim)", "new"), ("QA (Kim)", "b"), ("QA (Kim)", "a"), ("QA (Lee)", "b"), ("QA (Kim)", "c")]);
        let places: Vec<_> = (0..6).map(|index| same_row(&old, index, &new)).collect();
        assert_eq!(places, [Some(2), Some(1), None, None, None, None]);
        // To the same rows all go over, also those that stand twice.
        assert_eq!((same_row(&old, 4, &old), same_row(&old, 5, &old)), (Some(4), None));
        // Once in the old plan and twice in the new: nobody knows which.
        assert_eq!(same_row(&new, 4, &old), None);
    }
}
