//! What holds the ceiling at the end: limiters one after the other, or nothing.

use super::Job;
use super::goal::Guard;
use crate::dsp::{Limiter, Motion};

/// The true-peak limiter aims this far below the ceiling, as a part of it: 0.05 dB. Its eyes are eight points a frame
/// through finite filters; a meter with better ones sees a little more.
const MARGIN: f64 = 0.9943;
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
            let last =
                Limiter::true_peak(job.channels(), job.clip.rate_hz, (ceiling * MARGIN) as f32, LAST_MOTION);
            chain.stages.push(last);
        }
        chain
    }

    /// Its first limiter alone, which takes all the loudness there is to take: for trials.
    pub(super) fn first(job: &Job, ceiling: f64) -> Self {
        let (channels, rate_hz) = (job.channels(), job.clip.rate_hz);
        let motion = Motion { attack_ms: ATTACK_MS, release_ms: job.goal.release_ms };
        let stages = match job.goal.guard {
            Guard::TruePeak => {
                vec![Limiter::true_peak(channels, rate_hz, (ceiling * MARGIN) as f32, motion)]
            }
            Guard::Classic => vec![Limiter::classic(channels, rate_hz, ceiling as f32)],
            Guard::Off => Vec::new(),
        };
        Self { stages }
    }

    /// Takes a block and gives what is ready.
    pub(super) fn push(&mut self, block: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        self.stages.iter_mut().fold(block, |block, stage| {
            let rows: Vec<&[f32]> = block.iter().map(Vec::as_slice).collect();
            stage.push(&rows).to_vec()
        })
    }

    /// The rest.
    pub(super) fn finish(&mut self, channels: usize) -> Vec<Vec<f32>> {
        self.stages.iter_mut().fold(vec![Vec::new(); channels], |block, stage| {
            let rows: Vec<&[f32]> = block.iter().map(Vec::as_slice).collect();
            let mut out = stage.push(&rows).to_vec();
            out.iter_mut().zip(stage.finish()).for_each(|(out, rest)| out.extend_from_slice(rest));
            out
        })
    }

    /// The strongest turning down of each limiter together, dB.
    pub(super) fn reduction_db(&self) -> f64 {
        self.stages.iter().map(Limiter::reduction_db).sum()
    }
}
