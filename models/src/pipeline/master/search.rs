//! The gain that brings a clip to a loudness through a limiter. The limiter takes loudness away, so the gain is found by
//! trial: a coarse model of the clip gives the first guess and the slope, readings through the real limiter correct it.

use super::figures::amplitude;
use tributary_audio::Loudness;

/// Readings through the limiter at most.
pub(super) const TRIALS_MAX: usize = 3;
/// Near enough.
const CLOSE_LU: f64 = 0.03;
/// More than that above what would do without a limiter is not tried: nothing but peaks would be left.
const PUSH_DB_MAX: f64 = 20.0;
/// More gain than this raises noise, not music.
pub(super) const GAIN_DB_MAX: f64 = 60.0;
/// Pieces of the coarse model.
pub(super) const MODEL_MS: f64 = 10.0;
/// Quieter pieces than the mean by this do not count, much as the gate of BS.1770 has it.
const GATE: f64 = 0.1;

/// Peak and energy, piece by piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) pieces: Vec<(f32, f32)>,
    /// What is left of a reduction one piece later.
    pub(super) release: f32,
}

impl Model {
    /// What a limiter leaves of the loudness that a gain would give, dB, 0 or less.
    fn loss_db(&self, gain: f64, ceiling: f64) -> f64 {
        let mean = self.pieces.iter().map(|(_, energy)| f64::from(*energy)).sum::<f64>()
            / self.pieces.len().max(1) as f64;
        let (mut before, mut after, mut reduction) = (0.0, 0.0, 0.0_f32);
        for (peak, energy) in &self.pieces {
            let wanted = 1.0 - (ceiling / (gain * f64::from(*peak)).max(1e-12)).min(1.0);
            reduction = (wanted as f32).max(reduction * self.release);
            let energy = f64::from(*energy);
            if energy > mean * GATE {
                before += energy;
                after += energy * f64::from(1.0 - reduction).powi(2);
            }
        }
        if after > 0.0 { 10.0 * (after / before).log10() } else { 0.0 }
    }
}

/// The search for one clip.
#[derive(Clone, Debug)]
pub(super) struct Search {
    wanted_lufs: f64,
    ceiling: f64,
    /// Loudness of the clip at gain 1.
    plain_lufs: f64,
    /// Gain that would do without a limiter, dB.
    plain_db: f64,
    model: Model,
    /// Gain in dB and the loudness it gave.
    tried: Vec<(f64, f64)>,
}

impl Search {
    pub(super) fn new(wanted_lufs: f64, plain_lufs: f64, ceiling: f64, model: Model) -> Self {
        let plain_db = (wanted_lufs - plain_lufs).min(GAIN_DB_MAX);
        Self { wanted_lufs, ceiling, plain_lufs, plain_db, model, tried: Vec::new() }
    }

    /// The next gain to try, dB; none where the best is known.
    pub(super) fn next_db(&self) -> Option<f64> {
        let most_db = (self.plain_db + PUSH_DB_MAX).min(GAIN_DB_MAX);
        if self.tried.len() >= TRIALS_MAX {
            return None;
        }
        let Some(&(gain_db, lufs)) = self.tried.last() else {
            return Some(self.guess_db(most_db));
        };
        let missing = self.wanted_lufs - lufs;
        if missing.abs() <= CLOSE_LU || (gain_db >= most_db && missing > 0.0) {
            return None;
        }
        let slope = match self.tried[..] {
            [.., (a, x), (b, y)] if (b - a).abs() > 1e-6 => (y - x) / (b - a),
            _ => {
                let at = |db: f64| db + self.model.loss_db(amplitude(db), self.ceiling);
                (at(gain_db + 0.5) - at(gain_db - 0.5)) / 1.0
            }
        };
        Some((gain_db + missing / slope.clamp(0.15, 1.2)).clamp(self.plain_db - 1.0, most_db))
    }

    /// Takes what a trial gave; nothing measured counts as silence.
    pub(super) fn tell(&mut self, gain_db: f64, loudness: &Loudness) {
        self.tried.push((gain_db, loudness.integrated_lufs.unwrap_or(-70.0)));
    }

    /// The gain that came nearest, dB.
    pub(super) fn best_db(&self) -> f64 {
        let miss = |(_, lufs): &(f64, f64)| (lufs - self.wanted_lufs).abs();
        let best = self.tried.iter().min_by(|a, b| miss(a).total_cmp(&miss(b)));
        best.map_or(self.plain_db, |(gain_db, _)| *gain_db)
    }

    /// By the model alone: loudness grows with gain, so halving finds it.
    fn guess_db(&self, most_db: f64) -> f64 {
        let (mut low, mut high) = (self.plain_db, most_db);
        for _ in 0..12 {
            let middle = 0.5 * (low + high);
            let lufs = self.plain_lufs + middle + self.model.loss_db(amplitude(middle), self.ceiling);
            if lufs < self.wanted_lufs { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limiter that takes a part of all that is above -20 dB.
    fn heard(gain_db: f64) -> f64 {
        -20.0 + gain_db - 0.3 * (gain_db - 2.0).max(0.0).powf(1.3)
    }

    #[test]
    fn the_gain_is_found_in_three_trials_also_with_a_poor_model() {
        for wanted in [-19.0, -16.0, -13.0, -11.0] {
            let mut search = Search::new(wanted, -20.0, 0.9, Model::default());
            while let Some(gain_db) = search.next_db() {
                let integrated_lufs = Some(heard(gain_db));
                let loudness = Loudness { integrated_lufs, sample_peak_dbfs: None, true_peak_dbtp: None };
                search.tell(gain_db, &loudness);
            }
            let lufs = heard(search.best_db());
            assert!((lufs - wanted).abs() < 0.1, "{wanted}: {lufs}");
        }
    }

    #[test]
    fn a_loudness_out_of_reach_ends_the_search() {
        let mut search = Search::new(-5.0, -40.0, 0.9, Model::default());
        let mut trials = 0;
        while let Some(gain_db) = search.next_db() {
            let loudness =
                Loudness { integrated_lufs: Some(-30.0), sample_peak_dbfs: None, true_peak_dbtp: None };
            search.tell(gain_db, &loudness);
            trials += 1;
        }
        assert!(trials <= TRIALS_MAX && search.best_db() <= 60.0);
    }
}
