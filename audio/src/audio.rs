//! `Audio`: a whole piece of sound in memory. For short pieces and tests; long clips flow as [`crate::Frames`].

use crate::frames::{empty_block, expect_channels};
use crate::{AudioError, ClipShape, Frames};

/// Planar samples, `[channels][frames]`, full scale ±1.0, every channel equally long.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// One vector of samples a channel.
    pub channels: Vec<Vec<f32>>,
    /// Frames a second.
    pub rate_hz: u32,
}

impl Audio {
    /// Silence of the given shape.
    #[must_use]
    pub fn silence(shape: ClipShape) -> Self {
        let frames = usize::try_from(shape.frames).expect("a piece held in memory fits the address space");
        Self { channels: vec![vec![0.0; frames]; usize::from(shape.channels)], rate_hz: shape.rate_hz }
    }

    /// Frames, that is samples of one channel.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Channels, frames and rate.
    #[must_use]
    pub fn shape(&self) -> ClipShape {
        ClipShape {
            channels: u16::try_from(self.channels.len()).unwrap_or(u16::MAX),
            frames: self.frames() as u64,
            rate_hz: self.rate_hz,
        }
    }

    /// Reads a whole source into memory, at most `frames_max` frames of it.
    ///
    /// # Errors
    /// [`AudioError::Limit`] where the source is longer, before anything is read; else those of the source.
    pub fn read_all(source: &mut dyn Frames, frames_max: u64) -> Result<Self, AudioError> {
        let shape = source.shape();
        if shape.frames > frames_max {
            let limit = format!("{frames_max} frames in memory");
            return Err(AudioError::Limit { what: "the length of the clip", value: shape.frames, limit });
        }
        let mut channels = empty_block(shape.channels, usize::try_from(shape.frames).unwrap_or(0));
        while source.read(&mut channels, crate::limits::BLOCK_FRAMES)? > 0 {}
        Ok(Self { channels, rate_hz: shape.rate_hz })
    }

    /// The same samples as a source.
    #[must_use]
    pub fn into_frames(self) -> AudioFrames {
        AudioFrames { audio: self, at: 0 }
    }
}

/// An [`Audio`] read from front to back.
#[derive(Clone, Debug)]
pub struct AudioFrames {
    audio: Audio,
    at: usize,
}

impl Frames for AudioFrames {
    fn shape(&self) -> ClipShape {
        self.audio.shape()
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        expect_channels(block.len(), self.shape().channels)?;
        let end = self.audio.frames().min(self.at.saturating_add(frames_max));
        let frames = end - self.at;
        let start = block.first().map_or(0, Vec::len);
        for (out, channel) in block.iter_mut().zip(&self.audio.channels) {
            out.extend_from_slice(&channel[self.at..end]);
        }
        crate::finite::check(block, start, self.at as u64)?;
        self.at = end;
        Ok(frames)
    }
}
