//! Answers of the network and spectra of one pair going in, parts coming out as sound. No I/O.

use super::analysis::Spectra;
use super::bands::BANDS;
use super::{Front, Job, PLANES};
use crate::chunk::fade_in;
use crate::dsp::Inverse;
use rayon::prelude::*;
use realfft::num_complex::Complex;
use std::ops::Range;
use std::sync::Arc;

/// Rows of masks that one task of the thread pool turns from logits into masks.
const SOFTMAX_ROWS: usize = 64;

/// The masks of one chunk: `data` is `[stems, 2, columns, BANDS]`.
pub(super) struct Masks {
    data: Vec<f32>,
    columns: usize,
}

/// How a segment lies in its chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The segment's first column, counted in the chunk.
    pub(super) first: usize,
    /// How many of the segment's columns are cross-faded with the chunk before.
    pub(super) fade: u32,
}

/// One pair's streams, part by part, mid before side.
pub(super) struct PairSynthesis {
    front: Arc<Front>,
    streams: Vec<Stream>,
}

/// One part of one plane.
struct Stream {
    stems: Vec<usize>,
    plane: usize,
    inverse: Inverse,
    /// The masks of the last columns of the chunk before, `[overlap][BANDS]`.
    tail: Vec<f32>,
    mask: Vec<f32>,
    column: Vec<Complex<f32>>,
    out: Vec<f32>,
}

impl Masks {
    /// Softmax over the stems. `logits`: `[stems, 2, columns, BANDS]`, used up.
    pub(super) fn from_logits(mut logits: Vec<f32>, stems: usize) -> Self {
        let numbers = logits.len() / stems.max(1);
        let mut stripes: Vec<Vec<&mut [f32]>> = Vec::new();
        for stem in logits.chunks_exact_mut(numbers.max(1)) {
            for (i, stripe) in stem.chunks_mut(SOFTMAX_ROWS * BANDS).enumerate() {
                match stripes.get_mut(i) {
                    Some(stems) => stems.push(stripe),
                    None => stripes.push(vec![stripe]),
                }
            }
        }
        stripes.par_iter_mut().for_each(|stems| softmax(stems));
        Self { columns: numbers / (PLANES * BANDS), data: logits }
    }

    fn row(&self, stem: usize, plane: usize, column: usize) -> &[f32] {
        &self.data[((stem * PLANES + plane) * self.columns + column) * BANDS..][..BANDS]
    }
}

/// Softmax across slices of one length, number by number.
fn softmax(stems: &mut [&mut [f32]]) {
    let count = stems.first().map_or(0, |s| s.len());
    for from in (0..count).step_by(BANDS) {
        let to = count.min(from + BANDS);
        let mut top = [f32::NEG_INFINITY; BANDS];
        for stem in stems.iter() {
            top.iter_mut().zip(&stem[from..to]).for_each(|(top, x)| *top = top.max(*x));
        }
        let mut sum = [0.0; BANDS];
        for stem in stems.iter_mut() {
            for ((x, top), sum) in stem[from..to].iter_mut().zip(&top).zip(&mut sum) {
                *x = (*x - top).exp();
                *sum += *x;
            }
        }
        for stem in stems.iter_mut() {
            stem[from..to].iter_mut().zip(&sum).for_each(|(x, sum)| *x /= sum);
        }
    }
}

impl PairSynthesis {
    /// `parts`: for each part, the network's stems it is made of. `planes`: 2, or 1 for a pair of one channel.
    pub(super) fn new(job: &Job, parts: &[Vec<usize>], planes: usize) -> Self {
        let stream = |stems: &Vec<usize>, plane| Stream {
            stems: stems.clone(),
            plane,
            inverse: Inverse::new(&job.front.stft, job.model_frames),
            tail: Vec::new(),
            mask: vec![0.0; BANDS],
            column: vec![Complex::default(); job.front.stft.shape().bins()],
            out: Vec::new(),
        };
        let streams = parts.iter().flat_map(|stems| (0..planes).map(move |plane| stream(stems, plane)));
        Self { streams: streams.collect(), front: Arc::clone(&job.front) }
    }

    /// Synthesises the columns `range`, counted in the segment, of all streams.
    pub(super) fn push(&mut self, masks: &Masks, place: Place, spectra: &Spectra, range: &Range<usize>) {
        let front = &self.front;
        self.streams.par_iter_mut().for_each(|stream| {
            stream.out.clear();
            let bins = front.stft.shape().bins();
            for j in range.clone() {
                stream.mask(masks, place, j);
                let column = &spectra.planes[stream.plane][j * bins..][..bins];
                front.bands.apply(&stream.mask, column, &mut stream.column);
                stream.inverse.push(&mut stream.column, &mut stream.out);
            }
        });
    }

    /// Keeps what the next chunk is cross-faded with: the masks of the chunk's last `columns` columns.
    pub(super) fn keep_tail(&mut self, masks: &Masks, columns: usize) {
        for stream in &mut self.streams {
            stream.tail.clear();
            for column in masks.columns - columns..masks.columns {
                stream.sum(masks, column);
                stream.tail.extend_from_slice(&stream.mask);
            }
        }
    }

    /// After the last column: synthesises what is left.
    pub(super) fn finish(&mut self) {
        for stream in &mut self.streams {
            stream.out.clear();
            stream.inverse.finish(&mut stream.out);
        }
    }

    /// What the last call made of part `part`: mid, and side where the pair has two channels.
    pub(super) fn made(&self, part: usize, planes: usize) -> (&[f32], Option<&[f32]>) {
        let mid = &self.streams[part * planes];
        let side = (planes == PLANES).then(|| &self.streams[part * planes + 1].out[..]);
        (&mid.out, side)
    }
}

impl Stream {
    /// The mask of column `j` of the segment, cross-faded where it must be.
    fn mask(&mut self, masks: &Masks, place: Place, j: usize) {
        self.sum(masks, place.first + j);
        if j < place.fade as usize {
            let new = fade_in(j as u32, place.fade);
            let old = &self.tail[j * BANDS..][..BANDS];
            self.mask.iter_mut().zip(old).for_each(|(mask, old)| *mask = *mask * new + old * (1.0 - new));
        }
    }

    fn sum(&mut self, masks: &Masks, column: usize) {
        self.mask.fill(0.0);
        for &stem in &self.stems {
            let row = masks.row(stem, self.plane, column);
            self.mask.iter_mut().zip(row).for_each(|(mask, x)| *mask += x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_positive_and_sum_to_one_even_for_extreme_logits() {
        let numbers = PLANES * 3 * BANDS;
        let logits = (0..4 * numbers).map(|i| ((i * 7919) % 2001) as f32 - 1000.0).collect();
        let masks = Masks::from_logits(logits, 4);
        assert_eq!(masks.columns, 3);
        for i in 0..numbers {
            let stems: Vec<f32> = (0..4).map(|s| masks.data[s * numbers + i]).collect();
            assert!(stems.iter().all(|m| (0.0..=1.0).contains(m)));
            assert!((stems.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }
}
