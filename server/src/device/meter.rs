//! How long the device worked for one attempt of a job: what the job cost, whatever became of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time of the device, added up chunk by chunk. Shared by whoever asks and the device's thread.
#[derive(Debug, Default)]
pub struct Meter(AtomicU64);

impl Meter {
    /// A chunk's share of its batch.
    pub(super) fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// All of it so far, to a microsecond.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}
