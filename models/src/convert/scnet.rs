//! SCNet (Tong et al. 2024): a spectrum in three bands, of which higher ones are sampled more sparsely, recurrent layers
//! over frequency and time, and the way back to the spectra of the stems.
//!
//! Input `spectrum`, `[batch, columns, bins, 2 * channels]`, real and imaginary part of channel after channel. Output
//! `spectra`, `[batch, stems, columns, bins, 2 * channels]`. Names of weights are those of the PyPI package msst 0.1.0.

mod bands;
mod recurrent;
mod settings;

use super::channels::glu;
use super::roformer::Target;
use super::scope::Scope;
use super::transformer::Net;
use super::{ConvertError, Weights};
use crate::onnx::{Steps, Value};
use crate::recipe::{Network, Recipe, Spectrum};
pub use bands::Band;
use bands::Cut;
pub(super) use settings::read;

/// Real and imaginary part.
const PARTS: usize = 2;
/// Places on either side that a convolution over bins and columns sees.
const CONTEXT: usize = 1;

/// What the settings say of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Stems in the order of its outputs.
    pub stems: Vec<String>,
    /// Rate of what it hears, Hz.
    pub rate_hz: u32,
    /// Channels of sound.
    pub channels: usize,
    /// Frames of one chunk.
    pub frames: usize,
    /// Frames of a window of the transform, which is rectangular.
    pub n_fft: usize,
    /// Frames from one column to the next.
    pub hop_frames: usize,
    /// Whether spectra are divided by the square root of `n_fft`.
    pub normalised: bool,
    /// Channels: of the spectrum, and of each layer.
    pub widths: Vec<usize>,
    /// The bands, lowest first.
    pub bands: [Band; 3],
    /// How many times fewer channels a band's layers have inside.
    pub compress: f64,
    /// Numbers of the kernels inside a band, along time.
    pub kernel: usize,
    /// Pairs of recurrent layers.
    pub pairs: usize,
    /// Numbers that a recurrent layer remembers for each that it hears.
    pub expand: usize,
}

impl Shape {
    /// Frames that are transformed: the chunk and nothing after it, for an even number of columns.
    #[must_use]
    pub fn frames_heard(&self) -> usize {
        frames_heard(self.frames, self.hop_frames)
    }

    /// Columns of one chunk; even.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.frames_heard() / self.hop_frames.max(1) + 1
    }

    /// Bins of one column.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// How it is fed.
    pub(super) fn recipe(&self, overlap: u32) -> Recipe {
        let (n_fft, hop_frames) = (self.n_fft, self.hop_frames);
        let spectrum = Spectrum { n_fft, hop_frames, normalised: self.normalised, without_dc: false };
        Recipe {
            rate_hz: self.rate_hz,
            channels: u16::try_from(self.channels).unwrap_or(u16::MAX),
            stems: self.stems.clone(),
            chunk_frames: u32::try_from(self.frames).unwrap_or(u32::MAX),
            overlap,
            bag: Vec::new(),
            network: Network::Scnet { spectrum },
        }
    }
}

/// The chunk and the silence after it: at least one frame, an odd number of hops in all.
pub(crate) fn frames_heard(frames: usize, hop_frames: usize) -> usize {
    let hops = frames / hop_frames.max(1) + 1;
    (hops + usize::from(hops.is_multiple_of(2))) * hop_frames
}

/// The graph of a checkpoint, for `batch` chunks at once.
///
/// # Errors
/// Where a tensor is missing or misshapen.
pub fn graph<'w>(
    shape: &Shape,
    weights: &'w dyn Weights,
    batch: usize,
    target: Target,
) -> Result<Net<'w>, ConvertError> {
    let mut net = Net::new("scnet", target == Target::Gpu);
    let scope = Scope::new(weights);
    let (columns, bins, parts) = (shape.columns(), shape.bins(), PARTS * shape.channels);
    let spectrum = net.input("spectrum", &[batch, columns, bins, parts]);
    let mut x = net.transpose(&spectrum, &[0, 3, 2, 1])?;
    let depth = shape.widths.len() - 1;
    let mut heard = Vec::new();
    for at in 0..depth {
        let encoder = scope.at("encoder").at(at);
        let cut = Cut::new(&shape.bands, x.shape()[2]);
        let sparse = bands::encode(&mut net, &encoder, shape, &cut, shape.widths[at + 1], &x)?;
        x = convolved(&mut net, &encoder.at("globalconv"), shape.widths[at + 1], &sparse)?;
        heard.push((sparse, cut));
    }
    x = recurrent::separate(&mut net, &scope.at("separation_net"), shape, &x)?;
    for (at, (skip, cut)) in heard.iter().enumerate().rev() {
        let decoder = scope.at("decoder").at(depth - 1 - at);
        x = fused(&mut net, &decoder.at(0), &x, skip)?;
        let outside = if at == 0 { parts * shape.stems.len() } else { shape.widths[at] };
        x = bands::decode(&mut net, &decoder.at(1), cut, outside, &x)?;
    }
    let spectra = net.reshape(&x, &[batch, shape.stems.len(), parts, bins, columns])?;
    let spectra = net.transpose(&spectra, &[0, 1, 4, 3, 2])?;
    net.output("spectra", spectra)?;
    Ok(net)
}

/// A convolution over bins and columns that changes no size.
fn convolved<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    width: usize,
    x: &Value,
) -> Result<Value, ConvertError> {
    let size = 2 * CONTEXT + 1;
    let weight = scope.tensor(net, "weight", &[width, width, size, size])?;
    let bias = scope.tensor(net, "bias", &[width])?;
    Ok(net.conv(x, &weight, &bias, &[Steps::EACH.padded(CONTEXT); 2], 1)?)
}

/// What came and what an encoder heard, summed, convolved and gated.
///
/// The publisher's code gives the convolution the sum twice, as twice as many channels. Here its kernels for either copy
/// are added up: the same for half the work.
fn fused<'w>(net: &mut Net<'w>, scope: &Scope<'w>, x: &Value, skip: &Value) -> Result<Value, ConvertError> {
    let (width, size) = (skip.shape()[1], 2 * CONTEXT + 1);
    let x = net.add(x, skip)?;
    let (one, both) = ([2 * width, width, size, size], [2 * width, 2 * width, size, size]);
    let kernel = width * size * size;
    let conv = scope.at("conv");
    let weight = conv.changed(net, "weight", &both, &one, move |kernels| {
        let sum = kernels.chunks_exact(2 * kernel).flat_map(|pair| {
            let (first, second) = pair.split_at(kernel);
            first.iter().zip(second).map(|(a, b)| a + b)
        });
        Ok(sum.collect())
    })?;
    let bias = conv.tensor(net, "bias", &[2 * width])?;
    let x = net.conv(&x, &weight, &bias, &[Steps::EACH.padded(CONTEXT); 2], 1)?;
    glu(net, &x)
}
