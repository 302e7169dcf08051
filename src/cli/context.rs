//! What most commands begin with: the repository, its verified ledger, and the person who signs.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::args::Global;
use super::failure::Failure;
use super::output::Printer;
use super::state::{self, Extent};
use super::world::{World, ask_passphrase};
use crate::chain::{Fault, Limits, TrustAnchor, VerifiedEntry, VerifiedLedger, Verifier};
use crate::findings::{Findings, Table};
use crate::id::{Digest, ObjectId};
use crate::policy::decision::Decision;
use crate::policy::{Evaluator, Gate, Policy, reread};
use crate::sign::key::{Candidate, KeySources};
use crate::sign::roster::{Person, Roster, checked, parse_document};
use crate::sign::{KeyDoorError, Signer};
use crate::store::git::{Elsewhere, GitStore, Tip};

/// The pin: which ledger this source tree trusts. Committed with the source.
pub const PIN_FILE: &str = ".ledger.toml";

/// One command's surroundings.
pub struct Context<'w> {
    pub printer: Printer<'w>,
    pub global: Global,
}

/// A repository and its ledger, verified.
pub struct Loaded {
    pub store: GitStore,
    pub tip: Tip,
    pub ledger: VerifiedLedger,
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

    /// Reads and verifies the whole ledger against the pin, from the first entry on.
    pub fn load_whole(&mut self) -> Result<Loaded, Failure> {
        let store = self.open_store()?;
        let tip = store.tip()?;
        let ledger = self.verify_whole(&store, &tip)?;
        state::save(self, &store, &ledger, Extent::Whole);
        self.told(Loaded { store, tip, ledger })
    }

    pub fn verify_whole(&self, store: &GitStore, tip: &Tip) -> Result<VerifiedLedger, Failure> {
        let anchor = TrustAnchor { first: self.pin(store)? };
        let mut verifier = Verifier::new(store.format(), anchor, Limits::default(), self.world().now());
        for id in store.commits(&tip.commit)? {
            verifier.admit(store.entry(&id)?);
        }
        verifier.finish().map_err(|faults| {
            state::forget(self, store);
            Failure::broken(faults)
        })
    }

    /// Goes on from what was verified here before, with the statements of a release at hand (of every
    /// pipeline's newest without one). Whatever does not fit is settled by reading everything.
    pub fn load(&mut self, release: Option<&str>) -> Result<Loaded, Failure> {
        match self.resume(release)? {
            Some(loaded) => self.told(loaded),
            None => self.load_whole(),
        }
    }

    fn resume(&mut self, release: Option<&str>) -> Result<Option<Loaded>, Failure> {
        let store = self.open_store()?;
        let tip = store.tip()?;
        let pin = self.pin(&store)?;
        let Some(known) = state::restore(self, &store, pin) else { return Ok(None) };
        let (size, at) = (known.size(), known.tip());
        let Some(new) = store.commits_after(&tip.commit, at.as_ref())? else {
            let last = at.map_or_else(String::new, |at| at.to_string());
            self.printer.talk(format!(
                "note: the evidence branch no longer contains {last}, verified here before as entry {}: it was rewound or replaced\n  → git log {last}",
                size.saturating_sub(1)
            ));
            return Ok(None);
        };
        let mut verifier = Verifier::resume(known, store.format(), Limits::default(), self.world().now());
        for id in new {
            verifier.admit(store.entry(&id)?);
        }
        let Ok(mut ledger) = verifier.finish() else { return Ok(None) };
        let releases = match release {
            Some(text) => crate::id::Version::parse(text).into_iter().collect(),
            None => ledger.newest_releases(),
        };
        let wanted: Vec<_> = releases.iter().flat_map(|release| ledger.wanted(release)).collect();
        for (folder, entries) in wanted {
            let Ok(found) = store.statements(&tip.commit, &folder, &entries) else { return Ok(None) };
            if !ledger.reload(found, store.format()) {
                return Ok(None);
            }
        }
        if ledger.size() > size {
            state::save(self, &store, &ledger, Extent::Grown);
        }
        Ok(Some(Loaded { store, tip, ledger }))
    }

    /// Evidence whose recorded facts are not what its files say, among the entries given. Whoever
    /// decides or verifies looks: a signed statement can claim any facts.
    pub fn lying_facts<'l>(
        &self,
        loaded: &Loaded,
        evaluator: &Evaluator<'_>,
        entries: impl Iterator<Item = &'l VerifiedEntry>,
    ) -> Result<Vec<Fault>, Failure> {
        let mut faults = Vec::new();
        for entry in entries {
            let Some(evidence) = entry.evidence() else { continue };
            let (folder, _) = entry.path().rsplit_once('/').unwrap_or_default();
            let mut files = Vec::new();
            for file in reread::sources(evidence) {
                let path = format!("{folder}/files/{}/{}", entry.number().padded(), file.name);
                files.push((file.name.as_str(), loaded.store.file(entry.commit(), &path)?));
            }
            let gate = entry
                .attempt()
                .and_then(|key| evaluator.policy(entry.number().0)?.pipeline(&key.pipeline)?.gate(&key.gate));
            if !files.is_empty() {
                faults.extend(reread::compare(entry, &files, gate.and_then(Gate::phrase)));
            }
        }
        Ok(faults)
    }

    /// The same for the entries a decision rests on: what is to be signed or promoted must be true.
    pub fn refuse_lying_facts(
        &self,
        loaded: &Loaded,
        evaluator: &Evaluator<'_>,
        decision: &Decision,
    ) -> Result<(), Failure> {
        let ledger = evaluator.ledger();
        let entries = decision.rules.iter().flat_map(|rule| &rule.by).filter_map(|(number, _)| ledger.entry(*number));
        let faults = self.lying_facts(loaded, evaluator, entries)?;
        if faults.is_empty() { Ok(()) } else { Err(Failure::broken(faults)) }
    }

    fn told(&mut self, loaded: Loaded) -> Result<Loaded, Failure> {
        let tip = &loaded.tip;
        if let Some(Elsewhere { remote, diverged }) = &tip.elsewhere {
            let line = match diverged {
                false => format!(
                    "note: {remote} has entries that are not here yet\n  → git fetch {remote} evidence:evidence"
                ),
                true => format!(
                    "note: {remote} and this clone each have entries the other has not; keep yours aside, take theirs, \
                     and bring yours again\n  → git branch -m evidence evidence-unsent && git fetch {remote} evidence:evidence"
                ),
            };
            self.printer.talk(line);
        }
        Ok(loaded)
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
            return Err(no_key(&candidates, wanted, problems));
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
        let chosen = chosen.ok_or_else(|| no_key(&candidates, None, problems))?;
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
    let size = evaluator.ledger().size();
    evaluator.policy(size).ok_or_else(|| {
        let text = evaluator.ledger().policies().last().map(|policy| policy.text()).unwrap_or_default();
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

fn no_key(candidates: &[Candidate], wanted: Option<&Person>, problems: Vec<KeyDoorError>) -> Failure {
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

/// The commit a tip stands at, for compare-and-swap.
pub const fn expected(tip: &Tip) -> Option<&ObjectId> {
    if tip.local { Some(&tip.commit) } else { None }
}
