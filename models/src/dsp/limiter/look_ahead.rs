//! The gain of the true-peak limiter: at every peak as low as it must be, falling before it and rising after it
//! without a corner. Sees peaks only, never sound.

use super::{Motion, frames_of};
use crate::dsp::sliding::SlidingMax;

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
    /// Frames since there was anything to reduce.
    rest_frames: usize,
}

/// A running mean of the last `values`, which lie in a ring.
struct Mean {
    values: Vec<f64>,
    at: usize,
    sum: f64,
    part: f64,
    /// Rounds since the sum was made anew: rounding must not add up over hours.
    rounds: usize,
}

/// Frames at a time that may need nothing.
const RUN_FRAMES: usize = 64;
const ROUNDS_MAX: usize = 64;

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
            rest_frames: 0,
        };
        // As if silence had gone before, so that a peak in the first frame is met, too.
        let silence = vec![0.0; attack_frames - 1];
        curve.push(&silence, &mut Vec::new());
        curve
    }

    /// `peaks`: of the next frames, the ceiling being 1. Adds the gains that are now known to `gains`.
    pub(super) fn push(&mut self, peaks: &[f32], gains: &mut Vec<f32>) {
        for peaks in peaks.chunks(RUN_FRAMES) {
            // Everything within sight is 0 and stays 0: there is nothing to move on.
            let rests = self.skip == 0 && self.rest_frames > self.attack_frames;
            if rests && peaks.iter().fold(true, |all, peak| all & (*peak <= 1.0)) {
                gains.resize(gains.len() + peaks.len(), 1.0);
            } else {
                peaks.iter().for_each(|peak| self.move_on(*peak, gains));
            }
        }
    }

    fn move_on(&mut self, peak: f32, gains: &mut Vec<f32>) {
        // Rounded up, so that the product with the peak is not above the ceiling.
        let wanted = if peak > 1.0 { (1.0 - 1.0 / peak) + f32::EPSILON } else { 0.0 };
        let deepest = f64::from(self.deepest.push(wanted));
        let released = self.reduction * self.release;
        let reduction = if deepest > released { deepest } else { released };
        self.reduction = if reduction < 1e-7 { 0.0 } else { reduction };
        self.rest_frames = if self.reduction > 0.0 { 0 } else { self.rest_frames + 1 };
        let first = self.boxes[0].push(self.reduction);
        let smooth = self.boxes[1].push(first);
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            gains.push((1.0 - smooth) as f32);
        }
    }

    /// As if silence followed: the gains of the last frames.
    pub(super) fn finish(&mut self, gains: &mut Vec<f32>) {
        self.push(&vec![0.0; self.attack_frames - 1], gains);
    }
}

impl Mean {
    fn new(frames: usize) -> Self {
        Self { values: vec![0.0; frames], at: 0, sum: 0.0, part: 1.0 / frames as f64, rounds: 0 }
    }

    fn push(&mut self, x: f64) -> f64 {
        self.sum += x - std::mem::replace(&mut self.values[self.at], x);
        self.at += 1;
        if self.at == self.values.len() {
            self.at = 0;
            self.rounds += 1;
            if self.rounds == ROUNDS_MAX {
                self.sum = self.values.iter().sum();
                self.rounds = 0;
            }
        }
        (self.sum * self.part).max(0.0)
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
    fn a_peak_after_a_long_rest_is_met_like_the_first() {
        let (mut curve, mut gains) = (LookAhead::new(8_000, MOTION), Vec::new());
        let mut peaks = vec![0.5; 100_000];
        peaks[1_000] = 2.0;
        peaks[70_777] = 2.0;
        peaks.chunks(777).for_each(|peaks| curve.push(peaks, &mut gains));
        curve.finish(&mut gains);
        assert_eq!(gains.len(), peaks.len());
        for i in 0..1_500 {
            assert!((gains[500 + i] - gains[70_277 + i]).abs() < 1e-6, "{i}");
        }
        assert!(gains[50_000] == 1.0 && gains[70_777] <= 0.5);
    }

    #[test]
    fn without_peaks_the_gain_is_exactly_one() {
        let (mut curve, mut gains) = (LookAhead::new(48_000, MOTION), Vec::new());
        curve.push(&vec![1.0; 3000], &mut gains);
        curve.finish(&mut gains);
        assert!(gains.len() == 3000 && gains.iter().all(|gain| *gain == 1.0));
    }
}
