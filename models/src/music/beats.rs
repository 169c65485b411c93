//! Beats, bars and the tempo map, from what was heard. Pure arithmetic.
//!
//! Beats by dynamic programming: D. Ellis, "Beat tracking by dynamic programming", 2007, section 3.3, with a period
//! that may change over time. Bars by where harmony changes and the bass begins, after M. Goto, "An audio-based
//! real-time beat tracking system for music with or without drum-sounds", JNMR 30(2), 2001.

use crate::music::ear::{CHROMA_HOP_FRAMES, Listened, RATE_HZ};
use crate::music::tempo::{Periods, RATE, periods};
use crate::music::time_map::TimeMap;

/// What a beat off its place costs (Ellis 2007: 100 to 680; lower lets players breathe).
const TIGHTNESS: f64 = 100.0;
/// Beats that lie this near a straight line, on average, are one tempo, seconds.
const STEADY_SECONDS: f64 = 0.025;
/// A tempo map goes by at most this far beside its beats, seconds.
const MAP_SECONDS: f64 = 0.04;
/// Fewer beats than these say nothing about bars.
const BAR_BEATS_MIN: usize = 8;
/// How much likelier four beats a bar are than three or two, in standard errors.
const FOUR_BONUS: f64 = 0.5;

/// What the user knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// About how fast it is.
    pub bpm: Option<f64>,
    /// Beats a bar.
    pub bar_beats: Option<u8>,
}

/// Beats and bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Beats {
    /// Where beats are, seconds, in order.
    pub seconds: Vec<f64>,
    /// The first beat of a bar: index into `seconds`, below `bar_beats`.
    pub first_downbeat: usize,
    /// Beats a bar.
    pub bar_beats: u8,
    /// The tempo of most of it, beats a minute.
    pub bpm: f64,
    /// How sure the tempo is, 0 to 1.
    pub bpm_confidence: f64,
    /// How sure the bars are, 0 to 1.
    pub bar_confidence: f64,
}

impl Beats {
    /// First beats of bars, seconds.
    pub fn downbeats(&self) -> impl Iterator<Item = f64> {
        self.seconds.iter().skip(self.first_downbeat).step_by(usize::from(self.bar_beats)).copied()
    }

    /// The tempo map, and how many beats come before the first whole bar.
    ///
    /// A file's beat 0 is the clip's first frame, where hardly ever a beat is: the time before the first beat is one
    /// beat, longer or shorter than others; from then on beats are where they are heard.
    #[must_use]
    pub fn map(&self) -> (TimeMap, u8) {
        let Some((&first, &second)) = self.seconds.first().zip(self.seconds.get(1)) else {
            return (TimeMap::steady(self.bpm), 0);
        };
        // The first beat counts as number 1 where it has room before it, else as number 0.
        let number = if first >= 0.5 * (second - first) { 1 } else { 0 };
        let points: Vec<(f64, f64)> =
            self.seconds.iter().enumerate().map(|(i, t)| (*t, (i + number) as f64)).collect();
        let corners = corners(&points[1 - number..], MAP_SECONDS);
        let pickup = (self.first_downbeat + number) % usize::from(self.bar_beats);
        (TimeMap::through(&corners), pickup as u8)
    }
}

/// Points of a line by which all others go within `tolerance`: Ramer 1972, Douglas & Peucker 1973.
fn corners(points: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    let mut keep = vec![false; points.len()];
    let mut open = Vec::new();
    if let Some(last) = points.len().checked_sub(1) {
        keep[0] = true;
        keep[last] = true;
        open.push((0, last));
    }
    while let Some((from, to)) = open.pop() {
        let slope = (points[to].0 - points[from].0) / (points[to].1 - points[from].1);
        let aside = |i: usize| (points[i].0 - points[from].0 - slope * (points[i].1 - points[from].1)).abs();
        let farthest = (from + 1..to).max_by(|a, b| aside(*a).total_cmp(&aside(*b)));
        if let Some(farthest) = farthest.filter(|i| aside(*i) > tolerance) {
            keep[farthest] = true;
            open.extend([(from, farthest), (farthest, to)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(point, _)| *point).collect()
}

/// Finds them; none where nothing repeats.
#[must_use]
pub fn beats(heard: &Listened, known: Known) -> Option<Beats> {
    let periods = periods(&heard.onsets, known.bpm)?;
    let rough = track(&heard.onsets, &periods);
    let mut seconds: Vec<f64> = rough.iter().map(|beat| heard.seconds_at(*beat)).collect();
    if seconds.len() < 2 {
        return None;
    }
    if let Some((start, period)) = steady(&seconds, &peaks(heard)) {
        // From the first beat that is in the clip to the last one.
        let last = seconds[seconds.len() - 1];
        let skipped = ((seconds[0] - start) / period).round();
        let first = start + skipped * period;
        let first = if first < 0.0 { first + period } else { first };
        let count = ((last - first) / period).round().max(1.0) as usize;
        seconds = (0..=count).map(|i| first + i as f64 * period).filter(|t| *t <= heard.seconds).collect();
        if seconds.len() < 2 {
            return None;
        }
    }
    let mut steps: Vec<f64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    let bpm = 60.0 / steps[steps.len() / 2];
    let (bar_beats, first_downbeat, bar_confidence) = bars(heard, &seconds, known.bar_beats);
    let bpm_confidence = periods.clarity * (1.0 - (-(seconds.len() as f64) / 8.0).exp());
    Some(Beats { seconds, first_downbeat, bar_beats, bpm, bpm_confidence, bar_confidence })
}

/// Beats as indices of onset strengths, between two of them where the strengths say so.
fn track(onsets: &[f32], periods: &Periods) -> Vec<f64> {
    let mean = onsets.iter().map(|x| f64::from(*x)).sum::<f64>() / onsets.len().max(1) as f64;
    let power = onsets.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>();
    let deviation = (power / onsets.len().max(1) as f64).sqrt().max(1e-9);
    let strength = |i: usize| onsets.get(i).map_or(0.0, |x| f64::from(*x) / deviation);
    let blurred =
        |i: usize| 0.5 * strength(i) + 0.25 * (strength(i + 1) + i.checked_sub(1).map_or(0.0, strength));
    let mut total = vec![0.0_f32; onsets.len()];
    let mut from = vec![u32::MAX; onsets.len()];
    for t in 0..onsets.len() {
        let period = periods.at(t);
        let nearest = (period / 2.0).round() as usize;
        let farthest = (2.0 * period).round() as usize;
        let mut best = (0.0, u32::MAX);
        for back in nearest.max(1)..=farthest.min(t) {
            let off = (back as f64 / period).ln();
            let score = f64::from(total[t - back]) - TIGHTNESS * off * off;
            if score > best.0 {
                best = (score, (t - back) as u32);
            }
        }
        total[t] = (blurred(t) + best.0) as f32;
        from[t] = best.1;
    }
    let mut path = Vec::new();
    let tail = onsets.len().saturating_sub(periods.at(onsets.len()).round() as usize);
    let mut at = (tail..onsets.len()).max_by(|a, b| total[*a].total_cmp(&total[*b])).map(|i| i as u32);
    while let Some(t) = at.filter(|t| *t != u32::MAX) {
        path.push(t as usize);
        at = Some(from[t as usize]);
    }
    path.reverse();
    let most = onsets.iter().copied().fold(0.0, f32::max);
    // Before the music begins and after it ends there are no beats to hear.
    let sounds = |i: &usize| onsets[*i] > 0.05 * most;
    let (first, last) = ((0..onsets.len()).find(sounds), (0..onsets.len()).rev().find(sounds));
    let reach = |t: usize| periods.at(t) as usize / 2;
    path.retain(|t| first.is_some_and(|f| t + reach(*t) >= f) && last.is_some_and(|l| *t <= l + reach(*t)));
    path.iter().map(|t| *t as f64 + vertex(onsets, *t)).collect()
}

/// Where between `t - 1/2` and `t + 1/2` a parabola through three strengths is highest.
fn vertex(x: &[f32], t: usize) -> f64 {
    let Some([a, b, c]) = t.checked_sub(1).and_then(|from| x.get(from..from + 3)).map(|x| [x[0], x[1], x[2]])
    else {
        return 0.0;
    };
    let bow = f64::from(a - 2.0 * b + c);
    if b < a || b < c || bow >= 0.0 { 0.0 } else { (f64::from(a - c) / (2.0 * bow)).clamp(-0.5, 0.5) }
}

/// Onsets that stand out: time and strength.
fn peaks(heard: &Listened) -> Vec<(f64, f64)> {
    let x = &heard.onsets;
    let most = x.iter().copied().fold(0.0, f32::max);
    let is_peak = |i: &usize| {
        let around = &x[i.saturating_sub(3)..x.len().min(i + 4)];
        x[*i] > 0.1 * most && around.iter().all(|y| x[*i] >= *y)
    };
    (0..x.len())
        .filter(is_peak)
        .map(|i| (heard.seconds_at(i as f64 + vertex(x, i)), f64::from(x[i])))
        .collect()
}

/// The straight line through the beats, (first beat, period), where they lie on one; made exact by all onsets that
/// lie on a half of a beat.
fn steady(beats: &[f64], peaks: &[(f64, f64)]) -> Option<(f64, f64)> {
    let numbered = beats.iter().enumerate().map(|(i, t)| (i as f64, *t, 1.0));
    let (mut start, mut period) = fit(numbered)?;
    let aside = |(i, t): (usize, &f64)| (t - start - period * i as f64).powi(2);
    let off = (beats.iter().enumerate().map(aside).sum::<f64>() / beats.len() as f64).sqrt();
    // Of few beats a line says little: what is tolerated shrinks with their number.
    if off > STEADY_SECONDS {
        return None;
    }
    for _ in 0..6 {
        let on_grid = peaks.iter().filter_map(|(t, strength)| {
            let half = ((t - start) / (0.5 * period)).round();
            let off = (t - start - 0.5 * half * period).abs();
            (off < 0.12 * period).then_some((0.5 * half, *t, *strength))
        });
        if on_grid.clone().count() < 3 {
            break;
        }
        match fit(on_grid) {
            // A fit that runs away follows syncopes, not beats.
            Some((s, p)) if (p / period - 1.0).abs() < 0.04 => (start, period) = (s, p),
            _ => break,
        }
    }
    Some((start, period))
}

/// Least squares of `t = start + period * number` over (number, t, weight).
fn fit(points: impl Iterator<Item = (f64, f64, f64)> + Clone) -> Option<(f64, f64)> {
    let mut sums = [0.0; 3];
    for (x, y, w) in points.clone() {
        [w, w * x, w * y].iter().zip(&mut sums).for_each(|(add, sum)| *sum += add);
    }
    let (mean_x, mean_y) = (sums[1] / sums[0], sums[2] / sums[0]);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y, w) in points {
        xx += w * (x - mean_x).powi(2);
        xy += w * (x - mean_x) * (y - mean_y);
    }
    let period = xy / xx;
    (period.is_finite() && period > 0.0).then(|| (mean_y - period * mean_x, period))
}

/// Beats a bar, the first downbeat, and how sure that is.
fn bars(heard: &Listened, beats: &[f64], known: Option<u8>) -> (u8, usize, f64) {
    let accents = accents(heard, beats);
    let mut best = (f64::NEG_INFINITY, known.unwrap_or(4), 0);
    let mut second = f64::NEG_INFINITY;
    let meters: &[u8] = if known.is_some() { &[best.1] } else { &[4, 3] };
    for &meter in meters {
        for phase in 0..usize::from(meter).min(beats.len()) {
            let on: Vec<f64> = accents.iter().skip(phase).step_by(meter.into()).copied().collect();
            let n = accents.len() as f64;
            // Accents have mean 0 and deviation 1: this many standard errors is the downbeats' mean from all others'.
            let bonus = if meter == 4 { FOUR_BONUS } else { 0.0 };
            let score =
                on.iter().sum::<f64>() / (on.len().max(1) as f64) * (n / f64::from(meter)).sqrt() + bonus;
            if score > best.0 {
                second = best.0;
                best = (score, meter, phase);
            } else {
                second = second.max(score);
            }
        }
    }
    if beats.len() < BAR_BEATS_MIN {
        return (best.1, best.2, 0.0);
    }
    // 3 standard errors ahead of the next best is beyond doubt.
    (best.1, best.2, ((best.0 - second) / 3.0).clamp(0.0, 1.0))
}

/// How much each beat stands out: change of harmony, bass and onset; mean 0, deviation 1.
fn accents(heard: &Listened, beats: &[f64]) -> Vec<f64> {
    let near = |x: &[f32], t: f64| {
        let at = (t * RATE).round() as usize;
        let around = at.saturating_sub(3).min(x.len())..x.len().min(at + 4);
        x[around].iter().copied().fold(0.0, f32::max)
    };
    let harmony = |i: usize| {
        let step = beats[i.max(1)] - beats[i.max(1) - 1];
        let (before, after) =
            (chroma(heard, beats[i] - step, beats[i]), chroma(heard, beats[i], beats[i] + step));
        1.0 - cosine(&before, &after)
    };
    let parts = [
        standard((0..beats.len()).map(harmony).collect()),
        standard(beats.iter().map(|t| f64::from(near(&heard.bands[0], *t))).collect()),
        standard(beats.iter().map(|t| f64::from(near(&heard.onsets, *t))).collect()),
    ];
    standard((0..beats.len()).map(|i| 0.5 * parts[0][i] + 0.3 * parts[1][i] + 0.2 * parts[2][i]).collect())
}

fn standard(x: Vec<f64>) -> Vec<f64> {
    let n = x.len().max(1) as f64;
    let mean = x.iter().sum::<f64>() / n;
    let deviation = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    x.iter().map(|x| if deviation > 1e-9 { (x - mean) / deviation } else { 0.0 }).collect()
}

fn chroma(heard: &Listened, from_seconds: f64, to_seconds: f64) -> [f64; 12] {
    let index = |t: f64| (t * f64::from(RATE_HZ) / CHROMA_HOP_FRAMES as f64).round().max(0.0) as usize;
    let from = index(from_seconds).min(heard.chroma.len());
    let to = (index(to_seconds)).clamp(from, heard.chroma.len());
    let mut sum = [0.0; 12];
    for column in &heard.chroma[from..to] {
        sum.iter_mut().zip(column).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sum
}

fn cosine(a: &[f64; 12], b: &[f64; 12]) -> f64 {
    let dot = |a: &[f64; 12], b: &[f64; 12]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = (dot(a, a) * dot(b, b)).sqrt();
    if scale > 0.0 { dot(a, b) / scale } else { 1.0 }
}
