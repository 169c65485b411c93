//! Time as an argument. Nothing else in this crate asks the system what time it is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Later by `duration`, or the end of time.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The first moment of its calendar month, UTC.
    #[must_use]
    pub fn month(self) -> Self {
        let days = self.0.div_euclid(DAY_US);
        let (_, _, day) = civil(days);
        Self((days - i64::from(day) + 1).saturating_mul(DAY_US))
    }

    /// Year, month and day, UTC.
    #[must_use]
    pub fn date(self) -> (i64, u8, u8) {
        civil(self.0.div_euclid(DAY_US))
    }

    /// `2026-11-28T12:00:00.000000Z` (RFC 3339).
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (year, month, day) = self.date();
        let us = self.0.rem_euclid(DAY_US);
        let (seconds, fraction) = (us / 1_000_000, us % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
    }

    /// The first moment of a day, UTC; none where the calendar has no such day.
    #[must_use]
    pub fn of_date(year: u16, month: u16, day: u16) -> Option<Self> {
        let date = (i64::from(year), u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        // Years begin in March here, as in `civil`.
        let (year, month) = (date.0 - i64::from(date.1 <= 2), (i64::from(month) + 9) % 12);
        let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = days + (153 * month + 2) / 5 + i64::from(day) - 1 - 719_468;
        Some(Self(days * DAY_US)).filter(|first| first.date() == date)
    }

    /// Earlier by `duration`, or the beginning of time.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

const DAY_US: i64 = 86_400_000_000;

/// Year, month and day of a day after 1970-01-01, in the Gregorian calendar. Years begin in March here, so that a leap day
/// is the last of its year; 400 years are 146 097 days.
fn civil(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let small = |number: i64| u8::try_from(number).unwrap_or(1);
    (era * 400 + year + i64::from(month <= 2), small(month), small(day))
}

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Time since the process made it: goes on evenly, also while the system's clock is set.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock(Instant);

impl SteadyClock {
    /// Begins at zero, now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        Timestamp(0).after(self.0.elapsed())
    }
}

/// A clock that moves only when told to; for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves on.
    pub fn advance(&self, duration: Duration) {
        self.0.store(self.now().after(duration).0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc_3339_has_it() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_868_799_000_001, "2000-02-29T23:59:59.000001Z"),
        ] {
            assert_eq!(Timestamp(us).rfc3339(), text);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (951_782_400, (2000, 2, 29)),
            (951_868_800, (2000, 3, 1)),
            (1_709_251_199, (2024, 2, 29)),
            (4_107_542_400, (2100, 3, 1)),
            (1_795_824_000, (2026, 11, 28)),
        ] {
            let at = Timestamp(seconds * 1_000_000);
            assert_eq!(at.date(), date);
            let (year, month, _) = date;
            assert_eq!(at.month().date(), (year, month, 1), "{seconds}");
            assert_eq!(at.month().0 % DAY_US, 0);
        }
        // One day after another, for more than two centuries.
        let mut before = civil(-1);
        for days in 0..80_000 {
            let (year, month, day) = civil(days);
            let next = (before.0, before.1, before.2 + 1) == (year, month, day)
                || (before.0, before.1 + 1, 1) == (year, month, day)
                || (before.0 + 1, 1, 1) == (year, month, day) && before.1 == 12;
            assert!(next, "{before:?} {:?}", (year, month, day));
            before = (year, month, day);
        }
    }
}
