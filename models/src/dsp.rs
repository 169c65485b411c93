//! Signal processing and its conventions. Pure: no I/O, no clock, no threads of its own.
//!
//! Samples are `f32`, full scale ±1. A spectrum holds `n_fft / 2 + 1` bins, column after column, not scaled:
//! a sine of amplitude 1 under a Hann window peaks at `n_fft / 4`. Column `c` is centred on frame `c * hop_frames`
//! of the clip. Where windows reach beyond the clip's two ends, the clip is reflected about its outermost frame.

pub mod fir;
pub mod limiter;
pub mod lowess;
pub mod overlap_add;
pub mod sliding;
pub mod stft;
pub mod true_peak;
pub mod window;

pub use fir::Fir;
pub use limiter::{Limiter, Motion};
pub use overlap_add::OverlapAdd;
pub use stft::{Forward, Inverse, Stft, StftShape};
pub use true_peak::TruePeakMeter;
