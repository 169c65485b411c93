//! DeepFilterNet3 (Schröter, Escalante-B., Rosenkranz, Maier 2023, "DeepFilterNet: Perceptually Motivated Real-Time
//! Speech Enhancement"): gains by ERB band for the whole spectrum, then a complex filter over five columns for the
//! lowest 4.8 kHz. 48 kHz. Transform, features and filters are here, the three graphs on the device.

mod features;

use super::denoiser::{Denoiser, Follower, Piece, Sight};
use super::halves::Halves;
use crate::ModelError;
use crate::session::{Input, Lane, Output};
use features::{ERB_BANDS, ERB_WIDTHS, FILTER_BINS, Features, Running};
use realfft::num_complex::Complex;

const HOP_FRAMES: usize = 480;
/// The forward transform's scale: what the features' constants were made for, and it makes the inverse exact.
const SCALE: f32 = 1.0 / 960.0;
/// Columns that the graphs' input is ahead of their output, and that the filter reaches ahead: the same two.
const AHEAD_COLUMNS: usize = 2;
/// Columns under the filter: two before, the column, two after.
const TAPS: usize = 5;
/// How much the post-filter takes from bins that are noise already (Valin et al. 2020, "A Perceptually-Motivated
/// Approach for Low-Complexity, Real-Time Enhancement of Fullband Speech", section 4; this network's own value).
const POST_FILTER_BETA: f32 = 0.02;
// A segment's last column is one past it, and the filter reaches two further.
const SIGHT: Sight = Sight {
    rate_hz: 48_000,
    hop_frames: HOP_FRAMES,
    segment_hops: 1_200,
    warm_hops: 300,
    ahead_hops: 1 + AHEAD_COLUMNS as u32,
};
const ENCODER: &str = "enc";
const ERB_DECODER: &str = "erb_dec";
const FILTER_DECODER: &str = "df_dec";
/// What the encoder says, and how many numbers a column each is.
const ENCODED: [(&str, usize); 6] =
    [("e0", 64 * 32), ("e1", 64 * 16), ("e2", 64 * 8), ("e3", 64 * 8), ("emb", 512), ("c0", 64 * 96)];

pub(super) struct DeepFilter {
    model: String,
    halves: Halves,
}

impl DeepFilter {
    /// `model` is the name that errors carry.
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), halves: Halves::vorbis(HOP_FRAMES) }
    }

    /// Gains by band, `[columns][ERB_BANDS]`, and filters, `[columns][FILTER_BINS][TAPS][re, im]`.
    fn infer(&self, lane: &Lane<'_>, features: &Features) -> Result<(Vec<f32>, Vec<f32>), ModelError> {
        let columns = features.columns;
        let erb = Input { name: "feat_erb", shape: &[1, 1, columns, ERB_BANDS], data: &features.erb };
        let spec = Input { name: "feat_spec", shape: &[1, 2, columns, FILTER_BINS], data: &features.spec };
        let encoded = lane.run(ENCODER, &[erb, spec], &ENCODED.map(|(name, _)| name))?;
        for ((name, numbers), output) in ENCODED.iter().zip(&encoded) {
            self.check(name, output, columns * numbers)?;
        }
        let input = |i: usize| Input { name: ENCODED[i].0, shape: &encoded[i].shape, data: &encoded[i].data };
        let (gains, filters) = ("m", "coefs");
        let erb = [input(4), input(3), input(2), input(1), input(0)];
        let mask = lane.run(ERB_DECODER, &erb, &[gains])?.remove(0);
        self.check(gains, &mask, columns * ERB_BANDS)?;
        let coefs = lane.run(FILTER_DECODER, &[input(4), input(5)], &[filters])?.remove(0);
        self.check(filters, &coefs, columns * FILTER_BINS * TAPS * 2)?;
        Ok((mask.data, coefs.data))
    }

    fn check(&self, name: &str, output: &Output, numbers: usize) -> Result<(), ModelError> {
        if output.data.len() == numbers {
            return Ok(());
        }
        let reason = format!("`{name}` came out as {:?}, {numbers} numbers were due", output.shape);
        Err(ModelError::Engine { model: self.model.clone(), reason })
    }
}

impl Denoiser for DeepFilter {
    fn sight(&self) -> Sight {
        SIGHT
    }

    fn graphs(&self) -> &'static [(&'static str, &'static str)] {
        &[(ENCODER, "enc.onnx"), (ERB_DECODER, "erb_dec.onnx"), (FILTER_DECODER, "df_dec.onnx")]
    }

    fn has_post_filter(&self) -> bool {
        true
    }

    fn follower(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(Running::new()))
    }

    fn denoise(&self, lane: &Lane<'_>, piece: &Piece<'_>) -> Result<Vec<f32>, ModelError> {
        let bins = self.halves.bins();
        let noisy = self.halves.columns(piece.frames, SCALE);
        let features = Features::of(&noisy, bins, piece.state, AHEAD_COLUMNS);
        let (gains, filters) = self.infer(lane, &features)?;
        let mut speech = Vec::with_capacity((piece.segment_hops + 1) * bins);
        for t in piece.warm_hops..=piece.warm_hops + piece.segment_hops {
            let from = speech.len();
            speech.extend_from_slice(&noisy[t * bins..][..bins]);
            let column = &mut speech[from..];
            apply_gains(column, &gains[t * ERB_BANDS..][..ERB_BANDS]);
            apply_filter(column, &noisy, t, &filters[t * FILTER_BINS * TAPS * 2..][..FILTER_BINS * TAPS * 2]);
            if piece.post_filter {
                post_filter(column, &noisy[t * bins..][..bins]);
            }
        }
        // Forward scale times the transform's own 960 is 1.
        Ok(self.halves.frames(&mut speech, 1.0))
    }
}

/// Every bin of a band by the band's gain.
fn apply_gains(column: &mut [Complex<f32>], gains: &[f32]) {
    let mut from = 0;
    for (width, gain) in ERB_WIDTHS.iter().zip(gains) {
        column[from..from + width].iter_mut().for_each(|bin| *bin *= gain);
        from += width;
    }
}

/// The lowest bins of column `t` from five columns of the noisy spectrum; what lies outside the piece is silent.
fn apply_filter(column: &mut [Complex<f32>], noisy: &[Complex<f32>], t: usize, filter: &[f32]) {
    let bins = column.len();
    for (f, (bin, taps)) in column.iter_mut().zip(filter.chunks_exact(TAPS * 2)).enumerate() {
        *bin = Complex::default();
        for (k, tap) in taps.chunks_exact(2).enumerate() {
            let Some(from) = (t + k).checked_sub(TAPS - 1 - AHEAD_COLUMNS) else { continue };
            if let Some(x) = noisy.get(from * bins + f) {
                *bin += Complex::new(tap[0], tap[1]) * x;
            }
        }
    }
}

/// Takes more from bins that keep little.
fn post_filter(column: &mut [Complex<f32>], noisy: &[Complex<f32>]) {
    for (bin, x) in column.iter_mut().zip(noisy) {
        let (kept, all) = (bin.norm(), x.norm());
        if kept == 0.0 || all == 0.0 {
            continue;
        }
        let gain = (kept / all).clamp(1e-12, 1.0);
        let ratio = 1.0 / (std::f32::consts::FRAC_PI_2 * gain).sin();
        *bin *= (1.0 + POST_FILTER_BETA) / (1.0 + POST_FILTER_BETA * ratio * ratio);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(count: usize) -> Vec<Complex<f32>> {
        (0..count * 481).map(|i| Complex::new((i % 17) as f32 - 8.0, (i % 23) as f32 - 11.0)).collect()
    }

    #[test]
    fn a_filter_with_only_its_middle_tap_leaves_the_column() {
        let noisy = columns(5);
        let mut filter = vec![0.0; FILTER_BINS * TAPS * 2];
        filter.chunks_exact_mut(TAPS * 2).for_each(|taps| taps[2 * 2] = 1.0);
        for t in 0..5 {
            let mut column = noisy[t * 481..][..481].to_vec();
            apply_filter(&mut column, &noisy, t, &filter);
            assert_eq!(column, noisy[t * 481..][..481]);
        }
    }

    #[test]
    fn the_last_tap_is_two_columns_ahead_and_beyond_the_piece_it_is_silence() {
        let noisy = columns(5);
        let mut filter = vec![0.0; FILTER_BINS * TAPS * 2];
        filter.chunks_exact_mut(TAPS * 2).for_each(|taps| taps[4 * 2] = 1.0);
        let mut column = noisy[..481].to_vec();
        apply_filter(&mut column, &noisy, 0, &filter);
        assert_eq!(column[..FILTER_BINS], noisy[2 * 481..][..FILTER_BINS]);
        assert_eq!(column[FILTER_BINS..], noisy[FILTER_BINS..481]);
        apply_filter(&mut column, &noisy, 4, &filter);
        assert!(column[..FILTER_BINS].iter().all(|x| x.norm() == 0.0));
    }

    #[test]
    fn the_post_filter_leaves_speech_and_lowers_noise() {
        let noisy = vec![Complex::new(1.0, 0.0); 4];
        let mut column: Vec<_> = [1.0, 0.5, 0.01, 0.0].iter().map(|g| Complex::new(*g, 0.0)).collect();
        post_filter(&mut column, &noisy);
        assert!((column[0].re - 1.0).abs() < 1e-6, "full gain stays");
        // 1.02 / (1 + 0.02 / sin^2(pi / 4)) = 0.98077, 1.02 / (1 + 0.02 / sin^2(0.005 pi)) = 0.012432.
        assert!((column[1].re - 0.490_385).abs() < 1e-5, "{}", column[1].re);
        assert!((column[2].re - 0.01 * 0.012_432).abs() < 1e-6, "{}", column[2].re);
        assert_eq!(column[3].re, 0.0);
    }
}
