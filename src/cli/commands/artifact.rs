//! `ledger artifact check`: are the files here, or the sums somebody published, those that were recorded?

use std::path::{Path, PathBuf};

use super::Answer;
use crate::cli::args::{path, text};
use crate::cli::context::{Context, current_policy};
use crate::cli::failure::Failure;
use crate::cli::hashing::{hash_all, hash_directory};
use crate::cli::load::Loaded;
use crate::cli::output::{SCHEMAS, table};
use crate::cli::select::{self, document_digests};
use crate::entry::kinds::{EvidenceFile, Stored};
use crate::evidence::facts::Fact;
use crate::evidence::manifest::{self, Manifest};
use crate::evidence::readers::{self, Input, ReadError};
use crate::id::{Digest, EntryNumber, Name, Version};
use crate::policy::evaluate::shell;
use crate::policy::{Evaluator, Pipeline, artifact_files};
use crate::report::escape::visible;

/// Compare build products with what was recorded
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: ArtifactCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ArtifactCommand {
    /// Whether the files here are the recorded ones, byte for byte: 0 all of them, 1 not
    #[command(
        before_help = "Examples:\n  ledger artifact check                          the declared files of the newest release, in this work tree\n  ledger artifact check /mnt/nas/1.4.0           the same below another folder\n  ledger artifact check --sums portal.sha256     the sums a portal publishes"
    )]
    Check {
        /// Folder the declared paths lie in; default: the work tree
        #[arg(value_parser = path())]
        folder: Option<PathBuf>,
        /// A checksum file instead of the files
        #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with = "folder")]
        sums: Option<PathBuf>,
        /// Pipeline, where there are several
        #[arg(long, value_parser = text())]
        pipeline: Option<String>,
        /// Release; default: the newest
        #[arg(long, value_parser = text())]
        release: Option<String>,
    },
}

/// An artifact the release promised, and what became of it.
struct Compared {
    name: Name,
    path: String,
    recorded: Option<(EntryNumber, EvidenceFile)>,
    found: Found,
}

enum Found {
    Same,
    Other(Digest, Vec<String>),
    Missing(String),
    Unrecorded,
}

pub fn run(args: &Args, context: &mut Context<'_>) -> Result<Answer, Failure> {
    let ArtifactCommand::Check { folder, sums, pipeline, release } = &args.command;
    let loaded = context.load(release.as_deref())?;
    let evaluator = Evaluator::new(&loaded.ledger);
    let policy = current_policy(&evaluator)?;
    let pipeline = match pipeline {
        Some(text) => policy
            .pipeline(&Name::parse(text)?)
            .ok_or_else(|| Failure::usage(format!("no pipeline is called {text:?}")))?,
        None => only_pipeline(&policy.pipelines)?,
    };
    let release = select::release(&loaded, pipeline, release.as_deref())?;
    let promised = pipeline.promised(&release);
    if promised.is_empty() {
        return Err(Failure::usage(format!("pipeline {} declares no artifacts", pipeline.id)));
    }
    let published = sums.as_deref().map(|file| Published::read(context, file)).transpose()?;
    tell_of_older_openings(context, &loaded, pipeline, &release);
    let root = match folder {
        Some(folder) if !context.world().is_directory(folder) => {
            return Err(Failure::unknown(format!("there is no folder {}", folder.display()))
                .hint("name the folder the declared paths lie in, or compare published sums: --sums FILE"));
        }
        Some(folder) => folder.clone(),
        None => loaded.store.work_tree().map(Path::to_owned).unwrap_or_default(),
    };
    let files = artifact_files(loaded.ledger.view(), pipeline, &release);
    let mut compared = Vec::new();
    for artifact in promised {
        let recorded = files.get(artifact.path.as_str()).map(|(entry, file)| (entry.number(), (*file).clone()));
        let found = match (&recorded, &published) {
            (None, _) => Found::Unrecorded,
            (Some((_, file)), Some(published)) => published.compare(file)?,
            (Some((entry, file)), None) => in_folder(context, &loaded, *entry, file, &root.join(&artifact.path))?,
        };
        compared.push(Compared { name: artifact.name, path: artifact.path, recorded, found });
    }
    let all_same = compared.iter().all(|one| matches!(one.found, Found::Same));
    tell(context, release.as_str(), &compared, all_same);
    Ok(if all_same { Answer::Yes } else { Answer::No })
}

fn only_pipeline(pipelines: &[Pipeline]) -> Result<&Pipeline, Failure> {
    match pipelines {
        [one] => Ok(one),
        several => {
            let names: Vec<&str> = several.iter().map(|pipeline| pipeline.id.as_str()).collect();
            Err(Failure::usage("there are several pipelines")
                .hint(format!("say which: --pipeline {}", names.join(" or "))))
        }
    }
}

/// What a portal publishes: sums by base name, or the list of a directory's files.
struct Published {
    sums: Result<Vec<(String, String)>, ReadError>,
    name: String,
    /// Of the file itself, whatever its line endings.
    digests: Vec<Digest>,
}

impl Published {
    fn read(context: &Context<'_>, file: &Path) -> Result<Self, Failure> {
        let unreadable = |error| Failure::unknown(format!("cannot read {}: {error}", file.display()));
        let bytes = context.world().read(file).map_err(unreadable)?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let reader = readers::find("checksums").ok_or_else(|| Failure::unknown("there is no reader of checksums"))?;
        let sums = (reader.read)(&Input::plain(&name, &bytes)).map(|facts| match facts.get("sums") {
            Some(Fact::Group(sums)) => sums.iter().map(|(name, sum)| (name.clone(), sum.to_string())).collect(),
            _ => Vec::new(),
        });
        Ok(Self { sums, name: file.display().to_string(), digests: document_digests(&bytes) })
    }

    /// Of a directory the digest of its list is published, under its own name or that of the list, or the list itself.
    fn compare(&self, file: &EvidenceFile) -> Result<Found, Failure> {
        if self.digests.contains(&file.sha256) {
            return Ok(Found::Same);
        }
        let sums = self.sums.as_ref();
        let sums =
            sums.map_err(|error| Failure::usage(format!("{} does not read as checksums: {error}", self.name)))?;
        let base = file.path.rsplit('/').next().unwrap_or_default();
        let of = |wanted: &str| sums.iter().find(|(name, _)| name == wanted);
        Ok(match of(base).or_else(|| of(file.name.as_str())) {
            None => Found::Missing(format!("no sum of {base} is published")),
            Some((_, sum)) if *sum == file.sha256.to_string() => Found::Same,
            Some((_, sum)) => Digest::parse(sum)
                .map_or_else(|_| Found::Missing("no sum".to_owned()), |sum| Found::Other(sum, Vec::new())),
        })
    }
}

/// An attempt promises what the policy declared when it was opened.
fn tell_of_older_openings(context: &mut Context<'_>, loaded: &Loaded, pipeline: &Pipeline, release: &Version) {
    let promised = pipeline.promised(release);
    for gate in &pipeline.gates {
        let latest = loaded.ledger.view().latest(&pipeline.id, &gate.id, release);
        if latest.is_some_and(|attempt| attempt.open.artifacts != promised) {
            let release = shell(release.as_str());
            context.printer.talk(format!(
                "note: {0} was opened when other artifacts were declared, and goes by those\n  → ledger open {0} --release {release} --retry",
                gate.id
            ));
        }
    }
}

fn in_folder(
    context: &mut Context<'_>,
    loaded: &Loaded,
    entry: EntryNumber,
    file: &EvidenceFile,
    path: &Path,
) -> Result<Found, Failure> {
    let unreadable = |error: std::io::Error| Failure::unknown(format!("cannot read {}: {error}", path.display()));
    if context.world().is_directory(path) {
        let found = hash_directory(context.printer.world, path).map_err(unreadable)?;
        let digest = Digest::of(manifest::print(&found).as_bytes());
        if digest == file.sha256 {
            return Ok(Found::Same);
        }
        let differences = listed(loaded, entry, file).map(|recorded| manifest::differences(&recorded, &found));
        return Ok(Found::Other(digest, differences.unwrap_or_default()));
    }
    if !context.world().exists(path) {
        return Ok(Found::Missing("it is not there".to_owned()));
    }
    let digest = hash_all(context.printer.world, &[path.to_owned()]).pop().transpose().map_err(unreadable)?;
    Ok(match digest {
        Some((_, digest)) if digest == file.sha256 => Found::Same,
        Some((_, digest)) => Found::Other(digest, Vec::new()),
        None => Found::Missing("it is not there".to_owned()),
    })
}

/// The list of a directory's files, as it was recorded.
fn listed(loaded: &Loaded, entry: EntryNumber, file: &EvidenceFile) -> Option<Manifest> {
    let entry = loaded.ledger.entry(entry).filter(|_| file.stored == Stored::Inline)?;
    let bytes = loaded.store.file(entry.commit(), &entry.file_path(file.name.as_str())).ok()?;
    let verified = Digest::of(&bytes) == file.sha256;
    String::from_utf8(bytes).ok().filter(|_| verified).and_then(|text| manifest::parse(&text))
}

fn tell(context: &mut Context<'_>, release: &str, compared: &[Compared], all_same: bool) {
    if context.printer.json {
        let artifacts: Vec<serde_json::Value> = compared.iter().map(as_json).collect();
        return context.printer.json(&serde_json::json!({
            "schema": format!("{SCHEMAS}artifact-check/v0.1"), "release": release,
            "verdict": if all_same { "same" } else { "different" }, "artifacts": artifacts,
        }));
    }
    let rows: Vec<Vec<String>> = compared
        .iter()
        .map(|one| {
            let mark = if matches!(one.found, Found::Same) { context.printer.good() } else { context.printer.bad() };
            let entry = one.recorded.as_ref().map(|(entry, _)| format!("#{entry}")).unwrap_or_default();
            vec![format!("  {mark}"), one.name.to_string(), entry, visible(&described(one))]
        })
        .collect();
    for (line, one) in table(&rows).into_iter().zip(compared) {
        context.printer.say(line);
        if let Found::Other(_, differences) = &one.found {
            differences.iter().take(20).for_each(|line| context.printer.say(format!("      {}", visible(line))));
            if differences.len() > 20 {
                context.printer.say(format!("      and {} more", differences.len() - 20));
            }
        }
    }
    let word = if all_same { "every artifact is as recorded" } else { "not every artifact is as recorded" };
    context.printer.say(format!("{}: {word}", visible(release)));
}

fn described(one: &Compared) -> String {
    match (&one.found, &one.recorded) {
        (Found::Same, Some((_, file))) => format!("{} sha256:{}", one.path, file.sha256.short()),
        (Found::Other(found, _), Some((_, file))) => {
            format!("{} was recorded as sha256:{}, is sha256:{found}", one.path, file.sha256)
        }
        (Found::Missing(why), _) => format!("{}: {why}", one.path),
        _ => format!("{} has not been recorded", one.path),
    }
}

fn as_json(one: &Compared) -> serde_json::Value {
    let (state, found, differences) = match &one.found {
        Found::Same => ("same", one.recorded.as_ref().map(|(_, file)| file.sha256), &[][..]),
        Found::Other(found, differences) => ("different", Some(*found), differences.as_slice()),
        Found::Missing(_) => ("missing", None, &[][..]),
        Found::Unrecorded => ("unrecorded", None, &[][..]),
    };
    serde_json::json!({
        "name": one.name, "path": one.path, "state": state, "found": found, "differences": differences,
        "recorded": one.recorded.as_ref().map(|(_, file)| file.sha256), "entry": one.recorded.as_ref().map(|(entry, _)| entry),
    })
}
