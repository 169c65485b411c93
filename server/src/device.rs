//! The device and its thread: sessions, batches, fairness.
//!
//! One OS thread owns every [`Session`](tributary_models::Session), so there is no lock to wait for while a model
//! runs. Workers submit chunks and wait for their answers; [`fair`] decides who is next, the thread runs a batch at
//! a time. A batch that fails is halved until the guilty chunk is alone, so a job that fails or panics fails alone; the
//! thread goes on. Reads no files but what the system says of memory, never talks to the store.

mod batch_limits;
pub mod fair;
pub mod health;
pub mod memory;
mod meter;
mod residents;
mod thread;
mod ticket;

pub use health::Health;
pub use memory::MemoryGauge;
pub use meter::Meter;
pub use ticket::Ticket;

use crate::clock::Clock;
use fair::{Class, FairQueue, Waiting};
use std::any::Any;
use std::io;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tributary_models::{Chunk, ChunkAnswer, ModelError, Pipeline};
use tributary_protocol::vocab::{AccountId, JobId};

/// How often an idle device thread says that it lives.
const TICK: Duration = Duration::from_secs(1);

/// Limits of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceOptions {
    /// Chunks in one batch, at least 1. More is faster on a GPU until its memory is full; on a CPU it only delays.
    pub batch_max: usize,
    /// Chunks that may wait, of all jobs together. Jobs running at once times their chunks in flight.
    pub waiting_max: usize,
    /// Memory that loaded models may take together; the one not used for longest makes room. None leaves it to the
    /// gauge.
    pub memory_bytes: Option<u64>,
}

impl Default for DeviceOptions {
    fn default() -> Self {
        Self { batch_max: 4, waiting_max: 1024, memory_bytes: None }
    }
}

/// One chunk of one job, for the device.
pub struct Work {
    /// Who pays for it in waiting time.
    pub account: AccountId,
    /// The account's share beside others; 2 gets twice as much as 1.
    pub weight: NonZeroU32,
    /// Chunks of one job are run in the order they are submitted.
    pub job: JobId,
    /// Loads and runs the model.
    pub pipeline: Arc<dyn Pipeline>,
    /// Names the model: works of one name must have the same pipeline, they share its session and its batches.
    pub model: String,
    /// What to run.
    pub chunk: Chunk,
    /// Device time it will take, in one unit for all models (such as measured microseconds).
    pub cost: u64,
    /// Ends the wait at once; the chunk is dropped unless it is running already.
    pub cancelled: CancellationToken,
    /// Where its share of the device's time is added.
    pub meter: Arc<Meter>,
}

/// Why a chunk has no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Too much is waiting: submit again when some of it is answered.
    #[error("{waiting_max} chunks wait for the device already; try again later")]
    Busy {
        /// The limit.
        waiting_max: usize,
    },
    /// Its token was cancelled.
    #[error("stopped")]
    Cancelled,
    /// The device is shutting down: give the job back, another worker or the next start will take it.
    #[error("the device is shutting down")]
    Stopped,
    /// The model cannot be loaded.
    #[error("cannot load model `{model}`")]
    Load {
        /// Its name.
        model: String,
        /// Why.
        #[source]
        cause: Arc<ModelError>,
    },
    /// The model failed on this chunk, alone.
    #[error("model `{model}` failed")]
    Infer {
        /// Its name.
        model: String,
        /// Why.
        #[source]
        cause: Arc<ModelError>,
    },
    /// A bug in the pipeline or the engine.
    #[error("model `{model}` panicked: {message}")]
    Panicked {
        /// Its name.
        model: String,
        /// In the panic's words.
        message: String,
    },
    /// A bug in the pipeline: the answers are not those to the chunks.
    #[error("model `{model}` was asked for chunks {asked:?} and answered {answered:?}")]
    Answers {
        /// Its name.
        model: String,
        /// Indices of the batch.
        asked: Vec<u32>,
        /// Indices of the answers.
        answered: Vec<u32>,
    },
}

impl DeviceError {
    /// Whether the same chunk may succeed later or elsewhere.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Stopped)
    }

    /// Whether the device has no room for it: fewer chunks at once may fit.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        let (Self::Load { cause, .. } | Self::Infer { cause, .. }) = self else { return false };
        matches!(**cause, ModelError::OutOfMemory { .. })
    }
}

/// A handle to the device thread. The last one dropped stops it.
#[derive(Clone)]
pub struct Device {
    owner: Arc<Owner>,
}

struct Owner {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What submitters and the thread both see.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    health: Arc<Health>,
    options: DeviceOptions,
}

struct State {
    queue: FairQueue<Asked>,
    stopping: bool,
}

/// A chunk and who waits for its answer.
struct Asked {
    pipeline: Arc<dyn Pipeline>,
    chunk: Chunk,
    cancelled: CancellationToken,
    meter: Arc<Meter>,
    answer: oneshot::Sender<Result<ChunkAnswer, DeviceError>>,
}

impl Device {
    /// Starts the thread, which asks `gauge` how much memory models take. No model is loaded before its first chunk.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(
        options: DeviceOptions,
        clock: Arc<dyn Clock>,
        gauge: Box<dyn MemoryGauge>,
    ) -> io::Result<Self> {
        describe_metrics();
        let state = State { queue: FairQueue::new(options.waiting_max), stopping: false };
        let health = Arc::new(Health::new(clock));
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), health, options });
        let owned = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("device".to_owned())
            .spawn(move || thread::run(&owned, gauge))?;
        Ok(Self { owner: Arc::new(Owner { shared, thread: Mutex::new(Some(thread)) }) })
    }

    /// Puts a chunk in the queue; returns at once, from any thread.
    ///
    /// # Errors
    /// `Busy`, `Cancelled` or `Stopped`; the chunk was not taken.
    pub fn submit(&self, work: Work) -> Result<Ticket, DeviceError> {
        let Work { account, weight, job, pipeline, model, chunk, cost, cancelled, meter } = work;
        if cancelled.is_cancelled() {
            return Err(DeviceError::Cancelled);
        }
        let (answer, ticket) = Ticket::new(cancelled.clone());
        let class = Class { model, shape: chunk.shape.clone() };
        let item = Asked { pipeline, chunk, cancelled, meter, answer };
        let shared = &self.owner.shared;
        let mut state = shared.lock();
        if state.stopping {
            return Err(DeviceError::Stopped);
        }
        let waiting = Waiting { account, weight, job, class, cost, item };
        state.queue.push(waiting).map_err(|full| DeviceError::Busy { waiting_max: full.waiting_max })?;
        publish_waiting(&state.queue);
        drop(state);
        shared.changed.notify_one();
        Ok(ticket)
    }

    /// How the thread is doing.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.owner.shared.health)
    }

    /// Blocks until the batch now running is answered; everything that waits gets `Stopped`. Again does nothing.
    pub fn shutdown(&self) {
        self.owner.shutdown();
    }
}

impl Owner {
    fn shutdown(&self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the device thread ended by a panic outside of any model");
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Shared {
    /// Nothing panics while holding it but an allocation; the queue is whole either way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until there is work; none when the device is stopping.
    fn next_batch(&self) -> Option<Vec<Waiting<Asked>>> {
        let mut state = self.lock();
        loop {
            self.health.tick();
            if state.stopping {
                return None;
            }
            state.queue.retain(|asked| !asked.cancelled.is_cancelled());
            let batch = state.queue.next_batch(self.options.batch_max.max(1));
            publish_waiting(&state.queue);
            if !batch.is_empty() {
                return Some(batch);
            }
            let waited = self.changed.wait_timeout(state, TICK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn publish_waiting(queue: &FairQueue<Asked>) {
    metrics::gauge!("tributary_device_queue_chunks").set(queue.waiting() as f64);
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("tributary_device_queue_chunks", Unit::Count, "Chunks waiting for the device");
    describe_histogram!("tributary_batch_size", Unit::Count, "Chunks in one batch");
    describe_gauge!(
        "tributary_model_memory_bytes",
        Unit::Bytes,
        "Memory of a loaded model; 0 when it is unloaded"
    );
    describe_gauge!(
        "tributary_batch_limit_chunks",
        Unit::Count,
        "Chunks in one batch that were learned to fit"
    );
    describe_counter!("tributary_batches_halved_total", Unit::Count, "Batches that failed and were halved");
    describe_histogram!(
        "tributary_chunk_seconds",
        Unit::Seconds,
        "Device time of one chunk: its batch's, divided"
    );
}

/// Runs the pipeline's code; its panic is an error of this call.
fn catch<R>(model: &str, call: impl FnOnce() -> R) -> Result<R, DeviceError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| DeviceError::Panicked {
        model: model.to_owned(),
        message: message_of(payload.as_ref()),
    })
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
#[path = "device/device_tests.rs"]
mod tests;
