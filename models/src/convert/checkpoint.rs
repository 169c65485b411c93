//! A checkpoint as weights: what the graphs ask for by name.

use super::{ConvertError, Weights};
use crate::checkpoint::Checkpoint;
use std::cell::RefCell;
use std::io::{Read, Seek};

/// Weights that lie in a checkpoint and are read when the graph is written.
pub struct CheckpointWeights<R>(RefCell<Checkpoint<R>>);

impl<R: Read + Seek> From<Checkpoint<R>> for CheckpointWeights<R> {
    fn from(checkpoint: Checkpoint<R>) -> Self {
        Self(RefCell::new(checkpoint))
    }
}

impl<R: Read + Seek> Weights for CheckpointWeights<R> {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.borrow().get(name).map(|tensor| tensor.shape().to_vec())
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ConvertError> {
        let numbers = self.0.borrow_mut().read_f32(name);
        numbers.map_err(|cause| ConvertError::Read { name: name.to_owned(), cause: Box::new(cause) })
    }
}
