//! A transform at half overlap whose window is its own inverse: the squares of two neighbours add up to 1 (Princen &
//! Bradley 1986), so that the same window before and after gives the sound back. Columns of one piece, no stream.

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// The transform of two hops at a time. Column `c` is of hops `c - 1` and `c`.
pub(super) struct Halves {
    hop_frames: usize,
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl Halves {
    /// The Vorbis window, `sin(pi/2 sin^2(pi (i + 1/2) / n))`, over `n = 2 hop_frames` frames.
    pub(super) fn vorbis(hop_frames: usize) -> Self {
        let n = 2.0 * hop_frames as f64;
        Self::new(hop_frames, |i| (0.5 * PI * (PI * (i + 0.5) / n).sin().powi(2)).sin())
    }

    /// The root of the periodic Hann window, `sin(pi i / n)`.
    pub(super) fn root_hann(hop_frames: usize) -> Self {
        let n = 2.0 * hop_frames as f64;
        Self::new(hop_frames, |i| (PI * i / n).sin())
    }

    fn new(hop_frames: usize, window: impl Fn(f64) -> f64) -> Self {
        let mut planner = RealFftPlanner::new();
        Self {
            hop_frames,
            window: (0..2 * hop_frames).map(|i| window(i as f64) as f32).collect(),
            forward: planner.plan_fft_forward(2 * hop_frames),
            inverse: planner.plan_fft_inverse(2 * hop_frames),
        }
    }

    /// Bins of one column.
    pub(super) fn bins(&self) -> usize {
        self.hop_frames + 1
    }

    /// The columns of `frames` (whole hops), one less than it has hops, `[columns][bins]`, times `scale`.
    pub(super) fn columns(&self, frames: &[f32], scale: f32) -> Vec<Complex<f32>> {
        let count = (frames.len() / self.hop_frames).saturating_sub(1);
        let mut columns = vec![Complex::default(); count * self.bins()];
        let mut windowed = vec![0.0; 2 * self.hop_frames];
        let mut scratch = self.forward.make_scratch_vec();
        for (c, column) in columns.chunks_exact_mut(self.bins()).enumerate() {
            let both = &frames[c * self.hop_frames..][..2 * self.hop_frames];
            for ((out, x), w) in windowed.iter_mut().zip(both).zip(&self.window) {
                *out = x * w * scale;
            }
            let done = self.forward.process_with_scratch(&mut windowed, column, &mut scratch);
            done.expect("buffers were made for this plan");
        }
        columns
    }

    /// One hop for each of `columns`, times `scale`: the early half of the column and the late half of the one before,
    /// which is in `tail` for the first. Leaves the last column's late half in `tail`, and uses the columns up. The
    /// transform is not normalised: forward and back is `2 hop_frames` times the sound.
    pub(super) fn frames(&self, columns: &mut [Complex<f32>], scale: f32, tail: &mut [f32]) -> Vec<f32> {
        let mut frames = Vec::with_capacity(columns.len() / self.bins() * self.hop_frames);
        let mut piece = vec![0.0; 2 * self.hop_frames];
        let mut scratch = self.inverse.make_scratch_vec();
        for column in columns.chunks_exact_mut(self.bins()) {
            // A real signal has real outermost bins; a filter need not leave them so.
            column[0].im = 0.0;
            column[self.hop_frames].im = 0.0;
            let done = self.inverse.process_with_scratch(column, &mut piece, &mut scratch);
            done.expect("buffers were made for this plan");
            for (x, w) in piece.iter_mut().zip(&self.window) {
                *x *= w * scale;
            }
            let (early, late) = piece.split_at(self.hop_frames);
            frames.extend(early.iter().zip(&*tail).map(|(early, tail)| early + tail));
            tail.copy_from_slice(late);
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_and_back_is_the_sound_between_the_outer_halves_in_one_go_or_two() {
        for (hop, halves) in [(480, Halves::vorbis(480)), (256, Halves::root_hann(256))] {
            let frames: Vec<f32> = (0..7 * hop).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect();
            let mut columns = halves.columns(&frames, 1.0);
            assert_eq!(columns.len(), 6 * halves.bins());
            let (first, rest) = columns.split_at_mut(2 * halves.bins());
            let (scale, mut tail) = (1.0 / (2 * hop) as f32, vec![0.0; hop]);
            let mut back = halves.frames(first, scale, &mut tail);
            back.extend(halves.frames(rest, scale, &mut tail));
            assert_eq!(back.len(), 6 * hop);
            let worst =
                back[hop..].iter().zip(&frames[hop..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // 1e-6: rounding of two transforms in f32, measured 4e-7.
            assert!(worst < 1e-6, "{worst}");
        }
    }

    #[test]
    fn pieces_too_short_for_a_column_give_none() {
        let halves = Halves::vorbis(480);
        for frames in [0, 1, 480, 959] {
            assert!(halves.columns(&vec![1.0; frames], 1.0).is_empty());
        }
        assert!(halves.frames(&mut [], 1.0, &mut []).is_empty());
    }
}
