//! Encoders and decoders of HTDemucs: a strided convolution, a residual branch of dilated ones, a gate.

use super::super::channels::{glu, group_norm};
use super::super::scope::Scope;
use super::super::transformer::Net;
use super::{ConvertError, Residual};
use crate::onnx::{Steps, Value};

/// Numbers of a dilated convolution's kernel.
const DILATED_KERNEL: usize = 3;

/// What a layer works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    /// `[batch, channels, bins, columns]`: along the bins.
    Spectrum,
    /// `[batch, channels, frames]`: along time.
    Waveform,
}

/// One encoder and the decoder that undoes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub(super) branch: Branch,
    /// Channels of what the encoder hears.
    pub(super) inside: usize,
    /// Channels between the two.
    pub(super) width: usize,
    /// Channels of what the decoder says.
    pub(super) outside: usize,
    /// Whether nothing comes after the decoder.
    pub(super) last: bool,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) encoder_context: usize,
    pub(super) decoder_context: usize,
    /// Groups of its norms, where it has any.
    pub(super) norm_groups: Option<usize>,
    pub(super) residual: Residual,
}

impl Layer {
    /// `x` with as many channels as `inside`, to a stride-th of its places and `width` channels.
    pub(super) fn encode<'w>(
        &self,
        net: &mut Net<'w>,
        scope: &Scope<'w>,
        x: &Value,
    ) -> Result<Value, ConvertError> {
        let Self { inside, width, kernel, stride, .. } = *self;
        let pad = kernel / 4;
        // What is missing to whole strides is nothing at the end. A spectrum has whole strides of bins.
        let missing = x.shape()[2].next_multiple_of(stride) - x.shape()[2];
        let steps = Steps { stride, dilation: 1, before: pad, after: pad + missing };
        let y = self.convolved(net, &scope.at("conv"), x, [width, inside, kernel], steps)?;
        let y = self.normed(net, &scope.at("norm1"), &y)?;
        let y = net.gelu(&y);
        let y = if self.residual.in_encoders { self.with_residual(net, scope, &y)? } else { y };
        self.gated(net, scope, &y, self.encoder_context, "norm2")
    }

    /// Back to `places` places and `outside` channels; `skip` is what the encoder said.
    pub(super) fn decode<'w>(
        &self,
        net: &mut Net<'w>,
        scope: &Scope<'w>,
        x: &Value,
        skip: &Value,
        places: usize,
    ) -> Result<Value, ConvertError> {
        let Self { width, outside, kernel, stride, .. } = *self;
        let x = net.add(x, skip)?;
        let y = self.gated(net, scope, &x, self.decoder_context, "norm1")?;
        let y = if self.residual.in_decoders { self.with_residual(net, scope, &y)? } else { y };
        let all = y.shape()[2].saturating_sub(1) * stride + kernel;
        let before = kernel / 4;
        let after = all.saturating_sub(before + places);
        // A norm hears what is cut off, too.
        let cut = if self.norm_groups.is_some() { [0, 0] } else { [before, after] };
        let steps = Steps { stride, dilation: 1, before: cut[0], after: cut[1] };
        let conv = scope.at("conv_tr");
        let weight = conv.tensor(net, "weight", &self.along(&[width, outside], kernel))?;
        let bias = conv.tensor(net, "bias", &[outside])?;
        let mut y = net.conv_transpose(&y, &weight, &bias, &self.steps(steps))?;
        if self.norm_groups.is_some() {
            y = self.normed(net, &scope.at("norm2"), &y)?;
            y = net.slice(&y, 2, before..before + places)?;
        }
        Ok(if self.last { y } else { net.gelu(&y) })
    }

    /// A convolution of `[outside, inside, kernel]` along this branch's axis.
    fn convolved<'w>(
        &self,
        net: &mut Net<'w>,
        scope: &Scope<'w>,
        x: &Value,
        [outside, inside, kernel]: [usize; 3],
        steps: Steps,
    ) -> Result<Value, ConvertError> {
        let weight = scope.tensor(net, "weight", &self.along(&[outside, inside], kernel))?;
        let bias = scope.tensor(net, "bias", &[outside])?;
        Ok(net.conv(x, &weight, &bias, &self.steps(steps), 1)?)
    }

    /// The inner convolution to twice the channels, and a gated linear unit.
    fn gated<'w>(
        &self,
        net: &mut Net<'w>,
        scope: &Scope<'w>,
        x: &Value,
        context: usize,
        norm: &str,
    ) -> Result<Value, ConvertError> {
        let inner = scope.at("rewrite");
        let (width, kernel, steps) = (self.width, 1 + 2 * context, Steps::EACH.padded(context));
        // The inner kernels see as many columns as bins.
        let (shape, steps) = match self.branch {
            Branch::Spectrum => (vec![2 * width, width, kernel, kernel], vec![steps; 2]),
            Branch::Waveform => (vec![2 * width, width, kernel], vec![steps]),
        };
        let weight = inner.tensor(net, "weight", &shape)?;
        let bias = inner.tensor(net, "bias", &[2 * width])?;
        let y = net.conv(x, &weight, &bias, &steps, 1)?;
        let y = self.normed(net, &scope.at(norm), &y)?;
        glu(net, &y)
    }

    /// The norm of that scope, where this layer has norms.
    fn normed<'w>(&self, net: &mut Net<'w>, scope: &Scope<'w>, x: &Value) -> Result<Value, ConvertError> {
        match self.norm_groups {
            Some(groups) => group_norm(net, scope, groups, None, x),
            None => Ok(x.clone()),
        }
    }

    /// Dilated convolutions along time, of every bin for itself.
    fn with_residual<'w>(
        &self,
        net: &mut Net<'w>,
        scope: &Scope<'w>,
        x: &Value,
    ) -> Result<Value, ConvertError> {
        let layers = scope.at("dconv").at("layers");
        let residual = self.residual;
        match (self.branch, x.shape()) {
            (Branch::Spectrum, &[batch, channels, bins, columns]) => {
                let y = net.transpose(x, &[0, 2, 1, 3])?;
                let y = net.reshape(&y, &[batch * bins, channels, columns])?;
                let y = dilated(net, &layers, residual, y)?;
                let y = net.reshape(&y, &[batch, bins, channels, columns])?;
                Ok(net.transpose(&y, &[0, 2, 1, 3])?)
            }
            _ => dilated(net, &layers, residual, x.clone()),
        }
    }

    /// A kernel's shape.
    fn along(&self, channels: &[usize], kernel: usize) -> Vec<usize> {
        let sizes: &[usize] = if self.branch == Branch::Spectrum { &[kernel, 1] } else { &[kernel] };
        [channels, sizes].concat()
    }

    /// Steps of all axes.
    fn steps(&self, steps: Steps) -> Vec<Steps> {
        if self.branch == Branch::Spectrum { vec![steps, Steps::EACH] } else { vec![steps] }
    }
}

/// The residual branches of `layers`, one after the other, each twice as far dilated as the one before: `x` is
/// `[sequences, channels, places]`.
fn dilated<'w>(
    net: &mut Net<'w>,
    layers: &Scope<'w>,
    residual: Residual,
    mut x: Value,
) -> Result<Value, ConvertError> {
    let channels = x.shape()[1];
    let hidden = (channels as f64 / residual.compress) as usize;
    for at in 0..residual.depth {
        let layer = layers.at(at);
        let steps = Steps { dilation: 1 << at, ..Steps::EACH }.padded((1 << at) * (DILATED_KERNEL / 2));
        let weight = layer.tensor(net, "0.weight", &[hidden, channels, DILATED_KERNEL])?;
        let bias = layer.tensor(net, "0.bias", &[hidden])?;
        let y = net.conv(&x, &weight, &bias, &[steps], 1)?;
        let y = group_norm(net, &layer.at(1), 1, None, &y)?;
        let y = net.gelu(&y);
        let weight = layer.tensor(net, "3.weight", &[2 * channels, hidden, 1])?;
        let bias = layer.tensor(net, "3.bias", &[2 * channels])?;
        let y = net.conv(&y, &weight, &bias, &[Steps::EACH], 1)?;
        // The branch's own scale is part of what its gate lets through.
        layer.check("6.scale", &[channels])?;
        let y = group_norm(net, &layer.at(4), 1, Some((&layer, "6.scale")), &y)?;
        let y = glu(net, &y)?;
        x = net.add(&x, &y)?;
    }
    Ok(x)
}
