//! Who stands for it: keys, signatures and the roster of people. Knows bytes, not their meaning.

mod agent;
pub mod dsse;
pub mod key;
mod people;
pub mod public_key;
pub mod roster;
pub mod sshsig;

pub use key::{KeyDoorError, Signer};
pub use people::People;
pub use public_key::{PublicKey, ReadyKey};
pub use roster::Roster;
