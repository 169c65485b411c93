//! One pair of channels going in, spectra and features coming out. No I/O.

use super::bands::{BANDS, BINS, Bands};
use super::{Front, PLANES};
use crate::dsp::Forward;
use rayon::prelude::*;
use realfft::num_complex::Complex;
use std::ops::Range;
use std::sync::Arc;

/// Spectra of one pair over one segment: for mid, and for side unless the pair is one channel, `[columns][bins]`.
pub(super) struct Spectra {
    pub(super) planes: Vec<Vec<Complex<f32>>>,
}

/// Mid and side of one pair, or the only channel.
pub(super) struct PairAnalysis {
    front: Arc<Front>,
    planes: Vec<Plane>,
}

/// One of mid and side.
struct Plane {
    forward: Forward,
    frames: Vec<f32>,
    /// Columns that no segment has taken yet, `[columns][bins]`.
    spectra: Vec<Complex<f32>>,
    /// Features of the columns that chunks still need, `[columns][BANDS]`, from `features_from` on.
    features: Vec<f32>,
    features_from: u32,
    power: Vec<f32>,
}

impl PairAnalysis {
    /// `channels`: 1 or 2.
    pub(super) fn new(front: &Arc<Front>, channels: usize) -> Self {
        let plane = || Plane {
            forward: Forward::new(&front.stft),
            frames: Vec::new(),
            spectra: Vec::new(),
            features: Vec::new(),
            features_from: 0,
            power: vec![0.0; BINS],
        };
        Self { front: Arc::clone(front), planes: (0..channels.min(PLANES)).map(|_| plane()).collect() }
    }

    /// Takes the next frames of the pair's channels; `ended` where the clip ends with them, and again afterwards.
    pub(super) fn push(&mut self, channels: &[Vec<f32>], ended: bool) {
        match (&mut self.planes[..], channels) {
            ([mid, side], [left, right]) => {
                mid.frames.clear();
                mid.frames.extend(left.iter().zip(right).map(|(l, r)| 0.5 * (l + r)));
                side.frames.clear();
                side.frames.extend(left.iter().zip(right).map(|(l, r)| 0.5 * (l - r)));
            }
            (planes, channels) => {
                for (plane, channel) in planes.iter_mut().zip(channels) {
                    plane.frames.clear();
                    plane.frames.extend_from_slice(channel);
                }
            }
        }
        let front = &self.front;
        self.planes.par_iter_mut().for_each(|plane| plane.analyse(front, ended));
    }

    /// The network's input for the columns of `chunk`, `[2, columns, BANDS]`, all of which were pushed. Columns before
    /// it are forgotten. None where they were not pushed or are forgotten: the source broke its word.
    pub(super) fn chunk(&mut self, chunk: &Range<u32>) -> Option<Vec<f32>> {
        let numbers = chunk.len() * BANDS;
        let mut data = Vec::with_capacity(PLANES * numbers);
        for plane in &mut self.planes {
            let gone = chunk.start.checked_sub(plane.features_from)? as usize * BANDS;
            data.extend_from_slice(plane.features.get(gone..gone + numbers)?);
            plane.features.drain(..gone);
            plane.features_from = chunk.start;
        }
        data.resize(PLANES * numbers, Bands::silence());
        Some(data)
    }

    /// The spectra of the next `columns` columns, taken out. None where so many were not pushed.
    pub(super) fn segment(&mut self, columns: usize) -> Option<Spectra> {
        let numbers = columns * self.front.stft.shape().bins();
        let planes = self.planes.iter_mut().map(|plane| {
            if plane.spectra.len() < numbers {
                return None;
            }
            let later = plane.spectra.split_off(numbers);
            Some(std::mem::replace(&mut plane.spectra, later))
        });
        Some(Spectra { planes: planes.collect::<Option<_>>()? })
    }
}

impl Plane {
    fn analyse(&mut self, front: &Front, ended: bool) {
        let seen = self.spectra.len();
        // What a segment leaves is short; what comes is about as long as what it took.
        self.spectra
            .reserve_exact(self.frames.len() / front.stft.shape().hop_frames() * front.stft.shape().bins());
        self.forward.push(&self.frames, &mut self.spectra);
        if ended {
            self.forward.finish(&mut self.spectra);
        }
        for column in self.spectra[seen..].chunks_exact(front.stft.shape().bins()) {
            front.bands.features(column, &mut self.power, &mut self.features);
        }
    }
}
