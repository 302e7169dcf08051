//! Plans followed: what was planned, held against what the ledger knows was done.
//!
//! The newest plan recorded in an attempt counts. A row is done by the first entry after the plan that says
//! so and stands: a mark of its owner, a run of the very command the row has, or the approvals of the gate
//! whose document the row cites. What does not count is listed with the reason, and never counts.

mod commands;
mod items;
mod judge;
mod marks;
mod owners;
mod sign_off;

pub use commands::commands;
pub use items::{Mapping, map_items};
pub use judge::State;
pub use owners::{Owning, owning};
pub(super) use sign_off::approved;
pub use sign_off::sign_off_gate;

use self::marks::Version;
use super::rules::Case;
use super::{Ask, Evaluator, Gate};
use crate::chain::{VerifiedEntry, Void};
use crate::entry::kinds::AttemptKey;
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::plan::Step;
use crate::evidence::readers::plan::step::Mark;
use crate::id::{Digest, EntryNumber, Name, PersonId, Timestamp};

/// Seconds a row may be done before or after its time and still be in time, where nobody says otherwise.
pub const TOLERANCE: i64 = 5 * 60;

/// The format of the plan itself.
const PLAN: &str = "plan";

/// A plan, and what became of each of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanStatus {
    pub attempt: AttemptKey,
    /// When the attempt was opened: nothing of it was done before.
    pub opened: Timestamp,
    /// Zone the attempt's days are counted in.
    pub zone: String,
    /// The entry that brought the plan, and its file.
    pub entry: EntryNumber,
    /// Every entry that brought one: marks of an older plan count where the row is the same.
    pub plans: Vec<EntryNumber>,
    pub path: String,
    pub digest: Digest,
    pub rows: Vec<Row>,
    /// What was said of rows and does not count.
    pub ignored: Vec<Ignored>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1.
    pub number: u32,
    pub step: Step,
    /// Commands it has; running all of them is doing it.
    pub commands: Vec<String>,
    /// The gate it signs off.
    pub gate: Option<Name>,
    pub doing: Option<Doing>,
    pub state: State,
    /// Rows of an earlier time that were not done before it.
    pub before: Vec<u32>,
}

/// How a row came to be done or skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    pub mark: Mark,
    /// When, as the entry claims.
    pub at: Timestamp,
    pub entry: EntryNumber,
    /// When the entry was signed.
    pub signed: Timestamp,
    pub person: PersonId,
    pub note: Option<String>,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Its owner said so.
    Marked,
    /// Its command was run.
    Ran,
    /// Its gate was approved.
    SignedOff,
}

impl How {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::Ran => "ran",
            Self::SignedOff => "signed-off",
        }
    }
}

/// An entry that speaks of a row and does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    pub entry: EntryNumber,
    pub why: String,
}

/// Why there is no plan to follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    #[error("no attempt at the gate is open")]
    NotOpened,
    #[error("no plan is recorded")]
    Missing,
    #[error("the plan of entry {0} is void: {1}")]
    Void(EntryNumber, Void),
    #[error(
        "the plan of entry {0} is not in the ledger, was recorded without its rows, or has too many to be followed"
    )]
    Untold(EntryNumber),
}

impl Evaluator<'_> {
    /// The plan of a gate's newest attempt. Rows done up to `tolerance` seconds from their time are in time.
    pub fn plan(&self, ask: &Ask<'_>, tolerance: i64) -> Result<PlanStatus, NoPlan> {
        let view = self.ledger().as_of(ask.size);
        let found = self.policy(view.size()).and_then(|policy| {
            let pipeline = policy.pipeline(ask.pipeline)?;
            Some((policy, pipeline, pipeline.gate(ask.gate)?))
        });
        let (policy, pipeline, gate) = found.ok_or(NoPlan::NotOpened)?;
        let attempt = view.latest(ask.pipeline, ask.gate, ask.release).ok_or(NoPlan::NotOpened)?;
        let case = Case { evaluator: self, policy, pipeline, gate, attempt, view, ask };
        follow(&case, tolerance, |gate| approved(self, ask, gate))
    }
}

/// The plan of a case's attempt; `signed` is asked for the entry by which a gate's approvals are complete.
pub(super) fn follow<'l>(
    case: &Case<'_, 'l>,
    tolerance: i64,
    signed: impl Fn(&Gate) -> Option<&'l VerifiedEntry>,
) -> Result<PlanStatus, NoPlan> {
    let brought = case.view.all_of_attempt(case.attempt.key);
    let newest = brought.filter(|(entry, _)| entry.evidence().is_some_and(|e| e.format.as_str() == PLAN)).last();
    let (entry, void) = newest.ok_or(NoPlan::Missing)?;
    // What was there before does not come back by itself.
    if let Some(void) = void {
        return Err(NoPlan::Void(entry.number(), void));
    }
    let versions: Vec<Version<'_>> =
        case.view.attempt(case.attempt.key).filter_map(|entry| Version::of(case.policy, entry)).collect();
    let plan = versions.last().filter(|version| version.entry.number() == entry.number());
    let plan = plan.ok_or(NoPlan::Untold(entry.number()))?;
    let (pipeline, own, release) = (case.pipeline, case.gate, case.ask.release);
    let gate_of = |step| sign_off_gate(pipeline, own, release, step);
    let gates: Vec<Option<&Gate>> = plan.rows.iter().map(gate_of).collect();
    let (mut doings, ignored) = marks::collect(case, &versions, plan, &gates);
    let told = doings.iter().flatten().map(|doing| doing.entry);
    versions
        .iter()
        .map(|version| version.entry.number())
        .chain(told)
        .for_each(|entry| case.evaluator.believe(entry, None));
    for (doing, gate) in doings.iter_mut().zip(&gates) {
        if let Some(entry) = gate.filter(|_| doing.is_none()).and_then(&signed) {
            *doing = Some(Doing {
                mark: Mark::Done,
                at: entry.recorded_at(),
                entry: entry.number(),
                signed: entry.recorded_at(),
                person: entry.person().clone(),
                note: None,
                how: How::SignedOff,
            });
        }
    }
    let planned: Vec<Timestamp> = plan.rows.iter().map(|step| step.at).collect();
    let judged = judge::judge(&planned, &doings, case.ask.now, tolerance);
    let rows = plan.rows.iter().zip(gates).zip(doings).zip(judged).zip(1..);
    let rows = rows.map(|((((step, gate), doing), (state, before)), number)| Row {
        number,
        step: step.clone(),
        commands: commands(&step.code).map(str::to_owned).collect(),
        gate: gate.map(|gate| gate.id.clone()),
        doing,
        state,
        before,
    });
    Ok(PlanStatus {
        attempt: case.attempt.key.clone(),
        opened: case.attempt.entry.recorded_at(),
        zone: case.attempt.open.time_zone.clone(),
        entry: entry.number(),
        plans: versions.iter().map(|version| version.entry.number()).collect(),
        path: plan.path.to_owned(),
        digest: plan.digest,
        rows: rows.collect(),
        ignored,
    })
}

impl PlanStatus {
    /// Every row is done or skipped, and none before one of an earlier time.
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| !row.state.is_open() && row.before.is_empty())
    }

    /// The entries it rests on.
    pub fn entries(&self) -> impl Iterator<Item = EntryNumber> {
        let doings = self.rows.iter().filter_map(|row| Some(row.doing.as_ref()?.entry));
        self.plans.iter().copied().chain(doings)
    }

    pub fn row(&self, number: u32) -> Option<&Row> {
        self.rows.iter().find(|row| row.number == number)
    }

    /// Rows in any of these states.
    pub fn count(&self, states: &[State]) -> usize {
        self.rows.iter().filter(|row| states.contains(&row.state)).count()
    }

    pub fn out_of_order(&self) -> usize {
        self.rows.iter().filter(|row| !row.before.is_empty()).count()
    }

    /// What a rule may expect. The row that signs off the asking gate itself is not waited for: who signs
    /// wants to see the others done.
    pub(super) fn facts(&self, asking: &Name) -> Facts {
        let own = |row: &&Row| row.gate.as_ref() == Some(asking) && row.state.is_open();
        let waited_for =
            |states: &[State]| self.rows.iter().filter(|row| states.contains(&row.state) && !own(row)).count();
        let done = [State::Done, State::Late, State::Early];
        let counts = [
            ("rows", self.rows.len()),
            ("done", self.count(&done)),
            ("open", waited_for(&[State::Waiting, State::Due, State::Missed])),
            ("skipped", self.count(&[State::Skipped])),
            ("late", self.count(&[State::Late])),
            ("early", self.count(&[State::Early])),
            ("missed", waited_for(&[State::Missed])),
            ("out_of_order", self.rows.iter().filter(|row| row.overtook_others(self, asking)).count()),
            ("ignored", self.ignored.len()),
        ];
        counts.into_iter().map(|(name, count)| (name.to_owned(), Fact::from(count))).collect()
    }
}

impl Row {
    /// Whether it overtook rows other than the asking gate's own, which is signed last.
    fn overtook_others(&self, status: &PlanStatus, asking: &Name) -> bool {
        let is_own = |row: &Row| row.gate.as_ref() == Some(asking) && row.state.is_open();
        self.before.iter().any(|number| !status.row(*number).is_some_and(is_own))
    }
}
