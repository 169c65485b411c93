//! FLAC files out: 24 bits, block by block in bounded memory, so a two-hour stem costs what a second does.
//!
//! The blocks are made by `flacenc`; the stream header around them (RFC 9639, section 8.2) is ours, because length,
//! frame sizes and the checksum of all samples are known only at the end.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, StreamInfo};
use flacenc::config::Encoder;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Context, Fill, FrameBuf};

use crate::frames::block_frames;
use crate::limits::check_shape;
use crate::pcm::{expect_all, expect_room};
use crate::quantize::Quantizer;
use crate::{AudioError, ClipShape, FrameSink, finite};

const BITS: u32 = 24;
const SAMPLE_BYTES: usize = 3;
/// Frames of one block, the usual number at 44.1 and 48 kHz.
const BLOCK_FRAMES: usize = 4_096;
/// Most frames that STREAMINFO can declare (36 bits), 8 days at 96 kHz.
const FRAMES_MAX: u64 = (1 << 36) - 1;
/// Highest rate that the encoder writes into the header of each block.
const BLOCK_RATE_HZ_MAX: u32 = 96_000;
/// A rate that no block header can say, so that the encoder leaves it to STREAMINFO, as the format allows.
const RATE_LEFT_TO_STREAM_INFO: usize = 65_537;

/// Writes a FLAC file of 24-bit samples. Samples beyond ±1.0 are clipped and counted; NaN, and fewer or more frames
/// than the shape says, are refused.
pub struct FlacWriter<W> {
    sink: W,
    shape: ClipShape,
    config: Verified<Encoder>,
    /// Samples as they are, for blocks that prediction would make longer. Needed for more than noise: the encoder's
    /// sums of code lengths wrap round on loud blocks, and what it chooses then can be a hundred times too long.
    plain: Verified<Encoder>,
    block_info: StreamInfo,
    quantizer: Quantizer,
    /// Checksum of all samples so far.
    digest: Context,
    written_frames: u64,
    blocks: usize,
    block_bytes_min: u32,
    block_bytes_max: u32,
    /// Samples that wait for their block to be full, channels side by side.
    pending: Vec<i32>,
    buffer: FrameBuf,
    sample_bytes: Vec<u8>,
}

impl FlacWriter<BufWriter<File>> {
    /// Makes (or empties) the file.
    ///
    /// # Errors
    /// As [`FlacWriter::new`], and where the file cannot be made.
    pub fn create(path: &Path, shape: ClipShape) -> Result<Self, AudioError> {
        let file =
            File::create(path).map_err(|cause| AudioError::Io { action: "create FLAC file", cause })?;
        Self::new(BufWriter::new(file), shape)
    }
}

impl<W: Write + Seek + Send> FlacWriter<W> {
    /// Writes to `sink` from its start; the header is completed by [`FrameSink::finish`].
    ///
    /// # Errors
    /// Where the shape is outside the limits or has no frames, or the header cannot be written.
    pub fn new(mut sink: W, shape: ClipShape) -> Result<Self, AudioError> {
        check_shape(shape)?;
        if shape.frames > FRAMES_MAX {
            let limit = format!("{FRAMES_MAX} frames in FLAC");
            return Err(AudioError::Limit { what: "the length of the clip", value: shape.frames, limit });
        }
        let channels = usize::from(shape.channels);
        let config = verified(true)?;
        let plain = verified(false)?;
        let block_rate_hz =
            if shape.rate_hz > BLOCK_RATE_HZ_MAX { RATE_LEFT_TO_STREAM_INFO } else { shape.rate_hz as usize };
        let block_info =
            StreamInfo::new(block_rate_hz, channels, BITS as usize).map_err(|error| not_encoded(&error))?;
        let buffer = FrameBuf::with_size(channels, BLOCK_FRAMES).map_err(|error| not_encoded(&error))?;
        sink.write_all(&[0; HEADER_BYTES]).map_err(write_failed)?;
        Ok(Self {
            sink,
            shape,
            config,
            plain,
            block_info,
            quantizer: Quantizer::new(BITS),
            digest: Context::new(BITS as usize, channels),
            written_frames: 0,
            blocks: 0,
            block_bytes_min: u32::MAX,
            block_bytes_max: 0,
            pending: Vec::with_capacity(BLOCK_FRAMES * channels),
            buffer,
            sample_bytes: Vec::new(),
        })
    }

    /// Samples beyond ±1.0 that were clipped so far, over all channels.
    #[must_use]
    pub fn clipped_samples(&self) -> u64 {
        self.quantizer.clipped_samples
    }

    /// The sink, with all that was written so far.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.sink
    }

    /// Encodes and writes what is pending as one block.
    fn write_block(&mut self) -> Result<(), AudioError> {
        self.sample_bytes.clear();
        self.sample_bytes.reserve(self.pending.len() * SAMPLE_BYTES);
        for sample in &self.pending {
            self.sample_bytes.extend_from_slice(&sample.to_le_bytes()[..SAMPLE_BYTES]);
        }
        self.digest
            .fill_le_bytes(&self.sample_bytes, SAMPLE_BYTES)
            .and_then(|()| self.buffer.fill_interleaved(&self.pending))
            .map_err(|error| not_encoded(&error))?;
        let encode = |config| {
            flacenc::encode_fixed_size_frame(config, &self.buffer, self.blocks, &self.block_info)
                .map_err(|error| not_encoded(&error))
        };
        let mut block = encode(&self.config)?;
        if block.count_bits() > 8 * self.sample_bytes.len() {
            block = encode(&self.plain)?;
        }
        let mut bits = ByteSink::with_capacity(block.count_bits());
        block.write(&mut bits).map_err(|error| not_encoded(&error))?;
        let bytes = bits.as_slice();
        self.sink.write_all(bytes).map_err(write_failed)?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.block_bytes_min = self.block_bytes_min.min(length);
        self.block_bytes_max = self.block_bytes_max.max(length);
        self.blocks += 1;
        self.pending.clear();
        Ok(())
    }

    /// `fLaC` and STREAMINFO as the only metadata block.
    fn header(&self) -> [u8; HEADER_BYTES] {
        // Rate 20 bits, channels less one 3, bits less one 5, frames 36.
        let packed = u64::from(self.shape.rate_hz) << 44
            | u64::from(self.shape.channels - 1) << 41
            | u64::from(BITS - 1) << 36
            | self.written_frames;
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(b"fLaC");
        // The last metadata block (highest bit), of type 0, with 34 bytes.
        header[4..8].copy_from_slice(&[0x80, 0, 0, 34]);
        let block_frames = (BLOCK_FRAMES as u16).to_be_bytes();
        header[8..10].copy_from_slice(&block_frames);
        header[10..12].copy_from_slice(&block_frames);
        header[12..15].copy_from_slice(&self.block_bytes_min.to_be_bytes()[1..]);
        header[15..18].copy_from_slice(&self.block_bytes_max.to_be_bytes()[1..]);
        header[18..26].copy_from_slice(&packed.to_be_bytes());
        header[26..].copy_from_slice(&self.digest.md5_digest());
        header
    }
}

const HEADER_BYTES: usize = 42;

impl<W: Write + Seek + Send> FrameSink for FlacWriter<W> {
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        let frames = block_frames(block, self.shape.channels)?;
        expect_room(self.written_frames + frames as u64, self.shape)?;
        finite::check(block, 0, self.written_frames)?;
        let mut at = 0;
        while at < frames {
            let room = BLOCK_FRAMES - self.pending.len() / block.len();
            let end = frames.min(at + room);
            for frame in at..end {
                self.pending.extend(block.iter().map(|channel| self.quantizer.step(channel[frame])));
            }
            if end - at == room {
                self.write_block()?;
            }
            at = end;
        }
        self.written_frames += frames as u64;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        expect_all(self.written_frames, self.shape)?;
        if !self.pending.is_empty() {
            self.write_block()?;
        }
        let header = self.header();
        self.sink.seek(SeekFrom::Start(0)).map_err(write_failed)?;
        self.sink.write_all(&header).map_err(write_failed)?;
        self.sink.seek(SeekFrom::End(0)).map_err(write_failed)?;
        self.sink.flush().map_err(write_failed)
    }
}

fn verified(predicts: bool) -> Result<Verified<Encoder>, AudioError> {
    let mut config = Encoder::default();
    config.block_size = BLOCK_FRAMES;
    config.multithread = false;
    // The fixed predictors cost a third of the time and save a thousandth of the bytes once there is LPC.
    config.subframe_coding.use_fixed = false;
    config.subframe_coding.use_lpc = predicts;
    config.into_verified().map_err(|(_, error)| not_encoded(&error))
}

fn write_failed(cause: std::io::Error) -> AudioError {
    AudioError::Io { action: "write FLAC file", cause }
}

/// The encoder refused what we checked beforehand, so the shape or the samples were not what they should be.
fn not_encoded(error: &dyn std::fmt::Display) -> AudioError {
    AudioError::Shape { expected: "sound that FLAC can hold".to_owned(), got: error.to_string() }
}
