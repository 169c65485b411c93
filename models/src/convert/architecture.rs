//! The networks that are known, behind one door: which tensors each needs, and its graph.

use super::roformer::Target;
use super::transformer::Net;
use super::{ConvertError, Weights, htdemucs, roformer, scnet};

/// A network and its sizes.
pub(super) enum Architecture {
    /// BS-RoFormer or Mel-Band RoFormer.
    Roformer(roformer::Shape, roformer::Layers),
    /// HTDemucs.
    HtDemucs(htdemucs::Shape),
    /// SCNet.
    Scnet(scnet::Shape),
}

impl Architecture {
    /// Asks `weights` for every tensor that the graph will need.
    pub(super) fn survey(&self, weights: &dyn Weights) -> Result<(), ConvertError> {
        match self {
            Self::Roformer(shape, layers) => roformer::survey(shape, *layers, weights),
            Self::HtDemucs(_) | Self::Scnet(_) => self.graph(weights, Target::Cpu).map(drop),
        }
    }

    /// Whether a tensor need not be asked for.
    pub(super) fn is_spare(&self, name: &str) -> bool {
        match self {
            Self::Roformer(..) => roformer::is_spare(name),
            Self::HtDemucs(_) | Self::Scnet(_) => false,
        }
    }

    /// The graph, for one chunk.
    pub(super) fn graph<'w>(
        &self,
        weights: &'w dyn Weights,
        target: Target,
    ) -> Result<Net<'w>, ConvertError> {
        match self {
            Self::Roformer(shape, _) => roformer::graph(shape, weights, target),
            Self::HtDemucs(shape) => htdemucs::graph(shape, weights, 1, target),
            Self::Scnet(shape) => scnet::graph(shape, weights, 1, target),
        }
    }
}
