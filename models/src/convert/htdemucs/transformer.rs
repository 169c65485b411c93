//! The transformer of HTDemucs: layers that hear their own branch and layers that hear the other, in turn. Places are
//! `[batch, places, dim]`; those of a spectrum lie column after column.

use super::super::scope::Scope;
use super::super::transformer::{Net, SCORES_BYTES_MAX, turned};
use super::{ConvertError, Target, Transformer, places};
use crate::onnx::{GraphError, Value};

/// What comes out of the encoders, to what goes into the decoders: `x` is `[batch, channels, bins, columns]`, `t` is
/// `[batch, channels, places]`.
pub(super) fn transformer<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    sizes: &Transformer,
    target: Target,
    x: &Value,
    t: &Value,
) -> Result<(Value, Value), ConvertError> {
    let ([batch, width, bins, columns], [_, width_t, frames]) = (x.shape(), t.shape()) else {
        let shapes = format!("{:?} and {:?}", x.shape(), t.shape());
        return Err(GraphError { operator: "transformer".to_owned(), shapes }.into());
    };
    let (batch, bins, columns, frames) = (*batch, *bins, *columns, *frames);
    let x = net.transpose(x, &[0, 3, 2, 1])?;
    let x = net.reshape(&x, &[batch, columns * bins, *width])?;
    let t = net.transpose(t, &[0, 2, 1])?;
    let mut x = projected(net, sizes.projected, &scope.at("channel_upsampler"), &x, sizes.dim)?;
    let mut t = projected(net, sizes.projected, &scope.at("channel_upsampler_t"), &t, sizes.dim)?;

    let inside = scope.at("crosstransformer");
    let (dim, period_max) = (sizes.dim, sizes.period_max);
    let plane = move || places::plane(columns, bins, dim, period_max);
    x = placed(net, &inside.at("norm_in"), sizes, plane, &x)?;
    t = placed(net, &inside.at("norm_in_t"), sizes, move || places::line(frames, dim, period_max), &t)?;
    for at in 0..sizes.layers {
        let mut layer = |name: &str, x: &Value, other: &Value| {
            let scope = inside.at(name).at(at);
            let other = (at % 2 == usize::from(!sizes.cross_first)).then_some(other);
            Layer { scope: &scope, sizes, target }.emit(net, x, other)
        };
        (x, t) = (layer("layers", &x, &t)?, layer("layers_t", &t, &x)?);
    }
    let x = projected(net, sizes.projected, &scope.at("channel_downsampler"), &x, *width)?;
    let x = net.reshape(&x, &[batch, columns, bins, *width])?;
    let x = net.transpose(&x, &[0, 3, 2, 1])?;
    let t = projected(net, sizes.projected, &scope.at("channel_downsampler_t"), &t, *width_t)?;
    Ok((x, net.transpose(&t, &[0, 2, 1])?))
}

/// A convolution of one place, which is a product; nothing where there is none.
fn projected<'w>(
    net: &mut Net<'w>,
    is_there: bool,
    scope: &Scope<'w>,
    x: &Value,
    outside: usize,
) -> Result<Value, ConvertError> {
    if !is_there {
        return Ok(x.clone());
    }
    let inside = x.shape()[2];
    let matrix = scope
        .changed(net, "weight", &[outside, inside, 1], &[inside, outside], move |m| Ok(turned(&m, inside)))?;
    let bias = scope.tensor(net, "bias", &[outside])?;
    let x = net.matmul(x, &matrix)?;
    Ok(net.add(&x, &bias)?)
}

/// Normed, and told where each place is: the norm's bias and the table of places are one constant.
fn placed<'w>(
    net: &mut Net<'w>,
    norm: &Scope<'w>,
    sizes: &Transformer,
    table: impl Fn() -> Vec<f32> + 'w,
    x: &Value,
) -> Result<Value, ConvertError> {
    let (dim, places, place_scale) = (sizes.dim, x.shape()[1], sizes.place_scale);
    let has_norm = sizes.norm_in;
    let x = if has_norm {
        norm.check("bias", &[dim])?;
        let scale = norm.tensor(net, "weight", &[dim])?;
        let nothing = net.weights(&[dim], move || Ok(vec![0.0; dim]));
        net.layer_norm(x, &scale, &nothing)?
    } else {
        x.clone()
    };
    let norm = norm.clone();
    let offsets = net.weights(&[places, dim], move || {
        let bias = if has_norm { norm.read("bias")? } else { vec![0.0; dim] };
        Ok(table().iter().zip(bias.iter().cycle()).map(|(place, bias)| place_scale * place + bias).collect())
    });
    Ok(net.add(&x, &offsets)?)
}

/// One layer of one branch.
struct Layer<'a, 'w> {
    scope: &'a Scope<'w>,
    sizes: &'a Transformer,
    target: Target,
}

impl<'w> Layer<'_, 'w> {
    /// Attention to its own branch, or to `other`, then a feed-forward net, both residual.
    fn emit(&self, net: &mut Net<'w>, x: &Value, other: Option<&Value>) -> Result<Value, ConvertError> {
        let (scope, dim) = (self.scope, self.sizes.dim);
        let normed = self.norm(net, "norm1", x)?;
        let (attention, feed) =
            if other.is_some() { ("cross_attn", "norm3") } else { ("self_attn", "norm2") };
        let attention = scope.at(attention);
        let [q, k, v] = match other {
            None => self.parts::<3>(net, &attention, &normed, 0)?,
            Some(other) => {
                let other = self.norm(net, "norm2", other)?;
                let [q] = self.parts::<1>(net, &attention, &normed, 0)?;
                let [k, v] = self.parts::<2>(net, &attention, &other, 1)?;
                [q, k, v]
            }
        };
        let heard = self.attention(net, &q, &k, &v)?;
        let names = ("out_proj.weight", "out_proj.bias");
        let heard = attention.linear(net, &heard, names, dim, self.scale("gamma_1.scale"))?;
        let x = net.add(x, &heard)?;

        let normed = self.norm(net, feed, &x)?;
        let hidden = (dim as f64 * self.sizes.widening) as usize;
        let wide = scope.linear(net, &normed, ("linear1.weight", "linear1.bias"), hidden, None)?;
        let wide = net.gelu(&wide);
        let names = ("linear2.weight", "linear2.bias");
        let narrow = scope.linear(net, &wide, names, dim, self.scale("gamma_2.scale"))?;
        let x = net.add(&x, &narrow)?;
        self.norm_out(net, &x)
    }

    fn norm(&self, net: &mut Net<'w>, name: &str, x: &Value) -> Result<Value, ConvertError> {
        let norm = self.scope.at(name);
        let scale = norm.tensor(net, "weight", &[self.sizes.dim])?;
        let bias = norm.tensor(net, "bias", &[self.sizes.dim])?;
        Ok(net.layer_norm(x, &scale, &bias)?)
    }

    /// A residual branch's own scale, which is part of its last product.
    fn scale<'n>(&self, name: &'n str) -> Option<(&Scope<'w>, &'n str)> {
        self.sizes.scaled.then_some((self.scope, name))
    }

    /// So many of queries, keys and values, from the `first` on, as one product.
    fn parts<const COUNT: usize>(
        &self,
        net: &mut Net<'w>,
        attention: &Scope<'w>,
        x: &Value,
        first: usize,
    ) -> Result<[Value; COUNT], ConvertError> {
        let dim = self.sizes.dim;
        let matrix =
            attention.changed(net, "in_proj_weight", &[3 * dim, dim], &[dim, COUNT * dim], move |rows| {
                Ok(turned(&rows[first * dim * dim..][..COUNT * dim * dim], dim))
            })?;
        let bias = attention.changed(net, "in_proj_bias", &[3 * dim], &[COUNT * dim], move |all| {
            Ok(all[first * dim..][..COUNT * dim].to_vec())
        })?;
        let projected = net.matmul(x, &matrix)?;
        let projected = net.add(&projected, &bias)?;
        let parts = net.split(&projected, 2, &[dim; COUNT])?;
        Ok(parts.try_into().expect("a split gives as many pieces as sizes"))
    }

    /// On a processor a group of places at a time, so that scores stay small.
    fn attention(&self, net: &mut Net<'w>, q: &Value, k: &Value, v: &Value) -> Result<Value, ConvertError> {
        let heads = self.sizes.heads;
        let (batch, places) = (q.shape()[0], q.shape()[1]);
        let scores = batch * heads * places * k.shape()[1] * size_of::<f32>();
        let groups =
            if self.target == Target::Cpu { scores.div_ceil(SCORES_BYTES_MAX).clamp(1, places) } else { 1 };
        let size = places.div_ceil(groups);
        let counts: Vec<usize> = (0..places).step_by(size).map(|from| size.min(places - from)).collect();
        let mut heard = Vec::new();
        for q in net.split(q, 1, &counts)? {
            heard.push(net.attention(&q, k, v, heads)?);
        }
        Ok(net.concat(&heard, 1)?)
    }

    /// The norm over all places at once that ends a layer, where there is one.
    fn norm_out(&self, net: &mut Net<'w>, x: &Value) -> Result<Value, ConvertError> {
        let norm = self.scope.at("norm_out");
        if !self.sizes.norm_out {
            return Ok(x.clone());
        }
        let scale = norm.tensor(net, "weight", &[self.sizes.dim])?;
        let bias = norm.tensor(net, "bias", &[self.sizes.dim])?;
        let x = net.group_norm(x, 1)?;
        let x = net.mul(&x, &scale)?;
        Ok(net.add(&x, &bias)?)
    }
}
