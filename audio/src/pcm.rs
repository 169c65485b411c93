//! The canonical clip file: interleaved little-endian `f32`, nothing else. Its shape travels beside it, never inside.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use crate::frames::{block_frames, expect_channels};
use crate::interleave::{extend_planar, write_interleaved};
use crate::limits::{BLOCK_FRAMES, check_shape};
use crate::{AudioError, ClipShape, FrameSink, Frames, finite};

const SAMPLE_BYTES: u64 = 4;

/// Bytes of the canonical file of a clip.
///
/// # Errors
/// [`AudioError::Limit`] where the number does not fit 64 bits.
pub fn bytes_of(shape: ClipShape) -> Result<u64, AudioError> {
    shape.frames.checked_mul(u64::from(shape.channels) * SAMPLE_BYTES).ok_or_else(|| AudioError::Limit {
        what: "the length of the clip",
        value: shape.frames,
        limit: "what 64 bits can count in bytes".to_owned(),
    })
}

/// Reads a clip of known shape from its canonical bytes. The bytes must be exactly as many as the shape says.
#[derive(Debug)]
pub struct PcmReader<R> {
    source: R,
    shape: ClipShape,
    read_frames: u64,
    ended: bool,
    bytes: Vec<u8>,
}

impl PcmReader<File> {
    /// Opens a canonical clip file.
    ///
    /// # Errors
    /// [`AudioError::Damaged`] where the file's length disagrees with `shape`; limits; input and output.
    pub fn open(path: &Path, shape: ClipShape) -> Result<Self, AudioError> {
        let io = |cause| AudioError::Io { action: "open clip", cause };
        let file = File::open(path).map_err(io)?;
        let found = file.metadata().map_err(io)?.len();
        let declared = bytes_of(shape)?;
        if found != declared {
            let reason = format!("{} frames make {declared} bytes, there are {found}", shape.frames);
            return Err(AudioError::Damaged { reason });
        }
        Self::new(file, shape)
    }
}

impl<R: Read + Send> PcmReader<R> {
    /// Reads from `source`, which needs no buffering of its own.
    ///
    /// # Errors
    /// Where the shape is outside the limits or has no frames.
    pub fn new(source: R, shape: ClipShape) -> Result<Self, AudioError> {
        check_shape(shape)?;
        bytes_of(shape)?;
        Ok(Self { source, shape, read_frames: 0, ended: false, bytes: Vec::new() })
    }

    fn expect_end(&mut self) -> Result<(), AudioError> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        match read_full(&mut self.source, &mut [0])? {
            0 => Ok(()),
            _ => {
                let reason = format!("bytes follow after the {} frames of the clip", self.shape.frames);
                Err(AudioError::Damaged { reason })
            }
        }
    }
}

impl<R: Read + Send> Frames for PcmReader<R> {
    fn shape(&self) -> ClipShape {
        self.shape
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        expect_channels(block.len(), self.shape.channels)?;
        let frames_left = self.shape.frames - self.read_frames;
        if frames_left == 0 {
            return self.expect_end().map(|()| 0);
        }
        let frames = frames_max.min(BLOCK_FRAMES).min(usize::try_from(frames_left).unwrap_or(usize::MAX));
        let frame_bytes = usize::from(self.shape.channels) * SAMPLE_BYTES as usize;
        self.bytes.resize(frames * frame_bytes, 0);
        let found = read_full(&mut self.source, &mut self.bytes)?;
        if found < self.bytes.len() {
            let found_frames = self.read_frames + (found / frame_bytes) as u64;
            let reason = format!("the clip declares {} frames, {found_frames} were found", self.shape.frames);
            return Err(AudioError::Damaged { reason });
        }
        let start = block.first().map_or(0, Vec::len);
        extend_planar(&self.bytes, block, f32::from_le_bytes);
        finite::check(block, start, self.read_frames)?;
        self.read_frames += frames as u64;
        Ok(frames)
    }
}

/// Reads until `bytes` is full or the source ends; returns how many bytes there were.
pub(crate) fn read_full(source: &mut impl Read, bytes: &mut [u8]) -> Result<usize, AudioError> {
    let mut filled = 0;
    while filled < bytes.len() {
        match source.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(AudioError::Io { action: "read audio", cause }),
        }
    }
    Ok(filled)
}

/// Writes a clip as its canonical bytes. Refuses fewer or more frames than the shape says.
#[derive(Debug)]
pub struct PcmWriter<W> {
    sink: W,
    shape: ClipShape,
    written_frames: u64,
    bytes: Vec<u8>,
}

impl PcmWriter<BufWriter<File>> {
    /// Makes (or empties) the file.
    ///
    /// # Errors
    /// As [`PcmWriter::new`], and where the file cannot be made.
    pub fn create(path: &Path, shape: ClipShape) -> Result<Self, AudioError> {
        let file = File::create(path).map_err(|cause| AudioError::Io { action: "create clip", cause })?;
        Self::new(BufWriter::new(file), shape)
    }
}

impl<W: Write + Send> PcmWriter<W> {
    /// Writes to `sink`.
    ///
    /// # Errors
    /// Where the shape is outside the limits or has no frames.
    pub fn new(sink: W, shape: ClipShape) -> Result<Self, AudioError> {
        check_shape(shape)?;
        bytes_of(shape)?;
        Ok(Self { sink, shape, written_frames: 0, bytes: Vec::new() })
    }

    /// The sink, with all that was written so far.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.sink
    }
}

impl<W: Write + Send> FrameSink for PcmWriter<W> {
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        let frames = block_frames(block, self.shape.channels)? as u64;
        expect_room(self.written_frames + frames, self.shape)?;
        finite::check(block, 0, self.written_frames)?;
        write_interleaved(block, &mut self.bytes, f32::to_le_bytes);
        self.sink.write_all(&self.bytes).map_err(|cause| AudioError::Io { action: "write clip", cause })?;
        self.written_frames += frames;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        expect_all(self.written_frames, self.shape)?;
        self.sink.flush().map_err(|cause| AudioError::Io { action: "write clip", cause })
    }
}

/// No more frames than were agreed.
pub(crate) fn expect_room(frames: u64, shape: ClipShape) -> Result<(), AudioError> {
    if frames <= shape.frames { Ok(()) } else { Err(frames_differ(frames, shape)) }
}

/// Exactly as many frames as were agreed.
pub(crate) fn expect_all(frames: u64, shape: ClipShape) -> Result<(), AudioError> {
    if frames == shape.frames { Ok(()) } else { Err(frames_differ(frames, shape)) }
}

fn frames_differ(frames: u64, shape: ClipShape) -> AudioError {
    AudioError::Shape { expected: format!("{} frames", shape.frames), got: format!("{frames} frames") }
}
