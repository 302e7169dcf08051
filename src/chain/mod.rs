//! Whether it holds: the numbered steps that turn stored bytes into a [`VerifiedLedger`].
//!
//! A `VerifiedLedger` has private fields and one source, [`verify::Verifier::finish`]: what reaches
//! policy, reports and exports has been through every step.

pub mod anchor;
pub mod fault;
mod examine;
pub mod merkle;
pub mod verify;
pub mod view;

pub use anchor::{Limits, TrustAnchor};
pub use fault::{Fault, FaultKind, Faults};
pub use verify::Verifier;
pub use view::{VerifiedEntry, VerifiedLedger, View};
