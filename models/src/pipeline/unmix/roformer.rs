//! BS-RoFormer and Mel-Band RoFormer: complex masks on the spectrum of a chunk, band by band. They differ in the bins of
//! the bands, which for the second overlap: a bin's mask is then the mean of those of its bands.

use super::net::{Kept, Net, port};
use crate::ModelError;
use crate::catalog::facts::Port;
use crate::dsp::{Forward, Inverse, Stft, StftShape};
use crate::recipe::Spectrum;
use crate::session::{Input, Session};
use rayon::prelude::*;
use realfft::num_complex::Complex;
use std::sync::Arc;

/// The graph's input, `[1, columns, numbers]`: for every bin of every band both channels, each real and imaginary.
pub(super) const INPUT: &str = "spectrum";
/// Channels of a chunk.
const CHANNELS: usize = 2;
/// Real and imaginary part.
const PARTS: usize = 2;

/// A network of either family.
pub(super) struct Roformer {
    model: String,
    stft: Arc<Stft>,
    columns: usize,
    chunk_frames: usize,
    without_dc: bool,
    /// What spectra are multiplied by before the network sees them.
    scale: f32,
    /// The bins of all bands, band after band.
    order: Vec<usize>,
    /// One over the number of bands that each bin is in.
    share: Vec<f32>,
    /// The graph's outputs, one mask a stem.
    outputs: Vec<String>,
}

impl Roformer {
    /// `bands`: the bins of each; every bin is in one at least.
    ///
    /// # Errors
    /// In words, where the numbers do not belong together.
    pub(super) fn new(
        model: &str,
        spectrum: Spectrum,
        bands: &[Vec<usize>],
        stems: usize,
        chunk_frames: u32,
    ) -> Result<Self, String> {
        let shape = StftShape::new(spectrum.n_fft, spectrum.hop_frames).ok_or_else(|| {
            format!("no transform has windows of {} frames every {}", spectrum.n_fft, spectrum.hop_frames)
        })?;
        let order: Vec<usize> = bands.iter().flatten().copied().collect();
        let mut count = vec![0_usize; shape.bins()];
        for &bin in &order {
            *count.get_mut(bin).ok_or_else(|| format!("a band has bin {bin} of {}", shape.bins()))? += 1;
        }
        if let Some(bin) = count.iter().position(|count| *count == 0) {
            return Err(format!("no band has bin {bin} of {}", shape.bins()));
        }
        let columns = shape.columns(u64::from(chunk_frames)) as usize;
        Ok(Self {
            model: model.to_owned(),
            stft: Stft::new(shape),
            columns,
            chunk_frames: chunk_frames as usize,
            without_dc: spectrum.without_dc,
            scale: if spectrum.normalised { (spectrum.n_fft as f32).sqrt().recip() } else { 1.0 },
            order,
            share: count.into_iter().map(|count| 1.0 / count as f32).collect(),
            outputs: (0..stems).map(|stem| format!("mask.{stem}")).collect(),
        })
    }

    /// Numbers of one column.
    fn numbers(&self) -> usize {
        self.order.len() * CHANNELS * PARTS
    }

    fn bins(&self) -> usize {
        self.stft.shape().bins()
    }

    /// One channel of a part: its spectrum under the sum of some masks, as sound.
    fn channel(&self, spectrum: &[Complex<f32>], masks: &[&[f32]], channel: usize) -> Vec<f32> {
        let mut inverse = Inverse::new(&self.stft, self.chunk_frames as u64);
        let mut sound = Vec::with_capacity(self.chunk_frames);
        let mut mask = vec![Complex::default(); self.bins()];
        let mut masked = vec![Complex::default(); self.bins()];
        for (c, column) in spectrum.chunks_exact(self.bins()).enumerate() {
            mask.fill(Complex::default());
            for masks in masks {
                let row = &masks[c * self.numbers()..][..self.numbers()];
                for (&bin, both) in self.order.iter().zip(row.chunks_exact(CHANNELS * PARTS)) {
                    mask[bin] += Complex::new(both[PARTS * channel], both[PARTS * channel + 1]);
                }
            }
            for ((out, x), (mask, share)) in masked.iter_mut().zip(column).zip(mask.iter().zip(&self.share)) {
                *out = x * mask * *share;
            }
            if self.without_dc {
                masked[0] = Complex::default();
            }
            inverse.push(&mut masked, &mut sound);
        }
        inverse.finish(&mut sound);
        sound
    }
}

impl Net for Roformer {
    fn shape(&self) -> Vec<usize> {
        vec![self.columns, self.numbers()]
    }

    fn stem_numbers(&self) -> usize {
        self.columns * self.numbers()
    }

    fn ports(&self) -> (Vec<Port>, Vec<Port>) {
        let shape = [1, self.columns, self.numbers()];
        (vec![port(INPUT, &shape)], self.outputs.iter().map(|name| port(name, &shape)).collect())
    }

    fn forward(&self, sound: &[Vec<f32>; 2]) -> (Vec<f32>, Kept) {
        let mut spectra: [Vec<Complex<f32>>; 2] = Default::default();
        spectra.par_iter_mut().zip(sound.par_iter()).for_each(|(spectrum, sound)| {
            let mut forward = Forward::new(&self.stft);
            spectrum.reserve_exact(self.columns * self.bins());
            forward.push(sound, spectrum);
            forward.finish(spectrum);
        });
        let [left, right] = &spectra;
        let mut data = Vec::with_capacity(self.columns * self.numbers());
        for (left, right) in left.chunks_exact(self.bins()).zip(right.chunks_exact(self.bins())) {
            for &bin in &self.order {
                let (l, r) = (left[bin] * self.scale, right[bin] * self.scale);
                data.extend([l.re, l.im, r.re, r.im]);
            }
        }
        (data, Kept { spectra, ..Kept::default() })
    }

    fn stem(&self, Kept { spectra, .. }: &Kept, answer: &[f32], stems: &[usize]) -> [Vec<f32>; 2] {
        let numbers = self.stem_numbers();
        let masks: Vec<&[f32]> = stems.iter().map(|stem| &answer[stem * numbers..][..numbers]).collect();
        let (left, right) =
            rayon::join(|| self.channel(&spectra[0], &masks, 0), || self.channel(&spectra[1], &masks, 1));
        [left, right]
    }

    /// An engine that can leaves out what only masks that nobody asked for need; none fetches those from the device.
    fn run(
        &self,
        session: &mut Session,
        graph: &str,
        data: &[f32],
        asked: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        let shape = [1, self.columns, self.numbers()];
        let names: Vec<&str> = asked.iter().map(|&stem| self.outputs[stem].as_str()).collect();
        let outputs = session.run(graph, &[Input { name: INPUT, shape: &shape, data }], &names)?;
        if outputs.iter().any(|output| output.shape != shape) {
            let shapes: Vec<_> = outputs.iter().map(|output| &output.shape).collect();
            let reason = format!("{shapes:?} came out for {shape:?}");
            return Err(ModelError::Engine { model: self.model.clone(), reason });
        }
        let mut outputs = outputs.into_iter();
        let first = outputs.next().map_or_else(Vec::new, |output| output.data);
        Ok(outputs.fold(first, |mut all, output| {
            all.extend_from_slice(&output.data);
            all
        }))
    }
}
