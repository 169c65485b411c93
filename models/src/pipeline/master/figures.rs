//! Every figure of a piece of sound that a report shows, measured as it flows by.

use crate::ModelError;
use crate::dsp::TruePeakMeter;
use serde::Serialize;
use tributary_audio::LoudnessMeter;

/// What was measured. Nothing to measure (silence, too short) is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Figures {
    /// BS.1770-4.
    pub(super) integrated_lufs: Option<f64>,
    /// EBU Tech 3342.
    pub(super) range_lu: Option<f64>,
    /// At eightfold oversampling.
    pub(super) true_peak_dbtp: Option<f64>,
    pub(super) sample_peak_dbfs: Option<f64>,
    /// Over all channels and frames; a full-scale square wave is 0.
    pub(super) rms_dbfs: Option<f64>,
    /// Sample peak over RMS.
    pub(super) crest_db: Option<f64>,
}

/// Measures blocks as they pass.
pub(super) struct Gauge {
    loudness: LoudnessMeter,
    true_peak: Option<TruePeakMeter>,
    plain: PlainGauge,
}

/// Peak and power of the frames alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlainGauge {
    pub(super) peak: f32,
    energy: f64,
    count: u64,
}

/// Frames whose energy is added up in `f32` before it goes to `f64`.
const RUN_FRAMES: usize = 1024;

/// Highest magnitude and energy of a few frames; eight lanes, which a processor works on at once.
pub(super) fn peak_and_energy(sound: &[f32]) -> (f32, f32) {
    let (mut peaks, mut sums) = ([0.0_f32; 8], [0.0_f32; 8]);
    let eights = sound.chunks_exact(8);
    for x in eights.remainder() {
        peaks[0] = peaks[0].max(x.abs());
        sums[0] += x * x;
    }
    for eight in eights {
        for ((peak, sum), x) in peaks.iter_mut().zip(&mut sums).zip(eight) {
            *peak = if x.abs() > *peak { x.abs() } else { *peak };
            *sum += x * x;
        }
    }
    (peaks.iter().copied().fold(0.0, f32::max), sums.iter().sum())
}

impl PlainGauge {
    pub(super) fn push(&mut self, block: &[&[f32]]) {
        for channel in block {
            self.push_row(channel);
        }
    }

    /// The same for one channel.
    pub(super) fn push_row(&mut self, sound: &[f32]) {
        for run in sound.chunks(RUN_FRAMES) {
            let (peak, energy) = peak_and_energy(run);
            self.peak = self.peak.max(peak);
            self.energy += f64::from(energy);
        }
        self.count += sound.len() as u64;
    }

    pub(super) fn rms(&self) -> f64 {
        (self.energy / self.count.max(1) as f64).sqrt()
    }
}

impl Gauge {
    pub(super) fn new(channels: u16, rate_hz: u32) -> Result<Self, ModelError> {
        Ok(Self {
            loudness: LoudnessMeter::without_peaks(channels, rate_hz)?,
            true_peak: Some(TruePeakMeter::new(usize::from(channels))),
            plain: PlainGauge::default(),
        })
    }

    /// The same without a look between the samples, which is half of the work.
    pub(super) fn without_true_peak(channels: u16, rate_hz: u32) -> Result<Self, ModelError> {
        Ok(Self { true_peak: None, ..Self::new(channels, rate_hz)? })
    }

    /// Takes the next block, `[channels][frames]`.
    pub(super) fn push(&mut self, block: &[&[f32]]) -> Result<(), ModelError> {
        self.loudness.add(block)?;
        self.true_peak.iter_mut().for_each(|meter| meter.push(block));
        self.plain.push(block);
        Ok(())
    }

    pub(super) fn figures(&mut self) -> Result<Figures, ModelError> {
        let (rms, peak) = (self.plain.rms(), f64::from(self.plain.peak));
        Ok(Figures {
            integrated_lufs: self.loudness.loudness()?.integrated_lufs,
            range_lu: self.loudness.range_lu(),
            true_peak_dbtp: self.true_peak.as_mut().and_then(|meter| decibels(f64::from(meter.peak()))),
            sample_peak_dbfs: decibels(peak),
            rms_dbfs: decibels(rms),
            crest_db: decibels(peak).zip(decibels(rms)).map(|(peak, rms)| peak - rms),
        })
    }
}

/// None for silence.
pub(super) fn decibels(amplitude: f64) -> Option<f64> {
    (amplitude > 0.0).then(|| 20.0 * amplitude.log10())
}

pub(super) fn amplitude(db: f64) -> f64 {
    10.0_f64.powf(db / 20.0)
}
