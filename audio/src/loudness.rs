//! Loudness and peaks of a flow of blocks: ITU-R BS.1770-4, EBU R 128. Never changes the sound.
//!
//! Loudness is our own work, since mastering measures a clip up to six times: the crate that finds the peaks adds every
//! sample up seven times over, and takes eight times as long for the same figures (`tests/suite/loudness.rs`).

mod gates;
mod weighting;

use ebur128::{EbuR128, Mode};
use gates::Gates;
use weighting::Weighting;

use crate::frames::{block_frames, empty_block, fill, slices};
use crate::limits::{BLOCK_FRAMES, check_channels_and_rate};
use crate::{AudioError, Frames};

/// What a meter measured. `None` stands for "nothing to measure", which no number could say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loudness {
    /// Integrated loudness in LUFS, gated as BS.1770-4 has it. `None` for silence, for all that stays below -70 LUFS,
    /// and for clips shorter than one gating block of 400 ms.
    pub integrated_lufs: Option<f64>,
    /// Highest absolute sample of any channel in dB of full scale. `None` for digital silence.
    pub sample_peak_dbfs: Option<f64>,
    /// Highest point between the samples too, by oversampling to at least 192 kHz, in dBTP. `None` for digital silence.
    pub true_peak_dbtp: Option<f64>,
}

/// Measures blocks as they pass. Memory: 88 bytes for each second of clip.
///
/// Channel weights are those of BS.1770 for the usual orders (L R C LFE Ls Rs); mono counts as one loudspeaker.
pub struct LoudnessMeter {
    channels: u16,
    weighting: Weighting,
    gates: Gates,
    peaks: Option<EbuR128>,
}

impl LoudnessMeter {
    /// A meter for `channels` channels at `rate_hz`.
    ///
    /// # Errors
    /// [`AudioError::Limit`] where they are outside the limits.
    pub fn new(channels: u16, rate_hz: u32) -> Result<Self, AudioError> {
        let mut meter = Self::without_peaks(channels, rate_hz)?;
        let modes = Mode::SAMPLE_PEAK | Mode::TRUE_PEAK;
        meter.peaks = Some(EbuR128::new(u32::from(channels), rate_hz, modes).map_err(not_measured)?);
        Ok(meter)
    }

    /// A meter that looks for no peaks, which is most of the work.
    ///
    /// # Errors
    /// As [`LoudnessMeter::new`].
    pub fn without_peaks(channels: u16, rate_hz: u32) -> Result<Self, AudioError> {
        check_channels_and_rate(u64::from(channels), u64::from(rate_hz))?;
        let (weighting, gates) = (Weighting::new(channels, rate_hz), Gates::new(rate_hz));
        Ok(Self { channels, weighting, gates, peaks: None })
    }

    /// Takes one block, `[channels][frames]`.
    ///
    /// # Errors
    /// [`AudioError::Shape`] where the block has other channels.
    pub fn add(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        let frames = block_frames(block, self.channels)?;
        let mut from = 0;
        while from < frames {
            let to = frames.min(from + self.gates.frames_left());
            self.gates.add(self.weighting.energy(block, from, to), to - from);
            from = to;
        }
        match &mut self.peaks {
            Some(peaks) => peaks.add_frames_planar_f32(block).map_err(not_measured),
            None => Ok(()),
        }
    }

    /// The loudness range in LU (EBU Tech 3342). `None` where there are not 3 s above its gates.
    #[must_use]
    pub fn range_lu(&self) -> Option<f64> {
        self.gates.range_lu().filter(|range| *range > 0.0)
    }

    /// The measure of all blocks so far. A meter without peaks has none to tell.
    ///
    /// # Errors
    /// None in practice: the meter was made for these measures.
    pub fn loudness(&self) -> Result<Loudness, AudioError> {
        let (mut sample_peak, mut true_peak) = (0.0f64, 0.0f64);
        if let Some(peaks) = &self.peaks {
            for channel in 0..u32::from(self.channels) {
                sample_peak = sample_peak.max(peaks.sample_peak(channel).map_err(not_measured)?);
                true_peak = true_peak.max(peaks.true_peak(channel).map_err(not_measured)?);
            }
        }
        let decibel = |peak: f64| (peak > 0.0).then(|| 20.0 * peak.log10());
        Ok(Loudness {
            integrated_lufs: self.gates.integrated_lufs(),
            sample_peak_dbfs: decibel(sample_peak),
            // A sample is a point of the curve too, and the oversampled grid may step over it.
            true_peak_dbtp: decibel(true_peak.max(sample_peak)),
        })
    }
}

/// Measures all of `source`.
///
/// # Errors
/// Those of the source.
pub fn measure(source: &mut dyn Frames) -> Result<Loudness, AudioError> {
    let shape = source.shape();
    let mut meter = LoudnessMeter::new(shape.channels, shape.rate_hz)?;
    let mut block = empty_block(shape.channels, BLOCK_FRAMES);
    while fill(source, &mut block, BLOCK_FRAMES)? > 0 {
        meter.add(&slices(&block))?;
    }
    meter.loudness()
}

fn not_measured(error: ebur128::Error) -> AudioError {
    AudioError::Shape { expected: "sound that a loudness meter takes".to_owned(), got: error.to_string() }
}
