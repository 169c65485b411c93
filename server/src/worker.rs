//! Claims queued jobs, runs them, settles them. Holds no truth: a worker that dies loses only time.

pub mod foreign;
pub mod lease;
pub mod run;
pub mod stop;

use crate::artifacts::Artifacts;
use crate::clock::Clock;
use crate::config::WorkerConfig;
use crate::device::{Device, Meter};
use crate::offer::Offers;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::steps::{SharedSteps, Step};
use crate::store::{Claim, ClaimLimits, ClaimModels, Settled, Store, StoreError};
use foreign::Aside;
use run::{Outcome, Run};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use stop::{Running, Stop, StopReason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Without a ring the queue is looked at this often.
const POLL: Duration = Duration::from_secs(2);
/// An account's share of the device where nothing else is known.
pub const NORMAL_WEIGHT: u32 = 100;
/// Times a settlement is tried before the job is left to the reaper.
const SETTLE_TRIES: u32 = 6;

/// Everything a worker uses.
pub struct Worker {
    /// In logs and leases.
    pub name: String,
    /// Slots, leases, memory.
    pub config: WorkerConfig,
    /// Models.
    pub offers: Offers,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Clips and stems.
    pub artifacts: Arc<dyn Artifacts>,
    /// The bell.
    pub queue: Arc<dyn Queue>,
    /// The news.
    pub progress: Arc<dyn Progress>,
    /// Where chunks are run.
    pub device: Device,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who is told of steps.
    pub steps: SharedSteps,
    /// Jobs with this worker now.
    pub running: Arc<Running>,
    /// How long after it was made a job that this worker cannot run is left to others; none where there are none.
    pub foreign_patience: Option<Duration>,
}

impl Worker {
    /// Works until `drain`, then stops running jobs at the end of their chunk, gives them back and returns.
    pub async fn work(self: Arc<Self>, drain: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.config.jobs as usize));
        let jobs = TaskTracker::new();
        while !drain.is_cancelled() {
            let permit = tokio::select! {
                () = drain.cancelled() => break,
                permit = Arc::clone(&slots).acquire_owned() => permit.expect("the semaphore is never closed"),
            };
            let aside = self.claim_all(permit, &slots, &jobs, &drain).await;
            let (bell, pause) = if aside.is_empty() { (true, POLL) } else { (false, foreign::PAUSE) };
            self.give_back(aside).await;
            tokio::select! {
                () = drain.cancelled() => break,
                () = self.queue.wait(), if bell => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.running.stop_all(StopReason::Drain);
        jobs.close();
        if tokio::time::timeout(Duration::from_secs(self.config.drain_seconds), jobs.wait()).await.is_err() {
            tracing::warn!("some jobs did not stop in time; their leases run out by themselves");
        }
    }

    /// Claims and begins jobs until the queue has no more, or no slot is free. Answers the claims of others' jobs.
    async fn claim_all(
        self: &Arc<Self>,
        first: OwnedSemaphorePermit,
        slots: &Arc<Semaphore>,
        jobs: &TaskTracker,
        drain: &CancellationToken,
    ) -> Aside {
        let (mut slot, mut aside) = (Some(first), Aside::default());
        while !drain.is_cancelled() && !aside.is_full() {
            // Nobody waits for a slot with claims aside: their leases would run out.
            let Some(permit) = slot.take().or_else(|| Arc::clone(slots).try_acquire_owned().ok()) else {
                break;
            };
            match self.claim().await {
                Ok(Some(claim)) if self.is_foreign(&claim.job, self.clock.now()) => {
                    aside.put(claim);
                    slot = Some(permit);
                }
                Ok(Some(claim)) => {
                    jobs.spawn(Arc::clone(self).attempt(claim, permit, drain.clone()));
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot claim");
                    break;
                }
            }
        }
        aside
    }

    async fn claim(&self) -> Result<Option<Claim>, StoreError> {
        let now = self.clock.now();
        let names: Vec<_> = self.offers.all().map(|offer| offer.card.name.clone()).collect();
        let models = self
            .foreign_patience
            .map(|patience| ClaimModels { names: &names, or_made_before: now.before(patience) });
        let (per_account, attempts) = (self.config.jobs_per_account, self.config.attempts);
        let limits = ClaimLimits { per_account, attempts, models };
        self.store.claim(&self.name, limits, now, now.after(self.config.lease())).await
    }

    async fn attempt(self: Arc<Self>, claim: Claim, permit: OwnedSemaphorePermit, drain: CancellationToken) {
        let id = claim.job.id;
        self.steps.reached(Step::Claimed, Some(id));
        self.progress.changed(&claim.tenant, id);
        let waited = claim.job.created_at;
        metrics::histogram!("tributary_queue_seconds")
            .record((self.clock.now().0 - waited.0).max(0) as f64 / 1e6);
        let stop = Arc::new(Stop::default());
        let registered = self.running.register(&claim.tenant, id, Arc::clone(&stop));
        // Whoever wanted the job to stop between its claim and here found nobody to tell.
        if self.is_cancel_asked(&claim).await {
            stop.stop(StopReason::User);
        } else if drain.is_cancelled() {
            stop.stop(StopReason::Drain);
        }
        let lease = tokio::spawn(lease::keep(Arc::clone(&self), claim.clone(), Arc::clone(&stop)));
        let meter = Arc::new(Meter::default());
        let outcome = self.run(&claim, &stop, &meter).await;
        lease.abort();
        drop(registered);
        self.note_time(&claim, meter.total()).await;
        self.settle(&claim, outcome, &stop).await;
        self.progress.changed(&claim.tenant, id);
        drop(permit);
        self.queue.ring(id);
    }

    /// A store that does not answer is asked again by the lease.
    async fn is_cancel_asked(&self, claim: &Claim) -> bool {
        let job = self.store.job(&claim.tenant, claim.job.id).await;
        job.is_ok_and(|job| job.is_some_and(|job| job.cancel_asked))
    }

    async fn run(&self, claim: &Claim, stop: &Arc<Stop>, meter: &Arc<Meter>) -> Outcome {
        let offer = match self.offers.get(&claim.job.model) {
            Ok(offer) => offer.clone(),
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let weight = self.store.account(&claim.tenant).await.map_or(NORMAL_WEIGHT, |account| account.weight);
        let run = Run {
            job: claim.job.clone(),
            tenant: claim.tenant,
            weight: NonZeroU32::new(weight).unwrap_or(NonZeroU32::MIN),
            pipeline: offer.pipeline,
            device: self.device.clone(),
            artifacts: Arc::clone(&self.artifacts),
            progress: Arc::clone(&self.progress),
            steps: Arc::clone(&self.steps),
            stop: Arc::clone(stop),
            meter: Arc::clone(meter),
            in_flight_max: self.config.chunks_in_flight,
        };
        let ran = tokio::task::spawn_blocking(move || run.to_end()).await;
        ran.unwrap_or_else(|error| {
            tracing::error!(job = %claim.job.id, %error, "a job panicked");
            Outcome::Failed("an internal error; it was logged".to_owned())
        })
    }

    /// For the operator's books; no job waits for it.
    async fn note_time(&self, claim: &Claim, time: Duration) {
        let model = claim.job.model.clone();
        metrics::counter!("tributary_device_microseconds_total", "model" => model)
            .increment(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        if let Err(error) = self.store.add_device_time(&claim.tenant, claim.job.id, time).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(job = %claim.job.id, error, "a job's device time was not noted");
        }
    }

    /// Tries until the store answers; a job that cannot be settled is left to the reaper.
    async fn settle(&self, claim: &Claim, outcome: Outcome, stop: &Stop) {
        let word = outcome.word(stop.reason());
        for attempt in 0..SETTLE_TRIES {
            match self.settle_once(claim, &outcome, stop).await {
                Ok(Some(Settled::Yes(job))) => {
                    self.steps.reached(Step::Settled, Some(job.id));
                    metrics::counter!("tributary_jobs_total", "model" => job.model.clone(), "outcome" => word)
                        .increment(1);
                    metrics::counter!("tributary_credits_captured_total", "model" => job.model.clone())
                        .increment(job.captured.0);
                    tracing::info!(job = %job.id, attempt = job.attempt, captured = job.captured.0, "job {word}");
                    return;
                }
                Ok(Some(Settled::Stale)) => {
                    tracing::warn!(job = %claim.job.id, attempt = claim.job.attempt, "a stale settlement was refused");
                    return;
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(job = %claim.job.id, error = &error as &dyn std::error::Error, "cannot settle");
                    tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                }
            }
        }
    }

    async fn settle_once(
        &self,
        claim: &Claim,
        outcome: &Outcome,
        stop: &Stop,
    ) -> Result<Option<Settled>, StoreError> {
        let now = self.clock.now();
        let settled = match outcome {
            Outcome::Done(stems) => self.store.finish(claim, stems, now).await?,
            Outcome::Failed(reason) => self.store.fail(claim, reason, now).await?,
            Outcome::Later => self.store.give_back(claim, now).await?,
            Outcome::Stopped => match stop.reason() {
                Some(StopReason::User) => self.store.stopped(claim, stop.chunks_done(), now).await?,
                Some(StopReason::Drain) => self.store.give_back(claim, now).await?,
                Some(StopReason::LeaseLost) | None => return Ok(None),
            },
        };
        Ok(Some(settled))
    }
}
