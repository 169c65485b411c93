//! `Audio`: a whole piece of sound in memory. For short pieces and tests; long clips flow as [`crate::Frames`].

use crate::ClipShape;

/// Planar samples, `[channels][frames]`, full scale ±1.0, every channel equally long.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// One vector of samples a channel.
    pub channels: Vec<Vec<f32>>,
    /// Frames a second.
    pub rate_hz: u32,
}

impl Audio {
    /// Silence of the given shape.
    #[must_use]
    pub fn silence(shape: ClipShape) -> Self {
        let frames = usize::try_from(shape.frames).expect("a piece held in memory fits the address space");
        Self { channels: vec![vec![0.0; frames]; usize::from(shape.channels)], rate_hz: shape.rate_hz }
    }

    /// Frames, that is samples of one channel.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Channels, frames and rate.
    #[must_use]
    pub fn shape(&self) -> ClipShape {
        ClipShape {
            channels: u16::try_from(self.channels.len()).unwrap_or(u16::MAX),
            frames: self.frames() as u64,
            rate_hz: self.rate_hz,
        }
    }
}
