//! The K weighting of ITU-R BS.1770-4: a shelf for the head, a high-pass for low sound, and the energy behind both. Two
//! channels at a time, for one number waits for the one before it and two waits go side by side. Never keeps sound.

/// The two filters at 48 kHz as the standard prints them: of the first `b0 b1 b2 a1 a2`, of the second `a1 a2`; its `b`
/// are 1, -2, 1.
const SHELF: [f64; 5] = [
    1.535_124_859_586_97,
    -2.691_696_189_406_38,
    1.198_392_810_852_85,
    -1.690_659_293_182_41,
    0.732_480_774_215_85,
];
const HIGH_PASS: [f64; 2] = [-1.990_047_454_833_98, 0.990_072_250_366_21];
const STANDARD_RATE_HZ: f64 = 48_000.0;
/// Channels worked on side by side.
const LANES: usize = 2;
/// Frames after which what has faded away becomes 0: numbers near 0 are slow to work with.
const RUN_FRAMES: usize = 1024;
const FADED: f64 = 1e-30;

/// Weights the channels of a clip, whose order is the usual one (L R C LFE Ls Rs).
#[derive(Clone, Debug)]
pub(super) struct Weighting {
    shelf: [f64; 5],
    high_pass: [f64; 2],
    pairs: Vec<Pair>,
}

#[derive(Clone, Debug)]
struct Pair {
    /// The second channel may be the first once more, then without weight.
    channels: [usize; LANES],
    weights: [f64; LANES],
    /// The last two numbers before the shelf, after it, and after the high-pass; the latest first.
    sound: [[f64; LANES]; 2],
    shelved: [[f64; LANES]; 2],
    weighted: [[f64; LANES]; 2],
}

impl Weighting {
    pub(super) fn new(channels: u16, rate_hz: u32) -> Self {
        let weights = weights(channels);
        let heard: Vec<usize> = (0..weights.len()).filter(|channel| weights[*channel] > 0.0).collect();
        let pair = |both: &[usize]| {
            let (first, second) = (both[0], both.get(1).copied());
            let zero = [[0.0; LANES]; 2];
            Pair {
                channels: [first, second.unwrap_or(first)],
                weights: [weights[first], second.map_or(0.0, |second| weights[second])],
                sound: zero,
                shelved: zero,
                weighted: zero,
            }
        };
        let [b0, b1, b2, a1, a2] = SHELF;
        let shelf = at_rate([b0, b1, b2], [a1, a2], rate_hz);
        let [.., a1, a2] = at_rate([1.0, -2.0, 1.0], HIGH_PASS, rate_hz);
        Self { shelf, high_pass: [a1, a2], pairs: heard.chunks(LANES).map(pair).collect() }
    }

    /// The weighted energy of frames `from..to` of `block`, summed over channels. Frames must come in order.
    pub(super) fn energy(&mut self, block: &[&[f32]], from: usize, to: usize) -> f64 {
        let (shelf, high_pass) = (self.shelf, self.high_pass);
        let mut sum = 0.0;
        for pair in &mut self.pairs {
            let [a, b] = pair.channels.map(|channel| &block[channel][from..to]);
            for (a, b) in a.chunks(RUN_FRAMES).zip(b.chunks(RUN_FRAMES)) {
                let energy = pair.run(shelf, high_pass, a, b);
                sum += energy.iter().zip(&pair.weights).map(|(energy, weight)| energy * weight).sum::<f64>();
            }
        }
        sum
    }
}

impl Pair {
    fn run(&mut self, shelf: [f64; 5], high_pass: [f64; 2], a: &[f32], b: &[f32]) -> [f64; LANES] {
        let [b0, b1, b2, a1, a2] = shelf;
        let [c1, c2] = high_pass;
        let ([mut x1, mut x2], [mut y1, mut y2], [mut z1, mut z2]) =
            (self.sound, self.shelved, self.weighted);
        let mut energy = [0.0; LANES];
        for (a, b) in a.iter().zip(b) {
            let x = [f64::from(*a), f64::from(*b)];
            // What waits for the number before it comes last.
            let y: [f64; LANES] = std::array::from_fn(|lane| {
                let ahead = b0 * x[lane] + b1 * x1[lane] + b2 * x2[lane] - a2 * y2[lane];
                ahead - a1 * y1[lane]
            });
            let z: [f64; LANES] = std::array::from_fn(|lane| {
                let ahead = (y[lane] - 2.0 * y1[lane] + y2[lane]) - c2 * z2[lane];
                ahead - c1 * z1[lane]
            });
            energy = std::array::from_fn(|lane| energy[lane] + z[lane] * z[lane]);
            (x2, x1, y2, y1, z2, z1) = (x1, x, y1, y, z1, z);
        }
        (self.sound, self.shelved, self.weighted) = ([x1, x2], [y1, y2], [z1, z2]);
        for kept in [&mut self.sound, &mut self.shelved, &mut self.weighted].into_iter().flatten().flatten() {
            if kept.abs() < FADED {
                *kept = 0.0;
            }
        }
        energy
    }
}

/// What each channel counts: surround channels a little more, the bass effects nothing, nor what the standard has no
/// place for.
fn weights(channels: u16) -> Vec<f64> {
    const SURROUND: f64 = 1.41;
    let mut weights = match channels {
        4 => vec![1.0, 1.0, SURROUND, SURROUND],
        5 => vec![1.0, 1.0, 1.0, SURROUND, SURROUND],
        _ => vec![1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND],
    };
    weights.resize(usize::from(channels), 0.0);
    weights
}

/// A filter given at 48 kHz for another rate: back to the analogue one through the bilinear transform, whose one
/// frequency is kept where it is, and there again. Returns `b0 b1 b2 a1 a2`.
fn at_rate(b: [f64; 3], a: [f64; 2], rate_hz: u32) -> [f64; 5] {
    // With s = (1 - 1/z) / (1 + 1/z), up to one factor: low, middle and high power of s.
    let analogue = |[c0, c1, c2]: [f64; 3]| [c0 + c1 + c2, 2.0 * (c0 - c2), c0 - c1 + c2];
    let (above, below) = (analogue(b), analogue([1.0, a[0], a[1]]));
    // The frequency of the poles, as s has it at 48 kHz and as it has it at this rate.
    let standard = (below[0] / below[2]).sqrt();
    let scale = (standard.atan() * STANDARD_RATE_HZ / f64::from(rate_hz)).tan() / standard;
    let digital = |[low, middle, high]: [f64; 3]| {
        let (low, middle) = (low * scale * scale, middle * scale);
        [low + middle + high, 2.0 * (low - high), low - middle + high]
    };
    let ([b0, b1, b2], [a0, a1, a2]) = (digital(above), digital(below));
    [b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_48_khz_the_filters_are_the_printed_ones() {
        let [b0, b1, b2, a1, a2] = SHELF;
        for (got, printed) in at_rate([b0, b1, b2], [a1, a2], 48_000).iter().zip(SHELF) {
            assert!((got - printed).abs() < 1e-12, "{got}, not {printed}");
        }
    }

    #[test]
    fn at_every_rate_1_khz_is_as_loud_as_the_standard_says() {
        for rate_hz in [8_000, 44_100, 96_000, 192_000] {
            let sine: Vec<f32> = (0..rate_hz)
                .map(|i| (std::f64::consts::TAU * 997.0 * f64::from(i) / f64::from(rate_hz)).sin() as f32)
                .collect();
            let half = sine.len() / 2;
            let mut weighting = Weighting::new(1, rate_hz);
            weighting.energy(&[&sine], 0, half);
            let energy = weighting.energy(&[&sine], half, 2 * half) / half as f64;
            // BS.1770: a sine of 997 Hz at 0 dBFS measures -3.01 LUFS in one channel.
            let lufs = 10.0 * energy.log10() - 0.691;
            assert!((lufs + 3.01).abs() < 0.05, "{rate_hz}: {lufs}");
        }
    }

    #[test]
    fn what_has_faded_away_is_nothing() {
        let mut weighting = Weighting::new(2, 48_000);
        weighting.energy(&[&[1.0; 100], &[-1.0; 100]], 0, 100);
        let silence = vec![0.0; 200_000];
        weighting.energy(&[&silence, &silence], 0, 200_000);
        assert_eq!(weighting.energy(&[&silence, &silence], 0, 10_000), 0.0);
    }
}
