//! The outline of a clip for drawing: lowest and highest sample of each column. Never keeps the clip.

use crate::frames::{empty_block, fill};
use crate::limits::{BLOCK_FRAMES, PEAK_COLUMNS_MAX};
use crate::{AudioError, Frames};

/// Lowest and highest samples over all channels, one pair a column, `min[i] <= max[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Peaks {
    /// Lowest sample of each column.
    pub min: Vec<f32>,
    /// Highest sample of each column.
    pub max: Vec<f32>,
}

impl Peaks {
    /// Reads all of `source`. Column `c` of `n` shows the frames from `c*frames/n` up to `(c+1)*frames/n`, rounded
    /// down, and at least one: in a clip shorter than the drawing, neighbouring columns show the same frame.
    ///
    /// # Errors
    /// [`AudioError::Limit`] for no columns or more than [`PEAK_COLUMNS_MAX`], [`AudioError::Empty`], and those of
    /// the source.
    pub fn of(source: &mut dyn Frames, columns: usize) -> Result<Self, AudioError> {
        if !(1..=PEAK_COLUMNS_MAX).contains(&columns) {
            let limit = format!("1 to {PEAK_COLUMNS_MAX} columns");
            return Err(AudioError::Limit {
                what: "the width of the waveform",
                value: columns as u64,
                limit,
            });
        }
        let shape = source.shape();
        if shape.frames == 0 {
            return Err(AudioError::Empty);
        }
        let first_of = |column: usize| {
            let frame = column as u128 * u128::from(shape.frames) / columns as u128;
            u64::try_from(frame).expect("a column starts within the clip")
        };
        let mut peaks = Self { min: Vec::with_capacity(columns), max: Vec::with_capacity(columns) };
        let mut block = empty_block(shape.channels, BLOCK_FRAMES);
        let (mut block_at, mut block_frames) = (0, 0);
        for column in 0..columns {
            let first = first_of(column);
            let end = first_of(column + 1).max(first + 1);
            let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
            let mut at = first;
            while at < end {
                // The last frame of a block may be shown by the next column too, so only a frame past it reads on.
                if at >= block_at + block_frames {
                    block_at += block_frames;
                    block_frames = fill(source, &mut block, BLOCK_FRAMES)? as u64;
                    if block_frames == 0 {
                        return Err(AudioError::Shape {
                            expected: format!("{} frames", shape.frames),
                            got: format!("{at} frames"),
                        });
                    }
                }
                let stop = end.min(block_at + block_frames);
                let part = (at - block_at) as usize..(stop - block_at) as usize;
                for channel in &block {
                    for &sample in &channel[part.clone()] {
                        low = low.min(sample);
                        high = high.max(sample);
                    }
                }
                at = stop;
            }
            peaks.min.push(low);
            peaks.max.push(high);
        }
        Ok(peaks)
    }
}
