//! What the headings of a Markdown document are called in links, as GitHub names them.
//!
//! Source: github-slugger and the table of contents filter of html-pipeline. The text of a heading in small letters;
//! what is no letter, mark, digit, `_`, `-` or blank is left out, and each blank becomes `-`.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

use crate::evidence::readers::markdown;

/// Every name, in NFC: those of headings, and of HTML elements that have one.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let mut names = Names::default();
    let mut heading: Option<String> = None;
    let mut images = 0_usize;
    let mut in_comment = false;
    for event in Parser::new_ext(text, markdown::OPTIONS) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => names.heading(&heading.take().unwrap_or_default()),
            // What describes an image is no text of the heading.
            Event::Start(Tag::Image { .. }) => images += 1,
            Event::End(TagEnd::Image) => images = images.saturating_sub(1),
            Event::Text(text) | Event::Code(text) if images == 0 => {
                heading.iter_mut().for_each(|heading| heading.push_str(&text));
            }
            Event::SoftBreak | Event::HardBreak => heading.iter_mut().for_each(|heading| heading.push(' ')),
            Event::Html(html) | Event::InlineHtml(html) => names.html(&html, &mut in_comment),
            _ => {}
        }
    }
    names.all
}

#[derive(Default)]
struct Names {
    all: BTreeSet<String>,
    /// How often a heading of a name was seen.
    seen: HashMap<String, usize>,
}

impl Names {
    fn heading(&mut self, text: &str) {
        let slug = slug(text);
        let mut name = slug.clone();
        while self.seen.contains_key(&name) {
            let count = self.seen.entry(slug.clone()).or_default();
            *count += 1;
            name = format!("{slug}-{count}");
        }
        self.seen.insert(name.clone(), 0);
        self.all.insert(name);
    }

    /// `id` and `name` of an element; nobody sees one in a comment.
    fn html(&mut self, html: &str, in_comment: &mut bool) {
        let Some(pattern) = NAMED.as_ref() else { return };
        *in_comment |= html.trim_start().starts_with("<!--");
        if !*in_comment {
            let found = pattern.captures_iter(html).filter_map(|found| found.get(1));
            self.all.extend(found.map(|name| name.as_str().nfc().collect::<String>()));
        }
        *in_comment &= !html.contains("-->");
    }
}

fn slug(heading: &str) -> String {
    let small: String = heading.trim().nfc().collect::<String>().to_lowercase();
    let Some(other) = OTHER.as_ref() else { return small };
    other.replace_all(&small, "").replace(' ', "-")
}

static OTHER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[^\w\- ]|\p{Join_Control}").ok());
static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)<[a-z][^<>]*?\s(?:id|name)\s*=\s*["']?([^"'<>\s]+)"#).ok());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_named_as_github_names_them() {
        for (text, expected) in [
            ("# 배포 준비", "배포-준비"),
            ("# \u{1107}\u{1162}\u{1111}\u{1169} 준비", "배포-준비"),
            ("## 1. Set-up & `go_now`!", "1-set-up--go_now"),
            ("# ✅ Done", "-done"),
            ("# A [b](c) **d** ![e](f) <i>g</i>", "a-b-d--g"),
            ("Über\n===", "über"),
            ("# Ⅳ ½ 4,2", "ⅳ--42"),
            ("> # In a quote · 인용", "in-a-quote--인용"),
            ("# :rocket: Up", "rocket-up"),
            ("x <a name=\"Here\"></a> y", "Here"),
            ("<h2 align=center id='there'>x</h2>", "there"),
        ] {
            assert_eq!(anchors(text).into_iter().collect::<Vec<_>>(), [expected], "{text}");
        }
        for none in ["", "```\n# a\n```", "<!-- <a id=\"b\"> -->", "<!--\n<a id=\"b\">\n-->", "`<a id=\"b\">`", "#a"] {
            assert!(anchors(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_counted_on() {
        let found = |text: &str| anchors(text).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(found("# a\n# A\n# a!\n"), "a a-1 a-2");
        assert_eq!(found("# a\n# a-1\n# a\n"), "a a-1 a-2");
        assert_eq!(found("# a\n# a\n# a-1\n"), "a a-1 a-1-1");
    }
}
