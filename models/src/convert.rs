//! Published checkpoints become graphs of ours: the same function, emitted for speed instead of traced. No Python, no
//! files, no network; whoever calls brings weights by name and says where the graph goes.

mod architecture;
mod bag;
mod bands;
mod channels;
mod checkpoint;
pub mod htdemucs;
mod published;
pub mod roformer;
mod rotary;
pub mod scnet;
mod scope;
mod survey;
mod transformer;

pub use bag::Bag;
pub use bands::Bands;
pub use checkpoint::CheckpointWeights;

use crate::checkpoint::{Checkpoint, CheckpointError, Settings};
use crate::onnx::{self, GraphError, Written};
use crate::recipe::Recipe;
use published::Published;
use roformer::Target;
use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, Write};
use survey::Survey;

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

/// The class whose packages have their settings inside.
const HTDEMUCS: &str = "demucs.htdemucs.HTDemucs";

/// A checkpoint whose settings were read and whose tensors are those that its network needs.
pub struct Separator<R> {
    weights: CheckpointWeights<R>,
    published: Published,
    numbers: u64,
}

impl<R: Read + Seek> Separator<R> {
    /// The same for a package of Demucs, which has its settings inside.
    ///
    /// # Errors
    /// As of [`Self::new`], and where there are none, or those of another network.
    pub fn of_package(checkpoint: Checkpoint<R>) -> Result<Self, ConvertError> {
        let class = checkpoint.enclosed("klass")?;
        let class = class.as_ref().map(|class| class.root().text()).transpose()?;
        match (class, checkpoint.enclosed("kwargs")?) {
            (Some(HTDEMUCS), Some(settings)) => Self::new(checkpoint, &settings),
            (Some(class), _) => Err(ConvertError::Settings(format!(
                "the checkpoint is one of `{class}`; of those with settings inside only `{HTDEMUCS}` is known"
            ))),
            (None, _) => Err(ConvertError::Settings("the checkpoint has no settings inside".to_owned())),
        }
    }

    /// Reads settings and the checkpoint's directory, no numbers.
    ///
    /// # Errors
    /// Where no network here is like that, settings contradict each other or the weights, or tensors are missing, too many
    /// or of another shape: then all of them are listed.
    pub fn new(checkpoint: Checkpoint<R>, settings: &Settings) -> Result<Self, ConvertError> {
        let published = published::read(settings)?;
        let tensors: Vec<(String, u64)> = checkpoint
            .tensors()
            .map(|(name, tensor)| (name.to_owned(), tensor.shape().iter().product::<usize>() as u64))
            .collect();
        let weights = CheckpointWeights::from(checkpoint);
        let survey = Survey::new(&weights);
        let architecture = &published.architecture;
        architecture.survey(&survey)?;
        survey.finish(tensors.iter().map(|(name, _)| name.as_str()), |name| architecture.is_spare(name))?;
        let numbers = tensors.iter().map(|(_, numbers)| numbers).sum();
        Ok(Self { weights, published, numbers })
    }

    /// How its network is fed.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.published.recipe
    }

    /// About how many bytes the graph takes on disk.
    #[must_use]
    pub fn graph_bytes(&self, target: Target) -> u64 {
        let number = if target == Target::Gpu { 2 } else { 4 };
        // The angles of rotary places and the graph itself are little beside the weights.
        self.numbers * number + (16 << 20)
    }

    /// How many multiplications one chunk takes: see [`onnx::Graph::multiplications`].
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn multiplications(&self) -> Result<u64, ConvertError> {
        Ok(self.published.architecture.graph(&self.weights, Target::Gpu)?.multiplications())
    }

    /// Writes the graph to `out`, or graph and weights where one file cannot hold them: see [`onnx::write`]. `told` hears
    /// how many of how many numbers were read.
    ///
    /// # Errors
    /// Where numbers are not finite, or reading or writing fails.
    pub fn write<W: Write>(
        &self,
        target: Target,
        metadata: &[(&str, &str)],
        weights_name: &str,
        out: &mut impl Write,
        beside: impl FnOnce() -> io::Result<W>,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Written, ConvertError> {
        let weights =
            Told { weights: &self.weights, done: Cell::new(0), all: self.numbers, told: RefCell::new(told) };
        let graph = self.published.architecture.graph(&weights, target)?;
        onnx::write(graph, metadata, weights_name, out, beside)
    }
}

/// Weights that say how many of their numbers were read.
struct Told<'a> {
    weights: &'a dyn Weights,
    done: Cell<u64>,
    all: u64,
    told: RefCell<&'a mut dyn FnMut(u64, u64)>,
}

impl Weights for Told<'_> {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.weights.shape(name)
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ConvertError> {
        let numbers = self.weights.read(name)?;
        self.done.set(self.done.get() + numbers.len() as u64);
        (self.told.borrow_mut())(self.done.get().min(self.all), self.all);
        Ok(numbers)
    }
}
