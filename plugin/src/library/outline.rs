//! Outlines of sound for drawing: lowest and highest sample at halving resolutions, made from front to back, also while
//! the sound is still being recorded. A bounded number of columns, however long the sound.

use super::Outline;
use std::ops::Range;
use tributary_audio::frames::{empty_block, fill};
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_audio::{AudioError, Frames};

/// Columns of the finest level; with all coarser ones 2 MiB. A song of 3 minutes at 48 kHz has 1.4 ms a column.
pub const COLUMNS_MAX: usize = 1 << 17;
/// Frames of a column as long as there are few; every time the columns are used up it doubles.
const COLUMN_FRAMES_MIN: u64 = 32;

/// Lowest and highest of nothing.
const NOTHING: (f32, f32) = (f32::INFINITY, f32::NEG_INFINITY);

/// Makes an [`Outline`] of frames as they come.
#[derive(Clone, Debug)]
pub struct Outliner {
    channels: usize,
    columns_max: usize,
    column_frames: u64,
    /// Finished columns.
    columns: Vec<(f32, f32)>,
    /// The column that grows, and its frames so far.
    open: (f32, f32),
    open_frames: u64,
    frames: u64,
}

impl Outliner {
    /// For sound of so many channels, all of which share one outline; 0 counts as 1. `columns_max` bounds the finest
    /// level: [`COLUMNS_MAX`] for a finished take, less for one that is drawn while it grows.
    #[must_use]
    pub fn new(channels: u16, columns_max: usize) -> Self {
        Self {
            channels: usize::from(channels.max(1)),
            columns_max: columns_max.clamp(2, COLUMNS_MAX),
            column_frames: COLUMN_FRAMES_MIN,
            columns: Vec::new(),
            open: NOTHING,
            open_frames: 0,
            frames: 0,
        }
    }

    /// Adds interleaved samples; a piece of a frame at the end is left out. What is no number counts as silence.
    pub fn push(&mut self, samples: &[f32]) {
        for frame in samples.chunks_exact(self.channels) {
            let column = frame.iter().fold(NOTHING, |column, &sample| with(column, sample));
            self.push_frame(column);
        }
    }

    /// Adds a block, `[channels][frames]`, all equally long.
    pub fn push_block(&mut self, block: &[Vec<f32>]) {
        let frames = block.first().map_or(0, Vec::len);
        let mut at = 0;
        while at < frames {
            let left = usize::try_from(self.column_frames - self.open_frames).unwrap_or(usize::MAX);
            let end = frames.min(at.saturating_add(left));
            for channel in block {
                let part = channel.get(at..end).unwrap_or_default();
                self.open = part.iter().fold(self.open, |column, &sample| with(column, sample));
            }
            self.grow((end - at) as u64);
            at = end;
        }
    }

    /// The outline of all frames so far.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let mut finest = self.columns.clone();
        if self.open_frames > 0 {
            finest.push(self.open);
        }
        let mut levels = vec![finest];
        while let Some(finer) = levels.last().filter(|finer| finer.len() > 1) {
            let coarser = finer.chunks(2).map(|pair| pair.iter().copied().fold(NOTHING, join)).collect();
            levels.push(coarser);
        }
        Outline { frames: self.frames, column_frames: self.column_frames, levels }
    }

    fn push_frame(&mut self, column: (f32, f32)) {
        self.open = join(self.open, column);
        self.grow(1);
    }

    /// `frames` frames more are in the open column; never more than it has room for.
    fn grow(&mut self, frames: u64) {
        self.open_frames += frames;
        self.frames += frames;
        if self.open_frames < self.column_frames {
            return;
        }
        self.columns.push(self.open);
        (self.open, self.open_frames) = (NOTHING, 0);
        if self.columns.len() < self.columns_max {
            return;
        }
        // An odd last column becomes the first half of the open one.
        let (pairs, rest) = self.columns.as_chunks::<2>();
        if let [last] = rest {
            (self.open, self.open_frames) = (*last, self.column_frames);
        }
        self.columns = pairs.iter().map(|[first, second]| join(*first, *second)).collect();
        self.column_frames *= 2;
    }
}

impl Outline {
    /// The outline of all of `source`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn of(source: &mut dyn Frames) -> Result<Self, AudioError> {
        let channels = source.shape().channels;
        let mut outliner = Outliner::new(channels, COLUMNS_MAX);
        let mut block = empty_block(channels, BLOCK_FRAMES);
        while fill(source, &mut block, BLOCK_FRAMES)? > 0 {
            outliner.push_block(&block);
        }
        Ok(outliner.outline())
    }

    /// The lowest and highest sample of each of `columns` equal parts of `range` (frames), in bounded time at any zoom.
    /// A part shows every column of the finest level that it touches: exact where it begins and ends with one, else up
    /// to one column wider at each end. Parts beyond the end, and all of an empty range, are (0, 0).
    #[must_use]
    pub fn at(&self, columns: usize, range: Range<u64>) -> Vec<(f32, f32)> {
        let length = range.end.saturating_sub(range.start);
        let edge = |column: usize| {
            let offset = u128::from(length) * column as u128 / columns.max(1) as u128;
            range.start + u64::try_from(offset).unwrap_or(u64::MAX)
        };
        (0..columns)
            .map(|column| {
                let first = edge(column);
                // Parts shorter than a frame show the frame they begin in.
                let end = edge(column + 1).max(first.saturating_add(1)).min(self.frames);
                if length == 0 || first >= end { (0.0, 0.0) } else { self.span(first, end) }
            })
            .collect()
    }

    /// Lowest and highest of the finest columns that touch frames `first..end`, by the coarsest columns that fit.
    pub(crate) fn span(&self, first: u64, end: u64) -> (f32, f32) {
        let column_frames = self.column_frames.max(1);
        let index = |column: u64| usize::try_from(column).unwrap_or(usize::MAX);
        let (mut left, mut right) = (index(first / column_frames), index(end.div_ceil(column_frames)));
        let mut found = NOTHING;
        for level in &self.levels {
            if left >= right {
                break;
            }
            let column = |at: usize| level.get(at).copied().unwrap_or(NOTHING);
            if left % 2 == 1 {
                found = join(found, column(left));
                left += 1;
            }
            if right % 2 == 1 {
                right -= 1;
                found = join(found, column(right));
            }
            (left, right) = (left / 2, right / 2);
        }
        if found.0 <= found.1 { found } else { (0.0, 0.0) }
    }
}

fn join(one: (f32, f32), other: (f32, f32)) -> (f32, f32) {
    (one.0.min(other.0), one.1.max(other.1))
}

fn with(column: (f32, f32), sample: f32) -> (f32, f32) {
    let sample = if sample.is_finite() { sample } else { 0.0 };
    (column.0.min(sample), column.1.max(sample))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::samples;
    use proptest::prelude::*;

    fn brute(samples: &[f32], channels: usize, frames: Range<u64>) -> (f32, f32) {
        let part = &samples[frames.start as usize * channels..frames.end as usize * channels];
        part.iter().fold(NOTHING, |column, &sample| with(column, sample))
    }

    /// Every part at every zoom must be what all samples of the touched columns say.
    fn check(channels: u16, frames: usize, columns_max: usize, block: usize) {
        let all = samples(frames, channels);
        let mut outliner = Outliner::new(channels, columns_max);
        for block in all.chunks(block * usize::from(channels)) {
            outliner.push(block);
        }
        let outline = outliner.outline();
        assert_eq!(outline.frames, frames as u64);
        assert!(outline.levels[0].len() <= columns_max + 1);
        let width = outline.column_frames;
        for columns in [1, 2, 3, 7, 64, 333] {
            for (start, end) in
                [(0, frames), (1, frames), (frames / 3, frames / 2), (frames / 2, frames / 2 + 5)]
            {
                let (start, end) = (start as u64, (end as u64).min(frames as u64));
                let drawn = outline.at(columns, start..end);
                for (column, &drawn) in drawn.iter().enumerate() {
                    let at = |column: usize| start + (end - start) * column as u64 / columns as u64;
                    let (first, last) = (at(column), at(column + 1).max(at(column) + 1).min(frames as u64));
                    if start >= end || first >= last {
                        assert_eq!(drawn, (0.0, 0.0));
                        continue;
                    }
                    let touched = first / width * width..(last.div_ceil(width) * width).min(frames as u64);
                    let expected = brute(&all, usize::from(channels), touched);
                    assert_eq!(
                        drawn, expected,
                        "{frames} frames, {columns} columns of {start}..{end}, {column}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_zoom_shows_what_the_samples_say() {
        for frames in [1, 31, 32, 33, 1_000, 4_096, 100_003] {
            for channels in [1, 2] {
                check(channels, frames, COLUMNS_MAX, 977);
                check(channels, frames, 64, 1);
                check(channels, frames, 63, 4_000);
            }
        }
    }

    #[test]
    fn blocks_and_interleaved_samples_give_one_outline_at_any_moment() {
        let all = samples(20_000, 2);
        let planar: Vec<Vec<f32>> =
            (0..2).map(|channel| all.iter().skip(channel).step_by(2).copied().collect()).collect();
        let (mut interleaved, mut by_block) = (Outliner::new(2, 100), Outliner::new(2, 100));
        for at in (0..20_000).step_by(777) {
            let end = (at + 777).min(20_000);
            interleaved.push(&all[at * 2..end * 2]);
            by_block.push_block(&planar.iter().map(|channel| channel[at..end].to_vec()).collect::<Vec<_>>());
            assert_eq!(interleaved.outline(), by_block.outline(), "after {end} frames");
        }
        assert_eq!(interleaved.outline().frames, 20_000);
    }

    #[test]
    fn nothing_and_numbers_that_are_none_are_drawn_as_silence() {
        assert_eq!(Outline::default().at(3, 0..100), [(0.0, 0.0); 3]);
        assert_eq!(Outliner::new(2, 10).outline().at(2, 0..10), [(0.0, 0.0); 2]);
        let mut outliner = Outliner::new(1, 10);
        outliner.push(&[f32::NAN, 0.5, f32::INFINITY, -0.25]);
        let outline = outliner.outline();
        assert_eq!(outline.at(1, 0..4), [(-0.25, 0.5)]);
        assert_eq!(outline.at(2, 0..8), [(-0.25, 0.5), (0.0, 0.0)], "beyond the end");
        assert_eq!(outline.at(1, 2..2), [(0.0, 0.0)]);
        assert_eq!(outline.at(0, 0..4), []);
        let all = u64::MAX;
        assert_eq!(
            outline.at(2, 0..all).len() + outline.at(2, all..all).len() + outline.at(2, 3..all).len(),
            6
        );
        #[expect(clippy::reversed_empty_ranges, reason = "that is the case")]
        let backwards = outline.at(2, 4..0);
        assert_eq!(backwards, [(0.0, 0.0); 2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..Default::default() })]

        #[test]
        fn any_part_of_any_length_holds_its_samples(frames in 1usize..20_000, start in 0u64..20_000, length in 1u64..20_000, columns_max in 2usize..300) {
            let all = samples(frames, 1);
            let mut outliner = Outliner::new(1, columns_max);
            outliner.push(&all);
            let outline = outliner.outline();
            let range = start.min(frames as u64 - 1)..(start + length).clamp(1, frames as u64);
            prop_assume!(range.start < range.end);
            let [drawn] = outline.at(1, range.clone())[..] else { panic!("one column") };
            let exact = brute(&all, 1, range);
            prop_assert!(drawn.0 <= exact.0 && drawn.1 >= exact.1);
        }
    }
}
