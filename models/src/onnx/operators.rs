//! The operators our graphs are made of, each with its rule for shapes. Opset 23.

use super::graph::{Element, Graph, GraphError, Value};
use super::schema::Attribute;
use std::ops::Range;

impl<E> Graph<'_, E> {
    /// `a` times `b`, the last two dimensions as matrices, those before them broadcast.
    ///
    /// # Errors
    /// Where the inner dimensions differ or the outer ones do not fit.
    pub fn matmul(&mut self, a: &Value, b: &Value) -> Result<Value, GraphError> {
        let refused = self.refused("MatMul", &[a, b]);
        let ([outer_a @ .., rows, inner_a], [outer_b @ .., inner_b, columns]) = (&a.shape[..], &b.shape[..])
        else {
            return Err(refused);
        };
        let mut shape = broadcast(outer_a, outer_b).filter(|_| inner_a == inner_b).ok_or(refused)?;
        shape.extend([*rows, *columns]);
        let product = self.node("MatMul", &[a, b], a.element, shape, Vec::new());
        self.count(&product, *inner_a);
        Ok(product)
    }

    /// `a + b`, broadcast.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn add(&mut self, a: &Value, b: &Value) -> Result<Value, GraphError> {
        self.elementwise("Add", a, b)
    }

    /// `a * b`, broadcast.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn mul(&mut self, a: &Value, b: &Value) -> Result<Value, GraphError> {
        self.elementwise("Mul", a, b)
    }

    /// One number of the one with one of the other, broadcast.
    pub(super) fn elementwise(&mut self, operator: &str, a: &Value, b: &Value) -> Result<Value, GraphError> {
        let shape = broadcast(&a.shape, &b.shape).filter(|_| a.element == b.element);
        let shape = shape.ok_or_else(|| self.refused(operator, &[a, b]))?;
        Ok(self.node(operator, &[a, b], a.element, shape, Vec::new()))
    }

    /// The Gaussian error linear unit, exact.
    #[must_use]
    pub fn gelu(&mut self, x: &Value) -> Value {
        self.node("Gelu", &[x], x.element, x.shape.clone(), Vec::new())
    }

    /// Hyperbolic tangent.
    #[must_use]
    pub fn tanh(&mut self, x: &Value) -> Value {
        self.node("Tanh", &[x], x.element, x.shape.clone(), Vec::new())
    }

    /// Logistic function.
    #[must_use]
    pub fn sigmoid(&mut self, x: &Value) -> Value {
        self.node("Sigmoid", &[x], x.element, x.shape.clone(), Vec::new())
    }

    /// The last dimension scaled to a root mean square of `scale`, computed in 32 bits. `scale` is a vector as long.
    ///
    /// # Errors
    /// Where it is not.
    pub fn rms_norm(&mut self, x: &Value, scale: &Value) -> Result<Value, GraphError> {
        if x.shape.last().is_none_or(|last| scale.shape != [*last]) {
            return Err(self.refused("RMSNormalization", &[x, scale]));
        }
        // The published networks divide by the norm alone and only avoid a division by zero.
        let attributes = vec![
            Attribute::int("axis", -1),
            Attribute::float("epsilon", 1e-24),
            Attribute::int("stash_type", Element::Float.code().into()),
        ];
        Ok(self.node("RMSNormalization", &[x, scale], x.element, x.shape.clone(), attributes))
    }

    /// Pairs of neighbours of every head, turned by the angle of their place: `x` is `[batch, places, heads * size]`,
    /// `cosines` and `sines` are `[batch, places, size / 2]` (Su et al. 2021, RoFormer).
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn rotary(
        &mut self,
        x: &Value,
        cosines: &Value,
        sines: &Value,
        heads: usize,
    ) -> Result<Value, GraphError> {
        let fits = match (&x.shape[..], &cosines.shape[..]) {
            ([batch, places, width], [b, p, half]) => {
                (batch, places, *width) == (b, p, heads * 2 * half) && cosines.shape == sines.shape
            }
            _ => false,
        };
        if !fits {
            return Err(self.refused("RotaryEmbedding", &[x, cosines, sines]));
        }
        let attributes = vec![Attribute::int("interleaved", 1), Attribute::int("num_heads", heads as i64)];
        Ok(self.node("RotaryEmbedding", &[x, cosines, sines], x.element, x.shape.clone(), attributes))
    }

    /// Scaled dot-product attention over all places, softmax in 32 bits: `q`, `k`, `v` are `[batch, places, heads * size]`;
    /// `q` may have another number of places than `k` and `v`.
    ///
    /// # Errors
    /// Where the shapes do not fit or `heads` does not divide them.
    pub fn attention(&mut self, q: &Value, k: &Value, v: &Value, heads: usize) -> Result<Value, GraphError> {
        let fits = match (&q.shape[..], &k.shape[..]) {
            ([batch, _, width], [b, _, w]) => {
                (batch, width) == (b, w) && heads > 0 && width.is_multiple_of(heads)
            }
            _ => false,
        };
        if !fits || k.shape != v.shape {
            return Err(self.refused("Attention", &[q, k, v]));
        }
        let attributes = vec![
            Attribute::int("q_num_heads", heads as i64),
            Attribute::int("kv_num_heads", heads as i64),
            Attribute::int("softmax_precision", Element::Float.code().into()),
        ];
        let heard = self.node("Attention", &[q, k, v], q.element, q.shape.clone(), attributes);
        // Every place of the one with every place of the other, for scores and for what is heard.
        self.count(&heard, 2 * k.shape[1]);
        Ok(heard)
    }

    /// The same numbers in another shape.
    ///
    /// # Errors
    /// Where it holds more or fewer.
    pub fn reshape(&mut self, x: &Value, shape: &[usize]) -> Result<Value, GraphError> {
        if x.shape.iter().product::<usize>() != shape.iter().product::<usize>() {
            let mut refused = self.refused("Reshape", &[x]);
            refused.shapes += &format!(" and make {shape:?} of it");
            return Err(refused);
        }
        if x.shape == shape {
            return Ok(x.clone());
        }
        let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        let sizes = self.ints(&sizes);
        Ok(self.node("Reshape", &[x, &sizes], x.element, shape.to_vec(), Vec::new()))
    }

    /// The dimensions in another order.
    ///
    /// # Errors
    /// Where `order` does not name each once.
    pub fn transpose(&mut self, x: &Value, order: &[usize]) -> Result<Value, GraphError> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..x.shape.len()) {
            return Err(self.refused("Transpose", &[x]));
        }
        let shape: Vec<usize> = order.iter().map(|&from| x.shape[from]).collect();
        // Where only dimensions of one place move, no number does.
        if order.iter().filter(|&&from| x.shape[from] != 1).is_sorted() {
            return self.reshape(x, &shape);
        }
        let order: Vec<i64> = order.iter().map(|&from| from as i64).collect();
        Ok(self.node("Transpose", &[x], x.element, shape, vec![Attribute::ints("perm", &order)]))
    }

    /// Cuts along one dimension into pieces of those sizes.
    ///
    /// # Errors
    /// Where they do not add up to it.
    pub fn split(&mut self, x: &Value, axis: usize, sizes: &[usize]) -> Result<Vec<Value>, GraphError> {
        if x.shape.get(axis).is_none_or(|size| *size != sizes.iter().sum::<usize>()) {
            return Err(self.refused("Split", &[x]));
        }
        if sizes.len() == 1 {
            return Ok(vec![x.clone()]);
        }
        let ints: Vec<i64> = sizes.iter().map(|&size| size as i64).collect();
        let ints = self.ints(&ints);
        let first = self.fresh(x.element, Vec::new());
        let pieces: Vec<Value> = sizes
            .iter()
            .enumerate()
            .map(|(i, &size)| {
                let mut shape = x.shape.clone();
                shape[axis] = size;
                Value { name: format!("{}.{i}", first.name).into(), element: x.element, shape }
            })
            .collect();
        let outputs: Vec<&Value> = pieces.iter().collect();
        self.push("Split", &[x, &ints], &outputs, vec![Attribute::int("axis", axis as i64)]);
        Ok(pieces)
    }

    /// A piece of one dimension.
    ///
    /// # Errors
    /// Where it is empty or reaches beyond.
    pub fn slice(&mut self, x: &Value, axis: usize, places: Range<usize>) -> Result<Value, GraphError> {
        let Range { start, end } = places;
        if start >= end || x.shape.get(axis).is_none_or(|size| end > *size) {
            return Err(self.refused("Slice", &[x]));
        }
        if end - start == x.shape[axis] {
            return Ok(x.clone());
        }
        let mut shape = x.shape.clone();
        shape[axis] = end - start;
        let [from, to, axis] = [start, end, axis].map(|place| self.ints(&[place as i64]));
        Ok(self.node("Slice", &[x, &from, &to, &axis], x.element, shape, Vec::new()))
    }

    /// Zeros before and after each dimension.
    ///
    /// # Errors
    /// Where `ends` are not as many as the dimensions.
    pub fn pad(&mut self, x: &Value, ends: &[[usize; 2]]) -> Result<Value, GraphError> {
        if ends.len() != x.shape.len() {
            return Err(self.refused("Pad", &[x]));
        }
        if ends.iter().all(|end| *end == [0, 0]) {
            return Ok(x.clone());
        }
        let shape = x.shape.iter().zip(ends).map(|(size, [before, after])| size + before + after).collect();
        let (before, after) = (ends.iter().map(|end| end[0]), ends.iter().map(|end| end[1]));
        let pads: Vec<i64> = before.chain(after).map(|places| places as i64).collect();
        let pads = self.ints(&pads);
        Ok(self.node("Pad", &[x, &pads], x.element, shape, Vec::new()))
    }

    /// Puts pieces side by side along one dimension.
    ///
    /// # Errors
    /// Where there is none, or they differ in another dimension.
    pub fn concat(&mut self, pieces: &[Value], axis: usize) -> Result<Value, GraphError> {
        let all: Vec<&Value> = pieces.iter().collect();
        let refused = self.refused("Concat", &all);
        let Some(first) = pieces.first() else { return Err(refused) };
        if let [only] = pieces {
            return Ok(only.clone());
        }
        let mut shape = first.shape.clone();
        let same = |piece: &Value| {
            let mut other = piece.shape.clone();
            other.len() == shape.len() && axis < other.len() && {
                other[axis] = shape[axis];
                other == shape && piece.element == first.element
            }
        };
        if !pieces.iter().all(same) {
            return Err(refused);
        }
        shape[axis] = pieces.iter().map(|piece| piece.shape[axis]).sum();
        Ok(self.node("Concat", &all, first.element, shape, vec![Attribute::int("axis", axis as i64)]))
    }
}

/// The shape that both can be seen as, dimension by dimension from the last: equal, or one of them 1.
fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let missing = long.len() - short.len();
    let both = long.iter().enumerate().map(|(i, &size)| match i.checked_sub(missing).map(|i| short[i]) {
        None | Some(1) => Some(size),
        Some(other) if other == size || size == 1 => Some(other),
        Some(_) => None,
    });
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::broadcast;

    #[test]
    fn shapes_are_broadcast_from_the_last_dimension() {
        assert_eq!(broadcast(&[4, 1, 3], &[5, 3]), Some(vec![4, 5, 3]));
        assert_eq!(broadcast(&[3], &[]), Some(vec![3]));
        assert_eq!(broadcast(&[1], &[7]), Some(vec![7]));
        assert_eq!(broadcast(&[2, 3], &[3, 2]), None);
    }
}
