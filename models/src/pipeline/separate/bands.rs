//! Mini's band compression: 192 bands over the first 1536 bins, and back. Pure.
//!
//! Matrix `W [BANDS, BINS]`: band centres lie on bins 0 to 96 and then at `96 * (1536/96)^(k/96)`, k = 1..95. Band `i`
//! is the triangle over bins that is 0 at centre `i - 1`, 1 at centre `i` and 0 at centre `i + 1`; the last band is 1
//! from its centre up. Rows divided by their sums average bins into bands; columns divided by theirs interpolate
//! bands to bins. `W` is sparse: at most two bands share a bin, so it is never kept as a matrix.

use crate::dsp::StftShape;
use realfft::num_complex::Complex;

/// Bands the network sees.
pub(super) const BANDS: usize = 192;
/// Bins under the bands; the bins above take the last band's mask.
pub(super) const BINS: usize = 1536;
/// Bands that are one bin each.
const SINGLE: usize = 96;
/// Added to the power before the logarithm: silence becomes -8.
const POWER_FLOOR: f32 = 1e-8;
/// Samples a million times over full scale overflow when squared; the network must not see an infinity.
const POWER_MAX: f32 = 1e30;

pub(super) struct Bands {
    /// For each band: its first bin, and the weights of its bins, which sum to one.
    rows: Vec<(usize, Vec<f32>)>,
    /// For each bin: the lower of its two bands, and the weights of both, which sum to one.
    taps: Vec<(usize, f32, f32)>,
    /// What makes a full-scale sine's power 1: `(4 / n_fft)^2`.
    power_scale: f32,
}

impl Bands {
    pub(super) fn new(stft: StftShape) -> Self {
        let rows = (0..BANDS).map(|band| {
            let bins: Vec<(usize, f64)> =
                (0..BINS).map(|bin| (bin, weight(band, bin))).filter(|(_, w)| *w > 0.0).collect();
            let sum: f64 = bins.iter().map(|(_, w)| w).sum();
            let first = bins.first().map_or(0, |(bin, _)| *bin);
            (first, bins.iter().map(|(_, w)| (w / sum) as f32).collect())
        });
        let taps = (0..BINS).map(|bin| {
            let weights: Vec<f64> = (0..BANDS).map(|band| weight(band, bin)).collect();
            let sum: f64 = weights.iter().sum();
            let lower = weights.iter().position(|w| *w > 0.0).unwrap_or(BANDS - 1).min(BANDS - 2);
            (lower, (weights[lower] / sum) as f32, (weights[lower + 1] / sum) as f32)
        });
        let scale = 4.0 / stft.n_fft() as f32;
        Self { rows: rows.collect(), taps: taps.collect(), power_scale: scale * scale }
    }

    /// What the network sees of one column of an unscaled spectrum: `(log10(mean power + 1e-8) + 3) / 2` by band.
    /// `power` is scratch of [`BINS`] numbers.
    pub(super) fn features(&self, column: &[Complex<f32>], power: &mut [f32], features: &mut Vec<f32>) {
        for (power, x) in power.iter_mut().zip(column) {
            *power = x.norm_sqr() * self.power_scale;
        }
        features.extend(self.rows.iter().map(|(first, weights)| {
            let mean: f32 = weights.iter().zip(&power[*first..]).map(|(w, p)| w * p).sum();
            log_power(mean)
        }));
    }

    /// What the network sees where there is nothing.
    pub(super) fn silence() -> f32 {
        log_power(0.0)
    }

    /// Multiplies a column of a spectrum by a mask given by band.
    pub(super) fn apply(&self, mask: &[f32], column: &[Complex<f32>], out: &mut [Complex<f32>]) {
        let (low, high) = column.split_at(SINGLE);
        for ((out, x), mask) in out.iter_mut().zip(low).zip(mask) {
            *out = x * *mask;
        }
        let taps = self.taps[SINGLE..].iter();
        for ((out, x), &(lower, w0, w1)) in out[SINGLE..].iter_mut().zip(high).zip(taps) {
            *out = x * (w0 * mask[lower] + w1 * mask[lower + 1]);
        }
        for (out, x) in out[BINS..].iter_mut().zip(&column[BINS..]) {
            *out = x * mask[BANDS - 1];
        }
    }
}

fn log_power(power: f32) -> f32 {
    ((power + POWER_FLOOR).min(POWER_MAX).log10() + 3.0) / 2.0
}

/// Where band `i` is 1; `BANDS` gives the end of the last.
fn centre(i: usize) -> f64 {
    if i <= SINGLE {
        return i as f64;
    }
    let octave = BINS as f64 / SINGLE as f64;
    SINGLE as f64 * octave.powf((i - SINGLE) as f64 / (BANDS - SINGLE) as f64)
}

/// `W[band, bin]`.
fn weight(band: usize, bin: usize) -> f64 {
    let (at, bin_at) = (centre(band), bin as f64);
    if band == BANDS - 1 && bin_at >= at.floor() {
        return 1.0;
    }
    let below = if band == 0 { -1.0 } else { centre(band - 1) };
    let above = if band + 1 == BANDS { BINS as f64 } else { centre(band + 1) };
    ((bin_at - below) / (at - below)).min((above - bin_at) / (above - at)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_two_neighbouring_bands_share_a_bin() {
        for bin in 0..BINS {
            let bands: Vec<usize> = (0..BANDS).filter(|&band| weight(band, bin) > 0.0).collect();
            assert!(!bands.is_empty() && bands.len() <= 2, "bin {bin} has {bands:?}");
            assert!(bands.iter().all(|b| b - bands[0] <= 1));
            if bin < SINGLE {
                assert_eq!(bands, [bin]);
            }
        }
    }

    #[test]
    fn averaging_and_interpolating_keep_a_constant() {
        let bands = Bands::new(StftShape::new(4096, 1024).unwrap());
        for (first, weights) in &bands.rows {
            assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(first + weights.len() <= BINS);
        }
        let column = vec![Complex::new(2.0, -1.0); 2049];
        let mut out = vec![Complex::default(); 2049];
        bands.apply(&[0.25; BANDS], &column, &mut out);
        assert!(out.iter().all(|x| (x - Complex::new(0.5, -0.25)).norm() < 1e-6));
    }

    #[test]
    fn a_full_scale_sine_has_power_one_and_silence_is_the_floor() {
        let bands = Bands::new(StftShape::new(4096, 1024).unwrap());
        let mut column = vec![Complex::default(); 2049];
        column[50] = Complex::new(0.0, 1024.0);
        let mut features = Vec::new();
        bands.features(&column, &mut [0.0; BINS], &mut features);
        assert_eq!(features.len(), BANDS);
        assert!((features[50] - 1.5).abs() < 1e-5);
        assert!((features[51] + 2.5).abs() < 1e-5 && (Bands::silence() + 2.5).abs() < 1e-5);
    }
}
