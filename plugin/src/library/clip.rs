//! What is sent of a take: the part in use as a file of canonical bytes, and what it is. Never sends it.

use super::{Library, LibraryError, TakeInfo, record};
use sha2::Digest;
use std::io::{Read, Write};
use std::path::PathBuf;
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// Bytes that are read, hashed and copied at a time.
const BYTES_AT_A_TIME: usize = 256 * 1024;

/// A clip ready to be sent. A file made for it alone goes when this is dropped.
#[derive(Debug)]
pub struct Clip {
    /// Its hash, length, channels and rate.
    pub header: ClipHeader,
    /// Its canonical bytes: the take's own file, or a temporary one.
    pub path: PathBuf,
    /// Deletes the temporary one.
    _temporary: Option<tempfile::TempPath>,
}

impl Library {
    /// The part of a take that is in use.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] and [`LibraryError::Damaged`] where the take's samples are not there as they were,
    /// [`LibraryError::Full`], [`LibraryError::Disk`].
    pub fn clip(&self, take: &TakeInfo) -> Result<Clip, LibraryError> {
        self.clip_of(take, take.range())
    }

    /// Frames `range.0` up to `range.1` of a take: for a job that was begun before the trim was changed.
    ///
    /// # Errors
    /// As [`Library::clip`]; [`LibraryError::Unsuitable`] for a range that the take does not have.
    pub fn clip_of(&self, take: &TakeInfo, range: (u64, u64)) -> Result<Clip, LibraryError> {
        if range.0 >= range.1 || range.1 > take.frames {
            return Err(LibraryError::unsuitable("the take has no such part"));
        }
        if !self.is_present(take) {
            return Err(match self.take_file(take.id) {
                path if path.exists() => LibraryError::damaged(&path, "it has another length than its take"),
                _ => LibraryError::missing("the sound of the take"),
            });
        }
        let track = self.track_of_take(take, range);
        let is_whole = range == (0, take.frames);
        let mut source = track.open()?.take(track.frames * u64::from(take.channels) * 4);
        let mut hasher = sha2::Sha256::new();
        let temporary = if is_whole {
            pass(&mut source, &mut |bytes| {
                hasher.update(bytes);
                Ok(())
            })
            .map_err(LibraryError::disk("read", &track.path))?;
            None
        } else {
            let file = record::nameless(&self.temporary())?;
            pass(&mut source, &mut |bytes| {
                hasher.update(bytes);
                file.as_file().write_all(bytes)
            })
            .map_err(LibraryError::disk("write", file.path()))?;
            Some(file.into_temp_path())
        };
        let header = ClipHeader {
            sha256: Sha256(hasher.finalize().into()),
            frames: track.frames,
            channels: take.channels,
            rate_hz: take.rate_hz,
        };
        let path = temporary.as_ref().map_or(track.path, |file| file.to_path_buf());
        Ok(Clip { header, path, _temporary: temporary })
    }
}

/// Hands on all bytes of `source`.
fn pass(source: &mut impl Read, sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut bytes = vec![0; BYTES_AT_A_TIME];
    loop {
        match source.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => sink(&bytes[..count])?,
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}
