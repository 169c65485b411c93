//! Ends what was abandoned: uploads that never came, leases that ran out, bells nobody heard, old clips and stems.
//! Everything here may run at any time, any number of times.

use crate::artifacts::{Artifacts, Key};
use crate::clock::{Clock, Timestamp};
use crate::job::Job;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::store::{Reaped, Store, StoreError};
use crate::tenant::Tenant;
use crate::upload::Uploads;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tributary_protocol::vocab::{Credits, JobId};

/// Jobs ended in one go.
const BATCH: u32 = 100;
/// The books are recomputed once in this many rounds.
const ROUNDS_PER_AUDIT: u64 = 12;

/// Sessions, links and logins that ended are kept so long, for whoever wonders.
const ENDED_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Everything the reaper uses.
pub struct Reaper {
    /// How often it looks.
    pub every: Duration,
    /// Whether this process does what one alone must do, when it is the one. Only those do that have edges: they have the
    /// cashier and the courier, who lead or rest together with this.
    pub may_lead: bool,
    /// Times a lost job is tried.
    pub attempts: u32,
    /// How long results are kept.
    pub keep: Duration,
    /// How long a partial upload is kept without progress.
    pub upload_idle: Duration,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Clips and stems.
    pub artifacts: Arc<dyn Artifacts>,
    /// Partial clips.
    pub uploads: Arc<Uploads>,
    /// The bell.
    pub queue: Arc<dyn Queue>,
    /// The news.
    pub progress: Arc<dyn Progress>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Reaper {
    /// Looks until told to stop.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        let mut round = 0;
        while !stop.is_cancelled() {
            if let Err(error) = self.round(round % ROUNDS_PER_AUDIT == 0).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the reaper could not finish its round"
                );
            }
            round += 1;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    /// One round.
    ///
    /// # Errors
    /// Where the store fails; the next round goes on.
    pub async fn round(&self, audit: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        for (tenant, reaped) in self.store.reap(self.attempts, now, BATCH).await? {
            self.tell(&tenant, reaped);
        }
        let counts = self.store.counts().await?;
        if counts.queued > 0 {
            self.queue.ring(JobId::generate());
        }
        metrics::gauge!("tributary_jobs", "state" => "uploading").set(counts.uploading as f64);
        metrics::gauge!("tributary_jobs", "state" => "queued").set(counts.queued as f64);
        metrics::gauge!("tributary_jobs", "state" => "running").set(counts.running as f64);
        metrics::gauge!("tributary_holds_open").set(counts.holds_open as f64);
        let leads = self.may_lead && self.store.leads().await?;
        if audit && leads {
            let audit = self.store.audit().await?;
            metrics::gauge!("tributary_ledger_imbalance").set(f64::from(u8::from(!audit.is_clean())));
            if !audit.is_clean() {
                tracing::error!(?audit, "THE BOOKS ARE WRONG");
            }
        }
        self.sweep_uploads(now).await;
        // Two that forget at once could each leave a content to the other.
        if !leads {
            return Ok(());
        }
        let gone = self.store.expire_lots(now, BATCH).await?;
        if gone > Credits::ZERO {
            tracing::info!(credits = gone.0, "credits ended");
        }
        if audit {
            self.store.sweep_people(now.before(ENDED_KEPT)).await?;
        }
        self.forget_old(now).await
    }

    fn tell(&self, tenant: &Tenant, reaped: Reaped) {
        let (job, what) = match reaped {
            Reaped::Expired(job) => (job, "expired"),
            Reaped::Requeued(job) => (job, "requeued"),
            Reaped::Failed(job) => (job, "failed"),
            Reaped::Cancelled(job) => (job, "cancelled"),
        };
        tracing::warn!(%job, "reaped: {what}");
        metrics::counter!("tributary_reaped_total", "what" => what).increment(1);
        self.progress.changed(tenant, job);
        if matches!(reaped, Reaped::Requeued(_)) {
            self.queue.ring(job);
        }
    }

    /// Deletes partial uploads nobody continues.
    async fn sweep_uploads(&self, now: Timestamp) {
        let (uploads, older_than) = (Arc::clone(&self.uploads), now.before(self.upload_idle));
        let swept = tokio::task::spawn_blocking(move || uploads.sweep(older_than)).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot sweep partial uploads");
        }
    }

    /// Deletes clips and stems of what ended long ago.
    async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError> {
        for job in self.store.stale_jobs(now.before(self.keep), BATCH).await? {
            self.forget(&job).await?;
        }
        Ok(())
    }

    async fn forget(&self, job: &Job) -> Result<(), StoreError> {
        let tenant = Tenant::acting_for(job.account);
        let clips = job.references.iter().chain([&job.clip]).map(|clip| clip.sha256);
        let contents = job.artifacts.iter().map(|stem| stem.sha256).chain(clips);
        for content in contents {
            if self.store.content_needed(&tenant, content, job.id).await? {
                continue;
            }
            let (artifacts, key) = (Arc::clone(&self.artifacts), Key::new(&tenant, content));
            let deleted = tokio::task::spawn_blocking(move || artifacts.delete(&key)).await;
            if let Ok(Err(error)) = deleted {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot delete an artifact; later");
                return Ok(());
            }
        }
        self.store.forget(&tenant, job.id).await
    }
}
