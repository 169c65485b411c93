//! A loaded graph on a device: with its folder, the only place that names a neural engine. Knows no audio.

mod rten_graph;
mod threads;

use crate::ModelError;
use rten_graph::RtenGraph;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use threads::{Share, Threads};

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

/// A model loaded and ready to run batches: its graphs by name, or none where signal processing is all it does.
/// Belongs to one thread at a time.
pub struct Session {
    model: String,
    graphs: Vec<(String, RtenGraph)>,
    threads: Threads,
}

/// A share of the device, for one item.
pub struct Lane<'a> {
    session: &'a Session,
    share: Share<'a>,
}

impl Session {
    /// Loads ONNX graphs, each with the name it is run by. `model` is the name that errors carry.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where the bytes are no graph that the engine can run.
    pub fn load(model: &str, graphs: &[(&str, &[u8])], options: SessionOptions) -> Result<Self, ModelError> {
        let load = |(name, onnx): &(&str, &[u8])| Ok(((*name).to_owned(), RtenGraph::load(onnx)?));
        let graphs = guarded(model, || graphs.iter().map(load).collect::<Result<Vec<_>, String>>())?;
        Ok(Self { model: model.to_owned(), graphs, threads: Threads::new(options) })
    }

    /// For a pipeline that has no network: its items still share the threads.
    #[must_use]
    pub fn without_network(model: &str, options: SessionOptions) -> Self {
        Self { model: model.to_owned(), graphs: Vec::new(), threads: Threads::new(options) }
    }

    /// How many items [`Self::each`] runs at once; batches of a multiple of this waste no thread.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.threads.lanes()
    }

    /// Runs a graph once, on all threads: named inputs, one output for each name in `outputs`.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where a name is unknown, a shape does not fit, or the engine fails.
    pub fn run(
        &mut self,
        graph: &str,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, ModelError> {
        Lane { session: self, share: self.threads.all() }.run(graph, inputs, outputs)
    }

    /// Does `work` for every item, each on a lane of its own, and answers in order. How they share the device is the
    /// engine's matter: here, side by side on a share of the threads each, which is faster than one after the other
    /// on all threads (figures in `models/README.md`). One item alone has all threads.
    ///
    /// # Errors
    /// As [`Self::run`]; one failing item fails all.
    pub fn each<T: Sync, R: Send>(
        &mut self,
        items: &[T],
        work: impl Fn(&Lane<'_>, &T) -> Result<R, ModelError> + Sync,
    ) -> Result<Vec<R>, ModelError> {
        if let [item] = items {
            return Ok(vec![work(&Lane { session: self, share: self.threads.all() }, item)?]);
        }
        let session = &*self;
        let panicked = || engine_error(&session.model, PANICKED.to_owned());
        session.threads.side_by_side(items, panicked, |share, item| work(&Lane { session, share }, item))
    }
}

impl Lane<'_> {
    /// Runs a graph once, on this lane's share of the threads: named inputs, one output for each name in `outputs`.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run(
        &self,
        graph: &str,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, ModelError> {
        let Session { model, graphs, .. } = self.session;
        let found = graphs.iter().find(|(name, _)| name == graph).map(|(_, graph)| graph);
        let found = found.ok_or_else(|| engine_error(model, format!("it has no graph `{graph}`")))?;
        guarded(model, || found.run(self.share, inputs, outputs))
    }
}

const PANICKED: &str = "it panicked; the log has the place";

fn engine_error(model: &str, reason: String) -> ModelError {
    ModelError::Engine { model: model.to_owned(), reason }
}

/// Turns the engine's errors, and a panic inside it, into [`ModelError::Engine`]: one bad graph must not take the
/// device thread, and every other tenant's job, with it.
fn guarded<T>(model: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(PANICKED.to_owned()))
        .map_err(|reason| engine_error(model, reason))
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
            assert!(matches!(
                Session::load("x", &[("net", bytes)], options(1)),
                Err(ModelError::Engine { .. })
            ));
        }
    }

    #[test]
    fn unknown_names_and_wrong_shapes_are_engine_errors() {
        let mut session = Session::load("mini", &[("net", MINI)], options(1)).unwrap();
        let data = bands(8, 0);
        let good = Input { name: "bands", shape: &[1, 2, 8, 192], data: &data };
        for (input, output) in [
            (Input { name: "nothing", ..good }, "mask_logits"),
            (good, "nothing"),
            (Input { shape: &[1, 2, 7, 192], ..good }, "mask_logits"),
            (Input { shape: &[1, 1, 16, 192], ..good }, "mask_logits"),
            (Input { shape: &[usize::MAX, 2, 8, 192], ..good }, "mask_logits"),
        ] {
            assert!(
                matches!(session.run("net", &[input], &[output]), Err(ModelError::Engine { .. })),
                "{input:?}"
            );
        }
        assert_eq!(session.run("net", &[good], &["mask_logits"]).unwrap()[0].shape, [1, 4, 2, 8, 192]);
    }

    #[test]
    fn items_side_by_side_are_the_items_alone() {
        let mut session = Session::load("mini", &[("net", MINI)], options(3)).unwrap();
        let data: Vec<_> = (0..5).map(|seed| bands(20, seed)).collect();
        let items: Vec<_> =
            data.iter().map(|data| Input { name: "bands", shape: &[1, 2, 20, 192], data }).collect();
        let net =
            |lane: &Lane<'_>, item: &Input<'_>| Ok(lane.run("net", &[*item], &["mask_logits"])?.remove(0));
        let together = session.each(&items, net).unwrap();
        assert_eq!(together.len(), 5);
        for (item, together) in items.iter().zip(&together) {
            let alone = &session.run("net", &[*item], &["mask_logits"]).unwrap()[0];
            assert_eq!(alone.shape, together.shape);
            let worst = alone.data.iter().zip(&together.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // 1e-4: logits reach 20; threads may share a sum differently.
            assert!(worst < 1e-4, "{worst}");
        }
        assert!(session.each(&[], net).unwrap().is_empty());
        let bad = [items[0], Input { name: "nothing", ..items[1] }];
        assert!(session.each(&bad, net).is_err());
        assert!(session.run("gross", &[items[0]], &["mask_logits"]).is_err());
    }
}
