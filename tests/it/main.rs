//! Every test that needs the program, a repository or a foreign tool: one binary, one file a theme.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests are outside the doors")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]
#![allow(clippy::print_stderr, reason = "a skipped test says why")]

mod support;

mod acceptance;
mod again;
mod anchor;
mod as_of;
mod attacks;
mod boundaries;
mod bringing;
mod ci;
mod concurrency;
mod covered;
mod demo;
mod dialects;
mod difference;
mod docs;
mod doubts;
mod evaluation;
mod full_disk;
mod gates;
mod hints;
mod hooks;
mod insider;
mod interop;
mod keys;
mod limits;
mod listing;
mod notes;
mod output;
mod packs;
mod parts;
mod pipelines;
mod plan;
mod policies;
mod readme;
mod refusals;
mod resumed;
mod rules;
mod running;
mod saved;
mod schemas;
mod secrets;
mod seeds;
mod sharing;
mod steps;
mod stores;
mod stories;
mod story;
mod succession;
mod tamper;
mod terminal;
mod trouble;
mod vectors;
mod whose;
