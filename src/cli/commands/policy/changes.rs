//! What a proposed policy changes, shown to whoever proposes or approves it.

use crate::chain::VerifiedLedger;
use crate::cli::context::Context;
use crate::cli::difference::difference;
use crate::findings::counted;
use crate::id::EntryNumber;
use crate::policy::{Gate, Policy, parse, summary};
use crate::report::escape::visible;
use crate::sign::Roster;

/// The whole difference to the policy in force; then, where it is read last, what becomes of people and
/// keys, because lines that say little can be many.
pub fn show(context: &mut Context<'_>, ledger: &VerifiedLedger, text: &str, roster: &Roster) {
    let Some(before) = ledger.policies().last() else { return };
    let lines = difference(before.text(), text);
    lines.iter().for_each(|line| context.printer.talk(format!("  {}", visible(line))));
    let changed = lines.iter().filter(|line| line.starts_with(['+', '-'])).count();
    context.printer.talk(format!("{}, all shown above", counted(changed, "changed line", "changed lines")));
    if let (Ok(old), Ok(new)) = (parse::parse(before.text()), parse::parse(text)) {
        let lines = summary::differences(&old, &new);
        context.printer.talk(if lines.is_empty() {
            "of gates and rules: nothing changes"
        } else {
            "of gates and rules:"
        });
        lines.iter().for_each(|line| context.printer.talk(format!("  {}", visible(line))));
        tell_lost(context, &of_lost(ledger, &old, &new));
    }
    context.printer.talk("of people and keys:");
    let mut changes = summary::of_people(before.roster(), roster);
    if changes.is_empty() {
        changes.push("nothing changes".to_owned());
    }
    changes.iter().for_each(|line| context.printer.talk(format!("  {}", visible(line))));
    let void: Vec<String> = ledger.would_void(roster).iter().map(EntryNumber::to_string).collect();
    if !void.is_empty() {
        context.printer.talk(format!("with it become void: entries {}", void.join(", ")));
    }
    of_given_up(ledger, roster).into_iter().for_each(|line| context.printer.talk(line));
}

/// Gates of releases under way that a draft does not have any more, each with what becomes of it.
pub fn of_lost(ledger: &VerifiedLedger, before: &Policy, after: &Policy) -> Vec<String> {
    let view = ledger.view();
    let mut lost = Vec::new();
    for pipeline in &before.pipelines {
        let Some(newest) = view.releases(&pipeline.id).pop() else { continue };
        let Some(now) = after.pipeline(&pipeline.id) else {
            lost.push(format!("pipeline {} is gone: release {newest} and those before it", pipeline.id));
            continue;
        };
        let opened = |gate: &&Gate| view.latest(&pipeline.id, &gate.id, &newest).is_some();
        for gate in pipeline.gates.iter().filter(|gate| now.gate(&gate.id).is_none()).filter(opened) {
            lost.push(format!("gate {}/{} is gone: its attempt for release {newest}", pipeline.id, gate.id));
        }
    }
    lost
}

/// Says that what is lost is seen no more, where there is something.
pub fn tell_lost(context: &mut Context<'_>, lost: &[String]) {
    for line in lost {
        context.printer.talk(format!("warning: {}", visible(line)));
    }
    if !lost.is_empty() {
        context.printer.talk(
            "  status, check, due, notes and docs see it no more under this policy: finish it first, or keep the old name",
        );
    }
}

/// What giving up keys does not do, where somebody could think it does.
pub fn of_given_up(ledger: &VerifiedLedger, roster: &Roster) -> Vec<String> {
    let mut lines = Vec::new();
    let in_force = ledger.policies().last().map(|policy| policy.roster().compromised.as_slice()).unwrap_or_default();
    let stays = |key: &str, since: EntryNumber| {
        format!(
            "note: {key} is given up since entry {since} already, for good: what is void stays so, whatever this file says now\n  → bring again what should count"
        )
    };
    let dropped = in_force.iter().filter(|old| !roster.compromised.iter().any(|new| new.key == old.key));
    lines.extend(dropped.map(|old| stays(&old.key.fingerprint(), old.since)));
    for given_up in roster.compromised.iter().filter(|given_up| !in_force.contains(given_up)) {
        let key = given_up.key.fingerprint();
        match ledger.given_up(given_up.key) {
            Some(since) => lines.push(stays(&key, since)),
            None => {
                let idle = ledger.idle_exceptions(given_up);
                if !idle.is_empty() {
                    let numbers: Vec<String> = idle.iter().map(EntryNumber::to_string).collect();
                    lines.push(format!(
                        "note: `except` names entries that {key} would not void: {}",
                        numbers.join(", ")
                    ));
                }
                let policies: Vec<String> = ledger.policies_by(given_up).iter().map(EntryNumber::to_string).collect();
                if !policies.is_empty() {
                    lines.push(format!(
                        "note: {key} brought or approved policies in entries {}, and those stand until another replaces them: read them\n  → ledger show {}",
                        policies.join(", "),
                        policies[0]
                    ));
                }
            }
        }
    }
    lines
}

/// What is allowed and may still be regretted.
pub fn cautions(policy: &Policy) -> Option<String> {
    let approve = &policy.roster.approve;
    let able = policy.roster.holders(std::slice::from_ref(&approve.role)).filter(|person| !person.keys.is_empty());
    let able = able.count();
    (approve.count > 1 && usize::try_from(approve.count) == Ok(able)).then(|| {
        format!(
            "note: all {able} people with the role {} must approve a policy: when one of their keys is lost, the policy never changes again\n  → give the role to one more person, or to each of them a second key that is kept elsewhere",
            approve.role
        )
    })
}
