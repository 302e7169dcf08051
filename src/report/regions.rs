//! Marked regions in the user's own documents: what lies between the marks is ours, every other byte stays.

const BEGIN: &str = "<!-- ledger:begin notes -->";
const END: &str = "<!-- ledger:end notes -->";

/// Why a document was left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    #[error("it has no region for the notes: put the lines `{BEGIN}` and `{END}` where they belong")]
    Missing,
    #[error("line {line}: a mark without its partner")]
    Unpaired { line: usize },
}

/// A document of our own: nothing but the region.
pub fn document(text: &str) -> String {
    format!("{BEGIN}\n{}\n{END}\n", text.trim_end())
}

/// The document with its region's text replaced, in the document's own line endings.
pub fn update(document: &str, text: &str) -> Result<String, RegionError> {
    let (start, end) = region(document)?;
    let newline = if document[..start].ends_with("\r\n") { "\r\n" } else { "\n" };
    let text = text.trim_end().replace("\r\n", "\n").replace('\n', newline);
    Ok(format!("{}{text}{newline}{}", &document[..start], &document[end..]))
}

/// Byte range between the two marks: after the first one's line, up to the second one's.
fn region(document: &str) -> Result<(usize, usize), RegionError> {
    let mut marks = Vec::new();
    let mut at = 0;
    for (index, line) in document.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        match line.trim() {
            BEGIN => marks.push((true, end, index + 1)),
            END => marks.push((false, at, index + 1)),
            _ => {}
        }
        at = end;
    }
    match marks.as_slice() {
        [] => Err(RegionError::Missing),
        [(true, start, _), (false, end, _)] => Ok((*start, *end)),
        [.., (_, _, line)] => Err(RegionError::Unpaired { line: *line }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_region_changes_and_twice_is_once() {
        let document = format!("# 제목\r\n{BEGIN}\r\nold\r\n{END}\r\nprose  \r\n");
        let once = update(&document, "new\nlines\n").unwrap();
        assert_eq!(once, format!("# 제목\r\n{BEGIN}\r\nnew\r\nlines\r\n{END}\r\nprose  \r\n"));
        assert_eq!(update(&once, "new\nlines\n").unwrap(), once);
    }

    #[test]
    fn a_document_without_a_clear_region_is_left_alone() {
        assert_eq!(update("prose", "x"), Err(RegionError::Missing));
        for bad in [format!("{BEGIN}\n"), format!("{END}\n{BEGIN}\n"), format!("{BEGIN}\n{END}\n{BEGIN}\n{END}\n")] {
            assert!(matches!(update(&bad, "x"), Err(RegionError::Unpaired { .. })), "{bad}");
        }
    }
}
