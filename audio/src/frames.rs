//! The two ends of every flow of sound: where frames come from and where they go. Never a whole clip at once.

use crate::AudioError;

/// What a clip is before its samples are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipShape {
    /// 1 to 8.
    pub channels: u16,
    /// Length in frames.
    pub frames: u64,
    /// Frames a second.
    pub rate_hz: u32,
}

impl ClipShape {
    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate_hz.max(1))
    }
}

/// A source of frames, read once from front to back.
pub trait Frames: Send {
    /// Channels, total frames and rate of all this source will give.
    fn shape(&self) -> ClipShape;

    /// Appends up to `frames_max` frames to `block` (`[channels][..]`, one vector a channel, not cleared first)
    /// and returns how many; 0 means the end. The sum over all calls is `shape().frames`.
    ///
    /// # Errors
    /// Where the source cannot be read on, or holds a sample that is not a finite number.
    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError>;
}

/// Where finished frames go, in order.
pub trait FrameSink: Send {
    /// Takes one block, `[channels][frames]`, every channel equally long.
    ///
    /// # Errors
    /// Where the frames cannot be stored (disk full, wrong number of channels).
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError>;

    /// All frames were written: headers are completed and everything is on its way to the disk.
    ///
    /// # Errors
    /// Where the last bytes cannot be stored.
    fn finish(&mut self) -> Result<(), AudioError>;
}
