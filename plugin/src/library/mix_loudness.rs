//! How loud any mix of stems is, without hearing it again: measured once, then a closed form for every position of the
//! faders. So the original can be heard exactly as loud as the mix. Changes no sample.
//!
//! Loudness as ITU-R BS.1770-4 has it, but without its gates: `-0.691 + 10 log10(sum over channels of mean square)` of
//! the K-weighted sound. The filter and the mean are linear, so for gains `g` the mean square of the mix is `g' P g`,
//! with `P[i][j]` the mean of the products of K-weighted stems `i` and `j`.

use tributary_audio::frames::{empty_block, fill};
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_audio::{AudioError, Frames};

/// The original is never made louder or softer than by so much, dB: beyond, one of both is as good as silent.
pub const MATCH_DB_MAX: f64 = 36.0;

/// The cross powers of the stems of a result, and the power of its original.
#[derive(Clone, Debug, PartialEq)]
pub struct MixLoudness {
    stems: usize,
    /// `[stems][stems]`, symmetric.
    powers: Vec<f64>,
    original: f64,
}

impl MixLoudness {
    /// Measures an original and its stems, all of one shape, mono or stereo.
    ///
    /// # Errors
    /// [`AudioError::Shape`] where shapes differ; those of the sources.
    pub fn of(original: &mut dyn Frames, stems: &mut [Box<dyn Frames>]) -> Result<Self, AudioError> {
        let shape = original.shape();
        if let Some(other) = stems.iter().map(|stem| stem.shape()).find(|&other| other != shape) {
            return Err(AudioError::Shape { expected: format!("{shape:?}"), got: format!("{other:?}") });
        }
        let count = stems.len();
        let mut powers = vec![0.0; count * count];
        let mut loudness = 0.0;
        let mut meters = vec![Weighted::new(shape.rate_hz, shape.channels); count + 1];
        loop {
            let frames = meters[count].read(original)?;
            for (meter, stem) in meters.iter_mut().zip(stems.iter_mut()) {
                let got = meter.read(stem)?;
                if got != frames {
                    let expected = format!("{frames} more frames");
                    return Err(AudioError::Shape { expected, got: got.to_string() });
                }
            }
            if frames == 0 {
                break;
            }
            loudness += meters[count].product(&meters[count]);
            for (one, meter) in meters[..count].iter().enumerate() {
                for (other, with) in meters[..=one].iter().enumerate() {
                    powers[one * count + other] += meter.product(with);
                }
            }
        }
        let mean = 1.0 / shape.frames.max(1) as f64;
        for one in 0..count {
            for other in 0..=one {
                let power = powers[one * count + other] * mean;
                powers[one * count + other] = power;
                powers[other * count + one] = power;
            }
        }
        Ok(Self { stems: count, powers, original: loudness * mean })
    }

    /// Loudness of the mix at these linear gains, one a stem, in LUFS, ungated; none for silence. Missing gains are 0,
    /// and so are those that are no number.
    #[must_use]
    pub fn mix_lufs(&self, gains: &[f32]) -> Option<f64> {
        lufs(self.mix_power(gains))
    }

    /// Loudness of the original in LUFS, ungated; none for silence.
    #[must_use]
    pub fn original_lufs(&self) -> Option<f64> {
        lufs(self.original)
    }

    /// The gain in dB that makes the original as loud as the mix at these gains, within ±[`MATCH_DB_MAX`]; 0 where one of
    /// both is silent.
    #[must_use]
    pub fn match_db(&self, gains: &[f32]) -> f32 {
        match self.mix_lufs(gains).zip(self.original_lufs()) {
            Some((mix, original)) => (mix - original).clamp(-MATCH_DB_MAX, MATCH_DB_MAX) as f32,
            None => 0.0,
        }
    }

    fn mix_power(&self, gains: &[f32]) -> f64 {
        let gain =
            |stem: usize| gains.get(stem).copied().filter(|gain| gain.is_finite()).map_or(0.0, f64::from);
        self.powers
            .iter()
            .enumerate()
            .map(|(at, power)| gain(at / self.stems) * gain(at % self.stems) * power)
            .sum()
    }
}

/// Powers below -120 LUFS are silence, or what rounding left of stems that cancel.
fn lufs(power: f64) -> Option<f64> {
    let lufs = -0.691 + 10.0 * power.max(1e-30).log10();
    (lufs > -120.0).then_some(lufs)
}

/// One source behind the K filter, a block at a time.
#[derive(Clone)]
struct Weighted {
    filters: Vec<[Biquad; 2]>,
    block: Vec<Vec<f32>>,
    weighted: Vec<Vec<f64>>,
}

impl Weighted {
    fn new(rate_hz: u32, channels: u16) -> Self {
        Self {
            filters: vec![k_filter(rate_hz); usize::from(channels)],
            block: empty_block(channels, BLOCK_FRAMES),
            weighted: vec![Vec::with_capacity(BLOCK_FRAMES); usize::from(channels)],
        }
    }

    /// The next block; how many frames it has, 0 at the end.
    fn read(&mut self, source: &mut dyn Frames) -> Result<usize, AudioError> {
        let frames = fill(source, &mut self.block, BLOCK_FRAMES)?;
        for ((weighted, samples), [shelf, high_pass]) in
            self.weighted.iter_mut().zip(&self.block).zip(&mut self.filters)
        {
            weighted.clear();
            weighted.extend(samples.iter().map(|&sample| high_pass.step(shelf.step(f64::from(sample)))));
        }
        Ok(frames)
    }

    /// Sum over all channels and frames of the products with another block.
    fn product(&self, other: &Self) -> f64 {
        let channels = self.weighted.iter().zip(&other.weighted);
        channels.map(|(one, other)| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>()).sum()
    }
}

/// A filter of second order, `a0` = 1, in its transposed second direct form.
#[derive(Clone, Copy, Debug)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn step(&mut self, input: f64) -> f64 {
        let output = self.b[0] * input + self.state[0];
        self.state[0] = self.b[1] * input - self.a[0] * output + self.state[1];
        self.state[1] = self.b[2] * input - self.a[1] * output;
        output
    }

    /// The same analog filter at another rate. The coefficients are undone to those of the analog prototype (inverse
    /// bilinear transform) and made anew, with the frequency of its pole pair kept exact.
    fn at(b: [f64; 3], a: [f64; 2], from_hz: f64, to_hz: f64) -> Self {
        // z^-1 = (1 - p) / (1 + p), all multiplied by (1 + p)^2: powers of p.
        let analog = |[zero, one, two]: [f64; 3]| [zero + one + two, 2.0 * (zero - two), zero - one + two];
        let (above, below) = (analog(b), analog([1.0, a[0], a[1]]));
        // In units of p the poles lie at tan(pi f / rate).
        let pole = (below[0] / below[2]).sqrt();
        let pole_hz = pole.atan() * from_hz / std::f64::consts::PI;
        let stretch = pole / (std::f64::consts::PI * pole_hz / to_hz).tan();
        let digital = |[zero, one, two]: [f64; 3]| {
            let (one, two) = (one * stretch, two * stretch * stretch);
            [zero + one + two, 2.0 * (zero - two), zero - one + two]
        };
        let (above, below) = (digital(above), digital(below));
        Self {
            b: above.map(|value| value / below[0]),
            a: [below[1] / below[0], below[2] / below[0]],
            state: [0.0; 2],
        }
    }
}

/// The two filters of BS.1770-4, annex 1: tables 1 (the head's shelf) and 2 (the high-pass), given for 48 kHz.
fn k_filter(rate_hz: u32) -> [Biquad; 2] {
    let rate = f64::from(rate_hz.max(1));
    let shelf_b = [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85];
    let shelf_a = [-1.690_659_293_182_41, 0.732_480_774_215_85];
    let high_pass_a = [-1.990_047_454_833_98, 0.990_072_250_366_21];
    [Biquad::at(shelf_b, shelf_a, 48_000.0, rate), Biquad::at([1.0, -2.0, 1.0], high_pass_a, 48_000.0, rate)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_audio::{Audio, LoudnessMeter};

    /// Noise whose low and high parts differ with the seed; steady, so that the gates of BS.1770 leave nothing out.
    fn noise(channels: usize, frames: usize, rate_hz: u32, level: f32, seed: u64) -> Audio {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / 8_388_608.0 - 1.0) * level
        };
        let tilt = (seed % 10) as f32 / 10.0;
        let mut channel = || {
            let mut before = 0.0;
            let samples = (0..frames).map(|_| {
                before = tilt * before + next();
                before
            });
            samples.collect::<Vec<f32>>()
        };
        Audio { channels: (0..channels).map(|_| channel()).collect(), rate_hz }
    }

    fn mixed(stems: &[Audio], gains: &[f32]) -> Audio {
        let mut mix = Audio::silence(stems[0].shape());
        for (stem, gain) in stems.iter().zip(gains) {
            for (mix, samples) in mix.channels.iter_mut().zip(&stem.channels) {
                mix.iter_mut().zip(samples).for_each(|(mix, sample)| *mix += gain * sample);
            }
        }
        mix
    }

    fn metered(audio: &Audio) -> Option<f64> {
        let mut meter = LoudnessMeter::new(audio.shape().channels, audio.rate_hz).unwrap();
        let block: Vec<&[f32]> = audio.channels.iter().map(Vec::as_slice).collect();
        meter.add(&block).unwrap();
        meter.loudness().unwrap().integrated_lufs
    }

    fn measured(original: &Audio, stems: &[Audio]) -> MixLoudness {
        let mut stems: Vec<Box<dyn Frames>> =
            stems.iter().map(|stem| Box::new(stem.clone().into_frames()) as Box<dyn Frames>).collect();
        MixLoudness::of(&mut original.clone().into_frames(), &mut stems).unwrap()
    }

    fn check(rate_hz: u32, channels: usize) {
        // 0.1 dB: the meter leaves out what does not fill its last block of 400 ms. Below 44.1 kHz it also keeps the
        // numerator of the high-pass as it is for 48 kHz, which makes all of it a little louder.
        let tolerance = if rate_hz < 44_100 { 0.3 } else { 0.1 };
        let frames = rate_hz as usize * 4;
        let stems: Vec<Audio> = [(0.1, 3), (0.05, 9), (0.2, 21), (0.01, 7)]
            .iter()
            .map(|&(level, seed)| noise(channels, frames, rate_hz, level, seed))
            .collect();
        let original = mixed(&stems, &[1.0; 4]);
        let loudness = measured(&original, &stems);
        let (found, expected) = (loudness.original_lufs().unwrap(), metered(&original).unwrap());
        assert!((found - expected).abs() < tolerance, "{rate_hz} Hz: {found} {expected}");
        for gains in [[1.0; 4], [0.5, 2.0, 0.0, 4.0], [0.0, 0.0, 0.0, 1.0], [1.0, -1.0, 0.3, 0.0]] {
            let mix = mixed(&stems, &gains);
            let (found, expected) = (loudness.mix_lufs(&gains).unwrap(), metered(&mix).unwrap());
            assert!((found - expected).abs() < tolerance, "{gains:?} at {rate_hz} Hz: {found} {expected}");
            let match_db = loudness.match_db(&gains);
            let matched = mixed(std::slice::from_ref(&original), &[10f32.powf(match_db / 20.0)]);
            assert!((metered(&matched).unwrap() - expected).abs() < 0.1, "{gains:?}: {match_db} dB");
        }
        assert!(loudness.match_db(&[1.0; 4]).abs() < 1e-3);
    }

    #[test]
    fn any_mix_is_as_loud_as_the_meter_says() {
        for rate_hz in [8_000, 44_100, 48_000, 96_000, 192_000] {
            check(rate_hz, 2);
        }
        check(44_100, 1);
    }

    #[test]
    fn stems_that_belong_together_are_louder_together_than_by_their_powers() {
        let one = noise(2, 48_000, 48_000, 0.1, 5);
        let loudness = measured(&one, &[one.clone(), one.clone()]);
        let single = loudness.mix_lufs(&[1.0, 0.0]).unwrap();
        assert!((loudness.mix_lufs(&[1.0, 1.0]).unwrap() - single - 6.02).abs() < 0.01);
        assert_eq!(loudness.mix_lufs(&[1.0, -1.0]), None, "they cancel");
    }

    #[test]
    fn silence_and_numbers_that_are_none_match_at_0_db() {
        let one = noise(1, 10_000, 48_000, 0.1, 5);
        let silence = Audio::silence(one.shape());
        let loudness = measured(&one, &[one.clone(), silence.clone()]);
        for gains in [&[][..], &[0.0, 1.0], &[f32::NAN, 1.0], &[f32::INFINITY, 0.0]] {
            assert_eq!((loudness.mix_lufs(gains), loudness.match_db(gains)), (None, 0.0), "{gains:?}");
        }
        assert_eq!(loudness.match_db(&[1e-4, 0.0]), -MATCH_DB_MAX as f32);
        assert_eq!(measured(&silence, std::slice::from_ref(&one)).match_db(&[1.0]), 0.0);
        assert_eq!(measured(&one, &[]).match_db(&[1.0]), 0.0);
    }

    #[test]
    fn other_shapes_than_the_originals_are_refused() {
        let one = noise(1, 100, 48_000, 0.1, 5);
        for other in
            [noise(2, 100, 48_000, 0.1, 5), noise(1, 99, 48_000, 0.1, 5), noise(1, 100, 44_100, 0.1, 5)]
        {
            let mut stems: Vec<Box<dyn Frames>> = vec![Box::new(other.into_frames())];
            let outcome = MixLoudness::of(&mut one.clone().into_frames(), &mut stems);
            assert!(matches!(outcome, Err(AudioError::Shape { .. })));
        }
    }

    #[test]
    fn at_48_khz_the_filter_is_that_of_the_standard() {
        let [shelf, high_pass] = k_filter(48_000);
        let close = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(close(shelf.b[0], 1.535_124_859_586_97) && close(shelf.a[1], 0.732_480_774_215_85));
        assert!(close(high_pass.b[1], -2.0) && close(high_pass.a[0], -1.990_047_454_833_98));
    }
}
