//! Graphs on ONNX Runtime, a library that is loaded when the program runs. Errors are the engine's words.
//!
//! The binding panics when it is touched before a library was loaded, so nothing here touches it without a
//! [`Library`], and only [`use_library`] makes one.

use super::bound::{Bindings, Key, Kind};
use super::engine::Loaded;
use super::providers;
use super::tensors::{self, Types};
use super::threads::{Share, Threads};
use super::{Graph, Input, Onnx, Output, SessionOptions, caught};
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::TensorElementType;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The library of this process.
#[derive(Clone)]
pub(super) struct Library {
    environment: Environment,
    path: PathBuf,
}

enum State {
    Unnamed,
    Refused(String),
    Loaded(Library),
}

/// A process can hold one such library, and the binding keeps it until the process ends.
static STATE: Mutex<State> = Mutex::new(State::Unnamed);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Loads the library; the reason where it cannot be.
pub(super) fn use_library(path: &Path) -> Result<(), String> {
    let mut state = locked(&STATE);
    // The loader of the system would look for a relative name in folders of its own.
    let absolute = path.canonicalize().map_err(|cause| cause.to_string());
    if let State::Loaded(library) = &*state {
        return match absolute? {
            path if path == library.path => Ok(()),
            _ => Err(format!("this process already uses {}", library.path.display())),
        };
    }
    let loaded = absolute.and_then(|path| {
        // The binding asserts what it expects of a library.
        let environment = caught(|| open(&path))?;
        Ok(Library { environment, path })
    });
    match loaded {
        Ok(library) => {
            *state = State::Loaded(library);
            Ok(())
        }
        Err(reason) => {
            *state = State::Refused(format!("{}: {reason}", path.display()));
            Err(reason)
        }
    }
}

/// The engine's own words without the place in its source and the name of the status, on one line.
fn in_words(error: ort::Error) -> String {
    let text = error.to_string();
    let said =
        text.rsplit_once("[ONNXRuntimeError]").map_or(&*text, |(_, said)| said.trim_start_matches(" : "));
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn open(path: &Path) -> Result<Environment, String> {
    let environment = ort::init_from(path).map_err(|refused| match refused {
        ort::LoadDynamicError::Dlopen { error, .. } => error.to_string(),
        ort::LoadDynamicError::MissingApi { .. } => "it is a library, but not ONNX Runtime".to_owned(),
        ort::LoadDynamicError::BadVersion { version_str, .. } => {
            format!("it is ONNX Runtime {version_str}, and 1.{} or later is needed", ort::MINOR_VERSION)
        }
        other => other.to_string(),
    })?;
    // What it logs it also returns as an error; on its own it would write to the terminal.
    let quiet = Arc::new(|_: LogLevel, _: &str, _: &str, _: &str, _: &str| {});
    let environment = environment.with_name("tributary").with_telemetry(false).with_logger(quiet);
    let environment = environment.build().map_err(in_words)?;
    // With a logger of one's own the level is "everything", which costs time in every run.
    environment.set_log_level(LogLevel::Error);
    Ok(environment)
}

/// The library, or why there is none.
pub(super) fn library() -> Result<Library, String> {
    match &*locked(&STATE) {
        State::Loaded(library) => Ok(library.clone()),
        State::Refused(reason) => Err(format!("ONNX Runtime cannot be used: {reason}")),
        State::Unnamed => Err("no library of ONNX Runtime was named".to_owned()),
    }
}

impl Library {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// In its own words: branch, commit, flags.
    pub(super) fn build(&self) -> &'static str {
        ort::info()
    }
}

/// Whether the device that is asked for can be used at all; the reason where not.
pub(super) fn check_device(library: &Library, options: SessionOptions) -> Result<(), String> {
    caught(|| builder(library, options, None, 1).map(drop)).map_err(|reason| {
        if options.device.is_accelerator() {
            let reason = reason.trim_end_matches('.');
            let needs =
                "the library must be built for it (`cargo xtask setup --gpu` brings one), and driver and";
            format!("{reason}; {needs} {} must be installed; or choose the CPU", options.device)
        } else {
            reason
        }
    })
}

fn builder(
    library: &Library,
    options: SessionOptions,
    graph: Option<&Graph<'_>>,
    threads: usize,
) -> Result<SessionBuilder, String> {
    let built = || -> Result<SessionBuilder, ort::Error> {
        let builder = Session::builder(&library.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(threads)?
            .with_inter_threads(1)?
            // Waiting threads that spin take the cores of cutters and assemblers (2.2x on a busy machine).
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            // It keeps a plan for every shape it has seen, and the memory grows with each (figures in `models/README.md`).
            .with_memory_pattern(false)?
            // In the arena, weights leave their place behind when they were packed for the processor.
            .with_config_entry("session.use_device_allocator_for_initializers", "1")?
            .with_execution_providers(providers::of(options, graph))?;
        Ok(builder)
    };
    built().map_err(in_words)
}

/// Loaded graphs. The binding lets one thread at a time run a session, so every lane has sessions of its own.
pub(super) struct OnnxRuntime {
    graphs: Vec<Opened>,
}

/// One graph.
struct Opened {
    name: String,
    /// Names and types of its inputs.
    inputs: Vec<(String, TensorElementType)>,
    all: Mutex<Runner>,
    lanes: Vec<Lane>,
}

/// A session, and the places of shapes that come again.
struct Runner {
    session: Session,
    bindings: Option<Bindings>,
}

/// Made when it is first needed: each holds the weights once more.
struct Lane {
    runner: Mutex<Option<Runner>>,
    threads: usize,
    source: Arc<Source>,
}

struct Source {
    library: Library,
    onnx: Vec<u8>,
    options: SessionOptions,
}

impl OnnxRuntime {
    pub(super) fn load(
        library: Library,
        graphs: &[Graph<'_>],
        options: SessionOptions,
        threads: &Threads,
    ) -> Result<Self, String> {
        let load = |graph: &Graph<'_>| {
            let all = Runner::new(&library, options, graph, threads.all())?;
            let inputs = all.session.inputs().iter().map(|input| {
                let kind = input.dtype().tensor_type().unwrap_or(TensorElementType::Undefined);
                (input.name().to_owned(), kind)
            });
            let inputs = inputs.collect();
            // One lane has all threads: it needs no session of its own. Nor do those of a graph in a file: it is large, each
            // would hold its weights once more, and by then the file may be another one.
            let (counts, onnx) = match graph.onnx {
                Onnx::Bytes(onnx) if threads.lanes().len() > 1 => (threads.lanes(), onnx.to_vec()),
                Onnx::Bytes(_) | Onnx::File(_) => (&[][..], Vec::new()),
            };
            let source = Arc::new(Source { library: library.clone(), onnx, options });
            let lane = |&threads| Lane { runner: Mutex::new(None), threads, source: Arc::clone(&source) };
            let lanes = counts.iter().map(lane).collect();
            Ok(Opened { name: graph.name.to_owned(), inputs, all: Mutex::new(all), lanes })
        };
        Ok(Self { graphs: graphs.iter().map(load).collect::<Result<_, String>>()? })
    }
}

impl Loaded for OnnxRuntime {
    fn run(
        &self,
        share: Share,
        graph: &str,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, String> {
        let graph = self.graphs.iter().find(|known| known.name == graph);
        let graph = graph.ok_or("it has no graph of that name")?;
        let lane = match share {
            Share::Lane(lane) => graph.lanes.get(lane),
            Share::All => None,
        };
        let Some(lane) = lane else { return locked(&graph.all).run(&graph.inputs, inputs, outputs) };
        let mut runner = locked(&lane.runner);
        if runner.is_none() {
            let Source { library, onnx, options } = &*lane.source;
            // A lane is a share of the CPU, for which shapes need not be known beforehand.
            let again = Graph { name: &graph.name, onnx: Onnx::Bytes(onnx), ranges: &[] };
            *runner = Some(Runner::new(library, *options, &again, lane.threads)?);
        }
        runner.as_mut().expect("it was made above").run(&graph.inputs, inputs, outputs)
    }

    fn bound_shapes(&self) -> usize {
        let of = |graph: &Opened| locked(&graph.all).bindings.as_ref().map_or(0, Bindings::len);
        self.graphs.iter().map(of).sum()
    }
}

impl Runner {
    fn new(
        library: &Library,
        options: SessionOptions,
        graph: &Graph<'_>,
        threads: usize,
    ) -> Result<Self, String> {
        let mut builder = builder(library, options, Some(graph), threads)?;
        let session = match graph.onnx {
            Onnx::Bytes(onnx) => builder.commit_from_memory(onnx),
            Onnx::File(path) => builder.commit_from_file(path),
        };
        let session = session.map_err(in_words)?;
        let places = || Bindings::new(options.device, options.device_number, options.cuda_graphs);
        Ok(Self { session, bindings: options.binds().then(places) })
    }

    fn run(&mut self, types: &Types, inputs: &[Input<'_>], outputs: &[&str]) -> Result<Vec<Output>, String> {
        let Some(bindings) = &mut self.bindings else {
            let options = RunOptions::new().map_err(in_words)?;
            return loose(&mut self.session, types, inputs, (outputs, options));
        };
        let key = Key::of(inputs, outputs);
        if let Some(came) = bindings.run(&mut self.session, &key, types, inputs) {
            return Ok(came);
        }
        let options = bindings.loose().map_err(in_words)?;
        let came = loose(&mut self.session, types, inputs, (outputs, options))?;
        bindings.saw(key, kinds(&self.session, outputs, &came));
        Ok(came)
    }
}

/// A run whose inputs and outputs have no places of their own.
fn loose(
    session: &mut Session,
    types: &Types,
    inputs: &[Input<'_>],
    (outputs, options): (&[&str], RunOptions),
) -> Result<Vec<Output>, String> {
    let mut lent: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let kind = tensors::type_of(types, input.name)?;
        lent.push((input.name, tensors::lent(*input, kind).map_err(in_words)?));
    }
    let wanted = outputs.iter().fold(OutputSelector::no_default(), |wanted, name| wanted.with(*name));
    let options = options.with_outputs(wanted);
    let values = session.run_with_options(lent, &options).map_err(in_words)?;
    let values = outputs.iter().map(|name| tensors::output(&values[*name]));
    values.collect::<Result<_, _>>().map_err(in_words)
}

/// Types and shapes of what came out; the type is the graph's, since we have made floats of it.
fn kinds(session: &Session, outputs: &[&str], came: &[Output]) -> Vec<Kind> {
    let kind = |(name, output): (&&str, &Output)| {
        let known = session.outputs().iter().find(|known| known.name() == *name);
        let kind = known.and_then(|known| known.dtype().tensor_type()).unwrap_or(TensorElementType::Float32);
        (kind, output.shape.iter().map(|&size| size as i64).collect())
    };
    outputs.iter().zip(came).map(kind).collect()
}
