//! Long symmetric filters by FFT, in blocks: overlap-save (Stockham 1966). Zero delay: what goes in is longer by half
//! the filter at both ends. Stateless; never keeps sound.
//!
//! A symmetric filter about delay 0 has a real spectrum, so two rows of sound go through one complex transform as its
//! real and its imaginary part and come out apart.

use realfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use std::sync::Arc;

/// Length of the transform against that of the filter: the least work for a frame lies near this.
const FFT_PER_TAP: usize = 8;

/// Filters ready to run, and the room they work in.
pub struct Fir {
    reach: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    gains: Gains,
    block: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

/// By bin, scaled by 1 / length of the transform.
enum Gains {
    /// One filter for every row.
    Same(Vec<f32>),
    /// One for the sum of two rows and one for their difference. With z = left + i right and Z its spectrum, the result's
    /// is `own Z(k) + other i conj(Z(-k))`: half the sum of both filters for a row's own sound, half their difference for
    /// the other's.
    Apart { own: Vec<f32>, other: Vec<f32> },
}

impl Fir {
    /// One filter for every row. `taps`: an odd number of coefficients, symmetric about the middle one, which is at
    /// delay 0.
    ///
    /// # Panics
    /// Where the number of taps is even.
    #[must_use]
    pub fn new(taps: &[f32]) -> Self {
        Self::planned(taps.len(), |spectrum| Gains::Same(spectrum(taps)))
    }

    /// One filter for what two rows have in common (their sum) and one for what they differ by; as many taps each.
    ///
    /// # Panics
    /// As [`Fir::new`], and where the numbers of taps differ.
    #[must_use]
    pub fn mid_side(mid: &[f32], side: &[f32]) -> Self {
        assert_eq!(mid.len(), side.len(), "both filters are equally long");
        Self::planned(mid.len(), |spectrum| {
            let (mid, side) = (spectrum(mid), spectrum(side));
            let pairs = || mid.iter().zip(&side);
            Gains::Apart {
                own: pairs().map(|(mid, side)| 0.5 * (mid + side)).collect(),
                other: pairs().map(|(mid, side)| 0.5 * (mid - side)).collect(),
            }
        })
    }

    fn planned(taps: usize, gains: impl FnOnce(&dyn Fn(&[f32]) -> Vec<f32>) -> Gains) -> Self {
        assert!(taps % 2 == 1, "the middle of {taps} taps is between two frames");
        let frames = (taps * FFT_PER_TAP).next_power_of_two();
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(frames), planner.plan_fft_inverse(frames));
        let spectrum = |taps: &[f32]| {
            let mut padded = vec![Complex::default(); frames];
            for (i, tap) in taps.iter().enumerate() {
                padded[(i + frames - taps.len() / 2) % frames].re = tap / frames as f32;
            }
            forward.process(&mut padded);
            padded.iter().map(|bin| bin.re).collect()
        };
        let gains = gains(&spectrum);
        let scratch = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        Self {
            reach: taps - 1,
            gains,
            block: vec![Complex::default(); frames],
            scratch: vec![Complex::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Frames that the input is longer than the output, half of them at each end.
    #[must_use]
    pub fn reach_frames(&self) -> usize {
        self.reach
    }

    /// The number of output frames that one transform makes with so many taps: multiples of it are the least work.
    #[must_use]
    pub fn frames_of_block(taps: usize) -> usize {
        (taps * FFT_PER_TAP).next_power_of_two() - (taps - 1)
    }

    /// Filters two rows into `out`, whose rows are [`Self::reach_frames`] shorter: `out[i]` is centred on
    /// `input[i + reach_frames / 2]`.
    ///
    /// # Panics
    /// Where the lengths do not fit.
    pub fn filter_pair(&mut self, input: [&[f32]; 2], out: [&mut [f32]; 2]) {
        let [left, right] = out;
        for (input, out) in input.iter().zip([&left, &right]) {
            assert_eq!(input.len(), out.len() + self.reach, "the input reaches over the output's ends");
        }
        let valid = self.block.len() - self.reach;
        for (i, (left, right)) in left.chunks_mut(valid).zip(right.chunks_mut(valid)).enumerate() {
            let from = i * valid..i * valid + left.len() + self.reach;
            self.run([&input[0][from.clone()], &input[1][from]], [left, right]);
        }
    }

    /// The same for one row and one filter for all.
    ///
    /// # Panics
    /// As [`Fir::filter_pair`].
    pub fn filter(&mut self, input: &[f32], out: &mut [f32]) {
        assert_eq!(input.len(), out.len() + self.reach, "the input reaches over the output's ends");
        let valid = self.block.len() - self.reach;
        // Two blocks at a time, one after the other in the row, side by side in the transform.
        for (i, out) in out.chunks_mut(2 * valid).enumerate() {
            let (first, second) = out.split_at_mut(valid.min(out.len()));
            let from = 2 * i * valid;
            let both = [
                &input[from..][..first.len() + self.reach],
                &input[from + first.len()..][..second.len() + self.reach],
            ];
            self.run(both, [first, second]);
        }
    }

    /// One transform there and back.
    fn run(&mut self, input: [&[f32]; 2], out: [&mut [f32]; 2]) {
        let [a, b] = input;
        for (place, (re, im)) in self.block.iter_mut().zip(a.iter().zip(b)) {
            *place = Complex::new(*re, *im);
        }
        let both = a.len().min(b.len());
        for (place, re) in self.block[both..].iter_mut().zip(&a[both..]) {
            *place = Complex::new(*re, 0.0);
        }
        self.block[a.len()..].fill(Complex::default());
        self.forward.process_with_scratch(&mut self.block, &mut self.scratch);
        match &self.gains {
            Gains::Same(gains) => self.block.iter_mut().zip(gains).for_each(|(bin, gain)| *bin *= gain),
            Gains::Apart { own, other } => apart(&mut self.block, own, other),
        }
        self.inverse.process_with_scratch(&mut self.block, &mut self.scratch);
        let done = &self.block[self.reach / 2..];
        for (out, place) in out.into_iter().zip([|x: &Complex<f32>| x.re, |x: &Complex<f32>| x.im]) {
            out.iter_mut().zip(done).for_each(|(out, done)| *out = place(done));
        }
    }
}

/// `own Z(k) + other i conj(Z(-k))` for every bin; gains are the same at k and -k.
fn apart(block: &mut [Complex<f32>], own: &[f32], other: &[f32]) {
    let half = block.len() / 2;
    let alone = |bin: &mut Complex<f32>, i: usize| {
        *bin = Complex::new(own[i] * bin.re + other[i] * bin.im, own[i] * bin.im + other[i] * bin.re);
    };
    alone(&mut block[0], 0);
    alone(&mut block[half], half);
    let (low, high) = block.split_at_mut(half);
    let gains = own[1..half].iter().zip(&other[1..half]);
    for ((a, b), (own, other)) in low[1..].iter_mut().zip(high[1..].iter_mut().rev()).zip(gains) {
        let (x, y) = (*a, *b);
        *a = Complex::new(own * x.re + other * y.im, own * x.im + other * y.re);
        *b = Complex::new(own * y.re + other * x.im, own * y.im + other * x.re);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(frames: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        std::iter::repeat_with(next).take(frames).collect()
    }

    fn symmetric(taps: usize, seed: u32) -> Vec<f32> {
        let half = noise(taps / 2 + 1, seed);
        half.iter().rev().chain(&half[1..]).copied().collect()
    }

    fn products(taps: &[f32], input: &[f32]) -> Vec<f32> {
        input.windows(taps.len()).map(|window| taps.iter().zip(window).map(|(a, b)| a * b).sum()).collect()
    }

    /// 5e-5: 33 products of numbers up to 1 in f32.
    fn check(got: &[f32], exact: &[f32]) {
        assert_eq!(got.len(), exact.len());
        for (i, (x, sum)) in got.iter().zip(exact).enumerate() {
            assert!((x - sum).abs() < 5e-5, "{i}: {x}, not {sum}");
        }
    }

    #[test]
    fn a_delta_gives_the_taps_and_lies_where_it_was() {
        let taps = symmetric(255, 7);
        let mut fir = Fir::new(&taps);
        let mut input = vec![0.0; 6000 + fir.reach_frames()];
        input[3000] = 1.0;
        let mut out = vec![0.0; 6000];
        fir.filter(&input, &mut out);
        for (i, x) in out.iter().enumerate() {
            // Frame 3000 of the input is frame 2873 of the output, the middle tap's place.
            let tap = if (2746..=3000).contains(&i) { taps[i - 2746] } else { 0.0 };
            assert!((x - tap).abs() < 1e-6, "{i}: {x}, not {tap}");
        }
    }

    #[test]
    fn rows_of_any_length_alone_and_in_pairs_agree_with_the_sum_of_products() {
        let taps = symmetric(33, 7);
        let mut fir = Fir::new(&taps);
        for frames in [
            1,
            100,
            Fir::frames_of_block(33),
            Fir::frames_of_block(33) + 1,
            2 * Fir::frames_of_block(33) + 7,
            3000,
        ] {
            let rows = [noise(frames + 32, 1), noise(frames + 32, 2)];
            let mut out = [vec![0.0; frames], vec![0.0; frames]];
            fir.filter(&rows[0], &mut out[0]);
            check(&out[0], &products(&taps, &rows[0]));
            let [left, right] = &mut out;
            fir.filter_pair([&rows[0], &rows[1]], [left, right]);
            rows.iter().zip(&out).for_each(|(row, out)| check(out, &products(&taps, row)));
        }
    }

    #[test]
    fn sum_and_difference_have_filters_of_their_own() {
        let (mid, side) = (symmetric(33, 7), symmetric(33, 8));
        let rows = [noise(1532, 1), noise(1532, 2)];
        let mut out = [vec![0.0; 1500], vec![0.0; 1500]];
        let [left, right] = &mut out;
        Fir::mid_side(&mid, &side).filter_pair([&rows[0], &rows[1]], [left, right]);
        let half =
            |sign: f32| rows[0].iter().zip(&rows[1]).map(|(a, b)| 0.5 * (a + sign * b)).collect::<Vec<_>>();
        let (mid, side) = (products(&mid, &half(1.0)), products(&side, &half(-1.0)));
        check(&out[0], &mid.iter().zip(&side).map(|(m, s)| m + s).collect::<Vec<_>>());
        check(&out[1], &mid.iter().zip(&side).map(|(m, s)| m - s).collect::<Vec<_>>());
    }
}
