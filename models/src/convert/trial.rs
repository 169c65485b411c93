//! A new graph run once before anybody relies on it: an engine must take it, and one chunk of noise must come out in the
//! right shapes and finite. Says nothing of how good the network is.

use crate::onnx::Port;
use crate::session::{Graph, Input, Onnx, Session, SessionOptions};
use crate::{EngineChoice, ModelError};
use std::path::Path;

/// What the graph is called while it is tried.
const NAME: &str = "trial";
/// Loudest noise: as loud as music is, so that networks are where they were trained.
const PEAK: f32 = 0.25;

/// What a graph takes and gives.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its inputs.
    pub inputs: Vec<Port>,
    /// Its outputs.
    pub outputs: Vec<Port>,
}

/// Why a graph is not to be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// No engine takes it, or it fails in it.
    #[error("the graph does not run")]
    Engine(#[from] ModelError),
    /// Something else comes out than should.
    #[error("`{output}` came out as {found:?}, it should be {expected:?}")]
    Shape {
        /// Which output.
        output: String,
        /// What came.
        found: Vec<usize>,
        /// What should have come.
        expected: Vec<usize>,
    },
    /// Infinity, or what is no number.
    #[error("number {at} of `{output}` is {found}")]
    NotFinite {
        /// Which output.
        output: String,
        /// Where in it.
        at: usize,
        /// What came.
        found: f32,
    },
}

impl Trial {
    /// Runs the graph in the file once, with the same noise every time, and answers what came out, one output after the
    /// other, with the engine that it ran on. Takes as long as a chunk takes, and its memory.
    ///
    /// # Errors
    /// Where the graph is not to be used.
    pub fn run(
        &self,
        model: &str,
        graph: &Path,
        options: SessionOptions,
    ) -> Result<(Vec<Vec<f32>>, String), TrialError> {
        let graph = Graph { name: NAME, onnx: Onnx::File(graph), ranges: &[] };
        let mut session = Session::load_in_turn(model, &[graph], options)?;
        let noises: Vec<_> = self.inputs.iter().map(|port| noise(port.shape.iter().product())).collect();
        let pairs = self.inputs.iter().zip(&noises);
        let inputs: Vec<_> =
            pairs.map(|(port, data)| Input { name: &port.name, shape: &port.shape, data }).collect();
        let names: Vec<&str> = self.outputs.iter().map(|port| port.name.as_str()).collect();
        let came = session.run(NAME, &inputs, &names)?;
        let engine = session.engine().to_string();
        let mut all = Vec::with_capacity(came.len());
        for (port, output) in self.outputs.iter().zip(came) {
            let name = || port.name.clone();
            if output.shape != port.shape {
                let expected = port.shape.clone();
                return Err(TrialError::Shape { output: name(), found: output.shape, expected });
            }
            if let Some(at) = output.data.iter().position(|number| !number.is_finite()) {
                return Err(TrialError::NotFinite { output: name(), at, found: output.data[at] });
            }
            all.push(output.data);
        }
        Ok((all, engine))
    }

    /// Runs it on both engines and answers how far they are apart, in dB below what comes out; none where there is only one
    /// engine.
    ///
    /// # Errors
    /// Where one of them does not take it.
    pub fn compare(&self, model: &str, graph: &Path) -> Result<Option<f64>, TrialError> {
        let on = |engine| {
            let options = SessionOptions { engine, ..SessionOptions::default() };
            self.run(model, graph, options)
        };
        let onnx = SessionOptions { engine: EngineChoice::OnnxRuntime, ..SessionOptions::default() };
        if crate::session::check(onnx).is_err() {
            return Ok(None);
        }
        let (theirs, _) = on(EngineChoice::OnnxRuntime)?;
        let (ours, _) = on(EngineChoice::Rten)?;
        Ok(Some(difference_db(&ours.concat(), &theirs.concat())))
    }
}

/// Power of the difference over power of the second, dB; the same is -infinity.
#[must_use]
pub fn difference_db(one: &[f32], other: &[f32]) -> f64 {
    let square = |x: f64| x * x;
    let off: f64 = one.iter().zip(other).map(|(a, b)| square(f64::from(a - b))).sum();
    let all: f64 = other.iter().map(|x| square(f64::from(*x))).sum();
    10.0 * (off / all.max(f64::MIN_POSITIVE)).log10()
}

/// Numbers without a pattern that are the same every time (Knuth's MMIX generator).
fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * PEAK
    };
    (0..count).map(|_| next()).collect()
}
