//! Convolutions over one or two axes of space, and back. Their shapes only; nothing is computed here.
//!
//! Where more is added, or cut off, at one end than at the other, that is a node of its own: on CUDA, ONNX Runtime gives such
//! transposed convolutions to the processor, and cuDNN may have no kernel for such convolutions.

use super::graph::{Graph, GraphError, Value};
use super::schema::Attribute;

/// How a kernel goes along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Places from one position to the next.
    pub stride: usize,
    /// Places from one number of the kernel to the next.
    pub dilation: usize,
    /// Places of nothing before the first; where a convolution goes back, places that are cut off.
    pub before: usize,
    /// The same after the last.
    pub after: usize,
}

impl Steps {
    /// Every place, nothing added.
    pub const EACH: Self = Self { stride: 1, dilation: 1, before: 0, after: 0 };

    /// With so many places added, or cut off, at either end.
    #[must_use]
    pub fn padded(self, places: usize) -> Self {
        Self { before: places, after: places, ..self }
    }

    /// The same, with as much at either end, and what is left of both ends.
    fn even(self) -> (Self, [usize; 2]) {
        let both = self.before.min(self.after);
        (self.padded(both), [self.before - both, self.after - both])
    }

    /// Places from the first to the last number of a kernel of `kernel` numbers.
    fn reach(self, kernel: usize) -> Option<usize> {
        kernel.checked_sub(1)?.checked_mul(self.dilation)?.checked_add(1)
    }

    /// Positions of a kernel over `places`.
    fn positions(self, places: usize, kernel: usize) -> Option<usize> {
        let free = (places + self.before + self.after).checked_sub(self.reach(kernel)?)?;
        Some(free.checked_div(self.stride)? + 1)
    }

    /// Places that `positions` of a kernel make, going back.
    fn places(self, positions: usize, kernel: usize) -> Option<usize> {
        let all = positions.checked_sub(1)? * self.stride + self.reach(kernel)?;
        all.checked_sub(self.before + self.after).filter(|places| *places > 0)
    }
}

impl<E> Graph<'_, E> {
    /// Convolution: `x` is `[batch, inside, space..]`, `kernel` `[outside, inside / groups, space..]`, `bias`
    /// `[outside]`, `steps` one for each axis of space.
    ///
    /// # Errors
    /// Where the shapes do not fit, or the kernel is larger than what it goes over.
    pub fn conv(
        &mut self,
        x: &Value,
        kernel: &Value,
        bias: &Value,
        steps: &[Steps],
        groups: usize,
    ) -> Result<Value, GraphError> {
        let refused = self.refused("Conv", &[x, kernel, bias]);
        let ([batch, inside, space @ ..], [outside, each, sizes @ ..]) = (&x.shape[..], &kernel.shape[..])
        else {
            return Err(refused);
        };
        let fits = groups > 0 && *inside == each * groups && outside.is_multiple_of(groups);
        let alike = space.len() == steps.len() && sizes.len() == steps.len() && bias.shape == [*outside];
        if !fits || !alike {
            return Err(refused);
        }
        let mut shape = vec![*batch, *outside];
        for ((places, size), step) in space.iter().zip(sizes).zip(steps) {
            let Some(positions) = step.positions(*places, *size) else { return Err(refused) };
            shape.push(positions);
        }
        let (steps, ends): (Vec<Steps>, Vec<[usize; 2]>) = steps.iter().map(|step| step.even()).unzip();
        let x = &self.pad(x, &[&[[0, 0]; 2], &ends[..]].concat())?;
        let y = self.node("Conv", &[x, kernel, bias], x.element, shape, attributes(sizes, &steps, groups));
        self.count(&y, each * sizes.iter().product::<usize>());
        Ok(y)
    }

    /// Convolution the other way, every place spread over a kernel: `x` is `[batch, inside, space..]`, `kernel`
    /// `[inside, outside, space..]`, `bias` `[outside]`; of the sum, `before` and `after` places are cut off.
    ///
    /// # Errors
    /// Where the shapes do not fit, or all would be cut off.
    pub fn conv_transpose(
        &mut self,
        x: &Value,
        kernel: &Value,
        bias: &Value,
        steps: &[Steps],
    ) -> Result<Value, GraphError> {
        let refused = self.refused("ConvTranspose", &[x, kernel, bias]);
        let ([batch, inside, space @ ..], [from, outside, sizes @ ..]) = (&x.shape[..], &kernel.shape[..])
        else {
            return Err(refused);
        };
        let alike = space.len() == steps.len() && sizes.len() == steps.len() && bias.shape == [*outside];
        if inside != from || !alike {
            return Err(refused);
        }
        let mut shape = vec![*batch, *outside];
        let (steps, ends): (Vec<Steps>, Vec<[usize; 2]>) = steps.iter().map(|step| step.even()).unzip();
        for ((positions, size), step) in space.iter().zip(sizes).zip(&steps) {
            let Some(places) = step.places(*positions, *size) else { return Err(refused) };
            shape.push(places);
        }
        self.count(x, outside * sizes.iter().product::<usize>());
        let inputs = [x, kernel, bias];
        let mut y = self.node("ConvTranspose", &inputs, x.element, shape, attributes(sizes, &steps, 1));
        for (axis, [before, after]) in (2..).zip(ends) {
            let to =
                y.shape[axis].checked_sub(after).ok_or_else(|| self.refused("ConvTranspose", &inputs))?;
            y = self.slice(&y, axis, before..to)?;
        }
        Ok(y)
    }
}

fn attributes(sizes: &[usize], steps: &[Steps], groups: usize) -> Vec<Attribute> {
    let ints = |name: &str, of: &mut dyn Iterator<Item = usize>| {
        Attribute::ints(name, &of.map(|size| size as i64).collect::<Vec<_>>())
    };
    let (before, after) = (steps.iter().map(|step| step.before), steps.iter().map(|step| step.after));
    vec![
        ints("kernel_shape", &mut sizes.iter().copied()),
        ints("strides", &mut steps.iter().map(|step| step.stride)),
        ints("dilations", &mut steps.iter().map(|step| step.dilation)),
        ints("pads", &mut before.chain(after)),
        Attribute::int("group", groups as i64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn what_a_convolution_takes_away_its_transpose_gives_back() {
        let mut graph = Graph::<'_, io::Error>::new("conv", false);
        let x = graph.input("x", &[1, 2, 64, 10]);
        let kernel = graph.weights(&[6, 2, 8, 1], || Ok(vec![0.0; 96]));
        let bias = graph.weights(&[6], || Ok(vec![0.0; 6]));
        let steps = [Steps { stride: 4, ..Steps::EACH }.padded(2), Steps::EACH];
        let down = graph.conv(&x, &kernel, &bias, &steps, 1).unwrap();
        assert_eq!(down.shape(), [1, 6, 16, 10]);
        let back = graph.weights(&[6, 2, 8, 1], || Ok(vec![0.0; 96]));
        let bias = graph.weights(&[2], || Ok(vec![0.0; 2]));
        let up = graph.conv_transpose(&down, &back, &bias, &steps).unwrap();
        assert_eq!(up.shape(), [1, 2, 64, 10]);
        // Uneven ends.
        let steps = [Steps { stride: 4, dilation: 1, before: 2, after: 3 }];
        let x = graph.input("y", &[1, 2, 63]);
        let kernel = graph.weights(&[6, 2, 8], || Ok(vec![0.0; 96]));
        let six = graph.weights(&[6], || Ok(vec![0.0; 6]));
        let down = graph.conv(&x, &kernel, &six, &steps, 1).unwrap();
        assert_eq!(down.shape(), [1, 6, 16]);
        let back = graph.weights(&[6, 2, 8], || Ok(vec![0.0; 96]));
        let up = graph.conv_transpose(&down, &back, &bias, &steps).unwrap();
        assert_eq!(up.shape(), [1, 2, 63]);
        let all = [Steps { before: 0, after: 68, stride: 4, dilation: 1 }];
        assert!(graph.conv_transpose(&down, &back, &bias, &all).is_err());
    }

    #[test]
    fn a_kernel_that_does_not_fit_is_refused() {
        let mut graph = Graph::<'_, io::Error>::new("conv", false);
        let x = graph.input("x", &[1, 4, 10]);
        let bias = graph.weights(&[8], || Ok(vec![0.0; 8]));
        let mut conv = |shape: [usize; 3], steps: Steps, groups| {
            let kernel = graph.weights(&shape, || Ok(Vec::new()));
            graph.conv(&x, &kernel, &bias, &[steps], groups).map(|y| y.shape().to_vec())
        };
        assert_eq!(conv([8, 4, 3], Steps { dilation: 2, ..Steps::EACH }, 1).unwrap(), [1, 8, 6]);
        assert_eq!(conv([8, 1, 3], Steps::EACH.padded(1), 4).unwrap(), [1, 8, 10]);
        assert!(conv([8, 4, 11], Steps::EACH, 1).is_err());
        assert!(conv([8, 3, 3], Steps::EACH, 1).is_err());
        assert!(conv([8, 2, 3], Steps { stride: 0, ..Steps::EACH }, 2).is_err());
        assert!(conv([7, 4, 3], Steps::EACH, 1).is_err());
    }
}
