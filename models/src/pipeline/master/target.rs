//! What a clip is made like: the mean of the references, or without one a tone that belongs to no genre.

use super::Job;
use super::portrait::{Portrait, SILENCE, Spectra};
use crate::ModelError;

/// Highest sample that counts as full scale: 61 steps of 16 bit below it.
pub(super) const FULL: f64 = (32_768.0 - 61.0) / 32_768.0;

/// All references as one.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Of the loud pieces' middle: the geometric mean.
    pub(super) level: f64,
    /// Highest sample, at most [`FULL`]: the geometric mean.
    pub(super) peak: f64,
    /// The highest true peak of any, where it was measured.
    pub(super) true_peak: f64,
    /// Mean magnitudes, every reference scaled to `level` first; none where all are too short.
    pub(super) spectra: Option<Spectra>,
    /// Above this frequency no reference says anything, since its rate is lower than the clip's.
    pub(super) edge_hz: f64,
}

/// The part of a rate's band that a recording at that rate can be relied on to fill.
const FILLED: f64 = 0.9;

impl Target {
    /// # Errors
    /// [`ModelError::Unfit`] where a reference is silent.
    pub(super) fn of(references: &[Portrait], job: &Job) -> Result<Option<Self>, ModelError> {
        if let Some(silent) = references.iter().position(|r| r.level < SILENCE) {
            let which = if references.len() == 1 { String::new() } else { format!(" {}", silent + 1) };
            return Err(ModelError::Unfit(format!(
                "reference{which} is silent: choose a recording with sound, or master without a reference"
            )));
        }
        if references.is_empty() {
            return Ok(None);
        }
        let mean = |of: &dyn Fn(&Portrait) -> f64| {
            (references.iter().map(|r| of(r).ln()).sum::<f64>() / references.len() as f64).exp()
        };
        let level = mean(&|r| r.level);
        let edge_hz = job.references.iter().map(|r| f64::from(r.rate_hz)).fold(f64::INFINITY, f64::min);
        let lower = edge_hz < f64::from(job.clip.rate_hz);
        let decibels = references.iter().filter_map(|r| r.figures.true_peak_dbtp);
        Ok(Some(Self {
            level,
            peak: mean(&|r| r.peak.min(FULL)),
            true_peak: decibels.map(super::figures::amplitude).fold(0.0, f64::max),
            spectra: mean_spectra(references, level),
            edge_hz: if lower { FILLED * edge_hz / 2.0 } else { f64::INFINITY },
        }))
    }
}

fn mean_spectra(references: &[Portrait], level: f64) -> Option<Spectra> {
    let with: Vec<(&Spectra, f64)> = references
        .iter()
        .filter_map(|r| Some((r.spectra.as_ref()?, level / (r.level * references.len() as f64))))
        .collect();
    let mean = |planes: &mut dyn Iterator<Item = (&[f64], f64)>| {
        planes.fold(Vec::new(), |mut sum: Vec<f64>, (plane, scale)| {
            sum.resize(plane.len(), 0.0);
            sum.iter_mut().zip(plane).for_each(|(sum, x)| *sum += x * scale);
            sum
        })
    };
    if with.is_empty() {
        return None;
    }
    let mid = mean(&mut with.iter().map(|(spectra, scale)| (&spectra.mid[..], *scale)));
    let side = mean(&mut with.iter().filter_map(|(spectra, scale)| Some((spectra.side.as_deref()?, *scale))));
    Some(Spectra { mid, side: (!side.is_empty()).then_some(side) })
}

/// The tone without a reference: power density in dB at frequencies in Hz, straight between them over the logarithm of
/// frequency. From 60 Hz to 4 kHz it falls by 4.5 dB an octave, about what mastered music of all genres does (Pestana
/// et al. 2013, "Spectral characteristics of popular commercial recordings 1950-2010", find 5 dB from 100 Hz to 4 kHz
/// and a steeper end), then steeper; below 60 Hz it falls away.
const NEUTRAL_DB: [(f64, f64); 7] = [
    (20.0, -12.0),
    (40.0, -2.0),
    (60.0, 0.0),
    (4000.0, -27.3),
    (10_000.0, -36.0),
    (16_000.0, -44.0),
    (22_000.0, -60.0),
];

/// Magnitudes of the neutral tone with as much power as `like` has, bin by bin.
pub(super) fn neutral(like: &[f64], bin_hz: f64) -> Vec<f64> {
    let shape: Vec<f64> =
        (0..like.len()).map(|bin| super::figures::amplitude(neutral_db(bin as f64 * bin_hz))).collect();
    // DC and what is beside it is no tone.
    let power = |plane: &[f64]| plane.iter().skip(2).map(|x| x * x).sum::<f64>();
    let scale = (power(like) / power(&shape).max(1e-300)).sqrt();
    shape.iter().map(|x| x * scale).collect()
}

fn neutral_db(hz: f64) -> f64 {
    let after = NEUTRAL_DB.iter().position(|(point, _)| *point >= hz).unwrap_or(NEUTRAL_DB.len());
    if after == 0 {
        return NEUTRAL_DB[0].1;
    }
    let (from, to) = (NEUTRAL_DB[after - 1], NEUTRAL_DB.get(after).copied().unwrap_or(NEUTRAL_DB[after - 1]));
    if to.0 <= from.0 {
        return from.1;
    }
    from.1 + (to.1 - from.1) * (hz / from.0).ln() / (to.0 / from.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neutral_tone_falls_and_has_the_power_it_is_given() {
        assert!(
            (neutral_db(240.0) + 9.0).abs() < 0.1 && neutral_db(0.0) == -12.0 && neutral_db(1e5) == -60.0
        );
        let like = vec![0.5; 2049];
        let tone = neutral(&like, 10.77);
        let power = |plane: &[f64]| plane.iter().skip(2).map(|x| x * x).sum::<f64>();
        assert!((power(&tone) / power(&like) - 1.0).abs() < 1e-9);
        assert!(tone.windows(2).skip(8).all(|pair| pair[1] <= pair[0]));
    }
}
