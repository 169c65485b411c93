//! The two ends of every flow of sound: where frames come from and where they go. Never a whole clip at once.

use crate::AudioError;
use crate::limits::BLOCK_FRAMES;

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

impl<F: Frames + ?Sized> Frames for Box<F> {
    fn shape(&self) -> ClipShape {
        (**self).shape()
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        (**self).read(block, frames_max)
    }
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

impl<S: FrameSink + ?Sized> FrameSink for Box<S> {
    fn write(&mut self, block: &[&[f32]]) -> Result<(), AudioError> {
        (**self).write(block)
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        (**self).finish()
    }
}

/// An empty block for `channels` channels with room for `frames` frames.
#[must_use]
pub fn empty_block(channels: u16, frames: usize) -> Vec<Vec<f32>> {
    (0..channels).map(|_| Vec::with_capacity(frames)).collect()
}

/// Clears `block` and fills it with exactly `frames` frames, fewer only where the source ends. Returns how many.
///
/// # Errors
/// Those of [`Frames::read`].
pub fn fill(source: &mut dyn Frames, block: &mut [Vec<f32>], frames: usize) -> Result<usize, AudioError> {
    block.iter_mut().for_each(Vec::clear);
    let mut filled = 0;
    while filled < frames {
        match source.read(block, frames - filled)? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

/// Passes every frame of `source` on to `sink` and finishes it. Returns how many frames went through.
///
/// # Errors
/// Those of the source and of the sink.
pub fn copy(source: &mut dyn Frames, sink: &mut dyn FrameSink) -> Result<u64, AudioError> {
    let mut block = empty_block(source.shape().channels, BLOCK_FRAMES);
    let mut frames = 0;
    loop {
        let filled = fill(source, &mut block, BLOCK_FRAMES)?;
        if filled == 0 {
            break;
        }
        sink.write(&slices(&block))?;
        frames += filled as u64;
    }
    sink.finish()?;
    Ok(frames)
}

/// A block of vectors as the block of slices a [`FrameSink`] takes.
#[must_use]
pub fn slices(block: &[Vec<f32>]) -> Vec<&[f32]> {
    block.iter().map(Vec::as_slice).collect()
}

/// A block must have one vector or slice for each of `channels`.
pub(crate) fn expect_channels(got: usize, channels: u16) -> Result<(), AudioError> {
    if got == usize::from(channels) {
        return Ok(());
    }
    Err(AudioError::Shape { expected: format!("{channels} channels"), got: format!("{got} channels") })
}

/// The block has `channels` channels of one length; returns that length in frames.
pub(crate) fn block_frames(block: &[&[f32]], channels: u16) -> Result<usize, AudioError> {
    expect_channels(block.len(), channels)?;
    let frames = block.first().map_or(0, |channel| channel.len());
    match block.iter().find(|channel| channel.len() != frames) {
        None => Ok(frames),
        Some(odd) => Err(AudioError::Shape {
            expected: format!("{frames} frames on every channel"),
            got: format!("{} on one of them", odd.len()),
        }),
    }
}
