//! How fast the host renders, and the only place where the audio thread may wait.
//!
//! In real time nothing here ever waits: a host that is kept waiting drops out. A bounce is the opposite case. It asks
//! for blocks as fast as we return, many times faster than a disk may be able to take or give samples, and nobody
//! listens: there, waiting a little costs nothing and a lost frame is lost for good. So we wait only when we are
//! certain. One of two things makes us certain:
//!
//! - the host says that it renders offline, and its word can be trusted. CLAP's can. VST3's comes one call late
//!   through nice-plug 0.4.2, so the wiring does not pass it on.
//! - the host is ahead of the clock: it took more than twice as much sound as time has passed, and a second more,
//!   which no host does to a listener. Time that we made it wait is not counted, or a slow disk would look like one.

use std::time::{Duration, Instant};

/// The pace is judged anew this often, so that a host that returns to real time is soon known to have.
const WINDOW: Duration = Duration::from_secs(4);
/// Ahead of the clock by this factor ..
const FACTOR: f64 = 2.0;
/// .. and by this much more.
const HEAD_START: Duration = Duration::from_secs(1);
/// Without any progress for so long, nobody is at the other end.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks. Long beside a look, short beside what a disk needs for a page.
const NAP: Duration = Duration::from_micros(500);

/// What one look at the other end found.
pub(super) struct Look {
    /// No need to wait any longer.
    pub(super) is_ready: bool,
    /// Grows whenever the other end did something.
    pub(super) progress: u64,
}

/// How fast the host renders.
#[derive(Debug)]
pub(super) struct Pace {
    patience: Duration,
    is_offline: bool,
    is_ahead: bool,
    window: Option<Instant>,
    /// Sound taken in this window.
    taken: Duration,
    /// Time in this window that the host spent waiting for us.
    waited: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Pace {
    fn with_patience(patience: Duration) -> Self {
        Self {
            patience,
            is_offline: false,
            is_ahead: false,
            window: None,
            taken: Duration::ZERO,
            waited: Duration::ZERO,
        }
    }

    /// Forgets what it knows: the host may go on at another pace.
    pub(super) fn reset(&mut self) {
        *self = Self::with_patience(self.patience);
    }

    /// Takes note of one block, now.
    pub(super) fn block(&mut self, frames: usize, rate_hz: u32, is_offline: bool) {
        self.note(frames, rate_hz, is_offline, now());
    }

    fn note(&mut self, frames: usize, rate_hz: u32, is_offline: bool, now: Instant) {
        self.is_offline = is_offline;
        if rate_hz == 0 {
            return;
        }
        let passed = now.saturating_duration_since(*self.window.get_or_insert(now));
        let passed = passed.saturating_sub(self.waited);
        self.taken += Duration::from_secs_f64(frames as f64 / f64::from(rate_hz));
        let is_ahead = self.taken > passed.mul_f64(FACTOR) + HEAD_START;
        self.is_ahead |= is_ahead;
        if passed >= WINDOW {
            self.is_ahead = is_ahead;
            self.window = Some(now);
            self.taken = Duration::ZERO;
            self.waited = Duration::ZERO;
        }
    }

    /// Certainly nobody listens.
    pub(super) fn may_wait(&self) -> bool {
        self.is_offline || self.is_ahead
    }

    /// Thread: audio, and only when [`Self::may_wait`]. Waits until the other end is ready, or until it has done
    /// nothing for so long that it must be gone; then it is not waited for again before it does something.
    pub(super) fn wait(&mut self, trust: &mut Trust, mut look: impl FnMut() -> Look) {
        let mut seen = look();
        if seen.is_ready || trust.gone_at == Some(seen.progress) {
            return;
        }
        let began = now();
        let mut last_progress = began;
        while !seen.is_ready {
            if now().saturating_duration_since(last_progress) > self.patience {
                trust.gone_at = Some(seen.progress);
                break;
            }
            nap();
            let next = look();
            if next.progress != seen.progress {
                last_progress = now();
            }
            seen = next;
        }
        self.waited += now().saturating_duration_since(began);
    }
}

/// Whether somebody is at the other end.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Where its progress stood when we gave it up.
    gone_at: Option<u64>,
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the pace of the host is measured against the clock")]
    Instant::now()
}

fn nap() {
    #[expect(clippy::disallowed_methods, reason = "only where nobody listens, see above")]
    std::thread::sleep(NAP);
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;

    /// Blocks of ten milliseconds at `speed` times real time for so much time of the clock.
    fn run(pace: &mut Pace, clock: &mut Instant, speed: u32, seconds: u32) {
        for _ in 0..100 * speed * seconds {
            *clock += Duration::from_millis(10) / speed;
            pace.note(480, RATE_HZ, false, *clock);
        }
    }

    #[test]
    fn a_bounce_is_known_by_the_clock_and_real_time_soon_again() {
        let (mut pace, mut clock) = (Pace::default(), now());
        for (speed, seconds, may_wait) in [(1, 20, false), (10, 1, true), (10, 20, true), (1, 9, false)] {
            run(&mut pace, &mut clock, speed, seconds);
            assert_eq!(pace.may_wait(), may_wait, "{speed} times real time for {seconds} s");
        }
    }

    #[test]
    fn a_host_that_fills_its_buffers_first_is_not_taken_for_a_bounce() {
        let (mut pace, mut clock) = (Pace::default(), now());
        for _ in 0..100 {
            pace.note(480, RATE_HZ, false, clock);
            assert!(!pace.may_wait());
        }
        run(&mut pace, &mut clock, 1, 10);
        assert!(!pace.may_wait());
    }

    #[test]
    fn the_hosts_word_counts_at_once() {
        let mut pace = Pace::default();
        for is_offline in [true, false] {
            pace.note(1, RATE_HZ, is_offline, now());
            assert_eq!(pace.may_wait(), is_offline);
        }
    }

    #[test]
    fn the_time_a_slow_disk_takes_does_not_look_like_real_time() {
        let (mut pace, mut clock) = (Pace::default(), now());
        run(&mut pace, &mut clock, 10, 1);
        for _ in 0..100 {
            // Ten seconds of sound, for which the disk made us wait ten seconds.
            for _ in 0..1_000 {
                pace.note(480, RATE_HZ, false, clock);
            }
            clock += Duration::from_secs(10);
            pace.waited += Duration::from_secs(10);
            assert!(pace.may_wait());
        }
    }

    #[test]
    fn who_does_nothing_is_waited_for_once_and_again_when_he_has_done_something() {
        let mut pace = Pace::with_patience(Duration::from_millis(5));
        let mut trust = Trust::default();
        for (progress, looks_again) in [(7, true), (7, false), (8, true), (8, false)] {
            let mut looks = 0;
            pace.wait(&mut trust, || {
                looks += 1;
                Look { is_ready: false, progress }
            });
            assert_eq!(looks > 1, looks_again, "at {progress}");
        }
    }

    #[test]
    fn waiting_ends_when_the_other_end_is_ready() {
        let (mut pace, mut looks) = (Pace::default(), 0);
        pace.wait(&mut Trust::default(), || {
            looks += 1;
            Look { is_ready: looks == 4, progress: 0 }
        });
        assert_eq!(looks, 4);
    }
}
