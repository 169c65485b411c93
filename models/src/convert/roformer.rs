//! BS-RoFormer (Lu et al. 2023) and Mel-Band RoFormer (Wang et al. 2023): a spectrum by bands, transformers over time
//! and over bands in turn, complex masks. The two differ in which bins a band has; that is outside of this graph.
//!
//! Input `spectrum`, `[batch, columns, numbers]`: band after band, in each bin after bin, channel after channel, real
//! and imaginary part. Outputs `mask.0`, `mask.1`, ..: one for each stem, of the same shape. Names of weights are those of
//! the PyPI package BS-RoFormer 0.4.1.

pub(super) mod settings;

use super::bands::{Bands, Run};
use super::rotary::frequencies;
use super::transformer::{Axis, Net, Sizes, Stack, transformer, turned, vector};
use super::{ConvertError, Weights};
use crate::onnx::Value;

/// Layers of a mask estimator; published ones have 3 at most.
const MASK_LAYERS_MAX: usize = 16;

/// What the settings say of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Numbers of one place between layers.
    pub dim: usize,
    /// Pairs of transformers.
    pub depth: usize,
    /// Heads of each attention.
    pub heads: usize,
    /// Numbers of one head.
    pub head: usize,
    /// Stems.
    pub stems: usize,
    /// How the spectrum is cut.
    pub bands: Bands,
    /// Columns of one chunk.
    pub columns: usize,
    /// Chunks at once.
    pub batch: usize,
}

/// For which kind of device a graph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// 32 bits, in groups that keep memory bounded and caches warm.
    Cpu,
    /// 16 bits with sums in 32, all sequences at once.
    Gpu,
}

/// Tensors that every layer has a copy of, and that are read once.
pub(super) fn is_spare(name: &str) -> bool {
    name.ends_with(".rotary_embed.freqs")
}

/// Where a layer keeps its transformers over time and over bands: some checkpoints have a place before them for another
/// that they do not use.
fn axes(has: &dyn Fn(&str) -> bool) -> [usize; 2] {
    if has("layers.0.0.layers.0.0.norm.gamma") { [0, 1] } else { [1, 2] }
}

/// The graph of a checkpoint.
///
/// # Errors
/// Where a tensor is missing or misshapen.
pub fn graph<'w>(shape: &Shape, weights: &'w dyn Weights, target: Target) -> Result<Net<'w>, ConvertError> {
    let mut net = Net::new("roformer", target == Target::Gpu);
    let sizes = Sizes { dim: shape.dim, heads: shape.heads, head: shape.head };
    let (bands, rows) = (shape.bands.count(), shape.batch * shape.columns);
    let input = net.input("spectrum", &[shape.batch, shape.columns, shape.bands.numbers()]);
    let spectrum = net.reshape(&input, &[rows, shape.bands.numbers()])?;
    let mut x = band_split(&mut net, weights, shape, &spectrum)?;

    let grouped = target == Target::Cpu;
    let axes = axes(&|name| weights.shape(name).is_some());
    // The first pair shows what all pairs are like: so what is missing from another is missed.
    let stacks = axes.map(|axis| Stack::of(weights, &format!("layers.0.{axis}")));
    let turns = |axis: usize| match weights.shape(&format!("layers.0.{axis}.layers.0.0.rotary_embed.freqs")) {
        Some(_) => weights.read(&format!("layers.0.{axis}.layers.0.0.rotary_embed.freqs")),
        None => Ok(frequencies(shape.head)),
    };
    let mut time = Axis::new(turns(axes[0])?, sizes, bands * shape.batch, shape.columns, grouped);
    let mut across = Axis::new(turns(axes[1])?, sizes, rows, bands, grouped);
    for layer in 0..shape.depth {
        // [bands, batch * columns, dim]: every band is a sequence in time.
        let along = net.reshape(&x, &[bands * shape.batch, shape.columns, shape.dim])?;
        let names = axes.map(|axis| format!("layers.{layer}.{axis}"));
        let along = transformer(&mut net, weights, (&names[0], stacks[0]), sizes, &mut time, &along)?;
        let along = net.reshape(&along, &[bands, rows, shape.dim])?;
        let turned = net.transpose(&along, &[1, 0, 2])?;
        let turned = transformer(&mut net, weights, (&names[1], stacks[1]), sizes, &mut across, &turned)?;
        x = net.transpose(&turned, &[1, 0, 2])?;
    }
    // One family norms at the end of each transformer, the other once.
    if weights.shape("final_norm.gamma").is_some() || !stacks[0].is_normed {
        let scale = vector(&mut net, weights, "final_norm.gamma", shape.dim)?;
        x = net.rms_norm(&x, &scale)?;
    }
    let runs = shape.bands.runs();
    let counts: Vec<usize> = runs.iter().map(|run| run.count).collect();
    let features = net.split(&x, 0, &counts)?;
    let hidden = hidden(weights)?;
    for stem in 0..shape.stems {
        let mut masks = Vec::new();
        for (run, features) in runs.iter().zip(&features) {
            masks.push(mask(&mut net, weights, (stem, *run), &hidden, features)?);
        }
        let mask = net.concat(&masks, 1)?;
        let mask = net.reshape(&mask, &[shape.batch, shape.columns, shape.bands.numbers()])?;
        net.output(&format!("mask.{stem}"), mask)?;
    }
    Ok(net)
}

/// `[rows, numbers]` to `[bands, rows, dim]`: every band normed and projected, equally wide ones as one product.
fn band_split<'w>(
    net: &mut Net<'w>,
    weights: &'w dyn Weights,
    shape: &Shape,
    spectrum: &Value,
) -> Result<Value, ConvertError> {
    let (rows, dim) = (spectrum.shape()[0], shape.dim);
    let runs = shape.bands.runs();
    let cuts: Vec<usize> = runs.iter().map(|run| run.count * run.width).collect();
    let mut bands = Vec::new();
    for (run, piece) in runs.iter().zip(net.split(spectrum, 1, &cuts)?) {
        let Run { first, count, width } = *run;
        for band in first..first + count {
            weights.expect(&format!("band_split.to_features.{band}.0.gamma"), &[width])?;
            weights.expect(&format!("band_split.to_features.{band}.1.weight"), &[dim, width])?;
            weights.expect(&format!("band_split.to_features.{band}.1.bias"), &[dim])?;
        }
        let piece = net.reshape(&piece, &[rows, count, width])?;
        let plain = net.weights(&[width], move || Ok(vec![1.0; width]));
        let piece = net.rms_norm(&piece, &plain)?;
        let piece = net.transpose(&piece, &[1, 0, 2])?;
        // The norm's own scale differs from band to band: it is part of the projection.
        let project = net.weights(&[count, width, dim], move || {
            let mut all = Vec::with_capacity(count * width * dim);
            for band in first..first + count {
                let scale = weights.read(&format!("band_split.to_features.{band}.0.gamma"))?;
                let project =
                    turned(&weights.read(&format!("band_split.to_features.{band}.1.weight"))?, width);
                all.extend(project.iter().enumerate().map(|(i, x)| x * scale[i / dim]));
            }
            Ok(all)
        });
        let bias = net.weights(&[count, 1, dim], move || {
            each(first..first + count, |band| weights.read(&format!("band_split.to_features.{band}.1.bias")))
        });
        let projected = net.matmul(&piece, &project)?;
        bands.push(net.add(&projected, &bias)?);
    }
    Ok(net.concat(&bands, 0)?)
}

fn mask_name(stem: usize, band: usize, layer: usize, kind: &str) -> String {
    format!("mask_estimators.{stem}.to_freqs.{band}.0.{}.{kind}", 2 * layer)
}

/// How wide the hidden layers of mask estimators are: as those of the first stem's first band.
fn hidden(weights: &dyn Weights) -> Result<Vec<usize>, ConvertError> {
    let rows = |layer: usize| weights.shape(&mask_name(0, 0, layer, "weight"))?.first().copied();
    let mut widths: Vec<usize> = (0..MASK_LAYERS_MAX).map_while(rows).collect();
    if widths.pop().is_none() {
        return Err(ConvertError::Settings("the checkpoint has no mask estimator".to_owned()));
    }
    Ok(widths)
}

/// `[count, rows, dim]` to `[rows, count * width]`: the masks of one stem over a run of bands.
fn mask<'w>(
    net: &mut Net<'w>,
    weights: &'w dyn Weights,
    (stem, run): (usize, Run),
    hidden: &[usize],
    features: &Value,
) -> Result<Value, ConvertError> {
    let Run { first, count, width } = run;
    let rows = features.shape()[1];
    let name = move |band: usize, layer: usize, kind: &str| mask_name(stem, band, layer, kind);
    let mut x = features.clone();
    for layer in 0..=hidden.len() {
        let inside = x.shape()[2];
        let last = layer == hidden.len();
        let outside = if last { 2 * width } else { hidden[layer] };
        for band in first..first + count {
            weights.expect(&name(band, layer, "weight"), &[outside, inside])?;
            weights.expect(&name(band, layer, "bias"), &[outside])?;
        }
        let matrix = net.weights(&[count, inside, outside], move || {
            each(first..first + count, |band| {
                Ok(turned(&weights.read(&name(band, layer, "weight"))?, inside))
            })
        });
        let bias = net.weights(&[count, 1, outside], move || {
            each(first..first + count, |band| weights.read(&name(band, layer, "bias")))
        });
        x = net.matmul(&x, &matrix)?;
        x = net.add(&x, &bias)?;
        if !last {
            x = net.tanh(&x);
        }
    }
    // A gated linear unit: the first half, let through by the second.
    let halves = net.split(&x, 2, &[width, width])?;
    let gate = net.sigmoid(&halves[1]);
    let mask = net.mul(&halves[0], &gate)?;
    let mask = net.transpose(&mask, &[1, 0, 2])?;
    Ok(net.reshape(&mask, &[rows, count * width])?)
}

/// The numbers of several bands, one after the other.
fn each(
    bands: std::ops::Range<usize>,
    read: impl Fn(usize) -> Result<Vec<f32>, ConvertError>,
) -> Result<Vec<f32>, ConvertError> {
    let mut all = Vec::new();
    for band in bands {
        all.extend(read(band)?);
    }
    Ok(all)
}
