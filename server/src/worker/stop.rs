//! How a running job is told to stop, and how far it came. A token, not a message in the work queue.

use crate::tenant::Tenant;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio_util::sync::CancellationToken;
use tributary_protocol::vocab::JobId;

/// Why a job stops before its end. The first reason given stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Its owner asked.
    User,
    /// The server is going down: the job goes back to the queue.
    Drain,
    /// Another worker has it now, or it has ended.
    LeaseLost,
}

/// One running job's stop sign and chunk counter.
#[derive(Debug, Default)]
pub struct Stop {
    token: CancellationToken,
    reason: OnceLock<StopReason>,
    chunks_done: AtomicU32,
}

impl Stop {
    /// Stop at the end of the chunk under way.
    pub fn stop(&self, reason: StopReason) {
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// Why, once it was told to.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    /// Whether it was told to.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// For the device, which drops waiting chunks of stopped jobs.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// One more chunk is done; answers how many now.
    pub fn chunk_done(&self) -> u32 {
        self.chunks_done.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How many are.
    #[must_use]
    pub fn chunks_done(&self) -> u32 {
        self.chunks_done.load(Ordering::Relaxed)
    }
}

/// The jobs of one worker.
#[derive(Debug, Default)]
pub struct Running(Mutex<HashMap<(Tenant, JobId), Arc<Stop>>>);

impl Running {
    /// The job is under way until the answer is dropped.
    #[must_use]
    pub fn register(self: &Arc<Self>, tenant: &Tenant, job: JobId, stop: Arc<Stop>) -> Registered {
        let job = (*tenant, job);
        self.jobs().insert(job, stop);
        Registered { running: Arc::clone(self), job }
    }

    /// Stops one job, if it is here.
    pub fn stop(&self, tenant: &Tenant, job: JobId, reason: StopReason) {
        if let Some(stop) = self.jobs().get(&(*tenant, job)) {
            stop.stop(reason);
        }
    }

    /// Stops all.
    pub fn stop_all(&self, reason: StopReason) {
        self.jobs().values().for_each(|stop| stop.stop(reason));
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<(Tenant, JobId), Arc<Stop>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the job off the list when dropped.
#[derive(Debug)]
pub struct Registered {
    running: Arc<Running>,
    job: (Tenant, JobId),
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.running.jobs().remove(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_protocol::vocab::AccountId;

    #[test]
    fn the_first_reason_stays_and_an_ended_job_is_off_the_list() {
        let (running, job) = (Arc::new(Running::default()), JobId::generate());
        let [tenant, other] = [(); 2].map(|()| Tenant::acting_for(AccountId::generate()));
        let stop = Arc::new(Stop::default());
        let registered = running.register(&tenant, job, Arc::clone(&stop));
        running.stop(&other, job, StopReason::LeaseLost);
        assert_eq!(stop.reason(), None, "another account's job of the same id");
        running.stop(&tenant, job, StopReason::User);
        running.stop_all(StopReason::Drain);
        assert_eq!(stop.reason(), Some(StopReason::User));
        drop(registered);
        assert!(running.jobs().is_empty());
    }
}
