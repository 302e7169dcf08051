//! One stream of a command's output, kept within bounds: its beginning, its end, and the SHA-256 of all of it.

use std::collections::VecDeque;

use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// Bytes kept of the beginning, and as many of the end.
const HALF: usize = 4 << 20;

/// A stream at its end.
pub struct Output {
    /// What is kept of it.
    pub bytes: Vec<u8>,
    /// Size and digest of all of it.
    pub size: u64,
    pub sha256: Digest,
}

/// What came so far.
#[derive(Default)]
pub struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    size: u64,
    whole: Sha256,
}

impl Capture {
    pub fn push(&mut self, chunk: &[u8]) {
        self.whole.update(chunk);
        self.size += chunk.len() as u64;
        let (first, rest) = chunk.split_at(chunk.len().min(HALF - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(HALF);
        self.tail.drain(..over);
    }

    /// What is kept, with a line in the gap that says what is missing, and the `digest` of the whole if it may
    /// be told. Shorter output is kept as it came.
    pub fn finish(self, digest: bool) -> Output {
        let left_out = self.size - self.head.len() as u64 - self.tail.len() as u64;
        let sha256 = Digest::from_bytes(self.whole.finalize().into());
        let mut bytes = self.head;
        if left_out > 0 {
            let whole = if digest { format!("; sha256 of the whole output {sha256}") } else { String::new() };
            bytes.extend_from_slice(format!("\n[… {left_out} bytes left out{whole} …]\n").as_bytes());
        }
        bytes.extend(self.tail);
        Output { bytes, size: self.size, sha256 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_kept_as_it_came_and_long_output_from_both_ends() {
        let kept = |size: usize, step: usize| {
            let bytes: Vec<u8> = (0..size).map(|at| b'a' + (at % 26) as u8).collect();
            let mut capture = Capture::default();
            bytes.chunks(step).for_each(|chunk| capture.push(chunk));
            (capture.finish(true).bytes, bytes)
        };
        for size in [0, 1, HALF, 2 * HALF] {
            let (kept, whole) = kept(size, 7_777);
            assert!(kept == whole, "{size}");
        }
        let (kept, whole) = kept(3 * HALF + 5, 65_536);
        let gap = format!("\n[… {} bytes left out; sha256 of the whole output {} …]\n", HALF + 5, Digest::of(&whole));
        let expected = [&whole[..HALF], gap.as_bytes(), &whole[2 * HALF + 5..]].concat();
        assert!(kept == expected);
        let mut capture = Capture::default();
        capture.push(&whole);
        assert!(!String::from_utf8_lossy(&capture.finish(false).bytes).contains("sha256"));
    }
}
