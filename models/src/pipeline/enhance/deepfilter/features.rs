//! What the network is shown: power by ERB band and the lowest bins, each against a running mean of about a second.

use realfft::num_complex::Complex;

/// Bands on the scale of equivalent rectangular bandwidths.
pub(super) const ERB_BANDS: usize = 32;
/// Bins of every band, 50 Hz each: 32 equal steps of `9.265 ln(1 + f / (24.7 * 9.265))` from 0 to 24 kHz, at least two
/// bins a band. In all the 481 bins of a column.
pub(super) const ERB_WIDTHS: [usize; ERB_BANDS] = [
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56,
    67,
];
/// The lowest bins, which get a filter of their own: up to 4.8 kHz.
pub(super) const FILTER_BINS: usize = 96;
/// What a running mean keeps from column to column: exp(-0.01 s / 1 s), rounded as the network was trained with.
const KEEP: f32 = 0.99;
/// Numbers of [`Means`].
pub(super) const MEANS: usize = ERB_BANDS + FILTER_BINS;

/// The running means: of band powers in dB, then of magnitudes. One flat row, as it travels in a chunk.
#[derive(Clone)]
pub(super) struct Means(pub(super) [f32; MEANS]);

impl Means {
    /// As the network was trained: from -60 dB in the lowest band to -90 dB in the highest, from 0.001 to 0.0001.
    pub(super) fn at_start() -> Self {
        let between =
            |from: f32, to: f32, i: usize, count: usize| from + (to - from) * i as f32 / (count - 1) as f32;
        Self(std::array::from_fn(|i| match i.checked_sub(ERB_BANDS) {
            None => between(-60.0, -90.0, i, ERB_BANDS),
            Some(bin) => between(0.001, 0.0001, bin, FILTER_BINS),
        }))
    }

    /// Goes on by one column and says its features: bands in `erb`, the lowest bins in `re` and `im`.
    fn features(&mut self, column: &[Complex<f32>], erb: &mut [f32], re: &mut [f32], im: &mut [f32]) {
        let (powers, magnitudes) = self.0.split_at_mut(ERB_BANDS);
        let mut from = 0;
        for ((width, mean), out) in ERB_WIDTHS.iter().zip(powers).zip(erb) {
            let band = &column[from..from + width];
            let power = band.iter().map(Complex::norm_sqr).sum::<f32>() / *width as f32;
            let db = 10.0 * (power + 1e-10).log10();
            *mean = db * (1.0 - KEEP) + *mean * KEEP;
            *out = (db - *mean) / 40.0;
            from += width;
        }
        for (((x, mean), re), im) in column.iter().zip(magnitudes).zip(re).zip(im) {
            *mean = x.norm() * (1.0 - KEEP) + *mean * KEEP;
            // The mean of digital silence falls below any number after a quarter of an hour.
            let scale = 1.0 / mean.max(f32::MIN_POSITIVE).sqrt();
            *re = x.re * scale;
            *im = x.im * scale;
        }
    }
}

/// The features of one piece.
pub(super) struct Features {
    pub(super) columns: usize,
    /// `[columns][ERB_BANDS]`.
    pub(super) erb: Vec<f32>,
    /// `[re, im][columns][FILTER_BINS]`.
    pub(super) spec: Vec<f32>,
}

impl Features {
    /// Of `spectrum`, `[columns][bins]`, and the running means before column `mark`. The first `skip` columns only move
    /// the means: there are that many features less, and they are that much earlier.
    pub(super) fn of(
        spectrum: &[Complex<f32>],
        bins: usize,
        mut means: Means,
        (skip, mark): (usize, usize),
    ) -> (Self, Means) {
        let columns = (spectrum.len() / bins).saturating_sub(skip);
        let mut features =
            Self { columns, erb: vec![0.0; columns * ERB_BANDS], spec: vec![0.0; 2 * columns * FILTER_BINS] };
        let (re, im) = features.spec.split_at_mut(columns * FILTER_BINS);
        let (mut erb_row, mut re_row, mut im_row) =
            ([0.0; ERB_BANDS], [0.0; FILTER_BINS], [0.0; FILTER_BINS]);
        let mut marked = means.clone();
        for (t, column) in spectrum.chunks_exact(bins).enumerate() {
            if t == mark {
                marked = means.clone();
            }
            means.features(column, &mut erb_row, &mut re_row, &mut im_row);
            let Some(t) = t.checked_sub(skip) else { continue };
            features.erb[t * ERB_BANDS..][..ERB_BANDS].copy_from_slice(&erb_row);
            re[t * FILTER_BINS..][..FILTER_BINS].copy_from_slice(&re_row);
            im[t * FILTER_BINS..][..FILTER_BINS].copy_from_slice(&im_row);
        }
        (features, marked)
    }
}

#[cfg(test)]
mod tests {
    use super::super::HOP_FRAMES;
    use super::*;

    #[test]
    fn the_bands_are_those_of_the_erb_scale() {
        let (step_hz, per_erb) = (50.0_f64, 24.7 * 9.265);
        let top = 9.265 * f64::ln_1p(24_000.0 / per_erb);
        let (mut at, mut owed) = (0_usize, 0_usize);
        let mut widths = Vec::new();
        for band in 1..=ERB_BANDS {
            let edge_hz = per_erb * (top * band as f64 / ERB_BANDS as f64 / 9.265).exp_m1();
            let edge = (edge_hz / step_hz).round() as usize;
            let mut width = (edge - at).saturating_sub(owed);
            owed = (owed + width).saturating_sub(edge - at);
            if width < 2 {
                owed += 2 - width;
                width = 2;
            }
            widths.push(width);
            at = edge;
        }
        widths[ERB_BANDS - 1] += 1;
        assert_eq!(widths, ERB_WIDTHS);
        assert_eq!(ERB_WIDTHS.iter().sum::<usize>(), HOP_FRAMES + 1);
    }

    #[test]
    fn features_of_a_piece_go_on_from_the_means_of_the_clip_before() {
        let spectrum: Vec<_> = (0..60 * 481_usize)
            .map(|i| Complex::new(((i * 7919) % 997) as f32 / 997.0, ((i * 31) % 89) as f32 / 89.0))
            .collect();
        let (whole, marked) = Features::of(&spectrum, 481, Means::at_start(), (0, 30));
        let (later, _) = Features::of(&spectrum[30 * 481..], 481, marked, (2, 0));
        assert_eq!((whole.columns, later.columns), (60, 28));
        assert_eq!(later.erb, whole.erb[32 * ERB_BANDS..]);
        assert_eq!(later.spec[..28 * FILTER_BINS], whole.spec[32 * FILTER_BINS..60 * FILTER_BINS]);
    }

    #[test]
    fn an_hour_of_silence_leaves_finite_features() {
        let mut means = Means::at_start();
        let column = vec![Complex::default(); 481];
        let (mut erb, mut re, mut im) = ([0.0; ERB_BANDS], [0.0; FILTER_BINS], [0.0; FILTER_BINS]);
        for _ in 0..360_000 {
            means.features(&column, &mut erb, &mut re, &mut im);
        }
        assert!(erb.iter().chain(&re).chain(&im).chain(&means.0).all(|x| x.is_finite()));
        let loud = vec![Complex::new(1.0, 1.0); 481];
        means.features(&loud, &mut erb, &mut re, &mut im);
        assert!(erb.iter().chain(&re).chain(&im).all(|x| x.is_finite()));
    }
}
