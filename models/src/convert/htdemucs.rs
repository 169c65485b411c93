//! HTDemucs (Rouard et al. 2023): a waveform and its spectrum go through encoders of their own, hear each other in a
//! transformer and come out through decoders as waveforms and spectra of the stems, which are added outside of this graph.
//!
//! Inputs, both brought to a mean of 0 and a deviation of 1 as their publisher does: `spectrum`, `[batch, columns, bins,
//! 2 * channels]`, real and imaginary part of channel after channel; `waveform`, `[batch, channels, frames]`. Outputs, to
//! be brought back: `spectra`, `[batch, stems, columns, bins, 2 * channels]`, and `waveforms`, `[batch, stems, channels,
//! frames]`. Names of weights are those of the PyPI package demucs 4.0.1.

mod layers;
mod places;
mod settings;
mod transformer;

use super::roformer::Target;
use super::scope::Scope;
use super::transformer::Net;
use super::{ConvertError, Weights};
use crate::onnx::Value;
use crate::recipe::{Network, Recipe, Spectrum};
use layers::{Branch, Layer};

/// Real and imaginary part.
const PARTS: usize = 2;

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
    /// Frames of a window of the transform, of which a quarter is its hop.
    pub n_fft: usize,
    /// Channels of the spectrum's layers, outermost first.
    pub widths: Vec<usize>,
    /// Channels of the waveform's layers.
    pub waveform_widths: Vec<usize>,
    /// Numbers of an outer convolution's kernel.
    pub kernel: usize,
    /// Its stride.
    pub stride: usize,
    /// Places on either side that an encoder's inner convolution sees.
    pub encoder_context: usize,
    /// The same of a decoder.
    pub decoder_context: usize,
    /// The first layer whose encoder and decoder have norms.
    pub norms_from: usize,
    /// Groups of these norms.
    pub norm_groups: usize,
    /// The residual branches of encoders and decoders.
    pub residual: Residual,
    /// What the learned offset of each bin is multiplied with; 0 where there is none.
    pub bin_scale: f32,
    /// The transformer between encoders and decoders.
    pub transformer: Transformer,
}

/// What the settings say of the dilated convolutions beside each layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// Whether encoders have them.
    pub in_encoders: bool,
    /// Whether decoders have them.
    pub in_decoders: bool,
    /// How many, one after the other.
    pub depth: usize,
    /// How many times fewer channels there are inside.
    pub compress: f64,
}

/// What the settings say of the transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformer {
    /// Numbers of one place.
    pub dim: usize,
    /// Whether there are projections from the innermost width to it and back.
    pub projected: bool,
    /// Whether places are normed before the first layer.
    pub norm_in: bool,
    /// Whether all places together are normed after each layer.
    pub norm_out: bool,
    /// Whether residual branches have scales of their own.
    pub scaled: bool,
    /// How many times more numbers there are inside of a feed-forward net.
    pub widening: f64,
    /// Layers of either branch.
    pub layers: usize,
    /// Heads of each attention.
    pub heads: usize,
    /// Whether the first layer hears the other branch; else the second does.
    pub cross_first: bool,
    /// The longest period of a place's sine.
    pub period_max: f64,
    /// What the places are multiplied with.
    pub place_scale: f32,
}

impl Shape {
    /// Frames from one column to the next.
    #[must_use]
    pub fn hop_frames(&self) -> usize {
        self.n_fft / 4
    }

    /// Columns of one chunk: the last one may reach beyond it.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.frames.div_ceil(self.hop_frames())
    }

    /// Bins of one column: all but the last of the transform.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.n_fft / 2
    }

    /// How it is fed. `overlap`: chunks over every frame; none for Demucs' own program, whose chunks share a quarter.
    pub(super) fn recipe(&self, overlap: Option<u32>) -> Recipe {
        let chunk_frames = u32::try_from(self.frames).unwrap_or(u32::MAX);
        let step_frames = overlap.is_none().then_some(chunk_frames - chunk_frames.div_ceil(4));
        let spectrum = Spectrum {
            n_fft: self.n_fft,
            hop_frames: self.hop_frames(),
            normalised: true,
            without_dc: false,
        };
        Recipe {
            rate_hz: self.rate_hz,
            channels: u16::try_from(self.channels).unwrap_or(u16::MAX),
            stems: self.stems.clone(),
            chunk_frames,
            overlap: overlap.unwrap_or(2),
            bag: Vec::new(),
            network: Network::HtDemucs { spectrum, step_frames },
        }
    }
}

/// What settings say, where they are those of an HTDemucs: see [`settings`].
pub(super) use settings::read;

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
    let mut net = Net::new("htdemucs", target == Target::Gpu);
    let scope = Scope::new(weights);
    let (channels, columns, bins) = (shape.channels, shape.columns(), shape.bins());
    let spectrum = net.input("spectrum", &[batch, columns, bins, PARTS * channels]);
    let waveform = net.input("waveform", &[batch, channels, shape.frames]);

    let mut x = net.transpose(&spectrum, &[0, 3, 2, 1])?;
    let mut t = waveform;
    let (inner, outer) = (layers(shape, Branch::Spectrum), layers(shape, Branch::Waveform));
    let (mut heard, mut heard_t) = (Vec::new(), Vec::new());
    for (at, (layer, layer_t)) in inner.iter().zip(&outer).enumerate() {
        let places_t = t.shape()[2];
        t = layer_t.encode(&mut net, &scope.at("tencoder").at(at), &t)?;
        heard_t.push((t.clone(), places_t));
        let places = x.shape()[2];
        x = layer.encode(&mut net, &scope.at("encoder").at(at), &x)?;
        if at == 0 && shape.bin_scale != 0.0 {
            x = with_bins(&mut net, &scope, shape.bin_scale, &x)?;
        }
        heard.push((x.clone(), places));
    }
    if shape.transformer.layers > 0 {
        (x, t) = transformer::transformer(&mut net, &scope, &shape.transformer, target, &x, &t)?;
    }
    let depth = inner.len();
    for (at, (layer, layer_t)) in inner.iter().zip(&outer).enumerate().rev() {
        let (skip, places) = &heard[at];
        x = layer.decode(&mut net, &scope.at("decoder").at(depth - 1 - at), &x, skip, *places)?;
        let (skip, places) = &heard_t[at];
        t = layer_t.decode(&mut net, &scope.at("tdecoder").at(depth - 1 - at), &t, skip, *places)?;
    }
    let stems = shape.stems.len();
    let spectra = net.reshape(&x, &[batch, stems, PARTS * channels, bins, columns])?;
    let spectra = net.transpose(&spectra, &[0, 1, 4, 3, 2])?;
    net.output("spectra", spectra)?;
    let waveforms = net.reshape(&t, &[batch, stems, channels, shape.frames])?;
    net.output("waveforms", waveforms)?;
    Ok(net)
}

/// The layers of one branch, outermost first.
fn layers(shape: &Shape, branch: Branch) -> Vec<Layer> {
    let (parts, widths) = match branch {
        Branch::Spectrum => (PARTS, &shape.widths),
        Branch::Waveform => (1, &shape.waveform_widths),
    };
    let sound = parts * shape.channels;
    let layer = |at: usize| Layer {
        branch,
        inside: if at == 0 { sound } else { widths[at - 1] },
        width: widths[at],
        outside: if at == 0 { sound * shape.stems.len() } else { widths[at - 1] },
        last: at == 0,
        kernel: shape.kernel,
        stride: shape.stride,
        encoder_context: shape.encoder_context,
        decoder_context: shape.decoder_context,
        norm_groups: (at >= shape.norms_from).then_some(shape.norm_groups),
        residual: shape.residual,
    };
    (0..widths.len()).map(layer).collect()
}

/// Adds what was learned of each bin: convolutions do not know which one they see.
fn with_bins<'w>(net: &mut Net<'w>, scope: &Scope<'w>, scale: f32, x: &Value) -> Result<Value, ConvertError> {
    let (width, bins) = (x.shape()[1], x.shape()[2]);
    let name = "freq_emb.embedding.weight";
    let offsets = scope.changed(net, name, &[bins, width], &[width, bins, 1], move |offsets| {
        Ok(super::transformer::turned(&offsets, width).iter().map(|offset| offset * scale).collect())
    })?;
    Ok(net.add(x, &offsets)?)
}
