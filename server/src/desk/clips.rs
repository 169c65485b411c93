//! Clips on their way in, from either wire, and files that are decoded here.

use super::{Desk, DeskError};
use crate::admission::Refusal;
use crate::artifacts::Key;
use crate::canonical;
use crate::job::Job;
use crate::steps::Step;
use crate::tenant::Tenant;
use crate::upload::{Upload, UploadError, Uploads};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_audio::ClipShape;
use tributary_protocol::limits::PACKET_CANONICAL_BYTES_MAX;
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// Bytes of clips that an account may leave here before a job names them: an hour of stereo at 48 kHz, three times.
const STAGED_BYTES_MAX: u64 = 4 << 30;

/// A file that is a clip now and waits for a job that names it.
#[derive(Clone, Copy, Debug)]
pub struct Staged {
    /// What it is.
    pub clip: ClipHeader,
    /// This file brought it: nothing of it was here, and nobody else was sending it.
    is_new: bool,
}

impl Desk {
    /// Takes up a clip where it was left.
    ///
    /// # Errors
    /// Where somebody else sends it, or it cannot be stored.
    pub async fn begin_clip(&self, tenant: &Tenant, header: ClipHeader) -> Result<Upload, DeskError> {
        let (uploads, owner) = (Arc::clone(&self.uploads), *tenant);
        blocking(move || uploads.begin(&owner, &header)).await
    }

    /// A clip goes on arriving: now and then its jobs' deadline moves on. `told`: when it last did.
    ///
    /// # Errors
    /// The store's.
    pub async fn still_arriving(
        &self,
        tenant: &Tenant,
        clip: Sha256,
        told: &mut Instant,
    ) -> Result<(), DeskError> {
        let patience: Duration = self.limits.upload_idle();
        if told.elapsed() > patience / 4 {
            *told = Instant::now();
            self.store.still_uploading(tenant, clip, self.clock.now().after(patience)).await?;
        }
        Ok(())
    }

    /// The stream has ended: whether the clip is whole, and how much of it is here. A whole one queues its jobs.
    ///
    /// # Errors
    /// Where the bytes are not what the header says, or cannot be stored.
    pub async fn end_clip(&self, tenant: &Tenant, upload: Upload) -> Result<(bool, u64), DeskError> {
        let committed_bytes = upload.committed_bytes();
        if committed_bytes != upload.declared_bytes() {
            return Ok((false, committed_bytes));
        }
        let key = blocking(move || upload.finish()).await?;
        self.steps.reached(Step::ClipStored, None);
        self.clip_stored(tenant, key.sha256()).await?;
        Ok((true, committed_bytes))
    }

    /// How much of a clip is here. A clip that was stored just before the server died is announced now.
    ///
    /// # Errors
    /// `NoClip`, or the store's.
    pub async fn clip_status(&self, tenant: &Tenant, sha256: Sha256) -> Result<(bool, u64), DeskError> {
        let (artifacts, key) = (Arc::clone(&self.artifacts), Key::new(tenant, sha256));
        let stored = tokio::task::spawn_blocking(move || artifacts.bytes(&key)).await??;
        if let Some(committed_bytes) = stored {
            self.clip_stored(tenant, sha256).await?;
            return Ok((true, committed_bytes));
        }
        let header = self.store.awaited_clip(tenant, sha256).await?.ok_or(DeskError::NoClip)?;
        Ok((false, self.committed_bytes(tenant, header).await?))
    }

    pub(super) async fn committed_bytes(
        &self,
        tenant: &Tenant,
        header: ClipHeader,
    ) -> Result<u64, DeskError> {
        let (uploads, owner) = (Arc::clone(&self.uploads), *tenant);
        blocking(move || uploads.committed_bytes(&owner, &header)).await
    }

    /// The clip is an artifact: the jobs that wait for it are queued.
    async fn clip_stored(&self, tenant: &Tenant, sha256: Sha256) -> Result<(), DeskError> {
        for job in self.store.uploaded(tenant, sha256, self.clock.now()).await? {
            self.steps.reached(Step::Queued, Some(job));
            self.queue.ring(job);
            self.progress.changed(tenant, job);
        }
        Ok(())
    }

    /// Clips of the job that were sent whole before any job named them; whether there were some.
    pub(super) async fn take_staged(&self, tenant: &Tenant, job: &Job) -> Result<bool, DeskError> {
        let mut any = false;
        for clip in job.references.iter().chain([&job.clip]) {
            if !self.is_whole(tenant, *clip).await? {
                continue;
            }
            match self.begin_clip(tenant, *clip).await {
                Ok(upload) => any |= self.end_clip(tenant, upload).await?.0,
                // Whoever sends it ends it.
                Err(DeskError::Upload(UploadError::Busy)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(any)
    }

    /// Whether so many more bytes fit on the disk, with what must stay free.
    ///
    /// # Errors
    /// `DiskFull`, or where the disk cannot be asked.
    pub async fn check_room(&self, bytes: u64) -> Result<(), DeskError> {
        let artifacts = Arc::clone(&self.artifacts);
        let free = tokio::task::spawn_blocking(move || artifacts.free_bytes()).await??;
        let needed = bytes.saturating_add(self.limits.disk_free_min_mb << 20);
        if free.is_some_and(|free| free < needed) { Err(Refusal::DiskFull.into()) } else { Ok(()) }
    }

    /// Whether all of a clip is here: stored, or waiting for a job that names it.
    ///
    /// # Errors
    /// Where it cannot be looked up.
    pub async fn is_whole(&self, tenant: &Tenant, header: ClipHeader) -> Result<bool, DeskError> {
        Ok(Some(self.committed_bytes(tenant, header).await?) == header.canonical_bytes())
    }

    /// Decodes a file, and keeps it as a clip that has come whole and waits for a job that names it, as long as a partial
    /// one would.
    ///
    /// # Errors
    /// Where it is no audio, outside the limits, or there is no room.
    pub(super) async fn stage(&self, tenant: &Tenant, file: &Path) -> Result<Staged, DeskError> {
        let opening = file.to_owned();
        let opened = tokio::task::spawn_blocking(move || canonical::open(&opening)).await?;
        let mut source = opened.map_err(DeskError::Audio)?;
        let shape = source.shape();
        self.admissions.check_clip(shape)?;
        // Once as it is decoded, once where clips arrive.
        self.check_room(bytes_of(shape).saturating_mul(2)).await?;
        let (uploads, owner) = (Arc::clone(&self.uploads), *tenant);
        tokio::task::spawn_blocking(move || {
            if uploads.partial_bytes(&owner)?.saturating_add(bytes_of(shape)) > STAGED_BYTES_MAX {
                return Err(DeskError::TooMuchStaged { bytes_max: STAGED_BYTES_MAX });
            }
            let mut clip = canonical::write(source.as_mut(), uploads.spool()).map_err(DeskError::Audio)?;
            let is_new = keep(&uploads, &owner, &mut clip)?;
            Ok(Staged { clip: clip.header, is_new })
        })
        .await?
    }

    /// Erases a clip that no job will name, so that it takes no room until it would be swept. One that was here before, or that a
    /// job waits for by now, stays; who sent the same file meanwhile and has not started its job sends it again.
    ///
    /// # Errors
    /// The store's, or where it cannot be removed.
    pub async fn discard(&self, tenant: &Tenant, staged: &Staged) -> Result<(), DeskError> {
        let sha256 = staged.clip.sha256;
        if !staged.is_new || self.store.awaited_clip(tenant, sha256).await?.is_some() {
            return Ok(());
        }
        let (uploads, owner) = (Arc::clone(&self.uploads), *tenant);
        blocking(move || uploads.discard(&owner, sha256)).await.map(drop)
    }
}

fn bytes_of(shape: ClipShape) -> u64 {
    tributary_audio::pcm::bytes_of(shape).unwrap_or(u64::MAX)
}

/// Copies a decoded clip to where clips arrive; whether nothing of it was there. A clip that is here already, or is being sent,
/// is left as it is.
fn keep(uploads: &Uploads, tenant: &Tenant, clip: &mut canonical::CanonicalClip) -> Result<bool, DeskError> {
    let mut upload = match uploads.begin(tenant, &clip.header) {
        Err(UploadError::Busy) => return Ok(false),
        begun => begun?,
    };
    let is_new = upload.committed_bytes() == 0;
    let copied = copy(&mut upload, clip);
    drop(upload);
    if let (Err(_), true) = (&copied, is_new) {
        // Whoever sends the file again sends all of it.
        uploads.discard(tenant, clip.header.sha256)?;
    }
    copied.map(|()| is_new)
}

fn copy(upload: &mut Upload, clip: &mut canonical::CanonicalClip) -> Result<(), DeskError> {
    let failed = |cause| DeskError::Io { action: "read the decoded clip", cause };
    let mut file = clip.file.reopen().map_err(failed)?;
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(upload.committed_bytes())).map_err(failed)?;
    let frame_bytes = usize::try_from(clip.header.frame_bytes()).unwrap_or(1).max(1);
    let piece = PACKET_CANONICAL_BYTES_MAX / frame_bytes * frame_bytes;
    let mut bytes = Vec::with_capacity(piece);
    while upload.committed_bytes() < upload.declared_bytes() {
        bytes.clear();
        (&mut file).take(piece as u64).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.is_empty() {
            break;
        }
        upload.append(upload.committed_bytes(), &bytes)?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UploadError> + Send + 'static,
) -> Result<T, DeskError> {
    Ok(tokio::task::spawn_blocking(work).await??)
}
