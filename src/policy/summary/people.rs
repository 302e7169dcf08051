//! Who the people are, and which keys are theirs.

use crate::id::{EntryNumber, Name};
use crate::sign::Roster;
use crate::sign::roster::Person;

/// Who comes, goes, or may do other things, and who decides about policies.
pub fn differences(before: &Roster, after: &Roster) -> Vec<String> {
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
            format!("{sign} compromised: {} since entry {}{but}: {}", key.key.fingerprint(), key.since, key.reason)
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
