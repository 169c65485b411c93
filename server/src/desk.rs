//! Where clients' calls are done, whatever wire they came by: what both the gRPC edge and the JSON edge need beyond
//! admission and store. Knows no wire.

mod arriving;
mod clips;
mod results;
mod rooms;
mod watch;

pub use arriving::Arriving;
pub use clips::Staged;
pub use results::{ResultKind, Stored};
pub use rooms::Rooms;
pub use watch::View;

use crate::admission::{Admissions, JobRequest, Refusal};
use crate::artifacts::{ArtifactError, Artifacts};
use crate::auth::AuthError;
use crate::clock::Clock;
use crate::config::LimitsConfig;
use crate::job::{Job, JobState};
use crate::people::Member;
use crate::progress::{News, Progress};
use crate::queue::Queue;
use crate::steps::SharedSteps;
use crate::store::keeping::Erased;
use crate::store::{Cancelled, Store, StoreError};
use crate::tenant::{Forbidden, Principal, Tenant};
use crate::upload::{UploadError, Uploads};
use crate::worker::stop::{Running, StopReason};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tributary_audio::AudioError;
use tributary_protocol::vocab::JobId;

/// Why a call was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// Not admitted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored bytes cannot be read or written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Part of a clip was not taken.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The same for what is not there and for what is somebody else's.
    #[error("there is no such job")]
    NoJob,
    /// No job of this account waits for it.
    #[error("no job waits for this clip; create the job first")]
    NoClip,
    /// Results come later.
    #[error("the job is {state}; {what} come when it is done")]
    NotDone {
        /// The job's state, in a word.
        state: &'static str,
        /// Stems or sheets.
        what: &'static str,
    },
    /// Its clip is still needed.
    #[error("the job has not ended: cancel it first")]
    NotEnded,
    /// Not one of the job's.
    #[error("the job has no such {what}, or it is no longer stored")]
    NoResult {
        /// Stem or sheet.
        what: &'static str,
    },
    /// A file that cannot be decoded.
    #[error("the file cannot be read as audio: {0}")]
    Audio(#[source] AudioError),
    /// Too many files come in.
    #[error("too many files come in at this moment; try again in a minute")]
    Busy,
    /// A file that is larger than allowed.
    #[error("a file has at most {} MB", bytes_max >> 20)]
    TooLarge {
        /// Allowed.
        bytes_max: u64,
    },
    /// Clips of this account that no job has named yet take too much room.
    #[error("clips that no job has named yet may take {bytes_max} bytes; create their jobs, or wait an hour")]
    TooMuchStaged {
        /// Allowed.
        bytes_max: u64,
    },
    /// The key that began this is dead, or may no longer.
    #[error(transparent)]
    Key(#[from] AuthError),
    /// As above.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The server goes down.
    #[error("the server is shutting down; watch again in a moment")]
    Draining,
    /// A thread was lost.
    #[error("a part of the server failed")]
    Lost(#[from] tokio::task::JoinError),
    /// A file of the server's own cannot be read or written.
    #[error("cannot {action}")]
    Io {
        /// For example `keep the file`.
        action: &'static str,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

/// Everything calls are done with.
pub struct Desk {
    /// Who may run what.
    pub admissions: Arc<Admissions>,
    /// What one request may ask for.
    pub limits: LimitsConfig,
    /// The page that sells credits; empty for none.
    pub buy_url: String,
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Finished stems.
    pub artifacts: Arc<dyn Artifacts>,
    /// Clips on their way.
    pub uploads: Arc<Uploads>,
    /// Places for files that come in.
    pub rooms: Rooms,
    /// The bell.
    pub queue: Arc<dyn Queue>,
    /// The news.
    pub progress: Arc<dyn Progress>,
    /// Jobs of this process's worker.
    pub running: Arc<Running>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who is told of steps.
    pub steps: SharedSteps,
    /// Set while the server is going down.
    pub drain: CancellationToken,
}

impl Desk {
    /// Admits, and queues at once where every clip is here: stored before, or sent whole and not yet named by a job.
    ///
    /// # Errors
    /// A named refusal; nothing was held.
    pub async fn create(&self, principal: &Principal, wish: JobRequest) -> Result<Job, DeskError> {
        if self.drain.is_cancelled() {
            return Err(Refusal::Draining.into());
        }
        let job = self.admissions.admit(principal, wish).await?;
        if job.state == JobState::Queued {
            self.queue.ring(job.id);
        }
        if job.state == JobState::Uploading && self.take_staged(&principal.tenant, &job).await? {
            return self.job(&principal.tenant, job.id).await;
        }
        Ok(job)
    }

    /// One job.
    ///
    /// # Errors
    /// `NoJob`, or the store's.
    pub async fn job(&self, tenant: &Tenant, id: JobId) -> Result<Job, DeskError> {
        self.store.job(tenant, id).await?.ok_or(DeskError::NoJob)
    }

    /// A job as clients see it.
    ///
    /// # Errors
    /// The store's, or where a partial clip cannot be looked up.
    pub async fn view(&self, tenant: &Tenant, job: Job, news: News) -> Result<View, DeskError> {
        let mut view = View::listed(job, news, self.limits.keep());
        match view.job.state {
            JobState::Queued => view.queue_position = self.store.queue_position(tenant, view.job.id).await?,
            JobState::Uploading => {
                for clip in view.job.references.iter().chain([&view.job.clip]) {
                    view.uploaded_bytes += self.committed_bytes(tenant, *clip).await?;
                }
            }
            _ => {}
        }
        Ok(view)
    }

    /// Ends a waiting job, or asks a running one to stop.
    ///
    /// # Errors
    /// `NoJob`, or the store's.
    pub async fn cancel(&self, tenant: &Tenant, id: JobId) -> Result<Job, DeskError> {
        let job = match self.store.cancel(tenant, id, self.clock.now()).await? {
            Cancelled::Now(job) | Cancelled::Ended(job) => job,
            Cancelled::Asked(job) => {
                self.running.stop(tenant, id, StopReason::User);
                job
            }
            Cancelled::Unknown => return Err(DeskError::NoJob),
        };
        self.progress.changed(tenant, id);
        Ok(job)
    }

    /// Deletes the clip and the results of a job that has ended: nobody sees them from now on, the files go soon after.
    ///
    /// # Errors
    /// `NoJob`, `NotEnded`, or the store's.
    pub async fn erase(&self, tenant: &Tenant, id: JobId) -> Result<Job, DeskError> {
        match self.store.erase(tenant, id, self.clock.now()).await? {
            Erased::Yes => {}
            Erased::Open => return Err(DeskError::NotEnded),
            Erased::Unknown => return Err(DeskError::NoJob),
        }
        tracing::info!(job = %id, "its results are erased at its account's wish");
        self.job(tenant, id).await
    }

    /// The address of the key's person; empty for a key of nobody.
    ///
    /// # Errors
    /// The store's.
    pub async fn email(&self, principal: &Principal) -> Result<String, DeskError> {
        let Some(person) = principal.person else { return Ok(String::new()) };
        Ok(self.store.person(person).await?.map(|person| person.email).unwrap_or_default())
    }

    /// What the key's person is in the account; none for a key of nobody.
    ///
    /// # Errors
    /// The store's.
    pub async fn member(&self, principal: &Principal) -> Result<Option<Member>, DeskError> {
        let Some(person) = principal.person else { return Ok(None) };
        let members = self.store.members(&principal.tenant, self.clock.now().month()).await?;
        Ok(members.into_iter().find(|member| member.person == person))
    }
}
