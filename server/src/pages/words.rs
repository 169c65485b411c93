//! Times, credits and lengths in words for people.

use crate::clock::Timestamp;
use std::time::Duration;
use tributary_protocol::vocab::Credits;

/// `2026-11-28`.
pub(super) fn day(at: Timestamp) -> String {
    let (year, month, day) = at.date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-28 10:12 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    let minutes = at.0.div_euclid(60_000_000).rem_euclid(24 * 60);
    format!("{} {:02}:{:02} UTC", day(at), minutes / 60, minutes % 60)
}

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 credit`, `1,200 credits`.
pub(super) fn credits(credits: Credits) -> String {
    format!("{} credit{}", grouped(credits.0), if credits.0 == 1 { "" } else { "s" })
}

/// `3:07`, `1:02:03`.
pub(super) fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `9.00 EUR` of 900.
pub(super) fn money(minor: u64, currency: &str) -> String {
    format!("{}.{:02} {currency}", grouped(minor / 100), minor % 100)
}

/// `1234.50` of 123 450, as a field has it.
pub(super) fn amount(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// 4990 of `49.90`, `49.9`, `49,90`; none for anything else.
pub(super) fn minor(text: &str) -> Option<u64> {
    let text = text.trim().replace(',', ".");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || cents.len() > 2 || !is_digits(whole) || !is_digits(cents) {
        return None;
    }
    let cents = format!("{cents:0<2}").parse::<u64>().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(cents)
}

/// `1.25` of 1 250 000 millionths.
pub(super) fn micros(micros: i128) -> String {
    let cents = (micros.abs() + 5_000) / 10_000;
    let sign = if micros < 0 && cents > 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// `1.5 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(moment(Timestamp(1_795_824_000_000_000 + 37_320_000_000)), "2026-11-28 10:22 UTC");
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(credits(Credits(1)), "1 credit");
        assert_eq!([7, 187, 3_723].map(|s| length(Duration::from_secs(s))), ["0:07", "3:07", "1:02:03"]);
        assert_eq!(money(123_405, "EUR"), "1,234.05 EUR");
        assert_eq!(amount(123_405), "1234.05");
        assert_eq!([1_250_000, -5_000, -4_999].map(micros), ["1.25", "-0.01", "0.00"]);
        assert_eq!(bytes(1_550_000), "1.5 MB");
    }

    #[test]
    fn sums_of_money_are_read_as_people_type_them() {
        for (text, minor_units) in [
            ("50", Some(5_000)),
            (" 49.90 ", Some(4_990)),
            ("49,9", Some(4_990)),
            ("0.05", Some(5)),
            ("", None),
            (".5", None),
            ("1.234", None),
            ("1,234.50", None),
            ("-1", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(minor(text), minor_units, "{text}");
        }
    }
}
