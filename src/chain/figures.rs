//! A ledger in two numbers, as people read them to one another: how many entries, and the root over them.

use super::fault::{Fault, FaultKind};
use super::view::VerifiedLedger;
use crate::id::Digest;

/// What somebody else says a ledger was: so many entries with this root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub size: u64,
    pub root: Digest,
}

/// Figures somebody brings to a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// A colleague's: this must be the ledger they saw.
    Seen(Figures),
    /// The team's: what contradicts them here is put aside.
    Agreed(Figures),
}

impl Figures {
    /// Reads `37:sha256:<hex>` or `37:<hex>`. No entries at all say nothing, so that is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let (size, root) = text.split_once(':')?;
        let size = size.parse().ok().filter(|size| *size > 0)?;
        Some(Self { size, root: Digest::parse(root).ok()? })
    }

    /// Whether the ledger was that; `None` when it has fewer entries.
    pub fn agree(&self, ledger: &VerifiedLedger) -> Option<Result<(), Fault>> {
        let own = ledger.root_at(self.size)?;
        let at = |root: &Digest| format!("root sha256:{root} at {}", self.size);
        Some(if own == self.root { Ok(()) } else { Err(Fault::of_ledger(FaultKind::Fork, at(&self.root), at(&own))) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_nothing_say_nothing() {
        let root = "ab".repeat(32);
        assert_eq!(Figures::parse(&format!("7:{root}")), Figures::parse(&format!("7:sha256:{root}")));
        assert_eq!(Figures::parse(&format!("7:{root}")).unwrap().size, 7);
        for text in ["", "7", ":", &format!("0:{root}"), &format!("-1:{root}"), "7:ab"] {
            assert_eq!(Figures::parse(text), None, "{text}");
        }
    }
}
