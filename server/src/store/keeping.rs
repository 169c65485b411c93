//! What an account keeps on this server's disk, and what its people want deleted before its time.

use super::StoreError;
use crate::clock::Timestamp;
use crate::tenant::Tenant;
use async_trait::async_trait;
use tributary_protocol::vocab::JobId;

/// How many bytes an account may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageLimit {
    /// In all.
    pub bytes: u64,
    /// What the job that asks may add: clips that are not here, and its stems.
    pub needed: u64,
}

/// What became of the wish to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// On record, now or before: nobody sees the results any more, and the reaper deletes them.
    Yes,
    /// It has not ended: its clip is still needed.
    Open,
    /// No such job.
    Unknown,
}

/// Keeping and deleting.
#[async_trait]
pub trait Keeping: Send + Sync {
    /// Bytes of the clips, references, stems and sheets of jobs that are neither forgotten nor erased, each content once,
    /// and of the stems that open jobs will add.
    async fn kept_bytes(&self, tenant: &Tenant) -> Result<u64, StoreError>;
    /// Nobody shall see the job's results again.
    async fn erase(&self, tenant: &Tenant, job: JobId, now: Timestamp) -> Result<Erased, StoreError>;
}
