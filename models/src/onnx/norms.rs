//! Norms: numbers brought to a mean of nothing and a variance of one, over places or over groups of channels.

use super::graph::{Element, Graph, GraphError, Value};
use super::schema::Attribute;

/// What is added to a variance before its root is taken: PyTorch's, which all published networks here have.
const EPSILON: f32 = 1e-5;
/// ONNX Runtime adds up the places of an `InstanceNormalization` one after the other in 32 bits, which leaves -124 dB of
/// 100,000 places and -82 dB of 4 million: more are averaged in pieces.
const PLACES_MAX: usize = 100_000;

impl<E> Graph<'_, E> {
    /// The last dimension brought to a mean of 0 and a variance of 1, times `scale`, plus `bias`, vectors as long;
    /// computed in 32 bits.
    ///
    /// # Errors
    /// Where they are not as long.
    pub fn layer_norm(&mut self, x: &Value, scale: &Value, bias: &Value) -> Result<Value, GraphError> {
        let fits = x.shape.last().is_some_and(|last| scale.shape == [*last] && bias.shape == [*last]);
        if !fits {
            return Err(self.refused("LayerNormalization", &[x, scale, bias]));
        }
        let attributes = vec![
            Attribute::int("axis", -1),
            Attribute::float("epsilon", EPSILON),
            Attribute::int("stash_type", Element::Float.code().into()),
        ];
        Ok(self.node("LayerNormalization", &[x, scale, bias], x.element, x.shape.clone(), attributes))
    }

    /// Groups of channels, each with all their places brought to a mean of 0 and a variance of 1 (Wu & He 2018): `x` is
    /// `[batch, channels, places..]`. Scale and bias, which differ from channel to channel, are left to the caller.
    ///
    /// This is `InstanceNormalization` over groups instead of `GroupNormalization`: the latter is no operator of
    /// rten, and one that ONNX Runtime takes apart into ten.
    ///
    /// # Errors
    /// Where `groups` does not divide the channels.
    pub fn group_norm(&mut self, x: &Value, groups: usize) -> Result<Value, GraphError> {
        let [batch, channels, ..] = x.shape[..] else {
            return Err(self.refused("InstanceNormalization", &[x]));
        };
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(self.refused("InstanceNormalization", &[x]));
        }
        let whole = x.shape.clone();
        let inside = whole[1..].iter().product::<usize>() / groups;
        let piece = (1..=PLACES_MAX).rev().find(|piece| inside.is_multiple_of(*piece)).unwrap_or(inside);
        // In 16 bits the squares of what is left would not do, and nothing is that exact.
        if (2..=PLACES_MAX).contains(&(inside / piece)) && x.element == Element::Float {
            let normed = self.piecewise_norm(x, [batch, groups, inside / piece, piece])?;
            return self.reshape(&normed, &whole);
        }
        let x = self.reshape(x, &[batch, groups, inside])?;
        let ones = self.weights(&[groups], move || Ok(vec![1.0; groups]));
        let zeros = self.weights(&[groups], move || Ok(vec![0.0; groups]));
        let attributes = vec![Attribute::float("epsilon", EPSILON)];
        let shape = x.shape.clone();
        let normed = self.node("InstanceNormalization", &[&x, &ones, &zeros], x.element, shape, attributes);
        self.reshape(&normed, &whole)
    }

    /// The same over the last two dimensions of that shape, whose means are means of pieces' means.
    fn piecewise_norm(&mut self, x: &Value, shape: [usize; 4]) -> Result<Value, GraphError> {
        let x = self.reshape(x, &shape)?;
        let mean = self.piecewise_mean(&x);
        let centred = self.elementwise("Sub", &x, &mean)?;
        let squares = self.mul(&centred, &centred)?;
        let variance = self.piecewise_mean(&squares);
        let epsilon = self.number(EPSILON);
        let variance = self.add(&variance, &epsilon)?;
        let deviation = self.node("Sqrt", &[&variance], variance.element, variance.shape.clone(), Vec::new());
        self.elementwise("Div", &centred, &deviation)
    }

    fn piecewise_mean(&mut self, x: &Value) -> Value {
        let mut mean = x.clone();
        for axis in [3, 2] {
            let axes = self.ints(&[axis as i64]);
            let mut shape = mean.shape.clone();
            shape[axis] = 1;
            mean = self.node(
                "ReduceMean",
                &[&mean, &axes],
                x.element,
                shape,
                vec![Attribute::int("keepdims", 1)],
            );
        }
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn norms_keep_the_shape_and_want_what_fits() {
        let mut graph = Graph::<'_, io::Error>::new("norms", false);
        let x = graph.input("x", &[2, 6, 5]);
        let [five, six] = [5, 6].map(|size| graph.weights(&[size], move || Ok(vec![1.0; size])));
        assert_eq!(graph.layer_norm(&x, &five, &five).unwrap().shape(), [2, 6, 5]);
        assert!(graph.layer_norm(&x, &six, &five).is_err());
        assert_eq!(graph.group_norm(&x, 3).unwrap().shape(), [2, 6, 5]);
        assert!(graph.group_norm(&x, 4).is_err());
        assert!(graph.group_norm(&x, 0).is_err());
        let many = graph.input("many", &[1, 4, 50_021]);
        assert_eq!(graph.group_norm(&many, 1).unwrap().shape(), [1, 4, 50_021]);
    }
}
