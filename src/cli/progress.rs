//! How far long work has come, for somebody who can see it.

use std::io::Write;
use std::time::{Duration, Instant};

/// A line that says how far work has come, and takes itself away at the end.
pub struct Progress<'w> {
    err: Option<&'w mut Box<dyn Write>>,
    what: &'static str,
    unit: &'static str,
    total: usize,
    done: usize,
    begun: Instant,
    shown: Instant,
}

impl<'w> Progress<'w> {
    pub fn begin(err: Option<&'w mut Box<dyn Write>>, what: &'static str, unit: &'static str, total: usize) -> Self {
        let begun = Instant::now();
        Self { err, what, unit, total, done: 0, begun, shown: begun }
    }

    pub fn advance(&mut self, by: usize) {
        self.done += by;
        let Some(err) = self.err.as_mut().filter(|_| self.shown.elapsed() > Duration::from_millis(100)) else { return };
        self.shown = Instant::now();
        let elapsed = self.begun.elapsed();
        let left = elapsed.mul_f64(self.total.saturating_sub(self.done) as f64 / self.done.max(1) as f64);
        // An estimate from the first moments is a guess: none is shown.
        let left = if elapsed > Duration::from_secs(1) {
            format!(", about {} s left", left.as_secs() + 1)
        } else {
            String::new()
        };
        let percent = 100 * self.done / self.total.max(1);
        drop(
            write!(err, "\r\x1b[K{} {} of {} {} ({percent} %){left}", self.what, self.done, self.total, self.unit)
                .and_then(|()| err.flush()),
        );
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(err) = self.err.as_mut().filter(|_| self.shown > self.begun) {
            drop(write!(err, "\r\x1b[K").and_then(|()| err.flush()));
        }
    }
}

/// The unit of work on files.
pub fn mebibytes(bytes: u64) -> usize {
    usize::try_from(bytes >> 20).unwrap_or(usize::MAX)
}
