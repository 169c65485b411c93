//! What a clip costs. Integer arithmetic only.

use tributary_protocol::vocab::Credits;

/// Credits for every started minute of a clip; at least one minute.
///
/// `frames` and `rate_hz` of the clip as it is; `rate_hz` above zero (admission has checked it).
#[must_use]
pub fn quote(frames: u64, rate_hz: u32, credits_per_minute: u64) -> Credits {
    let minute_frames = u64::from(rate_hz.max(1)) * 60;
    Credits(frames.div_ceil(minute_frames).max(1).saturating_mul(credits_per_minute))
}

/// What a started minute costs: the price of every model that works in the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price(pub Vec<(String, u64)>);

impl Price {
    /// All of them together.
    #[must_use]
    pub fn credits_per_minute(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, credits)| sum.saturating_add(*credits))
    }

    /// In words: `2 credits a started minute (mini 1, basic-pitch 1)`.
    #[must_use]
    pub fn reason(&self) -> String {
        let sum = format!("{} a started minute", Credits(self.credits_per_minute()));
        if self.0.len() < 2 {
            return sum;
        }
        let each: Vec<_> = self.0.iter().map(|(model, credits)| format!("{model} {credits}")).collect();
        format!("{sum} ({})", each.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_the_sum_of_all_models_that_work_and_says_so() {
        let price = |models: &[(&str, u64)]| {
            Price(models.iter().map(|(model, credits)| ((*model).to_owned(), *credits)).collect())
        };
        for (price, credits, words) in [
            (price(&[("mini", 1)]), 1, "1 credit a started minute"),
            (
                price(&[("mini", 1), ("basic-pitch", 2)]),
                3,
                "3 credits a started minute (mini 1, basic-pitch 2)",
            ),
            (price(&[("a", u64::MAX), ("b", 0)]), u64::MAX, "(a 18446744073709551615, b 0)"),
        ] {
            assert_eq!(price.credits_per_minute(), credits);
            assert!(price.reason().ends_with(words), "{}", price.reason());
        }
    }

    #[test]
    fn every_started_minute_is_paid() {
        for (frames, rate_hz, per_minute, credits) in [
            (1, 44_100, 1, 1),
            (60 * 44_100, 44_100, 1, 1),
            (60 * 44_100 + 1, 44_100, 1, 2),
            (3600 * 48_000, 48_000, 3, 180),
            (10, 8_000, 0, 0),
            (u64::MAX, 8_000, u64::MAX, u64::MAX),
        ] {
            assert_eq!(quote(frames, rate_hz, per_minute), Credits(credits), "{frames} at {rate_hz}");
        }
    }
}
