//! What a proposed policy changes, shown to whoever proposes or approves it.

use crate::chain::VerifiedLedger;
use crate::cli::context::Context;
use crate::cli::difference::difference;
use crate::findings::counted;
use crate::id::{EntryNumber, Name};
use crate::policy::{Policy, parse, summary};
use crate::report::escape::visible;
use crate::sign::Roster;
use crate::sign::roster::Person;

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
    }
    context.printer.talk("of people and keys:");
    let mut changes = roster_changes(before.roster(), roster);
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

/// Who comes, goes, or may do other things, and who decides about policies.
pub fn roster_changes(before: &Roster, after: &Roster) -> Vec<String> {
    let mut lines = Vec::new();
    for person in after.people() {
        match before.person(&person.id) {
            None => lines.push(format!("+ {}", described(person))),
            Some(old) if old != person => {
                lines.extend([format!("- {}", described(old)), format!("+ {}", described(person))]);
            }
            Some(_) => {}
        }
    }
    let gone = before.people().filter(|person| after.person(&person.id).is_none());
    lines.extend(gone.map(|person| format!("- {}", described(person))));
    let approve =
        |roster: &Roster| format!("{} with the role {} approve a policy", roster.approve.count, roster.approve.role);
    let revoke = |roster: &Roster| match &roster.revoke {
        Some(role) => format!("the role {role} revokes what others brought"),
        None => "nobody revokes what others brought".to_owned(),
    };
    for (old, new) in [(approve(before), approve(after)), (revoke(before), revoke(after))] {
        if old != new {
            lines.extend([format!("- {old}"), format!("+ {new}")]);
        }
    }
    let given_up = |sign: char, own: &Roster, other: &Roster| {
        let new = own.compromised.iter().filter(|key| !other.compromised.contains(key));
        new.map(|key| {
            let except: Vec<String> = key.except.iter().map(EntryNumber::to_string).collect();
            let but =
                if except.is_empty() { String::new() } else { format!(", but for entries {}", except.join(", ")) };
            format!("{sign} compromised: {} since entry {}{but}", key.key.fingerprint(), key.since)
        })
        .collect::<Vec<_>>()
    };
    lines.extend(given_up('-', before, after));
    lines.extend(given_up('+', after, before));
    lines
}

fn described(person: &Person) -> String {
    let roles: Vec<&str> = person.roles.iter().map(Name::as_str).collect();
    let keys: Vec<String> = person.keys.iter().map(|key| key.fingerprint()).collect();
    let what = if person.bot { "a bot" } else { "a person" };
    format!(
        "{} ({}{}), {what}: roles {}; keys {}",
        person.id,
        person.name,
        if person.handles.is_empty() { String::new() } else { format!(", called {}", person.handles.join(", ")) },
        if roles.is_empty() { "none".to_owned() } else { roles.join(", ") },
        if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
    )
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
