//! A file that a request brings, of any format: on disk as it comes, no larger than allowed, never in the disk's last room;
//! then decoded, and a clip that waits for its job.

use super::{Desk, DeskError, Staged};
use crate::tenant::Tenant;
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;

/// The disk's room is looked at again after so many bytes.
const ROOM_EVERY_BYTES: u64 = 64 << 20;

/// What came of it so far. Dropped, it is gone.
pub struct Arriving<'a> {
    desk: &'a Desk,
    file: NamedTempFile,
    sink: tokio::fs::File,
    bytes_max: u64,
    bytes: u64,
    looked_at: u64,
    _place: OwnedSemaphorePermit,
}

fn failed(cause: io::Error) -> DeskError {
    DeskError::Io { action: "keep the file", cause }
}

impl Desk {
    /// A place for one more file of at most `bytes_max` bytes. `declared`: how many it says it has, 0 where it does not say.
    ///
    /// # Errors
    /// `Busy`, `TooLarge`, `DiskFull`, or where the disk fails.
    pub async fn receive(&self, declared: u64, bytes_max: u64) -> Result<Arriving<'_>, DeskError> {
        if declared > bytes_max {
            return Err(DeskError::TooLarge { bytes_max });
        }
        let place = self.rooms.receive().ok_or(DeskError::Busy)?;
        self.check_room(declared).await?;
        let folder = self.uploads.spool().to_owned();
        let made = move || {
            let file = NamedTempFile::new_in(folder)?;
            let sink = file.reopen()?;
            Ok((file, sink))
        };
        let (file, sink) = tokio::task::spawn_blocking(made).await?.map_err(failed)?;
        let sink = tokio::fs::File::from_std(sink);
        Ok(Arriving { desk: self, file, sink, bytes_max, bytes: 0, looked_at: 0, _place: place })
    }
}

impl Arriving<'_> {
    /// The next bytes.
    ///
    /// # Errors
    /// `TooLarge`, `DiskFull` (nobody may have said how large it is, or others fill the disk meanwhile), or the disk's.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), DeskError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(DeskError::TooLarge { bytes_max: self.bytes_max });
        }
        if self.bytes - self.looked_at > ROOM_EVERY_BYTES {
            self.looked_at = self.bytes;
            self.desk.check_room(0).await?;
        }
        self.sink.write_all(bytes).await.map_err(failed)
    }

    /// It is whole: decodes it. As long as a partial clip would, the clip waits for a job that names it.
    ///
    /// # Errors
    /// Where it is no audio, outside the limits, or there is no room.
    pub async fn decode(mut self, tenant: &Tenant) -> Result<Staged, DeskError> {
        self.sink.flush().await.map_err(failed)?;
        let _turn = self.desk.rooms.decode().await;
        let path: &Path = self.file.path();
        self.desk.stage(tenant, path).await
    }
}
