//! Published checkpoints become graphs of ours: the same function, emitted for speed instead of traced. No Python, no
//! files, no network; whoever calls brings weights by name and says where the graph goes.

mod bag;
mod bands;
mod channels;
mod checkpoint;
mod family;
pub mod htdemucs;
pub mod roformer;
mod rotary;
mod said;
pub mod scnet;
mod scope;
mod separator;
mod stems;
mod survey;
#[cfg(test)]
mod tests;
mod transformer;
mod trial;

pub use bag::Bag;
pub use bands::Bands;
pub use checkpoint::CheckpointWeights;
pub use family::Family;
pub use roformer::Target;
pub use separator::Separator;
pub use trial::{Trial, TrialError, difference_db};

use crate::checkpoint::CheckpointError;
use crate::onnx::GraphError;
use std::fmt::Write;
use std::io;

/// Weights by the names that their publisher's code gives them.
pub trait Weights {
    /// The shape of a tensor; none where there is no such tensor.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;

    /// All numbers of a tensor, row-major.
    ///
    /// # Errors
    /// Where they cannot be read, or there is no such tensor.
    fn read(&self, name: &str) -> Result<Vec<f32>, ConvertError>;

    /// Whether a tensor is there and of that shape.
    ///
    /// # Errors
    /// [`ConvertError::Tensor`] where not.
    fn expect(&self, name: &str, expected: &[usize]) -> Result<(), ConvertError> {
        let found = match self.shape(name) {
            Some(shape) if shape == expected => return Ok(()),
            Some(shape) => format!("{shape:?}"),
            None => "missing".to_owned(),
        };
        Err(ConvertError::Tensor { name: name.to_owned(), expected: expected.to_vec(), found })
    }
}

/// Why no graph comes of a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The settings and the weights do not belong together, or no code here knows them.
    #[error("{0}")]
    Settings(String),
    /// The settings say one thing and the weights another: settings of another model, most of the time.
    #[error("settings and weights do not belong together:{}", lines(.0))]
    Contradictions(Vec<CheckpointError>),
    /// No architecture that is known here.
    #[error("its architecture is not known here: {found}; known are {}", Family::known())]
    Unknown {
        /// What there is instead, in words.
        found: String,
    },
    /// Its settings are in a file of their own, and there is none.
    #[error(
        "a checkpoint of {family} does not hold its settings: give the YAML file that its publisher gives beside it \
         (--settings FILE)"
    )]
    NoSettings {
        /// Of which architecture, or of which of them.
        family: &'static str,
    },
    /// A tensor that the architecture needs is not there, or has another shape.
    #[error("tensor `{name}` should be {expected:?} and is {found}")]
    Tensor {
        /// Its name.
        name: String,
        /// Its shape by the settings.
        expected: Vec<usize>,
        /// What is there.
        found: String,
    },
    /// The checkpoint or its settings cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights cannot be read.
    #[error("cannot read tensor `{name}`")]
    Read {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A bug: the graph makes no sense.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The graph cannot be written.
    #[error("cannot write the graph")]
    Write(#[from] io::Error),
}

/// One error a line.
fn lines(errors: &[CheckpointError]) -> String {
    errors.iter().fold(String::new(), |mut text, error| {
        write!(text, "\n  {error}").expect("a string takes any number of letters");
        text
    })
}
