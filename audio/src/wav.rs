//! WAV files out, and in through `reader`: streamed, exact, as long as the disk allows. Never compresses.
//!
//! The length is agreed before the first frame and held to, so the header is right from the start; beyond 4 GiB it is
//! that of RF64 (EBU Tech 3306). A file whose writing was cut off declares more than it holds, and says so when read.

pub mod bext;
pub(crate) mod encoding;
pub mod floats;
pub(crate) mod header;
pub mod reader;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

pub use bext::Bext;
pub use reader::WavReader;

use crate::frames::block_frames;
use crate::interleave::write_interleaved;
use crate::limits::check_shape;
use crate::pcm::{expect_all, expect_room};
use crate::quantize::Quantizer;
use crate::{AudioError, ClipShape, FrameSink, finite};

/// How samples are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WavFormat {
    /// 32-bit float: nothing is lost and nothing clips.
    #[default]
    Float32,
    /// 24-bit integers: samples beyond ±1.0 are clipped and counted.
    Int24,
    /// 16-bit integers: samples beyond ±1.0 are clipped and counted.
    Int16,
}

impl WavFormat {
    fn bits(self) -> u16 {
        match self {
            Self::Float32 => 32,
            Self::Int24 => 24,
            Self::Int16 => 16,
        }
    }

    /// WAVE_FORMAT_IEEE_FLOAT or WAVE_FORMAT_PCM.
    fn tag(self) -> u16 {
        if self == Self::Float32 { 3 } else { 1 }
    }
}

/// Writes a WAV file frame by frame. Refuses fewer or more frames than the shape says, and NaN.
#[derive(Debug)]
pub struct WavWriter<W> {
    sink: W,
    shape: ClipShape,
    format: WavFormat,
    quantizer: Quantizer,
    written_frames: u64,
    bytes: Vec<u8>,
}

impl WavWriter<BufWriter<File>> {
    /// Makes (or empties) a file of 32-bit floats.
    ///
    /// # Errors
    /// As [`WavWriter::new`], and where the file cannot be made.
    pub fn create(path: &Path, shape: ClipShape) -> Result<Self, AudioError> {
        Self::create_as(path, shape, WavFormat::default())
    }

    /// Makes (or empties) a file of the given format.
    ///
    /// # Errors
    /// As [`WavWriter::new`], and where the file cannot be made.
    pub fn create_as(path: &Path, shape: ClipShape, format: WavFormat) -> Result<Self, AudioError> {
        let file = File::create(path).map_err(|cause| AudioError::Io { action: "create WAV file", cause })?;
        Self::new(BufWriter::new(file), shape, format)
    }
}

impl<W: Write + Send> WavWriter<W> {
    /// Writes the header of `shape` to the start of `sink`.
    ///
    /// # Errors
    /// Where the shape is outside the limits or has no frames, or the header cannot be written.
    pub fn new(sink: W, shape: ClipShape, format: WavFormat) -> Result<Self, AudioError> {
        Self::begin(sink, shape, format, &[])
    }

    /// The same as a Broadcast Wave file: with a `bext` chunk before the format.
    ///
    /// # Errors
    /// As [`WavWriter::new`].
    pub fn with_bext(sink: W, shape: ClipShape, format: WavFormat, bext: &Bext) -> Result<Self, AudioError> {
        Self::begin(sink, shape, format, &bext.chunk())
    }

    /// `chunks`: whole ones, to stand before the format.
    fn begin(sink: W, shape: ClipShape, format: WavFormat, chunks: &[u8]) -> Result<Self, AudioError> {
        check_shape(shape)?;
        let quantizer = Quantizer::new(if format == WavFormat::Int16 { 16 } else { 24 });
        let mut writer = Self { sink, shape, format, quantizer, written_frames: 0, bytes: Vec::new() };
        let header = writer.header(writer.data_bytes()?, chunks);
        writer.sink.write_all(&header).map_err(write_failed)?;
        Ok(writer)
    }

    /// The same with dither, which matters for integers alone: noise instead of distortion where steps are coarse. Without
    /// it, samples of an integer file go back bit for bit.
    #[must_use]
    pub fn dithered(mut self) -> Self {
        self.quantizer = self.quantizer.dithered();
        self
    }

    /// Samples beyond ±1.0 that were clipped so far, over all channels; always 0 for floats.
    #[must_use]
    pub fn clipped_samples(&self) -> u64 {
        self.quantizer.clipped_samples
    }

    /// The sink, with all that was written so far.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.sink
    }

    fn data_bytes(&self) -> Result<u64, AudioError> {
        let frames = self.shape.frames;
        let frame_bytes = u64::from(self.shape.channels) * u64::from(self.format.bits() / 8);
        // Room for the header above it, so that no sum below can overflow.
        frames.checked_mul(frame_bytes).filter(|&bytes| bytes < 1 << 62).ok_or_else(|| AudioError::Limit {
            what: "the length of the clip",
            value: frames,
            limit: "what 64 bits can count in bytes".to_owned(),
        })
    }

    /// Everything before the samples.
    fn header(&self, data_bytes: u64, chunks: &[u8]) -> Vec<u8> {
        let format = self.format_chunk();
        // WAVE, more chunks, fmt, fact, data; each chunk has a header of 8 bytes.
        let around_bytes = 4 + chunks.len() as u64 + 8 + format.len() as u64 + 12 + 8;
        let padded_bytes = data_bytes + (data_bytes & 1);
        let is_long = around_bytes + padded_bytes > u64::from(u32::MAX);
        let short =
            |bytes: u64| u32::try_from(bytes).ok().filter(|_| !is_long).unwrap_or(u32::MAX).to_le_bytes();
        let mut header = Vec::with_capacity(128 + chunks.len());
        header.extend(if is_long { b"RF64" } else { b"RIFF" });
        header.extend(short(around_bytes + padded_bytes));
        header.extend(b"WAVE");
        if is_long {
            header.extend(b"ds64");
            header.extend(28u32.to_le_bytes());
            for size in [around_bytes + padded_bytes + 36, data_bytes, self.shape.frames] {
                header.extend(size.to_le_bytes());
            }
            header.extend([0; 4]);
        }
        header.extend(chunks);
        header.extend(b"fmt ");
        header.extend((format.len() as u32).to_le_bytes());
        header.extend(&format);
        header.extend(b"fact");
        header.extend(4u32.to_le_bytes());
        header.extend(short(self.shape.frames));
        header.extend(b"data");
        header.extend(short(data_bytes));
        header
    }

    /// The plain form for mono and stereo; beyond that the extensible one, with no loudspeaker assigned
    /// (mask 0), because which channel is which is not ours to say.
    fn format_chunk(&self) -> Vec<u8> {
        let bits = self.format.bits();
        let channels = self.shape.channels;
        let frame_bytes = channels * (bits / 8);
        let is_extensible = channels > 2;
        let mut chunk = Vec::with_capacity(40);
        chunk.extend(if is_extensible { 0xFFFE } else { self.format.tag() }.to_le_bytes());
        chunk.extend(channels.to_le_bytes());
        chunk.extend(self.shape.rate_hz.to_le_bytes());
        chunk.extend((self.shape.rate_hz * u32::from(frame_bytes)).to_le_bytes());
        chunk.extend(frame_bytes.to_le_bytes());
        chunk.extend(bits.to_le_bytes());
        if is_extensible {
            chunk.extend(22u16.to_le_bytes());
            chunk.extend(bits.to_le_bytes());
            chunk.extend(0u32.to_le_bytes());
            chunk.extend(self.format.tag().to_le_bytes());
            chunk.extend(header::TAG_GUID);
        } else {
            chunk.extend(0u16.to_le_bytes());
        }
        chunk
    }
}

impl<W: Write + Send> FrameSink for WavWriter<W> {
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        let frames = block_frames(block, self.shape.channels)? as u64;
        expect_room(self.written_frames + frames, self.shape)?;
        finite::check(block, 0, self.written_frames)?;
        let (bytes, quantizer) = (&mut self.bytes, &mut self.quantizer);
        match self.format {
            WavFormat::Float32 => write_interleaved(block, bytes, f32::to_le_bytes),
            WavFormat::Int24 => write_interleaved(block, bytes, |sample| {
                let [low, middle, high, _] = quantizer.step(sample).to_le_bytes();
                [low, middle, high]
            }),
            WavFormat::Int16 => write_interleaved(block, bytes, |sample| {
                let [low, high, ..] = quantizer.step(sample).to_le_bytes();
                [low, high]
            }),
        }
        self.sink.write_all(bytes).map_err(write_failed)?;
        self.written_frames += frames;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        expect_all(self.written_frames, self.shape)?;
        if self.data_bytes()? & 1 == 1 {
            self.sink.write_all(&[0]).map_err(write_failed)?;
        }
        self.sink.flush().map_err(write_failed)
    }
}

fn write_failed(cause: std::io::Error) -> AudioError {
    AudioError::Io { action: "write WAV file", cause }
}
