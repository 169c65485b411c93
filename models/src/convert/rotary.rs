//! Tables of rotary position embedding (Su et al. 2021, RoFormer), interleaved pairs.

use std::f64::consts::TAU;

/// The base of the usual frequencies.
const THETA: f64 = 10_000.0;

/// The usual frequencies for heads of `size` numbers, radians a place, one for each pair.
pub(super) fn frequencies(size: usize) -> Vec<f32> {
    (0..size / 2).map(|pair| THETA.powf(-2.0 * pair as f64 / size as f64) as f32).collect()
}

/// Cosines (or sines) of every place and pair, `[copies][places][pairs]`.
pub(super) fn table(frequencies: &[f32], places: usize, copies: usize, of: fn(f64) -> f64) -> Vec<f32> {
    let one: Vec<f32> = (0..places)
        .flat_map(|place| {
            // The publishers multiply in 32 bits; the angle is then exact enough for what is left of it.
            frequencies.iter().map(move |frequency| of(f64::from(place as f32 * frequency) % TAU) as f32)
        })
        .collect();
    one.repeat(copies)
}
