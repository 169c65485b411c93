//! How the device thread is doing: written by the thread, read by anyone without making it wait.

use crate::clock::{Clock, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// No batch is running.
const IDLE: i64 = i64::MIN;

/// Counters and times of one device thread.
pub struct Health {
    clock: Arc<dyn Clock>,
    ticked_at: AtomicI64,
    busy_since: AtomicI64,
    alive: AtomicBool,
    batches: AtomicU64,
    chunks_done: AtomicU64,
    chunks_failed: AtomicU64,
    models: Mutex<Vec<String>>,
}

impl Health {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now().0;
        Self {
            clock,
            ticked_at: AtomicI64::new(now),
            busy_since: AtomicI64::new(IDLE),
            alive: AtomicBool::new(true),
            batches: AtomicU64::new(0),
            chunks_done: AtomicU64::new(0),
            chunks_failed: AtomicU64::new(0),
            models: Mutex::new(Vec::new()),
        }
    }

    /// When the thread last looked for work: at least once a second unless a batch is running.
    #[must_use]
    pub fn ticked_at(&self) -> Timestamp {
        Timestamp(self.ticked_at.load(Relaxed))
    }

    /// When the batch now running began (loading its model included); none where the device is idle.
    #[must_use]
    pub fn busy_since(&self) -> Option<Timestamp> {
        let since = self.busy_since.load(Relaxed);
        (since != IDLE).then_some(Timestamp(since))
    }

    /// Whether the thread runs and has looked for work within `patience`: longer than the slowest batch with its
    /// model's loading.
    #[must_use]
    pub fn is_live(&self, patience: Duration) -> bool {
        self.alive.load(Relaxed) && self.clock.now() <= self.ticked_at().after(patience)
    }

    /// Batches run, failed ones included.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches.load(Relaxed)
    }

    /// Chunks answered.
    #[must_use]
    pub fn chunks_done(&self) -> u64 {
        self.chunks_done.load(Relaxed)
    }

    /// Chunks that got an error from their model.
    #[must_use]
    pub fn chunks_failed(&self) -> u64 {
        self.chunks_failed.load(Relaxed)
    }

    /// Models loaded now, the one used last at the end.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn tick(&self) {
        self.ticked_at.store(self.clock.now().0, Relaxed);
    }

    pub(super) fn begin_batch(&self) {
        self.tick();
        self.busy_since.store(self.ticked_at().0, Relaxed);
        self.batches.fetch_add(1, Relaxed);
    }

    pub(super) fn end_batch(&self) {
        self.busy_since.store(IDLE, Relaxed);
        self.tick();
    }

    pub(super) fn count(&self, chunk_done: bool) {
        let counter = if chunk_done { &self.chunks_done } else { &self.chunks_failed };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn set_models(&self, models: Vec<String>) {
        *self.models.lock().unwrap_or_else(PoisonError::into_inner) = models;
    }

    pub(super) fn end(&self) {
        self.busy_since.store(IDLE, Relaxed);
        self.alive.store(false, Relaxed);
    }
}
