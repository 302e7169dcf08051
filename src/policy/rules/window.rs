//! Evidence that counts only in a time after a gate's promotion, once or again and again.

use super::{Case, EvidenceOutcome, evidence, failed};
use crate::chain::VerifiedEntry;
use crate::id::Timestamp;
use crate::policy::decision::{RuleOutcome, RuleState};
use crate::policy::{Rule, Window};

/// One stretch of a window, in seconds since 1970: after `from`, up to `to`.
struct Stretch {
    from: i64,
    to: i64,
}

impl Stretch {
    const fn holds(&self, at: i64) -> bool {
        self.from < at && at <= self.to
    }
}

pub fn evaluate<'c, 'l>(
    case: &Case<'c, 'l>,
    rule: &'c Rule,
    window: &Window,
    base: RuleOutcome,
) -> EvidenceOutcome<'c, 'l> {
    let gate = case.pipeline.gate(&window.since);
    let promotion = gate.and_then(|gate| case.evaluator.promotion(case.view, case.pipeline, gate, case.ask.release));
    let Some(promotion) = promotion else {
        let outcome = RuleOutcome { have: format!("{} is not promoted", window.since), ..base };
        return EvidenceOutcome::new(rule, outcome, None);
    };
    let begun = promotion.seconds();
    let (now, whole) = (case.ask.now.seconds(), Stretch { from: begun + window.from, to: begun + window.to });
    // The commit's time counts: it never lies before that of the entry before. A sample that is void brings no
    // older one back.
    let (inside, outside): (Vec<_>, Vec<_>) =
        evidence::all(case, rule).into_iter().partition(|(entry, _)| whole.holds(entry.seconds()));
    let late = outside.iter().filter(|(entry, _)| entry.seconds() > whole.to).count();
    let stretches = stretches(window, &whole);
    let mut good = Vec::new();
    let mut open = Vec::new();
    let mut wrong = None;
    for stretch in &stretches {
        // In each stretch the newest word counts.
        match inside.iter().rev().find(|(entry, _)| stretch.holds(entry.seconds())) {
            None => open.push(stretch),
            Some(sample) => match evidence::test_entry(case, rule, sample) {
                Ok(_) => good.push(sample.0),
                Err(why) => wrong = Some(format!("entry {}: {why}", sample.0.number())),
            },
        }
    }
    if window.every.is_none() {
        let passed = inside.iter().filter(|sample| evidence::test_entry(case, rule, sample).is_ok());
        good = passed.map(|(entry, _)| *entry).collect();
    }
    let last = inside.last();
    let outcome = judge(window, base, &Found { whole, good, open, wrong, late, now });
    let is_void = last.is_some_and(|(_, void)| void.is_some());
    EvidenceOutcome { rule, outcome, entry: last.map(|(entry, _)| *entry), is_void }
}

struct Found<'f, 'l> {
    whole: Stretch,
    good: Vec<&'l VerifiedEntry>,
    /// Stretches without a sample.
    open: Vec<&'f Stretch>,
    wrong: Option<String>,
    late: usize,
    now: i64,
}

fn judge(window: &Window, mut base: RuleOutcome, found: &Found<'_, '_>) -> RuleOutcome {
    let span = format!("{} to {}", instant(found.whole.from), instant(found.whole.to));
    let late = if found.late > 0 { format!("; {} too late", found.late) } else { String::new() };
    let missed: Vec<String> =
        found.open.iter().filter(|stretch| stretch.to < found.now).map(|s| instant(s.from).to_string()).collect();
    if let Some(wrong) = &found.wrong {
        return failed(base, format!("{wrong} ({span})"));
    }
    let enough = usize::try_from(window.samples).is_ok_and(|least| found.good.len() >= least);
    let over = found.now > found.whole.to;
    let full = window.every.is_none() || (found.open.is_empty() && over);
    if enough && full && !found.good.is_empty() {
        base.state = RuleState::Satisfied;
        base.by = found.good.iter().map(|entry| (entry.number(), entry.id())).collect();
        base.have = format!("{} in the time {span}", crate::findings::counted(found.good.len(), "sample", "samples"));
        base.hint.clear();
        return base;
    }
    let next = found.open.iter().map(|stretch| stretch.to).find(|to| *to >= found.now);
    base.due = (!over).then(|| instant(next.unwrap_or(found.whole.to)));
    let have = format!("{} of {} {span}{late}", found.good.len(), wanted(window, found));
    if window.every.is_some() && !missed.is_empty() {
        let shown: Vec<String> = missed.iter().take(3).cloned().collect();
        let more = missed.len().saturating_sub(shown.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return failed(base, format!("{have}; none from {}{more}", shown.join(", ")));
    }
    if over {
        return failed(base, format!("{have}; the time is over"));
    }
    base.have =
        if found.now <= found.whole.from { format!("it begins at {}", instant(found.whole.from)) } else { have };
    base
}

fn wanted(window: &Window, found: &Found<'_, '_>) -> usize {
    let stretches = if window.every.is_some() { found.good.len() + found.open.len() } else { 0 };
    stretches.max(usize::try_from(window.samples).unwrap_or(usize::MAX))
}

/// The parts of a window that each want a sample; one where it names no rhythm.
fn stretches(window: &Window, whole: &Stretch) -> Vec<Stretch> {
    let Some(every) = window.every.filter(|every| *every > 0) else {
        return vec![Stretch { from: whole.from, to: whole.to }];
    };
    let mut stretches = Vec::new();
    let mut from = whole.from;
    while from < whole.to {
        let to = whole.to.min(from + every);
        stretches.push(Stretch { from, to });
        from = to;
    }
    stretches
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap_or(Timestamp::MAX)
}
