//! Marked regions in the user's own documents: what lies between the marks is ours, every other byte stays.

use std::ops::Range;

/// Why a document was left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    #[error("it has no region {region}: put the lines `{}` and `{}` where they belong", begin(region), end(region))]
    Missing { region: String },
    #[error("line {line}: a mark without its partner")]
    Unpaired { line: usize },
}

/// A document of our own: nothing but the region.
pub fn document(region: &str, text: &str) -> String {
    format!("{}\n{}\n{}\n", begin(region), text.trim_end(), end(region))
}

/// The document with its region's text replaced, in the document's own line endings.
pub fn update(document: &str, region: &str, text: &str) -> Result<String, RegionError> {
    let (range, text) = change(document, region, text)?;
    Ok(format!("{}{text}{}", &document[..range.start], &document[range.end..]))
}

/// The same as a change: which bytes of the document are replaced, and by what.
pub fn change(document: &str, region: &str, text: &str) -> Result<(Range<usize>, String), RegionError> {
    let range = range(document, region)?;
    let newline = if document[..range.start].ends_with("\r\n") { "\r\n" } else { "\n" };
    let text = text.trim_end().replace("\r\n", "\n").replace('\n', newline);
    Ok((range, format!("{text}{newline}")))
}

/// Byte range between the two marks: after the first one's line, up to the second one's.
fn range(document: &str, region: &str) -> Result<Range<usize>, RegionError> {
    let (begin, end) = (begin(region), end(region));
    let mut marks = Vec::new();
    let mut at = 0;
    for (index, line) in document.split_inclusive('\n').enumerate() {
        let after = at + line.len();
        match line.trim() {
            mark if mark == begin => marks.push((true, after, index + 1)),
            mark if mark == end => marks.push((false, at, index + 1)),
            _ => {}
        }
        at = after;
    }
    match marks.as_slice() {
        [] => Err(RegionError::Missing { region: region.to_owned() }),
        [(true, start, _), (false, end, _)] => Ok(*start..*end),
        [.., (_, _, line)] => Err(RegionError::Unpaired { line: *line }),
    }
}

fn begin(region: &str) -> String {
    format!("<!-- ledger:begin {region} -->")
}

fn end(region: &str) -> String {
    format!("<!-- ledger:end {region} -->")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- ledger:begin notes -->";
    const END: &str = "<!-- ledger:end notes -->";

    #[test]
    fn only_the_region_changes_and_twice_is_once() {
        let document = format!("# 제목\r\n{BEGIN}\r\nold\r\n{END}\r\nprose  \r\n");
        let once = update(&document, "notes", "new\nlines\n").unwrap();
        assert_eq!(once, format!("# 제목\r\n{BEGIN}\r\nnew\r\nlines\r\n{END}\r\nprose  \r\n"));
        assert_eq!(update(&once, "notes", "new\nlines\n").unwrap(), once);
        assert_eq!(update(&super::document("notes", "x"), "notes", "x").unwrap(), super::document("notes", "x"));
    }

    #[test]
    fn a_document_without_a_clear_region_is_left_alone() {
        let missing = update("prose", "notes", "x").unwrap_err();
        assert!(missing.to_string().contains(BEGIN) && missing.to_string().contains(END), "{missing}");
        assert_eq!(
            update(&format!("{BEGIN}\n{END}\n"), "gates", "x").unwrap_err().to_string().matches("gates").count(),
            3
        );
        for bad in [format!("{BEGIN}\n"), format!("{END}\n{BEGIN}\n"), format!("{BEGIN}\n{END}\n{BEGIN}\n{END}\n")] {
            assert!(matches!(update(&bad, "notes", "x"), Err(RegionError::Unpaired { .. })), "{bad}");
        }
    }
}
