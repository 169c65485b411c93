//! Clips on their way in: staged on local disk packet by packet, resumable, handed to the artifacts when whole and
//! true to their hash. Knows no wire and no store. Everything here touches the disk: call it from threads that may
//! block.
//!
//! It lies on the disk of the artifacts, so that a whole clip is renamed, not copied. Several processes may stage in one
//! root: whoever writes a partial file holds its lock.

mod incoming;
mod lock;

pub use incoming::Upload;

use crate::artifacts::disk::{create_private_dir, failed, remove};
use crate::artifacts::{ArtifactError, Artifacts, Key};
use crate::clock::Timestamp;
use crate::tenant::Tenant;
use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;
use tributary_protocol::limits::{CHANNELS_MAX, CLIP_SECONDS_MAX, RATE_HZ_MAX};
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// Why part of a clip was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// Another stream writes this clip: wait for it, or end it.
    #[error("this clip is being sent by another stream")]
    Busy,
    /// The header describes no clip that could be taken.
    #[error("the clip's header is outside the limits: {frames} frames of {channels} channels")]
    Header {
        /// As declared.
        frames: u64,
        /// As declared.
        channels: u16,
    },
    /// Go on where the server is.
    #[error("expected byte {committed} next, not {got}")]
    Offset {
        /// What the server has.
        committed: u64,
        /// What was sent.
        got: u64,
    },
    /// Packets end where frames end.
    #[error("a packet must hold whole frames of {frame_bytes} bytes")]
    PartialFrame {
        /// Bytes of one frame.
        frame_bytes: u64,
    },
    /// More than the header said.
    #[error("the clip is longer than the {declared} bytes its header declares")]
    TooLong {
        /// What the header says.
        declared: u64,
    },
    /// Not sound. Both numbers count from 0.
    #[error("the sample at frame {frame}, channel {channel} is not a finite number")]
    NotFinite {
        /// From the clip's beginning.
        frame: u64,
        /// From the first channel.
        channel: u16,
    },
    /// The rest must come first; what is here stays.
    #[error("only {committed} of {declared} bytes are here")]
    Incomplete {
        /// What the server has.
        committed: u64,
        /// What the header says.
        declared: u64,
    },
    /// The bytes are not what the header says. They are gone: send all of them again, or another header.
    #[error("the clip's SHA-256 is {found}, its header declares {declared}")]
    HashMismatch {
        /// What the header says.
        declared: Sha256,
        /// What was sent.
        found: Sha256,
    },
    /// It could not be stored.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many partial clips.
    pub clips: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The folder where clips arrive.
#[derive(Clone)]
pub struct Uploads {
    staging: Arc<Staging>,
}

struct Staging {
    root: PathBuf,
    artifacts: Arc<dyn Artifacts>,
    /// Partial files that have a writer or are being swept.
    claimed: Mutex<HashSet<PathBuf>>,
}

impl Uploads {
    /// Makes the folder where it is missing; partial clips already in it can be resumed.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn open(root: &Path, artifacts: Arc<dyn Artifacts>) -> Result<Self, UploadError> {
        create_private_dir(root).map_err(failed("create the folder for uploads"))?;
        let claimed = Mutex::new(HashSet::new());
        Ok(Self { staging: Arc::new(Staging { root: root.to_owned(), artifacts, claimed }) })
    }

    /// Takes up the clip where it was left: reads what is here to hash it, so call it from a thread that may block.
    /// A clip that this tenant has stored already is whole at once.
    ///
    /// # Errors
    /// `Busy`, `Header` or `Artifact`.
    pub fn begin(&self, tenant: &Tenant, header: &ClipHeader) -> Result<Upload, UploadError> {
        let declared = declared_bytes(header)?;
        let key = Key::new(tenant, header.sha256);
        let claim = self.staging.claim(self.staging.path(&key)).ok_or(UploadError::Busy)?;
        Upload::resume(claim, key, header, declared)
    }

    /// How much of the clip is here, in bytes, without becoming its writer.
    ///
    /// # Errors
    /// `Header` or `Artifact`.
    pub fn committed_bytes(&self, tenant: &Tenant, header: &ClipHeader) -> Result<u64, UploadError> {
        let declared = declared_bytes(header)?;
        let key = Key::new(tenant, header.sha256);
        if self.staging.artifacts.bytes(&key)? == Some(declared) {
            return Ok(declared);
        }
        match fs::metadata(self.staging.path(&key)) {
            Ok(metadata) => Ok(whole_frames(metadata.len().min(declared), header)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(cause) => Err(failed("look up a partial clip")(cause).into()),
        }
    }

    /// Bytes of this tenant's clips that are here and not yet stored.
    ///
    /// # Errors
    /// `Artifact` where the folder cannot be listed.
    pub fn partial_bytes(&self, tenant: &Tenant) -> Result<u64, UploadError> {
        let mut bytes = 0_u64;
        let mut folders = vec![self.staging.root.join(tenant.account().to_string())];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(failed("list partial clips"))?,
            };
            for entry in entries {
                let entry = entry.map_err(failed("list partial clips"))?;
                if entry.file_type().map_err(failed("list partial clips"))?.is_dir() {
                    folders.push(entry.path());
                } else {
                    // One that is finished meanwhile takes no room here any more.
                    bytes = bytes.saturating_add(entry.metadata().map_or(0, |found| found.len()));
                }
            }
        }
        Ok(bytes)
    }

    /// A folder on the disk of the uploads for files that a request brings; what is left there is swept like they are.
    #[must_use]
    pub fn spool(&self) -> &Path {
        &self.staging.root
    }

    /// Removes a clip that came, in part or whole, and that nobody wants after all; false where there is none, or somebody
    /// writes it. What is stored stays.
    ///
    /// # Errors
    /// `Artifact` where it cannot be removed.
    pub fn discard(&self, tenant: &Tenant, sha256: Sha256) -> Result<bool, UploadError> {
        let path = self.staging.path(&Key::new(tenant, sha256));
        let Some(claim) = self.staging.claim(path) else { return Ok(false) };
        let Some(_held) = lock::hold(claim.path()) else { return Ok(false) };
        remove(claim.path())?;
        Ok(true)
    }

    /// Removes partial clips that nobody writes and that were last written before `older_than`.
    ///
    /// # Errors
    /// `Artifact`; what was removed before stays removed.
    pub fn sweep(&self, older_than: Timestamp) -> Result<Swept, UploadError> {
        let mut swept = Swept::default();
        let mut folders = vec![self.staging.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(failed("list partial clips"))? {
                let entry = entry.map_err(failed("list partial clips"))?;
                // A link is no folder here, so a sweep never leaves the root.
                if entry.file_type().map_err(failed("list partial clips"))?.is_dir() {
                    folders.push(entry.path());
                } else if let Some(claim) = self.staging.claim(entry.path()) {
                    // Looked at only now: before the claim it may have been taken up, or finished.
                    let held = lock::hold(claim.path());
                    let metadata = held.as_ref().and_then(|file| file.metadata().ok());
                    if let Some(metadata) = metadata.filter(|found| written_at(found) < older_than) {
                        remove(claim.path())?;
                        swept.clips += 1;
                        swept.bytes += metadata.len();
                    }
                }
            }
        }
        Ok(swept)
    }
}

impl Staging {
    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.relative_path())
    }

    /// The right to touch a partial file; none where somebody has it.
    fn claim(self: &Arc<Self>, path: PathBuf) -> Option<Claim> {
        let is_new = self.claimed().insert(path.clone());
        is_new.then(|| Claim { staging: Arc::clone(self), path })
    }

    fn claimed(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The only right to touch one partial file; given back when dropped.
struct Claim {
    staging: Arc<Staging>,
    path: PathBuf,
}

impl Claim {
    fn path(&self) -> &Path {
        &self.path
    }

    fn artifacts(&self) -> &dyn Artifacts {
        self.staging.artifacts.as_ref()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.staging.claimed().remove(&self.path);
    }
}

/// Bytes of the whole clip, where the header is one that can be taken at all.
fn declared_bytes(header: &ClipHeader) -> Result<u64, UploadError> {
    let ClipHeader { frames, channels, .. } = *header;
    let frames_max = CLIP_SECONDS_MAX * u64::from(RATE_HZ_MAX);
    let fits = (1..=frames_max).contains(&frames) && (1..=CHANNELS_MAX).contains(&channels);
    let bytes = header.canonical_bytes().filter(|_| fits);
    bytes.ok_or(UploadError::Header { frames, channels })
}

/// `bytes` without the part of a frame at the end.
fn whole_frames(bytes: u64, header: &ClipHeader) -> u64 {
    bytes - bytes % header.frame_bytes().max(1)
}

/// When a file was last written; long ago where the system does not say.
fn written_at(metadata: &Metadata) -> Timestamp {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Timestamp::default().after(since.unwrap_or_default())
}

#[cfg(test)]
#[path = "upload/upload_tests.rs"]
mod tests;
