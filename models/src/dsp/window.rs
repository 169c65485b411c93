//! Window functions and the check that they add up evenly. Never applies them.

use std::f64::consts::TAU;

/// The periodic Hann window, `0.5 - 0.5 cos(2 pi i / frames)`: starts at 0 and does not return to it, so that
/// shifted copies add up to a constant (Harris 1978). `frames` values in `[0, 1]`.
#[must_use]
pub fn hann_periodic(frames: usize) -> Vec<f32> {
    (0..frames).map(|i| (0.5 - 0.5 * (TAU * i as f64 / frames as f64).cos()) as f32).collect()
}

/// How far copies of `weights`, one every `hop_frames`, are from adding up to a constant: the largest deviation
/// from the mean, as a part of the mean. Near 0 means constant overlap-add holds.
///
/// Returns infinity where nothing can be added up: no weights, no hop, or a mean of 0.
#[must_use]
pub fn overlap_ripple(weights: &[f32], hop_frames: usize) -> f64 {
    if weights.is_empty() || hop_frames == 0 {
        return f64::INFINITY;
    }
    let sums: Vec<f64> = (0..hop_frames)
        .map(|i| weights.iter().skip(i).step_by(hop_frames).map(|&w| f64::from(w)).sum())
        .collect();
    let mean = sums.iter().sum::<f64>() / sums.len() as f64;
    if mean == 0.0 {
        return f64::INFINITY;
    }
    sums.iter().map(|s| (s / mean - 1.0).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hann_and_its_square_add_up_to_a_constant_at_three_quarters_overlap() {
        for frames in [8, 256, 4096] {
            let window = hann_periodic(frames);
            let squared: Vec<f32> = window.iter().map(|w| w * w).collect();
            assert!(overlap_ripple(&window, frames / 4) < 1e-6);
            assert!(overlap_ripple(&squared, frames / 4) < 1e-6);
        }
    }

    #[test]
    fn a_hop_that_leaves_gaps_is_seen() {
        assert!(overlap_ripple(&hann_periodic(256), 200) > 0.1);
        assert!(overlap_ripple(&[], 4).is_infinite());
        assert!(overlap_ripple(&[1.0], 0).is_infinite());
        assert!(overlap_ripple(&[0.0; 8], 4).is_infinite());
    }

    #[test]
    fn hann_is_periodic_not_symmetric() {
        let window = hann_periodic(8);
        assert_eq!(window[0], 0.0);
        assert_eq!(window[4], 1.0);
        assert!((window[1] - window[7]).abs() < 1e-7);
    }
}
