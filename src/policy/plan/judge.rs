//! Planned against actual: the state of every row, and whether the order was kept.

use super::Doing;
use crate::evidence::readers::plan::step::Mark;
use crate::id::Timestamp;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its time has not come.
    Waiting,
    /// Its time is now.
    Due,
    /// Its time has passed.
    Missed,
    /// In time.
    Done,
    Late,
    Early,
    Skipped,
}

impl State {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Missed => "missed",
            Self::Done => "done",
            Self::Late => "late",
            Self::Early => "early",
            Self::Skipped => "skipped",
        }
    }

    /// Neither done nor skipped.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Due | Self::Missed)
    }
}

/// For every row its state, and the rows of an earlier time that were not done before it.
pub(super) fn judge(
    planned: &[Timestamp],
    doings: &[Option<Doing>],
    now: Timestamp,
    tolerance: i64,
) -> Vec<(State, Vec<u32>)> {
    let rows = planned.iter().zip(doings);
    rows.clone()
        .map(|(at, doing)| {
            let state = match doing {
                Some(Doing { mark: Mark::Skipped, .. }) => State::Skipped,
                Some(doing) => match compared(*at, doing.at, tolerance) {
                    -1 => State::Early,
                    0 => State::Done,
                    _ => State::Late,
                },
                None => match compared(*at, now, tolerance) {
                    -1 => State::Waiting,
                    0 => State::Due,
                    _ => State::Missed,
                },
            };
            // Rows of the same time may be done in any order.
            let earlier = rows.clone().zip(1..).filter(|((other, _), _)| *other < at);
            let overtaken = earlier.filter(|((_, other), _)| is_overtaken(other.as_ref(), doing.as_ref()));
            (state, overtaken.map(|(_, number)| number).collect())
        })
        .collect()
}

/// Whether a row that should come first did not, though the second was done.
fn is_overtaken(first: Option<&Doing>, second: Option<&Doing>) -> bool {
    let Some(second) = second.filter(|doing| doing.mark == Mark::Done) else { return false };
    match first {
        None => true,
        Some(first) => first.mark == Mark::Done && first.at > second.at,
    }
}

/// Where an instant lies from another: before (-1), within the tolerance, or after (1).
fn compared(planned: Timestamp, actual: Timestamp, tolerance: i64) -> i64 {
    let delta = actual.seconds().saturating_sub(planned.seconds());
    if delta.saturating_abs() <= tolerance { 0 } else { delta.signum() }
}

#[cfg(test)]
mod tests {
    use super::super::How;
    use super::*;
    use crate::id::{EntryNumber, PersonId};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_seconds(minute * 60).unwrap()
    }

    fn doing(mark: Mark, minute: i64) -> Option<Doing> {
        let person = PersonId::parse("kim@acme.example").unwrap();
        let (at, entry) = (at(minute), EntryNumber(4));
        Some(Doing { mark, at, entry, signed: at, person, note: None, how: How::Marked })
    }

    fn done(minute: i64) -> Option<Doing> {
        doing(Mark::Done, minute)
    }

    /// State and overtaken rows of each row planned for these minutes, at minute 100.
    #[track_caller]
    fn told(planned: &[i64], doings: &[Option<Doing>]) -> Vec<String> {
        let planned: Vec<Timestamp> = planned.iter().map(|minute| at(*minute)).collect();
        let judged = judge(&planned, doings, at(100), 300);
        judged.into_iter().map(|(state, before)| format!("{} {before:?}", state.word())).collect()
    }

    #[test]
    fn a_row_is_early_in_time_or_late_by_more_than_the_tolerance() {
        let doings = [done(44), done(45), done(55), done(56)];
        assert_eq!(told(&[50; 4], &doings), ["early []", "done []", "done []", "late []"]);
        let exact = judge(&[at(1), at(1)], &[done(1), done(2)], at(3), 0);
        assert_eq!((exact[0].0, exact[1].0), (State::Done, State::Late));
    }

    #[test]
    fn a_row_nobody_did_waits_is_due_or_is_missed() {
        assert_eq!(
            told(&[94, 95, 105, 106], &[None, None, None, None]),
            ["missed []", "due []", "due []", "waiting []"]
        );
    }

    #[test]
    fn a_row_done_before_one_of_an_earlier_time_is_out_of_order() {
        let doings = [done(10), done(41), done(30), done(40)];
        assert_eq!(told(&[10, 20, 30, 40], &doings), ["done []", "late []", "done [2]", "done [2]"]);
        // One that is open is overtaken; one that was skipped is not, and overtakes none.
        let doings = [None, doing(Mark::Skipped, 20), done(30), doing(Mark::Skipped, 40)];
        assert_eq!(told(&[10, 20, 30, 40], &doings), ["missed []", "skipped []", "done [1]", "skipped []"]);
    }

    #[test]
    fn rows_of_one_time_have_no_order_and_equal_moments_keep_it() {
        assert_eq!(told(&[10, 10, 12], &[done(12), done(9), done(12)]), ["done []", "done []", "done []"]);
    }
}
