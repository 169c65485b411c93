//! The matching equaliser: two smooth curves, for middle and side, and the linear-phase filters that make them.

use super::Job;
use super::planes::{Group, groups};
use super::portrait::{Portrait, SILENCE, Spectra};
use super::target::{FULL, Target, neutral};
use crate::dsp::Fir;
use crate::dsp::lowess::{Spline, lowess};
use crate::dsp::window::hann_periodic;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

/// The curve is smoothed over a logarithmic axis with so many points a bin, this part of it at a time.
const POINTS_A_BIN: usize = 4;
const SMOOTH_PART: f64 = 0.0375;
const SMOOTH_DELTA: f64 = 0.001;
/// Towards the neutral tone, which knows nothing of the music: wider and with less range.
const NEUTRAL_PART: f64 = 0.15;
const NEUTRAL_RANGE_DB: f64 = 6.0;
/// Magnitudes below this are not divided by.
const MAGNITUDE_MIN: f64 = 1e-6;

/// What is above these parts of the band fades away and is gone, where true peaks count: filters of finite length see
/// less of it than ideal ones do, and nothing there is heard.
const TOP: (f64, f64) = (0.96, 0.97);

/// Gains by bin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curves {
    pub(super) mid: Vec<f64>,
    /// None: the sides get the middle's.
    pub(super) side: Option<Vec<f64>>,
}

impl Curves {
    /// The curves that make `clip` like `target`; none where there is nothing to do.
    pub(super) fn design(job: &Job, clip: &Portrait, target: Option<&Target>) -> Option<Self> {
        let goal = &job.goal;
        let mut own = clip.spectra.clone()?;
        if goal.amount <= 0.0 || clip.level < SILENCE {
            return None;
        }
        let bin_hz = f64::from(job.clip.rate_hz) / job.fft_frames as f64;
        let (wanted, shape) = match target {
            Some(target) => {
                // Both as they are where the reference peaks at full scale, the clip as loud as it: the curve is about tone,
                // level comes later, but what is too little to be divided by is so there.
                let up = FULL / target.peak.max(SILENCE);
                let scaled = |plane: &Vec<f64>, by: f64| plane.iter().map(|x| x * by).collect::<Vec<_>>();
                let both = |of: &Spectra, by: f64| Spectra {
                    mid: scaled(&of.mid, by),
                    side: of.side.as_ref().map(|side| scaled(side, by)),
                };
                let wanted = both(target.spectra.as_ref()?, up);
                own = both(&own, up * target.level / clip.level);
                (wanted, Shape { part: SMOOTH_PART, range_db: goal.range_db, edge: target.edge_hz / bin_hz })
            }
            None => {
                let side = own.side.as_ref().map(|side| neutral(side, bin_hz));
                let range_db = goal.range_db.min(NEUTRAL_RANGE_DB);
                let wanted = Spectra { mid: neutral(&own.mid, bin_hz), side };
                (wanted, Shape { part: NEUTRAL_PART, range_db, edge: f64::INFINITY })
            }
        };
        let side = own.side.as_ref().zip(wanted.side.as_ref()).filter(|_| goal.sides);
        Some(Self {
            mid: shape.curve(&own.mid, &wanted.mid, goal.amount),
            side: side.map(|(own, wanted)| shape.curve(own, wanted, goal.amount)),
        })
    }

    /// The curve of the sides, own or not.
    pub(super) fn side(&self) -> &[f64] {
        self.side.as_ref().unwrap_or(&self.mid)
    }
}

/// How a curve is smoothed and bounded.
struct Shape {
    part: f64,
    range_db: f64,
    /// Above this bin the curve stays as it is there.
    edge: f64,
}

impl Shape {
    fn curve(&self, own: &[f64], wanted: &[f64], amount: f64) -> Vec<f64> {
        let mut ratio: Vec<f64> =
            own.iter().zip(wanted).map(|(own, wanted)| wanted / own.max(MAGNITUDE_MIN)).collect();
        if self.edge < ratio.len() as f64 {
            let edge = (self.edge as usize).max(2);
            let below = &ratio[edge * 7 / 8..edge];
            let held = below.iter().sum::<f64>() / below.len().max(1) as f64;
            ratio[edge..].fill(held);
        }
        let limit = super::figures::amplitude(self.range_db);
        let mut curve = smooth(&ratio, self.part);
        curve[1] = ratio[1];
        for gain in &mut curve {
            *gain = gain.clamp(1.0 / limit, limit).powf(amount);
        }
        // No DC in a master.
        curve[0] = 0.0;
        curve
    }
}

/// Local regression over a logarithmic axis from the second bin up, there and back by cubic splines.
fn smooth(ratio: &[f64], part: f64) -> Vec<f64> {
    const FIRST_BIN: f64 = 2.0;
    let last = ratio.len() - 1;
    let steps = last * POINTS_A_BIN;
    let octaves = (last as f64 / FIRST_BIN).ln();
    let linear = Spline::new(ratio);
    let even: Vec<f64> =
        (0..=steps).map(|i| linear.at(FIRST_BIN * (octaves * i as f64 / steps as f64).exp())).collect();
    let even = Spline::new(&lowess(&even, part, SMOOTH_DELTA));
    (0..=last).map(|bin| even.at((bin.max(1) as f64 / FIRST_BIN).ln() / octaves * steps as f64)).collect()
}

/// A linear-phase filter with the gains of `curve` (`n / 2 + 1` bins): `n - 1` taps, the middle one at delay 0.
fn taps(curve: &[f64]) -> Vec<f32> {
    let frames = 2 * (curve.len() - 1);
    let inverse = RealFftPlanner::<f64>::new().plan_fft_inverse(frames);
    let mut spectrum: Vec<Complex<f64>> = curve.iter().map(|gain| Complex::new(*gain, 0.0)).collect();
    let mut response = inverse.make_output_vec();
    inverse
        .process(&mut spectrum, &mut response)
        .expect("vectors have the plan's lengths, and all bins are real");
    response.rotate_right(frames / 2);
    let scale = 1.0 / frames as f64;
    // The window's first value is 0: what is left is symmetric about the middle.
    let window = hann_periodic(frames);
    response
        .iter()
        .zip(&window)
        .skip(1)
        .map(|(tap, weight)| (tap * scale * f64::from(*weight)) as f32)
        .collect()
}

/// The filters, ready to run.
pub(super) struct Equaliser {
    mid: Fir,
    /// For pairs, where the side has a filter of its own.
    pair: Option<Fir>,
}

impl Equaliser {
    /// With the gains of `curves`, flat without; `cut`: without the topmost part of the band. None where nothing is left
    /// to do.
    pub(super) fn new(curves: Option<&Curves>, cut: bool, fft_frames: usize) -> Option<Self> {
        if curves.is_none() && !cut {
            return None;
        }
        let made = |curve: &[f64]| if cut { taps(&below_the_top(curve)) } else { taps(curve) };
        let flat = || vec![1.0; fft_frames / 2 + 1];
        let mid = curves.map_or_else(|| made(&flat()), |curves| made(&curves.mid));
        let side = curves.and_then(|curves| curves.side.as_ref()).map(|side| made(side));
        Some(Self { mid: Fir::new(&mid), pair: side.map(|side| Fir::mid_side(&mid, &side)) })
    }

    /// Frames of sound that must be known before the first and after the last.
    pub(super) fn reach_frames(&self) -> usize {
        self.mid.reach_frames() / 2
    }

    /// Filters `rows`, which reach over both ends, into `out`, which do not.
    pub(super) fn run(&mut self, rows: &[Vec<f32>], out: &mut Vec<Vec<f32>>) {
        let frames = rows[0].len() - self.mid.reach_frames();
        out.resize_with(rows.len(), Vec::new);
        out.iter_mut().for_each(|row| row.resize(frames, 0.0));
        for group in groups(u16::try_from(rows.len()).unwrap_or(u16::MAX)) {
            match *group {
                Group::One(c) => self.mid.filter(&rows[c], &mut out[c]),
                Group::Pair(l, r) => {
                    let (left, right) = out.split_at_mut(r);
                    let fir = self.pair.as_mut().unwrap_or(&mut self.mid);
                    fir.filter_pair([&rows[l], &rows[r]], [&mut left[l], &mut right[0]]);
                }
            }
        }
    }

    /// Filters a middle alone; `sound` reaches over both ends.
    pub(super) fn run_mid(&mut self, sound: &[f32], out: &mut Vec<f32>) {
        out.resize(sound.len() - self.mid.reach_frames(), 0.0);
        self.mid.filter(sound, out);
    }
}

/// The same curve without the topmost part of the band.
fn below_the_top(curve: &[f64]) -> Vec<f64> {
    let (from, to) = TOP;
    let last = (curve.len() - 1) as f64;
    let gone = |bin: usize| ((bin as f64 / last - from) / (to - from)).clamp(0.0, 1.0);
    let left = |bin: usize| 0.5 + 0.5 * (std::f64::consts::PI * gone(bin)).cos();
    curve.iter().enumerate().map(|(bin, gain)| gain * left(bin)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_curve_is_a_delta_and_a_curve_has_symmetric_taps() {
        let flat = taps(&vec![1.0; 513]);
        assert_eq!(flat.len(), 1023);
        assert!((flat[511] - 1.0).abs() < 1e-6);
        assert!(flat.iter().enumerate().all(|(i, tap)| i == 511 || tap.abs() < 1e-6));
        let bent: Vec<f64> = (0..513).map(|i| 1.0 + (f64::from(i) * 0.02).sin()).collect();
        let taps = taps(&bent);
        assert!(taps.iter().zip(taps.iter().rev()).all(|(a, b)| (a - b).abs() < 1e-7));
    }

    #[test]
    fn like_to_like_is_flat_and_the_range_holds() {
        let own: Vec<f64> = (0..2049).map(|i| 1.0 / (1.0 + f64::from(i))).collect();
        let shape = Shape { part: SMOOTH_PART, range_db: 12.0, edge: f64::INFINITY };
        assert!(shape.curve(&own, &own, 1.0)[1..].iter().all(|gain| (gain - 1.0).abs() < 1e-3));
        let limit = super::super::figures::amplitude(12.0) + 1e-9;
        let loud: Vec<f64> = own.iter().map(|x| x * 1e9).collect();
        for (a, b) in [(&own, &loud), (&loud, &own)] {
            assert!(shape.curve(a, b, 1.0)[1..].iter().all(|gain| (1.0 / limit..=limit).contains(gain)));
        }
        let half = shape.curve(&own, &own.iter().map(|x| x * 2.0).collect::<Vec<_>>(), 0.5);
        assert!((half[1000] - 2.0_f64.sqrt()).abs() < 1e-6);
    }
}
