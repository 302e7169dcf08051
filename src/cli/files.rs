//! Files brought as evidence: read or hashed, named, and given to their reader.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::failure::Failure;
use super::hashing::{files_below, hash_all, hash_directory};
use super::load::Loaded;
use super::secrets::Secrets;
use super::select::Question;
use super::storing::{READ_MOST, Storing, Upload, can_be_read};
use crate::entry::Attachment;
use crate::entry::kinds::{EvidenceFile, FileRole, Stored};
use crate::evidence::facts::Facts;
use crate::evidence::manifest;
use crate::evidence::readers::{self, ARTIFACT, Input, PLAN_STATUS, Reader, Wanted};
use crate::id::{Digest, FileName, Name, fold};
use crate::policy::{ArtifactCheck, Files, Gate, Rule, globs};
use crate::report::escape::visible;
use crate::store::git::GitStore;

/// One file as it was found.
#[derive(Clone)]
pub struct Brought {
    pub file: EvidenceFile,
    /// `None` when only the digest is kept, or the file is too large for a reader.
    pub bytes: Option<Vec<u8>>,
    pub upload: Upload,
}

/// How files are to be taken.
pub struct Taking<'t> {
    pub rule: &'t Rule,
    pub format: Option<&'t str>,
    pub external: bool,
    pub location: Option<String>,
    pub storing: &'t Storing,
    pub secrets: &'t Secrets,
    /// The name of what comes on stdin.
    pub stdin_name: &'t str,
}

impl Taking<'_> {
    /// Whether only the digests of files are wanted, and so directories can be brought.
    pub fn by_digest(&self) -> bool {
        self.external || self.rule.formats == [ARTIFACT] || self.format == Some(ARTIFACT)
    }
}

/// The paths to record: those given, or the ones the rule itself names.
pub fn paths(
    context: &Context<'_>,
    loaded: &Loaded,
    question: &Question<'_>,
    rule: &Rule,
    given: &[PathBuf],
) -> Result<Vec<PathBuf>, Failure> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    let paths = promised_paths(loaded, question, rule)?;
    // A link in the tree must not make somebody publish a file of their own.
    let root = loaded.store.work_tree().and_then(|root| context.world().real_path(root));
    for path in &paths {
        let real = context.world().real_path(path);
        if let (Some(root), Some(real)) = (&root, real)
            && !real.starts_with(root)
        {
            return Err(Failure::usage(format!(
                "{} leads out of the repository, to {}",
                path.display(),
                real.display()
            )));
        }
    }
    Ok(paths)
}

fn promised_paths(loaded: &Loaded, question: &Question<'_>, rule: &Rule) -> Result<Vec<PathBuf>, Failure> {
    let root = loaded.store.work_tree().map(Path::to_owned).unwrap_or_default();
    let values = [("version", question.release.as_str())];
    if rule.artifacts == Some(ArtifactCheck::Recorded) {
        return Ok(question.pipeline.artifacts.iter().map(|artifact| root.join(artifact.path.fill(&values))).collect());
    }
    match (&rule.file, &rule.files) {
        (Some(template), _) => Ok(vec![root.join(template.fill(&values))]),
        (None, Some(files)) => picked(&root, files, question),
        (None, None) => {
            Err(Failure::usage(format!("which file is {}?", rule.slot))
                .hint(format!("ledger record {} FILE", rule.slot)))
        }
    }
}

/// The files a glob means, in the order of their names: all of them, or the last. None is no pass.
fn picked(root: &Path, files: &Files, question: &Question<'_>) -> Result<Vec<PathBuf>, Failure> {
    let glob = files.of(&question.release);
    let folder = globs::folder(&glob).unwrap_or_default();
    let below = files_below(&root.join(folder)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::no(format!("no file matches {glob}: there is no folder {folder}")),
        _ => Failure::unknown(format!("cannot read {folder}: {error}")),
    })?;
    use unicode_normalization::UnicodeNormalization as _;
    let mut found: Vec<String> = below.into_iter().map(|(path, _)| format!("{folder}/{path}")).collect();
    found.retain(|path| globs::matches(&glob, path));
    // As people read them: the same letter in another Unicode form does not come last.
    found.sort_by_cached_key(|path| path.nfc().collect::<String>());
    if !files.all {
        found = found.pop().into_iter().collect();
    }
    if found.is_empty() {
        return Err(Failure::no(format!("no file matches {glob}")));
    }
    Ok(found.into_iter().map(|path| root.join(path)).collect())
}

/// The reader: the one asked for, the rule's only one, or the one the first file looks like.
pub fn reader_for(taking: &Taking<'_>, name: &str, bytes: &[u8]) -> Result<&'static Reader, Failure> {
    if let Some(format) = taking.format {
        return readers::find(format).ok_or_else(|| unknown_format(format));
    }
    let fitting: Vec<&'static Reader> = taking.rule.formats.iter().filter_map(|format| readers::find(format)).collect();
    let input = Input::plain(name, bytes);
    match fitting.as_slice() {
        [] if taking.rule.formats == [PLAN_STATUS] => Err(Failure::usage(format!(
            "{} is counted from the rows of the plan: nothing is brought for it",
            taking.rule.slot
        ))
        .hint("ledger plan status")),
        [] => Err(Failure::usage(format!("{} is made by running a command", taking.rule.slot))
            .hint(format!("ledger run {} -- COMMAND", taking.rule.slot))),
        [only] => Ok(only),
        [first, ..] => Ok(fitting.iter().find(|reader| (reader.looks_like)(&input)).unwrap_or(first)),
    }
}

pub fn unknown_format(format: &str) -> Failure {
    let known: Vec<&str> = readers::READERS.iter().map(|reader| reader.format).collect();
    let failure = Failure::usage(format!("unknown format {format:?}"));
    match crate::findings::nearest(format, known.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure.hint(format!("the formats are {}", known.join(", "))),
    }
}

/// Reads every path; each gets a name of its own in the entry.
pub fn bring(
    context: &mut Context<'_>,
    store: &GitStore,
    taking: &Taking<'_>,
    paths: &[PathBuf],
) -> Result<Vec<Brought>, Failure> {
    let mut bringing = Bringing::default();
    let digests = digests(context, paths, taking.by_digest() && taking.storing.store_for(0, true).is_none());
    bringing.digests = digests.into_iter();
    paths.iter().map(|path| bringing.one(context, store, taking, path)).collect()
}

/// What files of one entry share: their names, and the memory they take.
#[derive(Default)]
pub struct Bringing {
    names: Vec<String>,
    held: u64,
    /// Those of the files to come, where they were made before.
    digests: std::vec::IntoIter<std::io::Result<(u64, Digest)>>,
}

impl Bringing {
    pub fn name(&mut self, recorded: &str) -> FileName {
        own_name(recorded, &mut self.names)
    }

    pub fn one(
        &mut self,
        context: &mut Context<'_>,
        store: &GitStore,
        taking: &Taking<'_>,
        path: &Path,
    ) -> Result<Brought, Failure> {
        let (is_input, by_digest) = (path.as_os_str() == "-", taking.by_digest());
        if by_digest && context.world().is_directory(path) {
            return directory(context, store, path, &mut self.names);
        }
        let bytes = match is_input {
            true => Some(read_input(context, taking.storing)?),
            false => read_file(context, taking.storing, path, by_digest, self.held)?,
        };
        let (size, sha256) = match &bytes {
            Some(bytes) => (bytes.len() as u64, Digest::of(bytes)),
            None => self
                .digests
                .next()
                .unwrap_or_else(|| context.world().hash(path))
                .map_err(|error| unreadable(path, &error))?,
        };
        if size == 0 {
            return Err(Failure::usage(format!("{} is empty: an empty file is no evidence", path.display())));
        }
        let recorded = if is_input { taking.stdin_name.to_owned() } else { context.recorded_path(store, path) };
        let name = self.name(&recorded);
        let store = taking.storing.store_for(size, by_digest && !is_input);
        let stored = if bytes.is_some() && store.is_none() { Stored::Inline } else { Stored::External };
        let location = store.map(|store| store.of(sha256).to_string()).or_else(|| taking.location.clone());
        let upload = match (store, &bytes) {
            (None, _) => Upload::None,
            (Some(_), Some(_)) => Upload::Held,
            (Some(_), None) => Upload::File(path.to_owned()),
        };
        if upload == Upload::Held {
            self.held += size;
        }
        let file = EvidenceFile { name, path: recorded, size, sha256, stored, location, role: None };
        Ok(Brought { file, bytes, upload })
    }
}

/// Digests of the files that are brought by digest, in their order.
fn digests(context: &mut Context<'_>, paths: &[PathBuf], by_digest: bool) -> Vec<std::io::Result<(u64, Digest)>> {
    let is_file = |path: &&PathBuf| by_digest && path.as_os_str() != "-" && !context.world().is_directory(path);
    let files: Vec<PathBuf> = paths.iter().filter(is_file).cloned().collect();
    hash_all(context.printer.world, &files)
}

/// A directory is known by the digest of the list of its files, and the list is kept.
fn directory(
    context: &mut Context<'_>,
    store: &GitStore,
    path: &Path,
    names: &mut Vec<String>,
) -> Result<Brought, Failure> {
    let listed = hash_directory(context.printer.world, path);
    let listed = listed.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let bytes = manifest::print(&listed).into_bytes();
    let recorded = context.recorded_path(store, path);
    let name = own_name(&format!("{}.sha256", recorded.trim_end_matches('/')), names);
    let (size, sha256) = (bytes.len() as u64, Digest::of(&bytes));
    let recorded = recorded.trim_end_matches('/').to_owned();
    let file = EvidenceFile { name, path: recorded, size, sha256, stored: Stored::Inline, location: None, role: None };
    Ok(Brought { file, bytes: Some(bytes), upload: Upload::None })
}

/// The document as the release's source commit has it, where the rule compares with it.
pub fn template(loaded: &Loaded, question: &Question<'_>, rule: &Rule) -> Result<Option<Brought>, Failure> {
    let Some(template) = &rule.template else { return Ok(None) };
    let path = template.fill(&[("version", question.release.as_str())]);
    let commit = question.source(&loaded.ledger, &loaded.store)?;
    let bytes = loaded.store.file(&commit, &path).map_err(|error| {
        Failure::usage(format!("rule {} compares with {path}, which commit {commit} does not have: {error}", rule.id))
    })?;
    let base = path.rsplit('/').next().unwrap_or_default();
    let file = EvidenceFile {
        name: own_name(&format!("template-{base}"), &mut Vec::new()),
        path,
        size: bytes.len() as u64,
        sha256: Digest::of(&bytes),
        stored: Stored::Inline,
        location: None,
        role: Some(FileRole::Template),
    };
    Ok(Some(Brought { file, bytes: Some(bytes), upload: Upload::None }))
}

/// What the reader takes from the files. Where the bytes of one are not at hand there are a count and a size.
pub fn facts(reader: &Reader, gate: &Gate, slot: &Name, brought: &[Brought]) -> Result<Facts, Failure> {
    if brought.iter().any(|one| one.bytes.is_none()) {
        let size: u64 = brought.iter().filter(|one| one.file.role.is_none()).map(|one| one.file.size).sum();
        let bytes = usize::try_from(size).unwrap_or(usize::MAX);
        let files = brought.iter().filter(|one| one.file.role.is_none()).count();
        return Ok(Facts::from([("files".to_owned(), files.into()), ("bytes".to_owned(), bytes.into())]));
    }
    let template = brought.iter().find(|one| one.file.role.is_some()).and_then(|one| one.bytes.as_deref());
    let wanted = Wanted { template, ..gate.wanted(slot) };
    let evidence = brought.iter().filter(|one| one.file.role.is_none());
    let inputs: Vec<Input<'_>> = evidence
        .map(|one| Input { name: one.file.name.as_str(), bytes: one.bytes.as_deref().unwrap_or_default(), wanted })
        .collect();
    readers::read_all(reader, &inputs).map_err(|(index, error)| {
        let name = brought.get(index).map_or("", |one| one.file.path.as_str());
        let short: String = visible(&error.to_string()).chars().take(300).collect();
        Failure::usage(format!("{name} does not read as {}: {short}", reader.format))
    })
}

/// A document of the source tree is compared with every colleague's work tree: one that is not
/// committed as it is will differ there.
pub fn warn_of_uncommitted(context: &mut Context<'_>, store: &GitStore, rule: &Rule, brought: &[Brought]) {
    let Some(first) = brought.first().filter(|_| rule.file.is_some()) else { return };
    let committed = store.head_file(&first.file.path).ok().flatten().is_some_and(|bytes| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        first.bytes.as_ref().is_some_and(|own| text(own) == text(&bytes))
    });
    if !committed {
        let path = &first.file.path;
        context.printer.talk(format!(
            "note: {} is not committed as it is, so colleagues' work trees will differ\n  → git add {0} && git commit",
            visible(path)
        ));
    }
}

pub fn attachments(brought: Vec<Brought>) -> Vec<Attachment> {
    let inline = brought.into_iter().filter(|one| one.file.stored == Stored::Inline);
    inline.filter_map(|one| Some(Attachment { name: one.file.name, bytes: one.bytes? })).collect()
}

/// A file name that is safe everywhere and new in this entry: what cannot stand becomes `_`.
fn own_name(path: &str, taken: &mut Vec<String>) -> FileName {
    use unicode_normalization::UnicodeNormalization as _;
    let base = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String =
        base.nfc().map(|c| if crate::id::is_invisible(c) || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    let cleaned = cleaned.trim_start_matches('.').trim_end_matches(['.', ' ']);
    let (stem, extension) =
        cleaned.rsplit_once('.').map_or((cleaned, String::new()), |(stem, ext)| (stem, format!(".{ext}")));
    let stem: String = stem.chars().take(60).collect();
    for repeat in 1.. {
        let suffix = if repeat == 1 { String::new() } else { format!(".{repeat}") };
        let candidate =
            [format!("{stem}{suffix}{extension}"), format!("_{stem}{suffix}{extension}"), format!("file{suffix}")];
        let Some(name) = candidate.iter().find_map(|name| FileName::parse(name).ok()) else { continue };
        let folded = fold(name.as_str());
        if !taken.contains(&folded) {
            taken.push(folded);
            return name;
        }
    }
    unreachable!("there are more numbers than files")
}

fn read_input(context: &mut Context<'_>, storing: &Storing) -> Result<Vec<u8>, Failure> {
    let most = if storing.store_for(READ_MOST, false).is_some() { READ_MOST } else { storing.inline };
    let bytes = context.printer.world.read_input(most + 1);
    let bytes = bytes.map_err(|error| Failure::unknown(format!("cannot read standard input: {error}")))?;
    match bytes.len() as u64 > most {
        true if most > storing.inline => {
            Err(Failure::usage(format!("standard input is larger than {} MiB", most >> 20))
                .hint("write it to a file, and bring that"))
        }
        true => Err(too_large("standard input", storing)),
        false => Ok(bytes),
    }
}

/// The bytes of a file, where they are kept in the ledger or given to a reader.
fn read_file(
    context: &Context<'_>,
    storing: &Storing,
    path: &Path,
    by_digest: bool,
    held: u64,
) -> Result<Option<Vec<u8>>, Failure> {
    let size = context.world().size(path).map_err(|error| unreadable(path, &error))?;
    match storing.store_for(size, by_digest) {
        None if by_digest => return Ok(None),
        None if size > storing.inline => return Err(too_large(&path.display().to_string(), storing)),
        Some(_) if !can_be_read(size, held) => return Ok(None),
        _ => {}
    }
    context.world().read(path).map(Some).map_err(|error| unreadable(path, &error))
}

fn too_large(what: &str, storing: &Storing) -> Failure {
    let limit = storing.inline;
    let limit =
        if limit.is_multiple_of(1 << 20) { format!("{} MiB", limit >> 20) } else { format!("{} KiB", limit >> 10) };
    Failure::usage(format!("{what} is larger than {limit}"))
        .hint("keep it in a store: --store URL_OR_DIR (docs/evidence-stores.md)")
        .hint("or record its digest only: --external, with --location where it can be had")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::unknown(format!("cannot read {}: {error}", path.display()));
    if error.kind() == std::io::ErrorKind::IsADirectory { failure.hint("name its files one by one") } else { failure }
}
