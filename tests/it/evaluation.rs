//! Evaluation is a pure function of ledger, gate, release and instant: what holds over histories nobody wrote by
//! hand. Nothing can be taken out of a ledger, so to remove evidence is to void it.

use std::rc::Rc;

use ledger::chain::VerifiedEntry;
use ledger::entry::kinds::{Decision as Word, Predicate, TriggerClass};
use ledger::id::{Digest, EntryNumber, PersonId, Timestamp, Version};
use ledger::policy::decision::RuleKind;
use ledger::policy::{Ask, Decision, Evaluator, RuleOutcome, Verdict};
use proptest::prelude::*;

use crate::support::history::*;
use crate::support::made::{Begun, Made};

fn open(decisions: &[Decision]) -> Vec<bool> {
    decisions.iter().map(|decision| decision.verdict() == Verdict::Open).collect()
}

/// All that was decided, but for how many entries the ledger had and their root, and what to type, which names the
/// release where there is a newer one.
fn told(decisions: &[Decision]) -> String {
    let bare = |decision: &Decision| {
        let mut rules = decision.rules.clone();
        rules.iter_mut().for_each(forget_hints);
        Decision { size: 0, root: Digest::of(b""), is_older: false, rules, ..decision.clone() }
    };
    format!("{:#?}", decisions.iter().map(bare).collect::<Vec<_>>())
}

fn forget_hints(rule: &mut RuleOutcome) {
    rule.hint.clear();
    rule.parts.iter_mut().for_each(forget_hints);
}

/// The usual way opens every gate, so that what is shown below is not shown of closed gates alone.
#[test]
fn the_usual_way_opens_every_gate() {
    let mut made = history(&begun(), usize::MAX, &[]);
    assert_eq!(open(&all(&made, made.now())), [true, true, false, true]);
    made.seconds += 3600;
    assert_eq!(open(&all(&made, made.now())), [true, true, true, true]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn what_is_void_never_opens_a_gate(head in 0..17_usize, acts in prop::collection::vec(act(), 0..12)) {
        let before = history(&begun_once(), head, &acts);
        let at = Timestamp::from_seconds(before.seconds + 60).unwrap();
        let decided = all(&before, at);
        for number in 1..usize::try_from(before.ledger.size()).unwrap() {
            let mut after = before.clone();
            // What somebody said against a release they may take back themselves; nothing else opens by being void.
            let is_against = before.ledger.entries().nth(number).is_some_and(|entry| match entry.predicate() {
                Predicate::Trigger(_) => true,
                Predicate::Approval(approval) => approval.decision == Word::Rejected,
                _ => false,
            });
            if is_against || !revokes(&mut after, number) {
                continue;
            }
            for (one, other) in decided.iter().zip(all(&after, at)) {
                prop_assert!(
                    one.verdict() == Verdict::Open || other.verdict() == Verdict::Closed,
                    "{}: entry {number} is void and opens it; it was closed by\n{:#?}",
                    one.gate,
                    one.unmet().collect::<Vec<_>>()
                );
            }
        }
    }

    #[test]
    fn what_is_about_something_else_changes_nothing(head in 0..17_usize, acts in prop::collection::vec(act(), 0..12)) {
        let mut made = history(&begun_once(), head, &acts);
        let at = Timestamp::from_seconds(made.seconds + 60).unwrap();
        let before = told(&all(&made, at)[..3]);
        let other = Version::parse("0.9").unwrap();
        prop_assert!(opens(&mut made, 0, &other) && brings(&mut made, 0, "build", false, "kim", &other));
        if attempt(&made, 3, &release()).is_some() {
            prop_assert!(brings(&mut made, 3, "nothing-asks-for-it", false, "kim", &release()));
        }
        prop_assert_eq!(told(&all(&made, at)[..3]), before);
    }

    #[test]
    fn the_same_is_answered_every_time_in_whatever_order(head in 0..17_usize, acts in prop::collection::vec(act(), 0..12)) {
        let made = history(&begun_once(), head, &acts);
        let first = all(&made, made.now());
        let again = Evaluator::new(&made.ledger);
        let mut backwards: Vec<Decision> = (0..GATES.len()).rev().map(|gate| decide(&again, gate, made.now())).collect();
        backwards.reverse();
        prop_assert_eq!(&first, &backwards);
        // The answer of then, from a ledger that has grown since.
        let mut grown = made.clone();
        acts.iter().for_each(|act| {
            does(&mut grown, act);
        });
        let then = Evaluator::new(&grown.ledger);
        let then: Vec<Decision> = GATES.iter().map(|(pipeline, gate, _)| then.decide(&Ask {
            pipeline: &name(pipeline),
            gate: &name(gate),
            release: &release(),
            size: made.ledger.size(),
            now: made.now(),
            observed: observed(),
            source: None,
        })).collect();
        prop_assert_eq!(told(&first), told(&then));
    }

    #[test]
    fn an_open_gate_has_all_it_wants_and_nothing_against_it(head in 0..17_usize, acts in prop::collection::vec(act(), 0..14)) {
        let made = history(&begun_once(), head, &acts);
        let decided = all(&made, made.now());
        for (gate, decision) in decided.iter().enumerate().filter(|(_, decision)| decision.verdict() == Verdict::Open) {
            let (key, _) = attempt(&made, gate, &release()).unwrap();
            let view = made.ledger.view();
            let standing: Vec<&VerifiedEntry> = view.attempt(&key).collect();
            // No rollback of the attempt, void or not, and nobody whose last word is no.
            prop_assert!(!standing.iter().any(|entry| matches!(entry.predicate(), Predicate::Rollback(_))));
            for who in WHO {
                let words = standing.iter().filter(|entry| entry.person().as_str().starts_with(who));
                let last = words.filter_map(|entry| match entry.predicate() {
                    Predicate::Approval(approval) if approval.about.is_none() => Some(approval.decision),
                    _ => None,
                }).next_back();
                let may = made.actor(who).roles.iter().any(|role| matches!(role.as_str(), "qa-lead" | "release-owner"));
                let speaks = match gate {
                    0 | 3 => made.actor(who).roles.contains(&name("qa-lead")),
                    2 => made.actor(who).roles.contains(&name("release-owner")),
                    _ => may,
                };
                prop_assert!(last != Some(Word::Rejected) || !speaks, "{who} rejected {}", key.gate);
            }
            // Each approval has people of its own, and they approved what is there now.
            let approvals: Vec<_> = decision.rules.iter().filter(|rule| rule.kind == RuleKind::Approval).collect();
            let mut by: Vec<&PersonId> = approvals.iter().flat_map(|rule| &rule.by).map(|(n, _)| made.ledger.entry(*n).unwrap().person()).collect();
            by.sort_unstable();
            by.dedup();
            prop_assert!(by.len() >= approvals.len(), "{by:?}");
            // A waiver counts until its time, for rules it may name, by who may give it.
            for rule in decision.rules.iter().filter(|rule| rule.state.is_waived()) {
                prop_assert!(gate == 0 && ["build", "proof"].contains(&rule.id.as_str()));
                let Predicate::Waiver(waiver) = made.ledger.entry(rule.by[0].0).unwrap().predicate() else { panic!() };
                prop_assert!(waiver.expires_at > made.now() && waiver.rule == rule.id);
                prop_assert!(waiver.actor.roles.contains(&name("release-owner")));
                let after = Timestamp::from_seconds(waiver.expires_at.seconds().max(made.seconds) + 1).unwrap();
                prop_assert_eq!(all(&made, after)[gate].verdict(), Verdict::Closed, "the waiver is over");
            }
        }
    }

    #[test]
    fn whatever_happened_a_new_attempt_can_be_opened(head in 0..17_usize, acts in prop::collection::vec(act(), 0..12)) {
        let mut made = history(&begun_once(), head, &acts);
        for number in 0..made.ledger.size() {
            let entry = made.ledger.entry(EntryNumber(number)).unwrap();
            // Every trigger is answered: the one to be decided about by a decision, the other by who fired it.
            let Predicate::Trigger(fired) = entry.predicate() else { continue };
            let (id, class) = (entry.id(), fired.class);
            made.seconds += 60;
            let number = EntryNumber(number);
            let answered = match class {
                TriggerClass::Evaluate => says(&mut made, 0, Word::Approved, "lee", Some(id)),
                TriggerClass::Immediate => {
                    revokes(&mut made, usize::try_from(number.0).unwrap()) || made.ledger.view().void(number).is_some()
                }
            };
            prop_assert!(answered);
        }
        let rest = history_again(&mut made);
        prop_assert!(rest, "{:#?}", all(&made, made.now())[0].unmet().collect::<Vec<_>>());
        prop_assert!(made.ledger.size() > 0);
    }
}

/// Another attempt at the first gate goes the usual way.
fn history_again(made: &mut Made) -> bool {
    made.seconds += 60;
    let all_done = opens(made, 0, &release())
        && ["build", "shots", "log"].into_iter().all(|slot| {
            made.seconds += 60;
            brings(made, 0, slot, true, "min", &release())
        })
        && says(made, 0, Word::Approved, "kim", None);
    all_done && open(&all(made, made.now()))[0]
}

/// How many histories each property is shown of; `PROPTEST_CASES` for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}

/// The beginning is the same for all histories, and costs processes.
fn begun_once() -> Rc<Begun> {
    thread_local!(static BEGUN: Rc<Begun> = begun());
    BEGUN.with(Rc::clone)
}
