//! One entry as `log` and `show` tell it, with what became of it since: a policy waits, is in force or
//! has lapsed; evidence and decisions may be void.
//!
//! What the program knows stands before what a signer wrote, so that no text can pass for it.

use crate::chain::{PolicyState, VerifiedEntry, VerifiedLedger};
use crate::entry::Predicate;
use crate::id::EntryNumber;
use crate::report::escape::visible;

/// One entry as the log and `show` describe it in JSON.
pub fn json(ledger: &VerifiedLedger, entry: &VerifiedEntry) -> serde_json::Value {
    let key = entry.attempt();
    serde_json::json!({
        "entry": entry.number(), "id": entry.id(), "commit": entry.commit(), "kind": entry.kind().word(),
        "pipeline": key.map(|key| &key.pipeline), "gate": key.map(|key| &key.gate), "attempt": key.map(|key| key.attempt),
        "release": key.map(|key| &key.release), "person": entry.person(), "name": entry.predicate().actor().name,
        "at": entry.recorded_at(), "summary": entry.summary(), "path": entry.path(),
        "voidedBy": ledger.voided_by(entry.number()), "policy": policy(ledger, entry).map(policy_json),
    })
}

/// What an entry says, in one line.
pub fn line(ledger: &VerifiedLedger, entry: &VerifiedEntry) -> String {
    if let Some((proposed, state)) = policy(ledger, entry) {
        let (what, reason) = match entry.predicate() {
            Predicate::Policy(policy) => ("proposes a policy".to_owned(), Some(policy.reason.as_str())),
            Predicate::Approval(approval) => {
                (format!("approves the policy of entry {proposed}"), approval.reason.as_deref())
            }
            _ => (String::new(), None),
        };
        let reason = reason.map(|reason| format!(": {}", visible(&first_line(reason)))).unwrap_or_default();
        return format!("{what} ({}){reason}", state_words(state));
    }
    let summary = visible(entry.summary());
    ledger.void(entry.number()).map_or(summary.clone(), |void| format!("void: {void} · {summary}"))
}

/// The policy an entry proposes or approves, by the entry that proposed it, and what became of it.
pub fn policy(ledger: &VerifiedLedger, entry: &VerifiedEntry) -> Option<(EntryNumber, PolicyState)> {
    let proposed = match entry.predicate() {
        Predicate::Policy(_) => entry.number(),
        Predicate::Approval(approval) if entry.attempt().is_none() => {
            ledger.position(*approval.saw.evidence.first()?)?
        }
        _ => return None,
    };
    Some((proposed, ledger.policy_state(proposed)?))
}

pub fn state_words(state: PolicyState) -> String {
    match state {
        PolicyState::Pending { approved, wanted } => format!("pending, {approved} of {wanted} have approved it"),
        PolicyState::InForce { from, until: None } => format!("in force from entry {from}"),
        PolicyState::InForce { from, until: Some(until) } => format!("in force from entry {from} until entry {until}"),
        PolicyState::Lapsed { by } => format!("lapsed by entry {by}"),
    }
}

fn policy_json((proposed, state): (EntryNumber, PolicyState)) -> serde_json::Value {
    let (word, from, by, approvals) = match state {
        PolicyState::Pending { approved, wanted } => ("pending", None, None, Some((approved, wanted))),
        PolicyState::InForce { from, until: None } => ("in-force", Some(from), None, None),
        PolicyState::InForce { from, until } => ("replaced", Some(from), until, None),
        PolicyState::Lapsed { by } => ("lapsed", None, Some(by), None),
    };
    serde_json::json!({
        "entry": proposed, "state": word, "from": from, "by": by,
        "approvals": approvals.map(|(approved, _)| approved), "needed": approvals.map(|(_, wanted)| wanted),
    })
}

/// The first line of a text, with a sign where there is more.
fn first_line(text: &str) -> String {
    match text.trim().split_once('\n') {
        Some((first, _)) => format!("{} …", first.trim_end()),
        None => text.trim().to_owned(),
    }
}
