//! Files the ledger does not hold: put into a store under the digest of their content, and got back from
//! where a statement says they are. Nobody is believed: what comes is held against size and SHA-256.

// Without the feature the same questions get an answer that says so.
#[cfg_attr(not(feature = "cloud"), path = "no_cloud.rs")]
mod cloud;
mod directory;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::args::text;
use super::failure::Failure;
use crate::evidence::location::{Location, Scheme};
use crate::evidence::secrets;
use crate::id::Digest;

/// Most bytes handled in one go.
const PIECE: usize = 256 << 10;

/// Which store, and how patient to be with it.
#[derive(Debug, Clone, clap::Args)]
pub struct StoreArgs {
    /// Store for files the ledger does not hold: a directory, or a file, s3, gs, az, http or https URL
    #[arg(long, value_name = "URL_OR_DIR", value_parser = text())]
    pub store: Option<String>,
    /// Seconds a store may be silent
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// What reaches a store: an address is asked with the credentials of this environment, and never without end.
#[cfg_attr(not(feature = "cloud"), expect(dead_code, reason = "a directory has neither"))]
pub struct Reach<'w> {
    pub env: &'w BTreeMap<String, String>,
    pub timeout: Duration,
}

/// The bytes of one file, as a statement names them.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    pub size: u64,
    pub sha256: Digest,
}

/// Why bytes were not put, or not got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The store answers, and has nothing there.
    Missing,
    /// What is there is something else.
    Differs(String),
    /// It could not be told.
    Unreached(String),
}

/// What became of a file that was to be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    New,
    /// It lay there before.
    Known,
}

impl StoreArgs {
    /// The store that was named: a URL, or a directory of this system.
    pub fn location(&self, directory: &std::path::Path) -> Result<Option<Location>, Failure> {
        let Some(text) = &self.store else { return Ok(None) };
        let is_url = text.contains("://") || text.starts_with("file:");
        let parsed = if is_url { Location::parse(text) } else { Location::of_directory(&directory.join(text)) };
        let found = parsed.map_err(|why| Failure::usage(format!("this store cannot be used: {why}")))?;
        // Its address becomes part of the statement.
        match secrets::find(text.as_bytes()).first() {
            Some(secret) => Err(Failure::usage(format!("the store's address looks like a secret ({})", secret.kind))
                .hint("credentials come from the environment: docs/evidence-stores.md")),
            None => Ok(Some(found)),
        }
    }

    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

impl Reach<'_> {
    /// Puts a file into a store, unless it is there, and insists that it is there afterwards. `tell` hears how
    /// many bytes went.
    pub fn put(
        &self,
        store: &Location,
        content: Content,
        from: &mut dyn Read,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Put, Trouble> {
        let place = store.of(content.sha256);
        let mut source = Checked { content, read: 0, hasher: Sha256::new(), tell };
        match store.scheme() {
            Scheme::Directory => directory::put(store, &place, from, &mut source),
            Scheme::S3 | Scheme::Google | Scheme::Azure | Scheme::Http => cloud::put(self, &place, from, &mut source),
        }
    }

    /// Writes the bytes at an address to `to`, and fails unless they are those named; whoever keeps what was
    /// written must wait for that.
    pub fn get(
        &self,
        place: &Location,
        content: Content,
        to: &mut dyn Write,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(), Trouble> {
        let mut sink = Checked { content, read: 0, hasher: Sha256::new(), tell };
        match place.scheme() {
            Scheme::Directory => directory::get(place, to, &mut sink),
            Scheme::S3 | Scheme::Google | Scheme::Azure | Scheme::Http => cloud::get(self, place, to, &mut sink),
        }
    }
}

/// Bytes on their way, counted and hashed.
struct Checked<'t> {
    content: Content,
    read: u64,
    hasher: Sha256,
    tell: &'t mut dyn FnMut(u64),
}

impl Checked<'_> {
    fn take(&mut self, piece: &[u8]) -> Result<(), Trouble> {
        let length = piece.len() as u64;
        self.read = self.read.saturating_add(length);
        if self.read > self.content.size {
            return Err(Trouble::Differs(format!("there are more than {} bytes", self.content.size)));
        }
        self.hasher.update(piece);
        (self.tell)(length);
        Ok(())
    }

    /// Reads the next piece of a file that is put; nothing at its end, where all of it must have come.
    fn next(&mut self, from: &mut dyn Read, most: usize) -> Result<Vec<u8>, Trouble> {
        let mut piece = Vec::new();
        from.take(most as u64).read_to_end(&mut piece).map_err(|error| unreached(&error))?;
        self.take(&piece)?;
        if piece.is_empty() {
            self.finish()?;
        }
        Ok(piece)
    }

    fn finish(&self) -> Result<(), Trouble> {
        let Content { size, sha256 } = self.content;
        let found = Digest::from_bytes(self.hasher.clone().finalize().into());
        match (self.read, found) {
            (read, _) if read != size => Err(Trouble::Differs(format!("there are {read} bytes, not {size}"))),
            (_, found) if found != sha256 => Err(Trouble::Differs(format!("it is sha256:{found}"))),
            _ => Ok(()),
        }
    }
}

fn unreached(error: &io::Error) -> Trouble {
    Trouble::Unreached(error.to_string())
}
