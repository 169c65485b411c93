//! What moves with the sound, as this frame draws it: the gauges are read here, once a frame, and nowhere else, since
//! reading a level takes it away.

use super::words;
use crate::audio::Gauges;
use crate::audio::gauges::STEMS_MAX;
use std::sync::atomic::Ordering::Relaxed;

/// dB a second that a meter falls.
const FALL: f32 = 30.0;
/// Seconds that a highest level stays marked.
const HOLD: f64 = 1.5;
/// Lowest level that meters show, dB.
pub(crate) const FLOOR: f32 = -60.0;

/// One meter: follows at once upwards, falls slowly, marks the highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Needle {
    /// dB.
    pub(crate) level: f32,
    /// The highest of the last seconds, dB.
    pub(crate) highest: f32,
    held_until: f64,
    /// Full scale was passed since the mark was set.
    pub(crate) is_over: bool,
}

impl Default for Needle {
    fn default() -> Self {
        Self { level: FLOOR, highest: FLOOR, held_until: 0.0, is_over: false }
    }
}

impl Needle {
    /// `peak` is linear; `now` and `passed` in seconds.
    fn follow(&mut self, peak: f32, now: f64, passed: f32) {
        let level =
            if peak.is_finite() && peak > 0.0 { (20.0 * peak.log10()).clamp(FLOOR, 24.0) } else { FLOOR };
        self.level = level.max(self.level - FALL * passed.clamp(0.0, 1.0)).max(FLOOR);
        if level >= self.highest || now >= self.held_until {
            self.is_over = level > 0.0 || (level >= self.highest && self.is_over && now < self.held_until);
            self.highest = self.level;
            self.held_until = now + HOLD;
        }
    }

    /// Nothing to be seen any more.
    fn rests(&self) -> bool {
        self.level <= FLOOR && self.highest <= FLOOR
    }
}

/// All meters of the window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sound {
    /// What the host sends.
    pub(crate) input: [Needle; 2],
    /// What we send.
    pub(crate) output: [Needle; 2],
    /// Each stem after its fader.
    pub(crate) stems: [Needle; STEMS_MAX],
    /// The host's transport runs.
    pub(crate) is_host_playing: bool,
    /// Beats a minute.
    pub(crate) tempo: Option<f64>,
    /// Numerator and denominator.
    pub(crate) meter: Option<(u32, u32)>,
    /// Frames of the host's rate from the take's start.
    playhead: Option<u64>,
    /// Frames recorded so far.
    pub(crate) recorded: u64,
    /// Frames lost so far.
    pub(crate) lost: u64,
    /// Blocks played as silence.
    pub(crate) late_blocks: u64,
    /// The host's rate, Hz; 0 before it told.
    pub(crate) rate_hz: u32,
    read_at: f64,
    before: [u64; 3],
    /// Something moved since the last frame.
    pub(crate) moves: bool,
}

impl Sound {
    /// Reads all gauges; `now` in seconds.
    pub(crate) fn read(&mut self, gauges: &Gauges, now: f64) {
        let passed = (now - self.read_at) as f32;
        self.read_at = now;
        let needles = self.input.iter_mut().chain(&mut self.output).chain(&mut self.stems);
        let peaks = gauges.input.iter().chain(&gauges.output).chain(&gauges.stems);
        for (needle, peak) in needles.zip(peaks) {
            needle.follow(peak.take(), now, passed);
        }
        self.is_host_playing = gauges.is_host_playing.load(Relaxed);
        self.tempo = gauges.tempo().filter(|tempo| tempo.is_finite() && *tempo < 10_000.0);
        let meter = gauges.meter.load(Relaxed);
        self.meter = (meter >> 16 != 0 && meter & 0xffff != 0).then_some((meter >> 16, meter & 0xffff));
        self.playhead = gauges.playhead();
        self.recorded = gauges.recorded_frames.load(Relaxed);
        self.lost = gauges.lost_frames.load(Relaxed);
        self.late_blocks = gauges.late_blocks.load(Relaxed);
        self.rate_hz = gauges.rate_hz.load(Relaxed);
        let now = [self.playhead.map_or(u64::MAX, |at| at), self.recorded, u64::from(self.is_host_playing)];
        self.moves = now != self.before || !self.all_rest();
        self.before = now;
    }

    fn all_rest(&self) -> bool {
        self.input.iter().chain(&self.output).chain(&self.stems).all(Needle::rests)
    }

    /// Where the sound is in the take, in frames of the take's rate.
    pub(crate) fn playhead(&self, take_rate_hz: u32) -> Option<f64> {
        let at = self.playhead? as f64;
        let same = self.rate_hz == 0 || self.rate_hz == take_rate_hz;
        Some(if same { at } else { at * f64::from(take_rate_hz) / f64::from(self.rate_hz) })
    }

    /// Time recorded so far.
    pub(crate) fn recorded_time(&self) -> String {
        words::frames(self.recorded, self.rate_hz)
    }
}

/// Looks at the gauges without taking anything away: tells who sleeps with the window when to wake it.
///
/// The window draws itself again while something moves; when all stands still it sleeps and costs nothing. Whoever can
/// wake it (a timer, the session) asks this some ten times a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    before: (i64, bool, u64, u64, bool),
}

impl Watch {
    /// Whether something would look different than when this was asked the last time.
    pub fn stirs(&mut self, gauges: &Gauges) -> bool {
        let peaks = gauges.input.iter().chain(&gauges.output).chain(&gauges.stems);
        // -60 dB, the lowest that a meter shows.
        let sounds = peaks.into_iter().any(|peak| peak.peek() > 0.001);
        let now = (
            gauges.playhead.load(Relaxed),
            gauges.is_host_playing.load(Relaxed),
            gauges.recorded_frames.load(Relaxed),
            gauges.tempo_bits.load(Relaxed) ^ u64::from(gauges.meter.load(Relaxed)),
            sounds,
        );
        let stirs = now != self.before || sounds;
        self.before = now;
        stirs
    }
}

#[cfg(test)]
#[path = "sound_tests.rs"]
mod tests;
