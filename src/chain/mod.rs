//! Whether it holds: the numbered steps that turn stored bytes into a `VerifiedLedger`.
//!
//! A `VerifiedLedger` has private fields and one source, `Verifier::finish`: what reaches
//! policy, reports and exports has been through every step.

pub mod anchor;
pub mod fault;
pub mod figures;
mod glass;
mod examine;
mod kind_rules;
pub mod merkle;
pub mod past;
mod recall;
pub mod records;
mod running;
pub mod saved;
pub mod seen;
mod succession;
pub mod verify;
pub mod view;

pub use anchor::{Limits, TrustAnchor};
pub use examine::{Examined, Examiner};
pub use fault::{Fault, FaultKind, Faults};
pub use glass::{BrokenGlass, Review};
pub use kind_rules::slug_of;
pub use past::Past;
pub use recall::Recall;
pub use saved::Saved;
pub use succession::{PolicyState, Proposal, REVOCABLE, Void};
pub use verify::{Keep, Verifier};
pub use view::{VerifiedEntry, VerifiedLedger, View};
