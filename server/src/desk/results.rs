//! Finished stems and sheets, by name.

use super::{Desk, DeskError};
use crate::artifacts::{ArtifactReader, Key};
use crate::job::{Job, JobState, StemArtifact};
use crate::tenant::Tenant;
use std::sync::Arc;
use tributary_protocol::vocab::JobId;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultKind {
    /// Sound.
    Stem,
    /// A file that is not sound.
    Sheet,
}

/// A result of a job that is done, not yet opened.
pub struct Stored {
    /// The job.
    pub job: Job,
    /// What is stored.
    pub made: StemArtifact,
    tenant: Tenant,
}

impl ResultKind {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Stem => ("stem", "stems"),
            Self::Sheet => ("sheet", "sheets"),
        }
    }
}

impl Desk {
    /// A job's stem or sheet of that name.
    ///
    /// # Errors
    /// `NoJob`, `NotDone`, `NoResult`, or the store's.
    pub async fn result(
        &self,
        tenant: &Tenant,
        id: JobId,
        kind: ResultKind,
        name: &str,
    ) -> Result<Stored, DeskError> {
        let job = self.job(tenant, id).await?;
        let (one, many) = kind.words();
        if job.state != JobState::Done {
            return Err(DeskError::NotDone { state: job.state.word(), what: many });
        }
        let is_sheet = kind == ResultKind::Sheet;
        let made = job.artifacts.iter().find(|made| made.name == name && made.is_sheet() == is_sheet);
        let made = made.cloned().ok_or(DeskError::NoResult { what: one })?;
        Ok(Stored { job, made, tenant: *tenant })
    }

    /// Opens it.
    ///
    /// # Errors
    /// `Artifact`.
    pub async fn open(&self, stored: &Stored) -> Result<Box<dyn ArtifactReader>, DeskError> {
        let (artifacts, key) = (Arc::clone(&self.artifacts), Key::new(&stored.tenant, stored.made.sha256));
        Ok(tokio::task::spawn_blocking(move || artifacts.open(&key)).await??)
    }
}
