//! What looks like a secret stays out of the ledger, unless somebody says why it may come in.

use std::io::{self, Read};
use std::path::Path;

use super::context::Context;
use super::failure::Failure;
use super::files::Brought;
use super::storing::Upload;
use crate::evidence::facts::{Fact, Facts};
use crate::evidence::secrets::{self, ALLOWED, Finding};
use crate::report::escape::visible;

/// Refuses texts and files that look as if they held a secret. With a reason they pass, and the reason
/// becomes a fact; `texts` are what else the statement will say, each with a name for people.
pub fn keep_out<'b>(
    context: &mut Context<'_>,
    reason: Option<&str>,
    texts: &[(&str, &str)],
    brought: impl IntoIterator<Item = &'b Brought>,
) -> Result<Facts, Failure> {
    let said = texts.iter().map(|(name, text)| (*name, text.as_bytes()));
    let mut lines: Vec<String> = Vec::new();
    for (place, bytes) in said {
        lines.extend(secrets::find(bytes).iter().map(|finding| line_of(place, finding)));
    }
    for one in brought {
        let found = match (&one.bytes, &one.upload) {
            (Some(bytes), _) => secrets::find(bytes),
            (None, Upload::File(path)) => find_in_file(context, path)?,
            (None, _) => Vec::new(),
        };
        lines.extend(found.iter().map(|finding| line_of(&one.file.path, finding)));
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
            .hint("or say why everybody with this repository may know it: --allow-secret REASON"));
    };
    let reason = reason.trim();
    let length = reason.chars().count();
    if length == 0 || length > MAX_REASON || !secrets::find(reason.as_bytes()).is_empty() {
        return Err(Failure::usage(format!(
            "--allow-secret needs a reason of 1 to {MAX_REASON} characters that holds no secret itself"
        )));
    }
    listed.lines().for_each(|line| context.printer.talk(visible(line)));
    context.printer.talk(format!("note: allowed, and on record: {}", visible(reason)));
    Ok(Facts::from([(ALLOWED.to_owned(), Fact::from(reason))]))
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
fn line_of(place: &str, Finding { line, kind, preview }: &Finding) -> String {
    // A message is told line by line, and a path can hold anything.
    format!("  {}:{line}: {} ({kind})", visible(place), visible(preview))
}

/// After so many, nobody reads on.
const MAX_LINES: usize = 10;
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
