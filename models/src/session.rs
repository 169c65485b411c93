//! A loaded graph on a device: with its folder, the only place that names a neural engine. Knows no audio.

mod rten_graph;

use crate::ModelError;
use rten_graph::RtenGraph;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a graph is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads the engine may keep busy, at most [`SessionOptions::THREADS_MAX`].
    pub threads: NonZeroUsize,
}

impl SessionOptions {
    /// More threads than this are not started, however many are asked for.
    pub const THREADS_MAX: usize = 256;
    /// More items than this are not run at once, since each holds its own activations and whatever waits for it;
    /// with more threads, items get several each.
    pub const LANES_MAX: usize = 4;
}

impl Default for SessionOptions {
    /// As many threads as this machine runs at once.
    fn default() -> Self {
        Self { threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) }
    }
}

/// A named tensor that goes into a graph: row-major, `data` as long as the product of `shape`.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The graph's name for it.
    pub name: &'a str,
    /// Dimensions with the batch dimension.
    pub shape: &'a [usize],
    /// Row-major.
    pub data: &'a [f32],
}

/// A tensor that came out: row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Dimensions with the batch dimension.
    pub shape: Vec<usize>,
    /// Row-major.
    pub data: Vec<f32>,
}

/// A model loaded and ready to run batches. Belongs to one thread at a time.
pub struct Session {
    model: String,
    graph: RtenGraph,
}

impl Session {
    /// Loads an ONNX graph. `model` is the name that errors carry.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where the bytes are no graph that the engine can run.
    pub fn load(model: &str, onnx: &[u8], options: SessionOptions) -> Result<Self, ModelError> {
        let graph = guarded(model, || RtenGraph::load(onnx, options))?;
        Ok(Self { model: model.to_owned(), graph })
    }

    /// How many items [`Self::run_each`] runs at once; batches of a multiple of this waste no thread.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.graph.lanes()
    }

    /// Runs once, on all threads: named inputs, one output for each name in `outputs`.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where a name is unknown, a shape does not fit, or the engine fails.
    pub fn run(&mut self, inputs: &[Input<'_>], outputs: &[&str]) -> Result<Vec<Output>, ModelError> {
        guarded(&self.model, || self.graph.run(inputs, outputs))
    }

    /// Runs every item, each a whole input with its batch dimension, and returns `output` of each, in order.
    /// How they share the device is the engine's matter: here, side by side on a share of the threads each, which is
    /// faster than one after the other on all threads (figures in `models/README.md`).
    ///
    /// # Errors
    /// As [`Self::run`]; one failing item fails all.
    pub fn run_each(&mut self, items: &[Input<'_>], output: &str) -> Result<Vec<Output>, ModelError> {
        guarded(&self.model, || self.graph.run_each(items, output))
    }
}

/// Turns the engine's errors, and a panic inside it, into [`ModelError::Engine`]: one bad graph must not take the
/// device thread, and every other tenant's job, with it.
fn guarded<T>(model: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("it panicked; the log has the place".to_owned()))
        .map_err(|reason| ModelError::Engine { model: model.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINI: &[u8] = include_bytes!("../weights/mini.onnx");

    fn options(threads: usize) -> SessionOptions {
        SessionOptions { threads: NonZeroUsize::new(threads).unwrap() }
    }

    fn bands(columns: usize, seed: usize) -> Vec<f32> {
        (0..2 * columns * 192).map(|i| ((i * 7919 + seed * 31) % 1000) as f32 / 500.0 - 1.0).collect()
    }

    #[test]
    fn bytes_that_are_no_graph_are_an_engine_error() {
        for bytes in [&b""[..], b"not a graph", &MINI[..MINI.len() / 2]] {
            assert!(matches!(Session::load("x", bytes, options(1)), Err(ModelError::Engine { .. })));
        }
    }

    #[test]
    fn unknown_names_and_wrong_shapes_are_engine_errors() {
        let mut session = Session::load("mini", MINI, options(1)).unwrap();
        let data = bands(8, 0);
        let good = Input { name: "bands", shape: &[1, 2, 8, 192], data: &data };
        for (input, output) in [
            (Input { name: "nothing", ..good }, "mask_logits"),
            (good, "nothing"),
            (Input { shape: &[1, 2, 7, 192], ..good }, "mask_logits"),
            (Input { shape: &[1, 1, 16, 192], ..good }, "mask_logits"),
            (Input { shape: &[usize::MAX, 2, 8, 192], ..good }, "mask_logits"),
        ] {
            assert!(matches!(session.run(&[input], &[output]), Err(ModelError::Engine { .. })), "{input:?}");
        }
        assert_eq!(session.run(&[good], &["mask_logits"]).unwrap()[0].shape, [1, 4, 2, 8, 192]);
    }

    #[test]
    fn items_side_by_side_are_the_items_alone() {
        let mut session = Session::load("mini", MINI, options(3)).unwrap();
        let data: Vec<_> = (0..5).map(|seed| bands(20, seed)).collect();
        let items: Vec<_> =
            data.iter().map(|data| Input { name: "bands", shape: &[1, 2, 20, 192], data }).collect();
        let together = session.run_each(&items, "mask_logits").unwrap();
        assert_eq!(together.len(), 5);
        for (item, together) in items.iter().zip(&together) {
            let alone = &session.run(&[*item], &["mask_logits"]).unwrap()[0];
            assert_eq!(alone.shape, together.shape);
            let worst = alone.data.iter().zip(&together.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // 1e-4: logits reach 20; threads may share a sum differently.
            assert!(worst < 1e-4, "{worst}");
        }
        assert!(session.run_each(&[], "mask_logits").unwrap().is_empty());
    }
}
