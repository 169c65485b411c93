//! What holds the ceiling at the end: limiters one after the other, or nothing.

use super::Job;
use super::equaliser::Curves;
use super::figures::amplitude;
use super::goal::Guard;
use super::portrait::Spectra;
use crate::dsp::{Limiter, Motion};

/// The true-peak limiter aims this far below the ceiling, for its eyes are eight points a frame through finite filters:
/// what lies in the topmost part of the band is seen higher by a meter with ideal ones, 0.1 dB on square waves, 0.6 dB
/// on white noise. Music has next to nothing there.
const MARGIN_DB: f64 = 0.05;
/// The topmost part of the band, and wider margins from some part of the power in it on: -20 dB and -40 dB.
const TOP: f64 = 0.96;
const MARGINS_TOP_DB: [(f64, f64); 2] = [(1e-2, 1.0), (1e-4, 0.4)];
const ATTACK_MS: f64 = 5.0;
/// The second limiter meets what the first one's own movement has raised: little, and seldom.
const LAST_MOTION: Motion = Motion { attack_ms: 1.5, release_ms: 30.0 };

/// The part of the ceiling to aim at for a clip with such spectra, after such an equaliser.
pub(super) fn margin(spectra: Option<&Spectra>, curves: Option<&Curves>) -> f64 {
    let power = |plane: &[f64], curve: Option<&[f64]>, part: f64| {
        let first = (plane.len() as f64 * part) as usize;
        let gain = |bin: usize| curve.and_then(|curve| curve.get(bin)).copied().unwrap_or(1.0);
        plane.iter().enumerate().skip(first).map(|(bin, x)| (x * gain(bin)).powi(2)).sum::<f64>()
    };
    let both = |part: f64| {
        spectra.map_or(0.0, |spectra| {
            let mid = power(&spectra.mid, curves.map(|curves| &curves.mid[..]), part);
            let side = spectra.side.as_ref().map(|side| power(side, curves.map(Curves::side), part));
            mid + side.unwrap_or(0.0)
        })
    };
    // Too short for spectra counts as the worst.
    let (top, all) = (both(TOP), both(0.0));
    let wide = MARGINS_TOP_DB.iter().find(|(part, _)| top >= part * all);
    amplitude(-wide.map_or(MARGIN_DB, |(_, margin_db)| *margin_db))
}

/// Sound flows through; zero delay, but held back.
pub(super) struct Chain {
    stages: Vec<Limiter>,
}

impl Chain {
    /// The chain that writes.
    pub(super) fn new(job: &Job, ceiling: f64, margin: f64) -> Self {
        let mut chain = Self::first(job, ceiling, margin);
        if job.goal.guard == Guard::TruePeak {
            let last =
                Limiter::true_peak(job.channels(), job.clip.rate_hz, (ceiling * margin) as f32, LAST_MOTION);
            chain.stages.push(last);
        }
        chain
    }

    /// Its first limiter alone, which takes all the loudness there is to take: for trials.
    pub(super) fn first(job: &Job, ceiling: f64, margin: f64) -> Self {
        let (channels, rate_hz) = (job.channels(), job.clip.rate_hz);
        let motion = Motion { attack_ms: ATTACK_MS, release_ms: job.goal.release_ms };
        let stages = match job.goal.guard {
            Guard::TruePeak => {
                vec![Limiter::true_peak(channels, rate_hz, (ceiling * margin) as f32, motion)]
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
