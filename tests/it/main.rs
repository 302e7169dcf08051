//! Every test that needs the program, a repository or a foreign tool: one binary, one file a theme.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests are outside the doors")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod support;

mod gates;
mod steps;
mod story;
