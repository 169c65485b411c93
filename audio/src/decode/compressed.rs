//! A compressed file as frames of an exact, known count. Never trusts a length that it did not count or will not check.

use std::fs::File;
use std::path::Path;

use super::edit_list::{self, Edit};
use super::ogg_end;
use super::stream::{Spec, Stream};
use crate::frames::expect_channels;
use crate::limits::check_shape;
use crate::{AudioError, ClipShape, Frames, finite};

/// A file being decoded, of known shape.
pub(super) struct CompressedFrames {
    stream: Stream,
    shape: ClipShape,
    /// Frames still to be dropped before the first one given.
    skip_frames: u64,
    /// Whether frames may follow after the last one given: the encoder's padding.
    is_padded: bool,
    given_frames: u64,
    is_ended: bool,
    packet: Vec<Vec<f32>>,
    /// The part of `packet` not yet given.
    packet_left: std::ops::Range<usize>,
}

impl CompressedFrames {
    /// `file` is open at its start; `path` is opened again where it must be decoded twice.
    pub(super) fn open(path: &Path, mut file: File) -> Result<Self, AudioError> {
        let reopen = || File::open(path).map_err(|cause| AudioError::Io { action: "open audio file", cause });
        let movie = edit_list::read(&mut file)?;
        ogg_end::check(&mut file)?;
        let mut stream = Stream::open(file)?;
        if let Some(shape) = stream.declared_shape() {
            check_shape(shape)?;
            return Ok(Self::new(stream, shape, 0, false));
        }
        let (spec, counted_frames) = count(&mut stream)?;
        if let Some(declared) = stream.declared_frames_at_least()
            && counted_frames < declared
        {
            return Err(missing(declared, counted_frames));
        }
        // A decoder cannot be trusted to go back exactly, so the second pass starts from a fresh one.
        stream = Stream::open(reopen()?)?;
        let edit = movie.and_then(|movie| movie.edit(spec.rate_hz));
        let edit = edit.unwrap_or(Edit { skip_frames: 0, frames: None });
        let rest = counted_frames.saturating_sub(edit.skip_frames);
        let frames = edit.frames.unwrap_or(rest);
        if frames > rest {
            return Err(missing(frames, rest));
        }
        let shape = ClipShape { channels: spec.channels, frames, rate_hz: spec.rate_hz };
        check_shape(shape)?;
        Ok(Self::new(stream, shape, edit.skip_frames, frames < rest))
    }

    fn new(stream: Stream, shape: ClipShape, skip_frames: u64, is_padded: bool) -> Self {
        Self {
            stream,
            shape,
            skip_frames,
            is_padded,
            given_frames: 0,
            is_ended: false,
            packet: Vec::new(),
            packet_left: 0..0,
        }
    }

    /// Decodes until there is a frame to give. `false` at the end of the file.
    fn advance(&mut self) -> Result<bool, AudioError> {
        while self.packet_left.is_empty() {
            let Some(frames) = self.stream.next(&mut self.packet)? else { return Ok(false) };
            let skipped = frames.min(usize::try_from(self.skip_frames).unwrap_or(usize::MAX));
            self.skip_frames -= skipped as u64;
            self.packet_left = skipped..frames;
        }
        let seen = self.stream.spec();
        if seen != Some(Spec { channels: self.shape.channels, rate_hz: self.shape.rate_hz }) {
            let reason = "its sound has other channels or another rate than its header says".to_owned();
            return Err(AudioError::Damaged { reason });
        }
        Ok(true)
    }

    /// All frames were given: nothing but padding may follow.
    fn end(&mut self) -> Result<usize, AudioError> {
        if !self.is_ended && !self.is_padded && self.advance()? {
            let reason = format!("the header declares {} frames, the file holds more", self.shape.frames);
            return Err(AudioError::Damaged { reason });
        }
        self.is_ended = true;
        Ok(0)
    }
}

impl Frames for CompressedFrames {
    fn shape(&self) -> ClipShape {
        self.shape
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        expect_channels(block.len(), self.shape.channels)?;
        let frames_left = usize::try_from(self.shape.frames - self.given_frames).unwrap_or(usize::MAX);
        if frames_left == 0 {
            return self.end();
        }
        if !self.advance()? {
            return Err(missing(self.shape.frames, self.given_frames));
        }
        let frames = self.packet_left.len().min(frames_max).min(frames_left);
        let given = self.packet_left.start..self.packet_left.start + frames;
        let start = block.first().map_or(0, Vec::len);
        for (out, samples) in block.iter_mut().zip(&self.packet) {
            out.extend_from_slice(&samples[given.clone()]);
        }
        finite::check(block, start, self.given_frames)?;
        self.packet_left.start = given.end;
        self.given_frames += frames as u64;
        Ok(frames)
    }
}

/// Decodes all of `stream` and counts its frames. Keeps one packet at a time.
fn count(stream: &mut Stream) -> Result<(Spec, u64), AudioError> {
    let mut packet = Vec::new();
    let mut frames = 0;
    while let Some(more) = stream.next(&mut packet)? {
        frames += more as u64;
    }
    Ok((stream.spec().ok_or(AudioError::Empty)?, frames))
}

fn missing(declared: u64, found: u64) -> AudioError {
    AudioError::Damaged { reason: format!("the header declares {declared} frames, the file holds {found}") }
}
