//! From float to whole numbers of 16 or 24 bits: nearest step, clipped at full scale, and the clipped ones counted.
//!
//! Without dither samples that came from such a file go back bit for bit. With it, what lies between two steps is kept as
//! noise instead of distortion that follows the sound: noise of triangular density, one step to each side (Lipshitz,
//! Wannamaker and Vanderkooy 1992).

/// Turns samples into signed whole numbers, counting what was beyond ±1.0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantizer {
    scale: f32,
    top: i32,
    /// Samples beyond ±1.0 so far, over all channels.
    pub(crate) clipped_samples: u64,
    dither: Option<Dither>,
}

/// Pseudorandom numbers that begin alike for every file, so that the same sound gives the same bytes: Marsaglia 2003,
/// "Xorshift RNGs", the 64-bit one.
#[derive(Clone, Copy, Debug)]
struct Dither(u64);

impl Dither {
    /// The next, from -1 to 1 step.
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // Two numbers of 24 bits; their sum is exact in `f32` up to its last bit.
        let even = |bits: u64| (bits & 0xFF_FFFF) as f32 / 16_777_216.0;
        even(self.0) + even(self.0 >> 40) - 1.0
    }
}

impl Quantizer {
    /// For `bits` 16 or 24: full scale is 2^(bits-1), exact in `f32`.
    pub(crate) fn new(bits: u32) -> Self {
        let scale = 1i32 << (bits - 1);
        Self { scale: scale as f32, top: scale - 1, clipped_samples: 0, dither: None }
    }

    /// The same with dither.
    pub(crate) fn dithered(self) -> Self {
        Self { dither: Some(Dither(0x9E37_79B9_7F4A_7C15)), ..self }
    }

    /// The nearest step. +1.0 itself becomes the highest step, one below full scale, and counts as unclipped.
    pub(crate) fn step(&mut self, sample: f32) -> i32 {
        self.clipped_samples += u64::from(sample.abs() > 1.0);
        // In `f64`, for at 24 bits a step is all that `f32` has.
        let noise = self.dither.as_mut().map_or(0.0, Dither::next);
        let place = f64::from(sample * self.scale) + f64::from(noise);
        // The cast saturates, so even 1e30 ends at the limits below.
        (place.round_ties_even() as i32).clamp(-self.top - 1, self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::Quantizer;

    #[test]
    fn every_step_of_24_bits_comes_back_and_only_overs_are_counted() {
        let mut quantizer = Quantizer::new(24);
        for step in (-8_388_608..=8_388_607).step_by(997) {
            assert_eq!(quantizer.step(step as f32 / 8_388_608.0), step);
        }
        assert_eq!(quantizer.step(1.0), 8_388_607);
        assert_eq!(quantizer.step(-1.0), -8_388_608);
        assert_eq!(quantizer.clipped_samples, 0);
        assert_eq!(quantizer.step(1.000_001), 8_388_607);
        assert_eq!(quantizer.step(-1e30), -8_388_608);
        assert_eq!(quantizer.clipped_samples, 2);
    }

    /// A sine of a third of a step at 16 bits is silence without dither; with it the sine is there, under noise of
    /// 0.5 LSB RMS, and nothing of the error goes with the sound.
    #[test]
    fn dither_keeps_what_is_smaller_than_a_step_and_is_noise_of_half_a_step() {
        let sine = |i: u32| (0.01 * std::f64::consts::TAU * f64::from(i)).sin() / 3.0;
        let steps = |mut quantizer: Quantizer| {
            (0..400_000).map(|i| f64::from(quantizer.step((sine(i) / 32_768.0) as f32))).collect::<Vec<_>>()
        };
        assert!(steps(Quantizer::new(16)).iter().all(|step| *step == 0.0));
        let dithered = steps(Quantizer::new(16).dithered());
        let power: f64 = (0..400_000).map(|i| sine(i).powi(2)).sum();
        let found: f64 = (0..400_000).zip(&dithered).map(|(i, step)| sine(i) * step).sum();
        assert!((found / power - 1.0).abs() < 0.02, "{}", found / power);
        let error = (0..400_000).zip(&dithered).map(|(i, step)| (step - sine(i)).powi(2)).sum::<f64>();
        let rms = (error / 400_000.0).sqrt();
        assert!((rms - 0.5).abs() < 0.01, "{rms}");
        assert_eq!(steps(Quantizer::new(16).dithered()), dithered, "the same sound, the same bytes");
    }

    #[test]
    fn dither_does_not_leave_the_range() {
        let mut quantizer = Quantizer::new(24).dithered();
        for _ in 0..1000 {
            assert!(quantizer.step(1.0) >= 8_388_605 && quantizer.step(-1.0) <= -8_388_606);
        }
        assert_eq!(quantizer.clipped_samples, 0);
    }
}
