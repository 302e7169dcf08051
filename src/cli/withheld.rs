//! What a command left and the ledger cannot keep. The command ran, and that stays on record with its exit code: of
//! such a file the size and the digest, and why the rest is missing.

use std::path::{Path, PathBuf};

use super::capture::Output;
use super::context::Context;
use super::failure::Failure;
use super::files::{Bringing, Brought, Taking};
use super::secrets::{self, MAX_LINES, MAX_LISTED, Masked, line_of};
use super::storing::{HELD_MOST, Upload};
use crate::entry::kinds::{EvidenceFile, Stored};
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::readers::WITHHELD;
use crate::evidence::secrets::{Finding, Mark};
use crate::id::{Digest, FileName};
use crate::policy::reread::STREAMS;
use crate::report::escape::visible;
use crate::store::git::{GitStore, MAX_READ};

/// Files of one run that are not kept.
#[derive(Default)]
pub struct Withheld {
    names: Vec<FileName>,
    why: Vec<String>,
    rules: Vec<String>,
    lines: Vec<String>,
    /// The lines for people.
    told: Vec<String>,
}

impl Withheld {
    /// The files a command made, whatever they are.
    pub fn bring(
        &mut self,
        context: &mut Context<'_>,
        store: &GitStore,
        taking: &Taking<'_>,
        made: &[PathBuf],
    ) -> Vec<Brought> {
        let mut bringing = Bringing::default();
        let mut brought = Vec::new();
        for path in made {
            let is_link = context.world().is_link(path);
            let one = match is_link {
                true => Err(Failure::usage("it is a link, and what it leads to may change")),
                false => bringing.one(context, store, taking, path),
            };
            brought.push(one.unwrap_or_else(|failure| {
                let recorded = if is_link { shown(path) } else { context.recorded_path(store, path) };
                let hashed = if is_link { None } else { context.world().hash(path).ok() };
                let (size, sha256) = hashed.unwrap_or((0, Digest::of(b"")));
                let name = bringing.name(&recorded);
                let file = EvidenceFile {
                    name,
                    path: recorded,
                    size,
                    sha256,
                    stored: Stored::Inline,
                    location: None,
                    role: None,
                };
                let mut one = Brought { file, bytes: None, upload: Upload::None };
                self.leave_out(taking, &mut one, hashed.is_some(), &failure.message);
                one
            }));
        }
        brought
    }

    /// Keeps secrets out of what is kept: masked where that is asked for and can be done, else with their whole file.
    pub fn keep_out(
        &mut self,
        context: &mut Context<'_>,
        taking: &Taking<'_>,
        brought: &mut [Brought],
        streams: [&Output; 2],
    ) -> Facts {
        if taking.secrets.allowed().unwrap_or_default() {
            return secrets::keep_out(context, taking, &[], brought).unwrap_or_else(|failure| {
                brought.iter_mut().for_each(|one| self.leave_out(taking, one, true, &failure.message));
                Facts::new()
            });
        }
        let mut marks: Vec<Masked> = Vec::new();
        for one in brought.iter_mut().filter(|one| one.bytes.is_some() || one.upload != Upload::None) {
            if taking.secrets.redact {
                marks.extend(self.mask(taking, one));
                continue;
            }
            match secrets::found_in(context, one) {
                Ok(found) if found.is_empty() => {}
                Ok(found) => {
                    self.note(one, &found);
                    // Of a long output both ends are kept; said is what it was as a whole.
                    let whole = STREAMS.iter().zip(streams).find(|(path, _)| one.file.path == **path);
                    if let Some((_, output)) = whole {
                        (one.file.size, one.file.sha256) = (output.size, output.sha256);
                    }
                    self.leave_out(taking, one, true, "it holds what looks like a secret");
                }
                Err(failure) => self.leave_out(taking, one, true, &failure.message),
            }
        }
        secrets::on_record(context, &marks).into_iter().collect()
    }

    fn mask(&mut self, taking: &Taking<'_>, one: &mut Brought) -> Vec<Masked> {
        match secrets::mask(one, taking.storing) {
            Ok(marks) if marks.is_empty() => return marks,
            Ok(marks) => match &taking.rule.file {
                None => return marks,
                Some(document) => {
                    let why =
                        format!("it holds what looks like a secret, and {document} is compared with the work tree");
                    self.leave_out(taking, one, true, &why);
                }
            },
            Err(failure) => {
                let found = one.bytes.as_deref().map(crate::evidence::secrets::find).unwrap_or_default();
                self.note(one, &found);
                self.leave_out(taking, one, true, &failure.message);
            }
        }
        Vec::new()
    }

    /// Leaves out what is more than one entry holds, in the ledger or on the way to a store.
    pub fn fit(&mut self, taking: &Taking<'_>, brought: &mut [Brought]) {
        let (mut inline, mut held) = (0_u64, 0_u64);
        for one in brought {
            let size = one.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            let (sum, most) =
                if one.file.stored == Stored::Inline { (&mut inline, MAX_READ) } else { (&mut held, HELD_MOST) };
            if sum.saturating_add(size) > most {
                self.leave_out(taking, one, true, &format!("the files of one entry hold at most {} MiB", most >> 20));
            } else {
                *sum += size;
            }
        }
    }

    /// Puts into the store what is to go there; what cannot be put is left out.
    pub fn upload(&mut self, context: &mut Context<'_>, taking: &Taking<'_>, brought: &mut [Brought]) {
        let Err(failure) = taking.storing.upload(context, brought) else { return };
        for one in brought.iter_mut().filter(|one| one.upload != Upload::None) {
            self.leave_out(taking, one, true, &failure.message);
        }
    }

    /// Whether a file is not kept, so that no reader may say anything about it.
    pub fn has(&self, one: &Brought) -> bool {
        self.names.contains(&one.file.name)
    }

    /// Tells people what is missing, and what to do the next time.
    pub fn tell(&self, context: &mut Context<'_>) {
        for line in self.told.iter().take(MAX_LINES) {
            context.printer.talk(line);
        }
        for why in &self.why {
            context.printer.talk(format!("note: not kept: {}", visible(why)));
        }
        if !self.lines.is_empty() {
            context.printer.talk("  → change the secret if it is a real one, and keep it out of the output");
            context
                .printer
                .talk("  → or run it again with --redact, or with --allow-secret REASON where everybody may know it");
        }
        if !self.names.is_empty() {
            context.printer.talk("note: the run is recorded with its exit code, and no facts of what is not kept");
        }
    }

    /// What is missing, for whoever reads the entry.
    pub fn fact(&self) -> Option<(String, Fact)> {
        let list = |all: &[String]| Fact::List(all.iter().take(MAX_LISTED).cloned().collect());
        let facts = Facts::from([
            ("count".to_owned(), self.names.len().into()),
            ("files".to_owned(), list(&self.why)),
            ("rules".to_owned(), list(&self.rules)),
            ("lines".to_owned(), list(&self.lines)),
        ]);
        (!self.names.is_empty()).then(|| (WITHHELD.to_owned(), Fact::Group(facts)))
    }

    fn note(&mut self, one: &Brought, found: &[Finding]) {
        self.told.extend(found.iter().map(|finding| line_of(&one.file.path, finding)));
        self.lines.extend(found.iter().map(|finding| format!("{}:{}", one.file.name, finding.line)));
        self.rules.extend(found.iter().map(|found| Mark { lines: (found.line, found.line), kind: found.kind }.rule()));
        self.rules.sort();
        self.rules.dedup();
    }

    /// Its bytes are kept nowhere. Whoever asks for masks is not told the digest either: a short secret could be
    /// guessed from it.
    fn leave_out(&mut self, taking: &Taking<'_>, one: &mut Brought, is_hashed: bool, why: &str) {
        let why: String = visible(why.lines().next().unwrap_or_default()).chars().take(MAX_WHY).collect();
        self.names.push(one.file.name.clone());
        self.why.push(format!("{}: {why}", one.file.name));
        one.upload = Upload::None;
        one.file.location = None;
        if is_hashed && !taking.secrets.redact {
            one.bytes = None;
            one.file.stored = Stored::External;
            return;
        }
        let mark = format!("[WITHHELD: {why}]\n").into_bytes();
        (one.file.size, one.file.sha256, one.file.stored) = (mark.len() as u64, Digest::of(&mark), Stored::Inline);
        one.bytes = Some(mark);
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// A statement has little room.
const MAX_WHY: usize = 200;
