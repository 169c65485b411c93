//! A loaded graph on a device: with its folder, the only place that names a neural engine. Knows no audio.

mod engine;
mod onnx_runtime;
mod rten_engine;
mod threads;

pub use engine::{Device, Engine, EngineChoice, Running};

use crate::ModelError;
use engine::Loaded;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use threads::{Share, Threads};

/// How a graph is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads the engine may keep busy, at most [`SessionOptions::THREADS_MAX`].
    pub threads: NonZeroUsize,
    /// By which engine.
    pub engine: EngineChoice,
    /// On which device.
    pub device: Device,
    /// Which device, where there are several of that kind: 0 is the first.
    pub device_number: u8,
    /// Lets an accelerator compute with fewer bits (TF32 with CUDA, FP16 with TensorRT): faster, and results differ
    /// from those of the CPU by about a thousandth. Nothing on the CPU.
    pub reduced_precision: bool,
}

impl SessionOptions {
    /// More threads than this are not started, however many are asked for.
    pub const THREADS_MAX: usize = 256;
    /// More items than this are not run at once, since each holds its own activations and whatever waits for it;
    /// with more threads, items get several each.
    pub const LANES_MAX: usize = 4;
}

impl Default for SessionOptions {
    /// As many threads as this machine runs at once, on its CPU.
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            engine: EngineChoice::Auto,
            device: Device::Cpu,
            device_number: 0,
            reduced_precision: false,
        }
    }
}

/// Makes ONNX Runtime available to this process: loads its library, `libonnxruntime.so.<version>` or what this system
/// calls it. Once, before the first session; a second call with the same file does nothing.
///
/// # Errors
/// [`ModelError::OnnxRuntime`] where the file is missing, no ONNX Runtime or too old, or where the process uses
/// another one already. Sessions that leave the choice to us then run on the engine that is built in.
pub fn use_onnx_runtime(library: &Path) -> Result<(), ModelError> {
    onnx_runtime::use_library(library)
        .map_err(|reason| ModelError::OnnxRuntime { library: library.to_owned(), reason })
}

/// What this process knows of ONNX Runtime: for people who ask what their machine will use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxRuntimeState {
    /// The file that was loaded, or why there is none.
    pub library: Result<PathBuf, String>,
    /// Branch, commit and flags in its own words; empty where there is none.
    pub build: String,
    /// For each accelerator whether a session can use it, or why not.
    pub accelerators: Vec<(Device, Result<(), String>)>,
}

/// Looks what sessions could use now. Takes a moment where an accelerator is woken.
#[must_use]
pub fn onnx_runtime_state() -> OnnxRuntimeState {
    let library = onnx_runtime::library();
    let accelerators = [Device::Cuda, Device::TensorRt].map(|device| {
        let options = SessionOptions { device, ..SessionOptions::default() };
        let usable = library.as_ref().map_err(Clone::clone);
        (device, usable.and_then(|library| onnx_runtime::check_device(library, options)))
    });
    OnnxRuntimeState {
        build: library.as_ref().map_or(String::new(), |library| library.build().to_owned()),
        library: library.map(|library| library.path().to_owned()),
        accelerators: accelerators.into(),
    }
}

/// A named tensor that goes into a graph: row-major, `data` as long as the product of `shape`. Where the graph wants
/// whole numbers, they are rounded to those.
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
    graphs: Option<Box<dyn Loaded>>,
    threads: Threads,
    running: Running,
    /// Of other models in the same job, by number.
    beside: BTreeMap<u8, Session>,
}

/// A share of the device, for one item.
pub struct Lane<'a> {
    session: &'a Session,
    share: Share,
}

impl Session {
    /// Loads ONNX graphs, each with the name it is run by. `model` is the name that errors carry.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where the bytes are no graph that the engine can run; [`ModelError::NoEngine`] where the
    /// engine or the device that `options` insist on is not there.
    pub fn load(model: &str, graphs: &[(&str, &[u8])], options: SessionOptions) -> Result<Self, ModelError> {
        let threads = Threads::new(options);
        let (graphs, running) = engine::load(model, graphs, options, &threads)?;
        Ok(Self { model: model.to_owned(), graphs: Some(graphs), threads, running, beside: BTreeMap::new() })
    }

    /// For a pipeline that has no network: its items still share the threads.
    #[must_use]
    pub fn without_network(model: &str, options: SessionOptions) -> Self {
        let threads = Threads::new(SessionOptions { device: Device::Cpu, ..options });
        Self {
            model: model.to_owned(),
            graphs: None,
            threads,
            running: Running::nothing(),
            beside: BTreeMap::new(),
        }
    }

    /// What really runs, on what.
    #[must_use]
    pub fn engine(&self) -> &Running {
        &self.running
    }

    /// How many items [`Self::each`] runs at once; batches of a multiple of this waste no thread.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.threads.lanes().len()
    }

    /// The session of another model that works in the same job, loaded when it is first needed: for who runs one job
    /// alone. A server keeps one session a model, whoever needs it.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn beside(
        &mut self,
        number: u8,
        load: impl FnOnce() -> Result<Self, ModelError>,
    ) -> Result<&mut Self, ModelError> {
        match self.beside.entry(number) {
            Entry::Occupied(kept) => Ok(kept.into_mut()),
            Entry::Vacant(empty) => Ok(empty.insert(load()?)),
        }
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
        Lane { session: self, share: Share::All }.run(graph, inputs, outputs)
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
            return Ok(vec![work(&Lane { session: self, share: Share::All }, item)?]);
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
        guarded(model, || {
            inputs.iter().try_for_each(check)?;
            let graphs = graphs.as_ref().ok_or_else(|| format!("it has no graph `{graph}`"))?;
            graphs.run(self.share, graph, inputs, outputs)
        })
    }
}

/// No engine is asked to believe a shape.
fn check(input: &Input<'_>) -> Result<(), String> {
    let elements = input.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
    if elements == Some(input.data.len()) {
        return Ok(());
    }
    let Input { name, shape, data } = input;
    Err(format!("`{name}` of shape {shape:?} cannot hold {} numbers", data.len()))
}

const PANICKED: &str = "it panicked; the log has the place";

fn engine_error(model: &str, reason: String) -> ModelError {
    ModelError::Engine { model: model.to_owned(), reason }
}

/// Turns the engine's errors, and a panic inside it, into [`ModelError::Engine`]: one bad graph must not take the
/// device thread, and every other tenant's job, with it.
fn guarded<T>(model: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, ModelError> {
    caught(work).map_err(|reason| engine_error(model, reason))
}

fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(PANICKED.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINI: &[u8] = include_bytes!("../weights/mini.onnx");

    fn options(threads: usize) -> SessionOptions {
        SessionOptions { threads: NonZeroUsize::new(threads).unwrap(), ..SessionOptions::default() }
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
