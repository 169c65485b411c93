//! Bands of SCNet: cut out of a spectrum, sampled more or less sparsely along frequency, worked on along time, and back.

use super::super::channels::{glu, group_norm};
use super::super::scope::Scope;
use super::super::transformer::Net;
use super::{ConvertError, Shape};
use crate::onnx::{Steps, Value};

/// What the settings say of a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Its part of all bins.
    pub part: f64,
    /// Bins from one sample to the next.
    pub stride: usize,
    /// Bins that a sample is made of.
    pub kernel: usize,
    /// Layers along time.
    pub depth: usize,
}

/// Bands of one layer's spectrum, lowest first.
pub(super) struct Cut {
    /// Bins of each.
    bins: [usize; 3],
    /// How each is sampled.
    bands: [Band; 3],
}

impl Cut {
    /// As the publisher rounds.
    pub(super) fn new(bands: &[Band; 3], bins: usize) -> Self {
        let until = |part: f64| ((bins as f64 * part).ceil() as usize).min(bins);
        let (low, middle) = (until(bands[0].part), until(bands[0].part + bands[1].part));
        Self { bins: [low, middle.saturating_sub(low), bins - middle.max(low)], bands: *bands }
    }

    /// Every band's bins and sampling.
    fn each(&self) -> impl Iterator<Item = (usize, usize, Band)> + '_ {
        self.bins.iter().zip(&self.bands).enumerate().map(|(at, (bins, band))| (at, *bins, *band))
    }
}

impl Band {
    /// How its samples lie on `bins` bins.
    fn steps(self, bins: usize) -> Steps {
        let Self { stride, kernel, .. } = self;
        let added = if stride == 1 { kernel - 1 } else { bins.next_multiple_of(stride) - bins };
        Steps { stride, dilation: 1, before: added / 2, after: added - added / 2 }
    }

    /// What to cut off `samples` samples to have `bins` bins again.
    fn back(self, samples: usize, bins: usize) -> Steps {
        let Self { stride, kernel, .. } = self;
        let beyond = (samples.saturating_sub(1) * stride + kernel).saturating_sub(bins);
        Steps { stride, dilation: 1, before: beyond / 2, after: beyond - beyond / 2 }
    }
}

/// `x`, `[batch, channels, bins, columns]`, to `width` channels of all bands' samples.
pub(super) fn encode<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    shape: &Shape,
    cut: &Cut,
    width: usize,
    x: &Value,
) -> Result<Value, ConvertError> {
    let inside = x.shape()[1];
    let bands = net.split(x, 2, &cut.bins)?;
    let mut done = Vec::new();
    for ((at, bins, band), x) in cut.each().zip(&bands) {
        let conv = scope.at("SDlayer.convs").at(at);
        let weight = conv.tensor(net, "weight", &[width, inside, band.kernel, 1])?;
        let bias = conv.tensor(net, "bias", &[width])?;
        let x = net.conv(x, &weight, &bias, &[band.steps(bins), Steps::EACH], 1)?;
        let [batch, _, samples, columns] = x.shape()[..] else {
            unreachable!("a convolution over two axes has four dimensions")
        };
        let x = net.transpose(&x, &[0, 2, 1, 3])?;
        let mut x = net.reshape(&x, &[batch * samples, width, columns])?;
        for layer in 0..band.depth {
            let scope = scope.at("conv_modules").at(at).at("layers").at(layer);
            x = along_time(net, &scope, shape, &x)?;
        }
        let x = net.gelu(&x);
        done.push(net.reshape(&x, &[batch, samples, width, columns])?);
    }
    let all = net.concat(&done, 1)?;
    Ok(net.transpose(&all, &[0, 2, 1, 3])?)
}

/// A residual layer along time, every sample for itself: `x` is `[samples, channels, columns]`.
fn along_time<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    shape: &Shape,
    x: &Value,
) -> Result<Value, ConvertError> {
    let (channels, kernel) = (x.shape()[1], shape.kernel);
    let hidden = (channels as f64 / shape.compress) as usize;
    let steps = [Steps::EACH.padded(kernel / 2)];
    let y = group_norm(net, &scope.at(0), 1, None, x)?;
    let weight = scope.tensor(net, "1.weight", &[2 * hidden, channels, kernel])?;
    let bias = scope.tensor(net, "1.bias", &[2 * hidden])?;
    let y = net.conv(&y, &weight, &bias, &steps, 1)?;
    let y = glu(net, &y)?;
    let weight = scope.tensor(net, "3.weight", &[hidden, 1, kernel])?;
    let bias = scope.tensor(net, "3.bias", &[hidden])?;
    let y = net.conv(&y, &weight, &bias, &steps, hidden)?;
    let y = group_norm(net, &scope.at(4), 1, None, &y)?;
    let gate = net.sigmoid(&y);
    let y = net.mul(&y, &gate)?;
    let weight = scope.tensor(net, "6.weight", &[channels, hidden, 1])?;
    let bias = scope.tensor(net, "6.bias", &[channels])?;
    let y = net.conv(&y, &weight, &bias, &[Steps::EACH], 1)?;
    Ok(net.add(x, &y)?)
}

/// Samples of all bands back to bins, `outside` channels of them.
pub(super) fn decode<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    cut: &Cut,
    outside: usize,
    x: &Value,
) -> Result<Value, ConvertError> {
    let width = x.shape()[1];
    let samples = |(_, bins, band): (usize, usize, Band)| {
        let Steps { stride, before, after, .. } = band.steps(bins);
        (bins + before + after).saturating_sub(band.kernel) / stride + 1
    };
    let samples: Vec<usize> = cut.each().map(samples).collect();
    let bands = net.split(x, 2, &samples)?;
    let mut done = Vec::new();
    for ((at, bins, band), x) in cut.each().zip(&bands) {
        let conv = scope.at("convtrs").at(at);
        let weight = conv.tensor(net, "weight", &[width, outside, band.kernel, 1])?;
        let bias = conv.tensor(net, "bias", &[outside])?;
        let steps = [band.back(samples[at], bins), Steps::EACH];
        done.push(net.conv_transpose(x, &weight, &bias, &steps)?);
    }
    Ok(net.concat(&done, 2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_bands_cover_all_bins_and_come_back() {
        let band = |part, stride, kernel| Band { part, stride, kernel, depth: 1 };
        let bands = [band(0.175, 1, 3), band(0.392, 4, 4), band(0.433, 16, 16)];
        let cut = Cut::new(&bands, 2049);
        assert_eq!(cut.bins, [359, 803, 887]);
        for (_, bins, band) in cut.each() {
            let Steps { stride, before, after, .. } = band.steps(bins);
            let samples = (bins + before + after - band.kernel) / stride + 1;
            let back = band.back(samples, bins);
            assert_eq!((samples - 1) * stride + band.kernel - back.before - back.after, bins);
            assert_eq!(back.before, before);
        }
    }
}
