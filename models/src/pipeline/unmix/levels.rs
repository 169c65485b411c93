//! Numbers made equally loud for a network, and back.

/// What a deviation is increased by, so that silence is not divided by nothing: as the publishers have it.
const DEVIATION_MIN: f32 = 1e-5;

/// Mean and standard deviation of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    mean: f32,
    deviation: f32,
}

impl Default for Level {
    fn default() -> Self {
        Self { mean: 0.0, deviation: 1.0 }
    }
}

impl Level {
    /// Brings numbers to a mean of 0 and a deviation of 1, and says what they were.
    pub(super) fn take(numbers: &mut [f32]) -> Self {
        let count = numbers.len().max(1) as f64;
        let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
        let square = numbers.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>();
        let level = Self { mean: mean as f32, deviation: (square / (count - 1.0).max(1.0)).sqrt() as f32 };
        for x in numbers {
            *x = (*x - level.mean) / (level.deviation + DEVIATION_MIN);
        }
        level
    }

    /// One number brought back.
    pub(super) fn give(self, x: f32) -> f32 {
        x * self.deviation + self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let before = [3.0_f32, -1.0, 4.0, 1.0, -5.0];
        let mut numbers = before;
        let level = Level::take(&mut numbers);
        let mean = numbers.iter().sum::<f32>() / 5.0;
        let square = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 4.0;
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-4, "{mean} {square}");
        for (x, before) in numbers.iter().zip(before) {
            assert!((level.give(*x) - before).abs() < 1e-4);
        }
    }

    #[test]
    fn silence_and_nothing_stay_finite() {
        let mut silence = [0.0_f32; 4];
        Level::take(&mut silence);
        assert_eq!(silence, [0.0; 4]);
        Level::take(&mut []);
        let mut one = [2.0_f32];
        assert!((Level::take(&mut one).give(one[0]) - 2.0).abs() < 1e-6);
    }
}
