//! How good separated stems are, by the three measures that papers give, over whole clips in bounded memory.
//!
//! - SDR: `10 log10(sum s^2 / sum (s - e)^2)` over all channels and frames of a clip (Music Demixing Challenge 2021).
//! - SDR by seconds: the same for each whole second, and the median of those; what BSS Eval v4 ("museval") calls SDR, for
//!   its distortions add up to the difference of stem and estimate. A second in which any stem or estimate is silent does
//!   not count, as there.
//! - SI-SDR: the estimate may be louder or softer (Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019).

use crate::frames::{empty_block, fill};
use crate::{AudioError, Frames};

/// Of one stem. dB; infinity where nothing differs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Over the whole clip; minus infinity for anything in a silent stem's place.
    pub sdr_db: f64,
    /// Median of whole seconds; none where no second counts.
    pub sdr_by_seconds_db: Option<f64>,
    /// Without the level; none where the stem or the estimate is silent.
    pub si_sdr_db: Option<f64>,
}

/// Sums over a clip or a second of it.
#[derive(Clone, Copy, Default)]
struct Sums {
    stem: f64,
    estimate: f64,
    both: f64,
    difference: f64,
    /// Whether some frame's channels do not add up to nothing: how BSS Eval tells silence.
    stem_sounds: bool,
    estimate_sounds: bool,
}

/// One score a stem; `estimates` in the order of `stems`.
///
/// # Errors
/// [`AudioError::Shape`] where numbers, channels, rate or length differ; those of the sources.
pub fn scores(
    stems: &mut [Box<dyn Frames>],
    estimates: &mut [Box<dyn Frames>],
) -> Result<Vec<Scores>, AudioError> {
    let different = |expected: String, got: String| Err(AudioError::Shape { expected, got });
    if stems.len() != estimates.len() {
        return different(format!("{} stems", stems.len()), format!("{} stems", estimates.len()));
    }
    let Some(shape) = stems.first().map(|stem| stem.shape()) else { return Ok(Vec::new()) };
    let all = || stems.iter().chain(estimates.iter()).map(|source| source.shape());
    if let Some(other) = all().find(|other| *other != shape) {
        return different(format!("{shape:?}"), format!("{other:?}"));
    }
    let second = shape.rate_hz as usize;
    let mut blocks = [(); 2].map(|()| empty_block(shape.channels, second));
    let mut whole = vec![Sums::default(); stems.len()];
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); stems.len()];
    let mut left = shape.frames;
    while left > 0 {
        let frames = second.min(usize::try_from(left).unwrap_or(second));
        let mut sums = vec![Sums::default(); stems.len()];
        for ((stem, estimate), sums) in stems.iter_mut().zip(estimates.iter_mut()).zip(&mut sums) {
            for (source, block) in [stem, estimate].into_iter().zip(&mut blocks) {
                let got = fill(&mut **source, block, frames)?;
                if got != frames {
                    return different(format!("{frames} more frames"), got.to_string());
                }
            }
            let [stem, estimate] = &blocks;
            sums.add(stem, estimate, frames);
        }
        whole.iter_mut().zip(&sums).for_each(|(whole, sums)| whole.join(*sums));
        // A clip shorter than a second is one; of a longer one only whole seconds count.
        let counts = frames == second || shape.frames < second as u64;
        if counts && sums.iter().all(|sums| sums.stem_sounds && sums.estimate_sounds) {
            seconds.iter_mut().zip(&sums).for_each(|(seconds, sums)| seconds.push(sums.sdr_db()));
        }
        left -= frames as u64;
    }
    let score = |(sums, seconds): (Sums, Vec<f64>)| Scores {
        sdr_db: sums.sdr_db(),
        sdr_by_seconds_db: median(seconds),
        si_sdr_db: sums.si_sdr_db(),
    };
    Ok(whole.into_iter().zip(seconds).map(score).collect())
}

impl Sums {
    fn add(&mut self, stem: &[Vec<f32>], estimate: &[Vec<f32>], frames: usize) {
        for (stem, estimate) in stem.iter().zip(estimate) {
            for (&s, &e) in stem[..frames].iter().zip(&estimate[..frames]) {
                let (s, e) = (f64::from(s), f64::from(e));
                self.stem += s * s;
                self.estimate += e * e;
                self.both += s * e;
                self.difference += (s - e) * (s - e);
            }
        }
        let sounds = |channels: &[Vec<f32>]| {
            (0..frames).any(|i| channels.iter().map(|channel| f64::from(channel[i])).sum::<f64>() != 0.0)
        };
        self.stem_sounds |= sounds(stem);
        self.estimate_sounds |= sounds(estimate);
    }

    fn join(&mut self, other: Self) {
        self.stem += other.stem;
        self.estimate += other.estimate;
        self.both += other.both;
        self.difference += other.difference;
    }

    fn sdr_db(self) -> f64 {
        ratio_db(self.stem, self.difference)
    }

    fn si_sdr_db(self) -> Option<f64> {
        if self.stem == 0.0 || self.estimate == 0.0 {
            return None;
        }
        let target = self.both * self.both / self.stem;
        Some(ratio_db(target, (self.estimate - target).max(0.0)))
    }
}

fn ratio_db(signal: f64, noise: f64) -> f64 {
    if noise == 0.0 { f64::INFINITY } else { 10.0 * (signal / noise).log10() }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let (low, high) = (numbers.get(numbers.len().saturating_sub(1) / 2)?, numbers.get(numbers.len() / 2)?);
    Some(if low == high { *low } else { 0.5 * (low + high) })
}
