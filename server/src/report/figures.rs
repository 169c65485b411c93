//! The numbers of a report. Reads the files once for each measure, in bounded memory; keeps no sound.

use super::open;
use anyhow::{Context, ensure};
use serde::Serialize;
use std::path::{Path, PathBuf};
use tributary_audio::{Frames, loudness, measure};

/// Stands for "exactly equal", where the logarithm would be infinite: JSON has no infinity, and 24 dB below the
/// rounding of 32-bit floats nothing is left to tell apart.
pub const EXACT_DB: f64 = 200.0;

/// What was measured of one sound file.
#[derive(Clone, Debug, Serialize)]
pub struct SoundFigures {
    /// `vocals` for `song - vocals.wav`.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// Length in seconds.
    pub seconds: f64,
    /// Frames a second.
    pub rate_hz: u32,
    /// 1 to 8.
    pub channels: u16,
    /// Integrated loudness (BS.1770-4); none for silence.
    pub lufs: Option<f64>,
    /// True peak in dBTP; none for digital silence.
    pub true_peak_dbtp: Option<f64>,
}

/// What was measured of one stem.
#[derive(Clone, Debug, Serialize)]
pub struct StemFigures {
    /// The file itself.
    #[serde(flatten)]
    pub sound: SoundFigures,
    /// Signal to distortion ratio against the true stem, plain definition; none where the truth is not known.
    pub sdr_db: Option<f64>,
    /// By how many dB that is better than taking the mixture for the stem.
    pub gain_db: Option<f64>,
    /// Signal to distortion ratio as BSS Eval v4 gives it, the median of seconds; none where no second counts.
    pub sdr_by_seconds_db: Option<f64>,
    /// Signal to distortion ratio whatever the level; none where the stem is silent.
    pub si_sdr_db: Option<f64>,
}

impl SoundFigures {
    /// Measures the file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let mut sound = open(path)?;
        let shape = sound.shape();
        let measured =
            loudness::measure(&mut *sound).with_context(|| format!("measure {}", path.display()))?;
        Ok(Self {
            name: name_of(path),
            file: path.to_owned(),
            seconds: shape.seconds(),
            rate_hz: shape.rate_hz,
            channels: shape.channels,
            lufs: measured.integrated_lufs,
            true_peak_dbtp: measured.true_peak_dbtp,
        })
    }
}

impl StemFigures {
    /// Measures the stem, and compares it with `<name>.flac` or `<name>.wav` in the first folder of true stems that
    /// has it.
    ///
    /// # Errors
    /// A file that cannot be read, a stem or truth of another shape than the mixture.
    pub fn of(path: &Path, mixture: &Path, references: &[PathBuf]) -> anyhow::Result<Self> {
        let sound = SoundFigures::of(path)?;
        let (stem, whole) = (open(path)?.shape(), open(mixture)?.shape());
        let shown = path.display();
        ensure!(stem == whole, "{shown} has another length, rate or number of channels than the mixture");
        let Some(truth) = references.iter().find_map(|folder| truth_of(&sound.name, folder)) else {
            return Ok(Self { sound, sdr_db: None, gain_db: None, sdr_by_seconds_db: None, si_sdr_db: None });
        };
        let sdr_db = sdr_db(&truth, path)?;
        let gain_db = sdr_db - self::sdr_db(&truth, mixture)?;
        Ok(Self {
            sound,
            sdr_db: Some(sdr_db),
            gain_db: Some(gain_db),
            sdr_by_seconds_db: None,
            si_sdr_db: None,
        })
    }

    /// Compares all stems whose truth is known at once: a second in which one of them is silent counts for none.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn compare(stems: &mut [Self], references: &[PathBuf]) -> anyhow::Result<()> {
        let truth = |stem: &Self| references.iter().find_map(|folder| truth_of(&stem.sound.name, folder));
        let mut known: Vec<(&mut Self, PathBuf)> =
            stems.iter_mut().filter_map(|stem| truth(stem).map(|truth| (stem, truth))).collect();
        let opened = |paths: Vec<&Path>| paths.into_iter().map(open).collect::<anyhow::Result<Vec<_>>>();
        let mut truths = opened(known.iter().map(|(_, truth)| truth.as_path()).collect())?;
        let mut found = opened(known.iter().map(|(stem, _)| stem.sound.file.as_path()).collect())?;
        let scores = measure::scores(&mut truths, &mut found).context("compare stems with true ones")?;
        for ((stem, _), scores) in known.iter_mut().zip(scores) {
            stem.sdr_by_seconds_db = scores.sdr_by_seconds_db.map(finite);
            stem.si_sdr_db = scores.si_sdr_db.map(finite);
        }
        Ok(())
    }
}

/// How far the stems are from summing to the mixture, in dB of the mixture.
///
/// # Errors
/// A file that cannot be read, or of another shape.
pub fn sum_residual_db(mixture: &Path, stems: &[PathBuf]) -> anyhow::Result<f64> {
    let mut whole = open(mixture)?;
    let mut parts = stems.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut readers: Vec<&mut dyn Frames> =
        parts.iter_mut().map(|part| &mut **part as &mut dyn Frames).collect();
    let residual =
        measure::residual_db(&mut *whole, &mut readers).context("compare the stems' sum with the mixture")?;
    Ok(finite(residual))
}

fn sdr_db(truth: &Path, estimate: &Path) -> anyhow::Result<f64> {
    let sdr = measure::sdr_db(&mut *open(truth)?, &mut *open(estimate)?)
        .with_context(|| format!("compare {} with {}", estimate.display(), truth.display()))?;
    Ok(finite(sdr))
}

/// NaN is 0/0: silence against silence, which is equal.
fn finite(decibel: f64) -> f64 {
    if decibel.is_nan() { EXACT_DB } else { decibel.clamp(-EXACT_DB, EXACT_DB) }
}

/// The part behind the last ` - ` of the file's name, without its ending.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.rsplit(" - ").next().unwrap_or(&stem).to_owned()
}

fn truth_of(name: &str, folder: &Path) -> Option<PathBuf> {
    ["flac", "wav"].iter().map(|ending| folder.join(format!("{name}.{ending}"))).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_named_by_what_follows_the_last_dash() {
        for (file, name) in
            [("a - b - drums.wav", "drums"), ("bass.flac", "bass"), ("x/take-2.wav", "take-2"), ("", "")]
        {
            assert_eq!(name_of(Path::new(file)), name);
        }
    }

    #[test]
    fn infinite_ratios_become_numbers_json_can_hold() {
        assert_eq!(finite(f64::INFINITY), EXACT_DB);
        assert_eq!(finite(f64::NEG_INFINITY), -EXACT_DB);
        assert_eq!(finite(f64::NAN), EXACT_DB);
        assert_eq!(finite(-3.5), -3.5);
    }
}
