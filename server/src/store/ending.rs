//! How jobs end, in words that every database writes: which arrow, what is taken, and what each word is called. Rules
//! alone; no SQL.

use super::values::unreadable;
use super::{NewJob, StoreError};
use crate::job::{Job, JobEvent, JobState, StemArtifact, cancelled_share, next};
use tributary_protocol::vocab::Credits;

/// For the user of a job whose workers disappeared.
pub(super) const GIVEN_UP: &str = "the server lost this job too often while it ran; nothing was charged: try again, \
                                   and if it happens again tell the server's operator this job's id";

/// How an attempt ended.
pub(super) enum Outcome<'a> {
    /// All stems are stored.
    Finished(&'a [StemArtifact]),
    /// It cannot succeed.
    Failed(&'a str),
    /// The user stopped it after so many chunks.
    Stopped(u32),
}

/// How a job ends.
pub(super) struct Ending<'a> {
    /// Which arrow.
    pub(super) event: JobEvent,
    /// Taken; the rest of the hold returns.
    pub(super) captured: Credits,
    /// Chunks done when it ended.
    pub(super) chunks_done: u32,
    /// Why it failed; given exactly when it did.
    pub(super) failure: Option<&'a str>,
    /// The worker's attempt that ends it; none for the user and the reaper.
    pub(super) attempt: Option<u32>,
}

impl<'a> Ending<'a> {
    /// Ends without a worker, and costs nothing.
    pub(super) fn released(job: &Job, event: JobEvent, failure: Option<&'a str>) -> Self {
        Self { event, captured: Credits::ZERO, chunks_done: job.chunks_done, failure, attempt: None }
    }

    /// The end that the outcome of the job's present attempt leads to.
    pub(super) fn of(outcome: &Outcome<'a>, job: &Job) -> Self {
        let attempt = Some(job.attempt);
        match *outcome {
            Outcome::Finished(_) => {
                let (captured, chunks_done) = (job.held, job.chunks);
                Self { event: JobEvent::Finished, captured, chunks_done, failure: None, attempt }
            }
            Outcome::Failed(reason) => {
                let (captured, chunks_done) = (Credits::ZERO, job.chunks_done);
                Self { event: JobEvent::GaveUp, captured, chunks_done, failure: Some(reason), attempt }
            }
            Outcome::Stopped(chunks_done) => {
                let captured = cancelled_share(job.held, chunks_done, job.chunks);
                Self { event: JobEvent::Stopped, captured, chunks_done, failure: None, attempt }
            }
        }
    }
}

impl Outcome<'_> {
    /// Whether `job`, settled by the asking attempt itself, was settled in this very way: the answer was lost, and is
    /// given again.
    pub(super) fn is_of(&self, job: &Job) -> bool {
        match self {
            Self::Finished(stems) => job.state == JobState::Done && (job.erased || job.artifacts == *stems),
            Self::Failed(reason) => job.state == JobState::Failed && job.failure.as_deref() == Some(*reason),
            Self::Stopped(chunks_done) => {
                job.state == JobState::Cancelled && job.chunks_done == (*chunks_done).min(job.chunks)
            }
        }
    }
}

/// The state the arrow leads to.
pub(super) fn arrow(state: JobState, event: JobEvent) -> Result<JobState, StoreError> {
    next(state, event).ok_or_else(|| unreadable("state"))
}

/// The word of a settlement that ended a job in `to`.
pub(super) fn settlement_kind(to: JobState, captured: Credits) -> &'static str {
    match to {
        JobState::Done => "captured",
        JobState::Expired => "expired",
        _ if captured > Credits::ZERO => "captured",
        _ => "released",
    }
}

/// Whether `new` asks for what `job` was asked for.
pub(super) fn is_same_request(job: &Job, new: &NewJob) -> bool {
    // A server of another version may know more controls: what both know must agree.
    let differs = |(name, value)| job.settings.get(name).is_some_and(|before| before != value);
    job.model == new.model
        && job.stems == new.stems
        && job.clip == new.clip
        && job.references.iter().eq(new.references.iter().map(|(clip, _)| clip))
        && !new.settings.iter().any(differs)
}
