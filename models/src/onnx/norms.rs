//! Norms: numbers brought to a mean of nothing and a variance of one, over places or over groups of channels.

use super::graph::{Element, Graph, GraphError, Value};
use super::schema::Attribute;

/// What is added to a variance before its root is taken: PyTorch's, which all published networks here have.
const EPSILON: f32 = 1e-5;

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
        let x = self.reshape(x, &[batch, groups, inside])?;
        let ones = self.weights(&[groups], move || Ok(vec![1.0; groups]));
        let zeros = self.weights(&[groups], move || Ok(vec![0.0; groups]));
        let attributes = vec![Attribute::float("epsilon", EPSILON)];
        let shape = x.shape.clone();
        let normed = self.node("InstanceNormalization", &[&x, &ones, &zeros], x.element, shape, attributes);
        self.reshape(&normed, &whole)
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
    }
}
