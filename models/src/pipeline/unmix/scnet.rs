//! SCNet: the network hears the spectrum of a chunk, by windows that are rectangular, and says that of every stem.

use super::net::{Kept, Net, port};
use crate::ModelError;
use crate::catalog::facts::Port;
use crate::convert::scnet::frames_heard;
use crate::dsp::{Forward, Inverse, Stft, StftShape};
use crate::recipe::Spectrum;
use crate::session::{Input, Session};
use rayon::prelude::*;
use realfft::num_complex::Complex;
use std::sync::Arc;

/// Channels of a chunk.
const CHANNELS: usize = 2;
/// Both channels' real and imaginary part of one bin.
const BIN_NUMBERS: usize = 2 * CHANNELS;

/// A network of this family.
pub(super) struct Scnet {
    model: String,
    stft: Arc<Stft>,
    stems: usize,
    columns: usize,
    chunk_frames: usize,
    /// The chunk and the silence after it.
    frames_heard: usize,
    /// What spectra are multiplied by before the network sees them.
    scale: f32,
}

impl Scnet {
    /// # Errors
    /// In words, where the numbers do not belong together.
    pub(super) fn new(
        model: &str,
        spectrum: Spectrum,
        stems: usize,
        chunk_frames: u32,
    ) -> Result<Self, String> {
        let Spectrum { n_fft, hop_frames, .. } = spectrum;
        let shape = StftShape::new(n_fft, hop_frames)
            .ok_or_else(|| format!("no transform has windows of {n_fft} frames every {hop_frames}"))?;
        let chunk_frames = chunk_frames as usize;
        let frames_heard = frames_heard(chunk_frames, hop_frames);
        Ok(Self {
            model: model.to_owned(),
            stft: Stft::rectangular(shape),
            stems,
            columns: shape.columns(frames_heard as u64) as usize,
            chunk_frames,
            frames_heard,
            scale: if spectrum.normalised { (n_fft as f32).sqrt().recip() } else { 1.0 },
        })
    }

    fn bins(&self) -> usize {
        self.stft.shape().bins()
    }

    /// The columns of one channel, `[columns][bins]`.
    fn spectrum(&self, sound: &[f32]) -> Vec<Complex<f32>> {
        let mut columns = Vec::with_capacity(self.columns * self.bins());
        let mut forward = Forward::new(&self.stft);
        forward.push(sound, &mut columns);
        forward.push(&vec![0.0; self.frames_heard - self.chunk_frames], &mut columns);
        forward.finish(&mut columns);
        columns
    }

    /// One channel of some stems together, whose numbers are `said`.
    fn channel(&self, said: &[&[f32]], channel: usize) -> Vec<f32> {
        let mut inverse = Inverse::new(&self.stft, self.chunk_frames as u64);
        let mut sound = Vec::with_capacity(self.chunk_frames);
        let mut column = vec![Complex::default(); self.bins()];
        let row_numbers = self.bins() * BIN_NUMBERS;
        for at in 0..self.columns {
            column.fill(Complex::default());
            for stem in said {
                let row = &stem[at * row_numbers..][..row_numbers];
                for (sum, bin) in column.iter_mut().zip(row.chunks_exact(BIN_NUMBERS)) {
                    *sum += Complex::new(bin[2 * channel], bin[2 * channel + 1]) / self.scale;
                }
            }
            inverse.push(&mut column, &mut sound);
        }
        inverse.finish(&mut sound);
        sound
    }
}

impl Net for Scnet {
    fn shape(&self) -> Vec<usize> {
        vec![self.columns, self.bins(), BIN_NUMBERS]
    }

    fn stem_numbers(&self) -> usize {
        self.columns * self.bins() * BIN_NUMBERS
    }

    fn ports(&self) -> (Vec<Port>, Vec<Port>) {
        let seen = [1, self.columns, self.bins(), BIN_NUMBERS];
        let said = [1, self.stems, self.columns, self.bins(), BIN_NUMBERS];
        (vec![port("spectrum", &seen)], vec![port("spectra", &said)])
    }

    fn forward(&self, sound: &[Vec<f32>; 2]) -> (Vec<f32>, Kept) {
        let mut spectra: [Vec<Complex<f32>>; 2] = Default::default();
        let each = spectra.par_iter_mut().zip(sound.par_iter());
        each.for_each(|(spectrum, sound)| *spectrum = self.spectrum(sound));
        let [left, right] = &spectra;
        let both = left.iter().zip(right);
        let data = both.flat_map(|(l, r)| [l.re, l.im, r.re, r.im].map(|x| x * self.scale)).collect();
        (data, Kept::default())
    }

    fn stem(&self, _kept: &Kept, answer: &[f32], stems: &[usize]) -> [Vec<f32>; 2] {
        let numbers = self.stem_numbers();
        let said: Vec<&[f32]> = stems.iter().map(|stem| &answer[stem * numbers..][..numbers]).collect();
        let (left, right) = rayon::join(|| self.channel(&said, 0), || self.channel(&said, 1));
        [left, right]
    }

    fn run(
        &self,
        session: &mut Session,
        graph: &str,
        data: &[f32],
        asked: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        let shape = [1, self.columns, self.bins(), BIN_NUMBERS];
        let wanted = [1, self.stems, self.columns, self.bins(), BIN_NUMBERS];
        let outputs = session.run(graph, &[Input { name: "spectrum", shape: &shape, data }], &["spectra"])?;
        let shapes: Vec<_> = outputs.iter().map(|output| output.shape.clone()).collect();
        match outputs.into_iter().next() {
            Some(spectra) if spectra.shape == wanted && asked.len() == self.stems => Ok(spectra.data),
            Some(spectra) if spectra.shape == wanted => {
                let numbers = self.stem_numbers();
                Ok(asked
                    .iter()
                    .flat_map(|stem| &spectra.data[stem * numbers..][..numbers])
                    .copied()
                    .collect())
            }
            _ => {
                let reason = format!("{shapes:?} came out, not {wanted:?}");
                Err(ModelError::Engine { model: self.model.clone(), reason })
            }
        }
    }
}
