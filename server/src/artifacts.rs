//! Stored bytes: clips and stems, named by their content. Written once, durable before anyone hears of them,
//! never changed. Synchronous: called from blocking threads.

#[cfg(test)]
pub(crate) mod conformance;
pub mod disk;
pub mod key;

pub use key::Key;

use std::io::{self, Read, Seek};
use std::path::Path;
use tributary_protocol::vocab::Sha256;

/// Why bytes could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// Nothing of that name.
    #[error("there is no such artifact")]
    Missing,
    /// No room: nothing was kept, try again when there is.
    #[error("the disk for clips and stems is full")]
    DiskFull,
    /// The stored bytes are not what their name says.
    #[error("artifact {0} is damaged on disk")]
    Damaged(Sha256),
    /// Reading or writing failed.
    #[error("cannot {action}")]
    Io {
        /// For example `write artifact`.
        action: &'static str,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// A stored artifact, open for reading.
pub trait ArtifactReader: Read + Seek + Send {}
impl<T: Read + Seek + Send> ArtifactReader for T {}

/// An artifact being written. Dropped without `finish`, it never was.
pub trait ArtifactWriter: Send {
    /// Appends.
    ///
    /// # Errors
    /// `DiskFull` or `Io`.
    fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError>;

    /// Durable under its content's name when this returns. The same content twice is one artifact.
    ///
    /// # Errors
    /// `DiskFull` or `Io`.
    fn finish(self: Box<Self>) -> Result<(Sha256, u64), ArtifactError>;
}

/// Where artifacts are kept.
pub trait Artifacts: Send + Sync + 'static {
    /// Begins a new artifact of this tenant.
    ///
    /// # Errors
    /// `DiskFull` or `Io`.
    fn create(&self, tenant: &crate::tenant::Tenant) -> Result<Box<dyn ArtifactWriter>, ArtifactError>;

    /// Takes over a local file whose content the caller has just hashed as `key` says; durable under that name
    /// when this returns, and gone from `staged`. The file must lie where it can be renamed (a folder on the same
    /// disk), unless the implementation sends it elsewhere.
    ///
    /// # Errors
    /// `Missing`, `DiskFull` or `Io`; the staged file is then still there.
    fn adopt(&self, staged: &Path, key: &Key) -> Result<(), ArtifactError>;

    /// Opens for reading.
    ///
    /// # Errors
    /// `Missing` or `Io`.
    fn open(&self, key: &Key) -> Result<Box<dyn ArtifactReader>, ArtifactError>;

    /// Bytes stored under the key, or none.
    ///
    /// # Errors
    /// `Io`.
    fn bytes(&self, key: &Key) -> Result<Option<u64>, ArtifactError>;

    /// Reads everything and compares with the name.
    ///
    /// # Errors
    /// `Missing`, `Damaged` or `Io`.
    fn verify(&self, key: &Key) -> Result<(), ArtifactError>;

    /// Removes; missing is fine.
    ///
    /// # Errors
    /// `Io`.
    fn delete(&self, key: &Key) -> Result<(), ArtifactError>;

    /// Bytes free where artifacts go, where that is known.
    ///
    /// # Errors
    /// `Io`.
    fn free_bytes(&self) -> Result<Option<u64>, ArtifactError>;
}
