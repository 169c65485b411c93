//! `report.json`: what was measured before and after.

use super::Job;
use crate::ModelError;
use serde::Serialize;
use tributary_audio::{Loudness, LoudnessMeter};

/// Length of the stretches over which the reduction is averaged, as parts of a second.
const STRETCHES_A_SECOND: u64 = 2;
/// Stretches of the clip quieter than this mean square (-80 dB) say nothing about the network.
const STRETCH_POWER_MIN: f64 = 1e-8;
/// No stretch counts for more: digital silence would make any mean infinite.
const REDUCTION_DB_MAX: f64 = 100.0;

/// Measures what goes by, in step.
pub(super) struct Meters {
    before: LoudnessMeter,
    after: LoudnessMeter,
    reduction: Reduction,
}

/// Level of the clip over level of the speech, dB, averaged over stretches.
#[derive(Default)]
struct Reduction {
    stretch_frames: u64,
    held_frames: u64,
    clip_energy: f64,
    speech_energy: f64,
    sum_db: f64,
    stretches: u64,
}

/// The sheet.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    settings: &'a crate::settings::Settings,
    seconds: f64,
    before: Level,
    after: Level,
    /// What both stems were multiplied with.
    gain_db: f64,
    /// Mean over half seconds, before that gain; null where the clip has no half second above -80 dB.
    mean_reduction_db: Option<f64>,
    /// The part of the clip in which somebody speaks, 0 to 1, where that was listened for.
    speech_share: Option<f64>,
}

#[derive(Serialize)]
struct Level {
    integrated_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
}

impl From<Loudness> for Level {
    fn from(loudness: Loudness) -> Self {
        Self {
            integrated_lufs: loudness.integrated_lufs.map(hundredths),
            true_peak_dbtp: loudness.true_peak_dbtp.map(hundredths),
        }
    }
}

impl Meters {
    pub(super) fn new(job: &Job) -> Result<Self, ModelError> {
        let meter = || LoudnessMeter::new(job.clip.channels, job.clip.rate_hz);
        let stretch_frames = (u64::from(job.clip.rate_hz) / STRETCHES_A_SECOND).max(1);
        let reduction = Reduction { stretch_frames, ..Reduction::default() };
        Ok(Self { before: meter()?, after: meter()?, reduction })
    }

    /// The next frames of the clip and of what is speech in them, `[channels][frames]`; the speech times `gain` is
    /// what is written.
    pub(super) fn add(&mut self, clip: &[&[f32]], speech: &[&[f32]], gain: f32) -> Result<(), ModelError> {
        self.before.add(clip)?;
        self.after.add(speech)?;
        self.reduction.add(clip, speech, gain);
        Ok(())
    }

    /// Of the speech so far.
    pub(super) fn after(&self) -> Result<Loudness, ModelError> {
        Ok(self.after.loudness()?)
    }

    /// The sheet's bytes.
    pub(super) fn report(
        &self,
        job: &Job,
        gain_db: f64,
        speech_share: Option<f64>,
    ) -> Result<Vec<u8>, ModelError> {
        let report = Report {
            model: &job.front.model,
            settings: &job.settings,
            seconds: job.clip.seconds(),
            before: self.before.loudness()?.into(),
            after: self.after()?.into(),
            gain_db,
            mean_reduction_db: self.reduction.mean_db().map(hundredths),
            speech_share: speech_share.map(hundredths),
        };
        Ok(serde_json::to_vec_pretty(&report).expect("numbers and words are always JSON"))
    }
}

impl Reduction {
    fn add(&mut self, clip: &[&[f32]], speech: &[&[f32]], gain: f32) {
        let frames = clip.first().map_or(0, |channel| channel.len());
        let mut at = 0;
        while at < frames {
            let left = usize::try_from(self.stretch_frames - self.held_frames).unwrap_or(usize::MAX);
            let end = frames.min(at + left);
            self.clip_energy += energy(clip, at..end);
            self.speech_energy += energy(speech, at..end) / f64::from(gain).powi(2);
            self.held_frames += (end - at) as u64;
            at = end;
            if self.held_frames == self.stretch_frames {
                self.close(clip.len());
            }
        }
    }

    fn close(&mut self, channels: usize) {
        let numbers = self.stretch_frames as f64 * channels as f64;
        if self.clip_energy / numbers > STRETCH_POWER_MIN {
            let db = 10.0 * (self.clip_energy / self.speech_energy.max(f64::MIN_POSITIVE)).log10();
            self.sum_db += db.min(REDUCTION_DB_MAX);
            self.stretches += 1;
        }
        (self.held_frames, self.clip_energy, self.speech_energy) = (0, 0.0, 0.0);
    }

    fn mean_db(&self) -> Option<f64> {
        (self.stretches > 0).then(|| self.sum_db / self.stretches as f64)
    }
}

/// What people can use of a figure, and what does not change with the engine's rounding.
fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

fn energy(block: &[&[f32]], range: std::ops::Range<usize>) -> f64 {
    block.iter().flat_map(|channel| &channel[range.clone()]).map(|x| f64::from(*x).powi(2)).sum()
}
