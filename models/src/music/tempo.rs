//! How fast the beat goes, from onset strengths, over time. Pure arithmetic.
//!
//! Autocorrelation of eight seconds at a time, weighted towards 120 beats a minute as people do (Ellis 2007, section
//! 3.2), and the best path through the tempi of all of them (Viterbi): a tempo changes where the music does, not where
//! a fill confuses it.

use crate::music::ear::{HOP_FRAMES, RATE_HZ};

/// Onset strengths a second.
pub const RATE: f64 = RATE_HZ as f64 / HOP_FRAMES as f64;
/// Slowest and fastest tempo that is found.
pub const BPM: (f64, f64) = (40.0, 240.0);

const WINDOW: usize = (8.0 * RATE) as usize;
const STEP: usize = (2.0 * RATE) as usize;
/// From one tempo to the next.
const RATIO: f64 = 1.015;
/// Where people clap, beats a minute, and how widely, octaves.
const PREFERRED: (f64, f64) = (120.0, 0.9);
/// What a change of an octave costs, where the best tempo of a window is worth 1.
const CHANGE_COST: f64 = 8.0;

/// The period of the beat, in onset strengths, at each step of [`Periods::STEP`].
#[derive(Clone, Debug, PartialEq)]
pub struct Periods {
    steps: Vec<f64>,
    /// How clearly onsets repeat at these periods, 0 to 1.
    pub clarity: f64,
}

impl Periods {
    /// Onset strengths from one period to the next.
    pub const STEP: usize = STEP;

    /// The period at an onset strength.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        let step = (index / STEP).min(self.steps.len() - 1);
        self.steps[step]
    }
}

/// The beat's period over time; none where nothing repeats. `hint_bpm`: what the user knows it to be, about.
#[must_use]
pub fn periods(onsets: &[f32], hint_bpm: Option<f64>) -> Option<Periods> {
    let count = ((BPM.1 / BPM.0).ln() / RATIO.ln()).ceil() as usize;
    let tempi: Vec<f64> = (0..=count).map(|i| BPM.0 * RATIO.powi(i as i32)).collect();
    let prior: Vec<f64> = tempi
        .iter()
        .map(|bpm| {
            let (centre, octaves) = hint_bpm.map_or(PREFERRED, |hint| (hint, 0.08));
            (-0.5 * ((bpm / centre).log2() / octaves).powi(2)).exp()
        })
        .collect();
    let mut scores: Vec<Vec<f64>> = Vec::new();
    let mut from = 0;
    loop {
        let window = &onsets[from..onsets.len().min(from + WINDOW)];
        scores.push(score(window, &tempi, &prior));
        if from + WINDOW >= onsets.len() {
            break;
        }
        from += STEP;
    }
    if scores.iter().flatten().all(|x| *x <= 0.0) {
        return None;
    }
    let path = path(&scores);
    let clear: f64 = path.iter().zip(&scores).map(|(tempo, score)| score[*tempo]).sum();
    // A window stands for what lies around its middle, not for its start.
    let middle = (WINDOW / STEP) / 2;
    let steps = (0..onsets.len().div_ceil(STEP).max(1)).map(|step| {
        let tempo = path[step.saturating_sub(middle).min(path.len() - 1)];
        60.0 * RATE / tempi[tempo]
    });
    Some(Periods { steps: steps.collect(), clarity: (clear / scores.len() as f64).clamp(0.0, 1.0) })
}

/// How well each tempo explains a window, at most about 1.
fn score(window: &[f32], tempi: &[f64], prior: &[f64]) -> Vec<f64> {
    let slowest = 2.0 * 60.0 * RATE / BPM.0;
    let lags = (slowest.ceil() as usize + 2).min(window.len());
    let mean = window.iter().map(|x| f64::from(*x)).sum::<f64>() / window.len().max(1) as f64;
    let centred: Vec<f64> = smooth(&window.iter().map(|x| f64::from(*x) - mean).collect::<Vec<_>>());
    let energy: f64 = centred.iter().map(|x| x * x).sum();
    // 1e-6 of a strength: rounding in silence does not repeat.
    if energy <= 1e-6 * window.len() as f64 {
        return vec![0.0; tempi.len()];
    }
    let repeats: Vec<f64> = (0..lags)
        .map(|lag| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / energy)
        .collect();
    let at = |lag: f64| {
        let (whole, part) = (lag.floor() as usize, lag.fract());
        let get = |i: usize| repeats.get(i).copied().unwrap_or(0.0);
        get(whole) * (1.0 - part) + get(whole + 1) * part
    };
    tempi
        .iter()
        .zip(prior)
        .map(|(bpm, prior)| {
            let lag = 60.0 * RATE / bpm;
            (0.6 * at(lag) + 0.4 * at(2.0 * lag)).max(0.0) * prior
        })
        .collect()
}

/// A little blur, so that onsets that are one step off still meet.
fn smooth(x: &[f64]) -> Vec<f64> {
    let get = |i: usize, d: isize| i.checked_add_signed(d).and_then(|i| x.get(i)).copied().unwrap_or(0.0);
    (0..x.len())
        .map(|i| 0.4 * get(i, 0) + 0.24 * (get(i, -1) + get(i, 1)) + 0.06 * (get(i, -2) + get(i, 2)))
        .collect()
}

/// The most likely tempo of each window, all windows considered.
fn path(scores: &[Vec<f64>]) -> Vec<usize> {
    let tempi = scores.first().map_or(0, Vec::len);
    let cost = |a: usize, b: usize| CHANGE_COST * RATIO.log2() * a.abs_diff(b) as f64;
    let scaled = |score: &Vec<f64>| -> Vec<f64> {
        let most = score.iter().copied().fold(0.0, f64::max);
        score.iter().map(|x| if most > 0.0 { x / most } else { 0.0 }).collect()
    };
    let mut total = scores.first().map(scaled).unwrap_or_default();
    let mut from: Vec<Vec<u8>> = Vec::new();
    for score in &scores[1..] {
        let best = |to: usize| {
            let reached = total.iter().enumerate().map(|(i, x)| (x - cost(i, to), i));
            reached.fold((f64::NEG_INFINITY, 0), |best, next| if next.0 > best.0 { next } else { best })
        };
        let reached: Vec<(f64, usize)> = (0..tempi).map(best).collect();
        total = reached.iter().zip(scaled(score)).map(|((x, _), s)| x + s).collect();
        from.push(reached.iter().map(|(_, i)| *i as u8).collect());
    }
    let last = (0..tempi).fold(0, |best, i| if total[i] > total[best] { i } else { best });
    let mut path = vec![last];
    for from in from.iter().rev() {
        path.push(usize::from(from[path[path.len() - 1]]));
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses(bpm: f64, seconds: f64) -> Vec<f32> {
        let mut onsets = vec![0.0; (seconds * RATE) as usize];
        let mut at = 0.0;
        while at < seconds - 0.1 {
            onsets[(at * RATE).round() as usize] = 1.0;
            at += 60.0 / bpm;
        }
        onsets
    }

    #[test]
    fn steady_pulses_have_their_tempo() {
        for bpm in [70.0, 96.0, 120.0, 133.0, 170.0] {
            let periods = periods(&pulses(bpm, 30.0), None).unwrap();
            let found = 60.0 * RATE / periods.at(800);
            let octave = (found / bpm).log2();
            assert!((octave - octave.round()).abs() < 0.03, "{bpm}: {found}");
        }
    }

    #[test]
    fn a_hint_decides_between_octaves() {
        for hint in [60.0, 120.0, 240.0] {
            let found = 60.0 * RATE / periods(&pulses(120.0, 30.0), Some(hint)).unwrap().at(0);
            let wrong = (found / hint).log2().abs();
            assert!(wrong < 0.03 || hint == 240.0, "{hint}: {found}");
        }
    }

    #[test]
    fn silence_has_no_tempo_and_short_things_do_no_harm() {
        assert_eq!(periods(&vec![0.0; 3000], None), None);
        assert_eq!(periods(&[], None), None);
        assert_eq!(periods(&[1.0], None), None);
        let _ = periods(&[0.0, 1.0, 0.0], None);
    }
}
