//! A sink that resamples on the way to another sink. Never finishes that one short.

use super::PushResampler;
use crate::frames::slices;
use crate::{AudioError, FrameSink};

/// Takes frames at one rate and hands them on at another.
pub struct ResampleSink<S> {
    resampler: PushResampler,
    frames: u64,
    sink: S,
}

impl<S: FrameSink> ResampleSink<S> {
    /// From `from_hz` to `to_hz`; `sink` receives exactly `frames` frames.
    ///
    /// # Errors
    /// [`AudioError::Limit`] where a rate is outside 8 to 192 kHz or there are more than 8 channels.
    pub fn new(sink: S, from_hz: u32, to_hz: u32, channels: u16, frames: u64) -> Result<Self, AudioError> {
        Ok(Self { resampler: PushResampler::new(from_hz, to_hz, channels)?, frames, sink })
    }

    /// The sink behind.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.sink
    }
}

impl<S: FrameSink> FrameSink for ResampleSink<S> {
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        let out = self.resampler.push(block)?;
        if out.first().is_some_and(|channel| !channel.is_empty()) {
            self.sink.write(&slices(out))
        } else {
            Ok(())
        }
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        let out = self.resampler.finish(self.frames)?;
        if out.first().is_some_and(|channel| !channel.is_empty()) {
            self.sink.write(&slices(out))?;
        }
        self.sink.finish()
    }
}
