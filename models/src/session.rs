//! A loaded model on a device: graphs, a speech model, or both. With its folder, the only place that names a neural
//! engine. Knows no audio but the window that a speech model is given.

mod bound;
mod engine;
mod onnx_runtime;
mod options;
mod providers;
mod rten_engine;
mod tensors;
mod threads;
pub mod whisper;

pub use engine::{Device, Engine, EngineChoice, Running};
pub use options::{Attention, Precision, SessionOptions};

use crate::ModelError;
use engine::Loaded;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use threads::{Share, Threads};
use whisper::{Heard, Listen, Whisper};

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

/// Whether sessions with these options can be made at all: before the first model is loaded.
///
/// # Errors
/// [`ModelError::NoEngine`] where the engine or the device that they insist on is not there.
pub fn check(options: SessionOptions) -> Result<(), ModelError> {
    engine::check(options)
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

/// A graph, the name it is run by, and the shapes its inputs will have: TensorRT compiles a graph for a range of shapes,
/// and anew for one outside of what it knows.
#[derive(Clone, Copy, Debug)]
pub struct Graph<'a> {
    /// What [`Session::run`] calls it.
    pub name: &'a str,
    /// ONNX.
    pub onnx: Onnx<'a>,
    /// Inputs whose shapes are known to vary, and how far; none where the graph says it all or nobody knows.
    pub ranges: &'a [Range<'a>],
}

/// Where a graph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onnx<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In a file whose name ends with `.onnx`; weights that it has in files of their own lie beside it. Read once, while
    /// the session is loaded: whoever has checked what lies there need not fear what comes later.
    File(&'a Path),
}

impl Onnx<'_> {
    /// How large it is, with what lies beside it; 0 where nobody knows.
    fn bytes(self) -> u64 {
        match self {
            Self::Bytes(onnx) => onnx.len() as u64,
            Self::File(path) => {
                let size = |path: &Path| path.metadata().map_or(0, |found| found.len());
                size(path) + size(&crate::weights::beside(path))
            }
        }
    }
}

impl<'a> From<&'a [u8]> for Onnx<'a> {
    fn from(onnx: &'a [u8]) -> Self {
        Self::Bytes(onnx)
    }
}

/// The shapes that one input will have.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// The graph's name for it.
    pub input: &'a str,
    /// The smallest.
    pub least: &'a [usize],
    /// The one that comes most.
    pub usual: &'a [usize],
    /// The largest.
    pub most: &'a [usize],
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
    speech: Option<Whisper>,
    threads: Threads,
    running: Running,
    weights_bytes: u64,
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
    /// engine or the device that `options` insist on is not there; [`ModelError::OutOfMemory`] where the device has no
    /// room for it.
    pub fn load(model: &str, graphs: &[(&str, &[u8])], options: SessionOptions) -> Result<Self, ModelError> {
        let graphs: Vec<_> =
            graphs.iter().map(|&(name, onnx)| Graph { name, onnx: onnx.into(), ranges: &[] }).collect();
        Self::load_graphs(model, &graphs, options)
    }

    /// The same for graphs whose shapes are known beforehand.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_graphs(
        model: &str,
        graphs: &[Graph<'_>],
        options: SessionOptions,
    ) -> Result<Self, ModelError> {
        Self::on_threads(model, graphs, options, Threads::new(options))
    }

    /// The same for networks that fill the device with one item: items follow each other, each with all threads, and nothing
    /// is kept for lanes.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_in_turn(
        model: &str,
        graphs: &[Graph<'_>],
        options: SessionOptions,
    ) -> Result<Self, ModelError> {
        Self::on_threads(model, graphs, options, Threads::one_lane(options))
    }

    fn on_threads(
        model: &str,
        graphs: &[Graph<'_>],
        options: SessionOptions,
        threads: Threads,
    ) -> Result<Self, ModelError> {
        let weights_bytes = graphs.iter().map(|graph| graph.onnx.bytes()).sum();
        let (graphs, running) = engine::load(model, graphs, options, &threads)?;
        Ok(Self { graphs: Some(graphs), running, weights_bytes, ..Self::bare(model, threads) })
    }

    /// For a pipeline that has no network: its items still share the threads.
    #[must_use]
    pub fn without_network(model: &str, options: SessionOptions) -> Self {
        let threads = Threads::new(SessionOptions { device: Device::Cpu, ..options });
        Self::bare(model, threads)
    }

    fn bare(model: &str, threads: Threads) -> Self {
        Self {
            model: model.to_owned(),
            graphs: None,
            speech: None,
            threads,
            running: Running::nothing(),
            weights_bytes: 0,
            beside: BTreeMap::new(),
        }
    }

    /// The same with a speech model, whose file in ggml's format is `weights`. Items follow each other from then on, each
    /// with all threads: every window that is listened to at the same time would hold as much memory as the model.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where the file is no speech model, or not whole; [`ModelError::NoEngine`] where the device
    /// that `options` insist on is not there.
    pub fn with_speech(mut self, weights: &[u8], options: SessionOptions) -> Result<Self, ModelError> {
        let (speech, running) = Whisper::load(&self.model, weights, options)?;
        self.threads = Threads::one_lane(options);
        self.weights_bytes += weights.len() as u64;
        Ok(Self { speech: Some(speech), running, ..self })
    }

    /// What really runs, on what.
    #[must_use]
    pub fn engine(&self) -> &Running {
        &self.running
    }

    /// Bytes of the graphs' files: the least that it takes. How much it really takes is seen from outside only.
    #[must_use]
    pub fn weights_bytes(&self) -> u64 {
        self.weights_bytes
    }

    /// How many sets of shapes have places of their own on the device: see [`SessionOptions::bind_shapes`].
    #[must_use]
    pub fn bound_shapes(&self) -> usize {
        self.graphs.as_ref().map_or(0, |graphs| graphs.bound_shapes())
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
    /// [`ModelError::Engine`] where a name is unknown, a shape does not fit, or the engine fails;
    /// [`ModelError::OutOfMemory`] where the device has no room for it.
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
            inputs.iter().try_for_each(check_shape)?;
            let graphs = graphs.as_ref().ok_or_else(|| format!("it has no graph `{graph}`"))?;
            graphs.run(self.share, graph, inputs, outputs)
        })
    }

    /// Listens to one window, one channel of at most [`whisper::WINDOW_FRAMES`] at [`whisper::RATE_HZ`].
    ///
    /// # Errors
    /// [`ModelError::Engine`] where the session has no speech model, or it fails.
    pub fn listen(&self, frames: &[f32], wish: Listen) -> Result<Heard, ModelError> {
        let Session { model, speech, threads, .. } = self.session;
        guarded(model, || {
            let speech = speech.as_ref().ok_or("it has no speech model")?;
            speech.listen(threads.all(), frames, wish)
        })
    }
}

/// No engine is asked to believe a shape.
fn check_shape(input: &Input<'_>) -> Result<(), String> {
    let elements = input.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
    if elements == Some(input.data.len()) {
        return Ok(());
    }
    let Input { name, shape, data } = input;
    Err(format!("`{name}` of shape {shape:?} cannot hold {} numbers", data.len()))
}

const PANICKED: &str = "it panicked; the log has the place";

/// What engines and the libraries below them say when memory ran out. None of them has a code for it.
const OUT_OF_MEMORY: [&str; 6] = [
    "failed to allocate memory",
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",
    "outofmemory",
];

fn engine_error(model: &str, reason: String) -> ModelError {
    let (model, said) = (model.to_owned(), reason.to_ascii_lowercase());
    if OUT_OF_MEMORY.iter().any(|words| said.contains(words)) {
        ModelError::OutOfMemory { model, reason }
    } else {
        ModelError::Engine { model, reason }
    }
}

/// Turns the engine's errors, and a panic inside it, into an error of the model: one bad graph must not take the
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
    use std::num::NonZeroUsize;

    const MINI: &[u8] = include_bytes!("../weights/mini.onnx");

    fn options(threads: usize) -> SessionOptions {
        SessionOptions { threads: NonZeroUsize::new(threads).unwrap(), ..SessionOptions::default() }
    }

    fn bands(columns: usize, seed: usize) -> Vec<f32> {
        (0..2 * columns * 192).map(|i| ((i * 7919 + seed * 31) % 1000) as f32 / 500.0 - 1.0).collect()
    }

    #[test]
    fn no_memory_is_told_from_other_failures() {
        for said in [
            "Non-zero status code: Failed to allocate memory for requested buffer of size 4096",
            "CUDA failure 2: out of memory ; GPU=0",
            "std::bad_alloc",
            "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
            "[defaultAllocator.cpp] Error Code 1: Cuda Runtime (OutOfMemory)",
        ] {
            let error = engine_error("x", said.to_owned());
            assert!(matches!(&error, ModelError::OutOfMemory { .. }), "{said}");
            assert!(error.to_string().contains("choose a smaller model"), "{error}");
        }
        for said in ["the shape of memory is wrong", "Invalid rank for input", PANICKED] {
            assert!(matches!(engine_error("x", said.to_owned()), ModelError::Engine { .. }), "{said}");
        }
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
