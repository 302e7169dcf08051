//! What looks like a secret stays out of the ledger: it is refused, masked, or let in by somebody who says why.

use std::io::{self, Read};
use std::path::Path;

use super::args::text;
use super::context::Context;
use super::failure::Failure;
use super::files::{Brought, Taking};
use super::progress::mebibytes;
use super::storing::{HELD_MOST, READ_MOST, Storing, Upload};
use super::typed::FILE_NAME;
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::secrets::{self, ALLOWED, Finding, Mark, REDACTED};
use crate::id::Digest;
use crate::report::escape::visible;

/// What is to become of what looks like a secret; refused where nothing is said.
#[derive(Debug, Default, clap::Args)]
pub struct Secrets {
    /// Bring it although something in it looks like a secret, and record why
    #[arg(long, value_name = "REASON", value_parser = text())]
    allow_secret: Option<String>,
    /// Keep files and output with a mark in place of each secret, and record how many
    #[arg(long, conflicts_with = "allow_secret")]
    pub redact: bool,
}

impl Secrets {
    /// Whether somebody says why secrets may pass; the reason is checked before anything is done.
    pub fn allowed(&self) -> Result<bool, Failure> {
        self.allow_secret.as_deref().map(checked).transpose().map(|reason| reason.is_some())
    }
}

/// Keeps secrets out of what an entry will hold, and returns the facts of it. `texts` are what the statement
/// will say besides, each with a name for people: they stand there as they are or not at all.
pub fn keep_out(
    context: &mut Context<'_>,
    taking: &Taking<'_>,
    texts: &[(&str, &str)],
    brought: &mut [Brought],
) -> Result<Facts, Failure> {
    let Taking { rule, storing, secrets, .. } = taking;
    let names: Vec<String> = brought.iter().map(|one| one.file.path.clone()).collect();
    let names = names.iter().map(|name| (FILE_NAME, name.as_str()));
    let texts: Vec<(&str, &str)> = texts.iter().copied().chain(names).collect();
    let texts = texts.as_slice();
    if !secrets.redact {
        return refuse(context, secrets.allow_secret.as_deref(), texts, brought);
    }
    let mut facts = refuse(context, None, texts, &[])?;
    let mut marks = Vec::new();
    for one in brought.iter_mut() {
        marks.extend(mask(one, storing)?);
    }
    // Marks can be longer than what they stand for.
    let held: u64 = brought.iter().filter_map(|one| one.bytes.as_ref()).map(|bytes| bytes.len() as u64).sum();
    if !marks.is_empty() && held > HELD_MOST {
        let most = mebibytes(HELD_MOST);
        return Err(Failure::usage(format!("with their marks the files of the entry are larger than {most} MiB"))
            .hint("bring fewer at once"));
    }
    let Some((path, ..)) = marks.first() else { return Ok(facts) };
    if let Some(document) = &rule.file {
        return Err(Failure::usage(format!(
            "{} is compared with {document} of the work tree, and a masked copy would differ for ever",
            rule.slot
        ))
        .hint(format!("take the secret out of {} itself, and change it if it is a real one", visible(path))));
    }
    facts.extend(on_record(context, &marks));
    Ok(facts)
}

/// Something that is masked: the path and the name of its file, and where in it.
pub type Masked = (String, String, Mark);

/// Tells what is masked, for people and as a fact; nothing where nothing is.
pub fn on_record(context: &mut Context<'_>, marks: &[Masked]) -> Option<(String, Fact)> {
    if marks.is_empty() {
        return None;
    }
    for (path, _, mark) in marks.iter().take(MAX_LINES) {
        context.printer.talk(format!("  {}:{}: {}", visible(path), lines(mark), mark.kind));
    }
    let more = marks.len().saturating_sub(MAX_LINES);
    let more = if more > 0 { format!(", {more} more among them") } else { String::new() };
    context.printer.talk(format!("note: {} masked in what is kept, and on record{more}", marks.len()));
    Some((REDACTED.to_owned(), Fact::Group(redacted(marks))))
}

/// How many, by which rules, and on which lines of which files.
fn redacted(marks: &[Masked]) -> Facts {
    let mut rules: Vec<String> = marks.iter().map(|(_, _, mark)| mark.rule()).collect();
    rules.sort();
    rules.dedup();
    let listed = marks.iter().take(MAX_LISTED).map(|(_, name, mark)| format!("{name}:{}", lines(mark)));
    Facts::from([
        ("count".to_owned(), marks.len().into()),
        ("rules".to_owned(), Fact::List(rules)),
        ("lines".to_owned(), Fact::List(listed.collect())),
    ])
}

fn lines(mark: &Mark) -> String {
    match mark.lines {
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from}-{to}"),
    }
}

/// Masks what looks like a secret in a file that is kept, here or in a store. Size, digest and the place in the
/// store are those of the masked bytes: a short secret could be guessed from the digest of the file it stood in.
pub fn mask(one: &mut Brought, storing: &Storing) -> Result<Vec<Masked>, Failure> {
    let not_masked = |why: &str| Failure::usage(format!("{} cannot be masked: {why}", visible(&one.file.path)));
    let bytes = match (&one.bytes, &one.upload) {
        (Some(bytes), _) => bytes,
        (None, Upload::None) => return Ok(Vec::new()),
        (None, Upload::Held | Upload::File(_)) => {
            let (file, entry) = (mebibytes(READ_MOST), mebibytes(HELD_MOST));
            let why = format!("it is too large, as only {file} MiB of a file and {entry} MiB of an entry can be");
            return Err(
                not_masked(&why).hint("without --redact it is looked through, and refused if it holds a secret")
            );
        }
    };
    if secrets::find(bytes).is_empty() {
        return Ok(Vec::new());
    }
    let redacted = secrets::redact(bytes).map_err(|why| {
        not_masked(&why.to_string())
            .hint("take the secret out by hand, or keep the digest of the file only: --external without --store")
    })?;
    let size = redacted.bytes.len() as u64;
    if size > READ_MOST {
        return Err(not_masked(&format!("with its marks it is larger than {} MiB", mebibytes(READ_MOST))));
    }
    one.file.size = size;
    one.file.sha256 = Digest::of(&redacted.bytes);
    one.bytes = Some(redacted.bytes);
    storing.send(one);
    let masked = redacted.marks.into_iter();
    Ok(masked.map(|mark| (one.file.path.clone(), one.file.name.to_string(), mark)).collect())
}

/// Refuses texts and files that look as if they held a secret. With a reason they pass, and the reason
/// becomes a fact.
pub fn refuse(
    context: &mut Context<'_>,
    reason: Option<&str>,
    texts: &[(&str, &str)],
    brought: &[Brought],
) -> Result<Facts, Failure> {
    let said = texts.iter().map(|(name, text)| (*name, text.as_bytes()));
    let mut lines: Vec<String> = Vec::new();
    for (place, bytes) in said {
        lines.extend(secrets::find(bytes).iter().map(|finding| line_of(place, finding)));
    }
    for one in brought {
        // A path that holds one itself is not shown for what lies in the file.
        let path = Some(one.file.path.as_str()).filter(|path| secrets::find(path.as_bytes()).is_empty());
        lines.extend(found_in(context, one)?.iter().map(|finding| line_of(path.unwrap_or(FILE_NAME), finding)));
    }
    if lines.is_empty() {
        return Ok(Facts::new());
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    lines.extend((more > 0).then(|| format!("  and {more} more")));
    let listed = lines.join("\n");
    let Some(reason) = reason else {
        return Err(Failure::usage(format!("what looks like a secret would be kept for ever:\n{listed}"))
            .hint("take it out or mask it (NAME=***), and change the secret if it is a real one")
            .hint("or have it masked in what is kept: --redact")
            .hint("or say why everybody with this repository may know it: --allow-secret REASON"));
    };
    let reason = checked(reason)?;
    listed.lines().for_each(|line| context.printer.talk(visible(line)));
    context.printer.talk(format!("note: allowed, and on record: {}", visible(reason)));
    Ok(Facts::from([(ALLOWED.to_owned(), Fact::from(reason))]))
}

/// A reason that may stand in the statement.
fn checked(reason: &str) -> Result<&str, Failure> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if length == 0 || length > MAX_REASON || !secrets::find(reason.as_bytes()).is_empty() {
        return Err(Failure::usage(format!(
            "--allow-secret needs a reason of 1 to {MAX_REASON} characters that holds no secret itself"
        )));
    }
    Ok(reason)
}

/// What looks like a secret in a file that is kept, here or in a store.
pub fn found_in(context: &Context<'_>, one: &Brought) -> Result<Vec<Finding>, Failure> {
    match (&one.bytes, &one.upload) {
        (Some(bytes), _) => Ok(secrets::find(bytes)),
        (None, Upload::File(path)) => find_in_file(context, path),
        (None, _) => Ok(Vec::new()),
    }
}

fn find_in_file(context: &Context<'_>, path: &Path) -> Result<Vec<Finding>, Failure> {
    let found = context.world().open(path).and_then(|file| find_in_pieces(file, PIECE, OVERLAP));
    found.map_err(|error| Failure::unknown(format!("cannot read {}: {error}", path.display())))
}

/// What is found in a file too large to be held: piece by piece, each with the end of the one before it.
fn find_in_pieces(mut file: impl Read, piece: u64, overlap: usize) -> io::Result<Vec<Finding>> {
    let (mut found, mut text, mut lines): (Vec<Finding>, Vec<u8>, usize) = Default::default();
    loop {
        let before = text.len();
        file.by_ref().take(piece).read_to_end(&mut text)?;
        if text.len() == before || found.len() > MAX_LINES {
            return Ok(found);
        }
        for finding in secrets::find(&text) {
            let finding = Finding { line: finding.line + lines, ..finding };
            // What lies in the overlap is seen twice.
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
        let passed = text.len().saturating_sub(overlap);
        lines += text.drain(..passed).filter(|byte| *byte == b'\n').count();
    }
}

/// Bytes of a large file that are looked at in one go.
const PIECE: u64 = 8 << 20;
/// Longer than any secret and its name.
const OVERLAP: usize = 64 << 10;

/// Never the secret, only where it is.
pub(super) fn line_of(place: &str, Finding { line, kind, preview }: &Finding) -> String {
    // A message is told line by line, and a path can hold anything.
    format!("  {}:{line}: {} ({kind})", visible(place), visible(preview))
}

/// After so many, nobody reads on.
pub const MAX_LINES: usize = 10;
/// All facts of an entry must fit into one statement.
pub const MAX_LISTED: usize = 50;
/// It is a sentence, and stands in the statement.
const MAX_REASON: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_pieces_shows_what_the_whole_shows_wherever_it_is_cut() {
        let value = ["Zx81k", "Qp47w", "Lm20t"].concat();
        let text = format!("{0}\nDB_PASSWORD={value}\n{0}\n{0}\nSMTP_PASS={value}\n", "a line of a log\n".repeat(20));
        let whole = secrets::find(text.as_bytes());
        assert_eq!(whole.len(), 2);
        for piece in [100, 101, 137, 200, 256, 1000, 10_000] {
            assert_eq!(find_in_pieces(text.as_bytes(), piece, 64).unwrap(), whole, "{piece}");
        }
        assert_eq!(find_in_pieces(&b"nothing"[..], 3, 2).unwrap(), []);
        let many = format!("X_TOKEN={value}\n").repeat(1000);
        assert!(find_in_pieces(many.as_bytes(), 100, 64).unwrap().len() < 100);
    }
}
