//! Weights whose reading is told: how far a conversion is, by the bytes of its tensors.

use super::{ConvertError, Weights};
use std::cell::{Cell, RefCell};

/// Weights, and whoever hears how many of their bytes were read.
pub struct Watched<'a> {
    weights: &'a dyn Weights,
    read_bytes: Cell<u64>,
    told: RefCell<&'a mut dyn FnMut(u64)>,
}

impl<'a> Watched<'a> {
    /// `told` hears the bytes, as 32-bit floats, that were read since the beginning.
    pub fn new(weights: &'a dyn Weights, told: &'a mut dyn FnMut(u64)) -> Self {
        Self { weights, read_bytes: Cell::new(0), told: RefCell::new(told) }
    }
}

impl Weights for Watched<'_> {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.weights.shape(name)
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ConvertError> {
        let numbers = self.weights.read(name)?;
        self.read_bytes.set(self.read_bytes.get() + size_of_val(&numbers[..]) as u64);
        (self.told.borrow_mut())(self.read_bytes.get());
        Ok(numbers)
    }
}
