//! One clip arriving: the only writer of its partial file.

use super::{Claim, UploadError, lock, whole_frames};
use crate::artifacts::Key;
use crate::artifacts::disk::{create_private_dir, failed, private_file, remove};
use sha2::{Digest, Sha256 as Hasher};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// Bytes read at once while hashing what is already here.
const BLOCK_BYTES: usize = 256 * 1024;
/// Bytes of one canonical sample.
const SAMPLE_BYTES: usize = size_of::<f32>();

/// A clip being written. Dropped, what is committed stays and can be resumed.
pub struct Upload {
    claim: Claim,
    key: Key,
    channels: u16,
    frame_bytes: u64,
    declared: u64,
    committed: u64,
    /// None where the clip is stored already.
    partial: Option<Partial>,
}

struct Partial {
    file: File,
    hasher: Hasher,
}

impl Upload {
    /// Opens the partial file, or makes it, and hashes what it holds.
    pub(super) fn resume(
        claim: Claim,
        key: Key,
        header: &ClipHeader,
        declared: u64,
    ) -> Result<Self, UploadError> {
        let frame_bytes = header.frame_bytes();
        let upload = Self {
            claim,
            key,
            channels: header.channels,
            frame_bytes,
            declared,
            committed: 0,
            partial: None,
        };
        if upload.claim.artifacts().bytes(&key)? == Some(declared) {
            return Ok(Self { committed: declared, ..upload });
        }
        let path = upload.claim.path();
        let folder = path.parent().unwrap_or(path);
        create_private_dir(folder).map_err(failed("create the folder of a partial clip"))?;
        let opened = private_file().create(true).truncate(false).open(path);
        let mut file = opened.map_err(failed("open a partial clip"))?;
        if !lock::take(&file, path).map_err(failed("lock a partial clip"))? {
            return Err(UploadError::Busy);
        }
        let found = file.metadata().map_err(failed("look up a partial clip"))?.len();
        // A process that died while writing leaves part of a frame.
        let committed = whole_frames(found.min(declared), header);
        file.set_len(committed).map_err(failed("cut a partial clip to whole frames"))?;
        let hasher = hash_all(&mut file).map_err(failed("read a partial clip"))?;
        Ok(Self { committed, partial: Some(Partial { file, hasher }), ..upload })
    }

    /// Bytes that are here; the next packet begins there.
    #[must_use]
    pub fn committed_bytes(&self) -> u64 {
        self.committed
    }

    /// Bytes of the whole clip, as its header declares.
    #[must_use]
    pub fn declared_bytes(&self) -> u64 {
        self.declared
    }

    /// Takes whole frames of interleaved 32-bit little-endian float that begin at byte `offset`; returns the bytes
    /// now here. They are with the system, not yet safe from a power cut: fsync for each packet would cost more than
    /// sending it, a crash of this process loses nothing, and after a power cut the hash at the end tells.
    ///
    /// # Errors
    /// `Offset`, `PartialFrame`, `TooLong`, `NotFinite` or `Artifact`; then nothing of the packet was taken and
    /// the upload can go on.
    pub fn append(&mut self, offset: u64, bytes: &[u8]) -> Result<u64, UploadError> {
        if offset != self.committed {
            return Err(UploadError::Offset { committed: self.committed, got: offset });
        }
        let length = bytes.len() as u64;
        if length > self.declared - self.committed {
            return Err(UploadError::TooLong { declared: self.declared });
        }
        if !length.is_multiple_of(self.frame_bytes) {
            return Err(UploadError::PartialFrame { frame_bytes: self.frame_bytes });
        }
        if let Some(sample) = first_not_finite(bytes) {
            let channels = u64::from(self.channels);
            let frame = offset / self.frame_bytes + sample / channels;
            let channel = u16::try_from(sample % channels).unwrap_or(self.channels);
            return Err(UploadError::NotFinite { frame, channel });
        }
        if let Some(Partial { file, hasher }) = &mut self.partial {
            let written = file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes));
            if let Err(cause) = written {
                // A full disk may have taken a part. Should cutting it off fail too, the next packet overwrites it.
                drop(file.set_len(offset));
                return Err(failed("write a partial clip")(cause).into());
            }
            hasher.update(bytes);
        }
        self.committed += length;
        Ok(self.committed)
    }

    /// Hands the whole clip to the artifacts: durable under the returned key.
    ///
    /// # Errors
    /// `Incomplete` and `Artifact` keep what is here, `HashMismatch` deletes it.
    pub fn finish(mut self) -> Result<Key, UploadError> {
        if self.committed < self.declared {
            return Err(UploadError::Incomplete { committed: self.committed, declared: self.declared });
        }
        let Some(Partial { file, hasher }) = self.partial.take() else { return Ok(self.key) };
        let found = Sha256(hasher.finalize().into());
        let declared = self.key.sha256();
        if found != declared {
            remove(self.claim.path())?;
            return Err(UploadError::HashMismatch { declared, found });
        }
        self.claim.artifacts().adopt(self.claim.path(), &self.key)?;
        // Locked until it has its new name: another process would else go on writing to a stored clip.
        drop(file);
        Ok(self.key)
    }
}

/// Reads the file from its beginning to its end.
fn hash_all(file: &mut File) -> io::Result<Hasher> {
    let mut hasher = Hasher::new();
    let mut block = vec![0; BLOCK_BYTES];
    file.seek(SeekFrom::Start(0))?;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hasher),
            read => hasher.update(&block[..read]),
        }
    }
}

/// The number of the first sample that is infinite or not a number.
fn first_not_finite(bytes: &[u8]) -> Option<u64> {
    let (samples, _) = bytes.as_chunks::<SAMPLE_BYTES>();
    samples.iter().position(|sample| !f32::from_le_bytes(*sample).is_finite()).map(|at| at as u64)
}
