//! Peaks between the frames: eightfold oversampling in two steps, as ITU-R BS.1770-4 Annex 2 asks for and finer.
//! Never keeps the oversampled sound.
//!
//! First a half-band filter doubles the rate; it is long, since near the Nyquist frequency every tap counts. Then three
//! short filters look between the frames of the doubled rate, where the sound fills the lower half of the band only.
//! What lies in the topmost 2.5 % of the band is seen weaker than by an ideal filter, as by every meter of finite length.
//!
//! Most sound need not be looked at: between two frames the curve is a straight line and what the bends of the sound
//! around it add, which has a bound (`Reach`). Where that is below what matters, nothing is missed.

use std::f64::consts::PI;
use std::sync::OnceLock;

/// Pairs of taps of the half-band filter.
const HALF_PAIRS: usize = 64;
/// Taps of each short filter.
const SHORT_TAPS: usize = 12;
/// The parts of the doubled rate's distance that they look at.
const SHORT_PARTS: [f64; 3] = [0.25, 0.5, 0.75];
/// Kaiser's beta for the first and the second step. The first trades ripple (0.02 dB) for a steep end, which matters
/// more: on square waves and clipped noise it sees 0.05 to 0.1 dB more of what an ideal filter sees than beta 7.5.
const BETA: [f64; 2] = [4.5, 7.0];
/// Frames at a time: what is worked on stays in the nearest cache.
const RUN_FRAMES: usize = 64;
/// The doubled rate is needed this far before the first and after the last frame, for the short filters.
const SIDE_FRAMES: usize = SHORT_TAPS / 4 + 1;

/// Frames of sound that must be known before the first and after the last frame asked for.
pub const REACH_FRAMES: usize = HALF_PAIRS + SIDE_FRAMES;
/// Runs that a run's surroundings touch: its own, what it reaches, and one more since it begins within one.
const RUNS_AROUND: usize = 2 + (2 * REACH_FRAMES - 1) / RUN_FRAMES;

struct Filters {
    /// Half of the symmetric filter for the point half way between two frames, nearest pair first.
    half: [f32; HALF_PAIRS],
    /// For these parts of the doubled rate's distance.
    short: [[f32; SHORT_TAPS]; 3],
    /// Of both steps together, over the frames; of the second alone, over the doubled rate's.
    reaches: [Reach; 2],
}

/// How far above the highest frame around it a point between two frames can be.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    /// Part of that frame.
    top: f32,
    /// Part of the largest second difference of the frames that a filter sees.
    bend: f32,
}

/// The largest magnitude of some frames, and of their second differences.
#[derive(Clone, Copy, Debug, Default)]
struct Extremes {
    top: f32,
    bend: f32,
}

/// Finds, for every frame, the largest magnitude of the oversampled sound from that frame up to the next one.
#[derive(Default)]
pub struct Oversampler {
    /// Of the runs that the sound divides into from its beginning.
    extremes: Vec<Extremes>,
    work: Work,
}

struct Work {
    between: [f32; RUN_FRAMES + 2 * SIDE_FRAMES],
    sum: [f32; RUN_FRAMES],
}

/// The highest point of a channel so far. Sound is pushed in; frames after the last push are taken as silence.
pub struct TruePeakMeter {
    oversampler: Oversampler,
    channels: Vec<Vec<f32>>,
    highest: f32,
}

impl Default for Work {
    fn default() -> Self {
        Self { between: [0.0; RUN_FRAMES + 2 * SIDE_FRAMES], sum: [0.0; RUN_FRAMES] }
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
        self.look(sound);
        for (run, peaks) in peaks.chunks_mut(RUN_FRAMES).enumerate() {
            if self.bound(run) > floor {
                let from = run * RUN_FRAMES;
                self.work.raise(&sound[from..from + peaks.len() + 2 * REACH_FRAMES], floor, peaks);
            }
        }
    }

    /// The largest magnitude of the oversampled sound, or `floor` where nothing is above it. `sound` has
    /// [`REACH_FRAMES`] frames more at each end than are looked at.
    ///
    /// # Panics
    /// Where the sound is shorter than that.
    pub fn highest(&mut self, sound: &[f32], floor: f32) -> f32 {
        self.look(sound);
        let frames = sound.len() - 2 * REACH_FRAMES;
        let mut highest = floor;
        for (run, from) in (0..frames).step_by(RUN_FRAMES).enumerate() {
            if self.bound(run) > highest {
                let count = (frames - from).min(RUN_FRAMES);
                let mut peaks = [0.0; RUN_FRAMES];
                let peaks = &mut peaks[..count];
                self.work.raise(&sound[from..from + count + 2 * REACH_FRAMES], highest, peaks);
                highest = peaks.iter().copied().fold(highest, f32::max);
            }
        }
        highest
    }

    fn look(&mut self, sound: &[f32]) {
        self.extremes.clear();
        let extremes = (0..sound.len()).step_by(RUN_FRAMES).map(|from| {
            // With a neighbour at each side, for second differences. At the ends of the sound no filter needs them.
            let to = sound.len().min(from + RUN_FRAMES + 1);
            let around = &sound[from.saturating_sub(1)..to];
            let (frames, after) = (&around[1..], around.get(2..).unwrap_or_default());
            Extremes { top: highest(around), bend: sharpest(around, frames, after) }
        });
        self.extremes.extend(extremes);
    }

    /// What nothing in that run of the frames asked for can be above.
    fn bound(&self, run: usize) -> f32 {
        let around = &self.extremes[run..self.extremes.len().min(run + RUNS_AROUND)];
        let near = &around[REACH_FRAMES / RUN_FRAMES..];
        let top = near.iter().fold(0.0, |top: f32, run| top.max(run.top));
        let bend = around.iter().fold(0.0, |bend: f32, run| bend.max(run.bend));
        filters().reaches[0].of(Extremes { top, bend })
    }
}

impl Work {
    /// As [`Oversampler::raise`], for at most one run.
    fn raise(&mut self, sound: &[f32], floor: f32, peaks: &mut [f32]) {
        let filters = filters();
        let count = peaks.len() + 2 * SIDE_FRAMES - 1;
        let first = REACH_FRAMES - SIDE_FRAMES;
        // The doubled rate's frames 2 j and 2 j + 1 are `on[j]` and `between[j]`; peak `i` covers frames
        // 2 (i + SIDE_FRAMES) and the next, each with what follows it.
        let on = &sound[first..][..count];
        let between = &mut self.between[..count];
        between.fill(0.0);
        // Four pairs at a time: the sums are loaded and stored once for all of them.
        for (four, taps) in filters.half.chunks_exact(4).enumerate() {
            let left = |k: usize| &sound[first - 4 * four - k..][..count];
            let right = |k: usize| &sound[first + 1 + 4 * four + k..][..count];
            let (l0, l1, l2, l3) = (left(0), left(1), left(2), left(3));
            let (r0, r1, r2, r3) = (right(0), right(1), right(2), right(3));
            for (i, sum) in between.iter_mut().enumerate() {
                let near = taps[0] * (l0[i] + r0[i]) + taps[1] * (l1[i] + r1[i]);
                *sum += near + (taps[2] * (l2[i] + r2[i]) + taps[3] * (l3[i] + r3[i]));
            }
        }
        raise(peaks, &on[SIDE_FRAMES..]);
        raise(peaks, &between[SIDE_FRAMES..]);
        let bend = sharpest(on, between, &on[1..]).max(sharpest(between, &on[1..], &between[1..]));
        let extremes = Extremes { top: highest(on).max(highest(between)), bend };
        if filters.reaches[1].of(extremes) <= floor {
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

/// Raises every peak to the magnitude of its frame.
pub(super) fn raise(peaks: &mut [f32], sound: &[f32]) {
    for (peak, x) in peaks.iter_mut().zip(sound) {
        *peak = if x.abs() > *peak { x.abs() } else { *peak };
    }
}

/// The largest magnitude, 0 for none; eight lanes, which a processor compares at once.
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

/// The largest second difference, of frames whose neighbours are these; as many as the shortest of the three has.
fn sharpest(before: &[f32], frames: &[f32], after: &[f32]) -> f32 {
    let mut bends = [0.0; RUN_FRAMES + 2 * SIDE_FRAMES];
    for (bend, ((a, b), c)) in bends.iter_mut().zip(before.iter().zip(frames).zip(after)) {
        *bend = a - b - b + c;
    }
    highest(&bends)
}

impl Reach {
    /// Of a filter whose taps stand on frames, `taps[at]` on frame 0, for the point `part` of the way from frame 0 to
    /// frame 1. What it adds to the straight line between the two has no mean, and with a small part of their difference
    /// taken away no slope either; so it is a sum of second differences, whose weights are the sums of its sums.
    fn new(taps: &[f64], at: usize, part: f64) -> Self {
        let mut rest = taps.to_vec();
        rest[at] -= 1.0 - part;
        rest[at + 1] -= part;
        let slope: f64 = rest.iter().enumerate().map(|(i, tap)| tap * (i as f64 - at as f64)).sum();
        rest[at] += slope;
        rest[at + 1] -= slope;
        let (mut sum, mut sum_of_sums, mut bend) = (0.0, 0.0, 0.0_f64);
        for tap in rest {
            sum += tap;
            sum_of_sums += sum;
            bend += f64::abs(sum_of_sums);
        }
        // A hair more, for sums in f32 are rounded.
        Self { top: (1.001 + 2.0 * slope.abs()) as f32, bend: (1.001 * bend) as f32 }
    }

    fn or_more(self, other: Self) -> Self {
        Self { top: self.top.max(other.top), bend: self.bend.max(other.bend) }
    }

    fn of(self, extremes: Extremes) -> f32 {
        self.top * extremes.top + self.bend * extremes.bend
    }
}

impl TruePeakMeter {
    /// For `channels` channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        // Before the first frame there is silence.
        let channels = vec![vec![0.0; 2 * REACH_FRAMES]; channels];
        Self { oversampler: Oversampler::default(), channels, highest: 0.0 }
    }

    /// Takes the next block, `[channels][frames]`.
    pub fn push(&mut self, block: &[&[f32]]) {
        let frames = block.first().map_or(0, |channel| channel.len());
        for (held, channel) in self.channels.iter_mut().zip(block) {
            held.extend_from_slice(channel);
            self.highest = self.oversampler.highest(held, self.highest);
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
        let mut half: [f64; HALF_PAIRS] =
            std::array::from_fn(|i| tap(i as f64 + 0.5, HALF_PAIRS as f64, BETA[0]));
        let sum = 2.0 * half.iter().sum::<f64>();
        half.iter_mut().for_each(|tap| *tap /= sum);
        let short = SHORT_PARTS.map(|part| {
            let place = |k: usize| k as f64 - (SHORT_TAPS / 2 - 1) as f64 - part;
            let taps: [f64; SHORT_TAPS] =
                std::array::from_fn(|k| tap(place(k), SHORT_TAPS as f64 / 2.0, BETA[1]));
            let sum: f64 = taps.iter().sum();
            taps.map(|tap| tap / sum)
        });
        let reaches = reaches(&half, &short);
        Filters {
            half: half.map(|tap| tap as f32),
            short: short.map(|taps| taps.map(|tap| tap as f32)),
            reaches,
        }
    })
}

/// The farthest of all points, over the frames and over those of the doubled rate. The points of the second half of the
/// way are those of the first, mirrored.
fn reaches(half: &[f64; HALF_PAIRS], short: &[[f64; SHORT_TAPS]; 3]) -> [Reach; 2] {
    const ZERO: usize = REACH_FRAMES;
    let add_half = |taps: &mut [f64], frame: usize, part: f64| {
        for (k, tap) in half.iter().enumerate() {
            taps[frame - k] += part * tap;
            taps[frame + 1 + k] += part * tap;
        }
    };
    let mut middle = vec![0.0; 2 * REACH_FRAMES + 2];
    add_half(&mut middle, ZERO, 1.0);
    let mut both = Reach::new(&middle, ZERO, 0.5);
    let mut second = Reach::default();
    for (short, part) in short.iter().zip(SHORT_PARTS) {
        second = second.or_more(Reach::new(short, SHORT_TAPS / 2 - 1, part));
        let mut taps = vec![0.0; 2 * REACH_FRAMES + 2];
        for (k, tap) in short.iter().enumerate() {
            // Frames of the doubled rate, counted so that none is below 0.
            let frame = 2 * ZERO + k - (SHORT_TAPS / 2 - 1);
            if frame.is_multiple_of(2) {
                taps[frame / 2] += tap;
            } else {
                add_half(&mut taps, frame / 2, *tap);
            }
        }
        both = both.or_more(Reach::new(&taps, ZERO, part / 2.0));
    }
    [both, second]
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

    /// All sound looked at, whatever the bounds say.
    fn every_peak(sound: &[f32]) -> Vec<f32> {
        let mut padded = vec![0.0; REACH_FRAMES];
        padded.extend_from_slice(sound);
        padded.resize(sound.len() + 2 * REACH_FRAMES, 0.0);
        let mut peaks = vec![0.0; sound.len()];
        Oversampler::default().raise(&padded, -1.0, &mut peaks);
        peaks
    }

    /// Sound that the bounds are tried on: smooth, sharp, at the Nyquist frequency, with steps, with clicks.
    fn trying() -> Vec<Vec<f32>> {
        let wave = |of: &dyn Fn(usize) -> f64| (0..6000).map(|i| of(i) as f32).collect::<Vec<f32>>();
        let rough = |i: usize| ((i * 7919) % 2001) as f64 / 1000.0 - 1.0;
        vec![
            wave(&|i| (i as f64 * 0.05).sin()),
            wave(&|i| (i as f64 * 3.1).sin() * f64::from(i % 1000 < 200)),
            wave(&rough),
            wave(&|i| rough(i / 9)),
            wave(&|i| if (i / 40) % 2 == 0 { 0.8 } else { -0.3 }),
            wave(&|i| f64::from(i % 331 == 7) + 0.2 * (i as f64 * 0.3).cos()),
            wave(&|i| if i % 2 == 0 { 0.5 } else { -0.5 } * if i < 3000 { 1.0 } else { -1.0 }),
        ]
    }

    #[test]
    fn what_is_left_undone_is_nowhere_above_the_floor() {
        for sound in trying() {
            let all = every_peak(&sound);
            let top = all.iter().copied().fold(0.0, f32::max);
            let mut padded = vec![0.0; REACH_FRAMES];
            padded.extend_from_slice(&sound);
            padded.resize(sound.len() + 2 * REACH_FRAMES, 0.0);
            for floor in [0.2, 0.5, 0.8, 0.95, 1.0].map(|part| part * top) {
                let mut oversampler = Oversampler::default();
                let mut peaks = vec![0.0; sound.len()];
                oversampler.raise(&padded, floor, &mut peaks);
                for (i, (got, all)) in peaks.iter().zip(&all).enumerate() {
                    assert!(got == all || *all <= floor, "{i}: {got}, not {all}, floor {floor}");
                }
                assert_eq!(oversampler.highest(&padded, floor), top.max(floor));
            }
        }
    }

    #[test]
    fn blocks_do_not_matter() {
        let sound: Vec<f32> = (0..5000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        let mut meter = TruePeakMeter::new(1);
        sound.chunks(37).for_each(|block| meter.push(&[block]));
        assert_eq!(meter.peak(), peak_of(&sound));
    }
}
