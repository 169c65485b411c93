//! HTDemucs: the network hears a chunk as a waveform and as a spectrum, and says every stem as both; their sum is the stem.

use super::levels::Level;
use super::net::{Kept, Net, port};
use crate::ModelError;
use crate::catalog::facts::Port;
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
/// Columns before and after those that the network sees: they hear mirrored sound alone.
const COLUMNS_BEYOND: usize = 2;

/// A network of this family.
pub(super) struct HtDemucs {
    model: String,
    stft: Arc<Stft>,
    stems: usize,
    columns: usize,
    chunk_frames: usize,
    /// What spectra are multiplied by before the network sees them.
    scale: f32,
}

impl HtDemucs {
    /// # Errors
    /// In words, where the numbers do not belong together.
    pub(super) fn new(
        model: &str,
        spectrum: Spectrum,
        stems: usize,
        chunk_frames: u32,
    ) -> Result<Self, String> {
        let Spectrum { n_fft, hop_frames, .. } = spectrum;
        let shape =
            StftShape::new(n_fft, hop_frames).filter(|_| n_fft == 4 * hop_frames && hop_frames % 2 == 0);
        let shape =
            shape.ok_or_else(|| format!("no HTDemucs has windows of {n_fft} frames every {hop_frames}"))?;
        let chunk_frames = chunk_frames as usize;
        Ok(Self {
            model: model.to_owned(),
            stft: Stft::new(shape),
            stems,
            columns: chunk_frames.div_ceil(hop_frames),
            chunk_frames,
            scale: if spectrum.normalised { (n_fft as f32).sqrt().recip() } else { 1.0 },
        })
    }

    /// Bins that the network sees: all but the last.
    fn bins(&self) -> usize {
        self.stft.shape().bins() - 1
    }

    fn spectrum_numbers(&self) -> usize {
        self.columns * self.bins() * BIN_NUMBERS
    }

    fn waveform_numbers(&self) -> usize {
        CHANNELS * self.chunk_frames
    }

    /// Frames mirrored before the first: the first column's middle is half a hop after it.
    fn before(&self) -> usize {
        self.stft.shape().hop_frames() / 2 * 3
    }

    /// Frames of all whole hops, mirrored ones with them.
    fn mirrored(&self) -> usize {
        self.columns * self.stft.shape().hop_frames() + 2 * self.before()
    }

    /// The columns of one channel, `[columns][bins + 1]`.
    fn spectrum(&self, sound: &[f32]) -> Vec<Complex<f32>> {
        let (before, frames) = (self.before(), sound.len());
        let mut mirrored: Vec<f32> = sound[1..=before].iter().rev().copied().collect();
        mirrored.extend_from_slice(sound);
        let after = self.mirrored() - mirrored.len();
        mirrored.extend(sound[frames - 1 - after..frames - 1].iter().rev());
        let mut columns = Vec::new();
        let mut forward = Forward::new(&self.stft);
        forward.push(&mirrored, &mut columns);
        forward.finish(&mut columns);
        let beyond = COLUMNS_BEYOND * (self.bins() + 1);
        columns.truncate(columns.len() - beyond);
        columns.drain(..beyond);
        columns
    }

    /// One channel of some stems together, whose numbers are `said`.
    fn channel(&self, levels: &[Level; 2], said: &[&[f32]], channel: usize) -> Vec<f32> {
        let mut inverse = Inverse::new(&self.stft, self.mirrored() as u64);
        let mut sound = Vec::with_capacity(self.mirrored());
        let mut column = vec![Complex::default(); self.bins() + 1];
        let [spectrum_level, waveform_level] = *levels;
        for at in 0..self.columns + 2 * COLUMNS_BEYOND {
            column.fill(Complex::default());
            if let Some(at) = at.checked_sub(COLUMNS_BEYOND).filter(|at| *at < self.columns) {
                for stem in said {
                    let row = &stem[at * self.bins() * BIN_NUMBERS..][..self.bins() * BIN_NUMBERS];
                    for (sum, bin) in column.iter_mut().zip(row.chunks_exact(BIN_NUMBERS)) {
                        let [re, im] =
                            [bin[2 * channel], bin[2 * channel + 1]].map(|x| spectrum_level.give(x));
                        *sum += Complex::new(re, im) / self.scale;
                    }
                }
            }
            inverse.push(&mut column, &mut sound);
        }
        inverse.finish(&mut sound);
        let mut sound = sound.split_off(self.before());
        sound.truncate(self.chunk_frames);
        for stem in said {
            let waveform =
                &stem[self.spectrum_numbers() + channel * self.chunk_frames..][..self.chunk_frames];
            for (sum, x) in sound.iter_mut().zip(waveform) {
                *sum += waveform_level.give(*x);
            }
        }
        sound
    }
}

impl Net for HtDemucs {
    fn shape(&self) -> Vec<usize> {
        vec![self.spectrum_numbers() + self.waveform_numbers()]
    }

    fn stem_numbers(&self) -> usize {
        self.spectrum_numbers() + self.waveform_numbers()
    }

    fn ports(&self) -> (Vec<Port>, Vec<Port>) {
        let seen = [1, self.columns, self.bins(), BIN_NUMBERS];
        let heard = [1, CHANNELS, self.chunk_frames];
        let each = |shape: &[usize]| [&[1, self.stems], &shape[1..]].concat();
        let said = vec![port("spectra", &each(&seen)), port("waveforms", &each(&heard))];
        (vec![port("spectrum", &seen), port("waveform", &heard)], said)
    }

    fn forward(&self, sound: &[Vec<f32>; 2]) -> (Vec<f32>, Kept) {
        let mut spectra: [Vec<Complex<f32>>; 2] = Default::default();
        let each = spectra.par_iter_mut().zip(sound.par_iter());
        each.for_each(|(spectrum, sound)| *spectrum = self.spectrum(sound));
        let [left, right] = &spectra;
        let mut data = Vec::with_capacity(self.spectrum_numbers() + self.waveform_numbers());
        for (left, right) in left.chunks_exact(self.bins() + 1).zip(right.chunks_exact(self.bins() + 1)) {
            for (l, r) in left.iter().zip(right).take(self.bins()) {
                data.extend([l.re, l.im, r.re, r.im].map(|x| x * self.scale));
            }
        }
        sound.iter().for_each(|channel| data.extend_from_slice(channel));
        let (spectrum, waveform) = data.split_at_mut(self.spectrum_numbers());
        let levels = [Level::take(spectrum), Level::take(waveform)];
        (data, Kept { levels, ..Kept::default() })
    }

    fn stem(&self, kept: &Kept, answer: &[f32], stems: &[usize]) -> [Vec<f32>; 2] {
        let numbers = self.stem_numbers();
        let said: Vec<&[f32]> = stems.iter().map(|stem| &answer[stem * numbers..][..numbers]).collect();
        let channel = |channel: usize| self.channel(&kept.levels, &said, channel);
        let (left, right) = rayon::join(|| channel(0), || channel(1));
        [left, right]
    }

    fn run(
        &self,
        session: &mut Session,
        graph: &str,
        data: &[f32],
        asked: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        let (spectrum, waveform) = data.split_at(self.spectrum_numbers());
        let seen = [1, self.columns, self.bins(), BIN_NUMBERS];
        let heard = [1, CHANNELS, self.chunk_frames];
        let inputs = [
            Input { name: "spectrum", shape: &seen, data: spectrum },
            Input { name: "waveform", shape: &heard, data: waveform },
        ];
        let outputs = session.run(graph, &inputs, &["spectra", "waveforms"])?;
        let shapes: Vec<_> = outputs.iter().map(|output| &output.shape[..]).collect();
        let wanted: [&[usize]; 2] = [
            &[1, self.stems, self.columns, self.bins(), BIN_NUMBERS],
            &[1, self.stems, CHANNELS, self.chunk_frames],
        ];
        let (true, [spectra, waveforms]) = (shapes == wanted, &outputs[..]) else {
            let reason = format!("{shapes:?} came out, not {wanted:?}");
            return Err(ModelError::Engine { model: self.model.clone(), reason });
        };
        let (spectrum, waveform) = (self.spectrum_numbers(), self.waveform_numbers());
        let mut answer = Vec::with_capacity(asked.len() * self.stem_numbers());
        for stem in asked {
            answer.extend_from_slice(&spectra.data[stem * spectrum..][..spectrum]);
            answer.extend_from_slice(&waveforms.data[stem * waveform..][..waveform]);
        }
        Ok(answer)
    }
}
