//! What the network for one voice hears (`swift-f0`: L. Nieradzik, "SwiftF0", arXiv 2508.18440, 2025): a pitch and how
//! sure it is, a column each 16 ms. Its answers are those it gives to the whole clip at once: a chunk brings as many
//! columns beside its own as the network looks at, and none beyond the clip, where the network sees nothing.

use super::RATE_HZ;
use super::windows::Windows;
use crate::ModelError;
use crate::music::pitch_line::Pitched;
use crate::session::{Input, Lane};
use tributary_audio::resample::frames_at;
use tributary_audio::{AudioError, PushResampler};

/// What the network listens to.
const LINE_RATE_HZ: u32 = 16_000;
/// From column to column, frames.
const HOP_FRAMES: u64 = 256;
/// Columns a chunk answers for: 8.2 s.
const STEP_COLUMNS: u64 = 512;
/// Columns beside them that reach into an answer: five convolutions of five columns, and a window of four hops.
const REACH_COLUMNS: u64 = 12;
/// The graph's input, `[1, frames]`, and outputs, `[1, columns]`: Hz, and how sure, 0 to 1.
const INPUT: &str = "input_audio";
const OUTPUTS: [&str; 2] = ["pitch_hz", "confidence"];

/// When the middle of a column is, seconds.
pub(super) fn column_seconds(column: f64) -> f64 {
    (column + 0.5) * HOP_FRAMES as f64 / f64::from(LINE_RATE_HZ)
}

/// Columns of so many seconds.
pub(super) fn columns_of(seconds: f64) -> f64 {
    seconds * f64::from(LINE_RATE_HZ) / HOP_FRAMES as f64
}

/// A clip as the network sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Frames at the network's rate.
    frames: u64,
    columns: u64,
}

impl Span {
    /// Of a clip of so many frames at [`RATE_HZ`].
    pub(super) fn of(frames: u64) -> Self {
        let frames = frames_at(frames, RATE_HZ, LINE_RATE_HZ).max(1);
        Self { frames, columns: (frames / HOP_FRAMES).max(1) }
    }

    pub(super) fn chunks(self) -> u64 {
        self.columns.div_ceil(STEP_COLUMNS)
    }

    /// The columns that chunk `k` answers for.
    fn own(self, k: u64) -> std::ops::Range<u64> {
        k * STEP_COLUMNS..self.columns.min((k + 1) * STEP_COLUMNS)
    }

    /// The frames that chunk `k` brings.
    fn frames(self, k: u64) -> std::ops::Range<u64> {
        let own = self.own(k);
        let to = (own.end + REACH_COLUMNS) * HOP_FRAMES;
        let to = if own.end == self.columns { self.frames } else { to.min(self.frames) };
        own.start.saturating_sub(REACH_COLUMNS) * HOP_FRAMES..to
    }

    /// The numbers of chunk `k`'s answer, and which of its columns are its own.
    fn answer(self, k: u64) -> (usize, std::ops::Range<usize>) {
        let (own, frames) = (self.own(k), self.frames(k));
        let first = frames.start / HOP_FRAMES;
        let columns = ((frames.end - frames.start) / HOP_FRAMES).max(1);
        (2 * columns as usize, (own.start - first) as usize..(own.end - first) as usize)
    }
}

/// Cuts sound for the network.
pub(super) struct LineWindows {
    span: Span,
    resampler: PushResampler,
    /// Frames from `held_from` on, at the network's rate.
    held: Vec<f32>,
    held_from: u64,
    next: u64,
}

impl LineWindows {
    pub(super) fn new(span: Span) -> Result<Self, AudioError> {
        let resampler = PushResampler::new(RATE_HZ, LINE_RATE_HZ, 1)?;
        Ok(Self { span, resampler, held: Vec::new(), held_from: 0, next: 0 })
    }
}

impl Windows for LineWindows {
    fn lacking(&self) -> u64 {
        let there = self.held_from + self.held.len() as u64;
        let lacking = self.span.frames(self.next).end.saturating_sub(there);
        (lacking * u64::from(RATE_HZ)).div_ceil(u64::from(LINE_RATE_HZ))
    }

    fn push(&mut self, block: &[f32]) -> Result<(), AudioError> {
        self.held.extend_from_slice(&self.resampler.push(&[block])?[0]);
        Ok(())
    }

    fn end(&mut self) -> Result<(), AudioError> {
        self.held.extend_from_slice(&self.resampler.finish(self.span.frames)?[0]);
        Ok(())
    }

    fn take(&mut self) -> (Vec<usize>, Vec<f32>) {
        let frames = self.span.frames(self.next);
        let gone = (frames.start.saturating_sub(self.held_from) as usize).min(self.held.len());
        self.held.drain(..gone);
        self.held_from += gone as u64;
        let count = (frames.end - frames.start) as usize;
        let mut data = self.held[..self.held.len().min(count)].to_vec();
        // The network takes no less than one column.
        data.resize(count.max(HOP_FRAMES as usize), 0.0);
        self.next += 1;
        (vec![data.len()], data)
    }
}

/// Gives one chunk to the network.
pub(super) fn run(model: &str, lane: &Lane<'_>, graph: &str, data: &[f32]) -> Result<Vec<f32>, ModelError> {
    let outputs = lane.run(graph, &[Input { name: INPUT, shape: &[1, data.len()], data }], &OUTPUTS)?;
    let columns = data.len() / HOP_FRAMES as usize;
    if outputs.iter().any(|output| output.data.len() != columns) {
        let shapes: Vec<_> = outputs.iter().map(|output| &output.shape).collect();
        let reason = format!("{shapes:?} came out for {} frames", data.len());
        return Err(ModelError::Engine { model: model.to_owned(), reason });
    }
    Ok(outputs.iter().map(|output| output.data.as_slice()).collect::<Vec<_>>().concat())
}

/// What a warm-up gives to the network.
pub(super) fn silence() -> Vec<f32> {
    vec![0.0; (REACH_COLUMNS * HOP_FRAMES) as usize]
}

/// All that was heard, in order.
pub(super) struct Line {
    span: Span,
    columns: Vec<Pitched>,
}

impl Line {
    pub(super) fn new(span: Span) -> Self {
        Self { span, columns: Vec::new() }
    }

    /// How many numbers the answer to chunk `k` has.
    pub(super) fn numbers(&self, k: u32) -> usize {
        self.span.answer(u64::from(k)).0
    }

    /// Takes the answer to chunk `k`, of as many numbers.
    pub(super) fn keep(&mut self, k: u32, answer: &[f32]) {
        let (numbers, own) = self.span.answer(u64::from(k));
        let (hz, confidence) = answer.split_at(numbers / 2);
        let own = hz[own.clone()].iter().zip(&confidence[own]);
        self.columns.extend(own.map(|(hz, confidence)| Pitched { hz: *hz, confidence: *confidence }));
    }

    pub(super) fn columns(&self) -> &[Pitched] {
        &self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_one_chunks_own_and_brings_all_that_it_looks_at() {
        for frames in [1, 300, 22_050, 180_634, 181_000, 361_268, 5_000_000] {
            let span = Span::of(frames);
            let mut next = 0;
            for k in 0..span.chunks() {
                let (own, frames) = (span.own(k), span.frames(k));
                assert_eq!(own.start, next);
                next = own.end;
                let reach = own.start.saturating_sub(REACH_COLUMNS) * HOP_FRAMES;
                assert!(frames.start == reach && frames.end <= span.frames && !frames.is_empty());
                let whole = (own.end + REACH_COLUMNS) * HOP_FRAMES;
                assert!(frames.end == span.frames || frames.end == whole, "{frames:?} of {span:?}");
                let (numbers, inside) = span.answer(k);
                assert!(inside.end <= numbers / 2 && inside.len() as u64 == own.end - own.start);
            }
            assert_eq!(next, span.columns);
        }
    }
}
