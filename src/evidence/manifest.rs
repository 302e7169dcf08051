//! A directory in one text: the SHA-256 of every file in it, as `sha256sum` prints and checks them.
//!
//! One digest of that text stands for the directory. Paths are relative, with forward slashes, sorted by
//! their bytes; modes, times and empty folders are not part of it, and there are no links in it.

use std::collections::BTreeMap;

use crate::id::Digest;

/// Files of a directory by their path in it.
pub type Manifest = BTreeMap<String, Digest>;

/// The text of a manifest: `HEX  PATH` a line (GNU coreutils, "sha256sum"), a backslash before the line where
/// the path has one or a line break.
pub fn print(manifest: &Manifest) -> String {
    manifest.iter().map(|(path, digest)| line(path, *digest)).collect()
}

fn line(path: &str, digest: Digest) -> String {
    if path.contains(['\\', '\n', '\r']) {
        let escaped = path.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        return format!("\\{digest}  {escaped}\n");
    }
    format!("{digest}  {path}\n")
}

/// Reads a manifest of our own. Anything that would not be printed the same is none.
pub fn parse(text: &str) -> Option<Manifest> {
    let mut manifest = Manifest::new();
    for line in text.lines() {
        let (escaped, body) = line.strip_prefix('\\').map_or((false, line), |body| (true, body));
        let (hex, path) = body.split_once("  ")?;
        let path = if escaped { unescape(path)? } else { path.to_owned() };
        manifest.insert(path, Digest::parse(hex).ok()?);
    }
    (!manifest.is_empty() && print(&manifest) == text).then_some(manifest)
}

fn unescape(path: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                '\\' => '\\',
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}

/// How two states of a directory differ, in the order of their paths.
pub fn differences(recorded: &Manifest, found: &Manifest) -> Vec<String> {
    let mut paths: Vec<&String> = recorded.keys().chain(found.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let told = |path: &String| match (recorded.get(path), found.get(path)) {
        (Some(_), None) => Some(format!("{path} is gone")),
        (None, Some(digest)) => Some(format!("{path} is new: sha256:{digest}")),
        (Some(old), Some(new)) if old != new => Some(format!("{path} was sha256:{old}, is sha256:{new}")),
        _ => None,
    };
    paths.into_iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(paths: &[&str]) -> Manifest {
        paths.iter().map(|path| ((*path).to_owned(), Digest::of(path.as_bytes()))).collect()
    }

    #[test]
    fn a_manifest_reads_back_and_nothing_else_does() {
        let whole = manifest(&["b/모델.joblib", "a.txt", "odd\\name", "two\nlines", "B"]);
        let text = print(&whole);
        assert_eq!(parse(&text), Some(whole));
        assert!(text.starts_with(&format!("{}  B\n", Digest::of(b"B"))), "upper case first, by bytes: {text}");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(0, 1);
        for other in ["", "x", &text[1..], text.trim_end(), &text.to_uppercase(), &lines.join("\n"), &text.repeat(2)] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn differences_name_every_file() {
        let (old, mut new) = (manifest(&["a", "b", "c"]), manifest(&["b", "c", "d"]));
        new.insert("c".to_owned(), Digest::of(b"other"));
        let told = differences(&old, &new);
        assert_eq!(told.iter().map(|line| &line[..6]).collect::<Vec<_>>(), ["a is g", "c was ", "d is n"]);
        assert!(differences(&old, &old).is_empty());
    }
}
