//! Whether the queue of all accounts has room for one more. Asks the store now and then, so it may be wrong by what other
//! servers of the database admit in a second; it is a bound on waiting, not on money.

use crate::clock::Timestamp;
use crate::store::{Store, StoreError};
use std::time::Duration;
use tokio::sync::Mutex;

/// A count this old is asked for again.
const FRESH: Duration = Duration::from_secs(1);

/// The bound, and how many waited when the store was asked last.
#[derive(Debug)]
pub struct QueueRoom {
    queued_max: u64,
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Timestamp,
    queued: u64,
}

impl QueueRoom {
    /// For so many queued jobs; 0 for any number.
    #[must_use]
    pub fn new(queued_max: u64) -> Self {
        Self { queued_max, seen: Mutex::new(None) }
    }

    /// The bound.
    #[must_use]
    pub fn queued_max(&self) -> u64 {
        self.queued_max
    }

    /// Whether one more may be queued.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn is_there(&self, store: &dyn Store, now: Timestamp) -> Result<bool, StoreError> {
        if self.queued_max == 0 {
            return Ok(true);
        }
        // Held while the store is asked: a crowd asks once.
        let mut seen = self.seen.lock().await;
        let fresh = seen.filter(|seen| seen.at <= now && now < seen.at.after(FRESH));
        let counted = match fresh {
            Some(seen) => seen,
            None => Seen { at: now, queued: store.counts().await?.queued },
        };
        *seen = Some(counted);
        Ok(counted.queued < self.queued_max)
    }

    /// This process queued one since.
    pub async fn took(&self) {
        if let Some(seen) = self.seen.lock().await.as_mut() {
            seen.queued += 1;
        }
    }
}
