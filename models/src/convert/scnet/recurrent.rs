//! The middle of SCNet: pairs of recurrent layers, over frequency and over time, with a Fourier transform over time
//! between pairs and back. All of it is `[batch, bins, columns, channels]`, in which a transform is one product.

use super::super::scope::Scope;
use super::super::transformer::Net;
use super::{ConvertError, Shape};
use crate::onnx::{GraphError, Value};
use std::f64::consts::TAU;

/// Gates of a memory: PyTorch's order is input, forget, cell, output, ONNX' is input, output, forget, cell.
const GATES: [usize; 4] = [0, 3, 1, 2];
/// Forwards and backwards, as PyTorch ends their names.
const WAYS: [&str; 2] = ["", "_reverse"];

/// `x`, `[batch, channels, bins, columns]`, to the same.
pub(super) fn separate<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    shape: &Shape,
    x: &Value,
) -> Result<Value, ConvertError> {
    let columns = x.shape()[3];
    let mut x = net.transpose(x, &[0, 2, 3, 1])?;
    let tables = Tables::new(net, columns);
    for pair in 0..shape.pairs {
        let layers = scope.at("dp_modules").at(pair);
        x = layer(net, &layers, 0, shape.expand, &x)?;
        x = layer(net, &layers, 1, shape.expand, &x)?;
        x = if pair % 2 == 0 { tables.forward(net, &x)? } else { tables.inverse(net, &x)? };
    }
    Ok(net.transpose(&x, &[0, 3, 1, 2])?)
}

/// A layer over frequency, axis 0, or time, axis 1: normed, read both ways, projected, residual.
fn layer<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    axis: usize,
    expand: usize,
    x: &Value,
) -> Result<Value, ConvertError> {
    let [batch, bins, columns, channels] = of_four(x)?;
    let norm = scope.at("norm_layers").at(axis);
    let scale = norm.tensor(net, "weight", &[channels])?;
    let bias = norm.tensor(net, "bias", &[channels])?;
    let y = net.group_norm(x, 1)?;
    let y = net.mul(&y, &scale)?;
    let y = net.add(&y, &bias)?;
    // The axis that is read along comes first, then all others, which are sequences of their own.
    let (order, back, places, others) = match axis {
        0 => ([1, 0, 2, 3], [1, 0, 2, 3], bins, [batch, columns]),
        _ => ([2, 0, 1, 3], [1, 2, 0, 3], columns, [batch, bins]),
    };
    let sequences = others[0] * others[1];
    let y = net.transpose(&y, &order)?;
    let y = net.reshape(&y, &[places, sequences, channels])?;
    let hidden = channels * expand;
    let y = memory(net, &scope.at("lstm_layers").at(axis), hidden, &y)?;
    let y = net.transpose(&y, &[0, 2, 1, 3])?;
    let y = net.reshape(&y, &[places, sequences, 2 * hidden])?;
    let y = scope.at("linear_layers").at(axis).linear(net, &y, ("weight", "bias"), channels, None)?;
    let y = net.reshape(&y, &[places, others[0], others[1], channels])?;
    let y = net.transpose(&y, &back)?;
    Ok(net.add(x, &y)?)
}

/// A memory that reads both ways.
fn memory<'w>(net: &mut Net<'w>, scope: &Scope<'w>, hidden: usize, x: &Value) -> Result<Value, ConvertError> {
    let inside = x.shape()[2];
    let mut made = |kinds: &'static [&'static str], width: usize, from: &[usize], to: &[usize]| {
        for (kind, way) in kinds.iter().flat_map(|kind| WAYS.map(|way| (kind, way))) {
            scope.check(&format!("{kind}_l0{way}"), from)?;
        }
        let scope = scope.clone();
        Ok::<_, ConvertError>(net.weights(to, move || {
            let mut all = Vec::new();
            for way in WAYS {
                for kind in kinds {
                    let numbers = scope.read(&format!("{kind}_l0{way}"))?;
                    let gates: Vec<&[f32]> = numbers.chunks(hidden * width).collect();
                    all.extend(GATES.iter().filter_map(|gate| gates.get(*gate)).flat_map(|gate| gate.iter()));
                }
            }
            Ok(all)
        }))
    };
    let input = made(&["weight_ih"], inside, &[4 * hidden, inside], &[2, 4 * hidden, inside])?;
    let recurrent = made(&["weight_hh"], hidden, &[4 * hidden, hidden], &[2, 4 * hidden, hidden])?;
    let bias = made(&["bias_ih", "bias_hh"], 1, &[4 * hidden], &[2, 8 * hidden])?;
    Ok(net.lstm(x, &input, &recurrent, &bias)?)
}

/// The transform over time, as matrices that all pairs share.
struct Tables {
    /// `[2 * frequencies, columns]`.
    forward: Value,
    /// `[columns, 2 * frequencies]`.
    inverse: Value,
}

impl Tables {
    /// Of an even number of columns. Real and imaginary part of a frequency lie side by side, so that the two become
    /// channels without being moved.
    fn new(net: &mut Net<'_>, columns: usize) -> Self {
        let half = columns / 2 + 1;
        let forward = net.weights(&[2 * half, columns], move || {
            let row =
                |row: usize| (0..columns).map(move |place| turn(row / 2, place, columns)[row % 2] as f32);
            Ok((0..2 * half).flat_map(row).collect())
        });
        let inverse = net.weights(&[columns, 2 * half], move || {
            let number = |place: usize, at: usize| {
                let (frequency, part) = (at / 2, at % 2);
                // All but the first and the last stand for their mirror image, too.
                let count = if frequency == 0 || frequency + 1 == half { 1.0 } else { 2.0 };
                (count * turn(frequency, place, columns)[part]) as f32
            };
            let row = |place: usize| (0..2 * half).map(move |at| number(place, at));
            Ok((0..columns).flat_map(row).collect())
        });
        Self { forward, inverse }
    }

    /// Real parts of all channels become channels, then imaginary ones.
    fn forward(&self, net: &mut Net<'_>, x: &Value) -> Result<Value, GraphError> {
        let [batch, bins, columns, channels] = of_four(x)?;
        let x = net.matmul(&self.forward, x)?;
        net.reshape(&x, &[batch, bins, columns / 2 + 1, 2 * channels])
    }

    /// And back.
    fn inverse(&self, net: &mut Net<'_>, x: &Value) -> Result<Value, GraphError> {
        let [batch, bins, half, channels] = of_four(x)?;
        let x = net.reshape(x, &[batch, bins, 2 * half, channels / 2])?;
        net.matmul(&self.inverse, &x)
    }
}

fn of_four(x: &Value) -> Result<[usize; 4], GraphError> {
    let refused = |_| GraphError { operator: "separate".to_owned(), shapes: format!("{:?}", x.shape()) };
    <[usize; 4]>::try_from(x.shape()).map_err(refused)
}

/// Cosine and negative sine of a frequency at a place, scaled so that the transform keeps the sum of squares.
fn turn(frequency: usize, place: usize, places: usize) -> [f64; 2] {
    let angle = TAU * ((frequency * place) % places) as f64 / places as f64;
    let scale = (places as f64).sqrt().recip();
    [angle.cos() * scale, -angle.sin() * scale]
}
