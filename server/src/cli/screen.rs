//! Everything the command prints goes through here: results to stdout, the rest to stderr.

use super::Ended;
use std::fmt::Display;
use std::io::{self, Write};
use tributary_protocol::vocab::Credits;

/// A line of results. A closed pipe (`tributary jobs | head`) is no error.
pub(super) fn line(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A line beside the results.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error with all its causes, in one line.
pub(super) fn error(error: &anyhow::Error) {
    note(format!("error: {}", chain(error)));
}

/// The causes of an error in one line; a cause that its effect already says is said once.
pub(super) fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    // An exit code is for programs; the words before it say why.
    for cause in error.chain().filter(|cause| !cause.is::<Ended>()).map(ToString::to_string) {
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

/// Rows under their heads, columns as wide as needed.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) {
    let mut widths = heads.map(|head| head.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: [&str; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    };
    print(heads);
    for row in rows {
        print(row.each_ref().map(String::as_str));
    }
}

/// `1.5 MB`, rounded up.
pub(super) fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// `1:02:03.4`, `2:03.4` or `3.4 s`.
pub(super) fn duration(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round();
    let (minutes, rest) = ((tenths / 600.0).floor(), tenths % 600.0 / 10.0);
    match (minutes / 60.0).floor() {
        0.0 if minutes == 0.0 => format!("{rest:.1} s"),
        0.0 => format!("{minutes:.0}:{rest:04.1}"),
        hours => format!("{hours:.0}:{:02.0}:{rest:04.1}", minutes % 60.0),
    }
}

/// `2026-11-22 18:34:05`, UTC.
pub(super) fn time(us: i64) -> String {
    let seconds = us.div_euclid(1_000_000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// Year, month and day of a count of days since 1970 (Gregorian calendar in 400-year eras that begin in March).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// What a job cost, in words.
pub(super) fn cost(captured: Credits, released: Credits) -> String {
    if released == Credits::ZERO {
        format!("{captured} spent")
    } else {
        format!("{captured} spent, {released} released")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_read_as_people_write_them() {
        assert_eq!(time(0), "1970-01-01 00:00:00");
        assert_eq!(time(1_795_374_845_000_000), "2026-11-22 19:14:05");
        assert_eq!(time(951_782_400_000_000), "2000-02-29 00:00:00");
        for (seconds, text) in [(3.44, "3.4 s"), (123.4, "2:03.4"), (3723.4, "1:02:03.4"), (59.96, "1:00.0")]
        {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_cause_that_was_said_already_is_not_said_again() {
        let error =
            anyhow::anyhow!("no such file").context("read song.wav: no such file").context("separate");
        assert_eq!(chain(&error), "separate: read song.wav: no such file");
        let ended = anyhow::Error::new(Ended(1)).context("cancelled; 1 credit released");
        assert_eq!(chain(&ended), "cancelled; 1 credit released");
    }
}
