//! The lock of one partial file, between processes. The system frees it when its process dies. Where a file system has
//! no locks, only one process may stage on it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

/// Locks a file that was opened by its path; false where another process has it, or has just moved or removed it.
pub(super) fn take(file: &File, path: &Path) -> io::Result<bool> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(cause)) => Err(cause),
        Ok(()) => is_at(file, path),
    }
}

/// The file at `path`, locked; none where there is none, or another process has it.
pub(super) fn hold(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    take(&file, path).is_ok_and(|taken| taken).then_some(file)
}

/// Whether the name still is this file's: the process that held the lock before may have given the file another.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Other systems do not rename a file that is open.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> io::Result<bool> {
    fs::exists(path)
}
