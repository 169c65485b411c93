//! Graphs on ONNX Runtime, a library that is loaded when the program runs. Errors are the engine's words.
//!
//! The binding panics when it is touched before a library was loaded, so nothing here touches it without a
//! [`Library`], and only [`use_library`] makes one.

use super::engine::Loaded;
use super::threads::{Share, Threads};
use super::{Device, Input, Output, SessionOptions, caught};
use ort::environment::Environment;
use ort::ep::{self, ExecutionProviderDispatch};
use ort::logging::LogLevel;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::{Tensor, TensorElementType, TensorRef};
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
    caught(|| builder(library, options, 1).map(drop)).map_err(|reason| {
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

fn providers(options: SessionOptions) -> Vec<ExecutionProviderDispatch> {
    let number = i32::from(options.device_number);
    // Single precision is what the figures on the cards were measured with.
    let cuda = || ep::CUDA::default().with_device_id(number).with_tf32(options.reduced_precision).build();
    let tensor_rt = || {
        let tensor_rt = ep::TensorRT::default().with_device_id(number).with_fp16(options.reduced_precision);
        // Sums of squares overflow half precision first.
        tensor_rt.with_layer_norm_fp32_fallback(true).build()
    };
    let wanted = match options.device {
        Device::Cpu => Vec::new(),
        Device::Cuda => vec![cuda()],
        Device::TensorRt => vec![tensor_rt(), cuda()],
    };
    // Without this the binding goes on with the CPU and says nothing.
    wanted.into_iter().map(ExecutionProviderDispatch::error_on_failure).collect()
}

fn builder(library: &Library, options: SessionOptions, threads: usize) -> Result<SessionBuilder, String> {
    let built = || -> Result<SessionBuilder, ort::Error> {
        let builder = Session::builder(&library.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(threads)?
            .with_inter_threads(1)?
            // Waiting threads that spin take the cores of cutters and assemblers (2.2x on a busy machine).
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .with_execution_providers(providers(options))?;
        Ok(builder)
    };
    built().map_err(in_words)
}

/// Loaded graphs. The binding lets one thread at a time run a session, so every lane has sessions of its own.
pub(super) struct OnnxRuntime {
    graphs: Vec<Graph>,
}

struct Graph {
    name: String,
    /// Names and types of its inputs.
    inputs: Vec<(String, TensorElementType)>,
    all: Mutex<Session>,
    lanes: Vec<Lane>,
}

/// Made when it is first needed: each holds the weights once more.
struct Lane {
    session: Mutex<Option<Session>>,
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
        graphs: &[(&str, &[u8])],
        options: SessionOptions,
        threads: &Threads,
    ) -> Result<Self, String> {
        let load = |(name, onnx): &(&str, &[u8])| {
            let mut builder = builder(&library, options, threads.all())?;
            let all = builder.commit_from_memory(onnx).map_err(in_words)?;
            let inputs = all.inputs().iter().map(|input| {
                let kind = input.dtype().tensor_type().unwrap_or(TensorElementType::Undefined);
                (input.name().to_owned(), kind)
            });
            let inputs = inputs.collect();
            // One lane has all threads: it needs no session of its own.
            let counts = if threads.lanes().len() > 1 { threads.lanes() } else { &[] };
            let onnx = if counts.is_empty() { Vec::new() } else { onnx.to_vec() };
            let source = Arc::new(Source { library: library.clone(), onnx, options });
            let lane = |&threads| Lane { session: Mutex::new(None), threads, source: Arc::clone(&source) };
            let lanes = counts.iter().map(lane).collect();
            Ok(Graph { name: (*name).to_owned(), inputs, all: Mutex::new(all), lanes })
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
        let Some(lane) = lane else { return graph.run(&mut locked(&graph.all), inputs, outputs) };
        let mut session = locked(&lane.session);
        if session.is_none() {
            let mut builder = builder(&lane.source.library, lane.source.options, lane.threads)?;
            let made = builder.commit_from_memory(&lane.source.onnx);
            *session = Some(made.map_err(in_words)?);
        }
        graph.run(session.as_mut().expect("it was made above"), inputs, outputs)
    }
}

impl Graph {
    fn run(
        &self,
        session: &mut Session,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, String> {
        let bound = inputs.iter().map(|input| Ok((input.name, self.bind(*input)?)));
        let bound: Vec<(&str, SessionInputValue<'_>)> = bound.collect::<Result<_, String>>()?;
        let wanted = outputs.iter().fold(OutputSelector::no_default(), |wanted, name| wanted.with(*name));
        let run = || -> Result<Vec<Output>, ort::Error> {
            let options = RunOptions::new()?.with_outputs(wanted);
            let values = session.run_with_options(bound, &options)?;
            let named = outputs.iter().map(|name| {
                let (shape, data) = values[*name].try_extract_tensor::<f32>()?;
                let shape = shape.iter().map(|&size| size as usize).collect();
                Ok(Output { shape, data: data.to_vec() })
            });
            named.collect()
        };
        run().map_err(in_words)
    }

    fn bind<'a>(&self, input: Input<'a>) -> Result<SessionInputValue<'a>, String> {
        let found = self.inputs.iter().find(|(name, _)| name == input.name);
        let (_, kind) = found.ok_or_else(|| format!("the graph has no input `{}`", input.name))?;
        let shape: Vec<i64> = input.shape.iter().map(|&size| size as i64).collect();
        let value = match kind {
            TensorElementType::Int64 => {
                let whole: Vec<i64> = input.data.iter().map(|number| number.round() as i64).collect();
                Tensor::from_array((shape, whole)).map(SessionInputValue::from)
            }
            _ => TensorRef::from_array_view((shape, input.data)).map(SessionInputValue::from),
        };
        value.map_err(in_words)
    }
}
