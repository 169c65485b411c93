//! Samples in a file, wherever they lie in it: a take, a part of it, a stem, or any of these at another rate. Reads;
//! never writes.

use super::{Library, LibraryError, TakeInfo};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tributary_audio::wav::floats::Floats;
use tributary_audio::{AudioError, ClipShape, Frames, PcmReader};

/// Interleaved little-endian 32-bit floats in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFile {
    /// The file.
    pub path: PathBuf,
    /// Its first sample, in bytes: 0 in canonical files, after the header in WAV files.
    pub offset_bytes: u64,
    /// 1 to 8.
    pub channels: u16,
    /// Hz.
    pub rate_hz: u32,
    /// The first frame of the file that belongs to the track.
    pub first_frame: u64,
    /// Frames of the track.
    pub frames: u64,
}

impl TrackFile {
    /// All of a WAV file of 32-bit floats, as stems are.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Sound`] for other files and damaged ones.
    pub fn wav(path: &Path) -> Result<Self, LibraryError> {
        let mut file = open(path)?;
        let Floats { shape, at } = Floats::find(&mut file).map_err(LibraryError::sound(path))?;
        Ok(Self {
            path: path.to_owned(),
            offset_bytes: at,
            channels: shape.channels,
            rate_hz: shape.rate_hz,
            first_frame: 0,
            frames: shape.frames,
        })
    }

    /// Channels, frames and rate.
    #[must_use]
    pub fn shape(&self) -> ClipShape {
        ClipShape { channels: self.channels, frames: self.frames, rate_hz: self.rate_hz }
    }

    /// The file at the track's first frame; all of the track is there.
    pub(super) fn open(&self) -> Result<File, LibraryError> {
        let mut file = open(&self.path)?;
        let found = file.metadata().map_err(LibraryError::disk("read", &self.path))?.len();
        let end = self.byte_of(self.frames);
        if end.is_none_or(|end| end > found) {
            return Err(LibraryError::damaged(&self.path, "it is shorter than it was"));
        }
        let start = self.byte_of(0).unwrap_or(0);
        file.seek(SeekFrom::Start(start)).map_err(LibraryError::disk("read", &self.path))?;
        Ok(file)
    }

    /// Where a frame of the track lies in the file; none beyond all numbers.
    pub(super) fn byte_of(&self, frame: u64) -> Option<u64> {
        let frame_bytes = u64::from(self.channels) * 4;
        self.first_frame.checked_add(frame)?.checked_mul(frame_bytes)?.checked_add(self.offset_bytes)
    }

    /// The track from front to back.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Damaged`] where the file became shorter, [`LibraryError::Disk`].
    pub fn frames(&self) -> Result<Box<dyn Frames>, LibraryError> {
        let file = self.open()?;
        let bytes = self.byte_of(self.frames).zip(self.byte_of(0)).map_or(0, |(end, start)| end - start);
        let reader =
            PcmReader::new(file.take(bytes), self.shape()).map_err(LibraryError::sound(&self.path))?;
        Ok(Box::new(reader))
    }

    /// The same, until `stop` is set: then it ends with [`stopped`](LibraryError::Stopped). So whatever reads it, an
    /// outline or a measure, can be ended early.
    ///
    /// # Errors
    /// As [`TrackFile::frames`].
    pub fn frames_until(&self, stop: &Arc<AtomicBool>) -> Result<Box<dyn Frames>, LibraryError> {
        Ok(Box::new(Stoppable { source: self.frames()?, stop: Arc::clone(stop) }))
    }

    /// `work` on all of the track, until `stop` is set: `track.analyse(&stop, Outline::of)`.
    ///
    /// # Errors
    /// As [`TrackFile::frames`], those of `work` as [`LibraryError::Sound`], [`LibraryError::Stopped`].
    pub fn analyse<T>(
        &self,
        stop: &Arc<AtomicBool>,
        work: impl FnOnce(&mut dyn Frames) -> Result<T, AudioError>,
    ) -> Result<T, LibraryError> {
        work(&mut self.frames_until(stop)?).map_err(LibraryError::sound(&self.path))
    }
}

/// A source that ends with an error once it shall.
struct Stoppable {
    source: Box<dyn Frames>,
    stop: Arc<AtomicBool>,
}

impl Frames for Stoppable {
    fn shape(&self) -> ClipShape {
        self.source.shape()
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        if self.stop.load(Ordering::Relaxed) {
            // The library's errors take this kind for what it is.
            return Err(AudioError::Io { action: "go on", cause: io::ErrorKind::Interrupted.into() });
        }
        self.source.read(block, frames_max)
    }
}

impl Library {
    /// The samples of a take from `range.0` up to `range.1`, cut to what there is.
    #[must_use]
    pub fn track_of_take(&self, take: &TakeInfo, range: (u64, u64)) -> TrackFile {
        let end = range.1.min(take.frames);
        let first_frame = range.0.min(end);
        TrackFile {
            path: self.take_file(take.id),
            offset_bytes: 0,
            channels: take.channels,
            rate_hz: take.rate_hz,
            first_frame,
            frames: end - first_frame,
        }
    }
}

/// Opens a file of samples to read.
fn open(path: &Path) -> Result<File, LibraryError> {
    File::open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => LibraryError::missing(format!("`{}`", path.display())),
        _ => LibraryError::disk("read", path)(cause),
    })
}
