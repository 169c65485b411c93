//! The named steps of a job's way through the server. Tests stop the process at each of them; in the product a
//! step is a line in the log.

use std::sync::Arc;
use tributary_protocol::vocab::JobId;

/// What has just become true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Hold and job are stored; nobody was told.
    Admitted,
    /// A packet of the clip is on disk.
    PacketStored,
    /// The clip is an artifact; the job is not queued yet.
    ClipStored,
    /// The job is queued; nobody rang.
    Queued,
    /// A worker has the lease.
    Claimed,
    /// A chunk came back from the device.
    ChunkDone,
    /// All stems are artifacts; the job is not settled.
    StemsStored,
    /// The job is settled; nobody was told.
    Settled,
}

impl Step {
    /// In the order of a job's life.
    pub const ALL: [Self; 8] = [
        Self::Admitted,
        Self::PacketStored,
        Self::ClipStored,
        Self::Queued,
        Self::Claimed,
        Self::ChunkDone,
        Self::StemsStored,
        Self::Settled,
    ];
}

/// Is told of every step, on the thread that made it.
pub trait Steps: Send + Sync + 'static {
    /// The step was reached. `job` is none where a clip may serve several jobs.
    fn reached(&self, step: Step, job: Option<JobId>);
}

/// Writes steps to the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggedSteps;

impl Steps for LoggedSteps {
    fn reached(&self, step: Step, job: Option<JobId>) {
        match job {
            Some(job) => tracing::debug!(%job, ?step, "step"),
            None => tracing::debug!(?step, "step"),
        }
    }
}

/// Shared by everything that makes steps.
pub type SharedSteps = Arc<dyn Steps>;
