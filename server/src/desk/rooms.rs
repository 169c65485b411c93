//! How many files of any format come in, and are decoded, at once.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Files on their way: each keeps a connection and room on the disk busy, for as long as its sender takes.
const RECEIVED_MAX: usize = 64;
/// Files that are decoded: each keeps a processor busy, for a short time.
const DECODED_MAX: usize = 4;

/// Places for files.
pub struct Rooms {
    receiving: Arc<Semaphore>,
    decoding: Semaphore,
}

impl Default for Rooms {
    fn default() -> Self {
        Self { receiving: Arc::new(Semaphore::new(RECEIVED_MAX)), decoding: Semaphore::new(DECODED_MAX) }
    }
}

impl Rooms {
    /// A place for one more on its way; none where all are taken.
    pub(super) fn receive(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.receiving).try_acquire_owned().ok()
    }

    /// A turn to decode. Nobody closes the semaphore.
    pub(super) async fn decode(&self) -> Option<SemaphorePermit<'_>> {
        self.decoding.acquire().await.ok()
    }
}
