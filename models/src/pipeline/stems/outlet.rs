//! The way out: parts at the model's rate become stems at the clip's, the remainder by subtraction. Computes no masks.

use super::parts::{Output, Parts};
use crate::ModelError;
use crate::pipeline::ResultSink;
use std::sync::Arc;
use tributary_audio::frames::{empty_block, fill, slices};
use tributary_audio::resample::frames_at;
use tributary_audio::{AudioError, ClipShape, Frames, PushResampler, Resampler};

/// How long the clip is at the model's rate: at least one frame, also where rounding leaves none.
pub(in crate::pipeline) fn model_frames(clip: ClipShape, rate_hz: u32) -> u64 {
    frames_at(clip.frames, clip.rate_hz, rate_hz).max(1)
}

/// The clip at the model's rate, [`model_frames`] long.
pub(in crate::pipeline) fn at_rate(
    source: Box<dyn Frames>,
    rate_hz: u32,
) -> Result<Box<dyn Frames>, AudioError> {
    let clip = source.shape();
    if clip.rate_hz == rate_hz {
        return Ok(source);
    }
    Ok(Box::new(Resampler::with_length(source, rate_hz, model_frames(clip, rate_hz))?))
}

pub(in crate::pipeline) struct Outlet {
    clip: ClipShape,
    parts: Arc<Parts>,
    lanes: Vec<Lane>,
    mixture: Option<Mixture>,
    written_frames: u64,
}

/// One part on its way from the model's rate to the clip's.
struct Lane {
    /// `[channels][..]` at the model's rate; channels of later pairs come later.
    pending: Vec<Vec<f32>>,
    resampler: PushResampler,
    /// `[channels][..]` at the clip's rate.
    ready: Vec<Vec<f32>>,
}

/// The clip read a second time, in step with what goes out.
struct Mixture {
    frames: Box<dyn Frames>,
    block: Vec<Vec<f32>>,
}

impl Outlet {
    /// `mixture` is there where the remainder was asked for.
    pub(in crate::pipeline) fn new(
        clip: ClipShape,
        rate_hz: u32,
        parts: Arc<Parts>,
        mixture: Option<Box<dyn Frames>>,
    ) -> Result<Self, ModelError> {
        let lane = || -> Result<Lane, AudioError> {
            Ok(Lane {
                pending: empty_block(clip.channels, 0),
                resampler: PushResampler::new(rate_hz, clip.rate_hz, clip.channels)?,
                ready: empty_block(clip.channels, 0),
            })
        };
        let lanes = parts.parts().iter().map(|_| lane()).collect::<Result<_, _>>()?;
        let mixture = mixture.map(|frames| Mixture { frames, block: empty_block(clip.channels, 0) });
        Ok(Self { clip, parts, lanes, mixture, written_frames: 0 })
    }

    /// Takes the next frames of one channel of one part, at the model's rate.
    pub(in crate::pipeline) fn feed(
        &mut self,
        part: usize,
        channel: usize,
        frames: impl Iterator<Item = f32>,
    ) {
        self.lanes[part].pending[channel].extend(frames);
    }

    /// Hands on what all channels of all parts have.
    pub(in crate::pipeline) fn flush(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        for lane in &mut self.lanes {
            let frames = lane.pending.iter().map(Vec::len).min().unwrap_or(0);
            let block: Vec<&[f32]> = lane.pending.iter().map(|channel| &channel[..frames]).collect();
            append(&mut lane.ready, lane.resampler.push(&block)?);
            lane.pending.iter_mut().for_each(|channel| drop(channel.drain(..frames)));
        }
        self.write(sink)
    }

    /// After the last frame of all parts: hands on the rest.
    pub(in crate::pipeline) fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        self.flush(sink)?;
        for lane in &mut self.lanes {
            append(&mut lane.ready, lane.resampler.finish(self.clip.frames)?);
        }
        self.write(sink)?;
        if self.written_frames != self.clip.frames {
            let got = format!("{} frames of every stem", self.written_frames);
            return Err(AudioError::Shape { expected: self.clip.frames.to_string(), got }.into());
        }
        Ok(())
    }

    fn write(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        let ready = self.lanes.iter().flat_map(|lane| &lane.ready).map(Vec::len).min().unwrap_or(0);
        if ready == 0 {
            return Ok(());
        }
        if let Some(mixture) = &mut self.mixture {
            let read = fill(&mut *mixture.frames, &mut mixture.block, ready)?;
            if read != ready {
                let expected = format!("the clip as long as before, {} frames", self.clip.frames);
                let got = format!("{} frames", self.written_frames + read as u64);
                return Err(AudioError::Shape { expected, got }.into());
            }
            for lane in &self.lanes {
                for (rest, part) in mixture.block.iter_mut().zip(&lane.ready) {
                    rest.iter_mut().zip(part).for_each(|(rest, part)| *rest -= part);
                }
            }
        }
        for (stem, output) in self.parts.outputs().iter().enumerate() {
            match (output, &self.mixture) {
                (Output::Part(part), _) => {
                    let block: Vec<&[f32]> =
                        self.lanes[*part].ready.iter().map(|channel| &channel[..ready]).collect();
                    sink.write(stem, &block)?;
                }
                (Output::Remainder, Some(mixture)) => sink.write(stem, &slices(&mixture.block))?,
                (Output::Remainder, None) => unreachable!("the mixture was opened for the remainder"),
            }
        }
        for channel in self.lanes.iter_mut().flat_map(|lane| &mut lane.ready) {
            channel.drain(..ready);
        }
        self.written_frames += ready as u64;
        Ok(())
    }
}

fn append(to: &mut [Vec<f32>], block: &[Vec<f32>]) {
    for (to, channel) in to.iter_mut().zip(block) {
        to.extend_from_slice(channel);
    }
}
