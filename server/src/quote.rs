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

/// The price in words.
#[must_use]
pub fn reason(credits_per_minute: u64) -> String {
    format!("{} a started minute", Credits(credits_per_minute))
}

#[cfg(test)]
mod tests {
    use super::*;

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
