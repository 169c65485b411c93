//! From float to whole numbers of 16 or 24 bits: nearest step, clipped at full scale, and the clipped ones counted.
//!
//! No dither: samples that came from such a file must go back bit for bit, and 24 bits lie far below hearing.

/// Turns samples into signed whole numbers, counting what was beyond ±1.0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantizer {
    scale: f32,
    top: i32,
    /// Samples beyond ±1.0 so far, over all channels.
    pub(crate) clipped_samples: u64,
}

impl Quantizer {
    /// For `bits` 16 or 24: full scale is 2^(bits-1), exact in `f32`.
    pub(crate) fn new(bits: u32) -> Self {
        let scale = 1i32 << (bits - 1);
        Self { scale: scale as f32, top: scale - 1, clipped_samples: 0 }
    }

    /// The nearest step. +1.0 itself becomes the highest step, one below full scale, and counts as unclipped.
    pub(crate) fn step(&mut self, sample: f32) -> i32 {
        self.clipped_samples += u64::from(sample.abs() > 1.0);
        // The cast saturates, so even 1e30 ends at the limits below.
        ((sample * self.scale).round_ties_even() as i32).clamp(-self.top - 1, self.top)
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
}
