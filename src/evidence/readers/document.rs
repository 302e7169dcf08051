//! Markdown documents such as release notes: where they link to, and how much they say.
//!
//! Source: CommonMark 0.31.2. Raw HTML counts for nothing, since a comment is never seen.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{Input, ReadError, Reader, markdown};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "document",
    about: "a Markdown document: its links, words, headings and the digests it quotes",
    facts: &["links", "words", "headings", "digests"],
    // Every checklist is a document as well, so a file becomes one only when somebody says so.
    looks_like: |_| false,
    read,
};

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    let text = markdown::decode(input.bytes, "a document")?;
    let mut tally = Tally::default();
    for (event, range) in Parser::new_ext(&text, markdown::OPTIONS).into_offset_iter() {
        let line = || 1 + text.get(..range.start).unwrap_or_default().matches('\n').count();
        tally.take(event).map_err(|message| ReadError::at(line(), message))?;
    }
    if tally.words == 0 {
        return Err(ReadError::whole("holds no words: an empty document is no evidence"));
    }
    Ok(Facts::from([
        ("links".to_owned(), Fact::List(tally.links)),
        ("words".to_owned(), Fact::from(tally.words)),
        ("headings".to_owned(), Fact::from(tally.headings)),
        ("digests".to_owned(), Fact::List(tally.digests)),
    ]))
}

#[derive(Default)]
struct Tally {
    /// In the order of the document, each once.
    links: Vec<String>,
    seen: BTreeSet<String>,
    /// SHA-256 in hexadecimal, as the document quotes them, each once.
    digests: Vec<String>,
    words: usize,
    headings: usize,
    /// The word being read is counted already.
    in_word: bool,
}

impl Tally {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Text(text) | Event::Code(text) => {
                self.text(&text);
                return self.quote(&text);
            }
            Event::Start(Tag::Link { dest_url, .. }) => return self.link(&dest_url),
            // Marks inside a line do not part words: **re**build is one.
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Image { .. })
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Image | TagEnd::Link)
            | Event::InlineHtml(_) => {}
            Event::Start(tag) => {
                self.in_word = false;
                self.headings += usize::from(matches!(tag, Tag::Heading { .. }));
            }
            _ => self.in_word = false,
        }
        Ok(())
    }

    /// A word is whatever stands between blanks and holds a letter or a digit.
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.in_word = false;
            } else if !self.in_word && c.is_alphanumeric() {
                self.in_word = true;
                self.words += 1;
            }
        }
    }

    /// Sixty-four hexadecimal digits that stand alone, in small letters whatever the document has.
    fn quote(&mut self, text: &str) -> Result<(), String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        for word in words.filter(|word| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit())) {
            let digest = word.to_ascii_lowercase();
            if self.digests.contains(&digest) {
                continue;
            }
            if self.digests.len() == MAX_LINKS {
                return Err(format!("quotes more than {MAX_LINKS} digests: split the document"));
            }
            self.digests.push(digest);
        }
        Ok(())
    }

    fn link(&mut self, to: &str) -> Result<(), String> {
        if to.len() > MAX_LINK {
            return Err(format!("links to an address of {} bytes; {MAX_LINK} are the most", to.len()));
        }
        // `[text]()` leads nowhere.
        if to.is_empty() || self.seen.contains(to) {
            return Ok(());
        }
        if self.links.len() == MAX_LINKS {
            return Err(format!("links to more than {MAX_LINKS} addresses: split the document"));
        }
        self.seen.insert(to.to_owned());
        self.links.push(to.to_owned());
        Ok(())
    }
}

/// All facts of an entry must fit into one statement; a list cut short would hide a missing link.
const MAX_LINKS: usize = 100;
const MAX_LINK: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Result<Facts, ReadError> {
        read(&Input::plain("notes.md", text.as_bytes()))
    }

    fn fact(text: &str, name: &str) -> String {
        document(text).unwrap()[name].to_string()
    }

    #[test]
    fn links_are_distinct_and_in_order() {
        let text = "[b](b.md#x) <https://a.example/> [r] [again](b.md#x \"t\") [![i](i.png)](c) [none]()\n\n| t |\n|---|\n| [d](<d e>) |\n\n[r]: r&amp;r\n[unused]: u\n";
        assert_eq!(fact(text, "links"), "b.md#x, https://a.example/, r&r, c, d e");
        assert_eq!(
            fact("`[a](a)` <a href=\"b\">b</a> <!-- [c](c) --> [d] https://e.example\n\n    [f](f)\n", "links"),
            ""
        );
    }

    #[test]
    fn words_are_what_is_read() {
        assert_eq!(
            fact(
                "# Go — *re*build `a b`\nnow! - [x] \\*\n\n```\none, two\n```\n- [x] 릴리즈 노트\n\n<!-- no -->\n",
                "words"
            ),
            "10"
        );
        assert_eq!(fact("| a | b |\n|---|---|\n| c | d |\n\ne<br>f **g**\\\nh", "words"), "7");
        for empty in ["", "\u{feff}\n", "***\n", "<!-- only a comment -->", "[a]: b", "— ☐"] {
            assert!(document(empty).unwrap_err().message.starts_with("holds no words"), "{empty}");
        }
    }

    #[test]
    fn digests_are_quoted_whole_or_not_at_all() {
        let (one, two) = ("0a".repeat(32), "FF".repeat(32));
        let text = format!("`{one}` SHA256:{two} {one}\n\n| {one}a | {} |\n", "0g".repeat(32));
        assert_eq!(fact(&text, "digests"), format!("{one}, {}", two.to_lowercase()));
        let many: String = (0..101).map(|n| format!("{n:064x}\n\n")).collect();
        assert!(document(&many).unwrap_err().message.starts_with("quotes more than 100 digests"));
    }

    #[test]
    fn headings_count_where_markdown_sees_them() {
        assert_eq!(fact("# a\nb\n===\n> ## c\n\n#d\n\n    # e\n", "headings"), "3");
    }

    #[test]
    fn the_list_of_links_is_whole_or_refused() {
        let links = |count: usize| (0..count).map(|n| format!("[a]({n})\n")).collect::<String>();
        let Fact::List(found) = document(&links(100).repeat(2)).unwrap()["links"].clone() else { panic!("no list") };
        assert_eq!(found.len(), 100);
        assert_eq!(
            document(&links(101)).unwrap_err().to_string(),
            "line 101: links to more than 100 addresses: split the document"
        );
        assert!(document(&format!("[a]({})", "a".repeat(300))).is_ok());
        let long = document(&format!("x\n[a]({})", "가".repeat(101))).unwrap_err();
        assert_eq!(long.to_string(), "line 2: links to an address of 303 bytes; 300 are the most");
    }

    #[test]
    fn hostile_text_is_read_or_refused_quickly() {
        for unit in ["[", "![", "[a](", "[a](b)", "*_", "`", "<", "<!--", "a\n> ", "[a]: b\n", "[a][b]\n"] {
            let _ = document(&unit.repeat(1_000_000 / unit.len()));
        }
        assert!(document(&"> ".repeat(500_000)).is_err());
        assert!(document(&" ".repeat(markdown::MAX_BYTES + 1)).is_err());
        assert!(read(&Input::plain("a", b"a \xC0")).is_err());
    }
}
