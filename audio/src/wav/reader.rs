//! Streams the samples of an uncompressed WAV file, bit for bit. Never plays past the end with silence.

use std::io::{Read, Seek, SeekFrom};

use super::encoding::Encoding;
use super::header::{self, Header};
use crate::frames::expect_channels;
use crate::limits::{BLOCK_FRAMES, check_shape};
use crate::pcm::read_full;
use crate::{AudioError, ClipShape, Frames, finite};

/// A WAV file being read: 8, 16, 24 and 32-bit integers, 32 and 64-bit floats, RIFF, RF64 or BW64,
/// plain or WAVE_FORMAT_EXTENSIBLE, 1 to 8 channels.
#[derive(Debug)]
pub struct WavReader<R> {
    source: R,
    shape: ClipShape,
    encoding: Encoding,
    read_frames: u64,
    bytes: Vec<u8>,
}

impl<R: Read + Seek + Send> WavReader<R> {
    /// Reads the header. `source` needs no buffering of its own.
    ///
    /// # Errors
    /// [`AudioError::Damaged`] where fewer bytes are there than declared, or the header makes no sense;
    /// [`AudioError::NotAudio`] for other files and compressed WAV; [`AudioError::Empty`]; [`AudioError::Limit`].
    pub fn new(mut source: R) -> Result<Self, AudioError> {
        let header = header::parse(&mut source)?;
        Self::from_header(source, header)
    }

    pub(crate) fn from_header(mut source: R, header: Header) -> Result<Self, AudioError> {
        let Some(encoding) = header.encoding else {
            return Err(AudioError::NotAudio { hint: "a compressed WAV file".to_owned() });
        };
        let frame_bytes = encoding.bytes() as u64 * u64::from(header.channels);
        // A last piece of a frame, as some recorders leave it, is no frame.
        let frames = header.data_bytes_found / frame_bytes;
        let declared_frames = header.data_bytes.map_or(frames, |bytes| bytes / frame_bytes);
        if frames < declared_frames {
            let reason = format!("the header declares {declared_frames} frames, the file holds {frames}");
            return Err(AudioError::Damaged { reason });
        }
        let shape = ClipShape { channels: header.channels, frames, rate_hz: header.rate_hz };
        check_shape(shape)?;
        source
            .seek(SeekFrom::Start(header.data_at))
            .map_err(|cause| AudioError::Io { action: "read audio", cause })?;
        Ok(Self { source, shape, encoding, read_frames: 0, bytes: Vec::new() })
    }
}

impl<R: Read + Seek + Send> Frames for WavReader<R> {
    fn shape(&self) -> ClipShape {
        self.shape
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        expect_channels(block.len(), self.shape.channels)?;
        let frames_left = usize::try_from(self.shape.frames - self.read_frames).unwrap_or(usize::MAX);
        let frames = frames_max.min(BLOCK_FRAMES).min(frames_left);
        let frame_bytes = self.encoding.bytes() * block.len();
        self.bytes.resize(frames * frame_bytes, 0);
        let found = read_full(&mut self.source, &mut self.bytes)?;
        if found < self.bytes.len() {
            let reason =
                format!("the file became shorter while it was read, after {} frames", self.read_frames);
            return Err(AudioError::Damaged { reason });
        }
        let start = block.first().map_or(0, Vec::len);
        self.encoding.decode(&self.bytes, block);
        finite::check(block, start, self.read_frames)?;
        self.read_frames += frames as u64;
        Ok(frames)
    }
}
