//! Layers over channels, the second dimension: gates and norms.

use super::ConvertError;
use super::scope::Scope;
use super::transformer::Net;
use crate::onnx::Value;

/// A gated linear unit: the first half of the channels, let through by the second.
pub(super) fn glu(net: &mut Net<'_>, x: &Value) -> Result<Value, ConvertError> {
    let half = x.shape()[1] / 2;
    let halves = net.split(x, 1, &[half, half])?;
    let gate = net.sigmoid(&halves[1]);
    Ok(net.mul(&halves[0], &gate)?)
}

/// Channels in `groups`, with scale and bias of that scope; the first channels' times a vector of another.
pub(super) fn group_norm<'w>(
    net: &mut Net<'w>,
    scope: &Scope<'w>,
    groups: usize,
    first: Option<(&Scope<'w>, &str)>,
    x: &Value,
) -> Result<Value, ConvertError> {
    let channels = x.shape()[1];
    let mut shape = vec![1; x.shape().len() - 1];
    shape[0] = channels;
    let first = first.map(|(scope, name)| (scope.clone(), name.to_owned()));
    let scaled = move |mut numbers: Vec<f32>| {
        if let Some((scope, name)) = &first {
            for (number, by) in numbers.iter_mut().zip(scope.read(name)?) {
                *number *= by;
            }
        }
        Ok(numbers)
    };
    let scale = scope.changed(net, "weight", &[channels], &shape, scaled.clone())?;
    let bias = scope.changed(net, "bias", &[channels], &shape, scaled)?;
    let x = net.group_norm(x, groups)?;
    let x = net.mul(&x, &scale)?;
    Ok(net.add(&x, &bias)?)
}
