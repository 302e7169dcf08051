//! What looks like a secret stays out of the ledger, unless somebody says why it may come in.

use super::context::Context;
use super::failure::Failure;
use super::files::Brought;
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
    let files = brought.into_iter().filter_map(|one| Some((one.file.path.as_str(), one.bytes.as_deref()?)));
    let mut lines = Vec::new();
    for (place, bytes) in said.chain(files) {
        lines.extend(secrets::find(bytes).iter().map(|finding| line_of(place, finding)));
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

/// Never the secret, only where it is.
fn line_of(place: &str, Finding { line, kind, preview }: &Finding) -> String {
    // A message is told line by line, and a path can hold anything.
    format!("  {}:{line}: {} ({kind})", visible(place), visible(preview))
}

/// After so many, nobody reads on.
const MAX_LINES: usize = 10;
/// It is a sentence, and stands in the statement.
const MAX_REASON: usize = 300;
