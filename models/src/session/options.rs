//! What a deployment chooses about engines and devices. Words only: nothing here runs.

use super::{Device, EngineChoice};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::Path;

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
    /// With how many bits.
    pub precision: Precision,
    /// An accelerator: which kernels compute attention.
    pub attention: Attention,
    /// An accelerator: as much memory as one graph may take for weights and activations; none for all there is.
    pub memory_bytes_max: Option<u64>,
    /// CUDA: replays the launches of a run of shapes that came before, instead of launching each kernel anew. Not for
    /// graphs with loops or conditions.
    pub cuda_graphs: bool,
    /// Keeps inputs and outputs of shapes that come again where the device has them; none lets the device decide:
    /// accelerators do, on the CPU it would be one copy more.
    pub bind_shapes: Option<bool>,
    /// TensorRT: the folder in which compiled engines and timings outlive the process; none compiles at every start,
    /// which takes minutes. Whoever reads a configuration has it as long as the process lives.
    pub engine_cache: Option<&'static Path>,
}

/// With how many bits a network computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// On accelerators the half-precision graph of a card that has one, since its publisher measured that; all else in
    /// single precision, which is what the figures on the cards were measured with.
    #[default]
    Auto,
    /// Single precision always.
    Full,
    /// As few bits as the device is faster with: half-precision graphs where a card has them, TF32 with CUDA, FP16
    /// with TensorRT. Results differ from those of the CPU by about a thousandth.
    Half,
}

/// Which kernels compute attention on an NVIDIA card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attention {
    /// What ONNX Runtime takes for the card and the graph.
    #[default]
    Auto,
    /// Flash attention: half precision, Ampere and later.
    Flash,
    /// Memory-efficient attention: any precision.
    Efficient,
    /// Plain products; the memory grows with the square of the length.
    Math,
}

impl SessionOptions {
    /// More threads than this are not started, however many are asked for.
    pub const THREADS_MAX: usize = 256;
    /// More items than this are not run at once, since each holds its own activations and whatever waits for it;
    /// with more threads, items get several each.
    pub const LANES_MAX: usize = 4;

    /// Whether a card's half-precision graphs are taken.
    #[must_use]
    pub fn takes_half(self) -> bool {
        match self.precision {
            Precision::Auto => self.device.is_accelerator(),
            Precision::Full => false,
            Precision::Half => true,
        }
    }

    /// Whether shapes that come again are kept on the device.
    pub(super) fn binds(self) -> bool {
        self.bind_shapes.unwrap_or_else(|| self.device.is_accelerator())
    }
}

impl Default for SessionOptions {
    /// As many threads as this machine runs at once, on its CPU.
    fn default() -> Self {
        Self {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            engine: EngineChoice::Auto,
            device: Device::Cpu,
            device_number: 0,
            precision: Precision::Auto,
            attention: Attention::Auto,
            memory_bytes_max: None,
            cuda_graphs: false,
            bind_shapes: None,
            engine_cache: None,
        }
    }
}
