//! The gates of BS.1770-4 and EBU Tech 3342 over weighted energy, a tenth of a second at a time. Pure numbers.

use std::collections::VecDeque;

/// Hops of a gating block of 400 ms, and of a short-term window of 3 s, which moves on by 1 s.
const BLOCK_HOPS: usize = 4;
const SHORT_TERM_HOPS: usize = 30;
const SHORT_TERM_STEP: usize = 10;
/// Absolute gate in LUFS, and the relative ones below the mean, as parts of its power.
const GATE_LUFS: f64 = -70.0;
const GATE_PART: f64 = 0.1;
const RANGE_GATE_PART: f64 = 0.01;
/// The range lies between these parts of the windows, sorted by loudness.
const RANGE_PARTS: (f64, f64) = (0.1, 0.95);
/// What the standard adds for its weighting.
const OFFSET_LU: f64 = -0.691;

/// Energy so far.
#[derive(Clone, Debug)]
pub(super) struct Gates {
    hop_frames: usize,
    /// Of the hop under way.
    energy: f64,
    frames: usize,
    /// Mean energy of the last hops.
    hops: VecDeque<f64>,
    hops_seen: usize,
    /// Mean energies above the absolute gate.
    blocks: Vec<f64>,
    short_term: Vec<f64>,
}

impl Gates {
    pub(super) fn new(rate_hz: u32) -> Self {
        Self {
            hop_frames: (rate_hz as usize + 5) / 10,
            energy: 0.0,
            frames: 0,
            hops: VecDeque::with_capacity(SHORT_TERM_HOPS + 1),
            hops_seen: 0,
            blocks: Vec::new(),
            short_term: Vec::new(),
        }
    }

    /// Frames until the hop under way is full; what is added next must not be more.
    pub(super) fn frames_left(&self) -> usize {
        self.hop_frames - self.frames
    }

    /// Takes the energy of the next frames.
    pub(super) fn add(&mut self, energy: f64, frames: usize) {
        self.energy += energy;
        self.frames += frames;
        if self.frames < self.hop_frames {
            return;
        }
        self.hops.push_back(self.energy / self.hop_frames as f64);
        if self.hops.len() > SHORT_TERM_HOPS {
            self.hops.pop_front();
        }
        (self.energy, self.frames) = (0.0, 0);
        self.hops_seen += 1;
        if self.hops_seen >= BLOCK_HOPS {
            let block = self.mean_of_last(BLOCK_HOPS);
            self.blocks.extend(above_gate(block));
        }
        if self.hops_seen >= SHORT_TERM_HOPS
            && (self.hops_seen - SHORT_TERM_HOPS).is_multiple_of(SHORT_TERM_STEP)
        {
            let window = self.mean_of_last(SHORT_TERM_HOPS);
            self.short_term.extend(above_gate(window));
        }
    }

    fn mean_of_last(&self, hops: usize) -> f64 {
        self.hops.range(self.hops.len() - hops..).sum::<f64>() / hops as f64
    }

    /// Integrated loudness in LUFS; none where nothing is above the gates.
    pub(super) fn integrated_lufs(&self) -> Option<f64> {
        let gate = mean(&self.blocks)? * GATE_PART;
        let loud: Vec<f64> = self.blocks.iter().copied().filter(|block| *block >= gate).collect();
        mean(&loud).map(lufs)
    }

    /// Loudness range in LU; none where nothing is above the gates.
    pub(super) fn range_lu(&self) -> Option<f64> {
        let gate = mean(&self.short_term)? * RANGE_GATE_PART;
        let mut loud: Vec<f64> = self.short_term.iter().copied().filter(|window| *window >= gate).collect();
        loud.sort_unstable_by(f64::total_cmp);
        let last = loud.len().checked_sub(1)? as f64;
        let at = |part: f64| lufs(loud[(last * part).round() as usize]);
        Some(at(RANGE_PARTS.1) - at(RANGE_PARTS.0))
    }
}

fn above_gate(energy: f64) -> Option<f64> {
    (lufs(energy) >= GATE_LUFS).then_some(energy)
}

fn mean(energies: &[f64]) -> Option<f64> {
    (!energies.is_empty()).then(|| energies.iter().sum::<f64>() / energies.len() as f64)
}

fn lufs(energy: f64) -> f64 {
    10.0 * energy.log10() + OFFSET_LU
}
