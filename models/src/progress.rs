//! How a run reports how far it is, and how it is stopped.

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Go on.
    On,
    /// End now; what was written so far is not a stem.
    Stop,
}

/// Is told after every chunk how many are done. Any `FnMut(done, total) -> Go` is one.
pub trait Progress {
    /// `done` of `total` chunks have been through the device; the first call is with 0, before any work.
    fn chunk_done(&mut self, done: u32, total: u32) -> Go;
}

impl<F: FnMut(u32, u32) -> Go> Progress for F {
    fn chunk_done(&mut self, done: u32, total: u32) -> Go {
        self(done, total)
    }
}
