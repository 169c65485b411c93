//! The resampler that is fed: blocks of any size go in, what is ready comes out. Never keeps more than two of its blocks.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

use super::frames_at;
use crate::frames::{block_frames, empty_block};
use crate::limits::check_channels_and_rate;
use crate::{AudioError, finite};

/// Least length of the filter in frames of the lower rate. The squared Blackman-Harris window needs 16/length of the
/// band for its slope: the pass band then reaches 0.98 of the lower Nyquist frequency, the stop band begins at it.
const FILTER_FRAMES_MIN: usize = 1_024;

/// Louder is no sound (600 dB above full scale), and would overflow within the transform, on which the engine panics.
const LOUDEST: f32 = 1e30;

/// Resamples what is pushed into it.
pub struct PushResampler {
    from_hz: u32,
    to_hz: u32,
    channels: u16,
    /// `None` where both rates are equal: frames then pass bit for bit.
    engine: Option<Engine>,
    pushed_frames: u64,
    given_frames: u64,
    out: Vec<Vec<f32>>,
}

struct Engine {
    fft: Fft<f32>,
    /// Frames the engine takes at a time, and gives at a time.
    block_in: usize,
    block_out: usize,
    /// Frames pushed that do not fill a block yet.
    pending: Vec<Vec<f32>>,
    /// Where the engine writes to.
    produced: Vec<Vec<f32>>,
    /// Frames of lead-in still to be cut off.
    skip_frames: usize,
}

impl PushResampler {
    /// From `from_hz` to `to_hz`, both 8 to 192 kHz, for 1 to 8 channels.
    ///
    /// # Errors
    /// [`AudioError::Limit`] outside of that.
    pub fn new(from_hz: u32, to_hz: u32, channels: u16) -> Result<Self, AudioError> {
        check_channels_and_rate(u64::from(channels), u64::from(from_hz))?;
        check_channels_and_rate(u64::from(channels), u64::from(to_hz))?;
        let engine = if from_hz == to_hz { None } else { Some(Engine::new(from_hz, to_hz, channels)?) };
        let out = empty_block(channels, 0);
        Ok(Self { from_hz, to_hz, channels, engine, pushed_frames: 0, given_frames: 0, out })
    }

    /// Takes one block, `[channels][frames]` at the first rate, and gives what is ready at the second, often nothing.
    ///
    /// # Errors
    /// [`AudioError::Shape`] where the block has other channels, [`AudioError::NotFinite`] where a sample is no number.
    pub fn push(&mut self, block: &[&[f32]]) -> Result<&[Vec<f32>], AudioError> {
        let frames = block_frames(block, self.channels)?;
        finite::check(block, 0, self.pushed_frames)?;
        self.out.iter_mut().for_each(Vec::clear);
        match &mut self.engine {
            None => self.out.iter_mut().zip(block).for_each(|(out, samples)| out.extend_from_slice(samples)),
            Some(engine) => engine.push(block, frames, &mut self.out)?,
        }
        self.pushed_frames += frames as u64;
        self.given_frames += self.out.first().map_or(0, Vec::len) as u64;
        Ok(&self.out)
    }

    /// Gives the rest, so that `frames` frames came out in all. Where the clip had another length at an earlier rate,
    /// say how long it was: rounding twice may be off by one.
    ///
    /// # Errors
    /// [`AudioError::Shape`] where `frames` is not the length of what was pushed, give or take one frame of each rate.
    pub fn finish(&mut self, frames: u64) -> Result<&[Vec<f32>], AudioError> {
        let natural = frames_at(self.pushed_frames, self.from_hz, self.to_hz);
        let tolerance = match &self.engine {
            None => 0,
            Some(_) => u64::from(self.to_hz.div_ceil(self.from_hz)),
        };
        if frames.abs_diff(natural) > tolerance || frames < self.given_frames {
            return Err(AudioError::Shape {
                expected: format!("{natural} frames after resampling"),
                got: format!("{frames} frames asked for"),
            });
        }
        let left = usize::try_from(frames - self.given_frames).unwrap_or(usize::MAX);
        self.out.iter_mut().for_each(Vec::clear);
        if let Some(engine) = &mut self.engine {
            while self.out.first().is_some_and(|out| out.len() < left) {
                engine.push_silence(&mut self.out)?;
            }
            self.out.iter_mut().for_each(|out| out.truncate(left));
        }
        self.given_frames = frames;
        Ok(&self.out)
    }
}

impl Engine {
    fn new(from_hz: u32, to_hz: u32, channels: u16) -> Result<Self, AudioError> {
        let (from, to) = (from_hz as usize, to_hz as usize);
        let common = gcd(from, to);
        let (unit_in, unit_out) = (from / common, to / common);
        // An even number of units makes both halves of a block whole, and the delay, half a block, a whole number.
        let pairs = FILTER_FRAMES_MIN.div_ceil(2 * unit_in.min(unit_out));
        let fft = Fft::new_custom(
            from,
            to,
            2 * pairs * unit_in,
            1,
            usize::from(channels),
            WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|error| failed(&error))?;
        let (block_in, block_out) = (fft.input_frames_next(), fft.output_frames_next());
        let skip_frames = fft.output_delay();
        let pending = empty_block(channels, block_in);
        let produced = vec![vec![0.0; block_out]; usize::from(channels)];
        Ok(Self { fft, block_in, block_out, pending, produced, skip_frames })
    }

    fn push(&mut self, block: &[&[f32]], frames: usize, out: &mut [Vec<f32>]) -> Result<(), AudioError> {
        let mut at = 0;
        while at < frames {
            let held = self.pending.first().map_or(0, Vec::len);
            let end = frames.min(at + self.block_in - held);
            for (pending, samples) in self.pending.iter_mut().zip(block) {
                pending.extend(samples[at..end].iter().map(|x| x.clamp(-LOUDEST, LOUDEST)));
            }
            if held + end - at == self.block_in {
                self.process(out)?;
            }
            at = end;
        }
        Ok(())
    }

    /// Fills the pending block with silence and sends it through.
    fn push_silence(&mut self, out: &mut [Vec<f32>]) -> Result<(), AudioError> {
        for pending in &mut self.pending {
            pending.resize(self.block_in, 0.0);
        }
        self.process(out)
    }

    /// Sends one full block through.
    fn process(&mut self, out: &mut [Vec<f32>]) -> Result<(), AudioError> {
        let channels = self.pending.len();
        let input = SequentialSliceOfVecs::new(&self.pending, channels, self.block_in)
            .map_err(|error| failed(&error))?;
        let mut output = SequentialSliceOfVecs::new_mut(&mut self.produced, channels, self.block_out)
            .map_err(|error| failed(&error))?;
        self.fft
            .process_into_buffer(&input, &mut output, None::<&Indexing>)
            .map_err(|error| failed(&error))?;
        let skipped = self.skip_frames.min(self.block_out);
        self.skip_frames -= skipped;
        for (out, produced) in out.iter_mut().zip(&self.produced) {
            out.extend_from_slice(&produced[skipped..]);
        }
        self.pending.iter_mut().for_each(Vec::clear);
        Ok(())
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The engine refused sizes that it told us itself; named rather than assumed impossible.
fn failed(error: &dyn std::fmt::Display) -> AudioError {
    AudioError::Shape { expected: "blocks that the resampler takes".to_owned(), got: error.to_string() }
}
