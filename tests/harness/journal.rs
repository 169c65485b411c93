//! What happened to whom, step by step: a [`Steps`] that remembers, for tests that compare counts instead of times.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tributary_protocol::vocab::JobId;
use tributary_server::Parts;
use tributary_server::steps::{Step, Steps};

/// Every step of one server, in order.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<(Step, Option<JobId>)>>);

impl Journal {
    /// A new journal, and the usual parts of a server that writes it.
    #[must_use]
    pub fn new() -> (Arc<Self>, Parts) {
        let journal = Arc::new(Self::default());
        let steps: Arc<Self> = Arc::clone(&journal);
        (journal, Parts { steps, ..Parts::default() })
    }

    /// How often a step was reached, whoever's it was.
    #[must_use]
    pub fn count(&self, step: Step) -> usize {
        self.lines().iter().filter(|line| line.0 == step).count()
    }

    /// Chunks of one job that came back from the device, all attempts together.
    #[must_use]
    pub fn chunks(&self, job: JobId) -> u32 {
        u32::try_from(self.chunks_in_order().iter().filter(|of| **of == job).count()).unwrap_or(u32::MAX)
    }

    /// Whose chunks came back from the device, one after the other.
    #[must_use]
    pub fn chunks_in_order(&self) -> Vec<JobId> {
        let chunk = |line: &(Step, Option<JobId>)| if line.0 == Step::ChunkDone { line.1 } else { None };
        self.lines().iter().filter_map(chunk).collect()
    }

    fn lines(&self) -> MutexGuard<'_, Vec<(Step, Option<JobId>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Steps for Journal {
    fn reached(&self, step: Step, job: Option<JobId>) {
        self.lines().push((step, job));
    }
}
