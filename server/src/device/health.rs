//! How the device thread is doing: written by the thread, read by anyone without making it wait.

use crate::clock::{Clock, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tributary_models::SessionOptions;
use tributary_models::session::onnx_runtime_state;

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
    residents: Mutex<Vec<Resident>>,
    budget_bytes: Mutex<Option<u64>>,
}

/// A model that is loaded, and what really runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Its name.
    pub model: String,
    /// The engine's name.
    pub engine: String,
    /// The device's name.
    pub device: String,
    /// Why it is not the engine that would be taken first.
    pub instead: Option<String>,
    /// Memory it was measured to take, or the size of its weights where that is more.
    pub bytes: u64,
}

/// What the deployment chose, and what there is to run it: known before any model is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As in the configuration: `auto`, `rten`, `onnx-runtime`.
    pub engine: String,
    /// The device's name.
    pub device: String,
    /// Which of that kind.
    pub number: u8,
    /// ONNX Runtime's library, or why there is none.
    pub onnx_runtime: Result<String, String>,
    /// Its own words for what it was built from; empty where there is none.
    pub onnx_runtime_build: String,
}

impl Wanted {
    /// Looks what this process has for `options`.
    #[must_use]
    pub fn of(options: SessionOptions) -> Self {
        let state = onnx_runtime_state();
        Self {
            engine: options.engine.to_string(),
            device: options.device.to_string(),
            number: options.device_number,
            onnx_runtime: state.library.map(|path| path.display().to_string()),
            onnx_runtime_build: state.build,
        }
    }
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
            residents: Mutex::new(Vec::new()),
            budget_bytes: Mutex::new(None),
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
    pub fn residents(&self) -> Vec<Resident> {
        self.residents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes that the models may take together; none for no limit.
    #[must_use]
    pub fn budget_bytes(&self) -> Option<u64> {
        *self.budget_bytes.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub(super) fn set_residents(&self, residents: Vec<Resident>) {
        *self.residents.lock().unwrap_or_else(PoisonError::into_inner) = residents;
    }

    pub(super) fn set_budget(&self, bytes: Option<u64>) {
        *self.budget_bytes.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
    }

    pub(super) fn end(&self) {
        self.busy_since.store(IDLE, Relaxed);
        self.alive.store(false, Relaxed);
    }
}
