//! What people type into a statement or its message is looked through before anything is signed: a reason or a
//! name can hold a password as well as a file can, and neither is ever taken back.

use super::failure::Failure;
use super::secrets::line_of;
use crate::entry::Draft;
use crate::entry::kinds::{Evidence, Policy, Predicate, Stored};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::secrets::{self, ALLOWED};

/// Refuses a draft in which somebody typed what looks like a secret. Digests, keys, ids and what the policy
/// says are no texts of theirs.
pub fn refuse_secrets(draft: &Draft) -> Result<(), Failure> {
    let mut typed = typed(&draft.statement.predicate);
    if matches!(draft.statement.predicate, Predicate::Policy(_)) {
        let files = draft.attachments.iter().filter(|file| file.name.as_str() == Policy::POLICY_TOML);
        typed.extend(files.map(|file| ("ledger.toml", String::from_utf8_lossy(&file.bytes).into_owned())));
    }
    refuse(&typed.iter().map(|(what, text)| (*what, text.as_str())).collect::<Vec<_>>())
}

/// The same for texts that are typed now and signed later. Each has the name of its argument.
pub fn refuse(texts: &[(&str, &str)]) -> Result<(), Failure> {
    let found = texts.iter().flat_map(|(what, text)| {
        secrets::find(text.as_bytes()).into_iter().map(move |finding| line_of(what, &finding))
    });
    let lines: Vec<String> = found.collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!("what looks like a secret would be signed and kept for ever:\n{}", lines.join("\n")))
        .hint("say it without the secret, and change the secret if it is a real one"))
}

/// The texts of a statement that came from a command line, by their arguments.
fn typed(predicate: &Predicate) -> Vec<(&'static str, String)> {
    let reason = |text: &str| ("-m", text.to_owned());
    match predicate {
        Predicate::Policy(policy) => vec![reason(&policy.reason)],
        Predicate::Open(open) => {
            let release = open.ledger.attempt.iter().map(|key| ("--release", key.release.to_string()));
            // As it was typed, so that the name speaks for the value.
            let revisions = open.revisions.iter().map(|(name, value)| ("--revision", format!("{name}={value}")));
            release.chain(revisions).collect()
        }
        Predicate::Evidence(evidence) => brought(evidence),
        Predicate::Approval(approval) => approval.reason.iter().map(|text| reason(text)).collect(),
        Predicate::Waiver(waiver) => {
            let controls = waiver.compensating_controls.iter().map(|text| ("--control", text.clone()));
            std::iter::once(reason(&waiver.reason)).chain(controls).collect()
        }
        Predicate::Promotion(_) => Vec::new(),
        Predicate::Trigger(trigger) => vec![("--value or -m", trigger.observed.clone())],
        Predicate::Rollback(rollback) => {
            let notes = rollback.steps.iter().filter_map(|step| step.note.as_deref());
            rollback.reason.as_deref().into_iter().chain(notes).map(reason).collect()
        }
        Predicate::Revoke(revoke) => vec![reason(&revoke.reason)],
    }
}

/// Where somebody said why a secret may pass, it passes. Facts of files the ledger keeps were looked at in
/// the files.
fn brought(evidence: &Evidence) -> Vec<(&'static str, String)> {
    if evidence.facts.contains_key(ALLOWED) {
        return Vec::new();
    }
    let names = evidence.files.iter().flat_map(|file| {
        let location = file.location.iter().map(|text| ("--location", text.clone()));
        std::iter::once((FILE_NAME, file.path.clone())).chain(location)
    });
    let command = evidence.command.iter().map(|command| ("the command", command.argv.join(" ")));
    let mut texts: Vec<_> = names.chain(command).collect();
    if evidence.files.iter().any(|file| file.stored == Stored::External) {
        texts.extend(spelt(&evidence.facts).into_iter().map(|text| ("a fact of the file", text)));
    }
    texts
}

/// Facts as lines of JSON have them. What hexadecimal digits alone are is a digest.
fn spelt(facts: &Facts) -> Vec<String> {
    let of = |(name, fact): (&String, &Fact)| match fact {
        Fact::Text(text) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Vec::new(),
        Fact::Text(text) => vec![format!("\"{name}\": \"{text}\"")],
        Fact::List(texts) => texts.clone(),
        Fact::Group(facts) => spelt(facts),
        _ => Vec::new(),
    };
    facts.iter().flat_map(of).collect()
}

/// Never the name itself.
pub const FILE_NAME: &str = "the name of a file";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_told_by_their_names_and_digests_are_none() {
        let group = Facts::from([("by".to_owned(), Fact::from("kim"))]);
        let facts = Facts::from([
            ("json".to_owned(), Fact::Group(group)),
            ("private_key".to_owned(), Fact::from("ab12".repeat(16).as_str())),
            ("count".to_owned(), Fact::Int(3)),
            ("links".to_owned(), Fact::List(vec!["a.md".to_owned()])),
        ]);
        assert_eq!(spelt(&facts), ["\"by\": \"kim\"", "a.md"]);
    }

    #[test]
    fn what_is_refused_is_named_and_not_told() {
        let failure = refuse(&[("-m", &format!("a\nDB_PASSWORD={}", "sunshine")), ("--release", "1.0")]).unwrap_err();
        assert!(failure.message.ends_with(":\n  -m:2: DB_PASSWORD=… (secret by its name)"), "{}", failure.message);
        assert!(refuse(&[("-m", "the password was changed")]).is_ok());
    }
}
