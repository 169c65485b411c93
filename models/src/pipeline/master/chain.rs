//! What holds the ceiling at the end: limiters one after the other, or nothing.

use super::Job;
use super::figures::amplitude;
use super::goal::Guard;
use crate::dsp::{Limiter, Motion};
use tributary_audio::frames::slices;

/// The true-peak limiter aims this far below the ceiling, for its eyes are eight points a frame through finite filters,
/// which ripple, and the last one's own movement raises what lies between its points by a hair.
const MARGIN_DB: f64 = 0.05;
const ATTACK_MS: f64 = 5.0;
/// The second limiter meets what the first one's own movement has raised: little, and seldom.
const LAST_MOTION: Motion = Motion { attack_ms: 1.5, release_ms: 30.0 };

/// Sound flows through; zero delay, but held back.
pub(super) struct Chain {
    stages: Vec<Limiter>,
}

impl Chain {
    /// The chain that writes.
    pub(super) fn new(job: &Job, ceiling: f64) -> Self {
        let mut chain = Self::first(job, ceiling);
        if job.goal.guard == Guard::TruePeak {
            let (channels, rate_hz) = (job.channels(), job.clip.rate_hz);
            chain.stages.push(Limiter::true_peak(channels, rate_hz, aim(ceiling), LAST_MOTION));
        }
        chain
    }

    /// Its first limiter alone, which takes all the loudness there is to take: for trials.
    pub(super) fn first(job: &Job, ceiling: f64) -> Self {
        let (channels, rate_hz) = (job.channels(), job.clip.rate_hz);
        let motion = Motion { attack_ms: ATTACK_MS, release_ms: job.goal.release_ms };
        let stages = match job.goal.guard {
            Guard::TruePeak => vec![Limiter::true_peak(channels, rate_hz, aim(ceiling), motion)],
            Guard::Classic => vec![Limiter::classic(channels, rate_hz, ceiling as f32)],
            Guard::Off => Vec::new(),
        };
        Self { stages }
    }

    /// Takes a block and gives what is ready.
    pub(super) fn push<'a>(&'a mut self, block: &'a [Vec<f32>]) -> &'a [Vec<f32>] {
        self.stages.iter_mut().fold(block, |block, stage| stage.push(&slices(block)))
    }

    /// The rest.
    pub(super) fn finish(&mut self, channels: usize) -> Vec<Vec<f32>> {
        self.stages.iter_mut().fold(vec![Vec::new(); channels], |block, stage| {
            let mut out = stage.push(&slices(&block)).to_vec();
            out.iter_mut().zip(stage.finish()).for_each(|(out, rest)| out.extend_from_slice(rest));
            out
        })
    }

    /// The strongest turning down of each limiter together, dB.
    pub(super) fn reduction_db(&self) -> f64 {
        self.stages.iter().map(Limiter::reduction_db).sum()
    }
}

fn aim(ceiling: f64) -> f32 {
    (ceiling * amplitude(-MARGIN_DB)) as f32
}
