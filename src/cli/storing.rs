//! Which files go to a store outside the ledger, and their way there.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use super::context::Context;
use super::failure::Failure;
use super::files::Brought;
use super::objects::{Content, Put, Reach, StoreArgs, Trouble};
use super::progress::mebibytes;
use crate::entry::kinds::Stored;
use crate::evidence::location::Location;
use crate::findings::counted;
use crate::policy::Policy;
use crate::report::escape::visible;

/// Largest file that is given to a reader, as readers of text have it.
pub const READ_MOST: u64 = 64 << 20;
/// Bytes of files for a store that one entry holds in memory; of what is beyond only counts are facts.
pub const HELD_MOST: u64 = 256 << 20;

/// Where the bytes are that a store still has to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upload {
    /// Nothing goes to a store.
    None,
    /// Those at hand.
    Held,
    File(PathBuf),
}

/// What was said about keeping files, on the command line and in the policy.
#[derive(Debug, Clone)]
pub struct Storing {
    /// Largest file kept in the ledger.
    pub inline: u64,
    store: Option<Location>,
    /// Every file goes to the store, whatever its size.
    all: bool,
    timeout: Duration,
}

impl Storing {
    /// `external` asks for no bytes in the ledger; `is_elsewhere` says that they lie somewhere already.
    pub fn of(
        context: &Context<'_>,
        policy: &Policy,
        args: &StoreArgs,
        external: bool,
        is_elsewhere: bool,
    ) -> Result<Self, Failure> {
        let named = args.location(&context.world().directory)?.filter(|_| !is_elsewhere);
        let all = external && named.is_some();
        // Whoever asks for the digest alone means that, whatever the policy does with large files.
        let store = named.or_else(|| policy.keeping.store.clone().filter(|_| !external && !is_elsewhere));
        Ok(Self { inline: policy.keeping.inline, store, all, timeout: args.timeout() })
    }

    /// For what has to lie in the ledger itself.
    pub const fn nowhere(policy: &Policy) -> Self {
        Self { inline: policy.keeping.inline, store: None, all: false, timeout: Duration::ZERO }
    }

    /// The store a file of this size goes to; none where it stays in the ledger, or only its digest does.
    pub fn store_for(&self, size: u64, by_digest: bool) -> Option<&Location> {
        self.store.as_ref().filter(|_| self.all || (!by_digest && size > self.inline))
    }

    /// Sends what is held here to the store, where it is too large for the ledger, or was to go there before
    /// its bytes were changed.
    pub fn send(&self, brought: &mut Brought) {
        let due = brought.upload == Upload::Held || brought.file.size > self.inline;
        if let Some(store) = self.store.as_ref().filter(|_| due) {
            brought.file.stored = Stored::External;
            brought.file.location = Some(store.of(brought.file.sha256).to_string());
            brought.upload = Upload::Held;
        }
    }

    /// Puts what the store has to get, before anything says that it is there.
    pub fn upload(&self, context: &mut Context<'_>, brought: &[Brought]) -> Result<(), Failure> {
        let due: Vec<&Brought> = brought.iter().filter(|one| one.upload != Upload::None).collect();
        let Some(store) = self.store.as_ref().filter(|_| !due.is_empty()) else { return Ok(()) };
        let files = counted(due.len(), "file", "files");
        if context.global.dry_run {
            context.printer.talk(format!("{files} would go to {store}"));
            return Ok(());
        }
        let total: u64 = due.iter().map(|one| one.file.size).sum();
        let env = context.world().env.clone();
        let opened: Vec<_> = due.iter().map(|one| source(context, one)).collect::<Result<_, _>>()?;
        let reach = Reach { env: &env, timeout: self.timeout };
        let mut progress = context.printer.world.progress("uploading", "MiB", mebibytes(total));
        let (mut sent, mut shown, mut known) = (0_u64, 0, 0);
        for (one, mut from) in due.iter().zip(opened) {
            let content = Content { size: one.file.size, sha256: one.file.sha256 };
            let put = reach.put(store, content, &mut from, &mut |bytes| {
                sent += bytes;
                progress.advance(mebibytes(sent) - shown);
                shown = mebibytes(sent);
            });
            known += usize::from(put.map_err(|trouble| not_put(&one.file.path, store, &trouble))? == Put::Known);
        }
        drop(progress);
        let already = if known == 0 { String::new() } else { format!(", {known} there already") };
        context.printer.talk(format!("{files} in {store}{already}"));
        Ok(())
    }
}

fn source<'b>(context: &Context<'_>, one: &'b Brought) -> Result<Box<dyn Read + 'b>, Failure> {
    match (&one.upload, &one.bytes) {
        (Upload::File(path), _) => {
            let opened = context.world().open(path);
            let file = opened.map_err(|error| Failure::unknown(format!("cannot read {}: {error}", path.display())))?;
            Ok(Box::new(file))
        }
        (_, bytes) => Ok(Box::new(bytes.as_deref().unwrap_or_default())),
    }
}

fn not_put(path: &str, store: &Location, trouble: &Trouble) -> Failure {
    let why = match trouble {
        Trouble::Missing => "it is not there after it was put",
        Trouble::Differs(why) | Trouble::Unreached(why) => why,
    };
    Failure::unknown(format!("{path} was not put into {store}: {}", visible(why)))
        .hint("nothing was recorded; run the command again, or name another store: --store URL_OR_DIR")
}

/// Whether a file can be given to a reader, beside what is held already.
pub const fn can_be_read(size: u64, held: u64) -> bool {
    size <= READ_MOST && held.saturating_add(size) <= HELD_MOST
}
