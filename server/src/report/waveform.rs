//! The outline of a sound as one SVG path. Draws peaks, never an average: a click one frame long is seen.

use super::open;
use anyhow::Context;
use std::fmt::Write;
use std::path::Path;
use tributary_audio::Peaks;

/// Columns of the drawing, one a unit of the SVG.
pub const WIDTH: usize = 1_200;
/// Height of the drawing in units of the SVG; zero is in the middle.
pub const HEIGHT: usize = 100;

/// Lowest and highest sample of each of [`WIDTH`] columns.
///
/// # Errors
/// A file that cannot be read.
pub fn peaks(path: &Path) -> anyhow::Result<Peaks> {
    Peaks::of(&mut *open(path)?, WIDTH).with_context(|| format!("draw {}", path.display()))
}

/// The highest absolute sample, at least -60 dBFS, so that silence stays a line.
#[must_use]
pub fn highest(peaks: &Peaks) -> f32 {
    peaks.min.iter().chain(&peaks.max).fold(1e-3, |highest, sample| highest.max(sample.abs()))
}

/// The closed path along all highest and back along all lowest samples; `full_scale` touches the edges.
#[must_use]
pub fn outline(peaks: &Peaks, full_scale: f32) -> String {
    let middle = HEIGHT as f32 / 2.0;
    // At least 0.3 units away from the middle: an outline without area would not be seen.
    let y = |sample: f32, side: f32| {
        let reach = (sample * side / full_scale * middle).clamp(0.3, middle);
        middle - side * reach
    };
    let mut path = String::with_capacity(peaks.min.len() * 20);
    let mut point = |column: usize, y: f32| {
        let command = if path.is_empty() { 'M' } else { 'L' };
        write!(path, "{command}{column} {y:.1}").expect("writing to a string cannot fail");
    };
    for (column, &sample) in peaks.max.iter().enumerate() {
        point(column, y(sample, 1.0));
    }
    for (column, &sample) in peaks.min.iter().enumerate().rev() {
        point(column, y(sample, -1.0));
    }
    path.push('Z');
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loudest_sample_touches_the_edge_and_silence_is_a_thin_line() {
        let peaks = Peaks { min: vec![-0.5, 0.0], max: vec![0.25, 0.0] };
        assert_eq!(highest(&peaks), 0.5);
        assert_eq!(outline(&peaks, 0.5), "M0 25.0L1 49.7L1 50.3L0 100.0Z");
    }

    #[test]
    fn a_stem_louder_than_the_mixture_stays_inside() {
        let peaks = Peaks { min: vec![-2.0], max: vec![2.0] };
        assert_eq!(outline(&peaks, 1.0), "M0 0.0L0 100.0Z");
    }
}
