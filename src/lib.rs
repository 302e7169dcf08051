//! Release governance whose evidence lives in Git.
//!
//! The modules stand in the order the data travels:
//! `Evidence → Draft → (sign) → (git) → StoredEntry → VerifiedLedger → Decision → Report → text`.

/// Names, numbers and digests; no plain strings further in.
pub mod id;
/// TOML read with every finding at its place.
pub mod findings;
/// What was brought: files and the facts taken from them.
pub mod evidence;
/// What is claimed: statements of nine kinds.
pub mod entry;
/// Who stands for it: keys, signatures, people.
pub mod sign;
/// Where it lies: commits and bytes as read, believed by nobody.
pub mod store;
/// Whether it holds: the steps that make a `VerifiedLedger`.
pub mod chain;
/// Whether it suffices: gates, rules and decisions.
pub mod policy;
/// How it is told: reports and notes from templates.
pub mod report;
/// How it is asked: the command line and every door.
pub mod cli;
