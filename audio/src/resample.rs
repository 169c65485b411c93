//! From one rate to another: no delay, exact length, bounded memory. Never guesses a rate, never touches the level.
//!
//! The engine is `rubato`'s FFT resampler: one windowed sinc (squared Blackman-Harris) applied to each block in the
//! frequency domain. It delays by half a block; that lead-in is cut off, and silence after the last frame pushes out
//! what is still inside.

pub mod pull;
pub mod push;
pub mod sink;

pub use pull::Resampler;
pub use push::PushResampler;
pub use sink::ResampleSink;

/// Frames at `to_hz` that last as long as `frames` at `from_hz`: `frames * to / from` rounded to nearest, halves up.
/// Saturates at `u64::MAX`, far beyond any clip.
#[must_use]
pub fn frames_at(frames: u64, from_hz: u32, to_hz: u32) -> u64 {
    let from = u128::from(from_hz.max(1));
    u64::try_from((u128::from(frames) * u128::from(to_hz) + from / 2) / from).unwrap_or(u64::MAX)
}
