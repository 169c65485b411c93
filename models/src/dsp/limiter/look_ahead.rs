//! The gain of the true-peak limiter: at every peak as low as it must be, falling before it and rising after it
//! without a corner. Sees peaks only, never sound.

use super::{Motion, frames_of};
use crate::dsp::sliding::SlidingMax;
use std::collections::VecDeque;

/// Sliding minimum over the attack, then the release, then two box filters together as long as the attack: each mean
/// covers values that have all seen the peak in their middle, so it is never above what the peak allows.
pub(super) struct LookAhead {
    /// Of `1 - gain`.
    deepest: SlidingMax,
    release: f64,
    reduction: f64,
    boxes: [Mean; 2],
    /// Gains still to be thrown away: those of the frames before the first.
    skip: usize,
    attack_frames: usize,
}

/// A running mean of the last `values`.
struct Mean {
    values: VecDeque<f64>,
    sum: f64,
    /// Pushes since the sum was made anew: rounding must not add up over hours.
    age: usize,
}

impl LookAhead {
    pub(super) fn new(rate_hz: u32, motion: Motion) -> Self {
        // The boxes together span 2 n - 1 frames.
        let half = frames_of(motion.attack_ms / 2.0, rate_hz);
        let attack_frames = 2 * half - 1;
        let release_frames = frames_of(motion.release_ms, rate_hz) as f64;
        let mut curve = Self {
            deepest: SlidingMax::new(attack_frames),
            release: (-1.0 / release_frames).exp(),
            reduction: 0.0,
            boxes: [Mean::new(half), Mean::new(half)],
            skip: 2 * (attack_frames - 1),
            attack_frames,
        };
        // As if silence had gone before, so that a peak in the first frame is met, too.
        let silence = vec![0.0; attack_frames - 1];
        curve.push(&silence, &mut Vec::new());
        curve
    }

    /// `peaks`: of the next frames, the ceiling being 1. Adds the gains that are now known to `gains`.
    pub(super) fn push(&mut self, peaks: &[f32], gains: &mut Vec<f32>) {
        for peak in peaks {
            // Rounded up, so that the product with the peak is not above the ceiling.
            let wanted = if *peak > 1.0 { (1.0 - 1.0 / peak) + f32::EPSILON } else { 0.0 };
            let deepest = f64::from(self.deepest.push(wanted));
            self.reduction = deepest.max(self.reduction * self.release);
            if self.reduction < 1e-7 {
                self.reduction = 0.0;
            }
            let first = self.boxes[0].push(self.reduction);
            let smooth = self.boxes[1].push(first);
            if self.skip > 0 {
                self.skip -= 1;
            } else {
                gains.push((1.0 - smooth) as f32);
            }
        }
    }

    /// As if silence followed: the gains of the last frames.
    pub(super) fn finish(&mut self, gains: &mut Vec<f32>) {
        self.push(&vec![0.0; self.attack_frames - 1], gains);
    }
}

impl Mean {
    fn new(frames: usize) -> Self {
        Self { values: std::iter::repeat_n(0.0, frames).collect(), sum: 0.0, age: 0 }
    }

    fn push(&mut self, x: f64) -> f64 {
        self.values.push_back(x);
        self.sum += x - self.values.pop_front().unwrap_or(0.0);
        self.age += 1;
        if self.age >= 64 * self.values.len() {
            self.sum = self.values.iter().sum();
            self.age = 0;
        }
        (self.sum / self.values.len() as f64).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOTION: Motion = Motion { attack_ms: 4.0, release_ms: 50.0 };

    #[test]
    fn every_peak_is_met_and_there_is_a_gain_for_every_frame() {
        for (rate_hz, frames) in [(8_000, 5000), (44_100, 20_000), (44_100, 1), (192_000, 30)] {
            let peaks: Vec<f32> = (0..frames)
                .map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 30_000.0)
                .map(|x| if x > 2.1 { x } else { 0.3 })
                .collect();
            let (mut curve, mut gains) = (LookAhead::new(rate_hz, MOTION), Vec::new());
            peaks.chunks(333).for_each(|peaks| curve.push(peaks, &mut gains));
            curve.finish(&mut gains);
            assert_eq!(gains.len(), peaks.len());
            for (i, (gain, peak)) in gains.iter().zip(&peaks).enumerate() {
                assert!(gain * peak <= 1.0 + 1e-6, "frame {i}: {gain} of {peak}");
            }
        }
    }

    #[test]
    fn without_peaks_the_gain_is_exactly_one() {
        let (mut curve, mut gains) = (LookAhead::new(48_000, MOTION), Vec::new());
        curve.push(&vec![1.0; 3000], &mut gains);
        curve.finish(&mut gains);
        assert!(gains.len() == 3000 && gains.iter().all(|gain| *gain == 1.0));
    }
}
