//! Samples and files: decode, encode, resample, measure. Knows no network, no model and no DAW.
//!
//! The one flow of this crate: a [`Frames`] source hands out blocks of planar `f32`, anything in between keeps
//! only a bounded number of them, and a [`FrameSink`] takes them. So a two-hour clip needs no more memory than
//! a two-minute one.

pub mod audio;
pub mod error;
pub mod frames;

pub use audio::Audio;
pub use error::AudioError;
pub use frames::{ClipShape, FrameSink, Frames};
