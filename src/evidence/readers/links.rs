//! Where the links of a Markdown document lead: to a file of the source and a place in it, or to nothing.
//!
//! Sources: CommonMark 0.31.2; RFC 3986 for schemes and percent signs; GitHub for what it makes of paths and
//! headings. An address elsewhere is never fetched. Links in code are none, and raw HTML counts for nothing.

mod anchors;

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{Event, LinkType, Parser, Tag};
use unicode_normalization::UnicodeNormalization as _;

use self::anchors::anchors;
use super::{ReadError, markdown};
use crate::evidence::text;

/// One link of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// 1-based line of the document.
    pub line: usize,
    /// Where it leads, as written.
    pub target: String,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Found,
    /// An address outside the source: nobody looked.
    External,
    MissingFile,
    /// The file is there, and has no such heading or line.
    MissingAnchor,
}

impl State {
    pub fn is_missing(self) -> bool {
        matches!(self, Self::MissingFile | Self::MissingAnchor)
    }
}

/// What lies at a path.
pub enum Target {
    File(Vec<u8>),
    Folder,
}

/// Every link of a document that lies at `path`, from the root of the source. `look` knows what lies at other
/// paths there.
pub fn check(path: &str, bytes: &[u8], look: &mut dyn FnMut(&str) -> Option<Target>) -> Result<Vec<Link>, ReadError> {
    let text = markdown::decode(bytes, "a document")?;
    let mut source = Source { path, own: Place::of(path, bytes), look, places: BTreeMap::new() };
    let (mut line, mut at) = (1, 0);
    let mut links = Vec::new();
    for (event, range) in Parser::new_ext(&text, markdown::OPTIONS).into_offset_iter() {
        let Event::Start(Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. }) = event else {
            continue;
        };
        let between = text.get(at..range.start).unwrap_or_default();
        line += memchr::memchr_iter(b'\n', between.as_bytes()).count();
        at = range.start.max(at);
        let elsewhere = link_type == LinkType::Email || is_external(&dest_url);
        let state = if elsewhere { State::External } else { source.state(&dest_url) };
        links.push(Link { line, target: dest_url.into_string(), state });
    }
    Ok(links)
}

/// The files around a document, each looked at once.
struct Source<'s> {
    path: &'s str,
    own: Place,
    look: &'s mut dyn FnMut(&str) -> Option<Target>,
    places: BTreeMap<String, Option<Place>>,
}

impl Source<'_> {
    fn state(&mut self, target: &str) -> State {
        let (address, fragment) = target.split_once('#').map_or((target, None), |(a, f)| (a, Some(f)));
        let address = address.split('?').next().unwrap_or_default();
        let place = match address {
            // `[text]()` leads nowhere, `#here` into the document itself.
            "" if fragment.is_none() => return State::MissingFile,
            "" => Some(&self.own),
            _ => self.place(&percent_decoded(address)),
        };
        match (place, fragment) {
            (None, _) => State::MissingFile,
            (Some(place), Some(fragment)) if !place.has(&percent_decoded(fragment)) => State::MissingAnchor,
            _ => State::Found,
        }
    }

    fn place(&mut self, address: &str) -> Option<&Place> {
        let path = resolved(self.path, address)?;
        if !self.places.contains_key(&path) {
            // macOS writes names in another form than the people who link to them.
            let forms = [path.clone(), path.nfc().collect(), path.nfd().collect()];
            let known = self.places.len() < MAX_FILES;
            let target = forms.iter().filter(|_| known).find_map(|form| (self.look)(form));
            let place = target.map(|target| match target {
                Target::File(bytes) => Place::of(&path, &bytes),
                Target::Folder => Place::default(),
            });
            self.places.insert(path.clone(), place);
        }
        self.places.get(&path)?.as_ref()
    }
}

/// What can be linked to in a file.
#[derive(Default)]
struct Place {
    anchors: BTreeSet<String>,
    lines: usize,
}

impl Place {
    fn of(path: &str, bytes: &[u8]) -> Self {
        let name = path.to_lowercase();
        let Some(text) = text::decode_local(bytes) else { return Self::default() };
        match name.ends_with(".md") || name.ends_with(".markdown") {
            true => Self {
                anchors: markdown::decode(bytes, "a document").map_or_else(|_| BTreeSet::new(), |text| anchors(&text)),
                lines: 0,
            },
            false => Self { anchors: BTreeSet::new(), lines: text.lines().count() },
        }
    }

    /// Whether a fragment leads to something: a heading, or `L7` or `L7-L9` of a file that is no Markdown.
    fn has(&self, fragment: &str) -> bool {
        let line = |text: &str| text.strip_prefix('L').and_then(|number| number.parse::<usize>().ok());
        let (first, last) = fragment.split_once('-').unwrap_or((fragment, fragment));
        let has_lines = matches!((line(first), line(last)), (Some(1..), Some(last)) if last <= self.lines);
        fragment.is_empty() || has_lines || self.anchors.contains(&fragment.nfc().collect::<String>())
    }
}

/// RFC 3986, 3.1: a scheme and a colon, or another host. One letter is a drive of somebody's machine.
fn is_external(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme || target.starts_with("//")
}

/// A path from the root of the source; `None` where it leads out of it.
fn resolved(from: &str, address: &str) -> Option<String> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let base = if address.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(address.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What percent signs stand for; a text that has other ones stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = code.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Different files looked at for one document; what more it links to counts as missing.
const MAX_FILES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// What of a document in `docs/` leads nowhere, beside a handful of files.
    fn missing(text: &str) -> Vec<String> {
        let mut look = |path: &str| match path {
            "" | "docs" => Some(Target::Folder),
            "README.md" => Some(Target::File(b"# Read me\n# Read me\n".to_vec())),
            "docs/\u{1107}\u{1162}\u{1111}\u{1169}.md" => Some(Target::File("## 배포 준비\n".into())),
            "docs/a b.txt" => Some(Target::File(b"1\n2\n".to_vec())),
            "docs/x.png" => Some(Target::File(vec![0xff, 0])),
            _ => None,
        };
        let links = check("docs/this.md", text.as_bytes(), &mut look).unwrap();
        let told = links.iter().filter(|link| link.state != State::Found);
        told.map(|link| format!("{} {} {:?}", link.line, link.target, link.state)).collect()
    }

    #[test]
    fn links_lead_to_files_and_headings_or_nowhere() {
        let none: [&str; 0] = [];
        let good = "# Own\n[a](../README.md) ![b](x.png) [c](/README.md#read-me-1) [d](#own) [e](#) [f](.) [g](../docs/)\n\
            [h](배포.md#배포-준비) [i](%EB%B0%B0%ED%8F%AC.md#%EB%B0%B0%ED%8F%AC-%EC%A4%80%EB%B9%84) [j](<a b.txt#L2>) [k](a%20b.txt#L1-L2)\n\
            [l][r] [r] ![m][r] [n](../README.md?plain=1 \"title\")\n\n[r]: ./../README.md#read-me\n\n`[o](gone.md)`\n\n    [p](gone.md)\n";
        assert_eq!(missing(good), none);
        let bad = "[a](gone.md)\n[b](../README.md#Read-me) [c](#gone)\n\n[d]()\n[e](../../README.md) [f](a%20b.txt#L3)\n[g](C:/x.md) ![h](x.png#here)\n[i](배포.md#준비) [j](docs\\this.md) [k](100%.md)\n";
        let expected = [
            "1 gone.md MissingFile",
            "2 ../README.md#Read-me MissingAnchor",
            "2 #gone MissingAnchor",
            "4  MissingFile",
            "5 ../../README.md MissingFile",
            "5 a%20b.txt#L3 MissingAnchor",
            "6 C:/x.md MissingFile",
            "6 x.png#here MissingAnchor",
            "7 배포.md#준비 MissingAnchor",
            "7 docs\\this.md MissingFile",
            "7 100%.md MissingFile",
        ];
        assert_eq!(missing(bad), expected);
        let external =
            "<https://a.example/#x> [b](mailto:a@b.example) <a@b.example> [c](//host/x) [d](HTTP://a.example)";
        assert!(missing(external).iter().all(|told| told.ends_with("External")));
        assert_eq!(missing(external).len(), 5);
    }

    #[test]
    fn every_file_is_looked_at_once_and_no_more_than_a_thousand() {
        let mut looks = 0;
        let mut look = |_: &str| {
            looks += 1;
            Some(Target::Folder)
        };
        let text: String = (0..1_002).map(|n| format!("[a]({n}) [b]({n})\n")).collect();
        let links = check("a.md", text.as_bytes(), &mut look).unwrap();
        assert_eq!(links.iter().filter(|link| link.state.is_missing()).count(), 4);
        assert_eq!(looks, 1_000);
    }

    #[test]
    fn hostile_text_is_read_or_refused_quickly() {
        for unit in ["[", "![", "[a](", "[a](b)", "[a](%)", "# a\n", "<a id=", "<!--", "[a]: b\n", "[a](#a)\n", "../"] {
            let _ = check("a.md", unit.repeat(1_000_000 / unit.len()).as_bytes(), &mut |_| None);
        }
        assert!(check("a.md", "> ".repeat(500_000).as_bytes(), &mut |_| None).is_err());
        assert!(check("a.md", b"\xC0", &mut |_| None).is_err());
    }
}
