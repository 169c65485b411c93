//! How much room there is, asked before much is written.

use super::ShelfError;
use std::io;
use std::path::Path;

/// Bytes free on the disk of a folder; none where the system does not say.
pub(super) type FreeBytes = fn(&Path) -> io::Result<Option<u64>>;

#[cfg(unix)]
pub(super) fn free_bytes(folder: &Path) -> io::Result<Option<u64>> {
    let found = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
}

#[cfg(not(unix))]
pub(super) fn free_bytes(_folder: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Refuses what does not fit.
pub(super) fn check(free: FreeBytes, folder: &Path, needed_bytes: u64) -> Result<(), ShelfError> {
    match free(folder).map_err(|cause| ShelfError::io("ask how much room there is in", folder, cause))? {
        Some(free_bytes) if free_bytes < needed_bytes => {
            Err(ShelfError::NoRoom { folder: folder.to_owned(), needed_bytes, free_bytes })
        }
        _ => Ok(()),
    }
}
