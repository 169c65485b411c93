//! One transformer over one axis: attention with rotary places and gates, then a feed-forward net, both residual.
//! Emitted once a group of sequences, so that what attention needs at once is bounded.

use super::rotary::table;
use super::{ConvertError, Weights};
use crate::onnx::{Graph, GraphError, Value};

/// Scores of one attention, 32-bit floats, should not take more than this at once.
pub(super) const SCORES_BYTES_MAX: usize = 128 << 20;

/// Places of all sequences of one group: few enough that what one step makes is still in the cache for the next, and enough
/// for matrix products to be at their fastest. Figures in `models/README.md`.
const ROWS_MAX: usize = 1_650;

/// Sizes of all transformers of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) dim: usize,
    pub(super) heads: usize,
    pub(super) head: usize,
}

impl Sizes {
    fn inner(self) -> usize {
        self.heads * self.head
    }
}

/// A graph of weights that live as long as `'w`.
pub(super) type Net<'w> = Graph<'w, ConvertError>;

/// What all transformers over one axis share: its angles.
pub(super) struct Axis {
    /// Sequences worked on at once.
    pub(super) group: usize,
    angles: Vec<(usize, Value, Value)>,
    frequencies: Vec<f32>,
}

impl Axis {
    /// `sequences` of `places` each; in groups where `grouped`.
    pub(super) fn new(
        frequencies: Vec<f32>,
        sizes: Sizes,
        sequences: usize,
        places: usize,
        grouped: bool,
    ) -> Self {
        let scores = sizes.heads * places * places * size_of::<f32>();
        let most = (SCORES_BYTES_MAX / scores.max(1)).min(ROWS_MAX / places.max(1));
        let group = if grouped { most.clamp(1, sequences.max(1)) } else { sequences };
        // Groups as equal as can be: the last should not be a small one.
        let group = sequences.div_ceil(sequences.div_ceil(group.max(1)).max(1));
        Self { group, angles: Vec::new(), frequencies }
    }

    /// Cosines and sines for `count` sequences, made once.
    fn angles(&mut self, net: &mut Net<'_>, count: usize, places: usize) -> (Value, Value) {
        if let Some((_, cosines, sines)) = self.angles.iter().find(|(made, ..)| *made == count) {
            return (cosines.clone(), sines.clone());
        }
        let shape = [count, places, self.frequencies.len()];
        let mut make = |of: fn(f64) -> f64| {
            let frequencies = self.frequencies.clone();
            net.weights(&shape, move || Ok(table(&frequencies, places, count, of)))
        };
        let (cosines, sines) = (make(f64::cos), make(f64::sin));
        self.angles.push((count, cosines.clone(), sines.clone()));
        (cosines, sines)
    }
}

/// One layer's weights as the graph's constants.
struct Layer {
    attention_scale: Value,
    /// Queries, keys, values and gates in one: `[dim, 3 * inner + heads]`.
    project: Value,
    gate_bias: Value,
    out: Value,
    forward_scale: Value,
    widen: Value,
    widen_bias: Value,
    narrow: Value,
    narrow_bias: Value,
}

/// What transformers over one axis are like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stack {
    /// Layers of each.
    layers: usize,
    /// Whether each ends with a norm.
    pub(super) is_normed: bool,
}

impl Stack {
    /// As the transformer whose weights' names begin with `prefix`.
    pub(super) fn of(weights: &dyn Weights, prefix: &str) -> Self {
        let has = |name: &str| weights.shape(&format!("{prefix}.{name}")).is_some();
        let layers = (0..).take_while(|layer| has(&format!("layers.{layer}.0.norm.gamma"))).count();
        Self { layers, is_normed: has("norm.gamma") }
    }
}

/// The transformer whose weights' names begin with `prefix`, over `x`, `[sequences, places, dim]`.
pub(super) fn transformer<'w>(
    net: &mut Net<'w>,
    weights: &'w dyn Weights,
    (prefix, stack): (&str, Stack),
    sizes: Sizes,
    axis: &mut Axis,
    x: &Value,
) -> Result<Value, ConvertError> {
    let mut layers = Vec::new();
    for layer in 0..stack.layers {
        layers.push(Layer::new(net, weights, &format!("{prefix}.layers.{layer}"), sizes)?);
    }
    if layers.is_empty() {
        return Err(ConvertError::Settings(format!("the checkpoint has no transformer `{prefix}`")));
    }
    let norm = format!("{prefix}.norm.gamma");
    let norm = stack.is_normed.then(|| vector(net, weights, &norm, sizes.dim)).transpose()?;
    let [sequences, places, _] = x.shape()[..] else {
        return Err(
            GraphError { operator: "transformer".to_owned(), shapes: format!("{:?}", x.shape()) }.into()
        );
    };
    let groups = sequences.div_ceil(axis.group);
    let counts: Vec<usize> = (0..groups).map(|g| axis.group.min(sequences - g * axis.group)).collect();
    let mut done = Vec::new();
    for mut x in net.split(x, 0, &counts)? {
        let angles = axis.angles(net, x.shape()[0], places);
        for layer in &layers {
            x = layer.emit(net, sizes, &angles, &x)?;
        }
        done.push(match &norm {
            Some(scale) => net.rms_norm(&x, scale)?,
            None => x,
        });
    }
    Ok(net.concat(&done, 0)?)
}

impl Layer {
    fn new<'w>(
        net: &mut Net<'w>,
        weights: &'w dyn Weights,
        prefix: &str,
        sizes: Sizes,
    ) -> Result<Self, ConvertError> {
        let Sizes { dim, heads, .. } = sizes;
        let inner = sizes.inner();
        let [attention, forward] = [0, 1].map(|half| format!("{prefix}.{half}"));
        let (qkv, gates) = (format!("{attention}.to_qkv.weight"), format!("{attention}.to_gates.weight"));
        weights.expect(&qkv, &[3 * inner, dim])?;
        weights.expect(&gates, &[heads, dim])?;
        let project = net.weights(&[dim, 3 * inner + heads], move || {
            let mut rows = weights.read(&qkv)?;
            rows.extend(weights.read(&gates)?);
            Ok(turned(&rows, dim))
        });
        let wide = format!("{forward}.net.1.weight");
        let hidden = weights.shape(&wide).and_then(|shape| shape.first().copied()).unwrap_or(4 * dim);
        Ok(Self {
            attention_scale: vector(net, weights, &format!("{attention}.norm.gamma"), dim)?,
            project,
            gate_bias: vector(net, weights, &format!("{attention}.to_gates.bias"), heads)?,
            out: matrix(net, weights, &format!("{attention}.to_out.0.weight"), dim, inner)?,
            forward_scale: vector(net, weights, &format!("{forward}.net.0.gamma"), dim)?,
            widen: matrix(net, weights, &wide, hidden, dim)?,
            widen_bias: vector(net, weights, &format!("{forward}.net.1.bias"), hidden)?,
            narrow: matrix(net, weights, &format!("{forward}.net.4.weight"), dim, hidden)?,
            narrow_bias: vector(net, weights, &format!("{forward}.net.4.bias"), dim)?,
        })
    }

    fn emit(
        &self,
        net: &mut Net<'_>,
        sizes: Sizes,
        (cosines, sines): &(Value, Value),
        x: &Value,
    ) -> Result<Value, GraphError> {
        let Sizes { heads, head, .. } = sizes;
        let inner = sizes.inner();
        let (sequences, places) = (x.shape()[0], x.shape()[1]);
        let normed = net.rms_norm(x, &self.attention_scale)?;
        let projected = net.matmul(&normed, &self.project)?;
        let parts = net.split(&projected, 2, &[inner, inner, inner, heads])?;
        let [q, k, v, gates] = &parts[..] else { unreachable!("a split gives as many pieces as sizes") };
        let q = net.rotary(q, cosines, sines, heads)?;
        let k = net.rotary(k, cosines, sines, heads)?;
        let heard = net.attention(&q, &k, v, heads)?;
        let gates = net.add(gates, &self.gate_bias)?;
        let gates = net.sigmoid(&gates);
        let gates = net.reshape(&gates, &[sequences, places, heads, 1])?;
        let heard = net.reshape(&heard, &[sequences, places, heads, head])?;
        let heard = net.mul(&heard, &gates)?;
        let heard = net.reshape(&heard, &[sequences, places, inner])?;
        let heard = net.matmul(&heard, &self.out)?;
        let x = net.add(&heard, x)?;

        let normed = net.rms_norm(&x, &self.forward_scale)?;
        let wide = net.matmul(&normed, &self.widen)?;
        let wide = net.add(&wide, &self.widen_bias)?;
        let wide = net.gelu(&wide);
        let narrow = net.matmul(&wide, &self.narrow)?;
        let narrow = net.add(&narrow, &self.narrow_bias)?;
        net.add(&narrow, &x)
    }
}

/// A vector of the checkpoint.
pub(super) fn vector<'w>(
    net: &mut Net<'w>,
    weights: &'w dyn Weights,
    name: &str,
    length: usize,
) -> Result<Value, ConvertError> {
    weights.expect(name, &[length])?;
    let name = name.to_owned();
    Ok(net.weights(&[length], move || weights.read(&name)))
}

/// A matrix of the checkpoint, `[rows, columns]`, turned for `x * matrix`: `[columns, rows]`.
fn matrix<'w>(
    net: &mut Net<'w>,
    weights: &'w dyn Weights,
    name: &str,
    rows: usize,
    columns: usize,
) -> Result<Value, ConvertError> {
    weights.expect(name, &[rows, columns])?;
    let name = name.to_owned();
    Ok(net.weights(&[columns, rows], move || Ok(turned(&weights.read(&name)?, columns))))
}

/// A row-major matrix with `columns` columns, transposed.
pub(super) fn turned(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns.max(1);
    let mut turned = Vec::with_capacity(matrix.len());
    for column in 0..columns {
        turned.extend((0..rows).map(|row| matrix[row * columns + column]));
    }
    turned
}
