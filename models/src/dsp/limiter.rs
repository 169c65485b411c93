//! Limiters: what is above a ceiling is turned down, smoothly and in time. All channels share one gain. Zero delay: a
//! limiter holds back what it cannot decide yet. Never changes what stays below the ceiling far enough from a peak.

mod classic;
mod look_ahead;

use super::true_peak::{Oversampler, REACH_FRAMES, raise};
use classic::Classic;
use look_ahead::LookAhead;

/// How a true-peak limiter moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// The gain begins to fall this long before a peak.
    pub attack_ms: f64,
    /// After a peak the reduction falls to 1/e in this time.
    pub release_ms: f64,
}

/// Limits a flow of blocks.
pub struct Limiter {
    ceiling: f32,
    curve: Curve,
    /// `[channels][..]`: from [`REACH_FRAMES`] before the next frame to go out; before the first frame, of the silence that
    /// is `before`, too.
    held: Vec<Vec<f32>>,
    /// Frames of silence before the first frame, in which it rings already; none once they were looked at.
    before: usize,
    /// Frames at the front of `held` whose gain is not known yet begin after the reach; these have been shown to the
    /// curve already.
    shown_frames: usize,
    /// The highest between-frames peak of the last frame shown: it belongs to the next frame, too.
    carried_peak: f32,
    gains: Vec<f32>,
    /// `[channels][..]`: what the last call made.
    out: Vec<Vec<f32>>,
    lowest_gain: f32,
    oversampler: Oversampler,
    peaks: Vec<f32>,
}

enum Curve {
    /// Looks between the frames.
    TruePeak(LookAhead),
    /// Looks at the frames.
    Classic(Box<Classic>),
}

impl Limiter {
    /// Holds the curve between the frames below `ceiling` (full scale is 1), at eight points a frame.
    #[must_use]
    pub fn true_peak(channels: usize, rate_hz: u32, ceiling: f32, motion: Motion) -> Self {
        Self::new(channels, ceiling, Curve::TruePeak(LookAhead::new(rate_hz, motion)))
    }

    /// Holds the frames below `ceiling`, with the attack, hold and release of a known look-ahead limiter.
    #[must_use]
    pub fn classic(channels: usize, rate_hz: u32, ceiling: f32) -> Self {
        Self::new(channels, ceiling, Curve::Classic(Box::new(Classic::new(rate_hz))))
    }

    fn new(channels: usize, ceiling: f32, curve: Curve) -> Self {
        Self {
            ceiling,
            curve,
            held: vec![vec![0.0; 2 * REACH_FRAMES]; channels],
            before: REACH_FRAMES,
            shown_frames: 0,
            carried_peak: 0.0,
            gains: Vec::new(),
            out: vec![Vec::new(); channels],
            lowest_gain: 1.0,
            oversampler: Oversampler::default(),
            peaks: Vec::new(),
        }
    }

    /// Takes the next block, `[channels][frames]`, and gives what is ready, often less.
    pub fn push(&mut self, block: &[&[f32]]) -> &[Vec<f32>] {
        for (held, channel) in self.held.iter_mut().zip(block) {
            held.extend_from_slice(channel);
        }
        self.advance();
        &self.out
    }

    /// After the last block: gives the rest. All that was pushed has then come out.
    pub fn finish(&mut self) -> &[Vec<f32>] {
        // The silence after the last frame, in which it still rings, and what the filters see beyond.
        for held in &mut self.held {
            held.extend_from_slice(&[0.0; 2 * REACH_FRAMES]);
        }
        self.show(REACH_FRAMES);
        match &mut self.curve {
            Curve::TruePeak(curve) => curve.finish(&mut self.gains),
            Curve::Classic(curve) => curve.finish(&mut self.gains),
        }
        self.give();
        &self.out
    }

    /// The strongest turning down so far, dB, 0 or less.
    #[must_use]
    pub fn reduction_db(&self) -> f64 {
        20.0 * f64::from(self.lowest_gain).max(1e-9).log10()
    }

    fn advance(&mut self) {
        self.show(0);
        self.give();
    }

    /// Shows the curve the peaks of all frames that are known with their surroundings. The last `after` are silence after
    /// the last frame.
    fn show(&mut self, after: usize) {
        let held = self.held.first().map_or(0, Vec::len);
        let frames = held.saturating_sub(2 * REACH_FRAMES + self.shown_frames);
        if frames == 0 {
            return;
        }
        self.peaks.clear();
        self.peaks.resize(frames, 0.0);
        let between = matches!(self.curve, Curve::TruePeak(_));
        for held in &self.held {
            let sound = &held[self.shown_frames..][..frames + 2 * REACH_FRAMES];
            if between {
                self.oversampler.raise(sound, self.ceiling, &mut self.peaks);
            } else {
                raise(&mut self.peaks, &sound[REACH_FRAMES..]);
            }
        }
        let before = self.before.min(frames);
        if before > 0 {
            // What rings before the first frame is turned down by it.
            let rings = self.peaks.drain(..before).fold(0.0, f32::max);
            self.carried_peak = self.carried_peak.max(rings);
            self.before -= before;
            self.held.iter_mut().for_each(|held| drop(held.drain(..before)));
        }
        if after > 0 {
            // And what rings after the last one by that.
            let rings = self.peaks.drain(self.peaks.len().saturating_sub(after)..).fold(0.0, f32::max);
            self.peaks.last_mut().into_iter().for_each(|last| *last = last.max(rings));
        }
        for peak in &mut self.peaks {
            // What rises between two frames is turned down by both.
            let both = if between { peak.max(self.carried_peak) } else { *peak };
            self.carried_peak = *peak;
            *peak = both / self.ceiling;
        }
        self.shown_frames += self.peaks.len();
        match &mut self.curve {
            Curve::TruePeak(curve) => curve.push(&self.peaks, &mut self.gains),
            Curve::Classic(curve) => curve.push(&self.peaks, &mut self.gains),
        }
    }

    /// Turns down all frames whose gain is known.
    fn give(&mut self) {
        let frames = self.gains.len();
        for (held, out) in self.held.iter_mut().zip(&mut self.out) {
            out.clear();
            out.extend(held[REACH_FRAMES..][..frames].iter().zip(&self.gains).map(|(x, gain)| x * gain));
            held.drain(..frames);
        }
        self.shown_frames -= frames;
        for gain in &self.gains {
            self.lowest_gain = if *gain < self.lowest_gain { *gain } else { self.lowest_gain };
        }
        self.gains.clear();
    }
}

/// A time in frames, at least 1.
fn frames_of(ms: f64, rate_hz: u32) -> usize {
    ((ms * 1e-3 * f64::from(rate_hz)).round() as usize).max(1)
}
