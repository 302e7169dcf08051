//! Pack files, read in blocks: objects that are wanted one after the other mostly lie near each other.

use std::fs::File;
use std::io;

const BLOCK: usize = 64 << 10;
/// Blocks kept; each block of a file has one place among them.
const KEPT: usize = 64;

pub(super) struct Blocks(Vec<Block>);

/// Some of a file: which pack's, which block of it.
struct Block {
    of: Option<(usize, u64)>,
    bytes: Vec<u8>,
}

impl Default for Blocks {
    fn default() -> Self {
        Self((0..KEPT).map(|_| Block { of: None, bytes: Vec::new() }).collect())
    }
}

impl Blocks {
    /// A pack's bytes from an offset to the end of their block; `None` at its end, or when it cannot be read.
    pub(super) fn from(&mut self, pack: usize, file: &File, offset: u64) -> Option<&[u8]> {
        let (number, start) = (offset / BLOCK as u64, usize::try_from(offset % BLOCK as u64).ok()?);
        let place = usize::try_from(number % KEPT as u64).ok()?.wrapping_add(pack) % KEPT;
        let block = self.0.get_mut(place)?;
        if block.of != Some((pack, number)) {
            block.of = None;
            block.bytes.resize(BLOCK, 0);
            let read = read_block(file, &mut block.bytes, number * BLOCK as u64).ok()?;
            block.bytes.truncate(read);
            block.of = Some((pack, number));
        }
        block.bytes.get(start..).filter(|bytes| !bytes.is_empty())
    }
}

/// Fills the block, or as much of it as there is of the file.
fn read_block(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < block.len() {
        match read_at(file, &mut block[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Threads share the file, so there is no common place to read from.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}
