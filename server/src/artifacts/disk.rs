//! Artifacts as files below one folder. Written beside their place, fsynced, then renamed into it, so that what has
//! a name is whole, whatever happens. Never overwrites with other content, never follows a name from a person.
//!
//! `incoming/` holds what is being written; everything else is [`Key::relative_path`].

use super::{ArtifactError, ArtifactReader, ArtifactWriter, Artifacts, Key};
use crate::tenant::Tenant;
use sha2::{Digest, Sha256 as Hasher};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tributary_protocol::vocab::{JobId, Sha256};

/// Where artifacts are until they are whole; on the same file system as their place.
const INCOMING: &str = "incoming";
/// Bytes written or read at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// Artifacts in a folder. Any number of processes may share it.
#[derive(Clone, Debug)]
pub struct DiskArtifacts {
    root: PathBuf,
}

impl DiskArtifacts {
    /// Makes the folder where it is missing and removes what processes that died were writing.
    ///
    /// # Errors
    /// `Io` or `DiskFull` where the folder cannot be made or read.
    pub fn open(root: &Path) -> Result<Self, ArtifactError> {
        let opened = Self { root: root.to_owned() };
        let incoming = opened.root.join(INCOMING);
        create_private_dir(&incoming).map_err(failed("create the folder for artifacts"))?;
        for entry in fs::read_dir(&incoming).map_err(failed("list unfinished artifacts"))? {
            let path = entry.map_err(failed("list unfinished artifacts"))?.path();
            // Whoever still writes holds the lock; it goes away with the process.
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                remove(&path)?;
            }
        }
        Ok(opened)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.relative_path())
    }

    /// Gives a whole, fsynced file its name, durably.
    fn place(&self, from: &Path, key: &Key) -> Result<(), ArtifactError> {
        let to = self.path(key);
        let shard = to.parent().unwrap_or(&self.root);
        create_private_dir(shard).map_err(failed("create the folder of an artifact"))?;
        fs::rename(from, &to).map_err(failed("move an artifact into its place"))?;
        // The name, and the folders that may be new, are durable only when each folder is.
        for folder in to.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root)) {
            sync_folder(folder).map_err(failed("make an artifact's name durable"))?;
        }
        Ok(())
    }
}

impl Artifacts for DiskArtifacts {
    fn create(&self, tenant: &Tenant) -> Result<Box<dyn ArtifactWriter>, ArtifactError> {
        // Any unique name will do; the real one is known when the content is.
        let path = self.root.join(INCOMING).join(JobId::generate().to_string());
        let file = private_file().create_new(true).open(&path).map_err(failed("create an artifact"))?;
        // Says "still being written" to `open` in other processes. Where the file system has no locks, only one
        // process may use the folder.
        drop(file.try_lock());
        Ok(Box::new(DiskWriter {
            place: self.clone(),
            tenant: *tenant,
            path,
            file: Some(BufWriter::with_capacity(BLOCK_BYTES, file)),
            hasher: Hasher::new(),
            bytes: 0,
        }))
    }

    fn adopt(&self, staged: &Path, key: &Key) -> Result<(), ArtifactError> {
        let file = OpenOptions::new()
            .write(true)
            .open(staged)
            .map_err(failed_or_missing("open a staged artifact"))?;
        file.sync_all().map_err(failed("make a staged artifact durable"))?;
        drop(file);
        self.place(staged, key)
    }

    fn open(&self, key: &Key) -> Result<Box<dyn ArtifactReader>, ArtifactError> {
        Ok(Box::new(File::open(self.path(key)).map_err(failed_or_missing("open an artifact"))?))
    }

    fn bytes(&self, key: &Key) -> Result<Option<u64>, ArtifactError> {
        match fs::metadata(self.path(key)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed("look up an artifact")(cause)),
        }
    }

    fn verify(&self, key: &Key) -> Result<(), ArtifactError> {
        let mut file = self.open(key)?;
        let mut hasher = Hasher::new();
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            match file.read(&mut block).map_err(failed("read an artifact"))? {
                0 => break,
                read => hasher.update(&block[..read]),
            }
        }
        if Sha256(hasher.finalize().into()) == key.sha256() {
            Ok(())
        } else {
            Err(ArtifactError::Damaged(key.sha256()))
        }
    }

    fn delete(&self, key: &Key) -> Result<(), ArtifactError> {
        remove(&self.path(key))
    }

    fn free_bytes(&self) -> Result<Option<u64>, ArtifactError> {
        free_bytes(&self.root)
    }
}

/// One artifact being written into `incoming/`.
struct DiskWriter {
    place: DiskArtifacts,
    tenant: Tenant,
    path: PathBuf,
    /// None once it was moved into its place.
    file: Option<BufWriter<File>>,
    hasher: Hasher,
    bytes: u64,
}

impl ArtifactWriter for DiskWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes).map_err(failed("write an artifact"))?;
        }
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(Sha256, u64), ArtifactError> {
        let sha256 = Sha256(std::mem::take(&mut self.hasher).finalize().into());
        if let Some(file) = &mut self.file {
            file.flush().map_err(failed("write an artifact"))?;
            file.get_ref().sync_all().map_err(failed("make an artifact durable"))?;
        }
        self.place.place(&self.path, &Key::new(&self.tenant, sha256))?;
        self.file = None;
        Ok((sha256, self.bytes))
    }
}

impl Drop for DiskWriter {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // Not flushed: nobody will read it.
            drop(file.into_parts());
            // What cannot be removed now is removed by the next `open`.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Names what failed; a full disk is told apart, since waiting helps there.
pub(crate) fn failed(action: &'static str) -> impl Fn(io::Error) -> ArtifactError {
    move |cause| match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ArtifactError::DiskFull,
        _ => ArtifactError::Io { action, cause },
    }
}

/// The same where there may be no such file.
fn failed_or_missing(action: &'static str) -> impl Fn(io::Error) -> ArtifactError {
    move |cause| match cause.kind() {
        io::ErrorKind::NotFound => ArtifactError::Missing,
        _ => failed(action)(cause),
    }
}

/// Removes a file; missing is fine.
pub(crate) fn remove(path: &Path) -> Result<(), ArtifactError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(failed("remove a file")(cause)),
        _ => Ok(()),
    }
}

/// Clips and stems are their owners' alone: no other user of the machine may read them.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Options to read and write a file that only this user may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems do not let a folder be opened; their file systems journal names.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Bytes free on the disk of `path`; none where the system does not say.
///
/// # Errors
/// `Io`.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Result<Option<u64>, ArtifactError> {
    let found = rustix::fs::statvfs(path).map_err(io::Error::from);
    let found = found.map_err(failed("ask how much room the disk has"))?;
    Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
}

/// Bytes free on the disk of `path`; none where the system does not say.
///
/// # Errors
/// `Io`.
#[cfg(not(unix))]
pub fn free_bytes(_path: &Path) -> Result<Option<u64>, ArtifactError> {
    Ok(None)
}

#[cfg(test)]
#[path = "disk_tests.rs"]
pub(crate) mod tests;
