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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::unmix::mel_bands;

    const FRAMES: usize = 22_050;

    /// Of published sizes, with one stem.
    fn net(bands: &[Vec<usize>], without_dc: bool) -> Roformer {
        let spectrum = Spectrum { n_fft: 2048, hop_frames: 441, normalised: true, without_dc };
        Roformer::new("x", spectrum, bands, 1, FRAMES as u32).unwrap()
    }

    fn sound() -> [Vec<f32>; 2] {
        let tone = |i: usize, step: f32| 0.3 + 0.5 * (i as f32 * step).sin();
        [0.01, 0.3].map(|step| (0..FRAMES).map(|i| tone(i, step)).collect())
    }

    fn difference_db(ours: &[f32], theirs: &[f32]) -> f64 {
        assert_eq!(ours.len(), theirs.len());
        let power = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>();
        let off = power(&mut ours.iter().zip(theirs).map(|(a, b)| f64::from(a - b)));
        10.0 * (off / power(&mut theirs.iter().map(|x| f64::from(*x)))).log10()
    }

    /// The sound after its bin 0 was set to nothing.
    fn without_dc(net: &Roformer, sound: &[f32]) -> Vec<f32> {
        let mut forward = Forward::new(&net.stft);
        let (mut columns, mut back) = (Vec::new(), Vec::new());
        forward.push(sound, &mut columns);
        forward.finish(&mut columns);
        let mut inverse = Inverse::new(&net.stft, FRAMES as u64);
        for column in columns.chunks_mut(net.bins()) {
            column[0] = Complex::default();
            inverse.push(column, &mut back);
        }
        inverse.finish(&mut back);
        back
    }

    #[test]
    fn under_masks_of_one_a_chunk_is_itself_however_often_bands_have_a_bin() {
        let spectrum = Spectrum { n_fft: 2048, hop_frames: 441, normalised: true, without_dc: false };
        let mel = mel_bands(44_100, spectrum, 60);
        let split: Vec<Vec<usize>> = vec![(0..24).collect(), (24..900).collect(), (900..1025).collect()];
        for (bands, numbers) in [(&split, 4_100), (&mel, 7_916)] {
            for without in [false, true] {
                let net = net(bands, without);
                assert_eq!(net.shape(), [51, numbers]);
                let (data, kept) = net.forward(&sound());
                assert_eq!(data.len(), 51 * numbers);
                let ones: Vec<f32> =
                    (0..net.stem_numbers()).map(|i| if i % 2 == 0 { 1.0 } else { 0.0 }).collect();
                let stem = net.stem(&kept, &ones, &[0]);
                for (ours, sound) in stem.iter().zip(&sound()) {
                    let expected = if without { without_dc(&net, sound) } else { sound.clone() };
                    let db = difference_db(ours, &expected);
                    assert!(db < -120.0, "{} bands, without bin 0 {without}: {db:.1} dB", bands.len());
                }
            }
        }
    }

    #[test]
    fn what_the_network_sees_is_each_bin_of_both_channels_divided_by_the_transforms_length() {
        let (sound, bands) = (sound(), [vec![0, 1], (1..1025).collect::<Vec<usize>>()]);
        let (data, Kept { spectra: [left, right], .. }) = net(&bands, false).forward(&sound);
        let numbers = 1_026 * 4;
        for (column, place, bin) in [(0, 0, 0), (3, 1, 1), (3, 2, 1), (50, 1_025, 1_024), (20, 8, 7)] {
            let seen = &data[column * numbers + place * 4..][..4];
            let (l, r) = (left[column * 1_025 + bin], right[column * 1_025 + bin]);
            for (seen, kept) in seen.iter().zip([l.re, l.im, r.re, r.im]) {
                assert!((seen * 2048.0_f32.sqrt() - kept).abs() <= 1e-5 * kept.abs(), "{column} {place}");
            }
        }
    }

    #[test]
    fn bands_that_leave_out_a_bin_or_have_one_too_many_are_refused() {
        let spectrum = Spectrum { n_fft: 8, hop_frames: 2, normalised: false, without_dc: false };
        let refused = |bands: &[Vec<usize>]| Roformer::new("x", spectrum, bands, 1, 64).err().unwrap();
        assert!(refused(&[vec![0, 1], vec![3, 4]]).contains("no band has bin 2 of 5"));
        assert!(refused(&[(0..6).collect()]).contains("bin 5 of 5"));
        let spectrum = Spectrum { hop_frames: 7, ..spectrum };
        let error = Roformer::new("x", spectrum, &[(0..5).collect()], 1, 64).err().unwrap();
        assert!(error.contains("8 frames every 7"), "{error}");
    }
}
