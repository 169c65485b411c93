//! The threads of one session: one pool of as many as allowed, and lanes that share as many among them.

use super::SessionOptions;
use crate::ModelError;
use rten::ThreadPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Threads {
    all: Arc<ThreadPool>,
    lanes: Vec<Arc<ThreadPool>>,
}

/// The threads that one run may use.
#[derive(Clone, Copy)]
pub(super) struct Share<'a>(pub(super) &'a Arc<ThreadPool>);

impl Threads {
    pub(super) fn new(options: SessionOptions) -> Self {
        let threads = options.threads.get().min(SessionOptions::THREADS_MAX);
        let lanes = threads.min(SessionOptions::LANES_MAX);
        let pool = |threads| Arc::new(ThreadPool::with_num_threads(threads));
        Self { all: pool(threads), lanes: (0..lanes).map(|i| pool((threads + i) / lanes)).collect() }
    }

    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn all(&self) -> Share<'_> {
        Share(&self.all)
    }

    /// Every item on the next free lane; answers in order. `panicked` makes the error of a panic.
    pub(super) fn side_by_side<T: Sync, R: Send>(
        &self,
        items: &[T],
        panicked: impl Fn() -> ModelError,
        work: impl Fn(Share<'_>, &T) -> Result<R, ModelError> + Sync,
    ) -> Result<Vec<R>, ModelError> {
        let next = AtomicUsize::new(0);
        let lane = |pool: &Arc<ThreadPool>| {
            let mut done = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(i) else { return Ok(done) };
                done.push((i, work(Share(pool), item)?));
            }
        };
        let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
            let lanes: Vec<_> =
                self.lanes.iter().take(items.len()).map(|pool| scope.spawn(|| lane(pool))).collect();
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
