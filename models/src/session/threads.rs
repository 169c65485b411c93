//! How a session's threads are shared: all of them for one item alone, or lanes with as many each.

use super::SessionOptions;
use crate::ModelError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts only; each engine starts its own threads.
pub(super) struct Threads {
    all: usize,
    lanes: Vec<usize>,
}

/// The threads that one run may use.
#[derive(Clone, Copy, Debug)]
pub(super) enum Share {
    /// Nobody else runs.
    All,
    /// This lane's.
    Lane(usize),
}

impl Threads {
    pub(super) fn new(options: SessionOptions) -> Self {
        let all = options.threads.get().min(SessionOptions::THREADS_MAX);
        // An accelerator does one thing after the other, as wide as it is.
        let lanes = if options.device.is_accelerator() { 1 } else { all.min(SessionOptions::LANES_MAX) };
        Self { all, lanes: (0..lanes).map(|i| (all + i) / lanes).collect() }
    }

    /// All threads for one item after the other.
    pub(super) fn one_lane(options: SessionOptions) -> Self {
        let all = options.threads.get().min(SessionOptions::THREADS_MAX);
        Self { all, lanes: vec![all] }
    }

    /// How many threads a run without neighbours has.
    pub(super) fn all(&self) -> usize {
        self.all
    }

    /// How many threads each lane has.
    pub(super) fn lanes(&self) -> &[usize] {
        &self.lanes
    }

    /// Every item on the next free lane; answers in order. `panicked` makes the error of a panic.
    pub(super) fn side_by_side<T: Sync, R: Send>(
        &self,
        items: &[T],
        panicked: impl Fn() -> ModelError,
        work: impl Fn(Share, &T) -> Result<R, ModelError> + Sync,
    ) -> Result<Vec<R>, ModelError> {
        let next = AtomicUsize::new(0);
        let lane = |lane: usize| {
            let mut done = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(i) else { return Ok(done) };
                done.push((i, work(Share::Lane(lane), item)?));
            }
        };
        let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
            let lanes: Vec<_> =
                (0..self.lanes.len().min(items.len())).map(|i| scope.spawn(move || lane(i))).collect();
            // All lanes are joined before the first error is looked at: a panic must not pass the scope's end.
            let ended: Vec<Result<Vec<_>, ModelError>> =
                lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|_| Err(panicked()))).collect();
            let lanes = ended.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok::<_, ModelError>(lanes.into_iter().flatten().collect())
        })?;
        done.sort_by_key(|(i, _)| *i);
        Ok(done.into_iter().map(|(_, answer)| answer).collect())
    }
}
