//! What was brought: files and the typed facts a reader takes from them.
//!
//! Everything here works on bytes that somebody else has read; no path is opened, no clock asked.

pub mod citations;
pub mod facts;
pub mod location;
pub mod manifest;
pub mod quantity;
pub mod readers;
pub mod secrets;
pub mod text;
