//! Smoothing by local straight lines and interpolation by cubic splines, over evenly spaced points. Pure numbers.

/// Locally weighted regression (Cleveland 1979), degree 1, tricube weights, without robust iterations. `y` is evenly
/// spaced over 0 to 1; each fit sees the nearest `part` of the points; fits stand at most `delta` apart, with
/// straight lines between them.
///
/// Returns as many values as `y` has.
#[must_use]
pub fn lowess(y: &[f64], part: f64, delta: f64) -> Vec<f64> {
    let count = y.len();
    if count < 3 {
        return y.to_vec();
    }
    let near = ((part * count as f64 + 1e-10) as usize).clamp(2, count);
    let step = ((delta * (count - 1) as f64) as usize).max(1);
    let mut out = vec![0.0; count];
    let mut last = 0;
    out[0] = fit(y, 0, near);
    while last + 1 < count {
        let next = (last + step).min(count - 1);
        out[next] = fit(y, next, near);
        for i in last + 1..next {
            let part = (i - last) as f64 / (next - last) as f64;
            out[i] = out[last] + part * (out[next] - out[last]);
        }
        last = next;
    }
    out
}

/// The line through the `near` points around point `at`, at that point.
fn fit(y: &[f64], at: usize, near: usize) -> f64 {
    let first = at.saturating_sub((near - 1) / 2).min(y.len() - near);
    let radius = (at - first).max(first + near - 1 - at).max(1) as f64;
    // x is counted from `at`, so that the line's value there is its intercept.
    let (mut w0, mut w1, mut w2, mut wy, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (i, y) in y[first..first + near].iter().enumerate() {
        let x = (first + i) as f64 - at as f64;
        let cube = (x.abs() / radius).powi(3);
        let weight = (1.0 - cube).max(0.0).powi(3);
        w0 += weight;
        w1 += weight * x;
        w2 += weight * x * x;
        wy += weight * y;
        wxy += weight * x * y;
    }
    let determinant = w0 * w2 - w1 * w1;
    if determinant.abs() < 1e-12 * (w0 * w2).max(1e-300) {
        wy / w0
    } else {
        (w2 * wy - w1 * wxy) / determinant
    }
}

/// A natural cubic spline through evenly spaced points.
pub struct Spline {
    y: Vec<f64>,
    /// Second derivatives at the points, in units of the spacing.
    bend: Vec<f64>,
}

impl Spline {
    /// Through `y` at 0, 1, 2, ..; at least 2 points.
    #[must_use]
    pub fn new(y: &[f64]) -> Self {
        let count = y.len();
        let mut bend = vec![0.0; count];
        // The tridiagonal system 1 4 1, solved from front to back (Thomas).
        let mut ratio = vec![0.0; count];
        for i in 1..count.saturating_sub(1) {
            let pivot = 4.0 - ratio[i - 1];
            ratio[i] = 1.0 / pivot;
            bend[i] = (6.0 * (y[i - 1] - 2.0 * y[i] + y[i + 1]) - bend[i - 1]) / pivot;
        }
        for i in (1..count.saturating_sub(1)).rev() {
            bend[i] -= ratio[i] * bend[i + 1];
        }
        Self { y: y.to_vec(), bend }
    }

    /// The value at `x`; beyond the ends the outermost piece goes on.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        if self.y.len() < 2 {
            return self.y.first().copied().unwrap_or(0.0);
        }
        let i = (x.max(0.0) as usize).min(self.y.len() - 2);
        let (b, a) = (x - i as f64, 1.0 - (x - i as f64));
        a * self.y[i]
            + b * self.y[i + 1]
            + ((a * a * a - a) * self.bend[i] + (b * b * b - b) * self.bend[i + 1]) / 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_left_alone_up_to_its_ends() {
        let line: Vec<f64> = (0..500).map(|i| 3.0 - 0.25 * f64::from(i)).collect();
        for (a, b) in lowess(&line, 0.1, 0.01).iter().zip(&line) {
            assert!((a - b).abs() < 1e-9, "{a}, not {b}");
        }
        assert_eq!(lowess(&[1.0, 5.0], 0.5, 0.0), [1.0, 5.0]);
    }

    #[test]
    fn a_ripple_shorter_than_the_window_is_smoothed_away() {
        let ripple: Vec<f64> = (0..2000).map(|i| 1.0 + (f64::from(i) * 0.7).sin()).collect();
        let smooth = lowess(&ripple, 0.1, 0.001);
        assert!(smooth[200..1800].iter().all(|y| (y - 1.0).abs() < 0.01));
    }

    #[test]
    fn the_spline_goes_through_its_points_and_follows_a_sine_between_them() {
        let points: Vec<f64> = (0..60).map(|i| (f64::from(i) * 0.3).sin()).collect();
        let spline = Spline::new(&points);
        for (i, y) in points.iter().enumerate() {
            assert!((spline.at(i as f64) - y).abs() < 1e-12);
        }
        for i in 40..550 {
            let x = f64::from(i) / 10.0;
            // 1e-3: the error of a spline is of the fourth order in the spacing, 0.3^4 / 384 and more at the ends.
            assert!((spline.at(x) - (x * 0.3).sin()).abs() < 1e-3, "{x}");
        }
    }
}
