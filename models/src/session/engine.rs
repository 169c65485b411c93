//! What every engine can do, which one a session takes, and which one really runs.

use super::onnx_runtime::{self, OnnxRuntime};
use super::rten_engine::Rten;
use super::threads::{Share, Threads};
use super::{Graph, Input, Output, SessionOptions};
use crate::ModelError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which neural engine is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineChoice {
    /// ONNX Runtime where its library was found and takes the graph, else the one that is built in.
    #[default]
    Auto,
    /// The one that is built in. Runs on the CPU only.
    Rten,
    /// ONNX Runtime or nothing.
    OnnxRuntime,
}

impl fmt::Display for EngineChoice {
    /// As a configuration says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Rten => "rten",
            Self::OnnxRuntime => "onnx-runtime",
        })
    }
}

/// What the arithmetic is done on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA card, by ONNX Runtime's CUDA provider.
    Cuda,
    /// An NVIDIA card, by TensorRT, and by CUDA for what TensorRT does not know.
    #[serde(rename = "tensorrt")]
    TensorRt,
}

impl Device {
    /// Whether it is anything but the processor.
    #[must_use]
    pub fn is_accelerator(self) -> bool {
        self != Self::Cpu
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::Cuda => "CUDA",
            Self::TensorRt => "TensorRT",
        })
    }
}

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// None: the pipeline is signal processing alone.
    None,
    /// The one that is built in.
    Rten,
    /// ONNX Runtime.
    OnnxRuntime,
    /// whisper.cpp, for speech models.
    WhisperCpp,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no engine",
            Self::Rten => "rten",
            Self::OnnxRuntime => "ONNX Runtime",
            Self::WhisperCpp => "whisper.cpp",
        })
    }
}

/// What a session really runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// By whom.
    pub engine: Engine,
    /// On what.
    pub device: Device,
    /// Why it is not the engine that [`EngineChoice::Auto`] takes first.
    pub instead: Option<String>,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.engine, self.device)?;
        self.instead.as_ref().map_or(Ok(()), |reason| write!(f, " ({reason})"))
    }
}

/// Graphs that an engine has loaded. Errors are the engine's words.
pub(super) trait Loaded: Send + Sync {
    /// Runs one graph on `share` of the threads.
    fn run(
        &self,
        share: Share,
        graph: &str,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, String>;

    /// How many sets of shapes have places of their own on the device.
    fn bound_shapes(&self) -> usize {
        0
    }
}

/// The graphs on the engine that the options ask for, and what that is.
pub(super) fn load(
    model: &str,
    graphs: &[Graph<'_>],
    options: SessionOptions,
    threads: &Threads,
) -> Result<(Box<dyn Loaded>, Running), ModelError> {
    let rten = || super::guarded(model, || Ok(Box::new(Rten::load(graphs, threads)?) as Box<dyn Loaded>));
    let onnx = |runtime: onnx_runtime::Library| {
        super::guarded(model, || {
            OnnxRuntime::load(runtime, graphs, options, threads)
                .map(|loaded| Box::new(loaded) as Box<dyn Loaded>)
        })
    };
    let running = |engine, device, instead| Running { engine, device, instead };
    check(options)?;
    match (options.engine, options.device) {
        (EngineChoice::Rten, _) => Ok((rten()?, running(Engine::Rten, Device::Cpu, None))),
        (EngineChoice::OnnxRuntime, device)
        | (EngineChoice::Auto, device @ (Device::Cuda | Device::TensorRt)) => {
            let library = onnx_runtime::library().map_err(|reason| no_engine(options, reason))?;
            Ok((onnx(library)?, running(Engine::OnnxRuntime, device, None)))
        }
        (EngineChoice::Auto, Device::Cpu) => {
            let refused = match onnx_runtime::library() {
                Ok(library) => match onnx(library) {
                    Ok(loaded) => return Ok((loaded, running(Engine::OnnxRuntime, Device::Cpu, None))),
                    Err(error) => error.to_string(),
                },
                Err(reason) => reason,
            };
            Ok((rten()?, running(Engine::Rten, Device::Cpu, Some(refused))))
        }
    }
}

/// Whether there is what `options` insist on. Who asks for an accelerator gets it or is told: a silent CPU would be found
/// in the electricity bill.
pub(super) fn check(options: SessionOptions) -> Result<(), ModelError> {
    let found = match (options.engine, options.device) {
        (EngineChoice::Auto | EngineChoice::Rten, Device::Cpu) => Ok(()),
        (EngineChoice::Rten, _) => {
            Err("it runs on the CPU only; ask for ONNX Runtime, or for the CPU".to_owned())
        }
        _ => onnx_runtime::library().and_then(|library| onnx_runtime::check_device(&library, options)),
    };
    found.map_err(|reason| no_engine(options, reason))
}

fn no_engine(options: SessionOptions, reason: String) -> ModelError {
    let engine = if options.engine == EngineChoice::Rten { Engine::Rten } else { Engine::OnnxRuntime };
    ModelError::NoEngine { wanted: format!("{engine} on {}", options.device), reason }
}

impl Running {
    /// What a session without a network says.
    pub(super) fn nothing() -> Self {
        Self { engine: Engine::None, device: Device::Cpu, instead: None }
    }
}
