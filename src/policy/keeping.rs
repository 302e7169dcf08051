//! `[evidence]`: how large a file may be to be kept in the ledger, where larger ones go, and whether
//! facts of files that are not in it count.

use crate::evidence::location::Location;
use crate::findings::{Findings, Table};
use crate::sign::roster::checked;

/// Largest file kept in the ledger where the policy says nothing.
pub const INLINE: u64 = 16 << 20;
/// An entry holds no larger file.
const MOST: u64 = 64 << 20;

/// What a policy says about keeping files.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Largest file kept in the ledger, in bytes.
    pub inline: u64,
    /// Where larger ones go, unless the command line says otherwise.
    pub store: Option<Location>,
    /// Whether rules rely on what a reader took from a file that only its recorder had.
    pub external_facts: bool,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { inline: INLINE, store: None, external_facts: false }
    }
}

pub fn read(root: &mut Table<'_, '_>, findings: &mut Findings) -> Keeping {
    let Some(mut table) = root.table("evidence", findings) else { return Keeping::default() };
    let inline = table.text("inline", findings);
    let inline = inline.and_then(|text| checked(size(text), table.span_of("inline"), findings)).unwrap_or(INLINE);
    let store = table.text("store", findings);
    let store = store.map(|text| Location::parse(text).map_err(|why| format!("`store` cannot be used: {why}")));
    let store = store.and_then(|store| checked(store, table.span_of("store"), findings));
    let external_facts = table.flag("external_facts", findings);
    table.finish(findings);
    Keeping { inline, store, external_facts }
}

/// `512 KiB`, `1 MiB`: a whole number of kibibytes or mebibytes, in bytes.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size: write \"512 KiB\" or \"1 MiB\"");
    let (count, unit) = text.split_once(' ').ok_or_else(wrong)?;
    let unit = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return Err(wrong()),
    };
    let digits = count.bytes().all(|byte| byte.is_ascii_digit()) && !count.starts_with('0');
    let count: u64 = count.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
    let size = count.checked_mul(unit).filter(|size| *size <= MOST);
    size.ok_or_else(|| format!("an entry holds files of at most {} MiB", MOST >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_and_fit_into_an_entry() {
        assert_eq!(size("512 KiB"), Ok(512 << 10));
        assert_eq!(size("1 MiB"), Ok(1 << 20));
        assert_eq!(size("64 MiB"), Ok(MOST));
        assert_eq!(MOST, crate::chain::Limits::default().file_size);
        for wrong in ["", "1", "1MiB", "1 MB", "0 MiB", "01 MiB", "+1 MiB", "-1 MiB", "1.5 MiB", "1  MiB", "65 MiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert!(size("99999999999999999999 MiB").is_err() && size("18014398509481985 KiB").is_err());
    }
}
