//! Marks people put beside text: ticks in every spelling, and boxes that are none to Markdown.
//!
//! Sources: GitHub Flavored Markdown, "Task list items (extension)"; Apple's MacRoman and Microsoft's
//! cp1252 tables. Everything here is for matching only; no byte of evidence is ever repaired.

use std::borrow::Cow;

/// Whether a heading or label carries a tick, ✅ read in a wrong code page among them.
pub(super) fn has_tick(text: &str) -> bool {
    let text = unscramble(text);
    text.contains(TICKS) || SHORTCODES.iter().any(|code| text.contains(code))
}

/// Whether a text begins with a tick.
pub(super) fn begins_with_tick(text: &str) -> bool {
    let text = unscramble(text.trim_start());
    text.starts_with(TICKS) || SHORTCODES.iter().any(|code| text.starts_with(code))
}

/// Whether a line begins with something a reader takes for a box and Markdown does not: `[] a`, `[v] a`, a
/// box glued to its bullet or number, or one without any.
pub(super) fn is_malformed_box(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['-', '*', '+', '•', '·', '–']);
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let line = if number.len() < line.len() { number.strip_prefix(['.', ')']).unwrap_or(line) } else { line };
    let Some(rest) = line.trim_start().strip_prefix('[') else { return false };
    // Longer brackets are notes, links or names.
    let Some((inside, _)) = rest.split_once(']').filter(|(inside, _)| inside.len() <= 6) else { return false };
    let inside = inside.trim();
    let mut chars = inside.chars();
    match (chars.next(), chars.next()) {
        (None, _) => true,
        (Some(mark), None) => BOXED.contains(mark),
        _ => ["n/a", "na"].iter().any(|word| inside.eq_ignore_ascii_case(word)),
    }
}

/// Text whose UTF-8 was once read as MacRoman or cp1252, as it was meant (`‚úÖ` and `âœ…` are ✅).
/// Runs of other text stay as they are.
pub(super) fn unscramble(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut meant = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| c.is_ascii() != first.is_ascii()).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let decoded = if first.is_ascii() { None } else { decoded(run, mac_roman).or_else(|| decoded(run, cp1252)) };
        meant.push_str(decoded.as_deref().unwrap_or(run));
        rest = after;
    }
    Cow::Owned(meant)
}

fn decoded(run: &str, byte: fn(char) -> Option<u8>) -> Option<String> {
    let bytes: Vec<u8> = run.chars().map(byte).collect::<Option<_>>()?;
    String::from_utf8(bytes).ok()
}

fn mac_roman(c: char) -> Option<u8> {
    MAC_ROMAN.chars().zip(0x80..=0xFF).find(|(high, _)| *high == c).map(|(_, byte)| byte)
}

fn cp1252(c: char) -> Option<u8> {
    let high = CP1252.chars().zip(0x80..=0x9F).find(|(high, _)| *high == c).map(|(_, byte)| byte);
    high.or_else(|| u8::try_from(u32::from(c)).ok().filter(|byte| *byte >= 0x80))
}

const TICKS: &[char] = &['✅', '☑', '✔', '✓', '🗹'];
/// The same, as GitHub spells emoji in ASCII.
const SHORTCODES: &[&str] = &[":white_check_mark:", ":heavy_check_mark:", ":ballot_box_with_check:"];
/// What people put into a box; other letters and digits are references, like `[1]`.
const BOXED: &str = "xXvV√✓✔☑✅✗✘-~_";

/// MacRoman from 0x80 up.
const MAC_ROMAN: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{A0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{F8FF}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";
/// cp1252 from 0x80 to 0x9F; above, it is Latin-1.
const CP1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_read_in_a_wrong_code_page_is_understood() {
        assert_eq!(MAC_ROMAN.chars().count(), 128);
        assert_eq!(CP1252.chars().count(), 32);
        for (scrambled, meant) in [
            ("Quality ‚úÖ:", "Quality ✅:"),
            ("‚ö†Ô∏è 80%", "⚠\u{FE0F} 80%"),
            ("\u{F8FF}üöÄ Ready ‚Üí", "🚀 Ready →"),
            ("Plan â€” 1 âœ…", "Plan — 1 ✅"),
            ("âš\u{A0}ï¸\u{8F}", "⚠\u{FE0F}"),
        ] {
            assert_eq!(unscramble(scrambled), meant, "{scrambled}");
            assert_eq!(unscramble(meant), meant, "{meant}");
        }
        for honest in ["", "plain", "Überprüfung – fertig", "릴리즈 ✅", "‚ú", "été"] {
            assert_eq!(unscramble(honest), honest);
        }
    }

    #[test]
    fn ticks_in_every_spelling() {
        for ticked in ["a ✅", "☑ a", "✔️", "‚úÖ a", "a âœ…", "a :white_check_mark:"] {
            assert!(has_tick(ticked), "{ticked}");
        }
        for not in ["a", "☐ a", "⚠️ a", "‚ö†Ô∏è a", "❌", "[x] a", "check"] {
            assert!(!has_tick(not), "{not}");
        }
        assert!(begins_with_tick("  ✅ a") && begins_with_tick("‚úÖ a") && !begins_with_tick("a ✅"));
    }

    #[test]
    fn boxes_that_markdown_does_not_see() {
        for malformed in [
            "[] a",
            "[]a",
            "[  ] a",
            "[ ] a",
            "[x]a",
            "-[ ] a",
            "• [ ] a",
            "1.[ ] a",
            "10) [ ] a",
            "[v] a",
            "[✓] a",
            "[-] a",
            "[N/A] a",
        ] {
            assert!(is_malformed_box(malformed), "{malformed}");
        }
        for not in [
            "a [ ]",
            "[1] a",
            "[a] b",
            "[y] c",
            "[link] a",
            "[!NOTE] a",
            "[*] a",
            "[",
            "[ a",
            "",
            "- a",
            "1 [ ] a",
            "1. a",
        ] {
            assert!(!is_malformed_box(not), "{not}");
        }
    }
}
