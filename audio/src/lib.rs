//! Samples and files: decode, encode, resample, measure. Knows no network, no model and no DAW.
//!
//! The one flow of this crate: a [`Frames`] source hands out blocks of planar `f32`, anything in between keeps
//! only a bounded number of them, and a [`FrameSink`] takes them. So a two-hour clip needs no more memory than
//! a two-minute one.

pub mod audio;
pub mod decode;
pub mod error;
mod finite;
pub mod flac;
pub mod frames;
mod interleave;
pub mod limits;
pub mod loudness;
pub mod measure;
pub mod pcm;
pub mod peaks;
mod quantize;
pub mod resample;
pub mod wav;

pub use audio::{Audio, AudioFrames};
pub use decode::open;
pub use error::AudioError;
pub use flac::FlacWriter;
pub use frames::{ClipShape, FrameSink, Frames};
pub use loudness::{Loudness, LoudnessMeter};
pub use pcm::{PcmReader, PcmWriter};
pub use peaks::Peaks;
pub use resample::{PushResampler, ResampleSink, Resampler};
pub use wav::{Bext, WavFormat, WavReader, WavWriter};
