//! `policy apply` proposes a policy, `policy sign` approves it; in force it comes with the last approval asked for.

use std::path::PathBuf;

use super::{POLICY_FILE, changes, parse_or_fail, read};
use crate::chain::{PolicyState, Proposal, VerifiedEntry, VerifiedLedger};
use crate::cli::about::state_words;
use crate::cli::append::append;
use crate::cli::commands::Answer;
use crate::cli::confirm;
use crate::cli::context::{Context, Identity};
use crate::cli::draft::{PolicyDraft, actor, draft, file_subject};
use crate::cli::entries::Entries;
use crate::cli::failure::Failure;
use crate::cli::load::Loaded;
use crate::entry::kinds::{Approval, Decision, Meaning, Predicate, Saw, Scope};
use crate::id::{Digest, EntryNumber};
use crate::policy::lint;
use crate::report::escape::visible;
use crate::sign::Roster;

pub fn apply(reason: &str, yes: bool, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(None)?;
    let root = loaded.store.work_tree().ok_or_else(|| Failure::usage("a bare repository has no ledger.toml"))?;
    let text = read(context, &PathBuf::from(root).join(POLICY_FILE))?;
    let policy = parse_or_fail(POLICY_FILE, &text)?;
    let current = loaded.ledger.policies().last().cloned().ok_or_else(|| Failure::unknown("no policy is in force"))?;
    if Digest::of(text.as_bytes()) == current.digest() {
        let line = format!("{POLICY_FILE} is in force already: entry {}", current.entry());
        context.printer.outcome(&line, context.global.dry_run);
        return Ok(Answer::Yes);
    }
    if let Some(proposal) = loaded.ledger.proposals().iter().find(|proposal| proposal.text == text) {
        return Err(Failure::usage(format!("{POLICY_FILE} is proposed already: entry {}", proposal.entry))
            .hint(format!("ledger policy sign {}", proposal.entry)));
    }
    require_fitting(&loaded.ledger, &policy.roster)?;
    if !yes {
        require_newest(&loaded.ledger, &text)?;
    }
    let identity = entitled(context, &loaded, current.roster())?;
    changes::show(context, &loaded.ledger, &text, &policy.roster);
    // Changes of others that this file does not have are taken back by it, and only a reader can tell.
    let mode = confirm::confirm(context, "apply", yes, "ledger policy apply -m REASON --yes")?;
    let now = context.world().now();
    let replaced = current.digest();
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        require_in_force(ledger, replaced)?;
        let draft = PolicyDraft {
            origin: ledger.origin(),
            text: &text,
            roster: &policy.roster,
            replaces: Some(replaced),
            reason,
            person: &identity.person,
            mode,
            now,
        };
        Ok(draft.compose()?)
    })?;
    tell(context, &loaded, current.roster(), appended.map(|appended| appended.number));
    let findings = lint::lint(&policy);
    if !findings.is_empty() {
        context.printer.talk(findings.render(POLICY_FILE, &text));
    }
    changes::cautions(&policy).into_iter().for_each(|line| context.printer.talk(line));
    Ok(Answer::Yes)
}

pub fn sign(wanted: Option<EntryNumber>, yes: bool, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let mut loaded = context.load(None)?;
    let current = loaded.ledger.policies().last().cloned().ok_or_else(|| Failure::unknown("no policy is in force"))?;
    let proposal = find(&loaded.ledger, wanted)?.clone();
    let identity = entitled(context, &loaded, current.roster())?;
    let handle = identity.person.handle();
    if proposal.approved_by.contains(&identity.person.id) {
        return Err(Failure::no(format!("{handle} has approved entry {} already", proposal.entry))
            .hint(format!("ask {}", others(current.roster(), &proposal).join(" or "))));
    }
    let digest = Digest::of(proposal.text.as_bytes());
    changes::show(context, &loaded.ledger, &proposal.text, &proposal.roster);
    let proposed = Entries::new(&loaded).entry(proposal.entry)?;
    context.printer.talk(format!("proposed by {}: {}", proposed.person(), visible(&reason_of(&proposed))));
    context.printer.talk(format!(
        "you approve, as {handle}, the policy of entry {}: sha256:{digest}\n  → ledger show {} --file policy.toml",
        proposal.entry, proposal.entry
    ));
    let number = proposal.entry.to_string();
    let mode = confirm::confirm(context, &number, yes, &format!("ledger policy sign {number} --yes"))?;
    let now = context.world().now();
    let appended = append(context, &mut loaded, &identity, |_, ledger| {
        require_in_force(ledger, current.digest())?;
        let predicate = Predicate::Approval(Approval {
            ledger: Scope { origin: ledger.origin().clone(), attempt: None },
            actor: actor(&identity.person, mode),
            recorded_at: now,
            decision: Decision::Approved,
            meaning: Meaning::Approval,
            reason: None,
            saw: Saw {
                policy: current.digest(),
                evidence: vec![proposal.id],
                size: ledger.size(),
                root: ledger.root(),
            },
            withdraws: None,
            about: None,
        });
        let summary = format!("approval: policy of entry {} by {handle}", proposal.entry);
        Ok(draft(vec![file_subject("policy.toml", digest)], predicate, Vec::new(), &summary, &[])?)
    })?;
    tell(context, &loaded, current.roster(), appended.map(|_| proposal.entry));
    Ok(Answer::Yes)
}

fn reason_of(entry: &VerifiedEntry) -> String {
    match entry.predicate() {
        Predicate::Policy(policy) => policy.reason.clone(),
        _ => String::new(),
    }
}

/// The proposal meant; without a number the only one there is.
fn find(ledger: &VerifiedLedger, wanted: Option<EntryNumber>) -> Result<&Proposal, Failure> {
    let proposals = ledger.proposals();
    if let Some(state @ (PolicyState::InForce { .. } | PolicyState::Lapsed { .. })) =
        wanted.and_then(|number| ledger.policy_state(number))
    {
        let number = wanted.map(|number| number.to_string()).unwrap_or_default();
        return Err(Failure::no(format!("the policy of entry {number} waits for nobody: {}", state_words(state)))
            .hint("ledger log --kind policy"));
    }
    let numbers: Vec<String> = proposals.iter().map(|proposal| proposal.entry.to_string()).collect();
    match (wanted, proposals) {
        (_, []) => Err(Failure::usage("no policy is proposed").hint("ledger policy apply -m REASON")),
        (None, [one]) => Ok(one),
        (None, _) => Err(Failure::usage(format!("several policies are proposed: entries {}", numbers.join(", ")))
            .hint(format!("ledger policy sign {}", numbers[0]))),
        (Some(number), _) => proposals.iter().find(|proposal| proposal.entry == number).ok_or_else(|| {
            Failure::usage(format!("entry {number} proposes no policy that could come in force"))
                .hint(format!("proposed are entries {}", numbers.join(", ")))
        }),
    }
}

/// The signer, who has a say in policies.
fn entitled(context: &Context<'_>, loaded: &Loaded, roster: &Roster) -> Result<Identity, Failure> {
    let identity = context.identity(&loaded.store, roster)?;
    if roster.may_approve(&identity.person) {
        return Ok(identity);
    }
    let role = &roster.approve.role;
    let who: Vec<&str> = roster.holders(std::slice::from_ref(role)).map(|person| person.handle()).collect();
    Err(Failure::no(format!("{} does not hold {role}, which approves policies", identity.person.handle()))
        .hint(format!("ask {}", who.join(" or "))))
}

/// What this ledger's past forbids a policy, whoever approves it: another name; a key that was given up comes back
/// with no policy, and none is given up from an entry that is not there.
pub fn require_fitting(ledger: &VerifiedLedger, roster: &Roster) -> Result<(), Failure> {
    if roster.origin != *ledger.origin() {
        return Err(Failure::usage(format!("the origin of a ledger never changes: it is {}", ledger.origin())));
    }
    let given_up = |key: &crate::sign::PublicKey| ledger.given_up(*key).map(|since| (*key, since));
    if let Some((key, since)) = roster.people().flat_map(|person| &person.keys).find_map(given_up) {
        return Err(Failure::usage(format!(
            "{} is compromised since entry {since}: it never counts again",
            key.fingerprint()
        ))
        .hint("give the person a new key: ssh-keygen -t ed25519"));
    }
    match roster.compromised.iter().find(|given_up| given_up.since.0 > ledger.size()) {
        Some(beyond) => Err(Failure::usage(format!("there is no entry {} yet", beyond.since)).hint("ledger log")),
        None => Ok(()),
    }
}

/// A file that is an older policy would silently take back what others have changed since.
pub fn require_newest(ledger: &VerifiedLedger, text: &str) -> Result<(), Failure> {
    let Some((current, older)) = ledger.policies().split_last() else { return Ok(()) };
    match older.iter().rev().find(|policy| policy.text() == text && current.text() != text) {
        Some(old) => Err(Failure::no(format!(
            "{POLICY_FILE} is the policy of entry {}, and the one of entry {} replaced it",
            old.entry(),
            current.entry()
        ))
        .hint(format!("take the one in force: ledger policy show > {POLICY_FILE}"))
        .hint("to go back to the old one on purpose: ledger policy apply -m REASON --yes")),
        None => Ok(()),
    }
}

fn require_in_force(ledger: &VerifiedLedger, policy: Digest) -> Result<(), Failure> {
    if ledger.policies().last().map(|policy| policy.digest()) == Some(policy) {
        return Ok(());
    }
    Err(Failure::conflict("somebody else changed the policy just now").hint("compare: ledger policy show"))
}

/// People who could still approve a proposal.
fn others<'r>(roster: &'r Roster, proposal: &Proposal) -> Vec<&'r str> {
    let holders = roster.holders(std::slice::from_ref(&roster.approve.role));
    holders.filter(|person| !proposal.approved_by.contains(&person.id)).map(|person| person.handle()).collect()
}

/// What has come of it: in force, or how many approvals are still wanted. `None` under `--dry-run`.
fn tell(context: &mut Context<'_>, loaded: &Loaded, before: &Roster, proposed: Option<EntryNumber>) {
    let count = before.approve.count;
    let Some(number) = proposed else {
        let line = match count {
            1 => "the policy would be in force from the next entry on".to_owned(),
            _ => format!("the policy would be proposed or approved: it needs {count} people"),
        };
        return context.printer.outcome(&line, true);
    };
    let Some(proposal) = loaded.ledger.proposals().iter().find(|proposal| proposal.entry == number) else {
        let from = loaded.ledger.policies().last().map_or(number, |policy| policy.entry());
        return context.printer.outcome(&format!("policy in force from entry {from}"), false);
    };
    let line = format!("policy proposed in entry {number}: {} of {count} have approved it", proposal.approved_by.len());
    context.printer.outcome(&line, false);
    let who = others(before, proposal).join(" or ");
    context.printer.talk(format!("next: {who} signs it: ledger policy sign {number}"));
}
