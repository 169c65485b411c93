//! A source of frames at another rate than the source behind it. Never reads further ahead than one of its blocks.

use super::{PushResampler, frames_at};
use crate::frames::{empty_block, expect_channels, fill, slices};
use crate::limits::BLOCK_FRAMES;
use crate::{AudioError, ClipShape, Frames};

/// Resamples a source while it is read.
pub struct Resampler {
    source: Box<dyn Frames>,
    resampler: PushResampler,
    shape: ClipShape,
    block: Vec<Vec<f32>>,
    ready: Vec<Vec<f32>>,
    ready_at: usize,
    is_finished: bool,
}

impl Resampler {
    /// `source` at `to_hz`, [`frames_at`] frames long. Equal rates pass every sample bit for bit.
    ///
    /// # Errors
    /// [`AudioError::Limit`] where a rate is outside 8 to 192 kHz or there are more than 8 channels.
    pub fn new(source: Box<dyn Frames>, to_hz: u32) -> Result<Self, AudioError> {
        let from = source.shape();
        Self::with_length(source, to_hz, frames_at(from.frames, from.rate_hz, to_hz))
    }

    /// As [`Resampler::new`], but exactly `frames` frames long: for the way back to an earlier rate.
    ///
    /// # Errors
    /// As [`Resampler::new`]; a length that cannot be meant is found at the end of the reading.
    pub fn with_length(source: Box<dyn Frames>, to_hz: u32, frames: u64) -> Result<Self, AudioError> {
        let from = source.shape();
        let resampler = PushResampler::new(from.rate_hz, to_hz, from.channels)?;
        Ok(Self {
            source,
            resampler,
            shape: ClipShape { frames, rate_hz: to_hz, ..from },
            block: empty_block(from.channels, BLOCK_FRAMES),
            ready: empty_block(from.channels, 0),
            ready_at: 0,
            is_finished: false,
        })
    }

    /// Reads on until there is something to give. `false` at the end.
    fn advance(&mut self) -> Result<bool, AudioError> {
        while self.ready.first().is_none_or(|ready| self.ready_at >= ready.len()) {
            if self.is_finished {
                return Ok(false);
            }
            let out = match fill(&mut self.source, &mut self.block, BLOCK_FRAMES)? {
                0 => {
                    self.is_finished = true;
                    self.resampler.finish(self.shape.frames)?
                }
                _ => self.resampler.push(&slices(&self.block))?,
            };
            for (ready, out) in self.ready.iter_mut().zip(out) {
                ready.clear();
                ready.extend_from_slice(out);
            }
            self.ready_at = 0;
        }
        Ok(true)
    }
}

impl Frames for Resampler {
    fn shape(&self) -> ClipShape {
        self.shape
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        expect_channels(block.len(), self.shape.channels)?;
        if frames_max == 0 || !self.advance()? {
            return Ok(0);
        }
        let end = self.ready.first().map_or(0, Vec::len).min(self.ready_at.saturating_add(frames_max));
        for (out, ready) in block.iter_mut().zip(&self.ready) {
            out.extend_from_slice(&ready[self.ready_at..end]);
        }
        let frames = end - self.ready_at;
        self.ready_at = end;
        Ok(frames)
    }
}
