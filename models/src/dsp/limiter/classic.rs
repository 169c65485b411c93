//! The gain of the classic limiter, as described for reference mastering: the harder of an attack smoothed forwards
//! and backwards, a hold and a slow release. Written from a description in words. Sees peaks only, never sound.

use super::frames_of;
use crate::dsp::sliding::SlidingMax;
use std::f64::consts::PI;

/// Attack and hold.
const ATTACK_MS: f64 = 1.0;
const HOLD_MS: f64 = 1.0;
/// The low-pass after the hold, and the release: 800 Hz over 3000 ms.
const HOLD_HZ: f64 = 7.0;
const RELEASE_HZ: f64 = 800.0 / 3000.0;
/// The backward half of the attack begins this many of its time constants ahead: e^-12 is -104 dB.
const BACKWARD_CONSTANTS: f64 = 12.0;
/// Frames decided at a time; the backward half runs over its reach once for these.
const RUN_FRAMES: usize = 4096;
const FADED: f64 = 1e-9;

pub(super) struct Classic {
    /// Of `1 - gain` at the peaks, around each frame.
    attack_max: SlidingMax,
    hold_max: SlidingMax,
    /// What the hold sees is this much older; a ring.
    hold_delay: Vec<f32>,
    hold_at: usize,
    attack: f64,
    forward: f64,
    backward_frames: usize,
    hold: LowPass,
    release: LowPass,
    /// Numbers to be thrown away: those before the first frame.
    skip: usize,
    ahead_frames: usize,
    /// What each frame's gain must be at least reduced by.
    hard: Vec<f32>,
    /// Attack after its forward half, and release, of frames not decided yet.
    forwarded: Vec<f64>,
    released: Vec<f64>,
    run: Vec<f64>,
}

/// A Butterworth low-pass of the first order by the bilinear transform.
struct LowPass {
    b: f64,
    a: f64,
    x: f64,
    y: f64,
}

impl LowPass {
    fn new(hz: f64, rate_hz: u32) -> Self {
        let k = (PI * hz / f64::from(rate_hz)).tan();
        Self { b: k / (1.0 + k), a: (1.0 - k) / (1.0 + k), x: 0.0, y: 0.0 }
    }

    #[inline]
    fn push(&mut self, x: f64) -> f64 {
        self.y = self.b * (x + self.x) + self.a * self.y;
        self.x = x;
        self.y
    }
}

impl Classic {
    pub(super) fn new(rate_hz: u32) -> Self {
        let attack = frames_of(ATTACK_MS, rate_hz);
        let ahead_frames = attack | 1;
        let hold = frames_of(HOLD_MS, rate_hz);
        Self {
            attack_max: SlidingMax::new(2 * ahead_frames - 1),
            hold_max: SlidingMax::new(hold),
            hold_delay: vec![0.0; hold / 2],
            hold_at: 0,
            attack: (-2.0 / attack as f64).exp(),
            forward: 0.0,
            backward_frames: (BACKWARD_CONSTANTS * attack as f64 / 2.0).ceil() as usize,
            hold: LowPass::new(HOLD_HZ, rate_hz),
            release: LowPass::new(RELEASE_HZ, rate_hz),
            skip: ahead_frames - 1,
            ahead_frames,
            hard: Vec::new(),
            forwarded: Vec::new(),
            released: Vec::new(),
            run: Vec::new(),
        }
    }

    /// `peaks`: of the next frames, the ceiling being 1. Adds the gains that are now known to `gains`.
    pub(super) fn push(&mut self, peaks: &[f32], gains: &mut Vec<f32>) {
        for peaks in peaks.chunks(RUN_FRAMES) {
            let from = self.hard.len();
            let hard = |peak: &f32| if *peak > 1.0 { (1.0 - 1.0 / peak) + f32::EPSILON } else { 0.0 };
            self.hard.extend(peaks.iter().map(hard));
            for i in from..self.hard.len() {
                self.slide(self.hard[i]);
            }
            self.settle();
            if self.forwarded.len() >= RUN_FRAMES + self.backward_frames {
                self.decide(RUN_FRAMES, gains);
            }
        }
    }

    /// As if silence followed: the gains of the last frames.
    pub(super) fn finish(&mut self, gains: &mut Vec<f32>) {
        for _ in 1..self.ahead_frames {
            self.slide(0.0);
        }
        let frames = self.forwarded.len();
        self.decide(frames, gains);
    }

    fn slide(&mut self, hard: f32) {
        let wide = self.attack_max.push(hard);
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.forward = smoothed(self.attack, f64::from(wide), self.forward);
        self.forwarded.push(self.forward);
        let delayed = self.delayed(wide);
        let held = f64::from(self.hold_max.push(delayed));
        let hold = self.hold.push(held);
        let release = self.release.push(if held > hold { held } else { hold });
        self.released.push(if hold > release { hold } else { release });
    }

    fn delayed(&mut self, wide: f32) -> f32 {
        let len = self.hold_delay.len();
        let Some(place) = self.hold_delay.get_mut(self.hold_at) else { return wide };
        self.hold_at = if self.hold_at + 1 == len { 0 } else { self.hold_at + 1 };
        std::mem::replace(place, wide)
    }

    /// What has faded away is 0, for numbers near 0 are slow to work with. Once a run is enough: from 12 kHz on nothing
    /// fades that far within one.
    fn settle(&mut self) {
        for faded in [&mut self.forward, &mut self.hold.y, &mut self.release.y] {
            if *faded < FADED {
                *faded = 0.0;
            }
        }
    }

    /// The gains of the next `frames` frames.
    fn decide(&mut self, frames: usize, gains: &mut Vec<f32>) {
        let reach = self.forwarded.len().min(frames + self.backward_frames);
        self.run.clear();
        self.run.extend_from_slice(&self.forwarded[..reach]);
        let mut state = self.run.last().copied().unwrap_or(0.0);
        for x in self.run.iter_mut().rev() {
            state = smoothed(self.attack, *x, state);
            *x = state;
        }
        let decided = self.hard.drain(..frames).zip(self.released.drain(..frames)).zip(&self.run);
        gains.extend(decided.map(|((hard, released), attack)| {
            let reduction = attack.max(released) as f32;
            let reduction = hard.max(reduction);
            if reduction < 1e-6 { 1.0 } else { 1.0 - reduction }
        }));
        self.forwarded.drain(..frames);
    }
}

/// One step of a one-pole low-pass.
#[inline]
fn smoothed(a: f64, x: f64, y: f64) -> f64 {
    (1.0 - a) * x + a * y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peak_is_met_and_there_is_a_gain_for_every_frame() {
        for (rate_hz, frames) in [(8_000, 5000), (44_100, 20_000), (44_100, 1), (192_000, 30)] {
            let peaks: Vec<f32> =
                (0..frames).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 30_000.0).collect();
            let (mut curve, mut gains) = (Classic::new(rate_hz), Vec::new());
            peaks.chunks(333).for_each(|peaks| curve.push(peaks, &mut gains));
            curve.finish(&mut gains);
            assert_eq!(gains.len(), peaks.len());
            assert!(gains.iter().zip(&peaks).all(|(gain, peak)| gain * peak <= 1.0 + 1e-6));
        }
    }

    #[test]
    fn the_gain_falls_before_a_peak_holds_and_comes_back() {
        let mut peaks = vec![0.5; 100_000];
        peaks[50_000] = 2.0;
        let (mut curve, mut gains) = (Classic::new(44_100), Vec::new());
        curve.push(&peaks, &mut gains);
        curve.finish(&mut gains);
        assert_eq!(gains[40_000], 1.0);
        assert!(gains[49_980] < 0.6 && gains[50_000] <= 0.5 && gains[50_020] < 0.6);
        assert!(gains[60_000] > 0.97 && gains[60_000] < 1.0);
    }
}
