//! A long symmetric filter by FFT, in blocks: overlap-save (Stockham 1966). Zero delay: what goes in is longer by half
//! the filter at both ends. Stateless; never keeps sound.

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Length of the transform against that of the filter: the least work for a frame lies near this.
const FFT_PER_TAP: usize = 8;

/// A filter ready to run. Cheap beside the sound it is run on.
pub struct Fir {
    taps: usize,
    fft_frames: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// Of the taps, scaled by `1 / fft_frames`.
    spectrum: Vec<Complex<f32>>,
}

/// What a filter writes to while it runs; made once and used for many calls.
pub struct FirScratch {
    frames: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Fir {
    /// `taps`: an odd number of coefficients, the middle one at delay 0.
    ///
    /// # Panics
    /// Where the number of taps is even.
    #[must_use]
    pub fn new(taps: &[f32]) -> Self {
        assert!(taps.len() % 2 == 1, "the middle of {} taps is between two frames", taps.len());
        let fft_frames = (taps.len() * FFT_PER_TAP).next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(fft_frames), planner.plan_fft_inverse(fft_frames));
        let mut padded = vec![0.0; fft_frames];
        for (to, tap) in padded.iter_mut().zip(taps) {
            *to = tap / fft_frames as f32;
        }
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut padded, &mut spectrum).expect("both vectors have the plan's lengths");
        Self { taps: taps.len(), fft_frames, forward, inverse, spectrum }
    }

    /// Frames that the input is longer than the output, half of them at each end.
    #[must_use]
    pub fn reach_frames(&self) -> usize {
        self.taps - 1
    }

    /// Room to work in.
    #[must_use]
    pub fn scratch(&self) -> FirScratch {
        let scratch = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        FirScratch {
            frames: vec![0.0; self.fft_frames],
            spectrum: vec![Complex::default(); self.fft_frames / 2 + 1],
            scratch: vec![Complex::default(); scratch],
        }
    }

    /// Filters `input` into `out`, which is [`Self::reach_frames`] shorter: `out[i]` is centred on
    /// `input[i + reach_frames / 2]`.
    ///
    /// # Panics
    /// Where the lengths do not fit.
    pub fn filter(&self, input: &[f32], out: &mut [f32], room: &mut FirScratch) {
        assert_eq!(input.len(), out.len() + self.reach_frames(), "the input reaches over the output's ends");
        let valid = self.fft_frames - self.reach_frames();
        for (i, out) in out.chunks_mut(valid).enumerate() {
            let from = &input[i * valid..][..out.len() + self.reach_frames()];
            room.frames[..from.len()].copy_from_slice(from);
            room.frames[from.len()..].fill(0.0);
            self.forward
                .process_with_scratch(&mut room.frames, &mut room.spectrum, &mut room.scratch)
                .expect("all vectors have the plan's lengths");
            for (bin, tap) in room.spectrum.iter_mut().zip(&self.spectrum) {
                *bin *= tap;
            }
            // Products of spectra of real signals; rounding may leave the two real bins a hair off the axis.
            room.spectrum[0].im = 0.0;
            room.spectrum[self.fft_frames / 2].im = 0.0;
            self.inverse
                .process_with_scratch(&mut room.spectrum, &mut room.frames, &mut room.scratch)
                .expect("all vectors have the plan's lengths, and the real bins are real");
            out.copy_from_slice(&room.frames[self.reach_frames()..][..out.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(frames: usize) -> Vec<f32> {
        let mut state = 7_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        std::iter::repeat_with(next).take(frames).collect()
    }

    #[test]
    fn a_delta_gives_the_taps_and_lies_where_it_was() {
        let taps = noise(255);
        let fir = Fir::new(&taps);
        let mut input = vec![0.0; 6000 + fir.reach_frames()];
        input[3000] = 1.0;
        let mut out = vec![0.0; 6000];
        fir.filter(&input, &mut out, &mut fir.scratch());
        for (i, x) in out.iter().enumerate() {
            // Frame 3000 of the input is frame 2873 of the output, the middle tap's place.
            let tap = if (2746..=3000).contains(&i) { taps[i - 2746] } else { 0.0 };
            assert!((x - tap).abs() < 1e-6, "{i}: {x}, not {tap}");
        }
    }

    #[test]
    fn blocks_agree_with_the_sum_of_products() {
        let (taps, input) = (noise(33), noise(1500));
        let fir = Fir::new(&taps);
        let mut out = vec![0.0; input.len() - 32];
        fir.filter(&input, &mut out, &mut fir.scratch());
        for (i, x) in out.iter().enumerate() {
            let sum: f32 = taps.iter().rev().zip(&input[i..]).map(|(a, b)| a * b).sum();
            // 2e-5: 33 products of numbers up to 1 in f32.
            assert!((x - sum).abs() < 2e-5, "{i}: {x}, not {sum}");
        }
    }
}
