//! Evidence text is hostile: what it becomes before it stands in a terminal or in Markdown.

use std::fmt::Write as _;

use crate::id::is_invisible;

/// What begins a command to the machine whose log it stands in, wherever in a line that is (GitHub's
/// runner, Azure's agent). Those that must begin a line (`::error::`) never do: ours begin with words of ours.
const COMMANDS: [&str; 2] = ["##", "##vso"];

/// Text for a terminal, a log or a table cell: one line, every control, bidi and zero-width character
/// shown as its code point instead of acted on, and no command to the machine that runs a pipeline.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '[' if COMMANDS.iter().any(|command| out.ends_with(command)) => out.push_str("⟨U+005B⟩"),
            '\n' | '\t' => out.push(' '),
            '\r' => {}
            c if is_invisible(c) => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Text for running Markdown (GitHub Flavored): nothing of it is taken for markup or HTML.
pub fn markdown(text: &str) -> String {
    let text = visible(text);
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (at, character) in characters.iter().copied().enumerate() {
        let word = |neighbour: Option<usize>| {
            neighbour.and_then(|n| characters.get(n)).is_some_and(|c: &char| c.is_alphanumeric())
        };
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Inside a word an underscore is only an underscore (CommonMark 6.2).
            '_' if word(at.checked_sub(1)) && word(Some(at + 1)) => out.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(character);
            }
            '#' | '+' | '-' | '=' | '!' if at == 0 => {
                out.push('\\');
                out.push(character);
            }
            // A bare address or mention would become a link or a notification.
            '@' => out.push_str("&#64;"),
            ':' if text_at(&characters, at + 1, "//") => out.push_str("&#58;"),
            _ => out.push(character),
        }
    }
    if out.to_ascii_lowercase().contains("www.") {
        out = out.replace('.', "&#46;");
    }
    out
}

/// The first letters of a text, with a sign where there were more.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A code span that holds any text, whatever backticks it has.
pub fn code_span(text: &str) -> String {
    let text = visible(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A link's destination, or nothing when it is no plain web address.
pub fn url(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(c);
    let web = text.starts_with("https://") || text.starts_with("http://") || !text.contains(':');
    if web && text.chars().all(plain) { text.to_owned() } else { String::new() }
}

fn text_at(characters: &[char], at: usize, wanted: &str) -> bool {
    characters.iter().skip(at).copied().take(wanted.len()).eq(wanted.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(visible("a\u{1b}[31mred\u{202e}x\r\n"), "a⟨U+001B⟩[31mred⟨U+202E⟩x ");
        assert_eq!(visible("##[set-output name=verdict]open"), "##⟨U+005B⟩set-output name=verdict]open");
        assert_eq!(visible("#\u{200b}#[a] ##vso[b] #[c]"), "#⟨U+200B⟩#[a] ##vso⟨U+005B⟩b] #[c]");
        assert_eq!((cut("가나다", 2).as_str(), cut("가나", 2).as_str()), ("가나…", "가나"));
        assert_eq!(markdown("<img src=x onerror=y>"), "&lt;img src=x onerror=y&gt;");
        assert_eq!(markdown("[x](javascript:1)"), "\\[x\\](javascript:1)");
        assert_eq!(markdown("- # Stage9_Alpha_1 *b* @all"), "\\- # Stage9_Alpha_1 \\*b\\* &#64;all");
        assert_eq!(markdown("http://evil www.evil.example"), "http&#58;//evil www&#46;evil&#46;example");
        assert_eq!(code_span("a`b"), "``a`b``");
        assert_eq!(url("javascript:alert(1)"), "");
        assert_eq!(url("https://x.example/a(b)"), "");
    }
}
