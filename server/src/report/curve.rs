//! An equaliser's curves, middle and side, as one SVG. Draws, computes nothing.

use serde::Deserialize;
use std::fmt::Write;

/// Units of the drawing.
const WIDTH: f64 = 1_200.0;
const HEIGHT: f64 = 160.0;
/// Both ways from 0 dB; more where a curve reaches further.
const REACH_DB_MIN: f64 = 6.0;
const LEFT_HZ: f64 = 20.0;
const RIGHT_HZ: f64 = 20_000.0;
/// Frequencies with a line of their own.
const HERTZ: [(f64, &str); 5] =
    [(50.0, "50 Hz"), (200.0, "200"), (1_000.0, "1 kHz"), (4_000.0, "4"), (12_000.0, "12")];

/// What the equaliser does at one frequency.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Point {
    /// Frequency.
    pub hz: f64,
    /// What both channels share.
    pub mid_db: f64,
    /// What they do not share.
    pub side_db: f64,
}

/// The drawing; nothing where there are no points.
#[must_use]
pub fn svg(points: &[Point]) -> String {
    if points.is_empty() {
        return String::new();
    }
    let furthest = points.iter().flat_map(|point| [point.mid_db.abs(), point.side_db.abs()]);
    let reach_db = furthest.fold(REACH_DB_MIN, f64::max).ceil();
    let x = |hz: f64| ((hz / LEFT_HZ).ln() / (RIGHT_HZ / LEFT_HZ).ln()).clamp(0.0, 1.0) * WIDTH;
    let y = |db: f64| HEIGHT / 2.0 * (1.0 - db / reach_db);
    let mut out = format!(
        "<svg class=\"curve\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"what the equaliser did, middle and side\"><line class=\"grid\" x1=\"0\" x2=\"{WIDTH}\" \
         y1=\"{0}\" y2=\"{0}\"/>",
        y(0.0)
    );
    let mut add = |text: &str| out.push_str(text);
    for (hz, label) in HERTZ {
        add(&format!(
            "<line class=\"grid\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"0\" y2=\"{HEIGHT}\"/>\
             <text x=\"{1:.1}\" y=\"{2}\">{label}</text>",
            x(hz),
            x(hz) + 5.0,
            HEIGHT - 6.0
        ));
    }
    add(&format!("<text x=\"4\" y=\"13\">+{reach_db:.0} dB</text>"));
    let mut line = |class: &str, db: fn(&Point) -> f64| {
        let mut path = String::new();
        for point in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            write!(path, "{command}{:.1} {:.1}", x(point.hz), y(db(point)))
                .expect("writing to a string cannot fail");
        }
        add(&format!("<path class=\"{class}\" d=\"{path}\"/>"));
    };
    line("side", |point| point.side_db);
    line("mid", |point| point.mid_db);
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changed_is_a_line_in_the_middle_and_no_points_are_no_drawing() {
        let flat = [LEFT_HZ, RIGHT_HZ].map(|hz| Point { hz, mid_db: 0.0, side_db: 0.0 });
        assert!(svg(&flat).contains("class=\"mid\" d=\"M0.0 80.0L1200.0 80.0\""), "{}", svg(&flat));
        assert!(svg(&[]).is_empty());
    }

    #[test]
    fn a_curve_stays_inside() {
        let steep = [Point { hz: 1.0, mid_db: -30.0, side_db: 30.0 }];
        assert!(svg(&steep).contains("M0.0 160.0"), "{}", svg(&steep));
    }
}
