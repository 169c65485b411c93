//! How long a job will take, from how long its last chunks took. Says nothing before it can know.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Chunks before a time is told: the first ones are slow while the model warms up.
const CHUNKS_BEFORE: u32 = 3;
/// Steps that are averaged.
const STEPS_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Moments at which so many chunks were done.
    steps: VecDeque<(Instant, u32)>,
}

impl Pace {
    /// Time left after `done` of `all` chunks at `now`.
    pub(super) fn left(&mut self, now: Instant, done: u32, all: u32) -> Option<Duration> {
        match self.steps.back() {
            // The job began anew with another worker.
            Some((_, before)) if *before > done => self.steps.clear(),
            Some((_, before)) if *before == done => {}
            _ => self.steps.push_back((now, done)),
        }
        if self.steps.len() > STEPS_MAX {
            self.steps.pop_front();
        }
        let (&(from, before), &(to, after)) = (self.steps.front()?, self.steps.back()?);
        if done < CHUNKS_BEFORE || after <= before || all < done {
            return None;
        }
        let chunk = (to - from) / (after - before);
        Some((chunk * (all - done)).saturating_sub(now - to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock of seconds.
    fn clock() -> impl Fn(u64) -> Instant {
        let began = Instant::now();
        move |seconds| began + Duration::from_secs(seconds)
    }

    #[test]
    fn time_left_is_told_after_the_third_chunk_from_the_last_ones() {
        let (mut pace, at) = (Pace::default(), clock());
        for done in 0..=2 {
            assert_eq!(pace.left(at(2 * u64::from(done)), done, 10), None, "{done}");
        }
        assert_eq!(pace.left(at(6), 3, 10), Some(Duration::from_secs(14)));
        assert_eq!(pace.left(at(7), 3, 10), Some(Duration::from_secs(13)));
        assert_eq!(pace.left(at(20), 10, 10), Some(Duration::ZERO));
    }

    #[test]
    fn a_job_that_begins_anew_is_measured_anew_and_nonsense_is_no_time() {
        let (mut pace, at) = (Pace::default(), clock());
        pace.left(at(0), 5, 10);
        assert!(pace.left(at(1), 6, 10).is_some());
        assert_eq!(pace.left(at(2), 1, 10), None);
        assert_eq!(pace.left(at(3), 7, 3), None);
        assert_eq!(pace.left(at(4), u32::MAX, u32::MAX), Some(Duration::ZERO));
    }
}
