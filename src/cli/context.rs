//! What most commands begin with: the repository, its pin, and the person who signs.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::args::Global;
use super::failure::Failure;
use super::output::Printer;
use super::world::{World, ask_passphrase};
use crate::findings::{Findings, Table};
use crate::id::Digest;
use crate::policy::{Evaluator, Policy};
use crate::report::escape::visible;
use crate::sign::key::{Candidate, KeySources};
use crate::sign::roster::{Compromised, Person, Roster, checked, parse_document};
use crate::sign::{KeyDoorError, Signer};
use crate::store::git::GitStore;

/// The pin: which ledger this source tree trusts. Committed with the source.
pub const PIN_FILE: &str = ".ledger.toml";

/// The policy's draft at the work tree's root; in force is what the ledger has of it.
pub const POLICY_FILE: &str = "ledger.toml";

/// One command's surroundings.
pub struct Context<'w> {
    pub printer: Printer<'w>,
    pub global: Global,
}

/// A person of the roster with a key in hand, still locked.
pub struct Identity {
    pub person: Person,
    candidate: Candidate,
    sources: KeySources,
}

impl Identity {
    /// Opens the key; may ask for a passphrase, once.
    pub fn unlock(&self) -> Result<Signer, Failure> {
        Ok(self.sources.unlock(&self.candidate)?)
    }
}

impl Context<'_> {
    pub fn world(&self) -> &World {
        self.printer.world
    }

    pub fn open_store(&self) -> Result<GitStore, Failure> {
        let from_env = self.world().env.contains_key("GIT_DIR") && self.global.directory.is_none();
        Ok(GitStore::open(&self.world().directory, from_env)?)
    }

    /// The first entry's digest this source tree or `--root` names.
    pub fn pin(&self, store: &GitStore) -> Result<Option<Digest>, Failure> {
        if let Some(root) = &self.global.root {
            return Ok(Some(Digest::parse(root)?));
        }
        let bytes = match store.work_tree() {
            Some(root) => self.world().read_if_there(&root.join(PIN_FILE)).map_err(|error| {
                Failure::unknown(format!("the pin {PIN_FILE} cannot be read: {error}"))
                    .hint("or name the ledger: --root DIGEST")
            })?,
            None => store.head_file(PIN_FILE)?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        parse_pin(&text)
            .map(Some)
            .map_err(|findings| Failure::usage(format!("the pin does not parse\n{}", findings.render(PIN_FILE, &text))))
    }

    /// The signer the roster knows: of the keys found, the first that belongs to one of its people.
    pub fn identity(&self, store: &GitStore, roster: &Roster) -> Result<Identity, Failure> {
        let sources = self.key_sources(store);
        let (candidates, mut problems) = sources.candidates();
        if self.global.key.is_some() && !problems.is_empty() {
            return Err(problems.swap_remove(0).into());
        }
        let wanted = match &self.global.signer {
            None => None,
            Some(text) => Some(roster.person_called(text).ok_or_else(|| unknown_person(text, roster))?),
        };
        let mut known: Vec<(&Candidate, &Person)> = candidates
            .iter()
            .filter_map(|candidate| Some((candidate, roster.person_of_key(candidate.public)?)))
            .filter(|(_, person)| wanted.is_none_or(|wanted| wanted.id == person.id))
            .collect();
        if known.iter().any(|(_, person)| person.id != known[0].1.id) {
            let names: Vec<&str> = known.iter().map(|(_, person)| person.handle()).collect();
            return Err(Failure::usage(format!("your keys belong to several people: {}", names.join(", ")))
                .hint("say who signs: --as PERSON"));
        }
        if known.is_empty() {
            return Err(no_key(&candidates, wanted, problems, &roster.compromised));
        }
        let (candidate, person) = known.swap_remove(0);
        let (candidate, person) = (candidate.clone(), person.clone());
        Ok(Identity { person, candidate, sources })
    }

    /// The key a new ledger begins with: the one git signs with already, or the only one there is.
    pub fn first_identity(&self, store: &GitStore) -> Result<(KeySources, Candidate), Failure> {
        let sources = self.key_sources(store);
        let (candidates, mut problems) = sources.candidates();
        if self.global.key.is_some() && !problems.is_empty() {
            return Err(problems.swap_remove(0).into());
        }
        let chosen = match (&self.global.key, sources.configured()) {
            (None, Some(configured)) => Some(configured),
            _ => candidates.first().cloned(),
        };
        if self.global.key.is_none() && sources.configured().is_none() && candidates.len() > 1 {
            return Err(Failure::usage("several keys could sign, and git's user.signingKey names none of them")
                .hint("say which: ledger init --key ~/.ssh/id_ed25519"));
        }
        let chosen = chosen.ok_or_else(|| no_key(&candidates, None, problems, &[]))?;
        Ok((sources, chosen))
    }

    fn key_sources(&self, store: &GitStore) -> KeySources {
        let world = self.world();
        let agent = world.env.get("SSH_AUTH_SOCK").map(PathBuf::from);
        let default = cfg!(windows).then(|| PathBuf::from(r"\\.\pipe\openssh-ssh-agent"));
        KeySources {
            explicit: self.global.key.as_ref().map(|path| world.path(path)),
            agent: agent.or(default),
            signing_key: store.config("user.signingkey"),
            home: world.home(),
            passphrase: world.env.get("LEDGER_KEY_PASSPHRASE").cloned().map(Zeroizing::new),
            ask_passphrase,
        }
    }

    /// Names a draft that does not parse: nothing goes by it, and whoever wrote it may think so.
    pub fn warn_of_broken_draft(&mut self, store: &GitStore) {
        let Some(path) = store.work_tree().map(|root| root.join(POLICY_FILE)) else { return };
        let why = match self.world().read_if_there(&path) {
            Ok(None) => return,
            Ok(Some(bytes)) => match crate::policy::parse::parse(&String::from_utf8_lossy(&bytes)) {
                Ok(_) => return,
                Err(findings) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let first = findings.render(POLICY_FILE, &text).lines().next().map(visible);
                    format!("does not parse ({})", first.unwrap_or_default())
                }
            },
            Err(error) => format!("cannot be read ({error})"),
        };
        self.printer.talk(format!(
            "note: {POLICY_FILE} here {why}: what counts is the policy on the ledger\n  → ledger policy check"
        ));
    }

    /// A path as evidence records it: from the work tree's root with forward slashes, or as given.
    pub fn recorded_path(&self, store: &GitStore, path: &Path) -> String {
        let full = self.world().path(path);
        let inside = store.work_tree().and_then(|root| {
            let (root, full) = (self.world().real_path(root)?, self.world().real_path(&full)?);
            full.strip_prefix(root).ok().map(Path::to_owned)
        });
        let shown = inside.unwrap_or_else(|| path.to_owned());
        let parts: Vec<_> = shown.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        if shown.is_absolute() { shown.to_string_lossy().into_owned() } else { parts.join("/") }
    }
}

/// The policy in force now; one this program cannot read gives no answers.
pub fn current_policy<'e>(evaluator: &'e Evaluator<'_>) -> Result<&'e Policy, Failure> {
    policy_at(evaluator, evaluator.ledger().size())
}

/// The one in force after so many entries.
pub fn policy_at<'e>(evaluator: &'e Evaluator<'_>, size: u64) -> Result<&'e Policy, Failure> {
    evaluator.policy(size).ok_or_else(|| {
        let text = evaluator.ledger().as_of(size).policy().map(|policy| policy.text()).unwrap_or_default();
        let findings = crate::policy::parse::parse(text).err().unwrap_or_default();
        Failure::unknown(format!(
            "the policy in force cannot be read by this version\n{}",
            findings.render("policy.toml", text)
        ))
    })
}

/// The pin file's text for a ledger.
pub fn pin_text(origin: &crate::id::Origin, first: Digest) -> String {
    format!(
        "# The beginning of this repository's evidence ledger (branch `evidence`).\n\
         # Commit this file: whoever clones the source knows by it which ledger to trust.\n\
         [ledger]\norigin = \"{origin}\"\nfirst = \"sha256:{first}\"\n"
    )
}

fn parse_pin(text: &str) -> Result<Digest, Findings> {
    let mut findings = Findings::default();
    let first = parse_document(text, &mut findings).and_then(|document| {
        let mut root = Table::new(&document, 0..text.len().min(1), "the pin");
        let mut ledger = root.required_table("ledger", &mut findings)?;
        ledger.value("origin");
        let first = ledger.required("first", &mut findings);
        let first = first.and_then(|first| checked(Digest::parse(first), ledger.span_of("first"), &mut findings));
        ledger.finish(&mut findings);
        root.finish(&mut findings);
        first
    });
    first.filter(|_| findings.is_empty()).ok_or(findings)
}

fn unknown_person(text: &str, roster: &Roster) -> Failure {
    let names: Vec<&str> = roster.people().map(Person::handle).collect();
    Failure::usage(format!("nobody in the roster is called {text:?}"))
        .hint(format!("the roster has {}", names.join(", ")))
}

fn no_key(
    candidates: &[Candidate],
    wanted: Option<&Person>,
    problems: Vec<KeyDoorError>,
    given_up: &[Compromised],
) -> Failure {
    let gone = candidates.iter().find_map(|found| given_up.iter().find(|given_up| given_up.key == found.public));
    if let Some(Compromised { key, since, .. }) = gone {
        let what =
            format!("{} was given up as compromised since entry {since}: it signs nothing more", key.fingerprint());
        return Failure::unknown(what).hint("name the key you have now: --key FILE");
    }
    let who = wanted.map_or("anybody in the roster".to_owned(), |person| person.handle().to_owned());
    if let Some(candidate) = candidates.first() {
        return Failure::unknown(format!("no key found belongs to {who}; found {}", candidate.public.fingerprint()))
            .hint("add the key to its person in ledger.toml, then: ledger policy apply")
            .hint("or name another key: --key FILE");
    }
    // Why the key somebody chose was passed over says more than that there is none.
    match problems.into_iter().next() {
        Some(problem) => problem.into(),
        None => Failure::unknown("no ssh-ed25519 key was found in the agent, user.signingKey or ~/.ssh/id_ed25519")
            .hint("make one: ssh-keygen -t ed25519")
            .hint("or name it: --key FILE"),
    }
}
