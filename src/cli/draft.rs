//! Drafts of the kinds this program writes: statement, files and the message people read in `git log`.

use super::append::policy_file;
use crate::chain::VerifiedLedger;
use crate::entry::kinds::{Actor, AttemptKey, Mode, Policy, Predicate, Scope};
use crate::entry::{Attachment, DigestSet, Draft, Statement, StatementError, Subject};
use crate::id::{Digest, FileName, Invalid, ObjectId, Origin, Timestamp};
use crate::sign::Roster;
use crate::sign::roster::Person;
use crate::store::commit::message_text;

/// The person as a statement names them.
pub fn actor(person: &Person, mode: Mode) -> Actor {
    let mode = if person.bot { Mode::Ci } else { mode };
    Actor { id: person.id.clone(), name: person.name.clone(), roles: person.roles.clone(), mode }
}

pub fn scope(ledger: &VerifiedLedger, attempt: &AttemptKey) -> Scope {
    Scope { origin: ledger.origin().clone(), attempt: Some(attempt.clone()) }
}

/// The source commit as a subject: what a gate's entries are about.
pub fn commit_subject(name: &str, commit: &ObjectId) -> Subject {
    Subject { name: name.to_owned(), digest: DigestSet::GitCommit(commit.clone()) }
}

pub fn file_subject(name: &str, digest: Digest) -> Subject {
    Subject { name: name.to_owned(), digest: DigestSet::Sha256(digest) }
}

/// A draft with its commit message.
pub fn draft(
    subject: Vec<Subject>,
    predicate: Predicate,
    attachments: Vec<Attachment>,
    summary: &str,
    body: &[String],
) -> Result<Draft, StatementError> {
    let statement = Statement::compose(subject, predicate)?;
    Ok(Draft { statement, attachments, message: message_text(summary, body) })
}

/// A policy entry: the first of a ledger, or one that replaces the policy in force.
pub struct PolicyDraft<'p> {
    pub origin: &'p Origin,
    pub text: &'p str,
    pub roster: &'p Roster,
    pub replaces: Option<Digest>,
    pub reason: &'p str,
    pub person: &'p Person,
    pub mode: Mode,
    pub now: Timestamp,
}

impl PolicyDraft<'_> {
    pub fn compose(&self) -> Result<Draft, StatementError> {
        let mut attachments = vec![
            attachment(Policy::POLICY_TOML, self.text.as_bytes().to_vec()),
            attachment(Policy::ALLOWED_SIGNERS, self.roster.allowed_signers().into_bytes()),
        ];
        if self.replaces.is_none() {
            attachments.push(attachment(Policy::README, readme(self.origin).into_bytes()));
        }
        let attachments: Vec<Attachment> = attachments
            .into_iter()
            .collect::<Result<_, Invalid>>()
            .map_err(|_| StatementError::Inconsistent("a policy file has a bad name"))?;
        let subject = vec![file_subject(Policy::POLICY_TOML, Digest::of(self.text.as_bytes()))];
        let predicate = Predicate::Policy(Policy {
            ledger: Scope { origin: self.origin.clone(), attempt: None },
            actor: actor(self.person, self.mode),
            recorded_at: self.now,
            reason: self.reason.to_owned(),
            replaces: self.replaces,
            files: attachments.iter().map(policy_file).collect(),
        });
        let what = if self.replaces.is_none() { "begins the ledger" } else { "changes the policy" };
        let summary = format!("policy: {} {what}", self.person.handle());
        draft(subject, predicate, attachments, &summary, &[self.reason.to_owned()])
    }
}

fn attachment(name: &str, bytes: Vec<u8>) -> Result<Attachment, Invalid> {
    Ok(Attachment { name: FileName::parse(name)?, bytes })
}

/// What somebody reads who opens the branch on a forge.
fn readme(origin: &Origin) -> String {
    format!(
        "# Evidence ledger of {origin}\n\n\
         This branch records who approved which release, on which evidence. Every commit is one signed entry;\n\
         nothing written here is ever changed. One folder is one attempt at a gate; `files/` holds the evidence\n\
         itself, `policy/` the people, keys and rules in force.\n\n\
         ## Check it\n\n\
         With the tool: `ledger verify` in a clone.\n\n\
         With stock git (2.34 or newer, OpenSSH 8.9 or newer), the signatures alone:\n\n\
         ```sh\n\
         git ls-tree -r --name-only refs/remotes/origin/evidence policy | grep allowed_signers$ |\n\
         \x20 while read -r file; do git show \"refs/remotes/origin/evidence:$file\"; done | sort -u > allowed_signers\n\
         git rev-list refs/remotes/origin/evidence |\n\
         \x20 TZ=UTC xargs git -c gpg.ssh.allowedSignersFile=\"$PWD/allowed_signers\" verify-commit\n\
         ```\n"
    )
}
