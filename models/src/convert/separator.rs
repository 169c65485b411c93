//! A publisher's separator, understood: all that settings and tensors say was held against each other before anything is
//! written. Recipe and graph come of it.

use super::family::Family;
use super::roformer::{self, Target};
use super::said::{OVERLAP, Said};
use super::survey::Survey;
use super::transformer::Net;
use super::{CheckpointWeights, ConvertError, Trial, Weights, htdemucs, scnet};
use crate::checkpoint::{Checkpoint, Settings};
use crate::onnx::{self, Written};
use crate::recipe::Recipe;
use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, Write};

/// Nodes and names of a graph, beside its weights.
const BESIDE_WEIGHTS_BYTES: u64 = 16 << 20;

/// A checkpoint whose settings were read and whose tensors are those that its network needs.
pub struct Separator<R> {
    weights: CheckpointWeights<R>,
    recipe: Recipe,
    shape: Shape,
    numbers: u64,
    one_file_bytes_max: u64,
}

/// By architecture.
enum Shape {
    Roformer(roformer::Shape),
    HtDemucs(htdemucs::Shape),
    Scnet(scnet::Shape),
}

impl<R: Read + Seek> Separator<R> {
    /// Reads settings and the checkpoint's directory, no numbers. Some architectures have their settings inside.
    ///
    /// # Errors
    /// The architecture is not known; settings are missing, out of bounds, or contradict the weights (all contradictions at
    /// once); tensors are missing, extra or of another shape (all at once).
    pub fn new<'s>(
        checkpoint: Checkpoint<R>,
        settings: impl Into<Option<&'s Settings>>,
    ) -> Result<Self, ConvertError> {
        let settings = settings.into();
        let family = Family::of(&checkpoint, settings)?;
        let tensors: Vec<(String, u64)> =
            checkpoint.tensors().map(|(name, tensor)| (name.to_owned(), tensor.elements() as u64)).collect();
        let (recipe, shape) = match family {
            Family::BsRoformer | Family::MelBandRoformer => {
                let settings = settings.ok_or(ConvertError::NoSettings { family: family.word() })?;
                let (recipe, shape) = roformer::settings::read(family, settings, &checkpoint)?;
                (recipe, Shape::Roformer(shape))
            }
            Family::HtDemucs => {
                let inside = if settings.is_none() { checkpoint.enclosed("kwargs")? } else { None };
                let settings =
                    settings.or(inside.as_ref()).ok_or(ConvertError::NoSettings { family: family.word() })?;
                let shape = htdemucs::read(settings)?;
                (shape.recipe(Said::new(settings).overlap()?), Shape::HtDemucs(shape))
            }
            Family::Scnet => {
                let settings = settings.ok_or(ConvertError::NoSettings { family: family.word() })?;
                let shape = scnet::read(settings)?;
                let overlap = Said::new(settings).overlap()?.unwrap_or(OVERLAP);
                (shape.recipe(overlap), Shape::Scnet(shape))
            }
        };
        recipe.check().map_err(ConvertError::Settings)?;
        let weights = CheckpointWeights::from(checkpoint);
        let survey = Survey::new(&weights);
        shape.graph(&survey, Target::Cpu)?;
        survey.finish(tensors.iter().map(|(name, _)| name.as_str()), |name| shape.is_spare(name))?;
        let numbers = tensors.iter().map(|(_, numbers)| numbers).sum();
        Ok(Self { weights, recipe, shape, numbers, one_file_bytes_max: onnx::INSIDE_BYTES_MAX })
    }

    /// The same, whose weights are in a file of their own from so many bytes on.
    #[must_use]
    pub fn with_one_file_bytes_max(mut self, one_file_bytes_max: u64) -> Self {
        self.one_file_bytes_max = one_file_bytes_max;
        self
    }

    /// How its network is fed.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// How many multiplications one chunk takes: see [`onnx::Graph::multiplications`].
    ///
    /// # Errors
    /// As [`Separator::write`].
    pub fn multiplications(&self) -> Result<u64, ConvertError> {
        Ok(self.shape.graph(&self.weights, Target::Gpu)?.multiplications())
    }

    /// About how many bytes the graph takes on disk, and no less than it takes.
    #[must_use]
    pub fn graph_bytes(&self, target: Target) -> u64 {
        let number = if target == Target::Gpu { 2 } else { 4 };
        let weights_bytes = match self.shape.graph(&self.weights, target) {
            Ok(graph) => graph.weights_bytes(),
            // It will say so when it is written.
            Err(_) => self.numbers * number,
        };
        weights_bytes + BESIDE_WEIGHTS_BYTES
    }

    /// What shows whether its graph is of use.
    ///
    /// # Errors
    /// As [`Separator::write`].
    pub fn trial(&self, target: Target) -> Result<Trial, ConvertError> {
        let graph = self.shape.graph(&self.weights, target)?;
        Ok(Trial { inputs: graph.inputs(), outputs: graph.outputs() })
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
        let graph = self.shape.graph(&weights, target)?;
        onnx::write_within(self.one_file_bytes_max, graph, metadata, weights_name, out, beside)
    }
}

impl Shape {
    fn graph<'w>(&self, weights: &'w dyn Weights, target: Target) -> Result<Net<'w>, ConvertError> {
        match self {
            Self::Roformer(shape) => roformer::graph(shape, weights, target),
            Self::HtDemucs(shape) => htdemucs::graph(shape, weights, 1, target),
            Self::Scnet(shape) => scnet::graph(shape, weights, 1, target),
        }
    }

    /// Whether a tensor is one of several that are the same.
    fn is_spare(&self, name: &str) -> bool {
        match self {
            Self::Roformer(_) => roformer::is_spare(name),
            Self::HtDemucs(_) | Self::Scnet(_) => false,
        }
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
