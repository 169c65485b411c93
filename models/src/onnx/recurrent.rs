//! Layers that remember along a sequence.

use super::graph::{Graph, GraphError, Value};
use super::schema::Attribute;

impl<E> Graph<'_, E> {
    /// A long short-term memory that reads both ways and begins with nothing (Hochreiter & Schmidhuber 1997): `x` is
    /// `[places, sequences, inside]`; the result `[places, 2, sequences, hidden]`, what was read forwards first.
    ///
    /// Gates lie in the order input, output, forget, cell: `input` is `[2, 4 * hidden, inside]`, `recurrent`
    /// `[2, 4 * hidden, hidden]`, `bias` `[2, 8 * hidden]`, that of the input before that of the recurrence.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn lstm(
        &mut self,
        x: &Value,
        input: &Value,
        recurrent: &Value,
        bias: &Value,
    ) -> Result<Value, GraphError> {
        let refused = self.refused("LSTM", &[x, input, recurrent, bias]);
        let ([places, sequences, inside], [_, _, hidden]) = (&x.shape[..], &recurrent.shape[..]) else {
            return Err(refused);
        };
        let fits = input.shape == [2, 4 * hidden, *inside]
            && recurrent.shape == [2, 4 * hidden, *hidden]
            && bias.shape == [2, 8 * hidden];
        if !fits {
            return Err(refused);
        }
        let attributes = vec![
            Attribute::text("direction", "bidirectional"),
            Attribute::int("hidden_size", *hidden as i64),
        ];
        let shape = vec![*places, 2, *sequences, *hidden];
        let y = self.node("LSTM", &[x, input, recurrent, bias], x.element, shape, attributes);
        self.count(&y, 4 * (inside + hidden));
        Ok(y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_memory_of_both_ways_says_two_results_a_place() {
        let mut graph = Graph::<'_, io::Error>::new("memory", false);
        let x = graph.input("x", &[7, 3, 4]);
        let [input, recurrent, bias] =
            [&[2, 20, 4][..], &[2, 20, 5], &[2, 40]].map(|shape| graph.weights(shape, || Ok(Vec::new())));
        assert_eq!(graph.lstm(&x, &input, &recurrent, &bias).unwrap().shape(), [7, 2, 3, 5]);
        // For each of 7 * 2 * 3 * 5 results four gates hear 4 numbers and 5 that were remembered.
        assert_eq!(graph.multiplications(), 210 * 4 * 9);
        assert!(graph.lstm(&x, &recurrent, &recurrent, &bias).is_err());
        assert!(graph.lstm(&x, &input, &recurrent, &input).is_err());
    }
}
