//! One line of a document's prose, and what it is beside a box.

use super::marks;

/// A line as it is read; a softly broken paragraph has several.
#[derive(Default)]
pub(super) struct Row {
    /// 1-based line of the document; 0 while it is empty.
    pub line: usize,
    pub text: String,
    /// Its ballot glyphs: where each stands in the text, where in the document, and whether it is ticked.
    pub ballots: Vec<(usize, usize, bool)>,
    bold: Bold,
    /// It begins with code or a link, so no bracket at its start is meant as a box.
    marked_up: bool,
}

/// Whether a line begins with bold text, and where that ends.
#[derive(Default, Clone, Copy)]
enum Bold {
    #[default]
    None,
    Open,
    Until(usize),
}

/// What a line of prose is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind<'r> {
    /// `**Success Criteria**:`, a heading in all but name; marks may stand beside it.
    Label(&'r str),
    /// `**Verification**: ✅ Backups created`: what the form expects, printed before anything was done.
    Verification,
    /// Begins with bold text, so it is not below the label above it.
    Bold,
    Plain,
}

impl Row {
    pub fn write(&mut self, text: &str, line: usize, is_plain: bool) {
        if self.text.is_empty() {
            self.line = line;
            self.marked_up |= !is_plain;
        }
        self.text.push_str(text);
    }

    pub fn begin_bold(&mut self) {
        if self.text.is_empty() {
            self.bold = Bold::Open;
        }
    }

    pub fn end_bold(&mut self) {
        if let Bold::Open = self.bold {
            self.bold = Bold::Until(self.text.len());
        }
    }

    pub fn begin_link(&mut self) {
        self.marked_up |= self.text.is_empty();
    }

    pub fn is_malformed_box(&self) -> bool {
        !self.marked_up && marks::is_malformed_box(&self.text)
    }

    pub fn kind(&self) -> Kind<'_> {
        let Bold::Until(end) = self.bold else { return Kind::Plain };
        let Some((bold, rest)) = self.text.split_at_checked(end) else { return Kind::Plain };
        let name = bold.trim().trim_end_matches(COLONS).trim_end();
        let after = rest.trim().trim_start_matches(COLONS);
        if VERIFICATIONS.iter().any(|word| name.eq_ignore_ascii_case(word)) && marks::begins_with_tick(after) {
            return Kind::Verification;
        }
        let has_colon = bold.trim_end().ends_with(COLONS) || rest.trim_end().ends_with(COLONS);
        match has_colon && !marks::unscramble(rest).contains(char::is_alphanumeric) {
            true => Kind::Label(self.text.trim().trim_end_matches(COLONS).trim_end()),
            false => Kind::Bold,
        }
    }
}

const COLONS: &[char] = &[':', '：'];
const VERIFICATIONS: &[&str] = &["Verification", "검증"];

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bold: &str, rest: &str) -> Row {
        let mut row = Row::default();
        row.begin_bold();
        row.write(bold, 1, true);
        row.end_bold();
        row.write(rest, 1, true);
        row
    }

    #[test]
    fn labels_are_bold_text_and_a_colon() {
        for (bold, rest) in [("A b", ":"), ("A b:", ""), ("A b", " :"), ("A b", "："), ("A b", " :  ")] {
            assert_eq!(row(bold, rest).kind(), Kind::Label("A b"), "{bold}{rest}");
        }
        assert_eq!(row("A", " ✅:").kind(), Kind::Label("A ✅"));
        assert_eq!(row("A", " \u{F8FF}üìã:").kind(), Kind::Label("A \u{F8FF}üìã"));
        for (bold, rest) in [("A", ""), ("A", ": b"), ("A", " b:"), ("A", " (b):"), ("A:", " 가")] {
            assert_eq!(row(bold, rest).kind(), Kind::Bold, "{bold}{rest}");
        }
        let mut plain = Row::default();
        plain.write("a ", 1, true);
        plain.begin_bold();
        plain.write("B", 1, true);
        plain.end_bold();
        plain.write(":", 1, true);
        assert_eq!(plain.kind(), Kind::Plain);
    }

    #[test]
    fn verifications_are_printed_with_a_tick() {
        for (bold, rest) in
            [("Verification", ": ✅ a"), ("VERIFICATION:", " ☑ a"), ("검증", ": ‚úÖ a"), ("검증", "：✔")]
        {
            assert_eq!(row(bold, rest).kind(), Kind::Verification, "{bold}{rest}");
        }
        for (bold, rest) in [("Verification", ": a ✅"), ("Verification", ": ☐ a"), ("Verified", ": ✅ a")] {
            assert_eq!(row(bold, rest).kind(), Kind::Bold, "{bold}{rest}");
        }
        assert_eq!(row("Verification", ":").kind(), Kind::Label("Verification"));
    }

    #[test]
    fn code_and_links_are_no_boxes() {
        let mut code = Row::default();
        code.write("[ ]", 3, false);
        code.write(" a", 3, true);
        assert!(!code.is_malformed_box());
        assert!(row("", "[ ] a").is_malformed_box());
        let mut link = Row::default();
        link.begin_link();
        link.write("[x]", 3, true);
        assert!(!link.is_malformed_box() && link.line == 3);
    }
}
