//! Weights below one name, as constants of a graph. Checks shapes at once, reads numbers when the graph is written.

use super::transformer::{Net, turned};
use super::{ConvertError, Weights};
use crate::onnx::Value;
use std::fmt::Display;

/// The weights of one part of a network.
#[derive(Clone)]
pub(super) struct Scope<'w> {
    weights: &'w dyn Weights,
    name: String,
}

impl<'w> Scope<'w> {
    /// All of them.
    pub(super) fn new(weights: &'w dyn Weights) -> Self {
        Self { weights, name: String::new() }
    }

    /// Those of a part of this part.
    pub(super) fn at(&self, part: impl Display) -> Self {
        Self { weights: self.weights, name: self.full(part) }
    }

    /// The full name of something in it.
    pub(super) fn full(&self, name: impl Display) -> String {
        if self.name.is_empty() { name.to_string() } else { format!("{}.{name}", self.name) }
    }

    /// Refuses another shape than that.
    pub(super) fn check(&self, name: &str, shape: &[usize]) -> Result<(), ConvertError> {
        self.weights.expect(&self.full(name), shape)
    }

    /// The numbers of a tensor.
    pub(super) fn read(&self, name: &str) -> Result<Vec<f32>, ConvertError> {
        self.weights.read(&self.full(name))
    }

    /// A tensor as it is.
    pub(super) fn tensor(
        &self,
        net: &mut Net<'w>,
        name: &str,
        shape: &[usize],
    ) -> Result<Value, ConvertError> {
        self.changed(net, name, shape, shape, Ok)
    }

    /// A tensor of the shape `from` with its numbers changed to those of one of the shape `to`.
    pub(super) fn changed(
        &self,
        net: &mut Net<'w>,
        name: &str,
        from: &[usize],
        to: &[usize],
        change: impl Fn(Vec<f32>) -> Result<Vec<f32>, ConvertError> + 'w,
    ) -> Result<Value, ConvertError> {
        self.check(name, from)?;
        let (weights, name) = (self.weights, self.full(name));
        Ok(net.weights(to, move || change(weights.read(&name)?)))
    }

    /// `x` by the matrix `weight` of `[outside, inside]`, plus `bias`; both times `scale`, a vector in it, if it is there.
    pub(super) fn linear(
        &self,
        net: &mut Net<'w>,
        x: &Value,
        (weight, bias): (&str, &str),
        outside: usize,
        scale: Option<(&Self, &str)>,
    ) -> Result<Value, ConvertError> {
        let inside = x.shape().last().copied().unwrap_or(0);
        if let Some((scope, name)) = scale {
            scope.check(name, &[outside])?;
        }
        let scale = scale.map(|(scope, name)| (scope.clone(), name.to_owned()));
        let scaled = move |turned: Vec<f32>| match &scale {
            None => Ok(turned),
            Some((scope, name)) => {
                let scale = scope.read(name)?;
                Ok(turned.iter().zip(scale.iter().cycle()).map(|(x, by)| x * by).collect())
            }
        };
        let bias = self.changed(net, bias, &[outside], &[outside], scaled.clone())?;
        let matrix = self.changed(net, weight, &[outside, inside], &[inside, outside], move |matrix| {
            scaled(turned(&matrix, inside))
        })?;
        let product = net.matmul(x, &matrix)?;
        Ok(net.add(&product, &bias)?)
    }
}
