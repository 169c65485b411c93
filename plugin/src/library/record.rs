//! Small records as JSON files: read with a limit, replaced as a whole or not at all. Knows nothing of what they say.

use super::LibraryError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

/// A longer record is no record of ours.
pub(super) const RECORD_BYTES_MAX: u64 = 1 << 20;

/// The versions a record may have; what a later one means is not for this program to guess.
pub(super) fn check_version(found: u32, newest: u32) -> Result<(), String> {
    match found {
        0 => Err("it has no version".to_owned()),
        found if found > newest => Err("a newer Tributary made it; update this one".to_owned()),
        _ => Ok(()),
    }
}

/// Reads one record. Fields we do not know are left out.
pub(super) fn load<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, LibraryError> {
    let bytes = read_limited(path, what)?;
    serde_json::from_slice(&bytes).map_err(|cause| LibraryError::damaged(path, cause.to_string()))
}

/// All bytes of a small file.
pub(super) fn read_limited(path: &Path, what: &str) -> Result<Vec<u8>, LibraryError> {
    let failed = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LibraryError::missing(what),
        _ => LibraryError::disk("read", path)(cause),
    };
    // Asked before opening: opening a pipe that lies in a file's place would wait for ever.
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_file() || found.len() > RECORD_BYTES_MAX {
        return Err(LibraryError::damaged(path, "it is no record of Tributary"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(RECORD_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(LibraryError::disk("read", path))?;
    Ok(bytes)
}

/// Puts a record in its place. See [`replace`].
pub(super) fn save<T: Serialize>(temporary: &Path, path: &Path, record: &T) -> Result<(), LibraryError> {
    let mut bytes = serde_json::to_vec_pretty(record)
        .map_err(|cause| LibraryError::unsuitable(format!("this cannot be written down: {cause}")))?;
    bytes.push(b'\n');
    if bytes.len() as u64 > RECORD_BYTES_MAX {
        return Err(LibraryError::unsuitable("this is too much to be written down in one record"));
    }
    replace(temporary, path, |out| out.write_all(&bytes).map_err(LibraryError::disk("write", path)))
}

/// Writes a file under another name and puts it in its place once it is whole and on the disk; after a power cut there
/// is the old one or the new one. `temporary` is a folder on the same disk. When `fill` fails nothing is left.
pub(super) fn replace(
    temporary: &Path,
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> Result<(), LibraryError>,
) -> Result<(), LibraryError> {
    let file = make(temporary, path, fill)?;
    file.persist(path).map_err(|error| LibraryError::disk("write", path)(error.error))?;
    sync_folder_of(path)
}

/// Puts a whole file in a place where nothing is; gives it back where something is.
pub(super) fn put_new(
    path: &Path,
    file: tempfile::NamedTempFile,
) -> Result<Result<(), tempfile::NamedTempFile>, LibraryError> {
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder_of(path).map(Ok),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Err(error.file)),
        Err(error) => Err(LibraryError::disk("write", path)(error.error)),
    }
}

/// A whole file on the disk that has no name yet; it goes when dropped. `path` is where it will be, for messages.
pub(super) fn make(
    temporary: &Path,
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> Result<(), LibraryError>,
) -> Result<tempfile::NamedTempFile, LibraryError> {
    let file = nameless(temporary)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
    fill(&mut out)?;
    out.flush().map_err(LibraryError::disk("write", path))?;
    drop(out);
    file.as_file().sync_all().map_err(LibraryError::disk("write", path))?;
    Ok(file)
}

/// An empty file for the time being.
pub(super) fn nameless(temporary: &Path) -> Result<tempfile::NamedTempFile, LibraryError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("part-").suffix(".tmp");
    // As any other file of this user, so that a DAW of a studio's other account may read what the user shares.
    #[cfg(unix)]
    let mode: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(mode);
    builder.tempfile_in(temporary).map_err(LibraryError::disk("write in", temporary))
}

/// A name is on the disk only once its folder is.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), LibraryError> {
    match path.parent() {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// See [`sync_folder_of`]. Other systems than Unix keep names without being asked, and offer no way to ask.
pub(super) fn sync_folder(folder: &Path) -> Result<(), LibraryError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(LibraryError::disk("write", folder))?;
    }
    Ok(())
}
