//! What an instance plays: which reel is loaded, how its tracks are mixed, and where it lies in the take. Gives no
//! orders itself.

use crate::audio::Reel;
use crate::audio::desk::TRACKS_MAX;
use crate::audio::gauges::STEMS_MAX;
use crate::library::{Fader, Feeder, JobKey, MixLoudness, TakeId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A fader at its lower end is silent.
const SILENT_DB: f32 = -60.0;

/// What is looked at: another one of these needs other figures and another reel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) take: TakeId,
    pub(super) job: Option<JobKey>,
    /// The part of the take that is played.
    pub(super) range: (u64, u64),
    /// The host's rate; 0 while it is unknown.
    pub(super) host_hz: u32,
    /// Which pick of notes is heard alone; none for all notes.
    pub(super) pick: Option<u64>,
}

/// A look at one subject on blocking threads; it ends when another one begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) number: u64,
    pub(super) stop: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
pub(super) struct Player {
    pub(super) subject: Option<Subject>,
    pub(super) look: Look,
    /// Kept so that the disk's thread lives as long as there is something to play.
    pub(super) feeder: Option<Arc<Feeder>>,
    pub(super) reel: Option<Arc<Reel>>,
    pub(super) loudness: Option<MixLoudness>,
    /// Counts picks of notes, so that another one is another subject.
    pub(super) picks: u64,
    /// A file of picked notes is being written.
    pub(super) is_picking: bool,
    /// Frames of the take that free play repeats.
    pub(super) looped: Option<(u64, u64)>,
}

impl Player {
    /// Everything begins anew with this subject; what was under way stops.
    pub(super) fn begin(&mut self, subject: Option<Subject>) -> Look {
        self.end();
        self.subject = subject;
        self.loudness = None;
        self.look = Look { number: self.look.number + 1, stop: Arc::default() };
        self.look.clone()
    }

    /// What is under way stops.
    pub(super) fn end(&self) {
        self.look.stop.store(true, Ordering::Relaxed);
    }

    /// A frame of the take (take's rate) as a frame of the reel (host's rate).
    pub(super) fn reel_frame(&self, frame: u64, take_hz: u32) -> u64 {
        let Some(subject) = self.subject else { return 0 };
        let (first, end) = subject.range;
        at_rate(frame.clamp(first, end) - first, take_hz, subject.host_hz)
    }
}

/// So many frames at another rate, to the nearest.
pub(super) fn at_rate(frames: u64, from_hz: u32, to_hz: u32) -> u64 {
    if from_hz == to_hz || from_hz == 0 {
        return frames;
    }
    let converted = (u128::from(frames) * u128::from(to_hz) + u128::from(from_hz / 2)) / u128::from(from_hz);
    u64::try_from(converted).unwrap_or(u64::MAX)
}

/// Linear gains of the stems as they are heard: fader, mute, solo.
pub(super) fn stem_gains(faders: &[Fader]) -> Vec<f32> {
    let is_any_solo = faders.iter().any(|fader| fader.is_solo);
    let gain = |fader: &Fader| {
        let is_heard = !fader.is_muted && (fader.is_solo || !is_any_solo);
        if is_heard { linear(fader.gain_db) } else { 0.0 }
    };
    faders.iter().map(gain).collect()
}

/// Of all tracks of a reel: stems, then the original.
pub(super) fn levels(stem_gains: &[f32], match_db: f32) -> [f32; TRACKS_MAX] {
    let mut levels = [0.0; TRACKS_MAX];
    let stems = stem_gains.len().min(STEMS_MAX);
    levels[..stems].copy_from_slice(&stem_gains[..stems]);
    levels[stems] = linear(match_db);
    levels
}

fn linear(db: f32) -> f32 {
    if db > SILENT_DB { 10.0_f32.powf(db / 20.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fader(gain_db: f32, is_solo: bool, is_muted: bool) -> Fader {
        Fader { gain_db, is_solo, is_muted }
    }

    #[test]
    fn solo_mute_and_fader_make_the_gain() {
        let check = |[a, b]: [Fader; 2], expected: [f32; 3]| {
            assert_eq!(stem_gains(&[a, b, Fader::default()]), expected, "{a:?} {b:?}");
        };
        let open = Fader::default();
        check([open, open], [1.0, 1.0, 1.0]);
        check([fader(20.0, false, false), fader(-60.0, false, false)], [10.0, 0.0, 1.0]);
        check([fader(0.0, true, false), open], [1.0, 0.0, 0.0]);
        check([fader(0.0, true, true), open], [0.0, 0.0, 0.0]);
        check([fader(0.0, false, true), open], [0.0, 1.0, 1.0]);
    }

    #[test]
    fn the_original_follows_the_stems() {
        assert_eq!(levels(&[0.5, 0.25], 0.0), [0.5, 0.25, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(levels(&[], -20.0)[0], 0.1);
        assert_eq!(levels(&[1.0; 9], 0.0), [1.0; TRACKS_MAX]);
    }

    #[test]
    fn frames_of_the_take_are_found_on_the_reel() {
        let mut player = Player::default();
        assert_eq!(player.reel_frame(7, 48_000), 0);
        let take = TakeId::generate();
        player.begin(Some(Subject { take, job: None, range: (1000, 2000), host_hz: 96_000, pick: None }));
        for (frame, expected) in [(0, 0), (1000, 0), (1500, 1000), (9000, 2000)] {
            assert_eq!(player.reel_frame(frame, 48_000), expected, "{frame}");
        }
        assert_eq!(at_rate(44_100, 44_100, 48_000), 48_000);
        assert_eq!(at_rate(u64::MAX, 1, u32::MAX), u64::MAX);
    }
}
