//! What comes of a checkpoint and its settings: the recipe, and the graph when it is asked for. All that settings and
//! tensors say is held against each other here, before anything is written.

use super::family::Family;
use super::roformer::{self, Target};
use super::transformer::Net;
use super::{ConvertError, Weights};
use crate::checkpoint::{Checkpoint, Settings};
use crate::recipe::Recipe;
use std::io::{Read, Seek};

/// A network that is understood: its surroundings and its shape.
#[derive(Clone, Debug)]
pub struct Design {
    recipe: Recipe,
    shape: Shape,
    weights_bytes: u64,
}

#[derive(Clone, Debug)]
enum Shape {
    Roformer(roformer::Shape),
}

impl Design {
    /// Understands a checkpoint by its settings, which some architectures have inside.
    ///
    /// # Errors
    /// The architecture is not known; settings are missing, or contradict the weights (all contradictions at once);
    /// tensors are missing, extra or of another shape (all at once).
    pub fn of<R: Read + Seek>(
        checkpoint: &Checkpoint<R>,
        settings: Option<&Settings>,
    ) -> Result<Self, ConvertError> {
        let family = Family::of(checkpoint, settings)?;
        let (recipe, shape) = match family {
            Family::BsRoformer | Family::MelBandRoformer => {
                let settings = settings.ok_or(ConvertError::NoSettings { family: family.word() })?;
                let (recipe, shape) = roformer::settings::read(family, settings, checkpoint)?;
                checkpoint.check(&roformer::tensors::expected(family, &shape, checkpoint))?;
                (recipe, Shape::Roformer(shape))
            }
        };
        let elements: u64 = checkpoint.tensors().map(|(_, tensor)| tensor.elements() as u64).sum();
        Ok(Self { recipe, shape, weights_bytes: elements * size_of::<f32>() as u64 })
    }

    /// How the network is fed.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Bytes of all tensors as 32-bit floats: what reading them is told of (see [`Watched`](super::Watched)).
    #[must_use]
    pub fn weights_bytes(&self) -> u64 {
        self.weights_bytes
    }

    /// The graph, for one chunk at once.
    ///
    /// # Errors
    /// Where a tensor cannot be read.
    pub fn graph<'w>(&self, weights: &'w dyn Weights, target: Target) -> Result<Net<'w>, ConvertError> {
        match &self.shape {
            Shape::Roformer(shape) => roformer::graph(shape, weights, target),
        }
    }
}
