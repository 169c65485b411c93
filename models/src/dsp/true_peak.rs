//! Peaks between the frames: eightfold oversampling in two steps, as ITU-R BS.1770-4 Annex 2 asks for and finer.
//! Never keeps the oversampled sound.
//!
//! First a half-band filter doubles the rate; it is long, since near the Nyquist frequency every tap counts. Then three
//! short filters look between the frames of the doubled rate, where the sound fills the lower half of the band only.

use std::f64::consts::PI;
use std::sync::OnceLock;

/// Pairs of taps of the half-band filter.
const HALF_PAIRS: usize = 48;
/// Taps of each short filter.
const SHORT_TAPS: usize = 12;
/// Kaiser's beta for the first and the second step: how far ripple lies below, about 80 and 70 dB.
const BETA: [f64; 2] = [7.5, 7.0];
/// Frames at a time: what is worked on stays in the nearest cache.
const RUN_FRAMES: usize = 128;
/// The doubled rate is needed this far before the first and after the last frame, for the short filters.
const SIDE_FRAMES: usize = SHORT_TAPS / 4 + 1;

/// Frames of sound that must be known before the first and after the last frame asked for.
pub const REACH_FRAMES: usize = HALF_PAIRS + SIDE_FRAMES;

struct Filters {
    /// Half of the symmetric filter for the point half way between two frames, nearest pair first.
    half: [f32; HALF_PAIRS],
    /// For a quarter, a half and three quarters of the doubled rate's distance.
    short: [[f32; SHORT_TAPS]; 3],
    /// Sums of magnitudes of the taps: what goes in cannot come out larger by more than that.
    half_gain: f32,
    short_gain: f32,
}

/// Finds, for every frame, the largest magnitude of the oversampled sound from that frame up to the next one.
pub struct Oversampler {
    between: Vec<f32>,
    sum: Vec<f32>,
}

/// The highest point of a channel so far. Sound is pushed in; frames after the last push are taken as silence.
pub struct TruePeakMeter {
    oversampler: Oversampler,
    channels: Vec<Vec<f32>>,
    peaks: Vec<f32>,
    highest: f32,
}

impl Default for Oversampler {
    fn default() -> Self {
        Self { between: vec![0.0; RUN_FRAMES + 2 * SIDE_FRAMES], sum: vec![0.0; RUN_FRAMES] }
    }
}

impl Oversampler {
    /// Raises `peaks[i]` to the largest magnitude in `[i, i + 1)`, seen at eight points. Where nothing can be above
    /// `floor` this may be left undone, which saves most of the work.
    /// `sound` has [`REACH_FRAMES`] frames more than `peaks` at each end.
    ///
    /// # Panics
    /// Where the lengths do not fit.
    pub fn raise(&mut self, sound: &[f32], floor: f32, peaks: &mut [f32]) {
        assert_eq!(sound.len(), peaks.len() + 2 * REACH_FRAMES, "sound reaches over both ends");
        let mut at = 0;
        for peaks in peaks.chunks_mut(RUN_FRAMES) {
            let sound = &sound[at..at + peaks.len() + 2 * REACH_FRAMES];
            if highest(sound) * filters().half_gain * filters().short_gain > floor {
                self.raise_run(sound, floor, peaks);
            }
            at += peaks.len();
        }
    }

    fn raise_run(&mut self, sound: &[f32], floor: f32, peaks: &mut [f32]) {
        let filters = filters();
        let count = peaks.len() + 2 * SIDE_FRAMES - 1;
        let first = REACH_FRAMES - SIDE_FRAMES;
        // The doubled rate's frames 2 j and 2 j + 1 are `on[j]` and `between[j]`; peak `i` covers frames
        // 2 (i + SIDE_FRAMES) and the next, each with what follows it.
        let on = &sound[first..][..count];
        let between = &mut self.between[..count];
        between.fill(0.0);
        for (pair, tap) in filters.half.iter().enumerate() {
            let left = &sound[first - pair..][..count];
            let right = &sound[first + 1 + pair..][..count];
            for ((sum, left), right) in between.iter_mut().zip(left).zip(right) {
                *sum += tap * (left + right);
            }
        }
        raise(peaks, &on[SIDE_FRAMES..]);
        raise(peaks, &between[SIDE_FRAMES..]);
        if highest(on).max(highest(between)) * filters.short_gain <= floor {
            return;
        }
        for half in 0..2 {
            for short in &filters.short {
                let sum = &mut self.sum[..peaks.len()];
                sum.fill(0.0);
                for (k, tap) in short.iter().enumerate() {
                    let frame = 2 * SIDE_FRAMES + half + k - (SHORT_TAPS / 2 - 1);
                    let from = if frame.is_multiple_of(2) { on } else { &*between };
                    for (sum, x) in sum.iter_mut().zip(&from[frame / 2..]) {
                        *sum += tap * x;
                    }
                }
                raise(peaks, sum);
            }
        }
    }
}

fn raise(peaks: &mut [f32], sound: &[f32]) {
    for (peak, x) in peaks.iter_mut().zip(sound) {
        *peak = if x.abs() > *peak { x.abs() } else { *peak };
    }
}

/// The largest magnitude, 0 for none.
fn highest(sound: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let runs = sound.chunks_exact(8);
    let rest = runs.remainder().iter().fold(0.0, |top: f32, x| top.max(x.abs()));
    for run in runs {
        for (top, x) in lanes.iter_mut().zip(run) {
            *top = if x.abs() > *top { x.abs() } else { *top };
        }
    }
    lanes.iter().copied().fold(rest, f32::max)
}

impl TruePeakMeter {
    /// For `channels` channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        // Before the first frame there is silence.
        let channels = vec![vec![0.0; 2 * REACH_FRAMES]; channels];
        Self { oversampler: Oversampler::default(), channels, peaks: Vec::new(), highest: 0.0 }
    }

    /// Takes the next block, `[channels][frames]`.
    pub fn push(&mut self, block: &[&[f32]]) {
        let frames = block.first().map_or(0, |channel| channel.len());
        for (held, channel) in self.channels.iter_mut().zip(block) {
            held.extend_from_slice(channel);
            self.peaks.clear();
            self.peaks.resize(frames, 0.0);
            self.oversampler.raise(held, self.highest, &mut self.peaks);
            self.highest = self.peaks.iter().copied().fold(self.highest, f32::max);
            held.drain(..frames);
        }
    }

    /// The highest magnitude of all that was pushed, as if silence followed; full scale is 1.
    pub fn peak(&mut self) -> f32 {
        let silence = [0.0; 2 * REACH_FRAMES];
        let (before, channels) = (self.channels.clone(), self.channels.len());
        self.push(&vec![&silence[..]; channels]);
        self.channels = before;
        self.highest
    }
}

fn filters() -> &'static Filters {
    static FILTERS: OnceLock<Filters> = OnceLock::new();
    FILTERS.get_or_init(|| {
        let mut half = [0.0; HALF_PAIRS];
        let taps: Vec<f64> =
            (0..HALF_PAIRS).map(|i| tap(i as f64 + 0.5, HALF_PAIRS as f64, BETA[0])).collect();
        let sum = 2.0 * taps.iter().sum::<f64>();
        for (to, tap) in half.iter_mut().zip(&taps) {
            *to = (tap / sum) as f32;
        }
        let short = [0.25, 0.5, 0.75].map(|between| {
            let place = |k: usize| k as f64 - (SHORT_TAPS / 2 - 1) as f64 - between;
            let taps: Vec<f64> =
                (0..SHORT_TAPS).map(|k| tap(place(k), SHORT_TAPS as f64 / 2.0, BETA[1])).collect();
            let sum: f64 = taps.iter().sum();
            std::array::from_fn(|k| (taps[k] / sum) as f32)
        });
        // A hair more, for the sums above are rounded.
        let gain = |taps: &[f32]| 1.001 * taps.iter().map(|tap| tap.abs()).sum::<f32>();
        let short_gain = short.iter().map(|taps| gain(taps)).fold(1.0, f32::max);
        Filters { half, short, half_gain: (2.0 * gain(&half)).max(1.0), short_gain }
    })
}

/// An ideal low-pass under a Kaiser window (Kaiser 1974) of half width `reach`, at distance `x`.
fn tap(x: f64, reach: f64, beta: f64) -> f64 {
    let inside = 1.0 - (x / reach).powi(2);
    if inside <= 0.0 {
        return 0.0;
    }
    let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
    sinc * bessel(beta * inside.sqrt()) / bessel(beta)
}

/// The modified Bessel function of order 0, by its power series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-12 * sum {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak_of(sound: &[f32]) -> f32 {
        let mut meter = TruePeakMeter::new(1);
        for block in sound.chunks(1000) {
            meter.push(&[block]);
        }
        meter.peak()
    }

    #[test]
    fn a_sine_is_as_high_between_its_frames_as_it_is() {
        // A quarter of the rate at 45 degrees: every frame is 3 dB below the peak.
        for (hz, phase) in [(0.25, 0.25 * PI), (0.125, 0.3), (0.01, 0.0), (0.4, 1.0), (0.45, 0.2)] {
            let sine = |i: usize| 2.0 * PI * hz * i as f64 + phase;
            // Faded in and out, for a sine that begins all at once is higher than itself.
            let sound: Vec<f32> = (0..20_000)
                .map(|i| ((i as f64 / 20_000.0 * PI).sin().powi(2) * sine(i).sin()) as f32)
                .collect();
            let peak = peak_of(&sound);
            // 0.4 %: eight points a frame miss the top of a sine near the Nyquist frequency by 1 - cos(pi / 16 * 0.9).
            assert!((peak - 1.0).abs() < 0.016, "{hz}: {peak}");
        }
    }

    #[test]
    fn a_frame_is_a_point_of_the_curve_and_silence_has_no_peak() {
        let mut sound = vec![0.0; 3000];
        assert_eq!(peak_of(&sound), 0.0);
        sound[2999] = -0.5;
        assert!((peak_of(&sound) - 0.5).abs() < 1e-3, "{}", peak_of(&sound));
        assert_eq!(peak_of(&[0.25]), 0.25);
    }

    #[test]
    fn blocks_do_not_matter() {
        let sound: Vec<f32> = (0..5000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        let mut meter = TruePeakMeter::new(1);
        sound.chunks(37).for_each(|block| meter.push(&[block]));
        assert_eq!(meter.peak(), peak_of(&sound));
    }
}
